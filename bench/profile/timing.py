"""Seconds a call: warm-up until steady, rounds long enough to resolve, and what their spread is."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.profile.world import World

STEADY_CALLS = 3  # as many calls in a row must lie
STEADY_SPREAD = 0.05  # within this share of their shortest


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How long to measure; all in calls, rounds and seconds."""

    rounds: int = 10
    round_s: float = 0.2  # a round repeats the call until it takes about so long
    warmup_calls: int = 10  # at most; fewer once steady
    warmup_s: float = 30.0  # at most, but for the first two calls


class Clock:
    """Times calls on one device, in step with the other processes where there are any."""

    def __init__(self, device: str, world: World) -> None:
        self.device, self.world = device, world

    def seconds(self, call: Callable[[], Any], calls: int = 1) -> float:
        """Seconds a call over ``calls`` calls in a row, the slowest process counting; CUDA events on a CUDA GPU."""
        self.world.barrier()
        elapsed = self._cuda(call, calls) if self.device.startswith("cuda") else self._wall(call, calls)
        return self.world.slowest(elapsed) / calls

    def _cuda(self, call: Callable[[], Any], calls: int) -> float:
        import torch

        with torch.cuda.device(self.device):
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            torch.cuda.synchronize()
            start.record()
            for _ in range(calls):
                call()
            end.record()
            end.synchronize()
        return float(start.elapsed_time(end)) / 1e3

    def _wall(self, call: Callable[[], Any], calls: int) -> float:
        self._synchronize()
        start = time.perf_counter()
        for _ in range(calls):
            call()
        self._synchronize()
        return time.perf_counter() - start

    def _synchronize(self) -> None:
        if self.device.startswith("mps"):
            import torch

            torch.mps.synchronize()


@dataclass(slots=True, kw_only=True)
class Rounds:
    """The measurement of one call, round by round, so that several calls can take turns."""

    call: Callable[[], Any]
    clock: Clock
    protocol: Protocol
    warmup: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    calls: int = 1  # a round

    def warm_up(self) -> None:
        """Call until the last calls take about equally long, or the protocol's patience ends."""
        most, patience = self.protocol.warmup_calls, self.protocol.warmup_s
        while len(self.warmup) < 2 or (
            len(self.warmup) < most and sum(self.warmup) < patience and not steady(self.warmup)
        ):
            self.warmup.append(self.clock.seconds(self.call))
        self.calls = max(1, math.ceil(self.protocol.round_s / self.warmup[-1]))

    def measure(self) -> None:
        """One round."""
        self.seconds.append(self.clock.seconds(self.call, self.calls))

    def summary(self) -> dict[str, Any]:
        """JSON-able: how the rounds were made."""
        return {
            "rounds": len(self.seconds),
            "calls_per_round": self.calls,
            "warmup_s": list(self.warmup),
            "steady": steady(self.warmup),
        }


def steady(calls: Sequence[float]) -> bool:
    """Whether the last calls took about equally long."""
    last = calls[-STEADY_CALLS:]
    return len(last) == STEADY_CALLS and max(last) <= (1 + STEADY_SPREAD) * min(last)


def spread(rounds: Sequence[float]) -> dict[str, float]:
    """Median, 10th and 90th percentile (linear between rounds) and coefficient of variation (n − 1) of seconds."""
    mean = statistics.fmean(rounds)
    deviation = statistics.stdev(rounds) if len(rounds) > 1 else 0.0
    p10, p90 = (_quantile(rounds, share) for share in (0.1, 0.9))
    return {"median_s": statistics.median(rounds), "p10_s": p10, "p90_s": p90, "cv": deviation / mean}


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
