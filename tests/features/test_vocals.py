"""A voice that the test sings, against instruments that stand still."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import vocals
from chartropy.features.spectra import analyse
from chartropy.features.tonality import hear

RATE = 44_100


def measure(samples, rate=RATE):
    spectra = analyse(Audio(np.atleast_2d(samples).astype(np.float32), rate))
    return vocals.measure(spectra, hear(spectra))


def organ(seconds=12.0):
    time = np.arange(int(seconds * RATE)) / RATE
    return 0.03 * sum(
        np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * n * time) / n
        for note in (48, 60, 64, 67)
        for n in range(1, 7)
    )


def voice(seconds=12.0):
    """A harmonic tone that glides and wavers, five syllables a second."""
    time = np.arange(int(seconds * RATE)) / RATE
    cents = 300 * np.sin(2 * np.pi * 0.4 * time) + 50 * np.sin(2 * np.pi * 5.5 * time)
    phase = 2 * np.pi * np.cumsum(220 * 2 ** (cents / 1200)) / RATE
    return 0.1 * sum(np.sin(n * phase) / n for n in range(1, 12)) * (0.55 + 0.45 * np.sin(2 * np.pi * 5 * time))


def test_a_voice_scores_over_an_organ():
    still, sung = measure(organ()), measure(voice())
    assert sung["vocals.gliding"] > still["vocals.gliding"] + 0.4
    assert sung["vocals.together"] > 0.8
    assert sung["vocals.syllables"] > 0.8
    assert sung["vocals.presence"] > 0.9
    assert still["vocals.presence"] < 0.1


def test_a_voice_over_an_organ_lies_between():
    alone, both = measure(voice())["vocals.presence"], measure(voice() + organ())["vocals.presence"]
    assert measure(organ())["vocals.presence"] < both <= alone


def test_what_is_too_short_or_too_narrow_or_without_partials_says_so():
    assert set(measure(voice(2.0)).values()) == {"2.0 s long: syllables need 3 s"}
    assert "holds no sound that high" in measure(voice()[: 5 * 6000], 6000)["vocals.presence"]
    low = 0.5 * np.sin(2 * np.pi * 100 * np.arange(5 * RATE) / RATE)
    assert set(measure(low).values()) == {"no partial between 200 and 3500 Hz goes on"}


def test_values_lie_between_nothing_and_one():
    for samples in (organ(), voice(), np.random.default_rng(0).standard_normal(5 * RATE)):
        assert all(0 <= value <= 1 for value in measure(samples).values())
    assert measure(organ())["vocals.gliding"] == pytest.approx(0, abs=0.05)
