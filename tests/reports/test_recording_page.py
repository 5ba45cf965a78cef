"""The pages of single recordings: those of the demonstration, and some of what nobody demonstrates."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pandas as pd
import pytest

from chartropy.analysis.detector import Verdict
from chartropy.analysis.fuse import fuse
from chartropy.analysis.measures import load_space
from chartropy.charts import claims, identity
from chartropy.features.registry import DESCRIPTORS
from chartropy.reports import recording_page, weekly
from chartropy.reports.recording import Recording, Recordings
from chartropy.reports.recording_page import FAMILIAR, made_at, write_recordings
from chartropy.reports.season import Season
from chartropy.reports.tables import Tables, current_vectors
from chartropy.reports.words import words_in
from chartropy.workspace import tables as t
from chartropy.workspace.workspace import Workspace

from .test_languages import no_english_in
from .test_page import MADE_AT, a_small_chart, read, words

pytestmark = pytest.mark.xdist_group("demo")  # one season is made for all
LATER = "2030-01-08T09:00:00+00:00"


class Run:
    """A copy of the demonstration and its reports."""

    def __init__(self, folder: Path):
        self.workspace = Workspace(folder)
        self.folder = self.workspace.reports_folder
        self.tables = Tables(self.workspace)
        self.season = weekly.read_season(self.workspace)
        entries = self.tables.entries()
        self.weeks = sorted(entries["week"].unique())
        now = entries[entries["week"] == self.weeks[-1]]
        stayed = entries["recording_id"].value_counts()
        kinds = self.tables.verdicts().set_index("recording_id")["verdict"]
        self.ai, self.human = (
            next(one for one in now["recording_id"] if kinds[one] == kind and stayed[one] > 1)
            for kind in ("ai", "human")
        )

    def report(self, moment: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHARTROPY_NOW", moment)
            weekly.report(self.workspace, [date.fromisoformat(self.weeks[-1])])

    def page(self, recording_id: str, file: str = "index.html") -> Path:
        return self.folder / "recordings" / recording_id / file

    def write(self, folder: Path, recording: Recording, season: Season | None = None) -> None:
        """Write a page in both languages, as a run would."""
        recording_page._write(
            folder, recording, self.tables.sketch(self.ai), season or replace(self.season, recordings=None),
            frozenset(), MADE_AT, ("en", "ru"), "0",
        )  # fmt: skip


@pytest.fixture(scope="module")
def run(demo_season, tmp_path_factory):
    made = Run(shutil.copytree(demo_season, tmp_path_factory.mktemp("recordings") / "demo"))
    yield made
    made.workspace.close()


def unheard(known: Recording, sound: Verdict | None = None) -> Recording:
    """The same recording, had nobody found its sound."""
    return replace(
        known, sound=sound, evidence=fuse(sound, []) if sound else None,
        descriptors=known.descriptors.iloc[:0], alike=known.alike.iloc[:0],
    )  # fmt: skip


def rows_of(page, section, table="table"):
    return [
        [words(cell) for cell in row.css("th, td")]
        for row in page.css_first(f"section[aria-labelledby={section}] {table}").css("tbody tr")
    ]


def dead_links(file):
    """Addresses on a page that lead to no file and no place."""
    page = read(file)
    for node in page.css("[href]"):
        link = urlsplit(node.attributes["href"])
        if link.scheme or node.tag == "use":
            continue
        target = (file.parent / unquote(link.path)).resolve() if link.path else file
        if not target.is_file() or (link.fragment and not read(target).css(f"[id='{link.fragment}']")):
            yield node.attributes["href"]


# -- what a page says --------------------------------------------------------------------------------------------------


def test_every_charted_recording_has_a_page_and_no_link_is_dead(run):
    charted = set(run.tables.entries()["recording_id"])
    assert {one.name for one in (run.folder / "recordings").iterdir()} == charted
    checked = [run.page(one) for one in {*sorted(charted)[:8], run.ai, run.human}]
    for file in [*checked, run.folder / run.weeks[-1] / "index.html", run.folder / "index.html"]:
        assert list(dead_links(file)) == [], file
    week = read(run.folder / run.weeks[-1] / "index.html")
    titles = week.css("#chart-1-table th.title a")
    now = run.tables.chart("synthetic", "demo", run.weeks[-1], run.tables.entries()["country"].iloc[0])
    assert [a.attributes["href"] for a in titles] == [f"../recordings/{one}/index.html" for one in now["recording_id"]]


def test_the_history_agrees_with_the_entries(run):
    entries = run.tables.entries()
    for one in (run.ai, run.human):
        page = read(run.page(one))
        mine = entries[entries["recording_id"] == one].sort_values("week", ascending=False)
        assert len(mine) > 1
        assert [[week, place] for week, _, place, _ in rows_of(page, "history")] == [
            [row.week, str(row.position)] for row in mine.itertuples()
        ]
        facts = {words(fact.css_first("dt")): words(fact.css_first("dd")) for fact in page.css("dl.facts > div")}
        assert facts["Best place"] == str(mine["position"].min())
        assert facts["On a chart"] == f"{len(mine)} weeks"
        places = pd.read_csv(run.page(one, "figures/places.csv"))
        assert dict(zip(places["week"], places["position"], strict=True)) == dict(
            zip(mine["week"], mine["position"], strict=True)
        )
    names = run.tables.names().set_index("recording_id").loc[[run.ai]]
    assert rows_of(read(run.page(run.ai)), "spellings") == [
        ["Synthetic", row.artist, row.title, ""] for row in names.itertuples()
    ]


def test_what_a_verdict_rests_on_is_told_and_drawn(run):
    for one, verdict in ((run.ai, "AI"), (run.human, "Human")):
        page, known = read(run.page(one)), run.tables.recording(one)
        evidence = page.css_first("section[aria-labelledby=evidence]")
        assert known.evidence.reason in words(evidence)
        assert words(page.css_first("dl.facts .verdict")) == verdict
        (who, says, *_), *_ = rows_of(page, "evidence")
        assert (who, says) == ("sound", verdict)
        drawn = evidence.css("figure")
        assert len(drawn) == 2
        for figure in drawn:
            for link in figure.css(".saved a"):
                assert run.page(one, link.attributes["href"]).stat().st_size > 500
        tones = pd.read_csv(run.page(one, "figures/folded.csv"))
        spacing = known.sound.evidence["spacing_hz"]
        aside = tones["hertz"] / spacing - (tones["hertz"] / spacing).round()
        assert (aside - tones["multiples_aside"]).abs().max() < 2e-3


NO_PREVIEW = Verdict("unmeasured", None, "no preview: deezer: no track with this artist, title and version", "m")


@pytest.mark.parametrize(
    ("sound", "said", "in_russian"),
    [
        (None, "Not judged yet: the week was not analysed to its end.", "Вердикта ещё нет: анализ недели не закончен."),
        (NO_PREVIEW, NO_PREVIEW.reason, "нет превью: deezer: нет трека с таким исполнителем, названием и версией"),
    ],
)
def test_what_was_not_heard_is_said_in_words(sound, said, in_russian, run, tmp_path):
    run.write(tmp_path, unheard(run.tables.recording(run.ai), sound))
    page, russian = read(tmp_path / "index.html"), read(tmp_path / "index.ru.html")
    section = lambda name: words(page.css_first(f"section[aria-labelledby={name}]"))  # noqa: E731
    assert words(page.css_first("dl.facts .verdict")) == "Unmeasured"
    assert not page.css(".probability")
    assert said in section("evidence")
    assert in_russian in words(russian.css_first("section[aria-labelledby=evidence]"))
    assert section("sound").endswith("It was not heard, or described by an older release only.")
    assert section("alike").endswith("Nothing that was heard charted here before it.")
    assert {file.name for file in (tmp_path / "figures").iterdir()} == {*("places.svg", "places.csv", "places.ru.svg")}
    no_english_in(tmp_path / "index.ru.html")


def test_what_was_not_heard_among_others_that_were_has_a_page(run, tmp_path):
    heard = current_vectors(run.tables.descriptors())
    known = Recordings(run.tables, vectors=heard.drop(index=run.ai)).of(run.ai)
    assert known.descriptors.empty
    run.write(tmp_path, known)
    section = words(read(tmp_path / "index.html").css_first("section[aria-labelledby=sound]"))
    assert section.endswith("It was not heard, or described by an older release only.")


@pytest.mark.parametrize(
    "kept",
    [
        (),
        ("spacing_hz", "log_odds"),
        ("kind", "strengths", "lines", "spacing_hz"),
        ("alike", "expected", "lines", "ai_from", "human_below", "log_odds"),
    ],
)
@pytest.mark.parametrize("verdict", ["ai", "human"])
def test_evidence_of_an_older_release_is_shown_as_far_as_it_goes(kept, verdict, run, tmp_path):
    known = run.tables.recording(run.ai)
    evidence = {name: known.sound.evidence[name] for name in kept}
    if "alike" in kept:
        evidence["alike"] = {"ai": [{"maker": "somebody"}]}
    sound = replace(known.sound, verdict=verdict, evidence=evidence)
    run.write(tmp_path, replace(known, sound=sound, evidence=fuse(sound, [])))
    said = words(read(tmp_path / "index.html").css_first("section[aria-labelledby=evidence]"))
    assert known.sound.reason in said
    assert "fine structure" in said
    assert [piece in said for piece in (" ms", "of the kind", "Log-odds", "somebody", "or from a loop")] == [
        "spacing_hz" in kept, "kind" in kept, "ai_from" in kept, "alike" in kept, False,
    ]  # fmt: skip
    no_english_in(tmp_path / "index.ru.html")


def test_what_a_verdict_is_worth_stands_beside_it(run):
    for one in (run.ai, run.human):
        lead = words(read(run.page(one)).css_first("section.lead"))
        assert "A verdict is evidence, not proof" in lead
        assert "“Human” means that no sign of a machine was found." in lead


def test_why_the_sound_weighs_less_than_its_log_odds_is_said_where_it_does(run, tmp_path):
    known = run.tables.recording(run.ai)
    for odds, capped in ((16.38, True), (-6.1, True), (5.9004999, False)):
        sound = replace(known.sound, evidence=known.sound.evidence | {"log_odds": odds})
        run.write(tmp_path, replace(known, sound=sound, evidence=fuse(sound, [])))
        said = words(read(tmp_path / "index.html").css_first("section[aria-labelledby=evidence]"))
        assert ("the sound weighs 6.0 at most" in said) == capped


def test_a_verdict_without_a_probability_has_none_beside_others_that_have(run, tmp_path):
    with Workspace(shutil.copytree(run.workspace.folder, tmp_path / "demo")) as workspace:
        with workspace.store.transaction() as connection:
            connection.execute(
                t.verdict.update()
                .where(t.verdict.c.recording_id == run.ai)
                .values(verdict="unmeasured", probability=None, evidence="{}")
            )
        assert Tables(workspace).recording(run.ai).sound.probability is None


def test_descriptors_agree_with_the_tables(run):
    page, known = read(run.page(run.ai)), run.tables.recording(run.ai)
    said = words_in("en")
    tables = page.css("section[aria-labelledby=sound] table.ranged")
    assert len(tables) == 2
    odd, familiar = ([words(row.css_first("code")) for row in table.css("tbody tr")] for table in tables)
    assert familiar == [name for name in FAMILIAR if pd.notna(known.descriptors.loc[name, "value"])]
    percentiles = known.descriptors["percentile"]
    assert len(odd) > 0
    assert all(min(percentiles[name], 100 - percentiles[name]) <= 5 for name in odd)
    far, all_placed = ((percentiles <= 5) | (percentiles >= 95)).sum(), percentiles.notna().sum()
    assert f"({far} of {all_placed} descriptors" in words(tables[0].css_first("caption"))
    for row in (row for table in tables for row in table.css("tbody tr")):
        found = known.descriptors.loc[words(row.css_first("code"))]
        value, usual, percentile = (words(cell) for cell in row.css("td"))
        unit = "" if found["unit"] == "1" else f" {found['unit']}"
        assert value == f"{said.significant(found['value'])}{unit}"
        assert usual == f"{said.significant(found['low'])} to {said.significant(found['high'])}"
        assert percentile == f"{found['percentile']:.0f}"
        dot = float(row.css_first("circle").attributes["cx"])
        assert dot - 2 == pytest.approx(found["percentile"], abs=0.51)
    assert f"Against the {known.descriptors['of'].max()} recordings on any chart" in words(
        page.css_first("#sound").parent
    )
    assert f"measured by {len(DESCRIPTORS)} descriptors" in words(page.css_first("#sound").parent)


def test_what_it_sounds_most_like_agrees_with_the_tables(run):
    page, alike = read(run.page(run.ai)), run.tables.recording(run.ai).alike
    links = [a.attributes["href"] for a in page.css("section[aria-labelledby=alike] tbody a")]
    assert links == [f"../{one}/index.html" for one in alike["recording_id"]]
    assert len(links) == 10
    assert [row[1:3] for row in rows_of(page, "alike")] == [
        [f"{row.distance:.2f}", str(row.peak)] for row in alike.itertuples()
    ]


def test_copies_on_recordings_pages_name_the_recording_and_are_stamped(run):
    known = run.tables.recording(run.ai)
    for name in ("places", "spectrum", "folded"):
        sheet = ElementTree.fromstring(run.page(run.ai, f"figures/{name}.svg").read_text("utf-8"))
        texts = [node.text for node in sheet.iter("{http://www.w3.org/2000/svg}text")]
        assert f"Chartropy: {known.artist} – {known.title}" in texts
        assert "SYNTHETIC" in texts
        assert pd.read_csv(run.page(run.ai, f"figures/{name}.csv"))["synthetic"].eq("SYNTHETIC").all()


def test_no_english_is_left_on_a_russian_page_of_a_recording(run, tmp_path):
    run.write(tmp_path, run.tables.recording(run.ai))
    no_english_in(tmp_path / "index.ru.html")
    page = read(tmp_path / "index.ru.html")
    assert not page.css("main [lang=en]")
    values = {words(row.css_first("code")): words(row.css_first("td")) for row in page.css("table.ranged tbody tr")}
    assert values["rhythm.tempo.bpm"].endswith(" уд/мин")
    assert values["timbre.centroid.mean"].endswith(" Гц")
    drawn = {words(node) for node in page.css("svg.plot text")}
    assert {"место в чарте", "кГц", "тоны"} <= drawn
    assert not any(re.search(r"\d\.\d", said) for said in drawn)


# -- when a page is written --------------------------------------------------------------------------------------------


def test_only_what_changed_is_written_anew(run):
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in (run.folder / "recordings").rglob("*.*")}
    run.report(LATER)
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in before} == before
    with run.workspace.writing():
        claims.label(run.workspace, run.human, "ai", "its singer told us <so>")
    run.report(LATER)
    when = {folder.name: made_at(folder / "index.html") for folder in (run.folder / "recordings").iterdir()}
    assert {one for one, moment in when.items() if moment == datetime.fromisoformat(LATER)} == {run.human}
    page = read(run.page(run.human))
    assert ["you", "AI"] in [row[:2] for row in rows_of(page, "evidence")]
    assert "its singer told us <so>" in words(page.css_first("section[aria-labelledby=evidence]"))
    facts = {words(fact.css_first("dt")): words(fact.css_first("dd")) for fact in page.css("dl.facts > div")}
    assert facts["Verdict of the sound"].startswith("Human")
    assert facts["With what others say"] == "AI"


def test_a_new_week_changes_its_recordings_and_those_that_are_told_of_them(run):
    before, after = Recordings(run.tables, run.weeks[-2]), Recordings(run.tables)
    entries = run.tables.entries()
    here = set(entries["recording_id"][entries["week"] == run.weeks[-1]])
    told = {one for one in before if here & set(after.of(one).alike["recording_id"])} - here
    changed = {one for one in before if before.inputs(one) != after.inputs(one)}
    assert changed == (here | told) & set(before)
    assert told
    assert changed < set(before)


def test_what_comes_after_the_last_week_that_counts_is_not_told(run):
    until = run.weeks[3]
    then = Recordings(run.tables, until)
    entries = run.tables.entries().query("week <= @until")
    assert set(then) == set(entries["recording_id"])
    told = pd.concat([then.of(one).alike for one in then]).set_index("recording_id")
    assert len(told) > 10
    mine = entries.groupby("recording_id")
    for column, known in (
        ("first_week", mine["week"].min()),
        ("last_week", mine["week"].max()),
        ("peak", mine["position"].min()),
    ):
        assert (told[column] == known.loc[told.index]).all()
    assert (told["last_week"] < run.tables.recordings().set_index("recording_id")["last_week"].loc[told.index]).any()


def test_what_is_found_for_many_at_once_is_what_is_found_for_one(run):
    one, about = run.tables.recording(run.ai), run.tables.recordings().set_index("recording_id")
    vectors = run.season.vectors
    before = about[(about["first_week"] < about.at[run.ai, "first_week"]) & (about["artist"] != one.artist)]
    distances = pd.Series(load_space().distances(vectors.loc[[run.ai]], vectors.loc[before.index])[0], before.index)
    nearest = distances.nsmallest(10)
    assert one.alike["recording_id"].tolist() == nearest.index.tolist()
    assert one.alike["distance"].to_numpy() == pytest.approx(nearest.to_numpy())


def test_a_page_that_was_lost_or_is_no_page_is_written_again(run):
    run.page(run.ai).unlink()
    other = str(run.tables.recording(run.ai).alike["recording_id"][0])
    run.page(other).write_bytes(b"\xff\xfe")
    season = weekly.read_season(run.workspace)
    assert write_recordings(run.folder, season, made_at=MADE_AT) == 2
    assert write_recordings(run.folder, season, made_at=MADE_AT + timedelta(days=1)) == 0
    assert words(read(run.page(run.ai)).css_first("h1")) == run.tables.recording(run.ai).title


def test_only_weeks_whose_pages_lie_there_are_linked(run, tmp_path, monkeypatch):
    monkeypatch.setattr(Recordings, "__iter__", lambda _: iter([run.ai]))
    page = tmp_path / "recordings" / run.ai / "index.html"
    links = lambda: {a.attributes["href"] for a in read(page).css("a[href^='../../2']")}  # noqa: E731
    assert write_recordings(tmp_path, run.season, made_at=MADE_AT) == 1
    assert links() == set()
    (tmp_path / run.weeks[-1]).mkdir()
    (tmp_path / run.weeks[-1] / "index.html").touch()
    assert write_recordings(tmp_path, run.season, made_at=MADE_AT) == 1
    assert links() == {f"../../{run.weeks[-1]}/index.html"}
    (tmp_path / "2020-01-02").mkdir()
    (tmp_path / "2020-01-02" / "index.html").touch()
    assert write_recordings(tmp_path, run.season, made_at=MADE_AT) == 0


def test_where_a_recording_is_no_more_a_page_says_so_and_nothing_else_is_touched(run, tmp_path, monkeypatch):
    monkeypatch.setattr(Recordings, "__iter__", lambda _: iter(()))
    ours, folder = run.page(run.ai).parent, tmp_path / "reports" / "recordings"
    outside = shutil.copytree(ours, tmp_path / "outside")
    shutil.copytree(ours, folder / "r0")
    (folder / "linked").symlink_to(outside)
    shutil.copytree(ours, folder / "with-link")
    shutil.rmtree(folder / "with-link" / "figures")
    (folder / "with-link" / "figures").symlink_to(outside / "figures")
    (folder / "notes").mkdir()
    (folder / "notes" / "index.html").write_text("<title>Notes</title>")
    kept = {file: file.read_bytes() for place in (outside, folder / "notes") for file in place.rglob("*.*")}
    write = lambda: write_recordings(tmp_path / "reports", run.season, made_at=MADE_AT, languages=["en", "ru"])  # noqa: E731
    assert write() == 2
    assert write() == 0
    assert {file: file.read_bytes() for file in kept} == kept
    assert not list((folder / "r0" / "figures").iterdir())
    assert (
        words(read(folder / "r0" / "index.html").css_first("h1")) == "No recording is known under this address any more"
    )
    assert made_at(folder / "r0" / "index.html") == MADE_AT
    no_english_in(folder / "r0" / "index.ru.html")


def test_the_page_of_a_merged_recording_leads_to_the_other(run, tmp_path):
    with Workspace(shutil.copytree(run.workspace.folder, tmp_path / "demo")) as workspace:
        with workspace.writing():
            kept = identity.merge(workspace, [run.ai, run.human])
        gone = next(one for one in (run.ai, run.human) if one != kept)
        season = weekly.read_season(workspace)
        assert gone not in season.recordings
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Recordings, "__iter__", lambda _: iter(()))
            write_recordings(workspace.reports_folder, season, made_at=MADE_AT, languages=["en", "ru"])
        page = workspace.reports_folder / "recordings" / gone / "index.html"
        known = season.recordings.of(kept)
        (link,) = read(page).css("main a")
        assert link.attributes["href"] == f"../{kept}/index.html"
        assert words(link) == f"{known.artist} – {known.title}"
        assert list(dead_links(page)) == []
        no_english_in(page.with_name("index.ru.html"))


def test_a_season_is_read_once(run, monkeypatch):
    monkeypatch.setattr(Tables, "composite", lambda _: run.season.composite)  # which reads entries of its own
    reads = {name: Mock(side_effect=getattr(run.tables, name)) for name in ("entries", "descriptors", "judged")}
    for name, read_table in reads.items():
        monkeypatch.setattr(Tables, name, read_table)
    season = weekly.read_season(run.workspace)
    assert {name: read_table.call_count for name, read_table in reads.items()} == dict.fromkeys(reads, 1)
    assert set(season.recordings) == set(season.entries["recording_id"])


# -- strangers' text ---------------------------------------------------------------------------------------------------


HOSTILE = {
    "markup": ("<script>alert(1)</script>", "</title><img src=x onerror=alert(2)>"),
    "right to left": ("فيروز", "\u202eنسّم علينا الهوى"),
    "emoji and dollars": ("🎸 A$AP", "Ke$ha $\\frac{1}$ 👩‍👩‍👧"),
    "no text": ("\x01\x1bБыло", "\ufffe_^x"),
    "long": ("Очень Длинное Имя " * 112, "Песня-без-пробелов" * 112),
    "none": ("", ""),
}


@pytest.mark.parametrize(("artist", "title"), HOSTILE.values(), ids=list(HOSTILE))
def test_strangers_names_stay_text(artist, title, run, tmp_path):
    one = run.tables.recording(run.ai)
    history = pd.concat([one.history, one.history.assign(source=artist[:40] or "x", link="javascript:alert(1)")])
    strange = replace(
        one, artist=artist, title=title, isrc="<b>", history=history.reset_index(drop=True),
        names=one.names.assign(artist=artist, title=title, source="<i>"), alike=one.alike.assign(artist=artist, title=title),
    )  # fmt: skip
    run.write(tmp_path / "one", strange, a_small_chart("ab"))
    for file in ("index.html", "index.ru.html"):
        page = read(tmp_path / "one" / file)
        assert len(page.css("script")) == 1
        assert not page.css("img, b, i, main [onerror]")
        assert not page.css("a[href^=javascript]")
        if artist:
            assert words(page.css_first("h1")) == words_of(title)
            assert words(page.css_first("p.newest")) == words_of(artist)
            assert words_of(f"{artist} – {title}") in words(page.css_first("head > title"))
        else:
            assert words(page.css_first("h1")) in ("(no title given)", "(название не указано)")
        assert page.css_first("h1 bdi")
    for svg in (tmp_path / "one" / "figures").glob("*.svg"):
        sheet = ElementTree.parse(svg).getroot()
        assert not [node for node in sheet.iter() if node.tag.endswith(("script", "img"))]


def words_of(said):
    return re.sub(r"\s+", " ", said.replace("\x00", "")).strip()
