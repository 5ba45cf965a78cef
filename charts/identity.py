"""Which names mean the same recording.

Platforms spell one recording in many ways. Each distinct name (:func:`.names.read`) is a node; two nodes are compared
only when they share a block, and what speaks for and against their being one recording is kept as a pair with its
evidence. Pairs are then joined, surest first, as long as nothing stands against it: a decision of the user, two names
side by side on one chart, artists that only one of each has. Nodes joined share ``recording.same_as``; nothing is
thrown away, so any merge can be undone.

The approach is that of record linkage with blocking and clerical review (Fellegi & Sunter 1969, A Theory for Record
Linkage, JASA 64; Christen 2012, Data Matching); the weights are ours, fixed on spellings of two alphabets
(``tests/charts/test_identity.py``, ``benchmarks/imi.py``).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import TypeVar

from rapidfuzz import fuzz
from sqlalchemy import Connection, delete, func, or_, select, update

from ..workspace import tables as t
from ..workspace.errors import RecordingError
from ..workspace.store import timestamp, upsert
from ..workspace.workspace import Workspace
from . import names
from .names import Name

T = TypeVar("T")

COMPOSITE = "chartropy"
"""Source that composites are stored under."""

MERGE = 0.85
"""Pairs that score less are never joined by the program."""

REVIEW = 0.7
"""Pairs that score less are not even kept for a person to look at."""

SHARED_ISRC = 3
"""An ISRC printed on more names than this is nobody's: distributors print one code on a hundred tracks."""

SIDE_BY_SIDE = 0.3
"""What standing at two positions of one chart takes from a pair's score."""

ANOTHER_ISRC = 0.04
"""What two ISRCs take: releases of one recording often have codes of their own."""

SAME_ISRC = 0.1
"""What an ISRC in common gives, to names that are alike."""

FEWER_ARTISTS = 0.95
"""Artists of one name that are all among those of the other: platforms leave guests out."""

ONE_SOURCE = 0.15
"""What it takes from those if one source printed both: it knows who takes part, so there is one recording with a guest, and
one without."""

SOME_ARTISTS = 0.72
"""Artists of whom some are the same and some are not: never enough to merge, enough to be looked at."""

ANOTHER_WORD = 0.8
"""Titles that differ in a word, or in how one ends, are never more alike than this."""

_KAZAKH = re.compile("[\u0450-\u052f]")  # Cyrillic letters that Russian has not
_BEFORE_NAMES = re.compile("^(?:the|dj|mc) ")
_AND = ("and", "и", "i", "x", "х")

CHUNK = 500
"""Values in one SQL ``IN``."""


@dataclass(frozen=True)
class Likeness:
    """How alike two names are, before anything else is known: each in [0, 1]."""

    title: float
    artists: float
    version: bool
    fewer: bool
    """Only one of both lists some artist."""

    @property
    def score(self) -> float:
        return self.title * self.artists if self.version else 0.0


def blocks(name: Name) -> set[str]:
    """Return what a name is found by: two names of one recording share at least one block.

    The title, or an artist and the first three letters of the title, each reduced to its skeleton: one of the two may be
    misspelled, the title only further on.
    """
    title = _bone(name.title)
    return {title[:60]} | {f"{title[:3]}|{_bone_of_artist(artist)[:60]}" for artist in name.artists}


def compare(one: Name, other: Name) -> Likeness:
    """Compare two names."""
    artists = _artists_alike(one.artists, other.artists)
    return Likeness(
        _title_alike(one.title, other.title),
        artists,
        names.same_version(one.version, other.version),
        len(one.artists) != len(other.artists) and artists <= FEWER_ARTISTS,
    )


def identify(connection: Connection, touched: set[str]) -> set[str]:
    """Find out anew what the names `touched` mean, and what follows for the names they are compared with.

    Parameters
    ----------
    connection : Connection
        Inside a transaction.
    touched : set of str
        Ids of names that are new, or seen in new places.

    Returns
    -------
    set of str
        The recordings that gained or lost a name.

    Notes
    -----
    What comes out depends on what is stored, not on the order in which it was: every pair of a touched name is weighed
    anew, and all names that hang together are joined from the start.
    """
    known = _Names(connection)
    touched = touched | _no_longer_named(connection, touched)
    _add_blocks(connection, known, touched)
    candidates = _candidates(connection, touched)
    known.load(node for pair in candidates for node in pair)
    rows = _weigh(connection, known, candidates)
    for part in in_chunks(sorted(touched)):
        connection.execute(delete(t.pair).where(or_(t.pair.c.one.in_(part), t.pair.c.other.in_(part))))
    upsert(connection, t.pair, rows)
    return _settle(connection, known, touched)


# -- what the user decides ----------------------------------------------------------------------------------------------


def merge(workspace: Workspace, ids: Sequence[str]) -> str:
    """Say that recordings are one; return its id.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    ids : sequence of str
        Two recordings or more, by id or by its first letters.

    Raises
    ------
    RecordingError
        When one is not there, or there are fewer than two.
    """
    with workspace.store.transaction() as connection:
        chosen = [_find(connection, text) for text in ids]
        if len(set(chosen)) < 2:
            raise RecordingError(f"merge {' '.join(ids)}: name two recordings or more.")
        members = [sorted(_members(connection, node)) for node in chosen]
        pairs = {_ordered(chosen[0], node) for node in chosen[1:] if node != chosen[0]}
        for one, two in combinations(members, 2):  # what was said before is taken back
            _forget(connection, {_ordered(a, b) for a, b in product(one, two) if a != b}, same=False)
        _decide(workspace, connection, pairs, same=True)
        _settle(connection, _Names(connection), set(chosen))
        return _head(connection, chosen[0])


def split(workspace: Workspace, name: str) -> list[str]:
    """Say that a name is no other's: take it, by its id, out of the recording it was merged into.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    name : str
        Id of the name, or its first letters; ``review`` and the table of names show them.

    Returns
    -------
    list of str
        The recordings that the former one became.

    Raises
    ------
    RecordingError
        When it is not there, or stands alone.
    """
    with workspace.store.transaction() as connection:
        node = _find(connection, name)
        others = _members(connection, node) - {node}
        if not others:
            raise RecordingError(f"split {name}: it is the only name of its recording; nothing to take apart.")
        pairs = {_ordered(node, other) for other in others}
        said = t.decision.c
        rows = connection.execute(
            select(said.one, said.other).where(or_(said.one == node, said.other == node), said.same == 1)
        )
        named = sorted({one if two == node else two for one, two in rows})
        # what was said to be one with it stays one without it
        _decide(workspace, connection, {_ordered(named[0], other) for other in named[1:]}, same=True)
        _forget(connection, pairs, same=True)
        _decide(workspace, connection, pairs, same=False)
        _settle(connection, _Names(connection), {node, *others})
        return sorted({_head(connection, one) for one in (node, *others)})


def review(connection: Connection, limit: int = 30) -> list[dict]:
    """Return the pairs that are least certain, merged or not, nearest to the threshold first.

    Returns
    -------
    list of dict
        ``one, other, score, merged, decided, evidence`` and artist and title of both.
    """
    one, other = t.recording.alias(), t.recording.alias()
    pair, said = t.pair.c, t.decision.c
    query = (
        select(
            pair.one,
            pair.other,
            pair.score,
            pair.evidence,
            (one.c.same_as == other.c.same_as).label("merged"),
            said.same.label("decided"),
            one.c.artist.label("one_artist"),
            one.c.title.label("one_title"),
            other.c.artist.label("other_artist"),
            other.c.title.label("other_title"),
        )
        .join(one, one.c.recording_id == pair.one)
        .join(other, other.c.recording_id == pair.other)
        .join(t.decision, (said.one == pair.one) & (said.other == pair.other), isouter=True)
        .order_by(func.abs(pair.score - MERGE), pair.one, pair.other)
        .limit(limit)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [row | {"evidence": json.loads(row["evidence"]), "merged": bool(row["merged"])} for row in rows]


def found(connection: Connection, text: str) -> tuple[str, str]:
    """Id of a name, and of the recording it is of; by the id or its first letters.

    Raises
    ------
    RecordingError
        When it is not there, or the letters fit several.
    """
    node = _find(connection, text)
    return node, _head(connection, node)


def _find(connection: Connection, text: str) -> str:
    recording = t.recording.c
    found = list(
        connection.scalars(
            select(recording.recording_id).where(recording.recording_id.startswith(text, autoescape=True)).limit(3)
        )
    )
    if text in found:
        return text
    if len(found) != 1 or not text:
        what = "several recordings begin so" if found else "no such recording"
        raise RecordingError(f"{text!r}: {what}; `chartropy export recordings` lists them.")
    return found[0]


def _head(connection: Connection, node: str) -> str:
    return connection.execute(select(t.recording.c.same_as).where(t.recording.c.recording_id == node)).scalar_one()


def _members(connection: Connection, node: str) -> set[str]:
    recording = t.recording.c
    return {
        node,
        *connection.scalars(select(recording.recording_id).where(recording.same_as == _head(connection, node))),
    }


def _decide(workspace: Workspace, connection: Connection, pairs: set[tuple[str, str]], *, same: bool) -> None:
    when = timestamp(workspace.now())
    rows = [{"one": one, "other": two, "same": int(same), "decided_at": when} for one, two in sorted(pairs)]
    upsert(connection, t.decision, rows, unless_only=("decided_at",))


def _forget(connection: Connection, pairs: set[tuple[str, str]], *, same: bool) -> None:
    said = t.decision.c
    for one, two in pairs:
        connection.execute(delete(t.decision).where(said.one == one, said.other == two, said.same == int(same)))


def _ordered(one: str, two: str) -> tuple[str, str]:
    return (one, two) if one < two else (two, one)


# -- comparing ---------------------------------------------------------------------------------------------------------


@lru_cache(65536)
def _bone(text: str) -> str:
    bone = names.skeleton(text.removeprefix("the ")).replace(" ", "")
    return bone or text.replace(" ", "")


@lru_cache(65536)
def _sounds(text: str) -> str:
    """Return the bone with ш, ж and ч apart from с, з and ц."""
    return names.skeleton(text.removeprefix("the "), hushing=True).replace(" ", "") or text.replace(" ", "")


@lru_cache(65536)
def _bone_of_artist(text: str) -> str:
    """Return the skeleton of an artist's name, surname first or last, without what some leave out before a name."""
    words = _BEFORE_NAMES.sub("", text).split() or text.split()
    return "".join(sorted(filter(None, map(_bone, words)))) or _bone(text)


def _in_order(artist: str) -> str:
    """Return an artist's words by how they sound, without what some leave out before a name."""
    return " ".join(sorted(_BEFORE_NAMES.sub("", artist).split(), key=lambda word: (_sounds(word), word))) or artist


def _sound_alike(one: str, other: str) -> bool:
    """Whether two folded texts are one, spelled in two alphabets or in two transliterations."""
    words, others = one.split(), other.split()
    if len(words) == len(others):
        return all(map(_word_sounds_alike, words, others))
    return _word_sounds_alike(one.replace(" ", ""), other.replace(" ", ""))


def _word_sounds_alike(one: str, other: str) -> bool:
    if one == other:
        return True
    # two Russian words are two words, and so are two Chinese ones; Kazakh letters are often written as Russian ones
    told_apart = not one.isascii() and not other.isascii() and not _KAZAKH.search(one + other)
    return not told_apart and _sounds(one) == _sounds(other)


@lru_cache(65536)
def _artist_alike(one: str, other: str) -> float:
    return 0.98 if one != other and _sound_alike(_in_order(one), _in_order(other)) else _alike(one, other)


@lru_cache(65536)
def _title_alike(one: str, other: str) -> float:
    likeness = _alike(one, other)
    if likeness >= 0.98:
        return likeness
    words, others = one.split(), other.split()
    if len(words) != len(others):  # a word more: rather a "not" than a misspelling
        return min(likeness, ANOTHER_WORD)
    if one.isascii() == other.isascii():
        return likeness
    # transliterations differ inside a word; an end that differs is grammar (Держи, Держись); a mute e is not
    ends = [[_sounds(word).rstrip("e")[-1:] for word in text] for text in (words, others)]
    return likeness if ends[0] == ends[1] else min(likeness, ANOTHER_WORD)


@lru_cache(65536)
def _alike(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if names.other_number(one, other):
        return 0.0
    one, other = (text.removeprefix("the ") for text in (one, other))
    if _sound_alike(one, other):
        return 0.98
    ratio = names.alike(one, other)
    words, others = one.split(), other.split()
    if _bone(one) == _bone(other) and len(words) == len(others):  # Sok and Shok, but also Morgenstern and Morgenshtern
        ratio = min(ratio, *(fuzz.ratio(_sounds(a), _sounds(b)) / 100 for a, b in zip(words, others, strict=True)))
    # in one alphabet platforms copy from one another: a letter that differs is rather another word
    return ratio if one.isascii() != other.isascii() else max(0.0, ratio - 0.1)


def _artists_alike(one: frozenset[str], other: frozenset[str]) -> float:
    if one == other:
        return 1.0
    few, many = sorted((one, other), key=lambda artists: (len(artists), sorted(artists)))
    if not few:
        return 0.0
    best = [max(_artist_alike(a, b) for b in many) for a in few]
    if min(best) < names.SAME_ARTIST - 0.1:
        # "Artik & Asti" may be two, or one: their words are the same
        words, others = (
            _in_order(" ".join(word for artist in artists for word in artist.split() if word not in _AND)).split()
            for artists in (few, many)
        )
        if len(words) == len(others) and all(map(_word_sounds_alike, words, others)):
            return 0.97
        # one in common, and another beside it: a name may be an alias, which only a person can know
        return SOME_ARTISTS if max(best) >= names.SAME_ARTIST else max(best) * 0.5
    return sum(best) / len(best) * (1 if len(few) == len(many) else FEWER_ARTISTS)


def _contains(many: frozenset[str], few: frozenset[str]) -> bool:
    return all(any(_artist_alike(a, b) >= names.SAME_ARTIST - 0.1 for b in many) for a in few) or (
        _artists_alike(few, many) >= 0.97
    )


# -- what is known -----------------------------------------------------------------------------------------------------


class _Names(dict[str, Name]):
    """Names by id, read from the database when they are first needed."""

    def __init__(self, connection: Connection):
        super().__init__()
        self._connection = connection

    def load(self, ids: Iterable[str]) -> None:
        recording = t.recording.c
        for part in in_chunks(sorted(set(ids) - self.keys())):
            found = self._connection.execute(
                select(recording.recording_id, recording.folded, recording.artist, recording.title).where(
                    recording.recording_id.in_(part)
                )
            )
            for row in found:  # a workspace made by an older release has not kept how names fold
                self[row.recording_id] = Name.from_key(row.folded) if row.folded else names.read(row.artist, row.title)


def _add_blocks(connection: Connection, known: _Names, touched: set[str]) -> None:
    have: set[str] = set()
    for part in in_chunks(sorted(touched)):
        have |= set(connection.scalars(select(t.block.c.recording_id).where(t.block.c.recording_id.in_(part))))
    new = touched - have
    known.load(new)
    upsert(
        connection, t.block, [{"block": b, "recording_id": node} for node in sorted(new) for b in blocks(known[node])]
    )


def _candidates(connection: Connection, touched: set[str]) -> set[tuple[str, str]]:
    """Return the pairs to be weighed: of a touched name and one it shares a block, a track id or an ISRC with."""
    found: set[tuple[str, str]] = set()
    # blocks are looked up from the touched names; their other side is read in one join
    mine, theirs = t.block.alias(), t.block.alias()
    spelled, others = t.spelling.alias(), t.spelling.alias()
    queries = (
        select(mine.c.recording_id, theirs.c.recording_id).join_from(mine, theirs, mine.c.block == theirs.c.block),
        select(spelled.c.recording_id, others.c.recording_id)
        .join_from(spelled, others, (spelled.c.source == others.c.source) & (spelled.c.track_id == others.c.track_id))
        .where(spelled.c.track_id != ""),
        select(spelled.c.recording_id, others.c.recording_id)
        .join_from(spelled, others, spelled.c.isrc == others.c.isrc)
        .where(spelled.c.isrc != "", spelled.c.isrc.not_in(_shared_isrcs())),
    )
    for query, side in zip(queries, (mine, spelled, spelled), strict=True):
        other = theirs if side is mine else others
        for part in in_chunks(sorted(touched)):
            rows = connection.execute(
                query.where(side.c.recording_id.in_(part), side.c.recording_id != other.c.recording_id)
            )
            found |= {_ordered(one, two) for one, two in rows}
    return found


def _shared_isrcs():
    spelling = t.spelling.c
    return (
        select(spelling.isrc)
        .where(spelling.isrc != "")
        .group_by(spelling.isrc)
        .having(func.count(spelling.recording_id.distinct()) > SHARED_ISRC)
    )


def _no_longer_named(connection: Connection, touched: set[str]) -> set[str]:
    """Return the other names that carry an ISRC which, with those of the touched, has just become nobody's."""
    mine, theirs = t.spelling.alias(), t.spelling.alias()
    carriers: dict[str, set[str]] = defaultdict(set)
    for part in in_chunks(sorted(touched)):
        rows = connection.execute(
            select(mine.c.isrc, theirs.c.recording_id)
            .join_from(mine, theirs, mine.c.isrc == theirs.c.isrc)
            .where(mine.c.recording_id.in_(part), mine.c.isrc.in_(_shared_isrcs()))
            .distinct()
        )
        for isrc, node in rows:
            carriers[isrc] |= {node} - touched
    return {node for nodes in carriers.values() if len(nodes) <= SHARED_ISRC for node in nodes}


def _weigh(connection: Connection, known: _Names, candidates: set[tuple[str, str]]) -> list[dict]:
    alike = {pair: compare(known[pair[0]], known[pair[1]]) for pair in candidates}
    # worth a look: alike in title, or carrying one id and alike in artists
    hopeful = {pair for pair, found in alike.items() if found.score >= REVIEW - SAME_ISRC or found.artists >= 0.9}
    facts = _Facts(connection, {node for pair in hopeful for node in pair})
    rows = []
    for pair in sorted(hopeful):
        found = alike[pair]
        evidence: dict[str, object] = {"title": round(found.title, 3), "artists": round(found.artists, 3)}
        score = found.score
        same_id = facts.shared_track(*pair)
        isrc, another = facts.isrcs(*pair)
        beside = facts.side_by_side(*pair) if score >= REVIEW - SAME_ISRC or same_id or isrc else 0
        if same_id and (found.title >= 0.6 or found.artists >= 0.6):
            evidence["track_id"] = same_id
            score = max(score, 0.99 if found.version else 0.8)
        if isrc:
            evidence["isrc"] = isrc
            score = min(0.99, score + SAME_ISRC) if score >= REVIEW - SAME_ISRC else 0.75 if found.version else score
        elif another:
            evidence["another_isrc"] = another
            score -= ANOTHER_ISRC
        if found.fewer and not same_id and not isrc:
            source = facts.shared_source(*pair)
            if source:
                evidence["one_source"] = source
                score -= ONE_SOURCE
        if beside:
            evidence["side_by_side"] = beside
            if not same_id:
                score -= SIDE_BY_SIDE
        if score >= REVIEW or (beside and score + SIDE_BY_SIDE >= REVIEW):
            rows.append(
                {
                    "one": pair[0],
                    "other": pair[1],
                    "score": round(score, 4),
                    "evidence": json.dumps(evidence, sort_keys=True, ensure_ascii=False),
                }
            )
    return rows


class _Facts:
    """What is known of names beside how they are spelled."""

    def __init__(self, connection: Connection, nodes: set[str]):
        self._connection = connection
        self._tracks: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self._isrcs: dict[str, set[str]] = defaultdict(set)
        self._sources: dict[str, set[str]] = defaultdict(set)
        self._places: dict[str, set[tuple]] = {}
        shared = set(connection.scalars(_shared_isrcs())) if nodes else set()
        spelling = t.spelling.c
        for part in in_chunks(sorted(nodes)):
            query = select(spelling.recording_id, spelling.source, spelling.track_id, spelling.isrc)
            for row in connection.execute(query.where(spelling.recording_id.in_(part))):
                self._sources[row.recording_id].add(row.source)
                if row.track_id:
                    self._tracks[row.recording_id].add((row.source, row.track_id))
                if row.isrc and row.isrc not in shared:
                    self._isrcs[row.recording_id].add(row.isrc)

    def shared_source(self, one: str, other: str) -> str:
        return min(self._sources[one] & self._sources[other], default="")

    def shared_track(self, one: str, other: str) -> str:
        both = self._tracks[one] & self._tracks[other]
        return " ".join(min(both)) if both else ""

    def isrcs(self, one: str, other: str) -> tuple[str, str]:
        """Return an ISRC that both carry, or else two that they do not share."""
        mine, theirs = self._isrcs[one], self._isrcs[other]
        if mine & theirs:
            return min(mine & theirs), ""
        return "", f"{min(mine)} {min(theirs)}" if mine and theirs else ""

    def side_by_side(self, one: str, other: str) -> int:
        """Return on how many charts both stand at once, at two positions."""
        return len(self._charts(one) & self._charts(other))

    def _charts(self, node: str) -> set[tuple]:
        if node not in self._places:
            entry = t.entry.c
            self._places[node] = {
                tuple(row)
                for row in self._connection.execute(
                    select(entry.source, entry.chart, entry.country, entry.period, entry.period_end).where(
                        # a composite is nobody's list: it holds both while they are not found to be one
                        entry.name_id == node,
                        entry.source != COMPOSITE,
                    )
                )
            }
        return self._places[node]


# -- joining -----------------------------------------------------------------------------------------------------------


def _settle(connection: Connection, known: _Names, touched: set[str]) -> set[str]:
    pairs, decisions = _hanging_together(connection, touched)
    nodes = touched | {node for pair in pairs for node in pair} | {node for pair in decisions for node in pair}
    known.load(nodes)
    groups = join(known, pairs, decisions, nodes)
    first = _first_seen(connection, nodes)
    recording = t.recording.c
    before: dict[str, str] = {}
    for part in in_chunks(sorted(nodes)):
        before |= dict(
            connection.execute(
                select(recording.recording_id, recording.same_as).where(recording.recording_id.in_(part))
            ).all()  # pyright: ignore[reportArgumentType]
        )
    changed: set[str] = set()
    for group in groups:
        # the name that stood on a chart first gives the id: it stays when later weeks bring new spellings
        head = min(group, key=lambda node: (first.get(node, "9999"), node))
        moved = sorted(node for node in group if before[node] != head)
        if not moved:
            continue
        changed |= {head, *(before[node] for node in moved if before[node])}
        for part in in_chunks(moved):
            connection.execute(update(t.recording).where(recording.recording_id.in_(part)).values(same_as=head))
            connection.execute(
                update(t.entry)
                .where(t.entry.c.name_id.in_(part), t.entry.c.recording_id != head)
                .values(recording_id=head)
            )
        _take_along(connection, head, group)
    return changed


def join(
    known: dict[str, Name],
    pairs: dict[tuple[str, str], tuple[float, dict]],
    decisions: dict[tuple[str, str], bool],
    nodes: set[str],
) -> list[set[str]]:
    """Join names into recordings, surest pairs first.

    Parameters
    ----------
    known : dict
        Names by id.
    pairs : dict
        ``(one, other)`` to score and evidence.
    decisions : dict
        ``(one, other)`` to what the user said: the same or not.
    nodes : set of str
        All that are to be grouped.

    Returns
    -------
    list of set of str
        The groups; a name that is joined to none is a group of its own.
    """
    group_of = {node: {node} for node in nodes}
    apart = {frozenset(pair) for pair, same in decisions.items() if not same}
    beside = {frozenset(pair) for pair, (_, evidence) in pairs.items() if "side_by_side" in evidence}

    def unite(one: str, other: str) -> None:
        if group_of[one] is not group_of[other]:
            group_of[one] |= group_of[other]
            for node in group_of[other]:
                group_of[node] = group_of[one]

    for one, other in sorted(pair for pair, same in decisions.items() if same):
        unite(one, other)
    said = {frozenset(pair) for pair, same in decisions.items() if same}
    for (one, other), (score, evidence) in sorted(pairs.items(), key=lambda item: (-item[1][0], item[0])):
        mine, theirs = group_of[one], group_of[other]
        if score < MERGE or mine is theirs:
            continue
        across = [frozenset(pair) for pair in product(mine, theirs)]
        if any(pair in apart for pair in across):
            continue
        if "track_id" not in evidence and any(pair in beside and pair not in said for pair in across):
            continue
        if _agree(known, mine | theirs):
            unite(one, other)
    return list({id(group): group for group in group_of.values()}.values())


def _agree(known: dict[str, Name], group: set[str]) -> bool:
    """Whether every two names have artists that one of the group could list together."""
    artists = {known[node].artists for node in group}
    largest = max(artists, key=lambda people: (len(people), sorted(people)))
    return all(_contains(largest, people) for people in artists)


def _hanging_together(
    connection: Connection, touched: set[str]
) -> tuple[dict[tuple[str, str], tuple[float, dict]], dict[tuple[str, str], bool]]:
    """Return all pairs and decisions that can be reached from the touched names, by merges or decisions."""
    pairs: dict[tuple[str, str], tuple[float, dict]] = {}
    decisions: dict[tuple[str, str], bool] = {}
    seen: set[str] = set()
    front = set(touched)
    while front:
        seen |= front
        reached: set[str] = set()
        for part in in_chunks(sorted(front)):
            for row in connection.execute(select(t.pair).where(or_(t.pair.c.one.in_(part), t.pair.c.other.in_(part)))):
                pairs[row.one, row.other] = (row.score, json.loads(row.evidence))
                if row.score >= MERGE:
                    reached |= {row.one, row.other}
            for row in connection.execute(
                select(t.decision).where(or_(t.decision.c.one.in_(part), t.decision.c.other.in_(part)))
            ):
                decisions[row.one, row.other] = bool(row.same)
                if row.same:
                    reached |= {row.one, row.other}
            # names joined before a pair fell away must part again
            recording = t.recording.c
            heads = select(recording.same_as).where(recording.recording_id.in_(part))
            reached |= set(connection.scalars(select(recording.recording_id).where(recording.same_as.in_(heads))))
        front = reached - seen
    loose = {pair: found for pair, found in pairs.items() if {*pair} <= seen}
    return loose, {pair: same for pair, same in decisions.items() if {*pair} <= seen}


def _first_seen(connection: Connection, nodes: set[str]) -> dict[str, str]:
    entry = t.entry.c
    found: dict[str, str] = {}
    for part in in_chunks(sorted(nodes)):
        query = select(entry.name_id, func.min(entry.period_end)).where(entry.name_id.in_(part)).group_by(entry.name_id)
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def _take_along(connection: Connection, head: str, group: set[str]) -> None:
    """Give a recording the preview and the verdicts that one of its names has, where it has none of its own."""
    for table in (t.preview, t.verdict):
        others = [column for column in table.c if column.name != "recording_id"]
        keys = [column for column in table.primary_key if column.name != "recording_id"]
        mine: set[tuple] = {
            tuple(row)
            for row in connection.execute(select(table.c.recording_id, *keys).where(table.c.recording_id == head))
        }
        rows = connection.execute(
            select(*others).where(table.c.recording_id.in_(sorted(group - {head}))).order_by(table.c.recording_id)
        ).mappings()
        for row in rows:
            place = (head, *(row[key.name] for key in keys))
            if place not in mine:
                mine.add(place)
                connection.execute(table.insert().values(recording_id=head, **row))


def in_chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values by as many as one SQL ``IN`` should take."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
