"""Warm-up, rounds, spread: how seconds become figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, count, repeat
from types import SimpleNamespace

import numpy as np
import pytest

from bench.profile import timing
from bench.profile.timing import Clock, Protocol, Rounds, spread, steady
from bench.profile.world import World


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterator[float]], Callable[[], None]]:
    """``works(seconds)`` is a call that takes the next of ``seconds``, by a clock that nothing else moves."""
    now = SimpleNamespace(s=0.0)
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now.s))

    def work(seconds: Iterator[float]) -> Callable[[], None]:
        return lambda: vars(now).update(s=now.s + next(seconds))

    return work


def clock() -> Clock:
    return Clock("cpu", World())


def test_the_clock_gives_seconds_a_call(works: Callable[..., Callable[[], None]]) -> None:
    assert clock().seconds(works(iter([1.0, 2.0, 6.0])), calls=3) == 3.0


@pytest.mark.parametrize(
    ("calls", "expected"),
    [([1.0, 1.0], False), ([9.0, 1.0, 1.04, 1.05], True), ([1.0, 1.0, 1.06], False), ([2.0, 1.5, 1.0], False)],
)
def test_steady_means_that_the_last_three_calls_agree(calls: list[float], expected: bool) -> None:
    assert steady(calls) is expected


def test_warm_up_ends_when_steady_and_sizes_the_rounds(works: Callable[..., Callable[[], None]]) -> None:
    call = works(chain([0.5, 0.25, 0.125], repeat(0.0625)))
    rounds = Rounds(call=call, clock=clock(), protocol=Protocol(round_s=0.2))
    rounds.warm_up()
    assert rounds.warmup == [0.5, 0.25, 0.125, 0.0625, 0.0625, 0.0625]
    assert rounds.calls == 4  # the first number of calls that takes 0.2 s
    rounds.measure()
    assert rounds.seconds == [0.0625]
    assert rounds.summary()["calls_per_round"] == rounds.calls


def test_warm_up_has_an_end(works: Callable[..., Callable[[], None]]) -> None:
    rounds = Rounds(call=works(count(1.0)), clock=clock(), protocol=Protocol(warmup_calls=4, round_s=1e-9))
    rounds.warm_up()
    assert len(rounds.warmup) == 4
    assert rounds.summary()["steady"] is False
    impatient = Rounds(call=works(repeat(0.5)), clock=clock(), protocol=Protocol(warmup_s=0.0))
    impatient.warm_up()
    assert len(impatient.warmup) == 2


def test_spread_is_numpys() -> None:
    rounds = np.random.default_rng(0).gamma(4.0, size=11).tolist()
    found = spread(rounds)
    assert found["median_s"] == pytest.approx(np.median(rounds))
    assert [found["p10_s"], found["p90_s"]] == pytest.approx(np.quantile(rounds, [0.1, 0.9]))
    assert found["cv"] == pytest.approx(np.std(rounds, ddof=1) / np.mean(rounds))
    assert spread([2.0]) == {"median_s": 2.0, "p10_s": 2.0, "p90_s": 2.0, "cv": 0.0}
