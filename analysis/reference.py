"""The scales of the descriptors, fixed once on human recordings: ``python -m chartropy.analysis.reference MANIFEST``.

The manifest is a CSV with `path` (relative to it), `label` and `source`. Only ``human`` rows count: the space is that of the music
that charts are compared with, and AI must not define what is usual.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..features.describe import describe_file
from ..features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from .diversity import estimate_order2
from .measures import SPACE_FILE
from .space import fit_space, kernel

LEFT_OUT = frozenset(
    {
        *(
            "dynamics.peak",
            "dynamics.true_peak",
            "production.dc_offset",
            "production.full_scale",
            "production.flat_tops",
        ),
        *("production.bandwidth", "production.cutoff_drop"),
        *(name for name in DESCRIPTORS if name.startswith("spectrum.fine.") or ".key_krumhansl." in name),
    }
)
"""Says how a file was mastered down to, coded or decoded, not how it sounds; or says the key a second time."""


def make_space(manifest: Path, out: Path = SPACE_FILE) -> int:
    """Describe the human recordings of a manifest, write their medians and scales, return how many there were."""
    import pandas as pd
    from joblib import Parallel, delayed

    table = pd.read_csv(manifest)
    human = table[table["label"] == "human"]
    files = [manifest.parent / path for path in human["path"]]
    rows = pd.DataFrame(one.as_dict() for one in Parallel(n_jobs=-1)(delayed(describe_file)(file) for file in files))
    space = fit_space(rows.drop(columns=list(LEFT_OUT & set(rows.columns))))
    entropy = estimate_order2(kernel(space.distances(rows)), human["source"].to_numpy())
    card = {
        "about": "Median and robust standard deviation of each descriptor over human recordings.",
        "recordings": len(rows),
        "extractor_version": EXTRACTOR_VERSION,
        "cultural_entropy": {
            "value": entropy.value,
            "low": entropy.low,
            "high": entropy.high,
            "method": entropy.method,
        },
        "space": space.to_dict(),
    }
    out.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return len(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--out", type=Path, default=SPACE_FILE)
    arguments = parser.parse_args()
    sys.stdout.write(f"{make_space(arguments.manifest, arguments.out)} recordings\n")
