"""One recording, with all that is known of it: for a notebook, and for its own page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.measures import first_artist, load_space
from ..charts.identity import found
from ..features.registry import DESCRIPTORS
from .tables import Tables, current_vectors

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.fuse import Fused

ALIKE = 10
"""Most similar recordings of the past that are told of."""


@dataclass(frozen=True, repr=False)
class Recording:
    """What is known of a recording.

    Attributes
    ----------
    recording_id, artist, title : str
    isrc : str or None
    names : pandas.DataFrame
        Its spellings: ``name_id, source, artist, title, isrc, track_id``.
    history : pandas.DataFrame
        Where it charted: ``source, chart, country, week, position, plays, link``, in order of time.
    evidence : Fused or None
        Verdict of the sound and claims of others, kept apart and weighed; None before it was judged.
    descriptors : pandas.DataFrame
        By descriptor: ``family, label, unit, value, low, median, high, percentile, of``. Among the `of` recordings that were
        on any chart in its last week, a tenth lies below `low`, half below `median`, nine tenths below `high`, and
        `percentile` (0 to 100) of them below its value, ties half. Empty before it was described.
    alike : pandas.DataFrame
        The recordings of the past that it sounds most like: ``recording_id, artist, title, distance, first_week,
        last_week, peak``. The past is what charted anywhere before its first week, by other artists; 1 is the distance of two
        usual recordings. Empty where nothing was heard before.
    """

    recording_id: str
    artist: str
    title: str
    isrc: str | None
    names: pd.DataFrame
    history: pd.DataFrame
    evidence: Fused | None
    descriptors: pd.DataFrame
    alike: pd.DataFrame

    def __repr__(self) -> str:
        weeks = self.history["week"].nunique()
        best = f"{weeks} weeks, peak {self.history['position'].min()}" if weeks else "never on a chart"
        verdict = self.evidence.verdict if self.evidence else "not judged"
        return f"<Recording {self.recording_id}: {self.artist} – {self.title}; {best}; {verdict}>"


def read_recording(tables: Tables, recording: str) -> Recording:
    """Gather what is known of a recording.

    Parameters
    ----------
    tables : Tables
    recording : str
        By its id or the first letters.

    Returns
    -------
    Recording

    Raises
    ------
    RecordingError
        When there is no such recording, or several.
    """
    with tables.workspace.store.reading() as connection:
        recording_id = found(connection, recording)[1]
    recordings = tables.recordings()
    about = recordings[recordings["recording_id"] == recording_id]
    names = tables.names()
    names = names[names["recording_id"] == recording_id].drop(columns="recording_id").reset_index(drop=True)
    row = about.iloc[0] if len(about) else names.iloc[0]
    entries = tables.entries().dropna(subset=["week"])
    mine = entries[entries["recording_id"] == recording_id]
    columns = ["source", "chart", "country", "week", "position", "plays", "link"]
    try:
        evidence = tables.witnesses(recording_id)
    except KeyError:
        evidence = None
    vectors = current_vectors(tables.descriptors())
    return Recording(
        recording_id,
        str(row["artist"]),
        str(row["title"]),
        str(row["isrc"]) if isinstance(row["isrc"], str) and row["isrc"] else None,
        names,
        mine[columns].sort_values(["week", "source", "chart"]).reset_index(drop=True),
        evidence,
        _among(recording_id, mine, entries, vectors),
        _alike(recording_id, str(row["artist"]), mine, recordings, vectors),
    )


def _among(recording_id: str, mine: pd.DataFrame, entries: pd.DataFrame, vectors: pd.DataFrame) -> pd.DataFrame:
    """Its descriptors beside those of its last week's charts."""
    import pandas as pd

    columns = "family label unit value low median high percentile of".split()
    if recording_id not in vectors.index:
        return pd.DataFrame(columns=columns, index=pd.Index([], name="descriptor"))
    others = entries[entries["week"] == mine["week"].max()]["recording_id"].unique() if len(mine) else []
    chart = vectors.loc[vectors.index.isin(others)].to_numpy(dtype=float)
    values = vectors.loc[recording_id].to_numpy(dtype=float)
    known = np.isfinite(chart)
    count = known.sum(axis=0)
    below = ((chart < values) & known).sum(axis=0) + ((chart == values) & known).sum(axis=0) / 2
    with np.errstate(invalid="ignore"):
        percentile = np.where(np.isfinite(values) & (count > 0), 100 * below / np.maximum(count, 1), np.nan)
    chart = pd.DataFrame(np.where(known, chart, np.nan))
    low, median, high = (chart.quantile(q).to_numpy() for q in (0.1, 0.5, 0.9))
    about = [(one.family, one.label, one.unit) for one in DESCRIPTORS.values()]
    table = pd.DataFrame(about, columns=columns[:3], index=pd.Index(DESCRIPTORS, name="descriptor"))
    numbers = dict(zip(columns[3:], (values, low, median, high, percentile, count), strict=True))
    return table.assign(**numbers)


def _alike(
    recording_id: str, artist: str, mine: pd.DataFrame, recordings: pd.DataFrame, vectors: pd.DataFrame
) -> pd.DataFrame:
    """What it sounds like among what charted before it."""
    columns = ["recording_id", "artist", "title", "distance", "first_week", "last_week", "peak"]
    before = recordings[recordings["recording_id"].isin(vectors.index)]
    if recording_id not in vectors.index or mine.empty:
        return before.iloc[:0].assign(distance=[])[columns]
    before = before[before["first_week"] < mine["week"].min()]
    before = before[before["artist"].map(first_artist) != first_artist(artist)]
    distances = load_space().distances(vectors.loc[[recording_id]], vectors.loc[before["recording_id"]])[0]
    near = before.assign(distance=distances).dropna(subset=["distance"])
    return near.sort_values(["distance", "recording_id"])[columns].head(ALIKE).reset_index(drop=True)
