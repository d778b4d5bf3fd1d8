"""HOW it is shown: tables and plots from records alone, on any machine, without torch."""

from __future__ import annotations

from reports.copies import write as write_neighbours
from reports.frame import Findings, find
from reports.heatmaps import write as write_heatmaps
from reports.render import Rendered, render, write
from reports.terminal import show, show_profiles

__all__ = [
    "Findings",
    "Rendered",
    "find",
    "render",
    "show",
    "show_profiles",
    "write",
    "write_heatmaps",
    "write_neighbours",
]
