"""A chart week is named by its last day, whatever day of it is asked for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartropy.charts.periods import first_day, last_closed_week, week_of

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ("2026-06-26", "2026-07-02"),  # Friday opens a week
        ("2026-06-27", "2026-07-02"),
        ("2026-06-28", "2026-07-02"),
        ("2026-06-29", "2026-07-02"),
        ("2026-06-30", "2026-07-02"),
        ("2026-07-01", "2026-07-02"),
        ("2026-07-02", "2026-07-02"),  # Thursday closes it
        ("2026-07-03", "2026-07-09"),
        ("2026-12-31", "2026-12-31"),
        ("2027-01-01", "2027-01-07"),
        ("2028-02-29", "2028-03-02"),
    ],
)
def test_a_tophit_week_runs_from_friday_to_thursday(day, week):
    assert week_of(date.fromisoformat(day)).isoformat() == week


@pytest.mark.parametrize(("today", "closed"), [("2026-07-02", "2026-06-25"), ("2026-07-03", "2026-07-02")])
def test_a_week_is_closed_only_when_its_last_day_is_over(today, closed):
    assert last_closed_week(date.fromisoformat(today)).isoformat() == closed


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from(DAYS))
def test_every_day_lies_in_the_week_that_ends_on_the_day_asked_for(day, ends):
    week = week_of(day, ends)
    assert DAYS[week.weekday()] == ends
    assert first_day(week) <= day <= week
    assert week - first_day(week) == timedelta(days=6)
    assert week_of(week, ends) == week
    assert last_closed_week(day, ends) < day <= last_closed_week(day, ends) + timedelta(days=7)
