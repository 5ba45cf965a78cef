"""Tonality: tuning, which pitch classes sound, in what key, and how fast the harmony moves.

Read from the partials of the shared STFT between 100 Hz and 3.5 kHz, folded into twelve pitch classes after the clip's
own tuning has been taken out. Where the partials agree on no tuning (noise, drums alone), tuning and key are absent.
"""

from __future__ import annotations

import numpy as np

from . import spectra as shared
from .spectra import Spectra

PITCH_CLASSES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""Names of the pitch classes, in the order of the chroma descriptors."""

MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
"""How well each pitch class, from the tonic up, fits a major key (Krumhansl & Kessler 1982, probe-tone ratings)."""

MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
"""The same for a minor key."""

_CHANGE_SECONDS = 0.5  # over which chroma is averaged before its change is measured: about a beat

_KEY = ("tonality.key_cos", "tonality.key_sin", "tonality.mode", "tonality.key_strength", "tonality.majorness")


def measure(spectra: Spectra) -> dict[str, float | str]:
    """Measure the tonality descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    cents, certainty = spectra.tuning
    sounding = spectra.chroma.sum(axis=1) > 0
    found: dict[str, float | str] = {"tonality.tuning_certainty": certainty}
    names = [f"tonality.chroma{number:02d}.mean" for number in range(12)]
    if not sounding.any():
        nothing = "no partial between 100 Hz and 3.5 kHz"
        rest = (*names, *_KEY, "tonality.tuning.cents", "tonality.chroma_entropy", "tonality.chroma_change.mean")
        return found | dict.fromkeys(rest, nothing)

    mean = spectra.chroma[sounding].mean(axis=0)
    found |= dict(zip(names, map(float, mean), strict=True))
    found["tonality.chroma_entropy"] = float(-(mean * np.log(mean + 1e-20)).sum() / np.log(12))
    found["tonality.chroma_change.mean"] = _change(spectra.chroma)
    if spectra.pitchlessness:
        return found | dict.fromkeys((*_KEY, "tonality.tuning.cents"), spectra.pitchlessness)
    tonic, mode, strength, majorness = find_key(mean)
    angle = _fifths_angle(tonic, mode)
    values = (np.cos(angle), np.sin(angle), float(mode == "major"), strength, majorness)
    return found | {"tonality.tuning.cents": cents} | dict(zip(_KEY, map(float, values), strict=True))


def find_key(chroma: np.ndarray) -> tuple[int, str, float, float]:
    """Find the key whose profile fits a chroma best.

    Parameters
    ----------
    chroma : numpy.ndarray, shape (12,)
        Weight of each pitch class, C first; not all alike.

    Returns
    -------
    tonic : int
        0 for C to 11 for B.
    mode : str
        ``"major"`` or ``"minor"``.
    strength : float
        Pearson correlation of the chroma with the key's profile, -1 to 1.
    majorness : float
        The best major key's correlation minus the best minor key's, -2 to 2.

    References
    ----------
    Krumhansl, C. L., Cognitive Foundations of Musical Pitch, Oxford 1990, chapter 4.
    """
    rotated = np.array([np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(12)])
    fits = np.corrcoef(chroma, rotated)[0, 1:]
    best = int(np.argmax(fits))
    return best % 12, "major" if best < 12 else "minor", float(fits[best]), float(fits[:12].max() - fits[12:].max())


def key_name(key_cos: float, key_sin: float, mode: float) -> str:
    """Name the key that the numbers of a description stand for.

    Parameters
    ----------
    key_cos, key_sin, mode : float
        ``tonality.key_cos``, ``tonality.key_sin`` and ``tonality.mode``.

    Returns
    -------
    str
        For example ``"C major"`` or ``"F# minor"``.

    Examples
    --------
    >>> key_name(1.0, 0.0, 1.0), key_name(1.0, 0.0, 0.0)
    ('C major', 'A minor')
    """
    fifths = round(np.arctan2(key_sin, key_cos) / (2 * np.pi) * 12)
    signature = 7 * fifths % 12
    return f"{PITCH_CLASSES[signature]} major" if mode >= 0.5 else f"{PITCH_CLASSES[(signature + 9) % 12]} minor"


def _fifths_angle(tonic: int, mode: str) -> float:
    """Where the key's signature lies on the circle of fifths: C major and A minor at 0, a fifth up is 30 degrees."""
    signature = tonic if mode == "major" else tonic + 3
    return 2 * np.pi * (7 * signature % 12) / 12


def _change(chroma: np.ndarray) -> float | str:
    """Mean cosine distance between the chroma of neighbouring half-seconds."""
    length = round(_CHANGE_SECONDS * shared.FRAMES_PER_SECOND)
    count = len(chroma) // length
    sums = chroma[: count * length].reshape(count, length, 12).sum(axis=1)
    norms = np.linalg.norm(sums, axis=1)
    both = (norms[1:] > 0) & (norms[:-1] > 0)
    if not both.any():
        return "no two neighbouring half-seconds hold partials"
    likeness = (sums[1:] * sums[:-1]).sum(axis=1)[both] / (norms[1:] * norms[:-1])[both]
    return float(1 - min(likeness.mean(), 1))
