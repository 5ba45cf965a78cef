"""A chart's drift to its mean, from tables as a workspace has them."""

import numpy as np
import pandas as pd
import pytest

from chartropy.analysis.measures import load_space
from chartropy.reports.mediocrity import drift_of_chart
from chartropy.reports.tables import open_workspace
from chartropy.workspace.errors import SettingsError

KEY = ("one", "top", "xx")
WEEKS = 26


@pytest.fixture(scope="module")
def season():
    """Twenty recordings a week, six of them new; another chart with others; later newcomers are AI-made by a third."""
    rng = np.random.default_rng(0)
    space = load_space()
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2026-01-01", periods=WEEKS, freq="7D")]
    rows = []
    for source, step in (("one", 6), ("other", 3)):
        for week, day in enumerate(days):
            for place in range(20):
                number = week * step + place
                about = (source, "top", "xx", day, place + 1, f"{source}{number}", f"{source} artist {number}")
                rows.append(about)
    columns = ["source", "chart", "country", "week", "position", "recording_id", "artist"]
    entries = pd.DataFrame(rows, columns=columns)
    ids = sorted(entries["recording_id"].unique())
    made = np.array([one.startswith("one") and int(one[3:]) > 100 and int(one[3:]) % 3 == 0 for one in ids])
    scale = np.where(made, 0.2, 1.0)[:, None] * space.scales
    vectors = pd.DataFrame(space.centers + scale * rng.standard_normal((len(ids), len(space.names))), ids, space.names)
    verdicts = pd.DataFrame({"recording_id": ids, "verdict": np.where(made, "ai", "human")})
    return entries, verdicts, vectors


@pytest.fixture(scope="module")
def found(season):
    return drift_of_chart(*season, KEY, weeks=6, block=3, replicates=100, seed=0)


def test_one_table_tells_all_of_it(season, found):
    whole = found[found["week"].isna()].set_index("quantity")
    assert whole.index.is_unique
    for name in ("ratio", "baseline_ratio", "tail_90", "tail_90.timbre", "ratio.without_ai", "ratio.replaced"):
        assert whole.loc[name, "low"] <= whole.loc[name, "value"] <= whole.loc[name, "high"], name
    assert whole.loc["tail_90", "expected"] == pytest.approx(0.1)
    assert whole.loc["ratio.due_to_ai", "value"] < 0
    newcomers = WEEKS * 6 - 6  # those of the first week came nobody knows when
    assert whole.loc["ratio", "n"] == newcomers - 6 * 6
    series = found[found["week"].notna()]
    assert set(series["quantity"]) == {
        "distance",
        "tail_90",
        *(f"tail_90.{side}" for side in ("timbre", "rhythm", "harmony", "structure")),
    }
    assert series["week"].min() == "2026-02-19"


def test_the_order_of_entries_does_not_matter(season, found):
    entries, verdicts, vectors = season
    mixed = (entries.sample(frac=1, random_state=1), verdicts.sample(frac=1, random_state=2), vectors)
    again = drift_of_chart(*mixed, KEY, weeks=6, block=3, replicates=100, seed=0)
    pd.testing.assert_frame_equal(found, again)


def test_nothing_heard_says_why(season):
    entries, verdicts, vectors = season
    nothing = drift_of_chart(entries, verdicts, vectors.iloc[:0], KEY, weeks=6, block=3, replicates=100, seed=0)
    assert nothing["value"].isna().all()
    assert "was heard" in nothing["method"][0]


def test_nothing_judged_says_why(season):
    entries, verdicts, vectors = season
    nothing = drift_of_chart(entries, verdicts.iloc[:0], vectors, KEY, weeks=60, block=3, replicates=100, seed=0)
    assert "was judged" in nothing.set_index("quantity")["method"]["ratio.without_ai"]


def test_the_demo_is_too_short_and_says_so(demo_season, command_line, tmp_path):
    options = ("--source", "synthetic", "--chart", "demo", "--workspace", demo_season)
    code, said, complaint = command_line("mediocrity", *options, "--out", tmp_path / "drift.csv")
    assert code == 3, said
    assert "No row has a number; 21 of 44: all 20 recordings are the baseline's" in complaint
    assert "Fewer --weeks may help" in complaint
    drift = pd.read_csv(tmp_path / "drift.csv").set_index("quantity")
    assert "8 are needed" in drift.loc["ratio", "method"]
    assert drift["value"].isna().all()
    for name in ("baseline_ratio", "tail_90", "tail_95", "tail_99.timbre", "tail_90.change", "ratio.without_ai"):
        assert drift.loc[name, "method"].startswith("no estimate: "), name
    assert "fewer --weeks" in drift.loc["tail_90", "method"]
    assert "8 are needed: a longer chart" in drift.loc["ratio", "method"]  # six weeks of newcomers, whatever the window
    assert drift["method"].str.contains("20 more, heard in the chart's first stored week, are left out").all()
    assert drift.loc["tail_90", "expected"] == 0.1
    with open_workspace(demo_season) as tables, pytest.raises(SettingsError, match="weeks must be 1 or more"):
        tables.mediocrity("synthetic", "demo", weeks=0)
