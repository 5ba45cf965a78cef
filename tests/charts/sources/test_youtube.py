"""What YouTube Charts answers, whole or in parts, becomes the week's chart, or a reason why it does not."""

from __future__ import annotations

import json
from datetime import date
from urllib.parse import parse_qs

import pytest

from chartropy.charts.periods import Period
from chartropy.charts.source import Asked
from chartropy.charts.sources.youtube import fetch, parse
from chartropy.workspace.errors import PageError

FIXTURES = (
    "fixtures/ytmusic/SYNTHETIC_charts_youtube_global_tracks_2026W34.json",
    "fixtures/ytmusic/charts_youtube_com_browse_trimmed_REAL.json",
    "fixtures/ytmusic/2025_01_get_playlist_chart.json",
    "fixtures/ytmusic/2026_07_get_charts_us_albums_no_genres.json",
    "fixtures/ytmusic/parsed_get_charts_us.json",
    "fixtures/ytmusic/parsed_playlist_chart_es.json",
)
ASKED = Asked("tracks", "ru")
PATH = "/youtubei/v1/browse"
WEEK = Period.week(date(2026, 7, 2))


def view(place: object, **more: object) -> dict:
    metadata = {"currentPosition": place, "periodsOnChart": 3}
    row = {"name": f"Song {place}", "viewCount": "1234567", "encryptedVideoId": f"video{place}"}
    return row | {"artists": [{"name": "Zivert"}], "chartEntryMetadata": metadata} | more


def views(*rows: object, **more: object) -> dict:
    chart = {"listType": "TOP_VIEWS_CHART", "chartPeriodType": "CHART_PERIOD_TYPE_WEEKLY", "endDate": "20260702"}
    return chart | {"trackViews": list(rows)} | more


def told(*lists: object, country: object = "ru", **params: object) -> dict:
    content = {
        "perspectiveMetadata": {"requestParams": {"chartParams": {"countryCode": country} | params}},
        "trackTypes": list(lists),
    }
    return {
        "contents": {"sectionListRenderer": {"contents": [{"musicAnalyticsSectionRenderer": {"content": content}}]}}
    }


def body(*lists: object, **more: object) -> bytes:
    return json.dumps(told(*lists, **more)).encode()


SHORTS = {"listType": "TOP_SHORTS_BY_USAGE", "trackViews": [view(1, name="Not a song")], "endDate": "20260702"}


# -- what is read ------------------------------------------------------------------------------------------------------


def test_a_saved_chart_is_read_as_it_was_published(shared):
    (page,) = parse((shared / FIXTURES[0]).read_bytes(), "saved.json")
    assert (page.chart, page.country, page.period, page.taken) == ("tracks", "global", None, None)
    assert (len(page.rows), page.faults, page.broken) == (100, (), "")
    assert [row.position for row in page.rows] == list(range(1, 101))
    first, second, last = page.rows[0], page.rows[1], page.rows[-1]
    assert (first.artists, first.title, first.plays) == (("Shakira", "Burna Boy"), "Dai Dai", 116992928)
    assert (first.track_id, first.link) == ("fcnDmrtj6Sk", "https://www.youtube.com/watch?v=fcnDmrtj6Sk")
    assert (len(second.artists), second.artists[0], second.title) == (5, "HUNTR/X", "Golden")
    assert (last.artists, last.title, last.plays) == (("Bruno Mars",), "The Lazy Song", 7025996)


def test_a_real_answer_without_positions_is_in_order_and_what_is_used_in_shorts_is_no_chart(shared):
    (page,) = parse((shared / FIXTURES[1]).read_bytes())
    assert (page.chart, page.country, page.period, page.faults) == ("tracks", "", None, ())
    (row,) = page.rows
    assert (row.position, row.artists, row.title) == (1, ("Lenin Ramirez",), "Todo Lo Fue")
    assert (row.track_id, row.plays) == ("kwwdY1bp-Ck", 7202079)


def test_everything_a_row_gives_is_kept():
    artists = [{"name": "Zivert"}, {"name": " Баста "}, {}, None]
    released = {"year": 2026, "month": 5, "day": 1}
    full = view(3, name="Life", artists=artists, releaseDate=released, sublabel="Zion", atvExternalVideoId="sound")
    bare = view(4, encryptedVideoId=None, atvExternalVideoId="sound", viewCount="5.4M", releaseDate={"year": 2026})
    empty = view(5, encryptedVideoId="", viewCount=None, releaseDate={"year": 2026, "month": 13, "day": 1})
    three, four, five = parse(body(views(full, bare, empty)))[0].rows
    assert (three.position, three.artists, three.title, three.plays) == (3, ("Zivert", "Баста"), "Life", 1234567)
    assert (three.track_id, three.released, three.label) == ("video3", "2026-05-01", "Zion")
    assert (four.track_id, four.link, four.plays) == ("sound", "https://www.youtube.com/watch?v=sound", 5400000)
    assert (four.released, four.label) == ("", "")
    assert (five.track_id, five.link, five.plays, five.released) == ("", "", None, "")


@pytest.mark.parametrize(
    ("said", "week"),
    [
        ("20260702", WEEK),
        ("2026-07-02", WEEK),
        (20260702, WEEK),
        ("2026-0702", None),
        ("20260230", None),
        ("00010101", None),
        ("soon", None),
        (None, None),
        ([], None),
    ],
)
def test_the_week_is_named_by_its_last_day(said, week):
    assert parse(body(views(view(1), endDate=said)))[0].period == week
    assert parse(body(views(view(1), endDate=None), endDate=said))[0].period == week


def test_the_weekly_chart_is_found_among_others():
    daily = views(view(1, name="Today"), chartPeriodType="CHART_PERIOD_TYPE_DAILY", endDate="20260705")
    (page,) = parse(body("rubbish", SHORTS, daily, views(view(1))))
    assert (page.rows[0].title, page.period, page.country) == ("Song 1", WEEK, "ru")
    unsaid = views(view(1), chartPeriodType=None)
    assert parse(body(unsaid))[0].period == WEEK
    assert parse(body(unsaid, chartPeriodType="CHART_PERIOD_TYPE_WEEKLY", country="GLOBAL"))[0].country == "global"


def test_single_bad_rows_are_told_and_the_rest_is_kept():
    rows = [
        view(1), "rubbish", view(2, name=""), view(3, artists=None), view(4), view(4, encryptedVideoId="x"), view(0),
        view(6, chartEntryMetadata=[]), view(7),
    ]  # fmt: skip
    (page,) = parse(body(views(*rows)))
    assert [row.position for row in page.rows] == [1, 4, 7]
    assert len(page.faults) == 6
    for said in ("rubbish", "position 2: no title", "position 3: no artist", "position 4 stands twice in the chart"):
        assert any(said in fault for fault in page.faults), said
    assert sum(fault.startswith("an entry without a position") for fault in page.faults) == 3
    assert page.broken == ""


def test_a_list_without_positions_counts_its_bad_rows():
    rows = [view(None, name="A"), "rubbish", view(None, name="C")]
    (page,) = parse(body(views(*rows)))
    assert [(row.position, row.title) for row in page.rows] == [(1, "A"), (3, "C")]
    assert len(page.faults) == 1


# -- how it is asked ---------------------------------------------------------------------------------------------------


def test_the_chart_comes_through_one_question(client, server):
    server.say_json(PATH, told(SHORTS, views(view(1), view(2))))
    came = fetch(client, ASKED)
    (page,) = parse(came.body, came.url)
    assert (page.chart, page.country, page.period, len(page.rows)) == ("tracks", "ru", WEEK, 2)
    assert came.content_type == "application/json"
    assert server.paths == ["/robots.txt", PATH]
    _, path, headers = server.asked[-1]
    assert path == f"{PATH}?alt=json"
    assert (headers["Origin"], headers["Accept"]) == ("https://charts.youtube.com", "application/json")
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("country", "where"), [("ru", "RU"), ("kz", "KZ"), ("global", "US")])
def test_the_question_names_the_chart_and_a_country_to_ask_from(client, server, country, where):
    server.say_json(PATH, told(views(view(1)), country=country))
    fetch(client, Asked("tracks", country))
    (question,) = server.questions
    who = {"clientName": "WEB_MUSIC_ANALYTICS", "clientVersion": "2.0", "hl": "en", "gl": where}
    assert question["context"] == {"client": who}
    assert question["browseId"] == "FEmusic_analytics_charts_home"
    assert parse_qs(question["query"]) == {
        "perspective": ["CHART_DETAILS"],
        "chart_params_country_code": [country],
        "chart_params_chart_type": ["TRACKS"],
        "chart_params_period_type": ["WEEKLY"],
    }


def test_an_answer_that_does_not_say_its_country_is_of_the_one_asked_for(client, server):
    server.say_json(PATH, told(views(view(1)), country=None))
    assert fetch(client, ASKED).body


# -- what is refused ---------------------------------------------------------------------------------------------------

ORIGIN = "saved.json"
_MORE = {"releaseDate": {"year": 2026, "month": 5, "day": 1}, "sublabel": "Zion", "atvExternalVideoId": "sound"}
SAMPLES = (body(SHORTS, views(view(1, **_MORE), view(2, **_MORE)), endDate="20260702"),)
UNKNOWN = (
    (Asked("videos", "ru"), "no 'videos' for 'ru': it has tracks"),
    (Asked("tracks", "RU"), "no 'tracks' for 'RU': it has tracks"),
    (Asked("tracks", "russia"), "no 'tracks' for 'russia': it has tracks"),
    (Asked("tracks", "r&"), "no 'tracks' for 'r&': it has tracks"),
)
NO_CHART = (
    (b"[]", "no chart of tracks by views"),
    (b"null", "no chart of tracks by views"),
    (b'{"contents": {"sectionListRenderer": {"contents": []}}}', "no chart of tracks by views"),
    (b'{"contents": {"sectionListRenderer": {"contents": {"0": {}}}}}', "no chart of tracks by views"),
    (body(), "no chart of tracks by views"),
    (body(SHORTS), "no chart of tracks by views"),
    (body(views(view(1), chartPeriodType="CHART_PERIOD_TYPE_DAILY")), "another period .*DAILY.* not a weekly one"),
    (body(views(view(1), chartPeriodType=None), chartPeriodType="MONTHLY"), "another period .*MONTHLY"),
    (body(views()), "is empty"),
    (body(views(trackViews={"1": view(1)})), "is empty"),
    (body(views(None, [], view(None, name=None))), "none of the 3 entries has a position"),
    (body(views(view(1, name=None), view(2, artists=[]))), "none of the 2 entries"),
)


@pytest.mark.parametrize("country", ["global", "US", "kz"])
def test_refuses_the_chart_of_another_country(client, server, country):
    server.say_json(PATH, told(views(view(1)), country=country))
    with pytest.raises(PageError, match=f"asked for 'ru', the chart is of '{country.lower()}'") as error:
        fetch(client, ASKED)
    assert error.value.body


def test_refuses_a_live_chart_of_an_unknown_week(client, server):
    server.say_json(PATH, told(views(view(1), endDate=None)))
    with pytest.raises(PageError, match="does not say on which day its week ends") as error:
        fetch(client, ASKED)
    assert error.value.body


def test_refuses_a_saved_chart_as_a_live_one_because_it_names_no_week(client, server, answer, shared):
    server.say(PATH, answer((shared / FIXTURES[0]).read_bytes()))
    with pytest.raises(PageError, match="endDate"):
        fetch(client, Asked("tracks", "global"))


@pytest.mark.parametrize("name", FIXTURES[2:])
def test_refuses_saved_answers_of_youtube_music_that_are_no_chart(shared, name):
    said = (shared / name).read_bytes()
    with pytest.raises(PageError, match="no chart of tracks by views") as error:
        parse(said)
    assert error.value.body == said
