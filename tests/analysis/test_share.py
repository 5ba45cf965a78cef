import numpy as np
import pytest
from scipy.stats import beta, binom

from chartropy.analysis.share import ai_share, census_posterior, draw_labels, pooled_share

SURE, UNSURE = (990, 1000), (190, 200)
SENSITIVITY = (180, 200)


@pytest.mark.parametrize(
    ("flagged", "specificity", "corrected", "census"),
    [
        (10, SURE, (10.1, 4.8, 18.7), (10.2, 7, 14)),
        # A printed 6.1 for this mean came from a simulation; integrating exactly, as below, gives 6.02.
        (10, UNSURE, (5.9, 0, 15.1), (6.0, 0, 11)),
        (5, UNSURE, (0, 0, 8.0), (2.0, 0, 6)),
    ],
)
def test_check_values(flagged, specificity, corrected, census):
    share = ai_share(flagged, 100, sensitivity=SENSITIVITY, specificity=specificity)
    found = share.corrected
    assert [round(100 * x, 1) for x in (found.value, found.low, found.high)] == list(corrected)
    found = share.count
    assert [round(x, 1) for x in (found.value, found.low, found.high)] == list(census)
    assert share.raw == flagged / 100
    assert (found.n, share.corrected.n, share.census.n) == (100, 100, 100)


def by_integration(flagged, measured, sensitivity, specificity):
    """The posterior as its definition says it: binomials convolved, integrated over both Betas by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(150)

    def over(hits, trials):
        a, b = hits + 0.5, trials - hits + 0.5
        low, high = beta.ppf([1e-13, 1 - 1e-13], a, b)
        at = low + (high - low) * (nodes + 1) / 2
        mass = weights * beta.pdf(at, a, b)
        return at, mass / mass.sum()

    (se, se_mass), (sp, sp_mass) = over(*sensitivity), over(*specificity)
    likelihood = []
    for ai in range(measured + 1):
        j = np.arange(max(0, flagged - measured + ai), min(flagged, ai) + 1)[:, None]
        caught = binom.pmf(j, ai, se) @ se_mass
        alarms = binom.pmf(flagged - j, measured - ai, 1 - sp) @ sp_mass
        likelihood.append(caught @ alarms)
    return np.array(likelihood) / np.sum(likelihood)


@pytest.mark.parametrize(
    ("flagged", "measured", "specificity"), [(10, 100, UNSURE), (10, 100, SURE), (3, 10, SURE), (40, 40, UNSURE)]
)
def test_the_posterior_is_the_integral(flagged, measured, specificity):
    exact = census_posterior(flagged, measured, sensitivity=SENSITIVITY, specificity=specificity)
    assert exact.shape == (measured + 1,)
    integral = by_integration(flagged, measured, SENSITIVITY, specificity)
    np.testing.assert_allclose(exact, integral, atol=1e-9)


def test_a_classifier_without_error_leaves_the_count_as_it_is():
    posterior = census_posterior(7, 50, sensitivity=(1e9, 1e9), specificity=(1e9, 1e9))
    assert posterior.argmax() == 7
    assert posterior[7] > 1 - 1e-6


def test_intervals_of_the_census_hold_their_level():
    """Charts drawn from the prior, classifiers from the Betas: a calibrated posterior covers at its level."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(600):
        se, sp, ai = rng.beta(180.5, 20.5), rng.beta(190.5, 10.5), rng.integers(41)
        flagged = int(rng.binomial(ai, se) + rng.binomial(40 - ai, 1 - sp))
        count = ai_share(flagged, 40, sensitivity=SENSITIVITY, specificity=UNSURE, level=0.9).count
        hits += count.low - 1e-9 <= ai <= count.high + 1e-9
    assert 0.88 < hits / 600 < 0.99  # discrete: somewhat more than .9


def test_nothing_measured_is_said_not_guessed():
    share = ai_share(0, 0, sensitivity=SENSITIVITY, specificity=SURE)
    assert np.isnan(share.raw)
    for estimate in (share.census, share.corrected):
        assert np.isnan(estimate.value)
        assert (estimate.low, estimate.high, estimate.n) == (0, 1, 0)
        assert "nothing was measured" in estimate.method
    assert (share.count.low, share.count.high) == (0, 0)


@pytest.mark.parametrize("flagged", [0, 1, 50])
def test_extremes_stay_within_bounds(flagged):
    share = ai_share(flagged, 50, sensitivity=SENSITIVITY, specificity=SURE)
    for estimate in (share.census, share.corrected):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_an_interval_of_no_width_carries_a_remark():
    corrected = ai_share(100, 100, sensitivity=SENSITIVITY, specificity=SURE).corrected
    assert corrected.low == corrected.high == 1
    assert "do not describe this chart" in corrected.method


def test_a_classifier_no_better_than_chance_corrects_nothing():
    corrected = ai_share(5, 10, sensitivity=(50, 100), specificity=(50, 100)).corrected
    assert np.isnan(corrected.value)
    assert (corrected.low, corrected.high) == (0, 1)
    assert "chance" in corrected.method


def test_a_wider_level_is_a_wider_interval():
    narrow, wide = (ai_share(10, 100, sensitivity=SENSITIVITY, specificity=SURE, level=level) for level in (0.5, 0.99))
    assert wide.census.low < narrow.census.low < narrow.census.high < wide.census.high
    assert wide.corrected.low < narrow.corrected.low < narrow.corrected.high < wide.corrected.high


def test_a_thousand_entries_do_not_underflow():
    posterior = census_posterior(400, 2000, sensitivity=(9000, 10000), specificity=(9900, 10000))
    assert np.isfinite(posterior).all()
    assert abs(posterior @ np.arange(2001) - (400 - 20) / 0.89) < 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"flagged": 11, "measured": 10}, "flagged=11, measured=10"),
        ({"flagged": -1, "measured": 10}, "flagged=-1"),
        ({"sensitivity": (5, 4)}, "sensitivity .* hits=5, trials=4"),
        ({"specificity": (0, 0)}, "specificity .* hits=0, trials=0"),
        ({"level": 95}, "between 0 and 1, such as .95, not 95"),
        ({"level": np.nan}, "between 0 and 1, such as .95, not nan"),
        ({"sensitivity": 0.95}, r"sensitivity must be \(hits, trials\), such as \(190, 200\), not 0.95"),
        ({"specificity": None}, r"specificity must be \(hits, trials\), .* not None"),
        ({"specificity": (190, 200, 1)}, r"specificity must be \(hits, trials\), .* not \(190, 200, 1\)"),
        ({"specificity": ("190", "200")}, r"specificity must be \(hits, trials\), .* not \('190', '200'\)"),
        ({"sensitivity": (np.nan, 4)}, "sensitivity .* hits=nan, trials=4"),
        ({"sensitivity": (4, np.inf)}, "sensitivity .* hits=4, trials=inf"),
        ({"flagged": 1.5}, "flagged must be a whole number, not 1.5"),
        ({"measured": np.nan}, "measured must be a whole number, not nan"),
        ({"flagged": np.array([True, False])}, "flagged must be a whole number, not array"),
    ],
)
def test_impossible_counts_are_refused(arguments, words):
    given = {"flagged": 1, "measured": 10, "sensitivity": SENSITIVITY, "specificity": SURE, **arguments}
    with pytest.raises(ValueError, match=words):
        ai_share(given.pop("flagged"), given.pop("measured"), **given)


@pytest.mark.parametrize(
    ("flagged", "words"),
    [
        ([0.1, 0.9], r"flagged must be True or False for each recording, not 0.1 \(place 0\)"),
        (["ai", "human"], r"not 'ai' \(place 0\)"),
        ([True, None], r"not None \(place 1\)"),
        ([1, np.nan], r"not nan \(place 1\)"),
        ([[True], [False]], r"flagged must be shaped \(n,\), one for each recording, not \(2, 1\)"),
    ],
)
def test_what_is_no_flag_is_refused(flagged, words):
    trials = {"sensitivity": SENSITIVITY, "specificity": SURE}
    with pytest.raises(ValueError, match=words):
        draw_labels(flagged, **trials)
    with pytest.raises(ValueError, match=words):
        pooled_share(flagged, [1, 1], **trials)


def test_flags_may_be_numbers():
    trials = {"sensitivity": SENSITIVITY, "specificity": SURE, "draws": 20}
    flags = np.array([True, False, False])
    for same in (flags.astype(int), flags.astype(float), flags.astype(object), flags.tolist()):
        np.testing.assert_array_equal(draw_labels(same, **trials), draw_labels(flags, **trials))
    assert ai_share(5.0, np.int64(50), sensitivity=SENSITIVITY, specificity=SURE) == ai_share(
        5, 50, sensitivity=SENSITIVITY, specificity=SURE
    )


@pytest.mark.parametrize(
    ("entries", "options", "words"),
    [
        ([1, 2, 3], {}, "entries must be 2 numbers above 0, as many as recordings, not 3"),
        ([1, 0], {}, r"entries must be 2 numbers above 0, not 0 \(place 1\)"),
        ([np.inf, 1], {}, r"not inf \(place 0\)"),
        ([1, "two"], {}, "entries must be an array .*'two'"),
        ([1, 2], {"draws": 0}, "draws must be 1 or more, not 0"),
        ([1, 2], {"draws": 9.5}, "draws must be a whole number, not 9.5"),
        ([1, 2], {"level": 95}, "level must lie between 0 and 1, such as .95, not 95"),
    ],
)
def test_bad_entries_are_named(entries, options, words):
    with pytest.raises(ValueError, match=words):
        pooled_share([True, False], entries, sensitivity=SENSITIVITY, specificity=SURE, **options)
