"""Everything that pages say in words, and how they write numbers and dates, in each language.

The phrases stand in ``templates/words.txt``, whole sentences in ``{% trans %}``; what stands on a page and nowhere else is
said in its HTML template. Both are English there; ``locale/`` holds their translations (:mod:`.messages` keeps them up to
date). Numbers, dates, plurals, lists and names of countries are Babel's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from gettext import NullTranslations
from typing import Any

import pandas as pd
from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import parse_pattern
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ..workspace.errors import SettingsError
from . import definitions, messages, reasons
from .compare import DISTANCES, ENTROPIES, PERCENTAGES
from .definitions import DEFINITIONS
from .reasons import SENTENCES, Piece, Reasons, shortened

LANGUAGES = ("en", "ru")
"""What pages can be written in."""

LISTS = {"en": "en_001"}
"""Whose way of joining a list is taken where it is not the language's own: "A, B and C" has one comma."""

SPELLED = {"en": ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")}
"""Small numbers in sentences, where a language can spell them without inflecting them."""

COARSE = ("ai_share.top10",)
"""Shares of so few that a decimal of a percentage would say what nobody knows."""

GROUPED_FROM = 10_000
"""Smaller numbers are written without a space or a comma between thousands."""


class Words:
    """What is said in one language.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`.

    Raises
    ------
    SettingsError
        When it is another.
    """

    def __init__(self, language: str = "en"):
        if language not in LANGUAGES:
            raise SettingsError(f"{language!r} is no language of the pages: choose {' or '.join(LANGUAGES)}.")
        self.language = language

    def say(self, phrase: str, /, *about: Any) -> str:
        """Return a phrase of ``words.txt`` as plain text, to be escaped where it is put into HTML.

        Parameters
        ----------
        phrase : str
            Name of a macro there.
        *about
            What it is said about.
        """
        said = str(getattr(self._phrases, phrase)(*about))
        return re.sub(r"[ \n]+", " ", said).strip()  # leaves no-break spaces alone

    def percent(self, value: float, digits: int = 1) -> str:
        """Write a share (0 to 1) as a percentage, with one decimal."""
        return self._percent(f"{100 * value:z.{digits}f}")

    def decimal(self, value: float, digits: int = 1) -> str:
        """Write a number with one decimal."""
        return self._number(f"{value:z.{digits}f}")  # z: no -0.00

    def significant(self, value: float, digits: int = 3) -> str:
        """Write a number of any size with so many figures that count."""
        size = 0 if value == 0 else math.floor(math.log10(abs(value)))
        return self.decimal(value, max(0, digits - 1 - size))

    def thousandths(self, value: float) -> str:
        """Write a number with three decimals."""
        return self.decimal(value, 3)

    def count(self, value: float) -> str:
        """Write a whole number."""
        return self.decimal(value, 0)

    def signed(self, value: float, digits: int = 1) -> str:
        """Write a difference with its sign; a difference that rounds to zero has none."""
        size = f"{abs(value):.{digits}f}"
        sign = "" if float(size) == 0 else "+" if value > 0 else "−"
        return sign + self._number(size)

    def times_likelier(self, probability: float) -> str:
        """Write how many times likelier a sound is under the likelier of AI and human: the likelihood ratio.

        Parameters
        ----------
        probability : float
            Of AI, were AI and human recordings equally frequent; 0 to 1.

        Returns
        -------
        str
            One figure that counts, two where they are small; never above what a calibration can know
            (:data:`chartropy.analysis.fuse.STRONGEST_SOUND`).
        """
        from ..analysis.fuse import STRONGEST_SOUND

        likelier = max(probability, 1 - probability)
        most = math.exp(STRONGEST_SOUND)
        times = min(likelier / (1 - likelier), most) if likelier < 1 else most
        return self.count(float(f"{times:.1g}")) if times >= 10 else self.decimal(times)

    def percent_tick(self, value: float) -> str:
        """Write a share on an axis."""
        return self._percent(f"{100 * value:g}")

    def plain_tick(self, value: float) -> str:
        """Write a number on an axis."""
        return self._number(f"{value:zg}")

    def value_of(self, measure: str, value: float) -> str:
        """Write the value of a measure as that measure is written."""
        return self.writer_of(measure)(value)

    def difference_of(self, measure: str, value: float) -> str:
        """Write a difference between two values of a measure; shares differ by percentage points."""
        if measure in PERCENTAGES:
            return self.signed(100 * value)
        return self.signed(value, 3 if measure in DISTANCES else 1 if measure in (*ENTROPIES, "artists") else 0)

    def writer_of(self, measure: str) -> Callable[[float], str]:
        """Return how a measure's values are written."""
        if measure in COARSE:
            return lambda value: self.percent(value, 0)
        if measure in PERCENTAGES:
            return self.percent
        if measure in DISTANCES:
            return self.thousandths
        return self.decimal if measure in (*ENTROPIES, "artists") else self.count

    def spelled(self, n: int) -> str:
        """Write a whole number in a sentence, in letters where it is small and the language lets it be."""
        small = SPELLED.get(self.language, ())
        return small[n] if n < len(small) else self.count(n)

    def reason(self, stored: str, most: int | None = None) -> tuple[Piece, ...]:
        """Say what the pipeline wrote down in English, as far as its form is known.

        Parameters
        ----------
        stored : str
        most : int, optional
            Characters after which it is cut, with an ellipsis.

        Returns
        -------
        tuple of (str, bool)
            Parts of it; each is in this language, or stays English.
        """
        pieces = ((stored, True),) if self.language == "en" else self._reasons.pieces(stored)
        return pieces if most is None else shortened(pieces, most)

    def reason_text(self, stored: str) -> str:
        """Say it as plain text, where nothing can mark a language."""
        return "".join(piece for piece, _ in self.reason(stored))

    def definition(self, said: str) -> str:
        """Say what a descriptor is, as its registry says it in English."""
        return said if self.language == "en" else "".join(piece for piece, _ in self._definitions.pieces(said))

    def translated(self, said: str, context: str) -> str:
        """Return the translation of what stands in code, in some context, as :func:`.messages.extracted` found it there."""
        return self._translations.pgettext(context, said.replace("%", "%%")).replace("%%", "%")

    def date(self, day: date, pattern: str) -> str:
        """Write a date by a pattern of Unicode's (CLDR)."""
        return format_date(day, pattern, self._locale)

    def short_day(self, day: date, with_year: bool = False) -> str:
        """Write a date for an axis, its year below it when asked."""
        written = self.say("day_and_month", day)
        return f"{written}\n{day.year}" if with_year else written

    def listed(self, names: Sequence[str]) -> str:
        """Join names as a sentence lists them."""
        return format_list(names, locale=LISTS.get(self.language, self.language))

    def country(self, code: str) -> str:
        """Name a country by its code (ISO 3166-1); a code that is none stays as it is."""
        return self._locale.territories.get(code.upper(), code)

    @property
    def name(self) -> str:
        """The language's own name."""
        return sentence(self._locale.get_language_name() or self.language)

    @cached_property
    def environment(self) -> Environment:
        """The templates, with what they may call."""
        made = Environment(
            loader=FileSystemLoader(messages.TEMPLATES),
            autoescape=select_autoescape(enabled_extensions=("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        made.policies["ext.i18n.trimmed"] = True
        made.install_gettext_translations(self._translations, newstyle=True)  # pyright: ignore[reportAttributeAccessIssue]
        made.globals.update(language=self.language)
        made.filters.update(sentence=sentence, general=self.plain_tick)
        for tool in (
            self.say, self.value_of, self.difference_of, self.count, self.decimal, self.significant, self.spelled, self.date,
            self.listed, self.country, self.reason, self.percent, self.signed, self.times_likelier, day_of,
        ):  # fmt: skip
            made.globals[tool.__name__] = tool
        return made

    @cached_property
    def _phrases(self) -> Any:
        return self.environment.get_template("words.txt").module

    @cached_property
    def _translations(self) -> NullTranslations:
        return NullTranslations() if self.language == "en" else messages.translations(self.language)

    @cached_property
    def _reasons(self) -> Reasons:
        return self._reading(SENTENCES, reasons.CONTEXT)

    @cached_property
    def _definitions(self) -> Reasons:
        return self._reading(DEFINITIONS, definitions.CONTEXT)

    def _reading(self, sentences: tuple[str, ...], context: str) -> Reasons:
        return Reasons(sentences, lambda said: self.translated(said, context), self.listed, self._written)

    @cached_property
    def _locale(self) -> Locale:
        return Locale.parse(self.language)

    def _written(self, number: str) -> str:
        """Write a number that Python wrote."""
        bare = number.replace(",", "").removeprefix("+")
        said = self._percent(bare.rstrip(" %")) if number.endswith("%") else self._number(bare)
        return f"+{said}" if number.startswith("+") else said

    def _number(self, written: str) -> str:
        return self._by("#,##0", written, Decimal(written))

    def _percent(self, written: str) -> str:
        # what was rounded as a percentage stays so: no binary fraction is rounded twice
        return self._by(self._locale.percent_formats[None].pattern, written, Decimal(written) / 100)

    def _by(self, pattern: str, written: str, number: Decimal) -> str:
        """Write a number by the language's pattern, with as many decimals as it is written with already."""
        grouped = abs(Decimal(written)) >= GROUPED_FROM
        decimals = "." + "0" * len(written.partition(".")[2]) if "." in written else ""
        said = _pattern(pattern.replace("##0", f"##0{decimals}")).apply(number, self._locale, group_separator=grouped)
        return said.replace("-", "−").replace("\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}")


@cache
def words_in(language: str) -> Words:
    """Return what is said in a language; see :class:`Words`."""
    return Words(language)


ENGLISH = words_in("en")
say = ENGLISH.say
"""What is said where nobody asked for a language."""


def sentence(said: str) -> str:
    """Begin with a capital letter."""
    return said[:1].upper() + said[1:]


def day_of(written: str) -> date | None:
    """Return a day that is written as ISO 8601; None for anything else."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def text(value: object) -> str:
    """Return a cell as text; nothing for an empty one."""
    return "" if value is None or value is pd.NA or value != value else str(value)


@cache
def _pattern(written: str) -> Any:
    return parse_pattern(written)
