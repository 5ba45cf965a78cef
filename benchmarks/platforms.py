"""Every source of the rating against the test world: week by week by the command line, then checked against the truth.

    python benchmarks/platforms.py [--weeks 26] [--size 50] [--faults real|hostile] [--seed 1] [--shared ../shared]

Prints what was stored and whether it is right, every gap, how well names that mean one recording were found (pairwise
precision and recall), whether the composite says what it lacks, and from the world's log how each service was treated:
how fast it was asked, whether it was asked again after it had refused, and whether Retry-After was kept.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import unicodedata
from bisect import bisect
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from season import arguments, ask, chartropy, world
from sklearn.metrics import pair_confusion_matrix

from chartropy.charts.sources import SOURCES

CHARTS = {  # of ours to those of the world
    "tophit-radio": "tophit-radio",
    "tophit-vk": "tophit-vk",
    "tophit-youtube": "tophit-youtube",
    "yandex-chart": "yandex",
    "youtube-tracks": "youtube",
    "apple-songs": "apple",
    "deezer-top": "deezer",
    "shazam-top-200": "shazam",
}
TABLES = ("entries", "names", "composite")


def main() -> None:
    args = arguments(__doc__)
    with world(args) as url, tempfile.TemporaryDirectory() as folder:
        run(url, args.keep or Path(folder), args.weeks, args.size)


def run(url: str, folder: Path, weeks: int, size: int) -> None:
    first = date.fromisoformat(ask(url, "/world/now")["first"])
    environment = dict(os.environ)
    for name in {chart.partition("-")[0] for chart in CHARTS}:
        environment[f"CHARTROPY_SOURCES__{name.upper()}__BASE_URL"] = f"{url}/{name}"
        environment[f"CHARTROPY_SOURCES__{name.upper()}__EXPECTED_ROWS"] = str(size)
    runs, codes, seconds = [], Counter(), []
    for number in range(weeks):
        # on its last day: charts that only show the present say nothing of the day, or name it
        week = (first + timedelta(weeks=number)).isoformat()
        ask(url, f"/world/now?date={week}")
        started = time.monotonic()
        # a snapshot is of the day, so the week is asked for while it runs
        done = chartropy(["collect", "--from", week], folder, environment | {"CHARTROPY_NOW": f"{week}T22:00:00+03:00"})
        codes[done.returncode] += 1
        seconds.append(time.monotonic() - started)
        runs.append(time.time())
    print(f"{weeks} weeks, exit codes {dict(codes)}, seconds per week: median {sorted(seconds)[weeks // 2]:.1f}")
    tables = {name: folder / f"{name}.csv" for name in TABLES}
    for name, file in tables.items():
        chartropy(["export", name, "--out", str(file)], folder, environment)
    entries = pd.read_csv(tables["entries"], dtype=str)
    truth = ask(url, "/world/truth.json")
    status = chartropy(["status"], folder, environment).stdout
    listings = check_entries(truth, entries, status)
    check_identity(listings, pd.read_csv(tables["names"], dtype=str))
    check_composite(entries, status)
    check_manners(ask(url, "/world/log.json"), runs)


def check_entries(truth: list[dict], entries: pd.DataFrame, status: str) -> dict[tuple[str, int], set[str]]:
    """Compare every entry with the truth; return what recordings of ours each listing of a true one became."""
    published: dict[tuple[str, str], dict[int, dict]] = defaultdict(dict)
    for recording in truth:
        for chart, ranks in recording["ranks"].items():
            for week, position in ranks.items():
                published[chart, week][position] = recording
    mine = entries[entries["source"] != "chartropy"]
    stored = {(f"{r.source}-{r.chart}", r.week): {} for r in mine.itertuples()}
    for row in mine.itertuples():
        stored[f"{row.source}-{row.chart}", row.week][int(row.position)] = row
    wrong, missing, silent = [], [], []
    listings: dict[tuple[str, int], set[str]] = defaultdict(set)
    for ours, theirs in CHARTS.items():
        for week in sorted({week for chart, week in published if chart == theirs}):
            there = stored.pop((ours, week), {})
            for position, recording in published[theirs, week].items():
                row = there.pop(position, None)
                if row is None:
                    missing.append((ours, week, position))
                elif not same_title(row.title, recording, theirs):
                    wrong.append((ours, week, position, row.artist, row.title))
                else:
                    listings[ours, recording["rid"]].add(row.recording_id)
            wrong += [(ours, week, position) for position in there]
    wrong += list(stored)
    gone = sorted({place[:2] for place in missing})
    for chart, week in gone:
        source, _, name = chart.partition("-")
        if not any(f"{source}-{name} " in line and week in line for line in status.splitlines()):
            silent.append((chart, week))
    print(f"entries: {len(mine)} stored, {len(wrong)} wrong, {len(missing)} missing in {len(gone)} charts")
    print(f"gaps that nothing is said of: {len(silent)} {silent}")
    for chart, week in gone:
        said = next(
            (line.strip() for line in status.splitlines() if week in line and f"{chart} " in line), "nothing is said"
        )
        print(f"  {chart}, {week}: {said[:200]}")
    for place in wrong[:20]:
        print(f"  wrong: {place}")
    return listings


def same_title(title: str, recording: dict, chart: str) -> bool:
    def plain(text: str) -> str:
        return " ".join(unicodedata.normalize("NFC", text).casefold().split())

    return plain(title) == plain(recording["spelled"][chart][1])


def check_identity(listings: dict[tuple[str, int], set[str]], names: pd.DataFrame) -> None:
    """Pairs of listings, a listing being a true recording on one chart: which are one, and which we say are one."""
    split_on_one_chart = sum(len(found) > 1 for found in listings.values())
    true = [rid for (_, rid), _ in listings.items()]
    ours = [min(found) for found in listings.values()]
    (_, wrong), (lost, right) = pair_confusion_matrix(true, ours)
    spelled = names.groupby("recording_id")["name_id"].nunique()
    print(
        f"recordings: {len(set(true))} in the truth, {len(set(ours))} of ours, {spelled.sum()} names; "
        f"{(spelled > 1).sum()} recordings go by several"
    )
    print(f"listings of one chart under two recordings: {split_on_one_chart}")
    print(
        f"pairs of listings: {right // 2} right, {wrong // 2} wrong, {lost // 2} lost; "
        f"precision {right / (right + wrong):.4f}, recall {right / (right + lost):.4f}"
    )
    rids: dict[str, set[int]] = defaultdict(set)
    for (_, rid), found in listings.items():
        for recording in found:
            rids[recording].add(rid)
    shown = names.drop_duplicates(["recording_id", "artist", "title"]).groupby("recording_id")
    for recording, held in rids.items():
        if len(held) > 1:
            print(f"  merged wrongly: {[f'{r.artist} - {r.title}' for r in shown.get_group(recording).itertuples()]}")
    for rid in {rid for held in rids.values() for rid in held}:
        parts = [recording for recording, held in rids.items() if rid in held]
        if len(parts) > 1:
            said = [[f"{r.artist} - {r.title}" for r in shown.get_group(part).itertuples()] for part in parts]
            print(f"  not joined: {' | '.join(', '.join(part) for part in said)}")


def check_composite(entries: pd.DataFrame, status: str) -> None:
    made = entries[entries["source"] == "chartropy"].groupby("week").size()
    lines = [line.strip() for line in status.splitlines() if "chartropy-composite" in line]
    print(f"composites: {len(made)} weeks of {made.min()} to {made.max()} places; {len(lines)} say what they lack")
    for line in lines:
        print(f"  {line[:220]}")


def check_manners(log: list[dict], runs: list[float]) -> None:
    """Judge the requests by the limits of each source."""
    log = sorted((row for row in log if not row["path"].startswith("/world")), key=lambda row: row["t"])
    by_service: dict[str, list[dict]] = defaultdict(list)
    for row in log:
        by_service[row["path"].split("/")[1]].append(row)
    for service, rows in sorted(by_service.items()):
        rate = SOURCES[service].settings.rate
        # on arrival two requests may be a little nearer than when they were sent
        window = rate.seconds * 0.95
        times = [row["t"] for row in rows]
        most = max(sum(start <= other < start + window for other in times) for start in times)
        again = hasty = busy = 0
        refused: set[int] = set()  # runs in which it refused
        for row in rows:
            run = bisect(runs, row["t"])
            again += run in refused
            if row["status"] in (401, 403, 451):
                refused.add(run)
        for number, row in enumerate(rows):
            if row["status"] == 503:
                busy += 1
                later = [other["t"] for other in rows[number + 1 :] if other["path"] == row["path"]]
                hasty += bool(later) and min(later) - row["t"] < 1
        print(
            f"{service}: {len(rows)} requests {json.dumps(Counter(str(row['status']) for row in rows))}; "
            f"at most {most} in {rate.seconds} s (limit {rate.requests}); asked again after a refusal: {again}; "
            f"{busy} times 503 with Retry-After, {hasty} times not waited for"
        )


if __name__ == "__main__":
    main()
