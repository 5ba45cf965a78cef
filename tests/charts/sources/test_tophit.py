"""A TopHit page, whole or damaged, live or saved, gives the rows it holds, or says why it gives none."""

from __future__ import annotations

import contextlib
import csv
import json
import time
import unicodedata
from collections import defaultdict
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chartropy.charts.periods import Period
from chartropy.charts.rows import Page
from chartropy.charts.source import Asked
from chartropy.charts.sources import tophit
from chartropy.workspace.errors import PageError
from chartropy.workspace.workspace import Workspace

FIXTURES = (
    "tophit/SYNTHETIC_radio_ru_annual_2024.html",
    "tophit/SYNTHETIC_vk_ru_annual_2025.html",
    "../data/tophit_annual_ru/tophit_annual_with_row_order.csv",
)

WEEK = Period.week(date(2026, 7, 2))
YEAR = Period.holding(date(2024, 1, 1), "annual")
DECADE = Period.holding(date(2000, 1, 1), "decade")
JUNE = Period.holding(date(2026, 6, 1), "monthly")
ASKED = Asked("radio", "ru", WEEK)


def parse(body: bytes, origin: str = "") -> Page:
    """Read the one chart of a page."""
    (page,) = tophit.parse(body, origin)
    return page


def real(shared, name: str) -> bytes:
    return (shared / "fixtures" / name).read_bytes()


# -- the two layers ----------------------------------------------------------------------------------------------------


def test_the_payload_alone_is_enough(pages):
    found = parse(pages.page(payload={"charts": [pages.payload_row(1, releaseDate="2026-05-01T00:00:00.000Z")]}))
    (row,) = found.rows
    assert (row.position, row.artists, row.title) == (1, ("Zivert",), "Life")
    assert (row.artists_intl, row.title_intl, row.released) == (("Zivert intl",), "Life intl", "2026-05-01")
    assert found.faults == ()


def test_the_table_alone_is_enough(pages):
    row_html = pages.table_row(3, track_id="17", rights="Звук-МRUA1D2600001", released="1 May, 2026")
    found = parse(pages.page([row_html]))
    (row,) = found.rows
    assert (row.position, row.artists, row.title, row.track_id) == (3, ("Zivert",), "Life", "17")
    assert (row.isrc, row.label, row.released) == ("RUA1D2600001", "Звук-М", "2026-05-01")
    assert (row.genres, row.language) == (("Pop",), "Russian")  # the flag is American: it is not the language
    assert found.faults == ()


def test_payload_entries_may_be_nested_in_charts_with_rows(pages):
    nested = {"charts": [{"name": "x", "rows": [pages.payload_row(1), pages.payload_row(2, "Fly")]}]}
    assert [row.title for row in parse(pages.page(payload=nested)).rows] == ["Life", "Fly"]


def test_each_layer_fills_what_the_other_lacks(pages):
    html = [pages.table_row(1, track_id="5", rights="LabelRUA1D2600001"), pages.table_row(2, "Fly", track_id="6")]
    payload = {"charts": [pages.payload_row(1, id=5), pages.payload_row(3, "Three")]}
    found = parse(pages.page(html, payload))
    assert [row.position for row in found.rows] == [1, 2, 3]
    assert found.rows[0].isrc == "RUA1D2600001"
    assert found.rows[0].title_intl == "Life intl"
    assert found.faults == ()


def test_a_row_that_only_one_layer_names_is_whole_and_no_fault(pages):
    html = [pages.table_row(1, "Life", track_id="5"), pages.table_row(2, "", track_id="6")]
    payload = {"charts": [pages.payload_row(1, "", id=5), pages.payload_row(2, "Fly", id=6)]}
    found = parse(pages.page(html, payload))
    assert [row.title for row in found.rows] == ["Life", "Fly"]
    assert found.faults == ()


def test_layers_that_disagree_are_reported_and_not_mixed(pages):
    html = [pages.table_row(1, "Other", track_id="9", rights="LabelRUA1D2600001")]
    found = parse(pages.page(html, {"charts": [pages.payload_row(1, id=5)]}))
    assert found.rows[0].title == "Life"
    assert found.rows[0].isrc == ""
    assert "position 1" in found.faults[0]
    assert "'Other'" in found.faults[0]


@pytest.mark.parametrize("hashed", ["7OlOi", "XXXXX", "_-9", ""])
def test_class_names_are_known_by_what_stands_before_their_hash(pages, hashed):
    (row,) = parse(pages.page([pages.table_row(1, rights="LRUA1D2600001", hashed=hashed)])).rows
    assert (row.title, row.isrc) == ("Life", "RUA1D2600001")


@pytest.mark.parametrize(
    ("rights", "isrc", "label"),
    [
        ("Believe", "", "Believe"),
        ("", "", ""),
        ("BelieveRUA1D2600001", "RUA1D2600001", "Believe"),
        ("Believe RU-A1D-26-00001", "RUA1D2600001", "Believe"),
        ("SONY MUSICUSSM12200612", "USSM12200612", "SONY MUSIC"),
        ("Broma 16QZB422600012", "QZB422600012", "Broma 16"),
        ("Национальный цифровой агрегаторRU-A1D-2600001", "RUA1D2600001", "Национальный цифровой агрегатор"),
        ("RUA1D2600001 Records", "", "RUA1D2600001 Records"),
        ("Label 26", "", "Label 26"),
    ],
)
def test_the_isrc_glued_to_the_rights_holder(pages, rights, isrc, label):
    (row,) = parse(pages.page([pages.table_row(1, rights=rights)])).rows
    assert (row.isrc, row.label) == (isrc, label)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1 Jan, 2003", "2003-01-01"),
        ("31 December, 2025", "2025-12-31"),
        ("2024-10-22", "2024-10-22"),
        ("22.10.2024", "2024-10-22"),
        ("", ""),
        ("soon", ""),
        ("2024-13-45", ""),
    ],
)
def test_dates_in_every_form_that_pages_use(pages, written, day):
    assert parse(pages.page([pages.table_row(1, released=written)])).rows[0].released == day


def test_markup_in_names_and_decomposed_letters(pages):
    found = parse(pages.page([pages.table_row(1, "Чайка <b>&", ("A & B",))]))
    assert found.rows[0].title == "Чайка <b>&"
    assert found.rows[0].artists == ("A & B",)


@pytest.mark.parametrize(
    ("name", "year", "platform", "first", "odd", "last"),
    [
        (
            FIXTURES[0],
            "2024",
            "radio",
            (1, "R3Hab", "Jet Plane"),
            (5, "Artik & Asti", "Качели"),
            (200, "Thirty Seconds To Mars", "Stuck"),
        ),
        (
            FIXTURES[1],
            "2025",
            "vk",
            (1, "Джиган", "Худи"),
            (5, "Скриптонит", "Не расслабляйся"),
            (200, "Егор Крид", "Пепел"),
        ),
    ],
)
def test_a_page_of_the_real_shape(shared, name, year, platform, first, odd, last):
    found = parse(real(shared, name))
    assert [row.position for row in found.rows] == list(range(1, 201))
    for row, known in ((found.rows[0], first), (found.rows[4], odd), (found.rows[-1], last)):
        assert (row.position, row.artists, row.title) == (known[0], (known[1],), known[2])
    assert found.faults == ()
    assert not found.broken
    assert [row.ai for row in found.rows if row.ai] == []
    with (shared / "fixtures" / FIXTURES[2]).open(encoding="utf-8", newline="") as file:
        listed = [row for row in csv.DictReader(file) if (row["year"], row["platform"]) == (year, platform)]
    assert [
        (row.position, row.artists, row.title, row.released, row.language.lower(), row.track_id) for row in found.rows
    ] == [
        (
            place,
            (unicodedata.normalize("NFC", row["artist_name"]),),
            unicodedata.normalize("NFC", row["song_name"]),
            row["release_date"],
            row["language"],
            str(900_000 + place),
        )
        for place, row in enumerate(listed, 1)
    ]


def test_every_real_title_comes_through_both_layers_and_none_is_taken_for_an_ai_tag(shared, pages):
    charts = defaultdict(list)
    with (shared / "fixtures" / FIXTURES[2]).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            charts[row["year"], row["platform"]].append(row)
    assert len(charts) > 30
    for (year, platform), rows in charts.items():
        address = f"/chart/top/{platform}/hits/ru/annual/{year}"
        listed = [(int(row["row_order"]), (row["artist_name"],), row["song_name"]) for row in rows]
        for body in (
            pages.page([pages.table_row(place, title, people) for place, people, title in listed], address=address),
            pages.page(
                payload={"charts": [pages.payload_row(place, title, people) for place, people, title in listed]},
                address=address,
            ),
        ):
            found = parse(body)
            assert (found.chart, found.country, found.period) == (
                platform,
                "ru",
                Period.holding(date(int(year), 1, 1), "annual"),
            )
            clean = [
                (place, tuple(" ".join(unicodedata.normalize("NFC", name).split()) for name in (*people, title)))
                for place, people, title in listed
            ]
            assert [(row.position, (*row.artists, row.title)) for row in found.rows] == clean
            assert found.faults == ()
            assert not any(row.ai for row in found.rows)


def test_half_a_page_gives_its_rows(shared):
    whole = real(shared, FIXTURES[1])
    found = parse(whole[: len(whole) // 2])
    assert 80 < len(found.rows) < 120
    assert [row.position for row in found.rows] == list(range(1, len(found.rows) + 1))
    assert found.broken


# -- what a page may do wrong ------------------------------------------------------------------------------------------


def test_a_page_without_rows_is_an_error_that_keeps_the_page():
    body = b"<html><title>TopHit: \xd0\x93\xd0\xbb\xd0\xb0\xd0\xb2\xd0\xbd\xd0\xb0\xd1\x8f</title></html>"
    with pytest.raises(PageError, match=r"no chart rows.*Главная.*layout has changed") as error:
        parse(body)
    assert error.value.body == body


@pytest.mark.parametrize("body", [b"", b"   ", b"\x00\xff" * 100, b'{"charts": []}', b"<html>" + b"<div>" * 5000])
def test_what_is_no_page_is_an_error(body):
    with pytest.raises(PageError, match="no chart rows"):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"<html><title>Just a moment...</title><body>cf-challenge</body></html>",
        b'<html><script src="/cdn-cgi/challenge-platform/x.js"></script></html>',
    ],
)
def test_a_challenge_page_is_called_one(body):
    with pytest.raises(PageError, match="challenge page"):
        parse(body)


def test_a_song_called_captcha_is_no_challenge(pages):
    assert parse(pages.page([pages.table_row(1, "Captcha (Just a moment...)")])).rows


def test_a_position_that_stands_twice_is_kept_once_and_named(pages):
    found = parse(pages.page([pages.table_row(1, "One"), pages.table_row(1, "Two"), pages.table_row(2, "Three")]))
    assert [(row.position, row.title) for row in found.rows] == [(1, "One"), (2, "Three")]
    assert found.faults == ("position 1 stands twice in the table: 'One' kept, 'Two' left out",)


def test_one_row_printed_twice_is_no_fault(pages):
    assert parse(pages.page([pages.table_row(1), pages.table_row(1)])).faults == ()


@pytest.mark.parametrize(("title", "artists", "said"), [("", ("A",), "no title"), ("T", (), "no artist")])
def test_a_row_without_a_name_is_left_out_and_named(pages, title, artists, said):
    found = parse(pages.page([pages.table_row(1), pages.table_row(2, title, artists)]))
    assert [row.position for row in found.rows] == [1]
    assert found.faults == (f"position 2: {said}; left out",)


@pytest.mark.parametrize("position", ["", "-", "0", "-1", "1.5", "²", "one", "9" * 30, "9" * 6000, "999999999"])
def test_a_position_that_is_none_is_a_fault_of_its_row_alone(pages, position):
    for body in (
        pages.page([pages.table_row(1), pages.table_row(position, "Bad")]),
        pages.page(payload={"charts": [pages.payload_row(1), pages.payload_row(position, "Bad")]}),
    ):
        found = parse(body)
        assert [row.title for row in found.rows] == ["Life"]
        assert len(found.faults) == 1
        assert "without a position" in found.faults[0]


@pytest.mark.parametrize(
    "raw",
    ["", "no base64!", "aGVsbG8=", "eJw=", None, 5, [], {"charts": []}],
)
def test_a_payload_that_cannot_be_read_leaves_the_table(pages, raw):
    found = parse(pages.page([pages.table_row(1)], raw_payload=raw, payload={}))
    assert [row.title for row in found.rows] == ["Life"]


def test_a_payload_cut_short_is_reported(pages):
    raw = pages.packed({"charts": [pages.payload_row(1)]})
    found = parse(pages.page([pages.table_row(1)], raw_payload=raw[: len(raw) // 2]))
    assert "the payload cannot be read" in found.faults[0]


def test_a_payload_larger_than_any_page_is_not_unpacked(pages, monkeypatch):
    monkeypatch.setattr(tophit, "MAX_BYTES", 100)
    found = parse(pages.page([pages.table_row(1)], {"charts": [pages.payload_row(n) for n in range(1, 90)]}))
    assert "cut off, or too large" in found.faults[0]
    assert [row.title for row in found.rows] == ["Life"]


@pytest.mark.parametrize(
    "entry",
    [
        None,
        5,
        "x",
        [],
        {},
        {"position": 2},
        {"position": 2, "track": None},
        {"position": 2, "track": {"name": "x", "artists": 5}},
        {"position": 2, "track": {"name": "x", "artists": ["plain", None, {"intlName": "y"}]}},
        {"position": None, "track": {}},
        {"position": True, "track": {"name": "x", "artists": [{"name": "y"}]}},
        {"rows": 7},
    ],
)
def test_a_payload_entry_of_an_unknown_form_is_left_out_and_the_others_stay(pages, entry):
    found = parse(pages.page(payload={"charts": [pages.payload_row(1), entry]}))
    assert [row.title for row in found.rows] == ["Life"]
    assert len(found.faults) == 1


def test_a_payload_nested_without_end_is_a_fault_not_a_crash(pages):
    body = pages.page([pages.table_row(1)]).replace(
        b"</body>", b'<script id="__NEXT_DATA__">' + b"[" * 200_000 + b"</script></body>"
    )
    assert [row.title for row in parse(body).rows] == ["Life"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "charts",
                    "rows",
                    "position",
                    "track",
                    "name",
                    "artists",
                    "isrc",
                    "id",
                    "releaseDate",
                    "ai",
                    "tags",
                    "spins",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(charts=st.lists(JSON, max_size=4))
def test_no_payload_at_all_breaks_the_page(pages, charts):
    found = parse(pages.page([pages.table_row(1)], payload={"charts": charts}))
    assert found.rows
    with contextlib.suppress(PageError):
        assert parse(json.dumps({"charts": charts}).encode()).rows


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_page_with_any_bytes_changed_or_cut_gives_rows_or_a_page_error(pages, data):
    tagged_row = pages.table_row(3).removesuffix("</div>") + '<i class="AiTag_tag__x" title="AI">AI</i></div>'
    packed = {"charts": [pages.payload_row(n, id=n, isAi=True, tags=["AI"]) for n in (1, 2)]}
    pages_to_spoil = [
        pages.page(
            [*(pages.table_row(n, track_id=str(n), rights="LRUA1D2600001") for n in (1, 2)), tagged_row],
            packed,
            address=pages.address(),
        ),
        legacy_page(legacy_row(1), legacy_row(2, "Fly")),
        json.dumps(packed).encode(),
    ]
    whole = bytearray(data.draw(st.sampled_from(pages_to_spoil)))
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=20)):
        whole[at] = byte
    cut = data.draw(st.integers(0, len(whole)))
    with contextlib.suppress(PageError):
        assert parse(bytes(whole[:cut])).rows


def test_a_very_large_page_is_read_in_time(pages):
    body = pages.page([pages.table_row(n, f"T{n}", track_id=str(n)) for n in range(1, 3001)])
    started = time.process_time()
    assert len(parse(body).rows) == 3000
    assert time.process_time() - started < 10


# -- payload and table of one position ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"title": "Life"}, {"title": "Fly"}),
        ({"title": "Life", "artists": ("Zivert",)}, {"title": "Life", "artists": ("Другая",)}),
        ({"title": "Life", "id": 5}, {"title": "Fly"}),
        ({"title": "Life"}, {"title": "Fly", "track_id": "5"}),
    ],
)
def test_two_tracks_at_one_position_are_not_joined_where_an_id_is_missing(pages, ours, theirs):
    html = [pages.table_row(1, **theirs, rights="LabelRUA1D2600001", released="2026-05-01")]
    found = parse(pages.page(html, {"charts": [pages.payload_row(1, **ours)]}))
    assert (found.rows[0].title, found.rows[0].isrc, found.rows[0].released) == ("Life", "", "")
    assert len(found.faults) == 1
    assert "position 1" in found.faults[0]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"title": "Всё"}, {"title": "ВСЕ"}),
        ({"title": "Жизнь", "intlName": "Life"}, {"title": "Life"}),
        ({"title": "Life", "artists": ("Zivert", "Баста")}, {"title": "Life", "artists": ("Zivert & Баста",)}),
        ({"title": "Life"}, {"title": "Life", "artists": ("Zivert intl",)}),
        ({"title": "Life", "artists": ()}, {"title": "Life"}),
    ],
)
def test_one_track_spelled_twice_is_joined_without_ids(pages, ours, theirs):
    found = parse(
        pages.page([pages.table_row(1, **theirs, rights="LRUA1D2600001")], {"charts": [pages.payload_row(1, **ours)]})
    )
    assert found.rows[0].isrc == "RUA1D2600001"
    assert found.faults == ()


def test_a_row_that_only_the_table_names_stands_alone_where_ids_are_missing(pages):
    found = parse(pages.page([pages.table_row(1, "Fly")], {"charts": [pages.payload_row(1, "", releaseDate="2020")]}))
    assert [(row.title, row.title_intl) for row in found.rows] == [("Fly", "")]
    assert found.faults == ()
    found = parse(pages.page([pages.table_row(1, "")], {"charts": [pages.payload_row(1)]}))
    assert ([row.title for row in found.rows], found.faults) == (["Life"], ())


def test_a_payload_left_over_from_another_chart_gives_way_to_the_table(pages):
    html = [pages.table_row(n, f"Shown {n}", track_id=str(n)) for n in range(1, 13)]
    payload = {"charts": [pages.payload_row(n, f"Earlier {n}", id=100 + n) for n in range(1, 101)]}
    found = parse(pages.page(html, payload))
    assert [row.title for row in found.rows] == [f"Shown {n}" for n in range(1, 13)]
    assert found.faults == ("the payload is another chart's (12 of 12 rows differ); the table alone taken",)


def test_a_name_that_is_no_text_is_none(pages):
    found = parse(pages.page(payload={"charts": [pages.payload_row(1), pages.payload_row(2, {"ru": "x"})]}))
    assert [row.position for row in found.rows] == [1]
    assert found.faults == ("position 2: no title; left out",)
    found = parse(pages.page(payload={"charts": [pages.payload_row(1, id=True, releaseDate=["2026-05-01"])]}))
    assert (found.rows[0].track_id, found.rows[0].released) == ("", "")


def test_the_title_is_the_span_and_not_what_stands_beside_it(pages):
    body = pages.page([pages.table_row(1)]).replace(b"<span>Life</span>", b"<span>Life</span><i>NEW</i>")
    assert parse(body).rows[0].title == "Life"


def test_a_track_is_linked(pages):
    assert parse(pages.page([pages.table_row(1, track_id="17")])).rows[0].link == "https://tophit.com/tracks/17"
    assert parse(pages.page([pages.table_row(1)])).rows[0].link == ""


@pytest.mark.parametrize(
    ("said", "plays"),
    [
        ({"spins": 21677}, 21677),
        ({"airs": "21 677"}, 21677),
        ({"plays": 5.0}, 5),
        ({"spins": None, "plays": 3}, 3),
        ({"spins": True}, None),
        ({"spins": [5]}, None),
        ({"spins": "many"}, None),
        ({}, None),
    ],
)
def test_spins_that_the_payload_counts(pages, said, plays):
    assert parse(pages.page(payload={"charts": [pages.payload_row(1) | said]})).rows[0].plays == plays


def test_spins_of_the_track_are_not_those_of_the_period(pages):
    assert parse(pages.page(payload={"charts": [pages.payload_row(1, spins=5)]})).rows[0].plays is None


# -- the AI tag --------------------------------------------------------------------------------------------------------


def tagged(pages, inside: str = "", title: str = "Life", artists: tuple[str, ...] = ("Zivert",), **more) -> bytes:
    """A page whose only row holds something more."""
    return pages.page([pages.table_row(1, title, artists, **more).removesuffix("</div>") + inside + "</div>"])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"isAi": True}, "isAi"),
        ({"ai": 1}, "ai: 1"),
        ({"is_ai": "yes"}, "is_ai: yes"),
        ({"aiGenerated": "AI-generated"}, "AI-generated"),
        ({"ai": {"generated": True, "checked": "2026-01-01"}}, "ai.generated"),
        ({"tags": ["Dance", "AI"]}, "AI"),
        ({"tags": [{"id": 7, "name": "ИИ", "slug": "ai"}]}, "ИИ, ai"),
        ({"badges": [{"title": "Нейросеть"}]}, "Нейросеть"),
        ({"flags": {"ai": True, "explicit": False}}, "ai"),
        ({"genres": [{"name": "Pop"}, {"name": "AI"}]}, "AI"),
        ({"tag": "Создано с помощью ИИ"}, "Создано с помощью ИИ"),
    ],
)
def test_an_ai_tag_in_the_payload(pages, said, words):
    for entry in (pages.payload_row(1) | said, pages.payload_row(1, **said), pages.payload_row(1, meta=said)):
        found = parse(pages.page(payload={"charts": [entry, pages.payload_row(2, "Fly")]}))
        assert [row.ai for row in found.rows] == [words, ""]
        assert found.faults == ()


@pytest.mark.parametrize(
    "said",
    [
        {"isAi": False},
        {"ai": None},
        {"ai": 0},
        {"ai": 0.0},
        {"ai": ""},
        {"ai": []},
        {"ai": "no"},
        {"ai": "human"},
        {"ai": "Без ИИ"},
        {"ai": {"checked": True, "generated": False}},
        {"tags": ["Dance", "No AI", "Air", "Aida"]},
        {"tags": [{"name": "AI", "value": False}]},
        {"tags": True},
        {"genres": "Pop"},
        {"name": "AI"},
        {"name": "isAi"},
        {"intlName": "AI generated"},
        {"artists": [{"name": "AI", "intlName": "ИИ", "isAi": True, "tags": ["AI"]}]},
        {"album": {"name": "AI", "isAi": True, "tags": ["AI"]}},
        {"rightsHolder": "AI", "comment": "AI-generated"},
        {"aim": True, "said": True, "hair": 1},
    ],
)
def test_what_is_no_ai_tag_in_the_payload(pages, said):
    entry = pages.payload_row(1)
    entry["track"] |= said
    found = parse(pages.page(payload={"charts": [entry]}))
    assert found.rows[0].ai == ""
    assert found.faults == ()


@pytest.mark.parametrize("said", [{"ai": 0.93}, {"isAi": "perhaps"}, {"ai": ["vocals"]}, {"ai": {"label": "Suno"}}])
def test_what_may_be_an_ai_tag_and_is_not_understood_is_reported_once_and_not_taken(pages, said):
    found = parse(pages.page(payload={"charts": [pages.payload_row(n, f"T{n}", **said) for n in (1, 2)]}))
    assert [row.ai for row in found.rows] == ["", ""]
    assert len(found.faults) == 1
    assert "may be an AI tag" in found.faults[0]


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ('<div class="Tag_tag__x1">AI</div>', "AI"),
        ("<div><span><b> ИИ </b></span></div>", "ИИ"),
        ("<sup>[ai]</sup>", "[ai]"),
        ("<p>AI‑generated</p>", "AI‑generated"),
        ("<p>Создано ИИ</p>", "Создано ИИ"),
        ("<p>Сгенерировано нейросетью</p>", "Сгенерировано нейросетью"),
        ("<p>Made with AI</p>", "Made with AI"),
        ('<i title="AI-generated"></i>', "AI-generated"),
        ('<svg aria-label="Создано с помощью искусственного интеллекта"></svg>', None),
        ('<img src="x.svg" alt="AI">', "AI"),
        ('<div class="Genres_genre__x">Нейросеть</div>', "Нейросеть"),
        ('<i class="Row_ai__x1"></i>', "Row_ai"),
        ('<i class="AiTag_icon__x1"></i>', "AiTag_icon"),
        ('<i class="AIBadge_badge__x1"><svg></svg></i>', "AIBadge_badge"),
        ('<i class="badge ai-badge"></i>', "ai-badge"),
        ('<i class="Row_is-ai__x1">да</i>', "Row_is-ai: да"),
        ('<i class="Ai_box__x1"><b>AI</b></i>', "AI"),
    ],
)
def test_an_ai_tag_in_the_row(pages, inside, words):
    found = parse(tagged(pages, inside))
    assert found.rows[0].ai == (words or "Создано с помощью искусственного интеллекта")
    assert found.faults == ()


def test_a_row_or_a_title_whose_class_says_ai(pages):
    body = tagged(pages)
    assert parse(body.replace(b'"Row_row__a1B2c"', b'"Row_row__a1B2c Row_ai__a1B2c"')).rows[0].ai == "Row_ai"
    assert parse(body.replace(b'"Name_name__a1B2c"', b'"Name_name__a1B2c Name_ai__a1B2c"')).rows[0].ai == "Name_ai"
    beside = body.replace(b"<span>Life</span>", b'<span>Life</span><b class="AiTag_tag__x">AI</b>')
    assert (parse(beside).rows[0].title, parse(beside).rows[0].ai) == ("Life", "AI")


@pytest.mark.parametrize(
    ("title", "artists"),
    [
        ("AI", ("Zivert",)),
        ("ИИ", ("Zivert",)),
        ("Life", ("AI",)),
        ("Life", ("ИИ", "Нейросеть")),
        ("AI", ("AI",)),
        ("Generated", ("AI",)),
        ("Music", ("AI",)),
        ("AI-generated", ("Made by AI",)),
        ("Создано ИИ", ("Создано нейросетью",)),
        ("Нейросеть", ("A.I.",)),
    ],
)
def test_titles_and_artists_that_are_called_ai_are_no_tag(pages, title, artists):
    people = ", ".join(artists)
    repeated = (
        f'<img alt="{title}"><i title="{people}">{title}</i><p>{people}</p><p>{people} {title}</p><p>{title} - {people}</p>'
        f'<a href="/tracks/1">{title}</a><a href="/artists/1" title="AI">{people}</a>'
    )
    payload = {"charts": [pages.payload_row(1, title, artists)]}
    for body in (tagged(pages, "", title, artists), tagged(pages, repeated, title, artists), pages.page("", payload)):
        found = parse(body)
        assert (found.rows[0].title, found.rows[0].artists, found.rows[0].ai) == (title, artists, "")
        assert found.faults == ()


def test_a_track_called_ai_may_still_be_tagged(pages):
    assert parse(tagged(pages, '<i class="AiTag_tag__x">AI</i>', "AI")).rows[0].ai == "AI"
    assert parse(tagged(pages, "<i>AI-generated</i>", "AI", ("AI",))).rows[0].ai == "AI-generated"


@pytest.mark.parametrize(
    "inside",
    [
        '<i class="Row_air__x">1</i>',
        '<i class="Main_main__AI"></i>',
        '<i class="Row_no-ai__x"></i>',
        '<i class="Row_ai__x">—</i>',
        '<i class="Row_ai__x">нет</i>',
        '<i class="d-flex ai-center"></i>',
        '<i class="ai-stretch"></i>',
        '<a href="/tracks/1">AI</a>',
        "<p>No AI</p>",
        "<p>Airplay</p>",
        "<p>Без ИИ</p>",
        '<div class="Row_artwork__x" title="AI"><img alt="ИИ"></div>',
        '<div class="Row_rights-holder__x">AI Music</div>',
    ],
)
def test_what_is_no_ai_tag_in_the_row(pages, inside):
    found = parse(tagged(pages, inside))
    assert found.rows[0].ai == ""
    assert found.faults == ()


def test_a_label_called_ai_is_no_tag(pages):
    found = parse(tagged(pages, rights="AI MusicRUA1D2600001"))
    assert (found.rows[0].label, found.rows[0].ai) == ("AI Music", "")


def test_a_class_of_ai_with_words_that_are_not_understood_is_reported(pages):
    found = parse(tagged(pages, '<i class="Row_ai__x">Suno</i>'))
    assert found.rows[0].ai == ""
    assert "'Row_ai' in the table may be an AI tag" in found.faults[0]
    assert "'Suno'" in found.faults[0]


def with_marks(pages, marks: list[str]) -> bytes:
    return pages.page(
        [
            pages.table_row(place, f"T{place}").removesuffix("</div>") + mark + "</div>"
            for place, mark in enumerate(marks, 1)
        ]
    )


def test_a_column_of_ai_says_nothing_only_what_stands_in_it(pages):
    empty = '<div class="Row_ai__x"></div>'
    found = parse(with_marks(pages, [empty] * 12))
    assert (found.faults, {row.ai for row in found.rows}) == ((), {""})
    found = parse(with_marks(pages, [*[empty] * 11, empty.replace("><", ">AI<")]))
    assert [row.ai for row in found.rows] == [""] * 11 + ["AI"]
    found = parse(with_marks(pages, [*[empty] * 11, ""]))
    assert [row.ai for row in found.rows] == ["Row_ai"] * 11 + [""]


def test_a_mark_on_every_row_is_layout(pages):
    fault = "every row is marked {}: part of the layout, not taken for an AI tag"
    found = parse(with_marks(pages, ["<i>AI</i>"] * 12))
    assert (found.faults, {row.ai for row in found.rows}) == ((fault.format("'AI'"),), {""})
    packed = {"charts": [pages.payload_row(n, f"T{n}", isAi=True) for n in range(1, 13)]}
    for body in (pages.page(payload=packed), json.dumps(packed).encode()):
        found = parse(body)
        assert (found.faults, {row.ai for row in found.rows}) == ((fault.format("'isAi'"),), {""})
    found = parse(with_marks(pages, [*["<i>AI</i>"] * 12, ""]))
    assert [row.ai for row in found.rows] == ["AI"] * 12 + [""]


def test_a_tag_in_either_layer_marks_the_row(pages):
    row = pages.table_row(1, track_id="5").removesuffix("</div>") + "<i>AI</i></div>"
    assert parse(pages.page([row], {"charts": [pages.payload_row(1, id=5)]})).rows[0].ai == "AI"
    assert parse(pages.page([row], {"charts": [pages.payload_row(1, id=5, isAi=True)]})).rows[0].ai == "isAi"
    other = pages.page([row], {"charts": [pages.payload_row(1, "Other", id=6)]})
    assert [(found.title, found.ai) for found in parse(other).rows] == [("Other", "")]


def test_a_row_nested_without_end_is_read(pages):
    assert parse(tagged(pages, "<div>" * 5000 + "AI")).rows[0].title == "Life"


# -- the layout of 2020 ------------------------------------------------------------------------------------------------


def legacy_row(position: object, title: str = "Life", artist: str = "Zivert", spins: str = "12 345") -> str:
    return (
        f'<tr class="b-chart-item green2"><td><div class="position">{position}</div>'
        '<div class="position-histograma">=</div></td>'
        f'<td><a class="black" href="/x">{title}</a><br><a class="track_name black" href="/y">{artist}</a></td>'
        f'<td class="bigint">{spins}</td><td class="bigint">99</td></tr>'
    )


def legacy_page(*rows: str, address: str = "/ru/chart/russia_allmedia/weekly/current/all/all") -> bytes:
    return (
        f"<!-- saved from url=(0060)https://tophit.ru{address} -->\n"
        f'<html><head><meta charset="utf-8"></head><body><table class="table-list">{"".join(rows)}</table></body></html>'
    ).encode()


def test_a_page_of_2020(pages):
    found = parse(legacy_page(legacy_row(2, "Fly", "Баста", "9\u00a0876"), legacy_row(1), legacy_row(3, spins="-")))
    assert [(row.position, row.title, row.artists, row.plays) for row in found.rows] == [
        (1, "Life", ("Zivert",), 12345),
        (2, "Fly", ("Баста",), 9876),
        (3, "Life", ("Zivert",), None),
    ]
    assert (found.chart, found.country, found.period) == ("allmedia", "ru", None)  # "current" names no week
    assert (found.faults, found.broken) == ((), "")


@pytest.mark.parametrize(
    ("address", "chart", "country"),
    [
        ("/ru/chart/airplay_youtube/weekly/current/all/all", "airplay-youtube", "global"),
        ("/ru/chart/airplay_youtube/weekly/current/rus/new", "airplay-youtube-rus-new", "global"),
        ("/ru/chart/russia_allmedia/weekly/current/rus/all/", "allmedia-rus", "ru"),
        ("/ru/chart/ukraine/weekly/current/all/new", "airplay-new", "ua"),
        ("/ru/chart/something/weekly/current/all/new", "", ""),
    ],
)
def test_charts_of_2020_by_their_address(address, chart, country):
    found = parse(legacy_page(legacy_row(1), address=address))
    assert (found.chart, found.country) == (chart, country)
    assert chart in ("", *tophit.SOURCE.charts)


def test_rows_of_2020_that_are_wrong_are_named():
    found = parse(legacy_page(legacy_row(1), legacy_row("x"), legacy_row(2, title=""), legacy_row(1, "Fly")))
    assert [row.title for row in found.rows] == ["Life"]
    assert len(found.faults) == 3


def test_a_page_of_2020_of_another_period_is_not_taken_for_a_week():
    with pytest.raises(PageError, match=r"another period \(monthly\)"):
        parse(legacy_page(legacy_row(1), address="/ru/chart/ukraine/monthly/current/all/all"))


def test_a_page_of_2020_cut_short():
    body = legacy_page(*(legacy_row(n, f"T{n}") for n in range(1, 41)))
    found = parse(body[: len(body) // 2])
    assert 15 < len(found.rows) < 25
    assert found.broken


# -- what a page says of itself ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/chart/top/vk/hits/kz/weekly/20260626-20260702", ("vk", "kz", WEEK)),
        ("/chart/top/radio/hits/global/annual/2024", ("radio", "global", YEAR)),
        ("/chart/top/radio/hits/ru/decade/2000/", ("radio", "ru", DECADE)),
        ("/chart/top/zvuk/hits/ru/monthly/202606", ("zvuk", "ru", JUNE)),
        ("/chart/top/itunes/hits/ru/monthly/2026-06?x=1#y", ("itunes", "ru", JUNE)),
        ("/chart/top/shazam/hits/ee/monthly/20260601-20260630", ("shazam", "ee", JUNE)),
    ],
)
def test_the_pages_own_address(pages, address, said):
    found = parse(pages.page([pages.table_row(1)], address=address))
    assert (found.chart, found.country, found.period) == said
    assert found == parse(pages.page([pages.table_row(1)]), f"https://tophit.com{address}")


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="og:url" content="https://tophit.ru/chart/top/vk/hits/ru/weekly/20260626-20260702/">',
        "<!-- saved from url=(0063)https://tophit.com/chart/top/vk/hits/ru/weekly/20260626-20260702 -->",
        "<!--\n Page saved with SingleFile \n url: https://tophit.com/chart/top/vk/hits/ru/weekly/20260626-20260702 \n-->",
    ],
)
def test_a_saved_page_says_where_it_is_from(pages, head):
    body = pages.page([pages.table_row(1)])
    body = head.encode() + body if head.startswith("<!--") else body.replace(b"<head>", b"<head>" + head.encode())
    found = parse(body, "saved.html")
    assert (found.chart, found.country, found.period) == ("vk", "ru", WEEK)


@pytest.mark.parametrize(
    ("saved", "canonical", "said"),
    [
        ("vk/hits/ru/weekly", "vk/hits/ru/weekly/20260626-20260702", ("vk", "ru", WEEK)),
        ("vk/hits/ru", "vk/hits/ru/annual/2024", ("vk", "ru", YEAR)),
        ("vk/hits/ru/weekly", "radio/hits/ru/weekly/20260626-20260702", ("vk", "ru", None)),
        ("vk/hits/ru/weekly", "vk/hits/ru/annual/2024", ("vk", "ru", None)),
        ("vk/hits/ru/annual/2024", "radio/hits/ru/annual/2023", ("vk", "ru", YEAR)),
    ],
)
def test_addresses_that_differ_the_browsers_comes_first(pages, saved, canonical, said):
    body = pages.page([pages.table_row(1)], address=f"/chart/top/{canonical}")
    found = parse(f"<!-- saved from url=(0063)https://tophit.com/chart/top/{saved} -->\n".encode() + body)
    assert (found.chart, found.country, found.period) == said


@pytest.mark.parametrize("address", ["", "/", "/chart/top/radio/hits/ru/weekly", "/about/chart/top", "//[", "//[/x"])
def test_a_page_that_does_not_say_its_week(pages, address):
    assert parse(pages.page([pages.table_row(1)], address=address)).period is None


@pytest.mark.parametrize("span", ["20269999-20269999", "20260626-", "x", "20260101-20261231", "00000000-00000000"])
def test_a_week_that_is_none_is_not_taken(pages, span):
    assert parse(pages.page([pages.table_row(1)], address=pages.address(span=span))).period is None


@pytest.mark.parametrize(
    "period",
    [
        "monthly",
        "monthly/202613",
        "monthly/20260601-20260702",
        "annual",
        "annual/0000",
        "decade/2005",
        "daily/20260702",
    ],
)
def test_a_page_of_another_period_that_does_not_say_which_is_not_taken_for_a_week(pages, period):
    with pytest.raises(PageError, match="another period"):
        parse(pages.page([pages.table_row(1)], address=f"/chart/top/radio/hits/ru/{period}"))


@pytest.mark.parametrize(
    ("title", "period"),
    [
        ("Top Radio Hits Russia Monthly: June 2026", JUNE),
        ("Чарт за июнь 2026", JUNE),
        ("Май 2026", Period.holding(date(2026, 5, 1), "monthly")),
        ("June 2026, published 5 July 2026", JUNE),
        ("May and June: May 2026 - June 2026", None),
        ("Top Radio Hits 2026", None),
    ],
)
def test_a_month_that_the_title_names(pages, title, period):
    body = pages.page([pages.table_row(1)], address="/chart/top/radio/hits/ru/monthly")
    body = body.replace(b"<title>Top</title>", f"<title>{title}</title>".encode())
    if period:
        assert parse(body).period == period
    else:
        with pytest.raises(PageError, match="does not say which"):
            parse(body)


@given(
    kind=st.sampled_from(["weekly", "monthly", "annual", "decade", "x"]),
    value=st.text(max_size=20)
    | st.from_regex(r"\d{4}-?\d\d|\d{8}-\d{8}|\d{4}", fullmatch=True)
    | st.dates().map(lambda day: f"{day:%Y%m%d}-{day:%Y%m%d}"),
)
def test_no_address_breaks_a_page(kind, value):
    with contextlib.suppress(PageError):
        assert parse(SAMPLES[0], f"https://tophit.com/chart/top/radio/hits/ru/{kind}/{value}").rows


def test_letters_that_cannot_be_read_are_reported():
    body = legacy_page(legacy_row(1, "Жизнь")).decode().replace('charset="utf-8"', 'charset="windows-1251"')
    assert parse(body.encode("windows-1251")).faults == ("some letters cannot be read: the page is not in UTF-8",)


# -- what is refused ---------------------------------------------------------------------------------------------------

ORIGIN = f"https://tophit.com/{tophit.address(ASKED)}"
_ROW = (
    '<div role="row" class="Row_row__"><div class="Row_tw__">{}</div>'
    '<a class="Name_name__">{}</a><a class="Artist_name-with-link__">A</a></div>'
)
SAMPLES = (
    f"<html>{_ROW.format(1, 'T')}{_ROW.format(2, 'Кукушка')}</html>".encode(),
    legacy_page(legacy_row(1), legacy_row(2, "Fly", "Цой")),
    json.dumps(
        {
            "charts": [
                {
                    "position": place,
                    "track": {
                        "id": place, "name": "Life", "intlName": "Life", "artists": [{"name": "Цой", "intlName": "Tsoi"}],
                        "isrc": "RUA1D2600001", "releaseDate": "2026-05-01", "isAi": place == 1, "tags": ["AI"], "spins": 5,
                    },
                }
                for place in (1, 2)
            ]
        }
    ).encode(),
)  # fmt: skip
UNKNOWN = (
    (Asked("allmedia", "ru", WEEK), "a chart of 2020"),
    (Asked("airplay-youtube-rus-new", "ru", WEEK), "a chart of 2020"),
    (Asked("radio", "ru", Period.holding(date(2026, 7, 2), "daily")), "no chart for the day"),
    (Asked("radio", "ru"), "no chart for the None"),
)
NO_CHART = (
    (b"", "no chart rows in the page"),
    (b"<html></html>", "no chart rows in the page"),
    (b'{"charts": []}', "holds no chart rows"),
    (b"[]", "holds no chart rows"),
    (b'{"charts": [{"position": 1', "no whole JSON"),
)


# -- asking ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "path"),
    [
        (WEEK, "chart/top/radio/hits/ru/weekly/20260626-20260702"),
        (JUNE, "chart/top/radio/hits/ru/monthly"),
        (YEAR, "chart/top/radio/hits/ru/annual/2024"),
        (DECADE, "chart/top/radio/hits/ru/decade/2000"),
    ],
)
def test_the_address_that_is_asked_for(period, path):
    assert tophit.address(Asked("radio", "ru", period)) == path


@pytest.mark.parametrize("chart", ["radio", "youtube", "vk", "yandex", "apple", "itunes", "shazam", "zvuk"])
@pytest.mark.parametrize(("period", "value"), [(WEEK, "weekly/20260626-20260702"), (YEAR, "annual/2024")])
def test_a_chart_is_had_with_one_request(client, server, answer, pages, chart, period, value):
    address = f"/chart/top/{chart}/hits/kz/{value}"
    server.say(address, answer(pages.page([pages.table_row(1)], address=address)))
    found = tophit.fetch(client, Asked(chart, "kz", period))
    assert parse(found.body, found.url) == parse(pages.page([pages.table_row(1)], address=address))
    assert server.paths == ["/robots.txt", address]


def test_the_real_page_by_the_wire(client, server, answer, shared):
    address = "/chart/top/radio/hits/ru/annual/2024"
    server.say(address, answer(real(shared, FIXTURES[0])))
    found = tophit.fetch(client, Asked("radio", "ru", YEAR))
    page = parse(found.body, found.url)
    assert (page.chart, page.country, page.period, len(page.rows)) == ("radio", "ru", YEAR, 200)
    assert page.rows == parse(real(shared, FIXTURES[0])).rows


@pytest.mark.parametrize(
    ("period", "address", "sent_on"),
    [
        (YEAR, "annual/2024", "/chart/top/radio/hits/ru/annual/2025"),
        (YEAR, "annual/2024", "/chart/top/radio/hits/ru/weekly/20260626-20260702"),
        (YEAR, "annual/2024", "/chart/top/radio/hits/ru/annual"),
        (DECADE, "decade/2000", "/chart/top/radio/hits/ru/annual/2024"),
        (WEEK, "weekly/20260626-20260702", "/chart/top/vk/hits/ru/weekly/20260626-20260702"),
        (WEEK, "weekly/20260626-20260702", "/chart/top/radio/hits/ru/weekly"),
        (WEEK, "weekly/20260626-20260702", "/"),
    ],
)
def test_refuses_another_chart_that_the_request_is_sent_on_to(client, server, answer, pages, period, address, sent_on):
    server.say(f"/chart/top/radio/hits/ru/{address}", answer(status=302, headers={"Location": sent_on}))
    server.say(sent_on, answer(pages.page([pages.table_row(1)], address=sent_on)))
    with pytest.raises(PageError, match="another period") as error:
        tophit.fetch(client, Asked("radio", "ru", period))
    assert b"Life" in (error.value.body or b"")


@pytest.mark.parametrize(
    "canonical",
    ["vk/hits/ru/annual/2024", "radio/hits/kz/annual/2024", "radio/hits/ru/annual/2023", "radio/hits/ru/monthly"],
)
def test_refuses_a_page_that_says_it_is_another_chart(client, server, answer, pages, canonical):
    body = pages.page([pages.table_row(1)], address=f"/chart/top/{canonical}")
    server.say("/chart/top/radio/hits/ru/annual/2024", answer(body))
    with pytest.raises(PageError, match="the page says it is"):
        tophit.fetch(client, Asked("radio", "ru", YEAR))


@pytest.mark.parametrize("where", ["address", "title", "redirect"])
def test_the_latest_month_where_the_page_says_that_it_is_the_one(client, server, answer, pages, monkeypatch, where):
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-03")
    address = "/chart/top/radio/hits/ru/monthly"
    body = pages.page([pages.table_row(1)], address=f"{address}/202606" if where == "address" else address)
    if where == "title":
        body = body.replace(b"<title>Top", b"<title>Top Hits of June 2026")
    if where == "redirect":
        server.say(address, answer(status=302, headers={"Location": f"{address}/2026-06"}))
        server.say(f"{address}/2026-06", answer(body))
    else:
        server.say(address, answer(body))
    found = tophit.fetch(client, Asked("radio", "ru", JUNE))
    assert parse(found.body, found.url).period == JUNE


@pytest.mark.parametrize(
    ("said", "match"), [("", "does not say that it is of the month 2026-06"), ("/202605", "says it is")]
)
def test_refuses_a_month_that_the_page_does_not_name(client, server, answer, pages, monkeypatch, said, match):
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-03")
    address = "/chart/top/radio/hits/ru/monthly"
    server.say(address, answer(pages.page([pages.table_row(1)], address=address + said)))
    with pytest.raises(PageError, match=match):
        tophit.fetch(client, Asked("radio", "ru", JUNE))


@pytest.mark.parametrize("today", ["2026-06-30", "2026-06-05", "2026-09-01", "2030-01-01"])
def test_refuses_a_month_that_cannot_be_the_latest_without_asking(client, server, monkeypatch, today):
    monkeypatch.setenv("CHARTROPY_NOW", today)
    with pytest.raises(PageError, match="month 2026-06 cannot be asked for"):
        tophit.fetch(client, Asked("radio", "ru", JUNE))
    assert server.asked == []


def test_what_a_whole_chart_has():
    expected = tophit.SOURCE.settings.expected
    assert [expected("radio", kind) for kind in tophit.KINDS] == [100, 100, 200, None]
    assert expected("vk") == 100


# -- TopHit's own JSON, and the test world -----------------------------------------------------------------------------


def test_the_json_that_a_page_packs(pages):
    body = json.dumps({"charts": [pages.payload_row(2, "Fly", isAi=True), pages.payload_row(1), 5]}).encode()
    found = parse(body, "saved.json")
    assert [(row.position, row.title, row.ai) for row in found.rows] == [(1, "Life", ""), (2, "Fly", "isAi")]
    assert len(found.faults) == 1


@pytest.mark.parametrize("world", [{"weeks": 2, "size": 12, "faults": "real"}], indirect=True)
def test_the_world_gives_what_it_published(world, tmp_path):
    with Workspace(tmp_path / "workspace", create=True) as workspace:
        client = workspace.client("tophit", tophit.SOURCE.settings)
        compared = 0
        for (platform, week), published in world.charts().items():
            source, _, chart = platform.partition("-")
            if source != "tophit":
                continue
            period = Period.week(date.fromisoformat(week))
            found = tophit.fetch(client, Asked(chart, "ru", period))
            page = parse(found.body, found.url)
            assert (page.chart, page.country, page.period, page.faults, page.broken) == (chart, "ru", period, (), "")
            assert {row.position: (row.artists, row.title, row.track_id, row.isrc, row.ai) for row in page.rows} == {
                position: (
                    tuple(unicodedata.normalize("NFC", name) for name in truth["spelled"][platform][0]),
                    unicodedata.normalize("NFC", truth["spelled"][platform][1]),
                    truth["ids"]["tophit"],
                    truth["printed_isrc"],
                    "",
                )
                for position, truth in published.items()
            }
            compared += len(page.rows)
        assert compared == 2 * 3 * 12
        with pytest.raises(PageError, match="another period"):
            tophit.fetch(client, Asked("radio", "ru", Period.week(date(2026, 8, 6))))
