"""Axes that several kinds of figure share: training steps, scores with their floor, plain numbers on logarithms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from reports.content.ratio_axis import ratio_ticks
from reports.plots.style import GREY
from reports.text import plain
from results.metrics import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def steps_axis(axis: Axes, last: int) -> None:
    """Training steps from 0 to a little after ``last``, in thousands."""
    from matplotlib.ticker import MaxNLocator

    axis.set_xlabel("training steps")
    axis.set_xlim(0, last * 1.04)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axis.xaxis.set_major_formatter(lambda value, _: thousands(value))


def score_range(axis: Axes, points: Sequence[tuple[int, float]], others: Sequence[float] = ()) -> None:
    """Scores as far as those after the first third of the steps, which would else flatten all that follows.

    ``others`` (a floor) are in sight too. Logarithmic where what is left still spans a factor of four.
    """
    last = max(step for step, _ in points)
    early = {step for step, _ in points if 3 * step <= last}
    few = len({step for step, _ in points} - early) < 4  # then every point is needed
    late = [value for step, value in points if few or step not in early]
    low, high = min([*late, *others]), max(late)
    if low > 0 and high / low >= 4:
        logarithmic(axis, "y", span=high / low)
        axis.set_ylim(low / (high / low) ** 0.06, high * (high / low) ** 0.08)
    elif high > low:
        axis.set_ylim(low - 0.06 * (high - low), high + 0.08 * (high - low))


def floor_line(axis: Axes, metric: Metric, floor: float | None, *, across: Literal["x", "y"] = "y") -> None:
    """A dashed line where real held-out images score, with its value; nothing where there is no floor."""
    if floor is None:
        return
    _reference(axis, metric.scale * floor, f"floor (real images) {metric.format(floor)}", across=across)


def linear_line(axis: Axes, metric: Metric, loss: float | None) -> None:
    """A dashed line at the loss of the linear filter, with its value; nothing where it is not known."""
    if loss is not None:
        text = f"linear filter {metric.format(loss)}"
        _reference(axis, metric.scale * loss, text, across="y", side="left")  # curves end on the right


def _reference(
    axis: Axes, value: float, text: str, *, across: Literal["x", "y"], side: Literal["left", "right"] = "right"
) -> None:
    style: Any = {"color": GREY, "linestyle": (0, (4, 2)), "linewidth": 0.9}
    if across == "y":
        axis.axhline(value, **style)
        axis.annotate(
            text, (side == "right", value), xycoords=("axes fraction", "data"),
            xytext=(0 if side == "right" else 3, 2), textcoords="offset points", ha=side,
            va="bottom", fontsize=6, color=GREY,
        )  # fmt: skip
        return
    axis.axvline(value, **style)
    axis.annotate(
        text.replace(" (real images)", ""), (value, 1), xycoords=("data", "axes fraction"), xytext=(0, 1),
        textcoords="offset points", ha="center", va="bottom", fontsize=6, color=GREY,
    )  # fmt: skip


def logarithmic(axis: Axes, which: Literal["x", "y"], *, span: float) -> None:
    """A logarithmic axis with plain numbers, more of them where it spans (highest over lowest) less than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    (axis.set_yscale if which == "y" else axis.set_xscale)("log")
    scale = axis.yaxis if which == "y" else axis.xaxis
    many = (1, 1.5, 2, 3, 4, 6, 8) if span < 10 else (1, 2, 3, 5)
    scale.set_major_locator(LogLocator(base=10, subs=many if which == "y" else (1, 2, 5)))
    scale.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    scale.set_minor_formatter(NullFormatter())


def ratio_axis(axis: Axes, which: Literal["x", "y"], low: float, high: float) -> None:
    """A logarithmic axis of a ratio, from exp(``low``) to exp(``high``), with its numbers on both sides of 1."""
    from matplotlib.ticker import NullFormatter, NullLocator

    (axis.set_yscale if which == "y" else axis.set_xscale)("log")
    (axis.set_ylim if which == "y" else axis.set_xlim)(math.exp(low), math.exp(high))
    ticks = ratio_ticks(low, high)
    scale = axis.yaxis if which == "y" else axis.xaxis
    scale.set_ticks([math.exp(log) for log, _ in ticks], [text for _, text in ticks])
    scale.set_minor_locator(NullLocator())
    scale.set_minor_formatter(NullFormatter())


def score_label(axis: Axes, metric: Metric) -> None:
    """The metric beside the axis, and below it which way is better."""
    axis.set_ylabel(plain(metric.axis).replace(" (", "\n(", 1))


def thousands(value: float) -> str:
    """``2.5K`` for 2,500."""
    return f"{value / 1000:g}K" if abs(value) >= 1000 else f"{value:g}"
