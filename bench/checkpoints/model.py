"""The network of a checkpoint, with its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from bench.checkpoints.file import Checkpoint


def load_model(checkpoint: Checkpoint, *, weights: str = "ema") -> nn.Module:
    """The checkpoint's model with its ``ema`` or ``raw`` weights, on the CPU; ValueError when they do not fit."""
    from variants import build

    header, state = checkpoint.header, checkpoint.weights(weights)
    config = header.config
    if config.identity() != header.model:
        raise ValueError(
            f"{checkpoint.path}: its variant {header.variant} is another network here; was it made with a --plugin?"
        )
    if not state:
        other = "raw" if weights == "ema" else "ema"
        raise ValueError(f"{checkpoint.path} holds no {weights} weights; add --weights {other}")
    model = build(config)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise ValueError(f"{checkpoint.path}: its tensors do not fit {header.variant}: {first}") from None
    return model
