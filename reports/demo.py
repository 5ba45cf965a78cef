"""The demonstration: a made-up season of synthetic songs, through the same steps as a real one.

Only the platforms are left out: the chart is drawn from a seed, the songs come from the synthesizer. Reading, storing,
describing, judging, measuring and reporting are the product's own. Every row says ``synthetic`` as its source.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
from sqlalchemy import select

from ..audio.previews import set_waiting
from ..charts import names
from ..charts.collect import SYNTHETIC, Chart, Sheet, store_page, store_sheets
from ..charts.periods import Period
from ..charts.rows import Page, Row
from ..workspace import tables as t
from ..workspace.errors import SettingsError
from ..workspace.store import upsert
from ..workspace.workspace import Workspace
from .weekly import Track, analyze, plainly, report

SEED = 20_260_101
WEEKS, SIZE, NEW_EACH_WEEK = 8, 20, 4
FIRST_WEEK = date(2026, 1, 1)
CHART = Chart(SYNTHETIC, "demo", "none")


@dataclass(frozen=True)
class Song:
    """One made-up recording of the season."""

    seed: int
    week: int
    machine_made: bool
    sameness: float
    appeal: float
    life: float

    @property
    def artist(self) -> str:
        return f"Synthetic Artist {self.seed % 100:02d}"

    @property
    def title(self) -> str:
        return f"Synthetic Song {self.seed % 100:02d}"

    def strength(self, week: int) -> float:
        age = week - self.week
        return -1.0 if age < 0 else self.appeal * min(1.0, 0.5 + 0.3 * age) * math.exp(-age / self.life)


def make_demo(folder: Path, *, track: Track = plainly) -> tuple[Path, list[str]]:
    """Make the demonstration workspace, or what is missing of it, and its report.

    Parameters
    ----------
    folder : Path
        Made if needed; must not hold a workspace of real charts.
    track : callable
        Shows progress.

    Returns
    -------
    page : Path
        The page of the last week.
    gaps : list of str

    Raises
    ------
    SettingsError
        When `folder` holds real charts.
    """
    songs = make_songs()
    weeks = [FIRST_WEEK + timedelta(weeks=n) for n in range(WEEKS)]
    with Workspace(folder, create=True) as workspace, workspace.writing():
        real = select(t.entry.c.source).where(t.entry.c.source != CHART.source).limit(1)
        with workspace.store.reading() as connection:
            if connection.scalar(real):
                raise SettingsError(f"{folder} holds real charts; choose another folder with --out.")
        for number, week in enumerate(weeks):
            charted = sorted(songs, key=lambda song: -song.strength(number))[:SIZE]
            rows = tuple(_row(position, song) for position, song in enumerate(charted, 1))
            body = json.dumps([vars(row) for row in rows]).encode()
            period = Period.week(week)
            with workspace.store.transaction() as connection:
                page = store_page(
                    workspace, connection, CHART, period, body, "made up by chartropy demo", "application/json"
                )
            store_sheets(workspace, [Sheet(CHART, period, Page(rows), (page,))])
        gaps: dict[str, None] = {}
        for week in weeks:
            _make_previews(workspace, songs, week, track)
            gaps |= dict.fromkeys(analyze(workspace, week, track=track).gaps)
        return report(workspace, weeks), list(gaps)


def make_songs() -> list[Song]:
    """Draw the season: machine-made songs become more, and songs become more alike."""
    rng = np.random.default_rng(SEED)
    debuts = [0] * (SIZE + NEW_EACH_WEEK) + [week for week in range(1, WEEKS) for _ in range(NEW_EACH_WEEK)]
    songs = []
    for number, week in enumerate(debuts):
        progress = week / (WEEKS - 1)
        songs.append(
            Song(
                seed=SEED * 100 + number,
                week=week,
                machine_made=bool(rng.random() < 0.08 + 0.5 * progress),
                sameness=0.7 * progress,
                appeal=float(rng.lognormal(0, 0.5)),
                life=float(rng.uniform(2, 9)),
            )
        )
    return songs


def _row(position: int, song: Song) -> Row:
    return Row(position, artists=(song.artist,), title=song.title, track_id=str(song.seed))


def _make_previews(workspace: Workspace, songs: list[Song], week: date, track: Track) -> None:
    """Synthesize the week's songs that are not described yet, and enter them as found."""
    described = select(t.preview.c.recording_id).join(t.descriptor, t.descriptor.c.sha256 == t.preview.c.sha256)
    with workspace.store.reading() as connection:
        charted = set(connection.scalars(select(t.entry.c.recording_id).where(t.entry.c.week == week.isoformat())))
        missing = charted - set(connection.scalars(described))
    wanted = [song for song in songs if _id(song) in missing]
    for song, data in track(_synthesized(wanted), f"songs new in the week to {week}", len(wanted)):
        digest = sha256(data).hexdigest()
        set_waiting(workspace, data, digest, "flac")
        row = {
            "recording_id": _id(song),
            "provider": "synthesizer",
            "preview_id": str(song.seed),
            "matched_by": "made",
            "artist": song.artist,
            "title": song.title,
            "sha256": digest,
            "codec": "flac",
            "asked_on": FIRST_WEEK.isoformat(),
            "passing": 0,
        }
        with workspace.store.transaction() as connection:
            upsert(connection, t.preview, [row])


def _synthesized(songs: list[Song]) -> Iterator[tuple[Song, bytes]]:
    from joblib import Parallel, delayed

    yield from zip(
        songs, Parallel(n_jobs=-1, return_as="generator")(delayed(_sound)(song) for song in songs), strict=True
    )


def _sound(song: Song) -> bytes:
    from ..audio.synthesize import synthesize, to_bytes

    return to_bytes(synthesize(song.seed, machine_made=song.machine_made, sameness=song.sameness), "FLAC")


def _id(song: Song) -> str:
    return names.recording_id(names.read(song.artist, song.title))
