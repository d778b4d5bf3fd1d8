"""A figure at a column's width with its footer, and its three files."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reports.plots.style import COLUMN_INCHES, GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 300
FORMATS = ("png", "svg", "pdf")
_METADATA: dict[str, dict[str, None]] = {  # nothing that differs between two drawings of equal records
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}
_FOOTER_POINTS, _FOOTER_INCHES, _LEGEND_INCHES = 5.8, 0.105, 0.165  # of the letters, of a line, of a line
_CHARACTERS_AN_INCH = 23


def canvas(
    heights: Sequence[float],
    *,
    columns: int = 1,
    width: float = COLUMN_INCHES,
    footer: Sequence[str],
    handles: Sequence[Any] = (),
    legend_columns: int = 2,
    handle_length: float = 2.4,
    **subplots: Any,
) -> tuple[Figure, list[Axes]]:
    """A figure with a row of ``columns`` axes for each of ``heights``, a legend on top and a footer below, in inches.

    ``footer`` has a paragraph an entry. Axes come row by row.
    """
    from matplotlib.figure import Figure

    lines = [line for paragraph in footer for line in _wrapped(paragraph, int(_CHARACTERS_AN_INCH * width))]
    legend = _LEGEND_INCHES * math.ceil(len(handles) / legend_columns) + 0.08 if handles else 0.0
    height = sum(heights) + legend + _FOOTER_INCHES * len(lines) + 0.06
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(heights), columns, squeeze=False, height_ratios=list(heights), **subplots)
    if handles:
        figure.legend(
            handles=handles, loc="outside upper left", ncols=legend_columns, frameon=False, handlelength=handle_length,
            columnspacing=1.2, labelspacing=0.3, borderaxespad=0.2,
        )  # fmt: skip
    if lines:
        figure.supxlabel(
            "\n".join(lines), x=0.04 / width, ha="left", fontsize=_FOOTER_POINTS, color=GREY, linespacing=1.25
        )
    return figure, list(axes.flat)


def _wrapped(paragraph: str, characters: int) -> list[str]:
    """Lines of a footer, of at most so many characters, broken between its parts (`` · ``) where they fit a line."""
    lines: list[str] = []
    for part in paragraph.split(" · "):
        if lines and len(lines[-1]) + len(part) + 3 <= characters:
            lines[-1] += f" · {part}"
        else:
            lines += textwrap.wrap(part, characters) or [""]
    return lines


def encode(name: str, figure: Figure) -> dict[str, bytes]:
    """``<name>.png``, ``.svg`` and ``.pdf``."""
    _lay_out(figure)
    return {f"{name}.{suffix}": _encoded(figure, suffix) for suffix in FORMATS}


def _lay_out(figure: Figure) -> None:
    """Place the axes once for all formats, at rounded places: the solver's last bits differ from run to run."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axis in figure.axes:
        left, bottom, width, height = (round(number, 6) for number in axis.get_position(original=True).bounds)
        axis.set_position((left, bottom, width, height))


def _encoded(figure: Figure, suffix: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=suffix, metadata=_METADATA[suffix])
    return buffer.getvalue()
