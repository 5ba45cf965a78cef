"""Where recent requests are remembered, so that a service's rate holds from run to run and from machine to machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import RLock
from time import time_ns
from typing import Any, cast

from pyrate_limiter import AbstractBucket, PostgresBucket, SQLiteBucket
from pyrate_limiter import Rate as Limit

from .errors import WorkspaceError
from .settings import Rate
from .store import Store


def bucket(store: Store, folder: Path, name: str, rate: Rate) -> AbstractBucket:
    """Return the memory of the requests to one service: beside the SQLite file, or in the server's database.

    Parameters
    ----------
    store : Store
    folder : Path
        Where it goes for a database in memory.
    name : str
        The service.
    rate : Rate
        The rate to keep.
    """
    limits = [Limit(rate.requests, rate.seconds * 1000)]
    if store.on_server:
        return _ServerBucket(_Connections(store), name, limits)
    beside = store.file.resolve().parent if store.file is not None else folder
    return SQLiteBucket.init_from_file(limits, table=f"rate_{name}", db_path=str(beside / "rates.sqlite"))


class _Connections:
    """The store's connections, in the form of the pool that :class:`PostgresBucket` wants."""

    def __init__(self, store: Store):
        self.closed = False
        self._store = store
        self._alone = RLock()  # the bucket is also cleaned by a thread of its own

    @contextmanager
    def connection(self) -> Iterator[Any]:
        with self._alone, self._store.plainly():
            if self.closed:
                raise WorkspaceError(f"{self._store.shown} is closed.")
            with closing(self._store.engine.raw_connection()) as connection:
                yield connection.driver_connection
                connection.commit()

    def close(self) -> None:
        with self._alone:
            self.closed = True


class _ServerBucket(PostgresBucket):
    def __init__(self, connections: _Connections, name: str, limits: list[Limit]):
        super().__init__(cast(Any, connections), name, limits)

    def now(self) -> int:
        # the server's clock: the machines' own may differ
        with suppress(WorkspaceError), self._get_conn() as connection:
            return connection.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint").fetchone()[0]
        return time_ns() // 1_000_000  # what is wrong is said where the request is to be remembered

    def leak(self, current_timestamp: int | None = None) -> int:
        # what is not cleaned now is cleaned the next time
        with suppress(WorkspaceError):
            return cast(int, super().leak(current_timestamp))
        return 0
