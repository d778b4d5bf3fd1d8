"""The Frechet distance between two Gaussians (Dowson and Landau 1982; Heusel et al. 2017, arXiv:1706.08500, eq. 6).

    d^2 = |mu_1 - mu_2|^2 + tr(S_1) + tr(S_2) - 2 tr((S_1 S_2)^(1/2))

The trace of the root is the sum of the singular values of F_1 F_2^T for any factors S_i = F_i^T F_i, which is also the
sum of the roots of the eigenvalues of F_1 S_2 F_1^T. Eigenvalues are the faster way, but one near zero carries an
absolute error that its root blows up (1e-16 becomes 1e-8); singular values have no such loss. So: eigenvalues first,
an estimate of what their roots lost, and singular values where that is more than a part in a million allows.

Everything is float64: in float32 the distance itself loses up to three parts in a thousand.
``d`` features, ``n`` images, ``r`` rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

TOLERANCE = 3e-7  # estimated relative loss up to which the eigenvalues' roots are taken
FULL_RANK = 1e-10  # smallest share of a variance that the other features leave over, for Cholesky without pivoting
NEGLIGIBLE = 1e-12  # loss relative to the traces below which a distance is zero for all purposes


def frechet_distance(mu1: Any, sigma1: Any, mu2: Any, sigma2: Any) -> float:
    """The squared Frechet distance of N(mu1, sigma1) and N(mu2, sigma2), never negative.

    Means (d,) and covariances (d, d), numpy or torch, computed in float64. Singular covariances are fine. Raises
    ValueError for shapes that do not match, numbers that are not finite, and matrices that are no covariance.
    """
    mean1, cov1 = _gaussian(mu1, sigma1, "first")
    mean2, cov2 = _gaussian(mu2, sigma2, "second")
    _same_width(mean1, mean2)
    return _distance(mean1 - mean2, float(np.trace(cov1)), factor(cov1), cov2)


def frechet_from_features(features: Any, ref_mean: Any, ref_cov: Any) -> float:
    """The squared Frechet distance between the Gaussian fitted to ``features`` (n, d) and the reference's.

    With n < d this needs only an n x n problem: the centred features are themselves a factor of their covariance.
    Raises ValueError as `frechet_distance` does, and for fewer than two images.
    """
    x = _float64(features, "features")
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"features must be (n, d) with at least two images, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("features have values that are not finite (NaN or infinity)")
    mean = x.mean(axis=0)
    rows = (x - mean) / np.sqrt(len(x) - 1)
    if len(x) > x.shape[1]:
        return frechet_distance(mean, rows.T @ rows, ref_mean, ref_cov)
    reference_mean, cov = _gaussian(ref_mean, ref_cov, "reference")
    _same_width(mean, reference_mean)
    return _distance(mean - reference_mean, float(np.vdot(rows, rows)), Rows(rows), cov)


@dataclass(frozen=True, slots=True)
class Rows:
    """A factor F (r, d) of any rank."""

    matrix: Array

    def sandwich(self, cov: Array) -> Array:
        """The upper triangle of F S F^T (r, r)."""
        return self.matrix @ cov @ self.matrix.T


@dataclass(frozen=True, slots=True)
class Triangle:
    """A factor F (d, d) that is upper triangular: Cholesky's."""

    matrix: Array

    def sandwich(self, cov: Array) -> Array:
        """The upper triangle of F S F^T (d, d), by LAPACK's ``sygst`` in a quarter of the work of two products."""
        from scipy.linalg import lapack

        return lapack.dsygst(cov.T, self.matrix, itype=2, lower=0)[0]


def factor(cov: Array) -> Rows | Triangle:
    """F with F^T F = ``cov``: Cholesky's where no feature is nearly a mixture of others, else the pivoted one."""
    from scipy.linalg import lapack

    upper, failed = lapack.dpotrf(cov, lower=0)
    if not failed and (np.diag(upper) ** 2 > FULL_RANK * np.diag(cov)).all():
        return Triangle(upper)
    return _pivoted(cov)


def _pivoted(cov: Array) -> Rows:
    """Pivoted Cholesky of the correlation matrix, which makes rank a matter of correlation, not of units."""
    from scipy.linalg import lapack

    scale = np.sqrt(np.diag(cov))
    scale[scale == 0] = 1.0  # a constant feature: its row and column are zero
    correlation = (cov / scale) / scale[:, None]
    upper, pivots, rank, _ = lapack.dpstrf(correlation, lower=0, tol=rounding(cov), overwrite_a=1)
    f = np.zeros((rank, len(cov)))
    f[:, pivots - 1] = np.triu(upper)[:rank]
    return Rows(f * scale)


def rounding(cov: Array) -> float:
    """The share of a feature's variance, left after all others are taken out, that counts as rounding."""
    return len(cov) * float(np.finfo(np.float64).eps)


def _distance(gap: Array, trace1: float, first: Rows | Triangle, cov2: Array) -> float:
    """The distance from a factor of the first covariance and the second covariance."""
    fixed = float(gap @ gap) + trace1 + float(np.trace(cov2))
    root, loss = _roots_of_eigenvalues(first.sandwich(cov2))
    if loss > max(TOLERANCE * abs(fixed - 2 * root), NEGLIGIBLE * fixed):
        root = _sum_of_singular_values(first.matrix @ factor(cov2).matrix.T)
    return max(fixed - 2 * root, 0.0)


def _roots_of_eigenvalues(sandwich: Array) -> tuple[float, float]:
    """tr((S_1 S_2)^(1/2)) from F_1 S_2 F_1^T (upper triangle), and an estimate of what twice the roots lost."""
    from scipy.linalg import eigvalsh

    if not len(sandwich):
        return 0.0, 0.0
    values = eigvalsh(sandwich.T, lower=True, overwrite_a=True, check_finite=False)
    roots = np.sqrt(np.clip(values, 0, None))
    noise = np.finfo(np.float64).eps * float(values[-1])
    loss = 2 * float(np.sum(noise / (roots + np.sqrt(noise)))) if noise > 0 else 0.0
    return float(roots.sum()), loss


def _sum_of_singular_values(matrix: Array) -> float:
    from scipy.linalg import svdvals

    return float(svdvals(matrix, overwrite_a=True, check_finite=False).sum()) if matrix.size else 0.0


def _gaussian(mu: Any, sigma: Any, which: str) -> tuple[Array, Array]:
    mean, cov = _float64(mu, f"{which} mean"), _float64(sigma, f"{which} covariance")
    if mean.ndim != 1 or cov.shape != (len(mean), len(mean)):
        raise ValueError(f"the {which} mean and covariance must be (d,) and (d, d), got {mean.shape} and {cov.shape}")
    if not len(mean):
        raise ValueError(f"the {which} mean and covariance are empty; expected at least one feature")
    probe = np.random.default_rng(0).standard_normal(len(mean))  # two products tell what comparing all entries would
    with np.errstate(invalid="ignore", over="ignore"):
        rows, columns, largest = cov @ probe, probe @ cov, float(np.abs(np.diag(cov)).max())
    if not (np.isfinite(mean).all() and np.isfinite(rows).all() and np.isfinite(columns).all()):
        raise ValueError(f"the {which} mean or covariance has values that are not finite (NaN or infinity)")
    if (np.diag(cov) < 0).any() or np.abs(rows - columns).max() > 1e-6 * largest * len(mean) ** 0.5:
        raise ValueError(
            f"the {which} covariance is not symmetric with a non-negative diagonal, so it is no covariance"
        )
    return mean, cov


def _same_width(mean1: Array, mean2: Array) -> None:
    if mean1.shape != mean2.shape:
        raise ValueError(f"both sides must have the same number of features, got {len(mean1)} and {len(mean2)}")


def _float64(values: Any, what: str) -> Array:
    """numpy float64 from numpy, a sequence or a torch tensor on any device."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"the {what} must be real numbers, got {array.dtype}")
    return array.astype(np.float64, copy=False)
