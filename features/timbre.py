"""Timbre: the shape of the spectrum, frame by frame, and how it moves.

All but the zero-crossing rate and the bandwidth read the shared STFT between 30 Hz and 10 kHz; pauses (frames 60 dB
below the loudest) are left out. Statistics are over the remaining frames.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from . import spectra as shared
from .spectra import Spectra

MFCCS = 13
"""Mel-frequency cepstral coefficients kept, from the first; coefficient 0 is level and left out."""

CONTRAST_EDGES = (30.0, 200.0, 400.0, 800.0, 1600.0, 3200.0, 6400.0, 10_000.0)
"""Edges in Hz of the bands of spectral contrast: octaves, after Jiang et al. 2002."""

ROLLOFF = 0.85
"""Share of the power below the rolloff frequency."""

_CONTRAST_SHARE = 0.2  # of a band's bins that make its peak and its valley
_BANDWIDTH_DB = -80.0  # below the strongest part of the long-term spectrum; encoders' low-pass filters fall past it
_TINY = np.float32(1e-20)


def measure(spectra: Spectra) -> dict[str, float | str]:
    """Measure the timbre descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    found: dict[str, float | str] = {"timbre.bandwidth": bandwidth(spectra)}
    if spectra.narrowness:
        return found | dict.fromkeys(_NAMES, spectra.narrowness)

    power = spectra.power[spectra.active]
    total = power.sum(axis=1)
    magnitude = np.sqrt(power)
    centroid, spread = _centroid_and_spread(magnitude)
    courses = {
        "centroid": centroid,
        "spread": spread,
        "rolloff": _rolloff(power, total),
        "flatness": np.minimum(np.exp(np.log(power + _TINY).mean(axis=1)) / (total / power.shape[1]), 1),
        "entropy": _entropy(power / total[:, None]),
        "zcr": _zero_crossings(spectra.mid, len(spectra.power))[spectra.active],
    }
    for name, course in courses.items():
        found |= _mean_and_sd(f"timbre.{name}", course)
    found |= _mean_and_sd("timbre.flux", _flux(magnitude))
    for band, contrast in enumerate(_contrast(power).T, start=1):
        found |= _mean_and_sd(f"timbre.contrast{band:02d}", contrast)

    cepstrum = mfcc(spectra)
    for number, course in enumerate(cepstrum[spectra.active].T, start=1):
        found |= _mean_and_sd(f"timbre.mfcc{number:02d}", course)
    for number, slope in enumerate(_slopes(cepstrum, spectra.active).T, start=1):
        found[f"timbre.mfcc{number:02d}.delta_sd"] = _sd(slope)
    return found


def mfcc(spectra: Spectra) -> np.ndarray:
    """Mel-frequency cepstral coefficients 1 to 13 (Davis & Mermelstein 1980).

    Parameters
    ----------
    spectra : Spectra

    Returns
    -------
    numpy.ndarray, shape (frames, 13), float32
        Orthonormal DCT-II of the mel levels in dB.
    """
    from scipy.fft import dct

    return np.asarray(dct(spectra.mel_db, axis=1, norm="ortho"))[:, 1 : MFCCS + 1]


def bandwidth(spectra: Spectra) -> float:
    """Highest frequency in Hz at which the long-term spectrum is within 80 dB of its strongest bin.

    Parameters
    ----------
    spectra : Spectra

    Returns
    -------
    float
        0 to 22,050.
    """
    spectrum = spectra.mid_spectrum
    return float(shared.all_frequencies()[np.flatnonzero(spectrum >= spectrum.max() * 10 ** (_BANDWIDTH_DB / 10))[-1]])


def _centroid_and_spread(magnitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    frequencies = shared.frequencies()
    total = magnitude.sum(axis=1)
    centroid = (magnitude * frequencies).sum(axis=1) / total
    # about a fixed middle, not about 0 Hz: single precision would lose the spread of a pure tone
    middle = np.float32(centroid.mean())
    second = (magnitude * (frequencies - middle) ** 2).sum(axis=1) / total
    return centroid, np.sqrt(np.maximum(second - (centroid - middle) ** 2, 0))


def _rolloff(power: np.ndarray, total: np.ndarray) -> np.ndarray:
    below = np.cumsum(power, axis=1) < ROLLOFF * total[:, None]
    return shared.frequencies()[np.minimum(below.sum(axis=1), power.shape[1] - 1)]


def _entropy(share: np.ndarray) -> np.ndarray:
    entropy = -(share * np.log(share + _TINY)).sum(axis=1) / np.log(share.shape[1])
    return np.clip(entropy, 0, 1)  # rounding


def _zero_crossings(samples: np.ndarray, frames: int) -> np.ndarray:
    """Sign changes per second in each frame of the STFT."""
    crossings = np.concatenate([[0], np.cumsum(np.diff(samples >= 0))])
    starts = np.arange(frames) * shared.HOP
    return (crossings[starts + shared.FRAME - 1] - crossings[starts]) * (shared.RATE / (shared.FRAME - 1))


def _flux(magnitude: np.ndarray) -> np.ndarray:
    unit = magnitude / np.sqrt(np.square(magnitude).sum(axis=1, keepdims=True))
    return np.sqrt(np.square(np.diff(unit, axis=0)).sum(axis=1))


def _contrast(power: np.ndarray) -> np.ndarray:
    """Level of each band's strongest fifth of bins over its weakest fifth, in dB, shape (frames, bands)."""
    edges = np.searchsorted(shared.frequencies(), CONTRAST_EDGES)
    contrast = []
    for first, last in pairwise(edges):
        band = np.sort(power[:, first:last], axis=1)
        kept = max(1, round(_CONTRAST_SHARE * band.shape[1]))
        peak, valley = band[:, -kept:].mean(axis=1), band[:, :kept].mean(axis=1)
        contrast.append(10 * np.log10((peak + _TINY) / (valley + _TINY)))
    return np.stack(contrast, axis=1)


def _slopes(course: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Regression slope over five frames, in dB per second, where all five sound."""
    if len(course) < 5:
        return course[:0]
    slope = (2 * (course[4:] - course[:-4]) + course[3:-1] - course[1:-3]) / 10 * np.float32(shared.FRAMES_PER_SECOND)
    sounding = np.lib.stride_tricks.sliding_window_view(active, 5).all(axis=1)
    return slope[sounding]


def _mean_and_sd(name: str, course: np.ndarray) -> dict[str, float | str]:
    if len(course) == 0:
        return dict.fromkeys((f"{name}.mean", f"{name}.sd"), "fewer than two frames sound")
    return {f"{name}.mean": float(course.mean(dtype=np.float64)), f"{name}.sd": _sd(course)}


def _sd(course: np.ndarray) -> float | str:
    if len(course) < 2:
        return "too few frames sound"
    return float(course.std(dtype=np.float64))


_NAMES = [
    f"timbre.{course}.{statistic}"
    for course in (
        *("centroid", "spread", "rolloff", "flatness", "entropy", "flux", "zcr"),
        *(f"contrast{band:02d}" for band in range(1, len(CONTRAST_EDGES))),
        *(f"mfcc{number:02d}" for number in range(1, MFCCS + 1)),
    )
    for statistic in ("mean", "sd")
] + [f"timbre.mfcc{number:02d}.delta_sd" for number in range(1, MFCCS + 1)]
