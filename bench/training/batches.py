"""The data of one step: images, flips, times and noise of the whole global batch, each from its own stream."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bench.data import batch, to_unit
from bench.random import normal, permutation, stream

if TYPE_CHECKING:
    from bench.data import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """x0 (B,C,H,W) in [-1, 1], t (B,) in [0, 1), noise (B,C,H,W); float32 on the device."""

    x0: Tensor
    t: Tensor
    noise: Tensor


def image_order(seed: int, *, step: int, batch_size: int, size: int) -> np.ndarray:
    """Indices (B,) of the images of ``step``: epochs of fresh permutations, laid end to end."""
    places = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, offsets = np.divmod(places, size)
    return np.concatenate([_epoch(seed, int(e), size)[offsets[epochs == e]] for e in np.unique(epochs)])


@lru_cache(maxsize=2)
def _epoch(seed: int, epoch: int, size: int) -> np.ndarray:
    return permutation(seed, "order", epoch, size)


def training_batch(dataset: Dataset, *, seed: int, step: int, batch_size: int, device: str) -> Batch:
    """The batch of one step, the same for every arm of a seed and on every device."""
    split = dataset.train
    indices = image_order(seed, step=step, batch_size=batch_size, size=len(split.images))
    flips = stream(seed, "flip", step).random(batch_size) < 0.5 if dataset.flip else None
    t = torch.from_numpy(stream(seed, "time", step).random(batch_size, dtype=np.float32))
    noise = normal(stream(seed, "noise", step), (batch_size, *split.images.shape[1:]))
    pixels = batch(split, indices, flips)
    return Batch(x0=to_unit(pixels.to(device)), t=t.to(device), noise=noise.to(device))
