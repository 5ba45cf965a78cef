"""What Yandex Music answers, whole or in parts, becomes the chart that was asked for, or a reason why it does not."""

from __future__ import annotations

import json
from datetime import date

import pytest

from chartropy.charts.source import Asked
from chartropy.charts.sources.yandex import fetch, fetch_credits, parse
from chartropy.workspace.errors import PageError, SourceRefused

FIXTURES = ("fixtures/yandex/SYNTHETIC_landing3_chart_russia_2020-08-31.json",)
ASKED = Asked("chart", "ru")
PATH = "/landing3/chart/russia"
ADDRESS = f"https://api.music.yandex.net{PATH}"
CREDITS = "/tracks/123/credits"


def entry(place: object, listeners: object = 900, timestamp: object = None, **more: object) -> dict:
    track = {"id": f"{place}", "title": f"Song {place}", "artists": [{"name": "Zivert"}], "albums": []} | more
    row = {"track": track, "chart": {"position": place, "progress": "same", "listeners": listeners, "shift": 0}}
    return row if timestamp is None else row | {"timestamp": timestamp}


def menu(*regions: str, selected: str = "") -> dict:
    return {"items": [{"title": region, "url": region, "selected": region == selected} for region in regions]}


def told(*entries: object, **more: object) -> dict:
    return {"invocationInfo": {}, "result": {"type": "chart", "chart": {"tracks": list(entries)}} | more}


def body(*entries: object, **more: object) -> bytes:
    return json.dumps(told(*entries, **more)).encode()


# -- what is read ------------------------------------------------------------------------------------------------------


def test_a_saved_chart_is_read_as_it_was_published(shared):
    (page,) = parse((shared / FIXTURES[0]).read_bytes(), "russia.json")
    assert (page.chart, page.country, page.period, page.taken) == ("chart", "", None, None)
    assert (len(page.rows), page.faults, page.broken) == (100, (), "")
    assert [row.position for row in page.rows] == list(range(1, 101))
    first, fifth, last = page.rows[0], page.rows[4], page.rows[-1]
    assert (first.artists, first.title, first.track_id) == (("Dabro",), "Юность", "1")
    assert (first.link, first.plays, first.genres, first.label) == ("https://music.yandex.ru/track/1", None, (), "")
    assert (fifth.artists, fifth.title) == (("Zivert", "Баста"), "неболей")
    assert (last.artists, last.title) == (("JONY",), "Ты пари")


def test_everything_a_row_gives_is_kept():
    album = {"genre": "ruspop", "labels": [{"name": "Zion"}, "Первое", {}], "releaseDate": "2026-05-01T00:00:00+03:00"}
    artists = [{"name": "Zivert"}, {"name": " Баста "}, {}]
    (row,) = parse(body(entry(3, 45678, id=77, title="Life", version="Live", artists=artists, albums=[album])))[0].rows
    assert (row.position, row.artists, row.title, row.plays) == (3, ("Zivert", "Баста"), "Life (Live)", 45678)
    assert (row.track_id, row.link) == ("77", "https://music.yandex.ru/track/77")
    assert (row.released, row.genres, row.label) == ("2026-05-01", ("ruspop",), "Zion, Первое")
    (row,) = parse(body(entry(1, title="Life (Live)", version="Live")))[0].rows
    assert row.title == "Life (Live)"


@pytest.mark.parametrize(
    ("stamps", "taken"),
    [
        (("2026-07-02T03:00:00+00:00", "2026-07-02T03:00:00+00:00"), date(2026, 7, 2)),
        (("2026-07-02T03:00:00Z", "2026-07-02T03:00:00Z"), date(2026, 7, 2)),
        (("2026-07-02T03:00:00+00:00", "2026-06-01T03:00:00+00:00"), None),
        (("2026-07-02T03:00:00+00:00", None), None),
        ((None, None), None),
        (("soon", "soon"), None),
        (([1], [1]), None),
    ],
)
def test_the_day_is_what_all_tracks_say_alike(stamps, taken):
    assert parse(body(*(entry(at, timestamp=stamp) for at, stamp in enumerate(stamps, 1))))[0].taken == taken


@pytest.mark.parametrize(
    ("above", "origin", "country"),
    [
        (menu("russia", "world", selected="russia"), "saved.json", "ru"),
        (menu("russia", "world", selected="world"), "saved.json", "global"),
        (menu("russia", "world", selected="world"), ADDRESS, "global"),
        (menu("russia", "world"), ADDRESS, "ru"),
        (menu("moon", selected="moon"), ADDRESS, "ru"),
        (None, ADDRESS, "ru"),
        (None, "https://api.music.yandex.net/landing3/chart/world/?x=1", "global"),
        (None, "https://api.music.yandex.net/landing3/chart", ""),
        (None, "landing3/chart/russia", ""),
        ({"items": [None, {"selected": True}, {"selected": True, "url": ["russia"]}]}, "saved.json", ""),
        ({"items": 5}, "saved.json", ""),
        ([], "saved.json", ""),
    ],
)
def test_the_country_is_what_the_menu_says_or_else_the_address(above, origin, country):
    assert parse(body(entry(1), menu=above), origin)[0].country == country


def test_single_bad_rows_are_told_and_the_rest_is_kept():
    entries = [
        entry(1), "rubbish", entry(2, title=""), entry(3, artists=None), entry(4), entry(4, id="9", title="Other"),
        entry(0), entry("x"), {"track": {}}, entry(7, listeners="many"),
    ]  # fmt: skip
    (page,) = parse(body(*entries))
    assert [(row.position, row.title, row.plays) for row in page.rows] == [
        (1, "Song 1", 900), (4, "Song 4", 900), (7, "Song 7", None),
    ]  # fmt: skip
    assert len(page.faults) == 7
    for said in ("rubbish", "position 2: no title", "position 3: no artist", "position 4 stands twice in the chart"):
        assert any(said in fault for fault in page.faults), said
    assert sum(fault.startswith("a track without a position") for fault in page.faults) == 4
    assert page.broken == ""


# -- how it is asked ---------------------------------------------------------------------------------------------------


def test_a_saved_chart_comes_through_one_request(client, server, answer, shared):
    saved = (shared / FIXTURES[0]).read_bytes()
    server.say(PATH, answer(saved, headers={"Content-Type": "application/json"}))
    came = fetch(client, ASKED)
    assert (came.body, came.content_type, came.url) == (saved, "application/json", f"{server.url}{PATH}")
    (page,) = parse(came.body, came.url)
    assert (page.country, page.rows) == ("ru", parse(saved)[0].rows)
    ((_, path, headers),) = server.asked
    assert (path, headers["Accept"]) == (PATH, "application/json")
    assert "Authorization" not in headers


def test_the_chart_of_the_world_has_an_address_of_its_own(client, server):
    server.say_json("/landing3/chart/world", told(entry(1), menu=menu("russia", "world", selected="world")))
    came = fetch(client, Asked("chart", "global"))
    assert parse(came.body, came.url)[0].country == "global"
    assert server.paths == ["/landing3/chart/world"]


# -- what is refused ---------------------------------------------------------------------------------------------------

ORIGIN = ADDRESS
_ALBUM = {"genre": "ruspop", "labels": [{"name": "Zion"}, "Первое"], "releaseDate": "2026-05-01"}
SAMPLES = (
    body(
        *(entry(at, timestamp="2026-07-02T03:00:00+00:00", version="Live", albums=[_ALBUM]) for at in (1, 2)),
        menu=menu("russia", "world", selected="russia"),
    ),
)
UNKNOWN = (
    (Asked("chart", "kz"), "no 'chart' for 'kz': it has a chart for ru and global"),
    (Asked("chart", ""), "no 'chart' for '': it has a chart for ru and global"),
    (Asked("top", "ru"), "no 'top' for 'ru': it has a chart for ru and global"),
)
NO_CHART = (
    (b"[]", "no rows under result.chart.tracks"),
    (b"null", "no rows"),
    (b'{"result": []}', "no rows"),
    (b'{"result": {"chart": {}}}', "no rows"),
    (b'{"result": {"chart": {"tracks": {"1": {}}}}}', "no rows"),
    (b'{"error": {"name": "session-expired"}}', "no rows"),
    (body(), "no rows"),
    (body(None, {}, entry(None), entry(True), entry(1.5)), "none of the 5 entries has a position"),
    (body(entry(1, title=None), entry(2, artists=[])), "none of the 2 entries"),
)


def test_refuses_the_chart_of_another_country(client, server, answer):
    server.say_json(PATH, told(entry(1), menu=menu("russia", "world", selected="world")))
    with pytest.raises(PageError, match="asked for 'ru', the answer is of 'global'") as error:
        fetch(client, ASKED)
    assert error.value.body
    server.say(PATH, answer(status=302, headers={"Location": f"{server.url}/landing3/chart/world"}))
    server.say_json("/landing3/chart/world", told(entry(1)))
    with pytest.raises(PageError, match="sent on to /landing3/chart/world"):
        fetch(client, ASKED)


# -- the credits -------------------------------------------------------------------------------------------------------


def credit(title: object, value: object) -> dict:
    return {"title": title, "value": value}


@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("Использование ИИ", "Вокал"),
        ("использование ии", "да"),
        ("AI use", "Music and vocals"),
        ("Искусственный интеллект", "Suno"),
        ("Сгенерировано нейросетью", "Udio"),
        ("Artificial intelligence", "yes"),
        ("Дополнительно", "Создано с помощью ИИ"),
        ("Note", "AI-generated"),
    ],
)
def test_a_credit_that_names_ai_is_told_in_its_words(client, server, title, value):
    others = [credit("Исполнитель", "Zivert"), credit(None, None), credit("Лейбл", "")]
    server.say_json(CREDITS, {"result": {"credits": [*others, credit(title, f" {value} "), credit(title, value)]}})
    assert fetch_credits(client, "123")[1] == f"{title}: {value}"
    ((_, path, headers),) = server.asked
    assert (path, headers["Accept"]) == (CREDITS, "application/json")


def test_several_credits_that_name_ai_are_all_told(client, server):
    said = [credit("Использование ИИ", None), credit("AI use", "Vocals"), {"value": "Создано ИИ"}]
    server.say_json(CREDITS, {"result": {"credits": said}})
    assert fetch_credits(client, "123")[1] == "Использование ИИ; AI use: Vocals; Создано ИИ"


@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("Исполнитель", "AI"),
        ("Автор музыки", "Ai"),
        ("Лейбл", "ИИ"),
        ("Label", "Artificial Intelligence Records"),
        ("Создано без ИИ", "да"),
        ("No AI", "yes"),
        ("Сделано", "Без ИИ"),
        ("Использование ИИ", "Нет"),
        ("Использование ИИ", "нет, не использовался"),
        ("Использование ИИ", "Не использовался"),
        ("Использование ИИ", "без ИИ"),
        ("AI use", "No."),
        ("AI use", "none declared"),
        ("AI use", False),
        ("AI use", "0 %"),
        ("AI use", "—"),
        ("Mailing", "Kairos"),
        ("Аранжировка", "Алиии"),
    ],
)
def test_what_only_looks_like_ai_is_not_told(client, server, title, value):
    server.say_json(CREDITS, {"result": {"credits": [credit(title, value)]}})
    assert fetch_credits(client, "123")[1] == ""


@pytest.mark.parametrize("result", [{}, {"credits": None}, {"credits": []}])
def test_a_track_without_credits_names_no_ai(client, server, result):
    server.say_json(CREDITS, {"result": result})
    assert fetch_credits(client, "123")[1] == ""


def test_the_id_of_a_track_may_name_its_album(client, server):
    server.say_json("/tracks/12:34/credits", {"result": {"credits": []}})
    assert fetch_credits(client, "12:34")[1] == ""


@pytest.mark.parametrize("track_id", ["", "abc", "1/../2", "12:", "-1", "١٢", "1\n"])
def test_refuses_what_is_no_id_of_a_track(client, server, track_id):
    with pytest.raises(PageError, match="is no id of a track"):
        fetch_credits(client, track_id)
    assert server.asked == []


@pytest.mark.parametrize(
    "said",
    [
        [],
        None,
        {},
        {"result": None},
        {"result": []},
        {"result": "ok"},
        {"result": {"items": []}},
        {"result": {"credits": {}}},
        {"result": {"credits": False}},
        {"result": {"credits": {"title": "Использование ИИ"}}},
        {"result": {"credits": ["Использование ИИ"]}},
        {"result": {"credits": [{"role": "Использование ИИ", "name": "Вокал"}]}},
        {"result": {"credits": [{"title": "Использование ИИ", "value": ["Вокал"]}]}},
    ],
)
def test_refuses_credits_in_another_form(client, server, said):
    server.say_json(CREDITS, said)
    with pytest.raises(PageError, match="credits for the track 123: they have another form") as error:
        fetch_credits(client, "123")
    assert error.value.body == json.dumps(said).encode()


def test_refuses_credits_that_are_no_answer(client, server, answer):
    with pytest.raises(PageError, match="404"):
        fetch_credits(client, "123")
    server.say(CREDITS, answer(b'{"result": {"cred'))
    with pytest.raises(PageError, match="no whole JSON"):
        fetch_credits(client, "123")
    server.say(CREDITS, answer(b"<title>Just a moment...</title>"))
    with pytest.raises(SourceRefused, match="challenge page"):
        fetch_credits(client, "123")
    assert client.refused
