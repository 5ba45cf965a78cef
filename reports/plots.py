"""The tables of a workspace as pictures in a notebook, one call each: an Axes goes in, or is made, and comes out.

::

    season = chartropy.open_workspace("chartropy-data")
    chartropy.plot_measures(season.measures().query("measure == 'cultural_entropy'"))

Intervals are drawn wherever a table has them. The colours are those of the pages' figures, and lines differ in marker and
dash too.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .figures import INK, LINES, MARKERS, QUIET, RULE, SERIES
from .season import float_of, key_of, keys_of, names_of
from .words import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .explain import Explained


def plot_entries(entries: pd.DataFrame, ax: Axes | None = None, *, recordings: int = 6) -> Axes:
    """Draw the course of a chart's foremost recordings.

    Parameters
    ----------
    entries : pandas.DataFrame
        ``week, position, recording_id, artist, title`` of one chart, as `Tables.entries` gives.
    ax : matplotlib.axes.Axes, optional
        Default: a new one.
    recordings : int
        How many: those with the most chart points over the weeks given.

    Returns
    -------
    matplotlib.axes.Axes
    """
    from matplotlib.ticker import MaxNLocator

    _one_chart(entries, "entries")
    ax = _axes(ax)
    entries = entries.dropna(subset=["week"])
    if entries.empty:
        raise ValueError("there are no weekly entries to draw: give what season.entries() returns of one chart")
    points = (entries["position"].max() + 1 - entries["position"]).groupby(entries["recording_id"]).sum()
    foremost = points.sort_values(ascending=False, kind="stable").index[:recordings]
    weeks = sorted(entries["week"].unique())
    for recording, (colour, marker, line) in zip(foremost, _styles(), strict=False):
        rows = entries[entries["recording_id"] == recording]
        course = rows.groupby("week")["position"].min().reindex(weeks)
        ax.plot(
            pd.DatetimeIndex(weeks), course, color=colour, marker=marker, linestyle=line, markersize=4,
            label=f"{rows['artist'].iloc[-1]} – {rows['title'].iloc[-1]}",
        )  # fmt: skip
    ax.set_ylim(entries["position"].max() + 1, 0.5)
    ax.set_ylabel("position")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    first = entries[entries["recording_id"] == foremost[0]].iloc[-1] if len(foremost) else None
    title = "no entries" if first is None else f"{first['artist']} – {first['title']} gathered the most chart points"
    return _finished(ax, f"{_name(entries)}: {title}")


def plot_measures(measures: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw a measure over the weeks, a line with its interval for each chart.

    Parameters
    ----------
    measures : pandas.DataFrame
        ``source, chart, country, week, measure, value, low, high`` of one measure, as `Tables.measures` gives.
    ax : matplotlib.axes.Axes, optional
        Default: a new one.

    Returns
    -------
    matplotlib.axes.Axes
        A line is not drawn over a week without a number.
    """
    if measures.empty:
        raise ValueError("there are no measures to draw: give what season.measures() returns of one measure")
    measure = _one(measures, "measure")
    ax = _axes(ax)
    weeks = sorted(measures["week"].unique())
    dates = pd.date_range(weeks[0], weeks[-1], freq="7D")
    names = names_of(sorted(keys_of(measures)))
    for (key, name), (colour, marker, line) in zip(names.items(), _styles(), strict=False):
        rows = measures[[key_of(row) == key for row in measures.itertuples()]]
        rows = rows.set_index(pd.DatetimeIndex(rows["week"]))[["value", "low", "high"]].astype(float).reindex(dates)
        ax.fill_between(
            dates, rows["low"], rows["high"], color=colour, alpha=0.2 if len(names) == 1 else 0.08, linewidth=0,
            label="95% interval of each week" if len(names) == 1 else None,
        )  # fmt: skip
        ax.plot(dates, rows["value"], color=colour, marker=marker, linestyle=line, markersize=4, label=name)
    ax.set_ylabel(say("measure_name", measure))
    last = measures[measures["week"] == weeks[-1]].dropna(subset=["value"])
    title = ", ".join(f"{names[key_of(row)]} {float_of(row.value):.3g}" for row in last.itertuples()) or "not measured"
    _finished(ax, f"In the week to {weeks[-1]}: {title}")
    ax.set_xlabel("chart week ending on (bands: 95% interval of each week by itself)")
    return ax


def plot_trend(trend: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw trends side by side: the change over the weeks that were measured, with its interval.

    Parameters
    ----------
    trend : pandas.DataFrame
        As `Tables.trend` gives.
    ax : matplotlib.axes.Axes, optional
        Default: a new one.

    Returns
    -------
    matplotlib.axes.Axes
        In percent of each measure's mean. Filled: p of the null of no trend in autoregressive noise, adjusted for how many
        were tested, is .05 or less. An arrow: the interval goes on beyond the picture.
    """
    shown = trend.dropna(subset=["change"])
    shown = shown[shown["mean"] != 0].reset_index(drop=True)
    ax = _axes(ax, (9.5, 1.4 + 0.28 * len(shown)))
    names = names_of(sorted(keys_of(shown)))
    percents = shown[["change", "change_low", "change_high"]].to_numpy(dtype=float) * (
        100 / shown[["mean"]].abs().to_numpy(dtype=float)
    )
    beyond_noise = (shown["p_adjusted"] <= 0.05).tolist()
    reach = np.inf
    if len(percents):  # one measure of which next to nothing is known must not hide the others
        reach = min(float(np.abs(percents).max()), 4 * float(np.median(np.abs(percents[:, 1:]).max(axis=1))))
        ax.set_xlim(-1.05 * reach, 1.05 * reach)
    for place, ((change, low, high), seen) in enumerate(zip(percents, beyond_noise, strict=True)):
        colour = SERIES[0] if seen else QUIET
        ends = np.clip([low, high], -reach, reach)
        ax.plot(ends, [place, place], color=colour, linewidth=2)
        for end, whole, arrow in zip(ends, (low, high), "<>", strict=True):
            if end != whole:
                ax.plot(end, place, arrow, color=colour)
        ax.plot(change, place, "o", color=colour, markerfacecolor=colour if seen else "white")
    ax.axvline(0, color=INK, linewidth=0.8)
    several, charts = shown["measure"].nunique() > 1, len(names) > 1
    labels = []
    for row in shown.itertuples():
        about = [names[key_of(row)]] if charts or not several else []
        about += [_short(str(row.measure))] if several else []
        labels.append(f"{': '.join(about)} (n = {row.n})")
    ax.set_yticks(range(len(shown)), labels)
    ax.invert_yaxis()
    ax.set_xlabel("change over these weeks,\n% of the mean, 95% interval")
    title = f"{sum(beyond_noise)} of {len(shown)} trends can be told from slow noise"
    about = [] if charts or not len(shown) or not several else [next(iter(names.values()))]
    about += [] if several or not len(shown) else [_short(str(shown["measure"].iloc[0]))]
    return _finished(ax, ":\n".join([*about, title]), dates=False)


def plot_decompose(parts: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what a change in diversity is made of, and what is due to AI.

    Parameters
    ----------
    parts : pandas.DataFrame
        As `Tables.decompose` gives.
    ax : matplotlib.axes.Axes, optional
        Default: a new one.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax)
    labels = {
        "change": "whole change",
        "share": "more or fewer AI tracks",
        "within_ai": "AI tracks among themselves",
        "within_human": "human tracks among themselves",
        "between": "AI against human tracks",
        "due_to_ai": "due to AI, against human tracks\nin place of its AI tracks",
    }
    rows = parts.set_index("quantity").loc[list(labels), ["value", "low", "high"]].to_numpy(dtype=float)
    for place, (name, (value, low, high)) in enumerate(zip(labels, rows, strict=True)):
        colour = INK if name == "change" else SERIES[0] if name == "due_to_ai" else SERIES[1]
        ax.barh(place, value, color=colour, alpha=0.75, height=0.6)
        ax.plot([low, high], [place, place], color=INK if name != "change" else QUIET, linewidth=1.5)
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.axhline(0.5, color=RULE)
    ax.axhline(4.5, color=RULE)
    ax.set_yticks(range(len(rows)), list(labels.values()))
    ax.invert_yaxis()
    whole, (due, low, high) = rows[0, 0], rows[-1]
    noise = "" if rows[0, 1] > 0 or rows[0, 2] < 0 else " (may be noise)"
    unsure = "" if low > 0 or high < 0 else " (may be noise)"
    ax.set_xlabel("difference of the measure, 95% interval")
    if "measure" in parts.columns:
        ax.set_xlabel(f"difference of {parts['measure'].iloc[0]}, 95% interval")
    title = (
        f"Changed by {_signed(whole)}{noise};\nby {_signed(due)}{unsure} more than with human tracks for its AI tracks"
    )
    return _finished(ax, title, dates=False)


def plot_evidence(explained: Explained, ax: Axes | None = None) -> Axes:
    """Draw what the detector reads: the fine structure of a file's spectrum, and the lines that it counts.

    Parameters
    ----------
    explained : Explained
        As `chartropy.explain_file` gives.
    ax : matplotlib.axes.Axes, optional
        Default: a new one.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        When the file could not be measured.
    """
    from .explain import fine_structure

    hertz, level, marks = fine_structure(explained)
    ax = _axes(ax)
    ax.plot(hertz / 1000, level, color=QUIET, linewidth=0.6)
    if marks:
        places = np.clip(np.searchsorted(hertz, marks), 0, len(hertz) - 1)
        found = "the lattice" if explained.sound.verdict == "ai" else "the likeliest lattice, none beyond chance"
        ax.plot(np.array(marks) / 1000, level[places], "v", color=SERIES[0], label=f"highest lines of {found}")
        ax.legend(frameon=False, fontsize="small")
    ax.set_xlabel("frequency, kHz")
    ax.set_ylabel("level above what is around it, dB")
    probability = explained.sound.probability
    sure = "" if probability is None else f", {say('likely', probability)}"
    return _finished(ax, f"{explained.path.name}: {explained.sound.verdict}{sure}", dates=False)


def _axes(ax: Axes | None, size: tuple[float, float] = (8, 4.2)) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def _finished(ax: Axes, title: str, *, dates: bool = True) -> Axes:
    ax.set_title(title, loc="left", fontsize="medium")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if dates:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        ax.set_xlabel("chart week ending on")
        if ax.get_legend_handles_labels()[1]:
            ax.legend(frameon=False, fontsize="small")
    return ax


def _short(measure: str) -> str:
    """A measure's name without what explains it; sides of the sound say whose they are."""
    name = say("measure_name", measure).partition(": ")[0]
    root = say("measure_name", measure.rpartition(".")[0]).partition(": ")[0]
    return f"{root} {name}" if name.startswith("–") else name


def _styles():
    return zip(cycle(SERIES), cycle(MARKERS), cycle(LINES), strict=False)


def _one(frame: pd.DataFrame, column: str) -> str:
    """The only value of a column.

    Raises
    ------
    ValueError
        When there are several: the picture would mix what cannot be compared.
    """
    values = sorted(map(str, frame[column].unique()))
    if len(values) > 1:
        raise ValueError(
            f"one {column} is drawn at a time, not {len(values)} ({', '.join(values[:4])}, …): choose by query()"
        )
    return values[0] if values else ""


def _one_chart(frame: pd.DataFrame, what: str) -> None:
    keys = keys_of(frame)
    if len(keys) > 1:
        shown = ", ".join(" ".join(key) for key in sorted(keys)[:4])
        raise ValueError(f"{what} of one chart are drawn at a time, not of {len(keys)} ({shown}, …): choose by query()")


def _name(frame: pd.DataFrame) -> str:
    return next(iter(names_of(keys_of(frame)).values()), "")


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−") if np.isfinite(value) else "not measured"
