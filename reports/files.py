"""Tables written to files, and audio files described or judged without a workspace."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ..audio.decode import decode, find_audio
from ..workspace.errors import AudioError, SettingsError
from ..workspace.files import whole_file
from .weekly import Track, describe_or_say_why, in_parallel, plainly

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.detector import Verdict

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


def describe_files(paths: list[Path], *, jobs: int = -1, track: Track = plainly) -> pd.DataFrame:
    """Describe audio files.

    Parameters
    ----------
    paths : list of Path
        Files, or folders that are searched through.
    jobs : int
        Files at once; -1: one per core.
    track : callable
        Shows progress.

    Returns
    -------
    pandas.DataFrame
        One row per file, in the order found: ``path, audio_hash, extractor_version, seconds, rate, codec, problem,
        missing``, then a column per descriptor. A file that cannot be used has its reason in `problem` and no numbers;
        `missing` says why single numbers are not there.
    """
    import pandas as pd

    from ..features.registry import DESCRIPTORS

    rows = {}
    files = _existing(paths)
    work = [(str(file), file) for file in files]
    for path, outcome in track(in_parallel(describe_or_say_why, work, jobs), "files", len(files)):
        if isinstance(outcome, str):
            rows[path] = {"path": path, "problem": outcome}
            continue
        rows[path] = {
            "path": path,
            "audio_hash": outcome.sha256,
            "extractor_version": outcome.extractor_version,
            "seconds": round(outcome.seconds, 3),
            "rate": outcome.rate,
            "codec": outcome.codec,
            "problem": "",
            "missing": _why_missing(outcome.reasons),
        } | outcome.as_dict()
    head = ["path", "audio_hash", "extractor_version", "seconds", "rate", "codec", "problem", "missing"]
    return pd.DataFrame([rows[str(file)] for file in files], columns=[*head, *DESCRIPTORS])


def _why_missing(reasons: dict[str, str]) -> str:
    """Return each reason once, and how many descriptors lack a number for it."""
    return "; ".join(f"{reason} ({count} descriptors)" for reason, count in Counter(reasons.values()).most_common())


def detect_file(path: Path | str) -> Verdict:
    """Judge one audio file.

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
    from ..features.sketch import sketch

    return Detector.load().judge(sketch(decode(path)))


def detect_files(paths: list[Path], *, jobs: int = -1, track: Track = plainly) -> pd.DataFrame:
    """Judge audio files.

    Parameters
    ----------
    paths : list of Path
        Files, or folders that are searched through.
    jobs : int
        Files at once; -1: one per core.
    track : callable
        Shows progress.

    Returns
    -------
    pandas.DataFrame
        ``path, probability, verdict, reason, model_version``, a row per file in the order found. A file that cannot be
        used is ``unmeasured``, with the reason.
    """
    import pandas as pd

    from ..analysis.detector import Detector

    version = Detector.load().model_version
    found = {}
    files = _existing(paths)
    work = [(str(file), file) for file in files]
    for path, outcome in track(in_parallel(_judge_or_say_why, work, jobs), "files", len(files)):
        if isinstance(outcome, str):
            found[path] = (path, None, "unmeasured", outcome, version)
        else:
            found[path] = (path, outcome.probability, outcome.verdict, outcome.reason, version)
    rows = [found[str(file)] for file in files]
    table = pd.DataFrame(rows, columns=["path", "probability", "verdict", "reason", "model_version"])
    return table.astype({"probability": float})


def _judge_or_say_why(path: str, file: Path) -> tuple[str, Verdict | str]:
    try:
        return path, detect_file(file)
    except AudioError as error:
        return path, str(error)


def _existing(paths: list[Path]) -> list[Path]:
    for path in paths:
        if not path.exists():
            raise SettingsError(f"{path}: there is no such file or folder.")
    files = list(dict.fromkeys(find_audio(paths)))
    if not files:
        raise SettingsError(f"No audio files in {', '.join(map(str, paths))}.")
    return files
