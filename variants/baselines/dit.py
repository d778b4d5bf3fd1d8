"""DiT (Peebles and Xie 2023, arXiv 2212.09748): a ViT with AdaLN-Zero and no long skips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from variants.config import ModelConfig, check_sizes
from variants.families import MLP_KNOB, WIDTH_KNOB, Family

if TYPE_CHECKING:
    from torch import nn


def _build(config: ModelConfig) -> nn.Module:
    from variants.networks.dit import DiT

    return DiT(config)


def _check(config: ModelConfig) -> None:
    check_sizes(config)
    if config.embed_dim % 4:
        raise ValueError(f"a dit has sine and cosine of two coordinates: width {config.embed_dim} must divide by 4")


FAMILY = Family(
    name="dit",
    about="DiT (arXiv 2212.09748): a ViT with AdaLN-Zero, without long skips",
    build=_build,
    check=_check,
    slots=("depth", "width", "patch", "mlp_hidden", "num_heads", "attention", "mlp", "head_init"),
    context=False,
    knobs=(WIDTH_KNOB, MLP_KNOB),
)
