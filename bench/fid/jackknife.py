"""How far a single score would move with other generated images: the delete-a-block jackknife (Efron and Stein 1981).

    se^2 = (B - 1) / B * sum_b (score without block b - their mean)^2

over B = 10 blocks, image i in block i mod B, so that images in an order of their own (by class) still make equal
blocks. The reference stands as it is. With ten blocks ``se`` itself is uncertain by a quarter: 1 / sqrt(2 (B - 1)).

Sums over the blocks are taken once and a block's share is subtracted: what is left to repeat is ten times the
eigenvalues of a matrix of min(n, d) rows. ``n`` images, ``d`` features, ``r`` rank of the reference's covariance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bench.fid.distance import factor

Array = npt.NDArray[np.float64]

BLOCKS = 10
FEWEST = 2 * BLOCKS  # images


def block_of(count: int) -> npt.NDArray[np.int64]:
    """The number of the block (n,) that each of ``count`` images is in."""
    return np.arange(count) % BLOCKS


def standard_error(without: Sequence[float]) -> float:
    """The standard error of a score of all images, from the scores ``without`` each block."""
    scores = np.asarray(without, np.float64)
    return float(np.sqrt((len(scores) - 1) / len(scores) * np.sum((scores - scores.mean()) ** 2)))


def frechet_error(features: Any, ref_mean: Array, ref_cov: Array) -> float | None:
    """The sampling error of the Frechet distance of ``features`` (n, d); None for fewer than 20 images.

    In coordinates y = F x, with F^T F the reference's covariance, tr((S S_ref)^(1/2)) is the sum of the roots of the
    eigenvalues of y's covariance, or of its Gram matrix where there are fewer images than features.
    """
    count = len(features)
    if count < FEWEST:
        return None
    mean: Array = np.asarray(np.mean(features, axis=0, dtype=np.float64))
    f = factor(ref_cov).matrix
    blocks = [_Block.of(features[b::BLOCKS], mean, f, scatter=count > len(f)) for b in range(BLOCKS)]
    roots = _roots_by_scatter(blocks) if count > len(f) else _roots_by_gram(blocks)
    squares, fixed = sum(block.squares for block in blocks), float(np.trace(ref_cov))
    distances = []
    for block, root in zip(blocks, roots, strict=True):
        m = count - block.count
        shift = -block.total / m  # of the mean: all rows together sum to zero
        trace = (squares - block.squares - m * float(shift @ shift)) / (m - 1)
        gap = mean + shift - ref_mean
        distances.append(float(gap @ gap) + trace + fixed - 2 * root)
    return standard_error(distances)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """One block's rows x about the mean of all, and what of y = F x is needed: its rows (n_b, r) or scatter (r, r)."""

    count: int
    total: Array  # of x (d,)
    squares: float  # of x
    y: Array
    y_total: Array

    @classmethod
    def of(cls, rows: Any, mean: Array, f: Array, *, scatter: bool) -> Self:
        x = np.asarray(rows, np.float64) - mean
        y = x @ f.T
        total, y_total = x.sum(axis=0), y.sum(axis=0)
        squares = float(np.vdot(x, x))
        return cls(count=len(x), total=total, squares=squares, y=y.T @ y if scatter else y, y_total=y_total)


def _roots_by_gram(blocks: Sequence[_Block]) -> list[float]:
    """For each block, the sum of the roots of the eigenvalues of the covariance of the rows outside of it, n <= r."""
    y = np.concatenate([block.y for block in blocks])
    gram, owner = y @ y.T, np.repeat(np.arange(BLOCKS), [block.count for block in blocks])
    sums = []
    for b in range(BLOCKS):
        kept = np.flatnonzero(owner != b)
        own = gram[np.ix_(kept, kept)]
        rows = own.mean(axis=0)
        own -= rows
        own -= (rows - rows.mean())[:, None]  # centred on the mean of the rows that are left
        sums.append(_sum_of_roots(own, len(kept)))
    return sums


def _roots_by_scatter(blocks: Sequence[_Block]) -> list[float]:
    """For each block, the sum of the roots of the eigenvalues of the covariance of the rows outside of it, n > r:
    that of the whole scatter less the block's.
    """
    whole, count = sum(block.y for block in blocks), sum(block.count for block in blocks)
    sums = []
    for block in blocks:
        m = count - block.count
        sums.append(_sum_of_roots(whole - block.y - np.outer(block.y_total, block.y_total / m), m))
    return sums


def _sum_of_roots(scatter: Array, count: int) -> float:
    from scipy.linalg import eigvalsh

    values = eigvalsh(scatter, overwrite_a=True, check_finite=False)
    return float(np.sqrt(np.clip(values, 0, None) / (count - 1)).sum())


def kernel_error(own: Array, within: Array, cross: Array, reference_count: int) -> float | None:
    """The sampling error of the kernel distance; None for fewer than 20 images.

    ``own`` (n,) are the sums of k(x_i, x_j) over the other images j, ``within`` (n,) the same over those of i's block,
    ``cross`` (n,) the sums over the reference. The reference's own term is the same without any block.
    """
    count = len(own)
    if count < FEWEST:
        return None
    distances = []
    for b in range(BLOCKS):
        gone = block_of(count) == b
        m = count - int(gone.sum())
        pairs = own.sum() - 2 * own[gone].sum() + within[gone].sum()
        distances.append(pairs / (m * (m - 1)) - 2 * cross[~gone].sum() / (m * reference_count))
    return standard_error(distances)
