"""How alike a network's blocks are, as heat maps of CKA side by side (the paper's Figure 7), from records alone."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.analysis.cka import NamedCka, summary
from reports.plots import COLUMN_INCHES, STYLE, encode
from reports.plots.canvas import canvas
from reports.text import plain, plural, steps
from reports.views.find import arms_of
from results.cka import CkaRecord
from results.store import Store, write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE_INCHES = 6.8  # two columns of a paper
MOST_A_ROW = 3
MOST_TICKS = 7
COLOURS = "viridis"  # lightness rises with CKA: readable in grey and by colour-blind readers


def lines(items: Sequence[NamedCka]) -> list[str]:
    """What is said below CKA maps: a line a map, and one that says on what they were measured."""
    if not items:
        return []
    maps = [f"CKA between blocks, {plain(item.name)}: {_text(item.record)}" for item in items]
    return [*maps, f"CKA {_measured(items[0].record)}"]


def _text(record: CkaRecord) -> str:
    said, error = summary(record), [value for value in record.errors if value is not None]
    pair = f"blocks {said.lowest_pair[0]} and {said.lowest_pair[1]}"
    known = f", standard error at most {max(error):.3f}" if error else ""
    return (
        f"neighbouring blocks {said.neighbours:.3f}, all pairs {said.pairs:.3f}, lowest {said.lowest:.3f} ({pair})"
        f"{known}"
    )


def _measured(record: CkaRecord) -> str:
    times = ", ".join(f"{t:g}" for t in record.times)
    weights = "EMA" if record.weights == "ema" else plain(record.weights)
    return (
        f"of {weights} weights at step {steps(record.step)} on {record.images:,} images of {plain(record.split)}, "
        f"minibatches of {record.batch_size}, mean over {plural(len(record.times), 'time')} t = {times}"
    )


def write(records: Sequence[CkaRecord], root: Path) -> tuple[list[str], Path]:
    """Draw ``records`` as ``root/cka/cka.png`` (and .svg, .pdf); returns what they say in lines, and the PNG's path.

    They go under the names of their arms where ``root`` has their grid. Raises OSError when it cannot be written.
    """
    arms = arms_of(Store(root).grids().values())
    items = [NamedCka(name=arms.get(record.train_id, record.variant), record=record) for record in records]
    paths = [write_bytes(root / "cka" / name, content) for name, content in draw(items, "cka").items()]
    return lines(items), paths[0]


def draw(items: Sequence[NamedCka], name: str) -> dict[str, bytes]:
    """``<name>.png`` (and .svg, .pdf): mean maps side by side on one colour scale; none where there is no record."""
    from matplotlib import rc_context

    if not items:
        return {}
    with rc_context({**STYLE, "axes.grid": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a box is drawn in its place
        return encode(name, _figure(items))


def _figure(items: Sequence[NamedCka]) -> Figure:
    columns = min(len(items), MOST_A_ROW)
    rows = math.ceil(len(items) / columns)
    width = COLUMN_INCHES if columns == 1 else PAGE_INCHES
    heights = [(width - 0.7) / columns + 0.45] * rows
    figure, axes = canvas(heights, columns=columns, width=width, footer=[f"CKA {_measured(items[0].record)}"])
    low = min(math.floor(20 * min(summary(item.record).lowest for item in items)) / 20, 0.95)
    for place, axis in enumerate(axes):
        if place < len(items):
            _map(axis, items[place], low=low, letter=chr(ord("a") + place % 26))
        else:
            axis.axis("off")
    bar = figure.colorbar(axes[0].collections[0], ax=axes, fraction=0.05, pad=0.02, aspect=25, shrink=0.8)
    bar.set_label("CKA")
    bar.outline.set_linewidth(0.5)
    return figure


def _map(axis: Axes, item: NamedCka, *, low: float, letter: str) -> None:
    """One map, block 1 at the bottom left, as in the paper."""
    from seaborn import heatmap  # here, for it takes a second that a report without maps need not spend

    blocks = item.record.blocks
    heatmap(item.record.mean, ax=axis, vmin=low, vmax=1, cmap=COLOURS, square=True, cbar=False)
    axis.set_title(f"({letter}) {plain(item.name, limit=28)}", loc="left")
    axis.set_xlabel("block")
    axis.set_ylabel("block")
    shown = range(1, blocks + 1, math.ceil(blocks / MOST_TICKS))
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_ticks([block - 0.5 for block in shown], [str(block) for block in shown], rotation=0)
    axis.invert_yaxis()
    axis.label_outer()
