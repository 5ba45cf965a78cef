"""Coverage of the intervals of listening tests, and how sharp tests of several sizes are: simulated listeners of known d′.

python benchmarks/listening.py [TESTS]
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from scipy.special import ndtr
from sklearn.metrics import roc_auc_score

from chartropy.analysis.listening import by_group, sensitivity, simulate

SIZES = ((8, 10), (20, 10), (20, 20), (40, 20), (80, 20), (40, 40))
"""Listeners, and clips of each kind."""
WORLDS = ((0.0, 0.0, 0.0), (0.0, 0.3, 0.5), (1.0, 0.3, 0.5), (1.0, 0.8, 0.8))
"""d′, and the standard deviations of criteria and of clips."""


def area(d: float, clip_sd: float) -> float:
    """The expected area of a listener: from very many clips, and a listener of every criterion."""
    big = simulate(200, 2000, 2000, d_prime=d, clip_sd=clip_sd, listener_sd=0.0, seed=99)
    return roc_auc_score(big["ai"], big["rating"])


def coverage(tests: int) -> pd.DataFrame:
    rows = []
    for d, listener_sd, clip_sd in WORLDS:
        width = np.sqrt(1 + listener_sd**2 + clip_sd**2)
        truth = {"d_prime": d / width, "d_prime.listeners": d / np.hypot(1, clip_sd), "hit_rate": ndtr(d / 2 / width)}
        if d == 0:
            truth["area"] = 0.5
        elif listener_sd < 0.5:  # a criterion far from the middle of the scale costs area, and the truth is not known
            truth["area"] = area(d, clip_sd)
        for listeners, clips in SIZES[:4]:
            found = [
                sensitivity(
                    simulate(listeners, clips, clips, d_prime=d, listener_sd=listener_sd, clip_sd=clip_sd, seed=seed)
                ).set_index("measure")
                for seed in range(tests)
            ]
            row = {
                "true": d,
                "listener_sd": listener_sd,
                "clip_sd": clip_sd,
                "listeners": listeners,
                "clips": 2 * clips,
            }
            for measure, value in truth.items():
                low, high = (np.array([one.loc[measure, end] for one in found]) for end in ("low", "high"))
                row[measure] = np.mean((low <= value) & (value <= high))
            rows.append(row)
    return pd.DataFrame(rows)


def power(tests: int) -> pd.DataFrame:
    """How often an interval of d′ lies above 0, and one of the difference between two generators leaves out 0."""
    rows = []
    for listeners, clips in SIZES:
        row: dict[str, float] = {"listeners": listeners, "clips": 2 * clips}
        for d in (0.0, 0.25, 0.5, 1.0):
            found = [
                sensitivity(simulate(listeners, clips, clips, d_prime=d, seed=seed)).iloc[0] for seed in range(tests)
            ]
            row[f"d′ {d:g}"] = np.mean([one["low"] > 0 for one in found])
            if d == 0.5:
                row["width"] = np.mean([one["high"] - one["low"] for one in found]) / 2
        for difference in (0.5, 1.0):
            seen = []
            for seed in range(tests):
                table = simulate(listeners, clips, clips, d_prime=1.0, seed=seed)
                place = table["clip"].str[-4:].astype(int)
                own = table["ai"] & (place % 2 == 0)
                other = simulate(listeners, clips, clips, d_prime=1.0 + 2 * difference, seed=seed)["rating"]
                # AI clips stand at d′/2: those of one generator so much further out, under the same noise
                mixed = table.assign(rating=table["rating"].where(~own, other), group=np.where(own, "a", "b"))
                mixed.loc[~mixed["ai"], "group"] = ""
                row_of = by_group(mixed).query("group == 'a' and measure == 'difference'").iloc[0]
                seen.append(row_of["low"] > 0 or row_of["high"] < 0)
            row[f"difference {difference:g}"] = np.mean(seen)
        rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    tests = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print(f"Coverage of 95% intervals, {tests} simulated tests a row")
    print(coverage(tests).round(3).to_string(index=False), flush=True)
    print(f"\nShare of {tests} simulated tests whose interval leaves out 0; width: half the interval's, at d′ .5")
    print(power(tests).round(3).to_string(index=False))
