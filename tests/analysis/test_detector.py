from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chartropy.analysis import detector as module
from chartropy.analysis import train as training
from chartropy.analysis.detector import Detector, describe, spacings
from chartropy.audio.decode import Audio, decode
from chartropy.features.sketch import RATE, sketch
from chartropy.workspace.errors import ModelError, SettingsError

SHARED = Path(os.environ.get("CHARTROPY_SHARED", Path(__file__).parents[2] / ".." / "shared"))
CORPUS = SHARED / "corpus" / "clips.csv"
SECONDS = 12


def coloured_noise(seed: int, seconds: float = SECONDS) -> np.ndarray:
    """Noise that falls towards the treble as music does, slowly swelling."""
    rng = np.random.default_rng(seed)
    frames = int(seconds * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    spectrum /= 1 + np.arange(len(spectrum)) / (len(spectrum) * rng.uniform(0.02, 0.1))
    sound = np.fft.irfft(spectrum, frames)
    return sound / np.abs(sound).max() * (0.6 + 0.4 * np.sin(np.arange(frames) / RATE * rng.uniform(1, 3)))


def upsampled(stride: int, seed: int, seconds: float = SECONDS) -> np.ndarray:
    """What a transposed convolution with a constant bias leaves: a latent with zeros stuffed in, then a short kernel."""
    rng = np.random.default_rng(seed)
    latent = 1 + 0.3 * rng.standard_normal(int(seconds * RATE) // stride)
    stuffed = np.zeros(int(seconds * RATE))
    stuffed[: len(latent) * stride : stride] = latent
    return np.convolve(stuffed, rng.standard_normal(8), mode="same")


def audio(sound: np.ndarray, rate: int = RATE) -> Audio:
    sound = sound / np.abs(sound).max()
    return Audio(np.stack([sound, sound]).astype(np.float32), rate)


@pytest.fixture(scope="module")
def shipped() -> Detector:
    return Detector.load()


@pytest.fixture
def copied(tmp_path, shipped):
    """A copy of the shipped model that a test may damage; `write` stores arrays and corrects the card's hash."""
    source = Path(module.__file__).with_name("detector.npz")
    path = tmp_path / "model.npz"
    path.write_bytes(source.read_bytes())
    path.with_suffix(".json").write_bytes(source.with_suffix(".json").read_bytes())

    class Copy:
        card = json.loads(source.with_suffix(".json").read_text(encoding="utf-8"))

        def __init__(self):
            self.path = path
            with np.load(path) as file:
                self.arrays = {name: file[name] for name in file.files}

        def write(self, data: bytes | None = None, **card):
            if data is None:
                buffer = io.BytesIO()
                np.savez(buffer, **self.arrays)
                data = buffer.getvalue()
            path.write_bytes(data)
            changed = {**self.card, "sha256": hashlib.sha256(data).hexdigest(), **card}
            path.with_suffix(".json").write_text(json.dumps(changed), encoding="utf-8")

    return Copy()


class TestJudging:
    @pytest.mark.parametrize("stride", [64, 256, 512, 882])
    def test_decoder_peaks_raise_the_score(self, shipped, stride):
        plain, trace = coloured_noise(1), upsampled(stride, 2)
        before = shipped.judge(sketch(audio(plain)))
        after = shipped.judge(sketch(audio(plain + 0.05 * trace / trace.std() * plain.std())))
        assert before.verdict == "human"
        assert after.probability > before.probability + 0.5
        assert after.verdict == "ai"
        tooth_of = after.evidence["spacing_hz"] / (RATE / stride)
        assert min(abs(tooth_of - round(tooth_of)), abs(1 / tooth_of - round(1 / tooth_of))) < 0.01
        assert "evenly spaced peaks" in after.reason

    @pytest.mark.parametrize("hz", [110.0, 233.08, 987.77])
    def test_steady_harmonics_of_a_note_are_not_a_decoder(self, shipped, hz):
        time = np.arange(SECONDS * RATE) / RATE
        note = sum(np.sin(2 * np.pi * hz * k * time + k) / k for k in range(1, int(15000 / hz)))
        verdict = shipped.judge(sketch(audio(0.3 * note / np.abs(note).max() + coloured_noise(3))))
        assert verdict.verdict != "ai"

    def test_steady_tempo_is_not_a_decoder(self, shipped):
        # sixteenths at 150 beats per minute, each the same sample: teeth every 10 Hz, so at every 50 and 100 Hz too
        hit = np.random.default_rng(5).standard_normal(1500) * np.exp(-np.arange(1500) / 300)
        sound = np.zeros(SECONDS * RATE)
        for start in range(0, len(sound) - 1500, RATE // 10):
            sound[start : start + 1500] += hit
        assert shipped.judge(sketch(audio(sound + 0.1 * coloured_noise(4)))).verdict != "ai"

    def test_verdict_is_for_people_and_for_json(self, shipped):
        verdict = shipped.judge(sketch(audio(coloured_noise(1))))
        assert 0 <= verdict.probability <= 1
        assert verdict.reason.endswith(".")
        assert verdict.model_version == shipped.model_version
        assert json.loads(json.dumps(verdict.evidence)) == verdict.evidence

    def test_same_sketch_same_verdict_also_after_storage(self, shipped):
        drawn = sketch(audio(coloured_noise(8)))
        assert shipped.judge(drawn) == shipped.judge(type(drawn).from_bytes(drawn.to_bytes()))

    @pytest.mark.parametrize(
        ("sound", "rate", "words"),
        [
            (coloured_noise(1, 9.5), RATE, "9.5 s long"),
            (coloured_noise(1, 3), 8000, "up to 3.9 kHz"),
            (np.concatenate([coloured_noise(1, 5), np.zeros(10 * RATE)]), RATE, "67% of the clip is silent"),
        ],
    )
    def test_refusals_say_why(self, shipped, sound, rate, words):
        verdict = shipped.judge(sketch(audio(sound, rate)))
        assert (verdict.verdict, verdict.probability) == ("unmeasured", None)
        assert words in verdict.reason

    @pytest.mark.parametrize("channels", [1, 2])
    def test_silence_is_refused(self, shipped, channels):
        verdict = shipped.judge(sketch(Audio(np.zeros((channels, 30 * RATE), np.float32), RATE)))
        assert verdict.verdict == "unmeasured"
        assert "silent" in verdict.reason

    def test_every_verdict_has_a_reason(self, shipped):
        seen = describe(sketch(audio(coloured_noise(1))))
        for verdict in ("ai", "human", "undecided"):
            for by_combs in (True, False):
                assert module._reason(verdict, seen, by_combs).count(".") >= 1

    def test_spectrum_without_fine_structure(self, shipped):
        drawn = sketch(audio(coloured_noise(1)))
        flat = np.full_like(drawn.mid, -60)
        assert shipped.judge(replace(drawn, mid=flat, low=flat)).verdict == "human"


def test_spacings_hold_the_rates_of_known_decoders():
    for hz in (44_100 / 512, 44_100 / 2048, 32_000 / 640, 48_000 / 2048, 44_100 / 960, 24_000 / 320):
        assert np.abs(spacings() - hz).min() < 0.001
    assert (np.diff(spacings()) > 0).all()


def test_places_and_combs_have_the_shapes_the_models_expect():
    seen = describe(sketch(audio(coloured_noise(1))))
    assert seen.combs.shape == (len(module.COMB_FEATURES),)
    assert seen.places.shape == (2, module.PLACES)
    np.testing.assert_allclose(seen.places.mean(axis=1), 0, atol=1e-3)
    np.testing.assert_allclose(seen.places.std(axis=1), 1, atol=1e-3)


class TestModelFiles:
    def test_missing(self, tmp_path):
        with pytest.raises(ModelError, match="cannot be read"):
            Detector.load(tmp_path / "none.npz")

    def test_copy_loads(self, copied, shipped):
        copied.write()
        assert Detector.load(copied.path).model_version == shipped.model_version

    def test_changed_after_the_card(self, copied):
        data = bytearray(copied.path.read_bytes())
        data[-40] ^= 1
        copied.path.write_bytes(bytes(data))
        with pytest.raises(ModelError, match="changed since"):
            Detector.load(copied.path)

    def test_pickle_is_never_run(self, copied, tmp_path):
        witness = tmp_path / "ran"

        class Bomb:
            def __reduce__(self):
                return (Path.touch, (witness,))

        buffer = io.BytesIO()
        np.savez(buffer, **{**copied.arrays, "blend": np.array([Bomb()] * 3, dtype=object)})
        witness.unlink(missing_ok=True)
        copied.write(buffer.getvalue())
        with pytest.raises(ModelError, match="plain arrays"):
            Detector.load(copied.path)
        copied.write(pickle.dumps(Bomb()))
        with pytest.raises(ModelError, match="plain arrays"):
            Detector.load(copied.path)
        assert not witness.exists()

    def test_not_a_number(self, copied):
        copied.arrays["comb_weights"][0] = np.nan
        copied.write()
        with pytest.raises(ModelError, match="not numbers"):
            Detector.load(copied.path)

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("place_weights", np.zeros((2, 7), np.float16), "place_weights is float16"),
            ("blend", np.zeros(3, np.float64), "blend is float64"),
            ("thresholds", np.array([2, 1], np.float32), "order"),
            ("comb_scale", np.zeros(len(module.COMB_FEATURES), np.float32), "scale"),
        ],
    )
    def test_wrong_array(self, copied, name, value, words):
        copied.arrays[name] = value
        copied.write()
        with pytest.raises(ModelError, match=words):
            Detector.load(copied.path)

    def test_missing_array(self, copied):
        del copied.arrays["blend"]
        copied.write()
        with pytest.raises(ModelError, match="lacks an array"):
            Detector.load(copied.path)

    def test_too_large(self, copied):
        copied.write(bytes(5_000_000))
        with pytest.raises(ModelError, match="larger than"):
            Detector.load(copied.path)

    def test_zip_bomb(self, copied):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("blend.npy", bytes(50_000_000))
        copied.write(buffer.getvalue())
        with pytest.raises(ModelError, match="unpacks to more"):
            Detector.load(copied.path)

    @pytest.mark.parametrize(
        ("card", "words"),
        [
            ({"features_version": 99}, "features_version 99"),
            ({"sketch_version": 0}, "sketch_version 0"),
            ({"model_version": ""}, "model_version"),
            ({"cross_validation": {"sensitivity": [3, 2], "specificity": [1, 1]}}, "sensitivity"),
            ({"cross_validation": None}, "sensitivity"),
        ],
    )
    def test_wrong_card(self, copied, card, words):
        copied.write(**card)
        with pytest.raises(ModelError, match=words):
            Detector.load(copied.path)

    @pytest.mark.parametrize("text", ["", "[]", "{"])
    def test_no_card(self, copied, text):
        copied.path.with_suffix(".json").write_text(text)
        with pytest.raises(ModelError, match="card"):
            Detector.load(copied.path)


class TestShippedCard:
    def test_counts_are_consistent(self, shipped):
        figures, data = shipped.card["cross_validation"], shipped.card["data"]
        assert shipped.sensitivity[1] == data["ai"]
        assert shipped.specificity[1] == data["human"]
        by_generator = [g["called_ai"] for g in figures["generators"].values()]
        assert tuple(np.sum(by_generator, axis=0)) == shipped.sensitivity
        passed, clips = np.sum([s["called_ai"] for s in figures["human_sources"].values()], axis=0)
        assert (clips - passed, clips) == shipped.specificity
        for label, (hits, trials) in (("ai", shipped.sensitivity), ("human", shipped.specificity)):
            called_ai = hits if label == "ai" else trials - hits
            assert called_ai + figures["undecided"][label][0] + figures["called_human"][label][0] == trials
        assert list(figures["generators"]) == data["generators"]

    def test_figures_carry_intervals(self, shipped):
        figures = shipped.card["cross_validation"]
        for name in ("auc", "recall_at_5_percent", "recall_at_1_percent"):
            low, high = figures[name]["interval"]
            assert low <= figures[name]["value"] <= high
        assert shipped.card["limits"]

    def test_nothing_of_the_audio_is_in_it(self):
        assert Path(module.__file__).with_name("detector.npz").stat().st_size < 100_000
        text = Path(module.__file__).with_name("detector.json").read_text(encoding="utf-8")
        assert "clips/" not in text
        assert "/work" not in text


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of labelled clips is not here")
def test_shipped_model_knows_what_it_learned(shipped):
    # clips it was trained on: this says that the right file is shipped and read, nothing about accuracy
    with CORPUS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    some = [row for label in ("ai", "human") for row in [r for r in rows if r["label"] == label][::30]]
    right = wrong = 0
    for row in some:
        verdict = shipped.judge(sketch(decode(CORPUS.parent / row["path"]))).verdict
        if verdict in ("ai", "human"):
            right += verdict == row["label"]
            wrong += verdict != row["label"]
    assert right >= 10
    assert right > 4 * wrong


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    import soundfile

    folder = tmp_path_factory.mktemp("clips")
    rows = [["path", "label", "generator", "source"]]
    for group in range(4):
        for take in range(3):
            plain = coloured_noise(10 * group + take, 11)
            for label in ("ai", "human"):
                sound = plain
                if label == "ai":
                    trace = upsampled((128, 256, 512, 441)[group], take, 11)
                    sound = plain + 0.03 * trace / trace.std() * plain.std()
                name = f"{label}{group}{take}.wav"
                soundfile.write(folder / name, 0.9 * sound / np.abs(sound).max(), RATE)
                rows.append([name, label, f"maker{group}" if label == "ai" else "", f"folder{group}"])
    soundfile.write(folder / "short.wav", np.ones(RATE), RATE)
    rows.append(["short.wav", "human", "", "folder0"])
    path = folder / "manifest.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


class TestTraining:
    def test_end_to_end(self, manifest, tmp_path, capsys):
        assert training.main([str(manifest), "--out", str(tmp_path / "a"), "--jobs", "1"]) == 0
        printed = capsys.readouterr().out
        assert "sensitivity" in printed
        assert "maker2" in printed
        model = Detector.load(tmp_path / "a" / "detector.npz")
        assert model.sensitivity[1] == model.specificity[1] == 12
        assert model.sensitivity[0] >= 10
        assert model.card["data"]["dropped"] == ["human, folder0: The clip is 1.0 s long; at least 10 s are needed."]
        training.train(manifest, tmp_path / "b", jobs=1, resamplings=10)
        assert (tmp_path / "a" / "detector.npz").read_bytes() == (tmp_path / "b" / "detector.npz").read_bytes()

    def test_manifest_errors_name_the_line(self, tmp_path, capsys):
        path = tmp_path / "m.csv"
        path.write_text("path,label,generator,source\na.wav,ai,,x\n")
        with pytest.raises(SettingsError, match="line 2"):
            training.read_manifest(path)
        path.write_text("path,label\n")
        with pytest.raises(SettingsError, match="no clips"):
            training.read_manifest(path)
        assert training.main([str(tmp_path / "none.csv")]) == 2
        assert "cannot be read" in capsys.readouterr().err

    def test_too_few_groups(self, manifest, tmp_path):
        rows = [row for row in manifest.read_text().splitlines() if "maker2" not in row and "maker3" not in row]
        few = manifest.with_name("few.csv")
        few.write_text("\n".join(rows))
        with pytest.raises(SettingsError, match="2 generators"):
            training.train(few, tmp_path, jobs=1)

    def test_no_group_is_on_both_sides(self):
        rng = np.random.default_rng(0)
        groups = np.array([f"g{i}" for i in rng.integers(0, 25, 300)])
        ai = np.array([int(g[1:]) < 12 for g in groups])
        folds = training.assign_folds(ai, groups)
        for group in set(groups):
            assert len(set(folds[groups == group])) == 1
        for fold in range(folds.max() + 1):
            assert 0 < ai[folds == fold].sum() < (folds == fold).sum()

    def test_thresholds_let_one_in_a_hundred_through(self):
        rng = np.random.default_rng(0)
        ai = np.arange(500) < 200
        odds = rng.standard_normal(500) + 3 * ai
        human_below, ai_from = training.thresholds(odds, ai, np.where(ai, "a", "h"))
        assert (odds[~ai] >= ai_from).sum() == 3
        assert human_below <= ai_from
        assert (odds[ai] < human_below).mean() <= 0.05

    def test_places_are_the_full_problems_solution(self):
        # the weights found among the clips' directions are those that the regression in all dimensions finds
        from sklearn.linear_model import LogisticRegression

        rng = np.random.default_rng(0)
        ai = np.arange(60) % 2 == 0
        places = rng.standard_normal((60, 400)) + 0.05 * ai[:, None]
        table = training.Table(ai, ai.astype(str), ai.astype(str), places[:, :3], places, places @ places.T, places)
        model = training._fit_places(table, np.arange(60), 1e-3)
        direct = LogisticRegression(C=1e-3, class_weight="balanced", tol=1e-8).fit(places, ai)
        np.testing.assert_allclose(model["place_weights"].ravel(), direct.coef_[0], atol=1e-5)
