"""The noise levels at which the eps-loss is told: equal parts of the time of any process, four to each of five bins.

A level's loss is the mean over t uniform within it, passed through the process's `training_times`. So the mean over the
four levels of a bin is that bin's loss, and the mean over all levels is ``val_loss``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

T_MIN, T_MAX = 0.001, 0.999
BINS = 5
LEVELS = 20

Times = npt.NDArray[np.float64]


def level_edges() -> Times:
    """The times (LEVELS + 1,) that bound the levels, rising: the last level is the noisiest."""
    return np.linspace(T_MIN, T_MAX, LEVELS + 1)


def level_times(nodes: int) -> Times:
    """Times (LEVELS, nodes) of the midpoint rule: the middles of ``nodes`` equal parts of every level."""
    edges = level_edges()
    within = (np.arange(nodes) + 0.5) / nodes
    return edges[:-1, None] + np.diff(edges)[:, None] * within
