"""Every figure of a report, by file name: one kind a file here, each at a column's width as PNG, SVG and PDF.

A kind without data is absent. Numbers come from `reports.analysis`, as those of the page do, so that a page and its
figures never differ.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from reports.content.grid_report import GridReport
from reports.plots.canvas import encode as encode
from reports.plots.style import COLUMN_INCHES as COLUMN_INCHES
from reports.plots.style import STYLE as STYLE
from reports.views.grid import GridView
from results.profile import ProfileRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = {  # module: what its figures show; in the order in which a page shows them
    "curves": "Score against training steps",
    "forest": "Difference from the baseline with its interval and verdict",
    "compute_ratios": "Compute to the baseline's loss: R times the relative MACs, exploratory",
    "readings": "How R is read off the mean log losses of an arm and its baseline",
    "levels": "EMA loss over the linear filter's, by noise level",
    "bars": "Scores after the last step",
    "tradeoffs": "Score against cost",
    "scaling": "Score against size",
    "evaluations": "Score against network evaluations",
    "losses": "Training loss against training steps",
}
_PREFIXES = {"forest": "forest", "compute": "compute_ratios", "speed": "readings", "levels": "levels", "bars": "bars",
             "cost": "tradeoffs", "scaling": "scaling", "evaluations": "evaluations", "loss": "losses"}  # fmt: skip


def draw(report: GridReport) -> dict[str, bytes]:
    """The figures of a grid by file name: ``<grid>.png`` (score against steps), ``bars-<grid>.png``, … ."""
    with _style():
        return _encoded(figures(report))


def alt_text(grid: GridView, file: str) -> str:
    """What the figure ``file`` of a grid shows, in words for those who cannot see it."""
    kind = next((kind for prefix, kind in _PREFIXES.items() if file.startswith(f"{prefix}-{grid.name}")), "curves")
    return f"{KINDS[kind]}, arms of grid {grid.title}"


def draw_profiles(records: Sequence[ProfileRecord]) -> dict[str, bytes]:
    """The figures of profiles by file name: ``throughput.png``."""
    from reports.plots.throughput import figures as throughput

    with _style():
        return _encoded(throughput(records))


def figures(report: GridReport) -> dict[str, Figure]:
    """The figures of a grid by name, without a suffix, as they are before they are laid out."""
    drawn: dict[str, Figure] = {}
    with _style():
        for kind in KINDS:
            drawn |= import_module(f"reports.plots.{kind}").figures(report)
    return drawn


def _encoded(drawn: dict[str, Figure]) -> dict[str, bytes]:
    return {file: content for name, figure in drawn.items() for file, content in encode(name, figure).items()}


@contextmanager
def _style() -> Iterator[None]:
    from matplotlib import rc_context

    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a box is drawn in its place
        yield
