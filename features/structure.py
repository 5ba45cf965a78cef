"""Structure: what returns, what changes, and where.

Every quarter of a second the half-second around is described by its mean mel spectrum and its mean chroma. Both are
taken relative to the clip's own mean, so that two half-seconds are alike (cosine near 1) when they differ from the rest
in the same way, and unrelated (near 0) in noise. What lies further apart than two thirds of the clip is not
seen to repeat, and a longer clip offers more chances to, so only clips of about the same length are comparable.
"""

from __future__ import annotations

import numpy as np

from . import spectra as shared
from .spectra import Spectra

SHORTEST = 10.0
"""Seconds needed to speak of structure."""

STEP = 11
"""Frames (0.255 s) between rows of the self-similarity matrix; each row is the mean of twice as many."""

STEP_SECONDS = STEP / shared.FRAMES_PER_SECOND

_NEAREST = round(2 / STEP_SECONDS)  # rows (2 s): what is closer than this continues rather than repeats
_OPENING = round(4 / STEP_SECONDS)  # rows (4 s) at the beginning, whose return is looked for
_KERNEL = round(4 / STEP_SECONDS)  # rows (4 s) on either side of a boundary
_BOUNDARY = 0.25  # novelty of a boundary; that of white noise stays below
_MEL_FLOOR, _CHROMA_FLOOR = 0.01, 0.0003  # dB and share; white noise changes by .4 and .006, a steady tone by rounding


def measure(spectra: Spectra) -> dict[str, float | str]:
    """Measure the structure descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    if spectra.seconds < SHORTEST:
        return dict.fromkeys(_NAMES, f"{spectra.seconds:.1f} s long: structure needs {SHORTEST:.0f} s")
    likeness = self_similarity(spectra)
    if likeness is None:
        return dict.fromkeys(_NAMES, "nothing changes from one half-second to the next")
    repetition, distance = _repetition(likeness)
    novelty = novelty_curve(likeness, _KERNEL)
    inner = novelty[1:-1]
    boundaries = (inner > novelty[:-2]) & (inner >= novelty[2:]) & (inner > _BOUNDARY)
    return {
        "structure.repetition": repetition,
        "structure.repetition.lag": distance,
        "structure.return_of_opening": _return_of_opening(likeness),
        "structure.change.mean": float(1 - np.diagonal(likeness, 2).mean()),
        "structure.novelty.mean": float(novelty.mean()),
        "structure.novelty.sd": float(novelty.std()),
        "structure.novelty.max": float(novelty.max()),
        "structure.sections": float(1 + np.count_nonzero(boundaries)),
    }


def self_similarity(spectra: Spectra) -> np.ndarray | None:
    """Likeness of every half-second to every other.

    Parameters
    ----------
    spectra : Spectra

    Returns
    -------
    numpy.ndarray, shape (rows, rows), or None
        Cosine of what each has more or less of than the clip's mean, -1 to 1; None when nothing changes.
    """
    parts = []
    for frames, floor in ((spectra.mel_db[:, : spectra.mels], _MEL_FLOOR), (spectra.chroma, _CHROMA_FLOOR)):
        count = len(frames) // STEP
        steps = frames[: count * STEP].reshape(count, STEP, -1).mean(axis=1, dtype=np.float64)
        means = (steps[1:] + steps[:-1]) / 2
        relative = means - means.mean(axis=0)
        size = np.sqrt(np.square(relative).mean())
        if size > floor:
            parts.append(relative / (size * np.sqrt(relative.shape[1])))  # both parts weigh the same
    if not parts:
        return None
    rows = np.concatenate(parts, axis=1)
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(float).tiny)
    # not a matrix product: its last bits depend on how many threads share it
    return np.clip(np.einsum("ik,jk->ij", unit, unit), -1, 1)


def novelty_curve(likeness: np.ndarray, half: int) -> np.ndarray:
    """Contrast between what lies before and after each moment (Foote 2000).

    Parameters
    ----------
    likeness : numpy.ndarray, shape (rows, rows)
        Self-similarity, -1 to 1.
    half : int
        Rows on either side that are compared, weighted by a Gaussian of half that width.

    Returns
    -------
    numpy.ndarray, shape (rows - 2 * half + 1,)
        Item i belongs to the boundary before row ``i + half``. -1 to 1; 1 where each side is alike in itself and
        the opposite of the other.
    """
    offset = (np.arange(2 * half) - half + 0.5) / half
    taper = np.sign(offset) * np.exp(-2 * offset**2)
    kernel = np.outer(taper, taper)
    kernel /= np.abs(kernel).sum()
    count = len(likeness) - 2 * half + 1
    return np.array([(kernel * likeness[i : i + 2 * half, i : i + 2 * half]).sum() for i in range(count)])


def _repetition(likeness: np.ndarray) -> tuple[float | str, float | str]:
    """Highest peak of the mean likeness over distances, and that distance in seconds.

    A peak, because sound that merely changes slowly is most alike at the shortest distance.
    """
    lags = np.arange(_NEAREST, 2 * len(likeness) // 3)
    means = np.array([np.diagonal(likeness, lag).mean() for lag in lags])
    peaks = np.flatnonzero((means[1:-1] > means[:-2]) & (means[1:-1] >= means[2:])) + 1
    if len(peaks) == 0:
        why = "no distance at which the sound is more alike than at the distances around it"
        return why, why
    best = peaks[np.argmax(means[peaks])]
    return float(means[best]), float(lags[best] * STEP_SECONDS)


def _return_of_opening(likeness: np.ndarray) -> float:
    """Mean likeness of the opening to the later stretch that resembles it most."""
    starts = range(_OPENING, len(likeness) - _OPENING + 1)
    return float(max(np.diagonal(likeness[:_OPENING], start)[:_OPENING].mean() for start in starts))


_NAMES = [
    f"structure.{name}"
    for name in (
        *("repetition", "repetition.lag", "return_of_opening", "change.mean"),
        *("novelty.mean", "novelty.sd", "novelty.max", "sections"),
    )
]
