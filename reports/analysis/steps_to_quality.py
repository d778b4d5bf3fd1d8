"""Steps to quality: the share of the baseline's steps in which an arm reaches the baseline's final score.

Convergence speed is where many choices differ. Shares are paired by seed, their mean and interval taken of logarithms,
since 0.5× and 2× are equally far from 1×. A seed that does not get there has no share; none is made up for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.analysis import columns as cols
from reports.analysis import inference
from reports.analysis.summary import summarise
from reports.analysis.trajectories import Curves, Reached, reached
from reports.views.grid import GridView

_NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsToQuality:
    """One arm. ``share`` is the geometric mean over seeds, None unless every paired seed got there after its first
    evaluation; ``interval`` holds together with the other arms' at 95%."""

    arm: str
    steps: int  # of the baseline
    shares: dict[int, float]  # of the seeds that got there, by seed
    early: int  # seeds that were there at their first evaluation
    never: int  # seeds that did not get there
    share: float | None
    interval: tuple[float, float] | None

    @property
    def pairs(self) -> int:
        return len(self.shares) + self.early + self.never


def steps_to_quality(grid: GridView, column: cols.Column | None, curves: Curves) -> list[StepsToQuality]:
    """Steps to quality of every arm that shares a seed with the baseline; none where no curve has two evaluations.

    ``column`` is the reading of the grid's endpoint, ``curves`` its trajectories.
    """
    if column is None or column.described.direction == "none" or grid.baseline.count("undertrained"):
        return []
    goals = column.values(grid.baseline)
    if not any(len(points) > 1 for by_seed in curves.values() for points in by_seed.values()):
        return []
    lower = column.described.direction == "lower"
    arms = [arm.name for arm in grid.challengers]
    reach = []
    for arm in arms:
        ended = {seed: points for seed, points in curves[arm].items() if points[-1].step == column.step}
        paired = sorted(ended.keys() & goals.keys())
        ends = {seed: reached(ended[seed], goals[seed], lower_is_better=lower) for seed in paired}
        if ends:
            reach.append(_summed(arm, column.step, ends, arms=len(arms)))
    return reach


def _summed(arm: str, last: int, ends: dict[int, Reached], *, arms: int) -> StepsToQuality:
    shares = {seed: end.step / last for seed, end in ends.items() if end.step is not None}
    early = sum(end.early for end in ends.values())
    whole = len(shares) == len(ends)
    logs = summarise([math.log(share) for share in shares.values()]) if whole else None
    interval = None
    if logs is not None and logs.std is not None and logs.std > _NO_SPREAD:
        low, high = inference.interval(logs.mean, logs.std / math.sqrt(logs.n), logs.n - 1, arms)
        interval = (math.exp(min(low, 700.0)), math.exp(min(high, 700.0)))
    return StepsToQuality(
        arm=arm,
        steps=last,
        shares=shares,
        early=early,
        never=len(ends) - len(shares) - early,
        share=None if logs is None else math.exp(logs.mean),
        interval=interval,
    )
