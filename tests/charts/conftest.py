"""TopHit pages for tests, in the two layers of the real ones: table rows and a packed payload."""

from __future__ import annotations

import base64
import json
import zlib
from html import escape

import pytest


class Pages:
    """How to make a page, a row of it, its payload."""

    @staticmethod
    def table_row(
        position: object,
        title: str = "Life",
        artists: tuple[str, ...] = ("Zivert",),
        *,
        track_id: str = "",
        rights: str = "",
        released: str = "",
        hashed: str = "a1B2c",
    ) -> str:
        people = "".join(
            f'<a class="Artist_name-with-link__{hashed}" href="/artists/1">{escape(a)}</a>' for a in artists
        )
        name = (
            f'<a class="Name_name__{hashed}" href="/tracks/{track_id}"><span>{escape(title)}</span></a>'
            if title
            else ""
        )
        mark = f' data-track-id="{track_id}"' if track_id else ""
        return (
            f'<div role="row" class="Row_row__{hashed}"><div class="Row_tw__{hashed}">{position}</div>'
            f'<div class="Row_artwork__{hashed}"{mark}></div><div>{name}{people}</div>'
            f'<div class="Row_date__{hashed}">{released}</div>'
            f'<div class="Row_genres__{hashed}"><div class="Genres_genre__{hashed}">Pop</div></div>'
            f'<div class="Row_language__{hashed}"><span title="Russian" class="fi fi-us"></span></div>'
            f'<div class="Row_rights__{hashed}">{escape(rights)}</div></div>'
        )

    @staticmethod
    def payload_row(
        position: object, title: str = "Life", artists: tuple[str, ...] = ("Zivert",), **track: object
    ) -> dict[str, object]:
        people = [{"name": artist, "intlName": f"{artist} intl"} for artist in artists]
        return {"position": position, "track": {"name": title, "intlName": f"{title} intl", "artists": people} | track}

    @staticmethod
    def packed(data: object) -> str:
        return base64.b64encode(zlib.compress(json.dumps(data).encode())).decode()

    @staticmethod
    def page(
        rows: list[str] | str = "", payload: object = None, *, address: str = "", raw_payload: str | None = None
    ) -> bytes:
        """A whole page; `address` is what it says its own address is."""
        head = f'<link rel="canonical" href="https://tophit.com{address}">' if address else ""
        script = ""
        if payload is not None or raw_payload is not None:
            data = raw_payload if raw_payload is not None else Pages.packed(payload)
            inside = json.dumps({"props": {"pageProps": {"data": data}}})
            script = f'<script id="__NEXT_DATA__" type="application/json">{inside}</script>'
        body = "".join(rows)
        return (
            f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>Top</title>{head}</head><body>{body}{script}</body></html>'
        ).encode()

    @staticmethod
    def address(chart: str = "radio", span: str = "20260626-20260702", country: str = "ru") -> str:
        return f"/chart/top/{chart}/hits/{country}/weekly/{span}"


@pytest.fixture
def pages() -> type[Pages]:
    return Pages
