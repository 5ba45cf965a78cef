"""A wrong setting says which one, its value and where it came from; a right one holds from file or environment."""

from __future__ import annotations

import logging
from datetime import datetime

import pytest

from chartropy.workspace import clock
from chartropy.workspace.errors import ChartropyError, SettingsError
from chartropy.workspace.settings import Source, load_settings

OWN = Source(base_url="https://tophit.example", charts=("radio",), country="kz", retries=2)


@pytest.fixture
def settings_of(tmp_path):
    def load(toml: str | bytes = ""):
        (tmp_path / "chartropy.toml").write_bytes(toml if isinstance(toml, bytes) else toml.encode())
        return load_settings(tmp_path)

    return load


def test_nothing_needs_to_be_set(tmp_path):
    settings = load_settings(tmp_path)
    assert settings.sources == {}
    assert settings.collect == ("tophit", "yandex", "youtube", "apple", "deezer", "shazam")
    assert settings.source("tophit", OWN) == OWN
    assert settings.providers == ("deezer", "itunes")
    assert settings.week_ends == "thursday"


def test_the_file_is_read(settings_of):
    settings = settings_of('contact = "me@example.org"\n[sources.tophit]\nbase_url = "http://localhost:1/tophit/"\n')
    assert settings.contact == "me@example.org"
    tophit = settings.source("tophit", OWN)
    assert tophit.base_url == "http://localhost:1/tophit"  # no doubled slash later
    assert (tophit.country, tophit.charts) == ("kz", ("radio",))  # what the table does not name stays


def test_the_environment_stands_over_the_file(settings_of, monkeypatch):
    monkeypatch.setenv("CHARTROPY_CONTACT", "env@example.org")
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__RETRIES", "1")
    settings = settings_of('contact = "file@example.org"\n[sources.tophit]\nretries = 5\ntimeout = 7\n')
    assert settings.contact == "env@example.org"
    tophit = settings.source("tophit", OWN)
    assert (tophit.retries, tophit.timeout, tophit.country) == (1, 7, "kz")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("jobs = 'many'", "jobs = 'many'"),
        ("jobs = 0", "jobs = 0"),
        ("lock_wait = -1", "lock_wait = -1"),
        ("keep_audio = 'perhaps'", "keep_audio = 'perhaps'"),
        ("week_ends = 'Donnerstag'", "week_ends = 'Donnerstag'"),
        ("timezone = 'Mars/Olympus'", "timezone = 'Mars/Olympus'"),
        ("timezone = 'Europe'", "timezone = 'Europe'"),  # a folder of zones
        ("timezone = '../../secret'", "timezone = '../../secret'"),
        ("providers = ['deezer', 'napster']", "providers.1 = 'napster'"),
        ('contact = "a\\nX-Evil: 1"', "contact = 'a\\nX-Evil: 1'"),
        ("sources = 3", "sources = 3"),
        ("[sources]\ntophit = 3", "sources.tophit = 3"),
        ("[sources.tophit]\nbase_url = 'tophit.com'", "sources.tophit.base_url = 'tophit.com'"),
        ("[sources.tophit]\nexpected_rows = 'all'", "sources.tophit.expected_rows = 'all'"),
        ("[sources.tophit.rate]\nrequests = 0", "sources.tophit.rate.requests = 0"),
        ("[sources.deezer]\ntimeout = 'soon'", "sources.deezer.timeout = 'soon'"),
    ],
)
def test_a_wrong_value_names_file_key_and_value(settings_of, tmp_path, toml, said):
    with pytest.raises(SettingsError) as error:
        settings_of(toml)
    assert f"{tmp_path / 'chartropy.toml'}, {said}: " in str(error.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CHARTROPY_JOBS", "many"),
        ("CHARTROPY_PROVIDERS", "deezer"),  # a list is JSON
        ("CHARTROPY_SOURCES", "everything"),
        ("CHARTROPY_SOURCES__TOPHIT__CHARTS", "radio"),
        ("CHARTROPY_SOURCES__TOPHIT__EXPECTED_ROWS", "all"),
        ("CHARTROPY_SOURCES__TOPHIT__RATE__REQUESTS", "0"),
        ("CHARTROPY_SOURCES__ITUNES__BASE_URL", "itunes"),
        ("CHARTROPY_CONTACT", "Ирина"),  # would break the header it goes into
    ],
)
def test_a_wrong_value_names_the_variable_and_the_value(settings_of, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as error:
        settings_of()
    assert f"environment variable {variable} = {value!r}: " in str(error.value)


def test_a_wrong_value_inside_a_variable_names_the_variable_not_the_file(settings_of, monkeypatch):
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__RATE", '{"requests": 0, "seconds": 1}')
    with pytest.raises(SettingsError, match=r"CHARTROPY_SOURCES__TOPHIT__RATE, sources\.tophit\.rate\.requests = 0"):
        settings_of()


def test_all_wrong_values_are_named_at_once(settings_of):
    with pytest.raises(SettingsError) as error:
        settings_of("jobs = 'x'\nkeep_audio = 'x'")
    assert "jobs = 'x'" in str(error.value)
    assert "keep_audio = 'x'" in str(error.value)


@pytest.mark.parametrize(
    ("toml", "meant"),
    [
        ("contakt = 'me'", "contact"),
        ("[sources.tophit]\nexpected_row = 3", "expected_rows"),
        ("[sources.tophit.rate]\nrequest = 3", "requests"),
    ],
)
def test_a_misspelled_key_gets_a_suggestion(settings_of, toml, meant):
    with pytest.raises(SettingsError, match=f"did you mean '{meant}'"):
        settings_of(toml)


def test_a_misspelled_variable_gets_a_suggestion(settings_of, monkeypatch, caplog):
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__BASE_ULR", "http://localhost")
    with pytest.raises(SettingsError, match="BASE_ULR: there is no such setting; did you mean 'base_url'"):
        settings_of()
    monkeypatch.delenv("CHARTROPY_SOURCES__TOPHIT__BASE_ULR")
    monkeypatch.setenv("CHARTROPY_CONTAKT", "me")
    with caplog.at_level(logging.WARNING):
        settings_of()
    assert "CHARTROPY_CONTAKT: there is no such setting; did you mean 'contact'" in caplog.text


def test_other_variables_of_chartropy_are_no_misspellings(settings_of, monkeypatch, caplog):
    monkeypatch.setenv("CHARTROPY_WORKSPACE", "somewhere")
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-03")
    settings_of()
    assert not caplog.records


@pytest.mark.parametrize("toml", ["a = = 3", "[sources", b"\xff\xfe\x00"])
def test_a_file_that_is_no_toml_is_named(settings_of, toml):
    with pytest.raises(SettingsError, match="chartropy.toml"):
        settings_of(toml)


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("expected_rows = 50", {"*": 50}),
        ("expected_rows = {radio = 7, vk = 8, youtube = 9}", {"radio": 7, "vk": 8, "youtube": 9}),
    ],
)
def test_expected_rows_are_one_number_or_one_per_chart(settings_of, toml, expected):
    assert settings_of(f"[sources.tophit]\n{toml}").sources["tophit"].expected_rows == expected


def test_expected_rows_from_the_environment(settings_of, monkeypatch):
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__EXPECTED_ROWS", "40")
    assert settings_of().sources["tophit"].expected_rows == {"*": 40}
    monkeypatch.delenv("CHARTROPY_SOURCES__TOPHIT__EXPECTED_ROWS")
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__EXPECTED_ROWS__RADIO", "30")
    assert settings_of().sources["tophit"].expected_rows == {"radio": 30}


@pytest.mark.parametrize(
    ("expected_rows", "weekly", "annual", "decade"),
    [
        ({"*": 100}, 100, 100, 100),
        ({"*": 100, "annual": 200}, 100, 200, 100),
        ({"weekly": 100, "annual": 200}, 100, 200, None),
        ({"radio": 7, "annual": 200}, 7, 7, 7),
        ({}, None, None, None),
    ],
)
def test_expected_rows_by_chart_then_by_kind_of_period(expected_rows, weekly, annual, decade):
    source = Source(expected_rows=expected_rows)
    assert source.expected("radio") == weekly
    assert [source.expected("radio", kind) for kind in ("weekly", "annual", "decade")] == [weekly, annual, decade]


def test_settings_cannot_be_changed_once_read(settings_of):
    with pytest.raises(ValueError, match="frozen"):
        settings_of().contact = "x"


# -- the clock ---------------------------------------------------------------------------------------------------------


def test_the_clock_is_what_the_variable_says(monkeypatch):
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-03")
    assert clock.now().isoformat() == "2026-07-03T00:00:00+03:00"
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-02T23:30:00+00:00")
    assert clock.now().date().isoformat() == "2026-07-03"  # already tomorrow in Moscow


def test_without_the_variable_the_clock_is_the_systems():
    assert abs((clock.now("UTC") - datetime.now().astimezone()).total_seconds()) < 5


@pytest.mark.parametrize("told", ["yesterday", "2026-13-01", "03.07.2026"])
def test_a_clock_that_tells_no_date_is_named(monkeypatch, told):
    monkeypatch.setenv("CHARTROPY_NOW", told)
    with pytest.raises(ChartropyError, match=f"CHARTROPY_NOW='{told}'"):
        clock.now()
