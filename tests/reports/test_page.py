from __future__ import annotations

import csv as csv_module
import io
import math
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from selectolax.lexbor import LexborHTMLParser

from chartropy.reports import page as pages
from chartropy.reports.page import TABLES, Season, compare, csv, write_index, write_week
from chartropy.workspace.errors import WorkspaceReadOnly

LAST = date(2026, 6, 25)
MADE_AT = datetime(2026, 6, 29, 9, 0, tzinfo=ZoneInfo("Europe/Moscow"))
WEEK = timedelta(weeks=1)
CHARTS = ("radio", "vk", "youtube")
ABOUT = {
    "version": "0.1.0",
    "model_version": "residue-1",
    "extractor_version": "1",
    "detector": {"auc": 0.981, "auc_low": 0.967, "auc_high": 0.992, "recall": 0.913, "false_positive_rate": 0.021},
    "timezone": "Europe/Moscow",
    "descriptor_count": 212,
}
ODD = [
    ("<script>alert(1)</script>", "Robert'); <img src=x onerror=alert(2)>"),
    ("فيروز", "نسّم علينا الهوى"),
    ("🎸🦄 Единорог", "Танцы 👩‍👩‍👧 до утра 🌅"),
    ("Очень Длинное Имя " * 11, "Песня-без-пробелов" * 12),
    ("=HYPERLINK(1)", "@SUM(A1)"),
]


def a_season(weeks=26, size=100, seed=7, *, ends=LAST, synthetic=False, measured=True, charts=CHARTS) -> Season:
    """A made-up season: songs climb, fall, leave and come back; a few are AI; some cannot be measured."""
    random = np.random.default_rng(seed)
    days = [ends - WEEK * back for back in reversed(range(weeks))]
    words = "Свет Ночь Город Ветер Море Огонь Река Звезда Дом Снег Утро Лето Голос Дорога Сон".split()
    pool = size * 4
    songs = [(f"{words[i % 15]} {words[(i * 7) % 13]}", f"{words[(i * 3) % 14]} {i}") for i in range(pool)]
    for number, odd in enumerate(ODD):
        songs[number * 3 + 1] = odd
    ai = random.random(pool) < 0.14
    verdicts = []
    for number, (artist, title) in enumerate(songs):
        lost = not measured or random.random() < 0.05
        chance = float(np.clip(random.beta(8, 1) if ai[number] else random.beta(1, 12), 0, 1))
        kind = "unmeasured" if lost else "ai" if chance > 0.8 else "undecided" if chance > 0.3 else "human"
        reason = {
            "unmeasured": ("no preview: neither Deezer nor iTunes has this recording", "no preview: the preview of Deezer is silent")[number % 2],
            "ai": "the spectrum carries evenly spaced peaks, as decoders of generative systems leave",
            "human": "no trace of a generative decoder was found",
            "undecided": "a weak trace, as loud mastering may leave it too",
        }[kind]
        verdicts.append(
            (
                f"r{number:04}",
                f"RUA1D{number:07}",
                artist,
                title,
                math.nan if lost else chance,
                kind,
                reason,
                None if lost else "deezer",
                None if lost else str(1000 + number),
                None if lost else f"https://www.deezer.com/track/{1000 + number}",
                "residue-1",
                "2026-06-26T08:00:00Z",
            )
        )
    verdict_table = pd.DataFrame(verdicts, columns=list(TABLES["verdicts"]))
    kinds = verdict_table.set_index("recording_id")["verdict"]
    source = "synthetic" if synthetic else "tophit"
    entries, measures, gaps = [], [], []
    for lane, chart in enumerate(charts):
        strength = random.normal(size=pool) + ai * (0.3 + 0.25 * lane)
        for step, day in enumerate(days):
            strength = 0.93 * strength + 0.35 * random.normal(size=pool) + ai * 0.012
            if weeks > 8 and chart == "vk" and step in (9, 10):
                gaps.append((day.isoformat(), source, chart, "ru", "TopHit refused (403, a challenge page): save the page in a browser and import it."))
                continue
            chosen = np.argsort(-strength, kind="stable")[:size]
            for position, number in enumerate(chosen, 1):
                artist, title = songs[number]
                entries.append(
                    (source, chart, "ru", day.isoformat(), position, f"r{number:04}", f"RUA1D{number:07}", artist, title,
                     f"https://tophit.com/tracks/{number}", "2026-01-09", "pop", "russian", "A label")
                )
            found = kinds.loc[[f"r{number:04}" for number in chosen]].tolist()
            measures += made_up_measures((source, chart, "ru", day.isoformat()), found, lane, step)
    return Season(
        entries=pd.DataFrame(entries, columns=list(TABLES["entries"])),
        verdicts=verdict_table,
        measures=pd.DataFrame(measures, columns=list(TABLES["measures"])).astype({"value": float, "low": float, "high": float}),
        gaps=pd.DataFrame(gaps, columns=list(TABLES["gaps"])),
        about=ABOUT,
        synthetic=synthetic,
    )


def made_up_measures(key, found, lane, step):
    entries = len(found)
    measured = entries - found.count("unmeasured")
    rows = []

    def add(name, value, low, high, n, method):
        rows.append((*key, name, value, low, high, n, method))

    def share(name, verdicts):
        n = len(verdicts) - verdicts.count("unmeasured")
        if n == 0:
            add(name, math.nan, math.nan, math.nan, 0, "census posterior")
            return
        middle = (verdicts.count("ai") + 0.4 * verdicts.count("undecided")) / n
        half = 1.96 * math.sqrt(middle * (1 - middle) / n + 0.02 / n)
        add(name, middle, max(0, middle - half), min(1, middle + half), n, "census posterior, detector error from residue-1")

    share("ai_share", found)
    share("ai_share.top10", found[:10])
    for name, count in (("ai_flagged", found.count("ai")), ("ai_labelled", found.count("ai") // 4), ("undecided", found.count("undecided"))):
        add(name, count, count, count, measured, "count")
    add("unmeasured", found.count("unmeasured"), found.count("unmeasured"), found.count("unmeasured"), entries, "count")
    if measured:
        middle = 14.2 - lane * 1.6 - 0.06 * step + 0.5 * math.sin(step * 1.3 + lane)
        add("diversity.order2", middle, middle - 1.1, middle + 1.3, measured, "unbiased order 2, bootstrap")
        add("diversity.mean_distance", 0.61 - 0.03 * lane, 0.58 - 0.03 * lane, 0.64 - 0.03 * lane, measured, "bootstrap")
    return rows


def nothing_collected() -> Season:
    """A week in which every chart is missing."""
    season = a_season(1)
    reason = "TopHit refused (403, a challenge page): save the page in a browser and import it."
    gaps = [(LAST.isoformat(), "tophit", chart, "ru", reason) for chart in CHARTS]
    return replace(
        season,
        entries=season.entries.iloc[:0],
        verdicts=season.verdicts.iloc[:0],
        measures=season.measures.iloc[:0],
        gaps=pd.DataFrame(gaps, columns=list(TABLES["gaps"])),
    )
