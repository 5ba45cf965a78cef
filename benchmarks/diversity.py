"""Our measures of diversity and of groups beside those of other packages: the same values, and how long each takes.

    OPENBLAS_NUM_THREADS=1 python benchmarks/diversity.py [--n 1000] [--runs 3] [--permutations 199] [--rows 100000]

The packages are vendi-score (Vendi score), sentropy (diversity that knows of similarity) and scikit-bio (PERMDISP,
PERMANOVA). None is needed by the project; those that are missing are named, with how to install them, and left out. Best
of several runs, one thread (asked of the matrix library by threadpoolctl, whatever the environment says).

PERMDISP's F is the same thing in both; in the permutations scikit-bio finds new centres for groups drawn at random, and we
exchange distances to the centres there are, which is right where groups lie apart, and quicker.

Prints a Markdown table. "ratio" is the other package's time divided by ours; "difference" is relative.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from chartropy.analysis import diversity
from chartropy.analysis.groups import permanova, permdisp
from chartropy.analysis.space import kernel

PACKAGES = {"vendi_score": "vendi-score", "sentropy": "sentropy", "skbio": "scikit-bio"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="recordings, where there is a matrix of pairs")
    parser.add_argument("--runs", type=int, default=3, help="of which the best counts")
    parser.add_argument("--permutations", type=int, default=199)
    parser.add_argument(
        "--rows", type=int, default=100_000, help="recordings, where there are only rows of 100 numbers"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    found = {name: package(name) for name in PACKAGES}
    print(f"Python {platform.python_version()}, numpy {np.__version__}, one thread, best of {args.runs}\n")
    print("| case | ours, s | theirs, s | ratio | ours | theirs | difference |\n|---|---:|---:|---:|---:|---:|---:|")
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other packages warn of
        for case, ours, theirs in cases(args, found):
            row(case, args.runs, ours, theirs)
        many_rows(args, found["vendi_score"])


def package(name: str) -> Any:
    """The package, or None, which is said."""
    try:
        return importlib.import_module("vendi_score.vendi" if name == "vendi_score" else name)
    except ImportError as error:
        print(f"{PACKAGES[name]} left out ({error}): pip install {PACKAGES[name]}")
        return None


def cases(args: argparse.Namespace, found: dict[str, Any]) -> list[tuple[str, Callable, Callable | None]]:
    """Name, ours, theirs (None where the package is missing)."""
    rng = np.random.default_rng(args.seed)
    n = args.n
    groups = np.repeat(["ai", "human"], [n // 4, n - n // 4])
    rows = rng.standard_normal((n, 20)) * np.where(groups == "ai", 0.9, 1)[:, None]
    distances = cdist(rows, rows)
    similarities, shares = kernel(distances / np.sqrt(40)), rng.dirichlet(np.ones(n))
    vendi, sentropy, skbio = (found[name] for name in PACKAGES)
    matrix = skbio and skbio.DistanceMatrix(distances)
    options = {"permutations": args.permutations, "seed": args.seed}
    after = f"n = {n}, {args.permutations} permutations"
    test = skbio and skbio.stats.distance
    return [
        *(
            (
                f"Vendi score, order {order}, n = {n}",
                lambda order=order: diversity.vendi(similarities, order),
                vendi and (lambda order=order: vendi_score(vendi, similarities, order)),
            )
            for order in (0.5, 1, 2)
        ),
        *(
            (
                f"Leinster-Cobbold, order {order}, n = {n}",
                lambda order=order: diversity.leinster_cobbold(similarities, order, shares),
                sentropy and (lambda order=order: alpha(sentropy.sentropy(shares, similarity=similarities, q=order))),
            )
            for order in (0, 1, 2)
        ),
        *(
            (
                f"PERMDISP, {center}, F, {after}",
                lambda center=center: permdisp(distances, groups, center=center, adjust=False, **options).f,
                test
                and (
                    lambda center=center: test.permdisp(
                        matrix, groups, test=center, dimensions=n, warn_neg_eigval=False, **options
                    )["test statistic"]
                ),
            )
            for center in ("median", "centroid")
        ),
        (
            f"PERMANOVA, pseudo-F, {after}",
            lambda: permanova(distances, groups, **options).f,
            test and (lambda: test.permanova(matrix, groups, **options)["test statistic"]),
        ),
    ]


def vendi_score(vendi: Any, similarities: np.ndarray, order: float) -> float:
    """Its own way through a matrix, which asks scipy for a name that later versions no longer have."""
    try:
        return float(vendi.score_K(similarities, q=order))
    except AttributeError:
        eigenvalues = vendi.scipy.linalg.eigvalsh(vendi.weight_K(similarities))
        return float(np.exp(vendi.entropy_q(eigenvalues, q=order)))


def alpha(found: Any) -> float:
    """A number out of what sentropy gives."""
    return float(np.ravel(found.iloc[0] if hasattr(found, "iloc") else found)[0])


def row(case: str, runs: int, ours: Callable, theirs: Callable | None) -> None:
    seconds, value = best(ours, runs)
    if theirs is None:
        print(f"| {case} | {seconds:.3f} | | | {value:.6g} | missing | |", flush=True)
        return
    other, expected = best(theirs, runs)
    print(
        f"| {case} | {seconds:.3f} | {other:.3f} | {other / seconds:.1f} | {value:.6g} | {expected:.6g} "
        f"| {abs(value / expected - 1):.1e} |",
        flush=True,
    )


def best(function: Callable[[], float], runs: int) -> tuple[float, float]:
    """Seconds of the quickest run, and the value."""
    seconds, value = np.inf, np.nan
    for _ in range(runs):
        begin = time.perf_counter()
        value = function()
        seconds = min(seconds, time.perf_counter() - begin)
    return seconds, float(value)


def peak(function: Callable[[], float]) -> float:
    """Most memory that arrays take while it runs, in MB."""
    tracemalloc.start()
    function()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def many_rows(args: argparse.Namespace, vendi: Any) -> None:
    case = f"Vendi score, order 1, of {args.rows} × 100 rows"
    if not hasattr(diversity, "vendi_of_rows"):
        print(f"\n{case}: left out, chartropy.analysis.diversity has no vendi_of_rows")
        return
    rows = np.random.default_rng(args.seed).standard_normal((args.rows, 100)) * np.linspace(1, 0.1, 100)
    ours, theirs = (lambda: diversity.vendi_of_rows(rows)), vendi and (lambda: vendi.score_dual(rows))
    row(case, args.runs, ours, theirs)
    memory = f"ours {peak(ours):.1f} MB" + (f", theirs {peak(theirs):.1f} MB" if theirs else "")
    print(f"\nMemory at its peak in the last case, over the {rows.nbytes / 1e6:.0f} MB of the rows: {memory}")


if __name__ == "__main__":
    main()
