"""Levels and loudness of signals that the standards give the answer for."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import dynamics
from chartropy.features.spectra import analyse


def measure(samples, rate=48_000):
    return dynamics.measure(analyse(Audio(np.atleast_2d(samples).astype(np.float32), rate)))


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
    assert found["dynamics.crest"] == pytest.approx(3.01, abs=0.02)
    assert found["dynamics.peak"] == pytest.approx(0, abs=0.02)
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
    assert measure(np.sign(sine(0, 3, 100.5)) * 0.5)["dynamics.crest"] == pytest.approx(0, abs=1.5)
    click = np.zeros(3 * 48_000)
    click[70_000] = 0.5
    assert measure(click)["dynamics.crest"] > 45


def test_below_the_gate_there_is_no_loudness():
    found = measure(sine(-75, 3))
    assert "gate" in found["dynamics.loudness.integrated"]
    assert found["dynamics.peak"] == pytest.approx(-75, abs=0.05)


def test_short_clips_have_no_range():
    assert "needs 6 s" in measure(sine(-20, 5))["dynamics.loudness.range"]
