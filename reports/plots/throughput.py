"""Throughput against batch size, a panel a mode, device and setting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reports.analysis.batch_sizes import BatchPanel, batch_panels
from reports.plots.canvas import canvas
from reports.plots.scales import thousands
from reports.plots.style import BLACK, MAX_ARMS, Look, handle, look, shown_label
from reports.text import plain
from results.profile import ProfileRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figures(records: Iterable[ProfileRecord]) -> dict[str, Figure]:
    """``throughput``, then ``throughput-2`` and so on for every eight variants; none without two batch sizes."""
    panels = batch_panels(records)
    variants = list(dict.fromkeys(line.variant for panel in panels for line in panel.lines))
    parts = [variants[i : i + MAX_ARMS] for i in range(0, len(variants), MAX_ARMS)]
    return {
        "throughput" if number == 1 else f"throughput-{number}": _figure(panels, part)
        for number, part in enumerate(parts, start=1)
    }


def _figure(panels: list[BatchPanel], variants: list[str]) -> Figure:
    looks: dict[str, Look] = {name: look(i - 1) for i, name in enumerate(variants)}
    looks[variants[0]] = {"color": BLACK, "marker": "o", "linewidth": 1.4, "linestyle": "-"}
    shown = [panel for panel in panels if any(line.variant in looks for line in panel.lines)]
    notes = [f"({letter}) {plain(p.device)}" for letter, p in zip("abcdefghijklmnop", shown, strict=False)]
    notes.append("images a second of the median round; whiskers: rounds of the 10th and 90th percentile; no floor")
    handles = [handle(shown_label(plain(name, limit=44)), of) for name, of in looks.items()]
    figure, axes = canvas([1.7] * len(shown), footer=notes, handles=handles, legend_columns=1)
    for letter, axis, panel in zip("abcdefghijklmnop", axes, shown, strict=False):
        _draw(axis, panel, looks)
        axis.set_title(f"({letter}) {plain(panel.mode)}, {plain(panel.setting, limit=50)}", loc="left")
    return figure


def _draw(axis: Axes, panel: BatchPanel, looks: dict[str, Look]) -> None:
    from matplotlib.ticker import NullLocator

    lines = [line for line in panel.lines if line.variant in looks]
    for line in lines:
        batch, rate, low, high = zip(*line.points, strict=True)
        of = looks[line.variant]
        axis.plot(batch, rate, markersize=3.5, **of)
        axis.vlines(batch, low, high, color=of["color"], linewidth=0.7)
    sizes = sorted({point[0] for line in lines for point in line.points})
    axis.set_xscale("log", base=2)
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(lambda value, _: thousands(value))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("batch size")
    axis.set_ylabel("images/s (higher is better)")
