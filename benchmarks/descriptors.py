"""How long descriptors take: ours, Essentia's MusicExtractor, a plain librosa script, openSMILE's ComParE.

Each tool runs in a process of its own, all on one core, and they take turns clip by clip, so that whatever else the
machine does falls on all alike. Prints Markdown; ``--write`` puts it into docs/DESCRIPTORS.md.

    python benchmarks/descriptors.py ../shared/corpus/clips --clips 20 --write

openSMILE is not among the project's dependencies (its licence is for research): ``pip install opensmile`` to have it in
the table, else its row says that it is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
DOCS = Path(__file__).resolve().parents[1] / "docs" / "DESCRIPTORS.md"
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
TOOLS = {
    "ours": "Chartropy",
    "essentia": "Essentia MusicExtractor",
    "librosa": "a plain librosa script",
    "opensmile": "openSMILE ComParE 2016",
    "floor": "decode and FFTs alone",
}


def ours() -> Callable[[str], int]:
    from chartropy.features.describe import describe_file

    return lambda path: len(describe_file(path).values)


def essentia() -> Callable[[str], int]:
    import essentia as module

    module.log.infoActive = module.log.warningActive = False
    from essentia.standard import MusicExtractor

    extractor = MusicExtractor()

    def run(path: str) -> int:
        pool, _ = extractor(path)
        numeric = (pool[name] for name in pool.descriptorNames() if not name.startswith("metadata"))
        return sum(np.size(value) for value in numeric if not isinstance(value, (str, list)))

    return run


def librosa() -> Callable[[str], int]:
    import librosa as lib

    def run(path: str) -> int:
        y, rate = lib.load(path, sr=44_100)
        magnitude = np.abs(lib.stft(y, n_fft=2048, hop_length=1024))
        mel = lib.feature.melspectrogram(S=magnitude**2, sr=rate)
        onset = lib.onset.onset_strength(y=y, sr=rate)
        lib.beat.beat_track(onset_envelope=onset, sr=rate)
        courses = [
            lib.feature.spectral_centroid(S=magnitude, sr=rate),
            lib.feature.spectral_bandwidth(S=magnitude, sr=rate),
            lib.feature.spectral_rolloff(S=magnitude, sr=rate),
            lib.feature.spectral_flatness(S=magnitude),
            lib.feature.spectral_contrast(S=magnitude, sr=rate),
            lib.feature.zero_crossing_rate(y, frame_length=2048, hop_length=1024),
            lib.feature.rms(S=magnitude),
            lib.feature.mfcc(S=lib.power_to_db(mel), n_mfcc=13),
            lib.feature.chroma_stft(S=magnitude**2, sr=rate),
            lib.feature.tonnetz(chroma=lib.feature.chroma_cqt(y=y, sr=rate)),
            lib.feature.tempogram(onset_envelope=onset, sr=rate),
            onset[None],
        ]
        rows = np.concatenate(
            [course[:, : courses[0].shape[1]] for course in courses if course.shape[1] >= courses[0].shape[1]]
        )
        statistics = [rows.mean(axis=1), rows.std(axis=1), np.median(rows, axis=1), np.abs(np.diff(rows)).mean(axis=1)]
        lib.onset.onset_detect(onset_envelope=onset, sr=rate)
        return sum(one.size for one in statistics) + 2  # tempo, onset rate

    return run


def opensmile() -> Callable[[str], int]:
    import opensmile as module

    from chartropy.audio.decode import decode

    smile = module.Smile(module.FeatureSet.ComParE_2016, module.FeatureLevel.Functionals)

    def run(path: str) -> int:
        audio = decode(path)
        return smile.process_signal(audio.samples.mean(axis=0), audio.rate).size

    return run


def floor() -> Callable[[str], int]:
    """What no extractor of these resolutions can do without: decoding, and the FFTs of all frames."""
    from scipy.fft import rfft

    from chartropy.audio.decode import decode
    from chartropy.features import sketch, spectra

    sizes = (
        (spectra.FRAME, spectra.HOP),
        (spectra.PITCH_FRAME, spectra.PITCH_HOP),
        (spectra.ONSET_FRAME, spectra.ONSET_HOP),
    )

    def run(path: str) -> int:
        audio = decode(path, rate=spectra.RATE)
        mid = np.ascontiguousarray(audio.samples[0])
        for frame, hop in sizes:
            frames = np.lib.stride_tricks.sliding_window_view(mid, frame)[::hop]
            block = 2**17 // frame
            for first in range(0, len(frames), block):
                rfft(frames[first : first + block], axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(mid, sketch.N_FFT)
        chosen = np.linspace(0, len(windows) - 1, sketch.FRAMES).astype(int)
        for first in range(0, sketch.FRAMES, 16):
            for _ in range(audio.channels):
                rfft(windows[chosen[first : first + 16]], axis=1)
        return 0

    return run


def work(tool: str) -> None:
    """Run a tool on every path that comes in; answer with seconds and descriptors."""
    run = globals()[tool]()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        start = time.perf_counter()
        count = run(line.strip())
        sys.stdout.write(json.dumps([time.perf_counter() - start, count]) + "\n")
        sys.stdout.flush()


def take_turns(
    tools: list[str], clips: list[Path], rounds: int
) -> tuple[dict[str, np.ndarray], dict[str, int], dict[str, str]]:
    """Seconds of every tool for every clip, the best of the rounds; descriptors given; why a tool is missing."""
    workers, missing = {}, {}
    for tool in tools:
        process = subprocess.Popen(
            [sys.executable, __file__, "--worker", tool],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD,
        )  # fmt: skip
        assert process.stdout
        assert process.stdin
        assert process.stderr
        if process.stdout.readline().strip() == "ready":
            workers[tool] = process
        else:
            missing[tool] = process.stderr.read().strip().splitlines()[-1]
    seconds = {tool: np.full((rounds + 1, len(clips)), np.nan) for tool in workers}
    counts = {}
    for turn in range(rounds + 1):  # the first only warms up
        for place, clip in enumerate(clips):
            for tool, process in workers.items():
                process.stdin.write(f"{clip}\n")
                process.stdin.flush()
                seconds[tool][turn, place], counts[tool] = json.loads(process.stdout.readline())
    for process in workers.values():
        process.stdin.close()
        process.wait()
    return {tool: table[1:].min(axis=0) for tool, table in seconds.items()}, counts, missing


def whole_process(tool: str, clip: Path, repeats: int = 3) -> float:
    """Seconds from starting Python to the answer about one clip, the best of a few."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, __file__, "--worker", tool],
            input=f"{clip}\n", text=True, check=True, capture_output=True, env=os.environ | ONE_THREAD,
        )  # fmt: skip
        best = min(best, time.perf_counter() - start)
    return best


def where_it_goes(clips: list[Path]) -> dict[str, float]:
    """Milliseconds of each part of describing, the median over clips."""
    from chartropy.audio.decode import decode
    from chartropy.features import (  # fmt: skip
        describe,
        dynamics,
        production,
        rhythm,
        sketch,
        spectra,
        spectrum,
        stereo,
        structure,
        timbre,
        tonality,
        vocals,
    )

    spent: dict[str, list[float]] = {}

    def timed(name: str, run: Callable):
        best = np.inf
        for _ in range(3):
            start = time.perf_counter()
            result = run()
            best = min(best, time.perf_counter() - start)
        spent.setdefault(name, []).append(1000 * best)
        return result

    with describe.one_thread():
        for clip in clips:
            audio = timed("decode", lambda: decode(clip, rate=spectra.RATE))  # noqa: B023
            seen = timed("three STFTs of mid", lambda: spectra.analyse(audio))  # noqa: B023
            windows = timed("sketch's windows, mid and side", lambda: sketch.look(seen.sound))  # noqa: B023
            if windows is None or seen.cancellation or seen.narrowness:
                continue
            timed("sketch drawn", lambda: sketch.draw(audio, seen.sound, windows))  # noqa: B023
            shape = timed("timbre, frame by frame", lambda: timbre.read(seen))  # noqa: B023
            timed("timbre, statistics", lambda: timbre.measure(seen, shape))  # noqa: B023
            timed("rhythm", lambda: rhythm.measure(seen))  # noqa: B023
            harmony = timed("partials and chroma", lambda: tonality.hear(seen))  # noqa: B023
            timed("tonality", lambda: tonality.measure(seen, harmony))  # noqa: B023
            steps = timed("K-weighting", lambda: dynamics.step_power(seen.sound))  # noqa: B023
            high = timed("true peak, clipping", lambda: dynamics.heights(seen.sound))  # noqa: B023

            def rest() -> None:
                dynamics.measure(seen, steps, high)  # noqa: B023
                production.measure(seen, windows, steps, high)  # noqa: B023
                stereo.measure(seen, windows)  # noqa: B023
                spectrum.measure(seen, windows)  # noqa: B023
                structure.measure(seen, shape["mel_power"], harmony.chroma)  # noqa: B023
                vocals.measure(seen, harmony)  # noqa: B023

            timed("the other families", rest)
    return {name: float(np.median(values)) for name, values in spent.items()}


def peak_memory(clip: Path) -> float:
    """Peak resident memory in MB of a process that describes one file."""
    code = (
        "import resource, sys; from chartropy.features.describe import describe_file; describe_file(sys.argv[1]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(clip)], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def an_hour(folder: Path) -> Path:
    """An hour of stereo noise at 48 kHz."""
    import soundfile

    path = folder / "hour.flac"
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", 48_000, 2) as file:
        minute = 0.1 * rng.standard_normal((60 * 48_000, 2))
        for _ in range(60):
            file.write(minute)
    return path


def import_seconds() -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import chartropy"], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def report(clips: list[Path], tools: list[str], rounds: int) -> Iterable[str]:
    import tempfile

    seconds, counts, missing = take_turns(tools, clips, rounds)
    yield f"{len(clips)} clips of {Path(clips[0]).parent.name}/, one core, the tools taking turns; best of {rounds} rounds per clip."
    yield ""
    yield "| tool | ms per clip, median | times ours | numbers given | whole process for one clip, s |"
    yield "|---|---|---|---|---|"
    for tool in tools:
        if tool in missing:
            yield f"| {TOOLS[tool]} | not measured: {missing[tool]} | | | |"
            continue
        whole = f"{whole_process(tool, clips[0]):.2f}"
        ratio = seconds[tool].sum() / seconds["ours"].sum()
        yield f"| {TOOLS[tool]} | {1000 * np.median(seconds[tool]):.0f} | {ratio:.2f} | {counts[tool] or ''} | {whole} |"
    yield ""
    yield "Where a clip's time goes (median, ms):"
    yield ""
    yield "| part | ms |"
    yield "|---|---|"
    for name, value in where_it_goes(clips).items():
        yield f"| {name} | {value:.1f} |"
    yield ""
    with tempfile.TemporaryDirectory() as folder:
        hour = peak_memory(an_hour(Path(folder)))
    yield (
        f"Peak memory of a process that describes one clip {peak_memory(clips[0]):.0f} MB, an hour of 48 kHz stereo "
        f"{hour:.0f} MB. `import chartropy`, Python's start included: {import_seconds():.2f} s."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/corpus/clips"))
    parser.add_argument("--clips", type=int, default=20, help="how many, evenly over the folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/DESCRIPTORS.md")
    parser.add_argument("--worker", choices=list(TOOLS), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        work(chosen.worker)
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {chosen.core})
    os.environ |= ONE_THREAD
    files = sorted(chosen.folder.glob("*.mp3"))
    clips = [files[int(i)] for i in np.linspace(0, len(files) - 1, chosen.clips)]
    lines = []
    for line in report(clips, chosen.tools.split(","), chosen.rounds):
        print(line, flush=True)
        lines.append(line)
    if chosen.write:
        before, rest = DOCS.read_text(encoding="utf-8").split("<!-- speed -->")
        _, after = rest.split("<!-- /speed -->")
        DOCS.write_text(f"{before}<!-- speed -->\n{chr(10).join(lines)}\n<!-- /speed -->{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
