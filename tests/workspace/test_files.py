"""A file is whole or not there, and what was there before stays until then."""

from __future__ import annotations

import errno
import os

import pytest

from chartropy.workspace.errors import DiskFull, WorkspaceReadOnly
from chartropy.workspace.files import remove_file, whole_file


def test_what_was_written_takes_the_place_and_no_part_stays(tmp_path):
    target = tmp_path / "new" / "table.csv"
    for content in ("one", "two"):
        with whole_file(target) as part:
            part.write_text(content, "utf-8")
            assert part.name == ".table.csv.part"
        assert target.read_text("utf-8") == content
    assert [file.name for file in target.parent.iterdir()] == ["table.csv"]


@pytest.mark.parametrize(
    ("trouble", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DiskFull),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), WorkspaceReadOnly),
        (PermissionError(errno.EACCES, "Permission denied"), WorkspaceReadOnly),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_keeps_the_old_and_names_the_target(tmp_path, trouble, raised):
    target = tmp_path / "table.csv"
    target.write_text("old", "utf-8")
    with pytest.raises(raised) as error, whole_file(target) as part:
        part.write_text("half", "utf-8")
        raise trouble
    assert target.read_text("utf-8") == "old"
    assert os.listdir(tmp_path) == ["table.csv"]  # noqa: PTH208
    if raised is not KeyboardInterrupt:
        assert str(target) in str(error.value)


def test_a_file_in_the_way_of_the_folder_is_named(tmp_path):
    (tmp_path / "in-the-way").write_text("", "utf-8")
    with pytest.raises(WorkspaceReadOnly, match="in-the-way"), whole_file(tmp_path / "in-the-way" / "x.csv") as part:
        part.write_text("never", "utf-8")


def test_what_cannot_be_removed_is_named(tmp_path):
    remove_file(tmp_path / "not-there")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WorkspaceReadOnly, match=r"folder cannot be removed \("):
        remove_file(tmp_path / "folder")
