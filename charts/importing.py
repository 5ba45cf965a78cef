"""Importing: a chart page saved from the browser, or a chart as CSV or JSON, becomes entries like a collected one."""

from __future__ import annotations

import gzip
import logging
import re
import zlib
from dataclasses import replace
from datetime import date
from pathlib import Path

from rapidfuzz import fuzz, process

from ..workspace.errors import ImportFileError, PageError
from ..workspace.workspace import Workspace
from .collect import (
    NOT_CHARTS,
    Chart,
    Outcome,
    Sheet,
    averaged,
    read_body,
    settings_of,
    sources_of,
    store_page,
    store_sheets,
)
from .periods import YEARS, Kind, Period
from .rows import Page

log = logging.getLogger(__name__)


def import_file(
    workspace: Workspace,
    file: Path,
    source: str,
    week: date | None = None,
    *,
    kind: Kind = "weekly",
    country: str | None = None,
) -> list[Outcome]:
    """Store the chart (or charts) that a file holds.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    file : Path
        What the source answers, as the browser saved it; or a table: CSV or JSON with a row per position. May be gzipped.
    source : str
        Source and chart, e.g. ``tophit-radio``; a source alone where the file or the settings name the chart.
    week : date, optional
        Any day of the chart week; needed where the file does not say. Of a table that says, only this week is taken.
    kind : str
        Of the period that `week` lies in.
    country : str, optional
        Of what does not say its country; the source's otherwise.

    Returns
    -------
    list of Outcome
        One per chart and period.

    Raises
    ------
    ImportFileError
        Naming the file, the row and the value; nothing of the file is stored then.
    """
    asked = Period.holding(week, kind, workspace.settings.week_ends) if week else None
    body = _body_of(file)
    chart = chart_named(workspace, source)
    if country:
        chart = replace(chart, country=country)
    try:
        pages = read_body(workspace, chart.source, body, file.name)
        found = [_placed(workspace, page, chart, asked) for page in pages if page.source in ("", chart.source)]
    except PageError as error:
        raise ImportFileError(f"{file}: {error}") from error
    others = {one.chart for one, page in found if chart.chart and page.chart not in ("", chart.chart)}
    found = [(one, page) for one, page in found if one.chart not in others]
    if not found:
        named = sorted({f"{page.source or chart.source}-{page.chart}".strip("-") for page in pages})
        raise ImportFileError(f"{file} holds no chart {source!r}, but {', '.join(named)}: name that with --source.")
    if asked and any(page.period for _, page in found):
        weeks = sorted({str(page.period) for _, page in found})
        found = [(one, page) for one, page in found if page.period == asked]
        if not found:
            raise ImportFileError(f"{file} holds the {_list(weeks)}, not {asked}: leave --week out.")
    if not country and chart.source not in sources_of(workspace) and any(not page.country for _, page in found):
        log.warning(
            "%s does not say its country: %s is taken for a chart of %s, whose composite it counts in; --country says otherwise.",
            file,
            chart.source,
            chart.country,
        )
    if others:
        log.warning("%s also holds %s, which were not asked for", file, ", ".join(sorted(others)))
    return _store(workspace, file, chart, body, found)


def chart_named(workspace: Workspace, source: str) -> Chart:
    """Return the chart that ``SOURCE-CHART`` names; the chart is empty where only the source was named.

    Raises
    ------
    ImportFileError
        When it names nothing.
    """
    known = sources_of(workspace)
    name = max((name for name in known if source == name or source.startswith(f"{name}-")), key=len, default="")
    if name:
        own = settings_of(workspace, known[name])
        chart = source.removeprefix(name).removeprefix("-")
        if not chart and len(own.charts) == 1:
            chart = own.charts[0].partition(":")[0]
        if chart and known[name].charts and chart not in known[name].charts and not known[name].open_ended:
            raise ImportFileError(
                f"--source {source!r}: {name} has no chart {chart!r}; choose from {', '.join(known[name].charts)}."
            )
        return Chart(name, chart, own.country)
    name, _, chart = source.partition("-")
    if not re.fullmatch(r"[a-z0-9_]{1,32}", name) or not re.fullmatch(r"[\w-]{1,64}", chart):
        raise ImportFileError(
            f"--source {source!r}: write source and chart in small letters with a hyphen between them, like tophit-radio."
        )
    if name in NOT_CHARTS:
        raise ImportFileError(f"--source {source!r}: {name} is no source of charts; choose another name.")
    near = process.extractOne(name, list(known), scorer=fuzz.ratio, score_cutoff=75)
    if near:  # a slip of the pen would vote in the composite as a platform of its own
        raise ImportFileError(
            f"--source {source!r}: there is no source {name!r}; did you mean {near[0]!r}? A source of your own may be called "
            "anything that is not so near to another."
        )
    return Chart(name, chart, workspace.settings.composite.country)


def _body_of(file: Path) -> bytes:
    try:
        body = file.read_bytes()
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ImportFileError(f"{file}: cannot be unpacked ({error}).") from error
    except OSError as error:
        raise ImportFileError(f"{file}: cannot be read ({error.strerror}).") from error
    if not body.strip():
        raise ImportFileError(f"{file}: the file is empty.")
    return body


def _placed(workspace: Workspace, page: Page, chart: Chart, asked: Period | None) -> tuple[Chart, Page]:
    """Return which chart a page is, and the page with its period; what it does not say is taken from what was asked."""
    known = sources_of(workspace).get(chart.source)
    begun = page.period or asked
    if begun and begun.start > workspace.now().date():
        raise PageError(f"is for the {begun}, which has not begun.")
    if page.taken and page.taken.year not in YEARS:
        raise PageError(f"says that it shows {page.taken}, which cannot be.")
    if page.period is None and page.taken is None:
        if asked is None:
            raise PageError(
                "does not say which week it is for: add --week with any day of that week (and --period for a month, a year "
                "or a decade)."
            )
        page = replace(page, period=asked)
    elif page.taken and not (known and known.current):
        page = replace(page, period=page.period or Period(page.taken, page.taken, "daily"), taken=None)
    kind = page.period.kind if page.period else "weekly"
    return Chart(chart.source, page.chart or chart.chart, page.country or chart.country, kind), page


def _store(
    workspace: Workspace, file: Path, chart: Chart, body: bytes, found: list[tuple[Chart, Page]]
) -> list[Outcome]:
    unnamed = next((one for one, _ in found if not one.chart), None)
    if unnamed:
        raise ImportFileError(f"{file} does not say which chart it is: name it, like --source {chart.source}-CHART.")
    kept = file.name.removesuffix(".gz")
    with workspace.store.transaction() as connection:
        if len(found) == 1:
            one, page = found[0]
            ids = [store_page(workspace, connection, one, page.period, body, kept, taken=page.taken)]
        else:  # the file is kept once, whatever it holds
            dated = (
                [store_page(workspace, connection, chart, None, body, kept)] if any(p.period for _, p in found) else []
            )
            ids = [
                store_page(workspace, connection, one, None, body, kept, taken=page.taken) if page.taken else dated[0]
                for one, page in found
            ]
    sheets = [
        Sheet(one, page.period, page, (page_id,))
        for (one, page), page_id in zip(found, ids, strict=True)
        if page.period
    ]
    ends = workspace.settings.week_ends
    weeks = {(one, Period.holding(page.taken, "weekly", ends)) for one, page in found if page.taken and not page.period}
    sheets += [averaged(workspace, one, period, lenient=True) for one, period in sorted(weeks, key=str)]
    return store_sheets(workspace, sheets)


def _list(words: list[str]) -> str:
    shown = ", ".join(words[:6])
    return f"{shown} and {len(words) - 6} more" if len(words) > 6 else shown
