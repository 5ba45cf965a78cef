from __future__ import annotations

import math
import re
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from chartropy.reports.figures import (
    VARIABLES,
    Line,
    Point,
    Row,
    Series,
    key,
    over_rounds,
    over_time,
    runs,
    side_by_side,
    strip,
)

FIRST = date(2025, 11, 6)
WEEK = timedelta(weeks=1)
SVG = "{http://www.w3.org/2000/svg}"


def points(count, *, without=(), method="m"):
    return [
        Point(FIRST + WEEK * step, 0.1 + 0.01 * step, 0.05 + 0.01 * step, 0.15 + 0.01 * step, method)
        for step in range(count)
        if step not in without
    ]


def drawn(series, name="plot", **more):
    return over_time(
        series,
        name=name,
        title="A <finding>",
        unit="% of entries",
        weeks_title="week ending",
        day=lambda day, year: f"{day.day}.{day.month}" + (f"\n{day.year}" if year else ""),
        number=lambda value: f"={value:.2f}",
        tick=lambda value: f"{100 * value:g}%",
        **more,
    )


def compared(rows):
    return side_by_side(
        rows,
        name="compared",
        title="t",
        unit="%",
        legend=("now", "before"),
        nothing="not measured",
        number=lambda value: f"={value:.2f}",
        tick=lambda value: f"{value:g}",
    )


def texts(svg):
    return [node.text for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def bands(svg):
    """Bands of intervals: filled shapes that let what is behind shine through."""
    return [
        node
        for node in ElementTree.fromstring(svg).iter()
        if node.tag in (f"{SVG}path", f"{SVG}use") and "opacity: 0.18" in node.get("style", "")
    ]


def test_text_is_text_and_the_title_is_escaped():
    svg = drawn([Series("Radio", points(5))])
    assert {"% of entries", "week ending", "=0.14"} <= set(texts(svg))
    root = ElementTree.fromstring(svg)
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "A <finding>"
    assert root.get("aria-labelledby") == title.get("id")


def test_colours_are_variables_with_a_fallback():
    svg = drawn([Series("Radio", points(5)), Series("VK", points(5), 1)], stamp="SYNTHETIC")
    bare = re.sub(r"var\(--[\w-]+, #[0-9a-f]{6}\)", "", svg)
    assert not re.findall(r"(?:fill|stroke): (?!none)(?!url)[^;\"]*#", bare)
    assert {"--ink", "--quiet", "--rule", "--series-1", "--series-2"} <= set(re.findall(r"--[\w-]+", svg))
    assert len(set(VARIABLES.values())) == len(VARIABLES)


def test_a_figure_keeps_its_style_to_itself():
    svg = drawn([Series("Radio", points(5))])
    root = ElementTree.fromstring(svg)
    assert not [node for node in root.iter() if node.tag in (f"{SVG}style", f"{SVG}metadata", f"{SVG}script")]
    assert "font-family: " not in svg


def test_identifiers_carry_the_figures_name():
    ids = []
    for name in ("one", "two"):
        svg = drawn([Series("Radio", points(5))], name)
        own = re.findall(r'\bid="([^"]+)"', svg)
        assert all(found.startswith(f"{name}-") for found in own)
        used = re.findall(r'href="#([^"]+)"', svg) + re.findall(r"url\(#([^)]+)\)", svg)
        assert used
        assert set(used) <= set(own)
        ids += own
    assert len(ids) == len(set(ids))


def test_nothing_points_outside():
    svg = drawn([Series("Radio", points(5))])
    assert re.findall(r"https?://[^\"']+", svg) == ["http://www.w3.org/2000/svg"]


def test_the_same_series_gives_the_same_bytes():
    assert drawn([Series("Radio", points(9))]) == drawn([Series("Radio", points(9))])
    assert drawn([Series("Radio", points(9))]) != drawn([Series("Radio", points(8))])


@pytest.mark.parametrize(("without", "lengths"), [((), [6]), ((2,), [2, 3]), ((1, 4), [1, 2, 1])])
def test_a_missing_week_cuts_the_line(without, lengths):
    assert [len(run) for run in runs(points(6, without=without))] == lengths


def test_another_method_cuts_the_line():
    series = [*points(3, method="old"), *points(5, without=(0, 1, 2), method="new")]
    assert [len(run) for run in runs(series)] == [3, 2]
    assert list(runs([])) == []


def test_each_unbroken_run_has_a_band_of_its_own():
    assert len(bands(drawn([Series("Radio", points(6))]))) == 1
    assert len(bands(drawn([Series("Radio", points(6, without=(2,)))]))) == 2


def test_one_week_is_a_point_with_a_bar():
    svg = drawn([Series("Radio", points(1))])
    assert not bands(svg)
    assert "opacity: 0.3" in svg
    assert "opacity: 0.3" not in drawn([Series("Radio", [Point(FIRST, 0.2)])])


def test_no_interval_no_trouble():
    assert "=0.20" in texts(drawn([Series("Radio", [Point(FIRST, 0.1, math.nan, math.nan), Point(FIRST + WEEK, 0.2)])]))


def test_several_series_have_a_legend_and_markers_of_their_own():
    svg = drawn([Series("Radio", points(5)), Series("VK", points(5), 1)])
    assert {"Radio", "VK"} <= set(texts(svg))
    assert "stroke-dasharray" in svg  # the second line is dashed
    assert "stroke-dasharray" not in drawn([Series("Radio", points(5))])


def test_rounds_below_nothing_are_drawn_and_the_legend_stands_outside():
    lines = [Line("Loop", [(0, 0.0, 0.0, 0.0), (1, -0.6, -0.9, -0.2), (2, math.nan, math.nan, math.nan)])]
    svg = over_rounds(
        lines, name="r", title="t", unit="u", rounds_title="Round", tick=lambda v: f"{v:g}", null=("by chance", 0.5)
    )
    found = texts(svg)
    assert {"-0.5", "Round", "u", "by chance"} <= set(found)
    assert "2" in found  # a round has its place although nothing is known of it
    assert "Loop" not in found
    first, second = key(0, name="k0"), key(1, name="k1")
    assert 'aria-hidden="true"' in first
    assert not texts(first)
    assert "stroke-dasharray" in second
    assert "stroke-dasharray" not in first


def test_a_line_over_rounds_may_be_drawn_without_its_band():
    def drawn_with(band):
        line = Line("Loop", [(0, 1.0, 0.5, 9.0), (1, 2.0, 1.0, 9.0)], band=band)
        return over_rounds([line], name="r", title="t", unit="u", rounds_title="Round", tick=lambda v: f"{v:g}")

    assert drawn_with(True).count("<path") > drawn_with(False).count("<path")
    assert drawn_with(False).count("opacity") < drawn_with(True).count("opacity")
    reach = [max(float(text) for text in texts(drawn_with(band)) if text[0].isdigit()) for band in (True, False)]
    assert reach[0] > 5 > reach[1]  # the axis reaches as far as what is drawn


def test_the_year_stands_under_its_first_week():
    found = texts(drawn([Series("Radio", points(20))]))
    assert found.count("2025") == 1
    assert found.count("2026") == 1


def test_the_stamp_is_written():
    assert "SYNTHETIC" in texts(drawn([Series("Radio", points(5))], stamp="SYNTHETIC"))


def test_rows_beside_each_other_say_what_is_not_measured():
    now, before = points(2)[::-1]
    found = texts(compared([Row("Radio", now, before), Row("VK", None, before, 1), Row("YouTube", None, None, 2)]))
    assert found.count("not measured") == 2
    assert {"Radio", "VK", "YouTube", "=0.11", "now", "before"} <= set(found)
    assert "before" not in texts(compared([Row("Radio", now, None)]))


def test_the_strip_shows_every_place_by_height():
    svg = ElementTree.fromstring(strip([(1, "ai"), (2, "human"), (4, "unmeasured")], name="s", title="<t>"))
    marks = {node.get("class"): node for node in svg.iter(f"{SVG}rect")}
    heights = {kind: float(node.get("height", "nan")) for kind, node in marks.items()}
    assert heights["mark ai"] > heights["mark human"] > heights["mark unmeasured"] > 0
    assert [node.get("x") for node in marks.values()] == ["1", "11", "31"]
    assert svg.get("viewBox") == "0 0 40 100"
