"""The history of runs: how each ended, written down without getting in anybody's way."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from chartropy.reports import deliver, runs, weekly
from chartropy.reports.runs import duration, read_runs, recorded
from chartropy.workspace import tables as t
from chartropy.workspace.errors import WorkspaceError
from chartropy.workspace.workspace import Workspace

WEEK = date(2026, 7, 2)


def outcomes(workspace) -> list[tuple[str, str, str]]:
    return [(run.command, run.outcome, run.summary) for run in read_runs(workspace, 100)]


# -- how runs end ------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_each_end_is_told_from_the_others(workspace):
    with recorded(workspace, "weekly", WEEK) as run, workspace.writing():
        run.summary = "all of it"
    with recorded(workspace, "collect") as run, workspace.writing():
        run.summary, run.gaps = "some of it", 2
    with pytest.raises(ValueError, match="reason"), recorded(workspace, "import"), workspace.writing():
        raise ValueError("the reason\nand more")
    with pytest.raises(KeyboardInterrupt), recorded(workspace, "report"), workspace.writing():
        raise KeyboardInterrupt
    assert outcomes(workspace) == [
        ("report", "stopped", ""),
        ("import", "failed", "the reason"),
        ("collect", "gaps", "some of it"),
        ("weekly", "done", "all of it"),
    ]
    first = read_runs(workspace, 100)[-1]
    assert (first.week, first.ended is not None) == ("2026-07-02", True)
    assert first.started.tzinfo
    assert "weekly of 2026-07-02" in str(first)


@pytest.mark.both_databases
def test_the_last_runs_are_kept(workspace, monkeypatch):
    monkeypatch.setattr(runs, "KEPT", 3)
    for number in range(5):
        with recorded(workspace, "collect") as run:
            run.summary = str(number)
    assert [summary for *_, summary in outcomes(workspace)] == ["4", "3", "2"]
    assert len(read_runs(workspace, 2)) == 2


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 s"), (0.2, "0 s"), (59, "59 s"), (200, "3 min 20 s"), (3600, "1 h 0 min"), (90_000, "25 h 0 min")],
)
def test_durations_are_written_as_people_do(seconds, said):
    assert duration(timedelta(seconds=seconds)) == said


# -- runs that did not end ---------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from chartropy.reports.runs import recorded
from chartropy.workspace.workspace import Workspace
with Workspace(sys.argv[1]) as ws, recorded(ws, "weekly"), ws.writing():
    print("held", flush=True)
    time.sleep(60)
"""


@contextlib.contextmanager
def working(workspace):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(workspace.folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.both_databases
def test_who_works_who_waits_and_who_was_killed(workspace):
    with working(workspace):
        assert [outcome for _, outcome, _ in outcomes(workspace)] == ["running"]
        with recorded(workspace, "collect"):  # began later, and does not hold the workspace
            rows = read_runs(workspace, 2)
            # both began in the same second: the later one may be taken for the one that works
            assert {run.outcome for run in rows} <= {"running", "waiting", "killed or waiting"}
    deadline = time.monotonic() + 10  # a server notices after a moment
    while outcomes(workspace)[-1][1] != "killed" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [outcome for _, outcome, _ in outcomes(workspace)] == ["done", "killed"]


def test_who_began_after_the_hold_waits(workspace):
    with working(workspace):
        time.sleep(1.1)
        with recorded(workspace, "collect"):
            assert [run.outcome for run in read_runs(workspace, 2)] == ["waiting", "running"]


@pytest.mark.both_databases
def test_who_is_asked_to_stop_says_so(workspace):
    code = HOLD.replace(
        "import sys, time", "import signal, sys, time\nsignal.signal(signal.SIGTERM, signal.default_int_handler)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(workspace.folder)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert outcomes(workspace) == [("weekly", "stopped", "")]


def test_to_look_whether_the_lock_is_free_fails_no_run(workspace):
    """`status` tries the lock for a moment; a run that begins at that moment must get it."""
    with recorded(workspace, "collect"):
        ended = threading.Event()

        def look():
            while not ended.is_set():
                read_runs(workspace, 5)

        looking = threading.Thread(target=look)
        looking.start()
        try:
            for _ in range(30):
                with workspace.writing():
                    pass
        finally:
            ended.set()
            looking.join()


# -- in nobody's way ---------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_writers_long_transaction_is_not_waited_for(workspace):
    """On SQLite, where only one writes, the row comes at the end; a server takes both at once."""
    with Workspace(workspace.folder) as other:
        writer = other.store.transaction()
        connection = writer.__enter__()
        connection.execute(t.source.insert().values(source="tophit"))
        began = time.monotonic()
        with recorded(workspace, "collect") as run:
            assert time.monotonic() - began < 10
            run.summary = "went on"
            writer.__exit__(None, None, None)
        with recorded(workspace, "report"):
            pass
    assert [row[:2] for row in outcomes(workspace)] == [("report", "done"), ("collect", "done")]


def test_patience_is_back_to_normal_after_the_history_was_written(workspace):
    with recorded(workspace, "collect"):
        pass
    with workspace.store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


@pytest.mark.both_databases
def test_a_history_that_cannot_be_written_fails_no_run(workspace, caplog):
    caplog.set_level("INFO")
    with workspace.store.transaction() as connection:
        t.run.drop(connection)
    with recorded(workspace, "weekly") as run, workspace.writing():
        run.summary = "all went well"
    assert "the history of runs could not be written" in caplog.text


# -- the commands ------------------------------------------------------------------------------------------------------


@pytest.fixture
def chartropy(workspace, command_line, monkeypatch):
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-06T09:00")
    monkeypatch.setenv("CHARTROPY_COLLECT", "[]")

    def run(*arguments: object) -> tuple[int, str, str]:
        return command_line(*arguments, "--workspace", workspace.folder)

    return run


@pytest.mark.both_databases
def test_commands_that_change_something_are_remembered(chartropy, workspace, tmp_path):
    assert chartropy("status", "--runs")[1] == "No run is remembered yet.\n"
    assert "Last run: none is remembered" in chartropy("status")[1]
    (tmp_path / "chart.csv").write_text("position,artist,title\n1,Zivert,Life\n", "utf-8")
    chartropy("import", tmp_path / "chart.csv", "--source", "deezer-top", "--week", WEEK)
    chartropy("import", tmp_path / "none.csv", "--source", "deezer-top")
    chartropy("collect")
    chartropy("report")
    chartropy("analyze", "--week", "2026-06-25")
    assert [row[:2] for row in outcomes(workspace)] == [
        ("analyze", "failed"),
        ("report", "done"),
        ("collect", "done"),
        ("import", "failed"),
        ("import", "gaps"),
    ]
    code, said, _ = chartropy("status", "--runs", "--last", "2")
    assert code == 0
    lines = said.splitlines()
    assert len(lines) == 3
    assert "2026-07-06 09:00" in lines[1]
    assert "failed" in lines[1]
    assert "Last run: analyze of 2026-06-25, 2026-07-06 09:00: failed" in chartropy("status")[1]
    with workspace.store.reading() as connection:  # what only reads leaves no trace
        assert connection.scalar(select(func.count()).select_from(t.run)) == 5


@pytest.mark.parametrize("error", [WorkspaceError("the database is gone"), RuntimeError("a fault of ours")])
def test_a_weekly_run_that_fails_sends_its_notice(chartropy, workspace, monkeypatch, error):
    told = []
    monkeypatch.setattr(deliver, "notify_failure", lambda ws, command, why: told.append((ws.folder, command, why)))

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(weekly, "weekly", fail)
    if isinstance(error, WorkspaceError):
        assert chartropy("weekly")[0] == 1
    else:
        with pytest.raises(RuntimeError):
            chartropy("weekly")
    assert told == [(workspace.folder, "weekly", error)]
    assert outcomes(workspace) == [("weekly", "failed", str(error))]


def test_who_stops_a_run_or_misspells_it_gets_no_notice(chartropy, workspace, monkeypatch):
    monkeypatch.setattr(deliver, "notify_failure", lambda *_: pytest.fail("nobody is to be told"))

    def stop(*_, **__):
        raise KeyboardInterrupt

    assert chartropy("weekly", "--week", "2100-01-01")[0] == 2
    monkeypatch.setattr(weekly, "weekly", stop)
    assert chartropy("weekly")[0] == 130
    assert outcomes(workspace) == [("weekly", "stopped", "")]


def test_a_weekly_run_without_a_terminal_ends_with_a_screen(chartropy, workspace):
    code, _, said = chartropy("weekly")
    assert code == 0
    told = said[said.index("the week, in short:") :].splitlines()
    assert len(told) <= 20
    assert [line.split()[3].rstrip(":") for line in told[1:]] == [
        "week", "charts", "recordings", "previews", "verdicts", "claims", "measures", "report", "took",
    ]  # fmt: skip
    assert str(workspace.reports_folder.absolute() / "2026-07-02" / "index.html") in said
    assert "0 charts, 0 with gaps; 0 of 0 recordings measured" in outcomes(workspace)[0][2]


def test_what_was_delivered_stands_on_the_screen(workspace):
    now = workspace.now()
    row = {"week": str(WEEK), "way": "mail", "digest": "d", "attempts": 1, "delivered_at": None}
    when = {"now": runs.timestamp(now), "before": runs.timestamp(now - timedelta(days=7))}
    with workspace.store.transaction() as connection:
        for number in range(9):
            error = "no such host" if number == 0 else None
            connection.execute(
                t.delivery.insert().values(row | {"target": f"a{number}@b.c", "tried_at": when["now"], "error": error})
            )
        connection.execute(t.delivery.insert().values(row | {"target": "old@b.c", "tried_at": when["before"]}))
    said = runs._delivered(workspace, runs.Run("weekly", WEEK, now))
    assert said[0] == "mail to a0@b.c: failed, no such host"
    assert said[-1] == "... and 3 more"
    assert len(said) == 7
