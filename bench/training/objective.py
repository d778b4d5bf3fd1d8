"""What is learned, and how fast: the loss with its equation, the learning rate with its schedule.

Shapes: B batch, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from bench.diffusion import Process
    from bench.machine.runtime import Runtime

Network = Callable[..., Tensor]


def noise_prediction_loss(
    network: Network,
    process: Process,
    runtime: Runtime,
    x0: Tensor,
    t: Tensor,
    noise: Tensor,
    **condition: Tensor,
) -> Tensor:
    """L = E |ε - ε_θ(α_t x₀ + σ_t ε, t)|², mean over images and pixels (Ho et al. 2020, eq. 14).

    ``x0`` (B, C, H, W) is in [-1, 1] or a scaled latent, ``t`` (B,) uniform in [0, 1), of which the process makes its
    times; ``noise`` is ε (B, C, H, W). ``condition`` holds the network's other inputs (`bench.conditions`).
    """
    t = process.training_times(t)
    alpha, sigma = (v.float().view(-1, 1, 1, 1) for v in process.marginal(t))
    x_t = alpha * x0 + sigma * noise
    with runtime.autocast():
        predicted = network(x_t, process.network_time(t), **condition)
    return F.mse_loss(predicted.float(), noise)


def learning_rate(step: int, *, lr: float, warmup: int) -> float:
    """Linear warm-up to ``lr`` over ``warmup`` steps, then constant; step counts from 0 and the first step learns."""
    return lr * min(1.0, (step + 1) / warmup) if warmup else lr
