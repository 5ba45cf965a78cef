"""Apple's feed gives the songs it lists, in its order; another feed, a cut one or a web page is named for what it is."""

from __future__ import annotations

import contextlib
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartropy.charts.rows import clean
from chartropy.charts.source import Asked
from chartropy.charts.sources.apple import SOURCE, fetch, parse
from chartropy.workspace.errors import PageError, SourceRefused, SourceUnreachable
from chartropy.workspace.settings import Rate

FIXTURES = ("fixtures/apple/rss_v2_us_albums_50_2022-04-27.json",)
ASKED = Asked("songs", "ru")
PATH = "/api/v2/ru/music/most-played/100/songs.json"


@pytest.fixture
def client(server, workspace):
    quick = {"base_url": server.url, "retries": 0, "rate": Rate(requests=1000, seconds=1)}
    return workspace.client("apple", SOURCE.settings.model_copy(update=quick))


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


@pytest.mark.parametrize(
    "asked", [Asked("albums", "ru"), Asked("songs", "global"), Asked("songs", "RU"), Asked("songs", "../x")]
)
def test_a_chart_that_there_is_not_is_not_asked_for(client, server, asked):
    with pytest.raises(PageError, match=r"apple: there are no .*it has songs, for countries"):
        fetch(client, asked)
    assert server.asked == []


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 451])
def test_refuses_what_it_is_not_let_in_to_and_asks_no_more(client, server, answer, status):
    server.say(PATH, answer(b"", status=status))
    for _ in range(2):
        with pytest.raises(SourceRefused, match=f"{status}.*chartropy import FILE --source apple-songs"):
            fetch(client, ASKED)
    assert len(server.asked) == 1


def test_refuses_a_service_that_fails_or_breaks_off_and_a_place_that_there_is_not(client, server, answer):
    with pytest.raises(PageError, match="404"):
        fetch(client, ASKED)
    server.say(PATH, answer(b"oops", status=500))
    with pytest.raises(SourceUnreachable, match="500"):
        fetch(client, ASKED)
    server.say(PATH, answer(body(song(1)), how="cut"))
    with pytest.raises(SourceUnreachable, match="broke off"):
        fetch(client, ASKED)


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


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (b"<html><title>Just a moment...</title></html>", "a web page instead of JSON"),
        (b"", "no whole JSON"),
        (body(song(1))[:-3], "no whole JSON"),
        (b'{"feed": ' * 100_000, "no whole JSON"),
        (b"\xff\xfe{", "no whole JSON"),
        (b"[]", "no rows under feed.results"),
        (b"{}", "no rows under feed.results"),
        (b'{"feed": []}', "no rows under feed.results"),
        (b'{"feed": {"results": {}}}', "no rows under feed.results"),
        (body(), "no rows under feed.results"),
    ],
)
def test_refuses_what_is_no_feed_live_and_saved(client, server, answer, told, why):
    with pytest.raises(PageError, match=why) as error:
        parse(told, "saved.json")
    assert error.value.body == told
    server.say(PATH, answer(told))
    with pytest.raises(PageError, match=why):
        fetch(client, ASKED)


@pytest.mark.parametrize("cut", [1, 10, 50, 90, 99])
def test_refuses_the_real_feed_wherever_it_is_cut(as_songs, cut):
    with pytest.raises(PageError, match="no whole JSON"):
        parse(as_songs[: len(as_songs) * cut // 100])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
)
fields = ("artistName", "id", "name", "kind", "genres", "releaseDate", "url")


@given(st.lists(st.dictionaries(st.sampled_from(fields), anything) | anything, max_size=4), anything, anything)
def test_whatever_a_feed_holds_it_is_a_chart_or_a_page_error(rows, said, country):
    with contextlib.suppress(PageError):
        (page,) = parse(body(song(1, genres=[{"name": said}]), *rows, updated=said, id=said, country=country))
        assert page.rows
        assert all(row.title and row.artists and isinstance(row.title, str) for row in page.rows)
        assert len({row.position for row in page.rows}) == len(page.rows)


@given(anything | st.fixed_dictionaries({"feed": anything | st.fixed_dictionaries({"results": anything})}))
def test_any_json_is_a_chart_or_a_page_error(value):
    with contextlib.suppress(PageError):
        assert parse(json.dumps(value).encode())[0].rows


@given(st.binary(max_size=200))
def test_any_bytes_are_a_page_error(noise):
    with pytest.raises(PageError):
        parse(noise)


# -- the test world ----------------------------------------------------------------------------------------------------


def test_the_rows_of_the_world_are_what_it_published(world, workspace):
    client = workspace.client("apple", SOURCE.settings.model_copy(update={"base_url": f"{world.url}/apple"}))
    answer = fetch(client, ASKED)
    (page,) = parse(answer.body, answer.url)
    charts = world.charts()
    newest = max(week for platform, week in charts if platform == "apple")
    published = charts["apple", newest]
    assert (page.chart, page.country, page.taken) == ("songs", "ru", date.fromisoformat(newest))
    assert {row.position: row.track_id for row in page.rows} == {
        place: recording["ids"]["apple"] for place, recording in published.items()
    }
    for row in page.rows:
        artists, title = published[row.position]["spelled"]["apple"]
        assert (row.artists, row.title) == ((clean(" & ".join(artists)),), clean(title))  # it spells й as и and a breve
