"""One training step as a callable, for benchmarks: the code that ``uvit run`` trains with, without data and records."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bench.config import TrainingConfig
from bench.machine.allocator import keep_freed_memory
from bench.machine.attention_kernel import with_measured_attention
from bench.machine.runtime import resolve_runtime
from bench.random import normal, stream
from bench.training.network import prepare_network
from bench.training.step import TrainState

if TYPE_CHECKING:
    from bench.config import Precision
    from variants import Spec


def make_step(
    variant: str | Spec,
    *,
    image_size: int,
    channels: int,
    batch_size: int,
    device: str = "cpu",
    precision: Precision = "auto",
    seed: int = 0,
    compile: bool = False,
    gradient_checkpointing: bool = False,
    cuda_graphs: bool | None = None,
    num_classes: int = 0,
) -> Callable[[], Tensor]:
    """A callable that does one full training step (forward, backward, optimiser, EMA) on fixed random images.

    For benchmarks, ours and others': the same code that ``uvit run`` trains with, without its data and records; it
    takes the process's threads and sets the rest of the runtime (`Runtime.apply`). ``seed`` draws weights and images:
    equal seeds make equal steps. Returns the loss as a detached scalar tensor on the device. Raises ValueError for an
    unknown variant or device and a compiler that is missing.
    """
    from variants import build, resolve

    network = resolve(variant, image_size=image_size, channels=channels, num_classes=num_classes)
    runtime = resolve_runtime(
        device=device,
        precision=precision,
        threads=torch.get_num_threads(),
        compile=compile,
        gradient_checkpointing=gradient_checkpointing,
        cuda_graphs=cuda_graphs,
    )
    runtime.apply()
    keep_freed_memory()
    runtime = with_measured_attention(runtime, [network])
    model = prepare_network(build(network, seed=seed), runtime)
    state = TrainState(model, TrainingConfig(batch_size=batch_size), runtime)
    draws = stream(seed, "make_step")
    shape = (batch_size, channels, image_size, image_size)
    x0, noise = (normal(draws, shape).to(runtime.device) for _ in range(2))
    t = torch.from_numpy(draws.random(batch_size, dtype="float32")).to(runtime.device)
    x0, condition = x0.clamp(-1, 1), {}
    if num_classes:
        condition["y"] = torch.from_numpy(draws.integers(num_classes, size=batch_size)).to(runtime.device)
    return lambda: state.train_step(x0, t, noise, **condition)
