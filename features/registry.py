"""Every descriptor: its name, unit, range, definition and source.

A name says family, descriptor and, where a course over time was summarised, the statistic. The order of `DESCRIPTORS`
is the order of `Description.values`; it may only change together with `EXTRACTOR_VERSION`, because stored rows are
arrays without names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from .stereo import BANDS, WIDEST_DB
from .timbre import CONTRAST_EDGES, MFCCS
from .tonality import PITCH_CLASSES

EXTRACTOR_VERSION = "1"
"""Changes whenever any number does: rows of different versions are never compared."""

FAMILIES = ("timbre", "rhythm", "tonality", "dynamics", "structure", "stereo")
"""Families, in the order of the registry."""

_PEETERS = "Peeters et al., The Timbre Toolbox, JASA 130 (2011)"
_BS1770 = "ITU-R BS.1770-4 (2015)"
_FOOTE = "Foote, Automatic audio segmentation using a measure of audio novelty, ICME 2000"
_KRUMHANSL = "Krumhansl & Kessler, Psychological Review 89 (1982); Krumhansl 1990"
_GOMEZ = "after Gomez, Tonal description of polyphonic audio, INFORMS J. Computing 18 (2006)"
_TEMPO = "autocorrelation with a log-normal preference: Ellis, J. New Music Research 36 (2007)"
_OURS = "Chartropy"


@dataclass(frozen=True)
class Descriptor:
    """A named number computed from audio.

    Attributes
    ----------
    name : str
        ``family.descriptor`` or ``family.descriptor.statistic``.
    family : str
        One of `FAMILIES`.
    unit : str
        ``"1"`` for numbers without a dimension.
    low, high : float
        Ends of the range that every value lies in.
    definition : str
        What is measured, in one sentence.
    source : str
        Paper or standard; ``Chartropy`` where it is defined here.
    label : str
        A few words for tables and axes.
    """

    name: str
    family: str
    unit: str
    low: float
    high: float
    definition: str
    source: str
    label: str


def _timbre() -> Iterator[Descriptor]:
    def courses(
        name: str, unit: str, low: float, high: float, definition: str, source: str, label: str
    ) -> Iterator[Descriptor]:
        half = (high - low) / 2  # no set of numbers in a range can have a larger standard deviation
        yield Descriptor(f"{name}.mean", "timbre", unit, low, high, f"Mean over frames: {definition}", source, label)
        yield Descriptor(
            f"{name}.sd",
            "timbre",
            unit,
            0.0,
            half,
            f"Standard deviation over frames: {definition}",
            source,
            f"{label}, variation",
        )

    band = "30 Hz to 10 kHz"
    for name, unit, low, high, definition, source, label in (
        ("centroid", "Hz", 30, 10_000, f"centre of gravity of the magnitude spectrum, {band}.", _PEETERS, "Centroid"),
        ("spread", "Hz", 0, 5000, f"standard deviation of the magnitude spectrum about its centroid, {band}.", _PEETERS, "Spread"),
        ("rolloff", "Hz", 30, 10_000, f"frequency below which 85 % of the power lies, {band}.", _PEETERS, "Rolloff"),
        ("flatness", "1", 0, 1, f"geometric over arithmetic mean of the power, {band}: 0.56 for noise, 0 for tones.", "ISO/IEC 15938-4 (MPEG-7), 2002", "Flatness"),
        ("entropy", "1", 0, 1, f"Shannon entropy of the power as a distribution over bins, {band}, over its maximum.", "Misra et al., ICASSP 2004", "Spectral entropy"),
        ("flux", "1", 0, 1.4143, f"Euclidean distance of neighbouring magnitude spectra scaled to length 1, {band}.", "Tzanetakis & Cook, IEEE Trans. Speech Audio Proc. 10 (2002)", "Flux"),
        ("zcr", "1/s", 0, 44_100, "sign changes of the waveform per second.", "Gouyon et al., DAFx 2000", "Zero crossings"),
    ):  # fmt: skip
        yield from courses(f"timbre.{name}", unit, low, high, definition, source, label)
    for number, (low, high) in enumerate(pairwise(CONTRAST_EDGES), start=1):
        yield from courses(
            f"timbre.contrast{number:02d}",
            "dB",
            0,
            250,
            f"level of the strongest fifth of the bins from {low:.0f} to {high:.0f} Hz over that of the weakest fifth.",
            "Jiang et al., Music type classification by spectral contrast feature, ICME 2002",
            f"Contrast {low:.0f}-{high:.0f} Hz",
        )
    mfcc_source = "Davis & Mermelstein, IEEE Trans. ASSP 28 (1980)"
    for number in range(1, MFCCS + 1):
        definition = (
            f"coefficient {number} of the DCT-II of 40 mel levels in dB, {band}, floored 80 dB below the highest."
        )
        yield from courses(f"timbre.mfcc{number:02d}", "dB", -300, 300, definition, mfcc_source, f"MFCC {number}")
        yield Descriptor(
            f"timbre.mfcc{number:02d}.delta_sd",
            "timbre",
            "dB/s",
            0.0,
            8000.0,
            f"Standard deviation over frames of the regression slope, over five frames, of {definition}",
            "Furui, IEEE Trans. ASSP 34 (1986)",
            f"MFCC {number}, speed of change",
        )
    yield Descriptor(
        "timbre.bandwidth",
        "timbre",
        "Hz",
        0.0,
        22_050.0,
        "Highest frequency at which the long-term power spectrum is within 80 dB of its strongest bin; tells of the "
        "file's codec and production more than of the music.",
        _OURS,
        "Bandwidth",
    )


def _rhythm() -> Iterator[Descriptor]:
    for name, unit, low, high, definition, source, label in (
        ("onset.rate", "1/s", 0, 22, "Onsets per second: peaks of the onset envelope over 1 dB above its mean within a second.", _OURS, "Onsets"),
        ("onset_strength.mean", "dB", 0, 80, "Mean over frames of the onset envelope: the mean rise of the mel levels from frame to frame.", "after Klapuri, ICASSP 1999", "Onset strength"),
        ("onset_strength.sd", "dB", 0, 40, "Standard deviation over frames of the onset envelope.", "after Klapuri, ICASSP 1999", "Onset strength, variation"),
        ("onset_interval.median", "s", 0, 1200, "Median time between neighbouring onsets.", _OURS, "Time between onsets"),
        ("onset_interval.cv", "1", 0, 100, "Standard deviation over mean of the times between onsets: 0 for a metronome, 1 for random onsets.", _OURS, "Irregularity of onsets"),
        ("tempo.bpm", "BPM", 39, 261, "Beats per minute: the period at which the onset envelope resembles itself most, preferring 120 BPM over half and double.", _TEMPO, "Tempo"),
        ("tempo.confidence", "1", 0, 1, "How far the second-best period falls short of the best, as a share of the best.", _OURS, "Tempo confidence"),
        ("tempo.sd", "%", 0, 15, "Standard deviation of the beat period over windows of 8 s, in percent of the whole clip's.", _OURS, "Tempo drift"),
        ("pulse_clarity", "1", -1, 1, "Highest autocorrelation of the onset envelope at any period from 40 to 240 BPM.", "Lartillot et al., Multi-feature modeling of pulse clarity, ISMIR 2008", "Pulse clarity"),
        ("subdivision", "1", -1, 1, "Autocorrelation of the onset envelope at half the beat period: high where off-beats sound like beats.", _OURS, "Subdivision"),
        ("danceability", "1", 0, 10, "How freely loudness wanders over times of .3 to 10 s (detrended fluctuation analysis); high for a steady beat, usually 0 to 3. Absent where Essentia is.", "Streich & Herrera, Detrended fluctuation analysis of music signals, AES 118 (2005)", "Danceability"),
    ):  # fmt: skip
        yield Descriptor(f"rhythm.{name}", "rhythm", unit, float(low), float(high), definition, source, label)


def _tonality() -> Iterator[Descriptor]:
    for name, unit, low, high, definition, source, label in (
        ("tuning.cents", "cents", -50, 50, "Deviation of the partials from equal temperament at A4 = 440 Hz (circular mean).", _OURS, "Tuning"),
        ("tuning_certainty", "1", 0, 1, "How much the partials agree on a tuning: length of the circular mean.", _OURS, "Tuning certainty"),
        ("key_cos", "1", -1, 1, "Cosine of the key signature's place on the circle of fifths, C major and A minor at 1.", _KRUMHANSL, "Key (cosine)"),
        ("key_sin", "1", -1, 1, "Sine of the key signature's place on the circle of fifths, Eb major at -1, A major at 1.", _KRUMHANSL, "Key (sine)"),
        ("mode", "1", 0, 1, "1 where the best-fitting key is major, 0 where it is minor.", _KRUMHANSL, "Major"),
        ("key_strength", "1", -1, 1, "Correlation of the mean chroma with the profile of the best-fitting key.", _KRUMHANSL, "Key strength"),
        ("majorness", "1", -2, 2, "Correlation with the best major key minus that with the best minor key.", "Lartillot & Toiviainen, MIRtoolbox, ISMIR 2007", "Majorness"),
        ("chroma_entropy", "1", 0, 1, "Shannon entropy of the mean chroma over its maximum: 1 where all pitch classes are equally present.", _OURS, "Chroma entropy"),
        ("chroma_change.mean", "1", 0, 1, "Mean cosine distance between the chroma of neighbouring half-seconds.", "after Harte et al., ACM AMCMM 2006", "Harmonic change"),
    ):  # fmt: skip
        yield Descriptor(f"tonality.{name}", "tonality", unit, float(low), float(high), definition, source, label)
    for number, pitch_class in enumerate(PITCH_CLASSES):
        definition = f"Mean over frames: share of pitch class {pitch_class} among the partials from 100 Hz to 3.5 kHz."
        label = f"Share of {pitch_class}"
        yield Descriptor(f"tonality.chroma{number:02d}.mean", "tonality", "1", 0.0, 1.0, definition, _GOMEZ, label)


def _dynamics() -> Iterator[Descriptor]:
    for name, unit, low, high, definition, source, label in (
        ("loudness.integrated", "LUFS", -70, 20, "Loudness of the whole clip, gated.", _BS1770, "Loudness"),
        ("loudness.momentary_max", "LUFS", -70, 20, "Highest loudness of any 400 ms.", "EBU Tech 3341 (2016)", "Highest loudness"),
        ("loudness.range", "LU", 0, 90, "10th to 95th percentile of the loudness of gated 3 s windows; the standard finds it unsafe below a minute.", "EBU Tech 3342 (2016)", "Loudness range"),
        ("peak", "dBFS", -80, 20, "Highest sample; above 0 where a decoder overshoots.", _OURS, "Peak"),
        ("rms", "dBFS", -160, 20, "Root mean square over all channels; a sine at full scale has -3.", _OURS, "RMS level"),
        ("crest", "dB", 0, 100, "Peak over root mean square.", _OURS, "Crest factor"),
        ("peak_to_loudness", "dB", -20, 100, "Peak over integrated loudness.", _OURS, "Peak to loudness"),
        ("complexity", "LU", 0, 40, "Mean absolute deviation of the momentary loudness from the integrated, pauses left out.", "after Streich, Music complexity, UPF 2006", "Dynamic complexity"),
        ("low_energy_rate", "1", 0, 1, "Share of frames whose root mean square is below half the mean of all frames'.", "after Scheirer & Slaney, ICASSP 1997", "Low-energy rate"),
    ):  # fmt: skip
        yield Descriptor(f"dynamics.{name}", "dynamics", unit, float(low), float(high), definition, source, label)


def _structure() -> Iterator[Descriptor]:
    for name, unit, low, high, definition, source, label in (
        ("repetition", "1", -1, 1, "Highest peak, over distances from 2 s to two thirds of the clip, of the mean likeness of half-seconds that far apart.", "after Foote, ACM Multimedia 1999", "Repetition"),
        ("repetition.lag", "s", 2, 800, "Distance at which that peak lies.", _OURS, "Distance of repetition"),
        ("return_of_opening", "1", -1, 1, "Mean likeness of the first 4 s to the later 4 s that resemble them most.", _OURS, "Return of the opening"),
        ("change.mean", "1", 0, 2, "Mean of one minus the likeness of neighbouring half-seconds.", _OURS, "Change"),
        ("novelty.mean", "1", -1, 1, "Mean of the novelty curve, 4 s on either side.", _FOOTE, "Structural novelty"),
        ("novelty.sd", "1", 0, 1, "Standard deviation of the novelty curve.", _FOOTE, "Structural novelty, variation"),
        ("novelty.max", "1", -1, 1, "Highest value of the novelty curve.", _FOOTE, "Strongest boundary"),
        ("sections", "1", 1, 600, "One plus the peaks of the novelty curve above 0.25.", _FOOTE, "Sections"),
    ):  # fmt: skip
        yield Descriptor(f"structure.{name}", "structure", unit, float(low), float(high), definition, source, label)


def _stereo() -> Iterator[Descriptor]:
    limits = -WIDEST_DB, WIDEST_DB
    for name, unit, low, high, definition, label in (
        ("width", "dB", *limits, "Power of the side channel over that of the mid channel.", "Stereo width"),
        ("width.sd", "dB", 0, WIDEST_DB, "Standard deviation over frames of the width.", "Stereo width, variation"),
        ("correlation", "1", -1, 1, "Correlation of left and right at lag 0.", "Channel correlation"),
        ("imbalance", "dB", 0, WIDEST_DB, "Power of the stronger channel over the weaker.", "Imbalance"),
    ):
        yield Descriptor(f"stereo.{name}", "stereo", unit, float(low), float(high), definition, _OURS, label)
    for band, (low, high) in BANDS.items():
        where = f"from {low:.0f} to {high:.0f} Hz"
        for name, unit, (least, most), what in (
            ("width", "dB", limits, "Power of the side channel over that of the mid channel"),
            ("correlation", "1", (-1.0, 1.0), "Correlation of left and right at lag 0"),
        ):
            label = f"{'Stereo width' if name == 'width' else 'Channel correlation'}, {band} band"
            yield Descriptor(f"stereo.{name}.{band}", "stereo", unit, least, most, f"{what}, {where}.", _OURS, label)


DESCRIPTORS: Mapping[str, Descriptor] = MappingProxyType(
    {d.name: d for family in (_timbre, _rhythm, _tonality, _dynamics, _structure, _stereo) for d in family()}
)
"""Every descriptor by name, in the order of `Description.values`."""
