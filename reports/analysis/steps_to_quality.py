"""Steps to quality: the share of the baseline's steps in which an arm reaches the baseline's final score.

Convergence speed is where many choices differ. Shares are paired by seed, their mean and interval taken of logarithms,
since 0.5× and 2× are equally far from 1×. A seed that does not get there has no share; none is made up for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis import columns as cols
from reports.analysis import inference
from reports.analysis.summary import summarise
from reports.analysis.trajectories import Reached, reached, trajectories
from reports.analysis.verdicts import endpoint_column
from reports.content.wording import quoted
from reports.text import plural, steps
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

    @property
    def text(self) -> str:
        """For a table: ``0.71× [0.60, 0.80]``."""
        if not self.pairs:
            return "–"
        if self.share is not None:
            return f"{self.share:.2f}×{_interval(self.interval)}"
        if self.never == self.pairs:
            return "not reached"
        counts = ((len(self.shares), "reach it"), (self.never, "do not"), (self.early, "by the 1st evaluation"))
        return ", ".join(f"{count}/{self.pairs} {what}" for count, what in counts if count)

    def sentence(self, goal: str = "the baseline's final score") -> str:
        """``add reaches the baseline's final score in 0.71× the steps [0.60, 0.80]``."""
        arm = quoted(self.arm)
        if self.share is not None:
            return f"{arm} reaches {goal} in {self.share:.2f}× the steps{_interval(self.interval)}"
        if self.never == self.pairs:
            return f"{arm} does not reach {goal} within {steps(self.steps)} steps"
        if self.early == self.pairs:
            return f"{arm} has {goal} at its first evaluation already"
        rest = [f"{plural(self.never, 'seed')} not within {steps(self.steps)} steps"] * bool(self.never)
        rest += [f"{plural(self.early, 'seed')} at the first evaluation already"] * bool(self.early)
        return f"{arm} reaches {goal} in {len(self.shares)} of {self.pairs} seeds ({', '.join(rest)}): no mean"


def sentences(found: Sequence[StepsToQuality]) -> str:
    """All arms in one line; empty without any."""
    first = [item.sentence() for item in found[:1]]
    return "; ".join([*first, *(item.sentence("it") for item in found[1:])])


def steps_to_quality(grid: GridView) -> list[StepsToQuality]:
    """One an arm beside the baseline that shares a seed with it; none where no curve has two evaluations."""
    column = endpoint_column(grid)
    if column is None or column.described.direction == "none" or grid.baseline.count("undertrained"):
        return []
    curves, goals = trajectories(grid, column), cols.values(grid.baseline, column)
    if not any(len(points) > 1 for by_seed in curves.values() for points in by_seed.values()):
        return []
    lower = column.described.direction == "lower"
    arms = [arm.name for arm in grid.arms if not arm.is_baseline]
    found = []
    for arm in arms:
        ended = {seed: points for seed, points in curves[arm].items() if points[-1].step == column.step}
        paired = sorted(ended.keys() & goals.keys())
        ends = {seed: reached(ended[seed], goals[seed], lower_is_better=lower) for seed in paired}
        if ends:
            found.append(_summed(arm, column.step, ends, arms=len(arms)))
    return found


def _summed(arm: str, last: int, ends: dict[int, Reached], *, arms: int) -> StepsToQuality:
    shares = {seed: end.step / last for seed, end in ends.items() if end.step is not None}
    early = sum(end.early for end in ends.values())
    whole = len(shares) == len(ends)
    logs = summarise([math.log(share) for share in shares.values()]) if whole else None
    interval = None
    if logs is not None and logs.std is not None and logs.std > _NO_SPREAD:
        low, high = inference.interval(logs.mean, logs.std, logs.n, arms)
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


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{_share(interval[0])}, {_share(interval[1])}]"


def _share(value: float) -> str:
    return f"{value:.2f}" if value < 100 else ">100"
