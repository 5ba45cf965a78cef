"""The AI share's intervals against a world whose truth is known, season by season."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "intervals.py"


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the world leaves its list of clips open
@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.995, 0.995), (0.9, 0.98)])
def test_intervals_hold_the_truth_in_nine_weeks_of_ten(shared, sensitivity, specificity):
    spec = importlib.util.spec_from_file_location("intervals_benchmark", BENCHMARK)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    held = {}
    for what, truth, low, _, high in benchmark.covered(
        benchmark.load_world(shared), range(50), sensitivity, specificity, weeks=12, size=50, shared=shared
    ):
        held.setdefault(what, []).append(low - 1e-9 <= truth <= high + 1e-9)
    assert len(held["week"]) == 600
    assert {what: np.mean(values) for what, values in held.items() if np.mean(values) < 0.9} == {}
