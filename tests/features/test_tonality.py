"""Tuning, chroma and key of chords that the test plays itself, and the keys of real clips beside Essentia's."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio, decode
from chartropy.features import tonality
from chartropy.features.spectra import analyse
from chartropy.features.tonality import CHORDS, PITCH_CLASSES, PROFILES, find_key, hear, key_name, name_chords

RATE = 44_100


def measure(samples, rate=RATE):
    spectra = analyse(Audio(samples.astype(np.float32)[None], rate))
    return tonality.measure(spectra, tonality.hear(spectra))


def chord(*midi, seconds=1.0, a4=440.0, rate=RATE):
    time = np.arange(int(seconds * rate)) / rate
    partials = [
        np.sin(2 * np.pi * a4 * 2 ** ((note - 69) / 12) * n * time) / n**1.5 for note in midi for n in range(1, 5)
    ]
    return 0.1 * np.sum(partials, axis=0) * np.exp(-time)


def cadence(up=0, minor=False, **options):
    third = 3 if minor else 4
    tonic, fourth, fifth = (60, 60 + third, 67), (65, 65 + third, 72), (67, 71, 74)
    return np.concatenate([chord(*(n + up for n in notes), **options) for notes in (tonic, fourth, fifth, tonic)])


def key(found):
    return key_name(found["tonality.key.cos"], found["tonality.key.sin"], found["tonality.key.mode"])


@pytest.mark.parametrize("up", range(12))
def test_major_cadences(up):
    found = measure(cadence(up))
    assert key(found) == f"{PITCH_CLASSES[up]} major"
    assert found["tonality.key.strength"] > 0.7
    assert found["tonality.key.majorness"] > 0


@pytest.mark.parametrize("up", [0, 5, 9])
def test_minor_cadences(up):
    found = measure(cadence(up, minor=True))
    assert key(found) == f"{PITCH_CLASSES[up]} minor"
    assert found["tonality.key.majorness"] < 0


def test_neighbours_on_the_circle_of_fifths_are_close():
    def place(up, minor=False):
        found = measure(cadence(up, minor))
        return np.array([found["tonality.key.cos"], found["tonality.key.sin"]])

    assert place(0) == pytest.approx([1, 0], abs=1e-6)
    assert place(9, minor=True) == pytest.approx(place(0), abs=1e-6)  # A minor, the relative of C major
    assert place(7) == pytest.approx([np.sqrt(3) / 2, 0.5], abs=1e-6)  # G major, one fifth up
    assert place(6) == pytest.approx([-1, 0], abs=1e-6)  # F sharp major, opposite


@pytest.mark.parametrize("cents", [-40, -15, 0, 20, 45])
def test_tuning_and_a_key_that_does_not_depend_on_it(cents):
    found = measure(cadence(a4=440 * 2 ** (cents / 1200)))
    assert found["tonality.tuning.cents"] == pytest.approx(cents, abs=2.5)
    assert found["tonality.tuning.certainty"] > 0.9
    assert key(found) == "C major"


def test_chroma_of_one_tone():
    tone = np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    found = measure(tone)
    assert found["tonality.chroma09.mean"] > 0.99
    assert found["tonality.chroma02.mean"] == pytest.approx(
        0.36 / (1 + 0.6 + 0.216), abs=0.01
    )  # the third harmonic of D?
    assert found["tonality.chroma05.mean"] == 0 == found["tonality.chroma08.mean"]
    assert found["tonality.chroma_entropy"] < 0.3
    assert found["tonality.tuning.cents"] == pytest.approx(0, abs=0.5)
    assert found["tonality.chroma_change.mean"] < 0.01


def test_the_strongest_pitch_class_weighs_one():
    found = measure(cadence())
    chroma = [found[f"tonality.chroma{number:02d}.mean"] for number in range(12)]
    assert 0.5 < max(chroma) <= 1
    assert sum(found[f"tonality.degree{number:02d}"] for number in range(12)) == pytest.approx(1)
    assert set(np.argsort(chroma)[-2:]) == {0, 7}  # C and G sound in three chords of four


def test_harmony_that_moves_changes_chroma():
    still, moving = measure(np.tile(chord(60, 64, 67), 4)), measure(cadence())
    assert moving["tonality.chroma_change.mean"] > 5 * still["tonality.chroma_change.mean"]


def test_an_8_khz_file_keeps_its_key():
    assert key(measure(cadence(up=2, rate=8000), 8000)) == "D major"


@pytest.mark.parametrize("seconds", [1, 30])
def test_noise_has_no_key(seconds):
    found = measure(0.1 * np.random.default_rng(5).standard_normal(seconds * RATE))
    assert "no pitch stands out" in found["tonality.key.cos"]
    assert "no pitch stands out" in found["tonality.tuning.cents"]
    assert found["tonality.chroma_entropy"] > 0.98


def organ(*midi, seconds=1.0, partials=6):
    time = np.arange(int(seconds * RATE)) / RATE
    return 0.05 * sum(
        np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * n * time) / n for note in midi for n in range(1, partials)
    )


C, F, G = (48, 60, 64, 67), (53, 60, 65, 69), (55, 59, 62, 67)


def chords(samples):
    return [CHORDS[i] for i in name_chords(hear(analyse(Audio(samples.astype(np.float32)[None], RATE))).chroma)[0]]


def test_chords_of_a_cadence_are_named():
    named = chords(np.concatenate([organ(*c, seconds=2.0) for c in (C, F, G, C)]))
    assert [chord for i, chord in enumerate(named) if i == 0 or named[i - 1] != chord] == ["C", "F", "G", "C"]


def test_minor_chords_are_told_from_major():
    assert set(chords(organ(57, 60, 64, seconds=4.0))) == {"Am"}
    assert set(chords(organ(57, 61, 64, seconds=4.0))) == {"A"}


def test_chord_statistics_of_a_cadence():
    found = measure(np.concatenate([organ(*c, seconds=2.0) for c in (C, F, G, C)]))
    assert key(found) == "C major"
    assert found["tonality.chord.number"] == 3
    assert found["tonality.chord.major"] == 1
    assert found["tonality.chord.change_rate"] == pytest.approx(3 / 8, abs=0.1)
    assert found["tonality.chord.strength"] > 0.8
    shares = {n: found[f"tonality.chords.degree{n:02d}"] for n in range(24)}
    assert sum(shares.values()) == pytest.approx(1)
    assert {n for n, share in shares.items() if share} == {0, 5, 7}
    assert shares[0] == pytest.approx(0.5, abs=0.1)
    assert found["tonality.chord.entropy"] == pytest.approx(1.5, abs=0.1)  # bits of (1/2, 1/4, 1/4)
    assert found["tonality.diatonic"] > 0.9


def test_the_same_chords_in_another_key_have_the_same_degrees():
    up = [np.array(c) + 3 for c in (C, F, G, C)]
    plain, other = (measure(np.concatenate([organ(*c, seconds=2.0) for c in song])) for song in ((C, F, G, C), up))
    for n in range(12):
        assert other[f"tonality.degree{n:02d}"] == pytest.approx(plain[f"tonality.degree{n:02d}"], abs=0.02)
        assert other[f"tonality.chords.degree{n:02d}"] == pytest.approx(
            plain[f"tonality.chords.degree{n:02d}"], abs=0.07
        )


def test_too_short_for_chords():
    found = measure(organ(*C, seconds=1.6))
    assert "readings of a chord: four are needed" in found["tonality.chord.number"]
    assert key(found) == "C major"


def test_both_profiles_name_the_key():
    found = measure(cadence(up=4))
    assert key_name(*(found[f"tonality.key_krumhansl.{part}"] for part in ("cos", "sin", "mode"))) == "E major"


def test_find_key_of_the_profiles_themselves():
    for profile, (major, minor) in PROFILES.items():
        for tonic in range(12):
            assert find_key(np.roll(major, tonic), profile)[:3] == (tonic, "major", pytest.approx(1))
            assert find_key(np.roll(minor, tonic), profile)[:3] == (tonic, "minor", pytest.approx(1))


def test_dissonance_orders_intervals():
    octave, fifth, semitone = (
        measure(organ(60, 60 + interval, seconds=2.0))["tonality.dissonance.mean"] for interval in (12, 7, 1)
    )
    assert octave < fifth < semitone
    assert measure(organ(60, partials=2, seconds=2.0))["tonality.dissonance.mean"] == pytest.approx(0, abs=1e-3)


def test_inharmonicity_of_harmonic_and_of_stretched_partials():
    time = np.arange(2 * RATE) / RATE
    harmonic = sum(0.1 * np.sin(2 * np.pi * 220 * n * time) / n for n in range(1, 9))
    stretched = sum(0.1 * np.sin(2 * np.pi * 220 * n * np.sqrt(1 + 0.01 * n**2) * time) / n for n in range(1, 9))
    assert measure(harmonic)["tonality.inharmonicity.mean"] < 0.01
    assert measure(stretched)["tonality.inharmonicity.mean"] > 0.05
    assert measure(organ(60, 61, seconds=2.0))["tonality.inharmonicity.mean"] > 0.1


def test_pitch_stands_out_in_a_harmonic_tone_and_not_in_noise():
    tone = sum(0.05 * np.sin(2 * np.pi * 220 * n * np.arange(2 * RATE) / RATE) for n in range(1, 20))
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    assert measure(tone)["tonality.pitch_salience.mean"] > 0.85
    assert measure(tone)["tonality.pitch_salience.mean"] > measure(noise)["tonality.pitch_salience.mean"] + 0.1


@pytest.mark.slow
def test_key_is_essentias_where_it_is_confident(corpus, standard):
    # KeyExtractor; MusicExtractor's own tonal.key_* agrees with it on two clips of five: its tuning is erratic.
    # Ours was tuned on every third clip: the others count
    same = []
    for clip in [clip for place, clip in enumerate(corpus) if place % 3]:
        spectra = analyse(decode(clip, rate=RATE))
        name, scale, strength = standard.KeyExtractor()(np.ascontiguousarray(spectra.sound.part("mid")))
        harmony = tonality.hear(spectra)
        if strength < 0.85 or harmony.pitchlessness:
            continue
        tonic, mode, *_ = tonality.find_key(harmony.chroma[harmony.chroma.sum(axis=1) > 0].mean(axis=0))
        flat = {"A#": "Bb", "D#": "Eb", "G#": "Ab"}
        same.append((tonality.PITCH_CLASSES[tonic], mode) == (flat.get(name, name), scale))
    assert len(same) > 100
    assert np.mean(same) >= 0.9
