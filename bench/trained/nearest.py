"""Which training images are nearest to given images in feature space: were they copied? n images, N training images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

CHUNK = 8_192  # training images at a time
_SPARE = 8  # candidates beyond k: the product form's rounding may swap near ties


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """``distances`` (n, k) ascending, Euclidean, float64; ``rows`` (n, k) of the training features."""

    distances: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]


def nearest(features: npt.NDArray[np.float32], training: Any, *, k: int, device: str = "cpu") -> Nearest:
    """The ``k`` nearest rows of ``training`` (N, d) to each of ``features`` (n, d).

    Candidates are found with matrix products in float32, their distances then taken again as sums of squared
    differences in float64, so that an exact copy is at distance 0. Raises ValueError for fewer than ``k`` rows.
    """
    if not 1 <= k <= len(training):
        raise ValueError(f"{k} nearest of {len(training)} training images were asked for; expected 1 to that many")
    candidates = _candidates(features, training, min(k + _SPARE, len(training)), device)
    wide = features.astype(np.float64)
    distances = np.empty(candidates.shape)
    for i, rows in enumerate(candidates):
        chosen = np.asarray(training[np.sort(rows)], dtype=np.float64)[np.argsort(np.argsort(rows))]
        distances[i] = np.sqrt(((chosen - wide[i]) ** 2).sum(axis=1))
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return Nearest(
        distances=np.take_along_axis(distances, order, axis=1), rows=np.take_along_axis(candidates, order, axis=1)
    )


def nearer(a: Nearest, b: Nearest) -> Nearest:
    """Of two searches for the same images (as they are, and mirrored) the nearest of both, each row once an image."""
    k = a.distances.shape[1]
    distances, rows = np.hstack([a.distances, b.distances]), np.hstack([a.rows, b.rows])
    found = [_first_places(distances[i], rows[i], k) for i in range(len(distances))]
    order = np.array(found).reshape(len(distances), k)
    return Nearest(distances=np.take_along_axis(distances, order, axis=1), rows=np.take_along_axis(rows, order, axis=1))


def _first_places(distances: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], k: int) -> list[int]:
    places, seen = list[int](), set[int]()
    for place in np.argsort(distances, kind="stable"):
        if int(rows[place]) not in seen:
            seen.add(int(rows[place]))
            places.append(int(place))
    return places[:k]


def _candidates(features: npt.NDArray[np.float32], training: Any, count: int, device: str) -> npt.NDArray[np.int64]:
    """Rows (n, count) of the smallest distances by ``|x|² − 2 x·y + |y|²``, chunk by chunk."""
    import torch

    x = torch.from_numpy(np.ascontiguousarray(features)).to(device)
    best = torch.full((len(x), 0), float("inf"), device=device)
    rows = torch.empty((len(x), 0), dtype=torch.int64, device=device)
    for first in range(0, len(training), CHUNK):
        y = torch.from_numpy(np.array(training[first : first + CHUNK])).to(device)
        squared = y.square().sum(dim=1) - 2 * x @ y.T  # |x|² is the same for all
        here = torch.arange(first, first + len(y), device=device).expand(len(x), -1)
        best, rows = torch.cat([best, squared], dim=1), torch.cat([rows, here], dim=1)
        best, kept = best.topk(min(count, best.shape[1]), dim=1, largest=False)
        rows = rows.gather(1, kept)
    return rows.cpu().numpy()
