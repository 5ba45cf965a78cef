"""Where recordings lie to each other: descriptors on scales fixed once by a reference, distances, similarities.

Conventions: descriptors are rows (n, d); distances (n, n) or (n, m) are 0 or more; similarities lie in [0, 1]; NaN means
not measured. Nothing here is computed from the set itself that would change its scale: the space is fixed by a reference,
the kernel by a constant, so a trend over weeks is a trend in the music.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

KERNEL_SCALE = 0.5**0.5
"""Scale of the similarity: recordings as far apart as two of the reference usually are (1) are 1/e alike."""

SAME = 0.3
"""Recordings that lie no farther apart are taken for one. So near to themselves lay, of 60 clips, all that were coded anew as MP3 at
128 kbit/s, 40 as AAC, 14 as MP3 at 64; 59 made 6 dB lower, 53 begun a second later (`benchmarks/copies.py`). Of 440 clips one pair is
nearer to each other (.15; both of one source, and their waves correlate by .44); the next is .40 apart."""

Z_LIMIT = 5.0
"""Standard scores beyond this count as this: one broken descriptor must not outweigh a song."""


def fit_space(reference: pd.DataFrame, *, limit: float = Z_LIMIT) -> Space:
    """Fix the scale of every descriptor on a reference.

    Parameters
    ----------
    reference : pandas.DataFrame, shape (n, d)
        Descriptors, the columns named ``family.something``. Missing values are skipped.
    limit : float
        More than 0. Standard scores are clipped to this.

    Returns
    -------
    Space
        Medians, and interquartile ranges as standard deviations of a Gaussian. Where half of the reference shares one
        value the standard deviation takes the place of the range; a descriptor that does not vary is left out.

    Raises
    ------
    ValueError
        A column belongs to no family, is there twice or holds no numbers, or none varies.
    """
    if not hasattr(reference, "columns"):
        raise ValueError(f"reference must be a pandas.DataFrame with named columns, not {type(reference).__name__}")
    if not reference.columns.is_unique:
        twice = reference.columns[reference.columns.duplicated()][0]
        raise ValueError(f"column {twice!r} is there twice: leave one of the two out")
    names, centers, scales = [], [], []
    for name in map(str, reference.columns):
        if "." not in name.strip("."):
            raise ValueError(f"column {name!r} names no family: descriptors are named family.something")
        values = _of_frame(f"column {name!r}", reference[name])
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
    """Similarities exp(-(d/scale)²/2) of any array of distances: 1 at no distance, 0 far away. NaN stays NaN.

    Raises
    ------
    ValueError
        A distance is less than 0, or `scale` is not more.
    """
    if not (real(scale) and 0 < scale < np.inf):
        raise ValueError(f"scale must be more than 0, not {scale}")
    distances = floats("distances", distances)
    if (distances < 0).any():
        raise ValueError(f"distances must be 0 or more, not {first(distances < 0, distances)}")
    return np.exp(-0.5 * (distances / scale) ** 2)


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

    Raises
    ------
    ValueError
        Names, centers and scales do not go together, or a scale or the limit is not more than 0.
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
        if len(set(self.names)) < len(self.names):
            twice = next(name for i, name in enumerate(self.names) if name in self.names[:i])
            raise ValueError(f"descriptor {twice!r} is named twice")
        centers, scales = floats("centers", self.centers, "(d,)"), floats("scales", self.scales, "(d,)")
        if (wrong := ~(np.isfinite(centers) & (scales > 0) & (scales < np.inf))).any():
            bad = int(wrong.argmax())
            raise ValueError(
                f"{self.names[bad]!r} needs a finite center and a scale above 0, not {centers[bad]:.6g} and {scales[bad]:.6g}"
            )
        if not (real(self.limit) and self.limit > 0):
            raise ValueError(f"limit must be more than 0, not {self.limit}")

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
            A column is missing or holds no numbers, or an array has another shape.
        """
        if not isinstance(rows, np.ndarray) and hasattr(rows, "columns"):
            missing = [name for name in self.names if name not in rows.columns]
            if missing:
                raise ValueError(f"{len(missing)} of {len(self.names)} descriptors are missing, first {missing[0]!r}")
            rows = _of_frame("rows", rows[list(self.names)])
        values = floats("rows", rows)
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

        Raises
        ------
        ValueError
            As for `standardize`.
        """
        left = self.standardize(rows)
        right = left if others is None else self.standardize(others)
        # Families that every row has whole need one product in all; the others, one each for who has what.
        whole = np.isfinite(left).all(axis=0) & np.isfinite(right).all(axis=0)
        whole &= ~np.isin(self._families, self._families[~whole])
        families, count = np.unique(self._families, return_counts=True)
        weights = 1 / count[np.searchsorted(families, self._families)]
        root = np.sqrt(weights[whole])
        total = _squared_differences(left[:, whole] * root, right[:, whole] * root)
        shared = np.full_like(total, len(np.unique(self._families[whole])))
        for family in np.unique(self._families[~whole]):
            here = self._families == family
            squares, count = _shared_differences(left[:, here], right[:, here])
            total += np.divide(squares, count, out=np.zeros_like(total), where=count > 0)
            shared += count > 0
        total = np.divide(total, 2 * shared, out=np.full_like(total, np.nan), where=shared > 0)
        total[total < 1e-12] = 0  # the rounding of a difference of large products: these rows are equal
        return np.sqrt(total)

    def embed(self, rows: np.ndarray | pd.DataFrame) -> np.ndarray:
        """Coordinates whose Euclidean distances are those of `distances`, (n, d), where nothing is missing.

        A missing value becomes 0, the reference's median. For what needs coordinates: cosines, Fréchet distance, the
        Vendi score of many rows. A row without any value becomes zeros, which have no direction. Refuses what
        `standardize` refuses.
        """
        families, count = np.unique(self._families, return_counts=True)
        weights = 1 / (2 * len(families) * count[np.searchsorted(families, self._families)])
        return np.nan_to_num(self.standardize(rows)) * np.sqrt(weights)

    def only(self, *families: str) -> Space:
        """The same scales for the descriptors of some families alone.

        Raises
        ------
        ValueError
            A family is unknown, or none is named.
        """
        if not families:
            raise ValueError(f"name a family or more: {', '.join(sorted(set(self._families)))}")
        if unknown := set(families) - set(self._families):
            raise ValueError(
                f"no descriptor is of {sorted(unknown)[0]!r}: families are {', '.join(sorted(set(self._families)))}"
            )
        here = np.isin(self._families, families)
        return Space(tuple(np.array(self.names)[here].tolist()), self.centers[here], self.scales[here], self.limit)

    @property
    def _families(self) -> np.ndarray:
        return np.array([name.split(".", 1)[0] for name in self.names])

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


def floats(name: str, values: Any, shape: str = "") -> np.ndarray:
    """Return what an analyst gave as an array of floats, shaped as said: "(n,)" or "(n, d)", whatever the letters.

    Raises
    ------
    ValueError
        Something is not a number, or the shape is another.
    """
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array {shape or 'of numbers'}: {error}") from None
    if shape and array.ndim != (2 if ", " in shape else 1):
        raise ValueError(f"{name} must be shaped {shape}, not {array.shape}")
    return array


def real(value: object) -> TypeGuard[float]:
    """Whether it is one number: arrays, strings and None cannot be compared with bounds."""
    return isinstance(value, int | float | np.integer | np.floating)


def whole(name: str, value: Any, least: int | None = None, most: int | None = None, of: str = "") -> int:
    """Return a whole number from `least` to `most`, of which `of` says what it is.

    Raises
    ------
    ValueError
        It is none.
    """
    if not real(value) or not float(value).is_integer():
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    if most is not None and not (least or 0) <= value <= most:
        raise ValueError(f"{name} must lie between {least or 0} and {of or most}, not {value}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be {least} or more, not {value}")
    return int(value)


def check_level(level: object) -> None:
    """Refuse what is no coverage to aim at, with a ValueError."""
    if not (real(level) and 0 < level < 1):
        raise ValueError(f"level must lie between 0 and 1, such as .95, not {level}")


def first(wrong: np.ndarray, values: np.ndarray) -> str:
    """Say the first value that is wrong, and where it is."""
    at = np.unravel_index(int(wrong.argmax()), wrong.shape)
    names = ("row", "column") if len(at) == 2 else ("place",) * len(at)
    return f"{values[at]:.6g} ({', '.join(f'{name} {i}' for name, i in zip(names, at, strict=True))})"


def _of_frame(name: str, frame: pd.DataFrame | pd.Series) -> np.ndarray:
    try:
        return frame.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers: {error}") from None


def _squared_differences(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sums of squared differences, (n, m)."""
    return (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T


def _shared_differences(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squared differences over the columns that both rows have, and how many those are; both (n, m)."""
    has_left, has_right = (np.isfinite(z).astype(float) for z in (left, right))
    left, right = np.nan_to_num(left), np.nan_to_num(right)
    squares = (left**2) @ has_right.T + has_left @ (right**2).T - 2 * left @ right.T
    return squares, has_left @ has_right.T
