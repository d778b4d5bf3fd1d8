"""A grid's verdicts in words: the answer for the top of a page, and the lines that say how it was reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.analysis.best import best
from reports.analysis.inference import PRIOR
from reports.analysis.power import MOST_SEEDS
from reports.analysis.speed_pairs import CurveName
from reports.analysis.verdicts import Comparison, GridComparison, Verdict
from reports.text import plural, quoted
from reports.views.grid import GridView
from results.metrics import Metric

CURVES: Mapping[CurveName, str] = {"train_loss": "training loss", "val_loss": "validation loss of raw weights"}
_PHRASES: Mapping[Verdict, str] = {
    "better": "better than",
    "mixed": "mixed against",
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
    if grid.metric.ratio:
        return _ratios(grid, compared)
    metric, base = grid.metric, _base(grid)
    by_verdict = {verdict: [c for c in compared.comparisons if c.verdict == verdict] for verdict in _PHRASES}
    silent = [c for c in compared.comparisons if c.verdict is None]
    parts = [_part(verdict, arms, metric, base, compared) for verdict, arms in by_verdict.items() if arms]
    if silent:
        parts.append(f"{_names(silent)} {'has' if len(silent) == 1 else 'have'} no verdict")
    more = _more(by_verdict["unresolved"], metric)
    where = f"{metric.label} ({grid.weights} weights)"
    if not any(comparison.is_resolved for comparison in compared.comparisons):
        return f"No arm is shown to differ from {base} on {where}: {'; '.join(parts)}.{more}"
    return f"On {where}, {'; '.join(parts)}.{more}"


def verdict(grid: GridView, compared: GridComparison) -> str:
    """The grid's answer, or why there is no verdict and what the figures are instead."""
    if compared.why_none is None:
        return answer(grid, compared)
    figures = "Differences are descriptive: arm minus baseline, paired by seed."
    if grid.metric.ratio:
        figures = "R is descriptive: how many times the baseline's steps an arm needs, paired by seed."
    return f"No verdict: {compared.why_none}. {figures}"


def _ratios(grid: GridView, compared: GridComparison) -> str:
    """The answer where the endpoint is a ratio: every arm's, with its interval and what it shows."""
    baselines = {arm.name: grid.baseline_of(arm).name for arm in grid.challengers}
    said: dict[str, int] = {}  # baselines that were named already
    parts = []
    for comparison in compared.comparisons:
        base = baselines[comparison.arm]
        goal = "" if base in said else f" times the steps of {base}"
        verb = "needs " if base not in said else ""
        parts.append(ratio_line(grid.metric, comparison, verb=verb, goal=goal, margin=compared.margin))
        said[base] = said.get(base, 0) + (comparison.difference is not None)
        said = {name: count for name, count in said.items() if count}
    unresolved = [comparison for comparison in compared.comparisons if comparison.verdict == "unresolved"]
    return f"{'; '.join(parts)}.{_more(unresolved, grid.metric)}"


def ratio_line(metric: Metric, comparison: Comparison, *, verb: str, goal: str, margin: float | None) -> str:
    """``'none' needs 1.24 times the steps of concat [1.12, 1.37]: worse``."""
    name = quoted(comparison.arm)
    if comparison.difference is None:
        return f"{name} has no verdict"
    least = ""
    if comparison.bounds and comparison.bounds == comparison.n_pairs:
        least = "at least " if comparison.difference > 0 else "at most "
    span = interval_text(metric, comparison)
    text = f"{name} {verb}{least}{metric.format(comparison.difference)}{goal}{f' {span}' if span else ''}"
    return f"{text}: {finding(metric, comparison, margin)}"


def interval_text(metric: Metric, comparison: Comparison) -> str:
    """``[1.12, 1.37]``; empty without an interval."""
    if comparison.interval is None:
        return ""
    low, high = (metric.format(end, signed=True) for end in comparison.interval)
    return f"[{low}, {high}]"


def finding(metric: Metric, comparison: Comparison, margin: float | None) -> str:
    """The verdict's word with what belongs to it."""
    if comparison.verdict == "mixed":
        return "mixed (faster, worse at the end)"
    if comparison.verdict == "equivalent" and margin is not None:
        return f"equivalent (within {_within(metric, margin)})"
    if comparison.verdict == "unresolved":
        return f"unresolved over {plural(comparison.n_pairs, 'paired seed')}"
    return comparison.verdict or "no verdict"


def _within(metric: Metric, margin: float) -> str:
    """``±0.00600``, and of a ratio ``1.10 times either way``."""
    return f"{metric.format(margin)} times either way" if metric.ratio else f"±{metric.format(margin)}"


def _base(grid: GridView) -> str:
    """The baseline by name; of a grid of blocks its name in every block."""
    return grid.baseline.name if len(grid.blocks) == 1 else f"their block's {grid.manifest.baseline}"


def method(grid: GridView, compared: GridComparison) -> str:
    """How the verdicts were reached, with the number of pairs; empty without any interval."""
    counts = sorted({c.n_pairs for c in compared.comparisons if c.interval is not None})
    if not counts:
        return ""
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    within = "no margin declared, so none can be equivalent"
    if grid.margin is not None:
        within = f"equivalence by two one-sided tests within {_within(grid.metric, grid.margin)}"
    few = ": few, so the intervals lean on normal differences" if counts[0] < 8 else ""
    shared = sum(c.interval is not None for c in compared.comparisons) > 1
    lent = f", variances moderated between arms ({PRIOR} prior degrees of freedom)" if shared else ""
    arms = plural(len(compared.comparisons), "arm")
    joint = f"95% intervals simultaneous over {arms} (Bonferroni), {_looks(compared)}"
    logs = " of log R" if grid.metric.ratio else ""
    return f"paired t{logs} over {seeds} seeds{lent}{few}; {joint}; {within}"


def _looks(compared: GridComparison) -> str:
    """How the error rate is kept: Holm's p is for one look alone."""
    if compared.plan is None or len(compared.plan.looks) == 1:
        return "p by Holm"
    looks = ", ".join(map(str, compared.plan.looks))
    taken = compared.looks_taken
    return f"error rate shared by looks at {looks} seeds, of which {taken} {'is' if taken == 1 else 'are'} taken"


def evidence(grid: GridView, compared: GridComparison) -> list[str]:
    """How the verdicts were reached, what differences could have been seen, and what stands beside them.

    None without any interval, but for what R is.
    """
    how, able, skill = method(grid, compared), sensitivity(grid, compared), secondary(compared)
    subject = "R" if grid.metric.ratio else "Δ"
    lines = [*([f"{subject}: {how}"] if how else []), *([able] if able else []), *_curves(compared)]
    return lines + ([skill] if skill else [])


def _curves(compared: GridComparison) -> list[str]:
    """What R is read off, the late R, and the arms whose R is a bound."""
    if compared.speed is None or compared.endpoint is None or all(c.difference is None for c in compared.comparisons):
        return []
    metric = compared.endpoint.described
    late = [f"{quoted(c.arm)} {metric.format(c.late)}" for c in compared.comparisons if c.late is not None]
    bounds = [f"{quoted(c.arm)} in {plural(c.bounds, 'seed')}" for c in compared.comparisons if c.bounds]
    curve = CURVES[compared.speed.curve]
    lines = [
        f"R: how many times the baseline's steps an arm needs for the same mean log {curve}, at the level of the "
        "slower of the two; geometric mean over seeds"
    ]
    lines += [f"late R, over the last two thirds of the steps, without a verdict: {', '.join(late)}"] if late else []
    told = "R is a bound, for the faster curve was past the level at its first point"
    return lines + ([f"{told}: {', '.join(bounds)}"] if bounds else [])


def secondary(compared: GridComparison) -> str:
    """Skill beside speed, in one line; empty where speed is not the endpoint."""
    skill = compared.secondary
    if skill is None or compared.endpoint is None:
        return ""
    if skill.endpoint is None:
        return f"skill at the end (secondary): none, since {skill.why_none}"
    metric = skill.endpoint.described
    parts = [
        f"{quoted(c.arm)} {metric.format(c.difference)} {interval_text(metric, c)} {c.verdict or ''}".rstrip()
        for c in skill.comparisons
        if c.difference is not None
    ]
    silent = f"; no finding: {skill.why_none}" if skill.why_none else ""
    said = ", ".join(parts) or "no pair of seeds"
    return f"skill at the end against the baseline's (secondary, at 5% of its own; lower is better): {said}{silent}"


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
    what = "ratio" if metric.ratio else "difference"
    return f"minimum detectable {what} (80% power) {span}, by arm{more}"


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
    within = f" within {_within(metric, compared.margin)}" if verdict == "equivalent" and compared.margin else ""
    return f"{_list(figures)} {verb} {_PHRASES[verdict]} {base}{within}"


def _more(unresolved: list[Comparison], metric: Metric) -> str:
    """What it would take, where something is unresolved."""
    open_ = [c for c in unresolved if c.mde is not None]
    if not open_:
        return ""
    needed = [c.seeds_needed for c in open_ if c.seeds_needed is not None]
    smallest = metric.format(min(c.mde for c in open_ if c.mde is not None))
    unseen = f"Ratios nearer to 1 than about {smallest}" if metric.ratio else f"Differences under about {smallest}"
    if not needed:
        return f" {unseen} could not have been seen with these seeds."
    return (
        f" {unseen} could not have been seen; as large as they look, the first would be "
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
