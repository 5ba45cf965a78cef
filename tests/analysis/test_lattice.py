from __future__ import annotations

import math

import numpy as np
import pytest

from chartropy.analysis.lattice import (
    DRIFT,
    FRAME_RATES_HZ,
    SEMITONES,
    SPACINGS_HZ,
    VOCODER,
    coarsest,
    decoder_spacings,
    highest_of,
    in_tune,
    read,
    strength,
)
from chartropy.features.lines import BANDS, EDGES_HZ, LONG, SHORT, Lines


def scattered(count: int, seed: int = 0) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).uniform(EDGES_HZ[0], EDGES_HZ[-1], count))


def multiples(spacing: float, count: int, seed: int = 0) -> np.ndarray:
    first, last = math.ceil(EDGES_HZ[0] / spacing), int(EDGES_HZ[-1] / spacing)
    return np.random.default_rng(seed).choice(np.arange(first, last), count, replace=False) * spacing


def lines_at(long: np.ndarray, short: np.ndarray | None = None, seconds: float = 30.0) -> Lines:
    """Lines of mid at such frequencies, the first of them the highest."""
    made = Lines.none(seconds)
    for hertz, into, most in ((long, made.long, LONG), (np.array([]) if short is None else short, made.short, SHORT)):
        heights = np.linspace(30, 10, len(hertz))
        for band in range(BANDS):
            those = np.flatnonzero((hertz > EDGES_HZ[band]) & (hertz < EDGES_HZ[band + 1]))[:most]
            those = those[np.argsort(hertz[those])]
            if len(those):
                into[0, band, -len(those) :] = np.stack([hertz[those], heights[those]], 1)
    return made


class TestStrength:
    def test_by_hand(self):
        # 20 of 120 lines on the lattice; chance puts 120 * 2 * 0.03 / 50 there, no finer lattice more, and one is added
        hertz = np.concatenate([multiples(50.0, 20), np.arange(100) * 97.131 + 2003.37])
        found = strength(hertz, 50.0, 0.03)
        assert found.lines == 20
        on_finer = found.expected - 1
        assert 120 * 2 * 0.03 / 50 <= on_finer <= 3
        assert found.strength == pytest.approx(20 * math.log(20 / found.expected) - (20 - found.expected))

    def test_chance_is_no_evidence(self):
        strengths = [strength(scattered(200, seed), 43.066, 0.03).strength for seed in range(50)]
        assert max(strengths) < 3

    def test_a_loop_is_no_decoder(self):
        # a two-second loop has lines at all multiples of half a hertz, so on every lattice of whole hertz too
        loop = np.round(scattered(200, 1) * 2) / 2
        assert (np.abs(loop / 25 - np.round(loop / 25)) < 0.001).sum() >= 2
        assert strength(loop, 25.0, 0.033).strength < 3

    def test_a_decoder_that_also_fills_a_coarser_lattice(self):
        assert strength(multiples(50.0, 60), 25.0, 0.03).strength > 50

    def test_no_lines(self):
        assert strength(np.array([]), 50.0, 0.03).strength == 0

    def test_the_width_counts(self):
        off = multiples(50.0, 30) + 0.05
        assert strength(off, 50.0, 0.03).strength == 0
        assert strength(off, 50.0, 0.06).strength > 20


class TestCoarsest:
    @pytest.mark.parametrize(("spacing", "widest"), [(22.0, 110.0), (50.0, 50.0), (43.066, 172.264), (32.7, 98.1)])
    def test_the_widest_that_holds_the_lines(self, spacing, widest):
        hertz = np.sort(np.concatenate([multiples(widest, 15), scattered(60)]))
        found = coarsest(hertz, strength(hertz, spacing, 0.03), 0.03)
        assert found / widest == pytest.approx(1, rel=1e-6)

    def test_half_of_the_lines_are_not_all(self):
        hertz = np.concatenate([multiples(25.0, 30), multiples(50.0, 30, seed=1)])
        assert coarsest(hertz, strength(hertz, 25.0, 0.03), 0.03) == pytest.approx(25.0)

    def test_what_chance_put_there_does_not_count(self):
        hertz = np.concatenate([multiples(150.0, 30), [50.0 * 201]])
        assert coarsest(hertz, strength(hertz, 50.0, 0.03), 0.03) == 150.0


def test_in_tune():
    for hertz in (440.0, 46.2493, 58.2705, 110.1):
        assert in_tune(hertz)
    for hertz in (*FRAME_RATES_HZ, 442.0, 110.3):
        assert not in_tune(hertz)


class TestRead:
    @pytest.mark.parametrize("spacing", [44_100 / 2048, 25.0, 44_100 / 960, 48_000 / 1024, 44_100 / 512])
    def test_a_decoders_lattice_is_known(self, spacing):
        found = read(lines_at(np.concatenate([multiples(spacing, 40), scattered(120)])))
        assert found.known.strength > 40
        assert found.known.spacing == pytest.approx(spacing, rel=1e-6)

    @pytest.mark.parametrize("percent", [0.1, -0.1, 3, -3, 4.9])
    def test_played_faster_it_is_near(self, percent):
        spacing = 50 * (1 + percent / 100)
        found = read(lines_at(np.concatenate([multiples(spacing, 40), scattered(80)])))
        assert found.known.strength < 10
        nearest = max(found.near, key=lambda lattice: lattice.strength)
        assert nearest.strength > 40
        assert nearest.spacing == pytest.approx(spacing, rel=5e-6)

    @pytest.mark.parametrize("hertz", [110.0, 43.654, 349.228, 130.4, 587.9])
    def test_a_note_is_neither_near_nor_free(self, hertz):
        # a fifth of 110 Hz is near 44100/2048 Hz; F1 and F4 are near 44100/1024 Hz and a power of two of it, and in tune
        found = read(lines_at(np.concatenate([multiples(hertz, min(60, int(13_000 / hertz))), scattered(80)])))
        assert max(lattice.strength for lattice in found.near) < 8
        assert found.free.strength < 8

    def test_a_vocoders_own_lines_count_half(self):
        blurred = np.random.default_rng(0).uniform(-0.2, 0.2, 40)
        by_rate = {}
        for rate in (44_100 / 2048, 25.0):
            short = np.concatenate([multiples(rate * 2 ** (2 / 12), 40) + blurred, scattered(30, 5)])
            by_rate[rate] = max(
                lattice.strength for lattice in read(lines_at(scattered(100, 4), short), [rate]).shifted
            )
        assert by_rate[44_100 / 2048] < 1.5 / VOCODER * by_rate[25.0]

    def test_far_from_any_rate_it_is_free(self):
        found = read(lines_at(np.concatenate([multiples(67.89, 40), scattered(80)])))
        assert max(lattice.strength for lattice in found.near) < 10
        assert found.free.strength > 40
        part = 67.89 / found.free.spacing  # a lattice that holds this one, and a line more by chance, is as good
        assert part == pytest.approx(round(part), rel=5e-6)

    @pytest.mark.parametrize("semitones", SEMITONES)
    def test_short_lines_are_tried_at_semitones(self, semitones):
        rate = FRAME_RATES_HZ[1] * 2 ** (semitones / 12)
        blurred = multiples(rate, 30) + np.random.default_rng(0).uniform(-0.2, 0.2, 30)
        found = read(lines_at(scattered(100, 4), np.concatenate([blurred, scattered(30, 5)])))
        strongest = max(found.shifted, key=lambda lattice: lattice.strength)
        assert strongest.strength > 15
        multiple = strongest.spacing / rate
        assert min(abs(multiple - round(multiple)), abs(1 / multiple - round(1 / multiple))) < 1e-9

    def test_nothing_in_scattered_lines(self):
        for seed in range(10):
            found = read(lines_at(scattered(200, seed), scattered(100, seed + 50)))
            assert found.known.strength < 6
            assert max(lattice.strength for lattice in found.near) < 15
            assert found.free.strength < 15
            assert max(lattice.strength for lattice in found.shifted) < 6

    def test_of_nothing(self):
        for lines in (Lines.none(), Lines.none(30.0)):
            found = read(lines)
            assert found.known.strength == found.free.strength == 0
            assert len(found.near) == len(found.shifted) == len(FRAME_RATES_HZ)

    def test_a_short_clip_is_read_less_sharply(self):
        blurred = multiples(50.0, 40) + 0.06
        assert read(lines_at(blurred, seconds=30)).known.strength < 5
        assert read(lines_at(blurred, seconds=12)).known.strength > 40


def test_spacings_hold_the_rates_of_published_decoders():
    spacings = decoder_spacings()
    assert (np.diff(spacings) > 0).all()
    assert spacings[0] >= SPACINGS_HZ[0]
    assert spacings[-1] <= SPACINGS_HZ[1]
    for hertz in (*FRAME_RATES_HZ, 75.0, 48_000 / 2048, 48_000 / 1024, 44_100 / 960):
        assert np.abs(spacings - hertz).min() < 1e-6
    assert DRIFT < 2 ** (1 / 12) - 1  # or drift and a semitone would be one


def test_the_highest_lines_of_every_band():
    made = lines_at(np.concatenate([np.linspace(2500, 3500, 20), np.linspace(8000, 9000, 20)]))
    assert len(highest_of(made.long)) == 40
    few = highest_of(made.long, 3)
    np.testing.assert_allclose(few, [2500, 2552.6316, 2605.2632, 8000, 8052.6316, 8105.2632], atol=1e-3)
