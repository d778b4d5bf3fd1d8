"""The data of a step: the same for every arm of a seed, and independent of what came before."""

import numpy as np
import pytest
import torch

from bench.data import Dataset, Split
from bench.training.batches import image_order, training_batch


def _dataset(*, flip: bool, size: int = 20) -> Dataset:
    images = np.arange(size, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 4, 4), np.uint8)
    images = np.ascontiguousarray(images + np.arange(4, dtype=np.uint8) * 40)
    split = Split(name="t:train", fingerprint="0" * 64, images=images)
    return Dataset(
        name="t",
        train=split,
        held_out=None,
        num_classes=0,
        channels=1,
        image_size=4,
        flip=flip,
        fingerprint="0" * 64,
        card={},
    )


@pytest.mark.parametrize("batch_size", [1, 6, 20, 33])
def test_epochs_show_every_image_once(batch_size: int) -> None:
    steps = -(-60 // batch_size)
    order = np.concatenate([image_order(0, step=step, batch_size=batch_size, size=20) for step in range(steps)])[:60]
    for epoch in range(3):
        assert sorted(order[epoch * 20 : (epoch + 1) * 20]) == list(range(20))
    assert not np.array_equal(order[:20], order[20:40])


def test_a_batch_is_its_seed_and_step() -> None:
    data = _dataset(flip=False)
    first = training_batch(data, seed=1, step=5, batch_size=6, device="cpu")
    again = training_batch(data, seed=1, step=5, batch_size=6, device="cpu")
    other = training_batch(data, seed=2, step=5, batch_size=6, device="cpu")
    assert torch.equal(first.x0, again.x0)
    assert torch.equal(first.noise, again.noise)
    assert not torch.equal(first.noise, other.noise)
    assert not torch.equal(first.t, other.t)
    assert first.x0.min() >= -1
    assert first.x0.max() <= 1
    assert ((first.t >= 0) & (first.t < 1)).all()


def test_flips_follow_the_dataset() -> None:
    plain = training_batch(_dataset(flip=False), seed=0, step=0, batch_size=20, device="cpu").x0
    flipped = training_batch(_dataset(flip=True), seed=0, step=0, batch_size=20, device="cpu").x0
    mirrored = [i for i in range(20) if torch.equal(flipped[i], plain[i].flip(-1))]
    same = [i for i in range(20) if torch.equal(flipped[i], plain[i])]
    assert len(mirrored) + len(same) == 20
    assert mirrored
    assert same
