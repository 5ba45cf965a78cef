"""The loop, as a command: a summary, a page and tables; what cannot be used is said and counted."""

from __future__ import annotations

import re
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from selectolax.lexbor import LexborHTMLParser

from chartropy.analysis.loop import Library, Sound, run_loop
from chartropy.audio.decode import decode
from chartropy.audio.disturb import encoded
from chartropy.audio.synthesize import synthesize, to_bytes
from chartropy.features.describe import describe, describe_file
from chartropy.reports.loops import Loops, _forgotten, _of_table, _page, run_loops
from chartropy.reports.words import ENGLISH


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Fourteen clips, and one that is none."""
    folder = tmp_path_factory.mktemp("music")
    for n in range(14):
        (folder / f"song {n:02d}.wav").write_bytes(to_bytes(synthesize(n, seconds=6)))
    (folder / "broken.mp3").write_bytes(b"<html>not here</html>")
    return folder


@pytest.fixture(scope="module")
def described(music, tmp_path_factory):
    """The table that ``chartropy describe`` writes of them, some of its columns left out."""
    files = sorted(music.glob("*.wav"))
    table = pd.DataFrame([describe_file(file).as_dict() for file in files])
    table.insert(0, "path", [file.name for file in files])
    path = tmp_path_factory.mktemp("table") / "library.csv"
    table.to_csv(path, index=False)
    for file in files:  # paths count from where the table lies, too
        shutil.copy(file, path.parent)
    return path


LOOP = "--starts 4 --rounds 2 --jobs 1".split()


def test_a_loop_of_a_folder_says_what_is_left(command_line, music, tmp_path):
    out = tmp_path / "page"
    code, said, complained = command_line(
        "loop", music, "--library", music, "--describer", "levels-4", "--control", "all", "--fresh", "0.5", "--out", out, *LOOP
    )  # fmt: skip
    assert code == 3  # the clip that is none is said and counted, and stops nothing
    assert "1 gap" in complained
    assert "broken.mp3" in complained
    assert "4 chains, 2 rounds, library of 10 clips (4 that chains start from left out), seed 0" in said
    for name in ("levels-4 -> nearest ", "levels-4 -> nearest, 50% fresh", "identity", "codec", "shuffled", "redraw"):
        assert name in said
    assert len(said.splitlines()) < 24
    identity = next(line for line in said.splitlines() if line.startswith("identity"))
    assert identity.split()[1] == "1.00"
    assert "no intervals with fewer than 8 chains" in said
    page = LexborHTMLParser((out / "index.html").read_text("utf-8"))
    assert len(page.css("figure svg")) == 4
    assert said.splitlines()[2].count("like the round before") == 1
    assert "Similarity to the round before" in page.css_first("table.numbers thead").text()
    assert len(set(re.findall(r"--series-\d", page.css_first(".lines").html))) == 6  # six loops, six colours
    assert "those of the others are in measures.csv" in page.body.text()
    assert [line.text(strip=True) for line in page.css(".lines li")] == [
        "levels-4 → nearest", "levels-4 → nearest, 50% fresh", "passed on as it is (identity)", "codec only (codec)", "descriptions shuffled (shuffled)", "drawn at random (redraw)",
    ]  # fmt: skip
    assert "is not told of 4 chains" in page.body.text()
    measures = pd.read_csv(out / "measures.csv")
    last = measures[measures["round"] == 2]
    assert measures.loc[measures["round"] < 2, "p_holm"].isna().all()
    assert last["p_holm"].notna().sum() == last["p"].notna().sum() == 12
    assert last["p_holm"].min() == pytest.approx(12 * last["p"].min())
    assert not page.css("script, link, img, iframe")
    assert "broken.mp3" in page.body.text()
    assert "nan" not in page.body.text().lower().replace("resonan", "").split()
    for name in ("measures", "rows", "attractors", "survival", "motifs"):
        table = pd.read_csv(out / f"{name}.csv")
        assert table.columns[0] == "loop"
        assert table["loop"].nunique() == 6
        assert page.css_first(f'a[href="{name}.csv"]')
    survival = (out / "survival.csv").read_text("utf-8")
    assert ",inf" not in survival
    kept = pd.read_csv(out / "survival.csv").query("loop == 'identity'")
    for word, number in (("alike", "variance"), ("forgotten", "memory")):
        assert set(kept[word]) <= {"not within the rounds", "not measured"}
        assert kept[f"{word}_from"].isna().all()
        assert ((kept[word] == "not measured") == kept[number].isna()).all()
    assert "fresh clips from the library (10 clips)" in said
    assert "Fresh clips come from the library." in page.body.text()
    rows = pd.read_csv(out / "rows.csv")
    assert len(rows) == 6 * 4 * 3
    started = set(rows["start"])
    nearest = rows[(rows["loop"] == "levels-4 -> nearest") & (rows["round"] > 0)]
    assert not started & set(nearest["sound"])  # none of the library is a start


def test_a_table_of_descriptors_is_a_library(command_line, music, described, tmp_path):
    out = tmp_path / "page"
    starts = sorted(music.glob("*.wav"))[:4]
    code, said, complained = command_line("loop", *starts, "--library", described, "--out", out, "--lang", "ru", *LOOP)
    assert code == 0
    assert "gap" not in complained
    assert "library of 10 clips (4 that chains start from left out)" in said  # they lie elsewhere, and are the same
    page = LexborHTMLParser((out / "index.html").read_text("utf-8"))
    assert page.css_first("html").attributes["lang"] == "ru"
    assert "Сила аттрактора" in page.body.text()
    shown = page.body.text()
    for english in ("component", "tonality", "everything", "fresh"):
        assert english not in shown
    assert "тональность" in shown
    assert "компонента 1" in shown
    tags = pd.read_csv(out / "rows.csv")
    assert tags.loc[tags["loop"].str.startswith("tags") & (tags["round"] == 1), "description"].str.len().min() > 3


def test_copies_of_starts_are_no_clips_of_the_library(command_line, music, described, tmp_path):
    table = pd.read_csv(described)
    table["path"] = [f"elsewhere/{n}.wav" for n in range(len(table))]  # carried to where no clip is
    table.to_csv(tmp_path / "carried.csv", index=False, float_format="%.6g")
    said = {}
    for source in (described, tmp_path / "carried.csv"):
        found = run_loops(sorted(music.glob("*.wav"))[:3], source, "levels-16", "nearest", rounds=1, fresh=0.5, fresh_from=source)  # fmt: skip
        assert (found.library, found.left_out, found.fresh_clips) == (11, 3, 11)
        last = found.table("rows").query("round == 1")
        assert last["similarity_to_start"].max() < 0.99
        said[source] = set(last["sound"])
    assert not said[described] & {f"song {n:02d}.wav" for n in range(3)}
    assert not said[tmp_path / "carried.csv"] & {f"{n}.wav" for n in range(3)}


def test_a_start_that_was_coded_again_is_no_clip_of_the_library(music, described, tmp_path):
    table = pd.read_csv(described)
    coded = [describe(encoded(decode(file), "mp3", 192)) for file in sorted(music.glob("*.wav"))[:3]]
    for row, one in enumerate(coded):
        table.loc[row, list(one.as_dict())] = list(one.as_dict().values())
    table["path"] = [f"elsewhere/{n}.mp3" for n in range(len(table))]
    table.to_csv(tmp_path / "coded.csv", index=False)
    found = run_loops(sorted(music.glob("*.wav"))[:3], tmp_path / "coded.csv", "levels-16", "nearest", rounds=1)
    assert (found.library, found.left_out) == (11, 3)


def test_where_nothing_is_said_a_library_is_left(music, described):
    found = run_loops(music, described, "levels-2", rounds=1)
    assert (found.starts, found.library) == (4, 10)
    assert len(repr(found)) < 200


def test_the_order_of_a_library_decides_nothing(music, described, tmp_path):
    table = pd.read_csv(described)
    table["path"] = [str(described.parent / path) for path in table["path"]]
    table[::-1].to_csv(tmp_path / "turned.csv", index=False)
    one, other = (
        run_loops(music, source, "levels-2", rounds=2, starts=4).table("measures").drop(columns="method")
        for source in (described, tmp_path / "turned.csv")
    )
    pd.testing.assert_frame_equal(one, other)


def test_what_cannot_be_is_said_before_anything_is_heard(command_line, music, tmp_path):
    for wrong, said in (
        (
            ["--describer", "tag"],
            "there is no describer 'tag': choose one of tags, levels-N, leadsheet, mel, labels:MODEL",
        ),
        (["--describer", "levels-65"], "levels must lie between 2 and 64, not 65"),
        (["--describer", "tags", "--maker", "griffinlim"], "makes nothing of what describer 'tags' says"),
        (["--maker", "x"], "there is no maker 'x'"),
        (["--starts", "2"], "3 chains or more are needed"),
    ):
        code, _, complained = command_line("loop", music, "--library", tmp_path / "not there", *wrong)
        assert code == 2
        assert said in complained


def test_who_stops_a_loop_is_not_told_that_it_goes_on(command_line, music, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("chartropy.reports.loops.run_loops", stopped)
    code, _, complained = command_line("loop", music, "--library", music)
    assert code == 130
    assert "Stopped. Nothing was written." in complained


def test_clips_that_cannot_be_used_are_named_where_too_few_are_left(command_line, music, described):
    clips = [music / "song 00.wav", music / "song 01.wav", music / "broken.mp3"]
    code, _, complained = command_line("loop", *clips, "--library", described)
    assert code == 2
    assert "Of 3 clips 2 can be used: 3 or more are needed." in complained
    assert "broken.mp3" in complained


def test_clips_of_a_library_that_are_gone_are_named(command_line, music, described, tmp_path):
    table = pd.read_csv(described)
    table["path"] = [f"gone/{path}" for path in table["path"]]
    table.to_csv(tmp_path / "gone.csv", index=False)
    wrong = ["--describer", "mel", "--maker", "concat", "--starts", "3", "--rounds", "1"]
    code, _, complained = command_line("loop", music, "--library", tmp_path / "gone.csv", *wrong)
    assert code == 1
    assert "11 cannot be read, the first:" in " ".join(complained.split())
    assert "there is no such file" in complained


def test_one_path_is_clips_enough_and_the_source_of_fresh_clips_is_named(music, described):
    found = run_loops(str(music), described, "levels-2", starts=3, rounds=1, fresh=0.5, fresh_from=described)
    assert found.starts == 3
    assert (found.fresh_from, found.fresh_clips) == ("library.csv", 11)
    assert "Fresh clips come from “library.csv”, which holds 11 that no chain began with." in _page(found, ENGLISH)


def test_a_folder_that_cannot_be_made_is_said_before_the_work(command_line, music, described, tmp_path):
    (tmp_path / "page").write_text("a file")
    code, _, complained = command_line("loop", music, "--library", tmp_path / "none", "--out", tmp_path / "page")
    assert code == 2
    assert "cannot be made" in complained  # not that there is no library


def test_the_same_seed_writes_the_same(command_line, music, described, tmp_path):
    for name in ("one", "two"):
        command_line("loop", music / "song 00.wav", music / "song 01.wav", music / "song 02.wav", "--library", described,
                     "--maker", "synth", "--seconds", "6", "--out", tmp_path / name, *LOOP)  # fmt: skip
    for file in ("index.html", "measures.csv", "rows.csv", "survival.csv"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--maker", "griffinlim"], "with it go the makers nearest, synth"),
        (["--maker", "piano"], "there is no maker 'piano'"),
        (["--describer", "levels-1"], "levels must lie between 2 and 64, not 1"),
        (["--control", "nothing"], "--control nothing: choose among identity, codec, shuffled, redraw, or all."),
        (["--starts", "2"], "--starts 2: 3 chains or more"),
        (["--lang", "ru"], "--lang is for the page"),
        (["--fresh-from", "."], "--fresh-from . needs a share of chains that are fed from it: add --fresh 0.2."),
    ],
)
def test_what_cannot_be_is_refused(command_line, music, described, options, said):
    code, _, complained = command_line("loop", music, "--library", described, "--starts", "4", *options)
    assert code == 2
    assert said in complained


def test_a_library_that_the_chains_use_up_is_refused(command_line, music, described):
    code, _, complained = command_line("loop", music, "--library", music, "--starts", "60", "--jobs", "1")
    assert code == 2
    said = " ".join(complained.split())
    assert "10 clips or more are needed, and 14 can be used, of which 14 are clips that chains start from." in said
    assert "So 0 are left: lower --starts to 4, or name a larger library." in said
    code, _, complained = command_line(
        "loop", music, "--library", music / "song 00.wav", "--starts", "3", "--jobs", "1"
    )
    assert code == 2
    assert "10 clips or more are needed, and 1 can be used" in complained
    starts = [music / f"song {n:02d}.wav" for n in range(3)]
    code, _, complained = command_line(
        "loop", *starts, "--library", described, "--fresh", "0.5", "--fresh-from", starts[0], "--jobs", "1"
    )
    assert code == 2
    assert "no clip is left of it that no chain starts from" in complained


def test_what_is_forgotten_is_named_only_where_it_is_sure():
    def families(**memory):
        rows = [("family", name, value, value - reach, value + reach) for name, (value, reach) in memory.items()]
        table = pd.DataFrame(rows, columns=["kind", "name", "memory", "memory_low", "memory_high"])
        return SimpleNamespace(survival=table)

    assert (
        _forgotten(families(vocals=(0.71, 0.1), rhythm=(0.4, 0.2), timbre=(-0.3, 0.1), tonality=(0.1, 0.1)))
        == "tonality, timbre"
    )
    assert _forgotten(families(vocals=(0.71, 0.1), rhythm=(-0.9, 0.05))) == "nothing"
    assert _forgotten(families(**dict.fromkeys("abcd", (0.1, 0.1)), e=(0.9, 0.1))) == "a, b, c and 1 more"
    assert _forgotten(families(a=(0.1, 0.1), b=(0.0, 0.2))) == "all 2 families"
    assert _forgotten(families(a=(0.1, np.nan))) == "-"


def test_the_page_ranks_descriptors_of_many_chains_only_and_says_what_the_list_is(described):
    known = _of_table(described)
    shelf = Library(known.values())
    rng = np.random.default_rng(0)
    starts = [Sound(one.audio, f"start {n}", one.row + 0.1 * np.abs(one.row) * rng.standard_normal(len(one.row))) for n in range(60)
              for one in [shelf.sounds[n % len(shelf.sounds)]]]  # fmt: skip
    loop = run_loop(starts, None, None, shelf, rounds=2, control="redraw", draws=50, replicates=100)
    page = LexborHTMLParser(_page(Loops((loop,), 60, len(shelf.sounds), ()), ENGLISH))
    said = page.body.text()
    assert "The first 15 of 921 descriptors" in " ".join(said.split())
    assert "among these again" in said
    assert len(page.css("table.numbers")) == 4


def test_a_table_that_is_none_is_refused(command_line, music, described, tmp_path):
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("path,rhythm.tempo.bpm\na.mp3,120\n")
    code, _, complained = command_line("loop", music, "--library", wrong)
    assert code == 2
    assert "it must be a CSV that chartropy describe wrote" in complained
    code, _, complained = command_line("loop", music, "--library", tmp_path / "nothing")
    assert code == 2
    assert "there is no such file or folder" in complained
    code, _, complained = command_line("loop", music / "broken.mp3", "--library", described)
    assert code == 2
    assert "3 or more are needed" in complained
