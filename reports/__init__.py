"""HOW it is shown: tables and plots from records alone, on any machine, without torch."""

from __future__ import annotations

from reports.formats.terminal import show, show_profiles
from reports.pictures.cka_maps import write as write_heatmaps
from reports.pictures.neighbours import write as write_neighbours
from reports.render import Rendered, render, write
from reports.views.find import Findings, find

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
