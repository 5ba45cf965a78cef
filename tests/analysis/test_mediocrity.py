import numpy as np
import pytest

from chartropy.analysis.mediocrity import _walks, beyond, drift, running, tail_loss, without_ai

WINDOW = 10
SURE = {"sensitivity": (1e9, 1e9), "specificity": (1e9, 1e9)}


def chart(seed=0, *, weeks=60, each=6, d=4, kept=None, wander=0.0, fashion=0.0, phi=0.8, lasting=False):
    """Newcomers of each week at `kept` times the spread of their past, or a random walk; fashions shared by a week."""
    rng = np.random.default_rng(seed)
    rows, times = np.empty((0, d)), np.empty(0, int)
    spread = 1.0
    shared, moods = rng.standard_normal(d) * fashion, []
    for week in range(weeks):
        shared = phi * shared + np.sqrt(1 - phi**2) * fashion * rng.standard_normal(d)
        spread *= np.exp(wander * rng.standard_normal()) if wander else 1.0
        if kept is not None and week >= WINDOW:
            spread = kept * np.sqrt((rows[times >= week - WINDOW] ** 2).mean())
        rows = np.vstack([rows, spread * rng.standard_normal((each, d))])
        times = np.r_[times, np.full(each, week)]
        moods.append(shared)
    return rows + np.array(moods)[times], times, np.arange(len(times)) // 2 if lasting else np.arange(len(times))


def drifted(rows, times, artists, **options):
    given = {"window": WINDOW, "block": 6, "replicates": 100, **options}
    return drift(rows, times, artists, **given).set_index("quantity")


# The running centroid


def test_a_newcomer_by_hand():
    # 5 is 4 from the mean of 0 and 2, which two recordings leave uncertain by 2/2: 16 - 1; their spread is (2 - 0)²/2
    found = running(np.array([[0.0], [2.0], [5.0]]), [0, 0, 1], ["a", "b", "c"], window=1).iloc[0]
    assert found["distance"] ** 2 == pytest.approx(15)
    assert found["spread"] ** 2 == pytest.approx(2)
    assert found["ratio"] ** 2 == pytest.approx(7.5)
    assert (found["time"], found["n"], found["past"]) == (1, 1, 2)
    assert np.isnan(found["low"])


def test_an_artists_own_past_is_not_compared_with():
    rows, times = np.array([[0.0], [2.0], [5.0], [5.0]]), [0, 0, 0, 1]
    alone = running(rows[[0, 1, 3]], [0, 0, 1], ["a", "b", "c"], window=1)["distance"][0]
    # the pair of 5 and 5 is not there; those of the past among each other are
    found = running(rows, times, ["a", "b", "c", "c"], window=1).iloc[0]
    spread = (4 + 25 + 9) / 6
    assert found["distance"] ** 2 == pytest.approx((25 + 9) / 2 - spread)
    assert alone**2 == pytest.approx(15)


def test_gaps_are_weeks_without_newcomers():
    found = running(np.array([[0.0], [2.0], [5.0], [1.0]]), [100, 100, 101, 103], list("abcd"), window=1)
    assert found["time"].tolist() == [101]


def test_a_past_too_small_for_the_drift_gives_no_interval():
    rows, times, artists = chart(weeks=8)
    found = running(rows, times, artists, window=4, replicates=100)
    assert found["past"].tolist() == [24] * 4
    assert found["low"].notna().all()
    few = running(rows, times, artists, window=3, replicates=100)
    assert few["past"].tolist() == [18] * 5
    assert few["distance"].notna().all()
    assert few[["low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize("each", [2, 30])
@pytest.mark.slow
def test_small_pasts_are_not_farther(each):
    ratios = [drifted(*chart(seed, each=each, weeks=40))["value"]["ratio"] for seed in range(6)]
    assert np.mean(ratios) == pytest.approx(1, abs=0.035 if each == 2 else 0.01)


def test_the_order_of_rows_does_not_matter():
    rows, times, artists = chart(lasting=True)
    order = np.random.default_rng(1).permutation(len(rows))
    names = np.array([f"artist {one}" for one in artists], dtype=object)
    one, other = drifted(rows, times, names), drifted(rows[order], times[order], names[order])
    np.testing.assert_allclose(one["value"], other["value"], rtol=1e-9)
    np.testing.assert_allclose(one["p"], other["p"])


@pytest.mark.slow
def test_planted_contraction_is_found():
    rows = [drifted(*chart(seed, kept=0.85)).loc["ratio"] for seed in range(12)]
    assert min(one["expected"] for one in rows) > 1.05  # backwards it grows
    assert np.mean([one["p"] <= 0.05 for one in rows]) >= 0.9
    assert np.mean([one["low"] <= 0.85 <= one["high"] for one in rows]) >= 0.9
    change = drifted(*chart(0, kept=0.85)).loc["change"]
    assert change["high"] < 0
    assert change["p"] <= 0.01


@pytest.mark.slow
def test_fashions_move_the_ratio_both_ways_alike_and_are_told():
    found = [drifted(*chart(seed, fashion=0.8)) for seed in range(8)]
    there, back = np.mean([one.loc["ratio", ["value", "expected"]].astype(float) for one in found], axis=0)
    assert there > 1.01
    assert there == pytest.approx(back, abs=0.03)
    slopes = [one["value"]["persistence"] for one in found]
    assert np.median(slopes) == pytest.approx(0.8, abs=0.12)
    assert max(one["p"]["persistence"] for one in found) <= 0.05


def test_without_fashions_no_persistence_is_told():
    found = drifted(*chart()).loc["persistence"]
    assert np.isnan(found["value"])
    assert "no more than" in found["method"]


@pytest.mark.slow
@pytest.mark.parametrize("fashion", [0.0, 0.5])
def test_where_nothing_happens_nothing_is_found(fashion):
    found = [drifted(*chart(seed, weeks=50, each=4, fashion=fashion, phi=0.6)) for seed in range(200)]
    assert np.mean([one["p"]["ratio"] <= 0.05 for one in found]) <= 0.07
    assert np.mean([one["p"]["change"] <= 0.05 for one in found]) <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("spread", [{"kept": 1.0}, {"wander": 0.03}])
def test_a_spread_that_wanders_by_itself_is_not_called_drifting(spread):
    found = [drifted(*chart(seed, **spread)).loc["ratio"] for seed in range(40)]
    assert np.mean([one["p"] <= 0.05 for one in found]) <= 0.125  # .19 and more where blocks are only shuffled
    truth = spread.get("kept", 1.0)
    assert np.mean([one["low"] <= truth <= one["high"] for one in found]) >= 0.88


def test_walks_go_as_far_as_the_spread_does():
    rng = np.random.default_rng(0)
    n, noise = np.full(400, 26.0), rng.chisquare(100, 400) / 100
    logs = np.cumsum(0.05 * rng.standard_normal(400)) - 0.004 * np.arange(400)
    pairs = np.outer(n, n) - np.diag(n)
    steady, walk = _walks((np.diag(np.exp(logs) * noise) * pairs, pairs, n), 13, 500, 0)
    assert np.std(np.diff(np.log(walk))) == pytest.approx(0.05, rel=0.35)
    slopes = np.log(steady[:, -1] / steady[:, 0]) / 399
    assert np.mean(slopes) == pytest.approx((logs[-1] - logs[0]) / 399, abs=0.002)
    assert np.mean(np.log(walk)) == pytest.approx(0, abs=1e-9)
    still = np.diag(noise) * pairs
    assert np.std(np.diff(np.log(_walks((still, pairs, n), 13, 500, 0)[1]))) < 0.01


def test_too_little_says_why():
    rows, times, artists = chart(weeks=WINDOW + 4)
    found = drifted(rows, times, artists)
    assert found["value"].isna().all()
    why = "of 14 times .* 4 have a whole past of 10 before them, 8 are needed: fewer --weeks"
    assert found["method"].str.contains(why).all()
    early = times < 8  # no window leaves eight weeks with a past
    never = drifted(rows[early], times[early], artists[early], window=2)
    assert never["method"].str.contains("6 have a whole past of 2 before them, 8 are needed: a longer chart").all()
    thin = drifted(*chart(weeks=40, each=1))
    assert thin["method"].str.contains("of 30 times .* 0 have 20 recordings or more in the 10 .* more --weeks").all()
    alone = drifted(rows, times, ["one"] * len(rows))
    assert alone["method"].str.contains("all 84 recordings are one artist's").all()
    short = drifted(*chart(weeks=40)).loc["ratio"]
    assert np.isnan(short["p"])
    assert "fewer than eight blocks of 6 (--block)" in short["method"]
    assert "too narrow" in short["method"]


# Tails


def test_limits_by_hand():
    # nine artists at 0 … 8 and one to measure; each distance is to the mean of the eight others
    rows = np.r_[np.arange(9.0), 20.0, 4.0][:, None]
    base = np.arange(11) < 9
    found = beyond(rows, base, list("abcdefghijk"), 0.9)
    assert np.isnan(found[:9]).all()
    assert found[9:].tolist() == [1, 0]  # the limit is the ninth of nine: |8 - 3.5|
    rows[10] = 4 + 4.4
    assert beyond(rows, base, list("abcdefghijk"), 0.9)[10] == 0
    rows[10] = 4 + 4.6
    assert beyond(rows, base, list("abcdefghijk"), 0.9)[10] == 1
    assert np.isnan(beyond(rows, base, list("abcdefghijk"), 0.95)).all()


@pytest.mark.parametrize("m", [19, 99])
def test_the_share_is_unbiased_for_every_size(m):
    rng = np.random.default_rng(m)
    shares = []
    for _ in range(600):
        rows, base = rng.standard_normal((m + 20, 3)), np.arange(m + 20) < m
        shares.append([np.nanmean(beyond(rows, base, np.arange(m + 20), q)) for q in (0.9, 0.95)])
    assert np.mean(shares, axis=0) == pytest.approx([0.1, 0.05], abs=0.008)


def test_planted_tail_loss_is_found_where_the_mean_hardly_moves():
    rng = np.random.default_rng(0)
    rows, base = rng.standard_normal((1200, 5)), np.arange(1200) < 600
    limit = np.quantile((rows**2).sum(axis=1), 0.95)
    while (far := ~base & ((rows**2).sum(axis=1) > limit)).any():
        rows[far] = rng.standard_normal((far.sum(), 5))
    found = tail_loss(rows, base, np.arange(1200), permutations=199, replicates=100).set_index("quantity")
    assert found["value"]["ratio"] == pytest.approx(1, abs=0.07)
    assert found["value"]["tail_95"] < 0.015
    assert found["high"]["tail_95"] < 0.05
    assert found["p"]["tail_95"] <= 0.02
    assert found["low"]["tail_90"] <= 0.05 / 0.95 <= found["high"]["tail_90"]


@pytest.mark.parametrize("m", [19, 20])
def test_the_ratio_asks_for_a_baseline(m):
    rows = np.random.default_rng(1).standard_normal((m + 30, 4))
    found = tail_loss(rows, np.arange(m + 30) < m, np.arange(m + 30), permutations=19, replicates=100).iloc[0]
    assert found[["value", "low", "high", "p"]].notna().all() == (m == 20)
    assert ("19 recordings, 20 are needed" in found["method"]) == (m == 19)


def test_strata_keep_the_composition():
    rng = np.random.default_rng(3)
    wide = np.arange(400) % 2 == 0  # a genre that lies far out, and is most of the baseline
    rows = rng.standard_normal((400, 3)) * np.where(wide, 3.0, 1.0)[:, None]
    base = rng.random(400) < np.where(wide, 0.8, 0.3)
    plain = tail_loss(rows, base, np.arange(400), permutations=199, replicates=100).set_index("quantity")
    kept = tail_loss(rows, base, np.arange(400), strata=wide, permutations=199, replicates=100).set_index("quantity")
    assert plain["p"]["ratio"] <= 0.02
    assert kept["p"]["ratio"] > 0.05
    assert plain["value"]["ratio"] == kept["value"]["ratio"]


def test_a_small_baseline_has_no_far_tail():
    found = tail_loss(np.random.default_rng(0).standard_normal((60, 2)), np.arange(60) < 50, np.arange(60))
    found = found.set_index("quantity")
    assert np.isfinite(found["value"]["tail_95"])
    assert np.isnan(found["value"]["tail_99"])
    assert "50 recordings, 99 are needed: more recordings heard, or a longer chart" in found["method"]["tail_99"]
    more = tail_loss(np.zeros((200, 2)), np.arange(200) < 50, np.arange(200), permutations=0, replicates=100)
    assert "50 recordings, 99 are needed: more --weeks" in more["method"].iloc[-1]
    assert found["expected"].tolist() == [1, 0.1, 0.05, 0.01]
    alone = tail_loss(np.random.default_rng(0).standard_normal((60, 2)), np.arange(60) < 50, ["one"] * 60)
    assert alone["value"].isna().all()
    assert alone["method"].str.contains("one artist's").all()


# Without AI


def with_ai(seed=0, share=0.35, scale=0.2):
    rows, times, artists = chart(seed, weeks=50)
    rng = np.random.default_rng(seed + 100)
    made = (times >= WINDOW) & (rng.random(len(times)) < share)
    return np.where(made[:, None], scale * rows, rows), times, artists, made


def counted(rows, times, artists, flagged, **options):
    given = {"window": WINDOW, "replicates": 100, **options}
    return without_ai(rows, times, artists, flagged, **given).set_index("quantity")


def test_without_ai_is_the_human_tracks_alone():
    rows, times, artists, made = with_ai()
    found = counted(rows, times, artists, made, **SURE)
    alone = drifted(rows[~made], times[~made], artists[~made])["value"]
    assert found["value"]["ratio.without_ai"] == pytest.approx(alone["ratio"], rel=1e-4)
    assert found["value"]["distance.without_ai"] == pytest.approx(alone["distance"], rel=1e-4)
    assert found["value"]["ratio"] == pytest.approx(drifted(rows, times, artists)["value"]["ratio"], rel=1e-9)
    assert found["high"]["ratio.due_to_ai"] < 0
    assert found["low"]["ratio.without_ai"] <= 1 <= found["high"]["ratio.without_ai"]
    assert np.isnan(found["value"]["ratio.replaced"])


def test_errors_of_the_detector_are_taken_out():
    wrong, right = [], []
    for seed in range(6):
        rows, times, artists, made = with_ai(seed)
        rng = np.random.default_rng(seed)
        flagged = np.where(made, rng.random(len(made)) < 0.7, rng.random(len(made)) < 0.02)
        found = counted(rows, times, artists, flagged, sensitivity=(700, 1000), specificity=(980, 1000))
        right.append(found["value"]["tail_90.without_ai"])
        late = ~flagged & (times >= WINDOW)
        wrong.append(np.nanmean(beyond(rows, times < WINDOW, artists, 0.9)[late]))
    assert np.mean(wrong) < 0.089  # those missed are still there
    assert np.mean(right) == pytest.approx(0.1, abs=0.02)


def test_human_tracks_of_other_charts_stand_in():
    rows, times, _, made = with_ai()
    rng = np.random.default_rng(5)
    spare = np.r_[np.zeros(len(rows), bool), np.ones(400, bool)]
    far = 2 * rng.standard_normal((400, rows.shape[1]))
    found = counted(
        np.vstack([rows, far]), np.r_[times, rng.integers(0, 50, 400)], np.arange(len(spare)), np.r_[made, np.zeros(400, bool)],
        spare=spare, **SURE,
    )["value"]  # fmt: skip
    assert found["tail_90.replaced"] > found["tail_90.without_ai"] + 0.1
    assert found["distance.replaced"] > found["distance.without_ai"]


def test_where_nothing_is_flagged_nothing_can_be_left_out():
    rows, times, artists, _ = with_ai()
    found = counted(rows, times, artists, np.zeros(len(rows), bool), **SURE)
    assert found["value"][["ratio", "tail_90"]].notna().all()
    left_out = found[found.index.str.contains(".", regex=False) & ~found.index.str.startswith("tail_99")]
    assert left_out["value"].isna().all()
    assert left_out["method"].str.contains("none of the chart's 300 recordings is flagged").all()


def test_flags_that_tell_nothing_leave_nothing_out():
    rows, times, artists, made = with_ai()
    found = counted(rows, times, artists, made, sensitivity=(1, 1e9), specificity=(1, 1e9)).loc["ratio.due_to_ai"]
    assert np.isnan(found["value"])
    assert "no more often AI" in found["method"]


def test_what_was_never_seen_may_still_occur():
    rows, times, artists, made = with_ai()
    rows = np.where((times >= WINDOW)[:, None], 0.1 * rows, rows)  # nothing new lies beyond any limit
    found = counted(rows, times, artists, made, **SURE)
    assert found["value"]["tail_90.without_ai"] == 0
    assert 0 < found["high"]["tail_90.without_ai"] < 0.07
    assert np.isnan(found["value"]["tail_90.due_to_ai"])
    assert "too few recordings lie beyond the limit" in found["method"]["tail_90.due_to_ai"]


def test_without_ai_asks_for_as_much_as_the_chart_itself():
    rows, times, artists, made = with_ai()
    few = times < WINDOW + 4
    found = counted(rows[few], times[few], artists[few], made[few], **SURE)
    assert "4 have a whole past" in found["method"]["ratio.without_ai"]
    early = times < WINDOW
    found = counted(rows[early], times[early], artists[early], made[early], **SURE)
    assert "none came after it to be held against it: fewer --weeks" in found["method"]["tail_90.without_ai"]
    assert "held against it: a longer chart" in found["method"]["tail_99.without_ai"]  # 60 recordings
    thin = (times >= WINDOW) | (times == 0)
    found = counted(rows[thin], times[thin], artists[thin], made[thin], **SURE)
    assert "the baseline has 6 recordings, 9 are needed: more --weeks" in found["method"]["tail_90.without_ai"]


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.full((4, 2), np.nan)}, "positions must be finite"),
        ({"positions": np.zeros(4)}, r"shaped \(n, d\)"),
        ({"entered": [0, 1, 2]}, "entered must be as many"),
        ({"entered": [0, 1, 2, 2.5]}, "whole numbers"),
        ({"entered": [0, 1, 2, 9000]}, "such as months"),
        ({"artists": ["a"]}, "artists must be 4 names"),
        ({"window": 0}, "window must be 1 or more"),
        ({"replicates": 5}, "replicates must be 100 or more"),
        ({"level": 2}, "level must lie between"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    given = {"positions": np.zeros((4, 2)), "entered": [0, 0, 1, 1], "artists": list("abcd"), **change}
    with pytest.raises(ValueError, match=message):
        drift(given.pop("positions"), given.pop("entered"), given.pop("artists"), **given)


def test_wrong_baselines_and_quantiles_are_named():
    rows = np.zeros((4, 2))
    with pytest.raises(ValueError, match="baseline must be some of the 4"):
        tail_loss(rows, np.ones(4, bool), list("abcd"))
    with pytest.raises(ValueError, match="baseline must be True or False"):
        tail_loss(rows, np.ones(4), list("abcd"))
    with pytest.raises(ValueError, match="quantiles must lie between"):
        tail_loss(rows, np.arange(4) < 2, list("abcd"), quantiles=[95])
