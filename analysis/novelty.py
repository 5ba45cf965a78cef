"""How far a recording sounds like what charted before it.

Conventions: n recordings of now, m of the past, each recording once; distances are (n, m) and (m, m). The past is what was on
the chart in the 52 weeks before and is no longer: songs that stay would be held against themselves, week after week. A
recording is never compared with another of its artist: who sounds like oneself says nothing of a culture. What a recording is novel against is stated with the number, since the nearest of many is nearer than of few.

* typicality: mean cosine similarity to the past. High: it sounds like what charted.
* novelty: distance to the nearest of `DRAWN` recordings drawn from the past, in the mean over all draws. Unlike the
  distance to the nearest of all it does not fall as the past fills.
* percentile: where the distance to the nearest of all stands among those of the past's own recordings.
* conserve index: the share of recordings whose nearest is nearer than is usual in the past. ½ is as usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .diversity import whose
from .estimates import Estimate, effective_number, estimate_share
from .space import first, floats, whole

PAST_WEEKS = 52
DRAWN = 50
"""Recordings of the past that novelty is measured against."""


class Nearest(NamedTuple):
    """The nearest recording of the past to each of now.

    Attributes
    ----------
    which : numpy.ndarray of int, shape (n,)
        Its place in the past; -1 where there is none to compare with.
    distance : numpy.ndarray, shape (n,)
        NaN where there is none.
    """

    which: np.ndarray
    distance: np.ndarray


def nearest(distances: np.ndarray, apart: np.ndarray) -> Nearest:
    """Find the nearest recording of the past.

    Parameters
    ----------
    distances : numpy.ndarray, shape (n, m)
        0 or more; not finite where two share no descriptor.
    apart : numpy.ndarray of bool, shape (n, m)
        Whether two may be compared: another recording, by others.

    Returns
    -------
    Nearest

    Raises
    ------
    ValueError
        A distance is negative, shapes differ, or `apart` is not of bool.
    """
    far, _ = _comparable(distances, apart)
    if not far.shape[1]:
        return Nearest(np.full(len(far), -1), np.full(len(far), np.nan))
    index = far.argmin(axis=1)
    distance = far[np.arange(len(far)), index]
    _check_least(distance, far)
    found = np.isfinite(distance)
    return Nearest(np.where(found, index, -1), np.where(found, distance, np.nan))


def novelty(distances: np.ndarray, apart: np.ndarray, drawn: int = DRAWN) -> np.ndarray:
    """Mean distance to the nearest of `drawn` recordings of the past.

    Parameters
    ----------
    distances, apart
        As for `nearest`.
    drawn : int
        Drawn without replacement; exact over all draws, no sampling.

    Returns
    -------
    numpy.ndarray, shape (n,)
        NaN where there are fewer to draw from.

    Raises
    ------
    ValueError
        As for `nearest`, or `drawn` is no whole number from 1.

    Notes
    -----
    Of m sorted distances the i-th (from 0) is the least of a draw with probability C(m-1-i, drawn-1) / C(m, drawn).

    References
    ----------
    E. Zhou, D. Lee: Generative artificial intelligence, human creativity, and art, PNAS Nexus 3, 2024 (novelty as the
    distance to the nearest before; its peak may rise while its mean falls).
    """
    drawn = whole("drawn", drawn, 1)
    far, known = _comparable(distances, apart)
    ordered = np.sort(far, axis=1)
    _check_least(ordered[:, :1].ravel(), far)
    values = np.full(len(ordered), np.nan)
    counts = known.sum(axis=1)
    for count in np.unique(counts[counts >= drawn]):
        chances = _chances_of_least(int(count), drawn)
        here = counts == count
        values[here] = ordered[here, : len(chances)] @ chances
    return values


def typicality(rows: np.ndarray, past: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Mean cosine similarity to the recordings of the past.

    Parameters
    ----------
    rows, past : numpy.ndarray, shape (n, d) and (m, d)
        Coordinates around what is usual, as `Space.embed` gives. A row of zeros, or with a value that is not finite,
        has no direction: it counts as not measured.
    apart : numpy.ndarray of bool, shape (n, m)
        As for `nearest`.

    Returns
    -------
    numpy.ndarray, shape (n,)
        -1 to 1; 0 for a recording that is as like as unlike what charted. NaN for one without direction, and where there
        is none to compare with.

    Raises
    ------
    ValueError
        Shapes differ, or `apart` is not of bool.

    References
    ----------
    N. Askin, M. Mauskapf: What Makes Popular Culture Popular? Product Features and Optimal Differentiation in Music,
    American Sociological Review 82, 2017.
    """
    rows, past, apart = floats("rows", rows, "(n, d)"), floats("past", past, "(m, d)"), np.asarray(apart)
    if rows.shape[1] != past.shape[1]:
        raise ValueError(f"rows and past must have the same columns: {rows.shape[1]} and {past.shape[1]}")
    _check_apart(apart, (len(rows), len(past)))
    (rows, measured), (past, charted) = _unit(rows), _unit(past)
    if not (measured.all() and charted.all()):
        apart = apart & measured[:, None] & charted
    cosines = rows @ past.T
    counts = apart.sum(axis=1)
    total = np.where(apart, cosines, 0).sum(axis=1)
    return np.divide(total, counts, out=np.full(len(rows), np.nan), where=counts > 0)


def percentile(distance: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Which share of the past's own nearest distances is less than each of these; NaN where either is not measured.

    Parameters
    ----------
    distance : numpy.ndarray, shape (n,)
        To the nearest of the past; not finite where not measured.
    usual : numpy.ndarray, shape (m,)
        From each recording of the past to its nearest other; the same.

    Returns
    -------
    numpy.ndarray, shape (n,)
        0 (nearer to something than anything was) to 1; ties count half.

    Raises
    ------
    ValueError
        A distance is negative, or a shape is wrong.
    """
    distance, usual = floats("distance", distance, "(n,)"), floats("usual", usual, "(m,)")
    for name, values in (("distance", distance), ("usual", usual)):
        if (values < 0).any():
            raise ValueError(f"{name} must be 0 or more, not {first(values < 0, values)}")
    usual = np.sort(usual[np.isfinite(usual)])
    if not len(usual):
        return np.full(len(distance), np.nan)
    ranks = (np.searchsorted(usual, distance, "left") + np.searchsorted(usual, distance, "right")) / 2
    return np.where(np.isfinite(distance), ranks / len(usual), np.nan)


def conserve_index(
    distance: np.ndarray,
    artists: Sequence[object] | np.ndarray,
    usual: np.ndarray,
    past_artists: Sequence[object] | np.ndarray,
) -> Estimate:
    """Estimate which share of recordings has a nearer neighbour in the past than chart music usually has.

    Parameters
    ----------
    distance : numpy.ndarray, shape (n,)
        To the nearest of the past (`nearest`).
    artists : sequence of length n
        Whose each is; one that is unknown (None, NaN, "") stands alone.
    usual : numpy.ndarray, shape (m,)
        From each recording of the past to its nearest other; their median is what is usual.
    past_artists : sequence of length m
        Whose those are; one that is unknown (None, NaN, "") stands alone.

    Returns
    -------
    Estimate
        0 to 1; ½: as in the past year. Above: the chart lives more than before on sounds that it knows. The interval
        counts recordings of one artist together, and knows that the median is of a sample too.

    Raises
    ------
    ValueError
        A distance is negative, or lengths differ.

    References
    ----------
    The idea of a culture that lives on its preserved works is Moreno's cultural conserve: J. L. Moreno, Who Shall
    Survive?, 1953. The definition is ours.
    """
    usual = floats("usual", usual, "(m,)")
    places = percentile(distance, usual)
    artist, past_artist = whose("artists", artists, len(places)), whose("past_artists", past_artists, len(usual))
    known = np.isfinite(usual)
    if not known.any():
        return Estimate(np.nan, np.nan, np.nan, 0, "no estimate: there is no past to compare with")
    hits = np.where(places == 0.5, 0.5, places < 0.5)
    independent = effective_number(np.bincount(past_artist[known]))
    return estimate_share(np.where(np.isfinite(places), hits, np.nan), artist, others=independent)


def _comparable(distances: np.ndarray, apart: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances, infinite where two are not to be compared, and whether they are."""
    distances, apart = floats("distances", distances, "(n, m)"), np.asarray(apart)
    _check_apart(apart, distances.shape)
    known = np.isfinite(distances) & apart
    return np.where(known, distances, np.inf), known


def _check_apart(apart: np.ndarray, shape: tuple[int, ...]) -> None:
    if apart.shape != shape:
        raise ValueError(f"apart must be shaped {shape}, a value for every pair, not {apart.shape}")
    if apart.dtype != bool:
        raise ValueError(f"apart must be True or False for every pair, an array of bool, not of {apart.dtype}")


def _check_least(least: np.ndarray, far: np.ndarray) -> None:
    """Refuse negative distances by the least of each row, which is known anyway: no pass through all of them."""
    if (least < 0).any():
        raise ValueError(f"distances must be 0 or more, not {first(far < 0, far)}")


def _chances_of_least(count: int, drawn: int) -> np.ndarray:
    """Probability that each of `count` sorted values is the least of a draw; those below 1e-12 are left out."""
    from scipy.special import gammaln

    place = np.arange(count - drawn + 1)
    left = count - 1 - place
    chances = np.exp(
        gammaln(left + 1) - gammaln(left - drawn + 2) - gammaln(count + 1) + gammaln(count - drawn + 1) + np.log(drawn)
    )
    return chances[: int(np.searchsorted(-chances, -1e-12)) or 1]


def _unit(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of length 1, zeros where one has no direction, and which have one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    known = (lengths > 0) & np.isfinite(lengths)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=known), known[:, 0]
