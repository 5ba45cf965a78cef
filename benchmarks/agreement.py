"""Our descriptors against librosa, Essentia and FFmpeg, and against themselves after what happens to files.

    python benchmarks/agreement.py [FILES ...] [--shared ../shared] [--every 20] [--jobs 2] [--write]

Prints two tables as Markdown: how far we and the references agree on each descriptor that has a counterpart, and how far
descriptors move when a clip gets quieter, is turned in polarity, has its channels swapped, is coded again or cut by a
second. `--write` puts both between their markers in docs/DESCRIPTORS.md.
"""

from __future__ import annotations

import argparse
import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pandas as pd
import soundfile
from joblib import Parallel, delayed

from chartropy.audio.decode import Audio, decode
from chartropy.features.describe import describe
from chartropy.features.references import both, compare
from chartropy.features.registry import DESCRIPTORS, FAMILIES
from chartropy.features.spectra import RATE

DOCS = Path(__file__).resolve().parents[1] / "docs" / "DESCRIPTORS.md"
CONFIDENT = 0.85  # strength of Essentia's key above which it is held to be right: about half of the corpus
TUNED_ON_EVERY = 3  # the key was tuned on every third clip in the order of their names: the others are the honest test


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("CHARTROPY_SHARED", "../shared")))
    parser.add_argument("--every", type=int, default=20, help="of the clips, one in so many is changed")
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/DESCRIPTORS.md")
    args = parser.parse_args()
    files = args.files or sorted((args.shared / "corpus" / "clips").glob("*.mp3"))
    if not files:
        parser.error(f"no files given, and no clips in {args.shared / 'corpus' / 'clips'}")
    measured = Parallel(n_jobs=args.jobs)(delayed(both)(file) for file in files)
    tables = {
        "agreement": agreement(measured),
        "invariance": invariance(files[:: args.every], [ours for ours, _ in measured], args.jobs),
    }
    for name, table in tables.items():
        print(f"## {name.capitalize()}\n\n{table}\n")
    if args.write:
        text = DOCS.read_text(encoding="utf-8")
        for name, table in tables.items():
            between = re.compile(f"(<!-- {name} -->).*?(<!-- /{name} -->)", re.DOTALL)
            if not between.search(text):
                parser.error(f"{DOCS} has no place marked <!-- {name} --> ... <!-- /{name} -->")
            text = between.sub(lambda found, new=table: f"{found[1]}\n\n{new}\n\n{found[2]}", text)
        DOCS.write_text(text, encoding="utf-8")


# -- agreement ---------------------------------------------------------------------------------------------------------


def agreement(measured: list[tuple[dict[str, float], dict[str, float]]]) -> str:
    """The table of pairs, the line of tempi and the lines of keys."""
    lines = [
        "| ours | reference | n | agreement means | share within | Spearman rho | differs by design |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in compare(measured).itertuples():
        unit = DESCRIPTORS[str(row.ours)].unit
        means = {
            "absolute": f"±{row.tolerance:g}{'' if unit == '1' else ' ' + unit}",
            "relative": f"±{row.tolerance:.0%}",
            "rank": f"rho ≥ {row.tolerance:g}",
        }[str(row.how)]
        within = "" if np.isnan(row.within) else f"{row.within:.1%}"
        lines.append(f"| {row.ours} | {row.reference} | {row.n} | {means} | {within} | {row.rho:.3f} | {row.why} |")
    return "\n".join([*lines, "", *tempi(measured), "", *keys(measured)])


def relation(one: float, other: float) -> str:
    """How two tempi are related, each within 4 %."""
    for name, ratios in (("same", (1,)), ("octave", (2, 1 / 2)), ("3:2 or 4:3", (3 / 2, 2 / 3, 4 / 3, 3 / 4))):
        if any(abs(one / other / ratio - 1) <= 0.04 for ratio in ratios):
            return name
    return "other"


def tempi(measured: list[tuple[dict[str, float], dict[str, float]]]) -> list[str]:
    """Ours against theirs, and theirs against each other: more than they agree with each other nobody can ask of us."""
    essentia, librosa = "essentia.RhythmExtractor2013", "librosa.beat.beat_track"
    triples = np.array(
        [(o["rhythm.tempo.bpm"], t.get(essentia, np.nan), t.get(librosa, np.nan)) for o, t in measured]
    ).reshape(-1, 3)
    triples = triples[~np.isnan(triples).any(axis=1)]
    lines = ["| tempo | n | same | octave | 3:2 or 4:3 | other |", "|---|---|---|---|---|---|"]
    agreed = triples[[relation(e, b) == "same" for _, e, b in triples]]
    for name, table, one, other in (
        ("ours, Essentia", triples, 0, 1),
        ("ours, librosa", triples, 0, 2),
        ("Essentia, librosa", triples, 1, 2),
        ("ours, both of them where they agree", agreed, 0, 1),
    ):
        found = [relation(row[one], row[other]) for row in table]
        shares = (f"{found.count(what) / max(len(found), 1):.1%}" for what in ("same", "octave", "3:2 or 4:3", "other"))
        lines.append(f"| {name} | {len(found)} | {' | '.join(shares)} |")
    return lines


def keys(measured: list[tuple[dict[str, float], dict[str, float]]]) -> list[str]:
    """The same tonic and mode as Essentia's KeyExtractor."""
    parts = ("cos", "sin", "mode")
    rows = []
    for place, (ours, theirs) in enumerate(measured):
        if f"essentia.KeyExtractor.{parts[0]}" not in theirs or np.isnan(ours["tonality.key.cos"]):
            continue
        away = [abs(ours[f"tonality.key.{part}"] - theirs[f"essentia.KeyExtractor.{part}"]) for part in parts]
        strength = theirs["essentia.KeyExtractor.strength"]
        same_signature = max(away[:2]) < 0.1
        rows.append(
            (place % TUNED_ON_EVERY == 0, strength >= CONFIDENT, same_signature and away[2] < 0.5, same_signature)
        )
    table = pd.DataFrame(rows, columns=["tuned", "confident", "same", "signature"])
    lines = [
        "| key against Essentia's KeyExtractor | n | same key | same signature (relative key too) |",
        "|---|---|---|---|",
    ]
    for name, chosen in (
        (
            f"clips the key was not tuned on, Essentia confident (strength ≥ {CONFIDENT})",
            ~table.tuned & table.confident,
        ),
        ("clips the key was not tuned on, all", ~table.tuned),
        ("all clips, Essentia confident", table.confident),
        ("all clips", table.confident | True),
    ):
        part = table[chosen]
        lines.append(f"| {name} | {len(part)} | {part.same.mean():.1%} | {part.signature.mean():.1%} |")
    return lines


# -- invariance --------------------------------------------------------------------------------------------------------


def coded(codec: str, container: str, bit_rate: int) -> Callable[[Audio], Audio]:
    """Code a clip and decode it again."""

    def change(audio: Audio) -> Audio:
        file = io.BytesIO()
        with av.open(file, "w", format=container) as out:
            layout = ("mono", "stereo")[audio.channels - 1]
            stream = out.add_stream(codec, rate=RATE, layout=layout, bit_rate=bit_rate)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio.samples), format="fltp", layout=layout)
            frame.sample_rate = RATE
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                out.mux(packet)
        return decode(file.getvalue(), rate=RATE)

    return change


def stored(**options: str | float) -> Callable[[Audio], Audio]:
    """Store a clip by libsndfile and decode it again."""

    def change(audio: Audio) -> Audio:
        file = io.BytesIO()
        with soundfile.SoundFile(file, "w", RATE, audio.channels, **options) as out:
            for first in range(0, audio.samples.shape[1], RATE):  # its Vorbis encoder takes no more at once
                out.write(audio.samples[:, first : first + RATE].T)
        return decode(file.getvalue(), rate=RATE)

    return change


def of(audio: Audio, samples: np.ndarray) -> Audio:
    return Audio(np.ascontiguousarray(samples, np.float32), RATE, native_rate=audio.native_rate)


CHANGES: dict[str, Callable[[Audio], Audio]] = {
    "gain -12 dB": lambda audio: of(audio, audio.samples * 10 ** (-12 / 20)),
    "polarity": lambda audio: of(audio, -audio.samples),
    "channel swap": lambda audio: of(audio, audio.samples[::-1]),
    "WAV, 16 bits": stored(format="WAV", subtype="PCM_16"),
    "MP3 128": coded("libmp3lame", "mp3", 128_000),
    "M4A 128": coded("aac", "mp4", 128_000),
    "Ogg q5": stored(format="OGG", subtype="VORBIS", compression_level=0.5),
    "without the first second": lambda audio: of(audio, audio.samples[:, RATE:]),
}


def moved(file: Path) -> np.ndarray:
    """Values of the clip and after each change, shape (1 + changes, descriptors)."""
    audio = decode(file, rate=RATE)
    audio = of(
        audio, np.clip(audio.samples, -1, 1)
    )  # what overshoots would be cut off by some changes and not by others
    return np.stack([describe(one).values for one in [audio, *(change(audio) for change in CHANGES.values())]])


def invariance(files: list[Path], ours: list[dict[str, float]], jobs: int) -> str:
    """Per change and family, how far descriptors move, in units of their interquartile range over all clips."""
    everything = np.array([list(values.values()) for values in ours])
    spread = np.subtract(*np.nanpercentile(everything, [75, 25], axis=0))
    values = np.array(Parallel(n_jobs=jobs)(delayed(moved)(file) for file in files))
    names, families = list(DESCRIPTORS), np.array([d.family for d in DESCRIPTORS.values()])
    steady = spread > 0
    lines = [
        f"{len(files)} clips, each changed and described again; movement in units of the descriptor's spread "
        f"(interquartile range over {len(ours)} clips; {np.count_nonzero(~steady)} descriptors without spread left out).",
        "",
        "| change | family | moved by less than 1 % | median movement | those that move most (median over clips) |",
        "|---|---|---|---|---|",
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        movement = np.abs(values[:, 1:] - values[:, :1]) / np.where(steady, spread, np.nan)
    for number, change in enumerate(CHANGES):
        for family in FAMILIES:
            chosen = np.flatnonzero((families == family) & steady)
            part = movement[:, number][:, chosen]
            known = ~np.isnan(part).all(axis=0)
            of_descriptor = np.nanmedian(part[:, known], axis=0)
            order = np.argsort(-of_descriptor)[:3]
            most = ", ".join(
                f"{names[chosen[known][i]]} {of_descriptor[i]:.2g}" for i in order if of_descriptor[i] >= 0.01
            )
            counted = part[~np.isnan(part)]
            lines.append(
                f"| {change} | {family} | {np.mean(counted < 0.01):.1%} | {np.median(counted):.2g} | {most or 'none'} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
