"""A loop of describing and making, for people: clips in; tables, a page and a summary out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..analysis.loop import CONTROLS, FEWEST_CHAINS, Library, Loop, Sound, run_loop
from ..analysis.makers import describer_named, maker_named
from ..audio.decode import decode
from ..features.describe import describe_file
from ..features.registry import DESCRIPTORS
from ..features.spectra import LONGEST, RATE
from ..workspace.errors import AudioError, SettingsError
from ..workspace.files import write_text
from .drawing import markup
from .figures import Line, over_rounds
from .files import existing_audio, write_table
from .weekly import Track, in_parallel, plainly
from .words import ENGLISH, Words

SHOWN = ("similarity_to_start", "diversity", "motifs", "attractor_strength")
"""Measures that the page draws."""

TABLES = ("measures", "rows", "attractors", "survival", "motifs")
"""Written as CSV beside the page."""

MOST_MOTIFS = 12
MOST_DESCRIPTORS = 15


@dataclass(frozen=True, eq=False)
class Loops:
    """A loop, what it is compared with, and what could not be used.

    Attributes
    ----------
    loops : tuple of Loop
        The loop itself first.
    starts, library : int
        Chains, and clips of the library.
    problems : tuple of str
        Clips that could not be used and chains that ended early, each with the reason.
    """

    loops: tuple[Loop, ...]
    starts: int
    library: int
    problems: tuple[str, ...]

    def table(self, name: str) -> pd.DataFrame:
        """Return one of `TABLES` for all loops, the first column saying which.

        Raises
        ------
        ValueError
            There is no such table.
        """
        if name not in TABLES:
            raise ValueError(f"there is no table {name!r}: choose one of {', '.join(TABLES)}")
        parts = []
        for loop in self.loops:
            part = loop.table() if name == "measures" else getattr(loop, name)
            parts.append(part if name == "measures" else part.assign(loop=loop.name))
        joined = pd.concat(parts, ignore_index=True)
        return joined[["loop", *joined.columns.drop("loop")]]


def run_loops(
    clips: Sequence[Path],
    library: Path,
    describer: str,
    maker: str,
    *,
    rounds: int = 20,
    starts: int = 60,
    seed: int = 0,
    fresh: float = 0.0,
    fresh_from: Path | None = None,
    controls: Sequence[str] = ("redraw",),
    seconds: float = 20.0,
    jobs: int = 1,
    track: Track = plainly,
) -> Loops:
    """Run a loop on clips, and what it is compared with.

    Parameters
    ----------
    clips : sequence of Path
        Audio files, or folders to search through: the chains' starts are drawn from these.
    library : Path
        A folder of clips, or a CSV that ``chartropy describe`` wrote of them: then only what is decoded is read. Clips that
        chains start from are left out of it.
    describer, maker : str
        As `chartropy.analysis.makers` names them.
    rounds, seed, fresh
        As `chartropy.analysis.loop.run_loop`. With `fresh`, the loop is run without and with fresh input.
    starts : int
        So many chains, at most; 3 or more.
    fresh_from : Path, optional
        As `library`: where fresh clips come from; default: the library.
    controls : sequence of str
        Some of `chartropy.analysis.loop.CONTROLS`.
    seconds : float
        Length of what the synthesizer makes.
    jobs : int
        Files described at once; -1: one per core.
    track : callable
        Shows progress.

    Returns
    -------
    Loops

    Raises
    ------
    SettingsError
        Something named cannot be used, describer and maker do not fit, or fewer than three clips are left to start from.
    """
    if unknown := [one for one in controls if one not in CONTROLS]:
        raise SettingsError(f"--control {unknown[0]}: choose among {', '.join(CONTROLS)}, or all.")
    problems: list[str] = []
    known = _read(library, problems, jobs, track)
    begun, taken = _starts(clips, known, starts, seed, problems)
    try:
        shelf = Library(sound for path, sound in known.items() if path not in taken)
        pool = None
        if fresh_from is not None and fresh:
            pool = [sound for path, sound in _read(fresh_from, problems, jobs, track).items() if path not in taken]
        hears = describer_named(describer, shelf)
        makes = maker_named(maker, hears, shelf, seconds=seconds)
        run = partial(run_loop, begun, hears, makes, shelf, rounds=rounds, seed=seed, track=track)
        loops = [run()]
        if fresh:
            loops.append(run(fresh=fresh, fresh_from=pool))
        loops += [run(control=control) for control in dict.fromkeys(controls)]
    except ValueError as error:
        raise SettingsError(f"{error}.") from error
    problems += [f"{loop.name}: {problem}" for loop in loops for problem in loop.problems]
    return Loops(tuple(loops), len(begun), len(shelf.sounds), tuple(dict.fromkeys(problems)))


def _read(source: Path, problems: list[str], jobs: int, track: Track) -> dict[Path, Sound]:
    """Clips of a folder or of a table of descriptors, by where they are."""
    if source.suffix.lower() == ".csv":
        return _of_table(source)
    files = existing_audio([source])
    found: dict[Path, Sound] = {}
    described = track(in_parallel(_described, [(file,) for file in files], len(files), jobs), "library", len(files))
    for file, row, problem in sorted(described, key=lambda one: one[0]):
        if problem:
            problems.append(problem)
        else:
            found[file.resolve()] = _sound(file, row)
    return found


def _described(file: Path) -> tuple[Path, np.ndarray | None, str]:
    try:
        values = describe_file(file).values
    except AudioError as error:
        return file, None, str(error)
    if not np.isfinite(values).any():
        return file, None, f"{file}: nothing can be measured of it, it is silent."
    return file, values, ""


def _of_table(source: Path) -> dict[Path, Sound]:
    try:
        table = pd.read_csv(source)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{source} cannot be read as CSV: {error}") from error
    missing = [name for name in ("path", *DESCRIPTORS) if name not in table.columns]
    if missing:
        raise SettingsError(f"{source} has no column {missing[0]}: it must be a CSV that chartropy describe wrote.")
    rows = table[list(DESCRIPTORS)].to_numpy(dtype=float)
    found: dict[Path, Sound] = {}
    for name, row in zip(table["path"].astype(str), rows, strict=True):
        if np.isfinite(row).any():  # the others could not be described, as the table says
            # as it was written, from where one stands; else from where the table lies
            file = Path(name) if Path(name).exists() else source.parent / name
            found[file.resolve()] = _sound(file, row)
    return found


def _sound(file: Path, row: np.ndarray | None = None) -> Sound:
    return Sound(partial(_decoded, file), file.name, row)


def _decoded(file: Path):
    if not file.exists():
        raise AudioError(f"{file}: there is no such file.")
    return decode(file, rate=RATE, max_seconds=LONGEST)


def _starts(
    clips: Iterable[Path], known: dict[Path, Sound], count: int, seed: int, problems: list[str]
) -> tuple[list[Sound], set[Path]]:
    """Draw clips to start from, passing over those that cannot be described."""
    if count < FEWEST_CHAINS:
        raise SettingsError(f"--starts {count}: {FEWEST_CHAINS} chains or more are needed for an interval.")
    files = existing_audio(list(clips))
    order = np.random.default_rng([seed, 5]).permutation(len(files))
    begun: list[Sound] = []
    taken: set[Path] = set()
    for place in order:
        file = files[place]
        where = file.resolve()
        if where in taken:
            continue
        sound = known.get(where)
        if sound is None:
            _, row, problem = _described(file)
            if problem:
                problems.append(problem)
                continue
            sound = _sound(file, row)
        begun.append(sound)
        taken.add(where)
        if len(begun) == count:
            break
    if len(begun) < FEWEST_CHAINS:
        raise SettingsError(f"Of {len(files)} clips {len(begun)} can be used: {FEWEST_CHAINS} or more are needed.")
    return begun, taken


def write_loops(found: Loops, out: Path, words: Words = ENGLISH) -> Path:
    """Write the tables and the page into a folder; return the page."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--out {out} cannot be made ({error.strerror}): choose another.") from error
    for name in TABLES:
        write_table(found.table(name), out / f"{name}.csv", "csv")
    page = out / "index.html"
    write_text(page, _page(found, words))
    return page


def _page(found: Loops, words: Words) -> str:
    first = found.loops[0]
    figures = []
    for measure in SHOWN:
        lines = [
            Line(
                words.say("loop_name", loop.name),
                [(n, *_numbers(of_round[measure])) for n, of_round in enumerate(loop.measures) if measure in of_round],
                style,
            )
            for style, loop in enumerate(found.loops)
        ]
        null = first.nulls[-1].get(measure)
        figures.append(
            markup(
                over_rounds(
                    lines,
                    name=f"loop-{measure.replace('_', '-')}",
                    title=words.say("loop_measure", measure),
                    unit=words.say("loop_measure", measure),
                    rounds_title=words.say("loop_rounds"),
                    tick=words.plain_tick,
                    null=(words.say("loop_null", measure), null[0]) if null else None,
                )
            )
        )
    last = first.measures[-1]
    families = first.survival[first.survival["kind"] == "family"]
    descriptors = first.survival[first.survival["kind"] == "descriptor"]
    components = first.attractors[first.attractors["round"] == first.attractors["round"].max()]
    return words.environment.get_template("loop.html").render(
        found=found,
        first=first,
        rounds=len(first.measures) - 1,
        last=last,
        nulls=first.nulls[-1],
        figures=figures,
        ends=[(loop, loop.measures[0], loop.measures[-1], loop.nulls[-1]) for loop in found.loops],
        families=families.to_dict("records"),
        descriptors=descriptors.head(MOST_DESCRIPTORS).to_dict("records"),
        components=components.to_dict("records"),
        motifs=first.motifs.head(MOST_MOTIFS).to_dict("records"),
        all_motifs=len(first.motifs),
        tables=[f"{name}.csv" for name in TABLES],
    )


def _numbers(estimate: Any) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def summary(found: Loops) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of a summary on one screen: what is left after the last round, a row for each loop."""
    columns = [
        "after the last round",
        "like its start",
        "distinct sounds",
        "motifs",
        "p",
        "attractor",
        "forgotten first",
    ]
    rows = []
    for loop in found.loops:
        last = loop.measures[-1]
        families = loop.survival[loop.survival["kind"] == "family"]
        half = families[np.isfinite(families["memory_half_life"])]
        forgotten = f"{half['name'].iloc[0]}, round {half['memory_half_life'].iloc[0]:.1f}" if len(half) else "nothing"
        p = loop.nulls[-1].get("motifs", (np.nan,) * 4)[3]
        said = [_said(last[name], digits) for name, digits in zip(SHOWN, (2, 1, 1, 2), strict=True)]
        rows.append([loop.name, *said[:3], f"{p:.3f}" if np.isfinite(p) else "-", said[3], forgotten])
    return columns, rows


def _said(estimate: Any, digits: int) -> str:
    if not np.isfinite(estimate.value):
        return "-"
    if not np.isfinite(estimate.low):
        return f"{estimate.value:.{digits}f}"
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
