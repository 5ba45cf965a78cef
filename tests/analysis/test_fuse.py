from __future__ import annotations

import pytest

from chartropy.analysis.detector import Verdict
from chartropy.analysis.fuse import STRENGTHS, STRONGEST_SOUND, YOU, Evidence, claim, fuse

SOUNDS = {"ai": 5.0, "undecided": 0.5, "human": -4.0, "unmeasured": None}


def sound(verdict: str) -> Verdict:
    odds = SOUNDS[verdict]
    evidence = {} if odds is None else {"log_odds": odds, "human_below": -1.0, "ai_from": 2.0}
    return Verdict(verdict, None if odds is None else 0.5, f"It sounds {verdict}.", "test-1", evidence)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("verdict", SOUNDS)
def test_without_claims_the_sound_decides(verdict):
    found = fuse(sound(verdict))
    assert (found.verdict, found.reason) == (verdict, f"It sounds {verdict}.")
    assert [part.source for part in found.parts] == ["sound"]


@pytest.mark.parametrize("verdict", SOUNDS)
@pytest.mark.parametrize("says", ["ai", "human"])
def test_the_users_word_stands_above_all(verdict, says):
    others = [claim("tags", "tags", "ai", "made with suno"), claim("list", "registry", "ai", "lists them")]
    found = fuse(sound(verdict), [*others, claim("you", YOU, says, "I was there", "2026-01-01")])
    assert found.verdict == says
    assert "You said so: I was there" in found.reason
    assert found.parts[0].source == "you"
    assert len(found.parts) == 4


@pytest.mark.parametrize("verdict", SOUNDS)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_registries_alone_never_make_ai(verdict, count):
    registries = [claim(f"list {i}", "registry", "ai", "lists an artist of this name") for i in range(count)]
    found = fuse(sound(verdict), registries)
    if verdict != "ai":
        assert found.verdict == {"human": "undecided", "unmeasured": "unmeasured", "undecided": "ai"}[verdict]
    if verdict in ("human", "unmeasured"):
        assert "alone proves nothing" in found.reason
    assert len(found.parts) == count + 1


def test_a_registry_counts_beside_sound_that_is_nearly_sure():
    assert fuse(sound("undecided"), [claim("list", "registry", "ai", "")]).verdict == "ai"


@pytest.mark.parametrize("kind", ["c2pa", "tags"])
@pytest.mark.parametrize("verdict", SOUNDS)
def test_a_files_own_word_is_strong(kind, verdict):
    found = fuse(sound(verdict), [claim(kind, kind, "ai", "made with suno")])
    assert found.verdict == ("ai" if verdict != "human" or STRENGTHS[kind] - 4 >= 2 else "undecided")
    assert kind in found.reason


def test_strengths_add_up_and_the_parts_stay_apart():
    found = fuse(sound("human"), [claim("yandex", "platform", "ai", "the credits say so", "2026-02-03")], "2026-02-04")
    assert found.verdict == "undecided"
    assert {part.source: (part.says, part.strength, part.when) for part in found.parts} == {
        "sound": ("human", -4.0, "2026-02-04"),
        "yandex": ("ai", 4.0, "2026-02-03"),
    }
    assert fuse(sound("human"), [claim("yandex", "platform", "human", "")]).verdict == "human"


def test_the_sound_counts_no_more_than_it_can_know():
    sure = Verdict("ai", 1.0, "", "test-1", {"log_odds": 40.0, "human_below": -1.0, "ai_from": 2.0})
    assert fuse(sure).parts == (Evidence("sound", "sound", "ai", "", "", STRONGEST_SOUND),)


def test_an_unknown_kind_is_an_error():
    with pytest.raises(KeyError):
        claim("somebody", "rumour", "ai", "")
