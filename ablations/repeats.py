"""Repeats of a plan's cells: the same seeds once more, to tell what differs between two runs of one cell.

A repeat is never a seed: its record lies in ``DIR/repeats``, and no mean, interval or verdict has it.
"""

from __future__ import annotations

import dataclasses

from ablations.planning import Plan


def with_repeats(plan: Plan, count: int) -> Plan:
    """The plan and ``count`` repeats of its cells, in their order: one a cell before any cell has two."""
    cells = [
        dataclasses.replace(prepared, cell=dataclasses.replace(prepared.cell, repeat=1 + number // len(plan.cells)))
        for number in range(count)
        for prepared in [plan.cells[number % len(plan.cells)]]
    ]
    return dataclasses.replace(plan, cells=[*plan.cells, *cells])
