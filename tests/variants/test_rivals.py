"""Every family but U-ViT, by the registry: what is asked of U-ViT's variants is asked of its rivals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import variants
from tests.variants.data import CLASSES, SIZES, TEXT, UNCONDITIONAL, axes, inputs, small
from variants.layers.attention import Attention, set_attention_kernel

SMALL = {
    "dit": "dit-s/4+depth=3+width=64",
    "genvit": "genvit/4+depth=3+width=64",
    "unet": "unet-cifar10+depth=1+width=8",
}
RIVALS = [name for name in variants.FAMILIES.names() if name != "uvit"]
CONDITIONS = {"unconditional": UNCONDITIONAL, "classes": CLASSES}
EVERY = pytest.mark.parametrize("family", RIVALS)


def perturbed(model: nn.Module, seed: int = 1) -> nn.Module:
    """``model`` away from its start, where DiT's and the U-Net's branches are closed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return model


def rival(family: str, data: dict[str, Any] = UNCONDITIONAL, change: str = "") -> nn.Module:
    return perturbed(small(SMALL[family] + change, data=data))


def test_every_family_has_a_small_network_here_and_a_preset() -> None:
    assert set(RIVALS) == set(SMALL)
    assert {preset.family for _, preset in variants.PRESETS.items()} == set(variants.FAMILIES.names())


@EVERY
@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_parameter_gets_a_gradient(family: str, condition: str) -> None:
    data = CONDITIONS[condition]
    model, given = rival(family, data), inputs(data)
    out = model(**given)
    assert out.shape == given["x"].shape and out.isfinite().all()
    (out - given["x"]).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@EVERY
def test_save_and_load(family: str, tmp_path: Path) -> None:
    model, other, given = rival(family), small(SMALL[family], seed=1), inputs(UNCONDITIONAL)
    assert not torch.allclose(model(**given), other(**given), atol=1e-3)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert torch.equal(model(**given), other(**given))


def changes(family: str) -> list[str]:
    """One other size on every axis that the family takes."""
    chosen = {
        "depth": "2",
        "width": "32" if family != "dit" else "128",
        "patch": "2",
        "mlp_hidden": "40",
        "num_heads": "4",
        "deep_width": "12",
    }
    return [f"{name}={chosen[name]}" for name in axes(SMALL[family]) if name in SIZES]


CHANGES = [(family, change) for family in RIVALS for change in changes(family)]


@pytest.mark.parametrize(("family", "change"), CHANGES)
def test_every_axis_changes_the_network(family: str, change: str) -> None:
    axis = change.partition("=")[0]
    kept = "+".join(part for part in SMALL[family].split("+") if not part.startswith(axis))
    model, given = perturbed(small(f"{kept}+{change}")), inputs(UNCONDITIONAL)
    assert not torch.allclose(model(**given), rival(family)(**given), atol=1e-4)
    assert variants.canonical(f"{kept}+{change}") != variants.canonical(SMALL[family])


@EVERY
def test_an_axis_that_a_family_lacks_is_named_with_those_that_it_has(family: str) -> None:
    networks = [name for name, axis in variants.AXES.items() if axis.kind == "network"]  # a recipe suits every family
    lacking = [name for name in networks if name not in axes(SMALL[family])]
    assert "skip" in lacking
    for axis in lacking:
        default = variants.AXES.get(axis).default
        with pytest.raises(ValueError, match=f"axis '{axis}' means nothing for a {family}; its axes: .*depth") as error:
            variants.resolve(f"{SMALL[family]}+{axis}={default}", **UNCONDITIONAL)
        assert "\n" not in str(error.value)


@EVERY
def test_text_is_refused_in_one_line(family: str) -> None:
    with pytest.raises(ValueError, match=f"a {family} takes no context tokens; use another family, such as uvit"):
        variants.resolve(SMALL[family], **TEXT)


@EVERY
def test_time_and_labels_reach_the_output_and_images_do_not_mix(family: str) -> None:
    model, given = rival(family, CLASSES), inputs(CLASSES)
    out = model(**given)
    for name, other in (("timesteps", torch.tensor([500.0, 1.0])), ("y", torch.tensor([2, 3]))):
        assert (out - model(**{**given, name: other})).abs().max() > 1e-4, name
    alone = model(**{name: value[1:] for name, value in given.items()})
    assert torch.allclose(out[1:], alone, atol=1e-4)
    with pytest.raises(ValueError, match="this network is conditional: pass labels y"):
        model(given["x"], given["timesteps"])


@EVERY
def test_both_attention_kernels_agree(family: str) -> None:
    model, given = rival(family), inputs(UNCONDITIONAL)
    assert any(isinstance(module, Attention) for module in model.modules())
    out = model(**given)
    set_attention_kernel(model, "plain")
    assert torch.allclose(model(**given), out, atol=1e-4)


@EVERY
def test_gradient_checkpointing_changes_memory_only(family: str) -> None:
    plain, saving = rival(family), rival(family)
    saving.gradient_checkpointing = True
    saved: list[int] = []
    sizes = []
    for model in (plain, saving):
        saved.clear()
        with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
            model(**inputs(UNCONDITIONAL)).square().mean().backward()
        sizes.append(sum(saved))
    assert sizes[1] < sizes[0] / 2
    for a, b in zip(plain.parameters(), saving.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)


@EVERY
def test_hidden_states_are_one_per_block(family: str) -> None:
    model, given = rival(family), inputs(UNCONDITIONAL)
    out, states = model(**given), model.hidden_states(**given)
    # three blocks; or a unit a level down, two in the middle, two a level up
    assert len(states) == {"dit": 3, "genvit": 3, "unet": 4 + 2 + 8}[family]
    assert all(state.ndim == 3 and len(state) == 2 for state in states)
    assert torch.equal(model(**given), out)


@EVERY
def test_initial_weights_hang_on_seed_name_and_shape(family: str) -> None:
    one, same, other = (dict(small(SMALL[family], data=CLASSES, seed=seed).named_parameters()) for seed in (0, 0, 1))
    for name, value in one.items():
        assert torch.equal(value, same[name])
        assert torch.equal(value, other[name]) == (len(value.unique()) == 1), name


def test_xavier_and_zeros_are_the_originals() -> None:
    dit, unet = small("dit-s/4", data=CLASSES), small("unet-cifar10+width=64", data=CLASSES)
    bound = (6 / (384 + 1536)) ** 0.5
    assert 0.95 * bound < dit.blocks[0].mlp.fc1.weight.abs().max() <= bound
    assert dit.patch_embed.proj.weight.abs().max() <= (6 / (3 * 16 + 384)) ** 0.5
    assert dit.time_embed[0].weight.std().item() == pytest.approx(0.02, rel=0.05)
    for zero in (dit.blocks[2].modulation[1], dit.final_layer.linear, unet.final_layer, unet.down[0].conv2):
        assert zero.weight.abs().max() == 0 and zero.bias.abs().max() == 0
    attending = unet.middle[0].attention.attn
    bound = (6 / (2 * 128)) ** 0.5
    assert 0.95 * bound < attending.qkv.weight.abs().max() <= bound and attending.proj.weight.abs().max() == 0


def test_genvit_scales_and_shifts_tokens_not_channels() -> None:
    block = rival("genvit").blocks[1]
    time, h = torch.randn(2, 4 * 17), torch.randn(2, 17, 64)
    scale, shift = block.time1(time).reshape(2, 2, 17, 1).unbind(1)
    moved = h * (scale + 1) + shift
    moved = moved + block.attn(block.norm1(moved))
    expected: Tensor = moved + block.mlp(block.norm2(moved))
    assert torch.allclose(block(h, time), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("variant", "data", "reason"),
    [
        (
            "unet-cifar10",
            {"image_size": 28},
            "a unet of 4 levels halves the image 3 times: 28 pixels do not divide by 8",
        ),
        ("unet-cifar10/2", {}, "preset 'unet-cifar10' has no patches; write it without '/2'"),
        ("unet-cifar10+width=10+deep_width=0", {}, "deep_width=0: expected a whole number from 1"),
        ("dit-s/2+width=100", {}, "width=100 does not divide into heads of 64"),
        ("dit-s/3", {}, "patch 3 does not divide the 16-pixel image"),
    ],
)
def test_senseless_rivals_are_refused_with_the_reason(variant: str, data: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        variants.resolve(variant, **{**UNCONDITIONAL, **data})


def test_an_mlp_width_refines_the_one_that_a_width_brings() -> None:
    both = variants.resolve("uvit-s/2+mlp_hidden=1000+width=256", **UNCONDITIONAL)
    assert (both.embed_dim, both.mlp_hidden) == (256, 1000)
    assert variants.resolve("uvit-s/2+width=256", **UNCONDITIONAL).mlp_hidden == 1024
    assert variants.canonical("uvit-s/2+mlp_hidden=1024+width=256") == "uvit-s/2+width=256"
    assert variants.canonical("uvit-s/2+mlp_hidden=2048+width=256") == "uvit-s/2+mlp_hidden=2048+width=256"
