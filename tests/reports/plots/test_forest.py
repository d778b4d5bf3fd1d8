"""The forest plot: differences, intervals and verdicts as `compare` finds them, and nothing that it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports.content.grid_report import grid_report
from reports.plots import forest
from tests.reports.planted import compared, planted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.views.grid import GridView

BASE = (0.050, 0.052, 0.049, 0.051)
CLEAR = [b + 0.01 + 1e-4 * e for b, e in zip(BASE, (1, -1, 0.5, -0.5), strict=True)]
SAME = [b + 1e-5 * e for b, e in zip(BASE, (1, -1, 0.5, -0.5), strict=True)]
WILD = [b + e for b, e in zip(BASE, (0.02, -0.02, 0.05, -0.03), strict=True)]


def figures(grid: GridView) -> dict[str, Figure]:
    return forest.figures(grid_report(grid))


def words(axis: Axes) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_a_row_an_arm_with_its_verdict_and_the_margin() -> None:
    grid = planted({"concat": BASE, "add": CLEAR, "none": SAME}, margin=0.001)
    (axis,) = figures(grid)["forest-skip"].axes
    assert words(axis) == ["worse", "equivalent"]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["add", "none"]
    (margin,) = axis.patches
    assert margin.get_extents().x0 < margin.get_extents().x1
    found = compared(grid).comparisons[0]
    spans = [list(line.get_xdata()) for line in axis.lines if len(line.get_xdata()) == 2]
    assert spans[1] == pytest.approx(list(found.interval or ()))  # after the line at zero
    means = [line for line in axis.lines if line.get_marker() in ("s", "D")]
    assert [line.get_xdata()[0] for line in means] == pytest.approx([found.difference, 0.0])


def test_an_interval_much_wider_than_the_others_is_cut_with_an_arrow() -> None:
    """Of many seeds: of few, arms lend each other most of their spread, and no interval is much wider."""
    scores = {"concat": BASE, "add": CLEAR, "linear_sum": CLEAR, "linear_skip": CLEAR, "none": [10 * w for w in WILD]}
    grid = planted({arm: [*values] * 6 for arm, values in scores.items()})
    (axis,) = figures(grid)["forest-skip"].axes
    assert [line.get_marker() for line in axis.lines if line.get_marker() in ("<", ">")][-1] == ">"
    widest = compared(grid).comparisons[-1].interval
    assert widest is not None and axis.get_xlim()[1] < widest[1]


def test_failed_seeds_and_arms_without_an_interval() -> None:
    grid = planted({"concat": BASE, "add": CLEAR, "none": (0.06, None, None, None)}, status={("add", 3): "diverged"})
    (axis,) = figures(grid)["forest-skip"].axes
    assert words(axis) == ["worse, 1/4 failed", "no verdict"]


@pytest.mark.parametrize(
    "scores", [{"concat": BASE[:1], "add": CLEAR[:1]}, {"concat": BASE, "add": [None] * 4}, {"concat": BASE}]
)
def test_without_an_interval_there_is_none(scores: dict[str, list[float | None]]) -> None:
    assert figures(planted(scores)) == {}


def test_why_there_is_no_verdict_stands_below() -> None:
    grid = planted({"concat": BASE, "add": CLEAR}, calibrated=False)
    assert "no verdict: budget cpu is not calibrated" in figures(grid)["forest-skip"].get_supxlabel().replace("\n", " ")
