"""Power: detectable differences and seeds needed do what they say, on drawn data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from reports.analysis.inference import EQUIVALENT, HIGHER, decide, moderate
from reports.analysis.planned_looks import pair_statistics
from reports.analysis.power import (
    POWER,
    detectable,
    difference_power,
    equivalence_power,
    planned_df,
    seeds_needed,
)


def findings(effect: float, n: int, arms: int, margin: float | None, *, grids: int = 4000) -> np.ndarray:
    """What arms with an ``effect`` show where differences have standard deviation 1 and share a baseline."""
    scores = np.random.default_rng([n, arms]).standard_normal((grids, arms + 1, n)) / math.sqrt(2)
    found = pair_statistics(scores[:, 1:] - scores[:, :1] + effect)
    variance, df = moderate(found.n, found.variance)
    return decide(found.mean, np.sqrt(variance / n), df, margin=margin, arms=arms)


@pytest.mark.parametrize(("n", "arms"), [(3, 1), (6, 1), (3, 4), (6, 4), (12, 8)])
def test_power_is_what_it_is_said_to_be(n: int, arms: int) -> None:
    """Within three points: a moderated variance is only nearly chi-squared with its degrees of freedom."""
    mde = detectable(1 / math.sqrt(n), planned_df(n, arms), arms)
    assert difference_power(mde, 1.0, n, arms) == pytest.approx(POWER, abs=1e-6)
    assert (findings(mde, n, arms, None) == HIGHER).mean() == pytest.approx(POWER, abs=0.04)
    margin = 1.2 * mde
    seen = (findings(0.0, n, arms, margin) == EQUIVALENT).mean()
    assert seen == pytest.approx(equivalence_power(0.0, 1.0, n, arms, margin=margin), abs=0.04)


def test_one_arms_power_is_the_noncentral_ts() -> None:
    needed = seeds_needed(1.0, 1.0, 1, None)
    assert needed is not None
    powers = [stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, math.sqrt(n)) for n in (needed - 1, needed)]
    assert powers[0] < POWER <= powers[1]
    assert seeds_needed(1e-9, 1.0, 1, None) is None
    assert seeds_needed(0.0, 1.0, 1, 1.0) is not None  # it would be equivalent


def test_lent_variance_saves_seeds() -> None:
    assert planned_df(3, 4) == pytest.approx(8 / 1.75)
    assert planned_df(12, 8) == 15
    assert detectable(1.0, planned_df(3, 4), 4) < detectable(1.0, 2, 4) / 2
