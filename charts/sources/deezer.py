"""Deezer: the playlists that are its country charts, and its charts by genre, as they stand now.

Two requests of its open API; the ``deezer-python`` library asks the same, but over a client of its own that knows neither
our rates nor our retries, nor the quota that Deezer tells of with HTTP 200.
"""

from __future__ import annotations

import json
import re
import time
from urllib.parse import urlsplit

from ...workspace.errors import PageError, SourceUnreachable
from ...workspace.http import Client
from ...workspace.settings import Rate
from ...workspace.settings import Source as Settings
from ..rows import MAX_POSITION, Page, Row, clean, day, in_order, isrc, number
from ..source import Answer, Asked, Source, answer_of, json_of

COUNTRY_PLAYLISTS = {
    "ru": "1116189381", "ua": "1362526495", "lv": "1221037511", "lt": "1221037371", "pl": "1266972311",
    "de": "1111143121", "fr": "1109890291", "gb": "1111142221", "it": "1116187241", "es": "1116190041",
    "pt": "1362519755", "tr": "1116189071", "us": "1313621735", "jp": "1362508955", "global": "3155776842",
}  # fmt: skip
"""Deezer's own top 100 by country; the chart ``playlist-NUMBER`` reaches any other."""

AT_ONCE = 100
"""Rows in one answer."""

QUOTA, NO_DATA = 4, 800
"""Error codes, which come with HTTP 200."""

QUOTA_WAIT = 5.0
"""Seconds in which the quota is counted."""

INSTEAD = "Save the answer in a browser and give it to `chartropy import FILE --source deezer-top`."
_CHART = re.compile(r"(playlist|genre)-(\d{1,20})")
_ADDRESS = re.compile(r"/(playlist|chart)/(\d{1,20})(?:/tracks)?/?$")
_COUNTRIES = {playlist: country for country, playlist in COUNTRY_PLAYLISTS.items()}


def fetch(client: Client, asked: Asked) -> Answer:
    """Ask for all rows of a chart, and join them in one answer; see :class:`..source.Source`."""
    path = _path(asked)
    rows: list[object] = []
    total: int | None = None
    url, before = "", None
    more = True
    while more:
        answer, data = _ask(client, path, len(rows))
        page = data.get("data")
        if not isinstance(page, list):
            raise PageError(f"deezer: {path} has no list of rows under 'data'.", answer.body)
        if page and page == before:
            raise PageError(f"deezer: {path} gives the same rows again from row {len(rows) + 1} on.", answer.body)
        url, before = url or answer.url, page
        rows += page
        total = data["total"] if type(data.get("total")) is int else total
        # `next` is an address of the answer's choice: that it is there says enough
        more = bool(page) and len(rows) < MAX_POSITION and (len(rows) < total if total is not None else "next" in data)
    body = json.dumps({"data": rows, "total": len(rows) if total is None else total}, ensure_ascii=False)
    # an answer may hold half of a surrogate pair, which JSON can write and UTF-8 cannot
    return Answer(body.encode(errors="replace"), "application/json", url)


def parse(body: bytes, origin: str = "") -> tuple[Page, ...]:
    """Read an answer, live or saved: rows, a whole playlist, or all charts of a genre; see :class:`..source.Source`."""
    data = json_of("deezer", body)
    if not isinstance(data, dict):
        raise PageError("deezer: no answer of its API: the JSON is no object.", body)
    if data.get("error"):
        raise PageError(f"deezer: no chart, but the error {_said(data['error'])}.", body)
    playlist, total = "", data.get("total")
    tracks = data
    if isinstance(data.get("tracks"), dict):
        if data.get("type") not in (None, "playlist"):
            raise PageError(f"deezer: this is an {clean(data['type'])}, not a chart or playlist.", body)
        tracks = data["tracks"]
        total = tracks.get("total", data.get("nb_tracks"))
        playlist = clean(data.get("id")) if data.get("type") == "playlist" else ""
    items = tracks.get("data")
    if not isinstance(items, list) or not items:
        raise PageError("deezer: no tracks under 'data' in the answer.", body)
    faults: list[str] = []
    rows = []
    for place, item in enumerate(items, 1):
        row = _row(item, place)
        if row is None:
            faults.append(f"position {place}: no track: {str(item)[:80]}; left out")
        else:
            rows.append(row)
    kept = in_order(rows, "answer", faults)
    if not kept:
        raise PageError(f"deezer: none of the {len(items)} rows is a track with an artist and a title.", body)
    broken = ""
    if type(total) is int and total > len(items):
        said = f"{len(items)} of {total} rows came"
        if "next" in tracks:
            broken = f"{said}, the rest is on further pages"
        else:
            faults.append(said)
    chart, country = _named(origin, playlist)
    return (Page(kept, chart, country, faults=tuple(faults), broken=broken),)


def _path(asked: Asked) -> str:
    named = _CHART.fullmatch(asked.chart)
    if named and named[1] == "genre":
        return f"chart/{named[2]}/tracks"
    if named and named[2] in _COUNTRIES:
        # under two names one chart would be stored twice
        raise PageError(
            f"deezer: {asked.chart!r} is the top of a country: name it 'top:{_COUNTRIES[named[2]]}' in the settings."
        )
    if named:
        return f"playlist/{named[2]}/tracks"
    playlist = COUNTRY_PLAYLISTS.get(asked.country)
    if asked.chart != "top" or playlist is None:
        raise PageError(
            f"deezer: no chart {asked.chart!r} for {asked.country!r} is known; name its playlist (playlist-123) or a genre "
            f"(genre-0), or choose top for {', '.join(COUNTRY_PLAYLISTS)}."
        )
    return f"playlist/{playlist}/tracks"


def _named(origin: str, playlist: str) -> tuple[str, str]:
    """Return chart and country, as the address and the playlist's own number say."""
    found = _ADDRESS.search(urlsplit(origin).path) if origin.startswith("http") else None
    if found and found[1] == "chart":
        return f"genre-{found[2]}", ""
    playlist = playlist or (found[2] if found else "")
    if playlist in _COUNTRIES:
        return "top", _COUNTRIES[playlist]
    return (f"playlist-{playlist}" if playlist else ""), ""


def _ask(client: Client, path: str, index: int) -> tuple[Answer, dict]:
    for attempt in range(client.source.retries + 1):
        response = client.get(path, params={"limit": str(AT_ONCE), "index": str(index)}, accept="application/json")
        answer = answer_of(client, response, INSTEAD)
        data = json_of("deezer", answer.body)
        if not isinstance(data, dict):
            raise PageError(f"deezer: {path} is no answer of its API: the JSON is no object.", answer.body)
        error = data.get("error")
        if not error:
            return answer, data
        code = error.get("code") if isinstance(error, dict) else None
        if code == NO_DATA:
            raise PageError(f"deezer: there is no {path} ({_said(error)}): check the chart's number.", answer.body)
        if code != QUOTA:
            raise PageError(f"deezer: {path} answered with the error {_said(error)}.", answer.body)
        if attempt < client.source.retries:
            time.sleep(QUOTA_WAIT)
    raise SourceUnreachable(
        f"deezer: {path} says that its quota is used up, {client.source.retries + 1} times: run again later."
    )


def _said(error: object) -> str:
    return json.dumps(error, ensure_ascii=False)[:200]


def _row(item: object, place: int) -> Row | None:
    if not isinstance(item, dict):
        return None
    contributors = item.get("contributors")
    people = [item.get("artist"), *(contributors if isinstance(contributors, list) else [])]
    named = [clean(one.get("name")) for one in people if isinstance(one, dict)]
    title, version = clean(item.get("title")), clean(item.get("title_version"))
    return Row(
        number(item.get("position")) or place,
        artists=tuple(dict.fromkeys(filter(None, named))),
        title=f"{title} {version}" if title and version and version not in title else title,
        isrc=isrc(clean(item.get("isrc"))),
        track_id=clean(item.get("id")),
        released=day(clean(item.get("release_date"))),
        link=clean(item.get("link")),
    )


SOURCE = Source(
    name="deezer",
    title="Deezer",
    gives="the top 100 of a country (a playlist of Deezer's), any playlist, any genre, as they stand now",
    needs="nothing",
    charts={"top": "deezer"},
    settings=Settings(
        base_url="https://api.deezer.com",
        rate=Rate(requests=45, seconds=5),  # published: 50 in 5 seconds
        charts=("top",),
        expected_rows={"top": 100},
    ),
    parse=parse,
    fetch=fetch,
    current=True,
    open_ended=True,
    form="json",
)
