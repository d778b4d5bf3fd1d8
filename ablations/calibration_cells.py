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
    tuned_on: str = ""

    def manifest(self, runtime: Runtime) -> Manifest:
        """As reports read it (`reports.analysis.calibration`)."""
        made = manifest(self.plan, runtime)
        arms = tuple(self._with_points(arm) for arm in made.arms)
        return dataclasses.replace(
            made, arms=arms, more={"planned_challengers": self.challengers, "tuned_on": self.tuned_on}
        )

    def _with_points(self, arm: ManifestArm) -> ManifestArm:
        points = self.points.get(arm.arm)
        return arm if points is None else dataclasses.replace(arm, more={"points": list(points)})


def plan_calibration(plan: Plan, *, arms: str, repeats: int, tuned_on: str = "") -> CalibrationPlan:
    """The calibration of a grid whose ``plan`` has the calibration seeds.

    ``arms``: names of challengers, separated by commas, or ``all``; empty: the first and the last. Raises ValueError
    for an unknown name, for a grid without a challenger and for one of several blocks.
    """
    if plan.grid.within is not None:
        axis, option = plan.grid.within.axis, plan.grid.within.options[0]
        raise ValueError(
            f"grid {plan.grid.name}: expected one without [within], for each of its blocks is calibrated by itself: "
            f"another --grid, and --set training.{axis}={option}"
        )
    baseline = next(arm for arm in plan.arms if arm.name == plan.grid.baseline)
    others = [arm for arm in plan.arms if arm is not baseline]
    chosen = [baseline, *_chosen(others, arms, grid=plan.grid.name)]
    part = plan.part({arm.name: plan.schedule.seeds for arm in chosen})
    members = {arm.name: part.members[arm.name] for arm in chosen}
    cells = list(with_repeats(part, repeats).cells)
    points: dict[str, tuple[int, ...]] = {}
    longer = []
    for arm, prepared, steps in _other_steps(plan, baseline):
        members[arm.name] = [(each.cell.seed, each.train_id) for each in prepared]
        cells += [each for each in prepared if each.name not in {known.name for known in cells}]
        points[arm.name] = steps
        longer.append(arm)
    whole = dataclasses.replace(part, arms=[*chosen, *longer], cells=cells, members=members)
    return CalibrationPlan(plan=whole, points=points, challengers=len(others), tuned_on=tuned_on)


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
    return training.cooldown > 0


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


def _other_steps(plan: Plan, baseline: Arm) -> list[tuple[Arm, list[Prepared], tuple[int, ...]]]:
    """The baseline for other numbers of steps: an arm each, its cells, and the steps that count."""
    ids = [train_id for _, train_id in plan.members[baseline.name]][:STEP_SEEDS]
    cells = [prepared for prepared in plan.cells if prepared.train_id in ids]
    return [
        (
            dataclasses.replace(baseline, name=f"{baseline.name} for {steps:,} steps"),
            [_for_steps(prepared, steps) for prepared in cells],
            points,
        )
        for steps, points in other_steps(cells[0].cell.training)
    ]


def _for_steps(prepared: Prepared, steps: int) -> Prepared:
    """The same cell for another number of steps, with the validations that its points need."""
    training, evaluation = prepared.cell.training, prepared.cell.evaluation
    if steps == training.steps:
        return prepared
    interval = 0 if falls(training) else validation_interval(training.steps)
    cell = dataclasses.replace(
        prepared.cell,
        training=dataclasses.replace(training, steps=steps),
        evaluation=dataclasses.replace(evaluation, every=0, val_every=interval),
    )
    return prepare(cell, prepared.dataset)
