"""Structure: what returns, what changes, and where.

Every quarter of a second the half-second around is described by its mean mel spectrum and its mean chroma. Both are
taken relative to the clip's own mean, so that two half-seconds are alike (cosine near 1) when they differ from the rest
in the same way, and unrelated (near 0) in noise. What lies further apart than two thirds of the clip is not
seen to repeat, and a longer clip offers more chances to, so only clips of about the same length are comparable. Clips
of more than five and a half minutes are read in longer steps, so that no more than `MAX_ROWS` are compared.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import spectra as shared
from .courses import Descriptor, Measured
from .spectra import Spectra

SHORTEST = 10.0
"""Seconds needed to speak of structure."""

MAX_ROWS = 1200
"""Rows of the self-similarity matrix at most."""

_STEP = 6  # pitch frames, or twice as many timbre frames: .279 s from row to row; each is the mean of two steps
_NEAREST = 2.0  # seconds: what is closer than this continues rather than repeats
_OPENING = 4.0  # seconds at the beginning whose return is looked for
_KERNEL = 4.0  # seconds on either side of a boundary
_BOUNDARY = 0.25  # novelty of a boundary; that of white noise stays below
_MEL_FLOOR, _CHROMA_FLOOR = 0.01, 0.0003  # dB and share; white noise changes by .4 and .006, a steady tone by rounding


def measure(spectra: Spectra, mel_power: np.ndarray, chroma: np.ndarray) -> Measured:
    """Measure the structure descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.
    mel_power : numpy.ndarray, shape (frames, bands)
        Of the same clip; bands that the file's rate cannot fill left out.
    chroma : numpy.ndarray, shape (pitch frames, 12)
        Of the same clip.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    names = [descriptor.name for descriptor in DESCRIPTORS]
    if spectra.seconds < SHORTEST:
        return dict.fromkeys(names, f"{spectra.seconds:.1f} s long: structure needs {SHORTEST:.0f} s")
    step = _STEP * max(1, int(np.ceil(len(chroma) / _STEP / MAX_ROWS)))
    seconds = step / shared.PITCH_FRAMES_PER_SECOND
    likeness = self_similarity(mel_power, chroma, step)
    if likeness is None:
        return dict.fromkeys(names, "nothing changes from one half-second to the next")
    repetition, distance = _repetition(likeness, max(2, round(_NEAREST / seconds)))
    kernel = max(2, round(_KERNEL / seconds))
    novelty = novelty_curve(likeness, kernel)
    inner = novelty[1:-1]
    boundaries = np.flatnonzero((inner > novelty[:-2]) & (inner >= novelty[2:]) & (inner > _BOUNDARY)) + 1 + kernel
    sections = np.diff(boundaries, prepend=0, append=len(likeness)) * seconds
    return {
        "structure.repetition": repetition,
        "structure.repetition.lag": distance if isinstance(distance, str) else distance * seconds,
        "structure.return_of_opening": _return_of_opening(likeness, max(2, round(_OPENING / seconds))),
        "structure.likeness.mean": float((likeness.sum() - len(likeness)) / (likeness.size - len(likeness))),
        "structure.likeness.p90": float(np.quantile(likeness[np.triu_indices(len(likeness), 2)], 0.9)),
        "structure.change.mean": float(1 - np.diagonal(likeness, 2).mean()),
        "structure.novelty.mean": float(novelty.mean()),
        "structure.novelty.sd": float(novelty.std()),
        "structure.novelty.p90": float(np.quantile(novelty, 0.9)),
        "structure.novelty.max": float(novelty.max()),
        "structure.sections": float(len(sections)),
        "structure.section.mean": float(sections.mean()),
        "structure.section.longest": float(sections.max()),
    }


def self_similarity(mel_power: np.ndarray, chroma: np.ndarray, step: int = _STEP) -> np.ndarray | None:
    """Likeness of every half-second to every other.

    Parameters
    ----------
    mel_power : numpy.ndarray, shape (frames, bands)
        Twice as many frames a second as the chroma has.
    chroma : numpy.ndarray, shape (pitch frames, 12)
    step : int
        Pitch frames from row to row; each row is the mean of twice as many.

    Returns
    -------
    numpy.ndarray, shape (rows, rows), or None
        Cosine of what each has more or less of than the clip's mean, -1 to 1; None when nothing changes.
    """
    level = 10 * np.log10(np.maximum(mel_power, mel_power.max() * np.float32(1e-8)))
    parts = []
    rows = len(chroma) // step
    for frames, length, floor in ((level, 2 * step, _MEL_FLOOR), (chroma, step, _CHROMA_FLOOR)):
        steps = frames[: rows * length].reshape(rows, length, -1).mean(axis=1, dtype=np.float64)
        means = (steps[1:] + steps[:-1]) / 2
        relative = means - means.mean(axis=0)
        size = np.sqrt(np.square(relative).mean())
        if size > floor:
            parts.append(relative / (size * np.sqrt(relative.shape[1])))  # both parts weigh the same
    if not parts:
        return None
    joined = np.concatenate(parts, axis=1)
    unit = joined / np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), np.finfo(float).tiny)
    return np.clip(unit @ unit.T, -1, 1)


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


def _repetition(likeness: np.ndarray, nearest: int) -> tuple[float | str, float | str]:
    """Highest peak of the mean likeness over distances, and that distance in rows.

    A peak, because sound that merely changes slowly is most alike at the shortest distance.
    """
    lags = np.arange(nearest, 2 * len(likeness) // 3)
    row, column = np.triu_indices(len(likeness), nearest)
    sums = np.bincount(column - row, likeness[row, column])
    means = sums[lags] / (len(likeness) - lags)
    peaks = np.flatnonzero((means[1:-1] > means[:-2]) & (means[1:-1] >= means[2:])) + 1
    if len(peaks) == 0:
        why = "no distance at which the sound is more alike than at the distances around it"
        return why, why
    best = peaks[np.argmax(means[peaks])]
    return float(means[best]), float(lags[best])


def _return_of_opening(likeness: np.ndarray, opening: int) -> float:
    """Mean likeness of the opening to the later stretch that resembles it most."""
    later = np.lib.stride_tricks.sliding_window_view(likeness[:opening, opening:], opening, axis=1)
    return float(np.einsum("isi->s", later).max() / opening)


# -- what is declared --------------------------------------------------------------------------------------------------

_OURS = "Chartropy"
_FOOTE = "Foote, Automatic audio segmentation using a measure of audio novelty, ICME 2000"


def _declared() -> Iterator[Descriptor]:
    for name, unit, low, high, definition, source, label, label_ru in (
        ("repetition", "1", -1, 1, "Highest peak, over distances from 2 s to two thirds of the clip, of the mean likeness of half-seconds that far apart.", "after Foote, ACM Multimedia 1999", "Repetition", "Повторяемость"),
        ("repetition.lag", "s", 1, 800, "Distance at which that peak lies.", _OURS, "Distance of repetition", "Интервал повтора"),
        ("return_of_opening", "1", -1, 1, "Mean likeness of the first 4 s to the later 4 s that resemble them most.", _OURS, "Return of the opening", "Возврат начала"),
        ("likeness.mean", "1", -1, 1, "Mean likeness of all pairs of half-seconds.", "after Foote, ACM Multimedia 1999", "Self-similarity", "Самоподобие"),
        ("likeness.p90", "1", -1, 1, "90th percentile of the likeness of all pairs of half-seconds.", "after Foote, ACM Multimedia 1999", "Self-similarity, high end", "Самоподобие, верхние значения"),
        ("change.mean", "1", 0, 2, "Mean of one minus the likeness of neighbouring half-seconds.", _OURS, "Change", "Изменчивость"),
        ("novelty.mean", "1", -1, 1, "Mean of the novelty curve, 4 s on either side.", _FOOTE, "Structural novelty", "Структурная новизна"),
        ("novelty.sd", "1", 0, 1, "Standard deviation of the novelty curve.", _FOOTE, "Structural novelty, variation", "Структурная новизна, разброс"),
        ("novelty.p90", "1", -1, 1, "90th percentile of the novelty curve.", _FOOTE, "Structural novelty, high end", "Структурная новизна, верхние значения"),
        ("novelty.max", "1", -1, 1, "Highest value of the novelty curve.", _FOOTE, "Strongest boundary", "Самая резкая граница"),
        ("sections", "1", 1, 600, "One plus the peaks of the novelty curve above 0.25.", _FOOTE, "Sections", "Число частей"),
        ("section.mean", "s", 0, 1200, "Mean length of the sections.", _FOOTE, "Length of sections", "Длина частей"),
        ("section.longest", "s", 0, 1200, "Length of the longest section.", _FOOTE, "Longest section", "Самая длинная часть"),
    ):  # fmt: skip
        yield Descriptor(f"structure.{name}", unit, float(low), float(high), definition, source, label, label_ru)


DESCRIPTORS: tuple[Descriptor, ...] = tuple(_declared())
"""Every descriptor of this family."""
