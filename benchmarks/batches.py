"""Clips described one by one, and their spectra taken in batches by PyTorch, on the processor and on a graphics card.

    python benchmarks/batches.py [--clips 32] [--seconds 30] [--sizes 1 8 32] [--repeat 3]

Needs the extra ``torch``. All ways take turns on the same clips, in one process and one run; of the repetitions the
fastest counts. Prints milliseconds a clip, of time that passed and of the processor's, and how many times as many clips
a second `describe_batch` describes; then how the numbers differ.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from chartropy.audio.decode import Audio
from chartropy.audio.synthesize import synthesize
from chartropy.features.batches import check_device, describe_batch
from chartropy.features.describe import Description, describe
from chartropy.workspace.errors import SettingsError

Way = Callable[[list[Audio]], list[Description | str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 8, 32], help="clips in a batch")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    clips = [synthesize(seed, seconds=args.seconds) for seed in range(args.clips)]
    ways: dict[str, Way] = {"describe": lambda clips: [describe(clip) for clip in clips]}
    for device in ("cpu", "cuda"):
        try:
            check_device(device)
        except SettingsError as error:
            print(error)
            continue
        ways |= {f"describe_batch, {device}, {size} at once": batched(device, size) for size in args.sizes}
    for way in ways.values():  # what is made once and kept
        way(clips[:2])
    wall, processor = (dict.fromkeys(ways, float("inf")) for _ in range(2))
    found = {}
    for _ in range(args.repeat):
        for name, way in ways.items():
            started, busy = time.perf_counter(), time.process_time()
            found[name] = way(clips)
            wall[name] = min(wall[name], time.perf_counter() - started)
            processor[name] = min(processor[name], time.process_time() - busy)
    plain = values(found["describe"])
    scale = np.maximum(np.abs(plain), np.ma.masked_invalid(plain).std(axis=0).filled(0))
    print(f"\n{args.clips} clips of {args.seconds:.0f} s, the fastest of {args.repeat} runs; ms a clip\n")
    print(f"{'':36}{'passed':>8}{'busy':>8}{'ratio':>8}   numbers that differ by more than 1e-3")
    for name in ways:
        far = np.count_nonzero(np.abs(values(found[name]) - plain) > 1e-3 * scale)
        print(
            f"{name:36}{1000 * wall[name] / args.clips:8.1f}{1000 * processor[name] / args.clips:8.1f}"
            f"{wall['describe'] / wall[name]:8.2f}   {far} of {np.isfinite(plain).sum()}"
        )


def batched(device: str, size: int) -> Way:
    def way(clips: list[Audio]) -> list[Description | str]:
        return [d for i in range(0, len(clips), size) for d in describe_batch(clips[i : i + size], device)]

    return way


def values(found: list[Description | str]) -> np.ndarray:
    return np.array([one.values for one in found if isinstance(one, Description)], np.float64)


if __name__ == "__main__":
    main()
