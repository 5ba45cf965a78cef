"""What a chart page says, whoever published it: rows, and what the page is; with the small tools every parser needs."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from .periods import Period

MAX_POSITION = 10_000
"""The longest chart known has 200 positions; a larger number is none."""

_ISRC = re.compile(r"[A-Z]{2}-?[A-Z0-9]{3}-?\d{2}-?\d{5}$")


@dataclass(frozen=True)
class Row:
    """One position as a page gives it; empty where it does not say.

    Attributes
    ----------
    artists, artists_intl : tuple of str
        As spelled; one field may hold several.
    plays : int or None
        Spins, views, streams or listeners in the period, whichever the source counts.
    ai : str
        What the page itself says about how the track was made (an AI tag), in its words.
    """

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
    link: str = ""
    plays: int | None = None
    ai: str = ""

    def filled_from(self, other: Row) -> Row:
        """Return this row with what it lacks taken from `other`."""
        return replace(self, **{name: value for name, value in vars(other).items() if not getattr(self, name)})


@dataclass(frozen=True)
class Page:
    """One chart, as a page gives it.

    Attributes
    ----------
    rows : tuple of Row
        By position, each position once.
    chart, country, source : str
        As the page says; empty when it does not. Only a table of several sources names its source.
    period : Period or None
        What it covers, if it says.
    taken : date or None
        For a chart that only shows how it stands now: the day it says it stood so.
    faults : tuple of str
        What was wrong with single rows: duplicates, rows without a title.
    broken : str
        Why the page is certainly not whole, such as its end missing; asking again may mend it.
    """

    rows: tuple[Row, ...]
    chart: str = ""
    country: str = ""
    period: Period | None = None
    taken: date | None = None
    faults: tuple[str, ...] = field(default=())
    broken: str = ""
    source: str = ""


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


def in_order(rows: list[Row], where: str, faults: list[str]) -> tuple[Row, ...]:
    """Return the whole rows, one per position, by position; what is left out goes to `faults`."""
    kept = by_position(rows, where, faults)
    return tuple(whole([kept[position] for position in sorted(kept)], faults))


def clean(value: object) -> str:
    """Return a value as text on one line, composed."""
    # NFC: the page may spell й as и and a breve, and no search would find it
    # JSON may hold half a character, and NUL: neither can be stored
    text = str(value).replace("\0", "").encode(errors="ignore").decode() if value is not None else ""
    return " ".join(unicodedata.normalize("NFC", text).split())


def number(value: object) -> int | None:
    """Return a position, or None where there is none."""
    text = str(value).strip() if value is not None else ""
    # len: Python refuses to read a number of thousands of digits
    return int(text) if text.isdecimal() and len(text) < 10 and 0 < int(text) <= MAX_POSITION else None


def count(value: object) -> int | None:
    """Return how often something was played, from ``1234``, ``1,234``, ``1 234`` or ``5.4M``; None where it is no count."""
    text = re.sub(r"[\s,]", "", str(value)) if value is not None else ""
    found = re.fullmatch(r"(\d{1,15})(\.\d{1,6})?([KMB]?)", text, re.I)
    if not found or (found[2] and not found[3] and found[2].strip(".0")):
        return None
    return round(float(found[1] + (found[2] or "")) * {"": 1, "K": 1e3, "M": 1e6, "B": 1e9}[found[3].upper()])


def isrc(text: str) -> str:
    """Return an ISRC in its plain form; empty for anything else."""
    text = text.upper()
    return text.replace("-", "") if _ISRC.fullmatch(text) else ""


def split_isrc(text: str) -> tuple[str, str]:
    """Take off the ISRC that is glued to the end of a rights holder; return both, the ISRC plain or empty."""
    found = _ISRC.search(text)
    return (clean(text[: found.start()]), isrc(found[0])) if found else (clean(text), "")


def day(text: str) -> str:
    """Return an ISO date from ``2026-05-01…`` or ``1 May, 2026``; empty for anything else."""
    if not text:
        return ""
    for form, length in (("%Y-%m-%d", 10), ("%d %b, %Y", None), ("%d %B, %Y", None), ("%d.%m.%Y", 10)):
        try:
            return datetime.strptime(text[:length], form).date().isoformat()
        except ValueError:
            continue
    return ""
