"""Training loss against steps."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from reports.analysis.score_curves import Curve, CurvePanel, loss_panel
from reports.content.footers import seed_count
from reports.content.grid_report import GridReport
from reports.plots.canvas import canvas
from reports.plots.lines import draw_lines
from reports.plots.scales import score_label, score_range, steps_axis
from reports.plots.style import arm_label, groups, handle, looks
from reports.views.grid import ArmView

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(report: GridReport) -> dict[str, Figure]:
    """``loss-<grid>``, or one an axis in a large grid; none where fewer than two losses are on record."""
    grid = report.grid
    panel = loss_panel(grid)
    if panel is None or panel.single_step:
        return {}
    return {
        f"loss-{name}": figure
        for name, arms in groups(grid.name, grid.arms)
        if (figure := _figure(panel, arms)) is not None
    }


def _figure(panel: CurvePanel, arms: list[ArmView]) -> Figure | None:
    names, look = {arm.name for arm in arms}, looks(arms)
    curves = [_smooth(curve) for curve in panel.curves if curve.arm.name in names]
    if not curves:
        return None
    seeds = seed_count(len(curve.seeds) - len(curve.failed) for curve in curves)
    note = f"training loss, running mean over 5% of the points · raw weights · {seeds} · bands: seeds · no floor"
    handles = [handle(arm_label(curve.arm), look[curve.arm.name]) for curve in curves]
    figure, (axis,) = canvas([2.0], footer=[note], handles=handles)
    draw_lines(axis, curves, look)
    score_label(axis, panel.metric)
    points = [point for curve in curves for seed in curve.seeds.values() for point in seed]
    steps_axis(axis, max(step for step, _ in points))
    score_range(axis, points)
    return figure


def _smooth(curve: Curve) -> Curve:
    """Each seed's running mean over a twentieth of its points: one point is the mean of few steps, and noisy."""
    return dataclasses.replace(curve, seeds={seed: _running(points) for seed, points in curve.seeds.items()})


def _running(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    half = len(points) // 40
    values = [value for _, value in points]
    windows = (values[max(0, i - half) : i + half + 1] for i in range(len(points)))
    return [(step, sum(window) / len(window)) for (step, _), window in zip(points, windows, strict=True)]
