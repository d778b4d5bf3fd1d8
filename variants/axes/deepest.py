"""How wide a U-Net is at its lowest resolution; ours, for arms of equal size (docs/grids.md)."""

from __future__ import annotations

from dataclasses import replace

from variants.config import ModelConfig
from variants.sizes import size_axis


def _set_deepest(config: ModelConfig, channels: int) -> ModelConfig:
    return replace(config, levels=(*config.levels[:-1], channels))


AXIS = size_axis(
    "deepest",
    question="How many channels has a U-Net's last level?",
    values=(256, 128, 384),
    formula="{} channels at the lowest resolution",
    source="ours: matches the size of arms",
    largest=16_384,
    set_size=_set_deepest,
    families=("unet",),
    refines=("width",),
)
