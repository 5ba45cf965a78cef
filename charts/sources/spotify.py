"""Spotify: charts as CSV, which charts.spotify.com gives only to its own users: downloaded by them, imported here."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta

from ...workspace.errors import PageError
from ...workspace.settings import Source as Settings
from ..periods import Period
from ..rows import Page, Row, clean, count, in_order, number
from ..source import Source, form_of

COLUMNS = {
    "position": ("rank", "position"),
    "artist": ("artist_names", "artist"),
    "title": ("track_name", "track name"),
    "link": ("uri", "url"),
    "label": ("source",),
    "plays": ("streams",),
}
"""What each column is called: now, and until 2021 on spotifycharts.com."""

_FILE = re.compile(
    r"(?P<chart>[a-z]+)-(?P<country>[a-z]{2}|global)-(?P<kind>daily|weekly)-"
    r"(?P<day>\d{4}-\d{2}-\d{2})(?:--(?P<end>\d{4}-\d{2}-\d{2}))?(?!\d)"
)
_TRACK = re.compile(r"(?:spotify:track:|/track/)([0-9A-Za-z]{22})\b")
_THURSDAY = 3


def parse(body: bytes, origin: str = "") -> tuple[Page, ...]:
    """Read a CSV as it was downloaded; its name says chart, country and period; see :class:`..source.Source`."""
    if form_of(body) == "html":
        raise PageError(
            "spotify: a web page instead of a CSV file: log in to charts.spotify.com and use its download button.", body
        )
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PageError(f"spotify: no text in UTF-8 ({error.reason}).", body) from error
    lines = _lines(text, body)
    head = next((at for at, cells in enumerate(lines[:3]) if _columns(cells)), None)
    if head is None:
        raise PageError(
            "spotify: no columns rank, artist_names, track_name (or Position, Artist, Track Name) in the first lines: "
            "this is no chart of its tracks.",
            body,
        )
    at, width = _columns(lines[head]), len(lines[head])
    faults: list[str] = []
    rows, broken = [], ""
    written = lines[head + 1 :]
    for number_, cells in enumerate(written, 1):
        row = _row(cells, at) if len(cells) == width else None
        if number_ == len(written) and (row is None or not row.track_id):
            broken = f"the file ends in the middle of a row: {','.join(cells)[:80]!r}"
        elif row is None:
            faults.append(f"a line that is no row: {','.join(cells)[:80]!r}; left out")
        else:
            rows.append(row)
    kept = in_order(rows, "file", faults)
    if not kept:
        raise PageError("spotify: the file holds no rows, only the names of columns.", body)
    chart, country, period = _named(origin, body)
    return (Page(kept, chart, country, period, faults=tuple(faults), broken=broken),)


def _lines(text: str, body: bytes) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [cells for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise PageError(
            f"spotify: line {reader.line_num} cannot be read as CSV ({error}): the file is cut off, or was changed.",
            body,
        ) from error


def _columns(cells: list[str]) -> dict[str, int]:
    """Return where each column is; nothing for a line that does not name those that a chart must have."""
    names = [cell.strip().lower() for cell in cells]
    at = {ours: next((names.index(one) for one in theirs if one in names), -1) for ours, theirs in COLUMNS.items()}
    return {} if min(at["position"], at["artist"], at["title"], at["link"]) < 0 else at


def _row(cells: list[str], at: dict[str, int]) -> Row | None:
    cell = {name: clean(cells[place]) if place >= 0 else "" for name, place in at.items()}
    position = number(cell["position"])
    if position is None:
        return None
    found = _TRACK.search(cell["link"])
    return Row(
        position,
        # one field: a comma may part two artists, or belong to the name of one
        artists=(cell["artist"],) if cell["artist"] else (),
        title=cell["title"],
        track_id=found[1] if found else "",
        label=cell["label"],
        link=f"https://open.spotify.com/track/{found[1]}" if found else "",
        plays=count(cell["plays"]),
    )


def _named(origin: str, body: bytes) -> tuple[str, str, Period | None]:
    """Return chart, country and period, as the file is called; empty and None for a name of the user's own."""
    found = _FILE.search(origin.lower())
    if not found:
        return "", "", None
    try:
        day = date.fromisoformat(found["day"])
        if found["end"]:  # until 2021: from a Friday to the next, which is no longer in it
            end = date.fromisoformat(found["end"])
            day = end - timedelta(days=1)
            if end - date.fromisoformat(found["day"]) != timedelta(days=7) or found["kind"] != "weekly":
                raise ValueError
        period = Period.week(day) if found["kind"] == "weekly" else Period(day, day, "daily")
    except (ValueError, OverflowError):
        raise PageError(
            f"spotify: the file name {found[0]!r} names no {found['kind']} period: rename the file and add --week.",
            body,
        ) from None
    if period.kind == "weekly" and day.weekday() != _THURSDAY:
        raise PageError(
            f"spotify: by the file name {found[0]!r} its week ends on {day}, a {day:%A}; Spotify's end on Thursdays: "
            "rename the file and add --week.",
            body,
        )
    return found["chart"], found["country"], period


SOURCE = Source(
    name="spotify",
    title="Spotify",
    gives="daily and weekly top 200 of a country with streams, from files",
    needs="a login of your own at charts.spotify.com, and the CSV that you download there",
    charts={"regional": "spotify"},
    settings=Settings(charts=("regional",), expected_rows={"*": 200}),
    parse=parse,
    kinds=("daily", "weekly"),
    form="csv",
)
