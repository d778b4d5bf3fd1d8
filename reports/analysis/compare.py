"""Each arm against its baseline on the grid's primary endpoint: the comparisons and their verdicts (`verdicts`).

Where the endpoint is speed, skill stands beside it as the secondary one. It has intervals at an error rate of its own,
and one say: an arm that is faster but worse at the end is not ``better``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from reports.analysis import columns as cols
from reports.analysis.judgement import Judgement, Values, beyond, endpoint_column
from reports.analysis.planned_looks import LookPlan, look_plan
from reports.analysis.silence import Silence, silences, why_none
from reports.analysis.skill import skill_column, why_no_skill
from reports.analysis.speed_pairs import SpeedPairs, speed_column, speed_pairs
from reports.analysis.summary import arm_summary
from reports.analysis.verdicts import Comparison, GridComparison
from reports.views.grid import GridView
from results.metrics import describe

EARLY_LEVEL = "C"  # of validity, at which skill says nothing yet


def compare(grid: GridView, columns: Sequence[cols.Column]) -> GridComparison:
    """Every arm against its baseline in the grid's endpoint, measured in one way on the same data."""
    plan = look_plan(grid)
    if grid.metric.kind != "speed":
        column = endpoint_column(grid, columns)
        comparisons, why = judge(grid, column, _values(grid, column), plan=plan)
        return _grid_comparison(grid, column, grid.margin, comparisons, why, plan)
    pairs = speed_pairs(grid)
    column = speed_column(grid, pairs)
    values = _values(grid, column)
    judged, why = judge(grid, column, values, plan=plan, no_curve=pairs.why_none)
    secondary = _skill(grid, judged, plan, silent=why is not None)
    found = [_of_speed(pairs, values, plan, comparison) for comparison in judged]
    weighed = [_weighed(c, secondary.comparisons) for c in found]
    made = _grid_comparison(grid, column, grid.margin, weighed, why, plan)
    return dataclasses.replace(made, speed=pairs, secondary=secondary)


def judge(
    grid: GridView,
    column: cols.Column | None,
    values: Values,
    *,
    plan: LookPlan | None = None,
    no_curve: str | None = None,
) -> tuple[list[Comparison], str | None]:
    """The comparisons of each arm's ``values`` by seed, and why none of them has a verdict, if so."""
    metric, plan = (grid.metric if column is None else column.described), plan or look_plan(grid)
    judgement = Judgement(grid=grid, metric=metric, values=values, margin=grid.margin, plan=plan)
    found = judgement.at_looks()
    silent = silences(grid, column, found, no_curve)
    why = why_none(grid, silent)
    judged = [_heard(grid, judgement, c, silent, alone=why is None) for c in found]
    baselines = {arm.name: grid.baseline_of(arm).name for arm in grid.challengers}
    judged = [beyond(c, metric, values, baselines[c.arm]) if why is None else c for c in judged]
    return judged, why or _all_pending(judged)


def _values(grid: GridView, column: cols.Column | None) -> dict[str, dict[int, float]]:
    return {arm.name: {} if column is None else column.values(arm) for arm in grid.arms}


def _grid_comparison(
    grid: GridView,
    column: cols.Column | None,
    margin: float | None,
    comparisons: Sequence[Comparison],
    why: str | None,
    plan: LookPlan,
) -> GridComparison:
    values = _values(grid, column)
    return GridComparison(
        endpoint=column,
        margin=margin,
        comparisons=tuple(comparisons),
        arms=tuple(arm_summary(arm, values[arm.name]) for arm in grid.arms),
        why_none=why,
        plan=plan,
    )


def _heard(
    grid: GridView, judgement: Judgement, comparison: Comparison, silent: Mapping[str, Silence], *, alone: bool
) -> Comparison:
    """The comparison, without a verdict where its block can have none or its look is still to come.

    ``alone``: other blocks have verdicts, so that the reason stands beside this arm.
    """
    arm = next(each for each in grid.arms if each.name == comparison.arm)
    silence, look = silent.get(arm.block), max(comparison.look, 1)
    if silence is None and comparison.look:
        return comparison
    note = judgement.missing(comparison, look)
    if silence is None:
        note, is_open = note or f"waits for the look at {judgement.plan.looks[0]} seeds", True
    else:
        is_open = not silence.is_final
        note = silence.reason if alone else "" if comparison.total == comparison.n_pairs else note
    return dataclasses.replace(comparison, verdict=None, seeds_needed=None, note=note, is_open=is_open)


def _all_pending(comparisons: Sequence[Comparison]) -> str | None:
    if any(comparison.verdict for comparison in comparisons):
        return None
    return "cells of the grid are still to come, and a look before the end would not keep the error rate"


def _of_speed(pairs: SpeedPairs, values: Values, plan: LookPlan, comparison: Comparison) -> Comparison:
    """The comparison with the late R, and how many of its seeds have a bound only."""
    seeds = [seed for seed in plan.seeds_at(max(comparison.look, 1)) if seed in values[comparison.arm]]
    late, bounds = pairs.late_mean(comparison.arm, seeds), pairs.bounds(comparison.arm, seeds)
    return dataclasses.replace(comparison, late=late, bounds=bounds)


def _skill(grid: GridView, primary: Sequence[Comparison], plan: LookPlan, *, silent: bool) -> GridComparison:
    """Skill at the looks of the primary endpoint, at 5% of its own."""
    column, levels = skill_column(grid), {found.level for found in grid.calibrations.values()}
    margins = {found.skill_margin for found in grid.calibrations.values()}
    margin = margins.pop() if len(margins) == 1 else None
    judgement = Judgement(
        grid=grid, metric=describe("skill"), values=_values(grid, column), margin=margin or None, plan=plan
    )
    found, why = judgement.beside(primary), None
    if column is None:
        why = why_no_skill(grid)
    elif EARLY_LEVEL in levels:
        why = "validity level C: early training, of which skill says nothing yet"
    elif silent:
        why = "the primary endpoint has no verdict"
    if why is not None:
        found = [dataclasses.replace(c, verdict=None, seeds_needed=None, note="") for c in found]
    return _grid_comparison(grid, column, judgement.margin, found, why, plan)


def _weighed(comparison: Comparison, secondary: Sequence[Comparison]) -> Comparison:
    """The comparison with what skill has against it: `better` becomes `mixed`, other words get a note."""
    skill = next(each for each in secondary if each.arm == comparison.arm)
    if comparison.verdict is None or skill.interval is None:
        return comparison
    within = skill.p_equivalent is not None and skill.p_equivalent <= skill.alpha
    low, high = skill.interval
    word = "" if within else "worse" if low > 0 else "better" if high < 0 else ""
    if comparison.verdict == "better" and word == "worse":
        told, verdict = "faster, worse at the end", "mixed"
    elif (comparison.verdict, word) == ("worse", "better"):
        told, verdict = "slower, better at the end", comparison.verdict
    elif comparison.verdict == "equivalent" and word:
        told, verdict = f"equal in steps, {word} at the end", comparison.verdict
    else:
        return comparison
    metric = describe("skill")
    span = f"skill {metric.format(skill.difference)} times the baseline's [{metric.format(low)}, {metric.format(high)}]"
    note = "; ".join(part for part in (f"{told} ({span})", comparison.note) if part)
    return dataclasses.replace(comparison, verdict=verdict, note=note)  # type: ignore[arg-type]
