"""A collected week holds what the platform published; what is missing is written down with its cause and its way out."""

from __future__ import annotations

import shutil
import unicodedata
import zlib
from collections import defaultdict
from datetime import date

import pytest
from sqlalchemy import select

from chartropy.charts.collect import collect
from chartropy.workspace import tables
from chartropy.workspace.errors import WorkspaceError
from chartropy.workspace.workspace import Workspace

pytestmark = pytest.mark.both_databases

WEEK = date(2026, 7, 2)
BROKEN = {  # what lets no second position be stored
    "file": ["CREATE TRIGGER broken BEFORE INSERT ON entry WHEN NEW.position = 2 BEGIN SELECT RAISE(FAIL, 'no'); END"],
    "server": [
        "CREATE FUNCTION broken() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''no''; END' LANGUAGE plpgsql",
        "CREATE TRIGGER broken BEFORE INSERT ON entry FOR EACH ROW WHEN (NEW.position = 2) EXECUTE FUNCTION broken()",
    ],
}
PATH = "/chart/top/{}/hits/ru/weekly/20260626-20260702"


@pytest.fixture
def opened(tmp_path, empty_workspace):
    """Open the workspace anew, as the next run does: settings are read again, refusals forgotten."""
    workspaces = []
    shutil.copytree(empty_workspace, tmp_path / "workspace")

    def open_workspace() -> Workspace:
        if workspaces:
            workspaces.pop().close()
        workspaces.append(Workspace(tmp_path / "workspace"))
        return workspaces[-1]

    yield open_workspace
    for workspace in workspaces:
        workspace.close()


@pytest.fixture
def tophit_server(server, answer, monkeypatch):
    """The scripted server in TopHit's place, one chart wanted, two rows expected."""
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__BASE_URL", server.url)
    monkeypatch.setenv("CHARTROPY_COLLECT", '["tophit"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__CHARTS", '["radio"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__EXPECTED_ROWS", "2")
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__RETRIES", "0")

    def say(body: bytes, chart: str = "radio", **more) -> None:
        server.say(PATH.format(chart), answer(body, headers={"Content-Type": "text/html; charset=utf-8"}, **more))

    server.say_page = say
    return server


def rows(workspace: Workspace, table) -> list[tuple]:
    with workspace.store.reading() as connection:
        return [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]


def everything(workspace: Workspace) -> dict[str, list[tuple]]:
    return {table.name: rows(workspace, table) for table in tables.metadata.sorted_tables}


def entries(workspace: Workspace, chart: str = "radio", week: date = WEEK) -> dict[int, tuple]:
    entry = tables.entry.c
    query = select(entry.position, entry.isrc, entry.artist, entry.title, entry.recording_id).where(
        entry.chart == chart, entry.week == week.isoformat()
    )
    with workspace.store.reading() as connection:
        return {row.position: tuple(row)[1:] for row in connection.execute(query)}


# -- the test world ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [{"faults": "real"}, {"faults": "hostile", "weeks": 2}], indirect=True)
def test_every_position_and_isrc_is_what_was_published(world, opened):
    workspace = opened()
    published = world.charts()
    weeks = sorted({week for _, week in published})
    assert len(weeks) >= 2
    for week in weeks:
        outcomes = collect(workspace, date.fromisoformat(week))
        assert [(outcome.rows, outcome.changed, outcome.gap) for outcome in outcomes] == [(12, 12, "")] * 3
        for chart in ("radio", "vk", "youtube"):
            found = entries(workspace, chart, date.fromisoformat(week))
            assert {position: row[:3] for position, row in found.items()} == {
                position: (
                    recording["printed_isrc"] or None,
                    ", ".join(recording["spelled"][f"tophit-{chart}"][0]),
                    unicodedata.normalize("NFC", recording["spelled"][f"tophit-{chart}"][1]),
                )
                for position, recording in published[f"tophit-{chart}", week].items()
            }


@pytest.mark.parametrize("world", [{"weeks": 6, "size": 40, "faults": "none"}], indirect=True)
def test_a_recording_is_one_recording_on_every_chart_and_no_two_are_merged(world, opened):
    workspace = opened()
    of_truth: dict[int, set[str]] = defaultdict(set)
    of_ours: dict[str, set[int]] = defaultdict(set)
    for (platform, week), recordings in world.charts().items():
        source, _, chart = platform.partition("-")
        if source == "tophit":
            collect(workspace, date.fromisoformat(week))
            for position, row in entries(workspace, chart, date.fromisoformat(week)).items():
                of_truth[recordings[position]["rid"]].add(row[3])
                of_ours[row[3]].add(recordings[position]["rid"])
    assert len(of_truth) > 50
    assert {ours: found for ours, found in of_ours.items() if len(found) > 1} == {}
    assert {true: found for true, found in of_truth.items() if len(found) > 1} == {}


def test_a_second_run_changes_nothing_and_asks_nothing(world, opened):
    week = date(2026, 5, 21)
    workspace = opened()
    collect(workspace, week)
    stored, asked = everything(workspace), len(world.log("tophit"))
    workspace = opened()
    outcomes = collect(workspace, week)
    assert [(outcome.rows, outcome.changed) for outcome in outcomes] == [(12, 0)] * 3
    assert len(world.log("tophit")) == asked
    assert everything(workspace) == stored


def test_asking_again_on_demand_changes_nothing_either(world, opened):
    workspace = opened()
    collect(workspace, date(2026, 5, 21))
    stored = everything(workspace)
    assert [outcome.changed for outcome in collect(workspace, date(2026, 5, 21), again=True)] == [0, 0, 0]
    assert everything(workspace) == stored


def test_a_week_that_was_never_published_is_a_gap_and_no_other_week_is_stored_for_it(world, opened):
    workspace = opened()
    outcomes = collect(workspace, date(2026, 8, 6))
    assert [outcome.rows for outcome in outcomes] == [0, 0, 0]
    assert "no radio chart for the week 2026-08-06" in outcomes[0].gap
    assert "another period" in outcomes[0].gap
    assert rows(workspace, tables.entry) == []
    assert {row[3] for row in rows(workspace, tables.gap)} == {"ru"}


def test_a_recording_keeps_the_page_and_the_spellings_it_came_from(world, opened):
    workspace = opened()
    collect(workspace, date(2026, 5, 21))
    with workspace.store.reading() as connection:
        body, origin = connection.execute(
            select(tables.page.c.body, tables.page.c.origin).where(tables.page.c.chart == "radio")
        ).one()
        spelled = set(connection.scalars(select(tables.spelling.c.title)))
    assert b"__NEXT_DATA__" in zlib.decompress(body)
    assert origin == f"{world.url}/tophit/chart/top/radio/hits/ru/weekly/20260515-20260521"
    assert {row[2] for row in entries(workspace, "radio", date(2026, 5, 21)).values()} <= spelled


# -- gaps --------------------------------------------------------------------------------------------------------------


def test_a_short_chart_is_kept_flagged_and_not_asked_for_again(tophit_server, pages, opened):
    tophit_server.say_page(pages.page([pages.table_row(1)]))
    (outcome,) = collect(opened(), WEEK)
    assert (outcome.rows, outcome.gap) == (1, "1 of 2 positions")
    (again,) = collect(opened(), WEEK)
    assert (again.rows, again.gap) == (1, "1 of 2 positions")
    assert tophit_server.paths.count(PATH.format("radio")) == 1


def test_half_a_page_is_kept_flagged_and_asked_for_again(tophit_server, pages, opened):
    whole = pages.page([pages.table_row(1), pages.table_row(2, "Fly")])
    tophit_server.say_page(whole[: whole.index(b"Fly") - 100])
    (outcome,) = collect(opened(), WEEK)
    assert outcome.rows == 1
    assert "1 of 2 positions" in outcome.gap
    assert "ends in the middle" in outcome.gap
    tophit_server.say_page(whole)
    workspace = opened()
    (outcome,) = collect(workspace, WEEK)
    assert (outcome.rows, outcome.changed, outcome.gap) == (2, 2, "")  # both now stand on the whole page
    assert rows(workspace, tables.gap) == []


def test_positions_that_are_missing_are_named(tophit_server, pages, opened):
    tophit_server.say_page(pages.page([pages.table_row(n, f"T{n}") for n in (1, 3, 6)]))
    assert collect(opened(), WEEK)[0].gap.endswith("positions without a row: 2, 4, 5")


def test_a_challenge_says_to_save_the_page_and_tophit_is_left_alone(tophit_server, pages, opened, answer, monkeypatch):
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__CHARTS", '["radio", "vk"]')
    challenge = answer(b"<html><title>Just a moment...</title><body>cf-challenge</body></html>", status=403)
    tophit_server.say(PATH.format("radio"), challenge)
    tophit_server.say(PATH.format("vk"), challenge)
    workspace = opened()
    outcomes = collect(workspace, WEEK)
    assert tophit_server.paths == ["/robots.txt", PATH.format("radio")]
    assert all("save the chart page" in outcome.gap for outcome in outcomes)
    assert all("chartropy import" in outcome.gap for outcome in outcomes)
    collect(workspace, date(2026, 6, 25))
    assert len(tophit_server.asked) == 2
    # the next run asks again, and a success clears the gap
    for chart in ("radio", "vk"):
        tophit_server.say_page(pages.page([pages.table_row(1), pages.table_row(2, "Fly")]), chart)
    workspace = opened()
    assert [outcome.gap for outcome in collect(workspace, WEEK)] == ["", ""]
    assert [row[0] for row in rows(workspace, tables.gap)] == ["2026-06-25", "2026-06-25"]


def test_a_challenge_that_comes_as_200_is_one_too(tophit_server, opened):
    tophit_server.say_page(b"<html><title>Just a moment...</title><body>cf-challenge</body></html>")
    assert "challenge page" in collect(opened(), WEEK)[0].gap


def test_robots_txt_is_obeyed_and_says_the_way_out(tophit_server, opened, answer):
    tophit_server.say("/robots.txt", answer(b"User-agent: *\nDisallow: /chart/\n"))
    (outcome,) = collect(opened(), WEEK)
    assert "robots.txt forbids" in outcome.gap
    assert "chartropy import" in outcome.gap
    assert tophit_server.paths == ["/robots.txt"]


@pytest.mark.parametrize("status", [404, 500])
def test_a_platform_that_fails_is_a_gap_and_is_asked_again_next_time(tophit_server, pages, opened, answer, status):
    tophit_server.say(PATH.format("radio"), answer(b"<html>oops</html>", status=status))
    assert str(status) in collect(opened(), WEEK)[0].gap
    tophit_server.say_page(pages.page([pages.table_row(1), pages.table_row(2, "Fly")]))
    (outcome,) = collect(opened(), WEEK)
    assert (outcome.rows, outcome.gap) == (2, "")


def test_a_page_that_turned_empty_is_kept_for_inspection_and_loses_nothing(tophit_server, pages, opened):
    tophit_server.say_page(pages.page([pages.table_row(1), pages.table_row(2, "Fly")]))
    before = collect(opened(), WEEK)
    tophit_server.say_page(b"<html><title>New design</title></html>")
    workspace = opened()
    (outcome,) = collect(workspace, WEEK, again=True)
    assert before[0].rows == outcome.rows == 2
    assert "no chart rows" in outcome.gap
    assert "The 2 positions stored before are kept" in outcome.gap
    assert len(entries(workspace)) == 2
    with workspace.store.reading() as connection:
        page = connection.execute(select(tables.page).where(tables.page.c.problem.is_not(None))).one()
    assert zlib.decompress(page.body) == b"<html><title>New design</title></html>"


@pytest.mark.parametrize(
    "other",
    [{"chart": "vk"}, {"country": "kz"}, {"span": "20260619-20260625"}],
)
def test_a_page_that_says_it_is_another_is_not_stored(tophit_server, pages, opened, other):
    tophit_server.say_page(pages.page([pages.table_row(1)], address=pages.address(**other)))
    workspace = opened()
    (outcome,) = collect(workspace, WEEK)
    assert "asked for" in outcome.gap
    assert rows(workspace, tables.entry) == []


def test_one_bad_chart_does_not_stop_the_others(tophit_server, pages, opened, answer, monkeypatch):
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__CHARTS", '["radio", "vk"]')
    tophit_server.say(PATH.format("radio"), answer(how="reset"))
    tophit_server.say_page(pages.page([pages.table_row(1), pages.table_row(2, "Fly")]), "vk")
    radio, vk = collect(opened(), WEEK)
    assert (radio.rows, vk.rows) == (0, 2)
    assert radio.gap
    assert not vk.gap


# -- recordings --------------------------------------------------------------------------------------------------------


def test_recordings_that_share_an_isrc_stay_apart(tophit_server, pages, opened):
    shared_code = "LabelRUA1D2600001"
    tophit_server.say_page(
        pages.page([pages.table_row(1, "Life", rights=shared_code), pages.table_row(2, "Fly", rights=shared_code)])
    )
    workspace = opened()
    collect(workspace, WEEK)
    one, two = entries(workspace).values()
    assert one[0] == two[0] == "RUA1D2600001"
    assert one[3] != two[3]


def test_the_isrc_printed_most_often_is_the_recordings(tophit_server, pages, opened, answer):
    weeks = {date(2026, 6, 18): "RUA1D2600001", date(2026, 6, 25): "USSM12200612", WEEK: "RUA1D2600001"}
    workspace = opened()
    for week, isrc in weeks.items():
        first = date.fromordinal(week.toordinal() - 6)
        body = pages.page([pages.table_row(1, rights=f"L{isrc}"), pages.table_row(2, "Fly")])
        tophit_server.say(f"/chart/top/radio/hits/ru/weekly/{first:%Y%m%d}-{week:%Y%m%d}", answer(body))
        collect(workspace, week)
    with workspace.store.reading() as connection:
        isrcs = dict(connection.execute(select(tables.recording.c.title, tables.recording.c.isrc)).all())
    assert isrcs == {"Life": "RUA1D2600001", "Fly": None}


def test_of_a_week_that_cannot_be_stored_only_its_page_is_left(tophit_server, pages, opened):
    tophit_server.say_page(pages.page([pages.table_row(1), pages.table_row(2, "Fly")]))
    workspace = opened()
    with workspace.store.transaction() as connection:
        for statement in BROKEN["server" if workspace.store.on_server else "file"]:
            connection.exec_driver_sql(statement)
    with pytest.raises(WorkspaceError):
        collect(workspace, WEEK)
    assert {name for name, found in everything(workspace).items() if found} == {"page", "source"}
