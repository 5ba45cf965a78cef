"""How varied a set of recordings is, in numbers that may be compared between sets of different size.

Conventions: n recordings; descriptors are rows (n, d); distances (n, n) are symmetric with a zero diagonal; similarities
(n, n) lie in [0, 1] with a unit diagonal; NaN means not measured. Nothing here is computed from the set itself that would
change its scale: the space is fixed by a reference, the kernel by a constant, so a trend over weeks is a trend in the music.

Two measures make headlines, because their expectation does not depend on n:

* mean pairwise distance: how far two different recordings of the chart lie apart. 1 is the reference.
* diversity of order 2, 1 / mean of K² over pairs of different recordings: how many equally common and wholly different
  kinds of sound would meet each other as rarely.

The others (Vendi score, Leinster-Cobbold, Hill, Rao) include each recording's likeness to itself and so grow with n;
they describe one set, or sets rarefied to the same n.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

KERNEL_SCALE = 0.5**0.5
"""Scale of the similarity: recordings as far apart as two of the reference usually are (1) are 1/e alike."""

Z_LIMIT = 5.0
"""Standard scores beyond this count as this: one broken descriptor must not outweigh a song."""


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


def fit_space(reference: pd.DataFrame, *, limit: float = Z_LIMIT) -> Space:
    """Fix the scale of every descriptor on a reference.

    Parameters
    ----------
    reference : pandas.DataFrame, shape (n, d)
        Descriptors, the columns named ``family.something``. Missing values are skipped.
    limit : float
        Standard scores are clipped to this.

    Returns
    -------
    Space
        Medians, and interquartile ranges as standard deviations of a Gaussian. Where half of the reference shares one
        value the standard deviation takes the place of the range; a descriptor that does not vary is left out.

    Raises
    ------
    ValueError
        A column belongs to no family, or none varies.
    """
    names, centers, scales = [], [], []
    for name in map(str, reference.columns):
        if "." not in name.strip("."):
            raise ValueError(f"column {name!r} names no family: descriptors are named family.something")
        values = reference[name].to_numpy(dtype=float, na_value=np.nan)
        values = values[np.isfinite(values)]
        if values.size < 2:
            continue
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        scale = (high - low) / 1.3489795 or values.std()
        if scale > 0:
            names.append(name)
            centers.append(middle)
            scales.append(scale)
    if not names:
        raise ValueError(f"none of the {reference.shape[1]} columns varies over the {len(reference)} rows given")
    return Space(tuple(names), np.array(centers), np.array(scales), limit)


def kernel(distances: np.ndarray, scale: float = KERNEL_SCALE) -> np.ndarray:
    """Similarities exp(-(d/scale)²/2) of any array of distances: 1 at no distance, 0 far away. NaN stays NaN."""
    if not scale > 0:
        raise ValueError(f"scale must be more than 0, not {scale}")
    return np.exp(-0.5 * (np.asarray(distances, dtype=float) / scale) ** 2)


def mean_pairwise_distance(distances: np.ndarray) -> float:
    """Mean distance of two different recordings; unmeasured pairs are skipped, NaN where none is left.

    Parameters
    ----------
    distances : numpy.ndarray, shape (n, n)

    Returns
    -------
    float
        0 or more, in the distance's unit; unbiased whatever n.
    """
    return _mean_over_pairs(_square(distances))


def order2_diversity(similarities: np.ndarray) -> float:
    """Effective number of kinds, from pairs of different recordings only.

    Parameters
    ----------
    similarities : numpy.ndarray, shape (n, n)

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
        return float(np.reciprocal(_mean_over_pairs(_square(similarities) ** 2)))


def estimate_distance(distances: np.ndarray, artists: Sequence[object] | np.ndarray, **options: Any) -> Estimate:
    """`mean_pairwise_distance` with its interval; `options` as for `bootstrap_interval`."""
    return bootstrap_interval(distances, artists, **options)


def estimate_order2(similarities: np.ndarray, artists: Sequence[object] | np.ndarray, **options: Any) -> Estimate:
    """`order2_diversity` with its interval; `options` as for `bootstrap_interval`."""
    return bootstrap_interval(np.asarray(similarities, float) ** 2, artists, statistic=np.reciprocal, **options)


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

    pairs = _square(pairs)
    n = len(pairs)
    if len(artists) != n:
        raise ValueError(f"artists must be as many as recordings: {len(artists)} artists, {n} recordings")
    if replicates < 100:
        raise ValueError(f"replicates must be 100 or more, not {replicates}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    mean = _mean_over_pairs(pairs)
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
    similarities = _square(similarities)
    root = np.sqrt(_weights(weights, len(similarities)))
    eigenvalues = np.linalg.eigvalsh(similarities * np.outer(root, root))
    # What is nothing but rounding would count as a kind of its own at order 0.
    return hill(np.where(eigenvalues > 1e-12, eigenvalues, 0), order)


def hill(weights: np.ndarray, order: float = 1.0) -> float:
    """Hill number of shares that sum to 1: how many equally common kinds would be as diverse (M. O. Hill, 1973)."""
    return leinster_cobbold(np.eye(len(weights)), order, weights)


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
    similarities = _square(similarities)
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
    distances = _square(distances)
    shares = _weights(weights, len(distances))
    return float(shares @ distances @ shares)


@dataclass(frozen=True)
class Space:
    """Where recordings lie to each other, on scales fixed once by a reference.

    Attributes
    ----------
    names : tuple of str, length d
        Descriptors, ``family.something``; a row's columns in this order.
    centers, scales : numpy.ndarray, shape (d,)
        Median and robust standard deviation of each in the reference.
    limit : float
        Standard scores are clipped to ± this.
    """

    names: tuple[str, ...]
    centers: np.ndarray
    scales: np.ndarray
    limit: float = Z_LIMIT

    def __post_init__(self):
        if not len(self.names) == len(self.centers) == len(self.scales):
            raise ValueError(
                f"as many names, centers and scales are needed: {len(self.names)}, {len(self.centers)}, {len(self.scales)}"
            )

    def standardize(self, rows: np.ndarray | pd.DataFrame) -> np.ndarray:
        """Clipped standard scores, (n, d).

        Parameters
        ----------
        rows : numpy.ndarray (n, d) or pandas.DataFrame
            An array has the columns of `names` in their order; a frame is searched for them, and may hold more.

        Returns
        -------
        numpy.ndarray, shape (n, d)
            NaN where a value is missing or not finite.

        Raises
        ------
        ValueError
            A column is missing.
        """
        if not isinstance(rows, np.ndarray):
            missing = [name for name in self.names if name not in rows.columns]
            if missing:
                raise ValueError(f"{len(missing)} of {len(self.names)} descriptors are missing, first {missing[0]!r}")
            rows = rows[list(self.names)].to_numpy(dtype=float, na_value=np.nan)
        values = np.asarray(rows, dtype=float)
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise ValueError(f"rows must be shaped (n, {len(self.names)}), not {values.shape}")
        values = np.where(np.isfinite(values), values, np.nan)
        return np.clip((values - self.centers) / self.scales, -self.limit, self.limit)

    def distances(self, rows: np.ndarray | pd.DataFrame, others: np.ndarray | pd.DataFrame | None = None) -> np.ndarray:
        """Distance of every row to every row, or to every one of `others`.

        Parameters
        ----------
        rows, others : numpy.ndarray (n, d), (m, d) or pandas.DataFrame
            See `standardize`.

        Returns
        -------
        numpy.ndarray, shape (n, n) or (n, m)
            Root of half the squared difference of standard scores, averaged first within each family over the
            descriptors that both rows have, then over the families that both have: forty spectral numbers weigh what
            one tempo weighs. Two independent draws from a Gaussian reference are 1 apart in mean square; at most
            limit·√2. NaN where two rows share no descriptor.
        """
        left = self.standardize(rows)
        right = left if others is None else self.standardize(others)
        total, shared = np.zeros((len(left), len(right))), np.zeros((len(left), len(right)))
        families = np.array([name.split(".", 1)[0] for name in self.names])
        for family in np.unique(families):
            squares, count = _squared_differences(left[:, families == family], right[:, families == family])
            total += np.divide(squares, count, out=np.zeros_like(total), where=count > 0)
            shared += count > 0
        total = np.divide(total, 2 * shared, out=np.full_like(total, np.nan), where=shared > 0)
        total[total < 1e-12] = 0  # the rounding of a difference of large products: these rows are equal
        return np.sqrt(total)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return {
            "names": list(self.names),
            "centers": np.asarray(self.centers, float).tolist(),
            "scales": np.asarray(self.scales, float).tolist(),
            "limit": float(self.limit),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Space:
        """What `to_dict` gave."""
        centers, scales = (np.array(plain[key], dtype=float) for key in ("centers", "scales"))
        return cls(tuple(plain["names"]), centers, scales, float(plain["limit"]))


def _squared_differences(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squared differences over the columns that both rows have, and how many those are; both (n, m)."""
    has_left, has_right = (np.isfinite(z).astype(float) for z in (left, right))
    left, right = np.nan_to_num(left), np.nan_to_num(right)
    squares = (left**2) @ has_right.T + has_left @ (right**2).T - 2 * left @ right.T
    return squares, has_left @ has_right.T


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


def _mean_over_pairs(pairs: np.ndarray) -> float:
    values = pairs[~np.eye(len(pairs), dtype=bool)]
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else np.nan


def _square(matrix: np.ndarray) -> np.ndarray:
    matrix = np.asarray(matrix, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a matrix of pairs must be shaped (n, n), not {matrix.shape}")
    return matrix


def _weights(weights: np.ndarray | None, n: int) -> np.ndarray:
    if weights is None:
        return np.full(n, 1 / n)
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (n,) or (weights < 0).any() or abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"weights must be {n} shares that sum to 1, not {weights.size} that sum to {weights.sum():.6g}"
        )
    return weights
