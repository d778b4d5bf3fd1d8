"""How R is read off two curves, as plain data for the page's scripts: an arm and its baseline a panel."""

from __future__ import annotations

import math
from typing import Any

from reports.analysis.speed import Points
from reports.analysis.speed_reading import SpeedReading
from reports.content.grid_report import GridReport
from reports.content.units import drawn
from reports.content.wording import CURVES
from reports.text import plain, steps
from results.metrics import describe

_POINTS = 60  # of a curve, which a screen does not tell from more


def plotted_readings(report: GridReport, index: dict[str, int]) -> list[dict[str, Any]]:
    """A panel an arm that has an R; arms are named by their ``index``."""
    pairs = report.analysis.comparison.speed
    if pairs is None:
        return []
    return [_panel(reading, CURVES[pairs.curve], index) for reading in report.analysis.readings]


def _panel(reading: SpeedReading, curve: str, index: dict[str, int]) -> dict[str, Any]:
    at, name = reading.at, plain(reading.arm.name, limit=60)
    word = "at least" if at.is_bound and at.ratio.log_ratio > 0 else "at most" if at.is_bound else "="
    r = f"R {word} {describe('speed').format(at.ratio.log_ratio)}"
    told = f"{steps(round(at.arm_step))} steps for the baseline's {steps(round(at.baseline_step))}"
    return {
        "title": f"{name} (seed {reading.seed})",
        "axis": f"mean {curve} so far (geometric)",
        "first": drawn(reading.first_shown()),
        "level": drawn(math.exp(at.level)),
        "steps": [drawn(at.arm_step), drawn(at.baseline_step)],
        "text": f"{r}: {told}",
        "lines": [
            _line(index[reading.baseline.name], reading.shown(reading.base)),
            _line(index[reading.arm.name], reading.shown(reading.own)),
        ],
    }


def _line(arm: int, shown: Points) -> dict[str, Any]:
    apart = -(-len(shown) // _POINTS)
    kept = [point for i, point in enumerate(shown) if (len(shown) - 1 - i) % apart == 0]
    losses = [(step, math.exp(mean)) for step, mean in kept]
    return {
        "arm": arm,
        "seeds": [],
        "band": [[drawn(step), drawn(loss), drawn(loss), drawn(loss), f"{loss:.5f}"] for step, loss in losses],
    }
