"""What the time embedding goes through before it is used; the official code's option ``mlp_time_embed``."""

from __future__ import annotations

from dataclasses import replace

from variants.axis import Axis, Option
from variants.config import ModelConfig


def _mlp(config: ModelConfig) -> ModelConfig:
    return replace(config, time_mlp=True)


def _sinusoid(config: ModelConfig) -> ModelConfig:
    return replace(config, time_mlp=False)


_SOURCE = "official code of All are Worth Words (mlp_time_embed)"

AXIS = Axis(
    name="time_embed",
    question="Should an MLP transform the sinusoids of the time?",
    default="sinusoid",
    options=(
        Option(name="sinusoid", formula="t = [cos; sin]", source=_SOURCE, transform=_sinusoid),
        Option(name="mlp", formula="t = Linear(SiLU(Linear([cos; sin]))), D → 4D → D", source=_SOURCE, transform=_mlp),
    ),
    families=("uvit",),
)
