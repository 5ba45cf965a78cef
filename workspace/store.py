"""The database: every write an idempotent upsert in a transaction, every failure a plain sentence."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Select, Table, create_engine, event, func, inspect, make_url, or_, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from .errors import DiskFull, SettingsError, WorkspaceError, WorkspaceReadOnly, WorkspaceTooNew

if TYPE_CHECKING:
    import pandas as pd

MIGRATIONS = Path(__file__).parent / "migrations"

BUSY = 30
"""Seconds that a transaction on SQLite waits for another's to end."""

ASIDE = 2
"""Seconds that what is written beside the writer's work waits."""


class Store:
    """An open database: SQLite or PostgreSQL.

    Parameters
    ----------
    url : str or sqlalchemy.URL

    Attributes
    ----------
    shown : str
        The database as messages name it, without its password.
    file : Path or None
        The SQLite file; None for a server's database, or one in memory.
    writer : sqlalchemy.Connection or None
        The connection that holds a server's database for writing (see :mod:`.lock`). All is written through it: a run
        that loses it, and so the lock, loses its transaction too.
    """

    def __init__(self, url: str | URL):
        parsed = _read_url(url)
        self.shown = parsed.difference_update_query(["password"]).render_as_string(hide_password=True)
        self.file: Path | None = None
        self.writer: Connection | None = None
        self.on_server = parsed.get_backend_name() == "postgresql"
        try:
            if self.on_server:
                parsed = parsed.set(drivername="postgresql+psycopg", query=_PATIENCE | dict(parsed.query))
                self.engine = create_engine(parsed, pool_pre_ping=True)
            else:
                self.engine = create_engine(parsed)
        except ImportError as error:
            raise SettingsError(
                f"database_url = {self.shown!r} needs a driver ({error}): "
                "install it with `pip install 'chartropy[postgresql]'`."
            ) from error
        except (ArgumentError, NoSuchModuleError) as error:
            raise SettingsError(f"database_url = {self.shown!r}: {error}; {_LIKE}") from error
        if self.on_server:
            event.listen(self.engine, "connect", _prepare_postgresql)
            # every question asked in one `reading` sees the same state, as in SQLite
            self._reads = self.engine.execution_options(isolation_level="REPEATABLE READ")
        else:
            path = parsed.database or ":memory:"
            self.shown = unquote(path.removeprefix("file:")) if path.startswith("file:") else path
            self.file = Path(self.shown).absolute() if self.shown != ":memory:" else None
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self._reads = self.engine
        self._writes = self.engine.execution_options(writes=True)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Everything inside is stored together or not at all."""
        with self.plainly():
            if self.writer is None:
                with self._writes.begin() as connection:
                    yield connection
            elif self.writer.invalidated:  # would connect anew, without the lock
                raise WorkspaceError(
                    f"The connection to {self.shown} was lost, and with it the hold on it: another run may be writing "
                    "now. What was stored is safe; run again."
                )
            else:
                with self.writer.begin():
                    yield self.writer

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A short transaction that is not the writer's work: its own connection, and little patience with who is in its way."""
        with self.plainly(), self._writes.connect() as connection:
            if self.on_server:
                with connection.begin():
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{ASIDE}s'")
                    yield connection
                return
            driver = cast(Any, connection.connection.driver_connection)
            driver.execute(f"PRAGMA busy_timeout = {ASIDE * 1000}")
            try:
                with connection.begin():
                    yield connection
            finally:
                driver.execute(f"PRAGMA busy_timeout = {BUSY * 1000}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from."""
        with self.plainly(), self._reads.connect() as connection:
            yield connection

    def frame(self, query: Select) -> pd.DataFrame:
        """Return what `query` selects, as a DataFrame with its column names."""
        import pandas as pd

        with self.reading() as connection:
            result = connection.execute(query)
            return pd.DataFrame(result.fetchall(), columns=list(result.keys()))

    def migrate(self) -> None:
        """Bring the database to this release's form; an empty one is made.

        Raises
        ------
        WorkspaceTooNew
            When a newer release made it.
        """
        if self.form() == "current":
            return
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        with self.transaction() as connection:
            if self.on_server:  # one that migrates at this moment is waited for; then nothing is left to do
                connection.execute(select(func.pg_advisory_xact_lock(key("migration"))))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def form(self) -> Literal["none", "old", "current"]:
        """Return whether the database has this release's form, an older one, or none: it is empty or not there.

        Raises
        ------
        WorkspaceTooNew
            When a newer release made it.
        """
        # to connect would make the file, or be in the way of whoever makes it
        if self.file is not None and not (self.file.exists() and self.file.stat().st_size):
            return "none"
        # asked without Alembic, whose import would take a quarter of every command's start
        with self.reading() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return "none"
            revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if revision is None:
            return "none"
        known = revisions()
        if revision not in known:
            raise WorkspaceTooNew(
                f"{self.shown} was made by a newer Chartropy (schema {revision}; this one knows up to "
                f"{known[-1]}): upgrade Chartropy, or choose another --workspace."
            )
        return "current" if revision == known[-1] else "old"

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    @contextmanager
    def plainly(self) -> Iterator[None]:
        """Raise what the database says as an error of ours, a plain sentence."""
        try:
            yield
        except (DBAPIError, self.engine.dialect.loaded_dbapi.Error) as error:
            said = error.orig if isinstance(error, DBAPIError) else error
            lost = isinstance(error, DBAPIError) and error.connection_invalidated
            raise (
                _server_said(self.shown, said, lost) if self.on_server else _sqlite_said(self.shown, said)
            ) from error


def upsert(connection: Connection, table: Table, rows: Sequence[dict], *, unless_only: Iterable[str] = ()) -> int:
    """Insert rows, or update those whose key is there and whose values differ.

    Parameters
    ----------
    connection : Connection
        Inside a transaction.
    table : Table
    rows : sequence of dict
        All with the same columns.
    unless_only : iterable of str
        Columns (times) whose difference alone is no reason to update.

    Returns
    -------
    int
        Rows inserted or changed.
    """
    if not rows:
        return 0
    from sqlalchemy.dialects import postgresql, sqlite

    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    keys = [column.name for column in table.primary_key]
    values = [name for name in rows[0] if name not in keys]
    compared = [name for name in values if name not in set(unless_only)]
    statement = insert(table)
    if compared:
        statement = statement.on_conflict_do_update(
            index_elements=keys,
            set_={name: statement.excluded[name] for name in values},
            where=or_(*(table.c[name].is_distinct_from(statement.excluded[name]) for name in compared)),
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    # one statement for one row, run for each: both drivers add up the rows it inserted or changed
    return connection.execute(statement, list(rows), execution_options={"preserve_rowcount": True}).rowcount


def revisions() -> list[str]:
    """Return the forms that a database may have, oldest first: what the names of the migrations' files begin with."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def digest(*parts: object) -> str:
    """SHA-256, in hex, of the parts in order: the deterministic identity of a row."""
    sha = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.hexdigest()


def key(*parts: object) -> int:
    """Return a number for a PostgreSQL advisory lock: the same on every machine."""
    return int.from_bytes(bytes.fromhex(digest("chartropy", *parts))[:8], signed=True)


def timestamp(moment: datetime) -> str:
    """Return a moment as it is stored: ISO 8601, UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


_LIKE = "write it like postgresql://user@host/name."

_PATIENCE = {"connect_timeout": "10", "keepalives_idle": "60", "application_name": "chartropy"}
"""How a server is reached unless database_url says otherwise: firewalls forget connections that say nothing."""


def _read_url(url: str | URL) -> URL:
    # as far as it cannot be read, all that may be a password stays hidden
    hidden = re.sub(r"(?<=password=)[^&]*", "***", re.sub(r":.*@", ":***@", str(url)))
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise SettingsError(f"database_url = {hidden!r} is no database URL; {_LIKE}") from None
    if "@" in (parsed.host or ""):
        raise SettingsError(f"database_url = {hidden!r}: an @ in a name or password is written %40.")
    if backend == "postgres":
        return parsed.set(drivername="postgresql")
    if backend not in ("sqlite", "postgresql"):
        shown = parsed.render_as_string(hide_password=True)
        raise SettingsError(f"database_url = {shown!r}: only SQLite and PostgreSQL will do; {_LIKE}")
    return parsed


def _sqlite_said(shown: str, error: BaseException | None) -> WorkspaceError:
    said = str(error).lower()
    if "full" in said:
        return DiskFull(f"The disk that holds {shown} is full. What was stored is safe; make room and run again.")
    if "readonly" in said or "read-only" in said or "unable to open" in said:
        return WorkspaceReadOnly(
            f"{shown} cannot be written to ({error}): make it writable or choose another --workspace."
        )
    if "not a database" in said or "malformed" in said:
        return WorkspaceError(
            f"{shown} is damaged or no database ({error}): restore it from a copy, or move it away and collect again."
        )
    if "locked" in said:
        return WorkspaceError(f"{shown} is held by another program; close it and run again.")
    return WorkspaceError(f"{shown}: {error}")


def _server_said(shown: str, error: BaseException | None, lost: bool) -> WorkspaceError:
    from psycopg import OperationalError

    # while connecting there is no code yet, only words
    code = getattr(error, "sqlstate", None) or ""
    words = " ".join(str(error).split()) or type(error).__name__
    reason = re.split(r"failed: |FATAL: +", str(error).partition("\n")[0])[-1] or words
    unreachable = WorkspaceError(
        f"{shown} cannot be reached ({reason}): is the server running, and database_url right?"
    )
    if code == "53100":
        return DiskFull(f"The disk that holds {shown} is full. What was stored is safe; make room and run again.")
    if code in ("25006", "42501"):
        return WorkspaceReadOnly(
            f"{shown} cannot be written to ({reason}): give its user the right, or choose another database_url."
        )
    if code.startswith("XX"):
        return WorkspaceError(
            f"{shown} is damaged ({reason}): restore it from a copy, or collect again into a new one."
        )
    if code.startswith("28") or (not code and re.search("authentication|password|pg_hba", words)):
        return WorkspaceError(
            f"{shown} refuses the user or the password ({reason}): correct them in database_url or in ~/.pgpass."
        )
    if code == "3D000" or (not code and re.search('database ".*" does not exist', words)):
        return WorkspaceError(
            f"{shown}: there is no such database ({reason}): create it or choose another database_url."
        )
    if code == "57P03" or words.startswith("connection failed"):
        return unreachable
    if lost or code.startswith(("57P", "08")) or (not code and re.search("closed|lost|terminat", words)):
        return WorkspaceError(
            f"The connection to {shown} was lost ({reason}). What was stored is safe; see that the server runs, run again."
        )
    if not code and isinstance(error, OperationalError):
        return unreachable
    return WorkspaceError(f"{shown}: {words}")


def _begin_sqlite(connection: Connection) -> None:
    # who will write says so at once: one that read before it wrote would fail where another wrote in between
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _prepare_postgresql(connection, _record) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET TIME ZONE 'UTC'; "
            # a machine that fell off the net holds the database for two minutes, not for two hours
            "SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 15; SET tcp_keepalives_count = 4"
        )
    connection.commit()


def _prepare_sqlite(connection, _record) -> None:
    # Python's driver would commit around each CREATE TABLE: a migration must be whole or not there, so we begin ourselves
    connection.isolation_level = None
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA busy_timeout = {BUSY * 1000}")
        mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        if mode != "wal":
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(
            "PRAGMA synchronous = NORMAL"
        )  # with WAL: a crash loses no committed page, a power cut at most the last
        cursor.close()
    except Exception:
        connection.close()  # the pool never got it, so nobody else would
        raise
