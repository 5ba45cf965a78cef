"""TopHit: weekly charts from the live page or from a page saved in a browser.

A page says everything twice: in a compressed payload for its own scripts, and in table rows. Either may lack what the
other has, so both are read and each fills the other's gaps.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from datetime import date, datetime
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ...workspace.errors import PageError, SourceRefused
from ...workspace.http import Client
from ...workspace.settings import Rate
from ...workspace.settings import Source as Settings
from ..periods import Period
from ..rows import Page, Row, by_position, clean, day, isrc, number, split_isrc, whole
from ..source import Answer, Asked, Source, answer_of, is_challenge

_ADDRESS = re.compile(r"/chart/top/(?P<chart>\w+)/hits/(?P<country>\w+)(?:/(?P<period>\w+)(?:/(?P<span>[\d-]+))?)?/?$")
_SPAN = re.compile(r"(\d{8})-(\d{8})")

INSTEAD = (
    "Open https://tophit.com in a browser, save the chart page (Ctrl+S) and give it to "
    "`chartropy import FILE --source tophit-radio`."
)


def address(asked: Asked) -> str:
    """Return the path of the chart that is asked for."""
    period = asked.period
    assert period is not None
    return f"chart/top/{asked.chart}/hits/{asked.country}/weekly/{period.start:%Y%m%d}-{period.end:%Y%m%d}"


def fetch(client: Client, asked: Asked) -> Answer:
    """Ask TopHit for one chart; see :class:`..source.Source`."""
    path = address(asked)
    answer = answer_of(client, client.get(path, accept="text/html"), INSTEAD)
    reached = urlsplit(answer.url).path
    if not reached.rstrip("/").endswith(path):
        raise PageError(
            f"tophit: no {asked.chart} chart for the {asked.period}: the request was sent on to {reached}, another period.",
            answer.body,
        )
    if is_challenge(answer.body) and b"Row_row__" not in answer.body and b"__NEXT_DATA__" not in answer.body:
        raise client.refuse(SourceRefused(f"tophit: {reached} answered with a challenge page: not let in now. {INSTEAD}"))
    return answer


def parse(body: bytes, origin: str = "") -> tuple[Page, ...]:  # noqa: ARG001 - every page says itself what it is
    """Read a chart page, live or saved; see :class:`..source.Source`."""
    tree = LexborHTMLParser(body)
    faults: list[str] = []
    from_payload = by_position(_payload_rows(tree, faults), "payload", faults)
    from_html = by_position(_html_rows(tree, faults), "table", faults)
    rows = []
    for position in sorted(from_payload.keys() | from_html.keys()):
        one, other = from_payload.get(position), from_html.get(position)
        if one and other and one.track_id and other.track_id and one.track_id != other.track_id:
            faults.append(
                f"position {position}: the payload has {one.title!r}, the table {other.title!r}; payload taken"
            )
            other = None
        rows.append(one.filled_from(other) if one and other else one or other)
    rows = whole(rows, faults)
    if not rows:
        title = tree.css_first("title")
        said = f" (its title: {title.text(strip=True)[:80]!r})" if title else ""
        if is_challenge(body):
            raise PageError(
                f"tophit: this is a challenge page, not a chart{said}; save the page once the chart shows.", body
            )
        raise PageError(
            f"tophit: no chart rows in the page{said}, {len(body):,} bytes; "
            "its layout has changed, or it is another page.",
            body,
        )
    chart, country, period, week = _own_address(tree, body)
    if period not in ("", "weekly"):
        raise PageError(f"tophit: this is a chart of another period ({period}), not a weekly one.", body)
    broken = "" if b"</html>" in body[-2000:].lower() else "the page ends in the middle"
    return (Page(tuple(rows), chart, country, week and Period.week(week), faults=tuple(faults), broken=broken),)


def _payload_rows(tree: LexborHTMLParser, faults: list[str]) -> list[Row]:
    script = tree.css_first("script#__NEXT_DATA__")
    if script is None:
        return []
    try:
        packed = json.loads(script.text())["props"]["pageProps"]["data"]
        data = json.loads(zlib.decompress(base64.b64decode(packed)))
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        faults.append(f"the payload cannot be read ({type(error).__name__}: {error}); the table alone was used")
        return []
    return payload_rows(data, faults)


def payload_rows(data: object, faults: list[str]) -> list[Row]:
    """Read TopHit's own JSON: ``charts`` as a flat list of entries, or as a list of charts with ``rows``."""
    charts = data.get("charts") if isinstance(data, dict) else None
    rows = []
    for item in charts if isinstance(charts, list) else []:
        nested = item.get("rows") if isinstance(item, dict) else None
        for entry in nested if isinstance(nested, list) else [item]:
            row = _payload_row(entry)
            if row is None:
                faults.append(f"an entry without a position in the payload: {str(entry)[:80]}; left out")
            else:
                rows.append(row)
    return rows


def _payload_row(entry: object) -> Row | None:
    track = entry.get("track") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(track, dict):
        return None
    position = number(entry.get("position"))
    if position is None:
        return None
    artists = track.get("artists")
    artists = [a for a in artists if isinstance(a, dict)] if isinstance(artists, list) else []
    return Row(
        position,
        artists=tuple(filter(None, (clean(a.get("name")) for a in artists))),
        title=clean(track.get("name")),
        artists_intl=tuple(filter(None, (clean(a.get("intlName")) for a in artists))),
        title_intl=clean(track.get("intlName")),
        isrc=isrc(clean(track.get("isrc"))),
        track_id=clean(track.get("id")),
        released=day(clean(track.get("releaseDate"))),
    )


def _html_rows(tree: LexborHTMLParser, faults: list[str]) -> list[Row]:
    rows = []
    for node in tree.css('div[role="row"]'):
        if not _within(node, "Row_row"):
            continue
        position = number(_text(node, "Row_tw"))
        if position is None:
            faults.append(f"a table row without a position: {node.text(strip=True)[:80]!r}; left out")
            continue
        name = node.css_first('a[class^="Name_name__"]')
        artwork = node.css_first("[data-track-id]")
        href = (name.attributes.get("href") if name else None) or ""
        linked = re.search(r"/tracks/(\d+)", href)
        label, code = split_isrc(_text(node, "Row_rights"))
        flag = node.css_first('[class^="Row_language__"] span[title]')
        rows.append(
            Row(
                position,
                artists=tuple(filter(None, (clean(a.text()) for a in node.css('a[class^="Artist_name-with-link__"]')))),
                title=clean(name.text()) if name else "",
                isrc=code,
                track_id=(artwork.attributes.get("data-track-id") if artwork else None)
                or (linked[1] if linked else ""),
                released=day(_text(node, "Row_date")),
                genres=tuple(sorted(clean(g.text()) for g in node.css('[class^="Genres_genre__"]'))),
                language=clean(flag.attributes.get("title")) if flag else "",
                label=label,
            )
        )
    return rows


def _within(node: LexborNode, prefix: str) -> bool:
    return any(part.startswith(f"{prefix}__") for part in (node.attributes.get("class") or "").split())


def _text(node: LexborNode, prefix: str) -> str:
    found = node.css_first(f'[class^="{prefix}__"]')
    return clean(found.text()) if found else ""


def _own_address(tree: LexborHTMLParser, body: bytes) -> tuple[str, str, str, date | None]:
    canonical = tree.css_first('link[rel="canonical"]')
    og = tree.css_first('meta[property="og:url"]')
    saved = re.search(rb"saved from url=(?:\(\d+\))?(\S+)", body[:2000])
    candidates = [
        canonical.attributes.get("href") if canonical else None,
        og.attributes.get("content") if og else None,
        saved[1].decode(errors="replace") if saved else None,
    ]
    for url in filter(None, candidates):
        found = _ADDRESS.search(urlsplit(url).path)
        if found:
            span = _SPAN.fullmatch(found["span"] or "")
            try:
                week = datetime.strptime(span[2], "%Y%m%d").date() if span else None
            except ValueError:
                week = None
            return found["chart"], found["country"], found["period"] or "", week
    return "", "", "", None


SOURCE = Source(
    name="tophit",
    title="TopHit",
    gives="weekly top 100 of radio, YouTube, VK and others, back to 2003 (radio)",
    needs="nothing; where it refuses programs, a page saved from the browser",
    charts={
        "radio": "radio",
        "vk": "vk",
        "youtube": "youtube",
        "yandex": "yandex",
        "apple": "apple",
        "itunes": "itunes",
        "shazam": "shazam",
        "zvuk": "zvuk",
    },
    settings=Settings(
        base_url="https://tophit.com",
        rate=Rate(requests=30, seconds=30),
        robots=True,
        charts=("radio", "vk", "youtube"),
        expected_rows={"*": 100},
    ),
    parse=parse,
    fetch=fetch,
)
