"""A loop of describing and making, for people: clips in; tables, a page and a summary out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..analysis.loop import (
    CONTROLS,
    FEWEST_CHAINS,
    FEWEST_CLIPS,
    FEWEST_FOR_INTERVAL,
    FIRST,
    MORE_THAN_CHAINS,
    Library,
    Loop,
    Sound,
    chains_to_rank,
    columns_of,
    holm,
    run_loop,
)
from ..analysis.makers import check_pair, describer_named, maker_named
from ..analysis.measures import load_space
from ..analysis.space import SAME
from ..audio.decode import decode
from ..features.describe import describe_file
from ..features.registry import DESCRIPTORS
from ..features.spectra import LONGEST, RATE
from ..workspace.errors import AudioError, SettingsError
from ..workspace.files import write_text
from .drawing import markup
from .figures import Line, key, over_rounds
from .files import existing_audio, read_listed, write_table
from .weekly import Track, in_parallel, plainly
from .words import ENGLISH, Words

SHOWN = ("similarity_to_start", "diversity", "motifs", "attractor_strength")
"""Measures that the page draws."""

STYLES = {"redraw": 1, "shuffled": 3, "identity": 4, "codec": 5}
"""Of a control's line: what lies near another's has a colour far from it. The loop itself has 0, with fresh clips 2."""

TABLES = ("measures", "rows", "attractors", "survival", "motifs")
"""Written as CSV beside the page."""

TESTED = ("similarity_to_start", "motifs")
"""Measures with a null hypothesis."""

STARTS = 60
"""Chains, where nothing else is said and there are clips enough."""

MOST_MOTIFS = 12
MOST_FAMILIES = 3
"""That the summary names."""


@dataclass(frozen=True, eq=False)
class Loops:
    """A loop, what it is compared with, and what could not be used.

    Attributes
    ----------
    loops : tuple of Loop
        The loop itself first.
    starts, library : int
        Chains, and clips of the library.
    left_out : int
        Clips that were left out of the library because chains begin with them.
    fresh_from : str
        Name of the folder or table that fresh clips come from; "" where it is the library, or none are fresh.
    fresh_clips : int
        How many it holds.
    problems : tuple of str
        Clips that could not be used and chains that ended early, each with the reason.
    """

    loops: tuple[Loop, ...]
    starts: int
    library: int
    problems: tuple[str, ...]
    left_out: int = 0
    fresh_from: str = ""
    fresh_clips: int = 0

    def __repr__(self) -> str:  # in a notebook; the tables are long
        names = ", ".join(loop.name for loop in self.loops)
        return f"<Loops: {names}; {self.starts} chains, library of {self.library} clips>"

    @property
    def left(self) -> int:
        """Chains that went on to the end: of the loop that has the fewest."""
        return min(loop.measures[-1]["similarity_to_start"].n for loop in self.loops)

    @property
    def tested(self) -> list[dict[str, float]]:
        """Of each loop p after the last round for the measures that have a null hypothesis, adjusted as in :meth:`table`."""
        adjusted = self.table("measures").set_index(["loop", "round", "measure"])["p_holm"]
        return [
            {name: float(adjusted.get((loop.name, len(loop.measures) - 1, name), np.nan)) for name in TESTED}
            for loop in self.loops
        ]

    def table(self, name: str) -> pd.DataFrame:
        """Return one of `TABLES` for all loops, the first column saying which.

        The measures have a column more, ``p_holm``: the last round's p, adjusted by `chartropy.analysis.loop.holm` over both
        tests of all loops. In survival, rounds that lie beyond the last are empty, and two columns, ``alike`` and
        ``forgotten``, say "yes", "not within the rounds" or "not measured".

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
        if name == "measures":
            last = joined["round"] == joined["round"].max()
            joined["p_holm"] = holm(joined["p"].where(last).to_numpy())
        if name == "survival":
            for word in ("alike", "forgotten"):
                since = joined[f"{word}_from"]
                told = np.select([since.isna(), np.isinf(since)], ["not measured", "not within the rounds"], "yes")
                joined.insert(joined.columns.get_loc(f"{word}_from"), word, told)
            joined = joined.replace(np.inf, np.nan)
        return joined[["loop", *joined.columns.drop("loop")]]


def run_loops(
    clips: Path | str | Sequence[Path | str],
    library: Path | str,
    describer: str = "tags",
    maker: str = "nearest",
    *,
    rounds: int = 20,
    starts: int | None = None,
    seed: int = 0,
    fresh: float = 0.0,
    fresh_from: Path | str | None = None,
    controls: str | Sequence[str] = ("redraw",),
    seconds: float = 20.0,
    jobs: int = -1,
    track: Track = plainly,
) -> Loops:
    """Run a loop on clips, and what it is compared with.

    Parameters
    ----------
    clips : Path or str, or sequence of them
        Audio files, or folders to search through: the chains' starts are drawn from these.
    library : Path or str
        A folder of clips, or a CSV that ``chartropy describe`` wrote of them: then only what is decoded is read. Clips that
        chains start from are left out of it, also those that lie elsewhere but sound the same.
    describer, maker : str
        As `chartropy.analysis.makers` names them.
    rounds, seed, fresh
        As `chartropy.analysis.loop.run_loop`. With `fresh`, the loop is run without and with fresh input.
    starts : int, optional
        So many chains, at most; 3 or more. Default: 60, or fewer, so that half of the library is left.
    fresh_from : Path or str, optional
        As `library`: where fresh clips come from; default: the library.
    controls : str, or sequence of str
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
        Something named cannot be used, describer and maker do not fit, or too few clips are left to start from or in the
        library.
    """
    controls = [controls] if isinstance(controls, str) else controls
    if unknown := [one for one in controls if one not in CONTROLS]:
        raise SettingsError(f"--control {unknown[0]}: choose among {', '.join(CONTROLS)}, or all.")
    if fresh_from is not None and not fresh:
        raise SettingsError(f"--fresh-from {fresh_from} needs a share of chains that are fed from it: add --fresh 0.2.")
    try:
        check_pair(describer, maker)  # before hours are spent on a large library
    except ValueError as error:
        raise SettingsError(f"{error}.") from error
    if starts is not None and starts < FEWEST_CHAINS:
        raise SettingsError(f"--starts {starts}: {FEWEST_CHAINS} chains or more are needed.")
    files = existing_audio(clips)
    library = Path(library)
    fresh_from = None if fresh_from is None else Path(fresh_from)
    problems: list[str] = []
    known = _read(library, problems, jobs, track)
    begun = _starts(files, known, STARTS if starts is None else starts, seed, problems)
    left = _others(known, begun)
    while starts is None and len(begun) > FEWEST_CHAINS and len(left) < max(FEWEST_CLIPS, len(known) // 2):
        begun.popitem()
        left = _others(known, begun)
    if len(left) < FEWEST_CLIPS:
        raise SettingsError(_too_small(library, len(known), len(left)))
    pool = None
    if fresh_from is not None:
        pool = _others(_read(fresh_from, problems, jobs, track), begun)
        if not pool:
            raise SettingsError(
                f"--fresh-from {fresh_from}: no clip is left of it that no chain starts from; name others."
            )
    try:
        shelf = Library(left)
        hears = describer_named(describer, shelf)
        makes = maker_named(maker, hears, shelf, seconds=seconds)
        problems += getattr(makes, "problems", [])
        kinds: list[dict[str, Any]] = [{}, *([{"fresh": fresh, "fresh_from": pool}] if fresh else [])]
        kinds += [{"control": control} for control in dict.fromkeys(controls)]
        loops = []
        for number, kind in enumerate(kinds, 1):
            what = f"loop {number} of {len(kinds)} ({kind.get('control') or ('fresh' if kind else 'itself')})"
            loops.append(
                run_loop(
                    list(begun.values()),
                    hears,
                    makes,
                    shelf,
                    rounds=rounds,
                    seed=seed,
                    track=partial(_named, track, what),
                    **kind,
                )
            )
    except ValueError as error:
        raise SettingsError(f"{error}.") from error
    problems += [f"{loop.name}: {problem}" for loop in loops for problem in loop.problems]
    return Loops(
        tuple(loops),
        len(begun),
        len(left),
        tuple(dict.fromkeys(problems)),
        len(known) - len(left),
        fresh_from.resolve().name if fresh_from else "",
        len(left if pool is None else pool) if fresh else 0,
    )


def _named(track: Track, loop: str, items: Iterable[Any], what: str, total: int) -> Iterable[Any]:
    """Show progress, and of which loop."""
    return track(items, f"{loop}, {what}", total)


def _too_small(library: Path, had: int, left: int) -> str:
    needs = f"--library {library}: {FEWEST_CLIPS} clips or more are needed, and {had} can be used"
    if had == left:
        return f"{needs}: name a larger one."
    most = had - FEWEST_CLIPS
    lower = f"lower --starts to {most}, or " if most >= FEWEST_CHAINS else ""
    return f"{needs}, of which {had - left} are clips that chains start from. So {left} are left: {lower}name a larger library."


def _read(source: Path, problems: list[str], jobs: int, track: Track) -> dict[Path, Sound]:
    """Clips of a folder or of a table of descriptors, by where they are, and in that order: chance draws by place."""
    if source.suffix.lower() == ".csv":
        return dict(sorted(_of_table(source).items()))
    files = existing_audio(source)
    found: dict[Path, Sound] = {}
    described = track(in_parallel(_described, [(file,) for file in files], len(files), jobs), "library", len(files))
    for file, row, problem in sorted(described, key=lambda one: one[0]):
        if problem:
            problems.append(problem)
        else:
            found[file.resolve()] = _sound(file, row)
    return dict(sorted(found.items()))


def _described(file: Path) -> tuple[Path, np.ndarray | None, str]:
    try:
        values = describe_file(file).values
    except AudioError as error:
        return file, None, str(error)
    if not np.isfinite(values).any():
        return file, None, f"{file}: nothing can be measured of it, it is silent."
    return file, values, ""


def _of_table(source: Path) -> dict[Path, Sound]:
    table = read_listed(source, str(source))
    if missing := [name for name in DESCRIPTORS if name not in table.columns]:
        raise SettingsError(f"{source} has no column {missing[0]}: it must be a CSV that chartropy describe wrote.")
    rows = table[list(DESCRIPTORS)].to_numpy(dtype=float)
    return {  # those left out could not be described, as the table says
        Path(file).resolve(): _sound(Path(file), row)
        for file, row in zip(table.index, rows, strict=True)
        if np.isfinite(row).any()
    }


def _sound(file: Path, row: np.ndarray | None = None) -> Sound:
    return Sound(partial(_decoded, file), file.name, row)


def _decoded(file: Path):
    if not file.exists():
        raise AudioError(f"{file}: there is no such file.")
    return decode(file, rate=RATE, max_seconds=LONGEST)


def _starts(
    files: Sequence[Path], known: dict[Path, Sound], count: int, seed: int, problems: list[str]
) -> dict[Path, Sound]:
    """Draw clips to start from, by where they are, passing over those that cannot be described."""
    order = np.random.default_rng([seed, 5]).permutation(len(files))
    begun: dict[Path, Sound] = {}
    for place in order:
        file = files[place]
        where = file.resolve()
        if where in begun:
            continue
        sound = known.get(where)
        if sound is None:
            _, row, problem = _described(file)
            if problem:
                problems.append(problem)
                continue
            sound = _sound(file, row)
        begun[where] = sound
        if len(begun) == count:
            break
    if len(begun) < FEWEST_CHAINS:
        why = f" {problems[-1]}" if problems else ""
        raise SettingsError(f"Of {len(files)} clips {len(begun)} can be used: {FEWEST_CHAINS} or more are needed.{why}")
    return begun


def _others(known: dict[Path, Sound], begun: dict[Path, Sound]) -> list[Sound]:
    """Clips that no chain starts from: neither by where they are, nor by what they sound like, for a file may have copies."""
    left = [sound for path, sound in known.items() if path not in begun]
    if not left:
        return left
    space = load_space()
    columns = columns_of(space)
    rows, starts = (np.array([sound.row[columns] for sound in sounds]) for sounds in (left, begun.values()))
    copies = set(np.nonzero(space.distances(rows, starts) <= SAME)[0].tolist())
    return [sound for place, sound in enumerate(left) if place not in copies]


def folder_made(out: Path) -> None:
    """Make the folder of a page; a SettingsError where it cannot be made."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--out {out} cannot be made ({error.strerror}): choose another.") from error


def write_loops(found: Loops, out: Path, words: Words = ENGLISH) -> Path:
    """Write the tables and the page into a folder; return the page."""
    folder_made(out)
    for name in TABLES:
        write_table(found.table(name), out / f"{name}.csv", "csv")
    page = out / "index.html"
    write_text(page, _page(found, words))
    return page


def _page(found: Loops, words: Words) -> str:
    first = found.loops[0]
    rounds = len(first.measures) - 1
    figures, names = [], [words.say("loop_name", loop) for loop in found.loops]
    banded = (0, STYLES["redraw"])  # more of them would lie over each other
    styles = [STYLES[loop.control] if loop.control else 2 if loop.fresh else 0 for loop in found.loops]
    for measure in SHOWN:
        lines = [
            Line(
                name,
                [(n, *_numbers(of_round[measure])) for n, of_round in enumerate(loop.measures) if measure in of_round],
                style,
                band=style in banded,
            )
            for style, name, loop in zip(styles, names, found.loops, strict=True)
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
    ends = [
        (name, loop.measures[-1], loop.nulls[-1], tested)
        for name, loop, tested in zip(names, found.loops, found.tested, strict=True)
    ]
    families = first.survival[first.survival["kind"] == "family"]
    descriptors = first.survival[first.survival["kind"] == "descriptor"]
    ranked = descriptors["again"].notna().all()
    shown = descriptors.head(FIRST if ranked else 0)
    shown = shown[np.isfinite(shown["forgotten_from"])]
    labels = [DESCRIPTORS[name].label_in(words.language) for name in shown["name"]]
    components = first.attractors[first.attractors["round"] == rounds]
    return words.environment.get_template("loop.html").render(
        found=found,
        first=first,
        rounds=rounds,
        few=FEWEST_FOR_INTERVAL if found.left < FEWEST_FOR_INTERVAL else 0,
        keys=[(markup(key(style, name=f"loop-key-{style}")), name) for style, name in zip(styles, names, strict=True)],
        figures=figures,
        bare=not {*styles} <= {*banded},
        ends=ends,
        begin=first.measures[0],
        begin_null=first.nulls[0],
        nulls=first.nulls[-1],
        more=MORE_THAN_CHAINS,
        families=families.to_dict("records"),
        ranked=ranked,
        descriptors=shown.assign(label=labels).to_dict("records"),
        all_descriptors=len(descriptors),
        lost=int(np.isfinite(descriptors["forgotten_from"]).sum()),
        left=int(descriptors["n"].iloc[0]),
        needed=chains_to_rank(len(descriptors)),
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
        "p",
        "like the round before",
        "distinct sounds",
        "motifs",
        "p",
        "attractor",
        "forgotten",
    ]
    rows = []
    for loop, tested in zip(found.loops, found.tested, strict=True):
        last = loop.measures[-1]
        like, sounds, motifs, attractor = (
            _said(last[name], digits) for name, digits in zip(SHOWN, (2, 1, 1, 2), strict=True)
        )
        of_start, of_motifs = (f"{tested[name]:.3f}" if np.isfinite(tested[name]) else "-" for name in TESTED)
        before = _said(last["similarity_to_previous"], 2)
        rows.append([loop.name, like, of_start, before, sounds, motifs, of_motifs, attractor, _forgotten(loop)])
    return columns, rows


def _forgotten(loop: Loop) -> str:
    """The families whose memory lies below half with its whole interval, the least first."""
    families = loop.survival[loop.survival["kind"] == "family"]
    families = families[np.isfinite(families["memory_low"])]
    sure = families[(families["memory_low"] > -0.5) & (families["memory_high"] < 0.5)]
    names = sure.reindex(sure["memory"].abs().sort_values(kind="stable").index)["name"]
    if not len(names):
        return "nothing" if len(families) else "-"
    if len(names) == len(families):
        return f"all {len(names)} families"
    more = len(names) - MOST_FAMILIES
    return ", ".join(names.head(MOST_FAMILIES)) + (f" and {more} more" if more > 0 else "")


def _said(estimate: Any, digits: int) -> str:
    if estimate.method == MORE_THAN_CHAINS:
        return f"more than {estimate.n}"
    if not np.isfinite(estimate.value):
        return "-"
    if not np.isfinite(estimate.low):
        return f"{estimate.value:.{digits}f}"
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
