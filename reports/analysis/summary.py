"""Descriptive statistics over seeds. Tests and verdicts (rule 6) are in reports/analysis/verdicts.py."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reports.views.grid import ArmView


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSummary:
    """Mean over ``n`` seeds and the sample standard deviation (n − 1), None for one seed."""

    mean: float
    std: float | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSummary:
    """One arm over the seeds that trained to the end; ``interval`` is of the mean, at 95%, for this arm alone."""

    arm: str
    summary: SeedSummary | None
    interval: tuple[float, float] | None
    failed: int
    total: int


def summarise(numbers: Collection[float]) -> SeedSummary | None:
    """Mean, standard deviation and count; None without numbers."""
    if not numbers:
        return None
    std = statistics.stdev(numbers) if len(numbers) > 1 else None
    return SeedSummary(mean=statistics.fmean(numbers), std=std, n=len(numbers))


def paired_difference(arm: Mapping[int, float], baseline: Mapping[int, float]) -> SeedSummary | None:
    """Arm minus baseline over the seeds that both have: they saw the same data and noise (rule 1)."""
    return summarise([arm[seed] - baseline[seed] for seed in sorted(arm.keys() & baseline.keys())])


def interval95(numbers: Collection[float]) -> tuple[float, float] | None:
    """Student's t interval of the mean; None for fewer than two numbers."""
    summary = summarise(numbers)
    if summary is None or summary.std is None:
        return None
    from reports.analysis.inference import mean_interval  # here, for a table of single seeds needs no scipy

    return mean_interval(summary.mean, summary.std, summary.n)


def arm_summary(arm: ArmView, values: Mapping[int, float]) -> ArmSummary:
    """Mean, standard deviation and interval of ``values`` by seed, and how many of the arm's cells failed."""
    failed = sum(not record.survived for record in arm.records)
    return ArmSummary(
        arm=arm.name,
        summary=summarise(values.values()),
        interval=interval95(values.values()),
        failed=failed,
        total=len(arm.cells),
    )
