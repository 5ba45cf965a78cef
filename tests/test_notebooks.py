"""Every notebook runs from top to bottom, and is kept with what it gives."""

import importlib.util
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("nbformat", "nbclient", "ipykernel")),
    reason="needs nbformat, nbclient and ipykernel, which run notebooks",
)


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


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_in_a_fresh_kernel(path, shared, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    if not (shared / "data").is_dir():
        pytest.skip(f"needs the public data: {shared / 'data'} is not there (CHARTROPY_SHARED names another place)")
    monkeypatch.setenv("CHARTROPY_SHARED", str(shared))
    notebook = nbformat.read(path, as_version=4)
    options = {"kernel_name": "python3", "resources": {"metadata": {"path": str(path.parent)}}}
    NotebookClient(notebook, timeout=500, **options).execute()  # raises where a cell does
