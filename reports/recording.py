"""One recording, with all that is known of it: for a notebook, and for its own page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.measures import first_artist, load_space
from ..features.registry import DESCRIPTORS
from ..workspace.store import digest
from .tables import Tables, current_vectors
from .words import text

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.detector import Verdict
    from ..analysis.fuse import Fused
    from ..features.sketch import Sketch

_HISTORY = ["source", "chart", "country", "week", "position", "plays", "link"]

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
    sound : Verdict or None
        What the detector found, with its own evidence; None before it was judged.
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
    sound: Verdict | None = None

    def __repr__(self) -> str:
        weeks = self.history["week"].nunique()
        best = f"{weeks} weeks, peak {self.history['position'].min()}" if weeks else "never on a chart"
        verdict = self.evidence.verdict if self.evidence else "not judged"
        return f"<Recording {self.recording_id}: {self.artist} – {self.title}; {best}; {verdict}>"


class Recordings:
    """All recordings of a workspace, their tables read once.

    Parameters
    ----------
    tables : Tables
    until : str, optional
        Last day of the last week that counts; default: all do.
    """

    def __init__(self, tables: Tables, until: str | None = None):
        self._tables = tables
        self._about = tables.recordings().set_index("recording_id", drop=False).rename_axis(None)
        self._names = tables.names()
        entries = tables.entries().dropna(subset=["week"])
        self._entries = entries[entries["week"] <= until] if until else entries
        self._judged = tables.judged()
        self._vectors = current_vectors(tables.descriptors())
        self._heard = {str(one): row for row, one in enumerate(self._vectors.index)}
        self._values = self._vectors.to_numpy()
        self._rows = self._entries.groupby("recording_id", sort=False).indices
        self._spelled = self._names.groupby("recording_id", sort=False).indices
        self._history = _tuples(self._entries[_HISTORY])
        self._spellings = _tuples(self._names)
        self._charts: dict[str, tuple[np.ndarray, ...]] = {}
        self._hashes: dict[str, str] = {}

    def __contains__(self, recording_id: object) -> bool:
        return recording_id in self._rows

    def __iter__(self) -> Iterator[str]:
        """Return the ids of all that charted in a week, those of the latest weeks first."""
        charted = self._about[self._about.index.isin(self._rows)]
        return iter(charted.sort_values(["last_week", "recording_id"], ascending=[False, True]).index)

    def of(self, recording_id: str) -> Recording:
        """Return what is known of one, by its whole id.

        Raises
        ------
        KeyError
            When there is none.
        """
        rows, spelled = self._rows.get(recording_id, []), self._spelled.get(recording_id, [])
        if not len(rows) and not len(spelled):
            raise KeyError(f"no recording {recording_id!r}")
        mine = self._entries.iloc[rows]
        names = self._names.iloc[spelled].drop(columns="recording_id").reset_index(drop=True)
        row = self._about.loc[recording_id] if recording_id in self._about.index else names.iloc[0]
        sound, evidence = self._judged.get(recording_id, (None, None))
        return Recording(
            recording_id,
            str(row["artist"]),
            str(row["title"]),
            text(row["isrc"]) or None,
            names,
            mine[_HISTORY].sort_values(["week", "source", "chart"]).reset_index(drop=True),
            evidence,
            self._among(recording_id, mine),
            self._alike(recording_id, str(row["artist"]), mine),
            sound,
        )

    def sketch(self, recording_id: str) -> Sketch | None:
        """Return the picture of its sound that was kept; None where there is none."""
        return self._tables.sketch(recording_id)

    def inputs(self, recording_id: str) -> str:
        """Return a hash of all that :meth:`of` rests on: as long as it is the same, so is what is known."""
        rows = self._rows.get(recording_id, [])
        weeks = [self._history[row][_HISTORY.index("week")] for row in rows]
        first, last = min(weeks, default=""), max(weeks, default="")
        return digest(
            [self._spellings[row] for row in self._spelled.get(recording_id, [])],
            [self._history[row] for row in rows],
            self._judged.get(recording_id),
            self._sound(recording_id),
            self._sounds(f"on {last}", self._on_charts(last)),
            self._sounds(f"before {first}", self._about.index[self._about["first_week"] < first]),
        )

    def _sound(self, recording_id: str) -> bytes:
        row = self._heard.get(recording_id)
        return b"" if row is None else self._values[row].tobytes()

    def _sounds(self, of: str, recordings: pd.Index) -> str:
        """A hash of some recordings and their sounds, made once."""
        if of not in self._hashes:
            heard = self._about.loc[self._about.index.isin(recordings) & self._about.index.isin(self._vectors.index)]
            sounds = self._vectors.loc[heard.index].to_numpy()
            self._hashes[of] = digest(heard.to_csv(index=False), sounds.tobytes())
        return self._hashes[of]

    def _on_charts(self, week: str) -> pd.Index:
        import pandas as pd

        return pd.Index(self._entries["recording_id"][self._entries["week"] == week].unique())

    def _last_charts(self, week: str) -> tuple[np.ndarray, ...]:
        """The descriptors on all charts of a week, and by descriptor how many, and a tenth, the half, nine tenths."""
        if week not in self._charts:
            chart = self._vectors.loc[self._vectors.index.isin(self._on_charts(week))].astype(float)
            known = chart.where(np.isfinite(chart))
            spread = (known.quantile(q).to_numpy() for q in (0.1, 0.5, 0.9))
            self._charts[week] = (chart.to_numpy(), known.notna().sum(axis=0).to_numpy(), *spread)
        return self._charts[week]

    def _among(self, recording_id: str, mine: pd.DataFrame) -> pd.DataFrame:
        """Its descriptors beside those of its last week's charts."""
        import pandas as pd

        columns = "family label unit value low median high percentile of".split()
        if recording_id not in self._vectors.index:
            return pd.DataFrame(columns=columns, index=pd.Index([], name="descriptor"))
        chart, count, low, median, high = self._last_charts(str(mine["week"].max()) if len(mine) else "")
        values = self._vectors.loc[recording_id].to_numpy(dtype=float)
        below = (chart < values).sum(axis=0) + (chart == values).sum(axis=0) / 2  # NaN is neither
        percentile = np.where(np.isfinite(values) & (count > 0), 100 * below / np.maximum(count, 1), np.nan)
        about = [(one.family, one.label, one.unit) for one in DESCRIPTORS.values()]
        table = pd.DataFrame(about, columns=columns[:3], index=pd.Index(DESCRIPTORS, name="descriptor"))
        numbers = dict(zip(columns[3:], (values, low, median, high, percentile, count), strict=True))
        return table.assign(**numbers)

    def _alike(self, recording_id: str, artist: str, mine: pd.DataFrame) -> pd.DataFrame:
        """What it sounds like among what charted before it."""
        columns = ["recording_id", "artist", "title", "distance", "first_week", "last_week", "peak"]
        before = self._about[self._about.index.isin(self._vectors.index)]
        if recording_id not in self._vectors.index or mine.empty:
            return before.iloc[:0].assign(distance=[])[columns].reset_index(drop=True)
        before = before[before["first_week"] < mine["week"].min()]
        before = before[before["artist"].map(first_artist) != first_artist(artist)]
        distances = load_space().distances(self._vectors.loc[[recording_id]], self._vectors.loc[before.index])[0]
        near = before.assign(distance=distances).dropna(subset=["distance"]).reset_index(drop=True)
        return near.sort_values(["distance", "recording_id"])[columns].head(ALIKE).reset_index(drop=True)


def _tuples(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))
