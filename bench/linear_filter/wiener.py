"""The Wiener filter that is diagonal in frequency and in the principal colours of each frequency.

With y = A x0 + S eps and a coefficient's mean m and variance L over training images, the best linear estimate of eps is

    eps(y) = S (y - A m) / (A^2 L + S^2)

and its error on images whose second moment around m is L_h, in expectation over them and eps:

    (S A / (A^2 L + S^2))^2 L_h + (1 - S^2 / (A^2 L + S^2))^2
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from bench.linear_filter.moments import Array, CoefficientMoments

COLOURS = {
    "by frequency": "2-D DCT, principal colours of each frequency",
    "shared": "2-D DCT, principal colours of all frequencies together",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WienerFilter:
    """Of training images ``mean`` (H, W, C), principal ``colours`` (H, W, C, C; columns), ``spectrum`` L (H, W, C)."""

    mean: Array
    colours: Array
    spectrum: Array

    @classmethod
    def of(cls, training: CoefficientMoments, *, colours: str = "by frequency") -> Self:
        """The filter of training images; ``colours`` is a key of `COLOURS`.

        By frequency it loses less: fine detail is nearly grey, large areas are not.
        """
        assert colours in COLOURS
        covariance = training.around(training.mean)
        principal = np.linalg.eigh(covariance if colours == "by frequency" else covariance.mean((0, 1))).eigenvectors
        principal = np.broadcast_to(principal, covariance.shape)
        spectrum = _diagonal(principal, covariance)
        return cls(mean=training.mean, colours=principal, spectrum=spectrum.clip(0))

    def spectrum_of(self, held_out: CoefficientMoments) -> Array:
        """L_h (H, W, C): second moments around the training mean, in this filter's colours."""
        return _diagonal(self.colours, held_out.around(self.mean)).clip(0)

    def loss(self, held_out: Array, alpha: float, sigma: float) -> float:
        """The eps-loss, a mean over coefficients, on images of `spectrum_of` ``held_out``."""
        total = alpha**2 * self.spectrum + sigma**2
        errors = (sigma * alpha / total) ** 2 * held_out + (alpha**2 * self.spectrum / total) ** 2
        return float(errors.mean())

    def noise(self, y: Array, alpha: float, sigma: float) -> Array:
        """The filter's estimate of eps for noisy images ``y`` (B, C, H, W)."""
        from scipy.fft import dctn, idctn

        centred = dctn(y, axes=(-2, -1), norm="ortho").transpose(0, 2, 3, 1) - alpha * self.mean
        gain = sigma / (alpha**2 * self.spectrum + sigma**2)
        turned = (centred[..., None, :] @ self.colours)[..., 0, :] * gain
        estimate = (self.colours @ turned[..., None])[..., 0]
        eps: Array = idctn(estimate.transpose(0, 3, 1, 2), axes=(-2, -1), norm="ortho")
        return eps


def _diagonal(basis: Array, covariance: Array) -> Array:
    """The diagonals (..., C) of basis^T covariance basis."""
    return np.einsum("...ic,...ij,...jc->...c", basis, covariance, basis)
