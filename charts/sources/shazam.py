"""Shazam: the most recognised songs of the past seven days, by country and by city."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import urlsplit

from anyascii import anyascii

from ...workspace.errors import PageError
from ...workspace.http import Client
from ...workspace.settings import Rate
from ...workspace.settings import Source as Settings
from ..rows import Page, Row, clean, in_order, number
from ..source import Answer, Asked, Source, answer_of, form_of

COUNTRIES = {
    "ru": "russia", "kz": "kazakhstan", "ua": "ukraine", "by": "belarus", "md": "moldova", "ee": "estonia",
    "lv": "latvia", "lt": "lithuania", "am": "armenia", "az": "azerbaijan", "ge": "georgia", "uz": "uzbekistan",
    "us": "united-states", "gb": "united-kingdom", "ca": "canada", "au": "australia", "de": "germany", "fr": "france",
    "it": "italy", "es": "spain", "pt": "portugal", "pl": "poland", "nl": "netherlands", "se": "sweden",
    "il": "israel", "tr": "turkey", "br": "brazil", "mx": "mexico", "in": "india", "jp": "japan", "kr": "south-korea",
    "global": "world",
}  # fmt: skip
"""Shazam's names of countries; another is written as in the address of its page, such as ``new-zealand``."""

_NAMES = "january february march april may june july august september october november december".split()
_MONTHS: dict[str, int] = {name: month for month, name in enumerate(_NAMES, 1)}
_ALSO = {"global": "global", "usa": "us", "uk": "gb", "turkiye": "tr"}
_CODES = {slug: code for code, slug in COUNTRIES.items()} | _ALSO

INSTEAD = (
    "Open https://www.shazam.com/charts in a browser, download the CSV and give it to "
    "`chartropy import FILE --source shazam-top-200`."
)
_DATE = re.compile(r"(\d{1,2}) ([A-Za-z]+) (\d{4})")
_TITLE = re.compile(r"Shazam Top (\d+) (.+?)(?: Chart)?", re.I)
_ADDRESS = re.compile(r"/csv/top-(?:200/(?P<country>[\w-]+)|50/(?P<of>[\w-]+)/(?P<city>[\w-]+))/?$")


def code_of(country: str) -> str:
    """Return the two letters of a country that is written out, or its name as it stands in addresses."""
    slug = re.sub(r"[^a-z0-9]+", "-", anyascii(country).lower()).strip("-")
    return _CODES.get(slug, slug)


def fetch(client: Client, asked: Asked) -> Answer:
    """Ask for the CSV of a country or a city; see :class:`..source.Source`."""
    if asked.country in _CODES and asked.country not in COUNTRIES:
        raise PageError(f"shazam: write country {_CODES[asked.country]!r} instead of {asked.country!r}.")
    country = COUNTRIES.get(asked.country, asked.country)
    if len(country) < 3:
        raise PageError(
            f"shazam: its name of the country {asked.country!r} is not known here: write it as in the address of its page, "
            "such as new-zealand."
        )
    path = f"top-200/{country}" if asked.chart == "top-200" else f"top-50/{country}/{asked.chart}"
    answer = answer_of(client, client.get(f"services/charts/csv/{path}/", accept="text/csv"), INSTEAD)
    reached = urlsplit(answer.url).path
    if not reached.rstrip("/").endswith(path):
        raise PageError(f"shazam: no chart {path}: the request was sent on to {reached}.", answer.body)
    page = parse(answer.body, answer.url)[0]
    if (page.chart, page.country or asked.country) != (asked.chart, asked.country):
        raise PageError(
            f"shazam: asked for {asked.chart} ({asked.country}), the file says it is {page.chart} ({page.country}).",
            answer.body,
        )
    return answer


def parse(body: bytes, origin: str = "") -> tuple[Page, ...]:
    """Read the CSV, live or saved; see :class:`..source.Source`."""
    if form_of(body) == "html":
        raise PageError("shazam: a web page instead of a CSV file.", body)
    try:
        # not splitlines: a title may hold the signs that Unicode calls ends of lines
        lines = [line.strip() for line in body.decode("utf-8-sig").split("\n")]
    except UnicodeDecodeError as error:
        raise PageError(f"shazam: no text in UTF-8 ({error.reason}).", body) from error
    head = next((at for at, line in enumerate(lines) if line.replace('"', "").lower() == "rank,artist,title"), None)
    if head is None:
        raise PageError("shazam: no line `Rank,Artist,Title`: this is no file of its charts.", body)
    faults: list[str] = []
    rows, broken = [], ""
    written = [line for line in lines[head + 1 :] if line]
    for line in written:
        row, whole = _row(line)
        if line is written[-1] and not whole:
            broken = f"the file ends in the middle of a row: {line[:80]!r}"
        elif row is None:
            faults.append(f"a line that is no row: {line[:80]!r}; left out")
        else:
            rows.append(row)
    kept = in_order(rows, "file", faults)
    if not kept:
        raise PageError("shazam: the file holds no rows.", body)
    chart, country = _named(lines[:head], origin)
    return (Page(kept, chart, country, taken=_taken(lines[:head]), faults=tuple(faults), broken=broken),)


def _row(line: str) -> tuple[Row | None, bool]:
    """Read ``12,"Artist","Title"``, in which quotes within quotes are not doubled as CSV wants it.

    Returns
    -------
    row : Row or None
        None where the line is none.
    whole : bool
        False where its last quote is missing.
    """
    rank, _, rest = line.partition(",")
    position = number(rank.strip('" '))
    quoted = rest.startswith('"')
    artist, between, title = rest.partition('","') if quoted else ("", "", "")
    if between:
        artist, whole, title = artist[1:], title.endswith('"'), title.removesuffix('"')
    else:  # one of them without quotes, or both
        artist, between, title = rest.partition('",' if quoted else ",")
        artist, opened = artist.removeprefix('"'), title.startswith('"')
        whole = len(title) > 1 and title.endswith('"') if opened else bool(title)
        title = title[1:].removesuffix('"') if opened else title
    if position is None or not between:
        return None, False
    names = clean(artist.replace('""', '"'))
    return Row(position, artists=(names,) if names else (), title=clean(title.replace('""', '"'))), whole


def _named(head: list[str], origin: str) -> tuple[str, str]:
    """Return chart and country, as the title line says, or the address; of a city's country only the address tells."""
    address = _ADDRESS.search(urlsplit(origin).path) if origin.startswith("http") else None
    country = code_of(address["country"] or address["of"]) if address else ""
    for line in head:
        found = _TITLE.fullmatch(clean(line.strip('"')))
        if found and found[1] == "200":
            return "top-200", code_of(found[2])
        if found:
            # of a city: its name, written as in addresses
            return re.sub(r"[^a-z0-9]+", "-", anyascii(found[2]).lower()).strip("-"), country
    return (address["city"] or "top-200" if address else ""), country


def _taken(head: list[str]) -> date | None:
    for line in head:
        found = _DATE.search(line)
        if found and found[2].lower() in _MONTHS:  # in English, whatever the system speaks
            try:
                return date(int(found[3]), _MONTHS[found[2].lower()], int(found[1]))
            except ValueError:
                return None
    return None


SOURCE = Source(
    name="shazam",
    title="Shazam",
    gives="the top 200 of a country and the top 50 of a city over the past seven days, as they stand now",
    needs="nothing",
    charts={"top-200": "shazam"},
    settings=Settings(
        base_url="https://www.shazam.com",
        rate=Rate(requests=1, seconds=1),
        robots=True,
        charts=("top-200",),
        expected_rows={"top-200": 200, "*": 50},
    ),
    parse=parse,
    fetch=fetch,
    current=True,
    open_ended=True,
    form="csv",
)
