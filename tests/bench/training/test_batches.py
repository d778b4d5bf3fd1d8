"""The data of a step: the same for every arm of a seed, and independent of what came before."""

import threading
from typing import Any

import numpy as np
import pytest
import torch

import bench.training.batches as batches_module
from bench.data import Dataset, Split
from bench.training.batches import image_order, training_batch, training_batches


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


@pytest.mark.parametrize("ahead", [None, False, True])
def test_batches_drawn_ahead_are_the_same_batches(ahead: bool | None) -> None:
    data = _dataset(flip=True)
    drawn = list(training_batches(data, seed=3, steps=range(4, 9), batch_size=6, device="cpu", ahead=ahead))
    assert len(drawn) == 5
    for step, one in zip(range(4, 9), drawn, strict=True):
        alone = training_batch(data, seed=3, step=step, batch_size=6, device="cpu")
        assert torch.equal(one.x0, alone.x0)
        assert torch.equal(one.t, alone.t)
        assert torch.equal(one.noise, alone.noise)
    assert list(training_batches(data, seed=3, steps=range(4, 4), batch_size=6, device="cpu", ahead=ahead)) == []


def test_the_next_batch_is_drawn_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, host_batch = threading.Semaphore(0), batches_module._host_batch

    def counted(*args: Any) -> Any:
        made = host_batch(*args)
        drawn.release()
        return made

    monkeypatch.setattr(batches_module, "_host_batch", counted)
    batches = training_batches(_dataset(flip=False), seed=0, steps=range(3), batch_size=2, device="cpu", ahead=True)
    next(batches)
    assert drawn.acquire(timeout=20)
    assert drawn.acquire(timeout=20), "the second one, while the first is in use"
    assert not drawn.acquire(timeout=0.2), "one ahead, no more"
    batches.close()
