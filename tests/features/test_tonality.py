"""Tuning, chroma and key of chords that the test plays itself."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import tonality
from chartropy.features.spectra import analyse
from chartropy.features.tonality import PITCH_CLASSES, key_name

RATE = 44_100


def measure(samples, rate=RATE):
    return tonality.measure(analyse(Audio(samples.astype(np.float32)[None], rate)))


def chord(*midi, seconds=1.0, a4=440.0, rate=RATE):
    time = np.arange(int(seconds * rate)) / rate
    partials = [
        np.sin(2 * np.pi * a4 * 2 ** ((note - 69) / 12) * n * time) / n**1.5 for note in midi for n in range(1, 5)
    ]
    return 0.1 * np.sum(partials, axis=0) * np.exp(-time)


def cadence(up=0, minor=False, **options):
    third = 3 if minor else 4
    tonic, fourth, fifth = (60, 60 + third, 67), (65, 65 + third, 72), (67, 71, 74)
    return np.concatenate([chord(*(n + up for n in notes), **options) for notes in (tonic, fourth, fifth, tonic)])


def key(found):
    return key_name(found["tonality.key_cos"], found["tonality.key_sin"], found["tonality.mode"])


@pytest.mark.parametrize("up", range(12))
def test_major_cadences(up):
    found = measure(cadence(up))
    assert key(found) == f"{PITCH_CLASSES[up]} major"
    assert found["tonality.key_strength"] > 0.7
    assert found["tonality.majorness"] > 0


@pytest.mark.parametrize("up", [0, 5, 9])
def test_minor_cadences(up):
    found = measure(cadence(up, minor=True))
    assert key(found) == f"{PITCH_CLASSES[up]} minor"
    assert found["tonality.majorness"] < 0


def test_neighbours_on_the_circle_of_fifths_are_close():
    def place(up, minor=False):
        found = measure(cadence(up, minor))
        return np.array([found["tonality.key_cos"], found["tonality.key_sin"]])

    assert place(0) == pytest.approx([1, 0], abs=1e-6)
    assert place(9, minor=True) == pytest.approx(place(0), abs=1e-6)  # A minor, the relative of C major
    assert place(7) == pytest.approx([np.sqrt(3) / 2, 0.5], abs=1e-6)  # G major, one fifth up
    assert place(6) == pytest.approx([-1, 0], abs=1e-6)  # F sharp major, opposite


@pytest.mark.parametrize("cents", [-40, -15, 0, 20, 45])
def test_tuning_and_a_key_that_does_not_depend_on_it(cents):
    found = measure(cadence(a4=440 * 2 ** (cents / 1200)))
    assert found["tonality.tuning.cents"] == pytest.approx(cents, abs=2.5)
    assert found["tonality.tuning_certainty"] > 0.9
    assert key(found) == "C major"


def test_chroma_of_one_tone():
    tone = np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    found = measure(tone)
    assert found["tonality.chroma09.mean"] > 0.99
    assert found["tonality.chroma_entropy"] < 0.05
    assert found["tonality.tuning.cents"] == pytest.approx(0, abs=0.5)
    assert found["tonality.chroma_change.mean"] < 0.01


def test_chroma_is_a_distribution():
    found = measure(cadence())
    chroma = [found[f"tonality.chroma{number:02d}.mean"] for number in range(12)]
    assert sum(chroma) == pytest.approx(1)
    assert set(np.argsort(chroma)[-2:]) == {0, 7}  # C and G sound in three chords of four


def test_harmony_that_moves_changes_chroma():
    still, moving = measure(np.tile(chord(60, 64, 67), 4)), measure(cadence())
    assert moving["tonality.chroma_change.mean"] > 5 * still["tonality.chroma_change.mean"]


def test_an_8_khz_file_keeps_its_key():
    assert key(measure(cadence(up=2, rate=8000), 8000)) == "D major"


@pytest.mark.parametrize("seconds", [1, 30])
def test_noise_has_no_key(seconds):
    found = measure(0.1 * np.random.default_rng(5).standard_normal(seconds * RATE))
    assert "no pitch stands out" in found["tonality.key_cos"]
    assert "no pitch stands out" in found["tonality.tuning.cents"]
    assert found["tonality.chroma_entropy"] > 0.98
