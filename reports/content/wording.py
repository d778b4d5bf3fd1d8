"""A grid's verdicts in words: the answer for the top of a page, and the line that says how it was reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.analysis.inference import MOST_SEEDS
from reports.text import plural
from reports.views.grid import GridView
from results.metrics import Metric, describe

if TYPE_CHECKING:
    from reports.analysis.verdicts import Comparison, GridComparison


def answer(grid: GridView, found: GridComparison) -> str:
    """One or two sentences: which arms are better, worse, equivalent or unresolved, and what would resolve these."""
    metric, base = describe(grid.endpoint["metric"]), grid.baseline.name
    by_verdict = {verdict: [c for c in found.comparisons if c.verdict == verdict] for verdict in _PHRASES}
    silent = [c for c in found.comparisons if c.verdict is None]
    parts = [_part(verdict, arms, metric, base, found) for verdict, arms in by_verdict.items() if arms]
    if silent:
        parts.append(f"{_names(silent)} {'has' if len(silent) == 1 else 'have'} no verdict")
    resolved = any(by_verdict[verdict] for verdict in ("better", "worse", "equivalent"))
    where = f"{metric.label} ({grid.endpoint['weights']} weights)"
    if not resolved:
        return f"No arm is shown to differ from {base} on {where}: {'; '.join(parts)}.{_more(by_verdict, metric)}"
    return f"On {where}, {'; '.join(parts)}.{_more(by_verdict, metric)}"


def method(grid: GridView, found: Sequence[Comparison]) -> str:
    """How the verdicts were reached, with the number of pairs; empty without any interval."""
    counts = sorted({c.n_pairs for c in found if c.interval is not None})
    if not counts:
        return ""
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    margin = grid.endpoint.get("margin")
    metric = describe(grid.endpoint["metric"])
    within = "no margin declared, so none can be equivalent"
    if margin is not None:
        within = f"equivalence by two one-sided tests within ±{metric.format(margin)}"
    few = ": few, so the intervals lean on normal differences" if counts[0] < 8 else ""
    return (
        f"paired t over {seeds} seeds{few}; 95% intervals simultaneous over {plural(len(found), 'arm')} (Bonferroni), "
        f"p by Holm; {within}"
    )


def sensitivity(grid: GridView, found: GridComparison) -> str:
    """What differences the grid could have shown, and how many seeds would resolve the rest; empty without any."""
    metric = describe(grid.endpoint["metric"])
    seen = [c.mde for c in found.comparisons if c.mde is not None]
    if not seen:
        return ""
    open_ = [c for c in found.comparisons if c.verdict == "unresolved" and c.interval is not None]
    needed = [f"{c.arm} {_seeds(c)}" for c in open_]
    more = f"; seeds that a resolved verdict would need: {', '.join(needed)}" if needed else ""
    low, high = metric.format(min(seen)), metric.format(max(seen))
    span = low if low == high else f"{low} to {high}"
    return f"minimum detectable difference (80% power) {span}, by arm{more}"


_PHRASES = {"better": "better than", "worse": "worse than", "equivalent": "equivalent to", "unresolved": "unresolved"}


def _part(verdict: str, arms: list[Comparison], metric: Metric, base: str, found: GridComparison) -> str:
    verb = "is" if len(arms) == 1 else "are"
    if verdict == "unresolved":
        return f"{_names(arms)} {verb} unresolved over {_pairs(arms)}"
    figures = [f"{c.arm} ({metric.format(c.difference, signed=True)})" for c in arms]
    within = f" within ±{metric.format(found.margin)}" if verdict == "equivalent" else ""
    return f"{_list(figures)} {verb} {_PHRASES[verdict]} {base}{within}"


def _more(by_verdict: dict[str, list[Comparison]], metric: Metric) -> str:
    """What it would take, where something is unresolved."""
    open_ = [c for c in by_verdict["unresolved"] if c.mde is not None]
    if not open_:
        return ""
    needed = [c.seeds_needed for c in open_ if c.seeds_needed is not None]
    smallest = metric.format(min(c.mde for c in open_ if c.mde is not None))
    if not needed:
        return f" Differences under about {smallest} could not have been seen with these seeds."
    return (
        f" Differences under about {smallest} could not have been seen; as large as they look, the first would be "
        f"resolved with about {min(needed)} seeds."
    )


def _seeds(found: Comparison) -> str:
    return f"about {found.seeds_needed:,}" if found.seeds_needed is not None else f"over {MOST_SEEDS:,}"


def _pairs(arms: list[Comparison]) -> str:
    counts = sorted({c.n_pairs for c in arms})
    return f"{counts[0]} paired seeds" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} paired seeds"


def _names(arms: list[Comparison]) -> str:
    return _list([c.arm for c in arms])


def quoted(name: str) -> str:
    """An arm's name inside a sentence."""
    return "'none'" if name == "none" else name  # else it reads as "no arm"


def _list(names: Sequence[str]) -> str:
    names = [quoted(name) for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
