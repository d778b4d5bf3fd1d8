"""What a grid answers, as the page shows it: the sentence on top and each arm's difference from the baseline."""

from __future__ import annotations

from dataclasses import dataclass

from reports.analysis.verdicts import VERDICTS, Comparison
from reports.content.grid_report import GridReport
from reports.text import plain, plural
from results.metrics import Metric


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
        return [(name, names.count(name)) for name in VERDICTS if name in names]


def answer(report: GridReport) -> Answer:
    """The verdicts of a grid as the page shows them; without an answer, why there is none."""
    compared = report.analysis.comparison
    text = plain(report.answer or f"No verdict: {compared.why_none}", limit=600)
    arms = tuple(_arm(report.grid.metric, comparison) for comparison in compared.comparisons)
    return Answer(text=text, resolved=bool(report.answer), method=plain(report.method, limit=600), arms=arms)


def _arm(metric: Metric, comparison: Comparison) -> ArmAnswer:
    low, high = comparison.interval or (None, None)
    text = metric.format(comparison.difference, signed=True)
    if low is not None and high is not None:
        text += f" [{metric.format(low, signed=True)}, {metric.format(high, signed=True)}]"
    text += f", {plural(comparison.n_pairs, 'pair')} of seeds"
    if comparison.failed:
        text += f", {comparison.failed} of {comparison.total} failed"
    if comparison.note:
        text += f"; {plain(comparison.note)}"
    return ArmAnswer(
        arm=comparison.arm,
        mean=comparison.difference,
        low=low,
        high=high,
        text=text,
        verdict=comparison.verdict or "",
    )
