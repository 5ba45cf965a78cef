"""How well ``vocals.presence`` orders clips, and the weights it is made with.

The corpus has no labels for singing, but some of its human sources hold songs (karaoke files, lyrics sets, song mixes)
and others instrumental music (games). Clips are weighed by nothing else; the area under the ROC curve is computed with
each source left out of the fit in turn.

    python benchmarks/vocals.py ../shared/corpus/clips.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from chartropy.features.describe import describe_file
from chartropy.features.vocals import EVIDENCE, WEIGHTS

SUNG = """ultrastar-cc ultrastar-credits jamendolyrics antarcticstudios-vocals wave-u-net-musdb p5-music-viz-vocals
    demucs-test spleeter-example""".split()
PLAYED = """antarcticstudios-inst blobwars-data drascula-music extremetuxracer-data frozen-bubble-data lincity-ng-data
    nexuiz-music shattered-pixel-dungeon singularity-music supertux-data ufoai-music flixel-demos opengameart-songs0""".split()


def evidence(file: Path) -> list[float]:
    values = describe_file(file).as_dict()
    return [values[f"vocals.{name}"] for name in EVIDENCE]


def fit(seen: np.ndarray, sung: np.ndarray) -> np.ndarray:
    """Bias and weights of a logistic regression in which both classes weigh the same."""
    middle, spread = seen.mean(axis=0), seen.std(axis=0)
    model = LogisticRegression(class_weight="balanced").fit((seen - middle) / spread, sung)
    weights = model.coef_[0] / spread
    return np.array([model.intercept_[0] - weights @ middle, *weights])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, nargs="?", default=Path("../shared/corpus/clips.csv"))
    manifest = parser.parse_args().manifest
    clips = pd.read_csv(manifest)
    clips = clips[(clips["label"] == "human") & clips["source"].isin([*SUNG, *PLAYED])]
    seen = np.array(Parallel(n_jobs=-1)(delayed(evidence)(manifest.parent / path) for path in clips["path"]))
    known = np.isfinite(seen).all(axis=1)
    seen, sources = seen[known], clips["source"].to_numpy()[known]
    sung = np.isin(sources, SUNG)
    scores = np.empty(len(seen))
    for source in np.unique(sources):
        left_out = sources == source
        scores[left_out] = seen[left_out] @ (weights := fit(seen[~left_out], sung[~left_out]))[1:] + weights[0]
    print(f"{len(seen)} clips, {sung.sum()} of sources of songs; {np.count_nonzero(~known)} without a value")
    print(f"AUC with each source left out of the fit: {roc_auc_score(sung, scores):.3f}")
    print(f"AUC of vocals.presence as it is shipped: {roc_auc_score(sung, seen @ WEIGHTS[1:] + WEIGHTS[0]):.3f}")
    for place, name in enumerate(EVIDENCE):
        print(f"AUC of vocals.{name} alone: {roc_auc_score(sung, seen[:, place]):.3f}")
    print("fitted on all:", " ".join(f"{weight:.1f}" for weight in fit(seen, sung)), "shipped:", *WEIGHTS)


if __name__ == "__main__":
    main()
