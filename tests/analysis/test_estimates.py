import numpy as np
import pytest

from chartropy.analysis.estimates import (
    bootstrap_interval,
    bound_missing,
    estimate_mean,
    estimate_quantile,
    estimate_share,
    estimate_simpson,
    mean_over_pairs,
    numbered,
)


def artists_of(n, songs):
    return [f"artist {i // songs}" for i in range(n)]


def test_a_share_of_independent_recordings_is_jeffreys():
    # Brown, Cai, DasGupta 2001: Jeffreys' interval of 10 in 100 is .0523 to .1705
    estimate = estimate_share(np.arange(100) < 10, artists_of(100, 1))
    assert (estimate.value, estimate.n) == (0.1, 100)
    assert estimate.low == pytest.approx(0.0523, abs=0.0005)
    assert estimate.high == pytest.approx(0.1705, abs=0.0005)


def test_a_share_of_few_artists_is_less_sure():
    hits = np.arange(100) < 10
    alone, together = (estimate_share(hits, artists_of(100, songs)) for songs in (1, 5))
    assert together.high - together.low > 1.8 * (alone.high - alone.low)
    assert np.isnan(estimate_share(np.array([np.nan]), ["a"]).value)
    nothing = estimate_share(np.zeros(5), artists_of(5, 1))
    assert nothing.low == 0 < nothing.high


@pytest.mark.parametrize("songs", [1, 3])
def test_means_and_quantiles_cover(songs):
    rng = np.random.default_rng(songs)
    covered = {"mean": 0, "median": 0, "p90": 0}
    truths = {"mean": 0.0, "median": 0.0, "p90": 1.2816}
    for seed in range(200):
        style = np.repeat(rng.standard_normal(30), songs)
        values = np.sqrt(0.5) * style + np.sqrt(0.5) * rng.standard_normal(30 * songs)
        artists = artists_of(30 * songs, songs)
        found = {
            "mean": estimate_mean(values, artists),
            "median": estimate_quantile(values, artists, 0.5, seed=seed, replicates=300),
            "p90": estimate_quantile(values, artists, 0.9, seed=seed, replicates=300),
        }
        for name, estimate in found.items():
            covered[name] += estimate.low <= truths[name] <= estimate.high
    assert min(covered.values()) >= 176  # 190 of 200 expected


def test_quantiles_are_numpys():
    values = np.random.default_rng(1).standard_normal(31)
    estimate = estimate_quantile(np.append(values, np.nan), artists_of(32, 1), 0.9)
    assert estimate.value == np.quantile(values, 0.9, method="hazen")
    assert estimate.n == 31
    assert "no interval" in estimate_quantile(values, ["one"] * 31, 0.5).method


def test_replicated_quantiles_are_those_of_the_repeated_values():
    from chartropy.analysis.estimates import draw_clusters

    values = np.sort(np.random.default_rng(2).standard_normal(9))
    drawn = draw_clusters(9, 200, 0).astype(int)
    expected = [np.quantile(np.repeat(values, row), 0.75, method="hazen") for row in drawn]
    estimate = estimate_quantile(values, [str(i) for i in range(9)], 0.75, replicates=200)
    low, high = np.quantile(expected, [0.025, 0.975])
    assert estimate.low == pytest.approx(low, abs=0.15)
    assert estimate.high == pytest.approx(high, abs=0.15)


def test_what_was_not_heard_is_bounded():
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((50, 4))
    pairs = np.linalg.norm(rows[:, None] - rows, axis=-1)
    all_heard = bound_missing(pairs, 50)
    assert all_heard == pytest.approx((mean_over_pairs(pairs),) * 2)
    low, high = bound_missing(pairs[:40, :40], 50)
    assert low < mean_over_pairs(pairs[:40, :40]) < high
    assert low < mean_over_pairs(pairs) < high
    wider = bound_missing(pairs[:40, :40], 50, tail=0.01)
    assert wider[0] <= low < high <= wider[1]
    assert bound_missing(pairs, 60, statistic=np.reciprocal)[0] < 1 / mean_over_pairs(pairs)
    with pytest.raises(ValueError, match="total must be 50 recordings or more, as many were heard, not 49"):
        bound_missing(pairs, 49)


def test_unmeasured_pairs_count_as_absent_in_every_replicate():
    rng = np.random.default_rng(4)
    pairs = rng.random((12, 12))
    pairs = (pairs + pairs.T) / 2
    artists = artists_of(12, 2)
    holes = pairs.copy()
    holes[0, 5] = holes[5, 0] = np.nan
    whole, less = bootstrap_interval(pairs, artists), bootstrap_interval(holes, artists)
    assert less.value == pytest.approx(mean_over_pairs(holes))
    assert less.low == pytest.approx(whole.low, rel=0.03)
    # the closed form of the counts, used where all is measured, is that of the matrices
    nearly = pairs.copy()
    nearly[0, 5] = nearly[5, 0] = pairs[0, 5] + 0.0
    assert bootstrap_interval(nearly, artists) == whole


def test_rare_sharing_is_covered_where_none_is_seen():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        kinds = rng.integers(0, 1500, 60)  # some 1.2 pairs of 1770 share one
        found = estimate_simpson((kinds[:, None] == kinds).astype(float), np.arange(60))
        covered += found.low <= 1 / 1500 <= found.high
    assert covered / 300 >= 0.93


def test_an_artist_who_is_not_known_stands_alone():
    assert numbered(["b", None, "a", "b", np.nan, ""]).tolist() == [0, 2, 1, 0, 3, 4]
    assert numbered(np.array([7, 3, 7])).tolist() == [1, 0, 1]


def test_what_is_no_level_or_quantile_is_named():
    values, artists = np.arange(9.0), range(9)
    for ask in (
        lambda: bootstrap_interval(np.ones((9, 9)), artists, level=95),
        lambda: estimate_share(values / 9, artists, level=95),
        lambda: estimate_mean(values, artists, level=95),
        lambda: estimate_quantile(values, artists, 0.5, level=95),
    ):
        with pytest.raises(ValueError, match=r"level must lie between 0 and 1, such as \.95, not 95"):
            ask()
    with pytest.raises(ValueError, match="pairs must lie between 0 and 1, not 2"):
        estimate_simpson(np.full((9, 9), 2.0), artists)
    with pytest.raises(ValueError, match="quantile must lie between 0 and 1, not 50"):
        estimate_quantile(values, artists, 50)
