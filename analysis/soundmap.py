"""Recordings on a plane: near on the map means alike in sound, as far as two dimensions can say it.

A map is a picture, not a measure. It says how true it is: `SoundMap.kept` and `SoundMap.trustworthiness`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .space import Space

if TYPE_CHECKING:
    import pandas as pd

RIGHT, UP = "timbre.centroid.mean", "rhythm.onset.rate"
"""Bright sounds lie to the right and busy ones above, so that the maps of two weeks look alike."""

AXES = (
    RIGHT,
    UP,
    "rhythm.tempo.bpm",
    "rhythm.pulse_clarity",
    "rhythm.danceability",
    "dynamics.loudness.integrated",
    "dynamics.loudness.range",
    "production.density",
    "stereo.width",
    "timbre.flatness.mean",
    "structure.likeness.mean",
    "vocals.presence",
)
"""What a direction of the map may be named after: descriptors that a listener knows."""

STRONG = 0.4
"""Rank correlation from which a direction is named after a descriptor."""

NEIGHBOURS = 5


class SoundMap(NamedTuple):
    """Where recordings lie on a plane.

    Attributes
    ----------
    places : numpy.ndarray, shape (n, 2)
        In the unit of the distances; the mean at 0.
    kept : float
        Correlation of the distances on the map with those of the sound, -1 to 1; NaN for fewer than three recordings.
    trustworthiness : float
        0 to 1: how far the five nearest on the map are among the nearest in sound; NaN for fewer than 12 recordings.
    axes : tuple of tuple of (str, float)
        For the direction to the right and the one upwards: the descriptors of `AXES` that go with it most, at most two of
        them, with their rank correlation; none where none reaches `STRONG`.
    """

    places: np.ndarray
    kept: float
    trustworthiness: float
    axes: tuple[tuple[tuple[str, float], ...], ...]


def sound_map(vectors: pd.DataFrame, space: Space) -> SoundMap:
    """Lay recordings on a plane so that their distances are kept as well as can be.

    Parameters
    ----------
    vectors : pandas.DataFrame
        Descriptors, a row for each recording.
    space : Space
        Whose distances are kept.

    Returns
    -------
    SoundMap
        The same rows give the same map; their order does not matter but for rounding.

    Notes
    -----
    Metric multidimensional scaling by majorization (SMACOF), begun at the two first principal components, so nothing is
    drawn by chance; then turned so that `RIGHT` grows to the right, and mirrored so that `UP` grows upwards. Two that share
    no descriptor are taken to be the mean distance apart. Memory and time grow with n².

    References
    ----------
    J. de Leeuw: Applications of convex analysis to multidimensional scaling, Recent Developments in Statistics, 1977
    (SMACOF). J. Venna, S. Kaski: Neighborhood preservation in nonlinear projection methods, ICANN 2001 (trustworthiness).
    """
    n = len(vectors)
    if n < 2:
        return SoundMap(np.zeros((n, 2)), np.nan, np.nan, ((), ()))
    distances = space.distances(vectors)
    upper = np.triu_indices(n, 1)
    known = distances[upper]
    distances[~np.isfinite(distances)] = known[np.isfinite(known)].mean() if np.isfinite(known).any() else 0.0
    np.fill_diagonal(distances, 0)
    places = _scaled(distances, space.embed(vectors))
    columns = {name: vectors[name].to_numpy(dtype=float) for name in AXES}
    places = _turned(places, columns[RIGHT], columns[UP])
    apart = np.linalg.norm(places[:, None] - places, axis=2)[upper]
    kept = float(np.corrcoef(apart, distances[upper])[0, 1]) if n > 2 and np.ptp(apart) and np.ptp(known) else np.nan
    return SoundMap(places, kept, _trust(distances, places), _named(places, columns))


def _scaled(distances: np.ndarray, rows: np.ndarray) -> np.ndarray:
    from sklearn.manifold import smacof

    rows = rows - rows.mean(axis=0)
    left, values, _ = np.linalg.svd(rows, full_matrices=False)
    left = left * np.where(np.abs(left).max(axis=0) == left.max(axis=0), 1, -1)  # the sign of a component is arbitrary
    begun = np.zeros((len(rows), 2))
    count = min(2, len(values))
    begun[:, :count] = left[:, :count] * values[:count]
    if not distances.any():
        return np.zeros_like(begun)
    places = np.asarray(smacof(distances, init=begun, n_init=1, max_iter=300, eps=1e-6)[0])
    return places - places.mean(axis=0)


def _turned(places: np.ndarray, right: np.ndarray, up: np.ndarray) -> np.ndarray:
    slope = _direction(places, right)
    if (length := float(np.hypot(*slope))) > 0:
        x, y = slope / length
        places = places @ np.array([[x, -y], [y, x]])
    return places * (1, -1) if _direction(places, up)[1] < 0 else places


def _direction(places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where some values grow on the map: the slopes of a plane through them."""
    known = np.isfinite(values)
    if known.sum() < 3 or not np.ptp(values[known]):
        return np.zeros(2)
    here = places[known] - places[known].mean(axis=0)
    return np.linalg.lstsq(here, values[known] - values[known].mean(), rcond=None)[0]


def _trust(distances: np.ndarray, places: np.ndarray) -> float:
    from sklearn.manifold import trustworthiness

    if len(places) <= 2 * NEIGHBOURS + 1 or not distances.any():
        return np.nan
    return float(trustworthiness(distances, places, n_neighbors=NEIGHBOURS, metric="precomputed"))


def _named(places: np.ndarray, columns: dict[str, np.ndarray]) -> tuple[tuple[tuple[str, float], ...], ...]:
    """By axis, the two descriptors that go with it most; none names both."""
    from scipy.stats import rankdata

    found: tuple[list[tuple[str, float]], ...] = ([], [])
    for name, values in columns.items():
        known = np.isfinite(values)
        if known.sum() > 2 * NEIGHBOURS and np.ptp(values[known]):
            along = [
                float(np.corrcoef(rankdata(values[known]), rankdata(axis[known]))[0, 1]) if np.ptp(axis[known]) else 0.0
                for axis in places.T
            ]
            found[int(abs(along[1]) > abs(along[0]))].append((name, max(along, key=abs)))
    return tuple(
        tuple((name, r) for name, r in sorted(axis, key=lambda one: -abs(one[1]))[:2] if abs(r) >= STRONG)
        for axis in found
    )
