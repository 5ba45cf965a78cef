"""Every usual audio file decodes to what is in it; every other file gets an error that says what it is."""

from __future__ import annotations

import hashlib
import io
import struct
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from chartropy.audio.decode import Audio, decode, find_audio
from chartropy.workspace.errors import AudioError, NotAudio, TruncatedAudio, UnsuitableAudio

RATE = 44100


def tone(seconds: float = 1.0, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """A different tone in each channel, (frames, channels)."""
    time_axis = np.arange(int(seconds * rate)) / rate
    pitches = 220 * (1 + np.arange(channels))
    return (0.5 * np.sin(2 * np.pi * time_axis[:, None] * pitches)).astype(np.float32)


def written(sound: np.ndarray, rate: int, form: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=form, subtype=subtype)
    return file.getvalue()


def m4a(sound: np.ndarray, rate: int = RATE, *, form: str = "mp4", **options: str) -> bytes:
    layout = "mono" if sound.shape[1] == 1 else "stereo"
    with tempfile.TemporaryDirectory() as folder:  # some forms are read again while they are written
        file = Path(folder) / "file"
        with av.open(str(file), "w", format=form, options=options) as container:
            stream = container.add_stream("aac", rate=rate)
            stream.layout = layout
            for start in range(0, len(sound), 1024):
                block = np.ascontiguousarray(sound[start : start + 1024].T)
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
                frame.sample_rate, frame.pts = rate, start
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return file.read_bytes()


def peak(sound: np.ndarray, rate: int) -> float:
    """The strongest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * rate / len(sound))


def with_total(flac: bytes, frames: int) -> bytes:
    """A FLAC whose header announces another number of frames."""
    packed = int.from_bytes(flac[18:26]) >> 36 << 36 | frames
    return flac[:18] + packed.to_bytes(8) + flac[26:]


def with_duration(mp4: bytes, factor: int) -> bytes:
    """An M4A that says in all its headers that it is longer."""
    places = [mp4.index(box) + offset for box, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"elst", 12), (b"mdhd", 20))]
    packets = mp4.index(b"stts") + 8
    places += [packets + 8 + 8 * entry for entry in range(int.from_bytes(mp4[packets : packets + 4]))]
    changed = bytearray(mp4)
    for at in places:
        changed[at : at + 4] = (int.from_bytes(mp4[at : at + 4]) * factor).to_bytes(4)
    return bytes(changed)


FORMS = [
    ("WAV", "PCM_U8", 0.02),
    ("WAV", "PCM_16", 1e-4),
    ("WAV", "PCM_24", 1e-6),
    ("WAV", "PCM_32", 1e-7),
    ("WAV", "FLOAT", 0),
    ("WAV", "DOUBLE", 0),
    ("WAVEX", "PCM_16", 1e-4),
    ("AIFF", "PCM_16", 1e-4),
    ("AU", "PCM_16", 1e-4),
    ("W64", "PCM_16", 1e-4),
    ("CAF", "PCM_16", 1e-4),
    ("FLAC", "PCM_16", 1e-4),
    ("FLAC", "PCM_24", 1e-6),
]


@pytest.mark.parametrize(("form", "subtype", "error"), FORMS)
@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (8000, 1)])
def test_lossless_files_come_back_sample_for_sample(form, subtype, error, rate, channels):
    sound = tone(0.5, rate, channels)
    audio = decode(written(sound, rate, form, subtype))
    assert (audio.rate, audio.channels, audio.samples.dtype) == (rate, channels, np.float32)
    np.testing.assert_allclose(audio.samples.T, sound, atol=error, rtol=0)


@pytest.mark.parametrize(
    ("form", "subtype", "codec"),
    [("MP3", "MPEG_LAYER_III", "mp3"), ("OGG", "VORBIS", "vorbis"), ("OGG", "OPUS", "opus")],
)
def test_lossy_files_keep_length_channels_and_pitch(form, subtype, codec):
    audio = decode(written(tone(2, 48000, 2), 48000, form, subtype))
    assert (audio.codec, audio.rate, audio.channels) == (codec, 48000, 2)
    assert audio.seconds == pytest.approx(2, abs=0.05)
    assert peak(audio.samples[0], 48000) == pytest.approx(220, abs=2)
    assert peak(audio.samples[1], 48000) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}, {"movflags": "frag_keyframe+empty_moov"}])
def test_m4a_needs_nothing_installed(channels, options):
    audio = decode(m4a(tone(2, RATE, channels), **options))
    assert (audio.codec, audio.rate, audio.channels) == ("aac", RATE, channels)
    assert audio.seconds == pytest.approx(2, abs=0.1)
    assert peak(audio.samples[-1], RATE) == pytest.approx(220 * channels, abs=2)


def test_aac_without_a_container():
    assert decode(m4a(tone(2), form="adts")).seconds == pytest.approx(2, abs=0.1)


def test_six_channels():
    audio = decode(written(tone(0.5, 48000, 6), 48000, "WAV", "PCM_16"))
    assert audio.channels == 6
    assert peak(audio.samples[5], 48000) == pytest.approx(1320, abs=4)


def test_silence_is_sound():
    audio = decode(written(np.zeros((RATE, 2), np.float32), RATE, "WAV", "PCM_16"))
    assert audio.seconds == 1
    assert not audio.samples.any()


@pytest.mark.parametrize("clip", range(3))
def test_real_clips_decode_whole(shared, clip):
    file = sorted((shared / "corpus" / "clips").glob("*.mp3"))[clip]
    audio = decode(file)
    assert (audio.codec, audio.rate, audio.channels) == ("mp3", 44100, 2)
    assert audio.seconds > 5
    assert audio.samples.flags.c_contiguous


def test_the_hash_is_the_files(tmp_path):
    data = written(tone(), RATE, "WAV", "PCM_16")
    (tmp_path / "a.wav").write_bytes(data)
    audio = decode(tmp_path / "a.wav")
    assert audio.sha256 == decode(data).sha256 == hashlib.sha256(data).hexdigest()
    assert audio.name == str(tmp_path / "a.wav")


def test_the_ending_of_a_name_does_not_matter(tmp_path):
    (tmp_path / "a.mp3").write_bytes(m4a(tone()))
    assert decode(tmp_path / "a.mp3").codec == "aac"


def test_a_flac_that_was_streamed_and_does_not_say_its_length():
    sound = tone(0.5)
    audio = decode(with_total(written(sound, RATE, "FLAC", "PCM_16"), 0))
    np.testing.assert_allclose(audio.samples.T, sound, atol=1e-4)


@pytest.mark.parametrize("size", [b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"])
def test_a_wav_that_was_streamed_and_does_not_say_its_length(size):
    data = written(tone(0.5), RATE, "WAV", "PCM_16")
    at = data.index(b"data") + 4
    streamed = data[:4] + size + data[8:at] + b"\xff\xff\xff\xff" + data[at + 4 :]
    assert decode(streamed).seconds == pytest.approx(0.5, abs=0.01)


def test_letters_of_drm_by_chance_are_no_drm():
    data = m4a(tone())
    free = struct.pack(">I", 20) + b"free" + b"drmsdrmienca"
    assert decode(data + free).codec == "aac"


# -- what is no audio --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>Sorry</body></html>", "HTML page.*expired"),
        (b"\n  <HTML><HEAD><TITLE>Access Denied</TITLE></HEAD></HTML>", "HTML page"),
        (b"<?xml version='1.0'?><Error/>", "HTML page"),
        (b'{"error": {"code": 4}}', "not audio"),
        (b"just some text\n" * 50, "not audio"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 100, "."),
        (b"%PDF-1.4" + b"x" * 100, "not audio"),
        (b"\x00" * 5000, "not audio"),
        (b"x", "not audio"),
        (b"RIFF", "not audio"),
        (b"ID3", "not audio"),
        (b"\x00\x00\x00\x20ftyp", "."),
    ],
)
def test_what_is_no_audio_is_named(data, said):
    with pytest.raises(AudioError, match=f"(?s)song.x: .*{said}"):
        decode(data, name="song.x")


def test_random_bytes_are_no_audio():
    with pytest.raises(AudioError):
        decode(np.random.default_rng(1).bytes(50_000))


@pytest.mark.parametrize("box", [b"drms", b"drmi", b"enca"])
def test_drm_is_called_drm(box):
    with pytest.raises(NotAudio, match="DRM"):
        decode(m4a(tone()).replace(b"mp4a", box, 1))


def test_a_file_that_is_not_there_or_not_ours_is_named(tmp_path):
    for path in (tmp_path / "none.mp3", tmp_path):
        with pytest.raises(AudioError, match="cannot be read"):
            decode(path)


def test_a_film_without_sound_is_named():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        container.mux(stream.encode(None))
    with pytest.raises(NotAudio, match="without sound"):
        decode(file.getvalue())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(bad):
    sound = tone()
    sound[1000] = bad
    with pytest.raises(NotAudio, match="not numbers"):
        decode(written(sound, RATE, "WAV", "FLOAT"))


def test_a_file_without_a_single_frame_is_refused():
    with pytest.raises(UnsuitableAudio, match="0 frames"):
        decode(written(np.zeros((0, 1), np.float32), RATE, "WAV", "PCM_16"))


# -- cut short ---------------------------------------------------------------------------------------------------------

WHOLE = {
    "wav": lambda: written(tone(3, channels=2), RATE, "WAV", "PCM_16"),
    "aiff": lambda: written(tone(3, channels=2), RATE, "AIFF", "PCM_16"),
    "au": lambda: written(tone(3, channels=2), RATE, "AU", "PCM_16"),
    "flac": lambda: written(tone(3, channels=2), RATE, "FLAC", "PCM_16"),
    "mp3": lambda: written(tone(3, channels=2), RATE, "MP3", "MPEG_LAYER_III"),
    "ogg": lambda: written(tone(3, channels=2), RATE, "OGG", "VORBIS"),
    "opus": lambda: written(tone(3, 48000, 2), 48000, "OGG", "OPUS"),
    "m4a": lambda: m4a(tone(3, channels=2)),
    "m4a, index first": lambda: m4a(tone(3, channels=2), movflags="faststart"),
}


@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize("part", [0.33, 0.6, 0.95])
def test_a_file_cut_short_is_called_that(form, part):
    data = WHOLE[form]()
    assert decode(data).seconds == pytest.approx(3, abs=0.1)
    with pytest.raises(TruncatedAudio, match=r"song\.x: .*(cut short|damaged)"):
        decode(data[: int(len(data) * part)], name="song.x")


@pytest.mark.parametrize("form", WHOLE)
def test_only_the_head_of_a_file_is_an_error(form):
    data = WHOLE[form]()
    for length in (4, 12, 40, 100):
        with pytest.raises(AudioError):
            decode(data[:length])


# -- too long ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["flac", "m4a"])
def test_ten_hours_are_refused_by_their_header_before_decoding(form):
    if form == "flac":
        data = with_total(written(tone(1), RATE, "FLAC", "PCM_16"), 36_000 * RATE)
    else:
        data = with_duration(m4a(tone(1)), 36_000)
    started = time.monotonic()
    with pytest.raises(UnsuitableAudio, match=r"song\.x: 36,\d\d\d s long, more than the 1,200 s"):
        decode(data, name="song.x")
    assert time.monotonic() - started < 1


def test_ten_hours_on_disk_are_refused_unread(tmp_path):
    file = tmp_path / "long.wav"
    with soundfile.SoundFile(file, "w", 8000, 1, "PCM_16"):
        pass
    head = bytearray(file.read_bytes())
    length = 36_000 * 8000 * 2
    head[4:8] = (length + len(head) - 8).to_bytes(4, "little")
    head[-4:] = length.to_bytes(4, "little")
    with file.open("wb") as sparse:
        sparse.write(head)
        sparse.truncate(len(head) + length)
    started = time.monotonic()
    with pytest.raises(UnsuitableAudio, match="36,000 s long"):
        decode(file)
    assert time.monotonic() - started < 0.3  # half a gigabyte would take longer


def test_length_that_no_header_tells_is_counted_while_decoding():
    with pytest.raises(UnsuitableAudio, match="more than the 1 s"):
        decode(m4a(tone(3), form="adts"), max_seconds=1)
    with pytest.raises(UnsuitableAudio, match="more than the 1 s"):
        decode(with_total(written(tone(3), RATE, "FLAC", "PCM_16"), 0), max_seconds=1)


def test_a_little_less_than_the_limit_is_taken():
    assert decode(written(tone(1), RATE, "WAV", "PCM_16"), max_seconds=1).seconds == 1


# -- damage of every kind ----------------------------------------------------------------------------------------------

SMALL = {
    "wav": written(tone(0.2), RATE, "WAV", "PCM_16"),
    "flac": written(tone(0.2), RATE, "FLAC", "PCM_16"),
    "m4a": m4a(tone(0.2)),
}


@pytest.mark.parametrize("form", SMALL)
@settings(max_examples=60)
@given(
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=12), tail=st.booleans()
)
def test_damage_is_an_audio_error_or_still_sound(form, changes, tail):
    data = bytearray(SMALL[form])
    for at, byte in changes:
        data[-1 - at if tail else at] = byte
    try:
        audio = decode(bytes(data))
    except AudioError as error:
        assert str(error).startswith("these bytes: ")  # noqa: PT017 - most damage raises, some does not
    else:
        assert np.isfinite(audio.samples).all()


# -- around it ---------------------------------------------------------------------------------------------------------


def test_sound_made_in_memory_has_one_form():
    with pytest.raises(ValueError, match=r"\(channels, frames\)"):
        Audio(np.zeros(5, np.float32), RATE)
    with pytest.raises(ValueError, match="float64"):
        Audio(np.zeros((1, 5)), RATE)


def test_folders_are_searched_through_in_order_and_files_taken_as_given(tmp_path):
    for name in ("b/2.MP3", "b/1.flac", "a.wav", "notes.txt", "b/cover.jpg", "b/deep/x.m4a"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.mp3").mkdir()
    given_files = [tmp_path / "notes.txt", tmp_path]
    found = [path.relative_to(tmp_path).as_posix() for path in find_audio(given_files)]
    assert found == ["notes.txt", "a.wav", "b/1.flac", "b/2.MP3", "b/deep/x.m4a"]
    assert list(find_audio([Path("none")])) == [Path("none")]
