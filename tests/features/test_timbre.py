"""Timbre of sounds whose spectrum is known."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import timbre
from chartropy.features.spectra import analyse

RATE = 44_100


def measure(samples, rate=RATE):
    spectra = analyse(Audio(np.atleast_2d(samples).astype(np.float32), rate))
    return timbre.measure(spectra, timbre.read(spectra))


def tone(hertz, seconds=2.0, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def noise(seconds=4.0, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))


def pink(seconds=4.0):
    spectrum = np.fft.rfft(noise(seconds))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    return np.fft.irfft(spectrum)


@pytest.mark.parametrize("hertz", [440.0, 3000.0])
@pytest.mark.parametrize("rate", [44_100, 48_000, 22_050])
def test_a_tone_is_where_it_is(hertz, rate):
    found = measure(tone(hertz, rate=rate), rate)
    assert found["timbre.centroid.mean"] == pytest.approx(hertz, rel=0.01)
    assert found["timbre.rolloff.mean"] == pytest.approx(hertz, abs=22)  # one bin
    assert found["timbre.zcr.mean"] == pytest.approx(2 * hertz, rel=0.01)
    assert found["timbre.spread.mean"] < 120
    assert found["timbre.flatness.mean"] < 1e-4
    assert found["timbre.flux.mean"] < 0.02


def test_two_tones_balance_between_them():
    found = measure(tone(1000) + tone(3000))
    assert found["timbre.centroid.mean"] == pytest.approx(2000, rel=0.01)
    assert found["timbre.spread.mean"] == pytest.approx(1000, rel=0.02)


def test_white_noise_has_the_flatness_of_exponential_power():
    found = measure(noise())
    # the power in a bin is exponentially distributed: exp(-Euler's constant)
    assert found["timbre.flatness.mean"] == pytest.approx(np.exp(-np.euler_gamma), abs=0.01)
    assert found["timbre.centroid.mean"] == pytest.approx((30 + 10_000) / 2, rel=0.01)
    assert found["timbre.spread.mean"] == pytest.approx((10_000 - 30) / np.sqrt(12), rel=0.01)
    assert found["timbre.rolloff.mean"] == pytest.approx(30 + 0.85 * 9970, rel=0.01)
    # the mean of -p ln p is gamma - 1 for exponential p of mean 1
    assert found["timbre.entropy.mean"] == pytest.approx(1 - (1 - np.euler_gamma) / np.log(463), abs=0.002)


def test_pink_noise_is_darker_and_less_flat_than_white():
    white, dark = measure(noise()), measure(pink())
    # magnitude falls with the root of frequency: the integral of f^.5 over that of f^-.5
    assert dark["timbre.centroid.mean"] == pytest.approx((1e4**1.5 - 30**1.5) / (1e4**0.5 - 30**0.5) / 3, rel=0.02)
    assert dark["timbre.flatness.mean"] < 0.6 * white["timbre.flatness.mean"]
    assert dark["timbre.mfcc01.mean"] > white["timbre.mfcc01.mean"] + 10


def test_contrast_rises_in_the_band_that_holds_a_tone():
    plain, toned = measure(noise()), measure(noise() + tone(1200, 4.0))
    rises = [toned[f"timbre.contrast{b:02d}.mean"] - plain[f"timbre.contrast{b:02d}.mean"] for b in range(1, 8)]
    assert np.argmax(rises) == 3  # 800 to 1600 Hz
    assert rises[3] > 10
    assert max(abs(r) for b, r in enumerate(rises) if b != 3) < 1


def test_change_shows_in_standard_deviations_and_slopes():
    steady = measure(tone(500, 4.0))
    moving = measure(np.concatenate([tone(500, 0.5), tone(2000, 0.5)] * 4))
    assert moving["timbre.centroid.mean"] == pytest.approx(1250, rel=0.05)
    assert moving["timbre.centroid.sd"] == pytest.approx(750, rel=0.1)
    assert steady["timbre.centroid.sd"] < 1
    assert moving["timbre.mfcc02.change"] > 10 * steady["timbre.mfcc02.change"]


def test_pauses_do_not_count():
    found = measure(np.concatenate([tone(1000), np.zeros(4 * RATE)]))
    assert found["timbre.centroid.mean"] == pytest.approx(1000, rel=0.05)
