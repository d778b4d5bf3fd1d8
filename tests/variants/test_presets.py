"""Golden figures: parameters of every preset and MACs of S/2, against the paper (Table 2) and the official classes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import variants
from tests.variants.data import SIZES, axes, count, inputs

CIFAR10 = {"image_size": 32, "channels": 3}
IMAGENET64 = {"image_size": 64, "channels": 3, "num_classes": 1000}
LATENTS = {"image_size": 32, "channels": 4, "num_classes": 1000, "null_label": True}
COCO = {"image_size": 32, "channels": 4, "context_tokens": 77, "context_dim": 768}

PARAMETERS = [
    # variant, data, parameters of the official class where there is one (docs/paper.md, section 2)
    ("uvit-s/2", CIFAR10, 44_255_328),
    ("uvit-s/4", {"image_size": 64, "channels": 3}, 44_292_228),
    ("uvit-s/2", COCO, 44_692_644),
    ("uvit-s-deep/2", COCO, 58_345_636),
    ("uvit-m/4", IMAGENET64, 130_940_292),
    ("uvit-l/2", LATENTS, 286_763_172),
    ("uvit-h/2", LATENTS, 500_832_016),
    ("uvit-nano/4", CIFAR10, 1_076_356),
    ("uvit-nano-init/2", {"image_size": 16, "channels": 3}, 1_067_104),
    ("uvit-micro/4", CIFAR10, 276_100),
    ("uvit-micro-deep/4", CIFAR10, 707_460),
    # rivals: 33M, 130M, 458M and 675M with learned variance (D·p²·C + p²·C more); 35.7M; 11M (docs/rivals.md)
    ("dit-s/2", LATENTS, 32_858_896),
    ("dit-b/2", LATENTS, 130_303_504),
    ("dit-l/2", LATENTS, 457_824_272),
    ("dit-xl/2", LATENTS, 674_816_272),
    ("unet-cifar10", CIFAR10, 35_746_307),
    ("genvit/4", CIFAR10, 11_180_450),
    ("uvit-s/2+time=adaln", CIFAR10, 57_886_304),
    ("uvit-s/2+skip=none", CIFAR10, 44_255_328 - 6 * (2 * 512 * 512 + 512)),
    ("uvit-s/2+skip=linear_sum", CIFAR10, 44_255_328 - 6 * 512 * 512),
    ("uvit-s/2+conv_head=before", CIFAR10, 44_255_328 - (3 * 3 * 9 + 3) + 512 * 512 * 9 + 512),
]


@pytest.mark.parametrize(("variant", "data", "parameters"), PARAMETERS, ids=lambda value: str(value)[:24])
def test_parameters(variant: str, data: dict[str, Any], parameters: int) -> None:
    assert count(variants.create_model(variant, **data, device="meta")) == parameters


def test_every_preset_has_a_golden_figure() -> None:
    assert {variant.split("/")[0] for variant, _, _ in PARAMETERS} == set(variants.PRESETS.names())


def test_macs_of_s_2_are_the_papers() -> None:
    model = variants.create_model("uvit-s/2", **CIFAR10, device="meta")
    with FlopCounterMode(display=False) as counter:
        model(**inputs(CIFAR10, batch=1, device="meta"))
    assert counter.get_total_flops() / 2 == pytest.approx(12.20e9, rel=5e-4)


@pytest.mark.parametrize(
    ("preset", "axis"), [(preset, axis) for preset in variants.PRESETS.names() for axis in axes(preset)]
)
def test_every_named_option_builds_on_every_preset(preset: str, axis: str) -> None:
    options = [option.name for option in variants.AXES.get(axis).options]
    if axis in SIZES:
        options = variants.scaled_options(axis, preset, image_size=32)
    assert len(options) > 1
    for option in options:
        config = variants.resolve(f"{preset}+{axis}={option}", **CIFAR10)
        with torch.device("meta"):
            assert count(variants.build(config, device="meta")) > 0


@pytest.mark.parametrize(
    ("axis", "preset", "values"),
    [
        ("depth", "uvit-s/2", "13 9 17"),
        ("width", "uvit-s/2", "512 256 768"),
        ("patch", "uvit-s/2", "2 1 4 8"),
        ("depth", "uvit-h/2", "29 21 37"),
        ("width", "uvit-h/2", "1152 576 1728"),
        ("depth", "uvit-nano/4", "5 3 7"),
        ("width", "uvit-micro/4", "64 32 96"),
        ("patch", "uvit-micro-deep/4", "4 2 8 16"),
        ("patch", "uvit-s/1", "1 2 4"),
        ("mlp_hidden", "uvit-micro/4", "256 128 384"),
        ("num_heads", "uvit-s/2", "8 4 16"),
        ("depth", "dit-s/2", "12 8 16"),
        ("width", "dit-s/2", "384 192 576"),
        ("depth", "unet-cifar10", "2 1 3"),
        ("width", "unet-cifar10", "128 64 192"),
        ("deep_width", "unet-cifar10", "256 128 384"),
    ],
)
def test_size_grids_scale_with_the_preset(axis: str, preset: str, values: str) -> None:
    assert variants.scaled_options(axis, preset, image_size=32) == values.split()


def test_patch_grids_leave_out_what_does_not_fit() -> None:
    assert variants.scaled_options("patch", "uvit-s/2", image_size=64) == ["2", "4", "8"]
    assert variants.scaled_options("patch", "uvit-s/4", image_size=28) == ["4", "2"]


def test_senseless_size_grids_are_refused() -> None:
    with pytest.raises(ValueError, match="axis 'skip' does not scale"):
        variants.scaled_options("skip", "uvit-s/2")
    with pytest.raises(ValueError, match="give image_size"):
        variants.scaled_options("patch", "uvit-s/2")
    with pytest.raises(ValueError, match="unknown preset"):
        variants.scaled_options("depth", "nothing/2")
