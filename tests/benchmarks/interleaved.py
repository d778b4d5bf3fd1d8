"""Timing that survives a noisy machine: all sides in one process, in turn, compared round by round."""

from __future__ import annotations

import ctypes
import platform
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


def interleave(sides: Mapping[str, Work], *, rounds: int, warm_up: int = 2, before: Mapping[str, Work] = {}) -> Rounds:  # noqa: B006
    """Time the sides in turn, ``rounds`` times, after ``warm_up`` rounds; ``before`` is done untimed ahead of a side."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(warm_up + rounds):
        for name, work in sides.items():
            before.get(name, lambda: None)()
            started = time.perf_counter()
            work()
            if number >= warm_up:
                seconds[name].append(time.perf_counter() - started)
    return Rounds(seconds)


def default_allocator() -> None:
    """What glibc settles at by itself: blocks above 32 MiB go back to the kernel, and the heap's end above 64 MiB."""
    _allocator(mmap_threshold=32 << 20, trim_threshold=64 << 20)


def our_allocator() -> None:
    """`bench.allocator.keep_freed_memory`, again."""
    _allocator(mmap_threshold=1 << 30, trim_threshold=(2 << 30) - 1)


def _allocator(*, mmap_threshold: int, trim_threshold: int) -> None:
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        assert mallopt(-3, mmap_threshold)
        assert mallopt(-1, trim_threshold)
