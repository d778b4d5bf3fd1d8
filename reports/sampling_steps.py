"""Score against network evaluations, sampler by sampler, with the paper's Table 3 beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from reports import columns as cols
from reports.asked import Draw, draw_of, drawn
from reports.frame import GridView
from reports.statistics import summarise
from reports.tables import Table, show
from results.metrics import Metric, describe
from results.paper.steps import TABLE, table3
from results.record import Score

_DRAWN = ("sampler", "nfe")  # the facts of a card in which a sweep's scores differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One arm with one sampler: values by evaluations, then by seed."""

    arm: str
    sampler: str
    values: dict[int, dict[int, float]]

    def points(self) -> list[tuple[int, float, float, float]]:
        """(evaluations, mean, lowest, highest) over seeds."""
        found = [(nfe, list(seeds.values())) for nfe, seeds in sorted(self.values.items())]
        return [(nfe, sum(v) / len(v), min(v), max(v)) for nfe, v in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """All that a grid's sweep scored with one metric and weights, measured one way."""

    metric: Metric
    weights: str
    step: int
    lines: tuple[Line, ...]
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
    found = [_sweep(grid, key, members) for key, members in groups.items()]
    return sorted(found, key=lambda sweep: (sweep.metric.kind != "frechet", sweep.metric.name, sweep.weights))


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
    asked = list(dict.fromkeys(draw["sampler"] for draw in grid.manifest["evaluation"]["sweep"]))
    rank = sorted(values, key=lambda pair: (order[pair[0]], _place(pair[1], asked)))
    lines = tuple(Line(arm=arm, sampler=sampler, values=values[arm, sampler]) for arm, sampler in rank)
    first = members[0][2]
    card = {key: value for key, value in first.card.items() if key not in _DRAWN}
    return Sweep(metric=describe(metric), weights=weights, step=step, lines=lines, floor=_floor(first), card=card)


def _place(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)


def _floor(score: Score) -> float | None:
    value = score.card.get("floor")
    value = value.get("value") if isinstance(value, dict) else value
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def steps_table(grid: GridView, sweep: Sweep) -> Table:
    """A row a sampler (and arm, where there are several), a column a number of evaluations, then the paper's rows."""
    paper = table3() if sweep.metric.kind == "frechet" else ()
    evaluations = sorted({*sweep.evaluations, *(nfe for row in paper for nfe in row.values)})
    rows = [
        (name(grid, line), *(show(sweep.metric, summarise(line.values.get(nfe, {}).values())) for nfe in evaluations))
        for line in sweep.lines
    ]
    for row in paper:
        texts = (f"{row.values[nfe]:.2f}" if nfe in row.values else "" for nfe in evaluations)
        rows.append((f"paper †: {row.model}, {row.sampler}", *texts))
    arrow = " ".join((*sweep.metric.heading, f"({sweep.weights})"))
    headings = (f"{arrow}\nby network evaluations", *(f"{nfe:,}" for nfe in evaluations))
    return Table(headings=headings, blocks=(0,) * len(headings), rows=tuple(rows), floor=None, baseline=-1)


def name(grid: GridView, line: Line) -> str:
    """The sampler, with its arm where the grid has several."""
    return line.sampler if len(grid.arms) == 1 else f"{line.arm}, {line.sampler}"


def tables(grid: GridView) -> list[Table]:
    """A table a Fréchet distance; the CSV has the other metrics too."""
    return [steps_table(grid, sweep) for sweep in sweeps(grid) if sweep.metric.kind == "frechet"]


def remarks(grid: GridView) -> list[str]:
    """How to read the tables: the floor, where the paper's figures come from, and what was not scored."""
    found = [sweep for sweep in sweeps(grid) if sweep.metric.kind == "frechet"]
    if not found:
        return []
    lines = [
        f"after step {found[0].step:,}, the same weights and initial noise in every row; real held-out images score "
        + ", ".join(f"{s.metric.format(s.floor)} ({s.metric.label})" if s.floor is not None else "n/a" for s in found),
        f"† the paper's {TABLE.replace('T', 'Table ')}: FID-50K on ImageNet 256 through an autoencoder, DPM-Solver; "
        "other data, network and count: not comparable in value with ours, only in the shape along a row",
    ]
    if left_out := sorted(drawn([grid.manifest], "left_out")):
        lines.append(f"not scored under budget {grid.manifest['budget']}: {_list(left_out)} (evaluation.sweep_max_nfe)")
    return lines


def _list(draws: list[Draw]) -> str:
    return ", ".join(f"{sampler}:{nfe}" for sampler, nfe in draws)


def figures(grid: GridView) -> list[dict[str, Any]]:
    """A row a metric, weights, arm, sampler and number of evaluations: what the CSV file holds."""
    rows = []
    for sweep in sweeps(grid):
        for line in sweep.lines:
            for nfe, seeds in sorted(line.values.items()):
                summary = summarise(seeds.values())
                assert summary is not None
                rows.append(
                    {
                        "arm": line.arm,
                        "sampler": line.sampler,
                        "nfe": nfe,
                        "metric": sweep.metric.name,
                        "weights": sweep.weights,
                        "step": sweep.step,
                        "mean": summary.mean,
                        "std": summary.std,
                        "n": summary.n,
                        "floor": sweep.floor,
                    }
                )
    return rows
