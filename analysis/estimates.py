"""Numbers with their intervals: what is estimated from pairs of recordings, and how sure it is.

Recordings of one artist are not independent: replicates draw artists, not recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .space import check_level

FEWEST_SHARED = 5
"""Pairs that share a kind: of fewer the bootstrap knows too little, and no effective number is told: one more would halve it."""


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
    weights: np.ndarray | None = None,
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
        Whose each recording is, as names or numbers: recordings of one artist enter and leave a replicate together. One
        without an artist (None, NaN) stands alone.
    weights : numpy.ndarray, shape (n,), optional
        0 or more, such as chart points: a pair counts as the product of its two. Default: equal.
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
    from scipy.special import stdtrit

    pairs = square(pairs)
    n = len(pairs)
    if len(artists) != n:
        raise ValueError(f"artists must be as many as recordings: {len(artists)} artists, {n} recordings")
    _check_options(level, replicates)
    sums, counts = _sums_and_counts(pairs, weights)
    if not counts.any():
        reason = f"no estimate: {n} recordings, two are needed" if n < 2 else "no estimate: no pair was measured"
        return Estimate(np.nan, np.nan, np.nan, n, reason)
    with np.errstate(divide="ignore"):
        value = float(statistic(np.asarray(sums.sum() / counts.sum())))
    artist = numbered(artists)
    clusters = int(artist.max()) + 1
    if clusters < 2:
        return Estimate(value, np.nan, np.nan, n, f"no interval: all {n} recordings are one artist's")
    if clusters < 3:
        return Estimate(value, np.nan, np.nan, n, f"no interval: the {n} recordings are two artists'")
    drawn = draw_clusters(clusters, replicates, seed)
    total = _drawn_sums(drawn, _between_artists(sums, artist))
    if np.isfinite(pairs).all():  # counts are products of the artists' own, and need none of matrices
        each = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
        own, inside = np.bincount(artist, each), np.bincount(artist, each**2)
        count = (drawn @ own) ** 2 - drawn**2 @ own**2 + drawn @ (own**2 - inside)
        count[count < 1e-9] = 0
    else:
        count = _drawn_sums(drawn, _between_artists(counts, artist))
    means = total[count > 0] / count[count > 0]  # in some replicates no pair may be left
    method = f"bootstrap by artist, {replicates} replicates, seed {seed}, {level:.4g}"
    with np.errstate(divide="ignore"):
        results = statistic(means)
    if not (0 < value < np.inf and np.all((results > 0) & (results < np.inf))):
        # No logarithm exists: some replicate holds only copies of one sound, or sounds that share nothing.
        low, high = np.quantile(results, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
        return Estimate(value, float(low), float(high), n, method + ", percentiles")
    error = float(np.std(np.log(results))) * np.sqrt(clusters / (clusters - 1))
    reach = float(np.exp(stdtrit(clusters - 1, (1 + level) / 2) * error))
    return Estimate(value, value / reach, value * reach, n, method + ", log-t")


def estimate_share(
    hits: np.ndarray, artists: Sequence[object] | np.ndarray, *, others: float = np.inf, level: float = 0.95
) -> Estimate:
    """Estimate how often something holds, with an interval that knows that one artist's recordings go together.

    Parameters
    ----------
    hits : numpy.ndarray of bool or float, shape (n,)
        Whether it holds for each recording; NaN where that is not known.
    artists : sequence of length n
        Whose each recording is.
    others : float
        Independent recordings that the limit between holding and not was itself taken from; infinite: it is given.
    level : float
        Coverage aimed at.

    Returns
    -------
    Estimate
        Jeffreys' interval for as many trials as are independent at least: n² / Σ m², with m recordings of an artist
        (L. Kish, Survey Sampling, 1965). The value itself always lies within.
    """
    _check_options(level)
    hits = _one_each(hits, artists)
    known = np.isfinite(hits)
    if ((hits[known] < 0) | (hits[known] > 1)).any():
        raise ValueError(f"hits must lie between 0 and 1, or be NaN, not {hits[known].min()} to {hits[known].max()}")
    n = int(known.sum())
    if not n:
        return Estimate(np.nan, np.nan, np.nan, 0, "no estimate: nothing was measured")
    value = float(hits[known].mean())
    low, high = jeffreys(value, np.bincount(numbered(artists)[known]), others, level)
    method = f"share, Jeffreys interval, clustered by artist, {level:.4g}"
    return Estimate(value, min(low, value), max(high, value), n, method)


def effective_number(of_artist: np.ndarray) -> float:
    """Return how many recordings are independent at least, where artists have so many, or so much weight: n² / Σ m²."""
    return float(of_artist.sum() ** 2 / (of_artist @ of_artist))


def jeffreys(share: float, of_artist: np.ndarray, others: float, level: float) -> tuple[float, float]:
    """Return the interval of :func:`estimate_share`, where artists have so many recordings, or so much weight."""
    from scipy.special import betaincinv

    trials = 1 / (1 / effective_number(of_artist) + 1 / others)
    a, b = share * trials + 0.5, (1 - share) * trials + 0.5
    low, high = (float(betaincinv(a, b, tail)) for tail in ((1 - level) / 2, (1 + level) / 2))
    return low, high


def estimate_mean(values: np.ndarray, artists: Sequence[object] | np.ndarray, *, level: float = 0.95) -> Estimate:
    """Estimate a mean over recordings, with an interval clustered by artist.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        NaN where not measured: skipped.
    artists : sequence of length n
        Whose each recording is.
    level : float
        Coverage aimed at.

    Returns
    -------
    Estimate
        Student's interval with the error of totals by artist (G. Kauermann, R. J. Carroll, Journal of the American
        Statistical Association 96, 2001); no interval when all are one artist's.
    """
    from scipy.special import stdtrit

    _check_options(level)
    values = _one_each(values, artists)
    known = np.isfinite(values)
    n = int(known.sum())
    if not n:
        return Estimate(np.nan, np.nan, np.nan, 0, "no estimate: nothing was measured")
    value = float(values[known].mean())
    artist = numbered(numbered(artists)[known])
    clusters = int(artist.max()) + 1
    if clusters < 2:
        return Estimate(value, np.nan, np.nan, n, f"no interval: all {n} recordings are one artist's")
    off = np.bincount(artist, weights=values[known] - value)
    error = float(np.sqrt((off**2).sum() * clusters / (clusters - 1))) / n
    reach = float(stdtrit(clusters - 1, (1 + level) / 2)) * error
    return Estimate(value, value - reach, value + reach, n, f"mean, error by artist, Student, {level:.4g}")


def estimate_quantile(
    values: np.ndarray,
    artists: Sequence[object] | np.ndarray,
    quantile: float,
    *,
    seed: int = 0,
    replicates: int = 1000,
    level: float = 0.95,
) -> Estimate:
    """Estimate a quantile over recordings; the interval is of the bootstrap over artists, by percentiles.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        NaN where not measured: skipped.
    artists : sequence of length n
        Whose each recording is.
    quantile : float
        0 to 1; .5 is the median.
    seed, replicates, level
        As for `bootstrap_interval`.

    Returns
    -------
    Estimate
        NaN without a value; no interval when all are one artist's.

    References
    ----------
    B. Efron, R. Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13.
    """
    if not 0 <= quantile <= 1:
        raise ValueError(f"quantile must lie between 0 and 1, not {quantile}")
    _check_options(level, replicates)
    values = _one_each(values, artists)
    known = np.isfinite(values)
    n = int(known.sum())
    if not n:
        return Estimate(np.nan, np.nan, np.nan, 0, "no estimate: nothing was measured")
    order = np.argsort(values[known], kind="stable")
    ordered = values[known][order]
    artist = numbered(numbered(artists)[known][order])
    value = float(np.quantile(ordered, quantile, method="hazen"))
    clusters = int(artist.max()) + 1
    if clusters < 2:
        return Estimate(value, np.nan, np.nan, n, f"no interval: all {n} recordings are one artist's")
    drawn = draw_clusters(clusters, replicates, seed)[:, artist]
    ranks = np.cumsum(drawn, axis=1)
    # Hazen's: the i-th of n stands at i - ½ of n; between two the line does.
    place = np.clip(quantile * ranks[:, -1] - 0.5, 0, ranks[:, -1] - 1)
    ends = [ordered[(ranks > end[:, None]).argmax(axis=1)] for end in (np.floor(place), np.ceil(place))]
    found = ends[0] + (place - np.floor(place)) * (ends[1] - ends[0])
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    method = (
        f"quantile {quantile:g}, bootstrap by artist, {replicates} replicates, seed {seed}, {level:.4g}, percentiles"
    )
    return Estimate(value, float(min(low, value)), float(max(high, value)), n, method)


def estimate_simpson(pairs: np.ndarray, artists: Sequence[object] | np.ndarray, *, level: float = 0.95) -> Estimate:
    """Estimate Simpson's index, the probability that two recordings share a kind, also where few or none do.

    Parameters
    ----------
    pairs : numpy.ndarray, shape (n, n)
        How far each two share one, 0 to 1, as `diversity.same` gives.
    artists, level
        As for `bootstrap_interval`.

    Returns
    -------
    Estimate
        With the interval of `bootstrap_interval`, or, where fewer than `FEWEST_SHARED` pairs share one, that of a count of
        rare events (F. Garwood, Biometrika 28, 1936): no pair that shares one does not prove that none ever will.
    """
    from scipy.special import gammaincinv

    found = bootstrap_interval(pairs, artists, level=level)
    upper = np.triu(np.isfinite(square(pairs)), 1)
    known = np.asarray(pairs, dtype=float)[upper]
    if (wrong := (known < 0) | (known > 1)).any():
        raise ValueError(f"pairs must lie between 0 and 1, not {known[wrong][0]:.6g}: how far two share a kind")
    among, shared = int(upper.sum()), float(known.sum())
    if not among or shared >= FEWEST_SHARED:
        return found
    low = float(gammaincinv(shared, (1 - level) / 2)) if shared else 0.0
    high = float(gammaincinv(shared + 1, (1 + level) / 2))
    return Estimate(shared / among, low / among, min(high / among, 1.0), found.n, f"Garwood's interval, {level:.4g}")


def bound_missing(
    pairs: np.ndarray, total: int, *, tail: float = 0.1, statistic: Callable[[np.ndarray], np.ndarray] = np.positive
) -> tuple[float, float]:
    """Where an estimate could lie had every recording been heard.

    Parameters
    ----------
    pairs : numpy.ndarray, shape (n, n)
        Values of the pairs that were heard.
    total : int
        Recordings there are, heard or not; n or more.
    tail : float
        The recordings not heard are taken to be as the most typical, and as the least typical, of so large a share of
        those heard: .1 the tenth whose mean values are lowest and highest. As it nears 0 these are the extremes heard.
    statistic : callable
        As for `bootstrap_interval`.

    Returns
    -------
    low, high : float
        Both the estimate itself where nothing is missing; NaN where nothing was heard.

    Notes
    -----
    An assumption stated, not a proof: what was not heard may be unlike anything that was (C. F. Manski, Partial
    Identification of Probability Distributions, 2003). The interval of the estimate takes missing ones to be like the
    others; these bounds say what follows where they are not.
    """
    pairs = square(pairs)
    n = len(pairs)
    if not 0 < tail <= 1:
        raise ValueError(f"tail must lie between 0 and 1, not {tail}")
    if total < n:
        raise ValueError(f"total must be {n} recordings or more, as many were heard, not {total}")
    means = _row_means(pairs)
    if not np.isfinite(means).any():
        return np.nan, np.nan
    means = np.sort(means[np.isfinite(means)])
    some = max(1, round(tail * len(means)))
    # A pair is heard, or has one that was not, or two: the share of each among all pairs.
    missing = 1 - n * (n - 1) / (total * (total - 1))
    ends = [
        (1 - missing) * mean_over_pairs(pairs) + missing * means[part].mean()
        for part in (slice(some), slice(-some, None))
    ]
    with np.errstate(divide="ignore"):
        found = sorted(float(statistic(np.asarray(end))) for end in ends)
    return found[0], found[1]


@lru_cache(maxsize=16)
def draw_clusters(clusters: int, replicates: int, seed: int | tuple[int, ...]) -> np.ndarray:
    """How often each artist is in each replicate, (replicates, clusters), read-only; the same seed draws the same."""
    drawn = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), replicates).astype(float)
    drawn.flags.writeable = False
    return drawn


def mean_over_pairs(pairs: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean over pairs of different recordings; unmeasured ones (NaN) are skipped, NaN where none is left."""
    sums, counts = _sums_and_counts(pairs, weights)
    return float(sums.sum() / counts.sum()) if counts.any() else np.nan


def numbered(artists: Sequence[object] | np.ndarray) -> np.ndarray:
    """Number artists from 0, names in the order in which they appear; each missing one (None, NaN, "") its own number."""
    import pandas as pd

    if isinstance(artists, np.ndarray) and artists.dtype.kind in "iu":
        return np.unique(artists, return_inverse=True)[1]
    names = np.array(artists, dtype=object)
    names[names == ""] = None
    number, known = pd.factorize(names)
    missing = number < 0
    number[missing] = len(known) + np.arange(missing.sum())
    return number


def _check_options(level: float, replicates: int = 100) -> None:
    if replicates < 100:
        raise ValueError(f"replicates must be 100 or more, not {replicates}")
    check_level(level)


def _one_each(values: np.ndarray, artists: Sequence[object] | np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(artists) != len(values):
        raise ValueError(f"artists must be as many as values: {len(artists)}, values shaped {values.shape}")
    return values


def _row_means(pairs: np.ndarray) -> np.ndarray:
    """Every recording's mean over its pairs; NaN where it has none."""
    sums, counts = (part.sum(axis=1) for part in _sums_and_counts(pairs, None))
    return np.divide(sums, counts, out=np.full(len(pairs), np.nan), where=counts > 0)


def _sums_and_counts(pairs: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """What each pair of different recordings adds to a mean, and what it counts there."""
    counts = np.isfinite(pairs).astype(float)
    if weights is not None:
        weights = np.asarray(weights, dtype=float)
        if weights.shape != (len(pairs),) or not (weights >= 0).all():
            raise ValueError(f"weights must be {len(pairs)} numbers of 0 or more, not {weights.shape}: {weights}")
        counts *= np.outer(weights, weights)
    np.fill_diagonal(counts, 0)
    return np.where(counts > 0, pairs, 0) * counts, counts


def _between_artists(matrix: np.ndarray, artist: np.ndarray) -> np.ndarray:
    """Sums over the pairs between every two artists; the diagonal holds those inside one."""
    order = np.argsort(artist, kind="stable")
    first = np.flatnonzero(np.diff(artist[order], prepend=-1))
    matrix = matrix[np.ix_(order, order)]
    return matrix if len(first) == len(artist) else np.add.reduceat(np.add.reduceat(matrix, first, 0), first, 1)


def _drawn_sums(drawn: np.ndarray, between: np.ndarray) -> np.ndarray:
    inside = np.diag(between).copy()
    np.fill_diagonal(between, 0)
    total = np.einsum("ra,ra->r", drawn @ between, drawn) + drawn @ inside
    np.fill_diagonal(between, inside)
    return total


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
