"""The pages in a real browser: Debian's Chromium, driven by Playwright.

Skipped where either is missing: ``pip install -e '.[browser]'``, and Chromium in the path or named by ``CHARTROPY_BROWSER``.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chartropy.audio.synthesize import synthesize, to_bytes
from chartropy.features.registry import DESCRIPTORS
from chartropy.reports.explain import explain_file
from chartropy.reports.recording import Recording
from chartropy.reports.recording_page import write_recordings

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -e '.[browser]'")

BROWSER = os.environ.get("CHARTROPY_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not BROWSER, reason="needs Chromium in the path, or CHARTROPY_BROWSER"),
]

FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"
SIZES = {"phone": (360, 740), "tablet": (820, 1180), "desk": (1440, 900)}


def neighbour(name):
    """What another file of tests makes: files of tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


seasons = neighbour("test_page")
PAGES = [
    *(f"{seasons.LAST}/index.html", f"{seasons.LAST}/index.ru.html", "index.html"),
    *(f"recordings/r0010/index{language}.html" for language in ("", ".ru")),
]


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=FLAGS.split())
        yield browser
        browser.close()


class Known(dict):
    """Recordings, by their ids, that have a page of their own."""

    of = dict.__getitem__

    def __init__(self, sound, season, ids):
        self._sketch = sound.sketch
        super().__init__((one, self._known(sound, season, one)) for one in ids)

    def sketch(self, _):
        return self._sketch

    def inputs(self, recording_id):
        return recording_id

    def weeks(self, recording_id):
        return sorted(set(self[recording_id].history["week"]))

    def _known(self, sound, season, one):
        about = season.verdicts.set_index("recording_id").loc[one]
        chart = season.vectors.astype(float)
        spread = (chart.quantile(q) for q in (0.1, 0.5, 0.9))
        families = [[found.family, found.label, found.unit] for found in DESCRIPTORS.values()]
        descriptors = pd.DataFrame(families, columns=["family", "label", "unit"], index=pd.Index(DESCRIPTORS))
        numbers = zip(("low", "median", "high"), spread, strict=True)
        descriptors = descriptors.assign(
            value=chart.loc[one], **dict(numbers), percentile=100 * (chart < chart.loc[one]).mean(), of=len(chart)
        )
        weeks = [(seasons.LAST - seasons.WEEK * back).isoformat() for back in (6, 5, 1, 0)]
        charted = [
            ("tophit", chart, "ru", week, 7, np.nan, "https://tophit.com/1")
            for week in weeks
            for chart in seasons.CHARTS
        ]
        alike = season.verdicts.head(3)[["recording_id", "artist", "title"]]
        return Recording(
            one, about["artist"], about["title"], "RUA1D0000001",
            pd.DataFrame([("n", "tophit", about["artist"], about["title"], None, "1")] * 2,
                         columns=["name_id", "source", "artist", "title", "isrc", "track_id"]),
            pd.DataFrame(charted, columns=["source", "chart", "country", "week", "position", "plays", "link"]),
            sound.fused, descriptors,
            alike.assign(distance=0.5, first_week=weeks[0], last_week=weeks[1], peak=3),
            sound.sound,
        )  # fmt: skip


LONG = "r0010"
"""A recording whose names are long."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> Path:
    """Pages of 26 weeks with odd names, the last of them in both languages, the index, and some recordings' pages."""
    folder = tmp_path_factory.mktemp("reports")
    season = seasons.a_season()
    how = {"made_at": seasons.MADE_AT, "languages": ("en", "ru")}
    seasons.write_week(folder, season, seasons.LAST - seasons.WEEK, **how)
    file = tmp_path_factory.mktemp("sound") / "machine.flac"
    file.write_bytes(to_bytes(synthesize(5, machine_made=True), "FLAC"))
    now = season.entries[(season.entries["week"] == seasons.LAST.isoformat()) & (season.entries["chart"] == "radio")]
    season = seasons.with_sound(season)
    season = replace(season, recordings=Known(explain_file(file), season, [now["recording_id"].iloc[0], LONG]))
    changes = {"previous": None, "corrections": []}
    seasons.write_week(folder, season, seasons.LAST, **how, changes=changes)
    assert write_recordings(folder, season, **how) == 2
    seasons.write_index(folder, season, **how, feed=True)
    return folder


@pytest.fixture
def opened(chromium, reports):
    """Open a page; in the end nothing was wrong in the console and nothing was asked of anybody."""
    wrong, asked = [], []
    contexts = []

    def open_page(name: str = f"{seasons.LAST}/index.html", **options):
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((reports / name).as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith(reports.as_uri())] == []


def visible_rows(page, number=1):
    return page.locator(f"#chart-{number}-table tbody tr:visible")


def visible_title(page, place):
    return page.locator(f"#chart-1-table tbody tr:nth-child({place}) th.title").text_content().strip()


def test_a_long_table_is_folded_and_unfolded(opened):
    page = opened()
    assert visible_rows(page).count() == 20
    page.get_by_role("button", name="Show all 100 places").first.click()
    assert visible_rows(page).count() == 100


def test_the_chart_is_searched_and_filtered(opened):
    page = opened()
    section = page.locator("section.chart").first
    section.get_by_role("searchbox").fill("nobody is called so")
    assert visible_rows(page).count() == 0
    title = visible_title(page, 90)
    section.get_by_role("searchbox").fill(title.upper())
    assert visible_rows(page).count() >= 1
    assert visible_title(page, 90) in {row.locator("th.title").inner_text() for row in visible_rows(page).all()}
    assert "of 100" in section.locator("output").inner_text()
    section.get_by_role("searchbox").fill("")
    section.get_by_role("combobox").select_option("ai")
    shown = visible_rows(page)
    assert 0 < shown.count() < 60
    assert {row.get_attribute("data-verdict") for row in shown.all()} == {"ai"}


def test_the_chart_is_sorted(opened):
    page = opened()
    table = page.locator("#chart-1-table")
    heading = table.get_by_role("columnheader", name="Artist")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    artists = [cell.inner_text() for cell in table.locator("tbody td.artist").all()]
    assert artists == page.evaluate("names => [...names].sort(new Intl.Collator('en').compare)", artists)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    place = table.get_by_role("columnheader", name="Place")
    place.get_by_role("button").click()
    places = [int(cell.inner_text()) for cell in table.locator("tbody td.place").all()]
    assert places == list(range(1, 101))
    verdict = table.get_by_role("columnheader", name="Verdict")
    verdict.get_by_role("button").click()
    verdict.get_by_role("button").click()
    first = table.locator("tbody tr").first
    assert first.get_attribute("data-verdict") == "ai"  # by how likely it is, the likeliest first now


def test_the_chart_is_sorted_by_novelty(opened):
    page = opened()
    table = page.locator("#chart-1-table")
    heading = table.get_by_role("columnheader", name="Novelty")
    for direction in (1, -1):
        heading.get_by_role("button").click()
        shown = [cell.get_attribute("data-key") for cell in table.locator("tbody td.novelty").all()]
        known = [direction * float(key) for key in shown if key]
        assert len(known) > 50
        assert known == sorted(known)
        assert shown[len(known) :] == [""] * (100 - len(known))


@pytest.mark.parametrize("language", ["", ".ru"])
def test_a_recordings_page_is_reached_and_left_from_the_keyboard(opened, language):
    page = opened(f"{seasons.LAST}/index{language}.html")
    link = page.locator("#chart-1-table th.title a").first
    name = link.inner_text()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/recordings/*/index{language}.html")
    assert page.locator("h1").inner_text() == name
    for _ in range(20):
        page.keyboard.press("Tab")
        if (
            page.evaluate("() => document.activeElement.getAttribute('href')")
            == f"../../{seasons.LAST}/index{language}.html"
        ):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{seasons.LAST}/index{language}.html")
    assert page.locator("#chart-1-table").count() == 1


def test_all_can_be_done_from_the_keyboard(opened):
    page = opened()
    reached = []
    for _ in range(400):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "() => { const e = document.activeElement; const s = getComputedStyle(e); const r = e.getBoundingClientRect();"
            " return [e.tagName, e.innerText || e.getAttribute('aria-label') || '', s.outlineStyle, r.width > 0 && r.height > 0] }"
        )
        if here[0] == "BODY":
            break
        reached.append(here)
    assert any(tag == "A" and "All weeks" in text for tag, text, *_ in reached)
    assert {"INPUT", "SELECT", "BUTTON", "SUMMARY", "A"} <= {tag for tag, *_ in reached}
    assert all(outline != "none" and seen for *_, outline, seen in reached), "what has the focus is seen to have it"
    page.locator("section.chart input[type=search]").first.focus()
    page.keyboard.type(visible_title(page, 90))
    assert 1 <= visible_rows(page).count() < 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_fault(opened, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    page = opened(name, color_scheme=scheme, bypass_csp=True)
    found = axe.Axe().run(page).response["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not grave, [(one["id"], one["help"], [node["target"] for node in one["nodes"]][:3]) for one in grave]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_screen(opened, name, size):
    width, height = SIZES[size]
    page = opened(name, viewport={"width": width, "height": height})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_light_and_dark_are_told_apart(opened):
    colours = [
        opened(color_scheme=scheme).evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
        for scheme in ("light", "dark")
    ]
    light, dark = (sum(map(int, colour.strip("rgba()").split(",")[:3])) for colour in colours)
    assert light > 600 > 200 > dark


def test_the_languages_lead_to_each_other(opened):
    page = opened()
    assert page.locator("html").get_attribute("lang") == "en"
    page.locator("a[hreflang=ru]").first.click()
    assert page.locator("html").get_attribute("lang") == "ru"
    page.locator("a[rel=prev]").click()
    assert page.locator("html").get_attribute("lang") == "ru"
    page.locator("a[hreflang=en]").first.click()
    assert page.locator("html").get_attribute("lang") == "en"


def test_without_a_script_all_is_there(opened):
    page = opened(java_script_enabled=False)
    assert visible_rows(page).count() == 100


def test_a_name_with_markup_does_nothing(opened):
    page = opened()
    said = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.wait_for_timeout(200)
    assert said == []
    assert page.locator("td.artist", has_text="<script>alert(1)</script>").count() > 0
