"""What CI holds about the speed of a training step: counts, which no machine changes. Seconds are in tests/benchmarks.

One step of each preset, undivided and in halves, with the precision and the attention kernel named.
"""

from __future__ import annotations

import pytest
import torch

from tests.counted.counter import OperatorCalls
from tests.counted.subjects import (
    IN_HALVES,
    PRESETS,
    RUNTIMES,
    SLACK,
    WHOLE,
    cast_weights,
    counted_step,
    meta_state,
    multiplied,
)

# Operators, allocations and casts, counted with torch 2.14.1. In bfloat16 a block is 44 operators forward and 86
# backward, a long skip 7 and 15; in float32 28 and 62, 5 and 15. The rest are embeddings, head and loss.
# fmt: off
FORWARD = {
    ("uvit-nano/4", "bfloat16"):       (292, 189, 57),
    ("uvit-micro/4", "bfloat16"):      (292, 189, 57),
    ("uvit-micro-deep/4", "bfloat16"): (672, 429, 137),
    ("uvit-nano/4", "float32"):        (200, 112, 0),
    ("uvit-micro/4", "float32"):       (200, 112, 0),
    ("uvit-micro-deep/4", "float32"):  (444, 240, 0),
}
BACKWARD = {
    ("uvit-nano/4", "bfloat16"):       (503, 212, 62),
    ("uvit-micro/4", "bfloat16"):      (503, 212, 62),
    ("uvit-micro-deep/4", "bfloat16"): (1251, 516, 150),
    ("uvit-nano/4", "float32"):        (376, 150, 0),
    ("uvit-micro/4", "float32"):       (376, 150, 0),
    ("uvit-micro-deep/4", "float32"):  (932, 366, 0),
}
# fmt: on


def counts(calls: OperatorCalls, phase: str) -> tuple[int, int, int]:
    return calls.operators(phase), calls.allocations(phase), sum(calls.casts(phase).values())


@pytest.mark.parametrize("runtime", WHOLE)
@pytest.mark.parametrize("preset", PRESETS)
def test_forward_and_backward_are_as_many_operators_allocations_and_casts(preset: str, runtime: str) -> None:
    calls, _ = counted_step(preset, runtime)
    for phase, written in (("forward", FORWARD), ("backward", BACKWARD)):
        for counted, most in zip(counts(calls, phase), written[preset, runtime], strict=True):
            assert counted <= SLACK * most, (phase, counts(calls, phase))


@pytest.mark.parametrize("runtime", IN_HALVES)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_step_in_halves_is_two_passes_and_the_sum_of_their_gradients(preset: str, runtime: str) -> None:
    """The sum: for each gradient memory of its own, a copy of one half's, and the other's added; and of the losses."""
    calls, model = counted_step(preset, runtime)
    for phase, written in (("forward", FORWARD), ("backward", BACKWARD)):
        for counted, most in zip(counts(calls, phase), written[preset, runtime.split()[0]], strict=True):
            assert counted <= 2 * SLACK * most, (phase, counts(calls, phase))
    gradients = len(list(model.parameters()))
    assert counts(calls, "sum") == (3 * gradients + 1, gradients + 1, 0)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("preset", PRESETS)
def test_optimiser_and_ema_are_one_pass_each_and_take_no_memory(preset: str, runtime: str) -> None:
    calls, model = counted_step(preset, runtime)
    assert counts(calls, "optimizer") == (2, 0, 0)  # its count of steps, and the fused AdamW
    assert counts(calls, "ema") == (1 + len(list(model.parameters())), 0, 0)  # one pass; a detach is a view


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("preset", PRESETS)
def test_the_norm_of_the_gradient_is_three_operators(preset: str, runtime: str) -> None:
    """One norm of each gradient, all in one call; these in one tensor; and its norm."""
    calls, model = counted_step(preset, runtime)
    assert counts(calls, "norm") == (3, len(list(model.parameters())) + 2, 0)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_weight_of_a_product_is_cast_once_a_step(preset: str) -> None:
    calls, model = counted_step(preset, "bfloat16")
    assert cast_weights(calls, model) == dict.fromkeys(multiplied(model), 1)


@pytest.mark.parametrize("preset", PRESETS)
def test_in_halves_every_weight_is_cast_at_most_once_a_half(preset: str) -> None:
    """Both threads share autocast's memory of what was cast, until the first of them ends its pass."""
    calls, model = counted_step(preset, "bfloat16 in halves")
    casts = cast_weights(calls, model)
    assert casts.keys() == multiplied(model)
    assert max(casts.values()) <= 2


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("preset", PRESETS)
def test_the_host_waits_for_no_number(preset: str, runtime: str) -> None:
    assert counted_step(preset, runtime)[0].reads() == []


@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_is_copied_to_the_host(preset: str) -> None:
    """On the meta device there are no numbers: what copies them or asks for one (item, cpu, numpy) raises."""
    state = meta_state(preset)
    state.warm_up(torch.empty(4, 3, 32, 32, device="meta"))
    state.ema.update(0)


@pytest.mark.parametrize("runtime", WHOLE)
def test_a_later_step_does_what_an_earlier_one_did(runtime: str) -> None:
    second, third = (counted_step("uvit-micro/4", runtime, before=steps)[0] for steps in (1, 2))
    assert [call.name for call in second.calls] == [call.name for call in third.calls]
