"""What `describe` promises of every clip, whatever it holds."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from threadpoolctl import threadpool_limits

from chartropy.audio.decode import Audio, decode
from chartropy.features import dynamics, rhythm, stereo, structure, timbre, tonality
from chartropy.features.describe import describe, describe_file
from chartropy.features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from chartropy.features.spectra import analyse
from chartropy.workspace.errors import UnsuitableAudio

RATE = 44_100
CORPUS = (
    Path(os.environ.get("CHARTROPY_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared")).resolve() / "corpus"
)


def song(seconds=16.0, rate=RATE, seed=0):
    """Chords, a beat and a little noise in two channels that differ: something for every descriptor."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    chords = [(48, 60, 64, 67), (53, 60, 65, 69), (55, 59, 62, 67), (48, 60, 64, 67)]
    left = np.zeros_like(time)
    for number, start in enumerate(range(0, len(time), 3 * rate // 2)):
        inside = slice(start, start + 3 * rate // 2)
        for note in chords[number % 4]:
            for n in (1, 2, 3):
                left[inside] += 0.05 / n * np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * n * time[inside])
    for start in range(0, len(time) - 1000, rate // 2):
        left[start : start + 1000] += 0.3 * rng.standard_normal(1000) * np.exp(-np.arange(1000) / 200)
    left += 0.002 * rng.standard_normal(len(time))
    right = 0.8 * np.roll(left, 30) + 0.01 * rng.standard_normal(len(time))
    return 0.5 * np.stack([left, right]).astype(np.float32)


def check(description):
    """Each value is a number within the registry's range, or NaN with a reason."""
    values = description.as_dict()
    assert list(values) == list(DESCRIPTORS)
    assert description.values.dtype == np.float32
    missing = {name for name, value in values.items() if np.isnan(value)}
    assert missing == set(description.reasons)
    assert all(description.reasons.values())
    outside = {
        name: value
        for name, value in values.items()
        if name not in missing and not DESCRIPTORS[name].low <= value <= DESCRIPTORS[name].high
    }
    assert outside == {}
    return description


def reasons(description, family=""):
    return {why for name, why in description.reasons.items() if name.startswith(family)}


def test_a_song_has_every_descriptor():
    description = check(describe(Audio(song(), RATE, codec="pcm_16", sha256="ab" * 32)))
    assert description.reasons == {}
    assert description.extractor_version == EXTRACTOR_VERSION
    assert (description.seconds, description.rate, description.codec) == (16.0, RATE, "pcm_16")
    assert description.sha256 == "ab" * 32
    assert description.as_dict()["rhythm.tempo.bpm"] == pytest.approx(120, rel=0.01)
    assert description.sketch.rate == RATE
    assert repr(description) == (
        f"<Description of abababababab: {len(DESCRIPTORS)} of {len(DESCRIPTORS)} descriptors, 16.0 s, 44100 Hz, "
        f"pcm_16, extractor {EXTRACTOR_VERSION}>"
    )


def test_the_same_samples_give_the_same_bits():
    first, second = (describe(Audio(song(), RATE)) for _ in range(2))
    assert first.values.tobytes() == second.values.tobytes()


def test_threads_do_not_change_the_bits():
    audio = Audio(song(), RATE)
    with threadpool_limits(1):
        alone = describe(audio)
    with threadpool_limits(2):
        shared = describe(audio)
    assert alone.values.tobytes() == shared.values.tobytes()


def test_families_measure_what_the_registry_lists():
    spectra = analyse(Audio(song(), RATE))
    measured = [
        name for family in (timbre, rhythm, tonality, dynamics, structure, stereo) for name in family.measure(spectra)
    ]
    assert sorted(measured) == sorted(DESCRIPTORS)


def test_values_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        describe(Audio(song(1.0), RATE)).values[0] = 0


@pytest.mark.parametrize("gain", [0.01, 0.3, 3.0])
def test_gain_matters_to_dynamics_only(gain):
    plain, scaled = (describe(Audio(song() * np.float32(g), RATE)).as_dict() for g in (1.0, gain))
    for name, value in plain.items():
        if DESCRIPTORS[name].family != "dynamics":
            assert scaled[name] == pytest.approx(value, rel=1e-4, abs=1e-4), name
    change = scaled["dynamics.loudness.integrated"] - plain["dynamics.loudness.integrated"]
    assert change == pytest.approx(20 * np.log10(gain), abs=0.02)


def test_swapping_channels_changes_nothing():
    plain, swapped = describe(Audio(song(), RATE)), describe(Audio(np.ascontiguousarray(song()[::-1]), RATE))
    np.testing.assert_allclose(swapped.values, plain.values, rtol=1e-4, atol=1e-4)


def test_turning_polarity_changes_nothing():
    plain, turned = describe(Audio(song(), RATE)), describe(Audio(-song(), RATE))
    np.testing.assert_allclose(turned.values, plain.values, rtol=1e-4, atol=1e-4)


def test_mono_lacks_stereo_only():
    description = check(describe(Audio(song()[:1], RATE)))
    assert set(description.reasons) == {n for n, d in DESCRIPTORS.items() if d.family == "stereo"}
    assert reasons(description) == {"mono file"}


def test_channels_that_cancel():
    left = song()[0]
    description = check(describe(Audio(np.stack([left, -left]), RATE)))
    values = description.as_dict()
    assert values["stereo.correlation"] == pytest.approx(-1)
    assert values["dynamics.loudness.integrated"] > -40
    for family in ("timbre", "rhythm", "tonality", "structure"):
        assert reasons(description, family) == {"the channels cancel each other in the mono mix"}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("level", "why"),
    [(0.0, "silent: every sample is zero"), (3e-5, "silent: the peak is -90 dBFS, below -80")],
)
def test_silence_has_no_descriptors(level, why, channels):
    silence = np.full((channels, 12 * RATE), level, np.float32)
    description = check(describe(Audio(silence, RATE)))
    assert np.isnan(description.values).all()
    assert reasons(description) == {why}


def test_an_8_khz_file_has_no_timbre_but_rhythm_key_and_form():
    description = check(describe(Audio(song(rate=8000), 8000)))
    assert {n.split(".")[0] for n in description.reasons} == {"timbre", "stereo"}
    assert "timbre.bandwidth" not in description.reasons
    assert set(description.reasons) & {"stereo.width", "stereo.width.low", "stereo.width.mid"} == set()
    values = description.as_dict()
    assert values["rhythm.tempo.bpm"] == pytest.approx(120, rel=0.01)
    assert values["timbre.bandwidth"] <= 4100


def test_one_second_has_timbre_but_no_tempo_and_no_form():
    description = check(describe(Audio(song(1.0), RATE)))
    assert reasons(description, "timbre") == set()
    assert reasons(description, "structure") == {"1.0 s long: structure needs 10 s"}
    assert "rhythm.tempo.bpm" in description.reasons


def test_half_a_second_is_the_least():
    check(describe(Audio(song(0.5), RATE)))
    with pytest.raises(UnsuitableAudio, match=r"0\.49 s long; descriptors need at least 0\.5 s"):
        describe(Audio(song(0.49), RATE))


@pytest.mark.parametrize(
    "samples",
    [
        np.clip(song() * 20, -1, 1),
        np.sign(song()),
        np.pad(song(3.0), ((0, 0), (5 * RATE, 5 * RATE))),
        np.full((2, 12 * RATE), 0.5, np.float32),
        np.eye(1, 12 * RATE, 6 * RATE, dtype=np.float32),
        np.random.default_rng(0).standard_normal((6, 12 * RATE)).astype(np.float32),
        song() * np.array([[1], [0]]),
    ],
    ids=["clipped", "one bit", "mostly silent", "constant", "one click", "six channels", "one channel silent"],
)
def test_odd_sound_gives_numbers_or_reasons(samples):
    check(describe(Audio(samples.astype(np.float32), RATE)))


@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050, 32_000, 48_000, 96_000])
def test_the_rate_of_the_file_matters_little(rate):
    import soxr

    plain = describe(Audio(song(), RATE)).as_dict()
    other = check(describe(Audio(soxr.resample(song().T, RATE, rate).T.copy(), rate))).as_dict()
    for name in ("rhythm.tempo.bpm", "tonality.key_cos", "tonality.key_strength"):
        assert other[name] == pytest.approx(plain[name], rel=0.02, abs=0.02), name
    if rate >= 22_050:
        assert other["dynamics.loudness.integrated"] == pytest.approx(plain["dynamics.loudness.integrated"], abs=0.5)
        assert other["timbre.centroid.mean"] == pytest.approx(plain["timbre.centroid.mean"], rel=0.02)
    else:
        assert np.isnan(other["timbre.centroid.mean"])


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_word_length_matters_little(subtype, tmp_path):
    path = tmp_path / "song.wav"
    soundfile.write(path, song().T, RATE, subtype=subtype)
    description = check(describe_file(path))
    assert description.sha256 == decode(path).sha256
    assert description.codec == subtype.lower()
    np.testing.assert_allclose(description.values, describe(Audio(song(), RATE)).values, rtol=0.02, atol=0.1)


def test_nothing_needs_essentia(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "essentia", None)
    description = describe(Audio(song(), RATE))
    assert description.reasons.keys() == {"rhythm.danceability"}
    assert "essentia is not installed" in description.reasons["rhythm.danceability"]


@pytest.mark.skipif(
    not (CORPUS / "clips.csv").exists(),
    reason=f"no clips at {CORPUS}: set CHARTROPY_SHARED to the folder that has them",
)
def test_real_clips_are_described_in_full():
    with (CORPUS / "clips.csv").open(newline="") as file:
        clips = [row["path"] for row in csv.DictReader(file)][::49]
    complete = 0
    for clip in clips:
        description = check(describe_file(CORPUS / clip))
        assert reasons(description, "timbre") == set()
        complete += not description.reasons
    assert complete >= len(clips) / 2
