"""Rates over many simulated grids: coverage of the intervals, false verdicts, and how soon a verdict comes.

Verdicts are those of `reports.analysis`, on arrays of grids; a test holds that records of the same scores get the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from reports.analysis.inference import ALPHA, EQUIVALENT, HIGHER, LOWER, UNRESOLVED, half_width, moderate
from reports.analysis.planned_looks import look_findings, pair_statistics
from reports.simulation.noise import Array, differences, draw
from results.manifest import LOOKS

# The two worlds in which verdicts go wrong most often: no arm has an effect and no margin is declared, so that every
# difference that is found is false; and every arm's effect is as large as the margin, so that every equivalence is.
World = Literal["null", "edge"]

MARGINS = (0.5, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)  # of the edge world, in standard deviations of a difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """``hits`` of ``trials`` that are independent of each other."""

    hits: int
    trials: int

    @property
    def value(self) -> float:
        return self.hits / self.trials

    @property
    def error(self) -> float:
        """Monte-Carlo standard error; one hit stands for none, or it would be zero."""
        p = min(max(self.value, 1 / self.trials), 1 - 1 / self.trials)
        return math.sqrt(p * (1 - p) / self.trials)


def rate(hits: npt.ArrayLike) -> Rate:
    """The rate of true ``hits``."""
    hits = np.asarray(hits, np.bool_)
    return Rate(hits=int(hits.sum()), trials=hits.size)


def simultaneous_coverage(spread: str, *, seeds: int, arms: int, grids: int) -> Rate:
    """Grids in which every interval holds the truth; an arm under two pairs has none."""
    found = pair_statistics(differences(draw(spread, grids=grids, arms=arms, seeds=seeds)))
    variance, df = moderate(found.n, found.variance)
    half = half_width(np.sqrt(variance / found.n), df, ALPHA / (2 * arms))
    return rate(np.all((np.abs(found.mean) <= half) | np.isnan(half), axis=-1))


def single_coverage(spread: str, *, seeds: int, grids: int) -> Rate:
    """Arms whose own interval over seeds, for themselves alone, holds their true mean: of one arm a grid."""
    found = pair_statistics(draw(spread, grids=grids, arms=1, seeds=seeds)[:, 1:])
    half = half_width(np.sqrt(found.variance / found.n), np.where(found.n > 1, found.n - 1, np.nan), ALPHA / 2)
    return rate(((np.abs(found.mean) <= half) | np.isnan(half))[:, 0])


def mean_half_widths(*, seeds: int, arms: int, grids: int) -> tuple[float, float]:
    """Simultaneous half-widths in standard deviations of a difference, equal spreads: moderated, and each arm's own."""
    found = pair_statistics(differences(draw("equal", grids=grids, arms=arms, seeds=seeds)))
    variance, df = moderate(found.n, found.variance)
    moderated = half_width(np.sqrt(variance / seeds), df, ALPHA / (2 * arms))
    own = half_width(np.sqrt(found.variance / seeds), found.n - 1, ALPHA / (2 * arms))
    return float(moderated.mean()) / math.sqrt(2), float(own.mean()) / math.sqrt(2)


def false_verdicts(spread: str, world: World, *, arms: int, grids: int, looks: Sequence[int] = LOOKS) -> Rate:
    """Grids with at least one false verdict over all looks; in the edge world the most over `MARGINS`."""
    d = differences(draw(spread, grids=grids, arms=arms, seeds=looks[-1]))
    if world == "null":
        return rate((look_findings(d, margin=None, looks=looks).findings != UNRESOLVED).any(-1))
    unit = math.sqrt(float(np.nanmean(d**2)))
    signs = np.where(np.arange(arms) % 2, -1.0, 1.0)
    wrong = np.where(signs > 0, LOWER, HIGHER)
    rates = []
    for margin in unit * np.array(MARGINS):
        found = look_findings(d + margin * signs[:, None], margin=margin, looks=looks).findings
        rates.append(rate(((found == EQUIVALENT) | (found == wrong)).any(-1)))
    return max(rates, key=lambda each: each.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Mean number of seeds at which arms stop, and the share of them that is resolved by then."""

    seeds: float
    resolved: float


def resolution(effect: float, margin: float, *, arms: int, grids: int) -> Resolution:
    """Over all looks, equal spreads; ``effect`` of every arm and ``margin`` in standard deviations of a difference."""
    d: Array = differences(draw("equal", grids=grids, arms=arms, seeds=LOOKS[-1])) / math.sqrt(2) + effect
    found = look_findings(d, margin=margin)
    return Resolution(seeds=float(found.seeds.mean()), resolved=float((found.findings != UNRESOLVED).mean()))
