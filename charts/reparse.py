"""Reparsing: the entries made anew from the kept pages, after a parser learned more. Same or better, never less."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import RowMapping, delete, select

from ..workspace import tables as t
from ..workspace.errors import PageError
from ..workspace.workspace import Workspace
from . import composite
from .collect import CLAIMS, SNAPSHOT, Chart, Sheet, at, averaged, entry_of, read_body, store_sheets, unpacked
from .periods import KINDS, Period
from .rows import Page, Row

log = logging.getLogger(__name__)

FIELDS = (
    "artist",
    "title",
    "artist_intl",
    "title_intl",
    "isrc",
    "track_id",
    "released",
    "genres",
    "language",
    "label",
    "plays",
    "link",
)
"""Columns of an entry that come from its page."""


@dataclass(frozen=True)
class Change:
    """What reading the kept pages of one chart anew changes.

    Attributes
    ----------
    sheet : Sheet
        As it would be stored.
    lines : tuple of str
        The differences, one per position.
    added, changed, kept : int
        Positions that are new, that say more or other than before, and that stay although the pages no longer give them.
    mended : tuple of str
        Snapshots that could not be read before and can be now.
    moved : tuple of int
        Positions whose track stands at another one, by the page that they were read from.
    """

    sheet: Sheet
    lines: tuple[str, ...]
    added: int
    changed: int
    kept: int
    mended: tuple[str, ...] = ()
    moved: tuple[int, ...] = ()


def changes(workspace: Workspace) -> list[Change]:
    """Read every kept page anew and say what would change; nothing is stored.

    Returns
    -------
    list of Change
        One per chart and period that differs.
    """
    found = (_compared(workspace, sheet, mended) for sheet, mended in _sheets(workspace))
    return [change for change in found if change.lines]


def apply(workspace: Workspace, found: list[Change]) -> None:
    """Store what :func:`changes` found, and make the composites of those weeks anew. The workspace is held for writing."""
    with workspace.store.transaction() as connection:
        for change in found:
            chart, period = change.sheet.chart, change.sheet.period
            connection.execute(
                delete(t.entry).where(at(t.entry.c, chart, period), t.entry.c.position.in_(change.moved))
            )
            ids = {*change.sheet.pages, *change.mended}
            connection.execute(t.page.update().where(t.page.c.page_id.in_(ids)).values(problem=None))
    store_sheets(workspace, [change.sheet for change in found])
    composite.compose(workspace)


def _sheets(workspace: Workspace) -> Iterator[tuple[Sheet, tuple[str, ...]]]:
    """Yield every chart that the kept pages hold, one per period, with the snapshots in it that could not be read before.

    A position comes from the page it was stored from. The newest page says what no entry is stored for, and so does one
    that could not be used before and is newer than the entry's.
    """
    page = t.page.c
    query = (
        select(page.page_id, page.source, page.chart, page.country, page.period, page.period_end, page.problem)
        .where(page.source != composite.SOURCE, page.chart != CLAIMS)
        .order_by(page.fetched_at, page.page_id)
    )
    with workspace.store.reading() as connection:
        kept = connection.execute(query).all()
    dated: dict[tuple[Chart, Period], list[tuple[Sheet, bool]]] = {}
    snapshots: dict[tuple[Chart, Period], list[str]] = {}
    for row in kept:
        if row.period == SNAPSHOT:
            place = Chart(row.source, row.chart, row.country), Period.week(date.fromisoformat(row.period_end))
            if not row.problem:
                snapshots.setdefault(place, [])
            elif _read(workspace, row):
                snapshots.setdefault(place, []).append(row.page_id)
            continue
        for sheet in _of_page(workspace, row):
            dated.setdefault((sheet.chart, sheet.period), []).append((sheet, bool(row.problem)))
    for (chart, period), sheets in dated.items():
        stored = _stored(workspace, chart, period)
        ids = {sheet.pages[0] for sheet, _ in sheets}
        if (chart, period) in snapshots:  # also imported whole: whichever was stored last
            if not any(row["page_id"] in ids for row in stored.values()):
                continue
            del snapshots[chart, period]
        yield _on_top(sheets, stored), ()
    for (chart, period), mended in snapshots.items():
        try:
            yield averaged(workspace, chart, period, mended), tuple(mended)
        except PageError as error:
            log.warning("%s, %s: a snapshot cannot be read any more, what is stored stays: %s", chart, period, error)


def _read(workspace: Workspace, row) -> tuple[Page, ...]:
    """Read a kept page; nothing where it cannot be read."""
    with workspace.store.reading() as connection:
        body, origin = connection.execute(
            select(t.page.c.body, t.page.c.origin).where(t.page.c.page_id == row.page_id)
        ).one()
    try:
        return read_body(workspace, row.source, unpacked(body), origin)
    except PageError as error:
        if not row.problem:
            log.warning(
                "page %s of %s cannot be read any more, what it gave stays: %s", row.page_id[:12], row.source, error
            )
        return ()


def _of_page(workspace: Workspace, row) -> list[Sheet]:
    own, ends = None, workspace.settings.week_ends
    if row.period in KINDS and row.period_end:
        end = date.fromisoformat(row.period_end)
        own = Period.week(end) if row.period == "weekly" else Period.holding(end, row.period)
    sheets = []
    for page in _read(workspace, row):
        period = page.period or own
        # what was no answer to the question before is none now
        if period is None or page.source not in ("", row.source):
            continue
        if own and Period.holding(period.end, period.kind, ends) != Period.holding(own.end, own.kind, ends):
            continue
        chart = Chart(row.source, page.chart or row.chart, page.country or row.country, period.kind)
        if (row.chart and chart.chart != row.chart) or (row.period and chart.country != row.country):
            continue
        sheets.append(Sheet(chart, period, page, (row.page_id,)))
    return sheets


def _on_top(sheets: list[tuple[Sheet, bool]], stored: Mapping[int, RowMapping]) -> Sheet:
    """Return one sheet of several of one chart, oldest first, each with whether it could not be used before."""
    rows: dict[int, tuple[Row, str]] = {}
    settled: set[int] = set()
    for sheet, new in sheets:
        page_id = sheet.pages[0]
        for row in sheet.page.rows:
            own = row.position in stored and stored[row.position]["page_id"] == page_id
            if own or new or row.position not in settled:
                rows[row.position] = (row, page_id)
            if own:
                settled.add(row.position)
    order = sorted(rows)
    newest = sheets[-1][0]
    page = replace(newest.page, rows=tuple(rows[position][0] for position in order))
    return replace(newest, page=page, pages=tuple(rows[position][1] for position in order))


def _stored(workspace: Workspace, chart: Chart, period: Period) -> dict[int, RowMapping]:
    query = select(t.entry).where(at(t.entry.c, chart, period))
    with workspace.store.reading() as connection:
        return {row["position"]: row for row in connection.execute(query).mappings()}


def _compared(workspace: Workspace, sheet: Sheet, mended: tuple[str, ...]) -> Change:
    stored = _stored(workspace, sheet.chart, sheet.period)
    lines, rows = [], []
    added = changed = 0
    for row in sheet.page.rows:
        old = stored.get(row.position)
        if old is None:
            added += 1
            lines.append(f"+ {row.position}. {', '.join(row.artists)} - {row.title}")
        else:
            if _same_track(row, old):
                row = row.filled_from(_row(old))
            new = entry_of(sheet, 0, row, old["name_id"], old["recording_id"], old["week"])
            differing = [name for name in FIELDS if new[name] != old[name]]
            if differing:
                changed += 1
                said = "; ".join(f"{name} {old[name]!r} -> {new[name]!r}" for name in differing)
                lines.append(f"~ {row.position}. {said}")
        rows.append(row)
    lost = sorted(stored.keys() - {row.position for row in sheet.page.rows})
    read = set(_page_ids(sheet))
    moved = {
        position: row.position
        for position in lost
        for row in sheet.page.rows
        if stored[position]["page_id"] in read and not sheet.page.broken and _is(row, stored[position])
    }
    lost = [position for position in lost if position not in moved]
    for position, place in moved.items():
        changed += 1
        old = stored[position]
        lines.append(f"- {position}. {old['artist']} - {old['title']}: stands at {place}")
    for position in lost:
        old = stored[position]
        lines.append(f"= {position}. {old['artist']} - {old['title']}: no longer in the pages, kept")
    lines = [] if not added and not changed else lines
    pages = tuple(stored[p]["page_id"] for p in lost)
    every = sorted(
        [*zip(rows, _page_ids(sheet), _means(sheet), strict=True)]
        + [(_row(stored[p]), page, stored[p]["mean_position"]) for p, page in zip(lost, pages, strict=True)],
        key=lambda item: item[0].position,
    )
    whole = replace(
        sheet,
        page=replace(sheet.page, rows=tuple(row for row, _, _ in every)),
        pages=tuple(page for _, page, _ in every),
        means=tuple(mean for _, _, mean in every) if sheet.means else (),
    )
    return Change(whole, tuple(lines), added, changed, len(lost), mended, tuple(moved))


def _page_ids(sheet: Sheet) -> tuple[str, ...]:
    return sheet.pages if len(sheet.pages) == len(sheet.page.rows) else sheet.pages * len(sheet.page.rows)


def _means(sheet: Sheet) -> tuple:
    return sheet.means or (None,) * len(sheet.page.rows)


def _is(row: Row, old: RowMapping) -> bool:
    return (row.track_id, ", ".join(row.artists), row.title) == (old["track_id"] or "", old["artist"], old["title"])


def _same_track(row: Row, old) -> bool:
    if row.track_id and old["track_id"]:
        return row.track_id == old["track_id"]
    return row.title == old["title"]


def _row(old) -> Row:
    return Row(
        old["position"],
        artists=(old["artist"],),
        title=old["title"],
        artists_intl=(old["artist_intl"],) if old["artist_intl"] else (),
        title_intl=old["title_intl"] or "",
        isrc=old["isrc"] or "",
        track_id=old["track_id"] or "",
        released=old["released"] or "",
        genres=tuple(old["genres"].split(", ")) if old["genres"] else (),
        language=old["language"] or "",
        label=old["label"] or "",
        link=old["link"] or "",
        plays=old["plays"],
    )
