"""Previews are gone once they are described, whatever happened in between; where audio is kept, they are kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import mutagen
import pytest
from sqlalchemy import delete, select

from chartropy.audio import previews
from chartropy.audio.decode import decode
from chartropy.audio.synthesize import synthesize, to_bytes
from chartropy.reports import demo, weekly
from chartropy.workspace import tables as t
from chartropy.workspace.workspace import Workspace

SIZE = 3
pytestmark = pytest.mark.xdist_group("leftovers")  # one week is made for all


class Killed(BaseException):
    """As final as a signal: nothing that comes after is done."""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Two weeks of charts of which no preview is known yet."""
    folder = tmp_path_factory.mktemp("made") / "workspace"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"WEEKS": 2, "SIZE": SIZE, "NEW_EACH_WEEK": 0}.items():
            patch.setattr(demo, name, value)
        demo.make_demo(folder)
    assert list((folder / "audio").iterdir()) == []
    with Workspace(folder) as workspace, workspace.store.transaction() as connection:
        for table in (t.preview, t.descriptor, t.verdict, t.measure):
            connection.execute(delete(table))
    return folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "workspace"))


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> list[bytes]:
    """Songs whose tags say that they come from Suno."""
    songs = []
    for seed in range(SIZE):
        file = tmp_path_factory.mktemp("songs") / "song.flac"
        file.write_bytes(to_bytes(synthesize(seed, seconds=11.0), "FLAC"))
        tagged = mutagen.File(file)  # pyright: ignore[reportPrivateImportUsage]
        tagged["comment"] = "made with suno; created=2025-11-03; id=1"
        tagged.save()
        songs.append(file.read_bytes())
    return songs


@pytest.fixture(autouse=True)
def provider(sounds, monkeypatch) -> list[bytes]:
    """A provider that has one sound after another, again from the first when they end."""
    offered = list(sounds)
    known: dict[str, bytes] = {}

    def fetch(workspace, wanted):
        data = known.setdefault(wanted.recording_id, offered[len(known) % len(offered)])
        audio = decode(data)
        return previews.Preview(
            previews.Found("deezer", wanted.recording_id[:8], "isrc", "A", "B", "", ""),
            previews.set_waiting(workspace, data, audio.sha256, audio.codec),
            audio,
        )

    monkeypatch.setattr(previews, "fetch_preview", fetch)
    return offered


def analyze(folder: Path, recordings: int = SIZE) -> list[str]:
    """Analyze the week; give the names of the audio that lies there afterwards."""
    with Workspace(folder) as workspace, workspace.writing():
        assert weekly.analyze(workspace, demo.FIRST_WEEK).recordings == recordings
    return sorted(file.name for file in (folder / "audio").iterdir())


def known_of(folder: Path) -> tuple[list[tuple], list[tuple]]:
    with Workspace(folder) as workspace, workspace.store.reading() as connection:
        label = t.label.c
        said = select(label.recording_id, label.source, label.subject, label.ground).order_by(label.recording_id)
        described = select(t.descriptor.c.sha256, t.descriptor.c.vector).order_by(t.descriptor.c.sha256)
        return [tuple(row) for row in connection.execute(said)], [tuple(row) for row in connection.execute(described)]


STEPS = {
    "the file is there": (weekly, "_said_of_itself"),
    "the tags are read": (weekly, "upsert"),
    "it is described": (weekly, "_store_description"),
    "the description is stored": (previews, "let_go"),
}


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_at_any_step_leaves_nothing_in_the_end(folder, tmp_path, monkeypatch, step, turn):
    calm = Path(shutil.copytree(folder, tmp_path / "calm"))
    assert analyze(calm) == []
    where, name = STEPS[step]
    usual, calls = getattr(where, name), 0

    def kill(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == turn:
            raise Killed
        return usual(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(where, name, kill)
        with pytest.raises(Killed):
            analyze(folder)
    assert analyze(folder) == []
    assert known_of(folder) == known_of(calm)


def test_what_nobody_waits_for_is_cleared_up_and_what_was_kept_stays(folder):
    audio = folder / "audio"
    kept, merged, part = (
        audio / name for name in (f"{'a' * 64}.mp3", f"{'b' * 64}.waiting.mp3", ".c.waiting.mp3.part")
    )
    for file in (kept, merged, part):
        file.write_bytes(b"-")
    assert analyze(folder) == [kept.name]


def test_what_a_recording_had_that_was_found_to_be_another_is_not_waited_for(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(weekly, "_describe_all", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            analyze(folder)
    assert len(list((folder / "audio").iterdir())) == SIZE
    with Workspace(folder) as workspace, workspace.store.transaction() as connection:
        one, other, *_ = sorted(connection.scalars(select(t.entry.c.recording_id).distinct()))
        connection.execute(t.recording.update().where(t.recording.c.recording_id == one).values(same_as=other))
        connection.execute(t.entry.update().where(t.entry.c.recording_id == one).values(recording_id=other))
    assert analyze(folder, SIZE - 1) == []


def test_a_sound_of_two_recordings_is_described_once_and_claimed_for_both(folder, provider):
    del provider[1:]
    assert analyze(folder) == []
    said, described = known_of(folder)
    assert len({recording_id for recording_id, *_ in said}) == SIZE
    assert len(described) == 1
    with Workspace(folder) as workspace, workspace.store.transaction() as connection:
        late = min(recording_id for recording_id, *_ in said)
        connection.execute(delete(t.preview).where(t.preview.c.recording_id == late))
    assert analyze(folder) == []  # its preview came when the sound was described already


def test_kept_audio_has_a_lasting_name_also_after_a_kill(folder, monkeypatch):
    monkeypatch.setenv("CHARTROPY_KEEP_AUDIO", "true")
    with monkeypatch.context() as patch:
        patch.setattr(previews, "let_go", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            analyze(folder)
    names = analyze(folder)
    assert len(names) == SIZE
    assert not [name for name in names if ".waiting." in name]
    monkeypatch.setenv("CHARTROPY_KEEP_AUDIO", "false")
    assert analyze(folder) == names  # what was kept on purpose is not taken away
