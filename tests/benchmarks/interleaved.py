"""Timing that survives a noisy machine: all sides in one process, in turn, compared round by round."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times faster one side is: the median over rounds, with the 10th and 90th percentile."""

    median: float
    p10: float
    p90: float
    rounds: int

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.p10:.2f}, {self.p90:.2f}] n={self.rounds}"


@dataclass(frozen=True, slots=True)
class Rounds:
    """Seconds of each side in each round."""

    seconds: Mapping[str, list[float]]

    def ratio(self, slow: str, fast: str) -> Ratio:
        """Seconds of ``slow`` over seconds of ``fast``, round by round."""
        ratios = sorted(a / b for a, b in zip(self.seconds[slow], self.seconds[fast], strict=True))
        tenth = len(ratios) // 10
        return Ratio(statistics.median(ratios), ratios[tenth], ratios[-1 - tenth], len(ratios))

    def median(self, side: str) -> float:
        return statistics.median(self.seconds[side])


def interleave(sides: Mapping[str, Work], *, rounds: int, warm_up: int = 2, settle: bool = False) -> Rounds:
    """Time the sides in turn, ``rounds`` times, after ``warm_up`` rounds that do not count.

    With ``settle`` a side works once more before it is timed, so that it finds the process's memory as it left it.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(warm_up + rounds):
        for name, work in sides.items():
            if settle:
                work()
            started = time.perf_counter()
            work()
            if number >= warm_up:
                seconds[name].append(time.perf_counter() - started)
    return Rounds(seconds)
