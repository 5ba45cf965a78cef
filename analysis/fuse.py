"""All evidence about one recording, kept apart and weighed together.

The sound is one witness; what the file says, what a platform says, what a registry of artists says and what the user says are
others. Each keeps its source, its day and its strength: by how much it moves the log-odds of being AI-made. The sound's
strength is measured (the detector's calibrated log-odds); the others' are stated here, as assumptions that anyone can read:
how often such a claim is false is measured nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ..charts.claims import YOU
from .detector import Verdict

STRENGTHS = {"c2pa": 8.0, "tags": 6.0, "platform": 4.0, "c2pa unsigned": 3.0, "registry": 2.0}
"""Log-odds: a signed record; a tag that a generator writes; a label that a platform gives, by what the uploader declares or its
own detector; a record whose signature does not hold; a list of artists, of whom another may bear the name."""

STRONGEST_SOUND = 6.0
"""Log-odds beyond which the sound does not count: a calibration on some hundred clips cannot know more."""


@dataclass(frozen=True)
class Evidence:
    """What one witness says.

    Attributes
    ----------
    source : str
        ``sound``, ``tags``, ``c2pa``, ``you``, or the name of a platform or registry.
    kind : str
        ``sound``, ``you``, or one of `STRENGTHS`.
    says : str
        ``ai``, ``human``, ``undecided`` or ``unmeasured``.
    ground : str
        Why, in words.
    when : str
        ISO date; empty where unknown.
    strength : float
        What it adds to the log-odds of AI.
    """

    source: str
    kind: str
    says: str
    ground: str
    when: str = ""
    strength: float = 0.0


@dataclass(frozen=True)
class Fused:
    """What all witnesses come to.

    Attributes
    ----------
    verdict : {'ai', 'human', 'undecided', 'unmeasured'}
    reason : str
        One sentence: what decided.
    parts : tuple of Evidence
        Every witness, the strongest first.
    """

    verdict: Literal["ai", "human", "undecided", "unmeasured"]
    reason: str
    parts: tuple[Evidence, ...]


def claim(source: str, kind: str, says: str, ground: str, when: str = "") -> Evidence:
    """A claim with the strength of its kind.

    Raises
    ------
    KeyError
        For a kind that is not in `STRENGTHS`.
    """
    weight = 0.0 if kind == YOU else STRENGTHS[kind]
    return Evidence(source, kind, says, ground, when, weight if says == "ai" else -weight)


def fuse(sound: Verdict, claims: Iterable[Evidence] = (), when: str = "") -> Fused:
    """Weigh the sound and all claims.

    Parameters
    ----------
    sound : Verdict
    claims : iterable of Evidence
    when : str
        Day on which the sound was judged.

    Returns
    -------
    Fused
        What the user says, whatever else is said. Else, without other claims, what the sound says. Else the sum of all
        strengths, registries together counting once, against the detector's own thresholds; but registries alone never make
        "ai": where nothing but a registry speaks against sound that says human or cannot be judged, it is undecided, or
        unmeasured.
    """
    log_odds = sound.evidence.get("log_odds")
    weight = max(-STRONGEST_SOUND, min(STRONGEST_SOUND, float(log_odds))) if isinstance(log_odds, int | float) else 0.0
    own = Evidence("sound", "sound", sound.verdict, sound.reason, when, round(weight, 3))
    claims = sorted(claims, key=lambda one: (-abs(one.strength), one.source))
    parts = tuple(sorted([own, *claims], key=lambda one: (one.kind != YOU, -abs(one.strength), one.source)))
    said = next((one for one in parts if one.kind == YOU), None)
    if said:
        return Fused("ai" if said.says == "ai" else "human", f"You said so: {said.ground}", parts)
    if not claims:
        return Fused(sound.verdict, sound.reason, parts)
    registries = [one for one in claims if one.kind == "registry"]
    others = [one for one in claims if one.kind != "registry"]
    total = weight + sum(one.strength for one in [*others, *registries[:1]])
    if not others and sound.verdict in ("human", "unmeasured"):
        verdict = "undecided" if sound.verdict == "human" else "unmeasured"
        return Fused(verdict, f"{_names(registries)} AI, but a list of artists alone proves nothing.", parts)
    human_below, ai_from = (sound.evidence.get(name) for name in ("human_below", "ai_from"))
    above = float(ai_from) if isinstance(ai_from, int | float) else 3.0
    below = float(human_below) if isinstance(human_below, int | float) else -3.0
    verdict = "ai" if total >= above else "human" if total < below else "undecided"
    heard = {
        "ai": "the sound agrees",
        "human": "the sound shows no trace",
        "undecided": "the sound alone would not decide",
    }
    how = heard.get(sound.verdict, "the sound could not be judged")
    return Fused(verdict, f"{_names(claims)} {claims[0].says}; {how}.", parts)


def _names(claims: list[Evidence]) -> str:
    names = list(dict.fromkeys(one.source for one in claims))
    return f"{' and '.join(names)} {'say' if len(names) > 1 or names == ['tags'] else 'says'}"
