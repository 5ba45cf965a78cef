"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import DiskFull, WorkspaceReadOnly


def write_text(target: Path, content: str) -> Path:
    """Write a text as UTF-8, whole or not at all, as :func:`whole_file` does; return `target`."""
    with whole_file(target) as part:
        part.write_text(content, encoding="utf-8", newline="\n")
    return target


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    Parameters
    ----------
    target : Path
        Its folder is made if needed.

    Yields
    ------
    Path
        Where to write. It takes the place of `target` when the block ends well; until then, and if the block fails,
        what was at `target` stays. A killed run leaves the part, named ``.NAME.part``.

    Raises
    ------
    DiskFull, WorkspaceReadOnly
        When it cannot be written.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, target)  # noqa: PTH105 - atomic
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"{target}: the disk is full. What was stored is safe; make room and run again.") from error
        raise WorkspaceReadOnly(
            f"{target} cannot be written ({error.strerror or error}): make its folder writable or choose another."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
