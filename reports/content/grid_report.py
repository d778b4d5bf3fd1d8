"""All that is said of one grid, in no format: made once, and written by every format and drawn by every plot.

To add a line to every report, add it to ``remarks``.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.analysis.grid_analysis import GridAnalysis, analyse
from reports.content import notes, wording
from reports.content.arm_table import arm_table
from reports.content.equal_budget_table import budget_lines, budget_remarks, equal_budget_table
from reports.content.figures import Row, arm_rows, sampler_rows
from reports.content.sampling_steps import sampler_remarks, sampler_tables
from reports.content.scope import compute_lines, interaction_lines, scope_lines
from reports.content.score_cards import score_cards
from reports.content.table import Table
from reports.views.find import Findings
from reports.views.grid import GridView


@dataclass(frozen=True, slots=True, kw_only=True)
class GridReport:
    """One grid: its numbers (``analysis``), and these as tables and lines of text."""

    analysis: GridAnalysis
    design: str  # what was asked for, and how much of it is done
    answer: str  # the verdicts in a sentence or two; "" where there are none
    verdict: str  # the answer, or why there is none and what the figures are instead
    method: str  # how the verdicts were reached; "" without any interval
    arms: Table
    evidence: tuple[str, ...]  # what the verdicts rest on, for readers of text; a page has the plot of the differences
    reservations: tuple[str, ...]  # what single verdicts do not say
    bold: tuple[str, ...]  # what bold means in the arm table
    remarks: tuple[str, ...]  # below the arm table, in every format
    budgets: Table | None  # the endpoint at equal steps, MACs and time
    budget_remarks: tuple[str, ...]  # below that table
    budget_lines: tuple[str, ...]  # in place of that table
    samplers: tuple[Table, ...]
    sampler_remarks: tuple[str, ...]
    failures: tuple[str, ...]
    score_cards: tuple[str, ...]
    provenance: str  # "" where no record has any
    arm_rows: tuple[Row, ...]  # the figures of CSV and JSON
    sampler_rows: tuple[Row, ...]

    @property
    def grid(self) -> GridView:
        return self.analysis.grid

    @property
    def below_arms(self) -> tuple[str, ...]:
        """All lines below the arm table of a text."""
        return (*self.evidence, *self.bold, *self.reservations, *self.remarks)


def grid_report(grid: GridView) -> GridReport:
    """The grid's report from what is on record now."""
    analysis = analyse(grid)
    compared = analysis.comparison
    return GridReport(
        analysis=analysis,
        design=notes.design(grid),
        answer=wording.answer(grid, compared),
        verdict=wording.verdict(grid, compared),
        method=wording.method(grid, compared),
        arms=arm_table(analysis),
        evidence=tuple(wording.evidence(grid, compared)),
        reservations=tuple(wording.reservations(compared)),
        bold=tuple(wording.bold(grid, compared)),
        remarks=(
            *scope_lines(grid, compared),
            *interaction_lines(grid, analysis.interactions),
            *compute_lines(grid, analysis.compute),
            *notes.marks(grid),
            *notes.costs(analysis.costs),
            *notes.paper_notes(analysis.paper, analysis.agreement),
        ),
        budgets=equal_budget_table(analysis),
        budget_remarks=tuple(budget_remarks(analysis)),
        budget_lines=tuple(budget_lines(analysis)),
        samplers=tuple(sampler_tables(grid, analysis.sweeps)),
        sampler_remarks=tuple(sampler_remarks(grid, analysis.sweeps)),
        failures=tuple(notes.failures(grid)),
        score_cards=tuple(score_cards(grid, analysis.columns)),
        provenance=notes.provenance(grid),
        arm_rows=tuple(arm_rows(analysis)),
        sampler_rows=tuple(sampler_rows(analysis)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GridReports:
    """The report of every grid that was found in some output folders, and all else that was found there."""

    findings: Findings
    grids: tuple[GridReport, ...]


def compose(found: Findings | GridReports) -> GridReports:
    """The reports of all grids that were found; where they are made already they are handed on as they are."""
    if isinstance(found, GridReports):
        return found
    return GridReports(findings=found, grids=tuple(grid_report(grid) for grid in found.grids))
