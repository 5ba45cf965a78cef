"""What a loop of describing and making leaves of the music that it began with.

A *describer* says in words or numbers what it hears; a *maker* makes sound of what was said; the sound is described again,
and so on: a game of telephone between two machines. One *chain* is what becomes of one clip. Everything is measured in the
distances of `chartropy.analysis.space` (1: two usual human recordings), over chains:

similarity_to_start, similarity_to_previous
    Mean over chains of the similarity (`space.kernel`) of a round's sound to the chain's first and to the round before.
    Null of the first: a chain's sound has no more to do with its own start than with another's; starts are dealt anew among
    the chains, and p is the share of deals that are as similar. (Mere likeness to all music counts for nothing so.)
mean_distance, diversity
    Mean distance of two chains, and the effective number of distinct sounds (`diversity.order2_diversity`): neither grows
    with the number of chains. The latter is drawn from pairs, and could exceed the number of chains, from which it would then
    be guessed: it is not told there (NaN, with `MORE_THAN_CHAINS` as method). Named beside them: the library's own.
motifs
    Effective number of clusters among the chains, exp(entropy) of their shares; clusters as `diversity.sound_clusters`.
    It grows with the number of chains, so its null is that of as many clips drawn from the library without replacement.
attractor_strength
    1 - abs(slope) of the regression, over chains, of a round's scores on the first's: 1 where where a chain is says nothing
    of where it began, 0 where every difference between starts is still there, below 0 where differences have grown: the
    chains spread. 1 alone is no attraction: chains that are redrawn at random have it, too; read it with diversity. Pooled
    over all dimensions (Σ covariance / Σ variance of the start), for each family, and for the library's principal
    components.
variance, memory
    Of each descriptor and family: variance across chains relative to the starts', and correlation with the starts. What
    loses its variance has been made alike; what loses its memory has been forgotten: from the round on from which
    abs(memory) stays below half.

Fewer than `FEWEST_FOR_INTERVAL` chains have no intervals. Each p is that of one test; `holm` adjusts those that are read
together.

References
----------
Hintze, Åström & Schossau: Autonomous language-image generation loops converge to generic visual motifs, Patterns, 2026 (the
experiment with images; known here from its publisher's announcement of December 2025 only: 100 prompts, twelve themes).
J. Perez et al.: When LLMs Play the Telephone Game, ICLR 2025 (attractors in chains of texts; its formula was not verified).
T. L. Griffiths, M. L. Kalish: Language Evolution by Iterated Learning With Bayesian Agents, Cognitive Science 31, 2007 (why
a chain ends in the learner's own expectations). S. Alemohammad et al.: Self-Consuming Generative Models Go MAD, ICLR 2024
(fresh data). I. Shumailov et al.: AI models collapse when trained on recursively generated data, Nature 631, 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from ..audio.decode import Audio
from ..audio.disturb import encoded
from ..features.describe import describe
from ..features.registry import DESCRIPTORS
from ..workspace.errors import AudioError
from .diversity import estimate_distance, estimate_order2, hill, order2_diversity, sound_clusters
from .estimates import Estimate, draw_clusters, estimate_mean
from .measures import load_space
from .space import Space, kernel, real, whole

if TYPE_CHECKING:
    import pandas as pd

CONTROLS = {
    "identity": "each sound is passed on as it is",
    "codec": "each sound goes through MP3 at 128 kbit/s and back, and nothing else",
    "shuffled": "each round, descriptions are handed to another chain's maker",
    "redraw": "each round, each chain gets a clip drawn from the library, independent of everything",
}
"""What a loop is compared with."""

COMPONENTS = 5
"""Principal components of the library whose attractors are told."""

DEALS = 999
"""Times that starts are dealt anew among the chains, for the null of the similarity to the start."""

FEWEST_CLIPS = 10
"""Of a library."""

FEWEST_CHAINS = 3
"""Fewer are no loop."""

FEWEST_FOR_INTERVAL = 8
"""Chains; of fewer an interval is too wide to say anything: of five, for 4.9 distinct sounds, 7.9 (`benchmarks/loop.py`)."""

MORE_THAN_CHAINS = "no number: more distinct sounds than there are chains"
"""Method of a diversity that is not told: fewer than (n - 1) / 2 of all pairs would be wholly alike, too few to count by."""

FIRST = 15
"""Descriptors, those that are forgotten first, of which it is told how often they are again when chains are drawn anew."""


class Sound:
    """A clip whose samples are decoded, and whose descriptors are computed, only when somebody asks.

    Parameters
    ----------
    source : Audio or callable
        The clip, or what returns it: clips of a library are decoded each time, never kept.
    name : str
        What to call it in tables.
    row : array_like, shape (descriptors,), optional
        Its descriptors in the order of `chartropy.features.registry.DESCRIPTORS`, where they are known.

    Raises
    ------
    ValueError
        `row` has another shape.
    """

    def __init__(self, source: Audio | Callable[[], Audio], name: str = "", row: np.ndarray | None = None):
        self._source, self.name = source, name
        if row is not None:
            row = np.asarray(row, dtype=float)
            if row.shape != (len(DESCRIPTORS),):
                raise ValueError(f"row must be shaped ({len(DESCRIPTORS)},), one value per descriptor, not {row.shape}")
            self.row = row

    @cached_property
    def row(self) -> np.ndarray:
        """Its descriptors, shape (descriptors,); NaN where there is none. Computed once."""
        return np.asarray(describe(self.audio()).values, dtype=float)

    def audio(self) -> Audio:
        """Return its samples and their rate; an AudioError where they cannot be had."""
        return self._source if isinstance(self._source, Audio) else self._source()

    def __repr__(self) -> str:
        return f"<Sound {self.name}>"


class Library:
    """The clips that makers know, that words and levels are cut by, and that a loop is compared with.

    Parameters
    ----------
    sounds : sequence of Sound
        Ten or more.
    space : Space, optional
        Default: the one that ships with Chartropy.

    Attributes
    ----------
    sounds : tuple of Sound
    space : Space
    scores : numpy.ndarray, shape (n, d)
        Standard scores of the descriptors of `space`; NaN where one was not measured.
    points : numpy.ndarray, shape (n, d)
        Coordinates whose Euclidean distances are those of `space`; a missing value is the reference's median.

    Raises
    ------
    ValueError
        There are fewer clips, or `space` names a descriptor that is not in the registry.
    """

    def __init__(self, sounds: Iterable[Sound], space: Space | None = None):
        self.sounds, self.space = tuple(sounds), space or load_space()
        if len(self.sounds) < FEWEST_CLIPS:
            raise ValueError(f"a library needs {FEWEST_CLIPS} clips or more, not {len(self.sounds)}")
        self._columns = columns_of(self.space)
        self.scores = self.space.standardize(self.rows(self.sounds))
        self.points = self.space.embed(self.rows(self.sounds))

    def rows(self, sounds: Iterable[Sound]) -> np.ndarray:
        """Descriptors of some sounds in the order of the space, shape (n, d)."""
        return np.array([sound.row[self._columns] for sound in sounds])

    @cached_property
    def weights(self) -> np.ndarray:
        """What a standard score is multiplied by to become a coordinate of `points`, shape (d,)."""
        families = np.array([name.split(".", 1)[0] for name in self.space.names])
        kinds, count = np.unique(families, return_counts=True)
        return np.sqrt(1 / (2 * len(kinds) * count[np.searchsorted(kinds, families)]))

    @cached_property
    def distances(self) -> np.ndarray:
        """Distance of every clip to every clip, shape (n, n)."""
        return self.space.distances(self.rows(self.sounds))

    @cached_property
    def components(self) -> tuple[np.ndarray, np.ndarray]:
        """The first principal components of `points`, (COMPONENTS, d), and the share of variance that each has."""
        off = self.points - self.points.mean(axis=0)
        _, sizes, axes = np.linalg.svd(off, full_matrices=False)
        # the sign of a component is arbitrary: its largest weight is positive on every machine
        axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
        return axes[:COMPONENTS], (sizes**2 / (sizes**2).sum())[:COMPONENTS]


@runtime_checkable
class Describer(Protocol):
    """Whatever says in words or numbers what a sound is like.

    Attributes
    ----------
    name : str
    form : str
        Which kind of description it gives; a maker says which it takes.
    """

    name: str
    form: str

    def describe(self, sound: Sound) -> Any:
        """Return a description; raise an AudioError where the sound cannot be described."""
        ...


@runtime_checkable
class Maker(Protocol):
    """Whatever makes a sound of a description.

    Attributes
    ----------
    name : str
    takes : tuple of str
        Which forms of description.
    """

    name: str
    takes: tuple[str, ...]

    def make(self, description: Any, rng: np.random.Generator) -> Sound:
        """Return a sound; all chance comes from `rng`."""
        ...


@dataclass(frozen=True, eq=False)
class Loop:
    """What happened in a loop.

    Attributes
    ----------
    describer, maker : str
    control : str or None
        One of `CONTROLS`; None for the loop itself.
    seed : int
    fresh : float
    rows : pandas.DataFrame
        A row per chain and round, the start being round 0: ``chain, round, start, sound, description, fresh,
        similarity_to_start, similarity_to_previous, motif, problem``. `description` is what the sound was made from.
    measures : tuple of dict of str to Estimate
        By name, for each round from 0; see the module.
    nulls : tuple of dict of str to (float, float, float, float)
        What a measure is compared with: value and bounds, and p where there is a test (NaN otherwise).
    attractors : pandas.DataFrame
        ``round, component, share, slope, attractor_strength, low, high, n, method``: all, the principal components of the
        library with their share of its variance, and the families.
    survival : pandas.DataFrame
        ``name, kind, variance, variance_low, variance_high, alike_from, …_low, …_high, memory, memory_low, memory_high,
        forgotten_from, …_low, …_high, again, n, method`` after the last round, a row for each family and descriptor.
        Variance and memory are those after the last round; `alike_from` and `forgotten_from` the rounds from which variance
        and abs(memory) stay below half (`lost_from`). What is forgotten first is on top; of those that tie, what has the
        least memory. Descriptors are ordered so only with `chains_to_rank` chains or more, else as the space names them;
        `again` is the share of replicates in which one is among the `FIRST` again, NaN where nothing was ordered.
    motifs : pandas.DataFrame
        ``motif, chains, share, sound, next``: clusters after the last round, the sound in the middle of each, and the next to
        it that is another.
    problems : list of str
        Chains that ended early, and why.
    """

    describer: str
    maker: str
    control: str | None
    seed: int
    fresh: float
    rows: pd.DataFrame
    measures: tuple[dict[str, Estimate], ...]
    nulls: tuple[dict[str, tuple[float, float, float, float]], ...]
    attractors: pd.DataFrame
    survival: pd.DataFrame
    motifs: pd.DataFrame
    problems: list[str]

    @property
    def name(self) -> str:
        """``control``, or the describer and the maker."""
        return self.control or f"{self.describer} -> {self.maker}" + (f", {self.fresh:.0%} fresh" if self.fresh else "")

    def table(self) -> pd.DataFrame:
        """The measures as a tidy table: ``loop, round, measure, value, low, high, n, method, null, null_low, null_high, p``.

        p is of one measure in one round: of twenty, one lies below .05 by chance. Read the last round's, by `holm`.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "loop": self.name,
                    "round": number,
                    "measure": measure,
                    **vars(found),
                    **dict(
                        zip(
                            ("null", "null_low", "null_high", "p"),
                            self.nulls[number].get(measure, (np.nan,) * 4),
                            strict=True,
                        )
                    ),
                }
                for number, of_round in enumerate(self.measures)
                for measure, found in of_round.items()
            ]
        )


def run_loop(
    starts: Sequence[Sound],
    describer: Describer | None,
    maker: Maker | None,
    library: Library,
    *,
    rounds: int = 20,
    seed: int = 0,
    fresh: float = 0.0,
    fresh_from: Sequence[Sound] | None = None,
    control: str | None = None,
    draws: int = 999,
    replicates: int = 500,
    track: Callable[[Iterable[int], str, int], Iterable[int]] | None = None,
) -> Loop:
    """Describe and make, again and again, and measure what is left.

    Parameters
    ----------
    starts : sequence of Sound
        Where the chains begin; 3 or more. What cannot be described must have been left out.
    describer, maker : Describer, Maker
        They must fit. Needed but for the controls "identity", "codec" and "redraw".
    library : Library
        Whose space measures; whose clips are the nulls. Clips of `starts` should not be in it.
    rounds : int
        1 or more.
    seed : int
        Decides all chance.
    fresh : float
        0 to 1: so many chains, rounded, drawn anew each round, are fed a clip drawn from `fresh_from` in place of their
        own sound. What they were is lost.
    fresh_from : sequence of Sound, optional
        Default: the library's clips.
    control : str, optional
        One of `CONTROLS`.
    draws : int
        As many sets of clips are drawn from the library for the null of the motifs.
    replicates : int
        Of the bootstrap over chains; at least 100.
    track : callable, optional
        Shows progress: is given the rounds, what they are, and how many.

    Returns
    -------
    Loop
        The same arguments give the same numbers.

    Raises
    ------
    ValueError
        An argument is out of range, or the describer's form is none that the maker takes.

    Notes
    -----
    A chain whose sound cannot be made or described ends there, is named in `problems`, and is missing (NaN) from then on.
    """
    import pandas as pd

    rounds, draws = whole("rounds", rounds, 1), whole("draws", draws, 1)
    replicates, seed = whole("replicates", replicates, 100), whole("seed", seed, 0)
    if len(starts) < FEWEST_CHAINS:
        raise ValueError(f"starts must be {FEWEST_CHAINS} clips or more, not {len(starts)}")
    if not (real(fresh) and 0 <= fresh <= 1):
        raise ValueError(f"fresh must lie between 0 and 1, not {fresh}")
    if control is not None and control not in CONTROLS:
        raise ValueError(f"control must be one of {', '.join(CONTROLS)}, not {control!r}")
    if control in (None, "shuffled"):
        if describer is None or maker is None:
            raise ValueError(
                "a describer and a maker are needed: only the controls identity, codec and redraw do without"
            )
        if describer.form not in maker.takes:
            raise ValueError(
                f"maker {maker.name!r} takes {' or '.join(maker.takes)}, but describer {describer.name!r} gives {describer.form}"
            )
    pool = library.sounds if fresh_from is None else tuple(fresh_from)
    if fresh and not pool:
        raise ValueError("fresh_from must hold a clip or more")

    now: list[Sound | None] = list(starts)
    made: list[dict[str, Any]] = [
        {
            "chain": chain,
            "round": 0,
            "start": start.name,
            "sound": start.name,
            "description": "",
            "fresh": False,
            "problem": "",
        }
        for chain, start in enumerate(starts)
    ]
    course = [library.rows(starts)]
    problems: list[str] = []
    numbers = range(1, rounds + 1)
    for number in track(numbers, "rounds", rounds) if track else numbers:
        rng = np.random.default_rng([seed, number])
        refreshed = set(rng.choice(len(starts), round(fresh * len(starts)), replace=False).tolist()) if fresh else set()
        heard = [
            pool[int(rng.integers(len(pool)))] if chain in refreshed and one is not None else one
            for chain, one in enumerate(now)
        ]
        step = _step(heard, describer, maker, library, control, seed, number)
        rows = np.full_like(course[0], np.nan)
        for chain, (sound, said, problem) in enumerate(step):
            if sound is not None:
                try:
                    rows[chain] = library.rows([sound])[0]
                except AudioError as error:
                    sound, problem = None, str(error)
            if problem:
                problems.append(f"{starts[chain].name}, round {number}: {problem}")
            now[chain] = sound
            made.append(
                {
                    "chain": chain, "round": number, "start": starts[chain].name, "sound": sound.name if sound else "",
                    "description": said, "fresh": chain in refreshed, "problem": problem,
                }
            )  # fmt: skip
        course.append(rows)
    found = _measure(np.array(course), library, seed, draws, replicates)
    table = pd.DataFrame(made)
    for column, values in found.pop("of_rows").items():
        table[column] = values.ravel()
    names = table.loc[table["round"] == rounds, "sound"].tolist()
    return Loop(
        describer.name if describer else "",
        maker.name if maker else "",
        control,
        seed,
        float(fresh),
        table,
        motifs=_motif_table(found.pop("last_motifs"), found.pop("last_distances"), names),
        problems=problems,
        **found,
    )


def columns_of(space: Space) -> list[int]:
    """Places in the registry of a space's descriptors; a ValueError where one is not there."""
    place = {name: at for at, name in enumerate(DESCRIPTORS)}
    if unknown := [name for name in space.names if name not in place]:
        raise ValueError(f"space names {unknown[0]!r}, which is no descriptor of this release")
    return [place[name] for name in space.names]


# -- one round ---------------------------------------------------------------------------------------------------------


def _step(
    heard: list[Sound | None],
    describer: Describer | None,
    maker: Maker | None,
    library: Library,
    control: str | None,
    seed: int,
    number: int,
) -> Iterator[tuple[Sound | None, str, str]]:
    """Yield each chain's next sound, what it was made from, and what went wrong."""
    alive = [chain for chain, sound in enumerate(heard) if sound is not None]
    rng = np.random.default_rng([seed, number, 1])
    if control == "redraw":
        clips = len(library.sounds)  # each another, as the null of the motifs draws them, while there are enough
        drawn = rng.choice(clips, len(heard), replace=clips < len(heard))
        for sound, place in zip(heard, drawn, strict=True):
            yield (library.sounds[place] if sound is not None else None), "", ""
        return
    said: dict[int, Any] = {}
    wrong: dict[int, str] = {}
    if control in (None, "shuffled"):
        assert describer
        for chain in alive:
            try:
                said[chain] = describer.describe(heard[chain])  # pyright: ignore[reportArgumentType]
            except AudioError as error:
                wrong[chain] = str(error)
    if control == "shuffled" and len(said) > 1:
        turned = rng.permutation(sorted(said)).tolist()  # in a ring: nobody keeps their own
        said = {chain: said[turned[place - 1]] for place, chain in enumerate(turned)}
    for chain, sound in enumerate(heard):
        if sound is None or chain in wrong:
            yield None, "", wrong.get(chain, "")
            continue
        try:
            if control == "identity":
                yield sound, "", ""
            elif control == "codec":
                yield Sound(encoded(sound.audio(), "mp3", 128), sound.name), "", ""
            else:
                assert maker
                description = said[chain]
                yield maker.make(description, np.random.default_rng([seed, number, 2, chain])), _text(description), ""
        except AudioError as error:
            yield None, "", str(error)


def _text(description: Any, letters: int = 200) -> str:
    """A description for a cell of a table; of numbers, the first."""
    if isinstance(description, np.ndarray):
        description = " ".join(f"{value:g}" for value in description.ravel()[:letters])
    said = str(description)
    return said if len(said) <= letters else said[: letters - 1] + "…"


# -- what is measured --------------------------------------------------------------------------------------------------


def _measure(course: np.ndarray, library: Library, seed: int, draws: int, replicates: int) -> dict[str, Any]:
    """Measure a course of descriptors (rounds + 1, chains, d)."""
    space, (count, chains, _) = library.space, course.shape
    scores = np.array([space.standardize(rows) for rows in course])
    to_start, to_previous = np.full((2, count, chains), np.nan)
    motifs = np.full((count, chains), -1)
    library_distances = library.distances
    library_likeness = kernel(library_distances)
    nulls_of_motifs: dict[int, np.ndarray] = {}
    measures: list[dict[str, Estimate]] = []
    nulls: list[dict[str, tuple[float, float, float, float]]] = []
    distances = np.zeros((0, 0))
    everyone = np.arange(chains)
    deals = np.random.default_rng([seed, 6]).permuted(np.tile(everyone, (DEALS, 1)), axis=1)
    pairs = library_distances[np.triu_indices(len(library_distances), 1)]
    of_library = order2_diversity(library_likeness)
    if of_library > len(library_likeness):
        of_library = np.nan
    for number in range(count):
        likeness = kernel(space.distances(course[number], course[0]))
        to_start[number] = np.diagonal(likeness)
        if number:
            to_previous[number] = np.diagonal(kernel(space.distances(course[number], course[number - 1])))
        there = np.isfinite(course[number]).any(axis=1)
        distances = space.distances(course[number])
        known = distances[np.ix_(there, there)]
        motifs[number, there] = sound_clusters(known)
        size = int(there.sum())
        if size not in nulls_of_motifs:
            nulls_of_motifs[size] = _motifs_of_draws(library_distances, size, draws, seed)
        motif, of_draws = _effective_motifs(motifs[number, there]), nulls_of_motifs[size]
        measures.append(
            _of_chains(
                {
                    "similarity_to_start": _likeness(to_start[number]),
                    **({"similarity_to_previous": _likeness(to_previous[number])} if number else {}),
                    "mean_distance": estimate_distance(known, np.arange(size), seed=seed),
                    "diversity": _distinct(kernel(known), seed),
                    "motifs": motif,
                }
            )
        )
        dealt = np.nanmean(likeness[everyone, deals], axis=1) if there.any() else np.full(DEALS, np.nan)
        # a deal may give a chain its own start; what is told beside p is the likeness to the others' alone
        others = likeness[~np.eye(chains, dtype=bool)]
        to_others = float(np.nanmean(others)) if np.isfinite(others).any() else np.nan
        null = _null(dealt, -np.nanmean(to_start[number]) if there.any() else np.nan, -1)
        nulls.append(
            {
                "similarity_to_start": (to_others, *null[1:]),
                "mean_distance": (float(np.nanmean(pairs)), np.nan, np.nan, np.nan),
                "diversity": (of_library, np.nan, np.nan, np.nan),
            }
        )
        if len(of_draws):
            nulls[-1]["motifs"] = _null(of_draws, motif.value)
    survival, attractors = _follow(scores, library, seed, replicates)
    pooled = attractors[attractors["component"] == "all"]
    told = pooled[["attractor_strength", "low", "high", "n", "method"]].to_dict("records")
    for of_round, row in zip(measures, told, strict=True):
        of_round["attractor_strength"] = Estimate(row.pop("attractor_strength"), **row)  # pyright: ignore[reportArgumentType, reportCallIssue]
    there = np.isfinite(course[-1]).any(axis=1)
    return {
        "measures": tuple(measures),
        "nulls": tuple(nulls),
        "attractors": attractors,
        "survival": survival,
        "of_rows": {"similarity_to_start": to_start, "similarity_to_previous": to_previous, "motif": motifs},
        "last_motifs": motifs[-1],
        "last_distances": distances,
    }


def _of_chains(found: dict[str, Estimate]) -> dict[str, Estimate]:
    """The same, with methods that say whose independence they rest on: here chains stand where artists do elsewhere."""
    return {
        name: replace(one, low=np.nan, high=np.nan, method=_too_few(one.n))
        if np.isfinite(one.low) and one.n < FEWEST_FOR_INTERVAL
        else replace(one, method=one.method.replace("by artist", "by chain"))
        for name, one in found.items()
    }


def _too_few(chains: int) -> str:
    return f"no interval: {chains} chains, {FEWEST_FOR_INTERVAL} are needed"


def _likeness(similarities: np.ndarray) -> Estimate:
    """The mean over chains; a similarity is 0 to 1, and so are its bounds."""
    found = estimate_mean(similarities, np.arange(len(similarities)))
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0)) if np.isfinite(found.low) else found


def _distinct(similarities: np.ndarray, seed: int) -> Estimate:
    """The effective number of distinct sounds, unless it is more than the chains."""
    found = estimate_order2(similarities, np.arange(len(similarities)), seed=seed)
    if found.value > found.n:
        return Estimate(np.nan, np.nan, np.nan, found.n, MORE_THAN_CHAINS)
    return found


def _null(drawn: np.ndarray, value: float, sign: int = 1) -> tuple[float, float, float, float]:
    """Mean and bounds of what was drawn under a null, and the share of it (times `sign`) that is no more than the value."""
    low, high = np.quantile(drawn, [0.025, 0.975])
    p = (1 + np.count_nonzero(sign * drawn <= value + 1e-9)) / (1 + len(drawn)) if np.isfinite(value) else np.nan
    return float(drawn.mean()), float(low), float(high), float(p)


def _effective_motifs(motif: np.ndarray) -> Estimate:
    """Effective number of clusters among chains, with a jackknife over chains; clusters are held."""
    from scipy.special import stdtrit

    n = len(motif)
    if n < FEWEST_CHAINS:
        return Estimate(np.nan, np.nan, np.nan, n, f"no estimate: {n} chains are left")
    counts = np.unique(motif, return_counts=True)[1]
    value = hill(counts / n)
    if len(counts) in (1, n):  # no chain could be left out and change what is seen
        seen = "are in one motif" if len(counts) == 1 else "are each in a motif of their own"
        return Estimate(value, np.nan, np.nan, n, f"no interval: all {n} chains {seen}")
    without = []
    for place, count in enumerate(counts):  # chains of one cluster leave the same behind
        left = counts.copy()
        left[place] -= 1
        without += [hill(left[left > 0] / (n - 1))] * int(count)
    off = np.array(without) - np.mean(without)
    reach = float(stdtrit(n - 1, 0.975)) * float(np.sqrt((n - 1) / n * (off**2).sum()))
    method = "effective number of clusters, exp(entropy); jackknife over chains, clusters held, .95"
    return Estimate(value, max(1.0, value - reach), min(float(n), value + reach), n, method)


def _motifs_of_draws(distances: np.ndarray, size: int, draws: int, seed: int) -> np.ndarray:
    """Effective numbers of clusters among as many clips of the library; none where it has fewer."""
    if not FEWEST_CHAINS <= size <= len(distances):
        return np.zeros(0)
    rng = np.random.default_rng([seed, 3])
    found = []
    for _ in range(draws):
        drawn = rng.choice(len(distances), size, replace=False)
        counts = np.unique(sound_clusters(distances[np.ix_(drawn, drawn)]), return_counts=True)[1]
        found.append(hill(counts / size))
    return np.array(found)


def _follow(scores: np.ndarray, library: Library, seed: int, replicates: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Variance, memory and slopes of descriptors, families and components, with a bootstrap over chains."""
    import pandas as pd

    count, chains, _ = scores.shape
    names = np.array(library.space.names)
    families = np.array([name.split(".", 1)[0] for name in names])
    kinds = np.unique(families)
    drawn = draw_clusters(chains, replicates, (seed, 4)).astype(float)
    drawn = np.vstack([np.ones(chains), drawn])  # the first is the estimate itself
    axes, shares = library.components
    start = _moved(scores[0], library, axes)
    variance, memory = np.full((2, len(drawn), len(kinds) + len(names), count), np.nan, np.float32)
    attractors = []
    method = f"bootstrap over chains, expanded percentiles, {replicates} replicates, seed {seed}, .95"
    parts = {"all": (np.arange(len(names)), np.nan)}
    parts |= {f"component {n + 1}": (np.array([len(names) + n]), float(share)) for n, share in enumerate(shares)}
    parts |= {kind: (np.flatnonzero(families == kind), np.nan) for kind in kinds}
    weights = np.append(library.weights**2, np.ones(len(axes)))
    left = chains
    for number in range(count):
        both = np.isfinite(scores[number]) & np.isfinite(scores[0])
        left = int(both.any(axis=1).sum())
        first, last, together = _moments(drawn, start, _moved(scores[number], library, axes))
        first, last, together = first * weights, last * weights, together * weights
        for name, (columns, share) in parts.items():
            slope = _ratio(together[:, columns].sum(axis=1), first[:, columns].sum(axis=1))
            value, low, high = _interval(slope, left)
            # the interval of a slope that may be 0 reaches up to a strength of 1, which no |slope| of a replicate does
            weakest, steepest = sorted((abs(low), abs(high))) if low * high > 0 else (0.0, max(abs(low), abs(high)))
            bounds = (1 - steepest, 1 - weakest) if np.isfinite(value) else (np.nan, np.nan)
            how = method if np.isfinite(value) else "no estimate: the starts do not vary"
            if np.isfinite(value) and left < FEWEST_FOR_INTERVAL:
                bounds, how = (np.nan, np.nan), _too_few(left)
            attractors.append((number, name, share, value, 1 - abs(value), *bounds, left, how))
        for place, kind in enumerate(kinds):
            columns = np.flatnonzero(families == kind)
            sums = [part[:, columns].sum(axis=1) for part in (first, last, together)]
            variance[:, place, number], memory[:, place, number] = _kept(*sums)
        each = slice(None, len(names))
        kept = _kept(first[:, each], last[:, each], together[:, each])
        variance[:, len(kinds) :, number], memory[:, len(kinds) :, number] = kept
    forgotten = lost_from(np.abs(memory))
    ranked = left >= chains_to_rank(len(names))
    found: dict[str, Any] = {
        "name": [*kinds, *names],
        "kind": ["family"] * len(kinds) + ["descriptor"] * len(names),
    }
    for what, values in (
        ("variance", variance[..., -1]),
        ("alike_from", lost_from(variance)),
        ("memory", memory[..., -1]),
        ("forgotten_from", forgotten),
    ):
        value, low, high = _interval(values, left)
        if left < FEWEST_FOR_INTERVAL:
            low, high = np.full((2, *value.shape), np.nan)
        found |= {what: value, f"{what}_low": low, f"{what}_high": high}
    last = np.abs(memory[..., -1])
    again = np.full(len(kinds) + len(names), np.nan)
    if ranked:
        again[len(kinds) :] = _again(forgotten[:, len(kinds) :], last[:, len(kinds) :])
    told = method if left >= FEWEST_FOR_INTERVAL else _too_few(left)
    table = pd.DataFrame(found).assign(again=again, n=left, method=told)
    place = np.arange(len(table))
    by_rank = (table["kind"] == "family") | ranked
    keys = (place, np.where(by_rank, last[0], 0), np.where(by_rank, forgotten[0], 0), table["kind"] == "descriptor")
    columns = ["round", "component", "share", "slope", "attractor_strength", "low", "high", "n", "method"]
    return (
        table.iloc[np.lexsort(keys)].reset_index(drop=True),  # numpy sorts what was not measured to the end
        pd.DataFrame(attractors, columns=pd.Index(columns)),
    )


def _again(forgotten: np.ndarray, last: np.ndarray) -> np.ndarray:
    """In what share of replicates each descriptor is among the first that are forgotten, both (replicates, d)."""
    order = np.lexsort((last[1:], forgotten[1:]), axis=1)[:, :FIRST]
    among = np.zeros(forgotten[1:].shape, dtype=bool)
    np.put_along_axis(among, order, np.isfinite(np.take_along_axis(forgotten[1:], order, axis=1)), axis=1)
    return among.mean(axis=0)


def _moved(scores: np.ndarray, library: Library, axes: np.ndarray) -> np.ndarray:
    """Scores, and behind them the coordinates on the components; a chain that has ended has none."""
    points = np.nan_to_num(scores) * library.weights
    points[~np.isfinite(scores).any(axis=1)] = np.nan
    return np.concatenate([scores, points @ axes.T], axis=1)


def _moments(drawn: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variances of the first and the last and their covariance over the chains that have both, each (replicates, d)."""
    both = np.isfinite(first) & np.isfinite(last)
    x, y = np.where(both, first, 0), np.where(both, last, 0)
    total = np.maximum(drawn @ both, 1)
    mean_x, mean_y = drawn @ x / total, drawn @ y / total
    products = (drawn @ (one * other) / total for one, other in ((x, x), (y, y), (x, y)))
    means = (mean_x**2, mean_y**2, mean_x * mean_y)
    # what is smaller than rounding of the products is nothing
    variances = [product - mean for product, mean in zip(products, means, strict=True)]
    return tuple(np.where(np.abs(part) < 1e-12, 0, part) for part in variances)  # pyright: ignore[reportReturnType]


def _kept(first: np.ndarray, last: np.ndarray, together: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Relative variance and correlation; a correlation with what no longer varies is 0: it remembers nothing."""
    correlation = _ratio(together, np.sqrt(np.maximum(first, 0) * np.maximum(last, 0)))
    return _ratio(last, first), np.where((last <= 0) & (first > 0), 0, correlation)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def _interval(values: np.ndarray, chains: int) -> tuple[Any, Any, Any]:
    """The first of replicates and the bounds of 95 %; NaN where it was not measured.

    Percentiles of the others, as far out as Student's distribution for so many chains (T. C. Hesterberg: What Teachers Should
    Know About the Bootstrap, The American Statistician 69, 2015): plain ones are too narrow, by sqrt(1 - 1/n) and more.
    """
    from scipy.special import ndtr, stdtrit

    n = max(2, chains)
    tail = float(ndtr((n / (n - 1)) ** 0.5 * stdtrit(n - 1, 0.025)))
    unknown = np.isnan(values[0])
    ranked = np.where(np.isnan(values[1:]), values[0], values[1:])
    low, high = np.quantile(np.where(unknown, 0, ranked), [tail, 1 - tail], axis=0, method="inverted_cdf")
    bounds = [np.where(unknown, np.nan, bound) for bound in (low, high)]
    if values.ndim > 1:
        return values[0], bounds[0], bounds[1]
    return float(values[0]), float(bounds[0]), float(bounds[1])


def lost_from(curves: np.ndarray) -> np.ndarray:
    """Return the round from which curves stay below half.

    Parameters
    ----------
    curves : numpy.ndarray, shape (..., rounds + 1)
        From round 0; 0 or more.

    Returns
    -------
    numpy.ndarray, shape (...)
        A whole round; infinite where the last one is not below half, NaN where it was not measured at the start or the end.
    """
    kept = ~(curves < 0.5)
    first = curves.shape[-1] - kept[..., ::-1].argmax(axis=-1)
    first = np.where(kept[..., -1], np.inf, np.where(kept.any(axis=-1), first, 0))
    return np.where(np.isnan(curves[..., 0]) | np.isnan(curves[..., -1]), np.nan, first)


def chains_to_rank(descriptors: int) -> int:
    """Chains that are needed to say which of so many descriptors were forgotten first.

    Parameters
    ----------
    descriptors : int
        1 or more.

    Returns
    -------
    int
        So many that a memory of 0 is told from one of ½ although the least are chosen of so many: that the interval of a
        correlation of 0, by Fisher's z and by Bonferroni for as many intervals at once, does not reach ½. 57 of 921.
    """
    from scipy.special import ndtri

    reach = -float(ndtri(0.025 / whole("descriptors", descriptors, 1)))
    return int(np.ceil((reach / np.arctanh(0.5)) ** 2)) + 3


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p that are read together: with all null hypotheses true, one in twenty such tables holds a p below .05.

    Parameters
    ----------
    p : array_like, shape (n,)
        NaN where nothing was tested: stays, and is not counted.

    Returns
    -------
    numpy.ndarray, shape (n,)
        However the tests depend on each other.

    References
    ----------
    S. Holm: A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)[: np.isfinite(p).sum()]
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(np.arange(len(order), 0, -1) * p[order]))
    return adjusted


def _motif_table(motif: np.ndarray, distances: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Clusters after the last round, the largest first, each with the clips in its middle."""
    import pandas as pd

    rows = []
    for kind in np.unique(motif[motif >= 0]):
        inside = np.flatnonzero(motif == kind)
        middle = inside[np.argsort(distances[np.ix_(inside, inside)].sum(axis=1), kind="stable")]
        others = [names[place] for place in middle if names[place] != names[middle[0]]]
        rows.append((int(kind), len(inside), names[middle[0]], others[0] if others else ""))
    table = pd.DataFrame(rows, columns=pd.Index(["motif", "chains", "sound", "next"]))
    table.insert(2, "share", table["chains"] / max(1, int((motif >= 0).sum())))
    return table.sort_values(["chains", "motif"], ascending=[False, True], ignore_index=True)
