"""A file that a person saved or made becomes entries, or an error that names file, line and value; then nothing is stored."""

from __future__ import annotations

import json
from datetime import date

import pytest
from sqlalchemy import select

from chartropy.charts.collect import collect
from chartropy.charts.importing import import_file
from chartropy.workspace import tables
from chartropy.workspace.errors import ImportFileError

pytestmark = pytest.mark.both_databases

WEEK = date(2026, 7, 2)
CSV = "position,artist,title,isrc\n1,Ёлка,Прованс,RUA1D2600001\n2,Zivert,Life,\n"


@pytest.fixture
def given(workspace, tmp_path):
    """Import some content as a file; give the outcomes."""

    def import_content(
        content: bytes | str, week: date | None = WEEK, source: str = "tophit-radio", name: str = "chart"
    ):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_file(workspace, file, source, week)

    return import_content


@pytest.fixture
def entries(workspace):
    def read() -> list[tuple]:
        entry = tables.entry.c
        query = select(entry.position, entry.artist, entry.title, entry.isrc).order_by(entry.week, entry.position)
        with workspace.store.reading() as connection:
            return [tuple(row) for row in connection.execute(query)]

    return read


@pytest.fixture
def nothing_stored(workspace):
    def check() -> bool:
        with workspace.store.reading() as connection:
            return not any(connection.execute(select(table)).first() for table in tables.metadata.sorted_tables)

    return check


BOTH = [(1, "Ёлка", "Прованс", "RUA1D2600001"), (2, "Zivert", "Life", None)]


# -- what is understood ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_as_the_world_writes_it(given, entries, separator, encoding, end):
    (outcome,) = given(CSV.replace(",", separator).replace("\n", end).encode(encoding))
    assert (outcome.week, outcome.rows, outcome.changed) == (WEEK, 2, 2)
    assert entries() == BOTH


@pytest.mark.parametrize(
    "head", ["Rank,Performer,Song,ISRC", "место,исполнитель,название,isrc", " POSITION , Artist_Name,Track_Name, Isrc"]
)
def test_columns_by_their_usual_names(given, entries, head):
    given(CSV.replace("position,artist,title,isrc", head))
    assert entries() == BOTH


def test_quoted_commas_and_columns_nobody_asked_for(given, entries):
    given('position,spins,artist,title\n1,5000,"Tyler, The Creator","A ""B"", C"\n')
    assert entries() == [(1, "Tyler, The Creator", 'A "B", C', None)]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"entries": rows}, lambda rows: {"rows": rows}])
def test_json_rows(given, entries, wrap):
    rows = [
        {"position": 1, "artist": "Ёлка, Баста", "title": "Прованс", "isrc": "ru-a1d-26-00001"},
        {"position": 2, "artist": "Zivert", "title": "Life", "label": None},
    ]
    given(json.dumps(wrap(rows)))
    assert entries() == [(1, "Ёлка, Баста", "Прованс", "RUA1D2600001"), (2, "Zivert", "Life", None)]


def test_json_artists_in_a_list(given, entries):
    given(json.dumps([{"position": 1, "artists": ["Ёлка", {"name": "Баста"}], "title": "Прованс"}]))
    assert entries() == [(1, "Ёлка, Баста", "Прованс", None)]


def test_what_json_rows_leave_out_is_empty(given, workspace):
    given(
        json.dumps(
            [
                {"position": 1, "artist": "A", "title": "T", "label": "L", "track_id": 5},
                {"position": 2, "artist": "B", "title": "U"},
            ]
        )
    )
    with workspace.store.reading() as connection:
        stored = connection.execute(select(tables.entry.c.label, tables.entry.c.track_id)).all()
    assert [tuple(row) for row in stored] == [("L", "5"), (None, None)]


def test_tophits_own_json(given, entries, pages):
    given(
        json.dumps({"charts": [pages.payload_row(1, "Прованс", ("Ёлка",), isrc="RUA1D2600001"), pages.payload_row(2)]})
    )
    assert entries() == BOTH


def test_a_page_saved_from_the_browser_needs_no_week(given, entries, pages):
    body = pages.page(
        [pages.table_row(1, "Прованс", ("Ёлка",), rights="LRUA1D2600001"), pages.table_row(2)], address=pages.address()
    )
    (outcome,) = given(b"\xef\xbb\xbf" + body, week=None)
    assert outcome.week == WEEK
    assert entries() == BOTH


def test_a_saved_page_of_the_real_shape(shared, given):
    body = (shared / "fixtures" / "tophit" / "SYNTHETIC_vk_ru_annual_2025.html").read_bytes()
    (outcome,) = given(body, source="tophit-vk")
    assert (outcome.rows, outcome.gap) == (200, "200 positions, more than the 100 of a whole chart")


def test_any_day_means_the_week_that_holds_it(given):
    assert [given(CSV, week=date(2026, 6, day))[0].week for day in (26, 30)] == [WEEK, WEEK]


def test_several_weeks_in_one_file(given, entries):
    outcomes = given("week,position,artist,title\n2026-06-25,1,A,T\n2026-07-02,1,B,U\n2026-06-30,2,C,V\n", week=None)
    assert [(outcome.week.isoformat(), outcome.rows) for outcome in outcomes] == [("2026-06-25", 1), ("2026-07-02", 2)]
    assert [row[1] for row in entries()] == ["A", "B", "C"]


def test_of_several_weeks_only_the_one_asked_for_is_taken(given, entries, nothing_stored):
    table = "week,position,artist,title\n2026-06-25,1,A,T\n2026-07-02,1,B,U\n"
    with pytest.raises(ImportFileError, match="holds the week 2026-06-25, week 2026-07-02, not week 2026-07-09"):
        given(table, week=date(2026, 7, 9))
    assert nothing_stored()
    assert [outcome.week for outcome in given(table, week=date(2026, 6, 24))] == [date(2026, 6, 25)]
    assert [row[1] for row in entries()] == ["A"]


def test_importing_again_changes_nothing(given):
    assert given(CSV)[0].changed == 2
    assert given(CSV)[0].changed == 0


def test_an_import_of_what_was_short_completes_it(given, workspace, entries):
    (outcome,) = given("position,artist,title\n2,Zivert,Life\n")
    assert "positions without a row: 1" in outcome.gap
    given(CSV)
    assert entries() == BOTH


def test_our_own_export_comes_back_as_it_was(world, tmp_path, workspace):
    for chart_week in (date(2026, 5, 14), date(2026, 5, 21)):
        collect(workspace, chart_week)
    names = "source chart country week position recording_id isrc artist title".split()
    exported = workspace.store.frame(select(*(tables.entry.c[name] for name in names)))
    exported.to_csv(tmp_path / "entries.csv", index=False)
    from chartropy.workspace.workspace import Workspace

    with Workspace(tmp_path / "other", create=True) as other:
        for chart in ("radio", "vk", "youtube"):
            import_file(other, tmp_path / "entries.csv", f"tophit-{chart}")
        returned = other.store.frame(select(*(tables.entry.c[name] for name in names)))
    order = ["chart", "week", "position"]
    assert returned.sort_values(order).to_dict("records") == exported.sort_values(order).to_dict("records")
    assert len(returned) == 72


def test_a_saved_page_clears_the_gap_of_a_challenge(given, workspace, server, answer, monkeypatch, pages):
    with workspace.store.transaction() as connection:
        connection.execute(
            tables.gap.insert().values(
                week=WEEK.isoformat(), source="tophit", chart="radio", country="ru", reason="challenge", passing=1
            )
        )
    rows = [pages.table_row(n, f"T{n}") for n in range(1, 101)]
    given(pages.page(rows, address=pages.address()))
    with workspace.store.reading() as connection:
        assert connection.execute(select(tables.gap)).all() == []


# -- what is not -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("  \n \n", "the file is empty"),
        ("position,artist,title\n", "no row"),
        ("position,artist\n1,A\n", "no column for title"),
        ("what,ever\n1,2\n", "no column for position.*the file has what, ever"),
        ("position,artist,title\n1,A\n", "line 2: title is empty"),
        ("position,artist,title\n1,A,T\n2,,U\n", "line 3: artist is empty"),
        ("position,artist,title\n1,A,T,\n", "more columns"),
        ("position,artist,title\n1,2,Song,x\n", "more columns"),
        ("position,artist,title\n1,A,T\n2,B,U,x,y\n", "line 3: more columns than the 3"),
        ('position,artist,title\n1,"A,T\n', "cannot be read as CSV"),
        ("position,artist,title\none,A,T\n", "line 2: position 'one'"),
        ("position,artist,title\n0,A,T\n", "line 2: position '0'"),
        ("position,artist,title\n-1,A,T\n", "line 2: position '-1'"),
        ("position,artist,title\n1.5,A,T\n", "line 2: position '1.5'"),
        ("position,artist,title\n²,A,T\n", "line 2: position '²'"),
        ("position,artist,title\n99999999999999999999,A,T\n", "line 2: position '99999999999999999999'"),
        ("position,artist,title\n1,A,T\n2,B,U\n1,C,V\n", "line 4: position 1 stands twice"),
        ("position,artist,title,isrc\n1,A,T,RUA1D26\n", "line 2: isrc 'RUA1D26'"),
        ("position,artist,title,isrc\n1,A,T,!!!!!!!!!!!!\n", "line 2: isrc '!!!!!!!!!!!!'"),
        ("position,artist,title,week\n1,A,T,2026-07-02\n2,B,U,soon\n", "line 3: week 'soon'"),
        ("position,artist,title,week\n1,A,T,2026-02-30\n", "line 2: week '2026-02-30'"),
        ("position,artist,title,week\n1,A,T,9999-12-31\n", "line 2: week '9999-12-31'"),
        ("position,artist,title,week\n1,A,T,0001-01-01\n", "line 2: week '0001-01-01'"),
        ("position,artist,title,source\n1,A,T,yandex\n", "holds no chart 'tophit-radio', but yandex:"),
        ("position,artist,title,chart\n1,A,T,vk\n", "holds no chart 'tophit-radio', but tophit-vk:"),
        ("source,position,artist,title,week\nx,1,A,T,bad\ntophit,1,A,T,worse\n", "line 2: week 'bad'"),
        ('{"charts": []}', "no chart rows"),
        ('{"charts": [{"position": 1, "track": {"name": "", "artists": []}}]}', "no chart rows"),
        ('{"charts": [{"position": 1, "track": {"name": "T", "artists": 5}}]}', "no chart rows"),
        ('{"something": 1}', "no list of rows"),
        ('{"entries": 5}', "no list of rows"),
        ("[1, 2]", "no list of rows"),
        ("[]", "holds no row"),
        ("[{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("<html><title>x</title></html>", "no chart rows"),
        ("<html><title>Just a moment...</title></html>", "challenge page"),
    ],
)
def test_a_file_that_cannot_be_a_chart_is_named_and_nothing_is_stored(given, nothing_stored, content, said):
    with pytest.raises(ImportFileError, match=f"(?s)chart.*{said}"):
        given(content)
    assert nothing_stored()


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_a_file_that_cannot_be_read_is_named(workspace, tmp_path, name):
    with pytest.raises(ImportFileError, match="cannot be read"):
        import_file(workspace, tmp_path / name, "tophit-radio", WEEK)


@pytest.mark.parametrize(
    "content",
    [CSV, '{"charts": [{"position": 1, "track": {"name": "T", "artists": [{"name": "A"}]}}]}'],
)
def test_without_a_week_it_says_how_to_give_one(given, nothing_stored, content):
    with pytest.raises(ImportFileError, match="--week"):
        given(content, week=None)
    assert nothing_stored()


def test_a_page_without_a_week_says_how_to_give_one(given, pages):
    with pytest.raises(ImportFileError, match="--week"):
        given(pages.page([pages.table_row(1)]), week=None)
    assert given(pages.page([pages.table_row(1)]))[0].week == WEEK


def test_a_page_of_another_chart_or_week_is_not_taken_for_this_one(given, nothing_stored, pages):
    body = pages.page([pages.table_row(1)], address=pages.address("vk"))
    with pytest.raises(ImportFileError, match="but tophit-vk: name that with --source"):
        given(body)
    with pytest.raises(ImportFileError, match=r"week 2026-07-02, not week 2026-07-09"):
        given(body, week=date(2026, 7, 9), source="tophit-vk")
    annual = pages.page([pages.table_row(1)], address="/chart/top/radio/hits/ru/annual/2024")
    with pytest.raises(ImportFileError, match="holds the year 2024, not week 2026-07-02"):
        given(annual)
    assert nothing_stored()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("tophit", "name it, like --source tophit-CHART"),
        ("", "like tophit-radio"),
        ("radio", "like tophit-radio"),
        ("yandex-top", "yandex has no chart 'top'; choose from chart"),
    ],
)
def test_a_source_names_its_chart(given, nothing_stored, source, said):
    with pytest.raises(ImportFileError, match=said):
        given(CSV, source=source)
    assert nothing_stored()


def test_a_page_is_understood_for_its_own_source_alone(given, pages):
    with pytest.raises(ImportFileError, match="yandex: the answer is a web page instead of JSON"):
        given(pages.page([pages.table_row(1)]), source="yandex-chart")
    assert given(CSV, source="yandex-chart")[0].rows == 2


def test_one_bad_week_keeps_all_weeks_out(given, nothing_stored):
    with pytest.raises(ImportFileError, match="line 3"):
        given("week,position,artist,title\n2026-06-25,1,A,T\n2026-07-02,none,B,U\n", week=None)
    assert nothing_stored()


def test_a_country_left_blank_is_the_settings_country(given, workspace):
    given("position,artist,title,country\n1,A,T,\n2,B,U,kz\n")
    with workspace.store.reading() as connection:
        stored = connection.execute(select(tables.entry.c.position, tables.entry.c.country)).all()
    assert sorted(map(tuple, stored)) == [(1, "ru"), (2, "kz")]


@pytest.mark.parametrize(
    ("source", "content", "country", "assumed"),
    [
        ("my-top", "position,artist,title\n1,A,T\n", None, True),
        ("my-top", "position,artist,title\n1,A,T\n", "kz", False),
        ("my-top", "position,artist,title,country\n1,A,T,kz\n", None, False),
        ("tophit-radio", "position,artist,title\n1,A,T\n", None, False),
    ],
)
def test_a_country_that_nobody_said_is_named(workspace, tmp_path, caplog, source, content, country, assumed):
    file = tmp_path / "top.csv"
    file.write_text(content)
    import_file(workspace, file, source, WEEK, country=country)
    said = "top.csv does not say its country: my is taken for a chart of ru, whose composite it counts in; --country"
    assert (said in caplog.text) == assumed


def test_faults_of_a_file_are_in_the_gap(given, pages):
    (outcome,) = given(json.dumps({"charts": [pages.payload_row(1), pages.payload_row(1, "Other"), {"x": 1}]}))
    assert "position 1 stands twice" in outcome.gap
    assert "without a position" in outcome.gap


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("topht-radio", "did you mean 'tophit'"),
        ("../../etc-x", "small letters with a hyphen"),
        ("-x", "small letters with a hyphen"),
        ("my radio-top", "small letters with a hyphen"),
        ("chartropy-composite", "chartropy is no source of charts"),
    ],
)
def test_a_slip_of_the_pen_makes_no_new_source(given, nothing_stored, source, said):
    with pytest.raises(ImportFileError, match=said):
        given(CSV, source=source)
    assert nothing_stored()


def test_a_week_to_come_is_none(given, nothing_stored, monkeypatch):
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-03")
    with pytest.raises(ImportFileError, match="is for the week 2026-07-16, which has not begun"):
        given(CSV, week=date(2026, 7, 14))
    assert nothing_stored()


def test_albums_are_not_taken_for_a_table_of_songs(given, nothing_stored):
    albums = {"name": "jazz-albums", "date": "2026-07-04", "entries": [{"rank": 1, "artist": "A", "title": "T"}]}
    with pytest.raises(ImportFileError, match="ranks albums or people, not songs"):
        given(json.dumps(albums), source="billboard-hot-100")
    assert nothing_stored()


def test_two_editions_in_one_week_are_counted_each(given, workspace):
    (workspace.folder / "chartropy.toml").write_text(
        '[sources.city]\ncharts = ["top"]\ncolumns = {position = "n", artist = "a", title = "t", period_end = "d"}\n'
    )
    from chartropy.workspace.settings import load_settings

    workspace.settings = load_settings(workspace.folder)
    outcomes = given("n,a,t,d\n1,A,T,2026-06-28\n1,A,T,2026-07-02\n2,B,U,2026-07-02\n", source="city-top", week=None)
    assert [outcome.rows for outcome in outcomes] == [1, 2]


def test_charts_of_a_table_that_were_not_asked_for_are_named(given, caplog):
    given("chart,position,artist,title\nradio,1,A,T\nvk,1,B,U\n")
    assert "also holds vk, which were not asked for" in caplog.text
