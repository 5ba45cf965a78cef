"""Shazam's CSV, which is none, gives the rows it holds; anything else is named for what it is."""

from __future__ import annotations

import locale
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartropy.charts.source import Asked
from chartropy.charts.sources.shazam import COUNTRIES, code_of, fetch, parse
from chartropy.workspace.errors import PageError

FIXTURES = ("fixtures/shazam/russia-22-01-2024.csv", "fixtures/shazam/2026-08-22_bffd837.csv")
CITIES = ("data/shazam_2024/russia-moscow-22-01-2024.csv", "data/shazam_2024/russia-saint-petersburg-22-01-2024.csv")
ASKED = Asked("top-200", "ru")
PATH = "/services/charts/csv/top-200/russia/"


def body(*lines: str, title: str = "Shazam Top 200 Russia Chart", day: str = "Thursday, 2 July 2026") -> bytes:
    head = [f"\ufeff{title}", f'"{day} [performance over the past 7 days]"', "Rank,Artist,Title"]
    return "\n".join([*head, *lines]).encode()


def rows(*lines: str) -> list[tuple]:
    return [(row.position, *row.artists, row.title) for row in parse(body(*lines))[0].rows]


# -- what is read ------------------------------------------------------------------------------------------------------


def test_the_real_top_of_russia(shared):
    (page,) = parse((shared / FIXTURES[0]).read_bytes(), "russia-22-01-2024.csv")
    assert (page.chart, page.country, page.taken, page.period) == ("top-200", "ru", date(2024, 1, 22), None)
    assert (len(page.rows), page.faults, page.broken) == (200, (), "")
    first, second, last = page.rows[0], page.rows[1], page.rows[-1]
    assert (first.position, first.artists, first.title) == (1, ("Nikos Band",), "Georgian Disco (Live)")
    assert (second.artists, second.title) == (("Ицык Цыпер",), "Дымок (feat. Игорь Цыба)")
    assert (last.position, last.artists, last.title) == (200, ("MoonDeity",), "One Chance")


def test_a_real_file_whose_title_line_is_empty_and_whose_quotes_are_not_doubled(shared):
    (page,) = parse((shared / FIXTURES[1]).read_bytes(), "latest.csv")
    assert (page.chart, page.country, page.taken) == ("", "", date(2026, 8, 22))
    assert (len(page.rows), page.faults, page.broken) == (200, (), "")
    assert page.rows[184].title == 'What Is Love (7" Mix)'
    assert (page.rows[1].artists, page.rows[1].title) == (("Roei Adam",), "אבי הטחול")
    assert (page.rows[-1].artists, page.rows[-1].title) == (("Shazamat",), "לא אותו דבר")


@pytest.mark.parametrize(
    ("file", "chart", "first", "last"),
    [
        (CITIES[0], "moscow", ("Nikos Band", "Georgian Disco (Live)"), ("Dima Bilan", "Острой бритвой")),
        (CITIES[1], "saint-petersburg", ("The Kolors", "ITALODISCO"), ("PIZZA", "Триумфальная")),
    ],
)
def test_the_real_tops_of_cities(shared, file, chart, first, last):
    (page,) = parse((shared / file).read_bytes(), "saved.csv")
    assert (page.chart, page.country, page.taken, len(page.rows)) == (chart, "", date(2024, 1, 22), 50)
    assert [(*row.artists, row.title) for row in (page.rows[0], page.rows[-1])] == [first, last]


@pytest.mark.parametrize(
    ("line", "artist", "title"),
    [
        ('1,"A","B"', "A", "B"),
        ('1,"A","B" ', "A", "B"),
        ('1,"A, B & C","One, Two"', "A, B & C", "One, Two"),
        ('1,"A","Love (7" Mix)"', "A", 'Love (7" Mix)'),
        ('1,"A","a "b" c"', "A", 'a "b" c'),
        ('1,"A",""b" c"', "A", '"b" c'),
        ('1,"A","a "b""', "A", 'a "b"'),
        ('1,"The "Band", Inc","B"', 'The "Band", Inc', "B"),
        ('1,"The "Band"","B"', 'The "Band"', "B"),
        ('1,"A ""B""","C ""D"""', 'A "B"', 'C "D"'),
        ("1,A,B", "A", "B"),
        ('1,A,"B, C"', "A", "B, C"),
        ('1,"A, B",C', "A, B", "C"),
        ('"1","A","B"', "A", "B"),
        ('1,"A\u2028B","C"', "A B", "C"),
        ('1,"  A  B ","и\u0306"', "A B", "й"),
    ],
)
def test_quotes_in_every_place(line, artist, title):
    assert rows(line) == [(1, artist, title)]


def test_the_address_says_what_the_file_does_not():
    base = "https://www.shazam.com/services/charts/csv"
    for origin, chart, country in (
        (f"{base}/top-200/israel/", "top-200", "il"),
        (f"{base}/top-200/new-zealand", "top-200", "new-zealand"),
        (f"{base}/top-200/world/", "top-200", "global"),
        (f"{base}/top-50/russia/moscow/", "moscow", "ru"),
        ("https://elsewhere.org/list.csv", "", ""),
        ("top-200/israel/", "", ""),
    ):
        (page,) = parse(body('1,"A","B"', title=""), origin)
        assert (page.chart, page.country) == (chart, country)


def test_what_the_file_says_stands_over_the_address():
    (page,) = parse(body('1,"A","B"'), "https://www.shazam.com/services/charts/csv/top-200/israel/")
    assert (page.chart, page.country) == ("top-200", "ru")
    (page,) = parse(
        body('1,"A","B"', title="Shazam Top 50 São Paulo"),
        "https://www.shazam.com/services/charts/csv/top-50/brazil/sao-paulo/",
    )
    assert (page.chart, page.country) == ("sao-paulo", "br")


@pytest.mark.parametrize(
    ("day", "taken"),
    [
        ("Monday, 22 January 2024", date(2024, 1, 22)),
        ("Thursday, 31 December 2026", date(2026, 12, 31)),
        ("Thursday, 31 Dezember 2026", None),
        ("Tuesday, 31 February 2026", None),
        ("", None),
    ],
)
def test_the_day_is_read_in_english_whatever_the_system_speaks(day, taken):
    assert parse(body('1,"A","B"', day=day))[0].taken == taken


@pytest.mark.parametrize("spoken", ["ru_RU.UTF-8", "de_DE.UTF-8"])
def test_the_day_does_not_depend_on_the_locale(spoken):
    before = locale.setlocale(locale.LC_TIME)
    try:
        locale.setlocale(locale.LC_TIME, spoken)
    except locale.Error:
        pytest.skip(f"this system has no locale {spoken}")
    try:
        assert parse(body('1,"A","B"'))[0].taken == date(2026, 7, 2)
    finally:
        locale.setlocale(locale.LC_TIME, before)


def test_single_bad_rows_are_told_and_the_rest_is_kept():
    lines = ['1,"A","B"', "rubbish", '2,"","B"', '3,"A",""', '4,"A","B"', '4,"C","D"', '0,"A","B"', '6,"E","F"']
    (page,) = parse(body(*lines))
    assert [row.position for row in page.rows] == [1, 4, 6]
    assert len(page.faults) == 5
    for said in ("'rubbish'", "position 2: no artist", "position 3: no title", "position 4 stands twice", '0,"A"'):
        assert any(said in fault for fault in page.faults), said
    assert page.broken == ""


@pytest.mark.parametrize("last", ["2", '2,"C', '2,"C"', '2,"C",', '2,"C","', '2,"C","D'])
def test_a_file_that_ends_in_the_middle_of_a_row_is_broken(last):
    (page,) = parse(body('1,"A","B"', last))
    assert [row.position for row in page.rows] == [1]
    assert last in page.broken
    assert page.faults == ()


def test_countries_by_code_by_name_and_by_what_stands_in_addresses():
    assert (code_of("Russia"), code_of("United Kingdom"), code_of("south-korea")) == ("ru", "gb", "kr")
    assert (code_of("Türkiye"), code_of("World"), code_of("Global")) == ("tr", "global", "global")
    assert code_of("Côte d'Ivoire") == "cote-d-ivoire"
    assert {code_of(slug) for slug in COUNTRIES.values()} == COUNTRIES.keys()


# -- how it is asked ---------------------------------------------------------------------------------------------------


def test_the_real_file_comes_through_one_request(client, server, answer, shared):
    real = (shared / FIXTURES[0]).read_bytes()
    server.say(PATH, answer(real, headers={"Content-Type": "text/csv"}))
    told = fetch(client, ASKED)
    assert (told.body, told.content_type, told.url) == (real, "text/csv", f"{server.url}{PATH}")
    assert parse(told.body, told.url) == parse(real)
    assert server.paths == ["/robots.txt", PATH]


@pytest.mark.parametrize(
    ("asked", "path", "title"),
    [
        (Asked("top-200", "kz"), "top-200/kazakhstan", "Shazam Top 200 Kazakhstan Chart"),
        (Asked("top-200", "global"), "top-200/world", "Shazam Top 200 World Chart"),
        (Asked("top-200", "new-zealand"), "top-200/new-zealand", "Shazam Top 200 New Zealand Chart"),
        (Asked("top-200", "il"), "top-200/israel", ""),
        (Asked("moscow", "ru"), "top-50/russia/moscow", "Shazam Top 50 Moscow"),
        (Asked("saint-petersburg", "ru"), "top-50/russia/saint-petersburg", ""),
    ],
)
def test_the_address_of_every_chart(client, server, answer, asked, path, title):
    server.say(f"/services/charts/csv/{path}/", answer(body('1,"A","B"', title=title)))
    told = fetch(client, asked)
    (page,) = parse(told.body, told.url)
    assert (page.chart, page.country) == (asked.chart, asked.country)


# -- what is refused ---------------------------------------------------------------------------------------------------

ORIGIN = "saved.csv"
SAMPLES = (body('1,"A","B"', '2,"C "D"","E"', '3,"Цой","Кукушка"'),)
UNKNOWN = (
    (Asked("top-200", "russia"), "write country 'ru'"),
    (Asked("top-200", "xx"), "'xx' is not known here"),
)
NO_CHART = (
    (b"<html><body>Sorry</body></html>", "a web page instead of a CSV"),
    ("\ufeff <!doctype html>".encode(), "a web page instead of a CSV"),
    (b"", "no line"),
    (b"rank;artist;title\n1;A;B", "no line"),
    (b'{"tracks": []}', "no line"),
    (body(), "holds no rows"),
    (body('1,"A'), "holds no rows"),
    (body('1,"","B"'), "holds no rows"),
    (body('1,"A","B"')[:30], "no line"),
    ("Rank,Artist,Title\n1,Цой,Кукушка".encode("cp1251"), "no text in UTF-8"),
    (body('1,"A","Й"')[:-2], "no text in UTF-8"),
)


def test_refuses_another_chart_than_was_asked_for(client, server, answer):
    server.say(PATH, answer(body('1,"A","B"', title="Shazam Top 200 France Chart")))
    with pytest.raises(PageError, match=r"asked for top-200 \(ru\), the file says it is top-200 \(fr\)"):
        fetch(client, ASKED)
    there = f"{server.url}/services/charts/csv/top-200/world/"
    server.say(PATH, answer(status=302, headers={"Location": there}))
    server.say("/services/charts/csv/top-200/world/", answer(body('1,"A","B"', title="")))
    with pytest.raises(PageError, match="sent on to /services/charts/csv/top-200/world/"):
        fetch(client, ASKED)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_whatever_a_line_holds_it_is_a_row_a_fault_or_a_page_error(lines):
    (page,) = parse(body('1,"A","B"', *lines, '9999,"Y","Z"'))
    assert (page.rows[0].title, page.rows[-1].title) == ("B", "Z")
