"""What every column of every exported table is: its type, unit, range, meaning, and whether it may be empty.

What is stored says so where it is stored (``workspace/tables.py``), a descriptor says it in its registry, and what is
computed when it is asked for says it here; nothing is said twice. ``chartropy dictionary --out docs/DATA.md`` writes the
page, ``--out FILE.csv`` the same as a table. Other languages have it from the catalogue of translations, in the contexts of
`messages`; the names of columns are the same in all.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

from sqlalchemy import BigInteger, Float, Integer
from sqlalchemy import Column as Stored

from ..features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from ..workspace import tables as t
from .tables import ENTRIES, NAMES, Tables
from .words import ENGLISH, Words

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
        return self.span_in(ENGLISH)

    def span_in(self, words: Words) -> str:
        """What values are possible, in the words of a language."""
        return "" if self.low is None else words.say("possible", self.low, self.high)


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


WORDED: Mapping[str, str] = MappingProxyType(
    {
        "source": "who publishes or says it",
        "chart": "which chart",
        "country": "the country",
        "period": "the kind of period",
        "platform": "the platform",
        "preview_provider": "where the audio was found",
        "measure": "which measure",
        "verdict": "the verdict",
        "fused": "the verdict with what others say",
        "reason": "the reason",
        "fused_reason": "what that rests on",
        "label": "what they say",
        "ground": "on what ground",
        "method": "how it was computed",
    }
)
"""Columns of codes, or of stored sentences, that an export in a language repeats in words: ``chart_words`` for ``chart``."""

SUFFIX = "_words"
CLAIM = "claim"
"""What the column `label` of the table of claims is called: of an entry, a label is a firm."""

DICTIONARY_COLUMNS = ("table", "column", "type", "unit", "low", "high", "empty", "meaning", "called")
"""Of the dictionary as a table; `called` only where it is asked for in a language."""


def worded(name: str) -> list[str]:
    """Return the columns of a table that an export in a language repeats in words."""
    return [column for column in COLUMNS[name] if column in WORDED and (column != "label" or name == "labels")]


def columns_in(name: str, words: Words | None = None) -> dict[str, Column]:
    """Return the columns of a table, described in a language; the columns of words are among them then.

    Parameters
    ----------
    name : str
        Of a table; one that has no dictionary has no columns here.
    words : Words, optional

    Returns
    -------
    dict of str to Column
        In the order of the columns.
    """
    columns = dict(COLUMNS.get(name, {}))
    if words is None or not columns:
        return columns
    for column in worded(name):
        also = Column(
            column + SUFFIX, "text", f"{WORDED[column]}, in words", empty=columns[column].empty or column == "country"
        )
        columns[also.name] = also
    return {
        one.name: replace(one, meaning=meaning_in(one, words), unit=words.translated(one.unit, "unit"))
        for one in columns.values()
    }


def meaning_in(column: Column, words: Words) -> str:
    """Return what a column is, in a language; the source of a descriptor stays as it is."""
    if column.name in DESCRIPTORS:
        one = DESCRIPTORS[column.name]
        return f"{one.label_in(words.language)}: {words.definition(one.definition)} ({one.source})"
    return words.translated(column.meaning, "meaning")


def heading_in(name: str, column: str, words: Words) -> str:
    """Return what a column of a table is called in a language."""
    if column in DESCRIPTORS:
        return DESCRIPTORS[column].label_in(words.language)
    stem = column.removesuffix(SUFFIX)
    return words.translated(CLAIM if (name, stem) == ("labels", "label") else stem, "column")


def sheet_in(name: str, words: Words) -> str:
    """Return what a table is called in a language, as short as the name of a sheet must be."""
    return words.translated(name, "sheet")


def messages() -> Iterator[tuple[str, str]]:
    """Yield what the catalogue of translations has to have: messages and their contexts."""
    for name, columns in COLUMNS.items():
        yield name, "sheet"
        yield about(name), "table"
        for one in columns.values():
            if one.unit:
                yield one.unit, "unit"
            if one.name not in DESCRIPTORS:
                yield one.name, "column"
                yield one.meaning, "meaning"
    yield from ((name, "sheet") for name in ("dictionary", "About"))
    yield from ((name, "column") for name in (*DICTIONARY_COLUMNS, "range", CLAIM))
    yield from ((f"{meaning}, in words", "meaning") for meaning in WORDED.values())
    yield from ((kind, "type") for kind in (*get_args(Type), "yes", "no"))
    yield from ((said, "dictionary") for said in _paragraphs())


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
- `--lang ru`, or `en`, changes no name of a column and no cell, but adds columns of words at the end, such as `chart_words`,
  `country_words`, `verdict_words` and `reason_words`. An Excel workbook then has sheets and dates in that language, and over the
  names of the columns a line that says what they are called; Parquet and the dictionary describe them in it.
"""


_OF_DESCRIPTORS = (
    "Then {n} columns of numbers (32 bits), a column per descriptor of extractor {version}, empty where it could not be computed: "
    "[DESCRIPTOR_LIST.md](DESCRIPTOR_LIST.md) has them all, and so has `chartropy dictionary --out FILE.csv`."
)


def about(name: str, words: Words = ENGLISH) -> str:
    """Return in a sentence what a table holds."""
    said = (inspect.getdoc(getattr(Tables, name)) or name).partition("\n")[0]
    return words.translated(said, "table")


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


def as_table(words: Words | None = None) -> pd.DataFrame:
    """Return the whole dictionary, a row per column: ``table, column, type, unit, low, high, empty, meaning``.

    Parameters
    ----------
    words : Words, optional
        Described in this language, with the columns of words, and a column ``called`` at the end.
    """
    import pandas as pd

    said = ENGLISH if words is None else words
    rows = [
        (
            *(name, one.name, said.translated(one.type, "type"), one.unit, one.low, one.high),
            *(said.translated("yes" if one.empty else "no", "type"), one.meaning, heading_in(name, one.name, said)),
        )
        for name in COLUMNS
        for one in columns_in(name, words).values()
    ]
    frame = pd.DataFrame(rows, columns=DICTIONARY_COLUMNS).astype({"low": float, "high": float})
    return frame if words else frame.drop(columns="called")


def as_markdown(words: Words | None = None) -> str:
    """Return the dictionary as a page, in a language; descriptors have a page of their own."""
    said = ENGLISH if words is None else words
    lines = [_PREFACE.removesuffix("\n")] if said.language == "en" else [*_translated(_paragraphs()[:-1], said)]
    heads = [said.translated(head, "column") for head in ("column", "type", "unit", "range", "empty", "meaning")]
    for name in COLUMNS:
        columns = columns_in(name, words)
        lines += ["", f"## {name}", "", about(name, said), ""]
        lines += [f"| {' | '.join(heads)} |", "|---|---|---|---|---|---|"]
        for one in columns.values():
            if one.name not in DESCRIPTORS:
                kind, empty = (said.translated(word, "type") for word in (one.type, "yes" if one.empty else "no"))
                cells = (f"`{one.name}`", kind, one.unit, one.span_in(said), empty, one.meaning)
                lines.append(f"| {' | '.join(cells)} |")
        if name == "descriptors":
            further = said.translated(_OF_DESCRIPTORS, "dictionary")
            lines += ["", *_wrapped(further.format(n=len(DESCRIPTORS), version=EXTRACTOR_VERSION))]
    return "\n".join(lines) + "\n"


def _paragraphs() -> list[str]:
    """The preface: a heading, paragraphs and points, each in one line; then what is said of descriptors."""
    made: list[str] = []
    for line in _PREFACE.splitlines():
        if made and made[-1] and line and not line.startswith(("- ", "#")):
            made[-1] += " " + line.strip()
        else:
            made.append(line)
    return [*filter(None, made), _OF_DESCRIPTORS]


def _translated(paragraphs: list[str], words: Words) -> Iterator[str]:
    """The preface in another language, laid out as in English."""
    before = ""
    for place, paragraph in enumerate(paragraphs):
        if place and not (before.startswith("- ") and paragraph.startswith("- ")):
            yield ""
        yield from _wrapped(words.translated(paragraph, "dictionary"))
        before = paragraph


def _wrapped(paragraph: str) -> list[str]:
    indent = "  " if paragraph.startswith("- ") else ""
    return textwrap.wrap(paragraph, 132, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
