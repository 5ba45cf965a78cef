"""A workspace of an older release: what can be had again is described anew, the rest stays and says so."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from chartropy.audio import previews
from chartropy.features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from chartropy.reports import demo
from chartropy.reports.cli import app
from chartropy.reports.tables import Tables
from chartropy.reports.weekly import analyze
from chartropy.workspace import tables as t
from chartropy.workspace.errors import PreviewError
from chartropy.workspace.workspace import Workspace

OLD_NAMES = ["timbre.centroid.mean", "rhythm.tempo.bpm"]
SEASON = {"WEEKS": 3, "SIZE": 6, "NEW_EACH_WEEK": 4}
LAST = demo.FIRST_WEEK + timedelta(weeks=2)

pytestmark = pytest.mark.xdist_group("upgrade")  # one season is made for all


@pytest.fixture(autouse=True)
def _small_season(monkeypatch):
    for name, value in SEASON.items():
        monkeypatch.setattr(demo, name, value)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "workspace"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SEASON.items():
            patch.setattr(demo, name, value)
        demo.make_demo(folder)
    return folder


@pytest.fixture
def old(tmp_path, made) -> Path:
    """Three weeks, measured, then dressed as the first release left them: other names, no word about the extractor."""
    folder = tmp_path / "old"
    shutil.copytree(made, folder)
    with Workspace(folder) as workspace, workspace.store.transaction() as connection:
        for row in connection.execute(select(t.descriptor)).all():
            connection.execute(
                t.descriptor.update()
                .where(t.descriptor.c.sha256 == row.sha256)
                .values(extractor_version="1", names=" ".join(OLD_NAMES), vector=row.vector[: 4 * len(OLD_NAMES)])
            )
        for row in connection.execute(select(t.measure)).all():
            connection.execute(
                t.measure.update()
                .where(t.measure.c.week == row.week, t.measure.c.measure == row.measure)
                .values(
                    method=row.method.replace(f"extractor {EXTRACTOR_VERSION}; ", ""), inputs="of the first release"
                )
            )
    return folder


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Nobody has previews any more; which recordings were asked for."""
    wanted: list[str] = []

    def refuse(_, one):
        wanted.append(one.recording_id)
        raise PreviewError("gone", passing=False)

    monkeypatch.setattr(previews, "fetch_preview", refuse)
    return wanted


def run(folder: Path, week: date = LAST):
    with Workspace(folder) as workspace, workspace.writing():
        return analyze(workspace, week)


def diversity(folder: Path) -> dict:
    with Workspace(folder) as workspace:
        rows = Tables(workspace).measures().query("measure == 'diversity.mean_distance'")
    return {row.week: (row.value, row.n, "extractor" in row.method) for row in rows.itertuples()}


def of_week(folder: Path, week: date) -> set[str]:
    with Workspace(folder) as workspace:
        entries = Tables(workspace).entries()
    return set(entries.loc[entries["week"] == week.isoformat(), "recording_id"])


def of_weeks(folder: Path) -> set[str]:
    return set().union(*(of_week(folder, demo.FIRST_WEEK + timedelta(weeks=n)) for n in range(SEASON["WEEKS"])))


def bring_back(folder: Path) -> None:
    """Put every preview where a kept one lies, so that it can be described again."""
    with Workspace(folder) as workspace:
        for song in demo.make_songs():
            data = demo._sound(song)
            workspace.audio_folder.mkdir(exist_ok=True)
            (workspace.audio_folder / f"{sha256(data).hexdigest()}.flac").write_bytes(data)


def test_what_cannot_be_had_again_stays_and_says_so(old, asked):
    before, everything = diversity(old), of_weeks(old)
    done = run(old)
    assert set(asked) == everything
    assert done.outdated == len(everything)
    assert diversity(old) == before
    with Workspace(old) as workspace:
        described = Tables(workspace).descriptors()
    assert set(described["extractor_version"]) == {"1"}
    assert described[OLD_NAMES].notna().all(axis=None)
    said = CliRunner().invoke(app, ["status", "--workspace", str(old)]).output
    assert f"{len(everything)} recordings described by an older release only" in said


def test_a_turn_that_failed_is_not_repeated_at_every_run(old, asked):
    run(old)
    asked.clear()
    run(old)
    assert set(asked) == of_week(old, LAST)  # the week's own are wanted every time


def test_all_is_described_anew_where_it_can_be_had(old):
    bring_back(old)
    everything = of_weeks(old)
    done = run(old)
    assert done.outdated == 0
    with Workspace(old) as workspace:
        described = Tables(workspace).descriptors().set_index("recording_id")
        with workspace.store.reading() as connection:
            kept = connection.execute(select(t.descriptor.c.extractor_version)).scalars().all()
    assert set(described.loc[sorted(everything), "extractor_version"]) == {EXTRACTOR_VERSION}
    assert set(DESCRIPTORS) <= set(described.columns)
    assert kept.count("1") == len(everything)  # nothing is thrown away
    assert all(anew and n == 6 for _, n, anew in diversity(old).values())


def test_a_run_renews_as_many_as_is_set_and_old_measures_stand_meanwhile(old, monkeypatch):
    monkeypatch.setenv("CHARTROPY_RENEW", "0")
    bring_back(old)
    before = diversity(old)
    others = of_weeks(old) - of_week(old, LAST)
    assert others
    done = run(old)
    assert done.outdated == len(others)
    after = diversity(old)
    assert after[LAST.isoformat()][2]
    assert after[demo.FIRST_WEEK.isoformat()] == before[demo.FIRST_WEEK.isoformat()]  # too few are described anew
    monkeypatch.setenv("CHARTROPY_RENEW", "1")
    assert run(old).outdated == len(others) - 1
