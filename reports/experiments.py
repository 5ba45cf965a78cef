"""The commands of the experiments: see docs/experiments."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..workspace.errors import SettingsError
from .terminal import (
    Country,
    Folder,
    Jobs,
    OfChart,
    OneChart,
    OneCountry,
    OneSource,
    Out,
    PageLang,
    Seed,
    Source,
    check_page,
    checked,
    leave,
    show,
    track,
    words_named,
)

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer()

PANEL = "Experiments"
COMMANDS = ("loop", "critic", "creativity", "mediocrity", "listen")
"""These write once, at their end."""

listen = typer.Typer(help="Ask people's ears: a blind listening test, and what its answers say.", no_args_is_help=True)
app.add_typer(listen, name="listen", rich_help_panel=PANEL)
Key = Annotated[Path, typer.Option("--key", help="The test's key, .key.csv, that `listen make` wrote.")]


@listen.command("make")
def make_listening_test(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="A manifest: CSV with path (a file, or an https link) and label (ai, human), optional generator, source, "
            "group, song, title. Or audio files in folders called ai and human."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Page to write (.html); its key goes beside it as .key.csv.")],
    points: Annotated[int, typer.Option(help="Of the scale from sure human to sure AI: 4 or 6.")] = 6,
    seconds: Annotated[float, typer.Option(help="Length of the clips; the shortest one shortens all.")] = 30.0,
    hear: Annotated[float, typer.Option(help="Seconds to listen before a clip can be answered.")] = 10.0,
    repeats: Annotated[int, typer.Option(help="Clips that come twice, to see who is consistent.")] = 4,
    ask: Annotated[
        list[str] | None,
        typer.Option(help="Ask listeners their age (group), or whether they are a musician.", show_default="nothing"),
    ] = None,
    title: Annotated[str, typer.Option(help="Heading of the page.", show_default="A listening test")] = "",
    by: Annotated[
        str, typer.Option(help="Who runs the test and can be asked, for listeners.", show_default=False)
    ] = "",
    lang: PageLang = None,
) -> None:
    """Write a blind listening test: one page that asks nobody for anything, and the key that stays with you."""
    from .listening import make_test, read_sources

    words = words_named(lang)
    checked(out)
    made = make_test(
        read_sources(sources), out, points=points, seconds=seconds, hear=hear, repeats=repeats, ask=ask or [],
        title=title, by=by, words=words, track=track,
    )  # fmt: skip
    size = made.page.stat().st_size / 1e6
    typer.echo(
        f"{made.page}: {made.clips} clips, {made.items} to answer, {size:.1f} MB. Give listeners this file alone."
    )
    typer.echo(f"{made.key}: what each clip is. Keep it: without it no answer can be read.")
    for note in made.notes:
        typer.echo(f"- {note}")
    leave(made.problems)


@listen.command("simulate")
def simulate_listeners(
    key: Key,
    out: Annotated[Path, typer.Option(help="Folder to write their answers to.")],
    listeners: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    d_prime: Annotated[float, typer.Option(help="How well they hear.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same answers.")] = 0,
) -> None:
    """Write answers of listeners who do not exist, to try the analysis before anybody is asked; marked as such."""
    from .listening import read_key, simulate_files

    files = simulate_files(read_key(key), listeners, out, d_prime=d_prime, seed=seed)
    typer.echo(f"Simulated listeners: {len(files)}, a file of answers each, in {out}.")


@listen.command("analyze")
def analyze_listening_test(
    answers: Annotated[list[Path], typer.Argument(help="Files of answers, or folders of them.")],
    key: Key,
    out: Annotated[
        Path | None, typer.Option(help="Page to write (.html); tables go beside it as .csv.", show_default=False)
    ] = None,
    detector: Annotated[
        bool, typer.Option("--detector", help="Have the detector judge the same clips, out of the test's page.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option(help="The test's page, for --detector.", show_default="beside the key")
    ] = None,
    lang: PageLang = None,
) -> None:
    """Say how well people told AI from human: d′ with intervals, by group, by listener, against the detector."""
    from .listening import ENDING, analyze, judge, read_answers, read_key, write_results

    check_page("--out", out)
    checked(out)
    words = words_named(lang)
    if page is not None and not detector:
        raise SettingsError("--page is for --detector: name both.")
    found_key = read_key(key)
    read = read_answers(answers, found_key)
    judged = judge(page or key.with_name(key.name.removesuffix(ENDING) + ".html"), track) if detector else None
    found = analyze(read, judged)
    if found.simulated:
        typer.echo("SIMULATED: no person gave these answers.")
    summary = found.summary[~found.summary["measure"].str.startswith("detector.mcnemar.")]
    part = summary["measure"].str.partition(".")[0]

    def tell(rows, name: str) -> None:
        show(
            [name, "value", "95% interval", "n"],
            [
                [row[name], _rounded(row["value"]), _interval(row), row["n"]]
                for row in rows.to_dict("records")
            ],
        )  # fmt: skip

    tell(summary[~part.isin(["group", "detector"])], "measure")
    if len(groups := summary[summary["measure"] == "group.d_prime"]):
        typer.echo("\nd′ of each generator against all human clips, and of each human group against all AI clips:")
        if groups["low"].notna().any():
            tell(groups.dropna(subset=["low"]), "group")
        if few := int(groups["low"].isna().sum()):
            typer.echo(f"Groups without an interval, for which two clips and two listeners are needed: {few}.")
    if found.warning:
        typer.echo(f"\nAgainst the detector. {found.warning}")
        tell(summary[part == "detector"], "measure")
    typer.echo(
        f"\nListeners: {len(found.listeners)}, with a flag: {found.flagged}. Clips: {len(found.clips)}. Answers: "
        f"{found.answers}, and {found.known} left out because the recording was known."
    )
    if out:
        for file in write_results(found, out, words, read.problems):
            typer.echo(f"Written: {file}")
    leave([*read.problems, *found.notes])


def _rounded(value: float) -> str:
    return f"{value:z.3f}" if value == value else "-"


def _interval(row: dict) -> str:
    """The interval, or why there is none."""
    return f"{row['low']:z.3f} to {row['high']:z.3f}" if row["low"] == row["low"] else row["method"]


def _leave_if_empty(found: pd.DataFrame, column: str, help_: str) -> None:
    """Where no row has a number say why most have none, and what may help."""
    if found[column].notna().any():
        return
    why = found["method"].mode()[0]
    many = int((found["method"] == why).sum())
    leave([f"No row has a number; {many} of {len(found)}: {why.removeprefix('no estimate: ')}. {help_}".strip()])


@app.command(rich_help_panel=PANEL)
def mediocrity(
    source: OneSource,
    chart: OneChart,
    country: OneCountry = None,
    weeks: Annotated[int, typer.Option(min=1, help="Weeks of the running centroid, and of the tails' baseline.")] = 52,
    block: Annotated[int, typer.Option(min=1, help="Weeks that stay together where time is shuffled.")] = 13,
    replicates: Annotated[int, typer.Option(min=100, help="Of bootstrap and shuffles.")] = 300,
    seed: Seed = 0,
    workspace: Folder = None,
    out: Out = None,
) -> None:
    """Write whether a chart drifts to its mean and loses its tails, and what of that is due to AI tracks."""
    from ..workspace.workspace import Workspace
    from .files import format_of, write_table
    from .tables import Tables

    form = format_of(out, None)
    checked(out)
    with Workspace(workspace) as ws:
        found = Tables(ws).mediocrity(
            source, chart, country, weeks=weeks, block=block, replicates=replicates, seed=seed
        )
        write_table(found, out, form)
    fewer = int(found["method"].str.contains("fewer --weeks", regex=False).sum())
    _leave_if_empty(found, "value", f"Fewer --weeks may help {fewer} rows." if fewer else "")


@app.command(rich_help_panel=PANEL)
def critic(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Audio files, or folders to search through; with --reference.", show_default=False),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the column path: the music that the files are judged by. One that `chartropy describe` wrote "
            "is not listened to again.",
            show_default=False,
        ),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(help="Its column that names a style.", show_default="none: clusters are the styles"),
    ] = None,
    artist: Annotated[
        str | None,
        typer.Option(help="Its column that names an artist.", show_default="artist, where there is one"),
    ] = None,
    source: Annotated[str | None, typer.Option(help="As `chartropy sources` names it.", show_default=False)] = None,
    chart: Annotated[str | None, typer.Option(help="As `chartropy sources` names it.", show_default=False)] = None,
    country: OneCountry = None,
    week: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Any day of the chart week.",
            show_default="the last that is stored",
        ),
    ] = None,
    shares: Annotated[
        bool, typer.Option("--shares", help="Write the share of each category among AI and human tracks instead.")
    ] = False,
    replicates: Annotated[int, typer.Option(min=0, help="Of the intervals, 100 or more; 0: no intervals.")] = 200,
    seed: Seed = 0,
    jobs: Jobs = -1,
    workspace: Folder = None,
    out: Out = None,
) -> None:
    """Write whether tracks are new and still music: how ambiguous their style is, and whether a chart or a list has their like."""
    from .files import format_of, write_table

    form = format_of(out, None)
    checked(out)
    if 0 < replicates < 100:
        raise SettingsError(f"--replicates {replicates}: 100 or more, or 0 for no intervals.")
    if bool(paths) != bool(reference) or bool(paths) == bool(source and chart):
        raise SettingsError("Give files and --reference, or --source and --chart; not both, and neither by halves.")
    if paths and reference:
        from .critic import judge_files

        of_charts = {"--source": source, "--chart": chart, "--country": country, "--week": week, "--shares": shares}
        if given := [option for option, value in of_charts.items() if value]:
            raise SettingsError(f"{given[0]} is about a chart: leave it out, or the files.")
        tracks = judge_files(
            paths, reference, style=style, artist=artist, seed=seed, replicates=replicates, jobs=jobs, track=track
        ).tracks
        write_table(tracks, out, form)
        bad = tracks[tracks["problem"].fillna("") != ""]
        leave(
            [
                why if why.startswith(path) else f"{path}: {why}"  # what cannot be decoded names itself
                for path, why in zip(bad["path"], bad["problem"], strict=True)
            ]
        )
        return
    from ..workspace.workspace import Workspace
    from .tables import Tables

    if given := [option for option, value in {"--style": style, "--artist": artist}.items() if value]:
        raise SettingsError(f"{given[0]} is a column of --reference: leave it out.")
    assert source
    assert chart
    asked = source, chart, week.date() if week else None, country
    with Workspace(workspace) as ws:
        tables = Tables(ws)
        found = (
            tables.critic_shares(*asked, seed=seed)
            if shares
            else tables.critic(*asked, seed=seed, replicates=replicates)
        )
        write_table(found, out, form)


@app.command(rich_help_panel=PANEL)
def loop(
    clips: Annotated[
        list[Path], typer.Argument(help="Audio files, or folders: chains start from clips drawn of these.")
    ],
    library: Annotated[
        Path,
        typer.Option(
            help="Clips that makers know and chance is told by: a folder, or a CSV that `chartropy describe` wrote of them. "
            "Those that chains start from are left out."
        ),
    ],
    describer: Annotated[
        str, typer.Option(help="tags, levels-N (2 to 64), leadsheet, mel, or labels:MODEL (transformers).")
    ] = "tags",
    maker: Annotated[
        str, typer.Option(help="nearest, concat, synth, griffinlim, or text-to-audio:MODEL (transformers).")
    ] = "nearest",
    rounds: Annotated[int, typer.Option(min=1, help="Times that it is described and made.")] = 20,
    starts: Annotated[
        int | None,
        typer.Option(
            help="Chains at most; 3 or more.", show_default="60, or fewer, so that half of the library is left"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides all chance.")] = 0,
    fresh: Annotated[
        float, typer.Option(min=0, max=1, help="Also run it with this share of chains fed a fresh clip each round.")
    ] = 0.0,
    fresh_from: Annotated[
        Path | None,
        typer.Option(
            help="Where fresh clips come from, such as human ones; a folder or CSV.", show_default="the library"
        ),
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(
            help="Compare with: identity, codec, shuffled, redraw, or all; may be given again.", show_default="redraw"
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=6, help="Length of what the synthesizer makes.")] = 20.0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the page (index.html) and CSV tables.", show_default="only a summary"),
    ] = None,
    lang: PageLang = None,
    jobs: Jobs = -1,
) -> None:
    """Describe clips, make clips of the descriptions, and again: what is left of the music, and where does it end?"""
    from ..analysis.loop import CONTROLS, FEWEST_FOR_INTERVAL
    from .loops import folder_made, run_loops, summary, write_loops

    words = words_named(lang)
    if lang and not out:
        raise SettingsError("--lang is for the page: name a folder with --out.")
    if out:
        folder_made(out)  # what cannot be written to is said before the work
    asked = [one for name in control or ["redraw"] for one in (CONTROLS if name == "all" else [name])]
    found = run_loops(
        clips, library, describer, maker, rounds=rounds, starts=starts, seed=seed, fresh=fresh, fresh_from=fresh_from,
        controls=asked, seconds=seconds, jobs=jobs, track=track,
    )  # fmt: skip
    few = found.left < FEWEST_FOR_INTERVAL
    intervals = f"no intervals with fewer than {FEWEST_FOR_INTERVAL} chains" if few else "95 % intervals"
    without = f" ({found.left_out} that chains start from left out)" if found.left_out else ""
    typer.echo(
        f"{found.starts} chains, {rounds} rounds, library of {found.library} clips{without}, seed {seed}; {intervals}, p by Holm"
    )
    if fresh:
        typer.echo(f"fresh clips from {found.fresh_from or 'the library'} ({found.fresh_clips} clips)")
    show(*summary(found))
    if out:
        typer.echo(f"Page: {write_loops(found, out, words).absolute()}")
    leave(list(found.problems))


@app.command(rich_help_panel=PANEL)
def creativity(
    source: Source = None,
    chart: OfChart = None,
    country: Country = None,
    span: Annotated[int, typer.Option(min=1, help="Weeks of past and of future a track is held against.")] = 26,
    neighbours: Annotated[int, typer.Option(min=1, help="Nearest tracks on either side.")] = 20,
    kinds: Annotated[
        bool, typer.Option("--kinds", help="Write AI against human tracks instead of every track.")
    ] = False,
    replicates: Annotated[
        int | None,
        typer.Option(min=0, help="Of the bootstrap, 100 or more; 0: no intervals.", show_default="200"),
    ] = None,
    seed: Seed = 0,
    workspace: Folder = None,
    out: Out = None,
) -> None:
    """Write how far each track departs from what charted before, and how far what charted later takes after it."""
    from ..workspace.workspace import Workspace
    from .files import format_of, write_table
    from .tables import Tables

    if kinds and replicates is not None:
        raise SettingsError(
            "--replicates is of every track's intervals: leave it out with --kinds, whose interval has none."
        )
    form = format_of(out, None)
    checked(out)
    with Workspace(workspace) as ws:
        tables = Tables(ws)
        if kinds:
            found = tables.creativity_of_kinds(source, chart, country, span=span, neighbours=neighbours, seed=seed)
        else:
            found = tables.creativity(
                source, chart, country, span=span, neighbours=neighbours, seed=seed,
                replicates=200 if replicates is None else replicates,
            )  # fmt: skip
        write_table(found, out, form)
    _leave_if_empty(
        found, "value" if kinds else "creativity", "A shorter --span, fewer --neighbours or a longer chart may help."
    )
