"""A table of anybody's: its columns by name or by the settings, its dates and periods, and errors that name the line."""

from __future__ import annotations

import contextlib
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from chartropy.charts.collect import collect
from chartropy.charts.importing import import_file
from chartropy.charts.periods import Period
from chartropy.charts.source import Asked
from chartropy.charts.sources import table
from chartropy.workspace import settings as settings_module
from chartropy.workspace import tables
from chartropy.workspace.errors import ImportFileError, PageError, SettingsError
from chartropy.workspace.settings import Settings, Source
from chartropy.workspace.workspace import Workspace

FIXTURES = (
    "data/imi_russia_2020/Daily_all_apple.csv",
    "data/imi_russia_2020/all_vk_weekly.csv",
    "data/imi_russia_2020/Daily_all_daily_spotify.csv",
    "data/tophit_annual_ru/tophit_annual_with_row_order.csv",
)
NAMES = {"position": "rank", "artist": "artist", "title": "title"}
WEEK = Period.week(date(2026, 7, 2))
SOURCE = table.source(
    "mine",
    Source(base_url="https://mine.example", path="{chart}.csv", columns=NAMES | {"week": "at", "genres": "tags"}),
    Settings.model_construct(),  # whatever the environment says when the tests are collected
)
ASKED = Asked("top", "ru", WEEK)
ORIGIN = "saved.csv"
SAMPLES = (
    "rank,artist,title,at,tags\n1,Zivert,Life,2026-07-02,pop\n2,Цой,Кукушка,2026-07-02,rock\n".encode(),
    b'[{"rank": 1, "artist": ["Zivert", {"name": "A"}], "title": "Life", "at": "2026-07-02", "tags": ["pop", "rock"]},'
    b' {"rank": 2, "artist": "B", "title": "Fly", "at": "2026-07-02", "tags": null}]',
)


@pytest.fixture
def usual():
    """Read a table by the usual names of columns."""
    return lambda content, **more: table.parse(in_bytes(content), "saved.csv", settings=Settings(**more))


@pytest.fixture
def mapped():
    """Read a table by the columns that the settings of a source name."""

    def read(content: bytes | str, columns: dict[str, str] | None = None, week_ends: str = "thursday", **own: object):
        own_source = Source(columns=NAMES | (columns or {}), **own)
        made = table.source("mine", own_source, Settings.model_validate({"week_ends": week_ends}))
        return made.parse(in_bytes(content), "saved.csv")

    return read


@pytest.fixture
def client(client_of):
    def make(**own: object):
        made = table.source("mine", Source(**{"base_url": "https://mine.example", "columns": NAMES} | own), Settings())
        return made, client_of(made)

    return make


def in_bytes(content: bytes | str) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def when(pages: tuple) -> list[tuple]:
    return [(page.period, page.taken) for page in pages]


# -- what is read ------------------------------------------------------------------------------------------------------


def test_everything_that_a_row_gives_by_the_usual_names(usual):
    head = "rank,performer,song,date,isrc,id,release_date,rights,language,streams,url,source,chart,country"
    line = '1,Ёлка,Прованс,2026-06-30,ru-a1d-26-00001,7,2026-05-01,A&B,Russian,"1,234",https://x,radio,top,RU'
    (page,) = usual(f"{head}\n{line}\n")
    assert (page.source, page.chart, page.country, page.period) == ("radio", "top", "ru", WEEK)
    (row,) = page.rows
    assert (row.position, row.artists, row.title, row.isrc) == (1, ("Ёлка",), "Прованс", "RUA1D2600001")
    assert (row.track_id, row.released, row.label, row.language) == ("7", "2026-05-01", "A&B", "Russian")
    assert (row.plays, row.link) == (1234, "https://x")


def test_the_settings_name_the_columns(mapped):
    content = "Платц;Кто;Что;Жанры;Лишнее\n2;B;U;Pop, Rock;x\n1;A;T;;y\n"
    (page,) = mapped(content, {"position": "Платц", "artist": "Кто", "title": "Что", "genres": "Жанры"})
    assert [(row.position, row.artists, row.title, row.genres) for row in page.rows] == [
        (1, ("A",), "T", ()), (2, ("B",), "U", ("Pop", "Rock")),
    ]  # fmt: skip
    assert (page.period, page.taken, page.chart) == (None, None, "")


def test_without_a_column_of_positions_the_order_is_the_position(usual):
    own = Source(columns={"artist": "who", "title": "what", "chart": "list"})
    made = table.source("mine", own, Settings())
    pages = made.parse(b"who,what,list\nA,T,x\nB,U,y\nC,V,x\n", "")
    assert [(page.chart, [(row.position, row.title) for row in page.rows]) for page in pages] == [
        ("x", [(1, "T"), (2, "V")]), ("y", [(1, "U")]),
    ]  # fmt: skip


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_a_mapping_works_in_every_separator_and_encoding(mapped, separator, encoding):
    content = "\r\n\r\nrank,artist,title\r\n1,Ёлка,Прованс\r\n\r\n".replace(",", separator).encode(encoding)
    (page,) = mapped(content)
    assert [(row.artists, row.title) for row in page.rows] == [(("Ёлка",), "Прованс")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("where", ["", "rows", "data.list", "Ответ"])
def test_json_in_every_encoding_wherever_its_rows_lie(mapped, where, encoding):
    said: object = [{"rank": 1.0, "artist": ["Ёлка", None, {"name": "Баста"}], "title": "Прованс"}]
    for part in reversed(where.split(".") if where else []):
        said = {part: said, "total": 1}
    (page,) = mapped(json.dumps(said, ensure_ascii=False).encode(encoding), rows=where)
    assert [(row.position, row.artists, row.title) for row in page.rows] == [(1, ("Ёлка, Баста",), "Прованс")]


def test_a_real_table_of_weeks(shared, mapped):
    pages = mapped((shared / FIXTURES[1]).read_bytes(), {"period": "week"}, dates="%d/%m/%y - %d/%m/%y")
    assert when(pages) == [(Period.week(date(2020, 8, 30)), None), (Period.week(date(2020, 9, 3)), None)]
    assert [len(page.rows) for page in pages] == [100, 110]
    assert (pages[0].rows[0].artists, pages[0].rows[0].title) == (("Канги",), "Вали")


def test_a_real_table_of_snapshots(shared, mapped):
    pages = mapped((shared / FIXTURES[0]).read_bytes(), {"day": "date"}, dates="%d/%m/%Y", period="snapshot")
    assert len(pages) == 11
    assert when(pages)[::10] == [(None, date(2020, 8, 30)), (None, date(2020, 9, 13))]
    assert {len(page.rows) for page in pages} == {100}


def test_a_real_table_of_years_by_platform(shared, mapped):
    columns = {
        "position": "row_order",
        "artist": "artist_name",
        "title": "song_name",
        "chart": "platform",
        "week": "year",
    }
    pages = mapped((shared / FIXTURES[3]).read_bytes(), columns, dates="%Y", period="annual")
    found = {(page.chart, page.period.end.year): page for page in pages if page.period}
    assert {page.period.kind for page in pages if page.period} == {"annual"}
    assert len(found) == len(pages) == 37
    assert (found["apple", 2025].rows[0].artists, found["apple", 2025].rows[0].title) == (("Jimin",), "Who")


# -- periods -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "dates", "kind", "said", "period"),
    [
        ("week", "%Y-%m-%d", "weekly", "2026-06-26", WEEK),
        ("week", "%Y-%m-%d", "weekly", "2026-07-02T10:00:00Z", WEEK),
        ("day", "%d.%m.%Y", "weekly", "28.06.2026", WEEK),
        ("period_end", "%Y-%m-%d", "weekly", "2026-06-28", Period.week(date(2026, 6, 28))),
        ("period", "%d/%m/%y - %d/%m/%y", "weekly", "22/06/26 - 28/06/26", Period.week(date(2026, 6, 28))),
        ("period", "%d/%m/%y - %d/%m/%y", "snapshot", "22/06/26 - 28/06/26", Period.week(date(2026, 6, 28))),
        ("week", "%Y-%m-%d", "snapshot", "2026-06-30", WEEK),
        ("day", "%Y-%m-%d", "daily", "2026-06-30", Period(date(2026, 6, 30), date(2026, 6, 30), "daily")),
        ("week", "%m/%Y", "monthly", "02/2024", Period(date(2024, 2, 29), date(2024, 2, 1), "monthly")),
        ("period_end", "%Y-%m-%d", "monthly", "2026-06-30", Period(date(2026, 6, 30), date(2026, 6, 1), "monthly")),
        (
            "period", "%d.%m.%Y - %d.%m.%Y", "monthly", "01.06.2026 - 30.06.2026",
            Period(date(2026, 6, 30), date(2026, 6, 1), "monthly"),
        ),
        ("week", "%Y", "annual", "2025", Period(date(2025, 12, 31), date(2025, 1, 1), "annual")),
        ("week", "%Ys", "decade", "1990s", Period(date(1999, 12, 31), date(1990, 1, 1), "decade")),
    ],
)  # fmt: skip
def test_every_kind_of_period(mapped, column, dates, kind, said, period):
    content = f"rank,artist,title,at\n1,A,T,{said}\n"
    assert when(mapped(content, {column: "at"}, dates=dates, period=kind)) == [(period, None)]


def test_the_day_of_a_snapshot_stays_a_day(mapped):
    content = "rank,artist,title,at\n1,A,T,2026-06-30\n1,A,T,2026-07-01\n"
    days = [(None, date(2026, 6, 30)), (None, date(2026, 7, 1))]
    assert when(mapped(content, {"day": "at"}, period="snapshot")) == days


def test_a_week_ends_on_the_day_of_the_settings(mapped):
    content = "rank,artist,title,at\n1,A,T,2026-06-30\n"
    assert when(mapped(content, {"week": "at"}, week_ends="sunday")) == [(Period.week(date(2026, 7, 5)), None)]


def test_a_year_in_json_may_be_a_number(mapped):
    said = json.dumps([{"rank": 1, "artist": "A", "title": "T", "year": 2025}])
    assert [str(page.period) for page in mapped(said, {"week": "year"}, dates="%Y", period="annual")] == ["year 2025"]


@pytest.mark.parametrize("kind", ["daily", "weekly", "monthly", "annual", "decade", "snapshot"])
@pytest.mark.parametrize("column", ["week", "period_end", "day"])
@pytest.mark.parametrize(
    "said", ["9999-12-31", "9999-01-01", "0001-01-01", "1900-01-01", "2200-01-01", "2026-02-30", ""]
)
def test_refuses_a_far_or_impossible_date_and_names_the_line(mapped, kind, column, said):
    content = f"rank,artist,title,at\n1,A,T,2026-07-02\n2,A,T,{said}\n"
    with pytest.raises(PageError, match=f"^line 3: {column} '{said}' is no date of a chart; write 2026-07-02"):
        mapped(content, {column: "at"}, period=kind)


@pytest.mark.parametrize("week_ends", ["monday", "friday", "sunday"])
def test_refuses_the_last_week_of_the_calendar(usual, week_ends):
    for said in ("9999-12-31", "9999-12-25", "0001-01-01", "0001-01-07"):
        with pytest.raises(PageError, match=f"^line 2: week '{said}'"):
            usual(f"rank,artist,title,week\n1,A,T,{said}\n", week_ends=week_ends)


@pytest.mark.parametrize(
    ("kind", "said", "why"),
    [
        ("weekly", "01/07/26", "is not written like"),
        ("weekly", "01/07/26 - soon", "is not written like"),
        ("weekly", "01/07/26 - 31/02/26", "is not written like"),
        ("weekly", "2026-06-26 - 2026-07-02", "is not written like"),
        ("weekly", "26/06/26 - 03/07/26", "is no week, but 8 days"),
        ("weekly", "02/07/26 - 26/06/26", "is no week, but -5 days"),
        ("daily", "01/07/26 - 02/07/26", "is no day, but 2 days"),
        ("monthly", "01/06/26 - 29/06/26", "is no month, but 29 days"),
        ("annual", "02/01/25 - 31/12/25", "is no year, but 364 days"),
    ],
)
def test_refuses_a_period_that_is_none(mapped, kind, said, why):
    with pytest.raises(PageError, match=f"^line 2: period '{said}' {why}"):
        mapped(f"rank,artist,title,at\n1,A,T,{said}\n", {"period": "at"}, dates="%d/%m/%y - %d/%m/%y", period=kind)


def test_refuses_far_periods(mapped):
    for said in ("25.12.9999 - 31.12.9999", "01.01.0001 - 07.01.0001"):
        with pytest.raises(PageError, match=f"^line 2: period '{said}'"):
            mapped(f"rank,artist,title,at\n1,A,T,{said}\n", {"period": "at"}, dates="%d.%m.%Y - %d.%m.%Y")


# -- what the settings may say -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"columns": {"artist": "a", "title": "t", "singer": "s"}}, "no column 'singer'; choose from position, artist"),
        ({"columns": {"title": "t"}}, "say which column is artist"),
        ({"columns": {"position": "p"}}, "say which column is artist and which is title"),
        ({"columns": NAMES | {"period": "p"}}, "dates = '%Y-%m-%d'.*write both forms, with ' - ' between"),
        ({"columns": NAMES | {"week": "w"}, "dates": "%d/%m/%y - %d/%m/%y"}, "dates = .*two days are for .* period"),
        ({"columns": NAMES | {"week": "w"}, "dates": "%Q"}, "dates = '%Q' is no form of dates"),
        ({"columns": NAMES | {"week": "w"}, "dates": "%G-W%V"}, "is no form of dates"),
        ({"columns": NAMES, "path": "x.csv"}, "path = 'x.csv': say below which base_url"),
        (
            {"columns": NAMES, "base_url": "http://x", "path": "{week}.csv"},
            r"KeyError: 'week'.*have \{start\}, \{end\}",
        ),
        ({"columns": NAMES, "base_url": "http://x", "path": "{}.csv"}, "cannot be filled in"),
        ({"columns": NAMES, "base_url": "http://x", "path": "{start.csv"}, "cannot be filled in"),
        ({"columns": NAMES, "base_url": "http://x", "path": "{start[0]}"}, "cannot be filled in"),
        ({"columns": NAMES, "base_url": "http://x", "path": "{end.x}"}, "cannot be filled in"),
        (
            {"columns": NAMES, "base_url": "http://x", "path": "{start}", "period": "snapshot"},
            r"snapshot charts have \{chart\} and \{country\}",
        ),
    ],
)
def test_refuses_settings_that_cannot_be_meant(own, said):
    with pytest.raises(SettingsError, match=f"^sources.mine.*{said}"):
        table.source("mine", Source(**own), Settings())


def test_what_the_source_says_of_itself():
    own = Source(columns=NAMES, charts=("top", "top:kz", "new"), period="monthly")
    made = table.source("mine", own, Settings())
    assert (made.name, made.kinds, made.current, made.fetch) == ("mine", ("monthly",), False, None)
    assert made.charts == {"top": "mine", "new": "mine"}
    assert "imported from files" in made.gives
    now = Source(columns=NAMES, period="snapshot", base_url="http://x", path="top.csv")
    made = table.source("mine", now, Settings())
    assert (made.kinds, made.current) == (("weekly",), True)
    assert made.fetch
    assert "fetched from http://x/top.csv" in made.gives


def test_refuses_a_table_without_a_column_that_the_settings_name(mapped):
    with pytest.raises(
        PageError, match="has no column 'rank', which the settings name for position; it has Rank, artist"
    ):
        mapped("Rank,artist,title\n1,A,T\n")
    with pytest.raises(PageError, match="has no column 'year', which the settings name for week"):
        mapped('[{"rank": 1, "artist": "A", "title": "T"}]', {"week": "year"})


# -- how it is asked ---------------------------------------------------------------------------------------------------


def test_the_path_is_filled_in(client, server, answer):
    made, asking = client(
        path="charts/{country}/{chart}/{start}_{end:%Y%m%d}.csv?full=1", columns=NAMES | {"period_end": "to"}
    )
    path = "/charts/kz/top/2026-06-26_20260702.csv"
    server.say(path, answer(b"rank,artist,title,to\n1,A,T,2026-07-02\n", headers={"Content-Type": "text/csv"}))
    told = made.fetch(asking, Asked("top", "kz", WEEK))
    assert (told.content_type, told.url) == ("text/csv", f"{server.url}{path}?full=1")
    assert [path for _, path, _ in server.asked] == [f"{path}?full=1"]
    assert when(made.parse(told.body, told.url)) == [(WEEK, None)]


def test_a_snapshot_is_asked_for_without_days(client, server, answer):
    made, asking = client(path="{chart}.json", period="snapshot", rows="top.rows")
    server.say_json("/now.json", {"top": {"rows": [{"rank": 1, "artist": "A", "title": "T"}]}})
    told = made.fetch(asking, Asked("now", "ru"))
    assert [row.title for row in made.parse(told.body, told.url)[0].rows] == ["T"]


# -- from the settings file to the store -------------------------------------------------------------------------------

# two like the examples of docs/how-to/add-chart.md
WEEKLY_TOML = """
[sources.city]
columns = {position = "No", artist = "Who", title = "What", plays = "Spins", period = "Week"}
dates = "%d.%m.%Y - %d.%m.%Y"
charts = ["top"]
country = "kz"
"""
WEEKLY_CSV = """No;Who;What;Spins;Week
1;Ёлка;Прованс;1 204;26.06.2026 - 02.07.2026
2;Zivert;Life;977;26.06.2026 - 02.07.2026
"""
MONTHLY_TOML = """
collect = ["club"]

[sources.club]
base_url = "SERVER"
path = "{chart}/{start:%Y-%m}.json"
columns = {artist = "performers", title = "name", week = "month"}
rows = "chart.tracks"
dates = "%Y-%m"
period = "monthly"
charts = ["dance"]
"""
MONTHLY_JSON = """{"chart": {"tracks": [
  {"performers": [{"name": "Ёлка"}, {"name": "Баста"}], "name": "Прованс", "month": "2026-06"},
  {"performers": ["Zivert"], "name": "Life", "month": "2026-06"}
]}}"""


@pytest.fixture
def set_up(workspace, tmp_path):
    """A workspace with some settings."""
    folder = tmp_path / "workspace"
    workspace.close()

    def opened(toml: str):
        (folder / settings_module.FILE_NAME).write_text(toml, encoding="utf-8")
        return Workspace(folder)

    return opened


def test_a_table_of_weeks_from_the_settings_to_the_store(set_up, tmp_path):
    file = tmp_path / "city.csv"
    file.write_text(WEEKLY_CSV, encoding="utf-8")
    with set_up(WEEKLY_TOML) as workspace:
        (outcome,) = import_file(workspace, file, "city-top")
        assert (str(outcome.chart), outcome.period, outcome.rows) == ("city-top (kz)", WEEK, 2)
        stored = workspace.store.frame(select(tables.entry.c.artist, tables.entry.c.plays).order_by("position"))
        assert stored.values.tolist() == [["Ёлка", 1204], ["Zivert", 977]]
        file.write_text(WEEKLY_CSV.replace("Who", "By"), encoding="utf-8")
        with pytest.raises(ImportFileError, match="city.csv: has no column 'Who', which the settings name for artist"):
            import_file(workspace, file, "city-top")


def test_a_table_of_months_is_fetched_as_the_settings_say(set_up, server, answer):
    server.say("/dance/2026-06.json", answer(MONTHLY_JSON.encode()))
    with set_up(MONTHLY_TOML.replace("SERVER", server.url)) as workspace:
        (outcome,) = collect(workspace, Period.holding(date(2026, 6, 1), "monthly"))
        assert (outcome.rows, str(outcome.period)) == (2, "month 2026-06")
        (outcome,) = collect(workspace, Period.holding(date(2026, 5, 1), "monthly"))
        assert (outcome.rows, "404" in outcome.gap) == (0, True)
    assert server.paths == ["/dance/2026-06.json", "/dance/2026-05.json"]


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "own", "why"),
    [
        ("rank,artist,title\n1,A,T\n1,A,T\n", {}, "line 3: position 1 stands twice in one week"),
        ("rank,artist,title\n1,A,T\n1,A,T\n", {"period": "monthly"}, "line 3: position 1 stands twice in one month"),
        ("rank,artist,title\n1,A,T\n1,A,T\n", {"period": "snapshot"}, "line 3: position 1 stands twice in one chart"),
        ('rank,artist,title\n1,"A\nB",T\n2,,T\n', {}, "line 4: artist is empty"),
        ("rank,artist,title\n1,A\n", {}, "line 2: title is empty"),
        ("rank,artist,title\n,A,T\n", {}, "line 2: position '' is no whole number from 1 to 10000"),
        ("rank,artist,title\n10001,A,T\n", {}, "line 2: position '10001'"),
        ("rank,artist,title\n1,A,T,x\n", {}, "line 2: more columns than the 3 of the first line"),
        ("rank,artist,title\n1,A,T\n2,B,\n", {}, "line 3: title is empty"),
        ('[{"rank": 1, "artist": [], "title": "T"}]', {}, "line 2: artist is empty"),
        ('[{"rank": 1, "artist": [[["A"]]], "title": "T"}]', {}, "line 2: artist is empty"),
        ('[{"rank": 1, "artist": "A", "title": {"x": 1}}]', {}, "line 2: title is empty"),
        ('[{"rank": NaN, "artist": "A", "title": "T"}]', {}, "line 2: position ''"),
        ('[{"rank": true, "artist": "A", "title": "T"}]', {}, "line 2: position 'True'"),
        ('{"a": {"b": 5}}', {"rows": "a.b"}, "no list of rows under 'a.b'"),
        ('{"a": [1]}', {"rows": "a"}, "no list of rows under 'a'"),
        ("[{}]", {"rows": "a"}, "no list of rows under 'a'"),
        ('{"x": []}', {}, "no list of rows in it, nor under 'entries', 'rows' or 'data'"),
        ('{"rows": [{"rank"', {}, "not valid JSON"),
        ("[]", {}, "holds no row"),
        ("rank,artist,title\n", {}, "holds no row"),
        ("", {}, "holds no row"),
        (b"\x98", {}, "neither UTF-8, UTF-16 nor cp1251"),
        (b"\xff\xfea", {}, "neither UTF-8, UTF-16 nor cp1251"),
        ("<html><title>Just a moment...</title></html>", {}, "is a web page, not a table"),
    ],
)
def test_refuses_what_is_no_chart_and_names_the_line(mapped, content, own, why):
    with pytest.raises(PageError, match=why) as error:
        mapped(content, **own)
    assert error.value.body == in_bytes(content)


def test_refuses_a_real_table_that_lists_a_day_twice(shared, mapped):
    with pytest.raises(PageError, match="line 402: position 1 stands twice in one day"):
        mapped((shared / FIXTURES[2]).read_bytes(), {"day": "date"}, dates="%d/%m/%Y", period="daily")


@pytest.mark.parametrize("depth", [10, 500, 900, 960, 100_000])
def test_refuses_names_in_lists_in_lists(mapped, depth):
    with pytest.raises(PageError, match="artist is empty|not valid JSON"):
        mapped('[{"rank": 1, "title": "T", "artist": ' + "[" * depth + "]" * depth + "}]")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
)
fields = (*table.COLUMNS, "rank", "at")


@given(st.lists(st.dictionaries(st.sampled_from(fields), anything), max_size=3) | anything)
def test_any_json_is_charts_or_a_page_error(value):
    for own in (None, Source(columns=NAMES | {"week": "at", "genres": "at"}, period="annual", dates="%Y")):
        with contextlib.suppress(PageError):
            for page in table.parse(json.dumps(value).encode(), "", settings=Settings(), own=own):
                assert page.rows
                assert all(row.title and row.artists[0] for row in page.rows)


@given(st.lists(st.lists(st.text(max_size=12) | st.dates().map(str) | st.integers().map(str), max_size=5), max_size=4))
def test_any_cells_are_charts_or_a_page_error_that_names_the_line(lines):
    told = "\n".join(["position;artist;title;week;plays", "1;A;T;2026-07-02;5", *map(";".join, lines)])
    with contextlib.suppress(PageError):
        assert table.parse(told.encode(errors="replace"), "", settings=Settings())[0].rows
        return
    with pytest.raises(PageError, match="^line [0-9]+: "):
        table.parse(told.encode(errors="replace"), "", settings=Settings())


@given(st.binary(max_size=200))
def test_any_bytes_are_charts_or_a_page_error(noise):
    for told in (noise, b"position,artist,title,week\n" + noise, b"\xff\xfe" + noise):
        with contextlib.suppress(PageError):
            assert table.parse(told, "", settings=Settings())[0].rows
