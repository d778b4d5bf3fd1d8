"""Multiply-accumulates of one forward pass of one image, counted on the meta device (no memory, no arithmetic)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from variants.config import ModelConfig

TRAINING_FACTOR = 3  # forward, and the backward's two products a layer


@lru_cache(maxsize=256)
def count(config: ModelConfig) -> tuple[int, int]:
    """(parameters, MACs of one forward pass of one image); attention included, normalisation and activations not.

    torch.utils.flop_counter counts 2 FLOPs a MAC. Papers on vision transformers often print MACs as GFLOPs.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from variants import build

    model = build(config, device="meta")
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(*example_inputs(config, batch_size=1, device="meta"))
    return sum(p.numel() for p in model.parameters()), counter.get_total_flops() // 2


def example_inputs(
    config: ModelConfig, *, batch_size: int, device: torch.device | str
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """x, timesteps, labels and context that the network of ``config`` takes; zeros, or shapes alone on meta."""
    import torch

    with torch.device(device):
        x = torch.zeros(batch_size, config.channels, config.image_size, config.image_size)
        y = torch.zeros(batch_size, dtype=torch.long) if config.num_classes else None
        tokens = config.context_tokens
        context = torch.zeros(batch_size, tokens, config.context_dim) if tokens else None
        return x, torch.zeros(batch_size), y, context
