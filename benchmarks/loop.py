"""How often a loop's 95 % intervals hold the truth, and how often its tests reject what is true, on simulated chains.

    python benchmarks/loop.py [--simulations 100] [--chains 5 8 20 60]

A clip is a row of descriptors that vary in ten hidden ways, as heavy-tailed as music's (Student, 5 degrees of freedom), and
each a little on its own. Three makers whose truth is known from 3,000 chains: "half" keeps half of every difference and draws
the rest anew, "drawn in" keeps half and adds a little, "places" leads to the nearest of six sounds and a little off. Prints,
for each and for each number of chains, in what share of the simulations the interval held the truth after one round, and its
median width, also for so few chains that Chartropy gives none; then, for clips drawn at random, where both null hypotheses hold, in what share p was .05 or less.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from chartropy.analysis import loop
from chartropy.analysis.diversity import order2_diversity
from chartropy.analysis.loop import Library, Sound, columns_of, run_loop
from chartropy.analysis.measures import load_space
from chartropy.analysis.space import kernel
from chartropy.audio.decode import Audio
from chartropy.features.registry import DESCRIPTORS

SPACE = load_space()
COLUMNS = columns_of(SPACE)
WAYS = np.random.default_rng(99).standard_normal((10, len(COLUMNS))) / 10**0.5
TRUTH = 3000
MEASURES = ("similarity_to_start", "diversity", "attractor_strength")
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("--chains", type=int, nargs="+", default=[5, 8, 20, 60])
    args = parser.parse_args()
    loop.FEWEST_FOR_INTERVAL = 0
    library = Library(sounds(clips(np.random.default_rng(1), 100)))
    for name, change in makers().items():
        true = truth(change)
        print(f"\n{name}: " + ", ".join(f"{measure} {true[measure]:.2f}" for measure in MEASURES), flush=True)
        for chains in args.chains:
            found = [one_round(chains, change, library, seed) for seed in range(args.simulations)]
            told = []
            for measure in MEASURES:
                bounds = np.array([(one[measure].low, one[measure].high) for one in found])
                bounds = bounds[np.isfinite(bounds).all(axis=1)]  # more distinct sounds than chains are not told
                held = np.mean((bounds[:, 0] <= true[measure]) & (true[measure] <= bounds[:, 1]))
                width = np.median(bounds[:, 1] - bounds[:, 0])
                told.append(f"{measure} {held:.2f} (width {width:.2f}, told {len(bounds) / len(found):.2f})")
            print(f"{chains:4} chains: " + ", ".join(told), flush=True)
    print("\nclips drawn at random, share of p that is .05 or less")
    for chains in args.chains:
        nulls = [at_random(chains, library, seed) for seed in range(args.simulations)]
        shares = {
            measure: np.mean([null[measure][3] <= 0.05 for null in nulls])
            for measure in ("similarity_to_start", "motifs")
        }
        print(
            f"{chains:4} chains: " + ", ".join(f"{measure} {share:.2f}" for measure, share in shares.items()),
            flush=True,
        )


def clips(rng: np.random.Generator, count: int) -> np.ndarray:
    """Standard scores of clips, shape (count, descriptors)."""
    hidden = rng.standard_t(5, (count, len(WAYS))) * 0.6**0.5
    return np.clip(0.9 * hidden @ WAYS + 0.4 * rng.standard_normal((count, len(COLUMNS))), -4.9, 4.9)


def makers() -> dict[str, Change]:
    """What is done to the scores of all chains, by name."""
    places = clips(np.random.default_rng(2), 6)

    def half(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return 0.5 * scores + 0.75**0.5 * clips(rng, len(scores))

    def drawn_in(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return 0.5 * scores + 0.2 * clips(rng, len(scores))

    def to_places(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        nearest = np.square(scores[:, None] - places).sum(axis=2).argmin(axis=1)
        return places[nearest] + 0.3 * clips(rng, len(scores))

    return {"half": half, "drawn in": drawn_in, "places": to_places}


class Changes:
    """A describer that says all, and a maker that does something to it."""

    name = form = "all"
    takes = ("all",)

    def __init__(self, change: Change):
        self._change = change

    def describe(self, sound: Sound) -> np.ndarray:
        return (sound.row[COLUMNS] - SPACE.centers) / SPACE.scales

    def make(self, description: np.ndarray, rng: np.random.Generator) -> Sound:
        return sounds(self._change(description[None], rng))[0]


def one_round(chains: int, change: Change, library: Library, seed: int) -> dict:
    """The measures of so many chains after one round."""
    both = Changes(change)
    starts = sounds(clips(np.random.default_rng([seed, chains]), chains))
    return run_loop(starts, both, both, library, rounds=1, seed=seed, draws=1).measures[1]


def at_random(chains: int, library: Library, seed: int) -> dict:
    """What the measures of clips drawn from the library are compared with."""
    starts = sounds(clips(np.random.default_rng([seed, chains]), chains))
    return run_loop(
        starts, None, None, library, rounds=1, seed=seed, control="redraw", draws=199, replicates=100
    ).nulls[1]


def truth(change: Change) -> dict[str, float]:
    """The measures of very many chains, as their definitions say."""
    rng = np.random.default_rng(3)
    first = clips(rng, TRUTH)
    last = np.clip(change(first, rng), -5, 5)
    rows = [SPACE.centers + SPACE.scales * scores for scores in (first, last)]
    similarity = [
        kernel(SPACE.distances(*(row[begin : begin + 100] for row in rows))) for begin in range(0, TRUTH, 100)
    ]
    weights = Library(sounds(clips(np.random.default_rng(1), 100))).weights ** 2
    off = [scores - scores.mean(axis=0) for scores in (first, last)]
    slope = (weights * off[0] * off[1]).sum() / (weights * off[0] ** 2).sum()
    return {
        "similarity_to_start": float(np.mean([np.diagonal(part).mean() for part in similarity])),
        "diversity": order2_diversity(kernel(SPACE.distances(rows[1]))),
        "attractor_strength": float(1 - abs(slope)),
    }


def sounds(scores: np.ndarray) -> list[Sound]:
    """Clips with these standard scores and no samples."""
    rows = np.full((len(scores), len(DESCRIPTORS)), np.nan)
    rows[:, COLUMNS] = SPACE.centers + SPACE.scales * scores
    return [Sound(_silent, f"{number}", row) for number, row in enumerate(rows)]


def _silent() -> Audio:
    raise AssertionError("nothing needs these clips' samples")


if __name__ == "__main__":
    main()
