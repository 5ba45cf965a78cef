"""Tables written to files, and audio files judged without a workspace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..audio.decode import find_audio
from ..workspace.errors import SettingsError
from ..workspace.files import whole_file
from .places import is_url
from .weekly import Track, in_parallel, plainly

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.detector import Detector, Verdict
    from .explain import Explained

FORMATS = ("csv", "parquet")


def format_of(out: Path | None, asked: str | None = None) -> str:
    """Return ``csv`` or ``parquet``: as asked, else by the file's suffix, else CSV.

    Raises
    ------
    SettingsError
        For another format or suffix, or Parquet without a file to write to.
    """
    suffix = out.suffix.lower().lstrip(".") if out else ""
    found = asked or suffix or "csv"
    if found not in FORMATS:
        where = f"--format {asked}" if asked else f"--out {out}"
        raise SettingsError(f"{where}: write .csv or .parquet.")
    if found == "parquet" and out is None:
        raise SettingsError("Parquet is not for a terminal: name a file with --out FILE.parquet.")
    return found


def write_table(table: pd.DataFrame, out: Path | None, form: str) -> None:
    """Write a table whole or not at all; to standard output when `out` is None.

    Raises
    ------
    DiskFull, WorkspaceReadOnly
        When it cannot be written; a file that was there stays as it was.
    """
    if out is None:
        table.to_csv(sys.stdout, index=False, lineterminator="\n")
        return
    with whole_file(out) as part:
        if form == "parquet":
            table.to_parquet(part, index=False)
        else:
            table.to_csv(part, index=False, lineterminator="\n", encoding="utf-8")


def detect_file(path: Path | str) -> Verdict:
    """Judge one audio file by its sound.

    Parameters
    ----------
    path : path

    Returns
    -------
    Verdict
        ``ai``, ``human``, ``undecided`` or ``unmeasured``, with the probability of AI and the reason.

    Raises
    ------
    AudioError
        When it cannot be decoded.
    """
    from ..analysis.detector import Detector
    from ..features.sketch import sketch_file

    return Detector.load().judge(sketch_file(path))


def detect_files(
    paths: list[Path], *, model: Path | None = None, jobs: int = -1, explain: Path | None = None, track: Track = plainly
) -> pd.DataFrame:
    """Judge audio files by their sound and by what they say of themselves.

    Parameters
    ----------
    paths : list of Path
        Files, or folders that are searched through.
    model : Path, optional
        A detector's ``.npz``; default: the one that ships with Chartropy.
    jobs : int
        Files at once; -1: one per core.
    explain : Path, optional
        A page to write, with what is behind each verdict.
    track : callable
        Shows progress.

    Returns
    -------
    pandas.DataFrame
        ``path, probability, verdict, reason, fused, fused_reason, claims, model_version``, a row per file in the order
        found. `verdict` is of the sound alone; `fused` also weighs `claims`, what tags and C2PA manifests say. A file that
        cannot be used is ``unmeasured``, with the reason.
    """
    from functools import partial

    import pandas as pd

    from ..analysis.detector import Detector
    from .explain import write_explanation

    detector = Detector.load(model)
    files = existing_audio(paths)
    work = [(str(file), file) for file in files]
    found = dict(track(in_parallel(partial(_explained, detector=detector), work, jobs), "files", len(files)))
    every = [found[str(file)] for file in files]
    if explain:
        write_explanation(every, detector, explain)
    rows = [
        {
            "path": str(one.path),
            "probability": one.sound.probability,
            "verdict": one.sound.verdict,
            "reason": one.sound.reason,
            "fused": one.fused.verdict,
            "fused_reason": one.fused.reason,
            "claims": "; ".join(f"{part.source}: {part.ground}" for part in one.fused.parts if part.kind != "sound"),
            "model_version": one.sound.model_version,
        }
        for one in every
    ]
    return pd.DataFrame(rows).astype({"probability": float})


def _explained(path: str, file: Path, *, detector: Detector) -> tuple[str, Explained]:
    from .explain import explain_file

    return path, explain_file(file, detector)


def existing_audio(paths: list[Path]) -> list[Path]:
    """Return the audio files among `paths`, folders searched through, each once.

    Raises
    ------
    SettingsError
        A path that is not there, or no audio file in any.
    """
    for path in paths:
        if is_url(str(path).replace(":/", "://", 1)):  # a path has one slash where the URL had two
            raise SettingsError(f"{path}: a URL; only files on this machine are read here: download it first.")
        if not path.exists():
            raise SettingsError(f"{path}: there is no such file or folder.")
    files = list(dict.fromkeys(find_audio(paths)))
    if not files:
        raise SettingsError(f"No audio files in {', '.join(map(str, paths))}.")
    return files
