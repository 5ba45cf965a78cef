"""A year of ten charts of a hundred, measured with 1,000 bootstraps: seconds, memory.

    .venv/bin/python benchmarks/year.py --charts 10 --weeks 52

Charts and descriptors are drawn from a seed: each week a seventh of a chart is new, one in 25 recordings has no preview, one
in 12 rhythms is missing. The clock starts when they are drawn. Charts are measured on every core, as many processes at once. `--one` measures in this process alone.
"""

import argparse
import resource
import time
from datetime import date, timedelta

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from chartropy.analysis.detector import Detector
from chartropy.analysis.measures import load_space, measure_chart
from chartropy.features.registry import DESCRIPTORS


def a_chart(weeks: int, size: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Entries of one chart, and the descriptors of its recordings."""
    rng = np.random.default_rng(seed)
    space = load_space()
    rows, charting, made = [], list(range(size)), size
    for week in range(weeks):
        day = (date(2025, 1, 2) + week * timedelta(weeks=1)).isoformat()
        if week:
            for place in rng.choice(size, size // 7, replace=False):
                charting[place], made = made, made + 1
        rows += [(day, place + 1, recording) for place, recording in enumerate(charting)]
    entries = pd.DataFrame(rows, columns=["week", "position", "number"])
    artist = rng.integers(0, made // 2, made)
    entries["recording_id"] = f"r{seed}-" + entries["number"].astype(str)
    entries["artist"] = [f"Artist {artist[number]}" for number in entries["number"]]
    for column, kinds in (("label", 12), ("language", 4), ("genres", 9)):
        entries[column] = [f"{column} {artist[number] % kinds}" for number in entries["number"]]
    verdict = rng.choice(["ai", "human", "undecided"], made, p=[0.1, 0.85, 0.05]).astype(object)
    heard = rng.random(made) > 0.04
    entries["verdict"] = [verdict[number] if heard[number] else None for number in entries["number"]]
    entries["labelled_ai"] = False
    values = rng.normal(space.centers, space.scales, (made, len(space.names)))
    rhythm = np.array([name.startswith("rhythm.") for name in space.names])
    values[np.ix_(rng.random(made) < 1 / 12, rhythm)] = np.nan
    vectors = pd.DataFrame(values, columns=space.names, index=f"r{seed}-" + pd.Index(range(made)).astype(str))
    return entries, vectors.reindex(columns=list(DESCRIPTORS))[heard]


def measure(entries: pd.DataFrame, vectors: pd.DataFrame) -> tuple[int, int, float]:
    """Measure one chart's year; return weeks, measures and the process's memory in MB."""
    with threadpool_limits(1):
        found = list(measure_chart(entries, set(entries["week"]), vectors, Detector.load()))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return len(found), sum(len(measures) for _, measures in found), memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--charts", type=int, default=10)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--one", action="store_true", help="one process")
    arguments = parser.parse_args()
    from joblib import Parallel, delayed

    jobs = 1 if arguments.one else -1
    charts = [a_chart(arguments.weeks, arguments.size, seed) for seed in range(arguments.charts)]
    began = time.perf_counter()
    found = Parallel(n_jobs=jobs)(delayed(measure)(*chart) for chart in charts)
    weeks, measures, memory = (sum(one[0] for one in found), sum(one[1] for one in found), max(one[2] for one in found))
    print(f"{weeks} chart weeks, {measures} measures: {time.perf_counter() - began:.1f} s, {memory:.0f} MB a process")


if __name__ == "__main__":
    main()
