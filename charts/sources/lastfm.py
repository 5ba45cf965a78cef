"""Last.fm: what its users in a country, or all of them, listened to last, as it stands now.

One request of its API; pylast asks the same, but over a client of its own that knows neither our rates nor our retries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from xml.etree import ElementTree

from ...workspace.errors import PageError, SourceError, SourceRefused, SourceUnreachable
from ...workspace.http import Client
from ...workspace.settings import Rate
from ...workspace.settings import Source as Settings
from ..rows import MAX_POSITION, Page, Row, clean, count, in_order
from ..source import Answer, Asked, Source, answer_of, form_of, json_of

COUNTRIES = {
    "ru": "Russian Federation", "ua": "Ukraine", "by": "Belarus", "kz": "Kazakhstan", "am": "Armenia",
    "az": "Azerbaijan", "ge": "Georgia", "uz": "Uzbekistan", "ee": "Estonia", "lv": "Latvia", "lt": "Lithuania",
    "us": "United States", "ca": "Canada", "mx": "Mexico", "br": "Brazil", "ar": "Argentina", "cl": "Chile",
    "co": "Colombia", "gb": "United Kingdom", "ie": "Ireland", "de": "Germany", "at": "Austria", "ch": "Switzerland",
    "fr": "France", "be": "Belgium", "nl": "Netherlands", "it": "Italy", "es": "Spain", "pt": "Portugal",
    "se": "Sweden", "no": "Norway", "fi": "Finland", "dk": "Denmark", "is": "Iceland", "pl": "Poland",
    "cz": "Czech Republic", "sk": "Slovakia", "hu": "Hungary", "ro": "Romania", "bg": "Bulgaria", "gr": "Greece",
    "hr": "Croatia", "rs": "Serbia", "si": "Slovenia", "tr": "Turkey", "il": "Israel", "in": "India", "jp": "Japan",
    "cn": "China", "id": "Indonesia", "ph": "Philippines", "th": "Thailand", "au": "Australia", "nz": "New Zealand",
}  # fmt: skip
"""The names it wants for countries; another is written in small letters as Last.fm writes it, such as ``viet nam``."""

LONGEST = 100
"""Tracks asked for: its list goes on for thousands."""

KEYLESS = (
    "lastfm: it answers only who has a key: get one at https://www.last.fm/api/account/create and write it as key under "
    "[sources.lastfm] in chartropy.toml, or in CHARTROPY_SOURCES__LASTFM__KEY."
)
INSTEAD = "Save its answer, XML or JSON, and give it to `chartropy import FILE --source lastfm-tracks`."

_CODES = {name.casefold(): code for code, name in COUNTRIES.items()} | {"russia": "ru", "czechia": "cz"}
_NOT_IN = {4, 9, 10, 13, 14, 15, 17, 26}
"""Errors that mean the key: invalid, suspended, not let in."""
_LATER = {8, 11, 16, 29}
"""Errors that pass: out of order for now, asked too often."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def code_of(country: str) -> str:
    """Return the two letters of a country that is written out, or its name in small letters."""
    return _CODES.get(clean(country).casefold(), clean(country).casefold())


# -- asking ------------------------------------------------------------------------------------------------------------


def fetch(client: Client, asked: Asked) -> Answer:
    """Ask for the chart of a country, or for that of all, as it stands now; see :class:`..source.Source`.

    The address of the answer lacks the key.
    """
    if asked.chart not in SOURCE.charts:
        raise PageError(f"lastfm: there is no chart {asked.chart!r}; choose from {', '.join(SOURCE.charts)}.")
    known = asked.country == "global" or asked.country in COUNTRIES
    if not known and (code_of(asked.country) != asked.country or len(asked.country) < 4):
        better = f"write {code_of(asked.country)!r}" if len(asked.country) > 3 else "write it out, such as 'viet nam'"
        raise PageError(f"lastfm: the country {asked.country!r} is not known here by that name: {better}.")
    key = client.source.key.strip()
    if not key:
        raise client.refuse(SourceRefused(KEYLESS))
    question = {"method": "chart.gettoptracks"}
    if asked.country != "global":
        question = {"method": "geo.gettoptracks", "country": COUNTRIES.get(asked.country, asked.country)}
    question["limit"] = str(LONGEST)
    response = client.get("2.0/", params={**question, "api_key": key}, accept="text/xml")
    said = _error(response.content)  # comes with any status, 200 too
    if said:
        raise _meant(client, *said, response.content)
    answer = answer_of(client, response, INSTEAD)
    answer = replace(answer, url=_without_key(answer.url))
    page = parse(answer.body, answer.url)[0]
    if page.country != asked.country:
        raise PageError(f"lastfm: asked for {asked.country!r}, the answer is of {page.country!r}.", answer.body)
    return answer


def _meant(client: Client, code: int, words: str, body: bytes) -> SourceError:
    words = words.replace(client.source.key.strip(), "…")
    if code in _NOT_IN:
        return client.refuse(
            SourceRefused(
                f"lastfm: it does not take the key of [sources.lastfm] (error {code}: {words}): "
                "see https://www.last.fm/api/accounts for yours."
            )
        )
    if code in _LATER:
        return SourceUnreachable(f"lastfm: it does not answer now (error {code}: {words}): run again later.")
    hint = " Check the country's name." if code == 6 else ""
    return PageError(f"lastfm: it answered with the error {code}: {words}.{hint}", body)


def _without_key(url: str) -> str:
    return re.sub(r"&?\bapi_key=[^&#]*", "", url).replace("?&", "?")


# -- reading -----------------------------------------------------------------------------------------------------------


def parse(
    body: bytes,
    origin: str = "",  # noqa: ARG001 - an answer says itself what it is
) -> tuple[Page, ...]:
    """Read an answer, live or saved, in XML or JSON; see :class:`..source.Source`."""
    said = _error(body)
    if said:
        raise PageError(f"lastfm: no chart, but the error {said[0]}: {said[1]}.", body)
    about, items = _from_json(body) if form_of(body) == "json" else _from_xml(body)
    if any(about.get(key) for key in ("tag", "user", "artist", "metro")):
        raise PageError("lastfm: the tracks of a tag, a user, an artist or a city, not the chart of a country.", body)
    before = _before(about)
    ranks = [_rank(item) for item in items]
    counted = [rank for rank in ranks if rank is not None]
    faults: list[str] = []
    rows = []
    for place, (item, rank) in enumerate(zip(items, ranks, strict=True), 1):
        if not isinstance(item, dict):
            faults.append(f"position {place}: no track: {str(item)[:80]}; left out")
            continue
        # ranks are counted from 0 or from 1, on every page anew; some lists have none and are in order
        position = before + (rank - min(counted) + 1 if rank is not None and len(counted) == len(items) else place)
        if position > MAX_POSITION:
            faults.append(f"position {position}: there are {MAX_POSITION} at most; left out")
        else:
            rows.append(_row(item, position))
    kept = in_order(rows, "answer", faults)
    if not kept:
        raise PageError(f"lastfm: none of the {len(items)} entries is a track with an artist and a title.", body)
    # of the lists that say which page of how many they are, only the chart of all users names no country
    country = code_of(clean(about.get("country"))) or ("global" if about.get("page") else "")
    return (Page(kept, "tracks", country, faults=tuple(faults)),)


def _error(body: bytes) -> tuple[int, str] | None:
    """Return number and words of the error that a body is, if it is one."""
    try:
        if form_of(body) == "json":
            data = json_of("lastfm", body)
            code, words = (data.get("error"), data.get("message")) if isinstance(data, dict) else (None, None)
        else:
            found = _tree(body).find("error")
            code, words = (found.get("code"), found.text) if found is not None else (None, None)
    except PageError:
        return None
    number = clean(code)
    return (int(number), clean(words).rstrip(".")[:200]) if re.fullmatch(r"\d{1,4}", number, re.A) else None


def _tree(body: bytes) -> ElementTree.Element:
    try:
        text = _CONTROL.sub("", body.decode("utf-8-sig"))  # names may hold what XML forbids
    except UnicodeDecodeError as error:
        raise PageError(f"lastfm: no text in UTF-8 ({error.reason}).", body) from error
    if re.search("<!(?:DOCTYPE|ENTITY)|<html", text, re.I):
        raise PageError("lastfm: a web page instead of an answer of its API.", body)
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - without a document type it can hold no entities
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise PageError(f"lastfm: the answer is no whole XML ({error}).", body) from error


def _from_xml(body: bytes) -> tuple[Mapping[str, object], Sequence[object]]:
    """Return what the list of tracks says of itself, and the tracks, in the form that they have in JSON."""
    root = _tree(body)
    lists = [one for one in (root, *root) if one.tag in ("tracks", "toptracks")]
    items = [_item(track) for one in lists[:1] for track in one.findall("track")]
    if not items:
        raise PageError("lastfm: no list of tracks in the answer.", body)
    return lists[0].attrib, items


def _item(track: ElementTree.Element) -> object:
    fields: dict[str, object] = {one.tag: one.text for one in track if one.tag not in ("artist", "@attr")}
    artist = track.find("artist")
    if artist is not None:
        fields["artist"] = {"name": artist.findtext("name") or artist.text}
    return fields | {"@attr": track.attrib}


def _from_json(body: bytes) -> tuple[Mapping[str, object], Sequence[object]]:
    data = json_of("lastfm", body)
    found = (
        next((data[key] for key in ("tracks", "toptracks") if key in data), None) if isinstance(data, dict) else None
    )
    items = found.get("track") if isinstance(found, dict) else None
    items = [items] if isinstance(items, dict) else items  # one alone is no list
    if not isinstance(found, dict) or not isinstance(items, list) or not items:
        raise PageError("lastfm: no list of tracks in the answer.", body)
    about = found.get("@attr")
    return about if isinstance(about, dict) else {}, items


def _before(about: Mapping[str, object]) -> int:
    """Return how many tracks stand on the pages before this one."""
    page, each = (clean(about.get(key)) for key in ("page", "perPage"))
    if not all(re.fullmatch(r"\d{1,4}", text, re.A) for text in (page, each)):
        return 0
    return max(int(page) - 1, 0) * int(each)


def _rank(item: object) -> int | None:
    about = item.get("@attr") if isinstance(item, dict) else None
    text = clean(about.get("rank")) if isinstance(about, dict) else ""
    return int(text) if re.fullmatch(r"\d{1,4}", text, re.A) else None


def _row(item: dict, position: int) -> Row:
    artist = item.get("artist")
    name = _text(artist.get("name") if isinstance(artist, dict) else artist)
    return Row(
        position,
        artists=(name,) if name else (),
        title=_text(item.get("name")),
        track_id=_text(item.get("mbid")),
        link=_text(item.get("url")),
        plays=count(item.get("playcount")) or count(item.get("listeners")) or None,
    )


def _text(value: object) -> str:
    # what is no text there is nobody's name
    return clean(value) if isinstance(value, str) else ""


SOURCE = Source(
    name="lastfm",
    title="Last.fm",
    gives="the 100 tracks that its users in a country, or all of them (country global), play most, as it stands now",
    needs="a key of your own, free, from https://www.last.fm/api/account/create: key under [sources.lastfm]",
    charts={"tracks": "lastfm"},
    settings=Settings(
        base_url="https://ws.audioscrobbler.com",
        rate=Rate(requests=1, seconds=1),  # published: no more than 5 a second
        charts=("tracks",),
        expected_rows={"*": LONGEST},
    ),
    parse=parse,
    fetch=fetch,
    current=True,
    form="xml",
)
