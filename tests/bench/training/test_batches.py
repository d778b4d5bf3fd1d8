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


@pytest.mark.parametrize("threads", [2, 3])
def test_several_cores_draw_the_same_batches_several_at_once(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data, here, drawing = _dataset(flip=True), threading.get_ident(), list[int]()
    alone = [training_batch(data, seed=3, step=step, batch_size=6, device="cpu") for step in range(4, 9)]
    host_batch = batches_module._host_batch

    def noted(*args: Any, **options: Any) -> Any:
        drawing.append(threading.get_ident())
        return host_batch(*args, **options)

    monkeypatch.setattr(batches_module, "_host_batch", noted)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    together = training_batches(data, seed=3, steps=range(4, 9), batch_size=6, device="cpu")
    drawn, numbers = list[Any](), list[int]()
    for one in together:
        drawn.append(one)
        numbers.append(len(drawing))
    assert here not in drawing
    assert numbers == [1, 5, 5, 5, 5], "the first tells how large a batch is; then as many as fit"
    for ours, expected in zip(drawn, alone, strict=True):
        assert torch.equal(ours.x0, expected.x0)
        assert torch.equal(ours.t, expected.t)
        assert torch.equal(ours.noise, expected.noise)


@pytest.mark.parametrize(
    ("limit", "room", "expected"), [(2, 1e9, [1, 3, 3, 5, 5]), (9, 1_300, [1, 3, 3, 5, 5]), (9, 1, [1, 2, 3, 4, 5])]
)
def test_batches_in_memory_are_bounded(
    limit: int, room: float, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(batches_module, "TOGETHER", limit)
    monkeypatch.setattr(batches_module, "TOGETHER_BYTES", int(room))
    host_batch, drawn = batches_module._host_batch, list[int]()

    def sized(*args: Any, **options: Any) -> Any:
        made = host_batch(*args, **options)
        assert made.nbytes == 6 * (16 + 4 + 64) == 504
        drawn.append(1)
        return made

    monkeypatch.setattr(batches_module, "_host_batch", sized)
    batches = training_batches(_dataset(flip=False), seed=0, steps=range(5), batch_size=6, device="cpu")
    assert [len(drawn) for _ in batches] == expected


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
