"""Multiply-accumulates of one image, counted on the meta device (no memory, no arithmetic)."""

from __future__ import annotations

from dataclasses import dataclass
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
    return parameters(config), flop_counter_forward(config).macs


@lru_cache(maxsize=256)
def parameters(config: ModelConfig) -> int:
    """Parameters of the network."""
    from variants import build

    return sum(p.numel() for p in build(config, device="meta").parameters())


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """MACs of one image: in all, by module (each with its children; the root is ``""``), and of convolutions alone."""

    macs: int
    by_module: dict[str, int]
    conv_macs: int


def flop_counter_forward(config: ModelConfig) -> Counted:
    """One forward pass, by torch.utils.flop_counter."""
    return _counted(config, backward=False, gradient_checkpointing=False)


def flop_counter_train(config: ModelConfig, *, gradient_checkpointing: bool = False) -> Counted:
    """Forward and backward, by torch.utils.flop_counter; with what checkpointing computes again."""
    return _counted(config, backward=True, gradient_checkpointing=gradient_checkpointing)


def _counted(config: ModelConfig, *, backward: bool, gradient_checkpointing: bool) -> Counted:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from bench.machine.runtime import Runtime
    from bench.training.network import prepare_network
    from variants import build
    from variants.inputs import example_inputs

    runtime = Runtime(device="meta", gradient_checkpointing=gradient_checkpointing)
    model = prepare_network(build(config, device="meta"), runtime)
    with torch.set_grad_enabled(backward), FlopCounterMode(display=False) as counter:
        out = model(*example_inputs(config, batch_size=1, device="meta"))
        if backward:
            out.sum().backward()
    counts = counter.get_flop_counts()
    by_module = {_below_root(name): sum(ops.values()) // 2 for name, ops in counts.items() if name != "Global"}
    conv = sum(flops for op, flops in counts["Global"].items() if "convolution" in str(op))
    return Counted(macs=counter.get_total_flops() // 2, by_module=by_module, conv_macs=conv // 2)


def _below_root(name: str) -> str:
    """``UViT.in_blocks.0`` → ``in_blocks.0``; the counter puts the root's class first."""
    return name.partition(".")[2]
