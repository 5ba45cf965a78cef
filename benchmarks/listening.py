"""What listening tests are worth, before anybody is asked.

python benchmarks/listening.py [TESTS]
    Coverage of the intervals, and how sharp tests of several sizes are: simulated listeners of known d′.
python benchmarks/listening.py MANIFEST.csv [TESTS]
    Whether anything but the music tells on which side a clip is: tests are made of clips of the manifest, their pages are
    taken apart, and the area under the ROC of each measure is told, before and after clips were made alike.
"""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy.special import ndtr
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from chartropy.analysis.listening import by_group, sensitivity, simulate
from chartropy.audio.decode import decode
from chartropy.features.describe import describe
from chartropy.reports.listening import DULLER_HZ, make_test, read_key, read_sources

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


def _area(part: np.ndarray) -> float:
    """Of AI against human by a number: columns are these."""
    ai, rank = part[:, 0] == 1, rankdata(part[:, 1])
    return (rank[ai].mean() - (ai.sum() + 1) / 2) / (~ai).sum()


def tells(manifest: Path, tests: int, clips: int = 80) -> pd.DataFrame:
    sources = read_sources([manifest])
    rows = []
    for seed in range(tests):
        rng = np.random.default_rng(seed)
        some = [
            source
            for label in ("ai", "human")
            for source in rng.permutation(np.array([one for one in sources if one.label == label], object))[
                : clips // 2
            ]
        ]
        with TemporaryDirectory() as folder:
            made = make_test(some, Path(folder) / "test.html", repeats=0, salt=str(seed))
            print("\n".join(made.notes), flush=True)
            sounds = dict(re.findall(r'id="sound-(\w+)">([^<]*)<', made.page.read_text("utf-8")))
            key = read_key(made.key)
        for place, of in key.iterrows():
            bytes_of = base64.b64decode(sounds[of["sound"]])
            clip = decode(bytes_of)
            found = describe(clip).as_dict()
            ceiling = float(of["ceiling_hz"])
            power = np.square(np.abs(np.fft.rfft(clip.samples[0].astype(float))))
            above = power[np.fft.rfftfreq(clip.samples.shape[1], 1 / clip.rate) > ceiling + 200].sum() / power.sum()
            side = (clip.samples[0] - clip.samples[-1]).any()
            level = np.square(clip.samples).mean(axis=0)
            level = level[: len(level) // 2205 * 2205].reshape(-1, 2205).mean(axis=1)
            sounding = np.flatnonzero(level > level.max() * 1e-6)
            rows.append(
                {
                    "ai": of["label"] == "ai",
                    "bandwidth before, Hz": float(of["bandwidth_hz"]),
                    "bandwidth up to the ceiling, Hz": min(found["production.bandwidth"], ceiling),
                    "ends at the ceiling": float(of["bandwidth_hz"]) >= ceiling - DULLER_HZ,
                    "power above the ceiling, dB": 10 * np.log10(above),
                    "width before, dB": float(of["width_db"]),
                    "width, dB": found["stereo.width"] if side else -60.0,
                    "loudness, LUFS": found["dynamics.loudness.integrated"],
                    "silence at its beginning, s": sounding[0] / 20,
                    "silence at its end, s": (len(level) - 1 - sounding[-1]) / 20,
                    "length, samples": clip.samples.shape[1],
                    "size, bytes": len(bytes_of),
                    "place among the items": place,
                    "place among the sounds": list(sounds).index(of["sound"]),
                    "test": seed,
                }
            )
    table = pd.DataFrame(rows)
    alike = table["ends at the ceiling"]
    table["... of clips that end at the ceiling, Hz"] = table["bandwidth up to the ceiling, Hz"].where(alike)
    table["ends at the ceiling"] = alike.astype(float)
    rng, told = np.random.default_rng(0), []
    for name in table.columns.drop(["ai", "test"]):
        parts = [one[["ai", name]].dropna().to_numpy(float) for _, one in table.groupby("test")]
        value = np.mean([_area(part) for part in parts])  # within a test, where a listener compares
        drawn = [np.mean([_area(part[rng.integers(len(part), size=len(part))]) for part in parts]) for _ in range(1000)]
        spread = max(np.ptp(part[:, 1]) for part in parts)
        told.append(
            [name, table[name].median(), spread, value, *np.quantile(drawn, [0.025, 0.975]), table[name].count()]
        )
    return pd.DataFrame(told, columns=["what", "median", "largest range in a test", "AUC", "low", "high", "n"])


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].endswith(".csv"):
        print(tells(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5).round(3).to_string(index=False))
        raise SystemExit
    tests = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print(f"Coverage of 95% intervals, {tests} simulated tests a row")
    print(coverage(tests).round(3).to_string(index=False), flush=True)
    print(f"\nShare of {tests} simulated tests whose interval leaves out 0; width: half the interval's, at d′ .5")
    print(power(tests).round(3).to_string(index=False))
