"""Every descriptor: its name, unit, range, definition and source, and what a person would call it.

``python -m chartropy.features.registry docs/DESCRIPTOR_LIST.md`` writes the list for the docs.

A name says family, descriptor and, where a course over time was summarised, the statistic. Each family declares its own,
beside the code that measures them. The order of `DESCRIPTORS` is the order of `Description.values`; it may only change
together with `EXTRACTOR_VERSION`, because stored rows of one version are read in one order.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from . import dynamics, production, rhythm, spectrum, stereo, structure, timbre, tonality, vocals
from .courses import Course, Descriptor

if TYPE_CHECKING:
    import pandas as pd

EXTRACTOR_VERSION = "3"
"""Changes whenever any number does, or the sketch: rows of different versions are never compared."""

_MODULES = (timbre, rhythm, tonality, dynamics, structure, stereo, vocals, production, spectrum)

FAMILIES = tuple(module.__name__.rpartition(".")[2] for module in _MODULES)
"""Families, in the order of the registry."""

DESCRIPTORS: Mapping[str, Descriptor] = MappingProxyType({d.name: d for module in _MODULES for d in module.DESCRIPTORS})
"""Every descriptor by name, in the order of `Description.values`."""


def as_table(family: str | None = None) -> pd.DataFrame:
    """Return the registry as a table.

    Parameters
    ----------
    family : str, optional
        Only this one of `FAMILIES`; default: all.

    Returns
    -------
    pandas.DataFrame
        ``name, unit, low, high, label, label_ru, definition, source``, a row per descriptor.
    """
    import pandas as pd

    columns = "name unit low high label label_ru definition source".split()
    chosen = (d for d in DESCRIPTORS.values() if family in (None, d.family))
    return pd.DataFrame([[getattr(d, column) for column in columns] for d in chosen], columns=columns)


def as_markdown() -> str:
    """Return the registry as one table per family; a course is one row, with its statistics."""
    lines = [
        f"# The {len(DESCRIPTORS)} descriptors of extractor {EXTRACTOR_VERSION}",
        "",
        "Made from the registry by `python -m chartropy.features.registry docs/DESCRIPTOR_LIST.md`; `chartropy descriptors`",
        "prints the same as a table. A course over time has one row here, with the statistics that make its descriptors:",
        "`timbre.centroid` .mean is `timbre.centroid.mean`. A unit of 1 is a number without a dimension.",
        "",
    ]
    for module, family in zip(_MODULES, FAMILIES, strict=True):
        courses: tuple[Course, ...] = getattr(module, "COURSES", ())
        count = len(module.DESCRIPTORS)
        lines += [f"## {family} ({count})", "", "| name | unit | range | called | definition | source |"]
        lines += ["|---|---|---|---|---|---|", *_rows(courses, module.DESCRIPTORS), ""]
    return "\n".join(lines[:-1]) + "\n"


def _rows(courses: tuple[Course, ...], descriptors: tuple[Descriptor, ...]) -> Iterator[str]:
    of_courses = {d.name for course in courses for d in course.descriptors()}
    for one in (*courses, *(d for d in descriptors if d.name not in of_courses)):
        name = f"`{one.name}`"
        if isinstance(one, Course):
            name += f" .{' .'.join(one.statistics)}"
        what = one.definition[0].upper() + one.definition[1:]
        called = f"{one.label} / {one.label_ru}"
        yield f"| {name} | {one.unit} | {one.low:g} to {one.high:g} | {called} | {what} | {one.source} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(as_markdown(), encoding="utf-8")
