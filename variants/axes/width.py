"""How wide the tokens are (All are Worth Words, Fig. 3b)."""

from __future__ import annotations

from dataclasses import replace

from variants.config import ModelConfig
from variants.sizes import size_axis


def _set_width(config: ModelConfig, width: int) -> ModelConfig:
    """Heads keep the preset's dimension and the MLP its ratio; the levels of a U-Net keep theirs."""
    if config.levels:
        levels = tuple(max(1, level * width // config.embed_dim) for level in config.levels)
        return replace(config, embed_dim=width, mlp_hidden=4 * width, levels=levels)
    if width % config.head_dim:
        raise ValueError(
            f"width={width} does not divide into heads of {config.head_dim}, this preset's; use a multiple of it"
        )
    hidden = config.mlp_hidden * width // config.embed_dim
    return replace(config, embed_dim=width, num_heads=width // config.head_dim, mlp_hidden=hidden)


AXIS = size_axis(
    "width",
    question="How many channels per token?",
    values=(512, 256, 768),
    formula="D = {}, at the preset's head dimension and MLP ratio",
    source="All are Worth Words, Fig. 3b",
    largest=16384,
    set_size=_set_width,
)
