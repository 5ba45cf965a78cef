"""Train a detector and measure one, for people: files in, a page (HTML), its numbers (JSON) and a model out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..analysis.detector import Detector
from ..analysis.train import (
    Clip,
    Outcome,
    Table,
    cross_validate,
    figures,
    measure,
    promise,
    read_manifest,
    require_groups,
    scores_of,
    train,
)
from ..workspace.errors import SettingsError
from ..workspace.files import whole_file, write_text
from .figures import curve
from .weekly import Track, plainly
from .words import ENGLISH, Words


def train_detector(
    manifest: Path, out: Path, *, set_aside: dict[str, str] | None = None, jobs: int = 2, thorough: bool = True,
    name: str = "lattice", track: Track = plainly, words: Words = ENGLISH,
) -> dict:  # fmt: skip
    """Train a detector on labelled clips and write it with its card.

    Parameters
    ----------
    manifest : Path
        As `chartropy.analysis.train.read_manifest` reads it.
    out : Path
        The model, ``.npz``; its card goes beside it as ``.json``, and the card for people as ``.html``.
    set_aside : dict of str to str, optional
        Human sources that settle nothing, and why.
    jobs, thorough, track
        As `chartropy.analysis.train.measure`.
    name : str
        First part of the model's version.
    words : Words
        Language of the card for people.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    SettingsError
        The manifest or the name of the output cannot be used.
    """
    if out.suffix != ".npz":
        raise SettingsError(f"--out {out}: a model is a .npz file.")
    clips = read_manifest(manifest)
    _require_groups(clips, set_aside, 2)  # what is not listed is known before hours of work
    table = measure(clips, jobs=jobs, thorough=thorough, track=track)
    data, card = train(table, set_aside=set_aside, name=name)
    write_model(data, card, out)
    _write_page(card, card["cross_validation"], out.with_suffix(".html"), _how_trained(card), words)
    return card


def evaluate(
    manifest: Path, *, model: Path | None = None, unseen: bool = False, set_aside: dict[str, str] | None = None,
    jobs: int = 2, thorough: bool = False, track: Track = plainly,
) -> dict:  # fmt: skip
    """Measure a detector on labelled clips.

    Parameters
    ----------
    manifest : Path
        As `chartropy.analysis.train.read_manifest` reads it.
    model : Path, optional
        Default: the one that ships with Chartropy.
    unseen : bool
        Measure the method, not a model: each clip is judged by a model trained on the other groups of the manifest. For
        clips that the model was trained on, nothing else says anything.
    set_aside, jobs, thorough, track
        As :func:`train_detector`.

    Returns
    -------
    dict
        ``model_version``, ``how`` (a sentence), ``data`` and what `chartropy.analysis.train.figures` gives.
    """
    clips = read_manifest(manifest)
    detector = Detector.load(model)
    rates, least = (None, 2) if unseen else (detector.frame_rates.tolist(), 1)
    _require_groups(clips, set_aside, least)
    table = measure(clips, jobs=jobs, thorough=thorough, rates=rates, track=track)
    settles = require_groups(table.ai, table.groups, set_aside or {}, least)
    if unseen:
        outcome = cross_validate(table, settles)
        how = _how_unseen(promise(int((~table.ai & settles).sum()))[1])
    else:
        outcome = _judged(table, detector)
        how = _how_judged(detector, {clip.path.stem for clip in table.clips})
    return {
        "model_version": f"method of {detector.model_version}" if unseen else detector.model_version,
        "how": how,
        "data": {
            "ai": int(table.ai.sum()),
            "human": int((~table.ai & settles).sum()),
            "set_aside": set_aside or {},
            "dropped": table.dropped,
        },
        **figures(table, outcome, settles),
    }


def _require_groups(clips: list[Clip], set_aside: dict[str, str] | None, least: int) -> None:
    ai, groups = np.array([clip.ai for clip in clips]), np.array([clip.group for clip in clips])
    require_groups(ai, groups, set_aside or {}, least)


def _judged(table: Table, detector: Detector) -> Outcome:
    scores = scores_of(table.strengths, np.ones(len(table.rates), bool))
    odds = detector.log_odds(scores)
    human_below, ai_from = detector.thresholds
    return Outcome(odds, odds >= ai_from, odds < human_below)


def write_model(data: bytes, card: dict, out: Path) -> None:
    """Write a model (``.npz``) and its card (``.json``) beside it."""
    with whole_file(out) as part:
        part.write_bytes(data)
    _write_json(card, out)


def write_evaluation(found: dict, out: Path, words: Words = ENGLISH) -> None:
    """Write an evaluation as a page (``.html``), in a language, and as numbers (the same name, ``.json``)."""
    _write_json(found, out)
    _write_page(found, found, out.with_suffix(".html"), found["how"], words)


def write_card(detector: Detector, out: Path, words: Words = ENGLISH) -> None:
    """Write a model's card as a page, in a language."""
    _write_page(detector.card, detector.card["cross_validation"], out, _how_trained(detector.card), words)


def _how_unseen(warning: str) -> str:
    how = "Each clip was judged by a model that was trained on the other generators and sources of this list."
    return f"{how} {warning}" if warning else how


def _how_judged(detector: Detector, clips: set[str]) -> str:
    how = f"Every clip was judged by {detector.model_version}."
    if known := clips & set(detector.card["clips"]):
        how += (
            f" {len(known)} of the clips bear the name of one it was trained on: of those, these figures say nothing "
            "(--unseen judges each by a model that does not know it)."
        )
    return how


def _how_trained(card: dict) -> str:
    data = card["data"]
    return (
        f"Trained on {data['ai']} AI clips of {len(data['generators'])} generators and {data['human']} human clips of "
        f"{len(data['human_sources'])} sources. The figures are of models that knew nothing of the generator or the source "
        "they judged."
    )


def summary(found: dict, figures: dict) -> str:
    """Say a card's or an evaluation's figures in lines for a terminal."""

    def span(interval: list[float]) -> str:
        return f"[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"

    lines = [f"{found['model_version']}: {found['data']['ai']} AI clips, {found['data']['human']} human clips"]
    for name in ("auc", "recall_at_5_percent", "recall_at_1_percent"):
        low, high = figures[name]["interval"]
        lines.append(f"  {name.replace('_', ' '):22s} {figures[name]['value']:.3f} [{low:.3f}, {high:.3f}]")
    for name, what in (("sensitivity", "AI clips called ai"), ("specificity", "human clips not called ai")):
        hits, trials = figures[name]
        lines.append(f"  {what:26s} {hits:4d} / {trials:<4d} {span(figures[f'{name}_interval'])} %")
    mistaken = {source: one for source, one in figures["human_sources"].items() if one["called_ai"][0]}
    others = len(figures["human_sources"]) - len(mistaken)
    for title, groups in (
        ("AI clips called ai", figures["generators"]),
        (f"Human clips called ai, none of {others} other sources", mistaken),
        ("Set aside: human clips called ai", figures["set_aside"]),
    ):
        lines += [f"{title}:"] * bool(groups) + [
            f"  {name:26s} {one['called_ai'][0]:4d} / {one['called_ai'][1]:<4d} {span(one['interval'])} %, "
            f"undecided {one['undecided']}"
            for name, one in groups.items()
        ]
    lines.append("After disturbances, at the threshold that 2 % of the untouched human clips pass:")
    lines += [
        f"  {name:16s} AUC {one['auc']:.3f}, recall {one['recall']:.3f} {span(one['recall_interval'])} % of {one['ai']}, "
        f"false positives {one['false_positives']} of {one['human']}; AI clips called ai {one['called_ai'][0]}, human "
        f"{one['called_human'][0]}; human clips called ai {one['human_called_ai'][0]}"
        for name, one in figures["disturbances"].items()
    ]
    calibration = figures["calibration"]
    lines.append(
        f"Calibration: expected error {calibration['expected_calibration_error']:.3f}, Brier score {calibration['brier']:.3f}"
    )
    lines.append(
        "Shortcuts, AUC alone: "
        + ", ".join(f"{name} {auc:.2f}" for name, auc in figures["shortcuts"]["auc_alone"].items())
    )
    return "\n".join(lines)


def _write_json(value: dict, beside: Path) -> None:
    write_text(beside.with_suffix(".json"), json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def _write_page(about: dict, found: dict, out: Path, how: str, words: Words) -> None:
    page = words.environment.get_template("detector.html").render(
        about=about,
        found=found,
        how=how,
        roc=curve(
            found["roc"],
            name="roc",
            title=words.say("roc_title"),
            x=words.say("mistaken_axis"),
            y=words.say("found_axis"),
            tick=words.percent_tick,
        ),
        reliability=curve(
            [row[:2] for row in found["calibration"]["stated_found_n"]],
            name="reliability",
            title=words.say("reliability_title"),
            x=words.say("given_axis"),
            y=words.say("share_axis"),
            tick=words.percent_tick,
            dots=True,
        ),
    )
    write_text(out, page)
