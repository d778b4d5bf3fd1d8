"""Score against cost: MACs, parameters and throughput of each arm, and the arms that no other beats in both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from reports.analysis.arm_scores import ArmPoint, ArmScores
from reports.analysis.costs import CostColumns
from reports.views.grid import GridView
from results.metrics import Direction, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradeoff:
    """One cost of a grid's arms beside their scores; ``front`` holds the names of the arms on the Pareto front."""

    name: str  # "macs", "params", "train imgs_per_s"
    label: str
    scale: float
    direction: Direction
    how: str  # device and setting of a measured cost
    points: tuple[tuple[float, ArmPoint], ...]
    front: frozenset[str]


_SIZES: dict[Literal["macs", "params"], str] = {"macs": "GMACs, forward", "params": "parameters, M"}


def tradeoffs(grid: GridView, costs: Iterable[CostColumns], scores: ArmScores) -> list[Tradeoff]:
    """Costs (the network's own, then the measured ``costs``) in which at least two of the arms with a score differ."""
    costly = []
    for name, label in _SIZES.items():
        sizes = {arm.name: float(value) for arm in grid.arms if (value := arm.network_size(name)) is not None}
        costly.append(_tradeoff(name, label, describe(name).scale, "lower", "", sizes, scores))
    for measured in costs:
        rates = {name: float(record.timing["imgs_per_s"]) for name, record in measured.by_arm.items()}
        label = f"images/s ({measured.mode})"
        costly.append(_tradeoff(f"{measured.mode} imgs_per_s", label, 1.0, "higher", measured.how, rates, scores))
    return [tradeoff for tradeoff in costly if len({cost for cost, _ in tradeoff.points}) > 1]


def _tradeoff(
    name: str, label: str, scale: float, direction: Direction, how: str, costs: dict[str, float], scores: ArmScores
) -> Tradeoff:
    points = tuple((costs[p.arm.name], p) for p in scores.points if p.arm.name in costs)
    front = pareto_front([(cost, point.mean) for cost, point in points], direction, scores.column.described.direction)
    names = frozenset(points[i][1].arm.name for i in front)
    return Tradeoff(name=name, label=label, scale=scale, direction=direction, how=how, points=points, front=names)


def pareto_front(points: list[tuple[float, float]], cost: Direction, score: Direction) -> list[int]:
    """Indices of the (cost, score) points that no other point matches in one and beats in the other.

    None at all where one of the two has no direction.
    """
    if "none" in (cost, score):
        return []
    signs = tuple(1.0 if direction == "lower" else -1.0 for direction in (cost, score))
    signed = [(signs[0] * x, signs[1] * y) for x, y in points]
    return [i for i, (x, y) in enumerate(signed) if not any(a <= x and b <= y and (a < x or b < y) for a, b in signed)]
