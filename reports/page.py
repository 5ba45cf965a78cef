"""The weekly page and the index of all weeks: tables in, self-contained HTML and CSV files out.

No request leaves a page: style, script and figures are inside it, and its content security policy forbids the rest.
What a page says in words stands in ``templates/words.txt`` and the HTML templates; this module only decides what is
said: which numbers, what they are compared with, and whether the difference can be told from noise.

References
----------
Zou, G. Y., Donner, A.: Construction of confidence limits about effect measures: a general approach. Statistics in
Medicine 27 (2008) 1693-1702. The interval of a difference, from the intervals of its two sides.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ..charts.weeks import first_day
from ..workspace.errors import DiskFull, WorkspaceReadOnly
from . import figures

TABLES = {
    name: tuple(columns.split())
    for name, columns in {
        "entries": "source chart country week position recording_id isrc artist title link released genres language label",
        "verdicts": "recording_id isrc artist title probability verdict reason preview_provider preview_id preview_link "
        "model_version measured_at",
        "measures": "source chart country week measure value low high n method",
        "gaps": "week source chart country reason",
    }.items()
}
"""The CSV files beside a page, and their columns in order."""

NUMBERS = frozenset({"position", "probability", "value", "low", "high", "n"})
"""Columns that hold numbers: a minus in front is a sign there, not the start of a formula."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet may run a cell that begins with one of these."""

SHARES = ("ai_share", "ai_share.top10")
COUNTS = ("ai_flagged", "ai_labelled", "undecided", "unmeasured")
DIVERSITIES = ("diversity.order2", "diversity.mean_distance")
MEASURES = (*SHARES, *COUNTS, *DIVERSITIES)
"""What a chart's table of numbers shows, in order."""

FINDINGS = (("ai_share", max), ("ai_share.top10", max), ("diversity.order2", min))
"""What the three sentences at the top are about, and which chart each speaks of."""

ONE_WEEK = timedelta(weeks=1)
RECENT = 4
"""A chart seen in one of so many weeks before keeps its section when this week's is missing."""

LONGEST_FIGURE = timedelta(weeks=104)
MOST_MOVES = 3


class Key(NamedTuple):
    """Which chart."""

    source: str
    chart: str
    country: str


@dataclass(frozen=True)
class Season:
    """Everything the pages are made of; the tables are those of :class:`.tables.Tables`, of all weeks.

    Attributes
    ----------
    entries, verdicts, measures, gaps : pandas.DataFrame
        With at least the columns of ``TABLES``.
    about : dict
        ``version, model_version, extractor_version, timezone, descriptor_count`` and ``detector``: its model card, or
        its figures alone (``auc, auc_low, auc_high, recall, false_positive_rate``). What is missing is said to be
        missing.
    synthetic : bool
        The music is made up: everything written says so.
    """

    entries: pd.DataFrame
    verdicts: pd.DataFrame
    measures: pd.DataFrame
    gaps: pd.DataFrame
    about: dict[str, Any]
    synthetic: bool = False


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, its n and the week it is of; `low` and `high` are NaN where there is no interval."""

    week: date
    value: float
    low: float
    high: float
    n: int
    method: str

    @property
    def bounded(self) -> bool:
        """Whether it has an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(frozen=True)
class Comparison:
    """A number against the newest earlier one.

    Attributes
    ----------
    kind : str
        ``up`` or ``down``: the interval of the difference leaves zero out. ``same``: it does not. ``first``: nothing
        earlier. ``method``: the earlier one was measured in another way. ``unbounded``: one of them has no interval.
        ``count``: counted, not estimated.
    before : Estimate or None
        The earlier one.
    weeks : int
        How many weeks earlier.
    difference, low, high : float
        Now minus before, with its 95 % interval.
    """

    kind: str
    before: Estimate | None = None
    weeks: int = 0
    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Place:
    """One row of a chart's table: an entry, how it moved, and what is known of its recording.

    Attributes
    ----------
    change : str
        ``new, again, up, down, same``, or ``unknown`` where last week's chart is missing or incomplete.
    steps : int
        Places moved.
    """

    position: int
    recording_id: str
    artist: str
    title: str
    change: str
    steps: int
    verdict: str
    probability: float
    reason: str
    link: str
    preview_link: str
    provider: str


@dataclass(frozen=True)
class Changes:
    """What happened to a chart since the week before.

    Attributes
    ----------
    known : bool
        False when there is no chart of the week before to compare with.
    partial : bool
        One of the two charts is incomplete: who entered and who left cannot be told for all.
    """

    known: bool
    partial: bool
    entered: list[Place] = field(default_factory=list)
    again: int = 0
    left: list[tuple[int, str, str]] = field(default_factory=list)
    climbed: list[Place] = field(default_factory=list)
    fell: list[Place] = field(default_factory=list)
    newly_ai: list[Place] = field(default_factory=list)


def write_week(folder: Path, season: Season, week: date, *, made_at: datetime) -> Path:
    """Write the page of a week and the CSV files beside it.

    Parameters
    ----------
    folder : Path
        The page becomes ``<folder>/<week>/index.html``.
    season : Season
        Later weeks than `week` may be in it: the page does not look at them.
    week : date
        Last day of the chart week.
    made_at : datetime
        Printed on the page; the same data and time give the same bytes.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    DiskFull, WorkspaceReadOnly
        When a file cannot be written; one that was there stays as it was.
    """
    weekly = _Weekly(season, week)
    keys = weekly.keys
    for number, key in enumerate(keys):
        weekly.styles[key] = number
    stamp = say("synthetic_mark") if season.synthetic else ""
    charts = [_chart(weekly, key, f"chart-{number}", stamp) for number, key in enumerate(keys, 1)]
    earlier = [day for day in weekly.weeks if day < week]
    html = _render(
        "week.html",
        season=season,
        made_at=made_at,
        week=week,
        first=first_day(week),
        earlier=earlier[-1] if earlier else None,
        findings=[_finding(weekly, measure, best) for measure, best in FINDINGS],
        compared=_compared_figure(weekly, stamp),
        charts=charts,
        gaps=[(_key(row), text(row.reason)) for row in weekly.gaps.itertuples()],
        unmeasured=_unmeasured(weekly),
        recordings=weekly.now["recording_id"].nunique(),
        methods=_methods(weekly),
        detector=_detector(season.about.get("detector") or {}),
        files=_files(weekly),
    )
    target = folder / week.isoformat()
    for name, table in weekly.tables().items():
        write(target / f"{name}.csv", csv(table, TABLES[name], synthetic=season.synthetic))
    return write(target / "index.html", html)


def write_index(folder: Path, season: Season, *, made_at: datetime) -> Path:
    """Write the page that lists all weeks with their headline numbers.

    Parameters
    ----------
    folder : Path
        The page becomes ``<folder>/index.html``; it links to ``<week>/index.html``.
    season : Season
        Of all weeks.
    made_at : datetime
        Printed on the page.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    DiskFull, WorkspaceReadOnly
        When it cannot be written; one that was there stays as it was.
    """
    weeks = _all_weeks(season)
    history = _history(season.measures)
    keys = sorted({key for key, _ in history} | _keys(season.entries) | _keys(season.gaps))
    gaps = Counter(season.gaps["week"])
    sizes = season.entries.groupby(["source", "chart", "country", "week"])["position"].count().to_dict()
    names = _names(keys)
    rows = []
    for week in reversed(weeks):
        iso = week.isoformat()
        cells = []
        for key in keys:
            cell = {
                measure: next((e for e in history.get((key, measure), ()) if e.week == week), None)
                for measure in ("ai_share", "diversity.order2")
            }
            cells.append((names[key], int(sizes.get((*key, iso), 0)), cell))
        rows.append((week, first_day(week), cells, gaps[iso]))
    stamp = say("synthetic_mark") if season.synthetic else ""
    drawn = []
    for measure, writer, tick in (("ai_share", percent, percent_tick), ("diversity.order2", decimal, plain_tick)):
        series = [
            figures.Series(names[key], _points(history.get((key, measure), []), weeks[-1]), number)
            for number, key in enumerate(keys)
            if history.get((key, measure))
        ]
        if series:
            newest = {names[key]: e for key in keys for e in history.get((key, measure), []) if e.week == weeks[-1]}
            low, high = (best(newest, key=lambda name: newest[name].value, default=None) for best in (min, max))
            title = say(
                "index_figure",
                measure,
                weeks[-1],
                {"name": low, "now": newest[low]} if low else None,
                {"name": high, "now": newest[high]} if high else None,
                low and high and apart(newest[low], newest[high]),
            )
            svg = figures.over_time(
                series,
                name=f"index-{measure.replace('.', '-')}",
                title=title,
                unit=say("unit", measure),
                weeks_title=say("weeks_axis"),
                day=short_day,
                number=writer,
                tick=tick,
                stamp=stamp,
            )
            drawn.append((title, Markup(svg)))  # noqa: S704 - made by figures, which escapes what it writes
    html = _render("index.html", season=season, made_at=made_at, rows=rows, figures=drawn, week=None)
    return write(folder / "index.html", html)


# -- numbers as text ---------------------------------------------------------------------------------------------------


def percent(value: float) -> str:
    """Write a share (0 to 1) as a percentage with one decimal."""
    return f"{100 * value:.1f}%".replace("-", "−")


def decimal(value: float) -> str:
    """Write a number with one decimal."""
    return f"{value:.1f}".replace("-", "−")


def thousandths(value: float) -> str:
    """Write a number with three decimals."""
    return f"{value:.3f}".replace("-", "−")


def count(value: float) -> str:
    """Write a whole number."""
    return f"{value:.0f}".replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """Write a difference with its sign; a difference that rounds to zero has none."""
    written = f"{value:+.{digits}f}".replace("-", "−")
    return written[1:] if float(written[1:]) == 0 else written


def probability(value: float) -> str:
    """Write a probability as a percentage; never as 0 % or 100 %, which no detector can know."""
    if value < 0.01:
        return "<1%"
    return ">99%" if value > 0.99 else f"{100 * value:.0f}%"


def percent_tick(value: float) -> str:
    """Write a share on an axis."""
    return f"{100 * value:g}%"


def plain_tick(value: float) -> str:
    """Write a number on an axis."""
    return f"{value:g}"


def value_of(measure: str, value: float) -> str:
    """Write the value of a measure as that measure is written."""
    return _writer(measure)(value)


def difference_of(measure: str, value: float) -> str:
    """Write a difference between two values of a measure; shares differ by percentage points."""
    if measure in SHARES:
        return signed(100 * value)
    return signed(value, {"diversity.mean_distance": 3, "diversity.order2": 1}.get(measure, 0))


def short_day(day: date, with_year: bool = False) -> str:
    """Write a date for an axis, its year below it when asked."""
    return f"{say('day_and_month', day)}\n{day.year}" if with_year else say("day_and_month", day)


def text(value: object) -> str:
    """Return a cell as text; nothing for an empty one."""
    return "" if value is None or value is pd.NA or value != value else str(value)


def safe_link(link: object) -> str:
    """Return a link that may stand on a page: ``http`` or ``https`` with a host; else nothing."""
    written = text(link).strip()
    try:
        parts = urlsplit(written)
        host = parts.hostname
    except ValueError:
        return ""
    return written if parts.scheme in ("http", "https") and host else ""


def _writer(measure: str) -> Callable[[float], str]:
    if measure in SHARES:
        return percent
    return {"diversity.order2": decimal, "diversity.mean_distance": thousandths}.get(measure, count)


# -- what is compared --------------------------------------------------------------------------------------------------


def compare(measure: str, estimates: Sequence[Estimate], week: date) -> Comparison:
    """Compare a week's number with the newest earlier one.

    Parameters
    ----------
    measure : str
        Counts are subtracted; estimates are compared with regard to their intervals.
    estimates : sequence of Estimate
        In order of time.
    week : date
        One of theirs.

    Returns
    -------
    Comparison

    Notes
    -----
    The interval of the difference d = x - y is Zou and Donner's: d - sqrt((x - x_low)^2 + (y_high - y)^2) to
    d + sqrt((x_high - x)^2 + (y - y_low)^2). It takes the two for independent. Two weeks of one chart share recordings
    and the detector, so the true interval is narrower: a change is called noise too often rather than too seldom.
    """
    now = next(estimate for estimate in estimates if estimate.week == week)
    before = max((e for e in estimates if e.week < week), key=lambda e: e.week, default=None)
    if before is None:
        return Comparison("first")
    weeks = (week - before.week) // ONE_WEEK
    difference = now.value - before.value
    if measure in COUNTS:
        return Comparison("count", before, weeks, difference)
    if now.method != before.method:
        return Comparison("method", before, weeks)
    if not (now.bounded and before.bounded):
        return Comparison("unbounded", before, weeks, difference)
    low = difference - math.hypot(now.value - now.low, before.high - before.value)
    high = difference + math.hypot(now.high - now.value, before.value - before.low)
    kind = "up" if low > 0 else "down" if high < 0 else "same"
    return Comparison(kind, before, weeks, difference, low, high)


def apart(one: Estimate, other: Estimate) -> bool:
    """Tell whether two estimates of one week differ by more than noise; False when one has no interval."""
    if not (one.bounded and other.bounded):
        return False
    big, small = (one, other) if one.value >= other.value else (other, one)
    return big.value - small.value > math.hypot(big.value - big.low, small.high - small.value)


class _Weekly:
    """One week of a season, cut out once."""

    def __init__(self, season: Season, week: date):
        iso = week.isoformat()
        self.season = season
        self.week = week
        self.weeks = [day for day in _all_weeks(season) if day <= week]
        entries = season.entries
        self.entries = entries[entries["week"].notna() & (entries["week"].fillna("") <= iso)]
        self.now = self.entries[self.entries["week"] == iso].sort_values(["source", "country", "chart", "position"])
        self.gaps = season.gaps[season.gaps["week"] == iso]
        self.measures = season.measures[season.measures["week"] == iso]
        self.verdicts = season.verdicts.drop_duplicates("recording_id", keep="last").set_index("recording_id")
        self.history = _history(season.measures[season.measures["week"] <= iso])
        self.gapped = {(_key(row), row.week) for row in season.gaps.itertuples()}
        self.styles: dict[Key, int] = {}
        since = (week - RECENT * ONE_WEEK).isoformat()
        keys = set()
        for table in (season.entries, season.measures, season.gaps):
            keys |= _keys(table[table["week"].notna() & table["week"].fillna("").between(since, iso)])
        self.keys = sorted(keys, key=lambda key: (key.source, key.country, key.chart))
        self.names = _names(self.keys)
        self.charts = {
            (Key(str(source), str(chart), str(country)), str(week)): group
            for (source, chart, country, week), group in self.entries.groupby(
                ["source", "chart", "country", "week"], sort=False
            )
        }

    def chart(self, key: Key, week: date) -> pd.DataFrame:
        """Return a chart's entries in a week; none where there is no such chart."""
        return self.charts.get((key, week.isoformat()), self.entries.iloc[:0])

    def estimates(self, key: Key, measure: str) -> list[Estimate]:
        """Return a measure's history up to this week."""
        return self.history.get((key, measure), [])

    def estimate(self, key: Key, measure: str) -> Estimate | None:
        """Return this week's number, if there is one."""
        found = self.estimates(key, measure)
        return found[-1] if found and found[-1].week == self.week else None

    def verdict(self, recording_id: str) -> dict[str, Any]:
        """Return what is known of a recording."""
        if recording_id in self.verdicts.index:
            return {str(column): cell for column, cell in self.verdicts.loc[recording_id].items()}
        return {"verdict": "unmeasured", "reason": say("not_judged")}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return what the CSV files of the week hold."""
        verdicts = self.season.verdicts
        here = verdicts[verdicts["recording_id"].isin(self.now["recording_id"])]
        return {"entries": self.now, "verdicts": here, "measures": self.measures, "gaps": self.gaps}


def _history(measures: pd.DataFrame) -> dict[tuple[Key, str], list[Estimate]]:
    """Group the measures by chart and name, in order of time; a number that is missing is left out."""
    found: dict[tuple[Key, str], list[Estimate]] = {}
    for row in measures.sort_values("week", kind="stable").itertuples():
        value, low, high = (_float(row.value), _float(row.low), _float(row.high))
        if math.isfinite(value):
            estimate = Estimate(date.fromisoformat(str(row.week)), value, low, high, _whole(row.n), text(row.method))
            found.setdefault((_key(row), str(row.measure)), []).append(estimate)
    return found


def _key(row: Any) -> Key:
    return Key(str(row.source), str(row.chart), str(row.country))


def _float(value: Any) -> float:
    return math.nan if value is None or value is pd.NA else float(value)


def _whole(value: Any) -> int:
    number = _float(value)
    return int(number) if math.isfinite(number) else 0


def _keys(table: pd.DataFrame) -> set[Key]:
    columns = table[["source", "chart", "country"]].drop_duplicates()
    return {Key(*row) for row in columns.itertuples(index=False)}


def _all_weeks(season: Season) -> list[date]:
    found = {week for table in (season.entries, season.measures, season.gaps) for week in table["week"].dropna()}
    return [date.fromisoformat(week) for week in sorted(found)]


def _names(keys: Iterable[Key]) -> dict[Key, str]:
    """Name each chart as briefly as tells them apart."""
    keys = list(keys)
    short = {key: say("chart_name", key) for key in keys}
    times = Counter(short.values())
    return {key: name if times[name] == 1 else say("full_chart_name", key) for key, name in short.items()}


# -- what a page shows -------------------------------------------------------------------------------------------------


def _finding(weekly: _Weekly, measure: str, best: Callable[..., Key]) -> dict[str, Any]:
    """Say one thing about the week: the chart that stands out, with its interval, n and what it was before."""
    found = {key: now for key in weekly.keys if (now := weekly.estimate(key, measure))}
    if not found:
        return {
            "measure": measure,
            "number": "",
            "label": say("finding_label", measure),
            "sentence": say("nothing_found", measure, weekly.now["recording_id"].nunique()),
            "note": "",
        }
    key = best(found, key=lambda one: found[one].value)
    now = found[key]
    others = [weekly.names[other] for other, estimate in found.items() if other != key and not apart(now, estimate)]
    sentence = say(
        "finding",
        measure,
        weekly.names[key],
        now,
        len(weekly.chart(key, weekly.week)),
        compare(measure, weekly.estimates(key, measure), weekly.week),
    )
    return {
        "measure": measure,
        "number": value_of(measure, now.value),
        "label": say("finding_label", measure, weekly.names[key]),
        "sentence": sentence,
        "note": say("rank", measure, len(found), others) if len(weekly.keys) > 1 else "",
    }


def _chart(weekly: _Weekly, key: Key, name: str, stamp: str) -> dict[str, Any]:
    """Gather one chart's section."""
    places = _places(weekly, key)
    marks = [(place.position, place.verdict) for place in places]
    tally = Counter(place.verdict for place in places)
    return {
        "id": name,
        "name": weekly.names[key],
        "full_name": say("full_chart_name", key),
        "source_name": say("provider", key.source),
        "style": weekly.styles[key] % len(figures.SERIES) + 1,
        "places": places,
        "strip": _drawn(figures.strip(marks, name=f"{name}-strip", title=say("strip_title", tally))) if marks else "",
        "tally": tally,
        "gaps": [text(row.reason) for row in weekly.gaps.itertuples() if (row.source, row.chart, row.country) == key],
        "numbers": [_number(weekly, key, measure) for measure in MEASURES],
        "changes": _changes(weekly, key, places),
        "figures": [
            drawn
            for measure in ("ai_share", "diversity.order2")
            if (drawn := _figure(weekly, key, measure, f"{name}-{measure.replace('.', '-')}", stamp))
        ],
    }


def _number(weekly: _Weekly, key: Key, measure: str) -> dict[str, Any]:
    """One row of a chart's table of numbers."""
    now = weekly.estimate(key, measure)
    return {
        "measure": measure,
        "now": now,
        "comparison": compare(measure, weekly.estimates(key, measure), weekly.week) if now else None,
    }


def _figure(weekly: _Weekly, key: Key, measure: str, name: str, stamp: str) -> dict[str, Any] | None:
    """One line over time; None when this was never measured."""
    estimates = [e for e in weekly.estimates(key, measure) if e.week >= weekly.week - LONGEST_FIGURE]
    if not estimates:
        return None
    now = weekly.estimate(key, measure)
    comparison = compare(measure, estimates, weekly.week) if now else None
    title = say("figure_title", measure, weekly.names[key], estimates, now, comparison)
    span = {
        first.week + step * ONE_WEEK
        for first in estimates[:1]
        for step in range((weekly.week - first.week).days // 7 + 1)
    }
    svg = figures.over_time(
        [figures.Series(weekly.names[key], _points(estimates, weekly.week), weekly.styles[key])],
        name=name,
        title=title,
        unit=say("unit", measure),
        weeks_title=say("weeks_axis"),
        day=short_day,
        number=_writer(measure),
        tick=percent_tick if measure in SHARES else plain_tick,
        stamp=stamp,
    )
    return {
        "title": title,
        "svg": _drawn(svg),
        "measure": measure,
        "estimates": estimates[::-1],
        "missing": sorted(span - {estimate.week for estimate in estimates}),
        "broken": len({estimate.method for estimate in estimates}) > 1,
    }


def _points(estimates: Iterable[Estimate], until: date) -> list[figures.Point]:
    return [
        figures.Point(e.week, e.value, e.low, e.high, e.method)
        for e in estimates
        if until - LONGEST_FIGURE <= e.week <= until
    ]


def _compared_figure(weekly: _Weekly, stamp: str) -> dict[str, Any] | None:
    """All charts' AI shares beside each other; None when none was measured."""
    rows = []
    for key in weekly.keys:
        now = weekly.estimate(key, "ai_share")
        earlier = [e for e in weekly.estimates(key, "ai_share") if e.week == weekly.week - ONE_WEEK]
        if now and earlier and earlier[-1].method != now.method:
            earlier = []
        points = _points([now], weekly.week) if now else []
        before = _points(earlier, weekly.week)
        rows.append(
            figures.Row(
                weekly.names[key],
                points[0] if points else None,
                before[-1] if before else None,
                weekly.styles[key],
            )
        )
    if not any(row.now for row in rows):
        return None
    found = sorted((e for key in weekly.keys if (e := weekly.estimate(key, "ai_share"))), key=lambda e: e.value)
    title = say("compared_title", rows, apart(found[-1], found[0]))
    svg = figures.side_by_side(
        rows,
        name="compared",
        title=title,
        unit=say("unit", "ai_share"),
        legend=(say("this_week"), say("the_week_before")),
        nothing=say("not_measured"),
        number=percent,
        tick=percent_tick,
        stamp=stamp,
    )
    return {"title": title, "svg": _drawn(svg)}


def _drawn(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - made by figures, whose XML writer escapes all text


def _places(weekly: _Weekly, key: Key) -> list[Place]:
    """Return a chart's rows in order of place."""
    chart = weekly.chart(key, weekly.week).sort_values("position")
    last_week = weekly.week - ONE_WEEK
    before = weekly.chart(key, last_week)
    was = before.groupby("recording_id")["position"].min().to_dict()
    whole = len(before) > 0 and (key, last_week.isoformat()) not in weekly.gapped
    earlier = {
        recording_id
        for (other, week), group in weekly.charts.items()
        if other == key and week < last_week.isoformat()
        for recording_id in group["recording_id"]
    }
    places = []
    for row in chart.to_dict("records"):
        recording_id, position = str(row["recording_id"]), int(row["position"])
        steps = int(was[recording_id]) - position if recording_id in was else 0
        if recording_id in was:
            change = "up" if steps > 0 else "down" if steps < 0 else "same"
        elif not whole:
            change = "unknown"
        else:
            change = "again" if recording_id in earlier else "new"
        known = weekly.verdict(recording_id)
        places.append(
            Place(
                position=position,
                recording_id=recording_id,
                artist=text(row["artist"]),
                title=text(row["title"]),
                change=change,
                steps=abs(steps),
                verdict=text(known["verdict"]),
                probability=_float(known.get("probability")),
                reason=text(known.get("reason")),
                link=safe_link(row.get("link")),
                preview_link=safe_link(known.get("preview_link")),
                provider=text(known.get("preview_provider")),
            )
        )
    return places


def _changes(weekly: _Weekly, key: Key, places: list[Place]) -> Changes:
    last_week = weekly.week - ONE_WEEK
    before = weekly.chart(key, last_week).sort_values("position")
    gapped = {week for week in (weekly.week, last_week) if (key, week.isoformat()) in weekly.gapped}
    if before.empty or not places:
        return Changes(known=False, partial=bool(gapped))
    entered = [place for place in places if place.change in ("new", "again")]
    here = {place.recording_id for place in places}
    gone = before[~before["recording_id"].isin(here)].drop_duplicates("recording_id")
    # an incomplete chart this week does not show who left
    left = [] if weekly.week in gapped else gone[["position", "artist", "title"]].to_dict("records")
    return Changes(
        known=True,
        partial=bool(gapped),
        entered=entered,
        again=sum(place.change == "again" for place in entered),
        left=[(int(row["position"]), text(row["artist"]), text(row["title"])) for row in left],
        climbed=_most_moved(places, "up"),
        fell=_most_moved(places, "down"),
        newly_ai=[place for place in entered if place.verdict == "ai"],
    )


def _most_moved(places: list[Place], change: str) -> list[Place]:
    moved = [place for place in places if place.change == change]
    return sorted(moved, key=lambda place: (-place.steps, place.position))[:MOST_MOVES]


def _unmeasured(weekly: _Weekly) -> list[tuple[str, list[tuple[str, str]]]]:
    """Group the week's recordings without a verdict by reason, the most frequent first."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in weekly.now.drop_duplicates("recording_id").to_dict("records"):
        known = weekly.verdict(str(row["recording_id"]))
        if known["verdict"] == "unmeasured":
            reason = text(known.get("reason")) or say("no_reason")
            groups.setdefault(reason, []).append((text(row["artist"]), text(row["title"])))
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def _methods(weekly: _Weekly) -> list[tuple[str, list[str]]]:
    """Return how each of the week's measures was made, as its `method` says."""
    found: dict[str, set[str]] = {}
    for row in weekly.measures.itertuples():
        found.setdefault(str(row.measure), set()).add(text(row.method))
    order = [*(m for m in MEASURES if m in found), *sorted(set(found) - set(MEASURES))]
    return [(measure, sorted(found[measure])) for measure in order]


def _detector(card: dict[str, Any]) -> dict[str, Any]:
    """Return a detector's cross-validated figures from its model card; those that it lacks are None."""
    tested = card.get("cross_validation") or {}
    names = ("auc", "auc_low", "auc_high", "recall", "false_positive_rate", "recalled", "mistaken", "weakest")
    found: dict[str, Any] = {name: card.get(name) for name in names} | {"limits": card.get("limits") or []}
    if "auc" in tested:
        found["auc"] = tested["auc"]["value"]
        found["auc_low"], found["auc_high"] = tested["auc"]["interval"]
    if "sensitivity" in tested:
        hits, trials = tested["sensitivity"]
        found |= {"recall": hits / trials, "recalled": (hits, trials, *tested.get("sensitivity_interval", ()))}
    if "specificity" in tested:
        right, trials = tested["specificity"]
        bounds = tuple(1 - bound for bound in reversed(tested.get("specificity_interval", ())))
        found |= {"false_positive_rate": 1 - right / trials, "mistaken": (trials - right, trials, *bounds)}
    generators = {name: one["called_ai"] for name, one in (tested.get("generators") or {}).items()}
    if generators:
        worst = min(generators, key=lambda name: (generators[name][0] / generators[name][1], name))
        found["weakest"] = (worst, *generators[worst])
    return found


def _files(weekly: _Weekly) -> list[tuple[str, int]]:
    return [(name, len(table)) for name, table in weekly.tables().items()]


# -- files -------------------------------------------------------------------------------------------------------------


def csv(table: pd.DataFrame, columns: Sequence[str], *, synthetic: bool = False) -> str:
    """Write a table as CSV that is safe to open in a spreadsheet.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns that it lacks stay empty, others are left out.
    columns : sequence of str
        In this order.
    synthetic : bool
        Add a column that says so in every row.

    Returns
    -------
    str
        Text cells that a spreadsheet might run begin with an apostrophe; numbers stay numbers.
    """
    out = table.reindex(columns=list(columns))
    for column in columns:
        if column not in NUMBERS:
            out[column] = [_harmless(cell) for cell in out[column]]
    if synthetic:
        out["synthetic"] = say("synthetic_mark")
    return out.to_csv(index=False, lineterminator="\n")


def _harmless(cell: object) -> str:
    written = text(cell).replace("\r\n", "\n").replace("\r", "\n")  # a lone \r is not quoted, and breaks the row
    return f"'{written}" if written.startswith(FORMULA_STARTS) else written


def write(target: Path, content: str) -> Path:
    """Write a file whole or not at all.

    Raises
    ------
    DiskFull, WorkspaceReadOnly
        When it cannot be written; a file that was there stays as it was.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(content, encoding="utf-8", newline="\n")
        os.replace(part, target)  # noqa: PTH105 - atomic
    except OSError as error:
        if part.parent.is_dir() and os.access(part.parent, os.W_OK):
            part.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"{target}: the disk is full; make room and run again.") from error
        raise WorkspaceReadOnly(f"{target} cannot be written ({error.strerror}).") from error
    return target


# -- templates ---------------------------------------------------------------------------------------------------------


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(probability=probability)
    environment.globals.update(value_of=value_of, difference_of=difference_of, say=say)
    return environment


@cache
def _words() -> Any:
    return _environment().get_template("words.txt").module


def say(phrase: str, /, *about: Any) -> str:
    """Return a phrase of ``words.txt`` as plain text, to be escaped where it is put into HTML.

    Parameters
    ----------
    phrase : str
        Name of a macro there.
    *about
        What it is said about.
    """
    return re.sub(r"[ \n]+", " ", str(getattr(_words(), phrase)(*about))).strip()  # leaves no-break spaces alone


def _render(template: str, **context: Any) -> str:
    environment = _environment()
    # the page's own script is named by its hash: no other script runs, even if one slipped through the escaping
    script = environment.get_template("page.js").render().strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    context |= {"script": Markup(script), "script_hash": digest}  # noqa: S704 - a file of this package
    return environment.get_template(template).render(context).strip() + "\n"
