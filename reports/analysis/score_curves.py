"""Curves as numbers: each arm's scores against steps, seed by seed, and their mean and range."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reports.analysis import columns as cols
from reports.views.grid import ArmView, GridView
from reports.views.references import process_of
from results.metrics import Metric, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One arm of a panel. ``seeds`` holds (step, value) points in order of step; ``failed`` its cells that stopped."""

    arm: ArmView
    seeds: dict[int, list[tuple[int, float]]]
    failed: frozenset[int]

    def band(self) -> list[tuple[int, float, float, float]]:
        """(step, mean, lowest, highest) at the steps that all surviving seeds have: no mean changes its members."""
        alive = [dict(points) for seed, points in self.seeds.items() if seed not in self.failed]
        if not alive:
            return []
        common = sorted(set.intersection(*(set(points) for points in alive)))
        by_step = [(step, [points[step] for points in alive]) for step in common]
        return [(step, sum(v) / len(v), min(v), max(v)) for step, v in by_step]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePanel:
    """One score of a grid: every arm's curve, measured in one way, and the floor."""

    metric: Metric
    weights: str
    is_endpoint: bool
    curves: tuple[Curve, ...]
    floor: float | None
    card: dict[str, Any] = field(default_factory=dict)  # what its scores share
    linear: float | None = None  # the loss of the linear filter on the same images, where it is known

    @property
    def last_step(self) -> int:
        """The last step at which any arm was scored."""
        return max(step for c in self.curves for points in c.seeds.values() for step, _ in points)

    @property
    def single_step(self) -> bool:
        """Whether the score was taken at one step only, so that there is no curve to draw."""
        return len({step for c in self.curves for points in c.seeds.values() for step, _ in points}) < 2


def panels(grid: GridView) -> list[CurvePanel]:
    """The curves of the endpoint, of a Fréchet distance and of the validation loss where these are not the endpoint."""
    endpoint = (grid.metric_name, grid.weights)
    seen = _measured(grid)
    chosen = [key for key in seen if key[:2] == endpoint][:1]
    for kind in ("frechet", "loss"):
        if not any(describe(key[0]).kind == kind for key in chosen):
            of_kind = [key for key in seen if describe(key[0]).kind == kind]
            # the most points, then the endpoint's weights, then EMA as the paper has it
            chosen += sorted(of_kind, key=lambda k: (-seen[k], k[1] != endpoint[1], k[1] != "ema"))[:1]
    order = sorted(chosen, key=lambda key: describe(key[0]).kind != "frechet")
    return [_panel(grid, key, is_endpoint=key[:2] == endpoint) for key in order]


_Key = tuple[str, str, cols.How]  # metric, weights


def _measured(grid: GridView) -> dict[_Key, int]:
    """Each way in which a score was measured, with its number of points."""
    seen: dict[_Key, int] = {}
    for arm in grid.arms:
        for record in arm.records:
            for score in record.scores:
                key = (score.metric, score.weights, cols.how_measured(record, score))
                seen[key] = seen.get(key, 0) + (score.value is not None)
    return {key: points for key, points in seen.items() if points}


def _panel(grid: GridView, key: _Key, *, is_endpoint: bool) -> CurvePanel:
    metric, weights, _ = key
    curves = tuple(curve for arm in grid.arms if (curve := _curve(arm, key)).seeds)
    steps = [points[-1][0] for curve in curves for points in curve.seeds.values()]
    return CurvePanel(
        metric=describe(metric),
        weights=weights,
        is_endpoint=is_endpoint,
        curves=curves,
        floor=_floor(grid, key, max(steps)),
        card=_card(grid, key),
        linear=_linear(grid, key, [curve.arm for curve in curves]),
    )


def _linear(grid: GridView, key: _Key, arms: list[ArmView]) -> float | None:
    """The linear filter's mean loss beside validation losses; None where arms compare with none or with several."""
    metric, _, how = key
    if metric != "val_loss":
        return None
    seen = {(dict(how).get("fingerprint"), process_of(record.training)) for arm in arms for record in arm.records}
    found = {each.mean for each in grid.linear_filters if each.measured_on in seen}
    return found.pop() if len(found) == len(seen) == 1 else None


def loss_panel(grid: GridView) -> CurvePanel | None:
    """The training loss of every arm, each point the mean since the one before; None where no record has any."""
    curves = []
    for arm in grid.arms:
        records = {cell.seed: cell.record for cell in arm.cells if cell.record is not None and cell.record.losses}
        if records:
            seeds = {s: [(int(p["step"]), float(p["loss"])) for p in r.losses] for s, r in records.items()}
            failed = frozenset(seed for seed, record in records.items() if not record.survived)
            curves.append(Curve(arm=arm, seeds=seeds, failed=failed))
    if not curves:
        return None
    metric = describe("train_loss")
    return CurvePanel(metric=metric, weights="raw", is_endpoint=False, curves=tuple(curves), floor=None)


def _floor(grid: GridView, key: _Key, step: int) -> float | None:
    """The floor beside the scores at ``step`` that were measured so, of cells that trained to the end."""
    return cols.first_floor(
        score.card
        for arm in grid.arms
        for record in arm.survivors
        for score in record.scores
        if score.step == step and (score.metric, score.weights, cols.how_measured(record, score)) == key
    )


def _card(grid: GridView, key: _Key) -> dict[str, Any]:
    """The first card of a score that was measured so, survivor or not."""
    for arm in grid.arms:
        for record in arm.records:
            for score in record.scores:
                if (score.metric, score.weights, cols.how_measured(record, score)) == key:
                    return score.card
    return {}


def _curve(arm: ArmView, key: _Key) -> Curve:
    seeds: dict[int, list[tuple[int, float]]] = {}
    failed = set()
    for cell in arm.cells:
        if cell.record is None:
            continue
        points = sorted(
            (score.step, score.value)
            for score in cell.record.scores
            if score.value is not None
            and (score.metric, score.weights) == key[:2]
            and cols.how_measured(cell.record, score) == key[2]
        )
        if points:
            seeds[cell.seed] = points
            if not cell.record.survived:
                failed.add(cell.seed)
    return Curve(arm=arm, seeds=seeds, failed=frozenset(failed))
