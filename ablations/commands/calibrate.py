"""``uvit calibrate``: the cells from which a budget's calibration is found (docs/calibration.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.budgets import load_budgets
from ablations.calibration_cells import CalibrationPlan, plan_calibration
from ablations.commands.plan import planned
from ablations.commands.plugins import with_plugins
from ablations.commands.requests import FIRST_CALIBRATION_SEED, CalibrateRequest, GridRequest
from ablations.commands.run import GridRun, check_writable, checked_engine, complain_of_failures, say
from ablations.grid import load_grid
from ablations.planning import Plan
from ablations.references import kept_linear_filter
from ablations.runner import stored_runtime
from bench.cell.place import Place
from results.linear_filter import LinearFilterRecord
from results.manifest import Manifest
from results.store import Store

# losses by noise level at the end, and no samples: they say nothing of validity, and cost as much as the training
_EVALUATION = ("samples=0", "final_samples=0", "sweep=", "val_levels=20")
_SHARED = (
    *("preset", "dataset", "budget", "seeds", "first_seed", "device", "precision", "jobs", "threads", "compile"),
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
    store, asked = Store(root), _grid_request(request)
    make_engine = checked_engine(asked)
    plan, runtime = planned(
        asked, load_grid(request.grid), stored=stored_runtime(store.calibration_plan(request.budget))
    )
    cells = plan_calibration(plan, arms=request.arms, repeats=request.repeats, tuned_on=request.tuned_on)
    check_writable(root)
    first = cells.plan.cells[0]
    reference = kept_linear_filter(first.dataset, first.cell.training.process, store)

    def keep(plan: Plan, place: Place) -> None:
        store.write_calibration_plan(cells.manifest(place.runtime))

    say(_told(cells))
    outcomes = GridRun(asked, root, runtime, make_engine, keep=keep).run(cells.plan)
    made = store.calibration_plan(request.budget)
    assert made is not None, "written before the first cell"
    return CalibrationRun(
        root=root,
        plan=made,
        linear_filter=reference,
        code=complain_of_failures(outcomes),
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
    shared: dict[str, Any] = {name: getattr(request, name) for name in _SHARED}
    return GridRequest(grid=request.grid, settings=settings, **shared)


def _told(cells: CalibrationPlan) -> str:
    """What is about to be trained, in one line."""
    plan, seeds = cells.plan, cells.plan.schedule.seeds
    arms = [arm.name for arm in plan.arms if arm.name not in cells.points]
    repeats = sum(prepared.cell.repeat > 0 for prepared in plan.cells)
    return (
        f"calibrating {plan.budget.name}: {', '.join(arms)} at seeds {seeds[0]} to {seeds[-1]}, "
        f"{repeats} repeat{'' if repeats == 1 else 's'}, and {', '.join(cells.points)}: {len(plan.cells)} trainings"
    )
