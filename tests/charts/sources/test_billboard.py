"""A Billboard chart, live, saved or as the library writes it, is the one of the week that was asked for, or an error."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import date
from html import escape

import pytest

from chartropy.charts.periods import Period
from chartropy.charts.source import Asked
from chartropy.charts.sources.billboard import chart_date, fetch, parse
from chartropy.workspace.errors import PageError

FIXTURES = (
    "billboard/1979-08-04-hot-100.json",
    "billboard/2006-08-05-traditional-jazz-albums.json",
    "billboard/2014-08-02-artist-100.json",
)
HOT_100 = ("hot100/hot100_1970s.csv.gz", "hot100/hot100_1950s.csv.gz")
WEEK = Period.week(date(2026, 7, 9))  # the Saturday in it is the fourth
ASKED = Asked("hot-100", "us", WEEK)
PATH = "/charts/hot-100/2026-07-04"


def line(rank: object, title: str = "Life", artist: str = "Zivert") -> str:
    """A row as the pages have them: the artist's class begins on a new line, numbers of other weeks follow."""
    who = f'<span class="\n c-label a-no-trucate\n"><a href="/artist/x/">{escape(artist)}</a></span>' if artist else ""
    return f"""
<div class="o-chart-results-list-row-container"><ul class="o-chart-results-list-row // lrv-a-unstyle-list">
 <li><span class="c-label a-font-basic">\n {rank}\n</span><span class="c-label">NEW</span></li>
 <li><img src="x.jpg"></li><li></li>
 <li><ul><li><h3 id="title-of-a-story" class="c-title">\n {escape(title)}\n</h3>{who}</li>
 <li><span class="c-label">17</span></li><li><span class="c-label">3</span></li></ul></li>
</ul></div>"""


def body(*lines: str, day: str = "2026-07-04", chart: str = "hot-100", more: str = "") -> bytes:
    picker = f'<div id="chart-date-picker" data-date="{day}"></div>' if day else ""
    return (
        f'<html><head><link rel="canonical" href="https://www.billboard.com/charts/{chart}/"/></head>'
        f"<body>{more}{picker}{''.join(lines)}</body></html>"
    ).encode()


# -- what is read ------------------------------------------------------------------------------------------------------


def test_the_librarys_own_chart_as_a_file(shared):
    (page,) = parse((shared / "fixtures" / FIXTURES[0]).read_bytes(), "saved.json")
    assert (page.chart, page.country) == ("hot-100", "us")
    assert (page.period, page.taken) == (Period(date(1979, 8, 4), date(1979, 7, 29), "weekly"), None)
    assert (len(page.rows), page.faults, page.broken) == (100, (), "")
    first, last = page.rows[0], page.rows[-1]
    assert (first.position, first.artists, first.title) == (1, ("Donna Summer",), "Bad Girls")
    assert (last.position, last.artists, last.title) == (100, ("Dolly Parton",), "You're The Only One")


def test_the_same_chart_stands_in_a_public_archive(shared):
    (page,) = parse((shared / "fixtures" / FIXTURES[0]).read_bytes())
    with gzip.open(shared / "data" / HOT_100[0], "rt", encoding="utf-8", newline="") as file:
        archived = {int(row["this_week"]): row for row in csv.DictReader(file) if row["date"] == "1979-08-04"}
    assert len(archived) == 100
    same = [row.position for row in page.rows if archived[row.position]["song"].casefold() == row.title.casefold()]
    assert len(same) >= 95  # the archive spells a few otherwise


def test_a_bare_list_of_entries_says_no_week():
    told = json.dumps([{"rank": 2, "title": "Fly", "artist": "B"}, {"rank": 1, "title": "Life", "artist": "A"}])
    (page,) = parse(told.encode())
    assert [(row.position, row.artists, row.title) for row in page.rows] == [(1, ("A",), "Life"), (2, ("B",), "Fly")]
    assert (page.chart, page.country, page.period) == ("", "", None)


def test_a_page():
    (page,) = parse(body(line(1), line(2, "Tom & <b>", 'A "B" & C')), "saved.html")
    assert (page.chart, page.country, page.period) == ("hot-100", "us", Period.week(date(2026, 7, 4)))
    assert (page.faults, page.broken) == ((), "")
    assert [(row.position, row.artists, row.title) for row in page.rows] == [
        (1, ("Zivert",), "Life"),
        (2, ('A "B" & C',), "Tom & <b>"),
    ]


@pytest.mark.parametrize(
    ("told", "end"),
    [
        (body(line(1), day="", more="<p>Week of July 4, 2026</p>"), date(2026, 7, 4)),
        (body(line(1), day="", more="<p>Week of Juli 4, 2026</p>"), None),
        (body(line(1), day="", more="<p>Week of July 44, 2026</p>"), None),
        (body(line(1), day="", chart="hot-100/2026-07-04"), date(2026, 7, 4)),
        (body(line(1), day="2026-07-11", chart="hot-100/2026-07-04"), date(2026, 7, 11)),
        (body(line(1), day="soon"), None),
        (body(line(1), day="0001-01-02"), None),
    ],
)
def test_the_date_stands_in_several_places(told, end):
    (page,) = parse(told, "https://www.billboard.com/charts/hot-100/2020-01-04")
    assert page.period == (end and Period.week(end))


def test_a_chart_of_the_world_is_of_no_country():
    assert parse(body(line(1), chart="billboard-global-200"))[0].country == "global"
    assert parse(body(line(1), chart="japan-hot-100"))[0].country == ""
    told = body(line(1)).replace(b"canonical", b"other")
    assert parse(told, "https://www.billboard.com/charts/radio-songs/2026-07-04")[0].chart == "radio-songs"
    assert parse(told, "saved.html")[0].chart == ""


def test_single_bad_rows_are_told_and_the_rest_is_kept():
    lines = [line(1), line("-"), line(3, artist=""), line(4, title=""), line(5), line(5, "Fly")]
    (page,) = parse(body(*lines))
    assert [row.position for row in page.rows] == [1, 5]
    assert len(page.faults) == 4
    for said in ("without a rank: '- NEW", "position 3: no artist", "position 4: no title", "position 5 stands twice"):
        assert any(said in fault for fault in page.faults), (said, page.faults)


def test_a_page_that_ends_in_the_middle_is_broken_and_gives_no_half_names():
    whole = body(line(1), line(2, "Life", "Zivert & Somebody"))
    cut = whole[: whole.rindex(b" &amp; Somebody")]
    (page,) = parse(cut)
    assert ([row.position for row in page.rows], page.broken) == ([1], "the page ends in the middle")
    (page,) = parse(whole[:-10])
    assert ([row.position for row in page.rows], page.broken) == ([1, 2], "the page ends in the middle")


# -- how it is asked ---------------------------------------------------------------------------------------------------


def test_the_date_of_a_chart_is_the_saturday_in_the_week(shared):
    assert chart_date(WEEK) == date(2026, 7, 4)
    assert chart_date(Period.week(date(2026, 7, 4))) == date(2026, 7, 4)
    assert chart_date(Period.week(date(1962, 1, 4))) == date(1962, 1, 1)
    known = set()
    for name in HOT_100:
        with gzip.open(shared / "data" / name, "rt", encoding="utf-8", newline="") as file:
            known |= {date.fromisoformat(row["date"]) for row in csv.DictReader(file)}
    assert len(known) > 500
    for day in known:
        assert chart_date(Period.holding(day, "weekly")) == day


def test_one_request_for_one_chart(client, server, answer):
    server.say(PATH, answer(body(line(1)), headers={"Content-Type": "text/html"}))
    told = fetch(client, ASKED)
    (page,) = parse(told.body, told.url)
    assert (page.chart, page.country, page.period) == ("hot-100", "us", Period.week(date(2026, 7, 4)))
    assert server.paths == ["/robots.txt", PATH]


def test_the_recorded_chart_comes_through_a_request(client, server, answer, shared):
    recorded = parse((shared / "fixtures" / FIXTURES[0]).read_bytes())[0]
    lines = [line(row.position, row.title, *row.artists) for row in recorded.rows]
    server.say("/charts/hot-100/1979-08-04", answer(body(*lines, day="1979-08-04")))
    told = fetch(client, Asked("hot-100", "us", Period.week(date(1979, 8, 9))))
    assert parse(told.body, told.url)[0] == recorded


# -- what is refused ---------------------------------------------------------------------------------------------------

ORIGIN = "https://www.billboard.com/charts/hot-100/2026-07-04"
SAMPLES = (
    body(line(1), line(2, "Кукушка", "Цой"), more="<p>Week of July 4, 2026</p>"),
    json.dumps(
        {
            "name": "hot-100",
            "date": "2026-07-04",
            "entries": [{"rank": 1, "title": "Life", "artist": "Zivert"}, {"rank": 2, "title": "Fly", "artist": "Цой"}],
        }
    ).encode(),
)
NO_SONGS = ("billboard-200", "artist-100", "top-album-sales", "traditional-jazz-albums")
UNKNOWN = tuple((Asked(chart, "us", WEEK), "albums or people, not songs") for chart in NO_SONGS)
NO_CHART = (
    (b"", "holds no rows"),
    (b"<html><body>Sorry</body></html>", "holds no rows"),
    (b"{", "no whole JSON"),
    (b"{}", "no list of entries"),
    (b"[]", "holds no rows"),
    (b'{"entries": []}', "holds no rows"),
    (b'{"entries": 5}', "no list of entries"),
    (b'[1, "2"]', "no list of entries"),
    (b'[{"rank": 1, "title": "", "artist": "A"}]', "ranks no songs"),
    (body(line(1, "The Artist", "")), "ranks no songs"),
    (body(line(1))[:200], "holds no rows"),
    (b"rank,artist,title\n1,A,B", "holds no rows"),
)


def test_a_whole_page_may_speak_of_a_challenge():
    assert parse(body(line(1), more="<script src='captcha.js'></script>"))[0].rows


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (body(line(1), day="2026-07-11"), "asked for hot-100 of 2026-07-04, the page is of 2026-07-11"),
        (body(line(1), day="2026-06-27"), "asked for hot-100 of 2026-07-04, the page is of 2026-06-27"),
        (body(line(1), day=""), "asked for hot-100 of 2026-07-04, the page does not say of which date"),
        (body(line(1), chart="radio-songs"), "the page says it is radio-songs"),
        (body(), "the hot-100 holds no rows"),
    ],
)
def test_refuses_another_chart_than_was_asked_for_and_an_empty_one(client, server, answer, told, why):
    server.say(PATH, answer(told))
    with pytest.raises(PageError, match=why) as error:
        fetch(client, ASKED)
    assert error.value.body == told


@pytest.mark.parametrize("chart", NO_SONGS)
def test_refuses_charts_of_albums_and_of_people(chart):
    with pytest.raises(PageError, match="albums or people, not songs"):
        parse(body(line(1), chart=chart))


@pytest.mark.parametrize("name", FIXTURES[1:])
def test_refuses_recorded_charts_that_rank_no_songs(shared, name):
    told = (shared / "fixtures" / name).read_bytes()
    with pytest.raises(PageError, match="albums or people, not songs") as error:
        parse(told, name)
    assert error.value.body == told
    with pytest.raises(PageError):
        parse(told[: len(told) // 2], name)
