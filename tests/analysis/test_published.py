"""Published findings and our own, on the real data: what `notebooks/published.ipynb` tells, pinned.

Numbers are kept to the digits in `docs/FINDINGS.md`; p of simulated nulls as bounds.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chartropy.analysis.diversity import hill, rarefied_hill, sample_coverage
from chartropy.analysis.trends import change_points

MODULE = Path(__file__).resolve().parents[2] / "notebooks" / "published.py"
_spec = importlib.util.spec_from_file_location("published", MODULE)
published = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(published)

pytestmark = pytest.mark.xdist_group("published")


def there(name):
    folder = published.DATA / name
    if not folder.is_dir():
        pytest.skip(f"needs the public data: {folder} is not there (CHARTROPY_SHARED names another place)")


def pinned(table, year, measure):
    row = table[(table["year"] == year) & (table["measure"] == measure)].iloc[0]
    return [row["value"], row["low"], row["high"]], row["n"]


# What needs no data


def test_holm_keeps_the_order_and_the_familys_error():
    np.testing.assert_allclose(published.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(published.holm([0.9, 0.8]), [1, 1])


def test_gini():
    assert published.gini(np.full(7, 3)) == pytest.approx(0, abs=1e-12)
    assert published.gini(np.array([0, 0, 0, 10])) == pytest.approx(0.75)


@pytest.mark.parametrize(
    "statistic", [published.top10, published.gini, sample_coverage, lambda counts: rarefied_hill(counts, 20, 0)]
)
def test_by_artist_is_the_jackknife_with_every_artist_left_out(statistic):
    counts = np.random.default_rng(0).choice([1, 2, 3, 7], 30, p=[0.5, 0.3, 0.15, 0.05])
    without = np.array([statistic(np.delete(np.sort(counts), artist)) for artist in range(30)])
    error = np.sqrt(29 / 30 * ((without - without.mean()) ** 2).sum())
    found = published.by_artist(counts, statistic)
    assert found.value == pytest.approx(statistic(counts))
    assert (found.high - found.low) / 2 == pytest.approx(2.045229642 * error)
    assert found.n == counts.sum()


def test_first_stays_begin_after_the_first_chart_and_end_at_the_first_gap():
    weeks = {"a": [0, 1, 2], "b": [1, 2, 4, 5, 6], "c": [6]}
    rows = pd.DataFrame([(key, week) for key, of_key in weeks.items() for week in of_key], columns=["key", "week"])
    place = set(zip(rows["key"], rows["week"], strict=True))
    rows["new"] = [(key, week - 1) not in place for key, week in zip(rows["key"], rows["week"], strict=True)]
    rows = rows.assign(act="x", year=1990).sample(frac=1, random_state=0)
    stays = published.first_stays(rows)
    assert dict(zip(stays["key"], stays["weeks"], strict=True)) == {"b": 2, "c": 1}


# Timbre topics


@pytest.fixture(scope="module")
def songs():
    there("hot100_topics")
    rows, aside = published.topics()
    assert (len(rows), aside) == (12528, {"rows given twice": 11})
    return rows


@pytest.fixture(scope="module")
def topics(songs):
    return published.topic_years(songs, replicates=100)


def test_effective_timbre_topics_are_those_published(songs, topics):
    quarters = topics.set_index("year")["value"].round(2)
    assert quarters[[1980, 2009, 2019]].tolist() == [7.68, 4.36, 5.20]
    # of all songs of the year alike, instead of quarters, the last one is a hundredth less
    of_songs = songs.groupby("Year")[published.TIMBRE].mean()
    assert [round(hill(of_songs.loc[year].to_numpy()), 2) for year in (1980, 2009, 2019)] == [7.68, 4.36, 5.19]


@pytest.mark.parametrize(
    ("year", "expected", "n"),
    [(1980, [7.68, 7.53, 7.83], 215), (2009, [4.36, 3.77, 4.96], 177), (2019, [5.20, 4.76, 5.64], 179)],
)
def test_effective_timbre_topics_have_intervals(songs, year, expected, n):
    found = published.effective_topics(songs[songs["Year"] == year])
    assert [found.value, found.low, found.high] == pytest.approx(expected, abs=0.01)
    assert found.n == n


def test_timbre_falls_from_1980_to_2009_but_those_years_were_picked(topics):
    measure = {"topics": published.Measure("Effective timbre topics", "topics")}
    fall = published.trends_of(topics, measure, first=1980, last=2009, replicates=999).loc["topics"]
    assert fall[["change", "low", "high"]].tolist() == pytest.approx([-3.27, -3.73, -2.81], abs=0.06)
    assert fall["n"] == 30
    assert max(fall["p_ar"], fall["p_block"], fall["p_phase"]) <= 0.005
    # over all years the curve rises and falls: noise with memory does as much
    assert published.trends_of(topics, measure, replicates=999).loc["topics", "p_ar"] > 0.05


def test_fewer_songs_are_not_why(songs):
    rng = np.random.default_rng(0)
    means = []
    for year in (1980, 2009):
        shares = songs.loc[songs["Year"] == year, published.TIMBRE].to_numpy()
        chosen = [rng.choice(len(shares), 108, replace=False) for _ in range(100)]
        means.append(np.mean([hill(shares[rows].mean(axis=0)) for rows in chosen]))
    assert means == pytest.approx([7.66, 4.36], abs=0.03)


# Russian radio


@pytest.fixture(scope="module")
def radio():
    there("tophit_annual_ru")
    rows, aside = published.tophit()
    assert aside == {
        "rows of other platforms": 2800,
        "artist unknown": 13,
        "missing of 200 in 2003": 11,
        "released after the year of the list, age taken as 0": 45,
        "rows given twice": 0,
    }
    return rows


@pytest.fixture(scope="module")
def lists(radio):
    return published.tophit_years(radio)


LISTS = {
    (2003, "languages"): ([1.683, 1.481, 1.914], 189),
    (2025, "languages"): ([2.156, 2.024, 2.297], 200),
    (2003, "russian"): ([0.741, 0.662, 0.810], 189),
    (2010, "russian"): ([0.460, 0.374, 0.548], 200),
    (2025, "russian"): ([0.465, 0.373, 0.559], 200),
    (2004, "artists2"): ([165.8, 133.7, 205.7], 200),
    (2014, "artists2"): ([394.0, 309.8, 501.1], 197),
    (2025, "artists2"): ([228.7, 176.9, 295.8], 200),
    (2014, "artists1"): ([117.77, 111.43, 124.11], 197),
    (2025, "artists1"): ([103.65, 95.41, 111.89], 200),
    (2014, "artists0"): ([125.15, 119.84, 130.46], 197),
    (2025, "artists0"): ([114.72, 107.82, 121.62], 200),
    (2014, "coverage"): ([0.377, 0.284, 0.470], 197),
    (2025, "coverage"): ([0.466, 0.367, 0.566], 200),
    (2014, "top10"): ([0.142, 0.121, 0.164], 197),
    (2025, "top10"): ([0.190, 0.169, 0.211], 200),
    (2025, "gini"): ([0.232, 0.185, 0.279], 200),
    (2004, "songs_kept"): ([0.100, 0.051, 0.174], 200),
    (2025, "songs_kept"): ([0.360, 0.274, 0.454], 200),
    (2004, "artists_kept"): ([0.485, 0.384, 0.587], 200),
    (2025, "artists_kept"): ([0.660, 0.567, 0.745], 200),
    (2003, "old"): ([0.000, 0.000, 0.019], 189),
    (2025, "old"): ([0.250, 0.175, 0.338], 200),
}


def test_23_years_of_radio(lists):
    assert set(lists["year"]) == set(range(2003, 2026))
    assert len(lists) == 23 * 9 + 22 * 2
    for (year, measure), (expected, n) in LISTS.items():
        found, entries = pinned(lists, year, measure)
        assert found == pytest.approx(expected, abs=6e-4, rel=3e-3), (year, measure)
        assert entries == n, (year, measure)


def test_of_eleven_trends_on_the_radio_one_survives(lists):
    trends = published.trends_of(lists, published.TOPHIT, replicates=1999)
    assert len(trends) == 11
    assert trends.index[trends["p_holm"] <= 0.05].tolist() == ["old"]
    assert trends.loc["old", ["change", "low", "high"]].tolist() == pytest.approx([0.220, 0.130, 0.310], abs=0.02)
    assert trends.loc["russian", "p_ar"] > 0.2
    assert trends.loc["languages", "p_ar"] > 0.2


def test_in_2010_the_lists_of_the_radio_were_drawn_up_otherwise(radio, lists):
    series = lists[lists["measure"] == "songs_kept"]
    found = change_points(series["value"].to_numpy(), series["year"].to_numpy(), replicates=500)
    assert found["time"].tolist() == [2010]
    assert found[["before", "after"]].to_numpy()[0] == pytest.approx([0.137, 0.314], abs=1e-3)
    assert found["p_adjusted"].iloc[0] < 0.02
    early = radio[radio["year"] <= 2009]
    assert (len(early), int((early["age"] >= 2).sum())) == (1389, 1)


# The Hot 100


@pytest.fixture(scope="module")
def chart():
    there("hot100")
    rows, aside = published.hot100()
    assert len(rows) == 354_874
    assert aside == {
        "second entry of one song in one week": 13,
        "weeks of 99 entries, kept": 13,
        "weeks printed again unchanged, kept": 16,
        "entries we and the source's last_week disagree on": 18,
    }
    return rows


YEARS = {
    1959: {"new": [0.1190, 0.1118, 0.1263], "acts": [256.4, 220.5, 298.2], "once": [0.089, 0.055, 0.135]},
    1975: {"new": [0.1108, 0.1048, 0.1167], "acts": [486.4, 426.0, 555.5], "top10": [0.093, 0.085, 0.102]},
    1992: {"acts": [321.5, 274.0, 377.0], "top10": [0.133, 0.121, 0.146], "once": [0.017, 0.005, 0.042]},
    2004: {"new": [0.0610, 0.0562, 0.0657], "weeks": [13.07, 12.27, 13.87], "stay": [17.06, 15.95, 18.17]},
    2025: {
        "new": [0.155, 0.135, 0.175],
        "weeks": [7.25, 6.34, 8.17],
        "acts": [91.0, 45.1, 183.5],
        "top10": [0.269, 0.179, 0.359],
        "stay": [6.08, 5.10, 7.06],
        "once": [0.442, 0.334, 0.555],
    },
}


@pytest.mark.parametrize("year", YEARS)
def test_years_of_the_hot_100(chart, year):
    table = published.hot100_years(chart, first=year, last=year)
    for measure, expected in YEARS[year].items():
        assert pinned(table, year, measure)[0] == pytest.approx(expected, abs=6e-4, rel=3e-3), measure
    assert pinned(table, year, "new")[1] == pinned(table, year, "top10")[1] == (chart["year"] == year).sum()


@pytest.fixture(scope="module")
def years(chart):
    return published.hot100_years(chart, interval=False)


@pytest.mark.slow
def test_trends_of_the_hot_100(years):
    everything = published.trends_of(years, published.HOT100, replicates=1999)
    assert set(everything["n"]) == {67}
    assert (everything["p_holm"] > 0.04).all()  # the least is .07
    assert (everything.loc[["new", "weeks", "stay", "once"], "p_ar"] > 0.3).all()
    since = published.trends_of(years, published.HOT100, first=1992, replicates=1999)
    assert set(since["n"]) == {34}
    assert since.index[since["p_holm"] <= 0.05].tolist() == ["acts", "top10"]
    assert since.loc["acts", ["change", "low", "high"]].tolist() == pytest.approx([-71.0, -82.4, -52.1], abs=2.5)
    assert since.loc["top10", ["change", "low", "high"]].tolist() == pytest.approx([0.118, 0.064, 0.171], abs=0.012)


@pytest.mark.slow
def test_breaks_of_the_hot_100(years):
    found = published.breaks_of(years, published.HOT100, most=5, replicates=999).set_index("measure")
    sure = found[found["p_holm"] <= 0.05]
    assert set(sure.index) == {"once", "top10"}
    assert abs(sure.loc["once", "time"] - 2008) <= 1
    assert sure.loc["once", ["before", "after"]].tolist() == pytest.approx([0.032, 0.401], abs=0.01)
    assert sure.loc["top10", "time"] == 2009
    # a step and a slope cannot be told apart
    beside_a_line = published.breaks_of(years, published.HOT100, most=5, null="trend", replicates=499)
    assert (beside_a_line["p_holm"] > 0.05).all()
