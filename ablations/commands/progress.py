"""Progress of a grid: a live bar a running cell on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from ablations.planning import Plan
from ablations.runner import Outcome
from bench.cell.prepared import Prepared

_LINE_SECONDS = 30.0


class Show(Protocol):
    """Takes what cells say while they run."""

    def tell(self, index: int, event: dict[str, Any]) -> None: ...

    def ended(self, outcome: Outcome) -> None: ...


def label(prepared: Prepared) -> str:
    """The short name of a cell."""
    return f"{prepared.cell.variant} {prepared.cell.told_seed}"


@contextmanager
def progress(plan: Plan, todo: Sequence[Prepared]) -> Iterator[Show]:
    """Bars when standard error is a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield Lines(plan, todo)
        return
    bars = Bars(plan, todo)
    with bars.bars:
        yield bars


class Bars:
    """One bar a running cell (loss, images/s, time left) and one for the grid."""

    def __init__(self, plan: Plan, todo: Sequence[Prepared]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.todo, self.tasks = todo, dict[int, Any]()
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )
        self.total = self.bars.add_task(f"grid {plan.grid.name}", total=len(plan.cells), note="cells")
        self.ids = {prepared.name: index for index, prepared in enumerate(todo)}

    def tell(self, index: int, event: dict[str, Any]) -> None:
        if index not in self.tasks:
            self.tasks[index] = self.bars.add_task(label(self.todo[index]), total=event["steps"], note="")
        note = event.get("doing") or f"loss {event['loss']:.4f}, {event['imgs_per_s']:,.0f} images/s"
        self.bars.update(self.tasks[index], completed=event["step"], note=note)

    def ended(self, outcome: Outcome) -> None:
        self.bars.advance(self.total)
        task = self.tasks.pop(self.ids.get(outcome.prepared.name, -1), None)
        if task is not None:
            self.bars.remove_task(task)
        self.bars.console.print(_ending(outcome))


class Lines:
    """A line when a cell ends and one a cell every half minute, for logs."""

    def __init__(self, plan: Plan, todo: Sequence[Prepared]) -> None:
        self.plan, self.todo, self.done = plan, todo, 0
        self.told: dict[int, float] = {}

    def tell(self, index: int, event: dict[str, Any]) -> None:
        now = time.monotonic()
        if now - self.told.setdefault(index, now) < _LINE_SECONDS or "loss" not in event:
            return
        self.told[index] = now
        left = (event["steps"] - event["step"]) * self.todo[index].cell.training.batch_size / event["imgs_per_s"]
        print(
            f"{label(self.todo[index])}: step {event['step']}/{event['steps']}, loss {event['loss']:.4f}, "
            f"{event['imgs_per_s']:,.0f} images/s, {left:,.0f} s of training left",
            file=sys.stderr,
            flush=True,
        )

    def ended(self, outcome: Outcome) -> None:
        self.done += 1
        print(f"[{self.done}/{len(self.plan.cells)}] {_ending(outcome)}", file=sys.stderr, flush=True)


def _ending(outcome: Outcome) -> str:
    name = label(outcome.prepared)
    if outcome.skipped:
        return f"{name}: already finished"
    return f"{name}: {outcome.status}" + (f" ({outcome.error})" if outcome.error else "")
