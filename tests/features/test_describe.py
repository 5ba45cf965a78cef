"""What `describe` promises of every clip, whatever it holds."""

from functools import cache

import numpy as np
import pytest
import soundfile
from threadpoolctl import threadpool_limits

from chartropy.audio.decode import Audio, decode
from chartropy.features.describe import _measure, describe, describe_file
from chartropy.features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from chartropy.features.sketch import look
from chartropy.features.spectra import LONGEST, analyse
from chartropy.workspace.errors import UnsuitableAudio

RATE = 44_100


@cache
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
    for number, start in enumerate(range(0, len(time) - 1000, rate // 4)):  # on the beat and, softer, between
        burst = rng.standard_normal(1000) * np.exp(-np.arange(1000) / 200)
        left[start : start + 1000] += (0.3, 0.1)[number % 2] * burst
    left += 0.002 * rng.standard_normal(len(time))
    right = 0.8 * np.roll(left, 30) + 0.01 * rng.standard_normal(len(time))
    spectra = np.fft.rfft([left, right])
    spectra[:, np.fft.rfftfreq(len(time), 1 / rate) > 17_000] = 0  # as an encoder cuts
    samples = 0.5 * np.fft.irfft(spectra, len(time)).astype(np.float32)
    samples.setflags(write=False)  # one for all tests
    return samples


@cache
def described():
    """Describe the song, once for all tests that hold something against it."""
    return describe(Audio(song(), RATE))


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
    audio = Audio(song(), RATE, codec="pcm_16", sha256="ab" * 32)
    description = check(describe(audio, sketch=True))
    assert describe(audio).sketch is None
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
    assert sorted(_measure(spectra, look(spectra.sound))) == sorted(DESCRIPTORS)


def test_values_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        describe(Audio(song(1.0), RATE)).values[0] = 0


@pytest.mark.parametrize("gain", [0.01, 0.3, 3.0])
def test_gain_matters_to_dynamics_only(gain):
    plain, scaled = (describe(Audio(song() * np.float32(g), RATE)).as_dict() for g in (1.0, gain))
    for name, value in plain.items():
        if DESCRIPTORS[name].family != "dynamics" and name != "production.full_scale":
            assert scaled[name] == pytest.approx(value, rel=1e-4, abs=1e-4), name
    change = scaled["dynamics.loudness.integrated"] - plain["dynamics.loudness.integrated"]
    assert change == pytest.approx(20 * np.log10(gain), abs=0.02)


def test_swapping_channels_changes_nothing():
    plain, swapped = described(), describe(Audio(np.ascontiguousarray(song()[::-1]), RATE))
    np.testing.assert_allclose(swapped.values, plain.values, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seconds", [-1, 1])
def test_a_shift_of_a_second_moves_little(seconds):
    plain = describe(Audio(song(18.0)[:, RATE:-RATE], RATE)).as_dict()
    moved = describe(Audio(song(18.0)[:, RATE + seconds * RATE :][:, : 16 * RATE], RATE)).as_dict()
    assert moved["rhythm.tempo.bpm"] == pytest.approx(plain["rhythm.tempo.bpm"], rel=0.001)
    for name in ("tonality.key.cos", "tonality.key.mode", "tonality.tuning.cents"):
        assert moved[name] == pytest.approx(plain[name], abs=0.5), name
    for name in ("timbre.centroid.mean", "timbre.rolloff.mean", "production.bandwidth"):
        assert moved[name] == pytest.approx(plain[name], rel=0.05), name
    for name in ("dynamics.loudness.integrated", "spectrum.tilt", "stereo.width", "timbre.mfcc01.mean"):
        assert moved[name] == pytest.approx(plain[name], abs=0.5), name


def write(path, samples):
    if path.suffix != ".m4a":
        soundfile.write(path, samples.T, RATE)
        return
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="stereo", bit_rate=192_000)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "ogg", "m4a"])
def test_the_container_matters_little(container, tmp_path):
    path = tmp_path / f"song.{container}"
    write(path, song())
    plain, coded = described().as_dict(), check(describe_file(path)).as_dict()
    assert coded["rhythm.tempo.bpm"] == pytest.approx(plain["rhythm.tempo.bpm"], rel=0.001)
    assert coded["rhythm.microtiming.median"] == pytest.approx(plain["rhythm.microtiming.median"], abs=1)
    for name in ("tonality.key.cos", "tonality.key.mode", "tonality.tuning.cents"):
        assert coded[name] == pytest.approx(plain[name], abs=0.5), name
    assert coded["timbre.centroid.mean"] == pytest.approx(plain["timbre.centroid.mean"], rel=0.1)
    assert coded["dynamics.loudness.integrated"] == pytest.approx(plain["dynamics.loudness.integrated"], abs=0.1)
    for n in range(1, 22):  # up to 5 kHz: above, Vorbis replaces noise by noise
        name = f"spectrum.third{n:02d}"
        assert coded[name] == pytest.approx(plain[name], abs=1), name


def test_turning_polarity_changes_nothing():
    plain, turned = described(), describe(Audio(-song(), RATE))
    np.testing.assert_allclose(turned.values, plain.values, rtol=1e-4, atol=1e-4)


def test_mono_lacks_stereo_only():
    description = check(describe(Audio(song()[:1], RATE)))
    side = {n for n, d in DESCRIPTORS.items() if d.family == "stereo" or n.endswith(".side")}
    assert set(description.reasons) == side
    assert reasons(description) == {"mono file", "mono: there is no side"}


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
    missing = set(description.reasons)
    assert {n.split(".")[0] for n in missing} == {"timbre", "rhythm", "stereo", "production", "spectrum"}
    assert {n for n in missing if n.startswith("rhythm")} == {"rhythm.beat_loudness.high"}
    assert missing & {"stereo.width", "stereo.width.low", "stereo.width.middle", "spectrum.third14"} == set()
    assert {"production.noise_floor.treble", "spectrum.third26", "spectrum.fine.sd"} <= missing
    values = description.as_dict()
    assert values["rhythm.tempo.bpm"] == pytest.approx(120, rel=0.01)
    assert values["production.bandwidth"] <= 4100


def test_one_second_has_timbre_but_no_tempo_and_no_form():
    description = check(describe(Audio(song(1.0), RATE)))
    assert reasons(description, "timbre") == set()
    assert reasons(description, "structure") == {"1.0 s long: structure needs 10 s"}
    assert "rhythm.tempo.bpm" in description.reasons


def test_three_seconds_have_loudness_and_key_but_no_tempo():
    description = check(describe(Audio(song(3.0), RATE)))
    assert {n.split(".")[0] for n in description.reasons} == {"rhythm", "structure", "dynamics"}
    assert description.reasons["dynamics.loudness.range"] == "3.0 s long: a loudness range needs 6 s"
    assert reasons(description, "rhythm.tempo") == {"3.0 s long: a tempo needs 6 s"}


@pytest.mark.slow
def test_of_an_hour_the_five_minutes_in_the_middle_are_described(tmp_path):
    path = tmp_path / "hour.flac"
    with soundfile.SoundFile(path, "w", RATE, 2) as file:
        minute = song(60.0).T
        for _ in range(60):
            file.write(minute)
    description = check(describe_file(path))
    assert description.seconds == pytest.approx(LONGEST, abs=0.1)
    assert description.start == pytest.approx(1800 - LONGEST / 2, abs=0.1)
    assert description.file_seconds == pytest.approx(3600, abs=0.1)
    assert description.reasons == {}
    assert description.as_dict()["rhythm.tempo.bpm"] == pytest.approx(120, rel=0.01)


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
        np.sin(2 * np.pi * 440 * np.arange(12 * RATE) / RATE)[None],
        np.sin(2 * np.pi / 64 * np.arange(12 * RATE))[None],
        np.tile(np.eye(1, RATE // 2), 24),
    ],
    ids=[
        "clipped", "one bit", "mostly silent", "constant", "one click", "six channels", "one channel silent",
        "one tone", "one tone in one bin", "clicks",
    ],
)  # fmt: skip
def test_odd_sound_gives_numbers_or_reasons(samples):
    check(describe(Audio(samples.astype(np.float32), RATE)))


def test_a_constant_is_silent_and_no_rounding_is_measured():
    samples = np.full((2, 12 * RATE), 0.5, np.float32)
    assert set(describe(Audio(samples, RATE)).reasons.values()) == {"silent: all samples are alike, a constant offset"}
    samples[:, ::2] += 3e-4  # -76 dBFS
    assert "dynamics.loudness.integrated" not in describe(Audio(samples, RATE)).reasons


@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050, 32_000, 48_000, 96_000])
def test_the_rate_of_the_file_matters_little(rate):
    import soxr

    plain = described().as_dict()
    other = check(describe(Audio(soxr.resample(song().T, RATE, rate).T.copy(), rate))).as_dict()
    for name in ("rhythm.tempo.bpm", "tonality.key.cos", "tonality.key.strength"):
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
    # what lies above the cutoff is the noise of the words
    chosen = np.array([name != "production.cutoff_drop" for name in DESCRIPTORS])
    plain = described().values
    np.testing.assert_allclose(description.values[chosen], plain[chosen], rtol=0.02, atol=0.1)


def test_nothing_needs_essentia_or_librosa(monkeypatch):
    for name in ("essentia", "librosa"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    assert describe(Audio(song(), RATE)).reasons == {}
