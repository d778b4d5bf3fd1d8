"""The same from records that were published: the grid ``skip`` on ``photos``, two seeds, budget ``cpu``."""

from __future__ import annotations

from pathlib import Path

from reports.analysis import columns as cols
from reports.content.arm_table import size
from reports.views.find import find
from reports.views.grid import GridView


def grid(folder: Path) -> GridView:
    """The published grid. Raises ValueError where ``folder`` has none."""
    found = find(folder).grids
    if not found:
        raise ValueError(f"{folder}: expected a grid in it, got none: name a folder of `uvit run` with --records")
    return found[0]


def differences(found: GridView) -> dict[str, dict[int, float]]:
    """By arm and seed: the endpoint's difference from the baseline."""
    column = next(column for column in cols.columns(found) if cols.is_endpoint(found, column))
    base = cols.values(found.baseline, column)
    return {
        arm.name: {seed: value - base[seed] for seed, value in cols.values(arm, column).items() if seed in base}
        for arm in found.arms
        if not arm.is_baseline
    }


def losses(found: GridView, seed: int) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """By arm and weights: (step, val_loss) of one seed."""
    curves: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for arm in found.arms:
        for cell in arm.cells:
            if cell.seed == seed and cell.record is not None:
                for score in cell.record.scores:
                    if score.metric == "val_loss" and score.value is not None:
                        curves.setdefault((arm.name, score.weights), []).append((score.step, score.value))
    return {key: sorted(points) for key, points in curves.items()}


def relative_sizes(found: GridView) -> dict[str, tuple[float, float]]:
    """By arm: parameters and MACs relative to the baseline's, in percent of difference."""
    sizes = {}
    for arm in found.arms:
        own = [size(arm, name) for name in ("params", "macs")]
        base = [size(found.baseline, name) for name in ("params", "macs")]
        if all(own) and all(base):
            params, macs = (100 * (a / b - 1) for a, b in zip(own, base, strict=True) if a and b)
            sizes[arm.name] = (params, macs)
    return sizes
