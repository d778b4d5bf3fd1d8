"""Inference on paired differences from moderated variances: intervals, p-values, equivalence. docs/statistics.md.

Each of ``arms`` planned comparisons has ``n`` pairs of seeds, whose differences have a mean and a variance (n − 1). The
arms lend each other variance: each one's own counts as n − 1 degrees of freedom, the pooled one as `PRIOR` more,
declared and not estimated. All comparisons share one error rate (Bonferroni: it holds however much the differences
correlate). With one arm everything is the paired t test's. The last axis of every array is the arms.

numpy and scipy.special are imported inside, for they take a quarter of a second that a report without verdicts need not
spend.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

ALPHA = 0.05  # of one grid
PRIOR = 4  # degrees of freedom of the pooled variance in each arm's own
SHARED = 0.25  # squared correlation of two arms' differences from one baseline, were all spreads equal

Finding = Literal["unresolved", "lower", "higher", "equivalent"]
FINDINGS: tuple[Finding, ...] = ("unresolved", "lower", "higher", "equivalent")
UNRESOLVED, LOWER, HIGHER, EQUIVALENT = range(4)


def moderate(n: npt.ArrayLike, variance: npt.ArrayLike) -> tuple[Array, Array]:
    """Moderated variances of the arms' differences and their degrees of freedom, NaN where an arm has under two pairs.

    ``n`` and ``variance`` (…, arms): pairs, and sample variances, of which those of such arms are not looked at.
    """
    import numpy as np

    n = np.asarray(n, np.float64)
    some = n >= 2
    own = np.where(some, n - 1, 0.0)  # degrees of freedom
    squares = np.where(some, own * np.asarray(variance, np.float64), 0.0)
    total = own.sum(-1, keepdims=True)
    pooled = squares.sum(-1, keepdims=True) / np.maximum(total, 1)
    df = np.minimum(own + PRIOR, pooled_df(total, some.sum(-1, keepdims=True)))
    return (
        np.where(some, (PRIOR * pooled + squares) / (PRIOR + own), np.nan),
        np.where(some, df, np.nan),
    )


def moderated_errors(samples: Sequence[tuple[int, float] | None]) -> list[tuple[float, float] | None]:
    """Each arm's standard error and degrees of freedom, from its pairs and their standard deviation; None of None.

    An arm without a spread belongs among the None: rounding is no variance to lend to others.
    """
    import numpy as np

    n, sd = np.array([sample or (0, np.nan) for sample in samples], np.float64).reshape(-1, 2).T
    variance, df = moderate(n, sd**2)
    errors = np.sqrt(variance / np.where(n > 0, n, np.nan))
    return [
        None if sample is None else (float(error), float(degrees))
        for sample, error, degrees in zip(samples, errors, df, strict=True)
    ]


def pooled_df(total: Array | float, arms: Array | int) -> Array | float:
    """Degrees of freedom of the variance pooled over ``arms`` that share a baseline; ``total`` is Σ(n − 1)."""
    return total / (1 + SHARED * (arms - 1))


def half_width(se: npt.ArrayLike, df: npt.ArrayLike, tail: float) -> Array:
    """The quantile of Student's t that leaves ``tail`` above it, in units of the score."""
    import numpy as np
    from scipy.special import stdtrit

    values, where = np.unique(np.asarray(df, np.float64), return_inverse=True)
    return np.asarray(stdtrit(values, 1 - tail)[where.reshape(np.shape(df))] * se)


def decide(
    mean: npt.ArrayLike, se: npt.ArrayLike, df: npt.ArrayLike, *, margin: float | None, arms: int, alpha: float = ALPHA
) -> npt.NDArray[np.int8]:
    """What each comparison shows, as an index into `FINDINGS`: equivalent within the margin before anything else.

    ``arms`` are those that were planned, whether or not they have a score; an arm without (NaN) is unresolved.
    """
    import numpy as np

    mean = np.asarray(mean, np.float64)
    half = half_width(se, df, alpha / (2 * arms))
    found = np.where(mean > half, HIGHER, np.where(mean < -half, LOWER, UNRESOLVED))
    if margin is not None:
        found = np.where(np.abs(mean) + half_width(se, df, alpha / arms) < margin, EQUIVALENT, found)
    return found.astype(np.int8)


def interval(mean: float, se: float, df: float, arms: int = 1, *, alpha: float = ALPHA) -> tuple[float, float]:
    """The interval of one mean; those of all ``arms`` comparisons hold at once but in the share ``alpha`` of grids."""
    half = float(half_width(se, df, alpha / (2 * arms)))
    return mean - half, mean + half


def p_value(mean: float, se: float, df: float) -> float:
    """Two-sided p-value of no difference, before any correction."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(mean) / se))


def p_equivalent(mean: float, se: float, df: float, margin: float, arms: int) -> float:
    """Two one-sided tests within ±``margin`` (Schuirmann 1987): the larger p-value, times ``arms`` comparisons."""
    from scipy.special import stdtr

    return min(1.0, arms * float(stdtr(df, -(margin - abs(mean)) / se)))


def holm(p_values: Sequence[float | None], arms: int) -> list[float | None]:
    """Holm's step-down correction (1979) over ``arms`` comparisons; absent ones count as if they were the largest.

    For one look alone: it says nothing of an error rate that several looks share.
    """
    order = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, i) in enumerate(order):
        highest = max(highest, min(1.0, (arms - rank) * p))
        corrected[i] = highest
    return corrected


def mean_interval(mean: float, sd: float, n: int) -> tuple[float, float]:
    """Student's t interval of one mean over ``n`` seeds, at 95% and for itself alone."""
    return interval(mean, sd / math.sqrt(n), n - 1)
