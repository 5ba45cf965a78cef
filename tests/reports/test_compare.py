from __future__ import annotations

from datetime import date, timedelta

from chartropy.reports.compare import Estimate, compare
from chartropy.reports.words import say

LAST = date(2026, 6, 25)
WEEK = timedelta(weeks=1)


def test_difference_of_counts_is_exact():
    estimate = lambda week, value: Estimate(week, value, value, value, 90, "m")  # noqa: E731
    found = compare("ai_flagged", [estimate(LAST - WEEK, 7), estimate(LAST, 4)], LAST)
    assert (found.kind, found.difference) == ("count", -3)
    assert say("change", "ai_flagged", found) == "3 fewer"
