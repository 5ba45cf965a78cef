"""When the weekly run is due, and what makes a system wake it.

A schedule only wakes Chartropy. Whether a run is due it finds itself (``weekly --due``), by its own history of runs: so a
week that was slept through, killed or failed is caught up at the next waking, one that is done is not done again, and a
clock change does no harm, whatever the scheduler knows of time zones. Two runs never work at once: the second waits for the
workspace's lock (``weekly --wait``).
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from ..charts.periods import last_closed_week
from ..workspace import tables as t
from ..workspace.errors import SettingsError
from ..workspace.store import timestamp
from ..workspace.workspace import Workspace
from .runs import read_runs

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

WAIT = 3600
"""Seconds that a scheduled run waits for another to let go of the workspace."""

LATER = 6
"""Hours after which a run that failed or was missed is tried again, by schedulers that do not catch up themselves."""


@dataclass(frozen=True)
class At:
    """Days of the week and a time of day, in a time zone.

    Attributes
    ----------
    days : tuple of int
        Monday is 0.
    time : datetime.time
    zone : str
        Such as Europe/Moscow.
    """

    days: tuple[int, ...]
    time: time_of_day
    zone: str

    def __str__(self) -> str:
        return f"{','.join(DAYS[day][:3] for day in self.days)} {self.time:%H:%M} {self.zone}"

    def last(self, now: datetime) -> datetime:
        """Return the last such moment that is not after `now`."""
        return max((one for one in self._around(now) if _instant(one) <= _instant(now)), key=_instant)

    def next(self, now: datetime) -> datetime:
        """Return the first such moment after `now`."""
        return min((one for one in self._around(now) if _instant(one) > _instant(now)), key=_instant)

    def every_day(self, first: datetime, days: int) -> Iterator[datetime]:
        """Yield that time of day on so many days from `first` on, whichever days of the week they are."""
        zone = ZoneInfo(self.zone)
        day = first.astimezone(zone).date()
        for number in range(days):
            yield datetime.combine(day + timedelta(days=number), self.time, zone)

    def _around(self, now: datetime) -> list[datetime]:
        return [one for one in self.every_day(now - timedelta(days=8), 17) if one.weekday() in self.days]


def _instant(moment: datetime) -> datetime:
    # two times of one zone are compared by what its clocks show, which goes back once a year
    return moment.astimezone(UTC)


def read_at(given: str, zone: str, option: str = "--at") -> At:
    """Read days and a time of day, such as ``mon,thu 09:00``, with or without a time zone of its own behind.

    Raises
    ------
    SettingsError
        Naming what cannot be read.
    """
    where = f"{option} {given!r}"
    found = re.fullmatch(
        r"\s*(?P<days>[^\d]+?)\s+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:\s+(?P<zone>\S+))?\s*", given
    )
    if not found:
        raise SettingsError(f"{where}: write days and a time, like 'mon 09:00' or 'mon,thu 18:30'.")
    days = {_day(name, where) for name in re.split(r"[\s,;]+", found["days"].strip(" ,;")) if name}
    hour, minute = int(found["hour"]), int(found["minute"])
    if hour > 23 or minute > 59:
        raise SettingsError(f"{where}: {found['hour']}:{found['minute']} is no time of day; 00:00 to 23:59 are.")
    return At(tuple(sorted(days)), time_of_day(hour, minute), _zone(found["zone"] or zone, where))


def _day(name: str, where: str) -> int:
    matching = [number for number, day in enumerate(DAYS) if len(name) > 1 and day.startswith(name.lower())]
    if len(matching) != 1:
        short = ", ".join(day[:3] for day in DAYS)
        raise SettingsError(f"{where}: {name!r} is no day of the week; write {short}, or the whole name.")
    return matching[0]


def _zone(name: str, where: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(f"{where}: there is no time zone {name!r}; use a name like Europe/Moscow.") from None
    return name


def not_due(workspace: Workspace, given: str) -> str:
    """Say why no weekly run is due; empty when one is.

    One is due when none succeeded (gaps are no failure) since the last of those moments, and none is at work now.
    """
    at = read_at(given, workspace.settings.timezone, "--due")
    zone = ZoneInfo(workspace.settings.timezone)
    moment = at.last(workspace.now())
    week = last_closed_week(moment.astimezone(zone).date(), workspace.settings.week_ends)
    run = t.run.c
    query = (
        select(run.started_at)
        .where(
            run.command == "weekly",
            run.started_at >= timestamp(moment),
            run.outcome.in_(("done", "gaps")),
            run.week >= week.isoformat(),
        )
        .order_by(run.run_id.desc())
    )
    with workspace.store.reading() as connection:
        done = connection.scalar(query)
    if done:
        return (
            f"the run of {moment:%a %Y-%m-%d %H:%M} ({at.zone}) was done at "
            f"{datetime.fromisoformat(done).astimezone(zone):%Y-%m-%d %H:%M}; the next is due at "
            f"{at.next(workspace.now()):%a %Y-%m-%d %H:%M}"
        )
    working = [one for one in read_runs(workspace, 20) if one.command == "weekly" and one.outcome == "running"]
    return f"one is running since {working[0].started:%Y-%m-%d %H:%M}" if working else ""


# -- what is to be run -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """The weekly run, as a scheduler starts it.

    Attributes
    ----------
    name : str
        Of the schedule: one machine may have several.
    at : At
    folder : Path
        Of the workspace, absolute.
    program : tuple of str
        How Chartropy is started here.
    now : datetime
        When the schedule is made.
    version : str
        Of Chartropy.
    """

    name: str
    at: At
    folder: Path
    program: tuple[str, ...]
    now: datetime
    version: str

    def command(self, *, log: bool) -> list[str]:
        """Return the command, with its log in the workspace where the scheduler keeps none."""
        given = ["--workspace", str(self.folder), "--due", str(self.at), "--wait", str(WAIT)]
        return [*self.program, "weekly", *given, *(["--log", str(self.log_file)] if log else [])]

    @property
    def log_file(self) -> Path:
        """Where the log goes, for schedulers that keep none."""
        return self.folder / "logs" / "weekly.log"


def job_of(folder: Path, at: At, name: str, now: datetime, version: str) -> Job:
    """Return what is to be scheduled.

    Raises
    ------
    SettingsError
        When the name or a path has characters that no schedule can hold.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}", name):
        raise SettingsError(f"--name {name!r}: only Latin letters, digits, - and _.")
    program = own_program()
    for path in (str(folder), *program):
        if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in path):
            raise SettingsError(f"{path!r}: a path with such characters cannot be written into a schedule; rename it.")
    return Job(name, at, folder, program, now, version)


def own_program() -> tuple[str, ...]:
    """Return how Chartropy is started here, with absolute paths."""
    name = "chartropy.exe" if os.name == "nt" else "chartropy"
    for path in (Path(sys.argv[0]), Path(sysconfig.get_path("scripts")) / name):
        if path.name == name and path.is_file():
            return (str(path.absolute()),)
    return (sys.executable, "-m", "chartropy.reports")


def variables_left_behind() -> list[str]:
    """Say which settings come from variables that a scheduler does not know."""
    known = {"CHARTROPY_WORKSPACE", "CHARTROPY_NOW"}  # the one stands in the command, the other is for tests
    names = sorted(name for name in os.environ if name.upper().startswith("CHARTROPY_") and name.upper() not in known)
    if not names:
        return []
    return [f"The scheduler does not know your shell's {', '.join(names)}: write that into chartropy.toml."]
