"""All that follows from one grid's records, as numbers: made once and handed to tables, texts, figures and pages."""

from __future__ import annotations

from dataclasses import dataclass

from reports.analysis.arm_scores import ArmScores, arm_scores
from reports.analysis.columns import Column, columns
from reports.analysis.compare import compare
from reports.analysis.compute import ComputeRatio, compute_ratios
from reports.analysis.costs import CostColumns, cost_columns
from reports.analysis.equal_budgets import EqualBudget, equal_budgets
from reports.analysis.interactions import Interaction, interactions
from reports.analysis.paper import PaperColumn, paper_column
from reports.analysis.paper_agreement import Agreement, agreement
from reports.analysis.skill_levels import LevelPanel, level_panels
from reports.analysis.speed_reading import SpeedReading, speed_readings
from reports.analysis.steps_to_quality import StepsToQuality, steps_to_quality
from reports.analysis.sweeps import Sweep, sweeps
from reports.analysis.trajectories import trajectories
from reports.analysis.verdicts import GridComparison
from reports.views.grid import GridView


@dataclass(frozen=True, slots=True, kw_only=True)
class GridAnalysis:
    """One grid in numbers: what its tables, texts and figures share."""

    grid: GridView
    columns: tuple[Column, ...]
    comparison: GridComparison  # its ``endpoint`` is the column that everything below judges
    budgets: tuple[EqualBudget, ...]
    quality: tuple[StepsToQuality, ...]
    costs: tuple[CostColumns, ...]
    paper: PaperColumn | None
    agreement: Agreement | None
    sweeps: tuple[Sweep, ...]
    interactions: tuple[Interaction, ...]  # of a grid of blocks; exploratory
    compute: tuple[ComputeRatio, ...]  # exploratory
    readings: tuple[SpeedReading, ...]  # how R is read, where speed is the endpoint
    levels: tuple[LevelPanel, ...]  # skill by noise level, a panel a linear filter
    scores: tuple[ArmScores, ...]


def analyse(grid: GridView) -> GridAnalysis:
    """The grid's analysis from what is on record now; each question is asked once."""
    every = columns(grid)
    comparison, paper = compare(grid, every), paper_column(grid)
    endpoint = comparison.endpoint
    curves = {} if endpoint is None else trajectories(grid, endpoint)
    return GridAnalysis(
        grid=grid,
        columns=tuple(every),
        comparison=comparison,
        budgets=tuple(equal_budgets(grid, comparison, curves)),
        quality=tuple(steps_to_quality(grid, endpoint, curves)),
        costs=tuple(cost_columns(grid)),
        paper=paper,
        agreement=agreement(grid, paper, endpoint),
        sweeps=tuple(sweeps(grid)),
        interactions=tuple(interactions(grid, endpoint)),
        compute=tuple(compute_ratios(grid, comparison)),
        readings=() if comparison.speed is None else tuple(speed_readings(grid, comparison.speed)),
        levels=tuple(level_panels(grid)),
        scores=tuple(arm_scores(grid, every)),
    )
