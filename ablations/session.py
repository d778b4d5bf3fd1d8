"""One ``uvit plan`` or ``uvit run`` at the terminal: resolve the request, run it, show it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ablations.budgets import load_budgets
from ablations.engines.job import Engine
from ablations.grid import load_grid
from ablations.runner import Outcome, Plan, cost, plan_grid, run_plan, stored_runtime, unfinished
from bench.config import as_precision
from bench.runtime import Runtime, cores, pick_device, resolve_runtime


def make_plan(
    grid: str,
    *,
    preset: str | None,
    dataset: str,
    budget: str,
    seeds: int,
    settings: Sequence[str],
    device: str = "auto",
    precision: str = "auto",
    data_dir: Path | None = None,
    stored: Runtime | None = None,
) -> tuple[Plan, Runtime]:
    """The plan and the runtime of a request. Raises ValueError where the request is wrong; trains nothing.

    Precision: the command line's, else ``--set training.precision``, else what this grid was started with in its
    folder (``stored``), else what is fast here.
    """
    chosen = load_budgets().get(budget).with_settings(settings)
    loaded = load_grid(grid)
    asked = as_precision(precision, where="--precision")
    asked = chosen.training.precision if asked == "auto" else asked
    if stored is not None and asked == "auto":
        asked = stored.precision
    runtime = resolve_runtime(device=device, precision=asked)
    plan = plan_grid(
        loaded, chosen, dataset=dataset, seeds=seeds, preset=preset, precision=runtime.precision, data_dir=data_dir
    )
    return plan, runtime


def plan_rows(plan: Plan) -> dict[str, Any]:
    """The plan as JSON: its cells and its cost in multiply-accumulates."""
    return {
        "grid": plan.grid.name,
        "question": plan.grid.question,
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
    console.print(
        f"endpoint {end.metric} of {end.weights} weights at the {end.step} step, against {plan.grid.baseline}"
    )


def run_grid(
    grid: str,
    *,
    preset: str | None,
    dataset: str,
    budget: str,
    seeds: int,
    out: Path | None,
    device: str,
    precision: str,
    settings: Sequence[str],
    jobs: int,
    threads: int,
    engine: str,
    data_dir: Path | None,
    extractor_weights: Path | None,
    plugins: Sequence[Path],
) -> tuple[Path, int]:
    """Run a grid; returns its output folder and the exit code: 0 done, 1 a cell failed and is on record."""
    from bench.pipeline import warm_scoring
    from variants.registry import Registry

    engines: Registry[type] = Registry("engine")
    from ablations.engines.local import LocalEngine

    engines.register("local", LocalEngine)
    kind = engines.get(engine)
    for name, value in (("jobs", jobs), ("threads", threads)):
        if value < 0:
            raise ValueError(f"--{name}: expected at least 0, got {value}")
    root = out or Path("runs") / load_grid(grid).name
    stored = stored_runtime(root, load_grid(grid).name)
    plan, runtime = make_plan(
        grid,
        preset=preset,
        dataset=dataset,
        budget=budget,
        seeds=seeds,
        settings=settings,
        device=device,
        precision=precision,
        data_dir=data_dir,
        stored=stored,
    )
    _check_writable(root)
    todo = unfinished(plan, root)
    workers, devices = _workers(runtime.device, jobs, len(todo))
    share = threads or (stored.threads if stored else max(1, cores() // workers))
    runtime = dataclasses.replace(runtime, threads=share)
    if todo:
        warm = dataclasses.replace(runtime, device=devices[0], threads=max(share, cores()))
        warm.apply()
        warm_scoring(
            todo[0].cell, runtime=warm, data_dir=data_dir, weights=extractor_weights, progress=_reference_progress()
        )
    chosen: Engine = kind(workers=workers, devices=devices)
    outcomes = _watch(plan, root, runtime, chosen, data_dir, extractor_weights, plugins)
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


def _watch(
    plan: Plan,
    root: Path,
    runtime: Runtime,
    engine: Engine,
    data_dir: Path | None,
    extractor_weights: Path | None,
    plugins: Sequence[Path],
) -> list[Outcome]:
    from ablations.progress import progress

    outcomes = []
    with progress(plan, unfinished(plan, root)) as show:
        for outcome in run_plan(
            plan,
            root=root,
            runtime=runtime,
            engine=engine,
            tell=show.tell,
            data_dir=data_dir,
            extractor_weights=extractor_weights,
            plugins=plugins,
        ):
            show.ended(outcome)
            outcomes.append(outcome)
    return outcomes


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
