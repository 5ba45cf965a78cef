"""The command line.

Exit codes: 0 all done; 3 done, with gaps that are listed; 2 wrong usage or settings; 1 failed; 130 stopped.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ..workspace.errors import AudioError, ChartropyError, SettingsError
from . import experiments
from .terminal import (
    Country,
    Folder,
    Jobs,
    Lang,
    Measure,
    OfChart,
    OneChart,
    OneCountry,
    OneSource,
    Out,
    PageLang,
    Paths,
    Source,
    Week,
    check_page,
    exit_for,
    fail,
    leave,
    list_gaps,
    show,
    track,
    words_named,
)

if TYPE_CHECKING:
    from ..charts.claims import Claims
    from ..charts.periods import Kind
    from ..workspace.workspace import Workspace
    from .deliver import Delivery

log = logging.getLogger(__name__)


class _Commands(TyperGroup):
    """Commands that say what is safe when they are interrupted: Typer itself would leave without a word."""

    def invoke(self, ctx: Any):
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            kept = "What was stored is safe; run the command again to go on."
            if ctx.invoked_subcommand in experiments.COMMANDS:
                kept = "Nothing was written."
            kept = stop.args[0] if stop.args else kept
            fail(f"Stopped. {kept}", 130)


app = typer.Typer(
    name="chartropy",
    cls=_Commands,
    help="How much of a music chart did machines make, and is it all starting to sound the same?",
    epilog="Exit codes: 0 all done; 3 done, with gaps that are listed; 2 wrong usage or settings; 1 failed; 130 stopped.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Log only what went wrong.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say every step.")] = False,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    if show_version:
        from importlib.metadata import version

        typer.echo(version("chartropy"))
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
    _log_to_stderr()
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # our own words say what its retries were for
    logging.getLogger("chartropy").setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)


def _log_to_stderr() -> None:
    logging.basicConfig(
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(message)s" if not sys.stderr.isatty() else "%(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
        level=logging.WARNING,
        force=True,
    )


def _say_all_into(file: Path) -> None:
    """Append to a file what this process and those it starts say from now on, as a shell's ``>> FILE 2>&1`` would."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
    except OSError as error:
        raise SettingsError(f"--log {file} cannot be written ({error.strerror}): choose another.") from error
    for descriptor in (1, 2):
        os.dup2(stream.fileno(), descriptor)
    sys.stdout = sys.stderr = stream
    _log_to_stderr()


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to make.")] = Path("chartropy-demo"),
) -> None:
    """Make a small season of synthetic songs, offline, and the real report about it."""
    from .demo import make_demo

    page, gaps = make_demo(out, track=track)
    typer.echo(f"Synthetic season in {out}; open {page.absolute()}")
    leave(gaps)


@app.command()
def weekly(
    workspace: Folder = None,
    week: Week = None,
    lang: Lang = None,
    due: Annotated[
        str | None,
        typer.Option(
            help="Only if no run succeeded since that time was last: 'mon 09:00', or 'mon 09:00 Europe/Moscow'.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for another run, if more than the setting lock_wait.")
    ] = 0,
    log_file: Annotated[
        Path | None, typer.Option("--log", help="File to append all that is said to.", show_default=False)
    ] = None,
) -> None:
    """Collect, analyze and report a week; safe to repeat."""
    if due is not None and week is not None:
        raise SettingsError("--due is about the last closed week, --week says one: give one or the other.")
    if log_file is not None:
        _say_all_into(log_file.absolute())
    from . import runs
    from . import weekly as steps

    with _workspace(workspace, lang) as ws:
        if due is not None:
            from .schedule import not_due

            if why_not := not_due(ws, due):
                log.info("nothing to do: %s", why_not)
                return
        chosen = steps.chosen_week(ws, _day(week))
        with runs.recorded(ws, "weekly", chosen) as run, _notice_of_failure(ws, "weekly"):
            outcomes, claims, analysis, page, deliveries = steps.weekly(
                ws, chosen, catch_up=week is None, wait=wait, track=track
            )
            undelivered = [one.gap for one in deliveries if one.error]
            gaps = [*_gaps_of(outcomes), *claims.gaps, *undelivered, *analysis.gaps]
            did = runs.account_of(ws, run, outcomes, claims, analysis, page)
            run.gaps, run.summary = len(gaps), did.line
        _say_collected(outcomes, claims)
        _say_analyzed(analysis)
        typer.echo(f"Report: {page.absolute()}")
        _say_delivered(deliveries)
        list_gaps(gaps)
        if not sys.stderr.isatty():
            runs.tell(did)
        exit_for(gaps)


@app.command()
def collect(
    workspace: Folder = None,
    week: Week = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="Backfill: any day of the first period.", show_default=False),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            formats=["%Y-%m-%d"],
            help="Any day of the last period.",
            show_default="the last closed one",
        ),
    ] = None,
    period: Annotated[str, typer.Option(help="daily, weekly, monthly, annual or decade.")] = "weekly",
    again: Annotated[bool, typer.Option("--again", help="Ask also for charts that are stored.")] = False,
) -> None:
    """Collect the charts of a week, or of every week between two."""
    from ..charts.claims import collect_claims
    from ..charts.collect import collect_between
    from ..charts.composite import compose
    from . import weekly as steps
    from .runs import recorded

    with _workspace(workspace) as ws:
        start, end = steps.chosen_periods(ws, _day(week), _day(first), _day(last), _kind(period))
        about = start.end if start == end and start.kind == "weekly" else None
        with recorded(ws, "collect", about) as run, ws.writing():
            outcomes = collect_between(ws, start.end, end.end, start.kind, again=again)
            outcomes += compose(ws)
            claims = collect_claims(ws, [outcome.week for outcome in outcomes])
            gaps = [*_gaps_of(outcomes), *claims.gaps]
            span = "" if about else f" of {start} to {end}" if start != end else f" of {start}"
            run.gaps, run.summary = len(gaps), f"{len({one.chart for one in outcomes})} charts{span}"
        _say_collected(outcomes, claims)
        leave(gaps)


@app.command()
def sources(workspace: Folder = None) -> None:
    """List the sources of charts: what each gives and needs, last success, last error."""
    from ..workspace.workspace import Workspace
    from .status import read_sources

    with Workspace(workspace, create=True) as ws:
        found = read_sources(ws)
    for source in found:
        typer.echo(f"{source['name']}: {source['title']}" + ("" if source["collected"] else " (not collected now)"))
        for title, said in source.items():
            if title not in ("name", "title", "collected"):
                typer.echo(f"    {title}: {said}")


@app.command()
def composite(
    workspace: Folder = None,
    week: Week = None,
    place: Annotated[int | None, typer.Option(min=1, help="Show how this place got there.", show_default=False)] = None,
) -> None:
    """Show the composite rating of a week, and how each place got there."""
    from ..charts.composite import CHART, METHOD, SOURCE, explained
    from ..workspace.workspace import Workspace
    from . import weekly as steps
    from .tables import Tables

    with Workspace(workspace) as ws:
        chosen = steps.chosen_week(ws, _day(week))
        country = ws.settings.composite.country
        with ws.store.reading() as connection:
            places = {found.position: found for found in explained(connection, country, chosen)}
        tables = Tables(ws)
        names = {
            row.position: f"{row.artist} - {row.title}"
            for row in tables.chart(SOURCE, CHART, chosen, country).itertuples()
        }
        gaps = tables.gaps()
    if not places:
        raise SettingsError(
            f"There is no composite for the week that ends on {chosen}: it needs charts of two platforms."
        )
    if place and place not in places:
        raise SettingsError(
            f"--place {place}: the composite of the week that ends on {chosen} has {len(places)} places."
        )
    if place:
        found = places[place]
        typer.echo(f"{place}. {names[place]}: score {found.score:.4f} of 1, the sum of the shares:")
        show(
            ["platform", "place there", "points", "share", "place here without it"],
            [
                [
                    platform,
                    _places(part.positions) or "none",
                    f"{part.points:.4f}",
                    f"{part.share:.4f}",
                    part.without or "out",
                ]
                for platform, part in found.parts.items()
            ],
        )
    else:
        show(
            ["", "", "score", "how it got there", "without any one platform"],
            [
                [
                    position,
                    names[position],
                    f"{found.score:.4f}",
                    "; ".join(filter(None, (_places(part.positions) for part in found.parts.values()))),
                    _span([part.without for part in found.parts.values()]),
                ]
                for position, found in places.items()
            ],
        )
    missing = gaps[(gaps["week"] == str(chosen)) & (gaps["source"] == SOURCE) & (gaps["chart"] == CHART)]
    weights = ", ".join(f"{platform} {weight:g}" for platform, weight in ws.settings.composite.weights.items())
    typer.echo(
        f"Method: {METHOD}; weights: {weights + ', others 1' if weights else 'all 1'}."
        + "".join(f" {reason}." for reason in missing["reason"])
    )


recordings = typer.Typer(help="Say which names mean the same recording.", no_args_is_help=True)
app.add_typer(recordings, name="recordings")


@recordings.command()
def merge(
    ids: Annotated[list[str], typer.Argument(help="Two recordings or more, by id or its first letters.")],
    workspace: Folder = None,
) -> None:
    """Say that recordings are one; stays so whatever is collected later."""
    from ..charts import composite, identity
    from ..workspace.workspace import Workspace

    with Workspace(workspace) as ws, ws.writing():
        kept = identity.merge(ws, ids)
        composite.compose(ws)
    typer.echo(f"One recording: {kept}")


@recordings.command()
def split(
    name: Annotated[str, typer.Argument(help="A name, by its id or the first letters: `export names` lists them.")],
    workspace: Folder = None,
) -> None:
    """Take a name out of the recording it was merged into; stays so whatever is collected later."""
    from ..charts import composite, identity
    from ..workspace.workspace import Workspace

    with Workspace(workspace) as ws, ws.writing():
        now = identity.split(ws, name)
        composite.compose(ws)
    typer.echo(f"Now {len(now)} recordings: {', '.join(now)}")


@recordings.command()
def review(
    workspace: Folder = None,
    limit: Annotated[int, typer.Option(min=1, help="How many pairs.")] = 30,
    out: Out = None,
) -> None:
    """List the pairs of names whose merging, or not, is least certain, with the evidence."""
    import pandas as pd

    from ..charts import identity
    from ..workspace.workspace import Workspace
    from .files import format_of, write_table

    with Workspace(workspace) as ws, ws.store.reading() as connection:
        pairs = identity.review(connection, limit)
    rows = []
    for pair in pairs:
        state = "merged" if pair["merged"] else "apart"
        if pair["decided"] is not None:
            state += ", as you decided"
        evidence = "; ".join(f"{name} {value}" for name, value in pair["evidence"].items())
        names = [f"{pair[f'{side}_artist']} - {pair[f'{side}_title']}" for side in ("one", "other")]
        rows.append([f"{pair['score']:.3f}", state, pair["one"], names[0], pair["other"], names[1], evidence])
    columns = ["score", "state", "one", "name", "other", "other name", "evidence"]
    if out is None and sys.stdout.isatty():
        show(columns, rows)
    else:
        write_table(pd.DataFrame(rows, columns=columns), out, format_of(out))


@app.command()
def reparse(
    workspace: Folder = None,
    write: Annotated[bool, typer.Option("--apply", help="Store it; else only the differences are shown.")] = False,
) -> None:
    """Make the entries anew from the kept pages; shows first what would change."""
    from ..charts import reparse as pages
    from ..workspace.workspace import Workspace

    with Workspace(workspace) as ws, ws.writing():
        found = pages.changes(ws)
        for change in found:
            typer.echo(
                f"{change.sheet.chart}, {change.sheet.period}: {change.added} added, {change.changed} changed, "
                f"{change.kept} kept from before"
            )
            for line in change.lines:
                typer.echo(f"  {line}")
        if write and found:
            pages.apply(ws, found)
    if not found:
        typer.echo("Reading the kept pages anew changes nothing.")
    elif not write:
        typer.echo("Nothing is stored yet: run again with --apply.")


@app.command()
def analyze(
    workspace: Folder = None,
    week: Week = None,
    rejudge: Annotated[
        bool,
        typer.Option(
            "--rejudge", help="Judge all earlier weeks again by what is stored; fetches and describes nothing."
        ),
    ] = False,
    model: Annotated[Path | None, typer.Option(help="With --rejudge: a detector, .npz.", show_default=False)] = None,
) -> None:
    """Find previews of a week's recordings, describe and judge them, measure the charts."""
    from . import weekly as steps
    from .runs import recorded

    if rejudge:
        with _workspace(workspace) as ws, recorded(ws, "analyze") as run, ws.writing():
            judged, weeks = steps.rejudge(ws, model)
            if weeks:
                steps.report(ws, map(date.fromisoformat, weeks))
            run.summary = f"all judged anew; {judged} verdicts new or changed"
        typer.echo(f"{judged} verdicts new or changed; measured anew and reported: {', '.join(weeks) or 'no week'}.")
        return
    if model:
        raise SettingsError("--model: only with --rejudge; the weekly run judges with the shipped detector.")
    with _workspace(workspace) as ws:
        chosen = steps.chosen_week(ws, _day(week))
        with recorded(ws, "analyze", chosen) as run:
            with ws.writing():
                analysis = steps.analyze(ws, chosen, track=track)
            if not analysis.recordings:
                raise SettingsError(
                    f"Nothing is collected for the week that ends on {chosen}: run `chartropy collect` first."
                )
            measured = analysis.recordings - len(analysis.gaps)
            run.gaps, run.summary = len(analysis.gaps), f"{measured} of {analysis.recordings} recordings measured"
        _say_analyzed(analysis)
        leave(analysis.gaps)


@app.command()
def label(
    recording: Annotated[
        str, typer.Argument(help="A recording, by id or its first letters: `export recordings` lists them.")
    ],
    says: Annotated[str, typer.Argument(help="ai, human, or none to take back what you said.")],
    because: Annotated[str, typer.Option(help="On what ground; kept with it.")] = "no ground was given",
    workspace: Folder = None,
) -> None:
    """Say yourself that a recording is AI-made or human: it stands above all other evidence, and is recorded as yours."""
    from ..charts.claims import label as say
    from ..workspace.workspace import Workspace

    if says not in ("ai", "human", "none"):
        raise SettingsError(f"label {recording} {says}: say ai, human or none.")
    with Workspace(workspace) as ws, ws.writing():
        named = say(ws, recording, None if says == "none" else says, because)
    typer.echo(f"{named}: {'as if you had said nothing' if says == 'none' else f'{says}, as you say'}.")


@app.command()
def report(workspace: Folder = None, week: Week = None, lang: Lang = None) -> None:
    """Write the page of a week, and the index of all."""
    from . import weekly as steps
    from .runs import recorded

    with _workspace(workspace, lang) as ws:
        chosen = steps.chosen_week(ws, _day(week))
        with recorded(ws, "report", chosen) as run, ws.writing():
            if not steps.known(ws, chosen):
                raise SettingsError(
                    f"Nothing is known of the week that ends on {chosen}: run `chartropy collect` first, or name another with "
                    "--week; `chartropy status` lists those that are here."
                )
            page = steps.report(ws, [chosen])
            run.summary = str(page.absolute())
        typer.echo(f"Report: {page.absolute()}")


@app.command("deliver")
def deliver_(
    workspace: Folder = None,
    week: Week = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was delivered already, or is long past, as if it never was.")
    ] = False,
) -> None:
    """Send a week's report, and what failed before, where the settings under `report` say: folder, mail, webhook."""
    from . import weekly as steps
    from .deliver import deliver, is_set
    from .runs import recorded

    with _workspace(workspace) as ws:
        if not is_set(ws):
            raise SettingsError(
                "Nowhere to deliver to: name a folder, a mail server or a webhook under [report] in chartropy.toml "
                "(docs/how-to/deliver.md)."
            )
        chosen = steps.chosen_week(ws, _day(week))
        with recorded(ws, "deliver", chosen) as run, ws.writing():
            deliveries = deliver(ws, chosen, again=again)
            gaps = [one.gap for one in deliveries if one.error]
            run.gaps, run.summary = len(gaps), f"{len(deliveries) - len(gaps)} of {len(deliveries)} delivered"
        _say_delivered(deliveries)
        if not deliveries:
            typer.echo(f"Nothing new to deliver of the week to {chosen}.")
        leave(gaps)


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Pages saved from a browser, CSV or JSON.")],
    source: Annotated[str, typer.Option(help="Source and chart, e.g. tophit-radio.")],
    workspace: Folder = None,
    week: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Any day of the period, if the file does not say.", show_default=False),
    ] = None,
    period: Annotated[str, typer.Option(help="What --week is a day of: weekly, monthly, annual, ...")] = "weekly",
    country: Annotated[
        str | None, typer.Option(help="If the file does not say; two letters, or global.", show_default=False)
    ] = None,
) -> None:
    """Store charts from saved pages, CSV or JSON."""
    kind = _kind(period)
    if country is not None and not re.fullmatch("[a-z]{2}|global", country):
        raise SettingsError(f"--country {country}: write two small letters, like kz, or global.")
    from ..charts.composite import compose
    from ..charts.importing import import_file
    from ..workspace.errors import ImportFileError
    from .runs import recorded

    outcomes, failed = [], []
    with _workspace(workspace) as ws, recorded(ws, "import") as run, ws.writing():
        for file in files:
            try:
                outcomes += import_file(ws, file, source, _day(week), kind=kind, country=country)
            except ImportFileError as error:
                if len(files) == 1:
                    raise
                failed.append(str(error))
        compose(ws)
        gaps = [*_gaps_of(outcomes), *failed]
        positions = sum(outcome.rows for outcome in outcomes)
        run.gaps, run.summary = len(gaps), f"{len(files)} files for {source}: {positions} positions"
    for outcome in outcomes:
        typer.echo(f"{outcome.chart}, {outcome.period}: {outcome.rows} positions")
    leave(gaps)


@app.command()
def describe(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Audio files, folders to search through, or URLs of them.", show_default=False),
    ] = None,
    manifest: Annotated[
        str | None,
        typer.Option(help="List of files: CSV with a column path, or a path a line.", show_default=False),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="File to write, .csv or .parquet, or a folder (DIR/) for parts of Parquet.",
            show_default="standard output",
        ),
    ] = None,
    jobs: Jobs = -1,
    cluster: Annotated[
        str | None, typer.Option(help="Dask scheduler to work with: tcp://HOST:8786.", show_default=False)
    ] = None,
    sketches: Annotated[bool, typer.Option("--sketches", help="Add the sketch of each file.")] = False,
    device: Annotated[
        str | None,
        typer.Option(help="Take spectra in batches with PyTorch (extra torch): cpu, cuda, cuda:1.", show_default=False),
    ] = None,
) -> None:
    """Compute the descriptors of audio files, of three or of a million; run it again to go on where it stopped."""
    from .catalogue import describe_catalogue

    done = describe_catalogue(
        paths or [],
        manifest=manifest,
        out=out,
        jobs=jobs,
        cluster=cluster,
        sketches=sketches,
        device=device,
        track=track,
    )
    leave(done.first, done.problems)


@app.command()
def descriptors(
    family: Annotated[str | None, typer.Option(help="Only this family, such as rhythm.", show_default="all")] = None,
    check: Annotated[
        list[Path] | None,
        typer.Option(
            help="Compare those that have a counterpart with librosa's, Essentia's and FFmpeg's, on this file or folder.",
            show_default=False,
        ),
    ] = None,
    out: Out = None,
) -> None:
    """List what is measured: every descriptor's unit, range, definition, source and name for people."""
    from ..features.registry import FAMILIES, as_table
    from .files import format_of, write_table

    form = format_of(out)
    if family is not None and family not in FAMILIES:
        raise SettingsError(f"--family {family}: choose one of {', '.join(FAMILIES)}.")
    problems: list[str] = []
    if check:
        from ..features.references import both, compare
        from .files import existing_audio

        files, measured = existing_audio(check), []
        for file in track(files, "files", len(files)):
            try:
                measured.append(both(file))
            except AudioError as error:
                problems.append(str(error))
        table = compare(measured)
        if family:
            table = table[table["ours"].str.startswith(f"{family}.")]
    else:
        table = as_table(family)
    if out is None and sys.stdout.isatty():
        show(list(table.columns), table.to_numpy().tolist())
    else:
        write_table(table, out, form)
    leave(problems)


@app.command()
def detect(
    paths: Paths,
    out: Out = None,
    explain: Annotated[
        Path | None,
        typer.Option(help="Page (.html) to write, with what is behind each verdict.", show_default=False),
    ] = None,
    lang: PageLang = None,
    model: Annotated[
        Path | None, typer.Option(help="A detector, .npz.", show_default="the one that is shipped")
    ] = None,
    jobs: Jobs = -1,
) -> None:
    """Tell AI-made from human-made audio files: by their sound (verdict), and by that and their tags together (fused)."""
    from .files import detect_files, format_of, write_table

    form = format_of(out)
    check_page("--explain", explain)
    if lang and not explain:
        raise SettingsError("--lang is for the page: name it with --explain.")
    words = words_named(lang)
    table = detect_files(paths, model=model, jobs=jobs, explain=explain, language=words.language, track=track)
    if out is None and sys.stdout.isatty():
        # no more certain in print than two digits can say
        shown = table["probability"].clip(0.01, 0.99).map("{:.2f}".format, na_action="ignore").fillna("")
        rows = zip(table["fused"], table["verdict"], shown, table["path"], table["fused_reason"], strict=True)
        show(["verdict", "by sound", "probability of AI", "file", "reason"], [list(row) for row in rows])
    else:
        write_table(table, out, form)
    unmeasured = table[table["verdict"] == "unmeasured"]
    leave(
        [
            reason if reason.startswith(path) else f"{path}: {reason}"  # what cannot be decoded names itself
            for path, reason in zip(unmeasured["path"].astype(str), unmeasured["reason"].astype(str), strict=True)
        ]
    )


detector = typer.Typer(help="Train a detector of your own, and measure one.", no_args_is_help=True)
app.add_typer(detector, name="detector")

Manifest = Annotated[
    Path, typer.Argument(help="CSV with the columns path and label (ai, human); optional generator, source, group.")
]
SetAside = Annotated[
    list[str] | None,
    typer.Option(
        help="SOURCE=WHY: human clips that are judged and reported, but settle nothing. May be given again.",
        show_default=False,
    ),
]
Workers = Annotated[int, typer.Option(help="Processes.")]


@detector.command("train")
def train_detector(
    manifest: Manifest,
    out: Annotated[Path, typer.Option(help="The model, .npz; its card goes beside it as .json and .html.")],
    set_aside: SetAside = None,
    name: Annotated[str, typer.Option(help="First part of the model's version.")] = "lattice",
    lang: PageLang = None,
    jobs: Workers = 2,
) -> None:
    """Train a detector on labelled clips, every clip through every disturbance."""
    from .evaluation import summary, train_detector

    words = words_named(lang)
    card = train_detector(manifest, out, set_aside=_reasons(set_aside), jobs=jobs, name=name, track=track, words=words)
    typer.echo(summary(card, card["cross_validation"]))
    _say_limits(card)
    leave(card["data"]["dropped"])


@detector.command("evaluate")
def evaluate_detector(
    manifest: Manifest,
    out: Annotated[Path | None, typer.Option(help="Page (.html) to write; its numbers go beside it as .json.")] = None,
    model: Annotated[Path | None, typer.Option(help="A model, .npz.", show_default="the one that is shipped")] = None,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Judge each clip by a model trained on the other groups of this list.")
    ] = False,
    set_aside: SetAside = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Every clip through every disturbance, not every second; twice as long.")
    ] = False,
    lang: PageLang = None,
    jobs: Workers = 2,
) -> None:
    """Measure a detector on labelled clips: by group, after disturbances, its calibration and its shortcuts."""
    from .evaluation import evaluate, summary, write_evaluation

    check_page("--out", out)
    words = words_named(lang)
    found = evaluate(
        manifest, model=model, unseen=unseen, set_aside=_reasons(set_aside), jobs=jobs, thorough=thorough, track=track
    )
    typer.echo(found["how"])
    typer.echo(summary(found, found))
    if out:
        write_evaluation(found, out, words)
    leave(found["data"]["dropped"])


@detector.command("card")
def detector_card(
    model: Annotated[Path | None, typer.Argument(help="A model, .npz.", show_default="the one that is shipped")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Page to write (.html).", show_default="the figures, printed")
    ] = None,
    lang: PageLang = None,
) -> None:
    """Say what is known of a model: data, method, figures by generator and by source, what it cannot do."""
    from ..analysis.detector import Detector
    from .evaluation import summary, write_card

    check_page("--out", out)
    words = words_named(lang)
    loaded = Detector.load(model)
    if out:
        write_card(loaded, out, words)
        return
    typer.echo(summary(loaded.card, loaded.card["cross_validation"]))
    _say_limits(loaded.card)


def _say_limits(card: dict) -> None:
    for limit in card.get("limits", []):
        typer.echo(f"- {limit}")


def _reasons(given: list[str] | None) -> dict[str, str]:
    found = {}
    for one in given or []:
        source, _, why = one.partition("=")
        if not source or not why:
            raise SettingsError(f"--set-aside {one!r}: name a source and say why, SOURCE=WHY.")
        found[source] = why
    return found


@app.command()
def export(
    table: Annotated[
        str,
        typer.Argument(
            help="entries, recordings, names, labels, composite, verdicts, descriptors, measures, trend or gaps; "
            "all: every one of them."
        ),
    ],
    workspace: Folder = None,
    form: Annotated[str | None, typer.Option("--format", help="csv, parquet or xlsx.", show_default=False)] = None,
    measure: Measure = None,
    source: Source = None,
    chart: OfChart = None,
    country: Country = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Only from the chart week that holds this day on; of tables without weeks, the recordings that were on a "
            "chart since.",
            show_default=False,
        ),
    ] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin CSV with the mark by which Excel knows UTF-8.")] = False,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            help="en or ru: add columns that say codes and reasons in words (chart_words, verdict_words, ...); names of columns "
            "and cells stay. In Excel also sheets, dates and a line of headings, in Parquet descriptions are in that language.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write, .csv, .parquet or .xlsx; for all, .xlsx or a folder.",
            show_default="standard output",
        ),
    ] = None,
) -> None:
    """Write a table of the workspace, or all, as CSV, Parquet or Excel; `chartropy dictionary` says what columns are."""
    from ..workspace.workspace import Workspace
    from .export import form_of_all, with_words, write_all
    from .files import format_of, write_table
    from .tables import Tables, check_name

    asked = {"measure": measure, "source": source, "chart": chart, "country": country}
    cut: list[str] = []
    words = words_named(lang) if lang else None
    if table == "all":
        if given := [name for name, value in asked.items() if value is not None]:
            raise SettingsError(f"--{given[0]} is for one table: leave it out, or name the table in place of all.")
        chosen = form_of_all(out, form)
        assert out
        with Workspace(workspace) as ws:
            rows = write_all(
                Tables(ws), out, chosen, made_at=ws.now(), bom=bom, since=_day(since), cut=cut, words=words
            )
        typer.echo(f"{out}: {', '.join(f'{name} {count}' for name, count in rows.items())}")
    else:
        check_name(table)
        chosen = format_of(out, form)
        with Workspace(workspace) as ws:
            found = with_words(table, Tables(ws).table(table, **asked, since=_day(since)), words)
            write_table(found, out, chosen, name=table, bom=bom, made_at=ws.now(), cut=cut, words=words)
    leave(cut)


@app.command()
def dictionary(
    out: Annotated[
        Path | None,
        typer.Option(help="File to write, .md, .csv, .parquet or .xlsx.", show_default="Markdown, printed"),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang", help="en or ru: as `export --lang` writes them, with the columns of words.", show_default=False
        ),
    ] = None,
) -> None:
    """Say what every column of every exported table is: type, unit, range, meaning, whether it may be empty."""
    from ..workspace.files import write_text
    from .dictionary import as_markdown, as_table
    from .files import format_of, write_table

    words = words_named(lang) if lang else None
    if out is None:
        typer.echo(as_markdown(words), nl=False)
    elif out.suffix.lower() == ".md":
        write_text(out, as_markdown(words))
    else:
        write_table(as_table(words), out, format_of(out), name="dictionary", words=words)


@app.command()
def sameness(
    source: OneSource,
    chart: OneChart,
    country: OneCountry = None,
    week: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Any day of the chart week.",
            show_default="the last that is stored",
        ),
    ] = None,
    workspace: Folder = None,
    out: Out = None,
) -> None:
    """Write how far each track of a chart week sounds like what was on that chart in the year before."""
    from ..workspace.workspace import Workspace
    from .files import format_of, write_table
    from .tables import Tables

    with Workspace(workspace) as ws:
        found = Tables(ws).sameness(source, chart, week.date() if week else None, country)
        write_table(found, out, format_of(out, None))


@app.command()
def decompose(
    source: OneSource,
    chart: OneChart,
    before: Annotated[str, typer.Option(help="A week by any of its days, or a period: 2026-01-01..2026-03-26.")],
    after: Annotated[str, typer.Option(help="Another.")],
    country: OneCountry = None,
    measure: Annotated[str, typer.Option(help="cultural_entropy or diversity.mean_distance.")] = "cultural_entropy",
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap: the same seed gives the same numbers.")] = 0,
    replicates: Annotated[int, typer.Option(min=100, help="Of the bootstrap.")] = 1000,
    workspace: Folder = None,
    out: Out = None,
) -> None:
    """Write how much of a change in a chart's diversity is due to AI tracks."""
    from ..workspace.workspace import Workspace
    from .files import format_of, write_table
    from .tables import Tables

    spans = [_ends(given, name) for given, name in ((before, "--before"), (after, "--after"))]
    with Workspace(workspace) as ws:
        found = Tables(ws).decompose(
            source, chart, spans[0], spans[1], country, measure=measure, seed=seed, replicates=replicates
        )
        write_table(found, out, format_of(out, None))


@app.command()
def power(
    change: Annotated[
        list[float] | None,
        typer.Option(help="Percent per year; may be given again.", show_default="5, 10, 20"),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(help="As `chartropy export measures` names it.", show_default="cultural_entropy"),
    ] = None,
    source: Source = None,
    chart: OfChart = None,
    country: Country = None,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="A step of so many percent, as many weeks before as after.")
    ] = False,
    probability: Annotated[
        float, typer.Option("--power", min=0.01, max=0.99, help="How probably it shall be seen.")
    ] = 0.8,
    sd: Annotated[
        float | None,
        typer.Option(
            help="Spread of the weeks in percent of their mean; no workspace is read then.", show_default=False
        ),
    ] = None,
    autocorrelation: Annotated[
        float | None,
        typer.Option(min=0, max=0.98, help="Of neighbouring weeks, with --sd.", show_default="0.5"),
    ] = None,
    workspace: Folder = None,
    out: Out = None,
) -> None:
    """Say how many weeks it takes until a change of so many percent would be seen."""
    from ..workspace.workspace import Workspace
    from .files import format_of, write_table
    from .tables import Tables

    changes = change or [5.0, 10.0, 20.0]
    if bad := [one for one in changes if not one or one - one]:  # nan and infinity less themselves are no 0
        raise SettingsError(f"--change {bad[0]:g}: give a change other than 0, in percent.")
    shape = "at once" if at_once else "per year"
    if sd is not None:
        from ..analysis.trends import weeks_needed

        if not 0 < sd < 1e6:
            raise SettingsError(f"--sd {sd:g}: give a spread above 0 and below a million, in percent.")
        others = {"--measure": measure, "--source": source, "--chart": chart, "--country": country, "--out": out}
        if given := [option for option, value in others.items() if value is not None]:
            raise SettingsError(f"{given[0]} is about measured charts, and --sd about none: leave one of them out.")
        autocorrelation = 0.5 if autocorrelation is None else autocorrelation
        options = {"shape": "step" if at_once else "steady", "power": probability}
        needed = [weeks_needed(one / sd, sd=1.0, autocorrelation=autocorrelation, **options) for one in changes]
        rows = [[f"{one:g}% {shape}", _weeks(weeks)] for one, weeks in zip(changes, needed, strict=True)]
        show(["Change", "Weeks"], rows)
        typer.echo(f"With a spread of {sd:g}% and an autocorrelation of {autocorrelation:g}, known for certain.")
        return
    if autocorrelation is not None:
        raise SettingsError("--autocorrelation is for --sd: that of measured charts is measured.")
    measure = measure or "cultural_entropy"
    chosen = format_of(out, None)
    with Workspace(workspace) as ws:
        found = Tables(ws).power(
            changes, measure, source, chart, country, at_once=at_once, power=probability,
            track=lambda work: track(work, "Simulated", len(work)),
        )  # fmt: skip
    if found.empty:
        raise SettingsError(f"--measure {measure}: it was never measured here. Run `chartropy weekly`, or give --sd.")
    if out is not None:
        write_table(found, out, chosen)
        return
    rows = [
        [
            f"{row['source']} {row['chart']} {row['country']}",
            str(row["n"]),
            f"{row['mean']:.3g}",
            f"{100 * row['sd'] / abs(row['mean']):.1f}%" if row["sd"] > 0 else "unknown",
            f"{row['autocorrelation']:.2f}" if row["sd"] > 0 else "unknown",
            f"{row['change_percent']:g}% {shape}",
            f"{_weeks(row['weeks'])} ({_weeks(row['weeks_low'])} to {_weeks(row['weeks_high'])})"
            if row["sd"] > 0
            else _why_unknown(row["n"]),
        ]
        for row in found.to_dict("records")
    ]
    show(["Chart", "n", "Mean", "Spread", "Autocorrelation", "Change", "Weeks until seen"], rows)
    typer.echo(f"{measure}: weeks until a trend test at .05 sees the change with probability {probability:g}.")
    typer.echo("In brackets: 95% interval, since spread and autocorrelation are known from n weeks only.")


def _why_unknown(n: int) -> str:
    from ..analysis.trends import FEWEST

    return f"unknown: {FEWEST} measured weeks are needed" if n < FEWEST else "unknown: it never changed"


def _weeks(weeks: Any) -> str:
    return str(weeks) if weeks is not None and weeks == weeks and str(weeks) != "<NA>" else "more than 520"


def _ends(given: str, option: str) -> tuple[date, date]:
    """A week or a period as it is written: one day, or two with .. between."""
    try:
        first, _, last = given.partition("..")
        return date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise SettingsError(f"{option} {given}: give a day as 2026-01-01, or two as 2026-01-01..2026-03-26.") from None


app.add_typer(experiments.app)


@app.command()
def status(
    workspace: Folder = None,
    runs: Annotated[bool, typer.Option("--runs", help="Show the runs: when, how long, how they ended.")] = False,
    last: Annotated[int, typer.Option(min=1, help="How many runs, with --runs.")] = 20,
) -> None:
    """Show what the workspace holds, week by week, and what is missing and why."""
    from ..workspace.workspace import Workspace
    from .runs import as_rows, read_runs
    from .status import read_status

    with Workspace(workspace) as ws:
        past = read_runs(ws, last if runs else 1)
        found = None if runs else read_status(ws)
    if found is None:
        if past:
            show(*as_rows(past))
        else:
            typer.echo("No run is remembered yet.")
        return
    typer.echo(found.summary)
    typer.echo(f"Last run: {past[0] if past else 'none is remembered'}")
    show(list(found.weeks.columns), found.weeks.to_numpy().tolist())
    for title, lines in (("Charts missing or incomplete", found.charts), ("Recordings unmeasured", found.recordings)):
        if lines:
            typer.echo(f"\n{title}:")
            for line in lines:
                typer.echo(f"  {line}")


@app.command()
def schedule(
    at: Annotated[str, typer.Option(help="Days and a time: 'mon 09:00', 'mon,thu 18:30'.")] = "mon 09:00",
    timezone: Annotated[
        str | None,
        typer.Option(help="Such as Europe/Moscow.", show_default="the setting timezone"),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="systemd, cron, github or windows.",
            show_default="what this machine has",
        ),
    ] = None,
    workspace: Folder = None,
    name: Annotated[str, typer.Option(help="Of the schedule: another for each workspace.")] = "chartropy",
    install: Annotated[bool, typer.Option("--install", help="Put it where the scheduler reads it.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Undo an installation.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write, or a folder; systemd has two files.", show_default=False),
    ] = None,
) -> None:
    """Have the weekly run woken by systemd, cron, GitHub Actions or Windows: print, write or install what they are told."""
    from importlib.metadata import version

    from ..workspace.clock import now
    from ..workspace.settings import load_settings
    from ..workspace.workspace import DEFAULT_FOLDER
    from .schedule import job_of, read_at, variables_left_behind
    from .schedulers import FORMATS, usual_format

    chosen = form or usual_format()
    if chosen not in FORMATS:
        raise SettingsError(f"--format {form}: choose one of {', '.join(FORMATS)}.")
    if install + remove + (out is not None) > 1:
        raise SettingsError("--install, --remove and --out: give one of them.")
    folder = (workspace or Path(DEFAULT_FOLDER)).expanduser().absolute()
    due = read_at(at, timezone or load_settings(folder).timezone)
    scheduler = FORMATS[chosen](job_of(folder, due, name, now(due.zone), version("chartropy")))
    left = []
    if remove or install:
        done = scheduler.remove() if remove else scheduler.install()
        for line in done.said:
            typer.echo(line)
        for line in done.left:
            typer.echo(f"Left to you: {line}", err=True)
        left = done.left
    elif out is not None:
        for path in scheduler.write(out):
            typer.echo(f"Written: {path}")
    else:
        files = scheduler.files()
        for file, text in files.items():
            typer.echo((f"# {file}\n" if len(files) > 1 else "") + text)
    if not remove:
        typer.echo(f"Due next: {due.next(now(due.zone)):%a %Y-%m-%d %H:%M} ({due.zone})", err=True)
        for note in [*scheduler.notes(), *variables_left_behind()]:
            typer.echo(note, err=True)
    exit_for(left)


def main() -> None:
    """Run the command line; turn errors into one line and an exit code."""
    with suppress(ValueError):  # only a program's main thread hears signals
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # who stops a service is told what is safe, too
    try:
        app()
    except SettingsError as error:
        fail(str(error), 2)
    except ChartropyError as error:
        fail(str(error), 1)
    except OSError as error:
        if error.errno == errno.EPIPE:
            sys.stderr.close()  # the reader has gone: no complaint at exit
            raise SystemExit(0) from None
        if error.errno == errno.ENOSPC:
            fail("The disk is full. What was stored is safe; make room and run again.", 1)
        raise


def _workspace(folder: Path | None, languages: list[str] | None = None):
    from ..workspace.workspace import Workspace

    if not languages:
        return Workspace(folder, create=True)
    for language in languages:
        words_named(language)
    workspace = Workspace(folder, create=True)
    report = workspace.settings.report.model_copy(update={"languages": tuple(dict.fromkeys(languages))})
    workspace.settings = workspace.settings.model_copy(update={"report": report})
    return workspace


def _kind(period: str) -> Kind:
    from ..charts.periods import KINDS

    for kind in KINDS:
        if kind == period:
            return kind
    raise SettingsError(f"--period {period}: choose one of {', '.join(KINDS)}.")


def _day(week: datetime | None) -> date | None:
    return week.date() if week else None


def _gaps_of(outcomes: Iterable) -> list[str]:
    said = (f"{outcome.chart}, {outcome.period}: {outcome.gap}" for outcome in outcomes if outcome.gap)
    return list(dict.fromkeys(said))


def _say_collected(outcomes: Iterable, claims: Claims) -> None:
    # a snapshot may have been taken for a week that is collected later in the same run: said once
    once: dict = {}
    for outcome in outcomes:
        place = (outcome.chart, outcome.period)
        once[place] = max(once.get(place, outcome), outcome, key=lambda one: one.changed)
    for outcome in once.values():
        new = f", {outcome.changed} new or changed" if outcome.changed else ""
        typer.echo(f"{outcome.chart}, {outcome.period}: {outcome.rows} positions{new}")
    if claims.changed:
        typer.echo(f"claims that a recording is AI: {claims.changed} new, changed or withdrawn")


def _say_delivered(deliveries: Iterable[Delivery]) -> None:
    weeks: dict[tuple[str, str], list[date]] = {}
    for one in deliveries:
        if not one.error:
            weeks.setdefault((one.way, one.target), []).append(one.week)
    for (way, target), done in weeks.items():
        said = f"week to {done[0]}" if len(done) == 1 else f"weeks to {done[0]} and {done[1]}"
        if len(done) > 2:
            said = f"{len(done)} weeks, the last to {max(done)}"
        typer.echo(f"Delivered: {way} to {target}, {said}")


def _places(positions: Mapping[str, int]) -> str:
    return ", ".join(f"{chart} {position}" for chart, position in positions.items())


def _span(places: Iterable[int | None]) -> str:
    """Say from which to which place something moves, ``out`` where it leaves."""
    every = list(places)
    known = [place for place in every if place is not None]
    span = f"{min(known)} to {max(known)}" if len(set(known)) > 1 else str(known[0]) if known else ""
    return span if len(known) == len(every) else f"{span} or out" if span else "out"


def _say_analyzed(analysis) -> None:
    measured = analysis.recordings - len(analysis.gaps)
    typer.echo(
        f"{measured} of {analysis.recordings} recordings measured "
        f"({analysis.previews} previews fetched, {analysis.described} described, {analysis.judged} verdicts new or changed)"
    )
    if analysis.outdated:
        typer.echo(
            f"{analysis.outdated} recordings of all weeks keep the descriptors of an older release: their previews could "
            "not be fetched again, or not yet (the setting renew says how many a run takes)"
        )


@contextmanager
def _notice_of_failure(workspace: Workspace, command: str) -> Iterator[None]:
    """Have those told by mail who look after the workspace, where what runs inside fails; who stops it knows."""
    try:
        yield
    except Exception as error:
        from .deliver import notify_failure

        notify_failure(workspace, command, error)
        raise
