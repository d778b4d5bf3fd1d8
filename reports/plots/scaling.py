"""Score against depth, width and patch size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.analysis.arm_scores import ArmPoint, ArmScores, endpoint_scores
from reports.analysis.sizes import Scaling, scalings
from reports.content.footers import footer
from reports.content.grid_report import GridReport
from reports.plots.canvas import canvas
from reports.plots.scales import floor_line, score_label
from reports.plots.style import BLACK, COLOURS
from reports.text import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figures(report: GridReport) -> dict[str, Figure]:
    """``scaling-<grid>``, a panel a size; none where the grid varies none."""
    scores = endpoint_scores(report.analysis.scores)
    parts = scalings(scores) if scores is not None else []
    if scores is None or not parts:
        return {}
    metric, seeds = scores.column.described, [len(p.seeds) for part in parts for _, p in part.points]
    notes = [
        footer(metric, scores.column.weights, scores.card, seeds=seeds, floor=scores.floor),
        f"step {scores.column.step:,}; ○: baseline; dots: seeds; whiskers: 95% t interval of the mean",
    ]
    figure, axes = canvas([1.7], columns=len(parts), footer=notes, sharey=True)
    for axis, part in zip(axes, parts, strict=True):
        _draw(axis, part, scores)
    score_label(axes[0], metric)
    return {f"scaling-{report.grid.name}": figure}


def _draw(axis: Axes, part: Scaling, scores: ArmScores) -> None:
    from matplotlib.ticker import NullFormatter, NullLocator

    metric = scores.column.described
    sizes = [size for size, _ in part.points]
    axis.plot(sizes, [metric.scale * point.mean for _, point in part.points], color=COLOURS[0], linewidth=1.2)
    for size, point in part.points:
        _point(axis, size, point, metric.scale)
    if part.baseline is not None:
        axis.axhline(metric.scale * part.baseline.mean, color=BLACK, linewidth=1.0)
        axis.annotate(
            plain(part.baseline.arm.name, limit=16), (0, metric.scale * part.baseline.mean),
            xycoords=("axes fraction", "data"), xytext=(2, 2), textcoords="offset points", fontsize=6,
        )  # fmt: skip
    axis.set_xscale("log", base=2)
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.margins(x=0.15, y=0.1)
    axis.set_xlabel(part.label.replace(", ", "\n"))
    floor_line(axis, metric, scores.floor)


def _point(axis: Axes, size: int, point: ArmPoint, scale: float) -> None:
    colour = BLACK if point.arm.is_baseline else COLOURS[0]
    if point.interval is not None:
        axis.plot([size, size], [scale * end for end in point.interval], color=colour, linewidth=0.9)
    face = "white" if point.arm.is_baseline else colour
    axis.plot(size, scale * point.mean, "o", color=colour, markerfacecolor=face, markersize=5, zorder=3)
    if len(point.seeds) > 1:
        values = [scale * value for value in point.seeds.values()]
        axis.plot([size] * len(values), values, "o", markersize=2.2, color="#B23A00", markeredgewidth=0, zorder=4)
