"""Inference on paired differences: intervals, p-values, equivalence, power. Formulas: docs/statistics.md.

``n`` pairs of seeds with differences of mean ``mean`` and standard deviation ``sd`` (n − 1); ``arms`` comparisons share
one baseline and one error rate of 5% (Bonferroni: it holds however much the arms' differences correlate). numpy and
scipy.special are imported inside, for they take a quarter of a second that a report without verdicts need not spend.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ALPHA = 0.05  # of one grid
POWER = 0.8
MOST_SEEDS = 1000  # a plan for more is no plan

_MIDPOINTS = 400  # of probability, over which a standard deviation is averaged


def critical(n: int, arms: int) -> float:
    """The two-sided critical t of one of ``arms`` comparisons: half an interval's width is this times sd/√n."""
    return _quantile(n, 1 - ALPHA / (2 * arms))


def interval(mean: float, sd: float, n: int, arms: int = 1) -> tuple[float, float]:
    """The interval of the mean; those of all ``arms`` comparisons hold at once in 95% of grids."""
    half = critical(n, arms) * sd / math.sqrt(n)
    return mean - half, mean + half


def p_value(mean: float, sd: float, n: int) -> float:
    """Two-sided p-value of the paired t test of no difference, before any correction."""
    from scipy.special import stdtr

    return float(2 * stdtr(n - 1, -abs(mean) / (sd / math.sqrt(n))))


def holm(p_values: Sequence[float | None], arms: int) -> list[float | None]:
    """Holm's step-down correction (1979) over ``arms`` comparisons; absent ones count as if they were the largest."""
    order = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, i) in enumerate(order):
        highest = max(highest, min(1.0, (arms - rank) * p))
        corrected[i] = highest
    return corrected


def p_equivalent(mean: float, sd: float, n: int, margin: float, arms: int) -> float:
    """Two one-sided tests within ±``margin`` (Schuirmann 1987): the larger p-value, times ``arms`` comparisons."""
    from scipy.special import stdtr

    t = (margin - abs(mean)) / (sd / math.sqrt(n))
    return min(1.0, arms * float(stdtr(n - 1, -t)))


Finding = Literal["lower", "higher", "equivalent", "unresolved"]


def decide(mean: float, sd: float, n: int, margin: float | None, arms: int) -> Finding:
    """What one comparison shows: ``equivalent`` within the margin, else ``lower`` or ``higher`` than the baseline."""
    if margin is not None and p_equivalent(mean, sd, n, margin, arms) <= ALPHA:
        return "equivalent"
    low, high = interval(mean, sd, n, arms)
    return "lower" if high < 0 else "higher" if low > 0 else "unresolved"


def detectable(sd: float, n: int, arms: int) -> float:
    """The difference that an interval without zero would show with 80% power, were ``sd`` the true one."""
    return _detectable(n, arms) * sd / math.sqrt(n)


@cache
def _detectable(n: int, arms: int) -> float:
    """The detectable difference in standard errors."""
    c, spread = critical(n, arms), _spread(n)

    def power(shift: float) -> float:
        return float(_normal(shift - c * spread).mean())

    low, high = 0.0, 1.0
    while power(high) < POWER:
        low, high = high, 2 * high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def seeds_needed(mean: float, sd: float, arms: int, margin: float | None) -> int | None:
    """Pairs that a resolved verdict takes with 80% power, were ``mean`` and ``sd`` the true ones; None beyond 1,000."""

    def resolves(n: int) -> bool:
        spread, shift = _spread(n), math.sqrt(n) / sd
        power = float(_normal(shift * abs(mean) - critical(n, arms) * spread).mean())
        if margin is not None:
            c = _quantile(n, 1 - ALPHA / arms) * spread
            upper, lower = _normal(shift * (margin - mean) - c), _normal(c - shift * (margin + mean))
            power = max(power, float((upper - lower).clip(0, 1).mean()))
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


@cache
def _quantile(n: int, probability: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, probability))


@cache
def _spread(n: int) -> npt.NDArray[np.float64]:
    """The sample standard deviation over the true one, at equally probable values."""
    import numpy as np
    from scipy.special import chdtri

    probability = (np.arange(_MIDPOINTS) + 0.5) / _MIDPOINTS
    return np.sqrt(np.asarray(chdtri(n - 1, probability), np.float64) / (n - 1))


def _normal(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    import numpy as np
    from scipy.special import ndtr

    return np.asarray(ndtr(z), np.float64)
