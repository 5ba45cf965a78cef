"""What a loop can hear with: describers at several levels of detail, from a dozen words to a picture of the spectrum.

======================  ===========  =========================================================================
name                    form         what is said
======================  ===========  =========================================================================
``tags``                tags         what stands out, in words: "fast, bright, minor, busy"
``levels-2`` and up     levels       every descriptor as one of so many levels, cut at quantiles of the library
``leadsheet``           leadsheet    tempo, key, a chord for each bar, the form of the sections
``mel``                 mel          a coarse mel spectrogram, in whole decibels
``labels:MODEL``        text         what a classifier or captioner of transformers says, where that is installed
======================  ===========  =========================================================================

All but the last can be compared with a library: `place` gives where a description lies, `places` where clips do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..features.registry import DESCRIPTORS
from ..features.rhythm import find_beats, onset_envelope
from ..features.spectra import ONSET_FRAMES_PER_SECOND, PITCH_FRAMES_PER_SECOND, analyse
from ..features.tonality import CHORDS, PITCH_CLASSES, hear, key_name, name_chords
from ..workspace.errors import ChartropyError, UnsuitableAudio
from .loop import Library, Sound

TAGS = (
    ("rhythm.tempo.bpm", "slow", "fast"),
    ("rhythm.onset.rate", "sparse", "busy"),
    ("rhythm.pulse_clarity", "free pulse", "steady pulse"),
    ("timbre.centroid.mean", "dark", "bright"),
    ("timbre.flatness.mean", "tonal", "noisy"),
    ("timbre.energy.low.mean", "light bass", "heavy bass"),
    ("tonality.key.majorness", "minor", "major"),
    ("tonality.chord.change_rate", "static harmony", "restless harmony"),
    ("dynamics.loudness.integrated", "quiet", "loud"),
    ("dynamics.crest", "compressed", "punchy"),
    ("stereo.width", "narrow", "wide"),
    ("vocals.presence", "instrumental", "sung"),
    ("structure.repetition", "through-composed", "repetitive"),
)
"""Descriptors, and the words for the lower and the upper third of a library; the middle third is not worth a word."""

NOTHING_SAID = "average"
"""The tags of a clip that stands out in nothing."""

MEL_RATE, MEL_FRAME, MEL_HOP = 22_050, 2048, 525
"""What mel spectrograms are read at: Hz, samples, samples; 42 frames are a second, so that columns of one make whole ones."""


class Tags:
    """Words for what stands out in a clip, by thirds of a library."""

    name = form = "tags"

    def __init__(self, library: Library):
        self._library = library
        at = {name: column for column, name in enumerate(library.space.names)}
        measured = np.any(np.isfinite(library.scores), axis=0)  # short clips have no structure
        self._tags = [(at[name], low, high) for name, low, high in TAGS if name in at and measured.tolist()[at[name]]]
        columns = [column for column, *_ in self._tags]
        scores = library.scores[:, columns]
        self._cuts = np.nanquantile(scores, [1 / 3, 2 / 3], axis=0)
        third = (scores > self._cuts[0]).astype(int) + (scores > self._cuts[1])
        self._means = np.array(
            [[np.mean(s[t == n]) if (t == n).any() else 0.0 for n in range(3)]
             for s, t in zip(np.nan_to_num(scores).T, third.T, strict=True)]
        )  # fmt: skip

    def describe(self, sound: Sound) -> str:
        """Say what stands out."""
        scores = self._library.space.standardize(self._library.rows([sound]))[0]
        said = []
        for (column, low, high), (first, second) in zip(self._tags, self._cuts.T, strict=True):
            if scores[column] <= first:
                said.append(low)
            elif scores[column] > second:
                said.append(high)
        return ", ".join(said) or NOTHING_SAID

    def place(self, description: str) -> np.ndarray:
        """Standard scores that the words stand for: the mean of their third of the library, shape (tags,)."""
        words = description.split(", ")
        thirds = [0 if low in words else 2 if high in words else 1 for _, low, high in self._tags]
        return self._means[np.arange(len(thirds)), thirds]

    def places(self, library: Library) -> np.ndarray:
        """Standard scores of clips, shape (n, tags)."""
        return np.nan_to_num(library.scores[:, [column for column, *_ in self._tags]])

    def scores(self, description: str) -> Mapping[str, float]:
        """What the words say of descriptors, as standard scores; nothing of what they do not mention."""
        words = description.split(", ")
        said = zip(self._tags, self.place(description), strict=True)
        return {
            self._library.space.names[column]: float(score)
            for (column, low, high), score in said
            if low in words or high in words
        }


class Levels:
    """Every descriptor as one of a few levels, cut at quantiles of a library.

    Parameters
    ----------
    library : Library
    levels : int
        2 to 64.

    Raises
    ------
    ValueError
        `levels` is outside its range.
    """

    form = "levels"

    def __init__(self, library: Library, levels: int = 4):
        if not 2 <= levels <= 64:
            raise ValueError(f"levels must lie between 2 and 64, not {levels}")
        self.name, self._library = f"levels-{levels}", library
        scores = library.scores
        measured = np.any(
            np.isfinite(scores), axis=0
        )  # of what no clip has, every level stands for the reference's median
        self._cuts = np.nanquantile(np.where(measured, scores, 0), np.arange(1, levels) / levels, axis=0)
        level = self._levels(scores)
        sums, counts = np.zeros((2, levels, scores.shape[1]))
        for n in range(levels):
            counts[n], sums[n] = (level == n).sum(axis=0), np.where(level == n, scores, 0).sum(axis=0)
        self._means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)

    def _levels(self, scores: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(scores), -1, (scores[:, None] > self._cuts).sum(axis=1)).astype(np.int8)

    def describe(self, sound: Sound) -> np.ndarray:
        """Return the level of each descriptor, from 0; -1 where it has none."""
        return self._levels(self._library.space.standardize(self._library.rows([sound])))[0]

    def _scores(self, description: np.ndarray) -> np.ndarray:
        scores = self._means[np.maximum(description, 0), np.arange(len(description))]
        return np.where(description < 0, np.nan, scores)

    def place(self, description: np.ndarray) -> np.ndarray:
        """Coordinates of the mean of each level, as those of `Library.points`, shape (d,)."""
        return np.nan_to_num(self._scores(description)) * self._library.weights

    def places(self, library: Library) -> np.ndarray:
        """Coordinates of clips, shape (n, d)."""
        return library.points

    def scores(self, description: np.ndarray) -> Mapping[str, float]:
        """What the levels say of descriptors, as standard scores."""
        said = zip(self._library.space.names, self._scores(description), strict=True)
        return {name: float(score) for name, score in said if np.isfinite(score)}


@dataclass(frozen=True)
class LeadSheet:
    """What a band would need to play something like it.

    Attributes
    ----------
    tempo : int
        Beats per minute, to the nearest 4; 0 where there is no pulse.
    tonic : int
        Pitch class of the key, 0 (C) to 11; -1 where there is none.
    minor : bool
    chords : tuple of str
        The chord that lasts longest in each bar of four beats (of two seconds, where there is no pulse), as in `CHORDS`;
        "-" where none sounds.
    form : str
        A letter for each four bars: the same where three chords of four are.
    """

    tempo: int
    tonic: int
    minor: bool
    chords: tuple[str, ...]
    form: str

    @property
    def bar(self) -> float:
        """Seconds that a bar lasts."""
        return 240 / self.tempo if self.tempo else 2.0

    def __str__(self) -> str:
        key = f"{PITCH_CLASSES[self.tonic]} {'minor' if self.minor else 'major'}" if self.tonic >= 0 else "no key"
        tempo = f"{self.tempo} BPM" if self.tempo else "no pulse"
        return f"{tempo}, {key}, {self.form}: {' '.join(self.chords)}"


class LeadSheets:
    """Tempo, key, chords and form of a clip."""

    name = form = "leadsheet"

    def describe(self, sound: Sound) -> LeadSheet:
        """Listen; an AudioError where the clip is shorter than half a second."""
        row = dict(zip(DESCRIPTORS, sound.row, strict=True))
        spectra = analyse(sound.audio())
        envelope, harmony = onset_envelope(spectra), hear(spectra)
        bpm = row["rhythm.tempo.bpm"]
        if np.isfinite(bpm):
            beats = find_beats(envelope, 60 / bpm * ONSET_FRAMES_PER_SECOND) / ONSET_FRAMES_PER_SECOND
            bars = np.append(beats[::4], beats[::4][-1] + 240 / bpm)
            bars = bars[bars <= spectra.seconds + 60 / bpm]
        else:
            bars = np.arange(0, spectra.seconds + 1, 2.0)
        chords, _ = name_chords(harmony.chroma)
        # readings are twice a second, each of the second that begins there
        hop = max(1, round(PITCH_FRAMES_PER_SECOND)) // 2 / PITCH_FRAMES_PER_SECOND
        middle = np.arange(len(chords)) * hop + 0.5
        named = []
        for start, end in pairwise(bars.tolist()):
            inside = chords[(middle >= start) & (middle < end)]
            named.append(CHORDS[int(np.bincount(inside).argmax())] if len(inside) else "-")
        key = [row[f"tonality.key.{part}"] for part in ("cos", "sin", "mode")]
        tonic, minor = -1, False
        if np.isfinite(key).all():
            said, mode = key_name(*map(float, key)).split()
            tonic, minor = PITCH_CLASSES.index(said), mode == "minor"
        tempo = int(4 * round(bpm / 4)) if np.isfinite(bpm) else 0
        return LeadSheet(tempo, tonic, minor, tuple(named), _form(named))

    def place(self, description: LeadSheet) -> np.ndarray:
        """Tempo, key and chords as numbers, shape (29,): an octave of tempo, the opposite key, all other chords are alike."""
        fifths = 2 * np.pi * (7 * (description.tonic + 3 * description.minor) % 12) / 12
        key = [np.cos(fifths), np.sin(fifths), float(description.minor)] if description.tonic >= 0 else [0.0, 0.0, 0.5]
        used = [CHORDS.index(chord) for chord in description.chords if chord in CHORDS]
        share = np.bincount(used, minlength=len(CHORDS)) / max(1, len(used))
        tempo = np.log2(description.tempo / 110) if description.tempo else 0.0
        sections = len(set(description.form)) / max(1, len(description.form))
        return np.array([2 * tempo, *key, *np.sqrt(share), sections])

    def places(self, library: Library) -> np.ndarray:
        """Those of clips, shape (n, 29)."""
        return np.array([self.place(self.describe(sound)) for sound in library.sounds])


def _form(chords: list[str]) -> str:
    known: list[list[str]] = []
    letters = ""
    for start in range(0, len(chords), 4):
        four = chords[start : start + 4]
        match = [
            n
            for n, other in enumerate(known)
            if sum(one == two for one, two in zip(four, other, strict=False)) >= 0.75 * len(four)
        ]
        if not match:
            known.append(four)
        letters += chr(ord("A") + min(25, match[0] if match else len(known) - 1))
    return letters


class CoarseMel:
    """A mel spectrogram that is coarse in pitch and in time.

    Parameters
    ----------
    bands : int
        Mel bands up to 11 kHz, 4 to 128.
    step : float
        Seconds of a column, .05 or more.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """

    name = form = "mel"

    def __init__(self, bands: int = 24, step: float = 0.5):
        if not 4 <= bands <= 128:
            raise ValueError(f"bands must lie between 4 and 128, not {bands}")
        if not step >= 0.05:
            raise ValueError(f"step must be .05 s or more, not {step}")
        self.bands, self.step = bands, step

    def describe(self, sound: Sound) -> np.ndarray:
        """Return levels in whole dB, shape (bands, columns); an AudioError where the clip is shorter than two columns."""
        from librosa.feature import melspectrogram

        mono = at_rate(sound, MEL_RATE)
        per = round(self.step * MEL_RATE / MEL_HOP)
        power = melspectrogram(y=mono, sr=MEL_RATE, n_fft=MEL_FRAME, hop_length=MEL_HOP, n_mels=self.bands)
        columns = power.shape[1] // per
        if columns < 2:
            raise UnsuitableAudio(f"{sound.name}: shorter than two columns of {self.step:g} s.")
        mean = power[:, : columns * per].reshape(self.bands, columns, per).mean(axis=2)
        return np.round(10 * np.log10(np.maximum(mean, 1e-8))).astype(np.int16)

    def place(self, description: np.ndarray) -> np.ndarray:
        """Mean and standard deviation of each band in units of 10 dB, shape (2 bands,)."""
        return np.concatenate([description.mean(axis=1), description.std(axis=1)]) / 10

    def places(self, library: Library) -> np.ndarray:
        """Those of clips, shape (n, 2 bands)."""
        return np.array([self.place(self.describe(sound)) for sound in library.sounds])


class Labels:
    """What a model of transformers says of a clip: classifiers' labels, the likeliest first, or a captioner's text.

    Parameters
    ----------
    model : str
        Of the Hugging Face hub, or a folder.
    task : str
        A pipeline that takes sound: "audio-classification", "zero-shot-audio-classification" (CLAP; asked for the words
        of `TAGS`) or "automatic-speech-recognition" (captioners of Whisper's architecture).
    most : int
        Labels that are said.

    Raises
    ------
    ChartropyError
        transformers is not installed.
    """

    form = "text"

    def __init__(self, model: str, task: str = "audio-classification", most: int = 5):
        self.name, self._most = f"labels:{model}", most
        self._asked = {}
        if task == "zero-shot-audio-classification":
            self._asked = {"candidate_labels": [word for _, *words in TAGS for word in words]}
        self._pipeline: Any = transformers().pipeline(task, model=model)

    def describe(self, sound: Sound) -> str:
        """Ask the model."""
        said = self._pipeline(at_rate(sound, int(self._pipeline.feature_extractor.sampling_rate)), **self._asked)
        if isinstance(said, dict):
            return str(said["text"]).strip()
        return ", ".join(str(one["label"]) for one in said[: self._most])


def transformers() -> Any:
    """Return the library; a ChartropyError that says what to install where it is not there."""
    try:
        import transformers as library  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ChartropyError(
            "Captioners and text-to-music models need transformers and PyTorch: pip install transformers torch."
        ) from error
    return library


def at_rate(sound: Sound, rate: int) -> np.ndarray:
    """All channels of a sound in one, at a rate, shape (frames,), float32."""
    import soxr

    audio = sound.audio()
    mono = np.ascontiguousarray(audio.samples.mean(axis=0), dtype=np.float32)
    return mono if audio.rate == rate else np.asarray(soxr.resample(mono, audio.rate, rate), dtype=np.float32)
