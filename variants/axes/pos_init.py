"""How learned positions start: as drawn, or as sinusoids of row and column, which tell neighbours from step 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from variants.axis import Axis, Option
from variants.config import ModelConfig

if TYPE_CHECKING:
    from torch import nn


def _learns(config: ModelConfig) -> bool:
    return config.family == "uvit" and config.slot("pos_embed") == "learned_1d"


def _as_sincos(config: ModelConfig) -> ModelConfig:
    """Where a U-ViT learns no positions there is nothing to start, and ``sincos_2d`` is the default."""
    if config.family == "uvit" and not _learns(config):
        return config.without_slot("pos_init")
    return config.with_slot("pos_init", "sincos_2d")


def _check(config: ModelConfig) -> None:
    if not _learns(config):
        raise ValueError(
            f"pos_init=sincos_2d starts a U-ViT's learned positions, and this {config.family} has none; leave it out"
        )
    if config.embed_dim % 4:
        raise ValueError(
            f"pos_init=sincos_2d needs sine and cosine of two coordinates: width {config.embed_dim} must divide by 4"
        )


def _sincos(config: ModelConfig, model: nn.Module) -> None:
    from variants.layers.starts import start_as_sincos

    start_as_sincos(model, "pos_embed", grid=config.grid)


AXIS = Axis(
    name="pos_init",
    kind="initial weights",
    question="Should learned positions start at random, or as sinusoids of row and column?",
    default="default",
    options=(
        Option(name="default", formula="P ~ N(0, 0.02²)", source="official code of All are Worth Words"),
        Option(
            name="sincos_2d",
            formula="P = [sincos(i); sincos(j)] at first, for patches",
            source="the fixed positions of DiT, Peebles and Xie 2023 (arXiv:2212.09748), as a start; ours",
            build=_sincos,
            transform=_as_sincos,
            check=_check,
        ),
    ),
    refines=("pos_embed",),
)
