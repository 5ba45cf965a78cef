from __future__ import annotations

import json
import logging
import math
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import jsonschema
import pytest

from chartropy.reports import feed
from chartropy.reports.page import write_week
from chartropy.workspace.errors import WorkspaceReadOnly

from .test_page import LAST, MADE_AT, WEEK, a_season, a_small_chart, nothing_collected, read, with_shares, words

ATOM = "{http://www.w3.org/2005/Atom}"
BASE = "https://charts.example/weekly"
SCHEMA = json.loads((Path(feed.__file__).parent / "templates" / feed.SCHEMA).read_text("utf-8"))


def published(folder, season, *weeks, base_url=BASE, made_at=MADE_AT, languages=("en",), pages=False):
    """Write what a run writes, with pages or with empty files in their place; return the feed's path."""
    for week in weeks or [LAST]:
        if pages:
            write_week(folder, season, week, made_at=made_at, languages=languages)
        else:
            (folder / week.isoformat()).mkdir(exist_ok=True)
            (folder / week.isoformat() / "index.html").touch()
        feed.write_report(folder, season, week, made_at=made_at, languages=languages)
    return feed.write_feed(folder, base_url=base_url, made_at=made_at, languages=languages)


def report(folder, week=LAST):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads((folder / week.isoformat() / feed.REPORT).read_text("utf-8"), parse_constant=refuse)


def check(found):
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER).validate(
        found
    )


@pytest.fixture(scope="module")
def season():
    return a_season(4, size=30)


# -- report.json -------------------------------------------------------------------------------------------------------


def test_the_schema_is_one_and_describes_every_field():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def fields(node, path=""):
        for name, value in node.items() if isinstance(node, dict) else ():
            if name == "properties" and path.rpartition("/")[2] not in ("if", "then", "else"):
                for field, told in value.items():
                    target = SCHEMA["$defs"][told["$ref"].rpartition("/")[2]] if "$ref" in told else {}
                    yield f"{path}/{field}", told.get("description") or target.get("description")
            yield from fields(value, f"{path}/{name}") if "/if" not in f"{path}/{name}" else ()
            if isinstance(value, list):
                for number, one in enumerate(value):
                    yield from fields(one, f"{path}/{name}/{number}") if name != "anyOf" else ()

    found = dict(fields(SCHEMA))
    assert len(found) > 50
    assert [field for field, described in found.items() if not described and "/then/" not in field] == []


@pytest.mark.parametrize(
    "season",
    [
        a_season(4, size=30),
        a_season(1, size=3),
        a_season(12, size=10, ends=LAST + WEEK),
        a_season(3, size=12, synthetic=True),
        a_season(2, size=20, measured=False),
        nothing_collected(),
        a_small_chart("ab", verdicts={"a": "ai"}),
        with_shares(a_small_chart("ab"), (0.1, 0.08, 0.12), (0.2, math.nan, math.nan)),
        with_shares(a_small_chart("ab"), (0.1, 0.08, 0.12), (math.nan, math.nan, math.nan), n=0),
        with_shares(a_small_chart("ab"), (0.1, 0.08, math.inf), (math.inf, 0.1, math.inf)),
    ],
)  # fmt: skip
def test_every_report_is_what_the_schema_says(season, tmp_path):
    published(tmp_path, season)
    check(report(tmp_path))
    assert report(tmp_path)["synthetic"] == season.synthetic


def test_the_schema_lies_where_reports_point_to(season, tmp_path):
    published(tmp_path, season)
    target = (tmp_path / LAST.isoformat() / report(tmp_path)["$schema"]).resolve()
    assert json.loads(target.read_text("utf-8")) == SCHEMA


def test_the_report_says_what_the_tables_say(season, tmp_path):
    published(tmp_path, season, pages=True)
    found = report(tmp_path)
    assert found["week"] == {"first": "2026-06-19", "last": "2026-06-25"}
    assert found["versions"] == {"chartropy": "0.1.0", "detector": "residue-1", "extractor": "1"}
    assert [(chart["name"], chart["entries"]) for chart in found["charts"]] == [
        ("Radio", 30),
        ("VK", 30),
        ("YouTube", 30),
    ]
    now = season.measures[season.measures["week"] == LAST.isoformat()]
    assert sum(len(chart["measures"]) for chart in found["charts"]) == len(now)
    for row in now.itertuples():
        (chart,) = [chart for chart in found["charts"] if chart["chart"] == row.chart]
        said = chart["measures"][row.measure]
        assert (said["value"], said["low"], said["high"], said["n"], said["method"]) == (
            row.value, row.low, row.high, row.n, row.method,
        )  # fmt: skip
    here = season.entries[season.entries["week"] == LAST.isoformat()]["recording_id"].unique()
    assert found["unmeasured"]["of"] == len(here)
    assert sum(one["recordings"] for one in found["unmeasured"]["reasons"]) == found["unmeasured"]["recordings"] > 0
    assert {file["name"]: file["rows"] for file in found["files"]}["entries.csv"] == 90
    assert all((tmp_path / LAST.isoformat() / file["name"]).is_file() for file in found["files"])


def test_findings_are_those_of_the_page(season, tmp_path):
    published(tmp_path, season, pages=True)
    page = (tmp_path / LAST.isoformat() / "index.html").read_text("utf-8")
    said = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    found = report(tmp_path)["findings"]
    assert report(tmp_path)["summary"]
    assert all(sentence in said for sentence in report(tmp_path)["summary"])
    assert [one["measure"] for one in found] == ["ai_share", "ai_share.top10", "cultural_entropy"]
    for one in found:
        assert " ".join(one["sentence"].split()) in said
        (chart,) = [chart for chart in report(tmp_path)["charts"] if chart["chart"] == one["chart"]["chart"]]
        assert one["value"] == chart["measures"][one["measure"]]["value"]


def test_a_change_is_given_with_the_interval_of_the_difference(tmp_path):
    published(tmp_path, with_shares(a_small_chart("ab"), (0.1, 0.08, 0.12), None, (0.2, 0.17, 0.23)))
    change = report(tmp_path)["charts"][0]["measures"]["ai_share"]["change"]
    assert (change["kind"], change["against"], change["before"]) == ("up", "2026-06-11", 0.1)
    # MOVER by hand: 0.1 -/+ sqrt(0.03^2 + 0.02^2) = 0.1 -/+ 0.03606
    assert [round(change[part], 5) for part in ("difference", "low", "high")] == [0.1, 0.06394, 0.13606]


def test_what_cannot_be_said_is_null_with_a_reason(tmp_path):
    nan = math.nan
    published(tmp_path, with_shares(a_small_chart("ab"), (0.1, 0.08, 0.12), (nan, nan, nan), n=0))
    found = report(tmp_path)
    measure = found["charts"][0]["measures"]["ai_share"]
    assert (measure["value"], measure["change"], measure["reason"]) == (None, None, "cannot be said: nothing measured")
    assert found["findings"][0]["reason"].startswith("This cannot be said")
    published(tmp_path, with_shares(a_small_chart("ab"), (nan, nan, nan), method="a way; no estimate: two are needed"))
    assert report(tmp_path)["charts"][0]["measures"]["ai_share"]["reason"] == "two are needed"
    published(tmp_path, with_shares(a_small_chart("ab"), (0.1, nan, nan)))
    measure = report(tmp_path)["charts"][0]["measures"]["ai_share"]
    assert (measure["value"], measure["low"], measure["reason"]) == (0.1, None, "no interval can be given")


def test_a_report_that_says_the_same_keeps_its_time_of_change(season, tmp_path):
    published(tmp_path, season)
    before = report(tmp_path)
    later = MADE_AT + timedelta(hours=5)
    newer = replace(season, about=season.about | {"version": "0.2.0"})
    published(tmp_path, newer, made_at=later)
    again = report(tmp_path)
    assert (again["changed_at"], again["generated_at"]) == (before["changed_at"], later.isoformat())
    assert feed.digest_of(again) == feed.digest_of(before)
    changed = season.measures.assign(value=season.measures["value"] * 1.01)
    published(tmp_path, replace(season, measures=changed), made_at=later)
    assert report(tmp_path)["changed_at"] == later.isoformat()
    assert feed.digest_of(report(tmp_path)) != feed.digest_of(before)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": 99, "changed_at": "2026"}'])
def test_a_file_that_is_no_report_of_this_form_is_written_anew(season, tmp_path, content):
    target = tmp_path / LAST.isoformat() / feed.REPORT
    target.parent.mkdir()
    target.write_text(content)
    assert feed.read_report(tmp_path, LAST) is None
    published(tmp_path, season)
    check(report(tmp_path))


def test_the_report_speaks_the_language_of_the_pages(season, tmp_path):
    published(tmp_path, season, languages=("ru",))
    found = report(tmp_path)
    check(found)
    assert found["language"] == "ru"
    assert all(re.search("[а-яё]", one["sentence"]) for one in found["findings"])
    assert re.search("[а-яё]", feed.headline(found))


# -- the feed ----------------------------------------------------------------------------------------------------------


def check_atom(path):
    """Assert RFC 4287's musts for the elements that are used; return the feed's element."""
    root = ElementTree.parse(path).getroot()
    assert path.read_bytes().startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    assert root.tag == f"{ATOM}feed"
    ids = []
    for node in (root, *root.findall(f"{ATOM}entry")):
        # 4.1.1, 4.1.2: exactly one id, title and updated; no more than one subtitle, generator, summary
        for name in ("id", "title", "updated"):
            assert len(node.findall(f"{ATOM}{name}")) == 1, name
            assert node.findtext(f"{ATOM}{name}")
        for name in ("subtitle", "generator", "summary", "published", "rights"):
            assert len(node.findall(f"{ATOM}{name}")) <= 1, name
        # 4.2.6: an IRI, absolute, never another's
        identity = node.findtext(f"{ATOM}id")
        assert urlsplit(identity).scheme
        ids.append(identity)
        # 3.3: RFC 3339 with a T and an offset
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", node.findtext(f"{ATOM}updated"))
        # 4.2.7: links have an address; no two alternates of one type and language
        links = node.findall(f"{ATOM}link")
        assert all(link.get("href") for link in links)
        alternates = [
            (link.get("type"), link.get("hreflang")) for link in links if link.get("rel", "alternate") == "alternate"
        ]
        assert len(alternates) == len(set(alternates)) > 0
        # 3.1: text constructs hold text only
        for name in ("title", "summary", "subtitle"):
            for text in node.findall(f"{ATOM}{name}"):
                assert text.get("type", "text") == "text"
                assert len(text) == 0
    assert len(ids) == len(set(ids))
    # 4.1.1: every entry has an author, or the feed has one; 4.2.1: a person has one name
    authors = root.findall(f"{ATOM}author")
    assert len(authors) == 1
    assert authors[0].findtext(f"{ATOM}name")
    # should: where it was found
    assert [link.get("href") for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"] == [
        f"{BASE}/feed.xml"
    ]
    return root


def test_the_feed_is_atom(season, tmp_path):
    weeks = [LAST - WEEK * back for back in (3, 0, 1)]
    root = check_atom(published(tmp_path, season, *weeks))
    entries = root.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}id") for entry in entries] == [
        f"{BASE}/{week}/index.html" for week in sorted(weeks, reverse=True)
    ]
    first = entries[0]
    (page,) = [link.get("href") for link in first.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
    assert (tmp_path / page.removeprefix(f"{BASE}/")).is_file()
    for found in report(tmp_path)["findings"]:
        assert found["sentence"] in first.findtext(f"{ATOM}summary")
    assert first.findtext(f"{ATOM}title").startswith("Charts of 19 – 25 Jun 2026. AI share, ")


def test_the_feed_says_when_an_entry_last_changed(season, tmp_path):
    published(tmp_path, season)
    later = MADE_AT + timedelta(days=1)
    root = check_atom(published(tmp_path, season, made_at=later))
    moments = {node.findtext(f"{ATOM}updated") for node in (root, *root.findall(f"{ATOM}entry"))}
    assert moments == {MADE_AT.isoformat()}


def test_the_feed_holds_a_year(tmp_path):
    found = a_season(1, size=3)
    published(tmp_path, found)
    for back in range(1, 60):
        week = LAST - WEEK * back
        folder = tmp_path / week.isoformat()
        folder.mkdir()
        (folder / "index.html").write_text("")
        said = report(tmp_path) | {"week": {"first": (week - timedelta(days=6)).isoformat(), "last": week.isoformat()}}
        (folder / feed.REPORT).write_text(json.dumps(said))
    entries = check_atom(feed.write_feed(tmp_path, base_url=BASE, made_at=MADE_AT)).findall(f"{ATOM}entry")
    assert len(entries) == 52
    assert entries[-1].findtext(f"{ATOM}id") == f"{BASE}/{LAST - WEEK * 51}/index.html"


def test_an_empty_feed_is_still_one(tmp_path):
    assert check_atom(feed.write_feed(tmp_path, base_url=BASE, made_at=MADE_AT)).findall(f"{ATOM}entry") == []


def test_without_an_address_there_is_no_feed_and_a_line_says_why(season, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        assert published(tmp_path, season, base_url="") is None
    assert "base_url under [report]" in caplog.text
    assert not (tmp_path / "feed.xml").exists()
    assert (tmp_path / feed.SCHEMA).is_file()


def test_strangers_text_stays_text(tmp_path):
    name = "<b>&amp;\x00\x0b"
    gaps = [(LAST.isoformat(), "tophit", "radio", "ru", f"refused: {name}")]
    path = published(tmp_path, a_small_chart("ab", gaps=gaps))
    summary = check_atom(path).find(f"{ATOM}entry").findtext(f"{ATOM}summary")
    assert "refused: <b>&amp;\ufffd\ufffd" in summary


def test_an_address_of_any_script_is_escaped(season, tmp_path, monkeypatch):
    base = "https://чарты.example/неделя"
    path = published(tmp_path, season, base_url=base)
    for node in ElementTree.parse(path).getroot().iter():
        for address in (node.get("href"), node.text if node.tag == f"{ATOM}id" else None):
            assert address is None or address.isascii()


def test_synthetic_music_is_marked(tmp_path):
    root = check_atom(published(tmp_path, a_season(2, size=12, synthetic=True)))
    assert all(title.text.startswith("SYNTHETIC: ") for title in root.iter(f"{ATOM}title"))


def test_what_cannot_be_written_is_named(season, tmp_path):
    (tmp_path / LAST.isoformat()).write_text("in the way")
    with pytest.raises(WorkspaceReadOnly, match="cannot be written"):
        feed.write_report(tmp_path, season, LAST, made_at=datetime.now().astimezone())


def test_what_was_written_is_returned(season, tmp_path):
    assert feed.write_report(tmp_path, season, LAST, made_at=MADE_AT) == feed.read_report(tmp_path, LAST)


def test_other_folders_are_no_weeks(season, tmp_path):
    published(tmp_path, season)
    for name in ("archive", "2026-13-01", "2026-06-18"):
        (tmp_path / name).mkdir()
    (tmp_path / "archive" / "index.html").write_text("")
    (tmp_path / "2026-13-01" / "index.html").write_text("")
    assert feed.written_weeks(tmp_path) == [date(2026, 6, 25)]


# -- changes since the last issue --------------------------------------------------------------------------------------


def but(season, value):
    """The same season with another AI share of the radio chart in its last week."""
    table = season.measures
    here = (table["chart"] == "radio") & (table["measure"] == "ai_share") & (table["week"] == LAST.isoformat())
    assert here.sum() == 1
    return replace(season, measures=table.assign(value=table["value"].mask(here, value)))


def issues_on(folder, language):
    """What a page says of the changes that its report tells."""
    season = a_small_chart("ab")
    write_week(folder, season, LAST, made_at=MADE_AT, languages=("en", "ru"), changes=report(folder)["changes"])
    page = read(folder / LAST.isoformat() / ("index.html" if language == "en" else f"index.{language}.html"))
    assert page.css_first("a[href='report.json']")
    return re.sub(r"\s", " ", words(page.css_first("section[aria-labelledby=issues]")))


def test_a_first_report_has_none_before_it(season, tmp_path):
    published(tmp_path, season)
    check(report(tmp_path))
    assert report(tmp_path)["changes"] == {"previous": None, "corrections": []}
    assert "This is the first report here" in issues_on(tmp_path, "en")


def test_a_report_says_what_changed_against_the_one_before(tmp_path):
    one, other = a_season(4, size=6, charts=("radio", "vk")), a_season(4, size=6, charts=("radio", "youtube"))
    published(tmp_path, replace(one, about=one.about | {"model_version": "residue-0"}), LAST - 2 * WEEK)
    published(tmp_path, other)
    check(report(tmp_path))
    named = {"source": "tophit", "country": "ru"}
    assert report(tmp_path)["changes"]["previous"] == {
        "week": (LAST - 2 * WEEK).isoformat(),
        "versions": {"detector": ["residue-0", "residue-1"]},
        "charts_added": [named | {"chart": "youtube", "name": "TopHit YouTube, Russia"}],
        "charts_gone": [named | {"chart": "vk", "name": "TopHit VK, Russia"}],
    }
    said = issues_on(tmp_path, "en")
    assert "Against the report of the week ending 11 June 2026:" in said
    assert "Detector: residue-1, before residue-0." in said
    assert "TopHit YouTube, Russia is in this report, and was not in that." in said
    assert "TopHit VK, Russia was in that report, and is not in this." in said
    said = issues_on(tmp_path, "ru")
    assert all(
        part in said
        for part in ("11 июня 2026 года", "Детектор: residue-1", "TopHit YouTube, Россия", "TopHit VK, Россия")
    )
    assert "Russia" not in said


def test_the_same_charts_measured_alike_are_said_to_be_so(season, tmp_path):
    published(tmp_path, season, LAST - WEEK, LAST)
    previous = report(tmp_path)["changes"]["previous"]
    assert previous == {"week": "2026-06-18", "versions": {}, "charts_added": [], "charts_gone": []}
    assert "The same charts, measured in the same way." in issues_on(tmp_path, "en")


def test_a_correction_is_told_once_and_kept(season, tmp_path):
    first, second = but(season, 0.125), but(season, 0.25)
    hours = [MADE_AT + timedelta(hours=after) for after in range(5)]
    published(tmp_path, first, made_at=hours[0])
    published(tmp_path, first, made_at=hours[1])
    assert report(tmp_path)["changes"]["corrections"] == []
    newer = replace(second, about=season.about | {"model_version": "residue-2"})
    published(tmp_path, newer, made_at=hours[2])
    known = {"source": "tophit", "chart": "radio", "country": "ru", "name": "Radio"}
    correction = {
        "at": hours[2].isoformat(),
        "numbers": [known | {"measure": "ai_share", "before": 0.125, "after": 0.25}],
        "versions": {"detector": ["residue-1", "residue-2"]},
    }
    assert report(tmp_path)["changes"]["corrections"] == [correction]
    published(tmp_path, newer, made_at=hours[3])
    assert report(tmp_path)["changes"]["corrections"] == [correction]
    # a number that cannot be given any more, and a chart of which most was lost
    late = but(newer, math.nan)
    lost = (late.entries["chart"] == "vk") & (late.entries["week"] == LAST.isoformat()) & (late.entries["position"] > 3)
    published(tmp_path, replace(late, entries=late.entries[~lost]), made_at=hours[4])
    check(report(tmp_path))
    newest, oldest = report(tmp_path)["changes"]["corrections"]
    assert oldest == correction
    assert newest["numbers"] == [
        known | {"measure": "ai_share", "before": 0.25, "after": None},
        known | {"chart": "vk", "name": "VK", "measure": "entries", "before": 30, "after": 3},
    ]
    said = issues_on(tmp_path, "en")
    assert said.index("Corrected 29 June 2026, 13:00") < said.index("Corrected 29 June 2026, 11:00")
    for line in (
        "estimated: 25.0% → unknown",
        "Entries: 30 → 3",
        "estimated: 12.5% → 25.0%",
        "Detector: residue-1 → residue-2",
    ):
        assert line in said
    said = issues_on(tmp_path, "ru")
    assert "29 июня 2026 года, 13:00" in said
    assert "Радио , Доля ИИ, оценка: 12,5 % → 25,0 %" in said
    assert not re.search("Radio|Entries|unknown|Russia", said)


def test_old_corrections_are_forgotten(tmp_path):
    season = with_shares(a_small_chart("ab"), (0.1, 0.05, 0.3))
    for hour in range(25):
        changed = replace(season, measures=season.measures.assign(value=hour / 100))
        published(tmp_path, changed, made_at=MADE_AT + timedelta(hours=hour))
    found = report(tmp_path)["changes"]["corrections"]
    assert [one["numbers"][0]["after"] for one in found] == [hour / 100 for hour in range(24, 4, -1)]


def test_a_report_of_an_earlier_release_is_followed(season, tmp_path):
    published(tmp_path, but(season, 0.125))
    old = report(tmp_path)
    del old["changes"]
    check(old)
    (tmp_path / LAST.isoformat() / feed.REPORT).write_text(json.dumps(old), "utf-8")
    published(tmp_path, but(season, 0.25))
    (found,) = report(tmp_path)["changes"]["corrections"]
    assert [(row["before"], row["after"]) for row in found["numbers"]] == [(0.125, 0.25)]
