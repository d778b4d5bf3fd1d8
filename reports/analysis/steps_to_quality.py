"""Steps to quality: how many times the baseline's steps an arm needs for the score that both reach.

Convergence speed is where many choices differ. The one that ends worse sets the score, so that an arm that is slower
has a number as well as one that is faster. Ratios are paired by seed, their mean and interval taken of logarithms,
since 0.5× and 2× are equally far from 1×. Nothing is extrapolated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.analysis import columns as cols
from reports.analysis import inference
from reports.analysis.speed import SpeedRatio, level_ratio
from reports.analysis.summary import SeedSummary, summarise
from reports.analysis.trajectories import Curves, Trajectory
from reports.views.grid import GridView

_NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsToQuality:
    """One arm. ``share`` is the geometric mean over seeds, None unless every paired seed has a number; ``interval``
    holds together with the other arms' at 95%."""

    arm: str
    shares: dict[int, float]  # by seed, of those that have a number
    early: int  # seeds in which the faster of the two has the score at its first evaluation already
    share: float | None
    interval: tuple[float, float] | None

    @property
    def pairs(self) -> int:
        return len(self.shares) + self.early


def steps_to_quality(grid: GridView, column: cols.Column | None, curves: Curves) -> list[StepsToQuality]:
    """Steps to quality of every arm that shares a seed with the baseline; none where no curve has two evaluations.

    ``column`` is the reading of the grid's endpoint, ``curves`` its trajectories.
    """
    if column is None or column.computed or column.described.direction == "none":
        return []
    if not any(len(points) > 1 for by_seed in curves.values() for points in by_seed.values()):
        return []
    sign = 1.0 if column.described.direction == "lower" else -1.0
    ended = {
        arm: {seed: _falling(points, sign) for seed, points in by_seed.items() if points[-1].step == column.step}
        for arm, by_seed in curves.items()
    }
    base = ended[grid.baseline.name]
    ratios = {
        arm.name: {seed: level_ratio(own[seed], base[seed]) for seed in sorted(own.keys() & base.keys())}
        for arm in grid.challengers
        if (own := ended[arm.name])
    }
    return _summed({arm: by_seed for arm, by_seed in ratios.items() if by_seed}, arms=len(grid.challengers))


def _falling(points: Trajectory, sign: float) -> list[tuple[float, float]]:
    """(step, score), less being better."""
    return [(point.step, sign * point.value) for point in points]


def _summed(ratios: dict[str, dict[int, SpeedRatio]], *, arms: int) -> list[StepsToQuality]:
    logs = {arm: _mean_log(by_seed) for arm, by_seed in ratios.items()}
    errors = inference.moderated_errors([_sample(mean) for mean in logs.values()])
    found = []
    for (arm, by_seed), mean, error in zip(ratios.items(), logs.values(), errors, strict=True):
        bounds = None if mean is None or error is None else inference.interval(mean.mean, *error, arms)
        found.append(
            StepsToQuality(
                arm=arm,
                shares={seed: ratio.ratio for seed, ratio in by_seed.items() if not ratio.is_bound},
                early=sum(ratio.is_bound for ratio in by_seed.values()),
                share=None if mean is None else math.exp(mean.mean),
                interval=None if bounds is None else (_exp(bounds[0]), _exp(bounds[1])),
            )
        )
    return found


def _mean_log(by_seed: dict[int, SpeedRatio]) -> SeedSummary | None:
    """Over all seeds; None where some have only a bound, since the mean of the others would be another's."""
    whole = not any(ratio.is_bound for ratio in by_seed.values())
    return summarise([ratio.log_ratio for ratio in by_seed.values()]) if whole else None


def _sample(mean: SeedSummary | None) -> tuple[int, float] | None:
    return None if mean is None or mean.std is None or mean.std <= _NO_SPREAD else (mean.n, mean.std)


def _exp(log: float) -> float:
    return math.exp(min(log, 700.0))
