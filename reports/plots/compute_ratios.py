"""Compute to the baseline's loss: R times the relative MACs of a step, with R's interval. Exploratory, no verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.analysis.compute import ComputeRatio
from reports.content.grid_report import GridReport
from reports.plots.canvas import canvas
from reports.plots.scales import ratio_axis
from reports.plots.style import BLACK, GREY
from reports.text import plain
from results.metrics import describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NOTE = (
    "R × MACs a step over the baseline's: the compute that an arm needs for the loss at which R is read · whiskers: "
    "R's simultaneous 95% interval, moved; ○: R alone · exploratory: no verdict, and MACs are not time"
)


def figures(report: GridReport) -> dict[str, Figure]:
    """``compute-<grid>``; none where speed is not the endpoint, or all arms have the MACs of their baseline."""
    grid, found = report.grid, report.analysis.compute
    if not found:
        return {}
    figure, (axis,) = canvas([0.62 + 0.19 * len(found)], footer=[_NOTE])
    _draw(axis, found)
    axis.set_yticks(range(len(found)), [plain(each.arm.name, limit=22) for each in found])
    axis.set_ylim(len(found) - 0.4, -0.6)
    axis.grid(visible=False, axis="y")
    axis.tick_params(axis="y", length=0)
    several = len(grid.blocks) > 1
    base = "the block's" if several else plain(grid.baseline.name, limit=24)
    axis.set_xlabel(f"compute to the baseline's loss ({base})\n← less        more →")
    return {f"compute-{grid.name}": figure}


def _draw(axis: Axes, found: Sequence[ComputeRatio]) -> None:
    speed = describe("speed")
    ends = [abs(end) for each in found for end in (each.compute, each.steps, *(each.interval or ()))]
    reach = min(1.08 * max(ends), math.log(1000)) or math.log(1.1)
    ratio_axis(axis, "x", -reach, reach)
    axis.axvline(1.0, color=BLACK, linewidth=0.8, zorder=1)
    for row, each in enumerate(found):
        if each.interval is not None:
            axis.plot([math.exp(end) for end in each.interval], [row, row], color=GREY, linewidth=1.0, marker="|")
        axis.plot(math.exp(each.steps), row, "o", color=GREY, markerfacecolor="white", markersize=3.2, zorder=2)
        axis.plot(math.exp(each.compute), row, "d", color=GREY, markersize=5, zorder=3)
        axis.annotate(
            f"{speed.format(each.compute)} = {speed.format(each.steps)} × {speed.format(each.macs)}", (1, row),
            xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points", va="center", fontsize=6,
            annotation_clip=False,
        )  # fmt: skip
