"""What librosa, Essentia and FFmpeg say about the same audio: the second opinion on our descriptors.

`PAIRS` declares which descriptor has a counterpart there, how the two are compared, and where they differ by design.
Shapes of spectra are compared on the same frames and the same band (2048 samples every 1024, 30 Hz to 10 kHz, pauses
left out): there the formulas must agree. Where the others' own settings are part of what they measure (onsets, tempo,
chords, HPCP), they run with those, and the two are compared by rank.

Essentia has no wheel for some systems; what it would say is left out there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..audio.decode import Audio, decode
from .describe import describe
from .spectra import BAND, FRAME, HOP, PITCH_FRAME, PITCH_HOP, RATE, Sound
from .timbre import BARK_EDGES, ENERGY_BANDS, ERBS, MELS, ROLLOFF
from .tonality import PEAKS, PITCH_CLASSES

if TYPE_CHECKING:
    import pandas as pd

_ACTIVE = 1e-6  # of the loudest frame's power: what lies below is a pause, as in our descriptors
_TINY = 1e-20
_MEL_SHOWN = (5, 15, 25, 35)
_BARK_SHOWN = (3, 8, 13, 18)
_ERB_SHOWN = (8, 16, 24)
_CHROMA_SHOWN = (0, 4, 9)
_GAMMATONE = {"numberBands": ERBS, "lowFrequencyBound": 50, "highFrequencyBound": 9000}
_FLATS = {"A#": "Bb", "D#": "Eb", "G#": "Ab", "Db": "C#", "Gb": "F#"}


@dataclass(frozen=True)
class Pair:
    """A descriptor and its counterpart.

    Attributes
    ----------
    ours : str
        Name in `chartropy.features.registry.DESCRIPTORS`.
    reference : str
        Name in what :func:`references` returns.
    how : {'absolute', 'relative', 'rank'}
        Whether the difference, the difference over the reference, or only the order of clips is compared.
    tolerance : float
        Largest difference that is agreement, in the descriptor's unit or as a share; for ranks the least Spearman
        correlation.
    why : str
        How the definitions differ by design; empty where they are the same.
    """

    ours: str
    reference: str
    how: Literal["absolute", "relative", "rank"]
    tolerance: float
    why: str = ""


# one line each: it is read as a table
# fmt: off
def _declared() -> Iterator[Pair]:
    feature = "librosa.feature"
    yield Pair("timbre.centroid.mean", f"{feature}.spectral_centroid", "relative", 0.01)
    yield Pair("timbre.spread.mean", f"{feature}.spectral_bandwidth", "relative", 0.01)
    yield Pair("timbre.skewness.mean", "essentia.DistributionShape.skewness", "relative", 0.01)
    yield Pair("timbre.kurtosis.mean", "essentia.DistributionShape.kurtosis", "relative", 0.01)
    yield Pair("timbre.rolloff.mean", f"{feature}.spectral_rolloff", "relative", 0.01)
    yield Pair("timbre.flatness.mean", f"{feature}.spectral_flatness", "relative", 0.01)
    yield Pair("timbre.entropy.mean", "essentia.Entropy", "absolute", 0.002)
    yield Pair("timbre.crest.mean", "essentia.Crest", "absolute", 0.05)
    yield Pair("timbre.hfc.mean", "essentia.HFC", "relative", 0.01, "Essentia's is divided by the power: ours is free of level.")
    yield Pair("timbre.flux.mean", "essentia.Flux", "relative", 0.01, "Essentia's is given spectra scaled to length 1: ours is free of level.")
    yield Pair("timbre.zcr.mean", f"{feature}.zero_crossing_rate", "relative", 0.01)
    yield Pair("timbre.complexity.mean", "essentia.SpectralComplexity", "rank", 0.5, "Ours counts peaks within 40 dB of the frame's strongest, Essentia's those above a fixed magnitude.")
    for name, (low, high) in ENERGY_BANDS.items():
        yield Pair(f"timbre.energy.{name}.mean", f"essentia.EnergyBandRatio[{low:.0f}-{high:.0f}]", "absolute", 0.05, "Essentia's share is of the whole spectrum, ours of 30 Hz to 10 kHz; at the edges the two differ by a bin.")
    for n in _MEL_SHOWN:
        yield Pair(f"timbre.mel{n:02d}.mean", f"librosa.filters.mel[{n}]", "absolute", 0.1)
    for n in (1, 2, 3, 5, 8, 13):
        yield Pair(f"timbre.mfcc{n:02d}.mean", f"{feature}.mfcc[{n}]", "absolute", 0.1)
    yield Pair("timbre.mfcc01.sd", f"{feature}.mfcc[1].sd", "relative", 0.01)
    for n in _BARK_SHOWN:
        yield Pair(f"timbre.bark{n:02d}.mean", f"essentia.BarkBands[{n}]", "rank", 0.9, "Essentia gives a bin that straddles an edge to one band, ours to both.")
    for n in _ERB_SHOWN:
        yield Pair(f"timbre.erb{n:02d}.mean", f"essentia.ERBBands[{n}]", "rank", 0.75, "The same filters, but each of Essentia's channels has a gain of its own, so their shares differ.")
    yield Pair("timbre.gfcc01.mean", "essentia.GFCC[1]", "rank", 0.9, "As for the channels; another floor.")
    yield Pair("timbre.bark.crest.mean", "essentia.Crest.bark", "absolute", 0.5, "As for the bands.")
    yield Pair("timbre.bark.flatness.mean", "essentia.Flatness.bark", "rank", 0.95, "As for the bands.")
    for n in range(2, 7):
        yield Pair(f"timbre.contrast{n:02d}.mean", f"{feature}.spectral_contrast[{n}]", "rank", 0.6, "Ours compares the strongest and weakest fifth of the bins, librosa's the outermost fiftieth.")

    yield Pair("rhythm.tempo.bpm", "essentia.RhythmExtractor2013", "relative", 0.04, "Half and double tempo count as disagreement here.")
    yield Pair("rhythm.tempo.bpm", "librosa.beat.beat_track", "relative", 0.04, "Half and double tempo count as disagreement here.")
    yield Pair("rhythm.onset.rate", "essentia.OnsetRate", "rank", 0.7, "Other envelopes and thresholds.")
    yield Pair("rhythm.onset.rate", "librosa.onset.onset_detect", "rank", 0.7, "Other envelopes and thresholds.")
    yield Pair("rhythm.onset_strength.mean", "librosa.onset.onset_strength", "rank", 0.7, "Ours rises within 20 ms over 24 bands, librosa's within 12 ms over 128.")
    yield Pair("rhythm.danceability", "essentia.Danceability", "relative", 0.05)

    yield Pair("tonality.tuning.cents", "librosa.estimate_tuning", "absolute", 5, "Ours is a weighted circular mean, librosa's the fullest bin of a histogram: they agree where the partials do (tonality.tuning.certainty).")
    yield Pair("tonality.key.cos", "essentia.KeyExtractor.cos", "absolute", 0.01, "Other chroma; the same profiles.")
    yield Pair("tonality.key.sin", "essentia.KeyExtractor.sin", "absolute", 0.01, "Other chroma; the same profiles.")
    yield Pair("tonality.key.mode", "essentia.KeyExtractor.mode", "absolute", 0.01, "Other chroma; the same profiles.")
    yield Pair("tonality.key.strength", "essentia.KeyExtractor.strength", "rank", 0.6, "Other chroma; the same profiles.")
    for n in _CHROMA_SHOWN:
        yield Pair(f"tonality.chroma{n:02d}.mean", f"essentia.HPCP[{n}]", "rank", 0.8, "Ours gives a partial's weight to its possible fundamentals too.")
    yield Pair("tonality.chroma_crest.mean", "essentia.Crest.hpcp", "rank", 0.6, "As for the chroma.")
    yield Pair("tonality.chroma_entropy", "librosa.feature.chroma_stft", "rank", 0.6, "As for the chroma.")
    yield Pair("tonality.dissonance.mean", "essentia.Dissonance", "rank", 0.5, "Both after Plomp & Levelt; ours weighs pairs by their share of the whole, so more partials do not make more of it.")
    yield Pair("tonality.pitch_salience.mean", "essentia.PitchSalience", "relative", 0.02, "Ours reads the spectrum from 25 Hz to 5 kHz; Essentia is given the same.")
    yield Pair("tonality.chord.change_rate", "essentia.ChordsDescriptors.changes", "rank", 0.3, "Ours reads twice a second and stays with a chord; Essentia reads every frame.")
    yield Pair("tonality.chord.number", "essentia.ChordsDescriptors.number", "rank", 0.3, "As for the changes.")

    yield Pair("dynamics.loudness.integrated", "ffmpeg.ebur128.I", "absolute", 0.1)
    yield Pair("dynamics.loudness.integrated", "essentia.LoudnessEBUR128.integrated", "absolute", 0.3, "Essentia's is up to 0.3 LU off FFmpeg's on some clips.")
    yield Pair("dynamics.loudness.momentary_max", "ffmpeg.ebur128.M", "absolute", 0.1)
    yield Pair("dynamics.loudness.short_term_max", "ffmpeg.ebur128.S", "absolute", 0.1)
    yield Pair("dynamics.loudness.range", "ffmpeg.ebur128.LRA", "absolute", 0.3, "Ours interpolates percentiles, FFmpeg takes a window's.")
    yield Pair("dynamics.true_peak", "ffmpeg.ebur128.true_peak", "absolute", 0.15, "Ours is oversampled eight times, FFmpeg's four to five times.")
    yield Pair("dynamics.level.median", "librosa.feature.rms", "absolute", 0.5, "Frames of ours are Hann-windowed.")
    yield Pair("dynamics.complexity", "essentia.DynamicComplexity", "rank", 0.7, "Ours deviates from the integrated loudness, Essentia's from a global one of its own.")

# fmt: on


PAIRS: tuple[Pair, ...] = tuple(_declared())
"""Every descriptor that has a counterpart, with it."""


def references(audio: Audio | Path | str) -> dict[str, float]:
    """Ask librosa, Essentia and FFmpeg.

    Parameters
    ----------
    audio : Audio or path

    Returns
    -------
    dict of str to float
        By the name of `Pair.reference`; only what could be measured.

    Raises
    ------
    AudioError
        The file cannot be decoded.
    """
    if not isinstance(audio, Audio):
        audio = decode(audio, rate=RATE)
    sound = Sound.of(audio)
    if sound.length < PITCH_FRAME or sound.peak == 0:
        return {}
    mono = np.ascontiguousarray(sound.part("mid")) * np.float32(sound.scale)
    found = _librosa(mono, sound) | _essentia(mono, sound) | _ffmpeg(sound)
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def check(paths: Iterable[Path | str], jobs: int = 1) -> pd.DataFrame:
    """Compare our descriptors of some files with what the references say.

    Parameters
    ----------
    paths : iterable of path
        Audio files.
    jobs : int
        Processes.

    Returns
    -------
    pandas.DataFrame
        One row per pair, in the order of `PAIRS`: ``ours``, ``reference``, ``ours_value``, ``reference_value`` (medians
        over files), ``how``, ``tolerance``, ``n`` (files for which both have a number), ``difference`` (median of ours
        minus theirs; where `how` is ``relative``, over theirs), ``within`` (share within the tolerance; NaN for ranks),
        ``rho`` (Spearman; NaN below three files), ``why``.

    Raises
    ------
    AudioError
        A file cannot be decoded.
    """
    from joblib import Parallel, delayed

    return compare(Parallel(n_jobs=jobs)(delayed(both)(path) for path in paths))


def both(path: Path | str) -> tuple[dict[str, float], dict[str, float]]:
    """Return what we and what the references say about a file."""
    audio = decode(path, rate=RATE)
    return describe(audio).as_dict(), references(audio)


def compare(measured: Iterable[tuple[Mapping[str, float], Mapping[str, float]]]) -> pd.DataFrame:
    """Compare what :func:`both` returned for some files; the table is that of :func:`check`."""
    import pandas as pd

    measured = list(measured)
    rows = []
    for pair in PAIRS:
        values = np.array([(ours[pair.ours], theirs.get(pair.reference, np.nan)) for ours, theirs in measured])
        ours, theirs = values[~np.isnan(values).any(axis=1)].T if len(values) else np.zeros((2, 0))
        scale = np.abs(theirs) if pair.how == "relative" else np.ones_like(theirs)
        away = ours - theirs
        within = np.nan
        if pair.how != "rank" and len(away):
            within = float(np.mean(np.abs(away) <= pair.tolerance * scale))
        rows.append(
            {
                "ours": pair.ours,
                "reference": pair.reference,
                "ours_value": _median(ours),
                "reference_value": _median(theirs),
                "how": pair.how,
                "tolerance": pair.tolerance,
                "n": len(away),
                "difference": _median(away / np.maximum(scale, 1e-30)),
                "within": within,
                "rho": _spearman(ours, theirs),
                "why": pair.why,
            }
        )
    return pd.DataFrame(rows)


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else np.nan


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    from scipy.stats import rankdata

    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.nan
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def _stft(mono: np.ndarray, frame: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes by librosa, a sine at full scale having 1, shape (bins, frames), and which frames sound."""
    import librosa

    magnitude = np.abs(librosa.stft(mono, n_fft=frame, hop_length=hop, center=False)) * (4 / frame)
    energy = np.square(magnitude).sum(axis=0)
    return magnitude, energy > energy.max() * _ACTIVE


def _librosa(mono: np.ndarray, sound: Sound) -> dict[str, float]:
    import librosa

    feature = librosa.feature
    whole, active = _stft(mono, FRAME, HOP)
    whole = whole[:, active]
    hertz = librosa.fft_frequencies(sr=RATE, n_fft=FRAME)
    inside = (hertz >= BAND[0]) & (hertz <= BAND[1])
    magnitude, hertz = whole[inside], hertz[inside]
    power = np.square(magnitude)
    bank = librosa.filters.mel(sr=RATE, n_fft=FRAME, n_mels=MELS, fmin=BAND[0], fmax=BAND[1])
    mel = bank @ np.square(whole)
    mel_level = 10 * np.log10(np.maximum(mel / mel.sum(axis=0), 1e-8)).mean(axis=1)
    mfcc = feature.mfcc(S=librosa.power_to_db(mel, ref=np.max, amin=_TINY, top_db=80), n_mfcc=14)
    rms = feature.rms(y=mono / sound.scale, frame_length=FRAME, hop_length=HOP, center=False)[0, active]
    crossings = feature.zero_crossing_rate(mono, frame_length=FRAME, hop_length=HOP, center=False)[0, active]
    found = {
        "librosa.feature.spectral_centroid": feature.spectral_centroid(S=magnitude, freq=hertz).mean(),
        "librosa.feature.spectral_bandwidth": feature.spectral_bandwidth(S=magnitude, freq=hertz).mean(),
        "librosa.feature.spectral_rolloff": feature.spectral_rolloff(
            S=power, freq=hertz[:, None], roll_percent=ROLLOFF
        ).mean(),
        "librosa.feature.spectral_flatness": feature.spectral_flatness(S=magnitude, amin=_TINY).mean(),
        "librosa.feature.zero_crossing_rate": crossings.mean() * RATE,
        "librosa.feature.rms": np.median(20 * np.log10(np.maximum(rms, 1e-10))),
        "librosa.feature.mfcc[1].sd": mfcc[1].std(),
    }
    found |= {f"librosa.filters.mel[{n}]": mel_level[n - 1] for n in _MEL_SHOWN}
    found |= {f"librosa.feature.mfcc[{n}]": mfcc[n].mean() for n in range(1, 14)}
    contrast = feature.spectral_contrast(S=whole, sr=RATE).mean(axis=1)
    found |= {f"librosa.feature.spectral_contrast[{n}]": value for n, value in enumerate(contrast, start=1)}
    envelope = librosa.onset.onset_strength(y=mono, sr=RATE)
    onsets = librosa.onset.onset_detect(onset_envelope=envelope, sr=RATE)
    tempo, _ = librosa.beat.beat_track(onset_envelope=envelope, sr=RATE)
    tuning = librosa.estimate_tuning(y=mono, sr=RATE, n_fft=2 * PITCH_FRAME)
    pitched, sounding = _stft(mono, PITCH_FRAME, PITCH_HOP)
    chroma = feature.chroma_stft(S=np.square(pitched[:, sounding]), sr=RATE, tuning=tuning).mean(axis=1)
    share = chroma / chroma.sum()
    return found | {
        "librosa.onset.onset_strength": envelope.mean(),
        "librosa.onset.onset_detect": len(onsets) / (len(mono) / RATE),
        "librosa.beat.beat_track": np.ravel(tempo)[0] or np.nan,
        "librosa.estimate_tuning": tuning * 100,
        "librosa.feature.chroma_stft": -(share * np.log(share + _TINY)).sum() / np.log(12),
    }


def _essentia(mono: np.ndarray, sound: Sound) -> dict[str, float]:
    try:
        import essentia
    except ImportError:
        return {}
    essentia.log.infoActive = essentia.log.warningActive = False  # it talks of models that nobody asked for
    standard: Any = import_module("essentia.standard")  # makes its algorithms when it is imported

    found = _essentia_frames(standard, mono) | _essentia_pitch(standard, mono)
    key, scale, strength = standard.KeyExtractor()(mono)
    tonic = PITCH_CLASSES.index(_FLATS.get(key, key))
    signature = tonic if scale == "major" else tonic + 3
    angle = 2 * np.pi * (7 * signature % 12) / 12
    found |= {
        "essentia.KeyExtractor.cos": np.cos(angle),
        "essentia.KeyExtractor.sin": np.sin(angle),
        "essentia.KeyExtractor.mode": float(scale == "major"),
        "essentia.KeyExtractor.strength": strength,
        "essentia.RhythmExtractor2013": standard.RhythmExtractor2013(method="degara")(mono)[0] or np.nan,
        "essentia.OnsetRate": standard.OnsetRate()(mono)[1],
        "essentia.Danceability": standard.Danceability()(mono)[0],
        "essentia.DynamicComplexity": standard.DynamicComplexity()(mono)[0],
    }
    if len(sound.samples) <= 2:
        # it takes two channels only; a mono file's one is silent in the second
        pair = np.zeros((sound.length, 2), np.float32)
        pair[:, : len(sound.samples)] = sound.samples.T
        found["essentia.LoudnessEBUR128.integrated"] = standard.LoudnessEBUR128()(pair)[2]
    return found


def _essentia_frames(standard: Any, mono: np.ndarray) -> dict[str, float]:
    """Means over frames of what Essentia computes from single spectra."""
    whole, active = _stft(mono, FRAME, HOP)
    hertz = np.arange(len(whole)) * (RATE / FRAME)
    inside = (hertz >= BAND[0]) & (hertz <= BAND[1])
    bins = int(inside.sum())
    moments, shape = standard.CentralMoments(), standard.DistributionShape()
    entropy, crest, flatness = standard.Entropy(), standard.Crest(), standard.Flatness()
    content, complexity, flux = standard.HFC(), standard.SpectralComplexity(), standard.Flux()
    bark, erb, gfcc = standard.BarkBands(), standard.ERBBands(**_GAMMATONE), standard.GFCC(**_GAMMATONE)
    ratios = {
        f"essentia.EnergyBandRatio[{low:.0f}-{high:.0f}]": standard.EnergyBandRatio(
            startFrequency=low, stopFrequency=high
        )
        for low, high in ENERGY_BANDS.values()
    }
    banded = np.where(inside[:, None], whole, 0).astype(np.float32)
    courses: dict[str, list[float]] = {}
    before = False
    for frame, sounding in enumerate(active):
        spectrum, band = np.ascontiguousarray(whole[:, frame]), np.ascontiguousarray(banded[inside, frame])
        change = flux(band / max(float(np.linalg.norm(band)), 1e-12))  # remembers the frame before
        if not sounding:
            before = False
            continue
        power = band * band
        _, skewness, kurtosis = shape(moments(band))
        # it cuts our first two bands in two, and has three more above 9.5 kHz
        energies = bark(spectrum)[: len(BARK_EDGES) + 1]
        bands = np.concatenate([energies[:4].reshape(2, 2).sum(axis=1), energies[4:]]).astype(np.float32)
        level = 10 * np.log10(np.maximum(bands / max(float(bands.sum()), _TINY), 1e-8))
        channels = erb(spectrum)
        erb_level = 10 * np.log10(np.maximum(channels / max(float(channels.sum()), _TINY), 1e-8))
        values = {
            "essentia.DistributionShape.skewness": skewness,
            "essentia.DistributionShape.kurtosis": kurtosis,
            "essentia.Entropy": entropy(power) / np.log2(bins),
            "essentia.Crest": 10 * np.log10(crest(power)),
            "essentia.HFC": content(banded[:, frame]) / power.sum(),
            "essentia.SpectralComplexity": complexity(spectrum),
            "essentia.GFCC[1]": gfcc(spectrum)[1][1],
            "essentia.Crest.bark": 10 * np.log10(crest(bands)),
            "essentia.Flatness.bark": flatness(bands),
            **({"essentia.Flux": change} if before else {}),
            **{name: ratio(spectrum) for name, ratio in ratios.items()},
            **{f"essentia.BarkBands[{n}]": level[n - 1] for n in _BARK_SHOWN},
            **{f"essentia.ERBBands[{n}]": erb_level[n - 1] for n in _ERB_SHOWN},
        }
        for name, value in values.items():
            courses.setdefault(name, []).append(float(value))
        before = True
    return {name: float(np.mean(course)) for name, course in courses.items()}


def _essentia_pitch(standard: Any, mono: np.ndarray) -> dict[str, float]:
    """Means over frames of what Essentia computes from partials, and its chords."""
    whole, active = _stft(mono, PITCH_FRAME, PITCH_HOP)
    hertz = np.arange(len(whole)) * (RATE / PITCH_FRAME)
    whole = np.where(((hertz >= 25) & (hertz <= 5000))[:, None], whole, 0).astype(np.float32)
    partials = standard.SpectralPeaks(minFrequency=40, maxPeaks=60, magnitudeThreshold=1e-5)
    strongest = standard.SpectralPeaks(minFrequency=25, maxPeaks=PEAKS, magnitudeThreshold=1e-5, orderBy="magnitude")
    profile = standard.HPCP(harmonics=3, maxFrequency=3520)
    dissonance, salience, crest = standard.Dissonance(), standard.PitchSalience(highBoundary=2000), standard.Crest()
    rough, salient, profiles = [], [], []
    for spectrum in np.ascontiguousarray(whole[:, active].T):
        salient.append(salience(spectrum))
        profiles.append(profile(*partials(spectrum)))
        hz, magnitude = strongest(spectrum)
        order = np.argsort(hz)
        rough.append(dissonance(hz[order], magnitude[order]))
    if not profiles:
        return {}
    table = np.array(profiles, np.float32)  # from A
    mean = np.roll(table.mean(axis=0), 9)
    chords, _ = standard.ChordsDetection(hopSize=PITCH_HOP)(table)
    sounding = table.sum(axis=1) > 0
    return {
        "essentia.Dissonance": float(np.mean(rough)),
        "essentia.PitchSalience": float(np.mean(salient)),
        "essentia.Crest.hpcp": float(np.mean([crest(row) for row in table[sounding]])) if sounding.any() else np.nan,
        "essentia.ChordsDescriptors.changes": float(np.mean([a != b for a, b in pairwise(chords)])),
        "essentia.ChordsDescriptors.number": float(len(set(chords))),
        **{f"essentia.HPCP[{n}]": float(mean[n]) for n in _CHROMA_SHOWN},
    }


def _ffmpeg(sound: Sound) -> dict[str, float]:
    """Loudness and true peak by FFmpeg's filter ebur128, which comes with PyAV."""
    import av
    import av.filter
    from av.error import BlockingIOError as NothingYet
    from av.error import EOFError as AtEnd

    if len(sound.samples) > 2:
        return {}
    layout, base = ("mono", "stereo")[len(sound.samples) - 1], Fraction(1, RATE)
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout=layout, time_base=base)
    meter, sink = graph.add("ebur128", "metadata=1:peak=true"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.samples), format="fltp", layout=layout)
    whole.sample_rate, whole.pts, whole.time_base = RATE, 0, base
    source.push(whole)
    source.push(None)
    last: dict[str, str] = {}
    highest = {"M": -np.inf, "S": -np.inf}
    while True:
        try:
            frame = sink.pull()
        except (AtEnd, NothingYet):
            break
        said = getattr(frame, "metadata", None) or {}
        for name in highest:
            highest[name] = max(highest[name], float(said.get(f"lavfi.r128.{name}", "-inf")))
        last = said or last
    if not last:
        return {}
    found = {f"ffmpeg.ebur128.{name}": float(last[f"lavfi.r128.{name}"]) for name in ("I", "LRA")}
    if sound.length < 3 * RATE:
        del highest["S"]
    found |= {f"ffmpeg.ebur128.{name}": value for name, value in highest.items()}
    peak = float(last["lavfi.r128.true_peak"])
    return found | {"ffmpeg.ebur128.true_peak": 20 * np.log10(peak) if peak > 0 else np.nan}
