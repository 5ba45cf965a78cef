"""Tables written as one Excel workbook, a sheet each.

Texts are written as texts, never as formulas or links, whatever they begin with; dates and times as real ones, because
those are what a spreadsheet sorts, filters and draws; what is empty stays an empty cell. Cells hold the numbers whole (16
digits), their formats show fewer. The same tables and time give the same bytes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ..workspace.errors import SettingsError
from ..workspace.files import whole_file
from .dictionary import DATES, TIMES, Column, columns_in, heading_in, sheet_in
from .files import FORMULA_STARTS, ROWS_AT_ONCE, one_break
from .words import ENGLISH, Words

MOST_ROWS = 1_048_575
"""Rows that a sheet holds under its header."""

MOST_COLUMNS = 16_384

LONGEST = 32_767
"""Characters that a cell holds, as Excel counts them: in units of UTF-16."""

MANY_CELLS = 1_000_000
"""From so many on, rows go to disk as they come. Apple Numbers shows no texts of such a workbook; Excel does."""

FIRST_DATE = date(1900, 3, 1)
"""Before it, Excel's calendar has a day too many."""

WIDTHS = (6, 44)
"""Least and greatest width of a column, in characters."""

_FORMATS = {"date": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm:ss", "whole": "0", "share": "0.0000"}
_FORMATS_IN = {"ru": {"date": "dd.mm.yyyy", "time": "dd.mm.yyyy hh:mm:ss"}}  # a spreadsheet has its own decimal comma


def write_workbook(
    target: Path,
    tables: Mapping[str, pd.DataFrame],
    *,
    made_at: datetime,
    about: Sequence[tuple[str, str]] = (),
    cut: list[str] | None = None,
    words: Words = ENGLISH,
) -> None:
    """Write tables as one workbook, whole or not at all.

    Parameters
    ----------
    target : Path
    tables : mapping
        By the names of their sheets; those of :data:`.dictionary.COLUMNS` have their types and formats from there.
    made_at : datetime
        Written into the file.
    about : sequence of (str, str)
        Lines of a first sheet: what, and what is said of it. A name of `tables` is a link to its sheet.
    cut : list of str, optional
        Takes a line for each column whose texts were cut at `LONGEST`; default: such texts are refused.
    words : Words
        Language of the names of sheets, of dates, and of a line over the names of columns which says what they are called;
        in English there is no such line.

    Raises
    ------
    SettingsError
        When a table has more rows or columns than a sheet, or a text is too long and `cut` is None.
    DiskFull, WorkspaceReadOnly
        When it cannot be written; a file that was there stays as it was.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    head_rows = 1 if words.language == "en" else 2
    for name, table in tables.items():
        for number, most, what in (
            (len(table), MOST_ROWS + 1 - head_rows, "rows"),
            (len(table.columns), MOST_COLUMNS, "columns"),
        ):
            if number > most:
                raise SettingsError(
                    f"{name} has {number:,} {what}, and a sheet of Excel holds {most:,}: write .parquet or .csv, or "
                    "less of it (--since)."
                )
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "constant_memory": sum(table.size for table in tables.values()) > MANY_CELLS,
    }
    with whole_file(target) as part:
        try:
            with Workbook(str(part), options) as book:
                # Excel knows no time zones, and the same moment shall give the same bytes everywhere
                book.set_properties(
                    {"created": made_at.astimezone(UTC).replace(tzinfo=None), "comments": "by Chartropy"}
                )
                formats = {
                    name: book.add_format({"num_format": code})
                    for name, code in (_FORMATS | _FORMATS_IN.get(words.language, {})).items()
                }
                formats["head"] = book.add_format({"bold": True, "bottom": 1})
                formats["called"] = book.add_format({"bold": True})
                formats["quoted"] = book.add_format({"quote_prefix": True})  # stays a text when somebody edits it
                if about:
                    _write_about(book, formats["head"], about, tables, words)
                for name, table in tables.items():
                    sheet = book.add_worksheet(sheet_in(name, words))
                    _write_sheet(sheet, name, table, formats, cut, words, head_rows)
        except FileCreateError as error:  # what the system said is inside
            raise (
                error.args[0] if error.args and isinstance(error.args[0], OSError) else OSError(str(error))
            ) from error


def _write_about(
    book: Any, head: Any, about: Sequence[tuple[str, str]], tables: Mapping[str, pd.DataFrame], words: Words
) -> None:
    sheet = book.add_worksheet(sheet_in("About", words))
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    top = book.add_format({"valign": "top"})
    link = book.add_format({"font_color": "#0563C1", "underline": 1, "valign": "top"})
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 100)
    for row, (what, said) in enumerate(about):
        if what in tables:
            title = sheet_in(what, words)
            sheet.write_url(row, 0, f"internal:'{title}'!A1", link, title)
        else:
            sheet.write_string(row, 0, what, top if row else head)
        sheet.write_string(row, 1, said, wrapped if row else head)


def _write_sheet(
    sheet: Any,
    name: str,
    table: pd.DataFrame,
    formats: dict[str, Any],
    cut: list[str] | None,
    words: Words,
    head_rows: int,
) -> None:
    columns = columns_in(name, words)
    called = [heading_in(name, str(column), words) if head_rows > 1 else "" for column in table.columns]
    kinds = [
        _kind(str(column), columns.get(str(column)), table.dtypes.iloc[i]) for i, column in enumerate(table.columns)
    ]
    shapes = [formats.get(kind) for kind in kinds]
    quoted = formats["quoted"]
    long: Counter[str] = Counter()
    first = [_cells(table.iloc[:200, i], kind) for i, kind in enumerate(kinds)]
    # before the rows: those may go to disk as they come
    for i, (column, cells, shape) in enumerate(zip(table.columns, first, shapes, strict=True)):
        # the header's arrow hides three characters
        width = max([len(str(column)) + 3, len(called[i]) + 1, *(_width(cell, kinds[i]) for cell in cells)])
        sheet.set_column(i, i, min(max(width, WIDTHS[0]), WIDTHS[1]), shape)
    sheet.freeze_panes(head_rows, 0)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})  # ids: they are meant to be
    if len(kinds):
        sheet.autofilter(head_rows - 1, 0, len(table) + head_rows - 1, len(kinds) - 1)
    for i, heading in enumerate(called if head_rows > 1 else ()):
        sheet.write_string(0, i, heading, formats["called"])
    for i, column in enumerate(table.columns):
        sheet.write_string(head_rows - 1, i, str(column), formats["head"])
    for row, cells in enumerate(_rows(table, kinds), head_rows):
        for i, cell in enumerate(cells):
            if isinstance(cell, str):
                if len(cell) > LONGEST // 2 and len(cell.encode("utf-16-le")) > 2 * LONGEST:
                    long[str(table.columns[i])] += 1
                    cell = cell.encode("utf-16-le")[: 2 * LONGEST].decode("utf-16-le", "ignore")
                sheet.write_string(row, i, cell, quoted if cell.startswith(FORMULA_STARTS) else None)
            elif isinstance(cell, (date, datetime)):
                sheet.write_datetime(row, i, cell, formats["time" if isinstance(cell, datetime) else "date"])
            elif cell is not None:
                sheet.write_number(row, i, cell, shapes[i])
    lines = [
        f"{name}: {count} text{'s' if count > 1 else ''} in {column} longer than the {LONGEST:,} characters that a cell of "
        "Excel holds"
        for column, count in long.items()
    ]
    if lines and cut is None:
        raise SettingsError(f"{lines[0]}: write .parquet or .csv.")
    (cut if cut is not None else []).extend(f"{line}, cut there; .csv and .parquet have them whole" for line in lines)


def _kind(name: str, column: Column | None, dtype: Any) -> str:
    """How a column is written: a name of `_FORMATS`, or ``text`` or ``number``."""
    if column is not None:
        return "share" if column.type == "number" and (column.low, column.high) == (0, 1) else column.type
    if dtype.kind in "iu":
        return "whole"
    if dtype.kind == "f":
        return "number"
    return "date" if name in DATES else "time" if name in TIMES else "text"


def _rows(table: pd.DataFrame, kinds: list[str]) -> Iterator[tuple]:
    for start in range(0, len(table), ROWS_AT_ONCE):
        some = table.iloc[start : start + ROWS_AT_ONCE]
        yield from zip(*(_cells(some.iloc[:, i], kind) for i, kind in enumerate(kinds)), strict=True)


def _cells(column: pd.Series, kind: str) -> list:
    """Cells as Excel takes them: None for an empty one."""
    values = column.tolist()
    if column.dtype == "float32":
        # the digits that CSV has, not those that more bits would make up
        values = [float(text) for text in column.to_numpy().astype(str)]
    moments = kind in ("date", "time")
    return [_cell(value, moments) for value in values]


def _cell(value: Any, moment: bool) -> Any:
    if isinstance(value, str):
        return (_moment(value) if moment else None) or one_break(value) or None
    if isinstance(value, (int, float)) and math.isfinite(value):
        return value
    return None if pd.isna(value) else str(value)


def _moment(text: str) -> date | datetime | None:
    """Return an ISO date or time as one, in UTC; None for what is none, or lies before Excel's calendar."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return day if day >= FIRST_DATE else None
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment if moment.date() >= FIRST_DATE else None


def _width(cell: Any, kind: str) -> int:
    if cell is None:
        return 0
    if isinstance(cell, date):
        return 19 if isinstance(cell, datetime) else 10
    if isinstance(cell, float):
        return 8 if kind == "share" else 11
    return max(map(len, str(cell).splitlines() or [""])) + 1
