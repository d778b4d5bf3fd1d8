"""Does our order of arms agree with the paper's? By sign against the baseline, and by Kendall's tau over all arms.

Values never compare (training, count and extractor differ). The paper has one seed and its figures are read off a plot,
so its differences under 0.5 FID count as ties.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reports.analysis import columns as cols
from reports.analysis.paper import PaperColumn
from reports.analysis.summary import paired_difference
from reports.views.grid import GridView

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Sign = Literal["same", "opposite", "paper tie"]

TIE = 0.5  # FID: smaller differences of the paper are ties
FEWEST_ARMS = 4  # for Kendall's tau, the baseline among them
RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """``signs`` are by arm beside the baseline; ``tau`` is over ``arms``, None for fewer than four of them."""

    step: int  # of the paper's figures
    signs: Mapping[str, Sign]
    arms: tuple[str, ...]  # with a score of ours and one of the paper
    seeds: int  # that all of ``arms`` have
    tau: float | None
    interval: tuple[float, float] | None  # of tau over resampled seeds, at 95%


def agreement(grid: GridView, paper: PaperColumn | None, column: cols.Column | None) -> Agreement | None:
    """How far the order of arms in ``column``, the reading of the grid's endpoint, agrees with the paper's.

    None without a paper's column, or a score of the endpoint with a direction.
    """
    if paper is None or column is None or column.described.direction == "none" or len(grid.blocks) > 1:
        return None
    theirs = {arm.name: value for arm in grid.arms if (value := paper.value(arm)) is not None}
    ours = {arm.name: by_seed for arm in grid.arms if arm.name in theirs and (by_seed := column.values(arm))}
    if len(ours) < 2 or grid.baseline.name not in ours:
        return None
    same_way = 1.0 if paper.metric.direction == column.described.direction else -1.0
    shared = sorted(set.intersection(*(set(by_seed) for by_seed in ours.values())))
    tau, interval = _kendall(ours, theirs, shared, same_way) if len(ours) >= FEWEST_ARMS and shared else (None, None)
    return Agreement(
        step=paper.step,
        signs=_signs(grid, ours, theirs, same_way),
        arms=tuple(ours),
        seeds=len(shared),
        tau=tau,
        interval=interval,
    )


def _signs(
    grid: GridView, ours: Mapping[str, dict[int, float]], theirs: Mapping[str, float], same_way: float
) -> dict[str, Sign]:
    base = grid.baseline.name
    signs: dict[str, Sign] = {}
    for arm in ours:
        difference = paired_difference(ours[arm], ours[base])
        if arm == base or difference is None:
            continue
        paper = theirs[arm] - theirs[base]
        alike = same_way * difference.mean * paper > 0
        signs[arm] = "paper tie" if abs(paper) < TIE else "same" if alike else "opposite"
    return signs


def _kendall(
    ours: Mapping[str, dict[int, float]], theirs: Mapping[str, float], seeds: Sequence[int], same_way: float
) -> tuple[float | None, tuple[float, float] | None]:
    """τ_b of the arms' means over the seeds that all have, and its spread when seeds are drawn again together."""
    import numpy as np

    scores = same_way * np.array([[by_seed[seed] for seed in seeds] for by_seed in ours.values()])
    paper = _pair_signs(np.array([theirs[arm] for arm in ours]), tie=TIE)
    tau = float(_tau_b(_pair_signs(scores.mean(axis=1)), paper))
    if math.isnan(tau):
        return None, None
    if len(seeds) < 2:
        return tau, None
    drawn = np.random.default_rng(0).integers(len(seeds), size=(RESAMPLES, len(seeds)))
    taus = _tau_b(_pair_signs(scores[:, drawn].mean(axis=2).T), paper)
    low, high = np.nanquantile(taus, [0.025, 0.975])
    return tau, (float(low), float(high))


def _pair_signs(values: npt.NDArray[np.float64], *, tie: float = 0.0) -> npt.NDArray[np.float64]:
    """Of each pair of arms (the last axis), which is higher: 1, −1, or 0 for a tie."""
    import numpy as np

    first, second = np.triu_indices(values.shape[-1], k=1)
    differences = values[..., second] - values[..., first]
    return np.where(np.abs(differences) < tie, 0.0, np.sign(differences))


def _tau_b(ours: npt.NDArray[np.float64], paper: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Kendall (1945): concordant less discordant pairs, over the geometric mean of the pairs that each does not tie.

    Not a number where one side ties them all.
    """
    import numpy as np

    weight = np.sqrt((ours != 0).sum(axis=-1) * (paper != 0).sum(axis=-1))
    return np.asarray((ours * paper).sum(axis=-1) / np.where(weight > 0, weight, np.nan))
