"""YouTube: the weekly chart of tracks by views, of the newest closed week.

The request that charts.youtube.com makes for its own pages. ytmusicapi reaches only the playlist of a chart, over
requests of its own, and that says neither views nor week.
"""

from __future__ import annotations

import re
from datetime import date

from ...workspace.errors import PageError
from ...workspace.http import Client
from ...workspace.settings import Rate
from ...workspace.settings import Source as Settings
from ..periods import Period
from ..rows import Page, Row, clean, count, in_order, number
from ..source import Answer, Asked, Source, answer_of, json_of

INSTEAD = (
    "Open the weekly top songs at https://charts.youtube.com in a browser, save the answer of the request `browse` from "
    "its developer tools and give it to `chartropy import FILE --source youtube-tracks`."
)

_WEEKLY = "CHART_PERIOD_TYPE_WEEKLY"


def fetch(client: Client, asked: Asked) -> Answer:
    """Ask for the newest weekly chart; see :class:`..source.Source`."""
    if asked.chart not in SOURCE.charts or not re.fullmatch("[a-z]{2}|global", asked.country):
        raise PageError(
            f"youtube: there are no {asked.chart!r} for {asked.country!r}: it has tracks, for countries, in two small "
            "letters, and global."
        )
    who = {
        "clientName": "WEB_MUSIC_ANALYTICS",
        "clientVersion": "2.0",
        "hl": "en",
        # where the asker is, always a country: the chart's own is in the query
        "gl": "US" if asked.country == "global" else asked.country.upper(),
    }
    question = {
        "context": {"client": who},
        "browseId": "FEmusic_analytics_charts_home",
        "query": f"perspective=CHART_DETAILS&chart_params_country_code={asked.country}"
        "&chart_params_chart_type=TRACKS&chart_params_period_type=WEEKLY",
    }
    headers = {"Origin": "https://charts.youtube.com", "Accept": "application/json"}
    answer = answer_of(client, client.post("youtubei/v1/browse?alt=json", question, headers=headers), INSTEAD)
    page = parse(answer.body, answer.url)[0]
    # a country without charts is answered with the global one
    if page.country and page.country != asked.country:
        raise PageError(
            f"youtube: asked for {asked.country!r}, the chart is of {page.country!r}: it has none for that country.",
            answer.body,
        )
    if page.period is None:
        raise PageError("youtube: the chart does not say on which day its week ends (endDate).", answer.body)
    return answer


def parse(body: bytes, origin: str = "") -> tuple[Page, ...]:  # noqa: ARG001 - the answer says itself what it is
    """Read the answer, live or saved; see :class:`..source.Source`."""
    data = json_of("youtube", body)
    content = _at(data, "contents", "sectionListRenderer", "contents", 0, "musicAnalyticsSectionRenderer", "content")
    asked = _at(content, "perspectiveMetadata", "requestParams", "chartParams")
    asked = asked if isinstance(asked, dict) else {}
    lists = _at(content, "trackTypes")
    # lists of what is used in Shorts, and of other periods, may stand beside it
    found = [
        (clean(one.get("chartPeriodType") or asked.get("chartPeriodType")) or _WEEKLY, one)
        for one in (lists if isinstance(lists, list) else [])
        if isinstance(one, dict) and one.get("listType") == "TOP_VIEWS_CHART"
    ]
    if not found:
        raise PageError("youtube: no chart of tracks by views (TOP_VIEWS_CHART) in the answer.", body)
    chart = next((one for period, one in found if period == _WEEKLY), None)
    if chart is None:
        raise PageError(f"youtube: this is a chart of another period ({found[0][0][:40]}), not a weekly one.", body)
    views = chart.get("trackViews")
    if not isinstance(views, list) or not views:
        raise PageError("youtube: the chart of tracks by views (TOP_VIEWS_CHART) is empty.", body)
    faults: list[str] = []
    rows = []
    placed = any(_position(view) is not None for view in views)
    for place, view in enumerate(views, 1):
        position = _position(view) if placed else place  # a list without positions is in order
        if isinstance(view, dict) and position is not None:
            rows.append(_row(view, position))
        else:
            faults.append(f"an entry without a position: {str(view)[:80]}; left out")
    kept = in_order(rows, "chart", faults)
    if not kept:
        raise PageError(f"youtube: none of the {len(views)} entries has a position, an artist and a title.", body)
    period = _week(clean(chart.get("endDate")) or clean(asked.get("endDate")))
    return (Page(kept, "tracks", clean(asked.get("countryCode")).lower(), period, faults=tuple(faults)),)


def _at(data: object, *path: str | int) -> object:
    for key in path:
        if isinstance(key, int):
            data = data[key] if isinstance(data, list) and len(data) > key else None
        else:
            data = data.get(key) if isinstance(data, dict) else None
    return data


def _position(view: object) -> int | None:
    return number(_at(view, "chartEntryMetadata", "currentPosition"))


def _row(view: dict, position: int) -> Row:
    artists = view.get("artists")
    named = [clean(one.get("name")) for one in artists if isinstance(one, dict)] if isinstance(artists, list) else []
    # some tracks have only the video that holds their sound
    video = clean(view.get("encryptedVideoId")) or clean(view.get("atvExternalVideoId"))
    return Row(
        position,
        artists=tuple(filter(None, named)),
        title=clean(view.get("name")),
        track_id=video,
        released=_released(view.get("releaseDate")),
        label=clean(view.get("sublabel")),
        link=f"https://www.youtube.com/watch?v={video}" if video else "",
        plays=count(view.get("viewCount")),
    )


def _released(value: object) -> str:
    try:
        return date(value["year"], value["month"], value["day"]).isoformat() if isinstance(value, dict) else ""
    except (KeyError, TypeError, ValueError, OverflowError):
        return ""


def _week(text: str) -> Period | None:
    """Return the week that ends on ``20260702`` or ``2026-07-02``."""
    found = re.fullmatch(r"(\d{4})(-?)(\d{2})\2(\d{2})", text, re.A)
    try:
        return Period.week(date(int(found[1]), int(found[3]), int(found[4]))) if found else None
    except (ValueError, OverflowError):
        return None


SOURCE = Source(
    name="youtube",
    title="YouTube Charts",
    gives="the weekly top 100 tracks by views of the newest closed week, by country or global",
    needs="nothing",
    charts={"tracks": "youtube"},
    settings=Settings(
        base_url="https://charts.youtube.com",
        rate=Rate(requests=1, seconds=1),
        robots=True,
        charts=("tracks",),
        expected_rows={"*": 100},
    ),
    parse=parse,
    fetch=fetch,
    current=True,
    form="json",
)
