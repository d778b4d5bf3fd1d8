"""One grid as the template shows it: all that its report says, as safe lines, tables to sort and inline pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reports.content import notes
from reports.content.calibration_view import CalibrationView, calibration_views
from reports.content.grid_report import GridReport
from reports.page.answers import Answer
from reports.page.cards import Cards
from reports.page.inline_pictures import InlinePicture
from reports.page.table_views import TableView, arm_view, table_view
from reports.text import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPart:
    """What calibrates the grid, or one block of it."""

    title: str
    lines: list[str]
    table: TableView


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
    calibrations: list[CalibrationPart]
    failures: list[str]
    cards: list[str]
    provenance: str
    pictures: Sequence[InlinePicture] = field(default=())
    large: Sequence[InlinePicture] = field(default=())  # each as wide as the page


def grid_page(
    report: GridReport,
    answer: Answer,
    cards: Cards,
    *,
    latex: str,
    pictures: Sequence[InlinePicture],
    large: Sequence[InlinePicture] = (),
) -> GridPage:
    """All of one grid; its numbers' cards are added to ``cards``."""
    grid = report.grid
    return GridPage(
        name=grid.name,
        title=plain(grid.title),
        question=plain(grid.question),
        answer=answer,
        design=plain(report.design, limit=500),
        table=arm_view(report, cards, latex=latex),
        remarks=_lines([notes.READING, *report.bold, *report.remarks]),
        fair=_fair(report),
        fair_remarks=_lines(report.budget_remarks, limit=1000),
        calibrations=[_calibration(grid.name, number, view) for number, view in enumerate(calibration_views(grid))],
        failures=_lines(report.failures),
        cards=_lines(report.score_cards),
        provenance=plain(report.provenance, limit=500),
        pictures=pictures,
        large=large,
    )


def _lines(lines: Iterable[str], *, limit: int = 500) -> list[str]:
    return [plain(line, limit=limit) for line in lines]


def _calibration(grid: str, number: int, view: CalibrationView) -> CalibrationPart:
    where = f" of {view.block}" if view.block else ""
    title = plain(f"Calibration{where}: validity level {view.level}", limit=80)
    table = table_view(view.skill, name=f"{grid}-calibration-{number}", title=f"Skill on the calibration seeds{where}")
    return CalibrationPart(title=title, lines=_lines([view.meaning, *view.lines]), table=table)


def _fair(report: GridReport) -> TableView | None:
    if report.budgets is None:
        return None
    grid = report.grid
    return table_view(report.budgets, name=f"{grid.name}-fair", title=f"Fair views of grid {plain(grid.title)}")
