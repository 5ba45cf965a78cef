"""How varied a set of recordings is, in numbers that may be compared between sets of different size.

Conventions: n recordings; descriptors are rows (n, d); distances (n, n) are symmetric with a zero diagonal; similarities
(n, n) lie in [0, 1] with a unit diagonal; NaN means not measured. Both come from `chartropy.analysis.space`.

Two measures make headlines, because their expectation does not depend on n:

* mean pairwise distance: how far two different recordings of the chart lie apart. 1 is the reference.
* diversity of order 2, 1 / mean of K² over pairs of different recordings: how many equally common and wholly different
  kinds of sound would meet each other as rarely.

The others (Vendi score, Leinster-Cobbold, Hill, Rao) include each recording's likeness to itself and so grow with n;
they describe one set, or sets rarefied to the same n.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .estimates import Estimate, bootstrap_interval, mean_over_pairs, square
from .space import KERNEL_SCALE

CLUSTER_DISTANCE = KERNEL_SCALE * (2 * np.log(2)) ** 0.5
"""Recordings at least half alike are of one cluster: the distance, .83, at which the similarity is ½."""


def mean_pairwise_distance(distances: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean distance of two different recordings; unmeasured pairs are skipped, NaN where none is left.

    Parameters
    ----------
    distances : numpy.ndarray, shape (n, n)
    weights : numpy.ndarray, shape (n,), optional
        0 or more, such as chart points: a pair counts as the product of its two. Default: equal.

    Returns
    -------
    float
        0 or more, in the distance's unit; unbiased whatever n.
    """
    return mean_over_pairs(square(distances), weights)


def order2_diversity(similarities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Effective number of kinds, from pairs of different recordings only.

    Parameters
    ----------
    similarities : numpy.ndarray, shape (n, n)
    weights : numpy.ndarray, shape (n,), optional
        As for `mean_pairwise_distance`.

    Returns
    -------
    float
        1 / mean over i ≠ j of K_ij²: 1 when all are alike, infinite when no two share anything. The mean under the
        fraction is unbiased whatever n, unlike the Vendi score of order 2, which n bounds.

    References
    ----------
    D. Friedman, A. B. Dieng: The Vendi Score, Transactions on Machine Learning Research, 2023 (the order 2 it departs
    from); E. H. Simpson: Measurement of Diversity, Nature 163, 1949 (pairs without replacement).
    """
    with np.errstate(divide="ignore"):
        return float(np.reciprocal(mean_over_pairs(square(similarities) ** 2, weights)))


def estimate_distance(distances: np.ndarray, artists: Sequence[object] | np.ndarray, **options: Any) -> Estimate:
    """`mean_pairwise_distance` with its interval; `options` as for `bootstrap_interval`."""
    return bootstrap_interval(distances, artists, **options)


def estimate_order2(similarities: np.ndarray, artists: Sequence[object] | np.ndarray, **options: Any) -> Estimate:
    """`order2_diversity` with its interval; `options` as for `bootstrap_interval`."""
    found = bootstrap_interval(np.asarray(similarities, float) ** 2, artists, statistic=np.reciprocal, **options)
    return replace(found, low=max(found.low, 1.0)) if np.isfinite(found.low) else found  # nothing is less than one kind


def dispersion(distances: np.ndarray, weights: np.ndarray | None = None) -> float:
    """How far recordings lie from their common centre: the root of half the mean squared distance of two.

    Parameters
    ----------
    distances : numpy.ndarray, shape (n, n)
    weights : numpy.ndarray, shape (n,), optional
        As for `mean_pairwise_distance`.

    Returns
    -------
    float
        In Euclidean coordinates the root of the variances' sum, with n - 1: its square is unbiased whatever n.
    """
    return float(np.sqrt(mean_over_pairs(square(distances) ** 2, weights) / 2))


def vendi(similarities: np.ndarray, order: float = 1.0, weights: np.ndarray | None = None) -> float:
    """Vendi score: the Hill number of the eigenvalues of the weighted similarities.

    Parameters
    ----------
    similarities : numpy.ndarray, shape (n, n)
        Positive semidefinite.
    order : float
        0 to infinity; the higher, the less rare kinds count.
    weights : numpy.ndarray, shape (n,), optional
        Sum to 1; default: equal.

    Returns
    -------
    float
        1 to n. Grows with n.

    References
    ----------
    D. Friedman, A. B. Dieng: The Vendi Score, Transactions on Machine Learning Research, 2023.
    A. P. Pasarkar, A. B. Dieng: Cousins of the Vendi Score, AISTATS 2024 (orders other than 1).
    """
    similarities = square(similarities)
    root = np.sqrt(_weights(weights, len(similarities)))
    return _hill_of_eigenvalues(np.linalg.eigvalsh(similarities * np.outer(root, root)), order)


def vendi_of_rows(rows: np.ndarray, order: float = 1.0, weights: np.ndarray | None = None) -> float:
    """Vendi score of many recordings under the cosine of their rows, in memory and time linear in n.

    Parameters
    ----------
    rows : numpy.ndarray, shape (n, d)
        Coordinates, such as `Space.embed` gives; each is scaled to length 1. No NaN, no row of zeros.
    order : float
        0 to infinity.
    weights : numpy.ndarray, shape (n,), optional
        Sum to 1; default: equal.

    Returns
    -------
    float
        1 to the smaller of n and d: that of `vendi` for the matrix of cosines, whose eigenvalues, but for zeros, are
        those of the rows' second moments (the dual form: D. Friedman, A. B. Dieng, 2023, section 3).

    Raises
    ------
    ValueError
        A row has no direction.
    """
    rows = np.asarray(rows, dtype=float)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    if not (lengths > 0).all():
        bad = int(np.argmin(lengths > 0))
        raise ValueError(f"row {bad} has no direction (length {lengths[bad]}): leave it out, or give it numbers")
    moments = np.zeros((rows.shape[1], rows.shape[1]))
    scales = _weights(weights, len(rows)) / lengths**2
    for begin in range(0, len(rows), 8192):  # a copy of all rows is not needed
        part = rows[begin : begin + 8192]
        moments += part.T @ (part * scales[begin : begin + 8192, None])
    return _hill_of_eigenvalues(np.linalg.eigvalsh(moments), order)


def rarefy(
    matrix: np.ndarray,
    size: int,
    statistic: Callable[[np.ndarray], float] = vendi,
    *,
    artists: Sequence[object] | np.ndarray | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Estimate what a measure that grows with n would be for `size` recordings: sets of different n become comparable.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n, n)
        Similarities or distances, none missing.
    size : int
        2 to n.
    statistic : callable
        Of a matrix (size, size); default: the Vendi score of order 1.
    artists : sequence of length n, optional
        Whose each recording is; default: each its own.
    draws : int
        Sets drawn without replacement.
    seed : int
        The same seed gives the same numbers.
    level : float
        Coverage aimed at.

    Returns
    -------
    Estimate
        The mean over the draws. The interval (normal) is by the infinitesimal jackknife: from how each artist's
        presence in a draw goes with the result, less what so many draws would show by chance. NaN when `size` is n.

    References
    ----------
    H. L. Sanders: Marine Benthic Diversity, American Naturalist 102, 1968 (rarefaction). S. Wager, T. Hastie, B. Efron:
    Confidence Intervals for Random Forests, Journal of Machine Learning Research 15, 2014 (the jackknife).
    """
    from scipy.stats import norm

    matrix = square(matrix)
    n = len(matrix)
    if not np.isfinite(matrix).all():
        raise ValueError("matrix must hold no NaN: leave out recordings that were not measured")
    if draws < 10:
        raise ValueError(f"draws must be 10 or more, not {draws}")
    if not 2 <= size <= n:
        raise ValueError(f"size must lie between 2 and the {n} recordings given, not {size}")
    if size == n:
        return Estimate(float(statistic(matrix)), np.nan, np.nan, n, f"all {n} recordings: no interval by rarefaction")
    rng = np.random.default_rng(seed)
    present = np.zeros((draws, n))
    found = np.empty(draws)
    for draw in range(draws):
        chosen = rng.choice(n, size, replace=False)
        present[draw, chosen] = 1
        found[draw] = statistic(matrix[np.ix_(chosen, chosen)])
    centered = found - found.mean()
    _, artist = np.unique(np.arange(n) if artists is None else np.asarray(artists, dtype=str), return_inverse=True)
    by_artist = np.zeros((draws, artist.max() + 1))
    np.add.at(by_artist.T, artist, present.T)
    covariances = centered @ (by_artist - by_artist.mean(axis=0)) / draws
    noise = float((by_artist.var(axis=0) * centered.var()).sum()) / draws
    variance = max(float((covariances**2).sum()) - noise, 0.0) * (n - 1) / n * (n / (n - size)) ** 2
    reach = float(norm.ppf((1 + level) / 2)) * np.sqrt(variance)
    method = f"rarefied to {size}, {draws} draws, seed {seed}, infinitesimal jackknife, {level:.4g}"
    value = float(found.mean())
    return Estimate(value, value - reach, value + reach, n, method)


def sound_clusters(distances: np.ndarray, limit: float = CLUSTER_DISTANCE) -> np.ndarray:
    """Put recordings that sound alike together.

    Parameters
    ----------
    distances : numpy.ndarray, shape (n, n)
        Unmeasured pairs (NaN) count as far apart.
    limit : float
        Clusters whose recordings lie farther apart than this, on average, stay two.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        Number of each recording's cluster, from 0.

    References
    ----------
    R. R. Sokal, C. D. Michener: A Statistical Method for Evaluating Systematic Relationships, University of Kansas
    Science Bulletin 38, 1958 (average linkage).
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distances = square(distances)
    if len(distances) < 2:
        return np.zeros(len(distances), dtype=int)
    far = np.nan_to_num(distances, nan=max(10 * limit, float(np.nanmax(distances, initial=0))))
    tree = linkage(squareform((far + far.T) / 2, checks=False), method="average")
    return fcluster(tree, limit, criterion="distance") - 1


def same(kinds: Sequence[Collection[object]]) -> np.ndarray:
    """How far recordings are of one kind (artist, label, language, genre), as a matrix of pairs.

    Parameters
    ----------
    kinds : sequence of length n
        The kinds of each recording; empty where none is known.

    Returns
    -------
    numpy.ndarray, shape (n, n)
        Probability that a kind drawn from one recording's is one drawn from the other's: 1 for equal single kinds, ½
        where one of two is shared; NaN where one has none. Its mean over pairs is Simpson's index, and 1 over it the
        effective number of kinds of order 2, unbiased whatever n.

    References
    ----------
    E. H. Simpson: Measurement of Diversity, Nature 163, 1949.
    """
    names = sorted({str(kind) for of_one in kinds for kind in of_one})
    column = {name: i for i, name in enumerate(names)}
    shares = np.zeros((len(kinds), len(names)))
    for row, of_one in zip(shares, kinds, strict=True):
        for kind in of_one:
            row[column[str(kind)]] += 1 / len(of_one)
    pairs = shares @ shares.T
    unknown = np.array([len(of_one) == 0 for of_one in kinds], dtype=bool)
    pairs[unknown] = pairs[:, unknown] = np.nan
    return pairs


def rarefied_hill(counts: np.ndarray, size: int, order: float = 1.0) -> float:
    """Hill number to be expected of `size` entries drawn from those counted.

    Parameters
    ----------
    counts : numpy.ndarray of int, shape (k,)
        Entries of each kind.
    size : int
        1 to the number of entries.
    order : float
        0 (kinds seen), 1 (exp of Shannon's entropy), 2 (inverse Simpson) and all between and beyond.

    Returns
    -------
    float
        Exact, no sampling.

    References
    ----------
    S. H. Hurlbert: The Nonconcept of Species Diversity, Ecology 52, 1971. A. Chao et al.: Rarefaction and extrapolation
    with Hill numbers, Ecological Monographs 84, 2014.
    """
    counts = _counts(counts)
    total = int(counts.sum())
    if not 1 <= size <= total:
        raise ValueError(f"size must lie between 1 and the {total} entries given, not {size}")
    if order < 0:
        raise ValueError(f"order must be 0 or more, not {order}")
    seen = np.arange(1, size + 1)
    # How many kinds would be seen just so often: hypergeometric, kind by kind.
    often = np.exp(
        _log_choose(counts[:, None], seen)
        + _log_choose(total - counts[:, None], size - seen)
        - _log_choose(total, size)
    ).sum(axis=0)
    shares = seen / size
    if order == 1:
        return float(np.exp(-(often * shares * np.log(shares)).sum()))
    if np.isinf(order):
        raise ValueError("order must be finite: the expected share of the commonest kind is no sum over kinds")
    return float((often * shares**order).sum() ** (1 / (1 - order)))


def sample_coverage(counts: np.ndarray, size: int | None = None) -> float:
    """Which part of all there is belongs to the kinds that were seen.

    Parameters
    ----------
    counts : numpy.ndarray of int, shape (k,)
        Entries of each kind.
    size : int, optional
        Of so many entries drawn from those counted; default: of all.

    Returns
    -------
    float
        0 to 1, estimated from how many kinds were seen once and twice.

    References
    ----------
    A. Chao, L. Jost: Coverage-based rarefaction and extrapolation, Ecology 93, 2012.
    """
    counts = _counts(counts)
    total = int(counts.sum())
    if size is None or size == total:
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        unlikely = (total - 1) * (once if twice else once - 1)
        return float(1 - once / total * unlikely / (unlikely + 2 * max(twice, 1))) if once else 1.0
    if not 1 <= size < total:
        raise ValueError(f"size must lie between 1 and the {total} entries given, not {size}")
    unseen = np.exp(_log_choose(total - counts, size) - _log_choose(total - 1, size))
    return float(1 - (counts / total * unseen).sum())


def hill_at_coverage(counts: np.ndarray, coverage: float, order: float = 1.0) -> float:
    """Hill number at a given sample coverage, so that charts are compared where they are equally well known.

    Parameters
    ----------
    counts : numpy.ndarray of int, shape (k,)
        Entries of each kind.
    coverage : float
        More than 0, at most that of all entries (`sample_coverage`).
    order : float
        As for `rarefied_hill`.

    Returns
    -------
    float
        Between the two sizes whose coverages enclose it, on the line.

    Raises
    ------
    ValueError
        The entries do not cover so much.

    References
    ----------
    A. Chao, L. Jost: Coverage-based rarefaction and extrapolation, Ecology 93, 2012.
    """
    counts = _counts(counts)
    total = int(counts.sum())
    if not 0 < coverage <= sample_coverage(counts) + 1e-12:
        raise ValueError(
            f"coverage must lie between 0 and the {sample_coverage(counts):.3f} of these counts, not {coverage}"
        )
    low, high = 1, total
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sample_coverage(counts, middle) < coverage else (low, middle)
    ends = [sample_coverage(counts, size) for size in (low, high)]
    part = np.clip((coverage - ends[0]) / (ends[1] - ends[0]), 0, 1) if ends[1] > ends[0] else 1.0
    return float((1 - part) * rarefied_hill(counts, low, order) + part * rarefied_hill(counts, high, order))


def participation_ratio(rows: np.ndarray) -> float:
    """Effective number of dimensions in which recordings vary: (Σλ)² / Σλ² of their covariance.

    Parameters
    ----------
    rows : numpy.ndarray, shape (n, d)
        n of 4 or more; no NaN.

    Returns
    -------
    float
        About 1 to d. Numerator and denominator are unbiased (the first for normal rows), so it hardly depends on n,
        where the plain ratio of a sample falls short by a factor of about n / (n + ratio).

    References
    ----------
    P. Gao et al.: A theory of multineuronal dimensionality, dynamics and measurement, bioRxiv 214262, 2017. L. Song et
    al.: Feature Selection via Dependence Maximization, Journal of Machine Learning Research 13, 2012 (the unbiased Σλ²).
    """
    rows = np.asarray(rows, dtype=float)
    n = len(rows)
    if n < 4:
        raise ValueError(f"4 rows or more are needed, not {n}")
    rows = rows - rows.mean(axis=0)
    products = rows @ rows.T
    trace = float(np.trace(products)) / (n - 1)
    np.fill_diagonal(products, 0)
    sums = products.sum(axis=1)
    squared = float((products**2).sum() + sums.sum() ** 2 / ((n - 1) * (n - 2)) - 2 / (n - 2) * (sums @ sums)) / (
        n * (n - 3)
    )
    return float((trace**2 - 2 * squared / (n - 1)) / squared) if squared > 0 else np.nan


def intrinsic_dimension(distances: np.ndarray) -> float:
    """TwoNN: the dimension in which second neighbours lie just so much farther than first ones.

    Parameters
    ----------
    distances : numpy.ndarray, shape (n, n)
        n of 3 or more. Recordings with a copy among the others (distance 0) are left out.

    Returns
    -------
    float
        (m - 1) / Σ log(r2 / r1) over m recordings, unbiased where density is even; NaN where none is left.

    References
    ----------
    E. Facco et al.: Estimating the intrinsic dimension of datasets by a minimal neighborhood information, Scientific
    Reports 7, 2017.
    """
    distances = square(distances) + np.diag(np.full(len(distances), np.inf))
    first, second = np.partition(np.where(np.isnan(distances), np.inf, distances), 1, axis=1)[:, :2].T
    usable = (first > 0) & np.isfinite(second)
    total = float(np.log(second[usable] / first[usable]).sum())
    return (int(usable.sum()) - 1) / total if total > 0 else np.nan


def hill(weights: np.ndarray, order: float = 1.0) -> float:
    """Hill number of shares that sum to 1: how many equally common kinds would be as diverse (M. O. Hill, 1973)."""
    shares = _weights(weights, len(weights))
    if order < 0:
        raise ValueError(f"order must be 0 or more, not {order}")
    shares = shares[shares > 0]
    if order == 1:
        return float(np.exp(-shares @ np.log(shares)))
    if np.isinf(order):
        return float(1 / shares.max())
    return float((shares**order).sum() ** (1 / (1 - order)))


def leinster_cobbold(similarities: np.ndarray, order: float = 1.0, weights: np.ndarray | None = None) -> float:
    """Diversity of kinds that resemble each other.

    Parameters
    ----------
    similarities : numpy.ndarray, shape (n, n)
    order : float
        0 to infinity.
    weights : numpy.ndarray, shape (n,), optional
        Shares that sum to 1; default: equal.

    Returns
    -------
    float
        1 to n. Grows with n.

    References
    ----------
    T. Leinster, C. A. Cobbold: Measuring diversity: the importance of species similarity, Ecology 93, 2012.
    """
    if order < 0:
        raise ValueError(f"order must be 0 or more, not {order}")
    similarities = square(similarities)
    shares = _weights(weights, len(similarities))
    ordinariness = (similarities @ shares)[shares > 0]
    shares = shares[shares > 0]
    if order == 1:
        return float(np.exp(-shares @ np.log(ordinariness)))
    if np.isinf(order):
        return float(1 / ordinariness.max())
    return float((shares @ ordinariness ** (order - 1)) ** (1 / (1 - order)))


def rao(distances: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Rao's quadratic entropy: expected distance of two draws with replacement (C. R. Rao, 1982). Grows with n."""
    distances = square(distances)
    shares = _weights(weights, len(distances))
    return float(shares @ distances @ shares)


def _weights(weights: np.ndarray | None, n: int) -> np.ndarray:
    if weights is None:
        return np.full(n, 1 / n)
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (n,) or not (weights >= 0).all() or abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"weights must be {n} shares of 0 or more that sum to 1, not {weights.size} from {np.min(weights, initial=np.inf):.6g} "
            f"that sum to {weights.sum():.6g}"
        )
    return weights


def _hill_of_eigenvalues(eigenvalues: np.ndarray, order: float) -> float:
    # What is nothing but rounding would count as a kind of its own at order 0.
    return hill(np.where(eigenvalues > 1e-12, eigenvalues, 0), order)


def _counts(counts: np.ndarray) -> np.ndarray:
    counts = np.asarray(counts)
    if counts.ndim != 1 or not (counts == np.floor(counts)).all() or (counts < 0).any() or not counts.sum():
        raise ValueError(f"counts must be whole numbers, 0 or more, of at least one entry, not {counts}")
    return counts[counts > 0].astype(int)


def _log_choose(n: np.ndarray | int, k: np.ndarray | int) -> np.ndarray:
    """Logarithm of how many ways there are to choose k of n; -inf where there is none."""
    from scipy.special import gammaln

    n, k = np.asarray(n, dtype=float), np.asarray(k, dtype=float)
    possible = (k >= 0) & (k <= n)
    n, k = np.where(possible, n, 0), np.where(possible, k, 0)
    return np.where(possible, gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), -np.inf)
