"""Score against cost: MACs, parameters and throughput of each arm, and the arms that no other beats in both."""

from __future__ import annotations

from dataclasses import dataclass

from reports.analysis.arm_scores import ArmPoint, Scores
from reports.analysis.costs import cost_columns
from reports.content.arm_table import size
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


def tradeoffs(grid: GridView, scores: Scores) -> list[Tradeoff]:
    """Costs in which at least two of the arms with a score differ."""
    found = []
    for name, label in (("macs", "GMACs, forward"), ("params", "parameters, M")):
        costs = {arm.name: float(value) for arm in grid.arms if (value := size(arm, name)) is not None}
        found.append(_tradeoff(name, label, describe(name).scale, "lower", "", costs, scores))
    for measured in cost_columns(grid):
        rates = {name: float(record.timing["imgs_per_s"]) for name, record in measured.by_arm.items()}
        label = f"images/s ({measured.mode})"
        found.append(_tradeoff(f"{measured.mode} imgs_per_s", label, 1.0, "higher", measured.how, rates, scores))
    return [tradeoff for tradeoff in found if len({cost for cost, _ in tradeoff.points}) > 1]


def _tradeoff(
    name: str, label: str, scale: float, direction: Direction, how: str, costs: dict[str, float], scores: Scores
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
