from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.audio.synthesize import synthesize
from chartropy.features.sketch import Sketch, sketch, sketch_file
from chartropy.features.spectra import RATE, Sound
from chartropy.features.speech import LIMITS, SILENT, Speech, measure, syllabic
from chartropy.workspace.errors import ModelError

SECONDS = 20


def talk(seed: int = 0) -> np.ndarray:
    """Vowels of a gliding voice, sibilants between them, and pauses of every length."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(SECONDS * RATE)
    at = 0.2
    while at < SECONDS - 1:
        length = rng.uniform(0.09, 0.2)
        time = np.arange(int(length * RATE)) / RATE
        pitch = rng.uniform(90, 180) * (1 + rng.uniform(-0.5, 0.5) * time)
        vowel = sum(np.sin(2 * np.pi * k * np.cumsum(pitch) / RATE) / k**1.5 for k in range(1, 12))
        start = int(at * RATE)
        sound[start : start + len(time)] += vowel * np.sin(np.pi * time / length) * rng.uniform(0.3, 1)
        at += length
        if rng.random() < 0.5:
            hiss = np.diff(rng.standard_normal(int(rng.uniform(0.05, 0.12) * RATE)))
            start = int(at * RATE)
            sound[start : start + len(hiss)] += 0.2 * hiss * np.hanning(len(hiss))
            at += len(hiss) / RATE
        at += rng.uniform(0.02, 0.12) if rng.random() < 0.8 else rng.uniform(0.3, 0.8)
    return sound / np.abs(sound).max() + 0.003 * rng.standard_normal(len(sound))


def clip(sound: np.ndarray) -> Sound:
    return Sound.of(Audio(np.stack([sound, sound]).astype(np.float32), RATE))


@pytest.mark.parametrize("seed", range(4))
def test_talk_is_speech_alone(seed):
    assert measure(clip(talk(seed))).alone


def test_talk_over_music_is_not():
    time = np.arange(SECONDS * RATE) / RATE
    pad = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 277.2, 329.6))
    assert not measure(clip(talk() + 0.1 * pad)).alone
    beat = np.random.default_rng(1).standard_normal(len(time)) * np.exp(-(time % 0.5) / 0.03)
    heard = measure(clip(talk() + 0.7 * beat))
    assert heard.pulse > LIMITS.pulse
    assert not heard.alone


@pytest.mark.parametrize("seed", range(3))
def test_songs_are_not(seed):
    assert not measure(Sound.of(synthesize(seed, seconds=SECONDS))).alone


def test_real_music_is_not(clips):
    assert not [path.name for path in clips[::3] if sketch_file(path).speech.alone]


def test_syllables_come_three_to_eight_a_second():
    time = np.arange(2000) / 100
    assert syllabic(1 + np.sin(2 * np.pi * 5 * time), 100) > 0.95
    assert syllabic(1 + np.sin(2 * np.pi * 1.5 * time), 100) < 0.05
    assert syllabic(np.ones(2000), 100) == 0


def test_every_number_has_to_say_so():
    heard = measure(clip(talk()))
    for place, limit in enumerate(LIMITS):
        values = list(heard)
        values[place] = limit * (1.01 if place == 4 else 0.99)
        assert not Speech(*values).alone


def test_level_and_length_do_not_matter():
    loud, quiet = measure(clip(talk())), measure(clip(talk() * 0.01))
    np.testing.assert_allclose(loud, quiet, rtol=1e-3)
    assert measure(clip(np.zeros(SECONDS * RATE))) == SILENT
    assert measure(clip(talk()[:RATE])) == SILENT
    assert not SILENT.alone


def test_a_damaged_number_is_noticed():
    drawn = sketch(Audio(np.stack([talk()] * 2).astype(np.float32), RATE)).to_bytes()
    body = bytearray(zlib.decompress(drawn[8:]))
    good = struct.pack("<f", Sketch.from_bytes(drawn).speech.depth)
    place = body.rindex(good)
    body[place : place + 4] = struct.pack("<f", float("nan"))
    with pytest.raises(ModelError, match="damaged"):
        Sketch.from_bytes(drawn[:8] + zlib.compress(bytes(body)))
