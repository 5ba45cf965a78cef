import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, theilslopes

from chartropy.analysis import trends
from chartropy.analysis.foote import foote, foote_peaks, turn_phases
from chartropy.analysis.trends import change_points, estimate_weeks_needed, power, trend, weeks_needed

SHARED = Path(os.environ.get("CHARTROPY_SHARED") or Path(__file__).parents[2] / ".." / "shared").resolve()
TOPICS = SHARED / "data" / "hot100_topics" / "hot100_topics.csv"


def noise(n, phi, replicates, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((replicates, n))
    for i in range(1, n):
        rows[:, i] = phi * rows[:, i - 1] + np.sqrt(1 - phi**2) * rows[:, i]
    return rows


def most(rate, n):
    """Rejections that a test of this rate exceeds once in a thousand."""
    return binom.ppf(0.999, n, rate)


def test_a_line_has_its_slope_exactly():
    result = trend(5 - 0.25 * np.arange(30.0), 2 * np.arange(30.0))
    assert result.slope.value == pytest.approx(-0.125, abs=1e-12)
    assert result.change.value == pytest.approx(-0.125 * 58, abs=1e-12)
    assert result.slope.low == pytest.approx(-0.125, abs=1e-9)
    assert result.p == dict.fromkeys(("ar", "block", "phase"), 1 / 1001)


@pytest.mark.parametrize("n", [8, 9, 26, 53])
def test_slopes_are_scipys(n):
    rows = noise(n, 0.5, 20)
    times = np.sort(np.random.default_rng(1).random(n)) * 10
    expected = [theilslopes(row, times)[0] for row in rows]
    np.testing.assert_allclose(trends._theil_sen(rows, times), expected, rtol=1e-12, atol=1e-14)
    assert trend(rows[0], times).slope.value == pytest.approx(expected[0], rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_a_constant_series_has_no_trend(value):
    result = trend(np.full(20, value))
    assert (result.slope.value, result.slope.low, result.slope.high) == (0, 0, 0)
    assert set(result.p.values()) == {1.0}
    assert change_points(np.full(20, value)).empty


def test_missing_weeks_are_left_out_however_they_are_missing():
    y = noise(40, 0.5, 1)[0] + 0.1 * np.arange(40)
    lost = [3, 4, 17, 30]
    holes = y.copy()
    holes[lost] = np.nan
    kept = np.delete(np.arange(40), lost)
    assert trend(holes) == trend(y[kept], kept)
    assert trend(holes).n == 36
    dates = pd.date_range("2024-01-04", periods=40, freq="7D")
    assert trend(y[kept], dates[kept]) == trend(holes)
    assert trend(y[kept], [str(day.date()) for day in dates[kept]]) == trend(holes)


def test_dates_of_change_points_come_back_as_given():
    y = np.r_[np.zeros(20), np.full(20, 5.0)] + noise(40, 0, 1)[0]
    dates = pd.date_range("2024-01-04", periods=40, freq="7D")
    holes = y.copy()
    holes[[5, 30]] = np.nan
    found = change_points(holes, dates)
    assert list(pd.DatetimeIndex(found["time"])) == [dates[20]]
    assert change_points(holes)["time"].tolist() == [20]


def test_too_few_points_say_so():
    result = trend([1, 2, np.nan, 3, 4, 5, 6, 7])
    assert result.n == 7
    assert np.isnan([*result.p.values(), result.slope.value, result.autocorrelation]).all()
    assert "7 points are known, 8 are needed" in result.slope.method
    assert trend([]).n == 0
    assert trend([np.nan] * 10).n == 0
    assert change_points([1, 2, 3]).empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": np.zeros((3, 2))}, r"shaped \(n,\), not \(3, 2\)"),
        ({"values": np.zeros(9), "times": np.arange(8)}, r"times must be as many as values: \(8,\), \(9,\)"),
        ({"values": np.zeros(9), "times": np.zeros(9)}, "times must be known and increase"),
        ({"values": np.full(9, np.inf)}, "values must be finite"),
        ({"values": np.zeros(9), "replicates": 99}, "replicates must be 100 or more, not 99"),
        ({"values": np.zeros(9), "level": 1}, "level must lie between 0 and 1, not 1"),
    ],
)
@pytest.mark.parametrize("function", [trend, change_points])
def test_bad_series_are_named(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(**arguments)


def test_the_same_seed_gives_the_same_result():
    y = noise(30, 0.5, 1)[0]
    assert trend(y, seed=3) == trend(y, seed=3)
    assert trend(y, seed=3).slope != trend(y, seed=4).slope
    pd.testing.assert_frame_equal(change_points(y, seed=3), change_points(y, seed=3))
    rows = noise(60, 0.5, 3).T
    pd.testing.assert_frame_equal(
        foote_peaks(rows, 8, replicates=100, seed=3), foote_peaks(rows, 8, replicates=100, seed=3)
    )
    assert power(20, 1, sd=1, replicates=200, seed=3) == power(20, 1, sd=1, replicates=200, seed=3)


@pytest.mark.parametrize("phi", [0, 0.6])
def test_a_true_null_is_rejected_about_as_often_as_said(phi):
    rows = noise(26, phi, 120)
    results = [trend(row, replicates=199, seed=i) for i, row in enumerate(rows)]
    assert sum(result.p[result.headline] <= 0.05 for result in results) <= most(0.07, 120)
    assert sum(result.slope.low <= 0 <= result.slope.high for result in results) >= 120 - most(0.1, 120)


@pytest.mark.parametrize("phi", [0, 0.3, 0.6, 0.8])
@pytest.mark.parametrize("n", [26, 52, 104])
def test_the_size_is_what_the_docstring_says(n, phi):
    bound = 0.08 if (n, phi) == (26, 0.8) else 0.07
    rate = power(n, 0, sd=2, autocorrelation=phi, replicates=1000, seed=2)
    assert rate <= most(bound, 1000) / 1000


@pytest.mark.parametrize(("phi", "change"), [(0.0, 1.3), (0.5, 2.0)])
def test_power_is_that_of_the_test_itself(phi, change):
    rows = noise(30, phi, 150, seed=5) + change * np.linspace(0, 1, 30)
    seen = np.mean([trend(row, replicates=199, seed=i).p["ar"] <= 0.05 for i, row in enumerate(rows)])
    expected = power(30, change, sd=1, autocorrelation=phi, replicates=2000)
    # Three standard errors of the two simulations together.
    assert abs(seen - expected) <= 3 * np.sqrt(expected * (1 - expected) * (1 / 150 + 1 / 2000))


def test_power_grows_from_the_level_to_certainty():
    powers = [power(52, change, sd=1, autocorrelation=0.3) for change in (0, 1, 2, 20)]
    assert powers == sorted(powers)
    assert powers[0] <= most(0.06, 1000) / 1000
    assert powers[-1] == 1
    assert power(52, 3, sd=1, shape="step") > 0.99


def test_weeks_needed_are_the_fewest_with_that_power():
    options = {"sd": 0.08, "autocorrelation": 0.4, "replicates": 500}
    n = weeks_needed(0.2, **options)
    assert n is not None
    assert power(n, 0.2 * (n - 1) / trends.WEEKS_PER_YEAR, **options) >= 0.8
    assert power(n - 1, 0.2 * (n - 2) / trends.WEEKS_PER_YEAR, **options) < 0.8
    assert weeks_needed(0.2, sd=0.08, autocorrelation=0.8, replicates=500) > n
    assert weeks_needed(0.001, sd=0.08, most=60, replicates=100) is None
    assert weeks_needed(100, sd=0.08, replicates=100) == trends.FEWEST
    assert weeks_needed(0.2, shape="step", **options) < weeks_needed(0.1, shape="step", **options)


def test_few_weeks_leave_it_open_how_many_are_needed():
    options = {"sd": 0.08, "autocorrelation": 0.3, "replicates": 200}
    short, long = (estimate_weeks_needed(0.2, n=n, **options) for n in (16, 208))
    assert short.weeks == long.weeks == weeks_needed(0.2, **options)
    assert short.low <= long.low < long.weeks < long.high < (short.high or 521)
    assert estimate_weeks_needed(0.001, n=16, most=60, **options).high is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 7}, "n must be 8 or more, not 7"),
        ({"sd": 0}, "sd must be above 0, not 0"),
        ({"autocorrelation": 1}, "autocorrelation must lie between 0 and 0.98, not 1"),
        ({"shape": "curve"}, "not 'curve'"),
    ],
)
def test_bad_questions_of_power_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        power(**{"n": 20, "change": 1, "sd": 1} | arguments)
    with pytest.raises(ValueError, match="power must lie between 0 and 1, not 80"):
        weeks_needed(1, sd=1, power=80)
    with pytest.raises(ValueError, match="change must not be 0"):
        weeks_needed(0, sd=1)


def test_steps_are_found_where_they_are():
    y = noise(104, 0.3, 1)[0] + np.repeat([0.0, 4.0, 1.0], [40, 30, 34])
    found = change_points(y)
    assert np.abs(found["time"].to_numpy() - [40, 70]).max() <= 2
    assert (found["p_adjusted"] <= 0.05).all()
    assert (found["p_adjusted"] >= found["p"]).all()
    assert ((found["low"] < [4, -3]) & (found["high"] > [4, -3])).all()
    np.testing.assert_allclose(found["after"] - found["before"], found["size"])


def test_a_step_without_noise_is_exact():
    found = change_points(np.repeat([1.0, 3.0], 10))
    assert found[["time", "before", "after", "size"]].to_numpy().tolist() == [[10, 1, 3, 2]]
    assert found["p"].item() == 1 / 501


def test_only_the_null_of_a_trend_tells_a_break_from_a_slope():
    y = noise(60, 0, 1)[0] + 0.1 * np.arange(60)
    level, straight = change_points(y), change_points(y, null="trend")
    assert level["p_adjusted"].min() <= 0.05
    assert straight["p_adjusted"].min() > 0.05
    assert set(level["null"]) == {"level"}
    assert set(straight["null"]) == {"trend"}
    with pytest.raises(ValueError, match="null must be 'level' or 'trend', not 'none'"):
        change_points(y, null="none")
    with pytest.raises(ValueError, match="most=0, least=4"):
        change_points(y, most=0)


def test_false_breaks_are_as_rare_as_said():
    rows = noise(30, 0.5, 20, seed=7)
    found = [change_points(row, replicates=199, seed=i)["p_adjusted"].min() <= 0.05 for i, row in enumerate(rows)]
    assert sum(found) <= most(0.05, 20)


def test_novelty_of_two_blocks_peaks_at_their_border():
    rows = np.repeat([[0.0, 0.0], [3.0, 4.0]], [30, 20], axis=0)
    curve = foote(rows, 6)
    assert np.isnan(curve[:6]).all()
    assert np.isnan(curve[45:]).all()
    assert np.nanargmax(curve) == 30
    assert curve[30] == pytest.approx(5)
    assert curve[12] == pytest.approx(0)
    peaks = foote_peaks(rows, 6, replicates=100)
    assert peaks["index"].tolist() == [30]
    assert peaks["p_shuffle"].item() == 1 / 101


def test_a_long_taper_is_a_plain_checkerboard():
    rows = noise(12, 0, 3).T
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
    across, before, after = distances[2:6, 6:10].mean(), distances[2:6, 2:6].mean(), distances[6:10, 6:10].mean()
    assert foote(rows, 4, taper=1e6)[6] == pytest.approx(across - (before + after) / 2)


def test_phases_keep_spectrum_and_correlations():
    rows = noise(51, 0.7, 3).T
    turned = turn_phases(rows, 4, np.random.default_rng(0))
    cross = np.fft.fft(rows, axis=0)[:, :, None].conj() * np.fft.fft(rows, axis=0)[:, None, :]
    for each in turned:
        found = np.fft.fft(each, axis=0)
        np.testing.assert_allclose(found[:, :, None].conj() * found[:, None, :], cross, atol=1e-9)
        assert np.abs(each - rows).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": np.zeros(9)}, r"rows must be a matrix \(n, d\) without NaN, not \(9,\)"),
        ({"rows": np.full((9, 2), np.nan)}, "without NaN"),
        ({"half_width": 5}, "half_width must lie between 1 and half of 9 rows, not 5"),
        ({"taper": 0}, "taper must be above 0, not 0"),
        ({"nulls": ["shuffle", "luck"]}, "not 'luck'"),
    ],
)
def test_bad_rows_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        foote_peaks(**{"rows": np.zeros((9, 2)), "half_width": 2} | arguments)


def quarters() -> pd.DataFrame:
    """Means by quarter, 1960-2009, of the topics' principal components, each of unit variance over the songs.

    Topics of either kind sum to 1 and one hardly occurs: of 14 components 11 are more than rounding.
    """
    songs = pd.read_csv(TOPICS)
    songs = songs[songs["Year"].between(1960, 2009)]
    topics = songs.filter(like="Topic").to_numpy()
    left, size, _ = np.linalg.svd(topics - topics.mean(axis=0), full_matrices=False)
    components = left[:, size > size[0] / 1000]
    assert components.shape[1] == 11
    frame = pd.DataFrame(components / components.std(axis=0))
    return frame.groupby((songs["Year"] + (songs["Month"] - 1) // 3 / 4).to_numpy()).mean()


@pytest.mark.skipif(not TOPICS.exists(), reason=f"no {TOPICS}: set CHARTROPY_SHARED to the folder that has data/")
def test_the_revolutions_of_popular_music_are_reproduced():
    rows = quarters()
    peaks = foote_peaks(rows.to_numpy(), 20)
    assert len(rows) == 200
    assert rows.index[peaks["index"]][:3].tolist() == [1991.5, 1998.75, 1983.0]
    # Published with 500 replicates, as here: each p is a binomial share, their difference within three standard errors.
    for found, published in zip(peaks["p_shuffle"], [0.010, 0.004, 0.040], strict=False):
        pooled = (found + published) / 2
        assert abs(found - published) <= 3 * np.sqrt(2 * pooled * (1 - pooled) / 500)
    assert peaks["p_diagonal"][:3].tolist() == pytest.approx([0.002] * 3, abs=0.0041)
    # A null that keeps trend and autocorrelation finds nothing remarkable anywhere.
    assert (peaks["anywhere_phase"] > 0.2).all()
