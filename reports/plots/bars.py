"""The last scores as bars from zero, with 95% intervals of the mean and single seeds as dots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.analysis.arm_scores import ArmPoint, ArmScores
from reports.content.footers import footer
from reports.content.grid_report import GridReport
from reports.plots.canvas import canvas
from reports.plots.scales import floor_line
from reports.plots.style import BLACK, GREY, LIGHT
from reports.text import plain
from reports.views.grid import GridView

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figures(report: GridReport) -> dict[str, Figure]:
    """``bars-<grid>``, a column a score; none where no score is on record."""
    grid, scores = report.grid, report.analysis.scores
    if not scores:
        return {}
    notes = [f"({letter}) {_footer(part)}" for letter, part in zip("abc", scores, strict=False)]
    notes.append("bars: mean over seeds; dots: seeds; whiskers: 95% t interval of the mean, from two seeds on")
    height = 0.6 + 0.165 * len(grid.arms)
    figure, axes = canvas([height], columns=len(scores), footer=notes, sharey=True)
    for letter, axis, part in zip("abc", axes, scores, strict=False):
        _bars(axis, grid, part, letter)
    axes[0].set_yticks(range(len(grid.arms)), [plain(arm.name, limit=22) for arm in grid.arms])
    axes[0].set_ylim(len(grid.arms) - 0.4, -0.6)
    return {f"bars-{grid.name}": figure}


def _footer(part: ArmScores) -> str:
    seeds = [len(point.seeds) for point in part.points]
    text = footer(part.column.described, part.column.weights, part.card, seeds=seeds, floor=part.floor)
    return f"{text} · step {part.column.step:,}" + (" · primary endpoint" if part.is_endpoint else "")


def _bars(axis: Axes, grid: GridView, part: ArmScores, letter: str) -> None:
    from matplotlib.ticker import MaxNLocator

    metric, by_arm = part.column.described, {point.arm.name: point for point in part.points}
    for row, arm in enumerate(grid.arms):
        if (point := by_arm.get(arm.name)) is not None:
            _bar(axis, row, point, metric.scale)
        else:
            axis.annotate(
                "no score", (0, row), xytext=(2, 0), textcoords="offset points", va="center", fontsize=6, color=GREY
            )
    axis.set_xlabel(f"({letter}) " + "\n".join(plain(line) for line in metric.heading))
    axis.xaxis.set_major_locator(MaxNLocator(nbins=3 if len(axis.figure.axes) > 1 else 6))
    axis.grid(visible=False, axis="y")
    axis.tick_params(axis="y", length=0)
    floor_line(axis, metric, part.floor, across="x")


def _bar(axis: Axes, row: int, point: ArmPoint, scale: float) -> None:
    colour = "#8C8C8C" if point.arm.is_baseline else LIGHT
    axis.barh(row, scale * point.mean, height=0.72, color=colour, edgecolor=BLACK, linewidth=0.5)
    if point.interval is not None:
        low, high = (scale * end for end in point.interval)
        axis.plot([low, high], [row, row], color=BLACK, linewidth=0.9, marker="|", markersize=4)
    values = [scale * value for value in point.seeds.values()]
    axis.plot(values, [row] * len(values), "o", markersize=2.6, color="#B23A00", markeredgewidth=0, alpha=0.9)
