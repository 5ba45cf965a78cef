"""Lines: tones so steady that they show in one transform of half a minute.

Music moves: a note that is played, sung or even held by a synthesizer spreads over some tenths of a hertz at least. What a
machine adds at every step of its clock does not move, and gathers in one bin of 1/30 Hz. Such lines are far weaker than
the music around them; they are found after

1. mid and side are split into the bands between `EDGES_HZ`,
2. each band is divided by its own level over `LEVEL_SECONDS`, so that a quiet moment counts as much as a loud one,
3. and its spectrum by the median of its surroundings: white noise has a floor of 0 dB.

They are kept at two resolutions. `Lines.long` comes from one transform of the whole clip. `Lines.short` comes from
transforms of `SHORT_SECONDS`, their powers averaged: what shifts the pitch of a recording piece by piece breaks a long line
up, not a short one.

Of a recording longer than `SECONDS`, the middle is read: a line's sharpness depends on the length it is seen over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from .spectra import RATE, Sound

EDGES_HZ = (2_000.0, 4_500.0, 7_500.0, 11_000.0, 15_500.0)
"""Edges of the bands. Below, music's own partials crowd; above, codecs cut."""

BANDS = len(EDGES_HZ) - 1
CHANNELS = ("mid", "side")
SECONDS = 30.0
SHORT_SECONDS = 0.75
LEVEL_SECONDS = 0.04

LONG, SHORT = 64, 48
"""How many lines are kept of each band of each channel, at either resolution."""

STEP_HZ = 2.0**-10
"""Lines are kept to the next multiple of this."""

STEP_DB = 0.5
"""And their heights to the next of this."""

HIGHEST_DB = 255 * STEP_DB

_DECIMATION = 8  # a band is at most 4.5 kHz wide: it fits into RATE / 8, as complex samples
_EDGE_HZ = 150.0  # a band fades in and out over this, and no line is looked for there
_FLOOR_HZ = 17.0  # width of what the floor is the median of
_LOWEST = 6.0  # times the floor that a long line reaches at least, as one bin in 400 of white noise does
_WEAKEST_DB = -110.0  # of a full-scale sine: a band below this holds no sound, but what rounding left
_ROUNDED = 1e-5  # of a band's mean power: no floor is taken to lie lower
_CLEAR = 1e-7  # share of the clip's power that a channel needs to count as being there


@dataclass(frozen=True, eq=False)
class Lines:
    """The steadiest tones of a recording.

    Attributes
    ----------
    long : numpy.ndarray, shape (2, BANDS, LONG, 2), float32
        By channel (`CHANNELS`) and band: frequency in Hz and height in dB over the floor, frequencies rising. Where there
        are fewer lines, the first are zeros.
    short : numpy.ndarray, shape (2, BANDS, SHORT, 2), float32
    seconds : float
        Length they were seen over.
    """

    long: np.ndarray
    short: np.ndarray
    seconds: float

    @classmethod
    def none(cls, seconds: float = 0.0) -> Lines:
        """Where nothing sounds."""
        long, short = (np.zeros((2, BANDS, count, 2), np.float32) for count in (LONG, SHORT))
        return cls(long, short, seconds)


def find(sound: Sound) -> Lines:
    """Find the steadiest tones of a clip.

    Parameters
    ----------
    sound : Sound

    Returns
    -------
    Lines
    """
    start, stop = middle(sound)
    length = stop - start
    found = Lines.none(length / RATE)
    if length < 2 * SHORT_SECONDS * RATE:
        return found
    parts = [sound.part(which, start, stop) for which in CHANNELS]
    powers = [float(np.vdot(part, part)) / length for part in parts]
    for channel, (part, power) in enumerate(zip(parts, powers, strict=True)):
        if power <= _CLEAR * sum(powers):
            continue
        for band, (first_hz, samples) in enumerate(_bands(part)):
            if samples is None or np.vdot(samples, samples).real / samples.size * sound.scale**2 < _power(_WEAKEST_DB):
                continue
            _level(samples)
            found.long[channel, band] = _long_lines(samples, band, first_hz)
            found.short[channel, band] = _short_lines(samples, band, first_hz)
    return found


def middle(sound: Sound) -> tuple[int, int]:
    """First sample of the middle `SECONDS` of a clip, and the one after the last."""
    length = min(sound.length, round(SECONDS * RATE))
    start = (sound.length - length) // 2
    return start, start + length


def _power(decibels: float) -> float:
    return 10 ** (decibels / 10)


def _bands(samples: np.ndarray) -> Iterator[tuple[float, np.ndarray | None]]:
    """Each band as complex samples at RATE / _DECIMATION, and the frequency that has become 0 Hz."""
    from scipy.fft import ifft, next_fast_len, rfft

    length = len(samples) // _DECIMATION
    padded = next_fast_len(length)
    spectrum = np.asarray(rfft(samples, padded * _DECIMATION))
    bin_hz = RATE / (padded * _DECIMATION)
    fade = _fade(int(_EDGE_HZ / bin_hz))
    for low, high in pairwise(EDGES_HZ):
        first, last = int(low / bin_hz), int(high / bin_hz)
        band = np.zeros(padded, np.complex64)
        band[: last - first] = spectrum[first:last]
        band[: len(fade)] *= fade
        band[last - first - len(fade) : last - first] *= fade[::-1]
        yield first * bin_hz, np.asarray(ifft(band, overwrite_x=True))[:length] * np.float32(2 / _DECIMATION)


def _level(samples: np.ndarray) -> None:
    """Divide by the level around, in place."""
    from scipy.ndimage import uniform_filter1d

    power = np.square(np.real(samples)) + np.square(np.imag(samples))
    around = uniform_filter1d(power, round(LEVEL_SECONDS * RATE / _DECIMATION), mode="nearest")
    np.maximum(around, float(power.mean()) * 1e-4, out=around)
    samples /= np.sqrt(around)


def _long_lines(samples: np.ndarray, band: int, first_hz: float) -> np.ndarray:
    from scipy.fft import fft, next_fast_len

    size = next_fast_len(round(1.25 * len(samples)))
    transform = np.asarray(fft(samples * _hann(len(samples)), size))
    return _highest(np.square(transform.real) + np.square(transform.imag), size, LONG, band, first_hz, _LOWEST)


def _short_lines(samples: np.ndarray, band: int, first_hz: float) -> np.ndarray:
    from scipy.fft import fft, next_fast_len

    length = round(SHORT_SECONDS * RATE / _DECIMATION)
    size = next_fast_len(round(1.5 * length))
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[:: length // 2]
    transforms = np.asarray(fft(frames * _hann(length), size, axis=1))
    power = (np.square(transforms.real) + np.square(transforms.imag)).mean(axis=0)
    return _highest(power, size, SHORT, band, first_hz, 1.0)


def _highest(power: np.ndarray, size: int, count: int, band: int, first_hz: float, lowest: float) -> np.ndarray:
    """The highest peaks of a band's spectrum, shape (count, 2): Hz and dB over the floor."""
    bin_hz = RATE / _DECIMATION / size
    low, high = EDGES_HZ[band], EDGES_HZ[band + 1]
    first, last = round((low + _EDGE_HZ - first_hz) / bin_hz), round((high - _EDGE_HZ - first_hz) / bin_hz)
    power = power[first - 1 : last + 1]
    block = round(_FLOOR_HZ / bin_hz)
    floor = np.empty(-(-len(power) // block), np.float32)
    whole = power[: len(power) // block * block].reshape(-1, block)
    floor[: len(whole)] = np.partition(whole, block // 2, axis=1)[:, block // 2]
    if len(floor) > len(whole):
        floor[-1] = np.median(power[-block:])
    # where a codec or a filter has cut the band off, what is left is how numbers were rounded: no floor to stand out from
    floor = np.maximum(floor, _ROUNDED * float(power.mean()) + 1e-30)
    height = power / np.repeat(floor, block)[: len(power)]
    if lowest > 1:
        height *= np.float32(np.log(2))  # the median of white noise's power is its mean times this
    inner = height[1:-1]
    peaks = np.flatnonzero((inner > height[:-2]) & (inner >= height[2:]) & (inner > lowest)) + 1
    if len(peaks) > count:
        peaks = np.sort(peaks[np.argpartition(-height[peaks], count)[:count]])
    left, top, right = (np.log(np.maximum(height[peaks + shift], 1e-9)) for shift in (-1, 0, 1))
    aside = (
        0.5 * (left - right) / np.minimum(left - 2 * top + right, -1e-9)
    )  # the vertex of a parabola through the three
    hertz = (peaks + first - 1 + aside.astype(float)) * bin_hz + first_hz
    decibels = np.clip(10 / np.log(10) * top, 0, HIGHEST_DB)
    found = np.zeros((count, 2), np.float32)
    if len(peaks):
        found[-len(peaks) :, 0] = np.round(hertz / STEP_HZ) * STEP_HZ
        found[-len(peaks) :, 1] = np.round(decibels / STEP_DB) * STEP_DB
    return found


@cache
def _hann(length: int) -> np.ndarray:
    return np.hanning(length).astype(np.float32)


@cache
def _fade(length: int) -> np.ndarray:
    return (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)
