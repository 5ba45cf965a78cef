"""Whether a measure moves from week to week, where it breaks, and how long one must watch to know.

Conventions: a series is n values at n times, at least `FEWEST`. Weeks that are missing (NaN, or no such time) are left out,
never filled in. The usual distance of two neighbouring times counts as one step; values g steps apart correlate as φ^g,
with φ the autocorrelation of neighbours. Charts turn over slowly, so φ is seldom 0, and a test that shuffles weeks
calls any slow series a trend: every p here names its null hypothesis, and each null keeps autocorrelation or says that
it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .estimates import Estimate
from .foote import turn_phases
from .space import check_level

FEWEST = 8
"""Points without which no trend is tested."""

WEEKS_PER_YEAR = 365.25 / 7
_HIGHEST = 0.98  # autocorrelation: above it a series of a few years cannot be told from a random walk
_CHUNK = 400_000  # slopes held at once: what fits a processor's cache


@dataclass(frozen=True)
class Trend:
    """How a series moves.

    Attributes
    ----------
    slope : Estimate
        Theil-Sen slope per unit of time, with the interval that belongs to the null "ar".
    change : Estimate
        The slope times the time between the first and the last point, in the unit of the values.
    p : dict of str to float
        Two-sided p of "no trend" by null hypothesis; see `trend`.
    n : int
        Points known.
    autocorrelation : float
        Of neighbours, in the residuals, bias corrected; -1 to 1.
    sd : float
        Standard deviation of the points around the trend, as noise of that autocorrelation has it.
    """

    slope: Estimate
    change: Estimate
    p: dict[str, float]
    n: int
    autocorrelation: float
    sd: float

    @property
    def headline(self) -> str:
        """Which null's p is to be quoted: the one that keeps its level."""
        return "ar"


class _Series(NamedTuple):
    """Known points: times (n,), values (n,), whole steps since the first (n,), and which of the input they are."""

    times: np.ndarray
    values: np.ndarray
    steps: np.ndarray
    known: np.ndarray


def trend(
    values: Sequence[float] | np.ndarray | pd.Series,
    times: Sequence[Any] | np.ndarray | pd.Index | None = None,
    *,
    seed: int = 0,
    replicates: int = 1000,
    level: float = 0.95,
) -> Trend:
    """Estimate a trend, and test it against nulls that keep autocorrelation.

    Parameters
    ----------
    values : shape (n,)
        NaN where a week was not measured.
    times : shape (n,), optional
        Numbers, or dates (then the unit is a week), increasing; default: 0, 1, 2, …
    seed : int
        The same seed gives the same result.
    replicates : int
        Per null; at least 100.
    level : float
        Coverage aimed at.

    Returns
    -------
    Trend
        With fewer than `FEWEST` points known all is NaN, and `method` says so.

    Raises
    ------
    ValueError
        Shapes, times, `replicates` or `level` are wrong.

    Notes
    -----
    Every null is "no trend", and is tested by the slope over its standard error, both found anew in each replicate. The
    error is that of a least-squares slope in noise of autocorrelation φ, exact for any gaps; φ is the residuals' corrected
    for its bias, (n φ + 2) / (n - 4), and held in 0 to .98. The nulls differ in the noise:

    * "ar": normal, autoregressive of order 1. φ is not known either: each replicate draws its own from a normal
      distribution around the estimate with variance (1 - φ²) / n. The interval is made of the same replicates.
    * "block": residuals drawn in blocks that may overlap, (√6 φ / (1 - φ²))^⅔ n^⅓ points long, a quarter of n at most.
    * "phase": residuals with their spectrum and random phases.

    The last two take the known points as if they followed each other. They assume no order and no normality, but residuals
    of a short series hold too little of its slow movement: they reject too often, and stand beside as a check only.

    Where there is no trend, "ar" rejected at .05, and the interval of .95 covered, in 1000 simulations of normal noise
    (`benchmarks/trends.py`):

    ====  =====================  ====================  ====================  ====================
    n     φ = 0                  .3                    .6                    .8
    ====  =====================  ====================  ====================  ====================
    26    .045, covered .947     .063, .932            .069, .927            **.096, .896**
    52    .040, .956             .045, .951            .051, .943            .063, .934
    104   .037, .957             .047, .949            .052, .942            .051, .945
    ====  =====================  ====================  ====================  ====================

    So half a year of a measure as slow as φ = .8 rejects too often. With heavy tails (Student's, 3 degrees of freedom)
    it rejects less than said. A large step at once is no line: what is left of it beside one looks like slow noise, and
    "ar" may not reject; `change_points` is for those. "block" rejected .06 to .18, "phase" .10 to .18.

    References
    ----------
    P. K. Sen: Estimates of the regression coefficient based on Kendall's tau, Journal of the American Statistical
    Association 63, 1968. F. H. C. Marriott, J. A. Pope: Bias in the estimation of autocorrelations, Biometrika 41, 1954.
    P. Hall: The Bootstrap and Edgeworth Expansion, 1992 (studentized replicates). H. R. Künsch: The jackknife and the
    bootstrap for general stationary observations, Annals of Statistics 17, 1989. M. Mudelsee: Climate Time Series Analysis,
    2010, chapter 3 (block length). J. Theiler et al.: Testing for nonlinearity in time series: the method of surrogate data,
    Physica D 58, 1992 (phases).
    """
    series = _series(values, times)
    _check_options(replicates, level)
    n = len(series.values)
    if n < FEWEST:
        missing = Estimate(np.nan, np.nan, np.nan, n, f"no estimate: {n} points are known, {FEWEST} are needed")
        return Trend(missing, missing, dict.fromkeys(("ar", "block", "phase"), np.nan), n, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    t, y, steps, _ = series
    fit = _fit(y[None], t, steps)
    slope, error, phi = float(fit.slopes[0]), float(fit.errors[0]), float(fit.phi[0])
    residuals = y - slope * t
    residuals = residuals - residuals.mean()
    length = _block_length(phi, n)
    nulls = {
        "ar": _noise(_draw_phi(np.full(replicates, phi), n, rng), steps, rng),
        "block": _blocks(residuals, length, replicates, rng),
        "phase": turn_phases(residuals[:, None], replicates, rng)[..., 0],
    }
    scores = {name: np.abs(_fit(rows, t, steps).scores) for name, rows in nulls.items()}
    observed = abs(fit.scores[0])
    p = {name: float((1 + np.sum(score >= observed)) / (1 + replicates)) for name, score in scores.items()}
    reach = float(np.quantile(scores["ar"], level)) * error
    method = (
        f"Theil-Sen, studentized AR(1) bootstrap, {replicates} replicates, seed {seed}, {level:.4g}; "
        f"blocks of {length} for the null of blocks"
    )
    span = float(t[-1] - t[0])
    return Trend(
        Estimate(slope, slope - reach, slope + reach, n, method),
        Estimate(slope * span, (slope - reach) * span, (slope + reach) * span, n, method),
        p,
        n,
        float(np.clip(_unbiased(fit.raw[0], n), -1, 1)),
        float(np.sqrt(_variance(residuals[None], steps, fit.phi, 3)[0])),
    )


class _Fit(NamedTuple):
    """Of R series: slopes, their standard errors, autocorrelation as found and as used, each (R,)."""

    slopes: np.ndarray
    errors: np.ndarray
    raw: np.ndarray
    phi: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """Slopes over their errors; 0 for a constant series."""
        return _ratio(self.slopes, self.errors)


def _fit(rows: np.ndarray, t: np.ndarray, steps: np.ndarray) -> _Fit:
    slopes = _theil_sen(rows, t)
    residuals = rows - slopes[:, None] * t
    residuals -= residuals.mean(axis=1, keepdims=True)
    raw = _neighbours(residuals, steps)
    phi = np.clip(_unbiased(raw, len(t)), 0, _HIGHEST)
    weights = (t - t.mean()) / np.sum((t - t.mean()) ** 2)
    return _Fit(slopes, np.sqrt(_variance(residuals, steps, phi, 3) * _contrast(weights, steps, phi)), raw, phi)


def _theil_sen(rows: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Median of the slopes between all two points, (R,)."""
    n, pairs = len(t), len(t) * (len(t) - 1) // 2
    starts = np.cumsum([0, *range(n - 1, 0, -1)])
    between = np.concatenate([t[lag:] - t[:-lag] for lag in range(1, n)])
    slopes = np.empty(len(rows))
    size = max(1, _CHUNK // pairs)
    for first in range(0, len(rows), size):
        part = rows[first : first + size]
        rises = np.empty((len(part), pairs))
        for lag in range(1, n):
            np.subtract(part[:, lag:], part[:, :-lag], out=rises[:, starts[lag - 1] : starts[lag]])
        rises /= between
        # As numpy.median, in a third of its time: it also looks for NaN and partitions twice.
        rises.partition(pairs // 2, axis=1)
        middle = rises[:, pairs // 2]
        below = middle if pairs % 2 else rises[:, : pairs // 2].max(axis=1)
        slopes[first : first + size] = (below + middle) / 2
    return slopes


def _neighbours(residuals: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Autocorrelation of points one step apart, (R,), biased towards -1/n and below."""
    near = np.flatnonzero(np.diff(steps) == 1)
    products = (residuals[:, near] * residuals[:, near + 1]).mean(axis=1)
    return _ratio(products, (residuals**2).mean(axis=1))


def _unbiased(phi: Any, n: int) -> Any:
    """Solve E[φ found] = φ - (2 + 4 φ) / n, what fitting a line costs."""
    return (n * phi + 2) / (n - 4)


def _variance(residuals: np.ndarray, steps: np.ndarray, phi: np.ndarray, spent: int) -> np.ndarray:
    """Variance of the noise from what each point adds to the one before it, (R,); less biased than the residuals' own."""
    power = phi[:, None] ** np.diff(steps)
    new = (residuals[:, 1:] - power * residuals[:, :-1]) ** 2 / (1 - power**2)
    return new.sum(axis=1) / max(1, residuals.shape[1] - spent)


def _contrast(weights: np.ndarray, steps: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Variance of a weighted sum of unit noise: Σ over i, j of w_i w_j φ^|steps between them|, (R,)."""
    from scipy.signal import correlate

    grid = np.zeros(steps[-1] + 1)
    grid[steps] = weights
    lags = correlate(grid, grid)[len(grid) - 1 :]
    lags[1:] *= 2
    return np.maximum(np.polynomial.polynomial.polyval(phi, lags), 0)


def _noise(phi: np.ndarray, steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stationary normal noise of unit variance and autocorrelation φ, (R,), at the known points: (R, n)."""
    rows = rng.standard_normal((len(phi), len(steps)))
    power = phi[:, None] ** np.diff(steps)
    rows[:, 1:] *= np.sqrt(1 - power**2)
    for i in range(1, len(steps)):
        rows[:, i] += power[:, i - 1] * rows[:, i - 1]
    return rows


def _draw_phi(phi: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.clip(rng.normal(phi, _doubt(phi, n)), 0, _HIGHEST)


def _doubt(phi: np.ndarray, n: int) -> np.ndarray:
    """Standard deviation of φ around its estimate."""
    return np.sqrt((1 - phi**2) / n)


def _block_length(phi: float, n: int) -> int:
    return int(np.clip(np.ceil((np.sqrt(6) * phi / (1 - phi**2)) ** (2 / 3) * n ** (1 / 3)), 1, n // 4))


def _blocks(residuals: np.ndarray, length: int, replicates: int, rng: np.random.Generator) -> np.ndarray:
    n = len(residuals)
    starts = rng.integers(0, n - length + 1, (replicates, -(-n // length)))
    return residuals[(starts[..., None] + np.arange(length)).reshape(replicates, -1)[:, :n]]


def _series(values: Any, times: Any) -> _Series:
    y = np.asarray(values, dtype=float)
    if y.ndim != 1:
        raise ValueError(f"values must be one series, shaped (n,), not {y.shape}")
    t = np.arange(len(y), dtype=float) if times is None else np.asarray(times)
    if t.shape != y.shape:
        raise ValueError(f"times must be as many as values: {t.shape}, {y.shape}")
    if t.dtype.kind not in "iuf":
        days = np.asarray(pd.to_datetime(t.tolist()), dtype="datetime64[ns]")
        t = (days - days[:1]) / np.timedelta64(7, "D")
    t = t.astype(float)
    if not np.isfinite(t).all() or (np.diff(t) <= 0).any():
        raise ValueError("times must be known and increase")
    if np.isinf(y).any():
        raise ValueError("values must be finite, or NaN where unknown")
    known = np.flatnonzero(np.isfinite(y))
    if not len(known):
        return _Series(t[known], y[known], known, known)
    gaps = np.diff(t)
    step = np.median(gaps) if len(gaps) else 1.0
    whole = np.r_[0, np.maximum(1, np.rint(gaps / step)).astype(int)].cumsum()[known]
    y = y[known]
    # A shift makes a constant series exactly 0, so that rounding is not taken for noise.
    return _Series(t[known], y - np.median(y), whole - whole[0], known)


def _check_options(replicates: int, level: float) -> None:
    if replicates < 100:
        raise ValueError(f"replicates must be 100 or more, not {replicates}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Divide; what is 0 stays 0, whatever it is divided by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(a == 0, 0.0, a / b)


def power(
    n: int,
    change: float,
    *,
    sd: float,
    autocorrelation: float = 0.0,
    shape: str = "steady",
    alpha: float = 0.05,
    replicates: int = 1000,
    seed: int = 0,
) -> float:
    """Find how probably the test of `trend` sees a change.

    Parameters
    ----------
    n : int
        Weeks, all known; at least `FEWEST`.
    change : float
        In all, from the first week to the last, in the unit of `sd`: for 5 %, give .05 here and `sd` as a share of the level.
    sd : float
        Standard deviation of the weeks around the trend, above 0.
    autocorrelation : float
        Of neighbouring weeks, 0 to .98.
    shape : "steady" or "step"
        A straight line, or all at once in the middle.
    alpha : float
        The test's level.
    replicates : int
        Series simulated, and as many under the null; at least 100.
    seed : int

    Returns
    -------
    float
        Share of series in which the p of the null "ar" is `alpha` or less. Its standard error is .016 or less for 1000
        replicates.

    Notes
    -----
    All simulated series share one set of null replicates. Each weighs them by how probably it would have drawn their
    autocorrelation, so that p is the one of `trend` without simulating a null for every series.
    """
    _check_options(replicates, 1 - alpha)
    if n < FEWEST:
        raise ValueError(f"n must be {FEWEST} or more, not {n}")
    if sd <= 0:
        raise ValueError(f"sd must be above 0, not {sd}")
    if not 0 <= autocorrelation <= _HIGHEST:
        raise ValueError(f"autocorrelation must lie between 0 and {_HIGHEST}, not {autocorrelation}")
    if shape not in ("steady", "step"):
        raise ValueError(f"shape must be 'steady' or 'step', not {shape!r}")
    rng = np.random.default_rng(seed)
    steps = np.arange(n)
    t = steps.astype(float)
    effect = t / (n - 1) if shape == "steady" else (steps >= n / 2).astype(float)
    fit = _fit(_noise(np.full(replicates, float(autocorrelation)), steps, rng) + change / sd * effect, t, steps)
    width = _doubt(fit.phi, n)
    drawn = rng.normal(fit.phi, width)
    null = np.abs(_fit(_noise(np.clip(drawn, 0, _HIGHEST), steps, rng), t, steps).scores)
    density = np.exp(-(((drawn - fit.phi[:, None]) / width[:, None]) ** 2) / 2) / width[:, None]
    weights = density / density.sum(axis=0)
    beyond = null >= np.abs(fit.scores)[:, None]
    return float(np.mean((weights * beyond).sum(axis=1) <= alpha * weights.sum(axis=1)))


def weeks_needed(
    change: float,
    *,
    sd: float,
    autocorrelation: float = 0.0,
    shape: str = "steady",
    power: float = 0.8,
    alpha: float = 0.05,
    most: int = 520,
    replicates: int = 1000,
    seed: int = 0,
) -> int | None:
    """Find how many weeks it takes until a change is probably seen.

    Parameters
    ----------
    change : float
        In the unit of `sd`. "steady": per year, so that n weeks see (n - 1) / 52.18 times as much; "step": in all, at once,
        with as many weeks before as after; a greater step may then need more weeks than a smaller (see `trend`).
    power : float
        How probably it shall be seen.
    most : int
        Weeks looked ahead at most.
    sd, autocorrelation, shape, alpha, replicates, seed
        As for the function `power`.

    Returns
    -------
    int or None
        None if `most` weeks do not suffice. Uncertain by some 5 %: powers are simulated, and the search stops within 2 %.
    """
    if not 0 < power < 1:
        raise ValueError(f"power must lie between 0 and 1, not {power}")
    if not change:
        raise ValueError("change must not be 0: no number of weeks shows what is not there")

    def seen(n: int) -> bool:
        total = change * ((n - 1) / WEEKS_PER_YEAR if shape == "steady" else 1)
        options: dict[str, Any] = {"sd": sd, "autocorrelation": autocorrelation, "shape": shape, "alpha": alpha}
        return _power(n, total, **options, replicates=replicates, seed=seed) >= power

    # The search starts where normal theory says, since every step of it is a simulation: of n weeks of white noise a slope
    # has the variance 12 / n³, a step 4 / n; slow noise is wider by (1 + φ) / (1 - φ); 2.8 errors are seen 8 times of 10.
    wide = (2.8 * sd / change) ** 2 * (1 + autocorrelation) / (1 - autocorrelation)
    guess = (12 * wide * WEEKS_PER_YEAR**2) ** (1 / 3) if shape == "steady" else 4 * wide
    low, high = FEWEST - 1, int(np.clip(guess, FEWEST, most))
    if seen(high):
        while high > FEWEST:
            fewer = max(int(high / 1.3), FEWEST)
            if not seen(fewer):
                low = fewer
                break
            high = fewer
    else:
        while True:
            if high >= most:
                return None
            low, high = high, min(int(high * 1.3) + 1, most)
            if seen(high):
                break
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


class Needed(NamedTuple):
    """Weeks until a change is seen, and the interval that comes of knowing the noise from few weeks only.

    Attributes
    ----------
    weeks, low, high : int or None
        None: more than were looked ahead.
    """

    weeks: int | None
    low: int | None
    high: int | None


def estimate_weeks_needed(
    change: float,
    *,
    sd: float,
    autocorrelation: float,
    n: int,
    level: float = 0.95,
    seed: int = 0,
    **options: Any,
) -> Needed:
    """`weeks_needed`, with how sure it is where `sd` and `autocorrelation` were themselves found in `n` weeks.

    Parameters
    ----------
    change, sd, autocorrelation, seed, options
        As for `weeks_needed`.
    n : int
        Weeks that `sd` and `autocorrelation` are known from; at least `FEWEST`.
    level : float
        Coverage aimed at.

    Returns
    -------
    Needed

    Notes
    -----
    Both are drawn as they may be: φ from its likelihood, what was found being normal around it with the standard deviation
    1.3 √((1 - φ²) / n) n / (n - 4), times a prior that is flat in 0 to .98 and has a sixth of its mass at 0; what each week
    adds by χ² of n - 4 degrees of freedom. Of 2000 such pairs those are taken whose noise is at the ends of the interval in
    the long run, where it is sd √((1 + φ) / (1 - φ)), and asked how many weeks they need.

    The factor 1.3 and the prior are chosen by simulation: the interval of that noise held the truth in .93 to 1.00 of 400
    series of 16 to 104 weeks with φ = 0, .3 and .6; in .85, .86, .90 and .95 of those with φ = .8 and n = 16, 30, 52 and 104
    (`benchmarks/trends.py --part needed`).
    """
    if n < FEWEST:
        raise ValueError(f"n must be {FEWEST} or more, not {n}")
    check_level(level)
    found = weeks_needed(change, sd=sd, autocorrelation=autocorrelation, seed=seed, **options)
    new, phi = draw_noise(sd, autocorrelation, n, np.random.default_rng(seed))
    order = np.argsort(new / (1 - phi), kind="stable")
    ends = []
    for place in ((1 - level) / 2, (1 + level) / 2):
        one = order[round(place * (len(order) - 1))]
        asked: dict[str, Any] = options | {"replicates": 300, "seed": seed}
        spread = float(new[one] / np.sqrt(1 - phi[one] ** 2))
        ends.append(weeks_needed(change, sd=spread, autocorrelation=float(phi[one]), **asked))
    low, high = ends
    if found is not None and low is not None:
        low = min(low, found)
    return Needed(found, low, high if high is None or found is None else max(high, found))


def draw_noise(sd: float, autocorrelation: float, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw what the noise may be that n weeks gave this of, as `estimate_weeks_needed` says.

    Returns
    -------
    new, phi : numpy.ndarray, shape (2000,)
        Standard deviation of what each week adds, autocorrelation.
    """
    grid = np.linspace(0, _HIGHEST, 99)
    width = 1.3 * _doubt(grid, n) * n / (n - 4)
    weights = np.exp(-(((autocorrelation - grid) / width) ** 2) / 2) / width
    weights[0] *= 20
    phi = rng.choice(grid, 2000, p=weights / weights.sum())
    return sd * np.sqrt((1 - autocorrelation**2) * (n - 4) / rng.chisquare(n - 4, len(phi))), phi


_power = power  # its name is an argument's in `weeks_needed`


def change_points(
    values: Sequence[float] | np.ndarray | pd.Series,
    times: Sequence[Any] | np.ndarray | pd.Index | None = None,
    *,
    most: int = 3,
    least: int = 4,
    null: str = "level",
    seed: int = 0,
    replicates: int = 500,
    level: float = 0.95,
) -> pd.DataFrame:
    """Find where the mean of a series breaks.

    Parameters
    ----------
    values, times, seed, replicates
        As for `trend`.
    most : int
        Breaks looked for at most.
    least : int
        Points between two of them at least.
    null : "level" or "trend"
        What a break is tested against: autocorrelated noise around one level, or around one straight line. **A steady
        trend is no level: under "level" it gives small p. Only "trend" tells a break from a slope.**
    level : float
        1 less the probability of any false break; also the coverage of `low` to `high`.

    Returns
    -------
    pandas.DataFrame
        A row per break: `time` (of the first point after it), `before` and `after` (means between neighbouring breaks),
        `size` (after less before), `low`, `high`, `p`, `p_adjusted`, `null`. The most breaks of which each has
        `p_adjusted` of 1 - `level` or less; if there are none, the likeliest one with its p. No row for a constant series,
        nor with fewer than `FEWEST` points.

    Raises
    ------
    ValueError
        Shapes, times or options are wrong.

    Notes
    -----
    For 1 to `most` breaks the partition of least squares is found (`ruptures`, exact). A break's score is the squared
    difference of the means beside it over its variance in white noise. Surrogates without a break are partitioned
    likewise. p compares with the greatest score in each surrogate's partition into as many pieces; `p_adjusted` the least p
    of a break with the least p in each surrogate over 1 to `most` breaks, and so controls the probability of any false
    break (familywise, Westfall-Young).

    Surrogates are autoregressive of order 1. Their φ is drawn around the one at which the residuals beside
    fitted breaks have the observed autocorrelation, in the median of simulations: such breaks swallow some of it. They are
    one in up to 77 points, then one more per 26, `most` at most: more would swallow nearly all. So where a short
    series goes up and comes back, much is left for autocorrelation, and power is low. The interval of `size` takes the place of the break as known, and is too narrow for breaks that are barely seen.

    Where there is no break, 0 to .06 of series were said to have one (40 to 140 simulations at n = 26, 52, 104 and φ = 0,
    .6, .8). Of a straight line that rises by 3 standard deviations "level" breaks .2 to 1, "trend" 0 to .03. Of breaks found,
    2 standard deviations high, the interval of the size covered .90 to .98 at φ = 0, but .73 to .87 above.

    References
    ----------
    C. Truong, L. Oudre, N. Vayatis: Selective review of offline change point detection methods, Signal Processing 167, 2020.
    P. H. Westfall, S. S. Young: Resampling-Based Multiple Testing, 1993. D. W. K. Andrews: Exactly median-unbiased
    estimation of first order autoregressive/unit root models, Econometrica 61, 1993.
    """
    from scipy.stats import t as student

    series = _series(values, times)
    _check_options(replicates, level)
    if most < 1 or least < 2:
        raise ValueError(f"most must be 1 or more and least 2 or more: most={most}, least={least}")
    if null not in ("level", "trend"):
        raise ValueError(f"null must be 'level' or 'trend', not {null!r}")
    columns = ["time", "before", "after", "size", "low", "high", "p", "p_adjusted", "null"]
    _, y, steps, known = series
    n = len(y)
    most = min(most, n // least - 1)
    if n < FEWEST or most < 1 or not np.ptp(y):
        return pd.DataFrame(columns=columns)
    rng = np.random.default_rng(seed)
    shape = _Shape(tuple(map(int, steps)), most, least, null)
    found = _breaks(y[None], shape)
    phi = float(np.interp(found.raw[0], *_medians(shape)))
    surrogates = _breaks(_noise(_draw_phi(np.full(replicates, phi), n, rng), steps, rng), shape)
    unsorted = np.stack([scores.max(axis=1) for scores in surrogates.scores], axis=1)
    greatest = np.sort(unsorted, axis=0)  # (replicates, most)

    def p_values(scores: np.ndarray, k: int) -> np.ndarray:
        beyond = replicates - np.searchsorted(greatest[:, k], np.asarray(scores) - 1e-12)
        return (1 + beyond) / (1 + replicates)

    smallest = np.min([p_values(unsorted[:, k], k) for k in range(most)], axis=0)
    p = [p_values(scores[0], k) for k, scores in enumerate(found.scores)]
    adjusted = [(1 + np.sum(smallest <= each[:, None] + 1e-12, axis=1)) / (1 + replicates) for each in p]
    sure = [k for k in range(most) if adjusted[k].max() <= 1 - level + 1e-12]
    k = max(sure, default=0)
    edges = np.r_[0, found.places[k][0], n]
    raw = np.asarray(values, dtype=float)[known]
    given = known if times is None else np.asarray(times)[known]
    means = np.array([raw[a:b].mean() for a, b in pairwise(edges)])
    residuals = raw - np.repeat(means, np.diff(edges))
    used = np.array([phi])
    rows = []
    for i, place in enumerate(found.places[k][0]):
        weights = np.zeros(n)
        weights[edges[i] : place] = -1 / (place - edges[i])
        weights[place : edges[i + 2]] = 1 / (edges[i + 2] - place)
        variance = (_variance(residuals[None], steps, used, k + 3) * _contrast(weights, steps, used))[0]
        reach = student.ppf((1 + level) / 2, max(1, n - k - 3)) * np.sqrt(variance)
        size = means[i + 1] - means[i]
        numbers = means[i], means[i + 1], size, size - reach, size + reach, p[k][i], adjusted[k][i]
        rows.append([given[place], *map(float, numbers), null])
    return pd.DataFrame(rows, columns=columns)


class _Shape(NamedTuple):
    """What a search for breaks is like, whatever the values."""

    steps: tuple[int, ...]
    most: int
    least: int
    null: str


class _Breaks(NamedTuple):
    """Partitions of R series into k + 1 = 2, 3, … pieces.

    Where the later pieces begin and the scores of the breaks, one array (R, k) for each k; the residuals' raw φ, (R,).
    """

    places: list[np.ndarray]
    scores: list[np.ndarray]
    raw: np.ndarray


def _breaks(rows: np.ndarray, shape: _Shape) -> _Breaks:
    """Search each of the series (R, n)."""
    from ruptures import KernelCPD

    steps = np.array(shape.steps)
    n = len(steps)
    line, _ = np.linalg.qr(np.vander(steps - steps.mean(), 2 if shape.null == "trend" else 1))
    clean = min(max(n // 26 - 1, 1), shape.most)
    rows = rows - rows @ line @ line.T
    searches = [KernelCPD(kernel="linear", min_size=shape.least).fit(row[:, None]) for row in rows]
    for search in searches:
        search.predict(n_bkps=shape.most)  # keeps the partitions into fewer pieces, too
    total = np.zeros((len(rows), n + 1))
    rows.cumsum(axis=1, out=total[:, 1:])
    places, scores, raw = [], [], np.zeros(len(rows))
    for k in range(1, shape.most + 1):
        edges = np.zeros((len(rows), k + 2), int)
        edges[:, 1:] = [search.predict(n_bkps=k) for search in searches]
        sizes = np.diff(edges)
        means = np.diff(np.take_along_axis(total, edges, axis=1)) / sizes
        residuals = rows - np.repeat(means.ravel(), sizes.ravel()).reshape(rows.shape)
        gain = np.diff(means) ** 2 * sizes[:, 1:] * sizes[:, :-1] / (sizes[:, 1:] + sizes[:, :-1])
        places.append(edges[:, 1:-1])
        scores.append(_ratio(gain, (residuals**2).mean(axis=1, keepdims=True)))
        if k == clean:
            raw = _neighbours(residuals, steps)
    return _Breaks(places, scores, raw)


@lru_cache(maxsize=64)
def _medians(shape: _Shape) -> tuple[np.ndarray, np.ndarray]:
    """Raw φ after the search in the median of simulations, increasing, and the φ that gives it."""
    rng = np.random.default_rng(0)
    steps = np.array(shape.steps)
    grid = np.linspace(0, _HIGHEST, 15)
    medians = [np.median(_breaks(_noise(np.full(100, phi), steps, rng), shape).raw) for phi in grid]
    return np.maximum.accumulate(medians), grid
