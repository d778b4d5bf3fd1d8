"""How wide the hidden layer of the MLPs is; ours, for arms of equal size (docs/grids.md)."""

from __future__ import annotations

from dataclasses import replace

from variants.config import ModelConfig
from variants.sizes import size_axis


def _set_hidden(config: ModelConfig, hidden: int) -> ModelConfig:
    return replace(config, mlp_hidden=hidden)


AXIS = size_axis(
    "mlp_hidden",
    question="How wide is the hidden layer of the MLPs?",
    values=(2048, 1024, 4096),
    formula="Linear(GELU(Linear(h))), D → {} → D",
    source="ours: matches the size of arms",
    largest=65_536,
    set_size=_set_hidden,
    refines=("width",),
)
