"""Score against training steps in the manner of the paper's Figure 2, at the width of one column of a paper.

Colours are Okabe and Ito's (2008, "Color Universal Design"), the baseline is black, and every arm has its own marker,
so that a plot can be told apart in grey and by colour-blind readers.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reports.curves import Curve, Panel, panels
from reports.frame import ArmView, GridView
from reports.text import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN_INCHES = 3.4
MAX_ARMS = 8  # in one plot; a larger grid has a plot an axis, as the paper's figure has a panel an axis
BLACK = "#000000"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
MARKERS = ("s", "^", "D", "v", "P", "X", "*")
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "text.parse_math": False,  # text from records may hold a $
    "svg.hashsalt": "uvit",  # equal records give equal files
    "svg.fonttype": "none",
}


def draw(grid: GridView) -> dict[str, bytes]:
    """``<grid>.png`` and ``.svg`` by file name (a pair an axis in a large grid); none where no score is on record."""
    from matplotlib import rc_context

    files: dict[str, bytes] = {}
    found = panels(grid)
    for name, arms in _groups(grid):
        content = [(panel, _of(panel, arms)) for panel in found]
        if not any(curves for _, curves in content):
            continue
        with rc_context(STYLE), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a box is drawn in its place
            figure = _figure([(panel, curves) for panel, curves in content if curves], arms)
            files |= {f"{name}.{suffix}": _encoded(figure, suffix) for suffix in ("png", "svg")}
    return files


def _groups(grid: GridView) -> list[tuple[str, list[ArmView]]]:
    """(file name, arms): the baseline stands in each."""
    if len(grid.arms) <= MAX_ARMS:
        return [(grid.name, list(grid.arms))]
    groups: dict[str, list[ArmView]] = {}
    for arm in grid.arms:
        if not arm.is_baseline:
            groups.setdefault(_axis(arm), []).append(arm)
    named = []
    for axis, arms in groups.items():
        for part, first in enumerate(range(0, len(arms), MAX_ARMS - 1)):
            suffix = f"-{part + 1}" if len(arms) > MAX_ARMS - 1 else ""
            named.append((f"{grid.name}-{axis}{suffix}", [grid.baseline, *arms[first : first + MAX_ARMS - 1]]))
    return named


def _axis(arm: ArmView) -> str:
    axis = arm.name.partition("=")[0] if "=" in arm.name else next(iter(arm.options), "arms")
    return axis if axis.isascii() and axis.replace("_", "").isalnum() else "arms"  # it becomes a file's name


def _of(panel: Panel, arms: Sequence[ArmView]) -> list[Curve]:
    names = {arm.name for arm in arms}
    return [curve for curve in panel.curves if curve.arm.name in names]


def _figure(content: Sequence[tuple[Panel, list[Curve]]], arms: Sequence[ArmView]) -> Figure:
    from matplotlib.figure import Figure

    looks = _looks(arms)
    drawn = [arm for arm in arms if any(curve.arm.name == arm.name for _, curves in content for curve in curves)]
    legend = any(not panel.single_step for panel, _ in content) or any(arm.formula for arm in drawn)
    heights = [0.85 + 0.2 * len(curves) if panel.single_step else 2.15 for panel, curves in content]
    legend_height = 0.17 * math.ceil(len(drawn) / 2) + 0.1 if legend else 0.0
    figure = Figure(figsize=(COLUMN_INCHES, sum(heights) + legend_height), layout="constrained")
    axes = figure.subplots(len(content), 1, squeeze=False, height_ratios=heights)[:, 0]
    for letter, axis, (panel, curves) in zip("abc", axes, content, strict=False):
        (_dots if panel.single_step else _lines)(axis, panel, curves, looks)
        note = f" · step {panel.last_step:,}" if panel.single_step else ""
        note += " · primary endpoint" if panel.is_endpoint else ""
        weights = plain(panel.weights)
        axis.set_title(f"({letter}) {'EMA' if weights == 'ema' else weights} weights{note}", loc="left")
    if legend:
        handles = [_handle(arm, looks[arm.name]) for arm in drawn]
        figure.legend(
            handles=handles, loc="outside upper left", ncols=2, frameon=False, handlelength=2.0, columnspacing=1.2
        )
    return figure


def _looks(arms: Sequence[ArmView]) -> dict[str, dict[str, Any]]:
    """Colour, marker and width of each arm; the same in every panel."""
    looks: dict[str, dict[str, Any]] = {}
    others = [arm for arm in arms if not arm.is_baseline]
    for i, arm in enumerate(others):
        looks[arm.name] = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)], "linewidth": 1.2}
    for arm in arms:
        if arm.is_baseline:
            looks[arm.name] = {"color": BLACK, "marker": "o", "linewidth": 1.7}
    return looks


def _handle(arm: ArmView, look: dict[str, Any]) -> Any:
    from matplotlib.lines import Line2D

    name = plain(arm.name, limit=24) + (" (baseline)" if arm.is_baseline else "")
    formula = plain(arm.formula, limit=28).replace("h_m", "hₘ").replace("h_s", "hₛ")  # the paper's branches
    label = f"{name}: {formula}" if formula else name
    return Line2D([], [], markersize=3.5, label=label if not label.startswith("_") else f" {label}", **look)


def _lines(axis: Axes, panel: Panel, curves: Sequence[Curve], looks: dict[str, dict[str, Any]]) -> None:
    scale = panel.metric.scale
    for curve in sorted(curves, key=lambda c: c.arm.is_baseline):  # the baseline on top
        look = looks[curve.arm.name]
        band = curve.band()
        steps = [point[0] for point in band]
        for seed, points in curve.seeds.items():
            if len(curve.seeds) > 1 or seed in curve.failed:
                _seed_line(axis, points, look["color"], scale, failed=seed in curve.failed)
        axis.plot(steps, [scale * point[1] for point in band], markersize=3.2, **look)
        if len(curve.seeds) > 1:
            low, high = ([scale * point[i] for point in band] for i in (2, 3))
            axis.fill_between(steps, low, high, color=look["color"], alpha=0.8 / (len(curves) + 1), linewidth=0)
    axis.set_xlabel("training steps")
    axis.set_ylabel(plain(panel.metric.axis))
    axis.xaxis.set_major_formatter(lambda value, _: _thousands(value))
    points = [point for curve in curves for points in curve.seeds.values() for point in points]
    _frame(axis, points, [] if panel.floor is None else [panel.floor], scale)
    if panel.floor is not None:
        axis.axhline(scale * panel.floor, color="#444444", linestyle=":", linewidth=1.1)
        label = f"floor (real images) {panel.metric.format(panel.floor)}"
        axis.annotate(
            label, (1, scale * panel.floor), xycoords=("axes fraction", "data"), xytext=(0, 2.5),
            textcoords="offset points", ha="right", va="bottom", fontsize=6.5, color="#444444",
        )  # fmt: skip


def _seed_line(axis: Axes, points: Sequence[tuple[int, float]], colour: str, scale: float, *, failed: bool) -> None:
    x, y = [step for step, _ in points], [scale * value for _, value in points]
    axis.plot(x, y, color=colour, linewidth=0.5, alpha=0.45)
    if failed:
        axis.plot(x[-1:], y[-1:], color=colour, marker="x", markersize=6, markeredgewidth=1.5)


def _dots(axis: Axes, panel: Panel, curves: Sequence[Curve], looks: dict[str, dict[str, Any]]) -> None:
    """One score an arm: a dot a seed and the mean, arms from top to bottom as in the table."""
    scale = panel.metric.scale
    for row, curve in enumerate(curves):
        look = looks[curve.arm.name]
        for seed, points in curve.seeds.items() if len(curve.seeds) > 1 or curve.failed else ():
            marker = "x" if seed in curve.failed else "|"
            axis.plot(scale * points[-1][1], row, marker=marker, color=look["color"], markersize=8, linestyle="none")
        if band := curve.band():
            _, mean, low, high = band[-1]
            axis.plot([scale * low, scale * high], [row, row], color=look["color"], linewidth=1.0, alpha=0.6)
            axis.plot(scale * mean, row, marker=look["marker"], color=look["color"], markersize=5, linestyle="none")
    axis.set_yticks(range(len(curves)), [plain(curve.arm.name, limit=16) for curve in curves])
    axis.set_ylim(len(curves) - 0.4, -0.6)
    axis.margins(x=0.08)
    axis.set_xlabel(plain(panel.metric.axis))
    if panel.floor is not None:
        axis.axvline(scale * panel.floor, color="#444444", linestyle=":", linewidth=1.1)
        axis.annotate(
            f"floor {panel.metric.format(panel.floor)}", (scale * panel.floor, 1), xycoords=("data", "axes fraction"),
            xytext=(3, 0), textcoords="offset points", ha="left", va="top", fontsize=6.5, color="#444444",
        )  # fmt: skip


def _frame(axis: Axes, points: Sequence[tuple[int, float]], floors: Sequence[float], scale: float) -> None:
    """Steps from 0; scores as far as those after the first third, which would else flatten all that follows.

    Logarithmic where what is left still spans a factor of four, with plain numbers at the ticks.
    """
    from matplotlib.ticker import MaxNLocator

    last = max(step for step, _ in points)
    early = {step for step, _ in points if 3 * step <= last}
    few = len({step for step, _ in points} - early) < 4  # then every point is needed
    late = [scale * value for step, value in points if few or step not in early]
    low, high = min(late + [scale * floor for floor in floors]), max(late)
    axis.set_xlim(0, last * 1.04)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    if low > 0 and high / low >= 4:
        _logarithmic(axis)
        axis.set_ylim(low / (high / low) ** 0.06, high * (high / low) ** 0.08)
    elif high > low:
        axis.set_ylim(low - 0.06 * (high - low), high + 0.08 * (high - low))


def _logarithmic(axis: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 3, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _thousands(value: float) -> str:
    return f"{value / 1000:g}K" if abs(value) >= 1000 else f"{value:g}"


def _encoded(figure: Figure, suffix: str) -> bytes:
    buffer = io.BytesIO()
    nothing = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}[suffix]
    figure.savefig(buffer, format=suffix, dpi=300, metadata=nothing)
    return buffer.getvalue()
