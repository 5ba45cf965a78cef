"""What is compared with what, and whether the difference can be told from noise.

References
----------
Zou, G. Y., Donner, A.: Construction of confidence limits about effect measures: a general approach. Statistics in
Medicine 27 (2008) 1693-1702. The interval of a difference, from the intervals of its two sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

SHARES = ("ai_share", "ai_share.top10")
PERCENTAGES = (*SHARES, "conserve_index", "turnover")
COUNTS = ("ai_flagged", "ai_labelled", "undecided", "unmeasured")
ENTROPIES = ("cultural_entropy", *(f"cultural_entropy.{part}" for part in ("timbre", "rhythm", "harmony", "structure")))
DISTANCES = ("diversity.mean_distance", "novelty.p90", "typicality")
MEASURES = (*SHARES, *COUNTS, *ENTROPIES, *DISTANCES, "conserve_index", "artists", "turnover")
"""What a chart's table of numbers shows, in order."""

ONE_WEEK = timedelta(weeks=1)
LONGEST_TREND = timedelta(weeks=104)
"""What a figure over time shows, and a trend is told of."""
SEEN = 0.05
"""The largest p at which a trend is called one."""


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
class Trend:
    """How a number moved over the weeks that were measured as the newest was.

    Attributes
    ----------
    kind : str
        ``rising`` or ``falling``: p is at most .05. ``unclear``: it is not. ``short``: too few weeks to tell.
    first : Estimate
        The number in the first of the weeks.
    n : int
        How many weeks were measured.
    since : str
        The newest number against the first one, as :class:`Comparison` calls it.
    change, low, high : float
        From the first week to the newest along the trend, with its 95 % interval.
    p : float
        Of no trend, in noise that remembers the week before; NaN where the number never changed.
    """

    kind: str
    first: Estimate
    n: int
    since: str
    change: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan


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
    return _against(before, now)


def _against(before: Estimate, now: Estimate) -> Comparison:
    """Compare two numbers that were measured alike."""
    difference, weeks = now.value - before.value, (now.week - before.week) // ONE_WEEK
    if not (now.bounded and before.bounded):
        return Comparison("unbounded", before, weeks, difference)
    low = difference - math.hypot(now.value - now.low, before.high - before.value)
    high = difference + math.hypot(now.high - now.value, before.value - before.low)
    kind = "up" if low > 0 else "down" if high < 0 else "same"
    return Comparison(kind, before, weeks, difference, low, high)


def recent(estimates: Iterable[Estimate], week: date) -> list[Estimate]:
    """Return the numbers of the last `LONGEST_TREND`, up to a week."""
    return [e for e in estimates if week - LONGEST_TREND <= e.week <= week]


def trend_of(measure: str, estimates: Sequence[Estimate], week: date) -> Trend | None:
    """Tell whether a number rises or falls over the last `LONGEST_TREND`, up to a week.

    Parameters
    ----------
    measure : str
        The change of a share is not told to be more than a share can change.
    estimates : sequence of Estimate
        In order of time; weeks measured in another way than the newest are left out.
    week : date
        The newest week that counts.

    Returns
    -------
    Trend or None
        By :func:`chartropy.analysis.trends.trend`; None where the week itself was not measured.
    """
    from ..analysis.trends import FEWEST, trend

    shown = recent(estimates, week)
    if not shown or shown[-1].week != week:
        return None
    alike = [e for e in shown if e.method == shown[-1].method]
    first, now = alike[0], alike[-1]
    since = _against(first, now).kind
    if len(alike) < FEWEST:
        return Trend("short", first, len(alike), since)
    if len({e.value for e in alike}) == 1:
        return Trend("unclear", first, len(alike), since, 0.0)
    found = trend([e.value for e in alike], pd.DatetimeIndex([e.week for e in alike]))
    least, most = (-first.value, 1 - first.value) if measure in PERCENTAGES else (-math.inf, math.inf)
    change, low, high = (
        min(max(end, least), most) for end in (found.change.value, found.change.low, found.change.high)
    )
    p = found.p[found.headline]
    kind = "unclear" if p > SEEN else "rising" if change > 0 else "falling"
    return Trend(kind, first, len(alike), since, change, low, high, p)


def apart(one: Estimate, other: Estimate) -> bool:
    """Tell whether two estimates of one week differ by more than noise; False when one has no interval."""
    if not (one.bounded and other.bounded):
        return False
    big, small = (one, other) if one.value >= other.value else (other, one)
    return big.value - small.value > math.hypot(big.value - big.low, small.high - small.value)
