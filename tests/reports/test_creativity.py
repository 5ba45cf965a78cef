"""Creativity of a workspace's recordings: the table and the command."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

import chartropy
from chartropy.workspace.errors import SettingsError

pytestmark = pytest.mark.xdist_group("demo")  # one season is made for all

FEW = {"span": 2, "neighbours": 4}
"""The demonstration has eight weeks."""


@pytest.fixture(scope="module")
def season(demo_season):
    with chartropy.open_workspace(demo_season) as opened:
        yield opened


def test_every_recording_has_a_row_and_a_reason_where_it_has_no_score(season):
    found = season.creativity(**FEW, replicates=100)
    assert set(found["recording_id"]) == set(season.recordings()["recording_id"])
    assert found["first_week"].is_monotonic_increasing
    scored = found["creativity"].notna()
    assert 2 <= scored.sum() < len(found)
    assert found.loc[~scored, "method"].str.startswith("no estimate: ").all()
    assert found.loc[scored, "method"].str.contains("bootstrap by the artists of others, 100 replicates, seed 0").all()
    here = found[scored]
    assert ((here["creativity_low"] <= here["creativity"]) & (here["creativity"] <= here["creativity_high"])).all()
    assert (here[["past", "future"]] >= 4).all(axis=None)
    assert set(found["cohort"]) == {"2026Q1"}
    assert here["percentile"].mean() == pytest.approx(0.5)


def test_dates_are_weeks(season):
    found = season.creativity(**FEW, replicates=0).set_index("recording_id")
    first = found[found["first_week"] == found["first_week"].min()]
    assert first["method"].str.contains("less than 2 weeks after the first").all()
    assert (first["past"] == 0).all()
    within = found["first_week"].between("2026-01-08", "2026-01-15").sum()
    assert (first["future"] == within).all()  # each artist of the demonstration has one recording


def test_kinds_are_compared_within_their_quarter(season):
    found = season.creativity_of_kinds(**FEW).set_index("quantity")
    assert list(found.index) == ["creativity", "originality", "influence"]
    scored = season.creativity(**FEW, replicates=0).dropna(subset=["creativity"])
    assert found["ai"].eq((scored["verdict"] == "ai").sum()).all()
    places = scored.assign(rank=(scored["originality"].rank() - 0.5) / len(scored)).groupby("verdict")["rank"].mean()
    assert found["value"]["originality"] == pytest.approx(places["ai"] - places["human"])
    assert found["p"].between(0, 1).all()
    assert np.isnan(season.creativity_of_kinds()["value"]).all()  # half a year either side: nothing is scored


def test_what_is_not_there_is_refused(season):
    with pytest.raises(SettingsError, match="no source 'nobody' here"):
        season.creativity("nobody")
    with pytest.raises(SettingsError, match="replicates must be 100 or more"):
        season.creativity(replicates=3)
    with pytest.raises(SettingsError, match="span must be more than 0"):
        season.creativity(span=0)


def test_nothing_was_collected(workspace):
    with pytest.raises(SettingsError, match="No weekly chart is stored here"):
        chartropy.open_workspace(workspace.folder).creativity()


def test_the_command_writes_the_table(demo_season, command_line):
    options = ["--workspace", demo_season, "--span", 2, "--neighbours", 4]
    code, said, _ = command_line("creativity", *options, "--replicates", 0, "--source", "synthetic")
    rows = list(csv.DictReader(io.StringIO(said.lstrip("\ufeff"))))
    assert code == 0
    assert {"creativity", "percentile", "past", "method"} <= rows[0].keys()
    assert any(row["creativity"] for row in rows)
    code, said, _ = command_line("creativity", *options, "--kinds")
    assert code == 0
    assert [line.split(",")[0] for line in said.splitlines()[1:]] == ["creativity", "originality", "influence"]
    assert command_line("creativity", *options, "--replicates", 7)[0] == 2


def test_a_table_without_a_number_says_why(demo_season, command_line):
    code, said, complaint = command_line("creativity", "--workspace", demo_season, "--replicates", 0)
    assert (code, said.count("\n")) == (3, 41)
    assert (
        "No row has a number; 40 of 40: it appeared less than 26 weeks after the first. A shorter --span" in complaint
    )
    code, _, complaint = command_line("creativity", "--workspace", demo_season, "--kinds")
    assert code == 3
    assert "nothing has a score; most often it appeared less than 26 weeks after the first. A shorter" in complaint
