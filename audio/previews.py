"""Previews: the 30-second clip of a recording, found at a provider, verified, downloaded whole.

A search's first hit is often another recording: a cover, a remix, a namesake. So whatever a provider offers, even by
ISRC (codes are misprinted and shared), is taken only when artist, title and version agree with a spelling we know.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from ..charts import names
from ..charts.sources import deezer
from ..workspace.errors import (
    AudioError,
    PreviewError,
    SourceError,
    UnsuitableAudio,
)
from ..workspace.files import remove_file, whole_file
from ..workspace.http import Client
from ..workspace.settings import Rate
from ..workspace.settings import Source as Settings
from ..workspace.workspace import Workspace
from .decode import Audio, decode

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""Downloads of one preview before it is given up for this run."""

DOWNLOAD_WAIT = 0.5
"""Seconds before the second download of a preview; before the third, twice as many."""

QUOTA_WAIT = 5.0
"""Seconds after which Deezer's quota (50 requests in 5 s) is free again."""

ITUNES_WAIT = 61.0
"""Seconds after which iTunes answers again a client that was too fast."""

ITUNES = Settings(
    base_url="https://itunes.apple.com",
    rate=Rate(requests=18, seconds=60),  # about 20 a minute are answered
    country="ru",
)
"""Address and manners of iTunes, which gives no charts; ``[sources.itunes]`` overrides them."""

CANDIDATES = 4
"""Search hits looked at closely."""


@dataclass(frozen=True)
class Wanted:
    """A recording to find.

    Attributes
    ----------
    recording_id : str
    isrc : str
        Empty when no page printed one.
    spellings : tuple of (artist, title)
        All that are known, the usual one first.
    """

    recording_id: str
    isrc: str
    spellings: tuple[tuple[str, str], ...]

    def likeness(self, artists: list[str], title: str) -> float:
        """How surely a provider's spelling is this recording, in [0, 1]."""
        offered = names.read(artists, title)
        return max(names.likeness(names.read(*spelling), offered) for spelling in self.spellings)

    def queries(self) -> list[tuple[str, str]]:
        """Artist and title as to be typed into a search: each spelling once, those with ё also with е."""
        plain = [names.query(*spelling) for spelling in self.spellings]
        without_yo = [(artist.replace("ё", "е"), title.replace("ё", "е")) for artist, title in plain]
        return list(dict.fromkeys(plain + without_yo))


@dataclass(frozen=True)
class Found:
    """A track at a provider that is the recording wanted."""

    provider: str
    preview_id: str
    matched_by: str
    artist: str
    title: str
    link: str
    url: str


@dataclass(frozen=True)
class Preview:
    """A downloaded preview: where it was found, its file, its sound."""

    found: Found
    file: Path
    audio: Audio


def fetch_preview(workspace: Workspace, wanted: Wanted) -> Preview:
    """Find, download and check the preview of a recording.

    Parameters
    ----------
    workspace : Workspace
        Its settings name the providers, in order; the file goes to its audio folder.
    wanted : Wanted

    Returns
    -------
    Preview

    Raises
    ------
    PreviewError
        When no provider has it, or none could deliver it; the message says which said what.
    DiskFull, WorkspaceReadOnly
        When the file cannot be written.
    """
    said, passing = [], False
    for provider in workspace.settings.providers:
        own, find, refresh = _PROVIDERS[provider]
        client = workspace.client(provider, own)
        try:
            found = find(client, wanted)
            data, audio = _download(client, found, refresh)
            return Preview(found, set_waiting(workspace, data, audio.sha256, audio.codec), audio)
        except PreviewError as error:
            said.append(f"{provider}: {error}")
            passing = passing or error.passing
        except SourceError as error:
            said.append(str(error).rstrip("."))
            passing = True
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            log.info("%s: an answer of an unknown form", provider, exc_info=True)
            said.append(f"{provider}: answered in an unknown form ({type(error).__name__}: {error})")
            passing = True
    raise PreviewError("; ".join(said) or "no provider is set", passing=passing)


# -- Deezer ------------------------------------------------------------------------------------------------------------


def _find_on_deezer(client: Client, wanted: Wanted) -> Found:
    if wanted.isrc:
        track = _deezer(client, f"track/isrc:{wanted.isrc}")
        if track and wanted.likeness(_deezer_artists(track), track["title"]):
            return _deezer_found(track, "isrc")
    looked_at = 0
    seen: set[str] = set()
    for artist, title in wanted.queries():
        for text in (f'artist:"{artist}" track:"{title}"', f"{artist} {title}"):
            hits = (_deezer(client, "search", q=text, limit="25") or {}).get("data") or []
            scored = [(wanted.likeness([hit["artist"]["name"]], hit["title"]), hit) for hit in hits]
            for _, hit in sorted((s for s in scored if s[0]), key=lambda s: -s[0]):
                if str(hit["id"]) in seen or looked_at == CANDIDATES:
                    continue
                seen.add(str(hit["id"]))
                looked_at += 1
                # the row names one artist; the track itself names all, and brings a fresh link
                track = _deezer(client, f"track/{hit['id']}")
                if track and wanted.likeness(_deezer_artists(track), track["title"]):
                    return _deezer_found(track, "search")
    raise PreviewError("no track with this artist, title and version")


def _deezer(client: Client, path: str, **params: str) -> dict[str, Any] | None:
    """Return what Deezer answers, or None for "no data"; its errors come with HTTP 200."""
    for attempt in range(ATTEMPTS):
        response = client.get(path, params=params or None, accept="application/json")
        data = _json(response, "deezer")
        error = data.get("error")
        if not error:
            return data
        if error.get("code") == 800 or response.status_code == 404:
            return None
        if error.get("code") != 4:
            raise PreviewError(f"answered an error {error.get('code')}: {error.get('message', '')}", passing=True)
        log.info("deezer: quota used up, waiting %g s (%d of %d)", QUOTA_WAIT, attempt + 1, ATTEMPTS)
        time.sleep(QUOTA_WAIT)
    raise PreviewError(f"quota still used up after waiting {ATTEMPTS} times", passing=True)


def _deezer_artists(track: dict[str, Any]) -> list[str]:
    return [person["name"] for person in track.get("contributors") or [track["artist"]]]


def _deezer_found(track: dict[str, Any], matched_by: str) -> Found:
    if not track.get("preview"):
        raise PreviewError("has the track, but no preview of it")
    return Found(
        "deezer",
        str(track["id"]),
        matched_by,
        ", ".join(_deezer_artists(track)),
        track["title"],
        track.get("link", ""),
        track["preview"],
    )


def _refresh_on_deezer(client: Client, found: Found) -> str:
    track = _deezer(client, f"track/{found.preview_id}")
    return (track or {}).get("preview") or found.url


# -- iTunes ------------------------------------------------------------------------------------------------------------


def _find_on_itunes(client: Client, wanted: Wanted) -> Found:
    for artist, title in wanted.queries():
        rows = _itunes(
            client,
            "search",
            term=f"{artist} {title}",
            country=client.source.country,
            media="music",
            entity="song",
            limit="25",
        )
        scored = [
            (wanted.likeness([row["artistName"]], row["trackName"]), -place, row)
            for place, row in enumerate(rows)
            if row.get("artistName") and row.get("trackName") and row.get("previewUrl")
        ]
        score, _, row = max(scored, key=lambda s: s[:2], default=(0.0, 0, {}))
        if score:
            return Found(
                "itunes",
                str(row["trackId"]),
                "search",
                row["artistName"],
                row["trackName"],
                row.get("trackViewUrl", ""),
                row["previewUrl"],
            )
    raise PreviewError("no song with this artist, title and version")


def _itunes(client: Client, path: str, **params: str) -> list[dict[str, Any]]:
    for _ in range(ATTEMPTS):
        response = client.get(path, params=params, accept="application/json")
        if response.status_code != 403:
            return _json(response, "itunes").get("results") or []
        # iTunes says "too fast" with an empty 403; it never means "not found"
        log.info("itunes: too fast, waiting %g s", ITUNES_WAIT)
        time.sleep(ITUNES_WAIT)
    raise PreviewError("still refuses (403) after waiting; it limits how often it may be asked", passing=True)


def _refresh_on_itunes(client: Client, found: Found) -> str:
    rows = _itunes(client, "lookup", id=found.preview_id, country=client.source.country)
    return next((row["previewUrl"] for row in rows if row.get("previewUrl")), found.url)


_PROVIDERS = {
    "deezer": (deezer.SOURCE.settings, _find_on_deezer, _refresh_on_deezer),
    "itunes": (ITUNES, _find_on_itunes, _refresh_on_itunes),
}

# -- both --------------------------------------------------------------------------------------------------------------


def _json(response: requests.Response, provider: str) -> dict[str, Any]:
    try:
        data = response.json()
    except requests.exceptions.JSONDecodeError:
        kind = response.headers.get("Content-Type", "no content type")
        raise PreviewError(
            f"answered {response.status_code} with {kind} instead of JSON ({len(response.content):,} bytes)",
            passing=True,
        ) from None
    if not isinstance(data, dict):
        raise PreviewError(f"{provider} answered JSON of an unknown form", passing=True)
    return data


def _download(client: Client, found: Found, refresh) -> tuple[bytes, Audio]:
    """Download the file whole, asking for a fresh link when the old one has expired."""
    url, problem, expired = found.url, "", False
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(DOWNLOAD_WAIT * attempt)
        if expired:  # a fresh link lives from here on, not from before the wait
            url, expired = refresh(client, found), False
        response = client.get(url, accept="audio/*")
        kind = response.headers.get("Content-Type", "")
        if response.status_code in (401, 403, 404, 410):
            problem = f"the preview's link answers {response.status_code}"
            expired = True
        elif not response.ok:
            problem = f"the preview answers {response.status_code}"
        elif "html" in kind or "json" in kind:
            problem = f"the preview is {kind.partition(';')[0]} instead of audio"
        else:
            try:
                return response.content, decode(response.content, name=f"preview {found.preview_id}")
            except UnsuitableAudio as error:
                raise PreviewError(str(error)) from error
            except AudioError as error:
                problem = str(error)
        log.info("%s %s: %s (download %d of %d)", found.provider, found.preview_id, problem, attempt + 1, ATTEMPTS)
    raise PreviewError(f"{problem}, {ATTEMPTS} times", passing=True)


def set_waiting(workspace: Workspace, data: bytes, sha256: str, codec: str) -> Path:
    """Write a preview where it lies until it is described; return the file."""
    file = workspace.audio_folder / f"{sha256}.waiting.{codec}"
    with whole_file(file) as part:
        part.write_bytes(data)
    return file


def stored_file(workspace: Workspace, sha256: str) -> Path | None:
    """Return the file of a preview that is still there, waiting or kept."""
    return next(iter(workspace.audio_folder.glob(f"{sha256}.*")), None)


def let_go(workspace: Workspace, file: Path) -> None:
    """Delete a preview that is described; where the settings keep audio, give it its lasting name instead."""
    if workspace.settings.keep_audio:
        file.replace(file.with_name(file.name.replace(".waiting.", ".")))
    else:
        remove_file(file)


def clear_up(workspace: Workspace, waiting: Container[str]) -> None:
    """Let go what runs that were killed left behind, and previews that nobody waits for any more.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    waiting : container of str
        SHA-256 of the previews that are still to be described.
    """
    for part in workspace.audio_folder.glob(".*.part"):
        remove_file(part)
    for file in workspace.audio_folder.glob("*.waiting.*"):
        if file.name.partition(".")[0] not in waiting:
            let_go(workspace, file)
