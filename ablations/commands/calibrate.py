"""``uvit calibrate``: the cells from which a budget's calibration is found (docs/calibration.md)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from ablations.budgets import load_budgets
from ablations.calibration_cells import CalibrationPlan, plan_calibration
from ablations.commands.plan import planned
from ablations.commands.plugins import with_plugins
from ablations.commands.progress import progress
from ablations.commands.requests import FIRST_CALIBRATION_SEED, CalibrateRequest, GridRequest
from ablations.commands.run import _check_writable, _checked_engine, _complain_of_failures, _place, _settled, _workers
from ablations.engines.job import Run
from ablations.grid import load_grid
from ablations.runner import run_cells, unfinished
from bench.diffusion import PROCESSES
from bench.linear_filter import linear_filter
from bench.machine.runtime import Runtime
from results.linear_filter import LinearFilterRecord
from results.manifest import Manifest
from results.store import Store

# losses by noise level at the end, and no samples: they say nothing of validity, and cost as much as the training
_EVALUATION = ("samples=0", "final_samples=0", "sweep=", "val_levels=20")
_SHARED = (
    *("preset", "dataset", "budget", "device", "precision", "jobs", "threads", "compile"),
    *("gradient_checkpointing", "cuda_graphs", "engine", "track", "data_dir", "plugins"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRun:
    """What is in the folder ``root``: what was planned, and what the losses are held against."""

    root: Path
    plan: Manifest
    linear_filter: LinearFilterRecord
    code: int  # 0 done, 1 a cell failed and is on record
    of_repository: bool  # the budget as the repository has it, so that others can use what is found


@with_plugins
def run_calibration(request: CalibrateRequest) -> CalibrationRun:
    """Train the cells of a calibration; what is there already is not done again.

    Raises ValueError where the request is wrong, or the dataset holds out no images.
    """
    _check_seeds(request)
    load_budgets().get(request.budget)
    root = request.out or Path("runs") / f"calibrate-{request.budget}"
    store = Store(root)
    grid_request, known = _grid_request(request), store.calibration_plan(request.budget)
    make_engine = _checked_engine(grid_request)
    stored = Runtime.from_mapping(known.runtime) if known is not None and known.runtime else None
    plan, runtime = planned(grid_request, load_grid(request.grid), stored=stored)
    seeds = range(request.first_seed, request.first_seed + request.seeds)
    cells = plan_calibration(plan, seeds=seeds, arms=request.arms, repeats=request.repeats)
    _check_writable(root)
    reference = _linear_filter(cells, store)
    todo = unfinished(cells.plan, root)
    workers, devices = _workers(runtime.device, request.jobs, len(todo))
    place = _place(grid_request, root, runtime, workers)
    if todo:
        place = _settled(place, cells.plan, begun=runtime.threads > 0)
    made = cells.manifest(place.runtime)
    store.write_calibration_plan(made)
    print(f"uvit: {_told(cells, seeds)}", file=sys.stderr, flush=True)
    run = Run(place=place, plugins=tuple(request.plugins), track=request.track)
    engine, outcomes = make_engine(workers=workers, devices=devices), []
    with progress(cells.plan, todo) as show:
        for outcome in run_cells(cells.plan, todo, run, engine, tell=show.tell):
            show.ended(outcome)
            outcomes.append(outcome)
    return CalibrationRun(
        root=root,
        plan=made,
        linear_filter=reference,
        code=_complain_of_failures(outcomes),
        of_repository=not any(setting.startswith("training.") for setting in request.settings),
    )


def _check_seeds(request: CalibrateRequest) -> None:
    """Raise ValueError for seeds that cannot calibrate."""
    if request.seeds < 2:
        raise ValueError(f"--seeds: expected at least 2, for a bound needs a spread, got {request.seeds}")
    if request.first_seed < FIRST_CALIBRATION_SEED:
        raise ValueError(
            f"--first-seed: expected at least {FIRST_CALIBRATION_SEED}, for seeds below decide verdicts, "
            f"got {request.first_seed}"
        )
    if request.repeats < 0:
        raise ValueError(f"--repeats: expected at least 0, got {request.repeats}")


def _grid_request(request: CalibrateRequest) -> GridRequest:
    settings = (*request.settings, *(f"evaluation.{setting}" for setting in _EVALUATION))
    return GridRequest(
        grid=request.grid, seeds=1, settings=settings, **{name: getattr(request, name) for name in _SHARED}
    )


def _linear_filter(cells: CalibrationPlan, store: Store) -> LinearFilterRecord:
    """The filter of the dataset's images under the training's process, kept in the folder."""
    first = cells.plan.cells[0]
    found = linear_filter(first.dataset, PROCESSES.get(first.cell.training.process))
    store.write_linear_filter(found)
    return found


def _told(cells: CalibrationPlan, seeds: range) -> str:
    """What is about to be trained, in one line."""
    plan = cells.plan
    arms = [arm.name for arm in plan.arms if arm.name not in cells.points]
    repeats = sum(prepared.cell.repeat > 0 for prepared in plan.cells)
    return (
        f"calibrating {plan.budget.name}: {', '.join(arms)} at seeds {seeds[0]} to {seeds[-1]}, {repeats} repeats, and "
        f"{', '.join(cells.points)}: {len(plan.cells)} trainings"
    )
