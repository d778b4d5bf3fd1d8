"""How wide a U-Net is at its lower resolutions; ours, for arms of equal size (docs/grids.md)."""

from __future__ import annotations

from dataclasses import replace

from variants.config import ModelConfig
from variants.sizes import size_axis


def _set_deep_width(config: ModelConfig, channels: int) -> ModelConfig:
    upper = len(config.levels) // 2
    return replace(config, levels=config.levels[:upper] + (channels,) * (len(config.levels) - upper))


AXIS = size_axis(
    "deep_width",
    question="How many channels have the lower half of a U-Net's levels?",
    values=(256, 128, 384),
    formula="{} channels at the lower resolutions",
    source="ours: matches the size of arms",
    largest=16_384,
    set_size=_set_deep_width,
    families=("unet",),
    refines=("width",),
)
