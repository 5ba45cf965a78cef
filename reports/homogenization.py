"""AI tracks against human ones, and what a change in diversity is made of: one chart, from the tables of a workspace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..workspace.errors import SettingsError
from .season import Key, Weekly

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.estimates import Estimate
    from ..analysis.groups import Dispersion, Location, Misjudged, Overlap

YEAR = timedelta(weeks=52)
POOLED = 4
"""Weeks that AI and human recordings are compared over, and that a change is measured from and to."""

PAST_ARTISTS = 40
"""Of fewer artists in the year before, what lies outside it cannot be told with any certainty."""


class Kinds(NamedTuple):
    """AI against human recordings of a chart, and what changed its diversity.

    Attributes
    ----------
    weeks : int
        So many weeks are pooled.
    compared, parts : dict
        Quantity to row of :meth:`.tables.Tables.compare` and :meth:`.tables.Tables.decompose`; empty where there is
        nothing to compare.
    newest : tuple of date
        First and last of those weeks.
    before : tuple of date or None
        First and last week of the period that a change is measured from; None with too few weeks.
    judged : dict
        Kind and category, as ``ai.new and still music``, to row of :meth:`.tables.Tables.critic_shares` of this week; empty
        where the year before holds fewer artists than `PAST_ARTISTS`.
    """

    key: Key
    weeks: int
    newest: tuple[date, ...]
    compared: dict[str, dict[Any, Any]]
    parts: dict[str, dict[Any, Any]]
    before: tuple[date, ...] | None
    judged: dict[str, dict[Any, Any]]


def compare_kinds(
    entries: pd.DataFrame, verdicts: pd.DataFrame, vectors: pd.DataFrame, *, overlap: bool = True
) -> pd.DataFrame:
    """Compare AI and human tracks; see :meth:`.tables.Tables.compare`.

    Parameters
    ----------
    entries : pandas.DataFrame
        Of one chart, in the weeks that are looked at.
    verdicts : pandas.DataFrame
        With ``recording_id`` and ``verdict``.
    vectors : pandas.DataFrame
        Descriptors by recording.
    overlap : bool
        With kernel distance, precision, recall, density and coverage.

    Returns
    -------
    pandas.DataFrame
        ``quantity, value, low, high, expected, p, n, method``.
    """
    import pandas as pd

    from ..analysis.detector import Detector
    from ..analysis.estimates import Estimate
    from ..analysis.groups import density_coverage, kernel_distance, misjudged, permanova, permdisp
    from ..analysis.measures import first_artist, load_space

    once = entries.sort_values(["week", "position"]).drop_duplicates("recording_id")
    judged = verdicts.loc[verdicts["verdict"] != "unmeasured", ["recording_id", "verdict"]]
    once = once.merge(judged, on="recording_id")
    once = once[once["recording_id"].isin(vectors.index)]
    detector = Detector.load()
    wrong = misjudged(
        (once["verdict"] == "ai").to_numpy(), sensitivity=detector.sensitivity, specificity=detector.specificity
    )
    once = once[once["verdict"] != "undecided"]
    kind = once["verdict"].to_numpy(dtype=str)
    weeks = pd.to_datetime(once["week"])
    block = ((weeks - weeks.min()).dt.days // 28).astype(str)
    strata = (once["genres"].fillna("").str.split(", ").str[0] + " " + block).to_numpy(dtype=str)
    # an artist of whom some tracks are called AI and some human is two; one without a name is none
    named = once["artist"].map(first_artist)
    clusters = (named + " " + once["verdict"]).where(named != "").to_numpy(dtype=object)
    distances = load_space().distances(vectors.loc[once["recording_id"]])
    both = np.flatnonzero(kind == "human"), np.flatnonzero(kind == "ai")
    sides = {"distances": distances, "clusters": (clusters[both[0]], clusters[both[1]])}
    own = strata[both[0]], strata[both[1]]
    tests: list[tuple[tuple[str, ...], int, Callable[[], list[tuple[Estimate, float, float]]]]] = [
        (
            ("dispersion_ai", "dispersion_human", "dispersion_ratio"),
            1,
            lambda: _dispersions(permdisp(distances, kind, strata=strata, clusters=clusters, reference="human")),
        ),
        (("location_r2",), 2, lambda: _location(permanova(distances, kind, strata=strata, clusters=clusters))),
    ]
    if overlap:
        tests += [
            (("kernel_distance",), 2, lambda: [(kernel_distance(*both, **sides), 0.0, np.nan)]),
            (
                ("precision", "recall", "density", "coverage"),
                0,
                lambda: _overlaps(density_coverage(*both, strata=own, permutations=999, **sides)),
            ),
        ]
    rows: list[tuple] = []
    for names, power, ask in tests:
        try:
            found = ask()
        except ValueError as error:
            nothing = Estimate(np.nan, np.nan, np.nan, len(once), f"no estimate: {error}")
            found, hidden = [(nothing, np.nan, np.nan)] * len(names), ""
        else:
            hidden = "; " + _hidden(wrong, power)
        rows += [
            (name, e.value, e.low, e.high, expected, p, e.n, e.method + hidden)
            for name, (e, expected, p) in zip(names, found, strict=True)
        ]
    columns = ["quantity", "value", "low", "high", "expected", "p", "n", "method"]
    return pd.DataFrame(rows, columns=columns)


def decompose_chart(
    entries: pd.DataFrame,
    verdicts: pd.DataFrame,
    vectors: pd.DataFrame,
    key: tuple[str, str, str],
    before: tuple[str, str],
    after: tuple[str, str],
    *,
    measure: str = "cultural_entropy",
    seed: int = 0,
    replicates: int = 1000,
) -> tuple[pd.DataFrame, list[str]]:
    """Take a change in a chart's diversity apart; see :meth:`.tables.Tables.decompose`.

    Parameters
    ----------
    entries, verdicts, vectors : pandas.DataFrame
        As for :func:`compare_kinds`, of all charts.
    key : tuple of str
        Source, chart and country.
    before, after : tuple of str
        First and last week of each period.
    measure : str
        ``cultural_entropy`` or ``diversity.mean_distance``.
    seed, replicates : int
        Of the bootstrap.

    Returns
    -------
    found : pandas.DataFrame
        ``quantity, value, low, high, n, method``.
    spans : list of str
        What the two periods hold.

    Raises
    ------
    SettingsError
        When no recording of a period was heard and judged.
    """
    from ..analysis.decompose import Group, decompose
    from ..analysis.detector import Detector
    from ..analysis.measures import SOUNDS, first_artist, load_space
    from ..analysis.space import kernel

    judged = verdicts[verdicts["verdict"] != "unmeasured"].set_index("recording_id")["verdict"]
    entries = entries.dropna(subset=["week"])
    entries = entries[entries["recording_id"].isin(judged.index) & entries["recording_id"].isin(vectors.index)]
    here = (entries[["source", "chart", "country"]] == list(key)).all(axis=1)
    entries = entries[~here | (entries["position"] <= SOUNDS)]
    here = here[entries.index]
    chosen = entries[here]
    groups, weeks, spans = [], [], []
    for first, last in (before, after):
        within = entries["week"].between(first, last)
        on_chart = entries[here & within]["recording_id"].value_counts()
        if on_chart.empty:
            raise SettingsError(
                f"no recording of {' '.join(key)} from {first} to {last} was heard and judged; "
                f"there are some from {chosen['week'].min()} to {chosen['week'].max()}."
            )
        spans.append(f"{first}..{last} ({entries[here & within]['week'].nunique()} weeks)")
        groups.append(on_chart)
        weeks.append(set(entries[~here & within]["recording_id"]) - set(on_chart.index))
    recordings = sorted(set(groups[0].index) | set(groups[1].index) | weeks[0] | weeks[1])
    artist = entries.drop_duplicates("recording_id", keep="last").set_index("recording_id")["artist"]
    distances = load_space().distances(vectors.loc[recordings])
    detector = Detector.load()
    made_of = [
        Group(counts.reindex(recordings, fill_value=0).to_numpy(float), np.isin(recordings, list(spare)))
        for counts, spare in zip(groups, weeks, strict=True)
    ]
    entropy = measure == "cultural_entropy"
    found = decompose(
        kernel(distances) ** 2 if entropy else distances,
        [first_artist(artist[recording]) for recording in recordings],
        (judged.loc[recordings] == "ai").to_numpy(),
        made_of[0],
        made_of[1],
        sensitivity=detector.sensitivity,
        specificity=detector.specificity,
        reciprocal=entropy,
        replicates=replicates,
        seed=seed,
    )
    human = judged.index[judged != "ai"]
    spare = [len(one & set(human)) for one in weeks]
    stand_ins = [f"{n} recordings of other charts" if n > 1 else "the chart's own human tracks" for n in spare]
    counterfactual = found["quantity"].str.startswith("without_ai") | (found["quantity"] == "due_to_ai")
    found.loc[counterfactual, "method"] += f"; AI tracks replaced by {stand_ins[0]} before, {stand_ins[1]} after"
    return found, spans


def kinds_of(weekly: Weekly) -> list[Kinds]:
    """Compare AI with human recordings of each chart in the newest weeks, and take its change apart; found once a week."""
    if "kinds" not in weekly.kept:
        weekly.kept["kinds"] = _kinds_of(weekly)
    return weekly.kept["kinds"]


def kinds_table(weekly: Weekly) -> pd.DataFrame:
    """Return all of :func:`kinds_of` as one table."""
    import pandas as pd

    tables = []
    for one in kinds_of(weekly):
        first, last = one.newest
        spans = {"first": first, "last": last}
        tables += [
            pd.DataFrame(rows.values()).assign(**one.key._asdict(), about=about, **spans | more)
            for about, rows, more in (
                ("AI against human", one.compared, {}),
                (
                    "change",
                    one.parts,
                    {"before_first": one.before[0], "before_last": one.before[1]} if one.before else {},
                ),
                ("critic", one.judged, {"first": last}),
            )
            if rows
        ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _kinds_of(weekly: Weekly) -> list[Kinds]:
    vectors, verdicts = weekly.season.vectors, weekly.season.verdicts
    if vectors is None or vectors.empty:
        return []
    found = []
    for key in weekly.keys:
        chart = weekly.of_chart(key)
        if weekly.chart(key, weekly.week).empty:
            continue
        weeks = sorted(set(chart["week"]))
        last, pooled = weeks[-POOLED:], chart[chart["week"].isin(weeks[-POOLED:])]
        compared = compare_kinds(pooled, verdicts, vectors, overlap=False)
        parts, before = None, _period_before(weeks)
        if before:
            with suppress(SettingsError):  # nothing was heard then
                parts, _ = decompose_chart(weekly.entries, verdicts, vectors, key, before, (last[0], last[-1]))
        found.append(
            Kinds(
                key,
                len(last),
                (date.fromisoformat(last[0]), date.fromisoformat(last[-1])),
                {str(row["quantity"]): dict(row) for row in compared.to_dict("records")},
                {str(row["quantity"]): dict(row) for row in parts.to_dict("records")} if parts is not None else {},
                tuple(map(date.fromisoformat, before)) if before else None,
                _judged(weekly, chart),
            )
        )
    return found


def _judged(weekly: Weekly, chart: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    """What the critic makes of AI and human recordings of this week."""
    from .critic import judge_chart, shares

    vectors, week = weekly.season.vectors, weekly.week.isoformat()
    assert vectors is not None
    try:
        judged = judge_chart(chart, vectors, week, replicates=0)
    except SettingsError:  # too little in the year before
        return {}
    if judged.critic.artists < PAST_ARTISTS:
        return {}
    rows = shares(judged, weekly.season.verdicts)
    rows.insert(0, "quantity", rows.pop("kind") + "." + rows.pop("category"))
    return {str(row["quantity"]): dict(row) for row in rows.to_dict("records")}


def _period_before(weeks: list[str]) -> tuple[str, str] | None:
    """Choose what the newest weeks are compared with: the same a year before, else the first on record."""
    if len(weeks) < 2 * POOLED:
        return None
    then = [(date.fromisoformat(week) - YEAR).isoformat() for week in weeks[-POOLED:]]
    return (then[0], then[-1]) if set(then) <= set(weeks) else (weeks[0], weeks[POOLED - 1])


def _dispersions(found: Dispersion) -> list[tuple[Estimate, float, float]]:
    ratio = found.ratio["ai"]
    tested = replace(ratio, method=f"{ratio.method}; {found.method}")
    return [(found.mean["ai"], np.nan, np.nan), (found.mean["human"], np.nan, np.nan), (tested, 1.0, found.p)]


def _location(found: Location) -> list[tuple[Estimate, float, float]]:
    from ..analysis.estimates import Estimate

    return [(Estimate(found.r2, np.nan, np.nan, found.n, found.method), found.expected, found.p)]


def _overlaps(found: Overlap) -> list[tuple[Estimate, float, float]]:
    return [
        (replace(one, method=f"{one.method}; {found.method}"), found.expected[name], found.p[name])
        for name, one in (
            ("precision", found.precision),
            ("recall", found.recall),
            ("density", found.density),
            ("coverage", found.coverage),
        )
    ]


def _hidden(wrong: Misjudged, power: int) -> str:
    """What the detector's errors make of a difference that goes with this power of the share that they leave."""
    ai, human, left = wrong.flagged, wrong.passed, wrong.kept
    who = (
        f"detector errors are not in this: of those called AI {ai.value:.1%} (up to {ai.high:.1%}) are human, of the "
        f"others {human.value:.1%} (up to {human.high:.1%}) AI; unless errors go by sound, that "
    )
    if not power:
        return f"{who}draws it towards what is expected"
    least = max(left.low, 0.0) ** power
    return f"{who}leaves about {left.value**power:.3g} (at least {least:.3g}) of what sets the kinds apart"
