import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from chartropy.analysis.critic import (
    CATEGORIES,
    FEWEST_ARTISTS,
    belonging,
    category_shares,
    fit_critic,
    measured,
    style_ambiguity,
)
from chartropy.analysis.space import Space, fit_space

D = 6
PLAIN = Space(tuple(f"a.x{i}" for i in range(D)), np.zeros(D), np.ones(D), limit=50.0)


def frame(rows):
    return pd.DataFrame(rows, columns=list(PLAIN.names))


def drawn(centers, style, seed):
    """A recording of each style named, by its number."""
    return frame(centers[style] + np.random.default_rng(seed).standard_normal((len(style), D)))


def named(style):
    return [f"style {one}" for one in style]


# -- ambiguity ---------------------------------------------------------------------------------------------------------


def test_ambiguity_is_entropy_over_its_largest():
    assert style_ambiguity(np.array([[0.5, 0.5], [1.0, 0.0], [0.9, 0.1]])) == pytest.approx(
        [1, 0, 0.4689955935892812], abs=1e-12
    )
    assert style_ambiguity(np.array([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25]])) == pytest.approx([0.5, 1], abs=1e-12)
    assert np.isnan(style_ambiguity(np.full((1, 2), np.nan))).all()


@pytest.mark.parametrize(
    ("posterior", "said"),
    [
        ([[1.0]], "two styles or more, not 1"),
        ([[0.5, 0.6]], "each row summing to 1"),
        ([[1.5, -0.5]], "must hold probabilities"),
        ([0.5, 0.5], r"shaped \(n, k\)"),
    ],
)
def test_what_is_no_posterior_is_refused(posterior, said):
    with pytest.raises(ValueError, match=said):
        style_ambiguity(np.array(posterior))


def test_halfway_between_two_styles_is_ambiguous_and_inside_one_is_not():
    half = np.random.default_rng(0).standard_normal((40, D))
    center = np.array([6.0, 0, 0, 0, 0, 0])
    both = np.vstack([half + center, -half - center])  # mirrored: what is learned of one is learned of the other
    critic = fit_critic(frame(both), styles=named([0] * 40 + [1] * 40), space=PLAIN)
    assert "told apart" not in critic.method
    found = critic.judge(frame([center * 0, center, -center, np.r_[0, 30.0, 0, 0, 0, 0]]), replicates=0)
    assert found["ambiguity"][0] == pytest.approx(1, abs=1e-6)
    assert (found["ambiguity"][1:3] < 0.1).all()
    assert found["style"][1:3].tolist() == ["style 0", "style 1"]
    assert found["ambiguity"][3] > 0.99  # beyond both: of neither
    assert found["unseen"][3] > 0.99
    assert found["category"].tolist() == ["new and not", "typical", "typical", "new and not"]


def test_what_lies_between_styles_where_music_is_is_new_and_still_music():
    rng = np.random.default_rng(2)
    half = np.column_stack([rng.uniform(0, 6, 80), rng.standard_normal((80, D - 1))])
    rows = frame(np.vstack([half, -half]))  # styles pass into each other
    critic = fit_critic(rows, styles=named([0] * 80 + [1] * 80), space=PLAIN)
    found = critic.judge(frame([np.zeros(D), np.r_[4.0, np.zeros(D - 1)]]), replicates=0)
    assert found["category"].tolist() == ["new and still music", "typical"]


def test_the_posterior_of_a_mixture_is_the_true_one():
    centers = np.zeros((3, D))
    centers[1, 0] = centers[2, 1] = 2.0
    style = np.arange(900) % 3
    critic = fit_critic(drawn(centers, style, 0), styles=named(style), space=PLAIN)
    new = drawn(centers, style, 1)
    heard, true = (
        softmax(-0.5 * ((drawn(centers, style, seed).to_numpy()[:, None] - centers) ** 2).sum(axis=-1), axis=1)
        for seed in (0, 1)
    )
    found = critic.judge(new, replicates=0)
    # of the style that is found most probable, among the known
    told = found["style"].notna().to_numpy()
    assert (found["unseen"] > found["probability"]).tolist() == (~told).tolist()  # else it is of none of the known
    place = found["style"][told].str[-1].astype(int).to_numpy()
    among_known = (found["probability"] / (1 - found["unseen"]))[told]
    assert np.abs(among_known - true[told, place]).mean() < 0.03
    assert told.mean() > 0.8
    assert critic.calibration.temperature == pytest.approx(1, abs=0.15)
    least = -np.log(heard[np.arange(900), style]).mean()  # nobody can do better
    assert critic.calibration.log_loss.value == pytest.approx(least, abs=0.03)
    assert critic.calibration.error < 2 * critic.calibration.error_by_chance
    assert critic.calibration.base == pytest.approx(np.log(3))


def test_of_many_descriptors_too_a_tenth_is_in_the_top_tenth():
    # components lie along the reference's own recordings, so those must not have helped to find them where they are judged
    rng = np.random.default_rng(0)
    names = [f"a.x{n}" for n in range(300)]
    space = Space(tuple(names), np.zeros(300), np.ones(300))
    places = []
    for _ in range(6):
        style = rng.integers(0, 3, 160)
        rows = pd.DataFrame(rng.standard_normal((160, 300)) + 2.5 * (np.arange(300) == style[:, None]), columns=names)
        critic = fit_critic(rows[:100], styles=named(style[:100]), space=space)
        places += critic.judge(rows[100:], replicates=0)["percentile"].tolist()
    assert np.mean(np.array(places) > 0.9) == pytest.approx(0.1, abs=0.045)
    assert np.mean(places) == pytest.approx(0.5, abs=0.06)


def test_styles_that_cannot_be_heard_are_no_better_than_chance():
    rng = np.random.default_rng(0)
    style = rng.integers(0, 3, 150)
    critic = fit_critic(frame(rng.standard_normal((150, D))), styles=named(style), space=PLAIN)
    assert critic.calibration.log_loss.high > critic.calibration.base - 0.03
    assert critic.calibration.error < 3 * critic.calibration.error_by_chance
    assert np.median(critic.reference["ambiguity"]) > 0.95
    assert critic.method.endswith("; these styles cannot be told apart")


# -- belonging ---------------------------------------------------------------------------------------------------------


def test_belonging_of_six_points_on_a_line():
    reference = np.arange(6.0)
    among = np.abs(reference[:, None] - reference)
    # 2.5 itself: mean of .5 .5 1.5 1.5 2.5 is 1.3, and of the six, it among them: 2.3 for the ends, then 1.7, 1.3
    across = np.abs(np.array([[2.5], [9.0]]) - reference)
    assert belonging(across, among) == pytest.approx([7 / 7, 1 / 7])


@pytest.mark.parametrize("most", [1, 4])
def test_belonging_is_uniform_where_nothing_is_new(most):
    rng = np.random.default_rng(most)
    found = []
    for _ in range(1500):
        count = rng.integers(1, most + 1, 40)
        artist = np.repeat(np.arange(40), count)
        rows = rng.standard_normal((40, 3))[artist] + 0.5 * rng.standard_normal((len(artist), 3))
        new = rng.standard_normal((1, 3)) + 0.5 * rng.standard_normal((1, 3))
        among, across = (np.linalg.norm(some[:, None] - rows, axis=-1) for some in (rows, new))
        found.append(belonging(across, among, [f"artist {one}" for one in artist])[0])
    for level in (2 / 41, 8 / 41, 20 / 41):
        share = np.mean(np.array(found) <= level + 1e-9)
        assert abs(share - level) < 3.5 * np.sqrt(level * (1 - level) / 1500) + (0.01 if most > 1 else 0)


def test_who_sounds_like_oneself_belongs_no_more_for_it():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((60, D))
    rows[:12] = rows[0] + 8 + 0.1 * rng.standard_normal((12, D))  # one artist, far from the others
    artists = ["A"] * 12 + [f"artist {one}" for one in range(48)]
    critic = fit_critic(frame(rows), artists, styles=named([0, 1] * 30), space=PLAIN)
    new = frame(rows[:1] + 0.05)
    assert critic.judge(new, ["A"], replicates=0)["belonging"][0] < 0.05
    assert critic.judge(new, [["B", "A"]], replicates=0)["belonging"][0] < 0.05  # of any of its artists
    assert critic.judge(new, ["B"], replicates=0)["belonging"][0] > 0.3


# -- both --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world():
    centers = np.random.default_rng(5).standard_normal((5, D)) * 1.2
    style = np.random.default_rng(6).integers(0, 5, 250)
    return centers, style, drawn(centers, style, 7)


@pytest.mark.parametrize("held", range(5))
def test_a_withheld_style_is_ambiguous_and_belongs_more_than_noise(world, held):
    _, style, rows = world
    out = style == held
    critic = fit_critic(rows[~out], styles=named(style[~out]), space=PLAIN)
    found = critic.judge(rows[out], replicates=0)
    noise = critic.judge(frame(12 * np.random.default_rng(8).standard_normal((40, D))), replicates=0)
    known = critic.reference["ambiguity"]
    new = np.r_[np.zeros(len(known)), np.ones(out.sum())]
    assert roc_auc_score(new, np.r_[known, found["ambiguity"]]) > 0.65
    music = np.r_[np.zeros(40), np.ones(out.sum())]
    assert roc_auc_score(music, np.r_[noise["belonging"], found["belonging"]]) > 0.75


def test_the_reference_is_judged_as_others_would_be(world):
    centers, style, rows = world
    critic = fit_critic(rows, styles=named(style), space=PLAIN)
    others = critic.judge(drawn(centers, np.arange(500) % 5, 9), replicates=0)
    for name in ("ambiguity", "percentile", "belonging"):
        assert critic.reference[name].mean() == pytest.approx(others[name].mean(), abs=0.05)
    assert (others["percentile"] > 0.9).mean() == pytest.approx(0.1, abs=0.05)
    assert (others["belonging"] <= 0.05).mean() == pytest.approx(0.05, abs=0.03)


def test_intervals_hold_their_numbers_and_narrow_with_the_reference(world):
    centers, _, _ = world
    new = drawn(centers, np.arange(20) % 5, 10)
    widths = []
    for count in (40, 160):
        style = np.arange(count) % 5
        critic = fit_critic(drawn(centers, style, 11), styles=named(style), space=PLAIN)
        found = critic.judge(new, replicates=100)
        for name in ("ambiguity", "percentile", "belonging"):
            assert ((found[f"{name}_low"] <= found[name]) & (found[name] <= found[f"{name}_high"])).all()
        assert found["agreement"].between(0, 1).all()
        widths.append((found["belonging_high"] - found["belonging_low"]).mean())
        pd.testing.assert_frame_equal(found, critic.judge(new, replicates=100))
    assert widths[1] < 0.8 * widths[0]


def test_clusters_are_found_and_named_after_a_recording(world):
    centers, _, _ = world
    style = np.arange(200) % 3
    rows = drawn(3 * centers[:3], style, 12).set_index(pd.Index([f"song {one}" for one in range(200)]))
    critic = fit_critic(rows, space=PLAIN)
    assert len(critic.styles) == 3
    assert {style[int(name.split()[1])] for name in critic.styles} == {0, 1, 2}
    assert all(len(set(style[critic.style == one])) == 1 for one in range(3))
    assert critic.method.startswith("3 clusters, by the Bayesian information criterion; 200 recordings of 200 artists")


def test_small_styles_count_for_belonging_alone(world):
    _, style, rows = world
    few = [f"style {one}" for one in style]
    few[:5] = ["rare"] * 5
    few[5] = None
    critic = fit_critic(rows, styles=few, space=PLAIN)
    assert critic.styles == tuple(f"style {one}" for one in range(5))
    assert (critic.style[:6] == -1).all()
    assert "6 of none" in critic.method


def test_what_was_hardly_measured_is_not_judged(world):
    _, style, rows = world
    critic = fit_critic(rows, styles=named(style), space=PLAIN)
    new = rows[:3].copy()
    new.iloc[1, : D // 2 + 1] = np.nan
    new.iloc[2, 0] = np.nan
    found = critic.judge(new, replicates=100)
    assert measured(new, PLAIN).tolist() == [True, False, True]
    assert found.iloc[1].isna().all()
    assert found.iloc[[0, 2]].notna().all(axis=None)
    assert len(critic.judge(new[:0])) == 0


def test_bad_input_is_refused(world):
    _, style, rows = world
    few = FEWEST_ARTISTS - 1
    refused = [
        (lambda: fit_critic(rows.to_numpy()), "must be a pandas.DataFrame"),
        (lambda: fit_critic(rows, ["A"] * 3), "artists must be 250, one for each recording, not 3"),
        (lambda: fit_critic(rows, styles=["pop"], space=PLAIN), "styles must be 250, one for each recording, not 1"),
        (lambda: fit_critic(rows[:few]), "the reference has 19 artists, 20 are needed"),
        (lambda: fit_critic(rows, styles=["pop"] * 250, space=PLAIN), "1 of 1 styles have 6 recordings of 3 artists"),
        (lambda: fit_critic(rows * np.nan, space=PLAIN), "0 of the reference has fewer than half"),
        (lambda: fit_critic(rows, seed=-1), "seed must be 0 or more"),
        (lambda: belonging(np.ones((1, 3)), np.ones((4, 4))), "must be of one reference"),
        (lambda: belonging(np.ones((1, 5)), np.ones((5, 5))), "has 5 artists, 6 are needed"),
    ]
    for ask, said in refused:
        with pytest.raises(ValueError, match=said):
            ask()
    critic = fit_critic(rows, styles=named(style), space=PLAIN)
    with pytest.raises(ValueError, match="replicates must be 100 or more, or 0"):
        critic.judge(rows, replicates=5)
    with pytest.raises(ValueError, match="artists must be 250"):
        critic.judge(rows, ["A"])


def test_shares_are_counted_by_kind_and_held_against_what_is_usual():
    judged = pd.DataFrame({"category": ["typical", "typical", "outlying", None, "new and not", "typical"]})
    reference = pd.DataFrame({"category": ["typical"] * 9 + ["outlying"]})
    kinds = ["ai", "ai", "ai", "ai", "human", None]
    found = category_shares(judged, kinds, list("abcdef"), reference).set_index(["kind", "category"])
    assert found.loc[("ai", "typical"), ["value", "expected", "n"]].tolist() == [2 / 3, 0.9, 3]
    assert found.loc[("human", "new and not"), ["value", "expected", "n"]].tolist() == [1, 0, 1]
    assert found.index.tolist() == [(kind, one) for kind in ("ai", "human") for one in CATEGORIES]
    assert ((found["low"] < found["high"]) & (found["low"] <= found["value"])).all()


# -- real music --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def human_songs():
    """400 human songs of four genres, 72 descriptors; see benchmarks/critic.py."""
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    file = Path(__file__).parents[2] / "benchmarks" / "critic.py"
    spec = spec_from_file_location("critic_benchmark", file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    table = module.SHARED / "data" / "ai_music_homogenization" / "all_features.csv"
    if not table.exists():
        pytest.skip(f"needs the public data: {table} is not there (CHARTROPY_SHARED names another place)")
    vectors, genre, system, artist = module.read_genres(table)
    human = system == "human"
    return vectors[human], genre[human], artist[human]


def test_withheld_genres_of_real_songs(human_songs):
    """Found, and not well: .65 in the mean of four genres; docs/experiments/critic.md."""
    vectors, genre, artist = human_songs
    areas = []
    for held in sorted(set(genre)):
        out = genre == held
        space = fit_space(vectors[~out])
        critic = fit_critic(vectors[~out], artist[~out], styles=genre[~out], space=space)
        assert critic.calibration.log_loss.high < 0.8 * critic.calibration.base
        assert critic.calibration.error < 3 * critic.calibration.error_by_chance
        found = critic.judge(vectors[out], artist[out], replicates=0)
        new = np.r_[np.zeros(len(critic.reference)), np.ones(out.sum())]
        areas.append(roc_auc_score(new, np.r_[critic.reference["ambiguity"], found["ambiguity"]]))
        # shuffled among themselves, descriptors are still likely one by one, but not together
        broken = vectors[out].apply(lambda column: np.random.default_rng(0).permutation(column) * 3)
        noise = critic.judge(broken, replicates=0)
        music = np.r_[np.zeros(len(noise)), np.ones(len(found))]
        assert roc_auc_score(music, np.r_[noise["belonging"], found["belonging"]]) > 0.8
    assert np.mean(areas) > 0.6
    assert min(areas) > 0.5
