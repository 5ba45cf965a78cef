"""How well ``chartropy.features.speech`` tells talk from music, and how much room its limits leave.

Needs a folder of recordings in which somebody only talks. The limits were set with 74: prompts of telephone exchanges, 16 kHz,
in five languages (ten half minutes each of the Debian packages asterisk-core-sounds-{en,es,fr,it,ru}-g722, joined by pauses
of .1 to .5 s), and two texts read by twelve voices of espeak-ng and flite.

    python benchmarks/speech.py FOLDER ../shared/corpus/clips.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from chartropy.audio.decode import find_audio
from chartropy.features.sketch import sketch_file
from chartropy.features.speech import LIMITS, Speech


def measured(file: Path) -> Speech:
    return sketch_file(file).speech


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("talk", type=Path, help="a folder of recordings of talk alone")
    parser.add_argument("manifest", type=Path, nargs="?", default=Path("../shared/corpus/clips.csv"))
    given = parser.parse_args()
    clips = pd.read_csv(given.manifest)
    kinds = {
        "talk": list(find_audio([given.talk])),
        "AI": [given.manifest.parent / path for path in clips["path"][clips["label"] == "ai"]],
        "human": [given.manifest.parent / path for path in clips["path"][clips["label"] == "human"]],
    }
    for kind, files in kinds.items():
        found = Parallel(n_jobs=-1)(delayed(measured)(file) for file in files)
        print(f"{kind}: {sum(speech.alone for speech in found)} of {len(found)} are speech alone")
        for name, values in zip(Speech._fields, np.array(found).T, strict=True):
            low, middle, high = np.percentile(values, [0, 50, 100])
            limit = getattr(LIMITS, name)
            print(f"  {name}: {low:.2f} to {high:.2f}, half below {middle:.2f}; limit {limit:.2f}")
        for file, speech in zip(files, found, strict=True):
            if speech.alone != (kind == "talk"):
                print(f"  {file.name}")


if __name__ == "__main__":
    main()
