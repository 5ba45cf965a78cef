"""Dynamics: how loud, how compressed, how much it varies. The one family in which level is kept.

Loudness follows ITU-R BS.1770-4 (K-weighting, 400 ms blocks every 100 ms, gates at -70 LUFS and 10 LU below the
ungated mean) and EBU Tech 3342 (range). The weighting filter is given by the standard for 48 kHz; here it is designed
for 44.1 kHz from the analogue prototype that those coefficients come from.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from . import spectra as shared
from .spectra import Spectra

ABSOLUTE_GATE = -70.0
"""Blocks below this many LUFS do not count."""

RELATIVE_GATE = -10.0
"""Nor do those this many LU below the mean of the others."""

RANGE_GATE = -20.0
"""The same for the loudness range (EBU Tech 3342)."""

_STEP = shared.RATE // 10  # samples: blocks start every 100 ms
_MOMENTARY, _SHORT_TERM = 4, 30  # steps in 400 ms and in 3 s
_RANGE_SECONDS = 6.0  # two short-term windows that do not overlap: below this, a range says nothing
_COMPLEXITY_LU = 40.0  # blocks this far below the integrated loudness are pauses


def measure(spectra: Spectra) -> dict[str, float | str]:
    """Measure the dynamics descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    peak = 20 * float(np.log10(spectra.peak))
    rms = 10 * float(np.log10(np.mean(np.square(spectra.samples), dtype=np.float64))) + peak
    frame_rms = np.sqrt(spectra.mid_energy)
    found: dict[str, float | str] = {
        "dynamics.peak": peak,
        "dynamics.rms": rms,
        "dynamics.crest": peak - rms,
        "dynamics.low_energy_rate": float(np.mean(frame_rms < frame_rms.mean() / 2)),
    }
    if why := spectra.cancellation:  # frames are the mid channel's
        found["dynamics.low_energy_rate"] = why
    loudness = [f"dynamics.{name}" for name in ("loudness.integrated", "loudness.momentary_max", "loudness.range")]
    rest = [*loudness, "dynamics.peak_to_loudness", "dynamics.complexity"]
    if spectra.audio.channels > 2:
        return found | dict.fromkeys(rest, f"{spectra.audio.channels} channels: which of them surround is not known")

    steps = _step_power(spectra.samples) * spectra.peak**2
    momentary = _block_loudness(steps, _MOMENTARY)
    integrated = gated_loudness(momentary, RELATIVE_GATE)
    if integrated is None:
        return found | dict.fromkeys(rest, f"every block is below the gate of {ABSOLUTE_GATE:.0f} LUFS")
    sounding = momentary[momentary > integrated - _COMPLEXITY_LU]
    return found | {
        "dynamics.loudness.integrated": integrated,
        "dynamics.loudness.momentary_max": float(momentary.max()),
        "dynamics.loudness.range": _loudness_range(steps, spectra.seconds),
        "dynamics.peak_to_loudness": peak - integrated,
        "dynamics.complexity": float(np.abs(sounding - integrated).mean()),
    }


def gated_loudness(blocks: np.ndarray, relative_gate: float) -> float | None:
    """Mean loudness of the blocks that pass both gates of ITU-R BS.1770-4.

    Parameters
    ----------
    blocks : numpy.ndarray, shape (blocks,)
        Loudness of each block in LUFS.
    relative_gate : float
        In LU, negative, from the mean of the blocks above the absolute gate.

    Returns
    -------
    float or None
        LUFS; None when every block is below the absolute gate.
    """
    loud = blocks[blocks > ABSOLUTE_GATE]
    if len(loud) == 0:
        return None
    return _mean_loudness(loud[loud > _mean_loudness(loud) + relative_gate])


def _loudness_range(steps: np.ndarray, seconds: float) -> float | str:
    if seconds < _RANGE_SECONDS:
        return f"{seconds:.1f} s long: a loudness range needs {_RANGE_SECONDS:.0f} s"
    blocks = _block_loudness(steps, _SHORT_TERM)
    loud = blocks[blocks > ABSOLUTE_GATE]
    if len(loud) == 0:
        return f"every block is below the gate of {ABSOLUTE_GATE:.0f} LUFS"
    low, high = np.percentile(loud[loud > _mean_loudness(loud) + RANGE_GATE], [10, 95])
    return float(high - low)


def _mean_loudness(blocks: np.ndarray) -> float:
    """Loudness of the mean power, not mean of the loudness."""
    return float(10 * np.log10(np.mean(10 ** (blocks / 10))))


def _block_loudness(steps: np.ndarray, length: int) -> np.ndarray:
    power = np.lib.stride_tricks.sliding_window_view(steps, length).mean(axis=1)
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-20))


def _step_power(samples: np.ndarray) -> np.ndarray:
    """K-weighted power of each whole 100 ms, summed over the channels, shape (steps,)."""
    from scipy.signal import sosfilt

    steps = samples.shape[1] // _STEP
    power = np.zeros(steps)
    for channel in samples[:, : steps * _STEP]:
        weighted = np.asarray(sosfilt(_k_weighting(), channel))
        power += np.square(weighted).reshape(steps, _STEP).mean(axis=1)
    return power


@cache
def _k_weighting() -> np.ndarray:
    """Second-order sections at `RATE`: a shelf of +4 dB for the head, a high-pass at 38 Hz, shape (2, 6)."""
    gain = 10 ** (3.999843853973347 / 20)
    slope, quality = np.tan(np.pi * 1681.974450955533 / shared.RATE), 0.7071752369554196
    middle = gain**0.4996667741545416
    scale = 1 + slope / quality + slope**2
    shelf = [
        (gain + middle * slope / quality + slope**2) / scale,
        2 * (slope**2 - gain) / scale,
        (gain - middle * slope / quality + slope**2) / scale,
        1.0,
        2 * (slope**2 - 1) / scale,
        (1 - slope / quality + slope**2) / scale,
    ]
    slope, quality = np.tan(np.pi * 38.13547087602444 / shared.RATE), 0.5003270373238773
    scale = 1 + slope / quality + slope**2
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (slope**2 - 1) / scale, (1 - slope / quality + slope**2) / scale]
    return np.array([shelf, high_pass])
