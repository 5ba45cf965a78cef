"""What a file says of its making: tags that generators write, and C2PA manifests.

Suno writes ``made with suno; created=…; id=…`` into the comment (MP3, M4A, WAV), Udio names itself as the artist. C2PA
(Coalition for Content Provenance and Authenticity, specification 2.1) is a signed record; its ``digitalSourceType`` has the
value ``trainedAlgorithmicMedia`` of the IPTC's list for what a model made. Tags are easily written and easily lost: what they
say is a claim, and their absence says nothing.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

MADE = re.compile(
    r"(?:made|created|generated|composed|produced)\s+(?:with|by|using|in)\s+(?P<maker>suno|udio|mureka|riffusion|boomy|aiva|"
    r"soundraw|stable audio|elevenlabs|eleven music|musicgen|lyria|ace-step|yue|diffrhythm|minimax)\b",
    re.IGNORECASE,
)
"""What generators, or people after them, write into comments: all of it, or its beginning."""

PAGE = re.compile(r"https?://(?:www\.|app\.)?(?P<maker>suno|udio)\.(?:com|ai)/(?:song|s|songs)/", re.IGNORECASE)
"""A song's own page at a generator."""

MAKERS = frozenset({"udio", "suno", "suno ai", "mureka", "boomy", "riffusion"})
"""Names that stand as the artist when nobody else is named."""

_ARTISTS = frozenset({"tpe1", "artist", "\xa9art", "iart"})
_TITLES = frozenset({"tit2", "title", "\xa9nam", "inam"})
_AI_SOURCES = ("trainedalgorithmicmedia", "compositewithtrainedalgorithmicmedia", "compositesynthetic")
_C2PA_MARK = b"c2pa"


@dataclass(frozen=True)
class Said:
    """What a file says of itself.

    Attributes
    ----------
    source : {'tags', 'c2pa'}
    maker : str
        The generator, as it is written.
    ground : str
        Where it is written, and what.
    when : str
        ISO date of making; empty where the file does not say.
    trusted : bool
        Whether a signature holds.
    """

    source: str
    maker: str
    ground: str
    when: str = ""
    trusted: bool = False

    @property
    def kind(self) -> str:
        """``tags``, ``c2pa``, or ``c2pa unsigned`` where the signature does not hold."""
        return "c2pa unsigned" if self.source == "c2pa" and not self.trusted else self.source


def read_tags(path: Path) -> list[Said]:
    """Read what a file says of having been made by a model.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Said
        Empty where it says nothing of the kind. Damaged tags are passed over, and logged.
    """
    return [*_from_tags(path), *_from_c2pa(path)]


def read_names(path: Path) -> tuple[str, str]:
    """Read the artist and the title that a file's tags give; an empty text for what they do not."""
    artist = title = ""
    for name, value in _texts(path):
        kind = name.casefold()
        artist = artist or (value.strip() if kind in _ARTISTS else "")
        title = title or (value.strip() if kind in _TITLES else "")
    return artist, title


def _from_tags(path: Path) -> Iterator[Said]:
    seen = set()
    for name, value in _texts(path):
        value = value.strip()
        found = MADE.match(value) or PAGE.match(value)
        maker = found["maker"] if found else ""
        if not maker and name.casefold().split(":")[0] in _ARTISTS and value.casefold() in MAKERS:
            maker = value
        if maker and maker.casefold() not in seen:
            seen.add(maker.casefold())
            created = re.search(r"created=(\d{4}-\d{2}-\d{2})", value)
            yield Said("tags", maker, f"its tag {name} says: {value[:200]}", created[1] if created else "")


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Names and values of every text tag."""
    import mutagen

    try:
        file = mutagen.File(path)  # pyright: ignore[reportPrivateImportUsage]
    except (mutagen.MutagenError, OSError, ValueError, KeyError) as error:  # pyright: ignore[reportPrivateImportUsage]
        log.debug("%s: its tags cannot be read (%s)", path, error)
        file = None
    for name, value in (getattr(file, "tags", None) or {}).items() if file is not None else ():
        for one in value if isinstance(value, list) else [value]:
            for text in getattr(one, "text", [getattr(one, "url", one)]):
                yield str(name), str(text)
    yield from _riff_texts(path)


def _riff_texts(path: Path) -> Iterator[tuple[str, str]]:
    """The texts of a WAV's LIST INFO chunk, which mutagen does not read."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] != b"RIFF" or head[8:] != b"WAVE":
                return
            while len(chunk := file.read(8)) == 8:
                size = int.from_bytes(chunk[4:], "little")
                if chunk[:4] == b"LIST" and size < 1_000_000:
                    data = io.BytesIO(file.read(size + size % 2))
                    if data.read(4) != b"INFO":
                        continue
                    while len(part := data.read(8)) == 8:
                        length = int.from_bytes(part[4:], "little")
                        text = data.read(length + length % 2)[:length].split(b"\0")[0]
                        yield part[:4].decode("latin-1"), text.decode("utf-8", "replace")
                else:
                    file.seek(size + size % 2, io.SEEK_CUR)
    except OSError as error:
        log.debug("%s: its tags cannot be read (%s)", path, error)


def _from_c2pa(path: Path) -> Iterator[Said]:
    try:
        if _C2PA_MARK not in path.read_bytes():
            return
    except OSError:
        return
    try:
        import c2pa
    except ImportError:
        log.warning("%s: holds a C2PA manifest; pip install 'chartropy[c2pa]' to read it.", path)
        return
    try:
        with c2pa.Reader(str(path)) as reader:
            store = json.loads(reader.json())
            state = str(reader.get_validation_state() or "")
    except (c2pa.C2paError, ValueError, OSError) as error:
        log.debug("%s: its C2PA manifest cannot be read (%s)", path, error)
        return
    manifest: dict[str, Any] = (store.get("manifests") or {}).get(store.get("active_manifest")) or {}
    kind = _source_type(manifest.get("assertions") or [])
    if kind:
        signature = manifest.get("signature_info") or {}
        who = _generator(manifest) or signature.get("common_name") or signature.get("issuer") or "an unnamed generator"
        ground = f"its C2PA manifest, signed by {signature.get('issuer') or 'nobody named'}, says: {kind}"
        if state not in ("Valid", "Trusted"):
            ground += f" (the signature does not hold: {state or 'not checked'})"
        yield Said("c2pa", who, ground, str(signature.get("time") or "")[:10], trusted=state in ("Valid", "Trusted"))


def _source_type(value: Any) -> str:
    """The digitalSourceType that says a model made it, wherever in the assertions it stands."""
    if isinstance(value, dict):
        own = str(value.get("digitalSourceType") or "").rstrip("/").rpartition("/")[2]
        if own.casefold() in _AI_SOURCES:
            return own
        value = list(value.values())
    if isinstance(value, list):
        return next(filter(None, map(_source_type, value)), "")
    return ""


def _generator(manifest: dict[str, Any]) -> str:
    info = manifest.get("claim_generator_info") or [{}]
    return str(info[0].get("name") or manifest.get("claim_generator") or "")
