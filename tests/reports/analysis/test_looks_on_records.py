"""Looks on records: what is judged, when, on which seeds, and what stays."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from reports.analysis.inference import FINDINGS
from reports.analysis.planned_looks import look_findings, look_plan
from reports.analysis.verdicts import GridComparison
from reports.content.wording import answer, method
from reports.views.find import find
from reports.views.grid import GridView
from tests.reports.planted import compared
from tests.reports.simulated import speed_manifest, speed_run, write_grid

LOOKS = (3, 6, 12)
ONES = [1.0] * 12
FAST = [0.80, 0.81, 0.79] * 4
SAME = [1.00, 1.01, 0.99] * 4
WILD = [1.3, 0.8, 1.1, 0.9, 1.2, 0.7] * 2
NEAR = [1.07, 1.04, 1.01, 1.03, 1.02, 1.05] * 2  # open at three seeds, and lends little


def grid(root: Path) -> GridView:
    (found,) = find(root).grids
    return found


def looked(root: Path, ratios: dict[str, list[float | None]], **more: object) -> GridComparison:
    seeds = range(100, 112)
    return compared(grid(speed_run(root, ratios, seeds=seeds, looks=list(LOOKS), **more).root))  # type: ignore[arg-type]


def test_an_arm_that_is_resolved_at_three_seeds_stays_when_six_contradict(tmp_path: Path) -> None:
    turned = [*FAST[:3], *[1.4] * 9]
    add, none = looked(tmp_path, {"concat": ONES, "add": turned, "none": NEAR}).comparisons
    assert (add.verdict, add.look, add.n_pairs, add.is_open) == ("better", 1, 3, False)
    assert math.exp(add.difference or 0) == pytest.approx(0.80, abs=0.01)
    assert add.alpha == pytest.approx(0.0125) and add.p_holm is None
    assert "over all 12 seeds R 1.22, exploratory" in add.note
    assert none.look > 1 and not none.is_open


def test_a_look_that_is_not_complete_is_not_counted(tmp_path: Path) -> None:
    """Five seeds: one look; the fourth and fifth would make the arm resolved, and are not seen."""
    open_at_three = [1.3, 0.8, 0.9]
    for seeds in (3, 4, 5):
        ratios = {"concat": [*ONES[:seeds]], "add": [*open_at_three, 0.8, 0.8][:seeds]}
        (add,) = looked(tmp_path / str(seeds), ratios).comparisons
        assert (add.verdict, add.look, add.n_pairs, add.is_open) == ("unresolved", 1, 3, True)
    before = looked(tmp_path / "two", {"concat": ONES[:2], "add": FAST[:2]})
    assert before.comparisons[0].verdict is None and before.comparisons[0].is_open
    assert "still to come" in (before.why_none or "")


def test_a_resolved_arm_is_not_waited_for(tmp_path: Path) -> None:
    found = looked(tmp_path, {"concat": ONES[:6], "add": FAST[:3], "none": NEAR[:6]})
    add, none = found.comparisons
    assert (add.verdict, add.look, none.look, none.n_pairs) == ("better", 1, 2, 6)
    assert found.looks_taken == 2
    assert "error rate shared by looks at 3, 6, 12 seeds, of which 2 are taken" in method(grid(tmp_path), found)


def test_an_open_arm_is_waited_for_by_all(tmp_path: Path) -> None:
    add, none = looked(tmp_path, {"concat": ONES[:6], "add": [*WILD[:5]], "none": WILD[:6]}).comparisons
    assert (add.look, none.look) == (1, 1)


def test_the_baseline_is_waited_for(tmp_path: Path) -> None:
    found = looked(tmp_path, {"concat": [1.0, 1.0, None], "add": FAST[:3]})
    assert found.comparisons[0].verdict is None and found.comparisons[0].note == "1 cell to come"


def test_a_failed_cell_is_done_without_a_pair(tmp_path: Path) -> None:
    (add,) = looked(tmp_path, {"concat": ONES, "add": WILD}, status={("add", 111): "diverged"}).comparisons
    assert (add.look, add.n_pairs, add.failed, add.total) == (3, 11, 1, 12)


def test_a_seed_beyond_the_last_look_is_exploratory(tmp_path: Path) -> None:
    ratios = {"concat": [*ONES, 1.0], "add": [*WILD, 1e-2]}
    kept = compared(grid(speed_run(tmp_path, ratios, seeds=range(100, 113), looks=list(LOOKS)).root)).comparisons[0]
    (twelve,) = looked(tmp_path / "twelve", {"concat": ONES, "add": WILD}).comparisons
    assert (kept.difference, kept.interval, kept.verdict) == (twelve.difference, twelve.interval, twelve.verdict)
    assert kept.n_pairs == 12 and "over all 13 seeds" in kept.note and not twelve.note


def test_seeds_count_in_the_order_of_the_plan(tmp_path: Path) -> None:
    backwards = list(range(111, 99, -1))
    store = speed_run(tmp_path, {"concat": ONES, "add": FAST}, seeds=range(100, 112))
    write_grid(store, "skip", speed_manifest(["concat", "add"], backwards, looks=[3]))
    view = grid(tmp_path)
    assert look_plan(view).seeds_at(1) == (111, 110, 109)
    (add,) = compared(view).comparisons
    assert add.difference == pytest.approx(sum(map(math.log, FAST[-3:])) / 3)


def test_without_a_plan_there_is_one_look_at_all_seeds(tmp_path: Path) -> None:
    store = speed_run(tmp_path, {"concat": ONES[:4], "add": WILD[:4]})
    content = speed_manifest(["concat", "add"], range(100, 104))
    del content["seeds"], content["looks"]
    write_grid(store, "skip", content)
    view = grid(tmp_path)
    assert (look_plan(view).looks, look_plan(view).seeds, look_plan(view).rates) == ((4,), (100, 101, 102, 103), [0.05])
    assert compared(view).comparisons[0].look == 1


def test_a_look_at_one_seed_is_left_out(tmp_path: Path) -> None:
    store = speed_run(tmp_path, {"concat": ONES[:3], "add": FAST[:3]})
    write_grid(store, "skip", speed_manifest(["concat", "add"], range(100, 103), looks=[1, 3]))
    assert look_plan(grid(tmp_path)).looks == (3,)


def test_the_answer_says_what_stays_and_what_is_open(tmp_path: Path) -> None:
    found = looked(tmp_path, {"concat": ONES[:3], "add": FAST[:3], "none": NEAR[:3]})
    said = answer(grid(tmp_path), found)
    assert said.startswith("add needs 0.80 times the steps of concat [") and "]: better; 'none' 1.04 [" in said
    assert "unresolved over 3 paired seeds" in said


def test_decisions_on_curves_are_those_on_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    for number in range(12):
        d = 0.05 * rng.standard_normal((3, 12)) + np.array([0.15, -0.1, 0.0])[:, None]
        arms = {arm: np.exp(row).tolist() for arm, row in zip(("add", "none", "linear_sum"), d, strict=True)}
        found = looked(tmp_path / str(number), {"concat": ONES, **arms}).comparisons
        expected = look_findings(d, margin=math.log(1.1), looks=LOOKS)
        words = {"lower": "better", "higher": "worse"}
        assert [c.verdict for c in found] == [words.get(w, w) for w in (FINDINGS[i] for i in expected.findings)]
        assert [LOOKS[c.look - 1] for c in found] == expected.seeds.tolist()
