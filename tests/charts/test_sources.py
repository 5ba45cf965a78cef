"""Every source that is listed is complete: it says what it gives and needs, is documented, tested, and refuses noise."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartropy.charts.collect import collect, sources_of, wanted_charts
from chartropy.charts.periods import KINDS
from chartropy.charts.sources import SOURCES
from chartropy.reports.status import read_sources
from chartropy.workspace.errors import PageError, SettingsError
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
    module = module_of(name)
    assert any(test.startswith("test_refuses_") for test in vars(module))
    if name in NO_FIXTURES:
        assert not (shared / "fixtures" / name).exists()
        return
    assert module.FIXTURES
    for file in module.FIXTURES:
        assert (shared / file).exists() or (shared / "fixtures" / file).exists(), f"{file} is not there"


# -- noise -------------------------------------------------------------------------------------------------------------

origins = st.sampled_from(["", "chart", "regional-kz-weekly-2026-07-02.csv", "https://127.0.0.1/chart/top/x?limit=1"])


@every_source
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_chart_is_a_page_error(name, body):
    with pytest.raises(PageError):
        SOURCES[name].parse(body, "chart")


@every_source
@given(st.binary(max_size=300), origins)
def test_whatever_bytes_come_it_is_a_page_error_at_worst(name, body, origin):
    with contextlib.suppress(PageError):
        assert all(page.rows for page in SOURCES[name].parse(body, origin))


@every_source
@given(st.sampled_from(["{", "[", "<", "<html><table>", "rank,artist\n", '{"data": ', "\ufeff"]), st.text(max_size=200))
def test_whatever_text_comes_it_is_a_page_error_at_worst(name, head, text):
    with contextlib.suppress(PageError):
        assert all(page.rows for page in SOURCES[name].parse((head + text).encode(errors="replace"), "chart"))


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
