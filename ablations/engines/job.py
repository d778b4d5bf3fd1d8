"""What every engine is handed, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ablations.trackers.tracking import tracked
from bench.cell.identity import Cell
from bench.cell.place import Place
from results.record import Record, cell_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Where and how the cells of a grid run."""

    place: Place
    plugins: tuple[Path, ...] = ()
    track: str = ""  # a tracker's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One cell and all that a fresh process needs to run it; picklable."""

    index: int
    train_id: str
    cell: Cell
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A job whose process ended without a record, and how."""

    index: int
    reason: str


Tell = Callable[[int, dict[str, Any]], None]
MayStart = Callable[[], bool]


def always() -> bool:
    """The next job may start."""
    return True


class Engine(Protocol):
    """Runs jobs in any order; yields each job's record, or how it was lost. OSError stops the grid.

    Once ``may_start`` says no, no further job starts; those that run end as ever.
    """

    def run(
        self, jobs: Sequence[Job], *, tell: Tell, may_start: MayStart = always
    ) -> Iterator[tuple[int, Record | Lost]]: ...


def run_job(job: Job, tell: Tell) -> Record:
    """Load the job's plugins, then run its cell in this process."""
    from bench.cell.run import run_cell
    from variants import load_plugin

    for plugin in job.run.plugins:
        load_plugin(plugin)
    with tracked(
        job.run.track,
        job.run.place.root,
        train_id=cell_name(job.train_id, job.cell.repeat),
        title=f"{job.cell.variant}, {job.cell.told_seed}",
        tell=lambda event: tell(job.index, event),
    ) as report:
        return run_cell(job.cell, job.run.place, report=report)
