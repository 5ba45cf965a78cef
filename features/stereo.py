"""Stereo: how wide, and how alike the channels are, over the whole spectrum and in three bands.

Width is the power of the side channel, (left - right) / 2, over that of the mid channel, in dB and limited to ±60: two
equal channels have -60. Correlation is that of the channels at lag 0, read from the mid, side and cross spectra.
Nothing changes when the channels are swapped.
"""

from __future__ import annotations

import numpy as np

from . import spectra as shared
from .spectra import BAND, Spectra

BANDS = {"low": (BAND[0], 250.0), "mid": (250.0, 4000.0), "high": (4000.0, BAND[1])}
"""Bands in Hz, by name."""

WIDEST_DB = 60.0
"""Ratios in dB are limited to plus and minus this: further out, only rounding differs."""

_EMPTY = 1e-8  # a band with this share of the power, or less, holds rounding and dither

_NAMES = ["stereo.width", "stereo.width.sd", "stereo.correlation", "stereo.imbalance"] + [
    f"stereo.{name}.{band}" for name in ("width", "correlation") for band in BANDS
]


def measure(spectra: Spectra) -> dict[str, float | str]:
    """Measure the stereo descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    channels = spectra.audio.channels
    if channels != 2:
        return dict.fromkeys(_NAMES, "mono file" if channels == 1 else f"{channels} channels, not 2")
    mid, side, cross = spectra.mid_spectrum, spectra.side_spectrum, spectra.cross_spectrum
    whole = mid.sum() + side.sum()
    frames = spectra.mid_energy + spectra.side_energy
    sounding = frames > frames.max() * 1e-6
    found: dict[str, float | str] = {
        "stereo.width": float(_ratio_db(side.sum(), mid.sum())),
        "stereo.width.sd": float(_ratio_db(spectra.side_energy[sounding], spectra.mid_energy[sounding]).std()),
        "stereo.correlation": _correlation(mid.sum(), side.sum(), cross.sum()),
        "stereo.imbalance": abs(float(_ratio_db(whole + 2 * cross.sum(), whole - 2 * cross.sum()))),
    }
    frequencies = shared.all_frequencies()
    for band, (low, high) in BANDS.items():
        inside = (frequencies >= low) & (frequencies < high)
        m, s, c = mid[inside].sum(), side[inside].sum(), cross[inside].sum()
        if high > spectra.nyquist:
            width = correlation = f"sampled at {spectra.audio.rate:,} Hz: holds no sound up to {high:,.0f} Hz"
        elif m + s <= _EMPTY * whole:
            width = correlation = f"nothing sounds between {low:,.0f} and {high:,.0f} Hz"
        else:
            width, correlation = float(_ratio_db(s, m)), _correlation(m, s, c)
        found |= {f"stereo.width.{band}": width, f"stereo.correlation.{band}": correlation}
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
