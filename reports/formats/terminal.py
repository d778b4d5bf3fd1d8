"""The same tables in a terminal, with rich. Text from records is never read as markup or control codes."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.analysis.verdicts import compare
from reports.content import equal_budget_table, notes, sampling_steps
from reports.content.arm_table import arm_table
from reports.content.profiles import parts_table, profile_table, remarks
from reports.content.table import Table
from reports.text import plain
from reports.views.find import Findings
from reports.views.grid import GridView
from results.profile import ProfileRecord

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table as RichTable
    from rich.text import Text

FALLBACK = (120, 24)  # columns and lines where no terminal is asked, as in a pipe or a log


def text(findings: Findings, *, width: int | None = None) -> str:
    """All tables as text without colours, ``width`` columns wide (the terminal's when None)."""
    from rich.console import Console

    buffer = io.StringIO()
    wide = width or shutil.get_terminal_size(FALLBACK).columns
    show(findings, Console(file=buffer, width=wide, color_system=None, legacy_windows=False))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def show(findings: Findings, console: Console) -> None:
    """Print all tables to ``console``."""
    for item in _parts(findings, console):
        console.print(item, highlight=False, emoji=False)


def _parts(findings: Findings, console: Console) -> Iterator[RenderableType]:
    from rich.text import Text

    yield from _list("left out", findings.problems, style="yellow")
    for grid in findings.grids:
        yield Text(f"\n{plain(grid.title)}", style="bold")
        yield Text(plain(grid.manifest["question"]))
        yield Text(plain(notes.design(grid)), style="dim")
        for table in _tables(arm_table(grid), console.width):
            yield Text()
            yield table
        yield Text()
        found = compare(grid)
        yield Text(plain(notes.verdict(grid, found), limit=1000), style="bold")
        yield Text(notes.reading(), style="dim")
        lines = [*notes.evidence(grid, found), *notes.costs(grid), *notes.paper_notes(grid)]
        yield from (Text(plain(line, limit=500), style="dim") for line in lines)
        yield from (Text(plain(line, limit=1000), style="dim") for line in equal_budget_table.short(grid))
        for content in sampling_steps.tables(grid):
            for table in _tables(content, console.width):
                yield Text()
                yield table
        yield from (Text(plain(note, limit=500), style="dim") for note in sampling_steps.remarks(grid))
        yield from _list("failed", notes.failures(grid), style="red")
    yield from _list("of no grid", notes.loose_cells(findings.loose), style="dim")
    if findings.profiles:
        yield Text("\nprofiles", style="bold")
        yield from _profiles(findings.profiles, console.width)


def grid_tables(grid: GridView, width: int) -> Iterator[RenderableType]:
    """A grid's arm table in as many pieces as ``width`` columns ask for."""
    yield from _tables(arm_table(grid), width)


def show_profiles(records: Sequence[ProfileRecord], console: Console) -> None:
    """Print the table of profiles and its remarks to ``console``."""
    for item in _profiles(records, console.width):
        console.print(item, highlight=False, emoji=False)


def _profiles(records: Sequence[ProfileRecord], width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    for content in (profile_table(records), parts_table(records)):
        for table in _tables(content, width):
            yield Text()
            yield table
    yield Text()
    yield from (Text(plain(line, limit=500), style="dim") for line in remarks(records))


def _tables(content: Table, width: int) -> Iterator[RenderableType]:
    """One table where it fits, else one a block of columns, and a wide block in pieces; arms stand in each."""
    everything = list(range(1, len(content.headings)))
    blocks = [[i for i in everything if content.blocks[i] == number] for number in sorted(set(content.blocks))]
    for columns in [everything] if _width(content, everything) <= width else blocks:
        piece: list[int] = []
        for i in columns:
            if piece and _width(content, [*piece, i]) > width:
                yield _table(content, piece)
                piece = []
            piece.append(i)
        yield _table(content, piece)


def _width(content: Table, columns: Sequence[int]) -> int:
    """Terminal columns that a table of these columns takes: its texts and a gap of two between them."""
    from rich.cells import cell_len

    rows = [content.headings, *content.rows, *([content.floor] if content.floor else [])]
    lines = [[cell_len(line) for row in rows for line in row[i].split("\n")] for i in (0, *columns)]
    return sum(max(lengths) for lengths in lines) + 2 * len(columns)


def _table(content: Table, columns: Sequence[int]) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable

    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, collapse_padding=True)
    for i in (0, *columns):
        words = i == 0 or content.headings[i] in ("status", "measured")
        table.add_column(
            _lines(content.headings[i]), justify="left" if words else "right", overflow="fold", vertical="bottom"
        )
    for number, row in enumerate(content.rows):
        last = number == len(content.rows) - 1 and content.floor is not None
        cells = (_lines(row[i], bold=(number, i) in content.bold) for i in (0, *columns))
        table.add_row(*cells, end_section=last)
    if content.floor and any(content.floor[i] for i in columns):
        table.add_row(*(_lines(content.floor[i]) for i in (0, *columns)), style="dim")
    return table


def _lines(cell: str, *, bold: bool = False) -> Text:
    from rich.text import Text

    return Text("\n".join(plain(line) for line in cell.split("\n")), style="bold" if bold else "")


def _list(title: str, lines: Sequence[str], *, style: str) -> Iterator[RenderableType]:
    from rich.text import Text

    for line in lines:
        yield Text(f"{title}: {plain(line, limit=500)}", style=style)
