"""Audio files become samples, or an error that says why they cannot.

Conventions: samples are float32 in [-1, 1] (louder where a decoder overshoots), shaped (channels, frames), at the
rate of the file or the one asked for. soundfile reads WAV, FLAC, MP3, Ogg and AIFF; PyAV reads the rest (M4A, Opus in
MP4, WMA). Of a long file the middle is taken, and no file is ever in memory whole.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from ..workspace.errors import AudioError, NotAudio, TruncatedAudio, UnsuitableAudio

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.plane import AudioPlane
    from av.audio.stream import AudioStream
    from av.container import InputContainer

SUFFIXES = frozenset(
    (
        ".aac .ac3 .aif .aiff .amr .ape .au .caf .eac3 .flac .m4a .m4b .mka .mp2 .mp3 .mp4 .mpc .oga .ogg .opus .rf64 "
        ".tta .w64 .wav .webm .wma .wv"
    ).split()
)
"""File name endings that a folder is searched for."""

MAX_SECONDS = 600.0
"""Longest piece decoded at once, in seconds: ten minutes of stereo at 44.1 kHz are 212 MB of samples. With more than two
channels, or at more than 48 kHz, proportionally less is taken, so that it needs no more memory."""

_UNKNOWN_LENGTH = 2**60  # libsndfile's word for it is a number of frames this large

_MISSING_FRACTION = 0.02  # codec delay and padding explain less than this

_BLOCK = 65_536  # frames resampled at once: few calls, little memory

_RESAMPLED = (1_000, 1_000_000)  # Hz; a header that says less or more is damaged, and resampling would take hours

_INDEX_BYTES = 64 * 1024 * 1024  # an MP4's description of its samples is smaller: an hour of AAC needs 1 MB

_OGG_TAIL = 256 * 1024  # bytes; an Ogg page has at most 65,307, and little but tags follows the last one

_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,loas,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,ogg,tak,tta,"
    "voc,w64,wav,wv"
)
"""What PyAV may take a file for: what holds its sound itself. Playlists and session descriptions name other files and
addresses, and a file that came from the web must not make us open those."""

_GUESSED = frozenset(("aac", "ac3", "amr", "dts", "eac3", "loas", "mp3"))
"""Streams without a header; FFmpeg guesses their length from the first bit rates, too badly to rely on."""


@dataclass(frozen=True)
class Audio:
    """Decoded sound and where it came from.

    Attributes
    ----------
    samples : numpy.ndarray, shape (channels, frames), float32
        Often a transposed view of interleaved samples, so a channel need not be contiguous: NumPy, SciPy, soxr and
        soundfile take it as it is; what needs plain memory (essentia) needs ``numpy.ascontiguousarray`` first.
    rate : int
        Sampling rate of `samples` in Hz.
    codec : str
        What the file was coded with, e.g. ``mp3``, ``aac``, ``pcm_24``.
    sha256 : str
        Hash of the file's bytes: the identity of this audio everywhere in Chartropy. Empty for sound made in memory.
    name : str
        What to call it in messages.
    native_rate : int
        Sampling rate of the file in Hz: nothing sounds above half of it. Default: `rate`.
    start : float
        Where in the file the samples begin, in seconds.
    file_seconds : float
        Length of the whole file; NaN where it goes on after the samples and does not say for how long. Default: the
        length of the samples.
    """

    samples: np.ndarray
    rate: int
    codec: str = "memory"
    sha256: str = ""
    name: str = "samples"
    native_rate: int = 0
    start: float = 0.0
    file_seconds: float = 0.0

    def __post_init__(self):
        if self.samples.ndim != 2 or self.samples.dtype != np.float32:
            raise ValueError(
                f"samples must be float32 shaped (channels, frames), not {self.samples.dtype} {self.samples.shape}"
            )
        if not self.native_rate:
            object.__setattr__(self, "native_rate", self.rate)
        if not self.file_seconds:
            object.__setattr__(self, "file_seconds", self.seconds)

    @property
    def channels(self) -> int:
        return self.samples.shape[0]

    @property
    def seconds(self) -> float:
        """Length of the samples."""
        return self.samples.shape[1] / self.rate

    def __repr__(self) -> str:
        return f"<Audio {self.name}: {self.seconds:.1f} s, {self.channels} ch, {self.rate} Hz, {self.codec}>"


def decode(
    source: Path | str | bytes, *, name: str = "", rate: int | None = None, max_seconds: float = MAX_SECONDS
) -> Audio:
    """Decode an audio file: the whole of it, or the middle of a long one.

    Parameters
    ----------
    source : path or bytes
        The file, or what it contains.
    name : str, optional
        What to call it in messages; default: the file's path.
    rate : int, optional
        Sampling rate in Hz that the samples shall have; default: the file's. They are resampled (soxr, HQ) while they
        are decoded, and left alone where the file has that rate.
    max_seconds : float
        Of a longer file, this much from its middle is decoded: `Audio.start` and `Audio.file_seconds` say so. With more
        than two channels or at more than 48 kHz it is proportionally less. Where the length is not known beforehand
        (raw AAC, a FLAC that was streamed), it is what comes first.

    Returns
    -------
    Audio

    Raises
    ------
    NotAudio
        Empty, HTML, encrypted, or no known format.
    TruncatedAudio
        The file ends before its header says it should.
    UnsuitableAudio
        Holding not one frame, or sampled at a rate that cannot be resampled.
    AudioError
        The file cannot be read.
    ValueError
        `rate` or `max_seconds` is not positive and finite.
    """
    if not 0 < max_seconds < math.inf or not (rate is None or 0 < rate < math.inf):
        raise ValueError(f"rate={rate} and max_seconds={max_seconds} must be positive and finite.")
    name = name or ("these bytes" if isinstance(source, bytes) else str(source))
    try:
        with _File(io.BytesIO(source) if isinstance(source, bytes) else io.FileIO(source)) as file:
            _refuse_what_is_no_audio(file, name)
            sound = _with_soundfile(file, name, rate, max_seconds) or _with_av(file, name, rate, max_seconds)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AudioError(f"{name}: cannot be read ({error.strerror or error}).") from error
    if not len(sound.samples):
        raise UnsuitableAudio(f"{name}: decodes to no sound at all (0 frames).")
    if not _all_finite(sound.samples):
        raise NotAudio(f"{name}: decodes to samples that are not numbers (NaN or infinite); export the file again.")
    return Audio(
        sound.samples.T,
        rate or sound.rate,
        sound.codec,
        sha256,
        name,
        native_rate=sound.rate,
        start=sound.start / sound.rate,
        file_seconds=sound.file_seconds,
    )


def find_audio(paths: list[Path]) -> Iterator[Path]:
    """Every audio file among `paths`: files as given, folders searched through but for what is hidden, in a stable order."""
    for path in paths:
        if path.is_dir():
            yield from sorted(
                p
                for p in path.rglob("*")
                if p.suffix.lower() in SUFFIXES
                and not any(part.startswith(".") for part in p.relative_to(path).parts)
                and p.is_file()
            )
        else:
            yield path


class _File(io.BufferedReader):
    """An open file as the decoders see it: without a name, from whose ending both would take a format."""

    name = ""  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def seek(self, target: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a byte; nowhere, where a damaged header names one that cannot be: the decoders would print the error."""
        try:
            return super().seek(target, whence)
        except io.UnsupportedOperation:  # no file but a pipe
            raise
        except (OSError, ValueError):
            return -1


class _Sound(NamedTuple):
    """What a decoder found."""

    samples: np.ndarray  # (frames, channels), resampled where that was asked for
    rate: int  # of the file
    codec: str
    start: int  # frames of the file before the samples
    file_seconds: float


def _all_finite(samples: np.ndarray) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        # one bad sample makes the sum bad; so do very large good ones, for which there is the slow way
        return bool(np.isfinite(samples.sum())) or bool(np.isfinite(samples).all())


def _refuse_what_is_no_audio(file: BinaryIO, name: str) -> None:
    size = file.seek(0, io.SEEK_END)
    if not size:
        raise NotAudio(f"{name}: the file is empty (0 bytes).")
    file.seek(0)
    head = file.read(512)
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise NotAudio(f"{name}: this is an HTML page, not audio: the link has expired or asks for a login.")
    announced = _bytes_announced(head)
    if head[4:8] == b"ftyp":
        for kind, start, announced in _mp4_boxes(file, size):
            # an encrypted track says so in its description of samples; the same letters elsewhere are chance
            if kind == b"moov" and re.search(rb"stsd.{12}(?:drms|drmi|enca)", _read(file, start, announced), re.S):
                raise NotAudio(f"{name}: protected by DRM (encrypted); only unprotected files can be analysed.")
    if size < announced * (1 - _MISSING_FRACTION):
        raise TruncatedAudio(
            f"{name}: holds {size:,} of the {announced:,} bytes its header announces; "
            "the file is cut short: copy or download it again."
        )
    if head[:4] == b"OggS" and not _ends_with_a_last_page(_read(file, max(0, size - _OGG_TAIL), size)):
        raise TruncatedAudio(f"{name}: ends before its last page; the file is cut short: copy or download it again.")


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(min(end - start, _INDEX_BYTES))


def _ends_with_a_last_page(tail: bytes) -> bool:
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < 27 or not page[5] & 4:
        return False
    segments = page[27 : 27 + page[26]]
    return len(page) >= 27 + page[26] + sum(segments)


def _bytes_announced(head: bytes) -> int:
    """Return how long the head of the file says it is; 0 where it does not say."""
    if head[:4] in (b"RIFF", b"FORM") and len(head) >= 12:
        size = struct.unpack("<I" if head[:4] == b"RIFF" else ">I", head[4:8])[0]
        return size + 8 if size not in (0, 0xFFFFFFFF) else 0  # written by programs that stream and do not know
    if head[:4] == b".snd" and len(head) >= 12:
        offset, size = struct.unpack(">II", head[4:12])
        return offset + size if size != 0xFFFFFFFF else 0
    return 0


def _mp4_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte and announced end of each box on the top level of an MP4."""
    start = 0
    while start + 16 <= size:
        file.seek(start)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        length = int.from_bytes(head[8:16]) if length == 1 else length or size - start  # 0: up to the end of the file
        if length < 8:
            return
        yield head[4:8], start, start + length
        start += length


def _most_frames(native: int, channels: int, rate: int | None, max_seconds: float) -> int:
    """Frames of the file that fit into the memory that `max_seconds` stand for."""
    return int(max_seconds * 2 / max(2, channels) * min(1, 48_000 / (rate or native)) * native)


def _refuse_the_cut_short(name: str, held: float, announced: float) -> None:
    if held < announced * (1 - _MISSING_FRACTION):
        raise TruncatedAudio(
            f"{name}: holds {held:.1f} s of the {announced:.1f} s its header announces; "
            "the file is cut short: copy or download it again."
        )


def _without_end(name: str, announced: float) -> TruncatedAudio:
    return TruncatedAudio(
        f"{name}: holds no sound near {announced:,.1f} s, where its header announces its end; "
        "the file is cut short: copy or download it again."
    )


class _Samples:
    """Collects a known number of frames, resampled block by block, in one array that never moves."""

    def __init__(self, name: str, native: int, rate: int | None, frames: int, channels: int):
        rate = rate or native
        self.left = frames
        self._stream = None
        if rate != native:
            import soxr

            low, high = _RESAMPLED
            if not low <= native <= high:
                raise UnsuitableAudio(
                    f"{name}: sampled at {native:,} Hz; only rates from {low:,} to {high:,} Hz can be resampled. "
                    "If its header is right, export the file at 44,100 Hz."
                )
            self._stream = soxr.ResampleStream(native, rate, channels, quality="HQ")
        self._samples = np.empty((math.ceil(frames * rate / native) + 1, channels), np.float32)
        self._filled = 0

    def put(self, block: np.ndarray) -> None:
        """Take as many frames of a block, shape (frames, channels), as are still wanted."""
        block = block[: self.left]
        self.left -= len(block)
        self._append(self._stream.resample_chunk(block) if self._stream else block)

    def whole(self) -> np.ndarray:
        """Return all, shape (frames, channels)."""
        if self._stream:
            self._append(self._stream.resample_chunk(self._samples[:0], last=True))
        self._samples.resize((self._filled, self._samples.shape[1]), refcheck=False)  # in place
        return self._samples

    def _append(self, block: np.ndarray) -> None:
        self._samples[self._filled : self._filled + len(block)] = block
        self._filled += len(block)


def _with_soundfile(file: BinaryIO, name: str, rate: int | None, max_seconds: float) -> _Sound | None:
    """Decode; None when soundfile does not know the format."""
    import soundfile

    file.seek(0)
    try:
        sound = soundfile.SoundFile(file)
    except soundfile.LibsndfileError:
        return None
    with sound:
        announced, native = sound.frames, sound.samplerate
        if announced > _UNKNOWN_LENGTH:  # a FLAC that was streamed: the other decoder reads on until its end
            return None
        frames = min(announced, _most_frames(native, sound.channels, rate, max_seconds))
        start = (announced - frames) // 2
        try:
            if frames < announced:
                # decoded whole, it would show that its end is missing
                end = int(announced * (1 - _MISSING_FRACTION))
                if sound.seek(end) != end or not len(sound.read(1)):
                    raise _without_end(name, announced / native)
                sound.seek(start)
            if rate in (None, native):
                samples = sound.read(frames, dtype="float32", always_2d=True)
                taken = len(samples)
            else:
                collected = _Samples(name, native, rate, frames, sound.channels)
                block = np.empty((_BLOCK, sound.channels), np.float32)
                while len(read := sound.read(min(_BLOCK, collected.left), out=block)):
                    collected.put(read)
                samples, taken = collected.whole(), frames - collected.left
        except soundfile.LibsndfileError as error:
            raise TruncatedAudio(f"{name}: decoding stopped with an error ({error}); the file is damaged.") from error
        _refuse_the_cut_short(name, taken / native, frames / native)
        codec = "mp3" if sound.format == "MP3" else sound.subtype.lower()
        return _Sound(samples, native, codec, start, (announced if frames < announced else taken) / native)


def _with_av(file: BinaryIO, name: str, rate: int | None, max_seconds: float) -> _Sound:
    import av
    from av.error import FFmpegError

    file.seek(0)
    try:
        with av.open(file, "r", options={"format_whitelist": _CONTAINERS}) as container:
            if not container.streams.audio:
                raise NotAudio(f"{name}: a {container.format.name} file without sound in it.")
            stream = container.streams.audio[0]
            native = getattr(stream, "rate", 0)  # there is none where the codec is not known
            if not native:
                raise NotAudio(f"{name}: its sound is coded in a way that is not known here, or the file is damaged.")
            announced = length = 0.0
            if container.format.name not in _GUESSED:
                if stream.duration and stream.time_base:
                    announced = float(stream.duration * stream.time_base)
                # that of the longest track, in a film: good enough to find the middle
                length = announced or (container.duration or 0) / av.time_base
            frames = _most_frames(native, stream.channels, rate, max_seconds)
            is_long = int(length * native) > frames
            start = (int(length * native) - frames) // 2 if is_long else 0
            if is_long and announced:
                # decoded whole, it would show that its end is missing
                end = int(announced * (1 - _MISSING_FRACTION) * native)
                if not any(at + len(block) > end for at, block in _av_blocks(container, stream, end)):
                    raise _without_end(name, announced)
            collected, goes_on = None, False
            for at, block in _av_blocks(container, stream, start):
                if at + len(block) <= start:
                    continue
                if collected is None:
                    block, start = block[max(0, start - at) :], max(start, at)
                    collected = _Samples(name, native, rate, frames, block.shape[1])
                goes_on = len(block) > collected.left
                collected.put(block)
                if goes_on:
                    break
            codec = stream.codec_context.name
    except (FFmpegError, ValueError, ArithmeticError, LookupError) as error:  # damage; the last for a new stream midway
        size, head = file.seek(0, io.SEEK_END), _read(file, 0, 8)
        raise NotAudio(
            f"{name}: not audio in a format known here, or damaged ({getattr(error, 'strerror', None) or error}; "
            f"{size:,} bytes, starts with {head!r})."
        ) from error
    if collected is None:
        return _Sound(np.zeros((0, 1), np.float32), native, codec, 0, 0.0)
    taken = (frames - collected.left) / native
    _refuse_the_cut_short(name, taken, min(announced, frames / native))
    file_seconds = length if is_long else math.nan if goes_on else taken
    return _Sound(collected.whole(), native, codec, start, file_seconds)


def _av_blocks(container: InputContainer, stream: AudioStream, start: int = 0) -> Iterator[tuple[int, np.ndarray]]:
    """Position in the file and samples, shape (frames, channels), of each block, from a little before `start` on."""
    import av

    at = None if start else 0
    began, rate, channels = stream.start_time or 0, stream.rate, stream.channels  # the last two may change later
    if start and stream.time_base:
        ahead = max(0, start / rate - 1)  # a second for the decoder to settle in
        container.seek(began + int(ahead / stream.time_base), stream=stream)
    resampler = av.AudioResampler(format="fltp")  # converts the sample format only: rate and layout stay
    pending: list[AudioFrame] = []
    count = 0
    for frame in container.decode(stream):
        if (frame.sample_rate, frame.layout.nb_channels) != (rate, channels):
            raise ValueError("the sampling rate or the number of channels changes")
        if at is None:
            at = start
            if frame.pts is not None and frame.time_base is not None:
                at = round((frame.pts - began) * frame.time_base * rate)
        pending += resampler.resample(frame)
        count += frame.samples
        if count >= _BLOCK:
            yield at, (samples := _joined(pending))
            at, count, pending = at + len(samples), 0, []
    if pending:
        yield at or 0, _joined(pending)


def _joined(frames: list[AudioFrame]) -> np.ndarray:
    """Samples of planar frames, shape (frames, channels); all at once, as one by one takes longer than decoding."""
    blocks = [[_plane(plane, frame.samples) for plane in frame.planes] for frame in frames]
    channels = zip(*blocks, strict=True)
    return np.concatenate([plane for planes in channels for plane in planes]).reshape(len(blocks[0]), -1).T


def _plane(plane: AudioPlane, samples: int) -> np.ndarray:
    # pyright does not see that a plane has the buffer protocol
    return np.frombuffer(plane, np.float32, samples)  # pyright: ignore[reportCallIssue, reportArgumentType]
