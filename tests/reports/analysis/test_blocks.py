"""A grid inside each block: own baselines, corrected together, interactions without a verdict."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from reports.analysis.grid_analysis import analyse
from reports.content.grid_report import grid_report
from reports.content.wording import answer
from reports.views.find import find
from reports.views.grid import GridView
from results import Store
from tests.reports.planted import compared
from tests.reports.simulated import calibration, speed_run

ONES = (1.0, 1.01, 0.99)
V = {"steps": 3000, "batch_size": 32, "prediction": "v"}
TWO = {
    "eps/concat": ONES,
    "eps/none": (1.30, 1.31, 1.30),
    "v/concat": tuple(2 * x for x in ONES),
    "v/none": (1.80, 1.81, 1.80),
}


def blocks(root: Path, ratios: dict[str, Any] = TWO, **options: Any) -> GridView:
    training = {arm: V for arm in ratios if arm.startswith("v/")}
    (found,) = find(speed_run(root, ratios, training=training, **options).root).grids
    return found


def test_each_block_is_compared_with_its_own_baseline(tmp_path: Path) -> None:
    made = blocks(tmp_path)
    assert [arm.name for arm in made.arms if arm.is_baseline] == ["eps/concat", "v/concat"]
    assert (made.blocks, [arm.name for arm in made.challengers]) == (["eps", "v"], ["eps/none", "v/none"])
    eps, v = compared(made).comparisons
    assert math.exp(eps.difference or 0) == pytest.approx(1.303, abs=2e-3) and eps.verdict == "worse"
    assert math.exp(v.difference or 0) == pytest.approx(0.902, abs=2e-3) and v.verdict == "better"
    assert compared(made).speed is not None and compared(made).speed.curve == "train_loss", (
        "within a block all predict alike"
    )


def test_all_comparisons_are_corrected_together(tmp_path: Path) -> None:
    """k = 2: the quantile is that of two comparisons, one in each block."""
    for found in compared(blocks(tmp_path)).comparisons:
        assert found.interval is not None and found.se is not None and found.df is not None
        half = (found.interval[1] - found.interval[0]) / 2
        assert half == pytest.approx(found.se * stats.t.ppf(1 - 0.05 / 4, found.df))
        assert found.df == pytest.approx(4 / 1.25)


def test_the_answer_names_each_blocks_baseline_once(tmp_path: Path) -> None:
    made = blocks(tmp_path, {**TWO, "v/add": (2.5, 2.6, 2.55)})
    said = answer(made, compared(made))
    assert said.startswith("eps/none needs 1.30 times the steps of eps/concat [")
    assert "v/none needs 0.90 times the steps of v/concat [" in said and "; v/add 1.27 [" in said


def test_interactions_are_exploratory(tmp_path: Path) -> None:
    made = blocks(tmp_path)
    (found,) = analyse(made).interactions
    eps, v = compared(made).comparisons
    assert (found.arm, found.block, found.first, found.seeds) == ("none", "v", "eps", 3)
    assert found.difference == pytest.approx((v.difference or 0) - (eps.difference or 0))
    assert found.interval is not None and found.interval[1] < 0
    report = grid_report(made)
    (line,) = [line for line in report.remarks if line.startswith("interactions")]
    assert line.startswith(
        "interactions (exploratory, no verdict): ratio of its R in a block to that in eps: 'none' in v 0.69 ["
    )


def test_tables_compare_within_the_block(tmp_path: Path) -> None:
    report = grid_report(blocks(tmp_path))
    rows = {row[0]: row for row in report.arms.rows}
    heading = next(i for i, text in enumerate(report.arms.headings) if text.startswith("R ↓"))
    assert [rows[name][heading] for name in TWO] == ["1 (baseline)", "1.30", "1 (baseline)", "0.90"]
    figures = {row["arm"]: row for row in report.arm_rows}
    assert figures["v/none"]["R"] == pytest.approx(0.902, abs=2e-3)
    assert not report.bold, "no arm is the best of several blocks"


def test_a_block_without_a_calibration_is_silent_alone(tmp_path: Path) -> None:
    made = blocks(tmp_path, calibrated=False)
    assert "eps of budget cpu is not calibrated" in (compared(made).why_none or "")
    Store(tmp_path).write_calibration(calibration())
    (made,) = find(tmp_path).grids
    found = compared(made)
    eps, v = found.comparisons
    assert (found.why_none, eps.verdict, v.verdict) == (None, "worse", None)
    assert v.note.startswith("v of budget cpu is not calibrated") and not v.is_open
    assert "(uvit calibrate cpu --preset uvit-micro-deep/4 --dataset photos --set training.prediction=v)" in v.note


def test_seeds_of_one_block_are_waited_for_in_all(tmp_path: Path) -> None:
    made = blocks(tmp_path, {**TWO, "v/none": (1.8, 1.81, None)})
    eps, v = compared(made).comparisons
    assert (eps.verdict, v.verdict) == (None, None), "their variances are moderated together"
