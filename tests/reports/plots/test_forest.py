"""The forest plot: differences, intervals and verdicts as `compare` finds them, and nothing that it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reports.content.grid_report import grid_report
from reports.plots import forest
from reports.views.find import find
from tests.reports.planted import compared, planted
from tests.reports.simulated import speed_run

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


RATIOS = {"concat": (1.0, 1.01, 0.99), "add": (0.80, 0.81, 0.80), "none": (1.3, 1.31, 1.29)}


def speed_grid(root: Path, ratios: Mapping[str, Sequence[float | None]], **changes: Any) -> GridView:
    (grid,) = find(speed_run(root, ratios, **changes).root).grids
    return grid


def test_a_ratio_has_an_axis_of_ratios_with_its_margin_on_both_sides_of_1(tmp_path: Path) -> None:
    (axis,) = figures(speed_grid(tmp_path, RATIOS))["forest-skip"].axes
    assert axis.get_xscale() == "log"
    low, high = axis.get_xlim()
    assert low * high == pytest.approx(1.0) and high > 1.3
    assert axis.get_xlabel().startswith("R: times the baseline's steps (concat)\n← better")
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["0.83", "1", "1.2"]
    (margin,) = axis.patches
    assert list(margin.get_bbox().intervalx) == pytest.approx([1 / 1.1, 1.1])
    assert list(axis.lines[0].get_xdata()) == [1.0, 1.0]
    means = {line.get_marker(): line.get_xdata()[0] for line in axis.lines if line.get_marker() in ("o", "s")}
    assert means == pytest.approx({"o": 0.8033, "s": 1.3}, rel=1e-3)
    assert words(axis) == ["better", "worse"]


def test_blocks_stand_below_their_headings_each_against_its_own_baseline(tmp_path: Path) -> None:
    arms = {
        "eps/concat": (1.0, 1.0, 1.0), "eps/none": (1.3, 1.31, 1.29),
        "v/concat": (2.0, 2.0, 2.0), "v/none": (2.0, 2.02, 1.98),
    }  # fmt: skip
    training = {arm: {"prediction": arm[: arm.index("/")]} for arm in arms}
    lost = {("eps/concat", 102): "diverged"}
    (axis,) = figures(speed_grid(tmp_path, arms, training=training, status=lost))["forest-skip"].axes
    assert words(axis) == ["eps, against eps/concat", "unresolved", "v, against v/concat", "equivalent"]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["none", "none"]
    assert "(the block's)" in axis.get_xlabel()
    pairs = [sorted(line.get_xdata()) for line in axis.lines if line.get_marker() == "|" and len(line.get_xdata()) > 1]
    assert pairs == [pytest.approx([1.3, 1.31]), pytest.approx([0.99, 1.0, 1.01])]


def test_a_mixed_verdict_has_a_mark_of_its_own_and_a_bound_is_told(tmp_path: Path) -> None:
    skill = {"concat": (-0.10, -0.11, -0.09), "add": (0.2, 0.2, 0.21), "none": (0.2, 0.2, 0.21)}
    (axis,) = figures(speed_grid(tmp_path, RATIOS, skill=skill))["forest-skip"].axes
    assert words(axis) == ["mixed", "worse"]
    assert [line.get_marker() for line in axis.lines if line.get_marker() in ("^", "s", "o")] == ["^", "s"]
    losses = {**RATIOS, "none": (12.0, 1.3, 1.29), "concat": (0.01, 1.0, 1.0)}
    (axis,) = figures(speed_grid(tmp_path / "bound", losses))["forest-skip"].axes
    assert words(axis)[-1].endswith(", 1/3 bounds")
