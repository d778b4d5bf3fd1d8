"""Skill by noise level: each arm's EMA eps-loss over the linear filter's, level by level, after the last step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.skill import compared_levels
from reports.views.grid import ArmView, GridView
from results.linear_filter import LinearFilterRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmLevels:
    """One arm: by seed, log(EMA eps-loss / the filter's) at each noise level."""

    arm: ArmView
    seeds: dict[int, list[float]]

    def band(self) -> list[tuple[float, float, float]]:
        """At each level the mean over seeds, the lowest and the highest."""
        by_level = zip(*self.seeds.values(), strict=True)
        return [(math.fsum(logs) / len(logs), min(logs), max(logs)) for logs in by_level]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPanel:
    """The arms whose losses compare with one linear filter, each level at its middle time."""

    linear_filter: LinearFilterRecord
    arms: tuple[ArmLevels, ...]
    step: int

    def reach(self) -> tuple[float, float]:
        """The lowest and the highest logarithm; 0, the filter itself, among them."""
        every = [end for arm in self.arms for _, *ends in arm.band() for end in ends]
        return min(0.0, *every), max(0.0, *every)

    def snr_ticks(self, values: Sequence[int] = (8, 4, 0, -4, -8)) -> list[tuple[float, int]]:
        """(time, log-SNR) of those ``values`` that lie within the levels, on straight lines between their middles."""
        times, logs = self.linear_filter.times, self.linear_filter.log_snr
        found = []
        for value in values:
            for i in range(len(logs) - 1):
                before, after = logs[i], logs[i + 1]
                if before >= value > after:
                    found.append((times[i] + (times[i + 1] - times[i]) * (before - value) / (before - after), value))
                    break
        return found


def level_panels(grid: GridView) -> list[LevelPanel]:
    """A panel a linear filter that arms compare with; none where no cell has losses by level, or the grid no filter."""
    arms: dict[str, list[ArmLevels]] = {}
    filters: dict[str, LinearFilterRecord] = {}
    for arm in grid.arms:
        by_filter: dict[str, dict[int, list[float]]] = {}
        for cell in arm.cells:
            if cell.survivor is not None and (found := compared_levels(grid, cell.survivor)) is not None:
                linear, logs = found
                filters[linear.linear_filter_id] = linear
                by_filter.setdefault(linear.linear_filter_id, {})[cell.seed] = logs
        for name, seeds in by_filter.items():
            arms.setdefault(name, []).append(ArmLevels(arm=arm, seeds=seeds))
    return [LevelPanel(linear_filter=filters[name], arms=tuple(own), step=grid.step or 0) for name, own in arms.items()]
