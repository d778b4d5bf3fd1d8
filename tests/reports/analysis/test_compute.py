"""Compute to the baseline's loss is R times the relative MACs, interval too; of blocks against their own baseline."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from reports.analysis.columns import columns
from reports.analysis.compare import compare
from reports.analysis.compute import ComputeRatio, compute_ratios
from reports.content.grid_report import grid_report
from reports.page.plotted_compute import plotted_compute
from reports.plots import alt_text
from reports.plots import compute_ratios as figure
from reports.views.find import find
from reports.views.grid import GridView
from results import Store
from tests.reports.simulated import skip_run, speed_record, speed_run

RATIOS = {"concat": (1.0, 1.0, 1.0), "none": (1.5, 1.48, 1.52)}
MACS = math.log(45.0 / (45.0 + 60 * 98_304e-6))  # of none over concat's, as they are planted


def view(store: Store) -> GridView:
    (grid,) = find(store.root).grids
    return grid


def found(grid: GridView) -> list[ComputeRatio]:
    return compute_ratios(grid, compare(grid, columns(grid)))


def test_r_times_the_relative_macs_with_rs_interval_moved(tmp_path: Path) -> None:
    grid = view(speed_run(tmp_path, RATIOS))
    (none,) = found(grid)
    (comparison,) = compare(grid, columns(grid)).comparisons
    assert (none.steps, none.macs) == (pytest.approx(math.log(1.5), abs=1e-3), pytest.approx(MACS))
    assert none.compute == pytest.approx(math.log(1.5) + MACS, abs=1e-3)
    assert comparison.interval is not None
    assert none.interval == pytest.approx([end + MACS for end in comparison.interval])


def test_of_blocks_each_against_its_own_baseline(tmp_path: Path) -> None:
    arms = {"eps/concat": (1.0, 1.0), "eps/none": (1.3, 1.3), "v/concat": (2.0, 2.0), "v/none": (2.4, 2.41)}
    training = {arm: {"prediction": arm[: arm.index("/")]} for arm in arms}
    store = speed_run(tmp_path, arms, training=training)
    for seed, ratio in ((100, 2.0), (101, 2.0)):
        store.write(
            speed_record("v/concat", seed, ratio, macs=90_000_000, training=training["v/concat"] | {"steps": 3000})
        )
    assert [each.macs for each in found(view(store))] == pytest.approx([MACS, math.log(0.5)])


def test_without_r_or_with_equal_macs_there_is_none(tmp_path: Path) -> None:
    assert found(view(skip_run(tmp_path / "a"))) == []
    store = speed_run(tmp_path / "b", RATIOS)
    for seed in (100, 101, 102):
        store.write(speed_record("none", seed, 1.5, macs=45_000_000 + 60 * 98_304))
    grid = view(store)
    assert found(grid) == [] and figure.figures(grid_report(grid)) == {}
    assert plotted_compute(grid_report(grid), {}) is None


def test_a_report_shows_it_as_exploratory(tmp_path: Path) -> None:
    grid = view(speed_run(tmp_path, RATIOS))
    report = grid_report(grid)
    (line,) = [line for line in report.remarks if line.startswith("compute to the baseline's loss")]
    assert "exploratory, no verdict" in line and "'none' 1.33 [1.2" in line
    drawn = figure.figures(report)["compute-skip"]
    (axis,) = drawn.axes
    assert axis.get_xscale() == "log" and [text.get_text() for text in axis.texts] == ["1.33 = 1.50 × 0.88"]
    marks = {line.get_marker(): line.get_xdata()[0] for line in axis.lines if line.get_marker() in ("d", "o")}
    assert marks == pytest.approx({"o": 1.5, "d": 1.5 * math.exp(MACS)}, rel=1e-3)
    assert "no verdict" in drawn.get_supxlabel() and alt_text(grid, "compute-skip.png").startswith("Compute to")
    page = plotted_compute(report, {"concat": 0, "none": 1})
    assert page is not None and page["rows"][0]["arm"] == 1
    assert page["rows"][0]["mean"] == pytest.approx(math.log(1.5) + MACS, abs=1e-3)
    assert page["rows"][0]["text"].endswith(": R 1.50 × MACs 0.88")
