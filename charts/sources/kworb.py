"""kworb.net: what others publish behind a login or not at all, kept as plain tables: Spotify, YouTube, Deezer, Shazam."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ...workspace.errors import PageError, SourceRefused
from ...workspace.http import Client
from ...workspace.settings import Rate
from ...workspace.settings import Source as Settings
from ..periods import Period
from ..rows import Page, Row, clean, count, in_order, number
from ..source import Answer, Asked, Source, answer_of, form_of, is_challenge
from .shazam import COUNTRIES, code_of

PATHS = {
    "spotify-daily": "spotify/country/{}_daily.html",
    "spotify-weekly": "spotify/country/{}_weekly.html",
    "youtube": "youtube/insights/{}.html",
    "deezer": "charts/deezer/{}.html",
    "shazam": "charts/shazam/{}.html",
}
"""Where each chart is; its country is put in."""

TABLES = {
    "spotifydaily": "spotify-daily",
    "spotifyweekly": "spotify-weekly",
    "weeklytable": "youtube",
    "simpletable": "",
}
"""The ids of the tables that hold a chart, and which chart that is; a simple table is named in the title only."""

INSTEAD = "Save the page in a browser and give it to `chartropy import FILE --source kworb-CHART`."

_ITS_CODES = {"gb": "uk", "global": "ww"}  # only Spotify's pages have the usual ones
_OUR_CODES = {its: ours for ours, its in _ITS_CODES.items()}
_DAY = re.compile(r"\b(\d{4})[/-](\d{2})[/-](\d{2})\b")
_TOTALS = re.compile(r"([a-z]{2}|global)_(?:daily|weekly)(?:_totals)?\.html?$")
_ADDRESS = re.compile(
    r"(?:^|/)(?:spotify/country/(?P<spotify>[a-z]{2}|global)_(?P<kind>daily|weekly)"
    r"|youtube/insights/(?P<youtube>[a-z]{2})|charts/(?P<chart>deezer|shazam)/(?P<simple>[a-z]{2}))\.html$"
)
_GUESTS = re.compile(r"\s*\(w/\s*(.+)\)\s*$")


def fetch(client: Client, asked: Asked) -> Answer:
    """Ask for one page; see :class:`..source.Source`."""
    if asked.chart not in PATHS:
        raise PageError(f"kworb: there is no chart {asked.chart!r}; choose from {', '.join(PATHS)}.")
    country = asked.country if asked.chart.startswith("spotify") else _ITS_CODES.get(asked.country, asked.country)
    path = PATHS[asked.chart].format(country)
    answer = answer_of(client, client.get(path, accept="text/html"), INSTEAD)
    reached = urlsplit(answer.url).path
    if not reached.endswith(path):
        raise PageError(f"kworb: no page {path}: the request was sent on to {reached}.", answer.body)
    if is_challenge(answer.body) and b"<table" not in answer.body:
        raise client.refuse(SourceRefused(f"kworb: {path} is a challenge page: not let in now. {INSTEAD}"))
    page = parse(answer.body, answer.url)[0]
    if (page.chart or asked.chart, page.country or asked.country) != (asked.chart, asked.country):
        raise PageError(
            f"kworb: asked for {asked.chart} ({asked.country}), the page says it is {page.chart} ({page.country}).",
            answer.body,
        )
    return answer


def parse(body: bytes, origin: str = "") -> tuple[Page, ...]:
    """Read a page, live or saved; see :class:`..source.Source`."""
    tree = LexborHTMLParser(_text(body))
    table = next((found for found in map(tree.css_first, (f"table#{name}" for name in TABLES)) if found), None)
    title = _title(tree)
    if table is None:
        said = f" (its title: {title[:80]!r})" if title else ""
        raise PageError(
            f"kworb: no chart in the page{said}: none of the tables {', '.join(TABLES)} is there; "
            "its layout has changed, or it is another page.",
            body,
        )
    heads = [clean(cell.text()).lower() for cell in table.css("th")]
    named = heads.index("artist and title") if "artist and title" in heads else None
    counted = next((heads.index(name) for name in ("streams", "views") if name in heads), None)
    faults: list[str] = []
    rows = []
    lines = table.css("tr")
    if body.rfind(b"</tr") < body.rfind(b"<tr"):
        lines = lines[:-1]  # cut off, perhaps in the middle of a name
    for line in lines:
        cells = line.css("td")
        if not cells:
            continue  # the head
        row = _row(cells, named, counted)
        if row is None:
            faults.append(f"a row without a position or a name: {clean(line.text(separator=' '))[:80]!r}; left out")
        else:
            rows.append(row)
    kept = in_order(rows, "table", faults)
    if not kept:
        raise PageError(f"kworb: the table of {title[:80]!r} holds no rows.", body)
    chart, country = _named(tree, table, title, origin)
    period, taken = _when(title)
    broken = "" if b"</html>" in body[-2000:].lower() else "the page ends in the middle"
    return (Page(kept, chart, country, period, taken, tuple(faults), broken),)


def _text(body: bytes) -> str:
    if form_of(body) != "html":
        raise PageError("kworb: no web page.", body)
    try:
        return body.decode("utf-8-sig")  # its pages are UTF-8, and do not always say so
    except UnicodeDecodeError as error:
        if error.end >= len(body) and error.reason == "unexpected end of data":
            return body[: error.start].decode("utf-8-sig")
        raise PageError(
            f"kworb: the page is no UTF-8 (byte {error.start}): save it anew, as it is, in UTF-8.", body
        ) from error


def _title(tree: LexborHTMLParser) -> str:
    found = tree.css_first(".pagetitle") or tree.css_first("title")
    return clean(found.text()) if found else ""


def _row(cells: list[LexborNode], named: int | None, counted: int | None) -> Row | None:
    position = number(clean(cells[0].text()))
    cell = (
        cells[named] if named is not None and named < len(cells)
        else next((cell for cell in cells[1:] if " - " in cell.text()), None)
    )  # fmt: skip
    if position is None or cell is None:
        return None
    links = [(link.attributes.get("href") or "", clean(link.text())) for link in cell.css("a[href]")]
    work = next((at for at, (href, _) in enumerate(links) if re.search(r"(?:^|/)(?:track|video)/", href)), None)
    found = re.search(r"(?:^|/)(track|video)/([\w-]{1,64})\.html?$", links[work][0]) if work is not None else None
    main = [text for href, text in links[:work] if re.search(r"(?:^|/)artist/", href) and text]
    if work is not None and main:
        # the links know the border even where a name holds " - "
        artists, title = main, links[work][1]
        guests = [text for href, text in links[work + 1 :] if re.search(r"(?:^|/)artist/", href) and text]
    else:
        artist, _, title = clean(cell.text()).partition(" - ")
        artists, guests = [artist] if artist else [], []
    behind = _GUESTS.search(title)  # its own way to write "feat."
    if behind and title[: behind.start()].strip():
        title, guests = title[: behind.start()].strip(), [*guests, behind[1].strip()]
    plays = clean(cells[counted].text()) if counted is not None and counted < len(cells) else ""
    return Row(
        position,
        artists=tuple(dict.fromkeys(filter(None, (*artists, *guests)))),
        title=title,
        track_id=found[2] if found else "",
        link=_link(found[1], found[2]) if found else "",
        plays=count(plays) or None,
    )


def _link(kind: str, track_id: str) -> str:
    return (
        f"https://open.spotify.com/track/{track_id}"
        if kind == "track"
        else f"https://www.youtube.com/watch?v={track_id}"
    )


def _named(tree: LexborHTMLParser, table: LexborNode, title: str, origin: str) -> tuple[str, str]:
    """Return chart and country, as the table, the title and its link say; what they do not, the address may."""
    address = _ADDRESS.search(urlsplit(origin).path if origin.startswith("http") else origin)
    chart = TABLES.get(table.attributes.get("id") or "", "")
    if not chart:
        chart = next((name for name in ("deezer", "shazam") if name in title.lower()), "")
    if not chart and address:
        chart = address["chart"] or ""
    totals = (_TOTALS.search(link.attributes.get("href") or "") for link in tree.css(".pagetitle a[href]"))
    said = next((found[1] for found in totals if found), "")
    if not said and address:
        said = address["spotify"] or address["youtube"] or address["simple"] or ""
    if not said:
        file = _TOTALS.search(origin)
        said = file[1] if file else _country(title)
    return chart, _OUR_CODES.get(said, said)


def _country(title: str) -> str:
    # "Spotify Daily Chart - Vietnam - 2026/07/29", "YouTube Brazil - Week ending 2026/04/02"
    parts = re.split(r" - | \| ", re.sub(r"^(?:YouTube|Deezer|Shazam)\b|\bChart\b", "", title))
    return next((code for code in (code_of(part) for part in parts) if code in COUNTRIES), "")


def _when(title: str) -> tuple[Period | None, date | None]:
    """Return the week that the title names, or the day at which the chart stood so."""
    days = []
    for found in _DAY.finditer(title):
        try:
            days.append(date(int(found[1]), int(found[2]), int(found[3])))
        except ValueError:
            continue
    if not days:
        return None, None
    if re.search(r"\bweek(?:ly)?\b", title, re.I):
        try:
            return Period.week(days[-1]), None
        except OverflowError:
            return None, None
    return None, days[-1]


SOURCE = Source(
    name="kworb",
    title="kworb.net",
    gives="Spotify (daily, weekly), YouTube (weekly), Deezer and Shazam of a country as they stand now, with streams",
    needs="nothing; a private person's site: ask it seldom",
    charts={
        "spotify-daily": "spotify",
        "spotify-weekly": "spotify",
        "youtube": "youtube",
        "deezer": "deezer",
        "shazam": "shazam",
    },
    settings=Settings(
        base_url="https://kworb.net",
        rate=Rate(requests=1, seconds=2),
        robots=True,
        charts=("youtube",),
        expected_rows={"youtube": 100},
    ),
    parse=parse,
    fetch=fetch,
    current=True,
)
