"""Power under moderated variances: what differences could be seen, and how many seeds a verdict takes.

The spread is taken for the true one, and a moderated variance for a chi-squared one with its degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from reports.analysis.inference import ALPHA, PRIOR, half_width, pooled_df

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

POWER = 0.8
MOST_SEEDS = 1000  # a plan for more is no plan

_MIDPOINTS = 400  # of probability, over which a standard deviation is averaged


def planned_df(n: int, arms: int) -> float:
    """Degrees of freedom where each of ``arms`` has ``n`` pairs."""
    return float(min(n - 1 + PRIOR, pooled_df(float(arms * (n - 1)), arms)))


def difference_power(effect: float, sd: float, n: int, arms: int, *, alpha: float = ALPHA) -> float:
    """Chance that an interval over ``n`` pairs excludes zero on the right side; ``sd`` is of one difference."""
    df = planned_df(n, arms)
    return _power(abs(effect) * math.sqrt(n) / sd, df, float(half_width(1.0, df, alpha / (2 * arms))))


def equivalence_power(effect: float, sd: float, n: int, arms: int, *, margin: float, alpha: float = ALPHA) -> float:
    """Chance that ``n`` pairs place a true difference ``effect`` within ±``margin``."""
    df = planned_df(n, arms)
    c, shift = float(half_width(1.0, df, alpha / arms)) * _spread(df), math.sqrt(n) / sd
    inside = _normal(shift * (margin - effect) - c) - _normal(c - shift * (margin + effect))
    return float(inside.clip(0, 1).mean())


def detectable(se: float, df: float, arms: int, *, alpha: float = ALPHA) -> float:
    """The difference that an interval without zero would show with 80% power, were ``se`` the true standard error."""
    return _detectable(df, arms, alpha) * se


@cache
def _detectable(df: float, arms: int, alpha: float) -> float:
    """The detectable difference in standard errors."""
    critical = float(half_width(1.0, df, alpha / (2 * arms)))
    low, high = 0.0, 1.0
    while _power(high, df, critical) < POWER:
        low, high = high, 2 * high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if _power(middle, df, critical) >= POWER else (middle, high)
    return high


def seeds_needed(mean: float, sd: float, arms: int, margin: float | None, *, alpha: float = ALPHA) -> int | None:
    """Pairs in every arm that a resolved verdict on one of them takes with 80% power, None beyond 1,000.

    ``mean`` and ``sd`` of its differences are taken for the true ones, ``alpha`` is of the one look that is taken.
    """

    def resolves(n: int) -> bool:
        power = difference_power(mean, sd, n, arms, alpha=alpha)
        if margin is not None:
            power = max(power, equivalence_power(mean, sd, n, arms, margin=margin, alpha=alpha))
        return power >= POWER

    return _first(resolves, 2, MOST_SEEDS)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """The first number from ``low`` to ``high`` that holds, where all after it do; None without any."""
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _power(shift: float, df: float, critical: float) -> float:
    """Chance that a t value whose mean is ``shift`` standard errors exceeds ``critical``."""
    return float(_normal(shift - critical * _spread(df)).mean())


@cache
def _spread(df: float) -> Array:
    """A standard deviation of ``df`` degrees of freedom over the true one, at equally probable values."""
    import numpy as np
    from scipy.special import chdtri

    probability = (np.arange(_MIDPOINTS) + 0.5) / _MIDPOINTS
    return np.sqrt(np.asarray(chdtri(df, probability), np.float64) / df)


def _normal(z: Array) -> Array:
    import numpy as np
    from scipy.special import ndtr

    return np.asarray(ndtr(z), np.float64)
