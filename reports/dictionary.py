"""What every column of every exported table is: its type, unit, range, meaning, and whether it may be empty.

What is stored says so where it is stored (``workspace/tables.py``), a descriptor says it in its registry, and what is
computed when it is asked for says it here; nothing is said twice. ``chartropy dictionary --out docs/DATA.md`` writes the
page, ``--out FILE.csv`` the same as a table.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from sqlalchemy import BigInteger, Float, Integer
from sqlalchemy import Column as Stored

from ..features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from ..workspace import tables as t
from .tables import ENTRIES, NAMES, Tables

if TYPE_CHECKING:
    import pandas as pd

Type = Literal["text", "date", "time", "whole", "number"]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    name : str
    type : str
        ``text``; ``date``, an ISO date; ``time``, an ISO date and time in UTC, or a date where no time is known;
        ``whole``, a whole number; ``number``.
    meaning : str
    unit : str
        Empty for text, and for numbers without a dimension.
    low, high : float or None
        Bounds of what is possible; None where there is none.
    empty : bool
        A cell may be empty: not known, or without meaning there.
    """

    name: str
    type: Type
    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    empty: bool = False

    @property
    def span(self) -> str:
        """What values are possible, in words; empty where any are."""
        if self.low is None:
            return ""
        return f"{self.low:g} and up" if self.high is None else f"{self.low:g} to {self.high:g}"


DATES = frozenset("week period_start period_end released first_week last_week first last".split())
TIMES = frozenset(("measured_at", "labelled_at"))

_PER_YEAR = "the measure's per year"

_SCALES: dict[str, tuple[str, float | None, float | None]] = {
    "position": ("places", 1, None),
    "peak": ("places", 1, None),
    "position_without": ("places", 1, None),
    "mean_position": ("places", 1, None),
    "plays": ("spins, views, streams or listeners", 0, None),
    "weeks": ("weeks", 0, None),
    "score": ("", 0, 1),
    "points": ("", 0, 1),
    "share": ("", 0, 1),
    "probability": ("", 0, 1),
    "n": ("", 0, None),
    "p": ("", 0, 1),
    "p_block": ("", 0, 1),
    "p_phase": ("", 0, 1),
    "p_adjusted": ("", 0, 1),
    "autocorrelation": ("", -1, 1),
    "sd": ("the measure's", 0, None),
    "value": ("the measure's", None, None),
    "low": ("the measure's", None, None),
    "high": ("the measure's", None, None),
    "mean": ("the measure's", None, None),
    "slope": (_PER_YEAR, None, None),
    "change": ("the measure's", None, None),
    "change_low": ("the measure's", None, None),
    "change_high": ("the measure's", None, None),
}
"""Unit and bounds of numbers, by column; a name means the same in every table but where it is said otherwise."""

_NO_SCALE = ("", None, None)


def _of(stored: Stored, name: str = "", *, meaning: str = "") -> Column:
    """A column that is stored, under another name where one is given."""
    name = name or stored.name
    if isinstance(stored.type, (Integer, BigInteger)):
        kind: Type = "whole"
    elif isinstance(stored.type, Float):
        kind = "number"
    else:
        kind = "date" if name in DATES else "time" if name in TIMES else "text"
    blank = stored.default is not None and getattr(stored.default, "arg", None) == ""
    nothing = bool(stored.nullable) or blank
    return Column(name, kind, meaning or stored.doc or "", *_SCALES.get(name, _NO_SCALE), nothing)


def _computed(name: str, kind: Type, meaning: str, *, empty: bool = False) -> Column:
    return Column(name, kind, meaning, *_SCALES.get(name, _NO_SCALE), empty)


_ID = replace(_of(t.recording.c.recording_id), meaning=f"the recording; {t.recording.c.recording_id.doc}")
_NAMED = (_ID, *map(_of, (t.recording.c.isrc, t.recording.c.artist, t.recording.c.title)))
_MEASURE = t.measure.c
_OF_WEEK = "of the composite: last day of the chart week"

_COLUMNS: dict[str, tuple[Column, ...]] = {
    "entries": tuple(map(_of, ENTRIES)),
    "recordings": (
        *_NAMED,
        _of(t.recording.c.version),
        _computed("first_week", "date", "first chart week on any chart; empty if it was on no weekly one", empty=True),
        _computed("last_week", "date", "last chart week on any chart; empty if it was on no weekly one", empty=True),
        _computed("peak", "whole", "best position on any chart"),
        _computed("weeks", "whole", "chart weeks on at least one chart"),
    ),
    "names": (
        _ID,
        _of(
            t.recording.c.recording_id,
            "name_id",
            meaning="one name of the recording, made as its recording_id would be",
        ),
        *map(_of, (t.spelling.c[name] for name in ("source", "artist", "title", "isrc", "track_id"))),
    ),
    "labels": (
        _ID,
        _of(t.recording.c.artist),
        _of(t.recording.c.title),
        *map(_of, (t.label.c[name] for name in ("source", "subject", "label", "ground", "labelled_at", "page_id"))),
    ),
    "composite": (
        _computed("week", "date", "last day of the chart week"),
        _of(t.entry.c.country),
        _computed("position", "whole", "place on the composite; 1 is the best"),
        _ID,
        _of(t.entry.c.artist, meaning="as the composite spells it"),
        _of(t.entry.c.title, meaning="as the composite spells it"),
        _computed("score", "number", "what the place was given for: the sum of its platforms' shares"),
        _computed("platform", "text", "which platform this row is about"),
        _computed("chart_positions", "text", "where the recording stood on that platform's charts", empty=True),
        _computed(
            "points", "number", "what the platform gave it: 1 for its first place, nearly 0 for the last that counts"
        ),
        _computed("share", "number", "the platform's part of the score: points times its weight, over all weights"),
        _computed(
            "position_without",
            "whole",
            "the place without this platform; empty when it would have none",
            empty=True,
        ),
    ),
    "verdicts": (
        *_NAMED,
        _of(t.verdict.c.probability),
        _of(t.verdict.c.verdict, meaning=f"by the sound alone: {t.verdict.c.verdict.doc}"),
        _of(t.verdict.c.reason),
        _of(t.preview.c.provider, "preview_provider", meaning="where the audio was found"),
        *map(_of, (t.preview.c.preview_id,)),
        _of(t.preview.c.link, "preview_link"),
        _of(t.verdict.c.model_version),
        _of(t.verdict.c.measured_at),
        _computed("fused", "text", f"what others say weighed in: {t.verdict.c.verdict.doc}"),
        _computed("fused_reason", "text", "what that rests on"),
    ),
    "descriptors": (
        _ID,
        _of(t.descriptor.c.sha256, "audio_hash"),
        _of(t.descriptor.c.extractor_version),
        *(
            Column(
                one.name,
                "number",
                f"{one.label}: {one.definition} ({one.source})",
                "" if one.unit == "1" else one.unit,
                one.low,
                one.high,
                empty=True,
            )
            for one in DESCRIPTORS.values()
        ),
    ),
    "measures": tuple(
        map(_of, (_MEASURE[n] for n in "source chart country week measure value low high n method".split()))
    ),
    "trend": (
        *map(_of, (_MEASURE[name] for name in ("source", "chart", "country", "measure"))),
        _computed("first", "date", "first chart week that counts"),
        _computed("last", "date", "last chart week that counts"),
        _computed("n", "whole", "weeks that count: those measured as the newest was"),
        _computed("mean", "number", "mean over these weeks"),
        _computed("slope", "number", "Theil-Sen slope; empty with fewer than 8 weeks", empty=True),
        replace(_computed("low", "number", "lower bound of its 95 % interval", empty=True), unit=_PER_YEAR),
        replace(_computed("high", "number", "upper bound of its 95 % interval", empty=True), unit=_PER_YEAR),
        _computed("change", "number", "the slope times the time from first to last", empty=True),
        _computed("change_low", "number", "lower bound of its 95 % interval", empty=True),
        _computed("change_high", "number", "upper bound of its 95 % interval", empty=True),
        _computed("p", "number", "p of no trend in autoregressive noise; empty where nothing moves", empty=True),
        _computed("p_block", "number", "p of no trend, by a bootstrap of blocks of weeks: a check", empty=True),
        _computed("p_phase", "number", "p of no trend, by series with the same spectrum: a check", empty=True),
        _computed("p_adjusted", "number", "p after Benjamini and Hochberg over the rows of this table", empty=True),
        _computed("autocorrelation", "number", "of neighbouring weeks around the trend", empty=True),
        _computed("sd", "number", "standard deviation around the trend, in the long run, of noise so slow", empty=True),
        _computed("method", "text", "how slope and interval were computed, or why they could not be"),
    ),
    "gaps": tuple(map(_of, (t.gap.c[n] for n in ("week", "source", "chart", "country", "period", "reason")))),
}

COLUMNS: Mapping[str, Mapping[str, Column]] = MappingProxyType(
    {name: MappingProxyType({one.name: one for one in _COLUMNS[name]}) for name in NAMES}
)
"""By table and column name, in the order of the columns."""


_PREFACE = """\
# The data: every table, every column

Made by `chartropy dictionary --out docs/DATA.md` from the schemas; `--out FILE.csv` gives the same as a table, and every exported
workbook and folder holds it. `chartropy export TABLE` writes one of these tables, `chartropy export all` all of them.

- *date*: `2026-07-02`. *time*: `2026-07-03T06:00:00+00:00`, UTC; a date where no time is known. *whole*: a whole number.
- *empty* says whether a cell may be empty: not known, or without meaning there. Nothing else stands for that.
- A chart week is named by its last day. Rows and columns are always in the same order.
- **CSV**: UTF-8, lines end in LF, a full stop in decimals; `--bom` puts the mark in front by which Excel knows UTF-8. A text that a
  spreadsheet might run (it begins with `=`, `+`, `-`, `@`, a tab or a line break) has an apostrophe before it; numbers have none.
  `pandas.read_csv(file, keep_default_na=False, na_values=[""])` reads the very numbers (before pandas 3.1 with
  `float_precision="round_trip"`), and an artist called NA.
- **Excel**: dates and times are real ones, with filters and number formats (the cells hold all digits); texts are texts, whatever
  they begin with. A sheet holds 1,048,575 rows: more are refused. A cell holds 32,767 characters: longer texts are cut, which is said.
- **Parquet**: dates and times are ISO text; each field's metadata has `description`, `unit` and `range`, the schema's has what the
  table is.
- `--since DAY` keeps periods that end in the chart week of that day or later; of tables without weeks (recordings, names, labels,
  verdicts, descriptors) the recordings that were on a chart since, unchanged; trends are computed from the weeks since.
- The files beside a week's page hold that week of entries, verdicts, measures, gaps and composite, and some of their columns; where
  the music is made up, a column `synthetic` says so in every row.
""".splitlines()


def about(name: str) -> str:
    """Return in a sentence what a table holds."""
    return (inspect.getdoc(getattr(Tables, name)) or name).partition("\n")[0]


def typed(table: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Return a table whose columns have their types whatever is in them: whole numbers stay so beside an empty cell."""
    kinds = {}
    for name, dtype in table.dtypes.items():
        kind = columns[str(name)].type if name in columns else None
        if kind == "whole" and dtype.kind not in "iu":
            kinds[name] = "Int64"
        elif kind == "number" and dtype.kind != "f":
            kinds[name] = "float64"
    return table.astype(kinds) if kinds else table


def as_table() -> pd.DataFrame:
    """Return the whole dictionary, a row per column: ``table, column, type, unit, low, high, empty, meaning``."""
    import pandas as pd

    rows = [
        (name, one.name, one.type, one.unit, one.low, one.high, "yes" if one.empty else "no", one.meaning)
        for name, columns in COLUMNS.items()
        for one in columns.values()
    ]
    frame = pd.DataFrame(rows, columns="table column type unit low high empty meaning".split())
    return frame.astype({"low": float, "high": float})


def as_markdown() -> str:
    """Return the dictionary as a page; descriptors have one of their own."""
    lines = [*_PREFACE]
    for name, columns in COLUMNS.items():
        lines += ["", f"## {name}", "", about(name), ""]
        lines += ["| column | type | unit | range | empty | meaning |", "|---|---|---|---|---|---|"]
        for one in columns.values():
            if one.name not in DESCRIPTORS:
                cells = (f"`{one.name}`", one.type, one.unit, one.span, "yes" if one.empty else "no", one.meaning)
                lines.append(f"| {' | '.join(cells)} |")
        if name == "descriptors":
            lines += [
                "",
                f"Then {len(DESCRIPTORS)} columns of numbers (32 bits), a column per descriptor of extractor {EXTRACTOR_VERSION}, "
                "empty where it could not",
                "be computed: [DESCRIPTOR_LIST.md](DESCRIPTOR_LIST.md) has them all, and so has `chartropy dictionary --out FILE.csv`.",
            ]
    return "\n".join(lines) + "\n"
