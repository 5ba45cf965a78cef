"""Every notebook runs from top to bottom, and is kept with what it gives."""

import importlib.util
import math
import re
import shutil
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))

pytestmark = [
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("nbformat", "nbclient", "ipykernel")),
        reason="needs nbformat, nbclient and ipykernel, which run notebooks",
    ),
]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_kept_with_its_results(path):
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"display_data", "execute_result"}  # no errors, no warnings
    assert any("image/png" in output.data for output in outputs)
    assert path.stat().st_size < 1_000_000
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|usr|Users|work)/\w", text), "a path of the machine that it ran on"


@pytest.fixture
def demo(demo_season, tmp_path) -> Path:
    """Where the notebooks of the demo find it."""
    shutil.copytree(demo_season, tmp_path / "chartropy-demo")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_in_a_fresh_kernel(path, request, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    if "chartropy-demo" in path.read_text(encoding="utf-8"):
        place = request.getfixturevalue("demo")
    elif path.with_suffix(".py").exists():
        place, shared = path.parent, request.getfixturevalue("shared")
        if not (shared / "data").is_dir():
            pytest.skip(f"needs the public data: {shared / 'data'} is not there (CHARTROPY_SHARED names another place)")
        monkeypatch.setenv("CHARTROPY_SHARED", str(shared))
    else:
        place = request.getfixturevalue("tmp_path")
    options = {"kernel_name": "python3", "resources": {"metadata": {"path": str(place)}}}
    kept = [said for cell in notebook.cells for said in _said(cell)]
    NotebookClient(notebook, timeout=500, **options).execute()  # raises where a cell does
    now = [said for cell in notebook.cells for said in _said(cell)]
    assert [words for words, _ in now] == [words for words, _ in kept], "kept with results of another release: run it"
    pairs = [pair for (_, new), (_, old) in zip(now, kept, strict=True) for pair in zip(new, old, strict=True)]
    far = [pair for pair in pairs if not math.isclose(*pair, rel_tol=0.02, abs_tol=0.02)]
    assert len(far) <= len(pairs) // 20, f"kept with results of another release: run it; {far[:10]}"


def _said(cell) -> list[tuple[list[str], list[float]]]:
    """The words and the numbers of what a cell gives as text."""
    texts = [output["data"].get("text/plain", "") for output in cell.get("outputs", []) if "data" in output]
    number = r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]\d+)?"
    return [(re.sub(number, "#", text).split(), list(map(float, re.findall(number, text)))) for text in texts]
