"""Warm-up, rounds, spread: how seconds become figures."""

from __future__ import annotations

import time

import numpy as np
import pytest

from bench.profile.timing import Clock, Protocol, Rounds, spread, steady
from bench.profile.world import World


def clock() -> Clock:
    return Clock("cpu", World())


def test_the_clock_gives_seconds_a_call() -> None:
    assert 0.002 <= clock().seconds(lambda: time.sleep(0.002), calls=3) < 0.1


@pytest.mark.parametrize(
    ("calls", "expected"),
    [([1.0, 1.0], False), ([9.0, 1.0, 1.04, 1.05], True), ([1.0, 1.0, 1.06], False), ([2.0, 1.5, 1.0], False)],
)
def test_steady_means_that_the_last_three_calls_agree(calls: list[float], expected: bool) -> None:
    assert steady(calls) is expected


def test_warm_up_ends_when_steady_and_sizes_the_rounds() -> None:
    waits = iter([0.02, 0.01, 0.004, 0.004, 0.004, 0.004, 0.004])
    rounds = Rounds(call=lambda: time.sleep(next(waits, 0.004)), clock=clock(), protocol=Protocol(round_s=0.02))
    rounds.warm_up()
    assert 3 <= len(rounds.warmup) <= 10
    assert rounds.warmup[0] > rounds.warmup[2]
    assert 2 <= rounds.calls <= 5
    rounds.measure()
    assert len(rounds.seconds) == 1
    assert 0.004 <= rounds.seconds[0] < 0.02
    assert rounds.summary()["calls_per_round"] == rounds.calls


def test_warm_up_has_an_end() -> None:
    waits = iter(range(1, 100))
    rounds = Rounds(
        call=lambda: time.sleep(next(waits) / 1000), clock=clock(), protocol=Protocol(warmup_calls=4, round_s=1e-9)
    )
    rounds.warm_up()
    assert len(rounds.warmup) == 4
    assert rounds.summary()["steady"] is False
    impatient = Rounds(call=lambda: time.sleep(0.003), clock=clock(), protocol=Protocol(warmup_s=0.0))
    impatient.warm_up()
    assert len(impatient.warmup) == 2


def test_spread_is_numpys() -> None:
    rounds = np.random.default_rng(0).gamma(4.0, size=11).tolist()
    found = spread(rounds)
    assert found["median_s"] == pytest.approx(np.median(rounds))
    assert [found["p10_s"], found["p90_s"]] == pytest.approx(np.quantile(rounds, [0.1, 0.9]))
    assert found["cv"] == pytest.approx(np.std(rounds, ddof=1) / np.mean(rounds))
    assert spread([2.0]) == {"median_s": 2.0, "p10_s": 2.0, "p90_s": 2.0, "cv": 0.0}
