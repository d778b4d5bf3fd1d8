"""Each seed's endpoint against what it cost to get there; interpolated between evaluations, never extrapolated."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from reports.analysis import columns as cols
from reports.views.grid import ArmView, GridView


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredStep:
    """One evaluation: the score after ``step`` steps, and the MACs of the training up to it."""

    step: int
    macs: int
    value: float


Trajectory = tuple[ScoredStep, ...]  # in order of step
Curves = dict[str, dict[int, Trajectory]]  # by arm and seed


def trajectories(grid: GridView, column: cols.Column) -> Curves:
    """The cells that trained to the end, by arm and seed: all scores measured as ``column``'s are, up to its step."""
    return {arm.name: _of_arm(arm, column) for arm in grid.arms}


def _of_arm(arm: ArmView, column: cols.Column) -> dict[int, Trajectory]:
    by_seed = {}
    for cell in arm.cells:
        if (record := cell.survivor) is None:
            continue
        points = {
            score.step: ScoredStep(step=score.step, macs=score.train_macs, value=score.value)
            for score in record.scores
            if score.value is not None
            and (score.metric, score.weights) == (column.metric, column.weights)
            and 0 < score.step <= column.step
            and cols.how_measured(record, score) == column.how
        }
        if points:
            by_seed[cell.seed] = tuple(points[step] for step in sorted(points))
    return by_seed


def value_at(points: Trajectory, step: float) -> float | None:
    """The score after ``step`` steps, on the straight line between the evaluations around; None outside of them."""
    for point in points:
        if point.step == step:
            return point.value
    for before, after in itertools.pairwise(points):
        if before.step < step < after.step:
            share = (step - before.step) / (after.step - before.step)
            return before.value + share * (after.value - before.value)
    return None
