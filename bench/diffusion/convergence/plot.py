"""The picture of `bench.diffusion.convergence.study`: error over evaluations in logarithms, a panel a process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.diffusion.convergence.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vPX*"


def draw(rows: Sequence[Study], path: Path) -> None:
    """Write the figure in the format that ``path`` ends in; dashed lines have the stated orders."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    processes = sorted({row.process for row in rows})
    figure = Figure(figsize=(4.6 * len(processes), 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(processes), sharey=True, squeeze=False)[0]
    for panel, process in zip(panels, processes, strict=True):
        stated = [row for row in rows if row.process == process and row.stated is not None]
        for index, row in enumerate(stated):
            _line(panel, row, f"C{index}", MARKERS[index % len(MARKERS)])
        _dress(panel, process, stated[0].counts)
    panels[0].set_ylabel("error")
    panels[0].legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=150)


def _line(panel: Axes, row: Study, colour: str, marker: str) -> None:
    label = f"{row.sampler} ({row.of}): order {row.stated}"
    panel.plot(row.counts, row.errors, color=colour, marker=marker, markersize=5, label=label)
    slope = [row.errors[-1] * (row.counts[-1] / n) ** (row.stated or 0) for n in row.counts]
    panel.plot(row.counts, slope, color=colour, linestyle="--", linewidth=0.8)


def _dress(panel: Axes, process: str, counts: Sequence[int]) -> None:
    panel.set(xscale="log", yscale="log", title=f"process {process}", xlabel="network evaluations")
    panel.set_xticks(counts, [str(n) for n in counts])
    panel.minorticks_off()
    panel.grid(alpha=0.3)
