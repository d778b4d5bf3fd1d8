"""The kernel distance (KID, Binkowski et al. 2018, arXiv:1801.01401): squared MMD with k(x, y) = (x.y / d + 1)^3.

Unbiased and over the full samples, not over random subsets: no draw decides its value. Kernel matrices are summed
block by block in float64 on the device that is given and never kept. ``n`` images, ``d`` features.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.fid.jackknife import block_of, kernel_error
from bench.machine.allocator import forget_pages

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
    return distance_and_error(features, reference, reference_self=reference_self, device=device, error=False)[0]


def distance_and_error(
    features: Any, reference: Any, *, reference_self: float | None = None, device: str = "cpu", error: bool = True
) -> tuple[float, float | None]:
    """`kernel_distance` and its sampling error over generated images, None for fewer than 20 (bench.fid.jackknife)."""
    if features.shape[1] != reference.shape[1]:
        raise ValueError(
            f"both sides must have the same number of features, got {features.shape[1]} and {reference.shape[1]}"
        )
    n, m = len(features), len(reference)
    own = _own_sums(features, device)
    other = self_term(reference, device=device) if reference_self is None else reference_self
    cross = _cross_sums(features, reference, device)
    value = float(own.sum()) / (n * (n - 1)) + other - 2 * float(cross.sum()) / (n * m)
    if not np.isfinite(value):
        raise ValueError("features have values that are not finite (NaN or infinity)")
    return value, kernel_error(own, _within_sums(features, device), cross, m) if error else None


def self_term(features: Any, *, device: str = "cpu") -> float:
    """The mean of k(x_i, x_j) over all i != j; the half of the distance that a reference can keep."""
    n = len(features)
    return float(_own_sums(features, device).sum()) / (n * (n - 1))


def _own_sums(features: Any, device: str) -> npt.NDArray[np.float64]:
    """The sums (n,) of k(x_i, x_j) over all j != i."""
    n = len(features)
    if n < 2:
        raise ValueError(f"the kernel distance needs at least two images on each side, got {n}")
    sums = np.zeros(n)
    for first, x in zip(range(0, n, BLOCK), _blocks(features, device), strict=True):
        rows = _kernel(x, x).sum(dim=1) - _diagonal(x)
        start = first + BLOCK
        for other, y in zip(range(start, n, BLOCK), _blocks(features, device, start=start), strict=True):
            values = _kernel(x, y)
            rows += values.sum(dim=1)
            sums[other : other + BLOCK] += values.sum(dim=0).cpu().numpy()
        sums[first:start] += rows.cpu().numpy()
    return sums


def _cross_sums(features: Any, reference: Any, device: str) -> npt.NDArray[np.float64]:
    """The sums (n,) of k(x_i, y_j) over the reference's images."""
    sums = []
    for x in _blocks(features, device):
        rows = x.new_zeros(len(x))
        for y in _blocks(reference, device):
            rows += _kernel(x, y).sum(dim=1)
        sums.append(rows.cpu().numpy())
    return np.concatenate(sums)


def _within_sums(features: Any, device: str) -> npt.NDArray[np.float64]:
    """The sums (n,) of k(x_i, x_j) over the other images of i's block of the jackknife."""
    blocks, sums = block_of(len(features)), np.zeros(len(features))
    for b in np.unique(blocks):
        own = blocks == b
        sums[own] = _own_sums(features[own], device) if own.sum() > 1 else 0.0
    return sums


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _diagonal(x: Tensor) -> Tensor:
    return (x.square().sum(dim=1) / x.shape[1] + 1) ** 3


def _blocks(features: Any, device: str, start: int = 0) -> Iterator[Tensor]:
    """Rows in float64 on the device, one block at a time; a memory map is read block by block."""
    import torch

    for first in range(start, len(features), BLOCK):
        yield torch.as_tensor(np.array(features[first : first + BLOCK])).to(device, torch.float64)
        forget_pages(features)  # else a quarter of a gigabyte of a cell's resident size
