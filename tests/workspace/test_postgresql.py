"""On a server: what goes wrong is a plain sentence without the password, and who lost the lock writes nothing more."""

from __future__ import annotations

import sys
import time

import pytest
from pyrate_limiter import RateItem
from sqlalchemy import make_url, select, text

from chartropy.workspace import tables
from chartropy.workspace.errors import DiskFull, SettingsError, WorkspaceError, WorkspaceReadOnly
from chartropy.workspace.rates import bucket
from chartropy.workspace.settings import Rate
from chartropy.workspace.store import Store, upsert
from chartropy.workspace.workspace import Workspace


@pytest.fixture
def url(empty_database_url):
    return make_url(empty_database_url)


@pytest.fixture
def store(url):
    opened = Store(url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def on_server(tmp_path, store, url, monkeypatch):
    monkeypatch.setenv("CHARTROPY_DATABASE_URL", url.render_as_string(hide_password=False))
    with Workspace(tmp_path / "w") as workspace:
        yield workspace


def put(store: Store, title: str) -> int:
    row = {"recording_id": "r", "artist": "a", "title": title, "version": "", "isrc": None}
    with store.transaction() as connection:
        return upsert(connection, tables.recording, [row])


def titles(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.scalars(select(tables.recording.c.title)))


# -- connecting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_any_spelling_of_the_scheme_uses_the_one_driver(url, driver):
    store = Store(url.set(drivername=driver))
    assert store.form() == "none"
    assert store.engine.dialect.driver == "psycopg"
    store.close()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "SECRET-wrong"}, r"refuses the user or the password \(password authentication failed"),
        ({"username": "nobody"}, r"refuses the user or the password \(.*\"nobody\""),
        ({"database": "nowhere"}, r"there is no such database \(.*\"nowhere\""),
        ({"port": 1}, r"cannot be reached \(Connection refused\)"),
        ({"host": "no.such.host.invalid"}, r"cannot be reached \(.*(resolve|not known)"),
    ],
)
def test_a_server_that_cannot_be_used_is_named_with_the_reason(url, changes, said):
    store = Store(url.set(**changes))
    with pytest.raises(WorkspaceError, match=said) as error:
        store.form()
    assert "SECRET" not in str(error.value)
    store.close()


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://me:SECRET@localhost:port/x",
        "postgresql//me:SECRET@localhost/x",
        "postgresql://me:SEC@SECRET@localhost/x",
        "mysql://me:SECRET@localhost/x",
    ],
)
def test_a_wrong_url_is_named_without_its_password(wrong):
    with pytest.raises(SettingsError, match=r"database_url = '.*\*\*\*@localhost") as error:
        Store(wrong)
    assert "SEC" not in str(error.value)


def test_a_password_in_the_query_is_not_shown_either():
    store = Store("postgresql://127.0.0.1:1/x?user=me&password=SECRET")
    with pytest.raises(WorkspaceError, match="cannot be reached") as error:
        store.form()
    assert "SECRET" not in str(error.value)
    store.close()


def test_a_missing_driver_is_named_with_the_way_to_install_it(url, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "psycopg"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SettingsError, match=r"pip install 'chartropy\[postgresql\]'"):
        Store(url)


def test_looking_at_an_empty_database_makes_no_workspace(tmp_path, url, monkeypatch):
    monkeypatch.setenv("CHARTROPY_DATABASE_URL", url.render_as_string(hide_password=False))
    with pytest.raises(WorkspaceError, match=r"no workspace at postgresql://.*\*\*\*@.*chartropy weekly"):
        Workspace(tmp_path / "w")
    store = Store(url)
    assert store.form() == "none"
    store.close()


# -- while it is used --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("53100", DiskFull, "The disk that holds postgresql://.* is full. What was stored is safe"),
        ("25006", WorkspaceReadOnly, "cannot be written to"),
        ("42501", WorkspaceReadOnly, "give its user the right"),
        ("57P01", WorkspaceError, "connection .* was lost"),
        ("57P03", WorkspaceError, "cannot be reached"),
        ("XX001", WorkspaceError, "is damaged"),
        ("22001", WorkspaceError, "so it went"),
    ],
)
def test_what_the_server_refuses_is_a_plain_sentence(store, code, kind, said):
    put(store, "before")
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'so it went' USING ERRCODE = '{code}'; END $$"
    with pytest.raises(WorkspaceError, match=said) as error, store.transaction() as connection:
        connection.execute(text(statement))
    assert type(error.value) is kind
    assert "SECRET" not in str(error.value)
    assert titles(store) == ["before"]


def test_a_read_only_server_is_read_and_says_that_it_cannot_be_written(store, url, postgresql):
    put(store, "before")
    postgresql.run(f"ALTER DATABASE {url.database} SET default_transaction_read_only = on")
    other = Store(url)
    other.migrate()
    with pytest.raises(WorkspaceReadOnly, match="cannot be written to"):
        put(other, "after")
    assert titles(other) == ["before"]
    other.close()


def test_what_is_read_in_one_go_is_one_state(store):
    with store.reading() as connection:
        first = list(connection.scalars(select(tables.recording.c.title)))
        put(store, "meanwhile")
        assert list(connection.scalars(select(tables.recording.c.title))) == first == []
    assert titles(store) == ["meanwhile"]


def test_a_server_that_was_restarted_in_between_is_used_again(store, url, postgresql):
    put(store, "before")
    cut_off(postgresql, url)
    assert titles(store) == ["before"]
    cut_off(postgresql, url)
    assert put(store, "after") == 1


# -- the lock ----------------------------------------------------------------------------------------------------------


def cut_off(postgresql, url) -> None:
    postgresql.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.database}'")
    time.sleep(0.1)


def test_who_lost_the_connection_writes_nothing_without_the_lock(on_server, url, postgresql):
    with on_server.writing():
        put(on_server.store, "before")
        cut_off(postgresql, url)
        with pytest.raises(WorkspaceError, match=r"connection to postgresql://.* was lost.*run again"):
            put(on_server.store, "after")
        for _ in range(2):
            with pytest.raises(WorkspaceError, match="another run may be writing now"):
                put(on_server.store, "after")
        assert titles(on_server.store) == ["before"]
    with on_server.writing():
        put(on_server.store, "again")
    assert titles(on_server.store) == ["again"]


def test_who_loses_the_connection_in_a_transaction_stores_nothing_of_it(on_server, url, postgresql):
    with on_server.writing():
        with pytest.raises(WorkspaceError, match="was lost"), on_server.store.transaction() as connection:
            connection.execute(tables.recording.delete())
            cut_off(postgresql, url)
            with Workspace(on_server.folder) as other, other.writing():
                put(other.store, "the other")
            connection.execute(tables.recording.delete())
        assert titles(on_server.store) == ["the other"]


def test_two_databases_of_one_server_have_two_locks(on_server, tmp_path, postgresql, monkeypatch):
    elsewhere = postgresql.database()
    monkeypatch.setenv("CHARTROPY_DATABASE_URL", elsewhere)
    with on_server.writing(), Workspace(tmp_path / "other") as other, other.writing():
        put(other.store, "here")
        assert titles(on_server.store) == []
    postgresql.drop(elsewhere)


# -- rates -------------------------------------------------------------------------------------------------------------


def test_machines_in_other_time_zones_keep_one_rate(store, url, tmp_path, monkeypatch):
    rate = Rate(requests=2, seconds=60)
    here = bucket(store, tmp_path, "s", rate)
    monkeypatch.setenv("PGTZ", "America/New_York")
    far = Store(url)
    there = bucket(far, tmp_path, "s", rate)
    assert [here.put(RateItem("x", here.now())), there.put(RateItem("x", there.now()))] == [True, True]
    late = RateItem("x", here.now())
    assert not here.put(late)
    assert 50_000 < here.waiting(late) <= 60_000
    here.close()
    assert not there.put(RateItem("x", there.now()))  # one is closed, the other goes on
    there.close()
    far.close()


def test_a_server_that_is_gone_is_named_when_a_request_is_to_be_remembered(postgresql, tmp_path):
    gone = postgresql.database(empty=True)
    store = Store(gone)
    recent = bucket(store, tmp_path, "s", Rate(requests=2, seconds=60))
    postgresql.drop(gone)
    with pytest.raises(WorkspaceError, match="no such database"):
        recent.put(RateItem("x", recent.now()))
    assert recent.leak(recent.now()) == 0
    recent.close()
    store.close()
