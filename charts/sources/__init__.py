"""Every source of charts. To add one: a module like the others, and its line here (CONTRIBUTING shows how)."""

from __future__ import annotations

from ..source import Source
from . import apple, billboard, deezer, kworb, lastfm, shazam, spotify, tophit, yandex, youtube

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        tophit.SOURCE,
        yandex.SOURCE,
        youtube.SOURCE,
        apple.SOURCE,
        deezer.SOURCE,
        shazam.SOURCE,
        kworb.SOURCE,
        spotify.SOURCE,
        billboard.SOURCE,
        lastfm.SOURCE,
    )
}  # fmt: skip
