"""Whether a chart drifts to its mean: regression to the running centroid, loss of tails, and both without AI tracks.

Conventions: a recording counts once, when it entered. Its past are the recordings that entered in the `window` times (weeks)
before it: newcomers are held against former newcomers, like against like, not against songs that stayed, which are a
selection. Recordings of one artist are never compared with each other. Positions are rows (n, d) whose Euclidean distances
mean something: `Space.embed`, or square roots of shares for Hellinger's distance.

Let x be a newcomer, p and q recordings of its past by different artists, and d²(x, μ) the squared distance to the centre μ of
what the past was drawn from. The mean of d²(x, p) less the mean of ½d²(p, q) has that expectation whatever the size of the past;
the distance to the past's own mean, which few recordings leave uncertain, is greater by spread²/m. All here is made of such
means over pairs, so that small and large charts compare.

* ratio: root of the mean squared deviation of newcomers over that of their past, ½d²(p, q). 1: newcomers lie as far out as
  the recordings before them did; .9: a tenth nearer the centre. No newcomer is paired with a chosen other, and none chosen for
  lying far out: so nothing regresses by selection alone (F. Galton, Regression towards mediocrity in hereditary stature, 1886;
  A. G. Barnett, J. C. van der Pols, A. J. Dobson, International Journal of Epidemiology 34, 2005). A centre that moves lifts
  it, with or without contraction; but it does so in both directions of time, as regression to the mean does. So what
  the ratio is compared with is the same chart played backwards, newcomers against the window after them. A spread that
  wanders by itself moves the two apart by chance: p allows for as much of that as the weeks show.
* persistence: slope of a time's mean deviation from the running centroid on that of the time before, both freed of
  what few newcomers deviate by chance. It is about fashions, not about spread: below 1 it says that they pass.
* tail share: how many lie beyond the 90th, 95th, 99th percentile of a baseline's distances to its own centre.

Model collapse is said to take the tails first (I. Shumailov et al., Nature 631, 2024), and novelty's peak may rise while its mean
falls (E. Zhou, D. Lee, PNAS Nexus 3, 2024): so the mean and the tails are measured apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .diversity import whose
from .estimates import draw_clusters, effective_number, estimate_share, jeffreys
from .share import draw_labels
from .space import check_level, first, floats, whole
from .trends import FEWEST, trend

if TYPE_CHECKING:
    import pandas as pd

WINDOW = 52
"""Weeks of the running centroid."""
BLOCK = 13
"""Weeks that stay together where time is shuffled."""
FEWEST_PAST = 20
"""Recordings of the past without which a time is left out."""
FEWEST_BASELINE = 20
"""Recordings of a baseline without which newcomers are not held against its spread."""
TAILS = (0.9, 0.95, 0.99)
UNTOLD = 0.05
"""Flagged recordings that are no more often AI than the others by this much do not tell what humans sound like."""
STEPS = np.r_[0.0, np.geomspace(0.002, 10, 60)]
"""How far a spread may wander from week to week, in errors of a week of two recordings; see `_walks`."""
SMALL_STEP = 0.03
"""Steps well above this have equal odds by their logarithm, those well below it by themselves: chosen by simulation."""
COLUMNS = ["quantity", "value", "low", "high", "expected", "p", "n", "method"]


def running(
    positions: np.ndarray,
    entered: Sequence[int] | np.ndarray,
    artists: Sequence[object] | np.ndarray,
    *,
    window: int = WINDOW,
    replicates: int = 300,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Measure the newcomers of every time against the running centroid.

    Parameters
    ----------
    positions : numpy.ndarray, shape (n, d)
        Each recording once.
    entered : sequence of int, length n
        The time (week, month) that each entered in; gaps count.
    artists : sequence of length n
        Whose each is; one without (None, NaN, "") stands alone.
    window : int
        Times before that make the past; 1 or more.
    replicates, seed, level
        Of the bootstrap over artists.

    Returns
    -------
    pandas.DataFrame
        ``time, distance, low, high, spread, ratio, n, past``, a row for each time that has a whole window before it and
        newcomers. `distance`: root of their mean squared deviation, in the unit of positions, 0 where the unbiased square is
        less; `low` and `high` its log-t interval, missing with fewer than 3 artists, or `FEWEST_PAST` recordings in the
        past; `spread`: the same of the past itself;
        `ratio`: of the two; `n` newcomers, `past` recordings.

    Raises
    ------
    ValueError
        Lengths differ, a position is not finite, a time is no whole number, or an option is out of range.
    """
    import pandas as pd

    cohorts = _Cohorts(positions, entered, artists)
    window = whole("window", window, 1)
    _check(replicates, level)
    found = _against(*cohorts.sums(), window, 1)
    drawn = np.array(
        [_against(*cohorts.sums(copies), window, 1).deviation for copies in cohorts.copies(replicates, seed)]
    )
    rows = []
    for time in np.flatnonzero(np.isfinite(found.deviation)):
        low, high = _interval(
            np.sqrt(max(found.deviation[time], 0)),
            np.sqrt(np.maximum(drawn[:, time], 0)),
            cohorts.artists_at(int(time)) if found.past[time] > FEWEST_PAST - 0.5 else 0,
            level,
        )
        value, spread = (float(np.sqrt(max(square, 0))) for square in (found.deviation[time], found.spread[time]))
        ratio = value / spread if spread > 0 else np.nan
        rows.append(
            (cohorts.first + int(time), value, low, high, spread, ratio, int(found.n[time]), int(found.past[time]))
        )
    return pd.DataFrame(rows, columns=["time", "distance", "low", "high", "spread", "ratio", "n", "past"])


def drift(
    positions: np.ndarray,
    entered: Sequence[int] | np.ndarray,
    artists: Sequence[object] | np.ndarray,
    *,
    window: int = WINDOW,
    block: int = BLOCK,
    replicates: int = 300,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Test whether newcomers lie nearer the running centroid than those before them did.

    Parameters
    ----------
    positions, entered, artists, window
        As for `running`; times with fewer than `FEWEST_PAST` recordings in their past are left out.
    block : int
        Times that stay together where order is shuffled: longer than fashions last. Of fewer than eight blocks no p is told.
    replicates, seed, level
        Of the bootstrap over artists and of the charts that p compares with.

    Returns
    -------
    pandas.DataFrame
        ``quantity, value, low, high, expected, p, n, method``, a row for each of

        * ``distance``: root mean squared deviation of newcomers from the running centroid, in the unit of positions;
        * ``ratio``: over that of their past. `expected`: the same of the chart played backwards; p: null "time has no
          direction", of the quotient of both, among `replicates` charts whose times are shuffled in blocks and whose spread
          is a random walk, two-sided. A small p says that newcomers draw together (or apart) more than fashions, and a
          spread that wanders as this chart's does from week to week, would bring about;
        * ``persistence``: slope of one time's mean deviation on that of the time before; p: null "times in any
          order", of the covariance. Missing where times differ no more than their recordings do by chance;
        * ``change``: of the distance over all times, by Theil and Sen; p: null "ar" of `trends.trend`, which takes a spread
          that wandered off for a trend, whether or not anything pulls.

        n is the number of newcomers. What cannot be told is NaN, and `method` says why.

    Raises
    ------
    ValueError
        As for `running`.

    Notes
    -----
    In a stationary chart that looks the same backwards (any mixture of independent and normal autoregressive parts) the ratio
    and what is expected have one distribution, however slow its fashions; in one that contracts they part. Shuffled blocks
    keep fashions shorter than a block. They do not keep a spread that wanders, each newcomer as far out as its past was:
    so each shuffled chart is freed of its steady change of spread, and given a random walk of log spread. How far that
    walks is drawn from what the spreads inside single times tell: a local level with a slope, observed with error (the
    model is in A. C. Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989, not checked there). The
    likeliest step alone rejected .16 to .25 of wandering charts, a flat prior found fewer contractions; `SMALL_STEP` lies
    between. That nothing wanders cannot be proved, so that the test rejects less than said where nothing does.

    The interval of ``ratio`` is the wider of two: artists redrawn (had others made the chart), and those charts (had seasons
    come otherwise). Without the latter it is too narrow, and `method` says so. Coverage and size by simulation are in
    ``docs/experiments/mediocrity.md``.

    A slope fitted to single recordings and their nearest neighbour, or by least squares to the means of small cohorts, is
    below 1 in a chart where nothing happens at all. Neither is used.
    """
    import pandas as pd

    cohorts = _Cohorts(positions, entered, artists)
    window, block = whole("window", window, 1), whole("block", block, 1)
    _check(replicates, level)
    sums = cohorts.sums()
    found = _against(*sums, window)
    used = np.isfinite(found.deviation)
    n = int(found.n[used].sum())
    if why := _lacking(found, window, cohorts.number):
        names = ("distance", "ratio", "persistence", "change")
        return pd.DataFrame([(name, *[np.nan] * 5, n, why) for name in names], columns=COLUMNS)
    drawn = [_against(*cohorts.sums(copies), window) for copies in cohorts.copies(replicates, seed)]
    how = f"bootstrap by artist, {replicates} replicates, seed {seed}, {level:.4g}, log-t"
    low, high = _interval(found.distance, np.array([one.distance for one in drawn]), cohorts.number, level)
    rows: list[tuple] = [("distance", found.distance, low, high, np.nan, np.nan, n, how)]
    rows.append(_ratio(sums, window, block, found, drawn, cohorts.number, replicates, seed, level, n))
    rows.append(_persistence(sums, window, found, drawn, replicates, seed, level, how, n))
    times = cohorts.first + np.flatnonzero(used)
    moved = trend(np.sqrt(np.maximum(found.deviation[used], 0)), times, seed=seed, level=level)
    change = moved.change
    rows.append(
        (
            "change",
            change.value,
            change.low,
            change.high,
            0.0,
            moved.p["ar"],
            n,
            f'{change.method}; p: null "ar", no trend; a spread that wandered off counts as one: whether newcomers are drawn '
            "inwards, ratio tells",
        )
    )
    return pd.DataFrame(rows, columns=COLUMNS)


def tail_loss(
    positions: np.ndarray,
    baseline: np.ndarray,
    artists: Sequence[object] | np.ndarray,
    *,
    strata: Sequence[object] | np.ndarray | None = None,
    quantiles: Sequence[float] = TAILS,
    permutations: int = 999,
    replicates: int = 300,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Count recordings beyond a baseline's tails, and measure how far out they lie in the mean.

    Parameters
    ----------
    positions : numpy.ndarray, shape (n, d)
    baseline : numpy.ndarray of bool, shape (n,)
        Which recordings the centre and the limits are of; the others are measured.
    artists : sequence of length n
        As for `running`.
    strata : sequence of length n, optional
        Genre, or another composition to keep: p exchanges artists of one stratum only.
    quantiles : sequence of float
        Of the baseline's distances, between 0 and 1.
    permutations : int
        0: no p.
    replicates, seed, level
        Of the bootstrap over artists of ``ratio``; the coverage aimed at.

    Returns
    -------
    pandas.DataFrame
        ``quantity, value, low, high, expected, p, n, method``. ``ratio``: root mean squared deviation from the baseline's
        centre over the baseline's own, expected 1, of a baseline of `FEWEST_BASELINE` recordings or more. ``tail_90`` and so
        on: share beyond the limit, expected .1 and so on.
        p: null "artists of both are of one distribution within strata", two-sided; it keeps composition, not time, so that
        of a chart's weeks the trend of the share is to be believed.

    Raises
    ------
    ValueError
        Lengths differ, a position is not finite, one side is empty, or an option is out of range.

    Notes
    -----
    Each distance, of the baseline's own recordings too, is to the mean of the baseline without the recording's artist. The limit
    is the k-th smallest of the m distances with k = q (m + 1), between two the line: a new recording of the same kind
    lies beyond it with probability 1 - q whatever the distribution, so that the share is unbiased for every m and n
    (E. J. Gumbel, H. von Schelling, Annals of Mathematical Statistics 21, 1950; not checked there, but by simulation). So m + 1 must be 1 / (1 - q) at least. The
    interval is Jeffreys' for as many trials as artists make independent (`estimates.estimate_share`), and knows that
    the limit is of a sample: a bootstrap cannot tell how often what it never saw occurs. It takes an artist's recordings to
    go together wholly, and so is wide where sources are few.

    Where a baseline has few recordings, p and the interval of ``ratio`` contradict each other the more often the fewer they are
    (``docs/experiments/mediocrity.md``): it must have as many as a past must have.
    """
    import pandas as pd

    positions, artist = _positions(positions, artists)
    n = len(positions)
    base = _truths("baseline", baseline, n)
    if base.all() or not base.any():
        raise ValueError(f"baseline must be some of the {n} recordings and leave some to measure, not {base.sum()}")
    _check(replicates, level)
    permutations = whole("permutations", permutations, 0)
    limits = [_quantile(one) for one in quantiles]
    tails = _Tails(positions, artist, limits)
    values, beyond = tails(base)
    units, unit = np.unique(np.stack([artist, base]), axis=1, return_inverse=True)
    stratum = np.zeros(n, int) if strata is None else whose("strata", strata, n)
    null = np.array(
        [tails(one)[0] for one in _exchanged(unit, units[1].astype(bool), stratum, permutations, seed)]
    ).reshape(-1, 1 + len(limits))
    keeps = "artists exchanged" + (" within strata" if strata is not None else "")
    what = f"; p: {permutations} permutations, {keeps}" if permutations else ""
    number = len(np.unique(artist[~base]))
    copies = draw_clusters(int(artist.max()) + 1, replicates, seed)[:, artist]
    drawn = np.array([_ratio_to(positions, artist, base, one) for one in copies])
    low, high = _interval(values[0], drawn, number, level)
    size = int((~base).sum())
    how = f"bootstrap by artist, {replicates} replicates, seed {seed}, {level:.4g}, log-t"
    # a distance to the baseline without the artist's own needs another artist there
    alone = (
        "no estimate: the baseline is one artist's, and two of one artist are not compared"
        if len(np.unique(artist[base])) < 2
        else ""
    )
    rows = [("ratio", values[0], low, high, 1.0, _two_sided(values[0], null[:, 0]), size, alone or how + what)]
    if why := lacking_baseline(int(base.sum()), size, FEWEST_BASELINE):
        why += "; with few, p and interval contradict each other too often"
        rows = [("ratio", np.nan, np.nan, np.nan, 1.0, np.nan, size, alone or why)]
    elif not alone and not np.isfinite(low):
        rows[0] = (*rows[0][:-1], f"no interval: of {number} artists, 3 are needed{what}")
    independent = effective_number(np.bincount(artist[base]))
    for place, q in enumerate(limits):
        name, expected = f"tail_{100 * q:g}", round(1 - q, 12)  # .1, not .09999999999999998
        if not np.isfinite(values[place + 1]):
            why = alone or lacking_baseline(int(base.sum()), size, fewest_beyond(q))
            rows.append((name, np.nan, np.nan, np.nan, expected, np.nan, size, why))
            continue
        share = estimate_share(beyond[place].astype(float), artist[~base], others=independent, level=level)
        p = _two_sided(values[place + 1], null[:, place + 1])
        rows.append(
            (name, share.value, share.low, share.high, expected, p, size, f"{share.method}, error of the limit{what}")
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def beyond(
    positions: np.ndarray, baseline: np.ndarray, artists: Sequence[object] | np.ndarray, quantile: float
) -> np.ndarray:
    """Tell which recordings lie beyond a baseline's quantile.

    Parameters
    ----------
    positions, baseline, artists
        As for `tail_loss`.
    quantile : float
        Between 0 and 1.

    Returns
    -------
    numpy.ndarray, shape (n,)
        1 beyond, 0 not; NaN for the baseline's own, and for all where it is too small to have that limit.
    """
    positions, artist = _positions(positions, artists)
    base = _truths("baseline", baseline, len(positions))
    hits = np.full(len(base), np.nan)
    shares, found = _Tails(positions, artist, [_quantile(quantile)])(base)
    if np.isfinite(shares[1]):
        hits[~base] = found[0]
    return hits


def without_ai(
    positions: np.ndarray,
    entered: Sequence[int] | np.ndarray,
    artists: Sequence[object] | np.ndarray,
    flagged: np.ndarray,
    *,
    sensitivity: tuple[float, float],
    specificity: tuple[float, float],
    spare: np.ndarray | None = None,
    window: int = WINDOW,
    quantiles: Sequence[float] = TAILS,
    replicates: int = 300,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Measure the drift and the tails of the chart that would be there without its AI tracks.

    Parameters
    ----------
    positions, entered, artists, window
        As for `running`.
    flagged : numpy.ndarray of bool, shape (n,)
        Whether the classifier says AI.
    sensitivity, specificity : (hits, trials)
        The classifier's record, as for `share.ai_share`.
    spare : numpy.ndarray of bool, shape (n,), optional
        Recordings that were not on this chart but on others at the time: those not flagged stand in for AI tracks.
    quantiles : sequence of float
        Of the distances of those that entered in the first `window` times, to their centre; the share is of those after.
    replicates, seed, level
        Each replicate draws artists and what the recordings truly are.

    Returns
    -------
    pandas.DataFrame
        ``quantity, value, low, high, expected, p, n, method``: for ``distance``, ``ratio``, ``tail_90`` … the value as it is,
        with ``.without_ai`` of the human tracks alone, ``.replaced`` with human tracks of other charts of the same times in
        place of the AI ones (missing without `spare`), and ``.due_to_ai``: as it is less without AI. `expected` and `p` are
        missing: an interval of ``.due_to_ai`` that holds 0 shows no effect. These three are missing where nothing is flagged:
        then nothing could be left out, and a difference of 0 would be no finding.

    Raises
    ------
    ValueError
        As for `running` and `share.draw_labels`.

    Notes
    -----
    Removing what is flagged would leave the missed ones in and take the wrongly flagged out. How many of the flagged and of
    the others are AI-made is drawn from the census posterior, for each `window` of times apart, as in
    :mod:`.decompose`. Let that be shares a and b. The human tracks then are the others, with weight K a / (n (a - b)), less the
    flagged with weight K b / (m (a - b)), K being how many are human, n the others and m the flagged: AI cancels out.
    This takes errors to be independent of how a recording sounds among those of its kind. Where a draw has a - b of `UNTOLD` or
    less, flags say nothing, and all are taken for human. The limits of tails are the chart's own, found anew in each replicate.
    """
    import pandas as pd

    positions, artist = _positions(positions, artists)
    n = len(positions)
    flagged = _truths("flagged", flagged, n)
    spared = np.zeros(n, bool) if spare is None else _truths("spare", spare, n)
    window = whole("window", window, 1)
    _check(replicates, level)
    limits = [_quantile(one) for one in quantiles]
    cohorts = _Cohorts(positions, entered, artist)
    chart = ~spared
    if not chart.any():
        raise ValueError("spare must leave the chart some recordings, not be all of them")
    start = int(cohorts.time[chart].min())
    human = np.zeros((replicates, n))
    for number, one in enumerate(np.unique((cohorts.time[chart] - start) // window)):
        here = chart & ((cohorts.time - start) // window == one)
        record: dict[str, Any] = {"sensitivity": sensitivity, "specificity": specificity}
        human[:, here] = _human(
            flagged[here], draw_labels(flagged[here], draws=replicates, seed=seed + number, **record)
        )
    stand_in = spared & ~flagged
    base, after = chart & (cohorts.time < start + window), cohorts.time >= start + window
    size, independent = int((chart & after).sum()), effective_number(np.bincount(artist[base]))
    squares = _Tails(positions, artist, limits).squares(base)
    names = ["distance", "ratio", *(f"tail_{100 * q:g}" for q in limits)]
    own = _against(*cohorts.sums(chart.astype(float)), window)
    lacks = dict.fromkeys(names[:2], _lacking(own, window, len(np.unique(artist[chart]))))
    most = int((chart & (cohorts.time < cohorts.time[chart].max())).sum())
    lacks |= {
        name: lacking_baseline(int(base.sum()), size, fewest_beyond(q), most)
        for name, q in zip(names[2:], limits, strict=True)
    }
    untold = ""
    if not flagged[chart].any():
        untold = (
            f"no estimate: none of the chart's {chart.sum()} recordings is flagged as AI, so that none can be left out"
        )
    elif (human[:, chart] == 1).all():
        untold = (
            "no estimate: what is flagged is no more often AI than what is not, as far as the classifier's record tells"
        )

    def replaced(weights: np.ndarray) -> np.ndarray:
        size = cohorts.newest + 1
        lacking = np.bincount(cohorts.time, chart - weights, size)
        there = np.bincount(cohorts.time, stand_in, size)
        each = np.divide(lacking, there, out=np.zeros(size), where=there > 0)
        # where no human track is at hand, the chart's own stand in
        own = np.bincount(cohorts.time, weights, size)
        grow = np.divide(own + lacking, own, out=np.ones(size), where=(there == 0) & (own > 0))
        return weights * grow[cohorts.time] + stand_in * each[cohorts.time]

    def kinds(weights: np.ndarray) -> list[np.ndarray]:
        """Weights of the chart as it is, of its human tracks alone, and with others in place of the AI ones."""
        return [chart.astype(float), weights, replaced(weights) if stand_in.any() else np.full(n, np.nan)]

    def measured(copies: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(3, quantities): as it is, human tracks alone, replaced."""
        # of a replicate's own baseline: the limits are uncertain, too
        edges = [_limit(np.repeat(squares[base], copies[base].astype(int)), q) for q in limits]
        rows = []
        for kind in kinds(weights):
            if not np.isfinite(kind).all():
                rows.append(np.full(2 + len(limits), np.nan))
                continue
            drawn = copies * kind
            found = _against(*cohorts.sums(drawn), window)
            shares = [_share_of(drawn[after], squares[after], one) for one in edges]
            rows.append([found.distance, found.ratio, *shares])
        return np.array(rows)

    value = measured(np.ones(n), human.mean(axis=0))
    copies = cohorts.copies(replicates, seed)
    spread = np.array([measured(one, human[place]) for place, one in enumerate(copies)])
    tails = [(1 - level) / 2, (1 + level) / 2]
    drawn_by = f"labels drawn, bootstrap by artist, {replicates} replicates, seed {seed}, {level:.4g}, percentiles"
    rows = []
    for place, name in enumerate(names):
        for suffix, one, many in (
            ("", value[0, place], spread[:, 0, place]),
            (".without_ai", value[1, place], spread[:, 1, place]),
            (".replaced", value[2, place], spread[:, 2, place]),
            (".due_to_ai", value[0, place] - value[1, place], spread[:, 0, place] - spread[:, 1, place]),
        ):
            many = many[np.isfinite(many)]
            why = lacks[name] or (untold if suffix else "")
            if suffix == ".replaced" and not stand_in.any():
                why = why or "no estimate: no human tracks of other charts of the same weeks were heard and judged"
            if not why and not (np.isfinite(one) and len(many)):
                why = "no estimate: too few pairs of recordings by different artists"
            low, high = np.quantile(many, tails) if not why else (np.nan, np.nan)
            if suffix == ".due_to_ai" and one == low == high:
                why = "no estimate: too few recordings lie beyond the limit, with AI or without, to tell a difference"
            if why:
                rows.append((name + suffix, *[np.nan] * 5, size, why))
                continue
            method = drawn_by
            if name == "ratio" and suffix != ".due_to_ai":
                method += "; the order of weeks is not in the interval, which is too narrow to be read alone"
            if place > 1 and one in (0, 1) and suffix != ".due_to_ai":
                # a bootstrap cannot tell how often what it never saw occurs
                weights = kinds(human.mean(axis=0))[("", ".without_ai", ".replaced").index(suffix)]
                low, high = jeffreys(one, np.bincount(artist[after], weights[after]), independent, level)
                method = f"labels averaged, share, Jeffreys interval, clustered by artist, {level:.4g}"
            low, high = min(float(low), float(one)), max(float(high), float(one))
            rows.append((name + suffix, float(one), low, high, np.nan, np.nan, size, method))
    return pd.DataFrame(rows, columns=COLUMNS)


class _Against(NamedTuple):
    """Newcomers of every time of the grid against their past; NaN where there is too little of it.

    Attributes
    ----------
    deviation, spread : numpy.ndarray, shape (T,)
        Squared.
    n, past : numpy.ndarray, shape (T,)
    covariance, variance : float
        Of the mean deviations of a time and the one before, and of the latter.
    """

    deviation: np.ndarray
    spread: np.ndarray
    n: np.ndarray
    past: np.ndarray
    covariance: float
    variance: float

    @property
    def distance(self) -> float:
        used = np.isfinite(self.deviation)
        total = self.n[used].sum()
        return float(np.sqrt(max((self.n * self.deviation)[used].sum() / total, 0))) if total > 0 else np.nan

    @property
    def ratio(self) -> float:
        used = np.isfinite(self.deviation)
        past = (self.n * self.spread)[used].sum()
        return float(np.sqrt(max((self.n * self.deviation)[used].sum(), 0) / past)) if past > 0 else np.nan


def _against(squares: np.ndarray, pairs: np.ndarray, n: np.ndarray, window: int, least: int = FEWEST_PAST) -> _Against:
    """Hold every time against the `window` before it: sums and counts over pairs (T, T), newcomers (T,)."""
    size = len(n)
    corner = np.zeros((2, size + 1, size + 1))
    np.cumsum(np.cumsum([squares, pairs], axis=1), axis=2, out=corner[:, 1:, 1:])
    end = np.arange(size)
    start = end - window
    at = np.maximum(start, 0)
    past = np.r_[0, np.cumsum(n)]
    past = past[end] - past[at]
    with np.errstate(divide="ignore", invalid="ignore"):

        def mean(rows: np.ndarray, rows_end: np.ndarray, columns: np.ndarray, columns_end: np.ndarray) -> np.ndarray:
            one = corner[:, rows_end, columns_end] - corner[:, rows, columns_end]
            one = one - corner[:, rows_end, columns] + corner[:, rows, columns]
            return np.where(one[1] > 1e-9, one[0] / one[1], np.nan)

        enough = (start >= 0) & (past > least - 0.5)
        spread = np.where(enough, mean(at, end, at, end) / 2, np.nan)
        deviation = np.where(n > 0, mean(end, end + 1, at, end) - spread, np.nan)
        spread = np.where(np.isfinite(deviation), spread, np.nan)
        before, now = end[:-1], end[1:]
        later = mean(now, now + 1, at[:-1], before) - spread[:-1]
        apart, inside = mean(now, now + 1, before, now), mean(before, now, before, now)
        covariance = (later + deviation[:-1] - apart) / 2
        variance = deviation[:-1] - inside / 2
        weight = n[1:] * n[:-1] / (n[1:] + n[:-1])
        both = np.isfinite(covariance) & np.isfinite(variance) & np.isfinite(weight)
        total = weight[both].sum()
        covariance, variance = ((weight * one)[both].sum() / total for one in (covariance, variance))
    return _Against(deviation, spread, n, past, float(covariance), float(variance))


def _lacking(found: _Against, window: int, artists: int) -> str:
    """Why nothing can be told of the drift; empty where it can."""
    used, came = int(np.isfinite(found.deviation).sum()), found.n > 0
    if used >= FEWEST:
        return ""
    if artists < 2:
        return (
            f"no estimate: all {found.n.sum():.0f} recordings are one artist's, and two of one artist are not compared"
        )
    later = int(came[window:].sum())
    if later < FEWEST:
        # the first of them has no past, however short it is
        what = "fewer --weeks (window), or a longer chart" if came.sum() > FEWEST else "a longer chart"
        return (
            f"no estimate: of {came.sum()} times (weeks) with newcomers {later} have a whole past of {window} before them, {FEWEST} "
            f"are needed: {what}"
        )
    return (
        f"no estimate: of {later} times (weeks) with newcomers {used} have {FEWEST_PAST} recordings or more in the {window} before "
        f"them, {FEWEST} are needed: more --weeks (window), or more recordings heard"
    )


def lacking_baseline(base: int, after: int, needed: int, most: int | None = None) -> str:
    """Say why a baseline is too small, or nothing is there to hold against it.

    Parameters
    ----------
    base, after : int
        Recordings of the baseline, and after it.
    needed : int
        Recordings that the baseline must have.
    most : int, optional
        How many a baseline can have that leaves some to measure. Default: all but one.

    Returns
    -------
    str
        Empty where nothing is lacking.
    """
    helps = needed <= (base + after - 1 if most is None else most)
    if not after:
        return (
            f"no estimate: all {base} recordings are the baseline's, and none came after it to be held against it: "
            f"{'fewer --weeks (window), or ' if helps else ''}a longer chart"
        )
    if base < needed:
        return (
            f"no estimate: the baseline has {base} recordings, {needed} are needed: "
            f"{'more --weeks (window), or more recordings heard' if helps else 'more recordings heard, or a longer chart'}"
        )
    return ""


def fewest_beyond(quantile: float) -> int:
    """Recordings without which a baseline has no such limit: 9, 19, 99 for .9, .95, .99."""
    return int(np.ceil(1 / (1 - quantile) - 1e-9)) - 1


class _Cohorts:
    """Recordings by the time they entered in, and sums of squared distances between times, without pairs of one artist."""

    def __init__(
        self, positions: np.ndarray, entered: Sequence[int] | np.ndarray, artists: Sequence[object] | np.ndarray
    ):
        rows, artist = _positions(positions, artists)
        time = floats("entered", entered, "(n,)")
        if len(time) != len(rows):
            raise ValueError(f"entered must be as many as recordings: {len(time)}, {len(rows)} recordings")
        if (wrong := ~np.isfinite(time) | (time != np.floor(time))).any():
            raise ValueError(f"entered must be whole numbers, such as weeks since the first, not {first(wrong, time)}")
        self.first = int(time.min())
        self.time = (time - time.min()).astype(int)
        self.newest = int(self.time.max())
        if self.newest > 5000:
            raise ValueError(
                f"entered spans {self.newest + 1} times, 5001 at most: count in longer ones, such as months"
            )
        self.artist = artist
        self.number = int(artist.max()) + 1
        order = np.lexsort((artist, self.time))
        self._order = order
        self._rows = rows[order] - rows.mean(axis=0)  # numbers near 0 lose least where squares are subtracted
        self._norms = (self._rows**2).sum(axis=1)
        self._known, self._starts = np.unique(self.time[order], return_index=True)
        one, other = _pairs_of_one(artist[order])
        self._pair = one, other
        times = self.time[order]
        self._cell = times[one] * (self.newest + 1) + times[other]
        self._apart = ((self._rows[one] - self._rows[other]) ** 2).sum(axis=1)

    def sums(self, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums of squared distances and counts over ordered pairs, (T, T), and recordings, (T,)."""
        size = self.newest + 1
        each = np.ones(len(self.time)) if weights is None else np.asarray(weights, float)
        each = each[self._order]
        times = self.time[self._order]
        n, norms = np.bincount(times, each, size), np.bincount(times, each * self._norms, size)
        total = np.zeros((size, self._rows.shape[1]))
        total[self._known] = np.add.reduceat(each[:, None] * self._rows, self._starts, axis=0)
        squares = np.outer(n, norms) + np.outer(norms, n) - 2 * total @ total.T
        both = each[self._pair[0]] * each[self._pair[1]]
        squares -= np.bincount(self._cell, both * self._apart, size * size).reshape(size, size)
        pairs = np.outer(n, n) - np.bincount(self._cell, both, size * size).reshape(size, size)
        return squares, pairs, n

    def copies(self, replicates: int, seed: int) -> np.ndarray:
        """How often each recording is in each replicate, (replicates, n)."""
        return draw_clusters(self.number, replicates, seed)[:, self.artist]

    def artists_at(self, time: int) -> int:
        return len(np.unique(self.artist[self.time == time]))


def _pairs_of_one(artist: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All ordered pairs of recordings of one artist, each with itself included."""
    order = np.argsort(artist, kind="stable")
    counts = np.bincount(artist)
    counts = counts[counts > 0]
    ones, others = [], []
    for begin, count in zip(np.r_[0, np.cumsum(counts)[:-1]], counts, strict=True):
        own = order[begin : begin + count]
        ones.append(np.repeat(own, count))
        others.append(np.tile(own, count))
    return np.concatenate(ones), np.concatenate(others)


_Sums = tuple[np.ndarray, np.ndarray, np.ndarray]


def _backwards(sums: _Sums) -> _Sums:
    squares, pairs, n = sums
    return squares[::-1, ::-1], pairs[::-1, ::-1], n[::-1]


def _orders(size: int, block: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """Times shuffled in blocks."""
    rng = np.random.default_rng((seed, block))
    for _ in range(replicates):
        turned = np.roll(np.arange(size), rng.integers(block))
        cut = np.array_split(turned, np.arange(block, size, block))
        yield np.concatenate([cut[place] for place in rng.permutation(len(cut))])


def _ratio(
    sums: _Sums,
    window: int,
    block: int,
    found: _Against,
    drawn: Sequence[_Against],
    artists: int,
    replicates: int,
    seed: int,
    level: float,
    n: int,
) -> tuple:
    low, high = _interval(found.ratio, np.array([one.ratio for one in drawn]), artists, level)
    backwards = _against(*_backwards(sums), window).ratio
    how = f"{replicates} replicates, seed {seed}, {level:.4g}, log-t; expected: the chart played backwards"
    squares, pairs, size = sums[0], sums[1], len(sums[2])
    why, walks = f"{size} times make fewer than eight blocks of {block} (--block)", None
    if size >= 8 * block:
        why, walks = "too few times have two newcomers of different artists", _walks(sums, block, replicates, seed)
    if walks is None:
        method = (
            f"interval: bootstrap by artist only, {how}; the order of weeks is not in it, so that it is too narrow where "
            f"newcomers follow what was there: not to be read alone; no p: {why}"
        )
        return ("ratio", found.ratio, low, high, backwards, np.nan, n, method)
    ratios = []
    for order, steady, walk in zip(_orders(size, block, replicates, seed), *walks, strict=True):
        here = np.ix_(order, order)
        # where times spread alike, a distance's square is made of one half of each of its two times
        scaled = squares[here] / np.add.outer(steady[order], steady[order]) * np.add.outer(walk, walk)
        one = scaled, pairs[here], sums[2][order]
        ratios.append((_against(*one, window).ratio, _against(*_backwards(one), window).ratio))
    there, back = np.array(ratios).T
    # how far the order of seasons moves it, or who made them: whichever is more
    ends = low, high, *_interval(found.ratio, there, artists, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = _two_sided(float(np.divide(found.ratio, backwards)), there / back)
    method = (
        f"interval: the wider of bootstrap by artist and of charts without direction, {how}; p: among charts without "
        f"direction, blocks of {block} times shuffled, spread wandering as much as it may from week to week"
    )
    return ("ratio", found.ratio, float(np.fmin.reduce(ends)), float(np.fmax.reduce(ends)), backwards, p, n, method)


def _walks(sums: _Sums, longest: int, replicates: int, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Squared spreads by time, (replicates, T) each: the steady change that the chart may have, and a random walk as far.

    The log squared spread inside every time is a random walk with a slope, seen with an error of variance s² over the
    recordings but one. Steps, in units of s, have weights from the restricted likelihood of each of `STEPS` (Kalman's
    filter with a diffuse start, s and the slope integrated out) and `SMALL_STEP`.
    """
    squares, pairs, n = sums
    size = len(n)
    span = int(np.clip(np.ceil(4 * size / n.sum()), 1, longest))  # thin times together, so that there are pairs
    starts = np.arange(0, size, span)
    squares, pairs = (
        np.add.reduceat(np.add.reduceat(one, starts, 0), starts, 1).diagonal() for one in (squares, pairs)
    )
    known = np.flatnonzero((pairs > 0.5) & (squares > 0))
    if len(known) < FEWEST:
        return None
    logs, errors = np.log(squares[known] / pairs[known]), np.add.reduceat(n, starts)[known] / pairs[known]
    state = np.tile([[logs[0]], [known[0]]], len(STEPS)).astype(float)  # of the series, and of time itself
    variance, totals, log_f = np.full(len(STEPS), errors[0]), np.zeros((3, len(STEPS))), np.zeros(len(STEPS))
    for place in range(1, len(known)):
        variance = variance + STEPS**2 * (known[place] - known[place - 1])
        f = variance + errors[place]
        new = np.array([[logs[place]], [known[place]]]) - state
        state += new * variance / f
        variance = variance * errors[place] / f
        totals += np.array([new[0] ** 2, new[0] * new[1], new[1] ** 2]) / f
        log_f += np.log(f)
    slopes, freedom = totals[1] / totals[2], len(known) - 2
    rest = np.maximum(totals[0] - slopes * totals[1], 1e-12)
    likely = -0.5 * (log_f + np.log(totals[2]) + freedom * np.log(rest))
    weights = np.exp(likely - likely.max()) * np.gradient(STEPS) / (STEPS + SMALL_STEP)
    rng = np.random.default_rng((seed, 2))
    drawn = rng.choice(len(STEPS), replicates, p=weights / weights.sum())
    steps = STEPS[drawn] * np.sqrt(rest[drawn] / rng.chisquare(freedom, replicates) / span)
    walk = np.cumsum(steps[:, None] * rng.standard_normal((replicates, size)), axis=1)
    steady = slopes[drawn, None] / span * np.arange(size)
    return tuple(np.exp(one - one.mean(axis=1, keepdims=True)) for one in (steady, walk))


def _persistence(
    sums: _Sums,
    window: int,
    found: _Against,
    drawn: Sequence[_Against],
    replicates: int,
    seed: int,
    level: float,
    how: str,
    n: int,
) -> tuple:
    variances = np.array([one.variance for one in drawn])
    tails = [(1 - level) / 2, (1 + level) / 2]
    known = variances[np.isfinite(variances)]
    if not np.isfinite(found.variance) or not len(known) or np.quantile(known, tails[0]) <= 0:
        why = "no estimate: the means of times differ no more than their recordings do by chance"
        return ("persistence", np.nan, np.nan, np.nan, np.nan, np.nan, n, why)
    slopes = np.array([one.covariance for one in drawn]) / variances
    low, high = np.quantile(slopes[np.isfinite(slopes)], tails)
    squares, pairs, counts = sums
    shuffled = np.array(
        [
            _against(squares[np.ix_(order, order)], pairs[np.ix_(order, order)], counts[order], window).covariance
            for order in _orders(len(counts), 1, replicates, seed)
        ]
    )
    value, p = found.covariance / found.variance, _two_sided(found.covariance, shuffled)
    expected = float(np.nanmean(shuffled)) / found.variance
    method = f"{how.replace('log-t', 'percentiles')}; p: {replicates} shuffles of times, of the covariance"
    return ("persistence", value, min(float(low), value), max(float(high), value), expected, p, n, method)


class _Tails:
    """Ratio and tail shares of recordings against a baseline that may change."""

    def __init__(self, positions: np.ndarray, artist: np.ndarray, quantiles: Sequence[float]):
        self._rows = positions - positions.mean(axis=0)
        self._norms = (self._rows**2).sum(axis=1)
        self._artist = artist
        self._quantiles = quantiles

    def squares(self, base: np.ndarray) -> np.ndarray:
        """Squared distances of all to the mean of the baseline without the recording's artist, (n,)."""
        rows, artist = self._rows, self._artist
        artists = int(artist.max()) + 1
        of_artist = np.zeros((artists, rows.shape[1]))
        np.add.at(of_artist, artist[base], rows[base])
        others = base.sum() - np.bincount(artist, base, artists)[artist]
        with np.errstate(divide="ignore", invalid="ignore"):
            center = (of_artist.sum(axis=0) - of_artist[artist]) / others[:, None]
            squares = self._norms - 2 * (rows * center).sum(axis=1) + (center**2).sum(axis=1)
        return np.where(others > 0, squares, np.nan)

    def __call__(self, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(1 + quantiles,): ratio and shares, NaN where the baseline is too small; hits (quantiles, measured)."""
        squares = self.squares(base)
        limits = np.array([_limit(squares[base], q) for q in self._quantiles])[:, None]
        hits = squares[~base] > limits
        shares = np.where(np.isfinite(limits[:, 0]), hits.mean(axis=1), np.nan)
        return np.r_[_ratio_to(self._rows, self._artist, base, np.ones(len(base))), shares], hits


def _limit(values: np.ndarray, quantile: float) -> float:
    """The value beyond which a new one lies with probability 1 - quantile; NaN where there are too few to have one."""
    values = np.sort(values[np.isfinite(values)])
    place = quantile * (len(values) + 1) - 1  # from 0
    if not 0 <= place <= len(values) - 1 + 1e-9:
        return np.nan
    return float(np.interp(place, np.arange(len(values)), values))


def _ratio_to(positions: np.ndarray, artist: np.ndarray, base: np.ndarray, copies: np.ndarray) -> float:
    """Root mean squared deviation from the baseline's centre over the baseline's own."""
    artists = int(artist.max()) + 1
    sums = []
    for side in (base, ~base):
        weight = np.where(side, copies, 0.0)
        n = np.bincount(artist, weight, artists)
        norm = np.bincount(artist, weight * (positions**2).sum(axis=1), artists)
        total = np.zeros((artists, positions.shape[1]))
        np.add.at(total, artist[side], (weight[:, None] * positions)[side])
        sums.append((n, norm, total))

    def mean(one: tuple, other: tuple) -> float:
        (n, norm, total), (m, square, whole_) = one, other
        squares = n.sum() * square.sum() + m.sum() * norm.sum() - 2 * total.sum(axis=0) @ whole_.sum(axis=0)
        squares -= n @ square + m @ norm - 2 * (total * whole_).sum()
        pairs = n.sum() * m.sum() - n @ m
        return squares / pairs if pairs > 0 else np.nan

    spread = mean(sums[0], sums[0]) / 2
    deviation = mean(sums[1], sums[0]) - spread
    return float(np.sqrt(max(deviation, 0) / spread)) if spread > 0 and np.isfinite(deviation) else np.nan


def _exchanged(unit: np.ndarray, base: np.ndarray, stratum: np.ndarray, permutations: int, seed: int):
    """Baselines of other artists, as many of each stratum."""
    rng = np.random.default_rng((seed, 1))
    of_unit = np.zeros(len(base), int)
    of_unit[unit[::-1]] = stratum[::-1]
    for _ in range(permutations):
        drawn = base.copy()
        for one in np.unique(of_unit):
            here = np.flatnonzero(of_unit == one)
            drawn[here] = base[rng.permutation(here)]
        yield drawn[unit]


def _human(flagged: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights that make the recordings what the human ones among them are, (draws, n); see `without_ai`."""
    flags, others = int(flagged.sum()), int((~flagged).sum())
    caught, missed = labels[:, flagged].sum(axis=1), labels[:, ~flagged].sum(axis=1)
    human = len(flagged) - caught - missed
    with np.errstate(divide="ignore", invalid="ignore"):
        a = caught / flags if flags else np.zeros(len(labels))
        b = missed / others if others else np.zeros(len(labels))
        told = a - b > UNTOLD
        other = np.where(told, human * a / (others * (a - b)), 1.0)
        flag = np.where(told, -human * b / (flags * (a - b)), 1.0)
    return np.where(flagged, flag[:, None], other[:, None]) if others else np.where(told, 0.0, 1.0)[:, None] * flagged


def _share_of(weights: np.ndarray, values: np.ndarray, limit: float) -> float:
    total = weights.sum()
    if not (total > 0 and np.isfinite(limit)):
        return np.nan
    return float(np.clip(weights @ (values > limit) / total, 0, 1))


def _interval(value: float, drawn: np.ndarray, artists: int, level: float) -> tuple[float, float]:
    """Log-t, as `estimates.bootstrap_interval`; percentiles where there is no logarithm."""
    from scipy.special import stdtrit

    drawn = drawn[np.isfinite(drawn)]
    if artists < 3 or len(drawn) < 2 or not np.isfinite(value):
        return np.nan, np.nan
    if value <= 0 or (drawn <= 0).any():
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        return min(float(low), value), max(float(high), value)
    error = float(np.std(np.log(drawn))) * np.sqrt(artists / (artists - 1))
    reach = float(np.exp(stdtrit(artists - 1, (1 + level) / 2) * error))
    return value / reach, value * reach


def _two_sided(value: float, null: np.ndarray) -> float:
    null = null[np.isfinite(null)]
    if not len(null) or not np.isfinite(value):
        return np.nan
    tails = [(1 + np.sum(side)) / (1 + len(null)) for side in (null <= value + 1e-12, null >= value - 1e-12)]
    return float(min(1.0, 2 * min(tails)))


def _positions(positions: np.ndarray, artists: Sequence[object] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = floats("positions", positions, "(n, d)")
    if not rows.size:
        raise ValueError(f"positions must hold a recording or more, not be shaped {rows.shape}")
    if (wrong := ~np.isfinite(rows)).any():
        raise ValueError(
            f"positions must be finite, not {first(wrong, rows)}: leave such recordings out, or embed them"
        )
    return rows, whose("artists", artists, len(rows))


def _truths(name: str, values: np.ndarray, n: int) -> np.ndarray:
    array = np.asarray(values)
    if array.shape != (n,) or array.dtype != bool:
        raise ValueError(
            f"{name} must be True or False for each of {n} recordings, not {array.dtype} shaped {array.shape}"
        )
    return array


def _quantile(value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"quantiles must lie between 0 and 1, such as .95, not {value}")
    return float(value)


def _check(replicates: int, level: float) -> None:
    whole("replicates", replicates, 100)
    check_level(level)
