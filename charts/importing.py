"""Importing: a chart page saved from the browser, or a chart as CSV or JSON, becomes entries like a collected one."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..workspace.errors import ImportFileError, PageError
from ..workspace.workspace import Workspace
from . import tophit
from .collect import Chart, Outcome, store_chart
from .weeks import first_day, week_of

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "position": ("position", "rank", "pos", "place", "место", "позиция"),
    "artist": ("artist", "artists", "artist_name", "performer", "исполнитель", "артист"),
    "title": ("title", "track", "song", "name", "track_name", "название", "трек", "песня"),
    "week": ("week", "week_end", "date", "неделя"),
    "isrc": ("isrc",),
    "track_id": ("track_id", "id"),
    "released": ("released", "release_date"),
    "label": ("label", "rights", "лейбл"),
    "language": ("language", "язык"),
    "source": ("source",),
    "chart": ("chart",),
    "country": ("country",),
}
"""What each column may be called in a file; the first name is ours."""


def import_file(workspace: Workspace, file: Path, source: str, week: date | None = None) -> list[Outcome]:
    """Store the chart (or charts) that a file holds.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    file : Path
        HTML as the browser saved it, CSV, or JSON (a list of rows, ``{"entries": [...]}``, or TopHit's own
        ``{"charts": [...]}``).
    source : str
        Source and chart, e.g. ``tophit-radio``.
    week : date, optional
        Any day of the chart week; needed where the file does not say. Of a table that says, only this week is taken.

    Returns
    -------
    list of Outcome
        One per week in the file.

    Raises
    ------
    ImportFileError
        Naming the file, the row and the value; nothing of the file is stored then.
    """
    name, _, chart_name = source.partition("-")
    if not chart_name:
        raise ImportFileError(f"--source {source!r}: write source and chart with a hyphen, like tophit-radio.")
    country = workspace.settings.sources.tophit.country
    asked = week_of(week, workspace.settings.week_ends) if week else None
    try:
        body = file.read_bytes()
    except OSError as error:
        raise ImportFileError(f"{file}: cannot be read ({error.strerror}).") from error
    if not body.strip():
        raise ImportFileError(f"{file}: the file is empty.")
    chart = Chart(name, chart_name, country)
    head = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if head == b"<":
        return [_import_page(workspace, file, chart, asked, body)]
    if head in (b"{", b"["):
        return _import_json(workspace, file, chart, asked, body)
    return _import_table(workspace, file, chart, asked, body, _read_csv(file, body))


def _import_page(workspace: Workspace, file: Path, chart: Chart, asked: date | None, body: bytes) -> Outcome:
    if chart.source != "tophit":
        raise ImportFileError(f"{file}: saved pages are understood for tophit, not for {chart.source!r}.")
    try:
        page = tophit.parse(body)
    except PageError as error:
        raise ImportFileError(f"{file}: {error}") from error
    if page.chart and page.chart != chart.chart:
        raise ImportFileError(
            f"{file} is the chart {page.chart!r}, not {chart.chart!r}: import it with --source tophit-{page.chart}."
        )
    if page.week and asked and page.week != asked:
        raise ImportFileError(f"{file} is for the week ending {page.week}, not {asked}: leave --week out.")
    week = page.week or asked
    if week is None:
        raise ImportFileError(f"{file} does not say which week it is for: add --week with any day of that week.")
    chart = Chart(chart.source, chart.chart, page.country or chart.country)
    return store_chart(workspace, chart, week, page.rows, body, file.name, "text/html", page.faults)


def _import_json(workspace: Workspace, file: Path, chart: Chart, asked: date | None, body: bytes) -> list[Outcome]:
    import pandas as pd

    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ImportFileError(f"{file} is not valid JSON: {error}.") from error
    if isinstance(data, dict) and isinstance(data.get("charts"), list):
        faults: list[str] = []
        rows = tophit.payload_rows(data, faults)
        kept = tophit.by_position(rows, "file", faults)
        rows = tophit.whole([kept[position] for position in sorted(kept)], faults)
        if not rows or asked is None:
            problem = "holds no chart rows" if not rows else "does not say which week it is for: add --week"
            raise ImportFileError(f"{file} {problem}.")
        return [
            store_chart(
                workspace,
                chart,
                asked,
                tuple(rows),
                body,
                file.name,
                "application/json",
                tuple(faults),
            )
        ]
    if isinstance(data, dict):
        data = data.get("entries", data.get("rows"))
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise ImportFileError(f"{file}: expected a list of rows, or an object with 'entries' or 'charts'.")
    return _import_table(workspace, file, chart, asked, body, pd.DataFrame(data, dtype=object))


def _read_csv(file: Path, body: bytes) -> pd.DataFrame:
    import pandas as pd

    marked = body[:2] in (b"\xff\xfe", b"\xfe\xff")  # Excel's "Unicode text"
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1251"):
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise ImportFileError(f"{file}: is text neither in UTF-8 nor in UTF-16 or Windows-1251.")
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    try:
        table = pd.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ImportFileError(f"{file} cannot be read as CSV: {str(error).strip()}.") from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes the first column for an index then
        raise ImportFileError(f"{file} cannot be read as CSV: its rows have more columns than its first line names.")
    return table


def _import_table(
    workspace: Workspace, file: Path, chart: Chart, asked: date | None, body: bytes, table: pd.DataFrame
) -> list[Outcome]:
    table = _named(file, table)
    if table.empty:
        raise ImportFileError(f"{file}: holds no row, only the names of columns.")
    for name, value in (("source", chart.source), ("chart", chart.chart)):
        if name in table and (table[name] != value).any():
            table = table[table[name] == value]
            if table.empty:
                raise ImportFileError(f"{file}: holds no row of {name} {value!r}.")
    weeks = _weeks(workspace, file, table, asked)
    if asked is not None and asked not in weeks:
        raise ImportFileError(
            f"{file} holds the week{'s' if len(set(weeks)) > 1 else ''} ending {_list(sorted(set(weeks)))}, "
            f"not {asked}: leave --week out."
        )
    countries = table["country"].replace("", chart.country) if "country" in table else chart.country
    table = table.assign(week=weeks, country=countries)
    if asked is not None:
        table = table[table["week"] == asked]
    groups = []
    for (week, country), rows in table.groupby(["week", "country"], sort=True):
        groups.append((Chart(chart.source, chart.chart, str(country)), week, _rows(file, rows)))
    return [store_chart(workspace, one, week, rows, body, file.name, "text/csv") for one, week, rows in groups]


def _named(file: Path, table: pd.DataFrame) -> pd.DataFrame:
    found: dict[str, str] = {}
    lower = {str(column).strip().lower(): column for column in table.columns}
    for ours, theirs in COLUMNS.items():
        name = next((lower[name] for name in theirs if name in lower), None)
        if name is not None:
            found[name] = ours
        elif ours in ("position", "artist", "title"):
            raise ImportFileError(
                f"{file}: no column for {ours} (looked for {', '.join(theirs)}; the file has {_list(table.columns)})."
            )
    table = table[list(found)].rename(columns=found)
    return table.map(_text)


def _text(value: object) -> str:
    """A cell as text: what JSON leaves out is empty, several artists are joined."""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):  # {"name": ...}
        return _text(value.get("name"))
    return "" if value is None or value != value else tophit.clean(value)


def _weeks(workspace: Workspace, file: Path, table: pd.DataFrame, asked: date | None) -> list[date]:
    if "week" not in table:
        if asked is None:
            raise ImportFileError(f"{file} has no column 'week': add --week with any day of that week.")
        return [asked] * len(table)
    weeks = []
    for index, value in zip(table.index, table["week"], strict=True):
        try:
            week = week_of(date.fromisoformat(value[:10]), workspace.settings.week_ends)
            first_day(week)
        except (ValueError, OverflowError):
            raise ImportFileError(f"{file}, line {index + 2}: week {value!r} is no date; write 2026-07-02.") from None
        weeks.append(week)
    return weeks


def _rows(file: Path, table: pd.DataFrame) -> tuple[tophit.Row, ...]:
    rows: dict[int, tophit.Row] = {}
    for index, values in zip(table.index, table.to_dict("records"), strict=True):
        line = f"{file}, line {int(index) + 2}"
        position = tophit.number(values["position"].removesuffix(".0"))
        if position is None:
            raise ImportFileError(
                f"{line}: position {values['position']!r} is no whole number from 1 to {tophit.MAX_POSITION}."
            )
        for name in ("artist", "title"):
            if not values[name]:
                raise ImportFileError(f"{line}: {name} is empty.")
        if position in rows:
            raise ImportFileError(f"{line}: position {position} stands twice in one week.")
        isrc = tophit.isrc(values.get("isrc", ""))
        if values.get("isrc") and not isrc:
            raise ImportFileError(f"{line}: isrc {values['isrc']!r} is none: 12 letters and digits, like QZB422600012.")
        rows[position] = tophit.Row(
            position,
            artists=(values["artist"],),
            title=values["title"],
            isrc=isrc,
            released=tophit.day(values.get("released", "")),
            **{name: values[name] for name in ("track_id", "language", "label") if name in values},
        )
    return tuple(rows[position] for position in sorted(rows))


def _list(columns: Iterable) -> str:
    return ", ".join(map(str, columns))
