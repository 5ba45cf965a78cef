"""TopHit: charts of weeks, months, years and decades, from the live page or from one saved in a browser.

A page says everything twice: in a compressed payload for its own scripts, and in table rows. Either may lack what the
other has, so both are read and each fills the other's gaps. Pages of the layout of 2020 are read when they were saved.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ...workspace.clock import now
from ...workspace.errors import PageError, SourceRefused
from ...workspace.http import MAX_BYTES, Client
from ...workspace.settings import Rate
from ...workspace.settings import Source as Settings
from ..names import fold, read
from ..periods import Kind, Period
from ..rows import Page, Row, by_position, clean, count, day, in_order, isrc, number, split_isrc, whole
from ..source import Answer, Asked, Source, answer_of, form_of, is_challenge, json_of

KINDS: tuple[Kind, ...] = ("weekly", "monthly", "annual", "decade")

LEGACY = {
    "airplay_youtube": ("airplay-youtube", "global"),
    "russia_allmedia": ("allmedia", "ru"),
    "ukraine": ("airplay", "ua"),
}
"""Charts of 2020, by the name in their address: chart and country here; ``-rus`` and ``-new`` are added where only those
songs are in it."""

MANY = 10
"""So many rows tell something about the page that a single row does not."""

INSTEAD = (
    "Open https://tophit.com in a browser, save the chart page (Ctrl+S) and give it to "
    "`chartropy import FILE --source tophit-radio`."
)

_ADDRESS = re.compile(
    r"/chart/top/(?P<chart>\w+)/hits/(?P<country>\w+)(?:/(?P<kind>\w+)(?:/(?P<value>[\w-]+))?)?/?$", re.A
)
_LEGACY_ADDRESS = re.compile(
    rf"/chart/(?P<chart>{'|'.join(LEGACY)})/(?P<kind>\w+)/[\w-]+/(?P<tongue>rus|all)/(?P<age>new|all)/?$", re.A
)
_SAVED = re.compile(rb"saved from url=(?:\(\d+\))?(\S+)|Page saved with SingleFile\s+url: (\S+)")
_SPAN = re.compile(r"(\d{8})-(\d{8})", re.A)
_MONTHS = (
    ("jan", "январ"), ("feb", "феврал"), ("mar", "март"), ("apr", "апрел"), ("may", "ма[йя]"), ("jun", "июн"),
    ("jul", "июл"), ("aug", "август"), ("sep", "сентябр"), ("oct", "октябр"), ("nov", "ноябр"), ("dec", "декабр"),
)  # fmt: skip


# -- asking ------------------------------------------------------------------------------------------------------------


def address(asked: Asked) -> str:
    """Return the path of the chart that is asked for.

    Raises
    ------
    PageError
        When TopHit has no address for it.
    """
    period = asked.period
    if asked.chart in _LEGACY_CHARTS:
        raise PageError(f"tophit: {asked.chart} is a chart of 2020: it can only be imported, from a page saved then.")
    if period is None or period.kind not in KINDS:
        raise PageError(f"tophit: no chart for the {period}: it has {', '.join(KINDS)} ones.")
    where = f"chart/top/{asked.chart}/hits/{asked.country}/{period.kind}"
    if period.kind == "weekly":
        return f"{where}/{period.start:%Y%m%d}-{period.end:%Y%m%d}"
    # how a month is written in the address is not known: only the latest can be asked for
    return where if period.kind == "monthly" else f"{where}/{period.start:%Y}"


def fetch(client: Client, asked: Asked) -> Answer:
    """Ask TopHit for one chart; see :class:`..source.Source`."""
    path, period = address(asked), asked.period
    assert period is not None  # there is no address without
    monthly = period.kind == "monthly"
    if monthly and not period.end < now().date() < period.end + timedelta(days=62):
        raise PageError(
            f"tophit: the {period} cannot be asked for: TopHit gives only the latest month. "
            "Open that month in a browser, save the page and import it."
        )
    answer = answer_of(client, client.get(path, accept="text/html"), INSTEAD)
    reached = urlsplit(answer.url).path
    if is_challenge(answer.body) and b"Row_row__" not in answer.body and b"__NEXT_DATA__" not in answer.body:
        raise client.refuse(
            SourceRefused(f"tophit: {reached} answered with a challenge page: not let in now. {INSTEAD}")
        )
    if not reached.rstrip("/").endswith(f"/{path}") and not (monthly and f"/{path}/" in reached):
        raise PageError(
            f"tophit: no {asked.chart} chart for the {period}: the request was sent on to {reached}, another period.",
            answer.body,
        )
    said = _said_of_itself(LexborHTMLParser(answer.body), answer.body, answer.url)
    if said[:3] != (asked.chart, asked.country, period.kind) or said.period not in (None, period):
        raise PageError(
            f"tophit: asked for {asked.chart} ({asked.country}), {period}; the page says it is {said.chart} "
            f"({said.country}), {said.period or said.kind}, another period or chart.",
            answer.body,
        )
    if monthly and not said.period:
        raise PageError(
            f"tophit: the latest monthly chart does not say that it is of the {period}; not taken for it.", answer.body
        )
    return answer


# -- reading -----------------------------------------------------------------------------------------------------------


def parse(body: bytes, origin: str = "") -> tuple[Page, ...]:
    """Read a chart page, live or saved, or the JSON that it packs; see :class:`..source.Source`."""
    faults: list[str] = []
    if form_of(body) == "json":
        rows = in_order(payload_rows(json_of("tophit", body), faults), "file", faults)
        if not rows:
            raise PageError("tophit: holds no chart rows under 'charts'.", body)
        return (Page(_unless_all_tagged(rows, faults), faults=tuple(faults)),)
    tree = LexborHTMLParser(body)
    rows = whole(_merged(_payload_rows(tree, faults), _html_rows(tree, faults), faults), faults)
    rows = _unless_all_tagged(rows or in_order(_legacy_rows(tree, faults), "table", faults), faults)
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
    said = _said_of_itself(tree, body, origin)
    if said.kind not in ("", "weekly") and said.period is None:
        raise PageError(
            f"tophit: this is a chart of another period ({said.kind}), not a weekly one, and it does not say which: "
            "save it from an address that names the period.",
            body,
        )
    if any("\ufffd" in row.title or "\ufffd" in "".join(row.artists) for row in rows):
        faults.append("some letters cannot be read: the page is not in UTF-8")
    broken = "" if b"</html>" in body[-2000:].lower() else "the page ends in the middle"
    return (Page(rows, said.chart, said.country, said.period, faults=tuple(faults), broken=broken),)


def _merged(from_payload: list[Row], from_html: list[Row], faults: list[str]) -> list[Row]:
    payload, table = by_position(from_payload, "payload", faults), by_position(from_html, "table", faults)
    both = payload.keys() & table.keys()
    others = [position for position in both if not _one_track(payload[position], table[position])]
    if len(both) >= MANY and len(others) > len(both) / 2:
        # saved after a click from another chart: the browser changed the table and kept the first page's payload
        faults.append(
            f"the payload is another chart's ({len(others)} of {len(both)} rows differ); the table alone taken"
        )
        payload, others = {}, []
    rows = []
    for position in sorted(payload.keys() | table.keys()):
        one, other = payload.get(position), table.get(position)
        if not one or not other:
            rows += filter(None, (one, other))
        elif position not in others:
            rows.append(one.filled_from(other))
        elif other.title and other.artists and not (one.title and one.artists):
            rows.append(other)
        else:
            rows.append(one)
            if other.title:
                faults.append(
                    f"position {position}: the payload has {one.title!r}, the table {other.title!r}; payload taken"
                )
    return rows


def _one_track(one: Row, other: Row) -> bool:
    """Whether payload and table mean one track: by its id, or by title and an artist, in either alphabet."""
    if one.track_id and other.track_id:
        return one.track_id == other.track_id
    titles = [{fold(title) for title in (row.title, row.title_intl) if title} for row in (one, other)]
    people = [read((*row.artists, *row.artists_intl), "").artists for row in (one, other)]
    return bool(titles[0] & titles[1]) and (bool(people[0] & people[1]) or not all(people))


def _payload_rows(tree: LexborHTMLParser, faults: list[str]) -> list[Row]:
    script = tree.css_first("script#__NEXT_DATA__")
    if script is None:
        return []
    try:
        packed = base64.b64decode(json.loads(script.text())["props"]["pageProps"]["data"])
        unpacking = zlib.decompressobj()
        unpacked = unpacking.decompress(packed, MAX_BYTES)
        if not unpacking.eof:
            raise ValueError("cut off, or too large")
        data = json.loads(unpacked)
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
            row = _payload_row(entry, faults)
            if row is None:
                faults.append(f"an entry without a position in the payload: {str(entry)[:80]}; left out")
            else:
                rows.append(row)
    return rows


def _payload_row(entry: object, faults: list[str]) -> Row | None:
    track = entry.get("track") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(track, dict):
        return None
    position = number(entry.get("position"))
    if position is None:
        return None
    artists = track.get("artists")
    artists = [a for a in artists if isinstance(a, dict)] if isinstance(artists, list) else []
    track_id = _plain(track.get("id"))
    return Row(
        position,
        artists=tuple(filter(None, (_plain(a.get("name")) for a in artists))),
        title=_plain(track.get("name")),
        artists_intl=tuple(filter(None, (_plain(a.get("intlName")) for a in artists))),
        title_intl=_plain(track.get("intlName")),
        isrc=isrc(_plain(track.get("isrc"))),
        track_id=track_id,
        released=day(_plain(track.get("releaseDate"))),
        link=_link(track_id),
        plays=next((plays for key in ("spins", "airs", "plays") if (plays := count(_plain(entry.get(key))))), None),
        ai=_joined(_ai_in_payload(entry, faults)),
    )


def _html_rows(tree: LexborHTMLParser, faults: list[str]) -> list[Row]:
    rows, nodes = [], [node for node in tree.css('div[role="row"]') if _is(node, "Row_row__")]
    # what every row has is a column: that it is there says nothing, only what stands in it
    columns = set.intersection(*map(_ai_classes, nodes)) if len(nodes) >= MANY else set()
    for node in nodes:
        position = number(_text(node, "Row_tw__"))
        if position is None:
            faults.append(f"a table row without a position: {node.text(strip=True)[:80]!r}; left out")
            continue
        name = next(iter(_all(node, "Name_name__", "a")), None)
        artwork = node.css_first("[data-track-id]")
        linked = re.search(r"/tracks/(\d+)", (name.attributes.get("href") if name else None) or "", re.A)
        track_id = clean(artwork.attributes.get("data-track-id") if artwork else "") or (linked[1] if linked else "")
        label, code = split_isrc(_text(node, "Row_right"))
        flag = next((found for box in _all(node, "Row_language__") for found in box.css("span[title]")), None)
        # beside the title the link may hold a tag
        words = next((child for child in name.iter() if child.tag == "span"), name) if name else None
        title = clean(words.text()) if words else ""
        artists = tuple(filter(None, (clean(a.text()) for a in _all(node, "Artist_name-with-link__", "a"))))
        rows.append(
            Row(
                position,
                artists=artists,
                title=title,
                isrc=code,
                track_id=track_id,
                released=day(_text(node, "Row_date__")),
                genres=tuple(sorted(clean(genre.text()) for genre in _all(node, "Genres_genre__"))),
                language=clean(flag.attributes.get("title")) if flag else "",
                label=label,
                link=_link(track_id),
                ai=_joined(_ai_in_row(node, (title, *artists), columns, faults)),
            )
        )
    return rows


def _legacy_rows(tree: LexborHTMLParser, faults: list[str]) -> list[Row]:
    """Read the table of 2020."""
    rows = []
    for node in tree.css("tr.b-chart-item"):
        place, spins = node.css_first("div.position"), node.css_first("td.bigint")
        position = number(place.text(strip=True)) if place else None
        if position is None:
            faults.append(f"a table row without a position: {node.text(strip=True)[:80]!r}; left out")
            continue
        links = [(_is(link, "track_name"), clean(link.text())) for link in node.css("a.black")]
        rows.append(
            Row(
                position,
                artists=tuple(text for of_artist, text in links if of_artist and text),
                title=next((text for of_artist, text in links if not of_artist), ""),
                plays=count(spins.text()) if spins else None,
            )
        )
    return rows


def _plain(value: object) -> str:
    return clean(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _link(track_id: str) -> str:
    return f"https://tophit.com/tracks/{track_id}" if track_id.isdecimal() else ""


def _classes(node: LexborNode) -> list[str]:
    return (node.attributes.get("class") or "").split()


def _is(node: LexborNode, *prefixes: str) -> bool:
    return any(name.startswith(prefixes) for name in _classes(node))


def _all(node: LexborNode, prefix: str, tag: str = "") -> list[LexborNode]:
    return [found for found in node.css(f'{tag}[class*="{prefix}"]') if _is(found, prefix)]


def _text(node: LexborNode, prefix: str) -> str:
    return clean(next((found.text() for found in _all(node, prefix)), ""))


# -- what a page says of itself ----------------------------------------------------------------------------------------


class _Said(NamedTuple):
    chart: str = ""
    country: str = ""
    kind: str = ""
    period: Period | None = None


def _said_of_itself(tree: LexborHTMLParser, body: bytes, origin: str) -> _Said:
    """Return what a page's addresses say, the one in the browser first, the one it came from last."""
    canonical, og = tree.css_first('link[rel="canonical"]'), tree.css_first('meta[property="og:url"]')
    saved = _SAVED.search(body[:2000])
    addresses = [
        (saved[1] or saved[2]).decode(errors="replace") if saved else None,
        canonical.attributes.get("href") if canonical else None,
        og.attributes.get("content") if og else None,
        origin,
    ]
    found = [said for url in addresses if (said := _said_by(url or "")).chart]
    if not found:
        return _Said()
    first = found[0]
    same = [said for said in found if said[:2] == first[:2] and first.kind in ("", said.kind)]
    best = max(same, key=lambda said: (said.period is not None, bool(said.kind)))
    return best._replace(period=_month_in_words(tree)) if best.kind == "monthly" and not best.period else best


def _said_by(url: str) -> _Said:
    path = re.split("[?#]", url, maxsplit=1)[0]
    found = _ADDRESS.search(path)
    if found:
        kind = found["kind"] or ""
        return _Said(found["chart"], found["country"], kind, _period(kind, found["value"] or ""))
    found = _LEGACY_ADDRESS.search(path)
    if found:
        chart, country = LEGACY[found["chart"]]
        chart += ("-rus" if found["tongue"] == "rus" else "") + ("-new" if found["age"] == "new" else "")
        return _Said(chart, country, found["kind"])
    return _Said()


def _period(kind: str, value: str) -> Period | None:
    """Return the period that an address names; None for what is none."""
    span = _SPAN.fullmatch(value)
    try:
        first, last = (datetime.strptime(part, "%Y%m%d").date() for part in span.groups()) if span else (None, None)
        if kind == "weekly" and first and last and last - first == timedelta(days=6):
            return Period.week(last)
        if kind == "monthly" and re.fullmatch(r"\d{4}-?\d\d", value, re.A):
            return Period.holding(date(int(value[:4]), int(value[-2:]), 1), "monthly")
        if kind == "monthly" and first and last:
            month = Period.holding(first, "monthly")
            return month if (month.start, month.end) == (first, last) else None
        if kind == "annual" and re.fullmatch(r"\d{4}", value, re.A):
            return Period.holding(date(int(value), 1, 1), "annual")
        if kind == "decade" and re.fullmatch(r"\d{3}0", value, re.A):
            return Period.holding(date(int(value), 1, 1), "decade")
    except ValueError:
        pass
    return None


def _month_in_words(tree: LexborHTMLParser) -> Period | None:
    """Return the one month that title and headings of a monthly chart name."""
    text = " ".join(clean(node.text()).casefold() for node in tree.css("title, h1"))
    found = {
        (int(year), place)
        for place, (english, russian) in enumerate(_MONTHS, 1)
        for year in re.findall(rf"(?<!\d )\b(?:{english}|{russian})[a-zа-я]*\.?,? (20\d\d)\b", text)  # no day's date
    }
    return Period.holding(date(*found.pop(), 1), "monthly") if len(found) == 1 else None


# -- the AI tag --------------------------------------------------------------------------------------------------------
# TopHit tags tracks that AI made, but has not published how. What follows knows the tag by what it may reasonably be,
# never by titles and names, and reports what looks like one and is not understood.

_AI = r"(?:ai|a\.i\.?|ии|искусственн\w+ интеллект\w*|artificial intelligence|нейросет\w+|neural networks?)"
_AI_TAG = re.compile(
    rf"{_AI}"
    rf"|{_AI}[ -](?:generated|made|created|produced|assisted|track|song|music|content|tag"
    r"|трек|песня|музыка|контент|генерация)"
    r"|(?:(?:fully|partly|partially|полностью|частично) )?"
    r"(?:generated|made|created|produced|создан\w*|сделан\w*|сгенерирован\w*|написан\w*)"
    rf"(?: (?:by|with|using|с помощью|при помощи|с использованием))?(?: an?)? {_AI}"
)
_YES = frozenset({"true", "yes", "1", "да", "full", "fully", "partial", "partially", "generated", "assisted"})
_NO = re.compile(r"[\W_0]*|(?:no|none|not|non|false|null|unknown|human|нет|не|без)\b.*")
_AI_KEYS = frozenset(
    {"ai", "isai", "hasai", "usesai", "withai", "aigenerated", "isaigenerated", "generatedbyai", "aimade", "isaimade", "madebyai",
     "madewithai", "aicreated", "createdbyai", "aitrack", "isaitrack", "aimusic", "aicontent", "isaicontent", "aitag", "ailabel",
     "aimark", "aibadge", "aiflag"}
)  # fmt: skip
_TAG_KEYS = frozenset({"tag", "tags", "badge", "badges", "mark", "marks", "flags", "genre", "genres"})
_INSIDE_AI = _AI_KEYS | {"generated", "made", "used", "value", "label", "name", "title", "text"}
_AROUND = frozenset({"track", "meta", "metadata", "attributes", "properties", "extra", "info"})
_CLASS_WORDS = frozenset({"ai", "is", "has", "with", "row", "track", "tag", "badge", "label", "mark", "icon", "chip", "generated", "made", "content"})  # fmt: skip
_OTHER_CLASS_WORDS = frozenset({"no", "not", "non", "off", "none", "hidden", "free", "human", "center", "start", "end"})


def _joined(words: Iterator[str]) -> str:
    return ", ".join({word.casefold(): word for word in words}.values())


def _means_ai(words: str) -> bool | None:
    """Whether words that may be a tag say AI; None when they say neither yes nor no."""
    text = re.sub("[‐‑–—]", "-", clean(words).casefold()).strip(" #[](){}«»\"',:!*•")
    if len(text) < 80 and (_AI_TAG.fullmatch(text) or text in _YES):
        return True
    return False if _NO.fullmatch(text) else None


def _is_tag(words: object) -> bool:
    return isinstance(words, str) and words.casefold().strip() not in _YES and bool(_means_ai(words))


def _not_understood(where: str, value: object, faults: list[str]) -> None:
    fault = f"{where} may be an AI tag, but what it says is not understood"
    if not any(known.startswith(fault) for known in faults):
        faults.append(f"{fault}: {str(value)[:60]!r}; not taken for one")


def _ai_in_payload(value: object, faults: list[str], *, tag: bool = False, depth: int = 0) -> Iterator[str]:
    """Yield what an entry says under keys of AI, or lists among its tags."""
    if depth > 6:
        return
    if isinstance(value, list):
        for item in value:
            yield from _ai_in_payload(item, faults, tag=tag, depth=depth + 1)
    elif isinstance(value, dict):
        if tag and any(value.get(key, True) in (False, 0) for key in ("value", "active", "enabled")):
            return
        for key, inner in value.items():
            name = _key(key)
            if name in _AI_KEYS:
                yield from _ai_under(key, inner, faults, depth + 1)
            elif name in _TAG_KEYS:
                yield from _ai_in_payload(inner, faults, tag=True, depth=depth + 1)
            elif tag or name in _AROUND:
                yield from _ai_in_payload(inner, faults, tag=tag, depth=depth + 1)
    elif tag and _is_tag(value):
        yield clean(value)


def _ai_under(key: str, value: object, faults: list[str], depth: int) -> Iterator[str]:
    if depth > 6:
        return
    if isinstance(value, list):
        for item in value:
            yield from _ai_under(key, item, faults, depth + 1)
    elif isinstance(value, dict):
        for inner, item in value.items():
            if _key(inner) in _INSIDE_AI:
                yield from _ai_under(f"{key}.{inner}", item, faults, depth + 1)
    elif value is not None:
        means = _means_ai(str(value))
        if means is None:
            _not_understood(f"{key!r} in the payload", value, faults)
        elif means:
            yield clean(value) if _is_tag(value) else key if value is True else f"{key}: {clean(value)}"


def _key(key: str) -> str:
    return re.sub("[^a-z]", "", key.lower())


def _unless_all_tagged(rows: Sequence[Row], faults: list[str]) -> tuple[Row, ...]:
    if len(rows) < MANY or not rows[0].ai or any(row.ai != rows[0].ai for row in rows):
        return tuple(rows)
    faults.append(f"every row is marked {rows[0].ai!r}: part of the layout, not taken for an AI tag")
    return tuple(replace(row, ai="") for row in rows)


def _ai_in_row(row: LexborNode, names: tuple[str, ...], columns: set[str], faults: list[str]) -> Iterator[str]:
    """Yield what elements of a table row say of AI in their words or classes, never in those that name the track.

    Parameters
    ----------
    row : LexborNode
    names : tuple of str
        Title and artists.
    columns : set of str
        Classes of AI that all rows have.
    faults : list of str
    """
    title, people = names[0], " ".join(names[1:])
    theirs = {fold(text) for text in (*names, people, f"{people} {title}", f"{title} {people}")}
    waiting = [(row, False, False)]
    while waiting:
        node, named, pictured = waiting.pop()
        named, pictured = named or _names_the_track(node), pictured or _is(node, "Row_artwork")
        waiting += [(child, named, pictured) for child in node.iter()][::-1]
        words = [node.text(deep=False)]
        if not pictured:  # a picture is named after its track
            words += [node.attributes.get(name) for name in ("title", "aria-label", "alt")]
        said = [text for text in map(clean, words) if _is_tag(text) and fold(text) not in theirs]
        by_class = next(filter(None, map(_ai_class, _classes(node))), "")
        if by_class and not said:
            yield from _ai_by_class(node, by_class, columns, faults)
        elif by_class or not named:
            yield from said


def _ai_by_class(node: LexborNode, name: str, columns: set[str], faults: list[str]) -> Iterator[str]:
    words = clean(node.text() or node.attributes.get("title"))
    means = _means_ai(words)
    if not words or _is(node, "Row_row__", "Name_name__") or _all(node, "Name_name__"):  # an icon, or around the track
        if name not in columns:
            yield name
    elif means is None:
        _not_understood(f"{name!r} in the table", words, faults)
    elif means:
        yield words if _is_tag(words) else f"{name}: {words}"


def _ai_classes(row: LexborNode) -> set[str]:
    return {found for node in row.css("[class]") for name in _classes(node) if (found := _ai_class(name))}


def _ai_class(name: str) -> str:
    """Return what stands before the hash of a class that says AI; empty for any other class."""
    prefix, module, _ = name.partition("__")
    words = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", prefix)}
    says = "ai" in words and not words & _OTHER_CLASS_WORDS and (bool(module) or words <= _CLASS_WORDS)
    return prefix if says else ""


def _names_the_track(node: LexborNode) -> bool:
    link = node.attributes.get("href") or ""
    return (
        _is(node, "Name_", "Artist_", "Row_tw", "Row_date", "Row_language", "Row_right")
        or "/tracks/" in link
        or "/artists/" in link
    )


_LEGACY_CHARTS = tuple(
    f"{chart}{tongue}{age}" for chart, _ in LEGACY.values() for tongue in ("", "-rus") for age in ("", "-new")
)

SOURCE = Source(
    name="tophit",
    title="TopHit",
    gives="the top 100 of weeks and months and the top 200 of years: radio (back to 2003), YouTube (2018), "
    "VK, Yandex, Apple, iTunes, Shazam, Zvuk (2025)",
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
    }
    | dict.fromkeys(_LEGACY_CHARTS, "tophit"),
    settings=Settings(
        base_url="https://tophit.com",
        rate=Rate(requests=30, seconds=30),
        robots=True,
        charts=("radio", "vk", "youtube"),
        expected_rows={"weekly": 100, "monthly": 100, "annual": 200},
    ),
    parse=parse,
    fetch=fetch,
    kinds=KINDS,
)
