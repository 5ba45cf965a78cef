"""Rows kept as they come: parts of Parquet, a list of which files have a row and where, one file of them at the end.

A part is written whole or not at all, so whatever stops a run costs only the rows since the last part. A row with an
extractor version describes its file; one without says what was wrong with it, and the file is tried again. What was made
otherwise (another extractor, with or without sketches) is set aside under a name that readers of data sets pass over.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import secrets
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, islice, repeat
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from ..features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from ..workspace.errors import SettingsError, WorkspaceError
from .places import Place, why

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

log = logging.getLogger(__name__)

PART_ROWS = 512
"""Rows of a part, at most. The first ones are smaller: half of a short run's work is always kept."""

FIRST_ROWS = 16
"""Rows of a run's first part."""

GROUP_ROWS = 1024
"""Rows written at once to the one file at the end."""

HEAD = (
    *("path", "audio_hash", "extractor_version", "seconds", "start", "file_seconds"),
    *("rate", "codec", "problem", "missing"),
)
"""Columns before the descriptors."""

_SECONDS = ("seconds", "start", "file_seconds")

LOCK = ".lock"
"""File in the folder that a run on this machine holds."""

_CACHED = 4  # groups of rows that are held while the one file is written
_PART = re.compile(r"part-(\d+)-[0-9a-f]+\.parquet")
_HALF = re.compile(r"\.part-.+\.part")  # what a killed run was writing
_OTHERS = re.compile(r"[^._].*\.parquet")
_ASIDE = "_other-"  # readers of data sets pass over names that begin so


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one file.

    Attributes
    ----------
    path : str
        As it was asked for: path or URL.
    problem : str
        Why there is no description; empty where there is one.
    audio_hash, codec : str or None
    seconds, start, file_seconds : float or None
        How much was described, where in the file that begins, how long the file is.
    rate : int or None
        In Hz.
    missing : str
        Why single numbers are not there.
    values : numpy.ndarray or None, shape (descriptors,), float32
    sketch : bytes or None
    """

    path: str
    problem: str = ""
    audio_hash: str | None = None
    seconds: float | None = None
    start: float | None = None
    file_seconds: float | None = None
    rate: int | None = None
    codec: str | None = None
    missing: str = ""
    values: np.ndarray | None = None
    sketch: bytes | None = None


def schema_of(*, sketches: bool = False) -> pa.Schema:
    """Return the columns of the table, the same whatever the rows hold.

    Parameters
    ----------
    sketches : bool
        With a column for the sketches.

    Returns
    -------
    pyarrow.Schema
        One float32 column per descriptor; its metadata hold ``extractor_version`` and ``units`` (JSON: the unit of each
        column that has one).
    """
    import pyarrow as pa

    types = dict.fromkeys(_SECONDS, pa.float64()) | {"rate": pa.int32()}
    fields = [pa.field(name, types.get(name, pa.string())) for name in HEAD]
    fields += [pa.field(name, pa.float32()) for name in DESCRIPTORS]
    if sketches:
        fields.append(pa.field("sketch", pa.binary()))
    units = (
        dict.fromkeys(_SECONDS, "s")
        | {"rate": "Hz"}
        | {name: descriptor.unit for name, descriptor in DESCRIPTORS.items()}
    )
    return pa.schema(fields, {"extractor_version": EXTRACTOR_VERSION, "units": json.dumps(units)})


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Return rows for pandas: whole numbers stay whole where some are missing."""
    # the copy lays the columns side by side; as they come, pandas warns of each column that is added
    return table.to_pandas().astype({"rate": "Int32"}).copy()


class Parts:
    """The rows of a run, in parts in a folder, and those that earlier runs left there.

    Parameters
    ----------
    folder : Place
        Made if needed.
    sketches : bool
        With sketches.
    earlier : Place, optional
        One file, CSV or Parquet, that an earlier run made of its parts; its rows are kept too.

    Attributes
    ----------
    kept : int
        Descriptions that were found.
    asked : int
        Different files asked for.
    reused : int
        Of these, those whose description was found.

    Raises
    ------
    SettingsError
        When `earlier` is no table of descriptors.
    WorkspaceError
        When the folder cannot be used.
    """

    def __init__(self, folder: Place, *, sketches: bool = False, earlier: Place | None = None):
        self._folder = folder
        self._schema = schema_of(sketches=sketches)
        self._run = secrets.token_hex(4)  # no two runs write the same part
        self._waiting: list[Row] = []
        self._written = 0
        self._files: list[Place] = []  # the list calls them by number
        self._retried: list[int] = []  # files with rows that tell of problems
        self._groups: OrderedDict[tuple[int, int], pa.Table] = OrderedDict()
        self._list = _List()
        folder.make_folder()
        self._number = 0
        for name in self._names(_HALF):
            self._try((folder / name).remove)
        aside = 0
        for name in self._names():
            self._number = max(self._number, int(name.split("-")[1]))
            if not self._keep(folder / name):
                self._try((folder / name).rename, _ASIDE + name)
                aside += 1
        others = [name for name in self._names(_OTHERS) if not _PART.fullmatch(name)]
        if others:
            log.warning("%s holds %s too, which is not ours: who reads the folder reads it", folder, ", ".join(others))
        if aside:
            log.warning(
                "%s: %d parts are not of extractor %s with these options, or damaged; set aside as %s*, described anew",
                folder, aside, EXTRACTOR_VERSION, _ASIDE,
            )  # fmt: skip
        self._aside: Place | None = None  # a table that must not be written over
        if earlier and earlier.kind() == "file" and earlier.size() and not self._keep_table(earlier):
            self._aside = earlier
        self.kept = self._list.count()

    def asks(self, path: str) -> bool:
        """Note that a file is asked for; tell whether it must be described: not when it is or was asked for before."""
        return self._list.ask(path)

    def has(self, path: str) -> bool:
        """Tell whether a file is described."""
        return self._list.has(path)

    def add(self, row: Row) -> None:
        """Take a row; write a part when there are enough."""
        self._waiting.append(row)
        if len(self._waiting) >= min(PART_ROWS, max(FIRST_ROWS, self._written)):
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait.

        Raises
        ------
        DiskFull, WorkspaceReadOnly
            When they cannot be written.
        """
        if not self._waiting:
            return
        import pyarrow as pa

        part = self._next()
        with part.whole() as file, _writer(file, self._schema) as writer:
            writer.write_table(pa.Table.from_batches([_batch(self._waiting, self._schema)]))
        self._files.append(part)
        self._list.place(self._waiting, len(self._files) - 1)
        self._written += len(self._waiting)
        self._waiting = []

    def problems(self, most: int) -> tuple[int, list[str]]:
        """Return how many of the files asked for have a problem, and the first of those problems."""
        return self._list.problems(most)

    def described(self) -> int:
        """Return how many files are described."""
        return self._list.count()

    @property
    def asked(self) -> int:
        return self._list.asked

    @property
    def reused(self) -> int:
        return self._list.reused

    def gather(self, out: Place | TextIO, form: str) -> None:
        """Write one file: the rows of all files asked for, in that order, then those kept of others, by path.

        Parameters
        ----------
        out : Place or text file
        form : str
            ``csv`` or ``parquet``.

        Raises
        ------
        WorkspaceError
            When it cannot be written, or a part cannot be read; what was there stays.
        """
        if not isinstance(out, Place):
            self._gather_text(out)
            return
        if self._aside:
            name = f"{_ASIDE}{self._run}-{PurePath(self._aside.name).name}"
            log.warning(
                "%s is not of extractor %s with these options; set aside as %s, described anew",
                self._aside, EXTRACTOR_VERSION, name,
            )  # fmt: skip
            self._try(self._aside.rename, name)
        with out.whole() as file:
            if form == "csv":
                text = io.TextIOWrapper(file, "utf-8", newline="")
                self._gather_text(text)
                text.detach()
            else:
                with _writer(file, self._schema) as writer:
                    for table in self._in_order():
                        writer.write_table(table)

    def _gather_text(self, text: TextIO) -> None:
        from .files import harmless

        for number, table in enumerate(self._in_order()):
            harmless(frame_of(table)).to_csv(text, index=False, header=not number, lineterminator="\n")

    def tidy(self) -> None:
        """Take the rows out of earlier parts that this run has better ones for."""
        import pyarrow as pa

        for number in self._retried:
            part = self._files[number]
            table = self._read(number, 0)
            old = [
                version is None and self._list.file_of(path) not in (None, number)
                for path, version in zip(table["path"].to_pylist(), table["extractor_version"].to_pylist(), strict=True)
            ]
            if all(old):
                self._try(part.remove)
            elif any(old):
                with part.whole() as file, _writer(file, self._schema) as writer:
                    writer.write_table(table.filter(pa.array([not is_old for is_old in old])))

    def remove(self) -> None:
        """Remove the parts, those set aside too, and their folder."""
        for name in [*self._names(), *self._names(re.compile(_ASIDE + _PART.pattern))]:
            self._try((self._folder / name).remove)
        if self._folder.is_local:
            with suppress(WorkspaceError):  # where an open file cannot be removed, an empty folder stays
                self._try((self._folder / LOCK).remove)
            self._folder.remove_folder()

    def _names(self, form: re.Pattern[str] = _PART) -> list[str]:
        try:
            return [name for name, kind, _ in self._folder.children() if kind == "file" and form.fullmatch(name)]
        except FileNotFoundError:  # a store has no empty folders
            return []
        except Exception as error:
            raise WorkspaceError(f"{self._folder} cannot be listed ({why(error)}).") from error

    def _try(self, function: Any, *arguments: str) -> None:
        try:
            function(*arguments)
        except Exception as error:
            raise WorkspaceError(f"{self._folder} cannot be changed ({why(error)}).") from error

    def _keep_table(self, table: Place) -> bool:
        """Put the rows of a finished table on the list; False where it is of another extractor or other options."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        is_csv = str(table).lower().endswith(".csv")
        try:
            if is_csv:
                with io.TextIOWrapper(table.open(), "utf-8", newline="") as text:
                    columns = next(csv.reader(text))
            else:
                with table.open() as file:
                    columns = pq.read_schema(file).names
            if tuple(columns[: len(HEAD)]) != HEAD:
                raise SettingsError(
                    f"{table} is no table of descriptors: it is not written over; choose another --out."
                )
            if is_csv:
                return columns == self._schema.names and self._keep_csv(table)
            return self._keep(table)
        except (pa.ArrowException, UnicodeDecodeError, csv.Error) as error:
            raise SettingsError(
                f"{table} is no table of descriptors ({why(error)}): it is not written over; choose another --out."
            ) from error
        except OSError as error:
            raise WorkspaceError(f"{table} cannot be read ({why(error)}).") from error

    def _keep_csv(self, table: Place) -> bool:
        """Make a part of a table's rows."""
        import pyarrow as pa
        import pyarrow.compute as compute
        from pyarrow import csv as arrow_csv

        from .files import FORMULA_STARTS

        starts = re.escape("".join(FORMULA_STARTS))
        part, versions = self._next(), set()
        with table.open() as file, part.whole() as target, _writer(target, self._schema) as writer:
            reader = arrow_csv.open_csv(
                file,
                parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=self._schema, null_values=[""], strings_can_be_null=True
                ),
            )
            for batch in reader:
                rows = pa.Table.from_batches([batch])
                versions |= set(rows["extractor_version"].to_pylist())
                for name in ("path", "problem", "missing"):
                    # a file whose name begins with an apostrophe and one of these is taken for another, and described anew
                    written = compute.replace_substring_regex(  # pyright: ignore[reportAttributeAccessIssue]
                        rows[name], f"^'([{starts}])", r"\1"
                    )
                    filled = written if name == "path" else compute.fill_null(written, "")
                    rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), filled)
                writer.write_table(rows.cast(self._schema), GROUP_ROWS)
        if versions <= {EXTRACTOR_VERSION, None}:
            return self._keep(part)
        self._try(part.remove)
        return False

    def _next(self) -> Place:
        """Name the next part."""
        self._number += 1
        return self._folder / f"part-{self._number:07d}-{self._run}.parquet"

    def _keep(self, part: Place) -> bool:
        """Put the rows of a file on the list; False where it is of another kind or damaged."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with part.open() as file:
                parquet = pq.ParquetFile(file)
                found = parquet.schema_arrow
                version = (found.metadata or {}).get(b"extractor_version", b"").decode()
                if version != EXTRACTOR_VERSION or not found.equals(self._schema):
                    return False
                self._files.append(part)
                number = len(self._files) - 1
                for group in range(parquet.num_row_groups):
                    table = parquet.read_row_group(group, columns=["path", "extractor_version", "problem"])
                    paths, versions, problems = (column.to_pylist() for column in table.columns)
                    self._list.keep(zip(paths, problems, repeat(number), repeat(group), count()))
                    if None in versions:
                        self._retried.append(number)
        except pa.ArrowInvalid as error:
            log.warning("%s is damaged (%s)", part, why(error))
            return False
        except Exception as error:
            raise WorkspaceError(f"{part} cannot be read ({why(error)}).") from error
        return True

    def _in_order(self) -> Iterator[pa.Table]:
        """Yield the rows of all files asked for, in that order, then the others; one table without rows where there are none."""
        import pyarrow as pa

        places = self._list.in_order()
        chosen = list(islice(places, GROUP_ROWS))
        if not chosen:
            yield self._schema.empty_table()
        while chosen:
            rows: dict[tuple[int, int], list[int]] = {}
            for file, group, row in chosen:
                rows.setdefault((file, group), []).append(row)
            table = pa.concat_tables(self._read(*where).take(those) for where, those in rows.items())
            # taken part by part; back into the order of the list
            first, start = {}, 0
            for where, those in rows.items():
                first[where] = start
                start += len(those)
            order = []
            for file, group, _ in chosen:
                order.append(first[file, group])
                first[file, group] += 1
            yield table.take(order).replace_schema_metadata(self._schema.metadata)
            chosen = list(islice(places, GROUP_ROWS))

    def _read(self, number: int, group: int) -> pa.Table:
        import pyarrow.parquet as pq

        if (number, group) not in self._groups:
            try:
                with self._files[number].open() as file:
                    self._groups[number, group] = pq.ParquetFile(file).read_row_group(group)
            except Exception as error:
                raise WorkspaceError(f"{self._files[number]} cannot be read ({why(error)}): run again.") from error
            if len(self._groups) > _CACHED:
                self._groups.popitem(last=False)
        self._groups.move_to_end((number, group))
        return self._groups[number, group]

    def close(self) -> None:
        """Forget the list."""
        self._list.close()


class _List:
    """Which files are asked for, which have a row, and where it is.

    In a database of its own that SQLite keeps in a temporary file, so that a hundred million paths need no memory.
    """

    def __init__(self):
        self.asked = self.reused = 0
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript("""
            PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            PRAGMA cache_size = -32768;
            CREATE TABLE file (
                path TEXT PRIMARY KEY, place INTEGER, file INTEGER, grp INTEGER, row INTEGER, problem TEXT
            ) WITHOUT ROWID;
            BEGIN;
        """)

    def ask(self, path: str) -> bool:
        found = self._database.execute("SELECT place FROM file WHERE path = ?", (path,)).fetchone()
        if found and found[0] is not None:
            return False
        described = self.has(path)
        self.asked += 1
        self.reused += described
        self._database.execute(
            "INSERT INTO file (path, place) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET place = excluded.place",
            (path, self.asked),
        )
        return not described

    def has(self, path: str) -> bool:
        chosen = "SELECT 1 FROM file WHERE path = ? AND file IS NOT NULL AND problem IS NULL"
        return self._database.execute(chosen, (path,)).fetchone() is not None

    def file_of(self, path: str) -> int | None:
        found = self._database.execute("SELECT file FROM file WHERE path = ?", (path,)).fetchone()
        return found[0] if found else None

    def keep(self, rows: Iterable[tuple[str, str, int, int, int]]) -> None:
        # the later row, unless it only says what was wrong
        self._database.executemany(
            "INSERT INTO file (path, problem, file, grp, row) VALUES (?, nullif(?, ''), ?, ?, ?) ON CONFLICT (path) "
            "DO UPDATE SET problem = excluded.problem, file = excluded.file, grp = excluded.grp, row = excluded.row "
            "WHERE excluded.problem IS NULL OR file.problem IS NOT NULL",
            rows,
        )

    def place(self, rows: list[Row], number: int) -> None:
        self._database.executemany(
            "UPDATE file SET problem = nullif(?, ''), file = ?, grp = 0, row = ? WHERE path = ?",
            ((row.problem, number, place, row.path) for place, row in enumerate(rows)),
        )

    def count(self) -> int:
        chosen = "SELECT count(*) FROM file WHERE file IS NOT NULL AND problem IS NULL"
        return self._database.execute(chosen).fetchone()[0]

    def problems(self, most: int) -> tuple[int, list[str]]:
        chosen = "FROM file WHERE place IS NOT NULL AND problem IS NOT NULL"
        count = self._database.execute(f"SELECT count(*) {chosen}").fetchone()[0]
        first = self._database.execute(f"SELECT problem {chosen} ORDER BY place LIMIT ?", (most,))
        return count, [problem for (problem,) in first]

    def in_order(self) -> Iterator[tuple[int, int, int]]:
        yield from self._database.execute(
            "SELECT file, grp, row FROM file WHERE file IS NOT NULL ORDER BY place IS NULL, place, path"
        )

    def close(self) -> None:
        self._database.close()


def _batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    nothing = np.full(len(DESCRIPTORS), np.nan, np.float32)
    values = np.stack([nothing if row.values is None else row.values for row in rows])
    columns: dict[str, Any] = {
        name: [getattr(row, name) for row in rows] for name in HEAD if name != "extractor_version"
    }
    columns["extractor_version"] = [None if row.problem else EXTRACTOR_VERSION for row in rows]
    columns["sketch"] = [row.sketch for row in rows]
    columns |= {name: values[:, place] for place, name in enumerate(DESCRIPTORS)}
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _writer(file: Any, schema: pa.Schema):
    import pyarrow.parquet as pq

    # Numbers measured never repeat: a dictionary and statistics of them only cost; apart byte by byte they pack better.
    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=["extractor_version", "codec", "problem", "missing"],  # pyright: ignore[reportArgumentType]
        write_statistics=["path", "audio_hash"],  # pyright: ignore[reportArgumentType]
        use_byte_stream_split=list(DESCRIPTORS),  # pyright: ignore[reportArgumentType]
    )
