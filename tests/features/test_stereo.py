"""Width and correlation of channels whose relation is known."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import stereo
from chartropy.features.sketch import look
from chartropy.features.spectra import analyse

RATE = 44_100
RNG = np.random.default_rng(0)
A, B = 0.1 * RNG.standard_normal((2, 5 * RATE))


def measure(*channels, rate=RATE):
    spectra = analyse(Audio(np.stack(channels).astype(np.float32), rate))
    seen = look(spectra.sound)
    assert seen is not None
    return stereo.measure(spectra, seen)


def test_equal_channels():
    found = measure(A, A)
    assert found["stereo.width"] == -60
    assert found["stereo.correlation"] == pytest.approx(1)
    assert found["stereo.imbalance"] == pytest.approx(0, abs=1e-6)


def test_opposite_channels():
    found = measure(A, -A)
    assert found["stereo.width"] == pytest.approx(60)
    assert found["stereo.correlation"] == pytest.approx(-1)
    assert found["stereo.correlation.low"] == pytest.approx(-1)


def test_unrelated_channels():
    found = measure(A, B)
    assert found["stereo.width"] == pytest.approx(0, abs=0.1)
    assert found["stereo.correlation"] == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_correlation_that_was_mixed_in(share):
    right = share * A + np.sqrt(1 - share**2) * B
    found = measure(A, right)
    assert found["stereo.correlation"] == pytest.approx(share, abs=0.01)
    # of equally strong channels the side has (1 - r) / 2 of the power, the mid (1 + r) / 2
    assert found["stereo.width"] == pytest.approx(10 * np.log10((1 - share) / (1 + share)), abs=0.1)


def test_correlation_is_that_of_the_waveforms():
    right = 0.6 * A + 0.3 * np.roll(A, 20) + 0.2 * B
    assert measure(A, right)["stereo.correlation"] == pytest.approx(np.corrcoef(A, right)[0, 1], abs=0.01)


def test_imbalance_is_the_same_on_either_side():
    assert measure(A, 0.5 * B)["stereo.imbalance"] == pytest.approx(6.02, abs=0.1)
    assert measure(0.5 * B, A)["stereo.imbalance"] == pytest.approx(6.02, abs=0.1)


def test_bands_are_told_apart():
    spectrum = np.fft.rfft(A)
    low = np.fft.rfftfreq(len(A), 1 / RATE) < 1000
    found = measure(A, np.fft.irfft(np.where(low, spectrum, -spectrum), len(A)))
    assert found["stereo.correlation.low"] == pytest.approx(1, abs=0.01)
    assert found["stereo.correlation.high"] == pytest.approx(-1, abs=0.01)


def test_one_silent_channel():
    found = measure(A, np.zeros_like(A))
    assert found["stereo.imbalance"] == 60
    assert found["stereo.width"] == pytest.approx(0, abs=1e-6)
    assert found["stereo.correlation"] == "one channel is silent"


def test_a_tone_fills_one_band_only():
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(3 * RATE) / RATE)
    found = measure(tone, 0.5 * tone)
    assert found["stereo.correlation.middle"] == pytest.approx(1)
    assert found["stereo.correlation.high"] == "nothing sounds between 2,000 and 6,000 Hz"


def test_mono_and_surround_have_no_width():
    assert set(measure(A).values()) == {"mono file"}
    assert set(measure(A, B, A).values()) == {"3 channels, not 2"}


def test_an_8_khz_file_has_no_high_band():
    found = measure(A[:40_000], B[:40_000], rate=8000)
    assert "holds no sound that high" in found["stereo.width.high"]
    assert found["stereo.width.middle"] == pytest.approx(0, abs=0.3)


def test_coherence_of_independent_equal_and_delayed_channels():
    bands = [f"stereo.coherence.{band}" for band in stereo.BANDS]
    equal, unrelated, delayed = measure(A, 0.3 * A), measure(A, B), measure(A, np.roll(A, 40))
    for band in bands:
        assert equal[band] == pytest.approx(1, abs=1e-6)
        assert unrelated[band] < 0.05  # 128 windows, of which neighbours share samples
        assert delayed[band] > 0.95  # a shift by one four-hundredth of the window
    assert abs(delayed["stereo.correlation"]) < 0.1  # which only coherence sees through


def test_width_over_time():
    steady, moving = measure(A, B), measure(np.r_[A, A], np.r_[A, B])
    assert steady["stereo.width.sd"] < 0.5
    assert moving["stereo.width.p10"] == -60
    assert moving["stereo.width.p90"] == pytest.approx(0, abs=1)
    assert moving["stereo.width.sd"] > 20


@pytest.mark.parametrize("turned", [(1, -1), (-1, 1)])
def test_one_channel_turned_in_polarity(turned):
    plain, other = measure(A, 0.5 * A + 0.2 * B), measure(turned[0] * A, turned[1] * (0.5 * A + 0.2 * B))
    assert other["stereo.correlation"] == pytest.approx(-plain["stereo.correlation"], abs=1e-6)
    assert other["stereo.width"] == pytest.approx(-plain["stereo.width"], abs=1e-4)
    assert other["stereo.coherence.middle"] == pytest.approx(plain["stereo.coherence.middle"], abs=1e-6)
