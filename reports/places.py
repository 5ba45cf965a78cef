"""Where files lie: on this machine, or at any URL that fsspec knows (``s3://``, ``gs://``, ``https://``, ...)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ..workspace.errors import ChartropyError, SettingsError, WorkspaceReadOnly
from ..workspace.files import whole_file

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # two letters at least: C:\ is a drive


def is_url(text: str) -> bool:
    """Tell ``s3://bucket/song.mp3`` from a path."""
    return _URL.match(text) is not None


def why(error: Exception) -> str:
    """Return what an error of a file system says, in one line."""
    if (
        isinstance(error, FileNotFoundError) and not error.strerror
    ):  # a server's: it says the address, the cause the rest
        error = error.__cause__ if isinstance(error.__cause__, Exception) else FileNotFoundError("nothing is there")
    said = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return " ".join(str(said).split()).rstrip(".")


class Place:
    """A file or a folder, there or not.

    Parameters
    ----------
    name : str
        Path or URL.

    Raises
    ------
    SettingsError
        When what reads such URLs is not installed, or there is no such kind of URL.
    """

    def __init__(self, name: str):
        self.name = name
        self._path = name
        self._files: Any = None  # fsspec has no annotations
        if is_url(name):
            self._files, self._path = _at_url(name)

    def __str__(self) -> str:
        return self.name

    def __truediv__(self, child: str) -> Place:
        return Place(f"{self.name.rstrip('/')}/{child}" if self._files else str(Path(self.name) / child))

    @property
    def is_local(self) -> bool:
        return self._files is None

    def kind(self) -> str:
        """Return ``file``, ``folder`` or, when nothing is there, an empty string.

        Raises
        ------
        SettingsError
            When a URL does not answer.
        """
        if self._files is None:
            path = Path(self._path)
            return "folder" if path.is_dir() else "file" if path.exists() else ""
        try:
            return "folder" if self._files.info(self._path)["type"] == "directory" else "file"
        except FileNotFoundError as error:
            if error.__cause__ and self.name.lower().startswith("http"):  # no answer, not the answer no
                raise SettingsError(f"{self}: cannot be reached ({why(error)}).") from error
            return ""
        except Exception as error:  # each kind of URL has errors of its own
            raise SettingsError(f"{self}: cannot be reached ({why(error)}).") from error

    def children(self) -> Iterator[tuple[str, str, str]]:
        """List a folder: the name, ``file`` or ``folder`` and path or URL of what is in it, sorted by name.

        Raises
        ------
        OSError, Exception
            When it cannot be listed, as the file system says it.
        """
        if self._files is None:
            with os.scandir(self._path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            for entry in entries:
                if entry.is_dir():
                    if not entry.is_symlink():  # it may lead round in a circle
                        yield entry.name, "folder", entry.path
                elif entry.is_file() or entry.is_symlink():  # a broken link is a file that cannot be read
                    yield entry.name, "file", entry.path
            return
        own = self._path.rstrip("/")
        for entry in sorted(self._files.ls(self._path, detail=True), key=lambda entry: entry["name"]):
            path = entry["name"].rstrip("/")
            if path != own:  # some stores list a folder in itself
                kind = "folder" if entry["type"] == "directory" else "file"
                yield PurePosixPath(path).name, kind, self._files.unstrip_protocol(path)

    def size(self) -> int | None:
        """Return the bytes of a file; None where its server does not say."""
        return Path(self._path).stat().st_size if self._files is None else self._files.info(self._path)["size"]

    def read(self) -> bytes:
        """Return what a file holds."""
        return Path(self._path).read_bytes() if self._files is None else self._files.cat_file(self._path)

    def fetch(self, target: Path) -> None:
        """Copy a file at a URL to this machine, piece by piece."""
        self._files.get_file(self._path, str(target))

    def open(self) -> BinaryIO:
        """Open a file for reading, seekable."""
        return Path(self._path).open("rb") if self._files is None else self._files.open(self._path, "rb")

    @contextmanager
    def whole(self) -> Iterator[BinaryIO]:
        """Write a file whole or not at all.

        Yields
        ------
        binary file
            What is written takes the place of the file when the block ends well; until then, and if the block fails,
            what was there stays.

        Raises
        ------
        DiskFull, WorkspaceReadOnly
            When it cannot be written.
        """
        if self._files is None:
            with whole_file(Path(self._path)) as part, part.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())  # a power cut must not leave an empty file under the final name
            return
        try:
            # in a transaction an upload is completed at its end, or given up
            with self._files.transaction, self._files.open(self._path, "wb") as file:
                yield file
        except ChartropyError:
            raise
        except Exception as error:
            raise WorkspaceReadOnly(
                f"{self} cannot be written ({why(error)}): see that the place exists and lets you write."
            ) from error

    def make_folder(self) -> None:
        """Make a folder, unless the place is a store that has none.

        Raises
        ------
        WorkspaceReadOnly
            When it cannot be made.
        """
        try:
            if self._files is None:
                Path(self._path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceReadOnly(f"{self} cannot be made ({why(error)}): choose another place.") from error

    def rename(self, name: str) -> None:
        """Give a file another name in its folder."""
        if self._files is None:
            Path(self._path).replace(Path(self._path).with_name(name))
        else:
            self._files.mv(self._path, str(PurePosixPath(self._path).with_name(name)))

    def remove(self) -> None:
        """Remove a file that may be gone already."""
        if self._files is None:
            Path(self._path).unlink(missing_ok=True)
        elif self._files.exists(self._path):
            self._files.rm_file(self._path)

    def remove_folder(self) -> None:
        """Remove a folder on this machine if it is empty; a store has none."""
        if self._files is None:
            with suppress(OSError):
                Path(self._path).rmdir()


def _at_url(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError:
        raise SettingsError(f"{url}: URLs, of whatever kind, need an extra: pip install 'chartropy[s3]'.") from None
    try:
        # no cache of listings: what other machines wrote meanwhile counts
        return url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise SettingsError(
            f"{url}: this kind of URL needs another package ({why(error)}); for s3:// pip install 'chartropy[s3]'."
        ) from error
    except ValueError as error:
        raise SettingsError(f"{url}: {why(error)}.") from error
