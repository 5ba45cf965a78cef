"""Tables written to files, and audio files judged without a workspace."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..audio.decode import find_audio
from ..workspace.clock import now
from ..workspace.errors import SettingsError
from ..workspace.files import whole_file
from .places import is_url
from .weekly import Track, in_parallel, plainly

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from ..analysis.detector import Detector, Verdict
    from .explain import Explained
    from .words import Words

FORMATS = ("csv", "parquet")
"""Forms for tables of any size."""

WORKBOOK = "xlsx"
"""The form for those that a spreadsheet holds."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet may run a cell of a CSV file that begins with one of these."""

ROWS_AT_ONCE = 10_000
"""Rows that are made text, or cells of a workbook, at once: a large table is never held twice."""


def format_of(out: Path | None, asked: str | None = None) -> str:
    """Return one of `FORMATS`, or `WORKBOOK`: as asked, else by the file's suffix, else CSV.

    Raises
    ------
    SettingsError
        For another format or suffix, or a form that is not for a terminal without a file to write to.
    """
    suffix = out.suffix.lower().lstrip(".") if out else ""
    found = asked or suffix or "csv"
    if found not in (*FORMATS, WORKBOOK):
        where = f"--format {asked}" if asked else f"--out {out}"
        raise SettingsError(f"{where}: write .csv, .parquet or .xlsx.")
    if found != "csv" and out is None:
        called = {"parquet": "Parquet", "xlsx": "Excel"}[found]
        raise SettingsError(f"{called} is not for a terminal: name a file with --out FILE.{found}.")
    return found


def write_table(
    table: pd.DataFrame,
    out: Path | None,
    form: str,
    *,
    name: str = "table",
    bom: bool = False,
    made_at: datetime | None = None,
    cut: list[str] | None = None,
    words: Words | None = None,
) -> None:
    """Write a table whole or not at all; to standard output when `out` is None.

    Parameters
    ----------
    table : pandas.DataFrame
    out : Path, optional
    form : str
        One of `FORMATS`, or `WORKBOOK`.
    name : str
        One of :data:`.dictionary.COLUMNS`, which then gives columns their types and descriptions; or any name.
    bom : bool
        Of CSV: begin with the mark by which Excel knows UTF-8.
    made_at : datetime, optional
        When a workbook says it was made; default: now.
    cut : list of str, optional
        Takes what was cut because a cell of Excel does not hold it; default: such texts are refused.
    words : Words, optional
        Language that columns are described in, and a workbook is laid out in; the names of columns stay.

    Raises
    ------
    SettingsError
        When a workbook does not hold it, or `bom` is for another form than CSV.
    DiskFull, WorkspaceReadOnly
        When it cannot be written; a file that was there stays as it was.
    """
    from .dictionary import columns_in, typed

    if bom and form != "csv":
        raise SettingsError(f"--bom is for CSV, not for {form}.")
    table = typed(table, columns_in(name))
    if out is None:
        if bom:
            sys.stdout.write("\ufeff")
        _write_csv(table, sys.stdout)
    elif form == WORKBOOK:
        from .words import ENGLISH
        from .workbook import write_workbook

        write_workbook(out, {name: table}, made_at=made_at or now(), cut=cut, words=words or ENGLISH)
    else:
        with whole_file(out) as part:
            if form == "parquet":
                _write_parquet(table, part, name, words)
            else:
                with part.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file:
                    _write_csv(table, file)


def _write_csv(table: pd.DataFrame, file: TextIO) -> None:
    for start in range(0, len(table) or 1, ROWS_AT_ONCE):
        rows = harmless(table.iloc[start : start + ROWS_AT_ONCE])
        rows.to_csv(file, index=False, header=not start, lineterminator="\n")


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table that is safe to open in a spreadsheet once it is CSV.

    Returns
    -------
    pandas.DataFrame
        Texts that a spreadsheet might run begin with an apostrophe, and break their lines with LF alone; numbers stay
        numbers: a minus in front is a sign there, not the start of a formula.
    """
    made: dict[str, Any] = {}
    for name, dtype in table.dtypes.items():
        if dtype.kind not in "biufc":
            cells = table[name].tolist()
            safe = [_harmless(cell) if isinstance(cell, str) else cell for cell in cells]
            if safe != cells:  # seldom, and a column made anew takes long
                made[str(name)] = safe
    return table.assign(**made) if made else table


def _harmless(cell: str) -> str:
    written = one_break(cell)
    return f"'{written}" if written.startswith(FORMULA_STARTS) else written


def one_break(text: str) -> str:
    """Return a text whose lines all end in LF: a lone CR is not quoted in CSV, and breaks the row."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _write_parquet(table: pd.DataFrame, target: Path, name: str, words: Words | None) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    from .dictionary import about, columns_in
    from .words import ENGLISH

    columns = columns_in(name, words)
    if not columns:
        table.to_parquet(target, index=False)
        return
    rows = pa.Table.from_pandas(table, preserve_index=False)
    fields = []
    for field in rows.schema:
        if column := columns.get(field.name):
            said = {"description": column.meaning, "unit": column.unit, "range": column.span_in(words or ENGLISH)}
            field = field.with_metadata({key: value for key, value in said.items() if value})
            if column.type in ("text", "date", "time"):  # also where nothing is in it
                field = field.with_type(pa.string())
        fields.append(field)
    metadata = {**(rows.schema.metadata or {}), b"description": about(name, words or ENGLISH).encode()}
    parquet.write_table(rows.cast(pa.schema(fields, metadata)), target)


def detect_file(path: Path | str) -> Verdict:
    """Judge one audio file by its sound.

    Parameters
    ----------
    path : path

    Returns
    -------
    Verdict
        ``ai``, ``human``, ``undecided`` or ``unmeasured``, with the probability of AI and the reason.

    Raises
    ------
    AudioError
        When it cannot be decoded.
    """
    from ..analysis.detector import Detector
    from ..features.sketch import sketch_file

    return Detector.load().judge(sketch_file(path))


def detect_files(
    paths: list[Path],
    *,
    model: Path | None = None,
    jobs: int = -1,
    explain: Path | None = None,
    language: str = "en",
    track: Track = plainly,
) -> pd.DataFrame:
    """Judge audio files by their sound and by what they say of themselves.

    Parameters
    ----------
    paths : list of Path
        Files, or folders that are searched through.
    model : Path, optional
        A detector's ``.npz``; default: the one that ships with Chartropy.
    jobs : int
        Files at once; -1: one per core.
    explain : Path, optional
        A page to write, with what is behind each verdict.
    language : str
        Of that page: one of :data:`.words.LANGUAGES`.
    track : callable
        Shows progress.

    Returns
    -------
    pandas.DataFrame
        ``path, probability, verdict, reason, fused, fused_reason, claims, model_version``, a row per file in the order
        found. `verdict` is of the sound alone; `fused` also weighs `claims`, what tags and C2PA manifests say. A file that
        cannot be used is ``unmeasured``, with the reason.
    """
    from functools import partial

    import pandas as pd

    from ..analysis.detector import Detector
    from .explain import write_explanation
    from .words import words_in

    detector = Detector.load(model)
    files = existing_audio(paths)
    work = [(str(file), file) for file in files]
    found = dict(track(in_parallel(partial(_explained, detector=detector), work, len(work), jobs), "files", len(files)))
    every = [found[str(file)] for file in files]
    if explain:
        write_explanation(every, detector, explain, words_in(language))
    rows = [
        {
            "path": str(one.path),
            "probability": one.sound.probability,
            "verdict": one.sound.verdict,
            "reason": one.sound.reason,
            "fused": one.fused.verdict,
            "fused_reason": one.fused.reason,
            "claims": "; ".join(f"{part.source}: {part.ground}" for part in one.fused.parts if part.kind != "sound"),
            "model_version": one.sound.model_version,
        }
        for one in every
    ]
    return pd.DataFrame(rows).astype({"probability": float})


def _explained(path: str, file: Path, *, detector: Detector) -> tuple[str, Explained]:
    from .explain import explain_file

    return path, explain_file(file, detector)


def paths_of(given: Path | str | Sequence[Path | str]) -> list[Path]:
    """Paths, of one or of several, as text or not: a plain string would be read letter by letter."""
    return [Path(one) for one in ([given] if isinstance(given, str | Path) else given)]


def existing_audio(given: Path | str | Sequence[Path | str]) -> list[Path]:
    """Return the audio files among what is given, one path or several, folders searched through, each once.

    Raises
    ------
    SettingsError
        A path that is not there, or no audio file in any.
    """
    paths = paths_of(given)
    for path in paths:
        if is_url(str(path).replace(":/", "://", 1)):  # a path has one slash where the URL had two
            raise SettingsError(f"{path}: a URL; only files on this machine are read here: download it first.")
        if not path.exists():
            raise SettingsError(f"{path}: there is no such file or folder.")
    files = list(dict.fromkeys(find_audio(paths)))
    if not files:
        raise SettingsError(f"No audio files in {', '.join(map(str, paths))}." if paths else "No audio file was named.")
    return files


def read_listed(source: Path, named: str) -> pd.DataFrame:
    """Read a list of audio files, with what `chartropy describe` wrote of them where it is one of its tables.

    Parameters
    ----------
    source : Path
        CSV with the column ``path``.
    named : str
        What to call it in messages, as ``--reference list.csv``.

    Returns
    -------
    pandas.DataFrame, one row per file
        By where the file is: beside the list, or else as it is written, from where one stands. The columns of the list:
        descriptors as numbers where all of them are there, all else as text, empty where nothing stands.

    Raises
    ------
    SettingsError
        It cannot be read, has no such column or no line, or its descriptors are those of another extractor.
    """
    import pandas as pd

    from ..features.registry import DESCRIPTORS, EXTRACTOR_VERSION

    try:
        columns = list(pd.read_csv(source, encoding="utf-8-sig", nrows=0).columns)
        numbers = list(DESCRIPTORS) if set(DESCRIPTORS) <= set(columns) else []
        kinds: dict[Any, Any] = {name: float if name in numbers else str for name in columns}
        table = pd.read_csv(
            source,
            encoding="utf-8-sig",
            dtype=kinds,
            index_col=False,
            keep_default_na=False,
            na_values={name: ["", "nan"] for name in numbers},
        )
    except (OSError, ValueError) as error:  # of which pandas' own errors are some
        raise SettingsError(
            f"{named}: cannot be read as CSV ({error}); give a CSV with the column path and a line for each file."
        ) from error
    table = table.fillna(dict.fromkeys(set(columns) - set(numbers), ""))  # of lines that are too short
    if "path" not in columns or table.empty:
        has = f"; it has {', '.join(columns)}" if columns else ""
        raise SettingsError(f"{named}: give a CSV with the column path and a line for each file{has}.")
    if (nameless := table["path"] == "").any():
        raise SettingsError(f"{named}, line {int(nameless.to_numpy().argmax()) + 2}: names no path.")
    if numbers and (old := sorted(set(table.get("extractor_version", ())) - {"", EXTRACTOR_VERSION})):
        raise SettingsError(
            f"{named}: its descriptors are of extractor {old[0]}, this is {EXTRACTOR_VERSION}; values of two are not "
            "comparable: run `chartropy describe` again."
        )
    beside = [source.parent / name for name in table["path"]]
    table.index = pd.Index(
        [
            str(at if at.exists() or not Path(name).exists() else Path(name))
            for at, name in zip(beside, table["path"], strict=True)
        ]
    )
    return table[~table.index.duplicated(keep="last")]
