"""Public data read, cleaned and measured year by year, for `published.ipynb` and `tests/analysis/test_published.py`.

The data lie in ``../shared/data``, or in ``data`` of the folder that ``CHARTROPY_SHARED`` names; none is part of this
project. Every reader returns the rows kept and a count of what was set aside, by reason.

Each yearly number has an interval of 95 % that redraws artists, not songs: it says how far the number would move had
other artists made the chart. The list itself is complete, not a sample.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, mannwhitneyu
from scipy.stats import t as student

from chartropy.analysis.diversity import hill, rarefied_hill, same, sample_coverage
from chartropy.analysis.estimates import (
    Estimate,
    bootstrap_interval,
    draw_clusters,
    estimate_mean,
    estimate_share,
    mean_over_pairs,
)
from chartropy.analysis.groups import permdisp, separation_ratio
from chartropy.analysis.loop import holm
from chartropy.analysis.trends import change_points, trend
from chartropy.charts.names import fold, read

DATA = Path(os.environ.get("CHARTROPY_SHARED") or Path(__file__).resolve().parents[2] / "shared").resolve() / "data"

TIMBRE = [f"T-Topic:{number}" for number in range(1, 9)]

RAREFIED = 150
"""Entries to which artists of a TopHit year are rarefied: its lists have 189 or 200."""


class Measure(NamedTuple):
    """What a yearly measure is: its title, its unit, and whether it is a matter of ratios (then trends are of logarithms)."""

    title: str
    unit: str
    ratio: bool = False


TOPHIT = {
    "languages": Measure("Languages, effective number of order 2", "languages", ratio=True),
    "russian": Measure("Songs in Russian", "share of entries"),
    "artists2": Measure("Artists, effective number of order 2", "artists", ratio=True),
    "artists1": Measure(f"Artists of order 1 in {RAREFIED} entries", "artists", ratio=True),
    "artists0": Measure(f"Artists in {RAREFIED} entries", "artists", ratio=True),
    "coverage": Measure("Sample coverage of artists", "share"),
    "songs_kept": Measure("Songs of the year before", "share of entries"),
    "artists_kept": Measure("Artists of the year before", "share of entries"),
    "top10": Measure("The ten commonest artists", "share of entries"),
    "gini": Measure("Gini index of artists", "index"),
    "old": Measure("Songs two years old or more", "share of entries"),
}

HOT100 = {
    "new": Measure("New on the chart in a week", "share of entries"),
    "weeks": Measure("Weeks of a song within the year", "weeks"),
    "acts": Measure("Acts, effective number of order 2", "acts", ratio=True),
    "top10": Measure("The ten commonest acts", "share of entries"),
    "stay": Measure("First stay of a new song", "weeks"),
    "once": Measure("New songs gone after one week", "share of new songs"),
}

RULES = {
    1991.9: "monitored sales and airplay (30 Nov 1991); songs past 20 weeks leave below a set place",
    1998.9: "songs without a single (5 Dec 1998)",
    2005.1: "downloads (12 Feb 2005)",
    2012.2: "on-demand streams (Mar 2012), videos (Feb 2013)",
}
"""When the Hot 100 came to be counted otherwise, as Billboard announced."""


def by_artist(counts: np.ndarray, statistic: Callable[[np.ndarray], float], *, level: float = 0.95) -> Estimate:
    """Estimate a statistic of entries per artist, with the interval of the jackknife that leaves out artists.

    Artists with equally many entries are left out alike, so that it takes as many statistics as there are counts. In 200
    simulations each with 140 artists the intervals of this module's statistics covered .92 to .99 where an artist has 1 to
    5 entries, as in TopHit, but .76 (`top10`) to .94 where some have dozens, as on the Hot 100.
    (J. W. Tukey: Bias and confidence in not-quite large samples, Annals of Mathematical Statistics 29, 1958.)
    """
    counts = np.sort(np.asarray(counts))
    places, artists = np.unique(counts, return_index=True)[1], len(counts)
    times = np.diff(np.r_[places, artists])
    without = np.array([statistic(np.delete(counts, place)) for place in places])
    mean = times @ without / artists
    error = float(np.sqrt((artists - 1) / artists * (times @ (without - mean) ** 2)))
    value, reach = float(statistic(counts)), float(student.ppf((1 + level) / 2, artists - 1)) * error
    return Estimate(
        value, value - reach, value + reach, int(counts.sum()), f"jackknife by artist, Student, {level:.4g}"
    )


def top10(counts: np.ndarray) -> float:
    """Share of entries of the ten commonest."""
    return float(np.sort(counts)[-10:].sum() / counts.sum())


def gini(counts: np.ndarray) -> float:
    """Gini index of entries per artist: 0 where all have equally many."""
    ranks = np.arange(1, len(counts) + 1)
    return float((2 * ranks - len(counts) - 1) @ np.sort(counts) / (len(counts) * counts.sum()))


def tidy(estimates: dict[tuple[int, str], Estimate]) -> pd.DataFrame:
    """Return one row per year and measure: value, low, high, n, method."""
    rows = [(year, measure, e.value, e.low, e.high, e.n, e.method) for (year, measure), e in estimates.items()]
    return pd.DataFrame(rows, columns=["year", "measure", "value", "low", "high", "n", "method"])


def trends_of(
    table: pd.DataFrame, measures: dict[str, Measure], *, first: int = 0, last: int = 9999, replicates: int = 9999
) -> pd.DataFrame:
    """Test each measure's trend against the three nulls of `trend`; `p_holm` is "ar" adjusted for the number of measures.

    `change` with `low` and `high` is that of the whole span: in percent for ratios, in the measure's unit for the others.
    """
    rows = []
    for name, measure in measures.items():
        series = table[(table["measure"] == name) & table["year"].between(first, last)]
        values = np.log(series["value"]) if measure.ratio else series["value"]
        found = trend(values.to_numpy(), series["year"].to_numpy(), replicates=replicates)
        ends = np.array([found.change.value, found.change.low, found.change.high])
        years = f"{series['year'].min()}-{series['year'].max()}"
        unit = "%" if measure.ratio else measure.unit
        ends = 100 * np.expm1(ends) if measure.ratio else ends
        p = [found.p[null] for null in ("ar", "block", "phase")]
        rows.append([name, years, found.n, *ends, unit, *p, found.autocorrelation])
    columns = "measure years n change low high unit p_ar p_block p_phase autocorrelation".split()
    result = pd.DataFrame(rows, columns=columns)
    result.insert(result.columns.get_loc("p_ar") + 1, "p_holm", holm(result["p_ar"]))
    return result.set_index("measure")


def breaks_of(
    table: pd.DataFrame,
    measures: dict[str, Measure],
    *,
    most: int,
    first: int = 0,
    null: str = "level",
    replicates: int = 1999,
) -> pd.DataFrame:
    """Find where each measure breaks; `p_adjusted` knows of the breaks looked for, `p_holm` also of the measures."""
    found = {}
    for name, measure in measures.items():
        series = table[(table["measure"] == name) & (table["year"] >= first)]
        values = np.log(series["value"]) if measure.ratio else series["value"]
        found[name] = change_points(
            values.to_numpy(), series["year"].to_numpy(), most=most, null=null, replicates=replicates
        )
        if measure.ratio:
            found[name][["before", "after"]] = np.exp(found[name][["before", "after"]])
    likeliest = pd.Series({name: each["p_adjusted"].min() for name, each in found.items()})
    factor = pd.Series(holm(likeliest), likeliest.index) / likeliest
    result = pd.concat(found, names=["measure"]).reset_index("measure").reset_index(drop=True)
    result["p_holm"] = np.minimum(1, result["p_adjusted"] * result["measure"].map(factor))
    return result[["measure", "time", "before", "after", "p_adjusted", "p_holm", "null"]]


# Timbre topics of the Hot 100


def topics() -> tuple[pd.DataFrame, dict[str, int]]:
    """Read 12,539 songs of the Hot 100 with their topics; the second row of a song of one month is set aside."""
    songs = pd.read_csv(DATA / "hot100_topics" / "hot100_topics.csv", keep_default_na=False)
    again = songs.duplicated(["Song", "Performer", "Year", "Month"])
    songs["quarter"] = songs["Year"] + (songs["Month"] - 1) // 3 / 4
    return songs[~again].reset_index(drop=True), {"rows given twice": int(again.sum())}


def effective_topics(songs: pd.DataFrame, *, replicates: int = 1000) -> Estimate:
    """Effective timbre topics of one year: exp of the entropy of the mean of its quarters' mean shares.

    The interval is of Student's t with the standard deviation of a bootstrap that draws performers.
    """
    performer = pd.factorize(songs["Performer"])[0]
    performers = int(performer.max()) + 1
    drawn = np.vstack([np.ones(len(songs)), draw_clusters(performers, replicates, 0)[:, performer]])
    quarters = []
    for quarter in songs["quarter"].unique():
        weights = drawn * (songs["quarter"] == quarter).to_numpy()
        quarters.append((weights @ songs[TIMBRE].to_numpy()) / weights.sum(axis=1, keepdims=True))
    shares = np.mean(quarters, axis=0)
    value, *copies = (hill(each) for each in shares)
    reach = student.ppf(0.975, performers - 1) * np.std(copies) * np.sqrt(performers / (performers - 1))
    method = f"bootstrap by performer, {replicates} replicates, seed 0, Student, 0.95"
    return Estimate(value, value - reach, value + reach, len(songs), method)


def topic_years(songs: pd.DataFrame, *, replicates: int = 1000) -> pd.DataFrame:
    """Return the effective timbre topics of every full year."""
    years = songs[songs["Year"] > 1958].groupby("Year")
    return tidy({(year, "topics"): effective_topics(of_year, replicates=replicates) for year, of_year in years})


def topic_quarters(songs: pd.DataFrame) -> pd.DataFrame:
    """Return mean principal components of all 14 topics by quarter, 1960-2009, each of unit variance over songs."""
    songs = songs[songs["Year"].between(1960, 2009)]
    values = songs.filter(like="Topic").to_numpy()
    left, size, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    components = left[:, size > size[0] / 1000]  # shares sum to 1: what is left of the others is rounding
    return pd.DataFrame(components / components.std(axis=0)).groupby(songs["quarter"].to_numpy()).mean()


# The study of 1,200 clips

LOUDNESS = ["crest_factor", "dynamic_range_db", "rms_mean", "rms_std", "rms_var", "percussive_ratio"]
"""Loudness, a constant, and what `harmonic_ratio` says already: the published tables rest on the other 66 descriptors."""

ABOUT = ["filename", "system", "genre", "condition", "version_note", "spotify_id", "artist", "title"]


def study() -> tuple[pd.DataFrame, np.ndarray]:
    """Read the clips, and the distances of their standardised descriptors.

    An AI clip is named after a human one: `cluster` is the system with the human track's artist.
    """
    clips = pd.read_csv(DATA / "ai_music_homogenization" / "all_features.csv")
    rows = clips.drop(columns=ABOUT + LOUDNESS).to_numpy(float)
    artists = clips.dropna(subset="artist").drop_duplicates("spotify_id").set_index("spotify_id")["artist"]
    clips["artist"] = clips["artist"].fillna(clips["filename"].str.rsplit("_", n=1).str[0].map(artists))
    clips["cluster"] = clips["system"] + ": " + clips["artist"]
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    squares = (rows**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0))
    np.fill_diagonal(distances, 0)
    return clips[["system", "genre", "cluster"]], (distances + distances.T) / 2


def separations(clips: pd.DataFrame, distances: np.ndarray) -> pd.DataFrame:
    """Return the published separation ratio of each system's genres beside ours, and the one freed of its bias."""
    published = pd.read_csv(DATA / "ai_music_homogenization" / "genre_separation.csv", index_col="system")
    rows = {}
    for system in ("human", "suno", "lyria"):
        here = np.flatnonzero(clips["system"] == system)
        genre, cluster = clips["genre"].to_numpy()[here], clips["cluster"].to_numpy()[here]
        found = separation_ratio(distances[np.ix_(here, here)], genre, clusters=cluster)
        ratio = found.corrected
        rows[system] = (
            published.loc[system, "separation_ratio"],
            found.ratio,
            ratio.value,
            ratio.low,
            ratio.high,
            ratio.n,
        )
    return pd.DataFrame(rows, index=["published", "ours", "corrected", "low", "high", "n"]).T.astype({"n": int})


def spreads(clips: pd.DataFrame, distances: np.ndarray, *, permutations: int = 1999) -> pd.DataFrame:
    """Compare how far clips of one genre lie apart in an AI system and among humans.

    `pairs` is the published ratio of mean distances and `q_pairs` what follows when pairs are taken as independent
    (Mann-Whitney; null: pairs of both are draws of one distribution). `ratio`, `low`, `high` and `q` are PERMDISP's (null:
    equal spread about own centres, permuted by artist). Both q are adjusted by Benjamini-Hochberg over all rows.
    """
    published = pd.read_csv(DATA / "ai_music_homogenization" / "distance_summary.csv", index_col="genre")
    rows = []
    for system in ("suno", "lyria"):
        for genre in published.index:
            chosen = clips["system"].isin(["human", system]) & (clips["genre"] == genre)
            here = np.flatnonzero(chosen)
            inside, who = distances[np.ix_(here, here)], clips["system"].to_numpy()[here]
            ours, human = (
                inside[np.ix_(who == one, who == one)][np.triu_indices(int((who == one).sum()), 1)]
                for one in (system, "human")
            )
            found = permdisp(
                inside, who, clusters=clips["cluster"].to_numpy()[here], reference="human", permutations=permutations
            )
            ratio = found.ratio[system]
            by_pairs = (
                published.loc[genre, f"{system}_ratio"],
                ours.mean() / human.mean(),
                mannwhitneyu(ours, human).pvalue,
            )
            rows.append((system, genre, *by_pairs, ratio.value, ratio.low, ratio.high, found.n, found.p))
    columns = ["system", "genre", "published", "pairs", "q_pairs", "ratio", "low", "high", "n", "q"]
    result = pd.DataFrame(rows, columns=columns)
    for column in ("q_pairs", "q"):
        result[column] = false_discovery_control(result[column])
    return result


# TopHit, Russian radio


def tophit() -> tuple[pd.DataFrame, dict[str, int]]:
    """Read the annual lists of Russian radio.

    Names are compared as `chartropy.charts.names` folds them; remixes are the same song; the artist is the first one, for
    the source names no other. Where it is "unknown", the entry counts for languages and ages only.
    """
    lists = pd.read_csv(DATA / "tophit_annual_ru" / "tophit_annual_with_row_order.csv", keep_default_na=False)
    rows = lists[lists["platform"] == "radio"].reset_index(drop=True)
    rows["artist"] = [fold(artist) for artist in rows["artist_name"]]
    rows["known"] = rows["artist"] != "unknown"
    title = [read(artist, song).title for artist, song in zip(rows["artist_name"], rows["song_name"], strict=True)]
    rows["song"] = rows["artist"] + " | " + pd.Series(title)
    rows.loc[~rows["known"], "artist"] = [f"unknown {row}" for row in rows.index[~rows["known"]]]
    released = pd.to_datetime(rows["release_date"], errors="coerce").dt.year
    rows["age"] = rows["year"] - released
    first = rows["year"] == rows["year"].min()
    return rows, {
        "rows of other platforms": len(lists) - len(rows),
        "artist unknown": int((~rows["known"]).sum()),
        "missing of 200 in 2003": 200 - int(first.sum()),
        "released after the year of the list, age taken as 0": int((rows["age"] < 0).sum()),
        "rows given twice": int(rows.duplicated(["year", "artist_name", "song_name"]).sum()),
    }


def tophit_year(year: pd.DataFrame, before: pd.DataFrame | None) -> dict[str, Estimate]:
    """Measure one list, given that of the year before."""
    known = year[year["known"]]
    artists = known["artist"].to_numpy()
    counts = known["artist"].value_counts().to_numpy()
    everyone = year["artist"].to_numpy()
    found = {
        "languages": bootstrap_interval(same([[one] for one in year["language"]]), everyone, statistic=np.reciprocal),
        "russian": estimate_share((year["language"] == "russian").to_numpy(), everyone),
        "artists2": bootstrap_interval(same([[one] for one in artists]), artists, statistic=np.reciprocal),
        "artists1": by_artist(counts, lambda kept: rarefied_hill(kept, RAREFIED, 1)),
        "artists0": by_artist(counts, lambda kept: rarefied_hill(kept, RAREFIED, 0)),
        "coverage": by_artist(counts, sample_coverage),
        "top10": by_artist(counts, top10),
        "gini": by_artist(counts, gini),
        "old": estimate_share((year["age"] >= 2).to_numpy(), everyone),
    }
    if before is not None:
        before = before[before["known"]]
        found["songs_kept"] = estimate_share(known["song"].isin(before["song"]).to_numpy(), artists)
        found["artists_kept"] = estimate_share(known["artist"].isin(before["artist"]).to_numpy(), artists)
    return found


def tophit_years(rows: pd.DataFrame) -> pd.DataFrame:
    """Measure every list: tidy, as `tidy` says."""
    lists = dict(iter(rows.groupby("year")))
    found = {(y, name): e for y, rows in lists.items() for name, e in tophit_year(rows, lists.get(y - 1)).items()}
    return tidy(found)


# The Hot 100 itself

GUESTS = r"(?i)\s*[(\[]?\b(?:feat(?:uring)?|ft|with|duet with|introducing|starring)\b.*"
"""What follows an act's own name; acts joined by "&", "x" or a comma are one act."""


def hot100() -> tuple[pd.DataFrame, dict[str, int]]:
    """Read the weekly charts, and mark which entries were not on the chart of the week before.

    A song is its act and its title, folded, so that a guest who is added later makes no new song. The lower of two entries
    of one song in one week is set aside.
    """
    files = sorted((DATA / "hot100").glob("*.csv.gz"))
    rows = pd.concat(
        [pd.read_csv(file, keep_default_na=False, na_values={"last_week": [""]}) for file in files], ignore_index=True
    )
    named = pd.Series(rows["artist"].unique())
    act = dict(zip(named, map(fold, named.str.replace(GUESTS, "", regex=True)), strict=True))
    rows["act"] = rows["artist"].map(act)
    rows["title"] = rows["song"].map({title: fold(title) for title in rows["song"].unique()})
    rows["key"] = rows.groupby(["act", "title"], sort=False).ngroup()
    rows["week"] = pd.factorize(rows["date"], sort=True)[0]
    rows["year"] = rows["date"].str[:4].astype(int)
    rows = rows.sort_values(["week", "this_week"], ignore_index=True)
    sizes = rows.groupby("week").size()
    again = rows.duplicated(["week", "key"])
    rows = rows[~again].reset_index(drop=True)
    place = rows["key"].to_numpy() * (rows["week"].max() + 2) + rows["week"].to_numpy()
    rows["new"] = ~np.isin(place - 1, place)
    songs = rows.groupby("week")["key"].agg(tuple)
    return rows, {
        "second entry of one song in one week": int(again.sum()),
        "weeks of 99 entries, kept": int((sizes < 100).sum()),
        "weeks printed again unchanged, kept": int((songs == songs.shift()).sum()),
        "entries we and the source's last_week disagree on": int(
            (rows["new"] != rows["last_week"].isna())[rows["week"] > 0].sum()
        ),
    }


def first_stays(rows: pd.DataFrame) -> pd.DataFrame:
    """Return each song's first unbroken stay: key, act, year, weeks; those of the very first chart are left out."""
    rows = rows.sort_values(["key", "week"], kind="stable")
    stay = rows.groupby("key")["new"].cumsum()
    first = rows[stay == 1].groupby("key")
    found = first.agg(act=("act", "first"), year=("year", "first"), start=("week", "first"), weeks=("week", "size"))
    return found[found["start"] > 0].reset_index()


def hot100_year(year: pd.DataFrame, stays: pd.DataFrame, *, interval: bool = True) -> dict[str, Estimate]:
    """Measure one year. `interval=False` spares the one interval that takes long, of `acts`."""
    songs = year.groupby("key").agg(act=("act", "first"), weeks=("week", "size"))
    act, weeks = songs["act"].to_numpy(), songs["weeks"].to_numpy(float)
    pairs = same([[one] for one in act])
    if interval:
        acts = bootstrap_interval(pairs, act, weights=weeks, statistic=np.reciprocal)
    else:
        acts = Estimate(1 / mean_over_pairs(pairs, weeks), np.nan, np.nan, len(songs), "no interval asked for")
    began = stays["act"].to_numpy()
    return {
        "new": estimate_mean(year["new"].to_numpy(), year["act"].to_numpy()),
        "weeks": estimate_mean(weeks, act),
        "acts": acts,
        "top10": by_artist(songs.groupby("act")["weeks"].sum().to_numpy(), top10),
        "stay": estimate_mean(stays["weeks"].to_numpy(), began),
        "once": estimate_share((stays["weeks"] == 1).to_numpy(), began),
    }


def hot100_years(rows: pd.DataFrame, *, first: int = 1959, last: int = 2025, interval: bool = True) -> pd.DataFrame:
    """Measure every full year: tidy, as `tidy` says."""
    years, stays = rows.groupby("year"), dict(iter(first_stays(rows).groupby("year")))
    found = {}
    for year in range(first, last + 1):
        measured = hot100_year(years.get_group(year), stays[year], interval=interval)
        found |= {(year, name): estimate for name, estimate in measured.items()}
    return tidy(found)
