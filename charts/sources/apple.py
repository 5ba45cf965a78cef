"""Apple Music: the most played songs of a country, as its RSS feed says now."""

from __future__ import annotations

import re
from datetime import date
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from ...workspace.errors import PageError
from ...workspace.http import Client
from ...workspace.settings import Rate
from ...workspace.settings import Source as Settings
from ..rows import Page, Row, clean, day, in_order
from ..source import Answer, Asked, Source, answer_of, json_of, list_at

LONGEST = 100
"""Songs in a feed; asked for more it answers 500."""

INSTEAD = (
    "Open https://rss.marketingtools.apple.com in a browser, save the feed of the most played songs as JSON and give it "
    "to `chartropy import FILE --source apple-songs`."
)

_ADDRESS = re.compile(r"/api/v2/(?P<country>[a-z]{2})/music/(?P<feed>[\w-]+)/\d+/(?P<kind>[\w-]+)\.json$")


def fetch(client: Client, asked: Asked) -> Answer:
    """Ask for the feed of a country; see :class:`..source.Source`."""
    if asked.chart not in SOURCE.charts or not re.fullmatch("[a-z]{2}", asked.country):
        raise PageError(
            f"apple: there are no {asked.chart!r} for {asked.country!r}: it has songs, for countries, in two small letters."
        )
    path = f"api/v2/{asked.country}/music/most-played/{LONGEST}/songs.json"
    answer = answer_of(client, client.get(path, accept="application/json"), INSTEAD)
    page = parse(answer.body, answer.url)[0]
    if page.country != asked.country:
        raise PageError(f"apple: asked for {asked.country!r}, the feed says {page.country!r}.", answer.body)
    return answer


def parse(body: bytes, origin: str = "") -> tuple[Page, ...]:
    """Read the feed, live or saved; see :class:`..source.Source`."""
    data = json_of("apple", body)
    items = list_at(data, ("feed", "results"), "apple", body)
    feed = data["feed"]
    address = urlsplit(origin).path if origin.startswith("http") else ""
    said = _ADDRESS.search(clean(feed.get("id"))) or _ADDRESS.search(address)
    kinds = {clean(item.get("kind")) for item in items if isinstance(item, dict)}
    # one thing of another kind among songs is a fault of its row
    others = {said["kind"]} - {"songs"} if said else set()
    others |= kinds if not kinds & {"songs", ""} else set()
    if others or (said and said["feed"] != "most-played"):
        what = f"{said['feed']} {said['kind']}" if said else ", ".join(sorted(others)) or "nothing"
        raise PageError(f"apple: a feed of {what}, not of the most played songs: save the songs' feed.", body)
    faults: list[str] = []
    rows = []
    for place, item in enumerate(items, 1):
        kind = clean(item.get("kind")) if isinstance(item, dict) else "nothing known"
        if not isinstance(item, dict) or kind not in ("songs", ""):
            faults.append(f"position {place}: {kind}, not a song: {str(item)[:80]}; left out")
        else:
            rows.append(_row(item, place))
    kept = in_order(rows, "feed", faults)
    if not kept:
        raise PageError(f"apple: none of the {len(items)} entries of the feed has an artist and a title.", body)
    country = clean(feed.get("country")).lower()
    if not re.fullmatch("[a-z]{2}", country):
        country = said["country"] if said else ""
    return (Page(kept, "songs", country, taken=_date(clean(feed.get("updated"))), faults=tuple(faults)),)


def _row(item: dict, place: int) -> Row:
    genres = item.get("genres")
    named = [_text(one.get("name")) for one in genres if isinstance(one, dict)] if isinstance(genres, list) else []
    artist = _text(item.get("artistName"))
    return Row(
        place,
        # one field: several artists stand in it as "One & Two" or "One, Two", which may as well be the name of one
        artists=(artist,) if artist else (),
        title=_text(item.get("name")),
        track_id=clean(item.get("id")),
        released=day(clean(item.get("releaseDate"))),
        genres=tuple(name for name in named if name and name != "Music"),  # every song bears that one
        link=_text(item.get("url")),
    )


def _text(value: object) -> str:
    # what is no text there is nobody's name
    return clean(value) if isinstance(value, str) else ""


def _date(text: str) -> date | None:
    """Return the day in ``2026-07-02 09:00:00 +0000`` or ``Thu, 02 Jul 2026 09:00:00 +0000``, as it is where that is said."""
    try:
        found = date.fromisoformat(text[:10]) if text[:4].isdecimal() else parsedate_to_datetime(text).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # the week that holds it must lie in the calendar, too
    return found if date.min.year < found.year < date.max.year else None


SOURCE = Source(
    name="apple",
    title="Apple Music",
    gives="the 100 most played songs of a country as they stand now",
    needs="nothing",
    charts={"songs": "apple"},
    settings=Settings(
        base_url="https://rss.marketingtools.apple.com",
        rate=Rate(requests=1, seconds=1),
        charts=("songs",),
        expected_rows={"*": 100},
    ),
    parse=parse,
    fetch=fetch,
    current=True,
    form="json",
)
