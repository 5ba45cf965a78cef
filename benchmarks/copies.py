"""How far a recording lies from itself, coded anew or cut otherwise, and how near different recordings come: what `space.SAME` rests on.

    python benchmarks/copies.py CLIPS.csv [--clips 60]

CLIPS.csv has a column path. Prints, for each thing done to so many clips drawn from it, how many lie no farther than SAME from
themselves, and the median and largest distance; then the nearest pairs of all clips.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from chartropy.analysis.loop import columns_of
from chartropy.analysis.measures import load_space
from chartropy.analysis.space import SAME
from chartropy.audio.decode import Audio, decode
from chartropy.audio.disturb import encoded, louder
from chartropy.features.describe import describe
from chartropy.features.spectra import LONGEST, RATE
from chartropy.reports.catalogue import describe_files

PAIRS = 5


def later(audio: Audio, seconds: float) -> Audio:
    """Begun later."""
    return Audio(audio.samples[:, round(seconds * audio.rate) :], audio.rate)


DONE = {
    "MP3, 192 kbit/s": lambda audio: encoded(audio, "mp3", 192),
    "MP3, 128 kbit/s": lambda audio: encoded(audio, "mp3", 128),
    "MP3, 64 kbit/s": lambda audio: encoded(audio, "mp3", 64),
    "AAC, 256 kbit/s": lambda audio: encoded(audio, "aac", 256),
    "AAC, 128 kbit/s": lambda audio: encoded(audio, "aac", 128),
    "6 dB lower": lambda audio: louder(audio, -6),
    "a second later": lambda audio: later(audio, 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--clips", type=int, default=60)
    args = parser.parse_args()
    files = [args.table.parent / path for path in pd.read_csv(args.table)["path"]]
    space = load_space()
    columns = columns_of(space)
    found: dict[str, list[float]] = {name: [] for name in DONE}
    for file in np.random.default_rng(0).permutation(np.array(files, dtype=object))[: args.clips]:
        audio = decode(file, rate=RATE, max_seconds=LONGEST)
        itself = describe(audio).values[columns][None]
        for name, done in DONE.items():
            found[name].append(float(space.distances(itself, describe(done(audio)).values[columns][None])[0, 0]))
    for name, off in found.items():
        count = np.count_nonzero(np.array(off) <= SAME)
        print(f"{name:16} {count} of {len(off)} within {SAME}; median {np.median(off):.3f}, largest {max(off):.3f}")
    rows = describe_files(files, jobs=-1)
    distances = space.distances(rows)
    one, other = np.triu_indices(len(files), 1)
    for pair in np.argsort(distances[one, other])[:PAIRS]:
        names = (files[one[pair]].name, files[other[pair]].name)
        print(f"{names[0]} and {names[1]}: {distances[one[pair], other[pair]]:.3f}")


if __name__ == "__main__":
    main()
