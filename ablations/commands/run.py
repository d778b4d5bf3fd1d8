"""``uvit run``: every cell of a grid trained and scored, finished ones skipped; progress goes to standard error."""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ablations.commands.plan import planned
from ablations.commands.plugins import with_plugins
from ablations.commands.progress import progress
from ablations.commands.requests import GridRequest
from ablations.engines import ENGINES
from ablations.engines.job import Engine, MayStart, Run, always
from ablations.grid import load_grid
from ablations.looks import Judge, OpenArms, Verdicts, run_looks
from ablations.planning import Plan
from ablations.references import write_references
from ablations.repeats import with_repeats
from ablations.runner import Keep, Outcome, keep_manifest, run_plan, stored_runtime, unfinished
from ablations.schedule import was_looked_at
from ablations.trackers.tracking import check_tracker
from bench.cell.identity import Cell
from bench.cell.place import Place
from bench.cell.scoring import forget_extractors, warm_scoring
from bench.machine.attention_kernel import with_measured_attention
from bench.machine.runtime import Runtime, cores, pick_device, thread_limit
from results.store import Store

MakeEngine = Callable[..., Engine]
clock = time.monotonic


@with_plugins
def run_grid(
    request: GridRequest, *, open_arms: OpenArms | None = None, verdicts: Verdicts | None = None
) -> tuple[Path, int]:
    """Run a grid; returns its output folder and the exit code: 0 done, 1 a cell failed and is on record.

    ``open_arms(folder, grid)`` names the arms that a later look may resolve; ``until_resolved`` needs it, and
    `reports.open_arms` is one. ``verdicts(folder, grid)`` gives each arm's verdict, for the line after each look.
    """
    deadline = clock() + 3600 * request.max_hours if request.max_hours else math.inf
    make_engine = checked_engine(request)
    if request.until_resolved and request.repeats:
        raise ValueError(f"--repeats {request.repeats} and --until-resolved: leave one of them out")
    if request.until_resolved and open_arms is None:
        raise ValueError("until_resolved: expected open_arms=reports.open_arms, which tells the arms to go on with")
    grid = load_grid(request.grid)
    root = request.out or Path("runs") / grid.name
    store = Store(root)
    known = store.grids().get(grid.name)
    earlier = known if known is not None and was_looked_at(known, store) else None
    plan, runtime = planned(request, grid, stored=stored_runtime(known), earlier=earlier)
    plan = with_repeats(plan, request.repeats)
    for note in plan.notes:
        say(note)
    check_writable(root)
    for note in write_references(plan, root):
        say(note)
    work = GridRun(request, root, runtime, make_engine, may_start=lambda: clock() < deadline)
    if open_arms is not None and request.until_resolved:
        judge = Judge(open_arms=open_arms, verdicts=verdicts)
        outcomes = run_looks(plan, root, run=work.run, judge=judge, say=say)
    else:
        outcomes = work.run(plan)
    return root, complain_of_failures(outcomes)


class GridRun:
    """The cells of one command: all of a plan's, or part by part; what parts share is made once."""

    def __init__(
        self,
        request: GridRequest,
        root: Path,
        runtime: Runtime,
        make_engine: MakeEngine,
        *,
        may_start: MayStart = always,
        keep: Keep = keep_manifest,
    ) -> None:
        self.request, self.root, self.runtime, self.make_engine = request, root, runtime, make_engine
        self.may_start, self.keep, self.warm = may_start, keep, False

    def run(self, plan: Plan, listed: Plan | None = None) -> list[Outcome]:
        """The outcome of every cell of ``plan`` but those that were not started in time; ``listed`` as `run_plan`'s."""
        request = self.request
        todo = unfinished(plan, self.root, diverged=not request.until_resolved)
        threads = request.threads or self.runtime.threads
        workers, devices = _workers(self.runtime.device, request.jobs, len(todo), threads=threads)
        place = _place(request, self.root, self.runtime, workers)
        if todo:
            place = _settled(place, plan, begun=self.runtime.threads > 0)
            if not self.warm:
                _warm(todo[0].cell, place, device=devices[0], workers=workers)
            self.runtime, self.warm = place.runtime, True
        run = Run(place=place, plugins=tuple(request.plugins), track=request.track)
        engine = self.make_engine(workers=workers, devices=devices)
        outcomes = []
        with progress(plan, todo) as show:
            ended = run_plan(
                plan, todo, run, engine, tell=show.tell, listed=listed, keep=self.keep, may_start=self.may_start
            )
            for outcome in ended:
                show.ended(outcome)
                outcomes.append(outcome)
        if left := len(plan.cells) - len(outcomes):
            cells = f"{left} cell{' is' if left == 1 else 's are'}"
            say(f"--max-hours {request.max_hours:g}: {cells} still to run; the same command goes on")
        return outcomes


def say(line: str) -> None:
    print(f"uvit: {line}", file=sys.stderr, flush=True)


def checked_engine(request: GridRequest) -> MakeEngine:
    """What makes the engine that was asked for; ValueError where that, the tracker or a number makes no sense."""
    make_engine = ENGINES.get(request.engine)
    check_tracker(request.track)
    for name in ("jobs", "threads", "max_hours", "repeats"):
        if not (value := getattr(request, name)) >= 0:
            raise ValueError(f"--{name.replace('_', '-')}: expected at least 0, got {value}")
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


def _reference_progress() -> Callable[[int], None]:
    """Says, every ten thousand images, why nothing trains yet."""
    told = 0

    def progress(done: int) -> None:
        nonlocal told
        if done // 10_000 > told or (done and not told):
            told = max(1, done // 10_000)
            print(f"reference features (once a dataset and extractor): {done:,} images", file=sys.stderr, flush=True)

    return progress


def _workers(device: str, jobs: int, cells: int, *, threads: int = 0) -> tuple[int, list[str]]:
    """How many cells run side by side, and on which devices: one a core on a CPU, one a GPU on GPUs.

    Where the threads of a cell are settled, no more than the cores have threads for.
    """
    import torch

    if device == "cuda":
        devices = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    else:
        devices = [pick_device(device)]
    on_cores = max(1, cores() // (threads or 1))
    places = jobs or (on_cores if device == "cpu" else len(devices))
    return max(1, min(places, cells)), devices


def check_writable(root: Path) -> None:
    """Fail before any training when the output folder cannot be written; raises OSError."""
    from results.store import write_bytes

    probe = root / ".writable"
    write_bytes(probe, b"")
    probe.unlink()


def complain_of_failures(outcomes: Sequence[Outcome]) -> int:
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
