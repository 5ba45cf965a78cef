"""What systemd, cron, GitHub Actions and the Windows Task Scheduler are told, and how it is installed and removed.

Each form is a function from a :class:`~.schedule.Job` to text, which states in its comments what that scheduler does by
itself and what Chartropy does instead.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from ..workspace.errors import ScheduleError, SettingsError
from ..workspace.files import whole_file
from ..workspace.workspace import DEFAULT_FOLDER
from .schedule import LATER, Job

LIMIT = 12
"""Hours after which a run is ended: something hangs."""


@dataclass
class Done:
    """What an installation or a removal did.

    Attributes
    ----------
    said : list of str
    left : list of str
        What is left to the user.
    """

    said: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class Scheduler(ABC):
    """One way to have the weekly run woken."""

    def __init__(self, job: Job):
        self.job = job

    @abstractmethod
    def files(self) -> dict[str, str]:
        """Return what the scheduler is told: text by file name."""

    @abstractmethod
    def install(self) -> Done:
        """Put it where the scheduler reads it."""

    @abstractmethod
    def remove(self) -> Done:
        """Undo :meth:`install`."""

    def notes(self) -> list[str]:
        """Return what whoever installs this should know."""
        return []

    def encoded(self, text: str) -> bytes:
        """Return a file's bytes."""
        return text.encode()

    def write(self, out: Path) -> list[Path]:
        """Write the files: one to `out`, or into it where it is a folder; several into it."""
        files = self.files()
        folder = out if len(files) > 1 or out.is_dir() else None
        written = []
        for name, text in files.items():
            target = folder / name if folder else out
            with whole_file(target) as part:
                part.write_bytes(self.encoded(text))
            written.append(target)
        return written

    def _about(self) -> str:
        return f"Written by `chartropy schedule` {self.job.version} for {self.job.folder}, {self.job.at}"


# -- systemd -----------------------------------------------------------------------------------------------------------


class Systemd(Scheduler):
    """A timer of the user's own systemd, and the service that it starts."""

    def files(self) -> dict[str, str]:
        """Return the service and the timer."""
        job, at = self.job, self.job.at
        program, *arguments = job.command(log=False)
        command = " ".join([_unit_word(program, program=True), *map(_unit_word, arguments)])
        days = ",".join(day.capitalize() for day in str(at).split()[0].split(","))
        later = f"{(at.time.hour + LATER) % 24:02}:{at.time:%M}:00"
        service = f"""\
# {self._about()}
[Unit]
Description=Chartropy, the weekly run ({job.name})
# no OnFailure=: a run that fails sends its own notice ([report.mail] in chartropy.toml), on every system the same way

[Service]
Type=oneshot
ExecStart={command}
# the slash at the end keeps names whole that end with a space or a backslash; a workspace not there yet is made
WorkingDirectory=-{str(job.folder).replace("%", "%%")}/
# 3: done, with gaps that the log lists
SuccessExitStatus=3
TimeoutStartSec={LIMIT}h
Nice=10
"""
        timer = f"""\
# {self._about()}
[Unit]
Description=Chartropy, when the weekly run is due ({job.name})

[Timer]
OnCalendar={days} *-*-* {at.time:%H:%M}:00 {at.zone}
# a run that failed or was killed is tried again; nothing happens when it is done
OnCalendar=*-*-* {later} {at.zone}
# what was missed while the machine was off is caught up; a service that still runs is not started twice
Persistent=true
AccuracySec=1min

[Install]
WantedBy=timers.target
"""
        return {f"{self._unit}.service": service, f"{self._unit}.timer": timer}

    def notes(self) -> list[str]:
        """Return where the log is, and what lets it run while nobody is logged in."""
        return [
            f"The log: journalctl --user -u {self._unit}",
            "It runs while you are logged in; with `loginctl enable-linger` always.",
        ]

    def install(self) -> Done:
        """Write the units and start the timer."""
        done = Done()
        before = self._folder / f"{self._unit}.service"
        if before.exists() and _unit_word(str(self.job.folder)) not in before.read_text("utf-8", "replace"):
            raise ScheduleError(
                f"{before} belongs to another workspace: give this one another --name, or remove that first."
            )
        # systemctl reads this folder even where it is not there yet
        self._folder.mkdir(parents=True, exist_ok=True)
        done.said += [f"Written: {path}" for path in self.write(self._folder)]
        timer = f"{self._unit}.timer"
        steps = [["daemon-reload"], ["enable", "--now", timer], ["restart", timer]]
        if why := self._systemctl(*steps):
            todo = " && ".join(" ".join(["systemctl", "--user", *step]) for step in steps)
            done.left.append(f"systemd cannot be asked to start it ({why}). When it runs for you: {todo}")
        else:
            done.said.append(f"Started: {timer}; `systemctl --user list-timers` shows it.")
        return done

    def remove(self) -> Done:
        """Stop the timer and delete the units."""
        units = [self._folder / name for name in self.files()]
        there = [unit for unit in units if unit.exists()]
        if not there:
            raise ScheduleError(f"{units[-1]} is not there: no such schedule is installed.")
        why = self._systemctl(["disable", "--now", f"{self._unit}.timer"])
        for unit in there:
            unit.unlink()
        done = Done([f"Removed: {unit}" for unit in there])
        if why or (why := self._systemctl(["daemon-reload"])):
            done.left.append(f"systemd could not be told ({why}). When it runs for you: systemctl --user daemon-reload")
        return done

    @property
    def _unit(self) -> str:
        return f"{self.job.name}-weekly"

    @property
    def _folder(self) -> Path:
        given = os.environ.get("XDG_CONFIG_HOME", "")
        return (Path(given) if given.startswith("/") else Path.home() / ".config") / "systemd" / "user"

    def _systemctl(self, *steps: list[str]) -> str:
        """Run `systemctl --user` with each; return why that was not possible."""
        for step in steps:
            try:
                _run("systemctl", "--user", *step)
            except ScheduleError as error:
                return str(error)
        return ""


def _unit_word(word: str, *, program: bool = False) -> str:
    """Write a word of ExecStart: no specifier (%), no variable ($; the program's path is none anyway), no end at a space."""
    word = word.replace("%", "%%")
    if not program:
        word = word.replace("$", "$$")
    if re.fullmatch(r"[A-Za-z0-9_./:,+%$=-]+", word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


# -- cron --------------------------------------------------------------------------------------------------------------


class Cron(Scheduler):
    """A line in the user's crontab.

    Cron knows neither time zones (CRON_TZ is cronie's alone, and elsewhere a variable like any other) nor what it missed. So
    the line wakes Chartropy every `LATER` hours, one of them the right one by this machine's clock, in summer and in winter.
    """

    longest = 999
    """Characters of a command that every cron takes."""

    def files(self) -> dict[str, str]:
        """Return the block of the crontab."""
        return {f"{self.job.name}.cron": self._block(machine_zone())}

    def _block(self, machine: ZoneInfo) -> str:
        job = self.job
        command = shlex.join(job.command(log=True))
        if "\\" in command:
            raise SettingsError(f"{command}: not every cron reads a backslash in a path alike; rename it.")
        command = command.replace("%", r"\%")
        if len(command) > self.longest:
            raise SettingsError(f"{command[:60]}...: cron takes no command of more than {self.longest} characters.")
        minutes, hours = wakings(job, machine)
        here = f"this machine's clock ({machine.key})" if machine.key else "this machine's clock"
        return f"""\
{self._begin}
# {self._about()}
# By {here}: every {LATER} hours, so that what was slept through or failed is caught up;
# --due ends at once unless a run is due, and knows the time zone, which cron does not.
{",".join(map(str, minutes))} {",".join(map(str, hours))} * * * {command}
{self._end}
"""

    def notes(self) -> list[str]:
        """Return where the log is."""
        return [
            f"The log: {self.job.log_file}",
            f"What was slept through is caught up within {LATER} hours. After this machine's time zone was changed, install "
            "it anew.",
        ]

    def install(self) -> Done:
        """Put the block into the crontab, in place of an older one; all else stays as it is."""
        table = self._read()
        old = self._find(table)
        block = self._block(machine_zone()).encode()
        if old and shlex.quote(str(self.job.folder)).replace("%", r"\%").encode() not in table[slice(*old)]:
            raise ScheduleError(
                f"The crontab's schedule {self.job.name!r} belongs to another workspace: give this one another --name, or "
                "remove that first."
            )
        # at the top: variables that are set further up in a crontab would hold for the block
        start, end = old or (0, 0)
        self._write(table[:start] + block + table[end:])
        return Done([f"Your crontab holds the schedule {self.job.name!r}; `crontab -l` shows it."])

    def remove(self) -> Done:
        """Take the block out of the crontab."""
        table = self._read()
        old = self._find(table)
        if not old:
            raise ScheduleError(f"Your crontab has no schedule {self.job.name!r}: nothing is removed.")
        self._write(table[: old[0]] + table[old[1] :])
        return Done([f"Removed from your crontab: {self.job.name}"])

    @property
    def _begin(self) -> str:
        return f"# chartropy schedule {self.job.name}: begin; do not edit between these lines"

    @property
    def _end(self) -> str:
        return f"# chartropy schedule {self.job.name}: end"

    def _find(self, table: bytes) -> tuple[int, int] | None:
        """Return where the block begins and ends."""
        begin, end = (re.escape(line.encode()) for line in (self._begin, self._end))
        found = re.search(rb"^%b$.*?^%b(\n|\Z)" % (begin, end), table, re.DOTALL | re.MULTILINE)
        if found is None and re.search(rb"^(%b|%b)$" % (begin, end), table, re.MULTILINE):
            raise ScheduleError(
                f"The crontab's schedule {self.job.name!r} has lost its first or last line: mend it with `crontab -e`."
            )
        return found.span() if found else None

    def _read(self) -> bytes:
        try:
            return _run("crontab", "-l")
        except ScheduleError as error:
            if "no crontab" in str(error).lower():
                return b""
            raise

    def _write(self, table: bytes) -> None:
        _run("crontab", "-", given=table)


def machine_zone() -> ZoneInfo:
    """Return the time zone that cron keeps: the machine's, whatever ``TZ`` says here."""
    file = Path("/etc/localtime")
    try:
        name = str(file.resolve()).partition("zoneinfo/")[2]
        with file.open("rb") as opened:
            return ZoneInfo.from_file(opened, key=name or None)
    except (OSError, ValueError):
        return ZoneInfo("UTC")


def wakings(job: Job, machine: ZoneInfo) -> tuple[list[int], list[int]]:
    """Return minutes and hours, by the machine's clock, at which a run can be due in the coming two years, and `LATER` on."""
    found = {moment.astimezone(machine).time() for moment in job.at.every_day(job.now, 800)}
    hours = {(time.hour + later) % 24 for time in found for later in range(0, 24, LATER)}
    return sorted({time.minute for time in found}), sorted(hours)


# -- GitHub Actions ----------------------------------------------------------------------------------------------------


class GitHub(Scheduler):
    """A workflow. The workspace survives as an artifact: a cache that nobody asked for in a week is thrown away."""

    def files(self) -> dict[str, str]:
        """Return the workflow."""
        job, at = self.job, self.job.at
        folder = self._workspace()
        due = f"{at.time.minute} {at.time.hour} * * {{}}"
        # POSIX counts from Sunday
        days = due.format(",".join(str((day + 1) % 7) for day in at.days))
        after = {(day + 1) % 7 for day in at.days} - set(at.days)
        again = f"""\
    # the day after: a run that was left out or failed is tried again; nothing happens when it is done
    - cron: "{due.format(",".join(str((day + 1) % 7) for day in sorted(after)))}"
      timezone: "{at.zone}"
"""
        text = f"""\
# Written by `chartropy schedule` {job.version}: {at}
#
# Settings: {folder}/chartropy.toml in this repository. No password belongs there: give it as a secret, below.
# The workspace is kept as an artifact for 90 days, and renewed by every run; who can read this repository can read it.
# GitHub ends the schedule of a public repository in which nothing happened for 60 days.
name: {job.name}

on:
  schedule:
    # GitHub starts a run late when it is busy, least so off the full hour, and may leave it out
    - cron: "{days}"
      timezone: "{at.zone}"
{again if after else ""}  workflow_dispatch:

permissions:
  actions: read # the artifact of the run before
  contents: read

# never two at once: the second waits
concurrency:
  group: {job.name}
  cancel-in-progress: false

jobs:
  weekly:
    runs-on: ubuntu-latest
    timeout-minutes: 300
    env:
      CHARTROPY_WORKSPACE: {folder}
      # CHARTROPY_REPORT__MAIL__PASSWORD: ${{{{ secrets.CHARTROPY_MAIL_PASSWORD }}}}
    steps:
      - uses: actions/checkout@v6
        with:
          persist-credentials: false
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
      - name: Install Chartropy
        run: python -m pip install "chartropy=={job.version}"
      - name: Fetch the workspace that the run before kept
        id: fetch
        shell: bash # with pipefail: what cannot be asked must not look like a first run
        env:
          GH_TOKEN: ${{{{ github.token }}}}
        run: |
          run=$(gh api --paginate "repos/$GITHUB_REPOSITORY/actions/artifacts?name={job.name}-workspace&per_page=100" --jq '
            .artifacts[]
            | select(.expired | not)
            | select(.workflow_run.head_branch == env.GITHUB_REF_NAME)
            | select((.workflow_run.head_repository_id | tostring) == env.GITHUB_REPOSITORY_ID)
            | "\\(.created_at) \\(.workflow_run.id)"' | sort | tail -n 1 | cut -d ' ' -f 2)
          if [ -n "$run" ]; then
            gh run download "$run" --repo "$GITHUB_REPOSITORY" --name {job.name}-workspace --dir "$CHARTROPY_WORKSPACE"
          else
            echo "No workspace was kept before: this run makes one."
          fi
      - name: The week
        env:
          DUE: ${{{{ github.event_name == 'schedule' && '{at}' || '' }}}}
        run: |
          status=0
          chartropy weekly ${{DUE:+--due "$DUE"}} || status=$?
          # 3: done, with gaps that the log lists
          [ "$status" -eq 3 ] || exit "$status"
      - name: Keep the workspace for the next run
        if: always() && steps.fetch.outcome == 'success'
        uses: actions/upload-artifact@v7
        with:
          name: {job.name}-workspace
          path: |
            {folder}
            !{folder}/chartropy.toml
          retention-days: 90
          if-no-files-found: ignore
      - name: Offer the reports
        if: always() && steps.fetch.outcome == 'success'
        uses: actions/upload-artifact@v7
        with:
          name: {job.name}-reports
          path: {folder}/reports
          if-no-files-found: ignore
"""
        return {f"{job.name}.yml": text}

    def notes(self) -> list[str]:
        """Return what has to be done at GitHub."""
        return [
            f"Settings go into {self._workspace()}/chartropy.toml of the repository, passwords into its secrets.",
            "The log is the workflow's; the reports and the workspace are artifacts of each run.",
        ]

    def install(self) -> Done:
        """Write the workflow into the repository that holds the current folder."""
        [path] = self.write(self._place())
        return Done([f"Written: {path}", "Commit and push it to the default branch: GitHub runs schedules from there."])

    def remove(self) -> Done:
        """Delete the workflow from the repository that holds the current folder."""
        path = self._place()
        if not path.exists():
            raise ScheduleError(f"{path} is not there: no such schedule is installed.")
        path.unlink()
        return Done([f"Removed: {path}", "Commit and push that."])

    def _repository(self) -> Path | None:
        here = Path.cwd()
        return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), None)

    def _place(self) -> Path:
        repository = self._repository()
        if repository is None:
            raise ScheduleError(f"{Path.cwd()} lies in no Git repository: go to one, or choose the file with --out.")
        return repository / ".github" / "workflows" / f"{self.job.name}.yml"

    def _workspace(self) -> str:
        """Return where the workspace lies in the repository: there as here, where it lies in it here."""
        repository = self._repository()
        if repository is None or not self.job.folder.is_relative_to(repository) or self.job.folder == repository:
            return DEFAULT_FOLDER
        folder = self.job.folder.relative_to(repository).as_posix()
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", folder):
            raise SettingsError(
                f"{folder}: in a repository, give the workspace a name of Latin letters, digits, . _ and -."
            )
        return folder


# -- Windows -----------------------------------------------------------------------------------------------------------


class Windows(Scheduler):
    """A task of the Task Scheduler.

    It knows times of the machine's own zone, and times with an offset, which go along with no zone's summer. So the task is
    started every day at the right time of each offset the zone has, and Chartropy finds whether a run is due.
    """

    def files(self) -> dict[str, str]:
        """Return the task's XML."""
        job = self.job
        program, *arguments = job.command(log=True)
        triggers = "".join(
            f"""\
    <CalendarTrigger>
      <StartBoundary>{moment.isoformat()}</StartBoundary>
      <ScheduleByDay>
        <DaysInterval>1</DaysInterval>
      </ScheduleByDay>
    </CalendarTrigger>
"""
            for moment in self._starts()
        )
        # no encoding is named: UTF-16 says so itself by its first bytes, and printed it is another
        text = f"""\
<?xml version="1.0"?>
<!-- Started every day: weekly with its option due ends at once unless a run is due, and catches up what failed. -->
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{escape(self._about())}</Description>
  </RegistrationInfo>
  <Triggers>
{triggers}  </Triggers>
  <Principals>
    <Principal id="Author">
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT{LIMIT}H</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(program)}</Command>
      <Arguments>{escape(subprocess.list2cmdline(arguments))}</Arguments>
    </Exec>
  </Actions>
</Task>
"""
        return {f"{job.name}.xml": text}

    def encoded(self, text: str) -> bytes:
        """Return UTF-16 with its mark, and Windows' ends of lines, as schtasks reads it."""
        return text.replace("\n", "\r\n").encode("utf-16")

    def notes(self) -> list[str]:
        """Return where the log is, and when it runs."""
        return [
            f"The log: {self.job.log_file}",
            "It runs while you are logged on. Load a written file with: schtasks /Create /TN NAME /XML FILE",
        ]

    def install(self) -> Done:
        """Give the task to the Task Scheduler."""
        self._only_here()
        with tempfile.TemporaryDirectory() as folder:
            [file] = self.write(Path(folder))
            _run("schtasks", "/Create", "/TN", self.job.name, "/XML", str(file), "/F")
        return Done([f"The Task Scheduler holds the task {self.job.name!r}."])

    def remove(self) -> Done:
        """Take the task from the Task Scheduler."""
        self._only_here()
        _run("schtasks", "/Delete", "/TN", self.job.name, "/F")
        return Done([f"Removed: the task {self.job.name}"])

    def _only_here(self) -> None:
        if os.name != "nt":
            raise ScheduleError("Tasks are installed on Windows only: run this there, or write the file with --out.")

    def _starts(self) -> Iterable[datetime]:
        """Return the coming day's moment in every offset that the zone has in two years."""
        days = list(self.job.at.every_day(self.job.now, 800))
        offsets = dict.fromkeys(moment.utcoffset() for moment in days)
        return [next(moment for moment in days if moment.utcoffset() == offset) for offset in offsets]


FORMATS: dict[str, type[Scheduler]] = {"systemd": Systemd, "cron": Cron, "github": GitHub, "windows": Windows}


def usual_format() -> str:
    """Return the scheduler that this machine has."""
    if os.name == "nt":
        return "windows"
    return "systemd" if Path("/run/systemd/system").is_dir() else "cron"


def _run(*command: str, given: bytes | None = None) -> bytes:
    """Run a scheduler's own program; what it complains of becomes our error."""
    if not shutil.which(command[0]):
        raise ScheduleError(f"there is no program {command[0]} here")
    done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=60)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise ScheduleError(f"{' '.join(command[:2])}: {said or f'exit code {done.returncode}'}")
    return done.stdout
