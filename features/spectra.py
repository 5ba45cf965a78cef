"""One decode, one resampling, one STFT per size: what every family of descriptors reads from.

Conventions. Samples are divided by the clip's peak, so that level matters only where a descriptor gives it back.
Everything but stereo and loudness is measured on the mid channel, (left + right) / 2, the mono mix that the field's
toolkits measure. Frames are whole (no padding: an edge is no sound) and Hann-windowed; a sine at full scale has power 1
in its bin. Arrays are shaped (frames, bins).

Three resolutions, each for what it tells (a fourth, for the long-term spectrum and stereo, is the sketch's):

* timbre: 2048 samples (46 ms) every 1024, as Essentia's MusicExtractor;
* pitch: 4096 samples (93 ms) every 2048;
* onsets: 1024 samples (23 ms), a hundred times a second.

Timbre is measured between 30 Hz and 10 kHz, a band that every codec and bitrate in use keeps: what a file holds above
it is told by the families ``production`` and ``spectrum``, and must not leak into the others.

The signal is cut into blocks of frames that stay in the processor's cache; a long file never exists as a whole in a
second form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import numpy as np

from ..audio.decode import Audio
from ..workspace.errors import UnsuitableAudio

RATE = 44_100
"""Rate in Hz that everything is resampled to."""

FRAME, HOP = 2048, 1024
"""Samples in a frame of the timbre STFT, and from one frame to the next."""

PITCH_FRAME, PITCH_HOP = 4096, 2048
"""The same for pitch."""

ONSET_FRAME, ONSET_HOP = 1024, 441
"""The same for onsets: 100 frames a second."""

PITCH_FRAMES_PER_SECOND = RATE / PITCH_HOP
ONSET_FRAMES_PER_SECOND = RATE / ONSET_HOP

BAND = (30.0, 10_000.0)
"""Lowest and highest frequency in Hz that timbre is measured in."""

PITCHED = (25.0, 5000.0)
"""Lowest and highest frequency in Hz that partials are looked for in."""

SHORTEST = 0.5
"""Seconds below which nothing is described."""

LONGEST = 300.0
"""Seconds that are described of a longer file: those in its middle, so that no file needs more than 400 MB."""

SILENT_DBFS = -80.0
"""A clip whose peak stays below this (three steps of a 16-bit file) is silent."""

ONSET_BANDS = 24
"""Bands between the two ends of `BAND` in which onsets are looked for."""

_ACTIVE_DB = -60.0  # frames this far below the loudest are pauses: what they sound like is not the music's timbre
_CANCELLED_DB = -60.0  # the mid channel this far below the channels it is made of is their residue, not the music
_KEPT = 180 * RATE  # samples: of what is shorter, mid and side are made once and kept
_BLOCK = 2**18  # samples in the frames transformed at once: 1 MB


def analyse(audio: Audio) -> Spectra:
    """Resample a clip and take its STFTs, once for all families.

    Parameters
    ----------
    audio : Audio

    Returns
    -------
    Spectra

    Raises
    ------
    UnsuitableAudio
        The clip is shorter than `SHORTEST` seconds, or holds NaN or infinity.
    """
    sound = listen(audio)
    kept, pitched, bank = band_slice(), pitch_slice(), onset_bank()
    count = frame_count(sound.length, FRAME, HOP)
    power, energy = np.empty((count, kept.stop - kept.start), np.float32), np.empty(count, np.float32)
    for block, frames in sound.frames(FRAME, HOP):
        energy[block] = np.einsum("fi,fi->f", frames, frames)
        power[block] = _power(frames, kept)
    count = frame_count(sound.length, PITCH_FRAME, PITCH_HOP)
    pitch_power = np.empty((count, pitched.stop - pitched.start), np.float32)
    for block, frames in sound.frames(PITCH_FRAME, PITCH_HOP):
        pitch_power[block] = _power(frames, pitched)
    count = frame_count(sound.length, ONSET_FRAME, ONSET_HOP)
    onset_power = np.empty((count, ONSET_BANDS), np.float32)
    for block, frames in sound.frames(ONSET_FRAME, ONSET_HOP):
        onset_power[block] = _power(frames, slice(0, len(bank))) @ bank
    return Spectra(audio, sound, power, energy, pitch_power, onset_power)


def listen(audio: Audio) -> Sound:
    """Bring a clip to `RATE`, or refuse it.

    Parameters
    ----------
    audio : Audio

    Returns
    -------
    Sound

    Raises
    ------
    UnsuitableAudio
        The clip is shorter than `SHORTEST` seconds, or holds NaN or infinity.
    """
    if audio.seconds < SHORTEST:
        raise UnsuitableAudio(
            f"{audio.name}: {audio.seconds:.2f} s long; descriptors need at least {SHORTEST} s of sound."
        )
    return Sound.of(audio)


def frame_count(samples: int, frame: int, hop: int) -> int:
    """How many whole frames fit into so many samples."""
    return max(0, (samples - frame) // hop + 1)


@cache
def frequencies() -> np.ndarray:
    """Return the centre of every bin of `Spectra.power` in Hz, shape (bins,), float32."""
    kept = band_slice()
    return (np.arange(kept.start, kept.stop) * (RATE / FRAME)).astype(np.float32)


@cache
def pitch_frequencies() -> np.ndarray:
    """Return the centre of every bin of `Spectra.pitch_power` in Hz, shape (bins,), float32."""
    kept = pitch_slice()
    return (np.arange(kept.start, kept.stop) * (RATE / PITCH_FRAME)).astype(np.float32)


def all_frequencies(frame: int = FRAME) -> np.ndarray:
    """Return the centre of every bin of an STFT from 0 Hz to 22.05 kHz, shape (frame / 2 + 1,), float64."""
    return np.arange(frame // 2 + 1) * (RATE / frame)


@cache
def band_slice() -> slice:
    """Bins of the timbre STFT that lie in `BAND`."""
    return _bins(BAND, FRAME)


@cache
def pitch_slice() -> slice:
    """Bins of the pitch STFT that lie in `PITCHED`."""
    return _bins(PITCHED, PITCH_FRAME)


def triangles(edges: np.ndarray, frame: int) -> np.ndarray:
    """Triangular filters over the bins of an STFT, each of area 1.

    Parameters
    ----------
    edges : numpy.ndarray, shape (filters + 2,)
        Hz, rising: filter i rises from edge i to a peak at edge i + 1 and falls to edge i + 2.
    frame : int
        Length of the STFT's frames in samples.

    Returns
    -------
    numpy.ndarray, shape (frame / 2 + 1, filters), float32
        As `librosa.filters.mel` with ``norm="slaney"``, transposed.
    """
    bins = all_frequencies(frame)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return (np.maximum(np.minimum(rise, fall), 0) * (2 / (edges[2:] - edges[:-2]))).astype(np.float32)


def mel_edges(bands: int) -> np.ndarray:
    """Edges in Hz of triangular filters equally spaced on Slaney's mel scale over `BAND`, shape (bands + 2,).

    Linear below 1 kHz (200/3 Hz a mel), logarithmic above (27 steps for a factor of 6.4): Slaney, Auditory Toolbox,
    Technical Report 1998-010, Interval Research.
    """
    step, knee, log_step = 200 / 3, 1000.0, np.log(6.4) / 27

    def mel(hz: float) -> float:
        return hz / step if hz < knee else knee / step + np.log(hz / knee) / log_step

    mels = np.linspace(mel(BAND[0]), mel(BAND[1]), bands + 2)
    return np.where(mels < knee / step, mels * step, knee * np.exp(log_step * (mels - knee / step)))


@cache
def onset_edges() -> np.ndarray:
    """Edges in Hz of the onset bands, shape (ONSET_BANDS + 2,): equal ratios, but a bin apart at least, so none is empty."""
    edges = np.array([BAND[0]])
    while len(edges) < ONSET_BANDS + 2:
        ratio = (BAND[1] / edges[-1]) ** (1 / (ONSET_BANDS + 2 - len(edges)))
        edges = np.append(edges, max(edges[-1] * ratio, edges[-1] + RATE / ONSET_FRAME))
    return edges


@cache
def onset_bank() -> np.ndarray:
    """Filters of the onset bands, shape (bins, ONSET_BANDS); the bins from 0 Hz up to where the last one ends."""
    bank = triangles(onset_edges(), ONSET_FRAME)
    return bank[: np.flatnonzero(bank.any(axis=1))[-1] + 1]


@cache
def window(frame: int) -> np.ndarray:
    """Hann window, scaled so that a sine at full scale has power 1, shape (frame,), float32."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)
    return (hann * 2 / hann.sum()).astype(np.float32)


def _bins(band: tuple[float, float], frame: int) -> slice:
    return slice(int(np.ceil(band[0] * frame / RATE)), int(band[1] * frame / RATE) + 1)


def _power(frames: np.ndarray, bins: slice) -> np.ndarray:
    from scipy.fft import rfft

    transform = np.asarray(rfft(frames, axis=1))[:, bins]  # scipy keeps single precision
    power = np.square(transform.real)
    power += np.square(transform.imag)
    return power


@dataclass(frozen=True, eq=False)
class Sound:
    """Samples at `RATE`, from which channels and frames are made piece by piece.

    Attributes
    ----------
    samples : numpy.ndarray, shape (channels, samples), float32
        As decoded; may be a transposed view.
    peak : float
        Highest absolute sample; 0 for digital silence.
    swing : float
        Half of what lies between the lowest and the highest sample.
    """

    samples: np.ndarray
    peak: float
    swing: float

    @classmethod
    def of(cls, audio: Audio) -> Sound:
        """Bring a clip to `RATE`.

        Raises
        ------
        UnsuitableAudio
            It holds NaN or infinity.
        """
        samples = audio.samples
        if audio.rate != RATE and samples.size:
            import soxr

            samples = soxr.resample(np.ascontiguousarray(samples.T), audio.rate, RATE).T
        low, high = (float(samples.min()), float(samples.max())) if samples.size else (0.0, 0.0)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise UnsuitableAudio(f"{audio.name}: holds samples that are not numbers (NaN or infinite).")
        return cls(samples, max(high, -low), (high - low) / 2)

    @property
    def length(self) -> int:
        """How many samples."""
        return self.samples.shape[1]

    @property
    def scale(self) -> float:
        """What frames are multiplied by: one over the peak."""
        return 1 / self.peak if self.peak else 1.0

    @cached_property
    def energy(self) -> float:
        """Mean square over all channels."""
        every = self.samples.ravel(order="K")  # as they lie in memory
        return float(np.vdot(every, every)) / max(every.size, 1)

    def part(self, which: Literal["mid", "side"], start: int = 0, stop: int | None = None) -> np.ndarray:
        """Mean of the channels, or half the difference of the first two, not scaled.

        Parameters
        ----------
        which : {'mid', 'side'}
        start, stop : int
            Samples.

        Returns
        -------
        numpy.ndarray, shape (stop - start,), float32
            Not to be written to.
        """
        if self.length > _KEPT:
            return self._mixed(which, start, stop)
        return (self._mid if which == "mid" else self._side)[start:stop]

    @cached_property
    def _mid(self) -> np.ndarray:
        return self._mixed("mid")

    @cached_property
    def _side(self) -> np.ndarray:
        return self._mixed("side")

    def _mixed(self, which: Literal["mid", "side"], start: int = 0, stop: int | None = None) -> np.ndarray:
        samples = self.samples[:, start:stop]
        if len(samples) == 1:
            return np.ascontiguousarray(samples[0]) if which == "mid" else np.zeros(samples.shape[1], np.float32)
        if which == "side":
            side = samples[0] - samples[1]
            side *= np.float32(0.5)
            return side
        mid = samples[0] + samples[1]
        for channel in samples[2:]:
            mid += channel
        mid *= np.float32(1 / len(samples))
        return mid

    def frames(self, frame: int, hop: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield blocks of windowed frames of mid with the slice of frames that they are, shape (block, frame)."""
        count = frame_count(self.length, frame, hop)
        scaled = window(frame) * np.float32(self.scale)
        block = _BLOCK // frame
        for first in range(0, count, block):
            last = min(first + block, count)
            piece = self.part("mid", first * hop, (last - 1) * hop + frame)
            yield slice(first, last), np.lib.stride_tricks.sliding_window_view(piece, frame)[::hop] * scaled


@dataclass(frozen=True, eq=False)
class Spectra:
    """A clip as the families read it.

    Attributes
    ----------
    audio : Audio
        What was analysed.
    sound : Sound
        Its samples at `RATE`.
    power : numpy.ndarray, shape (frames, bins), float32
        Power of the mid channel in the bins of `frequencies`.
    mid_energy : numpy.ndarray, shape (frames,), float32
        Sum of the squares of each windowed frame.
    pitch_power : numpy.ndarray, shape (pitch frames, bins), float32
        Power of the mid channel in the bins of `pitch_frequencies`.
    onset_power : numpy.ndarray, shape (onset frames, ONSET_BANDS), float32
        Power density of the mid channel in the onset bands, a hundred times a second.
    """

    audio: Audio
    sound: Sound
    power: np.ndarray
    mid_energy: np.ndarray
    pitch_power: np.ndarray
    onset_power: np.ndarray

    @property
    def seconds(self) -> float:
        return self.audio.seconds

    @property
    def nyquist(self) -> float:
        """Highest frequency in Hz that the file can hold."""
        return min(self.audio.native_rate, RATE) / 2

    @cached_property
    def mid_level(self) -> np.ndarray:
        """Mean square of the mid channel in each timbre frame, shape (frames,), where 1 is the square of the peak."""
        return self.mid_energy / np.float32(np.square(window(FRAME)).sum())

    @cached_property
    def silence(self) -> str:
        """Why nothing can be measured, or the empty string."""
        if self.sound.peak == 0:
            return "silent: every sample is zero"
        if (level := 20 * np.log10(self.sound.peak)) < SILENT_DBFS:
            return f"silent: the peak is {level:.0f} dBFS, below {SILENT_DBFS:.0f}"
        if self.sound.swing < 10 ** (SILENT_DBFS / 20):
            return "silent: all samples are alike, a constant offset"
        return ""

    @cached_property
    def cancellation(self) -> str:
        """Why the mid channel cannot stand for the music, or the empty string."""
        if self.mid_level.mean() < self.sound.energy * self.sound.scale**2 * 10 ** (_CANCELLED_DB / 10):
            return "the channels cancel each other in the mono mix"
        return ""

    @property
    def narrowness(self) -> str:
        """Why timbre cannot be measured over the whole of `BAND`, or the empty string."""
        return self.lacks(BAND[1])

    def lacks(self, hertz: float) -> str:
        """Why nothing can be said about sound up to `hertz`, or the empty string."""
        if self.nyquist < hertz * 1.05:  # resampling filters roll off in the last 5 %
            return f"sampled at {self.audio.native_rate:,} Hz: holds no sound that high"
        return ""

    @cached_property
    def active(self) -> np.ndarray:
        """Timbre frames that are no pauses, shape (frames,), bool."""
        return self.mid_energy > self.mid_energy.max() * 10 ** (_ACTIVE_DB / 10)

    @cached_property
    def pitch_active(self) -> np.ndarray:
        """Pitch frames that are no pauses, shape (pitch frames,), bool."""
        energy = self.pitch_power.sum(axis=1)
        return energy > energy.max(initial=0) * 10 ** (_ACTIVE_DB / 10)
