"""What a grid answers, as the page shows it: the sentence on top and each arm's difference from the baseline."""

from __future__ import annotations

from dataclasses import dataclass

from reports.analysis.verdicts import Comparison, GridComparison, compare
from reports.text import plain, plural
from reports.views.grid import GridView
from results.metrics import Metric, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAnswer:
    """One arm against the baseline: arm minus baseline in the metric's own unit, and the words for it."""

    arm: str
    mean: float | None
    low: float | None  # the interval's ends; None without one
    high: float | None
    text: str
    verdict: str  # better, worse, equivalent, unresolved; "" where none is given


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One grid's answer. ``resolved`` says whether ``text`` is a verdict or why there is none."""

    text: str
    resolved: bool
    method: str
    arms: tuple[ArmAnswer, ...]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many arms each verdict has, in a fixed order."""
        names = [arm.verdict for arm in self.arms]
        return [(name, names.count(name)) for name in ("better", "worse", "equivalent", "unresolved") if name in names]


def answer(grid: GridView) -> Answer:
    """The grid's answer from its records: verdicts where they can be given, else the differences as description."""
    return judged(grid, compare(grid))


def judged(grid: GridView, found: GridComparison) -> Answer:
    """The verdicts of a grid as the page shows them; without an answer, why there is none."""
    metric = describe(grid.endpoint["metric"])
    arms = tuple(_judged(metric, arm) for arm in found.comparisons)
    text = plain(found.answer or f"No verdict: {found.why_none}", limit=600)
    return Answer(text=text, resolved=bool(found.answer), method=plain(found.method or "", limit=600), arms=arms)


def _judged(metric: Metric, found: Comparison) -> ArmAnswer:
    low, high = found.interval or (None, None)
    text = metric.format(found.difference, signed=True)
    if low is not None and high is not None:
        text += f" [{metric.format(low, signed=True)}, {metric.format(high, signed=True)}]"
    text += f", {plural(found.n_pairs, 'pair')} of seeds"
    if found.failed:
        text += f", {found.failed} of {found.total} failed"
    if found.note:
        text += f"; {plain(found.note)}"
    verdict = found.verdict or ""
    return ArmAnswer(arm=found.arm, mean=found.difference, low=low, high=high, text=text, verdict=verdict)
