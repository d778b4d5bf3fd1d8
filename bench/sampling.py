"""Images from a model: the same initial noise for every arm of a seed, whatever the batch size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bench.conditions.base import Condition
from bench.data import to_uint8
from bench.diffusion import VPSDE, Process
from bench.diffusion.guidance import guided_output
from bench.diffusion.prediction import EPS, predicted_noise
from bench.diffusion.samplers import SAMPLERS, NoisePrediction
from bench.machine.allocator import reused_memory
from bench.machine.runtime import to_device
from bench.random import block_noise

if TYPE_CHECKING:
    from torch import nn

    from bench.diffusion.prediction import Prediction
    from bench.machine.runtime import Runtime


class NotFinite(ArithmeticError):
    """A loss or a sample that is not a finite number."""


@reused_memory()
@torch.no_grad()  # not inference mode, in which autocast (torch 2.14) keeps no cast: every weight, every evaluation
def sample_images(
    model: nn.Module,
    *,
    count: int,
    shape: tuple[int, int, int],
    seed: int,
    sampler: str,
    nfe: int,
    runtime: Runtime,
    process: Process | None = None,
    prediction: Prediction | None = None,
    condition: Condition | None = None,
    guidance: float = 0.0,
    decode: Callable[[Tensor], Tensor] | None = None,
    batch_size: int = 512,
    progress: Callable[[int], None] = lambda done: None,
) -> Tensor:
    """``count`` images, uint8 (count, C, H, W), on the CPU; ``shape`` is (C, H, W) of what the network sees.

    ``decode`` makes images in [-1, 1] of the latents that it sees, if it does; their shape is then the images' own.
    Image i starts from row i of the seed's noise table, so 500 images are the first 500 of 10,000. ``guidance`` is s in
    c + s (c - u). ``prediction`` says what the network's output stands for (the noise, unless given).
    Raises NotFinite when the result is not, ValueError for an unknown sampler and for guidance without a network that
    knows its null condition.
    """
    condition = condition or Condition()
    if guidance and not condition.has_null:
        raise ValueError(
            f"guidance {guidance} needs a network that was trained with dropped conditions, and it was not"
        )
    images, done = torch.empty(0, dtype=torch.uint8), 0
    with runtime.casts_kept():
        for size in _batches(count, batch_size):
            told = condition.sampling(seed=seed, start=done, count=size), condition.null(size) if guidance else {}
            given, null = (_on(runtime.device, inputs) for inputs in told)
            ask = partial(guided_output, model, given=given, null=null, scale=guidance)
            noise_pred = partial(predicted_noise, ask, process or VPSDE(), prediction or EPS)
            x = _sample(noise_pred, done, size, shape, seed, sampler, nfe, runtime, process or VPSDE())
            pixels = to_uint8(x if decode is None else _finite(decode(x), "the decoder")).cpu()
            images = images if done else torch.empty((count, *pixels.shape[1:]), dtype=torch.uint8)
            images[done : done + size] = pixels
            done += size
            progress(done)
    return images


def _sample(
    noise_pred: NoisePrediction,
    start: int,
    size: int,
    shape: tuple[int, int, int],
    seed: int,
    sampler: str,
    nfe: int,
    runtime: Runtime,
    process: Process,
) -> Tensor:
    device, method = runtime.device, SAMPLERS.get(sampler)

    def rows(purpose: str, step: int | None = None) -> Tensor:
        return to_device(block_noise(seed, purpose, start=start, count=size, shape=shape, step=step), device)

    extra = {"noise": lambda i: rows("sample_step", i)} if method.stochastic else {}
    with runtime.autocast():  # the network's products alone: the samplers' own sums stay float32
        x = method(noise_pred, rows("sample"), steps=nfe, sde=process, **extra)
    return _finite(x, "the sampler")


def _finite(x: Tensor, what: str) -> Tensor:
    if not bool(torch.isfinite(x).all()):
        raise NotFinite(f"{what} ended in numbers that are not finite")
    return x


def _on(device: str, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: to_device(rows, device) for name, rows in inputs.items()}


def _batches(count: int, size: int) -> Iterator[int]:
    for first in range(0, count, size):
        yield min(size, count - first)
