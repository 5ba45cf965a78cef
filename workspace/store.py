"""The database: every write an idempotent upsert in a transaction, every failure a plain sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Select, Table, create_engine, event, make_url, or_
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from .errors import DiskFull, SettingsError, WorkspaceError, WorkspaceReadOnly, WorkspaceTooNew

if TYPE_CHECKING:
    import pandas as pd

MIGRATIONS = Path(__file__).parent / "migrations"


class Store:
    """An open database.

    Parameters
    ----------
    url : str or sqlalchemy.URL
    """

    def __init__(self, url: str | URL):
        self.shown = str(url)
        try:
            parsed = make_url(url)
            self.shown = parsed.render_as_string(hide_password=True)
            self.engine = create_engine(parsed)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise SettingsError(
                f"database_url = {self.shown!r}: {error}; write it like postgresql://user@host/name."
            ) from error
        if parsed.get_backend_name() == "sqlite":
            path = parsed.database or "memory"
            self.shown = unquote(path.removeprefix("file:")) if path.startswith("file:") else path
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Everything inside is stored together or not at all."""
        with self._plainly(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from."""
        with self._plainly(), self.engine.connect() as connection:
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
        from alembic import command
        from alembic.config import Config
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        scripts = ScriptDirectory.from_config(config)
        known = {script.revision for script in scripts.walk_revisions()}
        with self.reading() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise WorkspaceTooNew(
                f"{self.shown} was made by a newer Chartropy (schema {current}; this one knows up to "
                f"{scripts.get_current_head()}): upgrade Chartropy, or choose another --workspace."
            )
        if current != scripts.get_current_head():
            with self.transaction() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            said = str(error.orig).lower()
            if "full" in said:
                raise DiskFull(
                    f"The disk that holds {self.shown} is full. What was stored is safe; make room and run again."
                ) from error
            if "readonly" in said or "read-only" in said or "unable to open" in said:
                raise WorkspaceReadOnly(
                    f"{self.shown} cannot be written to ({error.orig}): make it writable or choose another --workspace."
                ) from error
            if "not a database" in said or "malformed" in said:
                raise WorkspaceError(
                    f"{self.shown} is damaged or no database ({error.orig}): restore it from a copy, "
                    "or move it away and collect again."
                ) from error
            if "locked" in said:
                raise WorkspaceError(f"{self.shown} is held by another program; close it and run again.") from error
            raise WorkspaceError(f"{self.shown}: {error.orig}") from error


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
    changed = 0
    keys = [column.name for column in table.primary_key]
    values = [name for name in rows[0] if name not in keys]
    compared = [name for name in values if name not in set(unless_only)]
    # SQLite takes 32,766 parameters in one statement
    step = max(1, 30_000 // len(rows[0]))
    for start in range(0, len(rows), step):
        statement = insert(table).values(list(rows[start : start + step]))
        if compared:
            statement = statement.on_conflict_do_update(
                index_elements=keys,
                set_={name: statement.excluded[name] for name in values},
                where=or_(*(table.c[name].is_distinct_from(statement.excluded[name]) for name in compared)),
            )
        else:
            statement = statement.on_conflict_do_nothing(index_elements=keys)
        changed += connection.execute(statement).rowcount
    return changed


def digest(*parts: object) -> str:
    """SHA-256, in hex, of the parts in order: the deterministic identity of a row."""
    sha = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.hexdigest()


def timestamp(moment: datetime) -> str:
    """Return a moment as it is stored: ISO 8601, UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _prepare_sqlite(connection, _record) -> None:
    # Python's driver would commit around each CREATE TABLE: a migration must be whole or not there, so we begin ourselves
    connection.isolation_level = None
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA busy_timeout = 30000")
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
