"""The loop, as a command: a summary, a page and tables; what cannot be used is said and counted."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
from selectolax.lexbor import LexborHTMLParser

from chartropy.audio.synthesize import synthesize, to_bytes
from chartropy.features.describe import describe_file


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
    assert "4 chains, 2 rounds, library of 10 clips, seed 0" in said
    for name in ("levels-4 -> nearest ", "levels-4 -> nearest, 50% fresh", "identity", "codec", "shuffled", "redraw"):
        assert name in said
    assert len(said.splitlines()) < 24
    identity = next(line for line in said.splitlines() if line.startswith("identity"))
    assert "1.00 [1.00, 1.00]" in identity
    page = LexborHTMLParser((out / "index.html").read_text("utf-8"))
    assert len(page.css("figure svg")) == 4
    assert not page.css("script, link, img, iframe")
    assert "broken.mp3" in page.body.text()
    assert "nan" not in page.body.text().lower().replace("resonan", "").split()
    for name in ("measures", "rows", "attractors", "survival", "motifs"):
        table = pd.read_csv(out / f"{name}.csv")
        assert table.columns[0] == "loop"
        assert table["loop"].nunique() == 6
        assert page.css_first(f'a[href="{name}.csv"]')
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
    assert "library of 14 clips" in said  # these lie elsewhere: other files
    page = LexborHTMLParser((out / "index.html").read_text("utf-8"))
    assert page.css_first("html").attributes["lang"] == "ru"
    assert "Сила аттрактора" in page.body.text()
    tags = pd.read_csv(out / "rows.csv")
    assert tags.loc[tags["loop"].str.startswith("tags") & (tags["round"] == 1), "description"].str.len().min() > 3


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
    ],
)
def test_what_cannot_be_is_refused(command_line, music, described, options, said):
    code, _, complained = command_line("loop", music, "--library", described, *options)
    assert code == 2
    assert said in complained


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
