"""HOW it is shown: tables and plots from records alone, on any machine, without torch.

From the ground up, each room importing those before it alone: ``views`` (what records say), ``analysis`` (what follows,
in numbers), ``content`` (what is said, in no format), ``plots`` and ``pictures`` (how it is drawn), ``formats`` and
``page`` (how it is written), ``watch`` and ``render``; ``footguns`` and ``simulation`` stand on these.
"""

from __future__ import annotations

from reports.analysis.calibration import CalibrationCells, calibrate
from reports.content.calibration_table import calibration_lines
from reports.content.grid_report import GridReports, compose
from reports.content.verdict_list import open_arms, verdicts
from reports.formats.terminal import show, show_profiles
from reports.pictures.cka_maps import write as write_heatmaps
from reports.pictures.neighbours import write as write_neighbours
from reports.render import Rendered, render, write
from reports.views.find import Findings, find

__all__ = [
    "CalibrationCells",
    "Findings",
    "GridReports",
    "Rendered",
    "calibrate",
    "calibration_lines",
    "compose",
    "find",
    "open_arms",
    "render",
    "show",
    "show_profiles",
    "verdicts",
    "write",
    "write_heatmaps",
    "write_neighbours",
]
