"""The sampling error of single scores: how far one would move with other images of the same model.

It comes from a jackknife over generated images at scoring time (the card's ``sampling_se``; records of earlier versions
have none). It says nothing of other seeds, which move a score more, and enters no verdict.
"""

from __future__ import annotations

import math

from reports.analysis import columns as cols
from reports.views.grid import ArmView, GridView

LABEL = "sampling standard error of one score"


def errors(arm: ArmView, column: cols.Column) -> list[float]:
    """Those of the arm's seeds that have one."""
    found = (card.get("sampling_se") for card in cols.cards([arm], column))
    return [float(e) for e in found if isinstance(e, int | float) and not isinstance(e, bool)]


def typical(arm: ArmView, column: cols.Column) -> float | None:
    """The root mean square over the arm's seeds; None where no score has an error."""
    found = errors(arm, column)
    return math.sqrt(sum(e * e for e in found) / len(found)) if found else None


def lines(grid: GridView) -> list[str]:
    """One line a shown column: the smallest and largest error of its scores."""
    result = []
    for column in cols.columns(grid):
        found = [e for arm in grid.arms for e in errors(arm, column)] if cols.shown(grid, column) else []
        if found:
            low, high = (column.described.format(end) for end in (min(found), max(found)))
            span = low if low == high else f"{low} to {high}"
            result.append(
                f"{column.label}: {LABEL} {span} (block jackknife over its images; says nothing of other seeds and "
                "enters no verdict)"
            )
    return result
