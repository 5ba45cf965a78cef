"""Tracks judged by :mod:`chartropy.analysis.critic`: of a chart week against the year before it, and files against others."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..workspace.errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.critic import Critic
    from .weekly import Track

log = logging.getLogger(__name__)

STYLED = 0.5
"""A chart's genres are its styles where so large a share of the reference has one; else its clusters are."""


class Judged(NamedTuple):
    """Tracks, what was judged of them, and by whom.

    Attributes
    ----------
    tracks : pandas.DataFrame
        As :meth:`.tables.Tables.critic` and :func:`judge_files` describe.
    critic : Critic
    """

    tracks: pd.DataFrame
    critic: Critic


def judge_chart(
    entries: pd.DataFrame, vectors: pd.DataFrame, week: str, *, seed: int = 0, replicates: int = 200
) -> Judged:
    """Judge a chart week by the year before it; see :meth:`.tables.Tables.critic`.

    Parameters
    ----------
    entries : pandas.DataFrame
        Of one chart.
    vectors : pandas.DataFrame
        Descriptors by recording.
    week : str
        Its last day.
    seed, replicates : int
        As for `fit_critic` and `Critic.judge`.

    Raises
    ------
    SettingsError
        There are no entries in that week, or too little before it.
    """
    from datetime import date, timedelta

    from ..analysis.critic import fit_critic, measured
    from ..analysis.measures import SOUNDS, load_space
    from ..analysis.novelty import PAST_WEEKS

    here = entries[entries["week"] == week]
    if here.empty:
        known = f"{entries['week'].min()} to {entries['week'].max()}"
        raise SettingsError(f"the chart has no entries in the week to {week}; there are some from {known}.")
    space = load_space()
    usable = vectors[measured(vectors, space)] if len(vectors) else vectors
    begin = (date.fromisoformat(week) - timedelta(weeks=PAST_WEEKS)).isoformat()
    past = entries[entries["week"].between(begin, week, inclusive="left") & (entries["position"] <= SOUNDS)]
    past = past[past["recording_id"].isin(usable.index) & ~past["recording_id"].isin(here["recording_id"])]
    past = past.drop_duplicates("recording_id", keep="last").sort_values("recording_id")
    genre = [one.split(", ")[0] if isinstance(one, str) and one else None for one in past["genres"]]
    reference, by = usable.loc[past["recording_id"]], _split(past["artist"])
    styled = bool(genre) and sum(one is not None for one in genre) / len(genre) >= STYLED
    critic = _first_that_fits(
        [
            *([lambda: fit_critic(reference, by, styles=genre, space=space, seed=seed)] if styled else []),
            lambda: fit_critic(reference, by, space=space, seed=seed),
        ],
        f"the year before the week to {week}",
    )
    heard = here[(here["position"] <= SOUNDS) & here["recording_id"].isin(vectors.index)]
    heard = heard.drop_duplicates("recording_id")
    found = critic.judge(vectors.loc[heard["recording_id"]], _split(heard["artist"]), replicates=replicates)
    if styled and critic.styles[0] in genre:
        found["style"] = found["style"].astype(object)
    else:  # a cluster is called after the recording in its middle
        names = past.set_index("recording_id")
        found["style"] = [
            f"like {names.at[one, 'artist']} - {names.at[one, 'title']}" if isinstance(one, str) else None
            for one in found["style"]
        ]
    found = found.rename_axis("recording_id").reset_index().assign(method=critic.method)
    columns = "source chart country week position recording_id artist title".split()
    return Judged(here[columns].merge(found, "left", "recording_id"), critic)


def judge_files(
    paths: Sequence[Path],
    reference: Path,
    *,
    style: str | None = None,
    artist: str | None = None,
    seed: int = 0,
    replicates: int = 200,
    jobs: int = -1,
    track: Track | None = None,
) -> Judged:
    """Judge audio files by a list of others.

    Parameters
    ----------
    paths : sequence of Path
        Files, or folders that are searched through.
    reference : Path
        CSV with the column ``path``, relative to it, and others.
    style : str, optional
        The column that names the style; default: clusters are styles.
    artist : str, optional
        The column that names the artist, whose recordings are never held against each other; default: ``artist`` where
        there is one, else each file stands alone.
    seed, replicates : int
        As for `fit_critic` and `Critic.judge`.
    jobs : int
        Files at once; -1: one per core.
    track : callable, optional
        Shows progress.

    Returns
    -------
    Judged
        Tracks: ``path``, what `Critic.judge` gives, ``problem`` (why a file could not be used), ``method``.

    Raises
    ------
    SettingsError
        The list cannot be read, has no such column, or is too short.
    """
    from ..analysis.critic import fit_critic, measured
    from ..analysis.measures import load_space
    from .catalogue import describe_files
    from .files import existing_audio
    from .weekly import plainly

    listed = _read(reference)
    columns = list(listed[0])
    for option, name in (("--style", style), ("--artist", artist)):
        if name is not None and name not in columns:
            raise SettingsError(f"{option} {name}: {reference} has no such column; it has {', '.join(columns)}.")
    by = artist or ("artist" if "artist" in columns else None)
    if by is None:
        log.warning(
            "%s names no artist: each file stands alone, and one artist's are held against each other.", reference
        )
    space = load_space()
    files = [str(one) for one in existing_audio(list(paths))]
    place = {str(reference.parent / row["path"]): row for row in listed}
    every = describe_files([*place, *files], jobs=jobs, track=track or plainly)
    every = every.drop_duplicates("path").set_index("path")
    known = every.loc[list(place)]
    if dropped := list(known.index[~measured(known, space)]):
        log.warning("%d of the reference cannot be used, first %s: %s", len(dropped), dropped[0], known.at[dropped[0], "problem"])  # fmt: skip
        known = known.drop(index=dropped)
    rows = [place[str(path)] for path in known.index]
    critic = _first_that_fits(
        [
            lambda: fit_critic(
                known,
                [row[by] for row in rows] if by else None,
                styles=[row[style] for row in rows] if style else None,
                space=space,
                seed=seed,
            )
        ],
        str(reference),
    )
    asked = every.loc[files]
    # a file of the list is its own neighbour: only what is its artist's, or itself, may be left out
    if twice := [path for path in files if path in place]:
        raise SettingsError(f"{twice[0]} is in {reference} too: a file is not judged by itself.")
    found = critic.judge(asked, replicates=replicates)
    return Judged(
        found.assign(problem=asked["problem"], method=critic.method).rename_axis("path").reset_index(), critic
    )


def shares(judged: Judged, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Estimate the share of each category among AI and human tracks; see :meth:`.tables.Tables.critic_shares`."""
    from ..analysis.critic import category_shares

    kind = dict(zip(verdicts["recording_id"], verdicts["verdict"], strict=True))
    once = judged.tracks.drop_duplicates("recording_id")
    kinds = [one if (one := kind.get(recording)) in ("ai", "human") else None for recording in once["recording_id"]]
    return category_shares(once, kinds, _split(once["artist"]), judged.critic.reference)


def _first_that_fits(attempts: Sequence[Callable[[], Critic]], what: str) -> Critic:
    reasons = []
    for attempt in attempts:
        try:
            return attempt()
        except ValueError as error:
            reasons.append(str(error))
    raise SettingsError(f"{what} is too little to judge by: {reasons[-1]}.")


def _split(artists: pd.Series) -> list[list[str]]:
    return [one.split(", ") if isinstance(one, str) and one else [] for one in artists]


def _read(reference: Path) -> list[dict[str, str]]:
    try:
        with reference.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"--reference {reference}: cannot be read ({error}).") from error
    if not rows or "path" not in rows[0]:
        raise SettingsError(f"--reference {reference}: give a CSV with the column path and a line for each file.")
    if (line := next((n for n, row in enumerate(rows, 2) if not row["path"]), None)) is not None:
        raise SettingsError(f"--reference {reference}, line {line}: names no path.")
    return rows
