"""``uvit plan``: a request resolved to a grid's cells, their sizes and their cost; nothing trains."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from ablations.budgets import Budget, load_budgets
from ablations.commands.plugins import with_plugins
from ablations.commands.requests import GridRequest
from ablations.grid import Grid, load_grid
from ablations.planning import Plan, cost, plan_grid, resolve_scope
from ablations.schedule import Schedule
from bench.config import Precision, as_precision
from bench.machine.runtime import Runtime, pick_device, resolve_runtime
from results.manifest import LOOKS, Manifest


@with_plugins
def make_plan(request: GridRequest) -> tuple[Plan, Runtime]:
    """The plan and the runtime of a request. Raises ValueError where the request is wrong; trains nothing."""
    return planned(request, load_grid(request.grid))


def planned(
    request: GridRequest, grid: Grid, *, stored: Runtime | None = None, earlier: Manifest | None = None
) -> tuple[Plan, Runtime]:
    """The plan of a request whose grid is loaded. Everything that needs no torch is checked before torch is imported.

    ``stored`` is the runtime that this grid was started with in its folder, ``earlier`` its plan there that was looked
    at already.
    """
    budget = load_budgets().get(request.budget)
    budget = budget.with_evaluation(grid.evaluation, where=f"grid {grid.name}: evaluation")
    budget = budget.with_settings(request.settings)
    asked = as_precision(request.precision, where="--precision")
    scope = resolve_scope(
        grid,
        budget,
        dataset=request.dataset,
        schedule=schedule_of(request, budget),
        preset=request.preset,
        data_dir=request.data_dir,
        match=request.match,
    )
    runtime = _runtime(request, budget.training.precision if asked == "auto" else asked, stored)
    return plan_grid(scope, precision=runtime.precision, earlier=earlier), runtime


def schedule_of(request: GridRequest, budget: Budget) -> Schedule:
    """The seeds and looks that a request asks for. Raises ValueError where they make no sense."""
    first = budget.first_seed if request.first_seed is None else request.first_seed
    if first < 0:
        raise ValueError(f"--first-seed: expected at least 0, got {first}")
    if request.until_resolved:
        if request.seeds is not None:
            looks = ", ".join(map(str, LOOKS))
            raise ValueError(f"--seeds {request.seeds} and --until-resolved (looks at {looks}): leave one of them out")
        return Schedule.of(first=first, looks=LOOKS)
    seeds = budget.seeds if request.seeds is None else request.seeds
    if seeds < 1:
        raise ValueError(f"--seeds: expected at least 1, got {seeds}")
    return Schedule.of(first=first, looks=(seeds,))


def _runtime(request: GridRequest, precision: Precision, stored: Runtime | None) -> Runtime:
    """The stored runtime where it fits what is asked for, so that a grid ends as it began; else what is fast here."""
    here = pick_device(request.device)
    if not _fits(stored, here, precision):
        stored = None
    options = ("compile", "gradient_checkpointing", "cuda_graphs")
    asked = {name: value for name in options if (value := getattr(request, name)) is not None}
    begun = {name: getattr(stored, name) for name in options} if stored else {}
    fresh = resolve_runtime(device=here, precision=precision, threads=0, **{**begun, **asked})
    if stored is None:
        return fresh
    return dataclasses.replace(stored, device=here, **asked)


def _fits(stored: Runtime | None, device: str, precision: Precision) -> bool:
    """Whether a stored runtime is of this kind of device and of the precision that is asked for."""
    if stored is None:
        return False
    same_kind = stored.device.partition(":")[0] == device.partition(":")[0]
    return same_kind and precision in ("auto", stored.precision)


def plan_rows(plan: Plan) -> dict[str, Any]:
    """The plan as JSON: its cells and its cost in multiply-accumulates."""
    return {
        "grid": plan.grid.name,
        "question": plan.grid.question,
        "arms": [{"arm": arm.name, "variant": arm.variant, "block": arm.block} for arm in plan.arms],
        "within": plan.grid.within.axis if plan.grid.within else "",
        "matched": [
            {"arm": arm.name, "variant": arm.variant, "match": arm.match, "residual": arm.residual}
            for arm in plan.arms
            if arm.match
        ],
        "notes": list(plan.notes),
        "endpoint": dataclasses.asdict(plan.endpoint),
        "seeds": list(plan.schedule.seeds),
        "looks": list(plan.schedule.looks),
        "cells": [
            {
                "train_id": p.train_id,
                "variant": p.cell.variant,
                "dataset": p.cell.dataset,
                "budget": p.cell.budget,
                "seed": p.cell.seed,
                "params": p.params,
                "macs": p.macs,
            }
            for p in plan.cells
        ],
        "cost": cost(plan),
    }


def print_plan(plan: Plan) -> None:
    """The plan as a table, with its cost."""
    from rich.console import Console
    from rich.table import Table

    table = Table("train_id", "variant", "seed", title=f"{plan.grid.name}: {plan.grid.question}", title_justify="left")
    for name in ("params", "GMACs"):
        table.add_column(name, justify="right")
    for p in plan.cells:
        params, gmacs = f"{p.params / 1e6:.2f}M", f"{p.macs / 1e9:.3f}"
        table.add_row(p.train_id, p.cell.variant, str(p.cell.seed), params, gmacs)
    total, training = cost(plan), plan.cells[0].cell.training
    end = plan.endpoint
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    console.print(
        f"{len(plan.cells)} cells of {training.steps:,} steps x {training.batch_size} images, "
        f"{training.precision}, on {plan.dataset}"
    )
    console.print(_schedule_text(plan.schedule))
    console.print(
        f"training {total['training_macs'] / 1e15:.3f} PMACs, sampling {total['sampling_macs'] / 1e15:.3f} PMACs"
    )
    if swept := _sweep_text(plan):
        console.print(swept, highlight=False)
    console.print(
        f"endpoint {end.metric} of {end.weights} weights at the {end.step} step, against {_baseline_text(plan.grid)}"
    )
    for line in size_notes(plan):
        console.print(line)


def _schedule_text(schedule: Schedule) -> str:
    fewer = (
        "; so many cells at most, for an arm that a look resolves runs no further" if len(schedule.looks) > 1 else ""
    )
    return schedule.text() + fewer


def _baseline_text(grid: Grid) -> str:
    if grid.within is None:
        return grid.baseline
    return f"{grid.baseline} of the same {grid.within.axis}; blocks {', '.join(grid.within.options)}"


def size_notes(plan: Plan) -> list[str]:
    """A line for each arm that was sized to the baseline, and for each that could not be."""
    sized = [f"{arm.name}: {arm.formula}" for arm in plan.arms if arm.match]
    return [*sized, *plan.notes]


def _sweep_text(plan: Plan) -> str:
    """What the sweep asks for, what it adds to the sampling, and what the budget leaves out; "" without one."""
    evaluation = plan.budget.evaluation
    every, within = evaluation.written_sweep, evaluation.sweep_draws
    if not every:
        return ""
    text = f"sweep {len(within)} of {len(every)} entries, {cost(plan)['sweep_macs'] / 1e15:.3f} PMACs of the sampling"
    if len(within) < len(every):
        limit = evaluation.sweep_max_nfe
        text += f"; more than {limit} evaluations: left out by the budget, --set evaluation.sweep_max_nfe=0 takes all"
    return text
