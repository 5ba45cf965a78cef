"""What stands beside a week's page, and what the page says of sound: one season with sound, written once in both languages."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from chartropy.analysis.measures import sameness
from chartropy.reports.critic import judge_chart, shares
from chartropy.reports.figures import LEADING, PNG_DOTS, POINTS_PER_INCH
from chartropy.reports.homogenization import compare_kinds, decompose_chart, kinds_of
from chartropy.reports.page import FIGURES, TABLES, write_beside, write_week
from chartropy.reports.season import Key, Weekly
from chartropy.reports.words import words_in
from chartropy.workspace.errors import WorkspaceReadOnly

from .test_page import LAST, MADE_AT, WEEK, a_season, read, week_page, with_sound, words

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"
WEEKS = 9
RADIO, VK = Key("tophit", "radio", "ru"), Key("tophit", "vk", "ru")
UNHEARD = 20
SIZE = 70
"""With fewer nobody knows a recording's novelty: fifty must have left the chart."""


def with_parts(season):
    """The same with cultural entropy by each side of the sound."""
    whole = season.measures[season.measures["measure"] == "cultural_entropy"]
    numbers = ["value", "low", "high"]
    parts = [
        whole.assign(measure=f"cultural_entropy.{side}", **{name: whole[name] * share for name in numbers})
        for side, share in (("timbre", 0.8), ("rhythm", 0.6))
    ]
    return replace(season, measures=pd.concat([season.measures, *parts], ignore_index=True))


@pytest.fixture(scope="module")
def season():
    return with_parts(with_sound(a_season(WEEKS, size=SIZE, charts=("radio", "vk")), but=UNHEARD))


@pytest.fixture(scope="module")
def week(season, tmp_path_factory):
    """The folder of its last week, in which an earlier issue had left files."""
    folder = tmp_path_factory.mktemp("copies")
    left = folder / LAST.isoformat() / FIGURES
    left.mkdir(parents=True)
    for name in ("chart-7-strip.svg", "compared.de.png", ".compared.png.part"):
        (left / name).write_text("left behind")
    return write_week(folder, season, LAST, made_at=MADE_AT, languages=("en", "ru")).parent


@pytest.fixture(scope="module")
def pages(week):
    return {"": read(week / "index.html"), ".ru": read(week / "index.ru.html")}


def copies(page):
    """Every figure of a page, with the addresses of its files by form."""
    return [
        (figure, {words(link): link.attributes["href"] for link in figure.css(".saved a")})
        for figure in page.css("figure")
    ]


def written(svg):
    """The texts of a copy: those of its own, and those of the figure inside it."""
    sheet = ElementTree.fromstring(svg)
    inside = sheet.find(f"{SVG}svg")
    assert inside is not None
    return [node.text for node in sheet.findall(f"{SVG}text")], [node.text for node in inside.iter(f"{SVG}text")]


def words_of(lines):
    return " ".join(" ".join(lines).split())


# -- copies of the figures ---------------------------------------------------------------------------------------------


def test_every_figure_lies_beside_the_page_and_nothing_else_does(week, pages):
    linked = {}
    for suffix, page in pages.items():
        figures = copies(page)
        assert len(figures) == 2 * 2 + 1 + 2 * (1 + 4)  # charts compared twice, the map, each chart's strip and lines
        for _, files in figures:
            stem = files["SVG"].removesuffix(f"{suffix}.svg")
            assert files == {"SVG": f"{stem}{suffix}.svg", "PNG": f"{stem}{suffix}.png", "CSV": f"{stem}.csv"}
        linked[suffix] = [path for _, files in figures for path in files.values()]
        assert len(set(linked[suffix])) == 3 * len(figures)
    assert {path for path in linked[""] if path.endswith(".csv")} == {p for p in linked[".ru"] if p.endswith(".csv")}
    there = {file.relative_to(week).as_posix() for file in (week / FIGURES).iterdir()}
    assert there == {*linked[""], *linked[".ru"]}


def test_a_copy_stands_alone(week, pages):
    credit = {"": "Chartropy, week ending 25 June 2026", ".ru": "Chartropy, неделя по 25 июня 2026 года"}
    for suffix, page in pages.items():
        for figure, files in copies(page):
            svg = (week / files["SVG"]).read_text("utf-8")
            sheet = ElementTree.fromstring(svg)
            own, inside = written(svg)
            drawn = figure.css_first("svg")
            assert "var(--" in drawn.html or drawn.attributes["class"] == "strip"
            assert "var(--" not in svg
            assert not re.search(r"https?://(?!www\.w3\.org/)|@import|<style|<script|<image", svg)
            ids = {node.get("id") for node in sheet.iter()}
            used = {value for node in sheet.iter() for key, value in node.items() if key in ("href", f"{XLINK}href")}
            used |= {f"#{name}" for name in re.findall(r"url\(#([^)]+)\)", svg)}
            assert {name.removeprefix("#") for name in used} <= ids
            assert words_of(own[:-1]) == words(drawn.css_first("title"))
            assert words_of(own[-1:]) == credit[suffix]
            assert [text for text in inside if text and text.strip()]
            width, height = (float(sheet.get(side)) for side in ("width", "height"))
            assert sheet.get("viewBox") == f"0 0 {width:g} {height:g}"
            # the figure lies between its title and its credit
            plot = sheet.find(f"{SVG}svg")
            top, tall = float(plot.get("y")), float(plot.get("height"))
            assert LEADING * (len(own) - 1) <= top
            assert top + tall <= height - 10


def test_a_picture_is_on_paper_and_nothing_is_cut_off(week, pages):
    for page in pages.values():
        for _, files in copies(page):
            sheet = ElementTree.fromstring((week / files["SVG"]).read_text("utf-8"))
            with Image.open(week / files["PNG"]) as picture:
                size, dots = picture.size, np.asarray(picture.convert("L")).astype(int)
            wanted = [float(sheet.get(side)) * PNG_DOTS / POINTS_PER_INCH for side in ("width", "height")]
            assert np.allclose(size, wanted, atol=3), files
            paper = dots[0, 0]
            assert paper > 250
            edges = (dots[:3], dots[-3:], dots[:, :3], dots[:, -3:])
            assert all(abs(edge - paper).max() < 8 for edge in edges), files  # whatever reaches the edge was cut there
            thirds = np.array_split(dots, 3)
            assert all((part < 160).mean() > 0.001 for part in thirds), files


def numbers(table):
    """Rows of numbers, in an order of their own, rounded as any reader of CSV would take them."""
    columns = list(TABLES["measures"])[:-1]
    return sorted(
        tuple(round(c, 9) if isinstance(c, float) else c for c in row) for row in table[columns].itertuples(index=False)
    )


def test_what_an_earlier_issue_left_goes_and_folders_stay(tmp_path, monkeypatch):
    figures = tmp_path / "figures"
    (figures / "kept").mkdir(parents=True)
    (figures / "link").symlink_to(figures / "kept")
    for name in ("old.svg", "kept/mine.txt"):
        (figures / name).touch()
    write_beside(figures, {"figures/new.svg": b"<svg/>"})
    assert {file.name for file in figures.iterdir()} == {"kept", "new.svg"}
    assert (figures / "kept" / "mine.txt").is_file()
    monkeypatch.setattr(Path, "unlink", Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.raises(WorkspaceReadOnly, match=r"new\.svg cannot be removed \(Permission denied\)"):
        write_beside(figures, {})
    monkeypatch.setattr(Path, "iterdir", Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.raises(WorkspaceReadOnly, match=r"figures cannot be read \(Permission denied\)"):
        write_beside(figures, {})


def test_the_numbers_of_a_figure_lie_beside_it(week, season):
    measures = season.measures
    days = measures["week"]
    radio = measures["chart"] == "radio"
    now, lately = days == LAST.isoformat(), days >= (LAST - WEEK).isoformat()
    name = measures["measure"]
    said = name == "ai_labelled"
    assert measures[said & radio]["value"].any()
    shown = {
        "chart-1-ai_share": measures[radio & (said | (name == "ai_share"))],
        "chart-1-ai_share-top10": measures[radio & (name == "ai_share.top10")],
        "chart-2-cultural_entropy": measures[~radio & (name == "cultural_entropy")],
        "chart-1-parts": measures[radio & name.str.startswith("cultural_entropy.")],
        "all-ai-share": measures[name == "ai_share"],
        "all-cultural-entropy": measures[name == "cultural_entropy"],
        "compared": measures[(lately & (name == "ai_share")) | (now & said & (measures["value"] > 0))],
        "compared-cultural-entropy": measures[lately & (name == "cultural_entropy")],
    }
    for stem, table in shown.items():
        found = pd.read_csv(week / FIGURES / f"{stem}.csv")
        assert tuple(found.columns) == TABLES["measures"]
        assert numbers(found) == numbers(table.astype({"n": int})), stem


def test_the_verdicts_and_the_map_lie_beside_them(week, season):
    entries = season.entries[season.entries["week"] == LAST.isoformat()]
    verdicts = season.verdicts.set_index("recording_id")
    radio = entries[entries["chart"] == "radio"].sort_values("position")
    strip = pd.read_csv(week / FIGURES / "chart-1-strip.csv")
    assert strip["position"].tolist() == list(range(1, SIZE + 1))
    assert strip["recording_id"].tolist() == radio["recording_id"].tolist()
    assert strip["verdict"].tolist() == verdicts.loc[radio["recording_id"], "verdict"].tolist()
    places = pd.read_csv(week / FIGURES / "sound-map.csv").set_index("recording_id")
    heard = set(entries["recording_id"]) & set(season.vectors.index)
    assert set(places.index[places["verdict"] != "past"]) == heard
    assert set(places.index) == set(season.entries["recording_id"]) & set(season.vectors.index)
    assert places.loc[sorted(heard), "verdict"].tolist() == verdicts.loc[sorted(heard), "verdict"].tolist()
    assert np.isfinite(places[["x", "y"]].to_numpy()).all()


def test_copies_speak_the_language_of_their_page(week, pages):
    for (_, english), (_, russian) in zip(*(copies(page) for page in pages.values()), strict=True):
        ours, theirs = ((week / files["SVG"]).read_text("utf-8") for files in (english, russian))
        assert not re.search("[а-яё]", " ".join(written(ours)[0]))
        assert re.search("[а-яё]", written(theirs)[0][0])
        assert (week / english["PNG"]).read_bytes() != (week / russian["PNG"]).read_bytes()


def test_any_name_can_be_drawn_as_it_is(tmp_path):
    names = ("راديو 🎸", "A$AP Ke$ha \\frac", "_^x$\x01$")
    season = a_season(2, size=12, charts=names)
    page = week_page(tmp_path, season)
    assert len(copies(page)) > 10
    drawn = [
        text
        for _, files in copies(page)
        for part in written((tmp_path / LAST.isoformat() / files["SVG"]).read_text("utf-8"))
        for text in part
    ]
    for name in ("راديو 🎸", "A$AP Ke$ha \\frac", "_^x$\ufffd$"):
        assert name in drawn, name


def test_copies_of_made_up_music_say_so(tmp_path):
    season = with_sound(a_season(2, size=14, synthetic=True, charts=("radio",)))
    page = week_page(tmp_path, season)
    folder = tmp_path / LAST.isoformat()
    assert len(copies(page)) == 2 + 1 + 4
    for _, files in copies(page):
        assert "SYNTHETIC" in written((folder / files["SVG"]).read_text("utf-8"))[1]
        table = pd.read_csv(folder / files["CSV"])
        assert table["synthetic"].eq("SYNTHETIC").all()
        assert len(table) > 0


# -- AI in the charts --------------------------------------------------------------------------------------------------


def test_what_is_behind_the_estimates_agrees_with_the_measures(pages, season):
    table = pages[""].css_first("section[aria-labelledby=overview-title] table.tally")
    now = season.measures[season.measures["week"] == LAST.isoformat()].set_index(["chart", "measure"])
    assert [words(row.css_first("th")) for row in table.css("tbody tr")] == ["Radio", "VK"]
    for chart, row in zip(("radio", "vk"), table.css("tbody tr"), strict=True):
        of = now.loc[chart]
        whole, top = (
            100 * of.loc[name, ["value", "low", "high"]].to_numpy() for name in ("ai_share", "ai_share.top10")
        )
        said = of.loc["ai_labelled"]
        assert [words(cell) for cell in row.css("td")] == [
            "{:.1f}% {:.1f}% to {:.1f}%".format(*whole),
            "{:.0f}% {:.0f}% to {:.0f}%".format(*top),
            f"{said['value']:.0f} {100 * said['value'] / said['n']:.1f}%",
            *(f"{of.loc[name, 'value']:.0f}" for name in ("ai_flagged", "undecided", "unmeasured")),
            str(SIZE),
        ]
        tally = season.verdicts.set_index("recording_id").loc[
            season.entries.query("chart == @chart and week == @LAST.isoformat()")["recording_id"], "verdict"
        ]
        assert words(row.css("td")[5]) == str(tally.eq("unmeasured").sum())


def test_an_unknown_number_is_no_zero_there(tmp_path):
    few = a_season(1, size=12, charts=("radio",))
    lost = few.measures["measure"].isin(["ai_share.top10", "ai_labelled"])
    page = week_page(tmp_path, replace(few, measures=few.measures[~lost]))
    first = page.css_first("section[aria-labelledby=overview-title] table.tally tbody tr")
    cells = [words(cell) for cell in first.css("td")]
    assert [place for place, cell in enumerate(cells) if cell == "unknown"] == [1, 2]


# -- AI against human, and what drove the change -----------------------------------------------------------------------


def said_of_kinds(page):
    """The sentences of both blocks, by chart."""
    return [
        {words(item).partition(":")[0]: words(item) for item in block.css("ul.plain li")}
        for block in page.css("section[aria-labelledby=varied-title] .pair > div")
    ]


def test_ai_against_human_agrees_with_the_comparison(pages, season):
    compared, _ = said_of_kinds(pages[""])
    assert list(compared) == ["Radio", "VK"]
    since = (LAST - 3 * WEEK).isoformat()
    for chart, name in (("radio", "Radio"), ("vk", "VK")):
        pooled = season.entries[(season.entries["chart"] == chart) & (season.entries["week"] >= since)]
        table = compare_kinds(pooled, season.verdicts, season.vectors, overlap=False).set_index("quantity")
        row = table.loc["dispersion_ratio"]
        assert math.isfinite(row["value"])
        numbers = f"95% interval {row['low']:.2f} to {row['high']:.2f}; n = {row['n']}; p = {row['p']:.3f}"
        assert (
            f"{row['value']:.2f} times as far from their own centre as human ones from theirs ({numbers})."
            in compared[name]
        )
        told = "more alike" if row["high"] < 1 and row["p"] <= 0.05 else "these data do not tell"
        told = "more varied" if row["low"] > 1 and row["p"] <= 0.05 else told
        assert told in compared[name]
    note = words(pages[""].css_first("section[aria-labelledby=varied-title] .pair .note"))
    assert note.startswith("Recordings of the last 4 weeks, each once")


def test_new_and_still_music_agrees_with_the_critic(pages, season):
    [heading] = [one for one in pages[""].css("section[aria-labelledby=varied-title] > h3") if "New" in words(one)]
    told = {
        words(item).partition(": ")[0]: words(item).partition(": ")[2]
        for item in pages[""].css("section[aria-labelledby=varied-title] > ul li")
    }
    assert words(heading) == "New, and still music?"
    assert list(told) == ["Radio", "VK"]
    for chart, name in (("radio", "Radio"), ("vk", "VK")):
        judged = judge_chart(
            season.entries[season.entries["chart"] == chart], season.vectors, LAST.isoformat(), replicates=0
        )
        table = shares(judged, season.verdicts).set_index(["kind", "category"])
        ai, human = (table.loc[kind, "new and still music"] for kind in ("ai", "human"))
        assert ai["n"] + human["n"] > 30
        numbers = [
            f"{row['value']:.0%} (95% interval {row['low']:.0%} to {row['high']:.0%}; n = {row['n']})"
            for row in (ai, human)
        ]
        assert told[name] == (
            f"{numbers[0]} of the AI recordings and {numbers[1]} of the human ones are new and still music; "
            f"{ai['expected']:.0%} is usual."
        )


def signed(value):
    return "0.0" if f"{abs(value):.1f}" == "0.0" else f"{'+' if value > 0 else '−'}{abs(value):.1f}"


def test_what_drove_the_change_agrees_with_its_parts(pages, season):
    _, drove = said_of_kinds(pages[""])
    days = sorted(season.entries["week"].unique())
    for column, (key, name) in enumerate(((RADIO, "Radio"), (VK, "VK"))):
        parts, _ = decompose_chart(
            season.entries, season.verdicts, season.vectors, key, (days[0], days[3]), (days[-4], days[-1])
        )
        parts = parts.set_index("quantity")
        row = lambda part: f"{signed(parts.loc[part, 'low'])} to {signed(parts.loc[part, 'high'])}"  # noqa: B023, E731
        said = drove[name]
        change = parts.loc["change"]
        kind = "more varied" if change["low"] > 0 else "more alike" if change["high"] < 0 else "no change that can be"
        assert kind in said
        assert f"the weeks 30 Apr – 21 May 2026, {parts.loc['after', 'value']:.1f} distinct" in said
        assert (
            f"against {parts.loc['before', 'value']:.1f} (difference {signed(change['value'])}, 95% interval {row('change')})"
            in said
        )
        assert f"{signed(parts.loc['due_to_ai', 'value'])}" in said.partition(").")[2]
        table = pages[""].css_first("section[aria-labelledby=varied-title] details table")
        shown = [words(line.css("td")[column]) for line in table.css("tbody tr")]
        order = ("change", "share", "within_ai", "within_human", "between", "due_to_ai")
        assert shown == [f"{signed(parts.loc[part, 'value'])} {row(part)}" for part in order]


def said_of(season):
    """The two sentences about a season's only chart."""
    (one,) = kinds_of(Weekly(season, LAST))
    return [words_in("en").say(phrase, "Radio", one) for phrase in ("kinds_finding", "drove")]


def test_too_few_weeks_and_too_few_ai_recordings_are_said():
    season = with_sound(a_season(7, size=14, charts=("radio",)))
    judged = season.verdicts["verdict"].replace({"ai": "human", "undecided": "human"})
    assert said_of(replace(season, verdicts=season.verdicts.assign(verdict=judged))) == [
        "Radio: too few AI or human recordings of one genre and time to compare how varied they sound.",
        "Radio: too few weeks on record to say what changed; eight are needed.",
    ]
    assert "too few" in said_of(replace(season, verdicts=season.verdicts.iloc[:0]))[0]
    assert kinds_of(Weekly(season, LAST))[0].judged == {}  # of forty artists in the past half are not on record


def test_weeks_that_nobody_heard_are_not_called_few():
    season = with_sound(a_season(WEEKS, size=14, charts=("radio",)))
    then = season.entries[season.entries["week"] <= (LAST - 5 * WEEK).isoformat()]["recording_id"]
    assert said_of(replace(season, vectors=season.vectors.drop(index=then.unique())))[1] == (
        "Radio: what changed cannot be said; no recording of the weeks 30 Apr – 21 May 2026, or none since, was heard and judged."
    )


# -- novelty -----------------------------------------------------------------------------------------------------------


def test_novelty_is_what_the_measure_says_and_can_be_sorted(pages, season):
    chart = season.entries[season.entries["chart"] == "radio"]
    rows = sameness(chart, LAST.isoformat(), season.vectors).set_index("recording_id")
    expected = rows["novelty"]
    now = chart[chart["week"] == LAST.isoformat()].sort_values("position")["recording_id"]
    assert 5 < expected.notna().sum() < len(now)
    named = chart.drop_duplicates("recording_id", keep="last").set_index("recording_id")
    heading = pages[""].css("#chart-1-table thead th")[5]
    assert (words(heading), heading.attributes["data-sort"]) == ("Novelty", "number")
    cells = pages[""].css("#chart-1-table td.novelty")
    for one, cell in zip(now, cells, strict=True):
        value = expected.get(one, math.nan)
        if math.isnan(value):
            assert (words(cell), cell.attributes["data-key"]) == ("–", "")
            continue
        assert words(cell) == f"{value:.2f}"
        assert float(cell.attributes["data-key"]) == pytest.approx(value, rel=1e-12)
        nearest = named.loc[rows.loc[one, "nearest"]]
        assert cell.attributes["title"] == f"nearest: {nearest['artist']} – {nearest['title']}"


def test_without_sound_nothing_is_said_of_it(tmp_path):
    page = week_page(tmp_path, a_season(WEEKS, size=12, charts=("radio",)))
    assert not page.css("section[aria-labelledby=varied-title] .pair, #sound-map-title")
    assert "AI against human recordings" not in words(page.body)
    assert not page.css("td.novelty")
    assert "Novelty is the distance" not in words(page.body)
