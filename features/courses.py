"""What a descriptor is, and how a course over time becomes descriptors.

A *course* is one number per frame (the spectral centroid, a band's level). It is summarised by the statistics that its
declaration names; each makes one descriptor, ``family.course.statistic``. What is not a course is declared as a
`Descriptor` itself. Every family declares what it measures beside the code that measures it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

Measured = dict[str, float | str]
"""The number, or the reason why there is none, by the descriptor's name."""

STATISTICS: Mapping[str, tuple[str, str, str]] = {
    "mean": ("Mean over frames", "", ""),
    "sd": ("Standard deviation over frames", "variation", "разброс"),
    "p10": ("10th percentile over frames", "low end", "нижние значения"),
    "median": ("Median over frames", "typical", "обычное значение"),
    "p90": ("90th percentile over frames", "high end", "верхние значения"),
    "change": ("Mean absolute difference of neighbouring frames", "speed of change", "скорость изменений"),
}
"""What is said of a course: in a definition, in an English label, in a Russian one."""

ALL = tuple(STATISTICS)


@dataclass(frozen=True)
class Descriptor:
    """A named number computed from audio.

    Attributes
    ----------
    name : str
        ``family.descriptor`` or ``family.descriptor.statistic``.
    unit : str
        ``"1"`` for numbers without a dimension.
    low, high : float
        Ends of the range that every value lies in.
    definition : str
        What is measured, in one sentence.
    source : str
        Paper or standard; ``Chartropy`` where it is defined here.
    label, label_ru : str
        What a person would call it, in English and in Russian.
    """

    name: str
    unit: str
    low: float
    high: float
    definition: str
    source: str
    label: str
    label_ru: str

    @property
    def family(self) -> str:
        return self.name.partition(".")[0]

    def label_in(self, language: str) -> str:
        """Return what a person would call it, in Russian (``ru``) or else in English."""
        return self.label_ru if language == "ru" else self.label


@dataclass(frozen=True)
class Course:
    """A number per frame, declared once for all its statistics.

    Attributes
    ----------
    name : str
        ``family.course``.
    statistics : tuple of str
        Of `STATISTICS`.

    The others are those of `Descriptor`; `low` and `high` bound the course itself.
    """

    name: str
    unit: str
    low: float
    high: float
    definition: str
    source: str
    label: str
    label_ru: str
    statistics: tuple[str, ...] = ALL

    def descriptors(self) -> Iterator[Descriptor]:
        """Yield one descriptor for each statistic."""
        width = self.high - self.low
        ranges = {"sd": (0.0, width / 2), "change": (0.0, width)}  # no numbers in a range can vary more
        difference = "dB" if self.unit == "dBFS" else self.unit  # of two levels
        for statistic in self.statistics:
            said, also, also_ru = STATISTICS[statistic]
            low, high = ranges.get(statistic, (self.low, self.high))
            yield Descriptor(
                f"{self.name}.{statistic}",
                difference if statistic in ranges else self.unit,
                low,
                high,
                f"{said}: {self.definition}",
                self.source,
                f"{self.label}, {also}" if also else self.label,
                f"{self.label_ru}, {also_ru}" if also_ru else self.label_ru,
            )


def summarise(courses: Iterable[Course], values: Mapping[str, np.ndarray], sounding: np.ndarray) -> Measured:
    """Summarise courses by the statistics that each declares.

    Parameters
    ----------
    courses : iterable of Course
    values : mapping of str to numpy.ndarray, shape (frames,)
        By the course's name; NaN where a frame has no value.
    sounding : numpy.ndarray, shape (frames,), bool
        Frames that count.

    Returns
    -------
    dict of str to float or str
        A reason in place of a number where fewer than two frames have a value.
    """
    courses = list(courses)
    if not courses:
        return {}
    rows = np.stack([values[course.name] for course in courses]).astype(np.float32, copy=False)
    measured: Measured = {}
    whole = ~np.isnan(rows[:, sounding]).any(axis=1)
    for chosen, frames in [
        (np.flatnonzero(whole), sounding),
        *(([row], sounding & ~np.isnan(rows[row])) for row in np.flatnonzero(~whole)),
    ]:
        if len(chosen) == 0:
            continue
        statistics = _statistics(rows[chosen], frames)
        for place, row in enumerate(chosen):
            course = courses[row]
            for name in course.statistics:
                found = statistics if isinstance(statistics, str) else float(statistics[name][place])
                if found != found:
                    found = "no two neighbouring frames have a value"
                measured[f"{course.name}.{name}"] = found
    return measured


def _statistics(rows: np.ndarray, frames: np.ndarray) -> dict[str, np.ndarray] | str:
    """Every statistic of every row, each shape (rows,), over the frames that count."""
    count = int(np.count_nonzero(frames))
    if count < 2:
        return f"it can be measured in {count} frame{'' if count == 1 else 's'}: two are needed"
    both = frames[1:] & frames[:-1]
    change = np.abs(np.diff(rows, axis=1))[:, both].mean(axis=1) if both.any() else np.full(len(rows), np.nan)
    kept = rows if count == rows.shape[1] else np.ascontiguousarray(rows[:, frames])
    mean = kept.mean(axis=1, keepdims=True)
    deviation = kept - mean
    # a mean of singles is off by rounding: what is left over is added back
    mean[:, 0] += deviation.mean(axis=1)
    ranked = np.sort(kept, axis=1)
    return {
        "mean": np.clip(mean[:, 0], ranked[:, 0], ranked[:, -1]),
        "sd": np.sqrt(np.einsum("cf,cf->c", deviation, deviation) / count),
        "change": change,
        **{name: _quantile(ranked, share) for name, share in (("p10", 0.1), ("median", 0.5), ("p90", 0.9))},
    }


def _quantile(ranked: np.ndarray, share: float) -> np.ndarray:
    place = share * (ranked.shape[1] - 1)
    below = int(place)
    above = min(below + 1, ranked.shape[1] - 1)
    return ranked[:, below] + np.float32(place - below) * (ranked[:, above] - ranked[:, below])
