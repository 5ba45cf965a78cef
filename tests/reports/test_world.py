"""The whole product by its command line, against the test world: real faults, known truth."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.timeout(1800)  # whole weeks, killed and taken up again, beside other tests on few cores

TABLES = ("entries", "recordings", "verdicts", "descriptors", "measures")
PAGES = ("/tophit/chart", "/deezer/", "/itunes/", "/cdn/")


def command(*arguments: object, folder: Path) -> list[str]:
    return [sys.executable, "-m", "chartropy.reports", *map(str, arguments), "--workspace", str(folder)]


def run(*arguments: object, folder: Path, code: set[int] | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(*arguments, folder=folder), capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in ({0, 3} if code is None else code), done.stderr
    return done


@pytest.fixture
def export(command_line) -> Callable[[Path], dict[str, pd.DataFrame]]:
    def export(folder: Path) -> dict[str, pd.DataFrame]:
        for name in TABLES:
            code, _, complaint = command_line("export", name, "--out", folder / f"{name}.csv", "--workspace", folder)
            assert code == 0, complaint
        tables = {name: pd.read_csv(folder / f"{name}.csv", dtype={"isrc": str, "preview_id": str}) for name in TABLES}
        tables["verdicts"] = tables["verdicts"].drop(columns="measured_at")
        return tables

    return export


def assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True, obj=name)


def weeks_of(world) -> list[date]:
    said = world.ask("/world/now")
    first = date.fromisoformat(said["first"])
    return [first + timedelta(weeks=n) for n in range(said["weeks"])]


def go_through(world, folder: Path, weeks: list[date]) -> None:
    for week in weeks:
        world.move((week + timedelta(days=1)).isoformat())
        run("weekly", "--week", week, folder=folder)


def asked(world) -> list[str]:
    return [row["path"] for row in world.log() if row["path"].startswith(PAGES)]


def check_entries(truth: list[dict], entries: pd.DataFrame) -> dict[str, dict]:
    """Compare with the truth; return the recording that each of ours is."""
    entries = entries[entries["source"] != "chartropy"]  # the composite is no platform's
    stored = {(row.chart, row.week, row.position): row for row in entries.itertuples()}
    who, total = {}, 0
    for recording in truth:
        for chart in ("radio", "vk", "youtube"):
            for week, position in recording["ranks"].get(f"tophit-{chart}", {}).items():
                row = stored[chart, week, position]
                assert (row.isrc if isinstance(row.isrc, str) else "") == recording["printed_isrc"]
                who[row.recording_id] = recording
                total += 1
    assert total == len(entries)
    return who


def check_previews(who: dict[str, dict], verdicts: pd.DataFrame) -> None:
    measured = verdicts[verdicts["verdict"] != "unmeasured"]
    assert len(measured) >= 0.95 * len(who)
    key = {"deezer": "deezer", "itunes": "apple"}
    right = [who[row.recording_id]["ids"][key[row.preview_provider]] == row.preview_id for row in measured.itertuples()]
    assert sum(right) >= 0.97 * len(right)
    assert verdicts["reason"].str.len().gt(10).all()
    assert set(verdicts["verdict"]) <= {"ai", "human", "undecided", "unmeasured"}


@pytest.mark.slow
@pytest.mark.usefixtures("ffmpeg")
def test_weeks_in_a_row_hold_the_truth_and_can_be_repeated(world, tmp_path, export):
    folder, weeks = tmp_path / "season", weeks_of(world)
    go_through(world, folder, weeks)
    tables = export(folder)
    who = check_entries(world.truth(), tables["entries"])
    check_previews(who, tables["verdicts"])
    assert set(tables["measures"]["week"]) == {week.isoformat() for week in weeks}
    assert (folder / "reports" / weeks[-1].isoformat() / "index.html").stat().st_size > 10_000

    before = len(asked(world))
    for week in (weeks[-1], weeks[0]):
        run("weekly", "--week", week, folder=folder)
    assert asked(world)[before:] == []
    assert_same(export(folder), tables)

    agents = {row["agent"] for row in world.log()} - {row["agent"] for row in world.log("world")}
    assert all(agent.startswith("Chartropy/") for agent in agents)
    assert any(row["path"] == "/tophit/robots.txt" for row in world.log())


@pytest.mark.slow
def test_a_week_only_collected_is_not_measured_by_what_other_weeks_know(world, tmp_path, export):
    folder, weeks = tmp_path / "season", weeks_of(world)
    world.move((weeks[-1] + timedelta(days=1)).isoformat())
    for week in weeks[:2]:
        run("collect", "--week", week, folder=folder)
    run("analyze", "--week", weeks[1], folder=folder)
    assert set(export(folder)["measures"]["week"]) == {weeks[1].isoformat()}
    run("analyze", "--week", weeks[0], folder=folder)
    assert set(export(folder)["measures"]["week"]) == {week.isoformat() for week in weeks[:2]}


@pytest.mark.slow
@pytest.mark.usefixtures("ffmpeg")
@pytest.mark.parametrize("world", [{"weeks": 2, "faults": "hostile"}], indirect=True)
def test_a_hostile_world_costs_nothing_that_is_not_listed(world, tmp_path, export):
    folder, weeks = tmp_path / "season", weeks_of(world)
    go_through(world, folder, weeks)
    for week in weeks:  # what failed in passing is asked again
        done = run("weekly", "--week", week, folder=folder)
    tables = export(folder)
    check_previews(check_entries(world.truth(), tables["entries"]), tables["verdicts"])
    if done.returncode == 3:
        assert "gap" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("ffmpeg")
@pytest.mark.parametrize("world", [{"weeks": 2, "size": 8}], indirect=True)
def test_killed_ten_times_and_finished_it_is_as_if_undisturbed(world, tmp_path, export):
    calm, killed, weeks = tmp_path / "calm", tmp_path / "killed", weeks_of(world)
    started = time.monotonic()
    go_through(world, calm, weeks)
    usual = (time.monotonic() - started) / len(weeks)
    chance = random.Random(7)
    deaths = 0
    for number in range(10):
        week = weeks[number * len(weeks) // 10]
        world.move((week + timedelta(days=1)).isoformat())
        process = subprocess.Popen(
            command("weekly", "--week", week, folder=killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(chance.uniform(0.2, usual))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            deaths += 1
    assert deaths >= 3, "the run was too quick to be killed"
    go_through(world, killed, weeks)
    assert_same(export(killed), export(calm))
    assert list((killed / "audio").iterdir()) == []


def test_a_challenge_is_a_gap_that_an_import_fills(world, tmp_path, monkeypatch):
    week = weeks_of(world)[0]
    world.move((week + timedelta(days=1)).isoformat())
    folder = tmp_path / "season"
    saved = tmp_path / "radio.html"
    span = f"{week - timedelta(days=6):%Y%m%d}-{week:%Y%m%d}"
    page = subprocess.run(
        [sys.executable, "-c", "import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen(u.Request(sys.argv[1], headers={'User-Agent': 'Mozilla'})).read())",
         f"{world.url}/tophit/chart/top/radio/hits/ru/weekly/{span}"],
        capture_output=True, check=True,
    )  # fmt: skip
    saved.write_bytes(page.stdout)
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__BASE_URL", f"{world.url}/closed")
    done = run("collect", "--week", week, folder=folder, code={3})
    assert "404" in done.stderr or "Save" in done.stderr
    done = run("import", saved, "--source", "tophit-radio", folder=folder)
    assert "tophit-radio (ru), week" in done.stdout
    assert "radio" not in "".join(line for line in run("status", folder=folder).stdout.splitlines() if "404" in line)


def test_half_a_page_is_kept_flagged_and_mended_by_the_whole(world, tmp_path):
    week = weeks_of(world)[0]
    world.move((week + timedelta(days=1)).isoformat())
    folder, whole = tmp_path / "season", tmp_path / "whole"
    run("collect", "--week", week, folder=whole)
    import chartropy

    with chartropy.open_workspace(whole) as tables, tables.workspace.store.reading() as connection:
        import zlib

        body = zlib.decompress(connection.exec_driver_sql("SELECT body FROM page WHERE chart = 'vk'").scalar_one())
    (tmp_path / "half.html").write_bytes(body[: len(body) // 3])
    (tmp_path / "whole.html").write_bytes(body)
    done = run("import", tmp_path / "half.html", "--source", "tophit-vk", folder=folder, code={3, 1})
    if done.returncode == 3:
        assert "ends in the middle" in done.stderr
    done = run("import", tmp_path / "whole.html", "--source", "tophit-vk", folder=folder)
    assert "ends in the middle" not in done.stderr
    (tmp_path / "out.csv").unlink(missing_ok=True)
    run("export", "entries", "--out", tmp_path / "out.csv", folder=folder)
    assert pd.read_csv(tmp_path / "out.csv")["position"].tolist() == list(range(1, 13))


def test_a_full_disk_loses_nothing(world, tmp_path):
    """On a real small disk, where this system lets one be made."""
    if not shutil.which("mount"):
        pytest.skip("needs the mount program to make a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=56m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this system lets no small disk be mounted")
    try:
        week = weeks_of(world)[0]
        world.move((week + timedelta(days=1)).isoformat())
        folder = disk / "season"
        run("collect", "--week", week, folder=folder)
        (disk / "ballast").write_bytes(bytes(30 << 20))
        done = run("weekly", "--week", week, folder=folder, code={1})
        assert "Make room" in done.stderr
        assert "Traceback" not in done.stderr
        (disk / "ballast").unlink()
        run("export", "entries", "--out", tmp_path / "entries.csv", folder=folder)
        assert (pd.read_csv(tmp_path / "entries.csv")["source"] == "tophit").sum() == 36
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_two_runs_at_once_one_works_and_the_other_says_who(world, tmp_path):
    week = weeks_of(world)[0]
    world.move((week + timedelta(days=1)).isoformat())
    folder = tmp_path / "season"
    run("collect", "--week", week, folder=folder)
    hold = (
        "import sys, time; from chartropy.workspace.workspace import Workspace\n"
        "with Workspace(sys.argv[1]) as w, w.writing(): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        done = run("weekly", "--week", week, folder=folder, code={1})
        assert f"process {holder.pid}" in done.stderr
        assert "Traceback" not in done.stderr
        run("status", folder=folder)  # reading goes on
    finally:
        holder.kill()
        holder.wait()
        if holder.stdout:
            holder.stdout.close()
    run("analyze", "--week", week, folder=folder)  # the dead let go


@pytest.mark.slow
@pytest.mark.both_databases
@pytest.mark.parametrize("world", [{"weeks": 1, "size": 8, "faults": "none"}], indirect=True)
def test_of_two_weekly_at_once_one_works_and_the_other_says_so_or_waits(
    world, tmp_path, monkeypatch, database_url, export
):
    week = weeks_of(world)[0]
    world.move((week + timedelta(days=1)).isoformat())
    # on a server: two machines, each with a folder of its own
    folders = [tmp_path / name for name in (("one", "two") if database_url else ("one", "one"))]

    for folder in folders:
        run("sources", folder=folder)  # else the second would wait for the first to make the tables

    def both() -> list[tuple[int, str]]:
        runs = []
        for folder in folders:
            runs.append(
                subprocess.Popen(command("weekly", "--week", week, folder=folder), stderr=subprocess.PIPE, text=True)
            )
            while not world.log("tophit") and runs[0].poll() is None:  # until the first is at work
                time.sleep(0.05)
        return sorted((run.communicate(timeout=300)[1], run.returncode)[::-1] for run in runs)

    (worked, _), (refused, said) = both()
    assert (worked in (0, 3), refused) == (True, 1)
    assert "is being written to by process" in said
    assert "Traceback" not in said
    before = export(folders[0])
    monkeypatch.setenv("CHARTROPY_LOCK_WAIT", "120")
    assert {code for code, _ in both()} <= {0, 3}
    assert_same(export(folders[1]), before)
    assert (before["entries"]["source"] == "tophit").sum() == 24


PLATFORMS = {  # of the world, and what they are called here
    "tophit-radio": "tophit-radio",
    "tophit-vk": "tophit-vk",
    "tophit-youtube": "tophit-youtube",
    "yandex": "yandex-chart",
    "youtube": "youtube-tracks",
    "apple": "apple-songs",
    "deezer": "deezer-top",
    "shazam": "shazam-top-200",
}


@pytest.mark.slow
@pytest.mark.both_databases
@pytest.mark.parametrize(
    "world",
    [
        {
            "weeks": 7,
            "size": 15,
            "faults": "hostile",
            "collect": ("tophit", "yandex", "youtube", "apple", "deezer", "shazam"),
        }
    ],
    indirect=True,
)
def test_every_source_in_a_hostile_world(world, tmp_path):
    folder, weeks = tmp_path / "season", weeks_of(world)
    for week in weeks:
        world.move(week.isoformat())  # on the last day of a week: what only shows the present belongs to it
        run("collect", "--from", week, folder=folder)
    run("export", "entries", "--out", tmp_path / "entries.csv", folder=folder)
    entries = pd.read_csv(tmp_path / "entries.csv", dtype={"isrc": str, "track_id": str})
    stored = {(f"{row.source}-{row.chart}", row.week, row.position): row for row in entries.itertuples()}
    ours: dict[tuple[str, int], str] = {}
    missing, expected = set(), 0
    for (chart, week), positions in world.charts().items():
        for position, recording in positions.items():
            expected += 1
            row = stored.pop((PLATFORMS[chart], week, position), None)
            if row is None:
                missing.add((PLATFORMS[chart], week))
                continue
            assert (
                " ".join(row.title.split()).casefold()
                == unicodedata.normalize("NFC", " ".join(recording["spelled"][chart][1].split())).casefold()
            )
            ours[chart, recording["rid"]] = row.recording_id
    assert expected == 7 * 8 * 15
    assert {chart for chart, _, _ in stored} == {"chartropy-composite"}
    # Yandex is down for a week: a gap that is stated, by the composite too
    down = weeks[5].isoformat()
    assert missing == {("yandex-chart", down)}
    status = run("status", folder=folder).stdout
    assert f"{down} yandex-chart (ru): yandex: /yandex/landing3/chart/russia answered 451" in status
    assert f"{down} chartropy-composite (ru): without yandex-chart" in status
    # listings of one recording are one, listings of two are two
    assert len(ours) > 100
    for (one, mine), (other, theirs) in itertools.combinations(ours.items(), 2):
        assert (mine == theirs) == (one[1] == other[1]), (one, other)
    log = world.log()
    for service, most, seconds in (("tophit", 30, 30), ("yandex", 1, 1), ("apple", 1, 1), ("deezer", 50, 5)):
        times = sorted(row["t"] for row in log if row["path"].startswith(f"/{service}/"))
        window = seconds * 0.9
        assert max(sum(start <= other < start + window for other in times) for start in times) <= most, service
    refused = [row["now"] for row in log if row["status"] == 451]
    assert refused == [down]  # once in that run, and not for credits either


@pytest.mark.slow
def test_the_report_says_where_its_numbers_come_from_and_what_is_missing(world, tmp_path, monkeypatch):
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__EXPECTED_ROWS", "100")
    week = weeks_of(world)[0]
    world.move((week + timedelta(days=1)).isoformat())
    folder = tmp_path / "season"
    run("weekly", "--week", week, folder=folder)
    page = (folder / "reports" / week.isoformat() / "index.html").read_text("utf-8").replace("\N{NO-BREAK SPACE}", " ")
    model = json.loads((Path(__file__).parents[2] / "analysis" / "detector.json").read_text("utf-8"))["model_version"]
    assert model in page
    assert "12 of 100" in page  # a chart shorter than expected is said to be
