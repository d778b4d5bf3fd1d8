"""What the tests of `variants` share: small images, their conditions, and the table of options."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

import variants

SMALL = "uvit-micro/2"
UNCONDITIONAL: dict[str, Any] = {"image_size": 16, "channels": 3}
CLASSES: dict[str, Any] = {**UNCONDITIONAL, "num_classes": 4, "null_label": True}
TEXT: dict[str, Any] = {**UNCONDITIONAL, "context_tokens": 5, "context_dim": 6}
SIZES = ("depth", "width", "patch", "mlp_hidden", "num_heads", "deep_width")


def axes(preset: str = SMALL) -> list[str]:
    """The axes that the family of ``preset`` takes."""
    family = variants.FAMILIES.get(variants.PRESETS.get(re.split("[/+]", preset)[0]).family)
    return [name for name, axis in variants.AXES.items() if axis.kind == "network" and family.takes(axis)]


def options(preset: str = SMALL) -> list[tuple[str, str]]:
    """Every option of every axis that ``preset`` takes, sizes as they scale with it."""
    pairs = []
    for name in axes(preset):
        axis = variants.AXES.get(name)
        if name in SIZES:
            values = variants.scaled_options(name, preset, image_size=16)
        else:
            values = [option.name for option in axis.options]
        pairs += [(name, value) for value in values]
    return pairs


def inputs(data: dict[str, Any], *, batch: int = 2, device: str = "cpu") -> dict[str, Tensor]:
    """Keyword arguments of ``forward`` for a network on ``data``; the same on each call."""
    generator = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    found = {"x": normal(batch, data["channels"], data["image_size"], data["image_size"])}
    found["timesteps"] = torch.linspace(0.1, 999, batch)
    if data.get("num_classes"):
        found["y"] = torch.arange(batch) % data["num_classes"]
    if data.get("context_tokens"):
        found["context"] = normal(batch, data["context_tokens"], data["context_dim"])
    return {name: value.to(device) for name, value in found.items()}


def small(variant: str = SMALL, *, data: dict[str, Any] = UNCONDITIONAL, seed: int = 0) -> nn.Module:
    """The network of ``variant`` on ``data``."""
    return variants.create_model(variant, **data, seed=seed)


def count(model: nn.Module) -> int:
    """Its parameters."""
    return sum(parameter.numel() for parameter in model.parameters())
