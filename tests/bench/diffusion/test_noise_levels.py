"""Twenty noise levels: four to a bin of val_loss, and a quadrature whose means add up to the bins'."""

from __future__ import annotations

import numpy as np
import pytest

from bench.diffusion.noise_levels import BINS, LEVELS, T_MAX, T_MIN, level_edges, level_times
from bench.training.validation import validation_times


def test_four_levels_are_one_bin_of_val_loss() -> None:
    edges = level_edges().reshape(-1)
    assert (len(edges), LEVELS, edges[0], edges[-1]) == (21, 4 * BINS, T_MIN, T_MAX)
    bins = edges[:: LEVELS // BINS]
    times = validation_times(0, 5_000)
    for level in range(BINS):
        assert bins[level] <= times[level].min() < bins[level] + 1e-3
        assert bins[level + 1] - 1e-3 < times[level].max() <= bins[level + 1]


def test_the_midpoint_rule_integrates_each_level() -> None:
    times, edges = level_times(50), level_edges()
    assert times.shape == (LEVELS, 50)
    assert np.all((edges[:-1, None] < times) & (times < edges[1:, None]))
    assert times.mean(1) == pytest.approx((edges[1:] + edges[:-1]) / 2)  # a line: exact
    exact = np.diff(np.exp(edges)) / np.diff(edges)
    assert np.exp(times).mean(1) == pytest.approx(exact, rel=1e-7)


def test_the_mean_over_all_levels_is_the_mean_over_the_whole_time() -> None:
    fine = T_MIN + (T_MAX - T_MIN) * (np.arange(100_000) + 0.5) / 100_000
    assert float((level_times(200) ** 3).mean()) == pytest.approx(float((fine**3).mean()), rel=1e-6)
