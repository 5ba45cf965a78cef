"""A TopHit page, whole or damaged, live or saved, gives the rows it holds, or says why it gives none."""

from __future__ import annotations

import contextlib
import time
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chartropy.charts import tophit
from chartropy.workspace.errors import PageError

# -- the two layers ----------------------------------------------------------------------------------------------------


def test_the_payload_alone_is_enough(pages):
    found = tophit.parse(pages.page(payload={"charts": [pages.payload_row(1, releaseDate="2026-05-01T00:00:00.000Z")]}))
    (row,) = found.rows
    assert (row.position, row.artists, row.title) == (1, ("Zivert",), "Life")
    assert (row.artists_intl, row.title_intl, row.released) == (("Zivert intl",), "Life intl", "2026-05-01")
    assert found.faults == ()


def test_the_table_alone_is_enough(pages):
    row_html = pages.table_row(3, track_id="17", rights="Звук-МRUA1D2600001", released="1 May, 2026")
    found = tophit.parse(pages.page([row_html]))
    (row,) = found.rows
    assert (row.position, row.artists, row.title, row.track_id) == (3, ("Zivert",), "Life", "17")
    assert (row.isrc, row.label, row.released) == ("RUA1D2600001", "Звук-М", "2026-05-01")
    assert (row.genres, row.language) == (("Pop",), "Russian")  # the flag is American: it is not the language
    assert found.faults == ()


def test_payload_entries_may_be_nested_in_charts_with_rows(pages):
    nested = {"charts": [{"name": "x", "rows": [pages.payload_row(1), pages.payload_row(2, "Fly")]}]}
    assert [row.title for row in tophit.parse(pages.page(payload=nested)).rows] == ["Life", "Fly"]


def test_each_layer_fills_what_the_other_lacks(pages):
    html = [pages.table_row(1, track_id="5", rights="LabelRUA1D2600001"), pages.table_row(2, "Fly", track_id="6")]
    payload = {"charts": [pages.payload_row(1, id=5), pages.payload_row(3, "Three")]}
    found = tophit.parse(pages.page(html, payload))
    assert [row.position for row in found.rows] == [1, 2, 3]
    assert found.rows[0].isrc == "RUA1D2600001"
    assert found.rows[0].title_intl == "Life intl"
    assert found.faults == ()


def test_a_row_that_only_one_layer_names_is_whole_and_no_fault(pages):
    html = [pages.table_row(1, "Life", track_id="5"), pages.table_row(2, "", track_id="6")]
    payload = {"charts": [pages.payload_row(1, "", id=5), pages.payload_row(2, "Fly", id=6)]}
    found = tophit.parse(pages.page(html, payload))
    assert [row.title for row in found.rows] == ["Life", "Fly"]
    assert found.faults == ()


def test_layers_that_disagree_are_reported_and_not_mixed(pages):
    html = [pages.table_row(1, "Other", track_id="9", rights="LabelRUA1D2600001")]
    found = tophit.parse(pages.page(html, {"charts": [pages.payload_row(1, id=5)]}))
    assert found.rows[0].title == "Life"
    assert found.rows[0].isrc == ""
    assert "position 1" in found.faults[0]
    assert "'Other'" in found.faults[0]


@pytest.mark.parametrize("hashed", ["7OlOi", "XXXXX", "_-9", ""])
def test_class_names_are_known_by_what_stands_before_their_hash(pages, hashed):
    (row,) = tophit.parse(pages.page([pages.table_row(1, rights="LRUA1D2600001", hashed=hashed)])).rows
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
    (row,) = tophit.parse(pages.page([pages.table_row(1, rights=rights)])).rows
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
    assert tophit.parse(pages.page([pages.table_row(1, released=written)])).rows[0].released == day


def test_markup_in_names_and_decomposed_letters(pages):
    found = tophit.parse(pages.page([pages.table_row(1, "Чайка <b>&", ("A & B",))]))
    assert found.rows[0].title == "Чайка <b>&"
    assert found.rows[0].artists == ("A & B",)


@pytest.mark.parametrize(
    ("name", "rows", "first", "last"),
    [
        ("SYNTHETIC_radio_ru_annual_2024.html", 200, "Jet Plane", "Stuck"),
        ("SYNTHETIC_vk_ru_annual_2025.html", 200, "Худи", "Пепел"),
    ],
)
def test_a_page_of_the_real_shape(shared, name, rows, first, last):
    found = tophit.parse((shared / "fixtures" / "tophit" / name).read_bytes())
    assert [row.position for row in found.rows] == list(range(1, rows + 1))
    assert (found.rows[0].title, found.rows[-1].title) == (first, last)
    assert all(row.artists and row.track_id for row in found.rows)
    assert found.faults == ()


def test_half_a_page_gives_its_rows(shared):
    whole = (shared / "fixtures" / "tophit" / "SYNTHETIC_vk_ru_annual_2025.html").read_bytes()
    found = tophit.parse(whole[: len(whole) // 2])
    assert 80 < len(found.rows) < 120
    assert [row.position for row in found.rows] == list(range(1, len(found.rows) + 1))


# -- what a page may do wrong ------------------------------------------------------------------------------------------


def test_a_page_without_rows_is_an_error_that_keeps_the_page():
    body = b"<html><title>TopHit: \xd0\x93\xd0\xbb\xd0\xb0\xd0\xb2\xd0\xbd\xd0\xb0\xd1\x8f</title></html>"
    with pytest.raises(PageError, match=r"no chart rows.*Главная.*layout has changed") as error:
        tophit.parse(body)
    assert error.value.body == body


@pytest.mark.parametrize("body", [b"", b"   ", b"\x00\xff" * 100, b'{"charts": []}', b"<html>" + b"<div>" * 5000])
def test_what_is_no_page_is_an_error(body):
    with pytest.raises(PageError, match="no chart rows"):
        tophit.parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"<html><title>Just a moment...</title><body>cf-challenge</body></html>",
        b'<html><script src="/cdn-cgi/challenge-platform/x.js"></script></html>',
    ],
)
def test_a_challenge_page_is_called_one(body):
    with pytest.raises(PageError, match="challenge page"):
        tophit.parse(body)


def test_a_song_called_captcha_is_no_challenge(pages):
    assert tophit.parse(pages.page([pages.table_row(1, "Captcha (Just a moment...)")])).rows


def test_a_position_that_stands_twice_is_kept_once_and_named(pages):
    found = tophit.parse(
        pages.page([pages.table_row(1, "One"), pages.table_row(1, "Two"), pages.table_row(2, "Three")])
    )
    assert [(row.position, row.title) for row in found.rows] == [(1, "One"), (2, "Three")]
    assert found.faults == ("position 1 stands twice in the table: 'One' kept, 'Two' left out",)


def test_one_row_printed_twice_is_no_fault(pages):
    assert tophit.parse(pages.page([pages.table_row(1), pages.table_row(1)])).faults == ()


@pytest.mark.parametrize(("title", "artists", "said"), [("", ("A",), "no title"), ("T", (), "no artist")])
def test_a_row_without_a_name_is_left_out_and_named(pages, title, artists, said):
    found = tophit.parse(pages.page([pages.table_row(1), pages.table_row(2, title, artists)]))
    assert [row.position for row in found.rows] == [1]
    assert found.faults == (f"position 2: {said}; left out",)


@pytest.mark.parametrize("position", ["", "-", "0", "-1", "1.5", "²", "one", "9" * 30, "9" * 6000, "999999999"])
def test_a_position_that_is_none_is_a_fault_of_its_row_alone(pages, position):
    for body in (
        pages.page([pages.table_row(1), pages.table_row(position, "Bad")]),
        pages.page(payload={"charts": [pages.payload_row(1), pages.payload_row(position, "Bad")]}),
    ):
        found = tophit.parse(body)
        assert [row.title for row in found.rows] == ["Life"]
        assert len(found.faults) == 1
        assert "without a position" in found.faults[0]


@pytest.mark.parametrize(
    "raw",
    ["", "no base64!", "aGVsbG8=", "eJw=", None, 5, [], {"charts": []}],
)
def test_a_payload_that_cannot_be_read_leaves_the_table(pages, raw):
    found = tophit.parse(pages.page([pages.table_row(1)], raw_payload=raw, payload={}))
    assert [row.title for row in found.rows] == ["Life"]


def test_a_payload_cut_short_is_reported(pages):
    raw = pages.packed({"charts": [pages.payload_row(1)]})
    found = tophit.parse(pages.page([pages.table_row(1)], raw_payload=raw[: len(raw) // 2]))
    assert "the payload cannot be read" in found.faults[0]


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
    found = tophit.parse(pages.page(payload={"charts": [pages.payload_row(1), entry]}))
    assert [row.title for row in found.rows] == ["Life"]
    assert len(found.faults) == 1


def test_a_payload_nested_without_end_is_a_fault_not_a_crash(pages):
    body = pages.page([pages.table_row(1)]).replace(
        b"</body>", b'<script id="__NEXT_DATA__">' + b"[" * 200_000 + b"</script></body>"
    )
    assert [row.title for row in tophit.parse(body).rows] == ["Life"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["charts", "rows", "position", "track", "name", "artists", "isrc", "id", "releaseDate"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(charts=st.lists(JSON, max_size=4))
def test_no_payload_at_all_breaks_the_page(pages, charts):
    found = tophit.parse(pages.page([pages.table_row(1)], payload={"charts": charts}))
    assert found.rows


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_page_with_any_bytes_changed_or_cut_gives_rows_or_a_page_error(pages, data):
    whole = bytearray(
        pages.page(
            [pages.table_row(n, track_id=str(n), rights="LRUA1D2600001") for n in (1, 2)],
            {"charts": [pages.payload_row(n, id=n) for n in (1, 2)]},
            address=pages.address(),
        )
    )
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=20)):
        whole[at] = byte
    cut = data.draw(st.integers(0, len(whole)))
    with contextlib.suppress(PageError):
        assert tophit.parse(bytes(whole[:cut])).rows


def test_a_very_large_page_is_read_in_time(pages):
    body = pages.page([pages.table_row(n, f"T{n}", track_id=str(n)) for n in range(1, 3001)])
    started = time.monotonic()
    assert len(tophit.parse(body).rows) == 3000
    assert time.monotonic() - started < 10


# -- what a page says of itself ----------------------------------------------------------------------------------------


def test_the_pages_own_address(pages):
    found = tophit.parse(pages.page([pages.table_row(1)], address=pages.address("vk", country="kz")))
    assert (found.chart, found.country, found.week) == ("vk", "kz", date(2026, 7, 2))


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="og:url" content="https://tophit.ru/chart/top/vk/hits/ru/weekly/20260626-20260702/">',
        "<!-- saved from url=(0063)https://tophit.com/chart/top/vk/hits/ru/weekly/20260626-20260702 -->",
    ],
)
def test_a_saved_page_says_where_it_is_from(pages, head):
    body = pages.page([pages.table_row(1)])
    body = head.encode() + body if head.startswith("<!--") else body.replace(b"<head>", b"<head>" + head.encode())
    found = tophit.parse(body)
    assert (found.chart, found.country, found.week) == ("vk", "ru", date(2026, 7, 2))


@pytest.mark.parametrize("address", ["", "/", "/chart/top/vk/hits/ru/weekly", "/about/chart/top"])
def test_a_page_that_does_not_say_its_week(pages, address):
    assert tophit.parse(pages.page([pages.table_row(1)], address=address)).week is None


@pytest.mark.parametrize("span", ["20269999-20269999", "20260626-", "x"])
def test_a_week_that_is_none_is_not_taken(pages, span):
    assert tophit.parse(pages.page([pages.table_row(1)], address=pages.address(span=span))).week is None


@pytest.mark.parametrize("period", ["monthly/202606", "annual/2024", "decade/2000"])
def test_a_page_of_another_period_is_not_taken_for_a_week(pages, period):
    body = pages.page([pages.table_row(1)], address=f"/chart/top/radio/hits/ru/{period}")
    with pytest.raises(PageError, match="another period"):
        tophit.parse(body)


def test_the_address_that_is_asked_for():
    assert tophit.address("radio", "ru", date(2026, 7, 2)) == "chart/top/radio/hits/ru/weekly/20260626-20260702"
