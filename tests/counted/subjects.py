"""What is counted, in runtimes that are named here: nothing is measured on the machine or taken from what it can do."""

from __future__ import annotations

from functools import lru_cache
from unittest import mock

import torch
from torch import Tensor, nn

from bench.config import TrainingConfig
from bench.machine.runtime import Runtime
from bench.random import normal, stream
from bench.sampling import sample_images
from bench.training.gradient_norm import gradient_norm
from bench.training.halves import SMALLEST
from bench.training.network import prepare_network
from bench.training.step import TrainState
from tests.counted.counter import OperatorCalls, counted, storage_of
from variants import create_model

PRESETS = ("uvit-nano/4", "uvit-micro/4", "uvit-micro-deep/4")
SLACK = 1.01  # less than one operator a block, and more than a release of torch should change
SIZE = {"image_size": 32, "channels": 3}
RUNTIMES = {
    "bfloat16": Runtime(precision="bfloat16", attention="plain", threads=2),
    "float32": Runtime(precision="float32", attention="fused", threads=2),
    "bfloat16 in halves": Runtime(precision="bfloat16", attention="plain", threads=2, halves=True),
    "float32 in halves": Runtime(precision="float32", attention="fused", threads=2, halves=True),
}
IN_HALVES = tuple(name for name, runtime in RUNTIMES.items() if runtime.halves)
META = Runtime(device="meta")  # shapes alone
WHOLE = tuple(name for name, runtime in RUNTIMES.items() if not runtime.halves)


def trained(preset: str, runtime: Runtime, *, batch_size: int = 4, seed: int = 0) -> TrainState:
    """The state of a training that has not begun."""
    network = prepare_network(create_model(preset, **SIZE, seed=seed), runtime)
    return TrainState(network, TrainingConfig(batch_size=batch_size), runtime)


def meta_state(preset: str) -> TrainState:
    """A training on the meta device."""
    return trained(preset, META)


def training_data(batch_size: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """x0 (B, C, H, W), t (B,) and noise (B, C, H, W)."""
    draws, shape = stream(0, "counted"), (batch_size, 3, 32, 32)
    x0, noise = normal(draws, shape).clamp(-1, 1), normal(draws, shape)
    return x0, torch.from_numpy(draws.random(batch_size, dtype="float32")), noise


@lru_cache
def counted_step(preset: str, runtime: str, *, before: int = 1) -> tuple[OperatorCalls, nn.Module]:
    """One training step after ``before`` others, in phases ``forward``, ``backward``, ``optimizer`` and ``ema``.

    In halves ``sum`` is what adds the halves' gradients, ``norm`` is the length of the gradient. The network comes with
    it, so that its weights can be named.
    """
    batch_size = SMALLEST if RUNTIMES[runtime].halves else 4
    state, data = trained(preset, RUNTIMES[runtime], batch_size=batch_size), training_data(batch_size)
    assert state.runtime.halves == RUNTIMES[runtime].halves
    for _ in range(before):  # the first one makes the optimiser's state
        state.train_step(*data)
    with counted() as calls, mock.patch("bench.training.step.gradient_norm") as norm:
        norm.side_effect = lambda parameters: setattr(calls, "phase", "norm") or gradient_norm(parameters)
        calls.phase = "sum" if state.runtime.halves else "forward"
        state.optimizer.register_step_pre_hook(lambda *_: setattr(calls, "phase", "optimizer"))
        state.optimizer.register_step_post_hook(lambda *_: setattr(calls, "phase", "ema"))
        state.train_step(*data)
    return calls, state.model


@lru_cache
def counted_sampling(
    preset: str, runtime: str, sampler: str, nfe: int, *, batch_size: int = 2
) -> tuple[OperatorCalls, nn.Module]:
    """The drawing of two images in ``nfe`` evaluations; what differs between two numbers of them is the sampler's."""
    model = prepare_network(create_model(preset, **SIZE), RUNTIMES[runtime]).eval()
    with counted() as calls:
        sample_images(
            model,
            count=2,
            shape=(3, 32, 32),
            seed=0,
            sampler=sampler,
            nfe=nfe,
            runtime=RUNTIMES[runtime],
            batch_size=batch_size,
        )
    return calls, model


@lru_cache
def counted_network(preset: str, runtime: str) -> int:
    """Operators of one evaluation of the network, as sampling asks for it."""
    model, x, t = (
        prepare_network(create_model(preset, **SIZE), RUNTIMES[runtime]).eval(),
        torch.zeros(2, 3, 32, 32),
        torch.ones(2),
    )
    with torch.no_grad(), RUNTIMES[runtime].autocast(), counted() as calls:
        model(x, t)
    return calls.operators("forward")


def cast_weights(calls: OperatorCalls, model: nn.Module) -> dict[str, int]:
    """How often each of the weights that were cast at all was cast in ``calls``, not counting gradients."""
    casts = calls.casts("forward")
    return {name: casts[key] for name, p in model.named_parameters() if (key := storage_of(p)) in casts}


def multiplied(model: nn.Module) -> set[str]:
    """The parameters of linears and convolutions."""
    kinds = (nn.Linear, nn.Conv2d)
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, kinds)}
    return {f"{layer}.{name}" for layer, module in layers.items() for name, _ in module.named_parameters()}
