"""Tables as the template shows them: their cells know how they sort and which card they open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.verdicts import VERDICTS
from reports.content.grid_report import GridReport
from reports.content.table import Table
from reports.page.cards import Cards
from reports.page.looks import Look, looks
from reports.text import plain

_PREFIX = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "MiB": 2.0**20, "GiB": 2.0**30}
_NUMBER = re.compile(r"^([+-]?[\d,]*\.?\d+)\s?(k|M|G|T|P|MiB|GiB)?\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellText:
    """One cell: its text, the number it sorts by ("" for none), the key of its score card, its verdict's class.

    ``best`` is the best score, where a verdict supports it.
    """

    text: str
    sort: str
    card: str = ""
    kind: str = ""
    best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    """One row; the first cell names it."""

    cells: tuple[CellText, ...]
    is_baseline: bool = False
    look: Look | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """A table to sort and filter. ``words`` are columns of words, set to the left."""

    name: str  # of its elements, unique on the page
    title: str
    headings: tuple[tuple[str, ...], ...]  # lines
    words: tuple[bool, ...]
    rows: tuple[RowView, ...]
    floor: tuple[CellText, ...] | None = None
    latex: str = ""


def arm_view(report: GridReport, cards: Cards, *, latex: str) -> TableView:
    """The arm table of the Markdown page, number for number; numbers of scores open their cards."""
    grid, content = report.grid, report.arms
    by_arm, by_heading = looks(grid), {column.heading: column for column in report.analysis.columns}
    rows = []
    for r, (texts, arm) in enumerate(zip(content.rows, grid.arms, strict=True)):
        cells = []
        for c, (heading, text) in enumerate(zip(content.headings, texts, strict=True)):
            key, column = f"{grid.name}-{r}-{c}", by_heading.get(heading)
            known = column is not None and cards.add(key, grid, arm, column)
            cells.append(_cell(text, card=key if known else "", best=(r, c) in content.bold))
        rows.append(RowView(cells=tuple(cells), is_baseline=r == content.baseline, look=by_arm[arm.name]))
    return table_view(content, name=grid.name, title=f"Arms of grid {plain(grid.title)}", rows=rows, latex=latex)


def table_view(
    content: Table, *, name: str, title: str, rows: Sequence[RowView] | None = None, latex: str = ""
) -> TableView:
    """Any table of a report."""
    if rows is None:
        rows = [RowView(cells=tuple(_cell(text) for text in texts)) for texts in content.rows]
    numeric = [any(row.cells[i].sort for row in rows) for i in range(len(content.headings))]
    return TableView(
        name=name,
        title=title,
        headings=tuple(tuple(plain(line) for line in heading.split("\n")) for heading in content.headings),
        words=tuple(i == 0 or not is_numeric for i, is_numeric in enumerate(numeric)),
        rows=tuple(rows),
        floor=tuple(_cell(text) for text in content.floor) if content.floor else None,
        latex=latex,
    )


def _cell(text: str, *, card: str = "", best: bool = False) -> CellText:
    number = sort_number(text)
    shown = plain(text)
    return CellText(
        text=shown,
        sort="" if number is None else repr(number),
        card=card,
        best=best,
        kind=next((verdict for verdict in VERDICTS if shown.startswith(verdict)), ""),
    )


def sort_number(text: str) -> float | None:
    """The number that a cell begins with, its SI prefix applied: ``1.98 ± 0.1``, ``−0.2``, ``44.26M (=)``."""
    if text == "baseline":
        return 0.0
    match = _NUMBER.match(text.replace("−", "-").removeprefix("**"))
    if match is None:
        return None
    return float(match[1].replace(",", "")) * _PREFIX.get(match[2] or "", 1.0)
