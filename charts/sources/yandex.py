"""Yandex Music: its chart of Russia and of the world as it stands now, and whether the credits of a track name AI.

One request of its open API; the ``yandex-music`` library asks the same, but over requests of its own that know neither
our rates nor our retries.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from urllib.parse import urlsplit

from ...workspace.errors import PageError
from ...workspace.http import Client
from ...workspace.settings import Rate
from ...workspace.settings import Source as Settings
from ..rows import Page, Row, clean, count, day, in_order, number
from ..source import Answer, Asked, Source, answer_of, json_of, list_at

REGIONS = {"ru": "russia", "global": "world"}
"""Its names of the two charts."""

INSTEAD = (
    "It is open only from some countries: save the answer of https://api.music.yandex.net/landing3/chart/russia over a "
    "Russian connection and give it to `chartropy import FILE --source yandex-chart`."
)

_COUNTRIES = {region: country for country, region in REGIONS.items()}
_AI = re.compile(
    r"\b(?:ии|нейросет\w*|искусственн\w+\s+интеллект\w*|ai|artificial\s+intelligence|neural\s+network\w*)\b", re.I
)
_AI_USE = {"использование ии", "создано ии", "создано с помощью ии", "ai use", "ai usage", "use of ai", "ai-generated"}
_NO = re.compile(r"\b(?:без|нет|не|no|none|not|without)\b", re.I)
_NONE = {"false", "0", "0%", "0 %", "-", "–", "—"}


# -- the chart ---------------------------------------------------------------------------------------------------------


def fetch(client: Client, asked: Asked) -> Answer:
    """Ask for the chart as it stands now; see :class:`..source.Source`."""
    region = REGIONS.get(asked.country)
    if asked.chart not in SOURCE.charts or region is None:
        raise PageError(
            f"yandex: there is no {asked.chart!r} for {asked.country!r}: it has a chart for {' and '.join(REGIONS)}."
        )
    answer = _ask(client, f"landing3/chart/{region}")
    page = parse(answer.body, answer.url)[0]
    if page.country != asked.country:
        raise PageError(f"yandex: asked for {asked.country!r}, the answer is of {page.country!r}.", answer.body)
    return answer


def parse(body: bytes, origin: str = "") -> tuple[Page, ...]:
    """Read the answer, live or saved; see :class:`..source.Source`."""
    data = json_of("yandex", body)
    items = list_at(data, ("result", "chart", "tracks"), "yandex", body)
    faults: list[str] = []
    rows, stamps = [], set()
    for item in items:
        row = _row(item)
        if row is None:
            faults.append(f"a track without a position: {str(item)[:80]}; left out")
            continue
        rows.append(row)
        stamps.add(clean(item.get("timestamp")))
    kept = in_order(rows, "chart", faults)
    if not kept:
        raise PageError(f"yandex: none of the {len(items)} entries has a position, an artist and a title.", body)
    # else it is when each track came in
    taken = _date(stamps.pop()) if len(stamps) == 1 else None
    return (Page(kept, "chart", _country(data["result"], origin), taken=taken, faults=tuple(faults)),)


def _ask(client: Client, path: str) -> Answer:
    answer = answer_of(client, client.get(path, accept="application/json"), INSTEAD)
    reached = urlsplit(answer.url).path
    if not reached.endswith(f"/{path}"):
        raise PageError(f"yandex: no {path}: the request was sent on to {reached}.", answer.body)
    return answer


def _country(result: dict, origin: str) -> str:
    """Return the country, as the menu above the chart says, or the address that it came from."""
    menu = result.get("menu")
    items = menu.get("items") if isinstance(menu, dict) else None
    chosen = (i for i in items if isinstance(i, dict) and i.get("selected")) if isinstance(items, list) else ()
    said = next((country for item in chosen if (country := _COUNTRIES.get(clean(item.get("url"))))), "")
    if said or not origin.startswith(("http://", "https://")):
        return said
    return _COUNTRIES.get(urlsplit(origin).path.rstrip("/").rpartition("/")[2], "")


def _row(item: object) -> Row | None:
    track = item.get("track") if isinstance(item, dict) else None
    place = item.get("chart") if isinstance(item, dict) else None
    if not isinstance(track, dict) or not isinstance(place, dict):
        return None
    position = number(place.get("position"))
    if position is None:
        return None
    album = next(iter(_dicts(track.get("albums"))), {})
    labels = album.get("labels")
    title, version = clean(track.get("title")), clean(track.get("version"))
    track_id, genre = clean(track.get("id")), clean(album.get("genre"))
    return Row(
        position,
        artists=tuple(filter(None, (clean(artist.get("name")) for artist in _dicts(track.get("artists"))))),
        title=f"{title} ({version})" if title and version and version not in title else title,
        track_id=track_id,
        released=day(clean(album.get("releaseDate"))),
        genres=(genre,) if genre else (),
        label=", ".join(filter(None, map(_label, labels if isinstance(labels, list) else ()))),
        link=f"https://music.yandex.ru/track/{track_id}" if track_id else "",
        plays=count(place.get("listeners")) or None,
    )


def _label(label: object) -> str:
    # some answers have the labels' names alone
    return clean(label.get("name") if isinstance(label, dict) else label)


def _dicts(value: object) -> list[dict]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _date(stamp: str) -> date | None:
    try:
        return datetime.fromisoformat(stamp).date()
    except ValueError:
        return None


# -- the credits -------------------------------------------------------------------------------------------------------


def fetch_credits(client: Client, track_id: str) -> tuple[Answer, str]:
    """Ask what a track's credits say about AI.

    Parameters
    ----------
    client : Client
    track_id : str
        Its id here, as the chart gives it.

    Returns
    -------
    answer : Answer
    words : str
        The credit in its words; empty when none names AI, which does not mean that the track is human-made.

    Raises
    ------
    SourceRefused, SourceUnreachable, PageError
        As for a chart.
    """
    if not re.fullmatch(r"\d+(?::\d+)?", track_id, re.A):
        raise PageError(f"yandex: {track_id!r} is no id of a track: it is a number, such as 123.")
    answer = _ask(client, f"tracks/{track_id}/credits")
    data = json_of("yandex", answer.body)
    result = data.get("result") if isinstance(data, dict) else None
    listed: object = None
    if isinstance(result, dict) and ("credits" in result or not result):
        listed = [] if result.get("credits") is None else result["credits"]
    # taken for a list that names no AI, another form would say so of every track
    if not isinstance(listed, list) or not all(map(_is_credit, listed)):
        raise PageError(f"yandex: no list of credits for the track {track_id}: they have another form.", answer.body)
    return answer, "; ".join(dict.fromkeys(filter(None, map(_ai_words, listed))))


def _is_credit(credit: object) -> bool:
    said = [credit[key] for key in ("title", "value") if key in credit] if isinstance(credit, dict) else []
    return bool(said) and not any(isinstance(one, (dict, list)) for one in said)


def _ai_words(credit: dict) -> str:
    """Return a credit (what was done, and who or what did it) in its words if it names AI."""
    title, value = clean(credit.get("title")), clean(credit.get("value"))
    named = bool(_AI.search(title)) and not _NO.search(title) and not _NO.match(value) and value.casefold() not in _NONE
    # a person or a label may be called AI: there only what cannot be a name
    if named or value.casefold() in _AI_USE:
        return f"{title}: {value}" if title and value else title or value
    return ""


SOURCE = Source(
    name="yandex",
    title="Yandex Music",
    gives="the top 100 of Russia, or of the world (country global), as it stands now, with listeners",
    needs="nothing; it does not answer from some countries",
    charts={"chart": "yandex"},
    settings=Settings(
        base_url="https://api.music.yandex.net",
        rate=Rate(requests=1, seconds=1),
        charts=("chart",),
        expected_rows={"*": 100},
    ),
    parse=parse,
    fetch=fetch,
    credits=fetch_credits,
    current=True,
    form="json",
)
