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

from collections.abc import Sequence
from typing import Any

import numpy as np

from .estimates import Estimate, bootstrap_interval, mean_over_pairs, square


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
    return mean_over_pairs(square(distances))


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
        return float(np.reciprocal(mean_over_pairs(square(similarities) ** 2)))


def estimate_distance(distances: np.ndarray, artists: Sequence[object] | np.ndarray, **options: Any) -> Estimate:
    """`mean_pairwise_distance` with its interval; `options` as for `bootstrap_interval`."""
    return bootstrap_interval(distances, artists, **options)


def estimate_order2(similarities: np.ndarray, artists: Sequence[object] | np.ndarray, **options: Any) -> Estimate:
    """`order2_diversity` with its interval; `options` as for `bootstrap_interval`."""
    return bootstrap_interval(np.asarray(similarities, float) ** 2, artists, statistic=np.reciprocal, **options)


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
    if weights.shape != (n,) or (weights < 0).any() or abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"weights must be {n} shares that sum to 1, not {weights.size} that sum to {weights.sum():.6g}"
        )
    return weights
