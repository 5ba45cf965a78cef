"""Creativity in a network: how far a recording departs from what was before it, and how far what followed takes after it.

Conventions: n recordings, each with a date, any unit of time, and whose it is. Two are a pair where one is among the nearest
recordings, by others, in the span before or after the other. Recordings of one artist are never a pair: who goes on sounding
like oneself neither copies a culture nor moves it. Scores are per recording and 1 in the mean over all of the network.

A pair as alike as the threshold or more is a debt: the later recording gives of its score to the earlier. A pair less alike is
a departure: the earlier gives to the later. What each gives goes to its pairs in proportion to how far they lie from the
threshold, and the scores are where this settles (PageRank). So

    creativity = base + originality + influence

where originality came from earlier recordings, influence from later ones, and the base is the same for all.

Notes
-----
The method is that of A. Elgammal, B. Saleh: Quantifying Creativity in Art Networks, ICCC 2015 (arXiv:1506.00711). Its text could
not be had when this was written. That scores solve C(i) = (1-α)/N + α Σ_j w_ij C(j) / Σ_k w_kj was checked against two public
implementations; one of them also had the nearest prior works alone as edges, a quantile of similarities subtracted, and negative
edges reversed. From memory alone: the weight β between originality and influence, and the time-machine test.
Ours are: pairs both from the past and from the future side; a span that is the same for all, so that no recording had a longer
future than another; one threshold for the network, since one of its own would give every recording the same share of departures;
nothing lost where a recording gives to nobody (as in PageRank, it gives to all); the rule about artists; intervals and tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .diversity import whose
from .estimates import Estimate, draw_clusters, estimate_mean, estimate_share
from .space import KERNEL_SCALE, check_level, first, floats, kernel, real, whole

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

NEIGHBOURS = 20
"""Nearest recordings on either side in time that a recording is held against."""

BLOCK = 64_000_000
"""Distances computed at a time."""

SMALL = 0.1
"""An influence below this has no interval: in simulations it held what other company would give in half of all cases."""

SCORES = ("creativity", "originality", "influence")


def creativity(
    rows: np.ndarray,
    dates: np.ndarray,
    artists: Sequence[object] | np.ndarray | None = None,
    *,
    span: float,
    neighbours: int = NEIGHBOURS,
    threshold: float = 0.5,
    alpha: float = 0.5,
    beta: float = 0.5,
    unit: str = "",
    precomputed: bool = False,
    scale: float = KERNEL_SCALE,
    replicates: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Score every recording by what it took from the past and gave to the future.

    Parameters
    ----------
    rows : numpy.ndarray, shape (n, d) or (n, n)
        Coordinates whose Euclidean distances count, as `Space.embed` gives; float32 is kept as that, and takes half of
        the time and memory. With `precomputed`, similarities of all pairs, 0 to 1, the same both ways.
    dates : numpy.ndarray, shape (n,)
        When each appeared, as numbers: weeks, days, years.
    artists : sequence of length n, optional
        Whose each is; one that is unknown (None, NaN, "") stands alone. Default: all do.
    span : float
        More than 0, in the unit of `dates`: the past and the future of a recording are so long. One that appeared less than
        this after the first or before the last is held against by others but gets no score itself.
    neighbours : int
        Nearest on either side.
    threshold : float
        Between 0 and 1: the quantile of the similarities of all pairs above which one is a debt.
    alpha : float
        0 to below 1: how much of a score is passed on. With 0 all scores are 1.
    beta : float
        0 to 1: the weight of debts; departures have the rest. 0 asks for originality alone, 1 for influence alone.
    unit : str
        Of dates and span, such as weeks: for `method`.
    precomputed : bool
        `rows` are similarities.
    scale : float
        Of the similarities, as for `kernel`.
    replicates, seed, level
        Of the bootstrap; 0 replicates: no intervals.

    Returns
    -------
    pandas.DataFrame
        A row for each recording: ``creativity, creativity_low, creativity_high``, the same of ``originality`` and
        ``influence``, ``past, future`` (how many recordings by others there are in the span before and after: what the
        neighbours were chosen from), and ``method``. Scores are 0 or more; 1 is the mean creativity. NaN where there is no
        whole span, or fewer than `neighbours` on a side; `method` says which.

    Raises
    ------
    ValueError
        Shapes or a parameter are wrong, or something is not finite.

    Notes
    -----
    The interval redraws artists with replacement (as many as there are), chooses the nearest of the recordings drawn, and lets
    scores settle anew; percentiles of those replicates in which a recording's own artist was drawn once, about 37 of 100. It
    covers whom a recording happens to be compared with. It does not cover how well the descriptors tell a sound, another
    space, or another threshold, which is kept. In simulations it held the mean over other company at .94 for creativity and
    .96 for originality; for influence at .91 from .3 on. Below .3 it ends too low, since nobody can be drawn who did not chart:
    below `SMALL` it held .50, and is left out.

    Whoever is unlike everything is original, and so is a broken recording: look at `influence`, too.

    Scores change by less than 1e-12 (in replicates 1e-6) in the mean when they are taken as settled. Time and memory of the
    search go with n times the recordings of two spans; that is exact, not approximate.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(300, 3))
    >>> found = creativity(rows, np.arange(300), span=100, replicates=0)
    >>> int(found["creativity"].notna().sum())
    100
    """
    import pandas as pd

    values, when = _coordinates(rows, precomputed), floats("dates", dates, "(n,)")
    n = len(values)
    if len(when) != n:
        raise ValueError(f"dates must be {n}, one for each recording, not {len(when)}")
    if not np.isfinite(when).all():
        raise ValueError(f"dates must be finite, not {first(~np.isfinite(when), when)}")
    artist = np.arange(n) if artists is None else whose("artists", artists, n)
    if not (real(span) and 0 < span < np.inf):
        raise ValueError(f"span must be more than 0, not {span}")
    length = f"{span:g} {unit}".strip()
    neighbours = whole("neighbours", neighbours, 1)
    if not (real(threshold) and 0 < threshold < 1):
        raise ValueError(f"threshold must lie between 0 and 1, such as .5, not {threshold}")
    if not (real(alpha) and 0 <= alpha < 1):
        raise ValueError(f"alpha must be 0 or more and less than 1, not {alpha}")
    if not (real(beta) and 0 <= beta <= 1):
        raise ValueError(f"beta must lie between 0 and 1, not {beta}")
    replicates = whole("replicates", replicates, 0)
    if 0 < replicates < 100:
        raise ValueError(f"replicates must be 100 or more, or 0 for no intervals, not {replicates}")
    check_level(level)
    if not n:
        columns = [name + end for name in SCORES for end in ("", "_low", "_high")]
        return pd.DataFrame(columns=[*columns, "past", "future"], dtype=float).assign(method="")

    order = np.argsort(when, kind="stable")
    values, when, artist = values[order], when[order], np.unique(artist[order], return_inverse=True)[1]
    if precomputed:
        values = values[:, order]
    # with intervals twice as many are kept: where some are not drawn, the next nearest take their places
    depth = neighbours * (2 if replicates else 1)
    lists = _nearest(values, when, artist, float(span), depth, precomputed, scale)
    complete = np.stack([when - span >= when[0], when + span <= when[-1]])
    network = _Network(lists, complete, neighbours, threshold, beta)
    everyone = np.ones(n)
    scores = network.settle(everyone, alpha, 1e-12)

    enough = lists.among >= neighbours
    scored = complete.all(axis=0) & enough.all(axis=0)
    found: dict[str, np.ndarray] = dict(zip(SCORES, scores, strict=True))
    limits = np.full((2, 3, n), np.nan)
    method = (
        f"{neighbours} nearest on either side, span {length}, alpha {alpha:g}, beta {beta:g}, threshold {threshold:g}"
    )
    clusters, untold = int(artist.max()) + 1, ""
    if replicates and clusters > 2 and scored.any():
        drawn = np.full((replicates, 3, n), np.nan, dtype=np.float32)
        for each, counts in zip(drawn, draw_clusters(clusters, replicates, seed), strict=True):
            counted = counts[artist]
            # copies share what one would have, and who is absent competes with nobody: only who is there once is as it is
            each[:] = np.where(counted == 1, network.settle(counted, alpha, 1e-6), np.nan)
        # where copies compete, scores are higher in the mean for those without: that much is taken off again
        bias = np.divide(np.nansum(drawn, axis=0), np.isfinite(drawn).sum(axis=0)) - scores
        limits = _quantiles(drawn, [(1 - level) / 2, (1 + level) / 2]) - bias
        limits = np.stack([np.clip(limits[0], 0, scores), np.maximum(limits[1], scores)])
        method += (
            f"; bootstrap by the artists of others, {replicates} replicates, seed {seed}, {level:.4g}, percentiles"
        )
        untold = f"; no interval of an influence below {SMALL:g}: it would end too low"
    else:
        method += "; no interval: " + ("fewer than three artists" if replicates else "0 replicates")
    table = {}
    limits = np.where(limits[0] == limits[1], np.nan, limits)  # nobody was drawn who would have changed it
    for name, low, high in zip(SCORES, *limits, strict=True):
        table |= {name: found[name], f"{name}_low": low, f"{name}_high": high}
    frame = pd.DataFrame({name: np.where(scored, values, np.nan) for name, values in table.items()})
    small = (frame["influence"] < SMALL).to_numpy()
    frame.loc[small, ["influence_low", "influence_high"]] = np.nan
    frame["past"], frame["future"] = lists.among
    frame["method"] = np.select(
        [~complete[0], ~complete[1], ~enough[0], ~enough[1], small],
        [
            f"no estimate: it appeared less than {length} after the first",
            f"no estimate: it appeared less than {length} before the last",
            f"no estimate: fewer than {neighbours} by others in the {length} before",
            f"no estimate: fewer than {neighbours} by others in the {length} after",
            method + untold,
        ],
        method,
    )
    back = np.empty(n, dtype=int)
    back[order] = np.arange(n)
    return frame.iloc[back].reset_index(drop=True)


class TimeMachine(NamedTuple):
    """How scores answered to other dates.

    Attributes
    ----------
    creativity, originality, influence : Estimate
        Mean change of where a recording stands among the others of its date, 0 to 1. Creativity should rise in recordings
        moved into the past and fall in those moved into the future. Where dates have nothing to do with the music it is 0.
    right : Estimate
        Share of recordings whose creativity moved so; ½ where dates have nothing to do with the music.
    each : numpy.ndarray, shape (m,)
        Change of creativity's place of each; NaN where it had none at one of its dates.
    """

    creativity: Estimate
    originality: Estimate
    influence: Estimate
    right: Estimate
    each: np.ndarray


def time_machine(
    rows: np.ndarray,
    dates: np.ndarray,
    artists: Sequence[object] | np.ndarray | None = None,
    *,
    moved: Sequence[int] | np.ndarray,
    by: float,
    span: float,
    cohort: float | None = None,
    level: float = 0.95,
    **options: Any,
) -> TimeMachine:
    """Give some recordings another date, and see how their scores change: a test of the scores, not of the music.

    Parameters
    ----------
    rows, dates, artists, span
        As for `creativity`.
    moved : sequence of int, length m
        Which recordings. They are moved all at once: take few of many, or they meet each other where they come to.
    by : float
        How far, in the unit of `dates`; less than 0 is into the past. Farther than `span` a recording loses sight of the
        time it came from: neither whom it resembled before nor who resembles it is held against it any more.
    cohort : float, optional
        A moved recording is placed among those not moved that appeared so much before or after it; default: a tenth of
        the span. Scores themselves would tell how creative the era is that it comes to.
    level : float
        Coverage of the intervals.
    **options
        As for `creativity`.

    Returns
    -------
    TimeMachine
        Intervals count recordings of one artist together.

    Raises
    ------
    ValueError
        `moved` names no recording, or one twice; `by` is 0; or as for `creativity`.
    """
    when, places = floats("dates", dates, "(n,)"), np.asarray(moved)
    n = len(when)
    if places.ndim != 1 or not len(places) or places.dtype.kind not in "iu":
        raise ValueError(f"moved must be the places of some recordings, whole numbers, not {moved!r}")
    if places.min() < 0 or places.max() >= n or len(np.unique(places)) < len(places):
        raise ValueError(f"moved must name recordings from 0 to {n - 1}, each once")
    if not (real(by) and by and np.isfinite(by)):
        raise ValueError(f"by must be a length of time, other than 0, not {by}")
    if cohort is not None and not (real(cohort) and cohort > 0):
        raise ValueError(f"cohort must be more than 0, not {cohort}")
    owner = np.arange(n) if artists is None else whose("artists", artists, n)
    stood = []
    for shift in (0, by):
        then = when.copy()
        then[places] += shift
        found = creativity(rows, then, owner, span=span, **options, replicates=0)
        reach = span / 10 if cohort is None else cohort
        stood.append([_standing(found[name].to_numpy(), then, places, reach) for name in SCORES])
    changes = np.subtract(stood[1], stood[0])
    each = changes[0]
    right = np.where(np.isfinite(each), np.where(each == 0, 0.5, np.sign(each) == -np.sign(by)), np.nan)
    total, original, influential = (estimate_mean(change, owner[places], level=level) for change in changes)
    return TimeMachine(total, original, influential, estimate_share(right, owner[places], level=level), each)


def cohort_percentile(values: np.ndarray, cohorts: Sequence[object] | np.ndarray) -> np.ndarray:
    """Where each value stands among those of its cohort.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        NaN where not measured: skipped.
    cohorts : sequence of length n
        Which cohort each is of, such as the quarter in which it appeared: eras differ in how much charted and how alike it
        was, and with them all scores of an era.

    Returns
    -------
    numpy.ndarray, shape (n,)
        0 to 1: the share of the cohort below it, ties and itself counting half. NaN where not measured.

    Raises
    ------
    ValueError
        Lengths differ.
    """
    import pandas as pd

    values = floats("values", values, "(n,)")
    if len(cohorts) != len(values):
        raise ValueError(f"cohorts must be {len(values)}, one for each value, not {len(cohorts)}")
    groups = pd.Series(values).groupby(np.asarray(cohorts))
    return ((groups.rank() - 0.5) / groups.transform("count")).to_numpy(dtype=float)


class KindsInCohorts(NamedTuple):
    """How one kind of recordings stands to the other within cohorts.

    Attributes
    ----------
    difference : Estimate
        Mean of the kind less that of the others, between artists; n counts recordings of cohorts that have both.
    p : float
        Two-sided; NaN where nothing could be exchanged.
    """

    difference: Estimate
    p: float


def compare_in_cohorts(
    values: np.ndarray,
    kind: np.ndarray,
    cohorts: Sequence[object] | np.ndarray,
    artists: Sequence[object] | np.ndarray,
    *,
    permutations: int = 999,
    seed: int = 0,
    level: float = 0.95,
) -> KindsInCohorts:
    """Compare a kind of recordings with the others of its cohorts, by artist.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Such as `cohort_percentile` gives; NaN where not measured: skipped.
    kind : numpy.ndarray of bool, shape (n,)
        Whether each is of the kind.
    cohorts, artists : sequence of length n
        An artist unknown (None, NaN, "") stands alone.
    permutations, seed : int
        Of the test.
    level : float
        Coverage of the interval.

    Returns
    -------
    KindsInCohorts
        An artist's recordings of one kind and cohort count once, as their mean; cohorts count by na·nb / (na + nb) of their
        artists. The null of the test: kinds are exchangeable among artists who appear in the same cohorts. The interval is
        Student's, with the error of totals by artist. An artist of whom some recordings are of the kind and some not counts
        as two.

    Raises
    ------
    ValueError
        Lengths differ, or an option is wrong.
    """
    import pandas as pd
    from scipy.special import stdtrit

    values, kind = floats("values", values, "(n,)"), np.asarray(kind)
    n = len(values)
    if kind.shape != (n,) or kind.dtype != bool:
        raise ValueError(f"kind must be True or False for each of {n} recordings, not {kind.dtype} shaped {kind.shape}")
    if len(cohorts) != n:
        raise ValueError(f"cohorts must be {n}, one for each recording, not {len(cohorts)}")
    permutations = whole("permutations", permutations, 1)
    check_level(level)
    every = pd.DataFrame({"value": values, "kind": kind, "cohort": cohorts, "artist": whose("artists", artists, n)})
    cells = every.dropna(subset=["value", "cohort"]).groupby(["cohort", "artist", "kind"], sort=True)["value"]
    of = cells.agg(["mean", "size"]).reset_index()
    of = of[of.groupby("cohort")["kind"].transform("nunique") == 2]
    count = int(of["size"].sum())
    if of.empty:
        reason = "no estimate: no cohort holds both kinds"
        return KindsInCohorts(Estimate(np.nan, np.nan, np.nan, count, reason), np.nan)
    cohort = np.unique(of["cohort"].to_numpy(), return_inverse=True)[1]
    mean, label = of["mean"].to_numpy(), of["kind"].to_numpy(dtype=bool)
    total, ours = np.bincount(cohort), np.bincount(cohort, label)
    weight = ours * (total - ours) / total  # of a cohort: the same in every permutation
    gain, loss = weight / ours / weight.sum(), weight / (total - ours) / weight.sum()

    def difference(labels: np.ndarray) -> np.ndarray:
        return (np.where(labels, gain[cohort], -loss[cohort]) * mean).sum(axis=-1)

    value = float(difference(label))
    # whose kinds may be exchanged: those of artists who appear in the same cohorts
    owner = np.unique(2 * of["artist"].to_numpy() + label, return_inverse=True)[1]
    appears = of.groupby(owner)["cohort"].agg(tuple)
    profile = appears.factorize()[0]
    whose_kind = label[np.unique(owner, return_index=True)[1]]
    exchangeable = len({*zip(profile, whose_kind, strict=True)}) > profile.max() + 1
    rng = np.random.default_rng(seed)
    order = np.argsort(profile, kind="stable")
    exchanged = np.empty((permutations, len(profile)), dtype=bool)
    exchanged[:, order] = whose_kind[np.argsort(profile + rng.random(exchanged.shape), axis=1)]
    beyond = np.abs(difference(exchanged[:, owner])) >= abs(value) * (1 - 1e-10)
    p = float((beyond.sum() + 1) / (permutations + 1)) if exchangeable else np.nan

    # what each artist adds to the difference beyond the means of its kind and cohort
    side = 2 * cohort + label
    means = np.bincount(side, mean) / np.bincount(side)
    parts = np.where(label, gain[cohort], -loss[cohort]) * (mean - means[side])
    artists_here = int(owner.max()) + 1
    free = artists_here - len(np.unique(side))
    if free < 1:
        method = "no interval: no kind has two artists in a cohort"
        return KindsInCohorts(Estimate(value, np.nan, np.nan, count, method), p)
    error = float(np.sqrt((np.bincount(owner, parts) ** 2).sum() * artists_here / free))
    reach = float(stdtrit(free, (1 + level) / 2)) * error
    method = (
        f"difference within {len(total)} cohorts, error by artist, Student, {level:.4g}; p: kinds exchanged among artists of "
        f"the same cohorts, {permutations} permutations, seed {seed}"
    )
    shares = every["value"].dropna().between(0, 1).all()  # as percentiles are: they differ by 1 at most
    low, high = (max(value - reach, -1.0), min(value + reach, 1.0)) if shares else (value - reach, value + reach)
    return KindsInCohorts(Estimate(value, low, high, count, method), p)


def _standing(scores: np.ndarray, when: np.ndarray, places: np.ndarray, reach: float) -> np.ndarray:
    """The share of the others near in time that is below each of some recordings, ties half."""
    others = np.isfinite(scores)
    others[places] = False
    order = np.argsort(when[others], kind="stable")
    dates, values = when[others][order], scores[others][order]
    found = np.full(len(places), np.nan)
    for row, at in enumerate(places):
        beside = values[np.searchsorted(dates, when[at] - reach) : np.searchsorted(dates, when[at] + reach, "right")]
        if np.isfinite(scores[at]) and len(beside):
            found[row] = ((beside < scores[at]).mean() + (beside <= scores[at]).mean()) / 2
    return found


def _quantiles(drawn: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles along the first axis of what is not NaN; numpy's own go through the columns one by one."""
    drawn.sort(axis=0)  # NaN last
    last = np.maximum(np.isfinite(drawn).sum(axis=0) - 1, 0)
    found = []
    for one in levels:
        place = one * last
        low = np.floor(place).astype(int)
        ends = [np.take_along_axis(drawn, np.minimum(at, last)[None], axis=0)[0] for at in (low, low + 1)]
        found.append(ends[0] + (place - low) * (ends[1] - ends[0]))
    return np.stack(found)


class _Lists(NamedTuple):
    """The nearest before (0) and after (1) every recording, in order of time, nearest first; -1 where there is none left.

    ``which, similarity`` are (2, n, depth); ``among``, how many there are in the span, (2, n).
    """

    which: np.ndarray
    similarity: np.ndarray
    among: np.ndarray


def _nearest(
    values: np.ndarray,
    when: np.ndarray,
    artist: np.ndarray,
    span: float,
    depth: int,
    precomputed: bool,
    scale: float,
) -> _Lists:
    """Search exactly, a block of rows at a time; everything is in order of time."""
    n = len(when)
    # bounds of what is before and after each: those of the same date are neither
    bounds = np.stack(
        [
            np.searchsorted(when, when - span, "left"),
            np.searchsorted(when, when, "left"),
            np.searchsorted(when, when, "right"),
            np.searchsorted(when, when + span, "right"),
        ]
    )
    by_artist = np.argsort(artist, kind="stable")
    firsts = np.searchsorted(artist[by_artist], np.arange(artist.max() + 2))
    which = np.full((2, n, depth), -1, dtype=np.int32)
    far = np.full((2, n, depth), np.inf, dtype=values.dtype)
    count = np.zeros((2, n), dtype=int)
    squares = None if precomputed else np.einsum("ij,ij->i", values, values)
    size = max(1, BLOCK // n)
    for begin in range(0, n, size):
        end = min(begin + size, n)
        left, right = bounds[0, begin], bounds[3, end - 1]
        if squares is None:
            block = 1 - values[begin:end, left:right]
        else:
            block = values[begin:end] @ values[left:right].T
            block *= -2
            block += squares[left:right]
            block += squares[begin:end, None]
        for row, at in enumerate(range(begin, end)):
            own = by_artist[firsts[artist[at]] : firsts[artist[at] + 1]]
            own = own[(own >= left) & (own < right)]
            block[row, own - left] = np.inf
            for side in (0, 1):
                low, high = bounds[2 * side, at], bounds[2 * side + 1, at]
                there = block[row, low - left : high - left]
                count[side, at] = high - low - ((own >= low) & (own < high)).sum()
                some = min(depth, int(count[side, at]))
                if not some:
                    continue
                near = np.argpartition(there, some - 1)[:some] if some < len(there) else np.arange(len(there))
                near = near[np.lexsort((near, there[near]))]
                which[side, at, :some] = near + low
                far[side, at, :some] = there[near]
    if precomputed:
        return _Lists(which, np.where(which >= 0, 1 - far, 0), count)
    far = np.sqrt(np.maximum(far, 0))
    return _Lists(which, np.where(which >= 0, kernel(np.where(which >= 0, far, 0), scale), 0), count)


class _Network:
    """Pairs and what flows along them."""

    def __init__(self, lists: _Lists, complete: np.ndarray, neighbours: int, threshold: float, beta: float):
        n = lists.which.shape[1]
        self.n, self._which, self._neighbours = n, lists.which, neighbours
        usable = (lists.which >= 0) & complete[:, :, None]
        self._usable = usable
        earlier, later, place = [], [], []
        for side in (0, 1):
            at, slot = np.nonzero(usable[side])
            other = lists.which[side, at, slot]
            earlier.append(other if side == 0 else at)
            later.append(at if side == 0 else other)
            place.append((side * n + at) * lists.which.shape[2] + slot)
        key = np.concatenate(later).astype(np.int64) * n + np.concatenate(earlier)
        places = np.concatenate(place)
        pairs, where, back = np.unique(key, return_index=True, return_inverse=True)
        # where each pair stands in the lists: a pair may be in both
        self._places = np.zeros((2, len(pairs)), dtype=np.int64)
        listed = np.zeros((2, len(pairs)), dtype=bool)
        for side in (0, 1):
            here = places // (n * lists.which.shape[2]) == side
            self._places[side, back[here]] = places[here]
            listed[side, back[here]] = True
        self._listed = listed
        self._earlier, later_of = (pairs % n).astype(np.int32), pairs // n
        self._indptr = np.searchsorted(later_of, np.arange(n + 1)).astype(np.int32)
        similarity = lists.similarity.reshape(-1)[places[where]].astype(float)
        held = self._held(np.ones(n))
        self._over = similarity - (np.quantile(similarity[held], threshold) if held.any() else 0)
        self._departures, self._debts = np.maximum(-self._over, 0) * (1 - beta), np.maximum(self._over, 0) * beta

    def _held(self, counts: np.ndarray) -> np.ndarray:
        """Which pairs there are when every recording is there so many times: those of the nearest `neighbours`, copies counted."""
        many = np.where(self._usable, counts[self._which], 0)
        chosen = ((np.cumsum(many, axis=2) - many < self._neighbours) & (many > 0)).reshape(-1)
        before, after = chosen[self._places] & self._listed
        return before | after

    def settle(self, counts: np.ndarray, alpha: float, tolerance: float) -> np.ndarray:
        """Creativity, originality and influence, (3, n), when every recording is there so many times.

        A recording that is not there is scored as one more would be, that gives nothing to anybody.
        """
        held = self._held(counts)
        # rows: who is given to by earlier ones; the transpose of debts: by later ones
        departures, debts = (self._matrix(np.where(held, part, 0)) for part in (self._departures, self._debts))
        given = departures.T @ counts + debts @ counts
        giving = given > 0
        share = np.divide(counts, given, out=np.zeros(self.n), where=giving)
        total = counts.sum()
        scores = np.ones(self.n)
        while True:
            passed = scores * share
            original, influential = departures @ passed, debts.T @ passed
            base = (1 - alpha) + alpha * float((counts * scores)[~giving].sum()) / total
            new = base + alpha * (original + influential)
            moved = float((counts * np.abs(new - scores)).sum()) / total
            scores = new
            if moved * alpha <= tolerance * (1 - alpha):
                break
        passed = scores * share
        return np.stack([scores, alpha * (departures @ passed), alpha * (debts.T @ passed)])

    def _matrix(self, weights: np.ndarray) -> csr_array:
        from scipy.sparse import csr_array

        return csr_array((weights, self._earlier, self._indptr), shape=(self.n, self.n))


def _coordinates(rows: np.ndarray, precomputed: bool) -> np.ndarray:
    values = np.asarray(rows)
    if values.dtype != np.float32:
        values = floats("rows", rows, "(n, n)" if precomputed else "(n, d)")
    if values.ndim != 2 or (precomputed and values.shape[0] != values.shape[1]):
        raise ValueError(f"rows must be shaped {'(n, n)' if precomputed else '(n, d)'}, not {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"rows must be finite, not {first(~np.isfinite(values), values)}: fill in or leave out")
    if precomputed:
        if ((values < 0) | (values > 1)).any():
            raise ValueError(f"similarities must lie between 0 and 1, not {first((values < 0) | (values > 1), values)}")
        if not np.allclose(values, values.T, atol=1e-6):
            raise ValueError("similarities must be the same both ways: rows differ from their transpose")
    return values
