"""Curves over steps: the mean of the seeds, a band from the lowest to the highest, and × where a seed stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.analysis.score_curves import Curve
from reports.plots.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKS = 14  # more markers than these on a line would run together
_DENSE = 60  # with more points, single seeds would hide the means


def draw_lines(axis: Axes, curves: Sequence[Curve], look: dict[str, Look], *, scale: float = 1.0) -> None:
    """Draw each arm's curve, the baseline on top."""
    for number, curve in enumerate(sorted(curves, key=lambda c: c.arm.is_baseline)):
        of, band = look[curve.arm.name], curve.band()
        for seed, points in curve.seeds.items():
            if (len(curve.seeds) > 1 and len(points) <= _DENSE) or seed in curve.failed:
                _seed(axis, points, of["color"], scale, failed=seed in curve.failed)
        steps = [point[0] for point in band]
        every = max(1, len(steps) // _MARKS)
        start = number * every // max(1, len(curves))  # so that curves that coincide show their markers side by side
        axis.plot(steps, [scale * p[1] for p in band], markersize=3.0, markevery=(start, every), **of)
        if len(curve.seeds) > 1:
            low, high = ([scale * point[i] for point in band] for i in (2, 3))
            axis.fill_between(steps, low, high, color=of["color"], alpha=0.8 / (len(curves) + 1), linewidth=0)


def _seed(axis: Axes, points: Sequence[tuple[int, float]], colour: str, scale: float, *, failed: bool) -> None:
    x, y = [step for step, _ in points], [scale * value for _, value in points]
    axis.plot(x, y, color=colour, linewidth=0.4, alpha=0.4)
    if failed:
        axis.plot(x[-1:], y[-1:], color=colour, marker="x", markersize=6, markeredgewidth=1.5)
