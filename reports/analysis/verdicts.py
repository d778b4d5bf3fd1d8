"""What a grid's arms show against their baselines: the values, made by `reports.analysis.compare`.

Rule 6 of docs/design.md; in words, with formulas and the error rates measured on planted data: docs/statistics.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from reports.analysis import columns as cols
from reports.analysis.inference import ALPHA
from reports.analysis.planned_looks import LookPlan
from reports.analysis.speed_pairs import SpeedPairs
from reports.analysis.summary import ArmSummary
from reports.views.grid import ArmView

# mixed: better on the primary endpoint, worse on the secondary one
Verdict = Literal["better", "mixed", "worse", "equivalent", "unresolved"]
VERDICTS: tuple[Verdict, ...] = ("better", "mixed", "worse", "equivalent", "unresolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One arm against its baseline: arm minus baseline over paired seeds, in the metric's own unit (not scaled).

    Where the metric is a ratio all of it are logarithms. Intervals hold together over the grid's arms and looks at 95%.
    ``seeds_needed`` and ``mde`` take the moderated spread (and, for the first, the observed difference) for the true
    ones; None where resolved already, or unknowable.
    """

    arm: str
    n_pairs: int
    difference: float | None
    sd: float | None  # of the differences; None without a spread over two pairs or more
    se: float | None  # of their mean, from the moderated variance, with ``df`` degrees of freedom
    df: float | None
    interval: tuple[float, float] | None
    p: float | None  # two-sided, uncorrected
    p_holm: float | None  # where the grid has one look
    p_equivalent: float | None  # of two one-sided tests within the margin, corrected
    effect_size: float | None  # difference / sd
    mde: float | None  # difference that would be seen with 80% power
    verdict: Verdict | None
    seeds_needed: int | None
    failed: int
    total: int
    note: str
    look: int = 0  # at which it was judged last, from 1; 0 before the first is complete
    alpha: float = ALPHA  # of that look, for the whole grid
    is_open: bool = False  # seeds that are planned may still resolve it
    late: float | None = None  # log R of the last two thirds over the same seeds, without a verdict
    bounds: int = 0  # seeds whose R is a bound

    @property
    def is_resolved(self) -> bool:
        return self.verdict not in (None, "unresolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class GridComparison:
    """A whole grid's verdicts on one endpoint; where there are none, ``why_none`` says why."""

    endpoint: cols.Column | None  # the reading of the endpoint that most pairs of seeds share
    margin: float | None
    comparisons: tuple[Comparison, ...]  # one an arm but the baselines
    arms: tuple[ArmSummary, ...]  # every arm over its seeds, the baseline too
    why_none: str | None
    plan: LookPlan | None = None
    speed: SpeedPairs | None = None  # where that is the endpoint
    secondary: Self | None = None  # skill beside speed, at an error rate of its own; its words are no verdicts

    def of(self, arm: ArmView) -> Comparison | None:
        """The comparison of ``arm``; None for a baseline."""
        return next((comparison for comparison in self.comparisons if comparison.arm == arm.name), None)

    def measures(self, column: cols.Column) -> bool:
        """Whether there are intervals, and they stand on ``column``."""
        some = any(comparison.interval is not None for comparison in self.comparisons)
        return some and self.endpoint is not None and self.endpoint.key == column.key

    def judges(self, column: cols.Column) -> bool:
        """Whether there are verdicts, and they stand on ``column``."""
        return self.why_none is None and self.endpoint is not None and self.endpoint.key == column.key

    @property
    def looks_taken(self) -> int:
        """Looks that are complete."""
        return max((comparison.look for comparison in self.comparisons), default=0)
