from __future__ import annotations

from chartropy.reports.words import ENGLISH


def test_probability_is_never_certain():
    assert [ENGLISH.probability(p) for p in (0.0, 0.004, 0.5, 0.994, 1.0)] == ["<1%", "<1%", "50%", ">99%", ">99%"]
