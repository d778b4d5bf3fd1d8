"""Score against network evaluations, a line a sampler, for grids that score one cell in several ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.analysis.sweeps import Sweep, SweepLine
from reports.content.footers import footer
from reports.content.grid_report import GridReport
from reports.plots.canvas import canvas
from reports.plots.scales import floor_line, logarithmic, score_label
from reports.plots.style import MAX_ARMS, Look, handle, look, shown_label
from reports.text import plain
from reports.views.grid import GridView

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figures(report: GridReport) -> dict[str, Figure]:
    """``evaluations-<grid>``, a panel an arm, and one more for each further Fréchet distance; none without a sweep."""
    grid, sweeps = report.grid, report.analysis.sweeps
    drawn = [sweep for sweep in sweeps if sweep.metric.kind == "frechet" and len(sweep.evaluations) > 1]
    return {
        f"evaluations-{grid.name}" if number == 1 else f"evaluations-{grid.name}-{number}": _figure(grid, sweep)
        for number, sweep in enumerate(drawn, start=1)
    }


def _figure(grid: GridView, sweep: Sweep) -> Figure:
    samplers = list(dict.fromkeys(line.sampler for line in sweep.lines))[:MAX_ARMS]
    looks = {name: look(i) for i, name in enumerate(samplers)}
    by_arm: dict[str, list[SweepLine]] = {}
    for line in sweep.lines:
        if line.sampler in looks:
            by_arm.setdefault(line.arm, []).append(line)
    seeds = [len(values) for line in sweep.lines for values in line.values.values()]
    notes = [
        f"{footer(sweep.metric, sweep.weights, sweep.card, seeds=seeds, floor=sweep.floor)} · step {sweep.step:,}",
        "the same weights and initial noise in every line · bands: seeds, lowest to highest",
    ]
    handles = [handle(shown_label(plain(name, limit=24)), of) for name, of in looks.items()]
    figure, axes = canvas([1.8] * len(by_arm), footer=notes, handles=handles, sharex=True)
    for axis, (arm, lines) in zip(axes, by_arm.items(), strict=True):
        _draw(axis, sweep, lines, looks)
        if len(grid.arms) > 1:
            axis.set_title(plain(arm, limit=40), loc="left")
    axes[-1].set_xlabel("network evaluations")
    return figure


def _draw(axis: Axes, sweep: Sweep, lines: list[SweepLine], looks: dict[str, Look]) -> None:
    from matplotlib.ticker import NullLocator

    scale = sweep.metric.scale
    for line in lines:
        of = looks[line.sampler]
        nfe, mean, low, high = zip(*line.points(), strict=True)
        axis.plot(nfe, [scale * value for value in mean], markersize=3.5, **of)
        if any(len(seeds) > 1 for seeds in line.values.values()):
            lowest, highest = ([scale * value for value in side] for side in (low, high))
            axis.fill_between(nfe, lowest, highest, color=of["color"], alpha=0.2, linewidth=0)
    axis.set_xscale("log", base=2)
    axis.set_xticks(sweep.evaluations, [str(nfe) for nfe in sweep.evaluations])
    axis.xaxis.set_minor_locator(NullLocator())
    means = [scale * mean for line in lines for _, mean, _, _ in line.points()]
    if min(means) > 0 and max(means) / min(means) >= 4:
        logarithmic(axis, "y", span=max(means) / min(means))
    score_label(axis, sweep.metric)
    floor_line(axis, sweep.metric, sweep.floor)
