"""Would the descriptors of the music help the detector?

Every clip's descriptors, with whole generators and sources held out, against what the detector hears, and both together:
untouched, and after the pitch was shifted by two semitones, where it hears least. The descriptors are of the untouched clip
throughout, which favours them.

    python benchmarks/musical.py ../shared/corpus/clips.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from chartropy.analysis.detector import refusal
from chartropy.analysis.lattice import FRAME_RATES_HZ, read
from chartropy.analysis.train import fold_of, read_manifest, scores_of, strengths_of
from chartropy.audio.decode import decode
from chartropy.audio.disturb import DISTURBANCES
from chartropy.features.describe import describe
from chartropy.features.lines import find
from chartropy.features.spectra import LONGEST, RATE, Sound

CONDITIONS = ("as it is", "+2 semitones", "-2 semitones")
MUSICAL = ("timbre", "rhythm", "tonality", "dynamics", "structure", "vocals")
WEIGHTS = (0.0, 0.05, 0.1, 0.2)  # of the descriptors' log-odds, added to the detector's score


def heard(file: Path) -> tuple[dict[str, float], np.ndarray] | None:
    """Descriptors, and the detector's score in every condition, of frame rates known beforehand."""
    audio = decode(file, rate=RATE, max_seconds=LONGEST)
    described = describe(audio, sketch=True)
    if described.sketch is None or refusal(described.sketch):
        return None
    lines = [described.sketch.lines, *(find(Sound.of(DISTURBANCES[name](audio))) for name in CONDITIONS[1:])]
    usable = np.ones(len(FRAME_RATES_HZ), bool)
    return described.as_dict(), np.array([scores_of(strengths_of(read(each)), usable) for each in lines if each])


def log_odds(values: np.ndarray, ai: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Log-odds of every clip by a model that knows none of its group."""
    found = np.zeros(len(ai))
    for held in range(fold.max() + 1):
        model = make_pipeline(
            QuantileTransformer(n_quantiles=100, output_distribution="normal", random_state=0),
            LogisticRegression(C=0.01, class_weight="balanced", max_iter=3000),
        )
        found[fold == held] = model.fit(values[fold != held], ai[fold != held]).decision_function(values[fold == held])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, nargs="?", default=Path("../shared/corpus/clips.csv"))
    parser.add_argument("--without", default="jamendo-musecontrollite", help="a source that is left out")
    given = parser.parse_args()
    clips = [clip for clip in read_manifest(given.manifest) if clip.group != given.without]
    found = Parallel(n_jobs=-1)(delayed(heard)(clip.path) for clip in clips)
    kept = [(clip, *each) for clip, each in zip(clips, found, strict=True) if each is not None]
    ai, groups = np.array([clip.ai for clip, _, _ in kept]), np.array([clip.group for clip, _, _ in kept])
    fold = fold_of(ai, groups)
    scores = np.array([each for _, _, each in kept])
    print(f"{ai.sum()} AI, {(~ai).sum()} human")
    for title, families in (("musical descriptors", MUSICAL), ("all descriptors", None)):
        names = [name for name in kept[0][1] if families is None or name.split(".")[0] in families]
        values = np.array([[described.get(name, np.nan) for name in names] for _, described, _ in kept], float)
        values = np.where(np.isfinite(values), values, np.nan_to_num(np.nanmedian(values, axis=0)))
        odds = log_odds(values, ai, fold)
        first = np.sort(odds[~ai])[::-1][int(0.01 * (~ai).sum())]
        print(
            f"{title} ({len(names)}) alone: AUC {roc_auc_score(ai, odds):.3f}, recall at 1 % {(odds[ai] > first).mean():.2f}"
        )
        for weight in WEIGHTS:
            both = scores + weight * odds[:, None]
            limit = np.sort(both[~ai, 0])[::-1][int(0.02 * (~ai).sum())]
            told = (
                f"{name}: recall {(column[ai] > limit).mean():.3f}, false positives {(column[~ai] > limit).sum()}"
                for name, column in zip(CONDITIONS, both.T, strict=True)
            )
            print(f"  added with weight {weight}: " + "; ".join(told))


if __name__ == "__main__":
    main()
