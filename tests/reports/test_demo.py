"""The demonstration goes through the product's own steps: what holds here holds for the whole chain, offline."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest
import soundfile
from selectolax.lexbor import LexborHTMLParser

import chartropy
from chartropy.audio.synthesize import synthesize, to_bytes
from chartropy.reports import demo
from chartropy.reports.demo import CHART, FIRST_WEEK, SIZE, WEEKS, make_songs
from chartropy.reports.tables import open_workspace
from chartropy.workspace.errors import RecordingError, SettingsError

pytestmark = pytest.mark.xdist_group("demo")  # one season is made for all

COLUMNS = {
    "entries": "source chart country week position recording_id isrc artist title",
    "recordings": "recording_id isrc artist title first_week last_week peak weeks",
    "verdicts": "recording_id isrc artist title probability verdict reason preview_provider preview_id model_version measured_at",
    "descriptors": "recording_id audio_hash extractor_version",
    "measures": "chart week measure value low high n method",
}


@pytest.fixture
def run(command_line) -> Callable[..., CompletedProcess[str]]:
    """Run a command in this process, on the workspace in a folder."""

    def run(*arguments: object, folder: Path | None = None) -> CompletedProcess[str]:
        place = ["--workspace", folder] if folder else []
        return CompletedProcess(arguments, *command_line(*arguments, *place))

    return run


@pytest.fixture(scope="module")
def season(demo_season, tmp_path_factory) -> Path:
    return shutil.copytree(demo_season, tmp_path_factory.mktemp("season") / "chartropy-demo")


@pytest.fixture
def exported(run) -> Callable[[Path, str], pd.DataFrame]:
    def exported(folder: Path, name: str) -> pd.DataFrame:
        out = folder / f"{name}.csv"
        done = run("export", name, "--out", out, folder=folder)
        assert done.returncode == 0, done.stderr
        return pd.read_csv(out)

    return exported


def test_every_position_of_every_week_is_there(season, exported):
    entries = exported(season, "entries")
    assert len(entries) == WEEKS * SIZE
    for _, chart in entries.groupby("week"):
        assert chart["position"].tolist() == list(range(1, SIZE + 1))
    assert entries["week"].min() == FIRST_WEEK.isoformat()


@pytest.mark.parametrize("name", COLUMNS)
def test_exports_have_the_columns_others_build_on(season, name, run, exported):
    table = exported(season, name)
    assert set(COLUMNS[name].split()) <= set(table.columns)
    assert len(table) > 0
    out = season / f"{name}.parquet"
    assert run("export", name, "--format", "parquet", "--out", out, folder=season).returncode == 0
    assert len(pd.read_parquet(out)) == len(table)


def test_the_detector_hears_the_decoders_and_nothing_else(season, exported):
    verdicts = exported(season, "verdicts").set_index("preview_id")["verdict"]
    made = {song.seed: song.machine_made for song in make_songs()}
    machine_made = verdicts[verdicts.index.map(made)]
    played = verdicts[~verdicts.index.map(made)]
    assert (machine_made == "ai").mean() >= 0.8
    assert (played == "ai").sum() == 0


def test_every_measure_has_its_interval_and_n(season, exported):
    measures = exported(season, "measures")
    assert measures.groupby("week")["measure"].agg(list).map(tuple).nunique() == 1
    assert {"ai_share", "cultural_entropy", "cultural_entropy.rhythm", "conserve_index"} <= set(measures["measure"])
    assert len(measures) == WEEKS * measures["measure"].nunique()
    # the synthetic platform names neither labels nor languages nor genres
    unnamed = measures["measure"].str.match("labels|languages|genres")
    assert measures[unnamed]["n"].eq(0).all()
    assert measures[~unnamed]["n"].gt(0).all()
    known = measures.dropna(subset=["value"])
    assert (known["low"] <= known["value"] + 1e-12).all()
    assert (known["value"] <= known["high"] + 1e-12).all()
    share = measures[measures["measure"] == "ai_share"].set_index("week")["value"]
    assert share.iloc[-1] > share.iloc[0]


def test_everything_says_that_it_is_synthetic(season):
    pages = list((season / "reports").rglob("*.html"))
    charted = len(list((season / "reports" / "recordings").iterdir()))
    assert len(pages) == WEEKS + 1 + charted > 2 * WEEKS
    for page in pages:
        tree = LexborHTMLParser(page.read_bytes())
        assert "synthetic" in tree.css_first("title").text().lower()
        assert "synthetic" in tree.css_first("body").text()[:600].lower()
    for table in (season / "reports").rglob("*.csv"):
        text = table.read_text("utf-8")
        assert text.count("\n") == 1 or "synthetic" in text.lower(), table


def test_the_audio_is_gone(season):
    assert list((season / "audio").iterdir()) == []


def test_a_second_run_changes_no_row(season, run, exported):
    before = {name: exported(season, name) for name in COLUMNS}
    assert run("demo", "--out", season).returncode == 0
    for name, table in before.items():
        pd.testing.assert_frame_equal(exported(season, name), table)


def test_status_names_every_week(season, run):
    said = run("status", folder=season).stdout
    assert f"{WEEKS} weeks, {WEEKS * SIZE} entries" in said
    assert FIRST_WEEK.isoformat() in said


def test_a_notebook_gets_tables_and_helpful_words(season):
    with chartropy.open_workspace(season) as tables:
        assert str(season) in repr(tables)
        assert len(tables.entries()) == WEEKS * SIZE
        recording = tables.verdicts()["recording_id"].iloc[0]
        assert isinstance(tables.evidence(recording), dict)
        with pytest.raises(KeyError, match="no verdict on 'nobody'"):
            tables.evidence("nobody")
        for name in COLUMNS:
            assert getattr(tables, name).__doc__


def test_a_folder_of_real_charts_is_left_alone(tmp_path, run):
    page = tmp_path / "chart.csv"
    page.write_text("position,artist,title\n1,Someone,Something\n", "utf-8")
    done = run("import", page, "--source", "tophit-radio", "--week", "2026-07-02", folder=tmp_path / "real")
    assert done.returncode == 3  # one position of a hundred: a gap
    done = run("demo", "--out", tmp_path / "real")
    assert done.returncode == 2
    assert "real charts" in done.stderr


def test_recordings_are_described_again_only_when_missing(season, tmp_path, run, exported):
    copy = tmp_path / "copy"
    shutil.copytree(season, copy)
    with chartropy.open_workspace(copy) as tables, tables.workspace.store.transaction() as connection:
        gone = connection.exec_driver_sql("SELECT sha256 FROM descriptor ORDER BY sha256 LIMIT 1").scalar()
        connection.exec_driver_sql("DELETE FROM descriptor WHERE sha256 = ?", (gone,))
    assert run("demo", "--out", copy).returncode == 0
    pd.testing.assert_frame_equal(exported(copy, "descriptors"), exported(season, "descriptors"))


def test_songs_are_drawn_the_same_every_time():
    assert demo.make_songs() == demo.make_songs()
    assert len({song.title for song in make_songs()}) == len(make_songs())
    assert CHART.source == "synthetic"


# -- single files ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path) -> Path:
    rng = np.random.default_rng(1)
    soundfile.write(tmp_path / "noise.wav", rng.normal(0, 0.1, (44_100 * 12, 2)), 44_100)
    (tmp_path / "inner").mkdir()
    soundfile.write(tmp_path / "inner" / "silent.flac", np.zeros(44_100 * 12), 44_100)
    soundfile.write(tmp_path / "short.wav", rng.normal(0, 0.1, 44_100), 44_100)
    (tmp_path / "empty.mp3").write_bytes(b"")
    (tmp_path / "page.m4a").write_bytes(b"<!doctype html><title>Sign in</title>")
    (tmp_path / "notes.txt").write_text("not audio, not looked at", "utf-8")
    return tmp_path


def test_describe_gives_a_row_for_every_file_and_a_reason_for_the_bad(folder, run):
    out = folder / "out.csv"
    done = run("describe", folder, "--out", out)
    assert done.returncode == 3
    table = pd.read_csv(out).set_index("path")
    assert len(table) == 5
    assert "0 bytes" in table.loc[str(folder / "empty.mp3"), "problem"]
    assert "HTML" in table.loc[str(folder / "page.m4a"), "problem"]
    assert "empty.mp3" in done.stderr
    assert table.loc[str(folder / "noise.wav"), "timbre.flatness.mean"] > 0.3
    silent = table.loc[str(folder / "inner" / "silent.flac")]
    assert np.isnan(silent["timbre.centroid.mean"])
    assert "silent: every sample is zero" in silent["missing"]


def test_describe_writes_parquet_by_suffix(folder, run):
    out = folder / "out.parquet"
    assert run("describe", folder / "noise.wav", "--out", out).returncode == 0
    assert len(pd.read_parquet(out)) == 1


def test_detect_refuses_what_cannot_be_judged_and_says_why(folder, run):
    out = folder / "verdicts.csv"
    done = run("detect", folder, "--out", out)
    assert done.returncode == 3
    table = pd.read_csv(out).set_index("path")
    assert (
        table.loc[[str(folder / "short.wav"), str(folder / "inner" / "silent.flac")], "verdict"] == "unmeasured"
    ).all()
    assert "silent" in table.loc[str(folder / "inner" / "silent.flac"), "reason"].lower()
    assert f"{folder / 'inner' / 'silent.flac'}: " in done.stderr
    assert table.loc[str(folder / "noise.wav"), "verdict"] != "unmeasured"
    assert table["reason"].str.len().gt(10).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["describe", "nowhere.mp3"], "no such file"),
        (["detect", "nowhere"], "no such file"),
        (["detect", "https://example.org/a.mp3"], "a URL; only files on this machine are read here"),
        (["describe", ".", "--out", "x.xlsx"], "write .csv or .parquet"),
        (["export", "everything"], "choose one of entries"),
        (["export", "entries", "--format", "parquet"], "--out FILE.parquet"),
        (["weekly", "--week", "yesterday"], "--week"),
        (["weekly", "--week", "2999-01-01"], "is not over"),
        (["import", "x.html"], "--source"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_wrong_usage_is_named_and_exits_with_2(arguments, said, tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_no_workspace_is_said_plainly(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    done = run("status")
    assert done.returncode == 1
    assert "no workspace" in done.stderr
    assert not (tmp_path / "chartropy-data").exists()


def test_every_command_has_help(run):
    listed = run("--help").stdout
    for command in "demo weekly collect analyze report import describe detect export status".split():
        assert command in listed
        said = run(command, "--help")
        assert said.returncode == 0
        assert len(said.stdout.split("Options")[0]) > 60, command


def test_the_card_of_the_detector_is_shipped_with_its_figures():
    card = json.loads(
        (Path(chartropy.reports.__file__).parent.parent / "analysis" / "detector.json").read_text("utf-8")
    )
    assert card["model_version"]


# -- what an analyst asks ----------------------------------------------------------------------------------------------


DEMO = ("synthetic", "demo")
ABOUT = ("source", "chart", "country", "first", "last")


@pytest.fixture(scope="module")
def tables(season):
    with open_workspace(season) as opened:
        yield opened


def test_trends_have_intervals_named_nulls_and_are_adjusted(tables):
    found = tables.trend(source="synthetic")
    assert {"p", "p_block", "p_phase", "p_adjusted"} <= set(found.columns)
    tested = found.dropna(subset=["p"])
    assert tested["n"].eq(WEEKS).all()
    assert (tested["low"] <= tested["slope"]).all()
    assert (tested["p_adjusted"] >= tested["p"] - 1e-12).all()
    share = tables.trend("ai_share").iloc[0]
    assert share["slope"] > 0
    assert share["change_low"] < share["change"] < share["change_high"]
    with pytest.raises(SettingsError, match="no chart 'radio' here: there is demo"):
        tables.trend(chart="radio")
    with pytest.raises(
        SettingsError, match="artists has a number in no week; in the last one: no estimate: fewer than 5"
    ):
        tables.trend("artists")
    with pytest.raises(SettingsError, match="'2026-13-20' is no day: give one as 2026-06-25"):
        tables.sameness(*DEMO, "2026-13-20")


def test_breaks_name_their_null(tables):
    found = tables.change_points("ai_share", null="trend")
    assert found["null"].eq("trend").all()
    assert found["p_adjusted"].between(0, 1).all()
    assert set(found["week"]) <= set(tables.measures()["week"])


def test_a_change_is_taken_apart(tables):
    weeks = sorted(tables.measures()["week"].unique())
    found = tables.decompose(*DEMO, (weeks[0], weeks[1]), (weeks[-2], weeks[-1])).set_index("quantity")
    parts = found.loc[["share", "within_ai", "within_human", "between"], "value"]
    assert parts.sum() == pytest.approx(found.loc["change", "value"], rel=1e-9)
    assert found.loc["ai_share_after", "value"] > found.loc["ai_share_before", "value"]
    entropy = tables.measures().query("measure == 'cultural_entropy'").set_index("week")["value"]
    alone = tables.decompose(*DEMO, weeks[0], weeks[-1]).set_index("quantity")["value"]
    assert alone["before"] == pytest.approx(entropy[weeks[0]], rel=1e-6)
    assert alone["after"] == pytest.approx(entropy[weeks[-1]], rel=1e-6)
    with pytest.raises(SettingsError, match="no recording of synthetic demo none from 2020-01-02 to 2020-01-02"):
        tables.decompose(*DEMO, "2020-01-01", weeks[0])
    with pytest.raises(SettingsError, match="ends before it begins"):
        tables.decompose(*DEMO, (weeks[1], weeks[0]), weeks[-1])
    before = f"before {weeks[0]}..{weeks[2]} and after"
    with pytest.raises(SettingsError, match=rf"{before} {weeks[2]}\.\.{weeks[3]} share weeks: give two periods"):
        tables.decompose(*DEMO, (weeks[0], weeks[2]), (weeks[2], weeks[3]))
    with pytest.raises(SettingsError, match=rf"before {weeks[3]}\.\.{weeks[3]} and after .* are the wrong way round"):
        tables.decompose(*DEMO, weeks[3], weeks[0])
    with pytest.raises(SettingsError, match="not 'tempo'"):
        tables.decompose(*DEMO, weeks[0], weeks[-1], measure="tempo")


def test_each_track_is_held_against_the_past(tables):
    week = tables.measures()["week"].max()
    found = tables.sameness(*DEMO, week)
    assert found["position"].tolist() == list(range(1, SIZE + 1))
    assert found["percentile"].between(0, 1).all()
    assert (found["nearest"] != found["recording_id"]).all()
    assert (found["nearest_artist"] != found["artist"]).all()
    assert found["nearest_distance"].gt(0).all()
    assert found["past"].nunique() == 1
    with pytest.raises(
        SettingsError, match="synthetic demo has no entries in the week to 2020-01-02; there are some from 2026"
    ):
        tables.sameness(*DEMO, "2020-01-01")


def test_a_persisting_track_is_one_trial(tables):
    weeks = sorted(tables.measures()["week"].unique())
    found = tables.pooled_share(*DEMO, weeks[0], weeks[-1]).set_index("of")
    entries = tables.entries()
    assert found.loc["recordings", "n"] == entries["recording_id"].nunique()
    assert found.loc["entries", "n"] == len(entries)
    assert found.loc["entries", "low"] < found.loc["entries", "value"] < found.loc["entries", "high"]
    assert found[list(ABOUT)].drop_duplicates().to_numpy().tolist() == [[*DEMO, "none", weeks[0], weeks[-1]]]


def test_ai_and_human_tracks_are_compared(tables):
    weeks = sorted(tables.measures()["week"].unique())
    found = tables.compare(*DEMO, weeks[0], weeks[-1]).set_index("quantity")
    assert found.loc["dispersion_ratio", "low"] < found.loc["dispersion_ratio", "value"]
    assert 0 < found.loc["location_r2", "p"] <= 1
    assert found.loc["kernel_distance", "n"] > 20
    assert found.columns[:5].tolist() == list(ABOUT)
    assert found[list(ABOUT)].drop_duplicates().to_numpy().tolist() == [[*DEMO, "none", weeks[0], weeks[-1]]]
    reach = ["precision", "recall", "density", "coverage"]
    assert found.loc["dispersion_ratio", "expected"] == 1
    assert found.loc["kernel_distance", "expected"] == 0
    assert 0 < found.loc["location_r2", "expected"] < 0.5
    assert found.loc[reach, ["expected", "p"]].notna().all(axis=None)
    assert found.loc[["dispersion_ai", "dispersion_human"], ["expected", "p"]].isna().all(axis=None)
    assert found["method"].str.contains(r"of those called AI \d").all()
    assert found.loc[reach, "method"].str.endswith("that draws it towards what is expected").all()
    # in the first week there may be too few AI tracks: then a reason stands there, and no error
    first = tables.compare(*DEMO, weeks[0])
    assert first["value"].notna().all() or first.loc[first["value"].isna(), "method"].str.contains("no estimate").all()


def test_every_table_is_drawn_in_one_call(tables):
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    weeks = sorted(tables.measures()["week"].unique())
    for draw, table in (
        (chartropy.plot_entries, tables.entries()),
        (chartropy.plot_measures, tables.measures().query("measure == 'cultural_entropy'")),
        (chartropy.plot_trend, tables.trend()),
        (chartropy.plot_decompose, tables.decompose(*DEMO, weeks[0], weeks[-1])),
    ):
        _, ax = pyplot.subplots()
        assert draw(table, ax) is ax
        assert ax.get_title(loc="left")
        assert ax.get_xlabel()
        pyplot.close("all")
    with pytest.raises(ValueError, match="one measure is drawn at a time"):
        chartropy.plot_measures(tables.measures())


def test_power_says_how_long_to_watch(season, run):
    shown = run("power", "--measure", "diversity.mean_distance", "--change", "20", "--change", "100", folder=season)
    assert shown.returncode == 0
    assert "20% per year" in shown.stdout
    assert "weeks until a trend test at .05 sees the change" in shown.stdout
    given = run("power", "--sd", "5", "--autocorrelation", "0", "--change", "20", folder=season)
    weeks = int(given.stdout.splitlines()[1].split()[-1])
    assert 20 < weeks < 60
    assert "an autocorrelation of 0, known for certain" in given.stdout
    for wrong, said in (
        (("--change", "0"), "give a change other than 0"),
        (("--change", "nan"), "give a change other than 0"),
        (("--sd", "nan"), "give a spread above 0"),
        (("--sd", "-1"), "give a spread above 0"),
        (("--sd", "5", "--chart", "demo"), "--chart is about measured charts, and --sd about none"),
        (("--autocorrelation", ".5"), "--autocorrelation is for --sd"),
    ):
        refused = run("power", *wrong, folder=season)
        assert refused.returncode == 2
        assert said in refused.stderr
    out = season / "power.csv"
    run("power", "--measure", "diversity.mean_distance", "--change", "20", "--out", out, folder=season)
    needed = pd.read_csv(out).iloc[0]
    assert needed["weeks_low"] <= needed["weeks"]
    constant = run("power", "--measure", "unmeasured", folder=season)
    assert "unknown: it never changed" in constant.stdout
    unknown = run("power", "--measure", "nonsense", folder=season)
    assert unknown.returncode == 2
    assert "no measure 'nonsense' here: there is ai_flagged" in unknown.stderr


def test_decompose_and_sameness_write_tables(season, run, exported):
    weeks = sorted(exported(season, "measures")["week"].unique())
    options = ("--source", "synthetic", "--chart", "demo")
    out = season / "parts.csv"
    done = run(
        "decompose", *options, "--before", f"{weeks[0]}..{weeks[1]}", "--after", weeks[-1], "--out", out, folder=season
    )
    assert done.returncode == 0, done.stderr
    assert "due_to_ai" in pd.read_csv(out)["quantity"].tolist()
    ends = ("--before", weeks[0], "--after", weeks[-1])
    done = run("decompose", *options, *ends, "--seed", "3", "--replicates", "200", "--out", out, folder=season)
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(out)["method"].str.contains("200 replicates, seed 3").all()
    assert run("decompose", *options, *ends, "--replicates", "5", folder=season).returncode == 2
    wrong = run("decompose", *options, "--before", "last week", "--after", weeks[-1], folder=season)
    assert wrong.returncode == 2
    assert "--before last week: give a day as 2026-01-01" in wrong.stderr
    done = run("sameness", *options, "--out", season / "same.csv", folder=season)
    assert done.returncode == 0, done.stderr
    same = pd.read_csv(season / "same.csv")
    assert len(same) == SIZE
    assert same[["source", "chart", "week"]].drop_duplicates().values.tolist() == [["synthetic", "demo", weeks[-1]]]


def test_an_export_can_be_of_one_measure_of_one_chart(season, run):
    one = ("--measure", "ai_share", "--source", "synthetic", "--chart", "demo", "--country", "xx")
    trend = pd.read_csv(StringIO(run("export", "trend", *one[:2], folder=season).stdout))
    assert trend["p_adjusted"].tolist() == trend["p"].tolist()  # one test is no family
    assert set(pd.read_csv(StringIO(run("export", "measures", *one[:6], folder=season).stdout))["measure"]) == {
        "ai_share"
    }
    wrong = run("export", "measures", *one, folder=season)
    assert wrong.returncode == 2
    assert "no country 'xx' here: there is" in wrong.stderr
    wrong = run("export", "recordings", *one[:2], folder=season)
    assert "recordings has no column 'measure'" in wrong.stderr


def test_a_workspace_that_nobody_closes_keeps_no_connection(season):
    opened = open_workspace(season)
    engine = opened.workspace.store.engine
    opened.measures()
    assert engine.pool.checkedin()
    del opened
    gc.collect()
    assert not engine.pool.checkedin()


def test_an_interval_beyond_the_picture_has_an_arrow(tables):
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    trend = tables.trend().query("n == @WEEKS").dropna(subset=["change"]).reset_index(drop=True)
    assert len(trend) > 3
    trend.loc[0, ["change_low", "change_high"]] = -1e4 * trend.loc[0, "mean"], 1e4 * trend.loc[0, "mean"]
    ax = chartropy.plot_trend(trend)
    assert {"<", ">"} <= {line.get_marker() for line in ax.lines}
    pyplot.close("all")


def test_all_that_is_known_of_a_recording(tables):
    recordings = tables.recordings().sort_values(["first_week", "peak", "recording_id"])
    late = recordings.iloc[-1]
    found = tables.recording(late["recording_id"][:10])
    assert found.recording_id == late["recording_id"]
    assert late["artist"] in repr(found)
    assert found.names["source"].tolist() == ["synthetic"]
    assert found.history["week"].nunique() == late["weeks"]
    assert found.history["position"].min() == late["peak"]
    assert found.evidence.verdict == tables.verdicts().set_index("recording_id").loc[late["recording_id"], "fused"]
    # what came before it, by others, the most alike first
    assert (found.alike["first_week"] < late["first_week"]).all()
    assert late["artist"] not in set(found.alike["artist"])
    assert found.alike["distance"].is_monotonic_increasing
    assert len(found.alike) == 10
    tempo = found.descriptors.loc["rhythm.tempo.bpm"]
    vectors = tables.descriptors().set_index("recording_id")["rhythm.tempo.bpm"]
    entries = tables.entries()
    chart = vectors[entries[entries["week"] == late["last_week"]]["recording_id"]].dropna()
    assert tempo["value"] == vectors[late["recording_id"]]
    assert tempo["of"] == len(chart)
    below = (chart < tempo["value"]).sum() + (chart == tempo["value"]).sum() / 2
    assert tempo["percentile"] == pytest.approx(100 * below / len(chart))
    assert tempo["median"] == pytest.approx(chart.median())
    first = tables.recording(recordings.iloc[0]["recording_id"])
    assert first.alike.empty
    with pytest.raises(RecordingError, match="no such recording"):
        tables.recording("nobody")


def test_what_the_detector_reads_is_drawn(tmp_path):
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    machine = tmp_path / "machine.flac"
    machine.write_bytes(to_bytes(synthesize(5, machine_made=True), "FLAC"))
    explained = chartropy.explain_file(machine)
    ax = chartropy.plot_evidence(explained)
    assert "machine.flac: ai" in ax.get_title(loc="left")
    marks = next(line for line in ax.lines if line.get_marker() == "v")
    assert np.median(marks.get_ydata()) > 3  # dB: the lines stand out
    short = tmp_path / "short.flac"
    soundfile.write(short, np.zeros(4410), 44100)
    with pytest.raises(ValueError, match=r"short\.flac was not measured"):
        chartropy.plot_evidence(chartropy.explain_file(short))
    pyplot.close("all")


def test_no_real_chart_goes_beside_what_is_made_up(demo_season, tmp_path, command_line):
    folder, chart = shutil.copytree(demo_season, tmp_path / "demo"), tmp_path / "chart.csv"
    chart.write_text("position,artist,title,week\n1,Zivert,Life,2026-02-12\n", encoding="utf-8")
    code, _, complaint = command_line("import", chart, "--source", "club-top", "--workspace", folder)
    assert code == 2
    assert "holds the made-up charts of `chartropy demo`: choose another folder for club." in complaint
    with open_workspace(folder) as season:
        assert set(season.entries()["source"]) == {"synthetic"}


def test_no_report_is_written_of_a_week_that_nobody_looked_at(demo_season, tmp_path, command_line):
    folder = shutil.copytree(demo_season, tmp_path / "demo")
    code, _, complaint = command_line("report", "--week", "2020-01-01", "--workspace", folder)
    assert code == 2
    assert "Nothing is known of the week that ends on 2020-01-02" in complaint
    assert not (folder / "reports" / "2020-01-02").exists()
