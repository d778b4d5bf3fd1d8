"""Linear CKA between layers, estimated without bias from minibatches. B images, P layers, L tokens, D width.

Centred kernel alignment (Kornblith et al. 2019, arXiv:1905.00414) compares what two layers hold by the similarities
that they give to pairs of images: 1 for equal up to an orthogonal map and a scale, 0 for unrelated. With the unbiased
HSIC of Song et al. (2012, "Feature selection via dependence maximization", eq. 5) the mean over minibatches estimates
that of the whole set whatever the batch size (Nguyen et al. 2021, arXiv:2010.15327, eq. 3):

    CKA = mean_b HSIC(K_b, L_b) / sqrt(mean_b HSIC(K_b, K_b) * mean_b HSIC(L_b, L_b)),    K = X Xᵀ, L = Y Yᵀ

Everything from the Gram matrices on is in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

LEAST = 4  # images in a minibatch: the unbiased estimator divides by n (n - 3)

Matrix = npt.NDArray[np.float64]


def hsic(states: Sequence[Tensor]) -> Matrix:
    """The unbiased HSIC of each pair of layers on one minibatch, (P, P).

    ``states`` are the layers' activations, (B, …) each; an image is one example with all its tokens as features.
    Raises ValueError for fewer than four images.
    """
    count = len(states[0])
    if count < LEAST:
        raise ValueError(f"CKA without bias needs at least {LEAST} images in a minibatch, got {count}")
    grams = torch.stack([u_centred(gram(state)).flatten() for state in states])
    return (grams @ grams.T / (count * (count - 3))).cpu().numpy()


def gram(state: Tensor) -> Tensor:
    """X Xᵀ of activations (B, …) with all but the first dimension as features, (B, B) in float64."""
    rows = state.flatten(1)
    rows = (rows.cpu() if rows.device.type == "mps" else rows).double()  # Metal has no float64
    return rows @ rows.T


def u_centred(matrix: Tensor) -> Tensor:
    """The Gram matrix K (n, n) without its diagonal, centred so that the product sum of two is unbiased.

    K_ij − Σ_l K_il/(n−2) − Σ_k K_kj/(n−2) + ΣΣ K_kl/((n−1)(n−2)) off the diagonal, 0 on it (Szekely and Rizzo 2014,
    "Partial distance correlation with methods for dissimilarities", eq. 3.2). The product sum of two such matrices
    over n (n − 3) is Song's eq. 5, term by term.
    """
    n = len(matrix)
    hollow = matrix.clone().fill_diagonal_(0)
    sums = hollow.sum(dim=1)
    centred = hollow - sums[:, None] / (n - 2) - sums[None, :] / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    return centred.fill_diagonal_(0)


@dataclass(slots=True)
class MinibatchCKA:
    """CKA of every pair of P layers, from minibatches of one size added one by one; keeps (P, P) numbers of each."""

    batches: list[Matrix] = field(default_factory=list)

    def add(self, states: Sequence[Tensor]) -> None:
        """Take a minibatch: the activations (B, …) of each layer. Raises ValueError as `hsic` does."""
        self.batches.append(hsic(states))

    def cka(self) -> Matrix:
        """(P, P), symmetric, ones on the diagonal; NaN for a layer that holds the same for every image."""
        return _normalised(np.mean(self.batches, axis=0))

    def standard_error(self) -> Matrix | None:
        """The jackknife's standard error (P, P) of `cka`, leaving out one minibatch at a time; None of a single one."""
        k = len(self.batches)
        if k < 2:
            return None
        total = np.sum(self.batches, axis=0)
        without = np.stack([_normalised((total - batch) / (k - 1)) for batch in self.batches])
        return np.asarray(np.sqrt((k - 1) * without.var(axis=0)))


def _normalised(products: Matrix) -> Matrix:
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(np.diag(products))
        found = products / np.outer(scale, scale)
    return np.asarray((found + found.T) / 2)
