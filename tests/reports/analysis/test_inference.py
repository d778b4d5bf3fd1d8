"""Moderated variances, intervals, equivalence and Holm's correction against their formulas and an independent t."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reports.analysis import inference
from reports.analysis.inference import EQUIVALENT, HIGHER, LOWER, UNRESOLVED, decide, moderate, moderated_errors

NAN = math.nan


def test_the_variances_are_the_formulas() -> None:
    n, s2 = [3, 6, 5], [4.0, 1.0, 0.25]
    g = (2 * 4.0 + 5 * 1.0 + 4 * 0.25) / 11
    variance, df = moderate(n, s2)
    assert variance == pytest.approx([(4 * g + (each - 1) * own) / (each + 3) for each, own in zip(n, s2, strict=True)])
    assert df == pytest.approx([min(each + 3, 11 / 1.5) for each in n])


@given(st.integers(2, 30), st.floats(1e-6, 1e6))
def test_one_arm_keeps_its_own_variance(n: int, s2: float) -> None:
    variance, df = moderate([n], [s2])
    assert (variance[0], df[0]) == (pytest.approx(s2), n - 1)


@given(st.lists(st.tuples(st.integers(0, 12), st.floats(0.01, 100)), min_size=1, max_size=8))
def test_variances_lie_between_an_arms_own_and_the_pooled_one(arms: list[tuple[int, float]]) -> None:
    n, s2 = zip(*arms, strict=True)
    variance, df = moderate(n, s2)
    some = [(each - 1, own) for each, own in arms if each >= 2]
    for each, own, v, nu in zip(n, s2, variance, df, strict=True):
        if each < 2:
            assert np.isnan(v) and np.isnan(nu)
            continue
        pooled = sum(weight * square for weight, square in some) / sum(weight for weight, _ in some)
        assert min(own, pooled) * (1 - 1e-9) <= v <= max(own, pooled) * (1 + 1e-9)
        assert 0 < nu <= each + 3


def test_arms_without_two_pairs_change_nothing() -> None:
    alone, among = moderate([5], [2.0]), moderate([5, 1, 0], [2.0, NAN, NAN])
    assert (among[0][0], among[1][0]) == (alone[0][0], alone[1][0])
    assert np.isnan(among[0][1:]).all()
    assert moderated_errors([(5, math.sqrt(2.0)), None]) == [(pytest.approx(math.sqrt(2.0 / 5)), 4.0), None]
    assert moderated_errors([None]) == [None] and moderated_errors([]) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0.01, 100)), min_size=2, max_size=5))
def test_grids_side_by_side_are_each_grid_alone(arms: list[tuple[int, float]]) -> None:
    n, s2 = (np.array(each, float) for each in zip(*arms, strict=True))
    both = moderate(np.stack([n, n[::-1]]), np.stack([s2, s2[::-1]]))
    for together, alone in zip(both, moderate(n, s2), strict=True):
        np.testing.assert_allclose(together[0], alone)
        np.testing.assert_allclose(together[1][::-1], alone)


def test_quantiles_are_students() -> None:
    df = np.array([[2.0, 3.2], [9.0, 2.0]])
    assert inference.half_width(2.0, df, 0.0125) == pytest.approx(2 * stats.t.ppf(1 - 0.0125, df))
    assert inference.interval(1.0, 0.5, 3.2, 4) == pytest.approx(stats.t.interval(1 - 0.05 / 4, 3.2, 1.0, 0.5))
    assert inference.mean_interval(1.0, 0.6, 9) == pytest.approx(stats.t.interval(0.95, 8, 1.0, 0.2))


def test_equivalence_comes_before_a_difference() -> None:
    half = stats.t.ppf(1 - 0.05 / 4, 5.0)  # two arms, in standard errors
    inner = stats.t.ppf(1 - 0.05 / 2, 5.0)
    means = [half + 0.01, -half - 0.01, half - 0.01, 0.0, NAN]
    df = [5.0, 5.0, 5.0, 5.0, NAN]
    assert decide(means, 1.0, df, margin=None, arms=2).tolist() == [HIGHER, LOWER, UNRESOLVED, UNRESOLVED, UNRESOLVED]
    narrow, wide = inner + 0.001, half + inner + 0.02
    assert decide(means, 1.0, df, margin=narrow, arms=2).tolist() == [HIGHER, LOWER, UNRESOLVED, EQUIVALENT, UNRESOLVED]
    assert decide(means, 1.0, df, margin=wide, arms=2).tolist() == [*[EQUIVALENT] * 4, UNRESOLVED]
    assert decide(means, 1.0, df, margin=wide, arms=2, alpha=1e-6).tolist() == [UNRESOLVED] * 5


@given(st.floats(-5, 5), st.floats(0.1, 3), st.floats(2, 30), st.floats(0.1, 5), st.integers(1, 8))
def test_p_values_decide_as_intervals_do(mean: float, se: float, df: float, margin: float, arms: int) -> None:
    low, high = inference.interval(mean, se, df, arms)
    p = inference.p_value(mean, se, df) * arms
    if abs(p - 0.05) > 1e-9:
        assert (p < 0.05) == (low > 0 or high < 0)
    p = inference.p_equivalent(mean, se, df, margin, arms)
    if abs(p - 0.05) > 1e-9:
        assert (p < 0.05) == (decide(mean, se, df, margin=margin, arms=arms) == EQUIVALENT)


def test_holms_correction() -> None:
    assert inference.holm([0.01, 0.04, None, 0.03], 4) == pytest.approx([0.04, 0.09, None, 0.09], nan_ok=True)


def test_an_interval_needs_no_scipy_stats() -> None:
    """It costs more than a second, and tables should not wait for it."""
    code = (
        "import sys; from reports.analysis import inference, power; inference.interval(0.1, 0.2, 3.0, 2); "
        "power.seeds_needed(0.1, 0.2, 2, 0.1); sys.exit('scipy.stats' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
