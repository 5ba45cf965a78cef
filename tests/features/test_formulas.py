"""Our formulas against those of librosa and Essentia, fed with the same spectra, frames and samples."""

import numpy as np
import pytest

from chartropy.audio.decode import Audio
from chartropy.features import rhythm, spectra, timbre, tonality

# numba, which librosa compiles with, crashes when two processes fill its cache at once (numba/numba#10128)
pytestmark = pytest.mark.xdist_group("librosa")

RATE = 44_100
HERTZ = spectra.frequencies()


@pytest.fixture(scope="module")
def power():
    """Noise, tilted noise, tones in noise, and something of each: forty spectra."""
    rng = np.random.default_rng(0)
    noise = rng.exponential(1, (40, len(HERTZ)))
    tilt = (HERTZ / 1000) ** -np.linspace(0, 3, 40)[:, None]
    tones = np.zeros_like(noise)
    for row in range(0, 40, 2):
        tones[row, rng.integers(5, 400, 6)] = rng.uniform(1, 300, 6)
    return (1e-4 * (noise * tilt + tones)).astype(np.float32)


@pytest.fixture(scope="module")
def shape(power):
    return timbre.shape(power)


def each(algorithm, rows):
    return np.array([algorithm(np.ascontiguousarray(row, np.float32)) for row in rows])


def test_moments(standard, power, shape):
    moments, distribution = standard.CentralMoments(range=float(HERTZ[-1] - HERTZ[0])), standard.DistributionShape()
    found = each(lambda row: distribution(moments(row)), np.sqrt(power))
    np.testing.assert_allclose(shape["timbre.spread"], np.sqrt(found[:, 0]), rtol=1e-3)
    np.testing.assert_allclose(shape["timbre.skewness"], found[:, 1], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(shape["timbre.kurtosis"], found[:, 2], rtol=2e-3, atol=2e-3)
    centroid = standard.Centroid(range=float(HERTZ[-1] - HERTZ[0]))
    np.testing.assert_allclose(shape["timbre.centroid"] - HERTZ[0], each(centroid, np.sqrt(power)), rtol=1e-4)


def test_flatness_entropy_crest(standard, power, shape):
    np.testing.assert_allclose(shape["timbre.flatness"], each(standard.Flatness(), power), rtol=1e-3)
    np.testing.assert_allclose(
        shape["timbre.entropy"], each(standard.Entropy(), power) / np.log2(len(HERTZ)), rtol=1e-4
    )
    np.testing.assert_allclose(shape["timbre.crest"], 10 * np.log10(each(standard.Crest(), power)), atol=1e-3)


def test_rolloff_and_high_frequency_content(standard, power, shape):
    # both take whole spectra: nothing below 30 Hz and above 10 kHz
    whole = np.zeros((len(power), 1025), np.float32)
    whole[:, spectra.band_slice()] = np.sqrt(power)
    np.testing.assert_allclose(shape["timbre.rolloff"], each(standard.RollOff(), whole), atol=22)  # a bin
    np.testing.assert_allclose(shape["timbre.hfc"], each(standard.HFC(), whole) / power.sum(axis=1), rtol=2e-3)


def test_flux(standard, power):
    unit = np.sqrt(power) / np.linalg.norm(np.sqrt(power), axis=1, keepdims=True)
    np.testing.assert_allclose(timbre.flux(np.sqrt(power)), each(standard.Flux(), unit)[1:], atol=1e-4)


def test_decrease_is_that_of_the_timbre_toolbox(power, shape):
    # Peeters et al. 2011, equation 9. Essentia's Decrease is the slope of a regression line: another number
    magnitude = np.sqrt(power).astype(np.float64)
    weights = 1 / np.arange(1, magnitude.shape[1])
    expected = ((magnitude[:, 1:] - magnitude[:, :1]) * weights).sum(axis=1) / magnitude[:, 1:].sum(axis=1)
    np.testing.assert_allclose(shape["timbre.decrease"], expected, rtol=1e-3, atol=1e-4)


def test_narrowness_of_the_strongest_peak(standard):
    # Essentia divides the height by the logarithm of the edges' ratio, ours is free of level and of place: both order
    # peaks of one place and height by their width
    middle, ours, theirs = 100, [], []
    for width in (2, 4, 8, 16, 32):
        bump = np.exp(-0.5 * ((np.arange(len(HERTZ)) - middle) / width) ** 2).astype(np.float32)
        ours.append(timbre.shape(bump[None] ** 2)["timbre.strong_peak"][0])
        theirs.append(standard.StrongPeak()(bump))
    assert (np.diff(ours) < 0).all()
    assert (np.diff(theirs) < 0).all()


def test_bark_bands(standard, power):
    power = power[1::2]  # without tones: one on an edge is in two of our bands, in one of Essentia's
    whole = np.zeros((len(power), 1025), np.float32)
    whole[:, spectra.band_slice()] = np.sqrt(power)
    theirs = each(standard.BarkBands(), whole)[:, 4:24]  # those of 200 Hz to 9.5 kHz, as ours from the third on
    ours = (power @ timbre.banks()["bark"])[:, 2:]
    # an edge within a bin is shared by ours: of wide bands that is little
    np.testing.assert_allclose(10 * np.log10(ours[:, 10:]), 10 * np.log10(theirs[:, 10:]), atol=1.5)


def test_what_librosa_says_of_the_same_spectra(power, shape):
    from librosa import feature

    magnitude, hertz = np.sqrt(power).T, HERTZ.astype(np.float64)
    np.testing.assert_allclose(
        shape["timbre.centroid"], feature.spectral_centroid(S=magnitude, freq=hertz)[0], rtol=1e-4
    )
    np.testing.assert_allclose(
        shape["timbre.spread"], feature.spectral_bandwidth(S=magnitude, freq=hertz)[0], rtol=1e-3
    )
    np.testing.assert_allclose(
        shape["timbre.rolloff"], feature.spectral_rolloff(S=power.T, freq=hertz[:, None], roll_percent=0.85)[0], atol=1
    )
    np.testing.assert_allclose(
        shape["timbre.flatness"], feature.spectral_flatness(S=magnitude, amin=1e-20)[0], rtol=1e-3
    )


def test_the_mel_filters_are_librosas():
    import librosa

    theirs = librosa.filters.mel(sr=RATE, n_fft=2048, n_mels=timbre.MELS, fmin=30, fmax=10_000)
    ours = spectra.triangles(spectra.mel_edges(timbre.MELS), 2048)
    np.testing.assert_allclose(ours.T, theirs, atol=1e-6)
    np.testing.assert_allclose(timbre.banks()["mel"].T, theirs[:, spectra.band_slice()], atol=1e-6)
    # nothing of a filter lies outside the band that is read
    assert theirs[:, : spectra.band_slice().start].sum() == 0 == theirs[:, spectra.band_slice().stop :].sum()


def test_cepstra_are_librosas(power):
    import librosa

    mel = power @ timbre.banks()["mel"]
    level = librosa.power_to_db(mel.T, ref=np.max, amin=1e-20, top_db=80)
    np.testing.assert_allclose(
        timbre.cepstrum(mel), librosa.feature.mfcc(S=level, n_mfcc=14)[1:].T, rtol=1e-4, atol=1e-3
    )


def test_contrast_orders_spectra_as_librosas(power, shape):
    import librosa
    from scipy.stats import spearmanr

    whole = np.zeros((1025, len(power)), np.float32)
    whole[spectra.band_slice()] = np.sqrt(power).T
    # its outermost fiftieth instead of fifths, so of the wider bands only the order is the same
    theirs = librosa.feature.spectral_contrast(S=whole, sr=RATE, quantile=0.2)
    for band in range(2, 6):
        assert spearmanr(shape["contrast"][:, band], theirs[band]).statistic > 0.85


def test_pitch_salience(standard):
    rng = np.random.default_rng(1)
    bins = len(spectra.pitch_frequencies())
    rows = rng.exponential(0.05, (20, bins))
    for row in rows[::2]:
        period = rng.uniform(12, 90)
        row[np.arange(period, bins, period).astype(int)] += 3
    whole = np.zeros((20, 2049), np.float32)
    whole[:, spectra.pitch_slice()] = rows
    theirs = each(standard.PitchSalience(lowBoundary=100, highBoundary=2000), whole)
    np.testing.assert_allclose(tonality.pitch_salience(rows.astype(np.float32) ** 2), theirs, atol=0.02)


def test_dissonance_orders_intervals_as_essentias(standard):
    from scipy.stats import spearmanr

    # Both follow Plomp & Levelt. Ours weighs every pair by its share of the whole, Essentia's averages over partials
    def interval(semitones):
        hertz = np.concatenate([261.6 * n * np.array([1, 2 ** (semitones / 12)]) for n in range(1, 7)])
        magnitude = np.repeat(0.8 ** np.arange(6), 2)
        order = np.argsort(hertz)
        return hertz[order].astype(np.float32), magnitude[order].astype(np.float32)

    intervals = [interval(s) for s in range(1, 13)]
    ours = [tonality.dissonance(hz[None], magnitude[None])[0] for hz, magnitude in intervals]
    theirs = [standard.Dissonance()(hz, magnitude) for hz, magnitude in intervals]
    assert spearmanr(ours, theirs).statistic > 0.75
    assert np.argmax(ours) == np.argmax(theirs) == 0  # the semitone
    assert np.argmin(ours) == 11  # the octave


def test_danceability(standard):
    rng = np.random.default_rng(2)
    time = np.arange(20 * RATE) / RATE
    loudness = (1 + np.sign(np.sin(4 * np.pi * time))) * np.exp(0.3 * np.cumsum(rng.standard_normal(len(time))) / 300)
    for sound in (
        rng.standard_normal(len(time)),
        rng.standard_normal(len(time)) * (0.1 + (time % 0.5 < 0.1)),
        rng.standard_normal(len(time)) * loudness / loudness.max(),
    ):
        samples = (sound / np.abs(sound).max()).astype(np.float32)
        ours = rhythm.danceability(spectra.analyse(Audio(samples[None], RATE)))
        assert ours == pytest.approx(standard.Danceability()(samples)[0], rel=0.05)


@pytest.mark.parametrize("cents", [-30, -7, 12, 40])
def test_tuning(cents):
    import librosa

    time = np.arange(4 * RATE) / RATE
    notes = [
        np.sin(2 * np.pi * 440 * 2 ** ((note + cents / 100) / 12) * n * time) / n
        for note in (-9, -5, -2, 3)
        for n in (1, 2, 3)
    ]
    samples = (0.05 * np.sum(notes, axis=0)).astype(np.float32)
    ours = tonality.hear(spectra.analyse(Audio(samples[None], RATE))).cents
    assert ours == pytest.approx(100 * librosa.estimate_tuning(y=samples, sr=RATE, n_fft=8192), abs=5)
    assert ours == pytest.approx(cents, abs=2.5)
