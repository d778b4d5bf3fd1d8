"""Compute to the baseline's loss: R, a share of the baseline's steps, times the share of its MACs. Exploratory.

MACs are counted, not measured, so the interval is R's own, moved by a constant. No verdict is given on it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.analysis.verdicts import GridComparison
from reports.views.grid import ArmView, GridView


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeRatio:
    """One arm: logarithms of R, of its MACs over its baseline's, and of their product with R's interval moved."""

    arm: ArmView
    steps: float
    macs: float
    interval: tuple[float, float] | None

    @property
    def compute(self) -> float:
        """log of the arm's compute over the baseline's at the same loss."""
        return self.steps + self.macs


def compute_ratios(grid: GridView, compared: GridComparison) -> list[ComputeRatio]:
    """The arms that have an R, in order; none under another endpoint, or where all arms have their baseline's MACs."""
    if grid.metric.kind != "speed":
        return []
    found = []
    for arm in grid.challengers:
        comparison, own, base = compared.of(arm), arm.network_size("macs"), grid.baseline_of(arm).network_size("macs")
        if comparison is None or comparison.difference is None or not own or not base:
            continue
        macs = math.log(own / base)
        ends = comparison.interval
        moved = None if ends is None else (ends[0] + macs, ends[1] + macs)
        found.append(ComputeRatio(arm=arm, steps=comparison.difference, macs=macs, interval=moved))
    return found if any(each.macs for each in found) else []
