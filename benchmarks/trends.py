"""Whether `chartropy.analysis.trends` keeps its levels, in simulated series.

    python benchmarks/trends.py [--simulations 200] [--part size breaks weeks needed foote] [--seed 1]

* size: how often each null of `trend` is rejected at .05 where there is no trend, and how often the interval of the slope
  covers it. Noise is autoregressive; "t" has innovations of Student's distribution with 3 degrees of freedom, "missing"
  lacks a fifth of its weeks.
* breaks: how often `change_points` finds a break where there is none; of a step of 2 standard deviations, how often
  it finds one, and how often the interval of its size covers it.
* weeks: how long one must watch until a change is probably seen.
* needed: how often the interval of `estimate_weeks_needed` holds the truth, by the noise that it asks about.
* foote: how often the highest peak beats each null where nothing happens.

With 200 simulations a rate of .05 has a standard error of .015. On one core "size" takes about a minute, and is what runs
when no part is named; "breaks" (a quarter of the simulations) takes six, "weeks" two, "foote" one.
"""

from __future__ import annotations

import argparse

import numpy as np

from chartropy.analysis.foote import foote_peaks
from chartropy.analysis.trends import change_points, draw_noise, power, trend, weeks_needed


def noise(n: int, phi: float, rng: np.random.Generator, heavy: bool = False) -> np.ndarray:
    """Stationary noise, (n,); unit variance when normal."""
    draws = rng.standard_t(3, n + 100) if heavy else rng.standard_normal(n + 100)
    rows = np.zeros(n + 100)
    for i in range(1, n + 100):
        rows[i] = phi * rows[i - 1] + np.sqrt(1 - phi**2) * draws[i]
    return rows[100:]


def size(simulations: int, seed: int) -> None:
    print("no trend: rejected at .05 by null, and coverage of the slope's interval at .95")
    print(f"{'noise':8} {'n':>4} {'phi':>4} {'ar':>6} {'block':>6} {'phase':>6} {'coverage':>8}")
    cases = [("normal", n, phi) for n in (26, 52, 104) for phi in (0, 0.3, 0.6, 0.8)]
    cases += [(kind, 52, phi) for kind in ("t", "missing") for phi in (0, 0.6)] + [
        ("normal", 8, 0),
        ("normal", 12, 0.3),
    ]
    for kind, n, phi in cases:
        rng = np.random.default_rng(seed)
        found = []
        for i in range(simulations):
            y = noise(n, phi, rng, kind == "t")
            if kind == "missing":
                y[rng.permutation(n)[: n // 5]] = np.nan
            result = trend(y, seed=i, replicates=199)
            found.append([*(p <= 0.05 for p in result.p.values()), result.slope.low <= 0 <= result.slope.high])
        rates = np.mean(found, axis=0)
        print(f"{kind:8} {n:4} {phi:4} {rates[0]:6.3f} {rates[1]:6.3f} {rates[2]:6.3f} {rates[3]:8.3f}", flush=True)


def breaks(simulations: int, seed: int) -> None:
    print("\nbreaks: found at .05; `line` is a trend of 3 sd in all; of a step of 2 sd in the middle, found, covered")
    print(f"{'n':>4} {'phi':>4} {'none':>6} {'line':>6} {'line, null=trend':>16} {'step':>6} {'covered':>8}")
    simulations = max(20, simulations // 4)
    for n in (26, 52, 104):
        for phi in (0, 0.6, 0.8):
            rng = np.random.default_rng(seed)
            found, covered = [], []
            for i in range(simulations):
                y = noise(n, phi, rng)
                line, step = y + 3 * np.linspace(0, 1, n), y + 2 * (np.arange(n) >= n // 2)
                options = {"seed": i, "replicates": 199}
                tables = [change_points(each, **options) for each in (y, line, step)]
                tables.insert(2, change_points(line, null="trend", **options))
                found.append([(table["p_adjusted"] <= 0.05).any() for table in tables])
                if found[-1][3]:
                    near = tables[3].iloc[(tables[3]["time"] - n // 2).abs().argmin()]
                    covered.append(near["low"] <= 2 <= near["high"])
            none, line, straight, step = np.mean(found, axis=0)
            share = np.mean(covered) if covered else np.nan
            print(f"{n:4} {phi:4} {none:6.3f} {line:6.3f} {straight:16.3f} {step:6.3f} {share:8.3f}", flush=True)


def weeks(seed: int) -> None:
    print("\nweeks until a change of so many standard deviations of the weeks is seen with probability .8")
    print(f"{'change':>7} {'phi':>4} {'steady, per year':>17} {'step':>6} {'power of it in a year, steady':>31}")
    for change in (0.5, 1, 2):
        for phi in (0, 0.3, 0.6):
            options = {"sd": 1.0, "autocorrelation": phi, "seed": seed}
            steady = weeks_needed(change, **options)
            step = weeks_needed(change, shape="step", most=260, **options)
            print(f"{change:7} {phi:4} {steady!s:>17} {step!s:>6} {power(53, change, **options):31.3f}", flush=True)


def needed(simulations: int, seed: int) -> None:
    print("\nnoise in the long run, known from n weeks: how often its interval at .95 holds the truth")
    print(f"{'n':>4} {'phi':>4} {'covered':>8}")
    for n in (16, 30, 52, 104):
        for phi in (0, 0.3, 0.6, 0.8):
            rng = np.random.default_rng(seed)
            truth, hits = np.sqrt((1 + phi) / (1 - phi)), 0
            for i in range(simulations):
                found = trend(noise(n, phi, rng), seed=i, replicates=100)
                autocorrelation = float(np.clip(found.autocorrelation, 0, 0.98))
                new, drawn = draw_noise(found.sd, autocorrelation, n, np.random.default_rng(i))
                low, high = np.quantile(new / (1 - drawn), [0.025, 0.975])
                hits += low <= truth <= high
            print(f"{n:4} {phi:4} {hits / simulations:8.3f}", flush=True)


def foote(simulations: int, seed: int) -> None:
    print("\nnovelty: how often the highest peak has p of .05 or less where nothing happens (100 rows, half-width 10)")
    print(f"{'phi':>4} {'':8} " + " ".join(f"{name:>18}" for name in ("shuffle", "diagonal", "phase")))
    for phi in (0, 0.6, 0.9):
        rng = np.random.default_rng(seed)
        here, anywhere = [], []
        for i in range(max(20, simulations // 8)):
            rows = np.stack([noise(100, phi, rng) for _ in range(5)], axis=1)
            highest = foote_peaks(rows, 10, replicates=100, seed=i).iloc[0]
            here.append([highest[f"p_{null}"] <= 0.05 for null in ("shuffle", "diagonal", "phase")])
            anywhere.append([highest[f"anywhere_{null}"] <= 0.05 for null in ("shuffle", "diagonal", "phase")])
        for name, rates in (("here", here), ("anywhere", anywhere)):
            print(f"{phi:4} {name:8} " + " ".join(f"{rate:18.3f}" for rate in np.mean(rates, axis=0)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--part", nargs="+", choices=["size", "breaks", "weeks", "needed", "foote"])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    parts = options.part or ["size"]
    if "size" in parts:
        size(options.simulations, options.seed)
    if "breaks" in parts:
        breaks(options.simulations, options.seed)
    if "weeks" in parts:
        weeks(options.seed)
    if "needed" in parts:
        needed(options.simulations, options.seed)
    if "foote" in parts:
        foote(options.simulations, options.seed)


if __name__ == "__main__":
    main()
