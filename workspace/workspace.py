"""The workspace: one folder that holds settings, database and reports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL

from . import clock
from .errors import DiskFull, WorkspaceError, WorkspaceReadOnly
from .http import Client
from .lock import writing
from .settings import FILE_NAME, Settings, Source, load_settings
from .store import Store

DEFAULT_FOLDER = "chartropy-data"
LEAST_FREE = 50 * 1024 * 1024
"""Bytes that must be free before a run starts: a week needs less."""
MIGRATION_WAIT = 60
"""Seconds to wait for another process that brings the database to a new form."""


class Workspace:
    """An open workspace.

    Parameters
    ----------
    folder : path, optional
        Default: ``CHARTROPY_WORKSPACE``, else ``chartropy-data`` in the current folder.
    create : bool
        Make it when it is not there.

    Attributes
    ----------
    folder : Path
    settings : Settings
    store : Store

    Raises
    ------
    WorkspaceError
        When it is not there and `create` is false, or cannot be used.
    SettingsError
        When its settings are wrong.
    """

    def __init__(self, folder: Path | str | None = None, *, create: bool = False):
        self.folder = Path(folder or os.environ.get("CHARTROPY_WORKSPACE") or DEFAULT_FOLDER).expanduser()
        try:
            taken = self.folder.exists() and not self.folder.is_dir()
        except OSError as error:
            raise WorkspaceError(
                f"{self.folder} cannot be looked into ({error.strerror}): choose another --workspace."
            ) from error
        if taken:
            raise WorkspaceError(f"{self.folder} is a file, not a folder: choose another --workspace.")
        self.settings: Settings = load_settings(self.folder)
        database = self.folder / "chartropy.sqlite"
        if not create and not self.settings.database_url and not database.exists():
            raise self._none(self.folder.absolute())
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceReadOnly(
                f"{self.folder} cannot be made ({error.strerror}): choose another --workspace."
            ) from error
        # WAL needs to write beside the database even to read it; where nothing can be written, nothing changes either
        if database.exists() and not os.access(self.folder, os.W_OK):
            query = {"mode": "ro", "uri": "true"}
            if not database.with_name(f"{database.name}-wal").exists():
                query["immutable"] = "1"  # else a killed run's last pages are in there, and are read
            own = URL.create("sqlite", database=f"file:{quote(str(database))}", query=query)
        else:
            own = URL.create("sqlite", database=str(database))
        self.store = Store(self.settings.database_url or own)
        try:
            self._open(create)
        except BaseException:
            self.store.close()  # who gets no workspace cannot close it
            raise

    def _open(self, create: bool) -> None:
        """Bring the database to this release's form."""
        form = self.store.form()
        if form == "none" and not create:
            raise self._none(self.store.shown)
        if form != "current":
            # another process may be doing the same at this moment: its result is waited for
            with self.writing(MIGRATION_WAIT):
                self.store.migrate()

    @staticmethod
    def _none(where: Path | str) -> WorkspaceError:
        return WorkspaceError(
            f"There is no workspace at {where}: `chartropy weekly` or `chartropy import` makes one, "
            "--workspace chooses another."
        )

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Workspace {self.folder.absolute()}>"

    def close(self) -> None:
        """Close the database and all connections."""
        for client in self._clients.values():
            client.close()
        self.store.close()

    def now(self) -> datetime:
        """Return the time in the workspace's time zone."""
        return clock.now(self.settings.timezone)

    @contextmanager
    def writing(self, wait: float = 0) -> Iterator[None]:
        """Hold the workspace for writing, waiting as long as the settings say, or `wait`; see :func:`.lock.writing`."""
        free = shutil.disk_usage(self.folder).free
        if free < LEAST_FREE:
            raise DiskFull(
                f"Only {free / 1e6:.0f} MB are free on the disk that holds {self.folder}; "
                f"a run needs {LEAST_FREE / 1e6:.0f} MB. Make room and run again."
            )
        with writing(self.store, max(wait, self.settings.lock_wait)):
            yield

    def client(self, name: str, default: Source) -> Client:
        """Return the HTTP client of a source, one for the life of the workspace; `default` holds the source's own values."""
        from .rates import bucket

        if name not in self._clients:
            source = self.settings.source(name, default)
            contact = self.settings.contact or "no contact set"
            agent = f"Chartropy/{version('chartropy')} (music chart research; {contact})"
            self._clients[name] = Client(name, source, agent, bucket(self.store, self.folder, name, source.rate))
        return self._clients[name]

    @cached_property
    def _clients(self) -> dict[str, Client]:
        return {}

    @property
    def audio_folder(self) -> Path:
        """Where previews lie until their descriptors are stored."""
        return self.folder / "audio"

    @property
    def reports_folder(self) -> Path:
        """Where the pages go."""
        return self.folder / "reports"


__all__ = ["DEFAULT_FOLDER", "FILE_NAME", "Workspace"]
