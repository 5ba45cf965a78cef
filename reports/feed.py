"""What machines read: ``report.json`` beside each week's page, its JSON Schema, and an Atom feed of the weeks.

``report.json`` says what the page says, as numbers. No number in it is NaN or infinite: what is missing is null, with the
reason. The schema, ``report.schema.json``, lies beside the index and describes every field.

References
----------
Nottingham, M., Sayre, R.: The Atom Syndication Format. RFC 4287 (2005).
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree  # written here, not read

from ..charts.periods import first_day
from ..workspace.files import write_text
from ..workspace.store import digest
from . import page
from .compare import Comparison, Trend, compare
from .figures import NOT_XML
from .homogenization import Kinds, kinds_of
from .season import Key, Season, Weekly, float_of, key_of
from .words import Words, text, words_in

log = logging.getLogger(__name__)

REPORT, SCHEMA, FEED = "report.json", "report.schema.json", "feed.xml"
SCHEMA_VERSION = 1
"""Raised when a field is taken away or means something else; not when one is added."""

MOST_ENTRIES = 52
MOST_CORRECTIONS = 20
HEADLINES = ("ai_share", "ai_share.top10", "cultural_entropy", "unmeasured")
"""Numbers whose correction is told; the tables beside a page have them all."""
PASSING = frozenset({"generated_at", "changed_at", "versions", "links", "changes"})
"""Fields that may differ between two reports that say the same."""

LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ATOM = "http://www.w3.org/2005/Atom"


def report_of(season: Season, week: date, *, made_at: datetime, languages: Sequence[str] = ("en",)) -> dict[str, Any]:
    """Return what a week's page says, ready to be written as JSON.

    Parameters
    ----------
    season : Season
        Later weeks than `week` may be in it.
    week : date
        Last day of the chart week.
    made_at : datetime
    languages : sequence of str
        Those of the page; sentences here are in the first.

    Returns
    -------
    dict
        As ``report.schema.json`` describes it; the same data and time give the same report.
    """
    pages = page.versions_in(languages)
    words = pages[0][0]
    weekly = season.cut(week).in_words(words)
    say = words.say
    lost = page.unmeasured(weekly)
    moment = made_at.isoformat(timespec="seconds")
    return {
        "$schema": f"../{SCHEMA}",
        "schema_version": SCHEMA_VERSION,
        "generated_at": moment,
        "changed_at": moment,
        "versions": {
            "chartropy": text(season.about.get("version")) or None,
            "detector": text(season.about.get("model_version")) or None,
            "extractor": text(season.about.get("extractor_version")) or None,
        },
        "language": words.language,
        "pages": {spoken.language: file for spoken, file in pages},
        "synthetic": season.synthetic,
        "week": {"first": first_day(week).isoformat(), "last": week.isoformat()},
        "summary": page.summary(weekly),
        "findings": [_finding(weekly, found) for found in page.findings(weekly)],
        "charts": [_chart(weekly, key) for key in weekly.keys],
        "gaps": [
            {**key_of(row)._asdict(), "name": weekly.names.get(key_of(row), say("full_chart_name", key_of(row)))}
            | {"reason": text(row.reason) or say("no_reason")}
            for row in weekly.gaps.itertuples()
        ],
        "unmeasured": {
            "recordings": sum(len(songs) for _, songs in lost),
            "of": int(weekly.now["recording_id"].nunique()),
            "reasons": [{"reason": reason, "recordings": len(songs)} for reason, songs in lost],
        },
        "files": [
            {"name": f"{name}.csv", "rows": len(table), "holds": say("file_note", name)}
            for name, table in page.tables_of(weekly).items()
        ],
    }


def digest_of(report: dict[str, Any]) -> str:
    """Return the SHA-256 of what a report says, apart from when it was made, by which release, and where it lies."""
    said = {name: value for name, value in report.items() if name not in PASSING}
    return digest(json.dumps(said, sort_keys=True, ensure_ascii=False))


def write_report(
    folder: Path, season: Season, week: date, *, made_at: datetime, languages: Sequence[str] = ("en",)
) -> dict[str, Any]:
    """Write ``<folder>/<week>/report.json``; see :func:`report_of`.

    A report that says the same as the one that lies there keeps its time of change.

    Returns
    -------
    dict
        What was written.

    Raises
    ------
    DiskFull, WorkspaceReadOnly
        When it cannot be written; one that was there stays as it was.
    """
    report = report_of(season, week, made_at=made_at, languages=languages)
    before = read_report(folder, week)
    if before and digest_of(before) == digest_of(report):
        report["changed_at"] = before["changed_at"]
    report["changes"] = _changes(report, before, _last_before(folder, week))
    write_text(folder / week.isoformat() / REPORT, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    return report


def _last_before(folder: Path, week: date) -> dict[str, Any] | None:
    """Return the newest earlier report that lies there."""
    earlier = (read_report(folder, one) for one in reversed(written_weeks(folder)) if one < week)
    return next(filter(None, earlier), None)


def _changes(report: dict[str, Any], before: dict[str, Any] | None, last: dict[str, Any] | None) -> dict[str, Any]:
    """Tell what changed against the report of an earlier week, and what this one said before it was written anew."""
    corrections = list(before.get("changes", {}).get("corrections", [])) if before else []
    if before:
        numbers, versions = _corrected(before, report), _differing(before["versions"], report["versions"])
        if numbers:
            corrections.insert(0, {"at": report["generated_at"], "numbers": numbers, "versions": versions})
    previous = None
    if last:
        then, now = ({_key_in(chart): _named(chart) for chart in one["charts"]} for one in (last, report))
        previous = {
            "week": last["week"]["last"],
            "versions": _differing(last["versions"], report["versions"]),
            "charts_added": [chart for key, chart in now.items() if key not in then],
            "charts_gone": [chart for key, chart in then.items() if key not in now],
        }
    return {"previous": previous, "corrections": corrections[:MOST_CORRECTIONS]}


def _corrected(before: dict[str, Any], report: dict[str, Any]) -> list[dict[str, Any]]:
    """The headline numbers that differ between two issues of one report."""
    then, now = ({_key_in(chart): chart for chart in one["charts"]} for one in (before, report))
    rows = []
    for key in dict.fromkeys([*now, *then]):
        about = now.get(key) or then[key]
        for measure in ("entries", *HEADLINES):
            pair = [_headline_of(one.get(key), measure) for one in (then, now)]
            if pair[0] != pair[1]:
                said = dict(zip(("source", "chart", "country"), key, strict=True)) | {"name": about["name"]}
                rows.append(said | {"measure": measure, "before": pair[0], "after": pair[1]})
    return rows


def _headline_of(chart: dict[str, Any] | None, measure: str) -> float | int | None:
    if chart is None:
        return None
    return chart["entries"] if measure == "entries" else chart["measures"].get(measure, {}).get("value")


def _key_in(chart: dict[str, Any]) -> tuple[str, str, str]:
    return chart["source"], chart["chart"], chart["country"]


def _named(chart: dict[str, Any]) -> dict[str, str]:
    return {"source": chart["source"], "chart": chart["chart"], "country": chart["country"], "name": chart["full_name"]}


def _differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[str | None]]:
    return {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}


def read_report(folder: Path, week: date) -> dict[str, Any] | None:
    """Return a week's report as it was written; None where there is none, or none of this form."""
    try:
        found = json.loads((folder / week.isoformat() / REPORT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(found, dict) and found.get("schema_version") == SCHEMA_VERSION and "changed_at" in found
    return found if whole else None


def written_weeks(folder: Path) -> list[date]:
    """Return the weeks that have a page in `folder`, in order."""
    found = []
    for one in folder.glob("*/index.html"):
        try:
            found.append(date.fromisoformat(one.parent.name))
        except ValueError:
            continue
    return sorted(found)


def write_feed(folder: Path, *, base_url: str, made_at: datetime, languages: Sequence[str] = ("en",)) -> Path | None:
    """Write ``<folder>/feed.xml`` and ``<folder>/report.schema.json``, from the reports that lie there.

    Parameters
    ----------
    folder : Path
    base_url : str
        Where `folder` is seen on the web. Without it there is no feed: its links would lead nowhere.
    made_at : datetime
        When there is no report to take a time from.
    languages : sequence of str
        The feed's own title is in the first.

    Returns
    -------
    Path or None
        The feed.

    Raises
    ------
    DiskFull, WorkspaceReadOnly
        When one cannot be written.
    """
    schema = Path(__file__).with_name("templates") / SCHEMA
    write_text(folder / SCHEMA, schema.read_text("utf-8"))
    if not base_url:
        log.info("no feed: it links to pages on the web, and the setting base_url under [report] does not say where")
        return None
    reports = filter(None, (read_report(folder, week) for week in reversed(written_weeks(folder))))
    newest = [report for report, _ in zip(reports, range(MOST_ENTRIES), strict=False)]
    return write_text(folder / FEED, _feed(newest, base_url, made_at, page.versions_in(languages)[0][0]))


def links(report: dict[str, Any], base_url: str) -> dict[str, str]:
    """Return where a report's page and files are on the web; nothing without `base_url`."""
    if not base_url:
        return {}
    week = report["week"]["last"]
    return {
        "page": f"{base_url}/{week}/index.html",
        "report": f"{base_url}/{week}/{REPORT}",
        "index": f"{base_url}/index.html",
        "feed": f"{base_url}/{FEED}",
        "schema": f"{base_url}/{SCHEMA}",
    }


def headline(report: dict[str, Any]) -> str:
    """Return a report's title: its week, and its first number."""
    first, last = (date.fromisoformat(report["week"][end]) for end in ("first", "last"))
    say = words_in(report["language"]).say
    mark = f"{say('synthetic_mark')}: " if report["synthetic"] else ""
    return mark + say("headline", first, last, report["findings"][0] if report["findings"] else None)


def _finding(weekly: Weekly, found: dict[str, Any]) -> dict[str, Any]:
    now, key = found["now"], found["key"]
    return {
        "measure": found["measure"],
        "label": found["label"],
        "sentence": found["sentence"],
        "note": found["note"] or None,
        "number": found["number"] or None,
        "chart": key._asdict() | {"name": weekly.names[key]} if key else None,
        "value": _number(now.value) if now else None,
        "low": _number(now.low) if now else None,
        "high": _number(now.high) if now else None,
        "n": now.n if now else None,
        "change": _change(found["comparison"]) if now else None,
        "trend": _trend(found["trend"]),
        "reason": None if now else found["sentence"],
    }


def _chart(weekly: Weekly, key: Key) -> dict[str, Any]:
    entries = len(weekly.chart(key, weekly.week))
    measures = {
        str(row.measure): _measure(weekly, key, row, entries)
        for row in weekly.measures.itertuples()
        if key_of(row) == key
    }
    return {
        **key._asdict(),
        "name": weekly.names[key],
        "full_name": weekly.words.say("full_chart_name", key),
        "entries": entries,
        "measures": measures,
        "trends": {measure: said for measure in page.TRENDS if (said := _trend(weekly.trend(key, measure)))},
        "sameness": next((_sameness(one) for one in kinds_of(weekly) if one.key == key), None),
    }


def _sameness(kinds: Kinds) -> dict[str, Any]:
    """AI recordings against human ones, and what a change of diversity is made of."""

    def numbers(rows: Mapping[str, Mapping[Any, Any]]) -> dict[str, Any]:
        names = ("value", "low", "high", "expected", "p")
        return {
            quantity: {name: _number(row.get(name)) for name in names}
            | {"n": int(row["n"]), "method": text(row["method"])}
            for quantity, row in rows.items()
        }

    def span(days: tuple[date, ...]) -> dict[str, str]:
        return {"first": days[0].isoformat(), "last": days[-1].isoformat()}

    return {
        "weeks": span(kinds.newest),
        "ai_against_human": numbers(kinds.compared),
        "before": span(kinds.before) if kinds.before and kinds.parts else None,
        "change": numbers(kinds.parts),
        "critic": numbers(kinds.judged),
    }


def _trend(trend: Trend | None) -> dict[str, Any] | None:
    if trend is None:
        return None
    numbers = {name: _number(getattr(trend, name)) for name in ("change", "low", "high", "p")}
    first = {name: _number(getattr(trend.first, name)) for name in ("value", "low", "high")}
    return {
        "kind": trend.kind,
        "first": {"week": trend.first.week.isoformat(), **first},
        "n": trend.n,
        "since_first": trend.since,
        **numbers,
    }


def _change(found: Comparison) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "against": found.before.week.isoformat() if found.before else None,
        "before": _number(found.before.value) if found.before else None,
        "difference": _number(found.difference),
        "low": _number(found.low),
        "high": _number(found.high),
    }


def _measure(weekly: Weekly, key: Key, row: Any, entries: int) -> dict[str, Any]:
    measure = str(row.measure)
    value, low, high = (_number(cell) for cell in (row.value, row.low, row.high))
    reason, change = None, None
    if value is None:
        reason = weekly.why_missing.get((key, measure)) or weekly.words.say("missing", measure, entries)
    else:
        if low is None or high is None:
            reason = weekly.words.say("no_interval")
        change = _change(compare(measure, weekly.estimates(key, measure), weekly.week))
    n = float_of(row.n)
    return {
        "value": value,
        "low": low,
        "high": high,
        "n": int(n) if math.isfinite(n) else 0,
        "method": text(row.method) or None,
        "reason": reason,
        "change": change,
    }


def _number(cell: Any) -> float | int | None:
    value = float_of(cell)
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def _feed(reports: list[dict[str, Any]], base_url: str, made_at: datetime, words: Words) -> str:
    ElementTree.register_namespace("", ATOM)
    feed = ElementTree.Element(f"{{{ATOM}}}feed", {LANG: words.language})
    home = _iri(base_url)
    changed = max((report["changed_at"] for report in reports), key=datetime.fromisoformat, default=None)
    add = _adder(feed)
    mark = f"{words.say('synthetic_mark')}: " if any(report["synthetic"] for report in reports) else ""
    add("title", mark + words.say("feed_title"))
    add("subtitle", words.say("feed_subtitle"))
    add("id", f"{home}/{FEED}")
    add("updated", changed or made_at.isoformat(timespec="seconds"))
    add("link", rel="self", type="application/atom+xml", href=f"{home}/{FEED}")
    add("link", rel="alternate", type="text/html", href=f"{home}/index.html")
    add("generator", "Chartropy", **({"version": v} if (v := _version(reports)) else {}))
    _adder(add("author"))("name", "Chartropy")
    for report in reports:
        week = report["week"]["last"]
        entry = add("entry")
        if report["language"] != words.language:
            entry.set(LANG, report["language"])
        inside = _adder(entry)
        inside("title", headline(report))
        inside("id", f"{home}/{week}/index.html")
        inside("updated", report["changed_at"])
        for language, file in report["pages"].items():
            inside("link", rel="alternate", type="text/html", hreflang=language, href=f"{home}/{week}/{file}")
        inside("link", rel="related", type="application/json", href=f"{home}/{week}/{REPORT}")
        sentences = [*report.get("summary", []), *(found["sentence"] for found in report["findings"])]
        stored = words_in(report["language"]).reason_text
        sentences += [f"{gap['name']}: {stored(gap['reason']).rstrip('.')}." for gap in report["gaps"]]
        inside("summary", " ".join(sentences))
    ElementTree.indent(feed, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(feed, encoding="unicode") + "\n"


def _adder(parent: ElementTree.Element) -> Callable[..., ElementTree.Element]:
    def add(tag: str, content: str = "", /, **attributes: str) -> ElementTree.Element:
        child = ElementTree.SubElement(parent, f"{{{ATOM}}}{tag}", attributes)
        child.text = NOT_XML.sub("\ufffd", content) or None
        return child

    return add


def _version(reports: list[dict[str, Any]]) -> str:
    return text(reports[0]["versions"]["chartropy"]) if reports else ""


def _iri(address: str) -> str:
    """An address whose characters may stand in an XML attribute and an Atom id."""
    return quote(address, safe="/:?#[]@!$&'()*+,;=-._~%")
