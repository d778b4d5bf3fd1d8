"""Skill by noise level as plain data for the page's scripts: logarithms, which its axis shows as ratios."""

from __future__ import annotations

from typing import Any

from reports.analysis.skill_levels import ArmLevels, LevelPanel
from reports.content.grid_report import GridReport
from reports.content.units import drawn
from reports.text import plain
from results.metrics import describe


def plotted_levels(report: GridReport, index: dict[str, int]) -> list[dict[str, Any]]:
    """A panel a linear filter; arms are named by their ``index``."""
    return [
        {
            "title": plain(f"process {panel.linear_filter.process}"),
            "axis": "EMA eps-loss over the linear filter's (lower is better)",
            "snr": [[drawn(time), f"{value:g}".replace("-", "−")] for time, value in panel.snr_ticks()],
            "lines": [_line(panel, arm, index) for arm in panel.arms],
        }
        for panel in report.analysis.levels
    ]


def _line(panel: LevelPanel, arm: ArmLevels, index: dict[str, int]) -> dict[str, Any]:
    metric = describe("skill")
    band = []
    for time, (mean, low, high) in zip(panel.linear_filter.times, arm.band(), strict=True):
        text = metric.format(mean)
        if len(arm.seeds) > 1:
            text += f" ({metric.format(low)} to {metric.format(high)})"
        band.append([drawn(time), drawn(mean), drawn(low), drawn(high), text])
    return {"arm": index[arm.arm.name], "band": band, "seeds": [{"points": [], "failed": False}] * len(arm.seeds)}
