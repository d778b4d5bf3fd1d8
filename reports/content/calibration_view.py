"""What calibrates a grid: its level, a table of skill by bin, spreads, margins and the seeds that verdicts take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from reports.content.calibration_table import ENDS, MEANING, plan_lines
from reports.content.table import Table
from reports.text import plain, plural, steps
from reports.views.grid import GridView
from results.calibration import Bound, CalibrationRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationView:
    """One calibration; ``block`` is the block of the grid that it speaks for."""

    block: str
    level: str
    meaning: str
    lines: tuple[str, ...]
    skill: Table


def calibration_views(grid: GridView) -> list[CalibrationView]:
    """The calibrations of the grid's blocks; none where nothing calibrates it."""
    return [_view(block, record) for block, record in grid.calibrations.items()]


def _view(block: str, record: CalibrationRecord) -> CalibrationView:
    return CalibrationView(
        block=block,
        level=record.level,
        meaning=MEANING[record.level],
        lines=tuple(_lines(record)),
        skill=Table(
            headings=("noise", "EMA loss / linear filter's", "95% upper bound", "below 1"),
            blocks=(0,) * 4,
            rows=_rows(record),
            floor=None,
            baseline=-1,
        ),
    )


def _lines(record: CalibrationRecord) -> Iterator[str]:
    seeds = ", ".join(map(str, record.seeds))
    name, length = plain(str(record.dataset.get("name", "unknown data"))), steps(record.training.get("steps"))
    yield (
        f"budget {plain(record.budget)}, {plain(record.variant)} on {name}, {length} steps: "
        f"{plural(len(record.seeds), 'calibration seed')} ({seeds}), never used for a verdict"
    )
    spreads = (("of an arm's log R", record.speed_sd), ("of log skill against the baseline's", record.skill_sd),
               ("of log R of one training, repeated", record.repeat_sd))  # fmt: skip
    told = [f"{what} {'not measured' if value is None else f'{value:.4f}'}" for what, value in spreads]
    yield f"standard deviations over seeds, grid {plain(record.grid)}: {'; '.join(told)}"
    yield from plan_lines(record)


def _rows(record: CalibrationRecord) -> tuple[tuple[str, ...], ...]:
    named = [(f"bin {number}{ENDS.get(number, '')}", bound) for number, bound in enumerate(record.bins, start=1)]
    named += [("geometric mean of all levels", record.geometric), ("mean loss", record.arithmetic)]
    return tuple((name, *_ratios(bound)) for name, bound in named)


def _ratios(bound: Bound) -> tuple[str, str, str]:
    return (f"{math.exp(bound.mean):.3f}", f"{math.exp(bound.upper):.3f}", "yes" if bound.upper < 0 else "no")
