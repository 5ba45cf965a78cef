"""Apple's feed gives the songs it lists, in its order; another feed, a cut one or a web page is named for what it is."""

from __future__ import annotations

import json
from datetime import date

import pytest

from chartropy.charts.source import Asked
from chartropy.charts.sources.apple import fetch, parse
from chartropy.workspace.errors import PageError

FIXTURES = ("fixtures/apple/rss_v2_us_albums_50_2022-04-27.json",)
ASKED = Asked("songs", "ru")
PATH = "/api/v2/ru/music/most-played/100/songs.json"


@pytest.fixture
def as_songs(shared):
    """The real feed of albums, as one of songs: the two have the same keys."""
    return (shared / FIXTURES[0]).read_bytes().replace(b'"albums"', b'"songs"').replace(b"albums.json", b"songs.json")


def song(place: int, **more: object) -> dict:
    link = f"https://music.apple.com/ru/album/x/1?i={place}"
    return {"artistName": "Zivert", "id": str(place), "name": f"Song {place}", "kind": "songs", "url": link} | more


def feed(*results: object, **more: object) -> dict:
    return {"feed": {"country": "ru", "updated": "Thu, 02 Jul 2026 09:00:00 +0000", "results": results} | more}


def body(*results: object, **more: object) -> bytes:
    return json.dumps(feed(*results, **more)).encode()


# -- what is read ------------------------------------------------------------------------------------------------------


def test_a_real_feed_is_read_as_it_was_published(as_songs):
    (page,) = parse(as_songs, "saved.json")
    assert (page.chart, page.country, page.taken, page.period) == ("songs", "us", date(2022, 4, 27), None)
    assert (len(page.rows), page.faults, page.broken) == (50, (), "")
    assert [row.position for row in page.rows] == list(range(1, 51))
    first = page.rows[0]
    assert (first.artists, first.title, first.track_id) == (("Pusha T",), "It's Almost Dry", "1620082258")
    assert (first.released, first.genres) == ("2022-04-22", ("Hip-Hop/Rap",))
    assert (first.link, first.isrc) == ("https://music.apple.com/us/album/its-almost-dry/1620082258", "")
    assert all(row.title and row.artists and row.track_id and "Music" not in row.genres for row in page.rows)


def test_several_artists_in_one_field_stay_one_name():
    (row,) = parse(body(song(1, artistName="Tyler, The Creator & Kali Uchis")))[0].rows
    assert row.artists == ("Tyler, The Creator & Kali Uchis",)


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("Thu, 02 Jul 2026 09:00:00 +0000", date(2026, 7, 2)),
        ("2026-07-02 09:00:00 +0000", date(2026, 7, 2)),
        ("2026-07-02T23:59:00-07:00", date(2026, 7, 2)),
        ("Thu, 31 Feb 2026 09:00:00 +0000", None),
        ("2026-02-31", None),
        ("9999-12-31", None),
        ("0001-01-01", None),
        ("Fri, 31 Dec 9999 09:00:00 +0000", None),
        ("soon", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_the_day_is_the_one_that_the_feed_says(said, taken):
    assert parse(body(song(1), updated=said))[0].taken == taken


@pytest.mark.parametrize("said", [None, "", 7, {"code": "ru"}, "russia"])
def test_a_feed_that_does_not_name_its_country_names_its_address(said):
    address = "https://rss.marketingtools.apple.com/api/v2/kz/music/most-played/100/songs.json"
    assert parse(body(song(1), country=said, id=address))[0].country == "kz"
    assert parse(body(song(1), country=said), address)[0].country == "kz"
    assert parse(body(song(1), country=said), "songs.json")[0].country == ""


def test_single_bad_rows_are_told_and_the_rest_is_kept():
    rows = [
        song(1), "rubbish", song(3, name=""), song(4, artistName=None), song(5, kind="music-videos"), song(6, name=["x"]),
        song(7, genres="Pop", releaseDate=5),
    ]  # fmt: skip
    (page,) = parse(body(*rows))
    assert [(row.position, row.title) for row in page.rows] == [(1, "Song 1"), (7, "Song 7")]
    assert (page.rows[1].genres, page.rows[1].released) == ((), "")
    assert sorted(fault[:24] for fault in page.faults) == [
        "position 2: nothing know", "position 3: no title; le", "position 4: no artist; l", "position 5: music-videos",
        "position 6: no title; le",
    ]  # fmt: skip


# -- how it is asked ---------------------------------------------------------------------------------------------------


def test_one_request_of_the_address_that_is_known(client, server, as_songs, answer):
    told = as_songs.replace(b'"country": "us"', b'"country": "ru"').replace(b'"country":"us"', b'"country":"ru"')
    server.say(PATH, answer(told, headers={"Content-Type": "application/json"}))
    had = fetch(client, ASKED)
    assert (had.body, had.content_type, had.url) == (told, "application/json", f"{server.url}{PATH}")
    assert [path for _, path, _ in server.asked] == [PATH]
    assert len(parse(had.body, had.url)[0].rows) == 50


def test_another_country_has_another_address(client, server):
    server.say_json(PATH.replace("/ru/", "/kz/"), feed(song(1), country="kz"))
    assert parse(fetch(client, Asked("songs", "kz")).body)[0].country == "kz"


# -- what is refused ---------------------------------------------------------------------------------------------------

ORIGIN = f"https://rss.marketingtools.apple.com{PATH}"
SAMPLES = (
    body(
        song(1, artistName="Ёлка", genres=[{"name": "Pop"}, {"name": "Music"}], releaseDate="2026-05-01"), song(2),
        title="Top Songs", id=ORIGIN,
    ),
)  # fmt: skip
UNKNOWN = (
    *(
        (asked, r"apple: there are no .*it has songs, for countries")
        for asked in (Asked("albums", "ru"), Asked("songs", "global"), Asked("songs", "RU"), Asked("songs", "../x"))
    ),
)
NO_CHART = (
    (b"[]", "no rows under feed.results"),
    (b"{}", "no rows under feed.results"),
    (b'{"feed": []}', "no rows under feed.results"),
    (b'{"feed": {"results": {}}}', "no rows under feed.results"),
    (body(), "no rows under feed.results"),
)


def test_refuses_the_feed_of_another_country(client, server):
    server.say_json(PATH, feed(song(1), country="us"))
    with pytest.raises(PageError, match="asked for 'ru', the feed says 'us'") as error:
        fetch(client, ASKED)
    assert error.value.body


def test_refuses_the_real_feed_of_albums(shared):
    told = (shared / FIXTURES[0]).read_bytes()
    with pytest.raises(PageError, match="a feed of most-played albums, not of the most played songs") as error:
        parse(told, "saved.json")
    assert error.value.body == told


@pytest.mark.parametrize(
    ("told", "origin", "why"),
    [
        (body(song(1, kind="albums")), "", "a feed of albums"),
        (body(song(1), id="https://x/api/v2/ru/music/top-songs/100/songs.json"), "", "a feed of top-songs songs"),
        (body(song(1)), "https://x/api/v2/ru/music/most-played/50/albums.json", "a feed of most-played albums"),
        (body(5, None), "", "a feed of nothing|none of the 2 entries"),
        (body(song(1, name=""), song(2, artistName=7)), "", "none of the 2 entries"),
    ],
)
def test_refuses_a_feed_of_something_else(told, origin, why):
    with pytest.raises(PageError, match=why) as error:
        parse(told, origin)
    assert error.value.body == told
