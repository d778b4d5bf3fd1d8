"""The network against a second, independent writing of U-ViT as one function of its weights.

It follows the published structure (All are Worth Words, Fig. 1; baofff/U-ViT for order of tokens and of pixels) in
plain tensor operations and shares nothing with the package but the weights' names.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.variants.data import CLASSES, TEXT, UNCONDITIONAL, inputs, small

Weights = dict[str, Tensor]


def embed_time(t: Tensor, dim: int) -> Tensor:
    rows = []
    for value in t.tolist():
        angles = [value * math.exp(-math.log(10_000) * k / (dim // 2)) for k in range(dim // 2)]
        rows.append([math.cos(a) for a in angles] + [math.sin(a) for a in angles])
    return torch.tensor(rows)


def block(w: Weights, name: str, h: Tensor, heads: int, skip: Tensor | None) -> Tensor:
    def linear(layer: str, value: Tensor) -> Tensor:
        return F.linear(value, w[f"{name}.{layer}.weight"], w.get(f"{name}.{layer}.bias"))

    def norm(layer: str) -> Tensor:
        return F.layer_norm(h, h.shape[-1:], w[f"{name}.{layer}.weight"], w[f"{name}.{layer}.bias"], 1e-5)

    if skip is not None:
        h = linear("skip_linear.linear", torch.cat((h, skip), 2))
    dim = h.shape[-1]
    qkv = linear("attn.qkv", norm("norm1"))
    mixed = torch.zeros_like(h)
    for head in range(heads):
        size = dim // heads
        q, k, v = (qkv[..., part * dim + head * size : part * dim + (head + 1) * size] for part in range(3))
        mixed[..., head * size : (head + 1) * size] = ((q @ k.mT) / math.sqrt(size)).softmax(-1) @ v
    h = h + linear("attn.proj", mixed)
    hidden = linear("mlp.fc1", norm("norm2"))
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    return h + linear("mlp.fc2", hidden)


def reference(
    model: Any, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None
) -> Tensor:
    w: Weights = {name: value.detach() for name, value in model.state_dict().items()}
    patch, heads, half = model.config.patch, model.config.num_heads, model.config.depth // 2
    tokens = F.conv2d(x, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=patch).flatten(2).mT
    parts = [embed_time(timesteps, tokens.shape[-1])[:, None]]
    if context is not None:
        parts.append(F.linear(context, w["context_embed.weight"], w["context_embed.bias"]))
    if y is not None:
        parts.insert(0, w["label_emb.weight"][y][:, None])
    extras = sum(part.shape[1] for part in parts)
    h = torch.cat([*parts, tokens], 1) + w["pos_embed.table"]
    skips = []
    for i in range(half):
        h = block(w, f"in_blocks.{i}", h, heads, None)
        skips.append(h)
    h = block(w, "mid_block", h, heads, None)
    for i in range(half):
        h = block(w, f"out_blocks.{i}", h, heads, skips[half - 1 - i])
    h = F.layer_norm(h, h.shape[-1:], w["norm.weight"], w["norm.bias"], 1e-5)
    pixels = F.linear(h, w["decoder_pred.weight"], w["decoder_pred.bias"])[:, extras:]
    image = torch.zeros_like(x)
    side, channels = x.shape[-1] // patch, x.shape[1]
    for place in range(side * side):
        top, left = place // side * patch, place % side * patch
        values = pixels[:, place].reshape(-1, patch, patch, channels)
        image[:, :, top : top + patch, left : left + patch] = values.permute(0, 3, 1, 2)
    if "final_layer.weight" not in w:
        return image
    return F.conv2d(image, w["final_layer.weight"], w["final_layer.bias"], padding=1)


@pytest.mark.parametrize("variant", ["uvit-micro/2", "uvit-nano/4+depth=7", "uvit-micro/4+conv_head=none"])
@pytest.mark.parametrize("data", [UNCONDITIONAL, CLASSES, TEXT], ids=["unconditional", "classes", "text"])
def test_the_network_equals_a_second_writing(variant: str, data: dict[str, Any]) -> None:
    model = small(variant, data=data)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():  # away from the start, where biases are 0 and norms 1
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
        given = inputs(data)
        assert torch.allclose(model(**given), reference(model, **given), atol=1e-5, rtol=1e-4)
