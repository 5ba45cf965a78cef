"""Lattices: do the steadiest tones of a recording lie at the multiples of one frequency?

A neural decoder makes sound step by step: so many steps a second, each upsampled by so many strides. Whatever it does alike
at every step (a bias, the checkerboard of a transposed convolution) returns at the multiples of the steps' rate, exactly:
A. Odena, V. Dumoulin and C. Olah ("Deconvolution and checkerboard artifacts", Distill 2016), J. Pons et al. ("Upsampling
artifacts in neural audio synthesis", ICASSP 2021), D. Afchar et al. ("A Fourier explanation of AI-music artifacts", ISMIR
2025). They look for peaks of some hertz in an averaged spectrum. Here each tone is seen over half a minute
(`chartropy.features.lines`), so a multiple is met to a few hundredths of a hertz: what lies on a lattice by chance is
counted, and there is next to none.

Music has lattices too. A loop that repeats to the sample puts lines at all multiples of one over its length: a lattice has to
hold more lines than it would if they were drawn from any finer lattice of which it is a part (`strength`). The partials of a
synthesizer's note are a lattice, and lie on one of every whole part of its frequency: the coarsest lattice that holds the
lines counts (`coarsest`), and a decoder's is a frame rate times a power of two, and not in tune (`in_tune`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from ..features.lines import Lines

SPACINGS_HZ = (20.0, 110.0)
"""Lattices that are looked for. A coarser one is found by a part of its spacing, a finer one by its multiples."""

FRAME_RATES_HZ = (44_100 / 2048, 44_100 / 1024, 44_100 / 512, 48_000 / 1024, 48_000 / 512, 25.0, 50.0, 75.0, 100.0)
"""Where short lines are looked for, which are not sharp enough to try every spacing: how many latent frames a second
published decoders have, and small multiples. 44100/512 (R. Kumar et al., Descript Audio Codec, 2023), 44100/2048 (Z. Evans
et al., Stable Audio Open, 2024), 25 to 75 (A. Defossez et al., EnCodec, 2022; N. Zeghidour et al., SoundStream, 2021); 512 and
1024 samples are also the usual hops of the mel spectra that vocoders start from (S. Lee et al., BigVGAN, 2023)."""

SEMITONES = (0, -3, -2, -1, 1, 2, 3)
"""Shifts of pitch that are tried."""

VOCODER_HZ, VOCODER = 44_100 / 2048, 2.0
"""What a phase vocoder leaves, which shifts the pitch of a recording: lines of its own at the multiples of the distance of its
bins, of usually 2048 samples, shifted like all else. At such a spacing a shifted lattice counts less, divided by this."""

LONG_WIDTH, SHORT_WIDTH = 1.0, 0.3
"""How far a line may lie from its place, over the length it was seen over: 1/30 Hz for a long one of 30 s."""

DRIFT = 0.05
"""How much faster or slower than it was made a recording is thought to be played."""

IN_TUNE = 3.0
"""Cents from a note of the tempered scale (A4 = 440 Hz) within which a spacing is that note's, not a decoder's: of the frame
rates above none is nearer than 11."""

HIGHEST = 32
"""Of each band of each channel, the lines among which a spacing that no decoder is known to have is looked for: a decoder's
are the highest, a note's or a loop's are among many."""

_STEP = 1.5e-5  # of a spacing, from one that is tried to the next; a long line at 15 kHz is eight times as sharp
_LOWEST_HZ = 100.0
_LIKELY = 8
_OUTSIDE = 0.1  # of a lattice's strength, what lines that are not on a coarser one may have
_FEWEST = 4  # lines that a lattice has
_WIDEST = 64  # times a spacing, how wide its coarsest lattice is looked for


@dataclass(frozen=True)
class Lattice:
    """Lines at the multiples of one frequency.

    Attributes
    ----------
    spacing : float
        Hz.
    strength : float
        Log-likelihood ratio in nats (Poisson) of so many lines on the lattice against those expected; 0 where there are
        not more.
    lines, expected : float
        How many lie on it, and how many would from chance, or from a finer lattice.
    """

    spacing: float = 0.0
    strength: float = 0.0
    lines: float = 0.0
    expected: float = 0.0


@dataclass(frozen=True)
class Lattices:
    """The strongest lattice of each kind.

    Attributes
    ----------
    known : Lattice
        Of long lines, among the spacings that a decoder of a usual sampling rate can have (`decoder_spacings`).
    near : tuple of Lattice
        For each frame rate, of the highest long lines, among spacings no further than `DRIFT` from it: a recording that
        was resampled, or is played a little faster or slower. Its coarsest lattice is as near to a power of two times the
        rate, and not in tune.
    shifted : tuple of Lattice
        For each frame rate, of short lines, among the rate shifted by `SEMITONES`; its strength is that of the short lines
        and half that of the long ones at the same spacing. Its coarsest lattice is a power of two times as wide.
    free : Lattice
        Of the highest long lines, among all spacings: a decoder of another build, or played at quite another speed. Its
        coarsest lattice is none beyond `SPACINGS_HZ`, and not in tune. Music comes here too.
    """

    known: Lattice
    near: tuple[Lattice, ...]
    shifted: tuple[Lattice, ...]
    free: Lattice


def read(lines: Lines, frame_rates: Sequence[float] = FRAME_RATES_HZ) -> Lattices:
    """Find the strongest lattices of a recording.

    Parameters
    ----------
    lines : Lines
    frame_rates : sequence of float
        Hz, for `Lattices.near` and `Lattices.shifted`.

    Returns
    -------
    Lattices
    """
    if not lines.seconds:
        none = Lattice()
        return Lattices(none, (none,) * len(frame_rates), (none,) * len(frame_rates), none)
    width = LONG_WIDTH / lines.seconds
    long, short = highest_of(lines.long), highest_of(lines.short)
    highest = highest_of(lines.long, HIGHEST)
    *near, free = _likely(highest, width, frame_rates)
    return Lattices(
        known=known_lattice(lines),
        near=tuple(
            _strongest(highest, spacings, width, 5, partial(_is_near, rate=rate))
            for spacings, rate in zip(near, frame_rates, strict=True)
        ),
        shifted=tuple(_shifted(long, short, rate, width) for rate in frame_rates),
        free=_strongest(highest, free, width, 8, _is_free),
    )


def _is_near(spacing: float, rate: float) -> bool:
    octaves = round(np.log2(spacing / rate))
    return octaves >= 0 and abs(spacing / rate / 2**octaves - 1) < DRIFT and not in_tune(spacing)


def _is_free(spacing: float) -> bool:
    return spacing <= SPACINGS_HZ[1] and not in_tune(spacing)


def _shifted(long: np.ndarray, short: np.ndarray, rate: float, width: float) -> Lattice:
    found = _strongest(short, rate * 2 ** (np.array(SEMITONES) / 12), SHORT_WIDTH, len(SEMITONES))
    if not found.strength:
        return found
    multiple = round(coarsest(short, found, SHORT_WIDTH) / found.spacing)
    if multiple & (multiple - 1):  # no power of two
        return Lattice()
    total = found.strength + strength(long, found.spacing, width).strength / 2
    vocoded = abs(rate - VOCODER_HZ) < 1e-6 and found.spacing != rate
    return replace(found, strength=total / VOCODER if vocoded else total)


def in_tune(hertz: float) -> bool:
    """Whether a frequency is that of a note, within `IN_TUNE`."""
    cents = 1200 * np.log2(hertz / 440)
    return abs(cents - 100 * round(cents / 100)) < IN_TUNE


def coarsest(hertz: np.ndarray, lattice: Lattice, width: float) -> float:
    """The widest spacing in Hz that holds the lines of a lattice, but for those that chance put there.

    Parameters
    ----------
    hertz : numpy.ndarray, shape (n,)
        Frequencies of lines.
    lattice : Lattice
        Of them.
    width : float
        As for `strength`.
    """
    multiples = np.round(hertz[lies_on(hertz, lattice.spacing, width)] / lattice.spacing).astype(int)
    times = np.arange(2, _WIDEST + 1)
    inside = (multiples % times[:, None] == 0).sum(axis=1)
    outside = _excess(len(multiples) - inside, lattice.expected * (1 - 1 / times))
    held = (inside >= _FEWEST) & (outside <= _OUTSIDE * lattice.strength)
    return lattice.spacing * float(times[held].max(initial=1))


def known_lattice(lines: Lines) -> Lattice:
    """The strongest lattice of long lines among the spacings of `decoder_spacings`."""
    if not lines.seconds:
        return Lattice()
    return _strongest(highest_of(lines.long), decoder_spacings(), LONG_WIDTH / lines.seconds, 4)


def lies_on(hertz: np.ndarray, spacing: float | np.ndarray, width: float) -> np.ndarray:
    """Whether frequencies lie on a lattice, no further than `width` in Hz from their place."""
    return np.abs(aside_of(hertz, spacing)) < width / spacing


def aside_of(hertz: np.ndarray, spacing: float | np.ndarray) -> np.ndarray:
    """How far frequencies lie from the nearest multiple of a spacing, in spacings, -0.5 to 0.5."""
    place = hertz / spacing
    place -= np.round(place)
    return place


def highest_of(lines: np.ndarray, count: int | None = None) -> np.ndarray:
    """Hz of the highest lines of each band of each channel, all unless a count is given; rising, float64."""
    kept = []
    for band in lines.reshape(-1, *lines.shape[-2:]):
        band = band[band[:, 0] > _LOWEST_HZ]
        kept.append(band[np.argsort(-band[:, 1], kind="stable")[:count], 0])
    return np.sort(np.concatenate(kept)).astype(float)


@cache
def decoder_spacings() -> np.ndarray:
    """Hz between the lines that an upsampling decoder can leave, rising: a usual sampling rate over 2^a·3^b·5^c."""
    low, high = SPACINGS_HZ
    products = [2**a * 3**b * 5**c for a in range(12) for b in range(3) for c in range(4)]
    return np.unique([round(rate / n, 6) for rate in (44_100, 48_000) for n in products if low <= rate / n <= high])


def strength(hertz: np.ndarray, spacing: float, width: float) -> Lattice:
    """How far the lines on a lattice outnumber what chance or a finer lattice would put there.

    Parameters
    ----------
    hertz : numpy.ndarray, shape (n,)
        Frequencies of lines.
    spacing : float
        Hz.
    width : float
        How far from its place, in Hz, a line may lie.

    Returns
    -------
    Lattice
        With n lines on it and m expected, its strength is n·ln(n/m) - (n - m). Expected are, of all finer lattices (a
        half, a third, … of the spacing, down to where places overlap), the most that any would give: the lines which lie
        on that lattice but not on this, shared out evenly; or chance, if that gives more; and one.
    """
    aside, near = aside_of(hertz, spacing), width / spacing
    on = np.abs(aside) < near
    count, rest = float(on.sum()), aside[~on].astype(np.float32)
    expected = len(hertz) * min(1.0, 2 * near)
    parts = np.arange(2, int(spacing / (5 * width)) + 1, dtype=np.float32)
    if len(parts):
        finer = parts[:, None] * rest
        finer -= np.round(finer)
        np.abs(finer, out=finer)
        held = (finer < parts[:, None] * np.float32(near)).sum(axis=1)
        expected = max(expected, float((held / (parts - 1)).max()))
    expected += 1
    if count <= expected:
        return Lattice(spacing, 0.0, count, expected)
    return Lattice(spacing, float(count * np.log(count / expected) - (count - expected)), count, expected)


def _strongest(
    hertz: np.ndarray, spacings: np.ndarray, width: float, tried: int, fits: Callable[[float], bool] | None = None
) -> Lattice:
    """The strongest lattice, of those whose coarsest spacing fits if that is asked.

    Only those that hold most lines, for what chance would give, are compared with finer ones.
    """
    best = Lattice()
    if not len(hertz) or not len(spacings):
        return best
    count = lies_on(hertz, spacings[:, None], width).sum(axis=1)
    promising = np.argsort(-_excess(count, len(hertz) * 2 * width / spacings + 1), kind="stable")[:tried]
    for spacing in spacings[promising].tolist():
        found = strength(hertz, spacing, width)
        if found.strength > best.strength and (fits is None or fits(coarsest(hertz, found, width))):
            best = found
    return best


def _likely(hertz: np.ndarray, width: float, frame_rates: Sequence[float]) -> list[np.ndarray]:
    """Spacings of which most lines are multiples: near each frame rate, and anywhere; at most `_LIKELY` of each.

    Every line votes for all spacings it is a multiple of.
    """
    low, high = SPACINGS_HZ
    first, last = np.ceil(hertz / high).astype(int), np.floor(hertz / low).astype(int)
    votes = np.maximum(last - first + 1, 0)
    which = np.repeat(np.arange(len(hertz)), votes)
    multiple = np.arange(len(which)) - np.repeat(np.cumsum(votes) - votes, votes) + first[which]
    bins = int(np.log(high / low) / _STEP) + 3
    ballot = np.bincount((np.log(hertz[which] / multiple / low) / _STEP).astype(int), minlength=bins)
    pairs = ballot[:-1] + ballot[1:]
    spacings = low * np.exp((np.arange(len(pairs)) + 1) * _STEP)
    excess = _excess(pairs, hertz.sum() * 2 * _STEP / spacings + 1)
    found = []
    for rate in frame_rates:
        near = slice(*np.searchsorted(spacings, (rate * (1 - DRIFT), rate * (1 + DRIFT))))
        found.append(_sharpened(hertz, width, spacings[near], excess[near]))
    return [*found, _sharpened(hertz, width, spacings, excess)]


def _sharpened(hertz: np.ndarray, width: float, spacings: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """The leading spacings that are not neighbours, each moved to where it holds most lines."""
    leading = np.argpartition(-excess, 4 * _LIKELY)[: 4 * _LIKELY]
    leading = leading[np.argsort(-excess[leading], kind="stable")]
    apart: list[int] = []
    for place in leading.tolist():
        if excess[place] > 0 and all(abs(place - other) > 2 for other in apart):
            apart.append(place)
    around = spacings[apart[:_LIKELY], None] * (1 + np.linspace(-1.5, 1.5, 16) * _STEP)
    held = lies_on(hertz, around[..., None], width).sum(axis=2)
    return around[np.arange(len(around)), held.argmax(axis=1)]


def _excess(count: np.ndarray | int, expected: np.ndarray | float) -> np.ndarray:
    count = np.maximum(count, 1e-9)
    return np.where(count > expected, count * np.log(count / expected) - (count - expected), 0.0)
