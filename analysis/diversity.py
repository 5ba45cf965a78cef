"""How varied a set of recordings is, in numbers that may be compared between sets of different size.

Conventions: n recordings; descriptors are rows (n, d); distances (n, n) are 0 or more, symmetric with a zero diagonal;
similarities (n, n) lie in [0, 1], symmetric with a unit diagonal; NaN means not measured. Both come from
`chartropy.analysis.space`; what is otherwise, but for rounding, is refused with a ValueError.

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

from .estimates import Estimate, bootstrap_interval, mean_over_pairs, numbered
from .space import KERNEL_SCALE, check_level, first, floats, real, whole

CLUSTER_DISTANCE = KERNEL_SCALE * (2 * np.log(2)) ** 0.5
"""Recordings at least half alike are of one cluster: the distance, .83, at which the similarity is ½."""

ROUNDING = 1e-6
"""By so much a matrix of pairs may miss its bounds, its diagonal and its symmetry."""


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

    Raises
    ------
    ValueError
        `distances` are none (see the module), or `weights` are not n numbers of 0 or more.
    """
    return mean_over_pairs(_distances(distances), weights)


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

    Raises
    ------
    ValueError
        `similarities` are none (see the module), or `weights` are not n numbers of 0 or more.

    References
    ----------
    D. Friedman, A. B. Dieng: The Vendi Score, Transactions on Machine Learning Research, 2023 (the order 2 it departs
    from); E. H. Simpson: Measurement of Diversity, Nature 163, 1949 (pairs without replacement).
    """
    with np.errstate(divide="ignore"):
        return float(np.reciprocal(mean_over_pairs(_similarities(similarities) ** 2, weights)))


def estimate_distance(distances: np.ndarray, artists: Sequence[object] | np.ndarray, **options: Any) -> Estimate:
    """`mean_pairwise_distance` with its interval; `options` as for `bootstrap_interval`. Refuses what either refuses."""
    return bootstrap_interval(_distances(distances), artists, **options)


def estimate_order2(similarities: np.ndarray, artists: Sequence[object] | np.ndarray, **options: Any) -> Estimate:
    """`order2_diversity` with its interval; `options` as for `bootstrap_interval`. Refuses what either refuses."""
    pairs = _similarities(similarities) ** 2
    found = bootstrap_interval(pairs, artists, statistic=np.reciprocal, **options)
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

    Raises
    ------
    ValueError
        As for `mean_pairwise_distance`.
    """
    return float(np.sqrt(mean_over_pairs(_distances(distances) ** 2, weights) / 2))


def vendi(similarities: np.ndarray, order: float = 1.0, weights: np.ndarray | None = None) -> float:
    """Vendi score: the Hill number of the eigenvalues of the weighted similarities.

    Parameters
    ----------
    similarities : numpy.ndarray, shape (n, n)
        Positive semidefinite, none missing; cosines, -1 to 1, will do.
    order : float
        0 to infinity; the higher, the less rare kinds count.
    weights : numpy.ndarray, shape (n,), optional
        Sum to 1; default: equal.

    Returns
    -------
    float
        1 to n. Grows with n.

    Raises
    ------
    ValueError
        `similarities` are none (see the module), not positive semidefinite, or of no recording; `order` or `weights`
        are out of range.

    References
    ----------
    D. Friedman, A. B. Dieng: The Vendi Score, Transactions on Machine Learning Research, 2023.
    A. P. Pasarkar, A. B. Dieng: Cousins of the Vendi Score, AISTATS 2024 (orders other than 1).
    """
    return _vendi(_similarities(similarities, missing=False, low=-1.0), order, weights)


def _vendi(similarities: np.ndarray, order: float = 1.0, weights: np.ndarray | None = None) -> float:
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
        A row has no direction, there is none, or `order` or `weights` are out of range.
    """
    rows = floats("rows", rows, "(n, d)")
    if not len(rows):
        raise ValueError(f"rows must be of one recording or more, not {rows.shape}")
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    directed = (lengths > 0) & np.isfinite(lengths)
    if not directed.all():
        bad = int(np.argmin(directed))
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
        Whose each recording is; one that is unknown (None, NaN, "") stands alone. Default: each its own.
    draws : int
        Sets drawn without replacement; 10 or more.
    seed : int
        The same seed gives the same numbers.
    level : float
        Coverage aimed at.

    Returns
    -------
    Estimate
        The mean over the draws. The interval (normal) is by the infinitesimal jackknife: from how each artist's
        presence in a draw goes with the result, less what so many draws would show by chance. NaN when `size` is n.

    Raises
    ------
    ValueError
        `matrix` is not square and symmetric, or misses a value; `size`, `draws`, `level` or the number of `artists` is
        wrong; or what `statistic` refuses, whose rows and columns are then those of a draw.

    References
    ----------
    H. L. Sanders: Marine Benthic Diversity, American Naturalist 102, 1968 (rarefaction). S. Wager, T. Hastie, B. Efron:
    Confidence Intervals for Random Forests, Journal of Machine Learning Research 15, 2014 (the jackknife).
    """
    from scipy.stats import norm

    if statistic is vendi:  # checked once, not at every draw
        matrix, statistic = _similarities(matrix, missing=False, low=-1.0), _vendi
    else:
        matrix = _pairs("matrix", matrix, None, low=-np.inf, missing=False)
    n = len(matrix)
    draws, size = whole("draws", draws, 10), whole("size", size, 2, n, f"the {n} recordings given")
    check_level(level)
    artist = whose("artists", np.arange(n) if artists is None else artists, n)
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
        0 or more. Clusters whose recordings lie farther apart than this, on average, stay two.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        Number of each recording's cluster, from 0.

    Raises
    ------
    ValueError
        `distances` are none (see the module), or `limit` is less than 0.

    References
    ----------
    R. R. Sokal, C. D. Michener: A Statistical Method for Evaluating Systematic Relationships, University of Kansas
    Science Bulletin 38, 1958 (average linkage).
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distances = _distances(distances)
    if not (real(limit) and 0 <= limit < np.inf):
        raise ValueError(f"limit must be a distance, 0 or more, not {limit}")
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
        The names of each recording's kinds. Unknown ones (None, NaN, "") count for nothing and are shared with nobody;
        empty where none is known.

    Returns
    -------
    numpy.ndarray, shape (n, n)
        Probability that a kind drawn from one recording's is one drawn from the other's: 1 for equal single kinds, ½
        where one of two is shared; NaN where one has none. Its mean over pairs is Simpson's index, and 1 over it the
        effective number of kinds of order 2, unbiased whatever n.

    Raises
    ------
    ValueError
        A recording's kinds are one string, or no collection at all.

    References
    ----------
    E. H. Simpson: Measurement of Diversity, Nature 163, 1949.
    """
    known = []
    for place, of_one in enumerate(kinds):
        if isinstance(of_one, str | bytes) or not hasattr(of_one, "__iter__"):
            raise ValueError(
                f"kinds must be a list of names for each recording, not {of_one!r} (place {place}): [{of_one!r}] for one, "
                "[] where none is known"
            )
        known.append([name for kind in of_one if (name := _name(kind)) is not None])
    column = {name: i for i, name in enumerate(sorted({name for of_one in known for name in of_one}))}
    shares = np.zeros((len(known), len(column)))
    for row, of_one in zip(shares, known, strict=True):
        for name in of_one:
            row[column[name]] += 1 / len(of_one)
    pairs = shares @ shares.T
    unknown = np.array([not of_one for of_one in known], dtype=bool)
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

    Raises
    ------
    ValueError
        `counts`, `size` or `order` are out of range; an infinite order is no sum over kinds.

    References
    ----------
    S. H. Hurlbert: The Nonconcept of Species Diversity, Ecology 52, 1971. A. Chao et al.: Rarefaction and extrapolation
    with Hill numbers, Ecological Monographs 84, 2014.
    """
    counts = _counts(counts)
    total = int(counts.sum())
    size, order = whole("size", size, 1, total, f"the {total} entries given"), _order(order)
    if np.isinf(order):
        raise ValueError("order must be finite: the expected share of the commonest kind is no sum over kinds")
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
        0 to 1, estimated from how many kinds were seen once and twice. NaN for a single entry: the estimator counts how
        often the other n - 1 entries are of the same kind, and of none its formula would make a coverage of 1.

    Raises
    ------
    ValueError
        `counts` or `size` are out of range.

    References
    ----------
    A. Chao, L. Jost: Coverage-based rarefaction and extrapolation, Ecology 93, 2012.
    """
    counts = _counts(counts)
    total = int(counts.sum())
    size = total if size is None else whole("size", size, 1, total, f"the {total} entries given")
    if total == 1:
        return np.nan
    if size == total:
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        unlikely = (total - 1) * (once if twice else once - 1)
        return float(1 - once / total * unlikely / (unlikely + 2 * max(twice, 1))) if once else 1.0
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
        The entries do not cover so much, or are fewer than two; `counts` or `order` are out of range.

    References
    ----------
    A. Chao, L. Jost: Coverage-based rarefaction and extrapolation, Ecology 93, 2012.
    """
    counts = _counts(counts)
    total = int(counts.sum())
    if total == 1:
        raise ValueError("counts must be of 2 entries or more: of a single one no coverage can be told")
    if not (real(coverage) and 0 < coverage <= sample_coverage(counts) + 1e-12):
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
        where the plain ratio of a sample falls short by a factor of about n / (n + ratio). NaN where nothing varies.

    Raises
    ------
    ValueError
        There are fewer than 4 rows, or one holds a value that is not finite.

    References
    ----------
    P. Gao et al.: A theory of multineuronal dimensionality, dynamics and measurement, bioRxiv 214262, 2017. L. Song et
    al.: Feature Selection via Dependence Maximization, Journal of Machine Learning Research 13, 2012 (the unbiased Σλ²).
    """
    rows = floats("rows", rows, "(n, d)")
    n = len(rows)
    if n < 4:
        raise ValueError(f"4 rows or more are needed, not {n}")
    if not np.isfinite(rows).all():
        raise ValueError(f"rows must be finite, not {first(~np.isfinite(rows), rows)}: leave such rows out")
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
        (m - 1) / Σ log(r2 / r1) over m recordings, unbiased where density is even; NaN where m is not 2 or more.

    Raises
    ------
    ValueError
        `distances` are none (see the module), or of fewer than 3 recordings.

    References
    ----------
    E. Facco et al.: Estimating the intrinsic dimension of datasets by a minimal neighborhood information, Scientific
    Reports 7, 2017.
    """
    distances = _distances(distances)
    if len(distances) < 3:
        raise ValueError(f"3 recordings or more are needed, not {len(distances)}")
    distances = distances + np.diag(np.full(len(distances), np.inf))
    near, second = np.partition(np.where(np.isnan(distances), np.inf, distances), 1, axis=1)[:, :2].T
    usable = (near > 0) & np.isfinite(second)
    total = float(np.log(second[usable] / near[usable]).sum())
    return (int(usable.sum()) - 1) / total if total > 0 and usable.sum() > 1 else np.nan


def hill(weights: np.ndarray, order: float = 1.0) -> float:
    """Hill number of shares that sum to 1: how many equally common kinds would be as diverse (M. O. Hill, 1973).

    Raises
    ------
    ValueError
        `weights` are no such shares, or `order` is not 0 or more.
    """
    weights = floats("weights", weights, "(k,)")
    shares, order = _weights(weights, len(weights)), _order(order)
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

    Raises
    ------
    ValueError
        `similarities` are none (see the module), miss a value or are of no recording; `order` or `weights` are out of
        range.

    References
    ----------
    T. Leinster, C. A. Cobbold: Measuring diversity: the importance of species similarity, Ecology 93, 2012.
    """
    order, similarities = _order(order), _similarities(similarities, missing=False)
    shares = _weights(weights, len(similarities))
    ordinariness = (similarities @ shares)[shares > 0]
    shares = shares[shares > 0]
    if order == 1:
        return float(np.exp(-shares @ np.log(ordinariness)))
    if np.isinf(order):
        return float(1 / ordinariness.max())
    return float((shares @ ordinariness ** (order - 1)) ** (1 / (1 - order)))


def rao(distances: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Rao's quadratic entropy: expected distance of two draws with replacement (C. R. Rao, 1982). Grows with n.

    Raises
    ------
    ValueError
        `distances` are none (see the module), miss a value or are of no recording, or `weights` do not sum to 1.
    """
    distances = _distances(distances, missing=False)
    shares = _weights(weights, len(distances))
    return float(shares @ distances @ shares)


def whose(name: str, artists: Sequence[object] | np.ndarray, n: int) -> np.ndarray:
    """Number the artists of n recordings from 0; each that is unknown (None, NaN, "") has a number of its own."""
    if isinstance(artists, str) or not hasattr(artists, "__len__"):
        raise ValueError(f"{name} must be {n} names, one for each recording, not {artists!r}")
    if len(artists) != n:
        raise ValueError(f"{name} must be {n} names, one for each recording, not {len(artists)}")
    if isinstance(artists, np.ndarray) and artists.dtype.kind in "iu":
        return numbered(artists)
    return numbered([_name(artist) for artist in artists])


def _name(kind: object) -> str | None:
    """The name as text, None where it is unknown."""
    if isinstance(kind, str):
        return kind if kind.strip() else None
    text = str(kind)
    return None if text in ("None", "nan", "NaT", "<NA>") else text


def _similarities(similarities: np.ndarray, *, missing: bool = True, low: float = 0.0) -> np.ndarray:
    return _pairs("similarities", similarities, 1.0, low=low, high=1.0, missing=missing)


def _distances(distances: np.ndarray, *, missing: bool = True) -> np.ndarray:
    return _pairs("distances", distances, 0.0, missing=missing)


def _pairs(
    name: str,
    matrix: np.ndarray,
    itself: float | None,
    *,
    low: float = 0.0,
    high: float = float(np.finfo(float).max),
    missing: bool = True,
) -> np.ndarray:
    """Return a matrix of pairs as floats; refuse it where it is none.

    `itself` is what a recording is to itself, `missing` whether NaN may stand for what was not measured. Weeks are measured
    by the thousand: what is right is seen in four quick passes without a copy, and rounding is looked at only where
    something is not exactly right.
    """
    matrix = floats(name, matrix, "(n, n)")
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{name} must be shaped (n, n), not {matrix.shape}: a row and a column for each recording")
    if not missing:
        if not len(matrix):
            raise ValueError(f"{name} must be of one recording or more, not {matrix.shape}")
        if not (known := np.isfinite(matrix)).all():
            raise ValueError(
                f"{name} must hold no NaN, but holds {first(~known, matrix)}: leave out recordings that were not measured"
            )
    own = matrix.diagonal()
    if itself is not None and (own != itself).any():
        # Distances that come of products are roots of differences: what is rounding is rounding of their squares.
        if itself:
            wrong = np.abs(own - itself) > ROUNDING
        else:
            wrong = own**2 > ROUNDING * np.fmax.reduce(np.abs(matrix), axis=None) ** 2
        if wrong.any():
            place = int(wrong.argmax())
            hint = "`kernel` makes similarities of distances" if itself else "are these similarities?"
            raise ValueError(
                f"{name} must be {itself:g} on the diagonal, between a recording and itself, not {own[place]:.6g} "
                f"(row {place}, column {place}): {hint}"
            )
    if (wrong := matrix < low - ROUNDING).any() or (wrong := matrix > high + ROUNDING).any():
        bounds = f"lie between {low:g} and {high:g}" if itself else "be finite and 0 or more"
        raise ValueError(f"{name} must {bounds}, not {first(wrong, matrix)}")
    if (matrix != matrix.T).any():
        gaps, uneven = np.isnan(matrix), np.abs(matrix - matrix.T)
        if itself == 0:
            uneven *= matrix + matrix.T
        wrong = uneven > ROUNDING * np.fmax.reduce(np.abs(matrix), axis=None) ** (2 if itself == 0 else 1)
        wrong |= gaps != gaps.T
        if wrong.any():
            one, other = np.unravel_index(int(wrong.argmax()), wrong.shape)
            raise ValueError(
                f"{name} must be the same both ways, not {matrix[one, other]:.9g} (row {one}, column {other}) and "
                f"{matrix[other, one]:.9g} (row {other}, column {one}): (m + m.T) / 2 takes the mean of the two"
            )
    return matrix


def _order(order: float) -> float:
    if not (real(order) and order >= 0):
        raise ValueError(f"order must be 0 or more, not {order}")
    # At 1 the formulas are limits: nearer than this, rounding is all that is left of them.
    return 1.0 if abs(order - 1) < 1e-8 else order


def _weights(weights: np.ndarray | None, n: int) -> np.ndarray:
    if weights is None:
        return np.full(n, 1 / n)
    weights = floats("weights", weights)
    if weights.shape != (n,) or not (weights >= 0).all() or abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"weights must be {n} shares of 0 or more that sum to 1, not {weights.size} from {np.min(weights, initial=np.inf):.6g} "
            f"that sum to {weights.sum():.6g}"
        )
    return weights


def _hill_of_eigenvalues(eigenvalues: np.ndarray, order: float) -> float:
    # What is nothing but rounding would count as a kind of its own at order 0.
    kept = np.where(eigenvalues > 1e-12, eigenvalues, 0)
    if kept.sum() > 1 + 1e-6:
        raise ValueError(
            f"similarities must be positive semidefinite, but their least eigenvalue is {eigenvalues.min():.3g}, of a sum of "
            "1: leave out recordings that miss descriptors, or take `order2_diversity`, which needs no eigenvalues"
        )
    return hill(kept, order)


def _counts(counts: np.ndarray) -> np.ndarray:
    counts = floats("counts", counts, "(k,)")
    if (wrong := ~((counts == np.floor(counts)) & (counts >= 0) & (counts < np.inf))).any():
        raise ValueError(f"counts must be whole numbers, 0 or more, not {first(wrong, counts)}")
    if not counts.sum():
        raise ValueError(f"counts must be of at least one entry, not {len(counts)} counts that sum to 0")
    return counts[counts > 0].astype(int)


def _log_choose(n: np.ndarray | int, k: np.ndarray | int) -> np.ndarray:
    """Logarithm of how many ways there are to choose k of n; -inf where there is none."""
    from scipy.special import gammaln

    n, k = np.asarray(n, dtype=float), np.asarray(k, dtype=float)
    possible = (k >= 0) & (k <= n)
    n, k = np.where(possible, n, 0), np.where(possible, k, 0)
    return np.where(possible, gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), -np.inf)
