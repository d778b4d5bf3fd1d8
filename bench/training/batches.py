"""The data of one step: images, flips, times and noise of the whole global batch, each from its own stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bench.conditions.base import Condition
from bench.data import batch, latents, to_unit
from bench.machine.runtime import to_device
from bench.random import normal, permutation, stream

if TYPE_CHECKING:
    from bench.data import Dataset, Split

TOGETHER = 16  # batches drawn at once on a CPU: after a step its threads spin for milliseconds, and hinder two or four
TOGETHER_BYTES = 64 * 1024**2  # the memory that they may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """x0 (B,C,H,W) in [-1, 1], t (B,) in [0, 1), noise (B,C,H,W); float32 on the device.

    ``condition`` holds the network's other inputs, B rows each.
    """

    x0: Tensor
    t: Tensor
    noise: Tensor
    condition: dict[str, Tensor]


def image_order(seed: int, *, step: int, batch_size: int, size: int) -> np.ndarray:
    """Indices (B,) of the images of ``step``: epochs of fresh permutations, laid end to end."""
    places = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, offsets = np.divmod(places, size)
    return np.concatenate([_epoch(seed, int(e), size)[offsets[epochs == e]] for e in np.unique(epochs)])


@lru_cache(maxsize=2)
def _epoch(seed: int, epoch: int, size: int) -> np.ndarray:
    return permutation(seed, "order", epoch, size)


def training_batch(
    dataset: Dataset, *, seed: int, step: int, batch_size: int, device: str, condition: Condition | None = None
) -> Batch:
    """The batch of one step, the same for every arm of a seed and on every device."""
    return _host_batch(dataset, condition or Condition(), seed, step, batch_size).on(device)


def training_batches(
    dataset: Dataset,
    *,
    seed: int,
    steps: range,
    batch_size: int,
    device: str,
    condition: Condition | None = None,
    ahead: bool | None = None,
) -> Iterator[Batch]:
    """The batches of ``steps`` in order, each equal to `training_batch`'s.

    ``ahead`` draws the next one in a thread while the device works on this one; by default on accelerators, where the
    host would be idle. On a CPU the cores train, and every few steps each of them draws batches (`TOGETHER`).
    """
    condition = condition or Condition()
    on_accelerator = torch.device(device).type != "cpu"
    if not (on_accelerator if ahead is None else ahead):
        draw = partial(_host_batch, dataset, condition, seed, batch_size=batch_size)
        yield from (drawn.on(device) for drawn in _drawn_together(draw, steps, threads=torch.get_num_threads()))
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as thread:
        drawn = deque(thread.submit(_host_batch, dataset, condition, seed, step, batch_size) for step in steps[:1])
        for step in steps:
            if step != steps[-1]:
                drawn.append(thread.submit(_host_batch, dataset, condition, seed, step + steps.step, batch_size))
            yield drawn.popleft().result().on(device)


def _drawn_together(draw: Callable[[int], _HostBatch], steps: range, *, threads: int) -> Iterator[_HostBatch]:
    """The batches of ``steps`` in order. A stream of random numbers is drawn by one thread, several by several."""
    if threads == 1:
        yield from map(draw, steps)
        return
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="batches") as pool:
        count = 1  # of the first, which tells how large they are
        while steps:
            drawn = deque(pool.map(draw, steps[:count]))
            steps = steps[count:]
            count = max(1, min(TOGETHER, TOGETHER_BYTES // drawn[0].nbytes))
            while drawn:
                yield drawn.popleft()


@dataclass(frozen=True, slots=True, kw_only=True)
class _HostBatch:
    """A batch as it is drawn: uint8 pixels or float32 latents (B,C,H,W), t (B,), noise (B,C,H,W), and the condition, on
    the CPU.
    """

    pixels: Tensor
    t: Tensor
    noise: Tensor
    condition: dict[str, Tensor]

    @property
    def nbytes(self) -> int:
        return sum(rows.nbytes for rows in (self.pixels, self.t, self.noise, *self.condition.values()))

    def on(self, device: str) -> Batch:
        """Moved to ``device``."""
        return Batch(
            x0=to_unit(to_device(self.pixels, device)),
            t=to_device(self.t, device),
            noise=to_device(self.noise, device),
            condition={name: to_device(rows, device) for name, rows in self.condition.items()},
        )


def _host_batch(dataset: Dataset, condition: Condition, seed: int, step: int, batch_size: int) -> _HostBatch:
    split = dataset.train
    indices = image_order(seed, step=step, batch_size=batch_size, size=len(split.images))
    flips = stream(seed, "flip", step).random(batch_size) < 0.5 if dataset.flip else None
    t = torch.from_numpy(stream(seed, "time", step).random(batch_size, dtype=np.float32))
    noise = normal(stream(seed, "noise", step), (batch_size, *split.shape))
    return _HostBatch(
        pixels=_clean(split, indices, flips, seed=seed, step=step),
        t=t,
        noise=noise,
        condition=condition.training(split, indices, seed=seed, step=step),
    )


def _clean(split: Split, indices: np.ndarray, flips: np.ndarray | None, *, seed: int, step: int) -> Tensor:
    """Images ``indices`` (B,) as stored, or of latents a draw that is the step's own."""
    if split.moments is None:
        return batch(split, indices, flips)
    return latents(split, indices, flips, normal(stream(seed, "latent", step), (len(indices), *split.shape)))
