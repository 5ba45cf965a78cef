"""Rhythm: when things start, whether they come at a pulse, how fast that pulse is and how exactly it is kept.

Everything is read from the levels of the onset bands, a hundred times a second. The onset envelope is their mean rise in
dB over 20 ms. Tempo is the period at which the envelope resembles itself most, its multiples included, weighted by what
people tap along with. Half and double tempo fit the same sound: the candidates say which else was close.

Beats are placed by dynamic programming (Ellis 2007). A grid of four steps a beat is laid through them, bent slowly as
the tempo bends; *micro-timing* is how far onsets lie from the nearest step of that grid. Sequenced music lies within a
few milliseconds of it, played music some 10 to 30 ms off (Hennig et al. 2011); an envelope of a hundred frames a
second, its peaks interpolated, places a click within 2 ms.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import spectra as shared
from .courses import Descriptor, Measured
from .spectra import Spectra

SLOWEST, FASTEST = 40.0, 240.0
"""Tempi considered, in BPM."""

SHORTEST = 6.0
"""Seconds needed to tell a tempo: four beats at the slowest."""

CANDIDATES = 3
"""Tempi told, the likeliest first."""

BEAT_BANDS = {"low": (30.0, 150.0), "middle": (150.0, 2000.0), "high": (2000.0, 10_000.0)}
"""Bands in Hz in which the weight of beats is told."""

_PREFERRED_BPM, _PREFERENCE_OCTAVES = 120.0, 1.0  # Moelants 2002: people prefer to tap about twice a second
_CHANCE_CLARITY = 0.75  # over the root of the seconds: white noise resembles itself that much at some lag
_FLOOR_DB = -60.0  # of a band under the clip's highest: what rises below is hiss
_RISE_FRAMES = 2  # 20 ms
_ONSET_RISE_DB = 1.6  # of the blurred envelope above the local mean; white noise passes it twice a minute
_ONSET_APART = 0.05  # seconds between two onsets
_SURROUNDINGS = 1.0  # seconds over which the local mean is taken
_STABILITY_WINDOW, _STABILITY_HOP = 8.0, 2.0  # seconds
_TIGHTNESS = 100.0  # how much a beat off the period costs, against what an onset there gains (Ellis 2007)
_STEPS = 4  # of the grid, per beat
_BEND_BEATS = 8  # beats on either side that the grid is fitted through
_ON_GRID = 0.010  # seconds from a step that count as exact: one frame
_FPS = shared.ONSET_FRAMES_PER_SECOND


def measure(spectra: Spectra) -> Measured:
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
    onsets, strengths = find_onsets(envelope)
    found: Measured = dict.fromkeys((d.name for d in DESCRIPTORS), "")
    found |= {
        "rhythm.onset.rate": len(onsets) / (len(envelope) / _FPS),
        "rhythm.onset_strength.mean": float(envelope.mean()),
        "rhythm.onset_strength.sd": float(envelope.std()),
    }
    intervals = np.diff(onsets)
    few = f"{len(onsets)} onsets: too few intervals between them"
    found["rhythm.onset_interval.median"] = float(np.median(intervals)) if len(intervals) > 1 else few
    found["rhythm.onset_interval.cv"] = float(intervals.std() / intervals.mean()) if len(intervals) > 1 else few
    found["rhythm.danceability"] = danceability(spectra)
    found |= _tempo(envelope, spectra.seconds)
    period = found["rhythm.tempo.bpm"]
    beats = period if isinstance(period, str) else find_beats(envelope, 60 / period * _FPS)
    return found | _beats(spectra, envelope, beats, onsets, strengths)


def onset_envelope(spectra: Spectra) -> np.ndarray:
    """How much louder the onset bands get within 20 ms.

    Parameters
    ----------
    spectra : Spectra

    Returns
    -------
    numpy.ndarray, shape (onset frames,), float32
        Mean over the bands that the file's rate can fill of the rise in dB, falls counting as 0. Item i belongs to the
        middle of frame i, ``(i * 441 + 512) / 44100`` s into the clip.
    """
    filled = np.count_nonzero(shared.onset_edges()[2:] <= spectra.nyquist / 1.05)
    power = spectra.onset_power[:, :filled]
    floor = power.max(initial=0) * 10 ** (_FLOOR_DB / 10) + 1e-30
    level = np.log(np.maximum(power, np.float32(floor)))
    level *= np.float32(10 / np.log(10))
    rise = np.zeros(len(level), np.float32)
    if len(level) > _RISE_FRAMES:
        rise[_RISE_FRAMES - 1 : -1] = np.maximum(level[_RISE_FRAMES:] - level[:-_RISE_FRAMES], 0).mean(axis=1)
    return rise


def find_onsets(envelope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the peaks of the onset envelope.

    Parameters
    ----------
    envelope : numpy.ndarray, shape (frames,)

    Returns
    -------
    times : numpy.ndarray, shape (onsets,), float64
        Seconds from the middle of the first frame.
    strengths : numpy.ndarray, shape (onsets,), float64
        How far each rises above its surroundings, in dB.
    """
    from scipy.ndimage import maximum_filter1d

    apart = round(_ONSET_APART * _FPS)
    if len(envelope) < 3:
        return np.zeros(0), np.zeros(0)
    # a peak is a stretch of 20 ms: blurred by a frame, it has one top, and noise has few
    smooth = np.convolve(envelope, (0.25, 0.5, 0.25), mode="same")
    above = smooth - _local_mean(envelope)
    highest = smooth == maximum_filter1d(smooth, 2 * apart + 1, mode="nearest")
    peaks = np.flatnonzero(highest[1:-1] & (above[1:-1] > _ONSET_RISE_DB)) + 1
    peaks = peaks[np.diff(peaks, prepend=-2 * apart) > apart]  # a plateau is one onset
    return (peaks + _vertex(smooth, peaks)) / _FPS, above[peaks].astype(np.float64)


def find_beats(envelope: np.ndarray, period: float) -> np.ndarray:
    """Place beats by dynamic programming: on strong onsets, about a period apart.

    Parameters
    ----------
    envelope : numpy.ndarray, shape (frames,)
    period : float
        Frames from one beat to the next.

    Returns
    -------
    numpy.ndarray, shape (beats,), int64
        Frames.

    References
    ----------
    Ellis, Beat tracking by dynamic programming, J. New Music Research 36 (2007).
    """
    from scipy.ndimage import gaussian_filter1d

    weight = gaussian_filter1d(np.maximum(envelope - _local_mean(envelope), 0), max(period / 32, 1.0))
    weight = weight / (weight.std() + 1e-12)
    nearest, furthest = round(period / 2), round(period * 2)
    lags = np.arange(furthest, nearest - 1, -1)
    cost = -_TIGHTNESS * np.log(lags / period) ** 2
    # the best score of a beat at each frame; what lies before the clip scores 0
    score = np.zeros(furthest + len(weight))
    reached = np.lib.stride_tricks.sliding_window_view(score, len(lags))
    before = np.zeros(len(weight), np.int64)
    for first in range(0, len(weight), nearest):  # a chunk shorter than any lag reads only what is settled
        last = min(first + nearest, len(weight))
        options = reached[first:last] + cost
        best = options.argmax(axis=1)
        before[first:last] = np.arange(first, last) - lags[best]
        score[furthest + first : furthest + last] = weight[first:last] + options[np.arange(last - first), best]
    tail = score[furthest:]
    start = max(0, len(tail) - round(period))
    beats = [start + int(tail[start:].argmax())]
    while before[beats[-1]] >= 0:
        beats.append(int(before[beats[-1]]))
    return np.array(beats[::-1])


def danceability(spectra: Spectra) -> float | str:
    """How little loudness wanders over times of .3 to 9 s, by detrended fluctuation analysis.

    Parameters
    ----------
    spectra : Spectra

    Returns
    -------
    float or str
        0 or more, usually below 3: the reciprocal of the mean scaling exponent.

    References
    ----------
    Streich & Herrera, Detrended fluctuation analysis of music signals, AES Convention 118 (2005).
    """
    if spectra.seconds < SHORTEST:
        return f"{spectra.seconds:.1f} s long: danceability needs {SHORTEST:.0f} s"
    hop = shared.ONSET_HOP
    count = spectra.sound.length // hop
    deviation = np.empty(count)
    for first in range(0, count, 1000):
        last = min(first + 1000, count)
        samples = spectra.sound.part("mid", first * hop, last * hop).reshape(-1, hop)
        squares = np.einsum("fi,fi->f", samples, samples) / hop - samples.mean(axis=1) ** 2
        deviation[first:last] = np.sqrt(np.maximum(squares, 0))
    walk = np.cumsum(deviation - deviation.mean())
    sizes, fluctuations = [], []
    size = 31.0  # frames
    while size < min(880, count):
        length = int(size)
        # blocks a sixth of their length apart: all of the walk is in many
        blocks = np.lib.stride_tricks.sliding_window_view(walk, length)[:: max(length // 6, 1)]
        place = np.arange(length) - (length - 1) / 2
        energy = np.einsum("bi,bi->b", blocks, blocks) - blocks.sum(axis=1) ** 2 / length
        energy -= (blocks @ place) ** 2 / (place @ place)
        sizes.append(length + 3)  # the correction for short blocks that the paper gives
        fluctuations.append(np.sqrt(np.maximum(energy, 0).mean() / length))
        size *= 1.1
    if min(fluctuations) <= 1e-9 * np.abs(walk).max(initial=1e-12):
        return "the level never changes"
    exponents = np.diff(np.log(fluctuations)) / np.diff(np.log(sizes))
    mean = float(exponents.mean())
    return float(np.clip(1 / mean, 0, 10)) if mean > 0 else "loudness does not wander: no scaling exponent"


def _tempo(envelope: np.ndarray, seconds: float) -> Measured:
    names = [name for name in _NAMES if name.startswith(("rhythm.tempo", "rhythm.pulse", "rhythm.subdivision"))]
    if seconds < SHORTEST:
        return dict.fromkeys(names, f"{seconds:.1f} s long: a tempo needs {SHORTEST:.0f} s")
    starts = _starts(envelope)
    likeness = _self_likeness(starts)
    if np.isnan(likeness[0]):
        return dict.fromkeys(names, "nothing starts: the level never rises")

    lags = _lags()
    clarity = float(likeness[lags].max())
    found: Measured = {"rhythm.pulse_clarity": clarity}
    if clarity < _CHANCE_CLARITY / np.sqrt(seconds):
        return dict.fromkeys(names, f"no pulse stands out (clarity {clarity:.2f})") | found

    weighted = _weighted(likeness, lags)
    inner = weighted[1:-1]
    peaks = np.flatnonzero((inner > weighted[:-2]) & (inner >= weighted[2:]) & (inner > 0)) + 1
    if len(peaks) == 0:
        return dict.fromkeys(names, "no pulse stands out (no period is better than its neighbours)") | found
    peaks = peaks[np.argsort(-weighted[peaks], kind="stable")]
    periods = [_refined(likeness, int(lags[peak])) for peak in peaks[:CANDIDATES]]
    second = weighted[peaks[1]] if len(peaks) > 1 else 0.0
    found["rhythm.tempo.bpm"] = 60 * _FPS / periods[0]
    for place in range(1, CANDIDATES):
        only = f"only {len(periods)} tempi are possible"
        found[f"rhythm.tempo.bpm{place + 1}"] = 60 * _FPS / periods[place] if place < len(periods) else only
        found[f"rhythm.tempo.weight{place + 1}"] = (
            float(weighted[peaks[place]] / weighted[peaks[0]]) if place < len(periods) else only
        )
    return found | {
        "rhythm.tempo.confidence": float(1 - second / weighted[peaks[0]]),
        "rhythm.tempo.sd": _tempo_sd(starts, periods[0], seconds),
        "rhythm.subdivision": float(likeness[round(periods[0] / 2)]),
    }


def _beats(
    spectra: Spectra, envelope: np.ndarray, beats: np.ndarray | str, onsets: np.ndarray, strengths: np.ndarray
) -> Measured:
    names = [name for name in _NAMES if name.startswith(("rhythm.beat", "rhythm.syncopation", "rhythm.micro"))]
    if isinstance(beats, str):
        return dict.fromkeys(names, beats)
    if len(beats) < 2 * _BEND_BEATS:
        return dict.fromkeys(names, f"{len(beats)} beats: {2 * _BEND_BEATS} are needed")
    grid = _grid(beats, onsets)
    found: Measured = {"rhythm.beat.interval_sd": float(np.diff(grid).std() * 1000 / _FPS)}
    inside = slice(*np.searchsorted(onsets * _FPS, (grid[0], grid[-1])))
    on_grid = np.interp(onsets[inside] * _FPS, grid, np.arange(len(grid))) * _STEPS
    strengths = strengths[inside]

    power = spectra.onset_power
    centres = shared.onset_edges()[1:-1]
    # a beat is heard where its envelope peaks and for 50 ms after
    heard = np.clip(np.round(grid)[:, None] + np.arange(6), 0, len(power) - 1).astype(int)
    for band, (low, high) in BEAT_BANDS.items():
        chosen = (centres >= low) & (centres < high)
        if why := spectra.lacks(high):
            found[f"rhythm.beat_loudness.{band}"] = why
            continue
        level = power[:, chosen].sum(axis=1)
        least = level.max(initial=0) * 1e-6 + 1e-30
        at_beats = np.maximum(level[heard].mean(axis=1), least)
        between = max(float(level.mean()), least)
        found[f"rhythm.beat_loudness.{band}"] = float(10 * np.log10(at_beats.mean() / between))
    at_beats = np.maximum(envelope[heard].max(axis=1), 0)
    found["rhythm.beat_strength.mean"] = float(at_beats.mean())
    found["rhythm.beat_strength.cv"] = (
        float(at_beats.std() / at_beats.mean()) if at_beats.mean() > 0 else "no beat has an onset"
    )
    if len(onsets[inside]) < 8:
        few = f"{len(onsets[inside])} onsets between beats: eight are needed"
        return dict.fromkeys(names, few) | found
    step = np.round(on_grid).astype(int)
    found["rhythm.syncopation"] = _syncopation(step, strengths, len(grid))
    seconds_per_step = np.interp(on_grid / _STEPS, np.arange(len(grid)), np.gradient(grid)) / _FPS / _STEPS
    away = (on_grid - step) * seconds_per_step
    away = away - np.average(away, weights=strengths)  # where the grid as a whole lies says nothing
    return found | {
        "rhythm.microtiming.deviation": float(np.sqrt(np.average(away**2, weights=strengths)) * 1000),
        "rhythm.microtiming.median": float(np.median(np.abs(away)) * 1000),
        "rhythm.microtiming.on_grid": float(np.average(np.abs(away) <= _ON_GRID, weights=strengths)),
        "rhythm.microtiming.swing": _swing(on_grid, strengths),
    }


def _grid(beats: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Beats in fractions of a frame: each moved to the onset near it, then to a line through its neighbours."""
    beats = beats.astype(np.float64)
    if len(onsets):
        at = onsets * _FPS
        near = np.searchsorted(at, beats)
        below, above = at[np.clip(near - 1, 0, len(at) - 1)], at[np.clip(near, 0, len(at) - 1)]
        nearest = np.where(np.abs(below - beats) < np.abs(above - beats), below, above)
        reach = np.median(np.diff(beats)) / 8
        beats = np.where(np.abs(nearest - beats) <= reach, nearest, beats)
    first = _through_neighbours(beats, np.ones(len(beats), bool))
    # a beat that was misplaced pulls no other
    kept = np.abs(beats - first) <= 2 * np.median(np.abs(beats - first)) + 0.5
    placed = _through_neighbours(beats, kept)
    return np.maximum.accumulate(placed + 1e-3 * np.arange(len(beats)))


def _through_neighbours(beats: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Each beat on the line through those of the eight on either side that are kept (least squares)."""
    number = np.arange(len(beats), dtype=np.float64)
    around = np.ones(2 * _BEND_BEATS + 1)
    count, n, t, nn, nt = (
        np.convolve(np.where(kept, what, 0), around)[_BEND_BEATS:-_BEND_BEATS]
        for what in (np.ones(len(beats)), number, beats, number**2, number * beats)
    )
    bend = count * nn - n**2
    slope = np.where(bend > 0, (count * nt - n * t) / np.where(bend > 0, bend, 1), 0)
    on_line = (t - slope * n) / np.maximum(count, 1) + slope * number
    return np.where((count >= 4) & (bend > 0), on_line, beats)


def _syncopation(step: np.ndarray, strengths: np.ndarray, beats: int) -> float:
    """Share of the onsets' strength that lies off the beat and is held over an empty beat (Longuet-Higgins & Lee 1984)."""
    filled = np.zeros((beats + 1) * _STEPS, bool)
    filled[step] = True
    next_beat = (step // _STEPS + 1) * _STEPS
    held = (step % _STEPS != 0) & ~filled[np.minimum(next_beat, len(filled) - 1)]
    for between in range(1, _STEPS):  # and by no later onset before that beat
        later = step + between
        held &= ~((later < next_beat) & filled[np.minimum(later, len(filled) - 1)])
    return float(strengths[held].sum() / strengths.sum())


def _swing(on_grid: np.ndarray, strengths: np.ndarray) -> float | str:
    """Where in the beat the onsets near its middle lie: .5 straight, .67 triplets."""
    phase = np.mod(on_grid / _STEPS, 1)
    middle = (phase > 0.4) & (phase < 0.75)
    if middle.sum() < 8:
        return f"{middle.sum()} onsets in the middle of beats: eight are needed"
    return float(np.average(phase[middle], weights=strengths[middle]))


def _local_mean(envelope: np.ndarray) -> np.ndarray:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(envelope, round(_SURROUNDINGS * _FPS), mode="nearest"))


def _lags() -> np.ndarray:
    """Periods of the tempi considered, in frames."""
    per_minute = 60 * _FPS
    return np.arange(int(per_minute / FASTEST), int(np.ceil(per_minute / SLOWEST)) + 1)


def _starts(envelope: np.ndarray) -> np.ndarray:
    """What of the envelope rises above its surroundings, blurred: a period is rarely a whole number of frames."""
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(np.maximum(envelope - _local_mean(envelope), 0).astype(np.float64), 2.0))


def _self_likeness(starts: np.ndarray) -> np.ndarray:
    """Correlation of what :func:`_starts` gave with itself at each lag, -1 to 1, (..., frames); NaN where it never changes."""
    from scipy.fft import irfft, next_fast_len, rfft

    above = starts - starts.mean(axis=-1, keepdims=True)
    count = above.shape[-1]
    size = next_fast_len(2 * count, real=True)
    spectrum = np.abs(np.asarray(rfft(above, size))) ** 2
    likeness = np.asarray(irfft(spectrum, size))[..., :count] / (count - np.arange(count))
    power = likeness[..., :1]
    # dB squared: a steady tone's beating with the frames; music has .05 and more
    likeness = likeness / np.where(power < 1e-3, np.nan, power)
    return np.clip(likeness, -1, 1)  # few periods in a short clip can seem more alike than the same


def _weighted(likeness: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """How well each period fits: the likeness at it and at its double, by what people tap along with."""
    double = np.minimum(2 * lags, len(likeness) - 1)
    octaves = np.log2(60 * _FPS / lags / _PREFERRED_BPM)
    return (likeness[lags] + 0.5 * likeness[double]) / 1.5 * np.exp(-0.5 * (octaves / _PREFERENCE_OCTAVES) ** 2)


def _refined(likeness: np.ndarray, lag: int) -> float:
    """Period in fractions of a frame: from the peak itself, then from those at 2, 4 and 8 times its lag."""
    period = _parabola(likeness, lag)
    for multiple in (2, 4, 8):
        around = round(period * multiple)
        if around + 3 >= len(likeness) // 2:
            break
        best = around - 2 + int(np.argmax(likeness[around - 2 : around + 3]))
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
    return lag + float(_vertex(likeness, np.array([lag]))[0])


def _vertex(curve: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """How far the top of the parabola through three points lies from the middle one, -.5 to .5."""
    below, at, above = (curve[peaks + i].astype(np.float64) for i in (-1, 0, 1))
    bend = below - 2 * at + above
    return np.where(bend < 0, np.clip((below - above) / np.where(bend < 0, 2 * bend, 1), -0.5, 0.5), 0.0)


def _tempo_sd(starts: np.ndarray, period: float, seconds: float) -> float | str:
    """Standard deviation, in percent, of the period found in windows of 8 s within 8 % of the whole clip's."""
    window, hop = (round(s * _FPS) for s in (_STABILITY_WINDOW, _STABILITY_HOP))
    near = np.arange(int(period * 0.92), int(np.ceil(period * 1.08)) + 1)
    periods = []
    if len(starts) >= window:
        for likeness in _self_likeness(np.lib.stride_tricks.sliding_window_view(starts, window)[::hop]):
            best = int(near[np.argmax(likeness[near])])
            if _is_peak(likeness, best):  # nothing is in a window where nothing changes
                periods.append(_refined(likeness, best))
    if len(periods) < 3:
        return f"{seconds:.1f} s long: steadiness needs three windows of {_STABILITY_WINDOW:.0f} s with a pulse"
    return float(np.std(periods) / period * 100)


# -- what is declared --------------------------------------------------------------------------------------------------

_OURS = "Chartropy"
_ELLIS = "Ellis, J. New Music Research 36 (2007)"
_MICRO = "after Hennig et al., PLoS ONE 6 (2011)"


def _declared() -> Iterator[Descriptor]:
    for name, unit, low, high, definition, source, label, label_ru in (
        ("onset.rate", "1/s", 0, 22, "Onsets per second: peaks of the onset envelope, blurred by a frame, over 1.6 dB above its mean within a second.", _OURS, "Onsets per second", "Атак в секунду"),
        ("onset_strength.mean", "dB", 0, 60, "Mean over frames of the onset envelope: the mean rise of the onset bands within 20 ms.", "after Klapuri, ICASSP 1999", "Onset strength", "Сила атак"),
        ("onset_strength.sd", "dB", 0, 30, "Standard deviation over frames of the onset envelope.", "after Klapuri, ICASSP 1999", "Onset strength, variation", "Сила атак, разброс"),
        ("onset_interval.median", "s", 0, 1200, "Median time between neighbouring onsets.", _OURS, "Time between onsets", "Время между атаками"),
        ("onset_interval.cv", "1", 0, 100, "Standard deviation over mean of the times between onsets: 0 for a metronome, 1 for random onsets.", _OURS, "Irregularity of onsets", "Неравномерность атак"),
        ("tempo.bpm", "BPM", 39, 261, "Beats per minute: the period at which the onset envelope resembles itself most, preferring 120 BPM over half and double.", _ELLIS, "Tempo", "Темп"),
        ("tempo.bpm2", "BPM", 39, 261, "The second likeliest tempo.", _ELLIS, "Second candidate of the tempo", "Второй вариант темпа"),
        ("tempo.weight2", "1", 0, 1, "How well the second tempo fits, as a share of the first.", _OURS, "Weight of the second tempo", "Вес второго варианта темпа"),
        ("tempo.bpm3", "BPM", 39, 261, "The third likeliest tempo.", _ELLIS, "Third candidate of the tempo", "Третий вариант темпа"),
        ("tempo.weight3", "1", 0, 1, "How well the third tempo fits, as a share of the first.", _OURS, "Weight of the third tempo", "Вес третьего варианта темпа"),
        ("tempo.confidence", "1", 0, 1, "How far the second-best period falls short of the best, as a share of the best.", _OURS, "Tempo confidence", "Уверенность в темпе"),
        ("tempo.sd", "%", 0, 15, "Standard deviation of the beat period over windows of 8 s, in percent of the whole clip's.", _OURS, "Tempo drift", "Непостоянство темпа"),
        ("pulse_clarity", "1", -1, 1, "Highest autocorrelation of the onset envelope at any period from 40 to 240 BPM.", "Lartillot et al., Multi-feature modeling of pulse clarity, ISMIR 2008", "Pulse clarity", "Чёткость пульса"),
        ("subdivision", "1", -1, 1, "Autocorrelation of the onset envelope at half the beat period: high where off-beats sound like beats.", _OURS, "Subdivision", "Дробление доли"),
        ("beat.interval_sd", "ms", 0, 1500, "Standard deviation of the time between beats, after the grid of beats was smoothed over eight on either side.", _OURS, "Unsteadiness of the beat", "Неровность доли"),
        ("beat_loudness.low", "dB", -60, 40, "Power at beats over the mean power, 30 to 150 Hz: how much the bass drum carries the beat.", "after Essentia's BeatsLoudness", "Beat in the bass", "Удары доли в басу"),
        ("beat_loudness.middle", "dB", -60, 40, "Power at beats over the mean power, 150 Hz to 2 kHz.", "after Essentia's BeatsLoudness", "Beat in the middle", "Удары доли в середине"),
        ("beat_loudness.high", "dB", -60, 40, "Power at beats over the mean power, 2 to 10 kHz.", "after Essentia's BeatsLoudness", "Beat in the treble", "Удары доли наверху"),
        ("beat_strength.mean", "dB", 0, 60, "Mean of the highest onset envelope within 50 ms after each beat.", _OURS, "Strength of the beat", "Сила доли"),
        ("beat_strength.cv", "1", 0, 50, "Standard deviation over mean of the strength of the beats: 0 where every beat is the same.", _OURS, "Unevenness of the beats", "Неодинаковость долей"),
        ("syncopation", "1", 0, 1, "Share of the onsets' strength that falls off the beat and is held over a beat without onset.", "after Longuet-Higgins & Lee, Music Perception 1 (1984)", "Syncopation", "Синкопированность"),
        ("microtiming.deviation", "ms", 0, 250, "Root mean square distance of onsets from the grid of four steps a beat, weighted by strength.", _MICRO, "Looseness of timing", "Свобода микротайминга"),
        ("microtiming.median", "ms", 0, 250, "Median distance of onsets from the grid of four steps a beat: a few milliseconds for sequenced music.", _MICRO, "Typical distance from the grid", "Обычное отклонение от сетки"),
        ("microtiming.on_grid", "1", 0, 1, "Share of the onsets' strength within 10 ms of the grid: near 1 where a machine keeps time.", _OURS, "Machine-tight timing", "Машинная точность"),
        ("microtiming.swing", "1", 0.4, 0.75, "Mean place in the beat of the onsets near its middle: .5 straight, .67 triplets.", "after Friberg & Sundstrom, Music Perception 19 (2002)", "Swing", "Свинг"),
        ("danceability", "1", 0, 10, "How little loudness wanders over times of .3 to 9 s (detrended fluctuation analysis); high for a steady beat, usually 0 to 3.", "Streich & Herrera, AES Convention 118 (2005)", "Danceability", "Танцевальность"),
    ):  # fmt: skip
        yield Descriptor(f"rhythm.{name}", unit, float(low), float(high), definition, source, label, label_ru)


DESCRIPTORS: tuple[Descriptor, ...] = tuple(_declared())
"""Every descriptor of this family."""

_NAMES = [descriptor.name for descriptor in DESCRIPTORS]
