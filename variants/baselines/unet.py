"""The U-Net of DDPM (Ho et al. 2020, arXiv 2006.11239, appendix B)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from variants.config import ModelConfig
from variants.families import Family, Knob

if TYPE_CHECKING:
    from torch import nn


def _build(config: ModelConfig) -> nn.Module:
    from variants.networks.unet import UNet

    return UNet(config)


def _check(config: ModelConfig) -> None:
    if config.depth < 1:
        raise ValueError(f"a unet needs at least 1 residual block a level; got depth {config.depth}")
    if not config.levels or min(config.levels) < 1:
        raise ValueError(f"a unet needs at least 1 channel at each of its levels; got {list(config.levels)}")
    factor = 2 ** (len(config.levels) - 1)
    if config.image_size % factor:
        raise ValueError(
            f"a unet of {len(config.levels)} levels halves the image {len(config.levels) - 1} times: "
            f"{config.image_size} pixels do not divide by {factor}"
        )


WIDTH = Knob(axis="width", step=1, largest=16_384, value=lambda config: config.embed_dim)
DEEP_WIDTH = Knob(axis="deep_width", step=1, largest=16_384, value=lambda config: config.levels[-1])

FAMILY = Family(
    name="unet",
    about="the U-Net of DDPM (arXiv 2006.11239): residual blocks of convolutions, attention at one resolution",
    build=_build,
    check=_check,
    slots=("depth", "width", "deep_width", "head_init"),
    context=False,
    knobs=(WIDTH, DEEP_WIDTH),
)
