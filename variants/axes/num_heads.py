"""How many heads attention has; ours, since official weights may have any number."""

from __future__ import annotations

from dataclasses import replace

from variants.config import ModelConfig
from variants.sizes import size_axis


def _set_heads(config: ModelConfig, heads: int) -> ModelConfig:
    return replace(config, num_heads=heads)


AXIS = size_axis(
    "num_heads",
    question="Into how many heads does attention split the tokens' width?",
    values=(8, 4, 16),
    formula="{0} heads of D/{0} channels",
    source="ours: names networks of any number of heads",
    largest=1024,
    set_size=_set_heads,
    refines=("width",),
)
