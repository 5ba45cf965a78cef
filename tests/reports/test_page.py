from __future__ import annotations

import csv as csv_module
import errno
import io
import math
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from selectolax.lexbor import LexborHTMLParser

from chartropy.analysis.measures import load_space
from chartropy.features.registry import DESCRIPTORS
from chartropy.reports import weekly
from chartropy.reports.page import TABLES, csv, safe_link, write_index, write_week
from chartropy.reports.season import Season
from chartropy.workspace.errors import DiskFull, WorkspaceReadOnly
from chartropy.workspace.workspace import Workspace

LAST = date(2026, 6, 25)
MADE_AT = datetime(2026, 6, 29, 9, 0, tzinfo=ZoneInfo("Europe/Moscow"))
WEEK = timedelta(weeks=1)
CHARTS = ("radio", "vk", "youtube")
ABOUT = {
    "version": "0.1.0",
    "model_version": "residue-1",
    "extractor_version": "1",
    "detector": {"auc": 0.981, "auc_low": 0.967, "auc_high": 0.992, "recall": 0.913, "false_positive_rate": 0.021},
    "timezone": "Europe/Moscow",
    "descriptor_count": 212,
}
ODD = [
    ("<script>alert(1)</script>", "Robert'); <img src=x onerror=alert(2)>"),
    ("فيروز", "نسّم علينا الهوى"),
    ("🎸🦄 Единорог", "Танцы 👩‍👩‍👧 до утра 🌅"),
    ("Очень Длинное Имя " * 11, "Песня-без-пробелов" * 12),
    ("=HYPERLINK(1)", "@SUM(A1)"),
]


def a_season(weeks=26, size=100, seed=7, *, ends=LAST, synthetic=False, measured=True, charts=CHARTS) -> Season:
    """A made-up season: songs climb, fall, leave and come back; a few are AI; some cannot be measured."""
    random = np.random.default_rng(seed)
    days = [ends - WEEK * back for back in reversed(range(weeks))]
    words = "Свет Ночь Город Ветер Море Огонь Река Звезда Дом Снег Утро Лето Голос Дорога Сон".split()
    pool = max(size * 4, 16)
    songs = [(f"{words[i % 15]} {words[(i * 7) % 13]}", f"{words[(i * 3) % 14]} {i}") for i in range(pool)]
    for number, odd in enumerate(ODD):
        songs[number * 3 + 1] = odd
    ai = random.random(pool) < 0.14
    verdicts = []
    for number, (artist, title) in enumerate(songs):
        lost = not measured or random.random() < 0.05
        chance = float(np.clip(random.beta(8, 1) if ai[number] else random.beta(1, 12), 0, 1))
        kind = "unmeasured" if lost else "ai" if chance > 0.8 else "undecided" if chance > 0.3 else "human"
        reason = {
            "unmeasured": (
                "no preview: neither Deezer nor iTunes has this recording",
                "no preview: the preview of Deezer is silent",
            )[number % 2],
            "ai": "the spectrum carries evenly spaced peaks, as decoders of generative systems leave",
            "human": "no trace of a generative decoder was found",
            "undecided": "a weak trace, as loud mastering may leave it too",
        }[kind]
        verdicts.append(
            (
                f"r{number:04}",
                f"RUA1D{number:07}",
                artist,
                title,
                math.nan if lost else chance,
                kind,
                reason,
                None if lost else "deezer",
                None if lost else str(1000 + number),
                None if lost else f"https://www.deezer.com/track/{1000 + number}",
                "residue-1",
                "2026-06-26T08:00:00Z",
            )
        )
    verdict_table = pd.DataFrame(verdicts, columns=list(TABLES["verdicts"]))
    kinds = verdict_table.set_index("recording_id")["verdict"]
    source = "synthetic" if synthetic else "tophit"
    entries, measures, gaps = [], [], []
    for lane, chart in enumerate(charts):
        strength = random.normal(size=pool) + ai * (0.3 + 0.25 * lane)
        strength[[number * 3 + 1 for number in range(len(ODD))]] += 4
        for step, day in enumerate(days):
            strength = 0.93 * strength + 0.35 * random.normal(size=pool) + ai * 0.012
            if weeks > 8 and chart == "vk" and step in (9, 10):
                gaps.append(
                    (
                        day.isoformat(),
                        source,
                        chart,
                        "ru",
                        "TopHit refused (403, a challenge page): save the page in a browser and import it.",
                    )
                )
                continue
            chosen = np.argsort(-strength, kind="stable")[:size]
            for position, number in enumerate(chosen, 1):
                artist, title = songs[number]
                entries.append(
                    (
                        source,
                        chart,
                        "ru",
                        day.isoformat(),
                        position,
                        f"r{number:04}",
                        f"RUA1D{number:07}",
                        artist,
                        title,
                        f"https://tophit.com/tracks/{number}",
                        "2026-01-09",
                        "pop",
                        "russian",
                        "A label",
                    )
                )
            found = kinds.loc[[f"r{number:04}" for number in chosen]].tolist()
            measures += made_up_measures((source, chart, "ru", day.isoformat()), found, lane, step)
    return Season(
        entries=pd.DataFrame(entries, columns=list(TABLES["entries"])),
        verdicts=verdict_table,
        measures=pd.DataFrame(measures, columns=list(TABLES["measures"])).astype(
            {"value": float, "low": float, "high": float}
        ),
        composite=pd.DataFrame(
            [(LAST.isoformat(), "ru", 1, "r1", "Zivert", "Life", 0.95, "radio", "tophit-radio 6", 0.95, 0.95, None)],
            columns=list(TABLES["composite"]),
        ),
        gaps=pd.DataFrame(gaps, columns=list(TABLES["gaps"])),
        about=ABOUT,
        synthetic=synthetic,
    )


def made_up_measures(key, found, lane, step):
    entries = len(found)
    measured = entries - found.count("unmeasured")
    rows = []

    def add(name, value, low, high, n, method):
        rows.append((*key, name, value, low, high, n, method))

    def share(name, verdicts):
        n = len(verdicts) - verdicts.count("unmeasured")
        if n == 0:
            add(name, math.nan, math.nan, math.nan, 0, "census posterior")
            return
        middle = (verdicts.count("ai") + 0.4 * verdicts.count("undecided")) / n
        half = 1.96 * math.sqrt(middle * (1 - middle) / n + 0.02 / n)
        add(
            name,
            middle,
            max(0, middle - half),
            min(1, middle + half),
            n,
            "census posterior, detector error from residue-1",
        )

    share("ai_share", found)
    share("ai_share.top10", found[:10])
    for name, count in (
        ("ai_flagged", found.count("ai")),
        ("ai_labelled", found.count("ai") // 4),
        ("undecided", found.count("undecided")),
    ):
        add(name, count, count, count, measured, "count")
    add("unmeasured", found.count("unmeasured"), found.count("unmeasured"), found.count("unmeasured"), entries, "count")
    if measured:
        middle = 14.2 - lane * 1.6 - 0.06 * step + 0.5 * math.sin(step * 1.3 + lane)
        add("cultural_entropy", middle, middle - 1.1, middle + 1.3, measured, "unbiased order 2, bootstrap")
        add(
            "diversity.mean_distance", 0.61 - 0.03 * lane, 0.58 - 0.03 * lane, 0.64 - 0.03 * lane, measured, "bootstrap"
        )
    return rows


def nothing_collected() -> Season:
    """A week in which every chart is missing."""
    season = a_season(1)
    reason = "TopHit refused (403, a challenge page): save the page in a browser and import it."
    gaps = [(LAST.isoformat(), "tophit", chart, "ru", reason) for chart in CHARTS]
    return replace(
        season,
        entries=season.entries.iloc[:0],
        verdicts=season.verdicts.iloc[:0],
        measures=season.measures.iloc[:0],
        gaps=pd.DataFrame(gaps, columns=list(TABLES["gaps"])),
    )


def read(page):
    return LexborHTMLParser(page.read_text(encoding="utf-8"))


def words(node):
    return re.sub(r"\s+", " ", node.text(separator=" ")).strip()


def week_page(folder, season, week=LAST):
    return read(write_week(folder, season, week, made_at=MADE_AT))


def a_small_chart(*weeks, gaps=(), verdicts=None):
    """Weeks in a row, each a string of one-letter recordings, the last one ending on LAST."""
    entries, measures = [], []
    for back, recordings in zip(reversed(range(len(weeks))), weeks, strict=True):
        day = (LAST - WEEK * back).isoformat()
        for position, name in enumerate(recordings, 1):
            entries.append(
                (
                    "tophit",
                    "radio",
                    "ru",
                    day,
                    position,
                    name,
                    "",
                    f"Artist {name}",
                    f"Song {name}",
                    None,
                    None,
                    None,
                    None,
                    None,
                )
            )
    known = [
        (n, "", "", "", 0.97 if v == "ai" else 0.02, v, "why", None, None, None, "m", "")
        for n, v in (verdicts or {}).items()
    ]
    return Season(
        pd.DataFrame(entries, columns=list(TABLES["entries"])),
        pd.DataFrame(known, columns=list(TABLES["verdicts"])),
        pd.DataFrame(measures, columns=list(TABLES["measures"])),
        pd.DataFrame(gaps, columns=list(TABLES["gaps"])),
        {},
    )


def with_shares(season, *shares, n=100, method="m"):
    """Add an AI share (value, low, high) per week, the last one of LAST; None leaves a week out."""
    rows = []
    for back, share in zip(reversed(range(len(shares))), shares, strict=True):
        if share:
            rows.append(("tophit", "radio", "ru", (LAST - WEEK * back).isoformat(), "ai_share", *share, n, method))
    return replace(season, measures=pd.DataFrame(rows, columns=list(TABLES["measures"])))


def first_finding(tmp_path, *shares, **more):
    page = week_page(tmp_path, with_shares(a_small_chart("ab"), *shares, **more))
    return words(page.css(".findings li")[0])


@pytest.fixture(scope="module")
def season():
    return a_season(4, size=30)


@pytest.fixture(scope="module")
def page(season, tmp_path_factory):
    return week_page(tmp_path_factory.mktemp("week"), season)


# -- the page as a whole -----------------------------------------------------------------------------------------------


def test_the_page_has_one_of_each_landmark_and_unique_ids(page):
    for landmark in ("main", "header.masthead", "footer", "h1", "a.skip", "html[lang=en]", "head > title"):
        assert len(page.css(landmark)) == 1, landmark
    ids = [node.attributes["id"] for node in page.css("[id]")]
    assert len(ids) == len(set(ids))
    for link in page.css("a[href^='#'], use[href^='#']"):
        assert link.attributes["href"][1:] in ids
    for labelled in page.css("[aria-labelledby]"):
        assert labelled.attributes["aria-labelledby"] in ids


def test_every_table_has_a_caption_and_scoped_headings(page):
    tables = page.css("table")
    assert len(tables) > 6
    for table in tables:
        assert words(table.css_first("caption"))
        assert all(heading.attributes.get("scope") in ("col", "row") for heading in table.css("th"))


@pytest.mark.parametrize("write", ["week", "index"])
def test_no_request_leaves_the_page(season, tmp_path, write):
    page = (
        write_week(tmp_path, season, LAST, made_at=MADE_AT)
        if write == "week"
        else write_index(tmp_path, season, made_at=MADE_AT)
    )
    html = page.read_text(encoding="utf-8")
    tree = LexborHTMLParser(html)
    assert not tree.css(
        "[src], [srcset], [data], [poster], [action], [background], [ping], iframe, object, embed, base"
    )
    for node in tree.css("link, use, image"):
        assert node.attributes["href"].startswith(("data:", "#"))
    for css in [node.text() for node in tree.css("style")] + [n.attributes["style"] for n in tree.css("[style]")]:
        assert "@import" not in css
        assert all(inner.startswith("#") for inner in re.findall(r"url\(([^)]*)", css))
    policy = tree.css_first("meta[http-equiv=Content-Security-Policy]").attributes["content"]
    assert "default-src 'none'" in policy


def test_the_policy_names_the_one_script_by_its_hash(page):
    import base64
    import hashlib

    (script,) = page.css("script")
    digest = base64.b64encode(hashlib.sha256(script.text().encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.css_first("meta[http-equiv]").attributes["content"]


def test_the_same_data_gives_the_same_bytes(season, tmp_path):
    for copy in ("one", "two"):
        write_week(tmp_path / copy, season, LAST, made_at=MADE_AT)
        write_index(tmp_path / copy, season, made_at=MADE_AT)
    files = sorted(file.relative_to(tmp_path / "one") for file in (tmp_path / "one").rglob("*") if file.is_file())
    assert [str(file) for file in files if "figures" not in file.parts] == [
        *(f"2026-06-25/{name}" for name in sorted([*(f"{table}.csv" for table in TABLES), "index.html"])),
        "index.html",
    ]
    assert {file.suffix for file in files if "figures" in file.parts} == {".svg", ".png", ".csv"}
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_a_page_does_not_look_at_later_weeks(season, tmp_path):
    earlier = LAST - WEEK
    until = lambda table: table[table["week"] <= earlier.isoformat()]  # noqa: E731
    cut = replace(season, entries=until(season.entries), measures=until(season.measures))
    whole = write_week(tmp_path / "whole", season, earlier, made_at=MADE_AT)
    assert whole.read_bytes() == write_week(tmp_path / "cut", cut, earlier, made_at=MADE_AT).read_bytes()


def test_the_week_is_named_by_its_days(page, tmp_path):
    assert words(page.css_first("h1")) == "Friday 19 to Thursday 25 June 2026"
    turn = week_page(tmp_path, a_season(1, size=3, ends=date(2026, 1, 1)), date(2026, 1, 1))
    assert words(turn.css_first("h1")) == "Friday 26 December 2025 to Thursday 1 January 2026"


def test_when_and_by_what_the_page_was_made(page):
    assert "29 June 2026, 09:00 (Europe/Moscow)" in words(page.css_first("footer"))
    assert "residue-1" in words(page.css_first(".versions"))


# -- strangers' text ---------------------------------------------------------------------------------------------------


def test_strangers_text_stays_text(page):
    assert len(page.css("script")) == 1
    assert not page.css("img")
    titles = [words(node) for node in page.css("#chart-1-table td.artist")]
    assert "<script>alert(1)</script>" in titles


def test_a_chart_name_with_markup_stays_text_everywhere(tmp_path):
    season = a_season(2, size=12, charts=("<b onmouseover=x>",))
    for page in (week_page(tmp_path, season), read(write_index(tmp_path, season, made_at=MADE_AT))):
        assert not page.css("[onmouseover]")
        assert "<b onmouseover=x>" in words(page.css_first("main"))


def test_names_of_any_script_find_their_direction(page):
    for cell in page.css("td.artist, th.title"):
        assert cell.attributes["dir"] == "auto"


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("https://tophit.com/tracks/1", True),
        ("http://tophit.com", True),
        ("javascript:alert(1)", False),
        (" JavaScript:alert(1)", False),
        ("data:text/html,x", False),
        ("//tophit.com/x", False),
        ("https:///x", False),
        ("https://[bad", False),
        (None, False),
        (math.nan, False),
    ],
)
def test_only_web_links_become_links(link, kept):
    assert bool(safe_link(link)) == kept


def test_a_bad_link_is_left_out_of_the_table(tmp_path):
    season = a_small_chart("a")
    season.entries["link"] = "javascript:alert(1)"
    assert not week_page(tmp_path, season).css("td.links a")


# -- sentences ---------------------------------------------------------------------------------------------------------


def test_a_rise_beyond_noise_is_said_with_its_interval(tmp_path):
    said = first_finding(tmp_path, (0.1, 0.08, 0.12), (0.2, 0.17, 0.23))
    number = "An estimated 20.0% of the Radio chart carries traces of AI generators in its sound"
    assert f"{number} (95% interval 17.0% to 23.0%; n = 100 measured of 2 entries)" in said
    assert "More than the week before (10.0%; 95% interval 8.0% to 12.0%; n = 100)" in said
    # MOVER by hand: 0.1 -/+ sqrt(0.03^2 + 0.02^2) = 0.1 -/+ 0.03606
    assert "difference +10.0 points, 95% interval +6.4 to +13.6" in said
    assert "noise" not in said


def test_a_fall_beyond_noise_is_said(tmp_path):
    said = first_finding(tmp_path, (0.2, 0.17, 0.23), (0.1, 0.08, 0.12))
    assert "Less than the week before" in said
    assert "difference −10.0 points, 95% interval −13.6 to −6.4" in said


def test_a_change_within_noise_is_not_called_one(tmp_path):
    said = first_finding(tmp_path, (0.1, 0.05, 0.16), (0.14, 0.08, 0.2))
    assert "Since the week before (10.0%; 95% interval 5.0% to 16.0%; n = 100), no change that can be told from" in said
    assert "More than" not in said
    assert "For a trend, 2 weeks measured in this way are too few." in said


def test_the_first_week_has_nothing_to_compare_with(tmp_path):
    assert "No earlier week was measured" in first_finding(tmp_path, (0.1, 0.05, 0.16))


def test_an_older_week_is_named_where_the_last_one_is_missing(tmp_path):
    said = first_finding(tmp_path, (0.1, 0.08, 0.12), None, None, (0.2, 0.17, 0.23))
    assert "More than in the week ending 4 June 2026, three weeks earlier and the newest measured before (10.0%" in said


def test_numbers_measured_in_two_ways_are_not_compared(tmp_path):
    season = with_shares(a_small_chart("ab"), (0.1, 0.08, 0.12), (0.2, 0.17, 0.23))
    season.measures["method"] = ["old", "new"]
    said = words(week_page(tmp_path, season).css(".findings li")[0])
    assert "not compared with the week before: that was measured in another way" in said
    assert "More than" not in said


def test_a_rise_over_the_season_is_said_though_no_week_shows_it(tmp_path):
    shares = [(0.05 + 0.02 * week + 0.004 * (week % 3), 0.02 * week, 0.12 + 0.02 * week) for week in range(12)]
    season = with_shares(a_small_chart("ab"), *shares)
    page = week_page(tmp_path, season)
    said = words(page.css(".findings li")[0])
    assert "Since the week before (25.4%" in said
    assert "no change that can be told from noise." in said
    found = re.search(
        r"It has risen since 9 April 2026 \(5.0%.*?\): \+(\S+) points along the trend over 12 weeks \(95% interval",
        said,
    )
    assert found
    assert float(found[1]) == pytest.approx(22, abs=1)
    assert "Radio: AI share 27.8%, rising over 12 weeks" in [words(node) for node in page.css("h3")]
    (row,) = pd.read_csv(tmp_path / LAST.isoformat() / "trends.csv").to_dict("records")
    assert (row["measure"], row["kind"], row["first"], row["n"]) == ("ai_share", "rising", "2026-04-09", 12)
    assert row["p"] <= 0.05
    level = with_shares(a_small_chart("ab"), *shares[:1] * 12)
    assert "It has been the same in all 12 weeks measured since 9 April 2026." in words(
        week_page(tmp_path / "level", level).css(".findings li")[0]
    )


def test_a_top_ten_is_counted(tmp_path):
    season = a_season(2, size=12, seed=3)
    said = words(week_page(tmp_path, season).css(".findings li")[1])
    rows = season.measures[season.measures["measure"] == "ai_share.top10"].set_index(["chart", "week"])["value"]
    chart = rows.xs(LAST.isoformat(), level="week").idxmax()
    kinds = season.verdicts.set_index("recording_id")["verdict"]
    counts = []
    for week in (LAST, LAST - WEEK):
        here = season.entries[(season.entries["chart"] == chart) & (season.entries["week"] == week.isoformat())]
        top = kinds[here[here["position"] <= 10]["recording_id"]]
        counts.append(((top == "ai").sum(), (top != "unmeasured").sum()))
    (now, of), (before, of_before) = counts
    assert re.search(
        rf", {now} of {of} measured recordings (is|are) judged AI; corrected for the detector’s errors", said
    )
    assert f"The week before it was {before} of {of_before}; one recording is a tenth of a top ten." in said
    assert not re.search(r"\d\.\d%", said)


def test_the_composite_leads_where_there_is_one(tmp_path):
    season = a_season(1, size=10)
    rows = [
        (source, chart, "ru", LAST.isoformat(), "ai_share", *share, 10, "m")
        for source, chart, share in (
            ("chartropy", "composite", (0.2, 0.1, 0.3)),
            ("tophit", "radio", (0.1, 0.05, 0.15)),
            ("tophit", "vk", (0.5, 0.4, 0.6)),
        )
    ]
    page = week_page(tmp_path, replace(season, measures=pd.DataFrame(rows, columns=list(TABLES["measures"]))))
    lead = page.css(".findings li")[0]
    assert words(lead).startswith("20.0% AI share, Composite")
    assert words(lead.css_first(".note")) == "The three charts: from 10.0% on Radio to 50.0% on VK."


def test_without_an_interval_nothing_is_called_a_change(tmp_path):
    said = first_finding(tmp_path, (0.1, math.nan, math.nan), (0.4, math.nan, math.nan))
    assert "no interval" in said
    assert "nobody can say whether that is a change" in said


def test_a_lead_within_noise_is_said_to_be_one(tmp_path):
    season = a_season(1, size=10)
    rows = [
        ("tophit", chart, "ru", LAST.isoformat(), "ai_share", *share, 10, "m")
        for chart, share in zip(CHARTS, [(0.1, 0.09, 0.11), (0.5, 0.4, 0.6), (0.45, 0.35, 0.55)], strict=True)
    ]
    page = week_page(tmp_path, replace(season, measures=pd.DataFrame(rows, columns=list(TABLES["measures"]))))
    note = words(page.css_first(".findings .note"))
    assert note == "Of three charts this is the highest estimate, though no more than noise away from YouTube."
    assert words(page.css_first("#overview-title")) == "AI share: from 10.0% on Radio to 50.0% on VK"


def test_charts_that_cannot_be_told_apart_get_no_ranking_in_the_title(tmp_path):
    title = words(week_page(tmp_path, a_season(1, size=10)).css_first("#overview-title"))
    assert title.endswith(": no difference beyond noise")


# -- what is missing ---------------------------------------------------------------------------------------------------


def no_number_is_nan(page):
    text = words(page.css_first("body"))
    return not re.search(r"\b(nan|NaN|None|inf|NaT|NA)\b", text)


def test_nothing_measured_is_said_in_words(tmp_path):
    page = week_page(tmp_path, a_season(2, size=20, measured=False))
    assert no_number_is_nan(page)
    assert words(page.css(".findings li")[0]).endswith("The reasons are listed under “What is missing”.")
    assert all("cannot be said" in words(node) for node in page.css(".findings li"))
    assert not page.css("svg.plot")
    assert "could not be measured" in words(page.css_first("section[aria-labelledby=missing]"))


def test_nothing_collected_is_said_in_words(tmp_path):
    page = week_page(tmp_path, nothing_collected())
    assert no_number_is_nan(page)
    assert "no chart was collected for this week" in words(page.css_first(".findings"))
    assert len(page.css(".chart")) == 3
    assert all("TopHit refused (403" in words(node) for node in page.css(".chart .warning"))
    assert not page.css("table.places")
    assert "There is no recording" in words(page.css_first("section[aria-labelledby=missing]"))


def test_an_empty_season_still_has_pages(tmp_path):
    season = replace(nothing_collected(), gaps=a_season(1, size=3).gaps)
    assert "no chart was collected" in words(week_page(tmp_path, season).css_first(".findings"))
    assert "No week has been collected yet" in words(read(write_index(tmp_path, season, made_at=MADE_AT)).body)


def test_one_missing_number_is_said_in_words(season, tmp_path):
    measures = season.measures
    gone = (measures["measure"] == "cultural_entropy") & (measures["week"] == LAST.isoformat())
    nan = (measures["measure"] == "ai_share.top10") & (measures["chart"] == "radio")
    measures = measures.assign(value=measures["value"].mask(nan))[~gone]
    measures["method"] = measures["method"].mask(
        nan, "no estimate: fewer than 2 recordings of the top ten were measured"
    )
    page = week_page(tmp_path, replace(season, measures=measures))
    assert no_number_is_nan(page)
    rows = {words(row.css_first("th")): words(row) for row in page.css_first(".chart .numbers").css("tbody tr")}
    assert rows["Cultural entropy: effective number of distinct sounds"].endswith("not computed")
    assert rows["AI share of the top ten, estimated"].endswith(
        "cannot be said: fewer than 2 recordings of the top ten were measured"
    )
    assert "Radio: distinct sounds not measured this week" in [words(node) for node in page.css(".chart h3")]


def test_a_chart_that_vanished_without_a_reason_is_noticed(season, tmp_path):
    lost = (season.entries["chart"] == "vk") & (season.entries["week"] == LAST.isoformat())
    measures = season.measures[(season.measures["chart"] != "vk") | (season.measures["week"] != LAST.isoformat())]
    page = week_page(tmp_path, replace(season, entries=season.entries[~lost], measures=measures))
    section = page.css("section.chart")[1]
    assert words(section.css_first("h2")) == "VK"
    assert "no reason was recorded" in words(section.css_first(".warning"))


def test_the_unmeasured_are_listed_by_reason(season, page):
    here = season.entries[season.entries["week"] == LAST.isoformat()]["recording_id"].unique()
    lost = season.verdicts[season.verdicts["recording_id"].isin(here) & (season.verdicts["verdict"] == "unmeasured")]
    groups = page.css("section[aria-labelledby=missing] details")
    assert len(lost) > 0
    assert {words(group.css_first("summary")).split(": ", 1)[1] for group in groups} == set(lost["reason"])
    assert sum(len(group.css("li")) for group in groups) == len(lost)


def test_a_recording_without_a_verdict_counts_as_unmeasured(tmp_path):
    page = week_page(tmp_path, a_small_chart("ab", verdicts={"a": "ai"}))
    assert [row.attributes["data-verdict"] for row in page.css("#chart-1-table tbody tr")] == ["ai", "unmeasured"]
    assert "not judged yet" in words(page.css("#chart-1-table td.reason")[1])


def test_missing_figures_of_the_detector_are_said_to_be_missing(tmp_path):
    page = week_page(tmp_path, a_small_chart("a"))
    assert "in cross-validation is not stated" in words(page.css_first(".explained"))
    assert "detector not stated" in words(page.css_first(".versions"))
    known = words(week_page(tmp_path, replace(a_small_chart("a"), about=ABOUT)).css_first(".explained"))
    assert "98.10% of all pairs (area under the ROC curve; 95% interval 96.70% to 99.20%)" in known
    assert "took 2.1% of the human ones for AI" in known


def test_a_model_card_gives_its_figures_with_interval_and_n(tmp_path):
    card = {
        "cross_validation": {
            "auc": {"value": 0.9757, "interval": [0.9238, 0.9989]},
            "sensitivity": [183, 213],
            "sensitivity_interval": [0.8051, 0.9029],
            "specificity": [216, 218],
            "specificity_interval": [0.9673, 0.9989],
            "generators": {"suno": {"called_ai": [62, 64]}, "stable-audio-open": {"called_ai": [2, 21]}},
        },
        "limits": ["Pitch shifts hide the traces."],
    }
    said = words(week_page(tmp_path, replace(a_small_chart("a"), about={"detector": card})).css_first(".explained"))
    assert "97.57% of all pairs (area under the ROC curve; 95% interval 92.38% to 99.89%)" in said
    assert "recognised 85.9% of the AI recordings as such (183 of 213; 95% interval 80.5% to 90.3%)" in said
    assert "took 0.9% of the human ones for AI (2 of 218; 95% interval 0.1% to 3.3%)" in said
    assert "weakest on stable-audio-open: 2 of 21 recognised" in said
    assert "Pitch shifts hide the traces." in said


# -- changes -----------------------------------------------------------------------------------------------------------


def movements(page):
    return [words(cell) for cell in page.css("#chart-1-table td.change")]


def test_each_place_says_how_it_moved(tmp_path):
    page = week_page(tmp_path, a_small_chart("abcd", "abce", "bacdf"))
    assert movements(page) == ["▲ 1 up 1 place", "▼ 1 down 1 place", "= same place", "re-entry", "new"]
    changes = [words(node) for node in page.css(".changes h4")]
    assert changes[0] == "Entered: 2, 1 of them back again"
    assert changes[1] == "Left: 1"
    assert words(page.css(".changes > div")[1].css_first("li")) == "4 Artist e – Song e"


def test_ai_verdicts_that_entered_are_listed(tmp_path):
    page = week_page(tmp_path, a_small_chart("ab", "acd", verdicts={"a": "ai", "c": "ai", "d": "human"}))
    block = page.css(".changes > div")[3]
    assert words(block.css_first("h4")) == "Judged AI among those that entered: 1"
    assert words(block.css_first("li")) == "2 Artist c – Song c ×30 for AI"


def test_biggest_moves_come_first(tmp_path):
    moves = week_page(tmp_path, a_small_chart("abcdefg", "gabdcef")).css(".changes > div")[2]
    assert words(moves.css_first("li")) == "▲ 6 up 6 places , now 1: Artist g – Song g"
    assert words(moves.css("li")[1]).startswith("▼ 2 down 2 places , now 5: Artist c")
    assert len(moves.css("li")) == 4  # one up, three of the five that fell


def test_without_last_weeks_chart_nothing_is_called_new(tmp_path):
    assert movements(week_page(tmp_path, a_small_chart("a", "", "ab"))) == ["? unknown", "? unknown"]
    assert "no chart of the week before" in words(week_page(tmp_path, a_small_chart("ab")).css_first(".chart"))


def test_after_an_incomplete_chart_nothing_is_called_new(tmp_path):
    short = [((LAST - WEEK).isoformat(), "tophit", "radio", "ru", "1 of 100 rows")]
    page = week_page(tmp_path, a_small_chart("ab", "b", "ba", gaps=short))
    assert movements(page) == ["= same place", "? unknown"]
    assert "incomplete" in words(page.css_first(".chart p.warning"))


def test_from_an_incomplete_chart_nobody_is_said_to_have_left(tmp_path):
    short = [(LAST.isoformat(), "tophit", "radio", "ru", "1 of 100 rows")]
    page = week_page(tmp_path, a_small_chart("abc", "a", gaps=short))
    assert words(page.css(".changes h4")[1]) == "Left: 0"
    assert "nobody that can be named" in words(page.css(".changes > div")[1])


# -- time --------------------------------------------------------------------------------------------------------------


def test_one_week_is_drawn_as_a_point(tmp_path):
    page = week_page(tmp_path, a_season(1, size=20))
    # two that compare the charts, three of each chart; none that shows all charts over time
    assert len(page.css("svg.plot")) == 2 + 3 * 3
    assert words(page.css_first(".chart h3")).endswith("measured for the first time")
    assert not page.css("a[rel=prev]")


def test_missing_weeks_are_named_under_the_figure(tmp_path):
    season = a_season(12, size=10)
    vk = week_page(tmp_path, season).css("section.chart")[1]
    days = [LAST - WEEK * 2, LAST - WEEK]  # steps 9 and 10 of 12
    assert f"line is broken: {days[0].day} June 2026, {days[1].day} June 2026." in words(
        vk.css_first(".pair figcaption")
    )


def test_the_week_before_is_linked(page):
    assert page.css_first("a[rel=prev]").attributes["href"] == "../2026-06-18/index.html"


# -- synthetic ---------------------------------------------------------------------------------------------------------


def test_synthetic_data_is_marked_everywhere(tmp_path):
    season = a_season(3, size=12, synthetic=True)
    page = week_page(tmp_path, season)
    index = read(write_index(tmp_path, season, made_at=MADE_AT))
    for tree in (page, index):
        assert words(tree.css_first("title")).startswith("SYNTHETIC")
        assert words(tree.css_first(".synthetic")).startswith("SYNTHETIC")
        assert all("SYNTHETIC" in words(caption) for caption in tree.css("caption"))
        assert all("SYNTHETIC" in words(plot) for plot in tree.css("svg.plot"))
        assert tree.css("svg.plot")
    for name in TABLES:
        rows = list(csv_module.reader(io.StringIO((tmp_path / LAST.isoformat() / f"{name}.csv").read_text("utf-8"))))
        assert rows[0][-1] == "synthetic"
        assert all(row[-1] == "SYNTHETIC" for row in rows[1:])


def test_real_data_is_not(page, season, tmp_path):
    assert "SYNTHETIC" not in page.html
    assert "SYNTHETIC" not in write_index(tmp_path, season, made_at=MADE_AT).read_text("utf-8")


# -- files -------------------------------------------------------------------------------------------------------------


def test_the_tables_of_the_week_lie_beside_the_page(season, tmp_path):
    page = week_page(tmp_path, season)
    found = {name: pd.read_csv(tmp_path / LAST.isoformat() / f"{name}.csv") for name in TABLES}
    assert {name: tuple(table.columns) for name, table in found.items()} == TABLES
    assert len(found["entries"]) == 90
    assert set(found["entries"]["week"]) == {"2026-06-25"}
    assert set(found["verdicts"]["recording_id"]) == set(found["entries"]["recording_id"])
    expected = season.measures[season.measures["week"] == LAST.isoformat()]["value"]
    assert found["measures"]["value"].tolist() == pytest.approx(expected.tolist(), nan_ok=True)
    links = [node.attributes["href"] for node in page.css(".plain a[download]")]
    assert links == [f"{name}.csv" for name in TABLES]


@pytest.mark.parametrize("text", ["=1+1", "+7", "-x", "@SUM(A1)", "\tx", "\rx"])
def test_a_formula_is_disarmed(text):
    table = pd.DataFrame({"title": [text], "value": [-0.5]})
    (_, row) = csv_module.reader(io.StringIO(csv(table, ["title", "value"]), newline=""))
    assert row == [f"'{text}".replace("\r", "\n"), "-0.5"]


def test_plain_text_and_missing_cells_are_left_alone():
    table = pd.DataFrame({"title": ["Ночь, «7»", None], "probability": [math.nan, 0.25], "position": [1, 2]})
    assert csv(table, ["position", "title", "probability", "label"]) == (
        'position,title,probability,label\n1,"Ночь, «7»",,\n2,,0.25,\n'
    )


def test_a_full_disk_leaves_the_old_page(season, tmp_path, monkeypatch):
    page = write_week(tmp_path, season, LAST, made_at=MADE_AT)
    before = page.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(DiskFull, match=r"entries\.csv"):
        write_week(tmp_path, season, LAST, made_at=MADE_AT + timedelta(days=1))
    assert page.read_bytes() == before
    assert not list(page.parent.glob(".*"))


def test_a_folder_that_cannot_be_made_is_named(season, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceReadOnly, match="file"):
        write_week(tmp_path / "file", season, LAST, made_at=MADE_AT)


# -- the index ---------------------------------------------------------------------------------------------------------


def test_the_index_lists_all_weeks_newest_first(tmp_path):
    season = a_season(12, size=10)
    index = read(write_index(tmp_path, season, made_at=MADE_AT))
    rows = index.css(".all-weeks tbody tr")
    assert [row.css_first("a").attributes["href"] for row in rows] == [
        f"{(LAST - WEEK * back).isoformat()}/index.html" for back in range(12)
    ]
    share = season.measures.query("measure == 'ai_share' and chart == 'radio' and week == '2026-06-25'").iloc[0]
    assert words(rows[0].css("td")[0]).startswith(
        f"{100 * share['value']:.1f}% AI ( {100 * share['low']:.1f}%".replace("( ", "(")
    )
    assert words(rows[1].css("td")[1]) == "no chart"
    assert [words(row.css("td")[-1]) for row in rows[:3]] == ["none", "1 chart", "1 chart"]
    assert len(index.css("svg.plot")) == 2


def test_the_index_of_unmeasured_weeks_has_words(tmp_path):
    index = read(write_index(tmp_path, a_season(2, size=10, measured=False), made_at=MADE_AT))
    assert no_number_is_nan(index)
    assert "AI share: nothing measured" in words(index.css_first(".all-weeks"))


def test_the_index_leads_to_the_feed_where_there_is_one(season, tmp_path):
    for feed, links in ((False, []), (True, ["feed.xml"])):
        index = read(write_index(tmp_path, season, made_at=MADE_AT, feed=feed))
        assert [a.attributes["href"] for a in index.css("a[type='application/atom+xml']")] == links


@pytest.mark.parametrize("base_url", ["", "https://charts.example"])
def test_a_report_has_a_feed_where_it_is_seen_on_the_web(base_url, tmp_path, monkeypatch):
    monkeypatch.setenv("CHARTROPY_NOW", "2026-06-29T09:00:00")
    monkeypatch.setattr(weekly, "read_season", lambda _: a_small_chart("ab"))
    with Workspace(tmp_path / "data", create=True) as workspace:
        told = workspace.settings.report.model_copy(update={"base_url": base_url})
        workspace.settings = workspace.settings.model_copy(update={"report": told})
        weekly.report(workspace, [LAST])
        folder = workspace.reports_folder
    (link,) = read(folder / "index.html").css("a[type='application/atom+xml']") or [None]
    assert (link is not None) == (folder / "feed.xml").is_file() == bool(base_url)
    if link:
        assert (folder / link.attributes["href"]).is_file()
    page = read(folder / LAST.isoformat() / "index.html")
    assert "This is the first report here" in words(page.css_first("section[aria-labelledby=issues]"))


# -- the map -----------------------------------------------------------------------------------------------------------


def with_sound(season: Season, but: int = 0) -> Season:
    """Give all recordings but some descriptors; AI-made ones lie off."""
    space = load_space()
    random = np.random.default_rng(4)
    ids = season.verdicts["recording_id"].tolist()[but:]
    ai = season.verdicts["verdict"].eq("ai").to_numpy()[but:]
    values = random.normal(space.centers, space.scales, (len(ids), len(space.names))) + 2 * np.outer(ai, space.scales)
    vectors = pd.DataFrame(values, index=ids, columns=list(space.names)).reindex(columns=list(DESCRIPTORS))
    return replace(season, vectors=vectors)


def test_the_map_shows_the_week_and_the_year_behind_it(tmp_path):
    season = with_sound(a_season(weeks=3, size=30, charts=("radio",)))
    page = week_page(tmp_path, season)
    section = page.css_first("section:has(#sound-map-title)")
    now = season.entries[season.entries["week"] == LAST.isoformat()]["recording_id"].unique()
    kinds = season.verdicts.set_index("recording_id").loc[now, "verdict"].value_counts()
    note = words(section.css_first("figcaption"))
    assert f"Where the sounds of {len(now)} recordings lie" in words(section)
    assert f"{kinds['ai']} are judged AI, {kinds['human']} human" in note
    gone = set(season.entries["recording_id"]) - set(now)
    assert f"behind them are {len(gone)} of the year before" in note
    assert re.search(r"correlate with those of the sound by 0\.\d\d", note)
    again = week_page(tmp_path / "again", season)
    assert again.html == page.html


def test_without_enough_sound_there_is_no_map(tmp_path):
    season = a_season(weeks=1, size=30, charts=("radio",))
    assert not week_page(tmp_path, season).css("#sound-map-title")
    few = with_sound(season, but=len(season.verdicts) - 5)
    assert not week_page(tmp_path, few).css("#sound-map-title")
