"""The rivals against independent writings of them: diffusers' DiT and U-Net, by loading our weights into theirs."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.variants.data import inputs, small
from tests.variants.test_rivals import perturbed

diffusers = pytest.importorskip("diffusers")
Weights = dict[str, Tensor]
LABELLED: dict[str, Any] = {"image_size": 32, "channels": 3, "num_classes": 4, "null_label": True}


def renamed(weights: Weights, names: list[tuple[str, str]]) -> Weights:
    """Each name changed by every pair of pattern and replacement, in order."""
    found = {}
    for name, value in weights.items():
        for pattern, replacement in names:
            name = re.sub(pattern, replacement, name)
        found[name] = value
    return found


def split_qkv(weights: Weights, prefix: str) -> Weights:
    """``prefix``.qkv as three maps called to_q, to_k and to_v."""
    split = {}
    for name, value in weights.items():
        if f"{prefix}.qkv." in name:
            for part, third in zip("qkv", value.chunk(3), strict=True):
                split[name.replace(".qkv.", f".to_{part}.")] = third
        else:
            split[name] = value
    return split


def test_dit_is_diffusers() -> None:
    ours = perturbed(small("dit-s/2+width=128+depth=2", data=LABELLED))
    theirs = diffusers.DiTTransformer2DModel(
        num_attention_heads=2, attention_head_dim=64, in_channels=3, out_channels=3, num_layers=2, sample_size=32,
        patch_size=2, num_embeds_ada_norm=4,
    )  # fmt: skip
    for block in theirs.transformer_blocks:
        block.norm1.emb.time_proj.downscale_freq_shift = 0  # theirs ends at 1/10000; the published code before it
    weights = renamed(
        split_qkv(ours.state_dict(), "attn"),
        [
            (r"^patch_embed", "pos_embed"),
            (r"^blocks\.(\d+)\.attn\.proj", r"transformer_blocks.\1.attn1.to_out.0"),
            (r"^blocks\.(\d+)\.attn", r"transformer_blocks.\1.attn1"),
            (r"^blocks\.(\d+)\.mlp\.fc1", r"transformer_blocks.\1.ff.net.0.proj"),
            (r"^blocks\.(\d+)\.mlp\.fc2", r"transformer_blocks.\1.ff.net.2"),
            (r"^blocks\.(\d+)\.modulation\.1", r"transformer_blocks.\1.norm1.linear"),
            (r"^final_layer\.modulation\.1", "proj_out_1"),
            (r"^final_layer\.linear", "proj_out_2"),
        ],
    )
    for name in list(weights):  # theirs embeds time and label anew in every block
        if name.startswith(("time_embed", "label_emb")):
            value = weights.pop(name)
            for layer in range(2):
                embedder = f"transformer_blocks.{layer}.norm1.emb."
                place = {"time_embed.0": "timestep_embedder.linear_1", "time_embed.2": "timestep_embedder.linear_2"}
                inner, _, leaf = name.rpartition(".")
                target = place.get(inner, "class_embedder.embedding_table")
                weights[f"{embedder}{target}.{leaf}"] = value
    assert_equal_networks(ours, theirs, weights, lambda x, t, y: theirs(x, timestep=t, class_labels=y).sample)


def test_the_unet_is_diffusers() -> None:
    ours = perturbed(small("unet-cifar10+width=32+depth=2", data=LABELLED))
    theirs = diffusers.UNet2DModel(
        sample_size=32, in_channels=3, out_channels=3, layers_per_block=2, block_out_channels=(32, 64, 64, 64),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=None, norm_num_groups=8, norm_eps=1e-6, downsample_padding=0, freq_shift=1,
        flip_sin_to_cos=False, num_class_embeds=5,
    )  # fmt: skip
    for module in theirs.modules():  # 8 groups at 32 channels as we have; 16 at 64 and more where they divide
        if isinstance(module, nn.GroupNorm):
            module.num_groups, module.eps = groups(module.num_channels), 1e-6
    weights = split_qkv(ours.state_dict(), "attn")
    first = weights["time_embed.0.weight"]
    weights["time_embed.0.weight"] = torch.cat(first.chunk(2, dim=1)[::-1], dim=1)  # sine first, cosine second
    weights = renamed(weights, unet_names())
    assert_equal_networks(ours, theirs, weights, lambda x, t, y: theirs(x, t, y).sample)


def groups(channels: int) -> int:
    return max(n for n in (1, 2, 4, 8, 16, 32) if channels % n == 0 and channels // n >= 4)


def unet_names() -> list[tuple[str, str]]:
    """Our units are one list down and one up; theirs are blocks of resnets, attentions and a sampler."""
    down = {level * 3 + i: (level, i) for level in range(4) for i in range(2)}
    up = {level * 4 + i: (level, i) for level in range(4) for i in range(3)}
    parts = [("down", down, "down_blocks"), ("up", up, "up_blocks")]
    names = []
    for ours, places, theirs in parts:
        for index, (block, unit) in places.items():
            names.append((rf"^{ours}\.{index}\.attention\.", f"{theirs}.{block}.attentions.{unit}."))
            names.append((rf"^{ours}\.{index}\.", f"{theirs}.{block}.resnets.{unit}."))
    names += [(rf"^down\.{level * 3 + 2}\.conv", f"down_blocks.{level}.downsamplers.0.conv") for level in range(3)]
    names += [(rf"^up\.{level * 4 + 3}\.conv", f"up_blocks.{level}.upsamplers.0.conv") for level in range(3)]
    return [
        *names,
        (r"^middle\.0\.attention\.", "mid_block.attentions.0."),
        (r"^middle\.(\d)\.", r"mid_block.resnets.\1."),
        (r"\.norm\.", ".group_norm."),
        (r"\.attn\.proj\.", ".to_out.0."),
        (r"\.attn\.", "."),
        (r"\.time1\.", ".time_emb_proj."),
        (r"\.shortcut\.", ".conv_shortcut."),
        (r"^time_embed\.0", "time_embedding.linear_1"),
        (r"^time_embed\.2", "time_embedding.linear_2"),
        (r"^label_emb", "class_embedding"),
        (r"^patch_embed", "conv_in"),
        (r"^final_norm", "conv_norm_out"),
        (r"^final_layer", "conv_out"),
    ]


def assert_equal_networks(ours: nn.Module, theirs: nn.Module, weights: Weights, call: Any) -> None:
    missing, unexpected = theirs.load_state_dict(weights, strict=False)
    assert not unexpected and all("pos_embed.pos_embed" in name for name in missing), (missing, unexpected)
    given, theirs = inputs(LABELLED), theirs.eval()
    with torch.no_grad():
        a, b = ours(**given), call(given["x"], given["timesteps"].clone(), given["y"])
    assert a.abs().mean() > 0.01 and torch.allclose(a, b, atol=1e-4, rtol=1e-4), (a - b).abs().max()
