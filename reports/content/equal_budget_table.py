"""The fair views and steps to quality as a table, as lines for a terminal, and as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.analysis.equal_budgets import View, views
from reports.analysis.steps_to_quality import StepsToQuality, sentences, steps_to_quality
from reports.analysis.summary import paired_difference, summarise
from reports.analysis.verdicts import VERDICTS, Comparison
from reports.content.table import Table
from reports.views.grid import GridView
from results.metrics import Metric, describe


def table(grid: GridView) -> Table | None:
    """Arms × (Δ and finding in each view, steps to the baseline's final score); None where nothing was scored."""
    found = [view for view in views(grid) if view.exists]
    if not found:
        return None
    quality = steps_to_quality(grid)
    metric = describe(grid.endpoint["metric"])
    headings = ["arm"]
    for view in found:
        headings += [] if view.is_declared else [f"step at\n{view.title}"]
        headings += [f"Δ at\n{view.title}", "verdict" if view.is_declared else "finding\n(exploratory)"]
    headings += ["steps to the\nbaseline's score"] if quality else []
    rows = []
    for arm in grid.arms:
        row = [arm.name]
        for view in found:
            row += [] if view.is_declared else [f"{view.at[arm.name]:,.0f}" if arm.name in view.at else "–"]
            row += _texts(metric, view.of(arm.name), is_baseline=arm.is_baseline)
        row += ["1×" if arm.is_baseline else _quality_text(quality, arm.name)] if quality else []
        rows.append(tuple(row))
    baseline = next(i for i, arm in enumerate(grid.arms) if arm.is_baseline)
    return Table(headings=tuple(headings), blocks=(0,) * len(headings), rows=tuple(rows), floor=None, baseline=baseline)


def _texts(metric: Metric, found: Comparison | None, *, is_baseline: bool) -> list[str]:
    """Difference with its interval, and what it shows."""
    if is_baseline:
        return ["baseline", ""]
    if found is None or found.difference is None:
        return ["–", "–"]
    text = metric.format(found.difference, signed=True)
    if found.interval is not None:
        low, high = (metric.format(end, signed=True) for end in found.interval)
        text = f"{text} [{low}, {high}]"
    return [text, found.verdict or "–"]


def _quality_text(quality: Sequence[StepsToQuality], arm: str) -> str:
    return next((found.text for found in quality if found.arm == arm), "–")


def remarks(grid: GridView) -> list[str]:
    """How each view was made, or what would make it; and what the last column means."""
    found = views(grid)
    lines = [line for view in found if (line := _remark(view))]
    lines += [f"{view.title}: {arm}: {why}" for view in found for arm, why in view.missing.items()]
    quality = steps_to_quality(grid)
    if quality:
        lines.append(sentences(quality))
        lines.append(
            f"steps to the baseline's score: the share of {quality[0].steps:,} steps from which no later evaluation of "
            "the arm is worse than the baseline's final score, interpolated between evaluations; geometric mean over "
            "paired seeds, intervals simultaneous over the arms on the log scale; exploratory"
        )
    return lines


def _remark(view: View) -> str:
    if not view.exists:
        return f"{view.title}: {view.why_none}"
    if view.is_declared:
        return ""
    if len({round(step, 6) for step in view.at.values()}) == 1 and not view.missing:
        return f"{view.title}: as at equal steps, for all arms cost the same"
    return f"{view.title}: {view.budget}; scores interpolated between evaluations, never extrapolated; exploratory"


def short(grid: GridView) -> list[str]:
    """One line a view that can be judged, and one of steps to quality."""
    lines = []
    for view in views(grid):
        if not view.is_declared:
            line = f"at {view.title} ({view.budget}; exploratory): {_grouped(view)}" if view.exists else _remark(view)
            lines += [line] if not view.exists or view.why_none is None else []
    return lines + ([line] if (line := sentences(steps_to_quality(grid))) else [])


def _grouped(view: View) -> str:
    """``better: add; unresolved: none``."""
    names = {verdict: [c.arm for c in view.comparisons if c.verdict == verdict] for verdict in VERDICTS}
    absent = [c.arm for c in view.comparisons if c.verdict is None]
    parts = [f"{verdict}: {', '.join(arms)}" for verdict, arms in names.items() if arms]
    return "; ".join(parts + ([f"no score: {', '.join(absent)}"] if absent else []))


def figures(grid: GridView) -> dict[str, dict[str, Any]]:
    """By arm, all the same keys: what the CSV file and ``--json`` add to the arm's row, in the metric's own unit."""
    found = [view for view in views(grid) if view.exists and not view.is_declared]
    quality = {item.arm: item for item in steps_to_quality(grid)}
    rows: dict[str, dict[str, Any]] = {}
    for arm in grid.arms:
        row: dict[str, Any] = {}
        for view in found:
            row |= _view_numbers(view, grid, arm.name)
        if quality:
            row |= _quality_numbers(quality.get(arm.name))
        rows[arm.name] = row
    return rows


def _view_numbers(view: View, grid: GridView, arm: str) -> dict[str, Any]:
    name, own = f"equal {view.name}", view.values.get(arm, {})
    summary, compared = summarise(own.values()), view.of(arm)
    delta = paired_difference(own, view.values.get(grid.baseline.name, {})) if compared else None
    low, high = (compared.interval if compared else None) or (None, None)
    return {
        f"{name} step": view.at.get(arm),
        f"{name} mean": summary.mean if summary else None,
        f"{name} std": summary.std if summary else None,
        f"{name} n": summary.n if summary else 0,
        f"{name} delta": delta.mean if delta else None,
        f"{name} delta low": low,
        f"{name} delta high": high,
        f"{name} p_holm": compared.p_holm if compared else None,
        f"{name} finding": compared.verdict if compared else None,
    }


def _quality_numbers(found: StepsToQuality | None) -> dict[str, Any]:
    low, high = (found.interval if found else None) or (None, None)
    return {
        "steps_to_quality": found.share if found else None,
        "steps_to_quality low": low,
        "steps_to_quality high": high,
        "steps_to_quality n_reached": len(found.shares) if found else None,
        "steps_to_quality n_early": found.early if found else None,
        "steps_to_quality n_never": found.never if found else None,
    }
