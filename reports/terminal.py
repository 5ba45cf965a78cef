"""What the commands share: options, and how they say what was done."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from ..workspace.errors import SettingsError

T = TypeVar("T")

GAPS = 3
"""Exit code: done, with gaps that are listed."""

SHOWN_GAPS = 20

Folder = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        envvar="CHARTROPY_WORKSPACE",
        help="Folder that holds settings, database and reports.",
        show_default="chartropy-data",
    ),
]
Week = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"],
        help="Any day of the chart week.",
        show_default="the last closed week",
    ),
]
Lang = Annotated[
    list[str] | None,
    typer.Option(
        help="Language of the pages, en or ru; may be given again: the first is that of index.html.  "
        "[default: the setting languages under \\[report]]",
        show_default=False,
    ),
]
PageLang = Annotated[str | None, typer.Option("--lang", help="Language of the page.", show_default="en")]
Measure = Annotated[str | None, typer.Option(help="Only this measure.", show_default=False)]
Source = Annotated[str | None, typer.Option(help="Only this source.", show_default=False)]
OfChart = Annotated[str | None, typer.Option(help="Only this chart.", show_default=False)]
Country = Annotated[str | None, typer.Option(help="Only this country's.", show_default=False)]
OneSource = Annotated[str, typer.Option("--source", help="As `chartropy sources` names it.")]
OneChart = Annotated[str, typer.Option("--chart", help="As `chartropy sources` names it.")]
OneCountry = Annotated[str | None, typer.Option("--country", help="Where the chart has several.", show_default=False)]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same numbers.")]
Paths = Annotated[list[Path], typer.Argument(help="Audio files, or folders to search through.")]
Jobs = Annotated[int, typer.Option(help="Files at once; -1: one per core.")]
Out = Annotated[
    Path | None,
    typer.Option(help="File to write, .csv, .parquet or .xlsx.", show_default="standard output"),
]


def check_page(option: str, path: Path | None) -> None:
    """Raise SettingsError where an option names no page."""
    if path is not None and path.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"{option} {path}: a page is a .html file.")


def checked(out: Path | None) -> None:
    """Say before the work, not after it, that a file cannot be written."""
    from ..workspace.files import check_writable

    if out is not None:
        check_writable(out)


def fail(message: str, code: int) -> None:
    """Say in one line what went wrong, and leave."""
    typer.echo(f"chartropy: {message}", err=True)
    raise SystemExit(code) from None


def words_named(language: str | None):
    """Read the words of the language that --lang names, or raise SettingsError."""
    from .words import LANGUAGES, words_in

    if language not in (None, *LANGUAGES):
        raise SettingsError(f"--lang {language}: choose {' or '.join(LANGUAGES)}.")
    return words_in(language or "en")


def leave(gaps: list[str], count: int | None = None) -> None:
    """List the gaps, all or the first of so many, and leave with the exit code they call for."""
    list_gaps(gaps, count)
    exit_for(gaps)


def list_gaps(gaps: list[str], count: int | None = None) -> None:
    """Say the first gaps of so many."""
    if not gaps:
        return
    count = count or len(gaps)
    typer.echo(f"{count} gap{'s' if count > 1 else ''}:", err=True)
    for gap in gaps[:SHOWN_GAPS]:
        typer.echo(f"  {gap}", err=True)
    if count > SHOWN_GAPS:
        typer.echo(f"  ... and {count - SHOWN_GAPS} more", err=True)


def exit_for(gaps: list[str]) -> None:
    """Leave with `GAPS` where there are any."""
    if gaps:
        raise typer.Exit(GAPS)


def track(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """Show a progress bar where a terminal watches, plain log lines where none does."""
    if not sys.stderr.isatty() or not total:
        from .weekly import plainly

        yield from plainly(items, what, total)
        return
    from rich.console import Console
    from rich.progress import track as bar

    yield from bar(items, description=what, total=total, console=Console(stderr=True), transient=True)


def show(columns: list[str], rows: list[list]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))  # Text: a title's brackets are no markup
    # a pipe or a log has no width: lines stay whole there
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(table)
