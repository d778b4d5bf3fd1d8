"""One ``uvit plan`` or ``uvit run`` at the terminal: resolve the request, run it, show it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.budgets import load_budgets
from ablations.commands.progress import progress
from ablations.engines import ENGINES
from ablations.engines.job import Run
from ablations.grid import load_grid
from ablations.planning import Plan, cost, plan_grid, resolve_scope
from ablations.runner import Outcome, run_plan, stored_runtime, unfinished
from ablations.tracking import check_tracker
from bench.cell.place import Place
from bench.cell.scoring import forget_extractors, warm_scoring
from bench.config import Precision, as_precision
from bench.machine.attention_kernel import with_measured_attention
from bench.machine.runtime import Runtime, cores, pick_device, resolve_runtime, thread_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a user asked for, as text and numbers, not yet checked."""

    grid: str
    preset: str | None = None
    dataset: str = "photos"
    budget: str = "cpu"
    seeds: int = 1
    settings: Sequence[str] = ()
    device: str = "auto"
    precision: str = "auto"
    compile: bool | None = None  # None: as the grid was started, else off
    gradient_checkpointing: bool | None = None
    cuda_graphs: bool | None = None  # None: as the grid was started, else on a CUDA GPU
    data_dir: Path | None = None
    match: str = ""  # params or macs: as `Grid.match`, in its place


def make_plan(request: Request, *, stored: Runtime | None = None) -> tuple[Plan, Runtime]:
    """The plan and the runtime of a request. Raises ValueError where the request is wrong; trains nothing.

    ``stored`` is the runtime that this grid was started with in its folder. Everything that needs no torch is checked
    before torch is imported, so that a slip is answered at once.
    """
    grid, budget = load_grid(request.grid), load_budgets().get(request.budget)
    budget = budget.with_evaluation(grid.evaluation, where=f"grid {grid.name}: evaluation")
    budget = budget.with_settings(request.settings)
    asked = as_precision(request.precision, where="--precision")
    scope = resolve_scope(
        grid,
        budget,
        dataset=request.dataset,
        seeds=request.seeds,
        preset=request.preset,
        data_dir=request.data_dir,
        match=request.match,
    )
    runtime = _runtime(request, budget.training.precision if asked == "auto" else asked, stored)
    return plan_grid(scope, precision=runtime.precision), runtime


def _runtime(request: Request, precision: Precision, stored: Runtime | None) -> Runtime:
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
        "matched": [
            {"arm": arm.name, "variant": arm.variant, "match": arm.match, "residual": arm.residual}
            for arm in plan.arms
            if arm.match
        ],
        "notes": list(plan.notes),
        "endpoint": dataclasses.asdict(plan.endpoint),
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
    console.print(
        f"training {total['training_macs'] / 1e15:.3f} PMACs, sampling {total['sampling_macs'] / 1e15:.3f} PMACs"
    )
    if swept := _sweep_text(plan):
        console.print(swept, highlight=False)
    console.print(
        f"endpoint {end.metric} of {end.weights} weights at the {end.step} step, against {plan.grid.baseline}"
    )
    for line in size_notes(plan):
        console.print(line)


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


def run_grid(
    request: Request,
    *,
    out: Path | None = None,
    jobs: int = 0,
    threads: int = 0,
    engine: str = "local",
    extractor_weights: Path | None = None,
    plugins: Sequence[Path] = (),
    track: str = "",
) -> tuple[Path, int]:
    """Run a grid; returns its output folder and the exit code: 0 done, 1 a cell failed and is on record."""
    make_engine = ENGINES.get(engine)
    check_tracker(track)
    for name, value in (("jobs", jobs), ("threads", threads)):
        if value < 0:
            raise ValueError(f"--{name}: expected at least 0, got {value}")
    grid = load_grid(request.grid).name
    root = out or Path("runs") / grid
    plan, runtime = make_plan(request, stored=stored_runtime(root, grid))
    for note in plan.notes:
        print(f"uvit: {note}", file=sys.stderr)
    _check_writable(root)
    todo = unfinished(plan, root)
    workers, devices = _workers(runtime.device, jobs, len(todo))
    share = threads or runtime.threads or max(1, min(cores() // workers, thread_limit()))
    begun = runtime.threads > 0  # then its attention kernels are settled too
    runtime = dataclasses.replace(runtime, threads=share)
    place = Place(root=root, runtime=runtime, data_dir=request.data_dir, extractor_weights=extractor_weights)
    if todo:
        runtime.apply()
        runtime = with_measured_attention(runtime, [prepared.model for prepared in plan.cells], settled=begun)
        place = dataclasses.replace(place, runtime=runtime)
        warm = dataclasses.replace(runtime, device=devices[0], threads=max(share, thread_limit()))
        warm.apply()
        warm_scoring(todo[0].cell, dataclasses.replace(place, runtime=warm), progress=_reference_progress())
        if workers > 1:
            forget_extractors()  # on a GPU its memory is a worker's
    run = Run(place=place, plugins=tuple(plugins), track=track)
    outcomes = []
    with progress(plan, todo) as show:
        for outcome in run_plan(plan, run, make_engine(workers=workers, devices=devices), tell=show.tell):
            show.ended(outcome)
            outcomes.append(outcome)
    return root, _complain_of_failures(outcomes)


def _reference_progress() -> Callable[[int], None]:
    """Says, every ten thousand images, why nothing trains yet."""
    told = 0

    def progress(done: int) -> None:
        nonlocal told
        if done // 10_000 > told or (done and not told):
            told = max(1, done // 10_000)
            print(f"reference features (once a dataset and extractor): {done:,} images", file=sys.stderr, flush=True)

    return progress


def _workers(device: str, jobs: int, cells: int) -> tuple[int, list[str]]:
    """How many cells run side by side, and on which devices: one a core on a CPU, one a GPU on GPUs."""
    import torch

    if device == "cuda":
        devices = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    else:
        devices = [pick_device(device)]
    places = jobs or (cores() if device == "cpu" else len(devices))
    return max(1, min(places, cells)), devices


def _check_writable(root: Path) -> None:
    """Fail before any training when the output folder cannot be written; raises OSError."""
    from results.store import write_bytes

    probe = root / ".writable"
    write_bytes(probe, b"")
    probe.unlink()


def _complain_of_failures(outcomes: Sequence[Outcome]) -> int:
    """Name every failed cell on standard error; the exit code."""
    failed = [outcome for outcome in outcomes if outcome.failed]
    for outcome in failed:
        cell = outcome.prepared.cell
        print(f"failed ({outcome.status}): {cell.variant} seed {cell.seed}: {outcome.error}", file=sys.stderr)
    if failed:
        print(
            f"uvit: {len(failed)} of {len(outcomes)} cells failed; "
            "their records say why, and the same command tries them again",
            file=sys.stderr,
        )
    return 1 if failed else 0
