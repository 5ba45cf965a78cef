"""Every table of a workspace at once: one workbook, or a folder of files."""

from __future__ import annotations

from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ..features.registry import EXTRACTOR_VERSION
from ..workspace.errors import SettingsError
from .dictionary import COLUMNS, about, as_table, typed
from .files import FORMATS, WORKBOOK, write_table
from .tables import NAMES, Tables
from .workbook import write_workbook

if TYPE_CHECKING:
    import pandas as pd

DICTIONARY = "dictionary"
"""The sheet or file that says what every column is."""


def form_of_all(out: Path | None, asked: str | None = None) -> str:
    """Return in what form all tables are written: one workbook where `out` ends in .xlsx, else a folder of files.

    Raises
    ------
    SettingsError
        When `out` cannot hold them.
    """
    suffix = out.suffix.lower() if out and not out.is_dir() else ""
    if out is None or suffix not in ("", ".xlsx"):
        where = f"--out {out}" if out else "all"
        raise SettingsError(f"{where}: all tables go into one workbook or a folder: --out FILE.xlsx or --out FOLDER.")
    form = asked or ("xlsx" if suffix else "csv")
    if form not in (*FORMATS, WORKBOOK):
        raise SettingsError(f"--format {form}: choose csv, parquet or xlsx.")
    if (form == "xlsx") != bool(suffix):
        hint = "name a file, --out FILE.xlsx" if form == "xlsx" else "name a folder"
        raise SettingsError(f"--out {out} --format {form}: {hint}.")
    return form


def write_all(
    tables: Tables,
    out: Path,
    form: str,
    *,
    made_at: datetime,
    bom: bool = False,
    since: date | None = None,
    cut: list[str] | None = None,
) -> dict[str, int]:
    """Write every table of a workspace, and the dictionary of their columns.

    Parameters
    ----------
    tables : Tables
    out : Path
        A file for ``xlsx``, a folder otherwise: made if needed, a file for each table.
    form : str
        As :func:`form_of_all` says.
    made_at : datetime
        Written into a workbook; the same tables and time give the same bytes.
    bom : bool
        As :func:`.files.write_table` takes it.
    since : date, optional
        As :meth:`.tables.Tables.table` takes it.
    cut : list of str, optional
        As :func:`.files.write_table` takes it.

    Returns
    -------
    dict of str to int
        Rows, by table.

    Raises
    ------
    SettingsError
        When nothing is as late as `since`, or a sheet does not hold a table.
    DiskFull, WorkspaceReadOnly
        When a file cannot be written; one that was there stays as it was.
    """
    if bom and form != "csv":
        raise SettingsError(f"--bom is for CSV, not for {form}.")
    rows: dict[str, int] = {}
    if form == "xlsx":
        found = {name: typed(tables.table(name, since=since), COLUMNS[name]) for name in NAMES}
        lines = _about(tables, found, made_at, since)
        write_workbook(out, found | {DICTIONARY: as_table()}, made_at=made_at, about=lines, cut=cut)
        return {name: len(table) for name, table in found.items()}
    for name in NAMES:
        table = tables.table(name, since=since)
        write_table(table, out / f"{name}.{form}", form, name=name, bom=bom)
        rows[name] = len(table)
    write_table(as_table(), out / f"{DICTIONARY}.{form}", form, bom=bom)
    return rows


def _about(
    tables: Tables, found: dict[str, pd.DataFrame], made_at: datetime, since: date | None
) -> list[tuple[str, str]]:
    """What the first sheet of a workbook says."""
    from ..analysis.detector import Detector

    entries = found["entries"]
    ends = tables.workspace.settings.week_ends
    lines = [
        ("Chartropy", "What a workspace knows of music charts: how much of them machines made, and how alike it sounds")
    ]
    if len(entries) and (entries["source"] == "synthetic").all():
        lines.append(("SYNTHETIC", "Charts and music are made up: nothing here is about real ones"))
    lines += [
        ("made at", made_at.isoformat(timespec="seconds")),
        ("Chartropy version", version("chartropy")),
        ("detector", Detector.load().model_version),
        ("extractor", EXTRACTOR_VERSION),
        ("weeks", _span(entries["week"])),
    ]
    if since is not None:
        lines.append(("since", f"the chart week that holds {since}; docs/DATA.md says what that means for each table"))
    lines += [("", ""), *((name, f"{len(table):,} rows. {about(name)}") for name, table in found.items())]
    lines += [
        (DICTIONARY, "What every column is: type, unit, range, meaning, whether it may be empty."),
        ("", ""),
        ("weeks' names", f"A chart week ends on {ends.capitalize()} and is named by that date."),
        ("times", "UTC."),
        ("empty cells", "Not known, or without meaning there; never zero."),
        (
            "numbers",
            "Cells hold more digits than they show. low and high bound 95 % intervals; method says of what kind.",
        ),
        (
            "what a verdict is",
            "A detector's judgement with its probability, not a finding about anybody; labels are claims of others.",
        ),
    ]
    return lines


def _span(weeks: pd.Series) -> str:
    known = weeks.dropna()
    return f"{known.min()} to {known.max()} ({known.nunique()} of them)" if len(known) else "none"
