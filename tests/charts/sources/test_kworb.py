"""A page of kworb.net gives the chart, country and day that it names, or says what it is instead."""

from __future__ import annotations

from datetime import date
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartropy.charts.periods import Period
from chartropy.charts.source import Asked
from chartropy.charts.sources.kworb import PATHS, SOURCE, fetch, parse
from chartropy.workspace.errors import PageError

FIXTURES = ("kworb/SYNTHETIC_vn_daily.html",)
WEEK = Period.week(date(2026, 7, 2))
ASKED = Asked("spotify-weekly", "kz")
PATH = "/spotify/country/kz_weekly.html"
TRACK = "4cOdK2wGLETKBW3PvgPWqT"


def cell(artist: str = "Zivert", title: str = "Life", track: str = TRACK, guests: str = "") -> str:
    return (
        f'<div><a href="../artist/1.html">{escape(artist)}</a> - '
        f'<a href="../track/{track}.html">{escape(title)}</a>{guests}</div>'
    )


def line(position: object, names: str | None = None, plays: str = "1,234") -> str:
    names = cell() if names is None else names
    return (
        f'<tr><td>{position}</td><td>=</td><td class="text mp">{names}</td><td>7</td><td>{plays}</td><td>+9</td></tr>'
    )


def body(
    *lines: str, table: str = "spotifyweekly", title: str = "Spotify Weekly Chart - Kazakhstan - 2026/07/02",
    heads: str = "Pos|P+|Artist and Title|Wks|Streams|Streams+",
) -> bytes:  # fmt: skip
    head = "".join(f"<th>{name}</th>" for name in heads.split("|"))
    return (
        f'<html><body><span class="pagetitle">{title}</span>'
        f'<table id="{table}"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></body></html>'
    ).encode()


# -- what is read ------------------------------------------------------------------------------------------------------


def test_a_daily_chart_of_spotify_is_a_snapshot_of_its_day(shared):
    (page,) = parse((shared / "fixtures" / FIXTURES[0]).read_bytes(), "saved.html")
    assert (page.chart, page.country) == ("spotify-daily", "vn")
    assert (page.period, page.taken) == (None, date(2026, 7, 29))
    assert (len(page.rows), page.faults, page.broken) == (50, (), "")
    first, last, odd = page.rows[0], page.rows[-1], page.rows[47]
    assert (first.position, first.artists, first.title, first.plays) == (1, ("Hngle", "Bảo Anh"), "Tìm Em", 247_407)
    assert (first.track_id, first.link) == ("0" * 22, f"https://open.spotify.com/track/{'0' * 22}")
    assert (last.position, last.artists, last.title, last.plays) == (50, ("Madihu", "Low G"), "Có Em", 47_227)
    assert (odd.artists, odd.title) == (('TINH HÀ "SAY HI"', "HURRYKNG, CONGB, JSOL, VƯƠNG BÌNH"), "XOAY VÒNG")


def test_a_weekly_chart_covers_the_week_that_ends_on_its_date():
    (page,) = parse(body(line(1)))
    assert (page.chart, page.country, page.period, page.taken) == ("spotify-weekly", "kz", WEEK, None)
    (row,) = page.rows
    assert (row.artists, row.title, row.plays, row.track_id) == (("Zivert",), "Life", 1234, TRACK)


def test_of_two_dates_the_last_one_ends_the_week():
    assert parse(body(line(1), title="Spotify Weekly Chart - Kazakhstan - 2026/06/26 - 2026/07/02"))[0].period == WEEK


def test_youtube_is_weekly_and_has_names_without_links():
    title = "YouTube Brazil - Week ending 2026/07/02"
    names = "MC One, Two - Song - Part 2"
    (page,) = parse(body(line(1, names), line(2, "Only a name"), table="weeklytable", title=title))
    assert (page.chart, page.country, page.period) == ("youtube", "br", WEEK)
    (row,) = page.rows
    assert (row.artists, row.title, row.plays, row.track_id) == (("MC One, Two",), "Song - Part 2", 1234, "")
    assert page.faults == ("position 2: no title; left out",)


def test_a_video_is_linked():
    names = '<div><a href="../video/dQw4w9WgXcQ.html">Zivert - Life</a></div>'
    (row,) = parse(body(line(1, names), table="weeklytable"))[0].rows
    assert (row.artists, row.title, row.track_id) == (("Zivert",), "Life", "dQw4w9WgXcQ")
    assert row.link == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


@pytest.mark.parametrize("chart", ["deezer", "shazam"])
def test_a_simple_table_is_named_in_its_title_or_its_address(chart):
    told = body(line(1), table="simpletable", title=f"{chart.title()} Songs Chart", heads="Pos|P+|Artist and Title")
    (page,) = parse(told, f"https://kworb.net/charts/{chart}/uk.html")
    assert (page.chart, page.country, page.period, page.taken) == (chart, "gb", None, None)
    assert page.rows[0].plays is None
    told = body(line(1), table="simpletable", title="Songs | 2026/07/03", heads="Pos|P+|Artist and Title")
    (page,) = parse(told, f"https://kworb.net/charts/{chart}/ww.html")
    assert (page.chart, page.country, page.taken) == (chart, "global", date(2026, 7, 3))
    assert parse(told, "saved.html")[0].chart == ""


@pytest.mark.parametrize(
    ("title", "origin", "country"),
    [
        ("Spotify Weekly Chart - United Kingdom - 2026/07/02", "x.html", "gb"),
        ("Spotify Weekly Chart - Global - 2026/07/02", "x.html", "global"),
        ("Spotify Weekly Chart - Atlantis - 2026/07/02", "x.html", ""),
        ("Spotify Weekly Chart - Atlantis - 2026/07/02", "vn_weekly.html", "vn"),
        ("Spotify Weekly Chart - Atlantis - 2026/07/02", "https://kworb.net/spotify/country/gb_weekly.html", "gb"),
        ('Chart <a href="vn_weekly_totals.html">Totals</a>', "https://kworb.net/spotify/country/gb_weekly.html", "vn"),
    ],
)
def test_the_country_by_its_link_its_address_or_its_name(title, origin, country):
    assert parse(body(line(1), title=title), origin)[0].country == country


@pytest.mark.parametrize(
    ("names", "artists", "title"),
    [
        (cell("A - B", "C - D"), ("A - B",), "C - D"),
        (cell(title="Life (w/ One, Two)"), ("Zivert", "One, Two"), "Life"),
        (cell(title="(w/ One)"), ("Zivert",), "(w/ One)"),
        (cell(guests=' (w/ <a href="../artist/2.html">One</a>, <a href="../artist/3.html">Two</a>)'),
         ("Zivert", "One", "Two"), "Life"),
        (cell(title="Life (Remix) (w/ One)"), ("Zivert", "One"), "Life (Remix)"),
        ("A - B - C", ("A",), "B - C"),
        ("A-B - C", ("A-B",), "C"),
        ("Aе\u0308 - B", ("Aё",), "B"),
        (f'<a href="https://kworb.net/spotify/artist/1.html">A</a> - '
         f'<a href="https://kworb.net/spotify/track/{TRACK}.html">B</a>', ("A",), "B"),
    ],
)  # fmt: skip
def test_artist_and_title(names, artists, title):
    (row,) = parse(body(line(1, names)))[0].rows
    assert (row.artists, row.title) == (artists, title)


def test_columns_are_found_by_their_heads():
    told = body('<tr><td>1</td><td>99</td><td>A - B</td></tr>', heads="Pos|Streams|Artist and Title")  # fmt: skip
    (row,) = parse(told)[0].rows
    assert (row.plays, row.artists) == (99, ("A",))


def test_a_page_is_utf_8_whatever_it_says():
    told = body(line(1, cell("Цой", "Кукушка"))).replace(b"<html>", b'<html><meta charset="windows-1251">')
    assert parse(told)[0].rows[0].artists == ("Цой",)


def test_single_bad_rows_are_told_and_the_rest_is_kept():
    lines = [line(1), line("x"), "<tr><td>3</td></tr>", line(4, cell(artist="")), line(5), line(5, cell("B", "C"))]
    (page,) = parse(body(*lines))
    assert [row.position for row in page.rows] == [1, 5]
    assert len(page.faults) == 4
    for said in ("'x =", "'3'", "position 4", "position 5 stands twice"):
        assert any(said in fault for fault in page.faults), (said, page.faults)


def test_a_page_that_ends_in_the_middle_is_broken():
    whole = body(line(1), line(2))
    assert parse(whole)[0].broken == ""
    (page,) = parse(whole[:-20])
    assert page.broken == "the page ends in the middle"
    assert page.rows[0] == parse(whole)[0].rows[0]
    in_a_letter = body(line(1), line(2, cell("Цой"))).partition("ой".encode())[0] + "о".encode()[:1]
    (page,) = parse(in_a_letter)
    assert (page.rows[1:], page.broken) == ((), "the page ends in the middle")


# -- how it is asked ---------------------------------------------------------------------------------------------------


def test_the_fixture_comes_through_one_request(client, server, answer, shared):
    real = (shared / "fixtures" / FIXTURES[0]).read_bytes()
    server.say("/spotify/country/vn_daily.html", answer(real, headers={"Content-Type": "text/html"}))
    told = fetch(client, Asked("spotify-daily", "vn"))
    assert told.body == real
    assert parse(told.body, told.url) == parse(real)
    assert server.paths == ["/robots.txt", "/spotify/country/vn_daily.html"]


@pytest.mark.parametrize(
    ("chart", "country", "path"),
    [
        ("spotify-weekly", "kz", "/spotify/country/kz_weekly.html"),
        ("spotify-weekly", "gb", "/spotify/country/gb_weekly.html"),
        ("spotify-daily", "global", "/spotify/country/global_daily.html"),
        ("youtube", "ru", "/youtube/insights/ru.html"),
        ("youtube", "gb", "/youtube/insights/uk.html"),
        ("deezer", "ru", "/charts/deezer/ru.html"),
        ("shazam", "global", "/charts/shazam/ww.html"),
    ],
)
def test_the_address_of_every_chart(client, server, answer, chart, country, path):
    table = {"spotify-daily": "spotifydaily", "spotify-weekly": "spotifyweekly", "youtube": "weeklytable"}
    server.say(path, answer(body(line(1), table=table.get(chart, "simpletable"), title="2026/07/02")))
    told = fetch(client, Asked(chart, country))
    (page,) = parse(told.body, told.url)
    assert (page.chart, page.country) == (chart, country)


def test_every_chart_has_its_address_and_its_platform():
    assert PATHS.keys() == SOURCE.charts.keys()
    assert SOURCE.platform("spotify-daily") == SOURCE.platform("spotify-weekly") == "spotify"


# -- what is refused ---------------------------------------------------------------------------------------------------

ORIGIN = "kz_weekly.html"
SAMPLES = (body(line(1, cell("Цой", "Кукушка")), line(2), line(3, "A - B")),)
UNKNOWN = ((Asked("tidal", "ru"), "no chart 'tidal'; choose from spotify-daily"),)
NO_CHART = (
    (b"", "no web page"),
    (b'{"a": 1}', "no web page"),
    (b"Pos,Artist\n1,A", "no web page"),
    (b"<html><title>Spotify Artists</title><table id='other'></table></html>", "its title: 'Spotify Artists'"),
    (body(), "holds no rows"),
    (body(line("x")), "holds no rows"),
    (body(line(1, "no border")), "holds no rows"),
    (body(line(1))[:60], "no chart in the page"),
    (body(line(1, cell("Цой"))).decode().encode("cp1251"), "no UTF-8"),
)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (body(line(1), table="spotifydaily"), "asked for spotify-weekly"),
        (body(line(1), title='x <a href="ua_weekly_totals.html">'), r"asked for spotify-weekly \(kz\).*\(ua\)"),
    ],
)
def test_refuses_another_chart_than_was_asked_for(client, server, answer, told, why):
    server.say(PATH, answer(told))
    with pytest.raises(PageError, match=why):
        fetch(client, ASKED)


def test_refuses_to_be_sent_on_to_another_page(client, server, answer):
    server.say(PATH, answer(status=302, headers={"Location": f"{server.url}/spotify/"}))
    server.say("/spotify/", answer(body(line(1))))
    with pytest.raises(PageError, match="sent on to /spotify/"):
        fetch(client, ASKED)


@given(st.text(max_size=40), st.text(max_size=60), st.text(max_size=20))
def test_whatever_cells_and_titles_hold_the_rest_is_read(names, title, plays):
    told = body(line(1), line(2, escape(names), escape(plays)), title=escape(title))
    (page,) = parse(told)
    assert page.rows[0].title == "Life"


@pytest.mark.parametrize("title", ["2026/13/45", "Weekly 0001/01/03", "Weekly 9999/99/99"])
def test_a_date_that_there_is_not_is_none(title):
    (page,) = parse(body(line(1), title=title))
    assert (page.period, page.taken) == (None, None)
