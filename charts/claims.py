"""Who says that a recording was made by AI: credits that platforms give, and open registries of artists.

A claim is what somebody says, with its source, its ground and its day; it proves nothing. What a chart page itself says of
a track (TopHit's tag) is stored with its entries, by :mod:`.collect`.
"""

from __future__ import annotations

import logging
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Connection, and_, delete, or_, select, update

from ..workspace import tables as t
from ..workspace.errors import ChartropyError, PageError, RecordingError, SourceError
from ..workspace.settings import Rate, Registry
from ..workspace.settings import Source as Settings
from ..workspace.store import digest, timestamp, upsert
from ..workspace.workspace import Workspace
from . import names
from .collect import CLAIMS, Chart, client_of, remember, sources_of, store_page, unpacked
from .identity import found, in_chunks
from .names import Name
from .rows import clean, day
from .source import Answer, Source, answer_of
from .sources import table

log = logging.getLogger(__name__)

YOU = "you"
"""The source of what the user says."""

FILE = ("tags", "c2pa", "c2pa unsigned")
"""The sources of what a preview's file says of itself."""

FAILURES = 3
"""After so many failures in a row a platform is not asked for credits any more in this run."""


@dataclass
class Claims:
    """What came of collecting claims.

    Attributes
    ----------
    changed : int
        Claims that are new, changed or withdrawn.
    gaps : list of str
        What could not be had, and why.
    """

    changed: int = 0
    gaps: list[str] = field(default_factory=list)


def collect_claims(workspace: Workspace, weeks: Iterable[date]) -> Claims:
    """Ask every registry of the settings, and the platforms that give credits, about the recordings stored.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    weeks : iterable of date
        Last days of the chart weeks whose tracks are asked credits of; each track once. Registries are compared with all
        recordings.

    Returns
    -------
    Claims

    Raises
    ------
    SettingsError
        When a registry is named like a source.
    """
    done = Claims()
    known = sources_of(workspace)
    done.changed += _forget_others(workspace, [*known, *workspace.settings.registries, YOU, *FILE])
    for name, registry in workspace.settings.registries.items():
        _ask_registry(workspace, name, registry, done)
    for source in known.values():
        if source.credits and source.name in workspace.settings.collect:
            _ask_credits(workspace, source, [week.isoformat() for week in weeks], done)
    return done


def label(workspace: Workspace, recording: str, says: str | None, why: str) -> str:
    """Say that a recording is AI-made or human, or take that back.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    recording : str
        By id or by its first letters.
    says : {'ai', 'human'} or None
        None takes back what was said.
    why : str

    Returns
    -------
    str
        The recording's id.

    Raises
    ------
    RecordingError
        It is not there, or nothing was said of it that could be taken back.
    """
    with workspace.store.transaction() as connection:
        name_id, recording_id = found(connection, recording)
        said = t.label.c
        names_of = select(t.recording.c.recording_id).where(t.recording.c.same_as == recording_id)
        those = and_(said.source == YOU, said.recording_id.in_(names_of))
        if says is None:
            if not connection.execute(delete(t.label).where(those)).rowcount:
                raise RecordingError(f"label {recording}: you have said nothing of it that could be taken back.")
            return recording_id
        connection.execute(delete(t.label).where(those))
        row = {
            "recording_id": name_id,
            "source": YOU,
            "subject": "",
            "label": says,
            "ground": why,
            "labelled_at": workspace.now().date().isoformat(),
            "page_id": None,
        }
        upsert(connection, t.label, [row])
        return recording_id


# -- registries --------------------------------------------------------------------------------------------------------


def _ask_registry(workspace: Workspace, name: str, registry: Registry, done: Claims) -> None:
    """Store the claims of a registry as it stands now; of one that cannot be had, as it stood last."""
    fresh = False
    try:
        answer = _registry_of(workspace, name, registry)
        listed = _listed(answer.body, registry)
    except ChartropyError as error:
        done.gaps.append(f"registry {name}: {error}")
        log.warning("registry %s: %s", name, error)
        remember(workspace, name, error)
        kept = _last_kept(workspace, name, registry)
        if kept is None:
            return
        answer, listed = kept
    else:
        fresh = True
        remember(workspace, name)
    with workspace.store.transaction() as connection:
        # kept once, however often it is read
        page_id = store_page(
            workspace, connection, Chart(name, CLAIMS, ""), None, answer.body, answer.url, answer.content_type
        )
        if fresh and connection.scalar(_newest(name, t.page.c.page_id)) != page_id:
            # it says again what it said some time ago
            now = {"fetched_at": timestamp(workspace.now())}
            connection.execute(update(t.page).where(t.page.c.page_id == page_id).values(now))
        rows = _claims_of(connection, name, listed, page_id, workspace.now().date().isoformat())
        done.changed += _withdraw(connection, name, rows)
        done.changed += upsert(connection, t.label, rows, unless_only=("page_id",))


def _registry_of(workspace: Workspace, name: str, registry: Registry) -> Answer:
    if registry.location.startswith(("http://", "https://")):
        parts = urlsplit(registry.location)
        own = Settings(base_url=f"{parts.scheme}://{parts.netloc}", rate=Rate(requests=1, seconds=1))
        client = workspace.client(name, own)
        return answer_of(client, client.get(registry.location), "Save it, and give its path as the location.")
    file = workspace.folder / Path(registry.location).expanduser()
    try:
        return Answer(file.read_bytes(), "", file.name)
    except OSError as error:
        raise PageError(f"{file} cannot be read ({error.strerror}).") from error


def _last_kept(workspace: Workspace, name: str, registry: Registry) -> tuple[Answer, dict[str, tuple[str, str]]] | None:
    """Return a registry as it stood last, and whom it listed; None when it was never had, or not as the settings say now."""
    page = t.page.c
    with workspace.store.reading() as connection:
        row = connection.execute(_newest(name, page.body, page.origin, page.content_type)).one_or_none()
    if row is None:
        return None
    answer = Answer(unpacked(row.body), row.content_type, row.origin)
    try:
        return answer, _listed(answer.body, registry)
    except PageError:
        return None


def _newest(name: str, *columns):
    """Return the query for some columns of the page of a registry that was had last."""
    page = t.page.c
    return (
        select(*columns)
        .where(page.source == name, page.chart == CLAIMS, page.problem.is_(None))
        .order_by(page.fetched_at.desc(), page.page_id)
        .limit(1)
    )


def _listed(body: bytes, registry: Registry) -> dict[str, tuple[str, str]]:
    """Return the artists that a registry lists: name to day and ground.

    Raises
    ------
    PageError
        When it is no table, or lacks a column that the settings name.
    """
    columns = [one for one in (registry.artist, registry.added, registry.removed, *registry.ground) if one]
    listed: dict[str, tuple[str, str]] = {}
    read = 0
    for _, row in table.records(body, registry.rows):
        missing = [column for column in columns if column not in row]
        if missing:
            raise PageError(f"has no column {missing[0]!r}, which the settings name; it has {', '.join(row)}.", body)
        read += 1
        artist = clean(row[registry.artist])
        gone = clean(row[registry.removed]).casefold() if registry.removed else ""
        if not artist or gone not in ("", "false", "0", "no", "none", "null"):
            continue
        said = [f"{column}: {_words(row[column])}" for column in registry.ground if _words(row[column])]
        listed.setdefault(artist, (day(clean(row[registry.added])) if registry.added else "", "; ".join(said)))
    if not read:
        raise PageError("lists nobody: it has no rows.", body)
    return listed


def _words(value: object) -> str:
    return ", ".join(filter(None, map(clean, value))) if isinstance(value, list) else clean(value)


def _claims_of(
    connection: Connection, name: str, listed: dict[str, tuple[str, str]], page_id: str, today: str
) -> list[dict]:
    """Return the claims that a registry makes about the names stored: an artist of theirs is called as one that it lists."""
    having: dict[str, set[str]] = defaultdict(set)
    recording = t.recording.c
    query = select(recording.recording_id, recording.folded, recording.artist, recording.title)
    for row in connection.execute(query):
        known = Name.from_key(row.folded) if row.folded else names.read(row.artist, row.title)
        for artist in known.artists:
            having[artist].add(row.recording_id)
    label = t.label.c
    stored = select(label.recording_id, label.subject, label.labelled_at).where(label.source == name)
    since = {(row.recording_id, row.subject): row.labelled_at for row in connection.execute(stored)}
    rows = []
    for artist, (added, ground) in listed.items():
        people = names.read(artist, "").artists
        found = set.intersection(*(having.get(one, set()) for one in people)) if people else set()
        rows += [
            {
                "recording_id": recording_id,
                "source": name,
                "subject": artist[:255],
                "label": "ai",
                "ground": f"lists an artist of this name{f' ({ground})' if ground else ''}",
                "labelled_at": added or since.get((recording_id, artist[:255]), today),
                "page_id": page_id,
            }
            for recording_id in sorted(found)
        ]
    return list({(row["recording_id"], row["subject"]): row for row in rows}.values())


def _forget_others(workspace: Workspace, sources: list[str]) -> int:
    """Delete the claims of registries that the settings name no longer."""
    with workspace.store.transaction() as connection:
        return connection.execute(delete(t.label).where(t.label.c.source.not_in(sources))).rowcount


def _withdraw(connection: Connection, name: str, rows: list[dict]) -> int:
    """Delete the claims that a registry makes no longer; its former pages are kept."""
    label = t.label.c
    now = {(row["recording_id"], row["subject"]) for row in rows}
    stored = connection.execute(select(label.recording_id, label.subject).where(label.source == name)).all()
    gone = [row for row in stored if tuple(row) not in now]
    for part in in_chunks(gone):
        those = or_(*(and_(label.recording_id == row.recording_id, label.subject == row.subject) for row in part))
        connection.execute(delete(t.label).where(label.source == name, those))
    return len(gone)


# -- credits -----------------------------------------------------------------------------------------------------------


def _ask_credits(workspace: Workspace, source: Source, weeks: list[str], done: Claims) -> None:
    client = client_of(workspace, source)
    failed = 0
    for number, track in enumerate(wanted := _without_credits(workspace, source.name, weeks)):
        assert source.credits
        try:
            answer, words = source.credits(client, track.track_id)
        except SourceError as error:
            failed += 1
            if failed == FAILURES or client.refused:
                # no gap: the charts are whole without them
                log.info("%s: credits of %d tracks not had: %s", source.name, len(wanted) - number, error)
                remember(workspace, source.name, error)
                return
            continue
        failed = 0
        with workspace.store.transaction() as connection:
            page_id = _keep_credits(workspace, connection, source.name, track.track_id, answer)
            if words:
                label = {
                    "recording_id": track.name_id,
                    "source": source.name,
                    "subject": f"{track.artist} - {track.title}"[:255],
                    "label": "ai",
                    "ground": f"the credits of the track say: {words}",
                    "labelled_at": workspace.now().date().isoformat(),
                    "page_id": page_id,
                }
                done.changed += upsert(connection, t.label, [label], unless_only=("labelled_at", "page_id"))


def _keep_credits(workspace: Workspace, connection: Connection, source: str, track_id: str, answer: Answer) -> str:
    """Keep what was answered of a track, also where another track's answer is the same to the letter: it was asked."""
    page_id = digest(source, CLAIMS, track_id, answer.body)
    row = {
        "page_id": page_id,
        "source": source,
        "chart": CLAIMS,
        "country": "",
        "origin": _origin(track_id),
        "content_type": answer.content_type[:128],
        "body": zlib.compress(answer.body, 6),
        "fetched_at": timestamp(workspace.now()),
    }
    upsert(connection, t.page, [row], unless_only=("fetched_at",))
    return page_id


def _without_credits(workspace: Workspace, source: str, weeks: list[str]):
    """Return the tracks of some weeks whose credits were never had."""
    entry, page = t.entry.c, t.page.c
    with workspace.store.reading() as connection:
        had = set(connection.scalars(select(page.origin).where(page.source == source, page.chart == CLAIMS)))
        tracks = connection.execute(
            select(entry.track_id, entry.name_id, entry.artist, entry.title)
            .where(entry.source == source, entry.week.in_(weeks), entry.track_id.is_not(None))
            .order_by(entry.week.desc(), entry.position)
        ).all()
    return list({row.track_id: row for row in tracks if _origin(row.track_id) not in had}.values())


def _origin(track_id: str) -> str:
    return f"credits of track {track_id}"
