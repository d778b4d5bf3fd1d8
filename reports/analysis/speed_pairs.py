"""R of every arm and seed against the baseline of the same seed: which curves it is read off, or why there is none.

The training losses serve where they are the same quantity in all arms and are still of new images; else the validation
losses of raw weights do, where there are enough. docs/statistics.md, "Speed".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from reports.analysis import columns as cols
from reports.analysis.speed import LATE, SpeedRatio, loss_points, speed_ratio
from reports.views.grid import ArmView, GridView
from results.record import Record

CurveName = Literal["train_loss", "val_loss"]
Ratios = Mapping[str, Mapping[int, SpeedRatio]]  # by arm and seed

MOST_PASSES = 3  # over the training set; beyond that a training loss is of images that were learnt before
FEWEST_POINTS = 16  # of a curve

# what a training loss is of, with what records from before there was a choice stand for
_SAME = {"process": "vp", "prediction": "eps", "loss_space": "own", "weighting": "none", "times": "uniform",
         "condition": "none", "p_uncond": 0.0}  # fmt: skip

_Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedPairs:
    """R by arm and seed over whole curves, and over their last two thirds; ``why_none`` where there is no R at all."""

    curve: CurveName
    ratios: Ratios = field(default_factory=dict)
    late: Ratios = field(default_factory=dict)
    why_none: str | None = None
    curves: Mapping[str, Mapping[int, _Points]] = field(default_factory=dict)  # (step, loss) by arm and seed

    def bounds(self, arm: str, seeds: Iterable[int]) -> int:
        """How many of the ``seeds`` have an R that is a bound."""
        by_seed = self.ratios.get(arm, {})
        return sum(by_seed[seed].is_bound for seed in seeds if seed in by_seed)

    def late_mean(self, arm: str, seeds: Iterable[int]) -> float | None:
        """The mean log of the late R over those of ``seeds`` that have one."""
        by_seed = self.late.get(arm, {})
        logs = [by_seed[seed].log_ratio for seed in seeds if seed in by_seed]
        return math.fsum(logs) / len(logs) if logs else None


def speed_pairs(grid: GridView) -> SpeedPairs:
    """The ratios of all arms whose seed has a curve beside its baseline's."""
    unsuited = _unsuited(grid)
    name: CurveName = "val_loss" if unsuited else "train_loss"
    curves = {arm.name: _curves(grid, arm, name) for arm in grid.arms}
    if not any(curves.values()):
        told = f"{unsuited}, and " if unsuited else ""
        return SpeedPairs(curve=name, why_none=f"{told}no finished cell has {_needed(name)}")
    found: dict[str, dict[int, SpeedRatio]] = {}
    late: dict[str, dict[int, SpeedRatio]] = {}
    for arm in grid.challengers:
        own, base = curves[arm.name], curves[grid.baseline_of(arm).name]
        pairs = {seed: (own[seed], base[seed]) for seed in sorted(own.keys() & base.keys())}
        found[arm.name] = {seed: speed_ratio(*pair) for seed, pair in pairs.items()}
        late[arm.name] = {seed: speed_ratio(*pair, skipped=LATE) for seed, pair in pairs.items()}
    return SpeedPairs(curve=name, ratios=found, late=late, curves=curves)


def speed_column(grid: GridView, pairs: SpeedPairs) -> cols.Column | None:
    """log R as a column: the baseline's is 0 by definition, so that differences by seed are log R themselves."""
    if pairs.why_none is not None:
        return None
    logs = {arm: {seed: ratio.log_ratio for seed, ratio in by_seed.items()} for arm, by_seed in pairs.ratios.items()}
    zero: dict[str, dict[int, float]] = {arm.name: {} for arm in grid.arms if arm.is_baseline}
    for arm in grid.challengers:
        zero[grid.baseline_of(arm).name] |= dict.fromkeys(logs[arm.name], 0.0)
    how = (("curve", pairs.curve),)
    return cols.Column(
        metric=grid.metric_name, weights=grid.weights, step=grid.step or 0, how=how, computed=zero | logs
    )


def _unsuited(grid: GridView) -> str | None:
    """Why the training losses do not compare; None where they do."""
    for block in grid.blocks:
        records = [record for arm in grid.arms if arm.block == block for record in arm.records]
        for key, usual in _SAME.items():
            if len(found := {_text(record.training.get(key, usual)) for record in records}) > 1:
                differing = " in some arms and ".join(sorted(found))
                return f"the training losses do not compare ({key} is {differing} in others)"
    passes = max((_passes(record) for arm in grid.arms for record in arm.records), default=0.0)
    if passes > MOST_PASSES:
        return f"the training losses are of images seen up to {passes:.0f} times"
    return None


def _text(value: Any) -> str:
    return str(float(value)) if isinstance(value, int | float) else str(value)


def _passes(record: Record) -> float:
    """Passes over the training set; 0 where the record does not say its size."""
    size, steps, batch = record.dataset.get("train"), record.training.get("steps"), record.training.get("batch_size")
    known = all(isinstance(number, int) and number > 0 for number in (size, steps, batch))
    return steps * batch / size if known else 0.0  # type: ignore[operator]


def _needed(name: CurveName) -> str:
    if name == "train_loss":
        return f"a training curve of {FEWEST_POINTS} points or more"
    return f"validation losses of raw weights at {FEWEST_POINTS} even steps or more (evaluation.val_every)"


def _curves(grid: GridView, arm: ArmView, name: CurveName) -> dict[int, _Points]:
    """The arm's curves by seed, of cells that trained to the end, up to the endpoint's step."""
    last = grid.step
    curves = {}
    for cell in arm.cells:
        if (record := cell.survivor) is not None:
            points = loss_points(record.losses) if name == "train_loss" else _validation(record)
            kept = [point for point in points if last is None or point[0] <= last]
            if _is_curve(kept, even=name == "val_loss"):
                curves[cell.seed] = kept
    return curves


def _validation(record: Record) -> _Points:
    """The validation losses of raw weights that were measured as the last of them was."""
    of_raw = [s for s in record.scores if (s.metric, s.weights) == ("val_loss", "raw") and s.value is not None]
    if not of_raw:
        return []
    how = cols.how_measured(record, max(of_raw, key=lambda score: score.step))
    points = {float(s.step): float(s.value or 0.0) for s in of_raw if cols.how_measured(record, s) == how}
    return [(step, points[step]) for step in sorted(points)]


def _is_curve(points: Sequence[tuple[float, float]], *, even: bool) -> bool:
    """Whether R can be read off the points: enough of them, at rising steps, of losses above 0."""
    steps = [0.0, *(step for step, _ in points)]
    gaps = [later - before for before, later in itertools.pairwise(steps)]
    if len(points) < FEWEST_POINTS or min(gaps) <= 0 or not all(loss > 0 for _, loss in points):
        return False
    return not even or (len(set(gaps[:-1])) == 1 and gaps[-1] <= gaps[0])
