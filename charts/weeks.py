"""Chart weeks: seven days, named by the last one."""

from __future__ import annotations

from datetime import date, timedelta

from ..workspace.settings import Weekday

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def week_of(day: date, week_ends: Weekday = "thursday") -> date:
    """Return the last day of the chart week that holds `day`."""
    return day + timedelta(days=(_DAYS.index(week_ends) - day.weekday()) % 7)


def last_closed_week(today: date, week_ends: Weekday = "thursday") -> date:
    """Return the last day of the newest chart week that is over: its last day lies before `today`."""
    return week_of(today, week_ends) - timedelta(weeks=1)


def first_day(week: date) -> date:
    """Return the first day of the chart week that ends on `week`."""
    return week - timedelta(days=6)
