"""A workspace opens, or says why not; one run writes at a time, and a dead one lets go."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from chartropy.workspace import tables
from chartropy.workspace.errors import (
    DiskFull,
    SettingsError,
    WorkspaceError,
    WorkspaceLocked,
    WorkspaceReadOnly,
    WorkspaceTooNew,
)
from chartropy.workspace.store import upsert
from chartropy.workspace.workspace import Workspace

NOBODY = 65534

HOLDER = textwrap.dedent("""
    import sys, time
    from chartropy.workspace.workspace import Workspace
    with Workspace(sys.argv[1], create=True) as workspace, workspace.writing():
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
""")

OPENER = textwrap.dedent("""
    import sys
    from chartropy.workspace.workspace import Workspace
    print("ready", flush=True)
    sys.stdin.readline()
    Workspace(sys.argv[1], create=True).close()
""")


def note(workspace: Workspace, reason: str = "stored") -> None:
    row = dict.fromkeys((column.name for column in tables.gap.primary_key), "x") | {"reason": reason, "passing": 0}
    with workspace.store.transaction() as connection:
        upsert(connection, tables.gap, [row])


def noted(workspace: Workspace) -> list[str]:
    with workspace.store.reading() as connection:
        return list(connection.scalars(select(tables.gap.c.reason)))


@contextmanager
def holder(folder: Path, seconds: float = 60) -> Iterator[subprocess.Popen]:
    """Another process that holds the workspace for writing."""
    arguments = [sys.executable, "-c", HOLDER, str(folder), str(seconds)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


# -- opening -----------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_what_is_stored_is_there_at_the_next_opening(tmp_path):
    with Workspace(tmp_path / "w", create=True) as workspace:
        note(workspace)
    with Workspace(tmp_path / "w") as workspace:
        assert noted(workspace) == ["stored"]


@pytest.mark.parametrize("name", ["spaces and ё", "per%20cent", "question?mark", "hash#tag", "a;b'c\"d"])
def test_a_folder_of_any_name(tmp_path, name):
    with Workspace(tmp_path / name, create=True) as workspace:
        note(workspace)
    assert (tmp_path / name / "chartropy.sqlite").exists()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with Workspace(tmp_path / name) as workspace:
        assert noted(workspace) == ["stored"]


def test_looking_makes_no_workspace(tmp_path):
    with pytest.raises(WorkspaceError, match=r"no workspace at .*nowhere.*chartropy weekly"):
        Workspace(tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_a_file_is_no_workspace(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="is a file"):
        Workspace(tmp_path / "file", create=True)


def test_the_folder_comes_from_the_environment_or_stands_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHARTROPY_WORKSPACE", str(tmp_path / "named"))
    Workspace(create=True).close()
    monkeypatch.delenv("CHARTROPY_WORKSPACE")
    Workspace(create=True).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chartropy-data", "named"]


def test_its_settings_file_counts_and_a_wrong_one_stops_it(tmp_path):
    (tmp_path / "chartropy.toml").write_text("timezone = 'Asia/Almaty'\n")
    with Workspace(tmp_path, create=True) as workspace:
        assert str(workspace.now().tzinfo) == "Asia/Almaty"
    (tmp_path / "chartropy.toml").write_text("timezone = 5\n")
    with pytest.raises(SettingsError, match="timezone = 5"):
        Workspace(tmp_path)


def test_a_newer_workspace_is_left_alone(tmp_path):
    with Workspace(tmp_path, create=True) as workspace, workspace.store.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    before = (tmp_path / "chartropy.sqlite").read_bytes()
    for create in (False, True):
        with pytest.raises(WorkspaceTooNew, match="newer Chartropy"):
            Workspace(tmp_path, create=create)
    assert (tmp_path / "chartropy.sqlite").read_bytes() == before


@pytest.mark.both_databases
def test_two_may_have_it_open(tmp_path):
    with Workspace(tmp_path, create=True) as one, Workspace(tmp_path) as other, one.writing():
        note(one)
        assert noted(other) == ["stored"]


# -- one writer --------------------------------------------------------------------------------------------------------


@contextmanager
def writing(folder: Path) -> Iterator[Workspace]:
    with Workspace(folder, create=True) as workspace, workspace.writing():
        yield workspace


@pytest.mark.both_databases
def test_a_second_writer_is_told_at_once_who_works_since_when(tmp_path):
    with holder(tmp_path) as process, Workspace(tmp_path) as workspace:
        with pytest.raises(WorkspaceLocked) as error, workspace.writing():
            pass
        assert process.poll() is None  # it holds on: nobody waited for its end
    said = re.search(r"process (\d+) on (\S+) \(-c /.*\) since (\S+)\. .*lock_wait", str(error.value))
    assert said
    assert int(said[1]) == process.pid
    assert said[2] == socket.gethostname().partition(".")[0]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(said[3])) < timedelta(minutes=1)
    assert "SECRET" not in str(error.value)


@pytest.mark.both_databases
def test_a_second_writer_in_the_same_process_is_told_too(tmp_path):
    with writing(tmp_path), Workspace(tmp_path) as other:
        with pytest.raises(WorkspaceLocked, match=f"process {os.getpid()} on"), other.writing():
            pass
        assert noted(other) == []  # reading needs no lock


@pytest.mark.both_databases
def test_reading_needs_no_lock(tmp_path):
    with holder(tmp_path), Workspace(tmp_path) as workspace:
        assert noted(workspace) == []


@pytest.mark.both_databases
def test_the_lock_of_a_killed_run_is_free(tmp_path):
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with Workspace(tmp_path) as workspace, workspace.writing(5):  # a server may notice a moment later
        note(workspace)
        assert noted(workspace) == ["stored"]
    assert not [path.name for path in tmp_path.iterdir() if "holder" in path.name]


@pytest.mark.both_databases
def test_waiting_for_the_other_run_and_then_working(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARTROPY_LOCK_WAIT", "20")
    Workspace(tmp_path, create=True).close()
    started = time.monotonic()
    with holder(tmp_path, 0.7), Workspace(tmp_path) as workspace, workspace.writing():
        assert time.monotonic() - started > 0.5
        note(workspace)
        assert noted(workspace) == ["stored"]


@pytest.mark.both_databases
def test_a_lock_is_let_go_when_the_run_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), writing(tmp_path):
        _ = 1 / 0
    with writing(tmp_path):
        pass


@pytest.mark.parametrize("said", ["", "[]", "{}", "null", '{"pid": 1}', "[[1, 2]]"])
def test_a_garbled_note_about_the_holder_is_no_obstacle(tmp_path, said):
    with holder(tmp_path):
        (tmp_path / ".chartropy.sqlite.holder.json").write_text(said)
        with pytest.raises(WorkspaceLocked, match="by another process"), writing(tmp_path):
            pass


def test_two_folders_on_one_sqlite_file_have_one_lock(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for name, data in (("one", "data"), ("other", "link")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "chartropy.toml").write_text(
            f"database_url = 'sqlite:///{tmp_path / data / 'our.sqlite'}'\n"
        )
    with writing(tmp_path / "one") as one:
        note(one)
        with Workspace(tmp_path / "other") as other:
            assert noted(other) == ["stored"]
            with pytest.raises(WorkspaceLocked, match=f"process {os.getpid()}"), other.writing():
                pass
    with writing(tmp_path / "other"):
        pass
    assert not (tmp_path / "one" / "chartropy.sqlite").exists()


@pytest.mark.parametrize("where", ["a folder", "a server"])
def test_many_may_make_one_workspace_at_once(tmp_path, monkeypatch, request, where):
    if where == "a server":
        monkeypatch.setenv("CHARTROPY_DATABASE_URL", request.getfixturevalue("empty_database_url"))
    with ExitStack() as stack:
        openers = []
        for _ in range(5):
            process = subprocess.Popen(
                [sys.executable, "-c", OPENER, str(tmp_path / "w")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            openers.append(stack.enter_context(process))
        for process in openers:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        said = []
        for process in openers:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60)[1] for process in openers]
    assert said == [""] * 5
    with Workspace(tmp_path / "w") as workspace:
        assert noted(workspace) == []


# -- no room, no right -------------------------------------------------------------------------------------------------


def test_a_disk_with_no_room_is_named_before_the_run(tmp_path, monkeypatch):
    with Workspace(tmp_path, create=True) as workspace:
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3_000_000))
        with pytest.raises(DiskFull, match=r"Only 3 MB are free.*Make room"), workspace.writing():
            pass
        assert noted(workspace) == []  # reading goes on


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can look into."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        path.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """Everything below `folder` read-only, and no superuser to pass over that."""
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if not hasattr(os, "setresuid"):
        pytest.skip("needs a system with users")
    former = os.getresuid()
    superuser = former[1] == 0
    if superuser:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if superuser:
            os.setresuid(*former)


@pytest.mark.parametrize("name", ["plain", "odd %20#?"])
def test_a_read_only_workspace_is_read_and_says_that_it_cannot_be_written(open_folder, name):
    folder = open_folder / name
    with Workspace(folder, create=True) as workspace:
        note(workspace)
    with without_rights(open_folder):
        with Workspace(folder) as workspace:
            assert noted(workspace) == ["stored"]
            with pytest.raises(WorkspaceReadOnly, match="cannot be written to"), workspace.writing():
                pass
            with pytest.raises(WorkspaceReadOnly, match=rf"{folder.name[:3]}.*cannot be written to"):
                note(workspace, "changed")
        with pytest.raises(WorkspaceReadOnly, match="choose another"), writing(folder):
            pass
    with Workspace(folder) as workspace:
        assert noted(workspace) == ["stored"]


def test_a_read_only_copy_shows_what_a_killed_run_stored_last(open_folder):
    with Workspace(open_folder / "w", create=True) as workspace:
        note(workspace)
        shutil.copytree(open_folder / "w", open_folder / "copy")  # its last pages lie in the write-ahead log
    assert (open_folder / "copy" / "chartropy.sqlite-wal").stat().st_size
    with without_rights(open_folder), Workspace(open_folder / "copy") as workspace:
        assert noted(workspace) == ["stored"]


def test_a_workspace_that_cannot_be_made_is_named(open_folder):
    (open_folder / "closed").mkdir()
    with without_rights(open_folder), pytest.raises(WorkspaceReadOnly, match=r"closed/w cannot be made"):
        Workspace(open_folder / "closed" / "w", create=True)


def test_a_folder_that_cannot_be_looked_into_is_named(open_folder):
    (open_folder / "closed").mkdir()
    (open_folder / "closed").chmod(0)
    if os.geteuid() == 0:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        with pytest.raises(WorkspaceError, match=r"closed/w cannot be looked into"):
            Workspace(open_folder / "closed" / "w")
    finally:
        if os.getresuid()[2] == 0:
            os.setresuid(0, 0, 0)
