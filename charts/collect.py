"""Collecting: each chart of a week asked for, read and stored, or its absence written down with the reason."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, select

from ..workspace import tables
from ..workspace.errors import PageError, SourceError
from ..workspace.store import digest, timestamp, upsert
from ..workspace.workspace import Workspace
from . import names, tophit
from .weeks import first_day


@dataclass(frozen=True)
class Chart:
    """A chart: who publishes it, which one, for which country."""

    source: str
    chart: str
    country: str

    def __str__(self) -> str:
        return f"{self.source}-{self.chart} ({self.country})"


@dataclass(frozen=True)
class Outcome:
    """What became of one chart in one week.

    Attributes
    ----------
    chart : Chart
    week : date
    rows : int
        Positions now stored.
    changed : int
        Rows that were added or changed.
    gap : str
        What is missing and why; empty when nothing is.
    """

    chart: Chart
    week: date
    rows: int
    changed: int = 0
    gap: str = ""


def wanted_charts(workspace: Workspace) -> list[Chart]:
    """Return the charts that the settings ask for."""
    source = workspace.settings.sources.tophit
    return [Chart("tophit", chart, source.country) for chart in source.charts]


def collect(workspace: Workspace, week: date, *, again: bool = False) -> list[Outcome]:
    """Collect every chart of a week that is not there yet.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    week : date
        Last day of the chart week.
    again : bool
        Ask also for charts that are stored.

    Returns
    -------
    list of Outcome
        One per chart, in the order of the settings. A source that fails is an outcome with a gap, never an exception.
    """
    return [_collect_one(workspace, chart, week, again=again) for chart in wanted_charts(workspace)]


def _collect_one(workspace: Workspace, chart: Chart, week: date, *, again: bool) -> Outcome:
    with workspace.store.reading() as connection:
        stored = len(_stored_positions(connection, chart, week))
        gap = _stored_gap(connection, chart, week)
    if stored and not again and not (gap and gap.passing):
        return Outcome(chart, week, stored, gap=gap.reason if gap else "")
    client = workspace.client(chart.source)
    try:
        body, content_type, url = tophit.fetch(client, chart.chart, chart.country, week)
        page = tophit.parse(body)
        _check_address(page, chart, week, body)
    except SourceError as error:
        with workspace.store.transaction() as connection:
            reason = str(error)
            if isinstance(error, PageError) and error.body:
                store_page(workspace, connection, chart, week, error.body, "live page", problem=str(error))
                reason += " The page is kept for inspection."
            if stored:
                reason += f" The {stored} positions stored before are kept."
            _store_gap(connection, chart, week, reason, passing=True)
        return Outcome(chart, week, stored, gap=reason)
    return store_chart(workspace, chart, week, page.rows, body, url, content_type, page.faults)


def store_chart(
    workspace: Workspace,
    chart: Chart,
    week: date,
    rows: tuple[tophit.Row, ...],
    body: bytes,
    origin: str,
    content_type: str = "",
    faults: tuple[str, ...] = (),
) -> Outcome:
    """Store the page and its entries in one transaction.

    Positions stored before and missing from `rows` stay. A chart shorter than expected is kept, and its gap written down.

    Returns
    -------
    Outcome
    """
    with workspace.store.transaction() as connection:
        page_id = store_page(workspace, connection, chart, week, body, origin, content_type)
        read = [(row, names.read(row.artists, row.title)) for row in rows]
        ids = {row.position: names.recording_id(name) for row, name in read}
        known = set(connection.scalars(select(tables.recording.c.recording_id)))
        new = {ids[row.position]: (row, name) for row, name in reversed(read) if ids[row.position] not in known}
        upsert(
            connection,
            tables.recording,
            [
                {
                    "recording_id": recording_id,
                    "artist": ", ".join(row.artists),
                    "title": row.title,
                    "version": name.version,
                    "isrc": row.isrc or None,
                }
                for recording_id, (row, name) in new.items()
            ],
        )
        changed = upsert(
            connection, tables.entry, [_entry(chart, week, row, ids[row.position], page_id) for row in rows]
        )
        upsert(connection, tables.spelling, list(_spellings(chart, rows, ids).values()))
        _vote_on_isrcs(connection, set(ids.values()))
        positions = _stored_positions(connection, chart, week)
        gap, passing = _what_is_missing(workspace, chart, positions, faults, body)
        _store_gap(connection, chart, week, gap, passing=passing)
    return Outcome(chart, week, len(positions), changed, gap)


def store_page(
    workspace: Workspace,
    connection: Connection,
    chart: Chart,
    week: date,
    body: bytes,
    origin: str,
    content_type: str = "",
    *,
    problem: str | None = None,
) -> str:
    """Keep what a source answered, compressed, and return its id."""
    page_id = digest(chart.source, chart.chart, chart.country, week, body)
    upsert(
        connection,
        tables.page,
        [
            {
                "page_id": page_id,
                "source": chart.source,
                "chart": chart.chart,
                "country": chart.country,
                "period_end": week.isoformat(),
                "origin": origin,
                "content_type": content_type,
                "body": zlib.compress(body, 6),
                "problem": problem,
                "fetched_at": timestamp(workspace.now()),
            }
        ],
        unless_only=("fetched_at", "origin", "content_type"),
    )
    return page_id


def _check_address(page: tophit.Page, chart: Chart, week: date, body: bytes) -> None:
    if (page.chart and page.chart != chart.chart) or (page.country and page.country != chart.country):
        raise PageError(
            f"{chart.source}: asked for {chart.chart} ({chart.country}), the page says it is {page.chart} ({page.country}).",
            body,
        )
    if page.week and page.week != week:
        raise PageError(f"{chart.source}: asked for the week ending {week}, the page says {page.week}.", body)


def _what_is_missing(
    workspace: Workspace, chart: Chart, positions: list[int], faults: tuple[str, ...], body: bytes
) -> tuple[str, bool]:
    """Return what to report, and whether asking again may mend it."""
    problems = list(faults)
    expected = workspace.settings.sources.tophit.expected_rows.get(chart.chart) if chart.source == "tophit" else None
    missing = sorted(set(range(1, max(positions) + 1)) - set(positions))
    if expected and len(positions) < expected:
        problems.insert(0, f"{len(positions)} of {expected} positions")
    if missing:
        problems.append(f"positions without a row: {_some(missing)}")
    # a live page that ends early may come whole next time; a whole page that is short is all there is
    broken = body.lstrip()[:1] == b"<" and b"</html>" not in body[-2000:].lower()
    if broken:
        problems.append("the page ends in the middle")
    return "; ".join(problems), broken


def _some(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:12]))
    return f"{shown} and {len(numbers) - 12} more" if len(numbers) > 12 else shown


def _entry(chart: Chart, week: date, row: tophit.Row, recording_id: str, page_id: str) -> dict:
    return {
        "source": chart.source,
        "chart": chart.chart,
        "country": chart.country,
        "period": "weekly",
        "period_start": first_day(week).isoformat(),
        "period_end": week.isoformat(),
        "week": week.isoformat(),
        "position": row.position,
        "recording_id": recording_id,
        "page_id": page_id,
        "isrc": row.isrc or None,
        "artist": ", ".join(row.artists),
        "title": row.title,
        "artist_intl": ", ".join(row.artists_intl) or None,
        "title_intl": row.title_intl or None,
        "track_id": row.track_id or None,
        "link": f"https://tophit.com/tracks/{row.track_id}" if row.track_id and chart.source == "tophit" else None,
        "released": row.released or None,
        "genres": ", ".join(row.genres) or None,
        "language": row.language or None,
        "label": row.label or None,
    }


def _spellings(chart: Chart, rows: tuple[tophit.Row, ...], ids: dict[int, str]) -> dict[tuple, dict]:
    found = {}
    for row in rows:
        for artists, title in ((row.artists, row.title), (row.artists_intl, row.title_intl)):
            if artists and title:
                spelled = {
                    "recording_id": ids[row.position],
                    "source": chart.source,
                    "artist": ", ".join(artists),
                    "title": title,
                    "isrc": row.isrc,
                    "track_id": row.track_id,
                }
                found[tuple(spelled.values())] = spelled
    return found


def _vote_on_isrcs(connection: Connection, recording_ids: set[str]) -> None:
    """Give each recording the ISRC that most of its entries print; a tie goes to the first by name."""
    entry, recording = tables.entry, tables.recording
    votes: dict[str, Counter[str]] = {}
    query = select(entry.c.recording_id, entry.c.isrc).where(
        entry.c.recording_id.in_(recording_ids), entry.c.isrc.is_not(None)
    )
    for recording_id, isrc in connection.execute(query):
        votes.setdefault(recording_id, Counter())[isrc] += 1
    for recording_id, counted in votes.items():
        winner = min(counted, key=lambda isrc: (-counted[isrc], isrc))
        connection.execute(
            recording.update()
            .where(recording.c.recording_id == recording_id, recording.c.isrc.is_distinct_from(winner))
            .values(isrc=winner)
        )


def _stored_positions(connection: Connection, chart: Chart, week: date) -> list[int]:
    entry = tables.entry
    return list(
        connection.scalars(
            select(entry.c.position)
            .where(
                entry.c.source == chart.source,
                entry.c.chart == chart.chart,
                entry.c.country == chart.country,
                entry.c.period == "weekly",
                entry.c.period_end == week.isoformat(),
            )
            .order_by(entry.c.position)
        )
    )


def _gap_of(chart: Chart, week: date):
    gap = tables.gap.c
    return (
        (gap.week == week.isoformat())
        & (gap.source == chart.source)
        & (gap.chart == chart.chart)
        & (gap.country == chart.country)
    )


def _stored_gap(connection: Connection, chart: Chart, week: date):
    return connection.execute(select(tables.gap).where(_gap_of(chart, week))).one_or_none()


def _store_gap(connection: Connection, chart: Chart, week: date, reason: str, *, passing: bool) -> None:
    if not reason:
        connection.execute(delete(tables.gap).where(_gap_of(chart, week)))
        return
    row = {"week": week.isoformat(), **vars(chart), "reason": reason, "passing": int(passing)}
    upsert(connection, tables.gap, [row])
