"""``report.md``: every grid's question, table, score cards, plots and failures. Text from records is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.analysis.verdicts import compare
from reports.content import equal_budget_table, notes, sampling_steps
from reports.content.arm_table import arm_table
from reports.content.profiles import parts_table, profile_table, remarks
from reports.content.table import Table
from reports.pictures.gallery import LOOSE, Shown
from reports.plots import alt_text
from reports.text import markdown as esc
from reports.views.find import Findings
from reports.views.grid import GridView

PROFILES = ""  # the key of the profiles' pictures, which no grid has for a name


def document(
    findings: Findings, plots: Mapping[str, Sequence[str]], shown: Mapping[str, Sequence[Shown]] | None = None
) -> str:
    """The whole page; ``plots`` gives the plots of each grid and of the profiles, ``shown`` each grid's other pictures.

    Paths are relative to the page.
    """
    shown = shown or {}
    parts = ["# What was found", ""]
    parts += _bullets("Left out", findings.problems)
    for grid in findings.grids:
        parts += _grid(grid, plots.get(grid.name, ()), shown.get(grid.name, ()))
    parts += _bullets("Cells of no grid", notes.loose_cells(findings.loose))
    parts += _pictures(shown.get(LOOSE, ()))
    if findings.profiles:
        parts += ["## Profiles", "", *table(profile_table(findings.profiles)), ""]
        parts += [*table(parts_table(findings.profiles)), ""]
        for plot in plots.get(PROFILES, ()):
            parts += [f"![Throughput against batch size]({plot})", ""]
        parts += _bullets("Remarks", remarks(findings.profiles))
    return "\n".join(parts).rstrip() + "\n"


def _grid(grid: GridView, plots: Sequence[str], shown: Sequence[Shown]) -> list[str]:
    lines = [f"## {esc(grid.title)}", "", f"**{esc(grid.manifest['question'])}**", ""]
    compared = compare(grid)
    lines += [f"Design: {esc(notes.design(grid))}.", "", f"> {esc(notes.verdict(grid, compared), limit=1000)}", ""]
    lines += [*table(arm_table(grid)), "", f"{esc(notes.reading())}", ""]
    for note in [*notes.evidence(grid, compared), *notes.costs(grid), *notes.paper_notes(grid)]:
        lines += [esc(note, limit=500) + ".", ""]
    if (content := equal_budget_table.table(grid)) is not None:
        lines += ["**Equal steps, equal training MACs, equal training time**", "", *table(content), ""]
    lines += [line for note in equal_budget_table.remarks(grid) for line in (esc(note, limit=1000) + ".", "")]
    for content in sampling_steps.tables(grid):
        lines += [*table(content), ""]
    for note in sampling_steps.remarks(grid):
        lines += [esc(note, limit=500) + ".", ""]
    for plot in plots:
        lines += [f"![{esc(alt_text(grid, plot.rpartition('/')[2]))}]({plot})", ""]
    if plots:
        lines += [notes.caption(), ""]
    lines += _pictures(shown)
    lines += _bullets("Failed cells", notes.failures(grid))
    lines += _bullets("Score cards", notes.score_cards(grid))
    if made := notes.provenance(grid):
        lines += [f"Provenance: {esc(made)}.", ""]
    return lines


def _pictures(shown: Sequence[Shown]) -> list[str]:
    lines = []
    for item in shown:
        lines += [f"![{esc(item.text)}]({item.path})", ""] if item.path else []
        lines += [*(esc(line, limit=500) + ".  " for line in item.lines), ""]
    return lines


def table(content: Table) -> list[str]:
    """A pipe table, padded so that it reads as text too."""
    rows = [[esc(cell) for cell in content.headings]]
    rows += [[_cell(content, r, c) for c in range(len(row))] for r, row in enumerate(content.rows)]
    if content.floor:
        rows.append([f"*{esc(cell)}*" if cell else "" for cell in content.floor])
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(content.headings))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [_line(rows[0], widths), _line(rule, widths), *(_line(row, widths) for row in rows[1:])]


def _cell(content: Table, row: int, column: int) -> str:
    text = esc(content.rows[row][column])
    return f"**{text}**" if (row, column) in content.bold else text


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = [
        cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join([first, *rest]) + " |"


def _bullets(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    return [f"**{title}**", "", *(f"- {esc(line, limit=500)}" for line in lines), ""]
