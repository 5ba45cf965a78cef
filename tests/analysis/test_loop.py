import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from chartropy.analysis.describers import NOTHING_SAID, TAGS, CoarseMel, LeadSheet, LeadSheets, Levels, Tags
from chartropy.analysis.diversity import order2_diversity
from chartropy.analysis.loop import (
    CONTROLS,
    MORE_THAN_CHAINS,
    Library,
    Loop,
    Sound,
    chains_to_rank,
    columns_of,
    holm,
    lost_from,
    run_loop,
)
from chartropy.analysis.makers import TAKES, Concatenation, GriffinLim, Synthesizer, describer_named, maker_named
from chartropy.analysis.measures import load_space
from chartropy.analysis.space import kernel
from chartropy.audio.decode import Audio
from chartropy.audio.synthesize import draw_plan, perform, synthesize
from chartropy.features.registry import DESCRIPTORS
from chartropy.workspace.errors import AudioError, ChartropyError, UnsuitableAudio

SPACE = load_space()
COLUMNS = columns_of(SPACE)
NAMES = np.array(SPACE.names)


def silent_source():
    raise AssertionError("nothing needs this clip's samples")


def a_sound(scores, name=""):
    """A clip with these standard scores."""
    row = np.full(len(DESCRIPTORS), np.nan)
    row[COLUMNS] = SPACE.centers + SPACE.scales * np.asarray(scores)
    return Sound(silent_source, name, row)


def some_sounds(count, seed=0, prefix="clip"):
    """Clips that differ in ten hidden ways, as music does, and a little in everything."""
    rng, ways = np.random.default_rng(seed), np.random.default_rng(99).standard_normal((10, len(NAMES)))
    scores = rng.standard_normal((count, 10)) @ ways / 10**0.5 * 0.9 + 0.4 * rng.standard_normal((count, len(NAMES)))
    return [a_sound(row, f"{prefix} {n}") for n, row in enumerate(np.clip(scores, -4.9, 4.9))]


@pytest.fixture(scope="module")
def library():
    return Library(some_sounds(100))


@pytest.fixture(scope="module")
def starts():
    return some_sounds(30, seed=1, prefix="start")


@pytest.fixture(scope="module")
def songs():
    return [Sound(partial(synthesize, n, seconds=6), f"song {n}") for n in range(10)]


def looped(starts, library, describer="levels-4", maker="nearest", **options) -> Loop:
    hears = describer_named(describer, library)
    options = {"rounds": 5, "replicates": 200, "draws": 60} | options
    return run_loop(starts, hears, maker_named(maker, hears, library), library, **options)


def controlled(starts, library, control, **options) -> Loop:
    options = {"rounds": 4, "replicates": 200, "draws": 60} | options
    return run_loop(starts, None, None, library, control=control, **options)


class Through:
    """A describer that says all, and a maker that does something to it."""

    name = form = "all"
    takes = ("all",)

    def __init__(self, change):
        self.change = change

    def describe(self, sound):
        return sound

    def make(self, sound, rng):
        scores = (sound.row[COLUMNS] - SPACE.centers) / SPACE.scales
        return a_sound(self.change(scores, rng), sound.name)


def changed(starts, library, change, **options):
    both = Through(change)
    return run_loop(starts, both, both, library, **({"rounds": 3, "replicates": 200, "draws": 20} | options))


# -- controls ----------------------------------------------------------------------------------------------------------


def test_what_is_passed_on_stays(starts, library):
    loop = controlled(starts, library, "identity")
    for found in loop.measures:
        assert found["similarity_to_start"].value == found["similarity_to_start"].low == 1
        strength = found["attractor_strength"]
        assert (strength.value, strength.low, strength.high, strength.n) == (0, 0, 0, 30)
        assert found["diversity"] == loop.measures[0]["diversity"]
        assert found["motifs"] == loop.measures[0]["motifs"]
    assert loop.survival[["variance", "memory"]].to_numpy() == pytest.approx(1)
    assert np.isinf(loop.survival[["alike_from", "forgotten_from"]].to_numpy()).all()
    assert loop.nulls[-1]["similarity_to_start"][3] == 1 / 1000  # no deal of the starts is as similar
    likeness = kernel(library.space.distances(library.rows(starts)))
    to_others = (likeness.sum() - len(starts)) / (
        len(starts) * (len(starts) - 1)
    )  # the own start is none of the others
    assert loop.nulls[-1]["similarity_to_start"][0] == pytest.approx(to_others)
    assert not any("artist" in found.method for of_round in loop.measures for found in of_round.values())


def test_more_distinct_sounds_than_chains_are_not_told(library):
    rng = np.random.default_rng(7)
    spread = [a_sound(row, f"start {n}") for n, row in enumerate(2 * rng.standard_normal((9, len(NAMES))))]
    assert order2_diversity(kernel(library.space.distances(library.rows(spread)))) > 9
    for found in (of_round["diversity"] for of_round in controlled(spread, library, "identity", rounds=1).measures):
        assert np.isnan([found.value, found.low, found.high]).all()
        assert (found.n, found.method) == (9, MORE_THAN_CHAINS)
    alike = [a_sound(0.3 * rng.standard_normal(len(NAMES)), f"start {n}") for n in range(9)]
    found = controlled(alike, library, "identity", rounds=1).measures[0]["diversity"]
    assert 1 <= found.low < found.value < 9


def test_shuffled_descriptions_leave_nothing_of_the_own_start(starts, library):
    own, shuffled = (looped(starts, library, "levels-16", control=control) for control in (None, "shuffled"))
    last, (_, low, high, p) = shuffled.measures[-1]["similarity_to_start"], shuffled.nulls[-1]["similarity_to_start"]
    assert low <= last.value <= high
    assert p > 0.02
    assert last.value < 0.75 * own.measures[-1]["similarity_to_start"].value
    assert own.nulls[-1]["similarity_to_start"][3] == 1 / 1000
    # the same clips come out, whoever gets them: it is not diversity that the shuffling takes
    assert shuffled.measures[-1]["diversity"].value == pytest.approx(own.measures[-1]["diversity"].value, rel=0.1)
    assert shuffled.measures[-1]["attractor_strength"].high == 1


def test_independent_redraws_are_as_diverse_as_the_library(starts, library):
    loop = controlled(starts, library, "redraw", rounds=6)
    for found, null in zip(loop.measures[1:], loop.nulls[1:], strict=True):
        assert found["diversity"].low < null["diversity"][0] < found["diversity"].high
        assert found["mean_distance"].low < null["mean_distance"][0] < found["mean_distance"].high
        assert null["motifs"][3] > 0.01
        assert null["similarity_to_start"][1] <= found["similarity_to_start"].value <= null["similarity_to_start"][2]
        assert found["attractor_strength"].high == 1
        assert found["attractor_strength"].low <= found["attractor_strength"].value
    drawn = loop.rows[loop.rows["round"] == 1]["sound"]
    assert drawn.nunique() == 30  # none twice


def test_p_values_of_clips_drawn_at_random_are_spread_evenly(library):
    """Clips of the library's own kind: the null hypotheses hold, and .05 must be undercut in about a twentieth."""
    found = [
        controlled(some_sounds(12, seed=100 + n), library, "redraw", rounds=1, seed=n, replicates=100, draws=40).nulls[
            1
        ]
        for n in range(30)
    ]
    for measure in ("similarity_to_start", "motifs"):
        p = np.array([null[measure][3] for null in found])
        assert (p <= 0.05).mean() < 0.15
        assert 0.35 < p.mean() < 0.7


def test_a_codec_alone_changes_little(songs):
    loop = controlled(songs[:3], Library(songs), "codec", rounds=2)
    assert loop.measures[-1]["similarity_to_start"].value > 0.93
    assert loop.measures[-1]["similarity_to_start"].value < 1
    assert loop.measures[-1]["attractor_strength"].value == pytest.approx(0, abs=0.1)


# -- a map of the library into itself ----------------------------------------------------------------------------------

HAND_MADE = {0: 1, 1: 2, 2: 0, 3: 3, 4: 3, 5: 4, 6: 5, 7: 1, 8: 3, 9: 8}
"""A ring of three, and a clip that leads to itself; after six rounds each chain is in one of them."""


class ByHand:
    """Says the number of the next clip."""

    name = form = "by hand"

    def __init__(self, library):
        self.at = {sound.name: n for n, sound in enumerate(library.sounds)}

    def describe(self, sound):
        return HAND_MADE[self.at[sound.name]]

    def place(self, number):
        return np.array([float(number)])

    def places(self, library):
        return np.arange(len(library.sounds), dtype=float)[:, None]


def test_the_nearest_clip_is_a_map_and_ends_as_the_map_says():
    from chartropy.analysis.makers import Nearest

    small = Library(some_sounds(10))
    hears = ByHand(small)
    loop = run_loop(small.sounds, hears, Nearest(small, hears), small, rounds=6, replicates=100, draws=10)
    sounds = loop.rows.pivot(index="round", columns="chain", values="sound")
    for chain in range(10):
        place = chain
        for number in range(1, 7):
            place = HAND_MADE[place]
            assert sounds.loc[number, chain] == f"clip {place}"
    assert set(sounds.loc[6]) == {"clip 0", "clip 1", "clip 2", "clip 3"}
    # 0, 1, 2 and 7 are in the ring, in three places of it, the other six at 3
    assert sorted(sounds.loc[6].value_counts()) == [1, 1, 2, 6]


@pytest.mark.parametrize("describer", ["tags", "levels-2", "levels-16"])
def test_every_chain_of_nearest_clips_ends_in_a_cycle(starts, library, describer):
    loop = looped(starts, library, describer, rounds=25)
    sounds = loop.rows.pivot(index="round", columns="chain", values="sound")
    ends = set()
    for chain in sounds:
        course = sounds[chain].tolist()[1:]
        assert len(set(course)) < len(course), "no clip came twice"
        first = course.index(course[-1])
        period = next(n for n in range(1, len(course)) if course[-1 - n] == course[-1])
        assert all(course[n] == course[n - period] for n in range(first + period, len(course)))
        ends.add(frozenset(course[-period:]))
    assert len(ends) <= len(starts)
    following = {}
    for _, chain in loop.rows[loop.rows["round"] > 0].groupby("chain"):
        for before, after in zip(chain["sound"], chain["sound"].iloc[1:], strict=False):
            assert following.setdefault(before, after) == after  # a map: one clip follows each


def test_more_levels_keep_more(starts, library):
    kept = [looped(starts, library, f"levels-{n}") for n in (2, 4, 16, 64)]
    similarity = [loop.measures[-1]["similarity_to_start"].value for loop in kept]
    strength = [loop.measures[-1]["attractor_strength"].value for loop in kept]
    assert similarity == sorted(similarity)
    assert strength == sorted(strength, reverse=True)


def test_fresh_input_raises_diversity(starts, library):
    dull, fresh = (looped(starts, library, "levels-2", rounds=12, fresh=share) for share in (0.0, 0.4))
    assert dull.measures[-1]["diversity"].value < 0.8 * dull.measures[0]["diversity"].value
    for number in range(3, 13):
        assert fresh.measures[number]["diversity"].value > 1.1 * dull.measures[number]["diversity"].value
        assert fresh.measures[number]["similarity_to_start"].value < dull.measures[number]["similarity_to_start"].value
    fed = fresh.rows.groupby("round")["fresh"].sum()
    assert fed[0] == 0
    assert (fed[1:] == 12).all()
    assert not dull.rows["fresh"].any()
    assert fresh.name == "levels-2 -> nearest, 40% fresh"


def test_fresh_clips_come_from_where_they_are_said_to(starts, library):
    one = a_sound(np.full(len(NAMES), 3.0), "fresh")
    loop = changed(starts, library, lambda scores, rng: scores, fresh=1.0, fresh_from=[one], rounds=1)
    assert (loop.rows[loop.rows["round"] == 1]["sound"] == "fresh").all()


# -- what is measured --------------------------------------------------------------------------------------------------


def test_attraction_is_one_minus_the_slope(starts, library):
    loop = changed(starts, library, lambda scores, rng: 0.3 + 0.8 * scores)
    for number, found in enumerate(loop.measures):
        assert found["attractor_strength"].value == pytest.approx(1 - 0.8**number, abs=0.02)
    last = loop.attractors[loop.attractors["round"] == 3].set_index("component")
    assert last.loc["component 1", "slope"] == pytest.approx(0.512, abs=0.02)
    assert last.loc["rhythm", "attractor_strength"] == pytest.approx(0.488, abs=0.02)
    assert last["share"].dropna().is_monotonic_decreasing
    family = loop.survival.set_index("name").loc["timbre"]
    assert family["variance"] == pytest.approx(0.8**6, abs=0.01)
    assert family["memory"] == pytest.approx(1, abs=0.001)
    assert (
        family["alike_from"] == family["alike_from_low"] == family["alike_from_high"] == 2
    )  # .64 after one round, then .41
    assert family["forgotten_from"] == np.inf
    assert loop.measures[-1]["diversity"].value < loop.measures[0]["diversity"].value


def test_a_turned_slope_is_a_slope(starts, library):
    loop = changed(starts, library, lambda scores, rng: -scores, rounds=1)
    assert loop.measures[1]["attractor_strength"].value == pytest.approx(0, abs=1e-9)
    assert loop.survival.set_index("name").loc["timbre", "memory"] == pytest.approx(-1)


def test_where_differences_grow_the_strength_is_below_nothing(starts, library):
    loop = changed(
        [a_sound(np.full(len(NAMES), n / 10), f"{n}") for n in range(-8, 8)], library, lambda s, rng: 1.5 * s
    )
    for number, found in enumerate(loop.measures):
        strength = found["attractor_strength"]
        assert strength.value == pytest.approx(1 - 1.5**number)
        assert strength.low <= strength.value <= strength.high
    assert loop.measures[-1]["attractor_strength"].high < 0


def test_where_all_become_one_nothing_is_left(starts, library):
    loop = changed(starts, library, lambda scores, rng: np.zeros_like(scores), rounds=2)
    last = loop.measures[-1]
    assert (last["mean_distance"].value, last["diversity"].value, last["motifs"].value) == pytest.approx((0, 1, 1))
    assert last["attractor_strength"].value == pytest.approx(1)
    assert loop.nulls[-1]["motifs"][3] == pytest.approx(1 / 21)
    assert (loop.survival[["variance", "memory"]] == 0).all(axis=None)
    assert loop.motifs["chains"].tolist() == [30]
    # ends that are all alike are as like to the own start as to any
    assert loop.nulls[-1]["similarity_to_start"][3] == 1


def test_starts_that_do_not_vary_have_no_attractor(library):
    loop = changed(
        [a_sound(np.zeros(len(NAMES)), f"{n}") for n in range(4)], library, lambda scores, rng: scores, rounds=1
    )
    found = loop.measures[1]["attractor_strength"]
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.method == "no estimate: the starts do not vary"


def test_what_dies_first_is_on_top(starts, library):
    timbre = np.char.startswith(NAMES, "timbre.")
    rhythm = np.char.startswith(NAMES, "rhythm.")

    def change(scores, rng):
        new = np.clip(scores * np.where(timbre, 0.2, 1.0), -4.9, 4.9)
        return np.where(rhythm, rng.standard_normal(len(scores)), new)

    loop = changed(starts, library, change)
    families = loop.survival[loop.survival["kind"] == "family"]
    assert families["name"].iloc[0] == "rhythm"  # forgotten, though as varied as before
    by_name = families.set_index("name")
    assert abs(by_name.loc["rhythm", "memory"]) < 0.2
    assert by_name.loc["rhythm", "forgotten_from"] == by_name.loc["rhythm", "forgotten_from_high"] == 1
    assert by_name.loc["rhythm", "alike_from"] == np.inf
    assert by_name.loc["timbre", "alike_from"] == 1
    assert by_name.loc["timbre", "memory"] == pytest.approx(1, abs=1e-3)  # made alike, not forgotten
    assert by_name.loc["tonality", "variance"] == pytest.approx(1, abs=1e-6)
    descriptors = loop.survival[loop.survival["kind"] == "descriptor"]
    assert descriptors["name"].tolist() == NAMES.tolist()  # 30 chains are too few to say which was first
    assert descriptors["again"].isna().all()
    many = changed(some_sounds(60, seed=2), library, change).survival
    descriptors = many[many["kind"] == "descriptor"]
    assert descriptors["name"].head(int(rhythm.sum())).str.startswith("rhythm.").all()
    assert descriptors["forgotten_from"].is_monotonic_increasing
    tied = descriptors[descriptors["forgotten_from"] == 1]
    assert tied["memory"].abs().is_monotonic_increasing  # a correlation of -.3 remembers more than one of 0
    assert (descriptors["again"] * 15).sum() / 15 == pytest.approx(15)  # fifteen are among the first in each replicate
    assert descriptors["again"].head(int(rhythm.sum())).sum() > 14.9


def test_nothing_is_called_forgotten_that_is_remembered(starts, library):
    """A family that is turned about each round falls below half and comes back; one that comes to stand on its head is not lost."""
    vocals = np.char.startswith(NAMES, "vocals.")

    def change(scores, rng):
        return np.where(vocals, -scores, rng.standard_normal(len(scores)))

    loop = changed(starts, library, change)
    families = loop.survival[loop.survival["kind"] == "family"].set_index("name")
    assert families.loc["vocals", "memory"] == pytest.approx(-1)
    assert families.loc["vocals", "forgotten_from"] == np.inf
    assert families.index[-1] == "vocals"
    for survival in (loop.survival, looped(starts, library).survival):
        lost = np.isfinite(survival["forgotten_from"])
        assert (survival["memory"].abs() < 0.5).equals(lost)


def test_what_is_lost_by_hand():
    curves = [[1, 0.75, 0.25, 0.1], [1, 0.9, 0.8, 0.7], [1, 0.4, 0.9, 0.2], [1, 0, 0, 0], [1, 0.1, 0.1, 0.5], [0.2] * 4]
    assert lost_from(np.array(curves)) == pytest.approx([2, np.inf, 3, 1, np.inf, 0])
    assert np.isnan(lost_from(np.array([[np.nan] * 3, [1, 0.2, np.nan], [np.nan, 0.2, 0.2]]))).all()


def test_how_many_chains_tell_which_descriptor_was_first():
    # one interval of .95: (1.96 / atanh(.5))² + 3 = 15.7
    assert chains_to_rank(1) == 16
    assert chains_to_rank(921) == 57
    with pytest.raises(ValueError, match="descriptors must be 1 or more, not 0"):
        chains_to_rank(0)


def test_p_that_are_read_together_are_adjusted():
    # least times 4, next times 3, ... and none less than the one before
    assert holm([0.01, np.nan, 0.04, 0.03, 0.005]) == pytest.approx([0.03, np.nan, 0.06, 0.06, 0.02], nan_ok=True)
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert np.isnan(holm([np.nan])).all()


def test_effective_motifs_by_hand():
    from chartropy.analysis.loop import _effective_motifs

    found = _effective_motifs(np.array([0, 0, 1, 2]))
    assert found.value == pytest.approx(2 * 2**0.5)  # shares 1/2, 1/4, 1/4: entropy 1.5 bit
    # without one of the two: three of three; without one of the others: 2/3 and 1/3
    left = np.array([3, 3, 3 / 2 ** (2 / 3), 3 / 2 ** (2 / 3)])
    reach = 3.182446 * (3 / 4 * ((left - left.mean()) ** 2).sum()) ** 0.5
    assert found.high == pytest.approx(min(4, found.value + reach), rel=1e-5)
    assert found.low == pytest.approx(max(1, found.value - reach), rel=1e-5)
    assert np.isnan(_effective_motifs(np.array([0, 1])).value)
    for motifs, value, said in ((np.arange(9), 9, "each in a motif of their own"), (np.zeros(9), 1, "in one motif")):
        found = _effective_motifs(motifs)
        assert found.value == pytest.approx(value)
        assert np.isnan([found.low, found.high]).all()
        assert found.method == f"no interval: all 9 chains are {said}"


def test_few_chains_have_no_interval(starts, library):
    loop = looped(starts[:7], library, rounds=2)
    for one in (*loop.measures[-1].values(), *(loop.attractors.itertuples())):
        assert np.isnan([one.low, one.high]).all()
        assert one.n == 7
        assert one.method.startswith("no interval: ")
    assert loop.measures[-1]["diversity"].method == "no interval: 7 chains, 8 are needed"
    bounds = [name for name in loop.survival if name.endswith(("_low", "_high"))]
    assert loop.survival[bounds].isna().all(axis=None)
    assert loop.survival["memory"].notna().all()
    enough = looped(starts[:8], library, rounds=2)
    assert np.isfinite([enough.measures[-1]["diversity"].low, enough.measures[-1]["attractor_strength"].high]).all()


def test_the_same_seed_gives_the_same(starts, library):
    again = [looped(starts, library, "levels-2", fresh=0.3, seed=seed) for seed in (4, 4, 5)]
    one, two, other = (loop.table() for loop in again)
    assert one.equals(two)
    assert again[0].rows.equals(again[1].rows)
    assert again[0].survival.equals(again[1].survival)
    assert not one["value"].equals(other["value"])


def test_the_table_says_what_is_compared_with_what(starts, library):
    table = looped(starts, library, rounds=2).table()
    assert list(table.columns) == "loop round measure value low high n method null null_low null_high p".split()
    assert table["loop"].unique().tolist() == ["levels-4 -> nearest"]
    told = table.dropna(subset=["value"])
    assert told[["low", "high"]].notna().all(axis=None)
    assert (told["n"] == 30).all()
    assert (told["low"] <= told["value"] + 1e-12).all()
    assert (told["value"] <= told["high"] + 1e-12).all()


def test_a_chain_that_breaks_is_named_and_the_others_go_on(starts, library):
    class Breaks(Through):
        def make(self, sound, rng):
            if sound.name == "start 3":
                raise UnsuitableAudio("start 3 became silence.")
            return sound

        def describe(self, sound):
            if sound.name == "start 7":
                raise AudioError("start 7 says nothing.")
            return sound

    both = Breaks(None)
    loop = run_loop(starts, both, both, library, rounds=3, replicates=100, draws=10)
    assert loop.problems == ["start 3, round 1: start 3 became silence.", "start 7, round 1: start 7 says nothing."]
    assert [found["similarity_to_start"].n for found in loop.measures] == [30, 28, 28, 28]
    assert loop.measures[-1]["similarity_to_start"].value == 1
    assert loop.measures[-1]["attractor_strength"].n == 28
    assert loop.measures[-1]["motifs"].n == 28
    ended = loop.rows[(loop.rows["chain"] == 3) & (loop.rows["round"] > 0)]
    assert ended["similarity_to_start"].isna().all()
    assert ended["problem"].tolist() == ["start 3 became silence.", "", ""]


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rounds": 0}, "rounds must be 1 or more, not 0"),
        ({"fresh": 1.5}, "fresh must lie between 0 and 1, not 1.5"),
        ({"control": "none"}, "control must be one of identity, codec, shuffled, redraw, not 'none'"),
        ({"replicates": 10}, "replicates must be 100 or more, not 10"),
        ({"fresh": 0.5, "fresh_from": []}, "fresh_from must hold a clip or more"),
    ],
)
def test_what_a_loop_refuses(starts, library, options, said):
    with pytest.raises(ValueError, match=said):
        looped(starts, library, **options)


def test_a_loop_needs_chains_a_library_and_two_that_fit(starts, library):
    with pytest.raises(ValueError, match="starts must be 3 clips or more, not 2"):
        controlled(starts[:2], library, "identity")
    with pytest.raises(ValueError, match="a describer and a maker are needed"):
        controlled(starts, library, "shuffled")
    with pytest.raises(ValueError, match="a library needs 10 clips or more, not 9"):
        Library(some_sounds(9))
    with pytest.raises(ValueError, match=r"row must be shaped \(941,\), one value per descriptor, not \(3,\)"):
        Sound(silent_source, "", np.zeros(3))
    with pytest.raises(ValueError, match="maker 'griffinlim' takes mel, but describer 'tags' gives tags"):
        run_loop(starts, Tags(library), GriffinLim(), library)


def test_who_does_not_fit_is_told_who_does(library):
    with pytest.raises(ValueError, match="with it go the makers nearest, synth; with 'griffinlim' the describers mel"):
        maker_named("griffinlim", describer_named("levels-4", library), library)
    with pytest.raises(ValueError, match="with 'nearest' the describers tags, levels-N, leadsheet, mel"):
        maker_named("nearest", SimpleNamespace(name="labels:x", form="text"), library)
    with pytest.raises(ValueError, match="no maker 'piano': choose one of nearest, concat"):
        maker_named("piano", Tags(library), library)
    for wrong in ("levels", "levels-x", "labels:", "words"):
        with pytest.raises(ValueError, match=f"there is no describer '{wrong}': choose one of tags"):
            describer_named(wrong, library)
    with pytest.raises(ValueError, match="levels must lie between 2 and 64, not 1"):
        describer_named("levels-1", library)
    assert set(CONTROLS) == {"identity", "codec", "shuffled", "redraw"}


# -- describers --------------------------------------------------------------------------------------------------------


def test_tags_say_what_stands_out(library):
    tags = Tags(library)
    at = {name: n for n, name in enumerate(NAMES)}
    middle = np.nanmedian(library.scores, axis=0)
    assert tags.describe(a_sound(middle)) == NOTHING_SAID
    assert not tags.scores(NOTHING_SAID)
    scores = middle.copy()
    scores[at["rhythm.tempo.bpm"]], scores[at["timbre.centroid.mean"]] = 4, -4
    said = tags.describe(a_sound(scores))
    assert said == "fast, dark"
    assert tags.scores(said)["rhythm.tempo.bpm"] > 0.5
    assert tags.scores(said)["timbre.centroid.mean"] < -0.5
    assert len(tags.scores(said)) == 2
    scores[at["rhythm.tempo.bpm"]] = np.nan  # of what was not measured nothing is said
    assert tags.describe(a_sound(scores)) == "dark"
    words = [word for _, *both in TAGS for word in both]
    assert len(set(words)) == len(words)
    assert {name for name, *_ in TAGS} <= set(NAMES)
    third = library.scores[:, at["rhythm.tempo.bpm"]]
    third = third[third > np.quantile(third, 2 / 3)]
    assert tags.place("fast")[0] == pytest.approx(third.mean())


def test_levels_stand_for_the_mean_of_their_part(library):
    levels = Levels(library, 2)
    said = levels.describe(library.sounds[0])
    assert set(said) <= {0, 1}
    scores = library.scores[:, 5]
    upper = scores > np.median(scores)
    expected = scores[upper == bool(said[5])].mean()
    assert levels.place(said)[5] == pytest.approx(expected * library.weights[5])
    missing = library.sounds[0].row.copy()
    missing[COLUMNS[5]] = np.nan
    said = levels.describe(Sound(silent_source, "", missing))
    assert said[5] == -1
    assert levels.place(said)[5] == 0
    assert NAMES[5] not in levels.scores(said)


def triads(chords, seconds, rate=44100):
    """Chords of sawtooth-like tones with a click on every beat of half a second."""
    t = np.arange(int(seconds * rate)) / rate
    parts = []
    for notes in chords:
        tone = sum(np.sin(2 * np.pi * 440 * 2 ** ((n - 69) / 12) * t * k) / k for n in notes for k in (1, 2, 3))
        parts.append(tone)
    sound = 0.1 * np.concatenate(parts)
    for start in range(0, len(sound), rate // 2):
        click = sound[start : start + rate // 20]
        click += 0.8 * np.random.default_rng(0).standard_normal(len(click)) * np.exp(-np.arange(len(click)) / 400)
    return Sound(Audio(sound[None].astype(np.float32), rate), "triads")


def test_a_lead_sheet_has_the_chords_that_were_played():
    c, f, g, am = (60, 64, 67), (60, 65, 69), (59, 62, 67), (60, 64, 69)
    sheet = LeadSheets().describe(triads([c, f, g, am] * 2 + [f, f, c, c], 2.0))
    assert sheet.tempo == 120
    assert (sheet.tonic, sheet.minor) == (0, False)
    assert " ".join(sheet.chords[:12]) == "C F G Am C F G Am F F C C"
    assert sheet.form.startswith("AAB")
    assert str(sheet).startswith("120 BPM, C major, AAB")
    assert sheet.bar == 2


def test_a_mel_of_whole_decibels():
    song = Sound(synthesize(3, seconds=8), "song")
    mel = CoarseMel(bands=12, step=1.0)
    said = mel.describe(song)
    assert said.shape == (12, 8)
    assert said.dtype == np.int16
    louder = Sound(Audio(song.audio().samples / 10, 44100), "softer")
    assert (said - mel.describe(louder)).mean() == pytest.approx(20, abs=0.3)
    with pytest.raises(AudioError, match=r"short: shorter than two columns of 1 s"):
        mel.describe(Sound(Audio(np.zeros((1, 44100), np.float32), 44100), "short"))
    with pytest.raises(ValueError, match="bands must lie between 4 and 128, not 2"):
        CoarseMel(2)
    with pytest.raises(ValueError, match=r"step must be .05 s or more, not 0"):
        CoarseMel(24, 0)


# -- makers ------------------------------------------------------------------------------------------------------------


def test_griffin_lim_sounds_as_described(songs):
    mel = CoarseMel()
    for song in songs[:3]:
        said = mel.describe(song)
        made = GriffinLim().make(said, np.random.default_rng(0))
        heard = mel.describe(made)
        assert heard.shape == said.shape  # a loop does not eat its tail
        loud = said > said.max() - 50
        assert np.sqrt(np.mean((heard - said)[loud].astype(float) ** 2)) < 3  # dB
    again = GriffinLim().make(said, np.random.default_rng(0))
    assert np.array_equal(again.audio().samples, made.audio().samples)
    with pytest.raises(ValueError, match="iterations must be 1 or more, not 0"):
        GriffinLim(0)


def test_a_clip_of_the_library_is_put_together_of_itself(songs):
    library = Library(songs)
    maker = Concatenation(library)
    mel = CoarseMel()
    said = mel.describe(songs[4])
    made = maker.make(said, np.random.default_rng(0))
    original = songs[4].audio().samples
    assert np.allclose(made.audio().samples[:, : original.shape[1]], original, atol=1e-5)
    away = Concatenation(Library([*songs[:4], *songs[5:], songs[0]]))
    heard = mel.describe(away.make(said, np.random.default_rng(0)))
    assert heard.shape == said.shape
    random = np.mean([np.abs(mel.describe(song) - said).mean() for song in songs if song is not songs[4]])
    assert np.abs(heard - said).mean() < 0.8 * random
    with pytest.raises(ValueError, match="description must be of 24 bands, not 12"):
        maker.make(CoarseMel(12).describe(songs[0]), np.random.default_rng(0))
    sheet = maker.make(LeadSheet(120, 0, False, ("C", "F", "G"), "A"), np.random.default_rng(0))
    assert sheet.audio().seconds == pytest.approx(6, abs=0.1)


def test_the_synthesizer_plays_what_is_said(library):
    tags = Tags(library)
    maker = Synthesizer(library, tags, seconds=8)
    fast, slow = (maker.make(f"{word}, minor", np.random.default_rng(1)) for word in ("fast", "slow"))
    assert not np.array_equal(fast.audio().samples, slow.audio().samples)
    same = maker.make("fast, minor", np.random.default_rng(1))
    assert np.array_equal(fast.audio().samples, same.audio().samples)
    dull, sharp = (maker.make(word, np.random.default_rng(2)).row for word in ("dark", "bright"))
    at = list(DESCRIPTORS).index("timbre.centroid.mean")
    assert sharp[at] > dull[at]
    sheets = Synthesizer(library, LeadSheets(), seconds=16)
    sheet = LeadSheet(120, 2, True, ("Dm", "Gm", "Am", "Bb"), "A")
    heard = LeadSheets().describe(sheets.make(sheet, np.random.default_rng(3)))
    assert heard.tempo in (60, 120)
    assert sheets.make(LeadSheet(0, -1, False, (), ""), np.random.default_rng(3)).audio().seconds == pytest.approx(16)
    levels = Levels(library, 4)
    made = Synthesizer(library, levels, seconds=6).make(levels.describe(library.sounds[0]), np.random.default_rng(0))
    assert made.audio().seconds == pytest.approx(6)


def test_a_plan_is_performed_as_its_seed_performs_it():
    assert np.array_equal(perform(draw_plan(5), 5, seconds=3).samples, synthesize(5, seconds=3).samples)
    with pytest.raises(ValueError, match="seconds must be more than 0, not 0"):
        perform(draw_plan(5), 5, seconds=0)


# -- transformers ------------------------------------------------------------------------------------------------------


class FakeTransformers(SimpleNamespace):
    """Pipelines that answer as those of transformers do."""

    def __init__(self):
        super().__init__(asked=[], seeds=[])

    def set_seed(self, seed):
        self.seeds.append(seed)

    def pipeline(self, task, model):
        def answer(given, **options):
            self.asked.append((task, model, given, options))
            if task == "text-to-audio":
                rng = np.random.default_rng(self.seeds[-1])
                return {"audio": 0.1 * rng.standard_normal((1, 1, 32000 * 6), np.float32), "sampling_rate": 32000}
            if task == "automatic-speech-recognition":
                return {"text": " a slow song "}
            return [{"label": name, "score": 0.5} for name in ("Music", "Guitar", "Pop", "Song", "Drum", "Bass")]

        return SimpleNamespace(__call__=answer, feature_extractor=SimpleNamespace(sampling_rate=16000), call=answer)


class _Called:
    """What pipelines are: called, and with a feature extractor."""

    def __init__(self, made):
        self._call, self.feature_extractor = made.call, made.feature_extractor

    def __call__(self, *given, **options):
        return self._call(*given, **options)


@pytest.fixture
def models(monkeypatch):
    fake = FakeTransformers()
    plain = fake.pipeline
    fake.pipeline = lambda task, model: _Called(plain(task, model))
    monkeypatch.setitem(sys.modules, "transformers", fake)
    return fake


def test_models_describe_and_make(models, songs):
    library = Library(songs)
    hears = describer_named("labels:some/model", library)
    makes = maker_named("text-to-audio:some/music", hears, library)
    assert hears.describe(songs[0]) == "Music, Guitar, Pop, Song, Drum"
    task, model, given, _ = models.asked[-1]
    assert (task, model) == ("audio-classification", "some/model")
    assert given.shape == (16000 * 6,)
    assert given.dtype == np.float32
    made = makes.make("Music, Guitar", np.random.default_rng(0))
    assert (made.audio().rate, made.audio().samples.shape) == (32000, (1, 32000 * 6))
    assert models.asked[-1][2] == "music: Music, Guitar"
    loop = run_loop(songs[:3], hears, makes, library, rounds=1, replicates=100, draws=5)
    assert not loop.problems
    assert loop.rows["description"].iloc[-1] == "Music, Guitar, Pop, Song, Drum"
    first, second = (makes.make("x", np.random.default_rng(n)).audio().samples for n in (1, 1))
    assert np.array_equal(first, second)
    assert (
        describer_named("labels:automatic-speech-recognition:some/whisper", library).describe(songs[0]) == "a slow song"
    )
    describer_named("labels:zero-shot-audio-classification:some/clap", library).describe(songs[0])
    assert "minor" in models.asked[-1][3]["candidate_labels"]
    assert "text-to-audio:MODEL" in TAKES


def test_without_transformers_it_is_said_what_to_install(monkeypatch, library):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ChartropyError, match="pip install transformers torch"):
        describer_named("labels:some/model", library)
    with pytest.raises(ChartropyError, match="pip install transformers torch"):
        maker_named("text-to-audio:some/music", Tags(library), library)
