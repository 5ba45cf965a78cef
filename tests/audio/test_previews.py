"""The preview that is analysed is the right recording's, whole, or there is a reason why there is none."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import time
from datetime import date
from functools import cache

import numpy as np
import pytest
import soundfile
from sqlalchemy import select

from chartropy.audio import previews
from chartropy.audio.previews import Wanted, fetch_preview
from chartropy.charts.collect import collect
from chartropy.charts.sources import deezer
from chartropy.workspace import tables
from chartropy.workspace.errors import DiskFull, PreviewError
from chartropy.workspace.workspace import Workspace

LIFE = Wanted("r1", "RUA1D2600001", (("Zivert", "Life"),))


@cache
def clip(seconds: float = 2, pitch: float = 440) -> bytes:
    sound = 0.3 * np.sin(2 * np.pi * pitch * np.arange(int(44100 * seconds)) / 44100)
    file = io.BytesIO()
    soundfile.write(file, sound, 44100, format="MP3")
    return file.getvalue()


@pytest.fixture
def quick(monkeypatch):
    """Waits as short as the test world's patience, rates that do not hold a test up."""
    monkeypatch.setattr(previews, "DOWNLOAD_WAIT", 0.05)
    monkeypatch.setattr(previews, "QUOTA_WAIT", 0.05)
    monkeypatch.setattr(previews, "ITUNES_WAIT", 0.05)
    for source in ("DEEZER", "ITUNES", "TOPHIT"):
        monkeypatch.setenv(f"CHARTROPY_SOURCES__{source}__RATE", '{"requests": 5000, "seconds": 1}')


# -- against the test world --------------------------------------------------------------------------------------------


def charted(world, workspace: Workspace) -> dict[str, dict]:
    """Collect all weeks; give the true recording behind each of ours."""
    truth = {}
    for (platform, week), recordings in world.charts().items():
        source, _, chart = platform.partition("-")
        if source != "tophit":
            continue
        collect(workspace, date.fromisoformat(week))
        entry = tables.entry.c
        query = select(entry.position, entry.recording_id).where(entry.chart == chart, entry.week == week)
        with workspace.store.reading() as connection:
            truth |= {row.recording_id: recordings[row.position] for row in connection.execute(query)}
    return truth


def wanted(workspace: Workspace, recording_id: str) -> Wanted:
    """What the workspace knows of a recording."""
    spelling = tables.spelling.c
    with workspace.store.reading() as connection:
        main = connection.execute(select(tables.recording).where(tables.recording.c.recording_id == recording_id)).one()
        spelled = connection.execute(
            select(spelling.artist, spelling.title)
            .where(spelling.recording_id == recording_id)
            .order_by(spelling.artist, spelling.title)
        )
        known = dict.fromkeys([(main.artist, main.title), *((row.artist, row.title) for row in spelled)])
    return Wanted(recording_id, main.isrc or "", tuple(known))


def fetch_all(workspace: Workspace, truth: dict[str, dict]) -> tuple[int, list[str]]:
    """Fetch every preview; give how many came and what was wrong with which."""
    came, wrong = 0, []
    for recording_id, recording in truth.items():
        try:
            preview = fetch_preview(workspace, wanted(workspace, recording_id))
        except PreviewError as error:
            wrong.append(f"{recording['artists']} - {recording['title']}: {error}")
            continue
        came += 1
        platform = {"deezer": "deezer", "itunes": "apple"}[preview.found.provider]
        if recording["ids"][platform] != preview.found.preview_id:
            wrong.append(f"{recording['artists']} - {recording['title']}: took {preview.found}")
    return came, wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    "world", [{"weeks": 5, "size": 30, "faults": "none", "itunes_per_minute": 9999}], indirect=True
)
def test_the_previews_of_a_season_are_the_right_recordings(ffmpeg, quick, world, workspace_of_world):
    truth = charted(world, workspace_of_world)
    assert len(truth) > 40
    came, wrong = fetch_all(workspace_of_world, truth)
    assert len(wrong) <= 0.03 * len(truth), wrong
    assert came >= 0.97 * len(truth)
    files = sorted(workspace_of_world.audio_folder.iterdir())
    assert len(files) == came  # every recording has a clip of its own
    assert not list(workspace_of_world.audio_folder.glob(".*"))
    assert all(file.name.split(".")[0] == hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    assert {file.suffix for file in files} == {".mp3", ".aac"}


@pytest.fixture
def workspace_of_world(world, quick, workspace):
    return workspace


@pytest.mark.slow
@pytest.mark.parametrize(
    "world", [{"weeks": 2, "size": 7, "faults": "hostile", "itunes_per_minute": 9999}], indirect=True
)
def test_on_a_bad_day_nearly_all_are_found_none_wrong(ffmpeg, quick, world, workspace_of_world):
    truth = charted(world, workspace_of_world)
    came, wrong = fetch_all(workspace_of_world, truth)
    assert came >= 0.9 * len(truth)
    assert not [line for line in wrong if "took" in line]
    assert not list(workspace_of_world.audio_folder.glob(".*"))


@pytest.mark.parametrize("world", [{"weeks": 1, "size": 5, "preview_ttl": 2}], indirect=True)
def test_a_link_that_expired_before_the_download_is_asked_for_afresh(quick, world, workspace_of_world):
    recording = next(recording for recording in world.truth() if recording["rid"] % 13 != 5)
    aim = Wanted("r1", recording["isrc"], ((", ".join(recording["artists"]), recording["title"]),))
    client = workspace_of_world.client("deezer", deezer.SOURCE.settings)
    found = previews._find_on_deezer(client, aim)
    time.sleep(3.1)
    previews._download(client, found, previews._refresh_on_deezer)
    statuses = [asked["status"] for asked in world.log("cdn")]
    assert statuses == [403, 200]


@pytest.mark.parametrize("world", [{"weeks": 1, "size": 20}], indirect=True)
def test_deezers_published_rate_is_kept(world, tmp_path):
    with Workspace(tmp_path / "workspace", create=True) as workspace:
        for number in range(50):
            workspace.client("deezer", deezer.SOURCE.settings).get(f"track/{number}")
    times = [asked["t"] for asked in world.log("deezer")]
    assert len(times) == 50
    assert times[45] - times[0] > 4.8
    assert not [asked for asked in world.log("deezer") if asked["status"] != 200]


# -- against a server that says what it is told to ---------------------------------------------------------------------


class Platforms:
    """Deezer and iTunes on the scripted server."""

    def __init__(self, server, answer):
        self.server, self.answer = server, answer
        self.audio("a.mp3", clip())

    def track(self, number: int = 1, artist: str = "Zivert", title: str = "Life", **more: object) -> dict:
        link = f"{self.server.url}/cdn/a.mp3?hdnea=exp=1~hmac=SECRET"
        return {"id": number, "title": title, "artist": {"name": artist}, "preview": link, "link": "x"} | more

    def song(self, number: int = 7, artist: str = "Zivert", title: str = "Life", **more: object) -> dict:
        link = f"{self.server.url}/cdn/i.m4a"
        return {"trackId": number, "artistName": artist, "trackName": title, "previewUrl": link} | more

    def deezer(self, path: str, *values: object) -> None:
        self.server.say_json(f"/deezer/{path}", *values)

    def deezer_finds(self, *tracks: dict) -> None:
        self.deezer("track/isrc:RUA1D2600001", {"error": {"code": 800, "message": "no data"}})
        self.deezer("search", {"data": list(tracks)})
        for track in tracks:
            self.deezer(f"track/{track['id']}", track)

    def itunes_finds(self, *songs: dict) -> None:
        self.server.say_json("/itunes/search", {"results": list(songs)})
        self.server.say_json("/itunes/lookup", {"results": list(songs)})

    def audio(self, name: str, *bodies: bytes, kind: str = "audio/mpeg") -> None:
        self.server.say(f"/cdn/{name}", *(self.answer(body, headers={"Content-Type": kind}) for body in bodies))


@pytest.fixture
def platforms(server, answer, monkeypatch, quick):
    for source in ("deezer", "itunes"):
        monkeypatch.setenv(f"CHARTROPY_SOURCES__{source.upper()}__BASE_URL", f"{server.url}/{source}")
        monkeypatch.setenv(f"CHARTROPY_SOURCES__{source.upper()}__RETRIES", "1")
    found = Platforms(server, answer)
    found.deezer_finds()
    found.itunes_finds()
    return found


@pytest.fixture
def fetch(platforms, tmp_path, empty_workspace):
    """Fetch the preview of a recording, in a workspace opened after the test set its scene."""
    opened = []

    def fetch_one(aim: Wanted = LIFE):
        if not opened:
            shutil.copytree(empty_workspace, tmp_path / "workspace")
            opened.append(Workspace(tmp_path / "workspace"))
        try:
            return fetch_preview(opened[0], aim)
        finally:
            assert not list(opened[0].audio_folder.glob(".*"))

    yield fetch_one
    for workspace in opened:
        workspace.close()


def test_a_preview_is_found_by_isrc_in_one_question(platforms, fetch):
    platforms.deezer("track/isrc:RUA1D2600001", platforms.track())
    preview = fetch()
    assert (preview.found.provider, preview.found.preview_id, preview.found.matched_by) == ("deezer", "1", "isrc")
    assert platforms.server.paths == ["/deezer/track/isrc:RUA1D2600001", "/cdn/a.mp3"]
    assert preview.file.read_bytes() == clip()
    assert preview.audio.sha256 == hashlib.sha256(clip()).hexdigest()
    assert preview.file.name == f"{preview.audio.sha256}.waiting.mp3"


def test_an_isrc_that_leads_to_another_song_is_not_trusted(platforms, fetch):
    platforms.deezer_finds(platforms.track(2))
    platforms.deezer("track/isrc:RUA1D2600001", platforms.track(9, "Someone", "Else"))
    assert (fetch().found.preview_id, fetch().found.matched_by) == ("2", "search")


def test_without_an_isrc_it_is_searched_for(platforms, fetch):
    platforms.deezer_finds(platforms.track(2))
    assert fetch(Wanted("r1", "", LIFE.spellings)).found.preview_id == "2"
    assert not [path for path in platforms.server.paths if "isrc" in path]


WRONG = [
    ("Zivert", "Life (Karaoke Version)"),
    ("Zivert", "Life (Remix)"),
    ("Zivert", "Life (Live)"),
    ("Zivert", "Life (Sped Up)"),
    ("Zivert Tribute Band", "Life"),
    ("Piano Covers", "Life (Zivert Cover)"),
    ("Someone", "Life"),
    ("Zivert", "Life 2"),
    ("Zivert", "Fly"),
]


def test_covers_namesakes_and_other_versions_are_passed_over(platforms, fetch):
    hits = [platforms.track(number, *name) for number, name in enumerate(WRONG, 10)]
    platforms.deezer_finds(*hits, platforms.track(2, "ZIVERT", "Life (Official Video)"))
    assert fetch().found.preview_id == "2"


def test_if_nothing_else_is_offered_there_is_no_preview(platforms, fetch):
    platforms.deezer_finds(*(platforms.track(number, *name) for number, name in enumerate(WRONG, 10)))
    platforms.itunes_finds(*(platforms.song(number, *name) for number, name in enumerate(WRONG, 10)))
    with pytest.raises(PreviewError, match="deezer: no track with this.*itunes: no song with this") as error:
        fetch()
    assert not error.value.passing
    assert not [path for path in platforms.server.paths if path.startswith("/cdn")]


def test_a_hit_whose_full_row_names_another_artist_is_passed_over(platforms, fetch):
    platforms.deezer_finds(platforms.track(3))
    platforms.deezer("track/3", platforms.track(3, contributors=[{"name": "Cover Band"}]))
    with pytest.raises(PreviewError):
        fetch()


def test_the_wanted_version_is_taken_not_the_original(platforms, fetch):
    platforms.deezer_finds(platforms.track(1), platforms.track(2, title="Life (Remix)"))
    assert fetch(Wanted("r1", "", (("Zivert", "Life (Remix)"),))).found.preview_id == "2"


@pytest.mark.parametrize("artist", ["Хабиб", "Khabib"])
def test_every_spelling_known_is_tried_for_a_match(platforms, fetch, artist):
    platforms.deezer_finds(platforms.track(2, artist, "Ягода малинка"))
    aim = Wanted("r1", "", (("Habib Official", "???"), ("Хабиб", "Ягода малинка")))
    assert fetch(aim).found.preview_id == "2"


@pytest.mark.parametrize(("said", "asked"), [("", "ru"), ("kz", "kz")])
def test_itunes_is_asked_for_the_country_of_the_settings(platforms, fetch, monkeypatch, said, asked):
    monkeypatch.setenv("CHARTROPY_PROVIDERS", '["itunes"]')
    if said:
        monkeypatch.setenv("CHARTROPY_SOURCES__ITUNES__COUNTRY", said)
    platforms.itunes_finds(platforms.song())
    platforms.audio("i.m4a", clip(), kind="audio/x-m4a")
    fetch()
    (search,) = [path for _, path, _ in platforms.server.asked if path.startswith("/itunes/search")]
    assert f"country={asked}&" in search


def test_a_track_without_a_preview_is_looked_for_at_the_next_provider(platforms, fetch):
    platforms.deezer_finds(platforms.track(1, preview=""))
    platforms.itunes_finds(platforms.song())
    platforms.audio("i.m4a", clip(2, 330), kind="audio/x-m4a")
    preview = fetch()
    assert (preview.found.provider, preview.found.preview_id) == ("itunes", "7")


def test_the_providers_and_their_order_are_a_setting(platforms, fetch, monkeypatch):
    monkeypatch.setenv("CHARTROPY_PROVIDERS", '["itunes"]')
    platforms.deezer_finds(platforms.track())
    with pytest.raises(PreviewError, match="itunes"):
        fetch()
    assert not [path for path in platforms.server.paths if path.startswith("/deezer")]


# -- refusals and failures ---------------------------------------------------------------------------------------------


def test_deezers_quota_in_an_answer_of_200_is_waited_for(platforms, fetch):
    full = {"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}}
    platforms.deezer("track/isrc:RUA1D2600001", full, full, platforms.track())
    assert fetch().found.matched_by == "isrc"


def test_a_quota_that_stays_is_not_taken_for_not_found(platforms, fetch):
    platforms.deezer("track/isrc:RUA1D2600001", {"error": {"code": 4}})
    with pytest.raises(PreviewError, match="quota") as error:
        fetch()
    assert error.value.passing


def test_an_itunes_403_means_too_fast_and_is_waited_for(platforms, fetch, answer):
    platforms.server.say(
        "/itunes/search",
        answer(status=403),
        answer(status=403),
        answer(b'{"results": [%s]}' % json.dumps(platforms.song()).encode()),
    )
    platforms.audio("i.m4a", clip())
    assert fetch().found.provider == "itunes"


def test_an_itunes_403_that_stays_is_not_taken_for_not_found(platforms, fetch, answer):
    platforms.server.say("/itunes/search", answer(status=403))
    with pytest.raises(PreviewError, match="still refuses") as error:
        fetch()
    assert error.value.passing


def test_a_provider_that_is_down_leaves_the_other(platforms, fetch, answer):
    platforms.server.say("/deezer/track/isrc:RUA1D2600001", answer(status=503))
    platforms.itunes_finds(platforms.song())
    platforms.audio("i.m4a", clip())
    assert fetch().found.provider == "itunes"
    platforms.itunes_finds()
    with pytest.raises(PreviewError, match="503") as error:
        fetch()
    assert error.value.passing


@pytest.mark.parametrize(
    "value",
    [
        [],
        "text",
        None,
        {"title": "Life"},
        {"error": True},
        {"id": 1, "title": None, "artist": None, "preview": 5},
        {"id": 1, "title": "Life", "artist": {"name": None}},
        {"id": 1, "title": "Life", "artist": "Zivert", "contributors": 3},
    ],
)
def test_an_answer_of_an_unknown_form_is_a_reason_not_a_crash(platforms, fetch, value):
    platforms.deezer("track/isrc:RUA1D2600001", value)
    with pytest.raises(PreviewError, match="deezer") as error:
        fetch()
    assert error.value.passing


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"", b"{"])
def test_a_page_in_place_of_json_is_a_reason(platforms, fetch, answer, body):
    page = answer(body, headers={"Content-Type": "text/html"})
    platforms.server.say("/deezer/track/isrc:RUA1D2600001", page)
    platforms.server.say("/itunes/search", page)
    with pytest.raises(PreviewError, match="text/html instead of JSON.*itunes: .*instead of JSON") as error:
        fetch()
    assert error.value.passing


# -- downloads ---------------------------------------------------------------------------------------------------------


def test_an_expired_link_is_asked_for_afresh_and_only_once_each(platforms, fetch, answer):
    old, new = (platforms.track(preview=f"{platforms.server.url}/cdn/{name}.mp3") for name in ("old", "new"))
    platforms.deezer("track/isrc:RUA1D2600001", old)
    platforms.deezer("track/1", new)
    platforms.server.say("/cdn/old.mp3", answer(b"<HTML>Access Denied</HTML>", status=403))
    platforms.audio("new.mp3", clip())
    fetch()
    assert platforms.server.paths == [
        "/deezer/track/isrc:RUA1D2600001", "/cdn/old.mp3", "/deezer/track/1", "/cdn/new.mp3"
    ]  # fmt: skip


BAD_BODIES = {
    "a page": b"<html><body>Sorry, something went wrong</body></html>",
    "nothing": b"",
    "half": clip()[: len(clip()) // 3],
    "noise": bytes(range(256)) * 20,
}


@pytest.mark.parametrize("bad", BAD_BODIES)
def test_a_bad_download_is_repeated(platforms, fetch, bad):
    platforms.deezer("track/isrc:RUA1D2600001", platforms.track())
    platforms.audio("a.mp3", BAD_BODIES[bad], clip())
    assert fetch().file.read_bytes() == clip()


@pytest.mark.parametrize("bad", BAD_BODIES)
def test_a_download_that_stays_bad_is_a_passing_reason(platforms, fetch, bad, tmp_path):
    platforms.deezer("track/isrc:RUA1D2600001", platforms.track())
    platforms.audio("a.mp3", BAD_BODIES[bad])
    with pytest.raises(PreviewError, match=f"{previews.ATTEMPTS} times") as error:
        fetch()
    assert error.value.passing
    assert platforms.server.paths.count("/cdn/a.mp3") == previews.ATTEMPTS
    assert not list((tmp_path / "workspace").glob("audio/*"))


def test_a_type_that_is_no_audio_is_not_decoded(platforms, fetch):
    platforms.deezer("track/isrc:RUA1D2600001", platforms.track())
    platforms.audio("a.mp3", clip(), kind="text/html; charset=utf-8")
    with pytest.raises(PreviewError, match="text/html instead of audio"):
        fetch()


def test_a_download_that_breaks_off_in_the_line_is_repeated(platforms, fetch, answer):
    platforms.deezer("track/isrc:RUA1D2600001", platforms.track())
    platforms.server.say("/cdn/a.mp3", answer(clip(), how="cut"), answer(clip()))
    assert fetch().file.read_bytes() == clip()


def test_a_file_that_is_far_too_large_is_a_reason(platforms, fetch, answer):
    platforms.deezer("track/isrc:RUA1D2600001", platforms.track())
    platforms.server.say("/cdn/a.mp3", answer(b"x", headers={"Content-Length": str(10**10)}))
    with pytest.raises(PreviewError, match="10,000,000,000 bytes"):
        fetch()


def test_signatures_stay_out_of_reasons(platforms, fetch, answer):
    platforms.deezer("track/isrc:RUA1D2600001", platforms.track())
    platforms.deezer("track/1", platforms.track())
    platforms.server.say("/cdn/a.mp3", answer(status=403))
    with pytest.raises(PreviewError) as error:
        fetch()
    assert "403" in str(error.value)
    assert "SECRET" not in str(error.value)


def test_a_full_disk_is_called_that_and_leaves_no_part(platforms, fetch, monkeypatch, tmp_path):
    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    platforms.deezer("track/isrc:RUA1D2600001", platforms.track())
    monkeypatch.setattr(os, "replace", no_room)
    with pytest.raises(DiskFull, match="Make room|make room"):
        fetch()
    assert list((tmp_path / "workspace" / "audio").iterdir()) == []


def test_two_recordings_with_one_sound_share_its_file(platforms, fetch):
    platforms.deezer("track/isrc:RUA1D2600001", platforms.track())
    one = fetch()
    other = fetch(Wanted("r2", LIFE.isrc, LIFE.spellings))
    assert one.file == other.file
    assert one.file.exists()
