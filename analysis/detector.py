"""Was this recording made by a machine? A verdict from its sketch, with a calibrated probability.

What is looked for: the clock of a neural decoder. Its frames leave lines at the multiples of their rate, far weaker than the
music and far steadier (`chartropy.features.lines` finds them, `chartropy.analysis.lattice` says whether they lie on a
lattice, both with their sources). Four kinds of lattice are evidence, each as strong as the number of nats by which it
outdoes chance and the finer lattices that loops and notes make:

1. *known*: at a spacing that a decoder has;
2. *near*: within 5 % of a usual frame rate, and no note's: the recording was resampled, or is played a little faster or slower;
3. *shifted*: in lines of three quarters of a second, at a usual frame rate shifted by semitones: what survives a phase vocoder;
4. *free*: anywhere but at a note's: a decoder of another build, or quite another speed.

The more places a kind allows, the more often music gets there, so each has its unit (`UNITS`): the score is the largest of
log(1 + strength) / log(1 + unit). It is calibrated (J. Platt 1999) on recordings by generators and from sources that took no
part, and three answers come from conformal prediction (V. Vovk, A. Gammerman & G. Shafer, "Algorithmic Learning in a Random
World", 2005): "ai" where at most a stated share of such human recordings score as high, "human" where at most a stated share
of AI recordings score as low, else "undecided". All numbers come from a file that `chartropy.analysis.train` writes; reading
it runs no code.

What it cannot see: a generator without such traces, an AI song played by people. A human recording that was re-synthesised
by a neural codec has its traces, and is called "ai". "human" means: no trace found.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..features.lines import BANDS, Lines
from ..features.sketch import SKETCH_VERSION, Sketch
from ..workspace.errors import ModelError
from .lattice import LONG_WIDTH, SEMITONES, Lattice, Lattices, highest_of, lies_on, read

FEATURES_VERSION = 2
"""Rises whenever the same sketch gives other numbers: a model is good for one version."""

MIN_SECONDS = 10.0
MAX_SILENT = 0.5
MIN_BANDWIDTH = 5_000.0

KINDS = ("known", "near", "shifted", "free")
UNITS = {"known": 10.0, "near": 25.0, "shifted": 5.0, "free": 75.0}
"""Strength in nats at which a lattice of each kind counts as much as one of another."""

ENOUGH = 0.7
"""Of the largest value, what a kind must have to be told of, the simpler ones first."""

PROFILE = 2 * BANDS + len(KINDS) + 1
"""Numbers of a profile (`profile`)."""

_MAX_MODEL_BYTES = 3_000_000
_SHAPES: dict[str, tuple[int | None, ...]] = {
    "frame_rates": (None,),  # Hz, rising
    "calibration": (2,),  # slope and bias: score to log-odds
    "thresholds": (2,),  # log-odds: "human" below the first, "ai" from the second
    "profiles": (None, PROFILE),  # of the clips it was trained on
    "profile_scale": (PROFILE,),
    "makers": (None,),  # of each profile: its place in the card's list of makers
    "farthest": (),  # from their nearest neighbour are 99 of 100 AI clips of its training at most so far
}
_SHIPPED = Path(__file__).with_name("detector.npz")


@dataclass(frozen=True)
class Verdict:
    """What the detector says about one recording.

    Attributes
    ----------
    verdict : {'ai', 'human', 'undecided', 'unmeasured'}
    probability : float or None
        Of being AI-made, where AI and human recordings are equally frequent. None when unmeasured.
    reason : str
        One sentence for a person.
    model_version : str
    evidence : dict
        What JSON can hold: log-odds and thresholds, the kind of the lattice that decided, its spacing in Hz, how many
        lines lie on it and how many would by chance, the strength of every kind in nats, its highest lines in Hz, and the
        most alike clips of the training, three of each class.
    """

    verdict: Literal["ai", "human", "undecided", "unmeasured"]
    probability: float | None
    reason: str
    model_version: str
    evidence: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Score:
    """The strongest evidence in a recording.

    Attributes
    ----------
    value : float
        The largest of log(1 + strength) / log(1 + unit) over the kinds; 0 is none.
    kind : str
        Of `KINDS`, the first that is worth `ENOUGH` of it.
    lattice : Lattice
        The strongest of that kind.
    strengths : dict of str to float
        Of every kind, in nats.
    frame_rate : float
        The usual frame rate that the lattice is near or shifted from, in Hz; 0 for the other kinds.
    """

    value: float
    kind: str
    lattice: Lattice
    strengths: dict[str, float]
    frame_rate: float


def refusal(sketch: Sketch) -> str:
    """Why this sketch cannot be judged, as a sentence; empty when it can."""
    if sketch.silent >= 1.0:
        return "There is no sound to judge: the clip is silent."
    if sketch.seconds < MIN_SECONDS:
        return f"The clip is {sketch.seconds:.1f} s long; at least {MIN_SECONDS:.0f} s are needed."
    if sketch.silent > MAX_SILENT:
        return f"{sketch.silent:.0%} of the clip is silent; at most {MAX_SILENT:.0%} may be."
    if sketch.bandwidth < MIN_BANDWIDTH:
        return (
            f"The sound reaches only up to {sketch.bandwidth / 1000:.1f} kHz; traces are looked for from 2 kHz on, and at "
            f"least {MIN_BANDWIDTH / 1000:.0f} kHz are needed."
        )
    if sketch.speech.alone:
        return "There is only speech to judge: syllables, pauses and sibilants, without a beat."
    if sketch.lines is None:
        return "Its sketch was drawn by an earlier Chartropy, without what is judged now: describe the audio anew."
    return ""


def score(found: Lattices, frame_rates: np.ndarray) -> Score:
    """Weigh what was found.

    Parameters
    ----------
    found : Lattices
    frame_rates : numpy.ndarray, shape (n,)
        Hz, those of `found.near` and `found.shifted`.

    Returns
    -------
    Score
    """
    near, shifted = (int(np.argmax([lattice.strength for lattice in kind])) for kind in (found.near, found.shifted))
    every = {
        "known": (found.known, 0.0),
        "near": (found.near[near], float(frame_rates[near])),
        "shifted": (found.shifted[shifted], float(frame_rates[shifted])),
        "free": (found.free, 0.0),
    }
    strengths = {kind: lattice.strength for kind, (lattice, _) in every.items()}
    values = values_of(np.array([strengths[kind] for kind in KINDS]))
    # one clock shows in several kinds: it is told by the simplest that is nearly as strong
    best = KINDS[int((values >= ENOUGH * values.max()).argmax())]
    return Score(float(values.max()), best, every[best][0], strengths, every[best][1])


def values_of(strengths: np.ndarray) -> np.ndarray:
    """What strengths, in the order of `KINDS` along the last axis, are worth in the score."""
    return np.log1p(strengths) / np.log1p(np.array([UNITS[kind] for kind in KINDS]))


def profile(lines: Lines, seen: Score) -> np.ndarray:
    """What a recording's traces look like, to find others like it.

    Parameters
    ----------
    lines : Lines
    seen : Score
        What was found in them.

    Returns
    -------
    numpy.ndarray, shape (PROFILE,)
        Of each band of each channel, the root of the share of its lines that lie on the lattice which decided; the value of
        every kind; and the logarithm (base 2) of the spacing, 0 where there is none.
    """
    spacing = seen.lattice.spacing
    shares = np.zeros(2 * BANDS)
    for place, band in enumerate(lines.long.reshape(-1, 1, *lines.long.shape[-2:])):
        hertz = highest_of(band)
        if spacing and len(hertz):
            shares[place] = np.mean(lies_on(hertz, spacing, LONG_WIDTH / lines.seconds))
    values = values_of(np.array([seen.strengths[kind] for kind in KINDS]))
    return np.array([*np.sqrt(shares), *values, np.log2(spacing) if spacing else 0.0])


class Detector:
    """A trained model, ready to judge.

    Parameters
    ----------
    arrays : dict of str to numpy.ndarray
        The model, checked by `load`.
    card : dict
        What is known about it: how it was trained, how well it does on unseen generators, its limits.
    """

    def __init__(self, arrays: dict[str, np.ndarray], card: dict):
        self._arrays = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
        self.card = card

    @classmethod
    def load(cls, path: Path | str | None = None) -> Detector:
        """Read a model file and its card (same name, ``.json``).

        Parameters
        ----------
        path : path, optional
            The ``.npz``; default: the model that ships with Chartropy.

        Raises
        ------
        ModelError
            Missing, damaged, changed since its card was written, not a detector, or made for another version.
        """
        path = Path(path) if path is not None else _SHIPPED
        if path.suffix == ".json":
            raise ModelError(f"{path}: that is a card; give the model beside it, {path.with_suffix('.npz').name}.")
        if not path.exists():
            raise ModelError(f"{path}: there is no such model.")
        card = _read_card(path.with_suffix(".json"))
        return cls(_read_arrays(path, card), card)

    @property
    def summary(self) -> dict:
        """The card without its lists of clips and makers."""
        return {name: value for name, value in self.card.items() if name not in ("clips", "makers")}

    @property
    def model_version(self) -> str:
        return self.card["model_version"]

    @property
    def frame_rates(self) -> np.ndarray:
        """Hz: the frame rates it knows, shape (n,)."""
        return self._arrays["frame_rates"]

    @property
    def thresholds(self) -> tuple[float, float]:
        """Log-odds: "human" below the first, "ai" from the second."""
        human_below, ai_from = self._arrays["thresholds"].tolist()
        return human_below, ai_from

    @property
    def sensitivity(self) -> tuple[int, int]:
        """AI recordings called "ai", of all judged: by generators that the model had not seen."""
        hits, trials = self.card["cross_validation"]["sensitivity"]
        return hits, trials

    @property
    def specificity(self) -> tuple[int, int]:
        """Human recordings not called "ai", of all judged: from sources that the model had not seen."""
        hits, trials = self.card["cross_validation"]["specificity"]
        return hits, trials

    def log_odds(self, value: float | np.ndarray) -> np.ndarray:
        """Log-odds of being AI-made, of a score."""
        slope, bias = self._arrays["calibration"]
        return slope * np.asarray(value) + bias

    def judge(self, sketch: Sketch) -> Verdict:
        """Judge one recording. Never raises for an unsuitable one: the verdict is then "unmeasured" and says why."""
        why_not = refusal(sketch)
        if why_not or sketch.lines is None:
            evidence: dict[str, object] = {
                "seconds": round(sketch.seconds, 2),
                "silent": round(sketch.silent, 3),
                "bandwidth_hz": round(sketch.bandwidth),
            }
            return Verdict("unmeasured", None, why_not, self.model_version, evidence)
        seen = score(read(sketch.lines, self.frame_rates.tolist()), self.frame_rates)
        odds = float(self.log_odds(seen.value))
        human_below, ai_from = self.thresholds
        verdict = "ai" if odds >= ai_from else "human" if odds < human_below else "undecided"
        like, distance = self._alike(profile(sketch.lines, seen))
        unlike = verdict == "ai" and distance > self._arrays["farthest"]
        evidence = {
            "log_odds": round(odds, 3),
            "human_below": round(float(human_below), 3),
            "ai_from": round(float(ai_from), 3),
            "kind": seen.kind,
            "spacing_hz": round(seen.lattice.spacing, 4),
            "frame_rate_hz": round(seen.frame_rate, 4) or None,
            "lines": round(seen.lattice.lines),
            "expected": round(seen.lattice.expected, 1),
            "strengths": {kind: round(strength, 1) for kind, strength in seen.strengths.items()},
            "peaks_hz": _highest_on(sketch.lines, seen.lattice),
            "alike": like,
            "unlike_any_known": bool(unlike),
        }
        reason = _reason(verdict, seen, like["ai"][0]["maker"] if like["ai"] else "", unlike=bool(unlike))
        return Verdict(verdict, _logistic(odds), reason, self.model_version, evidence)

    def _alike(self, own: np.ndarray) -> tuple[dict[str, list[dict[str, Any]]], float]:
        """The three nearest clips of each class, and how far the nearest AI clip is."""
        a = self._arrays
        distance = np.sqrt(np.mean(np.square((a["profiles"] - own) / a["profile_scale"]), axis=1))
        makers = [self.card["makers"][int(place)] for place in a["makers"]]
        labels = np.array([maker["label"] for maker in makers])
        order = np.argsort(distance, kind="stable")
        found: dict[str, list[dict[str, Any]]] = {
            label: [
                {
                    "clip": self.card["clips"][place],
                    "maker": makers[place]["name"],
                    "distance": round(float(distance[place]), 2),
                }
                for place in order[labels[order] == label][:3].tolist()
            ]
            for label in ("ai", "human")
        }
        return found, float(distance[labels == "ai"].min(initial=np.inf))


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """The model file's bytes: the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.asarray(arrays[name]).astype("<f4") for name in _SHAPES})  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def _highest_on(lines: Lines, lattice: Lattice, count: int = 8) -> list[float]:
    """Hz of the highest long lines on a lattice, rising, each once."""
    if not lattice.spacing or not lines.seconds:
        return []
    every = lines.long.reshape(-1, 2).astype(float)
    every = every[every[:, 0] > 0]
    on = every[lies_on(every[:, 0], lattice.spacing, LONG_WIDTH / lines.seconds)]
    on = on[np.argsort(-on[:, 1], kind="stable")]
    found: dict[int, float] = {}
    for hertz, _ in on.tolist():
        found.setdefault(round(hertz / lattice.spacing), round(hertz, 2))
        if len(found) == count:
            break
    return sorted(found.values())


def _reason(verdict: str, seen: Score, maker: str, *, unlike: bool) -> str:
    if verdict == "human":
        return "No trace of a neural decoder was found; a generator that leaves none would look the same."
    lattice = seen.lattice
    count = (
        f"{lattice.lines:.0f} of its steadiest tones lie at multiples of {lattice.spacing:.2f} Hz, where about "
        f"{lattice.expected:.0f} would by chance"
    )
    if verdict == "undecided":
        return f"{count}: too weak to tell a neural decoder from music."
    if seen.kind == "known":
        how = f"a neural decoder that makes {lattice.spacing:.2f} frames a second, or a multiple of it, leaves them"
    elif seen.kind == "near":
        how = (
            f"a decoder of {seen.frame_rate:.2f} frames a second, played {abs(lattice.spacing / seen.frame_rate - 1):.2%} "
            f"{'faster' if lattice.spacing > seen.frame_rate else 'slower'}, leaves them"
        )
    elif seen.kind == "shifted":
        semitones = min(SEMITONES, key=lambda n: abs(seen.frame_rate * 2 ** (n / 12) - lattice.spacing))
        shift = f"its pitch shifted by {semitones:+d} semitones" if semitones else "blurred by what came after"
        how = f"a decoder of {seen.frame_rate:.2f} frames a second, {shift}, leaves them"
    else:
        how = "no usual decoder has that rate, but nothing in music is as regular"
    known = (
        "It resembles no generator that the model knows"
        if unlike
        else f"Of the generators known, {maker} is the most alike"
    )
    return f"{count}: {how}. {known}."


def _logistic(x: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(x, -50, 50))))


def _read_card(path: Path) -> dict:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: the model's card cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise ModelError(f"{path}: the model's card is not JSON ({error}).") from error
    wrong = f"{path}: not the card of a detector: "
    if not isinstance(card, dict):
        raise ModelError(wrong + "it should hold an object.")
    for name in ("model_version", "sha256"):
        if not isinstance(card.get(name), str) or not card[name]:
            raise ModelError(wrong + f"{name!r} is missing.")
    for name, version in (("features_version", FEATURES_VERSION), ("sketch_version", SKETCH_VERSION)):
        if card.get(name) != version:
            raise ModelError(
                f"{path}: made for {name} {card.get(name)!r}, this Chartropy has {version}; train the model again."
            )
    makers, clips = card.get("makers"), card.get("clips")
    if not (
        isinstance(makers, list)
        and all(
            isinstance(maker, dict) and maker.get("label") in ("ai", "human") and isinstance(maker.get("name"), str)
            for maker in makers
        )
        and isinstance(clips, list)
    ):
        raise ModelError(wrong + "'makers' and 'clips' should list whom and what it was trained on.")
    figures = card.get("cross_validation")
    for name in ("sensitivity", "specificity"):
        counts = figures.get(name) if isinstance(figures, dict) else None
        if not (
            isinstance(counts, list)
            and len(counts) == 2
            and all(type(count) is int for count in counts)
            and 0 <= counts[0] <= counts[1]
        ):
            raise ModelError(wrong + f"cross_validation.{name} should be [hits, trials], not {counts!r}.")
    return card


def _read_arrays(path: Path, card: dict) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_MODEL_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path}: the model cannot be read ({error.strerror or error}).") from error
    if len(data) > _MAX_MODEL_BYTES:
        raise ModelError(f"{path}: larger than {_MAX_MODEL_BYTES:,} bytes; this is no detector of Chartropy's.")
    found = hashlib.sha256(data).hexdigest()
    if found != card["sha256"]:
        raise ModelError(
            f"{path}: changed since its card was written (SHA-256 {found[:12]}…, the card says "
            f"{card['sha256'][:12]}…); reinstall Chartropy or train the model again."
        )
    arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            if sum(member.file_size for member in members.infolist()) > _MAX_MODEL_BYTES:
                raise ModelError(f"{path}: unpacks to more than {_MAX_MODEL_BYTES:,} bytes.")
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            for name, shape in _SHAPES.items():
                array = file[name]
                fits = len(array.shape) == len(shape) and all(
                    asked in (None, size) for asked, size in zip(shape, array.shape, strict=True)
                )
                if not fits or array.dtype != np.dtype("<f4"):
                    sizes = "×".join("n" if size is None else str(size) for size in shape) or "one number"
                    raise ModelError(
                        f"{path}: {name} is {array.dtype} {array.shape}, not float32 {sizes}: no model for this Chartropy."
                    )
                if not np.isfinite(array).all():
                    raise ModelError(f"{path}: {name} holds values that are not numbers; train the model again.")
                arrays[name] = array
    except KeyError as error:
        raise ModelError(f"{path}: lacks an array ({error.args[0]}); no model for this Chartropy.") from error
    except (ValueError, OSError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise ModelError(f"{path}: not a file of plain arrays ({error}).") from error
    if (arrays["profile_scale"] <= 0).any() or arrays["thresholds"][0] > arrays["thresholds"][1]:
        raise ModelError(f"{path}: a scale is not positive or the thresholds are in the wrong order.")
    if not len(arrays["frame_rates"]) or (arrays["frame_rates"] <= 0).any():
        raise ModelError(f"{path}: frame rates are missing or not positive.")
    count, makers = len(arrays["profiles"]), arrays["makers"]
    if len(makers) != count or len(card["clips"]) != count or not np.isin(makers, range(len(card["makers"]))).all():
        raise ModelError(f"{path}: profiles, their makers and the card's list of clips do not belong together.")
    return arrays
