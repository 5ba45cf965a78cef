import numpy as np
import pytest
from scipy.stats import beta, binom

from chartropy.analysis.share import ai_share, census_posterior

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
        ({"level": 95}, "between 0 and 1, not 95"),
    ],
)
def test_impossible_counts_are_refused(arguments, words):
    given = {"flagged": 1, "measured": 10, "sensitivity": SENSITIVITY, "specificity": SURE, **arguments}
    with pytest.raises(ValueError, match=words):
        ai_share(given.pop("flagged"), given.pop("measured"), **given)
