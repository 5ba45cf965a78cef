"""How much of a change in diversity is due to AI tracks.

A mean over pairs of recordings is a sum over three kinds of pairs, of two AI tracks, of two human ones, and of one each:
T = p_AA·W_AA + p_HH·W_HH + p_AH·W_AH, with p the share of the pairs and W their mean. So a change of T from one period to
another splits, without remainder, into

* share: more or fewer AI tracks, all else as it was on average: Σ Δp·(W₁+W₂)/2;
* within_ai, within_human, between: each kind of pair grown alike or unlike: (p₁+p₂)/2·ΔW.

These are Shapley's values of the four factors (A. F. Shorrocks, Decomposition procedures for distributional analysis,
Journal of Economic Inequality 11, 2013). They describe; beside them stands a counterfactual: the same chart with its AI
tracks replaced by human ones of the same weeks. What the chart differs from it is what its AI tracks make of it; how that
difference changed is the change due to AI.

Who is AI is not known but judged. How many of the flagged recordings and of the others are AI-made is drawn from what the
classifier's errors allow (`share.draw_labels`), anew in every replicate of a bootstrap over artists, so that both
uncertainties are in the interval. The means of flagged and other recordings are mixtures of those of AI and human ones, in
the proportions drawn, and are unmixed: without that, errors would make AI and human music look alike. This takes errors to
be independent of how a recording sounds among those of its kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .estimates import draw_clusters, effective_number, numbered, square
from .share import draw_labels
from .space import check_level, floats, whole

if TYPE_CHECKING:
    import pandas as pd

FACTORS = ("share", "within_ai", "within_human", "between")
UNTOLD = 0.02
"""Singular values below this part of the greatest are of what the flags do not tell."""
FEWEST = 10
"""Effective recordings of a period of which an interval of a reciprocal is told; see `decompose`."""
RESTS_ON = {
    **{name: (name,) for name in ("before", "after", "without_ai_before", "without_ai_after")},
    **dict.fromkeys(("change", *FACTORS), ("before", "after")),
    **dict.fromkeys(("ai_share_before", "ai_share_after"), ()),
}
"""The reciprocals that a quantity is made of; one that is not named is made of all."""


@dataclass(frozen=True)
class Group:
    """The recordings of one period, and those that could have stood in place of its AI tracks.

    Attributes
    ----------
    weights : numpy.ndarray, shape (n,)
        What each recording counts in the chart: weeks, points, 1; 0 where it was not on the chart.
    spare : numpy.ndarray of bool, shape (n,)
        Recordings of the same weeks that were not on the chart, of which human ones replace its AI tracks. Where there
        are none, AI tracks are replaced by the chart's own human ones.
    """

    weights: np.ndarray
    spare: np.ndarray


def decompose(
    pairs: np.ndarray,
    artists: Sequence[object] | np.ndarray,
    flagged: np.ndarray,
    before: Group,
    after: Group,
    *,
    sensitivity: tuple[float, float],
    specificity: tuple[float, float],
    reciprocal: bool = False,
    replicates: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Take the change of a mean over pairs apart.

    Parameters
    ----------
    pairs : numpy.ndarray, shape (n, n)
        Value of every pair of the recordings of both periods; NaN where not measured.
    artists : sequence of length n
        Whose each is: those of one artist enter and leave a replicate together. One without an artist (None, NaN, "")
        stands alone.
    flagged : numpy.ndarray of bool, shape (n,)
        Whether the classifier says AI. All may be, or none.
    before, after : Group
        Which recordings each period has.
    sensitivity, specificity : (hits, trials)
        The classifier's record, as for `share.ai_share`.
    reciprocal : bool
        The measure is 1 / mean, as the effective number of sounds is of squared similarities. The parts are then those
        of the mean times Δ(1/T)/ΔT, so that they still add up.
    replicates, seed : int
        Of the bootstrap; the same seed gives the same numbers.
    level : float
        Coverage aimed at.

    Returns
    -------
    pandas.DataFrame
        ``quantity, value, low, high, n, method``, a row for each of

        * ``before``, ``after``, ``change``: the measure in each period, and after less before;
        * ``share``, ``within_ai``, ``within_human``, ``between``: the parts, whose values add up to the change;
        * ``without_ai_before``, ``without_ai_after``: the measure with AI tracks replaced by human ones;
        * ``due_to_ai``: how much more the chart changed than it would have so;
        * ``ai_share_before``, ``ai_share_after``: by weight.

        n is of the smaller period for what compares both. `value` is the mean over what the labels may be; the interval
        is of percentiles over replicates that draw labels and artists. A kind of pair that only one period has is taken
        to have had the same mean in the other. Spare recordings are taken to be human where the classifier passes them.
        NaN where a period has no pair.

    Raises
    ------
    ValueError
        Shapes differ, a value is not what it should be, or a recording is spare and on the chart at once.

    Notes
    -----
    The intervals of ``before`` and ``after`` differ slightly from those that `estimates.bootstrap_interval` gives the
    same measure of the same week: a change and its parts may be negative and have no logarithm, so that all rows are
    plain percentiles here, and not log-t; and replicates draw from the artists of both periods and of the spare
    recordings.

    The reciprocal of a mean over few pairs has no useful interval: replicates in which no two recordings are alike take
    it anywhere. So none is given where a period has fewer than `FEWEST` effective recordings, or fewer than its own
    effective number of sounds. Effective recordings are (Σw)²/Σw², w being the weight of an artist's together; for the
    rows without AI, those of the human tracks and of the spare ones in place of the others. In 120 simulations each of
    a period of n recordings against one of 60, where the truth is 4.1 (15.9), the median upper end of ``before`` was so
    many times that truth, and in a tenth of the simulations more than: n = 4: 6.7 and 37 (250 and 27,000); 6: 3.6 and 9
    (27 and 770); 8: 2.4 and 5 (9 and 46); 10: 1.9 and 2.8 (4.3 and 11); 15: 1.6 and 2.2 (2.6 and 5.4). With 10 or more
    the intervals of ``before`` and ``change`` held the truth in .92 to .99; that of ``between``, a difference of means
    of few pairs of one AI track each, only in .75 to .92 with up to 12. A mean itself, not its reciprocal, is held with
    as few as 6.
    """
    import pandas as pd

    pairs, flagged, before, after = _checked(pairs, artists, flagged, before, after, reciprocal)
    n, replicates = len(pairs), whole("replicates", replicates, 100)
    check_level(level)
    labels = np.zeros((replicates, n), dtype=bool)
    # A recording has one label in both periods. Those of one period, of the other and of both are drawn apart: what a
    # flag is worth depends on how common AI is.
    where = 2 * (before.weights > 0) + (after.weights > 0)
    for one in np.unique(where[where > 0]):
        labels[:, where == one] = draw_labels(
            flagged[where == one],
            sensitivity=sensitivity,
            specificity=specificity,
            draws=replicates,
            seed=seed + int(one),
        )
    artist = numbered(artists)
    drawn = draw_clusters(int(artist.max()) + 1, replicates, (seed, 1))
    values = _quantities(_Sums(pairs, artist, np.ones((1, n))), flagged, labels, before, after, reciprocal)
    spread = _quantities(_Sums(pairs, artist, drawn[:, artist]), flagged, labels, before, after, reciprocal)
    spread |= {
        name: values[name] for name in ("ai_share_before", "ai_share_after")
    }  # a census: only labels are uncertain
    counts = [int((group.weights > 0).sum()) for group in (before, after)]
    tails = (1 - level) / 2, (1 + level) / 2
    rows = []
    for name, results in values.items():
        finite = spread[name][np.isfinite(spread[name])]
        low, high = np.quantile(finite, tails) if len(finite) else (np.nan, np.nan)
        size = counts[0] if name.endswith("before") else counts[1] if name.endswith("after") else min(counts)
        value = float(results.mean())
        rows.append((name, value, min(float(low), value), max(float(high), value), size))
    frame = pd.DataFrame(rows, columns=["quantity", "value", "low", "high", "n"])
    how = f"labels drawn, {replicates} replicates, seed {seed}, {level:.4g}, percentiles"
    census = frame["quantity"].str.startswith("ai_share")
    frame["method"] = np.where(census, f"census: {how}", how.replace("drawn", "drawn, bootstrap by artist"))
    if reciprocal:
        few = _too_few(frame.set_index("quantity")["value"], artist, flagged, before, after)
        for place, name in enumerate(frame["quantity"]):
            if reasons := [why for part, why in few.items() if part in RESTS_ON.get(name, few)]:
                frame.loc[place, ["low", "high"]] = np.nan
                frame.loc[place, "method"] = (
                    f"no interval: {', '.join(reasons)}; labels drawn, {replicates} times, seed {seed}"
                )
    return frame


def _checked(
    pairs: np.ndarray,
    artists: Sequence[object] | np.ndarray,
    flagged: np.ndarray,
    before: Group,
    after: Group,
    reciprocal: bool,
) -> tuple[np.ndarray, np.ndarray, Group, Group]:
    """What `decompose` was given, as arrays."""
    pairs = square(pairs)
    n = len(pairs)
    if not n:
        raise ValueError("pairs must be of one recording or more, not of none")
    if np.isinf(pairs).any():
        i, j = np.argwhere(np.isinf(pairs))[0]
        raise ValueError(f"pairs must be numbers, or NaN where not measured: {i} and {j} have {pairs[i, j]}")
    uneven = ~np.isclose(pairs, pairs.T, rtol=1e-8, equal_nan=True)
    if uneven.any():
        i, j = np.argwhere(uneven)[0]
        raise ValueError(f"pairs must be the same both ways: {i} to {j} is {pairs[i, j]}, {j} to {i} {pairs[j, i]}")
    if reciprocal and (pairs < 0).any():
        raise ValueError(f"pairs must be 0 or more where the measure is a reciprocal, not {np.nanmin(pairs)}")
    _as_many("artists", artists, n)
    flagged, groups = _truths("flagged", flagged, n), []
    for name, group in (("before", before), ("after", after)):
        weights, spare = floats(f"{name}.weights", group.weights, "(n,)"), _truths(f"{name}.spare", group.spare, n)
        _as_many(f"{name}.weights", weights, n)
        if (wrong := ~((weights >= 0) & np.isfinite(weights))).any():
            raise ValueError(f"{name}.weights must be 0 or more, not {weights[wrong][0]}")
        if both := int(((weights > 0) & spare).sum()):
            raise ValueError(f"{name}: {both} recordings are on the chart and spare at once")
        groups.append(Group(weights, spare))
    return pairs, flagged, groups[0], groups[1]


def _truths(name: str, values: np.ndarray, n: int) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 1 or values.dtype.kind not in "biu" or not np.isin(values, (0, 1)).all():
        raise ValueError(f"{name} must be True or False for each recording, not {values.dtype} shaped {values.shape}")
    _as_many(name, values, n)
    return values.astype(bool)


def _as_many(name: str, values: Sequence[object] | np.ndarray, n: int) -> None:
    if len(values) != n:
        raise ValueError(f"{name} must be as many as recordings: {len(values)}, {n} recordings")


def _too_few(values: pd.Series, artist: np.ndarray, flagged: np.ndarray, before: Group, after: Group) -> dict[str, str]:
    """The reciprocals of too few effective recordings to have an interval, and why."""
    found = {}
    for name, group in (("before", before), ("after", after)):
        spare = group.spare & ~flagged
        human = group.weights * ~flagged
        if spare.any():
            human = human + (group.weights @ flagged) / spare.sum() * spare
        for what, weights in ((name, group.weights), (f"without_ai_{name}", human)):
            of_artist = np.bincount(artist, weights=weights)
            effective = effective_number(of_artist) if of_artist.any() else 0.0
            # rounded: ten equal weights are ten
            if round(effective, 6) < max(FEWEST, value := values[what]):
                than = f"than {FEWEST}" if effective < FEWEST else f"than sounds, {value:.3g}"
                found[what] = f"{effective:.3g} effective recordings {what.replace('_', ' ')}, fewer {than}"
    return found


def _quantities(
    sums: _Sums, flagged: np.ndarray, labels: np.ndarray, before: Group, after: Group, reciprocal: bool
) -> dict[str, np.ndarray]:
    """Every quantity of `decompose` in each replicate."""
    periods = [_period(sums, flagged, labels, group) for group in (before, after)]
    share, mean = (np.array([getattr(period, name) for period in periods]) for name in ("share", "mean"))
    mean = np.nan_to_num(np.where(share > 0, mean, mean[::-1]))
    totals = np.array([period.total for period in periods])
    moved = (share[1] - share[0]) * mean.mean(axis=0)
    grown = share.mean(axis=0) * (mean[1] - mean[0])
    parts: dict[str, np.ndarray] = dict(zip(FACTORS, (moved.sum(axis=0), *grown), strict=True))
    without = np.array([period.without for period in periods])
    if reciprocal:
        with np.errstate(divide="ignore", invalid="ignore"):
            # Δ(1/T) / ΔT, which is never divided by a change of nothing
            parts = {name: -part / (totals[0] * totals[1]) for name, part in parts.items()}
            totals, without = 1 / totals, 1 / without
    change = totals[1] - totals[0]
    parts = {name: np.where(np.isfinite(change), part, np.nan) for name, part in parts.items()}
    return {
        "before": totals[0],
        "after": totals[1],
        "change": change,
        **parts,
        "without_ai_before": without[0],
        "without_ai_after": without[1],
        "due_to_ai": change - (without[1] - without[0]),
        "ai_share_before": periods[0].ai_share,
        "ai_share_after": periods[1].ai_share,
    }


class _Sums:
    """Means over pairs of two groups of recordings in every replicate, without pairs of copies.

    Pairs of two artists count as often as both were drawn; pairs inside one artist, as often as that artist.
    """

    def __init__(self, pairs: np.ndarray, artist: np.ndarray, copies: np.ndarray):
        known = np.isfinite(pairs)
        np.fill_diagonal(known, False)
        inside = artist[:, None] == artist
        values = np.where(known, pairs, 0.0)
        self._copies = copies.astype(float)
        self._matrices = [
            (np.where(inside, 0, matrix), np.where(inside, matrix, 0)) for matrix in (values, known.astype(float))
        ]

    def __call__(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Sum and count over ordered pairs, (2, replicates); both groups are weights, (n,)."""
        drawn, theirs = self._copies * one, self._copies * other
        return np.array([((drawn @ outside + one @ inside) * theirs).sum(axis=1) for outside, inside in self._matrices])


class _Period(NamedTuple):
    """What a period is made of, in every replicate.

    Attributes
    ----------
    total : numpy.ndarray, shape (replicates,)
        The mean over all pairs.
    share, mean : numpy.ndarray, shape (3, replicates)
        Of pairs of two AI tracks, of two human ones, of one each: the part of all pairs, and the mean.
    without : numpy.ndarray, shape (replicates,)
        The mean with AI tracks replaced by human ones.
    ai_share : numpy.ndarray, shape (replicates,)
        By weight.
    """

    total: np.ndarray
    share: np.ndarray
    mean: np.ndarray
    without: np.ndarray
    ai_share: np.ndarray


def _period(sums: _Sums, flagged: np.ndarray, labels: np.ndarray, group: Group) -> _Period:
    weights, spare = group.weights, (group.spare & ~flagged).astype(float)
    groups = weights * flagged, weights * ~flagged
    seen = np.array([sums(groups[0], groups[0]), sums(groups[1], groups[1]), 2 * sums(*groups)])
    with np.errstate(divide="ignore", invalid="ignore"):
        observed, part = seen[:, 0] / seen[:, 1], seen[:, 1] / seen[:, 1].sum(axis=0)
        total = seen[:, 0].sum(axis=0) / seen[:, 1].sum(axis=0)
        mixture = _mixture(groups, labels)
        share = np.einsum("okr,or->kr", mixture, np.nan_to_num(part))
        mean = _unmixed(observed, part, total, mixture, share)
        # AI tracks keep their places and their weight, but human tracks of the same weeks stand there.
        spared, mixed = (found[0] / found[1] for found in (sums(spare, spare), sums(groups[1], spare)))
        means = [np.where(np.isfinite(one), one, mean[1]) for one in (spared, mean[1], mixed)]
    without = np.where(np.isfinite(total), (share * means).sum(axis=0), np.nan)
    return _Period(
        total, share, mean, without, labels @ weights / weights.sum() if weights.any() else np.full(len(labels), np.nan)
    )


def _mixture(groups: tuple[np.ndarray, np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Which part of the pairs of flagged, of others, and of one each is of AI, human, one each; (3, 3, replicates)."""

    def pairs(one: np.ndarray, other: np.ndarray, same: bool) -> np.ndarray:
        ai = labels @ one, labels @ other
        human = one.sum() - ai[0], other.sum() - ai[1]
        twice = (labels @ one**2, one @ one - labels @ one**2) if same else (0.0, 0.0)
        kinds = np.array(
            [ai[0] * ai[1] - twice[0], human[0] * human[1] - twice[1], ai[0] * human[1] + ai[1] * human[0]]
        )
        return kinds / kinds.sum(axis=0)

    flagged, others = groups
    found = np.array([pairs(flagged, flagged, True), pairs(others, others, True), pairs(flagged, others, False)])
    return np.nan_to_num(found)


def _unmixed(
    observed: np.ndarray, part: np.ndarray, total: np.ndarray, mixture: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Means of the true kinds of pairs, (3, replicates), from those of what was flagged.

    Weighted least squares for their differences from the total; where the labels drawn leave a kind too few pairs to
    tell, it is taken to be as the total. What is left over goes to all alike, so that the total stays what it is.
    """
    replicates = max(mixture.shape[-1], total.shape[-1])
    weight = np.sqrt(np.nan_to_num(part))
    system = np.broadcast_to((mixture * weight[:, None]).transpose(2, 0, 1), (replicates, 3, 3))
    off = np.broadcast_to((np.nan_to_num(observed - total) * weight).T[..., None], (replicates, 3, 1))
    found = (np.linalg.pinv(system, rcond=UNTOLD) @ off)[..., 0].T
    found = found - (share * found).sum(axis=0)
    return found + total
