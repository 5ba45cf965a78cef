"""Catalogues of translations: ``locale/<language>/LC_MESSAGES/chartropy.po``, read as they are; nothing is compiled.

After a phrase was changed: ``python -m chartropy.reports.messages``. It brings the catalogues up to what templates and code say
and prints what is left to translate: an entry that is new is empty, one that is like an old one is marked "fuzzy".
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from ..workspace.files import whole_file
from . import definitions, reasons

TEMPLATES = Path(__file__).with_name("templates")
LOCALE = Path(__file__).with_name("locale")
TRANSLATED = ("ru",)
"""The languages beside English, which the templates speak."""

KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
OPTIONS = {
    "extensions": "jinja2.ext.i18n",
    "newstyle_gettext": "true",
    "trimmed": "true",
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "silent": "false",
}


def extracted() -> Catalog:
    """Return every message of the templates, and of the code what is said of tables and what the pipeline stores."""
    from . import dictionary  # which is said in words, and those come from here

    found = Catalog(project="chartropy", charset="utf-8")
    for name, _, message, comments, context in extract_from_dir(
        TEMPLATES,
        method_map=[("**.html", "jinja2"), ("**.txt", "jinja2")],
        options_map={"**": OPTIONS},
        keywords=KEYWORDS,
    ):
        found.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    for sentence in reasons.SENTENCES:
        found.add(sentence.replace("%", "%%"), locations=[("reasons.py", 0)], context=reasons.CONTEXT)
    for form in definitions.DEFINITIONS:
        found.add(form.replace("%", "%%"), locations=[("definitions.py", 0)], context=definitions.CONTEXT)
    for said, context in dictionary.messages():
        found.add(said.replace("%", "%%"), locations=[("dictionary.py", 0)], context=context)
    return found


def catalogue(language: str) -> Catalog:
    """Return the translations into a language."""
    with _file(language).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def translations(language: str) -> GNUTranslations:
    """Return the translations into a language as gettext uses them."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def update(language: str) -> list[str]:
    """Bring a catalogue up to what the templates say.

    Returns
    -------
    list of str
        Messages to translate, or to look at again.
    """
    found = catalogue(language)
    found.update(extracted(), update_creation_date=False)
    with whole_file(_file(language)) as part, part.open("wb") as file:
        write_po(file, found, width=120, ignore_obsolete=True, include_lineno=False)
    return untranslated(found)


def untranslated(found: Catalog) -> list[str]:
    """Return the messages of a catalogue that have no translation, or a doubtful one."""
    return [forms_of(message.id)[0] for message in found if message.id and (message.fuzzy or not _whole(message))]


def forms_of(said: str | Sequence[str] | None) -> list[str]:
    """Return a message or its translation as the list of its plural forms: one where it has no plural."""
    return [said] if isinstance(said, str) else list(said or [])


def _whole(message: Message) -> bool:
    forms = forms_of(message.string)
    return bool(forms) and all(forms)


def _file(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "chartropy.po"


if __name__ == "__main__":
    left = {language: update(language) for language in TRANSLATED}
    for language, found in left.items():
        sys.stdout.writelines(f"{language}: {message}\n" for message in found)
    sys.exit(1 if any(left.values()) else 0)
