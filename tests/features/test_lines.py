from __future__ import annotations

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features.lines import (
    BANDS,
    EDGES_HZ,
    HIGHEST_DB,
    LONG,
    SECONDS,
    SHORT,
    STEP_DB,
    STEP_HZ,
    Lines,
    find,
)
from chartropy.features.spectra import RATE, Sound


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 0.1


def tone(hertz: float, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE + 1)


def lines_of(*channels: np.ndarray) -> Lines:
    return find(Sound.of(Audio(np.stack(channels).astype(np.float32), RATE)))


def nearest(lines: np.ndarray, hertz: float) -> tuple[float, float]:
    lines = lines.reshape(-1, 2)
    return tuple(lines[np.abs(lines[:, 0] - hertz).argmin()].tolist())


@pytest.mark.parametrize("hertz", [2300.0, 6003.37, 9876.543, 15_211.1])
def test_a_tone_far_under_the_noise_is_found_to_a_few_thousandths_of_a_hertz(hertz):
    # 32 dB under noise of 22 kHz: as high as the noise in 14 Hz
    seconds = 30
    found = lines_of(noise(seconds) + 0.1 * 2**0.5 * 10 ** (-32 / 20) * tone(hertz, seconds))
    where, height = nearest(found.long[0], hertz)
    assert where == pytest.approx(hertz, abs=0.005)
    assert height > 15
    assert nearest(found.short[0], hertz)[0] == pytest.approx(hertz, abs=0.3)


def test_noise_has_no_line_that_stands_out():
    found = lines_of(noise(30, 3), noise(30, 4))
    # the highest of 600,000 bins of white noise: 10·log10(ln 600,000) = 11.2 dB
    assert found.long[..., 1].max() < 14
    assert found.short[..., 1].max() < 6


@pytest.mark.parametrize("seconds", [1.0, 2.5, 10.0, 45.0])
def test_shapes_order_and_steps(seconds):
    found = lines_of(noise(seconds, 1), noise(seconds, 2))
    assert found.long.shape == (2, BANDS, LONG, 2)
    assert found.short.shape == (2, BANDS, SHORT, 2)
    assert found.seconds == pytest.approx(min(seconds, SECONDS))
    for kind in (found.long, found.short):
        assert kind.dtype == np.float32
        assert (np.diff(kind[..., 0], axis=-1) >= 0).all()
        there = kind[..., 0] > 0
        assert there.any() == (seconds >= 2)
        for band in range(BANDS):
            hertz = kind[:, band, :, 0][there[:, band]]
            assert ((hertz > EDGES_HZ[band]) & (hertz < EDGES_HZ[band + 1])).all()
        assert (kind[..., 0] % STEP_HZ == 0).all()
        assert (kind[..., 1] % STEP_DB == 0).all()
        assert (kind[..., 1] <= HIGHEST_DB).all()


def test_level_does_not_matter():
    quiet, loud = (lines_of(level * noise(12, 5)) for level in (0.001, 1.0))
    np.testing.assert_allclose(quiet.long[..., 0], loud.long[..., 0], atol=2 * STEP_HZ)


def test_a_quiet_tone_is_found_beside_loud_moments():
    # a burst 60 dB over the rest would hide it, were its level not divided out
    sound = 0.001 * noise(20) + 0.0001 * tone(5000, 20)
    sound[5 * RATE : 7 * RATE] += noise(2, 7)
    assert nearest(lines_of(sound).long[0], 5000.0) == (pytest.approx(5000, abs=0.01), pytest.approx(40, abs=12))


def test_mid_and_side_are_apart():
    sound, line = noise(12), 0.02 * tone(4000, 12)
    both, opposed = lines_of(sound + line, sound + line), lines_of(sound + line, sound - line)
    assert nearest(both.long[0], 4000.0)[1] > 20
    assert not both.long[1].any()  # one sound in both channels leaves nothing in side
    assert nearest(opposed.long[1], 4000.0)[1] > 20
    assert abs(nearest(opposed.long[0], 4000.0)[0] - 4000) > 0.02 or nearest(opposed.long[0], 4000.0)[1] < 15


def test_mono_has_no_side():
    assert not lines_of(noise(12)).long[1].any()


def test_a_band_without_sound_has_no_lines():
    spectrum = np.fft.rfft(noise(12))
    spectrum[(8000 * 12) :] = 0
    found = lines_of(np.fft.irfft(spectrum))
    assert found.long[0, 0].any()
    assert not found.long[0, 3].any()


def test_silence_has_none():
    found = lines_of(np.zeros(12 * RATE))
    assert not found.long.any()
    assert not found.short.any()


def test_the_same_samples_give_the_same_lines():
    one, other = lines_of(noise(11)), lines_of(noise(11))
    np.testing.assert_array_equal(one.long, other.long)
    np.testing.assert_array_equal(one.short, other.short)
