"""Precision and recall by nearest neighbours (Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.random import stream

K = 3
SUBSET = 1_000


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Fractions in [0, 1], and the size of the two subsets that they were measured on."""

    precision: float
    recall: float
    count: int


def precision_recall(
    features: Any, reference: Any, *, seed: int = 0, subset: int = SUBSET, k: int = K
) -> PrecisionRecall:
    """Precision and recall on equal subsets of ``subset`` rows drawn by ``seed`` (fewer when one side has fewer).

    Precision is the share of generated rows within the k-th-neighbour ball of any reference row, recall the converse;
    both depend strongly on the size of the sets, hence equal subsets of a fixed size. Raises ValueError when a side
    has no more than ``k`` rows.
    """
    import torch

    count = min(subset, len(features), len(reference))
    if count <= k:
        raise ValueError(f"precision and recall with k={k} need at least {k + 1} images on each side, got {count}")
    generated = torch.from_numpy(_draw(features, count, seed, "generated"))
    real = torch.from_numpy(_draw(reference, count, seed, "reference"))
    between = torch.cdist(generated, real)
    in_real_ball = (between <= _radii(real, k)[None, :]).any(dim=1)
    in_generated_ball = (between <= _radii(generated, k)[:, None]).any(dim=0)
    return PrecisionRecall(float(in_real_ball.double().mean()), float(in_generated_ball.double().mean()), count)


def _radii(rows: Any, k: int) -> Any:
    """The distance (n,) from each row to its k-th neighbour, itself not counted."""
    import torch

    return torch.cdist(rows, rows).kthvalue(k + 1, dim=1).values


def _draw(features: Any, count: int, seed: int, side: str) -> np.ndarray:
    """``count`` rows in float64 without replacement; all of them, in order, when there are no more."""
    chosen = np.arange(count)
    if len(features) > count:
        chosen = np.sort(stream(seed, f"precision_recall_{side}").permutation(len(features))[:count])
    rows = np.asarray(features[chosen], dtype=np.float64)
    if not np.isfinite(rows).all():
        raise ValueError("features have values that are not finite (NaN or infinity)")
    return rows
