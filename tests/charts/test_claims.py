"""Who says that a recording is AI: registries of artists, credits that platforms give, tags on chart pages."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import zlib
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from chartropy.charts.claims import FAILURES, collect_claims
from chartropy.charts.collect import CLAIMS, collect
from chartropy.charts.identity import merge
from chartropy.charts.importing import import_file
from chartropy.charts.sources.table import records
from chartropy.reports.status import read_sources
from chartropy.reports.tables import Tables
from chartropy.workspace import tables
from chartropy.workspace.errors import SettingsError
from chartropy.workspace.settings import load_settings
from chartropy.workspace.workspace import Workspace

WEEK = date(2026, 7, 2)
ONE = '[registries.list]\nlocation = "list.csv"\n'


@pytest.fixture(autouse=True)
def _today(monkeypatch):
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-03T12:00")


@pytest.fixture
def settle(workspace):
    """Write the settings of the workspace, as a user does, and read them."""

    def write(text: str = ONE) -> None:
        (workspace.folder / "chartropy.toml").write_text(text, encoding="utf-8")
        workspace.settings = load_settings(workspace.folder)

    return write


@pytest.fixture
def listing(workspace, settle):
    """Make ``list.csv`` of the workspace folder hold some lines, and ask the registry that it is."""

    def ask(*lines: str, settings: str = ONE):
        settle(settings)
        (workspace.folder / "list.csv").write_text("\n".join(lines), encoding="utf-8")
        return collect_claims(workspace, [WEEK])

    return ask


@pytest.fixture
def chart(workspace, tmp_path):
    """Store a chart of ``artist - title`` lines, track ids counted from 1."""

    def store(*lines: str, week: date = WEEK, source: str = "tophit-radio") -> None:
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(["position", "artist", "title", "track_id"])
        rows.writerows([place, *line.split(" - "), place] for place, line in enumerate(lines, 1))
        (tmp_path / "chart.csv").write_text(text.getvalue(), encoding="utf-8")
        import_file(workspace, tmp_path / "chart.csv", source, week)

    return store


def labels(workspace: Workspace) -> list[dict]:
    return Tables(workspace).labels().to_dict("records")


def said(workspace: Workspace) -> list[tuple[str, str]]:
    """Who is listed, and what of them is on charts."""
    return sorted((row["subject"], row["title"]) for row in labels(workspace))


def kept(workspace: Workspace) -> list[tuple[str, bytes]]:
    """The pages of claims: origin and body, as they came."""
    page = tables.page.c
    query = select(page.origin, page.body).where(page.chart == CLAIMS).order_by(page.fetched_at, page.origin)
    with workspace.store.reading() as connection:
        return [(row.origin, zlib.decompress(row.body)) for row in connection.execute(query)]


def last(workspace: Workspace, name: str) -> dict:
    return next(row for row in read_sources(workspace) if row["name"] == name)


# -- what a registry says ----------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_an_artist_that_a_registry_lists_is_a_claim_about_each_recording(workspace, listing, chart):
    chart("Sienna Rose - Love", "Zivert - Life", "Sienna Rose - Rain")
    done = listing("artist,id", "Sienna Rose,1", "Breaking Rust,2")
    assert (done.changed, done.gaps) == (2, [])
    one, two = labels(workspace)
    assert {one["title"], two["title"]} == {"Love", "Rain"}
    assert (one["source"], one["subject"], one["label"]) == ("list", "Sienna Rose", "ai")
    assert (one["ground"], one["labelled_at"]) == ("lists an artist of this name", "2026-07-03")
    assert one["page_id"] == two["page_id"]
    assert kept(workspace) == [("list.csv", b"artist,id\nSienna Rose,1\nBreaking Rust,2")]
    shown = last(workspace, "list")
    assert (shown["claims"], shown["last success"]) == ("2 about the recordings stored", "2026-07-03T09:00:00+00:00")
    assert shown["last error"] == "none"


@pytest.mark.both_databases
def test_a_second_run_changes_nothing(workspace, listing, chart, monkeypatch):
    chart("Sienna Rose - Love")
    listing("artist", "Sienna Rose")
    before = labels(workspace)
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-10")
    assert listing("artist", "Sienna Rose").changed == 0
    assert labels(workspace) == before
    assert len(kept(workspace)) == 1


@pytest.mark.parametrize("form", ["list", "entries", "deep"])
def test_json_is_read_wherever_its_rows_lie_with_columns_of_any_name(workspace, listing, chart, form):
    chart("Sienna Rose - Love", "Ёлка - Прованс")
    rows = [
        {"name": "Sienna Rose", "since": "2025-12-13T20:24:57.000Z", "how": ["vocals", "art"], "notes": None},
        {"name": "Ёлка", "since": None, "how": [], "gone": True},
        {"name": None},
    ]
    told = {"list": rows, "entries": {"entries": rows}, "deep": {"data": {"artists": rows}}}[form]
    settings = ONE + 'artist = "name"\nadded = "since"\nremoved = "gone"\nground = ["how", "notes"]\n'
    if form == "deep":
        settings += 'rows = "data.artists"\n'
    assert listing(json.dumps(told), settings=settings).gaps == []
    (label,) = labels(workspace)
    assert (label["subject"], label["labelled_at"]) == ("Sienna Rose", "2025-12-13")
    assert label["ground"] == "lists an artist of this name (how: vocals, art)"


@pytest.mark.parametrize("mark", ["true", "1", "2026-01-05", "True"])
def test_names_taken_off_the_list_are_no_claims(workspace, listing, chart, mark):
    chart("Sienna Rose - Love", "Zivert - Life", "Polina - Snow")
    listing("artist;gone", f"Sienna Rose;{mark}", "Zivert;false", "Polina;", settings=ONE + 'removed = "gone"\n')
    assert said(workspace) == [("Polina", "Snow"), ("Zivert", "Life")]


def test_grounds_are_quoted_column_by_column(workspace, listing, chart):
    chart("Sienna Rose - Love")
    listing(
        "artist,disclosure,markers,notes", 'Sienna Rose,none,"ai-visuals, anonymous",',
        settings=ONE + 'ground = ["disclosure", "markers", "notes"]\n',
    )  # fmt: skip
    (label,) = labels(workspace)
    assert label["ground"] == "lists an artist of this name (disclosure: none; markers: ai-visuals, anonymous)"


@pytest.mark.both_databases
def test_the_day_of_a_claim_is_when_it_was_listed_else_first_seen(workspace, listing, chart, monkeypatch):
    chart("Sienna Rose - Love", "Zivert - Life")
    settings = ONE + 'added = "added"\nground = ["how"]\n'
    lines = ("artist,added,how", "Sienna Rose,2026-04-01,", "Zivert,no day,")

    def days() -> dict[str, str]:
        return {row["subject"]: row["labelled_at"] for row in labels(workspace)}

    listing(*lines, settings=settings)
    assert days() == {"Sienna Rose": "2026-04-01", "Zivert": "2026-07-03"}
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-10")
    listing(*lines, settings=settings)
    assert days() == {"Sienna Rose": "2026-04-01", "Zivert": "2026-07-03"}
    # another ground is no other day
    listing("artist,added,how", "Sienna Rose,2026-04-01,vocals", "Zivert,,vocals", settings=settings)
    assert days() == {"Sienna Rose": "2026-04-01", "Zivert": "2026-07-03"}
    assert all("(how: vocals)" in row["ground"] for row in labels(workspace))
    # a list that learns to say the day is believed
    listing("artist,added,how", "Sienna Rose,2026-04-02,vocals", "Zivert,2026-05-01,vocals", settings=settings)
    assert days() == {"Sienna Rose": "2026-04-02", "Zivert": "2026-05-01"}


# -- whose names are alike ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charted", "listed"),
    [
        ("SIENNA ROSE", "sienna rose"),
        ("Ёлка", "елка"),
        ("Йорш", unicodedata.normalize("NFD", "Йорш")),
        ("Beyoncé", "Beyonce"),
        ("Zivert, Sienna Rose", "Sienna Rose"),
        ("Zivert feat. Sienna Rose", "Sienna Rose"),
        ("Sienna Rose & Zivert", "Zivert & Sienna Rose"),
        ("Polina x Zivert & Sienna Rose", "Zivert & Sienna Rose"),
        ("Tyler, The Creator", "Tyler, The Creator"),
    ],
)
def test_names_are_one_however_they_are_written(workspace, listing, chart, charted, listed):
    chart(f"{charted} - Love")
    listing("artist", f'"{listed}"')
    assert said(workspace) == [(unicodedata.normalize("NFC", listed), "Love")]


def test_guests_in_the_title_are_artists_too(workspace, listing, chart):
    chart("Zivert - Love (feat. Sienna Rose)")
    listing("artist", "Sienna Rose")
    assert [row["artist"] for row in labels(workspace)] == ["Zivert"]


@pytest.mark.parametrize(
    ("charted", "listed"),
    [
        ("Скриптонит", "Scriptonite"),  # another alphabet: a likeness, not the name
        ("Sienna Rose", "Sienna"),
        ("Sienna", "Sienna Rose"),
        ("Rosanna", "Rose"),
        ("Zivert", "Zivert & Sienna Rose"),
        ("Sienna Rose", "Sienna Rosa"),
        ("Zivert", ", &"),
    ],
)
def test_names_that_are_only_alike_are_no_claim(workspace, listing, chart, charted, listed):
    chart(f"{charted} - {listed.replace(' - ', ' ')}")
    assert listing("artist", f'"{listed}"').changed == 0
    assert labels(workspace) == []


def test_two_spellings_on_one_list_are_two_claims_and_a_name_listed_twice_is_one(workspace, listing, chart):
    chart("Ёлка - Прованс")
    assert listing("artist", "Ёлка", "Елка", "Ёлка").changed == 2
    assert set(said(workspace)) == {("Елка", "Прованс"), ("Ёлка", "Прованс")}


# -- as time goes by ---------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_name_taken_off_is_withdrawn_and_the_former_page_is_kept(workspace, listing, chart, monkeypatch):
    chart("Sienna Rose - Love", "Zivert - Life")
    listing("artist", "Sienna Rose", "Zivert")
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-10")
    assert listing("artist", "Sienna Rose").changed == 1
    assert said(workspace) == [("Sienna Rose", "Love")]
    assert [body for _, body in kept(workspace)] == [b"artist\nSienna Rose\nZivert", b"artist\nSienna Rose"]


def test_hundreds_of_names_are_taken_off_at_once(workspace, listing, chart):
    chart(*(f"Artist {number}x - Song {number}x" for number in range(1200)))
    assert listing("artist", *(f"Artist {number}x" for number in range(1200))).changed == 1200
    assert listing("artist", "Nobody").changed == 1200
    assert labels(workspace) == []


@pytest.mark.both_databases
def test_claims_of_other_registries_stay(workspace, listing, chart):
    chart("Sienna Rose - Love")
    two = ONE + '[registries.other]\nlocation = "other.csv"\n'
    (workspace.folder / "other.csv").write_text("artist\nSIENNA ROSE\n", encoding="utf-8")
    assert listing("artist", "Sienna Rose", settings=two).changed == 2
    assert listing("artist", "Zivert", settings=two).changed == 1
    assert [(row["source"], row["subject"]) for row in labels(workspace)] == [("other", "SIENNA ROSE")]


GONE = {
    "missing file": (None, "list.csv cannot be read"),
    "web page": ("<html><title>Log in</title></html>", "is a web page, not a table"),
    "no table": ('{"artist": 5}', "no list of rows"),
    "half": ('[{"artist": "Sien', "not valid JSON"),
    "empty": ("", "lists nobody"),
    "nobody": ("artist\n", "lists nobody"),
    "another column": ("performer,id\nSienna Rose,1\n", "has no column 'artist'.*it has performer, id"),
}


@pytest.mark.both_databases
@pytest.mark.parametrize("case", GONE)
def test_a_registry_that_cannot_be_had_is_a_gap_and_counts_as_it_was(workspace, listing, chart, case):
    content, why = GONE[case]
    chart("Sienna Rose - Love")
    listing("artist", "Sienna Rose", "Zivert")
    before = labels(workspace)
    if content is None:
        (workspace.folder / "list.csv").unlink()
    else:
        (workspace.folder / "list.csv").write_text(content, encoding="utf-8")
    chart("Zivert - Life", week=date(2026, 6, 25))
    done = collect_claims(workspace, [WEEK])
    (gap,) = done.gaps
    assert re.match(f"(?s)registry list: .*{why}", gap)
    assert done.changed == 1
    assert before[0] in labels(workspace)
    assert said(workspace) == [("Sienna Rose", "Love"), ("Zivert", "Life")]
    assert len({row["page_id"] for row in labels(workspace)}) == 1
    assert len(kept(workspace)) == 1
    assert gap.removeprefix("registry list: ") in str(last(workspace, "list")["last error"])


def test_what_came_back_after_another_page_is_what_counts_last(workspace, listing, chart, monkeypatch):
    for day, artist in (("04", "Sienna Rose"), ("05", "Zivert"), ("06", "Sienna Rose")):
        monkeypatch.setenv("CHARTROPY_NOW", f"2026-07-{day}")
        listing("artist", artist)
    assert len(kept(workspace)) == 2  # the same body once
    chart("Sienna Rose - Love", "Zivert - Life")
    (workspace.folder / "list.csv").unlink()
    collect_claims(workspace, [WEEK])
    assert said(workspace) == [("Sienna Rose", "Love")]


def test_settings_that_no_longer_fit_the_kept_page_either_leave_the_claims_as_they_are(workspace, listing, chart):
    chart("Sienna Rose - Love")
    listing("artist", "Sienna Rose")
    done = listing("artist", "Sienna Rose", settings=ONE + 'artist = "name"\n')
    assert done.gaps == ["registry list: has no column 'name', which the settings name; it has artist."]
    assert said(workspace) == [("Sienna Rose", "Love")]


def test_a_registry_that_was_never_had_is_a_gap_and_others_are_asked(workspace, listing, chart):
    chart("Sienna Rose - Love")
    done = listing("artist", "Sienna Rose", settings='[registries.lost]\nlocation = "lost.csv"\n' + ONE)
    assert done.gaps == [f"registry lost: {workspace.folder / 'lost.csv'} cannot be read (No such file or directory)."]
    assert (done.changed, said(workspace)) == (1, [("Sienna Rose", "Love")])
    assert last(workspace, "lost")["last success"] == "never"


@pytest.mark.parametrize("name", ["tophit", "itunes", "chartropy", "city"])
def test_a_registry_that_is_named_like_a_source_is_refused(workspace, settle, name):
    own = '[sources.city]\ncolumns = {artist = "a", title = "t"}\n'
    settle(f'{own}[registries.{name}]\nlocation = "list.csv"\n')
    with pytest.raises(SettingsError, match=f"registries.{name}: a source is called that; choose another name"):
        collect_claims(workspace, [WEEK])


def test_a_name_that_the_database_has_no_room_for_is_refused_before_anything_is_asked(workspace, listing):
    with pytest.raises(SettingsError, match="at most 32"):
        listing("artist", "Zivert", settings=f'{ONE}[registries.{"x" * 33}]\nlocation = "list.csv"\n')
    assert kept(workspace) == []
    assert listing("artist", "Zivert", settings=f'[registries.{"x" * 32}]\nlocation = "list.csv"\n').gaps == []


def test_files_may_lie_anywhere(workspace, settle, chart, tmp_path):
    (tmp_path / "elsewhere.csv").write_text("artist\nSienna Rose\n", encoding="utf-8")
    chart("Sienna Rose - Love")
    for location in (tmp_path / "elsewhere.csv", Path("..") / "elsewhere.csv"):
        settle(f"[registries.list]\nlocation = '{location}'\n")
        assert collect_claims(workspace, [WEEK]).gaps == []
    assert said(workspace) == [("Sienna Rose", "Love")]


def test_a_registry_on_the_web_is_had_and_its_page_names_the_address(workspace, settle, chart, server, answer):
    address = f"{server.url}/lists/ai.csv"
    settle(f'[registries.list]\nlocation = "{address}"\n')
    server.say("/lists/ai.csv", answer(b"artist\nSienna Rose\n", headers={"Content-Type": "text/csv"}))
    chart("Sienna Rose - Love")
    assert collect_claims(workspace, [WEEK]).gaps == []
    assert kept(workspace) == [(address, b"artist\nSienna Rose\n")]
    server.say("/lists/ai.csv", answer(b"gone", status=404))
    chart("Polina - Snow", "Sienna Rose - Rain", week=date(2026, 6, 25))
    (gap,) = collect_claims(workspace, [WEEK]).gaps
    assert gap == "registry list: list: /lists/ai.csv answered 404."
    assert said(workspace) == [("Sienna Rose", "Love"), ("Sienna Rose", "Rain")]
    server.say("/lists/ai.csv", answer(b"no", status=403))
    (gap,) = collect_claims(workspace, [WEEK]).gaps
    assert "answered 403: not let in now. Save it, and give its path as the location." in gap
    assert "/robots.txt" not in server.paths  # one file that was named, no crawl


# -- credits -----------------------------------------------------------------------------------------------------------

NO_AI = {"result": {"credits": [{"title": "Автор", "value": "Ёлка"}]}}
AI = {"result": {"credits": [{"title": "Автор", "value": "Ёлка"}, {"title": "Использование ИИ", "value": "вокал"}]}}


@pytest.fixture
def yandex(workspace, settle, server, chart):
    """The scripted server in Yandex's place, and a stored chart of some tracks."""
    settings = "rate = {requests = 1000, seconds = 1}\nretries = 0\n"
    settle(f'collect = ["yandex"]\n[sources.yandex]\nbase_url = "{server.url}"\n{settings}')
    chart(*(f"Artist {number} - Song {number}" for number in range(1, 8)), source="yandex-chart")

    def ask(week: date = WEEK) -> int:
        """Run anew, as the next command does; give what changed."""
        with Workspace(workspace.folder) as opened:
            done = collect_claims(opened, [week])
        assert done.gaps == []
        return done.changed

    return ask


def credits_of(track: int) -> str:
    return f"/tracks/{track}/credits"


@pytest.mark.both_databases
def test_credits_are_asked_once_per_track_and_quoted(workspace, yandex, server):
    for track in range(1, 8):
        server.say_json(credits_of(track), AI if track == 3 else NO_AI)
    assert yandex() == 1
    assert server.paths == [credits_of(track) for track in range(1, 8)]
    (label,) = labels(workspace)
    assert (label["source"], label["subject"], label["title"]) == ("yandex", "Artist 3 - Song 3", "Song 3")
    assert label["ground"] == "the credits of the track say: Использование ИИ: вокал"
    assert (label["label"], label["labelled_at"]) == ("ai", "2026-07-03")
    pages = kept(workspace)
    assert [origin for origin, _ in pages] == [f"credits of track {track}" for track in range(1, 8)]
    assert json.loads(pages[2][1]) == AI
    # those that name no AI are known to have been asked, though many answers are the same to the letter
    assert yandex() == 0
    assert len(server.asked) == 7
    assert len(labels(workspace)) == 1


def test_only_tracks_of_the_weeks_asked_for_and_each_once(workspace, yandex, server, chart):
    chart("Artist 1 - Song 1", "Artist 2 - Song 2", week=date(2026, 6, 25), source="yandex-chart")
    for track in range(1, 8):
        server.say_json(credits_of(track), NO_AI)
    yandex(date(2026, 6, 25))
    assert server.paths == [credits_of(1), credits_of(2)]
    yandex(date(2026, 6, 18))
    assert len(server.asked) == 2
    yandex()
    assert server.paths[2:] == [credits_of(track) for track in range(3, 8)]


def test_after_some_failures_in_a_row_it_is_left_for_this_run(workspace, yandex, server, answer):
    for track in (1, 2):
        server.say(credits_of(track), answer(status=404))
    server.say_json(credits_of(3), AI)
    for track in range(4, 8):
        server.say(credits_of(track), answer(status=404))
    assert yandex() == 1
    assert server.paths == [credits_of(track) for track in range(1, 4 + FAILURES)]
    assert "/tracks/6/credits answered 404" in last(workspace, "yandex")["last error"]
    assert len(kept(workspace)) == 1
    for track in (*range(1, 3), *range(4, 8)):
        server.say_json(credits_of(track), NO_AI)
    server.asked.clear()
    yandex()  # the next run goes on with what was not had
    assert server.paths == [credits_of(track) for track in (1, 2, 4, 5, 6, 7)]


@pytest.mark.both_databases
def test_a_refusal_ends_it_at_once(workspace, yandex, server, answer):
    server.say(credits_of(1), answer(b"no", status=451))
    assert yandex() == 0
    assert server.paths == [credits_of(1)]
    assert "answered 451: not let in now" in last(workspace, "yandex")["last error"]


@pytest.mark.parametrize("told", [b"<html>busy</html>", b"{}", b'{"result": {"credits": [{}]}}'])
def test_what_is_no_list_of_credits_is_a_failure_and_never_no_ai(workspace, yandex, server, answer, told):
    for track in range(1, 8):
        server.say(credits_of(track), answer(told))
    assert yandex() == 0
    assert len(server.asked) == FAILURES
    assert kept(workspace) == []
    assert last(workspace, "yandex")["last error"] != "none"


def test_credits_are_asked_of_no_source_that_is_not_collected(workspace, yandex, settle, server):
    settle(f'collect = ["tophit"]\n[sources.yandex]\nbase_url = "{server.url}"\n')
    assert yandex() == 0
    assert server.asked == []


# -- tags on chart pages -----------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_tag_on_a_chart_page_is_a_label_with_that_page(workspace, pages, tmp_path):
    rows = [pages.payload_row(1, id=1), pages.payload_row(2, "Love", ("Sienna Rose",), id=2, isAi=True)]
    file = tmp_path / "radio.html"
    file.write_bytes(pages.page("", {"charts": rows}, address=pages.address()))
    import_file(workspace, file, "tophit-radio")
    (label,) = labels(workspace)
    assert (label["source"], label["subject"], label["title"]) == ("tophit", "Sienna Rose - Love", "Love")
    assert label["ground"].startswith("the chart page marks it: ")
    assert label["labelled_at"] == "2026-07-02"
    entries = Tables(workspace).entries()
    assert set(entries["page_id"]) == {label["page_id"]}


@pytest.mark.both_databases
def test_claims_about_names_found_to_be_one_recording_stand_under_it(workspace, listing, chart):
    chart("Sienna Rose - Love", "Sienna Rose, Zivert - Amour")
    listing("artist", "Sienna Rose", "Zivert")
    ids = {row["recording_id"] for row in labels(workspace)}
    assert len(ids) == 2
    one = merge(workspace, sorted(ids))
    found = labels(workspace)
    assert {row["recording_id"] for row in found} == {one}
    assert sorted(row["subject"] for row in found) == ["Sienna Rose", "Zivert"]
    assert Tables(workspace).labelled_ai() == {one}


# -- the real registries, and the test world ---------------------------------------------------------------------------

REAL = {
    "SpotifyAiArtists.csv": (7477, "", "Breaking Rust"),
    "soul-over-ai-artists.json": (
        1375,
        'artist = "name"\nadded = "dateAdded"\nremoved = "removed"\nground = ["disclosure", "markers"]\n',
        "1950 SoulClub",
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_registries_are_read_whole(workspace, settle, chart, shared, name):
    file = shared / "data" / "ai_registries" / name
    if not file.exists():
        pytest.skip(f"needs {file}")
    count, mapping, artist = REAL[name]
    assert len(list(records(file.read_bytes()))) == count
    settle(f"[registries.list]\nlocation = '{file}'\n{mapping}")
    chart(f"{artist.upper()} - A Song", "Zivert - Life")
    done = collect_claims(workspace, [WEEK])
    assert (done.changed, done.gaps) == (1, [])
    (label,) = labels(workspace)
    assert label["subject"].casefold() == artist.casefold()
    if mapping:
        assert label["labelled_at"] == "2025-12-29"
        assert label["ground"] == "lists an artist of this name (disclosure: none; markers: ai-visuals, anonymous)"


@pytest.mark.both_databases
def test_claims_in_the_test_world_are_what_its_registry_says(world, workspace, settle):
    settle(
        f'[registries.world]\nlocation = "{world.url}/registry/artists.csv"\nadded = "added"\nground = ["disclosure"]\n'
    )
    week = date(2026, 5, 21)
    outcomes = collect(workspace, week)
    assert all(outcome.rows for outcome in outcomes)
    done = collect_claims(workspace, [week])
    assert done.gaps == []
    (body,) = (body for _, body in kept(workspace))
    listed = {row["artist"] for row in csv.DictReader(io.StringIO(body.decode()))}
    found = [row for row in labels(workspace) if row["source"] == "world"]
    assert {row["subject"] for row in found} <= listed
    assert {row["labelled_at"] for row in found} <= {"2026-04-01"}
    entries = Tables(workspace).entries()
    theirs = {row.recording_id for row in entries.itertuples() if {*str(row.artist).split(", ")} & listed}
    assert theirs
    assert theirs <= {row["recording_id"] for row in found}
