"""Why a file was called what it was called, on a page that a person can read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..analysis.detector import Detector, Verdict
from ..analysis.fuse import Evidence, Fused, claim, fuse
from ..analysis.lattice import aside_of
from ..audio.tags import read_tags
from ..features.lines import EDGES_HZ
from ..features.sketch import Sketch, frequencies, sketch_file
from ..workspace.errors import AudioError
from ..workspace.files import write_text
from .figures import folded, peaks
from .words import ENGLISH

AROUND = 65
"""Bins (175 Hz) of whose median the level is taken away, so that slope and music's broad shape fall out."""


@dataclass(frozen=True)
class Explained:
    """A file, its verdict and what is behind it.

    Attributes
    ----------
    path : Path
    sound : Verdict
    fused : Fused
    sketch : Sketch or None
        None where the file cannot be decoded.
    """

    path: Path
    sound: Verdict
    fused: Fused
    sketch: Sketch | None


def explain_file(path: Path, detector: Detector | None = None) -> Explained:
    """Judge a file by its sound and by what it says of itself.

    Parameters
    ----------
    path : Path
    detector : Detector, optional
        Default: the one that ships with Chartropy.

    Returns
    -------
    Explained
        Of a file that cannot be decoded, "unmeasured", with the reason.
    """
    detector = detector or Detector.load()
    drawn = None
    try:
        drawn = sketch_file(path)
        sound = detector.judge(drawn)
    except AudioError as error:
        sound = Verdict("unmeasured", None, str(error), detector.model_version)
    return Explained(path, sound, fuse(sound, claims_of(path)), drawn)


def claims_of(path: Path) -> list[Evidence]:
    """What a file says of itself, as evidence."""
    return [claim(said.source, said.kind, "ai", f"{said.maker}: {said.ground}", said.when) for said in read_tags(path)]


def write_explanation(explained: list[Explained], detector: Detector, out: Path) -> None:
    """Write a page about files: figures, numbers and sentences, nothing loaded from elsewhere."""
    page = ENGLISH.environment.get_template("explain.html").render(
        files=[(one, *_figures(place, one)) for place, one in enumerate(explained)],
        detector=detector,
    )  # fmt: skip
    write_text(out, page)


def fine_structure(one: Explained) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Return what the detector reads of a spectrum: its lines above what is around them.

    Returns
    -------
    hertz, level : numpy.ndarray, shape (bins,)
        In Hz, and in dB above the median of the `AROUND` bins about each.
    marks : list of float
        The highest lines of the lattice that was found, in Hz.

    Raises
    ------
    ValueError
        Of a file that could not be measured there is none.
    """
    if one.sketch is None or one.sketch.lines is None or one.sound.verdict == "unmeasured":
        raise ValueError(f"{one.path} was not measured: {one.sound.reason}")
    level = one.sketch.mid.astype(np.float32)
    around = np.median(
        np.lib.stride_tricks.sliding_window_view(np.pad(level, AROUND // 2, mode="edge"), AROUND), axis=1
    )
    hertz = frequencies()
    read = (hertz > EDGES_HZ[0]) & (hertz < EDGES_HZ[-1])
    counted = one.sound.evidence.get("peaks_hz")
    marks = [float(peak) for peak in counted] if isinstance(counted, list) else []
    return hertz[read], (level - around)[read], marks


def _figures(place: int, one: Explained) -> tuple[str, str]:
    if one.sketch is None or one.sketch.lines is None or one.sound.verdict == "unmeasured":
        return "", ""
    spectrum = peaks(
        *fine_structure(one),
        name=f"spectrum-{place}",
        title="Fine structure of the long-term spectrum, with the highest lines of the lattice",
    )
    spacing = one.sound.evidence.get("spacing_hz")
    if not isinstance(spacing, float | int) or not spacing:
        return spectrum, ""
    every = one.sketch.lines.long[..., 0].ravel().astype(float)
    return spectrum, folded(
        aside_of(every[every > 0], spacing),
        name=f"folded-{place}",
        title=f"The steadiest tones by their distance from the nearest multiple of {spacing:.2f} Hz",
        x=f"distance from a multiple of {spacing:.2f} Hz, in multiples",
    )
