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
    entries, vectors, judged : optional
        What has been read already: :meth:`.tables.Tables.entries`, :func:`.tables.current_vectors`, and the second of
        :meth:`.tables.Tables.judged`.
    """

    def __init__(
        self,
        tables: Tables,
        until: str | None = None,
        *,
        entries: pd.DataFrame | None = None,
        vectors: pd.DataFrame | None = None,
        judged: dict[str, tuple[Verdict, Fused]] | None = None,
    ):
        self._tables = tables
        self._names = tables.names()
        entries = (tables.entries() if entries is None else entries).dropna(subset=["week"])
        self._entries = entries[entries["week"] <= until] if until else entries
        self._judged = tables.judged()[1] if judged is None else judged
        self._vectors = current_vectors(tables.descriptors()) if vectors is None else vectors
        self._heard = {str(one): row for row, one in enumerate(self._vectors.index)}
        self._values = self._vectors.to_numpy()
        self._rows = self._entries.groupby("recording_id", sort=False).indices
        self._spelled = self._names.groupby("recording_id", sort=False).indices
        self._history = _tuples(self._entries[_HISTORY])
        self._spellings = _tuples(self._names)
        self._called = tables.recordings().set_index("recording_id")[["isrc", "artist", "title"]]
        stays = self._entries.groupby("recording_id")
        self._about = self._called.join(
            stays.agg(first_week=("week", "min"), last_week=("week", "max"), peak=("position", "min")), how="inner"
        )
        self._told = dict(zip(self._about.index, _tuples(self._about), strict=True))
        self._charts: dict[str, tuple[np.ndarray, ...]] = {}
        self._chart_hashes: dict[str, str] = {}
        self._nearest: dict[str, dict[str, tuple[list[str], np.ndarray]]] = {}

    def __contains__(self, recording_id: object) -> bool:
        return recording_id in self._rows

    def __iter__(self) -> Iterator[str]:
        """Return the ids of all that charted in a week, those of the latest weeks first."""
        return iter(self._about.sort_values(["last_week", "recording_id"], ascending=[False, True]).index)

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
        row = self._called.loc[recording_id] if recording_id in self._called.index else names.iloc[0]
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
            self._alike(recording_id),
            sound,
        )

    def weeks(self, recording_id: str) -> list[str]:
        """Return the weeks that one was on any chart, in order."""
        return sorted({str(self._history[row][_HISTORY.index("week")]) for row in self._rows.get(recording_id, [])})

    def meant_by(self, name_id: str) -> str | None:
        """Return the recording that charted under a name, by the id of either; None where there is none."""
        found = self._names["recording_id"][self._names["name_id"] == name_id].unique()
        return next((one for one in found if one in self), None)

    def sketch(self, recording_id: str) -> Sketch | None:
        """Return the picture of its sound that was kept; None where there is none."""
        return self._tables.sketch(recording_id)

    def inputs(self, recording_id: str) -> str:
        """Return a hash of what a page shows of one that charted: as long as it is the same, so is what is known."""
        alike, distances = self._nearest_to(recording_id)
        return digest(
            self._told[recording_id],
            [self._spellings[row] for row in self._spelled.get(recording_id, [])],
            [self._history[row] for row in self._rows[recording_id]],
            self._judged.get(recording_id),
            self._sound(recording_id),
            self._chart_hash(str(self._about.at[recording_id, "last_week"])),
            [(one, *self._told[one], f"{distance:.2f}") for one, distance in zip(alike, distances, strict=True)],
        )

    def _sound(self, recording_id: str) -> bytes:
        row = self._heard.get(recording_id)
        return b"" if row is None else self._values[row].tobytes()

    def _chart_hash(self, week: str) -> str:
        """A hash of the sounds on all charts of a week, made once."""
        if week not in self._chart_hashes:
            self._chart_hashes[week] = digest(self._values[self._on_charts(week)].tobytes())
        return self._chart_hashes[week]

    def _on_charts(self, week: str) -> np.ndarray:
        """Which of the sounds were on any chart of a week."""
        return self._vectors.index.isin(self._entries["recording_id"][self._entries["week"] == week])

    def _last_charts(self, week: str) -> tuple[np.ndarray, ...]:
        """The descriptors on all charts of a week, and by descriptor how many, and a tenth, the half, nine tenths."""
        if week not in self._charts:
            chart = self._vectors.loc[self._on_charts(week)].astype(float)
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

    def _alike(self, recording_id: str) -> pd.DataFrame:
        """What it sounds like among what charted before it."""
        alike, distances = self._nearest_to(recording_id)
        columns = ["recording_id", "artist", "title", "distance", "first_week", "last_week", "peak"]
        return self._about.loc[alike].assign(distance=distances).reset_index(names="recording_id")[columns]

    def _nearest_to(self, recording_id: str) -> tuple[list[str], np.ndarray]:
        """The ids of what it sounds most like, the nearest first, and the distances."""
        if recording_id not in self._heard or recording_id not in self._told:
            return [], np.zeros(0)
        week = str(self._about.at[recording_id, "first_week"])
        if week not in self._nearest:
            self._nearest[week] = self._nearest_before(week)
        return self._nearest[week][recording_id]

    def _nearest_before(self, week: str) -> dict[str, tuple[list[str], np.ndarray]]:
        """What the recordings that were new in a week sound most like: all at once, as one by one takes much longer."""
        heard = self._about[self._about.index.isin(self._vectors.index)].sort_index()
        new, before = heard[heard["first_week"] == week], heard[heard["first_week"] < week]
        distances = load_space().distances(self._vectors.loc[new.index], self._vectors.loc[before.index])
        lead, leads = new["artist"].map(first_artist).to_numpy(), before["artist"].map(first_artist).to_numpy()
        distances[lead[:, None] == leads] = np.nan
        # a product of matrices rounds by their size: what is as near must stay in order when others come
        order = np.argsort(distances.round(9), axis=1, kind="stable")[:, :ALIKE]
        found = {}
        for one, row, nearest in zip(new.index, distances, order, strict=True):
            nearest = nearest[np.isfinite(row[nearest])]
            found[str(one)] = ([str(other) for other in before.index[nearest]], row[nearest])
        return found


def _tuples(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))
