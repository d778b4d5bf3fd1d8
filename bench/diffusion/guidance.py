"""Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598) in one pass of the network.

B batch, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def guided_output(
    network: Callable[..., Tensor],
    x: Tensor,
    timesteps: Tensor,
    *,
    given: Mapping[str, Tensor],
    null: Mapping[str, Tensor],
    scale: float,
) -> Tensor:
    """c + scale (c - u): the output (B, C, H, W) under ``given``, pushed away from that under ``null``.

    The noise is affine in each output (`bench.diffusion.prediction`), so that of the result is guided by as much.

    Both map the network's keyword inputs (``y``, ``context``) to B rows. Both halves go through the network as one
    batch of 2B; ``scale`` 0 asks for c alone. The paper's scale 0.4 is 1.4 where u + w (c - u) is meant.
    """
    import torch

    if scale == 0:
        return network(x, timesteps, **given)
    both = {name: torch.cat([rows, null[name]]) for name, rows in given.items()}
    conditional, unconditional = network(torch.cat([x, x]), torch.cat([timesteps, timesteps]), **both).chunk(2)
    return conditional + scale * (conditional - unconditional)
