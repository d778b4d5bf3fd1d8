"""How many blocks (All are Worth Words, Fig. 3a)."""

from __future__ import annotations

from dataclasses import replace

from variants.config import ModelConfig
from variants.sizes import size_axis


def _set_depth(config: ModelConfig, depth: int) -> ModelConfig:
    return replace(config, depth=depth)


AXIS = size_axis(
    "depth",
    question="How many transformer blocks?",
    values=(13, 9, 17),
    formula="{} blocks: (n − 1)/2 in, 1 middle, (n − 1)/2 out",
    source="All are Worth Words, Fig. 3a",
    largest=999,
    set_size=_set_depth,
)
