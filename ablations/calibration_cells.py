"""What a calibration trains: the cheapest cells that tell a budget's validity, spreads, repeat spread and margins.

- the baseline and a few challengers of a grid on the calibration seeds: validity, and the spread of paired differences;
- repeats of the first of these cells;
- the baseline once more for other numbers of steps on few seeds: how its skill depends on them. Where the learning
  rate stays constant these are points of one longer training; where it falls towards the end each has its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablations.arms import Arm
from ablations.planning import Plan, manifest
from ablations.repeats import with_repeats
from ablations.schedule import Schedule
from bench.cell.prepared import Prepared, prepare
from bench.config import TrainingConfig
from bench.machine.runtime import Runtime
from results.manifest import Manifest, ManifestArm
from variants.registry import unknown

STEP_FACTORS = (0.8, 1.25)  # beside 1
STEP_SEEDS = 3  # the slope of skill is far larger than its spread over seeds
ALL_ARMS = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPlan:
    """The cells of a calibration. ``points``: by arm that is the baseline for other numbers of steps, which count."""

    plan: Plan
    points: Mapping[str, tuple[int, ...]]
    challengers: int  # of the grid, of which the plan may run fewer

    def manifest(self, runtime: Runtime) -> Manifest:
        """As reports read it (`reports.analysis.calibration`)."""
        made = manifest(self.plan, runtime)
        arms = tuple(self._with_points(arm) for arm in made.arms)
        return dataclasses.replace(made, arms=arms, more={"planned_challengers": self.challengers})

    def _with_points(self, arm: ManifestArm) -> ManifestArm:
        points = self.points.get(arm.arm)
        return arm if points is None else dataclasses.replace(arm, more={"points": list(points)})


def plan_calibration(plan: Plan, *, seeds: Sequence[int], arms: str, repeats: int) -> CalibrationPlan:
    """The calibration of a grid's ``plan``, of which one seed is enough.

    ``arms``: names of challengers, separated by commas, or ``all``; empty: the first and the last. Raises ValueError
    for an unknown name and for a grid without a challenger.
    """
    baseline = next(arm for arm in plan.arms if arm.name == plan.grid.baseline)
    others = [arm for arm in plan.arms if arm is not baseline]
    chosen = [baseline, *_chosen(others, arms, grid=plan.grid.name)]
    cells = [_cell(plan, arm, seed) for seed in seeds for arm in chosen]
    plan = dataclasses.replace(plan, schedule=Schedule(seeds=tuple(seeds), looks=(len(seeds),)))
    compared = _replaced(plan, {arm: cells[i :: len(chosen)] for i, arm in enumerate(chosen)}, cells)
    again, points = with_repeats(compared, repeats), dict[str, tuple[int, ...]]()
    members = dict(compared.members)
    for arm, prepared, steps in _other_steps(plan, baseline, seeds[:STEP_SEEDS]):
        members[arm.name] = [(each.cell.seed, each.train_id) for each in prepared]
        known = {each.train_id for each in again.cells}
        fresh = [each for each in prepared if each.train_id not in known]
        again = dataclasses.replace(again, arms=[*again.arms, arm], cells=[*again.cells, *fresh], members=members)
        points[arm.name] = steps
    return CalibrationPlan(plan=again, points=points, challengers=len(others))


def other_steps(training: TrainingConfig) -> list[tuple[int, tuple[int, ...]]]:
    """Trainings of the baseline for other numbers of steps, each with the steps at which its skill counts."""
    usual = training.steps
    shorter, longer = (max(1, round(factor * usual)) for factor in STEP_FACTORS)
    if falls(training):
        return [(steps, (steps,)) for steps in dict.fromkeys((shorter, usual, longer))]
    every = validation_interval(usual)
    return [(longer, tuple(dict.fromkeys([*(every * max(1, round(at / every)) for at in (shorter, usual)), longer])))]


def validation_interval(steps: int) -> int:
    """Between validations of a longer training, so that one falls on 0.8 of ``steps`` and one on all of them."""
    return max(1, steps // 5)


def falls(training: TrainingConfig) -> bool:
    """Whether the learning rate falls towards the end, so that a longer training has no shorter one inside it."""
    return bool(training.asdict().get("cooldown"))


def _chosen(others: Sequence[Arm], names: str, *, grid: str) -> list[Arm]:
    by_name = {arm.name: arm for arm in others}
    if not others:
        raise ValueError(f"grid {grid}: expected an arm beside the baseline, got none; name another with --grid")
    if names == ALL_ARMS:
        return list(others)
    asked = [name.strip() for name in names.split(",") if name.strip()] or [others[0].name, others[-1].name]
    for name in asked:
        if name not in by_name:
            raise ValueError(f"--arms: {unknown('arm', name, [*by_name, ALL_ARMS])}")
    return [by_name[name] for name in dict.fromkeys(asked)]


def _other_steps(plan: Plan, baseline: Arm, seeds: Sequence[int]) -> list[tuple[Arm, list[Prepared], tuple[int, ...]]]:
    usual = _like(plan, baseline).cell.training
    made = []
    for steps, points in other_steps(usual):
        arm = dataclasses.replace(baseline, name=f"{baseline.name} for {steps:,} steps")
        made.append((arm, [_cell(plan, baseline, seed, steps=steps) for seed in seeds], points))
    return made


def _cell(plan: Plan, arm: Arm, seed: int, *, steps: int | None = None) -> Prepared:
    """The arm's cell at ``seed``; of other ``steps`` with the validations that their points need."""
    like = _like(plan, arm)
    cell = dataclasses.replace(like.cell, seed=seed)
    if steps is not None and steps != cell.training.steps:
        interval = 0 if falls(cell.training) else validation_interval(cell.training.steps)
        evaluation = dataclasses.replace(cell.evaluation, every=0, val_every=interval)
        cell = dataclasses.replace(
            cell, training=dataclasses.replace(cell.training, steps=steps), evaluation=evaluation
        )
    return prepare(cell, like.dataset)


def _like(plan: Plan, arm: Arm) -> Prepared:
    train_id = plan.members[arm.name][0][1]
    return next(prepared for prepared in plan.cells if prepared.train_id == train_id)


def _replaced(plan: Plan, cells: Mapping[Arm, Sequence[Prepared]], order: Sequence[Prepared]) -> Plan:
    members = {arm.name: [(each.cell.seed, each.train_id) for each in own] for arm, own in cells.items()}
    return dataclasses.replace(plan, arms=list(cells), cells=list(order), members=members)
