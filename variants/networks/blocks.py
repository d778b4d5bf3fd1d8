"""What the rival networks share: running blocks with or without checkpointing, and reading their outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from variants.axis import builder
from variants.config import ModelConfig
from variants.layers.attention import Attention
from variants.layers.block import Mlp


def run(block: nn.Module, *args: Tensor, checkpointing: bool) -> Tensor:
    """``block(*args)``; with ``checkpointing`` its inner tensors are computed again in the backward pass."""
    if checkpointing and torch.is_grad_enabled():
        out: Tensor = checkpoint(block, *args, use_reentrant=False)
        return out
    return block(*args)


def outputs(blocks: Iterable[nn.Module], call: Callable[[], Tensor]) -> list[Tensor]:
    """What each block returns while ``call`` runs, in the order of their running."""
    states: list[Tensor] = []
    hooks = [block.register_forward_hook(lambda _module, _args, h: states.append(h)) for block in blocks]
    try:
        call()
    finally:
        for hook in hooks:
            hook.remove()
    return states


def attention(config: ModelConfig, *, qkv_bias: bool = False) -> nn.Module:
    """The attention of the slot ``attention``, (B, L, D) → (B, L, D)."""
    build = builder(config, "attention")
    return build(config) if build else Attention(config.embed_dim, config.num_heads, qkv_bias=qkv_bias)


def mlp(config: ModelConfig, *, approximate: str = "none") -> nn.Module:
    """The MLP of the slot ``mlp``, (B, L, D) → (B, L, D)."""
    build = builder(config, "mlp")
    return build(config) if build else Mlp(config.embed_dim, config.mlp_hidden, approximate=approximate)
