"""What CI holds about the speed of sampling: what one solver step asks of torch, as the difference of two samplings."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.diffusion.samplers import SAMPLERS
from tests.counted.subjects import (
    PRESETS,
    SLACK,
    WHOLE,
    cast_weights,
    counted_network,
    counted_sampling,
    meta_state,
    multiplied,
)

# A third-order step of DPM-Solver, counted with torch 2.14.1: operators, allocations and casts (of images and
# tokens, no weight's) of three evaluations and of its own arithmetic.
# fmt: off
DPM_SOLVER = {
    ("uvit-nano/4", "bfloat16"):       (688, 400, 36),
    ("uvit-micro/4", "bfloat16"):      (688, 400, 36),
    ("uvit-micro-deep/4", "bfloat16"): (1636, 928, 84),
    ("uvit-nano/4", "float32"):        (532, 304, 0),
    ("uvit-micro/4", "float32"):       (532, 304, 0),
    ("uvit-micro-deep/4", "float32"):  (1240, 688, 0),
}
# fmt: on

# Operators beside the network's, in three evaluations. In each five: the time, its scaling, and the sum a x − b eps.
OWN = {"ddim": 15, "dpm_solver": 19, "dpm_solver_pp": 30, "dpm_solver_pp_2m": 33, "euler_maruyama": 33}


def step(preset: str, runtime: str, sampler: str) -> tuple[int, int, int]:
    """Operators, allocations and casts of three evaluations: nine less six."""
    nine, six = (counted_sampling(preset, runtime, sampler, nfe)[0] for nfe in (9, 6))
    return (
        nine.operators("forward") - six.operators("forward"),
        nine.allocations("forward") - six.allocations("forward"),
        nine.casts("forward").total() - six.casts("forward").total(),
    )


@pytest.mark.parametrize("runtime", WHOLE)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_solver_step_is_as_many_operators_allocations_and_casts(preset: str, runtime: str) -> None:
    found = step(preset, runtime, "dpm_solver")
    for counted, most in zip(found, DPM_SOLVER[preset, runtime], strict=True):
        assert counted <= SLACK * most, found


@pytest.mark.parametrize("sampler", OWN)
def test_a_sampler_adds_a_few_operators_to_the_networks(sampler: str) -> None:
    operators, _, _ = step("uvit-micro/4", "float32", sampler)
    assert operators - 3 * counted_network("uvit-micro/4", "float32") == OWN[sampler]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_weight_of_a_product_is_cast_once_a_sampling(preset: str, sampler: str) -> None:
    """Not once an evaluation, as in inference mode (torch 2.14), nor once a batch: two images are drawn in two here."""
    calls, model = counted_sampling(preset, "bfloat16", sampler, 6, batch_size=1)
    assert cast_weights(calls, model) == dict.fromkeys(multiplied(model), 1)


@pytest.mark.parametrize("runtime", WHOLE)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_host_waits_once_a_batch_and_not_within(sampler: str, runtime: str) -> None:
    """At the end: whether the images are finite."""
    for nfe in (6, 9):
        calls, _ = counted_sampling("uvit-micro/4", runtime, sampler, nfe)
        assert calls.reads() == ["aten._local_scalar_dense.default"]
        assert [call.name for call in calls.calls].index(calls.reads()[0]) > 0.9 * len(calls.calls)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_nothing_is_copied_to_the_host(preset: str, sampler: str) -> None:
    """On the meta device there are no numbers: what copies them or asks for one (item, cpu, numpy) raises."""
    model, x = meta_state(preset).model.eval(), torch.empty(2, 3, 32, 32, device="meta")
    method = SAMPLERS.get(sampler)
    noise: dict[str, Any] = {"noise": lambda i: x} if method.stochastic else {}
    with torch.no_grad():
        images = method(lambda x, t: model(x, 999 * t), x, steps=9, **noise)
    assert images.shape == x.shape
