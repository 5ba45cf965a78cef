"""The composite rates recordings over platforms; every place can be taken apart, and no platform alone decides."""

from __future__ import annotations

import json
import math
import zlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from chartropy.charts import identity
from chartropy.charts.collect import Chart, store_gap
from chartropy.charts.composite import CHART, METHOD, SOURCE, aggregate, agreement, compose, explained, lists_of
from chartropy.charts.importing import import_file
from chartropy.charts.periods import Period
from chartropy.reports.tables import Tables
from chartropy.workspace import tables as t
from chartropy.workspace.workspace import Workspace

WEEK, BEFORE = date(2026, 7, 2), date(2026, 6, 25)


def ranked(*recordings: str) -> dict[str, int]:
    return {recording: position for position, recording in enumerate(recordings, 1)}


def one_chart(*recordings: str) -> dict[str, dict[str, int]]:
    return {"top": ranked(*recordings)}


def order(places) -> list[str]:
    return [place.recording_id for place in places]


chart = st.permutations("abcdefgh").flatmap(lambda names: st.integers(1, 8).map(lambda length: ranked(*names[:length])))
platforms = st.dictionaries(
    st.sampled_from(["radio", "vk", "yandex", "apple", "shazam"]),
    st.dictionaries(st.sampled_from(["one", "other"]), chart, min_size=1),
    min_size=2,
)
weighting = st.dictionaries(st.sampled_from(["radio", "vk", "yandex"]), st.sampled_from([0.5, 1, 2, 3]))
depths = st.integers(1, 8)


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_two_platforms_of_one_weight():
    places = aggregate({"vk": one_chart("a", "b", "c"), "radio": one_chart("b", "d")}, depth=4)
    # points of four: a 4+0, b 3+4, c 2+0, d 0+3, all over 8
    assert [(place.position, place.recording_id, place.score) for place in places] == [
        (1, "b", 7 / 8),
        (2, "a", 4 / 8),
        (3, "d", 3 / 8),
        (4, "c", 2 / 8),
    ]
    first = places[0].parts
    assert (first["vk"].positions, first["vk"].points, first["vk"].share) == ({"top": 2}, 0.75, 0.375)
    assert (first["radio"].positions, first["radio"].points, first["radio"].share) == ({"top": 1}, 1.0, 0.5)
    assert (places[1].parts["radio"].positions, places[1].parts["radio"].points) == ({}, 0.0)
    # without radio a leads; without VK there is no a at all
    assert (places[1].parts["radio"].without, places[1].parts["vk"].without) == (1, None)


def test_a_weight_of_three_outweighs_one():
    lists = {"vk": one_chart("a", "b"), "radio": one_chart("b", "a")}
    places = aggregate(lists, {"vk": 3}, depth=2)
    assert [(place.recording_id, place.score) for place in places] == [("a", 0.875), ("b", 0.625)]
    assert [part.share for part in places[0].parts.values()] == [0.75, 0.125]


def test_two_charts_of_one_platform_share_its_weight():
    places = aggregate({"vk": {"one": ranked("a", "b"), "other": ranked("c")}, "radio": one_chart("b")}, depth=2)
    # VK: a 1/2, b 1/4, c 1/2; radio: b 1
    assert [(place.recording_id, place.score) for place in places] == [("b", 0.625), ("a", 0.25)]
    assert places[0].parts["vk"].positions == {"one": 2}
    assert places[0].parts["vk"].points == 0.25


def test_depth_cuts_what_counts_and_what_comes_out():
    lists = {"vk": one_chart("a", "b", "c", "d"), "radio": one_chart("d", "c", "b", "a")}
    places = aggregate(lists, depth=2)
    assert [(place.recording_id, place.score) for place in places] == [("a", 0.5), ("d", 0.5)]
    assert places[0].parts["radio"].positions == {"top": 4}  # it stands there, and gets nothing for it
    assert places[0].parts["radio"].points == 0
    assert aggregate({"vk": {"top": {"a": 3}}}, depth=2) == []


def test_a_tie_goes_to_the_better_best_position_then_to_the_smaller_id():
    assert order(aggregate({"vk": one_chart("b", "c", "a"), "radio": one_chart("a", "c", "b")}, depth=3)) == [
        "a",
        "b",
        "c",
    ]


def test_a_best_position_on_a_platform_left_out_breaks_no_tie():
    # without VK, which y leads, x and y tie
    lists = {"vk": one_chart("y"), "radio": one_chart("p", "x", "y"), "apple": one_chart("q", "y", "x")}
    without = {place.recording_id: place.parts["vk"].without for place in aggregate(lists, depth=5)}
    assert (without["x"], without["y"]) == (1, 2)


@pytest.mark.parametrize(
    ("lists", "weights", "said"),
    [
        ({"vk": one_chart("a")}, {"vk": -1}, "negative"),
        ({"vk": one_chart("a"), "radio": one_chart("a")}, {"vk": -0.1}, "negative"),
        ({}, None, "no platform"),
        ({"vk": {}}, None, "no platform"),
        ({"vk": one_chart("a")}, {"vk": 0}, "no platform"),
    ],
)
def test_what_cannot_be_weighed_is_refused(lists, weights, said):
    with pytest.raises(ValueError, match=said):
        aggregate(lists, weights)


# -- for any lists -----------------------------------------------------------------------------------------------------


@given(platforms, weighting, depths)
def test_the_shares_of_a_place_add_up_and_explain_the_order(lists, weights, depth):
    places = aggregate(lists, weights, depth)
    assert [place.position for place in places] == list(range(1, len(places) + 1))
    assert len(places) <= depth
    for place in places:
        assert place.score == pytest.approx(sum(part.share for part in place.parts.values()), abs=1e-12)
        assert 0 <= place.score <= 1 + 1e-12
        assert set(place.parts) == set(lists)
    scores = [round(place.score, 9) for place in places]
    assert scores == sorted(scores, reverse=True)


@given(platforms, weighting, depths)
def test_without_is_the_place_in_a_composite_of_the_others(lists, weights, depth):
    places = aggregate(lists, weights, depth)
    for platform in lists:
        others = {other: charts for other, charts in lists.items() if other != platform}
        expected = ranked(*order(aggregate(others, weights, depth)))
        assert [place.parts[platform].without for place in places] == [
            expected.get(place.recording_id) for place in places
        ]


@given(platforms, weighting, depths, st.data())
def test_no_weight_is_as_good_as_not_being_there(lists, weights, depth, data):
    platform = data.draw(st.sampled_from(sorted(lists)))
    others = {other: charts for other, charts in lists.items() if other != platform}
    silent = aggregate(lists, weights | {platform: 0}, depth)
    assert silent == aggregate(others, weights, depth)
    assert silent == aggregate(others | {platform: {}}, weights, depth)


@given(platforms, weighting, depths, st.data())
def test_the_order_of_platforms_charts_and_rows_does_not_matter(lists, weights, depth, data):
    def shuffled(mapping: dict) -> dict:
        return {key: mapping[key] for key in data.draw(st.permutations(list(mapping)))}

    turned = {p: {c: shuffled(lists[p][c]) for c in shuffled(lists[p])} for p in shuffled(lists)}
    there, back = aggregate(lists, weights, depth), aggregate(turned, weights, depth)
    assert order(there) == order(back)
    for one, other in zip(there, back, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-12)
        assert {p: part.without for p, part in one.parts.items()} == {
            p: part.without for p, part in other.parts.items()
        }


@given(platforms, weighting, depths, st.sampled_from([1e-12, 0.25, 7, 1e6, 1e307]))
def test_the_scale_of_weights_does_not_matter(lists, weights, depth, scale):
    every = {platform: weights.get(platform, 1) for platform in lists}
    plain = aggregate(lists, every, depth)
    scaled = aggregate(lists, {platform: weight * scale for platform, weight in every.items()}, depth)
    assert order(plain) == order(scaled)
    assert [place.score for place in scaled] == pytest.approx([place.score for place in plain])


@given(st.permutations("abcdefgh"), weighting)
def test_platforms_that_agree_are_the_composite(names, weights):
    lists = {platform: one_chart(*names) for platform in ("radio", "vk", "yandex")}
    places = aggregate(lists, weights, 8)
    assert order(places) == list(names)
    assert all(part.without == place.position for place in places for part in place.parts.values())


# -- agreement ---------------------------------------------------------------------------------------------------------


def test_agreement_of_known_lists():
    table = agreement(
        {"one": ranked(*"abcd"), "same": ranked(*"abcd"), "turned": ranked(*"dcba"), "near": ranked(*"bacd")}
    )
    found = {(row.one, row.other): (row.tau, row.n, row.listed) for row in table.itertuples()}
    assert len(found) == 6
    assert found["one", "same"] == (pytest.approx(1), 4, 1)
    assert found["one", "turned"] == (pytest.approx(-1), 4, 1)
    assert found["one", "near"] == (pytest.approx(4 / 6), 4, 1)  # five pairs agree, one does not


@given(chart, chart)
def test_agreement_is_that_of_scipy_on_what_both_list(one, other):
    from scipy.stats import kendalltau

    row = agreement({"one": one, "other": other}).iloc[0]
    both = sorted(one.keys() & other.keys())
    assert (row["n"], row["listed"]) == (len(both), len(both) / min(len(one), len(other)))
    if len(both) < 2:
        assert math.isnan(row["tau"])
    else:
        assert row["tau"] == pytest.approx(kendalltau([one[r] for r in both], [other[r] for r in both]).statistic)


def test_agreement_of_nothing():
    assert agreement({}).empty
    assert list(agreement({"one": ranked("a")}).columns) == ["one", "other", "tau", "n", "listed"]
    row = agreement({"one": ranked("a"), "none": {}}).iloc[0]
    assert (math.isnan(row["tau"]), row["n"], math.isnan(row["listed"])) == (True, 0, True)


# -- in the database ---------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _two_charts_are_wanted(monkeypatch):
    monkeypatch.setenv("CHARTROPY_COLLECT", '["tophit", "yandex"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__CHARTS", '["radio"]')
    monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__EXPECTED_ROWS", "2")
    monkeypatch.setenv("CHARTROPY_SOURCES__YANDEX__EXPECTED_ROWS", "2")


@pytest.fixture
def put(tmp_path):
    """Import a chart: ``put(workspace, "tophit-radio", "Song A", "Song B")``."""

    def import_chart(
        workspace: Workspace, source: str, *titles: str, week: date = WEEK, country: str = "", first: int = 1
    ) -> None:
        table = [
            f"{position},{title.replace('Song', 'Artist')},{title},{country}"
            for position, title in enumerate(titles, first)
        ]
        file = tmp_path / "chart.csv"
        file.write_text("\n".join(["position,artist,title,country", *table]))
        import_file(workspace, file, source, week)

    return import_chart


@pytest.fixture
def two_weeks(workspace, put) -> Workspace:
    """Two weeks of two platforms, their composites made."""
    put(workspace, "tophit-radio", "Song Alpha", "Song Beta")
    put(workspace, "yandex-chart", "Song Beta", "Song Gamma")
    put(workspace, "tophit-radio", "Song Delta", "Song Beta", week=BEFORE)
    put(workspace, "yandex-chart", "Song Delta", "Song Epsilon", week=BEFORE)
    compose(workspace)
    return workspace


def composites(workspace: Workspace, week: date = WEEK) -> list[str]:
    """The titles of a week's composite as they are stored."""
    entry = t.entry.c
    query = select(entry.title).where(entry.source == SOURCE, entry.week == week.isoformat()).order_by(entry.position)
    with workspace.store.reading() as connection:
        return list(connection.scalars(query))


def recording_of(workspace: Workspace, title: str) -> str:
    with workspace.store.reading() as connection:
        return connection.scalars(select(t.entry.c.recording_id).where(t.entry.c.title == title)).first()


def rows(workspace: Workspace, *tables) -> list[list[tuple]]:
    with workspace.store.reading() as connection:
        return [
            [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))] for table in tables
        ]


def places(workspace: Workspace, week: date = WEEK, country: str = "ru"):
    with workspace.store.reading() as connection:
        return explained(connection, country, week)


@pytest.mark.both_databases
def test_a_composite_is_stored_with_its_page_and_comes_back_as_it_was_made(two_weeks):
    assert composites(two_weeks) == ["Song Beta", "Song Alpha", "Song Gamma"]
    with two_weeks.store.reading() as connection:
        made = aggregate(lists_of(two_weeks, connection, WEEK))
        entry = t.entry.c
        stored = connection.execute(select(t.entry).where(entry.source == SOURCE, entry.week == "2026-07-02")).all()
        pages = connection.execute(select(t.page).where(t.page.c.source == SOURCE)).all()
    back = places(two_weeks)
    assert [(row.chart, row.country, row.period, row.period_start) for row in stored] == [
        (CHART, "ru", "weekly", "2026-06-26")
    ] * 3
    assert {row.page_id for row in stored} < {row.page_id for row in pages}
    assert len(pages) == 2
    assert sorted((row.position, row.recording_id) for row in stored) == [(p.position, p.recording_id) for p in back]
    assert order(back) == order(made)
    for one, other in zip(back, made, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-8)
        for platform, part in other.parts.items():
            assert (one.parts[platform].positions, one.parts[platform].without) == (part.positions, part.without)
            assert one.parts[platform].share == pytest.approx(part.share, abs=1e-8)
    assert places(two_weeks, date(2026, 7, 9)) == []
    assert places(two_weeks, country="kz") == []


def test_composing_again_changes_nothing_and_makes_no_page(two_weeks, monkeypatch):
    monkeypatch.setenv("CHARTROPY_NOW", "2030-01-01")
    before = rows(two_weeks, t.page, t.entry, t.gap)
    assert compose(two_weeks) == []
    assert rows(two_weeks, t.page, t.entry, t.gap) == before


def test_only_the_weeks_asked_for_are_made(workspace, put):
    for week in (WEEK, BEFORE):
        put(workspace, "tophit-radio", "Song Alpha", "Song Beta", week=week)
        put(workspace, "yandex-chart", "Song Beta", "Song Gamma", week=week)
    assert [outcome.week for outcome in compose(workspace, iter([BEFORE]))] == [BEFORE]
    assert composites(workspace) == []
    assert [(outcome.week, outcome.rows, outcome.changed, outcome.gap) for outcome in compose(workspace)] == [
        (WEEK, 3, 3, "")
    ]


def test_a_week_with_one_platform_has_no_composite(workspace, put):
    put(workspace, "tophit-radio", "Song Alpha")
    put(workspace, "tophit-radio", "Song Alpha", country="kz")
    assert compose(workspace) == []
    assert places(workspace) == []
    put(workspace, "tophit-vk", "Song Alpha")
    assert len(compose(workspace)) == 1  # radio and VK are two platforms that TopHit tells of


def test_two_sources_of_one_platform_are_one(workspace, put):
    put(workspace, "tophit-yandex", "Song Alpha", "Song Beta")
    put(workspace, "yandex-chart", "Song Beta", "Song Gamma")
    assert compose(workspace) == []
    put(workspace, "tophit-radio", "Song Beta")
    compose(workspace)
    first = places(workspace)[0]
    assert set(first.parts) == {"radio", "yandex"}
    assert first.parts["yandex"].positions == {"tophit-yandex": 2, "yandex-chart": 1}


def test_a_wanted_platform_that_is_missing_or_incomplete_is_named(workspace, put, monkeypatch):
    put(workspace, "tophit-radio", "Song Alpha")
    put(workspace, "tophit-vk", "Song Alpha", "Song Beta")
    (outcome,) = compose(workspace)
    assert outcome.gap == "tophit-radio is incomplete: 1 of 2 positions; without yandex-chart: not collected"
    with workspace.store.transaction() as connection:
        store_gap(connection, Chart("yandex", "chart", "ru"), Period.week(WEEK), "not let in now", passing=True)
    (outcome,) = compose(workspace)
    assert outcome.gap.endswith("without yandex-chart: not let in now")
    with workspace.store.reading() as connection:
        stored = connection.execute(select(t.gap).where(t.gap.c.source == SOURCE)).one()
    assert (stored.week, stored.chart, stored.reason, stored.passing) == ("2026-07-02", CHART, outcome.gap, 0)
    put(workspace, "yandex-chart", "Song Beta", "Song Gamma")
    put(workspace, "tophit-radio", "Song Alpha", "Song Delta")
    (outcome,) = compose(workspace)
    assert outcome.gap == ""
    with workspace.store.reading() as connection:
        assert connection.execute(select(t.gap)).all() == []


@pytest.mark.both_databases
def test_a_merge_changes_the_composite_of_those_weeks_only(two_weeks):
    before = places(two_weeks, BEFORE)
    identity.merge(two_weeks, [recording_of(two_weeks, "Song Alpha"), recording_of(two_weeks, "Song Gamma")])
    assert [outcome.week for outcome in compose(two_weeks)] == [WEEK]
    assert places(two_weeks, BEFORE) == before
    # 100 + 99 of 200 for both now; the better best position is the same, so the id decides
    assert sorted(composites(two_weeks)) == ["Song Alpha", "Song Beta"]
    assert [place.score for place in places(two_weeks)] == pytest.approx([0.995, 0.995])
    assert len(rows(two_weeks, t.page)[0]) == 6  # four charts, two composites: what a week was before is gone


@pytest.fixture
def reopened(tmp_path, two_weeks):
    """The workspace as the next run sees it, with settings read anew."""
    opened = []

    def reopen() -> Workspace:
        opened.append(Workspace(tmp_path / "workspace"))
        return opened[-1]

    yield reopen
    for workspace in opened:
        workspace.close()


@pytest.mark.parametrize("where", ["environment", "file"])
def test_weights_of_the_settings_count(tmp_path, reopened, monkeypatch, where):
    if where == "environment":
        monkeypatch.setenv("CHARTROPY_COMPOSITE__WEIGHTS", '{"yandex": 2}')
    else:
        (tmp_path / "workspace" / "chartropy.toml").write_text("[composite.weights]\nyandex = 2\n")
    workspace = reopened()
    assert len(compose(workspace)) == 2
    assert composites(workspace) == ["Song Beta", "Song Gamma", "Song Alpha"]
    assert [round(part.share, 6) for part in places(workspace)[0].parts.values()] == [0.33, 0.666667]
    assert compose(workspace) == []


def test_a_depth_of_the_settings_counts(reopened, monkeypatch):
    monkeypatch.setenv("CHARTROPY_COMPOSITE__DEPTH", "2")
    workspace = reopened()
    compose(workspace)
    assert composites(workspace) == ["Song Beta", "Song Alpha"]


@pytest.mark.parametrize("weights", [{"yandex": 0}, {"yandex": 0, "radio": 0}])
def test_a_composite_goes_when_its_platforms_no_longer_count(reopened, monkeypatch, weights):
    monkeypatch.setenv("CHARTROPY_COMPOSITE__WEIGHTS", json.dumps(weights))
    workspace = reopened()
    assert compose(workspace, [BEFORE]) == []
    assert composites(workspace, BEFORE) == []
    assert composites(workspace) != []
    assert compose(workspace) == []
    assert composites(workspace) == []
    assert places(workspace) == []


def test_a_platform_without_weight_is_not_missed(workspace, put, monkeypatch, tmp_path):
    monkeypatch.setenv("CHARTROPY_COMPOSITE__WEIGHTS", '{"yandex": 0, "radio": 0, "zvuk": 0}')
    with workspace.store.transaction() as connection:  # one that is not wanted any more
        store_gap(connection, Chart("tophit", "zvuk", "ru"), Period.week(WEEK), "not let in now", passing=True)
    with Workspace(tmp_path / "workspace") as opened:
        put(opened, "tophit-vk", "Song Alpha", "Song Beta")
        put(opened, "tophit-shazam", "Song Alpha", "Song Beta")
        (outcome,) = compose(opened)
    assert outcome.gap == ""


def test_other_countries_other_periods_and_composites_do_not_count(two_weeks, put, tmp_path):
    before = places(two_weeks)
    put(two_weeks, "tophit-radio", "Song Zeta", "Song Eta", country="kz")
    with two_weeks.store.transaction() as connection:
        copied = dict(connection.execute(select(t.entry).where(t.entry.c.source == "yandex")).mappings().first() or {})
        copied |= {"period": "monthly", "period_end": "2026-07-31", "period_start": "2026-07-01", "week": None}
        connection.execute(t.entry.insert().values(copied))
        connection.execute(t.entry.insert().values(copied | {"period": "daily", "period_end": "2026-07-02"}))
    assert compose(two_weeks) == []
    assert places(two_weeks) == before
    with two_weeks.store.reading() as connection:
        assert set(lists_of(two_weeks, connection, WEEK)) == {"radio", "yandex"}
        assert lists_of(two_weeks, connection, date(2020, 1, 2)) == {}


def test_a_recording_that_stands_twice_counts_with_its_better_place(workspace, put):
    put(workspace, "tophit-radio", "Song Alpha", "Song Beta", "Song Alpha")
    put(workspace, "yandex-chart", "Song Beta", "Song Gamma")
    compose(workspace)
    found = {place.recording_id: place for place in places(workspace)}
    twice = found[recording_of(workspace, "Song Alpha")]
    assert (twice.parts["radio"].positions, twice.parts["radio"].points) == ({"tophit-radio": 1}, 1)
    assert composites(workspace) == ["Song Beta", "Song Alpha", "Song Gamma"]


def test_charts_that_lie_below_the_depth_make_no_composite(workspace, put):
    put(workspace, "tophit-radio", "Song Alpha", first=101)
    put(workspace, "yandex-chart", "Song Beta", first=102)
    assert compose(workspace) == []
    assert places(workspace) == []


def test_a_composite_spells_as_the_chart_does_where_it_stands_best(two_weeks):
    with two_weeks.store.transaction() as connection:
        connection.execute(
            t.entry.update()
            .where(t.entry.c.source == "yandex", t.entry.c.title == "Song Beta")
            .values(title="SONG BETA")
        )
    assert [outcome.week for outcome in compose(two_weeks)] == [WEEK]
    assert composites(two_weeks)[0] == "SONG BETA"
    assert compose(two_weeks) == []


def test_the_table_of_composites_says_what_the_pages_say(two_weeks):
    table = Tables(two_weeks).composite()
    for week in (WEEK, BEFORE):
        expected = [
            (place.position, place.recording_id, place.score, platform, part.points, part.share, part.without)
            for place in places(two_weeks, week)
            for platform, part in place.parts.items()
        ]
        chosen = table[table["week"] == week.isoformat()]
        columns = ["position", "recording_id", "score", "platform", "points", "share", "position_without"]
        found = [tuple(None if value != value else value for value in row) for row in _plain(chosen[columns])]
        assert found == expected
        assert chosen.groupby("position")["share"].sum().tolist() == pytest.approx(
            chosen.groupby("position")["score"].first().tolist(), abs=1e-8
        )
    first = table[(table["week"] == "2026-07-02") & (table["position"] == 1)]
    assert first["chart_positions"].tolist() == ["tophit-radio 2", "yandex-chart 1"]
    assert set(first["title"]) == {"Song Beta"}
    assert set(table["country"]) == {"ru"}


def _plain(table) -> list[list]:
    return table.astype(object).where(table.notna(), None).to_numpy().tolist()


def test_the_page_of_a_composite_names_method_depth_and_weights(two_weeks):
    with two_weeks.store.reading() as connection:
        body = connection.scalars(
            select(t.page.c.body).where(t.page.c.source == SOURCE, t.page.c.period_end == "2026-07-02")
        ).one()
    said = json.loads(zlib.decompress(body))
    assert (said["method"], said["depth"], said["weights"]) == (METHOD, 100, {"radio": 1, "yandex": 1})


def test_a_weight_for_a_platform_that_there_is_not_is_pointed_out(monkeypatch, workspace, caplog):
    monkeypatch.setenv("CHARTROPY_COMPOSITE__WEIGHTS", '{"radoi": 2, "vk": 2}')
    with Workspace(workspace.folder) as opened:
        compose(opened)
    assert "composite.weights.radoi: no source tells of that platform; did you mean 'radio'?" in caplog.text
    assert "weights.vk" not in caplog.text
