"""The tables of a workspace as DataFrames: what exports write, pages show and analysts work with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Row, func, select

from ..analysis.detector import Verdict
from ..analysis.fuse import Evidence, Fused, claim, fuse
from ..charts.claims import FILE, YOU
from ..charts.collect import Chart, at
from ..charts.periods import Period, week_of
from ..features.registry import EXTRACTOR_VERSION
from ..workspace import tables as t
from ..workspace.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("entries", "recordings", "names", "labels", "composite", "verdicts", "descriptors", "measures")
"""Tables that can be exported."""


_ENTRIES = [
    t.entry.c[name]
    for name in (
        "source chart country week position recording_id isrc artist title artist_intl title_intl released genres language "
        "label plays mean_position track_id link period period_start period_end name_id page_id"
    ).split()
]


class Tables:
    """The tables of one workspace.

    Parameters
    ----------
    workspace : Workspace
        Open.

    Notes
    -----
    Each method reads the database anew and returns a DataFrame of its own, in a stable order of rows and columns.
    """

    def __init__(self, workspace: Workspace):
        self.workspace = workspace

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_) -> None:
        self.workspace.close()

    def __repr__(self) -> str:
        return f"<Chartropy workspace {self.workspace.folder.absolute()}: {', '.join(NAMES)}>"

    def entries(self) -> pd.DataFrame:
        """Every position of every chart.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, week, position, recording_id, isrc, artist, title`` and what else the page said;
            `isrc`, `artist` and `title` as the page printed them, `week` the ISO date of the chart week's last day,
            missing for a `period` that is no week (``monthly``, ``annual``, ...; ``period_start``, ``period_end``).
            `plays` are spins, views, streams or listeners, whichever the source counts; `mean_position` is the mean
            over the snapshots of a chart that only shows the present. Source ``chartropy`` is the composite.
        """
        entry = t.entry.c
        return self.workspace.store.frame(
            select(*_ENTRIES).order_by(
                entry.period_end, entry.period, entry.source, entry.chart, entry.country, entry.position
            )
        )

    def recordings(self) -> pd.DataFrame:
        """Every recording, once.

        Returns
        -------
        pandas.DataFrame
            ``recording_id, isrc, artist, title, version, first_week, last_week, peak, weeks``; `peak` is the best
            position on any chart, `weeks` counts the weeks on at least one.
        """
        entry, recording = t.entry.c, t.recording.c
        return self.workspace.store.frame(
            select(
                recording.recording_id,
                recording.isrc,
                recording.artist,
                recording.title,
                recording.version,
                func.min(entry.week).label("first_week"),
                func.max(entry.week).label("last_week"),
                func.min(entry.position).label("peak"),
                func.count(entry.week.distinct()).label("weeks"),
            )
            .join(t.entry, entry.recording_id == recording.recording_id)
            .group_by(recording.recording_id)
            .order_by(recording.recording_id)
        )

    def verdicts(self) -> pd.DataFrame:
        """The newest verdict on every recording that was looked at.

        Returns
        -------
        pandas.DataFrame
            ``recording_id, isrc, artist, title, probability, verdict, reason, preview_provider, preview_id,
            preview_link, model_version, measured_at, fused, fused_reason``; `verdict` is ``ai``, ``human``, ``undecided``
            or ``unmeasured``, by the sound alone; `probability` (of AI, 0 to 1) is missing when unmeasured. `fused` also
            weighs what others say (:meth:`labels`), as `chartropy.analysis.fuse` tells.
        """
        verdict, recording, preview = t.verdict.c, t.recording.c, t.preview.c
        frame = self.workspace.store.frame(
            select(
                verdict.recording_id,
                recording.isrc,
                recording.artist,
                recording.title,
                verdict.probability,
                verdict.verdict,
                verdict.reason,
                preview.provider.label("preview_provider"),
                preview.preview_id,
                preview.link.label("preview_link"),
                verdict.model_version,
                verdict.measured_at,
                verdict.sha256,
                verdict.evidence,
            )
            .join(t.recording, recording.recording_id == verdict.recording_id)
            .join(t.preview, preview.recording_id == verdict.recording_id, isouter=True)
            .order_by(verdict.recording_id, verdict.measured_at)
        )
        newest = frame.drop_duplicates("recording_id", keep="last").reset_index(drop=True)
        claims = self._claims()
        fused = [_fused(row, claims.get(str(row.recording_id), [])) for row in newest.itertuples()]
        newest["fused"], newest["fused_reason"] = [one.verdict for one in fused], [one.reason for one in fused]
        return newest.drop(columns=["sha256", "evidence"]).astype({"probability": float})

    def witnesses(self, recording_id: str) -> Fused:
        """Return all evidence about a recording, kept apart, and what it comes to.

        Parameters
        ----------
        recording_id : str

        Returns
        -------
        chartropy.analysis.fuse.Fused

        Raises
        ------
        KeyError
            When no verdict on it is stored.
        """
        return _fused(self._newest_verdict(recording_id), self._claims().get(recording_id, []))

    def _claims(self) -> dict[str, list[Evidence]]:
        """What others than the detector say, by recording."""
        label, recording = t.label.c, t.recording.c
        query = (
            select(recording.same_as, label.source, label.label, label.ground, label.labelled_at)
            .join(t.recording, recording.recording_id == label.recording_id)
            .order_by(recording.same_as, label.source, label.subject)
        )
        found: dict[str, list[Evidence]] = {}
        with self.workspace.store.reading() as connection:
            for row in connection.execute(query):
                if row.source in (YOU, *FILE):
                    kind = row.source
                else:
                    kind = "registry" if row.source in self.workspace.settings.registries else "platform"
                found.setdefault(row.same_as, []).append(
                    claim(row.source, kind, row.label, row.ground, str(row.labelled_at)[:10])
                )
        return found

    def descriptors(self) -> pd.DataFrame:
        """The newest descriptors of every recording that has a preview.

        Returns
        -------
        pandas.DataFrame
            ``recording_id, audio_hash, extractor_version``, then a column per descriptor (float32, NaN where it could
            not be computed); see ``chartropy.features.registry`` for their units and meaning.
        """
        import pandas as pd

        preview, descriptor = t.preview.c, t.descriptor.c
        rows = self.workspace.store.frame(
            select(
                preview.recording_id,
                descriptor.sha256.label("audio_hash"),
                descriptor.extractor_version,
                descriptor.names,
                descriptor.vector,
            )
            .join(t.descriptor, descriptor.sha256 == preview.sha256)
            .order_by(preview.recording_id, descriptor.extractor_version)
        ).drop_duplicates("recording_id", keep="last")
        parts = []
        for names, group in rows.groupby("names", sort=False):  # an older extractor may know other names
            values = np.vstack([np.frombuffer(vector, "<f4") for vector in group["vector"]])
            parts.append(pd.DataFrame(values, columns=str(names).split(), index=group.index))
        vectors = pd.concat(parts) if parts else pd.DataFrame(index=rows.index)
        head = rows[["recording_id", "audio_hash", "extractor_version"]]
        return head.join(vectors).reset_index(drop=True)

    def outdated(self) -> list[str]:
        """Return the recordings that only an older extractor has described, those of the latest charts first."""
        preview, descriptor, entry = t.preview.c, t.descriptor.c, t.entry.c
        current = select(descriptor.sha256).where(descriptor.extractor_version == EXTRACTOR_VERSION)
        query = (
            select(preview.recording_id)
            .join(t.entry, entry.recording_id == preview.recording_id, isouter=True)
            .where(preview.sha256.in_(select(descriptor.sha256)), preview.sha256.not_in(current))
            .group_by(preview.recording_id)
            .order_by(func.max(entry.period_end).desc(), preview.recording_id)
        )
        with self.workspace.store.reading() as connection:
            return list(connection.scalars(query))

    def measures(self) -> pd.DataFrame:
        """Every measure of every chart week.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, week, measure, value, low, high, n, method``; `low` and `high` bound the 95 %
            interval that `method` names.
        """
        measure = t.measure.c
        return self.workspace.store.frame(
            select(
                measure.source,
                measure.chart,
                measure.country,
                measure.week,
                measure.measure,
                measure.value,
                measure.low,
                measure.high,
                measure.n,
                measure.method,
            ).order_by(measure.week, measure.source, measure.chart, measure.country, measure.measure)
        ).astype({"value": float, "low": float, "high": float})

    def gaps(self) -> pd.DataFrame:
        """Every chart that is missing or incomplete.

        Returns
        -------
        pandas.DataFrame
            ``week, source, chart, country, period, reason``; `week` is the last day of the period, whatever its kind.
        """
        gap = t.gap.c
        return self.workspace.store.frame(
            select(gap.week, gap.source, gap.chart, gap.country, gap.period, gap.reason).order_by(
                gap.week, gap.source, gap.chart, gap.country, gap.period
            )
        )

    def chart(self, source: str, chart: str, week: date | str, country: str = "ru") -> pd.DataFrame:
        """One chart of one week, by position; the columns of :meth:`entries`.

        Parameters
        ----------
        source, chart, country : str
            As ``chartropy sources`` names them; ``chartropy``, ``composite`` is the composite.
        week : date or str
            Any day of the chart week.

        Returns
        -------
        pandas.DataFrame
            Empty when it is not there.
        """
        entry = t.entry.c
        period = Period.week(week_of(date.fromisoformat(str(week)), self.workspace.settings.week_ends))
        return self.workspace.store.frame(
            select(*_ENTRIES).where(at(entry, Chart(source, chart, country), period)).order_by(entry.position)
        )

    def labels(self) -> pd.DataFrame:
        """Who says that a recording is AI or human-made, when and on what ground: claims, not proof.

        Returns
        -------
        pandas.DataFrame
            ``recording_id, artist, title, source, subject, label, ground, labelled_at, page_id``.
        """
        label, name, recording = t.label.c, t.recording.alias(), t.recording.alias()
        return self.workspace.store.frame(
            select(
                recording.c.recording_id,
                recording.c.artist,
                recording.c.title,
                label.source,
                label.subject,
                label.label,
                label.ground,
                label.labelled_at,
                label.page_id,
            )
            .join(name, name.c.recording_id == label.recording_id)
            .join(recording, recording.c.recording_id == name.c.same_as)
            .distinct()
            .order_by(recording.c.recording_id, label.source, label.subject)
        )

    def names(self) -> pd.DataFrame:
        """Every name that a recording goes by, and where it was seen.

        Returns
        -------
        pandas.DataFrame
            ``recording_id, name_id, source, artist, title, isrc, track_id``; names with one `recording_id` were found,
            or said by the user, to mean one recording.
        """
        spelling, name = t.spelling.c, t.recording.c
        return self.workspace.store.frame(
            select(
                name.same_as.label("recording_id"),
                name.recording_id.label("name_id"),
                spelling.source,
                spelling.artist,
                spelling.title,
                spelling.isrc,
                spelling.track_id,
            )
            .join(t.recording, name.recording_id == spelling.recording_id)
            .order_by(name.same_as, name.recording_id, spelling.source, spelling.artist, spelling.title, spelling.isrc)
        )

    def composite(self) -> pd.DataFrame:
        """How each place of every composite got there: a row per week, place and platform.

        Returns
        -------
        pandas.DataFrame
            ``week, country, position, recording_id, artist, title, score, platform, chart_positions, points, share,
            position_without``: the `share` of all platforms of a place add up to its `score`; `position_without` is the
            place it would have if that platform were left out, missing when it would have none.
        """
        import pandas as pd

        from ..charts import composite

        entries = self.entries()
        made = entries[entries["source"] == composite.SOURCE]
        rows = []
        with self.workspace.store.reading() as connection:
            for (country, week), chart in made.groupby(["country", "week"], sort=True):
                shown = chart.set_index("recording_id")
                for place in composite.explained(connection, str(country), date.fromisoformat(str(week))):
                    spelled = shown.loc[place.recording_id]
                    for platform, part in place.parts.items():
                        positions = ", ".join(f"{name} {position}" for name, position in part.positions.items())
                        rows.append(
                            {
                                "week": week,
                                "country": country,
                                "position": place.position,
                                "recording_id": place.recording_id,
                                "artist": spelled["artist"],
                                "title": spelled["title"],
                                "score": place.score,
                                "platform": platform,
                                "chart_positions": positions,
                                "points": part.points,
                                "share": part.share,
                                "position_without": part.without,
                            }
                        )
        columns = "week country position recording_id artist title score platform chart_positions points share position_without"
        return pd.DataFrame(rows, columns=columns.split()).astype({"position_without": "Int64"})

    def labelled_ai(self) -> set[str]:
        """Return the recordings that somebody other than our detector says are AI-made."""
        label, recording = t.label.c, t.recording.c
        said = select(recording.same_as).join(t.label, label.recording_id == recording.recording_id)
        with self.workspace.store.reading() as connection:
            return set(connection.scalars(said.where(label.label == "ai")))

    def evidence(self, recording_id: str) -> dict:
        """Return what the newest verdict on a recording rests on."""
        return json.loads(self._newest_verdict(recording_id).evidence)

    def _newest_verdict(self, recording_id: str) -> Row:
        verdict = t.verdict.c
        query = (
            select(t.verdict).where(verdict.recording_id == recording_id).order_by(verdict.measured_at.desc()).limit(1)
        )
        with self.workspace.store.reading() as connection:
            found = connection.execute(query).one_or_none()
        if found is None:
            raise KeyError(f"no verdict on {recording_id!r}")
        return found

    def __iter__(self) -> Iterator[tuple[str, pd.DataFrame]]:
        return ((name, getattr(self, name)()) for name in NAMES)


def open_workspace(folder: Path | str | None = None) -> Tables:
    """Open a workspace to read its tables.

    Parameters
    ----------
    folder : path, optional
        Default: ``CHARTROPY_WORKSPACE``, else ``chartropy-data`` in the current folder.

    Returns
    -------
    Tables

    Examples
    --------
    >>> import chartropy
    >>> season = chartropy.open_workspace("chartropy-demo")  # doctest: +SKIP
    >>> season.measures().query("measure == 'ai_share'")  # doctest: +SKIP
    """
    return Tables(Workspace(folder))


def _fused(row: Any, claims: list[Evidence]) -> Fused:
    """Weigh the sound's verdict, as it is stored, with what others say."""
    sound = Verdict(row.verdict, row.probability, row.reason, row.model_version, json.loads(row.evidence or "{}"))
    return fuse(sound, claims, str(row.measured_at)[:10])
