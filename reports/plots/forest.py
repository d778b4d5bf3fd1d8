"""Each arm's paired difference from its baseline with its interval and verdict: a forest plot, block below block.

Where the endpoint is a ratio the axis is one of ratios: 1 is the baseline, and the margin is as wide on both sides.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any

from reports.analysis import columns as cols
from reports.analysis.verdicts import Comparison
from reports.content.footers import difference_label, footer, margin_text
from reports.content.grid_report import GridReport
from reports.plots.canvas import canvas
from reports.plots.scales import ratio_axis
from reports.plots.style import BLACK, COLOURS, GREY
from reports.text import plain
from reports.views.grid import ArmView, GridView
from results.metrics import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS: dict[str | None, dict[str, Any]] = {  # told apart by shape and filling too
    "better": {"marker": "o", "color": COLOURS[0]},
    "mixed": {"marker": "^", "color": COLOURS[3]},
    "worse": {"marker": "s", "color": COLOURS[1]},
    "equivalent": {"marker": "D", "color": COLOURS[2]},
    "unresolved": {"marker": "o", "color": GREY, "markerfacecolor": "white"},
    None: {"marker": "d", "color": GREY, "markerfacecolor": "white"},
}
_WIDE = 3  # times the median reach of an interval; what reaches farther is cut, else it would flatten the others

_Row = tuple[ArmView, Comparison] | str  # an arm, or the block that the arms below it are of


def figures(report: GridReport) -> dict[str, Figure]:
    """``forest-<grid>``; none before two seeds of an arm and of the baseline have the primary endpoint."""
    grid, compared = report.grid, report.analysis.comparison
    if compared.endpoint is None or not any(c.interval is not None for c in compared.comparisons):
        return {}
    rows = _rows(report)
    figure, (axis,) = canvas([0.72 + 0.19 * len(rows)], footer=_notes(report, compared.endpoint))
    _draw(axis, grid, rows, compared.endpoint, compared.margin)
    named = [(row, each[0]) for row, each in enumerate(rows) if not isinstance(each, str)]
    axis.set_yticks([row for row, _ in named], [plain(arm.bare_name, limit=22) for _, arm in named])
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.grid(visible=False, axis="y")
    axis.tick_params(axis="y", length=0)
    return {f"forest-{grid.name}": figure}


def _rows(report: GridReport) -> list[_Row]:
    grid, compared = report.grid, report.analysis.comparison
    rows: list[_Row] = []
    for block in grid.blocks:
        arms = [(arm, c) for arm in grid.arms if arm.block == block and (c := compared.of(arm)) is not None]
        rows += [block, *arms] if block and arms else arms
    return rows


def _notes(report: GridReport, column: cols.Column) -> list[str]:
    grid, compared, metric = report.grid, report.analysis.comparison, column.described
    card = next(iter(column.cards(grid.arms)), {})
    floor = column.floor(grid.arms)
    pairs = [comparison.n_pairs for comparison in compared.comparisons]
    notes = [f"{footer(metric, column.weights, card, seeds=pairs, floor=floor)} · step {column.step:,}"]
    if compared.why_none is not None:
        notes.append(f"no verdict: {plain(compared.why_none)}")
    if report.method:
        notes.append(plain(report.method).replace("; ", " · "))
    band = f" · grey: the margin {margin_text(metric, compared.margin)}" if compared.margin else ""
    return [*notes, f"ticks below: pairs of seeds · arrows: an interval that goes on{band}"]


def _draw(axis: Axes, grid: GridView, rows: list[_Row], column: cols.Column, margin: float | None) -> None:
    metric = column.described
    reach = _reach([each[1] for each in rows if not isinstance(each, str)], margin)
    _scale(axis, metric, reach)
    axis.axvline(_place(metric, 0.0), color=BLACK, linewidth=0.8, zorder=1)
    if margin:
        axis.axvspan(_place(metric, -margin), _place(metric, margin), color="#DDDDDD", linewidth=0, zorder=0)
    for row, each in enumerate(rows):
        if isinstance(each, str):
            _heading(axis, grid, row, each)
            continue
        arm, comparison = each
        values, base = column.values(arm), column.values(grid.baseline_of(arm))
        pairs = [_place(metric, values[seed] - base[seed]) for seed in sorted(values.keys() & base.keys())]
        axis.plot(pairs, [row + 0.34] * len(pairs), "|", color=GREY, markersize=3, markeredgewidth=0.6)
        _arm(axis, row, comparison, metric, reach)
        axis.annotate(
            _word(comparison), (1, row), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=6.5, annotation_clip=False,
        )  # fmt: skip
    _labels(axis, grid, metric)


def _place(metric: Metric, value: float) -> float:
    """Where a difference stands on the axis: in the metric's shown unit, of logarithms the ratio."""
    return math.exp(value) if metric.ratio else metric.scale * value


def _scale(axis: Axes, metric: Metric, reach: float) -> None:
    from matplotlib.ticker import MaxNLocator

    if metric.ratio:
        ratio_axis(axis, "x", -reach, reach)
        return
    axis.set_xlim(-metric.scale * reach, metric.scale * reach)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=5, symmetric=True))


def _heading(axis: Axes, grid: GridView, row: int, block: str) -> None:
    baseline = next(arm for arm in grid.arms if arm.is_baseline and arm.block == block)
    axis.annotate(
        f"{plain(block, limit=24)}, against {plain(baseline.name, limit=32)}", (0, row), annotation_clip=False,
        xycoords=("axes fraction", "data"), xytext=(3, -1), textcoords="offset points", va="center", fontsize=6.5,
        fontweight="bold", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip


def _arm(axis: Axes, row: int, comparison: Comparison, metric: Metric, reach: float) -> None:
    """Whiskers, with an arrow where they are cut, and the mean."""
    if comparison.difference is None:
        return
    mark = _MARKS[comparison.verdict]
    if comparison.interval is not None:
        ends = [_place(metric, max(-reach, min(reach, end))) for end in comparison.interval]
        axis.plot(ends, [row, row], color=mark["color"], linewidth=1.0, zorder=2)
        for end, whole, arrow in zip(ends, comparison.interval, "<>", strict=True):
            cut = abs(whole) > reach
            axis.plot(
                end, row, marker=arrow if cut else "|", color=mark["color"], markersize=3.5 if cut else 4,
                clip_on=False, zorder=2,
            )  # fmt: skip
    axis.plot(_place(metric, comparison.difference), row, linestyle="none", markersize=4.8, zorder=3, **mark)


def _reach(comparisons: list[Comparison], margin: float | None) -> float:
    """How far the axis goes to both sides of zero, in the metric's own unit."""
    ends = [max(map(abs, c.interval)) for c in comparisons if c.interval is not None]
    means = [abs(c.difference) for c in comparisons if c.difference is not None]
    return 1.08 * max(min(max(ends), _WIDE * median(ends)), *(1.2 * mean for mean in means), 1.2 * (margin or 0.0))


def _word(comparison: Comparison) -> str:
    """The verdict, and what it rests on where seeds failed or have a bound only."""
    word = comparison.verdict or "no verdict"
    if comparison.failed:
        return f"{word}, {comparison.failed}/{comparison.total} failed"
    return f"{word}, {comparison.bounds}/{comparison.n_pairs} bounds" if comparison.bounds else word


def _labels(axis: Axes, grid: GridView, metric: Metric) -> None:
    ways = {"lower": "← better        worse →", "higher": "← worse        better →"}.get(metric.direction, "")
    axis.set_xlabel(plain(difference_label(grid, metric)) + (f"\n{ways}" if ways else ""))
