"""Figures of the pages, as SVG with real text, to stand inside HTML.

Colours are CSS variables with a fallback (``var(--ink, #1c1b19)``): a page sets them for its light and its dark theme,
and a figure taken out of its page still has colours. The series colours are Okabe and Ito's; each series also has a
marker and a line style of its own. Identifiers carry the figure's name, so that many figures fit in one page.

Figures hold no sentence of their own: titles, labels and the way to write a number come from the caller.

References
----------
Okabe, M., Ito, K.: Color Universal Design (2008). https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

import io
import math
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree  # matplotlib's own output is parsed, nothing from outside

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1c1b19"
QUIET = "#5f5b55"
RULE = "#d9d4ca"
PAPER = "#fffefb"
SERIES = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#7a6a00", "#56b4e9")
"""Vermilion, blue, bluish green, reddish purple, yellow darkened to be seen on paper, sky blue."""

VARIABLES = {
    INK: "--ink",
    QUIET: "--quiet",
    RULE: "--rule",
    PAPER: "--paper",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)},
}
"""The CSS variable that stands for each colour drawn with."""

MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), "-", "-")
FLOOR = -1
"""The style of a line that says what a number is at least: thin, without a marker, in ink."""
WEEK = 7
WIDTH, HEIGHT, POINTS_PER_INCH = 420, 240, 72
TEXT = 11.5
STRETCHES = 2 * WIDTH
"""A line of many more points is drawn by its outline."""
PNG_DOTS = 2.5 * POINTS_PER_INCH
"""Dots per inch: sharp on screens of twice the usual density."""
TITLE, CREDIT = 13, 8.5
"""Sizes of letters in points."""
LEADING, FOOT = 19, 24
TITLE_WIDTH, CREDIT_WIDTH = 52, 70
"""Letters in a line of a title at most, and in the credit's one."""
MOST_LINES = 4
"""Of a title, above a copy."""
NAME_WIDTH = 34
"""Letters of a chart's name at most."""
LEGEND_ROW, LEGEND_HANDLE, LEGEND_ROOM = 15, 56, WIDTH - 50
"""Height of a row of a legend, width of what stands beside a name, and width of it all, in points."""
MARGIN = 6
FONTS = "DejaVu Sans"
COLOURS = 128
"""In a PNG: enough for smooth edges, a third of the bytes."""
MOST_TICKS = 6
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"

VERDICT_MARKS = {
    "ai": (1.0, "ai"),
    "undecided": (0.55, "undecided"),
    "human": (0.25, "human"),
    "unmeasured": (0.08, "unmeasured"),
}
"""Height of a place's mark in the strip (1: full), and its CSS class: told apart by height, not by colour alone."""

VERDICT_COLOURS = {"ai": "#b23a00", "undecided": "#6a4c93", "human": "#7aa9c6", "unmeasured": "#6b665f"}
"""Of the strip outside its page, which has them as CSS."""


@dataclass
class Copies:
    """A figure outside its page: filled in by what draws it.

    Attributes
    ----------
    credit : str or None
        Stands below the figure, and its title above it; with None, neither.
    picture : bool
        Whether a PNG is wanted.
    png : bytes
        On paper of its own, `PNG_DOTS` to the inch.
    svg : str
        The same with colours that any program knows.
    """

    credit: str | None = None
    picture: bool = True
    png: bytes = b""
    svg: str = ""


@dataclass(frozen=True)
class Point:
    """One number in time.

    Attributes
    ----------
    week : date
        Last day of the chart week.
    value, low, high : float
        The number and its interval; NaN in `low` and `high` where there is none.
    method : str
        How it was measured; a line is not drawn between two methods.
    """

    week: date
    value: float
    low: float = math.nan
    high: float = math.nan
    method: str = ""


@dataclass(frozen=True)
class Series:
    """One line of a figure: its name, its points in order of time, and which of the styles it has."""

    name: str
    points: Sequence[Point]
    style: int = 0


@dataclass(frozen=True)
class Row:
    """One line of a comparison: a name, the number now and before, and what it is at least; None where there is none."""

    name: str
    now: Point | None
    before: Point | None
    style: int = 0
    floor: float | None = None


def over_time(
    series: Sequence[Series],
    *,
    name: str,
    title: str,
    unit: str,
    weeks_title: str,
    day: Callable[[date, bool], str],
    number: Callable[[float], str],
    tick: Callable[[float], str],
    stamp: str = "",
    copies: Copies | None = None,
    places: bool = False,
    newest: bool = True,
) -> str:
    """Draw numbers over the weeks, with their intervals as bands.

    Parameters
    ----------
    series : sequence of Series
        Drawn in this order. A line is broken where a week is missing or the method changed; a point that stands alone
        gets a bar for its interval.
    name : str
        Unique on the page; letters, digits and hyphens.
    title : str
        Read by screen readers.
    unit : str
        What the vertical axis counts, and in which unit.
    weeks_title : str
        What the horizontal axis counts.
    day : callable
        Writes a date, with its year or without.
    number : callable
        Writes the first series' newest value beside its point, unless others have intervals, too.
    tick : callable
        Writes a value on the vertical axis.
    stamp : str, optional
        Written across the figure.
    copies : Copies, optional
        Gets the same figure as files of its own.
    places : bool
        The numbers are places on charts: the first is on top.
    newest : bool
        The last point is of the week that the figure is about; else its number is not written beside it.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    columns = _columns([line.name for line in series])
    figure, axes = _canvas(HEIGHT + LEGEND_ROW * max(0, math.ceil(len(series) / columns) - 2))
    for line in series:
        _draw(axes, line)
    weeks = sorted({point.week for line in series for point in line.points})
    _weeks_axis(axes, weeks, day, weeks_title)
    bounds = [value for line in series for point in line.points for value in (point.value, point.high)]
    top = max([bound for bound in bounds if math.isfinite(bound)], default=0.0)
    axes.set_ylim(*((top * 1.06 + 1, 1 - top * 0.06) if places else (0, top * 1.12 if top > 0 else 1)))
    _values_axis(axes, unit, tick)
    if places:
        axes.set_yticks(sorted({1, *(round(tick) for tick in axes.get_yticks() if 1 < tick <= top)}))
    if (
        newest
        and series
        and series[0].points
        and not any(math.isfinite(p.low) for line in series[1:] for p in line.points)
    ):
        last = series[0].points[-1]
        axes.annotate(
            number(last.value),
            (last.week.toordinal(), last.value),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            weight="bold",
            fontsize=TEXT,
            color=INK,
        )
    if len(series) > 1:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0.0, 1.13),  # above the unit
            ncols=columns,
            frameon=False,
            fontsize=TEXT,
            borderaxespad=0,
            labelcolor=INK,
            handlelength=2.6,
            columnspacing=1.4,
            borderpad=0.1,
        )
    return _svg(figure, name, title, stamp, copies)


def side_by_side(
    rows: Sequence[Row],
    *,
    name: str,
    title: str,
    unit: str,
    legend: tuple[str, str, str],
    nothing: str,
    number: Callable[[float], str],
    tick: Callable[[float], str],
    stamp: str = "",
    copies: Copies | None = None,
) -> str:
    """Draw one number per row with its interval, this week's above the earlier one's.

    Parameters
    ----------
    rows : sequence of Row
        From top to bottom.
    name, title, unit, number, tick, stamp, copies
        As for :func:`over_time`; here values run from left to right.
    legend : tuple of str
        Names of the number now, of the earlier one, and of what it is at least.
    nothing : str
        Written where a row has no number now.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    figure, axes = _canvas(86 + 44 * len(rows))
    highest = 0.0
    for place, row in enumerate(rows):
        colour = SERIES[row.style % len(SERIES)]
        if row.before is not None:
            _bar(axes, row.before, place + 0.2, QUIET, PAPER, 5)
        if row.now is None:
            axes.annotate(
                nothing, (0, place), xytext=(6, 0), textcoords="offset points", va="center", color=QUIET, fontsize=TEXT
            )
        else:
            _bar(axes, row.now, place - 0.12, colour, colour, 8, MARKERS[row.style % len(MARKERS)])
            axes.annotate(
                number(row.now.value),
                (row.now.value, place - 0.12),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                weight="bold",
                fontsize=TEXT,
                color=INK,
            )
        if row.floor is not None:
            axes.plot([row.floor], [place - 0.12], "|", color=INK, markersize=17, markeredgewidth=2, zorder=5)
            highest = max(highest, row.floor)
        for point in (row.now, row.before):
            if point is not None:
                highest = max(highest, *(value for value in (point.value, point.high) if math.isfinite(value)))
    axes.set_ylim(len(rows) - 0.5, -0.65)
    axes.set_xlim(0, highest * 1.08 if highest > 0 else 1)
    _rows_axes(axes, [row.name for row in rows], unit, tick)
    if any(row.now for row in rows):
        axes.plot([], [], "o", color=INK, markersize=7, label=legend[0])
    if any(row.before for row in rows):
        axes.plot([], [], "o", color=QUIET, markerfacecolor=PAPER, markersize=5, label=legend[1])
    if any(row.floor is not None for row in rows):
        axes.plot([], [], "|", color=INK, markersize=11, markeredgewidth=2, label=legend[2])
    if any(row.now or row.before for row in rows):
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=2,
            frameon=False,
            fontsize=TEXT,
            labelcolor=INK,
            borderpad=0.1,
        )
    return _svg(figure, name, title, stamp, copies)


def _rows_axes(axes: Axes, names: Sequence[str], unit: str, tick: Callable[[float], str]) -> None:
    """Name the rows of a figure from top to bottom; values run from left to right."""
    axes.set_yticks(range(len(names)), [_shortened(name, NAME_WIDTH) for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=TEXT)
    axes.xaxis.set_major_locator(_ticks())
    axes.xaxis.set_major_formatter(lambda value, _: tick(value))
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_xlabel(unit, color=QUIET, fontsize=TEXT)


def forest(
    rows: Sequence[tuple[str, float, float, float]],
    *,
    name: str,
    title: str,
    unit: str,
    number: Callable[[float], str],
    tick: Callable[[float], str],
    limit: float = math.inf,
    stamp: str = "",
) -> str:
    """Draw one number per row with its interval, against 0, which may lie anywhere.

    Parameters
    ----------
    rows : sequence of (str, float, float, float)
        Name, value, low, high, from top to bottom; NaN in `low` and `high` where there is no interval.
    name, title, unit, number, tick, stamp
        As for :func:`over_time`; here values run from left to right.
    limit : float
        An interval that reaches further from 0 ends there in an arrow, so that it does not set the scale of all.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    figure, axes = _canvas(60 + 24 * len(rows))
    for place, (_, value, low, high) in enumerate(rows):
        if math.isfinite(low) and math.isfinite(high):
            ends = max(low, -limit), min(high, limit)
            axes.plot(ends, [place, place], color=SERIES[1], linewidth=2, solid_capstyle="butt")
            for end, whole, arrow in zip(ends, (low, high), "<>", strict=True):
                if end != whole:
                    axes.plot([end], [place], arrow, color=SERIES[1], markersize=6)
        axes.plot([value], [place], "o", color=SERIES[1], markersize=6)
        axes.annotate(
            number(value), (1, place), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points",
            va="center", fontsize=TEXT, color=INK,
        )  # fmt: skip
    axes.set_ylim(len(rows) - 0.5, -0.5)
    _rows_axes(axes, [row[0] for row in rows], unit, tick)
    return _svg(figure, name, title, stamp)


@dataclass(frozen=True)
class Cloud:
    """Dots of one kind on a map: their places, what they are called in the legend, and which kind."""

    name: str
    places: Sequence[tuple[float, float]]
    kind: str


DOTS: dict[str, dict[str, Any]] = {
    "past": {"marker": "o", "markersize": 3, "color": QUIET, "alpha": 0.45, "markeredgewidth": 0},
    "human": {"marker": "o", "markersize": 6, "color": SERIES[1], "markeredgewidth": 0},
    "undecided": {"marker": "s", "markersize": 6, "color": QUIET, "markerfacecolor": PAPER},
    "ai": {"marker": "D", "markersize": 6.5, "color": SERIES[0], "markeredgewidth": 0},
}
"""How each kind of dot is drawn, from behind to the front."""


def on_a_map(
    clouds: Sequence[Cloud],
    *,
    name: str,
    title: str,
    across: str,
    upwards: str,
    stamp: str = "",
    copies: Copies | None = None,
) -> str:
    """Draw recordings as dots on a plane.

    Parameters
    ----------
    clouds : sequence of Cloud
        Kinds of `DOTS`.
    name, title, stamp, copies
        As for :func:`over_time`.
    across, upwards : str
        What the directions mean; empty where they mean nothing that has a name.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    figure, axes = _canvas(400)
    for kind, drawn in DOTS.items():
        for cloud in clouds:
            if cloud.kind == kind and cloud.places:
                x, y = zip(*cloud.places, strict=True)
                axes.plot(x, y, linestyle="", label=cloud.name, **drawn)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["top", "right", "left", "bottom"]].set_visible(True)
    axes.spines[["top", "right", "left", "bottom"]].set_color(RULE)
    axes.set_xlabel(across, color=QUIET, fontsize=TEXT)
    axes.set_ylabel(upwards, color=QUIET, fontsize=TEXT)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, fontsize=TEXT,
        labelcolor=INK, borderpad=0.1, handletextpad=0.1, columnspacing=1,
    )  # fmt: skip
    return _svg(figure, name, title, stamp, copies)


def curve(
    points: Sequence[Sequence[float]],
    *,
    name: str,
    title: str,
    x: str,
    y: str,
    tick: Callable[[float], str],
    dots: bool = False,
) -> str:
    """Draw shares against shares, with the diagonal.

    Parameters
    ----------
    points : sequence of pairs
        (x, y), 0 to 1.
    name, title, tick
        As for :func:`over_time`.
    x, y : str
        What the axes tell.
    dots : bool
        Mark every point.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    figure, axes = _canvas(WIDTH * 0.75)
    axes.plot([0, 1], [0, 1], color=RULE, linewidth=1)
    axes.plot(
        *zip(*points, strict=True), color=SERIES[0], marker=MARKERS[0] if dots else None, linewidth=2, clip_on=False
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(_ticks())
        axis.set_major_formatter(lambda value, _: tick(value))
    axes.set_xlabel(x, color=QUIET, fontsize=TEXT)
    axes.set_ylabel(y, color=QUIET, fontsize=TEXT)
    return _svg(figure, name, title, "")


@dataclass(frozen=True)
class Line:
    """One line: its name, ``(round, value, low, high)`` of each, which style it has, and whether its intervals are drawn."""

    name: str
    points: Sequence[tuple[float, float, float, float]]
    style: int = 0
    band: bool = True


def over_rounds(
    lines: Sequence[Line],
    *,
    name: str,
    title: str,
    unit: str,
    rounds_title: str,
    tick: Callable[[float], str],
    null: tuple[str, float] | None = None,
) -> str:
    """Draw numbers over the rounds of an experiment, with their intervals as bands.

    Which line is which is told once for several such figures, beside a :func:`key` of each style.

    Parameters
    ----------
    lines : sequence of Line
    name, title, unit, tick
        As for :func:`over_time`.
    rounds_title : str
        What the horizontal axis counts.
    null : tuple of str and float, optional
        What the values are compared with, drawn as a thin line and named below.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    figure, axes = _canvas(HEIGHT)
    bottom = top = 0.0
    for line in lines:
        if not line.points:
            continue
        numbers, values, lows, highs = zip(*line.points, strict=True)
        if line.band:
            axes.fill_between(numbers, lows, highs, color=_look(line.style)["color"], alpha=0.18, linewidth=0, zorder=2)
        axes.plot(numbers, values, zorder=3, **_look(line.style))
        told = [value for value in (*values, *((*lows, *highs) if line.band else ())) if math.isfinite(value)]
        bottom, top = min([bottom, *told]), max([top, *told])
    if null is not None and math.isfinite(null[1]):
        axes.axhline(null[1], color=INK, linewidth=1, label=_shortened(null[0], NAME_WIDTH), zorder=3)
        axes.legend(
            loc="upper right", bbox_to_anchor=(1.0, -0.1), frameon=False, fontsize=TEXT, borderaxespad=0, labelcolor=INK,
            handlelength=2.0, borderpad=0.1,
        )  # fmt: skip
        top = max(top, null[1])
    room = (top - bottom) * 0.08
    axes.set_ylim(bottom - (room if bottom < 0 else 0), top + room if top > 0 else 1)
    if bottom < 0:
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
    axes.set_xlabel(rounds_title, color=QUIET, fontsize=TEXT, loc="left")
    rounds = [point[0] for line in lines for point in line.points]
    if rounds:  # also those of which no value is known: figures side by side have the same axis
        edge = 0.05 * (max(rounds) - min(rounds)) or 0.5
        axes.set_xlim(min(rounds) - edge, max(rounds) + edge)
    axes.xaxis.set_major_locator(_ticks(integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: tick(value))
    _values_axis(axes, unit, tick)
    return _svg(figure, name, title, "")


def key(style: int, *, name: str) -> str:
    """Draw a piece of a line of :func:`over_rounds`, to stand before its name.

    Parameters
    ----------
    style : int
        As :attr:`Line.style`.
    name : str
        Unique on the page; letters, digits and hyphens.

    Returns
    -------
    str
        An ``<svg>`` element, 36 by 12 points; screen readers pass it over.
    """
    from matplotlib.lines import Line2D

    figure, axes = _canvas(12)
    axes.remove()
    figure.set_size_inches(36 / POINTS_PER_INCH, 12 / POINTS_PER_INCH)
    figure.add_artist(Line2D([0.03, 0.5, 0.97], [0.5] * 3, markevery=[1], **_look(style)))
    return _svg(figure, name, "", "").replace('role="img"', 'aria-hidden="true"')


def peaks(
    hertz: np.ndarray,
    decibels: np.ndarray,
    marks: Sequence[float],
    *,
    name: str,
    title: str,
    x: str,
    y: str,
    tick: Callable[[float], str],
    stamp: str = "",
    copies: Copies | None = None,
) -> str:
    """Draw a spectrum with some frequencies marked.

    Parameters
    ----------
    hertz, decibels : numpy.ndarray, shape (n,)
    marks : sequence of float
        Frequencies in Hz.
    name, title, tick, stamp, copies
        As for :func:`over_time`.
    x, y : str
        What the axes tell: in kHz, in dB.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    figure, axes = _canvas(HEIGHT, fixed=True)
    axes.plot(*outline(hertz / 1000, decibels), color=QUIET, linewidth=0.6)
    top = float(decibels.max(initial=1.0)) * 1.15
    axes.plot([mark / 1000 for mark in marks], [top] * len(marks), "v", color=SERIES[0], markersize=7, clip_on=False)
    for mark in marks:
        axes.axvline(mark / 1000, color=SERIES[0], linewidth=0.6, alpha=0.6)
    axes.set_xlim(hertz[0] / 1000, hertz[-1] / 1000)
    axes.set_ylim(min(float(decibels.min(initial=0.0)), -3.0), top)
    _both_axes(axes, x, y, tick, pad=10)
    return _svg(figure, name, title, stamp, copies)


def outline(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave of a long line the lowest and the highest point of each stretch: it looks the same, and is smaller."""
    step = len(x) // STRETCHES
    if step < 3:
        return x, y
    cuts = np.arange(0, len(y), step)
    kept = [start + at(y[start : start + step]) for start in cuts for at in (np.argmin, np.argmax)]
    chosen = np.unique(kept)
    return x[chosen], y[chosen]


def folded(
    aside: np.ndarray,
    *,
    name: str,
    title: str,
    x: str,
    y: str,
    tick: Callable[[float], str],
    stamp: str = "",
    copies: Copies | None = None,
) -> str:
    """Draw how many lines lie how far from a lattice: a spike in the middle, where they are on it.

    Parameters
    ----------
    aside : numpy.ndarray, shape (n,)
        -0.5 to 0.5.
    name, title, tick, stamp, copies
        As for :func:`over_time`.
    x, y : str
        What the axes tell.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    figure, axes = _canvas(HEIGHT, fixed=True)
    axes.hist(aside, bins=101, range=(-0.5, 0.5), color=SERIES[1], histtype="stepfilled")  # one shape, not a hundred
    axes.set_xlim(-0.5, 0.5)
    _both_axes(axes, x, y, tick, pad=6)
    return _svg(figure, name, title, stamp, copies)


def strip(
    marks: Sequence[tuple[int, str]],
    *,
    name: str,
    title: str,
    names: Mapping[str, str] | None = None,
    stamp: str = "",
    copies: Copies | None = None,
) -> str:
    """Draw a chart as a row of marks, first place on the left, each as high as its verdict says.

    Parameters
    ----------
    marks : sequence of (int, str)
        Place and verdict.
    name, title, stamp, copies
        As for :func:`over_time`.
    names : mapping of str, optional
        What the verdicts are called, in the legend of the copies.

    Returns
    -------
    str
        An ``<svg>`` element, coloured by the classes ``mark ai``, ``mark human``, ``mark undecided`` and
        ``mark unmeasured``.
    """
    places = max((place for place, _ in marks), default=1)
    svg = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "strip",
            "viewBox": f"0 0 {places * 10} 100",
            "preserveAspectRatio": "none",
            "role": "img",
            "aria-labelledby": f"{name}-title",
        },
    )
    ElementTree.SubElement(svg, "title", {"id": f"{name}-title"}).text = title
    for place, verdict in marks:
        share, kind = VERDICT_MARKS.get(verdict, VERDICT_MARKS["unmeasured"])
        height = round(100 * share)
        ElementTree.SubElement(
            svg,
            "rect",
            {
                "class": f"mark {kind}",
                "x": f"{(place - 1) * 10 + 1}",
                "y": f"{100 - height}",
                "width": "8",
                "height": f"{height}",
            },
        )
    if copies is not None:
        _strip_copy(marks, name, title, names or {}, stamp, copies)
    return ElementTree.tostring(svg, encoding="unicode")


def _strip_copy(
    marks: Sequence[tuple[int, str]], name: str, title: str, names: Mapping[str, str], stamp: str, copies: Copies
) -> None:
    figure, axes = _canvas(130)
    stroke = 0.75 * WIDTH / max((place for place, _ in marks), default=1)
    for kind, (height, _) in VERDICT_MARKS.items():
        if places := [place for place, verdict in marks if verdict == kind]:
            axes.vlines(places, 0, height, colors=VERDICT_COLOURS[kind], linewidth=stroke, label=names.get(kind, kind))
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0.4, max((place for place, _ in marks), default=1) + 0.6)
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, fontsize=TEXT, labelcolor=INK, borderpad=0.1,
        handlelength=1, handletextpad=0.5, columnspacing=1,
    )  # fmt: skip
    _svg(figure, name, title, stamp, copies)


def _canvas(height: float, *, fixed: bool = False) -> tuple[Figure, Axes]:
    """Return an empty figure; with `fixed` margins, for short labels, it need not be laid out, which takes half the time."""
    # matplotlib takes half a second to load: only who draws waits for it. Figure, not pyplot: nothing global is kept.
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    layout: Any = "none" if fixed else "constrained"
    figure = Figure(figsize=(WIDTH / POINTS_PER_INCH, height / POINTS_PER_INCH), layout=layout)
    FigureCanvasSVG(figure)
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=QUIET, labelsize=TEXT)
    if fixed:
        figure.subplots_adjust(left=36 / WIDTH, right=1 - 8 / WIDTH, bottom=44 / height, top=1 - 34 / height)
    return figure, axes


def _draw(axes: Axes, series: Series) -> None:
    if series.style == FLOOR:
        label: str | None = series.name
        for run in runs(series.points):
            days, values = [point.week.toordinal() for point in run], [point.value for point in run]
            axes.plot(days, values, "-" if len(run) > 1 else "_", color=INK, linewidth=1, label=label, zorder=3)
            label = None
        return
    look = _look(series.style)
    colour, marker = look["color"], look["marker"]
    label = _shortened(series.name, NAME_WIDTH)
    crowded = len(series.points) > 60
    for run in runs(series.points):
        days = [point.week.toordinal() for point in run]
        values = [point.value for point in run]
        if len(run) == 1:
            _interval(axes, run[0], days[0], colour)
        else:
            axes.fill_between(
                days, [p.low for p in run], [p.high for p in run], color=colour, alpha=0.18, linewidth=0, zorder=2
            )
        shown = {**look, "marker": "" if crowded and len(run) > 1 else marker}
        axes.plot(days, values, label=label, zorder=3, **shown)
        label = None  # one entry in the legend, however often the line is broken
    if series.points:
        last = series.points[-1]
        axes.plot([last.week.toordinal()], [last.value], marker=marker, color=colour, markersize=8, zorder=4)


def _look(style: int) -> dict[str, Any]:
    """How a line of a style is drawn, in every figure."""
    return {
        "marker": MARKERS[style % len(MARKERS)],
        "linestyle": LINES[style % len(LINES)],
        "color": SERIES[style % len(SERIES)],
        "markersize": 4.5,
        "markeredgewidth": 0,
        "linewidth": 1.8,
    }


def _interval(axes: Axes, point: Point, day: float, colour: str) -> None:
    if math.isfinite(point.low) and math.isfinite(point.high):
        axes.plot([day, day], [point.low, point.high], color=colour, linewidth=5, alpha=0.3, solid_capstyle="butt")
        axes.plot([day, day], [point.low, point.high], "_", color=colour, markersize=12)


def _bar(axes: Axes, point: Point, place: float, colour: str, face: str, size: float, marker: str = "o") -> None:
    if math.isfinite(point.low) and math.isfinite(point.high):
        axes.plot([point.low, point.high], [place, place], color=colour, linewidth=size / 2.6, solid_capstyle="butt")
    axes.plot([point.value], [place], marker, color=colour, markerfacecolor=face, markersize=size, zorder=4)


def runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Cut a series where a week is missing or the method changes.

    Yields
    ------
    list of Point
    """
    run: list[Point] = list(points[:1])
    for before, point in pairwise(points):
        if (point.week - before.week).days > WEEK or point.method != before.method:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _weeks_axis(axes: Axes, weeks: Sequence[date], day: Callable[[date, bool], str], title: str) -> None:
    axes.set_xlabel(title, color=QUIET, fontsize=TEXT)
    if not weeks:
        axes.set_xticks([])
        return
    first, last = weeks[0].toordinal(), weeks[-1].toordinal()
    room = max((last - first) * 0.02, 1.5)
    axes.set_xlim(first - room, last + max((last - first) * 0.12, 3))  # the newest number stands on the right
    count = (last - first) // WEEK
    step = WEEK * max(1, math.ceil(count / (MOST_TICKS - 1)))
    ticks = [date.fromordinal(ordinal) for ordinal in range(last, first - 1, -step)][::-1]
    years = [True, *(before.year != after.year for before, after in pairwise(ticks))]
    axes.set_xticks([tick.toordinal() for tick in ticks], [day(*pair) for pair in zip(ticks, years, strict=True)])


def _values_axis(axes: Axes, unit: str, tick: Callable[[float], str]) -> None:
    axes.yaxis.set_major_locator(_ticks())
    axes.yaxis.set_major_formatter(lambda value, _: tick(value))
    axes.grid(axis="y", color=RULE, linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_title(unit, loc="left", fontsize=TEXT, color=QUIET, pad=6)


def _both_axes(axes: Axes, x: str, y: str, tick: Callable[[float], str], *, pad: float) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: tick(value))
    axes.set_xlabel(x, color=QUIET, fontsize=TEXT)
    axes.set_title(y, loc="left", fontsize=TEXT, color=QUIET, pad=pad)


def _ticks(*, integer: bool = False) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10], integer=integer)


def _svg(figure: Figure, name: str, title: str, stamp: str, copies: Copies | None = None) -> str:
    if stamp:
        figure.text(0.5, 0.5, stamp, color=QUIET, alpha=0.28, fontsize=34, ha="center", va="center", rotation=18)
    top = foot = 0.0
    title = NOT_XML.sub("\ufffd", title)
    lines = _lines(title) if copies is not None and copies.credit is not None else []
    credit = copies and copies.credit and _shortened(NOT_XML.sub("\ufffd", copies.credit), CREDIT_WIDTH)
    _as_it_is(figure)
    with _fonts(name):
        if copies is not None and copies.picture:
            width, height = (POINTS_PER_INCH * side for side in figure.get_size_inches())
            if credit is not None:  # room above and below for what only the copies have
                top, foot = len(lines) * LEADING + 4, FOOT - 4
                whole = height + top + foot
                figure.set_size_inches(width / POINTS_PER_INCH, whole / POINTS_PER_INCH)
                figure.set_layout_engine("constrained", rect=(0, foot / whole, 1, height / whole))
            copies.png = _png(figure, lines if top else [], credit)
            figure.set_layout_engine("none")  # laid out once, for all forms
        svg = dressed(_drawn_svg(figure), name, title, (top, foot))
    if copies is not None and credit is not None:
        copies.svg = _titled(svg, lines, credit)
    return svg


def _lines(title: str) -> list[str]:
    """Cut a title into lines that are no wider than the figure."""
    lines: list[str] = []
    for letters in range(TITLE_WIDTH, TITLE_WIDTH // 3, -2):
        lines = textwrap.wrap(title, letters, max_lines=MOST_LINES, placeholder="…")
        if max((_width(line, TITLE, "bold") for line in lines), default=0) <= WIDTH - 2 * MARGIN:
            break
    return lines


def _columns(names: Sequence[str]) -> int:
    """In how many columns a legend is no wider than the figure: three at most."""
    widest = max((_width(_shortened(name, NAME_WIDTH), TEXT) for name in names), default=0) + LEGEND_HANDLE
    return max(1, min(3, int(LEGEND_ROOM // widest)))


def _width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=FONTS, weight=weight, size=size)  # pyright: ignore[reportArgumentType]
    with _fonts(""):
        return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def _shortened(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _as_it_is(figure: Figure) -> None:
    """See to it that names are drawn as they are: "A$AP" and "Ke$ha" in one line are no formula."""
    from matplotlib.text import Text

    for one in figure.findobj(Text):
        assert isinstance(one, Text)
        one.set_parse_math(False)


@contextmanager
def _fonts(name: str) -> Iterator[None]:
    from matplotlib import rc_context

    with (
        warnings.catch_warnings(),
        rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": FONTS}),
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # who reads an SVG has other fonts
        yield


def _drawn_svg(figure: Figure) -> bytes:
    # the canvas itself: Figure.savefig draws everything once more before, to find its size
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    out = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None})
    return out.getvalue()


def _png(figure: Figure, lines: Sequence[str], credit: str | None) -> bytes:
    """Draw a figure on paper, with its title and its credit where it has room for them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    look: dict[str, Any] = {
        "x": MARGIN / WIDTH,
        "y": 0.99,
        "va": "top",
        "fontsize": TITLE,
        "weight": "bold",
        "color": INK,
    }
    about = [figure.text(s="\n".join(lines), parse_math=False, **look)] if lines else []
    if credit:
        look = {"ha": "right", "va": "bottom", "fontsize": CREDIT, "color": QUIET, "parse_math": False}
        about.append(figure.text(0.99, 0.01, credit, **look))
    figure.patch.set(visible=True, facecolor=PAPER)  # it is read on dark paper too
    figure.dpi = PNG_DOTS
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    figure.patch.set_visible(False)
    for one in about:
        one.remove()
    out = io.BytesIO()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    picture.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(out, "png", dpi=(PNG_DOTS, PNG_DOTS))
    return out.getvalue()


def _titled(svg: str, lines: Sequence[str], credit: str) -> str:
    """Put a page's figure on paper, between its title and its credit, with colours that any program knows."""
    plot = ElementTree.fromstring(re.sub(r"var\(--[\w-]+, (#[0-9a-f]{6})\)", r"\1", svg))  # noqa: S314 - ours
    width, height = (float(side) for side in plot.get("viewBox", "").split()[2:])
    top, whole = len(lines) * LEADING + 4, height + len(lines) * LEADING + FOOT
    size = {"width": f"{width:g}", "height": f"{whole:g}"}
    sheet = ElementTree.Element(
        f"{SVG}svg", {**size, "viewBox": f"0 0 {width:g} {whole:g}", "font-family": f"{FONTS}, sans-serif"}
    )
    ElementTree.SubElement(sheet, f"{SVG}rect", {**size, "fill": PAPER})
    for number, line in enumerate(lines, 1):
        look = {
            "x": str(MARGIN),
            "y": f"{number * LEADING:g}",
            "font-size": str(TITLE),
            "font-weight": "bold",
            "fill": INK,
        }
        ElementTree.SubElement(sheet, f"{SVG}text", look).text = line
    look = {
        "x": f"{width - MARGIN:g}",
        "y": f"{whole - MARGIN:g}",
        "font-size": str(CREDIT),
        "text-anchor": "end",
        "fill": QUIET,
    }
    ElementTree.SubElement(sheet, f"{SVG}text", look).text = credit
    plot.attrib.update({"y": f"{top:g}", "width": f"{width:g}", "height": f"{height:g}"})
    sheet.append(plot)
    ElementTree.register_namespace("", SVG.strip("{}"))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(sheet, encoding="unicode") + "\n"


def dressed(drawn: bytes, name: str, title: str, cut: tuple[float, float] = (0, 0)) -> str:
    """Turn what matplotlib drew into an element that can stand in a page beside others.

    Parameters
    ----------
    drawn : bytes
        An SVG file by matplotlib.
    name : str
        Put before every identifier.
    title : str
        Read by screen readers.
    cut : tuple of float
        Points to leave out above and below.

    Returns
    -------
    str
        One ``<svg>`` element with colours as CSS variables, the page's font, and no style sheet of its own (it would
        apply to the whole page).
    """
    root = ElementTree.fromstring(NOT_XML.sub("\ufffd", drawn.decode()))  # noqa: S314 - ours
    _drop(root, {f"{SVG}metadata", f"{SVG}style"})
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        for key, value in list(element.attrib.items()):
            del element.attrib[key]
            element.set(key.removeprefix(XLINK), _named(key, value, name))
        element.tail = None
        if element.tag != "text":
            element.text = None
    heading = ElementTree.Element("title", {"id": f"{name}-title"})
    heading.text = title
    root.insert(0, heading)
    width, height = (float(side) for side in root.get("viewBox", "0 0 0 0").split()[2:])
    box = f"0 {cut[0]:g} {width:g} {height - sum(cut):g}"
    root.attrib.clear()
    root.attrib.update(
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "plot",
            "viewBox": box,
            "role": "img",
            "aria-labelledby": f"{name}-title",
            "stroke-linejoin": "round",
            "font-family": "sans-serif",
        }
    )
    return ElementTree.tostring(root, encoding="unicode")


def _drop(root: ElementTree.Element, tags: set[str]) -> None:
    for parent in root.iter():
        for child in list(parent):
            if child.tag in tags:
                parent.remove(child)


def _named(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == f"{XLINK}href":
        return value.replace("#", f"#{name}-", 1)
    value = re.sub(r"url\(#", f"url(#{name}-", value)
    if key != "style":
        return value
    value = re.sub(r"font-family: [^;]*;? ?", "", value)  # the page chooses the font
    return re.sub(r"#[0-9a-f]{6}\b", _variable, value)


def _variable(found: re.Match[str]) -> str:
    colour = found[0]
    return f"var({VARIABLES[colour]}, {colour})" if colour in VARIABLES else colour
