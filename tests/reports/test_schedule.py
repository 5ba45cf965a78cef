"""Schedules: when a run is due, what each scheduler is told, and that the schedulers themselves understand it."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from cronsim import CronSim

from chartropy.reports import schedulers
from chartropy.reports.runs import recorded
from chartropy.reports.schedule import At, Job, job_of, not_due, own_program, read_at
from chartropy.reports.schedulers import FORMATS, Cron, GitHub, Systemd, Windows, wakings
from chartropy.workspace.errors import ScheduleError, SettingsError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 7, 3, 12, tzinfo=BERLIN)
YEAR = 366

AWKWARD = """w s/данные 100% $HOME ${x} "q" it's ; %n #1"""


def job(folder: Path | str = "/data/charts", at: str = "mon 09:00", zone: str = "Europe/Berlin", **other) -> Job:
    given = {"name": "chartropy", "now": NOW, "version": "1.2.3"} | other
    return job_of(Path(folder), read_at(at, zone), **given)


# -- days and times ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("mon 09:00", "mon 09:00 Europe/Moscow"),
        ("Monday 9:00", "mon 09:00 Europe/Moscow"),
        ("  mon   9.05 ", "mon 09:05 Europe/Moscow"),
        ("thu,mon 09:00", "mon,thu 09:00 Europe/Moscow"),
        ("mon, thurs 23:59", "mon,thu 23:59 Europe/Moscow"),
        ("tu We su 00:00", "tue,wed,sun 00:00 Europe/Moscow"),
        ("mon,mon 18:30 America/New_York", "mon 18:30 America/New_York"),
    ],
)
def test_days_and_times_are_read_and_written_back(given, read):
    assert str(read_at(given, "Europe/Moscow")) == read
    assert str(read_at(read, "UTC")) == read


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("", "write days and a time"),
        ("09:00", "write days and a time"),
        ("mon", "write days and a time"),
        ("mon 9", "write days and a time"),
        ("mon 09:00 Europe/Moscow now", "write days and a time"),
        ("mon 24:00", "24:00 is no time of day"),
        ("mon 09:60", "09:60 is no time of day"),
        ("moon 09:00", "'moon' is no day"),
        ("t 09:00", "'t' is no day"),
        ("mon,wen 09:00", "'wen' is no day"),
        ("mon 09:00 Europe/Moskau", "no time zone 'Europe/Moskau'"),
        ("mon 09:00 Europe", "no time zone 'Europe'"),
        ("mon 09:00 ../etc/passwd", "no time zone"),
    ],
)
def test_what_is_no_day_or_time_is_named(given, named):
    with pytest.raises(SettingsError, match=re.escape(named)) as error:
        read_at(given, "Europe/Moscow")
    assert str(error.value).startswith(f"--at {given!r}: ")


def test_the_hour_stays_when_the_clocks_change():
    at = read_at("sun,mon 09:00", "Europe/Berlin")
    moment, seen = datetime(2026, 10, 20, tzinfo=UTC), []
    for _ in range(4):
        moment = at.next(moment)
        seen.append((moment.isoformat(), at.last(moment) == moment, at.last(moment - timedelta(seconds=1)) < moment))
    assert seen == [
        ("2026-10-25T09:00:00+01:00", True, True),
        ("2026-10-26T09:00:00+01:00", True, True),
        ("2026-11-01T09:00:00+01:00", True, True),
        ("2026-11-02T09:00:00+01:00", True, True),
    ]
    assert at.last(datetime(2026, 10, 24, tzinfo=UTC)).isoformat() == "2026-10-19T09:00:00+02:00"


def test_in_the_hour_that_comes_twice_the_first_counts():
    at = read_at("sun 02:30", "Europe/Berlin")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert at.last(first) == at.last(first + timedelta(hours=1)) == datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    assert at.last(first - timedelta(minutes=1)).day == 18
    assert at.next(first.astimezone(BERLIN)).day == 1


# -- whether a run is due ----------------------------------------------------------------------------------------------


@pytest.fixture
def at_the_time(workspace, monkeypatch):
    """Set the clock, let a run of a command end, and ask whether one is due."""

    def ask(now: str, *ran: tuple[str, str, str, int], due: str = "mon 09:00") -> str:
        for command, when, week, gaps in ran:
            monkeypatch.setenv("CHARTROPY_NOW", when)
            with recorded(workspace, command, datetime.fromisoformat(week).date()) as run:
                run.gaps = gaps
        monkeypatch.setenv("CHARTROPY_NOW", now)
        return not_due(workspace, due)

    return ask


def test_a_run_is_due_until_one_succeeded(at_the_time, workspace, monkeypatch):
    assert not at_the_time("2026-07-06T09:00")
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-06T09:00")
    with pytest.raises(ValueError, match="x"), recorded(workspace, "weekly", datetime(2026, 7, 2).date()):
        raise ValueError("x")
    with pytest.raises(KeyboardInterrupt), recorded(workspace, "weekly", datetime(2026, 7, 2).date()):
        raise KeyboardInterrupt
    assert not at_the_time("2026-07-06T15:00", ("collect", "2026-07-06T10:00", "2026-07-02", 0))
    said = at_the_time("2026-07-07T09:00", ("weekly", "2026-07-06T15:00", "2026-07-02", 4))
    assert "Mon 2026-07-06 09:00 (Europe/Moscow) was done at 2026-07-06 15:00" in said
    assert "next is due at Mon 2026-07-13 09:00" in said
    assert at_the_time("2026-07-13T08:59")  # also when another chart week has closed meanwhile
    assert not at_the_time("2026-07-13T09:00")


def test_a_run_before_its_time_or_of_an_old_week_counts_for_nothing(at_the_time):
    assert not at_the_time(
        "2026-07-06T12:00",
        ("weekly", "2026-07-06T08:59", "2026-07-02", 0),
        ("weekly", "2026-07-06T10:00", "2025-01-02", 0),
    )


def test_the_time_zone_of_the_schedule_counts(at_the_time):
    ran = ("weekly", "2026-07-06T10:00", "2026-07-02", 0)  # Moscow: 09:00 in Berlin
    assert at_the_time("2026-07-06T10:30", ran, due="mon 09:00 Europe/Berlin")
    assert not at_the_time("2026-07-06T16:30", due="mon 09:00 America/New_York")


def test_a_run_at_work_is_left_to_work_and_a_killed_one_is_not_counted(at_the_time, workspace):
    now = "2026-07-06T09:00"
    at_the_time(now)
    with recorded(workspace, "weekly", datetime(2026, 7, 2).date()):
        with workspace.writing():
            assert "one is running since 2026-07-06 09:00" in at_the_time(now)
        assert not at_the_time(now)  # nobody holds the workspace: it was killed


# -- what is scheduled -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/a\nb", "/a\tb", "/a\x00b", "/a\u2028b", "/a\udc80b"])
def test_paths_that_no_schedule_can_hold_are_refused(path):
    with pytest.raises(SettingsError, match="rename it"):
        job(path)


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "имя", "x" * 50])
def test_names_that_are_no_names_are_refused(name):
    with pytest.raises(SettingsError, match="--name"):
        job(name=name)


def test_the_program_is_the_one_installed_here(monkeypatch, tmp_path):
    [program] = own_program()
    assert Path(program).is_absolute()
    assert subprocess.run([program, "--version"], capture_output=True, check=True).stdout
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    monkeypatch.setattr("sys.argv", ["pytest"])
    assert own_program() == (sys.executable, "-m", "chartropy.reports")


# -- systemd -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def systemd_analyze(tmp_path):
    program = shutil.which("systemd-analyze")
    if not program:
        pytest.skip("needs systemd-analyze, systemd's own checker of units")
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)

    def run(*arguments: object) -> str:
        done = subprocess.run(
            [program, *map(str, arguments)], capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(runtime), "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("at", ["mon 09:00", "mon,thu 23:30", "sun 00:00"])
@pytest.mark.parametrize("folder", ["charts", AWKWARD, "ends in a space ", "back\\slash\\"])
def test_systemd_finds_no_fault_in_the_units(systemd_analyze, tmp_path, at, folder):
    units = Systemd(job(tmp_path / folder, at)).write(tmp_path / "units")
    assert [unit.name for unit in units] == ["chartropy-weekly.service", "chartropy-weekly.timer"]
    # it complains on its standard error, with exit code 0
    assert systemd_analyze("--user", "verify", "--man=no", *units) == ""


def test_systemds_checker_sees_what_is_wrong(systemd_analyze, tmp_path):
    service, _ = Systemd(job(tmp_path)).write(tmp_path / "units")
    service.write_text(service.read_text().replace("TimeoutStartSec=12h", "TimeoutStartSec=soon"))
    assert "TimeoutStartSec" in systemd_analyze("--user", "verify", "--man=no", service)


def test_systemd_reads_the_times_as_they_are_meant(systemd_analyze):
    timer = Systemd(job(at="mon,thu 22:00")).files()["chartropy-weekly.timer"]
    weekly, later = re.findall(r"OnCalendar=(.*)", timer)
    said = systemd_analyze("calendar", "--base-time=2026-10-20 00:00 UTC", "--iterations=4", weekly)
    found = re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d):00 UTC", said)
    # the clocks go back on the 25th
    assert found == ["2026-10-22 20:00", "2026-10-26 21:00", "2026-10-29 21:00", "2026-11-02 21:00"]
    said = systemd_analyze("calendar", "--base-time=2026-07-03 00:00 UTC", "--iterations=2", later)
    assert re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d):00 UTC", said) == ["2026-07-03 02:00", "2026-07-04 02:00"]
    assert "Persistent=true" in timer


def test_systemd_is_told_nothing_that_it_would_expand(tmp_path):
    service = Systemd(job(f"/{AWKWARD}")).files()["chartropy-weekly.service"]
    [command] = re.findall("ExecStart=(.*)", service)
    assert not re.search(r"(?<!%)%(%%)*(?!%)", command)
    assert not re.search(r"(?<!\$)\$(\$\$)*(?!\$)", command)
    read = [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(command)]
    assert read[1:] == job(f"/{AWKWARD}").command(log=False)[1:]
    [folder] = re.findall("WorkingDirectory=-(.*)", service)
    assert folder.replace("%%", "%") == f"/{AWKWARD}/"


# -- cron --------------------------------------------------------------------------------------------------------------


def cron_line(text: str) -> tuple[str, str]:
    """Return when and what, of a block."""
    [line] = [line for line in text.splitlines() if not line.startswith("#")]
    fields = line.split(" ", 5)
    return " ".join(fields[:5]), fields[5]


@pytest.mark.parametrize("machine", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
@pytest.mark.parametrize(("at", "zone"), [("mon 09:00", "Europe/Berlin"), ("sat,tue 00:30", "Europe/Moscow")])
def test_cron_wakes_at_the_right_moment_in_every_zone_across_the_year(machine, at, zone):
    asked, here = job(at=at, zone=zone), ZoneInfo(machine)
    expression, _ = cron_line(Cron(asked)._block(here))
    hits = CronSim(expression, NOW.astimezone(here).replace(tzinfo=here))
    end, ran = NOW + timedelta(days=YEAR), [asked.at.last(NOW)]
    late = []
    for moment in hits:
        if moment.astimezone(UTC) > end:
            break
        due = asked.at.last(moment)
        if due.astimezone(UTC) > ran[-1].astimezone(UTC):  # what --due asks
            ran.append(due)
            late.append(moment.astimezone(UTC) - due.astimezone(UTC))
    assert len(ran) == pytest.approx(1 + YEAR * len(asked.at.days) / 7, abs=1)
    assert max(late) == timedelta(0)


def test_cron_wakes_often_enough_after_a_sleep():
    minutes, hours = wakings(job(), ZoneInfo("UTC"))
    assert (minutes, hours) == ([0], [1, 2, 7, 8, 13, 14, 19, 20])
    assert wakings(job(zone="Europe/Moscow"), ZoneInfo("UTC")) == ([0], [0, 6, 12, 18])


def test_the_zone_is_the_machines_whatever_the_shell_says(monkeypatch):
    before = schedulers.machine_zone().utcoffset(datetime(2026, 7, 1))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert schedulers.machine_zone().utcoffset(datetime(2026, 7, 1)) == before


@pytest.mark.skipif(os.name == "nt", reason="a shell is needed")
def test_cron_and_the_shell_give_the_words_back(tmp_path):
    """As cron does it: a \\% is a %, an unescaped one ends the command; the rest goes to sh -c."""
    folder = tmp_path / AWKWARD
    program = tmp_path / "a program's 5%"
    program.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\n')
    program.chmod(0o755)
    asked = job(folder)
    asked = Job(asked.name, asked.at, asked.folder, (str(program),), asked.now, asked.version)
    _, command = cron_line(Cron(asked)._block(ZoneInfo("UTC")))
    assert not re.search(r"(?<!\\)%", command)
    said = subprocess.run(["/bin/sh", "-c", command.replace(r"\%", "%")], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == asked.command(log=True)[1:]
    assert str(folder / "logs" / "weekly.log") in said.stdout


def test_paths_that_crons_read_differently_are_refused():
    with pytest.raises(SettingsError, match="backslash"):
        Cron(job("/a\\b")).files()
    with pytest.raises(SettingsError, match="999 characters"):
        Cron(job("/" + "a" * 900)).files()


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder of programs that stand before the machine's own, and write down how they were called."""
    if os.name == "nt":
        pytest.skip("needs a shell")
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))

    def make(name: str, script: str) -> None:
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "$CALLS"\n{script}\n')
        (folder / name).chmod(0o755)

    return make


@pytest.fixture
def crontab(programs, tmp_path, monkeypatch):
    table = tmp_path / "crontab"
    monkeypatch.setenv("TABLE", str(table))
    programs(
        "crontab",
        'if [ "$1" = -l ]; then if [ -f "$TABLE" ]; then cat "$TABLE"; else echo "no crontab for me" >&2; exit 1; fi\n'
        'else cat > "$TABLE"; fi',
    )
    return table


@pytest.mark.parametrize(
    "before",
    [
        None,
        b"",
        b"# mine\nMAILTO=me\n\n0 0 * * * /bin/true\n",
        b"\n\n  # no end of line",
        "# имя\r\n0 0 * * * echo \\%\t \n".encode(),
        b"\xff\xfe not UTF-8\n",
    ],
)
def test_a_crontab_keeps_all_else_byte_for_byte(crontab, before):
    if before is not None:
        crontab.write_bytes(before)
    Cron(job()).install()
    first = crontab.read_bytes()
    assert first.endswith(before or b"")
    Cron(job()).install()
    assert crontab.read_bytes() == first
    # another time takes the place of the first, wherever the user has moved the block
    block = first[: len(first) - len(before or b"")]
    crontab.write_bytes(b"# above\n" + block + (before or b""))
    Cron(job(at="thu 10:00")).install()
    assert crontab.read_bytes().startswith(b"# above\n# chartropy schedule chartropy: begin")
    assert crontab.read_bytes().count(b"weekly --workspace") == 1
    Cron(job(name="other", folder="/elsewhere")).install()
    assert crontab.read_bytes().count(b"weekly --workspace") == 2
    Cron(job(name="other", folder="/elsewhere")).remove()
    Cron(job()).remove()
    assert crontab.read_bytes() == b"# above\n" + (before or b"")
    with pytest.raises(ScheduleError, match="no schedule 'chartropy'"):
        Cron(job()).remove()


def test_a_crontab_that_is_not_understood_stays(crontab):
    Cron(job()).install()
    with pytest.raises(ScheduleError, match="another workspace"):
        Cron(job("/data/others")).install()
    whole = crontab.read_text()
    for lost in (whole.splitlines(keepends=True)[0], whole.splitlines(keepends=True)[-1]):
        crontab.write_text(whole.replace(lost, ""))
        with pytest.raises(ScheduleError, match="lost its first or last line"):
            Cron(job()).install()
        assert crontab.read_text() == whole.replace(lost, "")


def test_a_crontab_that_cannot_be_read_is_not_written(programs, tmp_path):
    programs("crontab", 'echo "you are not allowed to use this program" >&2; exit 1')
    with pytest.raises(ScheduleError, match="not allowed"):
        Cron(job()).install()
    assert (tmp_path / "calls").read_text() == "crontab -l\n"


# -- GitHub ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def workflow(outside):
    return yaml.safe_load(GitHub(job()).files()["chartropy.yml"])


def step(workflow: dict, name: str) -> dict:
    return next(step for step in workflow["jobs"]["weekly"]["steps"] if step.get("name") == name)


@pytest.mark.parametrize("at", ["mon 09:00", "mon,thu 09:05", "mon,tue,wed,thu,fri,sat,sun 00:00"])
def test_the_workflow_is_what_its_schema_asks_for(outside, at):
    if not importlib.util.find_spec("check_jsonschema"):
        pytest.skip("needs check-jsonschema, which holds the schema of GitHub's workflows")
    [path] = GitHub(job(at=at)).write(outside)
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*checker, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    path.write_text(path.read_text().replace("runs-on:", "runs:"))
    assert subprocess.run([*checker, str(path)], capture_output=True, check=False).returncode == 1


def test_the_workflow_runs_at_the_time_alone_with_few_rights(workflow):
    schedule = workflow[True]["schedule"]  # YAML 1.1 takes "on" for true; GitHub does not
    assert schedule == [
        {"cron": "0 9 * * 1", "timezone": "Europe/Berlin"},
        {"cron": "0 9 * * 2", "timezone": "Europe/Berlin"},
    ]
    assert "workflow_dispatch" in workflow[True]
    hits = CronSim(schedule[0]["cron"], NOW)
    assert [str(next(hits)) for _ in range(17)][-1] == "2026-10-26 09:00:00+01:00"
    assert workflow["permissions"] == {"actions": "read", "contents": "read"}
    assert workflow["concurrency"] == {"group": "chartropy", "cancel-in-progress": False}
    used = [step["uses"] for step in workflow["jobs"]["weekly"]["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)
    assert "://" not in GitHub(job()).files()["chartropy.yml"]


def test_every_day_of_the_week_needs_no_day_after(outside):
    at = "mon,tue,wed,thu,fri,sat,sun 09:00"
    text = GitHub(job(at=at)).files()["chartropy.yml"]
    assert [one["cron"] for one in yaml.safe_load(text)[True]["schedule"]] == ["0 9 * * 1,2,3,4,5,6,0"]


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (3, 0), (1, 1), (2, 2), (130, 130)])
@pytest.mark.parametrize("due", ["mon 09:00 Europe/Berlin", ""])
def test_gaps_fail_no_workflow_and_failures_do(programs, tmp_path, workflow, code, ends, due):
    programs("chartropy", f'for word in "$@"; do echo "[$word]"; done; exit {code}')
    script = step(workflow, "The week")
    assert "'mon 09:00 Europe/Berlin'" in script["env"]["DUE"]
    done = subprocess.run(
        ["bash", "-e", "-c", script["run"]], env=os.environ | {"DUE": due}, capture_output=True, text=True, check=False
    )
    assert done.returncode == ends
    assert done.stdout.split("\n")[:-1] == ["[weekly]", *(["[--due]", f"[{due}]"] if due else [])]


def artifact(run: int, made: str, *, branch: str = "main", repository: int = 7, expired: bool = False) -> dict:
    of_run = {"id": run, "head_branch": branch, "head_repository_id": repository}
    return {"created_at": made, "expired": expired, "workflow_run": of_run}


def test_the_workspace_kept_last_is_fetched_and_no_strangers(programs, tmp_path, workflow):
    if not shutil.which("jq"):
        pytest.skip("needs jq, whose language gh speaks")
    import json

    artifacts = [
        artifact(1, "2026-06-29T06:00:00Z"),
        artifact(2, "2026-07-06T06:00:00Z"),
        artifact(3, "2026-07-07T06:00:00Z", branch="other"),
        artifact(4, "2026-07-08T06:00:00Z", repository=8),
        artifact(5, "2026-07-09T06:00:00Z", expired=True),
    ]
    answer = tmp_path / "answer.json"
    programs("gh", f'[ "$1" = api ] || exit 0\nfor last in "$@"; do :; done\njq -r "$last" "{answer}"')
    told = {"GITHUB_REF_NAME": "main", "GITHUB_REPOSITORY_ID": "7", "GITHUB_REPOSITORY": "me/charts"}
    script = step(workflow, "Fetch the workspace that the run before kept")
    assert script["shell"] == "bash"

    def fetch() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script["run"]],
            env=os.environ | told | {"CHARTROPY_WORKSPACE": "data"}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    answer.write_text(json.dumps({"artifacts": artifacts}))
    assert fetch().returncode == 0
    called = (tmp_path / "calls").read_text()
    assert called.endswith("gh run download 2 --repo me/charts --name chartropy-workspace --dir data\n")
    answer.write_text(json.dumps({"artifacts": artifacts[2:]}))
    assert "this run makes one" in fetch().stdout
    programs("gh", "exit 1")  # who cannot ask must not begin anew, and throw the years away
    assert fetch().returncode != 0
    for name in ("Keep the workspace for the next run", "Offer the reports"):
        assert step(workflow, name)["if"] == "always() && steps.fetch.outcome == 'success'"


def test_the_settings_of_the_repository_are_no_artifact(outside, monkeypatch):
    (outside / ".git").mkdir()
    (outside / "below").mkdir()
    monkeypatch.chdir(outside / "below")
    done = GitHub(job(outside / "data" / "charts")).install()
    path = outside / ".github" / "workflows" / "chartropy.yml"
    assert f"Written: {path}" in done.said
    found = yaml.safe_load(path.read_text())
    assert found["jobs"]["weekly"]["env"] == {"CHARTROPY_WORKSPACE": "data/charts"}
    kept = step(found, "Keep the workspace for the next run")["with"]["path"].split()
    assert kept == ["data/charts", "!data/charts/chartropy.toml"]
    with pytest.raises(SettingsError, match="Latin letters"):
        GitHub(job(outside / "мои ${{ x }}")).files()
    GitHub(job()).remove()
    assert not path.exists()
    with pytest.raises(ScheduleError, match="no such schedule"):
        GitHub(job()).remove()


def test_outside_of_a_repository_a_workflow_needs_a_place(outside):
    with pytest.raises(ScheduleError, match="no Git repository"):
        GitHub(job()).install()


# -- Windows -----------------------------------------------------------------------------------------------------------

NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def words_of(line: str) -> list[str]:
    """Split a command line as Windows programs do: backslashes count only before quotation marks."""
    words, word, inside, begun, place = [], "", False, False, 0
    while place < len(line):
        slashes = len(re.match(r"\\*", line[place:])[0])  # pyright: ignore[reportOptionalSubscript]
        place += slashes
        if place < len(line) and line[place] == '"':
            word += "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            else:
                inside, begun = not inside, True
            place += 1
            continue
        word += "\\" * slashes
        if place < len(line):
            if line[place] in " \t" and not inside:
                if word or begun:
                    words.append(word)
                word, begun = "", False
            else:
                word += line[place]
            place += 1
    return [*words, word] if word or begun else words


def task(path: Path) -> ET.Element:
    return ET.parse(path).getroot()


def test_the_task_is_utf16_and_its_elements_are_in_their_order(tmp_path):
    folder = f"/{AWKWARD} <&> back\\slash\\"
    [path] = Windows(job(folder)).write(tmp_path / "task.xml")
    assert path.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert "\r\n" in path.read_bytes().decode("utf-16")
    root = task(path)
    assert [element.tag.removeprefix(NAMESPACE) for element in root] == [
        "RegistrationInfo", "Triggers", "Principals", "Settings", "Actions",
    ]  # fmt: skip
    settings = {one.tag.removeprefix(NAMESPACE): one.text for one in root.iter(f"{NAMESPACE}Settings") for one in one}
    assert settings["StartWhenAvailable"] == "true"
    assert settings["MultipleInstancesPolicy"] == "IgnoreNew"
    assert settings["ExecutionTimeLimit"] == "PT12H"
    for trigger in root.iter(f"{NAMESPACE}CalendarTrigger"):
        assert [one.tag.removeprefix(NAMESPACE) for one in trigger] == ["StartBoundary", "ScheduleByDay"]
    line = root.findtext(f".//{NAMESPACE}Arguments")
    assert line
    assert words_of(line) == job(folder).command(log=True)[1:]
    assert root.findtext(f".//{NAMESPACE}Command") == job(folder).program[0]


@pytest.mark.parametrize(("zone", "offsets"), [("Europe/Moscow", {"+03:00"}), ("Europe/Berlin", {"+02:00", "+01:00"})])
def test_the_task_starts_at_the_right_moment_in_summer_and_in_winter(tmp_path, zone, offsets):
    asked = job(zone=zone)
    starts = [
        element.text or "" for element in task(Windows(asked).write(tmp_path)[0]).iter(f"{NAMESPACE}StartBoundary")
    ]
    assert {start[-6:] for start in starts} == offsets
    daily = {datetime.fromisoformat(start).astimezone(UTC).time() for start in starts}
    moment = asked.at.next(NOW)
    for _ in range(52):
        assert moment.astimezone(UTC).time() in daily
        moment = asked.at.next(moment)


def test_tasks_are_installed_where_tasks_are(monkeypatch):
    if os.name != "nt":
        for do in (Windows(job()).install, Windows(job()).remove):
            with pytest.raises(ScheduleError, match="on Windows only"):
                do()
    asked = []
    monkeypatch.setattr(Windows, "_only_here", lambda _: None)

    def run(*command: str) -> bytes:
        asked.append(command)
        if "/XML" in command:
            task(Path(command[5]))
        return b""

    monkeypatch.setattr(schedulers, "_run", run)
    Windows(job()).install()
    Windows(job()).remove()
    assert asked[0][:5] == ("schtasks", "/Create", "/TN", "chartropy", "/XML")
    assert asked[0][6:] == ("/F",)
    assert asked[1] == ("schtasks", "/Delete", "/TN", "chartropy", "/F")


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def chartropy(tmp_path, command_line, monkeypatch):
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-03T12:00")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)

    return command_line


@pytest.mark.parametrize("form", FORMATS)
def test_a_schedule_is_printed_with_absolute_paths_and_makes_nothing(chartropy, tmp_path, form):
    code, said, notes = chartropy("schedule", "--format", form, "--workspace", "some/where")
    assert code == 0
    assert "mon 09:00 Europe/Moscow" in said
    assert form == "github" or str(tmp_path / "some" / "where") in said
    assert "Due next: Mon 2026-07-06 09:00 (Europe/Moscow)" in notes
    assert list(tmp_path.iterdir()) == []


def test_the_time_zone_is_the_settings_unless_said(chartropy, tmp_path):
    (tmp_path / "chartropy-data").mkdir()
    (tmp_path / "chartropy-data" / "chartropy.toml").write_text('timezone = "Asia/Tokyo"\n')
    assert "mon 09:00 Asia/Tokyo" in chartropy("schedule", "--format", "cron")[1]
    assert "mon 09:00 Europe/Berlin" in chartropy("schedule", "--format", "cron", "--timezone", "Europe/Berlin")[1]


def test_settings_that_only_the_shell_knows_are_pointed_out(chartropy, monkeypatch):
    assert "your shell's" not in chartropy("schedule", "--format", "cron")[2]
    monkeypatch.setenv("CHARTROPY_CONTACT", "me@example.org")
    assert "your shell's CHARTROPY_CONTACT: write that into" in chartropy("schedule", "--format", "cron")[2]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--format", "anacron"], "--format anacron: choose one of systemd, cron, github, windows."),
        (["--at", "someday 09:00"], "'someday' is no day of the week"),
        (["--timezone", "Mars/Base"], "no time zone 'Mars/Base'"),
        (["--name", "a/b"], "--name 'a/b'"),
        (["--install", "--remove"], "give one of them"),
        (["--install", "--out", "x"], "give one of them"),
    ],
)
def test_what_is_wrong_is_named_in_a_line(chartropy, arguments, named):
    code, said, complaint = chartropy("schedule", *arguments)
    assert (code, said) == (2, "")
    assert named in complaint
    assert len(complaint.splitlines()) == 1


@pytest.mark.parametrize("form", FORMATS)
def test_files_are_written_where_they_are_wanted(chartropy, tmp_path, form):
    code, said, _ = chartropy("schedule", "--format", form, "--out", tmp_path / "out" / "file")
    assert code == 0
    for line in said.splitlines():
        assert Path(line.removeprefix("Written: ")).stat().st_size > 100


def test_systemd_is_told_and_told_again(chartropy, programs, tmp_path):
    programs("systemctl", "exit 0")
    chosen = ("--format", "systemd", "--workspace", tmp_path / AWKWARD)
    units = tmp_path / "config" / "systemd" / "user"
    for at in ("mon 09:00", "thu 09:00"):
        code, said, notes = chartropy("schedule", *chosen, "--at", at, "--install")
        assert code == 0
        assert f"Written: {units / 'chartropy-weekly.timer'}" in said
        assert "loginctl enable-linger" in notes
    assert "OnCalendar=Thu" in (units / "chartropy-weekly.timer").read_text()
    code, _, complaint = chartropy("schedule", "--format", "systemd", "--workspace", "elsewhere", "--install")
    assert (code, "belongs to another workspace" in complaint) == (1, True)
    code, said, _ = chartropy("schedule", "--format", "systemd", "--remove")
    assert code == 0
    assert list(units.iterdir()) == []
    calls = (tmp_path / "calls").read_text().splitlines()
    started = ["daemon-reload", "enable --now chartropy-weekly.timer", "restart chartropy-weekly.timer"]
    wanted = [*started, *started, "disable --now chartropy-weekly.timer", "daemon-reload"]
    assert calls == [f"systemctl --user {words}" for words in wanted]
    assert chartropy("schedule", "--format", "systemd", "--remove")[0] == 1


def test_where_systemd_does_not_run_the_units_wait_for_it(chartropy, programs, tmp_path):
    programs("systemctl", 'echo "Failed to connect to bus: No medium found" >&2; exit 1')
    code, said, complaint = chartropy("schedule", "--format", "systemd", "--install")
    assert code == 3
    assert "Written: " in said
    assert "Failed to connect to bus" in complaint
    assert "systemctl --user daemon-reload && systemctl --user enable --now chartropy-weekly.timer" in complaint
    code, said, complaint = chartropy("schedule", "--format", "systemd", "--remove")
    assert (code, "Removed: " in said, "daemon-reload" in complaint) == (3, True, True)


def test_a_scheduled_run_logs_ends_with_a_screen_and_is_not_repeated(tmp_path):
    """The very command of the schedule, without a terminal, on an empty workspace."""
    folder = tmp_path / "a workspace"
    asked = job_of(folder, At((0,), read_at("mon 09:00", "UTC").time, "Europe/Moscow"), "chartropy", NOW, "1")
    told = os.environ | {"CHARTROPY_COLLECT": "[]", "CHARTROPY_NOW": "2026-07-06T09:00"}
    done = subprocess.run(asked.command(log=True), env=told, capture_output=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    log = asked.log_file.read_text()
    told["CHARTROPY_NOW"] = "2026-07-06T15:00"
    done = subprocess.run(asked.command(log=True), env=told, capture_output=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    again = asked.log_file.read_text().removeprefix(log)
    last = log.splitlines()
    assert " INFO   took:" in last[-1]
    assert len(last) - next(n for n, line in enumerate(last) if line.endswith("the week, in short:")) <= 20
    assert again.count("\n") == 1
    assert "INFO nothing to do: the run of Mon 2026-07-06 09:00 (Europe/Moscow) was done" in again


def test_a_log_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "chartropy.reports", "weekly", "-w", str(tmp_path / "w"), "--log"]
    done = subprocess.run([*command, str(tmp_path / "file" / "log")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--log" in done.stderr
    assert "Traceback" not in done.stderr
