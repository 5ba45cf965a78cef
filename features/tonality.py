"""Tonality: tuning, which pitch classes sound, in what key, over which chords, and how fast the harmony moves.

Read from the partials of the shared pitch STFT between 25 Hz and 5 kHz, folded into twelve pitch classes after the
clip's own tuning has been taken out. Where the partials agree on no tuning (noise, drums alone), tuning, key and chords
are absent.

Also here, because they read the same partials: dissonance, inharmonicity and the salience of pitch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from . import spectra as shared
from .courses import Course, Descriptor, Measured, summarise
from .spectra import Spectra

PITCH_CLASSES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""Names of the pitch classes, in the order of the chroma descriptors."""

PROFILES = {
    "krumhansl": (
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    ),
    "bgate": (
        (1.00, 0.00, 0.42, 0.00, 0.53, 0.37, 0.00, 0.77, 0.00, 0.38, 0.21, 0.30),
        (1.00, 0.00, 0.36, 0.39, 0.00, 0.38, 0.00, 0.74, 0.27, 0.00, 0.42, 0.23),
    ),
}
"""How well each pitch class, from the tonic up, fits a major and a minor key: probe-tone ratings (Krumhansl & Kessler
1982), and what electronic dance music plays (Faraldo et al. 2016 and 2017)."""

CHORDS = tuple(f"{name}{mode}" for mode in ("", "m") for name in PITCH_CLASSES)
"""The 24 triads, C to B major, then minor."""

PEAKS = 16
"""Partials of a frame, the strongest first, that dissonance and inharmonicity look at."""

_PEAK_FLOOR_DB = -40.0  # partials this far below the frame's strongest are mostly side lobes and noise
_PITCH_CERTAINTY = 0.03  # 30 s of white noise reach .01, music .15 to .8
_CHROMA_HZ = (40.0, 3520.0)
_FALLING = 0.6  # a partial speaks for the notes it may be a harmonic of, each less than the one before
# of the first four harmonics, three are octaves of the note, the third lies a twelfth above it
_HARMONICS = ((0.0, 1 + _FALLING + _FALLING**3), (12 * float(np.log2(3)), _FALLING**2))
_COMPRESSION = 0.8  # exponent of the magnitudes: the loudest note is not the only one
_CHORD_SECONDS = 1.0  # chroma is averaged over this before a chord is named
_CHORD_STAYS = 0.08  # how much better another chord must fit to be taken: between two readings the old one stays
_CHANGE_SECONDS = 0.5  # over which chroma is averaged before its change is measured: about a beat
_FPS = shared.PITCH_FRAMES_PER_SECOND


@dataclass(frozen=True, eq=False)
class Harmony:
    """The partials of a clip and what they add up to.

    Attributes
    ----------
    hertz, magnitude : numpy.ndarray, shape (pitch frames, PEAKS), float32
        The strongest partials of each frame, the strongest first; 0 where there are fewer.
    cents : float
        By which the partials lie above A4 = 440 Hz, -50 to 50.
    certainty : float
        How much they agree on that, 0 to 1.
    chroma : numpy.ndarray, shape (pitch frames, 12), float64
        Weight of each pitch class, C first, the frame's strongest being 1; rows of 0 where there is no partial.
    pitchlessness : str
        Why no pitch can be told, or the empty string.
    """

    hertz: np.ndarray
    magnitude: np.ndarray
    cents: float
    certainty: float
    chroma: np.ndarray
    pitchlessness: str


def hear(spectra: Spectra) -> Harmony:
    """Find the partials, their tuning and the chroma.

    A partial is a peak of the spectrum; the parabola through the logarithm of three bins places it within a fiftieth of
    a bin. Tuning is the circular mean of the deviations from equal temperament, weighted by magnitude. The chroma is a
    harmonic pitch class profile (Gomez 2006): a partial counts for its own pitch class and, less, for those of which it
    may be the second, third or fourth harmonic; and less the further it lies from any.

    Parameters
    ----------
    spectra : Spectra

    Returns
    -------
    Harmony
    """
    frame, hertz, magnitude = _partials(spectra)
    count = len(spectra.pitch_power)
    inside = (hertz >= _CHROMA_HZ[0]) & (hertz <= _CHROMA_HZ[1])
    semitones, weight, at = 12 * np.log2(hertz[inside] / 440), magnitude[inside], frame[inside]
    total = weight.sum()
    turns = 2 * np.pi * (semitones - np.round(semitones))
    mean = complex(weight @ np.cos(turns), weight @ np.sin(turns)) / total if total else 0j
    certainty = float(abs(mean))
    cents = float(np.angle(mean) / (2 * np.pi) * 100)
    by_chance = 4 / np.sqrt(max(1, len(weight)))  # few partials agree by chance
    pitchlessness = ""
    if certainty < max(_PITCH_CERTAINTY, by_chance):
        pitchlessness = f"no pitch stands out (the partials agree on a tuning by {certainty:.3f} of 1)"
    else:
        semitones = semitones - cents / 100
    weight = weight**_COMPRESSION
    chroma = np.zeros((count, 12))
    for above, part in _HARMONICS:
        below = semitones - above
        nearest = np.round(below)
        pitch_class = (nearest.astype(int) + 9) % 12  # A is nine semitones above C
        near = weight * part * np.cos(np.pi * (below - nearest)) ** 2
        chroma += np.bincount(at * 12 + pitch_class, near, minlength=12 * count).reshape(-1, 12)
    chroma /= np.maximum(chroma.max(axis=1, keepdims=True), np.finfo(float).tiny)
    return Harmony(*_strongest(frame, hertz, magnitude, count), cents, certainty, chroma, pitchlessness)


def measure(spectra: Spectra, harmony: Harmony) -> Measured:
    """Measure the tonality descriptors.

    Parameters
    ----------
    spectra : Spectra
        Not silent.
    harmony : Harmony
        Of the same clip.

    Returns
    -------
    dict of str to float or str
        The number, or the reason why there is none.
    """
    chroma = harmony.chroma
    sounding = chroma.sum(axis=1) > 0
    found: Measured = {"tonality.tuning.certainty": harmony.certainty}
    if not sounding.any():
        return dict.fromkeys(_NAMES, "no partial between 40 Hz and 3.5 kHz") | found
    courses = {f"tonality.chroma{n:02d}": column for n, column in enumerate(chroma.T)}
    courses["tonality.chroma_crest"] = 12 / np.maximum(chroma.sum(axis=1), 1)
    courses |= _of_partials(spectra, harmony)
    found |= summarise(COURSES, courses, sounding)
    mean = chroma[sounding].mean(axis=0)
    found["tonality.chroma_entropy"] = _entropy(mean / mean.sum())
    found["tonality.chroma_change.mean"] = _change(chroma)
    if harmony.pitchlessness:
        return dict.fromkeys(_NAMES, harmony.pitchlessness) | found
    found["tonality.tuning.cents"] = harmony.cents
    found |= _keys(mean)
    return found | _chords(chroma, found)


def find_key(chroma: np.ndarray, profile: str = "bgate") -> tuple[int, str, float, float]:
    """Find the key whose profile fits a chroma best.

    Parameters
    ----------
    chroma : numpy.ndarray, shape (12,)
        Weight of each pitch class, C first; not all alike.
    profile : {'bgate', 'krumhansl'}
        Of `PROFILES`.

    Returns
    -------
    tonic : int
        0 for C to 11 for B.
    mode : str
        ``"major"`` or ``"minor"``.
    strength : float
        Pearson correlation of the chroma with the key's profile, -1 to 1.
    majorness : float
        The best major key's correlation minus the best minor key's, -2 to 2.

    References
    ----------
    Krumhansl, Cognitive Foundations of Musical Pitch, Oxford 1990, chapter 4. Faraldo et al., Key estimation in
    electronic dance music, ECIR 2016; A multi-profile method for key estimation in EDM, AES Semantic Audio 2017.
    """
    away = chroma - chroma.mean()
    fits = _rotated(profile) @ away / max(float(np.linalg.norm(away)), 1e-12)
    best = int(np.argmax(fits))
    return best % 12, "major" if best < 12 else "minor", float(fits[best]), float(fits[:12].max() - fits[12:].max())


def key_name(key_cos: float, key_sin: float, mode: float) -> str:
    """Name the key that the numbers of a description stand for.

    Parameters
    ----------
    key_cos, key_sin, mode : float
        ``tonality.key.cos``, ``tonality.key.sin`` and ``tonality.key.mode``.

    Returns
    -------
    str
        For example ``"C major"`` or ``"F# minor"``.

    Examples
    --------
    >>> key_name(1.0, 0.0, 1.0), key_name(1.0, 0.0, 0.0)
    ('C major', 'A minor')
    """
    fifths = round(np.arctan2(key_sin, key_cos) / (2 * np.pi) * 12)
    signature = 7 * fifths % 12
    return f"{PITCH_CLASSES[signature]} major" if mode >= 0.5 else f"{PITCH_CLASSES[(signature + 9) % 12]} minor"


@cache
def _rotated(profile: str) -> np.ndarray:
    """The 24 profiles, C to B major, then minor, each of mean 0 and length 1, shape (24, 12)."""
    rows = np.array([np.roll(one, tonic) for one in PROFILES[profile] for tonic in range(12)])
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _partials(spectra: Spectra) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectral peaks in frames that sound: frame, Hz, magnitude, each shape (peaks,); frames rise."""
    hertz = shared.pitch_frequencies()
    last = np.searchsorted(hertz, min(float(hertz[-1]), spectra.nyquist / 1.05))
    power = spectra.pitch_power[:, :last]
    inner = power[:, 1:-1]
    floor = inner.max(axis=1, keepdims=True) * np.float32(10 ** (_PEAK_FLOOR_DB / 10))
    found = (inner > power[:, :-2]) & (inner >= power[:, 2:]) & (inner > floor)
    found &= spectra.pitch_active[:, None]
    frame, column = np.divmod(np.flatnonzero(found), found.shape[1])
    place = frame * spectra.pitch_power.shape[1] + column
    below, at, above = (np.log(spectra.pitch_power.ravel()[place + i] + np.float32(1e-30)) for i in range(3))
    # of a peak no higher than its neighbours, but for rounding, the middle
    offset = (below - above) / (2 * np.minimum(below - 2 * at + above, -1e-5))
    exact = hertz[column + 1] + offset * (shared.RATE / shared.PITCH_FRAME)
    return frame, exact, np.exp((at - (below - above) * offset / 4) / 2)


def _strongest(
    frame: np.ndarray, hertz: np.ndarray, magnitude: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The `PEAKS` strongest partials of each frame, shape (count, PEAKS) each."""
    # one key for both: frames rise, and within one the magnitudes fall
    order = np.argsort(frame - magnitude / (magnitude.max(initial=0) * 1.001 + 1e-30), kind="stable")
    frame = frame[order]
    rank = np.arange(len(frame)) - np.searchsorted(frame, np.arange(count))[frame]
    kept = rank < PEAKS
    tables = np.zeros((2, count, PEAKS), np.float32)
    for table, values in zip(tables, (hertz, magnitude), strict=True):
        table[frame[kept], rank[kept]] = values[order][kept]
    return tables[0], tables[1]


def _of_partials(spectra: Spectra, harmony: Harmony) -> dict[str, np.ndarray]:
    return {
        "tonality.dissonance": dissonance(harmony.hertz, harmony.magnitude),
        "tonality.inharmonicity": inharmonicity(harmony.hertz, harmony.magnitude),
        "tonality.pitch_salience": pitch_salience(spectra.pitch_power),
    }


def dissonance(hertz: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    """Sensory dissonance of partials: the roughness of every two, by how they beat.

    Parameters
    ----------
    hertz, magnitude : numpy.ndarray, shape (frames, partials)
        A magnitude of 0 is no partial.

    Returns
    -------
    numpy.ndarray, shape (frames,)
        0 for one tone or octaves; pairs weigh by their magnitudes' share of the whole, so at most 1. NaN without partials.

    References
    ----------
    Plomp & Levelt, JASA 38 (1965); the curve through their ratings: Sethares, JASA 94 (1993).
    """
    total = magnitude.sum(axis=1)
    share = magnitude / np.where(total > 0, total, 1)[:, None]
    one, other = np.triu_indices(hertz.shape[1], 1)
    low = np.minimum(hertz[:, one], hertz[:, other])
    distance = np.abs(hertz[:, one] - hertz[:, other]) * (0.24 / (0.0207 * low + 18.96))
    rough = np.exp(-3.51 * distance) - np.exp(-5.75 * distance)
    value = 2 * np.einsum("fp,fp,fp->f", share[:, one], share[:, other], rough) / _ROUGHEST
    return np.where(total > 0, value, np.nan).astype(np.float32)


_ROUGHEST = np.exp(-3.51 * 0.2203) - np.exp(-5.75 * 0.2203)  # the curve's maximum


def inharmonicity(hertz: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    """How far partials lie from the harmonics of the best fundamental, as a share of half its distance.

    Parameters
    ----------
    hertz, magnitude : numpy.ndarray, shape (frames, partials)

    Returns
    -------
    numpy.ndarray, shape (frames,)
        0 for a harmonic tone, 0.5 for partials at random. NaN where fewer than three partials sound.
        The fundamentals tried are the lowest of the partials, and its half and third.

    References
    ----------
    Peeters et al., The Timbre Toolbox, JASA 130 (2011), with a fundamental that is searched for.
    """
    sounding = magnitude > 0
    lowest = np.where(sounding, hertz, np.inf).min(axis=1)
    weight = magnitude / np.maximum(magnitude.sum(axis=1, keepdims=True), 1e-30)
    best = np.full(len(hertz), np.inf, np.float32)
    for part in (1, 2, 3):
        fundamental = (lowest / part)[:, None]
        number = hertz / fundamental
        away = 2 * np.abs(number - np.round(number))
        best = np.minimum(best, (weight * np.where(sounding, away, 0)).sum(axis=1) * np.sqrt(part))
    return np.where(sounding.sum(axis=1) >= 3, np.minimum(best, 1), np.nan).astype(np.float32)


def pitch_salience(power: np.ndarray) -> np.ndarray:
    """How much magnitude spectra resemble themselves shifted by a pitch.

    Parameters
    ----------
    power : numpy.ndarray, shape (frames, bins)
        Bins evenly spaced.

    Returns
    -------
    numpy.ndarray, shape (frames,)
        Highest autocorrelation over shifts of 100 Hz to 2 kHz, 0 to 1; near 1 for many harmonics of one pitch.

    References
    ----------
    Ricard, Towards computational morphological description of sound, UPF 2004.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    magnitude = np.sqrt(power)
    width = shared.RATE / shared.PITCH_FRAME
    first, last = round(100 / width), round(2000 / width)
    size = next_fast_len(power.shape[1] + last, real=True)
    spectrum = np.asarray(rfft(magnitude, size, axis=1))
    likeness = np.asarray(irfft(np.square(spectrum.real) + np.square(spectrum.imag), size, axis=1))
    return np.clip(likeness[:, first : last + 1].max(axis=1) / np.maximum(likeness[:, 0], 1e-30), 0, 1)


def _entropy(share: np.ndarray) -> float:
    return float(np.clip(-(share * np.log(share + 1e-20)).sum() / np.log(12), 0, 1))


def _keys(mean: np.ndarray) -> Measured:
    found: Measured = {}
    for profile, place in (("bgate", "key"), ("krumhansl", "key_krumhansl")):
        tonic, mode, strength, majorness = find_key(mean, profile)
        angle = _fifths_angle(tonic, mode)
        found |= {
            f"tonality.{place}.cos": float(np.cos(angle)),
            f"tonality.{place}.sin": float(np.sin(angle)),
            f"tonality.{place}.mode": float(mode == "major"),
            f"tonality.{place}.strength": strength,
            f"tonality.{place}.majorness": majorness,
        }
    tonic, mode, *_ = find_key(mean)
    degrees = np.roll(mean / mean.sum(), -tonic)
    found |= {f"tonality.degree{number:02d}": float(share) for number, share in enumerate(degrees)}
    scale = (0, 2, 4, 5, 7, 9, 11) if mode == "major" else (0, 2, 3, 5, 7, 8, 10)
    found["tonality.diatonic"] = float(np.clip(degrees[list(scale)].sum(), 0, 1))
    return found


def _fifths_angle(tonic: int, mode: str) -> float:
    """Where the key's signature lies on the circle of fifths: C major and A minor at 0, a fifth up is 30 degrees."""
    signature = tonic if mode == "major" else tonic + 3
    return 2 * np.pi * (7 * signature % 12) / 12


def name_chords(chroma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Name the triad of every second, read twice a second.

    Parameters
    ----------
    chroma : numpy.ndarray, shape (pitch frames, 12)

    Returns
    -------
    chords : numpy.ndarray, shape (readings,), int
        Place in `CHORDS`.
    strengths : numpy.ndarray, shape (readings,)
        Cosine of the chroma and the triad, 0 to 1. Readings without any partial are left out.

    References
    ----------
    Templates: Fujishima, Realtime chord recognition of musical sound, ICMC 1999.
    """
    window = max(1, round(_CHORD_SECONDS * _FPS))
    hop = max(1, window // 2)
    if len(chroma) < window:
        return np.zeros(0, int), np.zeros(0)
    sums = np.lib.stride_tricks.sliding_window_view(chroma, window, axis=0)[::hop].sum(axis=-1)
    length = np.linalg.norm(sums, axis=1)
    fits = (sums[length > 0] / length[length > 0, None]) @ _TRIADS.T
    chords = fits.argmax(axis=1)
    for i in range(1, len(chords)):
        if fits[i, chords[i - 1]] > fits[i, chords[i]] - _CHORD_STAYS:
            chords[i] = chords[i - 1]
    return chords, fits[np.arange(len(chords)), chords]


_TRIADS = np.array(
    [np.roll(np.isin(np.arange(12), notes), root) for notes in ((0, 4, 7), (0, 3, 7)) for root in range(12)]
) / np.sqrt(3)


def _chords(chroma: np.ndarray, found: Measured) -> Measured:
    names = [name for name in _NAMES if name.startswith("tonality.chord")]
    chords, strengths = name_chords(chroma)
    if len(chords) < 4:
        return dict.fromkeys(
            (n for n in names if n not in found), f"{len(chords)} readings of a chord: four are needed"
        )
    share = np.bincount(chords, minlength=24) / len(chords)
    changes = np.count_nonzero(np.diff(chords))
    seconds = len(chords) * max(1, round(_CHORD_SECONDS * _FPS) // 2) / _FPS
    # from the tonic of the key, so that a song in another key has the same histogram
    key = found["tonality.key.cos"], found["tonality.key.sin"], found["tonality.key.mode"]
    tonic = PITCH_CLASSES.index(key_name(*(float(part) for part in key)).split()[0])
    relative = np.concatenate([np.roll(share[:12], -tonic), np.roll(share[12:], -tonic)])
    used = share[share > 0]
    measured: Measured = {f"tonality.chords.degree{n:02d}": float(value) for n, value in enumerate(relative)}
    return measured | {
        "tonality.chord.change_rate": changes / seconds,
        "tonality.chord.entropy": float(-(used * np.log2(used)).sum()),
        "tonality.chord.number": float(len(used)),
        "tonality.chord.major": float(share[:12].sum()),
        "tonality.chord.strength": float(strengths.mean()),
    }


def _change(chroma: np.ndarray) -> float | str:
    """Mean cosine distance between the chroma of neighbouring half-seconds."""
    length = round(_CHANGE_SECONDS * _FPS)
    count = len(chroma) // length
    sums = chroma[: count * length].reshape(count, length, 12).sum(axis=1)
    norms = np.linalg.norm(sums, axis=1)
    both = (norms[1:] > 0) & (norms[:-1] > 0)
    if not both.any():
        return "no two neighbouring half-seconds hold partials"
    likeness = (sums[1:] * sums[:-1]).sum(axis=1)[both] / (norms[1:] * norms[:-1])[both]
    return float(1 - min(likeness.mean(), 1))


# -- what is declared --------------------------------------------------------------------------------------------------

_OURS = "Chartropy"
_KRUMHANSL = "Krumhansl & Kessler, Psychological Review 89 (1982); Krumhansl 1990"
_FARALDO = "Faraldo et al., ECIR 2016; AES Semantic Audio 2017"
_GOMEZ = "after Gomez, INFORMS J. Computing 18 (2006)"
_DEGREES = ("I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII")


def _courses() -> Iterator[Course]:
    for n, name in enumerate(PITCH_CLASSES):
        definition = (
            f"weight of pitch class {name} among the partials from 40 Hz to 3.5 kHz, the strongest class being 1."
        )
        yield Course(
            f"tonality.chroma{n:02d}",
            "1",
            0,
            1,
            definition,
            _GOMEZ,
            f"Weight of {name}",
            f"Вес ноты {name}",
            ("mean", "sd"),
        )
    for name, unit, low, high, definition, source, label, label_ru in (
        ("chroma_crest", "1", 0, 12, "weight of the strongest pitch class over that of the mean class.", "after Gomez 2006 (Essentia's hpcp_crest)", "Dominance of one pitch class", "Преобладание одной ноты"),
        ("dissonance", "1", 0, 1, "sensory dissonance of the sixteen strongest partials.", "Plomp & Levelt, JASA 38 (1965); Sethares, JASA 94 (1993)", "Dissonance", "Диссонанс"),
        ("inharmonicity", "1", 0, 1, "distance of the partials from the harmonics of the best fundamental, over half its distance.", "after Peeters et al., JASA 130 (2011)", "Inharmonicity", "Негармоничность"),
        ("pitch_salience", "1", 0, 1, "highest autocorrelation of the magnitude spectrum over shifts of 100 Hz to 2 kHz.", "Ricard, UPF 2004", "Salience of pitch", "Выраженность высоты тона"),
    ):  # fmt: skip
        yield Course(f"tonality.{name}", unit, low, high, definition, source, label, label_ru)


COURSES: tuple[Course, ...] = tuple(_courses())
"""Every course of this family."""


def _singles() -> Iterator[Descriptor]:
    for name, unit, low, high, definition, source, label, label_ru in (
        ("tuning.cents", "cents", -50, 50, "Deviation of the partials from equal temperament at A4 = 440 Hz (circular mean).", _OURS, "Tuning", "Строй"),
        ("tuning.certainty", "1", 0, 1, "How much the partials agree on a tuning: length of the circular mean; low where pitches lie between the keys.", _OURS, "Tuning certainty", "Определённость строя"),
        ("chroma_entropy", "1", 0, 1, "Shannon entropy of the mean chroma over its maximum: 1 where all pitch classes are equally present.", _OURS, "Chroma entropy", "Энтропия звуковысотного состава"),
        ("chroma_change.mean", "1", 0, 1, "Mean cosine distance between the chroma of neighbouring half-seconds.", "after Harte et al., ACM AMCMM 2006", "Harmonic change", "Смена гармонии"),
        ("diatonic", "1", 0, 1, "Share of the chroma on the seven notes of the key's scale.", "after Gomez, UPF 2006", "Diatonicity", "Диатоничность"),
        ("chord.change_rate", "1/s", 0, 4, "Changes of the chord per second; chords are read twice a second.", "after Essentia's MusicExtractor", "Chord changes", "Смен аккорда в секунду"),
        ("chord.entropy", "bit", 0, 4.59, "Shannon entropy of the chords over the readings.", _OURS, "Variety of chords", "Разнообразие аккордов"),
        ("chord.number", "1", 1, 24, "How many of the 24 triads occur.", "after Essentia's MusicExtractor", "Number of chords", "Число аккордов"),
        ("chord.major", "1", 0, 1, "Share of the readings whose chord is major.", _OURS, "Share of major chords", "Доля мажорных аккордов"),
        ("chord.strength", "1", 0, 1, "Mean cosine of the chroma and the triad named.", "Fujishima, ICMC 1999", "Clearness of chords", "Ясность аккордов"),
    ):  # fmt: skip
        yield Descriptor(f"tonality.{name}", unit, float(low), float(high), definition, source, label, label_ru)
    for place, source, by, by_ru in (
        ("key", _FARALDO, "", ""),
        ("key_krumhansl", _KRUMHANSL, " (Krumhansl)", " (Крумхансл)"),
    ):
        for name, low, high, definition, label, label_ru in (
            ("cos", -1, 1, "Cosine of the key signature's place on the circle of fifths, C major and A minor at 1", "Key, cosine", "Тональность, косинус"),
            ("sin", -1, 1, "Sine of the key signature's place on the circle of fifths, Eb major at -1, A major at 1", "Key, sine", "Тональность, синус"),
            ("mode", 0, 1, "1 where the best-fitting key is major, 0 where it is minor", "Major", "Мажор"),
            ("strength", -1, 1, "Correlation of the mean chroma with the profile of the best-fitting key", "Key strength", "Ясность тональности"),
            ("majorness", -2, 2, "Correlation with the best major key minus that with the best minor key", "Majorness", "Мажорность"),
        ):  # fmt: skip
            profile = "Krumhansl's ratings" if by else "Faraldo's profile"
            yield Descriptor(f"tonality.{place}.{name}", "1", float(low), float(high), f"{definition}, by {profile}.", source, label + by, label_ru + by_ru)  # fmt: skip
    for n, degree in enumerate(_DEGREES):
        definition = f"Share of the chroma on degree {degree} of the key, {n} semitones above its tonic."
        yield Descriptor(f"tonality.degree{n:02d}", "1", 0.0, 1.0, definition, _GOMEZ, f"Share of degree {degree}", f"Доля ступени {degree}")  # fmt: skip
    for n in range(24):
        degree, mode, mode_ru = _DEGREES[n % 12], ("major", "minor")[n // 12], ("мажор", "минор")[n // 12]
        definition = f"Share of the readings whose chord is {mode} on degree {degree} of the key."
        yield Descriptor(f"tonality.chords.degree{n:02d}", "1", 0.0, 1.0, definition, "after Essentia's chords_histogram", f"Chord {degree} {mode}", f"Аккорд {degree}, {mode_ru}")  # fmt: skip


DESCRIPTORS: tuple[Descriptor, ...] = (*(d for course in COURSES for d in course.descriptors()), *_singles())
"""Every descriptor of this family."""

_NAMES = [descriptor.name for descriptor in DESCRIPTORS]
