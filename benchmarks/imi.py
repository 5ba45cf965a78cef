"""Six platforms in Russia in 2020 (data of the IMI chart): how many recordings they share, and how they agree.

    python benchmarks/imi.py [--shared ../shared] [--keep FOLDER]

Imports apple, deezer, spotify, vk, yandex and youtube by the command line and prints: recordings by the number of
platforms they stand on, the least certain merges, Kendall's tau of every platform against the composite and against each
other, and how the composite moves when a platform is left out. Only the first week has all six.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import pandas as pd

from chartropy.charts import composite, identity
from chartropy.reports.tables import Tables
from chartropy.workspace.workspace import Workspace

WEEKS = {
    "24/08/20 - 30/08/20": date(2020, 8, 30),
    "28/08/20 - 03/09/20": date(2020, 9, 6),
    "04/09/20 - 10/09/20": date(2020, 9, 13),
}
FILES = {
    "apple": ("all_apple_weekly", "Daily_all_apple_weekly"),
    "deezer": ("all_deezer_weekly", "Daily_all_deezer_weekly"),
    "spotify": ("Spotify_weekly_all_spotify",),
    "vk": ("all_vk_weekly", "Daily_all_vk_weekly"),
    "yandex": ("all_yandex_weekly", "Daily_all_yandex_weekly"),
    "youtube": ("Youtube_weekly_all_youtube",),
}
SETTINGS = "collect = []\nweek_ends = 'sunday'  # so that the three periods are three weeks\n" + "".join(
    f"""
[sources.{name}]
charts = ["top"]
columns = {{position = "rank", artist = "artist", title = "title", period = "week"}}
dates = "%d/%m/%y - %d/%m/%y"
"""
    for name in FILES
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("CHARTROPY_SHARED", "../shared")))
    parser.add_argument("--keep", type=Path, help="workspace folder to make and keep")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = args.keep or Path(folder) / "workspace"
        workspace.mkdir(parents=True)
        (workspace / "chartropy.toml").write_text(SETTINGS)
        for name, files in FILES.items():
            read = pd.concat(pd.read_csv(args.shared / "data" / "imi_russia_2020" / f"{file}.csv") for file in files)
            read = read[read["week"].isin(WEEKS)].drop_duplicates(["week", "rank"])  # some weeks are in there twice
            read[["rank", "artist", "title", "week"]].to_csv(Path(folder) / "chart.csv", index=False)
            command = [sys.executable, "-m", "chartropy.reports", "import", f"{folder}/chart.csv"]
            subprocess.run(
                [*command, "--source", name, "--workspace", str(workspace)],
                check=False,  # 3: the composite says that it needs two platforms
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        with Workspace(workspace) as opened:
            report(opened)


def report(workspace: Workspace) -> None:
    entries = Tables(workspace).entries()
    charts = entries[entries["source"] != composite.SOURCE]
    for period, week in WEEKS.items():
        one = charts[charts["week"] == week.isoformat()]
        on = one.groupby("recording_id")["source"].nunique().value_counts().sort_index()
        print(f"\n{period}: {len(one)} entries of {one['source'].nunique()} platforms, {on.sum()} recordings")
        print("  on 1, 2, ... platforms: " + ", ".join(f"{n}: {count}" for n, count in on.items()))
        with workspace.store.reading() as connection:
            lists = composite.lists_of(workspace, connection, week)
        agree(lists)
    with workspace.store.reading() as connection:
        pairs = [pair for pair in identity.review(connection, 10_000) if pair["merged"]]
    pairs.sort(key=lambda pair: pair["score"])
    print(f"\n{len(pairs)} pairs of names merged; the 30 least certain:")
    for pair in pairs[:30]:
        names = " = ".join(f"{pair[f'{side}_artist']} - {pair[f'{side}_title']}" for side in ("one", "other"))
        print(f"  {pair['score']:.3f}  {names}  {pair['evidence']}")


def agree(lists: dict[str, dict[str, dict[str, int]]]) -> None:
    whole = composite.aggregate(lists)
    places = {place.recording_id: place.position for place in whole}
    single = {name: charts["-".join((name, "top"))] for name, charts in lists.items()}
    found = composite.agreement({"composite": places, **single})
    table = found.assign(tau=found.apply(lambda row: f"{row['tau']:.2f} ({row['n']})", axis=1))
    print("  Kendall's tau-b (on how many recordings both list):")
    print(table.pivot(index="one", columns="other", values="tau").fillna("").to_string())
    print(
        "  without a platform: tau with the whole composite, recordings that stay, places moved on average and at most"
    )
    for name in lists:
        rest = composite.aggregate({other: charts for other, charts in lists.items() if other != name})
        left = {place.recording_id: place.position for place in rest}
        both = composite.agreement({"whole": places, "rest": left}).iloc[0]
        moved = [abs(places[r] - left[r]) for r in places.keys() & left.keys()]
        print(
            f"    {name}: {both['tau']:.2f}, {both['n']} of {len(places)}, {sum(moved) / len(moved):.1f}, {max(moved)}"
        )


if __name__ == "__main__":
    main()
