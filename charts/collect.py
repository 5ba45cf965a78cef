"""Collecting: each chart asked for, read and stored, or its absence written down with the reason."""

from __future__ import annotations

import logging
import zlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache, partial

from sqlalchemy import Connection, delete, func, select

from ..workspace import tables as t
from ..workspace.errors import PageError, SettingsError, SourceError, WrongPage
from ..workspace.http import Client
from ..workspace.settings import Source as Settings
from ..workspace.store import digest, timestamp, upsert
from ..workspace.workspace import Workspace
from . import names
from .identity import COMPOSITE, SHARED_ISRC, identify, in_chunks
from .periods import YEARS, Kind, Period, periods_between, week_of
from .rows import Page, Row
from .source import Asked, Source, form_of
from .sources import SOURCES, table

log = logging.getLogger(__name__)

SYNTHETIC = "synthetic"
"""The source of the demonstration's made-up charts."""

SNAPSHOT = "snapshot"
"""Kind of a page that shows how a chart stood on one day."""

CLAIMS = "claims"
"""Chart of a page that ranks nothing: it says who or what is AI."""

CATCH_UP = timedelta(weeks=13)
"""How far back missed weeks are asked for unbidden."""

NOT_CHARTS = ("itunes", COMPOSITE)
"""Names of sources that give no charts: of previews, and of what is made here."""


@dataclass(frozen=True)
class Chart:
    """A chart: who publishes it, which one, for which country, for periods of which kind."""

    source: str
    chart: str
    country: str
    period: Kind = "weekly"

    def __str__(self) -> str:
        kind = "" if self.period == "weekly" else f", {self.period}"
        return f"{self.source}-{self.chart} ({self.country}{kind})"


@dataclass(frozen=True)
class Outcome:
    """What became of one chart in one period.

    Attributes
    ----------
    chart : Chart
    period : Period
    rows : int
        Positions now stored.
    changed : int
        Rows that were added or changed.
    gap : str
        What is missing and why; empty when nothing is.
    """

    chart: Chart
    period: Period
    rows: int
    changed: int = 0
    gap: str = ""

    @property
    def week(self) -> date:
        """The last day of the period."""
        return self.period.end


@dataclass(frozen=True)
class Sheet:
    """One chart in one period, read and about to be stored.

    Attributes
    ----------
    pages : tuple of str
        For each row, the page it came from; one for all where they are one.
    means : tuple of float
        For each row, the mean of its positions over several snapshots; empty for a chart that was published as it is.
    gap : str
        What is wrong with it beyond what its rows show.
    """

    chart: Chart
    period: Period
    page: Page
    pages: tuple[str, ...]
    means: tuple[float, ...] = ()


def sources_of(workspace: Workspace) -> dict[str, Source]:
    """Return every source, the user's own tables included.

    Raises
    ------
    SettingsError
        When a mapping of columns is wrong, or a table or registry is called like something else.
    """
    settings = workspace.settings
    own = {name: source for name, source in settings.sources.items() if source.columns is not None}
    for name in settings.registries:
        if name in (*SOURCES, *own, *NOT_CHARTS):
            raise SettingsError(f"registries.{name}: a source is called that; choose another name.")
    for name in own.keys() & {*NOT_CHARTS}:
        raise SettingsError(f"sources.{name}.columns: {name} is no table of yours; choose another name.")
    return SOURCES | {name: table.source(name, source, settings) for name, source in own.items()}


def settings_of(workspace: Workspace, source: Source) -> Settings:
    """Return a source's values with those of the settings over them."""
    return workspace.settings.source(source.name, source.settings)


def client_of(workspace: Workspace, source: Source) -> Client:
    """Return the HTTP client of a source."""
    return workspace.client(source.name, source.settings)


def wanted_charts(workspace: Workspace, kind: Kind = "weekly") -> list[Chart]:
    """Return the charts of a kind that the settings ask for.

    Raises
    ------
    SettingsError
        When they ask for a source or a chart that there is not.
    """
    known = sources_of(workspace)
    charts = []
    for name in workspace.settings.collect:
        if name not in known:
            raise SettingsError(f"collect = {name!r}: there is no such source; choose from {', '.join(known)}.")
        source, settings = known[name], settings_of(workspace, known[name])
        if source.fetch is None:
            raise SettingsError(
                f"collect = {name!r}: nothing can be fetched there, only files imported: it needs {source.needs}."
            )
        for wanted in settings.charts:
            chart, _, country = wanted.partition(":")
            if chart not in source.charts and not source.open_ended:
                raise SettingsError(
                    f"sources.{name}.charts = {wanted!r}: there is no such chart; choose from {', '.join(source.charts)}."
                )
            if kind in source.kinds:
                charts.append(Chart(name, chart, country or settings.country, kind))
    return charts


def collect(
    workspace: Workspace, period: Period | date, *, again: bool = False, asked: dict[Chart, Outcome] | None = None
) -> list[Outcome]:
    """Collect every chart of a period that is not there yet.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    period : Period or date
        A date is the last day of a chart week.
    again : bool
        Ask also for charts that are stored.
    asked : dict, optional
        Remembers which charts that only show the present were asked for already; share it between calls of one run.

    Returns
    -------
    list of Outcome
        One per chart, in the order of the settings. A source that fails is an outcome with a gap, never an exception.

    Notes
    -----
    A chart that only shows the present is asked for now, whatever the period: its snapshot belongs to the week it was
    taken in. Where that is another week, what is stored for the week asked for comes from its own snapshots, or is a gap.
    """
    period = period if isinstance(period, Period) else Period.week(period)
    asked = {} if asked is None else asked
    for name in workspace.settings.sources.keys() - sources_of(workspace).keys() - {*NOT_CHARTS}:
        # settings shared with a newer release may name sources that this one does not know yet
        log.warning("settings: this release knows no source %r, and it has no columns; passed over", name)
    outcomes = []
    for chart in wanted_charts(workspace, period.kind):
        source = sources_of(workspace)[chart.source]
        if source.current:
            outcomes += _collect_current(workspace, source, chart, period, again=again, asked=asked)
        else:
            outcomes.append(_collect_dated(workspace, source, chart, period, again=again))
    return outcomes


def collect_between(
    workspace: Workspace, first: date, last: date, kind: Kind = "weekly", *, again: bool = False
) -> list[Outcome]:
    """Collect every period from the one that holds `first` to the one that holds `last`; see :func:`collect`."""
    asked: dict[Chart, Outcome] = {}
    return [
        outcome
        for period in periods_between(first, last, kind, workspace.settings.week_ends)
        for outcome in collect(workspace, period, again=again, asked=asked)
    ]


def missed_weeks(workspace: Workspace, last: date) -> list[date]:
    """Return the weeks before `last`, after the first one stored, in which a wanted chart that answers for the past is missing.

    No more than `CATCH_UP` weeks back: an old chart that was imported once asks for no years of others.
    """
    known = sources_of(workspace)
    charts = [chart for chart in wanted_charts(workspace) if not known[chart.source].current]
    entry = t.entry.c
    with workspace.store.reading() as connection:
        stored = {
            (source, chart, country, date.fromisoformat(week))
            for source, chart, country, week in connection.execute(
                select(entry.source, entry.chart, entry.country, entry.week)
                .where(entry.period == "weekly", entry.source.in_({chart.source for chart in charts}))
                .distinct()
            )
        }
    wanted = {(chart.source, chart.chart, chart.country) for chart in charts}
    stored = {place for place in stored if place[:3] in wanted}
    if not stored:
        return []
    first = max(min(week for *_, week in stored), last - CATCH_UP)
    weeks = [period.end for period in periods_between(first, last, "weekly", workspace.settings.week_ends)][:-1]
    return [week for week in weeks if any((*chart, week) not in stored for chart in wanted)]


# -- asking ------------------------------------------------------------------------------------------------------------


def _collect_dated(workspace: Workspace, source: Source, chart: Chart, period: Period, *, again: bool) -> Outcome:
    with workspace.store.reading() as connection:
        stored = len(_stored_positions(connection, chart, period))
        gap = _stored_gap(connection, chart, period)
    if stored and not again and not (gap and gap.passing):
        return Outcome(chart, period, stored, gap=gap.reason if gap else "")
    try:
        page, page_id = _ask(workspace, source, chart, period)
    except SourceError as error:
        return _failed(workspace, chart, period, error)
    return store_sheets(workspace, [Sheet(chart, page.period or period, page, (page_id,))])[0]


def _collect_current(
    workspace: Workspace, source: Source, chart: Chart, period: Period, *, again: bool, asked: dict[Chart, Outcome]
) -> list[Outcome]:
    fresh: list[Outcome] = []
    if chart not in asked:
        today = workspace.now().date()
        now = Period.holding(today, "weekly", workspace.settings.week_ends)
        if again or not _has_page_of(workspace, chart, today):
            fresh = [_take_snapshot(workspace, source, chart, now)]
        asked[chart] = fresh[0] if fresh else Outcome(chart, now, 0)
    with workspace.store.reading() as connection:
        rows = len(_stored_positions(connection, chart, period))
        gap = _stored_gap(connection, chart, period)
    if any(outcome.period == period for outcome in fresh):
        return fresh
    if rows:
        return [Outcome(chart, period, rows, gap=gap.reason if gap else ""), *fresh]
    reason = f"{source.title} shows only the present, and no snapshot was taken that week"
    if gap and gap.reason and not gap.reason.startswith(reason):
        reason = gap.reason  # why the snapshot of that week failed
    with workspace.store.transaction() as connection:
        store_gap(connection, chart, period, reason, passing=False)
    return [Outcome(chart, period, 0, gap=reason), *fresh]


def _take_snapshot(workspace: Workspace, source: Source, chart: Chart, now: Period) -> Outcome:
    try:
        page, page_id = _ask(workspace, source, chart, None)
    except SourceError as error:
        with workspace.store.reading() as connection:
            stored = len(_stored_positions(connection, chart, now))
        if not stored:
            return _failed(workspace, chart, now, error)
        remember(workspace, chart.source, error)
        log.warning("%s: no snapshot today, earlier ones of this week stand: %s", chart, error)
        return Outcome(chart, now, stored)
    if page.period is not None:
        return store_sheets(workspace, [Sheet(chart, page.period, page, (page_id,))])[0]
    taken = page.taken or workspace.now().date()
    period = Period.holding(taken, "weekly", workspace.settings.week_ends)
    return store_sheets(workspace, [averaged(workspace, chart, period, lenient=True)])[0]


def _ask(workspace: Workspace, source: Source, chart: Chart, period: Period | None) -> tuple[Page, str]:
    """Fetch and read one chart, and keep its page.

    Raises
    ------
    SourceError
        When it cannot be had; a page that was answered is kept with the reason.
    """
    assert source.fetch
    client = client_of(workspace, source)
    body = b""
    try:
        answer = source.fetch(client, Asked(chart.chart, chart.country, period))
        body = answer.body
        pages = source.parse(body, answer.url)
        fitting = [page for page in pages if page.chart in ("", chart.chart)] or list(pages)
        # a table may hold many weeks
        wanted = (p for p in fitting if period and p.period and _in_our_weeks(workspace, p.period) == period)
        page = next(wanted, fitting[0])
        if period and page.period and _in_our_weeks(workspace, page.period) != period:
            raise PageError(f"{chart.source}: asked for the {period}, the page says {page.period}.", body)
        _check(page, chart, body)
        if page.taken and (page.taken > workspace.now().date() or page.taken.year not in YEARS):
            raise PageError(f"{chart.source}: the page says it shows {page.taken}, which cannot be.", body)
    except SourceError as error:
        bad = error.body if isinstance(error, PageError) else None
        if bad:
            with workspace.store.transaction() as connection:
                today = None if period else workspace.now().date()
                store_page(workspace, connection, chart, period, bad, client.reached, taken=today, problem=str(error))
            error.args = (f"{error} The page is kept for inspection.",)
        raise
    with workspace.store.transaction() as connection:
        covered, taken = (page.period or period), None
        if covered is None:
            taken = page.taken or workspace.now().date()
        page_id = store_page(workspace, connection, chart, covered, body, answer.url, answer.content_type, taken=taken)
    remember(workspace, chart.source)
    return page, page_id


def _failed(workspace: Workspace, chart: Chart, period: Period, error: SourceError) -> Outcome:
    reason = str(error)
    with workspace.store.transaction() as connection:
        stored = len(_stored_positions(connection, chart, period))
        if stored:
            reason += f" The {stored} positions stored before are kept."
        store_gap(connection, chart, period, reason, passing=True)
    remember(workspace, chart.source, error)
    return Outcome(chart, period, stored, gap=reason)


def remember(workspace: Workspace, source: str, error: Exception | None = None) -> None:
    """Write down when a source last answered, or how it last failed."""
    now = timestamp(workspace.now())
    row = {"failed_at": now, "error": str(error)} if error else {"succeeded_at": now}
    with workspace.store.transaction() as connection:
        upsert(connection, t.source, [{"source": source, **row}])


def _in_our_weeks(workspace: Workspace, period: Period) -> Period:
    """Return the chart week that a week belongs to, which may end on another day; other periods are what they are."""
    return Period.holding(period.end, period.kind, workspace.settings.week_ends)


def _check(page: Page, chart: Chart, body: bytes) -> None:
    if (page.chart and page.chart != chart.chart) or (page.country and page.country != chart.country):
        raise PageError(
            f"{chart.source}: asked for {chart.chart} ({chart.country}), the page says it is "
            f"{page.chart or chart.chart} ({page.country or chart.country}).",
            body,
        )


def _has_page_of(workspace: Workspace, chart: Chart, today: date) -> bool:
    """Whether a chart that only shows the present was already had today."""
    page = t.page.c
    with workspace.store.reading() as connection:
        latest = connection.scalar(
            select(func.max(page.fetched_at)).where(
                page.source == chart.source,
                page.chart == chart.chart,
                page.country == chart.country,
                page.problem.is_(None),
                page.origin.startswith("http"),
            )
        )
    return bool(latest) and datetime.fromisoformat(latest).astimezone(workspace.now().tzinfo).date() == today


def read_body(workspace: Workspace, source: str, body: bytes, origin: str) -> tuple[Page, ...]:
    """Read what a source answered, or a table in its place.

    Raises
    ------
    PageError
        When it is neither.
    """
    known = sources_of(workspace).get(source)
    as_table = partial(table.parse, body, origin, settings=workspace.settings)
    if known is None:
        return as_table()
    try:
        return known.parse(body, origin)
    except WrongPage:
        raise
    except PageError as error:
        form = form_of(body)
        if known.settings.columns or form == "html":
            raise
        try:
            return as_table()
        except PageError as other:
            if form == "csv" and known.form != form:
                raise
            raise PageError(f"{error} Nor is it a table: {other}", body) from None


# -- snapshots ---------------------------------------------------------------------------------------------------------


def averaged(
    workspace: Workspace, chart: Chart, period: Period, mended: Collection[str] = (), *, lenient: bool = False
) -> Sheet:
    """Return a week of a chart that only shows the present: the mean of its snapshots, the last one of each day.

    A recording that a snapshot lacks is counted as just below its last position. Places go by mean position, then by the
    best one; the week has as many as its longest snapshot. This is how TopHit's sources, which publish days, are made
    weeks. Pages that could not be read before count if their ids are `mended`.

    Raises
    ------
    PageError
        When one of the pages cannot be read any more, unless it is to be passed over with a warning.
    """
    kept = _pages_of(workspace, chart, period, mended)
    days = {row.taken_on: row for row in kept}  # in the order they were fetched
    read: list[tuple[str, Page]] = []
    for taken, row in days.items():
        try:
            found = read_body(workspace, chart.source, unpacked(row.body), row.origin)
        except PageError as error:
            if not lenient:
                raise
            log.warning("%s: the snapshot of %s is passed over: %s", chart, taken, error)
            continue
        fitting = (page for page in found if page.chart in ("", chart.chart) and str(page.taken or taken) == taken)
        read.append((row.page_id, next(fitting, found[0])))
    places: dict[str, dict[int, int]] = {}
    newest: dict[str, tuple[Row, str]] = {}
    for number, (page_id, page) in enumerate(read):
        for row in page.rows:
            name = names.read(row.artists, row.title).key
            places.setdefault(name, {}).setdefault(number, row.position)
            newest[name] = (row, page_id)
    lengths = [max(row.position for row in page.rows) for _, page in read]
    means = {
        name: sum(found.get(number, length + 1) for number, length in enumerate(lengths)) / len(read)
        for name, found in places.items()
    }
    order = sorted(means, key=lambda name: (means[name], min(places[name].values()), name))[: max(lengths)]
    if len(read) == 1:  # as published: a chart may list one recording twice
        rows, pages, mean = read[0][1].rows, (read[0][0],), tuple(float(row.position) for row in read[0][1].rows)
    else:
        rows = tuple(replace(newest[name][0], position=place) for place, name in enumerate(order, 1))
        pages, mean = tuple(newest[name][1] for name in order), tuple(round(means[name], 4) for name in order)
    faults = tuple(dict.fromkeys(fault for _, page in read for fault in page.faults))
    broken = read[-1][1].broken
    return Sheet(
        chart, period, Page(rows, chart.chart, chart.country, period, faults=faults, broken=broken), pages, mean
    )


def unpacked(body: bytes) -> bytes:
    """Return the body of a kept page.

    Raises
    ------
    PageError
        When the database has been damaged.
    """
    try:
        return zlib.decompress(body)
    except zlib.error as error:
        raise PageError(f"the page that was kept is damaged ({error}).") from error


def _pages_of(workspace: Workspace, chart: Chart, period: Period, mended: Collection[str]):
    page = t.page.c
    with workspace.store.reading() as connection:
        return connection.execute(
            select(page.page_id, page.body, page.origin, page.taken_on)
            .where(
                page.source == chart.source,
                page.chart == chart.chart,
                page.country == chart.country,
                page.period == SNAPSHOT,
                page.period_end == period.end.isoformat(),
                page.problem.is_(None) | page.page_id.in_(mended),
            )
            .order_by(page.taken_on, page.fetched_at, page.page_id)
        ).all()


# -- storing -----------------------------------------------------------------------------------------------------------


def store_sheets(workspace: Workspace, sheets: list[Sheet]) -> list[Outcome]:
    """Store charts in one transaction, and find out which recordings their names mean.

    Positions stored before and missing from a sheet stay, except where it was averaged anew. A chart shorter than
    expected is kept, and its gap written down.
    """
    known = sources_of(workspace)
    ends = workspace.settings.week_ends
    with workspace.store.transaction() as connection:
        _keep_apart(connection, {sheet.chart.source for sheet in sheets})
        outcomes, touched = [], set()
        rows = [[(row, _name(row)) for row in sheet.page.rows] for sheet in sheets]
        ids, means = _store_names(connection, sheets, rows)
        for sheet, read in zip(sheets, rows, strict=True):
            chart, period = sheet.chart, Period.holding(sheet.period.end, sheet.period.kind, ends)
            if sheet.means:
                _drop_below(connection, chart, period, max(row.position for row, _ in read))
            week = period.end.isoformat() if period.kind == "weekly" else None
            found = [ids[name] for _, name in read]
            entries = [
                entry_of(sheet, place, row, name_id, means[name_id], week)
                for place, ((row, _), name_id) in enumerate(zip(read, found, strict=True))
            ]
            changed = upsert(connection, t.entry, entries)
            if changed:
                touched |= set(found)
            own = t.entry.c.period_end == sheet.period.end.isoformat()  # the week may hold another edition
            positions = _stored_positions(connection, chart, period, own)
            source = known.get(chart.source)
            expected = settings_of(workspace, source).expected(chart.chart, chart.period) if source else None
            gap = _what_is_missing(sheet.page, positions, expected)
            store_gap(connection, chart, period, gap, passing=bool(sheet.page.broken))
            outcomes.append(Outcome(chart, sheet.period, len(positions), changed, gap))
        touched |= _store_aliases(connection, sheets)
        if touched:
            identify(connection, touched)
            _vote_on_isrcs(connection, touched)
    return outcomes


def _keep_apart(connection: Connection, sources: set[str]) -> None:
    """Refuse to put real charts beside made-up ones: what is made up would pass for real.

    Raises
    ------
    SettingsError
    """
    if sources <= {SYNTHETIC}:
        return
    if connection.scalar(select(t.entry.c.source).where(t.entry.c.source == SYNTHETIC).limit(1)):
        raise SettingsError(
            f"This workspace holds the made-up charts of `chartropy demo`: choose another folder for {', '.join(sorted(sources))}."
        )


def store_page(
    workspace: Workspace,
    connection: Connection,
    chart: Chart,
    period: Period | None,
    body: bytes,
    origin: str,
    content_type: str = "",
    *,
    taken: date | None = None,
    problem: str | None = None,
) -> str:
    """Keep what a source answered, compressed, and return its id.

    A snapshot says when it was `taken`; a table of many periods has neither period nor day.
    """
    end = week_of(taken, workspace.settings.week_ends) if taken else period.end if period else None
    # without the kind a week is known by: pages of earlier releases keep their ids
    page_id = digest(chart.source, chart.chart, chart.country, taken or end, body)
    upsert(
        connection,
        t.page,
        [
            {
                "page_id": page_id,
                "source": chart.source,
                "chart": chart.chart,
                "country": chart.country,
                "period": SNAPSHOT if taken else period.kind if period else None,
                "period_end": end.isoformat() if end else None,
                "taken_on": taken.isoformat() if taken else None,
                "origin": origin,
                "content_type": content_type[:128],
                "body": zlib.compress(body, 6),
                "problem": problem,
                "fetched_at": timestamp(workspace.now()),
            }
        ],
        unless_only=("fetched_at", "origin", "content_type"),
    )
    return page_id


def _what_is_missing(page: Page, positions: list[int], expected: int | None) -> str:
    problems = list(page.faults)
    missing = sorted(set(range(1, max(positions, default=0) + 1)) - set(positions))
    if expected and len(positions) < expected:
        problems.insert(0, f"{len(positions)} of {expected} positions")
    if expected and len(positions) > expected:
        problems.insert(0, f"{len(positions)} positions, more than the {expected} of a whole chart")
    if missing:
        problems.append(f"positions without a row: {_some(missing)}")
    if page.broken:
        problems.append(page.broken)
    return "; ".join(problems)


def _some(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:12]))
    return f"{shown} and {len(numbers) - 12} more" if len(numbers) > 12 else shown


def _name(row: Row) -> names.Name:
    return _read(row.artists, row.title)


_read = lru_cache(65536)(names.read)
"""One title stands on a chart for many weeks."""


def _store_names(
    connection: Connection, sheets: list[Sheet], rows: list[list[tuple[Row, names.Name]]]
) -> tuple[dict[names.Name, str], dict[str, str]]:
    """Store the names that are new, every spelling, and what pages say of how a track was made.

    Returns
    -------
    ids : dict
        Id of each name.
    means : dict
        Id of each name to the recording it means.
    """
    ids: dict[names.Name, str] = {}
    new: dict[str, dict] = {}
    spellings: dict[tuple, dict] = {}
    labels: dict[tuple, dict] = {}
    for sheet, read in zip(sheets, rows, strict=True):
        for place, (row, name) in enumerate(read):
            if name not in ids:
                ids[name] = names.recording_id(name)
                new[ids[name]] = _recording(ids[name], name, row.artists, row.title, row.isrc)
            spelled = _spelling(ids[name], sheet.chart, row.artists, row.title, row)
            spellings[tuple(spelled.values())] = spelled
            if row.ai:
                label = _label(ids[name], sheet, place, row)
                labels[label["recording_id"], label["subject"]] = label
    means = _means(connection, new)
    upsert(connection, t.recording, [row for recording_id, row in new.items() if recording_id not in means])
    upsert(connection, t.spelling, list(spellings.values()))
    upsert(connection, t.label, list(labels.values()), unless_only=("labelled_at", "page_id"))
    return ids, {recording_id: means.get(recording_id, recording_id) for recording_id in new}


def _store_aliases(connection: Connection, sheets: list[Sheet]) -> set[str]:
    """Store the other spelling that some pages give beside the first, as a name with the same id of the track."""
    aliases: dict[str, dict] = {}
    spellings: dict[tuple, dict] = {}
    for sheet in sheets:
        for row in sheet.page.rows:
            if not (row.track_id and row.artists_intl and row.title_intl):
                continue
            name = _read(row.artists_intl, row.title_intl)
            if name == _name(row):
                continue
            alias = names.recording_id(name)
            aliases[alias] = _recording(alias, name, row.artists_intl, row.title_intl, "")
            spelled = _spelling(alias, sheet.chart, row.artists_intl, row.title_intl, row)
            spellings[tuple(spelled.values())] = spelled
    known = _means(connection, aliases)
    upsert(connection, t.recording, [row for recording_id, row in aliases.items() if recording_id not in known])
    new = upsert(connection, t.spelling, list(spellings.values()))
    return set(aliases) if new else set()


def _means(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    recording = t.recording.c
    return {
        row.recording_id: row.same_as or row.recording_id
        for part in in_chunks(sorted(ids))
        for row in connection.execute(
            select(recording.recording_id, recording.same_as).where(recording.recording_id.in_(part))
        )
    }


def _recording(recording_id: str, name: names.Name, artists: tuple[str, ...], title: str, isrc: str) -> dict:
    return {
        "recording_id": recording_id,
        "artist": ", ".join(artists),
        "title": title,
        "version": name.version,
        "isrc": isrc or None,
        "folded": name.key,
        "same_as": recording_id,
    }


def _spelling(recording_id: str, chart: Chart, artists: tuple[str, ...], title: str, row: Row) -> dict:
    return {
        "recording_id": recording_id,
        "source": chart.source,
        "artist": ", ".join(artists),
        "title": title,
        "isrc": row.isrc,
        "track_id": row.track_id,
    }


def _label(recording_id: str, sheet: Sheet, place: int, row: Row) -> dict:
    return {
        "recording_id": recording_id,
        "source": sheet.chart.source,
        "subject": f"{', '.join(row.artists)} - {row.title}"[:255],
        "label": "ai",
        "ground": f"the chart page marks it: {row.ai}",
        "labelled_at": sheet.period.end.isoformat(),
        "page_id": sheet.pages[place if len(sheet.pages) > 1 else 0],
    }


def entry_of(sheet: Sheet, place: int, row: Row, name_id: str, recording_id: str, week: str | None) -> dict:
    """Return the entry that a row of a sheet becomes; `place` is where in it the row stands."""
    chart, period = sheet.chart, sheet.period
    link = row.link or (
        f"https://tophit.com/tracks/{row.track_id}" if row.track_id and chart.source == "tophit" else ""
    )
    return {
        "source": chart.source,
        "chart": chart.chart,
        "country": chart.country,
        "period": period.kind,
        "period_start": period.start.isoformat(),
        "period_end": period.end.isoformat(),
        "week": week,
        "position": row.position,
        "name_id": name_id,
        "recording_id": recording_id,
        "page_id": sheet.pages[place if len(sheet.pages) > 1 else 0],
        "isrc": row.isrc or None,
        "artist": ", ".join(row.artists),
        "title": row.title,
        "artist_intl": ", ".join(row.artists_intl) or None,
        "title_intl": row.title_intl or None,
        "track_id": row.track_id or None,
        "link": link or None,
        "released": row.released or None,
        "genres": ", ".join(row.genres) or None,
        "language": row.language or None,
        "label": row.label or None,
        "plays": row.plays,
        "mean_position": sheet.means[place] if sheet.means else None,
    }


def _vote_on_isrcs(connection: Connection, touched: set[str]) -> None:
    """Give each recording the ISRC that most of its entries print; a tie goes to the first by name.

    A code that many recordings print is nobody's.
    """
    entry, recording = t.entry, t.recording
    ids = sorted(set(_means(connection, touched).values()))
    votes: dict[str, Counter[str]] = {}
    printed: set[str] = set()
    for part in in_chunks(ids):
        query = (
            select(entry.c.recording_id, entry.c.isrc, func.count())
            .where(entry.c.recording_id.in_(part), entry.c.isrc.is_not(None))
            .group_by(entry.c.recording_id, entry.c.isrc)
        )
        for recording_id, isrc, times in connection.execute(query):
            votes.setdefault(recording_id, Counter())[isrc] += times
            printed.add(isrc)
    shared: set[str] = set()
    for part in in_chunks(sorted(printed)):
        shared |= set(
            connection.scalars(
                select(entry.c.isrc)
                .where(entry.c.isrc.in_(part))
                .group_by(entry.c.isrc)
                .having(func.count(entry.c.recording_id.distinct()) > SHARED_ISRC)
            )
        )
    winners = []
    for recording_id in ids:
        counted = {isrc: times for isrc, times in votes.get(recording_id, {}).items() if isrc not in shared}
        if counted:
            winners.append((recording_id, min(counted, key=lambda isrc: (-counted[isrc], isrc))))
        elif recording_id in votes:
            winners.append((recording_id, None))
    for recording_id, winner in winners:
        connection.execute(
            recording.update()
            .where(recording.c.recording_id == recording_id, recording.c.isrc.is_distinct_from(winner))
            .values(isrc=winner)
        )


def at(columns, chart: Chart, period: Period):
    """Return the condition that names one chart in one period, on the columns of entries or of gaps.

    A publisher's week that ends on another day than ours lies in ours.
    """
    end = columns.period_end if "period_end" in columns else columns.week
    return (
        (columns.source == chart.source)
        & (columns.chart == chart.chart)
        & (columns.country == chart.country)
        & (columns.period == period.kind)
        & end.between(period.start.isoformat(), period.end.isoformat())
    )


def _drop_below(connection: Connection, chart: Chart, period: Period, last: int) -> None:
    entry = t.entry
    connection.execute(delete(entry).where(at(entry.c, chart, period), entry.c.position > last))


def _stored_positions(connection: Connection, chart: Chart, period: Period, *further) -> list[int]:
    entry = t.entry.c
    query = select(entry.position).where(at(entry, chart, period), *further).order_by(entry.position)
    return list(connection.scalars(query))


def _stored_gap(connection: Connection, chart: Chart, period: Period):
    return connection.execute(select(t.gap).where(at(t.gap.c, chart, period))).one_or_none()


def store_gap(connection: Connection, chart: Chart, period: Period, reason: str, *, passing: bool) -> None:
    """Write down what is missing of a chart and why; an empty reason: nothing is."""
    if not reason:
        connection.execute(delete(t.gap).where(at(t.gap.c, chart, period)))
        return
    place = {"source": chart.source, "chart": chart.chart, "country": chart.country, "period": period.kind}
    upsert(connection, t.gap, [{"week": period.end.isoformat(), **place, "reason": reason, "passing": int(passing)}])
