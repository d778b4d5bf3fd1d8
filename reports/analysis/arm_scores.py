"""One score an arm at the endpoint's step: mean, interval and single seeds, for bars, trade-offs and scaling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reports.analysis import columns as cols
from reports.analysis.summary import interval95, summarise
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
class ArmScores:
    """One column of a grid: the points of the arms that have one, the floor, and the card they share."""

    column: cols.Column
    is_endpoint: bool
    points: tuple[ArmPoint, ...]
    floor: float | None
    card: dict[str, Any]


def arm_scores(grid: GridView, columns: Sequence[cols.Column]) -> list[ArmScores]:
    """The arms' scores in the endpoint, then in a Fréchet distance and the validation loss where these are not it.

    ``columns`` are the grid's.
    """
    scored = [c for c in columns if _points(grid, c)]
    chosen: list[cols.Column] = _most(grid, [c for c in scored if cols.is_endpoint(grid, c)])
    for kind in ("frechet", "loss"):
        if all(column.described.kind != kind for column in chosen):
            of_kind = [c for c in scored if c.described.kind == kind]
            first = [c for c in of_kind if c.weights == grid.weights] or of_kind
            chosen += _most(grid, first)
    return [_scores(grid, column) for column in chosen]


def endpoint_scores(scores: Iterable[ArmScores]) -> ArmScores | None:
    """Of a grid's ``scores``, those of the primary endpoint; None before there are any."""
    return next((of_column for of_column in scores if of_column.is_endpoint), None)


def _most(grid: GridView, columns: list[cols.Column]) -> list[cols.Column]:
    """The column with the most arms, first among equals; none of none."""
    return [max(columns, key=lambda c: len(_points(grid, c)))] if columns else []


def _scores(grid: GridView, column: cols.Column) -> ArmScores:
    return ArmScores(
        column=column,
        is_endpoint=cols.is_endpoint(grid, column),
        points=tuple(_points(grid, column)),
        floor=column.floor(grid.arms),
        card=next(iter(column.cards(grid.arms)), {}),
    )


def _points(grid: GridView, column: cols.Column) -> list[ArmPoint]:
    points = []
    for arm in grid.arms:
        seeds = column.values(arm)
        if (summary := summarise(seeds.values())) is not None:
            interval = interval95(seeds.values())
            points.append(ArmPoint(arm=arm, mean=summary.mean, std=summary.std, interval=interval, seeds=seeds))
    return points
