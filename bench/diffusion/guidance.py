"""Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598) in one pass of the network.

B batch, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def guided_noise(
    network: Callable[[Tensor, Tensor, Tensor], Tensor],
    x: Tensor,
    timesteps: Tensor,
    y: Tensor,
    *,
    null_label: int,
    scale: float,
) -> Tensor:
    """c + scale (c - u): the noise (B, C, H, W) with labels ``y`` (B,), pushed away from that with the null label.

    Both halves go through ``network(x, timesteps, y)`` as one batch of 2B; ``scale`` 0 asks for c alone. The paper's
    scale 0.4 is 1.4 where u + w (c - u) is meant.
    """
    import torch

    if scale == 0:
        return network(x, timesteps, y)
    labels = torch.cat([y, torch.full_like(y, null_label)])
    conditional, unconditional = network(torch.cat([x, x]), torch.cat([timesteps, timesteps]), labels).chunk(2)
    return conditional + scale * (conditional - unconditional)
