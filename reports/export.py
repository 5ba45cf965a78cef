"""Every table of a workspace at once: one workbook, or a folder of files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ..charts.collect import SYNTHETIC
from ..features.registry import EXTRACTOR_VERSION
from ..workspace.errors import SettingsError
from .dictionary import COLUMNS, SUFFIX, about, as_table, typed, worded
from .files import FORMATS, WORKBOOK, write_table
from .season import Key
from .tables import NAMES, Tables
from .words import ENGLISH, Words, text
from .workbook import write_workbook

if TYPE_CHECKING:
    import pandas as pd

_MONDAY = date(2026, 1, 5)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

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
    words: Words | None = None,
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
    words : Words, optional
        Language to describe the tables in, and to add columns of words in, as :func:`with_words` does.

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
        lines = _about(tables, found, made_at, since, words or ENGLISH)
        sheets = {name: with_words(name, table, words) for name, table in found.items()} | {DICTIONARY: as_table(words)}
        write_workbook(out, sheets, made_at=made_at, about=lines, cut=cut, words=words or ENGLISH)
        return {name: len(table) for name, table in found.items()}
    for name in NAMES:
        table = with_words(name, tables.table(name, since=since), words)
        write_table(table, out / f"{name}.{form}", form, name=name, bom=bom, words=words)
        rows[name] = len(table)
    write_table(as_table(words), out / f"{DICTIONARY}.{form}", form, bom=bom)
    return rows


def with_words(name: str, table: pd.DataFrame, words: Words | None) -> pd.DataFrame:
    """Return a table with columns at its end that say in a language what its codes and its stored sentences mean.

    Parameters
    ----------
    name : str
        One of :data:`.tables.NAMES`.
    table : pandas.DataFrame
    words : Words or None
        None: no such columns.

    Returns
    -------
    pandas.DataFrame
        With ``chart_words`` for ``chart``, and so on, for every one of :func:`.dictionary.worded` that is there.
    """
    if words is None:
        return table
    say, reason = words.say, words.reason_text

    def who(code: str) -> str:
        named = say("provider", code)
        return named if named != code else reason(code)

    ways: dict[str, Callable[[str], str]] = {
        "source": who,
        "platform": who,
        "preview_provider": who,
        "country": lambda code: say("country_name", code),
        "measure": lambda code: say("measure_name", code),
        "verdict": lambda code: say("verdict", code),
        "fused": lambda code: say("verdict", code),
        "label": lambda code: say("verdict", code),
    }
    made: dict[str, list[str]] = {}
    for column in worded(name):
        if column not in table:
            continue
        cells = table[column].map(text).tolist()
        if column == "chart":
            keys = list(zip(table["source"], cells, strict=True))
            charts = {key: say("sourced_chart_name", Key(*key, "")) for key in set(keys)}
            made[column + SUFFIX] = [charts[key] for key in keys]
            continue
        way = ways.get(column, reason)
        said = {cell: way(cell) if cell else "" for cell in set(cells)}
        made[column + SUFFIX] = [said[cell] for cell in cells]
    return table.assign(**made)


def _about(
    tables: Tables, found: dict[str, pd.DataFrame], made_at: datetime, since: date | None, words: Words
) -> list[tuple[str, str]]:
    """What the first sheet of a workbook says."""
    from ..analysis.detector import Detector

    say, entries = words.say, found["entries"]
    lines = [("Chartropy", say("workbook_about"))]
    if (entries["source"] == SYNTHETIC).any():
        lines.append((say("synthetic_mark"), say("workbook_synthetic")))
    known = entries["week"].dropna()
    weeks = (_day(known.min(), words), _day(known.max(), words), known.nunique()) if len(known) else ("", "", 0)
    made = made_at.isoformat(timespec="seconds")
    lines += [
        (
            say("workbook_line", "made_at"),
            made if words.language == "en" else say("moment", made_at, tables.workspace.settings.timezone),
        ),
        (say("workbook_line", "version"), version("chartropy")),
        (say("workbook_line", "detector"), Detector.load().model_version),
        (say("workbook_line", "extractor"), EXTRACTOR_VERSION),
        (say("workbook_line", "weeks"), say("workbook_weeks", *weeks)),
    ]
    if since is not None:
        lines.append((say("workbook_line", "since"), say("workbook_since", _day(since.isoformat(), words))))
    ends = _MONDAY + timedelta(days=_DAYS.index(tables.workspace.settings.week_ends))
    return [
        *lines,
        ("", ""),
        *((name, say("workbook_table", len(table), about(name, words))) for name, table in found.items()),
        (DICTIONARY, say("workbook_dictionary")),
        ("", ""),
        (say("workbook_line", "week_names"), say("workbook_week_ends", ends)),
        (say("workbook_line", "times"), "UTC."),
        *((say("workbook_line", name), say(f"workbook_{name}")) for name in ("empty", "numbers", "verdicts")),
    ]


def _day(iso: str, words: Words) -> str:
    """A day as a workbook's first sheet writes it: in English as in its tables."""
    return iso if words.language == "en" else words.say("full_date", date.fromisoformat(iso))
