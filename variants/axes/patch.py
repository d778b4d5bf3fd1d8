"""How large a patch is (All are Worth Words, Fig. 3c)."""

from __future__ import annotations

from dataclasses import replace

from variants.config import ModelConfig
from variants.sizes import size_axis


def _set_patch(config: ModelConfig, patch: int) -> ModelConfig:
    return replace(config, patch=patch)


AXIS = size_axis(
    "patch",
    question="How many pixels along the side of a patch?",
    values=(2, 1, 4, 8),
    formula="p = {}: (image / p)² patches",
    source="All are Worth Words, Fig. 3c",
    largest=4096,
    set_size=_set_patch,
)
