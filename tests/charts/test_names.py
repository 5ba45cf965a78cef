"""Two spellings of one recording are found alike; two recordings never are, however alike they look."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chartropy.charts.names import fold, likeness, query, read, recording_id

SAME = [
    # guests, wherever they stand
    ("Егор Крид feat. Клава Кока", "Покинула чат", "Егор Крид", "Покинула чат (feat. Клава Кока)"),
    ("Eminem ft. Rihanna", "The Monster", "Eminem, Rihanna", "The Monster"),
    ("Eminem", "The Monster ft. Rihanna", "Eminem", "The Monster [featuring Rihanna]"),
    ("MiyaGi & Эндшпиль", "I Got Love (feat. Рем Дигга)", "Miyagi, Эндшпиль, Рем Дигга", "I Got Love"),
    ("HammAli & Navai", "Птичка", "Navai, HammAli", "Птичка"),
    ("A x B", "Song", "A, B", "Song"),
    ("Баста при участии Полины Гагариной", "Голос", "Баста", "Голос"),
    # letters
    ("Ёлка", "Всё ещё", "Елка", "Все еще"),
    ("Beyoncé", "Déjà Vu", "Beyonce", "Deja Vu"),
    ("İlkay", "Aşk", "Ilkay", "Ask"),
    ("Й", unicodedata.normalize("NFD", "Чайка и йод"), "Й", unicodedata.normalize("NFC", "Чайка и йод")),
    ("ZIVERT", "LIFE", "Zivert", "Life"),
    ("Rag'n'Bone Man", "Don't", "Rag’n’Bone Man", "Don’t"),
    ("t.A.T.u.", "Нас не догонят", "Тату", "Нас не догонят"),
    ("Иван", "До́ма", "Иван", "Дома"),
    ("GAYAZOV$ BROTHER$", "Кредо", "Gayazovs Brothers", "Кредо"),
    # two alphabets, both ways and in several systems
    ("Хабиб", "Ягода малинка", "Khabib", "Yagoda Malinka"),
    ("Щербаков", "Щука", "Shcherbakov", "Shchuka"),
    ("Щербаков", "Щука", "Shherbakov", "Shhuka"),
    ("Иван", "Влюбиться", "Ivan", "Vlyubitsya"),
    ("Қайрат Нұртас", "Жүрек", "Qairat Nurtas", "Zhurek"),
    ("Tsoy", "Gruppa krovi", "Цой", "Группа крови"),
    ("Юлия Савичева", "Высоко", "Yulia Savicheva", "Vysoko"),
    ("Jah Khalib", "Медина", "Джах Халиб", "Медина"),
    ("Макс Корж", "Жить в кайф", "Max Korzh", "Zhit v kayf"),
    ("Егор Крид", "Слеза", "Egor Kreed", "Slyoza"),
    ("Алёна Снегова", "Не отпускай до утра", "Alyona Snegova", "Ne otpuskay do utra"),
    # what is said about a song is not its name
    ("Zivert", "Life (Премьера клипа 2026)", "Zivert", "Life"),
    ("Zivert", "Life (Премьера, 2026)", "Zivert", "Life"),
    ("Zivert", "Life - Official Music Video", "Zivert", "Life"),
    ("Zivert", "Life | Official Video", "Zivert", "Life"),
    ("Zivert", "Life [Lyric Video]", "Zivert", "Life"),
    ("Zivert", "Life (Explicit)", "Zivert", "Life"),
    ("Zivert", "Life (prod. by someone)", "Zivert", "Life"),
    ("Zivert", "Life 🔥", "Zivert", "Life"),
    # one version, differently written
    ("A", "Песня (Ремикс)", "A", "Pesnya (Remix)"),
    ("A", "Song - Remix", "A", "Song (Remix)"),
    ("A", "Song (Sped Up)", "A", "Song (Sped-Up Version)"),
    ("A", "Song (Slowed + Reverb)", "A", "Song (Slowed & Reverb)"),
    ("A", "Song (Acoustic Version)", "A", "Song [Acoustic]"),
    ("A", "Song (Remix feat. B)", "A", "Song (Remix) [feat. B]"),
]

DIFFERENT = [
    # versions are recordings of their own
    *[
        ("A", f"Песня {version}", "A", "Песня")
        for version in (
            "(Remix)|(Live)|(Acoustic)|(Sped Up)|(Sped-Up)|(Slowed)|(Nightcore)|(Instrumental)|(Karaoke)|(Radio Edit)|(Extended Mix)|"
            "(Cover)|(Demo)|(8D)|(Acapella)|- Live|(акустика)|(ремикс)|(Live-версия)|(минус)|(кавер)|- Акустическая версия|Remix"
        ).split("|")
    ],
    ("A", "Song (feat. B Remix)", "A", "Song"),
    ("A", "Song (DJ One Remix)", "A", "Song (DJ Two Remix)"),
    ("A", "Song (Live in Moscow)", "A", "Song (Live in Paris)"),
    ("A", "Song (Remix)", "A", "Song (Acoustic)"),
    # a name inside is not a version
    ("A", "Live Forever", "A", "Forever"),
    # numbers
    ("A", "Part 1", "A", "Part 2"),
    ("A", "Song, Pt. 1", "A", "Song, Pt. 2"),
    ("A", "Rocky II", "A", "Rocky III"),
    ("A", "Song", "A", "Song II"),
    ("A", "1+1", "A", "11"),
    # other people
    ("A", "Song", "B", "Song"),
    ("Миша Марвин", "Ненавижу", "Маша Марвин", "Ненавижу"),
    ("Зоя Оркестр", "Огни", "Соня Оркестр", "Огни"),
    ("Марк Трамвай", "Огни", "Майя Трамвай", "Огни"),
    ("Мария Чайка", "Огни", "Марина Чайка", "Огни"),
    ("Neon Harbor", "Stay Tonight", "Neon Parade", "Stay Tonight"),
    ("Various Artists", "Life", "Zivert", "Life"),
    ("Zivert Tribute Band", "Life", "Zivert", "Life"),
    # other songs
    ("Баста", "Сок", "Баста", "Шок"),
    ("Баста", "Чай", "Баста", "Цай"),
    ("Баста", "Не отпускай", "Баста", "Отпускай"),
    ("Баста", "Забудь", "Баста", "Не забудь"),
    ("Баста", "Не отпускай в темноте без тебя", "Баста", "Не отпускай в темноте без меня"),
    ("Баста", "Огни", "Баста", "Огни ночью"),
    ("Dua Lipa", "Love Me", "Dua Lipa", "Love Me Not"),
    ("周杰倫", "晴天", "周杰倫", "青天"),  # alike in Latin letters only
    ("A", "💔", "A", "🔥"),
    ("A", "???", "A", "!!!"),
]


@pytest.mark.parametrize(("artist", "title", "other_artist", "other_title"), SAME)
def test_one_recording_spelled_in_two_ways(artist, title, other_artist, other_title):
    one, other = read(artist, title), read(other_artist, other_title)
    assert likeness(one, other) > 0.8
    assert likeness(one, other) == likeness(other, one)


@pytest.mark.parametrize(("artist", "title", "other_artist", "other_title"), DIFFERENT)
def test_two_recordings_that_look_alike(artist, title, other_artist, other_title):
    one, other = read(artist, title), read(other_artist, other_title)
    assert likeness(one, other) == likeness(other, one) == 0
    assert recording_id(one) != recording_id(other)


@pytest.mark.parametrize(
    ("artist", "title", "other_artist", "other_title"),
    [
        ("Егор Крид feat. Клава Кока", "Покинула чат", "Клава Кока, Егор Крид", "ПОКИНУЛА ЧАТ"),
        ("Ёлка", "Прованс", "ЕЛКА", "Прованс (Официальное видео)"),
        ("Иван", "До́ма", "Иван", "Дома"),
        ("A & B", "Song (Live)", "B, A", "Song - Live"),
        ("Й", unicodedata.normalize("NFD", "Йод"), "Й", "йод"),
    ],
)
def test_what_does_not_matter_does_not_make_a_new_recording(artist, title, other_artist, other_title):
    assert recording_id(read(artist, title)) == recording_id(read(other_artist, other_title))


def test_ids_stay_what_they_were_in_every_release():
    assert recording_id(read("Zivert", "Life")) == "r5374a4978b4d51f"
    assert recording_id(read("Ёлка feat. Баста", "Всё (Remix)")) == "rd5c5032b15517db"


def test_a_name_is_taken_apart():
    name = read(["Zivert ft. NILETTO", "Баста"], "Fly 2 (Премьера клипа) [Live]")
    assert name.artists == {"zivert", "niletto", "баста"}
    assert name.title == "fly 2"
    assert name.version == "live"


def test_a_title_that_is_all_noise_stays_a_title():
    assert read("A", "(Official Video)").title
    assert read("A", "Клип").title == "клип"
    assert likeness(read("A", "1999"), read("A", "2000")) == 0


@pytest.mark.parametrize(
    ("artist", "title", "typed"),
    [
        ("Егор Крид feat. Клава Кока", "Покинула чат (Премьера 2026)", ("Егор Крид", "Покинула чат")),
        ("A & B", "Song (feat. C) (Remix)", ("A", "Song Remix")),
        ("A", "Song ft. C", ("A", "Song")),
        ("A", "(Live)", ("A", "Live")),
    ],
)
def test_what_is_typed_into_a_search(artist, title, typed):
    assert query(artist, title) == typed


# -- whatever a page may hold ------------------------------------------------------------------------------------------

ALPHABET = st.characters(codec="utf-8")
WORDS = st.sampled_from(
    "feat. ft ( ) [ ] - – Remix live акустика Премьера клипа 2026 official video & x и Ё ё Й 1 II , / İ ß ﬁ ½ ² 💔 \u0301".split()
)
TEXT = st.one_of(st.text(ALPHABET, max_size=40), st.lists(WORDS, max_size=8).map(" ".join))


@given(st.one_of(TEXT, st.lists(TEXT, max_size=3)), TEXT)
def test_reading_never_fails(artists, title):
    name = read(artists, title)
    assert recording_id(name).startswith("r")
    query(artists if isinstance(artists, str) else ", ".join(artists), title)


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT, st.randoms())
def test_the_order_of_artists_does_not_matter(artists, title, random):
    shuffled = list(artists)
    random.shuffle(shuffled)
    assert read(artists, title).key == read(shuffled, title).key


@given(TEXT, TEXT, TEXT, TEXT)
@example("A, B", "T", "A, C", "T")
def test_likeness_is_symmetric_and_between_0_and_1(artist, title, other_artist, other_title):
    one, other = read(artist, title), read(other_artist, other_title)
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, other) == likeness(other, one)


@given(TEXT, TEXT)
def test_a_name_is_like_itself(artist, title):
    name = read(artist, title)
    assert likeness(name, name) == (1 if name.artists else 0)


@given(TEXT)
@example("İ")
@example("ǰ̣")
def test_folding_what_is_folded_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(TEXT)
def test_composed_or_not_makes_no_difference(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    "text",
    [" " * 30_000, "() " * 10_000, "(" * 30_000, "a - " * 8_000, "feat. " * 5_000, "(live " * 5_000, "a" * 50_000],
)
def test_a_title_made_to_take_forever_does_not(text):
    started = time.process_time()
    one, other = read(f"x{text}y", f"x{text}y"), read(f"x{text}", f"x{text}")
    query(f"x{text}y", f"x{text}y")
    likeness(one, other)
    assert time.process_time() - started < 5
