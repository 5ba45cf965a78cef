"""What a loop can make sound with.

==========================  ==============================  ===================================================
name                        takes                           what it makes
==========================  ==============================  ===================================================
``nearest``                 tags, levels, leadsheet, mel    the clip of a library that fits the description best
``concat``                  leadsheet, mel                  a new clip of seconds of the library's clips
``synth``                   tags, levels, leadsheet         a song of `chartropy.audio.synthesize`
``griffinlim``              mel                             a sound with that spectrogram, its phase guessed
``text-to-audio:MODEL``     tags, leadsheet, text           what a model of transformers makes of the words
==========================  ==============================  ===================================================
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..audio.decode import Audio
from ..audio.synthesize import FORMS, PROGRESSIONS, SongPlan, draw_plan, perform
from ..features.spectra import PITCH_FRAMES_PER_SECOND, RATE, analyse
from ..features.tonality import CHORDS, PITCH_CLASSES, hear, key_name
from ..workspace.errors import AudioError, UnsuitableAudio
from .describers import (
    MEL_FRAME,
    MEL_HOP,
    MEL_RATE,
    CoarseMel,
    Labels,
    LeadSheet,
    LeadSheets,
    Levels,
    Tags,
    transformers,
)
from .loop import Describer, Library, Maker, Sound

TAKES = {
    "nearest": ("tags", "levels", "leadsheet", "mel"),
    "concat": ("leadsheet", "mel"),
    "synth": ("tags", "levels", "leadsheet"),
    "griffinlim": ("mel",),
    "text-to-audio:MODEL": ("tags", "leadsheet", "text"),
}
"""Forms of description that each maker takes."""

DESCRIBERS = ("tags", "levels-N", "leadsheet", "mel", "labels:MODEL")
"""What describers are called; N levels are 2 to 64."""

_FADE = 0.05  # seconds in which one unit gives way to the next
_CANDIDATES = 16  # units that fit best, from which the join decides


def describer_named(name: str, library: Library) -> Describer:
    """Return the describer that is called so.

    Parameters
    ----------
    name : str
        One of `DESCRIBERS`; of a model, ``labels:MODEL``, or ``labels:TASK:MODEL`` with the pipeline's task.
    library : Library
        By which words and levels are cut.

    Raises
    ------
    ValueError
        There is none.
    """
    _form_named(name)
    kind, _, rest = name.partition(":")
    if kind == "labels":
        task, _, model = rest.rpartition(":")
        return Labels(model, task) if task else Labels(model)
    if name == "tags":
        return Tags(library)
    if name == "leadsheet":
        return LeadSheets()
    if name == "mel":
        return CoarseMel()
    return Levels(library, int(name.removeprefix("levels-")))


def maker_named(name: str, describer: Describer, library: Library, *, seconds: float = 20.0) -> Maker:
    """Return the maker that is called so, for the descriptions of a describer.

    Parameters
    ----------
    name : str
        One of `TAKES`; of a model, ``text-to-audio:MODEL``.
    describer : Describer
    library : Library
        Whose clips it knows.
    seconds : float
        Length of what the synthesizer makes.

    Raises
    ------
    ValueError
        There is none, or it does not take such descriptions.
    """
    kind = _kind_that_takes(name, describer.form, describer.name)
    match kind:
        case "nearest":
            return Nearest(library, describer)
        case "concat":
            return Concatenation(library)
        case "synth":
            return Synthesizer(library, describer, seconds=seconds)
        case "griffinlim":
            return GriffinLim()
        case _:
            return TextToAudio(name.removeprefix("text-to-audio:"))


def check_pair(describer: str, maker: str) -> None:
    """Raise a ValueError where there is no such describer or maker, or the two do not fit; before anything is heard."""
    _kind_that_takes(maker, _form_named(describer), describer)


def _form_named(describer: str) -> str:
    kind, colon, rest = describer.partition(":")
    if describer in ("tags", "leadsheet", "mel"):
        return describer
    if kind == "labels" and rest:
        return "text"
    levels = describer.removeprefix("levels-")
    if colon or levels == describer or not levels.isdecimal():
        raise ValueError(f"there is no describer {describer!r}: choose one of {', '.join(DESCRIBERS)}")
    if not 2 <= int(levels) <= 64:
        raise ValueError(f"levels must lie between 2 and 64, not {levels}")
    return "levels"


def _kind_that_takes(maker: str, form: str, describer: str) -> str:
    """What the maker is called without its model."""
    kind = "text-to-audio:MODEL" if maker.startswith("text-to-audio:") else maker
    if kind not in TAKES:
        raise ValueError(f"there is no maker {maker!r}: choose one of {', '.join(TAKES)}")
    if form not in TAKES[kind]:
        fit = [one for one, takes in TAKES.items() if form in takes]
        forms = [
            one for one in DESCRIBERS if {"levels-N": "levels", "labels:MODEL": "text"}.get(one, one) in TAKES[kind]
        ]
        raise ValueError(
            f"maker {maker!r} makes nothing of what describer {describer!r} says: "
            f"with it go the makers {', '.join(fit)}; with {maker!r} the describers {', '.join(forms)}"
        )
    return kind


class Nearest:
    """The clip of a library that fits a description best: whose place lies nearest to that of the description.

    The same description always gives the same clip, so a loop of it is a map of the library into itself, and every chain
    ends in a cycle.

    Parameters
    ----------
    library : Library
    describer : Describer
        With `place` and `places`; all but `Labels` have them.
    """

    name, takes = "nearest", TAKES["nearest"]

    def __init__(self, library: Library, describer: Any):
        self._library, self._describer = library, describer
        self.takes = (describer.form,)
        self._places = describer.places(library)

    def make(self, description: Any, rng: np.random.Generator) -> Sound:  # noqa: ARG002 - nothing is left to chance
        """Return the clip; of several at the same distance, the first."""
        off = self._places - self._describer.place(description)
        return self._library.sounds[int(np.square(off).sum(axis=1).argmin())]


class Concatenation:
    """Concatenative resynthesis: seconds of a library's clips, chosen by how well they fit and join.

    Parameters
    ----------
    library : Library
        Every clip is decoded and listened to once, here. Clips that cannot be are left out.
    join : float
        Weight of a poor join against a poor fit.

    References
    ----------
    A. Hunt, A. Black: Unit selection in a concatenative speech synthesis system, ICASSP 1996; D. Schwarz: Concatenative
    sound synthesis: the early years, Journal of New Music Research 35, 2006.
    """

    name, takes = "concat", TAKES["concat"]

    def __init__(self, library: Library, join: float = 0.5):
        self._library, self._join = library, join
        self._mel = CoarseMel()
        units, levels, chroma = [], [], []
        wrong = self.problems = []
        for clip, sound in enumerate(library.sounds):
            try:
                mel, heard = self._mel.describe(sound), hear(analyse(sound.audio())).chroma
            except AudioError as error:
                wrong.append(str(error))
                continue
            for second in range(mel.shape[1] // 2):
                edges = [round(PITCH_FRAMES_PER_SECOND * part) for part in (second, second + 1)]
                units.append((clip, second))
                levels.append(mel[:, 2 * second : 2 * second + 2] / 10)
                chroma.append(_unit(heard[edges[0] : edges[1]].sum(axis=0)))
        if not units:
            why = f"{len(wrong)} cannot be read, the first: {wrong[0]}" if wrong else "none is a second long."
            raise UnsuitableAudio(f"Of the library's {len(library.sounds)} clips there is no second to join: {why}")
        self._units = np.array(units)
        self._levels, self._chroma = np.array(levels), np.array(chroma)
        self._decoded = lru_cache(maxsize=32)(lambda clip: _stereo(library.sounds[clip].audio()))

    def make(self, description: np.ndarray | LeadSheet, rng: np.random.Generator) -> Sound:  # noqa: ARG002
        """Choose a unit for each second and join them."""
        costs = self._costs(description)
        best = np.argsort(costs, axis=1, kind="stable")[:, :_CANDIDATES]
        total = np.take_along_axis(costs, best[:1], axis=1)[0]
        backwards = []
        for place in range(1, len(best)):
            joined = total[:, None] + self._join * self._joins(best[place - 1], best[place])
            backwards.append(joined.argmin(axis=0))
            total = joined.min(axis=0) + costs[place, best[place]]
        chosen = [int(total.argmin())]
        for back in reversed(backwards):
            chosen.append(int(back[chosen[-1]]))
        path = [int(units[at]) for units, at in zip(best, reversed(chosen), strict=True)]
        return Sound(self._joined(path), "concatenation")

    def _costs(self, description: np.ndarray | LeadSheet) -> np.ndarray:
        """How badly each unit fits each second, shape (seconds, units)."""
        if isinstance(description, LeadSheet):
            chords, bar = description.chords or ("-",), description.bar
            middles = np.arange(max(2, round(len(chords) * bar))) + 0.5
            names = [chords[min(int(middle / bar), len(chords) - 1)] for middle in middles]
            return np.array([1 - self._chroma @ _triad(name) for name in names])
        pairs = description.shape[1] // 2
        wanted = description[:, : 2 * pairs].reshape(len(description), pairs, 2).transpose(1, 0, 2) / 10
        if len(description) != self._levels.shape[1]:
            raise ValueError(f"description must be of {self._levels.shape[1]} bands, not {len(description)}")
        flat, want = self._levels.reshape(len(self._levels), -1), wanted.reshape(pairs, -1)
        squares = (want**2).sum(axis=1)[:, None] + (flat**2).sum(axis=1) - 2 * want @ flat.T
        return np.maximum(squares, 0) / flat.shape[1]

    def _joins(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """How badly units join, shape (before, after): 0 where one follows the other in its clip."""
        off = self._levels[before, :, 1][:, None] - self._levels[after, :, 0]
        cost = np.square(off).mean(axis=2)
        follows = self._units[before][:, None] + np.array([0, 1]) == self._units[after]
        return np.where(follows.all(axis=2), 0, cost)

    def _joined(self, path: list[int]) -> Audio:
        fade = round(_FADE * RATE)
        rise = np.linspace(0, 1, fade, dtype=np.float32)
        out = np.zeros((2, len(path) * RATE + fade), np.float32)
        for place, unit in enumerate(path):
            clip, second = self._units[unit]
            piece = self._decoded(int(clip))[:, second * RATE : (second + 1) * RATE + fade].copy()
            if place:
                piece[:, :fade] *= rise
            if piece.shape[1] > RATE:  # what lies behind the second fades out under the next
                piece[:, RATE:] *= rise[::-1][: piece.shape[1] - RATE]
            out[:, place * RATE : place * RATE + piece.shape[1]] += piece
        return Audio(out, RATE, name="concatenation")


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _triad(chord: str) -> np.ndarray:
    """The three notes of a chord as a unit vector of pitch classes; nothing where there is no chord."""
    if chord not in CHORDS:
        return np.zeros(12)
    mode, root = divmod(CHORDS.index(chord), 12)
    return _unit(np.isin(np.arange(12), [(root + step) % 12 for step in (0, 3 if mode else 4, 7)]).astype(float))


def _stereo(audio: Audio) -> np.ndarray:
    """Two channels at `RATE`."""
    import soxr

    samples = audio.samples[:2] if audio.channels > 1 else np.repeat(audio.samples, 2, axis=0)
    if audio.rate != RATE:
        samples = soxr.resample(np.ascontiguousarray(samples.T), audio.rate, RATE).T
    return np.asarray(samples, dtype=np.float32)


class Synthesizer:
    """A song of `chartropy.audio.synthesize` with the tempo, key, chords, brightness, … that were described.

    What the description does not say is drawn anew each time. The songs resemble music enough to be measured, not more.

    Parameters
    ----------
    library : Library
    describer : Describer
        Of tags or levels, whose `scores` say what a description means; or of lead sheets.
    seconds : float
        Length of a song.
    """

    name, takes = "synth", TAKES["synth"]

    def __init__(self, library: Library, describer: Any, *, seconds: float = 20.0):
        self._space, self._describer, self._seconds = library.space, describer, seconds

    def make(self, description: Any, rng: np.random.Generator) -> Sound:
        """Perform it."""
        seed = int(rng.integers(2**31))
        drawn = draw_plan(seed)
        if isinstance(description, LeadSheet):
            plan = _plan_of_sheet(description, drawn)
        else:
            plan = self._plan_of_scores(self._describer.scores(description), drawn)
        return Sound(perform(plan, seed, seconds=self._seconds), f"song {seed}")

    def _plan_of_scores(self, scores: dict[str, float], drawn: SongPlan) -> SongPlan:
        from scipy.special import ndtr

        at = {name: place for place, name in enumerate(self._space.names)}

        def number(name: str) -> float | None:
            if name not in scores:
                return None
            return float(self._space.centers[at[name]] + scores[name] * self._space.scales[at[name]])

        found: dict[str, Any] = {}
        if (tempo := number("rhythm.tempo.bpm")) is not None:
            found["tempo"] = float(np.clip(tempo, 70, 170))
        if (majorness := number("tonality.key.majorness")) is not None:
            found["minor"] = majorness < 0
        cosine, sine = (number(f"tonality.key.{part}") for part in ("cos", "sin"))
        if cosine is not None and sine is not None and "minor" in found:
            angle = float(np.arctan2(sine, cosine))
            said = key_name(np.cos(angle), np.sin(angle), float(not found["minor"]))
            found["tonic"] = PITCH_CLASSES.index(said.split()[0])
        for part, name, low, high in (
            ("density", "rhythm.onset.rate", 0.25, 0.8),
            ("brightness", "timbre.centroid.mean", 0.0, 1.0),
            ("air", "timbre.flatness.mean", 0.0, 1.0),
            ("drums", "rhythm.onset_strength.mean", 0.45, 1.0),
            ("lead", "vocals.presence", 0.4, 1.0),
            ("drive", "dynamics.crest", 2.5, 0.6),
        ):
            if name in scores:
                found[part] = float(low + (high - low) * ndtr(scores[name]))
        return replace(drawn, **found)


def _plan_of_sheet(sheet: LeadSheet, drawn: SongPlan) -> SongPlan:
    """The plan whose progressions come nearest to the chords of the first two different sections."""
    found: dict[str, Any] = {}
    if sheet.tempo:
        found["tempo"] = float(np.clip(sheet.tempo, 70, 170))
    if sheet.tonic < 0:
        return replace(drawn, **found)
    found |= {"tonic": sheet.tonic, "minor": sheet.minor}
    scale = (0, 2, 3, 5, 7, 8, 10) if sheet.minor else (0, 2, 4, 5, 7, 9, 11)
    for part, letter in (("verse", "A"), ("chorus", "B")):
        at = sheet.form.find(letter)
        if at < 0:
            continue
        roots = [CHORDS.index(c) % 12 if c in CHORDS else -1 for c in sheet.chords[4 * at : 4 * at + 4]]
        fits = [
            sum((sheet.tonic + scale[step]) % 12 == root for step, root in zip(progression, roots, strict=False))
            for progression in PROGRESSIONS
        ]
        found[part] = int(np.argmax(fits))
    said = "".join(letter if letter in "AB" else "C" for letter in sheet.form[:4])
    fits = [sum(one == two for one, two in zip(form, said, strict=False)) for form in FORMS]
    return replace(drawn, **found, form=FORMS[int(np.argmax(fits))])


class GriffinLim:
    """A sound with the described spectrogram, whose phase is found by iteration; mono.

    Parameters
    ----------
    iterations : int
        Of the algorithm of Griffin and Lim; 1 or more.

    References
    ----------
    D. Griffin, J. Lim: Signal estimation from modified short-time Fourier transform, IEEE Transactions on Acoustics, Speech,
    and Signal Processing 32, 1984; N. Perraudin, P. Balazs, P. Søndergaard: A fast Griffin-Lim algorithm, WASPAA 2013.
    """

    name, takes = "griffinlim", TAKES["griffinlim"]

    def __init__(self, iterations: int = 16):
        if iterations < 1:
            raise ValueError(f"iterations must be 1 or more, not {iterations}")
        self._iterations = iterations

    def make(self, description: np.ndarray, rng: np.random.Generator) -> Sound:
        """Sound the spectrogram; columns are joined on straight lines of level."""
        from inspect import signature

        from librosa import griffinlim
        from librosa.filters import mel as mel_bank

        seed_is_called = (
            "rng" if "rng" in signature(griffinlim).parameters else "random_state"
        )  # librosa 1.0, before it
        bands, columns = description.shape
        bank = mel_bank(sr=MEL_RATE, n_fft=MEL_FRAME, n_mels=bands)
        # a band's power is spread evenly over its bins: of all spectra with these bands the smoothest
        spread = (bank > 0) * bank / np.maximum((bank**2).sum(axis=1, keepdims=True), 1e-12)
        cover = np.maximum((bank / np.maximum(bank.max(axis=1, keepdims=True), 1e-12)).sum(axis=0), 1e-6)
        frames = np.arange(columns * round(CoarseMel().step * MEL_RATE / MEL_HOP))
        places = np.arange(columns) * (len(frames) / columns) + len(frames) / columns / 2
        level = np.array([np.interp(frames, places, band) for band in description.astype(float)])
        power = spread.T @ 10 ** (level / 10) / cover[:, None]
        # the bank is not orthogonal: one correction makes the bands what they shall be, to about a decibel
        heard = bank @ power
        gain = (bank.T @ (10 ** (level / 10) / np.maximum(heard, 1e-12))) / np.maximum(bank.sum(axis=0), 1e-12)[:, None]
        magnitude = np.sqrt(np.maximum(power * gain, 0)).astype(np.float32)
        samples = griffinlim(
            magnitude,
            n_iter=self._iterations,
            hop_length=MEL_HOP,
            n_fft=MEL_FRAME,
            **{seed_is_called: int(rng.integers(2**31))},  # pyright: ignore[reportArgumentType]
        )
        # peaks above full scale stay: nothing is written to a file, and softer it would not be as described
        return Sound(Audio(np.asarray(samples, np.float32)[None], MEL_RATE, name="Griffin-Lim"), "Griffin-Lim")


class TextToAudio:
    """What a text-to-audio model of transformers, such as MusicGen, makes of words.

    Parameters
    ----------
    model : str
        Of the Hugging Face hub, or a folder.
    tokens : int
        How much it makes; MusicGen makes 50 a second.

    Raises
    ------
    ChartropyError
        transformers is not installed.
    """

    takes = TAKES["text-to-audio:MODEL"]

    def __init__(self, model: str, tokens: int = 1000):
        self.name, self._tokens = f"text-to-audio:{model}", tokens
        self._transformers = transformers()
        self._pipeline: Any = self._transformers.pipeline("text-to-audio", model=model)

    def make(self, description: object, rng: np.random.Generator) -> Sound:
        """Ask the model; its chance comes from `rng`, on the same machine and version."""
        self._transformers.set_seed(int(rng.integers(2**31)))
        options = {"do_sample": True, "max_new_tokens": self._tokens}
        made = self._pipeline(f"music: {description}", forward_params=options)
        samples = np.asarray(made["audio"], dtype=np.float32)
        samples = np.atleast_2d(samples.reshape(samples.shape[-2:]) if samples.ndim > 2 else samples)
        if not samples.size:
            raise UnsuitableAudio(f"{self.name} made nothing of {str(description)[:60]!r}.")
        return Sound(Audio(samples, int(made["sampling_rate"]), name=self.name), self.name)
