"""Blind listening tests: a page that people listen on, the key that stays with its maker, and what the answers say.

The page holds no label: an item's name is a hash of its sound and a random salt, and stands in no order that tells. Clips
are made alike (:func:`alike`), so that nothing but the music tells them apart.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..analysis import listening
from ..audio.decode import Audio, decode
from ..workspace.errors import AudioError, SettingsError, UnsuitableAudio
from ..workspace.files import write_text
from . import figures
from .drawing import csv as csv_of
from .drawing import markup
from .weekly import Track, plainly
from .words import ENGLISH, Words

log = logging.getLogger(__name__)

FORMAT = "chartropy-listening/1"
RATE = 44_100
KILOBITS = 192
CEILING_HZ = 16_000.0
"""Nothing above it is kept: many files end there, and who hears more would hear which. Where an encoder or a low sampling
rate cut a clip off lower, nothing above that is kept of any."""
LOWEST_CEILING_HZ = 10_000.0
"""No clip is dulled further than that for another one's sake, which is named instead."""
CUT_OFF_DB = 20.0
"""So much lower is the kilohertz above a clip's bandwidth than the one below it, where it was cut off: music ends slowly."""
ONE_CHANNEL_DB = -35.0
"""Side over mid; two channels that differ by less sound as one."""
SILENT_DB = -60.0
"""Against the loudest twentieth of a second: what lies lower at the ends of a clip is left out."""
LOUDEST = -16.0
"""LUFS: no louder than this, and softer where a clip's peaks would not fit."""
HEADROOM = -1.0
"""dBTP: no clip's true peak is above it."""
SHORTEST = 5.0
"""Seconds; a shorter clip is no music to judge."""
FADE = 0.02
DULLER_HZ = 1_000.0
"""A clip that ends so far below the others is named."""
FARTHEST = 5.0
"""d′; figures cut intervals there: .99 of the hits and .01 of the false alarms are 4.65."""
NAMED = 5
"""Clips in one note; the key has all."""
MOST = 80
"""Clips; so many of 30 seconds take an hour, and a page of 80 MB."""
QUESTIONS = ("age", "musician")
POINTS = (4, 6)
KEY = "test item sound label group song title path repeat_of points seconds hear".split()
WAS = "bandwidth_hz cut_off_db width_db ceiling_hz".split()
"""Columns of a key, too: of a clip before it was made like the others, and what it was cut at."""
ENDING = ".key.csv"
COUNTED = {"pairs": "pairs of answers", "consistency": "pairs of answers", "agreement": "clips", "detector": "clips"}
"""What n counts, of measures that begin so; of the others it counts answers."""


@dataclass(frozen=True)
class Source:
    """A line of a manifest: a file or a link, what it is and what is known of it."""

    path: str
    label: str
    group: str = ""
    song: str = ""
    title: str = ""

    @property
    def link(self) -> bool:
        return "://" in self.path


@dataclass(frozen=True)
class Made:
    """A test that was made: its files, how many clips and items, what its maker should know, and which clips could not be used."""

    page: Path
    key: Path
    clips: int
    items: int
    notes: list[str]
    problems: list[str] = field(default_factory=list)


# -- making a test -----------------------------------------------------------------------------------------------------


def read_sources(given: Path | str | Sequence[Path | str]) -> list[Source]:
    """Read what a test is made of.

    Parameters
    ----------
    given : Path or str, or sequence of them
        One CSV with the columns ``path`` (relative to it, or an https link) and ``label`` (``ai`` or ``human``), optional
        ``generator``, ``source``, ``group``, ``song``, ``title``; or audio files in folders that are called ``ai`` and
        ``human``, or the folder that holds these two.

    Raises
    ------
    SettingsError
        It cannot be read, or says not of each clip what it is; with the line.
    """
    from .files import existing_audio, paths_of

    paths = paths_of(given)
    if len(paths) == 1 and paths[0].suffix.lower() == ".csv":
        return _manifest(paths[0])

    found = []
    for file in existing_audio(paths):
        label = file.absolute().parent.name.lower()
        if label not in ("ai", "human"):
            raise SettingsError(f"{file}: say what it is: give a manifest, or put it into a folder called ai or human.")
        found.append(Source(str(file.absolute()), label, title=file.stem))
    return found


def _manifest(path: Path) -> list[Source]:
    from ..analysis.train import read_manifest

    read_manifest(path, held_out=False)  # checks paths and labels, and says where they are wrong
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    found = []
    for row in rows:
        label, where = row["label"].strip().lower(), row["path"].strip()
        if "://" in where:
            parts = urlsplit(where)
            if parts.scheme != "https" or not parts.hostname or re.search(r"[\s;,'\"]", where):
                raise SettingsError(f"{path}: {where}: a link begins with https:// and has no spaces, quotes, ; or ,.")
        else:
            where = str((path.parent / where).absolute())
        group = row.get("generator" if label == "ai" else "source") or row.get("group") or ""
        found.append(Source(where, label, group, row.get("song") or "", row.get("title") or ""))
    return found


def make_test(
    sources: Sequence[Source],
    out: Path | str,
    *,
    points: int = 6,
    seconds: float = 30.0,
    hear: float = 10.0,
    repeats: int = 4,
    ask: Sequence[str] = (),
    title: str = "",
    by: str = "",
    words: Words = ENGLISH,
    salt: str | None = None,
    track: Track = plainly,
) -> Made:
    """Write the page of a listening test and, beside it, its key.

    Parameters
    ----------
    sources : sequence of Source
    out : Path or str
        The page, ``.html``; the key goes beside it, the same name with ``.key.csv``.
    points : int
        Of the scale, 4 or 6.
    seconds : float
        Length of the clips; all become as short as the shortest one.
    hear : float
        Seconds that a clip must be listened to before it can be answered.
    repeats : int
        Clips that come twice, as many of each kind as can be.
    ask : sequence of str
        Of `QUESTIONS`.
    title, by : str
        What the page is called, and who runs the test: shown to listeners.
    words : Words
    salt : str, optional
        Of the hashes. Default: random, the one thing here that another run makes otherwise: a salt that can be guessed
        hides nothing.
    track : callable
        Shows progress.

    Raises
    ------
    SettingsError
        An option cannot be used, or there is a key already: answers may have been given to its test.
    AudioError
        A file is silent.

    Notes
    -----
    A clip that cannot be read, or is too short, is left out and named in `problems`.
    """
    out = Path(out)
    _check(sources, out, points, seconds, hear, repeats, ask)
    salt = salt or secrets.token_hex(16)
    page, key = out, out.with_suffix(ENDING)
    linked = sources[0].link
    problems: list[str] = []
    were: list[dict[str, float]] = [{}] * len(sources)
    if linked:
        sounds, made, loudness = [""] * len(sources), seconds, LOUDEST
        notes = [
            f"Clips behind links are played as they are, their first {seconds:g} s: neither loudness nor bandwidth nor codec is "
            "made alike."
        ]
    else:
        clips, problems = _read(sources, seconds, track)
        sources = [source for source, clip in zip(sources, clips, strict=True) if clip]
        if problems:
            _check_kinds(sources, f" {len(problems)} cannot be used, the first: {problems[0]}")
        sounds, done, notes = _sounds([clip for clip in clips if clip], seconds, track)
        made, loudness = done.clips[0].seconds, done.loudness
        were = [
            dict(zip(WAS, (*(round(float(one), 1) for one in of_clip), round(done.ceiling_hz)), strict=True))
            for of_clip in zip(done.bandwidth_hz, done.cut_off_db, done.width_db, strict=True)
        ]
    hear = min(hear, made)
    if repeats > len(sources):
        notes.append(f"Repeats: each of the {len(sources)} clips comes twice, more cannot be.")

    def named(*what: object) -> str:
        return hashlib.sha256("\n".join((salt, *map(str, what))).encode()).hexdigest()[:12]

    rows = []
    for source, sound, was in zip(sources, sounds, were, strict=True):
        name = named("sound", source.path if linked else hashlib.sha256(sound.encode()).hexdigest())
        rows.append({"item": named("item", name), "sound": name, "label": source.label, "group": source.group,
                     "song": source.song, "title": source.title, "path": source.path, "repeat_of": "", **was})  # fmt: skip
    for one in ("sound", "item"):
        if len({row[one] for row in rows}) < len(rows):
            raise SettingsError("Two clips of this test are the same recording: name each once.")
    rows += [{**rows[place], "item": named("again", rows[place]["item"]), "repeat_of": rows[place]["item"]}
             for place in _repeated(rows, repeats)]  # fmt: skip
    rows.sort(key=lambda row: row["item"])
    test = named("test", points, seconds, hear, *(row["item"] for row in rows))
    common = {"test": test, "points": points, "seconds": round(made, 2), "hear": hear}
    items = [
        {"id": row["item"], "sound": row["sound"], "song": named("song", row["song"]) if row["song"] else ""}
        | ({"link": row["path"]} if linked else {})
        for row in rows
    ]
    hosts = sorted({f"https://{urlsplit(row['path']).netloc}" for row in rows}) if linked else []
    embedded = {row["sound"]: sound for row, sound in _first_of(rows, sources, sounds)} if not linked else {}
    embedded["practice"] = _practice(made, loudness)
    data = {"format": FORMAT, "type": "audio/mpeg", "items": items, **common}
    script = words.environment.get_template("listen.js").render().strip()
    written = words.environment.get_template("listen.html").render(
        data=data,
        items=items,
        sounds=sorted(embedded.items()),
        scale=[(rating, words.say("rating", rating, points)) for rating in range(points, 0, -1)],
        seconds=made,
        hear=hear,
        ask=ask,
        title=title,
        by=by,
        hosts=[host.removeprefix("https://") for host in hosts],
        media=" ".join(["blob:", *hosts]),
        script=Markup(script),  # noqa: S704 - a file of this package
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    write_text(key, csv_of(pd.DataFrame([row | common for row in rows]), KEY + WAS))
    write_text(page, written)
    return Made(page, key, len(sources), len(rows), notes, problems)


def _check(sources, out, points, seconds, hear, repeats, ask) -> None:
    if out.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"--out {out}: a page is a .html file.")
    if out.with_suffix(ENDING).exists():
        raise SettingsError(
            f"{out.with_suffix(ENDING)} is there already, and answers to its test cannot be read without it: choose "
            "another name, or remove it."
        )
    if points not in POINTS:
        raise SettingsError(f"--points {points}: choose {' or '.join(map(str, POINTS))}.")
    if not SHORTEST <= seconds <= 60:
        raise SettingsError(f"--seconds {seconds:g}: choose {SHORTEST:g} to 60.")
    if not 0 < hear <= seconds:
        raise SettingsError(f"--hear {hear:g}: choose more than 0, and no more than the {seconds:g} s of a clip.")
    if repeats < 0:
        raise SettingsError(f"--repeats {repeats}: choose 0 or more.")
    if unknown := set(ask) - set(QUESTIONS):
        raise SettingsError(f"--ask {min(unknown)}: choose of {', '.join(QUESTIONS)}.")
    if len(sources) > MOST:
        raise SettingsError(f"{len(sources)} clips: nobody listens to more than {MOST} in a row; choose fewer.")
    _check_kinds(sources)
    if len({source.link for source in sources}) > 1:
        raise SettingsError("Files and links cannot be mixed: listeners would hear, and could see, which is which.")


def _check_kinds(sources: Sequence[Source], why: str = "") -> None:
    if {source.label for source in sources} != {"ai", "human"}:
        raise SettingsError(
            f"A test needs AI clips and human ones: with one kind alone nothing can be told apart.{why}"
        )


def _read(sources: Sequence[Source], seconds: float, track: Track) -> tuple[list[Audio | None], list[str]]:
    """Each source's clip, None where it cannot be used, and why not."""
    clips: list[Audio | None] = []
    problems = []
    for one in track(sources, "clips", len(sources)):
        try:
            clip = _without_silent_ends(decode(Path(one.path), rate=RATE, max_seconds=seconds))
            if clip.seconds < SHORTEST:
                raise UnsuitableAudio(f"{clip.name}: {clip.seconds:.1f} s of sound; a clip needs {SHORTEST:g} s.")
        except AudioError as error:
            clips.append(None)
            problems.append(str(error))
        else:
            clips.append(clip)
    return clips, problems


def _sounds(clips: Sequence[Audio], seconds: float, track: Track) -> tuple[list[str], Alike, list[str]]:
    """Every clip, made alike and encoded; what they were, and what the maker should know."""
    made = alike(clips, track)
    sounds = list(track((_encoded(clip) for clip in made.clips), "encoded", len(clips)))
    return sounds, made, _notes(clips, made, seconds)


def _notes(clips: Sequence[Audio], made: Alike, seconds: float) -> list[str]:
    """What was done to clips, and which differ still."""
    names, notes = [Path(clip.name).name for clip in clips], []

    def some(places: Sequence[int], said: Callable[[int], str] = names.__getitem__) -> str:
        return ", ".join(map(said, places[:NAMED])) + " ..." * (len(places) > NAMED)

    of = f"of {len(clips)} clips"
    length = made.clips[0].seconds
    if length < seconds - 0.1:
        shortest = min(range(len(clips)), key=lambda place: clips[place].seconds)
        notes.append(f"Length: all clips are cut to {length:.1f} s, the length of {names[shortest]}.")
    narrow = [place for place, width in enumerate(made.width_db) if width < ONE_CHANNEL_DB]
    if made.clips[0].channels == 1 and len(narrow) < len(clips):
        notes.append(
            f"Width: {len(narrow)} {of} have one channel, or the same sound in both ({some(narrow)}): all were mixed down to one."
        )
    bandwidth, cut = made.bandwidth_hz, made.cut_off_db >= CUT_OFF_DB
    if made.ceiling_hz < CEILING_HZ:
        edges = np.where(cut & (bandwidth >= LOWEST_CEILING_HZ), bandwidth, np.inf)
        higher = int((bandwidth > made.ceiling_hz).sum())
        notes.append(
            f"Bandwidth: all clips are cut at {made.ceiling_hz / 1000:.1f} kHz, where {names[int(edges.argmin())]} was cut off "
            f"before ({min(np.partition(edges, 1)[1], CEILING_HZ) / 1000:.1f} kHz without it); {higher} {of} went higher."
        )
    if dull := [place for place in np.argsort(bandwidth) if bandwidth[place] < made.ceiling_hz - DULLER_HZ]:
        notes.append(
            f"Bandwidth: {len(dull)} {of} end lower still and may sound duller than the others: "
            + some(
                dull,
                lambda place: f"{names[place]} ({bandwidth[place] / 1000:.1f} kHz{', cut off' * bool(cut[place])})",
            )
            + ". Leave out those that are dull by their making and not by their music."
        )
    notes.append(f"Loudness: all clips play at {made.loudness:.1f} LUFS.")
    return notes


def _without_silent_ends(clip: Audio) -> Audio:
    block = RATE // 20
    whole = clip.samples[:, : clip.samples.shape[1] // block * block]
    power = np.square(whole).reshape(clip.channels, -1, block).mean(axis=(0, 2))
    sounds = np.flatnonzero(power > power.max(initial=0.0) * 10 ** (SILENT_DB / 10))
    if not len(sounds):
        raise UnsuitableAudio(f"{clip.name}: is silent.")
    end = None if sounds[-1] == len(power) - 1 else (sounds[-1] + 1) * block
    return replace(clip, samples=clip.samples[:, sounds[0] * block : end], file_seconds=0.0)


class Alike(NamedTuple):
    """Clips that were made alike, and what they were.

    Attributes
    ----------
    clips : list of Audio
    loudness : float
        Of each, in LUFS.
    ceiling_hz : float
        Nothing above it is left.
    bandwidth_hz, cut_off_db, width_db : numpy.ndarray
        By clip, before: ``production.bandwidth``, ``production.cutoff_drop`` and ``stereo.width`` of the descriptors. NaN
        where they have no number; `width_db` is -60 where there is one channel.
    """

    clips: list[Audio]
    loudness: float
    ceiling_hz: float
    bandwidth_hz: np.ndarray
    cut_off_db: np.ndarray
    width_db: np.ndarray


def alike(clips: Sequence[Audio], track: Track | None = None) -> Alike:
    """Take from clips what would tell them apart without their music.

    Each is cut to the middle of the shortest one's length; mixed down where any has one channel, or the same sound in both;
    without what lies above one frequency, `CEILING_HZ` or where the lowest of them was cut off before, but no lower than
    `LOWEST_CEILING_HZ`; brought to one loudness (ITU-R BS.1770-4, gated) by gain alone, with no limiter: `LOUDEST`, or the
    highest at which no true peak passes `HEADROOM`; and faded over `FADE` seconds at both ends.

    Parameters
    ----------
    clips : sequence of Audio
        At `RATE`.
    track : callable, optional
        Shows progress.

    Returns
    -------
    Alike

    Raises
    ------
    UnsuitableAudio
        A clip is silent.
    """
    from ..audio.disturb import mixed_down, muffled
    from ..features import dynamics
    from ..features.describe import describe
    from ..features.registry import DESCRIPTORS
    from ..features.spectra import Sound

    length = min(clip.samples.shape[1] for clip in clips)
    places = [
        list(DESCRIPTORS).index(name) for name in ("production.bandwidth", "production.cutoff_drop", "stereo.width")
    ]
    pieces, were = [], []
    for clip in track(clips, "measured", len(clips)) if track else clips:
        begin = (clip.samples.shape[1] - length) // 2
        pieces.append(replace(clip, samples=clip.samples[:2, begin : begin + length], file_seconds=0.0))
        were.append(describe(pieces[-1]).values[places])
    bandwidth, cut_off, width = np.array(were, float).T
    width[[clip.channels == 1 for clip in pieces]] = -60.0  # the lowest that the descriptor says
    mono = bool((width < ONE_CHANNEL_DB).any())
    edges = bandwidth[(cut_off >= CUT_OFF_DB) & (bandwidth >= LOWEST_CEILING_HZ)]
    ceiling = min([CEILING_HZ, *edges.tolist()])
    made, measured = [], []
    for clip in pieces:
        cut = muffled(_half_as_high(mixed_down(clip) if mono else clip), ceiling)
        sound = Sound.of(cut)
        blocks = dynamics.block_loudness(dynamics.step_power(sound), 4)
        loudness = dynamics.gated_loudness(blocks, -10.0)
        if loudness is None or not sound.peak:
            raise UnsuitableAudio(f"{clip.name}: is silent.")
        made.append(cut)
        measured.append((loudness, 20 * np.log10(dynamics.heights(sound).true_peak)))
    level = min(LOUDEST, *(loudness + HEADROOM - peak for loudness, peak in measured))
    ramp = np.ones(length, np.float32)
    short = round(FADE * RATE)
    ramp[:short] = np.linspace(0, 1, short)
    ramp[-short:] = ramp[:short][::-1]
    done = [
        replace(clip, samples=(clip.samples * np.float32(10 ** ((level - loudness) / 20)) * ramp).astype(np.float32))
        for clip, (loudness, _) in zip(made, measured, strict=True)
    ]
    return Alike(done, level, ceiling, bandwidth, cut_off, width)


def _half_as_high(clip: Audio) -> Audio:
    """With its peak at half of full scale: without its treble it may be higher, and what is clipped has new treble."""
    peak = np.abs(clip.samples).max(initial=0.0)
    return replace(clip, samples=clip.samples * np.float32(0.5 / peak)) if peak else clip


def _encoded(clip: Audio) -> str:
    """As MP3, which every browser plays, in letters."""
    import io

    import soundfile

    file = io.BytesIO()
    level = (320 - KILOBITS) / (320 - 32)  # libsndfile's scale from 0 (320 kbit/s) to 1 (32 kbit/s)
    soundfile.write(file, clip.samples.T, clip.rate, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="CONSTANT", compression_level=level)  # fmt: skip
    return base64.b64encode(file.getvalue()).decode()


def _practice(seconds: float, loudness: float) -> str:
    from ..audio.synthesize import synthesize

    own = alike([synthesize(7, seconds=min(max(seconds, SHORTEST), 15.0), rate=RATE)])
    gain = np.float32(10 ** (min(loudness - own.loudness, 0.0) / 20))
    return _encoded(replace(own.clips[0], samples=own.clips[0].samples * gain))


def _repeated(rows: Sequence[Mapping[str, str]], repeats: int) -> list[int]:
    """Which clips come twice: of each kind in turn, by their names, which are random."""
    kinds = [sorted((row["item"], place) for place, row in enumerate(rows) if row["label"] == label) for label in ("ai", "human")]  # fmt: skip
    turns = [place for pair in zip(*kinds, strict=False) for _, place in pair]
    rest = [place for kind in kinds for _, place in kind if place not in turns]
    return (turns + rest)[:repeats]


def _first_of(rows, sources, sounds):
    sound_of = {source.path: sound for source, sound in zip(sources, sounds, strict=True)}
    return [(row, sound_of[row["path"]]) for row in rows if not row["repeat_of"]]


# -- reading answers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answers:
    """Answers that were read.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per answer: ``listener, clip, ai, rating, points, known, heard, seconds, place, again, group, song, title``
        and what listeners said of themselves. `clip` names a sound; `again` marks its second presentation.
    problems : list of str
        Files, or answers in them, that could not be used, and why.
    simulated : bool
        Some come from :func:`simulate_files`.
    about : pandas.DataFrame
        The key.
    """

    table: pd.DataFrame
    problems: list[str]
    simulated: bool
    about: pd.DataFrame


def read_key(path: Path | str) -> pd.DataFrame:
    """Read the key of a test.

    Raises
    ------
    SettingsError
        It cannot be read, or is no key.
    """
    try:
        key = pd.read_csv(path, dtype=str, keep_default_na=False)
    except pd.errors.ParserError as error:
        raise SettingsError(f"--key {path}: is no key of a listening test, nor any CSV.") from error
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise SettingsError(f"--key {path}: cannot be read ({getattr(error, 'strerror', None) or error}).") from error
    if missing := [name for name in KEY if name not in key]:
        raise SettingsError(f"--key {path}: is no key of a listening test, it has no column {missing[0]!r}.")
    if key.empty or key["test"].nunique() != 1:
        raise SettingsError(f"--key {path}: holds {key['test'].nunique()} tests; a key is of one.")
    return key


def read_answers(given: Path | str | Sequence[Path | str], key: pd.DataFrame) -> Answers:
    """Read answer files; what cannot be used is named and left out.

    Parameters
    ----------
    given : Path or str, or sequence of them
        Files, or folders with ``.json`` files.
    key : pandas.DataFrame
        As :func:`read_key` gives it.

    Raises
    ------
    SettingsError
        A path is not there, or no file holds an answer.
    """
    from .files import paths_of

    paths = paths_of(given)
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise SettingsError(f"{path}: there is no such file or folder.")
        files += sorted(path.glob("*.json")) if path.is_dir() else [path]
    problems: list[str] = []
    heard_of: dict[str, tuple[Path, dict, list[dict]]] = {}
    for file in dict.fromkeys(files):
        try:
            told = _told(file, str(key["test"].iloc[0]))
        except ValueError as error:
            problems.append(f"{file}: {error}")
            continue
        rows, wrong = _answers_of(told, key)
        problems += [f"{file}: {one}" for one in wrong]
        if not rows:
            problems.append(f"{file}: holds no answer.")
            continue
        name = told["listener"]
        if name in heard_of:
            other = heard_of[name]
            problems.append(f"{file}: of the same listener as {other[0]}; the one with more answers counts.")
            if len(other[2]) >= len(rows):
                continue
        if len(rows) < len(key):
            log.info("%s: %d of %d answers", file, len(rows), len(key))
        heard_of[name] = (file, told, rows)
    if not files:
        raise SettingsError(f"No file of answers (.json) in {', '.join(map(str, paths))}.")
    if not heard_of:
        raise SettingsError(f"No file of {len(files)} holds answers to this test. The first: {problems[0]}")
    table = pd.DataFrame([row for *_, rows in heard_of.values() for row in rows])
    table = table.merge(
        key[["item", "sound", "label", "group", "song", "title", "points"]], on="item", validate="many_to_one"
    ).rename(columns={"sound": "clip"})
    table["ai"], table["points"] = table["label"] == "ai", table["points"].astype(int)
    table = table.sort_values(["listener", "place"], kind="stable", ignore_index=True)
    table["again"] = table.duplicated(["listener", "clip"])
    return Answers(table, problems, any(told.get("simulated") for _, told, _ in heard_of.values()), key)


def _told(file: Path, test: str) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise ValueError(f"is no JSON ({error}).") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ValueError("is no file of answers to a listening test.")
    if told.get("test") != test:
        raise ValueError(f"answers test {told.get('test')!r}, not {test!r}, which the key is of.")
    if not (isinstance(told.get("listener"), str) and re.fullmatch(r"[\w-]{1,64}", told["listener"])):
        raise ValueError("names no listener.")
    if not isinstance(told.get("answers"), list):
        raise ValueError("holds no list of answers.")
    return told


def _answers_of(told: Mapping[str, Any], key: pd.DataFrame) -> tuple[list[dict], list[str]]:
    items, points = set(key["item"]), int(key["points"].iloc[0])
    rows, wrong, done = [], [], set()
    about = told.get("about")
    about = about if isinstance(about, dict) else {}
    personal = {name: str(about[name])[:40] for name in QUESTIONS if name in about}
    for number, one in enumerate(told["answers"], 1):
        item, rating = (one.get("item"), one.get("rating")) if isinstance(one, dict) else (None, None)
        if item not in items:
            wrong.append(f"answer {number}: {item!r} is no item of this test.")
        elif item in done:
            wrong.append(f"answer {number}: item {item} was answered before.")
        elif one.get("broken") is True:
            wrong.append(f"answer {number}: item {item} could not be played.")
        elif isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= points:
            wrong.append(f"answer {number}: rating {rating!r} is no whole number from 1 to {points}.")
        else:
            done.add(item)
            rows.append({"listener": told["listener"], "item": item, "rating": rating, "place": number,
                         "known": one.get("known") is True, "heard": _number(one.get("heard")),
                         "seconds": _number(one.get("seconds")), **personal})  # fmt: skip
    return rows, wrong


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else np.nan


def simulate_files(key: pd.DataFrame, listeners: int, out: Path, *, d_prime: float = 1.0, seed: int = 0) -> list[Path]:
    """Write answer files of listeners who do not exist, to try an analysis before anybody is asked.

    Parameters
    ----------
    key : pandas.DataFrame
    listeners : int
    out : Path
        A folder.
    d_prime, seed
        As for :func:`chartropy.analysis.listening.simulate`; other values are its defaults.

    Raises
    ------
    SettingsError
        The folder holds answers already: they would count among the new ones, or be written over.
    """
    if there := sorted(out.glob("*.json")):
        raise SettingsError(
            f"{out} holds {len(there)} .json files already, such as {there[0].name}: all answers of a folder count together, so "
            "name another one, or empty it."
        )
    clips = key[key["repeat_of"] == ""].sort_values(["label", "item"])
    ai = int((clips["label"] == "ai").sum())
    points = int(key["points"].iloc[0])
    how: dict[str, Any] = {"d_prime": d_prime, "points": points, "seed": seed}
    rounds = [listening.simulate(listeners, ai, len(clips) - ai, again=again, **how) for again in (False, True)]
    number = {sound: f"clip-{place:04d}" for place, sound in enumerate(clips["sound"])}
    first, second = (one.set_index(["listener", "clip"])["rating"] for one in rounds)
    rng, files = np.random.default_rng(seed), []
    for who in rounds[0]["listener"].unique():
        items = key.iloc[rng.permutation(len(key))]
        seen: set[str] = set()
        answers = []
        for item, sound in zip(items["item"], items["sound"], strict=True):
            rating = (second if sound in seen else first)[who, number[sound]]
            seen.add(sound)
            answers.append({"item": item, "place": len(answers) + 1, "rating": int(rating), "known": False,
                            "heard": float(key["seconds"].iloc[0]), "seconds": float(key["seconds"].iloc[0]) + 2})  # fmt: skip
        told = {"format": FORMAT, "test": key["test"].iloc[0], "listener": who, "simulated": True, "answers": answers}
        files.append(write_text(out / f"answers-{who}.json", json.dumps(told, indent=1) + "\n"))
    return files


# -- analysing them ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """What a listening test found.

    Attributes
    ----------
    summary : pandas.DataFrame
        ``measure, group, ai, value, low, high, n, of, listeners, clips, method, warning``: pooled, by group, against the
        detector. `value` has its 95 % interval from `low` to `high`, empty where there is none; `n` counts what `of` says
        (answers, clips, pairs of answers), `listeners` and `clips` those behind them, and `method` says how, or why not.
        What the test does not ask (versions of a song, clips heard twice) has no row.
    listeners, clips : pandas.DataFrame
        As :func:`chartropy.analysis.listening.each_listener` and :func:`chartropy.analysis.listening.each_clip` give them,
        with ``flag`` (:func:`chartropy.analysis.listening.oddities`); of clips label, group and title instead of `ai`, and
        where the detector judged ``log_odds, verdict, reason`` and ``trained_on``: it was trained on a clip of that name.
    answers, known, flagged : int
        Answers that count, answers left out because the recording was known, listeners with a flag.
    simulated : bool
    points : int
    notes : list of str
        What could not be done, and why.
    warning : str
        What to know of the detector's figures before they are believed; empty where there are none. It stands in every row
        of `summary` that holds one.
    """

    summary: pd.DataFrame
    listeners: pd.DataFrame
    clips: pd.DataFrame
    answers: int
    known: int
    flagged: int
    simulated: bool
    points: int
    notes: list[str] = field(default_factory=list)
    warning: str = ""


def analyze(answers: Answers, judged: pd.DataFrame | None = None) -> Heard:
    """Say what the answers to a test say.

    Parameters
    ----------
    answers : Answers
    judged : pandas.DataFrame, optional
        The detector's ``log_odds, verdict, reason`` by clip (the index), as `judge` gives them.

    Returns
    -------
    Heard

    Raises
    ------
    SettingsError
        When no answers are left, or all are about clips of one kind.
    """
    table = answers.table
    known = int(table["known"].sum())
    # who knew a recording knew it the second time, too
    told = table["listener"] + " " + table["clip"]
    used = table[~told.isin(set(told[table["known"]]))]
    first, again = used[~used["again"]], used[used["again"]]
    if first["ai"].nunique() < 2:
        raise SettingsError("No answers about both AI and human clips are left that count: nothing can be compared.")
    odd = listening.oddities(first, heard=float(answers.about["hear"].iloc[0]))
    rows = [listening.sensitivity(first)]
    if odd and len(honest := first[~first["listener"].isin(set(odd))]) and honest["ai"].nunique() == 2:
        rows.append(listening.sensitivity(honest).query("measure == 'd_prime'").assign(measure="d_prime.unflagged"))
    grid = first.pivot(index="clip", columns="listener", values="rating")
    called = (grid > first["points"].iloc[0] / 2).astype(float).where(grid.notna())
    found = {
        "agreement": listening.agreement(called.to_numpy()),
        "agreement.ratings": listening.agreement(grid.to_numpy(), scale="ordinal"),
    }
    about = answers.about[answers.about["repeat_of"] == ""]
    if (about[about["song"] != ""].groupby("song")["label"].nunique() == 2).any():
        found["pairs"] = listening.pairs(first)
    if len(about) < len(answers.about):
        found["consistency"] = listening.consistency(first, again)
    rows += [_as_row(name, one, first["listener"].nunique()) for name, one in found.items()]
    groups = listening.by_group(first)
    if len(groups):
        rows.append(groups.assign(measure="group." + groups["measure"]))
    clips = listening.each_clip(first).merge(
        about[["sound", "label", "group", "title", "path"]], left_on="clip", right_on="sound"
    )
    clips = clips.drop(columns=["sound", "ai"])
    notes, warning = [], ""
    if judged is not None:
        name_of = {
            sound: title or Path(path).name for sound, title, path in about[["sound", "title", "path"]].to_numpy()
        }
        judged = judged[judged.index.isin(set(name_of))]
        clips = clips.merge(judged, left_on="clip", right_index=True, how="left")
        clips["trained_on"] = _known_to_detector(clips["path"])
        notes += [
            f"The detector could not judge {name_of[clip]}: {why}" for clip, why in judged["reason"].items() if why
        ]
        try:
            compared = listening.against_detector(
                first,
                {str(clip): odds for clip, odds in judged["log_odds"].items()},
                {str(clip): verdict for clip, verdict in judged["verdict"].items()},
            )
            warning = _warning(int(clips["trained_on"].sum()), len(clips))
            rows.append(compared.assign(measure="detector." + compared["measure"], warning=warning))
        except ValueError as error:
            notes.append(f"Listeners were not compared with the detector: {error}.")
    clips = clips.drop(columns="path")
    summary = pd.concat([one for one in rows if len(one)], ignore_index=True)
    columns = ["measure", "group", "ai", "value", "low", "high", "n", "of", "listeners", "clips", "method", "warning"]
    part = summary["measure"].str.partition(".")[0]
    summary["of"] = part.map(COUNTED).fillna("answers")
    listeners = listening.each_listener(first)
    listeners["flag"] = [" ".join(odd.get(str(one), [])) for one in listeners["listener"]]
    return Heard(
        summary.reindex(columns=columns),
        listeners,
        clips,
        len(first),
        known,
        len(odd),
        answers.simulated,
        int(first["points"].iloc[0]),
        notes,
        warning,
    )


def _as_row(name: str, found: Any, listeners: int) -> pd.DataFrame:
    return pd.DataFrame([{"measure": name, "value": found.value, "low": found.low, "high": found.high, "n": found.n,
                          "listeners": listeners, "method": found.method}])  # fmt: skip


def judge(page: Path, track: Track = plainly) -> pd.DataFrame:
    """Have the detector judge a test's clips, from its page: the very sound that people heard.

    Returns
    -------
    pandas.DataFrame
        ``log_odds, verdict, reason`` by clip; NaN, ``unmeasured`` and why where it could not.

    Raises
    ------
    SettingsError
        The page is not there, or holds no clips.
    """
    from ..analysis.detector import Detector
    from ..features.sketch import sketch

    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{page}: the detector listens to the clips in the test's page, which cannot be read ({error}).") from error  # fmt: skip
    sounds = re.findall(r'<script type="text/plain" id="sound-([0-9a-f]{12})">([^<]*)</script>', text)
    if not sounds:
        raise SettingsError(f"{page}: holds no clips; those behind links are not fetched for the detector.")
    detector = Detector.load()
    rows = {}
    for name, sound in track(sounds, "clips", len(sounds)):
        try:
            verdict = detector.judge(sketch(decode(base64.b64decode(sound), name=name)))
            odds = verdict.evidence.get("log_odds")
            rows[name] = (odds if isinstance(odds, float | int) else np.nan, verdict.verdict,
                          "" if isinstance(odds, float | int) else verdict.reason)  # fmt: skip
        except AudioError as error:
            rows[name] = (np.nan, "unmeasured", str(error))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["log_odds", "verdict", "reason"])


def _known_to_detector(paths: Iterable[str]) -> list[bool]:
    """Which clips bear the name of one that the shipped detector was trained on: its card has no more of them."""
    from ..analysis.detector import Detector

    trained = set(Detector.load().card.get("clips", ()))
    return [Path(path).stem in trained for path in paths]


def _warning(trained: int, clips: int) -> str:
    if trained:
        return (
            f"{trained} of the {clips} clips bear the name of one that the detector was trained on: it knew the answers, and its "
            "figures here do not say how well it hears."
        )
    return (
        f"None of the {clips} clips bears the name of one that the detector was trained on; one that was renamed would not be "
        "recognized."
    )


def write_results(found: Heard, out: Path, words: Words = ENGLISH, problems: Iterable[str] = ()) -> list[Path]:
    """Write what was found as a page, and beside it three tables as CSV.

    Parameters
    ----------
    found : Heard
    out : Path
        The page; tables are ``<name>.summary.csv``, ``.listeners.csv``, ``.clips.csv``.
    words : Words
    problems : iterable of str
        Files that were not used.
    """
    files = []
    for name in ("summary", "listeners", "clips"):
        table = getattr(found, name)
        files.append(
            write_text(out.with_suffix(f".{name}.csv"), csv_of(table, list(table.columns), synthetic=found.simulated))
        )
    stamp = words.say("simulated_mark") if found.simulated else ""
    of_group = found.summary["measure"].str.startswith("group.")
    whole = {row["measure"]: row for row in found.summary[~of_group].to_dict("records")}
    groups: dict[tuple[bool, str], dict[str, Any]] = {}
    for row in found.summary[of_group].to_dict("records"):
        measure = row["measure"].removeprefix("group.")
        groups.setdefault((row["ai"], row["group"]), {"ai": row["ai"], "group": row["group"]})[measure] = row
    drawn = []

    def forest(name: str, rows: list[tuple[str, float, float, float]]) -> None:
        title = words.say(f"d_prime_by_{name}")
        rows = [(words.say("all_together"), *_estimate(whole["d_prime"])), *rows]
        svg = figures.forest(
            rows,
            name=name,
            title=title,
            unit=words.say("d_prime_axis"),
            number=words.decimal,
            tick=words.plain_tick,
            limit=FARTHEST,
            stamp=stamp,
        )
        cut = any(max(-low, high) > FARTHEST for _, _, low, high in rows)
        drawn.append((f"{title}. {words.say('goes_on')}" if cut else title, markup(svg)))

    told = [one for one in groups.values() if "d_prime" in one and np.isfinite(one["d_prime"]["low"])]
    if told:
        sides = {ai: words.say("verdict", "ai" if ai else "human") for ai in (True, False)}
        forest("group", [(f"{one['group']} ({sides[one['ai']]})", *_estimate(one["d_prime"])) for one in told])
    each = found.listeners.dropna(subset=["d_prime"]).sort_values("d_prime", ascending=False)
    if 0 < len(each) <= 60:
        forest("listener", [(row["listener"][:16], *_estimate(row, "d_prime")) for row in each.to_dict("records")])
    page = words.environment.get_template("listened.html").render(
        found=found,
        rows=whole,
        groups=list(groups.values()),
        undrawn=len(groups) - len(told),
        listeners=found.listeners.to_dict("records"),
        clips=found.clips.sort_values(["label", "called_ai"]).to_dict("records"),
        drawn=drawn,
        problems=list(problems),
        files=[file.name for file in files],
    )
    write_text(out, page)
    return [out, *files]


def _estimate(row: Mapping[Any, Any], value: str = "value") -> tuple[float, float, float]:
    return row[value], row["low"], row["high"]
