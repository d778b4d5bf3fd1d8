"""Skill: how far a cell's EMA weights are from what linear algebra alone predicts, each noise level counting alike.

x = the mean over noise levels of log(eps-loss / the linear filter's loss), after the last step; below 0 is better than
the filter. Formulas: docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports.analysis import columns as cols
from reports.views.grid import GridView
from reports.views.references import process_of
from results.linear_filter import LinearFilterRecord
from results.record import Record, Score

METRIC, WEIGHTS = "skill", "ema"


def log_skill(grid: GridView, record: Record) -> list[float] | None:
    """log(EMA eps-loss / the linear filter's) at each noise level after the cell's last step.

    None where the cell has no losses by level, or the grid no linear filter of their images, process and levels.
    """
    found = compared_levels(grid, record)
    return None if found is None else found[1]


def compared_levels(grid: GridView, record: Record) -> tuple[LinearFilterRecord, list[float]] | None:
    """The linear filter that the cell's losses compare with, and their logarithms over its own (`log_skill`)."""
    last = grid.step
    for score in record.scores:
        if (score.metric, score.weights, score.step) == ("val_loss", WEIGHTS, last):
            found = _filter(grid.linear_filters, record, score)
            levels = score.card.get("levels")
            if found is not None and isinstance(levels, list) and _are_losses(levels, found.levels):
                return found, found.log_skill(levels)
    return None


def skill_column(grid: GridView) -> cols.Column | None:
    """Each arm's skill by seed, of cells that trained to the end; None where no cell has one."""
    values: dict[str, dict[int, float]] = {}
    for arm in grid.arms:
        for cell in arm.cells:
            if cell.survivor is not None and (levels := log_skill(grid, cell.survivor)) is not None:
                values.setdefault(arm.name, {})[cell.seed] = math.fsum(levels) / len(levels)
    if not values:
        return None
    return cols.Column(metric=METRIC, weights=WEIGHTS, step=grid.step or 0, how=(), computed=values)


def why_no_skill(grid: GridView) -> str:
    """Why `skill_column` is None."""
    scores = [score for arm in grid.arms for record in arm.survivors for score in record.scores]
    if not any(score.metric == "val_loss" and score.weights == WEIGHTS and "levels" in score.card for score in scores):
        return "no finished cell has EMA losses by noise level (evaluation.val_levels=20)"
    if not grid.linear_filters:
        return "the folder has no linear filter of the held-out images"
    return "the linear filter has other noise levels than the losses, or none stand at the last step"


def _filter(filters: Sequence[LinearFilterRecord], record: Record, score: Score) -> LinearFilterRecord | None:
    wanted = (score.card.get("fingerprint"), process_of(record.training))
    return next((each for each in filters if each.measured_on == wanted), None)


def _are_losses(levels: Sequence[object], count: int) -> bool:
    return len(levels) == count and all(isinstance(loss, int | float) and loss > 0 for loss in levels)
