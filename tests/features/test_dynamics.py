"""Levels and loudness of signals that the standards give the answer for."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import dynamics
from chartropy.features.spectra import analyse


def measure(samples, rate=48_000):
    spectra = analyse(Audio(np.atleast_2d(samples).astype(np.float32), rate))
    return dynamics.measure(spectra, dynamics.step_power(spectra.sound), dynamics.heights(spectra.sound))


def sine(dbfs, seconds, hertz=1000.0, rate=48_000):
    return 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def stereo(mono):
    return np.stack([mono, mono])


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000, 96_000])
def test_full_scale_sine_in_one_channel(rate):
    # ITU-R BS.1770-4, annex 1: 997 Hz at 0 dBFS in one channel reads -3.01 LKFS
    found = measure(sine(0, 5, 997, rate), rate)
    assert found["dynamics.loudness.integrated"] == pytest.approx(-3.01, abs=0.05)
    assert found["dynamics.loudness.momentary_max"] == pytest.approx(-3.01, abs=0.05)
    # resampled, a tone that begins and ends at once rings there
    rings = 0.02 if rate >= 44_100 else 0.15
    assert found["dynamics.crest"] == pytest.approx(3.01, abs=rings)
    assert found["dynamics.peak"] == pytest.approx(0, abs=rings)
    assert found["dynamics.rms"] == pytest.approx(-3.01, abs=0.02)


# EBU Tech 3341, minimum requirements test signals 1 to 5
@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        ([(-23, 20)], -23),
        ([(-33, 20)], -33),
        ([(-36, 10), (-23, 60), (-36, 10)], -23),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
    ],
)
def test_integrated_loudness_with_gates(parts, lufs):
    signal = stereo(np.concatenate([sine(level, seconds) for level, seconds in parts]))
    assert measure(signal)["dynamics.loudness.integrated"] == pytest.approx(lufs, abs=0.1)


# EBU Tech 3342, minimum requirements test signals 1 to 4
@pytest.mark.parametrize(
    ("levels", "range_lu"),
    [([-20, -30], 10), ([-20, -15], 5), ([-40, -20], 20), ([-50, -35, -20, -35, -50], 15)],
)
def test_loudness_range(levels, range_lu):
    signal = stereo(np.concatenate([sine(level, 20) for level in levels]))
    assert measure(signal)["dynamics.loudness.range"] == pytest.approx(range_lu, abs=1)


@pytest.mark.parametrize(("hertz", "gain"), [(38, -5.9), (100, -1.1), (10_000, 4.0)])
def test_k_weighting(hertz, gain):
    # response of the filter that BS.1770 tabulates for 48 kHz, relative to a flat one
    flat = -0.691 - 3.01 - 20
    assert measure(sine(-20, 5, hertz))["dynamics.loudness.integrated"] == pytest.approx(flat + gain, abs=0.15)


def test_level_is_kept():
    loud, quiet = measure(sine(-6, 8)), measure(sine(-36, 8))
    for name in ("loudness.integrated", "loudness.momentary_max", "peak", "rms"):
        assert loud[f"dynamics.{name}"] - quiet[f"dynamics.{name}"] == pytest.approx(30, abs=0.01)
    for name in ("crest", "loudness.range", "peak_to_loudness", "complexity", "low_energy_rate"):
        assert loud[f"dynamics.{name}"] == pytest.approx(quiet[f"dynamics.{name}"], abs=0.01)


def test_complexity_and_low_energy_follow_the_swings():
    steady = measure(sine(-20, 20))
    swinging = measure(np.concatenate([sine(-12, 1), sine(-30, 3)] * 5))
    assert steady["dynamics.complexity"] < 0.05
    assert swinging["dynamics.complexity"] > 4
    assert swinging["dynamics.low_energy_rate"] == pytest.approx(0.75, abs=0.05)


def test_a_square_wave_has_no_crest_and_a_click_much():
    assert measure(np.sign(sine(0, 3, 100.5, 44_100)) * 0.5, 44_100)["dynamics.crest"] == pytest.approx(0, abs=1e-3)
    click = np.zeros(3 * 48_000)
    click[70_000] = 0.5
    assert measure(click)["dynamics.crest"] > 45


def test_below_the_gate_there_is_no_loudness():
    found = measure(sine(-75, 3))
    assert "gate" in found["dynamics.loudness.integrated"]
    assert found["dynamics.peak"] == pytest.approx(-75, abs=0.05)


def test_short_clips_have_no_range():
    assert "needs 6 s" in measure(sine(-20, 5))["dynamics.loudness.range"]


def test_short_clips_have_no_short_term_loudness():
    found = measure(sine(-20, 2.5))
    assert found["dynamics.loudness.short_term_max"] == "2.5 s long: short-term loudness needs 3 s"
    assert found["dynamics.peak_to_short_term"] == "2.5 s long: short-term loudness needs 3 s"
    assert found["dynamics.loudness.integrated"] == pytest.approx(-23.01, abs=0.1)


def test_the_peak_between_samples():
    # samples of a quarter of the rate at 45 degrees all lie 3 dB under the wave they are of (BS.1770-4, annex 2)
    phase = np.pi / 4 + np.pi / 2 * np.arange(3 * 44_100)
    fade = np.minimum(1, np.minimum(np.arange(len(phase)), np.arange(len(phase))[::-1]) / 4410)
    found = measure(0.5 * np.sin(phase) * fade, 44_100)
    assert found["dynamics.true_peak"] - found["dynamics.peak"] == pytest.approx(3.01, abs=0.05)
    assert found["dynamics.true_peak"] == pytest.approx(-6.02, abs=0.05)


def test_true_peak_of_noise_is_that_of_eightfold_oversampling():
    import soxr

    spectrum = np.fft.rfft(np.random.default_rng(0).uniform(-1, 1, 44_100))
    spectrum[10_000:] = 0  # Hz, as there is one second; what reaches 20 kHz may peak where no sample is high
    noise = np.fft.irfft(spectrum)
    exact = np.abs(soxr.resample(noise, 1, 8, "VHQ")).max()
    assert measure(noise, 44_100)["dynamics.true_peak"] == pytest.approx(20 * np.log10(exact), abs=0.05)


def test_silence_rates_count_frames_below_each_level():
    found = measure(np.concatenate([sine(-10, 4), sine(-22, 4), sine(-40, 4)]))
    assert found["dynamics.silence_rate.20db"] == pytest.approx(2 / 3, abs=0.02)
    assert found["dynamics.silence_rate.30db"] == pytest.approx(1 / 3, abs=0.02)
    assert found["dynamics.silence_rate.60db"] == 0
    assert found["dynamics.level.p90"] == pytest.approx(-13.01, abs=0.1)
    assert found["dynamics.level.median"] == pytest.approx(-25.01, abs=0.1)


# ITU-R BS.1770-4 tabulates its two filters for 48 kHz only
SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)
HIGH_PASS = (1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)


def test_pink_noise_at_minus_23_lufs():
    from scipy.signal import lfilter

    hertz = np.fft.rfftfreq(20 * 48_000, 1 / 48_000)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(20 * 48_000))
    # no sound above 20 kHz: brought to 44.1 kHz, it would be lost
    noise = np.fft.irfft(np.where((hertz > 20) & (hertz < 20_000), spectrum / np.sqrt(np.maximum(hertz, 1)), 0))
    weighted = lfilter(*HIGH_PASS, lfilter(*SHELF, noise))
    noise *= 10 ** ((-23 + 0.691 - 10 * np.log10(np.square(weighted).mean())) / 20)
    found = measure(noise)
    assert found["dynamics.loudness.integrated"] == pytest.approx(-23, abs=0.03)
    assert found["dynamics.loudness.short_term_max"] == pytest.approx(-23, abs=0.5)
    assert found["dynamics.loudness.range"] < 0.5


def test_the_filter_is_that_of_the_standard():
    from scipy.signal import freqz, sosfreqz

    hertz = np.geomspace(10, 15_000, 200)
    theirs = np.prod([np.abs(freqz(*section, hertz, fs=48_000)[1]) for section in (SHELF, HIGH_PASS)], axis=0)
    ours = np.abs(sosfreqz(dynamics._k_weighting(), hertz, fs=44_100)[1])
    np.testing.assert_allclose(20 * np.log10(ours / theirs), 0, atol=0.06)
