"""Interactions of a grid of blocks: does an arm's difference from its baseline change from block to block? Exploratory.

Each is a difference of two differences over the seeds that all four cells have, against the first block, so its
standard deviation is √2 times theirs. No verdict is given on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports.analysis import columns as cols
from reports.analysis import inference
from reports.analysis.summary import SeedSummary, paired_difference
from reports.views.grid import ArmView, GridView


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """How much more an arm differs from its baseline in ``block`` than in ``first``; of a ratio in logarithms.

    ``interval`` holds together with those of all interactions of the grid at 95%.
    """

    arm: str  # without its block
    block: str
    first: str
    difference: float
    interval: tuple[float, float] | None
    seeds: int


def interactions(grid: GridView, column: cols.Column | None) -> list[Interaction]:
    """The interactions of all arms that stand in the first block too; none without a second block or a score."""
    if column is None or len(grid.blocks) < 2:
        return []
    first, *others = grid.blocks
    found: list[tuple[str, str, SeedSummary]] = []
    for arm in grid.challengers:
        like = next(
            (each for each in grid.challengers if each.block == first and each.bare_name == arm.bare_name), None
        )
        if arm.block in others and like is not None:
            summary = paired_difference(_differences(grid, arm, column), _differences(grid, like, column))
            if summary is not None:
                found.append((arm.bare_name, arm.block, summary))
    errors = inference.moderated_errors([(s.n, s.std) if s.std else None for _, _, s in found])
    return [
        Interaction(
            arm=arm,
            block=block,
            first=first,
            difference=summary.mean,
            interval=None if error is None else inference.interval(summary.mean, *error, len(found)),
            seeds=summary.n,
        )
        for (arm, block, summary), error in zip(found, errors, strict=True)
    ]


def _differences(grid: GridView, arm: ArmView, column: cols.Column) -> Mapping[int, float]:
    own, base = column.values(arm), column.values(grid.baseline_of(arm))
    return {seed: own[seed] - base[seed] for seed in own.keys() & base.keys()}
