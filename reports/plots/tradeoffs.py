"""Score against GMACs, parameters and throughput, with the front of the arms that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reports.analysis.arm_scores import ArmScores, endpoint_scores
from reports.analysis.pareto import Tradeoff, tradeoffs
from reports.content.footers import footer
from reports.content.grid_report import GridReport
from reports.plots.canvas import canvas
from reports.plots.scales import floor_line, logarithmic
from reports.plots.style import BLACK, GREY, MAX_ARMS, Look, arm_label, axis_of, handle, look, looks
from reports.text import plain
from reports.views.grid import ArmView

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figures(report: GridReport) -> dict[str, Figure]:
    """``cost-<grid>``; none where the arms cost the same or none has the primary endpoint."""
    grid, analysis = report.grid, report.analysis
    scores = endpoint_scores(analysis.scores)
    parts = tradeoffs(grid, analysis.costs, scores) if scores is not None else []
    if scores is None or not parts:
        return {}
    shown = [point.arm for point in scores.points]
    by_arm, handles = _looks(shown)
    columns = min(2, len(parts))
    rows = -(-len(parts) // columns)
    figure, axes = canvas(
        [1.75] * rows, columns=columns, footer=_notes(scores, parts), handles=handles,
        legend_columns=2 if len(shown) <= MAX_ARMS else 3, handle_length=1.0, sharey=True,
    )  # fmt: skip
    for axis, tradeoff in zip(axes, parts, strict=False):
        _draw(axis, tradeoff, scores, by_arm)
    for axis in axes[::columns]:
        axis.set_ylabel(plain("\n".join(scores.column.described.heading)).replace(" ↓", "").replace(" ↑", ""))
    for axis in axes[len(parts) :]:
        axis.set_visible(False)
    return {f"cost-{grid.name}": figure}


def _looks(arms: Sequence[ArmView]) -> tuple[dict[str, Look], list[Any]]:
    """A look an arm, or in a large grid a look an axis, and the legend."""
    if len(arms) <= MAX_ARMS:
        by_arm = looks(arms)
        return by_arm, [handle(arm_label(arm), by_arm[arm.name] | {"linestyle": "none"}) for arm in arms]
    axes = list(dict.fromkeys(axis_of(arm) for arm in arms if not arm.is_baseline))
    by_axis = {axis: look(i) for i, axis in enumerate(axes)}
    baseline = looks([arm for arm in arms if arm.is_baseline])
    by_arm = {arm.name: by_axis[axis_of(arm)] for arm in arms if not arm.is_baseline} | baseline
    handles = [handle(plain(axis), of | {"linestyle": "none"}) for axis, of in by_axis.items()]
    return by_arm, [handle(name, of | {"linestyle": "none"}) for name, of in baseline.items()] + handles


def _notes(scores: ArmScores, parts: Sequence[Tradeoff]) -> list[str]:
    seeds = [len(point.seeds) for point in scores.points]
    notes = [footer(scores.column.described, scores.column.weights, scores.card, seeds=seeds, floor=scores.floor)]
    notes += [f"{part.label}: {part.how}" for part in parts if part.how]
    notes.append("whiskers: 95% t interval of the mean, from two seeds on")
    better = {"lower": "lower", "higher": "higher"}.get(scores.column.described.direction, "")
    notes.append(
        f"{better} is better; filled: on the Pareto front of the means (grey steps), which is no verdict"
        if better
        else "filled and hollow mean nothing here"
    )
    return notes


def _draw(axis: Axes, tradeoff: Tradeoff, scores: ArmScores, by_arm: dict[str, Look]) -> None:
    from matplotlib.ticker import MaxNLocator

    scale = scores.column.described.scale
    costs = [tradeoff.scale * cost for cost, _ in tradeoff.points]
    if min(costs) > 0 and max(costs) / min(costs) >= 4:
        logarithmic(axis, "x", span=max(costs) / min(costs))
    else:
        axis.xaxis.set_major_locator(MaxNLocator(nbins=4))
    for cost, (_, point) in zip(costs, tradeoff.points, strict=True):
        of = by_arm[point.arm.name]
        if point.interval is not None:
            ends = [scale * end for end in point.interval]
            axis.plot([cost, cost], ends, color=of["color"], linewidth=0.7, alpha=0.7)
        face = of["color"] if point.arm.name in tradeoff.front else "white"
        axis.plot(
            cost, scale * point.mean, of["marker"], color=of["color"], markerfacecolor=face, markersize=4.5,
            zorder=4 if of["color"] == BLACK else 3,
        )  # fmt: skip
    front = sorted(
        (tradeoff.scale * cost, scale * p.mean) for cost, p in tradeoff.points if p.arm.name in tradeoff.front
    )
    where: Any = "steps-post" if tradeoff.direction == "lower" else "steps-pre"
    axis.plot([x for x, _ in front], [y for _, y in front], color=GREY, linewidth=0.7, alpha=0.6, drawstyle=where)
    axis.set_xlabel(plain(tradeoff.label))
    axis.margins(x=0.1, y=0.1)
    floor_line(axis, scores.column.described, scores.floor)
