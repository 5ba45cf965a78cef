"""Stereo: how wide, and how alike the channels are, over the whole spectrum and in five bands.

Width is the power of the side channel, (left - right) / 2, over that of the mid channel, in dB and limited to ±60: two
equal channels have -60. Correlation is that of the channels at lag 0; coherence is the share of their power that is
linearly related whatever its phase. All are read from the mid, side and cross spectra of the
sketch's windows; nothing changes when the
channels are swapped.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .courses import Course, Descriptor, Measured, summarise
from .sketch import LongTerm, frequencies
from .spectra import BAND, Spectra

BANDS = {
    "bass": (BAND[0], 120.0),
    "low": (120.0, 500.0),
    "middle": (500.0, 2000.0),
    "high": (2000.0, 6000.0),
    "air": (6000.0, BAND[1]),
}
"""Bands in Hz, by name."""

WIDEST_DB = 60.0
"""Ratios in dB are limited to plus and minus this: further out, only rounding differs."""

_EMPTY = 1e-8  # a band with this share of the power, or less, holds rounding and dither


def measure(spectra: Spectra, seen: LongTerm) -> Measured:
    """Measure the stereo descriptors.

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
    channels = spectra.audio.channels
    if channels != 2:
        return dict.fromkeys(
            (d.name for d in DESCRIPTORS), "mono file" if channels == 1 else f"{channels} channels, not 2"
        )
    mid, side, cross = seen.mid_power, seen.side_power, seen.cross
    whole = mid.sum() + side.sum()
    windows = seen.mid_energy + seen.side_energy
    sounding = windows > windows.max() * 1e-6
    width = _ratio_db(seen.side_energy, np.where(sounding, seen.mid_energy, 1))
    found = summarise(COURSES, {"stereo.width": width}, sounding)
    found |= {
        "stereo.width": float(_ratio_db(side.sum(), mid.sum())),
        "stereo.correlation": _correlation(mid.sum(), side.sum(), cross.sum().real),
        "stereo.imbalance": abs(float(_ratio_db(whole + 2 * cross.sum().real, whole - 2 * cross.sum().real))),
    }
    hertz = frequencies()
    for band, (low, high) in BANDS.items():
        inside = (hertz >= low) & (hertz < high)
        m, s, c = mid[inside], side[inside], cross[inside]
        if high > spectra.nyquist:
            values = [f"sampled at {spectra.audio.native_rate:,} Hz: holds no sound that high"] * 3
        elif m.sum() + s.sum() <= _EMPTY * whole:
            values = [f"nothing sounds between {low:,.0f} and {high:,.0f} Hz"] * 3
        else:
            correlation = _correlation(m.sum(), s.sum(), c.sum().real)
            values = [float(_ratio_db(s.sum(), m.sum())), correlation, _coherence(m, s, c)]
        found |= dict(
            zip((f"stereo.{name}.{band}" for name in ("width", "correlation", "coherence")), values, strict=True)
        )
    return found


def _ratio_db(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Power ratio in dB, limited; not both may be 0."""
    least = 10 ** (-WIDEST_DB / 10) * (above + below)
    return np.clip(10 * np.log10(np.maximum(above, least) / np.maximum(below, least)), -WIDEST_DB, WIDEST_DB)


def _correlation(mid: float, side: float, cross: float) -> float | str:
    left, right = mid + side + 2 * cross, mid + side - 2 * cross
    if min(left, right) <= _EMPTY * (left + right):
        return "one channel is silent"
    return float(np.clip((mid - side) / np.sqrt(left * right), -1, 1))


def _coherence(mid: np.ndarray, side: np.ndarray, cross: np.ndarray) -> float | str:
    """Magnitude-squared coherence of left and right, the bins weighing by their power.

    With left = mid + side and right = mid - side, their cross spectrum is mid² - side² - 2i Im(mid side*).
    """
    left, right = mid + side + 2 * np.real(cross), mid + side - 2 * np.real(cross)
    if min(left.sum(), right.sum()) <= _EMPTY * (left.sum() + right.sum()):
        return "one channel is silent"
    both = (mid - side) ** 2 + (2 * np.imag(cross)) ** 2
    of_bins = both / np.maximum(left * right, np.finfo(float).tiny)
    return float(np.clip(np.average(np.clip(of_bins, 0, 1), weights=mid + side), 0, 1))


# -- what is declared --------------------------------------------------------------------------------------------------

_OURS = "Chartropy"
_LIMITS = -WIDEST_DB, WIDEST_DB

COURSES: tuple[Course, ...] = (
    Course(
        "stereo.width", "dB", *_LIMITS, "power of the side channel over that of the mid channel.", _OURS,
        "Stereo width", "Ширина стерео", ("sd", "p10", "median", "p90", "change"),
    ),
)  # fmt: skip
"""Every course of this family."""


def _singles() -> Iterator[Descriptor]:
    for name, unit, low, high, definition, label, label_ru in (
        ("width", "dB", *_LIMITS, "Power of the side channel over that of the mid channel, over the whole clip.", "Stereo width", "Ширина стерео"),
        ("correlation", "1", -1, 1, "Correlation of left and right at lag 0.", "Channel correlation", "Корреляция каналов"),
        ("imbalance", "dB", 0, WIDEST_DB, "Power of the stronger channel over the weaker.", "Imbalance", "Перекос каналов"),
    ):  # fmt: skip
        yield Descriptor(f"stereo.{name}", unit, float(low), float(high), definition, _OURS, label, label_ru)
    bands_ru = {"bass": "бас", "low": "низ", "middle": "середина", "high": "верх", "air": "самый верх"}
    for band, (low, high) in BANDS.items():
        where = f"from {low:.0f} to {high:.0f} Hz"
        for name, unit, (least, most), what, source, label, label_ru in (
            ("width", "dB", _LIMITS, "Power of the side channel over that of the mid channel", _OURS, "Stereo width", "Ширина стерео"),
            ("correlation", "1", (-1.0, 1.0), "Correlation of left and right at lag 0", _OURS, "Channel correlation", "Корреляция каналов"),
            ("coherence", "1", (0.0, 1.0), "Magnitude-squared coherence of left and right", "Carter, Proc. IEEE 75 (1987)", "Channel coherence", "Когерентность каналов"),
        ):  # fmt: skip
            yield Descriptor(
                f"stereo.{name}.{band}",
                unit,
                least,
                most,
                f"{what}, {where}.",
                source,
                f"{label}, {band} ({low:.0f}-{high:.0f} Hz)",
                f"{label_ru}, {bands_ru[band]} ({low:.0f}-{high:.0f} Гц)",
            )


DESCRIPTORS: tuple[Descriptor, ...] = (*_singles(), *(d for course in COURSES for d in course.descriptors()))
"""Every descriptor of this family."""
