"""``uvit watch``: the running grid in the terminal, from its folder alone, on any machine that sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reports.analysis.grid_analysis import analyse
from reports.content import notes
from reports.content.arm_table import arm_table
from reports.formats.terminal import pieces
from reports.text import plain, plural
from reports.views.find import Findings, find
from reports.watch.state import GridState, RunningCell, duration, grid_state
from results.running import read_running

if TYPE_CHECKING:
    from rich.console import Console, Group, RenderableType
    from rich.table import Table
    from rich.text import Text


class WatchedFolder:
    """The output folder, read again only where a file of it has changed: records are large, signs of life small."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen: object = None
        self._findings: Findings | None = None

    def states(self) -> tuple[Findings, list[GridState]]:
        """What is there now. Raises ValueError for a missing folder and for one without a grid."""
        seen = [(p.name, p.stat().st_mtime_ns) for part in ("grids", "records") for p in self._files(part)]
        if self._findings is None or seen != self._seen:
            self._seen, self._findings = seen, find(self.root)
        if not self._findings.grids:
            raise ValueError(f"{self.root}: expected a grid in {self.root / 'grids'}, got none: `uvit run` writes it")
        beats = read_running(self.root)
        return self._findings, [grid_state(grid, beats) for grid in self._findings.grids]

    def _files(self, part: str) -> list[Path]:
        return sorted(path for path in (self.root / part).glob("*.json") if path.exists())


def watch(root: Path, console: Console, *, interval: float = 2.0, once: bool = False) -> int:
    """Show the grids of ``root`` until all are complete; the exit code is 1 where a cell failed, else 0.

    On a terminal one frame replaces the other; elsewhere a frame is printed whenever something has changed. ``once``
    prints one frame and returns 0. Raises ValueError for a folder without a grid and for an interval under 0.1 s.
    """
    if not interval >= 0.1:
        raise ValueError(f"--interval: expected seconds from 0.1, got {interval:g}")
    folder = WatchedFolder(root)
    if once:
        console.print(frame(*folder.states(), console.width))
        return 0
    states = _live(folder, console, interval) if console.is_terminal else _printed(folder, console, interval)
    return int(any(state.failed for state in states))


def _live(folder: WatchedFolder, console: Console, interval: float) -> list[GridState]:
    """Frames in place, on the terminal's other screen; the last one stays."""
    from rich.live import Live

    findings, states = folder.states()
    if not all(state.complete for state in states):
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while not all(state.complete for state in states):
                live.update(frame(findings, states, console.width), refresh=True)
                time.sleep(interval)
                findings, states = folder.states()
    console.print(frame(findings, states, console.width))
    return states


def _printed(folder: WatchedFolder, console: Console, interval: float) -> list[GridState]:
    """A frame at each change of the cells, for logs and pipes."""
    told: object = None
    while True:
        findings, states = folder.states()
        now = [(s.done, s.failed, s.pending, [cell.beat.train_id for cell in s.running]) for s in states]
        if now != told:
            console.print(frame(findings, states, console.width))
            told = now
        if all(state.complete for state in states):
            return states
        time.sleep(interval)


def frame(findings: Findings, states: list[GridState], width: int) -> Group:
    """All grids at one moment, what changes first."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text(f"left out: {plain(problem, limit=500)}", style="yellow") for problem in findings.problems
    ]
    for state in states:
        parts += _grid(state, width)
    return Group(*parts)


def _grid(state: GridState, width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text.assemble((plain(state.grid.title), "bold"), "  ", (plain(state.grid.question), "dim"))
    yield _counts(state, width)
    if state.running:
        yield Text()
        yield _running(state.running)
    for beat in state.lost:
        where = f"step {beat.step:,} of {beat.steps:,}"
        yield Text(f"ended without a record: {plain(beat.variant)} seed {beat.seed}, {where}", style="yellow")
    if state.pending and not state.running:
        again = plural(len(state.pending), "cell")
        yield Text(f"nothing is running; `uvit run` goes on with the {again} that are pending", style="yellow")
    for table in pieces(arm_table(analyse(state.grid)), width):
        yield Text()
        yield table
    yield Text()
    for line in notes.failures(state.grid):
        yield Text(f"failed: {plain(line, limit=500)}", style="red")


def _counts(state: GridState, width: int) -> Text:
    """A bar of all cells, how many there are of each kind, and the time that is left."""
    from rich.text import Text

    kinds = (
        ("done", len(state.done), "green"),
        ("failed", len(state.failed), "red"),
        ("running", len(state.running), "cyan"),
        ("pending", len(state.pending), "bright_black"),
    )
    room, text, cells = max(10, min(40, width - 60)), Text(), 0
    for name, count, style in kinds:
        ends = round(room * (cells + count) / state.total) - round(room * cells / state.total) if state.total else 0
        text.append({"pending": "·", "running": "▒"}.get(name, "█") * ends, style=style)
        cells += count
    for name, count, style in kinds:
        if count or name == "done":
            text.append(f"  {count} {name}", style=style)
    text.append(f"  of {plural(state.total, 'cell')}")
    if state.complete:
        text.append("  complete", style="bold green")
    elif (left := state.seconds_left) is not None:
        text.append(f"  about {duration(left)} left", style="bold")
    return text


def _running(cells: tuple[RunningCell, ...]) -> Table:
    """A row a running cell."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for heading in ("running", "seed", "step", "", "loss", "images/s", "left", "doing"):
        table.add_column(heading, justify="left" if heading in ("running", "", "doing") else "right", no_wrap=True)
    for cell in cells:
        beat = cell.beat
        loss = "–" if beat.loss is None else f"{beat.loss:.4f}"
        rate = "–" if beat.imgs_per_s is None else f"{beat.imgs_per_s:,.0f}"
        done = round(12 * min(1.0, beat.step / max(1, beat.steps)))
        table.add_row(
            Text(plain(cell.arm.name, limit=30)), str(cell.cell.seed), f"{beat.step:,}/{beat.steps:,}",
            Text.assemble(("█" * done, "cyan"), ("·" * (12 - done), "bright_black")),
            loss, rate, duration(cell.seconds_left), Text(plain(beat.doing, limit=40)),
        )  # fmt: skip
    return table
