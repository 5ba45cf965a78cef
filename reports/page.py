"""The weekly page and the index of all weeks: tables in, self-contained HTML and CSV files out.

No request leaves a page: style, script and figures are inside it, and its content security policy forbids the rest.
This module decides what a page shows; :mod:`.season` holds the data, :mod:`.compare` tells a difference from noise, and
:mod:`.words`, ``templates/words.txt`` and the HTML templates say it.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pandas as pd
from markupsafe import Markup

from ..analysis.measures import reference_entropy
from ..charts.composite import SOURCE as COMPOSITE
from ..charts.periods import first_day
from ..workspace.files import remove_file, remove_files, whole_file, write_text
from . import figures
from .compare import MEASURES, ONE_WEEK, Estimate, apart, compare
from .drawing import (
    FIGURES,
    TABLES,
    Beside,
    LaidOut,
    compared_figure,
    csv,
    figure_of,
    lines_figure,
    map_figure,
    markup,
    parts_figure,
    points_of,
    strip_figure,
    trends_said,
)
from .homogenization import kinds_of, kinds_table
from .season import Key, Season, Weekly, all_weeks, float_of, history_of, in_order, key_of, keys_of, names_of
from .words import LANGUAGES, Words, text, words_in

if TYPE_CHECKING:
    pass

FINDINGS = (("ai_share", max), ("ai_share.top10", max), ("cultural_entropy", min))
"""What the three sentences at the top are about, and which chart each speaks of where there is no composite."""

SUMMARIZED = ("ai_share", "cultural_entropy")

TRENDS = ("ai_share", "ai_share.top10", "cultural_entropy")
"""What a figure over time and a trend are given of, for each chart."""

PAST_WEEKS = 52
MOST_PAST = 1000
"""Recordings behind the map at most, the latest: a map's cost grows with their square."""
FEWEST_ON_MAP = 12
"""Recordings without which a map cannot say how true it is."""
MOST_MOVES = 3


Versions = list[tuple[Words, str]]
"""The languages of a page, and the file of each."""


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


class Told(NamedTuple):
    """What a week's page tells in every language alike."""

    laid_out: LaidOut | None
    sameness: dict[Key, dict[str, Sameness]]
    changes: Mapping[str, Any] | None


class Sameness:
    """How far a recording sounds like the year before on its chart; `percentile` (0 to 100) of the usual distance."""

    def __init__(self, row: Mapping[Any, Any], named: pd.DataFrame):
        self.novelty, self.percentile = float_of(row["novelty"]), float_of(row["percentile"])
        self.nearest = text(row["nearest"])
        self.artist, self.title = map(text, named.loc[self.nearest]) if self.nearest else ("", "")


def write_week(
    folder: Path,
    season: Season,
    week: date,
    *,
    made_at: datetime,
    languages: Sequence[str] = ("en",),
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Write the page of a week, and beside it the CSV files and each figure as SVG, PNG and CSV.

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
    languages : sequence of str
        The page in the first is ``index.html``; in each other, ``index.<language>.html``. One that lies there in a
        language that is not asked for is removed: it would not be brought up to date.
    changes : mapping, optional
        What changed since the last issue, as the ``report.json`` beside the page tells it; without it the page names no
        such file.

    Returns
    -------
    Path
        The page in the first language.

    Raises
    ------
    SettingsError
        When pages cannot be written in one of `languages`.
    DiskFull, WorkspaceReadOnly
        When a file cannot be written; one that was there stays as it was.
    """
    versions = versions_in(languages)
    weekly = season.cut(week)
    target = folder / week.isoformat()
    for name, table in tables_of(weekly).items():
        write_text(target / f"{name}.csv", csv(table, TABLES[name], synthetic=season.synthetic))
    told = Told(_laid_out(weekly), _sameness(weekly), changes)
    pages, beside = {}, {}
    for words, file in versions:
        spoken = weekly.in_words(words)
        stamp = words.say("synthetic_mark") if season.synthetic else ""
        kept = Beside(stamp, words.say("credit", week), file.removeprefix("index").removesuffix(".html"))
        pages[file] = _week(spoken, made_at, versions, told, kept)
        beside |= kept.files
    write_beside(target / FIGURES, beside)
    return write_pages(target, pages)


def _week(weekly: Weekly, made_at: datetime, versions: Versions, told: Told, beside: Beside) -> str:
    """Return a week's page in the language that `weekly` is spoken of."""
    season, week = weekly.season, weekly.week
    earlier = [day for day in weekly.weeks if day < week]
    return render(
        "week.html",
        weekly.words,
        versions,
        season=season,
        made_at=made_at,
        week=week,
        first=first_day(week),
        earlier=earlier[-1] if earlier else None,
        summary=summary(weekly),
        findings=findings(weekly),
        compared=compared_figure(weekly, "ai_share", beside),
        shares=lines_figure(weekly, "ai_share", beside),
        varied=compared_figure(weekly, "cultural_entropy", beside),
        yardstick=reference_entropy(),
        entropies=lines_figure(weekly, "cultural_entropy", beside),
        kinds=kinds_of(weekly),
        chart_names_of=weekly.names,
        sound=map_figure(weekly, told.laid_out, beside) if told.laid_out else None,
        charts=[_chart(weekly, key, f"chart-{number}", told, beside) for number, key in enumerate(weekly.keys, 1)],
        changes=_spoken(told.changes, weekly),
        gaps=[(key_of(row), text(row.reason)) for row in weekly.gaps.itertuples()],
        unmeasured=unmeasured(weekly),
        recordings=weekly.now["recording_id"].nunique(),
        methods=_methods(weekly),
        detector=_detector(season.about.get("detector") or {}),
        files=_files(weekly),
    )


def write_index(
    folder: Path, season: Season, *, made_at: datetime, languages: Sequence[str] = ("en",), feed: bool = False
) -> Path:
    """Write the page that lists all weeks with their headline numbers.

    Parameters
    ----------
    folder : Path
        The page becomes ``<folder>/index.html``; it links to ``<week>/index.html``.
    season : Season
        Of all weeks.
    made_at : datetime
        Printed on the page.
    languages : sequence of str
        As for :func:`write_week`.
    feed : bool
        An Atom feed lies beside it: the page links to it.

    Returns
    -------
    Path
        The page in the first language.

    Raises
    ------
    SettingsError
        When pages cannot be written in one of `languages`.
    DiskFull, WorkspaceReadOnly
        When it cannot be written; one that was there stays as it was.
    """
    versions = versions_in(languages)
    return write_pages(folder, {file: _index(season, words, made_at, versions, feed) for words, file in versions})


def _index(season: Season, words: Words, made_at: datetime, versions: Versions, feed: bool) -> str:
    """Return the index in a language."""
    say = words.say
    weeks = all_weeks(season)
    history = history_of(season.measures)
    keys = in_order({key for key, _ in history} | keys_of(season.entries) | keys_of(season.gaps))
    gaps = Counter(season.gaps["week"])
    sizes = season.entries.groupby(["source", "chart", "country", "week"])["position"].count().to_dict()
    names = names_of(keys, words)
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
    for measure, writer, tick in (
        ("ai_share", words.percent, words.percent_tick),
        ("cultural_entropy", words.decimal, words.plain_tick),
    ):
        series = [
            figures.Series(names[key], points_of(history.get((key, measure), []), weeks[-1]), number)
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
                day=words.short_day,
                number=writer,
                tick=tick,
                stamp=stamp,
            )
            moved = {names[key]: season.cut(weeks[-1]).trend(key, measure) for key in keys}
            drawn.append((title, markup(svg), trends_said(words, moved)))
    return render(
        "index.html", words, versions, season=season, made_at=made_at, rows=rows, figures=drawn, week=None, feed=feed
    )


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


def findings(weekly: Weekly) -> list[dict[str, Any]]:
    """Return what stands at the top of a week's page.

    Returns
    -------
    list of dict
        ``measure, number, label, sentences, sentence, note``, as the page writes them; ``key, now, comparison, trend``: the chart and
        the estimate that they are about, and what it is compared with, None where nothing can be said.
    """
    return [_finding(weekly, measure, most) for measure, most in FINDINGS]


def summary(weekly: Weekly) -> list[str]:
    """Say of all charts in which the headline measures moved: since the week before, and over the season."""
    said = []
    for measure in SUMMARIZED:
        found: dict[str, list[str]] = {}
        for key in weekly.keys:
            if not weekly.estimate(key, measure) or not (trend := weekly.trend(key, measure)):
                continue
            comparison = compare(measure, weekly.estimates(key, measure), weekly.week)
            for kind in {comparison.kind if comparison.weeks == 1 else "", trend.kind}:
                found.setdefault(kind, []).append(weekly.names[key])
        if found:
            kinds = ("up", "down", "same", "rising", "falling", "unclear")
            said.append(weekly.words.say("summary", measure, *(found.get(kind, []) for kind in kinds)))
    return [sentence for sentence in said if sentence]


def pictures(weekly: Weekly) -> list[tuple[str, bytes]]:
    """Return the week's figures that stand beside the findings in a mail: titles and PNG files.

    Every chart's AI share beside the others', then AI share and diversity of the charts that the findings speak of.
    """
    beside = Beside(weekly.words.say("synthetic_mark") if weekly.season.synthetic else "")
    drawn = [compared_figure(weekly, "ai_share", beside) if len(weekly.keys) > 1 else None]
    drawn += [
        figure_of(weekly, found["key"], found["measure"], f"picture-{found['measure']}", beside)
        for found in findings(weekly)
        if found["key"] and found["measure"] in ("ai_share", "cultural_entropy")
    ]
    return [(figure["title"], beside.files[dict(figure["files"])["PNG"]]) for figure in drawn if figure]


def _finding(weekly: Weekly, measure: str, most: Callable[..., Key]) -> dict[str, Any]:
    """Say one thing about the week: of the composite where it was measured, else of the chart that stands out."""
    found = {key: now for key in weekly.keys if (now := weekly.estimate(key, measure))}
    say = weekly.words.say
    if not found:
        why = say("nothing_found", measure, weekly.now["recording_id"].nunique())
        return {
            "measure": measure,
            "number": "",
            "label": say("finding_label", measure),
            "sentences": [why],
            "sentence": why,
            "note": "",
            **dict.fromkeys(("key", "now", "comparison", "trend")),
        }
    outmost = most(found, key=lambda one: found[one].value)
    key = most([one for one in found if one.source == COMPOSITE] or [outmost], key=lambda one: found[one].value)
    now = found[key]
    comparison, trend = compare(measure, weekly.estimates(key, measure), weekly.week), weekly.trend(key, measure)
    top, top_before = None, None
    if measure == "ai_share.top10":
        top = weekly.top_ten(key, weekly.week)
        top_before = comparison.before and weekly.top_ten(key, comparison.before.week)
    said = [
        say("finding", measure, weekly.names[key], now, len(weekly.chart(key, weekly.week)), top),
        say("since_before", measure, comparison, top_before),
        say("course", measure, trend),
    ]
    sentences = [sentence for sentence in said if sentence]
    return {
        "measure": measure,
        "number": weekly.words.value_of(measure, now.value),
        "label": say("finding_label", measure, weekly.names[key]),
        "sentences": sentences,
        "sentence": " ".join(sentences),
        "note": _among_charts(weekly, measure, key, found, outmost) if len(weekly.keys) > 1 else "",
        "key": key,
        "now": now,
        "comparison": comparison,
        "trend": trend,
    }


def _among_charts(weekly: Weekly, measure: str, key: Key, found: dict[Key, Estimate], outmost: Key) -> str:
    """Say where a chart's number stands among those of all charts."""
    if key == outmost:
        now = found[key]
        close = [weekly.names[other] for other, one in found.items() if other != key and not apart(now, one)]
        return weekly.words.say("rank", measure, len(found), close)
    low, high = (choose(found, key=lambda one: found[one].value) for choose in (min, max))
    ends = [(weekly.names[one], found[one]) for one in (low, high)]
    return weekly.words.say("spread", measure, len(found), *ends, apart(found[low], found[high]))


def _chart(weekly: Weekly, key: Key, name: str, told: Told, beside: Beside) -> dict[str, Any]:
    """Gather one chart's section."""
    places = _places(weekly, key)
    tally = Counter(place.verdict for place in places)
    return {
        "id": name,
        "name": weekly.names[key],
        "full_name": weekly.words.say("full_chart_name", key),
        "source_name": weekly.words.say("provider", key.source),
        "is_composite": key.source == COMPOSITE,
        "style": weekly.styles[key] % len(figures.SERIES) + 1,
        "places": places,
        "sameness": (sameness := told.sameness.get(key, {})),
        "has_novelty": any(math.isfinite(one.novelty) for one in sameness.values()),
        "strip": strip_figure(weekly, key, places, name, beside) if places else None,
        "tally": tally,
        "gaps": [text(row.reason) for row in weekly.gaps.itertuples() if (row.source, row.chart, row.country) == key],
        "numbers": [_number(weekly, key, measure) for measure in MEASURES],
        "changes": _changes(weekly, key, places),
        "figures": [
            drawn
            for measure in TRENDS
            if (drawn := figure_of(weekly, key, measure, f"{name}-{measure.replace('.', '-')}", beside))
        ]
        + [drawn for drawn in [parts_figure(weekly, key, f"{name}-parts", beside)] if drawn],
    }


def _number(weekly: Weekly, key: Key, measure: str) -> dict[str, Any]:
    """One row of a chart's table of numbers."""
    now = weekly.estimate(key, measure)
    return {
        "measure": measure,
        "now": now,
        "why": weekly.why_missing.get((key, measure), ""),
        "comparison": compare(measure, weekly.estimates(key, measure), weekly.week) if now else None,
    }


def _sameness(weekly: Weekly) -> dict[Key, dict[str, Sameness]]:
    """Tell of each chart's recordings how far they sound like the year before on it."""
    if weekly.season.vectors is None or weekly.season.vectors.empty:
        return {}
    from ..analysis.measures import sameness

    named = weekly.named
    found: dict[Key, dict[str, Sameness]] = {}
    for key in weekly.keys:
        chart = weekly.of_chart(key)
        if weekly.chart(key, weekly.week).empty:
            continue
        rows = sameness(chart, weekly.week.isoformat(), weekly.season.vectors)
        found[key] = {str(row["recording_id"]): Sameness(row, named) for row in rows.to_dict("records")}
    return found


def _laid_out(weekly: Weekly) -> LaidOut | None:
    """Lay the week's recordings out by their sound, the year before behind them; None where too few were heard."""
    vectors = weekly.season.vectors
    if vectors is None:
        return None
    here = [one for one in weekly.now["recording_id"].unique() if one in vectors.index]
    if len(here) < FEWEST_ON_MAP:
        return None
    from ..analysis.measures import load_space
    from ..analysis.soundmap import sound_map

    since = (weekly.week - PAST_WEEKS * ONE_WEEK).isoformat()
    year = weekly.entries[weekly.entries["week"].between(since, weekly.week.isoformat())]
    before = year[~year["recording_id"].isin(here) & year["recording_id"].isin(vectors.index)]
    latest = before.groupby("recording_id")["week"].max().reset_index()
    past = (
        latest.sort_values(["week", "recording_id"], ascending=[False, True])["recording_id"].head(MOST_PAST).tolist()
    )
    found = sound_map(vectors.loc[[*here, *past]], load_space())
    return LaidOut(here, past, len(latest), found) if math.isfinite(found.kept) else None


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


def unmeasured(weekly: Weekly) -> list[tuple[str, list[tuple[str, str]]]]:
    """Group the week's recordings without a verdict by reason, the most frequent first."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in weekly.now.drop_duplicates("recording_id").to_dict("records"):
        known = weekly.verdict(str(row["recording_id"]))
        if known["verdict"] == "unmeasured":
            reason = text(known.get("reason")) or weekly.words.say("no_reason")
            groups.setdefault(reason, []).append((text(row["artist"]), text(row["title"])))
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def tables_of(weekly: Weekly) -> dict[str, pd.DataFrame]:
    """Return what the CSV files of the week hold."""
    if "tables" not in weekly.kept:
        told = {"trends": _trends_table(weekly), "comparisons": kinds_table(weekly)}
        weekly.kept["tables"] = weekly.tables() | told
    return weekly.kept["tables"]


def _trends_table(weekly: Weekly) -> pd.DataFrame:
    told = ((key, measure, weekly.trend(key, measure)) for key in weekly.keys for measure in TRENDS)
    rows = [
        (
            *(*key, measure, one.kind, one.first.week, weekly.week, one.n, one.first.value),
            *(now.value, one.change, one.low, one.high, one.p),
        )
        for key, measure, one in told
        if one and (now := weekly.estimate(key, measure))
    ]
    return pd.DataFrame(rows, columns=list(TABLES["trends"]))


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
    return [(name, len(table)) for name, table in tables_of(weekly).items()]


# -- languages ---------------------------------------------------------------------------------------------------------


def languages_of(folder: Path) -> tuple[str, ...]:
    """Return the languages that a folder's page is written in, as :func:`write_week` takes them; none without a page."""
    try:
        with (folder / "index.html").open(encoding="utf-8") as page:
            found = re.search(r'<html lang="(\w+)">', page.read(200))
    except (FileNotFoundError, UnicodeDecodeError):
        return ()
    others = (language for language in LANGUAGES if (folder / f"index.{language}.html").exists())
    return (found[1] if found else "", *others)


def versions_in(languages: Sequence[str]) -> Versions:
    """Return what says a page in each language, and the page's file: the first language's is ``index.html``."""
    different = list(dict.fromkeys(languages)) or ["en"]
    return [
        (words_in(language), f"index.{language}.html" if place else "index.html")
        for place, language in enumerate(different)
    ]


def _spoken(changes: Mapping[str, Any] | None, weekly: Weekly) -> Mapping[str, Any] | None:
    """The same with days and moments in place of their texts, and charts called as the page's language calls them."""
    if changes is None:
        return None

    def called(chart: Mapping[str, Any]) -> dict[str, Any]:
        key = Key(chart["source"], chart["chart"], chart["country"])
        short = weekly.names.get(key) if "measure" in chart else None
        return {**chart, "name": short or weekly.words.say("full_chart_name", key)}

    previous = changes["previous"] and {
        **changes["previous"],
        "week": date.fromisoformat(changes["previous"]["week"]),
        **{name: [called(chart) for chart in changes["previous"][name]] for name in ("charts_added", "charts_gone")},
    }
    corrections = [
        {**one, "at": datetime.fromisoformat(one["at"]), "numbers": [called(row) for row in one["numbers"]]}
        for one in changes["corrections"]
    ]
    return {"previous": previous, "corrections": corrections}


def write_beside(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files beside a page; what an earlier issue left there is removed, folders that somebody made are not."""
    for path, content in files.items():
        with whole_file(folder.parent / path) as part:
            part.write_bytes(content)
    remove_files(folder, but={Path(path).name for path in files})


def write_pages(folder: Path, pages: dict[str, str]) -> Path:
    """Write a page in all its languages; return the first."""
    for file, html in pages.items():
        write_text(folder / file, html)
    for language in LANGUAGES:
        if (file := f"index.{language}.html") not in pages:
            remove_file(folder / file)
    return folder / next(iter(pages))


# -- templates ---------------------------------------------------------------------------------------------------------


def render(template: str, words: Words, versions: Versions, **context: Any) -> str:
    """Return a page in one language."""
    templates = words.environment
    # the page's own script is named by its hash: no other script runs, even if one slipped through the escaping
    script = templates.get_template("page.js").render().strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    context |= {"script": Markup(script), "script_hash": digest}  # noqa: S704 - a file of this package
    context["file"] = next(file for one, file in versions if one is words)
    context["versions"] = [(one.language, one.name, file) for one, file in versions] if len(versions) > 1 else []
    return templates.get_template(template).render(context).strip() + "\n"
