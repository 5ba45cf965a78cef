"""Production: what recording, mixing, mastering and coding left behind.

How far up the sound reaches, how it ends there, what is left in the quietest moments, how often the waveform is cut
flat, how close to its ceiling it stays. These tell of the file as much as of the music: MP3 and its like cut off the top and
turn a flat top into a jagged one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import spectra as shared
from .courses import Descriptor, Measured
from .dynamics import Heights, block_loudness
from .sketch import LongTerm, frequencies
from .spectra import Sound, Spectra

_BANDWIDTH_DB = -80.0  # below the strongest part of the long-term spectrum; encoders' low-pass filters fall past it
_SIDE_HZ = 1000.0  # on either side of the cutoff
_QUIET = 0.05  # share of the frames that are the quietest
_DENSE_LU = 3.0
_BLOCK = 2**20  # samples


def measure(spectra: Spectra, seen: LongTerm, steps: np.ndarray, high: Heights) -> Measured:
    """Measure the production descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.
    seen : LongTerm
        The same clip's windows.
    steps : numpy.ndarray, shape (steps,)
        K-weighted power of every 100 ms, from `dynamics.step_power`.
    high : Heights
        The samples near its peak, from `dynamics.heights`.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    samples = spectra.sound.samples
    found: Measured = {
        "production.near_peak": 100 * high.near / samples.size,
        "production.full_scale": 1e6 * high.full_scale / samples.size,
        "production.flat_tops": high.flat_tops / spectra.seconds,
        "production.dc_offset": min(_offset(spectra.sound) / spectra.sound.peak, 1.0),
        "production.density": _density(spectra, steps),
    }
    of_mid = [d.name for d in DESCRIPTORS if d.name not in found]
    if why := spectra.cancellation:
        return found | dict.fromkeys(of_mid, why)
    found |= _cutoff(spectra, seen)
    level = spectra.mid_level
    found["production.noise_floor"] = _quiet_db(level)
    if why := spectra.narrowness:
        return found | {"production.noise_floor.treble": why}
    treble = spectra.power[:, np.searchsorted(shared.frequencies(), 4000) :].sum(axis=1)
    found["production.noise_floor.treble"] = _quiet_db(treble) if treble.max() > 0 else "no sound from 4 to 10 kHz"
    return found


def _offset(sound: Sound) -> float:
    """Mean of the samples of the channel where it is further from 0."""
    if len(sound.samples) > 2:
        return max(abs(float(channel.mean())) for channel in sound.samples)
    # of mid + side and mid - side, the one where they do not cancel
    return (
        sum(
            abs(sum(float(sound.part(which, i, i + _BLOCK).sum()) for i in range(0, sound.length, _BLOCK)))
            for which in ("mid", "side")
        )
        / sound.length
    )


def _cutoff(spectra: Spectra, seen: LongTerm) -> Measured:
    hertz = frequencies()
    level = 10 * np.log10(seen.mid_power)
    edge = float(hertz[np.flatnonzero(level >= level.max() + _BANDWIDTH_DB)[-1]])
    below = level[(hertz >= edge - _SIDE_HZ) & (hertz < edge)]
    above = level[(hertz > edge) & (hertz <= edge + _SIDE_HZ)]
    found: Measured = {"production.bandwidth": edge}
    if edge + _SIDE_HZ > spectra.nyquist or len(below) == 0 or len(above) == 0:
        found["production.cutoff_drop"] = f"the sound reaches {edge:,.0f} Hz: nothing lies above to compare it with"
    else:
        found["production.cutoff_drop"] = float(np.median(below) - np.median(above))
    return found


def _quiet_db(level: np.ndarray) -> float:
    return float(10 * np.log10(max(np.quantile(level, _QUIET), 1e-12 * level.max()) / level.mean(dtype=np.float64)))


def _density(spectra: Spectra, steps: np.ndarray) -> float | str:
    """Share of the 400 ms blocks within 3 LU of the loudest twentieth."""
    if spectra.audio.channels > 2:
        return f"{spectra.audio.channels} channels: which of them surround is not known"
    loudness = block_loudness(steps, 4)
    if len(loudness) < 10:
        return f"{spectra.seconds:.1f} s long: density needs 1.3 s"
    return float(np.mean(loudness > np.quantile(loudness, 0.95) - _DENSE_LU))


# -- what is declared --------------------------------------------------------------------------------------------------

_OURS = "Chartropy"


def _declared() -> Iterator[Descriptor]:
    for name, unit, low, high, definition, source, label, label_ru in (
        ("bandwidth", "Hz", 0, 22_050, "Highest frequency at which the long-term power spectrum is within 80 dB of its strongest bin.", _OURS, "Bandwidth", "Полоса частот"),
        ("cutoff_drop", "dB", -60, 150, "Median level of the kilohertz below the bandwidth over that of the kilohertz above: high for an encoder's low-pass filter.", _OURS, "Steepness of the cutoff", "Крутизна среза"),
        ("noise_floor", "dB", -130, 0.5, "Level of the quietest twentieth of the frames against the mean power: what is left when the music pauses.", _OURS, "Noise floor", "Уровень шума"),
        ("noise_floor.treble", "dB", -130, 0.5, "Level from 4 to 10 kHz of the frames that are quietest there, a twentieth of all, against the mean power there.", _OURS, "Noise floor, treble", "Уровень шума, верх"),
        ("near_peak", "%", 0, 100, "Share of the samples within 1 dB of the peak: high for limited masters.", _OURS, "Samples near the peak", "Отсчёты у пика"),
        ("full_scale", "1e-6", 0, 1_000_000, "Samples at the full scale of 16 bits or above, per million: cut off, or overshooting once decoded.", _OURS, "Samples at full scale", "Отсчёты на полной шкале"),
        ("flat_tops", "1/s", 0, 100_000, "Flat tops per second: three or more samples in a row at the height of the peak.", "after Essentia's ClickDetector family; definition ours", "Clipping (flat tops)", "Клиппинг (срезанные вершины)"),
        ("dc_offset", "1", 0, 1, "Mean of the samples over the peak, of the channel where it is larger.", _OURS, "DC offset", "Постоянная составляющая"),
        ("density", "1", 0, 1, "Share of the 400 ms blocks whose loudness is within 3 LU of the loudest twentieth: near 1 for compressed masters.", _OURS, "Loudness density (compression)", "Плотность громкости (компрессия)"),
    ):  # fmt: skip
        yield Descriptor(f"production.{name}", unit, float(low), float(high), definition, source, label, label_ru)


DESCRIPTORS: tuple[Descriptor, ...] = tuple(_declared())
"""Every descriptor of this family."""
