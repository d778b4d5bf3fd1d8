"""Common random numbers: counter-based streams, drawn on the CPU and so the same on every device.

A stream is named by (seed, purpose, step or block) and nothing else, so no draw depends on what was drawn before it:
a resumed run equals an uninterrupted one, evaluating more often changes no training, and all arms of a seed see the
same images, flips, timesteps and noise. Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") is
keyed with 128 bits; torch's own CPU generator keeps 32 bits of its seed, in which half a million steps would collide.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

BLOCK = 64  # images per block of sampling and validation noise; part of what a seed means, so never a setting


def stream(seed: int, purpose: str, *key: int) -> np.random.Generator:
    """The generator named by ``(seed, purpose, *key)``; equal names give equal draws on every machine."""
    name = "|".join([str(int(seed)), purpose, *(str(int(k)) for k in key)])
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> torch.Tensor:
    """Standard normal draws in float32, row by row; shape ``shape``, on the CPU."""
    import torch

    return torch.from_numpy(generator.standard_normal(shape, dtype=np.float32))


def block_noise(
    seed: int, purpose: str, *, start: int, count: int, shape: tuple[int, ...], step: int | None = None
) -> torch.Tensor:
    """Rows ``start … start+count-1`` of an endless table of noise, float32, shape ``(count, *shape)``.

    The table is drawn in blocks of 64 rows keyed by the block's number, so a row never depends on the batch size with
    which it is asked for. ``step`` names one table of several (the evaluations of a stochastic sampler).
    """
    import torch

    key = () if step is None else (step,)
    first, last = start // BLOCK, (start + count - 1) // BLOCK
    blocks = [normal(stream(seed, purpose, block, *key), (BLOCK, *shape)) for block in range(first, last + 1)]
    return torch.cat(blocks)[start - first * BLOCK :][:count]


def permutation(seed: int, purpose: str, epoch: int, size: int) -> np.ndarray:
    """A permutation of ``range(size)`` for one epoch, int64."""
    return stream(seed, purpose, epoch).permutation(size)
