"""Initial weights: a function of seed, name and shape, so that arms start as equal as they can."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.variants.data import CLASSES, SMALL, TEXT, options, small
from variants.init import initialise


@pytest.mark.parametrize(("axis", "option"), options())
def test_layers_that_two_arms_share_start_equal(axis: str, option: str) -> None:
    default, arm = layers(small(data=CLASSES)), layers(small(f"{SMALL}+{axis}={option}", data=CLASSES))
    shared = [name for name in arm if name in default and shapes(arm[name]) == shapes(default[name])]
    for name in shared:
        for leaf, value in arm[name].items():
            assert torch.equal(value, default[name][leaf]), f"{name}.{leaf}"
    wanted = "final_layer" if axis == "width" else "mid_block.attn.qkv"
    assert wanted in shared


def layers(model: nn.Module) -> dict[str, dict[str, torch.Tensor]]:
    """The parameters of each layer that has its own."""
    found = {name: dict(module.named_parameters(recurse=False)) for name, module in model.named_modules()}
    return {name: own for name, own in found.items() if own}


def shapes(layer: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    """Their shapes."""
    return {leaf: value.shape for leaf, value in layer.items()}


def test_the_seed_changes_every_random_weight() -> None:
    one, same, other = (dict(small(data=TEXT, seed=seed).named_parameters()) for seed in (0, 0, 1))
    for name, value in one.items():
        assert torch.equal(value, same[name])
        constant = len(value.unique()) == 1
        assert torch.equal(value, other[name]) == constant, name


def test_layers_of_one_shape_start_different() -> None:
    model = small()
    assert not torch.equal(model.in_blocks[0].attn.qkv.weight, model.in_blocks[1].attn.qkv.weight)


def test_no_draw_from_torchs_own_generator() -> None:
    before = torch.random.get_rng_state()
    one = small(f"{SMALL}+patch_embed=conv_stack+time=adaln")
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    other = small(f"{SMALL}+patch_embed=conv_stack+time=adaln")
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_distributions_are_the_official_ones() -> None:
    model = small("uvit-nano/2", data=CLASSES)
    block = model.mid_block
    assert block.mlp.fc1.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert block.mlp.fc1.bias.abs().max() == 0
    assert (block.norm1.weight == 1).all() and (block.norm1.bias == 0).all()
    assert model.pos_embed.table.std().item() == pytest.approx(0.02, rel=0.05)
    assert model.label_emb.weight.std().item() == pytest.approx(1, rel=0.15)
    for conv in (model.patch_embed.proj, model.final_layer):
        bound = 1 / math.sqrt(conv.weight[0].numel())
        for values in (conv.weight, conv.bias):
            assert values.abs().max() <= bound
        assert conv.weight.abs().max() > 0.8 * bound and abs(conv.weight.mean()) < bound / 4


def test_golden_weights() -> None:
    """The first weights of seed 0: what a seed means must not drift between versions."""
    model = small()
    assert model.mid_block.attn.qkv.weight[0, :3].tolist() == pytest.approx(GOLDEN_QKV, abs=1e-7)
    assert model.final_layer.bias.tolist() == pytest.approx(GOLDEN_CONV, abs=1e-7)


GOLDEN_QKV = [0.00860033, -0.005237703, 0.012491398]
GOLDEN_CONV = [-0.153227136, -0.176095083, -0.128272802]


class Unruly(nn.Module):
    """A layer of a user whose parameter no rule covers."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.randn(3))


class Resettable(Unruly):
    """The same with torch's own convention for initial values."""

    def reset_parameters(self) -> None:
        nn.init.normal_(self.gain)


def test_a_layer_of_a_user_says_how_it_starts() -> None:
    with pytest.raises(ValueError, match=r"no initial weights are defined for '0' \(Unruly\); give Unruly a reset_par"):
        initialise(nn.Sequential(Unruly()), 0)
    models = [nn.Sequential(Resettable(), Resettable()) for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        initialise(model, seed)
    gains = [model[0].gain for model in models]
    assert torch.equal(gains[0], gains[1])
    assert not torch.equal(gains[0], gains[2])
    assert not torch.equal(gains[0], models[0][1].gain)
