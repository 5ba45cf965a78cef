"""Traces of recording, mastering and coding that the test leaves itself."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import dynamics, production
from chartropy.features.sketch import look
from chartropy.features.spectra import analyse

RATE = 44_100


def measure(samples, rate=RATE):
    spectra = analyse(Audio(np.atleast_2d(samples).astype(np.float32), rate))
    seen = look(spectra.sound)
    assert seen is not None
    return production.measure(spectra, seen, dynamics.step_power(spectra.sound), dynamics.heights(spectra.sound))


def noise(seconds=10.0, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))


def low_passed(hertz, floor=0.0):
    spectrum = np.fft.rfft(noise())
    spectrum[np.fft.rfftfreq(10 * RATE, 1 / RATE) > hertz] *= floor
    return np.fft.irfft(spectrum)


def sine(hertz=441.0, seconds=5.0, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


@pytest.mark.parametrize("hertz", [11_000, 16_000, 19_000])
def test_the_cutoff_of_an_encoder(hertz):
    found = measure(low_passed(hertz))
    assert found["production.bandwidth"] == pytest.approx(hertz, abs=50)
    assert found["production.cutoff_drop"] > 60


def test_without_a_cutoff_nothing_lies_above():
    found = measure(noise())
    assert found["production.bandwidth"] == pytest.approx(22_050, abs=5)
    assert found["production.cutoff_drop"].startswith("the sound reaches 22,050 Hz")


def test_flat_tops_of_a_clipped_sine():
    # each half-wave is cut once: 882 flat tops a second
    assert measure(np.clip(sine(amplitude=2), -1, 1))["production.flat_tops"] == pytest.approx(882, rel=0.01)
    assert measure(np.clip(sine(amplitude=0.7), -0.5, 0.5))["production.flat_tops"] == pytest.approx(882, rel=0.01)
    assert measure(sine())["production.flat_tops"] == 0
    assert measure(noise())["production.flat_tops"] == 0


def test_samples_at_full_scale_and_near_the_peak():
    found = measure(np.clip(sine(amplitude=2), -1, 1))
    # a sine is beyond half of its amplitude for two thirds of the time
    assert found["production.full_scale"] == pytest.approx(1e6 * 2 / 3, rel=0.01)
    assert found["production.near_peak"] > 100 * 2 / 3
    of_16_bits = np.clip(sine(amplitude=2), -1, 32767 / 32768)
    assert measure(of_16_bits)["production.full_scale"] == found["production.full_scale"]
    found = measure(sine())
    assert found["production.full_scale"] == 0
    # of a sine, the share beyond 1 dB below its peak
    assert found["production.near_peak"] == pytest.approx(100 * 2 / np.pi * np.arccos(10 ** (-1 / 20)), rel=0.01)


def test_an_offset_is_told_relative_to_the_peak():
    assert measure(sine(amplitude=0.4) + 0.1)["production.dc_offset"] == pytest.approx(0.2, abs=0.001)
    assert measure(np.stack([sine(), sine(amplitude=0.4) - 0.1]))["production.dc_offset"] == pytest.approx(
        0.2, abs=0.001
    )
    assert measure(sine())["production.dc_offset"] == pytest.approx(0, abs=1e-4)


def test_the_noise_floor_is_what_is_left_in_pauses():
    on = np.repeat([1.0, 0.0], RATE // 2)
    gated = np.tile(on, 10)[: 10 * RATE]
    for floor in (-40, -60):
        found = measure(noise() * gated + 10 ** (floor / 20) * noise(seed=1))
        # against the mean, to which the pauses add nothing: 3 dB less
        assert found["production.noise_floor"] == pytest.approx(floor + 3, abs=1)
        assert found["production.noise_floor.treble"] == pytest.approx(floor + 3, abs=1)
    assert measure(noise())["production.noise_floor"] > -1.5


def test_density_of_a_steady_and_of_a_swinging_sound():
    swing = np.tile(np.repeat([1.0, 0.1], RATE), 5)
    assert measure(noise())["production.density"] == 1
    assert measure(noise() * swing)["production.density"] == pytest.approx(0.5, abs=0.05)
    assert "density needs 1.3 s" in measure(noise(1.0))["production.density"]


def test_channels_that_cancel_still_have_samples():
    found = measure(np.stack([noise(), -noise()]))
    assert found["production.bandwidth"] == "the channels cancel each other in the mono mix"
    assert isinstance(found["production.near_peak"], float)


def test_an_8_khz_file_has_no_treble_but_a_bandwidth():
    found = measure(noise(5.0)[: 5 * 8000], rate=8000)
    assert found["production.bandwidth"] <= 4100
    assert "holds no sound that high" in found["production.noise_floor.treble"]
    assert isinstance(found["production.noise_floor"], float)
