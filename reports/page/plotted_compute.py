"""Compute to the baseline's loss as plain data for the page's scripts: logarithms, which its axis shows as ratios."""

from __future__ import annotations

from typing import Any

from reports.content.grid_report import GridReport
from reports.text import plain
from results.metrics import describe


def plotted_compute(report: GridReport, index: dict[str, int]) -> dict[str, Any] | None:
    """A row an arm, in the shape of the forest plot's; None where there is nothing to show."""
    speed, rows = describe("speed"), []
    for each in report.analysis.compute:
        low, high = each.interval or (None, None)
        span = "" if low is None else f" [{speed.format(low)}, {speed.format(high)}]"
        told = f"{speed.format(each.compute)}{span}: R {speed.format(each.steps)} × MACs {speed.format(each.macs)}"
        row = {"arm": index[each.arm.name], "mean": each.compute, "low": low, "high": high, "seeds": [each.steps]}
        rows.append(row | {"text": told, "block": plain(each.arm.block, limit=40)})
    return {"axis": "R × relative MACs a step (← less)", "rows": rows} if rows else None
