"""The weekly run: collect, analyze, report; each step safe to repeat, and to go on with after it was killed.

What is stored is never computed again: a step looks for what is missing, does it, and stores each piece in a
transaction of its own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from sqlalchemy import and_, func, select

from ..audio import previews
from ..audio.tags import read_tags
from ..charts.claims import Claims, collect_claims
from ..charts.collect import SYNTHETIC, Chart, Outcome, collect, missed_weeks
from ..charts.composite import compose
from ..charts.identity import in_chunks
from ..charts.periods import YEARS, Kind, Period, last_closed_week, week_of
from ..features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from ..features.spectra import SHORTEST
from ..workspace import tables as t
from ..workspace.errors import AudioError, PreviewError, SettingsError
from ..workspace.store import timestamp, upsert
from ..workspace.workspace import Workspace
from .tables import Tables, current_vectors

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.detector import Detector
    from ..analysis.estimates import Estimate
    from ..features.describe import Description
    from .deliver import Delivery
    from .season import Season

log = logging.getLogger(__name__)

T = TypeVar("T")
Track = Callable[[Iterable[T], str, int], Iterator[T]]
"""Shows how far a long loop has come: takes what is looped over, what it is called, how many there are."""

RENEWED = 0.8
"""Share of the recordings that an older extractor had described, from which on the new one's measures replace its."""

FEW = 8
"""Clips described, or pages written, in this process: for so few, starting others takes longer."""

FEW_WEEKS = 40
"""Chart weeks measured in this process."""


@dataclass
class Analysis:
    """What an analysis did and could not do.

    Attributes
    ----------
    recordings : int
        Recordings on the week's charts.
    previews, described, judged : int
        How many were newly done.
    measured_weeks : list of str
        Weeks whose measures changed.
    outdated : int
        Recordings, of all weeks, that keep the descriptors of an older extractor: they could not be fetched again, or
        not yet.
    gaps : list of str
        One line for each recording that could not be measured, and why.
    """

    recordings: int = 0
    previews: int = 0
    described: int = 0
    judged: int = 0
    outdated: int = 0
    measured_weeks: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


def plainly(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """Log how far a loop has come, at its end and every tenth of it; every thousand where its end is not known."""
    step = max(1, total // 10)
    for done, item in enumerate(items, 1):
        yield item
        if total > 1 and (done % step == 0 or done == total):
            log.info("%s: %d of %d", what, done, total)
        elif not total and done % 1000 == 0:
            log.info("%s: %d", what, done)


def chosen_week(workspace: Workspace, day: date | None = None) -> date:
    """Return the chart week that holds `day`, or the last closed one.

    Raises
    ------
    SettingsError
        When that week is not over yet.
    """
    ends = workspace.settings.week_ends
    today = workspace.now().date()
    last = last_closed_week(today, ends)
    _plausible(day)
    week = last if day is None else week_of(day, ends)
    if week > last:
        raise SettingsError(
            f"--week {day}: the chart week that ends on {week} is not over (today is {today}); the last closed one ends on {last}."
        )
    return week


def _plausible(day: date | None) -> None:
    if day and day.year < YEARS.start:
        raise SettingsError(f"{day}: no chart is of the year {day.year}.")


def chosen_periods(
    workspace: Workspace, day: date | None, first: date | None, last: date | None, kind: Kind
) -> tuple[Period, Period]:
    """Return the first and the last period to collect: one day's, or from one to another, or the last closed one.

    Raises
    ------
    SettingsError
        When the days are out of order, or both a day and a span are given.
    """
    if day and (first or last):
        raise SettingsError("--week says one week, --from and --to say several: give one or the other.")
    if last and not first:
        raise SettingsError("--to needs --from.")
    for one in (day, first, last):
        _plausible(one)
    ends = workspace.settings.week_ends
    running = Period.holding(workspace.now().date(), kind, ends)
    closed = Period.holding(running.start - timedelta(days=1), kind, ends)
    begin = first or day
    start = Period.holding(begin, kind, ends) if begin else closed
    end = Period.holding(last, kind, ends) if last else start if day else max(start, closed)
    # the running week can be asked for: charts that only show the present are had then
    if end > running or start > end:
        raise SettingsError(f"from {first or day} to {last or end.end}: that is no span of {kind} periods up to now.")
    return start, end


def rejudge(workspace: Workspace, model: Path | None = None) -> tuple[int, list[str]]:
    """Judge the whole history again by its stored sketches, and measure the weeks that this changes; no audio is needed.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    model : Path, optional
        A detector's ``.npz``; default: the one that ships with Chartropy.

    Returns
    -------
    verdicts : int
        New or changed. A recording whose sketch cannot be judged by this model keeps its earlier verdict.
    weeks : list of str
        Those measured anew.
    """
    from ..analysis.detector import Detector

    detector = Detector.load(model)
    with workspace.store.reading() as connection:
        recordings = list(connection.scalars(select(t.preview.c.recording_id).where(t.preview.c.sha256.is_not(None))))
        last = connection.scalar(select(func.max(t.measure.c.week)))
    judged = sum(_judge_all(workspace, some, detector, keep=True) for some in in_chunks(recordings))
    return judged, _measure_all(workspace, detector, date.fromisoformat(last)) if last else []


def analyze(workspace: Workspace, week: date, *, renew: bool = True, track: Track = plainly) -> Analysis:
    """Find, describe and judge the recordings of a week, then measure every chart week whose data changed.

    After an upgrade that describes otherwise, recordings of earlier weeks are fetched and described anew too, the
    latest first, as many as the setting ``renew`` says. What cannot be had again keeps its old descriptors.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    week : date
        Last day of the chart week.
    renew : bool
        Whether recordings of earlier weeks are described anew where that is due.
    track : callable
        Shows progress.

    Returns
    -------
    Analysis
    """
    from ..analysis.detector import Detector

    detector = Detector.load()
    done = Analysis()
    recordings = _recordings_of(workspace, week)
    done.recordings = len(recordings)
    outdated = _due_anew(workspace, recordings) if renew else []
    for some in filter(None, (recordings, outdated)):
        done.previews += _fetch_previews(workspace, some, track)
        done.described += _describe_all(workspace, some, track)
        done.judged += _judge_all(workspace, some, detector)
    previews.clear_up(workspace, _waiting(workspace))
    done.measured_weeks = _measure_all(workspace, detector, week)
    unmeasured = Tables(workspace).verdicts().query("verdict == 'unmeasured' and recording_id in @recordings")
    done.gaps = [f"{row.artist} - {row.title}: {row.reason}" for row in unmeasured.itertuples()]
    done.outdated = len(Tables(workspace).outdated())
    return done


def report(workspace: Workspace, weeks: Iterable[date], *, track: Track = plainly) -> Path:
    """Write the pages of some weeks, of all recordings and the index, and the same for machines.

    Pages that an earlier run wrote in other languages are written in those of the settings too.

    Returns
    -------
    Path
        The page of the last of `weeks`, or the index when there is none.
    """
    from .feed import write_feed, write_report
    from .page import languages_of, write_index, write_week
    from .recording_page import write_recordings
    from .season import all_weeks

    season = read_season(workspace)
    folder, settings = workspace.reports_folder, workspace.settings.report
    how: dict[str, Any] = {"made_at": workspace.now(), "languages": settings.languages}
    weeks = list(weeks)
    current = ((), tuple(dict.fromkeys(settings.languages)))
    outdated = [
        week
        for week in all_weeks(season)
        if week not in weeks and languages_of(folder / week.isoformat()) not in current
    ]
    page = None
    for week in [*outdated, *weeks]:
        told = write_report(folder, season, week, **how)
        page = write_week(folder, season, week, **how, changes=told["changes"])
    write_recordings(folder, season, **how, jobs=workspace.settings.jobs, track=track)
    index = write_index(folder, season, **how, feed=bool(settings.base_url))
    write_feed(folder, base_url=settings.base_url, **how)
    return page if page and weeks else index


def weekly(
    workspace: Workspace, week: date, *, catch_up: bool = False, wait: float = 0, track: Track = plainly
) -> tuple[list[Outcome], Claims, Analysis, Path, list[Delivery]]:
    """Do the whole week: collect, analyze, report, deliver. Takes the workspace for writing while it works.

    With `catch_up`, weeks that were missed before are done first, as far as the sources still answer for them. Another
    run is waited for as many seconds as the settings say, or `wait`.
    """
    from .deliver import deliver

    with workspace.writing(wait):
        missed = missed_weeks(workspace, week) if catch_up else []
        asked: dict[Chart, Outcome] = {}
        outcomes: list[Outcome] = []
        came: set[date] = set()
        for one in [*missed, week]:
            found = collect(workspace, one, asked=asked)
            # what stays missing in an old week was said when it was new
            outcomes += [outcome for outcome in found if one == week or outcome.changed]
            came |= {one for outcome in found if outcome.changed}
        outcomes += compose(workspace)
        claims = collect_claims(workspace, [*missed, week])
        others: set[date] = set()
        for one in (one for one in missed if one in came):
            others |= {one, *map(date.fromisoformat, analyze(workspace, one, renew=False, track=track).measured_weeks)}
        analysis = analyze(workspace, week, track=track)
        others |= {date.fromisoformat(changed) for changed in analysis.measured_weeks}
        page = report(workspace, [*sorted(others - {week}), week], track=track)
        deliveries = deliver(workspace, week)
    return outcomes, claims, analysis, page, deliveries


def known(workspace: Workspace, week: date) -> bool:
    """Tell whether a chart week was collected, or tried, or reported."""
    from .page import languages_of

    day = week.isoformat()
    if languages_of(workspace.reports_folder / day):
        return True
    with workspace.store.reading() as connection:
        return any(
            connection.scalar(select(column).where(column == day).limit(1)) for column in (t.entry.c.week, t.gap.c.week)
        )


def read_season(workspace: Workspace, *, sounds: bool = True) -> Season:
    """Gather what the pages are made of; without `sounds`, only what sentences and series are made of."""
    from ..analysis.detector import Detector
    from .recording import Recordings
    from .season import Season

    tables = Tables(workspace)
    # the week that runs, of which snapshots are taken already, is none to report yet
    last = last_closed_week(workspace.now().date(), workspace.settings.week_ends).isoformat()
    entries, gaps = tables.entries(), tables.gaps()
    entries = entries[entries["week"].notna() & (entries["week"].fillna("") <= last)]
    gaps = gaps[(gaps["period"] == "weekly") & (gaps["week"] <= last)].drop(columns="period")
    detector = Detector.load()
    verdicts, judged = tables.judged()
    vectors = current_vectors(tables.descriptors()) if sounds else None
    return Season(
        entries=entries,
        verdicts=verdicts,
        measures=tables.measures(),
        gaps=gaps,
        about={
            "version": version("chartropy"),
            "model_version": detector.model_version,
            "extractor_version": EXTRACTOR_VERSION,
            "detector": detector.summary,
            "timezone": workspace.settings.timezone,
            "descriptor_count": len(DESCRIPTORS),
        },
        composite=tables.composite(),
        vectors=vectors,
        recordings=Recordings(tables, entries=entries, vectors=vectors, judged=judged)
        if sounds and workspace.settings.report.recordings
        else None,
        synthetic=bool((entries["source"] == SYNTHETIC).any()),
    )


# -- previews ----------------------------------------------------------------------------------------------------------


def _recordings_of(workspace: Workspace, week: date) -> list[str]:
    query = select(t.entry.c.recording_id).where(t.entry.c.week == week.isoformat()).distinct()
    with workspace.store.reading() as connection:
        return sorted(connection.scalars(query))


def _fetch_previews(workspace: Workspace, recordings: list[str], track: Track) -> int:
    """Fetch what is missing and due; return how many previews came."""
    today = workspace.now().date()
    missing = _without_preview(workspace, recordings, today)
    came = 0
    for wanted, had_one in track(_wanted(workspace, missing), "previews", len(missing)):
        claims: list[dict[str, Any]] = []
        row: dict[str, Any] = dict.fromkeys(column.name for column in t.preview.columns)
        row |= {"recording_id": wanted.recording_id, "passing": 0, "asked_on": today.isoformat()}
        try:
            preview = previews.fetch_preview(workspace, wanted)
        except PreviewError as error:
            log.info("%s - %s: %s", *wanted.spellings[0], error)
            if had_one:
                _keep_outdated(workspace, wanted.recording_id, today)
                continue
            row |= {"problem": f"no preview: {error}", "passing": int(error.passing)}
        else:
            found, audio = preview.found, preview.audio
            if had_one and audio.seconds < SHORTEST:  # would be refused, and the old descriptors lost with it
                _keep_outdated(workspace, wanted.recording_id, today)
                continue
            row |= {
                "provider": found.provider,
                "preview_id": found.preview_id,
                "matched_by": found.matched_by,
                "artist": found.artist,
                "title": found.title,
                "link": found.link,
                "sha256": audio.sha256,
                "codec": audio.codec,
                "rate": audio.rate,
                "seconds": round(audio.seconds, 3),
            }
            claims = _said_of_itself(preview, wanted.recording_id, today)
            came += 1
        with workspace.store.transaction() as connection:
            upsert(connection, t.preview, [row])
            upsert(connection, t.label, claims, unless_only=("labelled_at",))
    return came


def _said_of_itself(preview: previews.Preview, recording_id: str, today: date) -> list[dict[str, Any]]:
    """What a preview's tags say of its making, as claims."""
    found = preview.found
    return [
        {
            "recording_id": recording_id,
            "source": one.kind,
            "subject": f"{found.provider} {found.preview_id}"[:255],
            "label": "ai",
            "ground": f"{one.maker}: {one.ground}",
            "labelled_at": one.when or today.isoformat(),
            "page_id": None,
        }
        for one in read_tags(preview.file)
    ]


def _due_anew(workspace: Workspace, others: list[str]) -> list[str]:
    """Recordings of earlier weeks to be described by this extractor now, those whose turn failed lately left out."""
    preview = t.preview.c
    due = workspace.now().date() - timedelta(days=workspace.settings.retry_after_days)
    with workspace.store.reading() as connection:
        waiting = set(
            connection.scalars(
                select(preview.recording_id).where(preview.passing == 1, preview.asked_on > due.isoformat())
            )
        )
    found = [one for one in Tables(workspace).outdated() if one not in waiting and one not in set(others)]
    return found[: workspace.settings.renew]


def _keep_outdated(workspace: Workspace, recording_id: str, today: date) -> None:
    """Note that a preview could not be had again: what an older extractor said of it stays."""
    preview = t.preview.c
    with workspace.store.transaction() as connection:
        connection.execute(
            t.preview.update().where(preview.recording_id == recording_id).values(passing=1, asked_on=today.isoformat())
        )


def _without_preview(workspace: Workspace, recordings: list[str], today: date) -> list[tuple[str, bool]]:
    """Return the recordings to look for, and whether each had a preview once."""
    preview, descriptor = t.preview.c, t.descriptor.c
    due = today - timedelta(days=workspace.settings.retry_after_days)
    query = (
        select(t.preview, descriptor.sha256.label("described"))
        .join(
            t.descriptor,
            and_(descriptor.sha256 == preview.sha256, descriptor.extractor_version == EXTRACTOR_VERSION),
            isouter=True,
        )
        .where(preview.recording_id.in_(recordings))
    )
    with workspace.store.reading() as connection:
        stored = {row.recording_id: row for row in connection.execute(query)}
    missing = []
    for recording_id in recordings:
        row = stored.get(recording_id)
        if row is None:
            missing.append((recording_id, False))
        elif row.problem:
            if row.passing or date.fromisoformat(row.asked_on) <= due:
                missing.append((recording_id, False))
        elif not row.described and not previews.stored_file(workspace, row.sha256):
            missing.append((recording_id, True))
    return missing


def _wanted(workspace: Workspace, missing: list[tuple[str, bool]]) -> Iterator[tuple[previews.Wanted, bool]]:
    recording, spelling = t.recording.c, t.spelling.c
    for recording_id, had_one in missing:
        with workspace.store.reading() as connection:
            main = connection.execute(select(t.recording).where(recording.recording_id == recording_id)).one()
            spelled = connection.execute(
                select(spelling.artist, spelling.title)
                .join(t.recording, recording.recording_id == spelling.recording_id)
                .where(recording.same_as == recording_id)
                .order_by(spelling.source, spelling.artist, spelling.title)
            )
            spellings = dict.fromkeys([(main.artist, main.title), *((row.artist, row.title) for row in spelled)])
        yield previews.Wanted(recording_id, main.isrc or "", tuple(spellings)), had_one


# -- descriptors -------------------------------------------------------------------------------------------------------


def _waiting(workspace: Workspace, recordings: list[str] | None = None) -> set[str]:
    """SHA-256 of the previews, of some recordings or of all that charted, that this extractor has not described."""
    preview, descriptor = t.preview.c, t.descriptor.c
    described = select(descriptor.sha256).where(descriptor.extractor_version == EXTRACTOR_VERSION)
    query = select(preview.sha256).where(
        preview.sha256.is_not(None),
        preview.sha256.not_in(described),
        # a name that was merged into another is charted no more: nobody describes its preview
        preview.recording_id.in_(select(t.entry.c.recording_id) if recordings is None else recordings),
    )
    with workspace.store.reading() as connection:
        return set(connection.scalars(query))


def _describe_all(workspace: Workspace, recordings: list[str], track: Track) -> int:
    preview = t.preview.c
    missing = sorted(_waiting(workspace, recordings))
    files = {sha256: file for sha256 in missing if (file := previews.stored_file(workspace, sha256))}
    done = 0
    for sha256, outcome in track(
        in_parallel(describe_or_say_why, files.items(), len(files), workspace.settings.jobs), "descriptors", len(files)
    ):
        if isinstance(outcome, str):
            log.warning("preview %s: %s", sha256[:12], outcome)
            with workspace.store.transaction() as connection:
                connection.execute(
                    t.preview.update()
                    .where(preview.sha256 == sha256)
                    .values(sha256=None, problem=f"the preview cannot be described: {outcome}", passing=0)
                )
        else:
            _store_description(workspace, outcome)
            done += 1
        previews.let_go(workspace, files[sha256])
    return done


def describe_or_say_why(sha256: str, file: Path) -> tuple[str, Description | str]:
    """Describe a file; a sentence in place of the description where that cannot be done."""
    from ..features.describe import describe_file

    try:
        return sha256, describe_file(file, sketch=True)
    except AudioError as error:
        return sha256, str(error)


def in_parallel(function: Callable[..., T], work: Iterable[tuple], total: int, jobs: int) -> Iterator[T]:
    """Do something with each of `total` items on `jobs` cores, in the order they get done."""
    if total <= FEW or jobs == 1:
        yield from (function(*item) for item in work)
        return
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=jobs, return_as="generator_unordered")(delayed(function)(*item) for item in work)


def _store_description(workspace: Workspace, description: Description) -> None:
    row = {
        "sha256": description.sha256,
        "extractor_version": description.extractor_version,
        "names": " ".join(DESCRIPTORS),
        "vector": description.values.astype("<f4").tobytes(),
        "reasons": json.dumps(description.reasons, sort_keys=True),
        "sketch": description.sketch.to_bytes() if description.sketch else None,
    }
    with workspace.store.transaction() as connection:
        upsert(connection, t.descriptor, [row])


# -- verdicts and measures ---------------------------------------------------------------------------------------------


def _judge_all(workspace: Workspace, recordings: Sequence[str], detector: Detector, *, keep: bool = False) -> int:
    """Judge every recording whose audio this model has not judged; return how many verdicts changed.

    With `keep`, what cannot be judged keeps the verdict that it has.
    """
    from ..features.sketch import Sketch

    preview, descriptor, verdict = t.preview.c, t.descriptor.c, t.verdict.c
    query = (
        select(
            preview.recording_id,
            preview.sha256,
            preview.problem,
            descriptor.sketch,
            verdict.sha256.label("judged"),
            verdict.reason,
        )
        .join(t.descriptor, descriptor.sha256 == preview.sha256, isouter=True)
        .join(
            t.verdict,
            and_(verdict.recording_id == preview.recording_id, verdict.model_version == detector.model_version),
            isouter=True,
        )
        .where(preview.recording_id.in_(recordings))
        .order_by(preview.recording_id, descriptor.extractor_version)
    )
    now = timestamp(workspace.now())
    rows = []
    with workspace.store.transaction() as connection:
        newest = {row.recording_id: row for row in connection.execute(query)}
        for found in newest.values():
            if found.sketch is not None and found.judged == found.sha256:
                continue
            if keep and found.sketch is None:
                continue
            row = {"recording_id": found.recording_id, "model_version": detector.model_version, "measured_at": now}
            if found.sketch is None:
                reason = found.problem or "the preview was not described yet: run analyze again"
                row |= {
                    "verdict": "unmeasured",
                    "probability": None,
                    "reason": reason,
                    "evidence": "{}",
                    "sha256": None,
                }
            else:
                said = detector.judge(Sketch.from_bytes(found.sketch))
                if keep and said.verdict == "unmeasured":
                    continue
                row |= {
                    "verdict": said.verdict,
                    "probability": said.probability,
                    "reason": said.reason,
                    "evidence": json.dumps(said.evidence, sort_keys=True),
                    "sha256": found.sha256,
                }
            rows.append(row)
        return upsert(connection, t.verdict, rows, unless_only=("measured_at",))


def _measure_all(workspace: Workspace, detector: Detector, asked: date) -> list[str]:
    """Measure the charts of a week, and those measured before whose data changed since; return the weeks that changed.

    A week that was collected but never analyzed is left alone: half of its recordings may be known from other weeks,
    and a share of those would be no share of the chart.
    """
    from joblib import Parallel, delayed

    from ..analysis.measures import OF_SOUND, SAID, described_by, inputs_of

    tables = Tables(workspace)
    entries, verdicts, descriptors = tables.entries(), tables.verdicts(), tables.descriptors()
    with workspace.store.reading() as connection:
        rows = connection.execute(select(t.measure)).all()
    stored = {(row.source, row.chart, row.country, row.week, row.inputs) for row in rows}
    # what an older extractor's descriptors gave
    outdated: dict[tuple, int] = {
        (row.source, row.chart, row.country, row.week, row.measure): row.n
        for row in rows
        if row.measure.startswith(OF_SOUND) and described_by() not in row.method
    }
    weeks = {asked.isoformat()} | {row.week for row in rows}
    entries = entries[entries["week"].notna() & (entries["week"].fillna("") <= max(weeks))]
    labelled = tables.labelled_ai()
    changed = set()
    joined = entries.merge(verdicts[["recording_id", "verdict", "model_version"]], "left", "recording_id").merge(
        descriptors[["recording_id", "audio_hash", "extractor_version"]], "left", "recording_id"
    )
    for column in SAID:  # a composite names none: its platforms do
        known = joined.dropna(subset=[column]).drop_duplicates("recording_id").set_index("recording_id")[column]
        joined[column] = joined[column].fillna(joined["recording_id"].map(known))
    joined["labelled_ai"] = joined["recording_id"].isin(labelled)
    vectors = current_vectors(descriptors)
    work, digests = [], {}
    for key, chart in joined.groupby(["source", "chart", "country"], sort=True):
        digests[key] = inputs_of(chart, weeks & set(chart["week"]), detector)
        due = [week for week, digest in digests[key].items() if (*key, week, digest) not in stored]
        if due:
            work.append((key, chart, due, vectors[vectors.index.isin(chart["recording_id"])], detector))
    many = sum(len(due) for _, _, due, *_ in work) > FEW_WEEKS
    for key, measured in Parallel(n_jobs=workspace.settings.jobs if many else 1, return_as="generator")(
        delayed(_measure_chart)(*item) for item in work
    ):
        for week, measures in measured:
            of_week = dict(zip(("source", "chart", "country", "week"), (*key, week), strict=True))
            rows = [
                of_week
                | {
                    "measure": name,
                    "value": _number(estimate.value),
                    "low": _number(estimate.low),
                    "high": _number(estimate.high),
                    "n": estimate.n,
                    "method": estimate.method,
                    "inputs": digests[key][week],
                }
                for name, estimate in measures.items()
                # until most recordings are described anew, the old measure stands
                if estimate.n >= RENEWED * outdated.get((*key, week, name), 0)
            ]
            with workspace.store.transaction() as connection:
                here = [t.measure.c[column] == value for column, value in of_week.items()]
                # what an earlier release measured, and this one does not
                connection.execute(t.measure.delete().where(*here, t.measure.c.measure.not_in(list(measures))))
                upsert(connection, t.measure, rows)
            changed.add(week)
    return sorted(changed)


def _measure_chart(
    key: tuple, chart: pd.DataFrame, weeks: list[str], vectors: pd.DataFrame, detector: Detector
) -> tuple[tuple, list[tuple[str, dict[str, Estimate]]]]:
    """Measure a chart in some weeks, on one core: with several charts at once, each has its own."""
    from ..analysis.measures import measure_chart
    from ..features.describe import one_thread

    with one_thread():
        return key, list(measure_chart(chart, weeks, vectors, detector))


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
