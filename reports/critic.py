"""Tracks judged by :mod:`chartropy.analysis.critic`: of a chart week against the year before it, and files against others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..workspace.errors import AudioError, SettingsError

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
        As :meth:`.tables.Tables.critic` and `judge_files` describe.
    critic : Critic
    """

    tracks: pd.DataFrame
    critic: Critic

    def __repr__(self) -> str:  # in a notebook; the critic knows all its reference
        return f"<Judged: {len(self.tracks)} tracks, by {self.critic.method}>"


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
        Last day of one that has entries.
    seed, replicates : int
        As for `fit_critic` and `Critic.judge`.

    Raises
    ------
    SettingsError
        There is too little before that week.
    """
    from datetime import date, timedelta

    from ..analysis.critic import fit_critic, measured
    from ..analysis.measures import SOUNDS, load_space
    from ..analysis.novelty import PAST_WEEKS

    here = entries[entries["week"] == week]
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
    paths: Sequence[Path | str] | Path | str,
    reference: Path | str,
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
    paths : sequence of Path or str
        Files, or folders that are searched through. One that is in the reference too, by its sound, is judged without
        itself and its artist.
    reference : Path or str
        CSV with the column ``path``, relative to it, and others. Where it has the descriptors, as one that `chartropy
        describe` wrote, the files are not listened to again.
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
        Tracks: ``path``, what `Critic.judge` gives, ``left_out`` (by whom recordings of the reference were left out, because
        the file itself is among them), ``problem`` (why a file could not be used), ``method``.

    Raises
    ------
    SettingsError
        The list cannot be read, has no such column, or is too short.
    AudioError
        No file can be judged.
    """
    import pandas as pd

    from ..analysis.critic import FEWEST_ARTISTS, check_reference, fit_critic, measured
    from ..analysis.measures import load_space
    from ..analysis.space import SAME
    from ..features.registry import DESCRIPTORS
    from .catalogue import describe_files
    from .files import existing_audio, read_listed
    from .weekly import plainly

    reference = Path(reference)
    listed = read_listed(reference, f"--reference {reference}")
    columns = list(listed.columns)
    for option, name in (("--style", style), ("--artist", artist)):
        if name is not None and name not in columns:
            raise SettingsError(f"{option} {name}: {reference} has no such column; it has {', '.join(columns)}.")
    by = artist or ("artist" if "artist" in columns else None)
    if by is None:
        log.warning(
            "%s names no artist: each file stands alone, and one artist's are held against each other.", reference
        )
    if by and (count := len({*listed[by]} - {""}) + int((listed[by] == "").sum())) < FEWEST_ARTISTS:
        raise SettingsError(
            f"--reference {reference}: the column {by} names {count} artists, {FEWEST_ARTISTS} are needed; --artist says "
            "which column names them."
        )
    files = [str(one) for one in existing_audio(paths)]

    def artists_of(paths: Iterable[str]) -> list[str]:
        return [(str(listed.at[path, by]) if by else "") or path for path in paths]

    def styles_of(paths: Iterable[str]) -> list[str] | None:
        return [str(listed.at[path, style]) for path in paths] if style else None

    try:
        check_reference(artists_of(listed.index), styles_of(listed.index))  # before hours are spent on a long list
    except ValueError as error:
        raise SettingsError(f"{reference} is too little to judge by: {error}.") from None
    space = load_space()
    stored = set(DESCRIPTORS) <= set(columns)
    every = describe_files([*(() if stored else listed.index), *files], jobs=jobs, track=track or plainly)
    every = every.drop_duplicates("path").set_index("path")
    known = listed if stored else every.loc[list(listed.index)]
    if dropped := list(known.index[~measured(known, space)]):
        why = known.get("problem", pd.Series(dtype=object)).get(dropped[0]) or "fewer than half the descriptors"
        log.warning("%d of the reference cannot be used, first %s: %s", len(dropped), dropped[0], why)
        known = known.drop(index=dropped)
    asked = every.loc[files]
    heard = measured(asked, space)
    if not heard.any():
        raise AudioError(f"None of the {len(files)} files can be judged. {files[0]}: {asked['problem'].iloc[0]}")
    whose = artists_of(known.index)
    critic = _first_that_fits(
        [lambda: fit_critic(known, whose, styles=styles_of(known.index), space=space, seed=seed)], str(reference)
    )
    # what is its own neighbour would be typical: the reference is held against a file without it and its artist
    near = np.zeros((len(files), len(known)), dtype=bool)
    near[heard] = space.distances(asked[heard], known) <= SAME
    own = [[whose[there] for there in np.flatnonzero(here)] for here in near]
    for path, there in zip(files, own, strict=True):
        if there:
            log.warning(
                "%s is in %s too: it is judged without itself and without what else is by %s.",
                path,
                reference,
                there[0],
            )
    found = critic.judge(asked, own, replicates=replicates)
    without = ["; ".join(dict.fromkeys(there)) for there in own]
    found = found.assign(left_out=without, problem=asked["problem"], method=critic.method)
    return Judged(found.rename_axis("path").reset_index(), critic)


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
