"""Rhythm of pulses whose tempo is known."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import rhythm
from chartropy.features.registry import DESCRIPTORS
from chartropy.features.spectra import analyse

RATE = 44_100
TEMPO = ["rhythm.tempo.bpm", "rhythm.tempo.confidence", "rhythm.tempo.sd", "rhythm.subdivision"]


def measure(samples):
    return rhythm.measure(analyse(Audio(samples.astype(np.float32)[None], RATE)))


def clicks(times, seconds=20.0):
    samples = np.zeros(int(seconds * RATE))
    burst = np.random.default_rng(1).standard_normal(400) * np.exp(-np.arange(400) / 80)
    for time in times:
        start = int(time * RATE)
        samples[start : start + 400] += 0.3 * burst[: len(samples) - start]
    return samples


def pulse(bpm, seconds=20.0):
    return clicks(np.arange(0.2, seconds - 0.1, 60 / bpm), seconds)


@pytest.mark.parametrize("bpm", [72, 100, 120, 128, 140, 165])
def test_tempo_of_clicks(bpm):
    found = measure(pulse(bpm))
    assert found["rhythm.tempo.bpm"] == pytest.approx(bpm, rel=0.005)
    assert found["rhythm.onset.rate"] == pytest.approx(bpm / 60, rel=0.03)
    assert found["rhythm.onset_interval.median"] == pytest.approx(60 / bpm, abs=0.024)  # one frame
    assert found["rhythm.onset_interval.cv"] < 0.05
    assert found["rhythm.pulse_clarity"] > 0.9
    assert found["rhythm.tempo.sd"] < 0.5


def test_a_tempo_that_drifts_is_less_steady():
    times = 0.2 + np.cumsum(0.5 + 0.04 * np.sin(np.arange(36) / 6))
    assert measure(clicks(times))["rhythm.tempo.sd"] > 1


def test_off_beats_raise_the_subdivision():
    beats = np.arange(0.2, 19, 0.5)
    plain, filled = measure(clicks(beats)), measure(clicks(beats) + 0.3 * clicks(beats + 0.25))
    assert filled["rhythm.tempo.bpm"] == pytest.approx(120, rel=0.01)
    assert filled["rhythm.subdivision"] > plain["rhythm.subdivision"] + 0.5


def test_random_onsets_are_irregular():
    times = np.cumsum(np.random.default_rng(3).exponential(0.5, 36) + 0.06)
    found = measure(clicks(times[times < 19.5]))
    assert found["rhythm.onset_interval.cv"] > 0.5
    assert found["rhythm.pulse_clarity"] < 0.6


@pytest.mark.parametrize("seconds", [6, 10, 30])
def test_noise_has_no_tempo(seconds):
    found = measure(0.1 * np.random.default_rng(0).standard_normal(seconds * RATE))
    assert found["rhythm.onset.rate"] == 0
    for name in TEMPO:
        assert "no pulse stands out" in found[name]


def test_a_steady_tone_has_no_onsets():
    found = measure(0.5 * np.sin(2 * np.pi * 440 * np.arange(10 * RATE) / RATE))
    assert found["rhythm.onset.rate"] == 0
    assert "nothing starts" in found["rhythm.tempo.bpm"]
    assert "0 onsets" in found["rhythm.onset_interval.median"]


def test_a_short_clip_has_no_tempo_and_says_how_long_it_must_be():
    found = measure(pulse(120, 5.0))
    assert found["rhythm.tempo.bpm"] == "5.0 s long: a tempo needs 6 s"
    assert found["rhythm.onset.rate"] == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("seed", range(12))
def test_sparse_irregular_onsets_give_a_tempo_in_range_or_a_reason(seed):
    rng = np.random.default_rng(seed)
    found = measure(clicks(np.sort(rng.uniform(0.1, 13.8, rng.integers(2, 25))), 14.0))
    for name, value in found.items():
        assert isinstance(value, str) or DESCRIPTORS[name].low <= value <= DESCRIPTORS[name].high, name
