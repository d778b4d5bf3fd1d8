"""Each arm's look on the page, the same in every plot, table and legend: a colour, a marker and a dash pattern.

Colours and markers are those of the figures (``reports.plots``); where a grid has more arms than colours they start
again with each axis, as the figures do, and the dash pattern tells axes apart; blocks are told apart likewise.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.views.grid import ArmView, GridView

COLOURS, MARKERS, DASHES = 7, 7, 5  # that the style sheet and the scripts have, beside the baseline's
MANY = 8  # arms from which on each axis is a group of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Numbers of the style sheet's classes ``c<colour> d<dash>`` and of the scripts' markers."""

    group: str  # arms that are shown and hidden together; "" for a baseline that belongs to all
    colour: str
    marker: int
    dash: int

    @property
    def classes(self) -> str:
        return f"c{self.colour} d{self.dash}"


def looks(grid: GridView) -> dict[str, Look]:
    """The look of every arm of the grid, by the arm's name."""
    large, blocks = len(grid.arms) > MANY, len(grid.blocks) > 1
    members: dict[str, list[ArmView]] = {}
    for arm in grid.arms:
        if not arm.is_baseline:
            members.setdefault(arm.block or (next(iter(arm.options), "arms") if large else "arms"), []).append(arm)
    by_arm = {
        arm.name: Look(group=arm.block if blocks else "", colour="base", marker=0, dash=0)
        for arm in grid.arms
        if arm.is_baseline
    }
    for number, (group, arms) in enumerate(members.items()):
        for i, arm in enumerate(arms):
            turn = i // COLOURS
            shift = number // DASHES + turn  # as in the figures, until dash patterns are used up
            marker, dash = 1 + (i + shift) % MARKERS, (number + turn) % DASHES
            by_arm[arm.name] = Look(group=group, colour=str(i % COLOURS), marker=marker, dash=dash)
    return by_arm
