"""What the pages say holds: every code block of README.md and docs/ is run, or at least checked.

A page is run from top to bottom in a folder of its own, which holds the demonstration's season (as ``chartropy-demo`` and
as ``chartropy-data``) and music. A block whose first line names a file is saved there. Commands run in this process. What
cannot run stands behind ``<!-- not run: reason -->``, which readers do not see; its commands and options must exist all the
same.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

import chartropy
from chartropy.audio.synthesize import synthesize, to_bytes
from chartropy.reports.cli import app
from chartropy.workspace import settings
from chartropy.workspace.errors import SettingsError

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
USAGE_ERROR = typer.BadParameter.__base__  # Click's, of which Typer may carry a copy of its own
LANGUAGES = {"python", "sh", "toml", "json", "csv"}

pytestmark = pytest.mark.xdist_group("demo")  # one season is made for all

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@dataclass(frozen=True)
class Block:
    """A fenced block: ``language``, the ``file`` it is saved as, and why it is not run, if it is not."""

    language: str
    file: str
    code: str
    line: int
    not_run: str | None


def blocks_of(text: str) -> list[Block]:
    fence = re.compile(r"(?:^<!-- not run:(.*?)-->\n)?^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    found = []
    for match in fence.finditer(text):
        language, _, file = match[2].partition(" ")
        line = text[: match.start(2)].count("\n") + 1
        found.append(Block(language, file, match[3], line, None if match[1] is None else match[1].strip()))
    return [block for block in found if not block.language.startswith("{")]  # what the site's builder fills in


# -- commands ----------------------------------------------------------------------------------------------------------


def commands_of(code: str) -> Iterator[list[str]]:
    """The commands of a shell block, each as its words, without comments."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            yield words[:end]
            words = words[end + 1 :]


@cache
def program() -> Any:
    return get_command(app)


def check_command(words: list[str]) -> None:
    """Refuse a command that could not be meant: it, an option, a file or an extra is not there."""
    name, *arguments = words
    match Path(name).name, arguments:
        case "chartropy", _:
            parse(arguments)
        case "pip", ["install", *what]:
            extras = {extra for one in what for part in re.findall(r"\[(.+)\]", one) for extra in part.split(",")}
            known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
            assert extras <= known.keys(), f"no extra {extras - known.keys()}"
        case "python" | "python3", ["-m", module, *rest]:
            assert importlib.util.find_spec(module), f"no module {module}"
            for path in (one for one in rest if one.endswith(".py")):
                assert (ROOT / path).is_file(), f"no {path}"
        case "sphinx-build" | "source", _:
            pass
        case _:
            raise AssertionError(f"{name}: nothing here checks such a command")


def parse(arguments: list[str]) -> None:
    """Read a command line as the program does, and run nothing of it."""
    command, name = program(), "chartropy"
    while command is not None:
        context = command.make_context(name, list(arguments))
        if not hasattr(command, "commands") or not (rest := [*context._protected_args, *context.args]):
            return
        name, command, arguments = command.resolve_command(context, rest)


def check_inline(words: list[str]) -> None:
    """Refuse a command in a sentence, whose values may be words like FILE, when it or an option is not there."""
    command: Any = program()
    known = {name for one in command.params for name in one.opts} | {"--help", "-h"}
    for word in words[1:]:
        inner = getattr(command, "commands", {})
        if inner and not word.startswith("-") and word.islower():
            assert word in inner, f"no command {word!r}"
            command = inner[word]
            known = {name for one in command.params for name in one.opts} | {"--help", "-h"}
        elif word.startswith("-"):
            assert word in known, f"{command.name} has no option {word!r}"


# -- settings ----------------------------------------------------------------------------------------------------------


def check_settings(text: str, folder: Path) -> None:
    (folder / settings.FILE_NAME).write_text(text, encoding="utf-8")
    settings.load_settings(folder)


# -- every page --------------------------------------------------------------------------------------------------------


@each_page
def test_every_block_is_of_a_kind_that_is_checked(page, tmp_path):
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^ *(?:```|~~~)", text, re.MULTILINE)) == 2 * len(re.findall(r"^```\S+.*\n(?:.*\n)*?^```$", text, re.MULTILINE)), "a block without a language, or indented"  # fmt: skip
    assert text.count("<!-- not run") == sum(block.not_run is not None for block in blocks_of(text)), "a mark without its block"  # fmt: skip
    for block in blocks_of(text):
        place = f"{page.name}, line {block.line}"
        assert block.language in LANGUAGES, f"{place}: a block of {block.language!r} is not checked by anything"
        assert block.not_run is None or len(block.not_run) > 10, f"{place}: say why it is not run"
        assert block.file or block.language != "csv", f"{place}: a table that no command reads"
        if block.language == "sh":
            for words in commands_of(block.code):
                check_command(words)
        elif block.language == "toml":
            check_settings(block.code, tmp_path)
        elif block.language == "json":
            json.loads(block.code)
        elif block.language == "python":
            compile(block.code, place, "exec")


@each_page
def test_commands_in_sentences_are_there(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for said in re.findall(r"`(chartropy [^`]+)`", text):
        try:
            check_inline(shlex.split(said))
        except AssertionError as error:
            raise AssertionError(f"{page.name}: `{said}`: {error}") from None


@pytest.fixture(scope="module")
def material(demo_season, tmp_path_factory) -> Path:
    """A folder with what the pages speak of."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("chartropy-demo", "chartropy-data"):
        shutil.copytree(demo_season, folder / name)
    (folder / "music").mkdir()
    for seed, name in enumerate(("song.mp3", "music/one.flac", "music/two.flac")):
        song = synthesize(seed, machine_made=seed == 1)
        (folder / name).write_bytes(to_bytes(song, name.rpartition(".")[2].upper()))
    return folder


@pytest.fixture
def place(material, tmp_path, monkeypatch) -> Iterator[Path]:
    """A copy of it, where a page is run."""
    from matplotlib import pyplot

    shutil.copytree(material, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHARTROPY_NOW", "2026-02-20")  # the day after the demonstration's last week
    pyplot.switch_backend("agg")
    yield tmp_path
    pyplot.close("all")


def play(text: str, page: str, command_line: Callable[..., tuple[int, str, str]]) -> int:
    """Run a page's blocks in order, in the current folder; return how many were run."""
    names: dict[str, object] = {}
    run = 0
    for block in blocks_of(text):
        if block.not_run is not None:
            continue
        where = f"{page}, line {block.line}"
        if block.file:
            Path(block.file).parent.mkdir(exist_ok=True)
            Path(block.file).write_text(block.code, encoding="utf-8")
        elif block.language == "python":
            # as far down as the error's line is the page's
            exec(compile("\n" * block.line + block.code, page, "exec"), names)
            run += 1
        elif block.language == "sh":
            for words in commands_of(block.code):
                if words[1] == "demo":  # made already, by this very command: see the fixture
                    continue
                code, _, complained = command_line(*words[1:])
                assert code in (0, 3), f"{where}: {shlex.join(words)} ended with {code}: {complained}"
                run += 1
    return run


def runs(page: Path) -> bool:
    said = blocks_of(page.read_text(encoding="utf-8"))
    return any(block.not_run is None and block.language in ("python", "sh") for block in said)


@pytest.mark.parametrize("page", list(filter(runs, PAGES)), ids=lambda page: str(page.relative_to(ROOT)))
def test_it_runs_from_top_to_bottom(page, place, command_line):
    if page.name == "add-chart.md":  # the demonstration's folder takes no real charts
        shutil.rmtree(place / "chartropy-data")
    assert play(page.read_text(encoding="utf-8"), page.name, command_line)
    if page.name == "tutorial.md":  # where it says that it leads
        assert (place / "my-charts" / "reports" / "index.html").is_file()
        assert "ai_share" in (place / "ai_share.csv").read_text(encoding="utf-8")


# -- the explanation ---------------------------------------------------------------------------------------------------


def test_every_measure_is_explained(demo_season):
    text = (ROOT / "docs" / "MEASURES.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (`[^\n]+`)\n(.+?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    explained = [name for title, _ in sections for name in re.findall("`(.+?)`", title)]
    with chartropy.open_workspace(demo_season) as season:
        weeks = sorted(season.measures()["week"].unique())
        written = set(season.measures()["measure"])
        quantities = set(season.decompose("synthetic", "demo", weeks[0], weeks[-1], replicates=100)["quantity"])
        quantities |= set(season.compare("synthetic", "demo", weeks[0])["quantity"])
    assert len(explained) == len(set(explained))
    assert written | {"decompose", "compare", "trend", "sameness", "pooled_share", "power"} <= set(explained)
    assert quantities <= set(re.findall("`(.+?)`", text))
    for title, said in sections:
        for part in ("**Formula**", "unit and range**", "**Source**", "**Cannot say**"):
            assert part.lower() in said.lower(), f"{title} does not say: {part}"


# -- these checks can fail ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        "chartropy weekly --weak 2026-02-12",
        "chartropy weakly",
        "chartropy weekly --week DAY",
        "chartropy detector train clips.csv",  # --out must be given
        "chartropy status && chartropy status --run",
        "pip install 'chartropy[postgres]'",
        "python benchmarks/nothing.py",
        "python -m chartropy.nothing",
        "curl https://example.org",
    ],
)
def test_a_wrong_command_is_found(wrong):
    with pytest.raises((AssertionError, USAGE_ERROR)):
        for words in commands_of(wrong):
            check_command(words)


@pytest.mark.parametrize("wrong", ["chartropy weakly", "chartropy weekly --weak DAY", "chartropy detector learn FILE"])
def test_a_wrong_command_in_a_sentence_is_found(wrong):
    with pytest.raises(AssertionError):
        check_inline(shlex.split(wrong))


@pytest.mark.parametrize("wrong", ['[report]\nlanguage = ["en"]', 'collect = "tophit"', "[report"])
def test_a_wrong_setting_is_found(wrong, tmp_path):
    with pytest.raises(SettingsError):
        check_settings(wrong, tmp_path)


def test_what_fails_on_a_page_fails_here(tmp_path, monkeypatch, command_line):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match="page.md, line 1: chartropy export nothing ended with 2"):
        play("```sh\nchartropy export nothing\n```\n", "page.md", command_line)
    with pytest.raises(NameError):
        play("```python\nnobody\n```\n", "page.md", command_line)
    assert play("<!-- not run: it stops here -->\n```python\nnobody\n```\n", "page.md", command_line) == 0
