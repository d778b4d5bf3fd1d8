"""``uvit run``: every cell of a grid trained and scored, finished ones skipped; progress goes to standard error."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ablations.commands.plan import planned
from ablations.commands.plugins import with_plugins
from ablations.commands.progress import progress
from ablations.commands.requests import GridRequest
from ablations.engines import ENGINES
from ablations.engines.job import Engine, Run
from ablations.grid import load_grid
from ablations.planning import Plan
from ablations.repeats import with_repeats
from ablations.runner import Outcome, run_plan, stored_runtime, unfinished
from ablations.trackers.tracking import check_tracker
from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.prepared import Prepared
from bench.cell.scoring import forget_extractors, warm_scoring
from bench.machine.attention_kernel import with_measured_attention
from bench.machine.runtime import Runtime, cores, pick_device, thread_limit


@with_plugins
def run_grid(request: GridRequest) -> tuple[Path, int]:
    """Run a grid; returns its output folder and the exit code: 0 done, 1 a cell failed and is on record."""
    make_engine = _checked_engine(request)
    grid = load_grid(request.grid)
    root = request.out or Path("runs") / grid.name
    plan, runtime = planned(request, grid, stored=stored_runtime(root, grid.name))
    plan = with_repeats(plan, request.repeats)
    for note in plan.notes:
        print(f"uvit: {note}", file=sys.stderr)
    _check_writable(root)
    todo = unfinished(plan, root)
    workers, devices = _workers(runtime.device, request.jobs, len(todo))
    place = _place(request, root, runtime, workers)
    if todo:
        place = _settled(place, plan, begun=runtime.threads > 0)
        _warm(todo[0].cell, place, device=devices[0], workers=workers)
    run = Run(place=place, plugins=tuple(request.plugins), track=request.track)
    outcomes = _run_cells(plan, todo, run, make_engine(workers=workers, devices=devices))
    return root, _complain_of_failures(outcomes)


def _checked_engine(request: GridRequest) -> Callable[..., Engine]:
    """What makes the engine that was asked for; ValueError where that, the tracker or a number makes no sense."""
    make_engine = ENGINES.get(request.engine)
    check_tracker(request.track)
    for name in ("jobs", "threads", "repeats"):
        if (value := getattr(request, name)) < 0:
            raise ValueError(f"--{name}: expected at least 0, got {value}")
    return make_engine


def _place(request: GridRequest, root: Path, runtime: Runtime, workers: int) -> Place:
    """Where the cells run; the threads of each: as asked for, as the grid was started, or its share of the cores."""
    threads = request.threads or runtime.threads or max(1, min(cores() // workers, thread_limit()))
    return Place(
        root=root,
        runtime=dataclasses.replace(runtime, threads=threads),
        data_dir=request.data_dir,
        extractor_weights=request.extractor_weights,
    )


def _settled(place: Place, plan: Plan, *, begun: bool) -> Place:
    """The place with its attention kernels measured, for every network; where the grid has begun they are settled."""
    place.runtime.apply()
    models = [prepared.model for prepared in plan.cells]
    return dataclasses.replace(place, runtime=with_measured_attention(place.runtime, models, settled=begun))


def _warm(cell: Cell, place: Place, *, device: str, workers: int) -> None:
    """Compute what scoring caches once, with every thread there is, before cells share it."""
    threads = max(place.runtime.threads, thread_limit())
    warm = dataclasses.replace(place, runtime=dataclasses.replace(place.runtime, device=device, threads=threads))
    warm.runtime.apply()
    warm_scoring(cell, warm, progress=_reference_progress())
    if workers > 1:
        forget_extractors()  # on a GPU its memory is a worker's


def _run_cells(plan: Plan, todo: Sequence[Prepared], run: Run, engine: Engine) -> list[Outcome]:
    """The outcome of every cell, shown as it comes."""
    outcomes = []
    with progress(plan, todo) as show:
        for outcome in run_plan(plan, todo, run, engine, tell=show.tell):
            show.ended(outcome)
            outcomes.append(outcome)
    return outcomes


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
        print(f"failed ({outcome.status}): {cell.variant} {cell.told_seed}: {outcome.error}", file=sys.stderr)
    if failed:
        print(
            f"uvit: {len(failed)} of {len(outcomes)} cells failed; "
            "their records say why, and the same command tries them again",
            file=sys.stderr,
        )
    return 1 if failed else 0
