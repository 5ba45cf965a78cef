"""Rhythm: when things start, whether they come at a pulse, and how fast that pulse is.

Everything is read from one onset envelope: the mean rise, in dB per frame, over the mel bands that the file's rate can
fill. Tempo is the period at which the envelope resembles itself most, weighted by what people tap along with.
Half and double tempo fit the same sound; what is reported is the reading nearer to 120 BPM.
"""

from __future__ import annotations

import numpy as np

from . import spectra as shared
from .spectra import Spectra

SLOWEST, FASTEST = 40.0, 240.0
"""Tempi considered, in BPM."""

SHORTEST = 6.0
"""Seconds needed to tell a tempo: four beats at the slowest."""

_PREFERRED_BPM, _PREFERENCE_OCTAVES = 120.0, 1.0  # Moelants 2002: people prefer to tap about twice a second
_CHANCE_CLARITY = 0.75  # over the root of the seconds: white noise resembles itself that much at some lag
_ONSET_RISE_DB = 1.0  # above the envelope's local mean; white noise stays below
_ONSET_APART = 0.05  # seconds between two onsets
_SURROUNDINGS = 1.0  # seconds over which the local mean is taken
_STABILITY_WINDOW, _STABILITY_HOP = 8.0, 2.0  # seconds


def measure(spectra: Spectra) -> dict[str, float | str]:
    """Measure the rhythm descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    envelope = onset_envelope(spectra)
    onsets = onset_times(envelope)
    found: dict[str, float | str] = {
        "rhythm.onset.rate": len(onsets) / (len(envelope) / shared.FRAMES_PER_SECOND) if len(envelope) else 0.0,
        "rhythm.onset_strength.mean": float(envelope.mean()) if len(envelope) else "only one frame",
        "rhythm.onset_strength.sd": float(envelope.std()) if len(envelope) else "only one frame",
    }
    intervals = np.diff(onsets)
    few = f"{len(onsets)} onsets: too few intervals between them"
    found["rhythm.onset_interval.median"] = float(np.median(intervals)) if len(intervals) > 1 else few
    found["rhythm.onset_interval.cv"] = float(intervals.std() / intervals.mean()) if len(intervals) > 1 else few
    found["rhythm.danceability"] = _danceability(spectra)
    return found | _tempo(envelope, spectra.seconds)


def _danceability(spectra: Spectra) -> float | str:
    if spectra.seconds < SHORTEST:
        return f"{spectra.seconds:.1f} s is too short: {SHORTEST:.0f} s are needed"
    try:
        import essentia

        essentia.log.infoActive = False  # or it speaks while it is imported
        from essentia.standard import Danceability  # pyright: ignore[reportAttributeAccessIssue] - made at run time
    except ImportError:
        return "essentia is not installed (it has no package for this system)"
    return float(Danceability(sampleRate=shared.RATE)(spectra.mid)[0])


def onset_envelope(spectra: Spectra) -> np.ndarray:
    """How much louder the mel bands get from frame to frame.

    Parameters
    ----------
    spectra : Spectra

    Returns
    -------
    numpy.ndarray, shape (frames - 1,), float64
        Mean over the bands of the rise in dB, falls counting as 0.
    """
    rise = np.diff(spectra.mel_db[:, : spectra.mels], axis=0)
    return np.maximum(rise, 0).mean(axis=1, dtype=np.float64)


def onset_times(envelope: np.ndarray) -> np.ndarray:
    """Peaks of the onset envelope, in seconds from its beginning.

    Parameters
    ----------
    envelope : numpy.ndarray, shape (frames,)

    Returns
    -------
    numpy.ndarray, shape (onsets,), float64
    """
    from scipy.ndimage import maximum_filter1d

    if len(envelope) == 0:
        return envelope
    apart = round(_ONSET_APART * shared.FRAMES_PER_SECOND)
    highest = envelope == maximum_filter1d(envelope, 2 * apart + 1, mode="nearest")
    peaks = np.flatnonzero(highest & (envelope > _local_mean(envelope) + _ONSET_RISE_DB))
    separate = np.diff(peaks, prepend=-2 * apart) > apart  # a plateau is one onset
    return peaks[separate] / shared.FRAMES_PER_SECOND


def _tempo(envelope: np.ndarray, seconds: float) -> dict[str, float | str]:
    names = [f"rhythm.{name}" for name in ("tempo.bpm", "tempo.confidence", "tempo.sd", "pulse_clarity", "subdivision")]
    if seconds < SHORTEST:
        return dict.fromkeys(names, f"{seconds:.1f} s long: a tempo needs {SHORTEST:.0f} s")
    likeness = _self_likeness(envelope)
    if likeness is None:
        return dict.fromkeys(names, "nothing starts: the level never rises")

    lags = _lags()
    clarity = float(likeness[lags].max())
    found: dict[str, float | str] = {"rhythm.pulse_clarity": clarity}
    if clarity < _CHANCE_CLARITY / np.sqrt(seconds):
        return dict.fromkeys(names, f"no pulse stands out (clarity {clarity:.2f})") | found

    weighted = _weighted(likeness, lags)
    inner = weighted[1:-1]
    peaks = np.flatnonzero((inner > weighted[:-2]) & (inner >= weighted[2:]) & (inner > 0)) + 1
    if len(peaks) == 0:
        return dict.fromkeys(names, "no pulse stands out (no period is better than its neighbours)") | found
    peaks = peaks[np.argsort(-weighted[peaks], kind="stable")]
    period = _refined(likeness, int(lags[peaks[0]]))
    second = weighted[peaks[1]] if len(peaks) > 1 else 0.0
    return found | {
        "rhythm.tempo.bpm": 60 * shared.FRAMES_PER_SECOND / period,
        "rhythm.tempo.confidence": float(1 - second / weighted[peaks[0]]),
        "rhythm.tempo.sd": _tempo_sd(envelope, period, seconds),
        "rhythm.subdivision": float(likeness[round(period / 2)]),
    }


def _local_mean(envelope: np.ndarray) -> np.ndarray:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(envelope, round(_SURROUNDINGS * shared.FRAMES_PER_SECOND), mode="nearest"))


def _lags() -> np.ndarray:
    """Periods of the tempi considered, in frames."""
    per_minute = 60 * shared.FRAMES_PER_SECOND
    return np.arange(int(per_minute / FASTEST), int(np.ceil(per_minute / SLOWEST)) + 1)


def _self_likeness(envelope: np.ndarray) -> np.ndarray | None:
    """Correlation of the envelope with itself at each lag, -1 to 1; None where it never changes."""
    from scipy.fft import irfft, next_fast_len, rfft
    from scipy.ndimage import gaussian_filter1d

    above = np.maximum(envelope - _local_mean(envelope), 0)
    # a period is rarely a whole number of frames: blurred by one frame, pulses still meet
    above = np.asarray(gaussian_filter1d(above, 1.0))
    above = above - above.mean()
    if np.square(above).mean() < 1e-6:  # dB squared: far below anything that could be heard as a start
        return None
    count = len(above)
    product = np.asarray(irfft(np.abs(np.asarray(rfft(above, next_fast_len(2 * count)))) ** 2))[:count]
    likeness = product / (count - np.arange(count))
    return np.clip(likeness / likeness[0], -1, 1)  # few periods in a short clip can seem more alike than the same


def _weighted(likeness: np.ndarray, lags: np.ndarray) -> np.ndarray:
    octaves = np.log2(60 * shared.FRAMES_PER_SECOND / lags / _PREFERRED_BPM)
    return likeness[lags] * np.exp(-0.5 * (octaves / _PREFERENCE_OCTAVES) ** 2)


def _refined(likeness: np.ndarray, lag: int) -> float:
    """Period in fractions of a frame: from the peak itself, then from those at 2, 4 and 8 times its lag."""
    period = _parabola(likeness, lag)
    for multiple in (2, 4, 8):
        around = round(period * multiple)
        if around + 2 >= len(likeness) // 2:
            break
        best = around - 1 + int(np.argmax(likeness[around - 1 : around + 2]))
        if not _is_peak(likeness, best):
            break
        period = _parabola(likeness, best) / multiple
    return period


def _is_peak(likeness: np.ndarray, lag: int) -> bool:
    return bool(likeness[lag - 1] < likeness[lag] > likeness[lag + 1])


def _parabola(likeness: np.ndarray, lag: int) -> float:
    """Top of the parabola through a peak and its neighbours; the lag itself where there is no peak."""
    if not _is_peak(likeness, lag):
        return float(lag)
    below, at, above = likeness[lag - 1 : lag + 2]
    return lag + float((below - above) / (2 * (below - 2 * at + above)))


def _tempo_sd(envelope: np.ndarray, period: float, seconds: float) -> float | str:
    """Standard deviation, in percent, of the period found in windows of 8 s within 8 % of the whole clip's."""
    window, hop = (round(s * shared.FRAMES_PER_SECOND) for s in (_STABILITY_WINDOW, _STABILITY_HOP))
    near = np.arange(int(period * 0.92), int(np.ceil(period * 1.08)) + 1)
    periods = []
    for start in range(0, len(envelope) - window + 1, hop):
        likeness = _self_likeness(envelope[start : start + window])
        if likeness is None:
            continue
        best = int(near[np.argmax(likeness[near])])
        if _is_peak(likeness, best):
            periods.append(_refined(likeness, best))
    if len(periods) < 3:
        return f"{seconds:.1f} s long: steadiness needs three windows of {_STABILITY_WINDOW:.0f} s with a pulse"
    return float(np.std(periods) / period * 100)
