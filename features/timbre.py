"""Timbre: the shape of the spectrum, frame by frame, and how it moves.

Everything reads the shared STFT between 30 Hz and 10 kHz; pauses (frames 60 dB below the loudest) are left out.
:func:`shape` is written for NumPy arrays and torch tensors alike: `chartropy.features.batches` runs it on a GPU.

Band levels are relative to the frame's own power, in dB and not below -80: how the sound is spread, whatever its level.
Cepstra are those of levels floored 80 dB below the loudest band of the clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from . import spectra as shared
from .courses import Course, Descriptor, Measured, summarise
from .spectra import Spectra

MELS = 40
"""Mel bands, triangular, equally spaced on Slaney's scale."""

ERBS = 32
"""Gammatone channels, equally spaced on the ERB-rate scale."""

CEPSTRA = 13
"""Cepstral coefficients kept, from the first; coefficient 0 is level and left out."""

BARK_EDGES = (
    *(30.0, 100.0, 200.0, 300.0, 400.0, 510.0, 630.0, 770.0, 920.0, 1080.0, 1270.0, 1480.0),
    *(1720.0, 2000.0, 2320.0, 2700.0, 3150.0, 3700.0, 4400.0, 5300.0, 6400.0, 7700.0, 9500.0),
)
"""Edges in Hz of the critical bands (Zwicker 1961); the first begins where `BAND` does."""

CONTRAST_EDGES = (30.0, 200.0, 400.0, 800.0, 1600.0, 3200.0, 6400.0, 10_000.0)
"""Edges in Hz of the bands of spectral contrast: octaves, after Jiang et al. 2002."""

ENERGY_BANDS = {
    "low": (30.0, 150.0),
    "middle_low": (150.0, 800.0),
    "middle_high": (800.0, 4000.0),
    "high": (4000.0, 10_000.0),
}
"""Bands in Hz whose share of the power is told, with the edges of MusicExtractor inside `BAND`."""

ROLLOFF = 0.85
"""Share of the power below the rolloff frequency."""

_CONTRAST_SHARE = 0.2  # of a band's bins that make its peak and its valley
_PEAK_FLOOR = 10 ** (-40 / 10)  # spectral peaks this far below the frame's strongest bin are side lobes and noise
_FLOOR_DB = -80.0
_TINY = 1e-20
_DB = 10 / float(np.log(10))  # natural logarithm of a power into dB
_BLOCK = 432  # frames measured at once, ten seconds: few calls, little memory


def measure(spectra: Spectra, values: dict[str, np.ndarray]) -> Measured:
    """Measure the timbre descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.
    values : dict of str to numpy.ndarray, shape (frames,) or (frames, n)
        What :func:`read` gave of it.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    if spectra.narrowness:
        return dict.fromkeys((d.name for d in DESCRIPTORS), spectra.narrowness)
    courses = {name: course for name, course in values.items() if course.ndim == 1}
    courses["timbre.flux"] = np.append(values["flux"], np.float32(np.nan))
    courses["timbre.zcr"] = _zero_crossings(spectra)
    for name in ("bark", "mel", "erb", "contrast", "valley", "mfcc", "gfcc"):
        courses |= {f"timbre.{name}{n:02d}": column for n, column in enumerate(values[name].T, start=1)}
    return summarise(COURSES, courses, spectra.active)


def read(spectra: Spectra) -> dict[str, np.ndarray]:
    """Measure the shape of every frame of a clip, block by block, and how it moves.

    Parameters
    ----------
    spectra : Spectra

    Returns
    -------
    dict of str to numpy.ndarray
        As :func:`shape` and :func:`moving`.
    """
    blocks = [shape(spectra.power[i : i + _BLOCK]) for i in range(0, len(spectra.power), _BLOCK)]
    found = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    found |= moving(found)
    del found["magnitude"]  # as large as all others together, and read by nothing else
    return found


def filled_mels(nyquist: float) -> int:
    """How many mel bands, from below, a file can fill that holds nothing above `nyquist` Hz."""
    return int(np.count_nonzero(shared.mel_edges(MELS)[2:] <= nyquist / 1.05))


def shape(power: Any, xp: Any = np) -> dict[str, Any]:
    """Measure the shape of power spectra, frame by frame.

    Parameters
    ----------
    power : array, shape (..., frames, bins), float32
        Power in the bins of `spectra.frequencies`.
    xp : module
        NumPy, or one that has its functions for other arrays.

    Returns
    -------
    dict of str to array
        Courses by their names, each shape (..., frames); and ``bark``, ``mel``, ``erb``, ``contrast``, ``valley``
        (..., frames, bands) in dB, ``mel_power``, ``erb_power`` (..., frames, bands), ``magnitude`` (..., frames, bins).
    """
    constants = {name: xp.asarray(value) for name, value in _constants().items()}
    hertz = constants["hertz"]
    bins = power.shape[-1]
    power = power + _TINY
    total = power.sum(-1)
    magnitude = xp.sqrt(power)
    level = xp.log(power)
    banks = power @ constants["banks"]
    moments = magnitude @ constants["moments"]
    peak = xp.amax(power, -1)

    weight = moments[..., 0]
    centroid = moments[..., 1] / weight
    away = hertz - centroid[..., None]
    square = away * away
    part = magnitude * square
    second = part.sum(-1) / weight
    third, fourth = (xp.einsum("...b,...b->...", part, factor) / weight for factor in (away, square))
    spread = xp.sqrt(second)

    running = xp.cumsum(power, -1)
    rolloff = hertz[xp.clip(xp.count_nonzero(running < ROLLOFF * total[..., None], -1), 0, bins - 1)]
    inner = power[..., 1:-1]
    is_peak = (inner > power[..., :-2]) & (inner >= power[..., 2:]) & (inner > _PEAK_FLOOR * peak[..., None])
    found = {
        "timbre.centroid": centroid,
        "timbre.spread": spread,
        "timbre.skewness": third / (second * spread),
        "timbre.kurtosis": fourth / (second * second) - 3,
        "timbre.rolloff": rolloff,
        "timbre.flatness": xp.clip(xp.exp(level.mean(-1)) * bins / total, 0, 1),
        "timbre.entropy": xp.clip(
            (xp.log(total) - xp.einsum("...b,...b->...", power, level) / total) / float(np.log(bins)), 0, 1
        ),  # of the shares p = power / total: -sum p log p
        "timbre.crest": xp.log(peak * bins / total) * _DB,
        "timbre.decrease": (moments[..., 2] - magnitude[..., 0] * constants["decrease"]) / (weight - magnitude[..., 0]),
        "timbre.tilt": level @ constants["tilt"],
        "timbre.complexity": xp.count_nonzero(is_peak, -1) * xp.ones_like(total),
        "timbre.hfc": (power @ hertz) / total,
        "timbre.strong_peak": xp.log10(
            bins / (xp.count_nonzero(power > peak[..., None] / 4, -1) * xp.ones_like(total))
        ),
    }
    edges = [0, *(int(e) for e in np.searchsorted(shared.frequencies(), [hi for _, hi in ENERGY_BANDS.values()]))]
    edges[-1] = bins
    for name, (first, last) in zip(ENERGY_BANDS, pairwise(edges), strict=True):
        # not the difference of two running sums: of the little on top, their rounding left one number in fifty wrong
        found[f"timbre.energy.{name}"] = xp.clip(power[..., first:last].sum(-1) / total, 0, 1)
    contrast, valley = _contrast(power, total, constants, xp)
    found |= {"contrast": contrast, "valley": valley, "magnitude": magnitude}
    for name, columns in _BANKS.items():
        bands = banks[..., columns]
        share = bands / bands.sum(-1)[..., None]
        level = xp.log(xp.clip(share, 10 ** (_FLOOR_DB / 10), 1))
        found[name] = level * _DB
        found |= {
            f"timbre.{name}.{what}": course for what, course in _distribution(share, level, constants, xp).items()
        }
    found["mel_power"], found["erb_power"] = banks[..., _BANKS["mel"]], banks[..., _BANKS["erb"]]
    return found


def moving(shapes: dict[str, Any], xp: Any = np) -> dict[str, Any]:
    """Measure what takes more than one frame: flux, and cepstra under the floor of the whole clip.

    Parameters
    ----------
    shapes : dict of str to array
        What :func:`shape` gave of all frames of a clip.
    xp : module
        As there.

    Returns
    -------
    dict of str to array
        ``flux``, shape (..., frames - 1); ``mfcc``, ``gfcc``, shape (..., frames, 13).
    """
    return {
        "flux": flux(shapes["magnitude"], xp),
        "mfcc": cepstrum(shapes["mel_power"], xp),
        "gfcc": cepstrum(shapes["erb_power"], xp),
    }


def flux(magnitude: Any, xp: Any = np) -> Any:
    """Euclidean distance of neighbouring magnitude spectra scaled to length 1.

    Parameters
    ----------
    magnitude : array, shape (..., frames, bins)

    Returns
    -------
    array, shape (..., frames - 1)
        0 to the root of 2.
    """
    length = xp.sqrt(xp.einsum("...b,...b->...", magnitude, magnitude))
    both = xp.einsum("...b,...b->...", magnitude[..., 1:, :], magnitude[..., :-1, :])
    both = both / (length[..., 1:] * length[..., :-1])
    return xp.sqrt(xp.clip(2 - 2 * both, 0, 2))


def cepstrum(power: Any, xp: Any = np) -> Any:
    """Cepstral coefficients 1 to 13 of band powers (Davis & Mermelstein 1980).

    Parameters
    ----------
    power : array, shape (..., frames, bands)

    Returns
    -------
    array, shape (..., frames, 13)
        Orthonormal DCT-II of the levels in dB, floored 80 dB below the highest of the clip.
    """
    highest = xp.amax(power, (-2, -1))[..., None, None]
    level = xp.log(xp.maximum(power, highest * 10 ** (_FLOOR_DB / 10))) * _DB
    return level @ xp.asarray(_dct(power.shape[-1]))


@cache
def banks() -> dict[str, np.ndarray]:
    """Filters of the Bark, mel and ERB bands over the bins of `spectra.frequencies`, each shape (bins, bands).

    Bark bands are rectangular, a bin that straddles an edge is shared; mel filters are triangles; ERB filters are the
    power responses of fourth-order gammatone filters (Patterson et al. 1987), 50 Hz to 9 kHz.
    """
    kept = shared.band_slice()
    hertz = shared.all_frequencies()[kept]
    width = shared.RATE / shared.FRAME
    low, high = hertz[:, None] - width / 2, hertz[:, None] + width / 2
    edges = np.array(BARK_EDGES)
    bark = np.clip((np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1])) / width, 0, 1)
    mel = shared.triangles(shared.mel_edges(MELS), shared.FRAME)[kept]
    lowest, highest = 21.4 * np.log10(1 + 0.00437 * np.array([50.0, 9000.0]))
    rate = np.linspace(lowest, highest, ERBS)
    centres = (10 ** (rate / 21.4) - 1) / 0.00437
    bandwidth = 1.019 * 24.7 * (1 + 0.00437 * centres)
    erb = (1 + ((hertz[:, None] - centres) / bandwidth) ** 2) ** -4.0
    return {name: bank.astype(np.float32) for name, bank in (("bark", bark), ("mel", mel), ("erb", erb))}


_BANKS = {
    "bark": slice(0, len(BARK_EDGES) - 1),
    "mel": slice(len(BARK_EDGES) - 1, len(BARK_EDGES) - 1 + MELS),
    "erb": slice(len(BARK_EDGES) - 1 + MELS, len(BARK_EDGES) - 1 + MELS + ERBS),
}


@cache
def _constants() -> dict[str, np.ndarray]:
    hertz = shared.frequencies()
    place = np.arange(len(hertz))
    falling = np.concatenate([[0], 1 / place[1:]])
    octaves = np.log2(hertz) - np.log2(hertz).mean()
    tilt = 10 / np.log(10) * octaves / np.square(octaves).sum()  # of natural logarithms, into dB per octave
    return {
        "hertz": hertz,
        "banks": np.concatenate(list(banks().values()), axis=1),
        "moments": np.stack([np.ones_like(hertz), hertz, falling], axis=1).astype(np.float32),
        "decrease": falling.sum().astype(np.float32),
        "tilt": tilt.astype(np.float32),
        **{f"ends{first}": _ends(last - first) for first, last in _contrast_bins()},
        **{f"place{count}": _powers_of_place(count) for count in (len(BARK_EDGES) - 1, MELS, ERBS)},
    }


def _ends(count: int) -> np.ndarray:
    """Weights that make of so many sorted bins the mean of the weakest and of the strongest fifth, shape (count, 2)."""
    kept = max(1, round(_CONTRAST_SHARE * count))
    weights = np.zeros((count, 2), np.float32)
    weights[:kept, 0] = weights[-kept:, 1] = 1 / kept
    return weights


def _powers_of_place(count: int) -> np.ndarray:
    """Powers 0 to 4 of each band's distance from the middle one, shape (count, 5)."""
    return (np.arange(count) - (count - 1) / 2)[:, None] ** np.arange(5)


@cache
def _dct(bands: int) -> np.ndarray:
    place = np.arange(bands)[:, None] + 0.5
    basis = np.cos(np.pi / bands * place * np.arange(1, CEPSTRA + 1)) * np.sqrt(2 / bands)
    return basis.astype(np.float32)


def _contrast(power: Any, total: Any, constants: dict[str, Any], xp: Any) -> tuple[Any, Any]:
    """Level of each band's strongest fifth of bins over its weakest fifth; of that over the mean bin; (..., bands)."""
    means = []
    for first, last in _contrast_bins():
        band = xp.sort(power[..., first:last], -1)
        means.append(getattr(band, "values", band) @ constants[f"ends{first}"])  # torch gives the places too
    levels = xp.log(xp.stack(means, -1)) * _DB
    mean = xp.log(total / power.shape[-1]) * _DB
    return levels[..., 1, :] - levels[..., 0, :], levels[..., 0, :] - mean[..., None]


def _contrast_bins() -> list[tuple[int, int]]:
    hertz = shared.frequencies()
    edges = [*(int(e) for e in np.searchsorted(hertz, CONTRAST_EDGES[:-1])), len(hertz)]
    return list(pairwise(edges))


def _distribution(share: Any, level: Any, constants: dict[str, Any], xp: Any) -> dict[str, Any]:
    """Moments, crest and flatness of power shares over the number of the band, each (..., frames)."""
    count = share.shape[-1]
    # about the middle of the bands, in doubles, of shares whose sum is 1: what is left of large powers must be right
    sums = _double(share, xp) @ constants[f"place{count}"]
    first, second, third, fourth = xp.moveaxis(sums[..., 1:] / sums[..., :1], -1, 0)
    central2 = second - first**2
    central3 = third - 3 * first * second + 2 * first**3
    central4 = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
    variance = xp.clip(central2, 0, count**2) + 1 / 12  # a band has a width too
    return {
        "spread": xp.sqrt(variance),
        "skewness": central3 / variance**1.5,
        "kurtosis": central4 / variance**2 - 3,
        "crest": xp.log(xp.amax(share, -1) * count) * _DB,
        "flatness": xp.clip(xp.exp(level.mean(-1)) * count, 0, 1),
    }


def _double(array: Any, xp: Any) -> Any:
    return array.astype(np.float64) if xp is np else array.double()


def _zero_crossings(spectra: Spectra) -> np.ndarray:
    """Sign changes per second in each frame of the STFT."""
    count, hop = len(spectra.power), shared.HOP
    hops = np.empty(count + 1)
    for first in range(0, count + 1, _BLOCK):
        last = min(first + _BLOCK, count + 1)
        positive = spectra.sound.part("mid", first * hop, last * hop) >= 0
        positive = positive.reshape(-1, hop)
        hops[first:last] = np.count_nonzero(positive[:, 1:] != positive[:, :-1], axis=1)
    return (hops[1:] + hops[:-1]) * (shared.RATE / (2 * (hop - 1)))


# -- what is declared --------------------------------------------------------------------------------------------------

_PEETERS = "Peeters et al., The Timbre Toolbox, JASA 130 (2011)"
_ESSENTIA = "after Essentia's MusicExtractor: Bogdanov et al., ISMIR 2013"
_WHERE = "30 Hz to 10 kHz"
_BAND_STATISTICS = ("mean", "sd", "change")


def _shape_courses() -> Iterator[Course]:
    for name, unit, low, high, definition, source, label, label_ru in (
        ("centroid", "Hz", 30, 10_000, f"centre of gravity of the magnitude spectrum, {_WHERE}.", _PEETERS, "Brightness (centroid)", "Яркость (центроид)"),
        ("spread", "Hz", 0, 5000, f"standard deviation of the magnitude spectrum about its centroid, {_WHERE}.", _PEETERS, "Spectral spread", "Ширина спектра"),
        ("skewness", "1", -1e4, 1e4, f"skewness of the magnitude spectrum about its centroid, {_WHERE}: positive where it leans to the bass.", _PEETERS, "Spectral skewness", "Асимметрия спектра"),
        ("kurtosis", "1", -2, 1e8, f"excess kurtosis of the magnitude spectrum about its centroid, {_WHERE}: high for a single peak.", _PEETERS, "Spectral kurtosis", "Эксцесс спектра"),
        ("rolloff", "Hz", 30, 10_000, f"frequency below which {ROLLOFF:.0%} of the power lies, {_WHERE}.", _PEETERS, "Rolloff", "Граница спада спектра"),
        ("flatness", "1", 0, 1, f"geometric over arithmetic mean of the power, {_WHERE}: 0.56 for noise, 0 for tones.", "ISO/IEC 15938-4 (MPEG-7), 2002", "Noisiness (flatness)", "Шумность (плоскость спектра)"),
        ("entropy", "1", 0, 1, f"Shannon entropy of the power as a distribution over bins, {_WHERE}, over its maximum.", "Misra et al., ICASSP 2004", "Spectral entropy", "Энтропия спектра"),
        ("crest", "dB", 0, 30, f"power of the strongest bin over the mean bin, {_WHERE}.", "ISO/IEC 15938-4 (MPEG-7), 2002", "Spectral crest", "Пик-фактор спектра"),
        ("decrease", "1", -500, 500, f"how steeply magnitudes fall from the lowest bin on, the lower ones weighing more, {_WHERE}.", _PEETERS, "Spectral decrease", "Спад спектра"),
        ("tilt", "dB/octave", -100, 100, f"slope of the levels of the bins over the octaves, {_WHERE}.", _PEETERS, "Spectral tilt", "Наклон спектра"),
        ("complexity", "1", 0, 240, f"number of spectral peaks within 40 dB of the strongest bin, {_WHERE}.", "after Laurier et al., Indexing music by mood, 2010", "Number of spectral peaks", "Число спектральных пиков"),
        ("hfc", "Hz", 30, 10_000, f"high-frequency content: centre of gravity of the power, {_WHERE}.", "after Masri & Bateman, ICMC 1996", "High-frequency content", "Содержание высоких частот"),
        ("strong_peak", "1", 0, 3, f"how narrow the strongest peak is: minus log10 of the share of bins within 6 dB of it, {_WHERE}.", "after Gouyon & Herrera, MOSART 2001", "Narrowness of the strongest peak", "Узость главного пика"),
        ("flux", "1", 0, 1.4143, f"Euclidean distance of neighbouring magnitude spectra scaled to length 1, {_WHERE}.", "Tzanetakis & Cook, IEEE Trans. Speech Audio Proc. 10 (2002)", "Spectral flux", "Изменчивость спектра (flux)"),
        ("zcr", "1/s", 0, 44_100, "sign changes of the waveform per second.", "Gouyon et al., DAFx 2000", "Zero crossings", "Переходы через ноль"),
    ):  # fmt: skip
        yield Course(f"timbre.{name}", unit, low, high, definition, source, label, label_ru)
    names_ru = {"low": "низ", "middle_low": "нижняя середина", "middle_high": "верхняя середина", "high": "верх"}
    for name, (low, high) in ENERGY_BANDS.items():
        definition = f"share of the power from {low:.0f} to {high:.0f} Hz, of {_WHERE}."
        label = f"Share of energy, {name.replace('_', ' ')} ({low:.0f}-{high:.0f} Hz)"
        label_ru = f"Доля энергии, {names_ru[name]} ({low:.0f}-{high:.0f} Гц)"
        yield Course(f"timbre.energy.{name}", "1", 0, 1, definition, _ESSENTIA, label, label_ru)


def _distribution_courses() -> Iterator[Course]:
    for bank, count, what, what_ru in (
        ("bark", len(BARK_EDGES) - 1, "Bark bands", "полосы Барк"),
        ("mel", MELS, "mel bands", "мел-полосы"),
        ("erb", ERBS, "ERB channels", "каналы ERB"),
    ):
        for name, unit, low, high, definition, label, label_ru in (
            ("spread", "1", 0, count / 2, f"standard deviation, in bands, of the power over the {count} {what}.", "spread", "ширина"),
            ("skewness", "1", -60, 60, f"skewness of the power over the {count} {what}.", "skewness", "асимметрия"),
            ("kurtosis", "1", -3, 5000, f"excess kurtosis of the power over the {count} {what}.", "kurtosis", "эксцесс"),
            ("crest", "dB", 0, 20, f"power of the strongest of the {count} {what} over the mean band.", "crest", "пик-фактор"),
            ("flatness", "1", 0, 1, f"geometric over arithmetic mean of the powers of the {count} {what}.", "flatness", "плоскость"),
        ):  # fmt: skip
            yield Course(
                f"timbre.{bank}.{name}",
                unit,
                low,
                high,
                definition,
                _ESSENTIA,
                f"{what[0].upper()}{what[1:]}: {label}",
                f"{what_ru[0].upper()}{what_ru[1:]}: {label_ru}",
            )


def _band_courses() -> Iterator[Course]:
    contrast = "Jiang et al., Music type classification by spectral contrast feature, ICME 2002"
    for n, (low, high) in enumerate(pairwise(CONTRAST_EDGES), start=1):
        where, where_ru = f"{low:.0f}-{high:.0f} Hz", f"{low:.0f}-{high:.0f} Гц"
        weakest = f"the weakest fifth of the bins from {low:.0f} to {high:.0f} Hz"
        strongest = f"level of the strongest fifth of the bins from {low:.0f} to {high:.0f} Hz over the weakest fifth."
        yield Course(
            f"timbre.contrast{n:02d}", "dB", 0, 250, strongest, contrast, f"Contrast {where}", f"Контраст {where_ru}"
        )
        yield Course(
            f"timbre.valley{n:02d}",
            "dB",
            -250,
            20,
            f"level of {weakest} over the mean bin, {_WHERE}.",
            contrast,
            f"Valleys {where}",
            f"Провалы спектра {where_ru}",
            _BAND_STATISTICS,
        )
    bark = "Zwicker, JASA 33 (1961)"
    for n, (low, high) in enumerate(pairwise(BARK_EDGES), start=1):
        definition = f"level from {low:.0f} to {high:.0f} Hz over all Bark bands."
        label, label_ru = (
            f"Bark band {n} ({low:.0f}-{high:.0f} Hz)",
            f"Полоса Барк {n} ({low:.0f}-{high:.0f} Гц)",
        )
        yield Course(f"timbre.bark{n:02d}", "dB", _FLOOR_DB, 0, definition, bark, label, label_ru, _BAND_STATISTICS)
    for bank, count, source, what, what_ru in (
        ("mel", MELS, "Slaney, Auditory Toolbox, Interval Research 1998-010", "Mel band", "Мел-полоса"),
        ("erb", ERBS, "Patterson et al., APU report 2341 (1987); Glasberg & Moore 1990", "ERB channel", "Канал ERB"),
    ):
        for n in range(1, count + 1):
            definition = (
                f"level of {what if bank == 'erb' else what.lower()} {n} of {count} over all of them, {_WHERE}."
            )
            yield Course(
                f"timbre.{bank}{n:02d}",
                "dB",
                _FLOOR_DB,
                0,
                definition,
                source,
                f"{what} {n}",
                f"{what_ru} {n}",
                _BAND_STATISTICS,
            )
    for name, count, what, source in (
        ("mfcc", MELS, "mel", "Davis & Mermelstein, IEEE Trans. ASSP 28 (1980)"),
        ("gfcc", ERBS, "gammatone", "Shao & Wang, ICASSP 2008"),
    ):
        for n in range(1, CEPSTRA + 1):
            definition = f"coefficient {n} of the DCT-II of {count} {what} levels in dB, {_WHERE}, floored 80 dB below the highest."
            label, label_ru = f"{name.upper()} {n}", f"{name.upper()} {n} (тембр)"
            yield Course(f"timbre.{name}{n:02d}", "dB", -350, 350, definition, source, label, label_ru)


COURSES: tuple[Course, ...] = (*_shape_courses(), *_distribution_courses(), *_band_courses())
"""Every course of this family."""

DESCRIPTORS: tuple[Descriptor, ...] = tuple(d for course in COURSES for d in course.descriptors())
"""Every descriptor of this family."""
