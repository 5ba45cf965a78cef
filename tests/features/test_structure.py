"""Form of pieces put together from known parts."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import structure, timbre, tonality
from chartropy.features.spectra import analyse
from chartropy.features.structure import novelty_curve

RATE = 44_100


def measure(samples):
    spectra = analyse(Audio(samples.astype(np.float32)[None], RATE))
    return structure.measure(spectra, timbre.read(spectra)["mel_power"], tonality.hear(spectra).chroma)


def part(seed, seconds=6.0):
    """Notes of 0.4 s at random: a melody that no other seed gives."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(0.4 * RATE)) / RATE
    notes = rng.integers(48, 84, round(seconds / 0.4))
    return np.concatenate(
        [0.3 * np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * time) * np.exp(-3 * time) for note in notes]
    )


def drone(midi, seconds=8.0):
    time = np.arange(int(seconds * RATE)) / RATE
    return sum(0.1 * np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * time) for note in midi)


def test_what_returns_is_found_with_its_distance():
    a, b = part(1), part(2)
    found = measure(np.concatenate([a, b, a, b]))
    assert found["structure.repetition"] > 0.9
    assert found["structure.repetition.lag"] == pytest.approx(12, abs=0.2)
    assert found["structure.return_of_opening"] > 0.9


def test_what_never_returns_does_not():
    through_composed = measure(np.concatenate([part(seed) for seed in (1, 2, 3, 4)]))
    assert through_composed["structure.repetition"] < 0.4
    assert through_composed["structure.return_of_opening"] < 0.5


def test_the_opening_may_return_alone():
    found = measure(np.concatenate([part(1), part(2), part(3), part(1)]))
    assert found["structure.return_of_opening"] > 0.9
    assert found["structure.repetition"] < 0.7


def test_noise_repeats_nothing():
    found = measure(0.1 * np.random.default_rng(0).standard_normal(24 * RATE))
    assert found["structure.repetition"] < 0.25
    assert found["structure.sections"] == 1
    assert found["structure.change.mean"] == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("sections", [2, 3, 4])
def test_sections_are_counted(sections):
    chords = [(48, 64, 67), (54, 70, 73), (50, 81, 57), (60, 75, 79)]
    found = measure(np.concatenate([drone(chord) for chord in chords[:sections]]))
    assert found["structure.sections"] == sections
    assert found["structure.novelty.max"] > 0.5
    assert found["structure.change.mean"] < 0.2


def test_an_unchanging_sound_has_no_form():
    assert "nothing changes" in measure(drone((60,), 12.0))["structure.repetition"]


def test_a_short_clip_has_no_form():
    assert measure(part(1, 8.0))["structure.repetition"] == "8.0 s long: structure needs 10 s"


def test_novelty_of_two_opposite_halves():
    sign = np.repeat([1.0, -1.0], 16)
    curve = novelty_curve(np.outer(sign, sign), 8)
    assert curve.shape == (17,)
    assert curve.argmax() == 8  # the boundary before row 16
    assert curve.max() == pytest.approx(1)
    assert curve[0] == pytest.approx(0, abs=1e-12)
