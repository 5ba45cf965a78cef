import numpy as np
import pandas as pd
import pytest

from chartropy.analysis.measures import load_space
from chartropy.analysis.soundmap import AXES, RIGHT, UP, sound_map
from chartropy.features.registry import DESCRIPTORS


def recordings(n, seed=0):
    rng = np.random.default_rng(seed)
    space = load_space()
    values = rng.normal(space.centers, space.scales, (n, len(space.names)))
    frame = pd.DataFrame(values, columns=list(space.names), index=[f"r{i}" for i in range(n)])
    return frame.reindex(columns=list(DESCRIPTORS))


def two_kinds(n=40):
    """Half of the recordings lie far off in every descriptor, the bright half among them."""
    frame, space = recordings(n), load_space()
    frame.iloc[: n // 2, :] = frame.iloc[: n // 2] + 3 * pd.Series(space.scales, space.names).reindex(frame.columns)
    return frame


def test_what_a_listener_knows_is_measured():
    assert set(AXES) <= set(load_space().names)


def test_two_kinds_are_two_places_and_the_bright_one_is_right():
    found = sound_map(two_kinds(), load_space())
    first, second = found.places[:20], found.places[20:]
    assert first[:, 0].min() > second[:, 0].max()
    assert found.kept > 0.9
    assert found.trustworthiness > 0.5
    np.testing.assert_allclose(found.places.mean(axis=0), 0, atol=1e-9)
    assert {name for name, _ in found.axes[0]} <= set(AXES)
    assert found.axes[0]
    assert all(r > 0.4 for _, r in found.axes[0])


def test_a_plane_is_laid_out_as_it_is():
    """Recordings that differ in two ways only keep all their distances."""
    space = load_space()
    rng = np.random.default_rng(1)
    rows = np.tile(space.centers, (30, 1))
    for name in (RIGHT, UP):
        place = space.names.index(name)
        rows[:, place] += rng.uniform(-2, 2, 30) * space.scales[place]
    vectors = pd.DataFrame(rows, columns=list(space.names)).reindex(columns=list(DESCRIPTORS))
    found = sound_map(vectors, space)
    assert found.kept == pytest.approx(1, abs=1e-6)
    apart = np.linalg.norm(found.places[:, None] - found.places, axis=2)
    np.testing.assert_allclose(apart, space.distances(vectors), atol=1e-4)
    bright, busy = (np.corrcoef(found.places[:, axis], vectors[name])[0, 1] for axis, name in enumerate((RIGHT, UP)))
    assert bright > 0.9
    assert busy > 0.9


def test_order_does_not_matter_and_more_recordings_do_not_turn_the_map():
    vectors = two_kinds(60)
    found = sound_map(vectors, load_space())
    turned = sound_map(vectors.iloc[::-1], load_space())
    np.testing.assert_allclose(turned.places[::-1], found.places, atol=1e-6)
    fewer = sound_map(vectors.iloc[:50], load_space())
    assert np.corrcoef(fewer.places[:, 0], found.places[:50, 0])[0, 1] > 0.95


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_recordings_have_a_map_that_says_nothing_of_itself(n):
    found = sound_map(recordings(max(n, 1)).iloc[:n], load_space())
    assert found.places.shape == (n, 2)
    assert np.isfinite(found.places).all()
    assert np.isnan(found.trustworthiness)


def test_equal_recordings_and_recordings_without_numbers_have_a_place():
    same = pd.concat([recordings(1)] * 15)
    assert not sound_map(same, load_space()).places.any()
    vectors = recordings(15)
    vectors.iloc[3] = np.nan
    assert np.isfinite(sound_map(vectors, load_space()).places).all()
