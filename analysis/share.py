"""How many of a chart's entries are AI-made, when the classifier that says so errs.

Conventions: of n measured entries k are flagged. A classifier's sensitivity (share of AI-made recordings that it flags)
and specificity (share of others that it passes) are known from trials, (hits, trials) each, on recordings of artists and
generators that it was not trained on. Entries that could not be measured are no part of n; count them beside it.

Two answers are given, because they answer different questions:

* census: every entry of the chart was scored, so only the classifier is uncertain. How many of *these* n are AI-made?
* corrected: the entries are a sample of some stream of music. What share of *the stream* is AI-made?
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .estimates import Estimate
from .space import check_level, first, floats, whole


@dataclass(frozen=True)
class AIShare:
    """The share of AI in a chart.

    Attributes
    ----------
    flagged, measured : int
        k and n.
    raw : float
        k / n, uncorrected; NaN when nothing was measured.
    census : Estimate
        Share of these entries that are AI-made: posterior mean and equal-tailed interval.
    corrected : Estimate
        Share in the stream they were drawn from: Rogan-Gladen, with the Lang-Reiczigel interval.
    """

    flagged: int
    measured: int
    raw: float
    census: Estimate
    corrected: Estimate

    @property
    def count(self) -> Estimate:
        """The census as a number of entries."""
        n, share = self.measured, self.census
        return Estimate(share.value * n, share.low * n, share.high * n, n, share.method)


def ai_share(
    flagged: int,
    measured: int,
    *,
    sensitivity: tuple[float, float],
    specificity: tuple[float, float],
    level: float = 0.95,
) -> AIShare:
    """Estimate the share of AI from what a classifier flagged.

    Parameters
    ----------
    flagged, measured : int
        Entries flagged as AI, entries scored.
    sensitivity, specificity : (hits, trials)
        The classifier's record: AI-made recordings flagged, of how many; others passed, of how many. Fractional
        counts are allowed: trials within one release are not independent and count less than one each.
    level : float
        Coverage aimed at.

    Returns
    -------
    AIShare
        With nothing measured the values are NaN and the intervals 0 to 1. The corrected share is NaN, 0 to 1, for a
        classifier no better than chance; clipped to 0 to 1 otherwise, with a remark in `method` where that leaves
        nothing of the interval.

    Raises
    ------
    ValueError
        More entries are flagged than measured, or hits than trials; a count of entries is not whole, a record is not a
        pair, or `level` is out of range.
    """
    check_level(level)
    flagged, measured = _check(flagged, measured, sensitivity, specificity)
    return AIShare(
        flagged,
        measured,
        flagged / measured if measured else np.nan,
        _census(flagged, measured, sensitivity, specificity, level),
        _rogan_gladen(flagged, measured, sensitivity, specificity, level),
    )


def census_posterior(
    flagged: int, measured: int, *, sensitivity: tuple[float, float], specificity: tuple[float, float]
) -> np.ndarray:
    """How probable each number of AI-made entries is.

    Parameters
    ----------
    flagged, measured, sensitivity, specificity
        As for `ai_share`.

    Returns
    -------
    numpy.ndarray, shape (measured + 1,)
        Posterior probability of K = 0, 1, …, `measured` AI-made entries; exact, no sampling.

    Raises
    ------
    ValueError
        As for `ai_share`.

    Notes
    -----
    Prior: every K equally probable; sensitivity and specificity with Jeffreys' Beta(½, ½), updated by the trials. Let j of
    the flagged be AI-made and i of the passed. Given K = i + j, j AI-made entries were caught and i missed: integrating
    over the sensitivity gives a beta-binomial probability, and likewise for the others with the specificity. The grid of
    all (i, j) is summed along i + j = K. It has (k + 1)(n - k + 1) cells: fast up to some thousand entries.
    """
    joint = _joint(flagged, measured, sensitivity, specificity)
    caught, missed = np.indices(joint.shape)
    return np.bincount((caught + missed).ravel(), weights=joint.ravel())


def draw_labels(
    flagged: np.ndarray,
    *,
    sensitivity: tuple[float, float],
    specificity: tuple[float, float],
    draws: int = 1000,
    seed: int = 0,
) -> np.ndarray:
    """Draw what the recordings may truly be, given what the classifier said of them and how often it errs.

    Parameters
    ----------
    flagged : numpy.ndarray of bool, shape (n,)
        Whether each was flagged (0 and 1 will do).
    sensitivity, specificity
        As for `ai_share`.
    draws : int
        How many; 1 or more.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    numpy.ndarray of bool, shape (draws, n)
        True: AI-made. How many of the flagged and of the others are is drawn from the census posterior; which ones, evenly.

    Raises
    ------
    ValueError
        `flagged` holds anything but yes and no, `draws` is not 1 or more, or as for `ai_share`.
    """
    flagged, draws = _flags(flagged), whole("draws", draws, 1)
    count = int(flagged.sum())
    joint = _joint(count, len(flagged), sensitivity, specificity)
    rng = np.random.default_rng(seed)
    cells = rng.choice(joint.size, draws, p=joint.ravel())
    caught, missed = np.unravel_index(cells, joint.shape)
    labels = np.zeros((draws, len(flagged)), dtype=bool)
    for group, made in ((flagged, caught), (~flagged, missed)):
        order = rng.random((draws, int(group.sum()))).argsort(axis=1)
        labels[:, group] = order < made[:, None]
    return labels


def pooled_share(
    flagged: np.ndarray,
    entries: np.ndarray,
    *,
    sensitivity: tuple[float, float],
    specificity: tuple[float, float],
    draws: int = 4000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Estimate, Estimate]:
    """Estimate the share of AI over several weeks, in which one recording stands for many entries.

    Parameters
    ----------
    flagged : numpy.ndarray of bool, shape (n,)
        Whether each recording was flagged: each once, however long it charted.
    entries : numpy.ndarray, shape (n,)
        How many entries of those weeks each is.
    sensitivity, specificity, level
        As for `ai_share`.
    draws, seed
        As for `draw_labels`.

    Returns
    -------
    recordings, entries : Estimate
        Share of the recordings, and of their entries. An error about a recording is one error in all its weeks: taken
        for independent, a year's entries would promise an interval several times too narrow.

    Raises
    ------
    ValueError
        As for `draw_labels` and `ai_share`, or `entries` are not as many numbers above 0.
    """
    flagged, entries, draws = _flags(flagged), floats("entries", entries, "(n,)"), whole("draws", draws, 1)
    if len(entries) != len(flagged):
        raise ValueError(f"entries must be {len(flagged)} numbers above 0, as many as recordings, not {len(entries)}")
    if (wrong := ~((entries > 0) & np.isfinite(entries))).any():
        raise ValueError(f"entries must be {len(flagged)} numbers above 0, not {first(wrong, entries)}")
    trials = {"sensitivity": sensitivity, "specificity": specificity}
    of_recordings = ai_share(int(flagged.sum()), len(flagged), level=level, **trials).census
    if not len(flagged):
        return of_recordings, of_recordings
    shares = draw_labels(flagged, draws=draws, seed=seed, **trials) @ entries / entries.sum()
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    method = f"census posterior of {len(flagged)} recordings, {draws} draws, seed {seed}, equal tails, {level:.4g}"
    return of_recordings, Estimate(float(shares.mean()), float(low), float(high), int(entries.sum()), method)


def _joint(
    flagged: int, measured: int, sensitivity: tuple[float, float], specificity: tuple[float, float]
) -> np.ndarray:
    """Posterior probability of j AI-made recordings among the flagged and i among the others, (flagged + 1, passed + 1)."""
    from scipy.special import gammaln

    flagged, measured = _check(flagged, measured, sensitivity, specificity)
    caught = np.arange(flagged + 1)[:, None]  # j
    missed = np.arange(measured - flagged + 1)[None, :]  # i
    false, passed = flagged - caught, measured - flagged - missed
    logarithm = np.zeros((flagged + 1, measured - flagged + 1))
    for right, wrong, (hits, trials) in ((caught, missed, sensitivity), (passed, false, specificity)):
        a, b = hits + 0.5, trials - hits + 0.5
        logarithm += gammaln(right + wrong + 1) - gammaln(right + 1) - gammaln(wrong + 1)
        logarithm += gammaln(right + a) + gammaln(wrong + b) - gammaln(right + wrong + a + b)
    joint = np.exp(logarithm - logarithm.max())
    return joint / joint.sum()


def _census(
    flagged: int, measured: int, sensitivity: tuple[float, float], specificity: tuple[float, float], level: float
) -> Estimate:
    if not measured:
        return Estimate(np.nan, 0.0, 1.0, 0, "no estimate: nothing was measured")
    posterior = census_posterior(flagged, measured, sensitivity=sensitivity, specificity=specificity)
    tails = (1 - level) / 2, (1 + level) / 2
    low, high = np.minimum(np.searchsorted(np.cumsum(posterior), tails), measured)
    mean = float(posterior @ np.arange(measured + 1))
    # At 0 and at n the posterior may lean so far that its mean falls outside: "0.1 of 100 [0-0]" would confuse.
    low, high = min(low, np.floor(mean + 1e-9)), max(high, np.ceil(mean - 1e-9))
    method = f"census posterior, equal tails, {level:.4g}"
    return Estimate(mean / measured, float(low / measured), float(high / measured), measured, method)


def _rogan_gladen(
    flagged: int, measured: int, sensitivity: tuple[float, float], specificity: tuple[float, float], level: float
) -> Estimate:
    """Share corrected for the classifier's errors, with an interval that holds its level in small trials.

    References
    ----------
    W. J. Rogan, B. Gladen: Estimating prevalence from the results of a screening test, American Journal of Epidemiology
    107, 1978. Z. Lang, J. Reiczigel: Confidence limits for prevalence of disease adjusted for estimated sensitivity and
    specificity, Preventive Veterinary Medicine 113, 2014.
    """
    from scipy.special import ndtri

    if not measured:
        return Estimate(np.nan, 0.0, 1.0, 0, "no estimate: nothing was measured")
    (se_hits, se_trials), (sp_hits, sp_trials) = sensitivity, specificity
    youden = se_hits / se_trials + sp_hits / sp_trials - 1
    if not youden > 0:
        return Estimate(np.nan, 0.0, 1.0, measured, "no estimate: the classifier is no better than chance")
    value = (flagged / measured + sp_hits / sp_trials - 1) / youden

    # Shrunk towards the middle, as Agresti and Coull do for one proportion, then shifted by what that costs.
    z = float(ndtri((1 + level) / 2))
    n = measured + z**2
    p = (flagged + z**2 / 2) / n
    se, sp = (se_hits + 1) / (se_trials + 2), (sp_hits + 1) / (sp_trials + 2)
    se_variance, sp_variance = se * (1 - se) / (se_trials + 2), sp * (1 - sp) / (sp_trials + 2)
    youden = se + sp - 1
    center = (p + sp - 1) / youden
    shift = 2 * z**2 * (center * se_variance - (1 - center) * sp_variance)
    variance = p * (1 - p) / n + center**2 * se_variance + (1 - center) ** 2 * sp_variance
    reach = z * np.sqrt(variance) / youden
    low, high = np.clip([center + shift - reach, center + shift + reach], 0, 1)
    method = f"Rogan-Gladen, Lang-Reiczigel interval, {level:.4g}"
    if low == high:  # a width of nothing would read as certainty
        method += "; the interval lies outside 0 to 1: the trials do not describe this chart"
    return Estimate(float(np.clip(value, 0, 1)), float(low), float(high), measured, method)


def _flags(flagged: np.ndarray) -> np.ndarray:
    array = np.asarray(flagged)
    if array.ndim != 1:
        raise ValueError(f"flagged must be shaped (n,), one for each recording, not {array.shape}")
    if array.dtype != bool:  # as bool a score of .1, a NaN and any verdict's name would all be flags
        for place, one in enumerate(array.tolist()):
            if not (isinstance(one, bool | int | float | np.bool_) and one in (0, 1)):
                raise ValueError(f"flagged must be True or False for each recording, not {one!r} (place {place})")
    return array.astype(bool)


def _check(
    flagged: int, measured: int, sensitivity: tuple[float, float], specificity: tuple[float, float]
) -> tuple[int, int]:
    flagged, measured = whole("flagged", flagged), whole("measured", measured)
    if not 0 <= flagged <= measured:
        raise ValueError(f"flagged must lie between 0 and measured: flagged={flagged}, measured={measured}")
    for name, record in (("sensitivity", sensitivity), ("specificity", specificity)):
        try:
            hits, trials = record
            fits = trials > 0 and 0 <= hits <= trials < np.inf
        except (TypeError, ValueError):
            raise ValueError(
                f"{name} must be (hits, trials), such as (190, 200), not {record!r}: a rate does not say how sure it is"
            ) from None
        if not fits:
            raise ValueError(f"{name} must be (hits, trials), hits of at least one trial: hits={hits}, trials={trials}")
    return flagged, measured
