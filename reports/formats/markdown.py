"""``report.md``: every grid's question, table, score cards, plots and failures. Text from records is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.content import notes
from reports.content.grid_report import GridReport, GridReports, compose
from reports.content.profiles import parts_table, profile_remarks, profile_table
from reports.content.table import Table
from reports.pictures.gallery import LOOSE, ShownPicture
from reports.plots import alt_text
from reports.text import markdown as esc
from reports.views.find import Findings
from results.profile import ProfileRecord

PROFILES = ""  # the key of the profiles' pictures, which no grid has for a name


def document(
    found: Findings | GridReports,
    plots: Mapping[str, Sequence[str]],
    shown: Mapping[str, Sequence[ShownPicture]] | None = None,
) -> str:
    """The whole page; ``plots`` gives the plots of each grid and of the profiles, ``shown`` each grid's other pictures.

    Paths are relative to the page.
    """
    reports, shown = compose(found), shown or {}
    findings = reports.findings
    parts = ["# What was found", ""]
    parts += _bullets("Left out", findings.problems)
    for grid in reports.grids:
        parts += _grid(grid, plots.get(grid.grid.name, ()), shown.get(grid.grid.name, ()))
    parts += _bullets("Cells of no grid", notes.loose_cells(findings.loose))
    parts += _pictures(shown.get(LOOSE, ()))
    if findings.profiles:
        parts += _profiles(findings.profiles, plots.get(PROFILES, ()))
    return "\n".join(parts).rstrip() + "\n"


def _grid(report: GridReport, plots: Sequence[str], shown: Sequence[ShownPicture]) -> list[str]:
    grid = report.grid
    lines = [f"## {esc(grid.title)}", "", f"**{esc(grid.question)}**", ""]
    lines += [f"Design: {esc(report.design)}.", "", f"> {esc(report.verdict, limit=1000)}", ""]
    lines += [*table(report.arms), "", f"{esc(notes.READING)}", ""]
    lines += _sentences(report.below_arms)
    if report.budgets is not None:
        lines += ["**Equal steps, equal training MACs, equal training time**", "", *table(report.budgets), ""]
    lines += _sentences(report.budget_remarks, limit=1000)
    for content in report.samplers:
        lines += [*table(content), ""]
    lines += _sentences(report.sampler_remarks)
    for plot in plots:
        lines += [f"![{esc(alt_text(grid, plot.rpartition('/')[2]))}]({plot})", ""]
    if plots:
        lines += [notes.CAPTION, ""]
    lines += _pictures(shown)
    lines += _bullets("Failed cells", report.failures)
    lines += _bullets("Score cards", report.score_cards)
    if report.provenance:
        lines += [f"Provenance: {esc(report.provenance)}.", ""]
    return lines


def _profiles(records: Sequence[ProfileRecord], plots: Sequence[str]) -> list[str]:
    lines = ["## Profiles", "", *table(profile_table(records)), "", *table(parts_table(records)), ""]
    for plot in plots:
        lines += [f"![Throughput against batch size]({plot})", ""]
    return lines + _bullets("Remarks", profile_remarks(records))


def _sentences(lines: Sequence[str], *, limit: int = 500) -> list[str]:
    """Each line as a paragraph."""
    return [part for line in lines for part in (esc(line, limit=limit) + ".", "")]


def _pictures(shown: Sequence[ShownPicture]) -> list[str]:
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
