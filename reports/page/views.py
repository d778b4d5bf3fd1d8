"""What the template shows, prepared: tables whose cells know how they sort and which card they open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from reports.analysis import columns as cols
from reports.analysis.best import remark
from reports.analysis.verdicts import compare
from reports.content import equal_budget_table, notes
from reports.content.arm_table import arm_table
from reports.content.table import Table
from reports.page.answers import Answer
from reports.page.cards import Cards
from reports.page.looks import Look, looks
from reports.text import plain
from reports.views.grid import GridView

_PREFIX = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "MiB": 2.0**20, "GiB": 2.0**30}
_NUMBER = re.compile(r"^([+-]?[\d,]*\.?\d+)\s?(k|M|G|T|P|MiB|GiB)?\b")
VERDICTS = ("better", "worse", "equivalent", "unresolved")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture inside the page; ``source`` is a data URI."""

    source: str
    width: int
    height: int
    title: str
    text: str = ""  # what it shows, for those who cannot see it


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPage:
    """One grid as the template shows it."""

    name: str
    title: str
    question: str
    answer: Answer
    design: str
    table: TableView
    remarks: list[str]
    fair: TableView | None  # the same endpoint at equal steps, MACs and time
    fair_remarks: list[str]
    failures: list[str]
    cards: list[str]
    provenance: str
    pictures: Sequence[Picture] = field(default=())
    large: Sequence[Picture] = field(default=())  # each as wide as the page


def grid_page(
    grid: GridView,
    answer: Answer,
    cards: Cards,
    *,
    latex: str,
    pictures: Sequence[Picture],
    large: Sequence[Picture] = (),
) -> GridPage:
    """All of one grid; its numbers' cards are added to ``cards``."""
    return GridPage(
        name=grid.name,
        title=plain(grid.title),
        question=plain(grid.manifest["question"]),
        answer=answer,
        design=plain(notes.design(grid), limit=500),
        table=arm_view(grid, cards, latex=latex),
        remarks=[
            plain(line, limit=500)
            for line in [notes.reading(), *remark(grid, compare(grid)), *notes.costs(grid), *notes.paper_notes(grid)]
        ],
        fair=_fair(grid),
        fair_remarks=[plain(line, limit=1000) for line in equal_budget_table.remarks(grid)],
        failures=[plain(line, limit=500) for line in notes.failures(grid)],
        cards=[plain(line, limit=500) for line in notes.score_cards(grid)],
        provenance=plain(notes.provenance(grid), limit=500),
        pictures=pictures,
        large=large,
    )


def _fair(grid: GridView) -> TableView | None:
    content = equal_budget_table.table(grid)
    title = f"Fair views of grid {plain(grid.title)}"
    return None if content is None else table_view(content, name=f"{grid.name}-fair", title=title)


def arm_view(grid: GridView, cards: Cards, *, latex: str) -> TableView:
    """The arm table of the Markdown page, number for number; numbers of scores open their cards."""
    content, found = arm_table(grid), looks(grid)
    by_heading = {column.heading: column for column in cols.columns(grid)}
    rows = []
    for r, (texts, arm) in enumerate(zip(content.rows, grid.arms, strict=True)):
        cells = []
        for c, (heading, text) in enumerate(zip(content.headings, texts, strict=True)):
            key, column = f"{grid.name}-{r}-{c}", by_heading.get(heading)
            known = column is not None and cards.add(key, grid, arm, column)
            cells.append(_cell(text, card=key if known else "", best=(r, c) in content.bold))
        rows.append(RowView(cells=tuple(cells), is_baseline=r == content.baseline, look=found[arm.name]))
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
