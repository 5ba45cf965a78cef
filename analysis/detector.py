"""Was this recording made by a machine? A verdict from its sketch, with a calibrated probability.

What is looked for. A neural decoder turns a slow latent into samples by upsampling it layer after layer. Whatever does
not change in the latent returns at every multiple of each layer's rate: a comb of fine, steady peaks in the long-term
spectrum, at multiples of ``rate / stride product``. D. Afchar, G. Meseguer-Brocal, K. Akesbi and R. Hennequin
("A Fourier explanation of AI-music artifacts", ISMIR 2025) show why; the mathematics of the artefact goes back to
A. Odena, V. Dumoulin and C. Olah ("Deconvolution and checkerboard artifacts", Distill 2016) and J. Pons et al.
("Upsampling artifacts in neural audio synthesis", ICASSP 2021). The method here is our own:

1. *Residue*: the long-term spectrum minus its median over 5 bins (13 Hz), in units of its own spread. Level, slope,
   bandwidth and most music fall out; only what is as sharp as one bin stays.
2. *Combs*: how far the residue stands out, in standard errors, at the multiples of each spacing that an upsampling
   decoder can have (a usual sampling rate over 2^a·3^b·5^c). A drum machine's steady tempo also makes combs, at a few Hz,
   whose multiples fall on the same places: so each comb is compared with the places between its teeth, spacings under
   20 Hz are left out, and a comb must show in several parts of the spectrum, as the harmonics of a note do not.
3. *Places*: a linear model over the residue bin by bin, which knows where generators in the training set leave peaks.

Both parts are logistic regressions. Their scores on recordings by unseen generators are added in fixed proportion and
calibrated (Platt 1999). All arrays come from a file that `chartropy.analysis.train` writes; reading it runs no code.

What it cannot see: a generator without such traces, sound resampled by other than the usual ratios after generation
(0.1 % suffices to move the teeth), an AI song played by people. "human" means: no trace found.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from ..features.sketch import BINS, N_FFT, RATE, SKETCH_VERSION, Sketch
from ..workspace.errors import ModelError

FEATURES_VERSION = 1
"""Rises whenever `describe` gives other numbers for the same sketch: a model is good for one version."""

MIN_SECONDS = 10.0
MAX_SILENT = 0.5
MIN_BANDWIDTH = 7_000.0

LOW_HZ, HIGH_HZ = 2_000.0, 15_500.0
"""Where the residue is read: below, music's own partials are as sharp as the traces; above, codecs cut."""

COMB_LOW_HZ = 3_000.0
PARTS_HZ = ((2_000.0, 6_000.0), (6_000.0, 10_500.0), (10_500.0, 15_500.0))
SPACINGS_HZ = (20.0, 1_400.0)
PICTURES = ("mid", "low")
COMB_FEATURES = ("clear", "clear_in_two_parts", "in_all_parts")
"""The strongest comb by three measures: over the whole range and clear of what stands between its teeth; the same in the
second best part of the spectrum; and, without that comparison, in the weakest part."""


_HZ = RATE / N_FFT
_FIRST, _LAST = round(LOW_HZ / _HZ), round(HIGH_HZ / _HZ)
PLACES = _LAST - _FIRST
_MAX_MODEL_BYTES = 4_000_000
_BETWEEN = (1 / 2, 1 / 3, 2 / 3, 1 / 5, 2 / 5, 3 / 5, 4 / 5)
_SHAPES = {
    "comb_center": (len(COMB_FEATURES),),
    "comb_scale": (len(COMB_FEATURES),),
    "comb_weights": (len(COMB_FEATURES),),
    "comb_bias": (),
    "place_weights": (len(PICTURES), PLACES),
    "place_bias": (),
    "blend": (3,),  # weight of the combs' score, of the places' score, and bias: gives the log-odds
    "thresholds": (2,),  # log-odds: "human" below the first, "ai" from the second
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
        What JSON can hold: log-odds, thresholds, the spacing of the strongest comb in Hz, its strength in standard
        errors and its strongest peaks in Hz.
    """

    verdict: Literal["ai", "human", "undecided", "unmeasured"]
    probability: float | None
    reason: str
    model_version: str
    evidence: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """What the models eat (see the module's docstring).

    Attributes
    ----------
    combs : numpy.ndarray, shape (3,), float64
        `COMB_FEATURES` of mid, as log(1 + standard errors).
    places : numpy.ndarray, shape (2, PLACES), float32
        Residue of mid and low from `LOW_HZ` to `HIGH_HZ`, mean 0 and variance 1.
    spacing : float
        Hz between the teeth of the strongest comb in mid.
    strength : float
        How many standard errors it stands out from what is between its teeth.
    peaks : tuple of float
        Hz of the strongest teeth, at most 8, rising.
    """

    combs: np.ndarray
    places: np.ndarray
    spacing: float
    strength: float
    peaks: tuple[float, ...]


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
            f"The sound reaches only up to {sketch.bandwidth / 1000:.1f} kHz; the traces are read up to 15.5 kHz, "
            f"and at least {MIN_BANDWIDTH / 1000:.0f} kHz are needed."
        )
    return ""


def describe(sketch: Sketch) -> Description:
    """Compute what the models eat from a sketch."""
    residues = [_residue(getattr(sketch, picture)) for picture in PICTURES]
    whole, *parts = (_standing(residues[0], combs) for combs in _combs())
    clear_in_parts = np.sort([part.clear for part in parts], axis=0)
    best = int(whole.clear.argmax())
    combs = [
        whole.clear[best],
        clear_in_parts[-2].max(),
        np.min([part.plain for part in parts], axis=0).max(),
    ]
    spacing = float(spacings()[best])
    return Description(
        combs=np.log1p(np.maximum(combs, 0.0)),
        places=np.stack([residue[_FIRST:_LAST] for residue in residues]),
        spacing=spacing,
        strength=float(whole.clear[best]),
        peaks=_strongest_teeth(residues[0], spacing),
    )


@lru_cache(maxsize=1)
def spacings() -> np.ndarray:
    """Hz between the teeth that an upsampling decoder can leave, rising, without doubles.

    The usual sampling rates (their halves are in it too) over every stride product 2^a·3^b·5^c, b at most 1, c at most 2.
    """
    products = {2**a * 3**b * 5**c for a in range(13) for b in range(2) for c in range(3)}
    low, high = SPACINGS_HZ
    every = {round(rate / n, 4) for rate in (32_000, 44_100, 48_000) for n in products if low <= rate / n <= high}
    return np.array(sorted(every))


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
        card = _read_card(path.with_suffix(".json"))
        return cls(_read_arrays(path, card), card)

    @property
    def model_version(self) -> str:
        return self.card["model_version"]

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

    def judge(self, sketch: Sketch) -> Verdict:
        """Judge one recording. Never raises for an unsuitable one: the verdict is then "unmeasured" and says why."""
        why_not = refusal(sketch)
        if why_not:
            evidence: dict[str, object] = {
                "seconds": round(sketch.seconds, 2),
                "silent": round(sketch.silent, 3),
                "bandwidth_hz": round(sketch.bandwidth),
            }
            return Verdict("unmeasured", None, why_not, self.model_version, evidence)
        seen = describe(sketch)
        combs, places = self.scores(seen)
        weights = self._arrays["blend"]
        odds = float(weights[0] * combs + weights[1] * places + weights[2])
        human_below, ai_from = self._arrays["thresholds"]
        verdict = "ai" if odds >= ai_from else "human" if odds < human_below else "undecided"
        evidence = {
            "log_odds": round(odds, 3),
            "human_below": round(float(human_below), 3),
            "ai_from": round(float(ai_from), 3),
            "combs": round(float(combs), 3),
            "places": round(float(places), 3),
            "spacing_hz": round(seen.spacing, 2),
            "standard_errors": round(seen.strength, 1),
            "peaks_hz": [round(peak) for peak in seen.peaks],
        }
        by_combs = weights[0] * combs >= weights[1] * places
        return Verdict(verdict, _logistic(odds), _reason(verdict, seen, bool(by_combs)), self.model_version, evidence)

    def scores(self, seen: Description) -> tuple[float, float]:
        """Scores of the two parts, before they are blended: combs, places."""
        a = self._arrays
        combs = (seen.combs - a["comb_center"]) / a["comb_scale"] @ a["comb_weights"] + a["comb_bias"]
        places = np.sum(seen.places * a["place_weights"]) + a["place_bias"]
        return float(combs), float(places)


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """The model file's bytes: the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: arrays[name].astype(_dtype(name)) for name in _SHAPES})  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def _reason(verdict: str, seen: Description, by_combs: bool) -> str:
    comb = f"evenly spaced peaks, one every {seen.spacing:.1f} Hz between 3 and 15.5 kHz"
    if verdict == "ai":
        if by_combs:
            return f"The spectrum holds {comb}, as the upsampling of neural decoders leaves them."
        return "The spectrum holds fine steady peaks at places where known music generators leave them."
    if verdict == "human":
        return "No trace of a neural decoder was found; a generator that leaves none would look the same."
    if by_combs:
        return f"There are faint traces, {comb}: too weak to tell a neural decoder from music."
    return "There are faint peaks at places where known music generators leave them: too weak to decide."


def _logistic(x: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(x, -50, 50))))


def _residue(levels: np.ndarray) -> np.ndarray:
    """Fine structure of a long-term spectrum, mean 0 and variance 1 over what is read, shape (BINS,)."""
    levels = levels.astype(np.float32)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(levels, 2, mode="edge"), 5)
    residue = levels - np.median(around, axis=1)
    read = slice(_FIRST, _LAST)
    # the robust spread first, so that a few loud partials do not hide the rest; 0.05 dB is what float16 rounds away
    spread = 1.48 * np.median(np.abs(residue[read])) + 0.05
    residue = np.clip(residue / spread, -5, 5)
    residue -= residue[read].mean()
    deviation = residue[read].std()
    return residue / deviation if deviation > 0 else np.zeros(BINS, np.float32)


@dataclass(frozen=True)
class _Standing:
    """How many standard errors each comb stands out, by spacing."""

    plain: np.ndarray  # from the residue as a whole
    clear: np.ndarray  # from the highest of what is between its teeth


@dataclass(frozen=True)
class _Combs:
    """The bins under the teeth of every comb in one range, first on the teeth, then shifted between them."""

    bins: np.ndarray
    starts: np.ndarray  # where in bins each comb begins
    count: np.ndarray  # teeth of each comb, shape (1 + len(_BETWEEN), spacings)


def _standing(residue: np.ndarray, combs: _Combs) -> _Standing:
    means = np.add.reduceat(residue[combs.bins], combs.starts).reshape(combs.count.shape) / combs.count
    root = np.sqrt(combs.count[0])
    return _Standing(means[0] * root, (means[0] - np.maximum(means[1:].max(axis=0), 0)) * root)


@lru_cache(maxsize=1)
def _combs() -> tuple[_Combs, ...]:
    """Where to look: the whole range first, then its parts."""
    found = []
    for low, high in ((COMB_LOW_HZ, HIGH_HZ), *PARTS_HZ):
        teeth = [
            np.round((np.arange(np.ceil(low / spacing), high // spacing) + offset) * spacing / _HZ).astype(np.intp)
            for offset in (0, *_BETWEEN)
            for spacing in spacings()
        ]
        count = np.array([len(t) for t in teeth])
        starts = np.concatenate([[0], np.cumsum(count)[:-1]])
        found.append(_Combs(np.concatenate(teeth), starts, count.reshape(1 + len(_BETWEEN), -1)))
    return tuple(found)


def _strongest_teeth(residue: np.ndarray, spacing: float) -> tuple[float, ...]:
    teeth = np.arange(np.ceil(COMB_LOW_HZ / spacing), HIGH_HZ // spacing) * spacing
    standing = residue[np.round(teeth / _HZ).astype(int)]
    strongest = np.argsort(-standing, kind="stable")[:8]
    return tuple(float(hz) for hz in np.sort(teeth[strongest[standing[strongest] > 1]]))


def _dtype(name: str) -> np.dtype:
    return np.dtype("<f2" if name == "place_weights" else "<f4")


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
                if array.shape != shape or array.dtype != _dtype(name):
                    raise ModelError(
                        f"{path}: {name} is {array.dtype} {array.shape}, not {_dtype(name)} {shape}: no model for this "
                        "Chartropy."
                    )
                if not np.isfinite(array).all():
                    raise ModelError(f"{path}: {name} holds values that are not numbers; train the model again.")
                arrays[name] = array
    except KeyError as error:
        raise ModelError(f"{path}: lacks an array ({error.args[0]}); no model for this Chartropy.") from error
    except (ValueError, OSError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise ModelError(f"{path}: not a file of plain arrays ({error}).") from error
    if (arrays["comb_scale"] <= 0).any() or arrays["thresholds"][0] > arrays["thresholds"][1]:
        raise ModelError(f"{path}: a scale is not positive or the thresholds are in the wrong order.")
    return arrays


__all__ = [
    "COMB_FEATURES",
    "FEATURES_VERSION",
    "HIGH_HZ",
    "LOW_HZ",
    "PLACES",
    "Description",
    "Detector",
    "Verdict",
    "describe",
    "pack",
    "refusal",
    "spacings",
]
