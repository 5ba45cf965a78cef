"""How far the intervals and tests of `analysis.mediocrity` can be believed, on simulated charts, and what it finds in public data.

    python benchmarks/mediocrity.py drift|tails|baseline|ai|trap [--simulations 100] [--block 13]
    python benchmarks/mediocrity.py hot100|homogenization [--shared ../shared]
    python benchmarks/mediocrity.py corpus [--shared ../shared]

A simulated chart has some six newcomers a week for two years, each by an artist of its own, in five dimensions; the past is half
a year. Fashions are normal, autoregressive, shared by a week's newcomers.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd

from chartropy.analysis import mediocrity
from chartropy.analysis.mediocrity import drift, tail_loss, without_ai

WINDOW, BLOCK = 26, 13
CHARTS = {
    "nothing happens": {},
    "fashions, .8 from week to week": {"phi": 0.8, "fashion": 0.4},
    "fashions, .95": {"phi": 0.95, "fashion": 0.5},
    "the centre moves by 2": {"moves": 2.0},
    "newcomers as far out as their past was": {"kept": 1.0},
    "spread a random walk, .02 a week": {"wander": 0.02},
    "spread a random walk, .05 a week": {"wander": 0.05},
    "spread autoregressive, .9, by a fifth": {"wander": 0.2, "back": 0.9},
    "newcomers at .95 of their past": {"kept": 0.95},
    "newcomers at .9 of their past": {"kept": 0.9},
    "the same with fashions, .8": {"kept": 0.9, "phi": 0.8, "fashion": 0.4},
}


def chart(rng, *, weeks=104, each=6, d=5, phi=0.0, fashion=0.0, moves=0.0, kept=None, wander=0.0, back=1.0):
    """Positions, weeks and artists.

    With `kept` newcomers spread as their past did, times that. With `wander` the logarithm of the spread is a random walk of
    such steps or, with `back` below 1, autoregressive with such a standard deviation.
    """
    rows, times, artists = [], [], []
    shared = rng.standard_normal(d) * fashion
    own = np.empty((0, d))
    log_spread = wander * rng.standard_normal() if back < 1 else 0.0
    for week in range(weeks):
        shared = phi * shared + np.sqrt(1 - phi**2) * fashion * rng.standard_normal(d)
        count = 1 + rng.poisson(each - 1)
        if wander:
            log_spread = back * log_spread + wander * (np.sqrt(1 - back**2) if back < 1 else 1) * rng.standard_normal()
        spread = np.exp(log_spread)
        if kept is not None and week >= WINDOW:
            past = np.array(times) >= week - WINDOW
            spread = kept * np.sqrt((own[past] ** 2).mean())
        own = np.vstack([own, spread * rng.standard_normal((count, d))])
        rows.append(own[-count:] + shared + moves * week / weeks)
        times += [week] * count
        artists += [len(artists) + i for i in range(count)]
    return np.concatenate(rows), np.array(times), np.array(artists)


def simulate_drift(simulations, block=BLOCK):
    for name, options in CHARTS.items():
        kept = []
        for seed in range(simulations):
            found = drift(*chart(np.random.default_rng(seed), **options), window=WINDOW, block=block, replicates=100)
            kept.append(found.set_index("quantity"))
        ratio, change, slope = (
            pd.DataFrame([one.loc[row] for one in kept]) for row in ("ratio", "change", "persistence")
        )
        truth = ratio["value"].mean()
        if "kept" in options and "fashion" not in options:
            truth = options["kept"]
        print(
            f"{name}: ratio {ratio['value'].mean():.3f} (backwards {ratio['expected'].mean():.3f}), its interval held {truth:.3f} "
            f"in {((ratio['low'] <= truth) & (ratio['high'] >= truth)).mean():.2f}; p <= .05: direction "
            f"{(ratio['p'] <= 0.05).mean():.3f}, change {(change['p'] <= 0.05).mean():.3f}; persistence told in "
            f"{slope['value'].notna().mean():.2f}, median {slope['value'].median():.2f}, its interval held phi in "
            f"{((slope['low'] <= options.get('phi', 0)) & (slope['high'] >= options.get('phi', 0)))[slope['value'].notna()].mean():.2f}",
            flush=True,
        )


def tails(rng, n, m, *, cut=None, d=5, per=1, effect=0.0):
    """A baseline of m recordings and n others, whose squared length is drawn anew where it is beyond the quantile `cut`."""
    from scipy.stats import chi2

    artist = np.arange(m + n) // per
    rows = np.sqrt(1 - effect**2) * rng.standard_normal((m + n, d)) + effect * rng.standard_normal((m + n, d))[artist]
    base = np.arange(m + n) < m
    if cut is not None:
        limit = chi2.ppf(cut, d)
        while (far := ~base & ((rows**2).sum(axis=1) > limit)).any():
            rows[far] = rng.standard_normal((int(far.sum()), d))
    return rows, base, artist


def simulate_tails(simulations):
    for name, n, m, options in (
        ("same, 50 of 200", 50, 200, {}),
        ("same, 100 of 500", 100, 500, {}),
        ("same, 200 of 200", 200, 200, {}),
        ("same, artists of 4 alike by half", 100, 500, {"per": 4, "effect": 0.7}),
        ("nothing beyond the 95th", 200, 500, {"cut": 0.95}),
    ):
        kept = [
            tail_loss(*tails(np.random.default_rng(seed), n, m, **options), permutations=99, replicates=100).set_index(
                "quantity"
            )
            for seed in range(simulations)
        ]
        for row in ("ratio", "tail_90", "tail_95", "tail_99"):
            one = pd.DataFrame([found.loc[row] for found in kept])
            truth = one["expected"] if "cut" not in options else one["value"].mean()
            held = (one["low"] <= truth + 1e-12) & (one["high"] >= truth - 1e-12)
            print(
                f"{name}, {row}: mean {one['value'].mean():.4f} of {one['expected'].mean():.2f}, interval held "
                f"{'the truth' if 'cut' not in options else 'the mean'} in {held.mean():.3f}, p <= .05 in {(one['p'] <= 0.05).mean():.3f}",
                flush=True,
            )


def simulate_baseline(simulations):
    """How few recordings a baseline can have, where distances differ much and nothing happens: 60 newcomers."""
    mediocrity.FEWEST_BASELINE = 0
    for m in (6, 14, 20, 30, 50):
        rows = []
        for seed in range(simulations):
            rng = np.random.default_rng((seed, m))
            spread = np.exp(0.5 * rng.standard_normal(m + 60))[:, None]
            base, artist = np.arange(m + 60) < m, np.arange(m + 60)
            found = tail_loss(
                spread * rng.standard_normal((m + 60, 5)), base, artist, quantiles=[], permutations=99, replicates=100
            ).iloc[0]
            rows.append((found["low"] <= 1 <= found["high"], found["p"] <= 0.05))
        held, told = np.array(rows).T
        print(
            f"baseline of {m}: interval held 1 in {held.mean():.3f}, p <= .05 in {told.mean():.3f}, one without the other in "
            f"{(held == told).mean():.3f}",
            flush=True,
        )


def with_ai(rng, *, share=0.3, scale=0.4, sensitivity=0.9, specificity=0.97, weeks=80, **options):
    """A chart half of which later on gets AI tracks near the centre, and what a classifier says."""
    rows, times, artists = chart(rng, weeks=weeks, **options)
    made = (times >= WINDOW) & (rng.random(len(times)) < share)
    human = rows.copy()
    rows = np.where(made[:, None], scale * rows, rows)
    flagged = np.where(made, rng.random(len(made)) < sensitivity, rng.random(len(made)) > specificity)
    return rows, times, artists, flagged, made, human


def simulate_ai(simulations):
    truth = {"ratio.without_ai": 1.0, "tail_90.without_ai": 0.1}
    held = {name: [] for name in ("ratio.without_ai", "tail_90.without_ai", "ratio.due_to_ai")}
    naive = []
    for seed in range(simulations):
        rows, times, artists, flagged, *_ = with_ai(np.random.default_rng(seed))
        record = {"sensitivity": (180, 200), "specificity": (194, 200)}
        found = without_ai(rows, times, artists, flagged, window=WINDOW, replicates=100, **record).set_index("quantity")
        for name, values in held.items():
            low, high = found.loc[name, ["low", "high"]]
            values.append((found.loc[name, "value"], low <= truth.get(name, 0) <= high))
        kept = ~flagged
        naive.append(np.nan if not kept.any() else _plain(rows[kept], times[kept], artists[kept]))
    for name, values in held.items():
        value, inside = np.array(values, float).T
        print(f"{name}: mean {value.mean():.4f}, interval held {truth.get(name, 0)} in {inside.mean():.2f}")
    print(f"ratio with all that is flagged removed: {np.mean(naive):.4f}")


def _plain(rows, times, artists):
    from chartropy.analysis.mediocrity import _against, _Cohorts

    return _against(*_Cohorts(rows, times, artists).sums(), WINDOW).ratio


def simulate_trap(simulations):
    """What the slopes that suggest themselves say of a chart in which nothing happens."""
    nearest, cohort, chosen = [], [], []
    for seed in range(simulations):
        rows, times, _ = chart(np.random.default_rng(seed))
        pairs, means = [], []
        for week in range(WINDOW, 104):
            past, new = rows[(times < week) & (times >= week - WINDOW)], rows[times == week]
            center = past.mean(axis=0)
            near = past[((new[:, None] - past) ** 2).sum(axis=2).argmin(axis=1)]
            pairs += list(zip(np.linalg.norm(near - center, axis=1), np.linalg.norm(new - center, axis=1), strict=True))
            means.append(new.mean(axis=0) - center)
            far = np.linalg.norm(past - center, axis=1)
            chosen.append(np.linalg.norm(new - center, axis=1).mean() / np.sort(far)[-len(far) // 10 :].mean())
        one, other = np.array(pairs).T
        nearest.append(np.polyfit(other, one, 1)[0])
        means = np.array(means)
        cohort.append((means[1:] * means[:-1]).sum() / (means[:-1] ** 2).sum())
    print(f"nothing happens: slope of the nearest neighbour's deviation on the newcomer's {np.mean(nearest):.2f}")
    print(f"of a week's mean on the week's before, least squares {np.mean(cohort):.2f}")
    print(f"newcomers' deviation over that of the farthest tenth of the past {np.mean(chosen):.2f}")


def topics(shared):
    frame = pd.read_csv(shared / "data" / "hot100_topics" / "hot100_topics.csv")
    frame = frame.drop_duplicates(["Song", "Performer", "Year", "Month"]).sort_values(["Year", "Month"])
    return frame.drop_duplicates(["Song", "Performer"])


def hot100(shared):
    frame = topics(shared)
    for kind, prefix in (("timbre", "T-Topic"), ("harmony", "H-Topic")):
        shares = frame[[name for name in frame.columns if name.startswith(prefix)]].to_numpy()
        rows = np.sqrt(shares / shares.sum(axis=1, keepdims=True)) / np.sqrt(2)
        quarter = (frame["Year"] * 4 + (frame["Month"] - 1) // 3).to_numpy()
        artists = frame["Performer"].to_numpy()
        for first, last in ((1958, 2019), (1958, 1988), (1980, 2009), (1990, 2019)):
            here = frame["Year"].between(first, last).to_numpy()
            found = drift(rows[here], quarter[here], artists[here], window=4, block=8, replicates=200)
            print(f"\n{kind} {first}-{last}\n{shown(found)}", flush=True)
        early = frame["Year"].between(1960, 1969).to_numpy()
        for first, last in ((1970, 1979), (1980, 1989), (1990, 1999), (2000, 2009), (2010, 2019)):
            here = early | frame["Year"].between(first, last).to_numpy()
            print(
                f"\n{kind} {first}-{last} against 1960-1969\n{shown(tail_loss(rows[here], early[here], artists[here], permutations=199))}",
                flush=True,
            )


def homogenization(shared):
    from chartropy.analysis.space import fit_space

    frame = pd.read_csv(shared / "data" / "ai_music_homogenization" / "all_features.csv")
    numbers = frame.select_dtypes("number").drop(columns=["mfcc_0_mean", "mfcc_0_std"])
    numbers = numbers.loc[:, ~numbers.columns.str.startswith("rms")]  # level is the publisher's choice, not music's
    human = (frame["system"] == "human").to_numpy()
    named = numbers.rename(columns=lambda name: f"{name.split('_')[0]}.{name}")
    artists = np.where(human, frame["artist"].astype(str), frame["filename"])
    for genre in [*frame["genre"].unique()]:
        of = (frame["genre"] == genre).to_numpy()
        rows = fit_space(named[of & human]).embed(named)
        for system in ("suno", "lyria"):
            here = of & (human | (frame["system"] == system).to_numpy())
            print(f"\n{genre} {system}\n{shown(tail_loss(rows[here], human[here], artists[here]))}", flush=True)


def corpus(shared):
    from chartropy.analysis.measures import PARTS, load_space
    from chartropy.reports.catalogue import describe_files

    about = pd.read_csv(shared / "corpus" / "clips.csv")
    files = [str(shared / "corpus" / path) for path in about["path"]]
    vectors = describe_files(files).set_index("path").loc[files]
    human = (about["label"] == "human").to_numpy()
    sources = about["source"].to_numpy()
    space = load_space()
    for name, part in [("all", space), *((key, space.only(*families)) for key, families in PARTS.items())]:
        print(f"\n{name}\n{shown(tail_loss(part.embed(vectors), human, sources, permutations=199))}", flush=True)
        if name == "all":
            for generator in sorted(set(about.loc[~human, "generator"])):
                here = human | (about["generator"] == generator).to_numpy()
                found = tail_loss(part.embed(vectors)[here], human[here], sources[here], permutations=0)
                print(generator, found.loc[:2, ["quantity", "value", "n"]].round(3).to_dict("records"))


def shown(found):
    return found.drop(columns="method").round(4).to_string(index=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "part", choices=["drift", "tails", "baseline", "ai", "trap", "hot100", "homogenization", "corpus"]
    )
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("--block", type=int, default=BLOCK, help="of drift; 14 leaves fewer than eight: no p")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("CHARTROPY_SHARED", "../shared")))
    args = parser.parse_args()
    simulated = {"tails": simulate_tails, "baseline": simulate_baseline, "ai": simulate_ai, "trap": simulate_trap}
    if args.part == "drift":
        simulate_drift(args.simulations, args.block)
    elif args.part in simulated:
        simulated[args.part](args.simulations)
    else:
        {"hot100": hot100, "homogenization": homogenization, "corpus": corpus}[args.part](args.shared)


if __name__ == "__main__":
    main()
