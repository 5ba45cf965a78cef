"""TopHit: weekly charts from the live page or from a page saved in a browser.

A page says everything twice: in a compressed payload for its own scripts, and in table rows. Either may lack what the
other has, so both are read and each fills the other's gaps.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
import zlib
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ..workspace.errors import PageError, SourceRefused
from ..workspace.http import Client
from .weeks import first_day

MAX_POSITION = 10_000
"""The longest chart known has 200 positions; a larger number is none."""

COUNTRIES = ("ru", "kz", "md", "ua", "ee", "by", "global")
_ADDRESS = re.compile(r"/chart/top/(?P<chart>\w+)/hits/(?P<country>\w+)(?:/(?P<period>\w+)(?:/(?P<span>[\d-]+))?)?/?$")
_SPAN = re.compile(r"(\d{8})-(\d{8})")
_ISRC = re.compile(r"[A-Z]{2}-?[A-Z0-9]{3}-?\d{2}-?\d{5}$")
_CHALLENGE = re.compile(rb"cf-challenge|cf_chl|just a moment|captcha|challenge-platform", re.I)


@dataclass(frozen=True)
class Row:
    """One position as a page gives it; empty where it does not say."""

    position: int
    artists: tuple[str, ...] = ()
    title: str = ""
    artists_intl: tuple[str, ...] = ()
    title_intl: str = ""
    isrc: str = ""
    track_id: str = ""
    released: str = ""
    genres: tuple[str, ...] = ()
    language: str = ""
    label: str = ""

    def filled_from(self, other: Row) -> Row:
        """Return this row with what it lacks taken from `other`."""
        return replace(self, **{name: value for name, value in vars(other).items() if not getattr(self, name)})


@dataclass(frozen=True)
class Page:
    """What a chart page holds.

    Attributes
    ----------
    rows : tuple of Row
        By position, each position once.
    chart, country : str
        As the page's own address says; empty when it does not.
    week : date or None
        Last day of the week the page is for, if it says.
    faults : tuple of str
        What was wrong with single rows: duplicates, rows without a title.
    """

    rows: tuple[Row, ...]
    chart: str = ""
    country: str = ""
    week: date | None = None
    faults: tuple[str, ...] = field(default=())


def address(chart: str, country: str, week: date) -> str:
    """Return the path of the weekly chart that ends on `week`."""
    return f"chart/top/{chart}/hits/{country}/weekly/{first_day(week):%Y%m%d}-{week:%Y%m%d}"


def fetch(client: Client, chart: str, country: str, week: date) -> tuple[bytes, str, str]:
    """Ask TopHit for one weekly chart.

    Returns
    -------
    body, content_type, url : bytes, str, str

    Raises
    ------
    SourceRefused
        A challenge page or a 403; TopHit is not asked again in this run.
    SourceUnreachable
        No answer after all retries.
    PageError
        Another status, or a redirect to another chart or period.
    """
    path = address(chart, country, week)
    response = client.get(path, accept="text/html")
    body = response.content
    if response.status_code in (401, 403, 451) or (not response.ok and _CHALLENGE.search(body)):
        raise client.refuse(_refusal(f"answered {response.status_code}", response.url))
    if not response.ok:
        raise PageError(f"tophit: {response.url} answered {response.status_code}.", body)
    if not urlsplit(response.url).path.rstrip("/").endswith(path):
        raise PageError(
            f"tophit: no {chart} chart for the week ending {week}: the request was sent on to "
            f"{urlsplit(response.url).path}, another period.",
            body,
        )
    if _CHALLENGE.search(body[:20_000]) and b"Row_row__" not in body and b"__NEXT_DATA__" not in body:
        raise client.refuse(_refusal("answered with a challenge page", response.url))
    return body, response.headers.get("Content-Type", ""), response.url


def parse(body: bytes) -> Page:
    """Read a chart page, live or saved.

    Parameters
    ----------
    body : bytes
        HTML.

    Returns
    -------
    Page

    Raises
    ------
    PageError
        When there is no chart in it.
    """
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
        if _CHALLENGE.search(body[:20_000]):
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
    return Page(tuple(rows), chart, country, week, tuple(faults))


def _refusal(what: str, url: str) -> SourceRefused:
    return SourceRefused(
        f"tophit: {urlsplit(url).path} {what}: programs are not let in now. Open https://tophit.com in a browser, save the "
        "chart page (Ctrl+S) and give it to `chartropy import FILE --source tophit-radio`."
    )


def whole(rows: list[Row], faults: list[str]) -> list[Row]:
    """Leave out, as a fault, the rows that name no title or no artist."""
    faults += [
        f"position {row.position}: no {'artist' if row.title else 'title'}; left out"
        for row in rows
        if not row.title or not row.artists
    ]
    return [row for row in rows if row.title and row.artists]


def by_position(rows: list[Row], where: str, faults: list[str]) -> dict[int, Row]:
    """Keep one row per position: the first that is whole; others of other tracks are faults."""
    kept: dict[int, Row] = {}
    for row in sorted(rows, key=lambda row: not (row.title and row.artists)):
        if row.position not in kept:
            kept[row.position] = row
        elif (kept[row.position].track_id, kept[row.position].title) != (row.track_id, row.title):
            faults.append(
                f"position {row.position} stands twice in the {where}: {kept[row.position].title!r} kept, "
                f"{row.title!r} left out"
            )
    return kept


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
        rights = _text(node, "Row_rights")
        code = _ISRC.search(rights)
        flag = node.css_first('[class^="Row_language__"] span[title]')
        rows.append(
            Row(
                position,
                artists=tuple(filter(None, (clean(a.text()) for a in node.css('a[class^="Artist_name-with-link__"]')))),
                title=clean(name.text()) if name else "",
                isrc=isrc(code[0]) if code else "",
                track_id=(artwork.attributes.get("data-track-id") if artwork else None)
                or (linked[1] if linked else ""),
                released=day(_text(node, "Row_date")),
                genres=tuple(sorted(clean(g.text()) for g in node.css('[class^="Genres_genre__"]'))),
                language=clean(flag.attributes.get("title")) if flag else "",
                label=clean(rights[: code.start()] if code else rights),
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


def clean(value: object) -> str:
    """Return a value as text on one line, composed."""
    # NFC: the page may spell й as и and a breve, and no search would find it
    return " ".join(unicodedata.normalize("NFC", str(value)).split()) if value is not None else ""


def number(value: object) -> int | None:
    """Return a position, or None where there is none."""
    text = str(value).strip() if value is not None else ""
    # len: Python refuses to read a number of thousands of digits
    return int(text) if text.isdecimal() and len(text) < 10 and 0 < int(text) <= MAX_POSITION else None


def isrc(text: str) -> str:
    """Return an ISRC in its plain form; empty for anything else."""
    text = text.upper()
    return text.replace("-", "") if _ISRC.fullmatch(text) else ""


def day(text: str) -> str:
    """Return an ISO date from ``2026-05-01…`` or ``1 May, 2026``; empty for anything else."""
    for form, length in (("%Y-%m-%d", 10), ("%d %b, %Y", None), ("%d %B, %Y", None), ("%d.%m.%Y", 10)):
        try:
            return datetime.strptime(text[:length], form).date().isoformat()
        except ValueError:
            continue
    return ""
