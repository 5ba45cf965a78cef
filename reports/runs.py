"""The history of runs: what ran when, how long it took, how it ended.

A run is written down in short transactions of its own, before and after it works: the history neither waits for a writer
nor holds one up, and a run whose history cannot be written goes on without.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from ..workspace import lock
from ..workspace import tables as t
from ..workspace.errors import ChartropyError, WorkspaceReadOnly
from ..workspace.store import timestamp
from ..workspace.workspace import Workspace

if TYPE_CHECKING:
    from ..charts.claims import Claims
    from ..charts.collect import Outcome
    from .weekly import Analysis

log = logging.getLogger(__name__)

KEPT = 1000
"""Runs that are remembered; older ones are forgotten."""

LONGEST = 500
"""Characters of a summary."""

MOST_WAYS = 6
"""Deliveries named one by one at the end of a run: all of it must fit on a screen."""


@dataclass
class Run:
    """A run that goes on; what is set here is written down when it ends.

    Attributes
    ----------
    command : str
    week : date or None
        Last day of the chart week that it is about, if it is about one.
    summary : str
        What it did, in a line.
    gaps : int
        How much it could not do, and lists.
    started : datetime
        By the workspace's clock.
    """

    command: str
    week: date | None
    started: datetime
    summary: str = ""
    gaps: int = 0
    _began: float = field(default_factory=time.monotonic)

    @property
    def took(self) -> timedelta:
        """How long it has been running."""
        return timedelta(seconds=time.monotonic() - self._began)


@dataclass(frozen=True)
class Past:
    """A run as the history knows it.

    Attributes
    ----------
    started, ended : datetime
        In the workspace's time zone; `ended` is None for one that did not end, or not yet.
    outcome : str
        ``done``, ``gaps``, ``failed``, ``stopped``, ``running``, ``waiting`` (for another that writes), ``killed``; or
        ``killed or waiting``, ``killed or running`` where that cannot be told.
    """

    command: str
    week: str
    started: datetime
    ended: datetime | None
    outcome: str
    summary: str

    @property
    def took(self) -> str:
        """How long it took, as people write it."""
        return "" if self.ended is None else duration(self.ended - self.started)

    def __str__(self) -> str:
        about = f"{self.command} of {self.week}" if self.week else self.command
        took = f" after {self.took}" if self.took else ""
        return f"{about}, {self.started:%Y-%m-%d %H:%M}: {self.outcome}{took}" + (
            f"; {self.summary}" if self.summary else ""
        )


@contextmanager
def recorded(workspace: Workspace, command: str, week: date | None = None) -> Iterator[Run]:
    """Write down that a command runs, and at the end how it went. Goes around ``workspace.writing()``, not into it."""
    run = Run(command, week, workspace.now())
    number = _write(workspace, run, None, "running")
    outcome = "stopped"
    try:
        yield run
        outcome = "gaps" if run.gaps else "done"
    except Exception as error:
        outcome, run.summary = "failed", _first_line(error)
        raise
    finally:
        _write(workspace, run, number, outcome)


def read_runs(workspace: Workspace, last: int) -> list[Past]:
    """Return the last so many runs, the latest first."""
    with workspace.store.reading() as connection:
        rows = connection.execute(select(t.run).order_by(t.run.c.run_id.desc()).limit(last)).all()
    zone = ZoneInfo(workspace.settings.timezone)
    how = _unended(workspace, [row for row in rows if row.outcome == "running"])
    return [
        Past(
            row.command,
            row.week or "",
            datetime.fromisoformat(row.started_at).astimezone(zone),
            datetime.fromisoformat(row.ended_at).astimezone(zone) if row.ended_at else None,
            how.get(row.run_id) or row.outcome,
            row.summary,
        )
        for row in rows
    ]


def as_rows(runs: Iterable[Past]) -> tuple[list[str], list[list[str]]]:
    """Return runs as a table for people: its columns and its rows."""
    return ["started", "command", "week", "took", "outcome", "summary"], [
        [f"{run.started:%Y-%m-%d %H:%M}", run.command, run.week, run.took, run.outcome, run.summary] for run in runs
    ]


def duration(took: timedelta) -> str:
    """Write a duration as people do: 42 s, 3 min 20 s, 1 h 5 min."""
    seconds = max(0, round(took.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def _unended(workspace: Workspace, rows: list[Any]) -> dict[int, str]:
    """Tell which of the runs without an end go on, by who holds the workspace for writing."""
    if not rows:
        return {}
    try:
        holder = lock.holder(workspace.store)
    except WorkspaceReadOnly:
        return {row.run_id: "killed or running" for row in rows}
    if holder is None:
        return {row.run_id: "killed" for row in rows}
    # who holds it began no later than its hold; who began later waits; who began before it was killed, or waits too
    since = holder.get("since", "9999")
    works = max((row.run_id for row in rows if row.started_at <= since), default=0)
    return {
        row.run_id: "running" if row.run_id == works else "waiting" if row.run_id > works else "killed or waiting"
        for row in rows
    }


def _write(workspace: Workspace, run: Run, number: int | None, outcome: str) -> int | None:
    """Write a run's row, and return its number; where that fails, say so and return None."""
    values = {
        "week": run.week.isoformat() if run.week else None,
        "outcome": outcome,
        "summary": run.summary[:LONGEST],
        "ended_at": None if outcome == "running" else timestamp(workspace.now()),
    }
    table = t.run
    try:
        with workspace.store.aside() as connection:
            if number is not None:
                connection.execute(table.update().where(table.c.run_id == number).values(values))
                return number
            values |= {
                "command": run.command,
                "version": version("chartropy"),
                "host": socket.gethostname()[:255],
                "started_at": timestamp(run.started),
            }
            made = connection.execute(table.insert().values(values)).inserted_primary_key
            oldest = select(table.c.run_id).order_by(table.c.run_id.desc()).offset(KEPT).limit(1).scalar_subquery()
            connection.execute(table.delete().where(table.c.run_id <= oldest))
            return made[0] if made else None
    except (ChartropyError, SQLAlchemyError, OSError) as error:
        log.info("the history of runs could not be written (%s); the run itself goes on", _first_line(error))
        return None


def _first_line(error: BaseException) -> str:
    said = str(error).strip()
    return said.splitlines()[0][:LONGEST] if said else type(error).__name__


# -- what a weekly run did ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """What a weekly run did, for the log and for the history.

    Attributes
    ----------
    line : str
        In a line.
    screen : list of str
        In a few.
    """

    line: str
    screen: list[str] = field(default_factory=list)


def account_of(
    workspace: Workspace, run: Run, outcomes: Iterable[Outcome], claims: Claims, analysis: Analysis, page: Path
) -> Account:
    """Say what a weekly run did."""
    charts: dict[tuple, Outcome] = {}
    for outcome in outcomes:  # a snapshot may have been taken for a week that is collected later in the same run
        place = (outcome.chart, outcome.period)
        charts[place] = max(charts.get(place, outcome), outcome, key=lambda one: one.changed)
    gaps = sum(bool(outcome.gap) for outcome in charts.values())
    rows, new = (sum(getattr(one, name) for one in charts.values()) for name in ("rows", "changed"))
    measured = analysis.recordings - len(analysis.gaps)
    told = [
        ("week", f"ends on {run.week}"),
        ("charts", f"{len(charts)}, {gaps} with gaps; {rows} positions, {new} new or changed"),
        ("recordings", f"{analysis.recordings} on the week's charts, {measured} measured"),
        ("previews", f"{analysis.previews} fetched, {analysis.described} described"),
        ("verdicts", f"{analysis.judged} new or changed"),
        ("claims", f"{claims.changed} new, changed or withdrawn"),
        ("measures", f"{_some(analysis.measured_weeks)} changed"),
        ("report", str(page.absolute())),
        *(("delivered", said) for said in _delivered(workspace, run)),
        ("took", duration(run.took)),
    ]
    return Account(
        f"{len(charts)} charts, {gaps} with gaps; {measured} of {analysis.recordings} recordings measured; "
        f"{analysis.previews} previews fetched; {analysis.judged} verdicts new or changed",
        [f"  {name + ':':<12}{said}" for name, said in told],
    )


def _some(weeks: list[str]) -> str:
    if not weeks:
        return "none"
    return f"of {len(weeks)} weeks, {weeks[0]} to {weeks[-1]}," if len(weeks) > 2 else f"of {' and '.join(weeks)}"


def _delivered(workspace: Workspace, run: Run) -> list[str]:
    delivery = t.delivery.c
    query = (
        select(t.delivery)
        .where(delivery.week == str(run.week), delivery.tried_at >= timestamp(run.started))
        .order_by(delivery.way, delivery.target)
    )
    try:
        with workspace.store.reading() as connection:
            rows = connection.execute(query).all()
    except ChartropyError:
        return []
    said = [f"{row.way} to {row.target}" + (f": failed, {row.error}" if row.error else "") for row in rows]
    return said[:MOST_WAYS] + ([f"... and {len(said) - MOST_WAYS} more"] if len(said) > MOST_WAYS else [])


def tell(account: Account, say: Callable[[str], object] = log.info) -> None:
    """Say what a run did, a line at a time."""
    say("the week, in short:")
    for line in account.screen:
        say(line)
