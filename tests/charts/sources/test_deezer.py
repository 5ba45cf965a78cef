"""What Deezer answers, whole or in parts, becomes the chart that was asked for, or a reason why it does not."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from chartropy.charts.source import Asked
from chartropy.charts.sources import deezer
from chartropy.charts.sources.deezer import SOURCE, fetch, parse
from chartropy.workspace.errors import PageError, SourceUnreachable

FIXTURES = (
    "deezer/json/TestAsyncChart.test_get_tracks.0.json",
    "deezer/json/TestAsyncChart.test_get_tracks.1.json",
    "deezer/json/TestClient.test_get_tracks_chart.0.json",
    "deezer/json/TestAsyncPlaylist.test_get_tracks.0.json",
    "deezer/json/TestClient.test_get_playlist.0.json",
    "deezer/json/TestClient.test_no_playlist_raise.0.json",
    "deezer/json/TestClient.test_get_track.0.json",
    "deezer/json/TestClient.test_list_genres.0.json",
    "deezer/json/TestAsyncTrack.test_track_attributes.2.json",
)
ASKED = Asked("top", "ru")
PATH = "/playlist/1116189381/tracks"


@pytest.fixture
def client(client_of, monkeypatch):
    monkeypatch.setattr(deezer, "QUOTA_WAIT", 0.01)
    return client_of(SOURCE, retries=2)


@pytest.fixture
def recorded(shared):
    """A recorded answer: its body and the address it came from."""

    def read(name: str) -> tuple[bytes, str]:
        told = json.loads((shared / "fixtures" / name).read_bytes())
        return json.dumps(told["body"]).encode(), told["request_uri"]

    return read


def track(place: int, **more: object) -> dict:
    link = f"https://www.deezer.com/track/{place}"
    row = {"id": place, "title": f"Song {place}", "link": link, "artist": {"name": "Zivert"}, "type": "track"}
    return row | more


def body(*tracks: object, **more: object) -> bytes:
    return json.dumps({"data": tracks, "total": len(tracks)} | more).encode()


def pages(server, tracks: list, path: str = PATH, **more: object) -> None:
    """Play Deezer's paging: as many rows as were asked for, from the index that was asked for."""
    server.say_json(
        path, *({"data": tracks[at : at + 100], "total": len(tracks)} | more for at in range(0, len(tracks) + 1, 100))
    )


# -- what is read ------------------------------------------------------------------------------------------------------


def test_a_recorded_genre_chart_is_read_as_it_was_published(recorded):
    (page,) = parse(*recorded(FIXTURES[1]))
    assert (page.chart, page.country, page.period, page.taken) == ("genre-0", "", None, None)
    assert (len(page.rows), page.faults, page.broken) == (10, (), "")
    first, last = page.rows[0], page.rows[-1]
    assert (first.position, first.artists, first.title, first.track_id) == (1, ("Rosalía",), "LA FAMA", "1549325122")
    assert (first.link, first.isrc, first.plays) == ("https://www.deezer.com/track/1549325122", "", None)
    assert (last.position, last.artists, last.title) == (10, ("Adele",), "Oh My God")


def test_all_charts_of_a_genre_hold_the_same_tracks(recorded):
    assert parse(*recorded(FIXTURES[0]))[0].rows == parse(*recorded(FIXTURES[1]))[0].rows


def test_the_number_of_the_genre_is_in_the_address(recorded):
    assert parse(*recorded(FIXTURES[2]))[0].chart == "genre-106"


def test_a_whole_playlist_names_itself(recorded):
    (page,) = parse(recorded(FIXTURES[4])[0], "saved.json")
    assert (page.chart, len(page.rows), page.rows[0].title, page.broken) == ("playlist-908622995", 60, "Sonora", "")
    assert [row.position for row in page.rows] == list(range(1, 61))


def test_a_page_that_others_follow_is_not_whole(recorded):
    (page,) = parse(*recorded(FIXTURES[3]))
    assert (len(page.rows), page.rows[0].artists, page.rows[0].title) == (25, ("Morcheeba",), "Otherwise")
    assert page.broken == "25 of 102 rows came, the rest is on further pages"


def test_the_playlist_of_a_country_is_its_top():
    for origin in ("https://api.deezer.com/playlist/1111143121", "https://api.deezer.com/playlist/1111143121/tracks"):
        (page,) = parse(body(track(1)), origin)
        assert (page.chart, page.country) == ("top", "de")
    saved = {"id": 1116189381, "type": "playlist", "nb_tracks": 1, "tracks": {"data": [track(1)]}}
    (page,) = parse(json.dumps(saved).encode(), "saved.json")
    assert (page.chart, page.country) == ("top", "ru")
    assert parse(body(track(1)), "saved.json")[0].chart == ""


def test_everything_a_row_gives_is_kept():
    row = track(
        7, position=3, title="Life", title_version="(Live)", isrc="ru-a1d-26-00001", release_date="2026-05-01",
        contributors=[{"name": "Zivert"}, {"name": "NILETTO"}],
    )  # fmt: skip
    (found,) = parse(body(row))[0].rows
    assert (found.position, found.artists, found.title) == (3, ("Zivert", "NILETTO"), "Life (Live)")
    assert (found.isrc, found.released, found.track_id) == ("RUA1D2600001", "2026-05-01", "7")
    (found,) = parse(body(track(7, title="Life (Live)", title_version="(Live)")))[0].rows
    assert found.title == "Life (Live)"


def test_single_bad_rows_are_told_and_the_rest_is_kept():
    rows = [track(1), "rubbish", track(3, title=""), track(4, artist=None), track(5), track(6, position=5)]
    (page,) = parse(body(*rows))
    assert [row.position for row in page.rows] == [1, 5]
    assert [fault.partition(":")[0] for fault in page.faults] == [
        "position 2", "position 5 stands twice in the answer", "position 3", "position 4",
    ]  # fmt: skip
    assert page.broken == ""


def test_a_total_that_never_came_is_told_but_not_asked_for_again_and_again():
    (page,) = parse(body(track(1), total=3))
    assert (page.faults, page.broken) == (("1 of 3 rows came",), "")


# -- how it is asked ---------------------------------------------------------------------------------------------------


def test_a_recorded_chart_comes_through_a_request(client, server, recorded):
    server.say_json("/chart/0/tracks", json.loads(recorded(FIXTURES[1])[0]))
    answer = fetch(client, Asked("genre-0", "ru"))
    assert parse(answer.body, answer.url) == parse(*recorded(FIXTURES[1]))
    (asked,) = server.asked
    assert parse_qs(urlsplit(asked[1]).query) == {"limit": ["100"], "index": ["0"]}


def test_the_top_of_a_country_is_one_request_and_says_what_it_is(client, server):
    pages(server, [track(place) for place in range(1, 101)])
    answer = fetch(client, ASKED)
    (page,) = parse(answer.body, answer.url)
    assert (page.chart, page.country, len(page.rows), page.broken) == ("top", "ru", 100, "")
    assert server.paths == [PATH]


def test_all_pages_are_joined_whatever_address_the_answer_names_next(client, server):
    tracks = [track(place) for place in range(1, 251)]
    pages(server, tracks, "/playlist/17/tracks", next="http://elsewhere.invalid/steal")
    answer = fetch(client, Asked("playlist-17", "ru"))
    assert json.loads(answer.body) == {"data": tracks, "total": 250}
    (page,) = parse(answer.body, answer.url)
    assert [row.position for row in page.rows] == list(range(1, 251))
    assert (page.chart, page.faults, page.broken) == ("playlist-17", (), "")
    assert [parse_qs(urlsplit(path).query)["index"] for _, path, _ in server.asked] == [["0"], ["100"], ["200"]]


def test_a_page_without_rows_is_the_last(client, server):
    server.say_json(PATH, {"data": [track(1)], "total": 9, "next": "x"}, {"data": [], "total": 9, "next": "x"})
    answer = fetch(client, ASKED)
    (page,) = parse(answer.body, answer.url)
    assert (len(page.rows), page.faults, page.broken) == (1, ("1 of 9 rows came",), "")
    assert len(server.asked) == 2


def test_without_a_total_it_is_asked_as_long_as_there_is_more(client, server):
    server.say_json(PATH, {"data": [track(1)], "next": "x"}, {"data": [track(2)]})
    assert json.loads(fetch(client, ASKED).body) == {"data": [track(1), track(2)], "total": 2}


def test_a_service_that_turns_in_circles_is_left(client, server):
    server.say_json(PATH, {"data": [track(1)], "total": 10**9})
    with pytest.raises(PageError, match="the same rows again from row 2"):
        fetch(client, ASKED)
    assert len(server.asked) == 2


def test_a_quota_is_waited_for(client, server):
    full = {"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}}
    server.say_json(PATH, full, full, {"data": [track(1)], "total": 1})
    assert len(parse(fetch(client, ASKED).body)[0].rows) == 1


def test_a_quota_that_stays_means_later(client, server):
    server.say_json(PATH, {"error": {"code": 4}})
    with pytest.raises(SourceUnreachable, match="quota is used up, 3 times: run again later"):
        fetch(client, ASKED)
    assert len(server.asked) == 3


# -- what is refused ---------------------------------------------------------------------------------------------------

ORIGIN = f"https://api.deezer.com{PATH}"
SAMPLES = (
    body(
        track(1, contributors=[{"name": "Zivert"}, {"name": "Цой"}], title_version="(Live)", position=1,
              isrc="RUA1D2600001", release_date="2026-05-01"),
        track(2),
    ),
    json.dumps(
        {"id": 1116189381, "type": "playlist", "nb_tracks": 2, "tracks": {"data": [track(1), track(2)], "total": 2}}
    ).encode(),
)  # fmt: skip
UNKNOWN = (
    (Asked("top", "xx"), "no chart 'top' for 'xx'.*choose top for ru"),
    (Asked("rock", "ru"), "name its playlist"),
    (Asked("playlist-", "ru"), "name its playlist"),
    (Asked("playlist-1116189381", "ru"), "name it 'top:ru'"),
    (Asked("genre-1/../../x", "ru"), "name its playlist"),
)
NO_CHART = (
    (b"[]", "no object"),
    (b"{}", "no list of rows|no tracks under 'data'"),
    (b'{"data": {}}', "no list of rows|no tracks under 'data'"),
    (b'{"error": {"code": 800, "message": "no data"}}', "there is no playlist/1116189381/tracks.*check|error.*800"),
    (b'{"error": {"code": 600}}', "error.*600"),
    (b'{"error": true}', "error true"),
)


def test_refuses_an_empty_chart_live_and_saved(client, server):
    server.say_json(PATH, {"data": [], "total": 0})
    answer = fetch(client, ASKED)
    with pytest.raises(PageError, match="no tracks under 'data'") as error:
        parse(answer.body, answer.url)
    assert error.value.body == answer.body


@pytest.mark.parametrize("name", FIXTURES[5:])
def test_refuses_recorded_answers_that_are_no_chart(recorded, name):
    told, origin = recorded(name)
    with pytest.raises(PageError) as error:
        parse(told, origin)
    assert error.value.body == told
