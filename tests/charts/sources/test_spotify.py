"""A CSV downloaded from Spotify, now or years ago, is the chart that its name says."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartropy.charts.importing import import_file
from chartropy.charts.periods import Period
from chartropy.charts.sources.spotify import SOURCE, parse
from chartropy.workspace.errors import ImportFileError, PageError

NOW = "rank,uri,artist_names,track_name,source,peak_rank,previous_rank,weeks_on_chart,streams"
THEN = 'Position,"Track Name",Artist,Streams,URL'
NOTE = ',,,"Note that these are figures of a test.",'
ONE, TWO = "4cOdK2wGLETKBW3PvgPWqT", "7ouMYWpwJ422jRcDASZB7P"
WEEK = Period.week(date(2026, 7, 2))
NAME = "regional-kz-weekly-2026-07-02.csv"


def now(*lines: str, end: str = "\n") -> bytes:
    return ("\ufeff" + "\n".join([NOW, *lines]) + end).encode()


def then(*lines: str) -> bytes:
    return "\n".join([NOTE, THEN, *lines]).encode()


FIRST = f'1,spotify:track:{ONE},"Zivert, NILETTO","Life, and so on","Label / Two",1,2,9,"1989059"'
SECOND = f'2,spotify:track:{TWO},Цой,"Кукушка ""live""",Label,1,-1,1,12'


# -- what is read ------------------------------------------------------------------------------------------------------


def test_the_file_as_it_is_now():
    (page,) = parse(now(FIRST, SECOND), NAME)
    assert (page.chart, page.country, page.period, page.taken) == ("regional", "kz", WEEK, None)
    assert (page.faults, page.broken) == ((), "")
    first, second = page.rows
    assert (first.position, first.artists, first.title) == (1, ("Zivert, NILETTO",), "Life, and so on")
    assert (first.label, first.plays, first.track_id) == ("Label / Two", 1_989_059, ONE)
    assert first.link == f"https://open.spotify.com/track/{ONE}"
    assert (second.artists, second.title, second.plays) == (("Цой",), 'Кукушка "live"', 12)


def test_a_daily_file_says_days_on_chart():
    told = now(FIRST).replace(b"weeks_on_chart", b"days_on_chart")
    (page,) = parse(told, "regional-global-daily-2026-06-29.csv")
    day = date(2026, 6, 29)
    assert (page.country, page.period) == ("global", Period(day, day, "daily"))
    assert len(page.rows) == 1


def test_the_file_as_it_was_until_2021():
    told = then(
        f'1,"Life, and so on",Zivert,439507,https://open.spotify.com/track/{ONE}',
        f"2,SAD!,Цой,12,https://open.spotify.com/track/{TWO}",
    )
    (page,) = parse(told, "regional-ru-weekly-2021-01-01--2021-01-08.csv")
    assert (page.chart, page.country, page.period) == ("regional", "ru", Period.week(date(2021, 1, 7)))
    first, second = page.rows
    assert (first.position, first.artists, first.title) == (1, ("Zivert",), "Life, and so on")
    assert (first.plays, first.track_id, first.label) == (439_507, ONE, "")
    assert (second.artists, second.title, page.broken) == (("Цой",), "SAD!", "")


def test_without_the_note_and_in_any_order_of_columns():
    told = f"streams,track_name,artist_names,uri,rank\n7,Life,Zivert,spotify:track:{ONE},3\n".encode()
    (row,) = parse(told, "x.csv")[0].rows
    assert (row.position, row.artists, row.title, row.plays) == (3, ("Zivert",), "Life", 7)


@pytest.mark.parametrize(
    ("name", "chart", "country", "period"),
    [
        ("regional-kz-weekly-2026-07-02 (1).csv", "regional", "kz", WEEK),
        ("Regional-KZ-Weekly-2026-07-02.CSV", "regional", "kz", WEEK),
        ("/tmp/charts/regional-global-weekly-2026-07-02.csv", "regional", "global", WEEK),
        ("viral-kz-daily-2026-07-01.csv", "viral", "kz", Period(date(2026, 7, 1), date(2026, 7, 1), "daily")),
        ("my chart.csv", "", "", None),
        ("regional-kz-weekly-latest.csv", "", "", None),
        ("", "", "", None),
    ],
)
def test_the_name_of_the_file_says_what_it_is_or_nothing(name, chart, country, period):
    (page,) = parse(now(FIRST), name)
    assert (page.chart, page.country, page.period) == (chart, country, period)


def test_single_bad_rows_are_told_and_the_rest_is_kept():
    lines = [
        FIRST,
        "rubbish",
        SECOND.replace("2,", "x,", 1),
        SECOND.replace("2,", "3,", 1).replace("Цой", ""),
        SECOND.replace("2,", "4,", 1),
        FIRST.replace("1,", "4,", 1),
        SECOND.replace("2,", "6,", 1),
    ]
    (page,) = parse(now(*lines), NAME)
    assert [row.position for row in page.rows] == [1, 4, 6]
    assert len(page.faults) == 4
    for said in ("'rubbish'", "'x,spotify", "position 3: no artist", "position 4 stands twice"):
        assert any(said in fault for fault in page.faults), said
    assert page.broken == ""


@pytest.mark.parametrize("last", ["2", "2,spotify:track:7ouMY", f"2,spotify:track:{TWO},Zivert,Li"])
def test_a_file_that_ends_in_the_middle_of_a_row_is_broken(last):
    (page,) = parse(now(FIRST, last, end=""), NAME)
    assert [row.position for row in page.rows] == [1]
    assert last in page.broken
    assert page.faults == ()


def test_the_old_file_that_ends_in_its_last_address_is_broken():
    whole = then(f"1,A,B,7,https://open.spotify.com/track/{ONE}", f"2,C,D,6,https://open.spotify.com/track/{TWO}")
    assert [len(parse(whole[:end])[0].rows) for end in (len(whole), len(whole) - 1)] == [2, 1]


# -- how it comes in ---------------------------------------------------------------------------------------------------


def test_it_is_never_fetched():
    assert SOURCE.fetch is None
    assert SOURCE.platform("regional") == "spotify"


def test_a_file_is_imported_into_the_week_its_name_says(workspace, tmp_path):
    file = tmp_path / NAME
    file.write_bytes(now(FIRST, SECOND))
    with workspace.writing():
        (outcome,) = import_file(workspace, file, "spotify-regional")
    assert (outcome.chart.chart, outcome.chart.country, outcome.period, outcome.rows) == ("regional", "kz", WEEK, 2)


def test_a_file_that_was_renamed_asks_for_its_week(workspace, tmp_path):
    file = tmp_path / "chart.csv"
    file.write_bytes(now(FIRST, SECOND))
    with workspace.writing():
        with pytest.raises(ImportFileError, match="--week"):
            import_file(workspace, file, "spotify-regional")
        (outcome,) = import_file(workspace, file, "spotify-regional", week=date(2026, 7, 1))
    assert (outcome.period, outcome.rows) == (WEEK, 2)


# -- what is refused ---------------------------------------------------------------------------------------------------

ORIGIN = NAME
SAMPLES = (
    now(FIRST, SECOND),
    then(f"1,A,B,7,https://open.spotify.com/track/{ONE}", f"2,C,Цой,6,https://open.spotify.com/track/{TWO}"),
)
NO_CHART = (
    (b"", "no columns rank"),
    (b"<!doctype html><title>Log in</title>", "a web page instead of a CSV.*log in to charts.spotify.com"),
    (b'{"entries": []}', "no columns rank"),
    (b"rank,artist_name,streams\n1,Zivert,7\n", "no columns rank"),
    (now(), "holds no rows, only the names of columns"),
    (now(FIRST)[:150], "cut off"),
    (now(FIRST, SECOND.partition("live")[0], end=""), "cut off"),
    (now(f'1,spotify:track:{ONE},"A" B,C,D,1,1,1,1'), "line 2 cannot be read as CSV"),
    (now(SECOND.replace("Цой", "")), "holds no rows"),
    (now(SECOND).decode("utf-8-sig").encode("cp1251"), "no text in UTF-8"),
)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("regional-kz-weekly-2026-07-03.csv", "ends on 2026-07-03, a Friday; Spotify's end on Thursdays"),
        ("regional-kz-weekly-2026-02-31.csv", "names no weekly period"),
        ("regional-kz-weekly-2018-07-06--2018-07-14.csv", "names no weekly period"),
        ("regional-kz-daily-2018-07-06--2018-07-13.csv", "names no daily period"),
        ("regional-kz-weekly-0001-01-01.csv", "names no weekly period"),
    ],
)
def test_refuses_a_name_that_contradicts_itself(name, why):
    with pytest.raises(PageError, match=f"{why}.*--week"):
        parse(now(FIRST), name)


@given(st.lists(st.text(max_size=40), max_size=5), st.text(max_size=40))
def test_whatever_a_line_and_the_name_hold_it_is_a_chart_or_a_page_error(lines, name):
    with contextlib.suppress(PageError):
        assert parse(now(FIRST, *lines, SECOND), name)[0].rows
