"""Lists of audio files, as people write them and as describe does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chartropy.features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from chartropy.reports.files import read_listed
from chartropy.workspace.errors import SettingsError


def listed(folder: Path, text: str) -> pd.DataFrame:
    (folder / "list.csv").write_text(text, encoding="utf-8-sig")
    return read_listed(folder / "list.csv", "--reference list.csv")


def test_text_stays_what_it_is(tmp_path):
    rows = listed(tmp_path, "path,artist,year\na.mp3,NA,007\nb.mp3,,\nc.mp3\nd.mp3,nan,1999\nd.mp3,again,2000\n")
    assert rows["artist"].tolist() == ["NA", "", "", "again"]
    assert rows["year"].tolist() == ["007", "", "", "2000"]


def test_a_file_lies_beside_the_list_or_where_one_stands(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for file in (tmp_path / "there" / "both.mp3", tmp_path / "here" / "both.mp3", tmp_path / "here" / "here.mp3"):
        file.touch()
    rows = listed(tmp_path / "there", "path\nboth.mp3\nhere.mp3\nnone.mp3\n")
    assert rows.index.tolist() == [f"{tmp_path}/there/both.mp3", "here.mp3", f"{tmp_path}/there/none.mp3"]


@pytest.fixture
def described() -> pd.DataFrame:
    """Two files, of which the second could not be described."""
    values = np.vstack([np.arange(len(DESCRIPTORS)) / 7, np.full(len(DESCRIPTORS), np.nan)])
    table = pd.DataFrame(values, columns=list(DESCRIPTORS))
    table.insert(0, "path", ["a.mp3", "b.mp3"])
    return table.assign(extractor_version=[EXTRACTOR_VERSION, ""])


def test_descriptors_come_back_as_numbers(tmp_path, described):
    found = listed(tmp_path, described.to_csv(index=False))
    np.testing.assert_allclose(found[list(DESCRIPTORS)], described[list(DESCRIPTORS)], rtol=1e-12)


def test_descriptors_of_another_extractor_are_refused(tmp_path, described):
    described.loc[0, "extractor_version"] = "1"
    with pytest.raises(SettingsError, match=r"--reference list.csv: its descriptors are of extractor 1, this is"):
        listed(tmp_path, described.to_csv(index=False))


def test_a_word_among_descriptors_is_named(tmp_path, described):
    text = described.astype(str)
    text.loc[0, next(iter(DESCRIPTORS))] = "loud"
    with pytest.raises(SettingsError, match="--reference list.csv: cannot be read as CSV .*loud"):
        listed(tmp_path, text.to_csv(index=False))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "give a CSV with the column path and a line for each file"),
        ("path\n", "give a CSV with the column path and a line for each file; it has path"),
        ("file,artist\na,b\n", "the column path and a line for each file; it has file, artist"),
        ("path,artist\na.mp3,A\n,B\n", "line 3: names no path"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path, text, said):
    with pytest.raises(SettingsError, match=said):
        listed(tmp_path, text)
