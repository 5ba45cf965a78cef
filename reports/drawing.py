"""The figures of the pages: what each shows, in which words, and the files of it that lie beside its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from ..features.registry import DESCRIPTORS
from . import figures
from .compare import ENTROPIES, ONE_WEEK, SHARES, Estimate, Trend, apart, compare, recent
from .files import harmless
from .season import Key, Weekly
from .words import Words

if TYPE_CHECKING:
    from ..analysis.soundmap import SoundMap

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
        "trends": "source chart country measure kind first last n value_first value change change_low change_high p",
        "comparisons": "source chart country about first last before_first before_last quantity value low high expected p n "
        "method",
    }.items()
}
"""The CSV files beside a page, and their columns in order."""

FIGURES = "figures"
"""Folder beside a page in which its figures lie."""
PARTS = tuple(measure for measure in ENTROPIES if "." in measure)

SYNTHETIC = "SYNTHETIC"
"""Stands in every row of a table about music that is made up."""


class Beside:
    """Files that stand beside a page: each of its figures as SVG and PNG, and what it shows as CSV.

    Parameters
    ----------
    stamp : str
        Written across each figure.
    credit : str or None
        Written below each copy; with None copies have neither it nor a title.
    suffix : str
        Before the ending of a figure in this language.
    pictures : bool
        Also as PNG, which takes as long as all the rest.

    Attributes
    ----------
    files : dict
        Path, seen from the page, to content.
    """

    def __init__(self, stamp: str = "", credit: str | None = None, suffix: str = "", *, pictures: bool = True):
        self.stamp, self.credit, self.suffix, self.pictures = stamp, credit, suffix, pictures
        self.files: dict[str, bytes] = {}

    def copies(self) -> figures.Copies:
        """Return what a figure fills in while it is drawn."""
        return figures.Copies(self.credit, self.pictures)

    def keep(self, name: str, copies: figures.Copies, table: pd.DataFrame) -> list[tuple[str, str]]:
        """Keep a figure's files; return what they are called and where they lie."""
        kept = {
            "SVG": (f"{FIGURES}/{name}{self.suffix}.svg", copies.svg.encode()),
            "PNG": (f"{FIGURES}/{name}{self.suffix}.png", copies.png),
            "CSV": (f"{FIGURES}/{name}.csv", csv(table, list(table.columns), synthetic=bool(self.stamp)).encode()),
        }
        kept = {form: file for form, file in kept.items() if file[1]}
        self.files |= dict(kept.values())
        return [(form, path) for form, (path, _) in kept.items()]


class LaidOut(NamedTuple):
    """Recordings of a week and of the year before it on one map; `of`: how many of the year before there were."""

    here: list[str]
    past: list[str]
    of: int
    map: SoundMap


def markup(svg: str) -> Markup:
    """Take a figure into a page as it is."""
    return Markup(svg)  # noqa: S704 - made by figures, whose XML writer escapes all text


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
    out = harmless(table.reindex(columns=list(columns)))
    if synthetic:
        out["synthetic"] = SYNTHETIC
    return out.to_csv(index=False, lineterminator="\n")


def strip_figure(weekly: Weekly, key: Key, places: Sequence[Any], name: str, beside: Beside) -> dict[str, Any]:
    """A chart's verdicts from the first place to the last."""
    say, copies = weekly.words.say, beside.copies()
    drawn = figures.strip(
        [(place.position, place.verdict) for place in places],
        name=f"{name}-strip",
        title=say("strip_title", Counter(place.verdict for place in places)),
        names={kind: say("verdict", kind) for kind in figures.VERDICT_MARKS},
        stamp=beside.stamp,
        copies=copies,
    )
    columns = "position recording_id artist title verdict probability".split()
    table = pd.DataFrame([[getattr(place, column) for column in columns] for place in places], columns=columns)
    return {"svg": markup(drawn), "files": beside.keep(f"{name}-strip", copies, _of_chart(key, table))}


def _of_chart(key: Key, table: pd.DataFrame) -> pd.DataFrame:
    """Put before a table's columns those that say which chart it is about."""
    return table.assign(**key._asdict())[[*key._fields, *table.columns]]


def _rows_of(found: Iterable[tuple[Key, str, Estimate]]) -> pd.DataFrame:
    """Estimates as rows of the table ``measures``."""
    rows = [(*key, e.week.isoformat(), measure, e.value, e.low, e.high, e.n, e.method) for key, measure, e in found]
    return pd.DataFrame(rows, columns=list(TABLES["measures"]))


def _recent(weekly: Weekly, key: Key, measure: str) -> list[Estimate]:
    """A measure's numbers of the last weeks that a figure shows."""
    return recent(weekly.estimates(key, measure), weekly.week)


def figure_of(weekly: Weekly, key: Key, measure: str, name: str, beside: Beside) -> dict[str, Any] | None:
    """One line over time, with what others say below an AI share; None when this was never measured."""
    estimates = _recent(weekly, key, measure)
    if not estimates:
        return None
    now, shown = weekly.estimate(key, measure), [(key, measure, e) for e in estimates]
    comparison = compare(measure, estimates, weekly.week) if now else None
    title = weekly.words.say(
        "figure_title", measure, weekly.names[key], now, comparison, weekly.trend(key, measure) if now else None
    )
    span = {
        first.week + step * ONE_WEEK
        for first in estimates[:1]
        for step in range((weekly.week - first.week).days // 7 + 1)
    }
    lines = [figures.Series(weekly.names[key], points_of(estimates, weekly.week), weekly.styles[key])]
    said = _recent(weekly, key, "ai_labelled") if measure == "ai_share" else []
    if any(e.value for e in said):
        floor = [figures.Point(e.week, e.value / e.n) for e in said if e.n]
        lines.append(figures.Series(weekly.words.say("at_least"), floor, figures.FLOOR))
        shown += [(key, "ai_labelled", e) for e in said]
    return _over_time(weekly, measure, lines, name, title, shown, beside, newest=now is not None) | {
        "measure": measure,
        "parts": [],
        "estimates": estimates[::-1],
        "missing": ", ".join(
            weekly.words.say("full_date", day) for day in sorted(span - {estimate.week for estimate in estimates})
        ),
        "broken": len({estimate.method for estimate in estimates}) > 1,
        "floor": len(lines) > 1,
    }


def _over_time(
    weekly: Weekly,
    measure: str,
    lines: Sequence[figures.Series],
    name: str,
    title: str,
    shown: Iterable[tuple[Key, str, Estimate]],
    beside: Beside,
    *,
    newest: bool = True,
) -> dict[str, Any]:
    """Draw lines in a measure's unit, and keep the figure's files."""
    words, copies = weekly.words, beside.copies()
    svg = figures.over_time(
        lines,
        name=name,
        title=title,
        unit=words.say("unit", measure),
        weeks_title=words.say("weeks_axis"),
        day=words.short_day,
        number=words.writer_of(measure),
        tick=words.percent_tick if measure in SHARES else words.plain_tick,
        stamp=beside.stamp,
        copies=copies,
        newest=newest,
    )
    return {"title": title, "svg": markup(svg), "files": beside.keep(name, copies, _rows_of(shown))}


def parts_figure(weekly: Weekly, key: Key, name: str, beside: Beside) -> dict[str, Any] | None:
    """Cultural entropy by each side of the sound; None when none was measured."""
    measured = {part: found for part in PARTS if (found := _recent(weekly, key, part))}
    if not measured:
        return None
    say = weekly.words.say
    lines = [
        figures.Series(say("part", part), points_of(found, weekly.week), style)
        for style, (part, found) in enumerate(measured.items())
    ]
    shown = ((key, part, e) for part, found in measured.items() for e in found)
    title = say("parts_title", weekly.names[key])
    return _over_time(weekly, "cultural_entropy", lines, name, title, shown, beside) | {
        "measure": PARTS[0],
        "parts": list(measured),
        "weeks": [
            (week, {part: e for part, found in measured.items() for e in found if e.week == week})
            for week in sorted({e.week for found in measured.values() for e in found}, reverse=True)
        ],
        "estimates": [],
        "missing": "",
        "broken": False,
        "floor": False,
    }


def lines_figure(weekly: Weekly, measure: str, beside: Beside) -> dict[str, Any] | None:
    """A measure of every chart over time; None with one chart, which has a figure of its own, or one week."""
    found = {key: estimates for key in weekly.keys if (estimates := _recent(weekly, key, measure))}
    if len(found) < 2 or max(map(len, found.values())) < 2:
        return None
    lines = [
        figures.Series(weekly.names[key], points_of(estimates, weekly.week), weekly.styles[key])
        for key, estimates in found.items()
    ]
    shown = ((key, measure, e) for key, estimates in found.items() for e in estimates)
    name, title = f"all-{measure.replace('_', '-')}", weekly.words.say("lines_title", measure)
    moved = {weekly.names[key]: weekly.trend(key, measure) for key in found}
    return _over_time(weekly, measure, lines, name, title, shown, beside) | {"trends": trends_said(weekly.words, moved)}


def trends_said(words: Words, trends: Mapping[str, Trend | None]) -> str:
    """Say which charts, by name, rise and which fall; nothing where none was measured this week."""
    kinds = ("rising", "falling", "unclear", "short")
    return words.say("trends", *([name for name, one in trends.items() if one and one.kind == kind] for kind in kinds))


def points_of(estimates: Iterable[Estimate], until: date) -> list[figures.Point]:
    """Return the numbers that a figure of a week shows."""
    return [figures.Point(e.week, e.value, e.low, e.high, e.method) for e in recent(estimates, until)]


def compared_figure(weekly: Weekly, measure: str, beside: Beside) -> dict[str, Any] | None:
    """All charts' numbers beside each other; None when none was measured."""
    rows, shown = [], []
    for key in weekly.keys:
        now = weekly.estimate(key, measure)
        earlier = [e for e in weekly.estimates(key, measure) if e.week == weekly.week - ONE_WEEK]
        if now and earlier and earlier[-1].method != now.method:
            earlier = []
        said = weekly.estimate(key, "ai_labelled") if measure == "ai_share" else None
        floor = said.value / said.n if now and said and said.n and said.value else None
        points = points_of([now], weekly.week) if now else []
        before = points_of(earlier, weekly.week)
        rows.append(
            figures.Row(
                weekly.names[key],
                points[0] if points else None,
                before[-1] if before else None,
                weekly.styles[key],
                floor,
            )
        )
        shown += [(key, measure, e) for e in [*earlier[-1:], *([now] if now else [])]]
        shown += [(key, "ai_labelled", said)] if said and floor is not None else []
    if not any(row.now for row in rows):
        return None
    words, copies = weekly.words, beside.copies()
    found = sorted((e for key in weekly.keys if (e := weekly.estimate(key, measure))), key=lambda e: e.value)
    title = words.say("compared_title", measure, rows, apart(found[-1], found[0]))
    name = "compared" if measure == "ai_share" else f"compared-{measure.replace('_', '-')}"
    svg = figures.side_by_side(
        rows,
        name=name,
        title=title,
        unit=words.say("unit", measure),
        legend=(words.say("this_week"), words.say("the_week_before"), words.say("at_least")),
        nothing=words.say("not_measured"),
        number=words.writer_of(measure),
        tick=words.percent_tick if measure in SHARES else words.plain_tick,
        stamp=beside.stamp,
        copies=copies,
    )
    files = beside.keep(name, copies, _rows_of(shown))
    return {"title": title, "svg": markup(svg), "files": files, "floor": any(row.floor is not None for row in rows)}


def map_figure(weekly: Weekly, laid_out: LaidOut, beside: Beside) -> dict[str, Any]:
    """The chart's sound as a map."""
    words, found, copies = weekly.words, laid_out.map, beside.copies()
    kinds = [weekly.verdict(one)["verdict"] for one in laid_out.here] + ["past"] * len(laid_out.past)
    places = list(map(tuple, found.places.tolist()))
    clouds = [
        figures.Cloud(
            words.say("on_map", kind), [place for place, one in zip(places, kinds, strict=True) if one == kind], kind
        )
        for kind in figures.DOTS
    ]
    tally = Counter(kinds)
    across, upwards = (
        "\n".join(words.say("direction", DESCRIPTORS[name].label_in(words.language), r > 0, way) for name, r in axis)
        for axis, way in zip(found.axes, "→↑", strict=True)
    )
    title = words.say("map_title", len(laid_out.here))
    svg = figures.on_a_map(
        clouds, name="sound-map", title=title, across=across, upwards=upwards, stamp=beside.stamp, copies=copies
    )
    unheard = weekly.now["recording_id"].nunique() - len(laid_out.here)
    note = words.say(
        "map_note", tally["ai"], tally["human"], tally["undecided"], unheard, len(laid_out.past), found, laid_out.of
    )
    table = pd.DataFrame({"recording_id": [*laid_out.here, *laid_out.past]})
    table = table.join(weekly.named, on="recording_id")
    table = table.assign(verdict=kinds, x=found.places[:, 0], y=found.places[:, 1])
    return {"title": title, "svg": markup(svg), "note": note, "files": beside.keep("sound-map", copies, table)}
