"""One decode, one resampling, one STFT: what every family of descriptors reads from.

Conventions. Samples are divided by the clip's peak, so that level matters only where a descriptor gives it back.
Everything but stereo and loudness is measured on the mid channel, (left + right) / 2, the mono mix that the field's
toolkits measure. Frames are whole (no padding: an edge is no sound), 93 ms long, 23 ms apart; a sine at full scale has
power 1 in its bin. Arrays are shaped (frames, bins).

Timbre is measured between 30 Hz and 10 kHz, a band that every codec and bitrate in use keeps: how far a file reaches
above it is one descriptor of its own, and must not leak into the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from ..audio.decode import Audio
from ..workspace.errors import UnsuitableAudio

RATE = 44_100
"""Rate in Hz that everything is resampled to."""

FRAME = 4096
"""Length of an STFT frame in samples (93 ms, Hann window)."""

HOP = 1024
"""Samples between frames (23 ms)."""

FRAMES_PER_SECOND = RATE / HOP

BAND = (30.0, 10_000.0)
"""Lowest and highest frequency in Hz that timbre is measured in."""

PITCHED = (100.0, 3520.0)
"""Lowest and highest frequency in Hz that pitch is looked for in."""

MELS = 40
"""Mel bands between the two ends of `BAND`."""

SHORTEST = 0.5
"""Seconds below which nothing is described."""

SILENT_DBFS = -80.0
"""A clip whose peak stays below this (three steps of a 16-bit file) is silent."""

_ACTIVE_DB = -60.0  # frames this far below the loudest are pauses: what they sound like is not the music's timbre
_CANCELLED_DB = -60.0  # the mid channel this far below the channels it is made of is their residue, not the music
_MEL_FLOOR_DB = -80.0
_PEAK_FLOOR_DB = -40.0  # partials this far below the frame's strongest are mostly side lobes and noise
_BLOCK = 64  # frames transformed at once: stays in the processor's cache, and long files in memory
_PITCH_CERTAINTY = 0.03  # 30 s of white noise reach .01, music .15 to .8


def analyse(audio: Audio) -> Spectra:
    """Resample a clip and take its STFT, once for all families.

    Parameters
    ----------
    audio : Audio

    Returns
    -------
    Spectra

    Raises
    ------
    UnsuitableAudio
        The clip is shorter than `SHORTEST` seconds.
    """
    if audio.seconds < SHORTEST:
        raise UnsuitableAudio(
            f"{audio.name}: {audio.seconds:.2f} s long; descriptors need at least {SHORTEST} s of sound."
        )
    peak = float(np.abs(audio.samples).max())
    samples = _resampled(audio.samples / np.float32(peak) if peak > 0 else audio.samples, audio.rate)
    mid = samples.mean(axis=0)
    side = (samples[0] - samples[1]) / 2 if audio.channels == 2 else None

    window = _window()
    mids = np.lib.stride_tricks.sliding_window_view(mid, FRAME)[::HOP]
    sides = None if side is None else np.lib.stride_tricks.sliding_window_view(side, FRAME)[::HOP]
    count, kept = len(mids), _band_slice()
    power = np.empty((count, kept.stop - kept.start), np.float32)
    mid_energy, side_energy = np.empty(count), np.zeros(count)
    mid_spectrum, side_spectrum, cross_spectrum = (np.zeros(FRAME // 2 + 1) for _ in range(3))
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        mid_transform = _transform(mids[block] * window)
        mid_power = _squared(mid_transform)
        power[block] = mid_power[:, kept]
        mid_energy[block] = mid_power.sum(axis=1)
        mid_spectrum += mid_power.sum(axis=0)
        if sides is not None:
            side_transform = _transform(sides[block] * window)
            side_power = _squared(side_transform)
            side_energy[block] = side_power.sum(axis=1)
            side_spectrum += side_power.sum(axis=0)
            cross_spectrum += np.real(mid_transform * np.conj(side_transform)).sum(axis=0)
    return Spectra(
        audio=audio,
        peak=peak,
        samples=samples,
        mid=mid,
        power=power,
        mid_energy=mid_energy,
        side_energy=side_energy,
        mid_spectrum=mid_spectrum / count,
        side_spectrum=side_spectrum / count,
        cross_spectrum=cross_spectrum / count,
    )


def frequencies() -> np.ndarray:
    """Return the centre of every kept bin in Hz, shape (bins,), float32."""
    kept = _band_slice()
    return (np.arange(kept.start, kept.stop) * (RATE / FRAME)).astype(np.float32)


def all_frequencies() -> np.ndarray:
    """Return the centre of every bin from 0 Hz to 22.05 kHz, shape (2049,), float64."""
    return np.arange(FRAME // 2 + 1) * (RATE / FRAME)


@cache
def _mel_bank() -> tuple[np.ndarray, np.ndarray]:
    """Filters, shape (MELS, bins), and the upper edge of each in Hz, shape (MELS,)."""
    from librosa import mel_frequencies
    from librosa.filters import mel

    low, high = BAND
    filters = mel(sr=RATE, n_fft=FRAME, n_mels=MELS, fmin=low, fmax=high)[:, _band_slice()]
    return filters, mel_frequencies(MELS + 2, fmin=low, fmax=high)[2:]


@cache
def _window() -> np.ndarray:
    """Hann window, scaled so that a sine at full scale has power 1."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    return (window * 2 / window.sum()).astype(np.float32)


def _band_slice() -> slice:
    low, high = BAND
    return slice(int(np.ceil(low * FRAME / RATE)), int(high * FRAME / RATE) + 1)


def _resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    if rate == RATE:
        return samples
    import soxr

    return np.ascontiguousarray(soxr.resample(np.ascontiguousarray(samples.T), rate, RATE).T)


def _transform(frames: np.ndarray) -> np.ndarray:
    from scipy.fft import rfft

    return np.asarray(rfft(frames, axis=1))  # scipy keeps single precision


def _squared(transform: np.ndarray) -> np.ndarray:
    return np.real(transform) ** 2 + np.imag(transform) ** 2


@dataclass(frozen=True, eq=False)
class Spectra:
    """A clip as the families read it.

    Attributes
    ----------
    audio : Audio
        What was analysed.
    peak : float
        Highest absolute sample of the file, which `samples` were divided by; 0 for digital silence.
    samples : numpy.ndarray, shape (channels, samples), float32
        At `RATE`, peak-normalised.
    mid : numpy.ndarray, shape (samples,), float32
        Mean of the channels.
    power : numpy.ndarray, shape (frames, bins), float32
        Power of the mid channel in the bins of `frequencies`.
    mid_energy, side_energy : numpy.ndarray, shape (frames,)
        Power of each frame over all bins; the side's is 0 unless the clip has two channels.
    mid_spectrum, side_spectrum : numpy.ndarray, shape (2049,)
        Long-term mean power in the bins of `all_frequencies`.
    cross_spectrum : numpy.ndarray, shape (2049,)
        Long-term mean of mid times side (real part): what left has more than right, over 4.
    """

    audio: Audio
    peak: float
    samples: np.ndarray
    mid: np.ndarray
    power: np.ndarray
    mid_energy: np.ndarray
    side_energy: np.ndarray
    mid_spectrum: np.ndarray
    side_spectrum: np.ndarray
    cross_spectrum: np.ndarray

    @property
    def seconds(self) -> float:
        return self.audio.seconds

    @property
    def nyquist(self) -> float:
        """Highest frequency in Hz that the file can hold."""
        return min(self.audio.rate, RATE) / 2

    @property
    def silence(self) -> str:
        """Why nothing can be measured, or the empty string."""
        if self.peak == 0:
            return "silent: every sample is zero"
        if (level := 20 * np.log10(self.peak)) < SILENT_DBFS:
            return f"silent: the peak is {level:.0f} dBFS, below {SILENT_DBFS:.0f}"
        return ""

    @property
    def cancellation(self) -> str:
        """Why the mid channel cannot stand for the music, or the empty string."""
        whole = float(np.mean(np.square(self.samples)))
        if np.mean(np.square(self.mid)) < whole * 10 ** (_CANCELLED_DB / 10):
            return "the channels cancel each other in the mono mix"
        return ""

    @property
    def narrowness(self) -> str:
        """Why timbre cannot be measured over the whole of `BAND`, or the empty string."""
        if self.nyquist < BAND[1] * 1.05:  # resampling filters roll off in the last 5 %
            return f"sampled at {self.audio.rate:,} Hz: holds no sound up to {BAND[1] / 1000:.0f} kHz"
        return ""

    @cached_property
    def active(self) -> np.ndarray:
        """Frames that are no pauses, shape (frames,), bool."""
        return self.mid_energy > self.mid_energy.max() * 10 ** (_ACTIVE_DB / 10)

    @cached_property
    def mel_db(self) -> np.ndarray:
        """Level in `MELS` mel bands in dB, floored 80 dB below the highest, shape (frames, MELS), float32."""
        mel = np.empty((len(self.power), MELS), np.float32)
        for band, weights in enumerate(_mel_bank()[0]):
            first, last = np.flatnonzero(weights)[[0, -1]]
            # not a matrix product: its last bits depend on how many threads share it
            mel[:, band] = np.einsum("fb,b->f", self.power[:, first : last + 1], weights[first : last + 1])
        return 10 * np.log10(np.maximum(mel, mel.max() * np.float32(10 ** (_MEL_FLOOR_DB / 10))))

    @property
    def mels(self) -> int:
        """How many mel bands, from below, the file's rate can fill."""
        return int(np.count_nonzero(_mel_bank()[1] <= self.nyquist / 1.05))

    @cached_property
    def partials(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Spectral peaks in active frames: frame index, semitones above A4, magnitude, each shape (peaks,).

        A parabola through the logarithm of three bins places a Hann window's peak within a fiftieth of a bin.
        """
        first, last = np.searchsorted(frequencies(), (PITCHED[0], min(PITCHED[1], self.nyquist / 1.05)))
        level = np.log(self.power[:, first - 1 : last + 1] + np.float32(1e-20))
        inner = level[:, 1:-1]
        floor = inner.max(axis=1, keepdims=True) + _PEAK_FLOOR_DB / 10 * np.log(10)
        found = (inner > level[:, :-2]) & (inner >= level[:, 2:]) & (inner > floor) & self.active[:, None]
        frame, column = np.nonzero(found)
        below, at, above = (level[frame, column + i].astype(np.float64) for i in range(3))
        offset = (below - above) / (2 * (below - 2 * at + above))
        hertz = frequencies()[first].astype(np.float64) + (column + offset) * (RATE / FRAME)
        return frame, 12 * np.log2(hertz / 440), np.exp((at - (below - above) * offset / 4) / 2)

    @cached_property
    def tuning(self) -> tuple[float, float]:
        """Cents by which the partials lie above A4 = 440 Hz, and how certainly (0 to 1).

        The circular mean of the partials' deviations from equal temperament, weighted by magnitude, and its length.
        """
        _, semitones, magnitude = self.partials
        if not magnitude.sum():
            return 0.0, 0.0
        mean = (magnitude * np.exp(2j * np.pi * semitones)).sum() / magnitude.sum()
        return float(np.angle(mean) / (2 * np.pi) * 100), float(abs(mean))

    @property
    def pitchlessness(self) -> str:
        """Why no pitch can be told, or the empty string."""
        certainty = self.tuning[1]
        by_chance = 4 / np.sqrt(max(1, len(self.partials[0])))  # few partials agree by chance
        if certainty < max(_PITCH_CERTAINTY, by_chance):
            return f"no pitch stands out (the partials agree on a tuning by {certainty:.3f} of 1)"
        return ""

    @cached_property
    def chroma(self) -> np.ndarray:
        """Share of each pitch class, C first, in each frame, shape (frames, 12); rows of 0 where there is no partial.

        A harmonic pitch class profile (Gomez 2006) of the partials, with the clip's own tuning taken out; a partial
        between two classes counts less the further it is from either.
        """
        frame, semitones, magnitude = self.partials
        if not self.pitchlessness:
            semitones = semitones - self.tuning[0] / 100
        nearest = np.round(semitones)
        weight = magnitude * np.cos(np.pi * (semitones - nearest)) ** 2
        pitch_class = (nearest.astype(int) + 9) % 12  # A is nine semitones above C
        chroma = np.bincount(frame * 12 + pitch_class, weight, minlength=12 * len(self.power)).reshape(-1, 12)
        return chroma / np.maximum(chroma.sum(axis=1, keepdims=True), np.finfo(float).tiny)
