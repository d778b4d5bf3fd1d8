"""Kinds of noise for planted grids: scores (grids, 1 + arms, seeds) around zero, the baseline first.

What a seed does to all arms alike is in none of them: it falls out of every difference.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, int, int]], Array]

OUTLIERS, FAR = 0.05, 5.0  # share of scores that are drawn with so many times the standard deviation
MISSING = 0.07  # share of cells without a score


def _equal(random: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    return random.standard_normal(shape)


def _one_arm(times: float) -> Noise:
    """The last arm is ``times`` as noisy as the others."""

    def noise(random: np.random.Generator, shape: tuple[int, int, int]) -> Array:
        scale = np.ones(shape[1])
        scale[-1] = times
        return scale[:, None] * random.standard_normal(shape)

    return noise


def _graded(random: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """The baseline is the steadiest, the last arm three times as noisy, those between them less."""
    return np.geomspace(1.0, 3.0, shape[1])[:, None] * random.standard_normal(shape)


def _baseline(random: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """The baseline is three times as noisy as the arms, so that all differences say nearly the same."""
    return np.array([3.0, *np.ones(shape[1] - 1)])[:, None] * random.standard_normal(shape)


def _correlated(random: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """Arms answer a seed's shift unequally (0.5 to 1.5 of it), so that differences share what is left of it."""
    response = np.linspace(0.5, 1.5, shape[1])[:, None]
    return response * random.standard_normal((shape[0], 1, shape[2])) + 0.5 * random.standard_normal(shape)


def _heavy(random: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """Student's t with three degrees of freedom: now and then a seed goes far off."""
    return random.standard_t(3, shape)


def _skewed(random: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """Exponential in every arm: a difference of two such is symmetric."""
    return random.exponential(1, shape) - 1


def _outliers(random: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    return np.where(random.random(shape) < OUTLIERS, FAR, 1.0) * random.standard_normal(shape)


def _one_sided(random: np.random.Generator, shape: tuple[int, int, int]) -> Array:
    """Exponential in the arms, almost none in the baseline: differences are skewed, which few seeds cannot mend."""
    noise = random.exponential(1, shape) - 1
    noise[:, 0] = 0.1 * random.standard_normal((shape[0], shape[2]))
    return noise


def _missing(of: Noise) -> Noise:
    """Cells without a score, by chance."""

    def noise(random: np.random.Generator, shape: tuple[int, int, int]) -> Array:
        return np.where(random.random(shape) < MISSING, np.nan, of(random, shape))

    return noise


HELD: dict[str, Noise] = {  # in which the promises hold
    "equal": _equal,
    "one arm ×3": _one_arm(3.0),
    "spreads 1 to 3": _graded,
    "baseline ×3": _baseline,
    "correlated": _correlated,
    "t, 3 degrees": _heavy,
    "equal skew": _skewed,
    "outliers": _outliers,
    "7% missing": _missing(_equal),
    "7% missing, one arm ×3": _missing(_one_arm(3.0)),
}
LIMITS: dict[str, Noise] = {  # in which they do not
    "one arm ×6": _one_arm(6.0),
    "skew in the arms alone": _one_sided,
}
SPREADS = HELD | LIMITS


def draw(spread: str, *, grids: int, arms: int, seeds: int) -> Array:
    """Noise (grids, 1 + arms, seeds) of the kind ``spread``; equal arguments give equal numbers."""
    random = np.random.default_rng([list(SPREADS).index(spread), arms, seeds])
    return SPREADS[spread](random, (grids, 1 + arms, seeds))


def differences(scores: Array) -> Array:
    """Arms minus baseline: (grids, arms, seeds)."""
    return scores[:, 1:] - scores[:, :1]
