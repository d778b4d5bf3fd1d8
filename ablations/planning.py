"""From a grid to its cells: what ``uvit plan`` shows and ``uvit run`` runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ablations.arms import Arm, as_measure
from ablations.budgets import Budget, Endpoint
from ablations.grid import Grid
from ablations.matching import size_arms
from bench.cell.identity import Cell, score_points, validation_steps
from bench.cell.prepared import Prepared, prepare
from bench.cell.scoring import check_names
from bench.conditions.choice import check_settings, condition_of
from bench.config import EvaluationConfig, Precision
from bench.data.load import load_cached_dataset
from bench.machine.runtime import Runtime
from results.schema import SCHEMA
from variants import resolve

if TYPE_CHECKING:
    from variants.config import ModelConfig

_KINDS: tuple[Literal["frechet", "kernel"], ...] = ("frechet", "kernel")  # full names need the budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A grid with every cell resolved; cells that several arms share stand once."""

    grid: Grid
    budget: Budget
    dataset: str
    preset: str
    endpoint: Endpoint
    arms: list[Arm]
    cells: list[Prepared]
    members: Mapping[str, list[tuple[int, str]]]  # arm name -> (seed, train_id)
    notes: tuple[str, ...] = ()  # arms that could not be size-matched, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A grid under a budget on a dataset: its arms and seeds, checked, but no network built yet."""

    grid: Grid
    budget: Budget
    dataset: str
    preset: str
    arms: list[Arm]
    seeds: int
    data_dir: Path | None
    match: str = ""


def resolve_scope(
    grid: Grid,
    budget: Budget,
    *,
    dataset: str,
    seeds: int,
    preset: str | None = None,
    data_dir: Path | None = None,
    match: str = "",
) -> Scope:
    """Check all of a request that needs no torch. Raises ValueError where it is wrong; decodes the dataset."""
    match = as_measure(match, where="--match") or grid.match
    if seeds < 1:
        raise ValueError(f"--seeds: expected at least 1, got {seeds}")
    check_names(budget.evaluation)
    check_settings(budget.training, budget.evaluation)
    preset = preset or budget.preset
    grid.arms(preset, image_size=32)  # before the dataset: a slip in a name should not wait for a download
    data = load_cached_dataset(dataset, data_dir, budget.training.image_size or None)
    arms = grid.arms(preset, image_size=data.image_size)
    network = condition_of(budget.training, data).network
    for arm in arms:
        resolve(arm.variant, image_size=data.image_size, channels=data.channels, **network)
    return Scope(
        grid=grid,
        budget=budget,
        dataset=dataset,
        preset=preset,
        arms=arms,
        seeds=seeds,
        data_dir=data_dir,
        match=match,
    )


def plan_grid(scope: Scope, *, precision: Precision) -> Plan:
    """Resolve every cell of a grid, with its id and size; trains nothing."""
    grid, budget = scope.grid, scope.budget
    training = dataclasses.replace(budget.training, precision=precision)
    arms, notes = size_arms(scope.arms, baseline=grid.baseline, measure=scope.match, resolve=_resolver(scope))
    cells: dict[str, Prepared] = {}
    members: dict[str, list[tuple[int, str]]] = {arm.name: [] for arm in arms}
    for seed in range(scope.seeds):
        for arm in arms:
            cell = Cell(
                variant=arm.variant,
                dataset=scope.dataset,
                budget=budget.name,
                training=training,
                evaluation=budget.evaluation,
                seed=seed,
            )
            prepared = prepare(cell, load_cached_dataset(scope.dataset, scope.data_dir, training.image_size or None))
            cells.setdefault(prepared.train_id, prepared)
            members[arm.name].append((seed, prepared.train_id))
    return Plan(
        grid=grid,
        budget=budget,
        dataset=scope.dataset,
        preset=scope.preset,
        endpoint=_endpoint(grid, budget),
        arms=arms,
        cells=list(cells.values()),
        members=members,
        notes=tuple(notes),
    )


def _resolver(scope: Scope) -> Callable[[str], ModelConfig]:
    """The network of a variant on the scope's images."""
    data = load_cached_dataset(scope.dataset, scope.data_dir, scope.budget.training.image_size or None)
    network = condition_of(scope.budget.training, data).network
    return lambda variant: resolve(variant, image_size=data.image_size, channels=data.channels, **network)


def _endpoint(grid: Grid, budget: Budget) -> Endpoint:
    """The grid's own endpoint where it names one, else the budget's; ``frechet`` becomes the metric's full name."""
    from bench.fid import metric_name

    chosen = dataclasses.replace(budget.endpoint, **grid.endpoint)
    evaluation = budget.evaluation
    for kind in _KINDS:
        if chosen.metric == kind:
            return dataclasses.replace(chosen, metric=metric_name(kind, evaluation.extractor, evaluation.samples))
    return chosen


def cost(plan: Plan) -> dict[str, int]:
    """Multiply-accumulates of the whole plan: of training (forward and backward) and of sampling."""
    from bench.profile.macs import TRAINING_FACTOR

    training = sampling = 0
    for prepared in plan.cells:
        steps, batch = prepared.cell.training.steps, prepared.cell.training.batch_size
        evaluation = prepared.cell.evaluation
        training += TRAINING_FACTOR * prepared.macs * batch * steps
        validations = 2 * 5 * evaluation.val_images * len(validation_steps(evaluation, steps))
        images = sum(point.samples * point.nfe for point in score_points(evaluation, steps))
        passes = 2 if evaluation.guidance else 1
        sampling += prepared.macs * (passes * images + validations)
    return {"training_macs": training, "sampling_macs": sampling, "sweep_macs": _sweep_cost(plan)}


def _sweep_cost(plan: Plan) -> int:
    """The part of the sampling that the sweep adds to it."""
    evaluation = plan.budget.evaluation
    plain = dataclasses.replace(evaluation, sweep=())
    steps = plan.budget.training.steps
    added = set(score_points(evaluation, steps)) - set(score_points(plain, steps))
    images = sum(point.samples * point.nfe for point in added) * (2 if evaluation.guidance else 1)
    return sum(prepared.macs for prepared in plan.cells) * images


def manifest(plan: Plan, runtime: Runtime) -> dict[str, Any]:
    """What ``reports`` knows of the grid: question, baseline, endpoint, arms, their sizes and their cells."""
    models = {prepared.train_id: prepared.model for prepared in plan.cells}
    return {
        "schema": SCHEMA,
        "name": plan.grid.name,
        "question": plan.grid.question,
        "baseline": plan.grid.baseline,
        "reference": plan.grid.reference,
        "endpoint": dataclasses.asdict(plan.endpoint),
        "budget": plan.budget.name,
        "dataset": plan.cells[0].dataset.name,  # never a path
        "preset": plan.preset,
        "runtime": runtime.asdict(),
        "evaluation": _draws(plan.budget.evaluation),
        "arms": [
            {
                "arm": arm.name,
                "variant": arm.variant,
                "formula": arm.formula,
                **({"match": arm.match, "residual": arm.residual} if arm.match else {}),
                "sizes": _sizes(models[plan.members[arm.name][0][1]]),
                "cells": [{"seed": seed, "train_id": train_id} for seed, train_id in plan.members[arm.name]],
            }
            for arm in plan.arms
        ],
    }


def _draws(evaluation: EvaluationConfig) -> dict[str, list[dict[str, Any]]]:
    """Which samples this grid asked for: a record holds those of other grids as well."""
    kinds = {
        "draws": evaluation.own_draws,
        "sweep": evaluation.sweep_draws,
        "left_out": [d for d in evaluation.written_sweep if d not in evaluation.sweep_draws],
    }
    return {kind: [draw._asdict() for draw in drawn] for kind, drawn in kinds.items()}


def _sizes(model: ModelConfig) -> dict[str, int]:
    return {"depth": model.depth, "width": model.embed_dim, "patch": model.patch}
