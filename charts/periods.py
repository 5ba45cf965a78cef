"""Periods that charts cover; the chart week, seven days named by the last one, is the usual one."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from ..workspace.settings import Weekday

Kind = Literal["daily", "weekly", "monthly", "annual", "decade"]
KINDS: tuple[Kind, ...] = get_args(Kind)

YEARS = range(1901, 2200)
"""A date outside of them is a slip of the pen; a form without a year gives 1900."""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, order=True)
class Period:
    """What one chart covers.

    Attributes
    ----------
    end, start : date
        Last and first day.
    kind : str
        One of `KINDS`.
    """

    end: date
    start: date
    kind: Kind = "weekly"

    @classmethod
    def week(cls, end: date) -> Period:
        """Return the seven days that end on `end`."""
        return cls(end, first_day(end))

    @classmethod
    def holding(cls, day: date, kind: Kind, week_ends: Weekday = "thursday") -> Period:
        """Return the period of a kind that `day` lies in; decades begin with the years 0, as charts count them."""
        if kind == "daily":
            return cls(day, day, kind)
        if kind == "weekly":
            return cls.week(week_of(day, week_ends))
        if kind == "monthly":
            return cls(day.replace(day=monthrange(day.year, day.month)[1]), day.replace(day=1), kind)
        first = day.year if kind == "annual" else day.year // 10 * 10
        return cls(date(first + (0 if kind == "annual" else 9), 12, 31), date(first, 1, 1), kind)

    def following(self, week_ends: Weekday = "thursday") -> Period:
        """Return the next period of this kind."""
        return self.holding(self.end + timedelta(days=1), self.kind, week_ends)

    def __str__(self) -> str:
        if self.kind == "weekly":
            return f"week {self.end}"
        if self.kind == "monthly":
            return f"month {self.end:%Y-%m}"
        if self.kind == "daily":
            return f"day {self.end}"
        return f"year {self.end.year}" if self.kind == "annual" else f"decade {self.start.year}s"


def periods_between(first: date, last: date, kind: Kind, week_ends: Weekday = "thursday") -> Iterator[Period]:
    """Yield every period from the one that holds `first` to the one that holds `last`."""
    period, end = Period.holding(first, kind, week_ends), Period.holding(last, kind, week_ends)
    while period <= end:
        yield period
        period = period.following(week_ends)


def week_of(day: date, week_ends: Weekday = "thursday") -> date:
    """Return the last day of the chart week that holds `day`."""
    return day + timedelta(days=(_DAYS.index(week_ends) - day.weekday()) % 7)


def last_closed_week(today: date, week_ends: Weekday = "thursday") -> date:
    """Return the last day of the newest chart week that is over: its last day lies before `today`."""
    return week_of(today, week_ends) - timedelta(weeks=1)


def first_day(week: date) -> date:
    """Return the first day of the chart week that ends on `week`."""
    return week - timedelta(days=6)
