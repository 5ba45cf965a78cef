"""Names that mean one recording are joined whatever the order of imports; two recordings never; what the user says stays."""

from __future__ import annotations

import json
import shutil
import tempfile
import unicodedata
from collections import defaultdict
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given as from_any
from hypothesis import settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from chartropy.charts import identity
from chartropy.charts.identity import MERGE, SHARED_ISRC, merge, review, split
from chartropy.charts.importing import import_file
from chartropy.workspace import tables
from chartropy.workspace.errors import RecordingError
from chartropy.workspace.workspace import Workspace

WEEK, NEXT_WEEK, THIRD_WEEK = date(2026, 7, 2), date(2026, 7, 9), date(2026, 7, 16)

COLUMNS = ("artist", "title", "isrc", "track_id")

FILLER = ("Someone Else", "Another Matter")


def put(workspace, source: str, *rows: tuple[str, ...], week: date = WEEK) -> None:
    """Import a chart; rows are artist, title, and perhaps ISRC and track id, from the first position down."""
    content = [
        {"position": place} | dict(zip(COLUMNS, row, strict=False)) for place, row in enumerate(rows, 1) if any(row)
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chart.json"
        file.write_text(json.dumps(content))
        import_file(workspace, file, f"{source}-chart", week)


def printed(workspace) -> dict[tuple[str, str, int], str]:
    """Return what each place of each chart means: source, week, position to recording."""
    entry = tables.entry.c
    with workspace.store.reading() as connection:
        rows = connection.execute(select(entry.source, entry.week, entry.position, entry.recording_id)).all()
    return {(row.source, row.week, row.position): row.recording_id for row in rows}


def meant(workspace, source: str, position: int = 1, week: date = WEEK) -> str:
    return printed(workspace)[source, week.isoformat(), position]


def partition(workspace) -> set[frozenset]:
    """Return the recordings as sets of places."""
    groups = defaultdict(set)
    for place, recording in printed(workspace).items():
        groups[recording].add(place)
    return {frozenset(places) for places in groups.values()}


def stored(workspace, table) -> list[dict]:
    with workspace.store.reading() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def evidence(workspace) -> list[tuple[float, dict]]:
    return [(row["score"], json.loads(row["evidence"])) for row in stored(workspace, tables.pair)]


def name_of(workspace, title: str) -> str:
    """Return the id of the name that was first printed so."""
    return next(row["recording_id"] for row in stored(workspace, tables.recording) if row["title"] == title)


# -- one recording -----------------------------------------------------------------------------------------------------

SAME = [
    # guests, and who stands first
    (("Егор Крид feat. Клава Кока", "Покинула чат"), ("Клава Кока & Егор Крид", "Покинула чат")),
    (("Егор Крид ft. Клава Кока", "Покинула чат"), ("Егор Крид и Клава Кока", "Покинула чат")),
    (("Егор Крид x Клава Кока", "Покинула чат"), ("Егор Крид", "Покинула чат (feat. Клава Кока)")),
    (("Егор Крид, Клава Кока", "Покинула чат"), ("Egor Kreed", "Pokinula chat (feat. Klava Koka)")),
    (("Truwer", "Дерзко (feat. Kali)"), ("Truwer", "Дерзко")),
    (("HammAli, Navai, Баста", "Птичка"), ("Баста & Navai x HammAli", "Птичка")),
    (("Artik & Asti", "Девочка, танцуй"), ("ARTIK & ASTI", "Devochka, tantsuy")),
    # letters and signs
    (("Ёлка", "Всё ещё"), ("ЕЛКА", "ВСЕ ЕЩЕ")),
    (("Чайка", unicodedata.normalize("NFD", "Йод и чай")), ("Чайка", unicodedata.normalize("NFC", "Йод и чай"))),
    (("Beyoncé", "Déjà Vu"), ("Beyonce", "Deja Vu")),
    (("P!nk", "So What"), ("Pink", "So What")),
    (("GAYAZOV$ BROTHER$", "Малиновая лада"), ("Gayazovs Brothers", "Малиновая Lada")),
    (("Кино", "«Группа крови»"), ("Кино", '"Группа крови"')),
    (("Артур Пирожков", "Перетанцуй меня"), ("Arthur Pirozhkov", "#ПеретанцуйМеня")),
    (("Қайрат Нұртас", "Ауырмайды жүрек"), ("Кайрат Нуртас", "Ауырмайды журек")),
    # two alphabets, in several systems
    (("Щербаков", "Щука"), ("Shcherbakov", "Shchuka")),
    (("Щербаков", "Щука"), ("Scherbakov", "Schuka")),
    (("Щербаков", "Борщ"), ("Shherbakov", "Borshh")),
    (("Жасмин", "Жёлтый дождь"), ("Zhasmin", "Zhyoltyy dozhd")),
    (("Жасмин", "Жёлтый дождь"), ("Jasmin", "Zheltyi dozhd'")),
    (("Хабиб", "Ягода малинка"), ("Khabib", "Yagoda Malinka")),
    (("Хабиб", "Ягода малинка"), ("HABIB", "Jagoda malinka")),
    (("Юлия Савичева", "Высоко"), ("Julia Savicheva", "Vysoko")),
    (("Юлия Савичева", "Высоко"), ("Iuliia Savicheva", "Visoko")),
    (("Цой", "Цирк уехал"), ("Tsoy", "Tsirk uekhal")),
    (("Цой", "Цирк уехал"), ("Tsoi", "Cirk uyehal")),
    (("Баста", "Влюбиться"), ("Basta", "Vlyubitsya")),
    (("Скриптонит", "Положение"), ("Scriptonite", "Polozhenie")),
    (("Король и Шут", "Кукла колдуна"), ("Korol i Shut", "Kukla kolduna")),
    (("Король и Шут", "Кукла колдуна"), ("Korol' & Shut", "Kukla kolduna")),
    (("Егор Крид", "Слеза"), ("Egor Kreed", "Slyoza")),
    (("Егор Крид", "Слеза"), ("Yegor Kreed", "Sleza")),
    (("Моргенштерн", "Cadillac"), ("MORGENSTERN", "Cadillac")),
    # a name before or behind
    (("Шуфутинский Михаил", "Третье сентября"), ("Mikhail Shufutinskiy", "Tretye sentyabrya")),
    (("Полина Гагарина", "Спектакль окончен"), ("Гагарина Полина", "Спектакль окончен")),
    (("DJ Грув", "Счастье есть"), ("Грув", "Счастье есть")),
    (("DJ Smash", "Moscow Never Sleeps"), ("Smash", "Moscow Never Sleeps")),
    (("The Beatles", "Help!"), ("Beatles", "Help")),
    # what is said about it
    (("Zivert", "Life (Official Video)"), ("ZIVERT", "Life")),
    (("Zivert", "Life (Премьера клипа 2026)"), ("Zivert", "LIFE")),
    (("Zivert", "Life [Lyric Video]"), ("Zivert", "Life")),
    # versions in two alphabets
    (("Баста", "Сансара (ремикс)"), ("Basta", "Sansara (Remix)")),
    (("Баста", "Сансара (Live)"), ("Basta", "Sansara - Live")),
    # ISRCs that are missing, or not the same
    (("Баста", "Сансара", "RUA1D2600001"), ("Basta", "Sansara")),
    (("Баста", "Сансара", "RUA1D2600001"), ("Basta", "Sansara", "USXX12600009")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_recording_spelled_in_two_ways(workspace, one, other):
    put(workspace, "first", one, FILLER)
    put(workspace, "second", FILLER, ("Nobody", "Nothing at All"), other)
    assert meant(workspace, "first", 1) == meant(workspace, "second", 3)
    assert len(partition(workspace)) == 3


# -- two recordings ----------------------------------------------------------------------------------------------------

VERSIONS = (
    "(Remix)|(Live)|- Live|(Acoustic)|(Sped Up)|Sped Up|(Slowed)|Slowed + Reverb|(Instrumental)|(Cover)|(Nightcore)|"
    "(ремикс)|(акустика)|(кавер)|(минус)"
).split("|")

DIFFERENT = [
    *[(("Баста", f"Песня {version}"), ("Баста", "Песня")) for version in VERSIONS],
    *[(("Баста", f"Песня {version}"), ("Basta", "Pesnya")) for version in VERSIONS[:6]],
    (("Баста", "Песня (DJ One Remix)"), ("Баста", "Песня (DJ Two Remix)")),
    (("Баста", "Песня (Acoustic) (Remix)"), ("Баста", "Песня (Remix)")),
    (("Баста", "Песня (Remix) (Remix)"), ("Баста", "Песня (Remix)")),
    (("Баста", "Песня (Slowed)"), ("Баста", "Песня (Sped Up)")),
    # numbers
    (("Баста", "Part 1"), ("Баста", "Part 2")),
    (("Баста", "Песня, ч. 1"), ("Basta", "Pesnya, ch. 2")),
    (("Баста", "Rocky II"), ("Баста", "Rocky III")),
    # other artists
    (("Zivert", "Life"), ("Баста", "Life")),
    (("Миша Марвин", "Ненавижу"), ("Маша Марвин", "Ненавижу")),
    (("Мария Чайка", "Огни"), ("Марина Чайка", "Огни")),
    (("Иван Иванов", "Друг"), ("Ivan Ivanenko", "Drug")),
    (("Ленинград", "Экспонат"), ("Tribute to Leningrad", "Экспонат")),
    (("Шаша", "Экспонат"), ("Саша", "Экспонат")),
    # other songs
    (("Баста", "Сок"), ("Баста", "Шок")),
    (("Баста", "Сок"), ("Basta", "Shok")),
    (("Basta", "Sock"), ("Basta", "Shock")),
    (("Баста", "Чай"), ("Basta", "Tsay")),
    (("Баста", "Мыло"), ("Баста", "Мило")),
    (("Баста", "Не отпускай"), ("Basta", "Otpuskay")),
    (("Баста", "Мама, я не хочу домой"), ("Basta", "Mama, ya khochu domoy")),
    (("Баста", "Держи"), ("Basta", "Derzhis")),
    (("Баста", "Потеряла"), ("Basta", "Poteryali")),
    (("Баста", "Огни"), ("Баста", "Огни ночью")),
    (("周杰倫", "晴天"), ("周杰倫", "青天")),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_recordings_that_look_alike(workspace, one, other):
    put(workspace, "first", one)
    put(workspace, "second", FILLER, other)
    assert meant(workspace, "first") != meant(workspace, "second", 2)


def test_two_positions_of_one_chart_are_two_recordings(workspace):
    put(workspace, "first", ("Баста", "Сансара"), ("Basta", "Sansara"))
    assert meant(workspace, "first", 1) != meant(workspace, "first", 2)
    ((score, found),) = evidence(workspace)
    assert found["side_by_side"] == 1
    assert score < MERGE


def test_two_positions_of_one_chart_are_not_joined_by_a_third_name(workspace):
    put(workspace, "first", ("Баста", "Сансара"), ("Basta", "Sansara"))
    put(workspace, "second", ("Баста", "Sansara"))
    assert len(partition(workspace)) == 2
    assert meant(workspace, "second") in {meant(workspace, "first", 1), meant(workspace, "first", 2)}


def test_a_source_that_prints_both_lists_of_artists_knows_two_recordings(workspace):
    put(workspace, "first", ("The Weeknd", "Die For You"))
    put(workspace, "first", ("The Weeknd, Ariana Grande", "Die For You"), week=NEXT_WEEK)
    assert meant(workspace, "first") != meant(workspace, "first", week=NEXT_WEEK)
    assert evidence(workspace)[0][1]["one_source"] == "first"


def test_two_guests_do_not_make_one_recording_of_two_duets(workspace):
    put(workspace, "first", ("Баста, Zivert", "Неболей"))
    put(workspace, "second", ("Баста, Ёлка", "Неболей"))
    put(workspace, "third", ("Баста", "Неболей"))
    assert meant(workspace, "first") != meant(workspace, "second")
    assert len(partition(workspace)) == 2


# -- ids ---------------------------------------------------------------------------------------------------------------

ALIKE = (("Винтаж", "Ева и дождь"), ("Vintage", "Eva i dozhd"))  # 0.754: not enough by itself
CODE = "RUA1D2600001"


@pytest.mark.both_databases
def test_an_isrc_in_common_helps_names_that_are_alike(workspace):
    put(workspace, "first", ALIKE[0])
    put(workspace, "second", ALIKE[1])
    assert len(partition(workspace)) == 2
    ((before, _),) = evidence(workspace)
    put(workspace, "first", (*ALIKE[0], CODE), week=NEXT_WEEK)
    put(workspace, "second", (*ALIKE[1], CODE), week=NEXT_WEEK)
    assert len(partition(workspace)) == 1
    ((after, found),) = evidence(workspace)
    assert before < MERGE <= after
    assert found["isrc"] == CODE


@pytest.mark.both_databases
def test_an_isrc_in_common_does_not_join_names_that_are_not_alike(workspace):
    put(workspace, "first", ("Баста", "Сансара", CODE))
    put(workspace, "second", ("Zivert", "Life", CODE))
    put(workspace, "third", ("Баста", "Сансара (Remix)", CODE))
    assert len(partition(workspace)) == 3


@pytest.mark.both_databases
def test_an_isrc_on_many_names_joins_nothing(workspace):
    others = [(f"{letter * 4} Band", f"{letter * 6} Song", CODE) for letter in "QWFGH"[: SHARED_ISRC - 1]]
    put(workspace, "first", (*ALIKE[0], CODE), *others)
    put(workspace, "second", (*ALIKE[1], CODE))
    assert meant(workspace, "first") != meant(workspace, "second")
    assert not any("isrc" in found for _, found in evidence(workspace))


@pytest.mark.both_databases
def test_an_isrc_that_turns_out_to_be_on_many_names_joins_nothing_any_more(workspace):
    put(workspace, "first", (*ALIKE[0], CODE))
    put(workspace, "second", (*ALIKE[1], CODE))
    assert len(partition(workspace)) == 1
    others = [(f"{letter * 4} Band", f"{letter * 6} Song", CODE) for letter in "QWFGH"[: SHARED_ISRC - 1]]
    put(workspace, "third", *others)
    assert meant(workspace, "first") != meant(workspace, "second")


@pytest.mark.both_databases
def test_one_track_id_of_one_source_joins_two_spellings(workspace):
    put(workspace, "first", ("Шляпники", "Я делаю шаг", "", "77"))
    put(workspace, "first", ("Шляпники", "Making a Step", "", "77"), week=NEXT_WEEK)
    assert len(partition(workspace)) == 1
    assert evidence(workspace)[0][1]["track_id"] == "first 77"


@pytest.mark.both_databases
def test_one_track_id_of_two_sources_joins_nothing(workspace):
    put(workspace, "first", ("Шляпники", "Я делаю шаг", "", "77"))
    put(workspace, "second", ("Шляпники", "Making a Step", "", "77"))
    assert len(partition(workspace)) == 2


def test_the_name_that_stood_on_a_chart_first_gives_the_id(workspace):
    put(workspace, "second", ("Basta", "Sansara"), week=NEXT_WEEK)
    put(workspace, "first", ("Баста", "Сансара"))
    assert meant(workspace, "first") == meant(workspace, "second", week=NEXT_WEEK) == name_of(workspace, "Сансара")


# -- the order of imports ----------------------------------------------------------------------------------------------

CHARTS: list[tuple[str, date, list[tuple[str, ...]]]] = [
    (
        "first",
        WEEK,
        [("Баста", "Сансара"), ("Винтаж", "Ева и дождь", CODE), ("The Weeknd", "Die For You"), ("Баста", "Сок")],
    ),
    (
        "second",
        WEEK,
        [("Vintage", "Eva i dozhd", CODE), ("Basta", "Sansara"), ("The Weeknd, Ariana Grande", "Die For You")],
    ),
    ("third", WEEK, [("Баста", "Sansara"), ("Basta", "Sansara"), ("Basta", "Shok"), ("QQ Band", "QQ Song", CODE)]),
    ("first", NEXT_WEEK, [("The Weeknd ft. Ariana Grande", "Die For You"), ("Баста", "Сансара (Remix)"), FILLER]),
    ("second", NEXT_WEEK, [("WW Band", "WW Song", CODE), ("Шляпники", "Я делаю шаг", "", "77"), ("Basta", "Sok")]),
    ("second", THIRD_WEEK, [("Шляпники", "Making a Step", "", "77"), ("Баста, Zivert", "Сансара")]),
]


def in_order(folder: Path, empty: Path, order: tuple[int, ...] | list[int]) -> tuple[set[frozenset], dict, list]:
    """Import the charts in an order into a new workspace; return what they mean, by which ids, and the pairs."""
    shutil.copytree(empty, folder)
    with Workspace(folder) as workspace:
        for number in order:
            source, week, rows = CHARTS[number]
            put(workspace, source, *rows, week=week)
        pairs = sorted((row["one"], row["other"], row["score"]) for row in stored(workspace, tables.pair))
        return partition(workspace), printed(workspace), pairs


@pytest.fixture(scope="module")
def straight(tmp_path_factory, empty_workspace):
    return in_order(tmp_path_factory.mktemp("straight") / "workspace", empty_workspace, range(len(CHARTS)))


@pytest.mark.parametrize("order", list(permutations(range(4)))[1::6])
def test_charts_mean_the_same_in_whatever_order_some_of_them_come(tmp_path, empty_workspace, straight, order):
    assert in_order(tmp_path / "workspace", empty_workspace, [*order, 4, 5]) == straight
    assert in_order(tmp_path / "other", empty_workspace, [5, 4, *order]) == straight


@settings(max_examples=25)
@from_any(order=st.permutations(range(len(CHARTS))))
def test_charts_mean_the_same_in_whatever_order_they_come(empty_workspace, straight, order):
    with tempfile.TemporaryDirectory() as folder:
        assert in_order(Path(folder) / "workspace", empty_workspace, order) == straight


def test_importing_again_changes_no_recording(workspace):
    for _ in range(2):
        for source, week, rows in CHARTS:
            put(workspace, source, *rows, week=week)
        before = printed(workspace), stored(workspace, tables.pair)
    for source, week, rows in CHARTS:
        put(workspace, source, *rows, week=week)
    assert (printed(workspace), stored(workspace, tables.pair)) == before


# -- what the user says ------------------------------------------------------------------------------------------------

STRANGERS = (("Шляпники", "Я делаю шаг"), ("The Hatters", "I Take a Step"), ("Hattery", "Schritt"))


@pytest.fixture
def strangers(workspace) -> list[str]:
    """Three names that no program would join, one per source; their ids."""
    for source, row in zip(("first", "second", "third"), STRANGERS, strict=True):
        put(workspace, source, row)
    return [meant(workspace, source) for source in ("first", "second", "third")]


def more_imports(workspace) -> None:
    """The same names a week later, and a name beside each."""
    for source, row in zip(("first", "second", "third"), STRANGERS, strict=True):
        put(workspace, source, FILLER, row, ("Баста", "Сансара"), week=NEXT_WEEK)
    put(workspace, "fourth", *STRANGERS[:1], ("Basta", "Sansara"), week=NEXT_WEEK)


@pytest.mark.both_databases
def test_what_is_merged_stays_merged(workspace, strangers):
    merged = merge(workspace, strangers)
    assert merged in strangers
    assert set(printed(workspace).values()) == {merged}
    more_imports(workspace)
    assert {meant(workspace, source, 2, NEXT_WEEK) for source in ("first", "second", "third")} == {merged}
    assert meant(workspace, "fourth", 1, NEXT_WEEK) == merged
    assert {row["same"] for row in stored(workspace, tables.decision)} == {1}


@pytest.mark.both_databases
def test_nothing_is_lost_when_names_are_merged(workspace, strangers):
    before = {row["recording_id"]: row["title"] for row in stored(workspace, tables.recording)}
    merged = merge(workspace, strangers[:2])
    rows = stored(workspace, tables.recording)
    assert {row["recording_id"]: row["title"] for row in rows} == before
    assert {row["recording_id"] for row in rows if row["same_as"] == merged} == set(strangers[:2])
    assert {row["name_id"] for row in stored(workspace, tables.entry)} == set(strangers)


@pytest.mark.both_databases
def test_what_is_split_stays_apart(workspace):
    put(workspace, "first", ("Баста", "Сансара"))
    put(workspace, "second", ("Basta", "Sansara"))
    pairs = stored(workspace, tables.pair)
    recordings = split(workspace, name_of(workspace, "Sansara"))
    assert sorted({meant(workspace, "first"), meant(workspace, "second")}) == recordings
    assert len(recordings) == 2
    put(workspace, "first", ("Баста", "Сансара", CODE, "1"), week=NEXT_WEEK)
    put(workspace, "second", FILLER, ("Basta", "Sansara", CODE, "1"), week=NEXT_WEEK)
    put(workspace, "third", ("Баста", "Sansara"), week=NEXT_WEEK)
    assert meant(workspace, "first", 1, NEXT_WEEK) == meant(workspace, "first")
    assert meant(workspace, "second", 2, NEXT_WEEK) == meant(workspace, "second")
    assert meant(workspace, "first") != meant(workspace, "second")
    # what spoke for it is still there to be read
    assert {(row["one"], row["other"]) for row in pairs} <= {
        (row["one"], row["other"]) for row in stored(workspace, tables.pair)
    }


@pytest.mark.both_databases
def test_one_name_is_split_off_and_the_others_stay_together(workspace):
    put(workspace, "first", ("Баста", "Сансара"))
    put(workspace, "second", ("Basta", "Sansara"))
    put(workspace, "third", ("Basta", "Сансара"))
    assert len(partition(workspace)) == 1
    split(workspace, meant(workspace, "first"))
    assert len(partition(workspace)) == 2
    others = stored(workspace, tables.decision)
    assert len(others) == 2
    assert not any(row["same"] for row in others)


@pytest.mark.both_databases
@pytest.mark.parametrize("which", [0, 1, 2])
def test_what_was_merged_with_a_name_stays_together_without_it(workspace, strangers, which):
    merge(workspace, strangers)
    split(workspace, strangers[which])
    more_imports(workspace)
    rest = {place for number, place in enumerate(("first", "second", "third")) if number != which}
    assert len({meant(workspace, source) for source in rest}) == 1
    assert meant(workspace, ("first", "second", "third")[which]) not in {meant(workspace, source) for source in rest}


@pytest.mark.both_databases
def test_a_merge_takes_a_split_back_and_a_split_a_merge(workspace):
    put(workspace, "first", ("Баста", "Сансара"))
    put(workspace, "second", ("Basta", "Sansara"))
    names = [name_of(workspace, title) for title in ("Сансара", "Sansara")]
    split(workspace, names[0])
    merge(workspace, names)
    assert len(partition(workspace)) == 1
    put(workspace, "third", ("Basta", "Sansara"), ("Баста", "Сансара"))
    assert len(partition(workspace)) == 1  # what a person said stands over two positions of one chart
    split(workspace, names[1])
    assert len(partition(workspace)) == 2
    put(workspace, "second", ("Basta", "Sansara"), week=NEXT_WEEK)
    assert len(partition(workspace)) == 2
    assert [row["same"] for row in stored(workspace, tables.decision)] == [0]


@pytest.mark.both_databases
def test_confirming_what_the_program_joined_is_written_down(workspace):
    put(workspace, "first", ("Баста", "Сансара"))
    put(workspace, "second", ("Basta", "Sansara"))
    merge(workspace, [name_of(workspace, title) for title in ("Sansara", "Сансара")])
    (row,) = stored(workspace, tables.decision)
    assert row["same"] == 1
    put(workspace, "third", ("Баста", "Сансара"), ("Basta", "Sansara"))
    assert len(partition(workspace)) == 1


@pytest.mark.both_databases
def test_the_first_letters_of_an_id_suffice(workspace, strangers):
    shortest = [
        next(one[:size] for size in range(2, 17) if sum(two.startswith(one[:size]) for two in strangers) == 1)
        for one in strangers
    ]
    assert merge(workspace, shortest) in strangers
    assert len(partition(workspace)) == 1
    assert len(split(workspace, shortest[0])) == 2


@pytest.mark.both_databases
def test_what_cannot_be_merged_or_split_says_what_to_do(workspace, strangers):
    before = printed(workspace)
    for ids, said in [
        ([strangers[0], "rnothing"], "'rnothing': no such recording; `chartropy export recordings` lists them"),
        ([strangers[0], "%"], "'%': no such recording"),
        ([strangers[0], "r"], "'r': several recordings begin so; `chartropy export recordings`"),
        ([strangers[0], ""], "'': several recordings begin so"),
        ([strangers[0]], "name two recordings or more"),
        ([strangers[0], strangers[0]], "name two recordings or more"),
        ([], "name two recordings or more"),
    ]:
        with pytest.raises(RecordingError, match=said):
            merge(workspace, ids)
    for name, said in [
        ("rnothing", "no such recording"),
        ("r", "several recordings begin so"),
        (strangers[0], "the only name of its recording"),
    ]:
        with pytest.raises(RecordingError, match=said):
            split(workspace, name)
    assert printed(workspace) == before
    assert stored(workspace, tables.decision) == []


@pytest.mark.both_databases
def test_previews_and_verdicts_of_a_merged_name_are_taken_along(workspace, strangers):
    judged = {"verdict": "human", "reason": "sounds like it", "measured_at": "2026-07-03T00:00:00Z"}
    put(workspace, "first", STRANGERS[0], week=date(2026, 6, 25))  # the first name gives the id
    with workspace.store.transaction() as connection:
        connection.execute(
            tables.preview.insert().values(recording_id=strangers[1], provider="deezer", asked_on="2026-07-03")
        )
        for name, model, probability in ((0, "a", 0.1), (1, "a", 0.9), (1, "b", 0.2)):
            connection.execute(
                tables.verdict.insert().values(
                    recording_id=strangers[name], model_version=model, probability=probability, **judged
                )
            )
    assert merge(workspace, strangers[:2]) == strangers[0]
    assert {row["recording_id"]: row["provider"] for row in stored(workspace, tables.preview)} == {
        strangers[0]: "deezer",
        strangers[1]: "deezer",
    }
    # its own verdict stands over that of the other name
    mine = [row for row in stored(workspace, tables.verdict) if row["recording_id"] == strangers[0]]
    assert {row["model_version"]: row["probability"] for row in mine} == {"a": 0.1, "b": 0.2}


# -- what a person should look at --------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_the_least_certain_pairs_are_shown_with_what_speaks_for_them(workspace):
    put(workspace, "first", ("Баста", "Сансара"), ("Винтаж", "Ева и дождь"), ("Егор Крид", "Слеза"))
    put(workspace, "second", ("Basta", "Sansara"), ("Vintage", "Eva i dozhd"), ("Egor Kreed", "Sleza"))
    with workspace.store.reading() as connection:
        rows = review(connection)
        (nearest,) = review(connection, 1)
    assert [abs(row["score"] - MERGE) for row in rows] == sorted(abs(row["score"] - MERGE) for row in rows)
    assert nearest == rows[0]
    assert {frozenset((row["one_title"], row["other_title"])): row["merged"] for row in rows} == {
        frozenset(("Сансара", "Sansara")): True,
        frozenset(("Ева и дождь", "Eva i dozhd")): False,
        frozenset(("Слеза", "Sleza")): True,
    }
    for row in rows:
        assert row["one"] < row["other"]
        assert row["merged"] == (row["score"] >= MERGE)
        assert {"title", "artists"} <= row["evidence"].keys()
        assert row["decided"] is None


@pytest.mark.both_databases
def test_what_was_decided_is_shown_as_decided(workspace):
    put(workspace, "first", ("Баста", "Сансара"), ("Винтаж", "Ева и дождь"))
    put(workspace, "second", ("Basta", "Sansara"), ("Vintage", "Eva i dozhd"))
    split(workspace, name_of(workspace, "Sansara"))
    merge(workspace, [name_of(workspace, "Ева и дождь"), name_of(workspace, "Eva i dozhd")])
    with workspace.store.reading() as connection:
        rows = review(connection)
    found = {row["score"] >= MERGE: (row["merged"], row["decided"]) for row in rows}
    assert found == {True: (False, 0), False: (True, 1)}


# -- many names --------------------------------------------------------------------------------------------------------


def test_of_many_names_few_pairs_are_compared(workspace):
    syllables = "ba do ku mi re sa to vu zi ne".split()

    def word(number: int) -> str:
        return "".join(syllables[int(digit)] for digit in f"{number:04d}").capitalize()

    # 300 artists of ten songs each; no two songs are spelled alike
    names = [
        (f"{word(7 * (number // 10))} Band", f"{word(3 * number)} {word(9999 - number)}") for number in range(3000)
    ]
    put(workspace, "first", *names)
    with workspace.store.reading() as connection:
        ids = set(connection.scalars(select(tables.recording.c.recording_id)))
        compared = identity._candidates(connection, ids)
        kept = connection.scalar(select(func.count()).select_from(tables.pair))
    assert len(ids) == len(names)
    assert len(compared) < 0.01 * len(names) * (len(names) - 1) / 2
    assert kept is not None
    assert kept <= len(compared)
    assert len(partition(workspace)) == len(names)
