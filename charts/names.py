"""How one recording is spelled, and when two spellings mean the same recording.

A spelling is artists and a title as a platform prints them. :func:`read` takes it apart into what names the recording
(artists, title, version) and drops what does not (case, ё/е, "feat.", "(Official Video)"). Remixes, live takes and
sped-up versions are recordings of their own.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from anyascii import anyascii
from rapidfuzz import fuzz

SAME_TITLE = 0.88
"""Least likeness of two titles that mean one song; found on spellings in two alphabets (tests/charts/test_names.py)."""

SAME_ARTIST = 0.84
"""Least likeness of two artist names."""

SAME_WORD = 0.8
"""Least likeness of two words that stand in one place of two names written in one alphabet."""

_FEATURING = re.compile(
    r"\s*[(\[]?(?<!\d )(?<!\d)\b(?:feat(?:uring)?|ft|при участии|при уч)\b\.?\s*", re.I
)  # 6 ft is a length
_BETWEEN_ARTISTS = re.compile(r"\s*(?:[,;&/+]|\s(?:x|х|и|and|vs\.?|with|feat\.?|ft\.?|featuring)\s)\s*", re.I)
_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_DASH_TAIL = re.compile(r"\s+[-–—|]\s+([^–—|]+)$")
_VERSION = re.compile(
    r"\b(?:re-?mix(?:ed)?|mix|mash-?up|edit|live|acoustic|unplugged|instrumental|karaoke|demo|cover|version|"
    r"sped[ -]?up|speed[ -]?up|slowed|reverb|nightcore|bootleg|dub|rework|flip|vip|8d|a[ -]?cap?pella|orchestral|piano|"
    r"ремикс|микс|акустика|акустическая|живое|лайв|концерт\w*|инструментал\w*|караоке|кавер|версия|демо|минус)\b",
    re.I,
)
_BARE_VERSION = re.compile(
    r"(?<=\w)\s+(sped[ -]?up|speed[ -]?up|slowed(?:(?:\s*[+&]\s*|\s+and\s+|\s+)reverb(?:ed)?)?|nightcore)(?: version)?$",
    re.I,
)
_CREDIT = re.compile(r"prod(?:uced)?\b", re.I)
_ROMAN = re.compile(r"\b(?:ii+|iv|vi+|ix|xi+)\b|\d+")
_NOISE = re.compile(
    r"\b(?:official|lyrics?|audio|video|clip|visuali[sz]er|mood|explicit|clean|hd|hq|4k|m/?v|music|premiere|teaser|"
    r"премьера|клип\w*|видео\w*|официальн\w*|аудио|лирик\w*|текст|трек\w*|песн\w*|сингл\w*|альбом\w*|19\d\d|20\d\d)\b",
    re.I,
)

_HUSHING = (("shch", "š"), ("shh", "š"), ("sch", "š"), ("sh", "š"), ("zh", "ž"), ("tch", "č"), ("ch", "č"))
_LATIN = (
    ("shch", "s"), ("shh", "s"), ("sch", "s"), ("sh", "s"), ("zh", "z"), ("kh", "h"), ("ts", "c"), ("tch", "c"),
    ("ch", "c"), ("yo", "e"), ("ye", "e"), ("je", "e"), ("jo", "e"), ("yu", "u"), ("iu", "u"), ("ju", "u"),
    ("ya", "a"), ("ia", "a"), ("ja", "a"), ("y", "i"), ("j", "i"), ("x", "ks"), ("w", "v"), ("q", "k"), ("ph", "f"),
)  # fmt: skip


@dataclass(frozen=True)
class Name:
    """What a spelling names.

    Attributes
    ----------
    artists : frozenset of str
        Folded names of all who take part, in no order.
    title : str
        Folded title without version, guests and promotion.
    version : str
        Folded words of the version, sorted; empty for the original.
    """

    artists: frozenset[str]
    title: str
    version: str

    @property
    def key(self) -> str:
        """One string per recording: equal for spellings that differ in what does not matter."""
        return "\x1f".join((",".join(sorted(self.artists)), self.title, self.version))

    @classmethod
    def from_key(cls, key: str) -> Name:
        """Return the name that has this key."""
        artists, title, version = key.split("\x1f")
        return cls(frozenset(artists.split(",")) - {""}, title, version)


def read(artists: str | Iterable[str], title: str) -> Name:
    """Take a spelling apart.

    Parameters
    ----------
    artists : str or iterable of str
        One field, or one string per artist; each may itself hold several.
    title : str

    Returns
    -------
    Name
    """
    people = [artists] if isinstance(artists, str) else list(artists)
    title = _compose(title)
    versions: list[str] = []

    def keep_or_drop(match: re.Match[str]) -> str:
        inside = match[1].strip()
        guests = _FEATURING.search(inside)
        if guests:  # "(Remix feat. B)", "(feat. B Remix)"
            (versions if _VERSION.search(inside[guests.end() :]) else people).append(inside[guests.end() :])
            inside = inside[: guests.start()]
        if _VERSION.search(inside):
            versions.append(inside)
        elif inside and not _is_noise(inside) and not _CREDIT.match(inside):
            return f" {inside} "
        return " "

    bare = _compose(_BRACKETS.sub(keep_or_drop, title))
    guests = _FEATURING.search(bare)
    if guests:
        people.append(bare[guests.end() :])
        bare = bare[: guests.start()]
    tail = _DASH_TAIL.search(bare)
    if tail and (_VERSION.search(tail[1]) or _is_noise(tail[1])):
        versions += [tail[1]] if _VERSION.search(tail[1]) else []
        bare = bare[: tail.start()]
    spoken = _BARE_VERSION.search(bare)
    if spoken:  # "Song Sped Up"
        versions.append(spoken[1])
        bare = bare[: spoken.start()]
    folded = fold(bare) or fold(title)
    # each as often as it is said: an acoustic take of an acoustic remix is another recording
    words = [word for version in versions for word in fold(version).split()]
    names = {fold(name) for field in people for name in _people(field)}
    return Name(frozenset(names - {""}), folded, " ".join(sorted(words)))


def recording_id(name: Name) -> str:
    """Return the deterministic id of the recording that `name` names."""
    return "r" + hashlib.sha256(name.key.encode()).hexdigest()[:15]


def likeness(one: Name, other: Name) -> float:
    """Say how surely two names mean the same recording.

    Parameters
    ----------
    one, other : Name

    Returns
    -------
    float
        In [0, 1]. 0 when the versions differ, the titles differ, or no artist is shared; otherwise the mean of the
        likeness of the titles and of the artists of the one with fewer.
    """
    if not same_version(one.version, other.version):
        return 0.0
    title = alike(one.title, other.title)
    if title < SAME_TITLE:
        return 0.0
    few, many = sorted((one.artists, other.artists), key=lambda artists: (len(artists), sorted(artists)))
    best = [max((alike(a, b) for b in many), default=0.0) for a in few]
    shared = [value for value in best if value >= SAME_ARTIST]
    if not shared:
        return 0.0
    return (title + sum(best) / len(best)) / 2


def query(artists: str, title: str) -> tuple[str, str]:
    """Return first artist and title as to type into a platform's search: no guests, no promotion, the version kept."""
    first = next((name for name in (part.strip() for part in _people(artists)) if name), artists)
    plain = _compose(_BRACKETS.sub(lambda m: "" if _is_said_about(m[1]) else f" {m[1]} ", _compose(title)))
    guests = _FEATURING.search(plain)
    return first, " ".join(plain[: guests.start() if guests else None].split())


def fold(text: str) -> str:
    """Reduce text to what names it: composed, lower case, ё as е, Latin accents gone, words apart by one space."""
    text = _compose(_compose(text).casefold()).replace("ё", "е")
    # Latin accents are left out as often as not; й and ї are letters of their own
    text = "".join(unicodedata.normalize("NFD", ch)[0] if "LATIN" in unicodedata.name(ch, "") else ch for ch in text)
    # marks that compose with nothing (a stress, the dot of İ), apostrophes, and the dots of initials stand in no name
    bare = "".join(ch for ch in text if unicodedata.category(ch) != "Mn" and ch not in "'’")
    bare = re.sub(r"(?<=\b\w)\.(?=\w\b)", "", bare)
    # P!nk, Ke$ha, Gayazov$: signs for letters
    bare = re.sub(r"(?<=\w)[!$](?=\w)|(?<=[^\W\d_])\$", lambda sign: "i" if sign[0] == "!" else "s", bare)
    kept = re.sub(r"[^\w]+", " ", bare).replace("_", " ")
    return " ".join(kept.split()) or " ".join(text.split())


def skeleton(text: str, *, hushing: bool = False) -> str:
    """Reduce folded text to Latin consonants and plain vowels, alike for the usual transliterations of Russian.

    With `hushing`, ш, ж and ч stay apart from с, з and ц.
    """
    # Scriptonite is Скриптонит; ц and ч come as ts and ch
    text = re.sub(r"c(?![hiey])", "k", anyascii(fold(text)).lower())
    # ь goes first: влюбиться is vlyubitsya
    text = text.replace("'", "")
    for long, short in (*(_HUSHING if hushing else ()), *_LATIN):
        text = text.replace(long, short)
    return re.sub(r"(.)\1+", r"\1", text)


def _compose(text: str) -> str:
    # one space each: the patterns take time by the square of a run of spaces
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _people(field: str) -> list[str]:
    field = _compose(re.sub(r"[()\[\]]", " ", _FEATURING.sub(", ", _compose(field))))
    return _BETWEEN_ARTISTS.split(field)


def _is_noise(text: str) -> bool:
    """Whether promotion is all that `text` says."""
    return bool(_NOISE.search(text)) and not re.search(r"\w", _NOISE.sub("", text))


def _is_said_about(inside: str) -> bool:
    """Whether what stands in brackets names guests, makers or promotion, not the recording."""
    return bool(_FEATURING.match(inside) or _CREDIT.match(inside)) or _is_noise(inside)


def alike(one: str, other: str) -> float:
    """Say how alike two folded texts are, in [0, 1], in one alphabet or across two; 0 for another number."""
    if one == other:
        return 1.0
    if other_number(one, other):
        return 0.0
    if one.isascii() != other.isascii():
        return max(fuzz.ratio(one, other), fuzz.ratio(skeleton(one), skeleton(other))) / 100
    # in one alphabet words are compared one by one, too: a long surname would hide that Зоя is not Соня
    words, others = one.split(), other.split()
    if len(words) == len(others) and min(map(_letters_alike, words, others)) < SAME_WORD:
        return 0.0
    return _letters_alike(one, other)


def other_number(one: str, other: str) -> bool:
    """Whether two folded texts differ in a number: "Part 1" is not "Part 2", nor "II" "III"."""
    return _ROMAN.findall(one) != _ROMAN.findall(other)


def same_version(one: str, other: str) -> bool:
    """Whether two folded versions (remix, live, ...) are one, in whichever alphabet."""
    return one == other or _version_skeleton(one) == _version_skeleton(other)


def _letters_alike(one: str, other: str) -> float:
    spelled = fuzz.ratio(one, other)
    # Latin letters may be two transliterations; Сок and Шок are two words
    return max(spelled, fuzz.ratio(skeleton(one), skeleton(other)) if one.isascii() and other.isascii() else 0) / 100


def _version_skeleton(version: str) -> str:
    return " ".join(sorted(skeleton(word) for word in version.split() if word not in ("version", "версия")))
