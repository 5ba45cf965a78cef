"""Two groups of recordings, or more, held against each other: AI and human tracks of a chart, say.

Conventions: descriptors or embeddings are rows (n, d), distances (n, n) are symmetric with a zero diagonal; nothing is
missing. Three questions, each with its own functions:

* do both lie in the same place: `permanova`, `frechet_distance`, `kernel_distance`;
* is one spread less than the other: `permdisp`;
* does one reach all that the other does: `density_coverage`. Do genres keep apart: `separation_ratio`.

What a classifier's errors make of the answers, `misjudged` tells.

Pairs of n recordings are not n(n-1)/2 independent numbers, and one artist's recordings are not independent either. The
tests permute recordings, never pairs, only within a stratum (the same genre and week), and whole clusters (all tracks of
an artist); intervals leave out whole clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .estimates import Estimate, estimate_mean, estimate_share, square
from .share import draw_labels
from .space import check_level, whole

BLOCK = 2**23
"""Pairs of rows held in memory at once."""

Labels = Sequence[object] | np.ndarray


@dataclass(frozen=True)
class GroupTest:
    """What a permutation test of groups found.

    Attributes
    ----------
    f, p : float
        Its F and the permutation p; NaN where nothing was permuted.
    n : int
        Recordings compared.
    method : str
        How, and which null hypothesis `p` tests.
    """

    f: float
    p: float
    n: int
    method: str


@dataclass(frozen=True)
class Dispersion(GroupTest):
    """How far recordings lie from the centre of their own group; what `GroupTest` has, F being Anderson's, and more.

    Attributes
    ----------
    mean : dict of str to Estimate
        Each group's mean distance to its centre, in the distance's unit.
    difference, ratio : dict of str to Estimate
        Each other group's mean less, and divided by, that of the reference, strata weighted alike for both.
    distances : numpy.ndarray, shape (n,)
        Each recording's; NaN where it was left out.
    """

    mean: dict[str, Estimate]
    difference: dict[str, Estimate]
    ratio: dict[str, Estimate]
    distances: np.ndarray


@dataclass(frozen=True)
class Location(GroupTest):
    """Whether groups lie in the same place; what `GroupTest` has, F being the pseudo-F, and more.

    Attributes
    ----------
    r2 : float
        Share of the squared distances within strata that goes with the group.
    expected : float
        What it is in the mean over the permutations: more than 0, and the more the fewer recordings there are.
    """

    r2: float
    expected: float


@dataclass(frozen=True)
class Overlap:
    """How far two groups of recordings reach the same sounds; intervals take the other group as given.

    Attributes
    ----------
    precision, recall : Estimate
        Share of the fake that lie among the real, of the real that lie among the fake.
    density : Estimate
        How thickly the real lie about the fake: 1 for equal distributions, no upper bound.
    coverage : Estimate
        Share of the real with a fake nearer than their k-th neighbour.
    expected, p : dict of str to float
        For each of the four, what it would be if the groups were of one distribution, and the two-sided p of that.
        NaN where nothing was permuted.
    method : str
        How these two were found, or why not.
    """

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate
    expected: dict[str, float]
    p: dict[str, float]
    method: str


@dataclass(frozen=True)
class Separation:
    """How far genres keep apart, against how far recordings lie apart within one.

    Attributes
    ----------
    between, within, ratio : float
        Mean distance of two genres' centroids, of two recordings of one genre, and their ratio. The first grows as
        recordings get fewer: a centroid of few is never quite where its genre is.
    corrected : Estimate
        Root of the ratio of mean squared distances, without that bias; 0 where genres do not differ.
    """

    between: float
    within: float
    ratio: float
    corrected: Estimate


def frechet_distance(left: np.ndarray, right: np.ndarray) -> float:
    """Fréchet distance of two groups, each taken as a Gaussian: ‖Δμ‖² + Tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½).

    Parameters
    ----------
    left, right : numpy.ndarray, shapes (n, d), (m, d)
        2 rows or more each; d may exceed n.

    Returns
    -------
    float
        0 or more, in squared units of the rows; 0 for equal groups, ‖δ‖² for groups that differ by a shift δ.

    Notes
    -----
    It grows as groups get smaller, by about 1/n, and is not to be compared between groups of different size. There
    `kernel_distance` serves, which is unbiased (or a line through values at several 1/n, read at 0: Gui et al. 2024).
    The last trace is the sum of the singular values of the product of both groups' centred rows: no root of a matrix is
    taken, so nothing imaginary or cancelled appears where covariances are singular.

    References
    ----------
    D. C. Dowson, B. V. Landau: The Fréchet distance between multivariate normal distributions, Journal of Multivariate
    Analysis 12, 1982. K. Kilgour et al.: Fréchet Audio Distance, Interspeech 2019. A. Gui et al.: Adapting Fréchet Audio
    Distance for Generative Music Evaluation, ICASSP 2024.
    """
    left, right = _rows(left, right)
    shift = left.mean(axis=0) - right.mean(axis=0)
    halves = [(rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1) for rows in (left, right)]
    spread = sum(float((half**2).sum()) for half in halves)
    # A tall factor may be turned into a square one: R'R = X'X.
    halves = [np.linalg.qr(half)[1] if half.shape[0] > half.shape[1] else half for half in halves]
    shared = float(np.linalg.svd(halves[0] @ halves[1].T, compute_uv=False).sum())
    return max(0.0, float(shift @ shift) + spread - 2 * shared)


def kernel_distance(
    left: np.ndarray,
    right: np.ndarray,
    *,
    distances: np.ndarray | None = None,
    clusters: tuple[Labels, Labels] | None = None,
    bandwidth: float | None = None,
    level: float = 0.95,
) -> Estimate:
    """Kernel distance of two groups (KAD): 100 times the unbiased squared maximum mean discrepancy.

    Parameters
    ----------
    left, right : numpy.ndarray, shapes (n, d), (m, d)
        The reference and the group held against it. With `distances`, whole numbers (n,), (m,): which of its rows.
    distances : numpy.ndarray, shape (N, N), optional
        Default: Euclidean.
    clusters : two sequences of length n and m, optional
        Whose each recording is: pairs of one artist's recordings are left out. Default: each its own.
    bandwidth : float, optional
        Of the kernel exp(-d²/2b²). Default: median distance of two of the reference, of 2,000 of them where it has
        more. Fix it where several groups are compared.
    level : float
        Coverage aimed at.

    Returns
    -------
    Estimate
        0 in the mean for equal distributions, whatever n and m; single values may be negative. Memory grows with n + m.
        The interval is of the jackknife by cluster, Student's; it is wide rather than narrow near 0.

    References
    ----------
    A. Gretton et al.: A Kernel Two-Sample Test, Journal of Machine Learning Research 13, 2012. Y. Chung et al.: KAD: No
    More FAD! An Effective and Efficient Evaluation Metric for Audio Generation, ICML 2025. J. N. Arvesen: Jackknifing
    U-statistics, Annals of Mathematical Statistics 40, 1969.
    """
    _check_options(level)
    left, right = _rows(left, right, distances)
    if bandwidth is None:
        some = left
        if len(left) > 2000:
            some = left[np.random.default_rng(0).choice(len(left), 2000, replace=False)]
        squares = np.concatenate([block for _, block in _blocks(some, some, distances)])
        bandwidth = float(np.median(np.sqrt(squares[np.triu_indices(len(some), 1)])))
    if not 0 < bandwidth < np.inf:
        raise ValueError(f"bandwidth must be more than 0, not {bandwidth}")
    both = np.concatenate([left, right])
    group = np.repeat([0, 1], [len(left), len(right)])
    cluster = _owners(clusters, len(left), len(right))[1]
    kernels = ((part, np.exp(-block / (2 * bandwidth**2))) for part, block in _blocks(both, both, distances))
    estimate = _jackknife(
        kernels,
        group,
        cluster,
        lambda means: 100 * (means[..., 0, 0] + means[..., 1, 1] - 2 * means[..., 0, 1]),
        level,
    )
    method = f"unbiased MMD² × 100, Gaussian kernel of bandwidth {bandwidth:.4g}, {estimate.method}"
    return Estimate(estimate.value, estimate.low, estimate.high, estimate.n, method)


def density_coverage(
    real: np.ndarray,
    fake: np.ndarray,
    k: int = 5,
    *,
    distances: np.ndarray | None = None,
    strata: tuple[Labels, Labels] | None = None,
    clusters: tuple[Labels, Labels] | None = None,
    permutations: int = 0,
    seed: int = 0,
    level: float = 0.95,
) -> Overlap:
    """Precision, recall, density and coverage of one group by another, from the k nearest neighbours.

    Parameters
    ----------
    real, fake : numpy.ndarray, shapes (n, d), (m, d)
        The reference and the group held against it, more than k each. With `distances`, whole numbers (n,), (m,): which
        of its rows.
    k : int
        A recording's ball reaches to the k-th nearest other one of its group.
    distances : numpy.ndarray, shape (N, N), optional
        Default: Euclidean.
    strata : two sequences of length n and m, optional
        Expected values come from exchanging labels among recordings of the same stratum only, such as genre and week.
    clusters : two sequences of length n and m, optional
        Whose each recording is: labels go to whole clusters, and intervals know of them. Default: each its own.
    permutations : int
        How many; 0: no expected values. With them memory grows with (n + m)².
    seed : int
        The same seed gives the same expected values.
    level : float
        Coverage aimed at by the intervals.

    Returns
    -------
    Overlap

    Raises
    ------
    ValueError
        A group has k recordings or fewer, a value is missing, or a cluster to be permuted is of both groups.

    Notes
    -----
    All four depend on n, m and k: hold them against `expected`, not against 1 or against groups of another size. Labels
    are exchanged among clusters that have as many recordings in the same strata, so that n and m stay what they are;
    recordings without such a counterpart keep their label, and `method` counts those that do not. Without strata and
    clusters `expected` estimates, of density, 1, and of coverage, 1 - Π (n-1-j) / (n+m-1-j) over j < k, whatever the
    distances are. p is twice the share of permutations beyond the value on its rarer side, the value itself among them.

    In 200 simulations each of equal distributions, with 5 neighbours, AI artists having fewer tracks than human ones,
    as many or more, .05 came out as 0 to .06 (of precision, which has few possible values, as 0 to .02). Had labels
    been exchanged among clusters of any size, coverage had come out as up to .73: an artist's own tracks keep its balls
    small.

    References
    ----------
    M. F. Naeem et al.: Reliable Fidelity and Diversity Metrics for Generative Models, ICML 2020 (with the two closed
    forms). T. Kynkäänniemi et al.: Improved Precision and Recall Metric for Assessing Generative Models, NeurIPS 2019
    (the first two). A. M. Winkler et al.: Multi-level block permutation, NeuroImage 123, 2015 (clusters of one size).
    """
    _check_options(level, permutations)
    real, fake = _rows(real, fake, distances)
    n, m = len(real), len(fake)
    k = whole("k", k)
    if not 1 <= k < min(n, m):
        raise ValueError(f"k must be 1 or more and less than both groups, {n} and {m}, not {k}")
    radius, radius_fake = (_radii(rows, k, distances) for rows in (real, fake))
    covered, recalled = np.empty(n, dtype=bool), np.empty(n, dtype=bool)
    balls = np.zeros(m)
    for part, block in _blocks(real, fake, distances):
        inside = block <= radius[part, None]
        covered[part], recalled[part] = inside.any(axis=1), (block <= radius_fake).any(axis=1)
        balls += inside.sum(axis=0)
    owners, owner = _owners(clusters, n, m)
    of_real, of_fake = owner[:n], owner[n:]
    found = {
        "precision": estimate_share(balls > 0, of_fake, level=level),
        "recall": estimate_share(recalled, of_real, level=level),
        "density": estimate_mean(balls / k, of_fake, level=level),
        "coverage": estimate_share(covered, of_real, level=level),
    }
    if not permutations:
        unknown = dict.fromkeys(found, np.nan)
        return Overlap(**found, expected=unknown, p=unknown, method="no expected values: 0 permutations")
    label, stratum = np.repeat([0, 1], [n, m]), np.zeros(n + m, dtype=int)
    if strata is not None:
        stratum = _codes(_joined(strata, n, m, "strata"), n + m, "strata")[1]
    _refuse_mixed(["real", "fake"], owners, label, owner)
    both = np.concatenate([real, fake])
    squares = np.concatenate([block for _, block in _blocks(both, both, distances)])
    values, method = _permuted_overlaps(squares, label, stratum, owner, k, permutations, seed)
    return Overlap(
        **found,
        expected=dict(zip(found, values[1:].mean(axis=0).tolist(), strict=True)),
        p=dict(zip(found, _two_sided(values), strict=True)),
        method=method,
    )


@dataclass(frozen=True)
class Misjudged:
    """How many recordings stand in the wrong group because the classifier that named their kind errs.

    Attributes
    ----------
    flagged, passed : Estimate
        Share of the flagged that are human, and of the others that are AI.
    kept : Estimate
        1 less both: what errors leave of a difference.
    """

    flagged: Estimate
    passed: Estimate
    kept: Estimate


def misjudged(
    flagged: np.ndarray,
    *,
    sensitivity: tuple[float, float],
    specificity: tuple[float, float],
    draws: int = 4000,
    seed: int = 0,
    level: float = 0.95,
) -> Misjudged:
    """Tell how far a classifier's errors hide what differs between the groups that it names.

    Parameters
    ----------
    flagged : numpy.ndarray of bool, shape (n,)
        What it says of each recording.
    sensitivity, specificity
        As for `share.ai_share`.
    draws, seed
        As for `share.draw_labels`.
    level : float
        Coverage aimed at.

    Returns
    -------
    Misjudged
        Means and equal tails of the census posterior; NaN for a group that nothing is in.

    Notes
    -----
    With shares a and b in the wrong group each group is a mixture, (1-a) AI + a human and b AI + (1-b) human, as long
    as errors do not go by sound among recordings of one kind. Then a difference of two means of something that each
    recording has is 1 - a - b times what it would be, and the squared distance of two distributions (`kernel_distance`,
    `permanova`) the square of that times. A group's spread also grows by the strangers in it, who lie about another
    centre: with few of them by little, and either way. Tests keep their level, as there is nothing to hide where
    nothing differs; they lose power. A classifier that goes by sound makes other errors: human recordings that it flags
    may be those that sound like AI. By so much groups come out further apart than they are, and no number here says by
    how much.

    References
    ----------
    I. Bross: Misclassification in 2 x 2 tables, Biometrics 10, 1954.
    """
    _check_options(level)
    labels = draw_labels(flagged, sensitivity=sensitivity, specificity=specificity, draws=draws, seed=seed)
    flagged = np.asarray(flagged, dtype=bool)
    parts = [(~labels[:, flagged]).mean(axis=1)] if flagged.any() else [np.full(draws, np.nan)]
    parts += [labels[:, ~flagged].mean(axis=1)] if not flagged.all() else [np.full(draws, np.nan)]
    method = f"census posterior, {draws} draws, seed {seed}, equal tails, {level:.4g}"
    estimates = []
    for values, n in zip(
        (*parts, 1 - parts[0] - parts[1]), (flagged.sum(), (~flagged).sum(), len(flagged)), strict=True
    ):
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        value = float(values.mean())
        estimates.append(Estimate(value, min(float(low), value), max(float(high), value), int(n), method))
    return Misjudged(*estimates)


def permdisp(
    distances: np.ndarray,
    groups: Labels,
    *,
    strata: Labels | None = None,
    clusters: Labels | None = None,
    center: str = "median",
    reference: object = None,
    adjust: bool = True,
    permutations: int = 999,
    seed: int = 0,
    level: float = 0.95,
) -> Dispersion:
    """Test whether groups are equally spread about their own centres (PERMDISP).

    Parameters
    ----------
    distances : numpy.ndarray, shape (n, n)
        Need not be Euclidean.
    groups : sequence of length n
    strata : sequence of length n, optional
        Recordings are only compared with those of the same stratum, such as genre and week; each group has a centre in
        each. A group with fewer than two clusters in a stratum has no spread there and is left out of it, and strata
        with fewer than two groups are left out.
    clusters : sequence of length n, optional
        Whose each recording is: a cluster's keep together. Default: each its own.
    center : {"median", "centroid"}
        The spatial median is less moved by single outlying recordings.
    reference : object, optional
        The group others are compared with. Default: the first by name.
    adjust : bool
        Undo that a centre lies nearest to the recordings it was found from, the nearer the fewer they or their artists
        are (False: Anderson's F as published).
    permutations : int
        0: no p.
    seed : int
        The same seed gives the same p.
    level : float
        Coverage aimed at by the intervals.

    Returns
    -------
    Dispersion

    Raises
    ------
    ValueError
        A distance is missing, a cluster is of several groups, or nothing can be permuted.

    Notes
    -----
    Null hypothesis: within each stratum, distances of recordings to the centre of their own group are distributed
    alike in all groups, wherever those centres lie. A recording counts once, with its one distance, and not with all
    its pairs. Distances less their stratum's mean are exchanged between groups, cluster by cluster, among clusters that
    appear in the same strata. F compares groups after strata; p is of F, or where `clusters` are given of what groups
    explain over what they would if only clusters were independent (the square of a t with errors by cluster), as those
    of many recordings and of one are not wholly exchangeable. In 300 simulations each, .05 came out as .04 to .07 with
    eight clusters or more in each cell, and as .09 with four clusters of five against thirty of one.

    In principal coordinates of a stratum Δ+ and Δ- are a recording's distances to its centre over those of positive and
    of negative eigenvalue; its distance is √|Δ+² - Δ-²|. `adjust` divides by √(1 - (1 + ρ(Σm²/n - 1))/n) for clusters of
    m among a group's n recordings; ρ, how alike recordings of one cluster are, is taken from all cells together.
    Intervals are by linearisation, with errors that know of clusters and Student's t at as many degrees of freedom as
    clusters less cells.

    References
    ----------
    M. J. Anderson: Distance-based tests for homogeneity of multivariate dispersions, Biometrics 62, 2006. M. E. O'Neill,
    K. Mathews: A weighted least squares approach to Levene's test of homogeneity of variance, Australian & New Zealand
    Journal of Statistics 42, 2000 (the adjustment, for independent recordings). M. J. Anderson, D. C. I. Walsh:
    PERMANOVA, ANOSIM, and the Mantel test in the face of heterogeneous dispersions, Ecological Monographs 83, 2013.
    A. M. Winkler et al.: Permutation inference for the general linear model, NeuroImage 92, 2014; Multi-level block
    permutation, NeuroImage 123, 2015.
    """
    _check_options(level, permutations)
    squares = _squares(distances)
    n = len(squares)
    names, group, stratum, cluster = _design(n, groups, strata, clusters)
    if center not in ("median", "centroid"):
        raise ValueError(f"center must be 'median' or 'centroid', not {center!r}")
    if reference is not None and str(reference) not in names:
        raise ValueError(f"reference {reference!r} is no group: groups are {', '.join(names)}")
    cell = stratum * len(names) + group
    used = _per(cell, cluster)[cell] >= 2
    used &= _per(stratum[used], group[used], stratum.max() + 1)[stratum] >= 2
    if not used.any():
        raise ValueError("no stratum has two groups of two clusters each: no spreads to compare")
    spread = np.full(n, np.nan)
    for one in np.unique(stratum[used]):
        here = np.flatnonzero(used & (stratum == one))
        spread[here] = _to_centers(squares[np.ix_(here, here)], group[here], center)
    if adjust:
        spread[used] *= _adjustment(squares, cell, cluster, used)[cell[used]]
    kept, group, stratum, cluster = spread[used], group[used], stratum[used], cluster[used]
    off = kept - _means(kept, stratum)[stratum]

    found = _test(np.outer(off, off), group, stratum, cluster, clusters is not None, permutations, seed)
    base = names.index(str(reference)) if reference is not None else int(group.min())
    contrasts = {
        names[g]: _contrast(kept, group, stratum, cluster, g, base, level) for g in np.unique(group) if g != base
    }
    return Dispersion(
        f=found.f,
        p=found.p,
        n=int(used.sum()),
        method=f"PERMDISP, {center}; null: equal spread about own centres; {found.how}",
        mean={names[g]: estimate_mean(kept[group == g], cluster[group == g], level=level) for g in np.unique(group)},
        difference={name: both[0] for name, both in contrasts.items()},
        ratio={name: both[1] for name, both in contrasts.items()},
        distances=spread,
    )


def permanova(
    distances: np.ndarray,
    groups: Labels,
    *,
    strata: Labels | None = None,
    clusters: Labels | None = None,
    permutations: int = 999,
    seed: int = 0,
) -> Location:
    """Test whether groups lie in the same place (PERMANOVA).

    Parameters
    ----------
    distances : numpy.ndarray, shape (n, n)
        Need not be Euclidean.
    groups : sequence of length n
    strata, clusters : sequences of length n, optional
        As for `permdisp`; a stratum of one group says nothing and is left out.
    permutations, seed : int
        As for `permdisp`.

    Returns
    -------
    Location

    Raises
    ------
    ValueError
        A distance is missing, a cluster is of several groups, or nothing can be permuted.

    Notes
    -----
    Null hypothesis: within each stratum, clusters of all groups are draws of one distribution. A group that is smaller
    and spread more is told apart by its spread too, even about the same centre: look at `permdisp` beside it.

    References
    ----------
    M. J. Anderson: A new method for non-parametric multivariate analysis of variance, Austral Ecology 26, 2001.
    B. H. McArdle, M. J. Anderson: Fitting multivariate models to community data, Ecology 82, 2001 (strata as terms of
    the model). Restricted permutations, and p with clusters, as for `permdisp`.
    """
    _check_options(permutations=permutations)
    squares = _squares(distances)
    names, group, stratum, cluster = _design(len(squares), groups, strata, clusters)
    used = _per(stratum, group)[stratum] >= 2
    if not used.any():
        raise ValueError(f"no stratum has two of the groups {', '.join(names)}: nothing to compare")
    group, stratum, cluster = group[used], stratum[used], cluster[used]
    inner = -0.5 * squares[np.ix_(used, used)]
    # Rows, then columns, less the mean of their stratum: inner products about the strata's centroids.
    for _ in range(2):
        inner = inner.T - _means(inner.T, stratum)[stratum]

    found = _test(inner, group, stratum, cluster, clusters is not None, permutations, seed)
    method = f"PERMANOVA; null: one distribution in each stratum; {found.how}"
    return Location(found.f, found.p, len(group), method, found.r2, found.expected)


def separation_ratio(
    distances: np.ndarray, genres: Labels, *, clusters: Labels | None = None, level: float = 0.95
) -> Separation:
    """How far apart a system's genres lie, against how far its recordings lie apart within one.

    Parameters
    ----------
    distances : numpy.ndarray, shape (n, n)
        Euclidean.
    genres : sequence of length n
        2 genres or more, of 2 recordings or more.
    clusters : sequence of length n, optional
        Whose each recording is: the corrected ratio leaves out pairs of one artist's. Default: each its own.
    level : float
        Coverage aimed at by the interval of the corrected ratio, a jackknife by cluster.

    Returns
    -------
    Separation

    References
    ----------
    The first three are those of arXiv 2608.06106, whose tables they reproduce; all four rest on the decomposition of
    squared distances in J. C. Gower, W. J. Krzanowski: Analysis of distance for structured multivariate data, Applied
    Statistics 48, 1999.
    """
    _check_options(level)
    squares = _squares(distances)
    n = len(squares)
    names, genre = _codes(genres, n, "genres")
    count = np.bincount(genre)
    if len(names) < 2 or count.min() < 2:
        raise ValueError(
            f"two genres of two recordings are needed, not {dict(zip(names, count.tolist(), strict=True))}"
        )
    cluster = np.arange(n) if clusters is None else _codes(clusters, n, "clusters", alone=True)[1]
    member = np.eye(len(names))[genre]
    sums = member.T @ squares @ member
    means, own = sums / np.outer(count, count), np.diag(sums) / count**2
    pairs = np.triu_indices(len(names), 1)
    between = float(np.sqrt(np.maximum(means - (own[:, None] + own) / 2, 0))[pairs].mean())
    lengths = np.diag(member.T @ np.sqrt(squares) @ member) / (count * (count - 1))
    within = float(lengths.mean())

    def corrected(means: np.ndarray) -> np.ndarray:
        own = np.diagonal(means, axis1=-2, axis2=-1)
        apart = (means - (own[..., :, None] + own[..., None, :]) / 2)[..., pairs[0], pairs[1]].mean(axis=-1)
        return np.sqrt(np.maximum(apart, 0) / own.mean(axis=-1))

    estimate = _jackknife(iter([(slice(0, n), squares)]), genre, cluster, corrected, level)
    return Separation(between, within, between / within if within > 0 else np.nan, estimate)


class _Tested(NamedTuple):
    """F and its p, R² and its mean over permutations, and how."""

    f: float
    p: float
    r2: float
    expected: float
    how: str


def _test(
    inner: np.ndarray,
    group: np.ndarray,
    stratum: np.ndarray,
    cluster: np.ndarray,
    clustered: bool,
    permutations: int,
    seed: int,
) -> _Tested:
    """Test groups after strata, from inner products whose rows and columns sum to 0 in each stratum."""
    from scipy.sparse import csr_array

    n = len(group)
    group, stratum = (np.unique(codes, return_inverse=True)[1] for codes in (group, stratum))
    _, first, cluster = np.unique(cluster, return_index=True, return_inverse=True)
    degrees, strata = int(group.max()), int(stratum.max()) + 1
    label = group[first]
    profile = _profiles(stratum, cluster)
    if permutations and _per(profile, label).max() < 2:
        raise ValueError(
            f"nothing to permute: among the {len(first)} clusters none that appear in the same strata differ in group"
        )
    i, j = np.nonzero(cluster[:, None] == cluster)
    inside = csr_array((inner[i, j], (i, j)), shape=inner.shape)  # products within clusters
    found, robust = [], []
    for drawn in _relabelled(label, profile, permutations, seed, max(1, BLOCK // (n * degrees))):
        columns = (drawn[:, cluster].T[:, :, None] == np.arange(degrees)).astype(float)
        columns -= _means(columns, stratum)[stratum]
        weights = np.linalg.pinv(np.einsum("ipg,iph->pgh", columns, columns), hermitian=True)
        flat = columns.reshape(n, -1)
        for products, sums in ((inner, found), (inside, robust)):
            sums.append(np.einsum("ipg,iph,pgh->p", columns, (products @ flat).reshape(columns.shape), weights))
    explained, expected = np.concatenate(found), np.concatenate(robust)
    total, left = float(np.trace(inner)), n - strata - degrees
    with np.errstate(divide="ignore", invalid="ignore"):
        f = explained / degrees / (np.maximum(total - explained, 0) / left) if left > 0 else explained * np.nan
        compared = explained / expected if clustered else f
        r2 = explained / total
    p = np.nan
    if permutations and np.isfinite(compared[0]):
        p = float((compared >= compared[0] * (1 - 1e-10)).sum() / len(compared))
    how = f"{n} recordings, {permutations} permutations of {len(first)} clusters, strata: {strata}, seed {seed}"
    return _Tested(float(f[0]), p, float(r2[0]), float(r2[1:].mean()) if permutations else np.nan, how)


def _profiles(stratum: np.ndarray, cluster: np.ndarray, *, counted: bool = False) -> np.ndarray:
    """A number for each cluster, the same for those that are in the same strata (counted: with as many recordings)."""
    appears: list[list[tuple[int, int]]] = [[] for _ in range(cluster.max() + 1)]
    cells, sizes = np.unique(np.stack([cluster, stratum], axis=1), axis=0, return_counts=True)
    for (one, where), size in zip(cells.tolist(), sizes.tolist(), strict=True):
        appears[one].append((where, size if counted else 0))
    place = {of_one: i for i, of_one in enumerate(dict.fromkeys(map(tuple, appears)))}
    return np.array([place[tuple(of_one)] for of_one in appears])


def _relabelled(
    label: np.ndarray, profile: np.ndarray, permutations: int, seed: int, size: int
) -> Iterator[np.ndarray]:
    """Labels of clusters, so many permutations at a time: as they are, then exchanged among those of one profile."""
    rng = np.random.default_rng(seed)
    order = np.argsort(profile, kind="stable")
    for begin in range(0, permutations + 1, size):
        some = min(size, permutations + 1 - begin)
        drawn = np.empty((some, len(label)), dtype=int)
        # Random keys, sorted within each profile: every cluster gets the label of one that appears where it does.
        drawn[:, order] = label[np.argsort(profile + rng.random((some, len(label))), axis=1)]
        if begin == 0:
            drawn[0] = label
        yield drawn


def _permuted_overlaps(
    squares: np.ndarray,
    group: np.ndarray,
    stratum: np.ndarray,
    cluster: np.ndarray,
    k: int,
    permutations: int,
    seed: int,
) -> tuple[np.ndarray, str]:
    """Precision, recall, density, coverage as they are and in each permutation, (permutations + 1, 4), and how."""
    _, first, cluster = np.unique(cluster, return_index=True, return_inverse=True)
    label, profile = group[first], _profiles(stratum, cluster, counted=True)
    moving = (_per(profile, label) > 1)[profile][cluster]
    if not moving.any():
        why = "no clusters of both groups have as many recordings in the same strata"
        return np.full((2, 4), np.nan), f"no expected values: nothing to permute, {why}"
    near = squares.copy()
    np.fill_diagonal(near, np.inf)  # last among its own neighbours
    order = np.argsort(near, axis=1)[:, :-1]
    near = np.take_along_axis(near, order, axis=1)
    values, radius = [], np.empty(len(group))
    for drawn in _relabelled(label, profile, permutations, seed, max(1, BLOCK // len(group))):
        for groups in drawn[:, cluster]:
            sides = [np.flatnonzero(groups == side) for side in (0, 1)]
            for side, here in enumerate(sides):
                own = np.cumsum(groups[order[here]] == side, axis=1, dtype=np.int32)
                radius[here] = near[here, (own >= k).argmax(axis=1)]
            between = squares[np.ix_(*sides)]
            inside = between <= radius[sides[0], None]
            balls = inside.sum(axis=0)
            recalled = (between <= radius[sides[1]]).any(axis=1)
            values.append([(balls > 0).mean(), recalled.mean(), balls.mean() / k, inside.any(axis=1).mean()])
    parts = [f"{int(moving[group == side].sum())} of {int((group == side).sum())}" for side in (0, 1)]
    how = (
        f"expected: mean of {permutations} permutations of labels in which {parts[0]} recordings and {parts[1]} held "
        f"against them take part, strata: {len(np.unique(stratum))}, seed {seed}; p two-sided"
    )
    return np.array(values), how


def _two_sided(values: np.ndarray) -> list[float]:
    """Two-sided p of the first row among all, for each column; NaN where that has no values."""
    slack = 1e-10 * np.abs(values[0])
    beyond = np.minimum((values >= values[0] - slack).sum(axis=0), (values <= values[0] + slack).sum(axis=0))
    p = np.minimum(1.0, 2 * beyond / len(values))
    return np.where(np.isfinite(values[0]), p, np.nan).tolist()


def _jackknife(
    blocks: Iterator[tuple[slice, np.ndarray]],
    group: np.ndarray,
    cluster: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    level: float,
) -> Estimate:
    """A function of the mean values of pairs between and within groups (..., g, g), pairs of one cluster left out."""
    from scipy.stats import t as student

    member = np.eye(group.max() + 1)[group]
    clusters = int(cluster.max()) + 1
    sums, counts = np.zeros((2, len(group), member.shape[1]))
    for part, block in blocks:
        other = cluster[part, None] != cluster
        sums[part], counts[part] = np.where(other, block, 0) @ member, other.astype(float) @ member
    means = []
    for values in (sums, counts):
        total = member.T @ values
        its = np.zeros((clusters, *total.shape))
        np.add.at(its, (cluster, group), values)
        means.append(np.concatenate([total[None], total - its - its.transpose(0, 2, 1)]))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = statistic(means[0] / means[1])
    fewest = int(_per(group, cluster).min())
    value, n = float(found[0]), len(group)
    if fewest < 2 or not np.isfinite(found).all():
        return Estimate(value, np.nan, np.nan, n, "no interval: too few clusters in a group")
    error = float(np.sqrt((clusters - 1) / clusters * ((found[1:] - value) ** 2).sum()))
    reach = float(student.ppf((1 + level) / 2, fewest - 1)) * error
    return Estimate(value, value - reach, value + reach, n, f"jackknife of {clusters} clusters, Student, {level:.4g}")


def _contrast(
    values: np.ndarray, group: np.ndarray, stratum: np.ndarray, cluster: np.ndarray, one: int, base: int, level: float
) -> tuple[Estimate, Estimate]:
    """Difference and ratio of two groups' means over strata that have both, weighted by 1 / (1/n + 1/m)."""
    from scipy.stats import t as student

    used = np.isin(group, (one, base))
    used &= _per(stratum[used], group[used], stratum.max() + 1)[stratum] == 2
    none = Estimate(np.nan, np.nan, np.nan, 0, "no estimate: no stratum has both groups")
    if not used.any():
        return none, none
    values, cluster, first = values[used], cluster[used], group[used] == one
    stratum = np.unique(stratum[used], return_inverse=True)[1]  # without those that were left out
    cell = np.unique(np.stack([stratum, first]), axis=1, return_inverse=True)[1]
    size, places, means = np.bincount(cell), _per(cell, cluster), _means(values, cell)
    harmonic = 1 / np.bincount(stratum, weights=1 / size[cell] ** 2)  # the sum over a stratum of 1/n + 1/m
    weight = harmonic[stratum] / size[cell]
    weight /= weight[first].sum()
    own = values - means[cell]
    sides = [float((weight * values)[side].sum()) for side in (first, ~first)]
    pull = weight * own * np.sqrt(places / (places - 1))[cell]
    sign = np.where(first, 1.0, -1.0)
    freedom = max(1, len(np.unique(cluster)) - len(size))
    t = float(student.ppf((1 + level) / 2, freedom))
    n, how = len(values), f"linearised, error by cluster, Student with {freedom} degrees of freedom, {level:.4g}"
    reach = t * float(np.sqrt((np.bincount(cluster, weights=pull * sign) ** 2).sum()))
    difference = Estimate(sides[0] - sides[1], sides[0] - sides[1] - reach, sides[0] - sides[1] + reach, n, how)
    if min(sides) <= 0:
        return difference, Estimate(np.nan, np.nan, np.nan, n, "no ratio: a group has no spread")
    logs = np.bincount(cluster, weights=pull * np.where(first, 1 / sides[0], -1 / sides[1]))
    factor = float(np.exp(t * np.sqrt((logs**2).sum())))
    ratio = sides[0] / sides[1]
    return difference, Estimate(ratio, ratio / factor, ratio * factor, n, how)


def _to_centers(squares: np.ndarray, group: np.ndarray, center: str) -> np.ndarray:
    """Distance of every recording to its group's centre in principal coordinates, (n,)."""
    found = np.empty(len(squares))
    if center == "centroid":  # in closed form, negative eigenvalues and all
        for one in np.unique(group):
            here = np.flatnonzero(group == one)
            inside = squares[np.ix_(here, here)]
            found[here] = inside.mean(axis=1) - inside.mean() / 2
        return np.sqrt(np.abs(found))
    middle = squares - squares.mean(axis=0)
    inner = -0.5 * (middle - middle.mean(axis=1)[:, None])
    rounding = 1e-11 * float(np.diag(inner).max())
    try:  # Euclidean distances have coordinates without an eigendecomposition, which takes ten times as long
        real, imaginary = np.linalg.cholesky(inner + rounding * np.eye(len(inner))), inner[:, :0]
    except np.linalg.LinAlgError:
        eigenvalues, vectors = np.linalg.eigh(inner)
        axes = vectors * np.sqrt(np.abs(eigenvalues))
        real, imaginary = axes[:, eigenvalues > rounding], axes[:, eigenvalues < -rounding]
    for one in np.unique(group):
        here = group == one
        above, below = (
            ((points - _spatial_median(points)) ** 2).sum(axis=1) for points in (real[here], imaginary[here])
        )
        found[here] = np.sqrt(np.abs(above - below))
    return found


def _spatial_median(points: np.ndarray, tolerance: float = 1e-9, steps: int = 1000) -> np.ndarray:
    """Point with the least sum of distances (Y. Vardi, C.-H. Zhang, PNAS 97, 2000)."""
    middle = points.mean(axis=0)
    scale = float(np.sqrt(((points - middle) ** 2).sum(axis=1).mean()))
    for _ in range(steps if scale else 0):
        away = np.sqrt(((points - middle) ** 2).sum(axis=1))
        off = away > 1e-12 * scale
        pulls = np.divide(1, away, out=np.zeros_like(away), where=off)
        target = pulls @ points / pulls.sum()
        if not off.all():  # it stands on recordings, which hold it back
            force = float(np.linalg.norm(target - middle)) * pulls.sum()
            hold = min(1.0, (~off).sum() / force) if force > 0 else 1.0
            target = (1 - hold) * target + hold * middle
        moved, middle = float(np.linalg.norm(target - middle)), target
        if moved <= tolerance * scale:
            break
    return middle


def _adjustment(squares: np.ndarray, cell: np.ndarray, cluster: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Factor for the distances of each cell's recordings to their centre, (cells,); see `permdisp`."""
    factors = np.ones(cell.max() + 1)
    alike = np.zeros(2)
    sizes = {}
    for one in np.unique(cell[used]):
        here = np.flatnonzero(cell == one)
        inside, same = squares[np.ix_(here, here)], cluster[here, None] == cluster[here]
        count = same.sum()
        sizes[one] = (len(here), count)
        usual = inside[~same].mean()
        if count > len(here) and usual > 0:
            alike += inside[same].sum() / usual, count - len(here)
    rho = float(np.clip(1 - alike[0] / alike[1], 0, 1)) if alike[1] else 0.0
    for one, (n, count) in sizes.items():
        factors[one] = 1 / np.sqrt(1 - (1 + rho * (count / n - 1)) / n)
    return factors


def _radii(rows: np.ndarray, k: int, distances: np.ndarray | None) -> np.ndarray:
    """Squared distance of each to its k-th nearest other one, (n,)."""
    radii = np.empty(len(rows))
    for part, block in _blocks(rows, rows, distances):
        block[np.arange(len(block)), np.arange(part.start, part.stop)] = np.inf
        radii[part] = np.partition(block, k - 1, axis=1)[:, k - 1]
    return radii


def _blocks(
    rows: np.ndarray, others: np.ndarray, distances: np.ndarray | None = None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Squared distances of some rows to all others, so many at a time that memory stays the same."""
    step = max(1, BLOCK // len(others))
    lengths = None if distances is not None else (others**2).sum(axis=1)
    for begin in range(0, len(rows), step):
        part = slice(begin, min(begin + step, len(rows)))
        if distances is not None:
            block = distances[np.ix_(rows[part], others)] ** 2
        else:
            block = rows[part] @ others.T
            block *= -2
            block += lengths
            block += (rows[part] ** 2).sum(axis=1)[:, None]
            np.maximum(block, 0, out=block)
        yield part, block


def _rows(left: np.ndarray, right: np.ndarray, distances: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    left, right = np.asarray(left), np.asarray(right)
    wanted = 2 if distances is None else 1
    if left.ndim != wanted or right.ndim != wanted or left.shape[1:] != right.shape[1:]:
        shapes = "(n, d) and (m, d)" if distances is None else "(n,) and (m,) beside distances"
        raise ValueError(f"groups must be shaped {shapes}, not {left.shape} and {right.shape}")
    if min(len(left), len(right)) < 2:
        raise ValueError(f"two recordings or more are needed in each group, not {len(left)} and {len(right)}")
    if distances is not None:
        n = len(_squares(distances))
        for rows in (left, right):
            if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n:
                raise ValueError(f"with distances of {n}, groups are whole numbers from 0 to {n - 1}, not {rows}")
        which, times = np.unique(np.concatenate([left, right]), return_counts=True)
        if times.max() > 1:  # it would be its own nearest neighbour
            raise ValueError(
                f"a recording is given once, in one group: {which[times > 1][0]} is given {times.max()} times"
            )
        return left, right
    left, right = left.astype(float), right.astype(float)
    for rows in (left, right):
        if not np.isfinite(rows).all():
            raise ValueError(f"row {int(np.argmin(np.isfinite(rows).all(axis=1)))} of {len(rows)} has missing values")
    middle = left.mean(axis=0)  # products of numbers far from 0 lose the digits that distances are made of
    return left - middle, right - middle


def _owners(clusters: tuple[Labels, Labels] | None, n: int, m: int) -> tuple[list[str], np.ndarray]:
    """Names of clusters, and those of n and of m recordings as numbers, (n + m,); one in both groups has one number."""
    if clusters is None:
        return [], np.arange(n + m)
    return _codes(_joined(clusters, n, m, "clusters"), n + m, "clusters", alone=True)


def _joined(labels: tuple[Labels, Labels], n: int, m: int, what: str) -> list[object]:
    """The labels of n and of m recordings, as one list."""
    if len(labels) != 2:
        raise ValueError(f"{what} must be two sequences, one of each group, not {len(labels)}")
    for own, size in zip(labels, (n, m), strict=True):
        _codes(own, size, what, alone=True)  # as many as there are recordings
    return [label for own in labels for label in own]


def _squares(distances: np.ndarray) -> np.ndarray:
    distances = square(distances)
    wrong = ~(np.isfinite(distances) & (distances >= 0))
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        raise ValueError(
            f"the distance of recordings {i} and {j} is {distances[i, j]}: it must be 0 or more, and known"
        )
    uneven = np.abs(distances - distances.T) > 1e-8 * distances.max(initial=0)
    if uneven.any() or np.diag(distances).any():
        i, j = np.argwhere(uneven | np.diag(np.diag(distances) > 0))[0]
        raise ValueError(
            f"distances must be the same both ways, 0 to itself: {i} to {j} is {distances[i, j]}, {j} to {i} {distances[j, i]}"
        )
    return distances**2


def _design(
    n: int, groups: Labels, strata: Labels | None, clusters: Labels | None
) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Names of the groups, and each recording's group, stratum and cluster as numbers from 0."""
    names, group = _codes(groups, n, "groups")
    if len(names) < 2:
        raise ValueError(f"two groups are needed, not {len(names)}: {', '.join(names)}")
    stratum = np.zeros(n, dtype=int) if strata is None else _codes(strata, n, "strata")[1]
    owners, cluster = ([], np.arange(n)) if clusters is None else _codes(clusters, n, "clusters", alone=True)
    _refuse_mixed(names, owners, group, cluster)
    return names, group, stratum, cluster


def _refuse_mixed(names: list[str], owners: list[str], group: np.ndarray, cluster: np.ndarray) -> None:
    mixed = np.flatnonzero(_per(cluster, group) > 1)
    if len(mixed):
        has = sorted({names[g] for g in group[cluster == mixed[0]]})
        raise ValueError(
            f"cluster {owners[mixed[0]]!r} is of several groups, {', '.join(has)}: name its parts apart, or make it a stratum"
        )


def _codes(labels: Labels, n: int, what: str, *, alone: bool = False) -> tuple[list[str], np.ndarray]:
    """Names of labels, and each recording's as a number from 0; unknown ones each `alone`, or refused."""
    import pandas as pd

    given = np.asarray(labels, dtype=object)
    if given.shape != (n,):
        many = f"{len(given)} {what}" if given.ndim == 1 else f"{what} shaped {given.shape}"
        raise ValueError(f"{what} must be as many as recordings: {many}, {n} recordings")
    unknown = np.asarray(pd.isna(given))
    if alone:
        unknown |= [isinstance(one, str) and not one for one in given]
    if unknown.any() and not alone:
        first = int(unknown.argmax())
        raise ValueError(f"{what}: recording {first} of {n} has {given[first]}; name it, or leave the recording out")
    names, codes = np.unique(given[~unknown].astype(str), return_inverse=True)
    found = np.empty(n, dtype=int)
    found[~unknown], found[unknown] = codes, len(names) + np.arange(unknown.sum())
    return [*names.tolist(), *["unknown"] * int(unknown.sum())], found


def _check_options(level: float = 0.95, permutations: int = 0) -> None:
    check_level(level)
    whole("permutations", permutations, 0)


def _per(outer: np.ndarray, inner: np.ndarray, length: int = 0) -> np.ndarray:
    """How many different inner codes go with each outer one."""
    pairs = np.unique(np.stack([outer, inner]), axis=1)
    return np.bincount(pairs[0], minlength=length)


def _means(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Mean of the rows of each code; 0 for codes that nothing has."""
    sums = np.zeros((codes.max() + 1, *values.shape[1:]))
    np.add.at(sums, codes, values)
    return sums / np.maximum(np.bincount(codes), 1).reshape(-1, *[1] * (values.ndim - 1))
