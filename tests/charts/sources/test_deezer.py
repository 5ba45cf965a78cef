"""What Deezer answers, whole or in parts, becomes the chart that was asked for, or a reason why it does not."""

from __future__ import annotations

import contextlib
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartropy.charts.source import Asked
from chartropy.charts.sources import deezer
from chartropy.charts.sources.deezer import SOURCE, fetch, parse
from chartropy.workspace.errors import PageError, SourceRefused, SourceUnreachable
from chartropy.workspace.settings import Rate

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
def client(server, workspace, monkeypatch):
    monkeypatch.setattr(deezer, "QUOTA_WAIT", 0.01)
    quick = {"base_url": server.url, "retries": 2, "rate": Rate(requests=1000, seconds=1)}
    return workspace.client("deezer", SOURCE.settings.model_copy(update=quick))


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


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked("top", "xx"), "no chart 'top' for 'xx'.*choose top for ru"),
        (Asked("rock", "ru"), "name its playlist"),
        (Asked("playlist-", "ru"), "name its playlist"),
        (Asked("playlist-1116189381", "ru"), "name it 'top:ru'"),
        (Asked("genre-1/../../x", "ru"), "name its playlist"),
    ],
)
def test_a_chart_that_there_is_not_is_not_asked_for(client, server, asked, said):
    with pytest.raises(PageError, match=said):
        fetch(client, asked)
    assert server.asked == []


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 451])
def test_refuses_what_it_is_not_let_in_to_and_asks_no_more(client, server, answer, status):
    server.say(PATH, answer(b"no", status=status))
    for _ in range(2):
        with pytest.raises(SourceRefused, match=f"{status}.*Save the answer in a browser"):
            fetch(client, ASKED)
    assert len(server.asked) == 1


def test_refuses_a_service_that_fails(client, server, answer):
    server.say(PATH, answer(b"oops", status=500))
    with pytest.raises(SourceUnreachable, match="500"):
        fetch(client, ASKED)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"<html>busy</html>", "a web page instead of JSON"),
        (b"", "no whole JSON"),
        (b'{"data": [{"id": 1}', "no whole JSON"),
        (b"[]", "no object"),
        (b"{}", "no list of rows"),
        (b'{"data": {}}', "no list of rows"),
        (b'{"error": {"code": 800, "message": "no data"}}', "there is no playlist/1116189381/tracks.*check"),
        (b'{"error": {"code": 600}}', "error.*600"),
        (b'{"error": true}', "error true"),
    ],
)
def test_refuses_a_live_answer_that_is_no_chart(client, server, answer, said, why):
    server.say(PATH, answer(said))
    with pytest.raises(PageError, match=why) as error:
        fetch(client, ASKED)
    assert error.value.body == said


def test_refuses_an_answer_that_breaks_off_in_the_line(client, server, answer):
    server.say(PATH, answer(body(track(1)), how="cut"))
    with pytest.raises(SourceUnreachable, match="broke off 3 times"):
        fetch(client, ASKED)


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


@pytest.mark.parametrize("cut", [1, 10, 50, 90])
def test_refuses_every_answer_that_is_cut_off(cut):
    whole = body(track(1), track(2))
    with pytest.raises(PageError, match="no whole JSON"):
        parse(whole[: len(whole) * cut // 100])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
)
fields = ("id", "title", "title_version", "artist", "contributors", "position", "isrc", "release_date", "link")


@given(st.lists(st.dictionaries(st.sampled_from(fields), anything) | anything, max_size=4), anything, anything)
def test_whatever_a_row_holds_it_is_a_row_a_fault_or_a_page_error(rows, total, artist):
    rows = [track(1, artist={"name": artist}), *rows]
    told = json.dumps({"data": rows, "total": total}).encode()
    try:
        (page,) = parse(told)
    except PageError:
        return
    assert page.rows
    assert all(row.title and row.artists and isinstance(row.title, str) for row in page.rows)
    assert len({row.position for row in page.rows}) == len(page.rows)


@given(
    anything | st.fixed_dictionaries({"tracks": anything | st.fixed_dictionaries({"data": anything}), "type": anything})
)
def test_any_json_is_a_chart_or_a_page_error(value):
    with contextlib.suppress(PageError):
        assert parse(json.dumps(value).encode())[0].rows


@given(st.binary(max_size=200))
def test_any_bytes_are_a_page_error(noise):
    with pytest.raises(PageError):
        parse(noise)


# -- the test world ----------------------------------------------------------------------------------------------------


def test_the_rows_of_the_world_are_what_it_published(world, workspace):
    client = workspace.client("deezer", SOURCE.settings.model_copy(update={"base_url": f"{world.url}/deezer"}))
    answer = fetch(client, ASKED)
    (page,) = parse(answer.body, answer.url)
    charts = world.charts()
    newest = max(week for platform, week in charts if platform == "deezer")
    published = charts["deezer", newest]
    assert {row.position: row.track_id for row in page.rows} == {
        place: recording["ids"]["deezer"] for place, recording in published.items()
    }
    for row in page.rows:
        artists, title = published[row.position]["spelled"]["deezer"]
        assert (row.artists, row.title) == ((artists[0],), title)
