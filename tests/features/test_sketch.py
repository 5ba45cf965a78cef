from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features.lines import LONG, SHORT, STEP_DB, STEP_HZ, Lines
from chartropy.features.sketch import (
    BANDS,
    BINS,
    FLOOR_DB,
    FRAMES,
    MAX_BYTES,
    RATE,
    SKETCH_VERSION,
    STEPS,
    Sketch,
    band_edges,
    frequencies,
    sketch,
    window_starts,
)
from chartropy.features.spectra import Sound
from chartropy.features.speech import SILENT
from chartropy.workspace.errors import ModelError, UnsuitableAudio


def noise(seconds: float, rate: int = RATE, channels: int = 2, level: float = 0.1, seed: int = 0) -> Audio:
    rng = np.random.default_rng(seed)
    return Audio((level * rng.standard_normal((channels, int(seconds * rate)))).astype(np.float32), rate)


def tone(hz: float, seconds: float, rate: int = RATE) -> Audio:
    return Audio(np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate).astype(np.float32)[None], rate)


def test_round_trip_keeps_every_value():
    drawn = sketch(noise(12))
    back = Sketch.from_bytes(drawn.to_bytes())
    assert back == drawn
    for name in ("mid", "side", "low", "steps"):
        np.testing.assert_array_equal(getattr(back, name), getattr(drawn, name))
    assert (back.seconds, back.rate, back.channels) == (12.0, RATE, 2)
    assert back.to_bytes() == drawn.to_bytes()
    for kind in ("long", "short"):
        np.testing.assert_array_equal(getattr(back.lines, kind), getattr(drawn.lines, kind))
    assert back.lines.seconds == drawn.lines.seconds == 12.0
    assert back.speech == drawn.speech != SILENT


def test_a_sketch_of_an_earlier_version_is_read_without_lines():
    drawn = replace(sketch(noise(12)), lines=None, speech=SILENT)
    earlier = drawn.to_bytes()
    assert struct.unpack_from("<H", earlier, 4) == (2,)
    back = Sketch.from_bytes(earlier)
    assert back.lines is None
    assert back == drawn
    np.testing.assert_array_equal(back.mid, drawn.mid)
    first = earlier[:4] + struct.pack("<H", 1) + earlier[6:]
    assert Sketch.from_bytes(first).lines is None


def test_same_sound_same_bytes():
    assert sketch(noise(11, seed=3)).to_bytes() == sketch(noise(11, seed=3)).to_bytes()


def test_largest_sketch_fits():
    # what compresses worst: every value another one
    rng = np.random.default_rng(0)
    values = {
        name: rng.integers(0, 0x7BFF, shape, dtype=np.uint16).view(np.float16)
        for name, shape in {"mid": BINS, "side": BINS, "low": BINS, "steps": (STEPS, BANDS)}.items()
    }
    lines = Lines(
        *(
            np.stack([rng.integers(0, 2**24, (2, 4, count)) * STEP_HZ, rng.integers(0, 256, (2, 4, count)) * STEP_DB], -1)
            .astype(np.float32)
            for count in (LONG, SHORT)
        ),
        30.0,
    )  # fmt: skip
    worst = Sketch(
        **values, lines=lines, seconds=30, rate=RATE, channels=2, peak_db=0, rms_db=-20, silent=0, bandwidth=16000
    )
    assert len(worst.to_bytes()) <= MAX_BYTES
    assert Sketch.from_bytes(worst.to_bytes()) == worst


@pytest.mark.parametrize("seconds", [1, 9.7, 10, 30, 61])
def test_length_changes_neither_shapes_nor_number_of_windows(seconds):
    audio = noise(seconds, channels=1)
    drawn = sketch(audio)
    assert drawn.mid.shape == drawn.low.shape == (BINS,)
    assert drawn.steps.shape == (STEPS, BANDS)
    starts, silent = window_starts(Sound.of(audio))
    assert len(starts) == FRAMES
    assert (np.diff(starts) >= 0).all()
    assert silent == 0
    # white noise has one level, whatever the length
    assert np.median(drawn.mid[100:8000]) == pytest.approx(
        np.median(sketch(noise(20, channels=1)).mid[100:8000]), abs=2
    )


def test_level_does_not_show_in_the_pictures():
    loud, quiet = sketch(noise(10, level=0.1)), sketch(noise(10, level=0.001))
    np.testing.assert_allclose(loud.mid.astype(float), quiet.mid.astype(float), atol=0.1)
    assert loud.peak_db - quiet.peak_db == pytest.approx(40, abs=0.01)
    assert loud.rms_db == pytest.approx(-20, abs=0.1)


def test_tone_reads_zero_db_at_its_frequency():
    hz = frequencies()[1000]
    drawn = sketch(tone(float(hz), 10))
    assert drawn.mid.argmax() == 1000
    assert drawn.mid[1000] == pytest.approx(0, abs=0.05)
    assert drawn.low[1000] == pytest.approx(0, abs=0.05)
    band = np.searchsorted(band_edges(), hz) - 1
    assert (drawn.steps.argmax(axis=1) == band).all()


def test_low_forgets_what_comes_and_goes():
    steady, passing = tone(5000, 10).samples, tone(8000, 10).samples.copy()
    passing[:, : passing.shape[1] * 7 // 10] = 0
    background = noise(10, channels=1, level=1e-3).samples
    drawn = sketch(Audio((0.4 * steady + 0.4 * passing + background).astype(np.float32), RATE))
    at = [round(hz / (RATE / 16384)) for hz in (5000, 8000)]
    assert drawn.low[at[0]] > -10
    assert drawn.low[at[1]] < -40


def test_silence_is_the_floor_throughout():
    for samples in (np.zeros((2, RATE * 12)), np.full((2, RATE * 12), 5e-5), np.zeros((1, 0))):
        drawn = sketch(Audio(samples.astype(np.float32), RATE))
        assert (drawn.mid == FLOOR_DB).all()
        assert (drawn.silent, drawn.bandwidth) == (1.0, 0.0)
        assert Sketch.from_bytes(drawn.to_bytes()) == drawn


def test_mono_and_equal_channels_have_no_side():
    mono = noise(10, channels=1)
    both = Audio(np.concatenate([mono.samples] * 2), RATE)
    for audio in (mono, both):
        assert (sketch(audio).side == FLOOR_DB).all()
    np.testing.assert_array_equal(sketch(mono).mid, sketch(both).mid)
    assert sketch(mono).channels == 1


def test_opposite_channels_have_only_a_side():
    mono = noise(10, channels=1)
    drawn = sketch(Audio(np.concatenate([mono.samples, -mono.samples]), RATE))
    assert (drawn.mid == FLOOR_DB).all()
    assert drawn.side[100:8000].min() > -80
    assert drawn.silent == 0
    assert drawn.bandwidth == 0  # of mid


def test_more_than_two_channels():
    assert sketch(noise(2, channels=6)).channels == 6


@pytest.mark.parametrize(("rate", "low", "high"), [(8000, 3500, 4200), (22050, 10000, 11300), (48000, 21000, 22050)])
def test_rates_become_bandwidth(rate, low, high):
    drawn = sketch(noise(10, rate=rate))
    assert drawn.rate == rate
    assert low < drawn.bandwidth <= high


def test_half_a_clip_of_silence():
    samples = noise(20).samples.copy()
    samples[:, : samples.shape[1] // 2] = 0
    drawn = sketch(Audio(samples, RATE))
    assert drawn.silent == pytest.approx(0.5, abs=0.01)
    assert drawn.mid[100:8000].min() > -90  # the windows lie where it sounds


@pytest.mark.parametrize("frames", [1, 7, 16383, 16384, 16385])
def test_tiny_clips(frames):
    drawn = sketch(Audio(np.ones((1, frames), np.float32), RATE))
    assert np.isfinite(drawn.mid.astype(float)).all()


def test_click_in_silence():
    samples = np.zeros((1, RATE * 12), np.float32)
    samples[0, 3] = 1
    assert np.isfinite(sketch(Audio(samples, RATE)).mid.astype(float)).all()


def test_samples_that_are_no_numbers():
    with pytest.raises(UnsuitableAudio, match="not numbers"):
        sketch(Audio(np.full((1, RATE), np.nan, np.float32), RATE))


def test_wrong_array_is_named():
    good = sketch(noise(1))
    with pytest.raises(ValueError, match="low must be float16"):
        Sketch(**{**vars(good), "low": good.low[:-1]})


class TestDamage:
    data = sketch(noise(2)).to_bytes()

    @pytest.mark.parametrize("data", [b"", b"CSKT", b"PK\x03\x04" + bytes(100), bytes(70_000)])
    def test_no_sketch(self, data):
        with pytest.raises(ModelError, match="no sketch"):
            Sketch.from_bytes(data)

    def test_newer_version(self):
        newer = self.data[:4] + struct.pack("<H", SKETCH_VERSION + 1) + self.data[6:]
        with pytest.raises(ModelError, match="upgrade"):
            Sketch.from_bytes(newer)

    @pytest.mark.parametrize("cut", [10, 1000, -1])
    def test_cut_short(self, cut):
        with pytest.raises(ModelError, match="damaged"):
            Sketch.from_bytes(self.data[:cut])

    def test_changed_byte(self):
        changed = bytearray(self.data)
        changed[len(changed) // 2] ^= 0xFF
        with pytest.raises(ModelError, match="damaged"):
            Sketch.from_bytes(bytes(changed))

    def test_bomb_is_not_unpacked(self):
        with pytest.raises(ModelError, match="damaged"):
            Sketch.from_bytes(self.data[:8] + zlib.compress(bytes(200_000_000)))

    def test_nan_inside(self):
        body = bytearray(zlib.decompress(self.data[8:]))
        body[:8] = struct.pack("<d", float("nan"))
        with pytest.raises(ModelError, match="not numbers"):
            Sketch.from_bytes(self.data[:8] + zlib.compress(bytes(body)))
