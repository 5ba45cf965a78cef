import csv
import io

import numpy as np
import pandas as pd
import pytest
import soundfile

import chartropy
from chartropy.analysis.critic import CATEGORIES
from chartropy.analysis.measures import load_space
from chartropy.audio.synthesize import synthesize
from chartropy.features.spectra import RATE
from chartropy.reports.catalogue import describe_files
from chartropy.reports.critic import judge_chart, shares
from chartropy.workspace.errors import SettingsError

DEMO = ("synthetic", "demo")
WEEKS = ["2024-01-04", "2026-01-01", "2026-01-08"]
NUMBERS = ["probability", "unseen", "ambiguity", "percentile", "belonging"]


@pytest.fixture(scope="module")
def season():
    """A week long ago, one of forty tracks of two genres, and one of which half are new; descriptors of all."""
    rng = np.random.default_rng(0)
    space = load_space()
    rows = [(WEEKS[0], n, f"old {n}", "old") for n in range(1, 41)]
    rows += [(WEEKS[1], n, f"r{n}", "pop" if n % 2 else "folk, pop") for n in range(1, 61)]
    rows += [(WEEKS[2], n, f"r{n}" if n <= 20 else f"new {n}", None) for n in range(1, 41)]
    entries = pd.DataFrame(rows, columns=["week", "position", "recording_id", "genres"])
    entries["artist"] = entries["title"] = entries["recording_id"]
    entries["source"], entries["chart"], entries["country"] = "s", "c", "xx"
    made = sorted(set(entries["recording_id"]))
    values = rng.normal(space.centers, space.scales, (len(made), len(space.names)))
    vectors = pd.DataFrame(values, index=made, columns=list(space.names))
    folk = [f"r{n}" for n in range(2, 61, 2)] + ["new 22", "new 23"]
    vectors.loc[folk] += 0.6 * space.scales
    return entries, vectors


def test_a_week_is_judged_by_the_year_before_without_what_stays(season):
    entries, vectors = season
    judged = judge_chart(entries, vectors.drop(index="new 40"), WEEKS[2], replicates=0)
    assert judged.critic.styles == ("folk", "pop")  # the first genres named, and nothing of two years ago
    assert sorted(judged.critic.reference.index) == sorted(f"r{n}" for n in range(21, 61))
    tracks = judged.tracks.set_index("recording_id")
    assert tracks["position"].tolist() == list(range(1, 41))
    assert tracks.drop(index="new 40")[[*NUMBERS, "category"]].notna().all(axis=None)
    assert tracks.loc["new 40", [*NUMBERS, "category", "method"]].isna().all()  # it was not heard
    assert tracks.loc[["new 22", "new 23"], "style"].tolist() == ["folk", "folk"]
    [method] = tracks["method"].dropna().unique()
    assert method.startswith("2 styles given; 40 recordings of 40 artists; log loss 0.")
    assert "0.69 for one who does not listen; calibration error 0." in method


def test_an_artist_is_never_judged_by_its_own_tracks(season):
    entries, vectors = season
    entries, vectors = entries.copy(), vectors.copy()
    album = [f"r{n}" for n in range(50, 56)]
    entries.loc[entries["recording_id"].isin(album), "artist"] = "A"
    vectors.loc[album] = vectors.loc["r50"].to_numpy() + 4 * load_space().scales  # like nothing else but the next
    vectors.loc["new 30"] = vectors.loc["r50"]
    apart = judge_chart(entries, vectors, WEEKS[2], replicates=0).tracks.set_index("recording_id")
    entries.loc[entries["recording_id"] == "new 30", "artist"] = "somebody, A"
    own = judge_chart(entries, vectors, WEEKS[2], replicates=0).tracks.set_index("recording_id")
    assert own.loc["new 30", "belonging"] < 0.05
    assert apart.loc["new 30", "belonging"] > 0.1


def test_without_genres_styles_are_named_after_recordings(season):
    entries, vectors = season
    judged = judge_chart(entries.assign(genres=None), vectors, WEEKS[2], replicates=0)
    assert "clusters, by the Bayesian information criterion" in judged.critic.method
    assert judged.tracks["style"].str.match(r"like r\d+ - r\d+").all()


def test_shares_are_of_what_the_detector_calls_ai_and_human(season):
    entries, vectors = season
    judged = judge_chart(entries, vectors, WEEKS[2], replicates=0)
    verdicts = pd.DataFrame({"recording_id": judged.tracks["recording_id"]})
    verdicts["verdict"] = ["ai"] * 10 + ["undecided"] * 5 + ["human"] * 25
    found = shares(judged, verdicts)
    assert found.groupby("kind")["n"].unique().map(list).to_dict() == {"ai": [10], "human": [25]}
    assert found.groupby("kind")["value"].sum().tolist() == pytest.approx([1, 1])
    assert found.groupby("kind")["expected"].sum().tolist() == pytest.approx([1, 1])
    assert found["category"].tolist() == [*CATEGORIES, *CATEGORIES]


def test_what_is_too_little_is_said(season):
    entries, vectors = season
    with pytest.raises(
        SettingsError, match="year before the week to 2026-01-01 is too little to judge by: .* has 0 art"
    ):
        judge_chart(entries, vectors, WEEKS[1])
    with pytest.raises(SettingsError, match="too little"):
        judge_chart(entries, vectors.iloc[:0], WEEKS[2])


# -- the demonstration, the command line -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_the_demonstration(demo_season, command_line):
    with chartropy.open_workspace(demo_season) as tables:
        found = tables.critic(*DEMO, replicates=100)
        counted = tables.critic_shares(*DEMO)
    assert found["category"].isin(CATEGORIES).all()
    for name in ("ambiguity", "percentile", "belonging"):
        assert found[name].between(found[f"{name}_low"] - 1e-12, found[f"{name}_high"] + 1e-12).all()
    assert set(found["verdict"]) <= {"ai", "human", "undecided"}
    assert counted.groupby("kind")["n"].first().sum() == found["verdict"].isin(["ai", "human"]).sum()
    code, said, _ = command_line("critic", "--source", DEMO[0], "--chart", DEMO[1], "--shares", "-w", demo_season)
    written = pd.read_csv(io.StringIO(said.lstrip("\ufeff")))
    assert (code, written["category"].tolist()) == (0, counted["category"].tolist())
    code, _, complaint = command_line(
        "critic", "--source", DEMO[0], "--chart", DEMO[1], "--week", "2019-01-03", "-w", demo_season
    )
    assert (code, "synthetic demo has no entries in the week to 2019-01-03; there are some from" in complaint) == (
        2,
        True,
    )
    code, _, complaint = command_line("critic", "--source", "synthetic", "--chart", "no", "-w", demo_season)
    assert (code, "no chart 'no' here: there is demo" in complaint) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Give files and --reference, or --source and --chart; not both"),
        (("song.wav",), "Give files and --reference, or --source and --chart; not both"),
        (("song.wav", "--reference", "list.csv", "--source", "a", "--chart", "b"), "Give files and --reference, or"),
        (("song.wav", "--reference", "list.csv", "--week", "2026-01-01"), "--week is about a chart"),
        (("--source", "a", "--chart", "b", "--style", "genre"), "--style is a column of --reference"),
        (("song.wav", "--reference", "nothing.csv"), "--reference nothing.csv: cannot be read"),
        (("song.wav", "--reference", "empty.csv"), "give a CSV with the column path"),
        (("song.wav", "--reference", "wrong.csv"), "a line for each file; it has file, artist."),
        (("song.wav", "--reference", "list.csv"), "the column artist names 1 artists, 20 are needed; --artist says"),
        (("song.wav", "--reference", "list.csv", "--replicates", "5"), "--replicates 5: 100 or more, or 0"),
        (("song.wav", "--reference", "blank.csv"), "--reference blank.csv, line 3: names no path."),
        (("song.wav", "--reference", "list.csv", "--style", "genre"), "--style genre: list.csv has no such column"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, said, command_line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "wrong.csv").write_text("file,artist\na.wav,A\n")
    (tmp_path / "list.csv").write_text("path,artist\na.wav,A\n")
    (tmp_path / "blank.csv").write_text("path,artist\na.wav,A\n,B\n")
    code, _, complaint = command_line("critic", *arguments)
    assert (code, said in complaint) == (2, True), complaint


@pytest.mark.slow
def test_files_are_judged_by_a_list_of_others(command_line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = []
    for seed in range(26):
        song = synthesize(seed, seconds=11, sameness=0.5)
        soundfile.write(f"{seed}.wav", song.samples.T, RATE)
        rows.append([f"{seed}.wav", f"artist {seed}", "even" if seed % 2 == 0 else "odd"])
    with open("list.csv", "w", newline="") as file:  # noqa: PTH123
        csv.writer(file).writerows([["path", "artist", "kind"], *rows[:24]])
    noise = np.random.default_rng(0).standard_normal(11 * RATE)
    soundfile.write("noise.wav", 0.5 * noise / np.abs(noise).max(), RATE)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    asked = ("24.wav", "25.wav", "noise.wav", "broken.wav", "--reference", "list.csv", "--style", "kind", "--jobs", "1")
    code, said, complaint = command_line("critic", *asked)
    assert code == 3, complaint
    assert "broken.wav: " in complaint
    found = pd.read_csv(io.StringIO(said.lstrip("\ufeff"))).set_index("path")
    assert found.loc["noise.wav", "belonging"] == pytest.approx(1 / 25)
    assert found.loc["noise.wav", "category"] in ("new and not", "outlying")
    assert found.loc[["24.wav", "25.wav"], "belonging"].gt(1 / 25).all()
    assert found.loc["broken.wav", [*NUMBERS, "category"]].isna().all()
    assert set(found["style"].dropna()) <= {"even", "odd"}
    described = pd.DataFrame(rows[:24], columns=["path", "artist", "kind"])
    described = described.merge(describe_files([path for path, *_ in rows[:24]], jobs=1), on="path")
    described.to_csv("described.csv", index=False)
    for path, *_ in rows[:24]:
        (tmp_path / path).rename(tmp_path / f"{path}.gone")  # what is described is not listened to again
    again = command_line("critic", *asked[:5], "described.csv", *asked[6:], "--replicates", "0")[1]
    again = pd.read_csv(io.StringIO(again.lstrip("\ufeff"))).set_index("path")
    pd.testing.assert_frame_equal(again[NUMBERS], found[NUMBERS], rtol=1e-4)
    assert again["belonging_low"].isna().all()
    for path, *_ in rows[:24]:
        (tmp_path / f"{path}.gone").rename(tmp_path / path)
    described.assign(extractor_version="1").to_csv("old.csv", index=False)
    code, _, complaint = command_line("critic", *asked[:5], "old.csv", *asked[6:])
    assert (code, "its descriptors are of extractor 1" in complaint) == (2, True)
    soundfile.write("copy.wav", synthesize(1, seconds=11, sameness=0.5).samples.T, RATE)  # of 1.wav, which is listed
    alone = pd.DataFrame([row for row in rows[:24] if row[0] != "1.wav"], columns=["path", "artist", "kind"])
    alone.to_csv("without.csv", index=False)
    judged = [
        command_line("critic", "copy.wav", "--reference", name, *asked[6:], "--replicates", "0")
        for name in ("described.csv", "without.csv")
    ]
    assert (
        "copy.wav is in described.csv too: it is judged without itself and without what else is by artist 1"
        in judged[0][2]
    )
    assert "is in" not in judged[1][2]
    kept, left = (pd.read_csv(io.StringIO(said.lstrip("\ufeff"))).iloc[0] for _, said, _ in judged)
    assert kept["left_out"] == "artist 1"  # also where nobody reads the log
    assert pd.isna(left["left_out"])
    assert kept["belonging"] == pytest.approx(left["belonging"], rel=1e-3)
    code, _, complaint = command_line("critic", "broken.wav", *asked[4:])
    assert (code, "None of the 1 files can be judged. broken.wav: " in complaint) == (1, True)


def test_what_a_list_cannot_do_is_said_before_anything_is_heard(command_line, tmp_path):
    (tmp_path / "new.wav").write_bytes(b"never decoded")
    rows = [f"gone {n}.wav,artist {n},{'pop' if n else 'rock'}" for n in range(30)]
    (tmp_path / "list.csv").write_text("\n".join(["path,artist,genre", *rows]))
    code, _, complained = command_line(
        "critic", tmp_path / "new.wav", "--reference", tmp_path / "list.csv", "--style", "genre"
    )
    assert code == 2
    assert "1 of 2 styles have 6 recordings of 3 artists: two such styles are needed" in " ".join(complained.split())
    (tmp_path / "few.csv").write_text("\n".join(["path", *[f"gone {n}.wav" for n in range(19)]]))
    code, _, complained = command_line("critic", tmp_path / "new.wav", "--reference", tmp_path / "few.csv")
    assert code == 2
    assert "19 artists, 20 are needed" in " ".join(complained.split())
    (tmp_path / "x.csv").mkdir()
    code, _, complained = command_line("critic", tmp_path / "new.wav", "--reference", tmp_path / "list.csv", "--out", tmp_path / "x.csv")  # fmt: skip
    assert code == 1
    assert "cannot be written (it is a folder)" in " ".join(complained.split())
