"""How alike a network's blocks are (CKA): which records stand side by side, and what a map says in numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reports.views.find import Findings
from reports.views.grid import GridView
from results.cka import CkaRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCka:
    """A CKA record under the name that a figure shows."""

    name: str
    record: CkaRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CkaSummary:
    """A mean map in four numbers; blocks count from 1."""

    neighbours: float  # mean CKA of blocks that follow each other
    pairs: float  # mean CKA of all pairs of different blocks
    lowest: float
    lowest_pair: tuple[int, int]


def of_grid(grid: GridView, records: Iterable[CkaRecord]) -> list[NamedCka]:
    """The grid's CKA records in the arms' order: of each arm its lowest seed that has any, at its last step.

    Records of one figure were measured alike: the protocol that most arms have.
    """
    alike: dict[tuple[object, ...], dict[str, CkaRecord]] = {}
    seeds = {cell.train_id: (arm.name, cell.seed) for arm in grid.arms for cell in arm.cells}
    mine = [record for record in records if record.train_id in seeds]
    for record in sorted(mine, key=lambda r: (-r.step, seeds[r.train_id][1])):
        alike.setdefault(_protocol(record), {}).setdefault(seeds[record.train_id][0], record)
    if not alike:
        return []
    by_arm = max(alike.values(), key=len)
    return [NamedCka(name=arm.name, record=by_arm[arm.name]) for arm in grid.arms if arm.name in by_arm]


def _protocol(record: CkaRecord) -> tuple[object, ...]:
    return (record.step, record.weights, record.split, record.images, record.batch_size, *record.times)


def loose(findings: Findings) -> list[NamedCka]:
    """CKA records of cells of no grid, under their variants' names."""
    used = {cell.train_id for grid in findings.grids for cell in grid.cells}
    return [NamedCka(name=record.variant, record=record) for record in findings.cka if record.train_id not in used]


def summary(record: CkaRecord) -> CkaSummary:
    """What a record's mean map says in four numbers; a network of one block has no pair, and all are 1."""
    mean, blocks = record.mean, range(record.blocks)
    pairs = [(mean[i][j], (i + 1, j + 1)) for i in blocks for j in blocks if i < j] or [(1.0, (1, 1))]
    adjacent = [value for value, (i, j) in pairs if j == i + 1] or [1.0]
    lowest, pair = min(pairs)
    return CkaSummary(
        neighbours=math.fsum(adjacent) / len(adjacent),
        pairs=math.fsum(value for value, _ in pairs) / len(pairs),
        lowest=lowest,
        lowest_pair=pair,
    )
