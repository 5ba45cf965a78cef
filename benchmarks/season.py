"""A season against the test world: every week in turn by the command line, then checked against the world's truth.

    python benchmarks/season.py [--weeks 26] [--size 50] [--faults real] [--seed 1] [--shared ../shared]

Prints entries, recordings, previews, seconds, and how much of it was right. Detector accuracy is not among it: the
world plays clips that the shipped detector was trained on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pandas as pd


def main() -> None:
    args = arguments(__doc__)
    with world(args) as url, tempfile.TemporaryDirectory() as folder:
        run(url, args.keep or Path(folder), args.weeks)


def arguments(about: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default="real")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("CHARTROPY_SHARED", "../shared")))
    parser.add_argument("--keep", type=Path, help="workspace folder to make and keep")
    return parser.parse_args()


@contextmanager
def world(args: argparse.Namespace) -> Iterator[str]:
    """Run the test world; yield its address."""
    server = subprocess.Popen(
        [
            sys.executable,
            args.shared / "world" / "serve.py",
            "--port=0",
            *(f"--{name}={getattr(args, name)}" for name in ("weeks", "size", "faults", "seed")),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield json.loads(server.stdout.readline())["url"]
    finally:
        server.terminate()


def run(url: str, folder: Path, weeks: int) -> None:
    first = date.fromisoformat(ask(url, "/world/now")["first"])
    environment = os.environ | {
        f"CHARTROPY_SOURCES__{name.upper()}__BASE_URL": f"{url}/{name}" for name in ("tophit", "deezer", "itunes")
    }
    environment["CHARTROPY_COLLECT"] = '["tophit"]'
    seconds, codes = [], Counter()
    for number in range(weeks):
        week = first + timedelta(weeks=number)
        now = (week + timedelta(days=1)).isoformat()
        ask(url, f"/world/now?date={now}")
        started = time.monotonic()
        codes[chartropy(["weekly", "--week", str(week)], folder, environment | {"CHARTROPY_NOW": now}).returncode] += 1
        seconds.append(time.monotonic() - started)
    asked = len(ask(url, "/world/log.json"))
    before = exports(folder, environment)
    started = time.monotonic()
    chartropy(["weekly", "--week", str(week)], folder, environment | {"CHARTROPY_NOW": now})
    repeated = time.monotonic() - started
    after = exports(folder, environment)
    same = all(before[name].equals(after[name]) for name in before)
    log = ask(url, "/world/log.json")
    check(url, before)
    fetched = sum(row["path"].startswith("/cdn/") and row["status"] == 200 for row in log)
    print(f"exit codes: {dict(codes)}")
    print(
        f"seconds per week: first {seconds[0]:.1f}, median {sorted(seconds)[len(seconds) // 2]:.1f}, all {sum(seconds):.0f}"
    )
    print(f"seconds per preview, network and analysis: {sum(seconds) / max(1, fetched):.2f}")
    print(f"second run of the last week: {repeated:.1f} s, exports equal: {same}, requests: {len(log) - asked}")
    print(f"statuses: {dict(Counter(str(row['status']) for row in log))}, requests: {len(log)}")


def check(url: str, tables: dict[str, pd.DataFrame]) -> None:
    truth = ask(url, "/world/truth.json")
    entries = tables["entries"].query("source == 'tophit'")
    verdicts = tables["verdicts"].set_index("recording_id")
    stored = {(r.chart, r.week, r.position): r for r in entries.itertuples()}
    wrong, total, owner = 0, 0, {}
    for recording in truth:
        for chart in ("radio", "vk", "youtube"):
            for week, position in recording["ranks"].get(f"tophit-{chart}", {}).items():
                total += 1
                row = stored.get((chart, week, position))
                if row is None or (row.isrc if isinstance(row.isrc, str) else "") != recording["printed_isrc"]:
                    wrong += 1
                else:
                    owner.setdefault(row.recording_id, set()).add(recording["rid"])
    by_rid = {recording["rid"]: recording for recording in truth}
    right = found = 0
    for recording_id, rids in owner.items():
        verdict = verdicts.loc[recording_id] if recording_id in verdicts.index else None
        if verdict is None or not isinstance(verdict["preview_provider"], str):
            continue
        found += 1
        key = {"deezer": "deezer", "itunes": "apple"}[verdict["preview_provider"]]
        right += any(by_rid[rid]["ids"][key] == str(verdict["preview_id"]) for rid in rids)
    counts = Counter(verdicts["verdict"])
    split = Counter(rid for rids in owner.values() for rid in rids)
    print(f"entries: {len(entries)} stored, {total} in the truth, {wrong} wrong or missing")
    print(
        f"recordings: {len(owner)} stored, {len(split)} in the truth; "
        f"{sum(len(rids) > 1 for rids in owner.values())} hold two, {sum(n > 1 for n in split.values())} are split"
    )
    print(f"previews: {found} found, {right} of the right recording ({right / max(1, found):.1%})")
    measured = len(verdicts) - counts["unmeasured"]
    print(f"verdicts: {dict(counts)}; measured {measured / max(1, len(verdicts)):.1%}")
    for row in verdicts[verdicts["verdict"] == "unmeasured"].itertuples():
        print(f"  unmeasured: {row.artist} - {row.title}: {row.reason}")


def chartropy(arguments: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, "-m", "chartropy.reports", *arguments, "--workspace", str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 3):
        print(done.stderr)
    return done


def exports(folder: Path, environment: dict[str, str]) -> dict[str, pd.DataFrame]:
    tables = {}
    for name in ("entries", "recordings", "verdicts", "descriptors", "measures"):
        out = folder / f"{name}.csv"
        chartropy(["export", name, "--out", str(out)], folder, environment)
        tables[name] = pd.read_csv(out, dtype={"isrc": str, "preview_id": str})
    return tables


def ask(url: str, path: str):
    with urllib.request.urlopen(url + path, timeout=30) as response:
        return json.load(response)


if __name__ == "__main__":
    main()
