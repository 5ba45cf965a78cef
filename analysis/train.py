"""Train the detector, and say how good it is on generators and sources it has not heard.

How it is measured. A generator is one group, a human source is one group, and each group is judged by a model that was made
from all others: the frame rates of its generator (`further_rates`), the calibration (J. Platt 1999) and both thresholds
(conformal prediction) come from them. In the shortcut report, ten folds of groups take turns (`fold_of`).
Every clip is judged as it is and after the disturbances of `chartropy.audio.disturb`, both classes after the same ones.
Every clip is cut to its middle 30 s and scaled to its peak.

A source can be set aside, for a stated reason: it is judged and reported, but settles nothing and is not in the pooled
figures. That is for recordings of which the label does not say what was done to them, such as music by people that has been
through a neural codec.

Same manifest, same audio, same libraries: same bytes. Nothing of the audio goes into the model but a profile of 13 numbers
per clip.
"""

from __future__ import annotations

import csv
import hashlib
import logging
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..audio.decode import decode
from ..audio.disturb import DISTURBANCES
from ..features.lines import Lines, find
from ..features.sketch import RATE, SKETCH_VERSION, Sketch, sketch_file
from ..features.spectra import LONGEST, Sound
from ..workspace.errors import AudioError, SettingsError
from .detector import FEATURES_VERSION, KINDS, PROFILE, UNITS, pack, profile, refusal, score, values_of
from .lattice import FRAME_RATES_HZ, Lattices, decoder_spacings, known_lattice, read

log = logging.getLogger(__name__)

CLEAN = "as it is"
FOLDS = 10
FALSE_POSITIVES = 0.01
"""Share of human recordings, from sources unheard, that may be called "ai" (conformal)."""

MISSED = 0.05
"""Share of AI recordings, each generator and each disturbance weighing the same, that may be called "human"."""

AT_DISTURBED = 0.02
"""Share of the untouched human clips that may pass the threshold at which disturbances are compared."""

CLEAR = 20.0
"""Nats from which a known lattice is clear enough to learn a frame rate from."""

SHORTCUTS = ("bandwidth", "seconds", "rms_db", "peak_db", "silent", "channels")
PRODUCTIONS = ("lo-fi", "loud", "electronic", "acoustic")
LIMITS = (
    "Judges traces of neural decoders, not whether a human wrote or played the music: AI compositions performed by people, "
    "and generators that leave no such traces, read as human.",
    "A recording by people that was re-synthesised by a neural codec carries the same traces and is called AI.",
    "A shift of pitch by a phase vocoder hides the traces of a fifth to a third of AI recordings, of some generators nearly all; "
    "see the table of disturbances.",
    "Loops that repeat to the sample, and synthesizers' notes held through a clip in another tuning than 440 Hz, can come near "
    "the evidence that is asked of a decoder at an unusual speed, or pass it.",
    "Clips under 10 s, more than half silent, without sound above 5 kHz or of speech alone are refused, not scored; they are in "
    "no count here.",
    "The probability holds where half of the recordings are AI-made; elsewhere correct it with the prior.",
    "The method and the units of the kinds were settled while looking at cross-validated figures on the same clips: expect a "
    "little less on others.",
)
RETRAIN = (
    "when a generator comes out whose clips it calls human or undecided; when `detector evaluate` on new, labelled clips gives "
    "more than twice the false positives stated here; and with every new FEATURES_VERSION."
)


@dataclass(frozen=True)
class Clip:
    """One row of a manifest.

    Attributes
    ----------
    path : Path
    ai : bool
    group : str
        The generator of an AI clip, the source of a human one: what is held out together.
    codec : str
        What the original was coded with, where the manifest says so.
    """

    path: Path
    ai: bool
    group: str
    codec: str = ""


@dataclass(frozen=True, eq=False)
class Table:
    """All that was measured, one row per clip that can be judged.

    Attributes
    ----------
    clips : list of Clip
    ai : numpy.ndarray, shape (n,), bool
    groups : numpy.ndarray, shape (n,), str
    conditions : tuple of str
        `CLEAN`, then the disturbances.
    rates : numpy.ndarray, shape (r,)
        Frame rates in Hz: the usual ones, then further ones that generators of the table have.
    taught : tuple of frozenset of str
        For each rate, the generators it was learned from; empty for a usual one.
    strengths : numpy.ndarray, shape (n, conditions, 2 + 2 * r)
        As `strengths_of`; NaN where a clip was not put through a disturbance.
    profiles : numpy.ndarray, shape (n, PROFILE)
        Untouched.
    shortcuts : numpy.ndarray, shape (n, shortcuts)
    productions : numpy.ndarray, shape (n,), str
    dropped : list of str
        What could not be judged, and why.
    """

    clips: list[Clip]
    ai: np.ndarray
    groups: np.ndarray
    conditions: tuple[str, ...]
    rates: np.ndarray
    taught: tuple[frozenset[str], ...]
    strengths: np.ndarray
    profiles: np.ndarray
    shortcuts: np.ndarray
    productions: np.ndarray
    dropped: list[str]

    def __len__(self) -> int:
        return len(self.ai)


@dataclass(frozen=True)
class Calibration:
    """What turns scores into answers.

    Attributes
    ----------
    slope, bias : float
        Score to log-odds.
    human_below, ai_from : float
        Scores.
    """

    slope: float
    bias: float
    human_below: float
    ai_from: float

    def odds(self, scores: np.ndarray | float) -> np.ndarray:
        """Log-odds of scores."""
        return self.slope * np.asarray(scores) + self.bias


# -- reading clips -----------------------------------------------------------------------------------------------------


def read_manifest(path: Path, *, held_out: bool = True) -> list[Clip]:
    """Read and check a list of labelled clips, in its order.

    Parameters
    ----------
    path : Path
        CSV with the columns ``path`` (relative to the manifest) and ``label`` (``ai`` or ``human``). An AI clip's group is
        its ``generator``, else its ``group``; a human clip's is its ``source``, else its ``group``; a clip that has none is a
        group by itself. ``native_codec`` lets like be compared with like.
    held_out : bool
        Groups are held out of a training, so clips without one are warned of.

    Raises
    ------
    SettingsError
        It cannot be read, or a row lacks a path or has another label; with the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), list(reader.fieldnames or [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(
            f"{path}: the manifest cannot be read ({getattr(error, 'strerror', None) or error})."
        ) from error
    for needed in ("path", "label"):
        if needed not in columns:
            raise SettingsError(
                f"{path}: has no column {needed!r}; it has {', '.join(map(repr, columns)) or 'none'}. "
                "Columns are separated by commas."
            )
    clips, alone = [], 0
    for number, row in enumerate(rows, start=2):
        label = (row.get("label") or "").strip().lower()
        if label not in ("ai", "human") or not row.get("path"):
            raise SettingsError(
                f"{path}, line {number}: needs a path and a label, ai or human; the label is {label!r}."
            )
        group = row.get("generator" if label == "ai" else "source") or row.get("group") or ""
        alone += not group
        name = group or Path(row["path"]).stem
        clips.append(Clip(path.parent / row["path"], label == "ai", name, row.get("native_codec") or ""))
    if not clips:
        raise SettingsError(f"{path}: the manifest lists no clips.")
    if alone and held_out:
        log.warning(
            "%s: %d of %d clips name no generator, source or group: each is held out alone, and judged by models that may know "
            "others by the same maker. Their figures are too good.", path, alone, len(clips),
        )  # fmt: skip
    return clips


def measure(
    clips: Sequence[Clip],
    *,
    jobs: int = 2,
    thorough: bool = False,
    rates: Sequence[float] | None = None,
    track: Callable[..., Iterable] | None = None,
) -> Table:
    """Measure every clip as it is and after disturbances; what cannot be judged is dropped and said, without its folder.

    Parameters
    ----------
    clips : sequence of Clip
    jobs : int
        Processes.
    thorough : bool
        Put every clip through every disturbance; else every second one of them, in turn, which takes half as long.
    rates : sequence of float, optional
        Frame rates in Hz; default: the usual ones, and further ones that the AI clips have.
    track : callable, optional
        ``track(iterable, what, total)`` shows progress.

    Returns
    -------
    Table

    Raises
    ------
    SettingsError
        Not one clip can be judged.
    """
    from joblib import Parallel, delayed

    def each(function: Callable, work: list, what: str) -> list:
        with warnings.catch_warnings():
            # joblib replaces workers that have grown: no news for whoever waits
            warnings.filterwarnings("ignore", message="A worker stopped")
            results = Parallel(n_jobs=jobs, return_as="generator")(delayed(function)(*item) for item in work)
            return list(track(results, what, len(work)) if track else results)

    drawn = each(_draw, [(clip.path,) for clip in clips], "clips")
    dropped = [
        f"{'ai' if clip.ai else 'human'}, {clip.group}, {clip.path.name}: {found}"
        for clip, found in zip(clips, drawn, strict=True)
        if isinstance(found, str)
    ]
    kept = [(clip, found) for clip, found in zip(clips, drawn, strict=True) if not isinstance(found, str)]
    if not kept:
        raise SettingsError(f"Not one of the {len(clips)} clips can be judged. The first: {dropped[0]}")
    taught: list[frozenset[str]] = []
    if rates is None:
        learned = further_rates([(clip.group, found.lines) for clip, found in kept if clip.ai])
        rates = [*FRAME_RATES_HZ, *learned]
        taught = [frozenset()] * len(FRAME_RATES_HZ) + list(learned.values())
    seen = {True: -1, False: -1}
    work = []
    for clip, found in kept:
        seen[clip.ai] += 1
        chosen = [name for turn, name in enumerate(DISTURBANCES) if thorough or (turn + seen[clip.ai]) % 2 == 0]
        work.append((clip.path, found.lines, tuple(rates), chosen))
    conditions = (CLEAN, *DISTURBANCES)
    strengths = np.full((len(kept), len(conditions), 2 + 2 * len(rates)), np.nan)
    profiles = np.zeros((len(kept), PROFILE))
    for row, (own, measured) in enumerate(each(_disturb, work, "disturbances")):
        profiles[row] = own
        for name, values in measured.items():
            strengths[row, conditions.index(name)] = values
    return Table(
        clips=[clip for clip, _ in kept],
        ai=np.array([clip.ai for clip, _ in kept]),
        groups=np.array([clip.group for clip, _ in kept]),
        conditions=conditions,
        rates=np.array(rates, float),
        taught=tuple(taught) or (frozenset(),) * len(rates),
        strengths=strengths,
        profiles=profiles,
        shortcuts=np.array([[getattr(found, name) for name in SHORTCUTS] for _, found in kept], float),
        productions=np.array([production_of(found) for _, found in kept]),
        dropped=dropped,
    )


def _draw(path: Path) -> Sketch | str:
    try:
        drawn = sketch_file(path, name="the clip")
    except AudioError as error:
        return str(error)
    return refusal(drawn) or drawn


def _disturb(
    path: Path, lines: Lines, rates: tuple[float, ...], chosen: list[str]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Profile of a clip, and its strengths as it is and after the chosen disturbances."""
    audio = decode(path, name="the clip", rate=RATE, max_seconds=LONGEST)
    clean = read(lines, rates)
    found = {CLEAN: strengths_of(clean)}
    for name in chosen:
        found[name] = strengths_of(read(find(Sound.of(DISTURBANCES[name](audio))), rates))
    return profile(lines, score(clean, np.array(rates))), found


def strengths_of(found: Lattices) -> np.ndarray:
    """Strengths in nats: known, free, near each rate, shifted from each; shape (2 + 2 * rates,)."""
    return np.array([lattice.strength for lattice in (found.known, found.free, *found.near, *found.shifted)])


def further_rates(clips: Sequence[tuple[str, Lines]]) -> dict[float, frozenset[str]]:
    """Frame rates that generators have beside the usual ones: the known spacing that at least half of one's clips share.

    Parameters
    ----------
    clips : sequence of (str, Lines)
        Generators, and lines of a clip by them.

    Returns
    -------
    dict of float to frozenset of str
        Rate in Hz, and the generators that have it.
    """
    votes: dict[str, list[float]] = {}
    for generator, lines in clips:
        known = known_lattice(lines)
        votes.setdefault(generator, []).append(known.spacing if known.strength >= CLEAR else 0.0)
    found: dict[float, set[str]] = {}
    for generator, spacings in sorted(votes.items()):
        for spacing in decoder_spacings().tolist():
            multiples = [max(spacing, rate) / min(spacing, rate) for rate in FRAME_RATES_HZ]
            usual = any(abs(multiple - round(multiple)) < 1e-4 for multiple in multiples)
            if not usual and 2 * spacings.count(spacing) >= len(spacings):
                found.setdefault(spacing, set()).add(generator)
    return {rate: frozenset(generators) for rate, generators in sorted(found.items())}


def production_of(drawn: Sketch) -> str:
    """How a recording was made, roughly: what the error of a detector may depend on.

    ``lo-fi``: nothing above 12 kHz. ``loud``: a crest factor below 12 dB. ``electronic``: half of its steadiest tones stand 11 dB
    or more over the floor, as those of synthesizers and loops do. ``acoustic``: none of these.
    """
    if drawn.bandwidth < 12_000:
        return "lo-fi"
    if drawn.peak_db - drawn.rms_db < 12:
        return "loud"
    if drawn.lines is not None:
        heights = drawn.lines.long[..., 1][drawn.lines.long[..., 0] > 0]
        if len(heights) and np.median(heights) >= 11:
            return "electronic"
    return "acoustic"


# -- judging clips by models that do not know them ---------------------------------------------------------------------


def scores_unseen(table: Table) -> np.ndarray:
    """Scores with the frame rates that a clip's own generator has not taught, shape (n, conditions)."""
    scores = np.zeros(table.strengths.shape[:2])
    for row, group in enumerate(table.groups):
        usable = np.array([not taught or bool(taught - {group}) for taught in table.taught])
        scores[row] = scores_of(table.strengths[row], usable)
    return scores


def scores_of(strengths: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Scores of strengths in the order of `strengths_of` along the last axis, with those frame rates that are usable."""
    rates = len(usable)
    known, free = strengths[..., 0], strengths[..., 1]
    near = strengths[..., 2 : 2 + rates][..., usable].max(axis=-1)
    shifted = strengths[..., 2 + rates :][..., usable].max(axis=-1)
    every = {"known": known, "near": near, "shifted": shifted, "free": free}
    return values_of(np.stack([every[kind] for kind in KINDS], axis=-1)).max(axis=-1)


def fold_of(ai: np.ndarray, groups: np.ndarray, folds: int = FOLDS) -> np.ndarray:
    """Fold of each clip: every group in one fold, both classes spread evenly, the same for the same input."""
    found = np.zeros(len(ai), int)
    for those in (ai, ~ai):
        names, sizes = np.unique(groups[those], return_counts=True)
        load = np.zeros(min(folds, len(names)))
        for place in np.argsort(-sizes, kind="stable"):  # large groups first, each to the emptiest fold
            fold = int(load.argmin())
            load[fold] += sizes[place]
            found[those & (groups == names[place])] = fold
    return found


def calibrate(scores: np.ndarray, ai: np.ndarray, groups: np.ndarray) -> Calibration:
    """Settle slope, bias and thresholds.

    Parameters
    ----------
    scores : numpy.ndarray, shape (n, conditions)
        Untouched first; NaN where not measured.
    ai, groups : numpy.ndarray, shape (n,)

    Returns
    -------
    Calibration
        "ai" from the lowest score that so few human clips reach that (1 + those) / (1 + all) is at most `FALSE_POSITIVES`;
        "human" below the `MISSED` quantile of AI scores, each generator and each condition weighing the same.
    """
    from sklearn.linear_model import LogisticRegression

    rows, conditions = np.nonzero(np.isfinite(scores))
    # an untouched clip weighs as much as all disturbed ones together, a class as much as the other
    weight = np.where(conditions == 0, 1.0, 1.0 / max(scores.shape[1] - 1, 1))
    for those in (ai[rows], ~ai[rows]):
        weight[those] *= len(ai) / weight[those].sum()
    fitted = LogisticRegression(C=10.0).fit(scores[rows, conditions][:, None], ai[rows], sample_weight=weight)
    human = np.sort(scores[~ai, 0])[::-1]
    passing = max(int(FALSE_POSITIVES * (len(human) + 1)) - 1, 0)
    ai_from = human[passing] * (1.0001 if passing else 1.05) + 1e-6  # beyond all that are known where none may pass
    values = scores[rows, conditions][ai[rows]]
    makers = groups[rows][ai[rows]]
    share = np.zeros(len(values))
    for maker in np.unique(makers):
        for condition in range(scores.shape[1]):
            those = (makers == maker) & (conditions[ai[rows]] == condition)
            share[those] = 1 / max(those.sum(), 1)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(share[order]) / share.sum()
    human_below = float(values[order][np.searchsorted(reached, MISSED)])
    return Calibration(
        float(fitted.coef_[0, 0]), float(fitted.intercept_[0]), min(human_below, float(ai_from)), float(ai_from)
    )


@dataclass(frozen=True, eq=False)
class Outcome:
    """What models said of clips whose groups they did not know; all shaped (n, conditions).

    Attributes
    ----------
    odds : numpy.ndarray
        Calibrated log-odds; NaN where not measured.
    called, cleared : numpy.ndarray of bool
        Said to be "ai", said to be "human".
    """

    odds: np.ndarray
    called: np.ndarray
    cleared: np.ndarray


def cross_validate(table: Table, settles: np.ndarray) -> Outcome:
    """Judge every clip by a model that knows none of its group.

    Parameters
    ----------
    table : Table
    settles : numpy.ndarray, shape (n,), bool
        Clips that may settle anything; the others are only judged.
    """
    scores = scores_unseen(table)
    odds = np.full(scores.shape, np.nan)
    called, cleared = np.zeros(scores.shape, bool), np.zeros(scores.shape, bool)
    for label, group in {*zip(table.ai.tolist(), table.groups.tolist(), strict=True)}:
        rows = (table.ai == label) & (table.groups == group)
        others = settles & ~rows
        model = calibrate(scores[others], table.ai[others], table.groups[others])
        odds[rows] = model.odds(scores[rows])
        called[rows] = scores[rows] >= model.ai_from
        cleared[rows] = scores[rows] < model.human_below
    return Outcome(odds, called, cleared)


# -- training ----------------------------------------------------------------------------------------------------------


def train(
    table: Table, *, set_aside: dict[str, str] | None = None, name: str = "lattice", resamplings: int = 1000
) -> tuple[bytes, dict]:
    """Train a detector.

    Parameters
    ----------
    table : Table
    set_aside : dict of str to str, optional
        Human sources that settle nothing, and why.
    name : str
        First part of ``model_version``; the second comes from the file's hash.
    resamplings : int
        Bootstrap resamplings behind the intervals.

    Returns
    -------
    model : bytes
        The ``.npz``.
    card : dict
        What JSON holds: whom it was trained on, how, and how good it is.

    Raises
    ------
    SettingsError
        Fewer than two groups of a class, or a source set aside that is not there.
    """
    settles = require_groups(table.ai, table.groups, set_aside or {})
    outcome = cross_validate(table, settles)
    model = calibrate(scores_unseen(table)[settles], table.ai[settles], table.groups[settles])
    share, warning = promise(int((~table.ai & settles).sum()))
    makers = sorted({(bool(ai), str(group)) for ai, group in zip(table.ai, table.groups, strict=True)})
    scale = np.maximum(table.profiles.std(axis=0), 0.1)
    data = pack(
        {
            "frame_rates": table.rates,
            "calibration": np.array([model.slope, model.bias]),
            "thresholds": model.odds(np.array([model.human_below, model.ai_from])),
            "profiles": table.profiles,
            "profile_scale": scale,
            "makers": np.array(
                [makers.index((bool(ai), str(group))) for ai, group in zip(table.ai, table.groups, strict=True)]
            ),
            "farthest": np.quantile(_to_nearest_other(table.profiles / scale, table.ai, table.groups), 0.99),
        }
    )
    digest = hashlib.sha256(data).hexdigest()
    card = {
        "model_version": f"{name}-{digest[:8]}",
        "sha256": digest,
        "features_version": FEATURES_VERSION,
        "sketch_version": SKETCH_VERSION,
        "method": "strength of lattices among the steadiest tones, the strongest of four kinds; see "
        "chartropy.analysis.detector",
        "frame_rates_hz": [round(rate, 4) for rate in table.rates.tolist()],
        "frame_rates_learned": {
            f"{rate:.4f}": sorted(taught)
            for rate, taught in zip(table.rates.tolist(), table.taught, strict=True)
            if taught
        },
        "units_nats": UNITS,
        "error_rates": {"human_called_ai": round(share, 4), "ai_called_human": MISSED},
        "thresholds": {
            "space": "log-odds",
            "human_below": round(float(model.odds(model.human_below)), 4),
            "ai_from": round(float(model.odds(model.ai_from)), 4),
            "human_below_score": round(model.human_below, 4),
            "ai_from_score": round(model.ai_from, 4),
        },
        "makers": [{"name": group, "label": "ai" if ai else "human"} for ai, group in makers],
        "clips": [clip.path.stem for clip in table.clips],
        "data": _data(table, settles, set_aside or {}),
        "cross_validation": figures(table, outcome, settles, resamplings),
        "limits": [*([warning] if warning else []), *LIMITS],
        "retrain": RETRAIN,
    }
    return data, card


def require_groups(ai: np.ndarray, groups: np.ndarray, set_aside: dict[str, str], least: int = 2) -> np.ndarray:
    """Which clips settle anything, shape (n,); an error where a class has fewer than `least` groups."""
    sources = set(groups[~ai].tolist())
    for source in set_aside:
        if source not in sources:
            raise SettingsError(
                f"{source!r} cannot be set aside: it is no human source here; there are {', '.join(sorted(sources))}."
            )
    settles = ai | ~np.isin(groups, list(set_aside))
    for name, those in (("generators of AI clips", ai), ("sources of human clips", ~ai & settles)):
        found = sorted(set(groups[those].tolist()))
        if len(found) < least:  # two: one held out, one to learn from
            raise SettingsError(
                f"At least {least} {name} are needed, and here are {len(found)}{': ' if found else ''}{', '.join(found)}."
            )
    return settles


def promise(human: int) -> tuple[float, str]:
    """What share of human clips from sources unheard may be called "ai", by so many clips; and a warning if it is not the usual.

    Of n clips none may pass, and the next is one of n + 1 that are alike: no threshold can promise less than 1 / (n + 1).
    """
    share = max(FALSE_POSITIVES, 1 / (human + 1))
    if share == FALSE_POSITIVES:
        return share, ""
    return share, (
        f'Only {human} human clips settled where "ai" begins: of others, up to {share:.0%} may be called AI. For '
        f"{FALSE_POSITIVES:.0%}, {round(1 / FALSE_POSITIVES) - 1} are needed."
    )


def _to_nearest_other(profiles: np.ndarray, ai: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Of every AI clip, how far the nearest one by another generator is."""
    own, makers = profiles[ai], groups[ai]
    distance = np.sqrt(np.mean(np.square(own[:, None] - own), axis=2))
    distance[makers[:, None] == makers] = np.inf
    return distance.min(axis=1)


def _data(table: Table, settles: np.ndarray, set_aside: dict[str, str]) -> dict:
    human = ~table.ai & settles
    return {
        "ai": int(table.ai.sum()),
        "human": int(human.sum()),
        "generators": sorted(set(table.groups[table.ai].tolist())),
        "human_sources": sorted(set(table.groups[human].tolist())),
        "set_aside": set_aside,
        "dropped": table.dropped,
    }


# -- figures -----------------------------------------------------------------------------------------------------------


def figures(table: Table, outcome: Outcome, settles: np.ndarray, resamplings: int = 1000) -> dict:
    """Everything that is said about groups which a model did not know.

    Parameters
    ----------
    table : Table
    outcome : Outcome
    settles : numpy.ndarray, shape (n,), bool
        What is not set aside: the pooled figures are of these.
    resamplings : int

    Returns
    -------
    dict
        What JSON holds. Intervals are of 95 %: bootstrap over groups for areas and recalls, Clopper-Pearson for counts.
    """
    ai, groups = table.ai, table.groups
    odds, called, cleared = outcome.odds[:, 0], outcome.called[:, 0], outcome.cleared[:, 0]
    resample = _resampler(ai, groups, settles, resamplings)
    names = ("auc", "recall_at_5_percent", "recall_at_1_percent")
    points, low, high = resample(lambda rows: _separation(odds[rows], ai[rows]))
    human = ~ai & settles
    counts = partial(_counts, called, cleared)
    return {
        "held_out": "one generator or one human source at a time",
        "interval": "95 %: bootstrap over groups for auc and recalls, Clopper-Pearson for counts (which takes clips of one "
        "group as independent: read them as the least uncertainty)",
        **{
            name: {"value": round(points[i], 4), "interval": [round(low[i], 4), round(high[i], 4)]}
            for i, name in enumerate(names)
        },
        "sensitivity": [int(called[ai].sum()), int(ai.sum())],
        "sensitivity_interval": clopper_pearson(int(called[ai].sum()), int(ai.sum())),
        "specificity": [int((~called[human]).sum()), int(human.sum())],
        "specificity_interval": clopper_pearson(int((~called[human]).sum()), int(human.sum())),
        "undecided": {
            name: [int((~called & ~cleared)[those].sum()), int(those.sum())]
            for name, those in (("ai", ai), ("human", human))
        },
        "called_human": {
            name: [int(cleared[those].sum()), int(those.sum())] for name, those in (("ai", ai), ("human", human))
        },
        "generators": {
            str(name): counts(ai & (groups == name))
            | {"auc": round(_auc_against(odds[ai & (groups == name)], odds[human]), 4)}
            for name in np.unique(groups[ai])
        },
        "human_sources": {str(name): counts(human & (groups == name)) for name in np.unique(groups[human])},
        "set_aside": {str(name): counts(~ai & (groups == name)) for name in np.unique(groups[~ai & ~settles])},
        "disturbances": _disturbances(table, outcome, settles, resamplings),
        "calibration": _calibration(odds[settles], ai[settles]),
        "productions": _productions(table, odds, called, cleared, settles),
        "shortcuts": _shortcuts(table, odds, settles),
        "roc": _roc(odds[settles], ai[settles]),
    }


def _counts(called: np.ndarray, cleared: np.ndarray, those: np.ndarray) -> dict:
    hits, trials = int(called[those].sum()), int(those.sum())
    return {
        "called_ai": [hits, trials],
        "interval": clopper_pearson(hits, trials),
        "undecided": int((~called & ~cleared)[those].sum()),
    }


def _resampler(ai: np.ndarray, groups: np.ndarray, settles: np.ndarray, resamplings: int) -> Callable:
    """A function that gives a statistic of rows with its bootstrap interval over groups."""
    members = [
        [
            np.flatnonzero((ai == label) & settles & (groups == name))
            for name in np.unique(groups[(ai == label) & settles])
        ]
        for label in (True, False)
    ]

    def resample(statistic: Callable[[np.ndarray], Sequence[float]]) -> tuple[list[float], list[float], list[float]]:
        rng = np.random.default_rng(0)
        drawn = []
        for _ in range(resamplings):
            rows = np.concatenate([each[i] for each in members for i in rng.integers(0, len(each), len(each))])
            drawn.append(statistic(rows))
        points = list(map(float, statistic(np.concatenate([rows for each in members for rows in each]))))
        if not drawn:
            return points, points, points
        low, high = np.nanpercentile(np.array(drawn, float), [2.5, 97.5], axis=0)
        return points, low.tolist(), high.tolist()

    return resample


def _disturbances(table: Table, outcome: Outcome, settles: np.ndarray, resamplings: int) -> dict:
    """By condition: how well it separates, and recall and false positives at a threshold set on untouched clips."""
    ai, groups = table.ai, table.groups
    human = ~ai & settles
    resample = _resampler(ai, groups, settles, resamplings // 5)
    threshold = _threshold(outcome.odds[human, 0], AT_DISTURBED)
    found = {}
    for place, name in enumerate(table.conditions):
        odds = outcome.odds[:, place]
        measured = np.isfinite(odds)
        if not (measured & ai).any() or not (measured & human).any():
            continue

        def statistic(
            rows: np.ndarray, odds: np.ndarray = odds, measured: np.ndarray = measured
        ) -> tuple[float, float]:
            rows = rows[measured[rows]]
            return (_auc(odds[rows], ai[rows]), float((odds[rows][ai[rows]] > threshold).mean()))

        points, low, high = resample(statistic)
        passed = int((odds[measured & human] > threshold).sum())
        trials = int((measured & human).sum())
        found[name] = {
            "ai": int((measured & ai).sum()),
            "human": trials,
            "auc": round(points[0], 4),
            "auc_interval": [round(low[0], 4), round(high[0], 4)],
            "recall": round(points[1], 4),
            "recall_interval": [round(low[1], 4), round(high[1], 4)],
            "false_positives": passed,
            "false_positives_interval": clopper_pearson(passed, trials),
            "called_ai": [int(outcome.called[measured & ai, place].sum()), int((measured & ai).sum())],
            "called_human": [int(outcome.cleared[measured & ai, place].sum()), int((measured & ai).sum())],
            "human_called_ai": [int(outcome.called[measured & human, place].sum()), trials],
            "generators": {
                str(group): round(float((odds[measured & ai & (groups == group)] > threshold).mean()), 4)
                for group in np.unique(groups[measured & ai])
            },
        }
    return found


def _productions(table: Table, odds: np.ndarray, called: np.ndarray, cleared: np.ndarray, settles: np.ndarray) -> dict:
    """Errors by kind of production, and whether the human scores differ between them more than chance would have it."""
    from scipy.stats import kruskal

    human = ~table.ai & settles
    kinds = [kind for kind in PRODUCTIONS if (human & (table.productions == kind)).sum() >= 5]
    test = kruskal(*(odds[human & (table.productions == kind)] for kind in kinds)) if len(kinds) > 1 else None
    return {
        "human": {kind: _counts(called, cleared, human & (table.productions == kind)) for kind in PRODUCTIONS},
        "ai": {kind: _counts(called, cleared, table.ai & (table.productions == kind)) for kind in PRODUCTIONS},
        "null_hypothesis": "human scores have the same distribution in every kind of production (Kruskal-Wallis)",
        "p": round(float(test.pvalue), 4) if test else None,
    }


def _shortcuts(table: Table, odds: np.ndarray, settles: np.ndarray) -> dict:
    """What may not decide: how well each separates the classes by itself, and how much of the scores it explains."""
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer, StandardScaler

    rows = np.flatnonzero(settles)
    ai, groups, odds = table.ai[rows], table.groups[rows], odds[rows]
    fold = fold_of(ai, groups)
    codecs = np.array([clip.codec for clip in table.clips])[rows]
    columns = {name: table.shortcuts[rows][:, [i]] for i, name in enumerate(SHORTCUTS)}
    columns["all of these"] = table.shortcuts[rows]
    if any(codecs):
        columns["the original's codec"] = (codecs[:, None] == np.unique(codecs)).astype(float)
    alone, explained = {}, {}
    within = odds - np.where(ai, odds[ai].mean(), odds[~ai].mean())
    for name, values in columns.items():
        curve = (
            (SplineTransformer(4, degree=2),) if values.shape[1] < len(SHORTCUTS) and len(np.unique(values)) > 8 else ()
        )
        guessed = np.zeros(len(rows))
        for held in range(fold.max() + 1):
            model = make_pipeline(*curve, StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000))
            model.fit(values[fold != held], ai[fold != held])
            guessed[fold == held] = model.decision_function(values[fold == held])
        alone[name] = round(_auc(guessed, ai), 3)
        explained[name] = round(max(0.0, float(LinearRegression().fit(values, within).score(values, within))), 3)
    by_codec = {}
    for codec in np.unique(codecs):
        those = codecs == codec
        if codec and min((those & ai).sum(), (those & ~ai).sum()) >= 5:
            by_codec[str(codec)] = {
                "auc": round(_auc(odds[those], ai[those]), 3),
                "ai": int((those & ai).sum()),
                "human": int((those & ~ai).sum()),
            }
    return {
        "auc_alone": alone,
        "share_of_the_scores_variance_within_a_class": explained,
        "auc_within_native_codec": by_codec,
    }


def _calibration(odds: np.ndarray, ai: np.ndarray) -> dict:
    """Stated and found share of AI in bins of probability, classes weighing the same, and what is off on average.

    Brier score: G. Brier 1950; expected calibration error: M. Naeini et al. 2015.
    """
    probability = 1 / (1 + np.exp(-odds))
    weights = np.where(ai, 0.5 / ai.sum(), 0.5 / (~ai).sum())
    bins = np.minimum((probability * 10).astype(int), 9)
    table, error = [], 0.0
    for place in range(10):
        rows = bins == place
        if rows.any():
            stated, found = np.average([probability[rows], ai[rows]], axis=1, weights=weights[rows])
            error += float(weights[rows].sum() * abs(stated - found))
            table.append([round(float(stated), 4), round(float(found), 4), int(rows.sum())])
    return {
        "brier": round(float(np.sum(weights * (probability - ai) ** 2)), 4),
        "expected_calibration_error": round(error, 4),
        "stated_found_n": table,
    }


def _roc(odds: np.ndarray, ai: np.ndarray) -> list[list[float]]:
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(ai, odds)
    return [[round(float(x), 4), round(float(y), 4)] for x, y in zip(false, true, strict=True)]


def _threshold(human: np.ndarray, rate: float) -> float:
    """The score that at most a share of the human clips exceeds."""
    return float(np.sort(human)[::-1][int(rate * len(human))])


def _separation(odds: np.ndarray, ai: np.ndarray) -> tuple[float, float, float]:
    recalls = [float((odds[ai] > _threshold(odds[~ai], rate)).mean()) for rate in (0.05, 0.01)]
    return _auc(odds, ai), recalls[0], recalls[1]


def _auc(odds: np.ndarray, ai: np.ndarray) -> float:
    """Share of the pairs of an AI and a human clip in which the AI clip scores higher; ties count half."""
    return _auc_against(odds[ai], odds[~ai])


def _auc_against(ai: np.ndarray, human: np.ndarray) -> float:
    human = np.sort(human)
    wins = np.searchsorted(human, ai, "left") + np.searchsorted(human, ai, "right")
    return float(wins.mean() / 2 / len(human))


def clopper_pearson(hits: int, trials: int) -> list[float]:
    """Exact 95 % interval of a share (C. Clopper & E. Pearson 1934), to four digits."""
    from scipy.stats import beta

    low = float(beta.ppf(0.025, hits, trials - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, trials - hits)) if hits < trials else 1.0
    return [round(low, 4), round(high, 4)]
