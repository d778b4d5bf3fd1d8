"""A grid in plain numbers: the rows of its CSV files and of ``--json``. Values are in each metric's own unit."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any, Literal, get_args

from reports.analysis import columns as cols
from reports.analysis.costs import peak_bytes
from reports.analysis.equal_budgets import EqualBudget
from reports.analysis.grid_analysis import GridAnalysis
from reports.analysis.sampling_error import typical
from reports.analysis.steps_to_quality import StepsToQuality
from reports.analysis.summary import SeedSummary, interval95, paired_difference, summarise
from reports.analysis.sweeps import Sweep, SweepLine
from reports.analysis.verdicts import Comparison, GridComparison
from reports.content.arm_table import difference
from reports.views.grid import ArmView
from results.record import STATUSES

Row = dict[str, Any]
_Size = Literal["params", "macs"]


def arm_rows(analysis: GridAnalysis) -> list[Row]:
    """A row an arm: all columns of its scores, its verdict and its costs, then the fair views and steps to quality."""
    errors = {c.csv: {arm.name: typical(arm, c) for arm in analysis.grid.arms} for c in analysis.columns}
    rows = []
    for arm in analysis.grid.arms:
        row = _cells(arm) | _sizes(analysis, arm)
        for column in analysis.columns:
            row |= _scores(analysis, arm, column, errors[column.csv])
        row |= _ratios(analysis.comparison, arm) | _measured_costs(analysis, arm)
        if analysis.paper:
            row[f"paper {analysis.paper.metric.name}"] = analysis.paper.value(arm)
        if analysis.agreement:
            row["paper sign"] = analysis.agreement.signs.get(arm.name)
        rows.append(row | _fair_views(analysis, arm))
    return rows


def _cells(arm: ArmView) -> Row:
    statuses = {f"n_{name}": arm.count(name) for name in STATUSES}
    pending = sum(cell.record is None for cell in arm.cells)
    row: Row = {"arm": arm.name, "variant": arm.variant, "baseline": arm.is_baseline}
    return row | {"n_cells": len(arm.cells), **statuses, "n_pending": pending}


def _sizes(analysis: GridAnalysis, arm: ArmView) -> Row:
    row: Row = {}
    names: tuple[_Size, ...] = get_args(_Size)
    for name in names:
        value, base = arm.network_size(name), analysis.grid.baseline_of(arm).network_size(name)
        row |= {name: value, f"delta_{name}": None if value is None or base is None else value - base}
    return row


def _scores(analysis: GridAnalysis, arm: ArmView, column: cols.Column, errors: dict[str, float | None]) -> Row:
    """One column of an arm; ``errors`` are the sampling errors of all arms in it."""
    grid, values = analysis.grid, column.values(arm).values()
    low, high = interval95(values) or (None, None)
    row = _numbers(column.csv, summarise(values)) | {f"{column.csv} low": low, f"{column.csv} high": high}
    if any(errors.values()):
        row[f"{column.csv} sampling_se"] = errors[arm.name]
    if cols.is_endpoint(grid, column):
        row |= _numbers(f"delta {column.csv}", difference(grid, arm, column))
    if analysis.comparison.measures(column) or analysis.comparison.judges(column):
        row |= _verdict(column, analysis.comparison.of(arm))
    return row


def _numbers(name: str, summary: SeedSummary | None) -> Row:
    if summary is None:
        return {f"{name} mean": None, f"{name} std": None, f"{name} n": 0}
    return {f"{name} mean": summary.mean, f"{name} std": summary.std, f"{name} n": summary.n}


def _verdict(column: cols.Column, comparison: Comparison | None) -> Row:
    """One arm's inference; all None for the baseline."""
    name = f"delta {column.csv}"
    low, high = (comparison.interval if comparison else None) or (None, None)
    return {
        f"{name} low": low,
        f"{name} high": high,
        f"{name} p": comparison.p if comparison else None,
        f"{name} p_holm": comparison.p_holm if comparison else None,
        f"{name} effect_size": comparison.effect_size if comparison else None,
        f"{name} mde": comparison.mde if comparison else None,
        "verdict": comparison.verdict if comparison else None,
        "seeds_needed": comparison.seeds_needed if comparison else None,
    }


def _ratios(compared: GridComparison, arm: ArmView) -> Row:
    """R and skill of an arm where speed is the endpoint, as ratios; all None for a baseline, but its own skill."""
    if compared.endpoint is None or not compared.endpoint.computed:
        return {}
    found = compared.of(arm)
    row = _ratio(found, "R") | {
        "R n": found.n_pairs if found else 0,
        "R late": _exp(found.late if found else None),
        "R bounds": found.bounds if found else None,
        "R p": found.p if found else None,
        "R p_holm": found.p_holm if found else None,
        "R mde": _exp(found.mde if found else None),
        "verdict": found.verdict if found else None,
        "look": found.look if found else None,
        "seeds_needed": found.seeds_needed if found else None,
    }
    skill = compared.secondary
    if skill is None or skill.endpoint is None:
        return row
    own, against = summarise(skill.endpoint.values(arm).values()), skill.of(arm)
    row |= {"skill": _exp(own.mean if own else None), "skill n": own.n if own else 0}
    return row | _ratio(against, "skill ratio") | {"skill finding": against.verdict if against else None}


def _ratio(comparison: Comparison | None, name: str) -> Row:
    low, high = (comparison.interval if comparison else None) or (None, None)
    mean = comparison.difference if comparison else None
    return {name: _exp(mean), f"{name} low": _exp(low), f"{name} high": _exp(high)}


def _exp(log: float | None) -> float | None:
    return None if log is None else math.exp(min(log, 700.0))


def comparison_rows(compared: GridComparison) -> list[Row]:
    """The comparisons for ``--json``: as they are, and of a ratio the ratio too."""
    ratio = compared.endpoint is not None and compared.endpoint.described.ratio
    return [asdict(c) | (_ratio(c, "ratio") if ratio else {}) for c in compared.comparisons]


def _measured_costs(analysis: GridAnalysis, arm: ArmView) -> Row:
    row: Row = {}
    for cost in analysis.costs:
        record = cost.by_arm.get(arm.name)
        row[f"imgs_per_s {cost.mode}"] = record.timing["imgs_per_s"] if record else None
        row[f"peak_mem_bytes {cost.mode}"] = peak_bytes(record) if record else None
    return row


def _fair_views(analysis: GridAnalysis, arm: ArmView) -> Row:
    row: Row = {}
    for view in analysis.budgets:
        if view.exists and not view.is_declared:
            row |= _budget(view, analysis.grid.baseline_of(arm), arm)
    if analysis.quality:
        row |= _quality({item.arm: item for item in analysis.quality}.get(arm.name))
    return row


def _budget(view: EqualBudget, baseline: ArmView, arm: ArmView) -> Row:
    name, own = f"equal {view.name}", view.values.get(arm.name, {})
    summary, comparison = summarise(own.values()), view.of(arm.name)
    delta = paired_difference(own, view.values.get(baseline.name, {})) if comparison else None
    low, high = (comparison.interval if comparison else None) or (None, None)
    return {
        f"{name} step": view.at.get(arm.name),
        f"{name} mean": summary.mean if summary else None,
        f"{name} std": summary.std if summary else None,
        f"{name} n": summary.n if summary else 0,
        f"{name} delta": delta.mean if delta else None,
        f"{name} delta low": low,
        f"{name} delta high": high,
        f"{name} p_holm": comparison.p_holm if comparison else None,
        f"{name} finding": comparison.verdict if comparison else None,
    }


def _quality(arm: StepsToQuality | None) -> Row:
    low, high = (arm.interval if arm else None) or (None, None)
    return {
        "steps_to_quality": arm.share if arm else None,
        "steps_to_quality low": low,
        "steps_to_quality high": high,
        "steps_to_quality n_reached": len(arm.shares) if arm else None,
        "steps_to_quality n_early": arm.early if arm else None,
    }


def sampler_rows(analysis: GridAnalysis) -> list[Row]:
    """A row a metric, weights, arm, sampler and number of evaluations of the grid's sweep."""
    return [
        _swept(sweep, line, nfe) for sweep in analysis.sweeps for line in sweep.lines for nfe in sorted(line.values)
    ]


def _swept(sweep: Sweep, line: SweepLine, nfe: int) -> Row:
    summary = summarise(line.values[nfe].values())
    assert summary is not None
    return {
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
