"""Multiply-accumulates of one forward pass of one image, counted on the meta device (no memory, no arithmetic)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    x = torch.empty(1, config.channels, config.image_size, config.image_size, device="meta")
    t = torch.empty(1, device="meta")
    y = torch.zeros(1, dtype=torch.long, device="meta") if config.num_classes else None
    context = (
        torch.empty(1, config.context_tokens, config.context_dim, device="meta") if config.context_tokens else None
    )
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(x, t, y, context)
    return sum(p.numel() for p in model.parameters()), counter.get_total_flops() // 2
