"""The official network once more: its state dicts, and a second, independent writing as one function of its weights.

Names, shapes and order (of tokens, of q, k and v, of pixels) are those of baofff/U-ViT's ``libs/uvit.py`` and
``libs/uvit_t2i.py``, written here in plain tensor operations; nothing is shared with the package.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = dict[str, Tensor]


def shapes(
    *,
    img_size: int = 16,
    patch_size: int = 2,
    in_chans: int = 3,
    embed_dim: int = 64,
    depth: int = 4,
    mlp_ratio: int = 4,
    num_classes: int = -1,
    clip_dim: int = 0,
    num_clip_token: int = 77,
    mlp_time_embed: bool = False,
    conv: bool = True,
    skip: bool = True,
) -> dict[str, tuple[int, ...]]:
    """Every tensor of an official network by name; the arguments are the official constructors'."""
    dim, hidden, pixels = embed_dim, embed_dim * mlp_ratio, patch_size**2 * in_chans
    extras = 1 + (1 if num_classes > 0 else 0) + (num_clip_token if clip_dim else 0)
    found: dict[str, tuple[int, ...]] = {
        "pos_embed": (1, extras + (img_size // patch_size) ** 2, dim),
        "patch_embed.proj.weight": (dim, in_chans, patch_size, patch_size),
        "patch_embed.proj.bias": (dim,),
        **affine("norm", dim),
        **linear("decoder_pred", dim, pixels),
    }
    if mlp_time_embed:
        found |= linear("time_embed.0", dim, 4 * dim) | linear("time_embed.2", 4 * dim, dim)
    if num_classes > 0:
        found["label_emb.weight"] = (num_classes, dim)
    if clip_dim:
        found |= linear("context_embed", clip_dim, dim)
    if conv:
        found |= {"final_layer.weight": (in_chans, in_chans, 3, 3), "final_layer.bias": (in_chans,)}
    half = range(depth // 2)
    for name in [*(f"in_blocks.{i}" for i in half), "mid_block", *(f"out_blocks.{i}" for i in half)]:
        found |= affine(f"{name}.norm1", dim) | affine(f"{name}.norm2", dim)
        found |= {f"{name}.attn.qkv.weight": (3 * dim, dim), **linear(f"{name}.attn.proj", dim, dim)}
        found |= linear(f"{name}.mlp.fc1", dim, hidden) | linear(f"{name}.mlp.fc2", hidden, dim)
        if skip and name.startswith("out"):
            found |= linear(f"{name}.skip_linear", 2 * dim, dim)
    return found


def linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def affine(name: str, dim: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (dim,), f"{name}.bias": (dim,)}


def state_dict(found: dict[str, tuple[int, ...]], *, seed: int = 0) -> Weights:
    """Random weights of these shapes, none of them at a special value, at scales that keep the signal alive."""
    generator = torch.Generator().manual_seed(seed)

    def draw(name: str, shape: tuple[int, ...]) -> Tensor:
        scale = 0.3 if len(shape) == 1 else 1 / math.sqrt(math.prod(shape[1:]))
        return torch.randn(shape, generator=generator) * scale + (1 if "norm" in name and "weight" in name else 0)

    return {name: draw(name, shape) for name, shape in found.items()}


def embed_time(t: Tensor, dim: int) -> Tensor:
    rows = []
    for value in t.tolist():
        angles = [value * math.exp(-math.log(10_000) * k / (dim // 2)) for k in range(dim // 2)]
        rows.append([math.cos(a) for a in angles] + [math.sin(a) for a in angles])
    return torch.tensor(rows)


def block(w: Weights, name: str, h: Tensor, heads: int, skip: Tensor | None) -> Tensor:
    def project(layer: str, value: Tensor) -> Tensor:
        return F.linear(value, w[f"{name}.{layer}.weight"], w.get(f"{name}.{layer}.bias"))

    def norm(layer: str) -> Tensor:
        return F.layer_norm(h, h.shape[-1:], w[f"{name}.{layer}.weight"], w[f"{name}.{layer}.bias"], 1e-5)

    if skip is not None and f"{name}.skip_linear.weight" in w:
        h = project("skip_linear", torch.cat((h, skip), 2))
    dim = h.shape[-1]
    qkv = project("attn.qkv", norm("norm1"))
    mixed = torch.zeros_like(h)
    for head in range(heads):
        size = dim // heads
        q, k, v = (qkv[..., part * dim + head * size : part * dim + (head + 1) * size] for part in range(3))
        mixed[..., head * size : (head + 1) * size] = ((q @ k.mT) / math.sqrt(size)).softmax(-1) @ v
    h = h + project("attn.proj", mixed)
    hidden = project("mlp.fc1", norm("norm2"))
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    return h + project("mlp.fc2", hidden)


def forward(
    w: Weights, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None, *, heads: int
) -> Tensor:
    """The network's output; tokens are label, time, context, patches."""
    patch = w["patch_embed.proj.weight"].shape[-1]
    half = sum(name.startswith("in_blocks") and name.endswith("norm1.weight") for name in w)
    tokens = F.conv2d(x, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=patch).flatten(2).mT
    time = embed_time(timesteps, tokens.shape[-1])
    if "time_embed.0.weight" in w:
        inner = F.linear(time, w["time_embed.0.weight"], w["time_embed.0.bias"])
        time = F.linear(inner * torch.sigmoid(inner), w["time_embed.2.weight"], w["time_embed.2.bias"])
    parts = [time[:, None]]
    if context is not None:
        parts.append(F.linear(context, w["context_embed.weight"], w["context_embed.bias"]))
    if y is not None:
        parts.insert(0, w["label_emb.weight"][y][:, None])
    extras = sum(part.shape[1] for part in parts)
    h = torch.cat([*parts, tokens], 1) + w["pos_embed"]
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
