"""How the site is built: ``sphinx-build -W --keep-going docs build/docs``.

Pages are Markdown that reads as well on a code host. What is made while building, and kept nowhere: the reference of the
command line, from the commands themselves, and of Python, from the docstrings.
"""

import json
import re
from collections.abc import Iterator
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel
from pygments.lexers.special import TextLexer
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from typer.main import get_command

from chartropy.reports.cli import app as program
from chartropy.workspace import settings

log = logging.getLogger(__name__)

project = "Chartropy"
release = version = version_of("chartropy")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

nitpicky = True  # a name that leads nowhere is a warning, and a warning fails the build
nitpick_ignore_regex = [(r"py:(class|obj|data)", r"(?!\.|chartropy\.).*")]  # types are said in words
myst_heading_anchors = 3  # as code hosts make them
myst_enable_extensions = ["deflist"]  # of the command line's reference only

autodoc_typehints = "none"  # as above: the docstrings say them
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
autodoc_preserve_defaults = True
autodoc_default_options = {"exclude-members": "__init__, __new__"}
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]  # several names in a line, as of parameters
smartquotes_action = "De"  # dashes and dots, but quotes are to be copied as they are
default_role = "literal"
add_module_names = False
maximum_signature_line_length = 60

html_theme = "furo"
html_title = "Chartropy"
html_static_path = ["style.css"]
html_css_files = ["style.css"]
html_show_copyright = False
html_copy_source = False


KINDS = {"Path": "PATH", "datetime": "DAY", "int": "NUMBER", "float": "NUMBER", "str": "TEXT"}


def commands(command: Any, words: tuple[str, ...] = ("chartropy",)) -> Iterator[str]:
    """Markdown of a command and of those below it: what each does, how it is called, its arguments and options."""
    depth = "#" * len(words)
    inner = getattr(command, "commands", {})
    if words[1:]:
        yield f"{depth} {' '.join(words)}\n\n{plain(command.help)}\n"
    shown = [one for one in command.params if not one.hidden]
    arguments = [one for one in shown if not one.opts[0].startswith("-")]
    options = [one for one in shown if one not in arguments]
    hints = get_type_hints(command.callback) if command.callback else {}
    kinds = {one.name: kind_of(hints.get(one.name)) for one in shown}
    if not inner:
        usage = [*words]
        usage += [one.name.upper() + "..." * (one.nargs == -1) for one in arguments]
        usage += [f"{max(one.opts, key=len)} {kinds[one.name]}" for one in options if one.required]
        usage += ["[OPTIONS]"] * any(not one.required for one in options)
        yield f"```text\n{' '.join(usage)}\n```\n"
    for one in arguments:
        yield f"`{one.name.upper()}`\n: {said_of(one)}\n"
    for one in options:
        names = ", ".join(f"`{name}`" for name in [*one.opts, *one.secondary_opts])
        yield f"{names}{'' if one.is_flag else f' `{kinds[one.name]}`'}\n: {said_of(one)}\n"
    for name in inner:
        yield from commands(inner[name], (*words, name))


def kind_of(hint: Any) -> str:
    """What to write for a value of a type: ``DAY`` for ``datetime | None``."""
    return next((word for name, word in KINDS.items() if re.search(rf"\b{name}\b", str(hint))), "VALUE")


def said_of(one: Any) -> str:
    """What an argument or an option means, between which bounds, and what holds when it is not given."""
    said = [plain(one.help)]
    low, high = getattr(one, "min", None), getattr(one, "max", None)
    bounds = [f"at least {low:g}" if low is not None else "", f"at most {high:g}" if high is not None else ""]
    if any(bounds):
        said.append(f"*Range:* {', '.join(filter(None, bounds))}.")
    if one.required and one.opts[0].startswith("-"):
        said.append("*Must be given.*")
    elif isinstance(one.show_default, str):
        said.append(f"*Default:* {one.show_default}.")
    elif one.show_default and one.default is not None and one.default is not False:
        said.append(f"*Default:* `{one.default}`.")
    if one.envvar:
        said.append(f"*Variable:* `{one.envvar}`.")
    return " ".join(said)


def plain(text: str) -> str:
    """Help as Markdown: options as code, and no word in brackets taken for a link."""
    text = " ".join((text or "").replace("\\[", "[").split())
    text = re.sub(r"\[default: (.*)\]$", r"*Default:* \1.", text)
    parts = text.split("`")  # every second is code already
    parts[::2] = [re.sub(r"(?<![\w`])(--?[a-z][\w-]*)", r"`\1`", part) for part in parts[::2]]
    return "`".join(parts).replace("[", "\\[")


def settings_of(name: str) -> str:
    """Markdown of a table of settings: what each is, and what holds when nothing is said."""
    said = ModuleAnalyzer.for_module(settings.__name__).find_attr_docs()
    parts = []
    for field, how in getattr(settings, name).model_fields.items():
        meaning = plain(" ".join(said.get((name, field), [""])).replace("``", "`")).strip()
        default = how.get_default(call_default_factory=True)
        if name == "Settings" and isinstance(default, BaseModel | dict):
            continue  # a table of its own
        holds = "*Must be given.*" if how.is_required() else f"*Default:* {_shown(default)}."
        parts.append(f"`{field}`\n: {meaning} {holds}\n")
    return "\n".join(parts)


def _shown(default: Any) -> str:
    return "none" if default is None else f"`{json.dumps(default, default=BaseModel.model_dump, ensure_ascii=False)}`"


def _fill_in(app: Any, page: str, source: list[str]) -> None:  # noqa: ARG001 - the form is Sphinx's
    if page == "reference/command-line":
        source[0] += "\n" + "\n".join(commands(get_command(program)))
    source[0] = re.sub("<!-- settings: (.+?) -->", lambda found: settings_of(found[1]), source[0])


def _asks_nobody(app: Any, failure: Exception | None) -> None:
    """Warn of every page that would load something from another host: readers' visits are nobody's business."""
    if failure is None and app.builder.format == "html":
        loads = re.compile(
            r"""<(?:script|img|iframe|source)\b[^>]+\bsrc=["']?(?:https?:)?//"""
            r"""|<link\b(?![^>]+canonical)[^>]+href=["']?(?:https?:)?//|(?:url\(|@import )["']?(?:https?:)?//"""
        )
        for file in sorted(Path(app.outdir).rglob("*")):
            if file.suffix in (".html", ".css", ".js") and (found := loads.search(file.read_text("utf-8"))):
                log.warning("%s loads something from elsewhere: %s", file.name, found.group())


def setup(app: Any) -> None:
    """Connect the above."""
    app.add_lexer("csv", TextLexer)  # as it is; Pygments knows no CSV
    app.connect("source-read", _fill_in)
    app.connect("build-finished", _asks_nobody)
