"""What a grid answers, as the page shows it: the sentence on top and each arm's difference from the baseline."""

from __future__ import annotations

from dataclasses import dataclass

from reports import columns as cols
from reports import notes
from reports.frame import ArmView, GridView
from reports.tables import difference, show
from results.metrics import describe


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAnswer:
    """One arm against the baseline: arm minus baseline in the metric's own unit, and the words for it."""

    arm: str
    mean: float | None
    low: float | None  # the interval's ends; None without one
    high: float | None
    text: str
    verdict: str  # better, worse, equivalent, unresolved; "" where none is given
    note: str


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
    """The grid's answer from its records."""
    rows = tuple(_described(grid, arm) for arm in grid.arms if not arm.is_baseline)
    return Answer(text=notes.verdict(grid), resolved=False, method="", arms=rows)


def _described(grid: GridView, arm: ArmView) -> ArmAnswer:
    metric = describe(grid.endpoint["metric"])
    column = next((c for c in cols.columns(grid) if cols.is_endpoint(grid, c)), None)
    summary = difference(grid, arm, column) if column else None
    mean = summary.mean if summary else None
    return ArmAnswer(
        arm=arm.name, mean=mean, low=None, high=None, text=show(metric, summary, signed=True), verdict="", note=""
    )
