"""Rule 6 of DESIGN.md: each arm against the baseline by paired seeds on the primary endpoint, and its verdict.

The rules in words, with formulas and the error rates measured on planted data: docs/statistics.md. In short: paired t
intervals that hold together in 95% of grids; ``better`` and ``worse`` where the interval lies on one side of zero,
``equivalent`` where two one-sided tests place the difference within the margin that the grid declared, else
``unresolved``; and no verdict at all (None) where nothing that was measured can carry one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reports.analysis import columns as cols
from reports.analysis import inference
from reports.analysis.summary import ArmSummary, Summary, arm_summary, paired_difference
from reports.text import plural
from reports.views.grid import ArmView, GridView
from results.metrics import describe

Verdict = Literal["better", "worse", "equivalent", "unresolved"]
VERDICTS: tuple[Verdict, ...] = ("better", "worse", "equivalent", "unresolved")

_NO_SPREAD = 1e-12  # a standard deviation below this share of the scores is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One arm against the baseline: arm minus baseline over paired seeds, in the metric's own unit (not scaled).

    Intervals hold together over the grid's arms at 95%. ``seeds_needed`` and ``mde`` take the observed spread (and, for
    the first, the observed difference) for the true ones; None where resolved already, or unknowable.
    """

    arm: str
    n_pairs: int
    difference: float | None
    sd: float | None  # of the differences
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
    """A whole grid's answer. ``answer`` is empty where ``why_none`` says why there is no verdict."""

    endpoint: cols.Column | None  # the reading of the endpoint that most pairs of seeds share
    margin: float | None
    comparisons: tuple[Comparison, ...]  # one an arm but the baseline
    arms: tuple[ArmSummary, ...]  # every arm over its seeds, the baseline too
    why_none: str | None
    answer: str
    method: str

    def of(self, arm: ArmView) -> Comparison | None:
        """The comparison of ``arm``; None for the baseline."""
        return next((found for found in self.comparisons if found.arm == arm.name), None)


def compare(grid: GridView) -> GridComparison:
    """Every arm against the grid's baseline on its primary endpoint, measured in one way on the same data."""
    from reports.content.wording import answer, method  # here, for it words what this module finds

    column = endpoint_column(grid)
    values = {arm.name: {} if column is None else cols.values(arm, column) for arm in grid.arms}
    judged, why = judge(grid, column, values)
    result = GridComparison(
        endpoint=column,
        margin=grid.endpoint.get("margin"),
        comparisons=judged,
        arms=tuple(arm_summary(arm, values[arm.name]) for arm in grid.arms),
        why_none=why,
        answer="",
        method=method(grid, judged),
    )
    return result if why else dataclasses.replace(result, answer=answer(grid, result))


def judge(
    grid: GridView, column: cols.Column | None, values: Mapping[str, Mapping[int, float]]
) -> tuple[tuple[Comparison, ...], str | None]:
    """The comparisons of each arm's ``values`` by seed, and why none of them has a verdict, if so."""
    found = _corrected([_measure(grid, arm, values) for arm in _challengers(grid)])
    why = why_none(grid, column, found)
    judged = tuple(
        _judge(grid, arm, c, silent=why is not None) for arm, c in zip(_challengers(grid), found, strict=True)
    )
    return judged, why or _all_pending(judged)


def endpoint_column(grid: GridView) -> cols.Column | None:
    """The way of measuring the endpoint that most pairs of seeds share; None before there is any score."""
    readings = [column for column in cols.columns(grid) if cols.is_endpoint(grid, column)]

    def pairs(column: cols.Column) -> tuple[int, int]:
        base = cols.values(grid.baseline, column).keys()
        return sum(len(base & cols.values(arm, column).keys()) for arm in _challengers(grid)), len(base)

    return max(readings, key=pairs) if readings else None


def why_none(grid: GridView, column: cols.Column | None, found: Sequence[Comparison]) -> str | None:
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
    if not found:
        return "the grid has the baseline alone"
    if max(comparison.n_pairs for comparison in found) < 2:
        seeds = max(len(arm.cells) for arm in grid.arms)
        if seeds < 2:
            return "one seed cannot tell an arm's effect from chance"
        return "no arm has two finished seeds in common with the baseline, measured in one way"
    return None


def _challengers(grid: GridView) -> list[ArmView]:
    return [arm for arm in grid.arms if not arm.is_baseline]


def _measure(grid: GridView, arm: ArmView, scores: Mapping[str, Mapping[int, float]]) -> Comparison:
    """All figures of one comparison, before Holm's correction and the verdict."""
    values, base = scores.get(arm.name, {}), scores.get(grid.baseline.name, {})
    pairs = paired_difference(values, base)
    failed = sum(not record.survived for record in arm.records)
    empty = Comparison(
        arm=arm.name, n_pairs=pairs.n if pairs else 0, difference=pairs.mean if pairs else None,
        sd=pairs.std if pairs else None, interval=None, p=None, p_holm=None, p_equivalent=None, effect_size=None,
        mde=None, verdict=None, seeds_needed=None, failed=failed, total=len(arm.cells), note="",
    )  # fmt: skip
    size = max(map(abs, [*values.values(), *base.values()]), default=0.0)
    if pairs is None or pairs.std is None or pairs.std <= _NO_SPREAD * size:
        return empty
    return _inferred(empty, pairs, pairs.std, arms=len(_challengers(grid)), margin=grid.endpoint.get("margin"))


def _inferred(found: Comparison, pairs: Summary, sd: float, *, arms: int, margin: float | None) -> Comparison:
    mean, n = pairs.mean, pairs.n
    return dataclasses.replace(
        found,
        interval=inference.interval(mean, sd, n, arms),
        p=inference.p_value(mean, sd, n),
        p_equivalent=None if margin is None else inference.p_equivalent(mean, sd, n, margin, arms),
        effect_size=mean / sd,
        mde=inference.detectable(sd, n, arms),
        seeds_needed=inference.seeds_needed(mean, sd, arms, margin),
    )


def _corrected(found: list[Comparison]) -> list[Comparison]:
    corrected = inference.holm([comparison.p for comparison in found], len(found))
    return [dataclasses.replace(c, p_holm=p) for c, p in zip(found, corrected, strict=True)]


def _judge(grid: GridView, arm: ArmView, found: Comparison, *, silent: bool) -> Comparison:
    """The comparison with its verdict, and a note of what the verdict does not say."""
    pending = _pending(grid, arm)
    if silent or found.n_pairs < 2 or pending:
        note = "" if silent and found.total == found.n_pairs else _missing(grid, arm, found, pending)
        return dataclasses.replace(found, verdict=None, seeds_needed=None, note=note)
    if found.interval is None:
        same = "the same score as the baseline at every seed" if found.difference == 0 else "no spread over seeds"
        return dataclasses.replace(found, verdict="unresolved", note=f"{same}: no interval can be had")
    verdict, note = _verdict(grid, found)
    resolved = verdict != "unresolved"
    return dataclasses.replace(found, verdict=verdict, note=note, seeds_needed=None if resolved else found.seeds_needed)


def _verdict(grid: GridView, found: Comparison) -> tuple[Verdict, str]:
    verdict, note = _undisputed(grid, found)
    rate = f"{found.failed} of {plural(found.total, 'seed')} failed"
    lost = sum(not record.survived for record in grid.baseline.records)
    if found.failed and verdict in ("better", "equivalent"):
        return "unresolved", f"{rate}: survivors alone cannot be {verdict}"
    if lost and verdict in ("worse", "equivalent"):
        return "unresolved", f"{plural(lost, 'seed')} of the baseline failed: against its survivors none is {verdict}"
    return verdict, "; ".join(part for part in (rate if found.failed else "", note) if part)


def _undisputed(grid: GridView, found: Comparison) -> tuple[Verdict, str]:
    """The verdict by the numbers alone."""
    assert found.difference is not None and found.sd is not None and found.interval is not None
    margin = grid.endpoint.get("margin")
    finding = inference.decide(found.difference, found.sd, found.n_pairs, margin, len(_challengers(grid)))
    low, high = found.interval
    if finding == "equivalent":
        return "equivalent", "a difference, but within the margin" if low > 0 or high < 0 else ""
    if finding == "unresolved":
        hint = "Holm's p alone is below 0.05, but the interval that holds for all arms at once includes zero"
        return "unresolved", hint if found.p_holm is not None and found.p_holm <= inference.ALPHA else ""
    return ("better" if finding == describe(grid.endpoint["metric"]).direction else "worse"), ""


def _pending(grid: GridView, arm: ArmView) -> int:
    """Cells of the arm and the baseline that are still to come: a verdict given before them would be a peek."""
    return sum(cell.record is None for view in (arm, grid.baseline) for cell in view.cells)


def _missing(grid: GridView, arm: ArmView, found: Comparison, pending: int) -> str:
    parts = [f"{plural(pending, 'cell')} to come"] if pending else []
    parts += [f"{found.failed} of {plural(found.total, 'seed')} failed"] if found.failed else []
    common = len({c.seed for c in arm.cells if c.survivor} & {c.seed for c in grid.baseline.cells if c.survivor})
    if common > found.n_pairs:
        parts.append(f"{plural(common - found.n_pairs, 'seed')} measured in another way than the baseline")
    if found.n_pairs < 2 and not pending:
        parts.append(f"{plural(found.n_pairs, 'pair')} of seeds: no interval")
    return "; ".join(parts)


def _all_pending(found: Sequence[Comparison]) -> str | None:
    if any(comparison.verdict for comparison in found):
        return None
    return "cells of the grid are still to come, and a look before the end would not keep the error rate"
