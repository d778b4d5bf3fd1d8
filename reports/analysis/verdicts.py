"""Rule 6 of docs/design.md: each arm against the baseline by paired seeds on the primary endpoint, and its verdict.

The rules in words, with formulas and the error rates measured on planted data: docs/statistics.md. In short: intervals
from moderated variances that hold together in 95% of grids; ``equivalent`` where two one-sided tests place the
difference within the margin that the grid declared, ``better`` and ``worse`` where the interval excludes zero, else
``unresolved``; and no verdict at all (None) where nothing that was measured can carry one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reports.analysis import columns as cols
from reports.analysis import inference, power
from reports.analysis.summary import ArmSummary, arm_summary, paired_difference
from reports.text import plural
from reports.views.grid import ArmView, GridView

Verdict = Literal["better", "worse", "equivalent", "unresolved"]
VERDICTS: tuple[Verdict, ...] = ("better", "worse", "equivalent", "unresolved")

_NO_SPREAD = 1e-12  # a standard deviation below this share of the scores is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One arm against the baseline: arm minus baseline over paired seeds, in the metric's own unit (not scaled).

    Intervals hold together over the grid's arms at 95%. ``seeds_needed`` and ``mde`` take the moderated spread (and,
    for the first, the observed difference) for the true ones; None where resolved already, or unknowable.
    """

    arm: str
    n_pairs: int
    difference: float | None
    sd: float | None  # of the differences; None without a spread over two pairs or more
    se: float | None  # of their mean, from the moderated variance, with ``df`` degrees of freedom
    df: float | None
    interval: tuple[float, float] | None
    p: float | None  # two-sided, uncorrected
    p_holm: float | None
    p_equivalent: float | None  # of two one-sided tests within the margin, corrected
    effect_size: float | None  # difference / sd
    mde: float | None  # difference that would be seen with 80% power
    verdict: Verdict | None
    seeds_needed: int | None
    failed: int
    total: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GridComparison:
    """A whole grid's verdicts; where there are none, ``why_none`` says why."""

    endpoint: cols.Column | None  # the reading of the endpoint that most pairs of seeds share
    margin: float | None
    comparisons: tuple[Comparison, ...]  # one an arm but the baseline
    arms: tuple[ArmSummary, ...]  # every arm over its seeds, the baseline too
    why_none: str | None

    def of(self, arm: ArmView) -> Comparison | None:
        """The comparison of ``arm``; None for the baseline."""
        return next((comparison for comparison in self.comparisons if comparison.arm == arm.name), None)

    def judges(self, column: cols.Column) -> bool:
        """Whether there are verdicts, and they stand on ``column``."""
        return self.why_none is None and self.endpoint is not None and self.endpoint.key == column.key


def compare(grid: GridView, column: cols.Column | None) -> GridComparison:
    """Every arm against the grid's baseline in ``column``, the grid's endpoint measured in one way on the same data."""
    values = {arm.name: {} if column is None else column.values(arm) for arm in grid.arms}
    comparisons, why = judge(grid, column, values)
    return GridComparison(
        endpoint=column,
        margin=grid.margin,
        comparisons=comparisons,
        arms=tuple(arm_summary(arm, values[arm.name]) for arm in grid.arms),
        why_none=why,
    )


def judge(
    grid: GridView, column: cols.Column | None, values: Mapping[str, Mapping[int, float]]
) -> tuple[tuple[Comparison, ...], str | None]:
    """The comparisons of each arm's ``values`` by seed, and why none of them has a verdict, if so."""
    measured = _corrected(_moderated([_measure(grid, arm, values) for arm in grid.challengers], grid.margin))
    why = why_none(grid, column, measured)
    judged = tuple(
        _judge(grid, arm, c, silent=why is not None) for arm, c in zip(grid.challengers, measured, strict=True)
    )
    return judged, why or _all_pending(judged)


def endpoint_column(grid: GridView, columns: Iterable[cols.Column]) -> cols.Column | None:
    """Of the grid's columns, the way of measuring the endpoint that most pairs of seeds share; None without a score."""
    readings = [column for column in columns if cols.is_endpoint(grid, column)]

    def pairs(column: cols.Column) -> tuple[int, int]:
        base = column.values(grid.baseline).keys()
        return sum(len(base & column.values(arm).keys()) for arm in grid.challengers), len(base)

    return max(readings, key=pairs) if readings else None


def why_none(grid: GridView, column: cols.Column | None, comparisons: Sequence[Comparison]) -> str | None:
    """One sentence when no arm of the grid can have a verdict, else None."""
    baseline = grid.baseline
    if undertrained := baseline.count("undertrained"):
        return (
            f"the baseline {baseline.name} is undertrained ({undertrained} of {plural(len(baseline.cells), 'seed')}): "
            "it had not left the first phase, in which a network only learns to copy the noise"
        )
    if not baseline.survivors:
        return f"the baseline {baseline.name} has no finished cell to compare with"
    if column is None:
        return "no finished cell has a score of the primary endpoint"
    if column.described.direction == "none":
        return f"nothing says which way {column.metric} is better"
    if not comparisons:
        return "the grid has the baseline alone"
    if max(comparison.n_pairs for comparison in comparisons) < 2:
        seeds = max(len(arm.cells) for arm in grid.arms)
        if seeds < 2:
            return "one seed cannot tell an arm's effect from chance"
        return "no arm has two finished seeds in common with the baseline, measured in one way"
    return None


def _measure(grid: GridView, arm: ArmView, scores: Mapping[str, Mapping[int, float]]) -> Comparison:
    """What one arm's pairs say by themselves; ``sd`` is None where they have no spread to speak of."""
    values, base = scores.get(arm.name, {}), scores.get(grid.baseline.name, {})
    pairs = paired_difference(values, base)
    size = max(map(abs, [*values.values(), *base.values()]), default=0.0)
    sd = None if pairs is None or pairs.std is None or pairs.std <= _NO_SPREAD * size else pairs.std
    return Comparison(
        arm=arm.name, n_pairs=pairs.n if pairs else 0, difference=pairs.mean if pairs else None, sd=sd, se=None,
        df=None, interval=None, p=None, p_holm=None, p_equivalent=None, effect_size=None, mde=None, verdict=None,
        seeds_needed=None, failed=sum(not record.survived for record in arm.records), total=len(arm.cells), note="",
    )  # fmt: skip


def _moderated(comparisons: list[Comparison], margin: float | None) -> list[Comparison]:
    """The comparisons with all that follows from their variances together; one without a spread lends and has none."""
    errors = inference.moderated_errors([None if c.sd is None else (c.n_pairs, c.sd) for c in comparisons])
    return [
        c if error is None else _inferred(c, *error, arms=len(comparisons), margin=margin)
        for c, error in zip(comparisons, errors, strict=True)
    ]


def _inferred(comparison: Comparison, se: float, df: float, *, arms: int, margin: float | None) -> Comparison:
    mean, sd = comparison.difference, comparison.sd
    assert mean is not None and sd is not None
    return dataclasses.replace(
        comparison,
        se=se,
        df=df,
        interval=inference.interval(mean, se, df, arms),
        p=inference.p_value(mean, se, df),
        p_equivalent=None if margin is None else inference.p_equivalent(mean, se, df, margin, arms),
        effect_size=mean / sd,
        mde=power.detectable(se, df, arms),
        seeds_needed=power.seeds_needed(mean, se * math.sqrt(comparison.n_pairs), arms, margin),
    )


def _corrected(comparisons: list[Comparison]) -> list[Comparison]:
    """The comparisons with Holm's p-values over all of them."""
    corrected = inference.holm([comparison.p for comparison in comparisons], len(comparisons))
    return [dataclasses.replace(c, p_holm=p) for c, p in zip(comparisons, corrected, strict=True)]


def _judge(grid: GridView, arm: ArmView, comparison: Comparison, *, silent: bool) -> Comparison:
    """The comparison with its verdict, and a note of what the verdict does not say."""
    pending = _pending(grid, arm)
    if silent or comparison.n_pairs < 2 or pending:
        note = "" if silent and comparison.total == comparison.n_pairs else _missing(grid, arm, comparison, pending)
        return dataclasses.replace(comparison, verdict=None, seeds_needed=None, note=note)
    if comparison.interval is None:
        same = "the same score as the baseline at every seed" if comparison.difference == 0 else "no spread over seeds"
        return dataclasses.replace(comparison, verdict="unresolved", note=f"{same}: no interval can be had")
    verdict, note = _verdict(grid, comparison)
    resolved = verdict != "unresolved"
    needed = None if resolved else comparison.seeds_needed
    return dataclasses.replace(comparison, verdict=verdict, note=note, seeds_needed=needed)


def _verdict(grid: GridView, comparison: Comparison) -> tuple[Verdict, str]:
    verdict, note = _undisputed(grid, comparison)
    rate = f"{comparison.failed} of {plural(comparison.total, 'seed')} failed"
    lost = sum(not record.survived for record in grid.baseline.records)
    if comparison.failed and verdict in ("better", "equivalent"):
        return "unresolved", f"{rate}: survivors alone cannot be {verdict}"
    if lost and verdict in ("worse", "equivalent"):
        return "unresolved", f"{plural(lost, 'seed')} of the baseline failed: against its survivors none is {verdict}"
    return verdict, "; ".join(part for part in (rate if comparison.failed else "", note) if part)


def _undisputed(grid: GridView, comparison: Comparison) -> tuple[Verdict, str]:
    """The verdict by the numbers alone."""
    assert comparison.difference is not None and comparison.interval is not None
    assert comparison.se is not None and comparison.df is not None
    arms = len(grid.challengers)
    index = inference.decide(comparison.difference, comparison.se, comparison.df, margin=grid.margin, arms=arms)
    finding = inference.FINDINGS[int(index)]
    low, high = comparison.interval
    if finding == "equivalent":
        return "equivalent", "a difference, but within the margin" if low > 0 or high < 0 else ""
    if finding == "unresolved":
        hint = "Holm's p alone is below 0.05, but the interval that holds for all arms at once includes zero"
        return "unresolved", hint if comparison.p_holm is not None and comparison.p_holm <= inference.ALPHA else ""
    return ("better" if finding == grid.metric.direction else "worse"), ""


def _pending(grid: GridView, arm: ArmView) -> int:
    """Cells of the arm and the baseline that are still to come: a verdict given before them would be a peek."""
    return sum(cell.record is None for view in (arm, grid.baseline) for cell in view.cells)


def _missing(grid: GridView, arm: ArmView, comparison: Comparison, pending: int) -> str:
    parts = [f"{plural(pending, 'cell')} to come"] if pending else []
    parts += [f"{comparison.failed} of {plural(comparison.total, 'seed')} failed"] if comparison.failed else []
    common = len({c.seed for c in arm.cells if c.survivor} & {c.seed for c in grid.baseline.cells if c.survivor})
    if common > comparison.n_pairs:
        parts.append(f"{plural(common - comparison.n_pairs, 'seed')} measured in another way than the baseline")
    if comparison.n_pairs < 2 and not pending:
        parts.append(f"{plural(comparison.n_pairs, 'pair')} of seeds: no interval")
    return "; ".join(parts)


def _all_pending(comparisons: Sequence[Comparison]) -> str | None:
    if any(comparison.verdict for comparison in comparisons):
        return None
    return "cells of the grid are still to come, and a look before the end would not keep the error rate"
