"""Real clips, where they are: ``../shared/corpus``, or in the folder that ``CHARTROPY_SHARED`` names."""

import csv
import os
from pathlib import Path

import pytest

# read at once: tests run without the variables of whoever runs them
CORPUS = (
    Path(os.environ.get("CHARTROPY_SHARED") or Path(__file__).resolve().parents[2] / ".." / "shared").resolve()
    / "corpus"
)


@pytest.fixture(scope="session")
def clips() -> list[Path]:
    """Every tenth clip of the corpus, in the order of its table."""
    table = CORPUS / "clips.csv"
    if not table.exists():
        pytest.skip(f"no clips at {CORPUS}: set CHARTROPY_SHARED to the folder that has them")
    with table.open(newline="") as file:
        return [CORPUS / row["path"] for row in csv.DictReader(file)][::10]


@pytest.fixture(scope="session")
def corpus() -> list[Path]:
    """Every clip of the corpus, in the order of their names."""
    found = sorted((CORPUS / "clips").glob("*.mp3"))
    if not found:
        pytest.skip(f"no clips at {CORPUS}: set CHARTROPY_SHARED to the folder that has them")
    return found


@pytest.fixture(scope="session")
def standard():
    """Essentia's algorithms."""
    essentia = pytest.importorskip("essentia")
    essentia.log.infoActive = essentia.log.warningActive = False
    return pytest.importorskip("essentia.standard")
