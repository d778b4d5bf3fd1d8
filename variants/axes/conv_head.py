"""Where the last 3×3 convolution stands (All are Worth Words, section 3.1 and Fig. 2c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from variants.axis import Axis, Option
from variants.config import ModelConfig

if TYPE_CHECKING:
    from variants.layers.head import ConvHead


def _after(config: ModelConfig) -> ConvHead:
    from variants.layers.head import conv_after

    return conv_after(config.channels)


def _before(config: ModelConfig) -> ConvHead:
    from variants.layers.head import conv_before

    return conv_before(config.embed_dim, config.grid)


def _none(config: ModelConfig) -> ConvHead:
    from variants.layers.head import no_conv

    return no_conv()


def _without_conv(config: ModelConfig) -> ModelConfig:
    """No convolution is left that could start as the identity."""
    dirac = dict(config.slots).get("head_init") == "dirac"
    return (config.without_slot("head_init") if dirac else config).with_slot("conv_head", "none")


_SOURCE = "All are Worth Words, Fig. 2c"

AXIS = Axis(
    name="conv_head",
    question="Should a 3×3 convolution follow the tokens' linear, precede it, or be left out?",
    default="after",
    options=(
        Option(name="after", formula="Conv3×3(unpatchify(Linear(h)))", source=_SOURCE, build=_after),
        Option(name="before", formula="unpatchify(Linear(Conv3×3(h)))", source=_SOURCE, build=_before),
        Option(name="none", formula="unpatchify(Linear(h))", source=_SOURCE, build=_none, transform=_without_conv),
    ),
)
