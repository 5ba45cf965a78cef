"""Long-term spectrum and its fine structure, of sounds whose spectrum is known."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import spectrum
from chartropy.features.sketch import look
from chartropy.features.spectra import analyse
from chartropy.features.spectrum import THIRDS

RATE = 44_100


def measure(samples, rate=RATE):
    spectra = analyse(Audio(np.atleast_2d(samples).astype(np.float32), rate))
    seen = look(spectra.sound)
    assert seen is not None
    return spectrum.measure(spectra, seen)


def noise(exponent=0.0, seconds=20.0, seed=0):
    """Noise whose power falls with frequency to the power of the exponent."""
    hertz = np.fft.rfftfreq(int(seconds * RATE), 1 / RATE)
    bins = np.fft.rfft(np.random.default_rng(seed).standard_normal(int(seconds * RATE)))
    samples = np.fft.irfft(bins * np.maximum(hertz, 20) ** (-exponent / 2))
    return 0.5 * samples / np.abs(samples).max()


def thirds(found):
    return np.array([found[f"spectrum.third{n:02d}"] for n in range(1, len(THIRDS) + 1)])


def test_third_octaves_of_pink_noise_are_flat():
    found = measure(noise(1.0, 60.0))
    levels = thirds(found)
    assert np.ptp(levels[4:]) < 1  # below, few bins of few windows
    assert np.ptp(levels) < 3
    assert found["spectrum.tilt"] == pytest.approx(0, abs=0.1)
    assert found["spectrum.roughness"] < 0.3


@pytest.mark.parametrize(("exponent", "tilt"), [(0.0, 3.01), (2.0, -3.01)])
def test_tilt_of_white_and_brown_noise(exponent, tilt):
    assert measure(noise(exponent))["spectrum.tilt"] == pytest.approx(tilt, abs=0.15)


def test_a_tone_lies_in_its_third_octave():
    levels = thirds(measure(0.5 * np.sin(2 * np.pi * 1000 * np.arange(5 * RATE) / RATE)))
    assert THIRDS[int(levels.argmax())] == 1000
    assert levels.max() == pytest.approx(0, abs=0.1)
    assert np.sort(levels)[-2] < -40


def test_third_octaves_share_the_power():
    # of white noise a third-octave has the share of the spectrum that its width is
    levels = thirds(measure(noise()))
    width = np.array(THIRDS) * (10**0.05 - 10**-0.05)
    np.testing.assert_allclose(levels[10:], 10 * np.log10(width / 22_050)[10:], atol=0.5)


def comb(period, level, seconds=20.0):
    time = np.arange(int(seconds * RATE)) / RATE
    samples = noise(1.0, seconds)
    for hertz in np.arange(period, 16_000, period):
        samples = samples + level * np.sin(2 * np.pi * hertz * time + hertz)
    return samples


@pytest.mark.parametrize("period", [100, 312.5, 689.0625])
def test_a_comb_of_faint_tones_is_found_with_its_period(period):
    plain, combed = measure(noise(1.0)), measure(comb(period, 3e-3))
    assert plain["spectrum.fine.comb"] < 0.1
    assert combed["spectrum.fine.comb"] > 0.3
    # that period, or a multiple of it
    teeth = combed["spectrum.fine.comb_period"] / period
    assert teeth == pytest.approx(round(teeth), abs=0.05)
    assert round(teeth) >= 1
    assert combed["spectrum.fine.peaks"] > plain["spectrum.fine.peaks"] + 3
    assert combed["spectrum.fine.sd"] > plain["spectrum.fine.sd"]


def test_mono_has_no_fine_structure_of_the_side():
    found = measure(noise())
    assert found["spectrum.fine.sd.side"] == "mono: there is no side"
    wide = measure(np.stack([noise(), noise(seed=1)]))
    assert wide["spectrum.fine.sd.side"] == pytest.approx(wide["spectrum.fine.sd"], rel=0.1)


def test_what_the_rate_cannot_hold_is_absent():
    found = measure(noise()[: 8000 * 5], rate=8000)
    assert "holds no sound that high" in found["spectrum.third26"]
    assert "holds no sound that high" in found["spectrum.fine.sd"]
    assert isinstance(found["spectrum.third14"], float)


def test_channels_that_cancel_have_no_spectrum():
    assert set(measure(np.stack([noise(), -noise()])).values()) == {"the channels cancel each other in the mono mix"}
