"""How well people tell AI-made from human-made recordings by ear, and how sure that is.

An answer is a rating of one clip by one listener, from 1 (surely human) to `points` (surely AI); above the middle it says
"AI". AI-made is the signal: a hit is an AI clip called AI, a false alarm a human one called AI. Sensitivity is d′ = z(H) -
z(F), the distance between the two kinds of clips in standard deviations of what listeners hear, and the criterion
c = -(z(H) + z(F)) / 2 says which answer they lean to (below 0: "AI").

Listeners and clips are both samples: other people would answer differently, and other clips would be easier or harder.
Every pooled interval is about new listeners and new clips. Its variance is that of totals by listener, plus that of
totals by clip, less that of single answers, which both hold. Versions of one song count as one clip there.

References
----------
N. A. Macmillan, C. D. Creelman: Detection Theory: A User's Guide, 2nd edition, 2005, chapters 1-3.
M. J. Hautus: Corrections for extreme proportions and their biasing effects on estimated values of d′, Behavior Research
Methods, Instruments & Computers 27, 1995.
A. C. Cameron, J. B. Gelbach, D. L. Miller: Robust inference with multiway clustering, Journal of Business & Economic
Statistics 29, 2011.
A. B. Owen, D. Eckles: Bootstrapping data arrays of arbitrary order, Annals of Applied Statistics 6, 2012: no bootstrap is
exact for crossed samples, and resampling both overstates the variance. Hence no bootstrap here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from .estimates import Estimate, estimate_share
from .space import check_level

EXPECTED_PERFECT = 0.05
"""Where fewer listeners than this are expected to have every answer right, who has is flagged."""

FEWEST_ANSWERS = 8
"""Answers by which a listener's way of answering can be called odd at all."""


class Detection(NamedTuple):
    """Signal detection of counts: arrays as the counts were, or numbers.

    Attributes
    ----------
    d_prime, criterion : float or numpy.ndarray
    error : float or numpy.ndarray
        Standard error of d′ if answers are independent: that of one listener about new clips.
    """

    d_prime: np.ndarray
    criterion: np.ndarray
    error: np.ndarray


def d_prime(
    hits: np.ndarray | float,
    signals: np.ndarray | float,
    false_alarms: np.ndarray | float,
    noises: np.ndarray | float,
    *,
    corrected: bool = True,
) -> Detection:
    """Sensitivity and criterion from counts.

    Parameters
    ----------
    hits, false_alarms : array_like
        AI clips called AI, human clips called AI.
    signals, noises : array_like
        AI clips and human clips that were answered; 1 or more.
    corrected : bool
        Log-linear: half an answer is added to each count of "AI", one to each count of clips, so that no rate is 0 or 1
        (Hautus 1995). It draws d′ towards 0, the more the fewer clips.

    Returns
    -------
    Detection
        Infinite or NaN where a rate is 0 or 1 and not corrected.

    Raises
    ------
    ValueError
        A count is negative, or larger than that of its clips, or there are no clips of a kind.

    References
    ----------
    Variance: V. Gourevitch, E. Galanter: A significance test for one parameter isosensitivity functions, Psychometrika
    32, 1967 (the delta method).
    """
    from scipy.special import ndtri

    hits, signals, alarms, noises = (np.asarray(count, dtype=float) for count in (hits, signals, false_alarms, noises))
    for some, of, what in ((hits, signals, "hits"), (alarms, noises, "false_alarms")):
        if (of < 1).any() or (some < 0).any() or (some > of).any():
            raise ValueError(f"{what} must lie between 0 and as many clips as there are, 1 or more: {some} of {of}")
    extra = (0.5, 1.0) if corrected else (0.0, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        hit, alarm = (hits + extra[0]) / (signals + extra[1]), (alarms + extra[0]) / (noises + extra[1])
        z_hit, z_alarm = ndtri(hit), ndtri(alarm)
        variance = sum(
            p * (1 - p) / (n * _density(z) ** 2) for p, n, z in ((hit, signals, z_hit), (alarm, noises, z_alarm))
        )
        return Detection(z_hit - z_alarm, -(z_hit + z_alarm) / 2, np.sqrt(variance))


def sensitivity(answers: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """How well all listeners together tell the clips apart.

    Parameters
    ----------
    answers : pandas.DataFrame
        One row per answer: ``listener``, ``clip``, ``ai`` (bool, what the clip is), ``rating`` (whole, 1 to ``points``),
        ``points``; optional ``song``, which binds versions of one song together. Each listener answers a clip once.
    level : float
        Coverage aimed at.

    Returns
    -------
    pandas.DataFrame
        ``measure, value, low, high, n, listeners, clips, method``, a row each:

        ``d_prime``
            Of all answers taken together. Where listeners differ in criterion it is smaller than theirs on average.
        ``d_prime.listeners``
            Mean of the listeners' own, each with the log-linear correction.
        ``criterion``
            Of all answers taken together.
        ``hit_rate``, ``false_alarm_rate``
            Shares of AI and of human clips called AI.
        ``area``
            Area under the receiver operating characteristic of the ratings, mean over listeners: the probability that a
            listener rates an AI clip above a human one, ties counting half (Wilcoxon's statistic).

        n counts answers. An interval is missing where there are not two listeners and two clips of each kind.

    Raises
    ------
    ValueError
        Columns are missing, or hold what they should not.
    """
    check_level(level)
    table = _checked(answers)
    return pd.DataFrame(
        [
            *_pooled(table, level),
            _row("d_prime.listeners", *_listeners_d_prime(table), table, level),
            _row("area", *_area(table), table, level, link="logit"),
        ]
    )


def by_group(answers: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """How well each generator is told from all human clips, and each group of human clips from all AI ones.

    Parameters
    ----------
    answers : pandas.DataFrame
        As for :func:`sensitivity`, with ``group``: a generator, or a kind of human recording; empty where not known.
    level : float

    Returns
    -------
    pandas.DataFrame
        As of :func:`sensitivity`, with ``group`` and ``ai`` before it, generators first and those of most clips first:
        ``d_prime`` and ``called_ai`` of each group, and
        ``difference``, its d′ less that of the other groups of its label together. The human clips, the same for all
        generators, fall out of a difference. Intervals are not widened for how many groups there are.
    """
    check_level(level)
    table = _checked(answers)
    if "group" not in answers:
        raise ValueError("answers have no column 'group'")
    known = table.assign(group=answers["group"].fillna("").astype(str)).query("group != ''")
    clips = known.groupby(["ai", "group"])["clip"].nunique()
    rows = []
    for ai, group in sorted(clips.index, key=lambda one: (not one[0], -clips[one], one[1])):
        own = table.loc[known.index[(known["ai"] == ai) & (known["group"] == group)]]
        against = pd.concat([own, table[table["ai"] != ai]])
        if against["ai"].nunique() == 2:
            rows.append({"group": group, "ai": ai, **_pooled(against, level)[0]})
        rows.append(
            {"group": group, "ai": ai, **_row("called_ai", *_rate(own["called"].to_numpy()), own, level, link="probit")}
        )
        others = table[(table["ai"] == ai) & ~table.index.isin(own.index)]
        if len(others):
            sides = own["called"].to_numpy(), others["called"].to_numpy()
            (mine, my_parts), (theirs, their_parts) = map(_z, sides)
            sign = 1 if ai else -1
            both = pd.concat([own, others])
            influence = np.concatenate([sign * my_parts, -sign * their_parts])
            floor = sum(map(_binomial, sides))
            rows.append(
                {
                    "group": group,
                    "ai": ai,
                    **_row(
                        "difference",
                        sign * (mine - theirs),
                        influence,
                        floor,
                        both,
                        level,
                        scarce=min(own["unit"].nunique(), others["unit"].nunique()),
                    ),
                }
            )
    return pd.DataFrame(rows)


def each_listener(answers: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """How well each listener tells the clips apart.

    Parameters
    ----------
    answers : pandas.DataFrame
        As for :func:`sensitivity`.
    level : float
        Coverage aimed at: each interval is about that listener and new clips (normal, delta method).

    Returns
    -------
    pandas.DataFrame
        ``listener, n, hits, signals, false_alarms, noises, d_prime, low, high, criterion, area``; NaN for one who
        answered clips of one kind only.
    """
    from scipy.special import ndtri

    check_level(level)
    table = _checked(answers)
    reach = float(ndtri((1 + level) / 2))
    rows = []
    for listener, own in table.groupby("listener", sort=True):
        ai, called, rating = (own[name].to_numpy() for name in ("ai", "called", "rating"))
        counts = (called[ai].sum(), ai.sum(), called[~ai].sum(), (~ai).sum())
        row: dict[str, object] = {"listener": listener, "n": len(own)}
        row |= dict(zip(("hits", "signals", "false_alarms", "noises"), map(int, counts), strict=True))
        if ai.any() and not ai.all():
            found = d_prime(*counts)
            d, error = float(found.d_prime), float(found.error)
            row |= {"d_prime": d, "low": d - reach * error, "high": d + reach * error}
            row |= {"criterion": float(found.criterion), "area": float(_placements(rating[ai], rating[~ai])[0].mean())}
        else:
            row |= dict.fromkeys(("d_prime", "low", "high", "criterion", "area"), np.nan)
        rows.append(row)
    return pd.DataFrame(rows)


def each_clip(answers: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """How many called each clip AI.

    Parameters
    ----------
    answers : pandas.DataFrame
        As for :func:`sensitivity`.
    level : float
        Of the interval, Jeffreys', which is about new listeners and that clip.

    Returns
    -------
    pandas.DataFrame
        ``clip, ai, n, called_ai, low, high, mean_rating``; `called_ai` is a share.
    """
    rows = []
    for clip, own in _checked(answers).groupby("clip", sort=True):
        share = estimate_share(own["called"].to_numpy(float), np.arange(len(own)), level=level)
        rows.append(
            {
                "clip": clip,
                "ai": bool(own["ai"].iloc[0]),
                "n": len(own),
                "called_ai": share.value,
                "low": share.low,
                "high": share.high,
                "mean_rating": float(own["rating"].mean()),
            }
        )
    return pd.DataFrame(rows)


def pairs(answers: pd.DataFrame, *, level: float = 0.95) -> Estimate:
    """How often a listener rates the AI version of a song above its human version.

    Parameters
    ----------
    answers : pandas.DataFrame
        As for :func:`sensitivity`, with ``song``; only songs with clips of both kinds count.
    level : float

    Returns
    -------
    Estimate
        Probability, ties counting half; .5 by chance; about new listeners and new songs. n counts pairs of answers; NaN
        where there is none.
    """
    check_level(level)
    table = _checked(answers)
    if "song" not in answers:
        raise ValueError("answers have no column 'song'")
    table = table[answers["song"].fillna("").astype(str).ne("").to_numpy()]
    both = table[table["ai"]].merge(table[~table["ai"]], on=["listener", "unit"], suffixes=("", "_human"))
    if both.empty:
        return Estimate(np.nan, np.nan, np.nan, 0, "no estimate: no listener answered both versions of a song")
    won = np.sign((both["rating"] - both["rating_human"]).to_numpy()) / 2 + 0.5
    value = float(won.mean())
    rated = both.assign(influence=(won - value) / len(won))
    return _interval(
        value,
        rated["influence"].to_numpy(),
        value * (1 - value) / len(won) if 0 < value < 1 else np.nan,
        rated,
        level,
        "logit",
        len(won),
    )


def agreement(
    ratings: np.ndarray, *, scale: str = "nominal", seed: int = 0, replicates: int = 1000, level: float = 0.95
) -> Estimate:
    """Krippendorff's alpha: how far listeners agree beyond chance.

    Parameters
    ----------
    ratings : numpy.ndarray, shape (clips, listeners)
        NaN where a listener did not answer.
    scale : {'nominal', 'ordinal', 'interval'}
        What a difference between two ratings counts: 1; how many ratings lie between; its square.
    seed, replicates, level
        Of the interval: percentiles of a bootstrap over clips, for these listeners.

    Returns
    -------
    Estimate
        1 is perfect agreement, 0 what chance gives, below 0 less than chance. n counts clips with two answers or more. NaN
        without any, or when all answers are one.

    Notes
    -----
    Two answers by one listener are no agreement, and a bootstrap over listeners would bring such pairs: only clips are
    drawn.

    References
    ----------
    K. Krippendorff: Computing Krippendorff's alpha-reliability, 2011. https://repository.upenn.edu/asc_papers/43
    A. Zapf, S. Castell, L. Morawietz, A. Karch: Measuring inter-rater reliability for nominal data - which coefficients
    and confidence intervals are appropriate?, BMC Medical Research Methodology 16, 2016 (the bootstrap).
    """
    check_level(level)
    if replicates < 100:
        raise ValueError(f"replicates must be 100 or more, not {replicates}")
    ratings = np.asarray(ratings, dtype=float)
    if ratings.ndim != 2:
        raise ValueError(f"ratings must be shaped (clips, listeners), not {ratings.shape}")
    values = np.unique(ratings[np.isfinite(ratings)])
    counts = (ratings[:, :, None] == values).sum(axis=1).astype(float)
    counts = counts[counts.sum(axis=1) >= 2]
    n = len(counts)
    value = float(_alphas(counts[None], values, scale)[0]) if n else np.nan
    if not np.isfinite(value):
        return Estimate(np.nan, np.nan, np.nan, n, "no estimate: all answers are one, or no clip has two")
    drawn = np.random.default_rng(seed).integers(n, size=(replicates, n))
    found = _alphas(counts[drawn], values, scale)
    found = found[np.isfinite(found)]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    method = f"Krippendorff's alpha, {scale}, bootstrap by clip, {replicates} replicates, seed {seed}, {level:.4g}"
    return Estimate(value, float(min(low, value)), float(max(high, value)), n, method)


def consistency(first: pd.DataFrame, again: pd.DataFrame, *, level: float = 0.95) -> Estimate:
    """How often a clip that comes twice gets the same answer, AI or human, twice.

    Parameters
    ----------
    first, again : pandas.DataFrame
        Answers as for :func:`sensitivity`, to first and second presentations; matched by listener and clip.
    level : float
        Of Jeffreys' interval, clustered by listener: about new listeners and these clips.

    Returns
    -------
    Estimate
        A share; n counts pairs. Who always answers the same is perfectly consistent: look at d′, too.
    """
    if first.empty or again.empty:
        return Estimate(np.nan, np.nan, np.nan, 0, "no estimate: no clip was answered twice")
    both = _checked(first).merge(_checked(again), on=["listener", "clip"], suffixes=("", "_again"))
    found = estimate_share(
        (both["called"] == both["called_again"]).to_numpy(float), both["listener"].to_numpy(), level=level
    )
    return replace(found, method=found.method.replace("by artist", "by listener"))


def against_detector(
    answers: pd.DataFrame,
    log_odds: Mapping[str, float],
    verdicts: Mapping[str, str],
    *,
    seed: int = 0,
    replicates: int = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare listeners with a detector on the same clips.

    Parameters
    ----------
    answers : pandas.DataFrame
        As for :func:`sensitivity`.
    log_odds : mapping of str to float
        The detector's, by clip; clips without a finite one are left out.
    verdicts : mapping of str to str
        ``ai``, ``human`` or ``undecided``, by clip.
    seed, replicates, level
        Of the bootstrap over clips behind ``rank_correlation`` and ``phi``.

    Returns
    -------
    pandas.DataFrame
        ``measure, value, low, high, n, method``; n counts clips.

        ``area.people``, ``area.detector``
            As ``area`` of :func:`sensitivity`; the detector's is of its log-odds on these clips, about new clips.
        ``area.difference``
            People's less the detector's, about new listeners and new clips.
        ``rank_correlation``, ``rank_correlation.ai``, ``rank_correlation.human``
            Spearman's, between the share of listeners who called a clip AI and the log-odds: over all clips, and within
            each kind, where it says whether they stumble over the same ones.
        ``phi``
            Between the majority of listeners and the verdict, both "AI" or not, over clips that both decide.
        ``mcnemar.p``
            p of the exact test (McNemar 1947, in its binomial form) that majority and verdict are equally often right.
        ``mcnemar.people``, ``mcnemar.detector``
            How many clips only the majority, and only the detector, had right: counts, without an interval.

    Notes
    -----
    A majority is of many, a verdict of one: that a crowd is right more often than each in it proves no ear.
    """
    from scipy.stats import binomtest, rankdata

    check_level(level)
    known = {clip for clip, odds in log_odds.items() if np.isfinite(odds)}
    table = _checked(answers)
    table = table[table["clip"].isin(known)]
    if table["ai"].nunique() < 2:
        raise ValueError("no AI clip, or no human one, was both answered and judged by the detector")
    clips = table.groupby("clip").agg(ai=("ai", "first"), unit=("unit", "first"), share=("called", "mean"))
    clips["odds"] = [float(log_odds[str(clip)]) for clip in clips.index]
    n = len(clips)

    people, influence, floor = _area(table)
    machine = clips.assign(rating=clips["odds"], listener="detector").reset_index()
    its, its_parts, _ = _area(machine)
    of_unit = pd.Series(-its_parts, index=machine["unit"]).groupby(level=0).sum()
    rows = [
        _named("area.people", _interval(people, influence, floor, table, level, "logit", n)),
        _named("area.detector", _of_clips(its, -of_unit.to_numpy(), level, n)),
        _named(
            "area.difference",
            _interval(people - its, influence, floor, table, level, "", n, extra=of_unit),
        ),
    ]
    draws = np.random.default_rng(seed)

    def correlated(name: str, some: pd.DataFrame, x: str, y: str, ranks: bool) -> dict[str, object]:
        pair = some[[x, y]].to_numpy(float)

        def of(part: np.ndarray) -> float:
            if len(part) < 3 or (part == part[0]).all(axis=0).any():
                return np.nan
            return float(np.corrcoef(*(rankdata(part, axis=0) if ranks else part).T)[0, 1])

        value = of(pair)
        if not np.isfinite(value):
            why = "no estimate: fewer than three clips, or no variation"
            return _named(name, Estimate(np.nan, np.nan, np.nan, len(some), why))
        found = np.array([of(pair[draws.integers(len(pair), size=len(pair))]) for _ in range(replicates)])
        low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2])
        method = f"bootstrap by clip, {replicates} replicates, seed {seed}, {level:.4g}, percentiles"
        return _named(name, Estimate(value, float(low), float(high), len(some), method))

    rows.append(correlated("rank_correlation", clips, "share", "odds", True))
    rows.extend(
        correlated(f"rank_correlation.{kind}", clips[clips["ai"] == (kind == "ai")], "share", "odds", True)
        for kind in ("ai", "human")
    )
    clips["verdict"] = [verdicts.get(str(clip), "") for clip in clips.index]
    decided = clips[clips["verdict"].isin(["ai", "human"]) & (clips["share"] != 0.5)]
    decided = decided.assign(
        crowd=(decided["share"] > 0.5).astype(float), machine=(decided["verdict"] == "ai").astype(float)
    )
    rows.append(correlated("phi", decided, "crowd", "machine", False))
    right = (decided["crowd"] == decided["ai"]), (decided["machine"] == decided["ai"])
    only = int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum())
    p = float(binomtest(only[0], sum(only)).pvalue) if sum(only) else np.nan
    said = "exact McNemar test; null hypothesis: majority and detector are equally often right"
    rows.append(_named("mcnemar.p", Estimate(p, np.nan, np.nan, len(decided), said)))
    for side, who, count in zip(("people", "detector"), ("the majority", "the detector"), only, strict=True):
        said = f"count of clips that only {who} had right"
        rows.append(_named(f"mcnemar.{side}", Estimate(float(count), np.nan, np.nan, len(decided), said)))
    return pd.DataFrame(rows)


def oddities(answers: pd.DataFrame, *, heard: float = 0.0) -> dict[str, list[str]]:
    """Listeners whose answers should be looked at before they are believed.

    Parameters
    ----------
    answers : pandas.DataFrame
        As for :func:`sensitivity`; optional ``heard``, how long a listener listened to a clip in seconds.
    heard : float
        For how long the test makes everybody listen, in seconds.

    Returns
    -------
    dict of str to list of str
        Reasons by listener: ``same`` (one rating for every clip), ``perfect`` (every answer right: they may know the key),
        ``reversed`` (far below chance: they may have misread the scale), ``unheard`` (answered before the test allows it: the
        file was altered), ``copied`` (the very ratings of another listener). The first four of listeners with
        `FEWEST_ANSWERS` answers or more.

    Notes
    -----
    Flags, not proofs: nobody is left out for them. ``perfect`` is who had every answer right although, by how often the others were
    right about each of these clips, fewer than .05 such listeners were to be expected among all: in a short or easy test many are.
    """
    table = _checked(answers)
    found: dict[str, list[str]] = {}
    ratings: dict[tuple, str] = {}
    each = each_listener(answers)
    highest = dict(zip(each["listener"], each["high"], strict=True))
    if "heard" in answers:
        table["heard"] = answers["heard"].to_numpy(float)
    right = (table["called"] == table["ai"]).astype(float)
    of_clip = right.groupby(table["clip"])
    # of the others about this clip, half an answer right and half wrong added
    others = (of_clip.transform("sum") - right + 0.5) / of_clip.transform("size")
    for listener, own in table.groupby("listener", sort=True):
        odd = []
        if "heard" in table and (own["heard"] < heard - 0.05).any():
            odd.append("unheard")
        if len(own) >= FEWEST_ANSWERS:
            if own["rating"].nunique() == 1:
                odd.append("same")
            if right[own.index].all() and others[own.index].prod() * len(each) < EXPECTED_PERFECT:
                odd.append("perfect")
            if highest[str(listener)] < 0:
                odd.append("reversed")
            own = own.sort_values("clip")
            said = (tuple(own["clip"]), tuple(own["rating"]))
            if own["rating"].nunique() > 2 and said in ratings:
                odd.append("copied")
                found.setdefault(ratings[said], [])
                if "copied" not in found[ratings[said]]:
                    found[ratings[said]].append("copied")
            ratings.setdefault(said, str(listener))
        if odd:
            found.setdefault(str(listener), []).extend(odd)
    return found


def simulate(
    listeners: int,
    ai: int,
    human: int,
    *,
    d_prime: float = 1.0,
    criterion: float = 0.0,
    listener_sd: float = 0.3,
    clip_sd: float = 0.5,
    points: int = 6,
    seed: int = 0,
    again: bool = False,
) -> pd.DataFrame:
    """Answers of listeners who do not exist: what a test would give if people heard so well.

    Parameters
    ----------
    listeners, ai, human : int
        How many listeners, AI clips and human clips.
    d_prime : float
        Distance between AI and human clips in standard deviations of one listener's noise about one clip.
    criterion : float
        Mean criterion, from halfway between.
    listener_sd, clip_sd : float
        Standard deviations of listeners' criteria and of clips' likeness to AI, in the same unit.
    points : int
        Of the scale; its other steps lie .5 apart.
    seed : int
    again : bool
        The answers of the same listeners when they hear the same clips a second time.

    Returns
    -------
    pandas.DataFrame
        ``listener, clip, ai, rating, points``, as :func:`sensitivity` takes it. The d′ that it estimates there is
        ``d_prime`` / √(1 + clip_sd² + listener_sd²), and that of its ``d_prime.listeners`` ``d_prime`` / √(1 + clip_sd²):
        what differs between clips is noise to who asks about clips.
    """
    rng = np.random.default_rng(seed)
    label = np.repeat([True, False], [ai, human])
    clip = np.where(label, d_prime / 2, -d_prime / 2) + clip_sd * rng.standard_normal(len(label))
    where = criterion + listener_sd * rng.standard_normal(listeners)
    noise = [rng.standard_normal((listeners, len(label))) for _ in range(1 + again)][-1]
    felt = clip + noise - where[:, None]
    steps = 0.5 * (np.arange(1, points) - points / 2)
    rating = 1 + np.searchsorted(steps, felt)
    who, what = np.indices(felt.shape)
    return pd.DataFrame(
        {
            "listener": [f"simulated-{one:04d}" for one in who.ravel()],
            "clip": [f"clip-{one:04d}" for one in what.ravel()],
            "ai": label[what.ravel()],
            "rating": rating.ravel(),
            "points": points,
        }
    )


# -- pooled over listeners and clips -----------------------------------------------------------------------------------


def _checked(answers: pd.DataFrame) -> pd.DataFrame:
    """Answers that can be computed with: ``listener, clip, unit, ai, rating, called``."""
    if missing := [name for name in ("listener", "clip", "ai", "rating", "points") if name not in answers]:
        raise ValueError(f"answers have no column {', '.join(map(repr, missing))}")
    if answers.empty:
        raise ValueError("there are no answers")
    rating, points = answers["rating"].to_numpy(float), answers["points"].to_numpy(float)
    if (odd := (points % 2 != 0) | (points < 2)).any():
        raise ValueError(
            f"points must be even and 2 or more, so that every rating takes a side, not {points[odd][0]:g}"
        )
    if (wrong := ~((rating >= 1) & (rating <= points) & (rating % 1 == 0))).any():
        raise ValueError(f"rating must be a whole number from 1 to points, not {rating[wrong][0]:g}")
    table = answers[["listener", "clip"]].astype(str)
    if (twice := table.duplicated().to_numpy()).any():
        listener, clip = table[twice].iloc[0]
        raise ValueError(f"listener {listener} answers clip {clip} twice: give second presentations to consistency")
    song = answers["song"].fillna("").astype(str) if "song" in answers else pd.Series("", index=answers.index)
    table["unit"] = ("song " + song).where(song != "", "clip " + table["clip"])
    table["ai"] = answers["ai"].astype(bool)
    table["rating"], table["called"] = rating, rating > points / 2
    return table


def _z(called: np.ndarray) -> tuple[float, np.ndarray]:
    """The z of the share called AI, with what each answer adds to it (delta method)."""
    from scipy.special import ndtri

    rate = _corrected(called)
    z = float(ndtri(rate))
    return z, (called - rate) / (len(called) * _density(z))


def _corrected(called: np.ndarray) -> float:
    return (float(called.sum()) + 0.5) / (len(called) + 1)


def _binomial(called: np.ndarray) -> float:
    """Least variance of z: that of independent answers."""
    from scipy.special import ndtri

    rate = _corrected(called)
    return rate * (1 - rate) / (len(called) * float(_density(float(ndtri(rate)))) ** 2)


def _rate(called: np.ndarray) -> tuple[float, np.ndarray, float]:
    return float(called.mean()), _z(called)[1], _binomial(called)


def _pooled(table: pd.DataFrame, level: float) -> list[dict[str, object]]:
    ai, called = table["ai"].to_numpy(), table["called"].to_numpy()
    if ai.all() or not ai.any():
        raise ValueError("answers are about clips of one kind only: both AI and human ones are needed")
    (z_hit, hits), (z_alarm, alarms) = _z(called[ai]), _z(called[~ai])
    difference, total = np.empty(len(table)), np.empty(len(table))
    difference[ai], difference[~ai] = hits, -alarms
    total[ai], total[~ai] = -hits / 2, -alarms / 2
    floor = _binomial(called[ai]) + _binomial(called[~ai])
    return [
        _row("d_prime", z_hit - z_alarm, difference, floor, table, level),
        _row("criterion", -(z_hit + z_alarm) / 2, total, floor / 4, table, level),
        _row("hit_rate", *_rate(called[ai]), table[ai], level, link="probit"),
        _row("false_alarm_rate", *_rate(called[~ai]), table[~ai], level, link="probit"),
    ]


def _listeners_d_prime(table: pd.DataFrame) -> tuple[float, np.ndarray, float]:
    """Mean of the listeners' own d′, with what each answer adds to it."""
    ai, called = table["ai"].to_numpy(), table["called"].to_numpy()
    parts, values, floor = np.zeros(len(table)), {}, 0.0
    for listener, rows in table.groupby("listener").indices.items():
        signal, noise = rows[ai[rows]], rows[~ai[rows]]
        if len(signal) and len(noise):
            (z_hit, parts[signal]), (z_alarm, alarms) = _z(called[signal]), _z(called[noise])
            parts[noise] = -alarms
            values[listener] = z_hit - z_alarm
            floor += _binomial(called[signal]) + _binomial(called[noise])
    return *_mean_of_listeners(table, parts, values), floor / max(len(values), 1) ** 2


def _area(table: pd.DataFrame) -> tuple[float, np.ndarray, float]:
    """Mean of the listeners' areas, with what each answer adds to it."""
    ai, rating = table["ai"].to_numpy(), table["rating"].to_numpy()
    parts, values, floor = np.zeros(len(table)), {}, 0.0
    for listener, rows in table.groupby("listener").indices.items():
        signal, noise = rows[ai[rows]], rows[~ai[rows]]
        if len(signal) and len(noise):
            of_ai, of_human = _placements(rating[signal], rating[noise])
            values[listener] = area = float(of_ai.mean())
            parts[signal], parts[noise] = (of_ai - area) / len(signal), (of_human - area) / len(noise)
            floor += float((parts[rows] ** 2).sum())
    return *_mean_of_listeners(table, parts, values), floor / max(len(values), 1) ** 2


def _mean_of_listeners(table: pd.DataFrame, parts: np.ndarray, values: dict) -> tuple[float, np.ndarray]:
    """A mean over listeners; an answer adds its own part, and its share of how its listener differs from the mean."""
    if not values:
        return np.nan, parts
    mean = float(np.mean(list(values.values())))
    off = table["listener"].map(values).sub(mean) / table["listener"].map(table["listener"].value_counts())
    return mean, (parts + off.fillna(0).to_numpy()) / len(values)


def _placements(ai: np.ndarray, human: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each AI clip the share of human clips rated below it, for each human one that of AI clips above; ties half."""
    won = np.sign(ai[:, None] - human) / 2 + 0.5
    return won.mean(axis=1), won.mean(axis=0)


def _row(
    measure: str,
    value: float,
    influence: np.ndarray,
    floor: float,
    table: pd.DataFrame,
    level: float,
    *,
    link: str = "",
    scarce: int = 0,
) -> dict[str, object]:
    found = _interval(value, influence, floor, table, level, link, len(table), scarce=scarce)
    return _named(measure, found) | {
        "listeners": table["listener"].nunique(),
        "clips": table["clip"].nunique(),
        "method": found.method,
    }


def _named(measure: str, found: Estimate) -> dict[str, object]:
    return {
        "measure": measure,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "method": found.method,
    }


def _interval(
    value: float,
    influence: np.ndarray,
    floor: float,
    table: pd.DataFrame,
    level: float,
    link: str,
    n: int,
    *,
    extra: pd.Series | None = None,
    scarce: int = 0,
) -> Estimate:
    """Student's interval from what each answer adds; `floor` is the least variance: that of independent answers.

    For a ``probit`` the influence is on z already; for a ``logit`` and without a link it is on the value. `extra` is what
    units add beside the answers to them. Degrees of freedom are those of what is scarcest: listeners, or the units of a
    kind of clips, or `scarce` where groups are compared otherwise.
    """
    from scipy.special import expit, logit, ndtr, ndtri, stdtrit

    by_listener = pd.Series(influence).groupby(table["listener"].to_numpy()).sum().to_numpy()
    by_unit = pd.Series(influence).groupby(table["unit"].to_numpy()).sum()
    if extra is not None:
        by_unit = by_unit.add(extra, fill_value=0)
    listeners, units = len(by_listener), len(by_unit)
    if not scarce:
        scarce = int(table.groupby("ai")["unit"].nunique().min()) if "ai" in table else units
    if not np.isfinite(value) or listeners < 2 or scarce < 2:
        why = "no interval: two listeners and two clips of each kind are needed"
        return Estimate(value, np.nan, np.nan, n, why)
    variance = (
        (by_listener**2).sum() * listeners / (listeners - 1)
        + (by_unit.to_numpy() ** 2).sum() * scarce / (scarce - 1)
        - (influence**2).sum()
    )
    variance = max(float(variance), floor)
    if not variance > 0:
        return Estimate(value, np.nan, np.nan, n, "no interval: nothing varies")
    reach = float(stdtrit(min(listeners, scarce) - 1, (1 + level) / 2)) * np.sqrt(variance)
    method = f"error by listener and clip, Student, {level:.4g}"
    if link == "probit":
        middle = float(ndtri(_corrected(table["called"].to_numpy())))
        low, high = ndtr(middle - reach), ndtr(middle + reach)
    elif link == "logit":
        reach /= value * (1 - value) if 0 < value < 1 else np.nan
        low, high = expit(logit(value) - reach), expit(logit(value) + reach)
    else:
        low, high = value - reach, value + reach
    return Estimate(value, min(float(low), value), max(float(high), value), n, method)


def _of_clips(value: float, by_unit: np.ndarray, level: float, n: int) -> Estimate:
    """An area's interval about new clips alone."""
    from scipy.special import expit, logit, stdtrit

    units = len(by_unit)
    error = np.sqrt((by_unit**2).sum() * units / max(units - 1, 1))
    if not (error > 0 and 0 < value < 1):
        return Estimate(value, np.nan, np.nan, n, "no interval: every clip is in order")
    reach = float(stdtrit(units - 1, (1 + level) / 2)) * error / (value * (1 - value))
    low, high = (float(expit(logit(value) + sign * reach)) for sign in (-1, 1))
    return Estimate(value, low, high, n, f"error by clip, Student, {level:.4g}")


def _alphas(counts: np.ndarray, values: np.ndarray, scale: str) -> np.ndarray:
    """Alpha of several sets of counts, shaped (sets, clips, values)."""
    n = counts.sum(axis=1)  # how often each value is used, in each set
    if scale == "nominal":
        apart = np.broadcast_to(1.0 - np.eye(len(values)), (len(counts), len(values), len(values)))
    elif scale == "interval":
        apart = np.broadcast_to((values[:, None] - values) ** 2, (len(counts), len(values), len(values)))
    elif scale == "ordinal":
        up_to = np.cumsum(n, axis=1) - n / 2
        apart = (up_to[:, :, None] - up_to[:, None, :]) ** 2
    else:
        raise ValueError(f"scale must be nominal, ordinal or interval, not {scale!r}")
    raters = counts.sum(axis=2)
    observed = np.einsum("suv,svw,suw,su->s", counts, apart, counts, 1 / (raters - 1), optimize=True)
    expected = np.einsum("sv,svw,sw->s", n, apart, n, optimize=True) / (n.sum(axis=1) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - observed / expected


def _density(z: np.ndarray | float) -> np.ndarray | float:
    """Of the standard normal distribution."""
    return np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi)
