"""Every usual audio file decodes to what is in it; every other file gets an error that says what it is."""

from __future__ import annotations

import hashlib
import io
import math
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr
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
    with soundfile.SoundFile(file, "w", rate, sound.shape[1], subtype, format=form) as container:
        for start in range(0, len(sound), 65_536):  # libsndfile crashes when Vorbis is written an hour at once
            container.write(sound[start : start + 65_536])
    return file.getvalue()


def m4a(sound: np.ndarray, rate: int = RATE, *, form: str = "mp4", coder: str = "twoloop", **options: str) -> bytes:
    layout = "mono" if sound.shape[1] == 1 else "stereo"
    with tempfile.TemporaryDirectory() as folder:  # some forms are read again while they are written
        file = Path(folder) / "file"
        with av.open(str(file), "w", format=form, options=options) as container:
            stream = container.add_stream("aac", rate=rate, options={"aac_coder": coder})
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
    assert audio.samples.shape == (2, round(audio.seconds * 44100))


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


@pytest.mark.skipif(sys.platform == "win32", reason="files have no descriptors in the file system")
def test_a_pipe_is_named():
    reading, writing = os.pipe()
    try:
        with pytest.raises(AudioError, match=f"/dev/fd/{reading}: cannot be read .*not seekable"):
            decode(f"/dev/fd/{reading}")
    finally:
        os.close(reading)
        os.close(writing)


def test_a_stream_that_turns_into_another_is_named():
    with pytest.raises(NotAudio, match=r"song\.x: .*damaged \(.*changes"):
        decode(m4a(tone(2), form="adts") + m4a(tone(2, channels=2), form="adts"), name="song.x")


def test_a_place_that_no_file_has_is_not_printed_as_an_error(capfd):
    data = WHOLE["aiff"]()
    with pytest.raises(AudioError):
        decode(data[:38] + b"\x7f" + data[39:])  # libsndfile goes to byte -1
    assert "Traceback" not in capfd.readouterr().err


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


def test_very_loud_is_not_infinite():
    sound = np.full((1000, 2), 3e38, np.float32)
    assert decode(written(sound, RATE, "WAV", "FLOAT")).samples.max() == np.float32(3e38)


def test_a_session_description_opens_no_connection():
    told = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 50000 RTP/AVP 0\n"
    with pytest.raises(NotAudio, match="not audio"):  # FFmpeg would listen there, and wait
        decode(told)


def test_a_playlist_opens_no_connection(tmp_path, server):
    (tmp_path / "x.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{server.url}/x.aac\n")
    with pytest.raises(NotAudio, match="not audio"):
        decode(tmp_path / "x.m3u8")
    assert not server.asked


@pytest.mark.parametrize("ending", ["raw", "m3u8", "txt"])
def test_an_ending_that_decoders_would_believe_does_not_matter(tmp_path, ending):
    file = tmp_path / f"a.{ending}"
    file.write_bytes(WHOLE["wav"]())
    assert decode(file).seconds == 3


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


# -- long files --------------------------------------------------------------------------------------------------------


def steps(seconds: int, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """A tone that is 100 Hz higher every second, (frames, channels): what sounds tells when."""
    pitch = np.repeat(500 + 100 * np.arange(seconds), rate)
    sound = 0.5 * np.sin(2 * np.pi * np.cumsum(pitch) / rate)
    return np.repeat(sound[:, None], channels, axis=1).astype(np.float32)


def webm(sound: np.ndarray) -> bytes:
    """Opus, which PyAV decodes, and a header that gives the length of the file but not of its sound."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=48000)
        stream.layout = "mono"
        for start in range(0, len(sound), 960):
            frame = av.AudioFrame.from_ndarray(sound[start : start + 960].T.copy(), format="flt", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


LONG = {
    "wav": lambda: written(steps(11), RATE, "WAV", "PCM_16"),
    "aiff": lambda: written(steps(11), RATE, "AIFF", "PCM_16"),
    "flac": lambda: written(steps(11, channels=2), RATE, "FLAC", "PCM_16"),
    "mp3": lambda: written(steps(11, channels=2), RATE, "MP3", "MPEG_LAYER_III"),
    "ogg": lambda: written(steps(11, 48000), 48000, "OGG", "VORBIS"),
    "opus": lambda: written(steps(11, 48000), 48000, "OGG", "OPUS"),
    "m4a": lambda: m4a(steps(11, channels=2)),
    "m4a, index first": lambda: m4a(steps(11), movflags="faststart"),
    "m4a, in fragments": lambda: m4a(steps(11), movflags="frag_keyframe+empty_moov", frag_duration="1000000"),
    "webm": lambda: webm(steps(11, 48000)),
}


@pytest.mark.parametrize("form", LONG)
@pytest.mark.parametrize("rate", [None, RATE])
def test_of_a_long_file_the_middle_is_taken(form, rate):
    data = LONG[form]()
    audio, whole = decode(data, rate=rate, max_seconds=1), decode(data, rate=rate)
    assert (audio.rate, audio.native_rate, audio.codec) == (whole.rate, whole.native_rate, whole.codec)
    assert (audio.channels, audio.sha256) == (whole.channels, whole.sha256)
    assert audio.seconds == pytest.approx(1, abs=0.001)
    assert audio.start == pytest.approx(5, abs=0.03)
    assert audio.file_seconds == pytest.approx(11, abs=0.06)
    assert (whole.start, whole.file_seconds) == (0, pytest.approx(whole.seconds, abs=1e-4))
    at = round(audio.start * audio.rate)
    there = slice(2000, -2000)  # at the edges resampling meets silence, and decoders settle
    np.testing.assert_allclose(
        audio.samples[:, there], whole.samples[:, at : at + audio.samples.shape[1]][:, there], atol=0.05
    )
    assert peak(audio.samples[0], audio.rate) == pytest.approx(1000, abs=3)


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
def test_the_middle_is_exact_where_coding_is(form):
    sound = steps(5)
    audio = decode(written(sound, RATE, form, "PCM_16"), max_seconds=2)
    assert (audio.start, audio.seconds, audio.file_seconds) == (1.5, 2, 5)
    first = int(1.5 * RATE)
    np.testing.assert_allclose(audio.samples[0], sound[first : first + 2 * RATE, 0], atol=1e-4)


@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize("part", [0.33, 0.6, 0.95])
def test_a_long_file_cut_short_is_called_that(form, part):
    data = WHOLE[form]()
    assert decode(data, max_seconds=0.5).start == pytest.approx(1.25, abs=0.03)
    with pytest.raises(TruncatedAudio, match=r"song\.x: .*(cut short|damaged)"):
        decode(data[: int(len(data) * part)], name="song.x", max_seconds=0.5)


@pytest.mark.parametrize("form", ["flac", "m4a"])
def test_a_header_that_announces_ten_hours_of_one_second_is_found_out(form):
    if form == "flac":
        data = with_total(written(tone(1), RATE, "FLAC", "PCM_16"), 36_000 * RATE)
    else:
        data = with_duration(m4a(tone(1)), 36_000)
    started = time.process_time()
    with pytest.raises(TruncatedAudio, match=r"song\.x: .*(cut short|damaged)"):
        decode(data, name="song.x")
    assert time.process_time() - started < 1


@pytest.mark.parametrize("rate", [None, 16_000])
def test_where_no_header_tells_the_length_it_is_what_comes_first(rate):
    sound = steps(3)
    for data in (m4a(sound, form="adts"), with_total(written(sound, RATE, "FLAC", "PCM_16"), 0)):
        audio = decode(data, rate=rate, max_seconds=1.5)
        assert (audio.start, audio.seconds) == (0, pytest.approx(1.5, abs=1e-4))
        assert math.isnan(audio.file_seconds)
        assert peak(audio.samples[0, : audio.rate], audio.rate) == pytest.approx(500, abs=3)
        assert decode(data, rate=rate, max_seconds=4).file_seconds == pytest.approx(3, abs=0.1)


def test_a_file_as_long_as_the_limit_is_taken_whole():
    audio = decode(written(tone(1), RATE, "WAV", "PCM_16"), max_seconds=1)
    assert (audio.start, audio.seconds, audio.file_seconds) == (0, 1, 1)


@pytest.mark.parametrize(
    ("channels", "rate", "seconds"), [(1, 48000, 1), (2, 48000, 1), (6, 48000, 1 / 3), (2, 96000, 0.5)]
)
def test_more_channels_or_a_higher_rate_leave_fewer_seconds(channels, rate, seconds):
    data = written(tone(2, rate, channels), rate, "WAV", "PCM_16")
    assert decode(data, max_seconds=1).seconds == pytest.approx(seconds, abs=0.001)
    assert decode(data, rate=8000, max_seconds=1).seconds == pytest.approx(min(1, 2 / channels), abs=0.001)


GROWTH = """
import resource, sys
from chartropy.audio.decode import decode
decode(sys.argv[2], rate=44100)  # what is imported stays
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
audio = decode(sys.argv[1], rate=44100)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown / (1e6 if sys.platform == "darwin" else 1e3), audio.seconds, audio.start, audio.file_seconds)
"""


def grown(long: Path, short: Path) -> float:
    """Decode an hour in a process of its own and return by how many megabytes that grew."""
    run = subprocess.run([sys.executable, "-c", GROWTH, long, short], capture_output=True, text=True, check=True)
    megabytes, seconds, start, file_seconds = map(float, run.stdout.split())
    assert (seconds, start) == (pytest.approx(600, abs=0.1), pytest.approx(1500, abs=0.5))
    assert file_seconds == pytest.approx(3600, abs=0.5)
    return megabytes


@pytest.mark.skipif(sys.platform == "win32", reason="getrusage is not there")
@pytest.mark.parametrize("rate", [8000, 44100])
def test_an_hour_of_wav_takes_the_memory_of_ten_minutes(tmp_path, rate):
    def wav(frames: int) -> bytes:
        head = written(np.zeros((0, 2)), rate, "WAV", "PCM_16")
        at = head.index(b"data") + 4
        return (
            head[:4]
            + (4 * frames + len(head) - 8).to_bytes(4, "little")
            + head[8:at]
            + (4 * frames).to_bytes(4, "little")
        )

    for name, seconds in (("long.wav", 3600), ("short.wav", 1)):
        with (tmp_path / name).open("wb") as sparse:
            sparse.write(head := wav(seconds * rate))
            sparse.truncate(len(head) + 4 * seconds * rate)
    assert grown(tmp_path / "long.wav", tmp_path / "short.wav") < 240


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="getrusage is not there")
@pytest.mark.parametrize("form", ["flac", "mp3", "ogg", "m4a"])
def test_an_hour_takes_the_memory_of_ten_minutes(tmp_path, form):
    def make(sound: np.ndarray) -> bytes:
        if form == "m4a":
            return m4a(sound, 8000, coder="fast")
        return written(sound, 8000, form, {"flac": "PCM_16", "mp3": "MPEG_LAYER_III", "ogg": "VORBIS"}[form])

    (tmp_path / "long").write_bytes(make(tone(3600, 8000)))
    (tmp_path / "short").write_bytes(make(tone(1, 8000)))
    assert grown(tmp_path / "long", tmp_path / "short") < 240


# -- resampling --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("native", [8000, 11025, 22050, 32000, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("frames", [1000, 100_001])
def test_resampling_block_by_block_is_resampling_at_once(native, channels, frames):
    sound = np.random.default_rng(native).normal(0, 0.2, (frames, channels)).astype(np.float32)
    audio = decode(written(sound, native, "WAV", "FLOAT"), rate=RATE)
    expected = soxr.resample(sound, native, RATE, quality="HQ")
    assert (audio.rate, audio.native_rate, audio.start) == (RATE, native, 0)
    assert audio.file_seconds == frames / native
    assert audio.samples.shape == expected.T.shape
    np.testing.assert_allclose(audio.samples.T, expected, atol=1e-6)


def test_what_pyav_decodes_is_resampled_as_well():
    data = m4a(tone(2, 48000, 2), 48000)
    native = decode(data)
    audio = decode(data, rate=RATE)
    assert (audio.rate, audio.native_rate, native.native_rate) == (RATE, 48000, 48000)
    np.testing.assert_allclose(audio.samples.T, soxr.resample(native.samples.T, 48000, RATE, quality="HQ"), atol=1e-6)


@pytest.mark.parametrize("form", ["wav", "mp3", "m4a"])
def test_a_file_that_has_the_rate_is_left_alone(form):
    data = WHOLE[form]()
    np.testing.assert_array_equal(decode(data, rate=RATE).samples, decode(data).samples)
    assert decode(data, rate=RATE).native_rate == RATE


def test_a_rate_that_no_sound_has_is_not_resampled():
    data = written(tone(1), 10, "WAV", "PCM_16")
    assert decode(data).rate == 10
    with pytest.raises(UnsuitableAudio, match=r"song\.x: sampled at 10 Hz; .* export"):
        decode(data, name="song.x", rate=RATE)


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"rate": -1}, {"max_seconds": 0}, {"max_seconds": math.inf}])
def test_rates_and_limits_that_make_no_sense_are_errors_of_the_caller(wrong):
    with pytest.raises(ValueError, match="must be positive"):
        decode(WHOLE["wav"](), **wrong)


# -- damage of every kind ----------------------------------------------------------------------------------------------

SMALL = {
    "wav": written(tone(0.2), RATE, "WAV", "PCM_16"),
    "float": written(tone(0.1), RATE, "WAV", "FLOAT"),
    "aiff": written(tone(0.2), RATE, "AIFF", "PCM_16"),
    "au": written(tone(0.2), RATE, "AU", "PCM_16"),
    "caf": written(tone(0.2), RATE, "CAF", "PCM_16"),
    "flac": written(tone(0.2), RATE, "FLAC", "PCM_16"),
    "mp3": written(tone(0.3), RATE, "MP3", "MPEG_LAYER_III"),
    "ogg": written(tone(0.2), RATE, "OGG", "VORBIS"),
    "m4a": m4a(tone(0.2)),
    "adts": m4a(tone(0.2), form="adts"),
    "mpegts": m4a(tone(0.2), form="mpegts"),
    "matroska": m4a(tone(0.2), form="matroska"),
    "webm": webm(tone(0.2, 48000)),
}


@pytest.mark.parametrize("form", SMALL)
@settings(max_examples=40)
@given(
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12),
    tail=st.booleans(),
    kept=st.floats(0, 1) | st.just(1),
    rate=st.sampled_from([None, 8000, 44_100]),
    max_seconds=st.sampled_from([0.05, 600]),
)
def test_damage_is_an_audio_error_or_still_sound(form, changes, tail, kept, rate, max_seconds):
    data = bytearray(SMALL[form])
    for at, byte in changes:
        data[-1 - at if tail else at] = byte
    try:
        audio = decode(bytes(data[: int(kept * len(data))]), rate=rate, max_seconds=max_seconds)
    except AudioError as error:
        assert str(error).startswith("these bytes: ")  # noqa: PT017 - most damage raises, some does not
    else:
        assert np.isfinite(audio.samples).all()
        assert rate in (None, audio.rate)


# -- around it ---------------------------------------------------------------------------------------------------------


def test_sound_made_in_memory_has_one_form():
    with pytest.raises(ValueError, match=r"\(channels, frames\)"):
        Audio(np.zeros(5, np.float32), RATE)
    with pytest.raises(ValueError, match="float64"):
        Audio(np.zeros((1, 5)), RATE)


def test_sound_made_in_memory_needs_only_samples_and_a_rate():
    audio = Audio(np.zeros((2, 16_000), np.float32), 8000)
    assert (audio.native_rate, audio.start, audio.seconds, audio.file_seconds) == (8000, 0, 2, 2)


def test_folders_are_searched_through_in_order_and_files_taken_as_given(tmp_path):
    for name in (
        "b/2.MP3",
        "b/1.flac",
        "a.wav",
        "notes.txt",
        "b/cover.jpg",
        "b/deep/x.m4a",
        "b/._1.flac",
        ".trash/y.mp3",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.mp3").mkdir()
    given_files = [tmp_path / "notes.txt", tmp_path]
    found = [path.relative_to(tmp_path).as_posix() for path in find_audio(given_files)]
    assert found == ["notes.txt", "a.wav", "b/1.flac", "b/2.MP3", "b/deep/x.m4a"]
    assert list(find_audio([Path("none")])) == [Path("none")]
