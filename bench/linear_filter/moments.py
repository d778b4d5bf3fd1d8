"""First and second moments of a split in the frequencies of the 2-D DCT, streamed in float64.

What a network sees is counted: pixels in [-1, 1], or latents z = scale (mean + std eps), whose eps is averaged over in
closed form rather than drawn. Shapes: ``N`` images, ``C`` channels, ``H`` x ``W`` pixels and equally many frequencies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bench.data import Split

PIECE = 16 << 20  # bytes of float64 images at a time

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoefficientMoments:
    """Of ``count`` images: the ``mean`` (H, W, C) of their coefficients and ``second`` (H, W, C, C), E[c c^T]."""

    count: int
    mean: Array
    second: Array

    def around(self, centre: Array) -> Array:
        """E[(c - centre)(c - centre)^T] at every frequency, (H, W, C, C)."""
        cross = _outer(self.mean, centre)
        return self.second - cross - cross.swapaxes(-1, -2) + _outer(centre, centre)

    @property
    def power(self) -> float:
        """E[x^2] of one value of an image: the DCT is orthonormal."""
        return float(np.trace(self.second, axis1=-2, axis2=-1).sum() / self.mean.size)


def coefficient_moments(split: Split, *, flip: bool = False, piece: int = PIECE) -> CoefficientMoments:
    """The moments of ``split``, of each image and its mirror image where ``flip``; about ``piece`` bytes at a time."""
    channels, height, width = split.shape
    total, mean = 0, np.zeros((height, width, channels))
    second = np.zeros((height, width, channels, channels))
    variance = np.zeros((channels, height, width))  # what the eps of latents adds
    for images, spread in _pieces(split, flip, piece):
        coefficients = _dct(images).transpose(2, 3, 1, 0)
        total += len(images)
        mean += coefficients.sum(-1)
        second += coefficients @ coefficients.swapaxes(-1, -2)
        variance += spread
    if flip and split.moments is None:
        mean[:, 1::2] = 0  # a mirror image has the odd frequencies along a row negated, and nothing else
    second[..., range(channels), range(channels)] += _of_independent(variance).transpose(1, 2, 0)
    return CoefficientMoments(count=len(split), mean=mean / total, second=second / total)


def _pieces(split: Split, flip: bool, piece: int) -> Iterator[tuple[Array, Array | float]]:
    """Images (B, C, H, W) as a network sees them on average, and the sum of their variances (C, H, W)."""
    rows = max(1, piece // (8 * int(np.prod(split.shape))))
    if split.moments is None:
        for first in range(0, len(split), rows):
            yield split.images[first : first + rows].astype(np.float64) / 127.5 - 1, 0.0  # as to_unit, in float64
        return
    assert split.moments.mirrored is not None or not flip, "a dataset that flips has stored its mirror images"
    for moments in (split.images, split.moments.mirrored) if flip else (split.images,):
        assert moments is not None
        for first in range(0, len(split), rows):
            means, log_variances = np.split(moments[first : first + rows].astype(np.float64), 2, axis=1)
            yield split.moments.scale * means, split.moments.scale**2 * np.exp(log_variances).sum(0)


def _dct(images: Array) -> Array:
    from scipy.fft import dctn

    coefficients: Array = dctn(images, axes=(-2, -1), norm="ortho")
    return coefficients


def _of_independent(variance: Array) -> Array:
    """Variances (C, H, W) of the coefficients of values that are independent with these variances.

    Coefficients of different frequencies are then correlated, which a filter diagonal in frequency does not use.
    """
    from scipy.fft import dct

    rows, columns = (dct(np.eye(size), axis=0, norm="ortho") ** 2 for size in variance.shape[1:])
    spread: Array = rows @ variance @ columns.T
    return spread


def _outer(a: Array, b: Array) -> Array:
    return a[..., :, None] * b[..., None, :]
