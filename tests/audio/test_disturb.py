from __future__ import annotations

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.audio.disturb import (
    DISTURBANCES,
    encoded,
    faster,
    limited,
    louder,
    mixed_down,
    muffled,
    noisy,
    transposed,
)

pytestmark = pytest.mark.xdist_group("librosa")
RATE = 44_100


def tone(hertz: float, seconds: float = 3.0, channels: int = 2) -> Audio:
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return Audio(np.stack([wave] * channels).astype(np.float32), RATE, name="a tone")


def pitch(audio: Audio) -> float:
    middle = audio.samples[0, RATE // 2 : -RATE // 2]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 2**19))
    return float(power.argmax() * RATE / 2**19)


@pytest.mark.parametrize("name", DISTURBANCES)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_disturbance_gives_sound(name, channels):
    given = tone(1000, channels=channels)
    before = given.samples.copy()
    got = DISTURBANCES[name](given)
    assert got.rate == RATE
    assert got.samples.dtype == np.float32
    assert got.channels == (1 if name == "mono" else channels)
    assert got.seconds == pytest.approx(3, rel=0.05)
    assert np.isfinite(got.samples).all()
    assert np.abs(got.samples).max() > 0.01
    np.testing.assert_array_equal(given.samples, before)
    np.testing.assert_array_equal(DISTURBANCES[name](given).samples, got.samples)


@pytest.mark.parametrize("percent", [0.1, -0.1, 3, -3])
def test_faster_is_higher_and_shorter(percent):
    got = faster(tone(1000), percent)
    assert pitch(got) == pytest.approx(1000 * (1 + percent / 100), abs=0.1)
    assert got.seconds == pytest.approx(3 / (1 + percent / 100), abs=0.001)
    assert got.file_seconds == got.seconds


@pytest.mark.parametrize("semitones", [2, -2])
def test_transposed_keeps_the_length(semitones):
    got = transposed(tone(1000), semitones)
    assert pitch(got) == pytest.approx(1000 * 2 ** (semitones / 12), abs=0.5)
    assert got.samples.shape == (2, 3 * RATE)


@pytest.mark.parametrize(("codec", "kilobits"), [("mp3", 64), ("aac", 96)])
def test_codecs_lose_little_of_a_tone(codec, kilobits):
    got = encoded(tone(1000), codec, kilobits)
    assert pitch(got) == pytest.approx(1000, abs=0.1)
    assert np.std(got.samples[0, RATE:-RATE]) == pytest.approx(0.5 / 2**0.5, rel=0.05)


def test_mp3_at_64_kbit_cuts_the_treble():
    noise = Audio(np.random.default_rng(0).standard_normal((2, 3 * RATE)).astype(np.float32) * 0.1, RATE)
    got = np.abs(np.fft.rfft(encoded(noise, "mp3", 64).samples[0]))
    hertz = np.fft.rfftfreq(2 * len(got) - 2, 1 / RATE)
    assert got[hertz > 15_000].mean() < 0.01 * got[hertz < 8_000].mean()


def test_noise_lies_as_far_under_the_music_as_asked():
    given = tone(1000)
    added = noisy(given, -30).samples - given.samples
    assert 20 * np.log10(added.std() / given.samples.std()) == pytest.approx(-30, abs=0.1)


def test_gain_rounds_to_16_bits_and_clips():
    soft = louder(tone(1000), -30).samples * 2**15
    np.testing.assert_array_equal(soft, np.round(soft))
    assert soft.max() == pytest.approx(0.5 * 2**15 * 10**-1.5, abs=1)
    assert louder(tone(1000), 20).samples.max() == (2**15 - 1) / 2**15


def test_limiting_rounds_the_peaks_off():
    got = limited(tone(1000), 6)
    assert np.abs(got.samples).max() == pytest.approx(np.tanh(0.5 * 10 ** (6 / 20)), abs=1e-4)


def test_muffled_holds_nothing_above():
    assert np.abs(muffled(tone(9000), 8000).samples[:, RATE:-RATE]).max() < 0.01  # where the tone begins is a click
    assert pitch(muffled(tone(7000), 8000)) == pytest.approx(7000, abs=0.1)


def test_mono_is_the_mean():
    given = Audio(np.stack([np.ones(RATE), np.zeros(RATE)]).astype(np.float32), RATE)
    assert (mixed_down(given).samples == 0.5).all()
