"""The sketch: a small picture of a recording that stays when its audio is deleted.

Conventions: the samples are brought to 44.1 kHz and scaled so that the largest is 1. *mid* is the mean of the channels,
*side* half the difference of the first two. Levels are in dB, 0 dB being a full-scale sine, and never below
`FLOOR_DB`. Every sketch looks at the same number of windows (`FRAMES` of `N_FFT` samples), evenly spaced over the parts
that sound, whatever the length of the clip: nothing in the arrays counts seconds.

Four pictures are kept:

* `Sketch.mid`, `Sketch.side`: level averaged over time (the mean of the dB values, not of the power: a loud moment
  weighs no more than a quiet one, so what is always there stands out from what is played), at 2.7 Hz per bin. Neural
  decoders leave peaks there, as fine as one bin: Afchar et al., "A Fourier explanation of AI-music artifacts", ISMIR 2025.
* `Sketch.low`: the level that mid exceeds in all but `LOW_QUANTILE` of the windows. Notes come and go and sink here;
  what a machine leaves in every window stays.
* `Sketch.steps`: 32 bands by 64 steps of time, equally wide on the ERB-rate scale (Glasberg & Moore 1990).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..audio.decode import Audio
from ..workspace.errors import ModelError, UnsuitableAudio

SKETCH_VERSION = 1
RATE = 44_100
N_FFT = 16_384
BINS = N_FFT // 2 + 1
FRAMES = 256
STEPS, BANDS = 64, 32
FLOOR_DB = -140.0  # below the noise of 16 bits in one bin (-134 dB): only digital nothing is cut off
LOW_QUANTILE = 0.2
SILENT_DB = -60.0
"""A block of 50 ms this far under the clip's peak counts as silent."""

MAX_BYTES = 65_536

_MAGIC = b"CSKT"
_HEAD = struct.Struct("<4sHH")  # magic, version, reserved
_META = struct.Struct("<diidddd")
_SHAPES = {"mid": (BINS,), "side": (BINS,), "low": (BINS,), "steps": (STEPS, BANDS)}
_SILENT_PEAK = 1e-4  # -80 dBFS: the loudest sample of a clip without sound; scaling it up would judge the dither
_BATCH = 32  # windows transformed at once: 4 MB of memory


@dataclass(frozen=True, eq=False)
class Sketch:
    """What is kept of a recording's sound.

    Attributes
    ----------
    mid, side, low : numpy.ndarray, shape (8193,), float16
        Level in dB at ``k * 44100 / 16384`` Hz. `side` is `FLOOR_DB` throughout for a mono recording.
    steps : numpy.ndarray, shape (64, 32), float16
        Level of mid in dB, per step of sounding time and band (`band_edges`).
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
    seconds: float
    rate: int
    channels: int
    peak_db: float
    rms_db: float
    silent: float
    bandwidth: float

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
        return _HEAD.pack(_MAGIC, SKETCH_VERSION, 0) + zlib.compress(meta + planes, 6)

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
        if version != SKETCH_VERSION:
            raise ModelError(
                f"This sketch has version {version}; this Chartropy reads version {SKETCH_VERSION}: "
                + ("upgrade Chartropy." if version > SKETCH_VERSION else "make it again from the audio.")
            )
        expected = _META.size + 2 * sum(int(np.prod(shape)) for shape in _SHAPES.values())
        try:
            unpacker = zlib.decompressobj()
            body = unpacker.decompress(data[_HEAD.size :], expected + 1)  # a bomb stops here
        except zlib.error as error:
            raise ModelError(f"This sketch is damaged ({error}); make it again from the audio.") from error
        if len(body) != expected or not unpacker.eof:
            raise ModelError(
                f"This sketch is damaged (not {expected:,} bytes when unpacked); make it again from the audio."
            )
        values = np.frombuffer(body[_META.size :], np.uint8).reshape(2, -1).T.copy().view("<f2").ravel()
        meta = _META.unpack_from(body)
        if not (np.isfinite(values).all() and np.isfinite(meta).all()):
            raise ModelError("This sketch is damaged (it holds values that are not numbers); make it from the audio.")
        arrays, start = {}, 0
        for name, shape in _SHAPES.items():
            size = int(np.prod(shape))
            arrays[name] = values[start : start + size].reshape(shape).astype(np.float16)
            start += size
        seconds, rate, channels, peak_db, rms_db, silent, bandwidth = meta
        return cls(
            **arrays,
            seconds=seconds,
            rate=rate,
            channels=channels,
            peak_db=peak_db,
            rms_db=rms_db,
            silent=silent,
            bandwidth=bandwidth,
        )


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
    samples, seconds = audio.samples, audio.seconds
    peak = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(peak):
        raise UnsuitableAudio(f"{audio.name}: holds samples that are not numbers (NaN or infinite).")
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    meta = {
        "seconds": seconds,
        "rate": audio.rate,
        "channels": audio.channels,
        "peak_db": _db(peak**2),
        "rms_db": _db(power),
    }
    if peak < _SILENT_PEAK:
        nothing = {name: np.full(shape, FLOOR_DB, np.float16) for name, shape in _SHAPES.items()}
        return Sketch(**nothing, **meta, silent=1.0, bandwidth=0.0)

    mid = samples.mean(axis=0)
    side = (samples[0] - samples[1]) / 2 if audio.channels > 1 else np.zeros_like(mid)
    pair = np.stack([mid, side]) / np.float32(peak)
    if audio.rate != RATE:
        import soxr

        pair = np.ascontiguousarray(soxr.resample(pair.T, audio.rate, RATE, quality="HQ").T)
    if pair.shape[1] < N_FFT:
        pair = np.pad(pair, ((0, 0), (0, N_FFT - pair.shape[1])))
    starts, silent = _sounding_starts(pair)
    mid_db = np.empty((FRAMES, BINS), np.float32)
    side_db = np.zeros(BINS)
    for i in range(0, FRAMES, _BATCH):
        batch = starts[i : i + _BATCH]
        mid_db[i : i + _BATCH] = _spectra(pair[0], batch)
        if pair[1].any():
            side_db += _spectra(pair[1], batch).sum(axis=0, dtype=np.float64)
        else:
            side_db += FLOOR_DB * len(batch)
    mean = mid_db.mean(axis=0, dtype=np.float64)
    rank = int(LOW_QUANTILE * FRAMES)
    return Sketch(
        mid=mean.astype(np.float16),
        side=(side_db / FRAMES).astype(np.float16),
        low=np.partition(mid_db, rank, axis=0)[rank].astype(np.float16),
        steps=_steps(mid_db),
        **meta,
        silent=silent,
        bandwidth=_bandwidth(mean),
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


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    """A Hann window under which a full-scale sine reads 0 dB."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    return (2 * window / window.sum()).astype(np.float32)


def _spectra(samples: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Levels in dB of the windows that begin at `starts`, shape (len(starts), BINS)."""
    from scipy.fft import rfft  # stays in float32, half the time of NumPy's

    frames = np.lib.stride_tricks.sliding_window_view(samples, N_FFT)[starts] * _window()
    spectrum = np.asarray(rfft(frames, axis=1))
    power = np.square(np.real(spectrum)) + np.square(np.imag(spectrum))
    return 10 * np.log10(np.maximum(power, np.float32(10 ** (FLOOR_DB / 10))))


def _sounding_starts(pair: np.ndarray) -> tuple[np.ndarray, float]:
    """Where `FRAMES` windows begin, evenly spaced over those whose middle sounds, and the silent share of the clip."""
    block = RATE // 20
    count = pair.shape[1] // block
    blocks = pair[:, : count * block].reshape(2, count, block)
    sounding = (blocks**2).mean(axis=2).sum(axis=0) > 10 ** (SILENT_DB / 10)
    possible = np.arange(0, pair.shape[1] - N_FFT + 1, 64)  # 1.5 ms: fine enough for any spacing
    middles = np.minimum((possible + N_FFT // 2) // block, count - 1)
    heard = possible[sounding[middles]]
    if not len(heard):  # one click at the very edge
        heard = possible
    chosen = np.linspace(0, len(heard) - 1, FRAMES).round().astype(int)
    return heard[chosen], float(1 - sounding.mean())


def _steps(mid_db: np.ndarray) -> np.ndarray:
    edges = np.round(band_edges() / (RATE / N_FFT)).astype(int)
    power = 10 ** (mid_db[:, : edges[-1]] / 10)
    bands = np.add.reduceat(power, edges[:-1], axis=1).reshape(STEPS, FRAMES // STEPS, BANDS).mean(axis=1)
    return np.maximum(10 * np.log10(bands), FLOOR_DB).astype(np.float16)


def _bandwidth(mean_db: np.ndarray) -> float:
    width = 64  # 172 Hz: single peaks do not count as sound
    smooth = np.convolve(mean_db, np.ones(width) / width, mode="valid")
    above = np.flatnonzero(smooth > max(-110.0, float(smooth.max()) - 90.0))
    return float((above[-1] + width // 2) * RATE / N_FFT) if len(above) else 0.0
