from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from chartropy.analysis.creativity import SCORES, cohort_percentile, compare_in_cohorts, creativity, time_machine
from chartropy.analysis.estimates import estimate_mean
from chartropy.analysis.space import kernel

BACKGROUND, INVENTOR, IMITATOR, LONER = range(4)
SPAN = 20


def music(seed: int, n: int = 1500, styles: int = 30, d: int = 6):
    """Music that drifts over a hundred weeks; styles that one invents and 24 take up in the 18 weeks after; loners.

    Inventor and imitators of a style are draws of one distribution: only their dates tell them apart.
    """
    rng = np.random.default_rng(seed)
    dates, drift = rng.uniform(0, 100, n), rng.normal(size=d)
    rows = rng.normal(size=(n, d)) * 0.5 + np.outer(dates / 100, drift / np.linalg.norm(drift))
    role = np.full(n, BACKGROUND)
    places = rng.permutation(n)

    def somewhere() -> np.ndarray:
        place = rng.normal(size=d)
        return place / np.linalg.norm(place) * rng.uniform(2, 3)

    for style in range(styles):
        who = places[25 * style : 25 * (style + 1)]
        rows[who] = somewhere() + rng.normal(size=(25, d)) * 0.2
        dates[who] = rng.uniform(25, 65) + np.r_[0, np.sort(rng.uniform(0, 18, 24))]
        role[who[0]], role[who[1:]] = INVENTOR, IMITATOR
    for loner in places[25 * styles : 26 * styles]:
        rows[loner], dates[loner], role[loner] = somewhere(), rng.uniform(25, 75), LONER
    return rows, dates, role


@pytest.fixture(scope="module")
def scored():
    """Percentiles in cohorts of five weeks, over four histories."""
    every = []
    for seed in range(4):
        rows, dates, role = music(seed)
        found = creativity(rows, dates, span=SPAN, replicates=0)
        cohort = dates // 5
        every.append(pd.DataFrame({name: cohort_percentile(found[name].to_numpy(), cohort) for name in SCORES} | {"role": role}))  # fmt: skip
    return pd.concat(every).dropna()


def dense(similarity, dates, artists, span, k, threshold, alpha, beta):
    """The same by the definition: pairs by loops, scores by a linear system."""
    n = len(dates)
    pairs = set()
    for i in range(n):
        others = [j for j in range(n) if artists[j] != artists[i]]
        before = [j for j in others if dates[i] - span <= dates[j] < dates[i]]
        after = [j for j in others if dates[i] < dates[j] <= dates[i] + span]
        if dates[i] - span >= min(dates):
            pairs |= {(j, i) for j in sorted(before, key=lambda j: -similarity[i, j])[:k]}
        if dates[i] + span <= max(dates):
            pairs |= {(i, j) for j in sorted(after, key=lambda j: -similarity[i, j])[:k]}
    limit = np.quantile([similarity[pair] for pair in pairs], threshold)
    forward, backward = np.zeros((n, n)), np.zeros((n, n))  # to whom, from whom
    for early, late in pairs:
        over = similarity[early, late] - limit
        forward[late, early], backward[early, late] = max(-over, 0) * (1 - beta), max(over, 0) * beta
    given = (forward + backward).sum(axis=0)
    nobody = given == 0
    forward, backward = (np.divide(part, given, out=np.zeros((n, n)), where=given > 0) for part in (forward, backward))
    whole = forward + backward
    whole[:, nobody] = 1 / n
    scores = np.linalg.solve(np.eye(n) - alpha * whole, np.full(n, 1 - alpha))
    return scores, alpha * forward @ scores, alpha * backward @ scores


# -- the definition ----------------------------------------------------------------------------------------------------


def test_four_recordings_by_hand():
    similarity = np.eye(4)
    for (early, late), value in {(0, 1): 0.9, (1, 2): 0.5, (2, 3): 0.7}.items():
        similarity[early, late] = similarity[late, early] = value
    found = creativity(similarity, np.arange(4), span=1, neighbours=1, precomputed=True, replicates=0)
    # The threshold is .7. 1 owes .2 to 0, and 2 departs by .2 from 1: half of what 1 passes on goes to either. The others
    # give to nobody. With x the score of 1 and 3, those of 0 and 2 are x + x/4, and 4.5 x = 4.
    assert found["creativity"].to_numpy() == pytest.approx([np.nan, 8 / 9, 10 / 9, np.nan], abs=1e-11, nan_ok=True)
    assert found["originality"].to_numpy() == pytest.approx([np.nan, 0, 2 / 9, np.nan], abs=1e-11, nan_ok=True)
    assert found["influence"].to_numpy() == pytest.approx([np.nan, 0, 0, np.nan], abs=1e-11, nan_ok=True)
    assert found["past"].tolist() == [0, 1, 1, 1]
    assert found["future"].tolist() == [1, 1, 1, 0]
    assert found["method"][0] == "no estimate: it appeared less than 1 after the first"
    assert found["method"][3] == "no estimate: it appeared less than 1 before the last"


@pytest.mark.parametrize(("alpha", "beta", "threshold"), [(0.5, 0.5, 0.5), (0.85, 0.5, 0.3), (0.15, 0.8, 0.7), (0.5, 1.0, 0.5)])  # fmt: skip
def test_as_the_closed_form(alpha, beta, threshold):
    rng = np.random.default_rng(3)
    rows, dates, artists = rng.normal(size=(120, 4)), rng.integers(0, 40, 120), rng.integers(0, 50, 120)
    distances = np.linalg.norm(rows[:, None] - rows, axis=-1)
    expected = dense(kernel(distances), dates, artists, 10, 5, threshold, alpha, beta)
    options = {"neighbours": 5, "alpha": alpha, "beta": beta, "threshold": threshold, "replicates": 0}
    found = creativity(rows, dates, artists, span=10, **options)
    known = found["creativity"].notna().to_numpy()
    assert 40 < known.sum() < 100
    for name, values in zip(SCORES, expected, strict=True):
        assert found[name].to_numpy()[known] == pytest.approx(values[known], abs=1e-11)
    assert expected[0].mean() == pytest.approx(1)
    given = creativity(kernel(distances), dates, artists, span=10, precomputed=True, **options)
    pd.testing.assert_frame_equal(given[list(SCORES)], found[list(SCORES)], atol=1e-10)


def test_settled_to_a_trillionth():
    rng = np.random.default_rng(4)
    similarity = kernel(np.linalg.norm(rng.normal(size=(80, 3)) - rng.normal(size=(80, 1, 3)), axis=-1))
    similarity = (similarity + similarity.T) / 2
    expected = dense(similarity, np.arange(80), np.arange(80), 20, 4, 0.5, 0.5, 0.5)
    found = creativity(similarity, np.arange(80), span=20, neighbours=4, precomputed=True, replicates=0)
    known = found["creativity"].notna().to_numpy()
    assert np.abs(found["creativity"].to_numpy() - expected[0])[known].mean() < 1e-12


def test_order_of_rows_and_unit_of_time_do_not_matter():
    rows, dates, _ = music(5, 400, 8)
    artists = np.random.default_rng(0).integers(0, 150, 400)
    found = creativity(rows, dates, artists, span=SPAN, replicates=0)
    order = np.random.default_rng(1).permutation(400)
    turned = creativity(rows[order], dates[order], artists[order], span=SPAN, replicates=0)
    pd.testing.assert_frame_equal(
        turned[list(SCORES)], found[list(SCORES)].iloc[order].reset_index(drop=True), atol=1e-9
    )
    days = creativity(rows, dates * 7 + 1000, artists, span=7 * SPAN, replicates=0)
    pd.testing.assert_frame_equal(days[list(SCORES)], found[list(SCORES)], atol=1e-9)


def test_blocks_do_not_matter(monkeypatch):
    rows, dates, _ = music(5, 400, 8)
    found = creativity(rows, dates, span=SPAN, replicates=0)
    monkeypatch.setattr("chartropy.analysis.creativity.BLOCK", 400 * 7)
    pd.testing.assert_frame_equal(creativity(rows, dates, span=SPAN, replicates=0), found)


def test_own_recordings_are_neither_past_nor_future():
    rows, dates, _ = music(6, 400, 8)
    artists = np.arange(400)
    at = int(np.flatnonzero((dates > 45) & (dates < 55))[0])
    before = creativity(rows, dates, artists, span=SPAN, replicates=0)
    # five copies of it before and five after, all by itself
    copies = np.vstack([rows, np.repeat(rows[[at]], 10, axis=0)])
    when = np.r_[dates, dates[at] + np.r_[-5:0, 1:6]]
    own = creativity(copies, when, np.r_[artists, np.full(10, at)], span=SPAN, replicates=0)
    others = creativity(copies, when, np.r_[artists, 1000 + np.arange(10)], span=SPAN, replicates=0)
    assert own[["past", "future"]].iloc[at].tolist() == before[["past", "future"]].iloc[at].tolist()
    assert (others[["past", "future"]].iloc[at] - before[["past", "future"]].iloc[at]).tolist() == [5, 5]
    assert abs(own["influence"][at] - before["influence"][at]) < 0.1
    assert others["influence"][at] > before["influence"][at] + 0.1


def test_too_few_on_a_side():
    rows = np.random.default_rng(0).normal(size=(60, 2))
    dates = np.r_[0, np.full(5, 40.0), np.arange(41, 94), 140]
    found = creativity(rows, dates, span=40, replicates=0)
    assert found["method"][3] == "no estimate: fewer than 20 by others in the 40 before"
    assert found["past"][3] == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"span": 0}, "span must be more than 0, not 0"),
        ({"neighbours": 0}, "neighbours must be 1 or more"),
        ({"threshold": 1}, "threshold must lie between 0 and 1"),
        ({"alpha": 1}, "alpha must be 0 or more and less than 1, not 1"),
        ({"beta": 2}, "beta must lie between 0 and 1, not 2"),
        ({"replicates": 5}, "replicates must be 100 or more, or 0"),
        ({"level": 95}, "level must lie between 0 and 1"),
        ({"dates": np.arange(3)}, "dates must be 30, one for each recording, not 3"),
        ({"dates": np.r_[np.nan, np.arange(29)]}, r"dates must be finite, not nan \(place 0\)"),
        ({"artists": ["a"]}, "artists must be 30 names"),
        ({"rows": np.full((30, 2), np.inf)}, r"rows must be finite, not inf \(row 0, column 0\)"),
        ({"rows": np.zeros(30)}, r"rows must be"),
        ({"precomputed": True}, r"rows must be shaped \(n, n\)"),
        ({"rows": np.full((30, 30), 2.0), "precomputed": True}, "similarities must lie between 0 and 1"),
        ({"rows": np.tri(30), "precomputed": True}, "similarities must be the same both ways"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    options = {"rows": np.zeros((30, 2)), "dates": np.arange(30), "span": 5} | wrong
    with pytest.raises(ValueError, match=said):
        creativity(options.pop("rows"), options.pop("dates"), **options)


def test_nothing_to_score():
    empty = creativity(np.empty((0, 3)), np.empty(0), span=1)
    assert empty.empty
    assert {*SCORES, "past", "future", "method"} <= set(empty.columns)
    alone = creativity(np.zeros((1, 3)), np.zeros(1), span=1)
    assert alone["creativity"].isna().all()


# -- whether it finds who invented -------------------------------------------------------------------------------------


def test_inventors_stand_high_by_both(scored):
    inventors = scored[scored["role"] == INVENTOR]
    for name in SCORES:
        assert estimate_mean(inventors[name].to_numpy(), np.arange(len(inventors))).low > 0.75


@pytest.mark.parametrize(("alpha", "neighbours"), [(0.15, 5), (0.85, 10)])
def test_other_options_order_roles_alike(alpha, neighbours):
    rows, dates, role = music(0)
    found = creativity(rows, dates, span=SPAN, alpha=alpha, neighbours=neighbours, replicates=0)
    places = cohort_percentile(found["creativity"].to_numpy(), dates // 5)
    inventors, loners, imitators = (np.nanmean(places[role == one]) for one in (INVENTOR, LONER, IMITATOR))
    assert inventors > loners + 0.05
    assert loners > imitators + 0.05


def test_an_original_that_nobody_takes_up_has_originality_alone(scored):
    loners = scored[scored["role"] == LONER]
    assert estimate_mean(loners["originality"].to_numpy(), np.arange(len(loners))).low > 0.8
    assert estimate_mean(loners["influence"].to_numpy(), np.arange(len(loners))).high < 0.2


def test_a_copy_of_the_past_stands_below_the_median():
    below = []
    for seed in range(4):
        rows, dates, role = music(seed)
        rng = np.random.default_rng(seed)
        # what nobody followed, copied ten weeks later
        copied = np.flatnonzero((role == LONER) & (dates > 22) & (dates < 65))
        when = np.r_[dates, dates[copied] + 10]
        copies = np.vstack([rows, rows[copied] + rng.normal(size=(len(copied), 6)) * 0.05])
        # each has company of its kind before it: neighbours are those copied and 7 more like them
        crowd = np.repeat(copied, 7)
        copies = np.vstack([copies, rows[crowd] + rng.normal(size=(len(crowd), 6)) * 0.05])
        when = np.r_[when, dates[crowd] + rng.uniform(-1, 1, len(crowd))]
        found = creativity(copies, when, span=SPAN, neighbours=5, replicates=0)["creativity"].to_numpy()
        places = cohort_percentile(found, when // 5)[len(rows) : len(rows) + len(copied)]
        below += places[np.isfinite(places)].tolist()
    said = estimate_mean(np.array(below), np.arange(len(below)))
    assert said.n > 40
    assert said.high < 0.5


def test_the_time_machine():
    changes = {}
    for seed in range(2):
        rows, dates, role = music(seed)
        few = np.random.default_rng(seed)
        imitators = few.choice(np.flatnonzero((role == IMITATOR) & (dates > 45)), 60, replace=False)
        for who, moved, by in (
            ("inventor", np.flatnonzero(role == INVENTOR), 8),
            ("imitator", imitators, -15),
            ("imitator", imitators, 8),
        ):
            said = time_machine(rows, dates, moved=moved, by=by, span=SPAN)
            changes.setdefault((who, by), []).extend(said.each[np.isfinite(said.each)])
    found = {key: estimate_mean(np.array(each), np.arange(len(each))) for key, each in changes.items()}
    assert found["inventor", 8].high < -0.2  # later than those who took after it: now it takes after them
    assert found["imitator", -15].low > 0.2  # before all of its style
    assert found["imitator", 8].high < 0
    assert all(estimate.n > 40 for estimate in found.values())


def test_without_time_there_is_no_inventor():
    """The null: dates shuffled among all recordings. Who invented is then like who imitated, and moves change nothing."""
    apart, moves = [], []
    for seed in range(6):
        rows, dates, role = music(seed, 900, 20)
        rng = np.random.default_rng(seed)
        dates = rng.permutation(dates)
        found = creativity(rows, dates, span=SPAN, replicates=0)["creativity"].to_numpy()
        places = cohort_percentile(found, dates // 5)
        apart += (places[role == INVENTOR] - np.nanmean(places[role == IMITATOR])).tolist()
        moved = rng.choice(np.flatnonzero((dates > 32) & (dates < 68)), 80, replace=False)
        moves += time_machine(rows, dates, moved=moved, by=-10, span=SPAN).each.tolist()
    for each in (apart, moves):
        said = estimate_mean(np.array(each), np.arange(len(each)))
        assert said.n > 50
        assert said.low < 0 < said.high
        assert abs(said.value) < 0.1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"moved": []}, "moved must be the places"),
        ({"moved": [0.5]}, "moved must be the places"),
        ({"moved": [1, 1]}, "moved must name recordings from 0 to 29, each once"),
        ({"moved": [30]}, "moved must name recordings from 0 to 29"),
        ({"by": 0}, "by must be a length of time"),
        ({"cohort": 0}, "cohort must be more than 0"),
    ],
)
def test_a_time_machine_that_goes_nowhere(wrong, said):
    with pytest.raises(ValueError, match=said):
        time_machine(np.zeros((30, 2)), np.arange(30), **({"moved": [1], "by": 1, "span": 5} | wrong))


# -- intervals ---------------------------------------------------------------------------------------------------------


def test_intervals_hold_what_other_company_would_give():
    ours, values = 40, []
    rng = np.random.default_rng(1)
    same, when = rng.normal(size=(ours, 4)), rng.uniform(30, 70, ours)
    bounds = []
    for seed in range(5):
        others = np.random.default_rng(100 + seed)
        rows, dates = np.vstack([same, others.normal(size=(600, 4))]), np.r_[when, others.uniform(0, 100, 600)]
        found = creativity(rows, dates, span=25, neighbours=10, replicates=100)[:ours]
        values.append(found["creativity"].to_numpy())
        bounds.append(found[["creativity_low", "creativity_high"]].to_numpy())
        assert (found["creativity_low"] <= found["creativity"]).all()
        assert (found["creativity"] <= found["creativity_high"]).all()
    mean = np.mean(values, axis=0)
    held = [(one[:, 0] <= mean) & (mean <= one[:, 1]) for one in bounds]
    assert 0.85 < np.mean(held) < 0.995


def test_intervals_are_the_same_again_and_need_artists():
    rows, dates, _ = music(7, 300, 6)
    first, again = (creativity(rows, dates, span=SPAN, neighbours=5, replicates=100, seed=2) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    small = first["influence"] < 0.1
    assert 0 < small.sum() < first["influence"].notna().sum()
    assert first.loc[small, ["influence_low", "influence_high"]].isna().all(axis=None)
    assert first.loc[small, "method"].str.endswith("no interval of an influence below 0.1: it would end too low").all()
    assert first.loc[first["influence"] > 0.3, "influence_low"].notna().all()
    two = creativity(rows, dates, np.arange(300) % 2, span=SPAN, neighbours=5)
    assert two["creativity"].notna().any()
    assert two["creativity_low"].isna().all()
    assert two["method"].str.contains("fewer than three artists").any()


# -- cohorts and kinds -------------------------------------------------------------------------------------------------


def test_percentiles_in_cohorts():
    values, cohorts = np.array([1.0, 3, 2, 2, np.nan, 9]), ["a", "a", "b", "b", "a", "c"]
    assert cohort_percentile(values, cohorts) == pytest.approx([0.25, 0.75, 0.5, 0.5, np.nan, 0.5], nan_ok=True)
    with pytest.raises(ValueError, match="cohorts must be 6, one for each value, not 1"):
        cohort_percentile(values, ["a"])


def test_kinds_by_hand():
    # cohort a: artists x (.8 and .6: .7) against y (.2), z (.4); cohort b: u (.5) against v (.1); c has one kind alone
    values = np.array([0.8, 0.6, 0.2, 0.4, 0.5, 0.1, 0.9])
    kind = np.array([1, 1, 0, 0, 1, 0, 1], dtype=bool)
    said = compare_in_cohorts(values, kind, list("aaaabbc"), list("xxyzuvw")).difference
    wide = compare_in_cohorts([1, 0, 1, 0], np.array([1, 1, 0, 0], dtype=bool), list("aaaa"), list("wxyz")).difference
    assert (wide.value, wide.low, wide.high) == (0, -1, 1)  # shares differ by no more
    weights = np.array([2 / 3, 1 / 2])
    assert said.value == pytest.approx(np.average([0.7 - 0.3, 0.4], weights=weights))
    assert said.n == 6
    nothing = compare_in_cohorts(values, np.zeros(7, dtype=bool), list("aaaabbc"), list("xxyzuvw"))
    assert np.isnan([nothing.difference.value, nothing.p]).all()


def test_kinds_keep_their_level_and_intervals_their_coverage():
    rng = np.random.default_rng(0)
    rejected, covered, found = [], [], []
    for _ in range(200):
        artists = rng.integers(0, 80, 150)
        kind = (rng.permutation(80) < 30)[artists]
        cohorts = rng.integers(0, 4, 150)
        values = norm.cdf(rng.normal(size=80)[artists] + rng.normal(size=150))
        null = compare_in_cohorts(values, kind, cohorts, artists, permutations=99)
        rejected.append(null.p <= 0.05)
        covered.append(null.difference.low <= 0 <= null.difference.high)
        found.append(compare_in_cohorts(values + 0.5 * kind, kind, cohorts, artists, permutations=99).p <= 0.05)
    assert np.mean(rejected) < 0.1
    assert np.mean(covered) > 0.9
    assert np.mean(found) > 0.9


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": np.array([1, 0])}, "kind must be True or False"),
        ({"cohorts": ["a"]}, "cohorts must be 2"),
        ({"artists": ["a"]}, "artists must be 2 names"),
        ({"permutations": 0}, "permutations must be 1 or more"),
    ],
)
def test_kinds_that_do_not_fit_are_refused(wrong, said):
    given = {"values": np.zeros(2), "kind": np.array([True, False]), "cohorts": ["a", "a"], "artists": ["x", "y"]}
    with pytest.raises(ValueError, match=said):
        compare_in_cohorts(**(given | wrong))


# -- real songs --------------------------------------------------------------------------------------------------------


def test_the_time_machine_on_the_hot_100(shared):
    """Topics of the sound of 6,200 songs of 1958 to 2019, a hundred a year: what docs/experiments/creativity.md says of them."""
    songs = pd.read_csv(shared / "data" / "hot100_topics" / "hot100_topics.csv", index_col=0)
    songs = (
        songs.drop_duplicates(["Song", "Performer"]).reset_index(drop=True).groupby("Year").sample(100, random_state=0)
    )
    rows = np.sqrt(songs.filter(regex="^[TH]-Topic").to_numpy()) / 1.24  # two of them are 1 apart in mean square
    dates, artists = (songs["Year"] + (songs["Month"] - 0.5) / 12).to_numpy(), songs["Performer"].to_numpy()
    shuffled = np.random.default_rng(0).permutation(dates)

    def travel(when, by):
        first, last = when.min() + 10, when.max() - 10  # those that have a score before and after
        able = np.flatnonzero((when >= first) & (when <= last) & (when + by >= first) & (when + by <= last))
        moved = np.random.default_rng(1).choice(able, 300, replace=False)
        found = time_machine(rows, when, artists, moved=moved, by=by, span=10, cohort=1)
        return found.creativity, found.originality, found.influence

    assert travel(dates, -10)[0].low > 0
    null = travel(shuffled, -10)[0]
    assert null.low < 0 < null.high
    # forwards it falls a little after ten years, which other draws of songs may miss, and not to be told after twenty
    ten, twenty = travel(dates, 10), travel(dates, 20)
    assert [one.value for one in ten] == pytest.approx([-0.05, 0.09, -0.15], abs=0.015)
    assert [one.value for one in twenty] == pytest.approx([-0.03, 0.16, -0.23], abs=0.015)
    assert ten[0].high < 0
    assert twenty[0].low < 0 < twenty[0].high
    for _, originality, influence in (ten, twenty):  # out of its time it resembles nobody, and nobody takes after it
        assert originality.low > 0.05
        assert influence.high < -0.1
