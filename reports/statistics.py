"""Descriptive statistics over seeds. Tests, intervals and verdicts (rule 6) belong here when they come."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reports.frame import GridView
from reports.text import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Mean over ``n`` seeds and the sample standard deviation (n − 1), None for one seed."""

    mean: float
    std: float | None
    n: int


def summarise(numbers: Collection[float]) -> Summary | None:
    """Mean, standard deviation and count; None without numbers."""
    if not numbers:
        return None
    std = statistics.stdev(numbers) if len(numbers) > 1 else None
    return Summary(mean=statistics.fmean(numbers), std=std, n=len(numbers))


def paired_difference(arm: Mapping[int, float], baseline: Mapping[int, float]) -> Summary | None:
    """Arm minus baseline over the seeds that both have: they saw the same data and noise (rule 1)."""
    return summarise([arm[seed] - baseline[seed] for seed in sorted(arm.keys() & baseline.keys())])


def why_no_verdict(grid: GridView) -> str:
    """One sentence: why this report gives no verdict on the grid."""
    baseline = grid.baseline
    seeds = max((len(arm.survivors) for arm in grid.arms), default=0)
    if undertrained := baseline.count("undertrained"):
        return (
            f"the baseline {baseline.name} is undertrained ({undertrained} of {plural(len(baseline.cells), 'seed')}): "
            "it had not left the first phase, in which a network only learns to copy the noise"
        )
    if not baseline.survivors:
        return f"the baseline {baseline.name} has no finished cell to compare with"
    if seeds < 2:
        return "one seed cannot tell an arm's effect from chance"
    return f"the {seeds} seeds an arm are described here, not tested"
