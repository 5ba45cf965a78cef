import numpy as np
import pytest

from chartropy.analysis.foote import foote, foote_peaks, turn_phases
from chartropy.analysis.novelty import conserve_index, nearest, novelty, percentile, typicality


def everybody(n, m):
    return np.ones((n, m), dtype=bool)


def test_the_nearest_by_others():
    distances = np.array([[0.0, 2.0, 3.0], [1.0, np.nan, 4.0], [5.0, 5.0, 5.0]])
    apart = np.array([[False, True, True], [True, True, True], [False, False, False]])
    found = nearest(distances, apart)
    assert found.which.tolist() == [1, 0, -1]
    assert found.distance[:2].tolist() == [2.0, 1.0]
    assert np.isnan(found.distance[2])
    assert nearest(np.empty((2, 0)), np.empty((2, 0), dtype=bool)).which.tolist() == [-1, -1]


def test_novelty_is_the_mean_least_of_all_draws():
    distances = np.array([[4.0, 1.0, 2.0]])
    # draws of two: (4,1) (4,2) (1,2)
    assert novelty(distances, everybody(1, 3), 2) == pytest.approx([(1 + 2 + 1) / 3])
    assert novelty(distances, everybody(1, 3), 1) == pytest.approx([7 / 3])
    assert novelty(distances, everybody(1, 3), 3) == pytest.approx([1.0])
    assert np.isnan(novelty(distances, everybody(1, 3), 4)).all()
    assert novelty(np.array([[4.0, np.nan, 2.0]]), everybody(1, 3), 2) == pytest.approx([2.0])
    with pytest.raises(ValueError, match="drawn must be 1 or more, not 0"):
        novelty(distances, everybody(1, 3), 0)


def test_novelty_does_not_fall_as_the_past_fills():
    rng = np.random.default_rng(0)
    now = rng.standard_normal((200, 4))
    found, raw = [], []
    for m in (60, 900):
        distances = np.linalg.norm(now[:, None] - rng.standard_normal((m, 4)), axis=-1)
        found.append(np.nanmean(novelty(distances, everybody(200, m))))
        raw.append(distances.min(axis=1).mean())
    assert raw[1] < 0.7 * raw[0]
    assert found[1] == pytest.approx(found[0], rel=0.06)


def test_typicality_is_a_mean_of_cosines():
    rows, past = np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 5.0], [-3.0, 0.0]])
    apart = everybody(2, 3)
    apart[0, 2] = False
    assert typicality(rows, past, apart)[0] == pytest.approx(0.5)
    assert np.isnan(typicality(rows, past, ~everybody(2, 3))).all()


@pytest.mark.parametrize("nothing", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_a_row_without_direction_is_not_typical_of_anything(nothing):
    rows, past = np.array([[2.0, 0.0], nothing]), np.array([[1.0, 0.0], [0.0, 5.0], nothing])
    found = typicality(rows, past, everybody(2, 3))
    assert found[0] == pytest.approx(0.5)  # the mean of two, not of three
    assert np.isnan(found[1])


NEAR = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nearest(-NEAR, everybody(2, 2)), r"distances must be 0 or more, not -1 \(row 0, column 0\)"),
        (lambda: novelty(np.array([[1.0, -2.0]]), everybody(1, 2), 1), r"0 or more, not -2 \(row 0, column 1\)"),
        (lambda: nearest(NEAR, everybody(2, 3)), r"apart must be shaped \(2, 2\), .* not \(2, 3\)"),
        (lambda: nearest(NEAR, np.full((2, 2), 2)), "apart must be True or False for every pair, .* not of int64"),
        (lambda: nearest(NEAR[0], everybody(2, 2)[0]), r"distances must be shaped \(n, m\), not \(2,\)"),
        (lambda: novelty(NEAR, everybody(2, 2), 1.5), "drawn must be a whole number, not 1.5"),
        (lambda: typicality(NEAR[0], NEAR, everybody(2, 2)), r"rows must be shaped \(n, d\), not \(2,\)"),
        (lambda: typicality(NEAR, NEAR[:, :1], everybody(2, 2)), "the same columns: 2 and 1"),
        (lambda: typicality(NEAR, NEAR, everybody(2, 1)), r"apart must be shaped \(2, 2\)"),
        (lambda: percentile(np.array([-1.0]), np.array([1.0])), r"distance must be 0 or more, not -1 \(place 0\)"),
        (lambda: percentile(np.array([1.0]), NEAR), r"usual must be shaped \(m,\), not \(2, 2\)"),
        (lambda: conserve_index(NEAR[0], ["a", "b"], NEAR[0], ["c"]), "past_artists must be 2 names, .* not 1"),
        (
            lambda: conserve_index(NEAR[0], ["a"], NEAR[0], ["c", "d"]),
            "artists must be 2 names, one for each recording, not 1",
        ),
        (lambda: foote(np.array([["a"]]), 1), "rows must be an array of numbers: .*'a'"),
        (lambda: foote(np.full((9, 1), np.nan), 2), r"without NaN, not nan \(row 0, column 0\)"),
        (lambda: foote(np.zeros((9, 1)), 2.5), "half_width must be a whole number, not 2.5"),
        (lambda: foote(np.zeros((9, 1)), 2, taper=np.nan), "taper must be above 0, not nan"),
        (lambda: foote(np.zeros((9, 1)), 2, taper=1e-3), "taper 0.001 fades out all 2 rows on either side"),
        (lambda: foote_peaks(np.zeros((9, 1)), 2, nulls="phase"), r"such as \['phase'\], not 'phase' itself"),
        (lambda: foote_peaks(np.zeros((9, 1)), 2, replicates=150.5), "replicates must be a whole number, not 150.5"),
        (lambda: turn_phases(np.zeros(9), 2, np.random.default_rng(0)), r"rows must be shaped \(n, d\), not \(9,\)"),
    ],
)
def test_bad_values_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_unknown_artists_of_the_past_stand_alone():
    rng = np.random.default_rng(3)
    near, usual = rng.random(20), rng.random(30)
    named = [f"p{i}" for i in range(30)]
    unnamed = [None, np.nan, "", *named[3:]]
    assert conserve_index(near, range(20), usual, unnamed) == conserve_index(near, range(20), usual, named)


def test_percentiles():
    assert percentile(np.array([0.0, 2.0, 9.0, np.nan]), np.array([1.0, 2.0, 3.0, np.nan]))[:3] == pytest.approx(
        [0, 0.5, 1]
    )
    assert np.isnan(percentile(np.array([1.0]), np.array([np.nan]))).all()


def index_of(now, past, now_artists, past_artists):
    def between(one, other):
        return np.linalg.norm(one[:, None] - other, axis=-1)

    apart, among = (np.array(one)[:, None] != np.array(past_artists) for one in (now_artists, past_artists))
    near, usual = nearest(between(now, past), apart).distance, nearest(between(past, past), among).distance
    return conserve_index(near, now_artists, usual, past_artists)


def test_the_conserve_index_is_half_where_nothing_changed_and_covers_it():
    rng = np.random.default_rng(1)
    covered, values = 0, []
    for _ in range(100):
        estimate = index_of(
            rng.standard_normal((60, 4)), rng.standard_normal((300, 4)), list(range(60)), list(range(100, 400))
        )
        covered += estimate.low <= 0.5 <= estimate.high
        values.append(estimate.value)
    assert np.mean(values) == pytest.approx(0.5, abs=0.02)
    assert covered >= 90


def test_a_chart_of_copies_lives_on_conserves():
    rng = np.random.default_rng(2)
    past = rng.standard_normal((300, 4))
    copies = past[:60] + 0.01 * rng.standard_normal((60, 4))
    estimate = index_of(copies, past, list(range(1000, 1060)), list(range(300)))
    assert estimate.value == 1
    assert 0.9 < estimate.low < 1
    # who copies oneself is compared with others
    own = index_of(copies, past, list(range(60)), list(range(300)))
    assert own.value < 0.8
    assert np.isnan(index_of(copies, past[:0], list(range(60)), []).value)
