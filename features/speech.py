"""Speech: is there nothing but somebody talking?

A detector of machine-made music has nothing to say about a news bulletin, and charts hold some: interludes, audio books,
station idents. Five numbers tell talk from music, four of them those of E. Scheirer and M. Slaney ("Construction and
evaluation of a robust multifeature speech/music discriminator", ICASSP 1997) or near them. Talk comes in syllables, three to
eight a second, pauses between them, turns from vowels (below 1 kHz) to sibilants (above 4 kHz) and back, and keeps no beat.
Music does one or two of these, a rap over a beat three. Only what does all five clearly is called speech (`Speech.alone`):
talk over music, and singing without accompaniment, are not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import spectra as shared
from .lines import middle
from .spectra import Sound, window

VOICE = (200.0, 3500.0)
"""Hz in which a voice is loudest."""

VOWELS, SIBILANTS = (200.0, 1000.0), (4000.0, 8000.0)

SYLLABLES = (3.0, 8.0)
"""Hz at which syllables come (T. Houtgast and H. Steeneken, JASA 77, 1985)."""

_MODULATIONS = (0.5, 20.0)  # Hz against which syllables are held
_BEATS = (0.25, 2.0)  # seconds from one beat to the next
_ACTIVE = 1e-4  # of the loudest frame's power, what a frame needs to say anything of its spectrum


class Speech(NamedTuple):
    """What tells talk from music.

    Attributes
    ----------
    syllables : float
        Share of the modulation of the voice's level, .5 to 20 Hz, that lies between 3 and 8 Hz, 0 to 1.
    lulls : float
        Share of the moments of 20 ms whose level is less than half of what it is on average over the second around, 0 to 1.
    depth : float
        From what the level of the voice's band exceeds in all but a fifth of the time to what it exceeds in a twentieth, dB.
    turns : float
        Standard deviation of the level above 4 kHz against that below 1 kHz, dB.
    pulse : float
        Highest autocorrelation of the rises of the voice's level at .25 to 2 s, up to 1: how steady a beat is.
    """

    syllables: float
    lulls: float
    depth: float
    turns: float
    pulse: float

    @property
    def alone(self) -> bool:
        """All five say that there is nothing but talk."""
        *most, pulse = zip(self, LIMITS, strict=True)
        return all(value >= least for value, least in most) and pulse[0] <= pulse[1]


LIMITS = Speech(syllables=0.27, lulls=0.2, depth=18.0, turns=10.5, pulse=0.13)
"""What speech alone has at least, and of the pulse at most. ``benchmarks/speech.py`` says how well they do."""

SILENT = Speech(0.0, 0.0, 0.0, 0.0, 0.0)
"""Of what has no sound, or not two seconds of it."""


def measure(sound: Sound) -> Speech:
    """Measure the middle half minute of a clip.

    Parameters
    ----------
    sound : Sound

    Returns
    -------
    Speech
        As single-precision numbers.
    """
    power = _bands(sound)
    if power is None:
        return SILENT
    voice, vowels, sibilants, whole = power
    loudest = float(whole.max())
    if loudest <= 0:
        return SILENT
    per_second = shared.ONSET_FRAMES_PER_SECOND
    short = np.sqrt(whole[: len(whole) // 2 * 2].reshape(-1, 2).mean(axis=1))
    second = np.ones(round(per_second / 2))
    around = np.convolve(short, second / len(second), mode="same")
    level = 10 * np.log10(voice + 1e-12 * float(voice.max()) + 1e-30)
    balance = 10 * np.log10((sibilants + 1e-9 * loudest) / (vowels + 1e-9 * loudest))
    rises = np.maximum(np.diff(np.log(voice + 1e-6 * float(voice.mean()) + 1e-30)), 0)
    found = (
        syllabic(np.sqrt(voice), per_second),
        np.mean(short < 0.5 * around),
        np.percentile(level, 95) - np.percentile(level, 20),
        np.std(balance[whole > _ACTIVE * loudest]),
        _pulse(rises, per_second),
    )
    return Speech(*np.array(found, np.float32).tolist())


def syllabic(level: np.ndarray, per_second: float) -> float:
    """Share of the modulation of a level, .5 to 20 Hz, that lies at the rate of syllables; 0 where nothing moves.

    Parameters
    ----------
    level : numpy.ndarray, shape (n,)
        Amplitudes.
    per_second : float
        How many of them there are in a second.
    """
    from scipy.fft import rfft

    level = level - level.mean()
    spectrum = np.abs(np.asarray(rfft(level * np.hanning(len(level))))) ** 2
    hertz = np.arange(len(spectrum)) * per_second / len(level)
    inside, around = ((hertz >= low) & (hertz <= high) for low, high in (SYLLABLES, _MODULATIONS))
    total = float(spectrum[around].sum())
    return float(spectrum[inside].sum() / total) if total > 0 else 0.0


def _bands(sound: Sound) -> np.ndarray | None:
    """Power of mid in the voice's band, of vowels, of sibilants and of all, a hundred times a second, shape (4, frames)."""
    from scipy.fft import rfft

    start, stop = middle(sound)
    if stop - start < 2 * shared.RATE:
        return None
    frame, hop = shared.ONSET_FRAME, shared.ONSET_HOP
    frames = np.lib.stride_tricks.sliding_window_view(sound.part("mid", start, stop), frame)[::hop]
    windowed = window(frame) * np.float32(sound.scale)
    edges = [[round(hertz * frame / shared.RATE) for hertz in band] for band in (VOICE, VOWELS, SIBILANTS)]
    power = np.empty((4, len(frames)))
    for first in range(0, len(frames), 256):  # 1 MB at once
        block = slice(first, first + 256)
        transforms = np.asarray(rfft(frames[block] * windowed, axis=1))
        powers = np.square(transforms.real) + np.square(transforms.imag)
        for row, (low, high) in zip(power, edges, strict=False):
            row[block] = powers[:, low:high].sum(axis=1)
        power[3, block] = powers.sum(axis=1)
    return power


def _pulse(rises: np.ndarray, per_second: float) -> float:
    from scipy.signal import correlate

    rises = rises - rises.mean()
    own = correlate(rises, rises, mode="full", method="fft")[len(rises) - 1 :]
    first, last = (round(seconds * per_second) for seconds in _BEATS)
    return float(own[first:last].max() / own[0]) if own[0] > 0 and len(own) > first else 0.0
