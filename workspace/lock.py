"""One writer at a time: a lock that says who holds it, and that a dead holder lets go of.

On SQLite it is a file beside the database. On PostgreSQL it is an advisory lock, held by one connection through which
everything is written; that connection's ``application_name`` says who works.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from .errors import WorkspaceLocked, WorkspaceReadOnly
from .store import Store, key

POLL = 0.2
"""Seconds between two tries for a server's lock."""

GLANCE = 0.2
"""Seconds that a lock beside a file is tried for at least: who only looks whether it is free (:func:`holder`) holds it
for a moment."""

_TRY = text("""
    SELECT CASE WHEN pg_try_advisory_lock(:key) THEN set_config('application_name', :holder, false) END IS NOT NULL
""")
_WHO = text("""
    SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) + objid::bigint = :key
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


@contextmanager
def writing(store: Store, wait: float = 0) -> Iterator[None]:
    """Hold a database for writing.

    Parameters
    ----------
    store : Store
    wait : float
        Seconds to wait for another holder.

    Raises
    ------
    WorkspaceLocked
        Naming the process that holds it and since when.
    WorkspaceReadOnly
        When the lock file cannot be made.
    """
    if store.on_server:
        with _on_server(store, wait):
            yield
    elif store.file is not None:
        with _beside(store.file.resolve(), wait):
            yield
    else:  # in memory: nobody else has it
        yield


def holder(store: Store) -> dict[str, str] | None:
    """Return who holds a database for writing, as far as that is known, or None when nobody does.

    Raises
    ------
    WorkspaceReadOnly
        When it cannot be told, because the lock file cannot be opened.
    """
    if store.on_server:
        with store.reading() as connection:
            lock = key("writing", connection.dialect.default_schema_name)
            name = connection.scalar(_WHO, {"key": lock})
        return None if name is None else _from_name(name)
    if store.file is None:
        return None
    file, said = _files_beside(store.file.resolve())
    if not file.exists():
        return None
    try:
        with FileLock(file, timeout=0):
            return None
    except Timeout:
        return _read(said)
    except OSError as error:
        raise WorkspaceReadOnly(f"{file} cannot be opened ({error.strerror}): nobody knows who writes.") from error


def _files_beside(database: Path) -> tuple[Path, Path]:
    return database.with_name(f".{database.name}.lock"), database.with_name(f".{database.name}.holder.json")


@contextmanager
def _beside(database: Path, wait: float) -> Iterator[None]:
    file, said = _files_beside(database)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=max(wait, GLANCE))
    except Timeout:
        raise _locked(str(database.parent), _read(said)) from None
    except OSError as error:
        raise WorkspaceReadOnly(
            f"{database.parent} cannot be written to ({error.strerror}): "
            "make it writable or choose another with --workspace."
        ) from error
    try:
        said.write_text(json.dumps(_me()), encoding="utf-8")
        yield
    finally:
        said.unlink(missing_ok=True)
        lock.release()


@contextmanager
def _on_server(store: Store, wait: float) -> Iterator[None]:
    with store.plainly():
        connection = store.engine.connect()
    try:
        with store.plainly():
            connection.detach()  # its end is the lock's end: never given to another
            lock = key("writing", connection.dialect.default_schema_name)
            _wait_for(store, connection, lock, wait)
        store.writer = connection
        try:
            yield
        finally:
            store.writer = None
            if not connection.invalidated:
                with suppress(DBAPIError), connection.begin():  # what is lost holds nothing
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": lock})
    finally:
        connection.close()


def _wait_for(store: Store, connection: Connection, lock: int, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        with connection.begin():
            if connection.scalar(_TRY, {"key": lock, "holder": _as_name(_me())}):
                return
            name = connection.scalar(_WHO, {"key": lock})
        left = deadline - time.monotonic()
        if left <= 0:
            raise _locked(store.shown, _from_name(name))
        time.sleep(min(POLL, left))


# -- who holds it ------------------------------------------------------------------------------------------------------


def _me() -> dict[str, str]:
    return {
        "pid": str(os.getpid()),
        "host": socket.gethostname(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _locked(shown: str, holder: dict[str, str]) -> WorkspaceLocked:
    try:
        who = "process {pid} on {host} ({command}) since {since}".format(**holder)
    except (KeyError, TypeError):
        who = "another process"
    return WorkspaceLocked(
        f"{shown} is being written to by {who}. Wait until it has ended, or set lock_wait to wait for it."
    )


def _read(holder: Path) -> dict[str, str]:
    try:
        return dict(json.loads(holder.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _as_name(me: dict[str, str]) -> str:
    # PostgreSQL keeps 63 ASCII characters
    host = me["host"].partition(".")[0][:20]
    name = f"{me['pid']}@{host} {me['since'].removesuffix('+00:00')} {me['command']}"
    return name.encode("ascii", "replace").decode()[:63]


def _from_name(name: str | None) -> dict[str, str]:
    found = re.fullmatch(r"(?P<pid>\d+)@(?P<host>\S*) (?P<since>\S+) (?P<command>.*)", name or "")
    return found.groupdict() | {"since": f"{found['since']}+00:00"} if found else {}
