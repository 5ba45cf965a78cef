"""Tables of anybody's: a chart as CSV or JSON, its columns named as usual or mapped by the settings.

``[sources.NAME] columns = {...}`` makes any such table a source of its own.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import partial
from itertools import chain

from ...workspace.errors import PageError, SettingsError
from ...workspace.http import Client
from ...workspace.settings import Settings as AllSettings
from ...workspace.settings import Source as Settings
from ..periods import YEARS, Period, week_of
from ..rows import MAX_POSITION, Page, Row, clean, count, day, isrc, number
from ..source import Answer, Asked, Source, answer_of, form_of

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
    "plays": ("plays", "streams", "views", "listeners", "spins"),
    "link": ("link", "url"),
    "source": ("source",),
    "chart": ("chart",),
    "country": ("country",),
}
"""What each column may be called in a file; the first name is ours."""

MAPPED = (*COLUMNS, "genres", "period", "period_end", "day")
"""What a mapping in the settings may name: also ``period`` (first and last day), ``period_end`` (the last day, exactly) and
``day`` (the day of a snapshot or of a daily chart); ``week`` is any day of the chart week."""

WHEN = ("period", "period_end", "day", "week")
"""Columns that may say when; the first that is there does."""

Cell = dict[str, str]


def parse(
    body: bytes,
    origin: str = "",  # noqa: ARG001 - a table says itself what it is
    *,
    settings: AllSettings,
    own: Settings | None = None,
) -> tuple[Page, ...]:
    """Read a table as charts.

    Parameters
    ----------
    body : bytes
        CSV (comma, semicolon or tab; UTF-8, UTF-16 or cp1251), or JSON: a list of rows, or an object that holds it.
    origin : str
        Where it came from.
    settings : Settings
        For the day a week ends on.
    own : Source, optional
        The mapping of its columns; the usual names otherwise.

    Returns
    -------
    tuple of Page
        One per source, chart, country and period, in the order of the table; a period that the table does not say is None.

    Raises
    ------
    PageError
        Naming the line and the value; one bad line spoils the table, because a person made it and can mend it.
    """
    rows = records(body, own.rows if own else "")
    first = next(rows, None)
    if first is None:
        raise PageError("holds no row, only the names of columns.", body)
    names = _columns(first[1].keys(), own, body)
    read = _reader(own, settings)
    charts: dict[tuple[str, str, str, Period | None, date | None], dict[int, Row]] = {}
    for line, cells in chain((first,), rows):
        cell = {ours: _text(cells.get(theirs)) for ours, theirs in names.items()}
        try:
            period, taken = read(cell)
            key = (cell.get("source", ""), cell.get("chart", ""), cell.get("country", "").lower(), period, taken)
            chart = charts.setdefault(key, {})
            row = _row(cell, len(chart) + 1 if "position" not in names else None)
        except ValueError as error:
            raise PageError(f"line {line}: {error}", body) from None
        if row.position in chart:
            raise PageError(f"line {line}: position {row.position} stands twice in one {_kind(own)}.", body)
        chart[row.position] = row
    return tuple(
        Page(tuple(rows[position] for position in sorted(rows)), chart, country, period, taken, source=said)
        for (said, chart, country, period, taken), rows in charts.items()
    )


def records(body: bytes, rows: str = "") -> Iterator[tuple[int, dict]]:
    """Yield the rows of a CSV or JSON file, each with its line and as a mapping of column to value.

    Parameters
    ----------
    body : bytes
        As for :func:`parse`.
    rows : str
        Where in a JSON object the list of rows lies, keys joined by dots.

    Raises
    ------
    PageError
        When it is neither.
    """
    if form_of(body) == "html":
        raise PageError("is a web page, not a table.", body)
    text = _decoded(body)
    yield from _json_rows(text, body, rows) if text.lstrip()[:1] in ("{", "[") else _csv_rows(text, body)


def source(name: str, own: Settings, settings: AllSettings) -> Source:
    """Return the source that a mapping in the settings makes of a table.

    Raises
    ------
    SettingsError
        When the mapping names a column that is none of ours, or leaves out artist or title; when its dates or its path
        cannot be understood.
    """
    columns = own.columns or {}
    for ours in columns:
        if ours not in MAPPED:
            raise SettingsError(
                f"sources.{name}.columns: there is no column {ours!r}; choose from {', '.join(MAPPED)}."
            )
    missing = [ours for ours in ("artist", "title") if ours not in columns]
    if missing:
        raise SettingsError(f"sources.{name}.columns: say which column is {' and which is '.join(missing)}.")
    _check_dates(name, own, columns)
    _check_path(name, own)
    where = f"fetched from {own.base_url}/{own.path}" if own.path else "imported from files"
    return Source(
        name=name,
        title=f"{name} (a table of yours)",
        gives=f"{own.period} charts, {where}",
        needs="its columns in the settings" + ("" if own.path else ", and your files"),
        charts=dict.fromkeys((chart.partition(":")[0] for chart in own.charts), name),
        settings=own,
        parse=partial(parse, settings=settings, own=own),
        fetch=_fetch if own.path else None,
        kinds=("weekly",) if own.period == "snapshot" else (own.period,),
        current=own.period == "snapshot",
        open_ended=True,
    )


def _check_dates(name: str, own: Settings, columns: dict[str, str]) -> None:
    if not any(column in columns for column in WHEN):
        return
    forms = own.dates.split(" - ", 1) if "period" in columns else [own.dates]
    if "period" in columns and len(forms) == 1:
        raise SettingsError(
            f"sources.{name}.dates = {own.dates!r}: a period has a first and a last day, so write both forms, with ' - ' "
            "between them."
        )
    try:
        for form in forms:
            datetime.strptime(date(2026, 7, 2).strftime(form), form)
    except (ValueError, re.error) as error:
        hint = "; two days are for a column named period" if " - " in own.dates and len(forms) == 1 else ""
        raise SettingsError(f"sources.{name}.dates = {own.dates!r} is no form of dates ({error}){hint}.") from error


def _check_path(name: str, own: Settings) -> None:
    if own.path and not own.base_url:
        raise SettingsError(f"sources.{name}.path = {own.path!r}: say below which base_url that is.")
    period = None if own.period == "snapshot" else Period.week(date(2026, 7, 2))
    try:
        _filled_in(own.path, Asked("chart", "ru", period))
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        names = "{chart} and {country}" if period is None else "{start}, {end}, {chart} and {country}"
        raise SettingsError(
            f"sources.{name}.path = {own.path!r}: cannot be filled in ({type(error).__name__}: {error}); "
            f"{own.period} charts have {names}."
        ) from error


def _fetch(client: Client, asked: Asked) -> Answer:
    path = _filled_in(client.source.path, asked)
    return answer_of(
        client, client.get(path), f"Save the table and give it to `chartropy import FILE --source {client.name}`."
    )


def _filled_in(path: str, asked: Asked) -> str:
    days = {"start": asked.period.start, "end": asked.period.end} if asked.period else {}
    return path.format(chart=asked.chart, country=asked.country, **days)


def _kind(own: Settings | None) -> str:
    names = {"weekly": "week", "monthly": "month", "annual": "year", "daily": "day", "decade": "decade"}
    return names.get(own.period if own else "weekly", "chart")


def _columns(given: Iterable[str], own: Settings | None, body: bytes) -> dict[str, str]:
    given = [str(column) for column in given]
    if own and own.columns:
        for ours, theirs in own.columns.items():
            if theirs not in given:
                raise PageError(
                    f"has no column {theirs!r}, which the settings name for {ours}; it has {', '.join(given)}.", body
                )
        return dict(own.columns)
    lower = {column.strip().lower(): column for column in given}
    found = {
        ours: next(lower[name] for name in theirs if name in lower)
        for ours, theirs in COLUMNS.items()
        if any(name in lower for name in theirs)
    }
    for ours in ("position", "artist", "title"):
        if ours not in found:
            raise PageError(
                f"no column for {ours} (looked for {', '.join(COLUMNS[ours])}; the file has {', '.join(given)}).", body
            )
    return found


def _reader(own: Settings | None, settings: AllSettings) -> Callable[[Cell], tuple[Period | None, date | None]]:
    """Return what reads the period, or the day of a snapshot, from the cells of a row."""
    form = own.dates if own else "%Y-%m-%d"
    kind = own.period if own else "weekly"
    known: dict[tuple[str, str], tuple[Period | None, date | None]] = {}

    def when(text: str, what: str) -> date:
        shown = text[:10] if form == "%Y-%m-%d" else text
        try:
            return _dated(shown, form)
        except ValueError:
            raise ValueError(
                f"{what} {text!r} is no date of a chart; write {date(2026, 7, 2).strftime(form)}."
            ) from None

    def read(what: str, text: str) -> tuple[Period | None, date | None]:
        if what == "period":
            first_form, _, last_form = form.partition(" - ")
            first, _, last = text.partition(" - ")
            try:
                start, end = _dated(first, first_form), _dated(last, last_form)
            except ValueError:
                raise ValueError(f"period {text!r} is not written like {form!r}, first and last day.") from None
            period = Period.week(end) if kind in ("weekly", "snapshot") else Period.holding(end, kind)
            if period.start != start or period.end != end:
                raise ValueError(f"period {text!r} is no {_kind(own)}, but {(end - start).days + 1} days.")
            return period, None
        found = when(text, what)
        if what == "day" and kind == "snapshot":
            return None, found
        if what == "period_end" and kind == "weekly":
            return Period.week(found), None
        if kind in ("weekly", "snapshot"):
            return Period.week(week_of(found, settings.week_ends)), None
        return Period.holding(found, kind), None

    def cached(cell: Cell) -> tuple[Period | None, date | None]:
        what = next((name for name in WHEN if name in cell), "")
        if not what:
            return None, None
        if (what, cell[what]) not in known:
            known[what, cell[what]] = read(what, cell[what])
        return known[what, cell[what]]

    return cached


def _dated(text: str, form: str) -> date:
    found = datetime.strptime(text, form).date()
    if found.year not in YEARS:
        raise ValueError(text)
    return found


def _row(cell: Cell, place: int | None) -> Row:
    position = place or number(cell["position"].removesuffix(".0"))
    if position is None:
        raise ValueError(f"position {cell['position']!r} is no whole number from 1 to {MAX_POSITION}.")
    for name in ("artist", "title"):
        if not cell[name]:
            raise ValueError(f"{name} is empty.")
    code = isrc(cell.get("isrc", ""))
    if cell.get("isrc") and not code:
        raise ValueError(f"isrc {cell['isrc']!r} is none: 12 letters and digits, like QZB422600012.")
    return Row(
        position,
        artists=(cell["artist"],),
        title=cell["title"],
        isrc=code,
        track_id=cell.get("track_id", ""),
        released=day(cell.get("released", "")),
        genres=tuple(filter(None, (clean(part) for part in cell.get("genres", "").split(",")))),
        language=cell.get("language", ""),
        label=cell.get("label", ""),
        link=cell.get("link", ""),
        plays=count(cell.get("plays")),
    )


def _text(value: object) -> str:
    """A cell as text: what JSON leaves out is empty, several artists are joined."""
    parts = value if isinstance(value, list) else [value]
    return ", ".join(filter(None, map(_name, parts)))


def _name(value: object) -> str:
    value = value.get("name") if isinstance(value, dict) else value  # {"name": ...}
    return "" if value is None or value != value or isinstance(value, (list, dict)) else clean(value)


def _json_rows(text: str, body: bytes, rows: str) -> Iterator[tuple[int, dict]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PageError(f"not valid JSON: {error}.", body) from error
    if rows:
        for part in rows.split("."):
            data = data.get(part) if isinstance(data, dict) else None
    elif isinstance(data, dict):
        data = next((data[name] for name in ("entries", "rows", "data") if isinstance(data.get(name), list)), None)
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        where = f"under {rows!r}" if rows else "in it, nor under 'entries', 'rows' or 'data'"
        raise PageError(f"no list of rows {where}.", body)
    columns = {name: None for row in data for name in row}  # rows may leave columns out
    yield from enumerate((dict.fromkeys(columns) | row for row in data), 2)


def _csv_rows(text: str, body: bytes) -> Iterator[tuple[int, dict]]:
    first = text.lstrip("\r\n").split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    head: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not head:
                head = cells
            elif len(cells) > len(head):
                raise PageError(f"line {reader.line_num}: more columns than the {len(head)} of the first line.", body)
            else:
                yield reader.line_num, dict.fromkeys(head, "") | dict(zip(head, cells, strict=False))
    except csv.Error as error:
        raise PageError(f"line {reader.line_num}: cannot be read as CSV ({error}).", body) from error


def _decoded(body: bytes) -> str:
    for encoding in ("utf-16",) if body[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1251"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise PageError("neither UTF-8, UTF-16 nor cp1251: save it as UTF-8.", body)
