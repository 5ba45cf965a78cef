from __future__ import annotations

from chartropy.reports.words import ENGLISH


def test_no_sound_is_more_certain_than_a_calibration_can_know():
    assert [ENGLISH.times_likelier(p) for p in (0.0, 0.5, 0.75, 0.95, 0.9999, 1.0)] == [
        "400",
        "1.0",
        "3.0",
        "20",
        "400",
        "400",
    ]
    assert ENGLISH.say("likely", 0.95) == "×20 for AI"
    assert ENGLISH.say("likely", 0.05) == "×20 against AI"
