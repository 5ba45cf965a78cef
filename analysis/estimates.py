"""Numbers with their intervals: what is estimated from pairs of recordings, and how sure it is.

Recordings of one artist are not independent: replicates draw artists, not recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes
    ----------
    value : float
        NaN where it cannot be estimated; `method` says why.
    low, high : float
        Bounds of the interval.
    n : int
        Recordings or entries it rests on.
    method : str
        How it was found.
    """

    value: float
    low: float
    high: float
    n: int
    method: str


def bootstrap_interval(
    pairs: np.ndarray,
    artists: Sequence[object] | np.ndarray,
    *,
    statistic: Callable[[np.ndarray], np.ndarray] = np.positive,
    seed: int = 0,
    replicates: int = 1000,
    level: float = 0.95,
) -> Estimate:
    """Estimate a function of the mean over pairs of different recordings, with an interval clustered by artist.

    Parameters
    ----------
    pairs : numpy.ndarray, shape (n, n)
        A value, 0 or more, for every pair; the diagonal is not looked at. Unmeasured pairs (NaN) are skipped.
    artists : sequence of length n
        Whose each recording is: recordings of one artist enter and leave a replicate together.
    statistic : callable
        Monotone and positive, applied to means of any shape; the default is the mean itself.
    seed : int
        The same seed gives the same interval.
    replicates : int
        At least 100.
    level : float
        Coverage aimed at.

    Returns
    -------
    Estimate
        NaN without two recordings or one measured pair; a value without an interval when all are one artist's.

    Raises
    ------
    ValueError
        Shapes, `replicates` or `level` are wrong.

    Notes
    -----
    Resampling repeats recordings, and a recording's pair with its own copy would pull every replicate towards likeness:
    such pairs are left out. So are pairs between two copies of one artist; each copy brings the pairs inside that
    artist once. Replicates then scatter around the estimate without bias. The interval is the estimate times or divided
    by exp(t s), with s the standard deviation of the replicates' logarithms (times m/(m-1), under the root, for m
    artists) and t Student's quantile at m-1 degrees of freedom. In simulations with 8 to 100 recordings, normal and
    heavy-tailed, it covered .92 to .99 where plain percentiles covered .86 to .96.

    References
    ----------
    B. Efron, R. Tibshirani: An Introduction to the Bootstrap, 1993, chapters 12-13.
    C. A. Field, A. H. Welsh: Bootstrapping clustered data, Journal of the Royal Statistical Society B 69, 2007.
    """
    from scipy.stats import t as student

    pairs = square(pairs)
    n = len(pairs)
    if len(artists) != n:
        raise ValueError(f"artists must be as many as recordings: {len(artists)} artists, {n} recordings")
    if replicates < 100:
        raise ValueError(f"replicates must be 100 or more, not {replicates}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    mean = mean_over_pairs(pairs)
    if not np.isfinite(mean):
        reason = f"no estimate: {n} recordings, two are needed" if n < 2 else "no estimate: no pair was measured"
        return Estimate(np.nan, np.nan, np.nan, n, reason)
    with np.errstate(divide="ignore"):
        value = float(statistic(np.asarray(mean)))
    clusters = len(set(artists))
    if clusters < 2:
        return Estimate(value, np.nan, np.nan, n, f"no interval: all {n} recordings are one artist's")
    means = _bootstrap_means(pairs, artists, np.random.default_rng(seed), replicates)
    method = f"bootstrap by artist, {replicates} replicates, seed {seed}, {level:.4g}"
    with np.errstate(divide="ignore"):
        results = statistic(means)
    if not (0 < value < np.inf and np.all((results > 0) & (results < np.inf))):
        # No logarithm exists: some replicate holds only copies of one sound, or sounds that share nothing.
        low, high = np.quantile(results, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
        return Estimate(value, float(low), float(high), n, method + ", percentiles")
    error = float(np.std(np.log(results))) * np.sqrt(clusters / (clusters - 1))
    reach = float(np.exp(student.ppf((1 + level) / 2, clusters - 1) * error))
    return Estimate(value, value / reach, value * reach, n, method + ", log-t")


def _bootstrap_means(
    pairs: np.ndarray, artists: Sequence[object] | np.ndarray, rng: np.random.Generator, replicates: int
) -> np.ndarray:
    """Mean over pairs in each replicate, (replicates,), without those in which no pair was left."""
    index = {artist: i for i, artist in enumerate(dict.fromkeys(artists))}
    member = np.zeros((len(index), len(pairs)))
    member[[index[artist] for artist in artists], np.arange(len(pairs))] = 1
    known = np.isfinite(pairs) & ~np.eye(len(pairs), dtype=bool)
    # Sums and counts of pairs between every two artists; the diagonal holds the pairs inside one.
    sums, counts = (member @ x @ member.T for x in (np.where(known, pairs, 0), known.astype(float)))
    drawn = rng.multinomial(len(index), np.full(len(index), 1 / len(index)), replicates).astype(float)
    totals = [((drawn @ (x - np.diag(np.diag(x)))) * drawn).sum(axis=1) + drawn @ np.diag(x) for x in (sums, counts)]
    return totals[0][totals[1] > 0] / totals[1][totals[1] > 0]


def mean_over_pairs(pairs: np.ndarray) -> float:
    """Mean over pairs of different recordings; unmeasured ones (NaN) are skipped, NaN where none is left."""
    values = pairs[~np.eye(len(pairs), dtype=bool)]
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else np.nan


def square(matrix: np.ndarray) -> np.ndarray:
    """Return a matrix of pairs as floats.

    Raises
    ------
    ValueError
        When it is not shaped (n, n).
    """
    matrix = np.asarray(matrix, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a matrix of pairs must be shaped (n, n), not {matrix.shape}")
    return matrix
