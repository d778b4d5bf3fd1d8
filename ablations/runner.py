"""From a grid to its cells, and from its cells to records: what ``uvit plan`` and ``uvit run`` do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ablations.budgets import Budget, Endpoint
from ablations.engines.job import Engine, Job, Lost, Run, Tell
from ablations.grid import Arm, Grid
from ablations.matching import as_measure, size_arms
from bench import sweep
from bench.cell import Cell, score_points, validation_steps
from bench.conditions import check_settings, condition_of
from bench.config import EvaluationConfig, Precision
from bench.kernels import for_network
from bench.prepared import Prepared, failure_record, is_finished, load_cached_dataset, prepare
from bench.runtime import Runtime
from bench.scoring import check_names
from results.record import Record
from results.schema import SCHEMA
from results.store import Store
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
class Outcome:
    """One cell after the run."""

    prepared: Prepared
    status: str
    error: str | None
    skipped: bool = False

    @property
    def failed(self) -> bool:
        return self.status not in ("ok", "undertrained")


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
            prepared = prepare(cell, data_dir=scope.data_dir)
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
        "draws": sweep.own_draws(evaluation),
        "sweep": sweep.draws(evaluation),
        "left_out": [d for d in sweep.all_draws(evaluation) if d not in sweep.draws(evaluation)],
    }
    return {kind: [draw._asdict() for draw in drawn] for kind, drawn in kinds.items()}


def _sizes(model: ModelConfig) -> dict[str, int]:
    return {"depth": model.depth, "width": model.embed_dim, "patch": model.patch}


def stored_runtime(root: Path, grid: str) -> Runtime | None:
    """The runtime that this grid was started with in this folder, if it was."""
    known = Store(root).grids().get(grid)
    return Runtime.from_mapping(known["runtime"]) if known and known.get("runtime") else None


def unfinished(plan: Plan, root: Path) -> list[Prepared]:
    """The cells whose records lack a score that the plan asks for, failed ones included."""
    store = Store(root)
    return [prepared for prepared in plan.cells if not is_finished(store.read(prepared.train_id), prepared)]


def run_plan(plan: Plan, run: Run, engine: Engine, *, tell: Tell) -> Iterator[Outcome]:
    """Run what is not finished and yield every cell's outcome; the manifest is written before the first cell starts."""
    store = Store(run.root)
    store.write_grid(plan.grid.name, manifest(plan, run.runtime))
    todo = unfinished(plan, run.root)
    for prepared in plan.cells:
        if prepared not in todo:
            record = store.read(prepared.train_id)
            assert record is not None
            yield Outcome(prepared=prepared, status=record.status, error=record.error, skipped=True)
    jobs = [
        Job(
            index=index,
            train_id=prepared.train_id,
            cell=prepared.cell,
            run=dataclasses.replace(run, runtime=for_network(run.runtime, prepared.model)),
        )
        for index, prepared in enumerate(todo)
    ]
    for index, result in engine.run(jobs, tell=tell):
        record = result if isinstance(result, Record) else _lost_record(todo[index], result, store)
        yield Outcome(prepared=todo[index], status=record.status, error=record.error)


def _lost_record(prepared: Prepared, lost: Lost, store: Store) -> Record:
    """The record of a cell whose process died before it could write one."""
    record = failure_record(prepared, status="error", error=lost.reason, known=store.read(prepared.train_id))
    store.write(record)
    return record
