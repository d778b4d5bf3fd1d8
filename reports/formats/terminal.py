"""A report in a terminal, with rich. Text from records is never read as markup or control codes."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.content import notes
from reports.content.grid_report import GridReport, GridReports, compose
from reports.content.profiles import parts_table, profile_remarks, profile_table
from reports.content.table import Table
from reports.text import plain
from reports.views.find import Findings
from results.profile import ProfileRecord

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table as RichTable
    from rich.text import Text

FALLBACK = (120, 24)  # columns and lines where no terminal is asked, as in a pipe or a log


def text(found: Findings | GridReports, *, width: int | None = None) -> str:
    """All tables as text without colours, ``width`` columns wide (the terminal's when None)."""
    from rich.console import Console

    buffer = io.StringIO()
    wide = width or shutil.get_terminal_size(FALLBACK).columns
    show(found, Console(file=buffer, width=wide, color_system=None, legacy_windows=False))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def show(found: Findings | GridReports, console: Console) -> None:
    """Print all tables to ``console``."""
    for item in _parts(compose(found), console.width):
        console.print(item, highlight=False, emoji=False)


def _parts(reports: GridReports, width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    findings = reports.findings
    yield from _list("left out", findings.problems, style="yellow")
    for grid in reports.grids:
        yield from _grid(grid, width)
    yield from _list("of no grid", notes.loose_cells(findings.loose), style="dim")
    if findings.profiles:
        yield Text("\nprofiles", style="bold")
        yield from _profiles(findings.profiles, width)


def _grid(report: GridReport, width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(f"\n{plain(report.grid.title)}", style="bold")
    yield Text(plain(report.grid.question))
    yield Text(plain(report.design), style="dim")
    yield from _spaced(report.arms, width)
    yield Text()
    yield Text(plain(report.verdict, limit=1000), style="bold")
    yield Text(notes.READING, style="dim")
    yield from (Text(plain(line, limit=500), style="dim") for line in report.below_arms)
    yield from (Text(plain(line, limit=1000), style="dim") for line in report.budget_lines)
    for content in report.samplers:
        yield from _spaced(content, width)
    yield from (Text(plain(line, limit=500), style="dim") for line in report.sampler_remarks)
    yield from _list("failed", report.failures, style="red")


def show_profiles(records: Sequence[ProfileRecord], console: Console) -> None:
    """Print the table of profiles and its remarks to ``console``."""
    for item in _profiles(records, console.width):
        console.print(item, highlight=False, emoji=False)


def _profiles(records: Sequence[ProfileRecord], width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    for content in (profile_table(records), parts_table(records)):
        yield from _spaced(content, width)
    yield Text()
    yield from (Text(plain(line, limit=500), style="dim") for line in profile_remarks(records))


def _spaced(content: Table, width: int) -> Iterator[RenderableType]:
    """The table's pieces, each below an empty line."""
    from rich.text import Text

    for piece in pieces(content, width):
        yield Text()
        yield piece


def pieces(content: Table, width: int) -> Iterator[RenderableType]:
    """One table where it fits ``width`` columns, else one a block, and a wide block in pieces; arms stand in each."""
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
