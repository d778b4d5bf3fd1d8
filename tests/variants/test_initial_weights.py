"""Axes of initial weights: the same network, cost and other weights; only what is named starts otherwise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import variants
from bench.profile.closed_form.forms import closed_form
from bench.profile.macs import count
from tests.variants.data import CLASSES, SMALL, TEXT, UNCONDITIONAL, inputs, small
from variants.layers.starts import DiracConv2d, ZeroConv2d, ZeroLinear

CONDITIONS = {"unconditional": UNCONDITIONAL, "classes": CLASSES, "text": TEXT}
AXES = {name: axis for name, axis in variants.AXES.items() if axis.kind == "initial weights"}
OPTIONS = [(name, option.name) for name, axis in AXES.items() for option in axis.options]
HEADS = ("after", "before", "none")
LAST = {"after": "final_layer", "before": "decoder_pred", "none": "decoder_pred"}


def weights(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.state_dict())


@pytest.mark.parametrize(("axis", "option"), OPTIONS)
def test_an_option_changes_no_shape_and_no_count(axis: str, option: str) -> None:
    for variant in (SMALL, f"{SMALL}+conv_head=before"):
        plain, other = (variants.resolve(variant + more, **UNCONDITIONAL) for more in ("", f"+{axis}={option}"))
        assert count(plain) == count(other)
        assert closed_form(plain).by_part == closed_form(other).by_part
        shapes = [
            {name: value.shape for name, value in variants.build(each, device="meta").state_dict().items()}
            for each in (plain, other)
        ]
        assert shapes[0] == shapes[1]


@pytest.mark.parametrize(("axis", "option"), OPTIONS)
def test_the_default_is_absent_and_each_other_option_starts_otherwise(axis: str, option: str) -> None:
    text = f"{SMALL}+{axis}={option}"
    default = option == AXES[axis].default
    assert (variants.canonical(text) == SMALL) == default
    assert (variants.resolve(text, **UNCONDITIONAL) == variants.resolve(SMALL, **UNCONDITIONAL)) == default
    plain, other, given = weights(small()), weights(small(text)), inputs(UNCONDITIONAL)
    changed = [name for name, value in plain.items() if not torch.equal(value, other[name])]
    expected = {"head_init": ["final_layer.weight", "final_layer.bias"], "pos_init": ["pos_embed.table"]}
    assert changed == ([] if default else expected[axis])
    assert torch.equal(small(text)(**given), small()(**given)) == default


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(("axis", "option"), OPTIONS)
def test_any_head_starts_any_way_and_learns(axis: str, option: str, head: str, condition: str) -> None:
    data = CONDITIONS[condition]
    model, given = small(f"{SMALL}+conv_head={head}+{axis}={option}", data=data), inputs(data)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):  # a last layer of zeros lets gradients through from the second step on
        optimiser.zero_grad()
        (model(**given) - given["x"]).square().mean().backward()
        optimiser.step()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("head", ["after", "before"])
def test_a_dirac_convolution_is_the_identity_at_first(head: str) -> None:
    model = small(f"{SMALL}+conv_head={head}+head_init=dirac")
    conv = model.final_layer if head == "after" else model.token_layer.conv
    assert isinstance(conv, DiracConv2d) and sum(isinstance(each, DiracConv2d) for each in model.modules()) == 1
    x = torch.randn(2, conv.in_channels, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(conv(x), x)
    without, given = small(f"{SMALL}+conv_head=none"), inputs(UNCONDITIONAL)
    assert torch.allclose(model(**given), without(**given), atol=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_zero_means_an_output_of_zero(head: str) -> None:
    model = small(f"{SMALL}+conv_head={head}+head_init=zero")
    assert torch.equal(model(**inputs(UNCONDITIONAL)), torch.zeros(2, 3, 16, 16))
    zero = {name for name, each in model.named_modules() if isinstance(each, ZeroLinear | ZeroConv2d)}
    assert zero == {LAST[head]}


def test_a_dirac_start_of_no_convolution_is_the_default() -> None:
    text = "uvit-s/2+conv_head=none+head_init=dirac"
    assert variants.canonical(text) == "uvit-s/2+conv_head=none"
    assert variants.resolve(text, **UNCONDITIONAL) == variants.resolve("uvit-s/2+conv_head=none", **UNCONDITIONAL)
    assert variants.canonical("uvit-h/2+head_init=dirac") == "uvit-h/2"
    assert variants.canonical("uvit-h/2+conv_head=after+head_init=dirac") == "uvit-h/2+conv_head=after+head_init=dirac"
    assert variants.canonical("uvit-s/2+conv_head=none+head_init=zero") == "uvit-s/2+conv_head=none+head_init=zero"


@pytest.mark.parametrize("condition", CONDITIONS)
def test_positions_start_as_the_sinusoids_of_the_fixed_ones(condition: str) -> None:
    data = CONDITIONS[condition]
    start, plain, fixed = (
        small(f"{SMALL}+{option}", data=data)
        for option in ("pos_init=sincos_2d", "pos_embed=learned_1d", "pos_embed=sincos_2d")
    )
    table, drawn, grid = start.pos_embed.table[0], plain.pos_embed.table[0], start.config.grid
    assert table.requires_grad and table.shape == drawn.shape
    assert torch.equal(table[-(grid**2) :], fixed.pos_embed.patches[0])
    assert torch.equal(table[: -(grid**2)], drawn[: -(grid**2)]), "the extra tokens' rows are as ever"


def test_a_start_of_no_learned_positions_is_the_default() -> None:
    for option in ("sincos_2d", "none"):
        text = f"uvit-s/2+pos_embed={option}"
        assert variants.canonical(f"{text}+pos_init=sincos_2d") == text
    both = "uvit-s/2+head_init=dirac+pos_init=sincos_2d"
    assert variants.canonical(both) == both


def test_a_preset_that_starts_as_dirac_can_lose_its_convolution() -> None:
    preset = variants.Preset(
        name="dirac-head", depth=3, embed_dim=64, num_heads=2, patch=4, slots=(("head_init", "dirac"),)
    )
    conv_head = variants.AXES.get("conv_head")
    config = preset.config(image_size=16, channels=3)
    assert conv_head.apply(conv_head.option("none"), config).slots == (("conv_head", "none"),)
    assert conv_head.apply(conv_head.option("before"), config).slots == (
        ("conv_head", "before"),
        ("head_init", "dirac"),
    )


def test_the_preset_that_starts_well_loses_a_start_with_what_it_starts() -> None:
    assert variants.resolve("uvit-nano-init/2", **UNCONDITIONAL).slots == (
        ("head_init", "dirac"),
        ("pos_init", "sincos_2d"),
    )
    for option, left in (
        ("conv_head=none", "pos_init"),
        ("pos_embed=none", "head_init"),
        ("pos_embed=sincos_2d", "head_init"),
    ):
        config = variants.resolve(f"uvit-nano-init/2+{option}", **UNCONDITIONAL)
        assert set(dict(config.slots)) == {option.partition("=")[0], left}
        assert variants.canonical(f"uvit-nano-init/2+{option}") == f"uvit-nano-init/2+{option}"
    plain, well = (count(variants.resolve(name, **UNCONDITIONAL)) for name in ("uvit-nano/2", "uvit-nano-init/2"))
    assert plain == well


def test_genvit_may_start_at_zero() -> None:
    text = "genvit/4+depth=3+width=64+head_init=zero"
    model = small(text)
    assert torch.equal(model(**inputs(UNCONDITIONAL)), torch.zeros(2, 3, 16, 16))
    assert isinstance(model.decoder_pred, ZeroLinear)
    assert variants.canonical(text) == "genvit/4+depth=3+head_init=zero+width=64"
    plain = small("genvit/4+depth=3+width=64")
    assert count(plain.config) == count(model.config)
    assert closed_form(plain.config).by_part == closed_form(model.config).by_part
    assert {name for name, value in weights(plain).items() if not torch.equal(value, weights(model)[name])} == {
        "decoder_pred.weight"
    }


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        ("dit-s/4+head_init=zero", "the last layer of a dit starts at zero as it is; leave head_init=zero out"),
        ("unet-cifar10+head_init=zero", "the last layer of a unet starts at zero as it is"),
        ("dit-s/4+head_init=dirac", "over the head's own channels as the identity, and the head of this dit has none"),
        ("unet-cifar10+head_init=dirac", "and the head of this unet has none; leave it out"),
        ("genvit/4+head_init=dirac", "and the head of this genvit has none; leave it out"),
        ("dit-s/4+pos_init=sincos_2d", "axis 'pos_init' means nothing for a dit; its axes: "),
        ("genvit/4+pos_init=sincos_2d", "axis 'pos_init' means nothing for a genvit"),
        ("uvit-s/2+head_init=ones", "unknown option of axis 'head_init' 'ones'; known: default, dirac, zero"),
    ],
)
def test_what_cannot_start_so_is_refused_in_one_line(variant: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as error:
        variants.resolve(variant, **UNCONDITIONAL)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("variant", ["dit-s/4", "unet-cifar10", "genvit/4", "uvit-s/2"])
def test_every_family_may_name_the_default(variant: str) -> None:
    text = f"{variant}+head_init=default"
    assert variants.canonical(text) == variant
    assert variants.resolve(text, **UNCONDITIONAL) == variants.resolve(variant, **UNCONDITIONAL)
