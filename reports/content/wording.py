"""A grid's verdicts in words: the answer for the top of a page, and the lines that say how it was reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.analysis.best import best
from reports.analysis.inference import PRIOR
from reports.analysis.power import MOST_SEEDS
from reports.analysis.verdicts import Comparison, GridComparison, Verdict
from reports.text import plural, quoted
from reports.views.grid import GridView
from results.metrics import Metric

_PHRASES: Mapping[Verdict, str] = {
    "better": "better than",
    "worse": "worse than",
    "equivalent": "equivalent to",
    "unresolved": "unresolved",
}


def answer(grid: GridView, compared: GridComparison) -> str:
    """One or two sentences: which arms are better, worse, equivalent or unresolved, and what would resolve these.

    Empty where no arm has a verdict.
    """
    if compared.why_none is not None:
        return ""
    metric, base = grid.metric, grid.baseline.name
    by_verdict = {verdict: [c for c in compared.comparisons if c.verdict == verdict] for verdict in _PHRASES}
    silent = [c for c in compared.comparisons if c.verdict is None]
    parts = [_part(verdict, arms, metric, base, compared) for verdict, arms in by_verdict.items() if arms]
    if silent:
        parts.append(f"{_names(silent)} {'has' if len(silent) == 1 else 'have'} no verdict")
    more = _more(by_verdict["unresolved"], metric)
    where = f"{metric.label} ({grid.weights} weights)"
    if not any(by_verdict[verdict] for verdict in ("better", "worse", "equivalent")):
        return f"No arm is shown to differ from {base} on {where}: {'; '.join(parts)}.{more}"
    return f"On {where}, {'; '.join(parts)}.{more}"


def verdict(grid: GridView, compared: GridComparison) -> str:
    """The grid's answer, or why there is no verdict and what the figures are instead."""
    if compared.why_none is None:
        return answer(grid, compared)
    return f"No verdict: {compared.why_none}. Differences are descriptive: arm minus baseline, paired by seed."


def method(grid: GridView, compared: GridComparison) -> str:
    """How the verdicts were reached, with the number of pairs; empty without any interval."""
    counts = sorted({c.n_pairs for c in compared.comparisons if c.interval is not None})
    if not counts:
        return ""
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    within = "no margin declared, so none can be equivalent"
    if grid.margin is not None:
        within = f"equivalence by two one-sided tests within ±{grid.metric.format(grid.margin)}"
    few = ": few, so the intervals lean on normal differences" if counts[0] < 8 else ""
    shared = sum(c.interval is not None for c in compared.comparisons) > 1
    lent = f", variances moderated between arms ({PRIOR} prior degrees of freedom)" if shared else ""
    arms = plural(len(compared.comparisons), "arm")
    joint = f"95% intervals simultaneous over {arms} (Bonferroni), p by Holm"
    return f"paired t over {seeds} seeds{lent}{few}; {joint}; {within}"


def evidence(grid: GridView, compared: GridComparison) -> list[str]:
    """How the verdicts were reached, and what differences could have been seen; none without any interval."""
    how = method(grid, compared)
    if not how:
        return []
    able = sensitivity(grid, compared)
    return [f"Δ: {how}", *([able] if able else [])]


def sensitivity(grid: GridView, compared: GridComparison) -> str:
    """What differences the grid could have shown, and how many seeds would resolve the rest; empty without any."""
    metric = grid.metric
    seen = [c.mde for c in compared.comparisons if c.mde is not None]
    if not seen:
        return ""
    open_ = [c for c in compared.comparisons if c.verdict == "unresolved" and c.interval is not None]
    needed = [f"{c.arm} {_seeds(c)}" for c in open_]
    more = f"; seeds that a resolved verdict would need: {', '.join(needed)}" if needed else ""
    low, high = metric.format(min(seen)), metric.format(max(seen))
    span = low if low == high else f"{low} to {high}"
    return f"minimum detectable difference (80% power) {span}, by arm{more}"


def bold(grid: GridView, compared: GridComparison) -> list[str]:
    """What bold means, where anything is bold."""
    name = best(grid, compared)
    return [f"bold: {name} is shown to be better than every other arm"] if name is not None else []


def reservations(compared: GridComparison) -> list[str]:
    """A line an arm on what its verdict does not say, where there is an interval at all."""
    if all(comparison.interval is None for comparison in compared.comparisons):
        return []
    return [f"{comparison.arm}: {comparison.note}" for comparison in compared.comparisons if comparison.note]


def _part(verdict: Verdict, arms: list[Comparison], metric: Metric, base: str, compared: GridComparison) -> str:
    verb = "is" if len(arms) == 1 else "are"
    if verdict == "unresolved":
        return f"{_names(arms)} {verb} unresolved over {_pairs(arms)}"
    figures = [f"{c.arm} ({metric.format(c.difference, signed=True)})" for c in arms]
    within = f" within ±{metric.format(compared.margin)}" if verdict == "equivalent" else ""
    return f"{_list(figures)} {verb} {_PHRASES[verdict]} {base}{within}"


def _more(unresolved: list[Comparison], metric: Metric) -> str:
    """What it would take, where something is unresolved."""
    open_ = [c for c in unresolved if c.mde is not None]
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


def _seeds(comparison: Comparison) -> str:
    needed = comparison.seeds_needed
    return f"about {needed:,}" if needed is not None else f"over {MOST_SEEDS:,}"


def _pairs(arms: list[Comparison]) -> str:
    counts = sorted({c.n_pairs for c in arms})
    return f"{counts[0]} paired seeds" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} paired seeds"


def _names(arms: list[Comparison]) -> str:
    return _list([c.arm for c in arms])


def _list(names: Sequence[str]) -> str:
    names = [quoted(name) for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
