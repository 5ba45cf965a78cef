"""What is measured of one chart in one week.

Measures
--------
ai_share, ai_share.top10
    Share of AI among the measured entries: mean of the census posterior, corrected for the detector's errors.
ai_share.stream
    The same taken for a sample of a stream of music: Rogan-Gladen with the interval of Lang and Reiczigel.
ai_flagged
    Entries whose recording the detector calls AI. A count: nothing is uncertain about it but the detector.
ai_labelled
    Entries whose recording somebody else (a platform, a registry) says is AI: claims, not proof.
undecided, unmeasured
    Entries without an answer, and without a usable preview.
cultural_entropy
    Effective number of distinct sounds in the top 100 (:func:`.diversity.order2_diversity`). Draw two different recordings
    of it and compare them: so many equally common, wholly different sounds would be found as alike. This and all that
    follows of sound is of the top 100, where a chart is longer.
cultural_entropy.timbre, .rhythm, .harmony, .structure
    The same, by that side of the sound alone.
cultural_entropy.weighted
    The same, each recording weighted by its chart points (last place 1, the one above it 2, ...).
cultural_entropy.unheard
    Not an interval of chance: where it could lie had every recording been heard (:func:`.estimates.bound_missing`).
diversity.mean_distance, diversity.mean_distance.weighted
    Mean distance of two recordings; 1 is usual among the recordings of the reference.
diversity.dispersion
    Root mean square distance from the chart's centre (:func:`.diversity.dispersion`).
diversity.clusters
    Effective number of clusters of sound (:func:`.diversity.sound_clusters`), of order 2.
typicality
    Mean of the recordings' cosine similarity to what was on the chart in the 52 weeks before and is gone (:mod:`.novelty`).
novelty.median, novelty.p90
    Median and upper tail of the recordings' distance to the nearest of 50 of those.
conserve_index
    Share of recordings with a nearer neighbour among those than they usually have among themselves; .5 is as usual.
artists, labels, languages, genres
    Effective number of each: the Hill number of order 2 (:func:`.diversity.same`), 1 / the index that follows.
artists.simpson, labels.simpson, languages.simpson, genres.simpson
    Simpson's index: the probability that two recordings share one. Known also where none do, when no number of artists can
    be told: trends are better taken of it.
turnover
    Share of the entries whose recording was not on this chart the week before.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..features.registry import EXTRACTOR_VERSION
from ..workspace.store import digest
from . import novelty
from .diversity import estimate_distance, estimate_order2, same, sound_clusters
from .estimates import (
    FEWEST_SHARED,
    Estimate,
    bootstrap_interval,
    bound_missing,
    estimate_mean,
    estimate_quantile,
    estimate_share,
    estimate_simpson,
    numbered,
)
from .share import AIShare, ai_share
from .space import Space, kernel

if TYPE_CHECKING:
    import pandas as pd

    from .detector import Detector

MEASURES_VERSION = "4"
"""Raised whenever a measure is computed otherwise: chart weeks are then measured anew."""

SPACE_FILE = Path(__file__).with_name("space.json")
TOP = 10
SOUNDS = 100
"""Positions whose sound is measured: those below would make a longer chart another thing than a shorter one."""

PARTS = {"timbre": ("timbre", "spectrum"), "rhythm": ("rhythm",), "harmony": ("tonality",), "structure": ("structure",)}
"""The sides of a sound, and the families of descriptors that tell of each."""

KINDS = {"artists": "artist", "labels": "label", "languages": "language", "genres": "genres"}
"""What else a chart has a variety of, and the column that says it."""

SAID = tuple(column for column in KINDS.values() if column != "artist")
"""Those that not every source names."""

OF_SOUND = ("cultural_entropy", "diversity.", "typicality", "novelty.", "conserve_index")
"""How the names of measures begin that rest on descriptors."""

ONE_WEEK = timedelta(weeks=1)

_Chart = dict[str, np.ndarray]
"""One week of a chart: a column by each name, and ``lead``, the first artist as a number."""


@lru_cache(maxsize=1)
def load_space() -> Space:
    """Return the shipped scales of the descriptors; `chartropy.analysis.reference` makes them."""
    return Space.from_dict(_space_card()["space"])


@lru_cache(maxsize=1)
def reference_entropy() -> Estimate:
    """Return the cultural entropy of the human recordings that the scales were fixed on: what a number compares with."""
    card = _space_card()
    return Estimate(n=card["recordings"], **card["cultural_entropy"])


@lru_cache(maxsize=1)
def _space_card() -> dict[str, Any]:
    return json.loads(SPACE_FILE.read_text(encoding="utf-8"))


def measure_chart(
    entries: pd.DataFrame, weeks: Collection[str], vectors: pd.DataFrame, detector: Detector
) -> Iterator[tuple[str, dict[str, Estimate]]]:
    """Measure one chart in some of its weeks.

    Parameters
    ----------
    entries : pandas.DataFrame
        The chart in all of its weeks that are known, those of the year before included: ``week, position,
        recording_id, artist, label, language, genres, verdict, labelled_ai``; `verdict` missing or ``unmeasured`` where
        there is none.
    weeks : collection of str
        Those to measure, as `entries` writes them.
    vectors : pandas.DataFrame
        Descriptors of this release's extractor, indexed by recording.
    detector : Detector
        Whose verdicts they are: its errors correct the share.

    Yields
    ------
    week : str
        In order of time.
    measures : dict of str to Estimate

    Notes
    -----
    A year is worked on at a time, so that memory does not grow with a chart's history.
    """
    by_week = _by_week(entries)
    foremost = {week: _where(chart, chart["position"] <= SOUNDS) for week, chart in by_week.items()}
    space = load_space()
    sounds = None
    for week in sorted(set(weeks) & set(by_week)):
        past = _year_before(week, by_week)
        if sounds is None or week > sounds.until:
            until = _weeks_ago(week, -novelty.PAST_WEEKS)
            window = {one: foremost[one] for one in by_week if min([*past, week]) <= one <= until}
            sounds = _Sounds(window, vectors, space, until)
        found = _ai(by_week[week], detector)
        here = sounds.places[week]
        sound = _diversity(foremost[week], here, sounds) | _novelty(here, sounds.gone(past, here), sounds)
        found |= {name: _named(described_by(), estimate) for name, estimate in sound.items()}
        yield week, found | _beyond_sound(by_week[week], by_week.get(_weeks_ago(week, 1)))


def sameness(entries: pd.DataFrame, week: str, vectors: pd.DataFrame) -> pd.DataFrame:
    """Tell of each recording of a chart week how far it sounds like the year before.

    Parameters
    ----------
    entries, vectors
        As for `measure_chart`.
    week : str
        As `entries` writes it.

    Returns
    -------
    pandas.DataFrame
        ``recording_id, typicality, novelty, percentile, nearest, nearest_distance, past``, a row for each recording of the
        top 100 that was heard: see :mod:`.novelty`. `nearest` is the recording of the past that it is nearest to, and `past` says how
        many recordings there were; NaN where there are none, `novelty` where there are fewer than 50.
    """
    import pandas as pd

    by_week = _by_week(entries[entries["position"] <= SOUNDS])
    past = _year_before(week, by_week)
    sounds = _Sounds({one: by_week[one] for one in (*past, week) if one in by_week}, vectors, load_space(), week)
    here = sounds.places.get(week, np.array([], dtype=int))
    then = sounds.gone(past, here)
    against = _Against(sounds, here, then)
    names = [sounds.recordings[then[place]] if place >= 0 else None for place in against.near.which]
    return pd.DataFrame(
        {
            "recording_id": sounds.recordings[here],
            "typicality": against.typicality,
            "novelty": against.novelty,
            "percentile": novelty.percentile(against.near.distance, against.usual),
            "nearest": pd.Series(names, dtype=object),
            "nearest_distance": against.near.distance,
            "past": len(then),
        }
    )


def _by_week(entries: pd.DataFrame) -> dict[str, _Chart]:
    """Every week's rows, in order of time, as arrays: hundreds of charts of a hundred rows are not pandas' trade."""
    weeks = entries["week"].to_numpy(dtype=str)
    order = np.argsort(weeks, kind="stable")
    columns = {str(name): entries[name].to_numpy(dtype=object)[order] for name in entries.columns}
    columns["position"] = columns["position"].astype(int)
    columns["lead"] = numbered([first_artist(artist) for artist in columns["artist"]])
    names, firsts = np.unique(weeks[order], return_index=True)
    ends = [*firsts[1:], len(weeks)]
    return {
        str(week): {name: values[first:end] for name, values in columns.items()}
        for week, first, end in zip(names, firsts, ends, strict=True)
    }


def _where(chart: _Chart, rows: np.ndarray) -> _Chart:
    return {name: values[rows] for name, values in chart.items()}


class _Sounds:
    """The recordings of some weeks that were heard, and how far they lie apart."""

    def __init__(self, charts: dict[str, _Chart], vectors: pd.DataFrame, space: Space, until: str):
        self.until = until
        artists: dict[str, str] = {}
        heard: dict[str, list[str]] = {}
        described = set(vectors.index)
        for week, chart in charts.items():
            pairs = zip(chart["recording_id"], chart["artist"], strict=True)
            here = {recording: artist for recording, artist in pairs if recording in described}
            heard[week] = list(here)
            artists |= here
        place = {recording: number for number, recording in enumerate(artists)}
        # where each week's recordings stand, in their order on the chart
        self.places = {week: np.array([place[one] for one in ids], dtype=int) for week, ids in heard.items()}
        rows = vectors.loc[list(artists)]
        self.distances = space.distances(rows)
        self._space, self._vectors = space, rows
        self.rows = space.embed(rows)
        self.recordings = np.array(list(artists), dtype=object)
        self.artists = numbered([first_artist(artist) for artist in artists.values()])
        self.apart = ~(same([artist.split(", ") for artist in artists.values()]) > 0)

    @cached_property
    def of_part(self) -> dict[str, np.ndarray]:
        """Distances by each side of the sound alone."""
        return {part: self._space.only(*families).distances(self._vectors) for part, families in PARTS.items()}

    def gone(self, weeks: Sequence[str], here: np.ndarray) -> np.ndarray:
        """Where the recordings of some weeks stand, each once, without those that are still here."""
        known = np.zeros(len(self.recordings), dtype=bool)
        for week in weeks:
            known[self.places[week]] = True
        known[here] = False
        return np.flatnonzero(known)


class _Against:
    """Recordings held against those of the past."""

    def __init__(self, sounds: _Sounds, here: np.ndarray, then: np.ndarray):
        across, among = np.ix_(here, then), np.ix_(then, then)
        apart = sounds.apart[across]
        self.typicality = novelty.typicality(sounds.rows[here], sounds.rows[then], apart)
        self.novelty = novelty.novelty(sounds.distances[across], apart)
        self.near = novelty.nearest(sounds.distances[across], apart)
        self.usual = novelty.nearest(sounds.distances[among], sounds.apart[among]).distance


def _ai(chart: _Chart, detector: Detector) -> dict[str, Estimate]:
    """How much of the chart machines made."""
    verdicts = chart["verdict"]
    ai, measured, foremost = verdicts == "ai", np.isin(verdicts, ("ai", "human", "undecided")), chart["position"] <= TOP
    total, heard = len(ai), int(measured.sum())
    share = _share(ai[measured], detector)
    detected = f"detector {detector.model_version}"
    return {
        "ai_share": _named(detected, share.census),
        "ai_share.top10": _named(detected, _share(ai[measured & foremost], detector).census),
        "ai_share.stream": _named(detected, share.corrected),
        "ai_flagged": _count(int(ai.sum()), heard),
        "ai_labelled": _count(int(chart["labelled_ai"].sum()), total),
        "undecided": _count(int((verdicts == "undecided").sum()), heard),
        "unmeasured": _count(total - heard, total),
    }


def _diversity(chart: _Chart, here: np.ndarray, sounds: _Sounds) -> dict[str, Estimate]:
    """How varied the chart sounds."""
    square = np.ix_(here, here)
    artists, distances = sounds.artists[here], sounds.distances[square]
    points: dict[str, int] = {}
    for recording, behind in zip(chart["recording_id"], chart["position"].max() - chart["position"], strict=True):
        points[recording] = points.get(recording, 0) + int(behind) + 1
    weights = np.array([points[recording] for recording in sounds.recordings[here]], dtype=float)
    alike = kernel(distances)
    entropy = estimate_order2(alike, artists)
    found = {"cultural_entropy": entropy, "cultural_entropy.weighted": estimate_order2(alike, artists, weights=weights)}
    for part, of_part in sounds.of_part.items():
        found[f"cultural_entropy.{part}"] = estimate_order2(kernel(of_part[square]), artists)
    low, high = bound_missing(alike**2, len(points), statistic=np.reciprocal)
    reason = "bounds, not an interval: those not heard are as the most or the least typical tenth of those heard"
    found["cultural_entropy.unheard"] = Estimate(entropy.value, low, high, len(here), reason)
    found["diversity.mean_distance"] = estimate_distance(distances, artists)
    found["diversity.mean_distance.weighted"] = estimate_distance(distances, artists, weights=weights)
    found["diversity.dispersion"] = bootstrap_interval(distances**2 / 2, artists, statistic=np.sqrt)
    clusters = sound_clusters(distances)
    found["diversity.clusters"] = estimate_order2(clusters[:, None] == clusters, artists)
    return found


def _novelty(here: np.ndarray, then: np.ndarray, sounds: _Sounds) -> dict[str, Estimate]:
    """How far the chart sounds like what charted in the year before and is gone."""
    names = ("typicality", "novelty.median", "novelty.p90", "conserve_index")
    if len(then) < novelty.DRAWN:
        reason = f"no estimate: of those gone in the year before {len(then)} were heard, {novelty.DRAWN} are needed"
        return dict.fromkeys(names, Estimate(np.nan, np.nan, np.nan, len(here), reason))
    artists, past_artists = sounds.artists[here], sounds.artists[then]
    against = _Against(sounds, here, then)
    return {
        "typicality": estimate_mean(against.typicality, artists),
        "novelty.median": estimate_quantile(against.novelty, artists, 0.5),
        "novelty.p90": estimate_quantile(against.novelty, artists, 0.9),
        "conserve_index": novelty.conserve_index(against.near.distance, artists, against.usual, past_artists),
    }


def _beyond_sound(chart: _Chart, before: _Chart | None) -> dict[str, Estimate]:
    """How varied the chart is in other things than sound, and how much of it is new."""
    _, first = np.unique(chart["recording_id"].astype(str), return_index=True)
    once = _where(chart, np.sort(first))
    found = {}
    for measure, column in KINDS.items():
        kinds = [str(cell).split(", ") if isinstance(cell, str) and cell else [] for cell in once[column]]
        known = np.array([len(of_one) > 0 for of_one in kinds], dtype=bool)
        pairs = same([of_one for of_one in kinds if of_one])
        # what an artist's recordings share is what is counted, for artists: each recording stands for itself there
        shared = estimate_simpson(pairs, np.arange(len(pairs)) if measure == "artists" else once["lead"][known])
        found[f"{measure}.simpson"] = _named("probability that two recordings share one", shared)
        if np.nansum(pairs) - np.trace(pairs) < 2 * FEWEST_SHARED:
            few = f"fewer than {FEWEST_SHARED} pairs of {shared.n} recordings share one"
            reason = few if shared.n else "the source names none"
            found[measure] = Estimate(np.nan, np.nan, np.nan, shared.n, f"no estimate: {reason}")
        else:
            with np.errstate(divide="ignore"):
                value, low, high = np.reciprocal([shared.value, shared.high, shared.low]).tolist()
            method = f"1 / probability that two share one; {shared.method}"
            found[measure] = Estimate(value, low, high, shared.n, method)
    if before is None:
        reason = "no estimate: the week before is missing"
        found["turnover"] = Estimate(np.nan, np.nan, np.nan, len(chart["lead"]), reason)
    else:
        stayed = set(before["recording_id"])
        new = np.array([recording not in stayed for recording in chart["recording_id"]])
        found["turnover"] = estimate_share(new, chart["lead"])
    return found


def first_artist(names: str) -> str:
    """The first of several artists, as one string: recordings of a leading artist go together."""
    return names.split(", ", 1)[0]


def _year_before(week: str, weeks: Iterable[str]) -> list[str]:
    return [one for one in weeks if _weeks_ago(week, novelty.PAST_WEEKS) <= one < week]


def _weeks_ago(week: str, weeks: int) -> str:
    return (date.fromisoformat(week) - weeks * ONE_WEEK).isoformat()


def described_by() -> str:
    """Return what the method of a measure of descriptors says about the extractor."""
    return f"extractor {EXTRACTOR_VERSION}"


def inputs_of(entries: pd.DataFrame, weeks: Collection[str], detector: Detector) -> dict[str, str]:
    """Hash of all that the measures of a chart in each of some weeks depend on, its year before included.

    `entries` are the chart's in all weeks, with what is known of their recordings.
    """
    columns = [
        "position",
        "recording_id",
        "artist",
        "verdict",
        "model_version",
        "audio_hash",
        "extractor_version",
        "labelled_ai",
        *SAID,
    ]
    rows = entries[["week", *columns]].sort_values(["week", "position"]).fillna("")
    of_week = {str(week): digest(part.to_csv(index=False)) for week, part in rows.groupby("week", sort=True)}
    made = digest(MEASURES_VERSION, detector.model_version, SPACE_FILE.read_bytes())
    found = {}
    for week in weeks:
        year = [of_week[one] for one in (*_year_before(week, of_week), week)]
        found[week] = digest(made, *year)
    return found


def _share(called_ai: np.ndarray, detector: Detector) -> AIShare:
    return ai_share(
        int(called_ai.sum()), len(called_ai), sensitivity=detector.sensitivity, specificity=detector.specificity
    )


def _count(value: int, n: int) -> Estimate:
    return Estimate(float(value), float(value), float(value), n, "count")


def _named(what: str, estimate: Estimate) -> Estimate:
    return Estimate(estimate.value, estimate.low, estimate.high, estimate.n, f"{what}; {estimate.method}")
