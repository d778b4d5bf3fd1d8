"""Looks: the error rate is split, only complete looks count, and arms stop where they are resolved."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reports.analysis.inference import ALPHA, EQUIVALENT, HIGHER, LOWER, UNRESOLVED, decide, half_width, moderate
from reports.analysis.planned_looks import complete_looks, look_findings, pair_statistics, spending
from results.manifest import LOOKS

NAN = math.nan


def test_the_error_rate_is_split_by_the_seeds_that_a_look_adds() -> None:
    assert spending() == pytest.approx([0.0125, 0.0125, 0.025])
    assert spending([6]) == [ALPHA]
    assert sum(spending([2, 3, 7, 11])) == pytest.approx(ALPHA)
    for looks in ([], [1, 3], [3, 3], [6, 3]):
        with pytest.raises(ValueError, match="looks: expected rising"):
            spending(looks)


@pytest.mark.parametrize(("finished", "complete"), [((2, 12), 0), ((3, 3), 1), ((5, 6, 7), 1), ((6, 9), 2), ((40,), 3)])
def test_a_look_waits_for_every_open_arm_and_the_baseline(finished: tuple[int, ...], complete: int) -> None:
    assert complete_looks(finished) == complete
    assert complete_looks(finished, looks=[2]) == 1


def test_statistics_are_over_the_seeds_that_have_a_pair() -> None:
    found = pair_statistics([[1.0, NAN, 3.0], [5.0, NAN, NAN], [NAN, NAN, NAN]])
    assert found.n.tolist() == [2, 1, 0]
    assert found.mean == pytest.approx([2.0, 5.0, NAN], nan_ok=True)
    assert found.variance == pytest.approx([2.0, NAN, NAN], nan_ok=True)


def planted() -> np.ndarray:
    """Four arms, of equal spread at every look: far off, the baseline's equal, in between, and without any pair."""
    return np.tile([1.0, -1.0, 0.0], (4, 4)) + np.array([30.0, 0.0, -2.0, NAN])[:, None]


def test_arms_stop_at_the_look_that_resolves_them() -> None:
    found = look_findings(planted(), margin=9.0)
    assert found.findings.tolist() == [HIGHER, EQUIVALENT, EQUIVALENT, UNRESOLVED]
    assert found.seeds.tolist() == [3, 3, 3, 12]
    difference = look_findings(planted(), margin=None)
    assert difference.findings.tolist() == [HIGHER, UNRESOLVED, LOWER, UNRESOLVED]
    assert difference.seeds.tolist() == [3, 12, 6, 12]


def test_an_arm_that_stopped_stays_resolved() -> None:
    d = planted()
    d[1, 3:] *= 1e6  # with this variance lent to it, it would be open again
    assert look_findings(d, margin=None).findings[0] == HIGHER


def test_a_look_that_is_not_complete_is_not_taken() -> None:
    d = planted()
    for seeds in (3, 4, 5):
        found, three = look_findings(d[:, :seeds], margin=None), look_findings(d[:, :3], margin=None)
        assert found.findings.tolist() == three.findings.tolist()
        assert found.seeds.tolist() == [3] * 4
    assert look_findings(d[:, :2], margin=None).findings.tolist() == [UNRESOLVED] * 4


def test_the_second_look_has_its_own_rate_and_the_variances_of_arms_that_stopped() -> None:
    d = planted()
    d[0, 3:] *= 100  # of an arm that has stopped: not to be seen any more
    now, then = pair_statistics(d[:, :6]), pair_statistics(d[:, :3])
    assert look_findings(d[:, :3], margin=None).findings.tolist() == [HIGHER, UNRESOLVED, UNRESOLVED, UNRESOLVED]
    variance, df = moderate([3, 6, 6, 0], [then.variance[0], *now.variance[1:]])
    half = half_width(np.sqrt(variance / now.n), df, spending()[1] / 8)[2]
    for shift, finding in ((0.01, LOWER), (-0.01, UNRESOLVED)):
        d[2, :6] += -shift - half - d[2, :6].mean()
        assert look_findings(d[:, :6], margin=None).findings.tolist() == [HIGHER, UNRESOLVED, finding, UNRESOLVED]


def test_grids_side_by_side_are_each_grid_alone() -> None:
    d = np.random.default_rng(1).standard_normal((20, 4, 12)) * 2 + np.array([4.0, 1.0, 0.0, -2.0])[:, None]
    d[d > 6] = NAN
    together = look_findings(d, margin=2.0)
    alone = [look_findings(grid, margin=2.0) for grid in d]
    assert together.findings.tolist() == [each.findings.tolist() for each in alone]
    assert together.seeds.tolist() == [each.seeds.tolist() for each in alone]
    assert set(np.unique(together.seeds)) <= set(LOOKS) and len(np.unique(together.findings)) == 4


def test_one_planned_look_is_the_plain_verdict() -> None:
    d = np.random.default_rng(2).standard_normal((50, 3, 6)) + 1
    found = pair_statistics(d)
    variance, df = moderate(found.n, found.variance)
    plain = decide(found.mean, np.sqrt(variance / 6), df, margin=1.0, arms=3)
    assert look_findings(d, margin=1.0, looks=[6]).findings.tolist() == plain.tolist()
