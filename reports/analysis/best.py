"""Which arm may be called the best of its grid, and so stands in bold."""

from __future__ import annotations

from reports.analysis.verdicts import Comparison, GridComparison
from reports.views.grid import GridView


def best(grid: GridView, compared: GridComparison) -> str | None:
    """The arm that is shown to be better than every other; None where no verdicts show one, and of blocks.

    The intervals of the differences from the baseline hold all at once, so that two arms differ where theirs do not
    overlap; the baseline's own is zero. The arm must be ``better``, or be the baseline with all others ``worse``. An
    arm of which every seed failed competes no more; one that is unresolved, pending or without an interval does.
    """
    if compared.endpoint is None or compared.why_none is not None or len(grid.blocks) > 1:
        return None
    rivals = {c.arm: c for c in compared.comparisons if c.failed < c.total or not c.total}
    sign = 1.0 if compared.endpoint.described.direction == "lower" else -1.0
    spans = {name: _span(c, sign) for name, c in rivals.items()}
    if None in spans.values():
        return None
    ends = {name: span for name, span in spans.items() if span is not None} | {grid.baseline.name: (0.0, 0.0)}
    first = min(ends, key=lambda name: ends[name][1])
    apart = all(ends[first][1] < low for name, (low, _) in ends.items() if name != first)
    return first if apart and len(ends) > 1 and _confirmed(grid, first, rivals) else None


def _span(comparison: Comparison, sign: float) -> tuple[float, float] | None:
    """The interval with lower values better."""
    if comparison.interval is None or comparison.verdict is None:
        return None
    low, high = sorted(sign * end for end in comparison.interval)
    return low, high


def _confirmed(grid: GridView, name: str, rivals: dict[str, Comparison]) -> bool:
    """Whether the verdicts say so too: they know of failed seeds and of the margin."""
    if name == grid.baseline.name:
        return all(comparison.verdict == "worse" for comparison in rivals.values())
    return rivals[name].verdict == "better"
