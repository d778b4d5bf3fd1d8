"""Marks: what a reader should know of a cell, without measuring anew. They decide nothing, and no cell is left out."""

from __future__ import annotations

import math
from collections.abc import Iterable

from results.linear_filter import LinearFilterRecord
from results.record import Score

ABOVE_THE_FILTER = "above the linear filter"
RESUMED = "resumed"
MOVED = "resumed on another kind of device"


def smaller_micro_batch(size: int) -> str:
    """The mark of a cell that ran out of memory and went on with ``size`` images at a time."""
    return f"micro-batch reduced to {size}"


def filter_marks(scores: Iterable[Score], *, step: int, filters: Iterable[LinearFilterRecord]) -> list[str]:
    """The mark of EMA weights that are worse after ``step`` steps than linear algebra is: geometric mean over levels.

    Without losses by level, or without a filter of the same held-out images and process, nothing is known.
    """
    for score in scores:
        if (score.metric, score.weights, score.step) != ("val_loss", "ema", step):
            continue
        levels, on = score.card.get("levels") or [], (score.card.get("fingerprint"), score.card.get("process", "vp"))
        known = [each for each in filters if each.measured_on == on and each.levels == len(levels)]
        if any(math.fsum(each.log_skill(levels)) > 0 for each in known):
            return [ABOVE_THE_FILTER]
    return []
