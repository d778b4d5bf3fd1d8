"""Rates over many simulated grids: coverage of the intervals, false verdicts, and effects that were seen."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reports.analysis.columns import columns
from reports.analysis.verdicts import GridComparison, Verdict, compare, endpoint_column
from reports.simulation.planted import LEVEL, MARGIN, SimulationPlan, effects, grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """``hits`` of ``trials``; trials that share a grid are not independent, so the error is of ``grids`` grids."""

    hits: int
    trials: int
    grids: int

    @property
    def value(self) -> float:
        return self.hits / self.trials

    @property
    def error(self) -> float:
        """Monte-Carlo standard error, as if each grid were one trial; one hit stands for none, or it would be zero."""
        p = min(max(self.value, 1 / self.grids), 1 - 1 / self.grids)
        return math.sqrt(p * (1 - p) / self.grids)


def pooled(a: Rate, b: Rate) -> Rate:
    """The rate over the grids of both."""
    return Rate(hits=a.hits + b.hits, trials=a.trials + b.trials, grids=a.grids + b.grids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What a plan's grids showed. Rates of false verdicts count grids with at least one; ``seen`` counts arms."""

    plan: SimulationPlan
    simultaneous: Rate  # grids in which every interval of a difference holds the truth
    single: Rate  # arms whose own interval over seeds holds their true mean
    false: dict[str, Rate]  # "better", "worse", "equivalent", and "any" of them
    seen: Rate  # arms whose effect was found, where there is one


def measure(plan: SimulationPlan, *, grids: int) -> Rates:
    """Judge ``grids`` planted grids as a report would."""
    count: Counter[str] = Counter()
    for number in range(grids):
        count.update(_one(plan, number))

    def rate(name: str, per_grid: int = 1) -> Rate:
        return Rate(hits=count[name], trials=per_grid * grids, grids=grids)

    return Rates(
        plan=plan,
        simultaneous=rate("simultaneous"),
        single=rate("single", 1 + plan.arms),
        false={name: rate(f"false {name}") for name in ("better", "worse", "equivalent", "any")},
        seen=rate("seen", plan.arms),
    )


def judged(plan: SimulationPlan, number: int) -> GridComparison:
    """The verdicts of grid ``number``, by the code that judges real grids."""
    planted = grid(plan, number)
    return compare(planted, endpoint_column(planted, columns(planted)))


def _one(plan: SimulationPlan, number: int) -> Iterable[str]:
    """What one grid adds to the counts, by name."""
    truth, compared = effects(plan), judged(plan, number)
    pairs = list(zip(truth, compared.comparisons, strict=True))
    if all(_holds(comparison.interval, true) for true, comparison in pairs):
        yield "simultaneous"
    for true, arm in zip((0.0, *truth), compared.arms, strict=True):
        if _holds(arm.interval, LEVEL + true):
            yield "single"
    false = {c.verdict for true, c in pairs if c.verdict is not None and is_false(c.verdict, true)}
    yield from (f"false {verdict}" for verdict in false)
    if false:
        yield "false any"
    yield from ("seen" for true, c in pairs if true and c.verdict == ("better" if true < 0 else "worse"))


def _holds(interval: tuple[float, float] | None, truth: float) -> bool:
    return interval is not None and interval[0] <= truth <= interval[1]


def is_false(verdict: Verdict, effect: float) -> bool:
    """Whether ``verdict`` contradicts the true ``effect``, of a score of which less is better."""
    if verdict == "equivalent":
        return abs(effect) >= MARGIN
    return (verdict == "better" and effect >= 0) or (verdict == "worse" and effect <= 0)
