"""Whether one chart drifts to its mean: its entries, descriptors and verdicts, as `analysis.mediocrity` takes them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def drift_of_chart(
    entries: pd.DataFrame,
    verdicts: pd.DataFrame,
    vectors: pd.DataFrame,
    key: tuple[str, str, str],
    *,
    weeks: int,
    block: int,
    replicates: int,
    seed: int,
) -> pd.DataFrame:
    """Measure the drift, the tails and the chart without AI; see :meth:`.tables.Tables.mediocrity`.

    Parameters
    ----------
    entries, verdicts, vectors : pandas.DataFrame
        As for :func:`.homogenization.decompose_chart`, of all charts.
    key : tuple of str
        Source, chart and country.
    weeks, block, replicates, seed : int
        As for :func:`.analysis.mediocrity.drift`.

    Returns
    -------
    pandas.DataFrame
        ``week, quantity, value, low, high, expected, p, n, method``.
    """
    import pandas as pd

    from ..analysis import mediocrity as m
    from ..analysis.estimates import estimate_share
    from ..analysis.measures import PARTS, SOUNDS, first_artist, load_space
    from ..analysis.trends import FEWEST, trend

    entries = entries.dropna(subset=["week"])
    here = (entries[["source", "chart", "country"]] == list(key)).all(axis=1)
    own = _entered(entries[here & (entries["position"] <= SOUNDS)])
    known = _entered(entries[~here & (entries["week"] > str(own["week"].min()))])
    first = own["week"] == own["week"].min()  # when these came nobody knows
    early = int(own["recording_id"][first].isin(vectors.index).sum())
    own = own[~first]
    judged = verdicts[verdicts["verdict"] != "unmeasured"].set_index("recording_id")["verdict"]
    heard = own[own["recording_id"].isin(vectors.index)].reset_index(drop=True)
    if heard.empty:
        why = "no estimate: no recording that came after the chart's first stored week was heard"
        nothing = [("ratio", *[np.nan] * 5, 0, why)]
        return pd.DataFrame(nothing, columns=m.COLUMNS).assign(week=None)[["week", *m.COLUMNS]]
    begin = date.fromisoformat(str(heard["week"].min()))
    heard["time"] = [(date.fromisoformat(week) - begin).days // 7 for week in heard["week"]]
    space = load_space()
    rows, times = space.embed(vectors.loc[heard["recording_id"]]), heard["time"].to_numpy()
    artists = [first_artist(artist) for artist in heard["artist"]]
    options: dict[str, Any] = {"replicates": replicates, "seed": seed}
    found = [m.drift(rows, times, artists, window=weeks, block=block, **options)]
    series = [m.running(rows, times, artists, window=weeks, **options)]
    weekly = [
        pd.DataFrame(
            {
                "week": _weeks(begin, series[0]["time"]),
                "quantity": "distance",
                "value": series[0]["distance"],
                "low": series[0]["low"],
                "high": series[0]["high"],
                "n": series[0]["n"],
                "method": [
                    f"against {past} recordings of the {weeks} weeks before; "
                    + (
                        "bootstrap by artist"
                        if np.isfinite(low)
                        else f"no interval: {m.FEWEST_PAST} are needed"
                        if past < m.FEWEST_PAST
                        else f"no interval: {n} newcomers, of fewer than 3 artists"
                    )
                    for past, low, n in zip(series[0]["past"], series[0]["low"], series[0]["n"], strict=True)
                ],
            }
        )
    ]
    base = times < weeks
    most = int((times < times.max()).sum())
    for part, side in [("", space), *((f".{name}", space.only(*of)) for name, of in PARTS.items())]:
        if base.all():
            # what each needs of a baseline
            limits = [(f"tail_{100 * q:g}{part}", round(1 - q, 12), m.fewest_beyond(q)) for q in m.TAILS]
            names = [(f"baseline_ratio{part}", 1.0, m.FEWEST_BASELINE), *limits]
            names.append((f"tail_90{part}.change", 0.0, m.fewest_beyond(0.9)))
            lacking = [
                (name, *[np.nan] * 3, expected, np.nan, 0, m.lacking_baseline(len(heard), 0, needed, most))
                for name, expected, needed in names
            ]
            found.append(pd.DataFrame(lacking, columns=m.COLUMNS))
        else:
            there = side.embed(vectors.loc[heard["recording_id"]])
            tails = m.tail_loss(there, base, artists, replicates=replicates, seed=seed)
            found.append(tails.assign(quantity=tails["quantity"].replace("ratio", "baseline_ratio") + part))
            hits = m.beyond(there, base, artists, 0.9)
            shares = {
                time: estimate_share(hits[times == time], np.array(artists, dtype=object)[times == time])
                for time in np.unique(times[np.isfinite(hits)])
            }
            course = trend([one.value for one in shares.values()], list(shares), seed=seed)
            moved = course.change
            how = f'{moved.method}; p: null "ar", no trend'
            if not shares:
                how = str(tails.set_index("quantity")["method"]["tail_90"])
            elif not np.isfinite(moved.value):
                # with the shortest baseline that has the limit
                later = np.sort(times)[m.fewest_beyond(0.9) - 1]
                helps = len(np.unique(times[times > later])) >= FEWEST
                how = (
                    f"no estimate: newcomers after the baseline came in {len(shares)} weeks, {FEWEST} are needed: "
                    f"{'fewer --weeks, or ' if helps else ''}a longer chart"
                )
            change = (
                f"tail_90{part}.change", moved.value, moved.low, moved.high, 0.0, course.p["ar"], int((~base).sum()), how,
            )  # fmt: skip
            found.append(pd.DataFrame([change], columns=m.COLUMNS))
            weekly.append(
                pd.DataFrame(
                    [
                        (week, f"tail_90{part}", one.value, one.low, one.high, one.n, one.method)
                        for week, one in zip(_weeks(begin, shares), shares.values(), strict=True)
                    ],
                    columns=["week", "quantity", "value", "low", "high", "n", "method"],
                )
            )
    found.append(_without_ai(heard, known, judged, vectors, weeks, begin, options))
    table = pd.concat([one for one in [*found, *weekly] if len(one)], ignore_index=True)
    if early:
        empty = table["method"].str.startswith("no estimate")
        table.loc[empty, "method"] += (
            f"; {early} more, heard in the chart's first stored week, are left out, since nobody knows when they came"
        )
    return table.reindex(columns=["week", *m.COLUMNS])


def _without_ai(heard, known, judged, vectors, weeks, begin, options) -> pd.DataFrame:
    """The rows of the chart without AI, of the recordings that were judged."""
    import pandas as pd

    from ..analysis import mediocrity as m
    from ..analysis.detector import Detector
    from ..analysis.measures import first_artist, load_space

    mine = heard[heard["recording_id"].isin(judged.index)]
    if mine.empty:
        why = f"no estimate: none of the {len(heard)} recordings heard was judged: `chartropy analyze` does"
        kinds = [
            f"{name}.{kind}"
            for name in ("distance", "ratio", "tail_90", "tail_95", "tail_99")
            for kind in ("without_ai", "replaced", "due_to_ai")
        ]
        return pd.DataFrame([(name, *[np.nan] * 5, 0, why) for name in kinds], columns=m.COLUMNS)
    ready = set(judged.index) & set(vectors.index) - set(heard["recording_id"])
    others = known[known["recording_id"].isin(ready)].copy()
    others["time"] = [(date.fromisoformat(week) - begin).days // 7 for week in others["week"]]
    others = others[others["time"].between(0, mine["time"].max())]
    both = pd.concat([mine, others], ignore_index=True)
    detector = Detector.load()
    return m.without_ai(
        load_space().embed(vectors.loc[both["recording_id"]]),
        both["time"].to_numpy(),
        [first_artist(artist) for artist in both["artist"]],
        (judged.loc[both["recording_id"]] == "ai").to_numpy(),
        sensitivity=detector.sensitivity,
        specificity=detector.specificity,
        spare=np.arange(len(both)) >= len(mine),
        window=weeks,
        **options,
    ).query("quantity.str.contains('.', regex=False)")


def _entered(entries: pd.DataFrame) -> pd.DataFrame:
    """Each recording once, in the week it came."""
    once = entries.sort_values(["week", "position"]).drop_duplicates("recording_id")
    return once[["recording_id", "artist", "week"]]


def _weeks(begin: date, times) -> list[str]:
    from datetime import timedelta

    return [(begin + timedelta(weeks=int(time))).isoformat() for time in times]
