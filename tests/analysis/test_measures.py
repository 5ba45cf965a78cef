import numpy as np
import pandas as pd
import pytest

from chartropy.analysis.detector import Detector
from chartropy.analysis.diversity import order2_diversity
from chartropy.analysis.measures import PARTS, inputs_of, load_space, measure_chart
from chartropy.analysis.space import kernel
from chartropy.features.registry import DESCRIPTORS

WEEKS = [f"2026-01-{day:02d}" for day in (1, 8, 15, 22)]
SIZE = 60


@pytest.fixture(scope="module")
def detector():
    return Detector.load()


@pytest.fixture(scope="module")
def season():
    """Four weeks of one chart, half new each week, and what is known of its recordings."""
    rng = np.random.default_rng(0)
    space = load_space()
    rows = [
        (week, position + 1, f"r{position + (number * 30 if position >= 30 else 0)}")
        for number, week in enumerate(WEEKS)
        for position in range(SIZE)
    ]
    entries = pd.DataFrame(rows, columns=["week", "position", "recording_id"])
    number = entries["recording_id"].str[1:].astype(int)
    entries["artist"] = "Artist " + (number // 2).astype(str)
    entries["label"] = "Label " + (number % 5).astype(str)
    entries["language"] = np.where(number % 3 == 0, "russian", "english")
    entries["genres"] = None
    entries["verdict"] = np.where(number % 10 == 0, "ai", "human")
    entries["labelled_ai"] = False
    entries["model_version"] = entries["audio_hash"] = entries["extractor_version"] = "x"
    made = sorted(set(entries["recording_id"]))
    values = rng.normal(space.centers, space.scales, (len(made), len(space.names)))
    return entries, pd.DataFrame(values, index=made, columns=space.names).reindex(columns=list(DESCRIPTORS))


@pytest.fixture(scope="module")
def measured(season, detector):
    return dict(measure_chart(season[0], WEEKS, season[1], detector))


def test_every_measure_is_explained_and_every_explanation_measured(measured):
    from chartropy.analysis import measures

    text = (measures.__doc__ or "").split("--------\n")[1]
    heads = [line for line in text.splitlines() if line and not line.startswith(" ")]
    names = set()
    for line in heads:
        first, *others = line.split(", ")
        root = first.split(".")[0] if others and others[0].startswith(".") else ""
        names |= {first, *(root + one if one.startswith(".") else one for one in others)}
    assert names == set(measured[WEEKS[-1]])


def test_cultural_entropy_is_of_the_week_alone_and_its_parts_of_their_families(season, measured):
    entries, vectors = season
    here = vectors.loc[entries[entries["week"] == WEEKS[1]]["recording_id"]]
    space = load_space()
    found = measured[WEEKS[1]]
    assert found["cultural_entropy"].value == pytest.approx(order2_diversity(kernel(space.distances(here))), rel=1e-9)
    for part, families in PARTS.items():
        expected = order2_diversity(kernel(space.only(*families).distances(here)))
        assert found[f"cultural_entropy.{part}"].value == pytest.approx(expected, rel=1e-9)
    assert all(
        one.low < one.value < one.high
        for name, one in found.items()
        if name.startswith("cultural_entropy") and "unheard" not in name
    )


def test_the_first_week_has_no_past_and_says_so(measured):
    first, last = measured[WEEKS[0]], measured[WEEKS[-1]]
    assert np.isnan(first["conserve_index"].value)
    assert "of those gone in the year before 0 were heard, 50 are needed" in first["conserve_index"].method
    assert first["turnover"].method == "no estimate: the week before is missing"
    assert last["turnover"].value == pytest.approx(30 / 60)
    assert 0 < last["novelty.median"].value < last["novelty.p90"].value
    assert -1 <= last["typicality"].low < last["typicality"].value
    assert last["conserve_index"].low <= 0.5 <= last["conserve_index"].high


def test_a_chart_that_repeats_the_past_is_a_conserve(season, detector):
    entries, vectors = season
    copied = vectors.copy()
    now = [f"r{number}" for number in range(120, 150)]  # new in the last week
    rng = np.random.default_rng(1)
    for recording, old in zip(now, range(30, 60), strict=True):
        copied.loc[recording] = vectors.loc[f"r{old}"] + 1e-3 * rng.standard_normal(vectors.shape[1]) * vectors.std()
    ((_, before),) = measure_chart(entries, WEEKS[-1:], vectors, detector)
    ((_, after),) = measure_chart(entries, WEEKS[-1:], copied, detector)
    assert after["conserve_index"].value > before["conserve_index"].value + 0.05
    assert after["typicality"].value > before["typicality"].value


def test_what_was_not_heard_is_left_out_and_bounded(season, measured, detector):
    entries, vectors = season
    ((_, found),) = measure_chart(entries, WEEKS[-1:], vectors.drop([f"r{i}" for i in range(6)]), detector)
    unheard = found["cultural_entropy.unheard"]
    assert found["cultural_entropy"].n == unheard.n == 54
    assert unheard.low < unheard.value < unheard.high
    whole = measured[WEEKS[-1]]["cultural_entropy.unheard"]
    assert whole.low == whole.value == whole.high


def test_other_things_than_sound(season, measured):
    last = measured[WEEKS[-1]]
    entries = season[0]
    here = entries[entries["week"] == WEEKS[-1]]
    for measure, column in (("labels", "label"), ("languages", "language"), ("artists", "artist")):
        counts = here[column].value_counts().to_numpy()
        expected = SIZE * (SIZE - 1) / (counts * (counts - 1)).sum()
        assert last[measure].value == pytest.approx(expected, rel=1e-9)
        assert last[measure].low < expected < last[measure].high
    assert np.isnan(last["genres"].value)
    assert last["genres"].method == "no estimate: the source names none"
    alone = here.assign(artist=[f"A{i}" for i in range(SIZE)])
    ((_, found),) = measure_chart(alone, WEEKS[-1:], season[1], Detector.load())
    assert found["artists"].method == "no estimate: fewer than 5 pairs of 60 recordings share one"
    shared = found["artists.simpson"]
    assert (shared.value, shared.low) == (0, 0)
    assert shared.high == pytest.approx(3.689 / (SIZE * (SIZE - 1) / 2), rel=1e-3)  # Garwood's limit of no event
    assert last["artists.simpson"].value == pytest.approx(1 / last["artists"].value, rel=1e-9)
    assert last["artists.simpson"].low == pytest.approx(1 / last["artists"].high, rel=1e-9)


def test_a_year_and_its_end_are_measured_alike(season, detector, measured):
    ((week, alone),) = measure_chart(season[0], WEEKS[-1:], season[1], detector)
    assert week == WEEKS[-1]
    for name, estimate in alone.items():
        assert estimate.value == pytest.approx(measured[week][name].value, rel=1e-9, nan_ok=True), name


def test_a_changed_past_is_a_changed_input(season, detector):
    entries, _ = season
    before = inputs_of(entries, WEEKS, detector)
    changed = entries.copy()
    changed.loc[(changed["week"] == WEEKS[1]) & (changed["position"] == 3), "verdict"] = "ai"
    after = inputs_of(changed, WEEKS, detector)
    assert [before[week] == after[week] for week in WEEKS] == [True, False, False, False]
