"""Entries made anew from the kept pages are the same or better: what changes is shown first, and nothing is ever lost."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import delete, select, update
from typer.testing import CliRunner

from chartropy.charts import collect as collecting
from chartropy.charts import reparse
from chartropy.charts.claims import CLAIMS
from chartropy.charts.collect import Chart, collect, store_page
from chartropy.charts.composite import SOURCE, compose
from chartropy.charts.importing import import_file
from chartropy.charts.periods import Period
from chartropy.charts.sources import yandex as yandex_music
from chartropy.reports.cli import app
from chartropy.workspace import tables as t
from chartropy.workspace.errors import PageError
from chartropy.workspace.workspace import Workspace

WEEK = date(2026, 7, 2)
CSV = 'position,artist,title,label,plays\n1,Ёлка,Прованс,Мелодия,900\n2,Zivert,Life,,\n3,"Мот, Баста",Капкан,Gazgolder,7\n'
YANDEX, ENTRY = "/landing3/chart/russia", t.entry.c


@pytest.fixture
def put(workspace, tmp_path):
    """Import some content: ``put(CSV, "tophit-radio")``."""

    def import_content(content: str | bytes, source: str, week: date | None = WEEK) -> None:
        file = tmp_path / "chart"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        import_file(workspace, file, source, week)

    return import_content


@pytest.fixture
def learned(monkeypatch):
    """Change what a source's parser gives: ``learned("tophit", lambda row: replace(row, plays=1))``; None leaves a row out."""

    def change(source: str, change_row) -> None:
        known = collecting.SOURCES[source]

        def parse(body: bytes, origin: str):
            return tuple(
                replace(page, rows=tuple(filter(None, map(change_row, page.rows))))
                for page in known.parse(body, origin)
            )

        monkeypatch.setitem(collecting.SOURCES, source, replace(known, parse=parse))

    return change


@pytest.fixture
def forgotten(monkeypatch):
    """Make a source's parser understand no page any more."""

    def forget(source: str) -> None:
        def parse(body: bytes, origin: str):
            raise PageError(f"{source}: it has another form.", body)

        monkeypatch.setitem(collecting.SOURCES, source, replace(collecting.SOURCES[source], parse=parse))

    return forget


def tophit_page(pages, count: int = 3) -> bytes:
    rows = [
        pages.table_row(n, f"Song {n}", (f"Artist {n}", "Баста"), track_id=str(n), rights=f"Label {n}RUA1D260000{n}")
        for n in range(1, count + 1)
    ]
    payload = {
        "charts": [pages.payload_row(n, f"Song {n}", (f"Artist {n}", "Баста"), id=n) for n in range(1, count + 1)]
    }
    return pages.page(rows, payload, address=pages.address())


def yandex(*titles: str) -> bytes:
    tracks = [
        {
            "track": {"id": title, "title": title, "artists": [{"name": f"Artist {title}"}], "albums": []},
            "chart": {"position": place, "listeners": 1000 - place},
        }
        for place, title in enumerate(titles, 1)
    ]
    return json.dumps({"result": {"chart": {"tracks": tracks}}}).encode()


@pytest.fixture
def snapshots(server, answer, monkeypatch, workspace):
    """Two days of Yandex Music, averaged; the settings ask for it alone."""
    monkeypatch.setenv("CHARTROPY_COLLECT", '["yandex"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__YANDEX__BASE_URL", server.url)
    monkeypatch.setenv("CHARTROPY_SOURCES__YANDEX__RETRIES", "0")
    with Workspace(workspace.folder) as opened:
        for day, titles in (("2026-06-29", "abc"), ("2026-06-30", "bca")):
            monkeypatch.setenv("CHARTROPY_NOW", day)
            server.say(YANDEX, answer(yandex(*titles), headers={"Content-Type": "application/json"}))
            collect(opened, WEEK)


def rows(workspace, *tables) -> dict[str, list[tuple]]:
    with workspace.store.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in tables
        }


def everything(workspace) -> dict[str, list[tuple]]:
    return rows(workspace, *t.metadata.sorted_tables)


def run(workspace, statement) -> None:
    with workspace.store.transaction() as connection:
        connection.execute(statement)


def lines(found) -> list[str]:
    return [line for change in found for line in change.lines]


def mend(workspace) -> list[str]:
    """Apply what would change, once; then nothing does."""
    found = reparse.changes(workspace)
    reparse.apply(workspace, found)
    assert reparse.changes(workspace) == []
    return lines(found)


# -- right after storing -----------------------------------------------------------------------------------------------

MANY_WEEKS = "week,position,artist,title\n" + "".join(
    f"2026-06-{day:02},{place},Artist {place},Song {day} {place}\n" for day in (4, 11, 18, 25) for place in (1, 2)
)
MANY_CHARTS = "chart,week,position,artist,title\n" + "".join(
    f"{chart},2026-06-{day},1,Artist,Song {chart} {day}\n" for chart in ("radio", "vk") for day in (18, 25)
)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("content", "source", "week"),
    [
        (CSV, "tophit-radio", WEEK),
        (MANY_WEEKS, "tophit-radio", None),
        (MANY_CHARTS, "tophit", None),
        (MANY_CHARTS, "tophit-radio", None),  # of a file that holds more, only what was asked for
        (MANY_WEEKS, "mine-top", None),
        (yandex("a", "b"), "yandex-chart", WEEK),
    ],
)
def test_nothing_changes_right_after_an_import(workspace, put, content, source, week):
    put(content, source, week)
    compose(workspace)
    before = everything(workspace)
    assert before["entry"]
    assert reparse.changes(workspace) == []
    reparse.apply(workspace, [])
    assert everything(workspace) == before


@pytest.mark.both_databases
def test_nothing_changes_after_a_page_was_imported(workspace, put, pages):
    put(tophit_page(pages), "tophit-radio")
    assert reparse.changes(workspace) == []


def test_nothing_changes_after_snapshots_were_averaged(workspace, snapshots):
    assert [row[0] for row in _titles(workspace)] == ["b", "a", "c"]
    assert reparse.changes(workspace) == []


def test_nothing_changes_after_a_page_was_imported_between_snapshots(workspace, snapshots, put):
    put("position,artist,title\n1,Zivert,Life\n", "yandex-chart")
    assert reparse.changes(workspace) == []
    assert _titles(workspace)[0][0] == "Life"


@pytest.mark.parametrize("first", [0, 1])
def test_nothing_changes_whichever_of_two_files_of_one_second_came_last(workspace, put, monkeypatch, first):
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-03")
    files = [f"position,artist,title\n1,A,{title}\n" for title in ("One", "Other")]
    put(files[first], "tophit-radio")
    put(files[1 - first], "tophit-radio")
    assert reparse.changes(workspace) == []
    put(files[first], "tophit-radio")  # and back to the first
    assert reparse.changes(workspace) == []
    assert _titles(workspace) == [(["One", "Other"][first],)]


def _titles(workspace) -> list[tuple]:
    with workspace.store.reading() as connection:
        query = select(ENTRY.title).where(ENTRY.source != SOURCE).order_by(ENTRY.week, ENTRY.position)
        return [tuple(row) for row in connection.execute(query)]


# -- what was damaged comes back ---------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_what_was_deleted_is_listed_then_restored(workspace, put, pages):
    put(tophit_page(pages), "tophit-radio")
    whole = rows(workspace, t.entry, t.recording)
    run(workspace, delete(t.entry).where(ENTRY.position == 2))
    damaged = everything(workspace)
    (change,) = reparse.changes(workspace)
    assert change.lines == ("+ 2. Artist 2, Баста - Song 2",)
    assert (change.added, change.changed, change.kept) == (1, 0, 0)
    assert (str(change.sheet.chart), change.sheet.period) == ("tophit-radio (ru)", Period.week(WEEK))
    assert everything(workspace) == damaged
    reparse.apply(workspace, [change])
    assert rows(workspace, t.entry, t.recording) == whole
    assert reparse.changes(workspace) == []


@pytest.mark.parametrize("column", [name for name in reparse.FIELDS if name not in ("released", "language", "plays")])
def test_a_column_that_was_emptied_is_filled_again(workspace, put, pages, column):
    put(tophit_page(pages), "tophit-radio")
    whole = rows(workspace, t.entry)
    with workspace.store.reading() as connection:
        value = connection.scalar(select(ENTRY[column]).where(ENTRY.position == 3))
    assert value, f"the page gives no {column}"
    empty = "" if column in ("artist", "title") else None
    run(workspace, update(t.entry).where(ENTRY.position == 3).values({column: empty}))
    assert mend(workspace) == [f"~ 3. {column} {empty!r} -> {value!r}"]
    assert rows(workspace, t.entry) == whole


def test_what_was_changed_by_hand_is_as_the_page_says_again(workspace, put):
    put(CSV, "tophit-radio")
    whole = rows(workspace, t.entry)
    run(workspace, update(t.entry).where(ENTRY.position == 1).values(plays=1, title="Life"))
    assert mend(workspace) == ["~ 1. title 'Life' -> 'Прованс'; plays 1 -> 900"]
    assert rows(workspace, t.entry) == whole


@pytest.mark.both_databases
def test_an_averaged_week_is_restored(workspace, snapshots):
    whole = rows(workspace, t.entry)
    run(workspace, delete(t.entry).where(ENTRY.position != 2))
    run(workspace, update(t.entry).values(plays=None))
    assert mend(workspace) == ["+ 1. Artist b - b", "~ 2. plays None -> 997", "+ 3. Artist c - c"]
    assert rows(workspace, t.entry) == whole


@pytest.mark.both_databases
def test_a_day_that_could_not_be_read_counts_once_it_can(workspace, snapshots, server, answer, monkeypatch):
    with monkeypatch.context() as patched, Workspace(workspace.folder) as opened:
        patched.setattr(yandex_music, "list_at", lambda *_: [])  # the answer has another form, so far as we know
        patched.setenv("CHARTROPY_NOW", "2026-07-01")
        server.say(YANDEX, answer(yandex(*"cab"), headers={"Content-Type": "application/json"}))
        collect(opened, WEEK)
    assert [row[1] for row in places(workspace)] == ["b", "a", "c"]
    assert mend(workspace)
    assert [row[1] for row in places(workspace)] == ["a", "b", "c"]
    with workspace.store.reading() as connection:
        assert connection.scalars(select(t.page.c.problem).distinct()).all() == [None]


def places(workspace) -> list[tuple]:
    with workspace.store.reading() as connection:
        return [tuple(row) for row in connection.execute(select(ENTRY.position, ENTRY.title).order_by(ENTRY.position))]


def test_weeks_of_a_table_are_restored_one_by_one(workspace, put):
    put(MANY_WEEKS, "tophit-radio", None)
    whole = rows(workspace, t.entry)
    run(workspace, delete(t.entry).where(ENTRY.week == "2026-06-11"))
    run(workspace, delete(t.entry).where(ENTRY.week == "2026-06-25", ENTRY.position == 2))
    found = reparse.changes(workspace)
    assert [(str(change.sheet.period), change.added) for change in found] == [
        ("week 2026-06-11", 2),
        ("week 2026-06-25", 1),
    ]
    reparse.apply(workspace, found)
    assert rows(workspace, t.entry) == whole


def test_what_two_files_hold_together_is_restored(workspace, put):
    put("position,artist,title\n1,A,One\n2,B,Two\n", "tophit-radio")
    put("position,artist,title\n3,C,Three\n", "tophit-radio")
    whole = rows(workspace, t.entry)
    run(workspace, delete(t.entry).where(ENTRY.position.in_([2, 3])))
    assert mend(workspace) == ["+ 2. B - Two", "+ 3. C - Three"]
    assert rows(workspace, t.entry) == whole


# -- never less --------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_rows_that_the_pages_no_longer_give_stay(workspace, put, pages, learned):
    put(tophit_page(pages), "tophit-radio")
    before = everything(workspace)
    learned("tophit", lambda row: row if row.position == 1 else None)
    assert reparse.changes(workspace) == []
    run(workspace, update(t.entry).where(ENTRY.position == 1).values(label=None))
    (change,) = reparse.changes(workspace)
    assert (change.added, change.changed, change.kept) == (0, 1, 2)
    assert [line[:4] for line in change.lines] == ["~ 1.", "= 2.", "= 3."]
    assert change.lines[1] == "= 2. Artist 2, Баста - Song 2: no longer in the pages, kept"
    reparse.apply(workspace, [change])
    assert everything(workspace) == before


def test_rows_that_averaging_no_longer_gives_stay(workspace, snapshots, learned):
    before = rows(workspace, t.entry, t.recording, t.spelling)
    learned("yandex", lambda row: row if row.title == "b" else None)
    run(workspace, update(t.entry).where(ENTRY.position == 1).values(plays=None))
    (change,) = reparse.changes(workspace)
    assert (change.changed, change.kept) == (1, 2)
    reparse.apply(workspace, [change])
    after = rows(workspace, t.entry, t.recording, t.spelling)
    assert _without(after, "mean_position") == _without(before, "mean_position")


def _without(found: dict[str, list[tuple]], column: str) -> dict[str, list[tuple]]:
    index = [c.name for c in t.entry.columns].index(column)
    return found | {"entry": [row[:index] + row[index + 1 :] for row in found["entry"]]}


def test_no_field_is_emptied(workspace, put, pages, learned):
    put(tophit_page(pages), "tophit-radio")
    before = rows(workspace, t.entry)
    emptied = {
        "isrc": "",
        "track_id": "",
        "genres": (),
        "label": "",
        "language": "",
        "artists_intl": (),
        "title_intl": "",
    }
    learned("tophit", lambda row: replace(row, **emptied))
    assert reparse.changes(workspace) == []
    learned("tophit", lambda row: replace(row, **emptied, plays=5))
    assert mend(workspace) == [f"~ {n}. plays None -> 5" for n in (1, 2, 3)]
    column = [c.name for c in t.entry.columns].index("plays")
    after = rows(workspace, t.entry)["entry"]
    assert [(*row[:column], None, *row[column + 1 :]) for row in after] == before["entry"]


# -- more --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "value", "shown"), [("label", "Мелодия", "'Мелодия'"), ("plays", 12, "12")])
def test_a_parser_that_learned_more_changes_just_that(workspace, put, pages, learned, field, value, shown):
    put(pages.page([pages.table_row(1, "One"), pages.table_row(2, "Two")], address=pages.address()), "tophit-radio")
    before = rows(workspace, t.entry)["entry"]
    learned("tophit", lambda row: replace(row, **{field: value}) if row.position == 2 else row)
    assert mend(workspace) == [f"~ 2. {field} None -> {shown}"]
    column = [c.name for c in t.entry.columns].index(field)
    first, second = before
    assert rows(workspace, t.entry)["entry"] == [first, (*second[:column], value, *second[column + 1 :])]


def test_a_parser_that_learned_to_read_another_title_takes_nothing_over_from_the_wrong_one(
    workspace, put, pages, learned
):
    put(pages.page([pages.table_row(1, "One", rights="L")], address=pages.address()), "tophit-radio")
    learned("tophit", lambda row: replace(row, title="Two", label=""))
    assert mend(workspace) == ["~ 1. title 'One' -> 'Two'; label 'L' -> None"]


@pytest.fixture
def unreadable_first(workspace, server, answer, pages, forgotten, monkeypatch):
    """A page of TopHit that came as one that nobody could read, and is readable now."""
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__BASE_URL", server.url)
    monkeypatch.setenv("CHARTROPY_COLLECT", '["tophit"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__CHARTS", '["radio"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__EXPECTED_ROWS", "3")
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__RETRIES", "0")
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-04")
    server.say(pages.address(), answer(tophit_page(pages), headers={"Content-Type": "text/html"}))
    readable = collecting.SOURCES["tophit"]
    forgotten("tophit")
    with Workspace(workspace.folder) as opened:
        (outcome,) = collect(opened, WEEK)
    assert "another form" in outcome.gap
    return lambda: monkeypatch.setitem(collecting.SOURCES, "tophit", readable)


def test_a_page_that_is_readable_now_gives_its_chart(workspace, unreadable_first, caplog):
    assert reparse.changes(workspace) == []
    assert not caplog.records  # that it cannot be read is known
    assert rows(workspace, t.gap)["gap"]
    unreadable_first()
    assert [line[:4] for line in mend(workspace)] == ["+ 1.", "+ 2.", "+ 3."]
    with workspace.store.reading() as connection:
        assert connection.scalars(select(t.page.c.problem)).all() == [None]
        assert connection.scalars(select(t.gap.c.reason).where(t.gap.c.source == "tophit")).all() == [
            "3 of 100 positions"
        ]
    assert _titles(workspace) == [("Song 1",), ("Song 2",), ("Song 3",)]


def test_a_page_that_is_readable_now_is_over_an_older_one(workspace, put, unreadable_first):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARTROPY_NOW", "2026-07-03")
        put(CSV, "tophit-radio")
    assert reparse.changes(workspace) == []
    unreadable_first()
    assert len(mend(workspace)) == 3
    assert _titles(workspace) == [("Song 1",), ("Song 2",), ("Song 3",)]


def test_a_page_that_is_readable_now_is_not_over_a_newer_one(workspace, put, unreadable_first, monkeypatch):
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-05")
    put(CSV, "tophit-radio")
    unreadable_first()
    assert reparse.changes(workspace) == []


@pytest.mark.parametrize(
    "address", ["/chart/top/vk/hits/ru/weekly/20260626-20260702", "/chart/top/radio/hits/ru/weekly/20260619-20260625"]
)
def test_an_answer_to_another_question_stays_none(workspace, pages, address):
    chart = Chart("tophit", "radio", "ru")
    body = pages.page([pages.table_row(1)], address=address)
    with workspace.store.transaction() as connection:
        store_page(workspace, connection, chart, Period.week(WEEK), body, "live page", problem="asked for another")
    assert reparse.changes(workspace) == []


def test_an_answer_in_the_publishers_own_weeks_is_one(workspace, pages):
    """A week that ends on another day than ours lies in the one of ours that was asked for."""
    body = pages.page([pages.table_row(1)], address=pages.address(span="20260622-20260628"))
    with workspace.store.transaction() as connection:
        chart = Chart("tophit", "radio", "ru")
        store_page(workspace, connection, chart, Period.week(WEEK), body, "live page", problem="once unread")
    assert mend(workspace) == ["+ 1. Zivert - Life"]
    with workspace.store.reading() as connection:
        assert connection.execute(select(ENTRY.week, ENTRY.period_end)).all() == [("2026-07-02", "2026-06-28")]


# -- less --------------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_page_that_cannot_be_read_any_more_is_passed_over(workspace, put, pages, forgotten, caplog):
    put(tophit_page(pages), "tophit-radio")
    put(CSV, "mine-top")
    compose(workspace)
    before = rows(workspace, t.entry)
    run(workspace, delete(t.entry).where(ENTRY.source == "mine", ENTRY.position == 1))
    forgotten("tophit")
    with caplog.at_level(logging.WARNING):
        assert mend(workspace) == ["+ 1. Ёлка - Прованс"]
    assert "of tophit cannot be read any more, what it gave stays: tophit: it has another form." in caplog.text
    assert rows(workspace, t.entry) == before


def test_a_snapshot_that_cannot_be_read_any_more_leaves_its_week_as_it_is(workspace, snapshots, put, forgotten, caplog):
    put(CSV, "mine-top")
    compose(workspace)
    before = rows(workspace, t.entry)
    run(workspace, delete(t.entry).where(ENTRY.source == "mine", ENTRY.position == 1))
    forgotten("yandex")
    with caplog.at_level(logging.WARNING):
        assert mend(workspace) == ["+ 1. Ёлка - Прованс"]
    assert "yandex-chart (ru), week 2026-07-02: a snapshot cannot be read any more" in caplog.text
    assert rows(workspace, t.entry) == before


# -- what is no chart of a platform ------------------------------------------------------------------------------------


def test_claims_and_composites_are_not_read(workspace, put, caplog):
    put(CSV, "tophit-radio")
    put(CSV, "mine-top")
    compose(workspace)
    with workspace.store.transaction() as connection:
        for source in ("yandex", "registry"):
            store_page(workspace, connection, Chart(source, CLAIMS, ""), None, CSV.encode(), "list.csv")
    before = everything(workspace)
    caplog.clear()  # the import named the country that it took
    assert reparse.changes(workspace) == []
    run(workspace, delete(t.entry).where(ENTRY.source == SOURCE))
    assert reparse.changes(workspace) == []
    assert not caplog.records
    assert rows(workspace, t.page)["page"] == before["page"]


def test_the_composite_is_made_anew(workspace, put):
    put(CSV, "tophit-radio")
    put(CSV, "mine-top")
    run(workspace, delete(t.entry).where(ENTRY.position == 1))
    compose(workspace)
    assert _composite(workspace) == ["Life", "Капкан"]
    mend(workspace)
    assert _composite(workspace) == ["Прованс", "Life", "Капкан"]


def _composite(workspace) -> list[str]:
    with workspace.store.reading() as connection:
        return list(connection.scalars(select(ENTRY.title).where(ENTRY.source == SOURCE).order_by(ENTRY.position)))


# -- by the command line -----------------------------------------------------------------------------------------------


def test_the_command_shows_first_and_stores_when_told(workspace, put):
    def said(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["reparse", "--workspace", str(workspace.folder), *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    put(CSV, "tophit-radio")
    compose(workspace)
    whole = rows(workspace, t.entry)
    assert said() == "Reading the kept pages anew changes nothing.\n"
    run(workspace, delete(t.entry).where(ENTRY.position == 1))
    run(workspace, update(t.entry).where(ENTRY.position == 3).values(label=None))
    damaged = everything(workspace)
    diff = (
        "tophit-radio (ru), week 2026-07-02: 1 added, 1 changed, 0 kept from before\n"
        "  + 1. Ёлка - Прованс\n"
        "  ~ 3. label None -> 'Gazgolder'\n"
    )
    assert said() == f"{diff}Nothing is stored yet: run again with --apply.\n"
    assert everything(workspace) == damaged
    assert said("--apply") == diff
    assert rows(workspace, t.entry) == whole
    assert said("--apply") == "Reading the kept pages anew changes nothing.\n"


@pytest.mark.both_databases
def test_a_track_that_was_read_at_a_wrong_position_moves_and_is_not_doubled(workspace, put):
    put(CSV, "tophit-radio")
    whole = rows(workspace, t.entry)
    run(workspace, update(t.entry).where(ENTRY.position == 2).values(position=77))
    said = mend(workspace)
    assert [line[:5] for line in said] == ["+ 2. ", "- 77."]
    assert rows(workspace, t.entry) == whole


@pytest.mark.both_databases
def test_a_damaged_page_is_passed_over_with_a_warning(workspace, snapshots, caplog):
    whole = rows(workspace, t.entry)
    run(workspace, update(t.page).where(t.page.c.taken_on == "2026-06-29").values(body=b"\0"))
    assert reparse.changes(workspace) == []
    assert "the page that was kept is damaged" in caplog.text
    assert rows(workspace, t.entry) == whole
