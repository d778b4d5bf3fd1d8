"""Score against training steps with seed bands, in the manner of the paper's Figure 2, whose own curves stand below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.analysis.paper import PaperCurves, paper_curves
from reports.analysis.score_curves import Curve, CurvePanel, panels
from reports.content.footers import footer, weights_name
from reports.content.grid_report import GridReport
from reports.plots.canvas import canvas
from reports.plots.lines import draw_lines
from reports.plots.scales import floor_line, linear_line, logarithmic, score_label, score_range, steps_axis
from reports.plots.style import Look, arm_label, groups, handle, looks
from reports.text import plain
from reports.views.grid import ArmView
from results.metrics import describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = "lines: mean over seeds · bands and thin lines: the seeds, lowest to highest · ×: where a cell stopped"


def figures(report: GridReport) -> dict[str, Figure]:
    """``<grid>``, or ``<grid>-<axis>`` for each axis of a large grid; none where no score is on record."""
    grid = report.grid
    every, paper = panels(grid), paper_curves(grid)
    drawn = {}
    for name, arms in groups(grid.name, grid.arms):
        names = {arm.name for arm in arms}
        content = [(panel, [c for c in panel.curves if c.arm.name in names]) for panel in every]
        content = [(panel, curves) for panel, curves in content if curves]
        if content:
            beside = [panel for panel in paper if any(a in names for a in panel.by_arm if a != grid.baseline.name)]
            drawn[name] = _figure(content, arms, beside)
    return drawn


def _figure(
    content: Sequence[tuple[CurvePanel, list[Curve]]], arms: Sequence[ArmView], paper: Sequence[PaperCurves]
) -> Figure:
    look = looks(arms)
    shown = [arm for arm in arms if any(curve.arm.name == arm.name for _, curves in content for curve in curves)]
    heights = [0.75 + 0.2 * len(curves) if panel.single_step else 1.9 for panel, curves in content]
    letters = "abcdefg"
    notes = [f"({letter}) {_footer(panel, curves)}" for letter, (panel, curves) in zip(letters, content, strict=False)]
    notes += [f"({letters[len(content) + i]}) {_paper_footer(beside)}" for i, beside in enumerate(paper)]
    if any(len(curve.seeds) > 1 or curve.failed for _, curves in content for curve in curves):
        notes.append(_MARKS)
    figure, axes = canvas(
        heights + [1.7] * len(paper),
        footer=notes,
        handles=[handle(arm_label(arm, formula=True), look[arm.name]) for arm in shown],
    )
    for letter, axis, (panel, curves) in zip(letters, axes, content, strict=False):
        (_dots if panel.single_step else _lines)(axis, panel, curves, look)
        axis.set_title(f"({letter}) {_title(panel)}", loc="left")
    for letter, axis, beside in zip(letters[len(content) :], axes[len(content) :], paper, strict=False):
        _paper(axis, beside, look)
        axis.set_title(f"({letter}) the paper's Figure 2({beside.panel.name[-1]})", loc="left")
    return figure


def _title(panel: CurvePanel) -> str:
    parts = [f"{plain(weights_name(panel.weights))} weights"]
    parts += [f"step {panel.last_step:,}"] if panel.single_step else []
    return " · ".join(parts + (["primary endpoint"] if panel.is_endpoint else []))


def _footer(panel: CurvePanel, curves: Sequence[Curve]) -> str:
    seeds = [len(curve.seeds) - len(curve.failed) for curve in curves]
    return footer(panel.metric, panel.weights, panel.card, seeds=seeds, floor=panel.floor)


def _paper_footer(beside: PaperCurves) -> str:
    return "CIFAR10, U-ViT-S/2, one seed, digitised (±0.1 FID): compare the order of arms, not the values"


def _lines(axis: Axes, panel: CurvePanel, curves: Sequence[Curve], look: dict[str, Look]) -> None:
    draw_lines(axis, curves, look, scale=panel.metric.scale)
    score_label(axis, panel.metric)
    points = [(s, panel.metric.scale * v) for c in curves for seed in c.seeds.values() for s, v in seed]
    steps_axis(axis, max(step for step, _ in points))
    others = [panel.metric.scale * value for value in (panel.floor, panel.linear) if value is not None]
    score_range(axis, points, others)
    floor_line(axis, panel.metric, panel.floor)
    linear_line(axis, panel.metric, panel.linear)


def _dots(axis: Axes, panel: CurvePanel, curves: Sequence[Curve], look: dict[str, Look]) -> None:
    """One score an arm: a tick a seed and the mean, arms from top to bottom as in the table."""
    scale = panel.metric.scale
    for row, curve in enumerate(curves):
        of = look[curve.arm.name]
        for seed, points in curve.seeds.items() if len(curve.seeds) > 1 or curve.failed else ():
            marker = "x" if seed in curve.failed else "|"
            axis.plot(scale * points[-1][1], row, marker=marker, color=of["color"], markersize=8, linestyle="none")
        if band := curve.band():
            _, mean, low, high = band[-1]
            axis.plot([scale * low, scale * high], [row, row], color=of["color"], linewidth=1.0, alpha=0.6)
            axis.plot(scale * mean, row, marker=of["marker"], color=of["color"], markersize=5, linestyle="none")
    axis.set_yticks(range(len(curves)), [plain(curve.arm.name, limit=16) for curve in curves])
    axis.set_ylim(len(curves) - 0.4, -0.6)
    axis.margins(x=0.08)
    axis.set_xlabel(plain(panel.metric.axis))
    floor_line(axis, panel.metric, panel.floor, across="x")


def _paper(axis: Axes, beside: PaperCurves, look: dict[str, Look]) -> None:
    curves = {name: points for name, points in beside.by_arm.items() if name in look}
    for name, points in reversed(curves.items()):  # the baseline on top
        axis.plot([step for step, _ in points], [value for _, value in points], markersize=3, **look[name])
    score_label(axis, describe(beside.panel.metric))
    steps_axis(axis, beside.panel.steps)
    values = [value for points in curves.values() for _, value in points]
    logarithmic(axis, "y", span=max(values) / min(values))
