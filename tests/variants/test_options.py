"""Tests that follow the registry: to register an option is to have it tested."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import variants
from tests.variants.data import CLASSES, SMALL, TEXT, UNCONDITIONAL, inputs, options, small

CONDITIONS = {"unconditional": UNCONDITIONAL, "classes": CLASSES, "text": TEXT}


def test_the_axes_are_the_designs() -> None:
    found = {name: [option.name for option in axis.options] for name, axis in variants.AXES.items()}
    assert found == {
        "conv_head": ["after", "before", "none"],
        "deep_width": ["256", "128", "384"],
        "depth": ["13", "9", "17"],
        "head_init": ["default", "dirac", "zero"],
        "loss_space": ["own", "eps", "x0", "v"],
        "mlp_hidden": ["2048", "1024", "4096"],
        "num_heads": ["8", "4", "16"],
        "patch": ["2", "1", "4", "8"],
        "patch_embed": ["linear", "conv_stack"],
        "pos_embed": ["learned_1d", "sincos_2d", "none"],
        "pos_init": ["default", "sincos_2d"],
        "prediction": ["eps", "x0", "v", "edm"],
        "skip": ["concat", "linear_sum", "linear_skip", "add", "none"],
        "time": ["token", "adaln"],
        "time_embed": ["sinusoid", "mlp"],
        "times": ["uniform", "logit_normal", "shifted", "lognormal"],
        "weighting": ["none", "min_snr"],
        "width": ["512", "256", "768"],
    }
    for axis in found:
        assert variants.AXES.get(axis).default == found[axis][0]
        assert variants.AXES.get(axis).question
        assert all(option.formula and option.source for option in variants.AXES.get(axis).options)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize(("axis", "option"), options())
def test_every_parameter_gets_a_gradient(axis: str, option: str, condition: str) -> None:
    data = CONDITIONS[condition]
    model = small(f"{SMALL}+{axis}={option}", data=data)
    given = inputs(data)
    out = model(**given)
    assert out.shape == given["x"].shape
    assert out.isfinite().all()
    out.square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("axis", "option"), options())
def test_save_and_load(axis: str, option: str, tmp_path: Path) -> None:
    model, other = (small(f"{SMALL}+{axis}={option}", seed=seed) for seed in (0, 1))
    given = inputs(UNCONDITIONAL)
    assert not torch.equal(model(**given), other(**given))
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert torch.equal(model(**given), other(**given))


@pytest.mark.parametrize(("axis", "option"), options())
def test_an_option_differs_from_the_default_by_more_than_its_weights(axis: str, option: str) -> None:
    default, model = small(), small(f"{SMALL}+{axis}={option}")
    shared = default.state_dict()
    mine = model.state_dict()
    same = {name: shared[name] for name in mine if name in shared and shared[name].shape == mine[name].shape}
    assert same
    model.load_state_dict(mine | same)
    given = inputs(UNCONDITIONAL)
    equal = torch.allclose(model(**given), default(**given), atol=1e-4)
    assert equal == (variants.canonical(f"{SMALL}+{axis}={option}") == SMALL)


SLOT_AXES = [name for name, axis in variants.AXES.items() if axis.make is None and axis.kind == "network"]
COMBINATIONS = list(itertools.product(*([o.name for o in variants.AXES.get(axis).options] for axis in SLOT_AXES)))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_any_combination_of_options_builds_and_runs(condition: str) -> None:
    data: dict[str, Any] = {**CONDITIONS[condition], "image_size": 8}
    given = inputs(data)
    assert len(COMBINATIONS) == 360
    for combination in COMBINATIONS[:: 1 if condition == "classes" else 7]:
        chosen = "".join(f"+{axis}={option}" for axis, option in zip(SLOT_AXES, combination, strict=True))
        model = variants.create_model(f"uvit-micro/4+depth=3+width=32{chosen}", **data)
        out = model(**given)
        assert out.shape == given["x"].shape and out.isfinite().all(), chosen


@pytest.mark.parametrize(
    ("variant", "data", "reason"),
    [
        ("uvit-s/3", {}, "patch 3 does not divide the 16-pixel image; use one of 1, 2, 4, 8, 16"),
        ("uvit-s/2+patch=32", {}, "patch 32 does not divide the 16-pixel image"),
        ("uvit-s/2+depth=12", {}, "depth counts blocks and is odd, at least 3 .*; got 12"),
        ("uvit-s/2+depth=1", {}, "depth counts blocks and is odd, at least 3 .*; got 1"),
        ("uvit-s/3+patch_embed=conv_stack", {"image_size": 18}, "patch 3 is no power of 2"),
        ("uvit-s/2", {"image_size": 0}, "image_size must be at least 1; got 0"),
        ("uvit-s/2", {"channels": -1}, "channels must be at least 1; got -1"),
        ("uvit-s/2", {"num_classes": -1}, "num_classes cannot be negative"),
        ("uvit-s/2", {"null_label": True}, "null_label needs classes"),
        ("uvit-s/2", {"context_tokens": 77}, "context_tokens and context_dim go together; got 77 and 0"),
        ("uvit-s/2", {**TEXT, "num_classes": 4}, "classes or context tokens, not both"),
    ],
)
def test_senseless_networks_are_refused_with_the_reason(variant: str, data: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as error:
        variants.create_model(variant, **{**UNCONDITIONAL, **data})
    assert "\n" not in str(error.value)


def test_sincos_needs_a_width_of_four_parts() -> None:
    preset = variants.Preset(name="odd", depth=3, embed_dim=6, num_heads=2, patch=4)
    config = preset.config(image_size=16, channels=3)
    variants.build(config)
    with pytest.raises(ValueError, match=r"pos_embed=sincos_2d .* width 6 must divide by 4"):
        variants.build(config.with_slot("pos_embed", "sincos_2d"))


def test_details_of_adaln() -> None:
    """Each block norm has its own Linear on the time and no affine of its own; the final norm is plain; no token."""
    model = small(f"{SMALL}+time=adaln")
    names = dict(model.named_parameters())
    assert model.extras == 0
    assert names["pos_embed.table"].shape == (1, 64, 64)
    assert "norm.weight" in names and "mid_block.norm1.weight" not in names
    for linear in ("time1", "time2"):
        bias = names[f"mid_block.{linear}.linear.bias"]
        assert bias.tolist() == [1.0] * 64 + [0.0] * 64


def test_sincos_positions_are_fixed_and_tell_rows_from_columns() -> None:
    model = small(f"{SMALL}+pos_embed=sincos_2d", data=CLASSES)
    assert dict(model.named_parameters())["pos_embed.table"].shape == (1, 2, 64)
    patches = model.pos_embed(torch.zeros(1, 66, 64))[0, 2:].reshape(8, 8, 64)
    assert torch.equal(patches[:, :1, :32].expand(8, 8, 32), patches[..., :32])
    assert torch.equal(patches[:1, :, 32:].expand(8, 8, 32), patches[..., 32:])
    assert len(patches.flatten(0, 1).unique(dim=0)) == 64


@pytest.mark.parametrize(("patch", "stages"), [(1, 1), (2, 1), (4, 2), (8, 3)])
def test_the_conv_stack_has_a_stage_per_halving(patch: int, stages: int) -> None:
    model = small(f"uvit-micro/{patch}+patch_embed=conv_stack")
    convs = [module for module in model.patch_embed.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [conv.kernel_size for conv in convs] == [(3, 3)] * stages + [(1, 1)]
    assert all(conv.stride == ((1, 1) if patch == 1 else (2, 2)) for conv in convs[:-1])
    assert convs[-2].out_channels == 64
