"""Every source that is listed is complete: it says what it gives and needs, is documented, tested, and refuses noise."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import json
import re
import subprocess
import sys
from datetime import date
from operator import attrgetter
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartropy.charts.collect import collect, sources_of, wanted_charts
from chartropy.charts.periods import KINDS, Period
from chartropy.charts.rows import Page, clean
from chartropy.charts.source import form_of
from chartropy.charts.sources import SOURCES
from chartropy.reports.status import read_sources
from chartropy.workspace.errors import PageError, SettingsError, SourceRefused, SourceUnreachable
from chartropy.workspace.settings import load_settings

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "SOURCES.md"
WEEK = date(2026, 7, 2)

NO_FIXTURES = {"spotify"}
"""Its files are behind a login: none is in the shared material."""

every_source = pytest.mark.parametrize("name", SOURCES)


def module_of(name: str) -> ModuleType:
    file = HERE / "sources" / f"test_{name}.py"
    assert file.exists(), f"{name} has no tests: write {file}"
    spec = importlib.util.spec_from_file_location(f"tests_of_{name}", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TESTS = {name: module_of(name) for name in SOURCES} | {"mine": module_of("table")}
"""What the tests of each source say of it, a table of the user's own included.

``ASKED``, the chart to ask for; ``FIXTURES``, the recorded answers; ``SAMPLES``, whole answers in every form that it
reads, the first as it comes when ``ASKED`` is asked for; ``ORIGIN``, where they are from; ``UNKNOWN``, what cannot be
asked for, and ``NO_CHART``, what is no chart, each with what the error says.
"""
ALL = SOURCES | {"mine": TESTS["mine"].SOURCE}

every_fetched = pytest.mark.parametrize("name", [name for name, source in ALL.items() if source.fetch])

every_sample = pytest.mark.parametrize(
    ("name", "whole"),
    [
        pytest.param(name, whole, id=f"{name}-{form_of(whole)}-{number}")
        for name, tests in TESTS.items()
        for number, whole in enumerate(tests.SAMPLES)
    ],
)
every_json_sample = pytest.mark.parametrize(
    ("name", "whole"),
    [
        pytest.param(name, whole, id=f"{name}-{number}")
        for name, tests in TESTS.items()
        for number, whole in enumerate(tests.SAMPLES)
        if form_of(whole) == "json"
    ],
)


@pytest.fixture
def settle(workspace):
    """Write the settings of the workspace, as a user does, and read them."""

    def write(text: str):
        (workspace.folder / "chartropy.toml").write_text(text, encoding="utf-8")
        workspace.settings = load_settings(workspace.folder)
        return workspace

    return write


# -- each --------------------------------------------------------------------------------------------------------------


@every_source
def test_it_says_what_it_is_in_short_lines(name):
    source = SOURCES[name]
    assert source.name == name
    assert re.fullmatch("[a-z]+", name)
    for line in (source.title, source.gives, source.needs):
        assert line
        assert line == " ".join(line.split())
        assert len(line) <= 150
    assert source.charts
    assert all(re.fullmatch("[a-z0-9-]+", chart) and platform for chart, platform in source.charts.items())
    assert source.kinds
    assert set(source.kinds) <= set(KINDS)
    assert source.form in ("html", "json", "xml", "csv")


@every_source
def test_it_is_fetched_or_says_what_file_to_bring(name):
    source = SOURCES[name]
    assert callable(source.parse)
    if source.fetch is None:
        assert re.search("csv|json|file|page", source.needs, re.I)
        assert not source.settings.base_url
    else:
        assert source.settings.base_url.startswith("https://")
        assert "rate" in source.settings.model_fields_set  # chosen for this source, not left to the default


@every_source
def test_the_charts_it_wants_are_charts_it_has(name):
    source = SOURCES[name]
    wanted = [chart.partition(":")[0] for chart in source.settings.charts]
    assert wanted
    assert set(wanted) <= set(source.charts)
    assert all(source.settings.expected(chart) for chart in wanted)


@every_source
def test_it_is_documented_with_a_way_to_import_a_saved_file(name):
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", DOCS.read_text(encoding="utf-8"), re.M | re.S))
    assert name in sections, f"docs/SOURCES.md has no section '## {name}'"
    for part in ("**Gives**", "**Needs**", "**Traps**", "**A saved file**"):
        assert part in sections[name]
    said = " ".join(sections[name].split())
    assert re.search(rf"chartropy import \S+ --source {name}-", said)
    assert ("**Asked**" in said) == (SOURCES[name].fetch is not None)


@every_source
def test_it_has_tests_with_recorded_answers_and_refusals(name, shared):
    module = TESTS[name]
    assert module.NO_CHART
    assert any(test.startswith("test_refuses_") for test in vars(module))
    if name in NO_FIXTURES:
        assert not (shared / "fixtures" / name).exists()
        return
    assert module.FIXTURES
    for file in module.FIXTURES:
        assert (shared / file).exists() or (shared / "fixtures" / file).exists(), f"{file} is not there"


# -- refusals ----------------------------------------------------------------------------------------------------------

CHALLENGES = (
    b"<html><title>Just a moment...</title></html>",
    b"<html><body><form action='/checkcaptcha'></form></body></html>",
    b"<!doctype html><form id='captcha-form'></form>",
)

READ_LATER = {"tophit", "mine"}
"""Their answers are not read when they are fetched, but after that."""


@pytest.fixture
def client(name, client_of):
    return client_of(ALL[name], retries=1, key="SECRET7f3a")


def fetched(client, name: str) -> tuple[Page, ...]:
    """Ask for the chart that the tests of a source ask for, and read it."""
    answer = ALL[name].fetch(client, TESTS[name].ASKED)
    return ALL[name].parse(answer.body, answer.url)


def instead(name: str) -> str:
    """Return how a refusal says what to do instead."""
    return f"([Ss]ave|download) .*chartropy import FILE --source {name}"


@every_fetched
def test_a_whole_answer_is_the_chart_that_was_asked_for(client, server, answer, name):
    tests = TESTS[name]
    server.otherwise = answer(tests.SAMPLES[0])
    (page,) = fetched(client, name)
    assert page.rows == ALL[name].parse(tests.SAMPLES[0], tests.ORIGIN)[0].rows
    assert (page.faults, page.broken) == ((), "")
    if name != "mine":  # a table need not say what it is
        assert (page.chart, page.country) == (tests.ASKED.chart, tests.ASKED.country)
    assert server.paths[:-1] == ["/robots.txt"] * ALL[name].settings.robots


@pytest.mark.parametrize(
    ("name", "asked", "why"),
    [
        pytest.param(name, asked, why, id=f"{name}-{number}")
        for name, source in SOURCES.items()
        if source.fetch
        for number, (asked, why) in enumerate(TESTS[name].UNKNOWN)
    ],
)
def test_a_chart_that_there_is_not_is_not_asked_for(client, server, name, asked, why):
    with pytest.raises(PageError, match=why):
        SOURCES[name].fetch(client, asked)
    assert server.asked == []


@every_fetched
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b"no"),
        (403, b""),
        *((403, page) for page in CHALLENGES),
        (451, b'{"error": {"name": "Unavailable For Legal Reasons"}}'),
    ],
)
def test_who_is_not_let_in_asks_no_more(client, server, answer, name, status, body):
    server.otherwise = answer(body, status=status)
    for _ in range(2):
        with pytest.raises(SourceRefused, match=f"^{name}: .*{status}.*{instead(name)}"):
            fetched(client, name)
    if ALL[name].credits:
        with pytest.raises(SourceRefused):
            ALL[name].credits(client, "123")
    assert len([path for path in server.paths if path != "/robots.txt"]) == 1


@every_fetched
@pytest.mark.parametrize("body", CHALLENGES)
def test_a_challenge_page_that_says_all_is_well_is_a_refusal_too(client, server, answer, name, body):
    server.otherwise = answer(body)
    for _ in range(2):
        with pytest.raises(SourceRefused, match=f"(?s)challenge page.*{instead(name)}"):
            fetched(client, name)
    assert client.refused
    assert len([path for path in server.paths if path != "/robots.txt"]) == 1


@every_fetched
def test_robots_txt_is_obeyed_where_pages_are_read_and_not_asked_of_an_interface(client, server, answer, name):
    server.otherwise = answer(TESTS[name].SAMPLES[0])
    server.say("/robots.txt", answer(b"User-agent: *\nDisallow: /"))
    if ALL[name].settings.robots:
        for _ in range(2):
            with pytest.raises(SourceRefused, match="robots.txt.*chartropy import"):
                fetched(client, name)
        assert server.paths == ["/robots.txt"]
    else:
        assert fetched(client, name)
        assert "/robots.txt" not in server.paths


@every_fetched
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"error": {"status": "INVALID_ARGUMENT"}}', PageError),
        (404, b"", PageError),
        (404, b"<html></html>", PageError),
        (500, b"oops", SourceUnreachable),
        (503, CHALLENGES[0], SourceUnreachable),
    ],
)
def test_what_fails_is_an_error_that_is_no_refusal(client, server, answer, name, status, body, error):
    server.otherwise = answer(body, status=status)
    with pytest.raises(error, match=str(status)) as raised:
        fetched(client, name)
    assert not client.refused
    if error is PageError:
        assert raised.value.body == body


@every_fetched
def test_an_answer_that_breaks_off_in_the_line_is_asked_for_again_and_then_unreachable(client, server, answer, name):
    server.otherwise = answer(TESTS[name].SAMPLES[0], how="cut")
    with pytest.raises(SourceUnreachable, match="broke off 2 times"):
        fetched(client, name)


def no_json(name: str) -> tuple[tuple[bytes, str], ...]:
    """Return what no source takes for JSON, each with what the error says."""
    noise = (b"", b"oops", b"\xff\xfe{", b"[" * 100_000, b'{"data": ' * 100_000, TESTS[name].SAMPLES[0][:-3])
    return (b"<html>busy</html>", "a web page instead of JSON"), *((body, "no whole JSON") for body in noise)


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        pytest.param(name, body, why, id=f"{name}-{number}")
        for name, source in SOURCES.items()
        for number, (body, why) in enumerate(TESTS[name].NO_CHART + (no_json(name) if source.form == "json" else ()))
    ],
)
def test_what_is_no_chart_is_refused_live_and_saved(client, server, answer, name, body, why):
    source = SOURCES[name]
    with pytest.raises(PageError, match=why) as error:
        source.parse(body, TESTS[name].ORIGIN)
    assert error.value.body == body
    if source.fetch:
        server.otherwise = answer(body)
        with pytest.raises(PageError, match=why) as error:
            fetched(client, name) if name in READ_LATER else source.fetch(client, TESTS[name].ASKED)
        assert error.value.body == body


# -- noise -------------------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
origins = st.sampled_from(["", "chart", "regional-kz-weekly-2026-07-02.csv", "https://127.0.0.1/chart/top/x?limit=1"])


def places(value: object) -> list[tuple]:
    """Every place in some JSON: what holds it, and under which key."""
    held = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in held for place in ((value, key), *places(inner))]


def read(name: str, body: bytes, origin: str) -> tuple[Page, ...]:
    """Read some body: what comes is fit to be stored."""
    source = ALL[name]
    pages = source.parse(body, origin)
    assert pages
    for page in pages:
        assert page.rows
        assert all(isinstance(text, str) and text for row in page.rows for text in (row.title, *row.artists))
        assert all(row.artists for row in page.rows)
        assert len({row.position for row in page.rows}) == len(page.rows)
        if source.form == "json":
            assert re.fullmatch("|global|[a-z]{2}", page.country)
            assert page.chart in source.charts or source.open_ended
    return pages


@every_source
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_chart_is_a_page_error(name, body):
    with pytest.raises(PageError) as error:
        SOURCES[name].parse(body, "chart")
    assert error.value.body == body


@every_source
@given(st.binary(max_size=300), origins)
def test_any_bytes_are_a_page_error(name, body, origin):
    with pytest.raises(PageError):
        SOURCES[name].parse(body, origin)


@every_source
@given(st.sampled_from(["{", "[", "<", "<html><table>", "rank,artist\n", '{"data": ', "\ufeff"]), st.text(max_size=200))
def test_whatever_text_comes_it_is_a_page_error_at_worst(name, head, text):
    with contextlib.suppress(PageError):
        read(name, (head + text).encode(errors="replace"), "chart")


@every_source
@given(anything)
def test_any_other_json_is_a_page_error(name, value):
    with pytest.raises(PageError):
        SOURCES[name].parse(json.dumps(value).encode(), "chart")


@every_sample
def test_a_whole_answer_is_read_without_a_fault(name, whole):
    (page,) = read(name, whole, TESTS[name].ORIGIN)
    assert (len(page.rows) > 1, page.faults, page.broken) == (True, (), "")


@every_json_sample
@given(st.data())
def test_json_with_anything_in_any_place_is_a_chart_or_a_page_error(name, whole, data):
    mutilated = json.loads(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        found = places(mutilated)
        if not found:
            break
        inside, key = data.draw(st.sampled_from(found))
        if data.draw(st.booleans()):
            inside[key] = data.draw(anything)
        elif isinstance(inside, list):
            inside.append(copy.deepcopy(inside[key]))
        else:
            del inside[key]
    with contextlib.suppress(PageError):
        read(name, json.dumps(mutilated).encode(), TESTS[name].ORIGIN)


@every_sample
@given(st.data(), st.binary(max_size=6) | st.text(max_size=6).map(str.encode))
def test_an_answer_with_noise_in_it_and_cut_is_a_chart_or_a_page_error(name, whole, data, noise):
    at, end = data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, len(whole)))
    told = (whole[:at] + noise + whole[at + len(noise) :])[: len(whole) - end]
    with contextlib.suppress(PageError):
        read(name, told, TESTS[name].ORIGIN)


@every_sample
def test_an_answer_cut_anywhere_is_a_page_error_or_says_so(name, whole):
    if form_of(whole) == "json":
        whole = json.dumps(json.loads(whole), ensure_ascii=False).encode()  # cut inside of letters, too
    names = attrgetter("position", "artists", "title")
    (page,) = read(name, whole, TESTS[name].ORIGIN)
    for end in range(len(whole.rstrip())):
        try:
            (cut,) = read(name, whole[:end], TESTS[name].ORIGIN)
        except PageError:
            continue
        assert form_of(whole) != "json"
        if not (
            cut.broken or cut.faults
        ):  # what is cut between two lines, or in numbers at the end of one, looks whole
            assert form_of(whole) == "csv"
            assert {names(row) for row in cut.rows} <= {names(row) for row in page.rows}


# -- all ---------------------------------------------------------------------------------------------------------------


def test_the_command_lists_every_source_and_what_to_know_of_it(workspace):
    command = [sys.executable, "-c", "from chartropy.reports.cli import main; main()", "sources"]
    done = subprocess.run(
        [*command, "--workspace", workspace.folder], capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = dict(re.findall(r"^(\w+): (.*?)(?=^\w|\Z)", done.stdout, re.M | re.S))
    assert list(said) == list(SOURCES)
    for name, source in SOURCES.items():
        assert said[name].startswith(source.title)
        for line in (f"gives: {source.gives}", f"needs: {source.needs}", "last success: never", "last error: none"):
            assert f"    {line}\n" in said[name]
        assert all(chart in said[name] for chart in source.charts)
        assert ("(not collected now)" in said[name]) == (name not in workspace.settings.collect)


def test_all_that_is_collected_by_default_can_be(workspace):
    assert {chart.source for chart in wanted_charts(workspace)} == set(workspace.settings.collect)
    assert all(SOURCES[name].fetch for name in workspace.settings.collect)


def test_a_table_of_the_users_own_is_listed_like_any_source(settle):
    workspace = settle(
        'collect = ["club"]\n'
        '[sources.city]\ncolumns = {artist = "Who", title = "What"}\ncharts = ["top"]\ncountry = "kz"\n'
        '[sources.club]\ncolumns = {artist = "a", title = "t"}\ncharts = ["dance"]\n'
        'base_url = "https://club.example"\npath = "{chart}.json"\n'
    )
    assert list(sources_of(workspace)) == [*SOURCES, "city", "club"]
    listed = {row["name"]: row for row in read_sources(workspace)}
    city, club = listed["city"], listed["club"]
    assert (city["charts"], city["collected"]) == ("top, and more: see docs/SOURCES.md; wanted: top (kz)", False)
    assert "imported from files" in str(city["gives"])
    assert "your files" in str(city["needs"])
    assert ("https://club.example/{chart}.json" in str(club["gives"]), club["collected"]) == (True, True)
    assert (club["last success"], club["last error"]) == ("never", "none")


def test_a_source_that_there_is_not_is_named_with_the_choices(settle):
    workspace = settle('collect = ["tophit", "yandx"]\n')
    with pytest.raises(SettingsError, match=f"'yandx': there is no such source; choose from {', '.join(SOURCES)}"):
        collect(workspace, WEEK)


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.fetch and not source.open_ended])
def test_a_chart_that_there_is_not_is_named_with_the_choices(settle, name):
    workspace = settle(f'collect = ["{name}"]\n[sources.{name}]\ncharts = ["nothing:ru"]\n')
    choices = re.escape(", ".join(SOURCES[name].charts))
    with pytest.raises(SettingsError, match=f"sources.{name}.charts = 'nothing:ru'.*choose from {choices}"):
        collect(workspace, WEEK)


# -- how it went last --------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_last_success_and_last_error_are_those_of_the_last_collecting(settle, server, monkeypatch):
    workspace = settle(
        f'collect = ["apple"]\n[sources.apple]\nbase_url = "{server.url}"\nrate = {{requests = 1000, seconds = 1}}\n'
    )
    path = "/api/v2/ru/music/most-played/100/songs.json"
    song = {"id": "1", "name": "Life", "artistName": "Zivert", "kind": "songs"}
    feed = {"title": "Top Songs", "country": "ru", "updated": "Fri, 3 Jul 2026 09:00:00 +0000", "results": [song]}

    def went(day: str) -> tuple[object, object]:
        monkeypatch.setenv("CHARTROPY_NOW", f"{day}T12:00")
        collect(workspace, date(2026, 7, 9))
        row = next(row for row in read_sources(workspace) if row["name"] == "apple")
        return row["last success"], row["last error"]

    server.say_json(path, {"feed": []})
    success, error = went("2026-07-03")
    assert success == "never"
    assert str(error).startswith("2026-07-03T09:00:00+00:00: apple: ")
    server.say_json(path, {"feed": feed})
    assert went("2026-07-04") == ("2026-07-04T09:00:00+00:00", error)
    server.answers.clear()
    success, error = went("2026-07-05")
    assert success == "2026-07-04T09:00:00+00:00"
    assert str(error).startswith("2026-07-05T09:00:00+00:00: ")
    assert "404" in str(error)


# -- the test world ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dated", "artists", "more"),
    [
        ("apple", "taken", " & ".join, "track_id"),
        ("deezer", "", lambda artists: artists[0], "track_id"),
        ("shazam", "taken", lambda artists: artists[0], ""),
        ("yandex", "taken", None, "track_id plays"),
        ("youtube", "period", None, "track_id plays"),
    ],
)
def test_the_rows_of_the_world_are_what_it_published(world, workspace, name, dated, artists, more):
    source, asked = SOURCES[name], TESTS[name].ASKED
    client = workspace.client(name, source.settings.model_copy(update={"base_url": f"{world.url}/{name}"}))
    (page,) = fetched(client, name)
    charts = world.charts()
    newest = max(week for platform, week in charts if platform == name)
    day = date.fromisoformat(newest)
    assert (page.chart, page.country) == (asked.chart, "" if name == "youtube" else asked.country)
    assert page.taken == (day if dated == "taken" else None)
    assert page.period == (Period.week(day) if dated == "period" else None)
    published = charts[name, newest]
    assert [row.position for row in page.rows] == sorted(published)
    for row in page.rows:
        recording = published[row.position]
        people, title = recording["spelled"][name]
        people = people if artists is None else [artists(people)]
        assert (row.artists, row.title) == (tuple(map(clean, people)), clean(title))  # it may spell й as и and a breve
        assert row.track_id == (recording["ids"][name] if "track_id" in more else "")
        assert bool(row.plays) == ("plays" in more)


# -- one more ----------------------------------------------------------------------------------------------------------


def test_the_source_that_contributing_shows_works_as_it_stands_there(monkeypatch, settle, server):
    (shown,) = re.findall(r"```python\n(.*?)```", (HERE.parents[1] / "CONTRIBUTING.md").read_text("utf-8"), re.S)
    module = ModuleType("chartropy.charts.sources.example")
    module.__package__ = "chartropy.charts.sources"
    exec(compile(shown, "CONTRIBUTING.md", "exec"), module.__dict__)
    monkeypatch.setitem(SOURCES, "example", module.SOURCE)
    rows = [{"place": 1, "artist": "Ёлка", "song": "Прованс"}, {"place": 2, "artist": "Zivert", "song": "Life"}, "?"]
    server.say_json("/top.json", {"top": rows})
    workspace = settle(f'collect = ["example"]\n[sources.example]\nbase_url = "{server.url}"\nexpected_rows = 2\n')
    (outcome,) = collect(workspace, WEEK)
    assert (str(outcome.chart), outcome.rows) == ("example-top (ru)", 2)
    assert outcome.gap == "a row without a place: ?; left out"
    assert server.asked[0][1] == "/top.json?week=2026-07-02"
    with pytest.raises(PageError, match="no row has a place"):
        module.parse(b'{"top": ["?"]}')
