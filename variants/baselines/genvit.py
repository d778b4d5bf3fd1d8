"""GenViT (Yang et al. 2022, arXiv 2208.07791): a plain ViT whose time scales and shifts each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from variants.config import ModelConfig
from variants.families import MLP_KNOB, WIDTH_KNOB, Family

if TYPE_CHECKING:
    from torch import nn


def _build(config: ModelConfig) -> nn.Module:
    from variants.backbone import finish
    from variants.networks.genvit import GenViT

    model = GenViT(config)
    finish(model, config)
    return model


FAMILY = Family(
    name="genvit",
    about="GenViT (arXiv 2208.07791): a plain ViT, time as a scale and shift of each token",
    build=_build,
    slots=("depth", "width", "patch", "mlp_hidden", "num_heads", "attention", "mlp", "head_init"),
    context=False,
    knobs=(WIDTH_KNOB, MLP_KNOB),
)
