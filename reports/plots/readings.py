"""How R is read: the mean log loss so far of an arm and of its baseline, the level, and the two steps that reach it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reports.analysis.speed_reading import SpeedReading
from reports.content.grid_report import GridReport
from reports.content.wording import CURVES
from reports.plots.canvas import canvas
from reports.plots.scales import thousands
from reports.plots.style import BLACK, Look, groups, looks
from reports.text import plain, steps
from results.metrics import describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BASELINE = "#8C8C8C"


def figures(report: GridReport) -> dict[str, Figure]:
    """``speed-<grid>``, a panel an arm, or one an axis or a block; none where speed is not the endpoint."""
    grid, pairs = report.grid, report.analysis.comparison.speed
    if pairs is None:
        return {}
    readings = {reading.arm.name: reading for reading in report.analysis.readings}
    drawn = {}
    for name, arms in groups(grid.name, grid.arms):
        if own := [readings[arm.name] for arm in arms if arm.name in readings]:
            drawn[f"speed-{name}"] = _figure(own, looks(arms), CURVES[pairs.curve])
    return drawn


def _figure(readings: list[SpeedReading], look: dict[str, Look], curve: str) -> Figure:
    notes = [
        f"geometric mean of the {curve} from the first step on, both axes logarithmic · grey: the baseline · black: "
        "the level of the slower of the two, as long as R · steps: the arm's / the baseline's · one seed each, whose R "
        "is in the middle of its seeds'"
    ]
    columns = min(2, len(readings))
    rows = -(-len(readings) // columns)
    figure, axes = canvas([1.45] * rows, columns=columns, footer=notes)
    for axis, reading in zip(axes, readings, strict=False):
        _draw(axis, reading, look[reading.arm.name])
    for axis in axes[len(readings) :]:
        axis.set_visible(False)
    for axis in axes[::columns]:
        axis.set_ylabel("mean loss so far", fontsize=7)
    return figure


def _draw(axis: Axes, reading: SpeedReading, of: Look) -> None:
    at, last = reading.at, reading.own[-1][0]
    first = reading.first_shown()
    shown = []
    for curve, style in ((reading.base, {"color": _BASELINE, "linewidth": 1.7}), (reading.own, _line(of))):
        points = [(step, math.exp(mean)) for step, mean in reading.shown(curve)]
        axis.plot(*zip(*points, strict=True), **style)
        shown += [loss for _, loss in points]
    level = math.exp(at.level)
    axis.plot([at.baseline_step, at.arm_step], [level, level], color=BLACK, linewidth=1.3, marker="|", markersize=6)
    _axes(axis, (first, last * 1.05), (min(shown), max(shown)))
    ticks = [last / 2**power for power in range(6) if last / 2**power >= first][:3]
    axis.set_xticks(ticks, [thousands(round(tick)) for tick in ticks])
    axis.set_xlabel(f"training steps, seed {reading.seed}", fontsize=6.5)
    axis.tick_params(labelsize=6)
    axis.set_title(_title(reading), loc="left", fontsize=6.5)


def _axes(axis: Axes, steps_shown: tuple[float, float], losses: tuple[float, float]) -> None:
    """Both logarithmic, with few plain numbers: less than a decade is shown."""
    from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator

    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(*steps_shown)
    low, high = losses
    room = (high / low) ** 0.08
    axis.set_ylim(low / room, high * room)
    ticks = [value for value in MaxNLocator(nbins=4).tick_values(low, high) if low <= value <= high]
    axis.set_yticks(ticks, [f"{value:g}" for value in ticks])
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_minor_locator(NullLocator())
        scale.set_minor_formatter(NullFormatter())


def _line(of: Look) -> Look:
    return {"color": of["color"], "linestyle": of["linestyle"], "linewidth": of["linewidth"]}


def _title(reading: SpeedReading) -> str:
    at, ratio = reading.at, reading.at.ratio
    least = ("≥" if ratio.log_ratio > 0 else "≤") if ratio.is_bound else "="
    return (
        f"{plain(reading.arm.name, limit=18)}: R {least} {describe('speed').format(ratio.log_ratio)}\n"
        f"{steps(round(at.arm_step))} / {steps(round(at.baseline_step))} steps"
    )
