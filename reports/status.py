"""What a workspace holds, week by week, and what is missing and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ..charts.collect import Chart
from ..workspace import tables as t
from ..workspace.workspace import Workspace
from .tables import Tables

if TYPE_CHECKING:
    import pandas as pd


COLUMNS = ("week", "charts", "entries", "recordings", "measured", "AI", "undecided", "human", "report")
LONG = 4
"""So many weeks in a row without anything are shown one by one; more are one row."""


@dataclass(frozen=True)
class Status:
    """The state of a workspace.

    Attributes
    ----------
    summary : str
        One line: how much there is.
    weeks : pandas.DataFrame
        A row per week, also for weeks between the first and the last that are missing (one row for a long span of these):
        ``week, charts, entries, recordings, measured, AI, undecided, human, report``.
    charts, recordings : list of str
        What is missing, and why.
    """

    summary: str
    weeks: pd.DataFrame
    charts: list[str]
    recordings: list[str]


def read_status(workspace: Workspace) -> Status:
    """Return the state of a workspace."""
    import pandas as pd

    tables = Tables(workspace)
    entries, verdicts, every_gap = tables.entries(), tables.verdicts(), tables.gaps()
    gaps = every_gap[every_gap["period"] == "weekly"]
    by_recording = verdicts.set_index("recording_id")["verdict"]
    rows = []
    entries_of, gaps_of = ({str(week): one for week, one in table.groupby("week")} for table in (entries, gaps))
    for weeks in _spans(_every_week([*entries_of, *gaps_of]), {*entries_of, *gaps_of}):
        if len(weeks) > 1:
            row = {"week": f"{weeks[0]} to {weeks[-1]}", "charts": f"none in {len(weeks)} weeks"}
            rows.append(dict.fromkeys(COLUMNS, "") | row)
            continue
        week = weeks[0]
        charted, missing = entries_of.get(week, entries[:0]), gaps_of.get(week, gaps[:0])
        ids = charted["recording_id"].unique()
        counts = by_recording.reindex(ids).value_counts()
        charts = charted.groupby(["source", "chart", "country"]).ngroups
        absent = sum(
            charted[(charted["source"] == gap.source) & (charted["chart"] == gap.chart)].empty
            for gap in missing.itertuples()
        )
        rows.append(
            {
                "week": week,
                "charts": f"{charts} of {charts + absent}" if charts + absent else "none",
                "entries": len(charted),
                "recordings": len(ids),
                "measured": int(counts.reindex(["ai", "human", "undecided"]).sum()),
                "AI": int(counts.get("ai", 0)),
                "undecided": int(counts.get("undecided", 0)),
                "human": int(counts.get("human", 0)),
                "report": "yes" if (workspace.reports_folder / week / "index.html").exists() else "no",
            }
        )
    unmeasured = verdicts[verdicts["verdict"] == "unmeasured"]
    waiting = entries.loc[~entries["recording_id"].isin(verdicts["recording_id"]), "recording_id"].nunique()
    lines = [f"{row.artist} - {row.title}: {row.reason}" for row in unmeasured.itertuples()]
    if waiting:
        lines.append(f"{waiting} recordings not looked at yet: run `chartropy analyze --week ...` for their weeks")
    if outdated := len(tables.outdated()):
        lines.append(
            f"{outdated} recordings described by an older release only: their previews could not be fetched again, or not yet"
        )
    return Status(
        f"{workspace.folder.absolute()}: {len(entries_of)} weeks, {len(entries)} entries, "
        f"{entries['recording_id'].nunique()} recordings, {len(verdicts) - len(unmeasured)} measured",
        pd.DataFrame(rows, columns=list(COLUMNS)),
        [
            f"{gap.week} {Chart(gap.source, gap.chart, gap.country, gap.period)}: {gap.reason}"  # pyright: ignore[reportArgumentType]
            for gap in every_gap.itertuples()
        ],
        lines,
    )


def read_sources(workspace: Workspace) -> list[dict[str, str | bool]]:
    """Return what each source of charts gives and needs, its charts, and how it went last.

    Returns
    -------
    list of dict
        ``name, title, collected, gives, needs, charts, last success, last error``; then the registries of AI artists,
        with ``claims`` for charts.
    """
    from ..charts.collect import CLAIMS, settings_of, sources_of

    registries = workspace.settings.registries
    with workspace.store.reading() as connection:
        known = {row.source: row for row in connection.execute(select(t.source))}
        imported: dict[str, str] = dict(
            connection.execute(
                select(t.page.c.source, func.max(t.page.c.fetched_at))
                .where(t.page.c.problem.is_(None), t.page.c.chart != CLAIMS)
                .group_by(t.page.c.source)
            ).all()  # pyright: ignore[reportArgumentType]
        )
        claims: dict[str, int] = dict(
            connection.execute(select(t.label.c.source, func.count()).group_by(t.label.c.source)).all()  # pyright: ignore[reportArgumentType]
        )
    rows = []
    for name, source in sources_of(workspace).items():
        state, wanted = known.get(name), settings_of(workspace, source)
        charts = ", ".join(source.charts) + (", and more: see docs/SOURCES.md" if source.open_ended else "")
        rows.append(
            {
                "name": name,
                "title": source.title,
                "collected": name in workspace.settings.collect and source.fetch is not None,
                "gives": source.gives,
                "needs": source.needs,
                "charts": f"{charts}; wanted: {', '.join(wanted.charts) or 'none'} ({wanted.country})",
                "last success": max(imported.get(name, ""), _succeeded(state)) or "never",
                "last error": _failed(state),
            }
        )
    rows += [
        {
            "name": name,
            "title": f"a registry of AI artists, {registry.location}",
            "collected": True,
            "claims": f"{claims.get(name, 0)} about the recordings stored",
            "last success": _succeeded(known.get(name)) or "never",
            "last error": _failed(known.get(name)),
        }
        for name, registry in registries.items()
    ]
    return rows


def _succeeded(state) -> str:
    return state.succeeded_at or "" if state else ""


def _failed(state) -> str:
    return f"{state.failed_at}: {state.error}" if state and state.error else "none"


def _spans(weeks: list[str], present: set[str]) -> list[list[str]]:
    """Return the weeks one by one, but those of a long span without anything together."""
    spans: list[list[str]] = []
    for known, group in groupby(weeks, key=present.__contains__):
        together = list(group)
        spans += [together] if not known and len(together) > LONG else [[week] for week in together]
    return spans


def _every_week(present: list[str]) -> list[str]:
    """Return the weeks from first to last, those without anything too."""
    if not present:
        return []
    weeks = {date.fromisoformat(week) for week in present}
    first, last = min(weeks), max(weeks)
    steps = (last - first).days // 7
    return sorted({day.isoformat() for day in weeks | {first + timedelta(weeks=n) for n in range(steps + 1)}})
