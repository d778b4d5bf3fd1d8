"""Where a running grid stands: its cells done, running, failed and pending, and the time that is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from reports.views.grid import ArmView, CellView, GridView
from results.record import Record
from results.running import Heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCell:
    """A cell that a process is at work on."""

    arm: ArmView
    cell: CellView
    beat: Heartbeat

    @property
    def seconds_left(self) -> float | None:
        """At its speed so far, scoring included; None before it has one."""
        pace = self.beat.seconds_a_step
        return None if pace is None else pace * (self.beat.steps - self.beat.step)

    @property
    def seconds_whole(self) -> float | None:
        pace = self.beat.seconds_a_step
        return None if pace is None else pace * self.beat.steps


@dataclass(frozen=True, slots=True, kw_only=True)
class GridState:
    """One grid at one moment. Cells that several arms share count once; a failed cell that runs again is running."""

    grid: GridView
    done: tuple[str, ...]  # train_ids
    failed: tuple[str, ...]
    pending: tuple[str, ...]
    running: tuple[RunningCell, ...]
    lost: tuple[Heartbeat, ...]  # of pending cells whose process is gone

    @property
    def total(self) -> int:
        return len(self.done) + len(self.failed) + len(self.pending) + len(self.running)

    @property
    def complete(self) -> bool:
        """Whether every cell has left its record and none runs again."""
        return not self.pending and not self.running

    @property
    def seconds_left(self) -> float | None:
        """As many cells side by side as run now, each as long as those that run or ran; None where nothing tells."""
        if not self.running:
            return None
        ends = [cell.seconds_left for cell in self.running]
        whole = [seconds for cell in self.running if (seconds := cell.seconds_whole) is not None]
        whole = whole or [s for arm in self.grid.arms for r in arm.records if (s := _train_s(r)) is not None]
        if not whole or (all(end is None for end in ends) and not self.pending):
            return None
        typical = fmean(whole)
        left = sum(typical if end is None else end for end in ends) + typical * len(self.pending)
        longest = max(typical if end is None else end for end in ends)
        return max(longest, left / len(self.running))


def grid_state(grid: GridView, beats: Iterable[Heartbeat]) -> GridState:
    """The grid's cells sorted by what is known of them."""
    by_id = {beat.train_id: beat for beat in beats}
    cells = {cell.train_id: (arm, cell) for arm in reversed(grid.arms) for cell in arm.cells}
    kinds: dict[str, list[str]] = {"done": [], "failed": [], "pending": []}
    running: list[RunningCell] = []
    lost: list[Heartbeat] = []
    for train_id, (arm, cell) in sorted(cells.items(), key=lambda item: (item[1][1].seed, item[0])):
        beat = by_id.get(train_id)
        if beat is not None and beat.alive:
            running.append(RunningCell(arm=arm, cell=cell, beat=beat))
            continue
        record = cell.record
        kinds["pending" if record is None else "done" if record.survived else "failed"].append(train_id)
        if beat is not None and record is None:
            lost.append(beat)
    return GridState(
        grid=grid, running=tuple(running), lost=tuple(lost), **{kind: tuple(ids) for kind, ids in kinds.items()}
    )


def _train_s(record: Record) -> float | None:
    seconds = record.provenance.get("train_s")
    return float(seconds) if isinstance(seconds, int | float) and record.survived and seconds > 0 else None


def duration(seconds: float | None) -> str:
    """``45 s``, ``12 min``, ``3 h 05 min``, ``2 d 4 h``; an en dash where it is not known."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
