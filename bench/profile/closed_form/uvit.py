"""MACs of U-ViT by formula; docs/profile.md derives each line.

D width, M hidden width of the MLP, L tokens, P patches among them, p patch side, C channels, T and E context tokens
and their features, N blocks, of which N//2 take a long skip.
"""

from __future__ import annotations

from bench.profile.closed_form.formula import Formula
from variants.config import ModelConfig

_SKIP = {"concat": 2, "linear_sum": 1, "linear_skip": 1, "add": 0, "none": 0}  # in D² a token


def uvit(config: ModelConfig) -> Formula:
    _check_known(config)
    d, m, blocks = config.embed_dim, config.mlp_hidden, config.depth
    patches = config.num_patches
    time_token = config.slot("time") == "token"
    tokens = patches + int(time_token) + config.context_tokens + int(config.num_classes > 0)
    first, embedding = _patch_embedding(config)
    time_mlp = 8 * d * d if config.time_mlp else 0
    context = config.context_tokens * config.context_dim * d
    modulation = 0 if time_token else 2 * blocks * 2 * d * d
    parts = {
        "embedding": embedding + time_mlp + context,
        "head": patches * d * config.patch**2 * config.channels + _head_conv(config),
        "attention_matmuls": blocks * 2 * tokens**2 * d,
        "attention_linear": blocks * 4 * tokens * d * d,
        "mlp": blocks * 2 * tokens * d * m,
        "skips": blocks // 2 * _SKIP[config.slot("skip")] * tokens * d * d,
        "modulation": modulation,
    }
    inside = ("attention_matmuls", "attention_linear", "mlp", "skips", "modulation")
    return Formula(
        by_part={part: macs for part, macs in parts.items() if macs},
        # nothing before the sinusoid learns: its first reader, the time MLP or else each modulation, needs no gradient
        no_input_grad=first + context + (4 * d * d if config.time_mlp else modulation),
        # torch stops recomputing a block at the last tensor that its backward wants: the input of the MLP's last layer
        recomputed=sum(parts[part] for part in inside) - blocks * tokens * d * m,
    )


def _check_known(config: ModelConfig) -> None:
    known = {
        "patch_embed": ("linear", "conv_stack"),
        "time": ("token", "adaln"),
        "pos_embed": ("learned_1d", "sincos_2d", "none"),
        "skip": tuple(_SKIP),
        "conv_head": ("after", "before", "none"),
        "head_init": ("dirac", "zero"),  # of no weight in a count, as the next
        "pos_init": ("sincos_2d",),
    }
    for slot, choice in config.slots:
        if choice not in known.get(slot, ()):
            raise ValueError(f"{slot}={choice} has no closed form")


def _patch_embedding(config: ModelConfig) -> tuple[int, int]:
    """MACs of the first layer and of the whole patch embedding (`variants.layers.patch`)."""
    d, p, channels = config.embed_dim, config.patch, config.channels
    if config.slot("patch_embed") == "linear":
        whole = config.num_patches * channels * p * p * d
        return whole, whole
    stages = max(1, p.bit_length() - 1)
    widths = [max(1, d >> (stages - 1 - stage)) for stage in range(stages)]
    side, inputs, layers = config.image_size, channels, []
    for width in widths:
        side //= min(p, 2)
        layers.append(9 * inputs * width * side**2)
        inputs = width
    return layers[0], sum(layers) + config.num_patches * inputs * d


def _head_conv(config: ModelConfig) -> int:
    """MACs of the 3×3 convolution of `variants.layers.head`."""
    after = 9 * config.channels**2 * config.image_size**2
    return {"after": after, "before": 9 * config.embed_dim**2 * config.num_patches, "none": 0}[config.slot("conv_head")]
