"""Looks at a grid while its seeds come in: how many are complete, what error rate each may spend, and which arms stop.

The rate of a grid is split over the looks in proportion to the seeds that each adds. That is a union bound, so it holds
over looks, arms, arms that stop, and limits of time: a look that is never taken leaves its share unspent.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.analysis.inference import ALPHA, UNRESOLVED, decide, moderate
from reports.views.grid import ArmView, GridView
from results.manifest import LOOKS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStatistics:
    """Arrays (…, arms) over paired seeds: how many, the mean difference and its variance (NaN under two pairs)."""

    n: Array
    mean: Array
    variance: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class LookFindings:
    """Arrays (…, arms): what each arm showed, as an index into `FINDINGS`, and the seeds at which it stopped."""

    findings: npt.NDArray[np.int8]
    seeds: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPlan:
    """When a grid's arms are judged: after the first ``looks`` of ``seeds``, each look at its own error rate."""

    seeds: tuple[int, ...]  # in the order in which they count
    looks: tuple[int, ...]

    @property
    def rates(self) -> list[float]:
        """The error rate of each look; one look has all of it."""
        return spending(self.looks) if len(self.looks) > 1 else [ALPHA]

    def seeds_at(self, look: int) -> tuple[int, ...]:
        """The seeds that count at a look, of which the first is 1."""
        return self.seeds[: self.looks[look - 1]]


def look_plan(grid: GridView) -> LookPlan:
    """The plan that the grid's manifest declares; without one a single look, at all seeds in their order.

    Of several looks those at less than two seeds are left out, for nothing can be decided there.
    """
    seeds = grid.manifest.seeds or tuple(sorted({cell.seed for cell in grid.cells}))
    looks = grid.manifest.looks or (len(seeds),)
    return LookPlan(seeds=seeds, looks=tuple(n for n in looks if n > 1) or looks[-1:])


def done_in_a_row(arm: ArmView, seeds: Sequence[int]) -> int:
    """How many of ``seeds``, in their order, have left a record in ``arm`` without a gap; one that failed is done."""
    done = {cell.seed for cell in arm.cells if cell.record is not None}
    return sum(1 for _ in itertools.takewhile(done.__contains__, seeds))


def spending(looks: Sequence[int] = LOOKS) -> list[float]:
    """The error rate of each look: α (n_j − n_{j−1}) / n_J. Raises ValueError unless the looks rise from two seeds."""
    if not looks or looks[0] < 2 or any(later <= before for before, later in itertools.pairwise(looks)):
        raise ValueError(f"looks: expected rising numbers of seeds from 2, got {list(looks)}")
    return [ALPHA * ((n - before) / looks[-1]) for before, n in itertools.pairwise([0, *looks])]


def complete_looks(finished: Iterable[int], looks: Sequence[int] = LOOKS) -> int:
    """How many looks can be taken. ``finished``: of the baseline and each arm still open, the seeds done without a gap.

    A seed that failed is done: it has no pair and is not waited for.
    """
    least = min(finished)
    return sum(n <= least for n in looks)


def pair_statistics(differences: npt.ArrayLike) -> PairStatistics:
    """Of differences (…, arms, seeds), NaN where a seed has no pair."""
    import numpy as np

    d = np.asarray(differences, np.float64)
    some = ~np.isnan(d)
    n = some.sum(-1).astype(np.float64)
    mean = np.where(some, d, 0.0).sum(-1) / np.where(n > 0, n, np.nan)
    squares = (np.where(some, d - mean[..., None], 0.0) ** 2).sum(-1)
    return PairStatistics(n=n, mean=mean, variance=squares / np.where(n > 1, n - 1, np.nan))


def look_findings(differences: npt.ArrayLike, *, margin: float | None, looks: Sequence[int] = LOOKS) -> LookFindings:
    """What each arm shows after all complete looks, of differences (…, arms, seeds) in the order of the seeds.

    An arm stops at the look that resolves it. Its variance and degrees of freedom of then serve the arms that go on.
    """
    import numpy as np

    d = np.asarray(differences, np.float64)
    arms = d.shape[-2]
    n, mean, variance = (np.full(d.shape[:-1], np.nan) for _ in range(3))
    findings = np.full(d.shape[:-1], UNRESOLVED, np.int8)
    seeds = np.zeros(d.shape[:-1], np.int64)
    for look, alpha in zip(looks, spending(looks), strict=True):
        if look > d.shape[-1]:
            break
        still, now = findings == UNRESOLVED, pair_statistics(d[..., :look])
        n, mean = np.where(still, now.n, n), np.where(still, now.mean, mean)
        variance, seeds = np.where(still, now.variance, variance), np.where(still, look, seeds)
        moderated, df = moderate(n, variance)
        found = decide(mean, np.sqrt(moderated / n), df, margin=margin, arms=arms, alpha=alpha)
        findings = np.where(still, found, findings)
    return LookFindings(findings=findings, seeds=seeds)
