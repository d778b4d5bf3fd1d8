"""How tokens know where they are (All are Worth Words, section 3.1 and Fig. 2e)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from variants.axis import Axis, Option
from variants.config import ModelConfig

if TYPE_CHECKING:
    from torch import nn


def _learned_1d(config: ModelConfig, extras: int) -> nn.Module:
    from variants.layers.position import LearnedPositions

    return LearnedPositions(extras + config.num_patches, config.embed_dim)


def _sincos_2d(config: ModelConfig, extras: int) -> nn.Module:
    from variants.layers.position import SinCosPositions

    return SinCosPositions(extras, config.grid, config.embed_dim)


def _none(config: ModelConfig, extras: int) -> nn.Module:
    from torch import nn

    return nn.Identity()


def _check_divisible(config: ModelConfig) -> None:
    if config.embed_dim % 4:
        raise ValueError(
            f"pos_embed=sincos_2d needs sine and cosine of two coordinates: width {config.embed_dim} must divide by 4"
        )


def _not_learned(option: str) -> Callable[[ModelConfig], ModelConfig]:
    """No learned positions are left that could start as sinusoids."""
    return lambda config: config.without_slot("pos_init").with_slot("pos_embed", option)


_SOURCE = "All are Worth Words, Fig. 2e"

AXIS = Axis(
    name="pos_embed",
    question="Should positions be learned for every token, fixed in two dimensions, or absent?",
    default="learned_1d",
    options=(
        Option(name="learned_1d", formula="h + P, P learned (L × D)", source=_SOURCE, build=_learned_1d),
        Option(
            name="sincos_2d",
            formula="h + [sincos(i); sincos(j)]",
            source=_SOURCE,
            build=_sincos_2d,
            transform=_not_learned("sincos_2d"),
            check=_check_divisible,
        ),
        Option(name="none", formula="h", source=_SOURCE, build=_none, transform=_not_learned("none")),
    ),
)
