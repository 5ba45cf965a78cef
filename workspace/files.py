"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator
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
    part = _part_of(target)
    try:
        with _naming(target, "written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield part
            os.replace(part, target)  # noqa: PTH105 - atomic
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def check_writable(target: Path) -> None:
    """Raise what `whole_file` would, before the work whose result it is for; make the folder.

    Raises
    ------
    DiskFull, WorkspaceReadOnly
        When it cannot be written.
    """
    part = _part_of(target)
    with _naming(target, "written"):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        part.unlink()


def _part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def remove_file(target: Path) -> None:
    """Remove a file, or a link to one, if it is there.

    Raises
    ------
    WorkspaceReadOnly
        When it cannot be removed.
    """
    with _naming(target, "removed"):
        target.unlink(missing_ok=True)


def remove_files(folder: Path, but: Collection[str] = ()) -> None:
    """Remove the files in a folder, if it is there, but those of some names; folders in it stay.

    Raises
    ------
    WorkspaceReadOnly
        When it cannot be read, or one cannot be removed.
    """
    with _naming(folder, "read"):
        found = [one for one in folder.iterdir() if one.is_symlink() or not one.is_dir()] if folder.is_dir() else []
    for file in found:
        if file.name not in but:
            remove_file(file)


@contextmanager
def _naming(target: Path, done: str) -> Iterator[None]:
    """Turn what the system says into an error that names the file."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"{target}: the disk is full. What was stored is safe; make room and run again.") from error
        raise WorkspaceReadOnly(
            f"{target} cannot be {done} ({error.strerror or error}): make its folder writable or choose another."
        ) from error
