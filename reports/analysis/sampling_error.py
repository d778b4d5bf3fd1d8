"""The sampling error of single scores: how far one would move with other images of the same model.

It comes from a jackknife over generated images at scoring time (the card's ``sampling_se``; records of earlier versions
have none). It says nothing of other seeds, which move a score more, and enters no verdict.
"""

from __future__ import annotations

import math

from reports.analysis import columns as cols
from reports.views.grid import ArmView


def errors(arm: ArmView, column: cols.Column) -> list[float]:
    """The sampling errors of the arm's scores in ``column``, of the seeds that have one."""
    told = (card.get("sampling_se") for card in column.cards([arm]))
    return [float(e) for e in told if isinstance(e, int | float) and not isinstance(e, bool)]


def typical(arm: ArmView, column: cols.Column) -> float | None:
    """The arm's sampling error in ``column``: the root mean square over its seeds; None where no score has one."""
    each = errors(arm, column)
    return math.sqrt(sum(e * e for e in each) / len(each)) if each else None
