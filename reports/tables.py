"""The tables of a workspace as DataFrames: what exports write, pages show and analysts work with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import func, select

from ..workspace import tables as t
from ..workspace.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("entries", "recordings", "verdicts", "descriptors", "measures")
"""Tables that can be exported."""


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
            `isrc`, `artist` and `title` as the page printed them, `week` the ISO date of the chart week's last day.
        """
        entry = t.entry.c
        return self.workspace.store.frame(
            select(
                entry.source,
                entry.chart,
                entry.country,
                entry.week,
                entry.position,
                entry.recording_id,
                entry.isrc,
                entry.artist,
                entry.title,
                entry.artist_intl,
                entry.title_intl,
                entry.released,
                entry.genres,
                entry.language,
                entry.label,
                entry.track_id,
                entry.link,
                entry.page_id,
            ).order_by(entry.week, entry.source, entry.chart, entry.country, entry.position)
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
            preview_link, model_version, measured_at``; `verdict` is ``ai``, ``human``, ``undecided`` or
            ``unmeasured``, `probability` (of AI, 0 to 1) is missing when unmeasured.
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
            )
            .join(t.recording, recording.recording_id == verdict.recording_id)
            .join(t.preview, preview.recording_id == verdict.recording_id, isouter=True)
            .order_by(verdict.recording_id, verdict.measured_at)
        )
        newest = frame.drop_duplicates("recording_id", keep="last").drop(columns="sha256")
        return newest.astype({"probability": float}).reset_index(drop=True)

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
        """Every chart that is missing or incomplete, ``week, source, chart, country, reason``."""
        gap = t.gap.c
        return self.workspace.store.frame(
            select(gap.week, gap.source, gap.chart, gap.country, gap.reason).order_by(
                gap.week, gap.source, gap.chart, gap.country
            )
        )

    def labelled_ai(self) -> set[str]:
        """Return the recordings that somebody other than our detector says are AI-made."""
        label = t.label.c
        with self.workspace.store.reading() as connection:
            return set(connection.scalars(select(label.recording_id).where(label.label == "ai")))

    def evidence(self, recording_id: str) -> dict:
        """Return what the newest verdict on a recording rests on."""
        verdict = t.verdict.c
        query = (
            select(verdict.evidence)
            .where(verdict.recording_id == recording_id)
            .order_by(verdict.measured_at.desc())
            .limit(1)
        )
        with self.workspace.store.reading() as connection:
            found = connection.scalar(query)
        if found is None:
            raise KeyError(f"no verdict on {recording_id!r}")
        return json.loads(found)

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
