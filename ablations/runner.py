"""From the cells of a plan to records."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.engines.job import Engine, Job, Lost, MayStart, Run, Tell, always
from ablations.planning import Plan, manifest
from bench.cell.place import Place
from bench.cell.prepared import Prepared, failure_record, is_finished
from bench.machine.attention_kernel import for_network
from bench.machine.runtime import Runtime
from results.manifest import Manifest
from results.record import SURVIVED, Record
from results.store import Store

Keep = Callable[[Plan, Place], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One cell after the run."""

    prepared: Prepared
    status: str
    error: str | None
    skipped: bool = False

    @property
    def failed(self) -> bool:
        return self.status not in SURVIVED


def stored_runtime(known: Manifest | None) -> Runtime | None:
    """The runtime that a grid was started with, if it was."""
    return Runtime.from_mapping(known.runtime) if known is not None and known.runtime else None


def unfinished(plan: Plan, root: Path, *, diverged: bool = True) -> list[Prepared]:
    """The cells whose records lack a score that the plan asks for, failed ones included, ``diverged`` ones if asked.

    Those would diverge again.
    """
    store = Store(root)
    return [prepared for prepared in plan.cells if not _is_done(_known(prepared, store), prepared, diverged)]


def _is_done(record: Record | None, prepared: Prepared, diverged: bool) -> bool:
    lost = record is not None and record.status == "diverged" and not diverged
    return lost or is_finished(record, prepared)


def _known(prepared: Prepared, store: Store) -> Record | None:
    return store.read(prepared.train_id, prepared.cell.repeat)


def keep_manifest(plan: Plan, place: Place) -> None:
    """Write what reports know of a plan's grid."""
    Store(place.root).write_grid(plan.grid.name, manifest(plan, place.runtime))


def run_plan(
    plan: Plan,
    todo: Sequence[Prepared],
    run: Run,
    engine: Engine,
    *,
    tell: Tell,
    listed: Plan | None = None,
    keep: Keep = keep_manifest,
    may_start: MayStart = always,
) -> Iterator[Outcome]:
    """Run ``todo`` and yield every cell's outcome; ``keep`` is called before the first cell starts.

    ``listed`` is what the manifest lists, where that is more than ``plan`` runs. A cell that ``may_start`` says no to
    has no outcome.
    """
    place = run.place
    store = Store(place.root)
    keep(listed or plan, place)
    waiting = {prepared.name for prepared in todo}
    for prepared in plan.cells:
        if prepared.name not in waiting:
            record = _known(prepared, store)
            assert record is not None
            yield Outcome(prepared=prepared, status=record.status, error=record.error, skipped=True)
    jobs = [
        Job(
            index=index,
            train_id=prepared.train_id,
            cell=prepared.cell,
            run=dataclasses.replace(run, place=_place_for(prepared, place)),
        )
        for index, prepared in enumerate(todo)
    ]
    for index, result in engine.run(jobs, tell=tell, may_start=may_start):
        record = result if isinstance(result, Record) else _lost_record(todo[index], result, store)
        yield Outcome(prepared=todo[index], status=record.status, error=record.error)


def _place_for(prepared: Prepared, place: Place) -> Place:
    """The place with the attention kernel of this cell's network."""
    return dataclasses.replace(place, runtime=for_network(place.runtime, prepared.model))


def _lost_record(prepared: Prepared, lost: Lost, store: Store) -> Record:
    """The record of a cell whose process died before it could write one."""
    record = failure_record(prepared, status="error", error=lost.reason, known=_known(prepared, store))
    store.write(record)
    return record
