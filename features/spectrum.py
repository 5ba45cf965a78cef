"""Spectrum: the long-term spectrum of the whole clip, and its fine structure.

Levels of third-octaves say how a master is balanced. The fine structure, read at 2.7 Hz per bin from what the sketch keeps, is what
stays when everything smooth has been taken out: hum, pilot tones, and the combs that neural decoders leave (see
`chartropy.analysis.detector`, which reads the same bins one by one).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import sketch as sketches
from .courses import Descriptor, Measured
from .sketch import LongTerm
from .spectra import Spectra

THIRDS = tuple(float(f"{1000 * 10 ** (n / 10):.3g}") for n in range(-13, 13))
"""Middles in Hz of the third-octaves, 50 Hz to 15.8 kHz (IEC 61260-1, base ten)."""

FINE = (2000.0, 15_500.0)
"""Hz between which the fine structure is read: below, music's own partials are as sharp; above, codecs cut."""

PERIODS = (20.0, 1400.0)
"""Hz between the teeth of combs that are looked for."""

_FLOOR_DB = -120.0
_AROUND = 9  # bins (24 Hz) whose median is taken out
_TILT = (100.0, 10_000.0)


def measure(spectra: Spectra, seen: LongTerm) -> Measured:
    """Measure the spectrum descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.
    seen : LongTerm
        The same clip's windows.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    if why := spectra.cancellation:
        return dict.fromkeys((d.name for d in DESCRIPTORS), why)
    return _thirds(spectra, seen) | _fine(spectra, seen)


def residue(levels: np.ndarray) -> np.ndarray:
    """What is as sharp as a few bins: levels minus their median over 24 Hz.

    Parameters
    ----------
    levels : numpy.ndarray, shape (8193,)
        dB, as `Sketch.mid` and `LongTerm.mid_mean` hold them.

    Returns
    -------
    numpy.ndarray, shape (bins,), float32
        dB, from the lower to the upper end of `FINE`.
    """
    from scipy.ndimage import median_filter

    first, last = (round(hz * sketches.N_FFT / sketches.RATE) for hz in FINE)
    read = levels[first - _AROUND : last + _AROUND].astype(np.float32)
    return (read - median_filter(read, _AROUND))[_AROUND:-_AROUND]


def _thirds(spectra: Spectra, seen: LongTerm) -> Measured:
    found: Measured = {}
    power = seen.mid_power
    names = [f"spectrum.third{n:02d}" for n in range(1, len(THIRDS) + 1)]
    width = sketches.RATE / sketches.N_FFT
    running = np.concatenate([[0], np.cumsum(power)])
    bins = np.arange(len(running)) - 0.5  # bin k reaches from k - 1/2 to k + 1/2
    levels = []
    for name, middle in zip(names, THIRDS, strict=True):
        low, high = middle * 10**-0.05, middle * 10**0.05
        share = np.diff(np.interp(np.array([low, high]) / width, bins, running))[0] / running[-1]
        levels.append(10 * np.log10(max(share, 10 ** (_FLOOR_DB / 10))))
        found[name] = spectra.lacks(high) or float(levels[-1])
    octaves = np.log2(THIRDS)
    chosen = (octaves >= np.log2(_TILT[0] * 0.9)) & (octaves <= np.log2(min(_TILT[1] * 1.01, spectra.nyquist / 1.2)))
    line = np.polyfit(octaves[chosen], np.array(levels)[chosen], 1)
    found["spectrum.tilt"] = float(line[0])
    found["spectrum.roughness"] = float(np.std(np.array(levels)[chosen] - np.polyval(line, octaves[chosen])))
    return found


def _fine(spectra: Spectra, seen: LongTerm) -> Measured:
    names = [d.name for d in DESCRIPTORS if d.name.startswith("spectrum.fine")]
    if why := spectra.lacks(FINE[1]):
        return dict.fromkeys(names, why)
    found: Measured = {}
    for place, levels in (("", seen.mid_mean), (".side", seen.side_mean)):
        fine = residue(levels)
        spread = float(np.sqrt(np.mean(np.square(fine))))
        if spread == 0:
            why = "mono: there is no side" if place and not levels.max() > sketches.FLOOR_DB else "no fine structure"
            found |= dict.fromkeys((n for n in names if n.endswith(".side") == bool(place)), why)
            continue
        relative = np.clip(fine / spread, -6, 6)
        height, period = _comb(relative)
        found |= {
            f"spectrum.fine.sd{place}": spread,
            f"spectrum.fine.peaks{place}": float(np.quantile(fine, 0.999)),
            f"spectrum.fine.comb{place}": height,
            f"spectrum.fine.comb_period{place}": period,
        }
    return found


def _comb(relative: np.ndarray) -> tuple[float, float]:
    """Highest autocorrelation over distances in `PERIODS`, and that distance in Hz."""
    from scipy.fft import irfft, next_fast_len, rfft

    width = sketches.RATE / sketches.N_FFT
    first, last = round(PERIODS[0] / width), round(PERIODS[1] / width)
    centred = relative - relative.mean()
    size = next_fast_len(len(centred) + last + 1, real=True)
    spectrum = np.asarray(rfft(centred, size))
    likeness = np.asarray(irfft(np.square(np.real(spectrum)) + np.square(np.imag(spectrum)), size))
    likeness = likeness[: last + 1] / np.maximum(likeness[0], 1e-12) / (1 - np.arange(last + 1) / len(centred))
    best = first + int(likeness[first:].argmax())
    return float(np.clip(likeness[best], -1, 1)), best * width


# -- what is declared --------------------------------------------------------------------------------------------------

_OURS = "Chartropy"
_AFCHAR = "after Afchar et al., A Fourier explanation of AI-music artifacts, ISMIR 2025"


def _declared() -> Iterator[Descriptor]:
    for n, middle in enumerate(THIRDS, start=1):
        definition = f"Power of the third-octave around {middle:.0f} Hz over the whole, over the whole clip."
        yield Descriptor(f"spectrum.third{n:02d}", "dB", _FLOOR_DB, 0.0, definition, "IEC 61260-1 (2014)", f"Third-octave at {middle:.0f} Hz", f"Третьоктавная полоса {middle:.0f} Гц")  # fmt: skip
    for name, unit, low, high, definition, source, label, label_ru in (
        ("tilt", "dB/octave", -60, 60, "Slope of a line through the third-octaves from 100 Hz to 10 kHz.", "after Pestana et al., AES Convention 135 (2013)", "Spectral balance (tilt)", "Спектральный баланс (наклон)"),
        ("roughness", "dB", 0, 60, "Standard deviation of those third-octaves from that line.", _OURS, "Unevenness of the balance", "Неровность баланса"),
    ):  # fmt: skip
        yield Descriptor(f"spectrum.{name}", unit, float(low), float(high), definition, source, label, label_ru)
    for place, where, also, also_ru in (
        ("", "the mid channel", "", ""),
        (".side", "the side channel", ", side", ", боковой канал"),
    ):
        for name, unit, low, high, definition, label, label_ru in (
            ("sd", "dB", 0, 60, f"Root mean square of the fine structure of {where}, 2 to 15.5 kHz.", "Fine structure", "Тонкая структура спектра"),
            ("peaks", "dB", -60, 120, f"99.9th percentile of the fine structure of {where}: how far its peaks stand out.", "Fine peaks", "Тонкие пики спектра"),
            ("comb", "1", -1, 1, f"Highest autocorrelation of the fine structure of {where} over distances of 20 to 1400 Hz: high for evenly spaced peaks.", "Evenly spaced peaks", "Равномерность пиков (гребёнка)"),
            ("comb_period", "Hz", 18, 1403, f"Distance at which that autocorrelation, of {where}, is highest.", "Spacing of peaks", "Шаг пиков"),
        ):  # fmt: skip
            yield Descriptor(f"spectrum.fine.{name}{place}", unit, float(low), float(high), definition, _AFCHAR, label + also, label_ru + also_ru)  # fmt: skip


DESCRIPTORS: tuple[Descriptor, ...] = tuple(_declared())
"""Every descriptor of this family."""
