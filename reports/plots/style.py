"""How every figure looks: one column of a paper wide, readable in grey, by colour-blind readers and in print.

Colours are Okabe and Ito's (2008, "Color Universal Design"); the baseline is black, and every arm has its own marker
and dashes, so that nothing rests on colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.text import plain
from reports.views.grid import ArmView

COLUMN_INCHES = 3.3
MAX_ARMS = 8  # told apart by look; a larger grid is drawn in parts, an axis a part, or coloured by axis
BLACK, GREY, LIGHT = "#000000", "#444444", "#B9D3E6"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
MARKERS = ("s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Any, ...] = ((0, (5, 1.2)), (0, (2, 1)), (0, (5, 1, 1, 1)), (0, (1, 0.8)), (0, (7, 2)), "-", (0, (3, 2)))
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
    "pdf.fonttype": 42,  # text stays text
}

Look = dict[str, Any]


def looks(arms: Sequence[ArmView]) -> dict[str, Look]:
    """Colour, marker, dashes and width of each arm; the same in every panel."""
    by_arm: dict[str, Look] = {}
    others = [arm for arm in arms if not arm.is_baseline]
    for i, arm in enumerate(others):
        by_arm[arm.name] = look(i)
    for arm in arms:
        if arm.is_baseline:
            by_arm[arm.name] = {"color": BLACK, "marker": "o", "linewidth": 1.7, "linestyle": "-"}
    return by_arm


def look(i: int) -> Look:
    """The ``i``-th look of what is not the baseline."""
    return {
        "color": COLOURS[i % len(COLOURS)],
        "marker": MARKERS[i % len(MARKERS)],
        "linestyle": DASHES[i % len(DASHES)],
        "linewidth": 1.2,
    }


def axis_of(arm: ArmView) -> str:
    """The axis that an arm varies, as part of a file's name: ``skip`` of ``skip=add``; ``arms`` where none is plain."""
    axis = arm.name.partition("=")[0] if "=" in arm.name else next(iter(arm.options), "arms")
    return axis if axis.isascii() and axis.replace("_", "").isalnum() else "arms"


def groups(name: str, arms: Sequence[ArmView]) -> list[tuple[str, list[ArmView]]]:
    """(file name, arms) of the parts that a plot with a look an arm is drawn in; the baseline stands in each.

    Blocks are parts, each with its own baseline.
    """
    by_block: dict[str, list[ArmView]] = {}
    for arm in arms:
        by_block.setdefault(arm.block, []).append(arm)
    if len(by_block) > 1:
        parts = [(f"{name}-{_file_word(block, number)}", own) for number, (block, own) in enumerate(by_block.items())]
        return [part for named, own in parts for part in _by_axis(named, own)]
    return _by_axis(name, arms)


def _file_word(block: str, number: int) -> str:
    """A block as part of a file's name; its number where it is no plain word."""
    return block if block.isascii() and block.replace("_", "").isalnum() else f"block{number + 1}"


def _by_axis(name: str, arms: Sequence[ArmView]) -> list[tuple[str, list[ArmView]]]:
    """A large grid an axis a part."""
    if len(arms) <= MAX_ARMS:
        return [(name, list(arms))]
    baseline = next(arm for arm in arms if arm.is_baseline)
    by_axis: dict[str, list[ArmView]] = {}
    for arm in arms:
        if not arm.is_baseline:
            by_axis.setdefault(axis_of(arm), []).append(arm)
    named = []
    for axis, members in by_axis.items():
        for part, first in enumerate(range(0, len(members), MAX_ARMS - 1)):
            suffix = f"-{part + 1}" if len(members) > MAX_ARMS - 1 else ""
            named.append((f"{name}-{axis}{suffix}", [baseline, *members[first : first + MAX_ARMS - 1]]))
    return named


def arm_label(arm: ArmView, *, formula: bool = False) -> str:
    """An arm in a legend; a leading underscore would hide it there."""
    name = plain(arm.name, limit=24) + (" (baseline)" if arm.is_baseline else "")
    branches = plain(arm.formula, limit=28).replace("h_m", "hₘ").replace("h_s", "hₛ")  # as the paper writes them
    return shown_label(f"{name}: {branches}" if formula and branches else name)


def shown_label(text: str) -> str:
    """``text`` as matplotlib shows it in a legend, which hides labels that begin with an underscore."""
    return f" {text}" if text.startswith("_") else text


def handle(label: str, of: Look) -> Any:
    """A legend's entry."""
    from matplotlib.lines import Line2D

    return Line2D([], [], markersize=3.5, label=label, **of)
