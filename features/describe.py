"""Describe a recording: one row of numbers, in the order of the registry, and if asked a sketch.

A value is a number or NaN with the reason why it could not be measured; nothing is filled in.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..audio.decode import Audio, decode
from . import dynamics, production, rhythm, spectrum, stereo, structure, timbre, tonality, vocals
from .courses import Measured
from .registry import DESCRIPTORS, EXTRACTOR_VERSION
from .sketch import LongTerm, Sketch, draw, look
from .spectra import LONGEST, RATE, Spectra, analyse

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


def describe(audio: Audio, *, sketch: bool = False) -> Description:
    """Measure every descriptor of the registry and, if asked, draw the sketch.

    Parameters
    ----------
    audio : chartropy.audio.decode.Audio
        Any rate and number of channels, at least half a second long. Rhythm needs 6 s and structure 10 s; what is
        missing says so.
    sketch : bool
        Also draw the sketch, from which the detector judges.

    Returns
    -------
    Description
        The same samples give the same numbers, bit for bit.

    Raises
    ------
    UnsuitableAudio
        Shorter than half a second.

    Examples
    --------
    >>> second = np.arange(44_100) / 44_100
    >>> tone = Audio(np.sin(2 * np.pi * 440 * second, dtype=np.float32)[None], 44_100)
    >>> round(describe(tone).as_dict()["timbre.centroid.mean"], -1)
    440.0
    """
    _keep_memory()
    with one_thread():
        spectra = analyse(audio)
        seen = look(spectra.sound)
        return finish(spectra, seen, sketch=sketch)


def describe_file(path: Path | str, *, sketch: bool = False) -> Description:
    """Decode a file and describe it; of a file of more than five minutes, the five in its middle.

    Parameters
    ----------
    path : path
        Audio in any format that `chartropy.audio.decode` reads.
    sketch : bool
        Also draw the sketch, from which the detector judges.

    Returns
    -------
    Description

    Raises
    ------
    AudioError
        The file cannot be decoded, or is shorter than half a second.
    """
    return describe(decode(path, rate=RATE, max_seconds=LONGEST), sketch=sketch)


def finish(
    spectra: Spectra, seen: LongTerm | None, shape: dict[str, np.ndarray] | None = None, *, sketch: bool = False
) -> Description:
    """Describe a clip whose spectra have been taken, here or on another device.

    Parameters
    ----------
    spectra : Spectra
    seen : LongTerm or None
        The same clip's windows; None for silence.
    shape : dict of str to numpy.ndarray, optional
        What `timbre.read` gives of it; default: read here.
    sketch : bool
        Also draw the sketch.

    Returns
    -------
    Description
    """
    drawn = draw(spectra.audio, spectra.sound, seen) if sketch else None
    measured = _measure(spectra, seen, shape)
    values = np.full(len(DESCRIPTORS), np.nan, np.float32)
    reasons = {}
    for place, name in enumerate(DESCRIPTORS):
        value = measured[name]
        if isinstance(value, str):
            reasons[name] = value
        else:
            values[place] = value
    values.setflags(write=False)
    audio = spectra.audio
    return Description(
        values,
        reasons,
        drawn,
        audio.sha256,
        audio.seconds,
        audio.native_rate,
        audio.codec,
        audio.start,
        audio.file_seconds,
    )


def _measure(spectra: Spectra, seen: LongTerm | None, shape: dict[str, np.ndarray] | None = None) -> Measured:
    if seen is None or spectra.silence:
        return dict.fromkeys(DESCRIPTORS, spectra.silence)
    steps, high = dynamics.step_power(spectra.sound), dynamics.heights(spectra.sound)
    measured = dynamics.measure(spectra, steps, high) | production.measure(spectra, seen, steps, high)
    measured |= stereo.measure(spectra, seen) | spectrum.measure(spectra, seen)
    if why := spectra.cancellation:
        return dict.fromkeys(DESCRIPTORS, why) | measured
    shape = timbre.read(spectra) if shape is None else shape
    harmony = tonality.hear(spectra)
    mels = timbre.filled_mels(spectra.nyquist)
    return (
        measured
        | timbre.measure(spectra, shape)
        | rhythm.measure(spectra)
        | tonality.measure(spectra, harmony)
        | structure.measure(spectra, shape["mel_power"][:, :mels], harmony.chroma)
        | vocals.measure(spectra, harmony)
    )


@cache
def _threads() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread() -> AbstractContextManager:
    """One thread for matrix products: their last bits depend on how many share them; cores are for other clips."""
    return _threads().limit(limits=1, user_api="blas")


@cache
def _keep_memory() -> None:
    """Have glibc keep up to 128 MB of freed memory for the next clip.

    By itself it gives most of it back after each, and to get it anew, page by page, takes a tenth of a clip's time.
    """
    if sys.platform == "linux":
        trim_threshold, mmap_threshold = -1, -3  # parameters of mallopt(3)
        with suppress(AttributeError, OSError):  # another C library
            libc = ctypes.CDLL(None)
            libc.mallopt(trim_threshold, 2**27)
            libc.mallopt(mmap_threshold, 2**25)


@dataclass(frozen=True, eq=False)
class Description:
    """What is known of a recording from its sound.

    Attributes
    ----------
    values : numpy.ndarray, shape (descriptors,), float32
        In the order of `chartropy.features.registry.DESCRIPTORS`; NaN where `reasons` says why. Read-only.
    reasons : dict of str to str
        Why a descriptor has no value, by its name.
    sketch : Sketch or None
        None where it was not asked for.
    sha256 : str
        Hash of the file's bytes; empty for sound made in memory.
    seconds : float
        How much was described.
    rate : int
        The file's sampling rate in Hz.
    codec : str
    start : float
        Where in the file that begins, in seconds: 0 unless the file is longer.
    file_seconds : float
        How long the whole file is; NaN where it does not say.
    extractor_version : str
        Values of different versions are not comparable.
    """

    values: np.ndarray
    reasons: dict[str, str]
    sketch: Sketch | None
    sha256: str
    seconds: float
    rate: int
    codec: str
    start: float = 0.0
    file_seconds: float = float("nan")
    extractor_version: str = EXTRACTOR_VERSION

    def as_dict(self) -> dict[str, float]:
        """Return the values by name, in the order of the registry."""
        return dict(zip(DESCRIPTORS, self.values.tolist(), strict=True))

    def __repr__(self) -> str:
        measured = len(self.values) - len(self.reasons)
        whose = self.sha256[:12] or "samples"
        return (
            f"<Description of {whose}: {measured} of {len(self.values)} descriptors, {self.seconds:.1f} s, "
            f"{self.rate} Hz, {self.codec}, extractor {self.extractor_version}>"
        )
