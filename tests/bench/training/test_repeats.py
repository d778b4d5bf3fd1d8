"""A repeat's weights: each the float next to its cell's, the sign by seed, number and name and by nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.training.repeats import move_weights
from variants import build, resolve


def _weights(*, seed: int = 0, repeat: int = 0, variant: str = "uvit-micro/4") -> dict[str, Tensor]:
    model = build(resolve(variant, image_size=16, channels=3), seed=seed)
    move_weights(model, seed=seed, repeat=repeat)
    return {name: p.detach() for name, p in model.named_parameters()}


def test_every_weight_moves_by_one_unit_in_the_last_place() -> None:
    plain, moved = _weights(), _weights(repeat=1)
    up = {name: (moved[name] > weight) for name, weight in plain.items()}
    for name, weight in plain.items():
        towards = torch.where(up[name], np.inf, -np.inf)
        assert torch.equal(moved[name], torch.nextafter(weight, towards)), name
        assert not (moved[name] == weight).any(), name
    share = torch.cat([each.flatten() for each in up.values()]).double().mean()
    assert float(share) == pytest.approx(0.5, abs=0.01)


def test_a_repeat_is_keyed_by_its_number_its_seed_and_the_layer() -> None:
    plain, one, again, two = _weights(), _weights(repeat=1), _weights(repeat=1), _weights(repeat=2)
    other, moved = _weights(seed=1), _weights(seed=1, repeat=1)
    name = max(plain, key=lambda key: plain[key].numel())
    alike = [key for key, weight in plain.items() if weight.shape == plain[name].shape]
    assert all(torch.equal(one[key], again[key]) for key in plain)
    assert not torch.equal(one[name], two[name])
    assert not torch.equal(moved[name] > other[name], one[name] > plain[name])
    assert len(alike) > 1
    assert not torch.equal(one[alike[0]] > plain[alike[0]], one[alike[1]] > plain[alike[1]])


def test_layers_that_two_arms_share_move_alike() -> None:
    ours, theirs = _weights(repeat=1), _weights(repeat=1, variant="uvit-micro/4+skip=add")
    shared = [name for name in ours.keys() & theirs.keys() if ours[name].shape == theirs[name].shape]
    assert len(shared) > 20
    assert all(torch.equal(ours[name], theirs[name]) for name in shared)


def test_no_repeat_moves_nothing_and_whole_numbers_stay() -> None:
    model = nn.Linear(2, 2)
    before = {name: p.clone() for name, p in model.named_parameters()}
    move_weights(model, seed=0, repeat=0)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())
    model.count = nn.Parameter(torch.tensor([3]), requires_grad=False)
    model.narrow = nn.Parameter(torch.ones(4, dtype=torch.bfloat16))
    move_weights(model, seed=0, repeat=1)
    assert model.count.item() == 3
    assert set(model.narrow.tolist()) <= {1 + 2**-7, 1 - 2**-8}
