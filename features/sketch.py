"""The sketch: a small picture of a recording that stays when its audio is deleted.

Conventions: the samples are brought to 44.1 kHz and scaled so that the largest is 1. *mid* is the mean of the channels,
*side* half the difference of the first two. Levels are in dB, 0 dB being a full-scale sine, and never below
`FLOOR_DB`. Every sketch looks at the same number of windows (`FRAMES` of `N_FFT` samples), evenly spaced over the parts
that sound, whatever the length of the clip: nothing in the arrays counts seconds.

Four pictures are kept, and the steadiest tones:

* `Sketch.mid`, `Sketch.side`: level averaged over time (the mean of the dB values, not of the power: a loud moment
  weighs no more than a quiet one, so what is always there stands out from what is played), at 2.7 Hz per bin. Neural
  decoders leave peaks there, as fine as one bin: Afchar et al., "A Fourier explanation of AI-music artifacts", ISMIR 2025.
* `Sketch.low`: the level that mid exceeds in all but `LOW_QUANTILE` of the windows. Notes come and go and sink here;
  what a machine leaves in every window stays.
* `Sketch.steps`: 32 bands by 64 steps of time, equally wide on the ERB-rate scale (Glasberg & Moore 1990).
* `Sketch.lines`: what `chartropy.features.lines` finds.

And what `chartropy.features.speech` measures of the same half minute.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.decode import Audio, decode
from ..workspace.errors import ModelError
from .lines import BANDS as LINE_BANDS
from .lines import LONG, SHORT, STEP_DB, STEP_HZ, Lines, find
from .spectra import LONGEST, RATE, Sound, window
from .speech import SILENT, Speech, measure

SKETCH_VERSION = 3
WITHOUT_LINES = (1, 2)
"""Earlier versions that are read: they hold no lines and nothing of speech, and 1 looked at twice as many windows."""

N_FFT = 16_384
BINS = N_FFT // 2 + 1
FRAMES = 128
STEPS, BANDS = 64, 32
FLOOR_DB = -140.0  # below the noise of 16 bits in one bin (-134 dB): only digital nothing is cut off
LOW_QUANTILE = 0.2
SILENT_DB = -60.0
"""A block of 50 ms this far under the clip's peak counts as silent."""

MAX_BYTES = 65_536

_MAGIC = b"CSKT"
_HEAD = struct.Struct("<4sHH")  # magic, version, reserved
_META = struct.Struct("<diidddd")
_ADDED = struct.Struct("<5fd")  # since version 3: speech, and the seconds that lines were seen over
_LINES = {"long": (2, LINE_BANDS, LONG, 2), "short": (2, LINE_BANDS, SHORT, 2)}
_LINE_COUNT = 2 * LINE_BANDS * (LONG + SHORT)
_SHAPES = {"mid": (BINS,), "side": (BINS,), "low": (BINS,), "steps": (STEPS, BANDS)}
_SILENT_PEAK = 1e-4  # -80 dBFS: the loudest sample of a clip without sound; scaling it up would judge the dither
_BATCH = 16  # windows transformed at once: 1 MB a channel


@dataclass(frozen=True, eq=False)
class Sketch:
    """What is kept of a recording's sound.

    Attributes
    ----------
    mid, side, low : numpy.ndarray, shape (8193,), float16
        Level in dB at ``k * 44100 / 16384`` Hz. `side` is `FLOOR_DB` throughout for a mono recording.
    steps : numpy.ndarray, shape (64, 32), float16
        Level of mid in dB, per step of sounding time and band (`band_edges`).
    lines : Lines or None
        The steadiest tones; None in a sketch that an earlier version drew.
    speech : Speech
        What tells talk from music; all zeros in a sketch that an earlier version drew.
    seconds : float
        Length of the clip.
    rate : int
        Its sampling rate in Hz before it was brought to 44.1 kHz.
    channels : int
    peak_db, rms_db : float
        Largest sample and root mean square of the original over all channels, in dB re full scale; `FLOOR_DB` at least.
    silent : float
        Share of the clip, 0 to 1, in blocks that lie 60 dB under its peak; 1 for silence.
    bandwidth : float
        Hz up to which mid holds sound: the highest frequency where the averaged spectrum lies above -110 dB
        and less than 90 dB under its maximum. 0 for silence.
    """

    mid: np.ndarray
    side: np.ndarray
    low: np.ndarray
    steps: np.ndarray
    lines: Lines | None
    seconds: float
    rate: int
    channels: int
    peak_db: float
    rms_db: float
    silent: float
    bandwidth: float
    speech: Speech = SILENT

    def __post_init__(self):
        for name, shape in _SHAPES.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float16:
                raise ValueError(f"{name} must be float16 shaped {shape}, not {array.dtype} {array.shape}")

    def __repr__(self) -> str:
        return f"<Sketch v{SKETCH_VERSION}: {self.seconds:.1f} s, up to {self.bandwidth:.0f} Hz>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Pack into at most `MAX_BYTES` bytes, the same for the same sketch."""
        meta = _META.pack(
            self.seconds, self.rate, self.channels, self.peak_db, self.rms_db, self.silent, self.bandwidth
        )
        values = np.concatenate([getattr(self, name).ravel() for name in _SHAPES]).astype("<f2")
        # high and low bytes apart: the high ones repeat and compress
        planes = values.view(np.uint8).reshape(-1, 2).T.tobytes()
        if self.lines is None:
            return _HEAD.pack(_MAGIC, WITHOUT_LINES[-1], 0) + zlib.compress(meta + planes, 6)
        added = _ADDED.pack(*self.speech, self.lines.seconds)
        return _HEAD.pack(_MAGIC, SKETCH_VERSION, 0) + zlib.compress(meta + planes + added + _packed(self.lines), 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> Sketch:
        """Unpack what `to_bytes` packed.

        Raises
        ------
        ModelError
            Not a sketch, damaged, or made by a newer Chartropy.
        """
        if len(data) < _HEAD.size or data[:4] != _MAGIC:
            raise ModelError(f"These {len(data):,} bytes are no sketch (they start with {bytes(data[:4])!r}).")
        _, version, _ = _HEAD.unpack_from(data)
        if version not in (*WITHOUT_LINES, SKETCH_VERSION):
            raise ModelError(
                f"This sketch has version {version}; this Chartropy reads versions {WITHOUT_LINES[0]} to "
                f"{SKETCH_VERSION}: "
                + ("upgrade Chartropy." if version > SKETCH_VERSION else "make it again from the audio.")
            )
        pictures = _META.size + 2 * sum(int(np.prod(shape)) for shape in _SHAPES.values())
        expected = pictures if version in WITHOUT_LINES else pictures + _ADDED.size + 4 * _LINE_COUNT
        try:
            unpacker = zlib.decompressobj()
            body = unpacker.decompress(data[_HEAD.size :], expected + 1)  # a bomb stops here
        except zlib.error as error:
            raise ModelError(f"This sketch is damaged ({error}); make it again from the audio.") from error
        if len(body) != expected or not unpacker.eof:
            raise ModelError(
                f"This sketch is damaged (not {expected:,} bytes when unpacked); make it again from the audio."
            )
        values = np.frombuffer(body[_META.size : pictures], np.uint8).reshape(2, -1).T.copy().view("<f2").ravel()
        meta = _META.unpack_from(body)
        if not (np.isfinite(values).all() and np.isfinite(meta).all()):
            raise ModelError("This sketch is damaged (it holds values that are not numbers); make it from the audio.")
        arrays, start = {}, 0
        for name, shape in _SHAPES.items():
            size = int(np.prod(shape))
            arrays[name] = values[start : start + size].reshape(shape).astype(np.float16)
            start += size
        seconds, rate, channels, peak_db, rms_db, silent, bandwidth = meta
        lines, speech = (None, SILENT) if version in WITHOUT_LINES else _unpacked(body[pictures:])
        return cls(
            **arrays,
            lines=lines,
            speech=speech,
            seconds=seconds,
            rate=rate,
            channels=channels,
            peak_db=peak_db,
            rms_db=rms_db,
            silent=silent,
            bandwidth=bandwidth,
        )


def _packed(lines: Lines) -> bytes:
    """Of every line 3 bytes of frequency and one of height, byte by byte: alike ones together."""
    every = np.concatenate([getattr(lines, name).reshape(-1, 2) for name in _LINES])
    words = np.round(every[:, 0] / STEP_HZ).astype("<u4")
    words |= np.round(every[:, 1] / STEP_DB).astype("<u4") << 24
    return words.view(np.uint8).reshape(-1, 4).T.tobytes()


def _unpacked(data: bytes) -> tuple[Lines, Speech]:
    *speech, seconds = _ADDED.unpack_from(data)
    words = np.frombuffer(data[_ADDED.size :], np.uint8).reshape(4, -1).T.copy().view("<u4").ravel()
    every = np.stack([(words & 0xFFFFFF) * STEP_HZ, (words >> 24) * STEP_DB], axis=1).astype(np.float32)
    if not (0 <= seconds < 1e6 and np.isfinite(speech).all()):  # NaN is not between
        raise ModelError(
            f"This sketch is damaged (lines seen over {seconds} s, speech {speech}); make it again from the audio."
        )
    long, short = np.split(every, [2 * LINE_BANDS * LONG])
    return Lines(long.reshape(_LINES["long"]), short.reshape(_LINES["short"]), seconds), Speech(*speech)


def sketch_file(path: Path | str, *, name: str = "") -> Sketch:
    """Decode a file and draw its sketch; of a file of more than five minutes, of the five in its middle.

    Parameters
    ----------
    path : path
    name : str
        What messages call it; default: its own name.

    Returns
    -------
    Sketch

    Raises
    ------
    AudioError
        The file cannot be decoded, or holds NaN or infinity.
    """
    return sketch(decode(path, name=name, rate=RATE, max_seconds=LONGEST))


def sketch(audio: Audio) -> Sketch:
    """Draw the sketch of a recording.

    Never refuses sound for being short, quiet, mono or narrow: judging whether a sketch is good enough is the business
    of whoever reads it. Silence gives `FLOOR_DB` everywhere, a clip shorter than one window is padded with zeros, and
    an 8 kHz recording holds nothing above its 4 kHz.

    Parameters
    ----------
    audio : Audio
        Any length, rate and number of channels. Of more than two channels, all enter mid and the first two side.

    Returns
    -------
    Sketch

    Raises
    ------
    UnsuitableAudio
        The samples hold NaN or infinity.
    """
    sound = Sound.of(audio)
    return draw(audio, sound, look(sound))


@dataclass(frozen=True, eq=False)
class LongTerm:
    """The windows of a clip, and what they come to.

    Attributes
    ----------
    silent : float
        Share of the clip in silent blocks, 0 to 1.
    mid_db : numpy.ndarray, shape (FRAMES, BINS), float32
        Level of mid in each window; 0 dB is a sine as high as the clip's peak.
    mid_mean, side_mean : numpy.ndarray, shape (BINS,)
        Level in dB averaged over the windows.
    bands : numpy.ndarray, shape (FRAMES, BANDS), float32
        Power of mid in the bands of `band_edges`.
    mid_power, side_power : numpy.ndarray, shape (BINS,)
        Power averaged over the windows.
    cross : numpy.ndarray, shape (BINS,), complex
        Mean of mid times conjugate side: its real part is what left has more than right, over 4.
    mid_energy, side_energy : numpy.ndarray, shape (FRAMES,)
        Power of each window over all bins.
    """

    silent: float
    mid_db: np.ndarray
    mid_mean: np.ndarray
    side_mean: np.ndarray
    bands: np.ndarray
    mid_power: np.ndarray
    side_power: np.ndarray
    cross: np.ndarray
    mid_energy: np.ndarray
    side_energy: np.ndarray


def look(sound: Sound) -> LongTerm | None:
    """Transform `FRAMES` windows, evenly spaced over the parts that sound.

    Parameters
    ----------
    sound : Sound

    Returns
    -------
    LongTerm, or None for silence
    """
    if sound.peak < _SILENT_PEAK:
        return None
    starts, silent = window_starts(sound)
    mid_db, bands = np.empty((FRAMES, BINS), np.float32), np.empty((FRAMES, BANDS), np.float32)
    mid_mean, side_mean, mid_power, side_power = (np.zeros(BINS) for _ in range(4))
    cross = np.zeros(BINS, complex)
    mid_energy, side_energy = np.zeros(FRAMES), np.zeros(FRAMES)
    edges = np.round(band_edges() / (RATE / N_FFT)).astype(int)
    for i in range(0, FRAMES, _BATCH):
        batch = slice(i, i + _BATCH)
        mid, side = _transforms(sound, starts[batch])
        power = _power(mid, mid_db[batch])
        mid_power += power.sum(axis=0)
        mid_energy[batch] = power.sum(axis=1)
        bands[batch] = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
        mid_mean += _to_db(power).sum(axis=0)
        if side is None:
            side_mean += FLOOR_DB * len(mid)
            continue
        power = _power(side)
        side_power += power.sum(axis=0)
        side_energy[batch] = power.sum(axis=1)
        # the logarithm of a product is the sum of the logarithms, and half as many are taken
        side_mean += _to_db(power[::2] * power[1::2]).sum(axis=0)
        np.conj(side, out=side)
        side *= mid
        cross += side.sum(axis=0)
    return LongTerm(
        silent=silent,
        mid_db=mid_db,
        mid_mean=mid_mean / FRAMES,
        side_mean=side_mean / FRAMES,
        bands=bands,
        mid_power=mid_power / FRAMES,
        side_power=side_power / FRAMES,
        cross=cross / FRAMES,
        mid_energy=mid_energy,
        side_energy=side_energy,
    )


def draw(audio: Audio, sound: Sound, seen: LongTerm | None) -> Sketch:
    """Draw the sketch of a recording from its windows.

    Parameters
    ----------
    audio : Audio
    sound : Sound
        Its samples.
    seen : LongTerm or None
        What :func:`look` gave of it.

    Returns
    -------
    Sketch
    """
    meta = {
        "seconds": audio.seconds,
        "rate": audio.native_rate,
        "channels": audio.channels,
        "peak_db": _db(sound.peak**2),
        "rms_db": _db(sound.energy),
    }
    if seen is None:
        nothing = {name: np.full(shape, FLOOR_DB, np.float16) for name, shape in _SHAPES.items()}
        return Sketch(**nothing, lines=Lines.none(), **meta, silent=1.0, bandwidth=0.0)
    steps = _to_db(seen.bands.reshape(STEPS, -1, BANDS).mean(axis=1))
    return Sketch(
        mid=seen.mid_mean.astype(np.float16),
        side=seen.side_mean.astype(np.float16),
        low=_low(seen.mid_db).astype(np.float16),
        steps=np.maximum(steps, FLOOR_DB).astype(np.float16),
        lines=find(sound),
        speech=measure(sound),
        **meta,
        silent=seen.silent,
        bandwidth=_bandwidth(seen.mid_mean),
    )


def frequencies() -> np.ndarray:
    """Hz of each bin of `Sketch.mid`, `Sketch.side` and `Sketch.low`, shape (8193,)."""
    return np.arange(BINS) * (RATE / N_FFT)


def band_edges() -> np.ndarray:
    """Hz between the bands of `Sketch.steps`, shape (33,): 40 Hz to 16 kHz, equal on the ERB-rate scale."""
    low, high = 21.4 * np.log10(1 + 0.00437 * np.array([40.0, 16_000.0]))
    return (10 ** (np.linspace(low, high, BANDS + 1) / 21.4) - 1) / 0.00437


def _db(power: float) -> float:
    return max(FLOOR_DB, 10 * np.log10(max(power, 1e-30)))


def _transforms(sound: Sound, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Transforms of mid and side (None where there is none) in the windows that begin at `starts`, (starts, BINS)."""
    from scipy.fft import rfft  # stays in float32, half the time of NumPy's

    scaled = window(N_FFT) * np.float32(sound.scale)
    frames = np.empty((2, len(starts), N_FFT), np.float32)
    for place, start in enumerate(starts):
        for frame, which in zip(frames[:, place], ("mid", "side"), strict=True):
            piece = sound.part(which, start, start + N_FFT)
            np.multiply(piece, scaled[: len(piece)], out=frame[: len(piece)])
            frame[len(piece) :] = 0
    mid = np.asarray(rfft(frames[0], axis=1))
    return mid, np.asarray(rfft(frames[1], axis=1)) if frames[1].any() else None


def _power(transform: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Power spectra, floored."""
    power = np.square(np.real(transform), out=out)
    power += np.square(np.imag(transform))
    return np.maximum(power, np.float32(10 ** (FLOOR_DB / 10)), out=power)


def _to_db(power: np.ndarray) -> np.ndarray:
    """Powers into dB, in place."""
    np.log(power, out=power)  # three times as fast as the logarithm of base ten
    power *= np.float32(10 / np.log(10))
    return power


def _low(mid_db: np.ndarray) -> np.ndarray:
    """What the levels exceed in all but `LOW_QUANTILE` of the windows, shape (BINS,)."""
    rank, low = int(LOW_QUANTILE * FRAMES), np.empty(BINS, np.float32)
    for first in range(0, BINS, 512):  # a bin's levels side by side, as many as fit into the cache
        levels = np.ascontiguousarray(mid_db[:, first : first + 512].T)
        levels.partition(rank, axis=1)
        low[first : first + 512] = levels[:, rank]
    return low


def window_starts(sound: Sound) -> tuple[np.ndarray, float]:
    """Choose `FRAMES` windows, evenly spaced over those whose middle sounds.

    Parameters
    ----------
    sound : Sound

    Returns
    -------
    starts : numpy.ndarray, shape (FRAMES,), int64
        Samples at which they begin.
    silent : float
        Share of the clip in silent blocks, 0 to 1.
    """
    block = RATE // 20
    length = max(sound.length, N_FFT)
    count = length // block
    energy = np.zeros(count)
    for first in range(0, min(count, sound.length // block), 1000):
        last = min(first + 1000, sound.length // block)
        for which in ("mid", "side"):
            blocks = sound.part(which, first * block, last * block).reshape(-1, block)
            energy[first:last] += np.einsum("bi,bi->b", blocks, blocks)
    sounding = energy / block * sound.scale**2 > 10 ** (SILENT_DB / 10)
    possible = np.arange(0, length - N_FFT + 1, 64)  # 1.5 ms: fine enough for any spacing
    middles = np.minimum((possible + N_FFT // 2) // block, count - 1)
    heard = possible[sounding[middles]]
    if not len(heard):  # one click at the very edge
        heard = possible
    chosen = np.linspace(0, len(heard) - 1, FRAMES).round().astype(int)
    return heard[chosen], float(1 - sounding.mean())


def _bandwidth(mean_db: np.ndarray) -> float:
    width = 64  # 172 Hz: single peaks do not count as sound
    smooth = np.convolve(mean_db, np.ones(width) / width, mode="valid")
    above = np.flatnonzero(smooth > max(-110.0, float(smooth.max()) - 90.0))
    return float((above[-1] + width // 2) * RATE / N_FFT) if len(above) else 0.0
