"""Charts belong to their time: backfilled, caught up, snapshots averaged over the week they were taken in."""

from __future__ import annotations

import json
from datetime import date

import pytest
from sqlalchemy import select

from chartropy.charts import collect as collecting
from chartropy.charts.collect import Chart, collect, collect_between, missed_weeks
from chartropy.charts.importing import import_file
from chartropy.charts.periods import Period
from chartropy.workspace import tables
from chartropy.workspace.workspace import Workspace

pytestmark = pytest.mark.both_databases

DEEZER = "/playlist/1116189381/tracks"
WEEK = date(2026, 7, 2)


@pytest.fixture
def deezer(server, monkeypatch):
    """The scripted server in Deezer's place; ``say(*titles)`` is its chart from now on."""
    monkeypatch.setenv("CHARTROPY_COLLECT", '["deezer"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__DEEZER__BASE_URL", server.url)
    monkeypatch.setenv("CHARTROPY_SOURCES__DEEZER__EXPECTED_ROWS", "3")
    monkeypatch.setenv("CHARTROPY_SOURCES__DEEZER__RETRIES", "0")

    def say(*titles: str) -> None:
        tracks = [{"id": ord(t[0]), "title": t, "artist": {"name": "Zivert"}, "type": "track"} for t in titles]
        server.answers[DEEZER].clear()
        server.say_json(DEEZER, {"data": tracks, "total": len(tracks)})

    server.say_chart = say
    return server


@pytest.fixture
def on(workspace, monkeypatch):
    """Open the workspace anew on a day, as that day's run does, and collect."""

    def run(day: str, period: date | Period | None = None, *, hour: int = 12, **options):
        monkeypatch.setenv("CHARTROPY_NOW", f"{day}T{hour}:00")
        with Workspace(workspace.folder) as opened:
            return collect(opened, period or Period.holding(date.fromisoformat(day), "weekly"), **options)

    return run


def places(workspace: Workspace, week: date = WEEK) -> list[tuple]:
    entry = tables.entry.c
    query = select(entry.position, entry.title, entry.mean_position).where(entry.week == week.isoformat())
    with workspace.store.reading() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(entry.position))]


def gaps(workspace: Workspace) -> dict[str, str]:
    with workspace.store.reading() as connection:
        return {row.week: row.reason for row in connection.execute(select(tables.gap))}


# -- snapshots ---------------------------------------------------------------------------------------------------------


def test_a_snapshot_belongs_to_the_week_it_was_taken_in(deezer, on, workspace):
    deezer.say_chart("A", "B", "C")
    (outcome,) = on("2026-06-29")
    assert (outcome.period, outcome.rows, outcome.gap) == (Period.week(WEEK), 3, "")
    assert places(workspace) == [(1, "A", 1.0), (2, "B", 2.0), (3, "C", 3.0)]


def test_several_days_of_a_week_are_averaged(deezer, on, workspace):
    deezer.say_chart("A", "B", "C")
    on("2026-06-29")
    deezer.say_chart("B", "D", "A")
    on("2026-06-30")
    # B: 2 and 1; A: 1 and 3; D: none, which counts as 4, and 2; C: 3 and 4
    assert places(workspace) == [(1, "B", 1.5), (2, "A", 2.0), (3, "D", 3.0)]


def test_a_chart_that_grew_shorter_leaves_no_old_places(deezer, on, workspace):
    deezer.say_chart("A", "B", "C")
    on("2026-06-29")
    deezer.say_chart("A", "B", "C", "D")
    on("2026-06-30")
    assert [row[1] for row in places(workspace)] == ["A", "B", "C", "D"]


def test_one_day_counts_once_however_often_it_is_asked_for(deezer, on, workspace):
    deezer.say_chart("A", "B", "C")
    on("2026-06-29")
    asked = len(deezer.asked)
    on("2026-06-29")
    assert len(deezer.asked) == asked
    deezer.say_chart("C", "B", "A")
    on("2026-06-29", hour=15, again=True)
    assert [row[1:] for row in places(workspace)] == [("C", 1.0), ("B", 2.0), ("A", 3.0)]


def test_a_day_without_an_answer_leaves_the_week_as_it_stood(deezer, on, workspace, answer):
    deezer.say_chart("A", "B", "C")
    on("2026-06-29")
    deezer.answers[DEEZER] = [answer(status=500)]
    (outcome,) = on("2026-06-30")
    assert (outcome.rows, outcome.gap) == (3, "")
    assert len(places(workspace)) == 3
    with workspace.store.reading() as connection:
        assert "500" in connection.execute(select(tables.source.c.error)).scalar_one()


def test_the_running_week_is_none_of_the_week_that_is_reported(deezer, on, workspace):
    deezer.say_chart("A", "B", "C")
    closed, running = on("2026-07-03", WEEK)
    assert (closed.period, closed.rows) == (Period.week(WEEK), 0)
    assert closed.gap == "Deezer shows only the present, and no snapshot was taken that week"
    assert (running.period, running.rows) == (Period.week(date(2026, 7, 9)), 3)
    assert places(workspace) == []
    # a week later it is there
    (closed, _) = on("2026-07-10", date(2026, 7, 9))
    assert (closed.rows, closed.gap) == (3, "")


def test_why_the_snapshot_of_a_week_failed_stays_its_gap(deezer, on, workspace, answer):
    deezer.say(DEEZER, answer(status=500))
    on("2026-06-30")
    deezer.say_chart("A", "B", "C")
    closed, _ = on("2026-07-03", WEEK)
    assert "500" in closed.gap
    assert "500" in gaps(workspace)[WEEK.isoformat()]


def test_saved_snapshots_of_several_days_are_averaged_like_fetched_ones(workspace, tmp_path):
    for day, order in (("29 June 2026", "ABC"), ("30 June 2026", "BDA")):
        lines = [
            "Shazam Top 200 Russia Chart",
            f'"Monday, {day} [performance over the past 7 days]"',
            "Rank,Artist,Title",
        ]
        lines += [f'{place},"Zivert","{title}"' for place, title in enumerate(order, 1)]
        (tmp_path / "chart.csv").write_text("\r\n".join(lines))
        (outcome,) = import_file(workspace, tmp_path / "chart.csv", "shazam-top-200")
    assert outcome.period == Period.week(WEEK)
    assert [row[1:] for row in places(workspace)] == [("B", 1.5), ("A", 2.0), ("D", 3.0)]


# -- backfill and catching up ------------------------------------------------------------------------------------------


@pytest.fixture
def tophit(server, monkeypatch):
    monkeypatch.setenv("CHARTROPY_COLLECT", '["tophit"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__BASE_URL", server.url)
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__CHARTS", '["radio"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__EXPECTED_ROWS", "1")
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__RETRIES", "0")
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-24")
    return server


def week_page(pages, answer, week: Period, title: str):
    span = f"{week.start:%Y%m%d}-{week.end:%Y%m%d}"
    return f"/chart/top/radio/hits/ru/weekly/{span}", answer(
        pages.page([pages.table_row(1, title)], address=pages.address(span=span)), headers={"Content-Type": "text/html"}
    )


def test_every_week_between_two_days_is_had(tophit, workspace, pages, answer):
    weeks = [date(2026, 6, 25), WEEK, date(2026, 7, 9)]
    for number, week in enumerate(weeks):
        tophit.say(*week_page(pages, answer, Period.week(week), f"T{number}"))
    outcomes = collect_between(workspace, date(2026, 6, 20), date(2026, 7, 5))
    assert [(outcome.week, outcome.rows) for outcome in outcomes] == [(week, 1) for week in weeks]
    asked = len(tophit.asked)
    collect_between(workspace, date(2026, 6, 20), date(2026, 7, 5))
    assert len(tophit.asked) == asked  # what is there is not asked for again


def test_years_are_collected_beside_weeks_and_none_of_them(tophit, workspace, pages, answer):
    body = pages.page([pages.table_row(1, "Hit")], address="/chart/top/radio/hits/ru/annual/2024")
    tophit.say("/chart/top/radio/hits/ru/annual/2024", answer(body, headers={"Content-Type": "text/html"}))
    (outcome,) = collect_between(workspace, date(2024, 5, 1), date(2024, 5, 1), "annual")
    assert (str(outcome.period), outcome.rows) == ("year 2024", 1)
    with workspace.store.reading() as connection:
        stored = connection.execute(select(tables.entry)).one()
    assert (stored.period, stored.period_start, stored.period_end, stored.week) == (
        "annual", "2024-01-01", "2024-12-31", None,
    )  # fmt: skip


def test_a_source_without_that_kind_of_period_is_not_asked(deezer, workspace, monkeypatch):
    assert collect_between(workspace, date(2024, 5, 1), date(2024, 5, 1), "annual") == []
    assert deezer.asked == []


def test_missed_weeks_are_those_after_the_first_that_lack_a_chart(tophit, workspace, pages, answer):
    assert missed_weeks(workspace, date(2026, 7, 23)) == []  # nothing began yet
    for week in (date(2026, 6, 25), date(2026, 7, 9)):
        tophit.say(*week_page(pages, answer, Period.week(week), "T"))
        collect(workspace, week)
    assert missed_weeks(workspace, date(2026, 7, 23)) == [WEEK, date(2026, 7, 16)]
    late = missed_weeks(workspace, date(2027, 7, 22))  # a year away: the last three months, the rest by collect --from
    assert (late[0], late[-1], len(late)) == (date(2027, 4, 22), date(2027, 7, 15), 13)


def test_weeks_that_end_on_another_day_lie_in_ours_and_keep_their_dates(workspace, monkeypatch, server, tmp_path):
    columns = {"position": "rank", "artist": "artist", "title": "song", "period_end": "date"}
    monkeypatch.setenv(
        "CHARTROPY_SOURCES__SATURDAYS",
        json.dumps({"columns": columns, "charts": ["top"], "base_url": server.url, "path": "top.json"}),
    )
    monkeypatch.setenv("CHARTROPY_COLLECT", '["saturdays"]')
    server.say_json("/top.json", [{"rank": 1, "artist": "A", "song": "T", "date": "2026-06-27"}])
    with Workspace(workspace.folder) as opened:
        (outcome,) = collect(opened, WEEK)
        assert (outcome.rows, outcome.gap) == (1, "")
        (again,) = collect(opened, WEEK)
        assert (again.rows, len(server.asked)) == (1, 1)
        with opened.store.reading() as connection:
            stored = connection.execute(select(tables.entry)).one()
        assert (stored.period_start, stored.period_end, stored.week) == ("2026-06-21", "2026-06-27", "2026-07-02")
        assert missed_weeks(opened, date(2026, 7, 9)) == []
        (wrong,) = collect(opened, date(2026, 7, 9))
        assert "the page says week 2026-06-27" in wrong.gap


def test_a_table_of_many_weeks_gives_the_week_that_was_asked_for(workspace, monkeypatch, server):
    columns = {"position": "rank", "artist": "artist", "title": "song", "week": "date"}
    monkeypatch.setenv(
        "CHARTROPY_SOURCES__CLUB",
        json.dumps({"columns": columns, "charts": ["top"], "base_url": server.url, "path": "top.json"}),
    )
    monkeypatch.setenv("CHARTROPY_COLLECT", '["club"]')
    days = ("2026-06-25", "2026-07-02", "2026-07-09")
    server.say_json("/top.json", [{"rank": 1, "artist": "A", "song": day, "date": day} for day in days])
    with Workspace(workspace.folder) as opened:
        collect(opened, WEEK)
        assert [row[1] for row in places(opened)] == ["2026-07-02"]


def test_a_day_to_come_is_refused(workspace, monkeypatch, server, answer):
    monkeypatch.setenv("CHARTROPY_COLLECT", '["shazam"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__SHAZAM__BASE_URL", server.url)
    monkeypatch.setenv("CHARTROPY_NOW", "2026-06-29")
    path = "/services/charts/csv/top-200/russia/"
    body = b'Shazam Top 200 Russia Chart\r\n"Thursday, 31 December 9999 [performance]"\r\nRank,Artist,Title\r\n1,"A","T"\r\n'
    server.say(path, answer(body))
    with Workspace(workspace.folder) as opened:
        (outcome,) = collect(opened, WEEK)
    assert "9999-12-31, which cannot be" in outcome.gap


def test_averaging_is_the_same_in_any_order_of_days(workspace, tmp_path):
    """Days that are imported later, but earlier in the week, count as much."""

    def table(day: str, order: str) -> None:
        rows = "\n".join(f"{place},A,{title},{day}" for place, title in enumerate(order, 1))
        (tmp_path / "chart.csv").write_text(f"position,artist,title,day\n{rows}\n")
        import_file(workspace, tmp_path / "chart.csv", "snaps-top")

    columns = {name: name for name in ("position", "artist", "title", "day")}
    (workspace.folder / "chartropy.toml").write_text(
        f"[sources.snaps]\ncolumns = {json.dumps(columns).replace(':', '=')}\nperiod = 'snapshot'\ncharts = ['top']\n"
    )
    with Workspace(workspace.folder) as opened:
        workspace = opened
        table("2026-06-30", "BDA")
        table("2026-06-29", "ABC")
        assert [row[1:] for row in places(opened)] == [("B", 1.5), ("A", 2.0), ("D", 3.0)]
        sheet = collecting.averaged(opened, Chart("snaps", "top", "ru"), Period.week(WEEK))
    assert [row.title for row in sheet.page.rows] == ["B", "A", "D"]
