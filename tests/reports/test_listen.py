"""Listening tests: the page in a real browser, the files it gives, and what is made of them."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from chartropy.analysis.detector import Detector
from chartropy.audio.decode import Audio, decode
from chartropy.audio.disturb import louder, mixed_down, muffled
from chartropy.audio.synthesize import synthesize, to_bytes
from chartropy.features.describe import describe
from chartropy.features.registry import DESCRIPTORS
from chartropy.reports.experiments import _interval, _rounded
from chartropy.reports.figures import forest
from chartropy.reports.listening import (
    CEILING_HZ,
    CUT_OFF_DB,
    ONE_CHANNEL_DB,
    RATE,
    Source,
    alike,
    analyze,
    make_test,
    read_answers,
    read_key,
    read_sources,
    simulate_files,
    write_results,
)
from chartropy.reports.words import ENGLISH, words_in
from chartropy.workspace.errors import SettingsError, UnsuitableAudio

BROWSER = os.environ.get("CHARTROPY_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"
SECONDS = 5.0


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Two AI songs and two human ones, of which two are versions of one song, with a manifest."""
    folder = tmp_path_factory.mktemp("music")
    rows = []
    for seed, label in enumerate(("ai", "ai", "human", "human")):
        song = synthesize(seed, machine_made=label == "ai", seconds=SECONDS + seed, rate=RATE)
        path = folder / label / f"secret-{label}-{seed}.wav"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(to_bytes(louder(song, -6.0 * seed)))
        rows.append((f"{label}/{path.name}", label, f"maker-{seed}", "one" if seed in (1, 2) else "", f"Title {seed}"))
    pd.DataFrame(rows, columns=["path", "label", "group", "song", "title"]).to_csv(folder / "clips.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def made(music, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return make_test(
        read_sources([music / "clips.csv"]),
        folder / "test.html",
        hear=0.4,
        repeats=1,
        ask=("age", "musician"),
        by="Nobody <who@example.org>",
        salt="salt",
    )


@pytest.fixture
def key(made):
    return read_key(made.key)


# -- making ------------------------------------------------------------------------------------------------------------


def sounds_of(page):
    return dict(re.findall(r'id="sound-(\w+)">([^<]*)<', page.read_text("utf-8")))


def test_the_page_tells_nothing_of_what_the_clips_are(made):
    text = re.sub(r"(id=\"sound-\w+\">)[^<]*|(<style>)[^<]*", r"\1\2", made.page.read_text("utf-8"))
    for secret in ("secret", "maker-", "Title", "human", "wav", '"ai"', "salt", "music/"):
        assert secret not in text, secret
    assert "Nobody &lt;who@example.org&gt;" in text
    key = made.key.read_text("utf-8")
    assert all(word in key for word in ("secret-ai-0.wav", "maker-3", "human"))
    data = json.loads(re.search(r'id="test">(.*?)</script>', text)[1])
    assert [item["id"] for item in data["items"]] == sorted(item["id"] for item in data["items"])


def test_another_salt_gives_other_names_and_the_same_one_the_same_page(made, music, tmp_path):
    sources = read_sources([music / "clips.csv"])
    how = {"hear": 0.4, "repeats": 1, "ask": ("age", "musician"), "by": "Nobody <who@example.org>"}
    same = make_test(sources, tmp_path / "same.html", salt="salt", **how)
    assert same.page.read_bytes() == made.page.read_bytes()
    other = make_test(sources, tmp_path / "other.html", **how)
    assert not set(read_key(other.key)["item"]) & set(read_key(made.key)["item"])
    assert not set(sounds_of(other.page)) & set(sounds_of(made.page)) - {"practice"}


def test_what_is_heard_is_alike_in_all_but_the_music(made):
    clips = [decode(base64.b64decode(sound)) for sound in sounds_of(made.page).values()]
    assert len(clips) == 5
    assert {(clip.codec, clip.rate, clip.channels) for clip in clips} == {("mp3", RATE, 2)}
    lengths = [clip.seconds for clip in clips]
    assert max(lengths) - min(lengths) < 0.1
    found = [dict(zip(DESCRIPTORS, describe(clip).values, strict=True)) for clip in clips]
    loud = [one["dynamics.loudness.integrated"] for one in found]
    assert max(loud) - min(loud) < 0.3
    assert max(one["dynamics.true_peak"] for one in found) < 0
    for clip in clips:
        power = np.abs(np.fft.rfft(clip.samples[0])) ** 2
        above = np.fft.rfftfreq(clip.samples.shape[1], 1 / RATE) > CEILING_HZ + 200
        assert power[above].sum() < 1e-6 * power.sum()


def songs(*names, seconds=5.0):
    return [replace(synthesize(n, seconds=seconds, rate=RATE), name=name) for n, name in enumerate(names, 1)]


def test_one_channel_among_clips_makes_all_of_one():
    wide, other = songs("wide", "other")
    one = mixed_down(other)
    both = replace(other, samples=np.repeat(one.samples, 2, axis=0))
    for narrow in (one, both):
        made = alike([wide, narrow])
        assert [clip.channels for clip in made.clips] == [1, 1]
        assert made.width_db[1] == -60 < ONE_CHANNEL_DB < made.width_db[0]
    assert [clip.channels for clip in alike([wide, other]).clips] == [2, 2]
    with pytest.raises(UnsuitableAudio, match="silent"):
        alike([wide, louder(other, -200)])


def above(clip, hertz):
    """Power above a frequency over all of it, in dB."""
    seen = np.fft.rfft(clip.samples[0].astype(float) * np.hanning(clip.samples.shape[1]))
    power = np.square(np.abs(seen))
    return 10 * np.log10(power[np.fft.rfftfreq(clip.samples.shape[1], 1 / clip.rate) > hertz].sum() / power.sum())


def test_where_one_clip_was_cut_off_all_are():
    whole, cut, dull = songs("whole", "cut", "dull")
    made = alike([whole, muffled(cut, 12_000)])
    assert made.ceiling_hz == pytest.approx(12_000, abs=30)
    assert max(above(clip, 12_100) for clip in made.clips) < -80
    assert min(above(clip, 11_900) for clip in made.clips) > -80
    assert alike([whole, cut]).ceiling_hz == CEILING_HZ
    loud = louder(cut, 12)  # clipped, and higher yet without its treble
    assert np.abs(loud.samples).max() == 1
    assert above(alike([loud, cut]).clips[0], CEILING_HZ + 100) < -80
    # not for the sake of one that has next to nothing left
    made = alike([whole, muffled(cut, 12_000), muffled(dull, 6_000)])
    assert made.ceiling_hz == pytest.approx(12_000, abs=30)
    assert made.bandwidth_hz == pytest.approx([22_050, 12_000, 6_000], abs=30)
    assert (made.cut_off_db[1:] >= CUT_OFF_DB).all()
    # music that ends slowly was not cut off, and does not dull the others
    slope = np.fft.rfft(dull.samples, axis=1) * 10 ** (-np.arange(dull.samples.shape[1] // 2 + 1) / 1e5 * 12)
    slow = replace(dull, samples=np.fft.irfft(slope, dull.samples.shape[1], axis=1).astype(np.float32))
    made = alike([whole, slow])
    assert made.bandwidth_hz[1] < 15_000
    assert made.cut_off_db[1] < CUT_OFF_DB
    assert made.ceiling_hz == CEILING_HZ


def test_the_maker_is_told_which_clips_differed_and_the_key_holds_what_each_was(tmp_path):
    clips = songs("a", "b", "c", "d")
    silence = np.zeros((2, RATE), np.float32)
    clips[1] = muffled(clips[1], 12_000)
    clips[2] = muffled(clips[2], 6_000)
    clips[3] = replace(
        clips[3], samples=np.hstack([silence, np.repeat(mixed_down(clips[3]).samples, 2, axis=0), silence])
    )
    sources = []
    for clip in clips:
        (file := tmp_path / f"{clip.name}.wav").write_bytes(to_bytes(clip))
        sources.append(Source(str(file), "ai" if clip.name in "ab" else "human"))
    made = make_test(sources, tmp_path / "t.html", seconds=10, repeats=0)
    said = dict(note.split(": ", 1) for note in made.notes[:2])
    assert said["Length"].startswith("all clips are cut to 5.0 s"), "silence at the ends is no music"
    assert (
        said["Width"] == "1 of 4 clips have one channel, or the same sound in both (d.wav): all were mixed down to one."
    )
    assert made.notes[2].startswith(
        "Bandwidth: all clips are cut at 12.0 kHz, where b.wav was cut off before (16.0 kHz without it)"
    )
    assert "1 of 4 clips end lower still" in made.notes[3]
    assert "c.wav (6.0 kHz, cut off)" in made.notes[3]
    key = read_key(made.key).set_index("path").loc[[source.path for source in sources]]
    assert key["bandwidth_hz"].astype(float).tolist() == pytest.approx([22_050, 12_000, 6_000, 22_050], abs=30)
    assert key["width_db"].astype(float).iloc[3] == -60
    assert set(key["ceiling_hz"].astype(float).round(-3)) == {12_000}
    found = {name: decode(base64.b64decode(sound)) for name, sound in sounds_of(made.page).items()}
    loud = [
        dict(zip(DESCRIPTORS, describe(clip).values, strict=True))["dynamics.loudness.integrated"]
        for clip in found.values()
    ]
    assert max(loud) - min(loud) < 0.3, "the clip to practise with is as loud, whatever the others are"


def test_nothing_in_the_page_but_music_tells_real_clips_apart(shared, tmp_path):
    table = pd.read_csv(shared / "corpus" / "clips.csv")
    table = table[(table["seconds"] > 29) & table["source"].isin(["yue", "suno", "supertux-data", "spotify-previews"])]
    table["path"] = str(shared / "corpus") + "/" + table["path"]
    table.groupby("source").head(2).to_csv(tmp_path / "clips.csv", index=False)
    made = make_test(read_sources([tmp_path / "clips.csv"]), tmp_path / "t.html", seconds=10, repeats=0)
    key = read_key(made.key)
    before = key["bandwidth_hz"].astype(float)
    assert before.max() - before.min() > 1000
    bytes_of = {name: base64.b64decode(sound) for name, sound in sounds_of(made.page).items() if name != "practice"}
    assert len({len(one) for one in bytes_of.values()}) == 1
    assert not any(one.startswith((b"ID3", b"RIFF")) or b"TAG" in one[-128:] for one in bytes_of.values())
    clips = [decode(one) for one in bytes_of.values()]
    assert len({(clip.samples.shape, clip.codec, clip.rate) for clip in clips}) == 1
    found = pd.DataFrame([describe(clip).as_dict() for clip in clips])
    assert found["dynamics.loudness.integrated"].agg(np.ptp) < 0.1
    # but for music that ends below; MP3 leaks a few of its bands beyond the cut
    ceiling = float(key["ceiling_hz"].iloc[0])
    assert (found["production.bandwidth"] < ceiling + 500).all()
    assert (found["production.bandwidth"] > ceiling - 100).sum() == (before > ceiling - 100).sum()
    for clip in clips:
        level = (
            np.square(clip.samples[:, : RATE * 10 // 2205 * 2205]).reshape(clip.channels, -1, 2205).mean(axis=(0, 2))
        )
        assert level[[0, 1, -3]].min() > level.max() * 1e-6


def test_files_are_labelled_by_their_folders(music, tmp_path):
    found = read_sources(str(music))
    assert [source.label for source in found] == ["ai", "ai", "human", "human"]
    stray = tmp_path / "stray.wav"
    stray.write_bytes(b"")
    with pytest.raises(SettingsError, match="folder called ai or human"):
        read_sources([stray])


def test_links_are_loaded_from_their_hosts_alone(tmp_path):
    sources = [Source("https://a.example/x.mp3", "ai"), Source("https://b.example/y.mp3", "human")]
    made = make_test(sources, tmp_path / "links.html", repeats=0)
    text = made.page.read_text("utf-8")
    assert "all clips are equally loud" not in text, "nobody made them so"
    assert "media-src blob: https://a.example https://b.example; script-src 'sha256-" in text
    assert "a.example and b.example, which sees" in re.sub(r"\s+", " ", text)
    assert "neither loudness nor bandwidth nor codec" in made.notes[0]
    with pytest.raises(SettingsError, match="cannot be mixed"):
        make_test([*sources, Source("/x.mp3", "ai")], tmp_path / "mixed.html")
    (tmp_path / "bad.csv").write_text("path,label\nhttp://a.example/x.mp3,ai\n")
    with pytest.raises(SettingsError, match="begins with https"):
        read_sources([tmp_path / "bad.csv"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"points": 5}, "--points 5: choose 4 or 6"),
        ({"seconds": 2.0}, "--seconds 2: choose 5 to 60"),
        ({"hear": 40.0}, "--hear 40"),
        ({"repeats": -1}, "--repeats -1"),
        ({"ask": ("name",)}, "--ask name"),
    ],
)
def test_options_that_cannot_be_used_are_named(music, tmp_path, options, said):
    with pytest.raises(SettingsError, match=said):
        make_test(read_sources([music]), tmp_path / "x.html", **options)
    assert not list(tmp_path.iterdir())


def test_a_key_is_never_written_over(made, music):
    with pytest.raises(SettingsError, match="is there already"):
        make_test(read_sources([music]), made.page)
    with pytest.raises(SettingsError, match=r"a page is a \.html file"):
        make_test(read_sources([music]), made.page.with_suffix(".txt"))
    with pytest.raises(SettingsError, match="AI clips and human ones"):
        make_test(read_sources([music / "ai"]), made.page.with_name("one-kind.html"))


def test_clips_that_cannot_be_used_are_left_out_and_named(command_line, music, tmp_path):
    shutil.copytree(music, tmp_path / "music")
    (tmp_path / "music" / "ai" / "broken.mp3").write_text("<html>not here</html>")
    (tmp_path / "music" / "human" / "short.wav").write_bytes(to_bytes(synthesize(1, seconds=2)))
    silent = Audio(np.zeros((1, 10 * 44_100), np.float32), 44_100)
    (tmp_path / "music" / "human" / "silent.wav").write_bytes(to_bytes(silent))
    folders = [tmp_path / "music" / kind for kind in ("ai", "human")]
    code, said, complained = command_line("listen", "make", *folders, "--out", tmp_path / "t.html", "--repeats", "99")
    assert code == 3
    whole = len(list(folders[0].glob("*.*")) + list(folders[1].glob("*.*"))) - 3
    assert f"{whole} clips, {2 * whole} to answer" in said
    assert f"each of the {whole} clips comes twice, more cannot be" in " ".join(said.split())
    for name in ("broken.mp3", "short.wav", "silent.wav"):
        assert name in complained
    assert len(read_key(tmp_path / "t.key.csv").query("repeat_of == ''")) == whole
    for file in folders[0].iterdir():
        file.write_text("nothing")
    code, _, complained = command_line("listen", "make", *folders, "--out", tmp_path / "u.html")
    assert code == 2
    assert "A test needs AI clips and human ones" in complained
    assert "cannot be used, the first:" in " ".join(complained.split())
    assert not (tmp_path / "u.html").exists()


# -- reading and analysing ---------------------------------------------------------------------------------------------


def answers_of(key, listener="a", rating=None, **more):
    """A file's content: every item answered, right unless told otherwise."""
    right = {"ai": 5, "human": 2}
    return {
        "format": "chartropy-listening/1",
        "test": key["test"].iloc[0],
        "listener": listener,
        "answers": [
            {"item": row.item, "rating": rating or right[row.label], "known": False, "heard": 4.0, "seconds": 5.0}
            for row in key.itertuples()
        ],
        **more,
    }


def written(folder, name, told):
    file = folder / name
    file.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    return file


def test_bad_files_are_named_and_the_rest_is_read(key, tmp_path):
    good = answers_of(key)
    items = list(key["item"])
    wrong = answers_of(key, "b")
    wrong["answers"][0]["rating"] = 9
    wrong["answers"][1]["item"] = "nothing"
    wrong["answers"][2] = wrong["answers"][3]
    bad = {
        "0.json": good,
        "1.json": "{",
        "2.json": good | {"test": "another"},
        "3.json": good | {"format": "other"},
        "4.json": good | {"listener": "<b>"},
        "5.json": good | {"listener": "c", "answers": []},
        "6.json": good | {"answers": good["answers"][:2]},
        "7.json": wrong,
        "8.json": "[" * 5,
        "9.json": good | {"listener": "d", "answers": "many"},
    }
    for name, told in bad.items():
        written(tmp_path, name, told)
    (tmp_path / "z.json").write_bytes(b"\xff\xfe\x00")
    found = read_answers(str(tmp_path), key)
    assert set(found.table["listener"]) == {"a", "b"}
    assert len(found.table) == 5 + 2
    said = "\n".join(found.problems)
    for part in ("1.json: is no JSON", "answers test 'another'", "3.json: is no file of answers", "names no listener",
                 "5.json: holds no answer", "same listener as", "rating 9 is no whole number from 1 to 6",
                 "'nothing' is no item", "was answered before", "9.json: holds no list", "z.json: is no JSON"):  # fmt: skip
        assert part in said, part
    with pytest.raises(
        SettingsError, match=r"No file of 1 holds answers to this test. The first: .*1.json: is no JSON"
    ):
        read_answers([tmp_path / "1.json"], key)
    with pytest.raises(SettingsError, match="no such file"):
        read_answers([tmp_path / "none.json"], key)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match=r"No file of answers \(.json\) in .*empty"):
        read_answers([tmp_path / "empty"], key)
    russian = words_in("ru")
    unsaid = [one for one in found.problems if not all(known for _, known in russian.reason(one))]
    assert unsaid == []
    assert len(items) == 5


def test_the_second_time_is_the_one_that_came_later(key, tmp_path):
    told = answers_of(key)
    twice = key[key["sound"].duplicated(keep=False)]["item"].tolist()
    told["answers"].sort(key=lambda one: (one["item"] != twice[1], one["item"] == twice[0]))
    found = read_answers([written(tmp_path, "a.json", told)], key).table
    assert found.loc[found["again"], "item"].tolist() == [twice[0]]


def test_known_recordings_do_not_count_and_are_told(key, tmp_path):
    told = [answers_of(key, name) for name in "abc"]
    repeated = set(key.loc[key["repeat_of"] != "", "sound"])
    single = next(row.item for row in key.itertuples() if row.sound not in repeated)
    for one in told[0]["answers"]:
        one["known"] = one["item"] == single
    files = [written(tmp_path, f"{one['listener']}.json", one) for one in told]
    found = analyze(read_answers(files, key))
    assert (found.known, found.answers) == (1, 3 * 4 - 1)
    assert not found.simulated
    assert found.summary.set_index("measure").loc["consistency", "value"] == 1


def test_what_is_no_key_is_named(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        read_key(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SettingsError, match="has no column 'test'"):
        read_key(tmp_path / "other.csv")
    (tmp_path / "page.html").write_text("<html>\n<p>a, b\n<p>a, b, c, d")
    with pytest.raises(SettingsError, match="nor any CSV"):
        read_key(tmp_path / "page.html")


def judged(key, *, unmeasured=()):
    """What a detector might say of a test's clips."""
    clips = key.drop_duplicates("sound").set_index("sound")
    odds = np.where(clips["label"] == "ai", 3.0, -3.0)
    table = pd.DataFrame({"log_odds": odds, "verdict": clips["label"], "reason": ""}, index=clips.index)
    table.loc[list(unmeasured)] = [np.nan, "unmeasured", "The clip is 5.0 s long; at least 10 s are needed."]
    return table


def test_what_the_detector_was_trained_on_stands_at_its_figures(key, tmp_path):
    simulate_files(key, 6, tmp_path / "answers", d_prime=2.0)
    known = Detector.load().card["clips"][0]
    renamed = key.assign(path=key["path"].mask(key["title"] == "Title 0", f"/somewhere/{known}.mp3"))
    for about, said in ((renamed, "1 of the 4 clips bear the name"), (key, "None of the 4 clips bears the name")):
        found = analyze(read_answers([tmp_path / "answers"], about), judged(about))
        assert said in found.warning
        of_it = found.summary["measure"].str.startswith("detector.")
        assert of_it.any()
        assert (found.summary.loc[of_it, "warning"] == found.warning).all()
        assert found.summary.loc[~of_it, "warning"].isna().all()
        assert found.clips.set_index("title")["trained_on"].to_dict()["Title 0"] == (about is renamed)
        page, summary, *_ = write_results(found, tmp_path / "found.html")
        text = page.read_text("utf-8")
        heading, figure = text.index("Listeners against the detector"), text.index("Area under the ROC, detector")
        assert heading < text.index(said) < figure
        assert said in summary.read_text("utf-8")
    assert analyze(read_answers([tmp_path / "answers"], key)).warning == ""


def test_a_russian_page_says_in_russian_what_is_missing(key, tmp_path):
    simulate_files(key, 1, tmp_path / "answers")
    short = key.drop_duplicates("sound")["sound"].iloc[0]
    read = read_answers([tmp_path / "answers"], key)
    for table in (judged(key, unmeasured=[short]), judged(key, unmeasured=key["sound"].unique())):
        found = analyze(read, table)
        page, *_ = write_results(found, tmp_path / "found.html", words_in("ru"), ["x.json: holds no answer."])
        text = page.read_text("utf-8")
        assert 'lang="en"' not in text
        assert "Детектор не смог судить о «Title" in text
        assert "x.json: в нём нет ни одного ответа." in text
    assert "Слушателей не сравнили с детектором" in text


def test_what_a_test_does_not_ask_has_no_row(key, tmp_path):
    # neither versions of a song nor clips that come twice
    plain = key[key["repeat_of"] == ""].assign(song="")
    simulate_files(plain, 3, tmp_path / "answers")
    found = analyze(read_answers([tmp_path / "answers"], plain))
    assert not {"pairs", "consistency"} & set(found.summary["measure"])
    # whoever leaves out what is asked is told so
    simulate_files(key, 2, tmp_path / "half")
    for file in (tmp_path / "half").iterdir():
        told = json.loads(file.read_text("utf-8"))
        pair = set(key.loc[key["song"] == "one", "item"][:1])
        told["answers"] = [one for one in told["answers"] if one["item"] not in pair]
        file.write_text(json.dumps(told))
    assert "pairs" in set(analyze(read_answers([tmp_path / "half"], key)).summary["measure"])


def test_an_interval_without_end_does_not_set_the_scale():
    rows = [("all", 1.0, 0.5, 1.5), ("two clips", 1.0, -900.0, 1100.0)]
    how = {"name": "f", "title": "f", "unit": "d′", "tick": str, "number": lambda value: f"{value:g} here"}
    cut, whole = (forest(rows, **how, **limit) for limit in ({"limit": 5.0}, {}))
    assert ">1000.0<" in whole
    assert ">1000.0<" not in cut
    assert cut.count("<use") > whole.count("<use"), "an arrow at either end says that it goes on"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_results_of_simulated_listeners_are_marked(key, tmp_path, language):
    simulate_files(key, 6, tmp_path / "answers", d_prime=2.0)
    found = analyze(read_answers([tmp_path / "answers"], key))
    files = write_results(found, tmp_path / "found.html", words_in(language), ["x.json: is no JSON"])
    assert [file.name for file in files] == ["found.html"] + [
        f"found.{n}.csv" for n in ("summary", "listeners", "clips")
    ]
    text = files[0].read_text("utf-8")
    assert {"en": "SIMULATED", "ru": "МОДЕЛЬ"}[language] in text
    assert text.count("<figure>") == 1, "of groups of one clip nothing is drawn"
    assert "nan" not in re.sub(r"<[^>]+>", " ", text).lower().split()
    assert all("synthetic" in file.read_text("utf-8") for file in files[1:])
    summary = pd.read_csv(files[1]).set_index("measure")
    assert {"d_prime", "area", "agreement", "pairs", "consistency", "group.d_prime"} <= set(summary.index)
    assert summary.loc["d_prime", "n"] == 6 * 4
    counted = summary["of"].to_dict()
    assert (counted["d_prime"], counted["agreement"]) == ("answers", "clips")
    assert counted["pairs"] == counted["consistency"] == "pairs of answers"
    assert summary.loc["agreement.ratings", "n"] == 4


def test_no_minus_stands_before_a_zero(key, tmp_path):
    simulate_files(key, 3, tmp_path / "answers")
    found = analyze(read_answers([tmp_path / "answers"], key), judged(key))
    found.listeners["criterion"] = found.listeners["low"] = -0.0
    found.summary.loc[found.summary["measure"] == "criterion", ["value", "low"]] = -0.0004
    for words in (ENGLISH, words_in("ru")):
        page, *_ = write_results(found, tmp_path / "found.html", words)
        assert not re.findall(r"(?<!\w)[-−]0(?:[.,]0+)?(?![.,\d])", re.sub(r"<[^>]+>", " ", page.read_text("utf-8")))
    assert (_rounded(-0.0004), _interval({"low": -0.0, "high": -0.0})) == ("0.000", "0.000 to 0.000")
    of_test = found.summary.set_index("measure").loc["detector.mcnemar.p"]
    assert of_test[["low", "high"]].isna().all()
    assert of_test["of"] == "clips"


def test_listeners_are_not_added_to_those_who_are_there(key, tmp_path):
    simulate_files(key, 3, tmp_path / "answers")
    with pytest.raises(
        SettingsError, match=r"holds 3 \.json files already, such as .*: .* name another one, or empty it"
    ):
        simulate_files(key, 2, tmp_path / "answers")
    assert len(read_answers([tmp_path / "answers"], key).table["listener"].unique()) == 3


def test_the_commands_lead_from_music_to_a_page(music, tmp_path, command_line):
    code, said, complaint = command_line(
        "listen", "make", music / "clips.csv", "--out", tmp_path / "t.html", "--repeats", 1, "--hear", 3
    )
    assert (code, "4 clips, 5 to answer" in said) == (0, True)
    assert "held out" not in complaint
    key = tmp_path / "t.key.csv"
    code, said, _ = command_line("listen", "simulate", "--key", key, "--out", tmp_path / "answers", "--listeners", 5)
    assert (code, "Simulated listeners: 5, a file of answers each" in said) == (0, True)
    (tmp_path / "answers" / "bad.json").write_text("{}")
    code, said, complaint = command_line(
        "listen", "analyze", tmp_path / "answers", "--key", key, "--out", tmp_path / "found.html", "--detector"
    )
    assert code == 3
    assert "SIMULATED" in said
    assert "d_prime" in said
    assert "Groups without an interval, for which two clips and two listeners are needed: 4." in said
    assert "bad.json: is no file of answers" in complaint
    assert "could not judge" in complaint, "five seconds are too short for the detector, which is said"
    assert (tmp_path / "found.html").is_file()


# -- in a browser ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -e '.[browser]'")
    if not BROWSER:
        pytest.skip("needs Chromium in the path, or CHARTROPY_BROWSER")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, made):
    """Open the test; in the end nothing was wrong in the console and nothing was asked of anybody."""
    wrong, asked, contexts = [], [], []

    def open_page(page=made.page, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(page.as_uri())
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []


def focused(tab):
    return tab.evaluate("() => document.activeElement.id || document.activeElement.name")


def tab_to(tab, name):
    for _ in range(30):
        if focused(tab) == name:
            return
        tab.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by Tab")


def answer(tab, downs, known=False):
    """Listen and answer, by the keyboard alone."""
    tab_to(tab, "play")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#scale:not([disabled])", timeout=10_000)
    tab_to(tab, "rating")
    tab.keyboard.press("Space")
    for _ in range(downs):
        tab.keyboard.press("ArrowDown")
    tab_to(tab, "known")
    if known:
        tab.keyboard.press("Space")
    tab_to(tab, "next")
    tab.keyboard.press("Enter")


def open_again(tab):
    """Come back after a break; a browser's processes pass on in their own time what a page keeps."""
    for _ in range(5):
        tab.reload()
        if tab.locator("#found").is_visible():
            return
        tab.wait_for_timeout(500)
    raise AssertionError("nothing was kept of the test")


@pytest.mark.xdist_group("browser")
def test_the_whole_test_is_walked_by_keyboard(opened, made, key, tmp_path):
    tab = opened()
    assert tab.locator("#begin").is_disabled()
    tab_to(tab, "agree")
    tab.keyboard.press("Space")
    tab_to(tab, "begin")
    tab.keyboard.press("Enter")
    tab_to(tab, "age")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.locator("#place").inner_text() == "A clip to practise with"
    assert tab.locator("#next").is_disabled(), "nothing is answered before it was heard"
    answer(tab, 0)
    for number in range(1, made.items + 1):
        assert tab.locator("#place").inner_text() == f"Clip {number} of {made.items}"
        if number == 3:  # a break: the page is closed and opened again
            open_again(tab)
            assert tab.locator("#begin").inner_text() == "Go on"
            asked = []
            tab.once("dialog", lambda dialog, asked=asked: (asked.append(dialog.message), dialog.dismiss()))
            tab_to(tab, "anew")
            tab.keyboard.press("Enter")  # by mistake: nothing is lost
            assert asked == ["Delete all answers that this browser keeps of the test?"]
            open_again(tab)
            tab_to(tab, "agree")
            tab.keyboard.press("Space")
            tab_to(tab, "begin")
            tab.keyboard.press("Enter")
            assert tab.locator("#place").inner_text() == f"Clip 3 of {made.items}"
        answer(tab, number - 1, known=number == 2)
    assert tab.locator("#done").is_visible()
    tab_to(tab, "save")
    with tab.expect_download() as loading:
        tab.keyboard.press("Enter")
    file = tmp_path / loading.value.suggested_filename
    loading.value.save_as(file)
    assert file.name in tab.locator("#saved").inner_text()
    told = json.loads(file.read_text("utf-8"))
    assert told["about"] == {"age": "18-24"}
    assert "order" not in told
    assert [one["rating"] for one in told["answers"]] == [6, 5, 4, 3, 2]  # the scale begins at "surely AI"
    assert all(0.35 <= one["heard"] <= SECONDS + 0.1 for one in told["answers"])
    found = read_answers([file], key)
    assert found.problems == []
    assert set(found.table["item"]) == set(key["item"])
    assert found.table["known"].sum() == 1
    tab_to(tab, "forget")
    tab.keyboard.press("Enter")
    tab.wait_for_timeout(500)
    tab.reload()
    assert not tab.locator("#found").is_visible()


@pytest.mark.xdist_group("browser")
def test_who_begins_anew_is_asked_first_and_loses_what_was_answered(opened):
    tab = opened()
    tab.check("#agree")
    tab.click("#begin")
    tab.select_option("#age", "25-34")
    tab.click("#who button")
    answer(tab, 0)  # the clip to practise with
    open_again(tab)
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.click("#anew")
    assert not tab.locator("#found").is_visible()
    assert tab.locator("#begin").inner_text() == "Begin"
    tab.check("#agree")
    tab.click("#begin")
    assert tab.locator("#about").is_visible()
    tab.click("#who button")
    assert tab.locator("#place").inner_text() == "A clip to practise with"


@pytest.mark.xdist_group("browser")
def test_every_listener_has_an_order_that_can_be_made_again(opened, made, key):
    sound = key.set_index("item")["sound"]
    orders = []
    for _ in range(6):
        tab = opened()
        tab.check("#agree")
        tab.click("#begin")
        state = json.loads(tab.evaluate("() => localStorage.getItem(Object.keys(localStorage)[0])"))
        assert sorted(state["order"]) == sorted(key["item"])
        orders.append(tuple(state["order"]))
        heard = [sound[item] for item in state["order"]]
        assert all(one != two for one, two in pairwise(heard)), "a clip follows itself"
    assert len(set(orders)) > 1


@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(opened, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    tab = opened(color_scheme=scheme, bypass_csp=True, viewport={"width": 360, "height": 740})

    def faultless():
        grave = [one for one in axe.Axe().run(tab).response["violations"] if one["impact"] in ("serious", "critical")]
        assert not grave, [(one["id"], [node["target"] for node in one["nodes"]]) for one in grave]
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= 360

    faultless()
    tab.check("#agree")
    tab.click("#begin")
    faultless()
    tab.click("#who button")
    faultless()
    tab.evaluate(
        "() => { document.getElementById('listen').hidden = true; document.getElementById('done').hidden = false }"
    )
    faultless()


@pytest.mark.xdist_group("browser")
def test_the_test_and_its_results_speak_russian(opened, music, key, tmp_path):
    russian = words_in("ru")
    made = make_test(read_sources([music]), tmp_path / "тест.html", hear=1.0, repeats=0, words=russian)
    tab = opened(made.page)
    assert tab.locator("html").get_attribute("lang") == "ru"
    tab.check("#agree")
    tab.click("#begin")
    assert tab.locator("#place").inner_text() == "Пробный фрагмент"
    assert "Точно ИИ" in tab.locator("#scale").inner_text()
    assert not re.search(r"\b(the|clip|you|answer)\b", tab.locator("main").inner_text())


@pytest.mark.xdist_group("browser")
def test_links_are_played_and_one_that_is_dead_is_gone_past(chromium, music, tmp_path):
    sound = next(music.rglob("*.wav")).read_bytes()
    sources = [
        Source(f"https://{host}.example/{n}.wav", label)
        for n, (host, label) in enumerate((("a", "ai"), ("b", "human"), ("dead", "human")))
    ]
    made = make_test(sources, tmp_path / "links.html", hear=0.4, repeats=0)
    key = read_key(made.key)
    context = chromium.new_context()
    context.route("https://dead.example/**", lambda route: route.abort())
    for host in "ab":
        context.route(f"https://{host}.example/**", lambda route: route.fulfill(body=sound, content_type="audio/wav"))
    tab = context.new_page()
    tab.goto(made.page.as_uri())
    tab.check("#agree")
    tab.click("#begin")
    dead = key.loc[key["path"].str.contains("dead"), "item"].iloc[0]
    order = json.loads(tab.evaluate("() => localStorage.getItem(Object.keys(localStorage)[0]) || 'null'"))["order"]
    answer(tab, 0)
    for item in order:
        if item == dead:
            tab.wait_for_function("() => document.getElementById('status').textContent.includes('cannot be played')")
            tab.click("#next")
        else:
            answer(tab, 1)
    with tab.expect_download() as loading:
        tab.click("#save")
    loading.value.save_as(file := tmp_path / "answers.json")
    context.close()
    found = read_answers([file], key)
    assert set(found.table["item"]) == set(order) - {dead}
    assert found.problems == [f"{file}: answer {order.index(dead) + 1}: item {dead} could not be played."]
