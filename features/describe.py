"""Describe a recording: one row of numbers, in the order of the registry, and a sketch.

A value is a number or NaN with the reason why it could not be measured; nothing is filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.decode import Audio, decode
from . import dynamics, rhythm, stereo, structure, timbre, tonality
from .registry import DESCRIPTORS, EXTRACTOR_VERSION
from .sketch import Sketch, sketch
from .spectra import Spectra, analyse

_ON_MID = {
    "timbre": timbre.measure,
    "rhythm": rhythm.measure,
    "tonality": tonality.measure,
    "structure": structure.measure,
}
_ON_CHANNELS = {"dynamics": dynamics.measure, "stereo": stereo.measure}


def describe(audio: Audio) -> Description:
    """Measure every descriptor of the registry and draw the sketch.

    Parameters
    ----------
    audio : Audio
        Any rate and number of channels, at least half a second long. Rhythm needs 6 s and structure 10 s; what is
        missing says so.

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
    >>> round(describe(tone).as_dict()["timbre.rolloff.mean"], -1)
    440.0
    """
    measured = _measure(analyse(audio))
    values = np.full(len(DESCRIPTORS), np.nan, np.float32)
    reasons = {}
    for place, name in enumerate(DESCRIPTORS):
        value = measured[name]
        if isinstance(value, str):
            reasons[name] = value
        else:
            values[place] = value
    values.setflags(write=False)
    return Description(values, reasons, sketch(audio), audio.sha256, audio.seconds, audio.rate, audio.codec)


def describe_file(path: Path | str) -> Description:
    """Decode a file and describe it.

    Parameters
    ----------
    path : path
        Audio in any format that `chartropy.audio.decode` reads.

    Returns
    -------
    Description

    Raises
    ------
    AudioError
        The file cannot be decoded, or is shorter than half a second.
    """
    return describe(decode(path))


def _measure(spectra: Spectra) -> dict[str, float | str]:
    if why := spectra.silence:
        return dict.fromkeys(DESCRIPTORS, why)
    measured = {}
    for measure in _ON_CHANNELS.values():
        measured |= measure(spectra)
    for family, measure in _ON_MID.items():
        if why := spectra.cancellation:
            measured |= {name: why for name, descriptor in DESCRIPTORS.items() if descriptor.family == family}
        else:
            measured |= measure(spectra)
    return measured


@dataclass(frozen=True, eq=False)
class Description:
    """What is known of a recording from its sound.

    Attributes
    ----------
    values : numpy.ndarray, shape (descriptors,), float32
        In the order of `chartropy.features.registry.DESCRIPTORS`; NaN where `reasons` says why. Read-only.
    reasons : dict of str to str
        Why a descriptor has no value, by its name.
    sketch : Sketch
    sha256 : str
        Hash of the file's bytes; empty for sound made in memory.
    seconds : float
    rate : int
        The file's sampling rate in Hz.
    codec : str
    extractor_version : str
        Values of different versions are not comparable.
    """

    values: np.ndarray
    reasons: dict[str, str]
    sketch: Sketch
    sha256: str
    seconds: float
    rate: int
    codec: str
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
