"""Audio files become samples, or an error that says why they cannot.

Conventions: samples are float32 in [-1, 1] (louder where a decoder overshoots), shaped (channels, frames), at the
rate of the file. soundfile reads WAV, FLAC, MP3, Ogg and AIFF; PyAV reads the rest (M4A, Opus in MP4, WMA).
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..workspace.errors import AudioError, NotAudio, TruncatedAudio, UnsuitableAudio

SUFFIXES = frozenset(
    ".aac .aif .aiff .au .caf .flac .m4a .mp2 .mp3 .mp4 .oga .ogg .opus .rf64 .w64 .wav .webm .wma".split()
)
"""File name endings that a folder is searched for."""

MAX_SECONDS = 1200.0
"""Longest piece decoded at once: 20 minutes of stereo are 420 MB of samples."""

_LARGE = 64 * 1024 * 1024  # bytes; the length in the header of a larger file is looked at before the file is read

_UNKNOWN_LENGTH = 2**60  # libsndfile's word for it is a number of frames this large

_MISSING_FRACTION = 0.02  # codec delay and padding explain less than this


@dataclass(frozen=True)
class Audio:
    """Decoded sound and where it came from.

    Attributes
    ----------
    samples : numpy.ndarray, shape (channels, frames), float32
    rate : int
        Sampling rate in Hz.
    codec : str
        What the file was coded with, e.g. ``mp3``, ``aac``, ``pcm_24``.
    sha256 : str
        Hash of the file's bytes: the identity of this audio everywhere in Chartropy. Empty for sound made in memory.
    name : str
        What to call it in messages.
    """

    samples: np.ndarray
    rate: int
    codec: str = "memory"
    sha256: str = ""
    name: str = "samples"

    def __post_init__(self):
        if self.samples.ndim != 2 or self.samples.dtype != np.float32:
            raise ValueError(
                f"samples must be float32 shaped (channels, frames), not {self.samples.dtype} {self.samples.shape}"
            )

    @property
    def channels(self) -> int:
        return self.samples.shape[0]

    @property
    def seconds(self) -> float:
        return self.samples.shape[1] / self.rate

    def __repr__(self) -> str:
        return f"<Audio {self.name}: {self.seconds:.1f} s, {self.channels} ch, {self.rate} Hz, {self.codec}>"


def decode(source: Path | str | bytes, *, name: str = "", max_seconds: float = MAX_SECONDS) -> Audio:
    """Decode a whole audio file.

    Parameters
    ----------
    source : path or bytes
        The file, or what it contains.
    name : str, optional
        What to call it in messages; default: the file's path.
    max_seconds : float
        Longer pieces are refused before they are decoded.

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
        Longer than `max_seconds`, or holding not one frame.
    """
    if isinstance(source, bytes):
        data, name = source, name or "these bytes"
    else:
        name = name or str(source)
        try:
            if Path(source).stat().st_size > _LARGE:
                _refuse_the_long_unread(Path(source), name, max_seconds)
            data = Path(source).read_bytes()
        except OSError as error:
            raise AudioError(f"{name}: cannot be read ({error.strerror or error}).") from error
    _refuse_what_is_no_audio(data, name)
    samples, rate, codec, announced = _with_soundfile(data, name, max_seconds) or _with_av(data, name, max_seconds)
    if samples.shape[1] == 0:
        raise UnsuitableAudio(f"{name}: decodes to no sound at all (0 frames).")
    if announced and samples.shape[1] < announced * (1 - _MISSING_FRACTION):
        raise TruncatedAudio(
            f"{name}: holds {samples.shape[1] / rate:.1f} s of the {announced / rate:.1f} s its header announces; "
            "the file is cut short: copy or download it again."
        )
    if not np.isfinite(samples).all():
        raise NotAudio(f"{name}: decodes to samples that are not numbers (NaN or infinite); export the file again.")
    return Audio(samples, rate, codec, hashlib.sha256(data).hexdigest(), name)


def find_audio(paths: list[Path]) -> Iterator[Path]:
    """Every audio file among `paths`: files as given, folders searched through, in a stable order."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        else:
            yield path


def _refuse_what_is_no_audio(data: bytes, name: str) -> None:
    if not data:
        raise NotAudio(f"{name}: the file is empty (0 bytes).")
    head = data[:512].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise NotAudio(f"{name}: this is an HTML page, not audio: the link has expired or asks for a login.")
    # an encrypted track says so in its description of samples; the same letters elsewhere are chance
    if data[4:8] == b"ftyp" and re.search(rb"stsd.{12}(?:drms|drmi|enca)", data, re.S):
        raise NotAudio(f"{name}: protected by DRM (encrypted); only unprotected files can be analysed.")
    announced = _bytes_announced(data)
    if len(data) < announced * (1 - _MISSING_FRACTION):
        raise TruncatedAudio(
            f"{name}: holds {len(data):,} of the {announced:,} bytes its header announces; "
            "the file is cut short: copy or download it again."
        )
    if data[:4] == b"OggS" and not _ends_with_its_last_page(data):
        raise TruncatedAudio(f"{name}: ends before its last page; the file is cut short: copy or download it again.")


def _ends_with_its_last_page(data: bytes) -> bool:
    page = data[data.rfind(b"OggS") :]
    if len(page) < 27 or not page[5] & 4:
        return False
    segments = page[27 : 27 + page[26]]
    return len(page) >= 27 + page[26] + sum(segments)


def _bytes_announced(data: bytes) -> int:
    """Return how long the container says it is; 0 where it does not say."""
    if data[:4] in (b"RIFF", b"FORM") and len(data) >= 12:
        size = struct.unpack("<I" if data[:4] == b"RIFF" else ">I", data[4:8])[0]
        return size + 8 if size not in (0, 0xFFFFFFFF) else 0  # written by programs that stream and do not know
    if data[:4] == b".snd" and len(data) >= 12:
        offset, size = struct.unpack(">II", data[4:12])
        return offset + size if size != 0xFFFFFFFF else 0
    end = 0
    if data[4:8] == b"ftyp":  # MP4: box after box
        while end + 16 <= len(data):
            size = int.from_bytes(data[end : end + 4])
            size = int.from_bytes(data[end + 8 : end + 16]) if size == 1 else size
            if size < 8:  # 0: up to the end of the file
                break
            end += size
    return end


def _refuse_the_too_long(seconds: float, name: str, max_seconds: float) -> None:
    if seconds > max_seconds:
        raise UnsuitableAudio(
            f"{name}: {seconds:,.0f} s long, more than the {max_seconds:,.0f} s that are taken at once; "
            "cut out the part that matters."
        )


def _refuse_the_long_unread(path: Path, name: str, max_seconds: float) -> None:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            seconds = file.frames / file.samplerate
    except soundfile.LibsndfileError:
        return
    _refuse_the_too_long(seconds, name, max_seconds)


def _with_soundfile(data: bytes, name: str, max_seconds: float) -> tuple[np.ndarray, int, str, int] | None:
    """Samples, rate, codec and the frames the header announces; None when soundfile does not know the format."""
    import soundfile

    try:
        file = soundfile.SoundFile(io.BytesIO(data))
    except soundfile.LibsndfileError:
        return None
    with file:
        announced = file.frames
        if announced > _UNKNOWN_LENGTH:  # a FLAC that was streamed: the other decoder reads on until its end
            return None
        _refuse_the_too_long(announced / file.samplerate, name, max_seconds)
        try:
            samples = file.read(dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise TruncatedAudio(f"{name}: decoding stopped with an error ({error}); the file is damaged.") from error
        codec = "mp3" if file.format == "MP3" else file.subtype.lower()
        return np.ascontiguousarray(samples.T), file.samplerate, codec, announced


def _with_av(data: bytes, name: str, max_seconds: float) -> tuple[np.ndarray, int, str, int]:
    import av
    from av.error import FFmpegError

    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.audio:
                raise NotAudio(f"{name}: a {container.format.name} file without sound in it.")
            stream = container.streams.audio[0]
            rate = getattr(stream, "rate", 0)  # there is none where the codec is not known
            if not rate:
                raise NotAudio(f"{name}: its sound is coded in a way that is not known here, or the file is damaged.")
            seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
            _refuse_the_too_long(seconds, name, max_seconds)
            resampler = av.AudioResampler(format="fltp")  # converts the sample format only: rate and layout stay
            limit, kept, blocks = int(max_seconds * rate), 0, []
            for frame in container.decode(stream):
                for block in resampler.resample(frame):
                    blocks.append(block.to_ndarray())
                    kept += blocks[-1].shape[1]
                if kept > limit:
                    _refuse_the_too_long(kept / rate, name, max_seconds)
            codec = stream.codec_context.name
    except (FFmpegError, UnicodeDecodeError) as error:
        raise NotAudio(
            f"{name}: not audio in a format known here, or damaged ({getattr(error, 'strerror', None) or error}; "
            f"{len(data):,} bytes, starts with {data[:8]!r})."
        ) from error
    samples = np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0), np.float32)
    return np.ascontiguousarray(samples, dtype=np.float32), rate, codec, int(seconds * rate)
