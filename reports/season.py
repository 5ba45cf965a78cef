"""What the pages are made of: the tables of all weeks, and one week cut out of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from ..charts.composite import SOURCE as COMPOSITE
from .compare import ONE_WEEK, Estimate, Trend, trend_of
from .words import ENGLISH, Words, text

if TYPE_CHECKING:
    from .recording import Recordings

RECENT = 4
"""A chart seen in one of so many weeks before keeps its section when this week's is missing."""


class Key(NamedTuple):
    """Which chart."""

    source: str
    chart: str
    country: str


@dataclass(frozen=True)
class Season:
    """Everything the pages are made of; the tables are those of :class:`.tables.Tables`, of all weeks.

    Attributes
    ----------
    entries, verdicts, measures, gaps : pandas.DataFrame
        With at least the columns of ``TABLES``.
    about : dict
        ``version, model_version, extractor_version, timezone, descriptor_count`` and ``detector``: its model card, or
        its figures alone (``auc, auc_low, auc_high, recall, false_positive_rate``). What is missing is said to be
        missing.
    synthetic : bool
        The music is made up: everything written says so.
    composite : pandas.DataFrame, optional
        How each place of the composites got there.
    vectors : pandas.DataFrame, optional
        Descriptors by recording (:func:`.tables.current_vectors`), for what compares sounds.
    recordings : Recordings, optional
        Those that have a page of their own.
    """

    entries: pd.DataFrame
    verdicts: pd.DataFrame
    measures: pd.DataFrame
    gaps: pd.DataFrame
    about: dict[str, Any]
    synthetic: bool = False
    composite: pd.DataFrame | None = None
    vectors: pd.DataFrame | None = None
    recordings: Recordings | None = None
    _cut: dict[date, Weekly] = field(default_factory=dict, init=False, repr=False, compare=False)

    def cut(self, week: date) -> Weekly:
        """Return a week of it; the one that was asked for last is kept."""
        if week not in self._cut:
            self._cut.clear()
            self._cut[week] = Weekly(self, week)
        return self._cut[week]


class Weekly:
    """One week of a season, cut out once; it is spoken of in one language, see :meth:`in_words`."""

    def __init__(self, season: Season, week: date, words: Words = ENGLISH):
        iso = week.isoformat()
        self.season = season
        self.week = week
        self.weeks = [day for day in all_weeks(season) if day <= week]
        entries = season.entries
        self.entries = entries[entries["week"].notna() & (entries["week"].fillna("") <= iso)]
        self.now = self.entries[self.entries["week"] == iso].sort_values(["source", "country", "chart", "position"])
        self.gaps = season.gaps[season.gaps["week"] == iso]
        self.measures = season.measures[season.measures["week"] == iso]
        self.verdicts = season.verdicts.drop_duplicates("recording_id", keep="last").set_index("recording_id")
        self.history = history_of(season.measures[season.measures["week"] <= iso])
        self.gapped = {(key_of(row), row.week) for row in season.gaps.itertuples()}
        self.kept: dict[Any, Any] = {}
        """What was costly to find and is the same in every language."""
        since = (week - RECENT * ONE_WEEK).isoformat()
        keys = set()
        for table in (season.entries, season.measures, season.gaps):
            keys |= keys_of(table[table["week"].notna() & table["week"].fillna("").between(since, iso)])
        self.keys = in_order(keys)
        self.styles = {key: number for number, key in enumerate(self.keys)}
        self.words = words
        self.names = names_of(self.keys, words)
        self.charts = {
            (Key(str(source), str(chart), str(country)), str(week)): group
            for (source, chart, country, week), group in self.entries.groupby(
                ["source", "chart", "country", "week"], sort=False
            )
        }

    def in_words(self, words: Words) -> Weekly:
        """Return the same week, spoken of in another language."""
        other = copy(self)
        other.words, other.names = words, names_of(self.keys, words)
        return other

    def chart(self, key: Key, week: date) -> pd.DataFrame:
        """Return a chart's entries in a week; none where there is no such chart."""
        return self.charts.get((key, week.isoformat()), self.entries.iloc[:0])

    def of_chart(self, key: Key) -> pd.DataFrame:
        """Return a chart's entries of all weeks up to this one."""
        return self.entries[(self.entries[list(key._fields)] == list(key)).all(axis=1)]

    @cached_property
    def named(self) -> pd.DataFrame:
        """Artist and title of each recording, as the charts spelled them last."""
        return self.entries.drop_duplicates("recording_id", keep="last").set_index("recording_id")[["artist", "title"]]

    def estimates(self, key: Key, measure: str) -> list[Estimate]:
        """Return a measure's history up to this week."""
        return self.history.get((key, measure), [])

    def estimate(self, key: Key, measure: str) -> Estimate | None:
        """Return this week's number, if there is one."""
        found = self.estimates(key, measure)
        return found[-1] if found and found[-1].week == self.week else None

    def trend(self, key: Key, measure: str) -> Trend | None:
        """Tell how a measure moved up to this week; None where this week has no number."""
        asked = ("trend", key, measure)
        if asked not in self.kept:
            self.kept[asked] = trend_of(measure, self.estimates(key, measure), self.week)
        return self.kept[asked]

    def top_ten(self, key: Key, week: date) -> tuple[int, int] | None:
        """Count the recordings of a chart's ten highest places that are judged AI, and that are measured at all."""
        from ..analysis.measures import TOP

        chart = self.chart(key, week)
        said = [self.verdict(str(one))["verdict"] for one in chart["recording_id"][chart["position"] <= TOP]]
        return (said.count("ai"), len(said) - said.count("unmeasured")) if said else None

    @cached_property
    def why_missing(self) -> dict[tuple[Key, str], str]:
        """Why this week's numbers that are missing cannot be said, as far as it was stored."""
        rows = self.measures[self.measures["value"].isna()].itertuples()
        return {(key_of(row), str(row.measure)): text(row.method).partition("no estimate: ")[2] for row in rows}

    def verdict(self, recording_id: str) -> dict[str, Any]:
        """Return what is known of a recording."""
        if recording_id in self.verdicts.index:
            return {str(column): cell for column, cell in self.verdicts.loc[recording_id].items()}
        return {"verdict": "unmeasured", "reason": self.words.say("not_judged")}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return what the CSV files of the week hold."""
        verdicts = self.season.verdicts
        here = verdicts[verdicts["recording_id"].isin(self.now["recording_id"])]
        tables = {"entries": self.now, "verdicts": here, "measures": self.measures, "gaps": self.gaps}
        composite = self.season.composite
        if composite is not None and not (of_week := composite[composite["week"] == self.week.isoformat()]).empty:
            tables["composite"] = of_week
        return tables


def history_of(measures: pd.DataFrame) -> dict[tuple[Key, str], list[Estimate]]:
    """Group the measures by chart and name, in order of time; a number that is missing is left out."""
    found: dict[tuple[Key, str], list[Estimate]] = {}
    for row in measures.sort_values("week", kind="stable").itertuples():
        value, low, high = (float_of(row.value), float_of(row.low), float_of(row.high))
        if math.isfinite(value):
            estimate = Estimate(date.fromisoformat(str(row.week)), value, low, high, _whole(row.n), text(row.method))
            found.setdefault((key_of(row), str(row.measure)), []).append(estimate)
    return found


def key_of(row: Any) -> Key:
    """Return the chart that a table's row is about."""
    return Key(str(row.source), str(row.chart), str(row.country))


def float_of(value: Any) -> float:
    """Return a cell as a number; NaN for an empty one."""
    return math.nan if value is None or value is pd.NA else float(value)


def _whole(value: Any) -> int:
    number = float_of(value)
    return int(number) if math.isfinite(number) else 0


def keys_of(table: pd.DataFrame) -> set[Key]:
    """Return the charts that a table is about."""
    columns = table[["source", "chart", "country"]].drop_duplicates()
    return {Key(*row) for row in columns.itertuples(index=False)}


def all_weeks(season: Season) -> list[date]:
    """Return every week that anything is known of, in order."""
    found = {week for table in (season.entries, season.measures, season.gaps) for week in table["week"].dropna()}
    return [date.fromisoformat(week) for week in sorted(found)]


def names_of(keys: Iterable[Key], words: Words = ENGLISH) -> dict[Key, str]:
    """Name each chart as briefly as tells them apart."""
    keys = list(keys)
    several = len({key.source for key in keys} - {COMPOSITE}) > 1
    names = {key: words.say("sourced_chart_name" if several else "chart_name", key) for key in keys}
    times = Counter(names.values())
    return {key: name if times[name] == 1 else words.say("full_chart_name", key) for key, name in names.items()}


def in_order(keys: Iterable[Key]) -> list[Key]:
    """Return charts as pages list them: the composite, then by source."""
    return sorted(keys, key=lambda key: (key.source != COMPOSITE, key.source, key.country, key.chart))
