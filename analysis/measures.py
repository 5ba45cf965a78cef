"""What is measured of one chart in one week: the AI share and the diversity of its sound.

Measures
--------
ai_share, ai_share.top10
    Share of AI among the measured entries: mean of the census posterior, corrected for the detector's errors.
ai_flagged
    Entries whose recording the detector calls AI. A count: nothing is uncertain about it but the detector.
ai_labelled
    Entries whose recording somebody else (a platform, a registry) says is AI: claims, not proof.
undecided, unmeasured
    Entries without an answer, and without a usable preview.
diversity.order2
    Effective number of distinct sounds (:func:`.diversity.order2_diversity`).
diversity.mean_distance
    Mean distance of two recordings; 1 is usual among the recordings of the reference.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..features.registry import EXTRACTOR_VERSION
from ..workspace.store import digest
from .diversity import estimate_distance, estimate_order2
from .estimates import Estimate
from .share import ai_share
from .space import Space, kernel

if TYPE_CHECKING:
    import pandas as pd

    from .detector import Detector

MEASURES_VERSION = "2"
"""Raised whenever a measure is computed otherwise: chart weeks are then measured anew."""

SPACE_FILE = Path(__file__).with_name("space.json")
TOP = 10


@lru_cache(maxsize=1)
def load_space() -> Space:
    """Return the shipped scales of the descriptors; `chartropy.analysis.reference` makes them."""
    return Space.from_dict(json.loads(SPACE_FILE.read_text(encoding="utf-8"))["space"])


def measure_chart(chart: pd.DataFrame, vectors: pd.DataFrame, detector: Detector) -> dict[str, Estimate]:
    """Measure one chart of one week.

    Parameters
    ----------
    chart : pandas.DataFrame
        Its entries: ``position, recording_id, artist, verdict, labelled_ai``; `verdict` missing or ``unmeasured``
        where there is none.
    vectors : pandas.DataFrame
        Descriptors of this release's extractor, indexed by recording.
    detector : Detector
        Whose verdicts they are: its errors correct the share.

    Returns
    -------
    dict of str to Estimate
    """
    verdicts = chart["verdict"].fillna("unmeasured")
    measured = chart[verdicts != "unmeasured"]
    total = len(chart)
    found = {
        "ai_share": _share(measured, detector),
        "ai_share.top10": _share(measured[measured["position"] <= TOP], detector),
        "ai_flagged": _count(int((verdicts == "ai").sum()), len(measured)),
        "ai_labelled": _count(int(chart["labelled_ai"].sum()), total),
        "undecided": _count(int((verdicts == "undecided").sum()), len(measured)),
        "unmeasured": _count(int((verdicts == "unmeasured").sum()), total),
    }
    heard = chart[chart["recording_id"].isin(vectors.index)].drop_duplicates("recording_id")
    distances = load_space().distances(vectors.loc[heard["recording_id"]])
    artists = heard["artist"].tolist()
    order2, distance = estimate_order2(kernel(distances), artists), estimate_distance(distances, artists)
    found["diversity.order2"] = _named(f"1 / mean K² over pairs; {described_by()}", order2)
    found["diversity.mean_distance"] = _named(f"mean distance over pairs; {described_by()}", distance)
    return found


def described_by() -> str:
    """Return what the method of a measure of descriptors says about the extractor."""
    return f"extractor {EXTRACTOR_VERSION}"


def inputs_of(chart: pd.DataFrame, detector: Detector) -> str:
    """Hash of all that the measures of a chart week depend on."""
    columns = [
        "position",
        "recording_id",
        "artist",
        "verdict",
        "model_version",
        "audio_hash",
        "extractor_version",
        "labelled_ai",
    ]
    rows = chart[columns].sort_values("position").fillna("").to_csv(index=False)
    return digest(MEASURES_VERSION, detector.model_version, SPACE_FILE.read_bytes(), rows)


def _share(measured: pd.DataFrame, detector: Detector) -> Estimate:
    flagged = int((measured["verdict"] == "ai").sum())
    share = ai_share(flagged, len(measured), sensitivity=detector.sensitivity, specificity=detector.specificity).census
    return _named(f"detector {detector.model_version}", share)


def _count(value: int, n: int) -> Estimate:
    return Estimate(float(value), float(value), float(value), n, "count")


def _named(what: str, estimate: Estimate) -> Estimate:
    return Estimate(estimate.value, estimate.low, estimate.high, estimate.n, f"{what}; {estimate.method}")
