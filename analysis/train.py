"""Train the detector and say how good it is on generators it has not seen.

Run as ``python -m chartropy.analysis.train MANIFEST.csv [--out DIR]``. The manifest names one clip a row: ``path``
(relative to the manifest), ``label`` (``ai`` or ``human``), ``generator`` (of an AI clip) and ``source`` or ``group``
(of a human one). Other columns are optional; ``native_codec`` lets the report compare like with like.

How it is validated. A generator is one group, a human source is one group, and no group is ever on both sides of a
split. Folds hold out one generator (or several, when there are many) together with a share of the human sources. The
outer folds only measure; inside each, regularisation, calibration (J. Platt 1999) and both thresholds are settled on
inner folds made the same way, on scores of recordings that the parts had not seen (nested cross-validation, S. Varma &
R. Simon, BMC Bioinformatics 2006).

Same manifest, same audio, same libraries: same bytes. Nothing of the audio goes into the model but one weight per bin.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.decode import decode
from ..features.sketch import RATE, SKETCH_VERSION, sketch
from ..workspace.errors import AudioError, SettingsError
from .detector import COMB_FEATURES, FEATURES_VERSION, describe, pack, refusal, spacings

MAX_FOLDS = 10
FALSE_POSITIVES = 0.01
"""Share of the human clips that the threshold for "ai" may let through, on inner folds."""

MISSED = 0.05
"""Share of the AI clips, each generator weighing the same, that may fall below the threshold for "human"."""

COMB_STRENGTHS = (0.002, 0.01)  # inverse regularisation of the two parts, chosen on inner folds
PLACE_STRENGTHS = (3e-4, 1e-3)
PLACE_SHARE = 0.3
"""What the places' score adds to the combs', both in units of their spread over human clips. Fixed and small: places
are what known generators share, and fitting the share to a handful of generators made unseen ones worse."""

SHORTCUTS = ("bandwidth", "seconds", "rms_db", "peak_db", "silent")
LIMITS = (
    "Judges traces of neural decoders, not whether a human wrote or played the music: AI compositions performed by "
    "people, and generators that leave no such traces, read as human.",
    "Resampling by an unusual ratio after generation (0.1 % suffices), pitch shifts and bitrates of 64 kbit/s and less "
    "hide the traces.",
    "Clips under 10 s, more than half silent or without sound above the card's minimum bandwidth are refused, not "
    "scored; they are in no count here.",
    "The probability holds where half of the recordings are AI-made; elsewhere correct it with the prior.",
    "The method was settled while looking at cross-validated figures on the same clips: expect a little less on others.",
)

Model = dict[str, np.ndarray]


@dataclass(frozen=True)
class Clip:
    """One row of the manifest."""

    path: Path
    ai: bool
    group: str
    native_codec: str


@dataclass(frozen=True)
class Table:
    """Everything the models eat, one row per clip that can be judged."""

    ai: np.ndarray  # bool (n,)
    groups: np.ndarray  # str (n,)
    codecs: np.ndarray  # str (n,)
    combs: np.ndarray  # (n, 3)
    places: np.ndarray  # (n, 2 * PLACES)
    gram: np.ndarray  # places @ places.T: all that a ridge-penalised linear model needs
    shortcuts: np.ndarray  # (n, 5)

    def __len__(self) -> int:
        return len(self.ai)


def main(arguments: list[str] | None = None) -> int:
    """Train on a manifest, print the report, write ``detector.npz`` and ``detector.json``."""
    parser = argparse.ArgumentParser(prog="python -m chartropy.analysis.train", description="Train the AI detector.")
    parser.add_argument("manifest", type=Path, help="CSV of labelled clips")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for detector.npz and detector.json")
    parser.add_argument("--jobs", type=int, default=2, help="processes that decode (default 2)")
    parser.add_argument("--name", default="combs-1", help="first part of the model's version")
    chosen = parser.parse_args(arguments)
    try:
        card = train(chosen.manifest, chosen.out, jobs=chosen.jobs, name=chosen.name)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 (a script)
        return 2
    print(report(card))  # noqa: T201
    return 0


def train(manifest: Path, out: Path, *, jobs: int = 2, name: str = "combs-1", resamplings: int = 1000) -> dict:
    """Train, validate and write a detector.

    Parameters
    ----------
    manifest : Path
        CSV of labelled clips (see the module's docstring).
    out : Path
        Folder that gets ``detector.npz`` and its card ``detector.json``.
    jobs : int
        Processes that decode and sketch.
    name : str
        First part of ``model_version``; the second comes from the file's hash.
    resamplings : int
        Bootstrap resamplings behind the intervals.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    SettingsError
        The manifest cannot be read, lacks a column, or has fewer than three groups of either class.
    """
    from threadpoolctl import threadpool_limits

    clips = read_manifest(manifest)
    table, dropped = measure(clips, jobs)
    _require_groups(table, manifest)
    folds = assign_folds(table.ai, table.groups)
    with threadpool_limits(1):  # faster on small matrices, and sums come in the same order every time
        outer, called, cleared = cross_validate(table, folds)
        model = develop(table, np.arange(len(table)))
    data = pack(model)
    digest = hashlib.sha256(data).hexdigest()
    card = {
        "model_version": f"{name}-{digest[:8]}",
        "sha256": digest,
        "features_version": FEATURES_VERSION,
        "sketch_version": SKETCH_VERSION,
        "method": "logistic regressions over decoder combs and over peak places in the residue of the long-term "
        "spectrum, blended and calibrated on scores of unseen groups; see chartropy.analysis.detector",
        "comb_features": list(COMB_FEATURES),
        "spacings": len(spacings()),
        "data": {
            "ai": int(table.ai.sum()),
            "human": int((~table.ai).sum()),
            "generators": sorted(set(table.groups[table.ai].tolist())),
            "human_sources": sorted(set(table.groups[~table.ai].tolist())),
            "dropped": dropped,
        },
        "thresholds": {
            "space": "log-odds",
            "human_below": round(float(model["thresholds"][0]), 4),
            "ai_from": round(float(model["thresholds"][1]), 4),
            "human_below_probability": round(_probability(model["thresholds"][0]), 4),
            "ai_from_probability": round(_probability(model["thresholds"][1]), 4),
        },
        "cross_validation": figures(table, folds, outer, called, cleared, resamplings),
        "limits": list(LIMITS),
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "detector.npz").write_bytes(data)
    (out / "detector.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return card


def read_manifest(path: Path) -> list[Clip]:
    """Read and check the list of clips, in its order."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path}: the manifest cannot be read ({error}).") from error
    clips = []
    for number, row in enumerate(rows, start=2):
        label = row.get("label")
        group = row.get("generator") if label == "ai" else row.get("source") or row.get("group")
        if label not in ("ai", "human") or not row.get("path") or not group:
            raise SettingsError(
                f"{path}, line {number}: needs a path, a label (ai or human; here {label!r}) and a generator (AI) or a "
                "source (human)."
            )
        clips.append(Clip(path.parent / row["path"], label == "ai", group, row.get("native_codec") or ""))
    if not clips:
        raise SettingsError(f"{path}: the manifest lists no clips.")
    return clips


def measure(clips: list[Clip], jobs: int) -> tuple[Table, list[str]]:
    """Sketch and describe every clip; what cannot be judged is dropped and said, without its path."""
    from joblib import Parallel, delayed

    kept: list[tuple[Clip, tuple[np.ndarray, np.ndarray, list[float]]]] = []
    dropped: list[str] = []
    for clip, result in zip(clips, Parallel(n_jobs=jobs)(delayed(_measure)(clip) for clip in clips), strict=True):
        if isinstance(result, tuple):
            kept.append((clip, result))
        else:
            dropped.append(f"{'ai' if clip.ai else 'human'}, {clip.group}: {result}")
    if not kept:
        raise SettingsError(f"Not one of the {len(clips)} clips can be judged. The first: {dropped[0]}")
    places = np.array([result[1].ravel() for _, result in kept], np.float64)
    return (
        Table(
            ai=np.array([clip.ai for clip, _ in kept]),
            groups=np.array([clip.group for clip, _ in kept]),
            codecs=np.array([clip.native_codec for clip, _ in kept]),
            combs=np.array([result[0] for _, result in kept]),
            places=places,
            gram=places @ places.T,
            shortcuts=np.array([result[2] for _, result in kept]),
        ),
        dropped,
    )


def _measure(clip: Clip) -> tuple[np.ndarray, np.ndarray, list[float]] | str:
    try:
        drawn = sketch(decode(clip.path, name="the clip", rate=RATE))
    except AudioError as error:
        return str(error)
    why_not = refusal(drawn)
    if why_not:
        return why_not
    seen = describe(drawn)
    return seen.combs, seen.places, [getattr(drawn, shortcut) for shortcut in SHORTCUTS]


def _require_groups(table: Table, manifest: Path) -> None:
    for name, those in (("generators", table.ai), ("human sources", ~table.ai)):
        count = len(set(table.groups[those].tolist()))
        if count < 3:  # one held out, one held out inside, one to learn from
            raise SettingsError(f"{manifest}: {count} {name} can be judged; at least 3 are needed to validate.")


def assign_folds(ai: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Fold of each clip: every group in one fold, both classes spread evenly, the same for the same input."""
    generators = len(set(groups[ai].tolist()))
    sources = len(set(groups[~ai].tolist()))
    folds = np.zeros(len(ai), int)
    count = min(MAX_FOLDS, generators, sources)
    for those in (ai, ~ai):
        names, sizes = np.unique(groups[those], return_counts=True)
        load = np.zeros(count)
        for i in np.argsort(-sizes, kind="stable"):  # large groups first, each to the emptiest fold
            fold = int(load.argmin())
            load[fold] += sizes[i]
            folds[those & (groups == names[i])] = fold
    return folds


def cross_validate(table: Table, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-odds of every clip, whether it was called "ai" and whether "human", by models that knew none of its group."""
    odds, called, cleared = np.zeros(len(table)), np.zeros(len(table), bool), np.zeros(len(table), bool)
    for fold in range(folds.max() + 1):
        held = np.flatnonzero(folds == fold)
        model = develop(table, np.flatnonzero(folds != fold))
        human_below, ai_from = model["thresholds"]
        odds[held] = log_odds(model, table, held)
        called[held] = odds[held] >= ai_from
        cleared[held] = odds[held] < human_below
    return odds, called, cleared


def develop(table: Table, rows: np.ndarray) -> Model:
    """Settle everything on inner folds of `rows`, then fit on all of them."""
    from sklearn.metrics import roc_auc_score

    ai, groups = table.ai[rows], table.groups[rows]
    folds = assign_folds(ai, groups)

    def best(strengths: tuple[float, ...], fit: Callable, score: Callable) -> tuple[float, np.ndarray]:
        tried = []
        for strength in strengths:
            unseen = np.zeros(len(rows))
            for fold in range(folds.max() + 1):
                held = folds == fold
                unseen[held] = score(fit(table, rows[~held], strength), table, rows[held])
            tried.append((float(roc_auc_score(ai, unseen)), -strength, unseen))
        _, strength, unseen = max(tried, key=lambda t: t[:2])  # of equals the most regularised
        return -strength, unseen

    comb_strength, combs = best(COMB_STRENGTHS, _fit_combs, _score_combs)
    place_strength, places = best(PLACE_STRENGTHS, _fit_places, _score_places)
    per_comb, per_place = 1 / (combs[~ai].std() + 1e-9), PLACE_SHARE / (places[~ai].std() + 1e-9)
    slope, bias = _logistic_regression((per_comb * combs + per_place * places)[:, None], ai, 1.0)
    blend = np.array([slope * per_comb, slope * per_place, bias])
    odds = blend[0] * combs + blend[1] * places + bias
    return {
        **_fit_combs(table, rows, comb_strength),
        **_fit_places(table, rows, place_strength),
        "blend": blend,
        "thresholds": thresholds(odds, ai, groups),
    }


def thresholds(odds: np.ndarray, ai: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Below the first "human", from the second "ai"; from scores of unseen groups."""
    human = np.sort(odds[~ai])[::-1]
    passing = min(int(FALSE_POSITIVES * len(human)), len(human) - 1)
    # half way to the next higher clip: the threshold does not sit on the score of one recording
    ai_from = (human[passing] + human[passing - 1]) / 2 if passing else human[0] + 0.5
    order = np.argsort(odds[ai])
    _, place, sizes = np.unique(groups[ai], return_inverse=True, return_counts=True)
    weights = (1 / sizes)[place][order]
    share = np.cumsum(weights) / weights.sum()
    human_below = odds[ai][order][np.searchsorted(share, MISSED)]
    return np.array([min(human_below, ai_from), ai_from])


def log_odds(model: Model, table: Table, rows: np.ndarray) -> np.ndarray:
    """Calibrated log-odds of being AI-made."""
    blend = model["blend"]
    return blend[0] * _score_combs(model, table, rows) + blend[1] * _score_places(model, table, rows) + blend[2]


def _fit_combs(table: Table, rows: np.ndarray, strength: float) -> Model:
    x = table.combs[rows]
    center, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    weights = _logistic_regression((x - center) / scale, table.ai[rows], strength)
    return {"comb_center": center, "comb_scale": scale, "comb_weights": weights[:-1], "comb_bias": weights[-1]}


def _score_combs(model: Model, table: Table, rows: np.ndarray) -> np.ndarray:
    x = (table.combs[rows] - model["comb_center"]) / model["comb_scale"]
    return x @ model["comb_weights"] + model["comb_bias"]


def _fit_places(table: Table, rows: np.ndarray, strength: float) -> Model:
    # 10,000 weights from a few hundred clips: solved among the clips' own directions, with the same result
    values, vectors = np.linalg.eigh(table.gram[np.ix_(rows, rows)])
    kept = values > values[-1] * 1e-9
    spread = np.sqrt(values[kept])
    weights = _logistic_regression(vectors[:, kept] * spread, table.ai[rows], strength)
    per_clip = vectors[:, kept] @ (weights[:-1] / spread)
    return {"place_weights": (per_clip @ table.places[rows]).reshape(2, -1), "place_bias": weights[-1]}


def _score_places(model: Model, table: Table, rows: np.ndarray) -> np.ndarray:
    return table.places[rows] @ model["place_weights"].ravel() + model["place_bias"]


def _logistic_regression(x: np.ndarray, y: np.ndarray, strength: float) -> np.ndarray:
    """Weights and, last, the bias; both classes weigh the same."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=strength, class_weight="balanced", max_iter=5000).fit(x, y)
    return np.append(fitted.coef_[0], fitted.intercept_[0])


def figures(
    table: Table, folds: np.ndarray, odds: np.ndarray, called: np.ndarray, cleared: np.ndarray, resamplings: int
) -> dict:
    """Everything the card says about unseen groups; `called` and `cleared` used thresholds from inner folds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    ai, groups = table.ai, table.groups
    generators, sources = np.unique(groups[ai]), np.unique(groups[~ai])
    rng = np.random.default_rng(0)
    members = {name: np.flatnonzero(groups == name) for name in (*generators, *sources)}
    drawn = []
    for _ in range(resamplings):
        names = (*rng.choice(generators, len(generators)), *rng.choice(sources, len(sources)))
        rows = np.concatenate([members[name] for name in names])
        drawn.append(_separation(odds[rows], ai[rows]))
    points = _separation(odds, ai)
    interval = np.percentile(drawn, [2.5, 97.5], axis=0) if drawn else np.array([points, points])

    shortcut = np.zeros(len(ai))
    for fold in range(folds.max() + 1):
        held = folds == fold
        model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000))
        shortcut[held] = model.fit(table.shortcuts[~held], ai[~held]).decision_function(table.shortcuts[held])
    by_codec = {}
    for codec in np.unique(table.codecs):
        rows = table.codecs == codec
        if codec and min((rows & ai).sum(), (rows & ~ai).sum()) >= 5:
            by_codec[str(codec)] = {
                "auc": round(float(roc_auc_score(ai[rows], odds[rows])), 3),
                "ai": int((rows & ai).sum()),
                "human": int((rows & ~ai).sum()),
            }
    human = odds[~ai]
    return {
        "folds": int(folds.max() + 1),
        "interval": "95 %: bootstrap over groups for auc and recalls, Clopper-Pearson for counts (which takes clips of "
        "one group as independent: read them as the least uncertainty)",
        **{
            name: {"value": round(float(points[i]), 4), "interval": [round(float(v), 4) for v in interval[:, i]]}
            for i, name in enumerate(("auc", "recall_at_5_percent", "recall_at_1_percent"))
        },
        "sensitivity": [int((called & ai).sum()), int(ai.sum())],
        "sensitivity_interval": _clopper_pearson(int((called & ai).sum()), int(ai.sum())),
        "specificity": [int((~called & ~ai).sum()), int((~ai).sum())],
        "specificity_interval": _clopper_pearson(int((~called & ~ai).sum()), int((~ai).sum())),
        "undecided": {
            "ai": [int((ai & ~called & ~cleared).sum()), int(ai.sum())],
            "human": [int((~ai & ~called & ~cleared).sum()), int((~ai).sum())],
        },
        "called_human": {
            "ai": [int((ai & cleared).sum()), int(ai.sum())],
            "human": [int((~ai & cleared).sum()), int((~ai).sum())],
        },
        "generators": {
            str(name): {
                "called_ai": [int(called[members[name]].sum()), len(members[name])],
                "interval": _clopper_pearson(int(called[members[name]].sum()), len(members[name])),
                "undecided": int((~called & ~cleared)[members[name]].sum()),
                "auc": round(_auc_against(odds[members[name]], human), 3),
            }
            for name in generators
        },
        "human_sources": {
            str(name): {
                "called_ai": [int(called[members[name]].sum()), len(members[name])],
                "interval": _clopper_pearson(int(called[members[name]].sum()), len(members[name])),
                "undecided": int((~called & ~cleared)[members[name]].sum()),
            }
            for name in sources
        },
        "calibration": _calibration(odds, ai),
        "shortcuts": {
            "auc_of_bandwidth_duration_level_silence_alone": round(float(roc_auc_score(ai, shortcut)), 3),
            "auc_within_native_codec": by_codec,
        },
    }


def report(card: dict) -> str:
    """The card's figures as text for a person."""
    cv, data = card["cross_validation"], card["data"]

    def percent(value: float) -> str:
        return f"{100 * value:.1f}"

    def row(name: str, counts: list[int], interval: list[float], rest: str) -> str:
        low, high = (percent(v) for v in interval)
        return f"  {name:26s} {counts[0]:4d} / {counts[1]:<4d} [{low}, {high}] %  {rest}"

    lines = [
        f"{card['model_version']}: {data['ai']} AI clips of {len(data['generators'])} generators, {data['human']} human "
        f"clips of {len(data['human_sources'])} sources; {len(data['dropped'])} dropped.",
        "On unseen generators and sources (nested grouped cross-validation, 95 % intervals):",
    ]
    for name in ("auc", "recall_at_5_percent", "recall_at_1_percent"):
        low, high = cv[name]["interval"]
        lines.append(f"  {name.replace('_', ' '):26s} {cv[name]['value']:.3f} [{low:.3f}, {high:.3f}]")
    lines += [
        row("sensitivity", cv["sensitivity"], cv["sensitivity_interval"], "of AI called ai"),
        row("specificity", cv["specificity"], cv["specificity_interval"], "of human not called ai"),
        f"  undecided: {cv['undecided']}; called human: {cv['called_human']}",
        "AI clips called ai, by generator:",
        *(
            row(name, g["called_ai"], g["interval"], f"undecided {g['undecided']}, AUC {g['auc']:.3f}")
            for name, g in cv["generators"].items()
        ),
        "Human clips called ai, by source:",
        *(
            row(name, s["called_ai"], s["interval"], f"undecided {s['undecided']}")
            for name, s in cv["human_sources"].items()
        ),
        f"Shortcuts: {cv['shortcuts']}",
        f"Thresholds: {card['thresholds']}",
    ]
    return "\n".join(lines)


def _separation(odds: np.ndarray, ai: np.ndarray) -> tuple[float, float, float]:
    from sklearn.metrics import roc_auc_score

    human = np.sort(odds[~ai])[::-1]
    recalls = [float((odds[ai] > human[int(rate * len(human))]).mean()) for rate in (0.05, 0.01)]
    return float(roc_auc_score(ai, odds)), recalls[0], recalls[1]


def _auc_against(ai: np.ndarray, human: np.ndarray) -> float:
    return float((ai[:, None] > human).mean() + (ai[:, None] == human).mean() / 2)


def _calibration(odds: np.ndarray, ai: np.ndarray) -> dict:
    """Stated and found share of AI in five bins of probability, classes weighing the same, and the Brier score."""
    probability = 1 / (1 + np.exp(-odds))
    weights = np.where(ai, 0.5 / ai.sum(), 0.5 / (~ai).sum())
    bins = np.minimum((probability * 5).astype(int), 4)
    table = []
    for b in range(5):
        rows = bins == b
        if rows.any():
            stated, found = np.average([probability[rows], ai[rows]], axis=1, weights=weights[rows])
            table.append([round(float(stated), 3), round(float(found), 3), int(rows.sum())])
    return {
        "brier": round(float(np.sum(weights * (probability - ai) ** 2)), 4),
        "stated_found_n": table,
    }


def _clopper_pearson(hits: int, trials: int) -> list[float]:
    from scipy.stats import beta

    low = float(beta.ppf(0.025, hits, trials - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, trials - hits)) if hits < trials else 1.0
    return [round(low, 4), round(high, 4)]


def _probability(odds: float) -> float:
    return float(1 / (1 + np.exp(-odds)))


if __name__ == "__main__":
    sys.exit(main())
