"""Vocals: does it sound as if somebody sang? An estimate from the signal alone, with limits.

A voice differs from most instruments in two ways that a spectrum shows. Its partials never stand still: they glide and
waver by tens of cents from one frame to the next, and all of one voice together. And it comes in syllables: the level
of the voice's band rises and falls three to eight times a second.

Limits. Strings, slides, trombones, whistles and synthesizers with vibrato glide as voices do; a beat of sixteenths comes
as fast as syllables; rap and whisper have hardly any partials; voices tuned hard to a scale stand still; a voice under a
loud band drowns. The estimate orders clips; it is no classifier, and no measurement of how much is sung.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import spectra as shared
from .courses import Descriptor, Measured
from .spectra import Spectra
from .speech import syllabic
from .tonality import Harmony

RANGE = (200.0, 3500.0)
"""Hz in which partials of voices are looked for."""

EVIDENCE = ("gliding", "together", "syllables")
WEIGHTS = np.array([-5.4, -11.5, 44.5, 2.7])
"""Bias and weights of `EVIDENCE` in `presence`: fitted by ``benchmarks/vocals.py``, which says how well they do."""

SHORTEST = 3.0
"""Seconds needed to speak of syllables."""

_STEADY, _FURTHEST = 12.0, 120.0  # cents: below, measurement wavers too; above, it is another note


def measure(spectra: Spectra, harmony: Harmony) -> Measured:
    """Measure the vocals descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.
    harmony : Harmony
        Of the same clip.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    names = [descriptor.name for descriptor in DESCRIPTORS]
    if why := spectra.lacks(RANGE[1]):
        return dict.fromkeys(names, why)
    if spectra.seconds < SHORTEST:
        return dict.fromkeys(names, f"{spectra.seconds:.1f} s long: syllables need {SHORTEST:.0f} s")
    gliding, together = _glides(harmony)
    if np.isnan(gliding):
        return dict.fromkeys(names, f"no partial between {RANGE[0]:.0f} and {RANGE[1]:.0f} Hz goes on")
    syllables = _syllables(spectra)
    score = WEIGHTS @ [1.0, gliding, together, syllables]
    return {
        "vocals.gliding": gliding,
        "vocals.together": together,
        "vocals.syllables": syllables,
        "vocals.presence": float(1 / (1 + np.exp(-score))),
    }


def _glides(harmony: Harmony) -> tuple[float, float]:
    """Share of the partials that glide, of those that go on; and what is left of it when rising and falling cancel."""
    low, high = RANGE
    inside = (harmony.hertz >= low) & (harmony.hertz <= high)
    pitch = 1200 * np.log2(np.maximum(harmony.hertz, 1))
    weight = np.where(inside, harmony.magnitude, 0)[1:]
    # a partial that is not there is further from all others than any two
    now, before = np.where(inside, pitch, 2e5)[1:], np.where(inside, pitch, -2e5)[:-1]
    nearest = np.abs(now[:, :, None] - before[:, None, :]).argmin(axis=2)
    steps = now - np.take_along_axis(before, nearest, axis=1)
    distance = np.abs(steps)
    moving = (distance > _STEADY) & (distance <= _FURTHEST)
    going_on = distance <= _FURTHEST
    total = (weight * going_on).sum()
    if total <= 0:
        return np.nan, np.nan
    moved = np.where(moving, weight, 0)
    # partials of one voice rise and fall together; those of several, and errors, cancel
    direction = np.abs((moved * np.sign(steps)).sum(axis=1)).sum()
    return float(moved.sum() / total), float(direction / total)


def _syllables(spectra: Spectra) -> float:
    """Share of the modulation of the voice's band, .5 to 20 Hz, that lies at the rate of syllables."""
    centres = shared.onset_edges()[1:-1]
    power = spectra.onset_power[:, (centres >= RANGE[0]) & (centres <= RANGE[1])].sum(axis=1)
    return syllabic(np.sqrt(power), shared.ONSET_FRAMES_PER_SECOND)


# -- what is declared --------------------------------------------------------------------------------------------------

_OURS = "Chartropy"


def _declared() -> Iterator[Descriptor]:
    for name, definition, source, label, label_ru in (
        ("presence", "How much it sounds as if somebody sang: a fixed combination of the three others. Orders clips; strings, slides and synthesizers with vibrato sound sung too.", _OURS, "Sounds sung", "Похоже на пение"),
        ("gliding", "Share of the partials from 200 to 3500 Hz that move by 12 to 120 cents from one frame to the next (46 ms), of those that go on.", "after Regnier & Peeters, ICASSP 2009", "Gliding partials", "Скользящие обертоны"),
        ("together", "What is left of that share when partials of a frame that rise and those that fall cancel: near it where all glide together.", "after Regnier & Peeters, ICASSP 2009", "Partials that glide together", "Согласованность скольжения"),
        ("syllables", "Share of the modulation of the level from 200 to 3500 Hz, .5 to 20 Hz, that lies between 3 and 8 Hz.", "Houtgast & Steeneken, JASA 77 (1985); Scheirer & Slaney, ICASSP 1997", "Syllabic rhythm", "Слоговой ритм"),
    ):  # fmt: skip
        yield Descriptor(f"vocals.{name}", "1", 0.0, 1.0, definition, source, label, label_ru)


DESCRIPTORS: tuple[Descriptor, ...] = tuple(_declared())
"""Every descriptor of this family."""
