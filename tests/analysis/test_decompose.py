import numpy as np
import pytest

from chartropy.analysis.decompose import FACTORS, FEWEST, Group, decompose
from chartropy.analysis.estimates import mean_over_pairs
from chartropy.analysis.space import kernel

SURE = {"sensitivity": (1e9, 1e9), "specificity": (1e9, 1e9)}


def season(seed=0, human=120, ai=50, scale=0.6):
    """Recordings of two periods, AI ones nearer to each other; distances, who is AI, weights of each period."""
    rng = np.random.default_rng(seed)
    made = np.arange(human + ai) >= human
    rows = rng.standard_normal((human + ai, 6)) * np.where(made, scale, 1.0)[:, None]
    distances = np.sqrt(((rows[:, None] - rows) ** 2).mean(axis=-1) / 2)
    first, second = np.zeros(human + ai), np.zeros(human + ai)
    first[:80] = second[30:100] = 1
    first[human : human + 10] = second[human:] = 1
    return distances, made, first, second


def group(weights, spare=None):
    return Group(weights, np.zeros(len(weights), dtype=bool) if spare is None else spare)


def taken_apart(distances, made, first, second, **options):
    artists = np.arange(len(made))
    return decompose(distances, artists, made, group(first), group(second), **{**SURE, **options}).set_index("quantity")


@pytest.mark.parametrize("reciprocal", [False, True])
def test_the_parts_add_up_exactly(reciprocal):
    distances, made, first, second = season()
    pairs = kernel(distances) ** 2 if reciprocal else distances
    found = taken_apart(pairs, made, first, second, reciprocal=reciprocal)["value"]
    one, other = (mean_over_pairs(pairs[np.ix_(of > 0, of > 0)]) for of in (first, second))
    if reciprocal:
        one, other = 1 / one, 1 / other
    assert found["before"] == pytest.approx(one, rel=1e-12)
    assert found["after"] == pytest.approx(other, rel=1e-12)
    assert found[list(FACTORS)].sum() == pytest.approx(other - one, rel=1e-9)
    assert found["change"] == pytest.approx(other - one, rel=1e-9)
    assert found["ai_share_before"] == pytest.approx(10 / 90)
    assert found["ai_share_after"] == pytest.approx(50 / 120)


def test_the_parts_by_hand():
    # two human tracks 1 apart; then one of them and one AI track, 3 apart
    pairs = np.array([[0, 1.0, 9], [1, 0, 3], [9, 3, 0]])
    made = np.array([False, False, True])
    found = taken_apart(pairs, made, np.array([1.0, 1, 0]), np.array([0, 1.0, 1]))["value"]
    # no pair of one each was there before, none of two humans after: both means are taken as they are where they exist
    assert found["share"] == pytest.approx(2)
    assert found[["within_ai", "within_human", "between"]].tolist() == [0, 0, 0]


def test_without_ai_is_the_human_tracks_own_diversity():
    distances, made, first, second = season()
    found = taken_apart(distances, made, first, second)["value"]
    human = [(of > 0) & ~made for of in (first, second)]
    means = [mean_over_pairs(distances[np.ix_(of, of)]) for of in human]
    assert found["without_ai_before"] == pytest.approx(means[0], rel=1e-12)
    assert found["without_ai_after"] == pytest.approx(means[1], rel=1e-12)
    assert found["due_to_ai"] == pytest.approx(found["change"] - (means[1] - means[0]), rel=1e-9)


def test_spare_human_tracks_stand_in_for_ai():
    distances, made, first, second = season()
    spare = (first == 0) & ~made
    artists = np.arange(len(made))
    found = decompose(distances, artists, made, Group(first, spare), group(second), **SURE).set_index("quantity")[
        "value"
    ]
    rng = np.random.default_rng(0)
    human, pool = np.flatnonzero((first > 0) & ~made), np.flatnonzero(spare)
    drawn = []
    for _ in range(4000):
        chart = np.r_[human, rng.choice(pool, 10, replace=False)]
        drawn.append(mean_over_pairs(distances[np.ix_(chart, chart)]))
    assert found["without_ai_before"] == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / 4000**0.5)


def test_errors_of_the_classifier_widen_the_interval():
    distances, made, first, second = season()
    sure = taken_apart(distances, made, first, second).loc["within_human"]
    unsure = taken_apart(distances, made, first, second, sensitivity=(8, 10), specificity=(9, 10)).loc["within_human"]
    assert unsure["high"] - unsure["low"] > sure["high"] - sure["low"]
    share = taken_apart(distances, made, first, second, sensitivity=(8, 10), specificity=(9, 10)).loc["ai_share_after"]
    assert share["low"] < 50 / 120 < share["high"]


@pytest.mark.slow
def test_intervals_cover_the_population():
    """Labels judged with errors, artists drawn anew: the change due to AI is covered."""
    rng = np.random.default_rng(1)

    def draw(seed):
        distances, made, first, second = season(seed)
        flagged = np.where(made, rng.random(len(made)) < 0.95, rng.random(len(made)) < 0.02)
        return distances, made, flagged, first, second

    truth = np.mean([taken_apart(*season(seed), replicates=100)["value"] for seed in range(1000, 1100)], axis=0)
    names = taken_apart(*season(0), replicates=100).index
    covered = np.zeros(len(names))
    for seed in range(60):
        distances, _, flagged, first, second = draw(seed)
        found = taken_apart(
            distances, flagged, first, second, sensitivity=(190, 200), specificity=(196, 200), seed=seed, replicates=300
        )
        covered += (found["low"] <= truth) & (truth <= found["high"])
    covered = dict(zip(names, covered, strict=True))
    assert min(covered.values()) >= 51, covered  # 57 of 60 expected


def test_the_same_seed_gives_the_same_numbers():
    given = season()
    assert taken_apart(*given).equals(taken_apart(*given))


def test_what_is_wrong_is_named():
    distances, made, first, second = season()
    with pytest.raises(ValueError, match="flagged must be as many as recordings: 3, 170 recordings"):
        decompose(distances, made, made[:3], group(first), group(second), **SURE)
    with pytest.raises(ValueError, match="before: 90 recordings are on the chart and spare at once"):
        decompose(distances, made, made, Group(first, first > 0), group(second), **SURE)
    with pytest.raises(ValueError, match="replicates must be 100 or more, not 5"):
        taken_apart(distances, made, first, second, replicates=5)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"level": 95}, r"level must lie between 0 and 1, such as \.95, not 95"),
        ({"replicates": 200.5}, "replicates must be a whole number, not 200"),
        ({"pairs": np.ones((3, 2))}, r"shaped \(n, n\), not \(3, 2\)"),
        ({"pairs": np.ones((0, 0))}, "pairs must be of one recording or more, not of none"),
        ({"pairs": np.array([[0, 1, 2.0], [1, 0, 3], [2, 4, 0]])}, r"1 to 2 is 3\.0, 2 to 1 4\.0"),
        ({"pairs": np.array([[0, 1, 2.0], [1, 0, np.nan], [2, 4, 0]])}, r"1 to 2 is nan, 2 to 1 4\.0"),
        ({"pairs": np.array([[0, np.inf, 2.0], [np.inf, 0, 3], [2, 3, 0]])}, "0 and 1 have inf"),
        ({"pairs": -np.ones((3, 3)), "reciprocal": True}, r"0 or more where the measure is a reciprocal, not -1\.0"),
        ({"artists": ["x"]}, "artists must be as many as recordings: 1, 3 recordings"),
        ({"flagged": np.array([0.2, 0.9, np.nan])}, "flagged must be True or False for each recording, not float64"),
        ({"flagged": np.array([0, 1, 2])}, "flagged must be True or False"),
        ({"flagged": np.array([[True, False, True]])}, r"not bool shaped \(1, 3\)"),
        ({"before": Group(np.array([1, np.nan, 0]), np.zeros(3, bool))}, r"before\.weights must be 0 or more, not nan"),
        ({"after": Group(np.array([1, -2.0, 0]), np.zeros(3, bool))}, r"after\.weights must be 0 or more, not -2\.0"),
        ({"after": Group(np.ones(2), np.zeros(3, bool))}, r"after\.weights must be as many as recordings: 2, 3"),
        (
            {"before": Group(np.ones(3), np.zeros(3))},
            r"before\.spare must be True or False for each recording, not float64",
        ),
    ],
)
def test_what_is_wrong_is_refused(given, says):
    nothing = np.zeros(3, dtype=bool)
    whole = {"pairs": np.ones((3, 3)), "artists": list("xyz"), "flagged": nothing}
    whole |= {"before": group(np.array([1.0, 1, 0])), "after": group(np.array([0, 1.0, 1])), **SURE, **given}
    with pytest.raises(ValueError, match=says):
        decompose(**whole)


def test_unknown_artists_are_each_their_own():
    distances, made, first, second = season()
    known = np.array([f"artist {place // 2}" for place in range(len(made))], dtype=object)
    apart = known.copy()
    apart[:40] = [f"unknown {place}" for place in range(40)]
    named = decompose(distances, apart, made, group(first), group(second), **SURE)
    for nothing in (None, np.nan, ""):
        unknown = known.copy()
        unknown[:40] = nothing
        found = decompose(distances, unknown, made, group(first), group(second), **SURE)
        width, usual = (one["high"].iloc[0] - one["low"].iloc[0] for one in (found, named))
        assert width == pytest.approx(usual, rel=0.15)  # the same artists, numbered otherwise: other replicates


def test_all_flagged_or_none_is_no_error():
    distances, made, first, second = season()
    for one in (np.ones_like(made), np.zeros_like(made)):
        found = taken_apart(distances, one, first, second)
        assert found.loc["share", "value"] == pytest.approx(0)
        assert found.loc[list(FACTORS), "value"].sum() == pytest.approx(found.loc["change", "value"])


def test_reciprocals_of_few_recordings_have_no_interval():
    distances, made, first, second = season()
    pairs = kernel(distances) ** 2
    few = np.zeros_like(first)
    few[: FEWEST - 1] = 1
    found = taken_apart(pairs, made, few, second, reciprocal=True)
    whole = ["after", "without_ai_after", "ai_share_before", "ai_share_after"]
    assert set(found.index[found["low"].notna()]) == set(whole)
    assert found["value"].notna().all()
    says = f"no interval: {FEWEST - 1} effective recordings before, fewer than {FEWEST}"
    assert found.loc[["before", "change", "share"], "method"].str.startswith(says).all()
    assert "without ai before" in found.loc["due_to_ai", "method"]
    assert not found.loc[whole, "method"].str.contains("no interval").any()
    # one more is enough, if they are of as many artists
    few[FEWEST - 1] = 1
    assert taken_apart(pairs, made, few, second, reciprocal=True).loc["before", "low"] > 0
    artists = np.r_[np.arange(FEWEST) // 2, np.arange(FEWEST, len(made))]
    found = decompose(pairs, artists, made, group(few), group(second), reciprocal=True, **SURE).set_index("quantity")
    assert np.isnan(found.loc["change", "high"])
    # a mean itself is no reciprocal, and a sound more than there are recordings cannot be counted
    few[FEWEST - 1] = 0
    assert taken_apart(distances, made, few, second).loc["before", "low"] > 0
    few[: FEWEST + 5] = 1
    found = taken_apart(pairs**8, made, few, second, reciprocal=True).loc["before"]
    assert f"{FEWEST + 5} effective recordings before, fewer than sounds" in found["method"]


def test_a_period_without_pairs_is_no_number():
    distances, made, first, _ = season()
    found = taken_apart(distances, made, first, np.zeros(len(made)))
    assert np.isnan(found.loc["change", "value"])
    assert found.loc["before", "value"] > 0
