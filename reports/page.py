"""The weekly page and the index of all weeks: tables in, self-contained HTML and CSV files out.

No request leaves a page: style, script and figures are inside it, and its content security policy forbids the rest.
This module decides what a page shows; :mod:`.season` holds the data, :mod:`.compare` tells a difference from noise, and
:mod:`.words`, ``templates/words.txt`` and the HTML templates say it.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
from markupsafe import Markup

from ..charts.periods import first_day
from ..workspace.files import whole_file
from . import figures
from .compare import MEASURES, ONE_WEEK, SHARES, Estimate, apart, compare
from .season import Key, Season, Weekly, all_weeks, float_of, history_of, in_order, key_of, keys_of, names_of
from .words import decimal, environment, percent, percent_tick, plain_tick, say, short_day, text, value_of, writer_of

TABLES = {
    name: tuple(columns.split())
    for name, columns in {
        "entries": "source chart country week position recording_id isrc artist title link released genres language label",
        "verdicts": "recording_id isrc artist title probability verdict reason preview_provider preview_id preview_link "
        "model_version measured_at",
        "measures": "source chart country week measure value low high n method",
        "gaps": "week source chart country reason",
        "composite": "week country position recording_id artist title score platform chart_positions points share "
        "position_without",
    }.items()
}
"""The CSV files beside a page, and their columns in order."""

NUMBERS = frozenset(
    {"position", "probability", "value", "low", "high", "n", "score", "points", "share", "position_without"}
)
"""Columns that hold numbers: a minus in front is a sign there, not the start of a formula."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet may run a cell that begins with one of these."""

FINDINGS = (("ai_share", max), ("ai_share.top10", max), ("cultural_entropy", min))
"""What the three sentences at the top are about, and which chart each speaks of."""

LONGEST_FIGURE = timedelta(weeks=104)
MOST_MOVES = 3


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
    weekly = Weekly(season, week)
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
        gaps=[(key_of(row), text(row.reason)) for row in weekly.gaps.itertuples()],
        unmeasured=_unmeasured(weekly),
        recordings=weekly.now["recording_id"].nunique(),
        methods=_methods(weekly),
        detector=_detector(season.about.get("detector") or {}),
        files=_files(weekly),
    )
    target = folder / week.isoformat()
    for name, table in weekly.tables().items():
        _write(target / f"{name}.csv", csv(table, TABLES[name], synthetic=season.synthetic))
    return _write(target / "index.html", html)


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
    weeks = all_weeks(season)
    history = history_of(season.measures)
    keys = in_order({key for key, _ in history} | keys_of(season.entries) | keys_of(season.gaps))
    gaps = Counter(season.gaps["week"])
    sizes = season.entries.groupby(["source", "chart", "country", "week"])["position"].count().to_dict()
    names = names_of(keys)
    rows = []
    for week in reversed(weeks):
        iso = week.isoformat()
        cells = []
        for key in keys:
            cell = {
                measure: next((e for e in history.get((key, measure), ()) if e.week == week), None)
                for measure in ("ai_share", "cultural_entropy")
            }
            cells.append((names[key], int(sizes.get((*key, iso), 0)), cell))
        rows.append((week, first_day(week), cells, gaps[iso]))
    stamp = say("synthetic_mark") if season.synthetic else ""
    drawn = []
    for measure, writer, tick in (("ai_share", percent, percent_tick), ("cultural_entropy", decimal, plain_tick)):
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
    return _write(folder / "index.html", html)


# -- what a page shows -------------------------------------------------------------------------------------------------


def safe_link(link: object) -> str:
    """Return a link that may stand on a page: ``http`` or ``https`` with a host; else nothing."""
    written = text(link).strip()
    try:
        parts = urlsplit(written)
        host = parts.hostname
    except ValueError:
        return ""
    return written if parts.scheme in ("http", "https") and host else ""


def _finding(weekly: Weekly, measure: str, best: Callable[..., Key]) -> dict[str, Any]:
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


def _chart(weekly: Weekly, key: Key, name: str, stamp: str) -> dict[str, Any]:
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
            for measure in ("ai_share", "cultural_entropy")
            if (drawn := _figure(weekly, key, measure, f"{name}-{measure.replace('.', '-')}", stamp))
        ],
    }


def _number(weekly: Weekly, key: Key, measure: str) -> dict[str, Any]:
    """One row of a chart's table of numbers."""
    now = weekly.estimate(key, measure)
    return {
        "measure": measure,
        "now": now,
        "comparison": compare(measure, weekly.estimates(key, measure), weekly.week) if now else None,
    }


def _figure(weekly: Weekly, key: Key, measure: str, name: str, stamp: str) -> dict[str, Any] | None:
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
        number=writer_of(measure),
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


def _compared_figure(weekly: Weekly, stamp: str) -> dict[str, Any] | None:
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


def _places(weekly: Weekly, key: Key) -> list[Place]:
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
                probability=float_of(known.get("probability")),
                reason=text(known.get("reason")),
                link=safe_link(row.get("link")),
                preview_link=safe_link(known.get("preview_link")),
                provider=text(known.get("preview_provider")),
            )
        )
    return places


def _changes(weekly: Weekly, key: Key, places: list[Place]) -> Changes:
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


def _unmeasured(weekly: Weekly) -> list[tuple[str, list[tuple[str, str]]]]:
    """Group the week's recordings without a verdict by reason, the most frequent first."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in weekly.now.drop_duplicates("recording_id").to_dict("records"):
        known = weekly.verdict(str(row["recording_id"]))
        if known["verdict"] == "unmeasured":
            reason = text(known.get("reason")) or say("no_reason")
            groups.setdefault(reason, []).append((text(row["artist"]), text(row["title"])))
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def _methods(weekly: Weekly) -> list[tuple[str, list[str]]]:
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


def _files(weekly: Weekly) -> list[tuple[str, int]]:
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


def _write(target: Path, content: str) -> Path:
    with whole_file(target) as part:
        part.write_text(content, encoding="utf-8", newline="\n")
    return target


# -- templates ---------------------------------------------------------------------------------------------------------


def _render(template: str, **context: Any) -> str:
    templates = environment()
    # the page's own script is named by its hash: no other script runs, even if one slipped through the escaping
    script = templates.get_template("page.js").render().strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    context |= {"script": Markup(script), "script_hash": digest}  # noqa: S704 - a file of this package
    return templates.get_template(template).render(context).strip() + "\n"
