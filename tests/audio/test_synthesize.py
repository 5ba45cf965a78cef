from dataclasses import fields

import numpy as np
import pytest
from scipy.ndimage import median_filter

from chartropy.audio.decode import decode
from chartropy.audio.synthesize import AVERAGE, DECODER_STRIDES, FORMS, PEAK, draw_plan, synthesize, to_bytes

RATE, SIZE = 44100, 16384


def long_term_decibels(mono):
    frames = np.lib.stride_tricks.sliding_window_view(mono, SIZE)[:: SIZE // 2] * np.hanning(SIZE)
    return 20 * np.log10(np.abs(np.fft.rfft(frames, axis=1)) + 1e-9).mean(axis=0)


def excess_on_a_grid(audio):
    """How far the multiples of the best of the decoders' latent rates stand above their surroundings, in dB."""
    decibels = long_term_decibels(audio.samples.mean(axis=0))
    excess = decibels - median_filter(decibels, 101)
    grids = []
    for hop in {int(np.prod(strides)) for strides in DECODER_STRIDES}:
        k = np.arange(np.ceil(5000 * hop / RATE), 15500 * hop / RATE)
        grids.append(excess[np.round(k * SIZE / hop).astype(int)].mean())
    return max(grids)


def test_a_song_is_stereo_float32_and_peaks_at_minus_one_decibel():
    song = synthesize(1, seconds=12, rate=44100)
    assert song.samples.shape == (2, 12 * 44100)
    assert song.samples.dtype == np.float32
    assert np.abs(song.samples).max() == pytest.approx(PEAK, rel=1e-6)
    assert song.sha256 == ""


@pytest.mark.parametrize(("seconds", "rate"), [(0.05, 44100), (1.0, 8000), (10.0, 48000), (2.5, 22050)])
def test_any_length_and_rate(seconds, rate):
    for machine_made in (False, True):
        song = synthesize(4, seconds=seconds, rate=rate, machine_made=machine_made)
        assert song.samples.shape == (2, round(seconds * rate))
        assert np.isfinite(song.samples).all()


def test_the_seed_decides_everything():
    for machine_made in (False, True):
        once, again = (synthesize(3, seconds=10, machine_made=machine_made).samples for _ in range(2))
        np.testing.assert_array_equal(once, again)
    assert not np.array_equal(synthesize(3, seconds=10).samples, synthesize(4, seconds=10).samples)


def test_songs_differ_in_every_part_of_the_plan():
    plans = [draw_plan(seed) for seed in range(60)]
    for field in fields(AVERAGE):
        assert len({getattr(plan, field.name) for plan in plans}) > 1, field.name
    tempos = [plan.tempo for plan in plans]
    assert 70 <= min(tempos) < 85
    assert 155 < max(tempos) <= 170
    assert {plan.form for plan in plans} == set(FORMS)


def test_the_tempo_of_the_plan_is_the_tempo_of_the_song():
    for seed in (0, 2, 5):
        song, plan = synthesize(seed), draw_plan(seed)
        loudness = np.square(song.samples.mean(axis=0)).reshape(-1, 441).sum(axis=1)  # 10 ms
        onsets = np.maximum(0, np.diff(np.sqrt(loudness)))
        spectrum = np.abs(np.fft.rfft(onsets - onsets.mean(), 1 << 15))
        hertz = np.fft.rfftfreq(1 << 15, 0.01)

        def strength(tempo, spectrum=spectrum, hertz=hertz):
            return float(sum(spectrum[np.abs(hertz - k * tempo / 60).argmin()] for k in (1, 2, 4)))

        candidates = np.arange(70, 171)
        near = [strength(tempo) for tempo in plan.tempo + np.linspace(-0.5, 0.5, 5)]
        assert max(near) > 3 * np.median([strength(tempo) for tempo in candidates])


def test_only_machine_made_songs_have_evenly_spaced_peaks():
    for seed in range(8):
        assert excess_on_a_grid(synthesize(seed)) < 0.7
        assert excess_on_a_grid(synthesize(seed, machine_made=True)) > 1.4


def test_the_trace_leaves_the_music_alone():
    for seed in range(3):
        plain, machine = (synthesize(seed, machine_made=made).samples.astype(float) for made in (False, True))
        assert np.corrcoef(plain.ravel(), machine.ravel())[0, 1] > 0.98
        loudness = 20 * np.log10(machine.std() / plain.std())
        assert abs(loudness) < 1.5


def test_songs_sound_up_to_sixteen_kilohertz():
    decibels = long_term_decibels(synthesize(2).samples.mean(axis=0))
    hertz = np.arange(decibels.size) * RATE / SIZE
    top, middle = (decibels[(hertz > low) & (hertz < low + 1000)].mean() for low in (15000, 2000))
    assert -30 < top - middle < 0


def test_sameness_draws_plans_together():
    def spread(sameness):
        plans = [draw_plan(seed, sameness=sameness) for seed in range(80)]
        numbers = np.array([[p.tempo, p.swing, p.brightness, p.density, p.room] for p in plans])
        agreeing = np.mean([[p.form == AVERAGE.form, p.tonic == AVERAGE.tonic, p.minor] for p in plans])
        return numbers.std(axis=0), agreeing

    (free, few), (half, some), (none, every) = spread(0.0), spread(0.5), spread(1.0)
    np.testing.assert_allclose(half, free / 2, rtol=1e-9)
    assert np.abs(none).max() < 1e-9
    assert few < some < every == 1.0
    assert draw_plan(7, sameness=1.0) == AVERAGE


def test_sameness_draws_sounds_together():
    def spread(sameness):
        spectra = [long_term_decibels(synthesize(seed, seconds=10, sameness=sameness).samples[0]) for seed in range(6)]
        coarse = np.array([spectrum[1:].reshape(64, -1).mean(axis=1) for spectrum in spectra])
        return coarse.std(axis=0).mean()

    assert spread(1.0) < 0.8 * spread(0.0)


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_bytes_decode_to_the_song(container):
    song = synthesize(1, seconds=3)
    data = to_bytes(song, container)
    assert data == to_bytes(song, container)
    back = decode(data)
    assert (back.rate, back.channels) == (song.rate, 2)
    np.testing.assert_allclose(back.samples, song.samples, atol=2**-15)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": -1}, "seed must be 0 or more, not -1"),
        ({"seed": 1, "sameness": 1.5}, "between 0 and 1, not 1.5"),
        ({"seed": 1, "seconds": 0}, "more than 0, not 0"),
        ({"seed": 1, "rate": 4000}, "8000 Hz or more, not 4000"),
    ],
)
def test_what_cannot_be_made_is_said(arguments, words):
    with pytest.raises(ValueError, match=words):
        synthesize(**arguments)
