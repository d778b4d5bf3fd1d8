"""What the page's plots show, as plain data for its scripts. Texts are made here, as the tables make them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from reports.analysis import columns as cols
from reports.analysis.costs import CostColumns
from reports.analysis.score_curves import Curve, CurvePanel, loss_panel, panels
from reports.analysis.summary import interval95, summarise
from reports.content.arm_table import show
from reports.content.footers import difference_label
from reports.content.grid_report import GridReport
from reports.content.units import drawn, rate
from reports.page.answers import Answer
from reports.page.looks import looks
from reports.page.plotted_compute import plotted_compute
from reports.page.plotted_levels import plotted_levels
from reports.page.plotted_readings import plotted_readings
from reports.text import plain
from reports.views.grid import GridView
from results.metrics import Metric, si

Json = dict[str, Any]


def plotted(report: GridReport, answer: Answer) -> Json:
    """All plots of a grid. Values are in the metric's shown unit; arms are named by their index."""
    grid, analysis = report.grid, report.analysis
    by_arm = looks(grid)
    index = {arm.name: i for i, arm in enumerate(grid.arms)}
    losses = loss_panel(grid)
    curves = sorted([*panels(grid), *([losses] if losses else [])], key=lambda panel: not panel.is_endpoint)
    return {
        "title": plain(grid.title),
        "arms": [
            {
                "name": plain(arm.name, limit=60),
                "formula": plain(arm.formula, limit=80),
                "look": by_arm[arm.name].classes,
                "marker": by_arm[arm.name].marker,
                "group": plain(by_arm[arm.name].group),
            }
            for arm in grid.arms
        ],
        "curves": [_curves(panel, index) for panel in curves if not panel.single_step],
        "compute": plotted_compute(report, index),
        "readings": plotted_readings(report, index),
        "levels": plotted_levels(report, index),
        "differences": _differences(grid, answer, index),
        "scores": [_scores(grid, column) for column in analysis.columns if cols.shown(grid, column)],
        "costs": _sizes(grid) + _throughputs(grid, analysis.costs),
    }


def _curves(panel: CurvePanel, index: dict[str, int]) -> Json:
    metric = panel.metric
    return {
        "title": f"{plain(metric.label)} ({plain(panel.weights)}){' · primary endpoint' if panel.is_endpoint else ''}",
        "axis": plain(metric.axis),
        "floor": None if panel.floor is None else metric.scale * panel.floor,
        "floorText": f"floor (real images) {metric.format(panel.floor)}",
        "linear": None if panel.linear is None else drawn(metric.scale * panel.linear),
        "linearText": f"linear filter {metric.format(panel.linear)}",
        "lines": [_line(curve, metric, index) for curve in panel.curves],
    }


def _line(curve: Curve, metric: Metric, index: dict[str, int]) -> Json:
    scale = metric.scale
    return {
        "arm": index[curve.arm.name],
        "band": [
            [step, *(drawn(scale * value) for value in (mean, low, high)), _spread(metric, mean, low, high)]
            for step, mean, low, high in curve.band()
        ],
        "seeds": [
            {
                "seed": seed,
                "failed": seed in curve.failed,
                "points": [[step, drawn(scale * value)] for step, value in points],
            }
            for seed, points in curve.seeds.items()
        ],
    }


def _spread(metric: Metric, mean: float, low: float, high: float) -> str:
    text = metric.format(mean)
    return text if low == high else f"{text} ({metric.format(low)} to {metric.format(high)})"


def _differences(grid: GridView, answer: Answer, index: dict[str, int]) -> Json | None:
    """The forest plot of the primary endpoint. Of a metric that is a ratio all values are logarithms, with ticks."""
    metric, margin = grid.metric, grid.margin
    by_arm = {arm.name: arm for arm in grid.arms}
    rows = [
        {
            "arm": index[arm.arm],
            "block": plain(by_arm[arm.arm].block, limit=40),
            "mean": metric.scale * arm.mean,
            "low": None if arm.low is None else metric.scale * arm.low,
            "high": None if arm.high is None else metric.scale * arm.high,
            "text": arm.text,
            "verdict": arm.verdict,
        }
        for arm in answer.arms
        if arm.mean is not None
    ]
    if not rows:
        return None
    return {
        "axis": plain(difference_label(grid, metric)),
        "margin": metric.scale * margin if margin is not None and margin > 0 else None,
        "better": {"lower": "left", "higher": "right"}.get(metric.direction, ""),
        "blocks": {plain(block, limit=40): plain(_against(grid, block), limit=80) for block in grid.blocks if block},
        "ratio": metric.ratio,
        "rows": rows,
    }


def _against(grid: GridView, block: str) -> str:
    baseline = next(arm for arm in grid.arms if arm.is_baseline and arm.block == block)
    return f"{block}, against {baseline.name}"


def _scores(grid: GridView, column: cols.Column) -> Json:
    metric, rows = column.described, []
    for i, arm in enumerate(grid.arms):
        values = column.values(arm)
        if (summary := summarise(values.values())) is None:
            continue
        seeds = [metric.scale * value for value in values.values()]
        low, high = (metric.scale * end for end in interval95(values.values()) or (summary.mean, summary.mean))
        row = {"arm": i, "mean": metric.scale * summary.mean, "low": low, "high": high, "seeds": seeds}
        rows.append(row | {"text": show(metric, summary)})
    floor = column.floor(grid.arms)
    return {
        "title": plain(column.label),
        "axis": plain(metric.axis),
        "better": metric.direction,
        "floor": None if floor is None else metric.scale * floor,
        "floorText": f"floor (real images) {metric.format(floor)}",
        "rows": rows,
    }


_SIZES: tuple[tuple[Literal["macs", "params"], str, float], ...] = (
    ("macs", "GMACs a forward pass", 1e-9),
    ("params", "parameters, millions", 1e-6),
)


def _sizes(grid: GridView) -> list[Json]:
    """What scores are drawn against: a value and a text an arm, None where it is not known."""
    axes = []
    for name, title, scale in _SIZES:
        values = [arm.network_size(name) for arm in grid.arms]
        if any(value is not None for value in values):
            shown = [None if value is None else value * scale for value in values]
            axes.append({"title": title, "better": "lower", "values": shown, "texts": [si(v) for v in values]})
    return axes


def _throughputs(grid: GridView, costs: Iterable[CostColumns]) -> list[Json]:
    """Measured costs that scores are drawn against: a value and a text an arm, None where it was not measured."""
    axes = []
    for cost in costs:
        records = [cost.by_arm.get(arm.name) for arm in grid.arms]
        values = [record.timing["imgs_per_s"] if record else None for record in records]
        title = f"{cost.mode} images/s"
        axes.append({"title": title, "better": "higher", "values": values, "texts": [rate(v) for v in values]})
    return axes
