"""Each option computes the formula that it shows, written out here once more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.variants.data import CLASSES, SMALL, UNCONDITIONAL, inputs, small

SKIPS: dict[str, Callable[[Tensor, Tensor, Callable[[Tensor], Tensor]], Tensor]] = {
    "concat": lambda h_m, h_s, linear: linear(torch.cat([h_m, h_s], 2)),
    "linear_sum": lambda h_m, h_s, linear: linear(h_m + h_s),
    "linear_skip": lambda h_m, h_s, linear: h_m + linear(h_s),
    "add": lambda h_m, h_s, linear: h_m + h_s,
    "none": lambda h_m, h_s, linear: h_m,
}


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("option", SKIPS)
def test_skip(option: str) -> None:
    fusion = small(f"{SMALL}+skip={option}").out_blocks[0].skip_linear
    h_m, h_s = normal(2, 5, 64), normal(2, 5, 64, seed=1)
    expected = SKIPS[option](h_m, h_s, getattr(fusion, "linear", torch.clone))
    assert torch.equal(fusion(h_m, h_s), expected)


@pytest.mark.parametrize("option", ["linear_sum", "linear_skip", "concat"])
def test_a_linear_skip_has_one_bias_per_channel(option: str) -> None:
    linear = small(f"{SMALL}+skip={option}").out_blocks[0].skip_linear.linear
    assert linear.weight.shape == (64, 128 if option == "concat" else 64) and linear.bias.shape == (64,)


def test_adaln_scales_and_shifts_the_norm_ahead_of_attention_and_mlp() -> None:
    block = small(f"{SMALL}+time=adaln").mid_block
    h, time = normal(2, 5, 64), normal(2, 64, seed=1)

    def adaln(value: Tensor, linear: Callable[[Tensor], Tensor]) -> Tensor:
        y = linear(time)[:, None]
        return y[..., :64] * F.layer_norm(value, (64,)) + y[..., 64:]

    middle = h + block.attn(adaln(h, block.time1.linear))
    assert torch.allclose(block(h, time), middle + block.mlp(adaln(middle, block.time2.linear)), atol=1e-5)


def test_adaln_reads_the_bare_sinusoids() -> None:
    model = small(f"{SMALL}+time=adaln")
    seen: list[Tensor] = []
    model.mid_block.time1.linear.register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    model(**inputs(UNCONDITIONAL))
    rate = 10_000.0 ** -(torch.arange(32) / 32)
    angles = inputs(UNCONDITIONAL)["timesteps"][:, None] * rate
    assert torch.allclose(seen[0], torch.cat([angles.cos(), angles.sin()], 1), atol=1e-3)


def test_conv_before_works_on_the_map_of_features() -> None:
    model = small(f"{SMALL}+conv_head=before")
    conv = model.token_layer.conv
    tokens = normal(1, 64, 64)
    image = F.conv2d(tokens.reshape(1, 8, 8, 64).permute(0, 3, 1, 2), conv.weight, conv.bias, padding=1)
    assert torch.allclose(model.token_layer(tokens), image.flatten(2).mT, atol=1e-5)
    assert isinstance(model.final_layer, torch.nn.Identity)


def test_conv_none_has_no_convolution_but_the_patches() -> None:
    model = small(f"{SMALL}+conv_head=none")
    assert [name for name, m in model.named_modules() if isinstance(m, torch.nn.Conv2d)] == ["patch_embed.proj"]


def test_no_positions_means_shifting_patches_shifts_the_answer() -> None:
    model, given = small(f"{SMALL}+pos_embed=none+conv_head=none"), inputs(UNCONDITIONAL)
    shifted = model(given["x"].roll((2, 4), (2, 3)), given["timesteps"])
    assert torch.allclose(shifted, model(**given).roll((2, 4), (2, 3)), atol=1e-5)


def test_the_time_is_the_first_token_and_the_label_stands_before_it() -> None:
    model, given = small(data=CLASSES), inputs(CLASSES)
    seen: list[Tensor] = []
    model.pos_embed.register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    model(**given)
    assert torch.equal(seen[0][:, 0], model.label_emb(given["y"]))
    assert torch.equal(seen[0][:, 1], model.time_sinusoid(given["timesteps"], torch.float32))
