"""What a calibration trains: which arms and seeds, repeats, and the baseline for other numbers of steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ablations import GridRequest, make_plan
from ablations.calibration_cells import CalibrationPlan, other_steps, plan_calibration
from bench.cell.identity import validation_steps
from bench.config import TrainingConfig

SEEDS = range(1000, 1005)


def planned(
    grid: str = "skip", *, arms: str = "", repeats: int = 8, steps: int = 100, settings: Sequence[str] = (), **more: Any
) -> CalibrationPlan:
    settings = [f"training.steps={steps}", "evaluation.samples=0", "evaluation.val_levels=20", *settings]
    asked = GridRequest(grid=grid, budget="smoke", device="cpu", seeds=5, first_seed=1000, settings=settings, **more)
    return plan_calibration(make_plan(asked)[0], arms=arms, repeats=repeats)


def compared(cells: CalibrationPlan) -> dict[str, list[int]]:
    """The seeds of each arm that runs for the usual steps."""
    return {arm: [s for s, _ in own] for arm, own in cells.plan.members.items() if arm not in cells.points}


def test_the_baseline_and_two_arms_on_calibration_seeds_and_eight_repeats() -> None:
    cells = planned()
    assert compared(cells) == {arm: list(SEEDS) for arm in ("concat", "linear_sum", "none")}
    assert cells.challengers == 4, "as many as the grid has, whose verdicts share their error rate"
    repeats = [(p.cell.seed, p.cell.variant) for p in cells.plan.cells if p.cell.repeat]
    usual = [p for p in cells.plan.cells if p.cell.training.steps == 100 and not p.cell.repeat]
    assert repeats == [(p.cell.seed, p.cell.variant) for p in usual[:8]]
    assert len(cells.plan.cells) == 3 * 5 + 8 + 3


@pytest.mark.parametrize(
    ("arms", "chosen"),
    [("add", ["add"]), (" none , add,none", ["none", "add"]), ("all", ["linear_sum", "linear_skip", "add", "none"])],
)
def test_arms_are_chosen_by_name(arms: str, chosen: list[str]) -> None:
    assert list(compared(planned(arms=arms, repeats=0))) == ["concat", *chosen]


def test_a_grid_of_one_challenger_has_it_once() -> None:
    assert list(compared(planned("time"))) == ["token", "adaln"]


def test_wrong_arms_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"--arms: unknown arm 'nonne'; did you mean 'none'\? known: linear_sum, .* all$"
    ):
        planned(arms="nonne")
    with pytest.raises(ValueError, match="--arms: unknown arm 'concat'"):
        planned(arms="concat")
    alone = tmp_path / "alone.toml"
    alone.write_text('question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat"]\n')
    with pytest.raises(
        ValueError, match="grid alone: expected an arm beside the baseline, got none; name another with"
    ):
        planned(str(alone))


def test_a_grid_of_blocks_is_calibrated_block_by_block() -> None:
    with pytest.raises(
        ValueError, match=r"^grid skip-prediction: expected one without \[within\], .* --set training\.pred"
    ):
        planned("skip-prediction")


@pytest.mark.parametrize(("steps", "points"), [(100, [80, 100, 125]), (3300, [2640, 3300, 4125]), (4, [3, 4, 5])])
def test_at_a_constant_rate_one_longer_training_holds_all_points(steps: int, points: list[int]) -> None:
    cells = planned(steps=steps, repeats=0)
    assert {arm: list(own) for arm, own in cells.points.items()} == {f"concat for {points[-1]:,} steps": points}
    longer = [p for p in cells.plan.cells if p.cell.training.steps == points[-1]]
    assert [p.cell.seed for p in longer] == [1000, 1001, 1002]
    for prepared in longer:
        assert set(points) <= set(validation_steps(prepared.cell.evaluation, points[-1]))
        assert prepared.cell.evaluation.val_levels == 20


def test_at_a_falling_rate_every_number_of_steps_is_trained() -> None:
    cells = planned(repeats=0, settings=["training.cooldown=0.2"])
    assert cells.points == {f"concat for {steps} steps": (steps,) for steps in (80, 100, 125)}
    assert cells.plan.members["concat for 100 steps"] == cells.plan.members["concat"][:3]
    assert len(cells.plan.cells) == 3 * 5 + 2 * 3
    shorter, longer = (p for p in cells.plan.cells if p.cell.seed == 1000 and p.cell.training.steps in (80, 125))
    for prepared in (shorter, longer):
        last = prepared.cell.training.steps
        assert validation_steps(prepared.cell.evaluation, last) == [last]
    assert other_steps(TrainingConfig(steps=1)) == [(1, (1,))], "nothing to compare"


def test_the_plan_as_reports_read_it() -> None:
    from bench.machine.runtime import Runtime

    cells = planned(repeats=2)
    made = cells.manifest(Runtime(threads=1))
    assert made.more == {"planned_challengers": 4, "tuned_on": ""}
    assert {arm.arm: dict(arm.more) for arm in made.arms} == {
        **{arm: {} for arm in ("concat", "linear_sum", "none")},
        "concat for 125 steps": {"points": [80, 100, 125]},
    }
    ids = {cell.train_id for arm in made.arms for cell in arm.cells}
    assert ids == {prepared.train_id for prepared in cells.plan.cells}
    assert dataclasses.replace(made).to_json() == type(made).from_json(made.to_json()).to_json()
