"""How a long skip joins the main branch, before the block that receives it.

h_m is the main branch, h_s the long skip's (All are Worth Words, section 3.1 and Fig. 2a); both (B, L, D).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from variants.axis import Axis, Option
from variants.config import ModelConfig

if TYPE_CHECKING:
    from torch import nn


def _concat(config: ModelConfig) -> nn.Module:
    from variants.layers.skip import ConcatSkip

    return ConcatSkip(config.embed_dim)


def _linear_sum(config: ModelConfig) -> nn.Module:
    from variants.layers.skip import LinearSumSkip

    return LinearSumSkip(config.embed_dim)


def _linear_skip(config: ModelConfig) -> nn.Module:
    from variants.layers.skip import LinearSkip

    return LinearSkip(config.embed_dim)


def _add(config: ModelConfig) -> nn.Module:
    from variants.layers.skip import AddSkip

    return AddSkip()


def _none(config: ModelConfig) -> nn.Module:
    from variants.layers.skip import NoSkip

    return NoSkip()


_SOURCE = "All are Worth Words, Fig. 2a"

AXIS = Axis(
    name="skip",
    question="How should a long skip be fused with the main branch?",
    default="concat",
    options=(
        Option(name="concat", formula="Linear([h_m; h_s])", source=_SOURCE, build=_concat),
        Option(name="linear_sum", formula="Linear(h_m + h_s)", source=_SOURCE, build=_linear_sum),
        Option(name="linear_skip", formula="h_m + Linear(h_s)", source=_SOURCE, build=_linear_skip),
        Option(name="add", formula="h_m + h_s", source=_SOURCE, build=_add),
        Option(name="none", formula="h_m", source=_SOURCE, build=_none),
    ),
)
