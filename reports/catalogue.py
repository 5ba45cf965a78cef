"""Audio files described: three of them, or a catalogue of a hundred million.

Files are named by paths, folders, URLs or a manifest, taken one after the other; batches of them go to processes on
this machine or to a Dask cluster, never more at once than keep those busy; rows are kept in parts as they come
(`chartropy.reports.parts`), so that neither inputs nor results pile up in memory and a run that stops goes on where it
was. Whatever is wrong with a file, it has a row that says so.
"""

from __future__ import annotations

import asyncio
import csv
import io
import logging
import os
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..audio.decode import SUFFIXES, Audio, decode
from ..features.registry import EXTRACTOR_VERSION
from ..features.spectra import LONGEST, RATE
from ..workspace.errors import (
    AudioError,
    ChartropyError,
    SettingsError,
    WorkspaceError,
    WorkspaceLocked,
    WorkspaceReadOnly,
)
from .files import FORMATS
from .parts import LOCK, Parts, Row, frame_of
from .places import Place, is_url, why
from .weekly import FEW, Track, plainly

if TYPE_CHECKING:
    import pandas as pd

    from ..features.describe import Description

log = logging.getLogger(__name__)

BATCH = 2
"""Files that a process gets at once: beside their work the way there and back is nothing, and few wait at the end."""

BATCH_ON_DEVICE = 32
"""Files whose spectra are taken together with PyTorch."""

LARGE = 64 * 1024 * 1024
"""Bytes; a larger file at a URL is fetched to disk before it is read."""

MOST_PROBLEMS = 20
"""Problems that a summary quotes."""

_LOST = 20  # files in a row whose process died: it is not the files then
_LOOK = 30.0  # seconds between two looks at how many workers a cluster has
_CONNECT = 10.0  # seconds that a cluster may take to answer

ONE_THREAD = dict.fromkeys(
    "OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS BLIS_NUM_THREADS VECLIB_MAXIMUM_THREADS NUMBA_NUM_THREADS".split(),
    "1",
)  # a process per core already: more threads would only wait for each other

Files = Callable[[], Iterator[str]]
"""Gives the files to describe from the first on, each time it is called: paths and URLs."""


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes
    ----------
    files : int
        Different files asked for.
    kept : int
        Of these, those that an earlier run had described.
    problems : int
        Files without a description.
    first : list of str
        The first `MOST_PROBLEMS` of these problems.
    """

    files: int
    kept: int
    problems: int
    first: list[str]


def describe_files(
    paths: Iterable[Path | str], *, jobs: int = -1, sketches: bool = False, track: Track = plainly
) -> pd.DataFrame:
    """Describe audio files; for so many that their table fits into memory.

    Parameters
    ----------
    paths : iterable of path or str
        Files, folders that are searched through, or URLs of them.
    jobs : int
        Files at once; -1: one per core.
    sketches : bool
        Add a column ``sketch`` (bytes: `chartropy.features.sketch.Sketch.from_bytes` reads them).
    track : callable
        Shows progress.

    Returns
    -------
    pandas.DataFrame
        One row per file, in the order found: ``path, audio_hash, extractor_version, seconds, start, file_seconds,
        rate, codec, problem, missing``, then a float32 column per descriptor. A file that cannot be used has its reason in `problem` and no
        numbers and no `extractor_version`; `missing` says why single numbers are not there.

    Raises
    ------
    SettingsError
        A path that is not there, or no audio file in any.
    """
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(prefix="chartropy-") as folder:
        out = str(Path(folder) / "table.parquet")
        describe_catalogue([str(path) for path in paths], out=out, jobs=jobs, sketches=sketches, track=track)
        return frame_of(pq.read_table(out))


def describe_catalogue(
    paths: Iterable[str] = (),
    *,
    manifest: str | None = None,
    out: str | None = None,
    jobs: int = -1,
    cluster: str | None = None,
    sketches: bool = False,
    device: str | None = None,
    track: Track = plainly,
) -> Summary:
    """Describe audio files, however many, and write a row for each.

    Parameters
    ----------
    paths : iterable of str
        Files, folders that are searched through, or URLs of them.
    manifest : str, optional
        Path or URL of a list of files: CSV with a column ``path``, or text with a path a line. Relative paths count from
        where it lies. It is read line by line.
    out : str, optional
        ``.csv`` or ``.parquet``: one file, in the order of the input, written whole or not at all, at the end. A folder
        (it exists, or ends in ``/``): a data set of Parquet, each part there as soon as it is full. May be a URL.
        What an earlier run described there stays, after the files asked for. Default: CSV to standard output.
    jobs : int
        Files at once on this machine; -1: one per core.
    cluster : str, optional
        Address of a Dask scheduler whose workers describe instead; they must see the files under the same paths.
    sketches : bool
        Add a column ``sketch`` (bytes).
    device : str, optional
        ``cpu``, ``cuda`` or ``cuda:1``: spectra are taken with PyTorch there, many files at once; `jobs` is then 1 unless
        said.
    track : callable
        Shows progress.

    Returns
    -------
    Summary

    Raises
    ------
    SettingsError
        Nothing to describe, a path that is not there, a place or a cluster that cannot be reached.
    WorkspaceError
        The rows cannot be written. What was written is kept.
    ChartropyError
        Workers fail whatever they are given. What was written is kept.
    KeyboardInterrupt
        With a message that says what is kept.
    """
    if cluster and jobs != -1:
        raise SettingsError(
            f"--jobs {jobs}, --cluster {cluster}: give one or the other; a cluster's workers say how many."
        )
    if device:
        from ..features.batches import check_device

        check_device(device)
        jobs = 1 if jobs == -1 else jobs  # one process keeps a card busy
    form = _form_of(out, sketches)
    files, countable = _files_of(list(paths), manifest)
    with ExitStack() as stack:
        if out is None:
            folder = Place(stack.enter_context(tempfile.TemporaryDirectory(prefix="chartropy-"))) / "parts"
        else:
            folder = Place(out if form == "folder" else f"{out}.parts")
        crew = stack.enter_context(_cluster(cluster) if cluster else _cores(jobs, files))
        folder.make_folder()
        stack.enter_context(_alone_in(folder))
        parts = Parts(folder, sketches=sketches, earlier=Place(out) if out and form != "folder" else None)
        stack.callback(parts.close)
        if parts.kept:
            log.info("%s: %d files described earlier; their rows are kept", out, parts.kept)
        try:
            total = sum(not parts.has(shown(path)) for path in files()) if countable else 0
            _describe(files, parts, crew, _Options(sketches, str(Path.cwd()), device or ""), total, track)
        except KeyboardInterrupt:
            kept = f"{parts.described()} files are described and kept in {folder}: run the command again to go on."
            raise KeyboardInterrupt(kept if out else "Nothing is kept; with --out it would be.") from None
        except sqlite3.OperationalError as error:
            raise WorkspaceError(
                f"The folder for temporary files cannot hold the list of files ({error}): make room there, or name "
                "another in TMPDIR, and run again: what is described is kept."
            ) from error
        if form == "folder":
            parts.tidy()
        else:
            parts.gather(Place(out) if out else sys.stdout, form)
            parts.remove()
        problems, first = parts.problems(MOST_PROBLEMS)
        return Summary(parts.asked, parts.reused, problems, first)


# -- what to describe --------------------------------------------------------------------------------------------------


def _form_of(out: str | None, sketches: bool) -> str:
    if out is None:
        form = "csv"
    elif out.endswith(("/", os.sep)) or Place(out).kind() == "folder":
        form = "folder"
    else:
        form = out.rpartition(".")[2].lower()
        if form not in FORMATS:
            raise SettingsError(f"--out {out}: write .csv or .parquet, or a folder (its name ends in /).")
    if sketches and form == "csv":
        raise SettingsError("--sketches: CSV cannot hold them; name --out FILE.parquet or a folder.")
    return form


def _files_of(paths: list[str], manifest: str | None) -> tuple[Files, bool]:
    """Return the files, and whether they can be counted without asking anybody."""
    if not paths and manifest is None:
        raise SettingsError("Nothing to describe: name files, folders or URLs, or a list of them with --manifest.")
    places = []
    for path in paths:
        name = path if is_url(path) else str(Path(path))
        kind = Place(name).kind()
        if not kind:
            raise SettingsError(f"{path}: there is no such file or folder.")
        places.append((name, kind))
    if manifest is not None:
        kind = Place(manifest).kind()
        if kind != "file":
            raise SettingsError(
                f"--manifest {manifest}: " + ("this is a folder." if kind else "there is no such file.")
            )
        if next(_listed(manifest), None) is None:
            raise SettingsError(f"--manifest {manifest}: it lists no file.")

    def files() -> Iterator[str]:
        for name, kind in places:
            yield from _audio_in(name) if kind == "folder" else (name,)
        if manifest is not None:
            yield from _listed(manifest)

    if next(files(), None) is None:
        raise SettingsError(f"No audio files in {', '.join(paths)}.")
    remote = [name for name, kind in places if kind == "folder"] + [manifest or ""]
    return files, not any(map(is_url, remote))


def _audio_in(folder: str) -> Iterator[str]:
    """Search a folder, in a stable order, holding no more than one listing per level."""
    try:
        children = list(Place(folder).children())
    except Exception as error:  # noqa: BLE001 - each kind of URL has errors of its own
        log.warning("%s: cannot be listed (%s)", folder, why(error))
        yield folder  # reading it fails too: a row says so
        return
    for name, kind, path in children:
        if name.startswith("."):  # hidden: trash, and what macOS leaves beside every file on other disks
            continue
        if kind == "folder":
            yield from _audio_in(path)
        elif Path(name).suffix.lower() in SUFFIXES:
            yield path


def _listed(manifest: str) -> Iterator[str]:
    """Read a manifest line by line."""
    base = manifest.rpartition("/")[0] if is_url(manifest) else str(Path(manifest).parent)
    try:
        with Place(manifest).open() as file:
            is_utf16 = file.read(2) in (b"\xff\xfe", b"\xfe\xff")  # what spreadsheets call Unicode
            file.seek(0)
            # a name on disk need not be UTF-8
            encoding, errors = ("utf-16", "strict") if is_utf16 else ("utf-8-sig", "surrogateescape")
            lines = io.TextIOWrapper(file, encoding, errors=errors, newline="")
            for path in _paths_of(lines, manifest):
                if is_url(path) or Path(path).is_absolute():
                    yield path
                else:
                    yield f"{base}/{path}" if is_url(base) else str(Path(base) / path)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"--manifest {manifest}: cannot be read ({why(error)}).") from error


def _paths_of(lines: TextIO, manifest: str) -> Iterator[str]:
    first = lines.readline()
    if "\0" in first:
        raise SettingsError(f"--manifest {manifest}: this is no text; give a list of files, or name the file itself.")
    for delimiter in ",;\t":
        columns = [name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter), [])]
        if "path" in columns:
            break
    else:
        if manifest.lower().endswith((".csv", ".tsv")):
            raise SettingsError(f"--manifest {manifest}: its first line has no column path ({first.strip()[:80]}).")
        yield from (path for line in chain([first], lines) if (path := line.strip("\r\n")).strip())
        return
    column = columns.index("path")
    rows = csv.reader(lines, delimiter=delimiter)
    try:
        yield from (row[column] for row in rows if len(row) > column and row[column].strip())
    except csv.Error as error:
        raise SettingsError(f"--manifest {manifest}, line {rows.line_num + 1}: {error}.") from error


# -- describing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Options:
    """What a worker is told.

    Attributes
    ----------
    sketches : bool
    folder : str
        What relative paths count from: a worker is started in another folder.
    device : str
        Where spectra are taken with PyTorch; empty: with NumPy.
    version : str
        Of the extractor that the rows must come from.
    """

    sketches: bool
    folder: str
    device: str = ""
    version: str = EXTRACTOR_VERSION


def _describe(files: Files, parts: Parts, crew: _Crew, options: _Options, total: int, track: Track) -> None:
    wanted = (path for path in files() if parts.asks(shown(path)))
    try:
        for row in track(_rows(crew, wanted, options), "files", total):
            parts.add(row)
    finally:
        parts.flush()


def _rows(crew: _Crew, files: Iterator[str], options: _Options) -> Iterator[Row]:
    """Have files described, as many at once as the crew has room for; rows as they come."""
    size = BATCH_ON_DEVICE if options.device else BATCH
    waiting: dict[Future, list[str]] = {}
    lost = 0
    while True:
        while len(waiting) < crew.room() and (batch := list(islice(files, size))):
            waiting[crew.submit(describe_batch, batch, options)] = batch
        if not waiting:
            return
        for future in wait(waiting, timeout=_LOOK, return_when=FIRST_COMPLETED).done:
            batch = waiting.pop(future)
            rows = crew.result(future)
            if rows is not None:
                lost = 0
                yield from rows
                continue
            # A process died over one of these, or was killed: each is tried once more, alone.
            log.warning("a process died over %d files; each is tried again, alone", len(batch))
            for path in batch:
                rows = crew.result(crew.submit(describe_batch, [path], options))
                lost = 0 if rows else lost + 1
                if lost == _LOST:
                    raise ChartropyError(
                        f"{_LOST} files in a row, the last {path}, each ended the process that described it: too little "
                        "memory for so many at once (--jobs 1 takes the least), or a broken installation."
                    )
                yield from rows or [
                    Row(
                        shown(path),
                        f"{shown(path)}: ended, twice, the process that described it (out of memory, or a decoder's crash).",
                    )
                ]


def describe_batch(paths: list[str], options: _Options) -> list[Row]:
    """Describe files, in whatever process this is called.

    Parameters
    ----------
    paths : list of str
    options : _Options

    Returns
    -------
    list of Row
        One per file, whatever is wrong with it.

    Raises
    ------
    SettingsError
        When this process has another extractor than the one that asks.
    """
    if options.version != EXTRACTOR_VERSION:
        raise SettingsError(
            f"A worker has extractor {EXTRACTOR_VERSION} and this Chartropy {options.version}: install the same release."
        )
    if options.device and len(paths) > 1:
        return _describe_together(paths, options)
    if options.device:
        return [_together_or_why(path, options) for path in paths]
    return [_describe_one(path, options) for path in paths]


def _describe_one(path: str, options: _Options) -> Row:
    from ..features.describe import describe

    name = shown(path)
    try:
        return _row_of(name, describe(_decoded(path, options), sketch=options.sketches))
    except Exception as error:  # noqa: BLE001 - a file must never stop the others, whatever is in it
        return _row_about(name, error)


def _describe_together(paths: list[str], options: _Options) -> list[Row]:
    """Describe files with PyTorch, those that can be decoded in one batch."""
    from ..features.batches import describe_batch

    rows: dict[str, Row] = {}
    clips: dict[str, Audio] = {}
    for path in paths:
        try:
            clips[path] = _decoded(path, options)
        except Exception as error:  # noqa: BLE001 - the same
            rows[path] = _row_about(shown(path), error)
    try:
        described = describe_batch(list(clips.values()), options.device, sketch=options.sketches)
    except Exception:
        if len(paths) == 1:
            raise
        log.debug("a batch of %d failed: one by one", len(paths), exc_info=True)
        return [_together_or_why(path, options) for path in paths]
    for path, found in zip(clips, described, strict=True):
        rows[path] = Row(shown(path), found) if isinstance(found, str) else _row_of(shown(path), found)
    return [rows[path] for path in paths]


def _together_or_why(path: str, options: _Options) -> Row:
    try:
        return _describe_together([path], options)[0]
    except Exception as error:  # noqa: BLE001 - a file must never stop the others, whatever is in it
        return _row_about(shown(path), error)


def _row_about(name: str, error: Exception) -> Row:
    if isinstance(error, AudioError):
        return Row(name, str(error))
    if isinstance(error, MemoryError):
        return Row(name, f"{name}: there is not enough memory to describe it.")
    log.debug("%s", name, exc_info=error)
    return Row(name, f"{name}: cannot be described ({type(error).__name__}: {why(error)}); please report this.")


def _row_of(name: str, found: Description) -> Row:
    return Row(
        name,
        audio_hash=found.sha256,
        seconds=round(found.seconds, 3),
        start=round(found.start, 3),
        file_seconds=round(found.file_seconds, 3),
        rate=found.rate,
        codec=found.codec,
        missing=_why_missing(found.reasons),
        values=found.values,
        sketch=found.sketch.to_bytes() if found.sketch else None,
    )


def _decoded(path: str, options: _Options) -> Audio:
    name = shown(path)
    if not is_url(path):
        return decode(Path(options.folder) / path, name=name, rate=RATE, max_seconds=LONGEST)
    with tempfile.TemporaryDirectory(prefix="chartropy-") as folder:
        source: bytes | Path
        try:
            place = Place(path)
            size = place.size()
            if size is not None and size <= LARGE:
                source = place.read()
            else:
                source = Path(folder) / "audio"
                place.fetch(source)
        except Exception as error:  # each kind of URL has errors of its own
            raise AudioError(f"{name}: cannot be read ({why(error)}).") from error
        return decode(source, name=name, rate=RATE, max_seconds=LONGEST)


def shown(path: str) -> str:
    """Return a path as text that every file can hold: bytes of a name that are no UTF-8 become escapes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _why_missing(reasons: dict[str, str]) -> str:
    """Return each reason once, and how many descriptors lack a number for it."""
    return "; ".join(
        f"{reason} ({count} descriptor{'s' if count > 1 else ''})"
        for reason, count in Counter(reasons.values()).most_common()
    )


# -- who does it -------------------------------------------------------------------------------------------------------


class _Crew:
    """Processes that describe: what is handed to them, how much at once, and what becomes of it.

    Parameters
    ----------
    submit : callable
        Takes a function and its arguments; returns a `concurrent.futures.Future`.
    room : callable
        Returns how many batches may be under way, at least one.
    died : tuple of exception classes
        What a future raises when its process is gone.
    who : str
        What to call them in messages.
    """

    def __init__(
        self,
        submit: Callable[..., Future[list[Row]]],
        room: Callable[[], int],
        died: tuple[type[Exception], ...] = (),
        who: str = "this process",
    ):
        self.submit = submit
        self.room = room
        self._died = died
        self._who = who

    def result(self, future: Future[list[Row]]) -> list[Row] | None:
        """Return what came of a batch; None when its process died over it."""
        try:
            return future.result()
        except self._died:
            return None
        except (CancelledError, asyncio.CancelledError) as error:
            raise ChartropyError(f"{self._who} no longer answers. What is described is kept: run again.") from error
        except ChartropyError:
            raise
        except Exception as error:  # files have rows whatever is wrong with them: this is about the workers
            raise ChartropyError(
                f"{self._who} cannot run this Chartropy ({type(error).__name__}: {why(error)}): install the same release "
                "with the same packages wherever work is done."
            ) from error


@contextmanager
def _cores(jobs: int, files: Files) -> Iterator[_Crew]:
    """Use processes of this machine; this one alone for one job or a few files, which are done before others start."""
    import joblib

    try:
        count = joblib.effective_n_jobs(jobs)
    except ValueError as error:
        raise SettingsError(f"--jobs {jobs}: give how many files at once, or -1 for one per core.") from error
    if count == 1 or sum(1 for _ in islice(files(), FEW + 1)) <= FEW:
        yield _Crew(_at_once, lambda: 1)
        return
    # joblib's own pool and not its Parallel, which neither survives a killed process nor waits for who takes the results
    from joblib.externals.loky import get_reusable_executor  # pyright: ignore[reportMissingImports] - no stub

    def executor():
        return get_reusable_executor(count, env=ONE_THREAD)

    def submit(*work) -> Future:
        try:
            return executor().submit(*work)
        except BrokenExecutor:  # it broke between the two calls
            return executor().submit(*work)

    try:
        yield _Crew(submit, lambda: 2 * count, (BrokenExecutor,), "A process on this machine")
    except BaseException:
        executor().shutdown(wait=False, kill_workers=True)
        raise


def _at_once(function: Callable, *arguments) -> Future:
    future = Future()
    future.set_result(function(*arguments))
    return future


@contextmanager
def _cluster(address: str) -> Iterator[_Crew]:
    """Use the workers of a Dask cluster.

    By the scheduler's own client: joblib's Dask backend hands out lists that are known from the start, and stops all
    over one worker that dies again and again.
    """
    try:
        from distributed import Client, KilledWorker
    except ModuleNotFoundError:
        raise SettingsError(
            f"--cluster {address}: a cluster needs an extra: pip install 'chartropy[cluster]'."
        ) from None
    who = f"The cluster at {address}"
    try:
        client: Any = Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"--cluster {address}: no Dask scheduler answers there ({why(error)}); `dask scheduler` starts one."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_CONNECT)
        except TimeoutError as error:
            raise SettingsError(
                f"--cluster {address}: it has no workers; `dask worker {address} --nthreads 1` starts one."
            ) from error
        seen = {"when": float("-inf"), "threads": 1}

        def room() -> int:
            if time.monotonic() - seen["when"] > _LOOK:
                with suppress(OSError):  # a scheduler that is gone cancels what it had: the futures tell
                    seen["threads"] = sum(client.nthreads().values())
                if not seen["threads"]:
                    log.warning("%s has no workers left; waiting for new ones", who)
                seen["when"] = time.monotonic()
            return max(1, 2 * int(seen["threads"]))  # a batch under way and one at hand

        yield _Crew(client.get_executor(pure=False).submit, room, (KilledWorker,), who)


@contextmanager
def _alone_in(folder: Place) -> Iterator[None]:
    """Keep other runs out of a folder on this machine; a store has no locks."""
    if not folder.is_local:
        yield
        return
    from filelock import FileLock, Timeout

    lock = FileLock(str(folder / LOCK), timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise WorkspaceLocked(
            f"{folder}: another run is writing there; wait for it, or choose another --out."
        ) from error
    except OSError as error:
        raise WorkspaceReadOnly(f"{folder} cannot be written ({why(error)}): choose another --out.") from error
    try:
        yield
    finally:
        lock.release()
