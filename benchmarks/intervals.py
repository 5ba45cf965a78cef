"""How often the interval of the AI share holds the truth, week by week, over many seasons of the test world.

    .venv/bin/python benchmarks/intervals.py --seeds 60

The world's truth says which recording a machine made and where it charted; what a detector says of each recording is drawn
at given error rates, once for all its weeks, as a real one would err. The detector's record, on which the intervals rest, is
drawn anew for each season too: so many trials as the shipped detector's card has. A month pools four weeks.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from chartropy.analysis.share import ai_share, pooled_share

SHARED = Path(os.environ.get("CHARTROPY_SHARED", Path(__file__).parents[2] / "shared"))
TRIALS = 206, 213
"""AI and human clips on which the shipped detector's errors were measured."""

MONTH = 4


def load_world(shared: Path = SHARED) -> ModuleType:
    """Return the test world's module."""
    spec = importlib.util.spec_from_file_location("chartropy_test_world", shared / "world" / "serve.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look there for their annotations
    spec.loader.exec_module(module)
    return module


def season(
    world: ModuleType, seed: int, *, weeks: int, size: int, shared: Path = SHARED
) -> list[tuple[np.ndarray, ...]]:
    """Each week of a season: the recordings of one chart by number, and whether each is AI-made."""
    made = world.World(seed, weeks, date(2026, 1, 1), shared / "corpus" / "clips.csv", size)
    charts = {}
    for recording in made.recordings:
        for week in recording.ranks.get("tophit-radio", {}):
            charts.setdefault(week, []).append((recording.rid, recording.is_ai))
    return [tuple(np.array(column) for column in zip(*charts[week], strict=True)) for week in sorted(charts)]


def trials(rng: np.random.Generator, sensitivity: float, specificity: float) -> dict[str, tuple[float, float]]:
    """A detector's record that such error rates give by chance."""
    hits = rng.binomial(TRIALS, (sensitivity, specificity))
    return {
        name: (float(hit), float(n)) for name, hit, n in zip(("sensitivity", "specificity"), hits, TRIALS, strict=True)
    }


def covered(
    world: ModuleType, seeds: range, sensitivity: float, specificity: float, **options: Any
) -> Iterator[tuple[str, float, float, float, float]]:
    """Yield what is estimated, truth, low, value, high, for every week and month of every season."""
    for seed in seeds:
        charts = season(world, seed, **options)
        rng = np.random.default_rng(seed)
        record = trials(rng, sensitivity, specificity)
        made = {rid: bool(is_ai) for rids, truth in charts for rid, is_ai in zip(rids, truth, strict=True)}
        flagged = {rid: rng.random() < (sensitivity if is_ai else 1 - specificity) for rid, is_ai in made.items()}
        for rids, truth in charts:
            share = ai_share(sum(flagged[rid] for rid in rids), len(rids), **record).census
            yield "week", float(truth.mean()), share.low, share.value, share.high
        for first in range(0, len(charts) - MONTH + 1, MONTH):
            month = charts[first : first + MONTH]
            rids, entries = np.unique(np.concatenate([rids for rids, _ in month]), return_counts=True)
            of_recordings, of_entries = pooled_share(
                np.array([flagged[rid] for rid in rids]), entries, seed=seed, **record
            )
            is_ai = np.array([made[rid] for rid in rids])
            yield "month, recordings", is_ai.mean(), of_recordings.low, of_recordings.value, of_recordings.high
            yield "month, entries", is_ai @ entries / entries.sum(), of_entries.low, of_entries.value, of_entries.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--weeks", type=int, default=16)
    parser.add_argument("--size", type=int, default=60)
    arguments = parser.parse_args()
    world = load_world()
    print(
        "| sensitivity | specificity | of | intervals | hold the truth | mean width | bias |\n|---|---|---|---|---|---|---|"
    )
    for sensitivity, specificity in ((0.995, 0.995), (0.95, 0.98), (0.9, 0.99), (0.8, 0.95)):
        rows: dict[str, list] = {}
        for what, *numbers in covered(
            world, range(arguments.seeds), sensitivity, specificity, weeks=arguments.weeks, size=arguments.size
        ):
            rows.setdefault(what, []).append(numbers)
        for what, numbers in rows.items():
            truth, low, value, high = np.array(numbers).T
            hold = np.mean((low - 1e-9 <= truth) & (truth <= high + 1e-9))
            print(
                f"| {sensitivity} | {specificity} | {what} | {len(truth)} | {hold:.3f} | {np.mean(high - low):.3f} "
                f"| {np.mean(value - truth):+.4f} |"
            )


if __name__ == "__main__":
    main()
