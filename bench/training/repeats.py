"""A repeat: the same cell once more, from initial weights that are moved by one unit in the last place.

Data, noise, times and threads stay as they are, so two repeats of a seed differ by what rounding grows into alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.random import stream

if TYPE_CHECKING:
    from torch import nn


@torch.no_grad()
def move_weights(model: nn.Module, *, seed: int, repeat: int) -> None:
    """Move each weight to the next float up or down, in place; 0 leaves all as they are.

    Signs are drawn by (seed, repeat, parameter's name), so that layers that two arms share move alike.
    """
    if not repeat:
        return
    for name, weight in model.named_parameters():
        if not weight.is_floating_point():
            continue
        up = stream(seed, f"repeat {name}", repeat).integers(2, size=tuple(weight.shape), dtype=np.uint8)
        towards = torch.where(torch.from_numpy(up).to(weight.device).bool(), np.inf, -np.inf).to(weight.dtype)
        weight.copy_(torch.nextafter(weight, towards))
