"""Last.fm's answers, XML or JSON, give the tracks they list; its errors mean what they say; the key is shown nowhere."""

from __future__ import annotations

import json
import re
from html import escape
from urllib.parse import parse_qs, urlsplit

import pytest

from chartropy.charts.rows import MAX_POSITION
from chartropy.charts.source import Asked
from chartropy.charts.sources.lastfm import COUNTRIES, SOURCE, code_of, fetch, parse
from chartropy.workspace.errors import PageError, SourceError, SourceRefused, SourceUnreachable

FIXTURES = (
    "fixtures/lastfm/TestPyLastNetwork.test_country_top_tracks.yaml",
    "fixtures/lastfm/TestPyLastNetwork.test_geo_get_top_tracks.yaml",
    "fixtures/lastfm/TestPyLastNetwork.test_network_get_top_tracks_with_limit.yaml",
    "fixtures/lastfm/TestPyLastNetwork.test_tag_top_tracks.yaml",
    "fixtures/lastfm/TestPyLastNetwork.test_country_top_artists.yaml",
    "fixtures/lastfm/TestPyLastNetwork.test_network_get_top_tags_with_limit.yaml",
)
ASKED = Asked("tracks", "ru")
PATH = "/2.0/"
KEY = "SECRET7f3a"


@pytest.fixture
def client(client_of):
    return client_of(SOURCE, key=KEY)


@pytest.fixture
def recorded(shared):
    """The body of a recorded answer, out of the one long quoted string that it is in the YAML."""

    def read(name: str) -> bytes:
        found = re.search(
            r"\n      string: (['\"])(.*?)\1\n    headers:", (shared / name).read_text(encoding="utf-8"), re.S
        )
        assert found
        # one line break is a space, each empty line after it is a line break
        text = re.sub(r" *\n((?: *\n)*) *", lambda lines: "\n" * lines[1].count("\n") or " ", found[2])
        if found[1] == "'":
            return text.replace("''", "'").encode()
        return json.loads('"' + re.sub(r"\\x(..)", r"\\u00\1", text) + '"', strict=False).encode()

    return read


def track(place: int, rank: object = None, *, title: str | None = None, artist: str = "Zivert", more: str = "") -> str:
    title = f"Song {place}" if title is None else title
    mark = "" if rank is None else f' rank="{rank}"'
    return f"<track{mark}><name>{escape(title)}</name>{more}<artist><name>{escape(artist)}</name></artist></track>"


def body(*tracks: str, about: str = 'country="Russian Federation" page="1" perPage="100"') -> bytes:
    inside = "\n".join(tracks)
    return f'<?xml version="1.0" encoding="UTF-8" ?>\n<lfm status="ok"><tracks {about}>{inside}</tracks></lfm>'.encode()


def failed(code: object, words: str = "It is said here") -> bytes:
    return f'<?xml version="1.0"?><lfm status="failed"><error code="{code}">{words}</error></lfm>'.encode()


def json_body(*tracks: object, about: object = None) -> bytes:
    about = {"country": "Russian Federation", "page": "1", "perPage": "100"} if about is None else about
    return json.dumps({"tracks": {"track": tracks, "@attr": about}}).encode()


# -- what is read ------------------------------------------------------------------------------------------------------


def test_the_recorded_chart_of_a_country(recorded):
    (page,) = parse(recorded(FIXTURES[0]), "saved.xml")
    assert (page.chart, page.country, page.period, page.taken) == ("tracks", "hr", None, None)
    assert (page.faults, page.broken) == ((), "")
    first, second = page.rows
    assert (first.position, first.artists, first.title, first.plays) == (1, ("Tame Impala",), "Dracula", 239)
    assert first.track_id == "5b1c893a-16da-4e3d-b9b7-6cc57afc360c"
    assert first.link == "https://www.last.fm/music/Tame+Impala/_/Dracula"
    assert (second.position, second.artists, second.title, second.plays) == (2, ("ROSALÍA",), "Berghain", 236)


def test_a_recorded_track_without_an_id(recorded):
    (page,) = parse(recorded(FIXTURES[1]))
    (row,) = page.rows
    assert (page.country, row.position, row.artists, row.title) == ("gb", 1, ("RAYE",), "WHERE IS MY HUSBAND!")
    assert (row.track_id, row.plays) == ("", 17143)


def test_the_recorded_chart_of_all_users_has_no_ranks(recorded):
    (page,) = parse(recorded(FIXTURES[2]))
    (row,) = page.rows
    assert (page.country, row.position, row.artists, row.title) == (
        "global",
        1,
        ("Taylor Swift",),
        "The Fate of Ophelia",
    )
    assert row.plays == 13938891


def test_json_says_the_same():
    rows = [
        {
            "name": "Прованс",
            "artist": {"name": "Ёлка"},
            "@attr": {"rank": "0"},
            "mbid": "m",
            "listeners": "12",
            "url": "u",
        },
        {"name": "Life", "artist": "Zivert", "@attr": {"rank": "1"}, "mbid": "", "listeners": ""},
    ]
    (page,) = parse(json_body(*rows))
    assert (page.chart, page.country, page.faults) == ("tracks", "ru", ())
    assert [(row.position, row.artists, row.title, row.plays) for row in page.rows] == [
        (1, ("Ёлка",), "Прованс", 12), (2, ("Zivert",), "Life", None),
    ]  # fmt: skip
    alone = json.dumps({"toptracks": {"track": rows[0]}}).encode()  # its JSON makes no list of one
    assert [row.title for row in parse(alone)[0].rows] == ["Прованс"]
    assert parse(alone)[0].country == ""


@pytest.mark.parametrize(
    ("about", "ranks", "positions"),
    [
        ('page="1" perPage="3"', (0, 1, 2), [1, 2, 3]),
        ('page="1" perPage="3"', (1, 2, 3), [1, 2, 3]),
        ('page="1" perPage="3"', (None, None, None), [1, 2, 3]),
        ('page="1" perPage="3"', (0, None, 2), [1, 2, 3]),
        ('page="1" perPage="3"', (0, "x", 2), [1, 2, 3]),
        ('page="1" perPage="3"', (2, 1, 0), [1, 2, 3]),
        ('page="2" perPage="50"', (0, 1, 2), [51, 52, 53]),
        ('page="2" perPage="50"', (51, 52, 53), [51, 52, 53]),
        ('page="x" perPage=""', (0, 1, 2), [1, 2, 3]),
        ('page="0" perPage="3"', (0, 1, 2), [1, 2, 3]),
    ],
)
def test_ranks_count_from_0_or_1_or_are_not_there(about, ranks, positions):
    (page,) = parse(body(*(track(place, rank) for place, rank in enumerate(ranks)), about=about))
    assert [row.position for row in page.rows] == positions


def test_single_bad_rows_are_told_and_the_rest_is_kept():
    tracks = [
        track(1, 0),
        track(2, 1, title=""),
        track(3, 2, artist=" "),
        track(4, 3),
        track(5, 3),
        "<track rank='9'/>",
    ]
    (page,) = parse(body(*tracks))
    assert [(row.position, row.title) for row in page.rows] == [(1, "Song 1"), (4, "Song 4")]
    assert [fault.partition(":")[0] for fault in page.faults] == [
        "position 4 stands twice in the answer", "position 2", "position 3", "position 10",
    ]  # fmt: skip
    (page,) = parse(json_body("rubbish", {"name": ["x"], "artist": "A"}, {"name": "T", "artist": {"name": "A"}}))
    assert [(row.position, row.title) for row in page.rows] == [(3, "T")]
    assert [fault.partition(":")[0] for fault in page.faults] == ["position 1", "position 2"]


def test_a_position_beyond_all_charts_is_a_fault():
    (page,) = parse(body(track(1, 0), track(2, 1), about=f'page="2" perPage="{MAX_POSITION - 1}"'))
    assert [row.position for row in page.rows] == [MAX_POSITION]
    assert page.faults == (f"position {MAX_POSITION + 1}: there are {MAX_POSITION} at most; left out",)
    with pytest.raises(PageError, match="none of the 1 entries"):
        parse(body(track(1, 0), about='page="9999" perPage="9999"'))


def test_names_may_hold_what_xml_forbids():
    (row,) = parse(body(track(1, title="A\x07B & <C>\u2028и\u0306")))[0].rows
    assert row.title == "AB & <C> й"


def test_countries_by_code_and_by_name():
    assert (code_of("Russian Federation"), code_of("RUSSIA"), code_of("Czechia")) == ("ru", "ru", "cz")
    assert (code_of("Viet Nam"), code_of("")) == ("viet nam", "")
    assert {code_of(name) for name in COUNTRIES.values()} == COUNTRIES.keys()


# -- how it is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "asks", "about"),
    [
        ("ru", {"method": ["geo.gettoptracks"], "country": ["Russian Federation"]}, 'country="Russian Federation"'),
        ("hr", {"method": ["geo.gettoptracks"], "country": ["Croatia"]}, 'country="Croatia" page="1"'),
        ("viet nam", {"method": ["geo.gettoptracks"], "country": ["viet nam"]}, 'country="Viet Nam" page="1"'),
        ("global", {"method": ["chart.gettoptracks"]}, 'page="1" perPage="100"'),
    ],
)
def test_one_request_of_the_right_method(client, server, answer, country, asks, about):
    server.say(PATH, answer(body(track(1), about=about), headers={"Content-Type": "text/xml"}))
    told = fetch(client, Asked("tracks", country))
    (asked,) = server.asked
    assert parse_qs(urlsplit(asked[1]).query) == asks | {"limit": ["100"], "api_key": [KEY]}
    assert parse_qs(urlsplit(told.url).query) == asks | {"limit": ["100"]}
    assert (told.content_type, parse(told.body, told.url)[0].country) == ("text/xml", country)


def test_a_recorded_answer_comes_through_a_request(client, server, answer, recorded):
    server.say(PATH, answer(recorded(FIXTURES[0])))
    told = fetch(client, Asked("tracks", "hr"))
    assert told.body == recorded(FIXTURES[0])
    assert len(parse(told.body, told.url)[0].rows) == 2


def test_a_key_with_blanks_around_it_is_sent_without_them(client_of, server, answer):
    server.say(PATH, answer(body(track(1))))
    fetch(client_of(SOURCE, key=f" {KEY}\n"), ASKED)
    assert parse_qs(urlsplit(server.asked[0][1]).query)["api_key"] == [KEY]


def test_the_key_is_in_no_address_and_no_error(client, server, answer, caplog):
    telling = f"Invalid API key {KEY}"
    for told in (
        answer(body(track(1))), answer(failed(10, telling), status=403), answer(failed(11, telling)),
        answer(failed(6, telling)), answer(failed(7, telling), status=400), answer(b"no", status=403),
        answer(b"no", status=404), answer(b"no", status=500), answer(failed(29, telling), status=429),
        answer(body(track(1)), how="cut"), answer(how="reset"), answer(b"<html>no</html>"),
        answer(body(track(1), about='country="France"')), answer(status=302, headers={"Location": "//"}),
    ):  # fmt: skip
        server.say(PATH, told)
        server.asked.clear()
        client.refused = None
        try:
            said = fetch(client, ASKED).url
        except SourceError as error:
            said = f"{error} {error!r}"
        assert said
        assert KEY not in said, told
        assert server.asked
    assert KEY not in " ".join(record.getMessage() for record in caplog.records if record.name.startswith("chartropy"))


# -- what is refused ---------------------------------------------------------------------------------------------------

ORIGIN = "saved.xml"
SAMPLES = (
    body(track(1, 0, title="Кукушка", artist="Цой"), track(2, 1), track(3, 2)),
    json_body(
        {"name": "Life", "artist": {"name": "Цой"}, "@attr": {"rank": "0"}, "mbid": "m", "url": "u", "playcount": "9"},
        {"name": "Fly", "artist": "Zivert", "@attr": {"rank": "1"}, "listeners": "7"},
    ),
)
UNKNOWN = (
    (Asked("albums", "ru"), "no chart 'albums'; choose from tracks"),
    (Asked("tracks", "Russian Federation"), "write 'ru'"),
    (Asked("tracks", "russia"), "write 'ru'"),
    (Asked("tracks", "Viet Nam"), "write 'viet nam'"),
    (Asked("tracks", "vn"), "write it out, such as 'viet nam'"),
)
NO_CHART = (
    (b"<!DOCTYPE html><html></html>", "a web page"),
    (b'<!DOCTYPE x [<!ENTITY a "b">]><lfm><tracks/></lfm>', "a web page"),
    (b"", "no whole XML"),
    (b"oops", "no whole XML"),
    (body(track(1))[:-9], "no whole XML"),
    (body(track(1, title="Цой")).decode().encode("cp1251"), "no text in UTF-8"),
    (body(), "no list of tracks"),
    (b'<lfm status="ok"/>', "no list of tracks"),
    (body(track(1, title="")), "none of the 1 entries"),
    (json_body(), "no list of tracks"),
    (json_body(1, "x", None), "none of the 3 entries"),
    (json_body({"name": "T", "artist": ["A"]}), "none of the 1 entries"),
    (b"[]", "no list of tracks"),
    (b"{}", "no list of tracks"),
    (b'{"tracks": []}', "no list of tracks"),
    (b'{"tracks": {"track": "x"}}', "no list of tracks"),
    (b'{"tracks": {"track": [{"name"', "no whole JSON"),
    (b'{"error": true}', "no list of tracks"),
)


@pytest.mark.parametrize("key", ["", "  "])
def test_refuses_to_ask_without_a_key_and_says_where_to_get_one(client_of, server, key):
    client = client_of(SOURCE, key=key)
    with pytest.raises(SourceRefused, match=r"get one at https://www.last.fm/api/account/create.*\[sources.lastfm\]"):
        fetch(client, ASKED)
    assert client.refused
    assert server.asked == []


@pytest.mark.parametrize("code", [4, 10, 26])
@pytest.mark.parametrize("status", [200, 403])
def test_refuses_with_a_key_that_is_not_taken_and_asks_no_more(client, server, answer, code, status):
    server.say(PATH, answer(failed(code), status=status))
    for _ in range(2):
        with pytest.raises(SourceRefused, match=rf"does not take the key .*error {code}: It is said here\)"):
            fetch(client, ASKED)
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", [8, 11, 16, 29])
@pytest.mark.parametrize("form", ["xml", "json"])
def test_refuses_for_now_when_it_is_out_of_order(client, server, answer, code, form):
    told = failed(code) if form == "xml" else json.dumps({"error": code, "message": "It is said here."}).encode()
    server.say(PATH, answer(told))
    with pytest.raises(SourceUnreachable, match=rf"error {code}: It is said here\): run again later"):
        fetch(client, ASKED)
    assert not client.refused


def test_refuses_a_country_that_it_does_not_know(client, server, answer):
    server.say(PATH, answer(failed(6, "country param invalid"), status=400))
    with pytest.raises(PageError, match=r"error 6: country param invalid\. Check the country's name") as error:
        fetch(client, ASKED)
    assert error.value.body == failed(6, "country param invalid")


@pytest.mark.parametrize(
    ("about", "said"), [('country="France" page="1"', "'fr'"), ('page="1"', "'global'"), ("", "''")]
)
def test_refuses_the_chart_of_another_country(client, server, answer, about, said):
    server.say(PATH, answer(body(track(1), about=about)))
    with pytest.raises(PageError, match=f"asked for 'ru', the answer is of {said}"):
        fetch(client, ASKED)


@pytest.mark.parametrize("name", FIXTURES[3:])
def test_refuses_recorded_answers_that_are_no_chart_of_tracks(recorded, name):
    told = recorded(name)
    with pytest.raises(PageError, match="the tracks of a tag|no list of tracks") as error:
        parse(told)
    assert error.value.body == told


@pytest.mark.parametrize("whose", ['user="rj"', 'artist="Cher"', 'tag="blues"', 'country="Spain" metro="Madrid"'])
def test_refuses_tracks_of_something_else(whose):
    with pytest.raises(PageError, match="not the chart of a country"):
        parse(body(track(1), about=whose))


def test_refuses_a_saved_error_in_its_words():
    for told in (failed(10, "Invalid API key."), b'{"error": 10, "message": "Invalid API key."}'):
        with pytest.raises(PageError, match=r"no chart, but the error 10: Invalid API key\.$"):
            parse(told, "saved")
