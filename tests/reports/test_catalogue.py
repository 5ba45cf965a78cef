"""Files described in any number: what is wrong with one, what stops a run, where files lie, who does the work."""

from __future__ import annotations

import csv
import importlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
import soundfile

from chartropy.audio.synthesize import synthesize, to_bytes
from chartropy.features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from chartropy.features.sketch import Sketch
from chartropy.reports import catalogue, parts
from chartropy.reports.catalogue import describe_catalogue, describe_files
from chartropy.reports.parts import HEAD, Row, schema_of
from chartropy.workspace.errors import ChartropyError, SettingsError, WorkspaceError, WorkspaceLocked, WorkspaceReadOnly

pytestmark = pytest.mark.xdist_group("catalogue")  # one set of songs, one cluster, one S3 server

SONGS = 60


@pytest.fixture(scope="module")
def songs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for seed in range(SONGS):
        (folder / f"{seed:02d}.wav").write_bytes(to_bytes(synthesize(seed, seconds=1)))
    return folder


@pytest.fixture(scope="module")
def truth(songs) -> pd.DataFrame:
    """What this process alone makes of the songs, with their names instead of paths."""
    return named(describe_files([songs], jobs=1))


def named(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(path=[path.rpartition("/")[2] for path in table["path"]])
    # how pandas came by missing texts differs between a file and a folder of files
    return table.astype(dict.fromkeys(HEAD, object)).where(table.notna(), np.nan)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "chartropy.reports", "describe", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=300)


def until(true: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def address_in(file: Path) -> str:
    """Where a scheduler is to be reached, once it has written that: its file is there, empty, before."""
    until(lambda: file.exists() and file.read_text().endswith("\n}"))
    return json.loads(file.read_text())["address"]


@contextmanager
def started(*arguments: object, log: Path) -> Iterator[subprocess.Popen]:
    with log.open("wb") as said:
        process = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=said, stderr=said)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def cheap(path: str, options: object) -> Row:
    """Describe without listening."""
    return Row(
        path, audio_hash="0" * 64, seconds=30.0, rate=44_100, codec="mp3", values=np.ones(len(DESCRIPTORS), "f4")
    )


@pytest.fixture
def said(command_line):
    """Run the command in this process; return its exit code, what it said and what it complained of."""
    return partial(command_line, "describe")


# -- every file has a row ----------------------------------------------------------------------------------------------


@pytest.fixture
def odd(tmp_path) -> Path:
    """A folder of whatever there is in a catalogue."""
    folder = tmp_path / "odd"
    (folder / "inner").mkdir(parents=True)
    song = synthesize(1, seconds=12).samples.T
    soundfile.write(folder / "song.flac", song, 44_100)
    soundfile.write(folder / "inner" / "silent.wav", np.zeros((44_100 * 12, 2)), 44_100)
    soundfile.write(folder / "clipped.wav", np.clip(song * 20, -1, 1), 44_100)
    soundfile.write(folder / "telephone.wav", synthesize(2, seconds=12, rate=8000).samples[0], 8000)
    soundfile.write(folder / "three.ogg", song[: 44_100 * 3], 44_100)
    soundfile.write(folder / "hour.wav", np.zeros(8000 * 3600, "f4"), 8000, subtype="PCM_U8")
    (folder / "broken.flac").write_bytes((folder / "song.flac").read_bytes()[:50_000])
    (folder / "empty.mp3").write_bytes(b"")
    (folder / "page.m4a").write_bytes(b"<!doctype html><title>Sign in</title>")
    (folder / "words.mp3").write_text("Dear diary, today I heard no music at all.\n" * 50, "utf-8")
    (folder / "gone.mp3").symlink_to(folder / "nowhere.mp3")
    (folder / "notes.txt").write_text("not looked at", "utf-8")
    return folder


def test_whatever_is_in_a_folder_has_a_row_of_numbers_or_reasons(odd):
    table = describe_files([odd], jobs=1)
    assert list(table.columns) == [*HEAD, *DESCRIPTORS]
    assert (table.dtypes[list(DESCRIPTORS)] == np.float32).all()
    rows = table.assign(name=[Path(path).name for path in table["path"]]).set_index("name")
    assert rows["path"].tolist() == [
        str(odd / name)
        for name in (
            "broken.flac clipped.wav empty.mp3 gone.mp3 hour.wav inner/silent.wav page.m4a song.flac telephone.wav "
            "three.ogg words.mp3"
        ).split()
    ]
    numbers = rows[list(DESCRIPTORS)]
    assert not np.isinf(numbers.to_numpy(float)).any()
    for name, problem in {
        "broken.flac": "the file is damaged",
        "empty.mp3": "0 bytes",
        "gone.mp3": "cannot be read",
        "page.m4a": "HTML",
        "words.mp3": "not audio",
    }.items():
        assert problem in rows.loc[name, "problem"]
        assert numbers.loc[name].isna().all()
    hour = rows.loc["hour.wav"]
    assert (hour["seconds"], hour["start"], hour["file_seconds"]) == (300, 1650, 3600)
    heard = ["song.flac", "clipped.wav", "telephone.wav", "three.ogg", "silent.wav", "hour.wav"]
    assert (rows.loc[heard, "problem"] == "").all()
    assert rows.loc[heard, "rate"].tolist() == [44_100, 44_100, 8000, 44_100, 44_100, hour["rate"]]
    for name in heard:  # no number is missing without a reason, no reason given without one
        assert numbers.loc[name].isna().any() == bool(rows.loc[name, "missing"])
    assert numbers.loc["silent.wav"].isna().all()
    assert "silent: every sample is zero" in rows.loc["silent.wav", "missing"]
    assert "3.0 s long" in rows.loc["three.ogg", "missing"]
    # what is described names the extractor; the others name none, and are tried again
    assert (rows["extractor_version"].isna() == (rows["problem"] != "")).all()


def test_a_fault_nobody_thought_of_is_a_row_too(songs, monkeypatch):
    def fail(audio, *, sketch):
        if audio.name.endswith("03.wav"):
            raise MemoryError
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("chartropy.features.describe.describe", fail)
    table = describe_files([songs / "02.wav", songs / "03.wav"], jobs=1)
    assert table["problem"][0].endswith(
        "cannot be described (ZeroDivisionError: division by zero); please report this."
    )
    assert "not enough memory" in table["problem"][1]
    assert table["extractor_version"].isna().all()


@pytest.mark.skipif(sys.platform != "linux", reason="only there a name may be any bytes")
def test_a_name_that_is_no_text_is_shown_with_its_bytes(songs, tmp_path):
    name = os.fsdecode(b"caf\xe9.wav")
    shutil.copy(songs / "00.wav", tmp_path / name)
    table = describe_files([tmp_path], jobs=1)
    assert table["path"].tolist() == [str(tmp_path / "caf\\xe9.wav")]
    assert table["problem"].tolist() == [""]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_a_row(songs, tmp_path):
    (tmp_path / "locked").mkdir(mode=0)
    shutil.copy(songs / "00.wav", tmp_path / "song.wav")
    table = describe_files([tmp_path], jobs=1)
    assert ["cannot be read" in problem for problem in table["problem"]] == [True, False]


# -- manifests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", "00.wav\n\n{there}/01.wav\r\n  \nnowhere.wav\n00.wav\n"),
        ("list.csv", "\ufeffisrc,path\nX1,00.wav\n\nX2,{there}/01.wav\nX3,nowhere.wav\nX4,00.wav\n"),
        ("list.tsv", 'path\ttitle\n00.wav\t"a\tb"\n{there}/01.wav\t\nnowhere.wav\tc\n'),
        ("list", "Path;title\n00.wav;a\n{there}/01.wav;b\nnowhere.wav;c\n"),
    ],
)
def test_a_manifest_is_read_as_it_is(songs, tmp_path, said, name, text):
    shutil.copy(songs / "00.wav", tmp_path)
    (tmp_path / name).write_text(text.format(there=songs), "utf-8", newline="")
    code, out, complaint = said("--manifest", tmp_path / name)
    assert code == 3
    assert "1 gap:" in complaint
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["path"] for row in rows] == [
        str(tmp_path / "00.wav"),
        str(songs / "01.wav"),
        str(tmp_path / "nowhere.wav"),
    ]
    assert [bool(row["problem"]) for row in rows] == [False, False, True]
    assert rows[0]["rate"] == "44100"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_a_manifest_may_be_what_a_spreadsheet_calls_unicode(counted, tmp_path, encoding):
    manifest = tmp_path / "list.csv"
    manifest.write_text("path,title\nпесня.mp3,Песня\n", encoding)
    describe_catalogue(manifest=str(manifest), out=str(tmp_path / "x.csv"), jobs=1)
    assert pd.read_csv(tmp_path / "x.csv")["path"].tolist() == [str(tmp_path / "песня.mp3")]


@pytest.mark.slow
def test_many_files_are_never_in_memory_at_once(tmp_path, monkeypatch):
    count = 10_000
    manifest = tmp_path / "list.txt"
    with manifest.open("w") as lines:
        lines.writelines(f"/music/{'long ' * 800}/{number:06d}.mp3\n" for number in range(count))
    taken, most, written = 0, 0, 0
    listed, add = catalogue._listed, parts.Parts.add

    def counted(path: str) -> Iterator[str]:
        nonlocal taken, most
        taken = 0
        for taken, file in enumerate(listed(path), 1):  # noqa: B007 - the other function looks at it
            yield file

    def kept(self, row: Row) -> None:
        nonlocal most, written
        most = max(most, taken - written)
        written += 1
        add(self, row)

    @contextmanager
    def four(*_):
        with ThreadPoolExecutor(4) as pool:
            yield catalogue._Crew(pool.submit, lambda: 8)

    monkeypatch.setattr(catalogue, "_listed", counted)
    monkeypatch.setattr(parts.Parts, "add", kept)
    monkeypatch.setattr(catalogue, "_cores", four)
    monkeypatch.setattr(catalogue, "_describe_one", cheap)
    tracemalloc.start()
    done = describe_catalogue(manifest=str(manifest), out=str(tmp_path / "x.parquet"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (done.files, done.kept, done.problems) == (count, 0, 0)
    assert most <= 8 * catalogue.BATCH + catalogue.BATCH
    assert peak < 20e6  # the paths alone are 40 MB
    table = pq.read_table(tmp_path / "x.parquet", columns=["path"])
    assert [path[-10:-4] for path in table["path"].to_pylist()] == [f"{number:06d}" for number in range(count)]
    assert not (tmp_path / "x.parquet.parts").exists()


# -- what is written ---------------------------------------------------------------------------------------------------


def test_spectra_taken_on_a_device_give_the_same_rows(songs, odd, tmp_path):
    pytest.importorskip("torchaudio", reason="torchaudio is not installed: pip install 'chartropy[torch]'")
    plain, together = tmp_path / "plain.parquet", tmp_path / "together.parquet"
    describe_catalogue([str(odd), *map(str, sorted(songs.iterdir())[:5])], out=str(plain), jobs=1)
    describe_catalogue([str(odd), *map(str, sorted(songs.iterdir())[:5])], out=str(together), device="cpu")
    one, other = pd.read_parquet(plain), pd.read_parquet(together)
    pd.testing.assert_frame_equal(other[[*HEAD]], one[[*HEAD]])
    for name, descriptor in DESCRIPTORS.items():
        least = 1e-3 * min(descriptor.high - descriptor.low, 1000)
        np.testing.assert_allclose(other[name], one[name], rtol=1e-3, atol=least, err_msg=name)


def test_a_device_that_is_not_there_is_named(songs, said):
    code, _, error = said(songs, "--device", "tpu")
    assert code == 2
    assert "--device 'tpu': there is cpu, and cuda" in error


def test_the_file_says_extractor_and_units_and_packs_sketches(songs, tmp_path, said):
    assert said(songs / "00.wav", songs / "01.wav", "--out", tmp_path / "x.parquet", "--sketches")[0] == 0
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.schema.equals(schema_of(sketches=True))
    assert table.schema.metadata[b"extractor_version"].decode() == EXTRACTOR_VERSION
    units = json.loads(table.schema.metadata[b"units"])
    assert units["rate"] == "Hz"
    assert {name: units[name] for name in DESCRIPTORS} == {name: one.unit for name, one in DESCRIPTORS.items()}
    assert abs(Sketch.from_bytes(table["sketch"][1].as_py()).seconds - 1) < 0.01


def test_parts_agree_where_a_column_is_empty(odd, songs, tmp_path, said):
    out = tmp_path / "set"
    out.mkdir()
    assert said(odd / "page.m4a", "--out", out)[0] == 3  # an existing folder needs no slash
    assert said(songs / "00.wav", "--out", f"{out}/")[0] == 0
    assert len(list(out.glob("part-*.parquet"))) == 2
    assert len(pd.read_parquet(out)) == 2
    assert all(pq.read_schema(part).equals(schema_of()) for part in out.glob("*.parquet"))


def test_csv_and_parquet_hold_the_same(odd, tmp_path, said):
    for name in ("x.csv", "x.parquet"):
        assert said(odd, "--out", tmp_path / name, "--jobs", 1)[0] == 3
    one, other = pd.read_csv(tmp_path / "x.csv"), pd.read_parquet(tmp_path / "x.parquet")
    assert one["path"].tolist() == other["path"].tolist()
    numbers = list(DESCRIPTORS)
    np.testing.assert_array_equal(one[numbers].to_numpy("f4"), other[numbers].to_numpy("f4"))
    assert not list(tmp_path.glob("*.parts"))


def test_names_that_a_spreadsheet_might_run_are_texts_and_known_again(tmp_path, monkeypatch):
    names = ["=1+1.mp3", "-2.mp3", "@home.mp3", "+7.mp3", "plain.mp3"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalogue, "_describe_one", cheap)
    for kept in (0, 5):
        assert describe_catalogue(names, out="x.csv", jobs=1).kept == kept
        with Path("x.csv").open(newline="") as file:
            written = [row["path"] for row in csv.DictReader(file)]
        assert written == ["'=1+1.mp3", "'-2.mp3", "'@home.mp3", "'+7.mp3", "plain.mp3"]
    describe_catalogue(names, out="x.parquet", jobs=1)
    assert pd.read_parquet("x.parquet")["path"].tolist() == names


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_the_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "_describe_one", cheap)
    (tmp_path / "list.txt").write_text("c.mp3\n")
    describe_catalogue(manifest=str(tmp_path / "list.txt"), out=str(tmp_path / "x.csv"))
    old = (tmp_path / "x.csv").read_text()
    (tmp_path / "list.txt").write_text("a.mp3\nb.mp3\n")

    def fail(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(parts.Parts, "_gather_text", fail)
        with pytest.raises(WorkspaceReadOnly, match=r"x\.csv cannot be written \(Input/output error\)"):
            describe_catalogue(manifest=str(tmp_path / "list.txt"), out=str(tmp_path / "x.csv"))
    assert (tmp_path / "x.csv").read_text() == old
    done = describe_catalogue(manifest=str(tmp_path / "list.txt"), out=str(tmp_path / "x.csv"))
    assert (done.files, done.kept) == (2, 2)
    assert len(pd.read_csv(tmp_path / "x.csv")) == 3


# -- going on ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(songs, truth, tmp_path):
    music = tmp_path / "music"
    shutil.copytree(songs, music)
    manifest, out = tmp_path / "list.txt", tmp_path / "x.parquet"
    manifest.write_text("\n".join(f"music/{seed:02d}.wav" for seed in range(SONGS)))
    process = subprocess.Popen(
        command("--manifest", manifest, "--out", out, "--jobs", 2), stderr=subprocess.PIPE, start_new_session=True
    )
    folder = tmp_path / "x.parquet.parts"
    until(lambda: len(list(folder.glob("part-*.parquet"))) >= 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not out.exists()
    kept = [path for part in folder.glob("part-*") for path in pq.read_table(part)["path"].to_pylist()]
    assert 32 <= len(kept) < SONGS
    for path in kept:  # described again, they would be problems now
        Path(path).unlink()
    done = run("--manifest", manifest, "--out", out, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert f"{len(kept)} files described earlier; their rows are kept" in done.stderr
    pd.testing.assert_frame_equal(named(pd.read_parquet(out)), truth)
    assert not folder.exists()


@pytest.fixture
def counted(monkeypatch, tmp_path) -> Callable[..., list[str]]:
    """Describe the files of a list, cheaply; return the names of those that were described."""
    seen: list[str] = []

    def one(path: str, options: object) -> Row:
        name = Path(path).name
        seen.append(name)
        if name.startswith("lost") and "found" not in seen:
            return Row(path, f"{name}: cannot be read.")
        return Row(path, f"{name}: bad.") if name.startswith("bad") else cheap(path, options)

    monkeypatch.setattr(catalogue, "_describe_one", one)

    def go(names: str, out: str, *, found: bool = False, **options) -> list[str]:
        seen[:] = ["found"] if found else []
        (tmp_path / "list.txt").write_text(names.replace(" ", "\n"))
        describe_catalogue(manifest=str(tmp_path / "list.txt"), out=f"{tmp_path}/{out}", jobs=1, **options)
        return seen[found:]

    return go


def read(out: Path) -> pd.DataFrame:
    table = pd.read_csv(out) if out.suffix == ".csv" else pd.read_parquet(out)
    return table.assign(path=[Path(path).name for path in table["path"]])


@pytest.mark.parametrize("out", ["x.parquet", "x.csv", "set/"])
def test_what_has_a_problem_is_tried_again_and_nothing_else(counted, tmp_path, out):
    assert counted("a lost bad", out) == ["a", "lost", "bad"]
    assert counted("a lost bad", out) == ["lost", "bad"]
    assert counted("b a lost bad c", out, found=True) == ["b", "lost", "bad", "c"]
    assert counted("b a lost bad c", out) == ["bad"]
    table = read(tmp_path / out)
    assert sorted(table["path"]) == ["a", "b", "bad", "c", "lost"]
    assert table.set_index("path")["problem"].fillna("").astype(bool).to_dict() == {
        "a": False, "b": False, "bad": True, "c": False, "lost": False
    }  # fmt: skip
    if out != "set/":
        assert table["path"].tolist() == ["b", "a", "lost", "bad", "c"]


@pytest.mark.parametrize("out", ["x.parquet", "x.csv", "set/"])
def test_rows_of_files_not_asked_for_stay(counted, tmp_path, out):
    assert counted("b a bad", out) == ["b", "a", "bad"]
    assert counted("c b", out) == ["c"]
    assert counted("c", out) == []
    table = read(tmp_path / out)
    assert sorted(table["path"]) == ["a", "b", "bad", "c"]
    if out != "set/":
        assert table["path"].tolist() == ["c", "a", "b", "bad"]  # first what was asked for


def test_rows_kept_in_csv_stay_to_the_digit(songs, tmp_path):
    out, page = tmp_path / "x.csv", tmp_path / "page, saved.mp3"
    page.write_text("<html>")
    describe_catalogue([str(songs / "00.wav"), str(page)], out=str(out), jobs=1)
    first = out.read_text()
    describe_catalogue([str(songs / "01.wav")], out=str(out), jobs=1)
    lines = out.read_text().splitlines()
    assert len(lines) == 4
    assert first.splitlines() == [lines[0], *lines[2:]]


@pytest.mark.parametrize("text", ["artist,plays\nKino,5\n", "\x00\x01\xff"])
@pytest.mark.parametrize("out", ["mine.csv", "mine.parquet"])
def test_a_table_of_somebody_else_is_not_written_over(counted, tmp_path, out, text):
    (tmp_path / out).write_text(text, "latin-1")
    with pytest.raises(SettingsError, match=f"{out} is no table of descriptors.*choose another --out"):
        counted("a", out)
    assert (tmp_path / out).read_text("latin-1") == text
    (tmp_path / out).write_bytes(b"")  # somebody made room for it
    assert counted("a", out) == ["a"]


def test_other_extractors_and_options_are_never_mixed(counted, tmp_path, monkeypatch, caplog):
    for out in ("x.parquet", "set/"):
        assert counted("a b", out) == ["a", "b"]
        assert counted("a b", out, sketches=True) == ["a", "b"]
        monkeypatch.setattr(parts, "EXTRACTOR_VERSION", "next")
        assert counted("b c", out, sketches=True) == ["b", "c"]
        table = pq.read_table(tmp_path / out)
        assert set(table["extractor_version"].to_pylist()) == {"next"}
        assert len(table) == 2
        monkeypatch.setattr(parts, "EXTRACTOR_VERSION", EXTRACTOR_VERSION)
    assert "set aside as _other-*" in caplog.text
    assert "described anew" in caplog.text
    # a user's rows are not thrown away
    assert len(list((tmp_path / "set").glob("_other-part-*.parquet"))) == 2
    assert [len(pd.read_parquet(path)) for path in tmp_path.glob("_other-*-x.parquet")] == [2, 2]


def test_a_folder_that_holds_other_tables_is_told_of(counted, tmp_path, caplog):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.parquet").write_bytes(b"")
    assert counted("a", "set/") == ["a"]
    assert "set/ holds mine.parquet too, which is not ours" in caplog.text


def test_a_csv_of_another_extractor_is_set_aside(counted, tmp_path, monkeypatch, caplog):
    assert counted("a b", "x.csv") == ["a", "b"]
    monkeypatch.setattr(parts, "EXTRACTOR_VERSION", "next")
    assert counted("b c", "x.csv") == ["b", "c"]
    assert len(pd.read_csv(tmp_path / "x.csv")) == 2
    (aside,) = tmp_path.glob("_other-*-x.csv")
    assert len(pd.read_csv(aside)) == 2
    assert f"set aside as {aside.name}, described anew" in caplog.text


def test_a_damaged_part_is_described_anew(counted, tmp_path, caplog):
    counted("a b", "set/")
    (part,) = (tmp_path / "set").glob("part-*")
    part.write_bytes(part.read_bytes()[:1000])
    (tmp_path / "set" / f".{part.name}.part").write_bytes(b"half")  # what a killed run was writing
    assert counted("a b", "set/") == ["a", "b"]
    assert len(pd.read_parquet(tmp_path / "set")) == 2
    assert "is damaged" in caplog.text
    assert not list((tmp_path / "set").glob(".part-*"))


def test_a_reshuffled_list_gives_its_own_order(counted, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "GROUP_ROWS", 7)
    monkeypatch.setattr(parts, "_CACHED", 2)
    names = [f"{number:03d}" for number in range(150)]
    counted(" ".join(names[:90]), "x.parquet")
    shuffled = np.random.default_rng(1).permutation(names).tolist()
    assert len(counted(" ".join(shuffled + shuffled[:5]), "x.parquet")) == 60
    assert [Path(path).name for path in pd.read_parquet(tmp_path / "x.parquet")["path"]] == shuffled


def test_one_run_at_a_time(counted, tmp_path):
    from chartropy.reports.places import Place

    (tmp_path / "set").mkdir()
    with (
        catalogue._alone_in(Place(str(tmp_path / "set"))),
        pytest.raises(WorkspaceLocked, match="another run is writing there"),
    ):
        counted("a", "set/")


def test_no_room_for_the_list_is_said(counted, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(parts._List, "ask", full)
    with pytest.raises(WorkspaceError, match=r"cannot hold the list of files \(database or disk is full\)"):
        counted("a", "x.csv")


def test_a_folder_that_cannot_be_locked_is_named(counted, monkeypatch):
    def fail(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", fail)
    with pytest.raises(WorkspaceReadOnly, match=r"set/ cannot be written \(Permission denied\)"):
        counted("a", "set/")


def test_an_interrupted_run_says_what_is_kept(songs, tmp_path, said, monkeypatch):
    def stop(path: str, options: object) -> Row:
        if path.endswith("20.wav"):
            raise KeyboardInterrupt
        return cheap(path, options)

    monkeypatch.setattr(catalogue, "_describe_one", stop)
    code, _, complaint = said(songs, "--jobs", 1, "--out", tmp_path / "x.csv")
    assert code == 130
    assert f"Stopped. 20 files are described and kept in {tmp_path / 'x.csv.parts'}: run the" in complaint
    code, out, complaint = said(songs, "--jobs", 1)
    assert (code, out) == (130, "")
    assert "Nothing is kept; with --out it would be." in complaint


# -- many cores, many machines -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_process_of_this_machine_costs_only_time(songs, truth, tmp_path):
    log = tmp_path / "log"
    with started(
        "-m", "chartropy.reports", "describe", songs, "--out", f"{tmp_path}/set/", "--jobs", 2, log=log
    ) as main_:
        until(lambda: list((tmp_path / "set").glob("part-*.parquet")))
        workers = [
            child for child in psutil.Process(main_.pid).children() if "loky.backend.popen" in str(child.cmdline())
        ]
        workers[0].kill()
        assert main_.wait(timeout=300) == 0, log.read_text()
    assert "each is tried again, alone" in log.read_text()
    found = named(pd.read_parquet(tmp_path / "set")).sort_values("path", ignore_index=True)
    pd.testing.assert_frame_equal(found, truth)


def broken_over(*deadly: str) -> catalogue._Crew:
    """A crew whose processes die over some files."""

    def submit(function, batch, options) -> Future:
        future: Future = Future()
        if any(Path(path).name in deadly for path in batch):
            future.set_exception(BrokenExecutor())
        else:
            future.set_result(function(batch, options))
        return future

    return catalogue._Crew(submit, lambda: 3, (BrokenExecutor,), "It")


def test_a_file_that_ends_its_process_is_a_row(monkeypatch):
    monkeypatch.setattr(catalogue, "_describe_one", cheap)
    options = catalogue._Options(sketches=False, folder="")
    rows = list(catalogue._rows(broken_over("3", "9"), map(str, range(12)), options))
    assert sorted(int(row.path) for row in rows) == list(range(12))
    bad = [row for row in rows if row.problem]
    assert [row.path for row in bad] == ["3", "9"]
    assert "ended, twice, the process" in bad[0].problem
    every = [str(number) for number in range(100)]
    with pytest.raises(ChartropyError, match="20 files in a row"):
        list(catalogue._rows(broken_over(*every), iter(every), options))


def test_workers_that_cannot_work_are_told_from_files(monkeypatch):
    future: Future = Future()
    future.set_exception(ModuleNotFoundError("No module named 'chartropy'"))
    crew = catalogue._Crew(lambda *_: future, lambda: 1, (), "The cluster at tcp://x")
    with pytest.raises(ChartropyError, match=r"tcp://x cannot run this Chartropy \(ModuleNotFoundError"):
        crew.result(future)
    with pytest.raises(SettingsError, match=f"A worker has extractor {EXTRACTOR_VERSION} and this Chartropy 0"):
        catalogue.describe_batch(["a"], catalogue._Options(False, "", version="0"))


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory) -> Iterator[str]:
    pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("cluster")
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
    with started("-m", "dask", "scheduler", *options, log=folder / "log"):
        yield address_in(file)


@contextmanager
def worker(address: str, folder: Path) -> Iterator[subprocess.Popen]:
    options = ["--nthreads", 1, "--no-nanny", "--no-dashboard", "--local-directory", folder]
    with started("-m", "dask", "worker", address, *options, log=folder / "worker.log") as process:
        yield process


@pytest.mark.slow
def test_a_killed_worker_of_a_cluster_costs_only_time(scheduler, songs, truth, tmp_path, monkeypatch):
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    out, log = tmp_path / "x.parquet", tmp_path / "log"
    monkeypatch.chdir(songs.parent)  # the workers are started elsewhere: paths go to them in full
    with worker(scheduler, tmp_path / "one") as one:
        arguments = ["-m", "chartropy.reports", "describe", songs.name, "--out", out, "--cluster", scheduler]
        with started(*arguments, log=log) as process:
            until(lambda: list((tmp_path / "x.parquet.parts").glob("part-*.parquet")))
            with worker(scheduler, tmp_path / "other"):
                one.kill()
                assert process.wait(timeout=300) == 0, log.read_text()
    table = pd.read_parquet(out)
    assert table["path"].str.startswith(f"{songs.name}/").all()
    pd.testing.assert_frame_equal(named(table), truth)


@pytest.mark.slow
def test_a_lost_scheduler_is_said_and_what_was_done_is_kept(songs, tmp_path):
    file, out, log = tmp_path / "scheduler.json", tmp_path / "set", tmp_path / "log"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
    with started("-m", "dask", "scheduler", *options, log=tmp_path / "scheduler.log") as own:
        address = address_in(file)
        with (
            worker(address, tmp_path),
            started(
                "-m", "chartropy.reports", "describe", songs, "--out", f"{out}/", "--cluster", address, log=log
            ) as main_,
        ):
            until(lambda: list(out.glob("part-*.parquet")))
            own.kill()
            assert main_.wait(timeout=120) == 1, log.read_text()
    assert "no longer answers. What is described is kept" in log.read_text()
    assert len(pd.read_parquet(out)) >= 16


# -- S3 ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory) -> Iterator[str]:
    pytest.importorskip("moto")
    pytest.importorskip("s3fs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("s3") / "log"
    with started("-m", "moto.server", "--host", "127.0.0.1", "--port", port, log=log):

        def answers() -> bool:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        until(answers)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def bucket(s3_server, songs, monkeypatch, request) -> Iterator[str]:
    """A bucket with four songs, a page and a list of them."""
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem(use_listings_cache=False)
    name = "b" + str(abs(hash(request.node.name)))
    files.mkdir(name)
    for seed in range(4):
        files.put_file(str(songs / f"{seed:02d}.wav"), f"{name}/music/album {seed % 2}/{seed:02d}.wav")
    files.pipe_file(f"{name}/music/page.mp3", b"<!doctype html><title>Sign in</title>")
    lines = [f"album {seed % 2}/{seed:02d}.wav" for seed in range(4)]
    files.pipe_file(f"{name}/music/list.txt", "\n".join([*lines, f"s3://{name}/music/page.mp3", "no.wav"]).encode())
    yield f"s3://{name}"
    s3fs.S3FileSystem.clear_instance_cache()


def test_files_and_tables_may_lie_in_s3(bucket, truth, said):
    code, _, complaint = said(f"{bucket}/music/", "--out", f"{bucket}/out/")
    assert (code, "page.mp3: this is an HTML page" in complaint) == (3, True), complaint
    table = pd.read_parquet(f"{bucket}/out/")
    assert set(table["path"]) == {
        *(f"{bucket}/music/album {seed % 2}/{seed:02d}.wav" for seed in range(4)),
        f"{bucket}/music/page.mp3",
    }
    heard = named(table[table["problem"] == ""]).sort_values("path", ignore_index=True)
    pd.testing.assert_frame_equal(heard, truth[:4])
    assert said(f"{bucket}/music", "--out", f"{bucket}/out/")[2].count("4 files described earlier") == 1


def test_a_manifest_in_s3_gives_one_file_in_its_order(bucket, said):
    import s3fs

    for again in ("", "4 files described earlier"):  # the page and the missing file are tried again
        code, _, complaint = said("--manifest", f"{bucket}/music/list.txt", "--out", f"{bucket}/x.parquet")
        assert (code, again in complaint) == (3, True), complaint
        table = pd.read_parquet(f"{bucket}/x.parquet")
        names = [path.removeprefix(f"{bucket}/music/") for path in table["path"]]
        assert names == [
            "album 0/00.wav", "album 1/01.wav", "album 0/02.wav", "album 1/03.wav", "page.mp3", "no.wav"
        ]  # fmt: skip
        assert "cannot be read" in table["problem"].iloc[-1]
    files = s3fs.S3FileSystem(use_listings_cache=False)
    assert sorted(files.ls(bucket)) == [f"{bucket[5:]}/music", f"{bucket[5:]}/x.parquet"]
    assert said("--manifest", f"{bucket}/music/list.txt", "--out", f"{bucket}/x.csv")[0] == 3
    assert len(pd.read_csv(f"{bucket}/x.csv")) == 6


def test_large_files_come_over_disk(bucket, monkeypatch):
    monkeypatch.setattr(catalogue, "LARGE", 1000)
    table = describe_files([f"{bucket}/music/album 0/00.wav"])
    assert table["problem"].tolist() == [""]


def test_an_upload_that_fails_leaves_nothing(bucket, songs, monkeypatch):
    import s3fs

    def fail(self, out, form):
        with out.whole() as file:
            file.write(b"half")
            raise OSError("connection lost")

    monkeypatch.setattr(parts.Parts, "gather", fail)
    with pytest.raises(WorkspaceReadOnly, match=r"x\.csv cannot be written \(connection lost\)"):
        describe_catalogue([str(songs / "00.wav")], out=f"{bucket}/x.csv")
    assert not s3fs.S3FileSystem(use_listings_cache=False).exists(f"{bucket}/x.csv")


def test_places_in_s3_that_are_not_there_are_named(bucket, songs, said):
    for arguments, exit_code, words in (
        ([f"{bucket}/nothing/"], 2, "there is no such file or folder"),
        (["--manifest", f"{bucket}/nothing.csv"], 2, "there is no such file"),
        (["--manifest", f"{bucket}/music/"], 2, "this is a folder"),
        ([songs / "00.wav", "--out", "s3://no-such-bucket-here/out/"], 1, "cannot be written"),
    ):
        code, _, complaint = said(*arguments)
        assert (code, words in complaint, "Traceback" in complaint) == (exit_code, True, False), complaint


# -- wrong usage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Nothing to describe: name files, folders or URLs"),
        (["nowhere.mp3"], "nowhere.mp3: there is no such file or folder"),
        (["empty"], "No audio files in empty"),
        (["--manifest", "no.csv"], "--manifest no.csv: there is no such file"),
        (["--manifest", "empty"], "--manifest empty: this is a folder"),
        (["--manifest", "blank.txt"], "--manifest blank.txt: it lists no file"),
        (["--manifest", "wrong.csv"], "its first line has no column path (isrc,file)"),
        (["--manifest", "song.wav"], "--manifest song.wav: this is no text; give a list of files"),
        (["--manifest", "huge.csv"], "--manifest huge.csv, line 2: field larger than field limit"),
        (["song.wav", "--out", "x.xlsx"], "--out x.xlsx: write .csv or .parquet, or a folder (its name ends in /)"),
        (["song.wav", "--sketches"], "--sketches: CSV cannot hold them"),
        (["song.wav", "--sketches", "--out", "x.csv"], "--sketches: CSV cannot hold them"),
        (["song.wav", "--jobs", "0"], "--jobs 0: give how many files at once"),
        (["song.wav", "--jobs", "2", "--cluster", "tcp://127.0.0.1:9"], "give one or the other"),
        (
            ["song.wav", "--cluster", "tcp://127.0.0.1:9"],
            "--cluster tcp://127.0.0.1:9: no Dask scheduler answers there",
        ),
        (["song.wav", "--cluster", "nonsense://x"], "--cluster nonsense://x: no Dask scheduler answers there"),
        (["nothing://bucket/x.mp3"], "nothing://bucket/x.mp3: Protocol not known"),
    ],
)
def test_wrong_usage_is_named(said, tmp_path, monkeypatch, songs, arguments, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalogue, "_CONNECT", 1.0)
    (tmp_path / "empty").mkdir()
    shutil.copy(songs / "00.wav", "song.wav")
    Path("blank.txt").write_text("\n  \n")
    Path("wrong.csv").write_text("isrc,file\nX,song.wav\n")
    Path("huge.csv").write_text("path\n" + "x" * 200_000 + "\n")
    before = sorted(tmp_path.iterdir())
    code, _, complaint = said(*arguments)
    assert (code, words in complaint, "Traceback" in complaint) == (2, True, False), complaint
    assert sorted(tmp_path.iterdir()) == before


def test_a_cluster_without_workers_is_named(scheduler, songs, said, monkeypatch):
    monkeypatch.setattr(catalogue, "_CONNECT", 2.0)
    code, _, complaint = said(songs / "00.wav", "--cluster", scheduler)
    assert (code, "it has no workers; `dask worker" in complaint) == (2, True), complaint


@pytest.mark.parametrize(
    ("module", "arguments", "words"),
    [
        ("fsspec.core", ["s3://bucket/x.mp3"], "pip install 'chartropy[s3]'"),
        ("s3fs", ["s3://bucket/x.mp3"], "pip install 'chartropy[s3]'"),
        ("distributed", ["{song}", "--cluster", "tcp://127.0.0.1:9"], "pip install 'chartropy[cluster]'"),
    ],
)
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(
    said, songs, monkeypatch, module, arguments, words
):
    monkeypatch.setitem(sys.modules, module, None)
    with suppress(ImportError):
        monkeypatch.delitem(importlib.import_module("fsspec.registry")._registry, "s3", raising=False)
    code, _, complaint = said(*(argument.format(song=songs / "00.wav") for argument in arguments))
    assert (code, words in complaint) == (2, True), complaint


def test_a_place_that_cannot_be_written_is_named_before_the_work(said, songs, tmp_path, monkeypatch):
    def never(*_):
        raise AssertionError("described for nothing")

    monkeypatch.setattr(catalogue, "_describe_one", never)
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "x.csv", f"{tmp_path / 'file'}/"):
        code, _, complaint = said(songs / "00.wav", "--out", out)
        assert (code, "cannot be made" in complaint) == (1, True), complaint
