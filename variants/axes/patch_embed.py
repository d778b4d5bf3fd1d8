"""How patches become tokens (All are Worth Words, section 3.1 and Fig. 2d)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from variants.axis import Axis, Option
from variants.config import ModelConfig

if TYPE_CHECKING:
    from torch import nn


def _linear(config: ModelConfig) -> nn.Module:
    from variants.layers.patch import LinearPatches

    return LinearPatches(config.channels, config.embed_dim, config.patch)


def _conv_stack(config: ModelConfig) -> nn.Module:
    from variants.layers.patch import ConvStackPatches

    return ConvStackPatches(config.channels, config.embed_dim, config.patch)


def _check_power_of_two(config: ModelConfig) -> None:
    if config.patch & (config.patch - 1):
        raise ValueError(f"patch_embed=conv_stack halves the image step by step: patch {config.patch} is no power of 2")


_SOURCE = "All are Worth Words, Fig. 2d"

AXIS = Axis(
    name="patch_embed",
    question="Should a patch be embedded by one linear map or by a stack of convolutions?",
    default="linear",
    options=(
        Option(name="linear", formula="Linear(patch)", source=_SOURCE, build=_linear),
        Option(
            name="conv_stack",
            formula="Conv1×1(SiLU(GroupNorm(Conv3×3)) × log2(patch))",
            source=f"{_SOURCE}; stack after Early Convolutions Help Transformers See Better",
            build=_conv_stack,
            check=_check_power_of_two,
        ),
    ),
)
