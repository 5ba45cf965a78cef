"""The page of one recording: where it charted, what is said of its making and why, how it sounds, what it sounds like.

Pages lie in ``recordings/<id>/`` beside the weeks, and the pages of the weeks link to them. A page is written anew when
anything that it shows has changed, or this release writes it otherwise; its first lines keep a hash of that. Where the page of
a recording lay that is known under another id now, or under none, a page stays that says so: older pages link to it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..features.registry import DESCRIPTORS
from ..features.sketch import Sketch
from ..workspace.store import digest
from . import figures, messages
from .drawing import FIGURES, Beside, markup
from .explain import Explained, evidence_figures
from .feed import written_weeks
from .page import Versions, render, safe_link, versions_in, write_beside, write_pages
from .recording import Recording, Recordings
from .season import Key, Season, float_of, in_order, key_of, keys_of, names_of
from .weekly import Track, in_parallel, plainly
from .words import Words

FOLDER = "recordings"

FAMILIAR = (
    "rhythm.tempo.bpm rhythm.onset.rate rhythm.pulse_clarity rhythm.danceability rhythm.syncopation "
    "rhythm.microtiming.on_grid tonality.key.majorness tonality.key.strength tonality.chord.change_rate "
    "tonality.chord.entropy tonality.dissonance.mean timbre.centroid.mean timbre.flatness.mean "
    "dynamics.loudness.integrated dynamics.loudness.range dynamics.crest production.density production.bandwidth "
    "stereo.width structure.repetition structure.novelty.mean vocals.presence"
).split()
"""Descriptors that a person has a word for: every page shows them."""

MOST_ODD = 8
ODD = 5.0
"""Beyond this percentile, from either end, a descriptor stands out."""
FEWEST = 10
"""With fewer recordings on the charts nothing stands out."""


def write_recordings(
    folder: Path,
    season: Season,
    *,
    made_at: datetime,
    languages: Sequence[str] = ("en",),
    jobs: int = 1,
    track: Track = plainly,
) -> int:
    """Write the pages of all recordings that are new or of which more, or something else, is known now.

    They link to the weeks whose pages lie in `folder`.

    Parameters
    ----------
    folder : Path
        A page becomes ``<folder>/recordings/<id>/index.html``.
    season : Season
        With its recordings.
    made_at : datetime
        Printed on what is written; what is not written anew keeps its time.
    languages : sequence of str
        As for :func:`.page.write_week`.
    jobs : int
        Processes at most.
    track : callable
        Shows progress: takes the pages, what they are called, and how many there are.

    Returns
    -------
    int
        How many recordings' pages were written, those that lead to another counted.

    Raises
    ------
    SettingsError
        When pages cannot be written in one of `languages`.
    DiskFull, WorkspaceReadOnly
        When a file cannot be written.
    """
    recordings = season.recordings
    if recordings is None:
        return 0
    files = [file for _, file in versions_in(languages)]
    about = digest(season.about.get("version"), season.synthetic, list(languages), _templates())
    weeks = frozenset(written_weeks(folder))
    due = []
    for one in recordings:
        linked = [week for week in recordings.weeks(one) if date.fromisoformat(week) in weeks]
        now = digest(about, recordings.inputs(one), linked)
        if any(_written_from(folder / FOLDER / one / file) != now for file in files):
            due.append((one, now))
    bare = replace(
        season, recordings=None, vectors=None, composite=None,
        **{name: getattr(season, name).iloc[:0] for name in ("entries", "verdicts", "measures", "gaps")},
    )  # fmt: skip
    work = (
        (folder / FOLDER / one, recordings.of(one), recordings.sketch(one), bare, weeks, made_at, tuple(languages), now)
        for one, now in due
    )
    for _ in track(in_parallel(_write, work, len(due), jobs), "recordings' pages", len(due)):
        pass
    return len(due) + _lead_on(folder / FOLDER, season, recordings, made_at, versions_in(languages), about)


def _lead_on(
    folder: Path, season: Season, recordings: Recordings, made_at: datetime, versions: Versions, about: str
) -> int:
    """Put in the place of pages of recordings that are no more where they are now; return how many were not there yet."""
    written = 0
    for left in sorted(folder.iterdir()) if folder.is_dir() else ():
        page = left / "index.html"
        # only what we wrote is ours to replace
        if left.name in recordings or left.is_symlink() or page.is_symlink() or not (before := _written_from(page)):
            continue
        meant = recordings.meant_by(left.name)
        known = recordings.of(meant) if meant else None
        now = digest(about, meant, known and (known.artist, known.title))
        if before == now:
            continue
        how = {"season": season, "made_at": made_at, "recording": known, "inputs": now}
        if not (left / FIGURES).is_symlink():
            write_beside(left / FIGURES, {})
        write_pages(left, {file: render("moved.html", words, versions, **how) for words, file in versions})
        written += 1
    return written


def _write(
    folder: Path,
    recording: Recording,
    sketch: Sketch | None,
    season: Season,
    weeks: frozenset[date],
    made_at: datetime,
    languages: Sequence[str],
    inputs: str,
) -> None:
    """Write one recording's page in all languages."""
    versions = versions_in(languages)
    pages, beside = {}, {}
    for words, file in versions:
        stamp = words.say("synthetic_mark") if season.synthetic else ""
        credit = f"Chartropy: {recording.artist} – {recording.title}"
        kept = Beside(stamp, credit, file.removeprefix("index").removesuffix(".html"), pictures=False)
        pages[file] = _page(recording, sketch, season, weeks, made_at, versions, file, kept, inputs)
        beside |= kept.files
    write_beside(folder / FIGURES, beside)
    write_pages(folder, pages)


def _page(
    recording: Recording,
    sketch: Sketch | None,
    season: Season,
    weeks: frozenset[date],
    made_at: datetime,
    versions: Versions,
    file: str,
    beside: Beside,
    inputs: str,
) -> str:
    words = next(one for one, name in versions if name == file)
    names = names_of(in_order(keys_of(recording.history)), words)
    far = _far(recording.descriptors)
    one = None
    if recording.sound and recording.evidence:
        one = Explained(Path(recording.recording_id), recording.sound, recording.evidence, sketch)
    return render(
        "recording.html",
        words,
        versions,
        season=season,
        made_at=made_at,
        recording=recording,
        inputs=inputs,
        known=one,
        evidence=evidence_figures(one, words, beside) if one else [],
        places=_places_figure(recording, names, words, beside),
        history=[
            (date.fromisoformat(str(row.week)), names[key_of(row)], row.position, safe_link(row.link))
            for row in recording.history.iloc[::-1].itertuples()
        ],
        weeks=weeks,
        odd=_rows(recording, _odd(far), words),
        familiar=_rows(recording, FAMILIAR, words),
        of=int(recording.descriptors["of"].max()) if len(recording.descriptors) else 0,
        count_all=words.count(len(DESCRIPTORS)),
        far=len(far),
        placed=int(recording.descriptors["percentile"].notna().sum()),
        alike=[
            (row, date.fromisoformat(str(row.first_week)), date.fromisoformat(str(row.last_week)))
            for row in recording.alike.itertuples()
        ],
        spellings=list(recording.names.itertuples()),
    )


def _places_figure(recording: Recording, names: dict[Key, str], words: Any, beside: Beside) -> dict[str, Any] | None:
    """Its place on each chart over time; None for one that was there for a week only."""
    history = recording.history
    if history["week"].nunique() < 2:
        return None
    best = history.sort_values(["week", "position"]).drop_duplicates(["source", "chart", "country", "week"])
    lines = []
    for style, key in enumerate(names):
        points = [
            figures.Point(date.fromisoformat(str(row.week)), float_of(row.position))
            for row in best.itertuples()
            if key_of(row) == key
        ]
        lines.append(figures.Series(names[key], points, style))
    copies, title = beside.copies(), words.say("places_title", recording.artist, recording.title)
    svg = figures.over_time(
        lines,
        name="places",
        title=title,
        unit=words.say("places_axis"),
        weeks_title=words.say("weeks_axis"),
        day=words.short_day,
        number=words.count,
        tick=words.plain_tick,
        stamp=beside.stamp,
        copies=copies,
        places=True,
    )
    table = history[["source", "chart", "country", "week", "position", "plays"]]
    return {"title": title, "svg": markup(svg), "files": beside.keep("places", copies, table)}


def _far(descriptors: pd.DataFrame) -> pd.DataFrame:
    """The descriptors that lie in the lowest or the highest twentieth of the charts of its last week."""
    few = descriptors.empty or descriptors["of"].max() < FEWEST
    return descriptors.iloc[:0] if few else descriptors[(descriptors["percentile"] - 50).abs() >= 50 - ODD]


def _odd(descriptors: pd.DataFrame) -> list[str]:
    """Choose those that lie furthest out, one of each kind."""
    if descriptors.empty:
        return []
    out = (descriptors["percentile"] - 50).abs()
    with np.errstate(invalid="ignore", divide="ignore"):
        far = ((descriptors["value"] - descriptors["median"]) / (descriptors["high"] - descriptors["low"])).abs()
    order = pd.DataFrame({"out": out, "far": far.where(np.isfinite(far), 0)})
    order = order.sort_values(["out", "far"], ascending=False, kind="stable")
    chosen: dict[str, str] = {}
    for name in order.index:
        chosen.setdefault(".".join(str(name).split(".")[:2]), str(name))
    return list(chosen.values())[:MOST_ODD]


def _rows(recording: Recording, names: Sequence[str], words: Words) -> list[dict[str, Any]]:
    """Descriptors as the page shows them: those that were measured."""
    known = [name for name in names if name in recording.descriptors.index]
    rows = []
    for name, row in recording.descriptors.loc[known].to_dict("index").items():
        if math.isfinite(float_of(row["value"])):
            label = DESCRIPTORS[str(name)].label_in(words.language)
            unit = "" if row["unit"] == "1" else words.translated(row["unit"], "unit")
            rows.append({**row, "name": name, "label": label, "unit": unit})
    return rows


def made_at(page: Path) -> datetime | None:
    """Return when a recording's page was written; None where that is not known."""
    try:
        return datetime.fromisoformat(_kept(page, "made"))
    except ValueError:
        return None


def _written_from(page: Path) -> str:
    """The hash of what a page was written from; empty where there is none."""
    return _kept(page, "inputs")


def _kept(page: Path, name: str) -> str:
    """What a page's first lines say of itself."""
    try:
        with page.open(encoding="utf-8") as file:
            found = re.search(rf'<meta name="chartropy-{name}" content="([^"]+)">', file.read(2000))
    except (OSError, UnicodeDecodeError):
        return ""
    return found[1] if found else ""


@cache
def _templates() -> str:
    """A hash of what says and shows the page."""
    files = [*messages.TEMPLATES.iterdir(), *messages.LOCALE.rglob("*.po")]
    return digest(*(file.read_bytes() for file in sorted(files) if file.is_file()))
