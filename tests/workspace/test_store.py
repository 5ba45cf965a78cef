"""Writes are idempotent and whole; whatever goes wrong with the database is a plain sentence and loses nothing stored."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import textwrap
from datetime import datetime, timedelta, timezone

import hypothesis
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from chartropy.workspace import tables
from chartropy.workspace.errors import DiskFull, SettingsError, WorkspaceError, WorkspaceTooNew
from chartropy.workspace.store import MIGRATIONS, Store, digest, revisions, timestamp, upsert


@pytest.fixture
def url(tmp_path, database_url) -> str:
    return database_url or f"sqlite:///{tmp_path / 'test.sqlite'}"


@pytest.fixture
def store(url):
    opened = Store(url)
    opened.migrate()
    yield opened
    opened.close()


def recording(number: int, title: str = "t") -> dict:
    return {"recording_id": f"r{number}", "artist": "a", "title": title, "version": "", "isrc": None}


def titles(store: Store) -> dict[str, str]:
    query = select(tables.recording.c.recording_id, tables.recording.c.title)
    with store.reading() as connection:
        return {row.recording_id: row.title for row in connection.execute(query)}


def put(store: Store, rows: list[dict], **options) -> int:
    with store.transaction() as connection:
        return upsert(connection, tables.recording, rows, **options)


# -- upserts -----------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_an_upsert_counts_what_is_new_or_changed_and_only_that(store):
    assert put(store, [recording(1), recording(2)]) == 2
    assert put(store, [recording(1), recording(2)]) == 0
    assert put(store, [recording(1), recording(2, "other"), recording(3)]) == 2
    assert titles(store) == {"r1": "t", "r2": "other", "r3": "t"}


@pytest.mark.both_databases
def test_an_upsert_of_nothing_is_nothing(store):
    assert put(store, []) == 0


@pytest.mark.both_databases
def test_an_empty_value_differs_from_a_filled_one_both_ways(store):
    filled = recording(1) | {"isrc": "RUA1D2600001"}
    assert [put(store, [row]) for row in (recording(1), filled, filled, recording(1), recording(1))] == [1, 1, 0, 1, 0]


@pytest.mark.both_databases
def test_a_time_alone_is_no_reason_to_change_a_row(store):
    page = dict.fromkeys((column.name for column in tables.page.columns), "x") | {"page_id": "p", "body": b"x"}

    def store_page(**other) -> int:
        with store.transaction() as connection:
            return upsert(connection, tables.page, [page | other], unless_only=("fetched_at",))

    assert store_page(fetched_at="first") == 1
    assert store_page(fetched_at="second") == 0
    with store.reading() as connection:
        assert connection.scalar(select(tables.page.c.fetched_at)) == "first"
    assert store_page(fetched_at="third", problem=None) == 1


@pytest.mark.both_databases
def test_many_rows_are_stored_and_counted_exactly(store):
    rows = [recording(number) for number in range(70_000)]
    assert put(store, rows) == 70_000
    assert put(store, rows) == 0
    assert (
        put(store, [row | {"title": "other"} if number % 7 == 0 else row for number, row in enumerate(rows)]) == 10_000
    )


@pytest.mark.both_databases
def test_a_key_that_stands_twice_keeps_what_came_last(store):
    assert put(store, [recording(1), recording(1, "other")]) == 2
    assert titles(store) == {"r1": "other"}


@pytest.mark.both_databases
def test_a_transaction_that_fails_leaves_nothing(store):
    put(store, [recording(1)])
    with pytest.raises(ZeroDivisionError), store.transaction() as connection:
        upsert(connection, tables.recording, [recording(1, "changed"), recording(2)])
        _ = 1 / 0
    assert titles(store) == {"r1": "t"}


@pytest.mark.both_databases
def test_an_entry_of_no_known_recording_is_refused(store):
    spelling = {"recording_id": "none", "source": "s", "artist": "a", "title": "t", "isrc": "", "track_id": ""}
    with pytest.raises(WorkspaceError, match="(?i)foreign key"), store.transaction() as connection:
        upsert(connection, tables.spelling, [spelling])


@pytest.mark.both_databases
def test_what_was_read_is_a_frame_with_named_columns(store):
    assert list(store.frame(select(tables.gap)).columns) == [column.name for column in tables.gap.columns]


# -- identities --------------------------------------------------------------------------------------------------------


def test_digests_are_the_same_on_every_machine():
    assert digest("tophit", 1, b"\x00") == "2c4833a2616c365f249ebb510e7dccee0ee7359151a309f774b1a3687bd6bd0f"


@hypothesis.settings(max_examples=30)
@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_digests_tell_parts_apart(one, other):
    assert (digest(*one) == digest(*other)) == (one == other)


def test_times_are_stored_in_utc():
    moscow = timezone(timedelta(hours=3))
    assert timestamp(datetime(2026, 7, 3, 1, 30, 5, 999, tzinfo=moscow)) == "2026-07-02T22:30:05+00:00"


# -- migrations --------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_the_migrations_make_exactly_the_tables_that_the_code_uses(store):
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


@pytest.mark.both_databases
def test_files_of_migrations_are_named_after_their_revisions():
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert [script.revision for script in scripts.walk_revisions()] == revisions()[::-1]


def test_migrating_again_changes_nothing(store):
    put(store, [recording(1)])
    store.migrate()
    assert titles(store) == {"r1": "t"}


def test_a_migration_that_breaks_leaves_the_database_as_it_was(tmp_path):
    database = tmp_path / "test.sqlite"
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE verdict (mine TEXT)")  # stands in the way of the last table that is made
    connection.close()
    store = Store(f"sqlite:///{database}")
    with pytest.raises(WorkspaceError, match="already exists"):
        store.migrate()
    store.close()
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("verdict",)]
    connection.close()


@pytest.mark.both_databases
def test_a_newer_database_is_left_alone(store):
    put(store, [recording(1)])
    with store.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WorkspaceTooNew, match=r"schema 9999.*upgrade Chartropy"):
        store.migrate()
    assert titles(store) == {"r1": "t"}


# -- damage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"this is no database, " * 100, b"\x00" * 5000])
def test_a_damaged_database_is_named_with_the_way_out(tmp_path, content):
    database = tmp_path / "test.sqlite"
    database.write_bytes(content)
    store = Store(f"sqlite:///{database}")
    with pytest.raises(WorkspaceError, match=r"test\.sqlite is damaged or no database.*restore it") as error:
        store.migrate()
    store.close()
    assert database.read_bytes() == content
    assert type(error.value) is WorkspaceError


def test_a_database_damaged_in_the_middle_is_named(tmp_path):
    database = tmp_path / "test.sqlite"
    store = Store(f"sqlite:///{database}")
    store.migrate()
    put(store, [recording(number, "t" * 200) for number in range(2000)])
    store.close()
    content = bytearray(database.read_bytes())
    content[8192:-4096] = b"\xff" * (len(content) - 12288)
    database.write_bytes(content)
    store = Store(f"sqlite:///{database}")
    with pytest.raises(WorkspaceError, match="damaged"):
        titles(store)
    store.close()


@pytest.mark.parametrize("url", ["nonsense", "oracle://x/y", "nosuch://x"])
def test_a_wrong_database_url_is_a_wrong_setting(url):
    with pytest.raises(SettingsError, match="database_url"):
        Store(url)


def test_a_password_is_not_shown():
    with pytest.raises(SettingsError, match="database_url = 'nosuch://me:.*@localhost/x'") as error:
        Store("nosuch://me:SECRET@localhost/x")
    assert "SECRET" not in str(error.value)


def test_a_full_database_keeps_what_it_had(store):
    put(store, [recording(1)])
    with pytest.raises(DiskFull, match="What was stored is safe"), store.transaction() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
        upsert(connection, tables.recording, [recording(number, "t" * 500) for number in range(2, 2000)])
    assert titles(store) == {"r1": "t"}
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_a_full_disk_keeps_what_was_stored(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount a small disk")
    try:
        store = Store(f"sqlite:///{small / 'test.sqlite'}")
        store.migrate()
        put(store, [recording(1)])
        with pytest.raises(DiskFull, match="is full"):
            for start in range(0, 100_000, 1000):
                put(store, [recording(number, "t" * 500) for number in range(start + 2, start + 1002)])
        kept = titles(store)
        store.close()
        assert len(kept) % 1000 == 1  # whole transactions
        again = Store(f"sqlite:///{small / 'test.sqlite'}")
        assert titles(again) == kept
        again.close()
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.both_databases
def test_a_run_killed_in_a_transaction_leaves_the_former_state(url):
    store = Store(url)
    store.migrate()
    put(store, [recording(1)])
    store.close()
    program = textwrap.dedent("""
        import sys, time
        from chartropy.workspace import tables
        from chartropy.workspace.store import Store, upsert
        row = {"artist": "a", "title": "x" * 500, "version": "", "isrc": None}
        store = Store(sys.argv[1])
        with store.transaction() as connection:
            upsert(connection, tables.recording, [row | {"recording_id": f"r{n}"} for n in range(5000)])
            print("in the middle", flush=True)
            time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.SIGKILL)
    store = Store(url)
    store.migrate()
    assert titles(store) == {"r1": "t"}
    assert put(store, [recording(2)]) == 1
    store.close()


@pytest.mark.both_databases
def test_one_writes_while_another_reads(store, url):
    other = Store(url)
    put(store, [recording(1)])
    count = select(func.count()).select_from(tables.recording)
    with other.reading() as reading, store.transaction() as writing:
        assert reading.scalar(count) == 1
        upsert(writing, tables.recording, [recording(2)])
        assert reading.scalar(count) == 1
    with other.reading() as reading:
        assert reading.scalar(count) == 2
    other.close()
