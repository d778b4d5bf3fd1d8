"""How the head starts: as drawn, with a 3×3 convolution that is the identity, or with a last layer of zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING

from variants.axis import Axis, Option
from variants.config import ModelConfig

if TYPE_CHECKING:
    from torch import nn

_ZERO_ALREADY = ("dit", "unet")


def _convolves(config: ModelConfig) -> bool:
    return config.family == "uvit" and config.slot("conv_head") != "none"


def _as_dirac(config: ModelConfig) -> ModelConfig:
    """Where a U-ViT's head has no convolution there is nothing to start, and ``dirac`` is the default."""
    if config.family == "uvit" and not _convolves(config):
        return config.without_slot("head_init")
    return config.with_slot("head_init", "dirac")


def _check_dirac(config: ModelConfig) -> None:
    if not _convolves(config):
        raise ValueError(
            f"head_init=dirac starts a 3×3 convolution over the head's own channels as the identity, and the head of "
            f"this {config.family} has none; leave it out"
        )


def _check_zero(config: ModelConfig) -> None:
    if config.family in _ZERO_ALREADY:
        raise ValueError(f"the last layer of a {config.family} starts at zero as it is; leave head_init=zero out")


def _dirac(config: ModelConfig, model: nn.Module) -> None:
    from variants.layers.starts import start_as_dirac

    after = config.slot("conv_head") == "after"
    start_as_dirac(model, "final_layer" if after else "token_layer.conv")


def _zero(config: ModelConfig, model: nn.Module) -> None:
    from variants.layers.starts import start_at_zero

    last = config.family == "uvit" and config.slot("conv_head") == "after"
    start_at_zero(model, "final_layer" if last else "decoder_pred")


AXIS = Axis(
    name="head_init",
    kind="initial weights",
    question="Should the head start at random, with its convolution the identity, or with an output of zero?",
    default="default",
    options=(
        Option(name="default", formula="as all layers of the kind", source="official code of All are Worth Words"),
        Option(
            name="dirac",
            formula="Conv3×3 = identity at first",
            source="ConvNets that start as identities: Zagoruyko and Komodakis 2017 (arXiv:1706.00388)",
            build=_dirac,
            transform=_as_dirac,
            check=_check_dirac,
        ),
        Option(
            name="zero",
            formula="last layer = 0 at first",
            source="DiT, Peebles and Xie 2023 (arXiv:2212.09748), section 3.2",
            build=_zero,
            check=_check_zero,
        ),
    ),
    refines=("conv_head",),
)
