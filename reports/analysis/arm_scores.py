"""One score an arm at the endpoint's step: mean, interval and single seeds, for bars, trade-offs and scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reports.analysis import columns as cols
from reports.analysis.summary import interval95 as interval95
from reports.analysis.summary import summarise
from reports.views.grid import ArmView, GridView


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPoint:
    """An arm's score in the metric's own unit. ``interval`` is of the mean, at 95%; None for one seed."""

    arm: ArmView
    mean: float
    std: float | None
    interval: tuple[float, float] | None
    seeds: dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One column of a grid: the points of the arms that have one, the floor, and the card they share."""

    column: cols.Column
    is_endpoint: bool
    points: tuple[ArmPoint, ...]
    floor: float | None
    card: dict[str, Any]


def scores(grid: GridView) -> list[Scores]:
    """The endpoint, then a Fréchet distance and the validation loss where they are not the endpoint."""
    found = [c for c in cols.columns(grid) if _points(grid, c)]
    chosen: list[cols.Column] = _most(grid, [c for c in found if cols.is_endpoint(grid, c)])
    for kind in ("frechet", "loss"):
        if all(column.described.kind != kind for column in chosen):
            of_kind = [c for c in found if c.described.kind == kind]
            first = [c for c in of_kind if c.weights == grid.endpoint["weights"]] or of_kind
            chosen += _most(grid, first)
    return [_scores(grid, column) for column in chosen]


def endpoint_scores(grid: GridView) -> Scores | None:
    """The primary endpoint's scores, of the way of measuring that most arms share; None before there are any."""
    return next((found for found in scores(grid) if found.is_endpoint), None)


def _most(grid: GridView, columns: list[cols.Column]) -> list[cols.Column]:
    """The column with the most arms, first among equals; none of none."""
    return [max(columns, key=lambda c: len(_points(grid, c)))] if columns else []


def _scores(grid: GridView, column: cols.Column) -> Scores:
    return Scores(
        column=column,
        is_endpoint=cols.is_endpoint(grid, column),
        points=tuple(_points(grid, column)),
        floor=cols.floor(grid.arms, column),
        card=next(iter(cols.cards(grid.arms, column)), {}),
    )


def _points(grid: GridView, column: cols.Column) -> list[ArmPoint]:
    points = []
    for arm in grid.arms:
        seeds = cols.values(arm, column)
        if (summary := summarise(seeds.values())) is not None:
            interval = interval95(seeds.values())
            points.append(ArmPoint(arm=arm, mean=summary.mean, std=summary.std, interval=interval, seeds=seeds))
    return points
