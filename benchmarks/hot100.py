"""The whole Hot 100 (354,887 rows since 1958) imported, with identities and composites, by the command line.

    python benchmarks/hot100.py [--shared ../shared] [--database-url postgresql://...] [--weeks 300]

Prints seconds and memory of the import, against pandas storing the same rows in SQLite without knowing any recording, what
is stored, and how long it takes to read one week of the chart.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from sqlalchemy import create_engine

from chartropy.reports.tables import Tables
from chartropy.workspace.workspace import Workspace

SETTINGS = """
collect = []
{database}
[composite]
country = "us"
[sources.hot100]
charts = ["hot-100"]
country = "us"
columns = {{period_end = "date", position = "this_week", artist = "artist", title = "song"}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("CHARTROPY_SHARED", "../shared")))
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL database instead of SQLite")
    parser.add_argument("--weeks", type=int, default=300, help="weeks to read")
    args = parser.parse_args()
    files = sorted((args.shared / "data" / "hot100").glob("*.csv.gz"))
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        rows = pd.concat(map(pd.read_csv, files))
        rows.to_sql("entries", create_engine(f"sqlite:///{folder}/plain.sqlite"), index=False)
        plain = time.monotonic() - started
        database = f'database_url = "{args.database_url}"' if args.database_url else ""
        (Path(folder) / "chartropy.toml").write_text(SETTINGS.format(database=database))
        command = [sys.executable, "-m", "chartropy.reports", "import", *map(str, files)]
        started = time.monotonic()
        done = subprocess.run([*command, "--source", "hot100", "--workspace", folder], stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - started
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        print(f"import of {len(rows)} rows: exit code {done.returncode}, {seconds:.1f} s, {memory:.2f} GiB at most")
        print(f"{seconds / plain:.1f} times as long as pandas takes to store the rows alone ({plain:.1f} s)")
        with Workspace(folder) as workspace:
            read(Tables(workspace), args.weeks)


def read(tables: Tables, weeks: int) -> None:
    entries = tables.entries()
    names = tables.names()
    print(
        f"stored: {len(entries)} entries of {entries['period_end'].nunique()} weeks, {names['name_id'].nunique()} names, "
        f"{entries['recording_id'].nunique()} recordings"
    )
    chosen = random.Random(1).sample(sorted(set(entries["week"])), weeks)
    seconds = []
    for week in chosen:
        started = time.perf_counter()
        chart = tables.chart("hot100", "hot-100", week, "us")
        seconds.append(time.perf_counter() - started)
        assert len(chart) in (99, 100), (week, len(chart))
    seconds.sort()
    print(f"one week read: median {seconds[weeks // 2] * 1e3:.1f} ms, slowest of {weeks} {seconds[-1] * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
