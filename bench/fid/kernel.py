"""The kernel distance (KID, Binkowski et al. 2018, arXiv:1801.01401): squared MMD with k(x, y) = (x.y / d + 1)^3.

Unbiased and over the full samples, not over random subsets: no draw decides its value. Kernel matrices are summed
block by block in float64 on the device that is given and never kept. ``n`` images, ``d`` features.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 2_000  # rows; 2,000 x 2,000 float64 kernel values are 32 MB


def kernel_distance(
    features: Any, reference: Any, *, reference_self: float | None = None, device: str = "cpu"
) -> float:
    """The unbiased squared MMD between two samples (n, d) and (m, d); slightly negative values are legitimate.

    ``reference_self`` is `self_term` of the reference, when it is known already. Raises ValueError when a sample has
    fewer than two rows, the widths differ or a number is not finite.
    """
    if features.shape[1] != reference.shape[1]:
        raise ValueError(
            f"both sides must have the same number of features, got {features.shape[1]} and {reference.shape[1]}"
        )
    own = self_term(features, device=device)
    other = self_term(reference, device=device) if reference_self is None else reference_self
    cross = sum(float(_kernel(x, y).sum()) for x in _blocks(features, device) for y in _blocks(reference, device))
    value = own + other - 2 * cross / (len(features) * len(reference))
    if not np.isfinite(value):
        raise ValueError("features have values that are not finite (NaN or infinity)")
    return value


def self_term(features: Any, *, device: str = "cpu") -> float:
    """The mean of k(x_i, x_j) over all i != j; the half of the distance that a reference can keep."""
    n = len(features)
    if n < 2:
        raise ValueError(f"the kernel distance needs at least two images on each side, got {n}")
    total = 0.0
    for i, x in enumerate(_blocks(features, device)):
        total += float(_kernel(x, x).sum() - _diagonal(x).sum())
        total += 2 * sum(float(_kernel(x, y).sum()) for y in _blocks(features, device, start=(i + 1) * BLOCK))
    return total / (n * (n - 1))


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _diagonal(x: Tensor) -> Tensor:
    return (x.square().sum(dim=1) / x.shape[1] + 1) ** 3


def _blocks(features: Any, device: str, start: int = 0) -> Iterator[Tensor]:
    """Rows in float64 on the device, one block at a time; a memory map is read block by block."""
    import torch

    for first in range(start, len(features), BLOCK):
        yield torch.as_tensor(np.array(features[first : first + BLOCK])).to(device, torch.float64)
        mapped = getattr(features, "_mmap", None)
        if mapped is not None and hasattr(mapped, "madvise"):
            mapped.madvise(mmap.MADV_DONTNEED)  # a quarter of a gigabyte of a cell's resident size; the cache keeps it
