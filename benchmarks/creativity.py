"""Creativity in a network: how long it takes, whether its intervals hold, and what it says of the US Hot 100.

    python benchmarks/creativity.py speed [--rows 20000 100000] [--replicates 0]
    python benchmarks/creativity.py coverage
    python benchmarks/creativity.py kinds
    python benchmarks/creativity.py hot100 [--shared ../shared]

`speed`: rows of 941 numbers that mean nothing, ten years of weeks, a span of two years. `coverage`: the same 60 recordings
among others drawn anew 20 times; how often the interval holds the mean over the draws. `kinds`: level, coverage and power of the
comparison of kinds where artists differ. `hot100`: topics of 12,539 songs,
1958 to 2019 (Mauch et al. 2015, redone), thinned to equally many a year; eras, and the time machine, beside dates shuffled.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from chartropy.analysis.creativity import SCORES, compare_in_cohorts, creativity, time_machine
from chartropy.analysis.estimates import Estimate, estimate_mean

PER_YEAR = 100
SPAN = 10.0
MOVED = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "coverage", "kinds", "hot100"])
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--replicates", type=int, default=0, help="of speed")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("CHARTROPY_SHARED", "../shared")))
    args = parser.parse_args()
    if args.what == "speed":
        for n in args.rows:
            speed(n, args.replicates)
    elif args.what == "coverage":
        coverage()
    elif args.what == "kinds":
        kinds()
    else:
        hot100(args.shared / "data" / "hot100_topics" / "hot100_topics.csv")


def speed(n: int, replicates: int) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((n, 941), dtype=np.float32)
    rows /= np.float32(np.sqrt(2 * 941))
    dates, artists = np.sort(rng.integers(0, 522, n)), rng.integers(0, n // 2, n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    started, used = time.monotonic(), time.process_time()
    found = creativity(rows, dates, artists, span=104, replicates=replicates)
    seconds, used = time.monotonic() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{n} x 941, {replicates} replicates: {seconds:.0f} s ({used:.0f} s of processors), {peak:.2f} GiB at most, of which "
        f"{before:.2f} before; {found['creativity'].notna().sum()} scored",
        flush=True,
    )


def coverage() -> None:
    def draw(rng: np.random.Generator, n: int, artists: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        places, whose = rng.normal(size=(artists, 5)), rng.integers(0, artists, n)
        dates = rng.uniform(0, 100, n)
        return 0.8 * places[whose] + rng.normal(size=(n, 5)) * 0.6 + dates[:, None] / 200, dates, whose

    rng = np.random.default_rng(1)
    ours, same = 60, draw(rng, 60, 60)[0]
    when = rng.uniform(30, 70, ours)
    values, low, high = [], [], []
    for seed in range(20):
        rows, dates, whose = draw(np.random.default_rng(100 + seed), 1500, 400)
        found = creativity(
            np.vstack([same, rows]), np.r_[when, dates], np.r_[np.arange(ours) + 1000, whose], span=25, seed=seed
        )[:ours]
        for kept, end in ((values, ""), (low, "_low"), (high, "_high")):
            kept.append(found[[name + end for name in SCORES]].to_numpy())
    mean = np.mean(values, axis=0)
    held = (np.array(low) <= mean) & (mean <= np.array(high))
    for place, name in enumerate(SCORES):
        fifths = np.array_split(np.argsort(mean[:, place]), 5)
        parts = ", ".join(f"{held[:, part, place].mean():.2f} at {mean[part, place].mean():.2f}" for part in fifths)
        print(f"{name}: {held[..., place].mean():.3f} of {held[..., place].size}; by fifths {parts}", flush=True)


def kinds(simulations: int = 400) -> None:
    """150 recordings of 80 artists who differ as much as their recordings do, in four cohorts; 30 artists are of the kind."""
    rng = np.random.default_rng(0)
    rejected, held, found = [], [], []
    for _ in range(simulations):
        artists, cohorts = rng.integers(0, 80, 150), rng.integers(0, 4, 150)
        kind = (rng.permutation(80) < 30)[artists]
        values = norm.cdf(rng.normal(size=80)[artists] + rng.normal(size=150))
        nothing = compare_in_cohorts(values, kind, cohorts, artists, permutations=999)
        rejected.append(nothing.p <= 0.05)
        held.append(nothing.difference.low <= 0 <= nothing.difference.high)
        found.append(compare_in_cohorts(values + 0.3 * kind, kind, cohorts, artists, permutations=999).p <= 0.05)
    print(f"{simulations} simulations: p <= .05 in {np.mean(rejected):.3f}, intervals hold 0 in {np.mean(held):.3f}; "
          f"p <= .05 in {np.mean(found):.3f} where the kind is .3 higher")  # fmt: skip


def read(file: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Songs, and coordinates whose distance is Hellinger's of timbre and of harmony, in root mean square; 1 is usual."""
    songs = pd.read_csv(file, index_col=0).drop_duplicates(["Song", "Performer"]).reset_index(drop=True)
    topics = songs.filter(regex="^[TH]-Topic").to_numpy()
    rows = np.sqrt(topics) / 2
    pairs = np.random.default_rng(0).integers(0, len(rows), (2, 200_000))
    rows /= np.sqrt(((rows[pairs[0]] - rows[pairs[1]]) ** 2).sum(axis=1).mean())
    return songs.assign(date=songs["Year"] + (songs["Month"] - 0.5) / 12), rows


def hot100(file: Path) -> None:
    songs, rows = read(file)
    chosen = songs.groupby("Year").sample(PER_YEAR, random_state=0).index.to_numpy()
    songs, rows = songs.loc[chosen].reset_index(drop=True), rows[chosen]
    dates, artists = songs["date"].to_numpy(), songs["Performer"].to_numpy()
    found = creativity(rows, dates, artists, span=SPAN, replicates=0)
    print(f"{len(songs)} songs, {PER_YEAR} a year, {found['creativity'].notna().sum()} with a score\n")
    eras(songs, found)
    shuffled = np.random.default_rng(0).permutation(dates)
    null = creativity(rows, shuffled, artists, span=SPAN, replicates=0)
    means = null.groupby((shuffled.astype(int) - 1968) // 3)[list(SCORES)].mean()
    print("\ndates shuffled, the same eras:", ", ".join(f"{name} {means[name].min():.2f} to {means[name].max():.2f}" for name in SCORES))  # fmt: skip
    print("\n| dates | span | moved by | creativity | originality | influence | right way | songs |\n|---|---:|---:|---:|---:|---:|---:|---:|")  # fmt: skip
    for name, when in (("as they are", dates), ("shuffled", shuffled)):
        for span, by in ((10, -20), (10, -10), (10, 10), (10, 20), (20, -10), (20, 10)):
            # those that have a score before and after
            first, last = when.min() + span, when.max() - span
            able = np.flatnonzero((when >= first) & (when <= last) & (when + by >= first) & (when + by <= last))
            moved = np.random.default_rng(1).choice(able, min(MOVED, len(able)), replace=False)
            said = time_machine(rows, when, artists, moved=moved, by=by, span=span, cohort=1)
            print(f"| {name} | {span} | {by:+g} | {' | '.join(map(shown, said[:4]))} | {said.right.n} |", flush=True)


def eras(songs: pd.DataFrame, found: pd.DataFrame) -> None:
    print("| years | creativity | originality | influence | songs |\n|---|---:|---:|---:|---:|")
    every = songs.join(found).dropna(subset=["creativity"])
    for year, era in every.groupby((every["Year"] - 1968) // 3 * 3 + 1968):
        means = [estimate_mean(era[name].to_numpy(), era["Performer"].to_numpy()) for name in SCORES]
        print(f"| {year}-{era['Year'].max()} | {' | '.join(map(shown, means))} | {means[0].n} |")
    print("\nhighest:", "; ".join(f"{s.Performer}: {s.Song} ({s.Year}) {s.creativity:.2f} = o {s.originality:.2f} + i {s.influence:.2f} + base" for s in every.nlargest(10, "creativity").itertuples()))  # fmt: skip


def shown(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


if __name__ == "__main__":
    main()
