"""Score against network evaluations, sampler by sampler: what a grid's sweep scored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from reports.analysis import columns as cols
from reports.views.asked import draw_of
from reports.views.grid import GridView
from results.metrics import Metric, describe
from results.record import Score

_DRAWN = ("sampler", "nfe")  # the facts of a card in which a sweep's scores differ


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepLine:
    """One arm with one sampler: values by evaluations, then by seed."""

    arm: str
    sampler: str
    values: dict[int, dict[int, float]]

    def points(self) -> list[tuple[int, float, float, float]]:
        """(evaluations, mean, lowest, highest) over seeds."""
        by_nfe = [(nfe, list(seeds.values())) for nfe, seeds in sorted(self.values.items())]
        return [(nfe, sum(v) / len(v), min(v), max(v)) for nfe, v in by_nfe]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """All that a grid's sweep scored with one metric and weights, measured one way."""

    metric: Metric
    weights: str
    step: int
    lines: tuple[SweepLine, ...]
    floor: float | None
    card: dict[str, Any] = field(default_factory=dict)  # what its scores share

    @property
    def evaluations(self) -> list[int]:
        """Every number of evaluations that was scored, ascending."""
        return sorted({nfe for line in self.lines for nfe in line.values})


def sweeps(grid: GridView) -> list[Sweep]:
    """What the grid's sweep scored, the Fréchet distances first; none for a grid without one."""
    groups: dict[tuple[Any, ...], list[tuple[str, int, Score]]] = {}
    for arm, seed, score, how in _scores(grid):
        groups.setdefault((score.metric, score.weights, score.step, how), []).append((arm, seed, score))
    made = [_sweep(grid, key, members) for key, members in groups.items()]
    return sorted(made, key=lambda sweep: (sweep.metric.kind != "frechet", sweep.metric.name, sweep.weights))


def _scores(grid: GridView) -> Iterator[tuple[str, int, Score, tuple[tuple[str, str], ...]]]:
    for arm in grid.arms:
        for cell in arm.cells:
            if cell.record is not None:
                for score in cell.swept:
                    if score.value is not None:
                        how = cols.how_measured(cell.record, score)
                        yield arm.name, cell.seed, score, tuple(fact for fact in how if fact[0] not in _DRAWN)


def _sweep(grid: GridView, key: tuple[Any, ...], members: list[tuple[str, int, Score]]) -> Sweep:
    metric, weights, step, _ = key
    values: dict[tuple[str, str], dict[int, dict[int, float]]] = {}
    for arm, seed, score in members:
        draw = draw_of(score)
        assert draw is not None and score.value is not None
        values.setdefault((arm, draw[0]), {}).setdefault(draw[1], {})[seed] = score.value
    order = {arm.name: i for i, arm in enumerate(grid.arms)}
    asked = list(dict.fromkeys(sampler for sampler, _ in grid.draws("sweep")))
    rank = sorted(values, key=lambda pair: (order[pair[0]], _place(pair[1], asked)))
    lines = tuple(SweepLine(arm=arm, sampler=sampler, values=values[arm, sampler]) for arm, sampler in rank)
    first = members[0][2]
    card = {key: value for key, value in first.card.items() if key not in _DRAWN}
    return Sweep(
        metric=describe(metric),
        weights=weights,
        step=step,
        lines=lines,
        floor=cols.first_floor([first.card]),
        card=card,
    )


def _place(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)
