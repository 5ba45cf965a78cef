"""Everything that pages say in words, and how they write numbers; the phrases stand in ``templates/words.txt``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from .compare import DISTANCES, ENTROPIES, PERCENTAGES


def percent(value: float) -> str:
    """Write a share (0 to 1) as a percentage with one decimal."""
    return f"{100 * value:.1f}%".replace("-", "−")


def decimal(value: float) -> str:
    """Write a number with one decimal."""
    return f"{value:.1f}".replace("-", "−")


def thousandths(value: float) -> str:
    """Write a number with three decimals."""
    return f"{value:.3f}".replace("-", "−")


def count(value: float) -> str:
    """Write a whole number."""
    return f"{value:.0f}".replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """Write a difference with its sign; a difference that rounds to zero has none."""
    written = f"{value:+.{digits}f}".replace("-", "−")
    return written[1:] if float(written[1:]) == 0 else written


def probability(value: float) -> str:
    """Write a probability as a percentage; never as 0 % or 100 %, which no detector can know."""
    if value < 0.01:
        return "<1%"
    return ">99%" if value > 0.99 else f"{100 * value:.0f}%"


def percent_tick(value: float) -> str:
    """Write a share on an axis."""
    return f"{100 * value:g}%"


def plain_tick(value: float) -> str:
    """Write a number on an axis."""
    return f"{value:g}"


def value_of(measure: str, value: float) -> str:
    """Write the value of a measure as that measure is written."""
    return writer_of(measure)(value)


def difference_of(measure: str, value: float) -> str:
    """Write a difference between two values of a measure; shares differ by percentage points."""
    if measure in PERCENTAGES:
        return signed(100 * value)
    return signed(value, 3 if measure in DISTANCES else 1 if measure in (*ENTROPIES, "artists") else 0)


def short_day(day: date, with_year: bool = False) -> str:
    """Write a date for an axis, its year below it when asked."""
    return f"{say('day_and_month', day)}\n{day.year}" if with_year else say("day_and_month", day)


def text(value: object) -> str:
    """Return a cell as text; nothing for an empty one."""
    return "" if value is None or value is pd.NA or value != value else str(value)


def writer_of(measure: str) -> Callable[[float], str]:
    """Return how a measure's values are written."""
    if measure in PERCENTAGES:
        return percent
    return thousandths if measure in DISTANCES else decimal if measure in (*ENTROPIES, "artists") else count


@cache
def environment() -> Environment:
    """Return the templates, with what they may call."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(probability=probability)
    made.globals.update(value_of=value_of, difference_of=difference_of, say=say)
    return made


@cache
def _words() -> Any:
    return environment().get_template("words.txt").module


def say(phrase: str, /, *about: Any) -> str:
    """Return a phrase of ``words.txt`` as plain text, to be escaped where it is put into HTML.

    Parameters
    ----------
    phrase : str
        Name of a macro there.
    *about
        What it is said about.
    """
    return re.sub(r"[ \n]+", " ", str(getattr(_words(), phrase)(*about))).strip()  # leaves no-break spaces alone
