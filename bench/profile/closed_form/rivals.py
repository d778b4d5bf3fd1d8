"""MACs of the rivals by formula; docs/rivals.md says what the networks are.

D width, M hidden width of the MLP, L tokens, P patches, p patch side, C channels, N blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.profile.closed_form.formula import Formula

if TYPE_CHECKING:
    from variants.config import ModelConfig

_DIT_FREQUENCIES = 256


def _dit(config: ModelConfig) -> Formula:
    _check_plain(config)
    d, patches, blocks = config.embed_dim, config.num_patches, config.depth
    pixels = patches * d * config.patch**2 * config.channels
    parts = {
        "embedding": pixels + _DIT_FREQUENCIES * d + d * d,
        "head": pixels + 2 * d * d,
        **_transformer(config, patches),
        "modulation": blocks * 6 * d * d,
    }
    inside = sum(macs for part, macs in parts.items() if part not in ("embedding", "head"))
    # the gate wants the MLP's output, so that checkpointing computes the whole block again
    return Formula(by_part=parts, no_input_grad=pixels + _DIT_FREQUENCIES * d, recomputed=inside)


def _genvit(config: ModelConfig) -> Formula:
    _check_plain(config)
    d, patches, blocks = config.embed_dim, config.num_patches, config.depth
    tokens = patches + 1
    pixels = patches * d * config.patch**2 * config.channels
    parts = {
        "embedding": pixels + 4 * tokens * d + 16 * tokens**2,
        "head": pixels,
        **_transformer(config, tokens),
        "modulation": blocks * 8 * tokens**2,
    }
    inside = sum(macs for part, macs in parts.items() if part not in ("embedding", "head"))
    last = blocks * tokens * d * config.mlp_hidden  # torch stops recomputing at the input of the MLP's last layer
    return Formula(by_part=parts, no_input_grad=pixels + 4 * tokens * d, recomputed=inside - last)


def _transformer(config: ModelConfig, tokens: int) -> dict[str, int]:
    d, blocks = config.embed_dim, config.depth
    return {
        "attention_matmuls": blocks * 2 * tokens**2 * d,
        "attention_linear": blocks * 4 * tokens * d * d,
        "mlp": blocks * 2 * tokens * d * config.mlp_hidden,
    }


def _check_plain(config: ModelConfig) -> None:
    for slot, choice in config.slots:
        if slot == "head_init":  # of no weight in a count
            continue
        raise ValueError(f"{slot}={choice} has no closed form")


def _unet(config: ModelConfig) -> Formula:
    """Walks the levels as `variants.networks.unet` does, with the side of the map in hand."""
    d, side = config.embed_dim, config.image_size
    first = 9 * config.channels * d * side**2
    tally = _Tally(time=4 * d)
    tally.parts["embedding"] = first + 4 * d * d + 16 * d * d
    width, kept = d, [d]
    for level, channels in enumerate(config.levels):
        for _ in range(config.depth):
            tally.unit(width, channels, side, attend=2**level in config.attention_at)
            width = channels
            kept.append(width)
        if level < len(config.levels) - 1:
            side //= 2
            tally.resample(width, side)
            kept.append(width)
    tally.unit(width, width, side, attend=True)
    tally.unit(width, width, side, attend=False)
    for level in reversed(range(len(config.levels))):
        for _ in range(config.depth + 1):
            tally.unit(width + kept.pop(), config.levels[level], side, attend=2**level in config.attention_at)
            width = config.levels[level]
        if level:
            side *= 2
            tally.resample(width, side)
    tally.parts["head"] = 9 * width * config.channels * side**2
    return Formula(by_part=dict(tally.parts), no_input_grad=first + 4 * d * d, recomputed=tally.recomputed)


class _Tally:
    """Sums of a U-Net's units by part; ``time`` is the width of the time's embedding."""

    def __init__(self, time: int) -> None:
        self.time, self.parts, self.recomputed = time, Counter[str](), 0

    def unit(self, inputs: int, channels: int, side: int, *, attend: bool) -> None:
        places = side**2
        first, second = (9 * width * channels * places for width in (inputs, channels))
        shortcut = inputs * channels * places if inputs != channels else 0
        self.parts["convolutions"] += first + second + shortcut
        self.parts["modulation"] += self.time * channels
        # checkpointing stops at the last tensor that the backward wants: the second convolution's input, or, where
        # attention follows, that of its output projection
        self.recomputed += shortcut + first + self.time * channels
        if attend:
            matmuls, linear = 2 * places**2 * channels, 4 * places * channels**2
            self.parts["attention_matmuls"] += matmuls
            self.parts["attention_linear"] += linear
            self.recomputed += second + matmuls + linear * 3 // 4

    def resample(self, channels: int, side: int) -> None:
        """A 3×3 convolution to a map of ``side``; nothing of it is computed again."""
        self.parts["convolutions"] += 9 * channels**2 * side**2


FORMS: dict[str, Callable[[ModelConfig], Formula]] = {"dit": _dit, "genvit": _genvit, "unet": _unet}
