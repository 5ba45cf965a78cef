"""The tables of a workspace as DataFrames: what exports write, pages show and analysts work with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np
from sqlalchemy import Row, func, select

from ..analysis.detector import Verdict
from ..analysis.fuse import Evidence, Fused, claim, fuse
from ..charts.claims import FILE, YOU
from ..charts.collect import Chart, at
from ..charts.identity import found
from ..charts.periods import Period, first_day, week_of
from ..features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from ..workspace import tables as t
from ..workspace.errors import ModelError, SettingsError
from ..workspace.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from ..features.sketch import Sketch
    from .critic import Judged
    from .recording import Recording

NAMES = (
    "entries",
    "recordings",
    "names",
    "labels",
    "composite",
    "verdicts",
    "descriptors",
    "measures",
    "trend",
    "gaps",
)
"""Tables that can be exported; :mod:`.dictionary` says what their columns are."""


ENTRIES = [
    t.entry.c[name]
    for name in (
        "source chart country week position recording_id isrc artist title artist_intl title_intl released genres language "
        "label plays mean_position track_id link period period_start period_end name_id page_id"
    ).split()
]

_NEEDED = ("weeks", "weeks_low", "weeks_high")


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
        return f"<Chartropy workspace {self.workspace.folder}: {', '.join(NAMES)}>"

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
            select(*ENTRIES).order_by(
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
        return self.judged()[0]

    def judged(self) -> tuple[pd.DataFrame, dict[str, tuple[Verdict, Fused]]]:
        """Return :meth:`verdicts`, and by recording what they come from: the sound's newest verdict, and all evidence, weighed."""
        verdict, recording, preview = t.verdict.c, t.recording.c, t.preview.c
        query = (
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
        every = self.workspace.store.frame(query)
        newest = every.drop_duplicates("recording_id", keep="last").reset_index(drop=True)
        claims = self._claims()
        judged = {
            str(row.recording_id): _weighed(row, claims.get(str(row.recording_id), [])) for row in newest.itertuples()
        }
        newest["fused"] = [fused.verdict for _, fused in judged.values()]
        newest["fused_reason"] = [fused.reason for _, fused in judged.values()]
        return newest.drop(columns=["sha256", "evidence"]).astype({"probability": float}), judged

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
        return _weighed(self._newest_verdict(recording_id), self._claims().get(recording_id, []))[1]

    def recording(self, recording_id: str) -> Recording:
        """Return all that is known of a recording: spellings, chart history, evidence, descriptors, what it sounds like.

        Parameters
        ----------
        recording_id : str
            Or its first letters.

        Returns
        -------
        chartropy.reports.recording.Recording

        Raises
        ------
        RecordingError
            When there is no such recording, or several.
        """
        from .recording import Recordings

        with self.workspace.store.reading() as connection:
            whole = found(connection, recording_id)[1]
        return Recordings(self).of(whole)

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

    def sketch(self, recording_id: str) -> Sketch | None:
        """Return the picture of a recording's sound that was kept; None where there is none that can be read."""
        from ..features.sketch import Sketch

        preview, descriptor = t.preview.c, t.descriptor.c
        query = (
            select(descriptor.sketch)
            .join(t.preview, preview.sha256 == descriptor.sha256)
            .where(preview.recording_id == recording_id)
            .order_by(descriptor.extractor_version.desc())
            .limit(1)
        )
        with self.workspace.store.reading() as connection:
            drawn = connection.scalar(query)
        try:
            return Sketch.from_bytes(drawn) if drawn else None
        except ModelError:
            return None

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
            select(*ENTRIES).where(at(entry, Chart(source, chart, country), period)).order_by(entry.position)
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

    def trend(
        self,
        measure: str | None = None,
        source: str | None = None,
        chart: str | None = None,
        country: str | None = None,
        *,
        since: date | str | None = None,
    ) -> pd.DataFrame:
        """How each measure of each chart moves, and whether that is more than a slow series does by itself.

        Parameters
        ----------
        measure, source, chart, country : str, optional
            Only these; default: all.
        since : date or str, optional
            As if nothing had been measured before the chart week that holds this day.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, measure, first, last, n, mean, slope, low, high, change, change_low, change_high, p,
            p_block, p_phase, p_adjusted, autocorrelation, sd, method``. `slope` is Theil-Sen's, per year; `change` is over
            all weeks from `first` to `last`; both with 95 % intervals. `p` is of the null of no trend in autoregressive
            noise, the others of two more nulls (:func:`chartropy.analysis.trends.trend`); `p_adjusted` is `p` after
            Benjamini and Hochberg over the rows returned. `sd` is what slow noise of that
            `autocorrelation` has in the long run, around the trend; near 1 it is far more than these weeks show. Weeks measured in
            another way than the newest (another detector, another extractor) are left out; with fewer than 8 the
            numbers are missing, and `method` says so.
        """
        import pandas as pd
        from scipy.stats import false_discovery_control

        from ..analysis.trends import WEEKS_PER_YEAR, trend

        rows = []
        asked = {"measure": measure, "source": source, "chart": chart, "country": country}
        for key, alike in self._series(asked, since):
            found = trend(alike["value"].to_numpy(), pd.DatetimeIndex(alike["week"]))
            slope, change = found.slope, found.change
            moves = alike["value"].nunique() > 1  # what never changes is no test, and none of those adjusted for
            rows.append(
                {
                    **key,
                    "first": alike["week"].iloc[0],
                    "last": alike["week"].iloc[-1],
                    "n": found.n,
                    "mean": alike["value"].mean(),
                    "slope": slope.value * WEEKS_PER_YEAR,
                    "low": slope.low * WEEKS_PER_YEAR,
                    "high": slope.high * WEEKS_PER_YEAR,
                    "change": change.value,
                    "change_low": change.low,
                    "change_high": change.high,
                    "p": found.p["ar"] if moves else np.nan,
                    "p_block": found.p["block"] if moves else np.nan,
                    "p_phase": found.p["phase"] if moves else np.nan,
                    "p_adjusted": np.nan,
                    "autocorrelation": found.autocorrelation if moves else np.nan,
                    "sd": found.sd,
                    "method": slope.method,
                }
            )
        columns = (
            "source chart country measure first last n mean slope low high change change_low change_high p p_block p_phase "
            "p_adjusted autocorrelation sd method"
        ).split()
        result = pd.DataFrame(rows, columns=columns)
        tested = result["p"].notna()
        if tested.any():
            result.loc[tested, "p_adjusted"] = false_discovery_control(result.loc[tested, "p"].to_numpy(dtype=float))
        return result

    def change_points(
        self,
        measure: str | None = None,
        source: str | None = None,
        chart: str | None = None,
        country: str | None = None,
        *,
        null: str = "level",
    ) -> pd.DataFrame:
        """Where each measure of each chart breaks, and whether that is more than slow noise does.

        Parameters
        ----------
        measure, source, chart, country : str, optional
            As for :meth:`trend`.
        null : "level" or "trend"
            What a break is tested against: noise around one level, or around one straight line. A steady trend breaks a
            level too; only "trend" tells the two apart.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, measure, week, before, after, size, low, high, p, p_adjusted, null, n``: `week` is the
            first after the break, `p_adjusted` controls false breaks within its series
            (:func:`chartropy.analysis.trends.change_points`). `low` and `high` take the place of the break as known: they may
            leave out 0 where `p_adjusted` finds no break at all. A series in which none is sure has its likeliest one: look at
            `p_adjusted`, and divide .05 by how many series you asked for. Weeks as for :meth:`trend`.
        """
        import pandas as pd

        from ..analysis.trends import change_points

        rows = []
        for key, weeks in self._series({"measure": measure, "source": source, "chart": chart, "country": country}):
            found = change_points(weeks["value"].to_numpy(), pd.DatetimeIndex(weeks["week"]), null=null)
            for row in found.to_dict("records"):
                week = pd.Timestamp(row.pop("time")).date().isoformat()
                rows.append({**key, "week": week, **row, "n": len(weeks)})
        columns = "source chart country measure week before after size low high p p_adjusted null n"
        return pd.DataFrame(rows, columns=columns.split())

    def power(
        self,
        changes: Sequence[float] = (5.0, 10.0, 20.0),
        measure: str = "cultural_entropy",
        source: str | None = None,
        chart: str | None = None,
        country: str | None = None,
        *,
        at_once: bool = False,
        power: float = 0.8,
        track: Callable[[list], Iterable] = iter,
    ) -> pd.DataFrame:
        """How many weeks one must watch to see a change of so many percent, by how each chart has moved so far.

        Parameters
        ----------
        changes : sequence of float
            Percent of the measure's mean: per year, or in all where `at_once`.
        measure, source, chart, country : str, optional
            As for :meth:`trend`.
        at_once : bool
            A step, with as many weeks before as after, instead of a steady change.
        power : float
            How probably it shall be seen, by the test of :meth:`trend` at .05.
        track : callable
            Given the work to do, returns it one by one: shows how far it is.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, measure, n, mean, sd, autocorrelation, change_percent, shape, power, weeks, weeks_low,
            weeks_high``; `weeks` is missing where 520 do not suffice, or where fewer than 8 weeks were measured so far.
            `sd` and `autocorrelation` are known from `n` weeks only: from `weeks_low` to `weeks_high` (missing: more than
            520) is the 95 % interval that this leaves (:func:`chartropy.analysis.trends.estimate_weeks_needed`).
        """
        import pandas as pd

        from ..analysis.trends import Needed, estimate_weeks_needed

        shape = "step" if at_once else "steady"
        rows = []
        known = ["source", "chart", "country", "measure", "n", "mean", "sd", "autocorrelation"]
        moved = self.trend(measure, source, chart, country)[known].to_dict("records")
        for row, change in track([(row, change) for row in moved for change in changes]):
            mean, sd = float(row["mean"]), float(row["sd"])
            needed = Needed(None, None, None)
            if sd > 0 and mean:
                needed = estimate_weeks_needed(
                    change / 100,
                    sd=sd / abs(mean),
                    autocorrelation=float(np.clip(row["autocorrelation"], 0, 0.98)),
                    n=int(row["n"]),
                    shape=shape,
                    power=power,
                )
            asked = {"change_percent": change, "shape": shape, "power": power}
            rows.append(row | asked | dict(zip(_NEEDED, needed, strict=True)))
        columns = [*known, "change_percent", "shape", "power", *_NEEDED]
        return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(_NEEDED, "Int64"))

    def sameness(
        self, source: str, chart: str, week: date | str | None = None, country: str | None = None
    ) -> pd.DataFrame:
        """How far each recording of a chart week sounds like what was on that chart in the 52 weeks before.

        Parameters
        ----------
        source, chart : str
            As for :meth:`chart`.
        week : date or str, optional
            Any day of the chart week; default: the last that is stored.
        country : str, optional
            Needed where the chart has several.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, week, position, recording_id, artist, title, typicality, novelty, percentile, nearest,
            nearest_artist, nearest_title, nearest_distance, past``, by position; recordings that were not heard have no
            numbers.
            :func:`chartropy.analysis.measures.sameness` says what they are.
        """
        from ..analysis.measures import sameness

        entries, end = self._until(source, chart, week, country)
        found = sameness(entries, end, current_vectors(self.descriptors()))
        named = entries.drop_duplicates("recording_id", keep="last")[["recording_id", "artist", "title"]]
        named = named.rename(columns={"recording_id": "nearest", "artist": "nearest_artist", "title": "nearest_title"})
        here = entries[entries["week"] == end]
        columns = (
            "source chart country week position recording_id artist title typicality novelty percentile nearest "
            "nearest_artist nearest_title nearest_distance past"
        )
        return here.merge(found, "left", "recording_id").merge(named, "left", "nearest")[columns.split()]

    def critic(
        self,
        source: str,
        chart: str,
        week: date | str | None = None,
        country: str | None = None,
        *,
        seed: int = 0,
        replicates: int = 200,
    ) -> pd.DataFrame:
        """Whether each track of a chart week is new, and still music as that chart knew it in the 52 weeks before.

        Parameters
        ----------
        source, chart : str
            As for :meth:`chart`.
        week : date or str, optional
            Any day of the chart week; default: the last that is stored.
        country : str, optional
            Needed where the chart has several.
        seed, replicates : int
            Of the folds, clusters and intervals; `replicates` 0: no intervals, in a tenth of the time.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, week, position, recording_id, artist, title, style, probability, unseen, ambiguity,
            ambiguity_low, ambiguity_high, percentile, percentile_low, percentile_high, belonging, belonging_low,
            belonging_high, category, agreement, method, verdict``, by position, of the top 100; recordings that were not
            heard have no numbers. :meth:`chartropy.analysis.critic.Critic.judge` says what they are, `verdict` is of the
            sound. Judged by recordings that have gone, without those of the track's artists, as in :meth:`sameness`.
            Styles are the first genres that the chart names, where half of the recordings have one, else clusters, each
            named after the recording in its middle.

        Raises
        ------
        SettingsError
            When the chart has no such week, or too few recordings before it.
        """
        verdicts = self.verdicts()
        kinds = verdicts.set_index("recording_id")["verdict"]
        tracks = self._judged_by_critic(source, chart, week, country, seed, replicates).tracks
        return tracks.assign(verdict=tracks["recording_id"].map(kinds))

    def critic_shares(
        self, source: str, chart: str, week: date | str | None = None, country: str | None = None, *, seed: int = 0
    ) -> pd.DataFrame:
        """How often AI and human tracks of a chart week are new and still music, new and not, typical, outlying.

        Parameters
        ----------
        source, chart, week, country, seed
            As for :meth:`critic`.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, week, kind, category, value, low, high, expected, n, method``: `expected` is the
            share among the year's recordings, each judged by the others. Kinds are what the detector says: its errors are
            not in these intervals, and undecided tracks are left out.

        Raises
        ------
        SettingsError
            As for :meth:`critic`.
        """
        from .critic import shares

        judged = self._judged_by_critic(source, chart, week, country, seed, 0)
        about = {name: str(judged.tracks[name].iloc[0]) for name in ("source", "chart", "country", "week")}
        found = shares(judged, self.verdicts())
        return found.assign(**about)[[*about, *found.columns]]

    def _judged_by_critic(
        self, source: str, chart: str, week: date | str | None, country: str | None, seed: int, replicates: int
    ) -> Judged:
        from .critic import judge_chart

        entries, end = self._until(source, chart, week, country)
        return judge_chart(entries, current_vectors(self.descriptors()), end, seed=seed, replicates=replicates)

    def creativity(
        self,
        source: str | None = None,
        chart: str | None = None,
        country: str | None = None,
        *,
        span: int = 26,
        neighbours: int = 20,
        replicates: int = 200,
        seed: int = 0,
    ) -> pd.DataFrame:
        """How far each recording departs from what charted before it, and how far what charted later takes after it.

        Parameters
        ----------
        source, chart, country : str, optional
            Only recordings of these weekly charts; default: of all, in one network.
        span : int
            Weeks of past and of future that a recording is held against: one that appeared less than this after the first
            or before the last week has no score.
        neighbours : int
            Nearest recordings on either side.
        replicates, seed : int
            Of the bootstrap; 0 replicates: no intervals.

        Returns
        -------
        pandas.DataFrame
            ``recording_id, artist, title, first_week, verdict, creativity, creativity_low, creativity_high`` and the same of
            `originality` and `influence`, ``cohort, percentile, past, future, method``, by `first_week`:
            :func:`chartropy.analysis.creativity.creativity` says what they are. `first_week` is the first on the charts
            asked for, `verdict` the sound's. `percentile` is where creativity stands among the recordings of its `cohort`,
            the quarter of `first_week`: 0 to 1, comparable across eras as the score is not. `past` and `future` count the
            recordings by others to choose neighbours from. What was not heard has no numbers.

        Raises
        ------
        SettingsError
            When there is no such chart, or an option is wrong.
        """
        import pandas as pd

        from ..analysis.creativity import cohort_percentile, creativity
        from ..analysis.measures import first_artist, load_space

        entries = _only(self.entries().dropna(subset=["week"]), {"source": source, "chart": chart, "country": country})
        if entries.empty:
            raise SettingsError("No weekly chart is stored here: run `chartropy weekly` first.")
        found = entries.sort_values(["week", "source", "chart", "country", "position"]).drop_duplicates("recording_id")
        found = found.rename(columns={"week": "first_week"})[["recording_id", "artist", "title", "first_week"]]
        verdicts = self.verdicts()[["recording_id", "verdict"]]
        found = found.merge(verdicts, "left", "recording_id").fillna({"verdict": "unmeasured"})
        weeks = pd.to_datetime(found["first_week"])
        found["cohort"] = weeks.dt.to_period("Q").astype(str)
        vectors = current_vectors(self.descriptors())
        heard = found["recording_id"].isin(vectors.index).to_numpy()
        try:
            scores = creativity(
                load_space().embed(vectors.loc[found["recording_id"][heard]]),
                (weeks[heard] - weeks.min()).dt.days.to_numpy() / 7,
                [first_artist(artist) for artist in found["artist"][heard]],
                span=span,
                unit="weeks",
                neighbours=neighbours,
                replicates=replicates,
                seed=seed,
            )
        except ValueError as error:
            raise SettingsError(f"{error}.") from None
        found = found.join(scores.set_index(found.index[heard]))
        found["percentile"] = cohort_percentile(found["creativity"].to_numpy(), found["cohort"].to_numpy())
        found["method"] = found["method"].fillna("no estimate: not heard")
        found = found.astype({"past": "Int64", "future": "Int64"})
        columns = [
            *scores.columns.drop(["past", "future", "method"]),
            "cohort",
            "percentile",
            "past",
            "future",
            "method",
        ]
        return found[["recording_id", "artist", "title", "first_week", "verdict", *columns]]

    def creativity_of_kinds(
        self,
        source: str | None = None,
        chart: str | None = None,
        country: str | None = None,
        *,
        span: int = 26,
        neighbours: int = 20,
        seed: int = 0,
    ) -> pd.DataFrame:
        """How AI recordings stand to human ones of their quarter in creativity, originality and influence.

        Parameters
        ----------
        source, chart, country, span, neighbours
            As for :meth:`creativity`.
        seed : int
            Of the permutations.

        Returns
        -------
        pandas.DataFrame
            ``quantity, value, low, high, p, ai, human, method``: the difference of mean percentiles within cohorts, AI less
            human (-1 to 1, 0: alike), and how many of each were scored. `p` is of the null that kinds are exchangeable
            among artists of the same cohorts (:func:`chartropy.analysis.creativity.compare_in_cohorts`). Kinds are what the
            detector calls them, undecided ones left out; its errors hide a part of a difference.
        """
        import pandas as pd

        from ..analysis.creativity import SCORES, cohort_percentile, compare_in_cohorts
        from ..analysis.measures import first_artist

        found = self.creativity(source, chart, country, span=span, neighbours=neighbours, replicates=0)
        judged = found[found["verdict"].isin(["ai", "human"]) & found["creativity"].notna()]
        ai, cohort = (judged["verdict"] == "ai").to_numpy(), judged["cohort"].to_numpy()
        artists = [first_artist(artist) for artist in judged["artist"]]
        why = ""
        if found["creativity"].isna().all():
            why = (
                found["method"].mode()[0].replace("no estimate: it", "no estimate: nothing has a score; most often it")
            )
        rows = []
        for name in SCORES:
            places = cohort_percentile(judged[name].to_numpy(), cohort)
            said, p = compare_in_cohorts(places, ai, cohort, artists, seed=seed)
            rows.append((name, said.value, said.low, said.high, p, int(ai.sum()), int((~ai).sum()), why or said.method))
        return pd.DataFrame(rows, columns=["quantity", "value", "low", "high", "p", "ai", "human", "method"])

    def pooled_share(
        self, source: str, chart: str, first: date | str, last: date | str, country: str | None = None
    ) -> pd.DataFrame:
        """The AI share of a chart over several weeks, in which a recording that stays is one recording.

        Parameters
        ----------
        source, chart : str
            As for :meth:`chart`.
        country : str, optional
            Needed where the chart has several.
        first, last : date or str
            The first and the last week, by any of their days.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, first, last, of, value, low, high, n, flagged, unmeasured, method``: of the
            recordings, and of the entries (:func:`chartropy.analysis.share.pooled_share`); `flagged` and `unmeasured`
            are counts of the same.
        """
        import pandas as pd

        from ..analysis.detector import Detector
        from ..analysis.share import pooled_share

        entries, about = self._between(source, chart, country, first, last)
        weeks = entries["recording_id"].value_counts(sort=False)
        verdict = self.verdicts().set_index("recording_id")["verdict"].reindex(weeks.index).fillna("unmeasured")
        heard, ai = (verdict != "unmeasured").to_numpy(), (verdict == "ai").to_numpy()
        detector = Detector.load()
        estimates = pooled_share(
            ai[heard], weeks.to_numpy()[heard], sensitivity=detector.sensitivity, specificity=detector.specificity
        )
        counts = weeks.to_numpy()
        rows = [
            (of, one.value, one.low, one.high, one.n, int(each[ai].sum()), int(each[~heard].sum()), one.method)
            for of, one, each in zip(("recordings", "entries"), estimates, (np.ones_like(counts), counts), strict=True)
        ]
        columns = ["of", "value", "low", "high", "n", "flagged", "unmeasured", "method"]
        return pd.DataFrame(rows, columns=columns).assign(**about)[[*about, *columns]]

    def compare(
        self, source: str, chart: str, first: date | str, last: date | str | None = None, country: str | None = None
    ) -> pd.DataFrame:
        """How AI and human tracks of a chart differ: how widely each are spread, where they lie, whether they overlap.

        Parameters
        ----------
        source, chart : str
            As for :meth:`chart`.
        country : str, optional
            Needed where the chart has several.
        first, last : date or str
            The first and the last week, by any of their days; default: one week.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, first, last, quantity, value, low, high, expected, p, n, method``: mean distance
            to the own centre of AI and of human tracks; `dispersion_ratio`, theirs within strata, so that it is not the
            quotient of the two rows before it (p: PERMDISP); `location_r2`, the share of the
            squared distances that goes with being AI (p: PERMANOVA); the kernel distance; precision, recall, density
            and coverage of AI against human tracks (:mod:`chartropy.analysis.groups`). `expected` is what the value
            would be if both kinds were of one distribution, missing where that has none; `p` is of that null, missing
            where none was tested. Spread and place are compared among tracks of one genre that first appeared within
            the same four weeks, an artist's together; what is expected, and p, come from exchanging labels among these.

            Tracks are what the detector calls them; undecided ones are left out. Its errors are not in these numbers,
            which rest on more than means of pairs and so are not unmixed as :meth:`decompose` does. As long as errors
            do not go by sound, they hide a part of each difference, and `method` says how much of it is left at the
            detector's measured error rates and this share of AI; p keeps its meaning. Where human tracks are called AI
            for sounding like it, kinds come out further apart than they are
            (:func:`chartropy.analysis.groups.misjudged`). What too few tracks are there for is missing, and `method`
            says why.
        """
        from .homogenization import compare_kinds

        entries, about = self._between(source, chart, country, first, last or first)
        found = compare_kinds(entries, self.verdicts(), current_vectors(self.descriptors()))
        return found.assign(**about)[[*about, *found.columns]]

    def decompose(
        self,
        source: str,
        chart: str,
        before: date | str | tuple[date | str, date | str],
        after: date | str | tuple[date | str, date | str],
        country: str | None = None,
        *,
        measure: str = "cultural_entropy",
        seed: int = 0,
        replicates: int = 1000,
    ) -> pd.DataFrame:
        """How much of a change in a chart's diversity is due to AI tracks.

        Parameters
        ----------
        source, chart : str
            As for :meth:`chart`.
        country : str, optional
            Needed where the chart has several.
        before, after : date, str or pair of them
            A week by any of its days, or the first and the last week of a period.
        measure : str
            ``cultural_entropy`` or ``diversity.mean_distance``.
        seed, replicates : int
            Of the bootstrap.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, measure, period_before, period_after, quantity, value, low, high, n, method``: the
            measure before and after, the parts of its change, the counterfactual without AI, and what is due to AI;
            :func:`chartropy.analysis.decompose.decompose` says what each is, why intervals differ slightly from those
            of :meth:`measures`, and why few recordings have none. In a period of several weeks a recording counts as
            often as it was on the chart. AI tracks are replaced by human ones of the other charts of the same weeks,
            and by the chart's own where there are none.

        Raises
        ------
        SettingsError
            When no recording of a period was heard and judged, the periods share weeks or are the wrong way round, or
            the measure is another.
        """
        from .homogenization import decompose_chart

        if measure not in ("cultural_entropy", "diversity.mean_distance"):
            raise SettingsError(f"measure must be 'cultural_entropy' or 'diversity.mean_distance', not {measure!r}")
        periods = [self._period(*(one if isinstance(one, tuple) else (one, one))) for one in (before, after)]
        if periods[1][0] <= periods[0][1]:
            said = "before {}..{} and after {}..{}".format(*periods[0], *periods[1])
            wrong = "are the wrong way round" if periods[1][1] < periods[0][0] else "share weeks"
            raise SettingsError(f"{said} {wrong}: give two periods, the earlier one as before.")
        key = (source, chart, str(self._weekly(source, chart, country)["country"].iloc[0]))
        found, spans = decompose_chart(
            self.entries(),
            self.verdicts(),
            current_vectors(self.descriptors()),
            key,
            *periods,
            measure=measure,
            seed=seed,
            replicates=replicates,
        )
        about = dict(zip(("source", "chart", "country"), key, strict=True)) | {"measure": measure}
        about |= dict(zip(("period_before", "period_after"), spans, strict=True))
        return found.assign(**about)[[*about, *found.columns]]

    def mediocrity(
        self,
        source: str,
        chart: str,
        country: str | None = None,
        *,
        weeks: int = 52,
        block: int = 13,
        replicates: int = 300,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Whether a chart drifts to its mean, loses its tails, and what of that is due to AI tracks.

        Parameters
        ----------
        source, chart : str
            As for :meth:`chart`.
        country : str, optional
            Needed where the chart has several.
        weeks : int
            Of the running centroid; the first so many weeks of newcomers are also the baseline of the tails.
        block : int
            Weeks that stay together where time is shuffled.
        replicates, seed : int
            Of bootstrap and shuffles, 100 or more.

        Returns
        -------
        pandas.DataFrame
            ``source, chart, country, week, quantity, value, low, high, expected, p, n, method``: a value with its 95 %
            interval, what would be expected if nothing happened, the p of that, how many newcomers were measured, and how,
            or why not. Rows with a `week` are
            the series: ``distance``, of that week's newcomers to the centroid of those who came in the weeks before, and
            ``tail_90``. Those without are of all weeks: ``distance``, ``ratio``, ``persistence``, ``change``
            (:func:`chartropy.analysis.mediocrity.drift`); ``baseline_ratio``, ``tail_90``, ``tail_95``, ``tail_99``, of newcomers
            after the baseline, also by side of the sound, as ``tail_90.timbre``
            (:func:`chartropy.analysis.mediocrity.tail_loss`), and ``tail_90.change``, the trend of the weekly share, whose p
            alone keeps autocorrelation; ``ratio.without_ai``, ``ratio.replaced``, ``ratio.due_to_ai`` and so on
            (:func:`chartropy.analysis.mediocrity.without_ai`), of recordings that were judged. A recording counts in the week
            it came to the top 100; those of the chart's first stored week are left out, since nobody knows when they came.
            What too few weeks or recordings are there for is missing, and `method` says why.

        Raises
        ------
        SettingsError
            When there is no such chart, or an option is out of range.
        """
        from .mediocrity import drift_of_chart

        for name, value, least in (("weeks", weeks, 1), ("block", block, 1), ("replicates", replicates, 100)):
            if value < least:
                raise SettingsError(f"{name} must be {least} or more, not {value}.")
        key = (source, chart, str(self._weekly(source, chart, country)["country"].iloc[0]))
        found = drift_of_chart(
            self.entries(),
            self.verdicts(),
            current_vectors(self.descriptors()),
            key,
            weeks=weeks,
            block=block,
            replicates=replicates,
            seed=seed,
        )
        about = dict(zip(("source", "chart", "country"), key, strict=True))
        return found.assign(**about)[[*about, *found.columns]]

    def _between(
        self, source: str, chart: str, country: str | None, first: date | str, last: date | str
    ) -> tuple[pd.DataFrame, dict[str, str]]:
        """The entries of one chart from one week to another, and the columns that say which these are."""
        entries = self._weekly(source, chart, country)
        begin, end = self._period(first, last)
        found = entries[entries["week"].between(begin, end)]
        if found.empty:
            known = f"{entries['week'].min()} to {entries['week'].max()}"
            raise SettingsError(f"the chart has no entries from {begin} to {end}; there are some from {known}.")
        country = str(entries["country"].iloc[0])
        return found, {"source": source, "chart": chart, "country": country, "first": begin, "last": end}

    def _series(
        self, asked: Mapping[str, str | None], since: date | str | None = None
    ) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
        """Each measure of each chart: the weeks that were measured as the newest was."""
        every = self.measures()
        frame, measure = every.dropna(subset=["value"]), asked.get("measure")
        if measure not in set(frame["measure"]) and measure in set(every["measure"]):
            why = every[every["measure"] == measure]["method"].iloc[-1]
            raise SettingsError(f"{measure} has a number in no week; in the last one: {why}.")
        if since is not None:
            frame = frame[frame["week"] >= self._begin(since)]
        # .unheard: bounds of another measure, with its values
        frame = _only(frame[~frame["measure"].str.endswith(".unheard")], asked)
        names = ["source", "chart", "country", "measure"]
        for key, group in frame.groupby(names, sort=True):
            yield dict(zip(names, map(str, key), strict=True)), group[group["method"] == group["method"].iloc[-1]]

    def _weekly(self, source: str, chart: str, country: str | None) -> pd.DataFrame:
        """The entries of one weekly chart."""
        entries = _only(self.entries().dropna(subset=["week"]), {"source": source, "chart": chart, "country": country})
        if len(countries := sorted(entries["country"].unique())) > 1:
            raise SettingsError(f"{source} {chart} is a chart of {', '.join(countries)}: say which country.")
        if entries.empty:
            raise SettingsError("No weekly chart is stored here: run `chartropy weekly` first.")
        return entries

    def _until(self, source: str, chart: str, week: date | str | None, country: str | None) -> tuple[pd.DataFrame, str]:
        """The entries of one weekly chart, and the last day of the week asked for, else of the newest."""
        entries = self._weekly(source, chart, country)
        known = sorted(entries["week"].unique())
        end = self._week(week) if week else known[-1]
        if end not in known:
            some = f"there are some from {known[0]} to {known[-1]}"
            raise SettingsError(f"{source} {chart} has no entries in the week to {end}; {some}.")
        return entries, end

    def _period(self, first: date | str, last: date | str) -> tuple[str, str]:
        begin, end = self._week(first), self._week(last)
        if begin > end:
            raise SettingsError(f"the period from {begin} to {end} ends before it begins: give its first week first.")
        return begin, end

    def _week(self, day: date | str) -> str:
        try:
            given = date.fromisoformat(str(day))
        except ValueError:
            raise SettingsError(f"{day!r} is no day: give one as 2026-06-25.") from None
        return week_of(given, self.workspace.settings.week_ends).isoformat()

    def _begin(self, since: date | str) -> str:
        """The first day of the chart week that holds a day; refused when nothing is known of it or of later ones."""
        begin = first_day(date.fromisoformat(self._week(since))).isoformat()
        latest = [select(func.max(column)) for column in (t.entry.c.period_end, t.gap.c.week, t.measure.c.week)]
        with self.workspace.store.reading() as connection:
            last = max((found for query in latest if (found := connection.scalar(query))), default=begin)
        if last < begin:
            raise SettingsError(f"since {since}: nothing here is of that week or later; the last is of {last}.")
        return begin

    def _kept_since(self, frame: pd.DataFrame, since: date | str) -> pd.DataFrame:
        """The rows of periods that end in a week or after it, else of recordings that were on a chart then."""
        begin = self._begin(since)
        if ends := [name for name in ("period_end", "week") if name in frame.columns]:
            return frame[frame[ends[0]] >= begin]
        here = select(t.entry.c.recording_id).where(t.entry.c.period_end >= begin).distinct()
        with self.workspace.store.reading() as connection:
            return frame[frame["recording_id"].isin(set(connection.scalars(here)))]

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

    def table(
        self,
        name: str,
        *,
        measure: str | None = None,
        source: str | None = None,
        chart: str | None = None,
        country: str | None = None,
        since: date | str | None = None,
    ) -> pd.DataFrame:
        """One of `NAMES`, with only the rows asked for.

        Parameters
        ----------
        name : str
        measure, source, chart, country : str, optional
            Only these; of a trend, `p_adjusted` is then adjusted for these alone.
        since : date or str, optional
            Only from the chart week that holds this day on: entries, composites, measures and gaps of periods that end
            in that week or later; names, labels, verdicts, descriptors and rows of ``recordings`` (unchanged: its
            `first_week`, `peak` and `weeks` know all weeks) of recordings that were on a chart since; trends of the
            weeks since.

        Raises
        ------
        SettingsError
            When there is no such table, column or value, or nothing since then.
        """
        check_name(name)
        asked = {"measure": measure, "source": source, "chart": chart, "country": country}
        if name == "trend":
            return self.trend(**asked, since=since)
        frame = getattr(self, name)()
        if since is not None:
            frame = self._kept_since(frame, since)
        if lacking := [word for word, value in asked.items() if value is not None and word not in frame.columns]:
            raise SettingsError(f"{name} has no column {lacking[0]!r}: leave --{lacking[0]} out.")
        return _only(frame, asked)

    def __iter__(self) -> Iterator[tuple[str, pd.DataFrame]]:
        return ((name, getattr(self, name)()) for name in NAMES)


def check_name(name: str) -> None:
    """Refuse what is not one of `NAMES`, with a SettingsError."""
    if name not in NAMES:
        raise SettingsError(f"{name!r} is no table: choose one of {', '.join(NAMES)}.")


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
    workspace = Workspace(folder)
    tables = Tables(workspace)
    finalize(tables, workspace.close)  # a notebook seldom closes what it opens
    return tables


def _weighed(row: Any, claims: list[Evidence]) -> tuple[Verdict, Fused]:
    """Return the sound's verdict, as it is stored, and the same weighed with what others say."""
    probability = row.probability if row.probability == row.probability else None  # a column of a table has NaN
    sound = Verdict(row.verdict, probability, row.reason, row.model_version, json.loads(row.evidence or "{}"))
    return sound, fuse(sound, claims, str(row.measured_at)[:10])


def current_vectors(descriptors: pd.DataFrame) -> pd.DataFrame:
    """Return what this release's extractor computed, a row for each recording and a column for each descriptor."""
    current = descriptors[descriptors["extractor_version"] == EXTRACTOR_VERSION]
    return current.set_index("recording_id").reindex(columns=list(DESCRIPTORS))


def _only(frame: pd.DataFrame, asked: Mapping[str, str | None]) -> pd.DataFrame:
    """The rows that have what is asked for in each column; what is not asked for does not matter.

    Raises
    ------
    SettingsError
        When nothing is left although there was something: the first word that no row has is named.
    """
    for column, value in asked.items():
        if value is None:
            continue
        found = frame[frame[column] == value]
        if found.empty and not frame.empty:
            known = sorted(map(str, frame[column].unique()))
            more = f" and {len(known) - 40} more" if len(known) > 40 else ""
            raise SettingsError(f"no {column} {value!r} here: there is {', '.join(known[:40])}{more}")
        frame = found
    return frame
