"""The composite rating: one top 100 of all platforms, each place taken apart into what every platform gave to it.

Method: a weighted Borda count on top lists. A platform gives the recording at position r of it ``(d + 1 - r) / d`` points,
where d is the depth that counts, and nothing to a recording it does not list; the score is the mean of the points over
the platforms that were there, weighted. Being a sum, it can be explained place by place; a platform that is missing drops
out of the mean instead of pulling anything down.

Sources: J.-C. de Borda (1781), Mémoire sur les élections au scrutin; Dwork, Kumar, Naor & Sivakumar (2001), Rank
aggregation methods for the Web, WWW 10 (Borda's method on partial lists); S. Lin (2010), Rank aggregation methods, WIREs
Computational Statistics 2 (top-k lists).
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from rapidfuzz import process
from sqlalchemy import Connection, delete, select

from ..workspace import tables as t
from ..workspace.store import digest, upsert
from ..workspace.workspace import Workspace
from .collect import Chart, Outcome, Sheet, at, entry_of, sources_of, store_gap, store_page, wanted_charts
from .identity import COMPOSITE
from .periods import Period
from .rows import Page, Row

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

SOURCE, CHART = COMPOSITE, "composite"
"""The names that the composite is stored under."""

METHOD = "weighted Borda count on top lists, version 1"


@dataclass(frozen=True)
class Part:
    """What one platform gave to one place.

    Attributes
    ----------
    positions : dict of str to int
        Where it stood, by chart of the platform.
    points : float
        In [0, 1].
    share : float
        Its part of the score: points times weight, over all weights. The shares of a place add up to its score.
    without : int or None
        The place it would have without this platform; None: none in the composite.
    """

    positions: Mapping[str, int]
    points: float
    share: float
    without: int | None = None


@dataclass(frozen=True)
class Place:
    """One place of a composite, and how it got there."""

    position: int
    recording_id: str
    score: float
    parts: Mapping[str, Part]


def aggregate(
    lists: Mapping[str, Mapping[str, Mapping[str, int]]], weights: Mapping[str, float] | None = None, depth: int = 100
) -> list[Place]:
    """Rank recordings over platforms.

    Parameters
    ----------
    lists : mapping
        Platform to chart to recording to position (1 is best). Charts of one platform share its weight equally.
    weights : mapping, optional
        Platform to weight, at least 0; 1 where nothing is said.
    depth : int
        Positions that count, and places of the composite.

    Returns
    -------
    list of Place
        At most `depth`, by score; ties go to the better best position, then to the smaller id. What each place would be
        without each platform is in its parts, also of platforms that do not list it (their points are 0).

    Raises
    ------
    ValueError
        When a weight is negative, or no platform has any.
    """
    weights = {platform: float((weights or {}).get(platform, 1)) for platform in lists}
    if any(weight < 0 for weight in weights.values()):
        raise ValueError(f"weights must not be negative: {weights}")
    counted = {platform: charts for platform, charts in lists.items() if weights[platform] > 0 and charts}
    if not counted:
        raise ValueError(f"no platform counts: weights {weights}")
    points = {platform: _points(charts.values(), depth) for platform, charts in counted.items()}
    best = {platform: _best(charts.values()) for platform, charts in counted.items()}
    # first to the largest: the sum of very large weights is no number
    largest = max(weights[platform] for platform in counted)
    weights = {platform: weights[platform] / largest for platform in counted}
    order = _order(points, weights, best, depth)
    without = {
        platform: {
            recording: place
            for place, recording in enumerate(
                _order({other: given for other, given in points.items() if other != platform}, weights, best, depth), 1
            )
        }
        for platform in counted
    }
    total = sum(weights.values())
    places = []
    for position, recording in enumerate(order, 1):
        parts = {
            platform: Part(
                {name: chart[recording] for name, chart in charts.items() if recording in chart},
                points[platform].get(recording, 0.0),
                points[platform].get(recording, 0.0) * weights[platform] / total,
                without[platform].get(recording),
            )
            for platform, charts in counted.items()
        }
        places.append(Place(position, recording, sum(part.share for part in parts.values()), parts))
    return places


def _points(charts: Iterable[Mapping[str, int]], depth: int) -> dict[str, float]:
    charts = list(charts)
    given: dict[str, float] = {}
    for chart in charts:
        for recording, position in chart.items():
            if position <= depth:
                given[recording] = given.get(recording, 0.0) + (depth + 1 - position) / depth / len(charts)
    return given


def _best(charts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    best: dict[str, int] = {}
    for chart in charts:
        for recording, position in chart.items():
            best[recording] = min(position, best.get(recording, position))
    return best


def _order(
    points: Mapping[str, Mapping[str, float]],
    weights: Mapping[str, float],
    best: Mapping[str, Mapping[str, int]],
    depth: int,
) -> list[str]:
    scores: dict[str, float] = {}
    total = sum(weights[platform] for platform in points) or 1.0  # a weight may be too small to be seen beside another
    for platform, given in points.items():
        for recording, value in given.items():
            scores[recording] = scores.get(recording, 0.0) + value * weights[platform] / total
    tops = _best(best[platform] for platform in points)  # of a platform left out not even its best position counts
    # rounded: the order in which platforms are added up must not break ties
    return sorted(scores, key=lambda recording: (-round(scores[recording], 9), tops[recording], recording))[:depth]


def agreement(lists: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Say how alike rankings are, two by two.

    Parameters
    ----------
    lists : mapping
        Name of a ranking to recording to position.

    Returns
    -------
    pandas.DataFrame
        ``one, other, tau, n, listed``: Kendall's tau-b (Kendall 1945, Biometrika 33) on the `n` recordings that both
        list, NaN for fewer than two; `listed` is the share of the shorter list that the other lists, too.
    """
    import pandas as pd
    from scipy.stats import kendalltau

    rows = []
    names = list(lists)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            both = sorted(lists[one].keys() & lists[other].keys())
            tau = float("nan")
            if len(both) > 1:
                tau = float(kendalltau([lists[one][r] for r in both], [lists[other][r] for r in both]).statistic)
            shorter = min(len(lists[one]), len(lists[other]))
            rows.append((one, other, tau, len(both), len(both) / shorter if shorter else float("nan")))
    return pd.DataFrame(rows, columns=["one", "other", "tau", "n", "listed"])


# -- in the database ---------------------------------------------------------------------------------------------------


def compose(workspace: Workspace, weeks: Iterable[date] | None = None) -> list[Outcome]:
    """Make, or make anew, the composite of every week whose charts or recordings changed.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    weeks : iterable of date, optional
        Last days of chart weeks; all otherwise.

    Returns
    -------
    list of Outcome
        One per week that was made. A week needs two platforms; one that is wanted and missing is named in the gap.
    """
    _point_out_unknown(workspace)
    settings = workspace.settings.composite
    chart = Chart(SOURCE, CHART, settings.country)
    chosen = None if weeks is None else {week.isoformat() for week in weeks}
    outcomes = []
    with workspace.store.transaction() as connection:
        found, spelled = _read_lists(workspace, connection, chosen)
        known = _inputs_of(connection, chart)
        # a week may have lost all that its composite was made of
        for week in sorted(found.keys() | (known.keys() if chosen is None else known.keys() & chosen)):
            lists, shown = found.get(week, {}), spelled.get(week, {})
            gap = _missing(workspace, connection, week, lists)
            inputs = digest(METHOD, json.dumps([lists, shown, settings.model_dump(), gap], sort_keys=True))[:16]
            if known.get(week) == inputs:
                continue
            period = Period.week(date.fromisoformat(week))
            _forget(connection, chart, period)
            places = aggregate(lists, settings.weights, settings.depth) if len(lists) > 1 else []
            if places:
                outcomes.append(_store(workspace, connection, chart, period, places, shown, inputs, gap))
    return outcomes


def platforms_of(workspace: Workspace) -> list[str]:
    """Return the platforms that charts of the known sources tell of: what weights may be given to."""
    known = sources_of(workspace).values()
    return sorted({platform for source in known for platform in (source.name, *source.charts.values())})


def _point_out_unknown(workspace: Workspace) -> None:
    known = platforms_of(workspace)
    for name in workspace.settings.composite.weights.keys() - {*known}:
        near = process.extractOne(name, known, score_cutoff=60)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        log.warning("composite.weights.%s: no source tells of that platform%s", name, hint)


def explained(connection: Connection, country: str, week: date) -> list[Place]:
    """Return the composite of a week as it was made, with how each place got there; empty where there is none."""
    body = connection.scalar(
        select(t.page.c.body).where(
            t.page.c.source == SOURCE, t.page.c.country == country, t.page.c.period_end == week.isoformat()
        )
    )
    if body is None:
        return []
    return [
        Place(
            place["position"],
            place["recording_id"],
            place["score"],
            {platform: Part(**part) for platform, part in place["parts"].items()},
        )
        for place in json.loads(zlib.decompress(body))["places"]
    ]


def lists_of(workspace: Workspace, connection: Connection, week: date) -> dict[str, dict[str, dict[str, int]]]:
    """Return a week's charts as :func:`aggregate` takes them: platform to chart to recording to position."""
    return _read_lists(workspace, connection, {week.isoformat()})[0].get(week.isoformat(), {})


def _read_lists(
    workspace: Workspace, connection: Connection, weeks: Set[str] | None
) -> tuple[dict[str, dict[str, dict[str, dict[str, int]]]], dict[str, dict[str, tuple]]]:
    """Return the charts by week, and by week and recording the spelling that stands for it: that of its best position."""
    entry, settings = t.entry.c, workspace.settings.composite
    known = sources_of(workspace)
    columns = (entry.week, entry.source, entry.chart, entry.recording_id, entry.position)
    query = (
        select(*columns, entry.name_id, entry.artist, entry.title)
        .where(entry.period == "weekly", entry.country == settings.country, entry.source != SOURCE)
        .order_by(entry.week, entry.source, entry.chart, entry.position)
    )
    if weeks is not None:
        query = query.where(entry.week.in_(sorted(weeks)))
    found: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    spelled: dict[str, dict[str, tuple]] = {}
    for week, source, chart, recording, position, *spelling in connection.execute(query):
        platform = known[source].platform(chart) if source in known else source
        if settings.weights.get(platform, 1) > 0:
            chart_of = found.setdefault(week, {}).setdefault(platform, {}).setdefault(f"{source}-{chart}", {})
            chart_of.setdefault(recording, position)  # of one that stands twice, the better place
            shown = spelled.setdefault(week, {})
            if recording not in shown or position < shown[recording][0]:
                shown[recording] = (position, *spelling)
    return found, spelled


def _inputs_of(connection: Connection, chart: Chart) -> dict[str, str]:
    page = t.page.c
    query = select(page.period_end, page.origin).where(page.source == SOURCE, page.country == chart.country)
    return {row.period_end: row.origin.rpartition(" ")[2] for row in connection.execute(query)}


def _missing(workspace: Workspace, connection: Connection, week: str, lists: Mapping) -> str:
    """Return which charts that were wanted are missing or incomplete in a week, and why."""
    settings, known = workspace.settings.composite, sources_of(workspace)
    there = {name for charts in lists.values() for name in charts}
    gap = t.gap.c
    query = select(gap.source, gap.chart, gap.reason).where(
        gap.week == week, gap.period == "weekly", gap.country == settings.country, gap.source != SOURCE
    )
    said: dict[str, str] = {}
    platforms: dict[str, str] = {}
    for source, chart, reason in connection.execute(query):
        name = f"{source}-{chart}"
        said[name] = reason
        platforms[name] = known[source].platform(chart) if source in known else source
    for chart in wanted_charts(workspace):
        if chart.country == settings.country:
            platforms[f"{chart.source}-{chart.chart}"] = known[chart.source].platform(chart.chart)
    lines = []
    for name, platform in sorted(platforms.items()):
        if settings.weights.get(platform, 1) <= 0:
            continue
        if name not in there:
            lines.append(f"without {name}: {said.get(name, 'not collected')}")
        elif name in said:
            lines.append(f"{name} is incomplete: {said[name]}")
    return "; ".join(lines)


def _store(
    workspace: Workspace,
    connection: Connection,
    chart: Chart,
    period: Period,
    places: list[Place],
    shown: Mapping[str, tuple],
    inputs: str,
    gap: str,
) -> Outcome:
    settings = workspace.settings.composite
    body = {
        "method": METHOD,
        "depth": settings.depth,
        "weights": {platform: settings.weights.get(platform, 1) for platform in places[0].parts},
        "places": [
            {
                "position": place.position,
                "recording_id": place.recording_id,
                "score": round(place.score, 9),
                "parts": {
                    platform: {
                        "positions": dict(part.positions),
                        "points": round(part.points, 9),
                        "share": round(part.share, 9),
                        "without": part.without,
                    }
                    for platform, part in place.parts.items()
                },
            }
            for place in places
        ],
    }
    raw = json.dumps(body, sort_keys=True).encode()
    page_id = store_page(
        workspace, connection, chart, period, raw, f"made of the week's charts, inputs {inputs}", "application/json"
    )
    sheet = Sheet(chart, period, Page(()), (page_id,))
    rows = []
    for place in places:
        _, name_id, artist, title = shown[place.recording_id]
        row = Row(place.position, (artist,), title)
        rows.append(entry_of(sheet, 0, row, name_id, place.recording_id, period.end.isoformat()))
    changed = upsert(connection, t.entry, rows)
    store_gap(connection, chart, period, gap, passing=False)
    return Outcome(chart, period, len(rows), changed, gap)


def _forget(connection: Connection, chart: Chart, period: Period) -> None:
    connection.execute(delete(t.entry).where(at(t.entry.c, chart, period)))
    store_gap(connection, chart, period, "", passing=False)
    page = t.page.c
    connection.execute(
        delete(t.page).where(
            page.source == SOURCE, page.country == chart.country, page.period_end == period.end.isoformat()
        )
    )
