"""What published records show of the footguns: the grid ``skip`` on ``photos``, two seeds, budget ``cpu``."""

from __future__ import annotations

from pathlib import Path

from reports.analysis import columns as cols
from reports.views.find import find
from reports.views.grid import GridView


def grid(folder: Path) -> GridView:
    """The published grid. Raises ValueError where ``folder`` has none."""
    grids = find(folder).grids
    if not grids:
        raise ValueError(f"{folder}: expected a grid in it, got none: name a folder of `uvit run` with --records")
    return grids[0]


def differences(grid: GridView) -> dict[str, dict[int, float]]:
    """The primary endpoint's differences from the baseline, by arm and seed."""
    column = next(column for column in cols.columns(grid) if cols.is_endpoint(grid, column))
    base = column.values(grid.baseline)
    return {
        arm.name: {seed: value - base[seed] for seed, value in column.values(arm).items() if seed in base}
        for arm in grid.arms
        if not arm.is_baseline
    }


def losses(grid: GridView, seed: int) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """The validation losses of one seed as (step, val_loss), by arm and weights."""
    curves: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for arm in grid.arms:
        for cell in arm.cells:
            if cell.seed == seed and cell.record is not None:
                for score in cell.record.scores:
                    if score.metric == "val_loss" and score.value is not None:
                        curves.setdefault((arm.name, score.weights), []).append((score.step, score.value))
    return {key: sorted(points) for key, points in curves.items()}


def relative_sizes(grid: GridView) -> dict[str, tuple[float, float]]:
    """Each arm's parameters and MACs relative to the baseline's, in percent of difference."""
    sizes = {}
    for arm in grid.arms:
        own, base = ([of.network_size("params"), of.network_size("macs")] for of in (arm, grid.baseline))
        if all(own) and all(base):
            params, macs = (100 * (a / b - 1) for a, b in zip(own, base, strict=True) if a and b)
            sizes[arm.name] = (params, macs)
    return sizes
