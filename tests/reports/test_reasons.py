"""Every sentence that the pipeline stores is understood: a page in another language can say it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from importlib import import_module
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

import chartropy
import chartropy.workspace.errors as errors
from chartropy.analysis import detector, fuse, train
from chartropy.analysis.detector import Detector, Verdict
from chartropy.audio.decode import decode
from chartropy.audio.disturb import DISTURBANCES
from chartropy.charts.periods import KINDS, Period
from chartropy.charts.sources import SOURCES, lastfm
from chartropy.features.registry import DESCRIPTORS
from chartropy.reports import definitions, evaluation, listening, reasons
from chartropy.reports.definitions import DEFINITIONS
from chartropy.reports.reasons import SENTENCES, Reasons, shortened
from chartropy.reports.words import ENGLISH, words_in
from chartropy.workspace.errors import AudioError

from .test_languages import ENGLISH_WORDS

RUSSIAN = words_in("ru")
ROOT = Path(__file__).resolve().parents[2]
STORE_REASONS = [
    *sorted((ROOT / "charts" / "sources").glob("*.py")),
    *(ROOT / "charts" / f"{name}.py" for name in ("collect", "composite", "rows", "source")),
    *(ROOT / "audio" / f"{name}.py" for name in ("decode", "previews")),
    ROOT / "features" / "spectra.py",
    ROOT / "workspace" / "http.py",
    *(ROOT / "analysis" / f"{name}.py" for name in ("estimates", "measures", "novelty", "share", "trends")),
]
"""Where the sentences are made that say why a chart or a sound is missing, or how a number was computed."""

ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, (errors.SourceError, errors.PreviewError, errors.AudioError))
}
LISTS = ("faults", "lines", "problems")
NAMES = ("broken", "few", "gap", "problem", "reason")
NOT_STORED = re.compile(
    # of credits, which are asked for by hand; of an import, which refuses the file
    "is no id of a track|no list of credits|rename the file and add"
)
MARK = "7"


def written(node: ast.AST, names: dict[str, list[str]]) -> list[str]:
    """The texts that an expression may give; `MARK` stands for what is filled in and is no text of the code."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.Name):
        return names.get(node.id, [])
    if isinstance(node, ast.FormattedValue):
        return written(node.value, names) or [MARK]
    if isinstance(node, ast.JoinedStr):
        return ["".join(parts) for parts in product(*(written(part, names) for part in node.values))]
    if isinstance(node, ast.IfExp):
        return [*written(node.body, names), *written(node.orelse, names)]
    if isinstance(node, ast.BinOp):
        return ["".join(parts) for parts in product(written(node.left, names), written(node.right, names))]
    if isinstance(node, ast.Tuple | ast.List):
        return [text for one in node.elts for text in written(one, names)]
    return written(node.elt, names) if isinstance(node, ast.ListComp) else []


def called(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def names_in(tree: ast.AST) -> dict[str, list[str]]:
    """The texts that names may stand for."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).extend(written(node.value, {}))
    return found


def sentences_in(file: Path) -> set[str]:
    """What the code of a file may store: arguments of errors, and what is put where faults and reasons are kept."""
    found: list[str] = []
    for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = names_in(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and node.args:
                kept = isinstance(node.func, ast.Attribute) and called(node.func.value) in LISTS
                if kept or called(node.func) in {*ERRORS, "Estimate"}:
                    found += written(node.args[0 if called(node.func) in ERRORS else -1], names)
            elif isinstance(node, ast.Assign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if {called(one) for one in targets} & {*LISTS, *NAMES}:
                    found += written(node.value, names)
    found = [MARK + text if text.startswith(" ") else text for text in found]  # what is added to another
    found = [text.removesuffix(f"; {MARK}") for text in found]  # and what another is added to
    return {text for text in found if text.strip(f"{MARK}: ;.") and not NOT_STORED.search(text)}


IN_CODE = sorted({(file.name, text) for file in STORE_REASONS for text in sentences_in(file)})


def seen(kind: str, spacing: float, frame_rate: float):
    lattice = SimpleNamespace(lines=37.0, expected=4.2, spacing=spacing)
    return SimpleNamespace(kind=kind, lattice=lattice, frame_rate=frame_rate)


def verdicts() -> list[str]:
    """Every kind of reason that the detector gives."""
    kinds = [("known", 25.0, 0.0), ("near", 25.3, 25.0), ("near", 24.7, 25.0), ("shifted", 28.06, 25.0), ("shifted", 25.0, 25.0), ("free", 31.0, 0.0)]  # fmt: skip
    said = [
        detector._reason(verdict, seen(*kind), "Suno", unlike=unlike)
        for verdict in ("ai", "undecided", "human")
        for kind in kinds
        for unlike in (True, False)
    ]
    whole = {"seconds": 30.0, "silent": 0.0, "bandwidth": 16e3, "speech": SimpleNamespace(alone=False), "lines": 1}
    bad = ({"silent": 1.0}, {"seconds": 4.0}, {"silent": 0.6}, {"bandwidth": 3e3}, {"lines": None})
    bad += ({"speech": SimpleNamespace(alone=True)},)
    return said + [detector.refusal(SimpleNamespace(**(whole | one))) for one in bad]


def fused() -> list[str]:
    """Every kind of reason that weighing the witnesses gives."""
    of = {
        name: Verdict(name, 0.5, verdicts()[0], "m", {"log_odds": 0.0})
        for name in ("ai", "human", "undecided", "unmeasured")
    }
    tag, registry = fuse.claim("tags", "tags", "ai", "x"), fuse.claim("soulover", "registry", "ai", "x")
    person = fuse.claim("deezer", "platform", "human", "x")
    claims = ([], [tag], [person], [tag, person], [registry], [registry, replace(registry, source="other")])
    claims += ([person, replace(person, source="apple")],)
    claims += ([fuse.claim("you", "you", "ai", "they told me")],)
    return [fuse.fuse(sound, some).reason for sound in of.values() for some in claims]


def cards() -> list[str]:
    """What a detector's card and an evaluation say."""
    card = Detector.load().card
    figures = card["cross_validation"]
    how = evaluation._how_trained(card)
    return [
        *(how, card["method"], card["retrain"], *card["limits"], *card["data"]["set_aside"].values()),
        *(train.promise(8)[1], figures["interval"], figures["productions"]["null_hypothesis"], train.CLEAN),
        *(*DISTURBANCES, *train.PRODUCTIONS, *figures["shortcuts"]["auc_alone"], *detector.KINDS),
        *card["data"]["dropped"],
        *(evaluation._how_unseen(warning) for warning in ("", train.promise(8)[1])),
        *(evaluation._how_judged(Detector.load(), clips) for clips in (set(), set(card["clips"][:3]))),
        "method of lattice-1",
    ]  # fmt: skip


def undecodable() -> list[str]:
    """What is wrong with some real files."""
    said = []
    for body in (b"", b"<!doctype html><p>", b"RIFF\x00\x10\x00\x00WAVE", bytes(99)):
        with pytest.raises(AudioError) as error:
            decode(body, name="odd, name: x.mp3")
        said.append(str(error.value))
    return said


OTHERS = [
    # put together where it is stored
    "no preview: deezer: no track with this artist, title and version; itunes: still refuses (403) after waiting; it limits "
    "how often it may be asked",
    "no preview: deezer: https://api.deezer.com/search gave no answer within 30 s, 4 times; itunes: the preview's link answers "
    "403, 3 times",
    "no preview: no provider is set",
    "no preview: itunes: answered in an unknown form (KeyError: 'x')",
    "the preview cannot be described: /tmp/x.mp3: 0.52 s long; descriptors need at least 1.0 s of sound.",
    "the preview was not described yet: run analyze again",
    "97 of 100 positions; positions without a row: 3, 7, 12 and 4 more; position 5: no artist; left out; the page ends in the "
    "middle",
    "position 5: no title; left out",
    "position 7 stands twice in the table: 'Ночь' kept, \"It's\" left out",
    "tophit: /chart/top answered 403 with a challenge page: not let in now. Save the page in a browser and give it to "
    "`chartropy import FILE --source kworb-CHART`. The page is kept for inspection. The 40 positions stored before are kept.",
    "tophit: asked for the week 2026-07-02, the page says month 2026-06. The page is kept for inspection.",
    "tophit: asked for radio (ru), week 2026-07-02; the page says it is vk (ru), monthly, another period or chart.",
    "tophit: no chart for the decade 1990s: it has weekly, monthly, annual ones.",
    "without deezer-top: deezer: https://api.deezer.com/x cannot be reached (timed out).; without vk-chart: not collected; "
    "apple-songs is incomplete: 97 of 100 positions",
    "100 of 300 rows came, the rest is on further pages",
    "100 of 300 rows came",
    "lastfm: it answered with the error 6: no such country. Check the country's name.",
    "billboard: asked for hot-100 of 2026-07-04, the page is of 2026-06-27.",
    "billboard: asked for hot-100 of 2026-07-04, the page does not say of which date it is.",
    "billboard: the chart holds no rows; its layout has changed, or there is no chart of that name and date.",
    "billboard: the chart ranks no songs: its rows have no title or no artist; its layout has changed, or there is no chart of "
    "that name and date.",
    "kworb: no chart in the page (its title: 'x'): none of the tables #a, #b is there; its layout has changed, or it is "
    "another page.",
    "tophit: no chart rows in the page (its title: 'x'), 1,234 bytes; its layout has changed, or it is another page.",
    "tophit: this is a challenge page, not a chart (its title: 'x'); save the page once the chart shows.",
    "yandex: the answer is a web page instead of JSON.",
    "yandex: the answer is no whole JSON (Expecting value: line 1).",
    "mine: line 7: position 3 stands twice in one week.",
    "mine: line 7: position 'x' is no whole number from 1 to 5000.",
    "mine: line 7: artist is empty.",
    "mine: line 7: isrc '1' is none: 12 letters and digits, like QZB422600012.",
    "mine: line 7: week '1' is no date of a chart; write 2026-07-02.",
    "mine: line 7: period '1' is not written like '%d.%m.%Y', first and last day.",
    "mine: line 7: period '1' is no week, but 9 days.",
    *(f"mine: line 7: position 3 stands twice in one {kind}." for kind in ("month", "year", "day", "decade", "chart")),
    *(f"position 7 stands twice in the {where}: 'x' kept, 'y' left out" for where in ("answer", "chart", "feed", "file", "payload")),
    "'ai' in the table may be an AI tag, but what it says is not understood: 'x'; not taken for one",
    "an entry without a rank: {'a; b'}; left out; position 6: no title; left out",
    lastfm.KEYLESS,
    "mine: no list of rows in it, nor under 'entries', 'rows' or 'data'.",
    "mine: no list of rows under 'a.b'.",
    "mine: no web page. Nor is it a table: is a web page, not a table.",
    "lastfm: the country 'x' is not known here by that name: write 'ru'.",
    "lastfm: the country 'x' is not known here by that name: write it out, such as 'viet nam'.",
    "'ai' in the payload may be an AI tag, but what it says is not understood: 'x'; not taken for one",
    # how a number was computed
    "detector lattice-1; census posterior, equal tails, 0.95",
    "extractor 3; bootstrap by artist, 1000 replicates, seed 0, 0.95, percentiles",
    "probability that two recordings share one; no estimate: 1 recordings, two are needed",
    "Rogan-Gladen, Lang-Reiczigel interval, 0.95; the interval lies outside 0 to 1: the trials do not describe this chart",
    # what a listening test could not tell
    "no interval: two listeners and two clips of each kind are needed",
    "no interval: nothing varies",
    "no interval: every clip is in order",
    "no estimate: no listener answered both versions of a song",
    "no estimate: no clip was answered twice",
    "no estimate: all answers are one, or no clip has two",
    "no estimate: fewer than three clips, or no variation",
    "The detector could not judge A title: There is no sound to judge: the clip is silent.",
    "Listeners were not compared with the detector: no AI clip, or no human one, was both answered and judged by the detector.",
    listening._warning(3, 20),
    listening._warning(0, 20),
    "a/b.json: is no JSON (Expecting value: line 1 column 1 (char 0)).",
    "a/b.json: is no file of answers to a listening test.",
    "a/b.json: answers test 'x', not 'y', which the key is of.",
    "a/b.json: names no listener.",
    "a/b.json: holds no list of answers.",
    "a/b.json: holds no answer.",
    "a/b.json: of the same listener as a/a b.json; the one with more answers counts.",
    "a/b.json: answer 1: 'x' is no item of this test.",
    "a/b.json: answer 1: item x was answered before.",
    "a/b.json: answer 1: item x could not be played.",
    "a/b.json: answer 1: rating 9 is no whole number from 1 to 6.",
    # what is said of a recording
    "Suno: its tag TXXX:comment says: made with suno",
    "Adobe: its C2PA manifest, signed by Adobe Inc., says: trainedAlgorithmicMedia",
    "Adobe: its C2PA manifest, signed by nobody named, says: trainedAlgorithmicMedia (the signature does not hold: Invalid)",
    "Adobe: its C2PA manifest, signed by nobody named, says: trainedAlgorithmicMedia (the signature does not hold: not checked)",
    "the chart page marks it: AI-generated",
    *("sound", "tags", "you", "c2pa"),
    *KINDS,
]  # fmt: skip


@pytest.fixture(scope="module")
def stored() -> list[str]:
    every = [text for _, text in IN_CODE]
    every += [
        said for source in SOURCES.values() if (said := getattr(import_module(source.parse.__module__), "INSTEAD", ""))
    ]
    periods = [str(Period.holding(date(2026, 7, 2), kind)) for kind in KINDS]
    return [*every, *verdicts(), *fused(), *cards(), *undecodable(), *OTHERS, *periods]


def test_every_sentence_is_understood(stored):
    assert len(IN_CODE) > 130
    missed = [text for text in stored if not all(known for _, known in RUSSIAN.reason(text))]
    assert not missed


def test_how_the_numbers_of_a_season_were_computed_is_understood(demo_season):
    with chartropy.open_workspace(demo_season) as season:
        methods = {*season.measures()["method"], *season.trend()["method"]}
    assert len(methods) > 10
    assert [text for text in sorted(methods) if not all(known for _, known in RUSSIAN.reason(text))] == []
    assert RUSSIAN.reason_text("extractor 3; bootstrap by artist, 1000 replicates, seed 0, 0.95, log-t") == (
        "дескрипторы версии 3; бутстреп по исполнителям, повторов: 1000, зерно 0, уровень 0,95, t-интервал по логарифмам"
    )


def unused(forms: tuple[str, ...], texts: Iterable[str]) -> list[str]:
    """The forms that none of the texts has."""
    used: set[str] = set()

    def remembered(sentence: str) -> str:
        used.add(sentence)
        return sentence

    known = Reasons(forms, remembered, ", ".join, str)
    for text in texts:
        known.pieces(text)
    return [form for form in forms if form not in used]


def test_every_form_is_one_that_is_stored(stored):
    assert unused(SENTENCES, stored) == []


def test_every_definition_of_a_descriptor_is_understood_and_every_form_needed():
    said = {one.definition for one in DESCRIPTORS.values()}
    known = Reasons(DEFINITIONS, lambda form: RUSSIAN.translated(form, definitions.CONTEXT), RUSSIAN.listed, str)
    assert [text for text in said if not all(known for _, known in known.pieces(text))] == []
    assert unused(DEFINITIONS, said) == []


def test_definitions_in_russian():
    said = RUSSIAN.definition(DESCRIPTORS["timbre.rolloff.sd"].definition).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert said == "Стандартное отклонение по кадрам: частота, ниже которой лежит 85 % мощности, от 30 Гц до 10 кГц."
    assert (
        RUSSIAN.definition(DESCRIPTORS["dynamics.silence_rate.20db"].definition)
        == "Доля кадров с уровнем ниже −20 dBFS."
    )
    assert RUSSIAN.definition("How blue it is.") == "How blue it is."
    assert ENGLISH.definition("Peak over root mean square.") == "Peak over root mean square."


def test_no_english_is_left_in_translations():
    said = [RUSSIAN.translated(sentence, reasons.CONTEXT) for sentence in SENTENCES]
    said += [RUSSIAN.translated(form, definitions.CONTEXT) for form in DEFINITIONS]
    for one in said:
        bare = re.sub(r"\{\w+\}|`[^`]+`|'\w+'|charts\.spotify\.com|new-zealand", "", one)
        assert not ENGLISH_WORDS.search(bare), one


def test_sentences_in_russian():
    said = {
        text: RUSSIAN.reason_text(text).replace("\N{NARROW NO-BREAK SPACE}", " ")
        for text in (*OTHERS[:1], verdicts()[0])
    }
    assert list(said.values()) == [
        "нет превью: deezer: нет трека с таким исполнителем, названием и версией; itunes: и после ожидания отказывает (403); "
        "частота запросов к нему ограничена",
        "Самых устойчивых тонов записи на частотах, кратных 25,00 Гц, — 37, а случайно было бы около 4: такие тоны оставляет "
        "нейронный декодер с частотой кадров 25,00 Гц или кратной ей. Ни на один из генераторов, известных модели, это не похоже.",
    ]


@pytest.mark.parametrize("text", ["", "Something else went wrong.", "a: b; c", "the moon is full; so what"])
def test_what_is_not_understood_stays_and_is_marked(text):
    assert RUSSIAN.reason(text) == ((text, False),)
    assert ENGLISH.reason(text) == ((text, True),)


def test_what_is_not_understood_within_a_sentence_is_marked_there():
    assert RUSSIAN.reason("the preview cannot be described: the moon is full") == (
        ("превью нельзя описать: ", True),
        ("the moon is full", False),
    )
    assert RUSSIAN.reason("the moon is full; 97 of 100 positions")[0] == ("the moon is full", False)


def test_a_long_reason_is_cut_in_the_language_that_it_is_shown_in():
    assert shortened((("abc ", True), ("defgh", False)), 7) == (("abc ", True), ("de…", False))
    assert shortened((("abc", True), ("d", False)), 4) == (("abc", True), ("d", False))
    assert len("".join(piece for piece, _ in RUSSIAN.reason(OTHERS[0], 40))) <= 40
