"""One writer at a time: a lock that says who holds it, and that a dead holder lets go of."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import WorkspaceLocked, WorkspaceReadOnly


@contextmanager
def writing(folder: Path, wait: float = 0) -> Iterator[None]:
    """Hold the workspace for writing.

    Parameters
    ----------
    folder : Path
        The workspace.
    wait : float
        Seconds to wait for another holder.

    Raises
    ------
    WorkspaceLocked
        Naming the process that holds it and since when.
    WorkspaceReadOnly
        When the lock file cannot be made.
    """
    lock = FileLock(folder / ".lock")
    holder = folder / ".lock-holder.json"
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise WorkspaceLocked(
            f"{folder} is being written to by {_who(holder)}. Wait until it has ended, or set lock_wait to wait for it."
        ) from None
    except OSError as error:
        raise WorkspaceReadOnly(
            f"{folder} cannot be written to ({error.strerror}): make it writable or choose another with --workspace."
        ) from error
    try:
        holder.write_text(
            json.dumps(
                {
                    "pid": os.getpid(),
                    "host": socket.gethostname(),
                    "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
                    "since": datetime.now(UTC).isoformat(timespec="seconds"),
                }
            ),
            encoding="utf-8",
        )
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _who(holder: Path) -> str:
    try:
        said = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {said['pid']} on {said['host']} ({said['command']}) since {said['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
