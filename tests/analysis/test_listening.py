from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from scipy.stats import mannwhitneyu

from chartropy.analysis.listening import (
    against_detector,
    agreement,
    by_group,
    consistency,
    d_prime,
    each_clip,
    each_listener,
    oddities,
    pairs,
    sensitivity,
    simulate,
)

NAN = np.nan
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
).T
"""The example of Krippendorff 2011: four observers, twelve units."""


def told(rows, points=6):
    """Answers of (listener, clip, ai, rating)."""
    return pd.DataFrame(rows, columns=["listener", "clip", "ai", "rating"]).assign(points=points)


def only(found, measure):
    return found.set_index("measure").loc[measure]


# -- formulas ----------------------------------------------------------------------------------------------------------


def test_d_prime_of_rates():
    # z(.9) = 1.28155, z(.2) = -.84162, from any table of the normal distribution
    found = d_prime(90, 100, 20, 100, corrected=False)
    assert found.d_prime == pytest.approx(1.28155 + 0.84162, abs=1e-5)
    assert found.criterion == pytest.approx(-(1.28155 - 0.84162) / 2, abs=1e-5)
    # .9 * .1 / (100 * .17550²) + .2 * .8 / (100 * .27996²), with the normal density at both z
    assert found.error == pytest.approx(np.sqrt(0.0009 / 0.17550**2 + 0.0016 / 0.27996**2), rel=1e-4)


def test_the_log_linear_correction():
    found = d_prime([10, 0], [10, 10], [0, 10], [10, 10])
    # rates 10.5 / 11 and .5 / 11; z(.954545) = 1.690622
    assert found.d_prime == pytest.approx([2 * 1.690622, -2 * 1.690622], abs=1e-5)
    assert np.isinf(d_prime(10, 10, 0, 10, corrected=False).d_prime)
    for wrong in ((11, 10, 0, 10), (-1, 10, 0, 10), (0, 0, 0, 10)):
        with pytest.raises(ValueError, match="must lie between 0 and as many clips"):
            d_prime(*wrong)


def test_alpha_of_the_published_example():
    for scale, published in (("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)):
        found = agreement(KRIPPENDORFF, scale=scale)
        assert found.value == pytest.approx(published, abs=5e-4)
        assert found.n == 11, "a unit that one observer judged says nothing of agreement"
        assert found.low < found.value <= found.high


def test_alpha_at_its_ends():
    assert agreement([[1, 1], [2, 2], [1, 1]]).value == 1
    assert agreement([[1, 2], [2, 1], [1, 2]]).value < 0
    assert np.isnan(agreement([[1, 1], [1, 1]]).value)
    assert np.isnan(agreement([[1, NAN], [NAN, 2]]).value)
    chance = agreement(np.random.default_rng(0).integers(0, 2, (300, 8)).astype(float))
    assert chance.low < 0 < chance.high
    with pytest.raises(ValueError, match="nominal, ordinal or interval"):
        agreement([[1, 2], [1, 2]], scale="ratio")
    with pytest.raises(ValueError, match=r"\(clips, listeners\)"):
        agreement([1, 2])


def test_counts_and_areas_of_a_few_answers():
    answers = told(
        [
            (listener, clip, clip in "ab", rating)
            for listener, ratings in (("x", (6, 2, 3, 1)), ("y", (4, 4, 5, 4)))
            for clip, rating in zip("abcd", ratings, strict=True)
        ]
    )
    listeners = each_listener(answers).set_index("listener")
    assert listeners.loc["x", ["hits", "signals", "false_alarms", "noises"]].tolist() == [1, 2, 0, 2]
    # of four pairs x has a over c and d, and b over d; y has two ties, and loses two
    assert listeners["area"].tolist() == [0.75, 0.25]
    found = sensitivity(answers)
    assert only(found, "area")["value"] == 0.5
    assert only(found, "hit_rate")["value"] == 3 / 4
    assert only(found, "false_alarm_rate")["value"] == 2 / 4
    assert only(found, "d_prime")["value"] == pytest.approx(d_prime(3, 4, 2, 4).d_prime)
    assert only(found, "d_prime")["n"] == 8
    clips = each_clip(answers).set_index("clip")
    assert clips.loc["a", "called_ai"] == 1
    assert clips.loc["a", "low"] < 1
    assert clips.loc["b", "called_ai"] == 0.5


def test_the_area_is_wilcoxons():
    answers = simulate(1, 30, 25, seed=3)
    ai = answers["ai"]
    u = mannwhitneyu(answers.loc[ai, "rating"], answers.loc[~ai, "rating"]).statistic
    assert each_listener(answers)["area"].iloc[0] == pytest.approx(u / (30 * 25))


def test_pairs_of_a_song():
    rows = [("x", "a", True, 6), ("x", "b", False, 1), ("x", "c", True, 2), ("x", "d", False, 2), ("x", "e", True, 1)]
    answers = told(rows).assign(song=["one", "one", "two", "two", ""])
    found = pairs(answers)
    assert (found.value, found.n) == (0.75, 2)  # one won, one tied
    assert np.isnan(found.low)
    assert np.isnan(pairs(answers.assign(song="")).value)
    many = simulate(20, 15, 15, d_prime=1.0, seed=5)
    many["song"] = many["clip"].str[-4:].astype(int) % 15
    found = pairs(many)
    assert 0.5 < found.low < found.value < found.high < 1
    assert found.n == 20 * 15


def test_versions_of_a_song_are_one_clip_to_the_error():
    answers = simulate(30, 8, 8, clip_sd=1.0, listener_sd=0.0, seed=2)
    # five copies of each clip's answers tell nothing new, and nothing less
    copies = pd.concat([answers.assign(clip=answers["clip"] + f"-{copy}", song=answers["clip"]) for copy in range(5)])
    one, five = (only(sensitivity(table), "hit_rate") for table in (answers, copies))
    assert five["high"] - five["low"] == pytest.approx(one["high"] - one["low"], rel=0.15)
    loose = only(sensitivity(copies.drop(columns="song")), "hit_rate")
    assert loose["high"] - loose["low"] < 0.7 * (five["high"] - five["low"])


def test_consistency_counts_sides_not_steps():
    first = told([("x", "a", True, 6), ("x", "b", False, 1), ("y", "a", True, 3)])
    again = told([("x", "a", True, 4), ("x", "b", False, 4), ("y", "a", True, 1)])
    found = consistency(first, again)
    assert (found.value, found.n) == (pytest.approx(2 / 3), 3)
    assert np.isnan(consistency(first, again.head(0)).value)


# -- simulated listeners -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("d", "listener_sd", "clip_sd"), [(0.0, 0.0, 0.0), (0.0, 0.3, 0.5), (1.0, 0.6, 0.6)])
def test_known_sensitivity_is_covered(d, listener_sd, clip_sd):
    width = np.sqrt(1 + listener_sd**2 + clip_sd**2)
    truth = {
        "d_prime": d / width,
        "criterion": 0.0,
        "hit_rate": ndtr(d / 2 / width),
        "false_alarm_rate": ndtr(-d / 2 / width),
    }
    covered = dict.fromkeys(truth, 0)
    tests = 60
    for seed in range(tests):
        answers = simulate(12, 12, 12, d_prime=d, listener_sd=listener_sd, clip_sd=clip_sd, seed=seed)
        found = sensitivity(answers).set_index("measure")
        for measure, value in truth.items():
            covered[measure] += found.loc[measure, "low"] <= value <= found.loc[measure, "high"]
    # of 60 at .95, fewer than 52 come with probability .01
    assert all(hits >= 52 for hits in covered.values()), covered


def test_an_interval_of_answers_alone_would_be_too_narrow():
    """What the two-way error is for: intervals that take answers for independent miss the truth far too often."""
    missed = {"independent": 0, "crossed": 0}
    for seed in range(40):
        answers = simulate(40, 8, 8, d_prime=0.0, listener_sd=0.3, clip_sd=0.8, seed=seed)
        ai, called = answers["ai"], answers["rating"] > 3
        found = d_prime(called[ai].sum(), ai.sum(), called[~ai].sum(), (~ai).sum())
        missed["independent"] += abs(found.d_prime) > 1.96 * found.error
        row = only(sensitivity(answers), "d_prime")
        missed["crossed"] += not row["low"] <= 0 <= row["high"]
    assert missed["independent"] > 15
    assert missed["crossed"] <= 6


def test_a_generator_that_is_easier_stands_out():
    easy, hard = (simulate(25, 12, 0, d_prime=d, clip_sd=0.3, seed=1) for d in (3.0, 0.4))
    human = simulate(25, 0, 12, d_prime=1.0, clip_sd=0.3, seed=1)
    parts = []
    for name, table in (("easy", easy), ("hard", hard), ("", human)):
        parts.append(table.assign(clip=name + table["clip"], group=name))
    found = by_group(pd.concat(parts, ignore_index=True)).set_index(["group", "measure"])
    assert found.loc[("easy", "difference"), "low"] > 0 > found.loc[("hard", "difference"), "high"]
    assert found.loc[("easy", "d_prime"), "low"] > found.loc[("hard", "d_prime"), "value"]
    assert set(found.index.get_level_values(0)) == {"easy", "hard"}
    assert found.loc[("easy", "difference"), "value"] == -found.loc[("hard", "difference"), "value"]


def test_groups_come_with_generators_first_and_those_of_most_clips_first():
    answers = simulate(3, 6, 4, seed=1)
    names = ["a", "b", "b", "c", "c", "c", "z", "y", "y", ""]
    answers["group"] = answers["clip"].map(dict(zip(sorted(set(answers["clip"])), names, strict=True)))
    found = by_group(answers)
    assert list(dict.fromkeys(found["group"])) == ["c", "b", "a", "y", "z"]
    assert found.loc[found["group"] == "c", "clips"].max() == 3 + 4


def test_listeners_against_a_detector():
    answers = simulate(20, 20, 20, d_prime=1.0, seed=4)
    truth = each_clip(answers).set_index("clip")["ai"]
    rng = np.random.default_rng(0)
    good = {clip: (3.0 if ai else -3.0) + rng.normal() for clip, ai in truth.items()}
    blind = {clip: rng.normal() for clip in truth.index}
    same = each_clip(answers).set_index("clip")["mean_rating"].sub(3.5).to_dict()
    found = {
        name: against_detector(
            answers, odds, {clip: "ai" if one > 0 else "human" for clip, one in odds.items()}
        ).set_index("measure")
        for name, odds in (("good", good), ("blind", blind), ("same", same))
    }
    assert found["good"].loc["area.difference", "high"] < 0
    assert found["blind"].loc["area.difference", "low"] > 0
    assert found["blind"].loc["rank_correlation", "low"] < 0 < found["blind"].loc["rank_correlation", "high"]
    for kind in ("", ".ai", ".human"):
        assert found["same"].loc[f"rank_correlation{kind}", "low"] > 0.5
    assert found["same"].loc["phi", "value"] > 0.8
    assert found["blind"]["value"]["mcnemar.people"] > found["blind"]["value"]["mcnemar.detector"]
    assert found["blind"].loc["mcnemar.p", ["low", "high"]].isna().all()
    assert found["blind"].loc["mcnemar.p", "value"] < 0.05
    with pytest.raises(ValueError, match="both answered and judged"):
        against_detector(answers, dict.fromkeys(truth.index[truth], 1.0), {})


def test_odd_listeners_are_flagged_and_honest_ones_are_not():
    answers = simulate(12, 10, 10, d_prime=1.0, seed=6)
    assert oddities(answers) == {}
    # one rating for all, every answer right, the scale misread, another's file under a new name, an altered file
    clips = answers[answers["listener"] == "simulated-0000"]
    ai = clips["ai"].to_numpy()
    odd = {
        "same": clips.assign(rating=5),
        "perfect": clips.assign(rating=np.where(ai, 6, 1)),
        "reversed": clips.assign(rating=np.where(ai, 1, 5)),
        "copied": clips,
    }
    table = pd.concat([answers, *(rows.assign(listener=name) for name, rows in odd.items())], ignore_index=True)
    table["heard"] = 12.0
    late = table["listener"] == "simulated-0003"
    table.loc[late & (table["clip"] == "clip-0001"), "heard"] = 2.0
    assert oddities(table, heard=10.0) == {
        "same": ["same"],
        "perfect": ["perfect"],
        "reversed": ["reversed"],
        "copied": ["copied"],
        "simulated-0000": ["copied"],
        "simulated-0003": ["unheard"],
    }


def test_perfect_listeners_get_an_interval_that_chance_could_give():
    answers = simulate(5, 6, 6, d_prime=20.0, clip_sd=0.0, listener_sd=0.0)
    found = sensitivity(answers)
    row = only(found, "d_prime")
    assert np.isfinite(row["low"])
    assert row["high"] - row["low"] > 0.5
    assert np.isnan(only(found, "area")["low"]), "nothing varies, and no interval is made up"


def test_simulated_answers_are_what_they_say():
    assert simulate(3, 4, 5, seed=1).equals(simulate(3, 4, 5, seed=1))
    first, again = (simulate(200, 20, 20, seed=2, again=twice) for twice in (False, True))
    assert not first["rating"].equals(again["rating"])
    found = sensitivity(simulate(400, 400, 400, d_prime=1.0, listener_sd=0.5, clip_sd=0.5, seed=3))
    assert only(found, "d_prime")["value"] == pytest.approx(1 / np.sqrt(1.5), abs=0.06)
    assert only(found, "d_prime.listeners")["value"] == pytest.approx(1 / np.sqrt(1.25), abs=0.06)


# -- refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop(columns="rating"), "no column 'rating'"),
        (lambda table: table.head(0), "no answers"),
        (lambda table: table.assign(points=5), "points must be even"),
        (lambda table: table.assign(rating=7), "from 1 to points, not 7"),
        (lambda table: table.assign(rating=1.5), "whole number"),
        (lambda table: pd.concat([table, table]), "answers clip .* twice"),
        (lambda table: table[table["ai"]], "one kind only"),
    ],
)
def test_what_cannot_be_computed_with_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        sensitivity(change(simulate(3, 4, 4)))


def test_too_few_have_no_interval():
    for listeners, clips in ((1, 4), (4, 1)):
        row = only(sensitivity(simulate(listeners, clips, clips)), "d_prime")
        assert np.isnan(row["low"])
        assert "two listeners and two clips" in row["method"]
