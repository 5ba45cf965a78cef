from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
from babel.numbers import format_decimal
from mutagen.id3 import ID3, TIT2, TPE1, TXXX

from chartropy.analysis.detector import Detector
from chartropy.audio.synthesize import synthesize
from chartropy.charts.importing import import_file
from chartropy.features.spectra import RATE
from chartropy.reports import messages, weekly
from chartropy.reports.cli import main
from chartropy.reports.compare import Comparison, Estimate, Trend
from chartropy.reports.evaluation import write_card, write_evaluation
from chartropy.reports.explain import explain_file, write_explanation
from chartropy.reports.page import TABLES, languages_of, write_index, write_week
from chartropy.reports.season import Key
from chartropy.reports.words import ENGLISH, LANGUAGES, Words, words_in
from chartropy.workspace.errors import SettingsError
from chartropy.workspace.workspace import Workspace

from .test_page import (
    LAST,
    MADE_AT,
    WEEK,
    a_season,
    a_small_chart,
    no_number_is_nan,
    nothing_collected,
    read,
    with_shares,
    words,
)

BOTH = ("en", "ru")
RUSSIAN = words_in("ru")
THIN = "\N{NARROW NO-BREAK SPACE}"
CARD = {
    "cross_validation": {
        "auc": {"value": 0.9757, "interval": [0.9238, 0.9989]},
        "sensitivity": [183, 213],
        "sensitivity_interval": [0.8051, 0.9029],
        "specificity": [216, 218],
        "generators": {"suno": {"called_ai": [62, 64]}},
    },
    "limits": ["Pitch shifts hide the traces of the decoders."],
}
SEASONS = {
    "many weeks and gaps": lambda: a_season(12, size=12),
    "one week": lambda: a_season(1, size=12),
    "nothing measured": lambda: a_season(2, size=12, measured=False),
    "nothing collected": nothing_collected,
    "empty": lambda: replace(nothing_collected(), gaps=a_season(1, size=3).gaps),
    "synthetic": lambda: a_season(3, size=12, synthetic=True),
    "movements": lambda: a_small_chart("abcd", "abce", "bacdf", verdicts={"a": "ai", "f": "ai"}),
    "a rise": lambda: with_shares(a_small_chart("ab"), (0.1, 0.08, 0.12), None, None, (0.2, 0.17, 0.23)),
    "no interval": lambda: with_shares(a_small_chart("ab"), (0.1, math.nan, math.nan), (0.4, math.nan, math.nan)),
    "a model card": lambda: replace(a_small_chart("a"), about={"detector": CARD}),
    "composite": lambda: a_composite(),
}
ENGLISH_WORDS = re.compile(
    r"\b(the|an?|of|and|or|to|is|was|are|no|not|by|with|for|this|than|from|in|on|at|it|its|as|that|which|each|all|"
    r"weeks?|charts?|entry|entries|recordings?|measured|interval|new|place|share|human|undecided|more|none|gaps?)\b",
    re.IGNORECASE,
)


SPOKEN = "aria-label title alt content placeholder data-label data-text data-more data-less".split()
SETTINGS = "viewport referrer color-scheme generator".split()


def a_composite():
    season = a_season(2, size=5, charts=("composite",))
    return replace(
        season, **{name: getattr(season, name).assign(source="chartropy") for name in ("entries", "measures")}
    )


def pages(folder, season):
    return (
        write_week(folder, season, LAST, made_at=MADE_AT, languages=BOTH).with_name("index.ru.html"),
        write_index(folder, season, made_at=MADE_AT, languages=BOTH).with_name("index.ru.html"),
    )


def said_in_russian(page):
    """Everything that a page says by itself: no names, no code, nothing that is marked as English."""
    for node in page.css(
        "[lang=en], bdi, code, script, style, td.artist, th.title, td.links .unseen, meta[http-equiv]"
    ):
        node.decompose()
    yield words(page.css_first("title"))
    yield words(page.body)
    for node in page.css("*"):
        for name, value in node.attributes.items():
            if name in SPOKEN and node.attributes.get("name") not in SETTINGS:
                yield re.sub(r"\{\w+\}", "", value or "")


# -- the catalogue -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", messages.TRANSLATED)
def test_everything_is_translated_and_nothing_else(language):
    said, found = messages.extracted(), messages.catalogue(language)
    asked = {(message.context, message.id) for message in said if message.id}
    assert {(message.context, message.id) for message in found if message.id} == asked
    assert messages.untranslated(found) == []
    assert not found.obsolete
    assert {*messages.TRANSLATED, "en"} == set(LANGUAGES)


@pytest.mark.parametrize("language", messages.TRANSLATED)
def test_a_translation_fills_in_what_the_english_does(language):
    named = lambda said: set(re.findall(r"%\((\w+)\)s|(<[^>]+>)|(\{\w+\})|(%%)", said))  # noqa: E731
    for message in messages.catalogue(language):
        if not message.id:
            continue
        one = messages.forms_of(message.id)[-1]
        for translation in messages.forms_of(message.string):
            assert named(translation) == named(one), one
            assert "%" not in re.sub(r"%\(\w+\)s|%%", "", translation)


def test_russian_calls_a_thing_by_one_word():
    two_of_them = r"95%%(-й|-го|-м|-е|-х)\b|доверительн|площадк|[Рр]азн(ых|ые) звучан|[Рр]азност[ьи] %|\d ?%%(?!-)"
    for message in messages.catalogue("ru"):
        for translation in messages.forms_of(message.string) if message.id else ():
            assert not re.search(two_of_them, translation), translation


def test_updating_the_catalogue_of_today_changes_nothing(tmp_path, monkeypatch):
    whole = (messages.LOCALE / "ru" / "LC_MESSAGES" / "chartropy.po").read_bytes()
    copy = tmp_path / "ru" / "LC_MESSAGES" / "chartropy.po"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(whole)
    monkeypatch.setattr(messages, "LOCALE", tmp_path)
    assert messages.update("ru") == []
    assert copy.read_bytes() == whole
    copy.write_bytes(whole.replace('msgstr "Чего не хватает"'.encode(), b'msgstr ""'))
    assert messages.update("ru") == ["What is missing"]


# -- numbers, dates, plurals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phrase", "forms"),
    [
        ("recordings", ["1 запись", "2 записи", "5 записей", "11 записей", "21 запись", "104 записи"]),
        ("weeks", ["1 неделя", "2 недели", "5 недель", "11 недель", "21 неделя", "104 недели"]),
        ("entries", ["1 позиция", "2 позиции", "5 позиций", "11 позиций", "21 позиция", "104 позиции"]),
    ],
)
def test_russian_has_three_plurals(phrase, forms):
    assert [RUSSIAN.say(phrase, n) for n in (1, 2, 5, 11, 21, 104)] == forms


def test_numbers_as_russian_writes_them():
    assert RUSSIAN.percent(0.1234) == f"12,3{THIN}%"
    assert RUSSIAN.decimal(14.25) == "14,2"
    assert RUSSIAN.thousandths(0.6) == "0,600"
    assert [RUSSIAN.signed(value) for value in (1.25, -1.25, -0.01)] == ["+1,2", "−1,2", "0,0"]
    assert [RUSSIAN.times_likelier(p) for p in (0, 0.004, 0.4, 0.5, 0.97, 1)] == [
        "400",
        "200",
        "1,5",
        "1,0",
        "30",
        "400",
    ]
    assert [RUSSIAN.count(n) for n in (1234, 12345, 1234567)] == ["1234", f"12{THIN}345", f"1{THIN}234{THIN}567"]
    assert RUSSIAN.percent_tick(0.025) == f"2,5{THIN}%"


@pytest.mark.parametrize("value", [0.0, 0.0005, 0.25, 0.35, 12.05, 1234.5678, -0.125, 99999.94])
def test_both_languages_round_alike(value):
    for digits in (0, 1, 3):
        english = f"{value:z.{digits}f}"  # nor says one minus zero
        assert ENGLISH.decimal(value, digits).replace(",", "").replace("−", "-") == english
        bare = RUSSIAN.decimal(value, digits).replace(THIN, "").replace(",", ".").replace("−", "-")
        assert Decimal(bare) == Decimal(english)
    assert format_decimal(Decimal("1234.5"), locale="ru") == "1\N{NO-BREAK SPACE}234,5"  # what Babel says by itself


def test_dates_as_russian_writes_them():
    turn = (date(2025, 12, 26), date(2026, 1, 1))
    plain = lambda said: said.replace("\N{NO-BREAK SPACE}", " ")  # noqa: E731
    assert plain(RUSSIAN.say("full_date", LAST)) == "25 июня 2026 года"
    assert plain(RUSSIAN.say("span", date(2026, 6, 19), LAST)) == "пятница, 19 июня — четверг, 25 июня 2026 года"
    assert plain(RUSSIAN.say("span", *turn)) == "пятница, 26 декабря 2025 года — четверг, 1 января 2026 года"
    assert plain(RUSSIAN.say("short_span", *turn)) == "26 дек. 2025 – 1 янв. 2026"
    assert RUSSIAN.short_day(LAST, True) == "25 июн.\n2026"
    assert ENGLISH.say("day_and_month", date(2026, 9, 3)) == "3 Sep"


def test_countries_have_names_in_both_languages():
    key = Key("tophit", "radio", "de")
    assert ENGLISH.say("full_chart_name", key) == "TopHit Radio, Germany"
    assert RUSSIAN.say("full_chart_name", key) == "TopHit Радио, Германия"
    assert RUSSIAN.say("full_chart_name", Key("kworb", "spotify", "global")) == "kworb.net Spotify, весь мир"
    assert ENGLISH.say("full_chart_name", Key("x", "y", "q9")) == "x y, q9"


def test_lists_are_joined_as_each_language_joins_them():
    assert ENGLISH.listed(["A", "B", "C"]) == "A, B and C"
    assert RUSSIAN.listed(["A", "B", "C"]) == "A, B и C"
    assert ENGLISH.say("rank", "ai_share", 3, ["VK"]).startswith("Of three charts")
    assert RUSSIAN.say("rank", "ai_share", 3, ["VK", "Радио"]) == (
        "Из 3 чартов это самая высокая оценка, но в пределах шума от неё также: VK и Радио."
    )


# -- sentences ---------------------------------------------------------------------------------------------------------


def russian_finding(tmp_path, *shares):
    season = with_shares(a_small_chart("ab"), *shares)
    page = write_week(tmp_path, season, LAST, made_at=MADE_AT, languages=("ru",))
    said = words(read(page).css(".findings li")[0])
    return said.replace(THIN, " ").replace("\N{NO-BREAK SPACE}", " ")


def test_a_rise_in_russian(tmp_path):
    assert russian_finding(tmp_path, (0.1, 0.08, 0.12), (0.2, 0.17, 0.23)).startswith(
        "20,0 % Доля ИИ, Радио Следы генераторов ИИ в звучании несут, по оценке, 20,0 % чарта «Радио» (95%-ный интервал от "
        "17,0 % до 23,0 %; измерено n = 100 из 2 позиций). Это больше, чем неделей раньше (10,0 %; 95%-ный интервал от "
        "8,0 % до 12,0 %; n = 100): разница +10,0 п. п., 95%-ный интервал от +6,4 до +13,6."
    )


def test_a_signed_interval_in_russian_reads_from_and_to():
    row = SimpleNamespace(low=-4.4, high=-1.5)
    assert RUSSIAN.say("bounds", row, True) == "от −4,4 до −1,5"


def test_an_older_week_is_named_in_russian(tmp_path):
    said = russian_finding(tmp_path, (0.1, 0.08, 0.12), None, None, (0.2, 0.17, 0.23))
    assert "за последнюю измеренную до этого неделю, по 4 июня 2026 года, 3 неделями раньше (10,0 %" in said


FIRST = Estimate(LAST - 20 * WEEK, 0.2, 0.1, 0.3, 21, "m")
TRENDS = [
    Trend("short", FIRST, 3, "same"),
    Trend("unclear", FIRST, 21, "same", 0.0),
    *(
        Trend(kind, FIRST, 21, since, 0.1, 0.0, 0.2, p)
        for kind, since, p in (
            ("rising", "up", 0.001),
            ("falling", "down", 0.05),
            *(("unclear", since, 0.6) for since in ("up", "down", "same", "unbounded")),
        )
    ),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("measure", ["ai_share", "ai_share.top10", "cultural_entropy"])
@pytest.mark.parametrize("kind", ["first", "method", "unbounded", "same", "up", "down"])
@pytest.mark.parametrize("weeks", [1, 2, 5, 21])
def test_every_finding_can_be_said(language, measure, kind, weeks):
    low, high = (math.nan, math.nan) if kind == "unbounded" else (0.1, 0.3)
    now, before = (Estimate(day, 0.2, low, high, 21, "m") for day in (LAST, LAST - WEEK * weeks))
    compared = Comparison(kind) if kind == "first" else Comparison(kind, before, weeks, 0.1, -0.1, 0.3)
    top, top_before = ((weeks, 21), (1, 9)) if measure == "ai_share.top10" else (None, None)
    say = words_in(language).say
    for said in (
        say("finding", measure, "Демо", now, 100, top),
        say("since_before", measure, compared, top_before),
        *(said for trend in TRENDS if (said := say("course", measure, trend))),
    ):
        assert said.endswith(".")
        assert not re.search(r"%\(|\bnan\b|\(\)|  | [.,;:]|\.\.", said)
        assert bool(ENGLISH_WORDS.search(said)) == (language == "en")


# -- pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEASONS)
def test_no_english_is_left_on_russian_pages(name, tmp_path):
    for file in pages(tmp_path, SEASONS[name]()):
        page = read(file)
        assert page.css_first("html").attributes["lang"] == "ru"
        assert no_number_is_nan(page)
        for said in said_in_russian(page):
            left = ENGLISH_WORDS.search(said)
            assert not left, (left, said[max(0, left.start() - 80) : left.end() + 80])


@pytest.mark.parametrize("name", ["synthetic", "a rise", "a model card"])
def test_another_language_changes_nothing_but_the_links_of_the_first(name, tmp_path):
    season = SEASONS[name]()
    alone = write_week(tmp_path / "alone", season, LAST, made_at=MADE_AT).read_text("utf-8")
    among = write_week(tmp_path / "among", season, LAST, made_at=MADE_AT, languages=BOTH).read_text("utf-8")
    among = re.sub(r'<link rel="alternate".*>\n|<nav class="languages"[^§]*?</nav>\n', "", among)
    assert among == alone


def test_what_the_pipeline_wrote_is_russian_or_marked_as_english(tmp_path):
    season = a_season(2, size=20)
    known = "no preview: deezer: no track with this artist, title and version"
    reasons = season.verdicts["reason"].where(season.verdicts["verdict"] != "unmeasured", known)
    page = read(pages(tmp_path, replace(season, verdicts=season.verdicts.assign(reason=reasons)))[0])
    said = {words(node): node for node in page.css("td.reason") if words(node)}
    russian = said.pop("нет превью: deezer: нет трека с таким исполнителем, названием и версией")
    assert not russian.css("[lang=en]")
    assert said
    assert all(words(node.css_first("[lang=en]")) == text for text, node in said.items())
    own = read(pages(tmp_path / "own", a_small_chart("a"))[0]).css_first("td.reason")
    assert words(own) == "вердикта ещё нет: анализ недели не закончен"
    assert not own.css("[lang=en]")
    assert "lang=" not in read(tmp_path / LAST.isoformat() / "index.html").css_first("main").html


def test_figures_speak_russian(tmp_path):
    page = read(pages(tmp_path, a_season(4, size=20))[0])
    drawn = {words(node) for node in page.css("svg.plot text")}
    assert {"Доля ИИ, % позиций", "последний день недели чарта", "25 июн.", "эта неделя", "неделей раньше"} <= drawn
    assert any(re.fullmatch(r"\d+,\d %", said) for said in drawn)
    assert not any(re.search(r"\d\.\d", said) for said in drawn)
    assert words(page.css_first("svg.strip title")).startswith(
        "Вердикты по местам чарта, от первого до последнего: ИИ — "
    )


def test_each_page_leads_to_its_other_languages_and_to_weeks_in_its_own(tmp_path):
    season = a_season(3, size=8)
    week, index = pages(tmp_path, season)
    for file in (week, index):
        for language, name, other in (("ru", "index.ru.html", "en"), ("en", "index.html", "ru")):
            page = read(file.with_name(name))
            links = {(a.attributes["hreflang"], a.attributes["href"]) for a in page.css("link[rel=alternate]")}
            assert links == {("en", "index.html"), ("ru", "index.ru.html")}
            (switch,) = page.css(".languages a")
            assert switch.attributes["lang"] == switch.attributes["hreflang"] == other
            assert words(switch) == {"en": "English", "ru": "Русский"}[other]
            assert words(page.css_first(".languages [aria-current]")) == {"en": "English", "ru": "Русский"}[language]
            inner = [a.attributes["href"] for a in page.css("a[href$='.html']:not([hreflang])")]
            assert inner
            assert all(link.rpartition("/")[2] == name for link in inner)
    assert read(week).css_first("a[rel=prev]").attributes["href"] == "../2026-06-18/index.ru.html"


def test_pages_in_two_languages_load_nothing_and_run_one_script(tmp_path):
    for file in pages(tmp_path, a_season(2, size=8)):
        for page in (file, file.with_name("index.html")):
            tree = read(page)
            assert not tree.css("[src], iframe, object, embed, base")
            assert all(
                node.attributes["href"].startswith(("data:", "#")) or node.attributes["rel"] == "alternate"
                for node in tree.css("link, use")
            )
            assert len(tree.css("script")) == 1


def test_the_first_language_is_index_html(tmp_path):
    season = a_small_chart("ab")
    for languages in (("ru", "en"), ("en", "ru"), ("ru",), ("ru", "ru")):
        page = write_week(tmp_path, season, LAST, made_at=MADE_AT, languages=languages)
        assert page.name == "index.html"
        assert read(page).css_first("html").attributes["lang"] == languages[0]
        assert languages_of(page.parent) == tuple(dict.fromkeys(languages))
    assert languages_of(tmp_path / "nowhere") == ()
    assert [file.name for file in page.parent.glob("*.html")] == ["index.html"]  # no page is left to grow old


def test_tables_are_the_same_in_every_language(tmp_path):
    season = a_season(2, size=8, synthetic=True)
    for language in LANGUAGES:
        write_week(tmp_path / language, season, LAST, made_at=MADE_AT, languages=(language,))
    for name in TABLES:
        files = [tmp_path / language / LAST.isoformat() / f"{name}.csv" for language in LANGUAGES]
        assert files[0].read_bytes() == files[1].read_bytes()
        assert set(pd.read_csv(files[1])["synthetic"]) <= {"SYNTHETIC"}
    assert set(pd.read_csv(files[1].with_name("entries.csv"))["synthetic"]) == {"SYNTHETIC"}


# -- pages about files and detectors -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    """Files explained: one that says it is AI, one by people, one silent, one that is no audio."""
    folder = tmp_path_factory.mktemp("clips")
    for name, seed, machine in (("a <b> song.mp3", 2, True), ("human.mp3", 3, False)):
        song = synthesize(seed, seconds=11.0, machine_made=machine)
        soundfile.write(folder / name, np.clip(song.samples.T, -1, 1), RATE, format="MP3")
    tags = ID3()
    tags.add(TPE1(encoding=3, text="Ёлка"))
    tags.add(TIT2(encoding=3, text="Прованс <live>"))
    tags.add(TXXX(encoding=3, desc="comment", text="made with suno; created=2025-11-03; id=1"))
    tags.save(folder / "a <b> song.mp3")
    soundfile.write(folder / "silent.wav", np.zeros(11 * RATE), RATE)
    (folder / "page.mp3").write_text("<html>")
    return [explain_file(folder / name) for name in ("a <b> song.mp3", "human.mp3", "silent.wav", "page.mp3")]


def no_english_in(file):
    page = read(file)
    assert page.css_first("html").attributes["lang"] == "ru"
    for said in said_in_russian(page):
        left = ENGLISH_WORDS.search(re.sub(r"TXXX.*?id=1|/\S+", "", said))
        assert not left, (left, said[max(0, left.start() - 80) : left.end() + 80])


def test_no_english_is_left_on_a_russian_page_about_files(explained, tmp_path):
    write_explanation(explained, Detector.load(), tmp_path / "why.html", RUSSIAN)
    no_english_in(tmp_path / "why.html")
    page = read(tmp_path / "why.html")
    assert not page.css("[lang=en]")
    assert [words(node) for node in page.css("h2")] == [
        "a <b> song.mp3 : ИИ", "human.mp3 : Человек", "silent.wav : Не измерено", "page.mp3 : Не измерено"
    ]  # fmt: skip
    first, human, silent, no_audio = page.css("section")
    assert words(first.css_first(".sub")) == "Ёлка – Прованс <live>"
    assert not human.css(".sub")
    assert "3 ноября 2025 года" in words(first).replace("\N{NO-BREAK SPACE}", " ")
    assert "Судить не о чем: во фрагменте тишина." in words(silent)
    assert "это страница HTML, а не звук" in words(no_audio)
    drawn = {words(node) for node in page.css("svg text")}
    assert {"кГц", "дБ над окружением", "тоны", "−0,4"} <= drawn
    assert not any(re.search(r"\d\.\d", said) for said in drawn)


def test_a_page_about_files_in_english_says_artist_and_title(explained, tmp_path):
    write_explanation(explained, Detector.load(), tmp_path / "why.html")
    page = read(tmp_path / "why.html")
    assert "lang=" not in page.css_first("main").html
    assert words(page.css_first("section .sub")) == "Ёлка – Прованс <live>"
    assert "The period found is" in words(page.css_first("section"))


@pytest.mark.parametrize("made", ["card", "evaluation"])
def test_no_english_is_left_on_a_russian_page_about_a_detector(made, tmp_path):
    detector = Detector.load()
    if made == "card":
        write_card(detector, tmp_path / "page.html", RUSSIAN)
    else:
        about = {"ai": 9, "human": 9, "set_aside": {"x": "they told me so"}, "dropped": ["ai, suno, one b.mp3: the file is empty (0 bytes)."]}  # fmt: skip
        found = detector.card["cross_validation"] | {"model_version": "method of lattice-1", "data": about}
        found |= {
            "how": "Each clip was judged by a model that was trained on the other generators and sources of this list."
        }
        found["productions"] = found["productions"] | {"p": None}
        write_evaluation(found, tmp_path / "page.html", RUSSIAN)
    no_english_in(tmp_path / "page.html")
    page = read(tmp_path / "page.html")
    stored = ["they told me so"] if made == "evaluation" else [detector.model_version]
    assert [words(node) for node in page.css("main [lang=en]")] == stored
    said = words(page.css_first("main"))
    assert "сдвиг тона, полутонов: +2" in said
    assert not re.search(r"(?<![-\w.])\d+\.\d", re.sub(r"\S+\.mp3|chartropy\S+", "", said))
    assert len(page.css("svg")) == 2


# -- asking for a language ---------------------------------------------------------------------------------------------


def test_an_unknown_language_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="'xx' is no language of the pages: choose en or ru"):
        Words("xx")
    with pytest.raises(SettingsError, match="'xx'"):
        write_week(tmp_path, a_small_chart("a"), LAST, made_at=MADE_AT, languages=("en", "xx"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [("detector", "card"), ("detect", "x.mp3", "--explain", "x.html")])
def test_pages_about_detectors_refuse_an_unknown_language(command, command_line):
    code, _, complaint = command_line(*command, "--lang", "xx")
    assert code == 2
    assert "--lang xx: choose en or ru." in complaint


def test_a_language_without_a_page_is_refused(command_line):
    assert "name it with --explain" in command_line("detect", "x.mp3", "--lang", "ru")[2]


def test_a_card_is_written_in_the_language_asked_for(command_line, tmp_path):
    assert command_line("detector", "card", "--lang", "ru", "--out", tmp_path / "card.html")[0] == 0
    assert words(read(tmp_path / "card.html").css_first("h1")) == f"Детектор {Detector.load().model_version}"


@pytest.mark.parametrize("command", ["report", "weekly"])
def test_the_command_line_refuses_an_unknown_language(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["chartropy", command, "-w", str(tmp_path / "new"), "--lang", "en", "--lang", "xx"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "--lang xx: choose en or ru." in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_command_line_overrides_the_setting(tmp_path, monkeypatch, capsys):
    folder, chart = tmp_path / "data", tmp_path / "chart.csv"
    monkeypatch.setenv("CHARTROPY_NOW", "2026-06-29T09:00:00")
    chart.write_text(f"position,artist,title,week\n1,Zivert,Life,{LAST}\n", encoding="utf-8")
    with Workspace(folder, create=True) as workspace, workspace.writing():
        import_file(workspace, chart, "club-top")
    for languages in (["ru", "en"], []):
        arguments = [part for language in languages for part in ("--lang", language)]
        monkeypatch.setattr("sys.argv", ["chartropy", "report", "-w", str(folder), *arguments])
        with suppress(SystemExit):
            main()
        written = languages_of(folder / "reports"), languages_of(folder / "reports" / LAST.isoformat())
        assert written == ((tuple(languages) or ("en",)),) * 2
    assert "Report: " in capsys.readouterr().out


def test_weeks_written_before_get_the_languages_of_today(tmp_path, monkeypatch):
    season = a_small_chart("ab", "ab", "ab")
    monkeypatch.setenv("CHARTROPY_NOW", "2026-06-29T09:00:00")
    monkeypatch.setattr(weekly, "read_season", lambda _, **__: season)
    with Workspace(tmp_path / "data", create=True) as workspace:
        folder = workspace.reports_folder
        write_week(folder, season, LAST - WEEK, made_at=MADE_AT)
        both = workspace.settings.report.model_copy(update={"languages": ("en", "ru")})
        workspace.settings = workspace.settings.model_copy(update={"report": both})
        weekly.report(workspace, [LAST])
    written = {day: languages_of(folder / (LAST - WEEK * back).isoformat()) for back, day in enumerate("abc")}
    assert written == {"a": BOTH, "b": BOTH, "c": ()}  # the first week never had a page
