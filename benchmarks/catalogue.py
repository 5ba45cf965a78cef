"""A folder of clips described by one and by two workers, by joblib and by Dask; what 100 million tracks would take.

    python benchmarks/catalogue.py [../shared/corpus/clips] [--files 120]

Prints files per second, efficiency, processor time per file, peak memory of a worker, bytes per row with and without
sketches. Two workers need two free cores: where other programs run, compare the processor times.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from chartropy.audio.decode import find_audio
from chartropy.features.describe import describe_file
from chartropy.features.registry import DESCRIPTORS
from chartropy.reports.catalogue import BATCH, ONE_THREAD, describe_catalogue

TRACKS = 100_000_000


@dataclass
class Run:
    rate: float  # files per second after the first batch
    cpu: float  # seconds of processor time per file, in workers
    start: float  # seconds until the first rows
    memory: float  # bytes of the largest worker
    row: float  # bytes per row in Parquet, without what a file says of itself


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("CHARTROPY_SHARED", "../shared"))
    parser.add_argument("folder", type=Path, nargs="?", default=shared / "corpus" / "clips")
    parser.add_argument("--files", type=int, default=0, help="only so many of them")
    args = parser.parse_args()
    files = [str(path) for path in find_audio([args.folder])][: args.files or None]
    size = sum(Path(file).stat().st_size for file in files) / len(files)
    print(
        f"{len(files)} files of {size / 1e3:.0f} kB, {len(DESCRIPTORS)} descriptors, {os.cpu_count()} cores, ", end=""
    )
    print(f"load before {os.getloadavg()[0]:.1f}")
    describe_file(files[0])
    runs = {}
    for who, workers in (("joblib", 1), ("joblib", 2), ("dask", 1), ("dask", 2)):
        runs[who, workers] = found = measured(files, who, workers)
        alone = runs[who, 1]
        print(
            f"{who}, {workers} worker{'s' if workers > 1 else ''}: {found.rate:.2f} files/s, first rows after {found.start:.1f} s, "
            f"{found.cpu:.3f} s of processor per file, {found.memory / 2**20:.0f} MiB at most in one worker"
            + (f"; efficiency {found.rate / alone.rate / workers:.3f}" if workers > 1 else "")
            + (f" (by processor time {alone.cpu / found.cpu:.3f})" if workers > 1 else "")
        )
    plain, sketched = runs["joblib", 2].row, runs["dask", 2].row
    print(f"{plain:,.0f} bytes per row in Parquet, {sketched:,.0f} with sketches")
    seconds = min(run.cpu for run in runs.values())
    print(f"{TRACKS:,} tracks, on paper: {TRACKS * seconds / 86_400:,.0f} core-days", end="")
    print(f" ({TRACKS * seconds / 86_400 / 1000:,.1f} days on 1,000 cores)", end="")
    print(f", {TRACKS * size / 1e12:,.1f} TB read, {TRACKS * plain / 1e9:,.0f} GB written,", end="")
    print(f" {TRACKS * sketched / 1e12:,.1f} TB with sketches")


def measured(files: list[str], who: str, workers: int) -> Run:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        cluster = stack.enter_context(dask(folder, workers, files[0])) if who == "dask" else None
        out = Path(folder) / "out.parquet"
        jobs = workers if who == "joblib" else -1
        if who == "joblib" and workers > 1:  # starting, imports and what is made once are no part of the time per file
            describe_catalogue(files[: 8 * workers], out=f"{folder}/warm/", jobs=jobs)
        seen: list[float] = []

        def timed(rows, *_) -> Iterator:
            for row in rows:
                yield row
                seen.append(time.monotonic())

        watch = Watch()
        with watch:
            started = time.monotonic()
            describe_catalogue(files, out=str(out), jobs=jobs, cluster=cluster, sketches=who == "dask", track=timed)
        rate = (len(seen) - BATCH) / (seen[-1] - seen[BATCH - 1])
        data = pq.read_metadata(out)
        groups = [data.row_group(number) for number in range(data.num_row_groups)]
        row = (
            sum(group.column(at).total_compressed_size for group in groups for at in range(data.num_columns))
            / data.num_rows
        )
        return Run(rate, watch.cpu(who, workers) / len(files), seen[0] - started, watch.memory(who, workers), row)


class Watch:
    """Processor time and memory of this process and those that it started, looked at all the time."""

    def __enter__(self) -> Watch:
        self._stop = threading.Event()
        self._seen: dict[int, tuple[str, float, float, float]] = {}  # command, time at first and last sight, memory
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(0.2):
            for process in (me, *me.children(recursive=True)):
                with suppress(psutil.Error):
                    times, memory = process.cpu_times(), process.memory_info().rss
                    now = times.user + times.system
                    what, first, _, most = self._seen.get(process.pid, (" ".join(process.cmdline()), now, 0, 0))
                    self._seen[process.pid] = what, first, now, max(most, memory)

    def _workers(self, who: str, workers: int) -> list[tuple[str, float, float, float]]:
        if who == "joblib" and workers == 1:
            return [self._seen[os.getpid()]]
        word = "dask worker" if who == "dask" else "popen_loky"
        return [seen for seen in self._seen.values() if word in seen[0]]

    def cpu(self, who: str, workers: int) -> float:
        return sum(last - first for _, first, last, _ in self._workers(who, workers))

    def memory(self, who: str, workers: int) -> float:
        return max(memory for *_, memory in self._workers(who, workers))


@contextmanager
def dask(folder: str, workers: int, file_to_try: str) -> Iterator[str]:
    file = Path(folder) / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": os.environ | ONE_THREAD}
    command = [shutil.which("dask", path=str(Path(sys.executable).parent)) or "dask"]
    started = [subprocess.Popen([*command, "scheduler", *options], **quiet)]
    try:
        while not (file.exists() and file.stat().st_size):
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", folder]
        started += [subprocess.Popen([*command, "worker", address, *options], **quiet) for _ in range(workers)]
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(workers)
            client.run(describe_file, file_to_try)
        yield address
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


if __name__ == "__main__":
    with threadpool_limits(1):  # one worker is one core
        main()
