"""Billboard: the Hot 100 and other weekly charts of songs, live, saved, or as the ``billboard.py`` library writes them.

The library has no way to read a page that another client fetched, and gives a whole chart up for one bad row; so the page
is read here. Its charts as JSON (``ChartData.json()``) are read, too.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ...workspace.errors import PageError, SourceRefused, WrongPage
from ...workspace.http import Client
from ...workspace.settings import Rate
from ...workspace.settings import Source as Settings
from ..periods import Period
from ..rows import Page, Row, clean, in_order, number
from ..source import Answer, Asked, Source, answer_of, form_of, is_challenge, json_of

INSTEAD = "Save the page in a browser and give it to `chartropy import FILE --source billboard-hot-100`."

COUNTRIES = {
    "hot-100": "us",
    "radio-songs": "us",
    "streaming-songs": "us",
    "digital-song-sales": "us",
    "billboard-global-200": "global",
    "billboard-global-excl-us": "global",
}
"""Charts whose country is known; others belong to the country that is asked for."""

_ROWS = "ul.o-chart-results-list-row"
_ADDRESS = re.compile(r"/charts/(?P<chart>[a-z0-9-]+)(?:/(?P<day>\d{4}-\d{2}-\d{2}))?/?$")
_NO_SONGS = re.compile(r"albums?\b|\bbillboard-200$|^artist-|artists?\b|^social-50$|songwriters|producers")
_WEEK_OF = re.compile(r"Week of ([A-Z][a-z]+) (\d{1,2}), (\d{4})")
_NAMES = "January February March April May June July August September October November December".split()
_MONTHS: dict[str, int] = {name: month for month, name in enumerate(_NAMES, 1)}
_SATURDAY = 5
_SATURDAYS_SINCE = date(1962, 1, 6)  # Mondays before


def fetch(client: Client, asked: Asked) -> Answer:
    """Ask for the chart whose date lies in a week; see :class:`..source.Source`."""
    period = asked.period
    assert period is not None
    if _NO_SONGS.search(asked.chart):
        raise PageError(f"billboard: {asked.chart!r} ranks albums or people, not songs.")
    day = chart_date(period)
    answer = answer_of(client, client.get(f"charts/{asked.chart}/{day}", accept="text/html"), INSTEAD)
    if is_challenge(answer.body) and b"o-chart-results-list" not in answer.body:
        raise client.refuse(SourceRefused(f"billboard: {asked.chart} is a challenge page: not let in now. {INSTEAD}"))
    page = parse(answer.body, answer.url)[0]
    # an unknown date gives another chart, and no error
    if page.period is None or not period.start <= page.period.end <= period.end:
        said = f"is of {page.period.end}" if page.period else "does not say of which date it is"
        raise PageError(f"billboard: asked for {asked.chart} of {day}, the page {said}.", answer.body)
    if page.chart not in ("", asked.chart):
        raise PageError(f"billboard: asked for {asked.chart} of {day}, the page says it is {page.chart}.", answer.body)
    return answer


def chart_date(period: Period) -> date:
    """Return the date of the chart that lies in a week: its Saturday; before 1962 its Monday."""
    weekday = _SATURDAY if period.end >= _SATURDAYS_SINCE else 0
    return period.start + timedelta(days=(weekday - period.start.weekday()) % 7)


def parse(body: bytes, origin: str = "") -> tuple[Page, ...]:
    """Read a page, live or saved, or the library's JSON; see :class:`..source.Source`."""
    faults: list[str] = []
    broken = ""
    if form_of(body) == "json":
        rows, chart, day = _of_json(json_of("billboard", body), body, faults)
    else:
        rows, chart, day = _of_page(body, origin, faults)
        broken = "" if b"</html>" in body[-2000:].lower() else "the page ends in the middle"
    if rows and _NO_SONGS.search(chart):
        raise WrongPage(f"billboard: {chart!r} ranks albums or people, not songs.", body)
    kept = in_order(rows, "chart", faults)
    if not kept:
        what = "ranks no songs: its rows have no title or no artist" if rows else "holds no rows"
        raise PageError(
            f"billboard: the {chart or 'chart'} {what}; its layout has changed, or there is no chart of that name and date.",
            body,
        )
    country = COUNTRIES.get(chart, "")
    try:
        period = Period.week(day) if day else None
    except OverflowError:
        period = None
    return (Page(kept, chart, country, period, faults=tuple(faults), broken=broken),)


def _of_json(data: object, body: bytes, faults: list[str]) -> tuple[list[Row], str, date | None]:
    """Read what the library writes, or the bare list of its entries."""
    whole = data if isinstance(data, dict) else {}
    entries = whole.get("entries") if whole else data
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise PageError("billboard: no list of entries in the JSON.", body)
    rows = []
    for entry in entries:
        position = number(entry.get("rank"))
        if position is None:
            faults.append(f"an entry without a rank: {str(entry)[:80]}; left out")
            continue
        rows.append(_row(position, clean(entry.get("artist")), clean(entry.get("title"))))
    return rows, clean(whole.get("name")), _day(clean(whole.get("date")))


def _of_page(body: bytes, origin: str, faults: list[str]) -> tuple[list[Row], str, date | None]:
    tree = LexborHTMLParser(body.decode(errors="replace"))
    rows = []
    nodes = tree.css(_ROWS)
    if body.rfind(b"</ul") < body.rfind(b"title-of-a-story"):
        nodes = nodes[:-1]  # cut off, perhaps in the middle of a name
    for node in nodes:
        position = number(_text(node.css_first("span.c-label")))  # the first of several
        if position is None:
            faults.append(f"a row without a rank: {clean(node.text(separator=' '))[:80]!r}; left out")
            continue
        title, artist = node.css_first("#title-of-a-story"), node.css_first("#title-of-a-story + span")
        rows.append(_row(position, _text(artist), _text(title)))
    chart, day = "", None
    own = tree.css_first('link[rel="canonical"]'), tree.css_first('meta[property="og:url"]')
    said = [node.attributes.get(name) or "" for node, name in zip(own, ("href", "content"), strict=True) if node]
    for address in said:
        found = _ADDRESS.search(_path(address))
        if found:
            chart, day = chart or found["chart"], day or _day(found["day"] or "")
    if not chart and origin.startswith("http"):
        found = _ADDRESS.search(_path(origin))
        chart = found["chart"] if found else ""
    picker = tree.css_first("#chart-date-picker[data-date]")
    shown = _day((picker.attributes.get("data-date") or "") if picker else "") or _week_of(tree)
    return rows, chart, shown or day  # never the day that was asked for


def _row(position: int, artist: str, title: str) -> Row:
    return Row(position, artists=(artist,) if artist else (), title=title)


def _text(node: LexborNode | None) -> str:
    return clean(node.text()) if node else ""


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _week_of(tree: LexborHTMLParser) -> date | None:
    found = _WEEK_OF.search(_text(tree.body))
    if not found or found[1] not in _MONTHS:
        return None
    return _day(f"{found[3]}-{_MONTHS[found[1]]:02}-{int(found[2]):02}")


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        return None


SOURCE = Source(
    name="billboard",
    title="Billboard",
    gives="the weekly Hot 100 of the United States back to 1958, and Billboard's other charts of songs",
    needs="nothing; where it refuses programs, a page saved from the browser",
    charts=dict.fromkeys(COUNTRIES, "billboard"),
    settings=Settings(
        base_url="https://www.billboard.com",
        rate=Rate(requests=1, seconds=2),
        robots=True,
        charts=("hot-100",),
        country="us",
        expected_rows={"hot-100": 100, "billboard-global-200": 200, "billboard-global-excl-us": 200},
    ),
    parse=parse,
    fetch=fetch,
    open_ended=True,
)
