"""How the blocks learn the time (All are Worth Words, section 3.1 and Fig. 2b)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from variants.axis import Axis, Option
from variants.config import ModelConfig

if TYPE_CHECKING:
    from variants.layers.time import TimeConditioning


def _token(config: ModelConfig) -> TimeConditioning:
    from variants.layers.time import time_token

    return time_token()


def _adaln(config: ModelConfig) -> TimeConditioning:
    from variants.layers.time import adaptive_norm

    return adaptive_norm(config.embed_dim)


_SOURCE = "All are Worth Words, Fig. 2b"

AXIS = Axis(
    name="time",
    question="Should time be a token, or scale and shift the norms of the blocks?",
    default="token",
    options=(
        Option(name="token", formula="tokens = [t; patches]", source=_SOURCE, build=_token),
        Option(name="adaln", formula="y_s · LayerNorm(h) + y_b, (y_s, y_b) = Linear(t)", source=_SOURCE, build=_adaln),
    ),
)
