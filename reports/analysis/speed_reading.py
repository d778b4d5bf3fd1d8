"""How R is read off two curves: the mean log losses of one seed, the level, and the steps at which both leave it."""

from __future__ import annotations

from dataclasses import dataclass

from reports.analysis.speed import LevelReading, Points, aligned, level_reading, mean_log_loss
from reports.analysis.speed_pairs import SpeedPairs
from reports.views.grid import ArmView, GridView


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedReading:
    """One arm beside its baseline at the one ``seed``: (step, mean log loss so far) of both, and where R lies."""

    arm: ArmView
    baseline: ArmView
    seed: int
    own: Points
    base: Points
    at: LevelReading
    pairs: int  # seeds that have an R

    def first_shown(self, least: float = 2.5) -> float:
        """The step from which on curves are drawn, so that a small R is long enough to be seen."""
        return min(self.own[-1][0] / least, min(self.at.arm_step, self.at.baseline_step) / 1.25)

    def shown(self, curve: Points) -> Points:
        """The points of one of the two curves that are drawn, the last among them."""
        first = self.first_shown()
        return [point for point in curve if point[0] >= first] or curve[-1:]


def speed_readings(grid: GridView, pairs: SpeedPairs) -> list[SpeedReading]:
    """The reading of each arm that has an R, at the seed whose R is in the middle of its seeds' (the lower of two)."""
    found = []
    for arm in grid.challengers:
        by_seed, baseline = pairs.ratios.get(arm.name, {}), grid.baseline_of(arm)
        if not by_seed:
            continue
        ordered = sorted(by_seed, key=lambda seed: (by_seed[seed].log_ratio, seed))
        seed = ordered[(len(ordered) - 1) // 2]
        own, base = aligned(*(mean_log_loss(pairs.curves[each.name][seed]) for each in (arm, baseline)))
        found.append(
            SpeedReading(
                arm=arm,
                baseline=baseline,
                seed=seed,
                own=own,
                base=base,
                at=level_reading(own, base),
                pairs=len(by_seed),
            )
        )
    return found
