"""U-ViT (Bao et al. 2023, arXiv 2209.12152): a ViT with long skips, the network that all others are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from variants.config import ModelConfig, check_sizes
from variants.families import MLP_KNOB, Family

if TYPE_CHECKING:
    from torch import nn


def _build(config: ModelConfig) -> nn.Module:
    from variants.backbone import UViT, finish

    model = UViT(config)
    finish(model, config)
    return model


def _check(config: ModelConfig) -> None:
    if config.depth < 3 or config.depth % 2 == 0:
        raise ValueError(f"depth counts blocks and is odd, at least 3 (n in, 1 middle, n out); got {config.depth}")
    check_sizes(config)


FAMILY = Family(
    name="uvit",
    about="U-ViT (All are Worth Words): a ViT with long skips",
    build=_build,
    check=_check,
    knobs=(MLP_KNOB,),
    odd_depth=True,
)
