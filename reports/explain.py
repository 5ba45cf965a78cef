"""Why a file was called what it was called, on a page that a person can read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..analysis.detector import Detector, Verdict
from ..analysis.fuse import Evidence, Fused, claim, fuse
from ..analysis.lattice import aside_of
from ..audio.tags import read_names, read_tags
from ..features.lines import EDGES_HZ
from ..features.sketch import Sketch, frequencies, sketch_file
from ..workspace.errors import AudioError
from ..workspace.files import write_text
from .drawing import Beside, markup
from .figures import folded, outline, peaks
from .words import ENGLISH, Words

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
    artist, title : str
        As its tags give them; may be empty.
    """

    path: Path
    sound: Verdict
    fused: Fused
    sketch: Sketch | None
    artist: str = ""
    title: str = ""


def explain_file(path: Path | str, detector: Detector | None = None) -> Explained:
    """Judge a file by its sound and by what it says of itself.

    Parameters
    ----------
    path : path
    detector : Detector, optional
        Default: the one that ships with Chartropy.

    Returns
    -------
    Explained
        Of a file that cannot be decoded, "unmeasured", with the reason.
    """
    path, detector = Path(path), detector or Detector.load()
    drawn = None
    try:
        drawn = sketch_file(path)
        sound = detector.judge(drawn)
    except AudioError as error:
        sound = Verdict("unmeasured", None, str(error), detector.model_version)
    return Explained(path, sound, fuse(sound, claims_of(path)), drawn, *read_names(path))


def claims_of(path: Path) -> list[Evidence]:
    """What a file says of itself, as evidence."""
    return [claim(said.source, said.kind, "ai", f"{said.maker}: {said.ground}", said.when) for said in read_tags(path)]


def write_explanation(explained: list[Explained], detector: Detector, out: Path, words: Words = ENGLISH) -> None:
    """Write a page about files, in a language: figures, numbers and sentences, nothing loaded from elsewhere."""
    page = words.environment.get_template("explain.html").render(
        files=[(one, evidence_figures(one, words, None, f"-{place}")) for place, one in enumerate(explained)],
        detector=detector,
    )
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


def evidence_figures(
    one: Explained, words: Words, beside: Beside | None = None, suffix: str = ""
) -> list[dict[str, Any]]:
    """Draw what a verdict rests on: the spectrum's fine structure, and its steadiest tones against the lattice found.

    Parameters
    ----------
    one : Explained
    words : Words
    beside : Beside, optional
        Gets the figures' files; without it there are none.
    suffix : str
        Put behind the figures' names, where several stand on a page.

    Returns
    -------
    list of dict
        ``svg, files`` of each; none of what could not be measured, one where no lattice was found.
    """
    if one.sketch is None or one.sketch.lines is None or one.sound.verdict == "unmeasured":
        return []
    hertz, level, marks = fine_structure(one)
    how: dict[str, Any] = {"tick": words.plain_tick, "stamp": beside.stamp if beside else ""}
    found: list[dict[str, Any]] = []

    def keep(name: str, draw: Callable[..., str], table: pd.DataFrame) -> None:
        copies = beside.copies() if beside else None
        svg = markup(draw(name=f"{name}{suffix}", copies=copies, **how))
        found.append({"svg": svg, "files": beside.keep(f"{name}{suffix}", copies, table) if beside and copies else []})

    keep(
        "spectrum",
        partial(
            peaks,
            hertz,
            level,
            marks,
            title=words.say("fine_structure_title"),
            x=words.say("kilohertz"),
            y=words.say("over_surroundings"),
        ),
        pd.DataFrame(dict(zip(("hertz", "decibels"), outline(hertz, level), strict=True))).round(2),
    )
    spacing = one.sound.evidence.get("spacing_hz")
    if isinstance(spacing, float | int) and spacing:
        tones = one.sketch.lines.long[..., 0].ravel().astype(float)
        tones = tones[tones > 0]
        aside = aside_of(tones, spacing)
        keep(
            "folded",
            partial(
                folded,
                aside,
                title=words.say("folded_title", spacing),
                x=words.say("folded_axis", spacing),
                y=words.say("tones_axis"),
            ),
            pd.DataFrame({"hertz": tones, "multiples_aside": aside}).round(4),
        )
    return found
