from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from chartropy.analysis import train as training
from chartropy.analysis.detector import KINDS, PROFILE, UNITS, Detector
from chartropy.analysis.train import (
    CLEAN,
    Clip,
    Table,
    calibrate,
    clopper_pearson,
    cross_validate,
    figures,
    fold_of,
    further_rates,
    measure,
    production_of,
    promise,
    read_manifest,
    require_groups,
    scores_of,
    scores_unseen,
    train,
)
from chartropy.audio.decode import Audio
from chartropy.audio.disturb import DISTURBANCES
from chartropy.features.sketch import RATE, sketch
from chartropy.reports.evaluation import write_model
from chartropy.workspace.errors import SettingsError

from .test_detector import audio, coloured_noise, upsampled
from .test_lattice import lines_at, multiples, scattered

pytestmark = pytest.mark.xdist_group("librosa")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> Path:
    import soundfile

    folder = tmp_path_factory.mktemp("clips")
    rows = [["path", "label", "generator", "source"]]
    for group in range(3):
        for take in range(2):
            plain = coloured_noise(10 * group + take, 11)
            for label in ("ai", "human"):
                sound = plain
                if label == "ai":
                    trace = upsampled((512, 1024, 1764)[group], take, 11)
                    sound = plain + 0.05 * trace / trace.std() * plain.std()
                name = f"{label}{group}{take}.wav"
                soundfile.write(folder / name, 0.9 * sound / np.abs(sound).max(), RATE)
                rows.append([name, label, f"maker{group}" if label == "ai" else "", f"folder{group}"])
    soundfile.write(folder / "short.wav", np.ones(RATE), RATE)
    rows.append(["short.wav", "human", "", "folder0"])
    path = folder / "manifest.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def a_table(seed: int = 0, per_group: int = 12, groups: int = 5) -> Table:
    """A table whose AI clips have known lattices, one generator by a rate of its own, and human clips nothing but noise."""
    rng = np.random.default_rng(seed)
    count, conditions = groups * per_group, 3
    ai = np.repeat([True, False], count)
    names = np.array([f"{kind}{i}" for kind in ("maker", "source") for i in range(groups) for _ in range(per_group)])
    strengths = rng.exponential(1.5, (2 * count, conditions, 6))
    strengths[:count, :, 0] += rng.exponential(80, (count, conditions)) + 12
    strengths[:per_group, :, 0] = rng.exponential(1.5, (per_group, conditions))
    strengths[:per_group, :, 3] += 300  # maker0's own rate, near
    strengths[1::2, 2] = np.nan
    return Table(
        clips=[
            Clip(Path(f"{i}.mp3"), bool(label), str(name), "mp3")
            for i, (label, name) in enumerate(zip(ai, names, strict=True))
        ],
        ai=ai,
        groups=names,
        conditions=(CLEAN, "one", "other"),
        rates=np.array([25.0, 45.9375]),
        taught=(frozenset(), frozenset({"maker0"})),
        strengths=strengths,
        profiles=np.zeros((2 * count, PROFILE)),
        shortcuts=rng.standard_normal((2 * count, len(training.SHORTCUTS))),
        productions=np.array(["acoustic", "loud"] * count),
        dropped=[],
    )


class TestManifest:
    def read(self, tmp_path: Path, text: str) -> list[Clip]:
        path = tmp_path / "m.csv"
        path.write_text(text, encoding="utf-8")
        return read_manifest(path)

    def test_groups(self, tmp_path):
        text = "path,label,generator,source,group,native_codec\na.mp3,AI,suno,x,g,mp3\nb.mp3,human,,folder,g,\nc.mp3,ai,,,g,\nd.mp3,human,,,g,\n"
        clips = self.read(tmp_path, text)
        assert [clip.group for clip in clips] == ["suno", "folder", "g", "g"]
        assert [clip.ai for clip in clips] == [True, False, True, False]
        assert clips[0].path == tmp_path / "a.mp3"
        assert clips[0].codec == "mp3"

    def test_only_path_and_label(self, tmp_path, caplog):
        assert [clip.group for clip in self.read(tmp_path, "path,label\nx/a.mp3,ai\nb.mp3,human\n")] == ["a", "b"]
        assert "2 of 2 clips name no generator, source or group" in caplog.text

    @pytest.mark.parametrize(("header", "missing"), [("path,generator", "'label'"), ("path;label", "'path'")])
    def test_a_missing_column_is_named(self, tmp_path, header, missing):
        with pytest.raises(SettingsError, match=f"has no column {missing}; it has 'path"):
            self.read(tmp_path, f"{header}\na.mp3,ai\n")

    @pytest.mark.parametrize("row", ["a.mp3,maybe", ",ai", "a.mp3,"])
    def test_errors_name_the_line(self, tmp_path, row):
        with pytest.raises(SettingsError, match="line 3"):
            self.read(tmp_path, f"path,label\nok.mp3,ai\n{row}\n")

    def test_empty_or_missing(self, tmp_path):
        with pytest.raises(SettingsError, match="no clips"):
            self.read(tmp_path, "path,label\n")
        with pytest.raises(SettingsError, match="cannot be read"):
            read_manifest(tmp_path / "none.csv")


class TestLearning:
    def test_a_rate_is_learned_where_half_the_clips_have_it(self):
        own = [
            ("presto", lines_at(np.concatenate([multiples(45.9375, 40, seed), scattered(60, seed)])))
            for seed in range(3)
        ]
        other = [("presto", lines_at(scattered(100, seed))) for seed in range(3)]
        usual = [("suno", lines_at(multiples(50.0, 40, seed))) for seed in range(3)]
        found = further_rates([*own, *other, *usual])
        assert list(found.values()) == [frozenset({"presto"})]
        assert 45.9375 / next(iter(found)) == pytest.approx(round(45.9375 / next(iter(found))))
        assert further_rates([*own[:2], *other]) == {}

    def test_what_a_generator_taught_does_not_judge_it(self):
        table = a_table()
        unseen = scores_unseen(table)
        everything = scores_of(table.strengths, np.ones(2, bool))
        own = table.groups == "maker0"
        assert np.nanmax(unseen[own]) < 1
        assert np.nanmin(everything[own]) > 1
        np.testing.assert_array_equal(unseen[~own & table.ai], everything[~own & table.ai])

    def test_scores_are_of_the_strongest_kind(self):
        strengths = np.zeros((4, 6))
        strengths[0, 0], strengths[1, 1], strengths[2, 3], strengths[3, 4] = (
            UNITS[kind] for kind in ("known", "free", "near", "shifted")
        )
        np.testing.assert_allclose(scores_of(strengths, np.ones(2, bool)), 1)
        assert len(KINDS) == 4

    def test_no_group_is_on_both_sides(self):
        rng = np.random.default_rng(0)
        groups = np.array([f"g{i}" for i in rng.integers(0, 25, 300)])
        ai = np.array([int(g[1:]) < 12 for g in groups])
        folds = fold_of(ai, groups)
        for group in set(groups):
            assert len(set(folds[groups == group])) == 1
        for fold in range(folds.max() + 1):
            assert 0 < ai[folds == fold].sum() < (folds == fold).sum()

    def test_thresholds_keep_their_error_rates(self):
        rng = np.random.default_rng(0)
        ai = np.arange(900) < 400
        scores = rng.standard_normal((900, 2)) + 3 * ai[:, None]
        scores[::3, 1] = np.nan
        model = calibrate(scores, ai, np.where(ai, "a", "h"))
        human = scores[~ai, 0]
        passed = (human >= model.ai_from).sum()
        assert (1 + passed) / (1 + len(human)) <= training.FALSE_POSITIVES
        assert (2 + passed) / (1 + len(human)) > training.FALSE_POSITIVES - 0.002
        assert np.mean(scores[ai][np.isfinite(scores[ai])] < model.human_below) == pytest.approx(
            training.MISSED, abs=0.01
        )
        assert model.slope > 0
        assert model.odds(3.5) > model.odds(0.0)

    def test_few_human_clips_promise_little_and_say_so(self):
        assert promise(213) == (training.FALSE_POSITIVES, "")
        assert promise(99) == (training.FALSE_POSITIVES, "")
        share, warning = promise(8)
        assert share == pytest.approx(1 / 9)
        assert "Only 8 human clips" in warning
        assert "up to 11%" in warning
        _, card = train(a_table(2), resamplings=2)
        assert card["error_rates"]["human_called_ai"] == pytest.approx(1 / 61, abs=1e-4)
        assert card["limits"][0].startswith("Only 60 human clips")

    def test_few_human_clips_let_none_through(self):
        ai = np.arange(40) < 20
        scores = np.where(ai, 2.0, np.linspace(0, 1.2, 40))[:, None]
        assert calibrate(scores, ai, np.where(ai, "a", "h")).ai_from > 1.2

    def test_what_is_set_aside_settles_nothing(self):
        table = a_table()
        strengths = table.strengths.copy()
        strengths[table.groups == "source0", :, 0] = 500
        altered = Table(**{**vars(table), "strengths": strengths})
        settles = require_groups(altered.ai, altered.groups, {"source0": "why"})
        assert (~settles == (altered.groups == "source0")).all()
        outcome = cross_validate(altered, settles)
        assert outcome.called[altered.groups == "source0", 0].all()
        found = figures(altered, outcome, settles, 5)
        assert found["specificity"][1] == 48
        assert found["set_aside"]["source0"]["called_ai"] == [12, 12]
        assert "source0" not in found["human_sources"]
        with pytest.raises(SettingsError, match="no human source"):
            require_groups(altered.ai, altered.groups, {"nobody": "why"})

    def test_too_few_groups(self):
        table = a_table(groups=1)
        with pytest.raises(SettingsError, match="At least 2 generators of AI clips are needed, and here are 1: maker0"):
            require_groups(table.ai, table.groups, {})
        assert require_groups(table.ai, table.groups, {}, least=1).all()


@pytest.fixture(scope="module")
def found() -> dict:
    table = a_table(3)
    settles = require_groups(table.ai, table.groups, {})
    return figures(table, cross_validate(table, settles), settles, 50)


class TestFigures:
    def test_counts_belong_together(self, found):
        assert found["sensitivity"][1] == found["specificity"][1] == 60
        assert sum(one["called_ai"][0] for one in found["generators"].values()) == found["sensitivity"][0]
        assert sum(one["called_ai"][0] for one in found["human_sources"].values()) == 60 - found["specificity"][0]

    def test_an_unheard_rate_is_missed_and_said(self, found):
        assert found["generators"]["maker0"]["called_ai"][0] == 0
        assert found["generators"]["maker1"]["called_ai"][0] >= 11
        assert 0.7 < found["auc"]["value"] < 1
        assert found["auc"]["interval"][0] <= found["auc"]["value"] <= found["auc"]["interval"][1]

    def test_disturbances_hold_what_was_measured(self, found):
        assert list(found["disturbances"]) == [CLEAN, "one", "other"]
        assert found["disturbances"]["one"]["ai"] == 60
        assert found["disturbances"]["other"]["ai"] == 30
        for one in found["disturbances"].values():
            assert one["recall_interval"][0] <= one["recall"] <= one["recall_interval"][1]
            assert one["false_positives"] <= one["human"]

    def test_calibration_and_shortcuts(self, found):
        assert 0 <= found["calibration"]["expected_calibration_error"] <= 0.5
        assert sum(row[2] for row in found["calibration"]["stated_found_n"]) == 120
        assert max(found["shortcuts"]["auc_alone"].values()) < 0.75
        assert set(found["shortcuts"]["auc_alone"]) == {*training.SHORTCUTS, "all of these", "the original's codec"}
        assert 0 <= found["productions"]["p"] <= 1

    def test_they_are_json(self, found):
        assert json.loads(json.dumps(found)) == found


def test_clopper_pearson_against_known_values():
    # Brown, Cai & DasGupta 2001: exact intervals
    assert clopper_pearson(0, 10) == [0.0, 0.3085]
    assert clopper_pearson(10, 10) == [0.6915, 1.0]
    assert clopper_pearson(1, 218) == pytest.approx([0.0001, 0.0253], abs=1e-4)


def test_productions():
    noise = np.random.default_rng(0).standard_normal(12 * RATE)
    assert production_of(sketch(audio(noise))) == "acoustic"
    assert production_of(sketch(audio(np.tanh(20 * noise)))) == "loud"
    narrow = np.fft.irfft(np.fft.rfft(noise) * (np.fft.rfftfreq(len(noise), 1 / RATE) < 9000))
    assert production_of(sketch(audio(narrow))) == "lo-fi"
    time = np.arange(12 * RATE) / RATE
    notes = sum(np.sin(2 * np.pi * hertz * time) for hertz in np.random.default_rng(1).uniform(2200, 15_000, 700))
    assert production_of(sketch(Audio((0.01 * (notes / 20 + noise))[None].astype(np.float32), RATE))) in (
        "electronic",
        "loud",
    )


@pytest.fixture(scope="module")
def table(manifest) -> Table:
    return measure(read_manifest(manifest), jobs=1)


@pytest.mark.slow
class TestEndToEnd:
    def test_every_clip_and_every_disturbance_in_turn(self, table):
        assert len(table) == 12
        assert table.conditions == (CLEAN, *DISTURBANCES)
        assert table.dropped == ["human, folder0, short.wav: The clip is 1.0 s long; at least 10 s are needed."]
        measured = np.isfinite(table.strengths[..., 0])
        assert measured[:, 0].all()
        for label in (True, False):
            assert (measured[table.ai == label].sum(axis=0)[1:] == 3).all()

    def test_a_model_is_trained_and_loads(self, table, tmp_path):
        data, card = train(table, set_aside={"folder2": "for the test"}, resamplings=5)
        write_model(data, card, tmp_path / "a.npz")
        model = Detector.load(tmp_path / "a.npz")
        assert model.sensitivity == (6, 6)
        assert model.specificity[1] == 4
        assert card["data"]["set_aside"] == {"folder2": "for the test"}
        assert train(table, set_aside={"folder2": "for the test"}, resamplings=5)[0] == data
        trace = upsampled(1024, 9)
        plain = coloured_noise(77)
        assert model.judge(sketch(audio(plain + 0.05 * trace / trace.std() * plain.std()))).verdict == "ai"
        assert model.judge(sketch(audio(coloured_noise(78)))).verdict == "human"

    def test_nothing_to_judge(self, tmp_path):
        (tmp_path / "a.wav").write_bytes(b"no audio")
        with pytest.raises(SettingsError, match="Not one of the 1 clips"):
            measure([Clip(tmp_path / "a.wav", True, "g")], jobs=1)
