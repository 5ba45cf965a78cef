import json

import numpy as np
import pandas as pd
import pytest

from chartropy.analysis.diversity import (
    dispersion,
    estimate_distance,
    estimate_order2,
    hill,
    hill_at_coverage,
    intrinsic_dimension,
    leinster_cobbold,
    mean_pairwise_distance,
    order2_diversity,
    participation_ratio,
    rao,
    rarefied_hill,
    rarefy,
    same,
    sample_coverage,
    sound_clusters,
    vendi,
    vendi_of_rows,
)
from chartropy.analysis.estimates import bootstrap_interval
from chartropy.analysis.space import Space, fit_space, kernel

TWO_ALIKE = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])
SHARES = np.array([0.5, 0.3, 0.2])


def distances_of(rows):
    return np.sqrt(np.mean((rows[:, None] - rows[None]) ** 2, axis=-1) / 2)


def chart(n, rng, songs_each=1, d=6):
    """Recordings of artists who sound like themselves, and whose each is."""
    artists = np.repeat(np.arange(-(-n // songs_each)), songs_each)[:n]
    style = rng.standard_normal((artists.max() + 1, d))
    return np.sqrt(0.6) * style[artists] + np.sqrt(0.4) * rng.standard_normal((n, d)), artists


def reference(n=400, seed=0):
    rng = np.random.default_rng(seed)
    columns = {f"timbre.mfcc{i}": rng.normal(i, 1 + i, n) for i in range(8)}
    return pd.DataFrame({**columns, "rhythm.tempo": rng.normal(120, 20, n), "key.mode": rng.integers(0, 2, n) * 1.0})


# Measures with printed check values and closed forms


@pytest.mark.parametrize(("order", "value"), [(0, 3), (0.5, 2.42035), (1, 2.15730), (2, 1.94805), (np.inf, 1.57895)])
def test_vendi(order, value):
    assert vendi(TWO_ALIKE, order) == pytest.approx(value, abs=5e-6)


@pytest.mark.parametrize(("order", "value"), [(0, 2.04935), (1, 1.71408), (2, 1.53846), (np.inf, 1.29870)])
def test_leinster_cobbold(order, value):
    assert leinster_cobbold(TWO_ALIKE, order, SHARES) == pytest.approx(value, abs=5e-6)


@pytest.mark.parametrize(("order", "value"), [(0, 3), (1, 2.80009), (2, 2.63158), (np.inf, 2)])
def test_hill(order, value):
    assert hill(SHARES, order) == pytest.approx(value, abs=5e-6)


def test_rao():
    assert rao(1 - TWO_ALIKE, SHARES) == pytest.approx(0.35, abs=1e-12)
    assert 1 / (1 - rao(1 - TWO_ALIKE, SHARES)) == pytest.approx(leinster_cobbold(TWO_ALIKE, 2, SHARES), rel=1e-12)


@pytest.mark.parametrize("order", [0, 0.3, 1, 2, 7, np.inf])
def test_closed_forms(order):
    n = 6
    assert vendi(np.eye(n), order) == pytest.approx(n, rel=1e-9)
    assert vendi(np.ones((n, n)), order) == pytest.approx(1, rel=1e-9)
    assert leinster_cobbold(np.eye(n), order) == pytest.approx(n, rel=1e-9)
    assert leinster_cobbold(np.ones((n, n)), order) == pytest.approx(1, rel=1e-9)
    blocks = np.kron(np.eye(3), np.ones((2, 2)))  # three kinds, two copies of each
    assert vendi(blocks, order) == pytest.approx(3, rel=1e-9)
    assert leinster_cobbold(blocks, order) == pytest.approx(3, rel=1e-9)
    assert vendi(np.eye(3), order, SHARES) == pytest.approx(hill(SHARES, order), rel=1e-9)


def test_a_kind_without_share_does_not_count():
    assert hill(np.array([0.5, 0.5, 0.0]), 0) == pytest.approx(2, rel=1e-12)


def test_order2_diversity_looks_at_different_recordings_only():
    assert order2_diversity(TWO_ALIKE) == pytest.approx(1 / (2 * 0.81 / 6), rel=1e-12)
    assert order2_diversity(np.ones((4, 4))) == 1
    assert order2_diversity(np.eye(4)) == np.inf


def test_mean_pairwise_distance_skips_what_was_not_measured():
    distances = np.array([[0, 1, 4], [1, 0, np.nan], [4, np.nan, 0]])
    assert mean_pairwise_distance(distances) == 2.5
    assert np.isnan(mean_pairwise_distance(np.zeros((1, 1))))
    assert np.isnan(mean_pairwise_distance(np.zeros((0, 0))))


def test_neither_headline_grows_with_n():
    """Ten and a hundred recordings of one population: the same expectation. The Vendi score's grows."""
    rng = np.random.default_rng(8)
    found = {}
    for n, charts in ((10, 1500), (100, 60)):
        values = []
        for _ in range(charts):
            distances = distances_of(rng.standard_normal((n, 6)))
            similarities = kernel(distances)
            values.append((mean_pairwise_distance(distances), 1 / order2_diversity(similarities), vendi(similarities)))
        found[n] = np.mean(values, axis=0), np.std(values, axis=0) / np.sqrt(charts)
    (few, few_error), (many, many_error) = found[10], found[100]
    z = (few - many) / np.hypot(few_error, many_error)
    assert np.abs(z[:2]).max() < 3.5
    assert many[2] > 1.5 * few[2]


# Intervals


@pytest.mark.parametrize(("n", "songs_each"), [(10, 1), (30, 1), (40, 2)])
def test_intervals_hold_their_level(n, songs_each):
    rng = np.random.default_rng(n + songs_each)
    charts = 300
    estimates = []
    for _ in range(charts):
        rows, artists = chart(n, rng, songs_each)
        distances = distances_of(rows)
        estimates.append(
            [
                estimate_distance(distances, artists, replicates=300),
                estimate_order2(kernel(distances), artists, replicates=300),
            ]
        )
    for estimate in zip(*estimates, strict=True):
        values = np.array([[e.value, e.low, e.high] for e in estimate])
        # Diversity is the reciprocal of what is unbiased: its truth is the reciprocal of that mean.
        truth = values[:, 0].mean() if estimate[0].value < 2 else 1 / np.mean(1 / values[:, 0])
        covered = np.mean((values[:, 1] <= truth) & (truth <= values[:, 2]))
        assert 0.9 < covered < 0.99


def test_artists_widen_the_interval():
    """Forty recordings by eight artists know less of the world than forty by forty."""
    rng = np.random.default_rng(2)
    rows, artists = chart(40, rng, songs_each=5)
    together, apart = (estimate_distance(distances_of(rows), who) for who in (artists, np.arange(40)))
    assert together.value == apart.value
    assert together.high - together.low > 1.2 * (apart.high - apart.low)


def test_copies_do_not_pull_diversity_down():
    rows, artists = chart(10, np.random.default_rng(3))
    estimate = estimate_order2(kernel(distances_of(rows)), artists, replicates=4000)
    assert np.sqrt(estimate.low * estimate.high) == pytest.approx(estimate.value, rel=1e-9)
    found = bootstrap_interval(np.ones((10, 10)) - np.eye(10), artists)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_the_seed_decides_the_interval():
    rows, artists = chart(20, np.random.default_rng(4))
    first, again, other = (estimate_distance(distances_of(rows), artists, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.low != other.low
    assert first.low == pytest.approx(other.low, rel=0.02)


def test_artists_may_be_names_and_pairs_may_be_unmeasured():
    rows, _ = chart(12, np.random.default_rng(5))
    names = ["Анна", "Boris", *(f"artist {i}" for i in range(10))]
    distances = distances_of(rows)
    distances[0, 1:4] = distances[1:4, 0] = np.nan
    estimate = estimate_distance(distances, names)
    assert estimate.value == pytest.approx(mean_pairwise_distance(distances))
    assert estimate.low < estimate.value < estimate.high
    assert estimate.n == 12


def test_what_cannot_be_estimated_says_why():
    for n in (0, 1):
        estimate = estimate_distance(np.zeros((n, n)), ["a"] * n)
        assert np.isnan([estimate.value, estimate.low, estimate.high]).all()
        assert estimate.n == n
        assert "two are needed" in estimate.method
    unmeasured = estimate_order2(np.full((3, 3), np.nan), ["a", "b", "c"])
    assert np.isnan(unmeasured.value)
    assert "no pair was measured" in unmeasured.method
    alone = estimate_distance(distances_of(np.arange(6.0).reshape(3, 2)), ["a", "a", "a"])
    assert alone.value > 0
    assert np.isnan([alone.low, alone.high]).all()
    assert "one artist's" in alone.method


def test_values_without_a_logarithm_get_percentiles():
    pairs = np.zeros((5, 5))
    pairs[0, 1] = pairs[1, 0] = 1
    estimate = estimate_distance(pairs, range(5))
    assert estimate.low == 0 <= estimate.value <= estimate.high
    assert estimate.method.endswith("percentiles")
    nothing_shared = estimate_order2(np.eye(5), range(5))
    assert nothing_shared.value == nothing_shared.high == np.inf


# The space


def test_two_draws_of_the_reference_are_one_apart():
    rows = np.random.default_rng(1).standard_normal((2000, 6))
    frame = pd.DataFrame(rows, columns=[f"{family}.{i}" for family in ("a", "b", "c") for i in range(2)])
    distances = fit_space(frame).distances(frame)
    assert distances.shape == (2000, 2000)
    assert np.mean(distances**2) == pytest.approx(1, abs=0.05)
    np.testing.assert_array_equal(np.diag(distances), 0)
    np.testing.assert_allclose(distances, distances.T, atol=1e-12)


def test_the_scale_is_the_references_not_the_weeks():
    space, week = fit_space(reference()), reference(30, seed=1)
    center = week.median()
    closer = center + (week - center) / 2
    assert mean_pairwise_distance(space.distances(closer)) == pytest.approx(
        mean_pairwise_distance(space.distances(week)) / 2, rel=0.03
    )


def test_units_do_not_matter():
    frame = reference()
    other = frame * 1000 - 7
    np.testing.assert_allclose(
        fit_space(frame).distances(frame[:20]), fit_space(other).distances(other[:20]), atol=1e-6
    )


def test_a_family_weighs_the_same_however_many_descriptors_it_has():
    one = Space(("timbre.a", "rhythm.tempo"), np.zeros(2), np.ones(2))
    many = Space((*(f"timbre.{i}" for i in range(40)), "rhythm.tempo"), np.zeros(41), np.ones(41))
    few = one.distances(np.array([[0, 0], [2.0, 1.0]]))
    lots = many.distances(np.array([[0] * 41, [2.0] * 40 + [1.0]]))
    np.testing.assert_allclose(few, lots, rtol=1e-9)
    assert few[0, 1] == pytest.approx(np.sqrt((4 + 1) / 2 / 2))


def test_missing_values_are_left_out_pair_by_pair():
    space = Space(("a.x", "a.y", "b.z"), np.zeros(3), np.ones(3))
    rows = np.array([[0, 0, 0], [1, np.nan, 1], [np.nan, np.nan, 3], [2, 4, np.inf], [np.nan] * 3])
    found = space.distances(rows)
    assert found[0, 1] == pytest.approx(np.sqrt(1 / 2))  # both families: 1 and 1
    assert found[0, 2] == pytest.approx(np.sqrt(9 / 2))  # family b only
    assert found[0, 3] == pytest.approx(np.sqrt((4 + 16) / 2 / 2))  # family a only: infinite is not measured
    assert np.isnan(found[2, 3])
    assert np.isnan(found[4]).all()


def test_one_broken_descriptor_does_not_outweigh_a_song():
    space = Space(("a.x", "b.y"), np.zeros(2), np.ones(2))
    found = space.distances(np.array([[0.0, 0.0], [1e9, 0.0]]))
    assert found[0, 1] == pytest.approx(np.sqrt(25 / 2 / 2))


def test_distances_to_others():
    space, frame = fit_space(reference()), reference(12, seed=3)
    np.testing.assert_allclose(space.distances(frame[:4], frame[4:]), space.distances(frame)[:4, 4:], atol=1e-9)


def test_columns_are_found_by_name_and_may_be_more():
    frame = reference()
    frame["flat.constant"], frame["empty.descriptor"] = 3.0, np.nan
    frame["rare.mostly_zero"] = np.where(np.arange(len(frame)) % 10 == 0, 1.0, 0.0)
    space = fit_space(frame)
    assert set(space.names) == set(frame.columns) - {"flat.constant", "empty.descriptor"}
    shuffled = frame[list(reversed(frame.columns))]
    np.testing.assert_array_equal(space.distances(shuffled), space.distances(frame[list(space.names)].to_numpy()))


def test_a_space_survives_json():
    space = fit_space(reference())
    back = Space.from_dict(json.loads(json.dumps(space.to_dict())))
    rows = reference(9, seed=2)
    np.testing.assert_array_equal(space.distances(rows), back.distances(rows))


def test_kernel():
    np.testing.assert_allclose(kernel(np.array([0, 1, np.inf])), [1, np.exp(-1), 0], rtol=1e-12)
    np.testing.assert_allclose(kernel(np.array([2.0]), scale=2.0), np.exp(-0.5), rtol=1e-12)
    assert np.isnan(kernel(np.array([np.nan]))).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fit_space(pd.DataFrame({"tempo": [1.0, 2.0]})), "'tempo' names no family"),
        (lambda: fit_space(pd.DataFrame({"a.tempo": [1.0, 1.0]})), "none of the 1 columns varies over the 2 rows"),
        (lambda: Space(("a.x",), np.zeros(2), np.ones(2)), "1, 2, 2"),
        (lambda: fit_space(reference()).distances(np.zeros((3, 2))), r"shaped \(n, 10\), not \(3, 2\)"),
        (lambda: fit_space(reference()).distances(reference()[["rhythm.tempo"]]), "9 of 10 .* first 'timbre.mfcc0'"),
        (lambda: kernel(np.zeros(2), 0), "scale must be more than 0, not 0"),
        (lambda: estimate_distance(np.zeros((3, 3)), ["a", "b"]), "2 artists, 3 recordings"),
        (lambda: estimate_distance(np.zeros((2, 2)), ["a", "b"], replicates=5), "100 or more, not 5"),
        (lambda: estimate_distance(np.zeros((2, 2)), ["a", "b"], level=95), "between 0 and 1, such as .95, not 95"),
        (lambda: vendi(np.zeros((2, 3))), r"shaped \(n, n\), not \(2, 3\)"),
        (lambda: hill(np.array([0.5, 0.6])), "not 2 from 0.5 that sum to 1.1"),
        (lambda: hill(SHARES, -1), "order must be 0 or more, not -1"),
    ],
)
def test_wrong_arguments_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def spoilt(matrix, row, column, value, *, both=True):
    matrix = np.array(matrix, dtype=float)
    matrix[row, column] = value
    if both:
        matrix[column, row] = value
    return matrix


APART = 2.0 * (1 - np.eye(3))
OF_SIMILARITIES = [
    order2_diversity,
    vendi,
    leinster_cobbold,
    lambda matrix: rarefy(matrix, 2),
    lambda matrix: estimate_order2(matrix, list("abc")[: len(matrix)]),
]
OF_DISTANCES = [
    mean_pairwise_distance,
    dispersion,
    rao,
    sound_clusters,
    intrinsic_dimension,
    lambda matrix: estimate_distance(matrix, list("abc")[: len(matrix)]),
]


@pytest.mark.parametrize("function", OF_SIMILARITIES)
@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (TWO_ALIKE[0], r"shaped \(n, n\), not \(3,\)"),
        (TWO_ALIKE[:2], r"shaped \(n, n\), not \(2, 3\)"),
        ([["a", "b"], ["c", "d"]], "similarities must be an array .* 'a'"),
        (spoilt(TWO_ALIKE, 0, 1, 1.2), r"between -?[01] and 1, not 1.2 \(row 0, column 1\)"),
        (spoilt(TWO_ALIKE, 0, 2, -1.5), r"between -?[01] and 1, not -1.5 \(row 0, column 2\)"),
        (spoilt(TWO_ALIKE, 1, 1, 0.5), r"1 on the diagonal, .* not 0.5 \(row 1, column 1\)"),
        (APART, "1 on the diagonal, .*`kernel` makes similarities of distances"),
        (
            spoilt(TWO_ALIKE, 0, 1, 0.8, both=False),
            r"both ways, not 0.8 \(row 0, column 1\) and 0.9 \(row 1, column 0\)",
        ),
    ],
)
def test_what_is_no_matrix_of_similarities_is_refused(function, matrix, words):
    with pytest.raises(ValueError, match=words):
        function(matrix)


@pytest.mark.parametrize("function", OF_DISTANCES)
@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (APART[0], r"shaped \(n, n\), not \(3,\)"),
        (APART[:2], r"shaped \(n, n\), not \(2, 3\)"),
        (spoilt(APART, 1, 2, -0.5), r"finite and 0 or more, not -0.5 \(row 1, column 2\)"),
        (spoilt(APART, 2, 2, 0.5), r"0 on the diagonal, .* not 0.5 \(row 2, column 2\)"),
        (TWO_ALIKE, "0 on the diagonal, .*: are these similarities?"),
        (spoilt(APART, 0, 1, 1.9999, both=False), r"both ways, not 1.9999 \(row 0, column 1\) and 2 \(row 1, col"),
    ],
)
def test_what_is_no_matrix_of_distances_is_refused(function, matrix, words):
    with pytest.raises(ValueError, match=words):
        function(matrix)


def test_missing_pairs_are_refused_where_no_measure_can_do_without():
    holed, far = spoilt(TWO_ALIKE, 0, 1, np.nan), spoilt(APART, 0, 2, np.inf)
    for function in (vendi, leinster_cobbold, lambda matrix: rarefy(matrix, 2)):
        with pytest.raises(ValueError, match=r"similarities must hold no NaN, but holds nan \(row 0, column 1\)"):
            function(holed)
    assert order2_diversity(holed) == np.inf
    for function in (mean_pairwise_distance, sound_clusters):
        with pytest.raises(ValueError, match=r"not inf \(row 0, column 2\)"):
            function(far)
    with pytest.raises(ValueError, match=r"both ways, not nan \(row 0, column 1\) and 2"):
        mean_pairwise_distance(spoilt(APART, 0, 1, np.nan, both=False))
    for function in (vendi, leinster_cobbold, rao):
        with pytest.raises(ValueError, match=r"one recording or more, not \(0, 0\)"):
            function(np.zeros((0, 0)))


def test_rounding_is_not_refused():
    similarities = spoilt(TWO_ALIKE, 0, 1, 0.9 + 1e-12, both=False)
    similarities[2, 2] = 1 + 1e-12
    assert vendi(similarities) == pytest.approx(vendi(TWO_ALIKE))
    # a copy's distance is the root of what a difference of products leaves
    rows = np.random.default_rng(0).standard_normal((40, 30))
    rows[1] = rows[0] + 1e-7
    squares = (rows**2).sum(axis=1)
    distances = np.sqrt(np.abs(squares[:, None] + squares - 2 * rows @ rows.T))
    distances[0, 1] *= 1.1
    assert np.diag(distances).max() > 1e-8
    assert mean_pairwise_distance(distances) > 0
    unmeasured = spoilt(np.zeros((3, 3)), 1, 1, np.nan)
    unmeasured[1] = unmeasured[:, 1] = np.nan
    assert mean_pairwise_distance(unmeasured) == 0


def test_similarities_of_nothing_are_refused():
    impossible = np.array([[1, 0.95, 0], [0.95, 1, 0.95], [0, 0.95, 1]])
    with pytest.raises(ValueError, match="positive semidefinite, but their least eigenvalue is -0.1"):
        vendi(impossible)


@pytest.mark.parametrize(
    "function",
    [
        lambda order: vendi(TWO_ALIKE, order),
        lambda order: vendi_of_rows(np.eye(3), order),
        lambda order: hill(SHARES, order),
        lambda order: leinster_cobbold(TWO_ALIKE, order),
        lambda order: rarefied_hill(np.array([3, 2]), 2, order),
    ],
)
def test_orders(function):
    for order in (np.nan, -0.1, None, "1"):
        with pytest.raises(ValueError, match=f"order must be 0 or more, not {order}"):
            function(order)
    assert function(1 - 1e-16) == function(1)
    assert function(1 - 1e-6) == pytest.approx(function(1), rel=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: vendi_of_rows(np.array([[1.0, 0], [np.nan, 1]])), r"row 1 has no direction \(length nan\)"),
        (lambda: vendi_of_rows(np.array([[1.0, 0], [np.inf, 1]])), r"row 1 has no direction \(length inf\)"),
        (lambda: vendi_of_rows(np.zeros((0, 2))), r"one recording or more, not \(0, 2\)"),
        (lambda: vendi_of_rows(np.ones(3)), r"rows must be shaped \(n, d\), not \(3,\)"),
        (lambda: participation_ratio(np.ones(9)), r"rows must be shaped \(n, d\), not \(9,\)"),
        (lambda: participation_ratio(np.full((9, 2), np.nan)), r"not nan \(row 0, column 0\)"),
        (lambda: intrinsic_dimension(np.zeros((2, 2))), "3 recordings or more are needed, not 2"),
        (lambda: hill(np.eye(2)), r"weights must be shaped \(k,\), not \(2, 2\)"),
        (lambda: hill(0.5), r"weights must be shaped \(k,\), not \(\)"),
        (lambda: rarefy(TWO_ALIKE, 2.5), "size must be a whole number, not 2.5"),
        (lambda: rarefy(TWO_ALIKE, 0), "size must lie between 2 and the 3 recordings given, not 0"),
        (lambda: rarefy(TWO_ALIKE, 2, draws=9), "draws must be 10 or more, not 9"),
        (lambda: rarefy(TWO_ALIKE, 3, level=95), "level must lie between 0 and 1, such as .95, not 95"),
        (lambda: rarefy(TWO_ALIKE, 2, artists=["a", "b"]), "artists must be 3 names, one for each recording, not 2"),
        (lambda: rarefy(TWO_ALIKE, 2, artists="abc"), "artists must be 3 names, .* not 'abc'"),
        (lambda: rarefy(spoilt(APART, 0, 1, 1, both=False), 2, rao), "matrix must be the same both ways"),
        (lambda: sound_clusters(APART, np.nan), "limit must be a distance, 0 or more, not nan"),
        (lambda: rarefied_hill(np.array([3, 2]), 1.5), "size must be a whole number, not 1.5"),
        (lambda: rarefied_hill(np.array([3, 2]), 0), "size must lie between 1 and the 5 entries given, not 0"),
        (lambda: sample_coverage(np.array([3, 2]), -1), "size must lie between 1 and the 5 entries given, not -1"),
        (lambda: sample_coverage(np.array([3, 2]), 2.5), "size must be a whole number, not 2.5"),
        (lambda: sample_coverage(np.array([3, 2.5])), r"0 or more, not 2.5 \(place 1\)"),
        (lambda: sample_coverage(np.array([3, np.nan])), r"0 or more, not nan \(place 1\)"),
        (lambda: sample_coverage(np.array([0, 0])), "at least one entry, not 2 counts that sum to 0"),
        (lambda: sample_coverage(np.ones((2, 2))), r"counts must be shaped \(k,\), not \(2, 2\)"),
        (lambda: hill_at_coverage(SPIDERS, 90), "between 0 and the 0.929 of these counts, not 90"),
        (lambda: hill_at_coverage(SPIDERS, np.nan), "between 0 and the 0.929 of these counts, not nan"),
        (lambda: hill_at_coverage(np.array([1]), 0.5), "2 entries or more: of a single one no coverage can be told"),
        (lambda: same(["abc", "d"]), r"not 'abc' \(place 0\): \['abc'\] for one"),
        (lambda: same("abc"), r"not 'a' \(place 0\)"),
        (lambda: same([["a"], None]), r"not None \(place 1\)"),
        (lambda: kernel(np.array([0.5, -0.1])), r"distances must be 0 or more, not -0.1 \(place 1\)"),
        (lambda: kernel(np.zeros(2), "wide"), "scale must be more than 0, not wide"),
        (lambda: kernel(np.zeros(2), np.nan), "scale must be more than 0, not nan"),
        (lambda: fit_space(np.zeros((3, 2))), "reference must be a pandas.DataFrame with named columns, not ndarray"),
        (lambda: fit_space(pd.DataFrame({"a.x": ["1", "fast"]})), "column 'a.x' must hold numbers: .*'fast'"),
        (lambda: fit_space(pd.DataFrame(np.eye(2), columns=["a.x", "a.x"])), "column 'a.x' is there twice"),
        (lambda: fit_space(reference(), limit=0), "limit must be more than 0, not 0"),
        (
            lambda: Space(("a.x",), np.zeros(1), np.zeros(1)),
            "'a.x' needs a finite center and a scale above 0, not 0 and 0",
        ),
        (lambda: Space(("a.x", "a.x"), np.zeros(2), np.ones(2)), "descriptor 'a.x' is named twice"),
        (lambda: fit_space(reference()).only(), "name a family or more: key, rhythm, timbre"),
        (lambda: fit_space(reference()).embed(["loud"]), "rows must be an array of numbers: .*'loud'"),
    ],
)
def test_bad_values_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_one_pair_of_distances_tells_no_dimension():
    # two of the four have a copy: of the others only one has two neighbours at all
    distances = np.array([[0, 0, 1, np.nan], [0, 0, 2, np.nan], [1, 2, 0, np.nan], [np.nan, np.nan, np.nan, 0]])
    assert np.isnan(intrinsic_dimension(distances))


# Weights


def test_weights_count_pairs_as_products():
    rows = np.random.default_rng(1).standard_normal((6, 3))
    distances = distances_of(rows)
    weights = np.array([1.0, 2, 0, 3, 1, 1])
    repeated = np.repeat(np.arange(6), weights.astype(int))
    # a recording of weight 2 is two recordings, but for the pair that two copies would make
    between = repeated[:, None] != repeated
    expected = distances[np.ix_(repeated, repeated)][between].mean()
    assert mean_pairwise_distance(distances, weights) == pytest.approx(expected, rel=1e-12)
    estimate = estimate_distance(distances, list("abcdef"), weights=weights)
    assert estimate.value == pytest.approx(expected, rel=1e-12)
    assert estimate.low < expected < estimate.high
    assert estimate_distance(distances, list("abcdef"), weights=np.ones(6)) == estimate_distance(
        distances, list("abcdef")
    )
    with pytest.raises(ValueError, match="weights must be 6 numbers of 0 or more"):
        mean_pairwise_distance(distances, -weights)


def test_dispersion_is_the_root_of_the_variances():
    rows = np.random.default_rng(2).standard_normal((40, 4))
    distances = np.linalg.norm(rows[:, None] - rows, axis=-1)
    assert dispersion(distances) == pytest.approx(np.sqrt(rows.var(axis=0, ddof=1).sum()), rel=1e-12)


# Many recordings


@pytest.mark.parametrize("order", [0, 0.5, 1, 2, np.inf])
def test_the_dual_form_is_the_vendi_score_of_cosines(order):
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((60, 7)) * rng.random((60, 1))
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert vendi_of_rows(rows, order) == pytest.approx(vendi(units @ units.T, order), rel=1e-9)
    shares = rng.dirichlet(np.ones(60))
    assert vendi_of_rows(rows, order, shares) == pytest.approx(vendi(units @ units.T, order, shares), rel=1e-9)


def test_the_dual_form_names_a_row_without_direction():
    with pytest.raises(ValueError, match=r"row 1 has no direction \(length 0\.0\)"):
        vendi_of_rows(np.array([[1.0, 0], [0, 0]]))


# Rarefaction


def test_rarefied_vendi_scores_of_different_n_agree():
    rng = np.random.default_rng(4)
    full, rarefied = [], []
    for n in (30, 90):
        charts = [kernel(distances_of(rng.standard_normal((n, 5)))) for _ in range(25)]
        full.append(np.mean([vendi(one) for one in charts]))
        rarefied.append(np.mean([rarefy(one, 20, draws=40, seed=i).value for i, one in enumerate(charts)]))
    assert full[1] > 1.15 * full[0]
    assert rarefied[1] == pytest.approx(rarefied[0], rel=0.03)


def test_rarefied_intervals_cover():
    rng = np.random.default_rng(5)

    def a_chart():
        rows, artists = chart(60, rng, songs_each=2)
        return kernel(distances_of(rows)), artists

    truth = np.mean([rarefy(a_chart()[0], 20, draws=10).value for _ in range(200)])
    covered = 0
    for seed in range(40):
        similarities, artists = a_chart()
        estimate = rarefy(similarities, 20, artists=artists, draws=150, seed=seed)
        covered += estimate.low <= truth <= estimate.high
    assert covered >= 33  # 38 of 40 expected


def test_rarefying_to_all_has_no_interval():
    estimate = rarefy(TWO_ALIKE, 3)
    assert estimate.value == pytest.approx(2.15730, abs=5e-6)
    assert np.isnan(estimate.low)
    with pytest.raises(ValueError, match="size must lie between 2 and the 3 recordings given, not 4"):
        rarefy(TWO_ALIKE, 4)


# Kinds


# Spiders under girdled hemlocks: Ellison et al. 2010, as printed in Chao et al. 2014, table 2
SPIDERS = np.array([46, 22, 17, 15, 15, 9, 8, 6, 6, 4, 2, 2, 2, 2, *[1] * 12])


@pytest.mark.parametrize(("order", "value"), [(0, 26), (1, 12.06), (2, 7.84)])
def test_hill_numbers_of_spiders_as_published(order, value):
    assert rarefied_hill(SPIDERS, 168, order) == pytest.approx(value, abs=0.005)


def test_sample_coverage_of_spiders_as_published():
    assert sample_coverage(SPIDERS) == pytest.approx(0.929, abs=0.0005)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_rarefied_hill_is_the_mean_over_draws(order):
    # E of the abundance-frequency counts is exact; at orders other than 0 the Hill number is of the expectation
    counts = np.array([5, 3, 1, 1])
    rng = np.random.default_rng(6)
    draws = [
        np.bincount(rng.choice(np.repeat(np.arange(4), counts), 6, replace=False), minlength=4) for _ in range(20000)
    ]
    often = np.array([np.mean([(one == k).sum() for one in draws]) for k in range(1, 7)])
    shares = np.arange(1, 7) / 6
    if order == 1:
        expected = np.exp(-(often * shares * np.log(shares)).sum())
    else:
        expected = (often * shares**order).sum() ** (1 / (1 - order))
    assert rarefied_hill(counts, 6, order) == pytest.approx(expected, rel=0.01)


def test_at_a_coverage_charts_of_different_length_agree():
    rng = np.random.default_rng(7)
    shares = 1 / np.arange(1, 41)
    found = [
        np.mean([hill_at_coverage(rng.multinomial(n, shares / shares.sum()), 0.7, 0) for _ in range(100)])
        for n in (100, 400)
    ]
    assert found[1] == pytest.approx(found[0], rel=0.05)
    with pytest.raises(ValueError, match="coverage must lie between 0 and the 0.929 of these counts, not 0.99"):
        hill_at_coverage(SPIDERS, 0.99)


def test_kinds_shared_by_pairs_are_simpsons():
    counts = np.array([4, 3, 2])
    kinds = [[str(kind)] for kind, count in enumerate(counts) for _ in range(count)]
    n = counts.sum()
    expected = n * (n - 1) / (counts * (counts - 1)).sum()
    pairs = same(kinds)
    assert 1 / pairs[~np.eye(n, dtype=bool)].mean() == pytest.approx(expected, rel=1e-12)
    two = same([["pop", "rock"], ["rock"], []])
    assert two[0, 1] == 0.5
    assert np.isnan(two[2]).all()


@pytest.mark.parametrize("unknown", [None, np.nan, "", " ", pd.NA, pd.NaT, np.float64("nan")])
def test_unknown_kinds_are_shared_with_nobody(unknown):
    pairs = same([["pop", unknown], ["pop"], [unknown], [unknown]])
    assert pairs[0, 1] == pairs[0, 0] == 1
    assert np.isnan(pairs[2:]).all()
    similarities = kernel(distances_of(np.random.default_rng(1).standard_normal((6, 3))))
    unnamed = rarefy(similarities, 3, artists=["a", "b", unknown, unknown, "c", "c"], draws=50)
    assert unnamed == rarefy(similarities, 3, artists=["a", "b", "x", "y", "c", "c"], draws=50)


def test_names_that_read_like_nothing_are_names():
    assert same([["None"], ["None"], ["nan"], ["nan"]])[[0, 2], [1, 3]].tolist() == [1, 1]


def test_the_coverage_of_a_single_entry_is_not_known():
    assert np.isnan(sample_coverage(np.array([1])))
    assert np.isnan(sample_coverage(np.array([0, 1]), 1))
    # Chao & Jost 2012 without doubletons: 1 - f1/n (n - 1)(f1 - 1) / ((n - 1)(f1 - 1) + 2)
    assert sample_coverage(np.array([1, 1])) == pytest.approx(2 / 3)
    assert sample_coverage(np.array([2])) == 1


# Dimensions and clusters


def test_participation_ratio_hardly_depends_on_n():
    rng = np.random.default_rng(8)
    scales = np.array([3.0, 2, 1, 1])
    truth = (scales**2).sum() ** 2 / (scales**4).sum()
    for n in (20, 200):
        found = np.mean([participation_ratio(rng.standard_normal((n, 4)) * scales) for _ in range(600)])
        assert found == pytest.approx(truth, rel=0.1)


def test_both_dimensions_of_five_are_five():
    rows = np.random.default_rng(9).standard_normal((1500, 5))
    assert participation_ratio(rows) == pytest.approx(5, rel=0.03)
    squares = (rows**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0))
    assert intrinsic_dimension(distances) == pytest.approx(5, rel=0.08)


def test_clusters_of_copies():
    distances = np.kron(1 - np.eye(3), np.ones((4, 4))) * 3
    numbers = sound_clusters(distances)
    assert len(set(numbers)) == 3
    assert all(len(set(numbers[i : i + 4])) == 1 for i in (0, 4, 8))
    distances[0, 4] = distances[4, 0] = np.nan  # not measured: not near
    assert len(set(sound_clusters(distances))) == 3
    assert list(sound_clusters(np.zeros((1, 1)))) == [0]
