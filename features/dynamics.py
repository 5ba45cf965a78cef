"""Dynamics: how loud, how compressed, how much it varies. The one family in which level is kept.

Loudness follows ITU-R BS.1770-4 (K-weighting, 400 ms blocks every 100 ms, gates at -70 LUFS and 10 LU below the
ungated mean), EBU Tech 3341 (momentary, short-term) and EBU Tech 3342 (range). The weighting filter is given by the
standard for 48 kHz; here it is designed for 44.1 kHz from the analogue prototype that those coefficients come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from . import spectra as shared
from .courses import Course, Descriptor, Measured, summarise
from .spectra import Sound, Spectra

ABSOLUTE_GATE = -70.0
"""Blocks below this many LUFS do not count."""

RELATIVE_GATE = -10.0
"""Nor do those this many LU below the mean of the others."""

RANGE_GATE = -20.0
"""The same for the loudness range (EBU Tech 3342)."""

SILENCE_DBFS = (-20, -30, -60)
"""Levels of a frame below which it counts as silent, as MusicExtractor's silence rates."""

_STEP = shared.RATE // 10  # samples: blocks start every 100 ms
_PART = 70  # samples filtered at once; a whole number of them is a step
_MOMENTARY, _SHORT_TERM = 4, 30  # steps in 400 ms and in 3 s
_RANGE_SECONDS = 6.0  # two short-term windows that do not overlap: below this, a range says nothing
_STEPS_AT_ONCE = 50
_BLOCK = 2**20  # samples
_NEAR = 10 ** (-1 / 20)  # of the peak: 1 dB below
_FLAT = 1 - 1e-4  # of the peak: samples above are one height
_FULL_SCALE = 1 - 2**-15  # the highest sample that 16 bits can hold
_FLAT_RUN = 3  # samples of one height in a row that are a flat top
_COMPLEXITY_LU = 40.0  # blocks this far below the integrated loudness are pauses
_PEAK_REACH = 16  # samples on either side of a peak that the oversampled curve is made of
_PEAK_CANDIDATES = 500  # highest samples of a block around which it is looked at
_CANDIDATE_LEVEL = 0.7  # of the sample peak: no wave of full height has all its samples below


def measure(spectra: Spectra, steps: np.ndarray, high: Heights) -> Measured:
    """Measure the dynamics descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.
    steps : numpy.ndarray, shape (steps,)
        What :func:`step_power` gave of its sound.
    high : Heights
        What :func:`heights` gave of it.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    peak = 20 * float(np.log10(spectra.sound.peak))
    rms = 10 * float(np.log10(spectra.sound.energy))
    found: Measured = {
        "dynamics.peak": peak,
        "dynamics.true_peak": 20 * float(np.log10(high.true_peak)),
        "dynamics.rms": rms,
        "dynamics.crest": max(peak - rms, 0.0),
    }
    of_frames = [name for name in _NAMES if name.startswith(("dynamics.level", "dynamics.silence", "dynamics.low"))]
    if why := spectra.cancellation:  # frames are the mid channel's
        found |= dict.fromkeys(of_frames, why)
    else:
        level = 10 * np.log10(np.maximum(spectra.mid_level, np.float32(1e-10))) + np.float32(peak)
        rooted = np.sqrt(spectra.mid_level)
        found |= summarise(COURSES, {"dynamics.level": level}, spectra.active)
        found |= {f"dynamics.silence_rate.{-limit}db": float(np.mean(level < limit)) for limit in SILENCE_DBFS}
        found["dynamics.low_energy_rate"] = float(np.mean(rooted < rooted.mean() / 2))
    rest = [name for name in _NAMES if name not in found]
    if spectra.audio.channels > 2:
        return found | dict.fromkeys(rest, f"{spectra.audio.channels} channels: which of them surround is not known")

    momentary = block_loudness(steps, _MOMENTARY)
    integrated = gated_loudness(momentary, RELATIVE_GATE)
    if integrated is None:
        return found | dict.fromkeys(rest, f"every block is below the gate of {ABSOLUTE_GATE:.0f} LUFS")
    sounding = momentary[momentary > integrated - _COMPLEXITY_LU]
    found |= {
        "dynamics.loudness.integrated": integrated,
        "dynamics.loudness.momentary_max": float(momentary.max()),
        "dynamics.loudness.momentary_sd": float(sounding.std()),
        "dynamics.loudness.range": _loudness_range(steps, spectra.seconds),
        "dynamics.peak_to_loudness": peak - integrated,
        "dynamics.complexity": float(np.abs(sounding - integrated).mean()),
    }
    if len(steps) < _SHORT_TERM:
        short = f"{spectra.seconds:.1f} s long: short-term loudness needs 3 s"
        return found | {"dynamics.loudness.short_term_max": short, "dynamics.peak_to_short_term": short}
    short_term = block_loudness(steps, _SHORT_TERM)
    found["dynamics.loudness.short_term_max"] = float(short_term.max())
    found["dynamics.peak_to_short_term"] = peak - float(short_term.max())
    return found


def gated_loudness(blocks: np.ndarray, relative_gate: float) -> float | None:
    """Mean loudness of the blocks that pass both gates of ITU-R BS.1770-4.

    Parameters
    ----------
    blocks : numpy.ndarray, shape (blocks,)
        Loudness of each block in LUFS.
    relative_gate : float
        In LU, negative, from the mean of the blocks above the absolute gate.

    Returns
    -------
    float or None
        LUFS; None when every block is below the absolute gate.
    """
    loud = blocks[blocks > ABSOLUTE_GATE]
    if len(loud) == 0:
        return None
    return _mean_loudness(loud[loud > _mean_loudness(loud) + relative_gate])


def block_loudness(steps: np.ndarray, length: int) -> np.ndarray:
    """Loudness of blocks of so many steps, one beginning at each step, in LUFS, shape (steps - length + 1,)."""
    if len(steps) < length:
        return np.zeros(0)
    power = np.lib.stride_tricks.sliding_window_view(steps, length).mean(axis=1)
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-20))


def step_power(sound: Sound) -> np.ndarray:
    """K-weighted power of each whole 100 ms, summed over the channels.

    Parameters
    ----------
    sound : Sound

    Returns
    -------
    numpy.ndarray, shape (steps,)
        Re full scale; without meaning for more than two channels.
    """
    # the sum of the squares of left and right is twice that of mid and side
    which = ("mid",) if len(sound.samples) == 1 else ("mid", "side")
    steps = sound.length // _STEP
    blocks = [
        (place, slice(first, min(first + _STEPS_AT_ONCE, steps)))
        for place in range(len(which))
        for first in range(0, steps, _STEPS_AT_ONCE)
    ]

    def parts(place: int, block: slice) -> np.ndarray:
        return sound.part(which[place], block.start * _STEP, block.stop * _STEP).reshape(-1, _PART)

    answer, from_state, to_state, _, _ = _k_matrices()
    pushed = np.empty((len(which), steps, _STEP // _PART, 4), np.float32)
    for place, block in blocks:
        pushed[place, block] = (parts(place, block) @ to_state).reshape(-1, *pushed.shape[2:])
    states = _k_states(pushed)
    power = np.zeros(steps)
    for place, block in blocks:
        weighted = parts(place, block) @ answer
        weighted += states[place, block].reshape(-1, 4) @ from_state
        squares = np.einsum("pi,pi->p", weighted, weighted)
        power[block] += squares.reshape(-1, _STEP // _PART).sum(axis=1, dtype=np.float64)
    return power * (len(which) / _STEP)


@dataclass(frozen=True)
class Heights:
    """Samples near the peak, over all channels.

    Attributes
    ----------
    near : int
        Samples within 1 dB of the peak.
    full_scale : int
        Samples at the full scale of 16 bits or above.
    flat_tops : int
        Runs of three samples or more at the height of the peak.
    true_peak : float
        Highest point of the waveform between the samples, re full scale.
    """

    near: int
    full_scale: int
    flat_tops: int
    true_peak: float


def heights(sound: Sound) -> Heights:
    """Look at the samples near the peak.

    Between samples the waveform is reconstructed eight times as densely by a windowed sinc around the highest of each
    stretch of 24 s; ITU-R BS.1770-4, annex 2, asks for four times.

    Parameters
    ----------
    sound : Sound
        Not silent.

    Returns
    -------
    Heights
    """
    near = full_scale = flat_tops = 0
    highest = sound.peak
    channels = len(sound.samples)
    for first in range(0, sound.length, _BLOCK):
        block = np.abs(sound.samples.T[first : first + _BLOCK]).ravel()
        place = np.flatnonzero(block >= np.float32(_CANDIDATE_LEVEL * sound.peak))
        heights_there = block[place]
        near += int(np.count_nonzero(heights_there >= np.float32(_NEAR * sound.peak)))
        full_scale += int(np.count_nonzero(heights_there >= np.float32(_FULL_SCALE)))
        for channel, samples in enumerate(sound.samples):
            of_channel = place % channels == channel
            at, height = first + place[of_channel] // channels, heights_there[of_channel]
            flat = at[height >= np.float32(_FLAT * sound.peak)]
            flat_tops += _runs(flat[samples[flat] > 0]) + _runs(flat[samples[flat] < 0])
            if len(at) > _PEAK_CANDIDATES:
                at = at[np.argpartition(-height, _PEAK_CANDIDATES)[:_PEAK_CANDIDATES]]
            highest = max(highest, _between_samples(samples, at))
    return Heights(near, full_scale, flat_tops, highest)


def _runs(at: np.ndarray) -> int:
    """How many stretches of at least `_FLAT_RUN` places follow each other directly."""
    lengths = np.diff(np.flatnonzero(np.concatenate([[True], np.diff(at) != 1, [True]])))
    return int(np.count_nonzero(lengths >= _FLAT_RUN)) if len(at) else 0


def _between_samples(samples: np.ndarray, at: np.ndarray) -> float:
    around = at[:, None] + np.arange(-_PEAK_REACH, _PEAK_REACH + 1)
    inside = (around >= 0) & (around < len(samples))
    curve = np.where(inside, samples[np.clip(around, 0, len(samples) - 1)], 0) @ _between()
    return float(np.abs(curve).max(initial=0))


@cache
def _between() -> np.ndarray:
    """Weights of a peak's neighbours at eighths of a sample around it, shape (2 * _PEAK_REACH + 1, 15)."""
    away = np.arange(-7, 8) / 8 - np.arange(-_PEAK_REACH, _PEAK_REACH + 1)[:, None]
    taper = np.cos(np.pi / 2 * np.clip(away / (_PEAK_REACH + 1), -1, 1)) ** 2
    return (np.sinc(away) * taper).astype(np.float32)


def _loudness_range(steps: np.ndarray, seconds: float) -> float | str:
    if seconds < _RANGE_SECONDS:
        return f"{seconds:.1f} s long: a loudness range needs {_RANGE_SECONDS:.0f} s"
    blocks = block_loudness(steps, _SHORT_TERM)
    loud = blocks[blocks > ABSOLUTE_GATE]
    if len(loud) == 0:
        return f"every block is below the gate of {ABSOLUTE_GATE:.0f} LUFS"
    low, high = np.percentile(loud[loud > _mean_loudness(loud) + RANGE_GATE], [10, 95])
    return float(high - low)


def _mean_loudness(blocks: np.ndarray) -> float:
    """Loudness of the mean power, not mean of the loudness."""
    return float(10 * np.log10(np.mean(10 ** (blocks / 10))))


def _k_states(pushed: np.ndarray) -> np.ndarray:
    """States of the K-weighting at the beginning of every part, for what each part adds to them.

    A recursive filter is a product of matrices: within a part, of the part's samples and of the state that it begins
    with; the states, too, follow one from the other. So all parts are filtered at once, all steps go from part to part
    side by side, and only from step to step the states are computed one after the other.

    Parameters
    ----------
    pushed : numpy.ndarray, shape (channels, steps, parts, 4)

    Returns
    -------
    numpy.ndarray, shape (channels, steps, parts, 4), float32
    """
    _, _, _, move, leap = _k_matrices()
    channels, steps, parts, _ = pushed.shape
    adds = pushed.transpose(2, 0, 1, 3).astype(np.float64)
    states = np.zeros((parts + 1, channels, steps, 4))  # had every step begun with none
    for part in range(parts):
        np.add(states[part] @ move, adds[part], out=states[part + 1])
    begins, memory = np.empty((channels, steps, 4)), np.zeros((channels, 4))
    for step in range(steps):
        begins[:, step] = memory
        memory = memory @ leap[-1] + states[-1, :, step]
    states = states[:-1] + begins @ leap[:-1, None]
    return states.transpose(1, 2, 0, 3).astype(np.float32)


@cache
def _k_matrices() -> tuple[np.ndarray, ...]:
    """What the K-weighting multiplies with.

    Returns
    -------
    answer : (_PART, _PART), float32
        Output of a part for its samples.
    from_state : (4, _PART), float32
        Output of a part for the state that it begins with.
    to_state : (_PART, 4), float32
        State after a part for its samples.
    move : (4, 4), float64
        State after a part for the one before.
    leap : (parts + 1, 4, 4), float64
        States at the parts' beginnings, and after the last, for the one that the step begins with.
    """
    move, enter, read, direct = _state_space()
    powers = [np.eye(4)]
    for _ in range(_PART):
        powers.append(move @ powers[-1])
    impulse = np.array([direct, *(read @ power @ enter for power in powers[: _PART - 1])])
    place = np.arange(_PART)
    ahead = place[None, :] - place[:, None]
    answer = np.where(ahead >= 0, impulse[np.abs(ahead)], 0)
    from_state = np.stack([read @ power for power in powers[:_PART]], axis=1)
    to_state = np.stack([powers[_PART - 1 - i] @ enter for i in range(_PART)])
    leap = [np.eye(4)]
    for _ in range(_STEP // _PART):
        leap.append(leap[-1] @ powers[_PART].T)
    singles = (matrix.astype(np.float32) for matrix in (answer, from_state, to_state))
    return (*singles, powers[_PART].T.copy(), np.array(leap))


def _state_space() -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The K-weighting as state' = move state + enter x, y = read state + direct x."""
    systems = []
    for b0, b1, b2, _, a1, a2 in _k_weighting():
        move = np.array([[-a1, 1.0], [-a2, 0.0]])
        systems.append((move, np.array([b1 - a1 * b0, b2 - a2 * b0]), np.array([1.0, 0.0]), b0))
    (move1, enter1, read1, direct1), (move2, enter2, read2, direct2) = systems
    move = np.block([[move1, np.zeros((2, 2))], [np.outer(enter2, read1), move2]])
    return (
        move,
        np.concatenate([enter1, enter2 * direct1]),
        np.concatenate([direct2 * read1, read2]),
        float(direct1 * direct2),
    )


@cache
def _k_weighting() -> np.ndarray:
    """Second-order sections at `RATE`: a shelf of +4 dB for the head, a high-pass at 38 Hz, shape (2, 6)."""
    gain = 10 ** (3.999843853973347 / 20)
    slope, quality = np.tan(np.pi * 1681.974450955533 / shared.RATE), 0.7071752369554196
    middle = gain**0.4996667741545416
    scale = 1 + slope / quality + slope**2
    shelf = [
        (gain + middle * slope / quality + slope**2) / scale,
        2 * (slope**2 - gain) / scale,
        (gain - middle * slope / quality + slope**2) / scale,
        1.0,
        2 * (slope**2 - 1) / scale,
        (1 - slope / quality + slope**2) / scale,
    ]
    slope, quality = np.tan(np.pi * 38.13547087602444 / shared.RATE), 0.5003270373238773
    scale = 1 + slope / quality + slope**2
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (slope**2 - 1) / scale, (1 - slope / quality + slope**2) / scale]
    return np.array([shelf, high_pass])


# -- what is declared --------------------------------------------------------------------------------------------------

_OURS = "Chartropy"
_BS1770 = "ITU-R BS.1770-4 (2015)"
_EBU = "EBU Tech 3341 (2016)"

COURSES: tuple[Course, ...] = (
    Course(
        "dynamics.level", "dBFS", -180, 20, "root mean square of the mid channel.", _OURS, "Level", "Уровень",
        ("sd", "p10", "median", "p90", "change"),
    ),
)  # fmt: skip
"""Every course of this family."""


def _singles() -> Iterator[Descriptor]:
    for name, unit, low, high, definition, source, label, label_ru in (
        ("loudness.integrated", "LUFS", -70, 20, "Loudness of the whole clip, gated.", _BS1770, "Loudness", "Громкость"),
        ("loudness.momentary_max", "LUFS", -70, 20, "Highest loudness of any 400 ms.", _EBU, "Highest momentary loudness", "Наибольшая мгновенная громкость"),
        ("loudness.momentary_sd", "LU", 0, 60, "Standard deviation of the momentary loudness, pauses left out.", _OURS, "Variation of loudness", "Разброс громкости"),
        ("loudness.short_term_max", "LUFS", -200, 20, "Highest loudness of any 3 s.", _EBU, "Highest short-term loudness", "Наибольшая кратковременная громкость"),
        ("loudness.range", "LU", 0, 90, "10th to 95th percentile of the loudness of gated 3 s windows; the standard finds it unsafe below a minute.", "EBU Tech 3342 (2016)", "Loudness range", "Диапазон громкости"),
        ("peak", "dBFS", -80, 20, "Highest sample; above 0 where a decoder overshoots.", _OURS, "Peak", "Пик"),
        ("true_peak", "dBTP", -80, 30, "Highest point of the waveform between the samples.", "ITU-R BS.1770-4 (2015), annex 2", "True peak", "Истинный пик"),
        ("rms", "dBFS", -160, 20, "Root mean square over all channels; a sine at full scale has -3.", _OURS, "RMS level", "Среднеквадратичный уровень"),
        ("crest", "dB", 0, 100, "Peak over root mean square.", _OURS, "Crest factor", "Пик-фактор"),
        ("peak_to_loudness", "dB", -20, 130, "Peak over integrated loudness: low for heavily compressed masters.", "AES TD1004 (2015)", "Peak to loudness", "Отношение пика к громкости"),
        ("peak_to_short_term", "dB", -20, 220, "Peak over the highest short-term loudness.", _OURS, "Peak to short-term loudness", "Отношение пика к кратковременной громкости"),
        ("complexity", "LU", 0, 80, "Mean absolute deviation of the momentary loudness from the integrated, pauses left out.", "after Streich, Music complexity, UPF 2006", "Dynamic complexity", "Динамическая сложность"),
        ("low_energy_rate", "1", 0, 1, "Share of frames whose root mean square is below half the mean of all frames'.", "after Scheirer & Slaney, ICASSP 1997", "Share of quiet moments", "Доля тихих моментов"),
    ):  # fmt: skip
        yield Descriptor(f"dynamics.{name}", unit, float(low), float(high), definition, source, label, label_ru)
    for limit in SILENCE_DBFS:
        yield Descriptor(
            f"dynamics.silence_rate.{-limit}db",
            "1",
            0.0,
            1.0,
            f"Share of frames whose level is below {limit} dBFS.",
            "after Essentia's SilenceRate",
            f"Share of frames below {limit} dBFS",
            f"Доля времени тише {limit} dBFS",
        )


DESCRIPTORS: tuple[Descriptor, ...] = (*_singles(), *(d for course in COURSES for d in course.descriptors()))
"""Every descriptor of this family."""

_NAMES = [descriptor.name for descriptor in DESCRIPTORS]
