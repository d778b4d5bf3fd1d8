"""Speed: how many times the baseline's steps an arm needs, from the two training losses of one seed.

Each loss becomes the mean of its log from the first step on. The curve that ends higher sets the level; R is the ratio
of the steps at which the two reach it. So R exists where curves cross or never meet, is one over itself when the two
change places, lies on the same side of 1 as the difference of the mean log losses, and is exact where one curve is the
other at a multiple of the steps. Formulas: docs/statistics.md.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LATE = 1 / 3  # share of the steps that the late ratio leaves out

Points = Sequence[tuple[float, float]]  # (step, value) in order of step


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRatio:
    """The arm needs exp(``log_ratio``) times the baseline's steps.

    ``is_bound``: the faster curve was past the level at its first point already, so that R is at least this far from 1.
    """

    log_ratio: float
    is_bound: bool

    @property
    def ratio(self) -> float:
        return math.exp(self.log_ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelReading:
    """The ``level`` at which two curves are compared, and the steps at which they leave it."""

    level: float
    arm_step: float
    baseline_step: float
    is_bound: bool  # as of `SpeedRatio`

    @property
    def ratio(self) -> SpeedRatio:
        return SpeedRatio(log_ratio=math.log(self.arm_step) - math.log(self.baseline_step), is_bound=self.is_bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelStep:
    """The step at which a curve leaves a level for good; ``is_bound`` where it had left it by its first point."""

    step: float
    is_bound: bool = False


def speed_ratio(arm: Points, baseline: Points, *, skipped: float = 0.0) -> SpeedRatio:
    """R of two training losses up to the last step of the shorter; a point is (step, mean loss since the point before).

    ``skipped`` leaves out that share of the steps at the start of every mean (`LATE`): of the steps so far, not of the
    whole training, since R would not be exact otherwise. Raises ValueError for a curve without points, with steps that
    do not rise from above 0, with a loss that is no positive number, or for two curves that share no steps.
    """
    own, base = aligned(mean_log_loss(arm, skipped=skipped), mean_log_loss(baseline, skipped=skipped))
    return level_ratio(own, base)


def level_ratio(arm: Points, baseline: Points) -> SpeedRatio:
    """R of two falling curves that end at one step, at the level of the one that ends higher."""
    return level_reading(arm, baseline).ratio


def level_reading(arm: Points, baseline: Points) -> LevelReading:
    """How R of two falling curves that end at one step is read: at the level of the one that ends higher."""
    level, goal, end = arm[-1][1], baseline[-1][1], arm[-1][0]
    if level >= goal:
        at = last_at_or_above(baseline, level)
        return LevelReading(level=level, arm_step=end, baseline_step=at.step, is_bound=at.is_bound)
    at = last_at_or_above(arm, goal)
    return LevelReading(level=goal, arm_step=at.step, baseline_step=end, is_bound=at.is_bound)


def aligned(arm: Points, baseline: Points) -> tuple[Points, Points]:
    """Both curves up to the last step of the shorter."""
    end = min(arm[-1][0], baseline[-1][0])
    return _until(arm, end), _until(baseline, end)


def mean_log_loss(losses: Points, *, skipped: float = 0.0) -> list[tuple[float, float]]:
    """At every point's step k: the mean over steps ``skipped``·k to k of min(0, log loss).

    A point stands for all steps since the one before it, so that a point that is missing gives its steps to the next. A
    loss over 1 counts as 1, what a network has that predicts zero: how far above it starts says nothing of speed.
    """
    _check(losses)
    steps = [0.0, *(float(step) for step, _ in losses)]
    sums = [0.0]  # of the log over the steps so far; linear between points
    for (before, step), (_, loss) in zip(itertools.pairwise(steps), losses, strict=True):
        sums.append(sums[-1] + (step - before) * min(0.0, math.log(loss)))
    return [
        (step, (total - _between(steps, sums, skipped * step)) / ((1 - skipped) * step))
        for step, total in zip(steps[1:], sums[1:], strict=True)
    ]


def last_at_or_above(curve: Points, level: float) -> LevelStep:
    """The last step at which ``curve`` is at ``level`` or above it, on straight lines in the logarithm of the step.

    The last, since the first touch of a noisy curve would flatter it. The first step, as a bound, where it never is.
    """
    above = [i for i, (_, value) in enumerate(curve) if value >= level]
    if not above:
        return LevelStep(step=curve[0][0], is_bound=True)
    if above[-1] == len(curve) - 1:
        return LevelStep(step=curve[-1][0])
    (step, value), (later, lower) = curve[above[-1]], curve[above[-1] + 1]
    share = (value - level) / (value - lower)
    return LevelStep(step=step * (later / step) ** share)


def loss_points(losses: Iterable[Mapping[str, float]]) -> list[tuple[float, float]]:
    """A record's ``losses`` as (step, loss)."""
    return [(point["step"], point["loss"]) for point in losses]


def _until(curve: Points, end: float) -> Points:
    """The curve's points up to ``end``, the last of them there."""
    kept = [point for point in curve if point[0] < end]
    return [*kept, (end, _at(curve, end))]


def _at(curve: Points, step: float) -> float:
    """The curve at ``step``, on straight lines in the logarithm of the step."""
    after = next(i for i, point in enumerate(curve) if point[0] >= step)
    later, value = curve[after]
    if later == step:
        return value
    if after == 0:
        raise ValueError(f"losses: expected curves over the same steps, got one that begins at {later:g} past {step:g}")
    before, earlier = curve[after - 1]
    return earlier + (value - earlier) * math.log(step / before) / math.log(later / before)


def _between(steps: Sequence[float], sums: Sequence[float], step: float) -> float:
    """``sums`` at ``step``, on straight lines."""
    after = max(1, bisect.bisect_left(steps, step))
    share = (step - steps[after - 1]) / (steps[after] - steps[after - 1])
    return sums[after - 1] + share * (sums[after] - sums[after - 1])


def _check(losses: Points) -> None:
    steps = [0.0, *(step for step, _ in losses)]
    if not losses or any(later <= before for before, later in itertools.pairwise(steps)):
        raise ValueError(f"losses: expected points at rising steps from above 0, got steps {list(steps[1:])[:5]}")
    for step, loss in losses:
        if not (math.isfinite(loss) and loss > 0):
            raise ValueError(f"losses: expected positive numbers, got {loss} at step {step:g}")
