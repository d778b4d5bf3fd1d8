"""The fair views and steps to quality: as a table with its remarks, and as a few lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.equal_budgets import EqualBudget
from reports.analysis.grid_analysis import GridAnalysis
from reports.analysis.steps_to_quality import StepsToQuality
from reports.analysis.verdicts import VERDICTS, Comparison
from reports.content.quality import sentences, share_text
from reports.content.table import Table
from reports.views.grid import ArmView
from results.metrics import Metric


def equal_budget_table(analysis: GridAnalysis) -> Table | None:
    """Arms × (Δ and finding in each view, steps to the score that both reach); None where nothing was scored."""
    grid, views = analysis.grid, [view for view in analysis.budgets if view.exists]
    if not views:
        return None
    headings = ["arm"]
    for view in views:
        headings += [] if view.is_declared else [f"step at\n{view.title}"]
        headings += [f"Δ at\n{view.title}", "verdict" if view.is_declared else "finding\n(exploratory)"]
    headings += ["steps to the\nsame score"] if analysis.quality else []
    return Table(
        headings=tuple(headings),
        blocks=(0,) * len(headings),
        rows=tuple(_row(grid.metric, arm, views, analysis.quality) for arm in grid.arms),
        floor=None,
        baseline=next(i for i, arm in enumerate(grid.arms) if arm.is_baseline),
    )


def _row(
    metric: Metric, arm: ArmView, views: Sequence[EqualBudget], quality: Sequence[StepsToQuality]
) -> tuple[str, ...]:
    row = [arm.name]
    for view in views:
        row += [] if view.is_declared else [f"{view.at[arm.name]:,.0f}" if arm.name in view.at else "–"]
        row += _texts(metric, view.of(arm.name), is_baseline=arm.is_baseline)
    row += ["1×" if arm.is_baseline else _quality_text(quality, arm.name)] if quality else []
    return tuple(row)


def _texts(metric: Metric, comparison: Comparison | None, *, is_baseline: bool) -> list[str]:
    """Difference with its interval, and what it shows."""
    if is_baseline:
        return ["baseline", ""]
    if comparison is None or comparison.difference is None:
        return ["–", "–"]
    text = metric.format(comparison.difference, signed=True)
    if comparison.interval is not None:
        low, high = (metric.format(end, signed=True) for end in comparison.interval)
        text = f"{text} [{low}, {high}]"
    return [text, comparison.verdict or "–"]


def _quality_text(quality: Sequence[StepsToQuality], arm: str) -> str:
    return next((share_text(item) for item in quality if item.arm == arm), "–")


def budget_remarks(analysis: GridAnalysis) -> list[str]:
    """How each fair view was made, or what would make it; and what the table's last column means."""
    views, quality = analysis.budgets, analysis.quality
    lines = [line for view in views if (line := _remark(view))]
    lines += [f"{view.title}: {arm}: {why}" for view in views for arm, why in view.missing.items()]
    if quality:
        lines.append(sentences(quality))
        lines.append(
            "steps to the same score: the worse of the two final scores; how many times the baseline's steps the arm "
            "takes until no later evaluation is worse, on straight lines in the logarithm of the step between "
            "evaluations; geometric mean over paired seeds, intervals simultaneous over the arms; exploratory"
        )
    return lines


def _remark(view: EqualBudget) -> str:
    if not view.exists:
        return f"{view.title}: {view.why_none}"
    if view.is_declared:
        return ""
    if len({round(step, 6) for step in view.at.values()}) == 1 and not view.missing:
        return f"{view.title}: as at equal steps, for all arms cost the same"
    return f"{view.title}: {view.budget}; scores interpolated between evaluations, never extrapolated; exploratory"


def budget_lines(analysis: GridAnalysis) -> list[str]:
    """In place of the table: one line a fair view that can be judged, and one of steps to quality."""
    lines = []
    for view in analysis.budgets:
        if not view.is_declared:
            line = f"at {view.title} ({view.budget}; exploratory): {_grouped(view)}" if view.exists else _remark(view)
            lines += [line] if not view.exists or view.why_none is None else []
    return lines + ([line] if (line := sentences(analysis.quality)) else [])


def _grouped(view: EqualBudget) -> str:
    """``better: add; unresolved: none``."""
    names = {verdict: [c.arm for c in view.comparisons if c.verdict == verdict] for verdict in VERDICTS}
    absent = [c.arm for c in view.comparisons if c.verdict is None]
    parts = [f"{verdict}: {', '.join(arms)}" for verdict, arms in names.items() if arms]
    return "; ".join(parts + ([f"no score: {', '.join(absent)}"] if absent else []))
