"""Mean and covariance of features, streamed in float64, so that features need not be kept.

Batches are merged with the pairwise update of Chan, Golub and LeVeque (1983), which has no cancellation.
``n`` images, ``d`` features.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Statistics:
    """Count, mean (d,) and unbiased covariance (d, d) of all rows seen so far."""

    def __init__(self, dim: int) -> None:
        self.count = 0
        self.mean: Array = np.zeros(dim)
        self._scatter: Array = np.zeros((dim, dim))  # sum of (x - mean)(x - mean)^T

    @classmethod
    def of(cls, features: Any) -> Self:
        """The statistics of one array (n, d), numpy or torch."""
        rows = _rows(features)
        statistics = cls(rows.shape[1])
        statistics.update(rows)
        return statistics

    def update(self, features: Any) -> None:
        """Add rows (n, d). Raises ValueError for another width or numbers that are not finite."""
        rows = _rows(features)
        if rows.shape[1] != len(self.mean):
            raise ValueError(f"expected {len(self.mean)} features per image, got {rows.shape[1]}")
        if not np.isfinite(rows).all():
            raise ValueError("features have values that are not finite (NaN or infinity)")
        if not len(rows):
            return
        mean = rows.mean(axis=0)
        centred = rows - mean
        self._merge(len(rows), mean, centred.T @ centred)

    def merge(self, other: Statistics) -> None:
        """Add everything that ``other`` has seen."""
        if other.count:
            self._merge(other.count, other.mean, other._scatter)

    def _merge(self, count: int, mean: Array, scatter: Array) -> None:
        total, gap = self.count + count, mean - self.mean
        self._scatter += scatter
        if self.count:
            self._scatter += np.outer(gap, gap * (self.count * count / total))
        self.mean = self.mean + gap * (count / total)
        self.count = total

    @property
    def cov(self) -> Array:
        """The unbiased covariance (d, d). Raises ValueError for fewer than two images."""
        if self.count < 2:
            raise ValueError(f"a covariance needs at least two images, got {self.count}")
        return self._scatter / (self.count - 1)

    def save(self, path: Path) -> None:
        """Write ``count``, ``mean`` and ``cov`` to an ``.npz`` file, synced."""
        with Path(path).open("wb") as file:
            np.savez(file, count=np.int64(self.count), mean=self.mean, cov=self.cov)
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote. Raises ValueError naming the file when it is damaged or something else."""
        try:
            # opened here: numpy leaves a damaged archive's file open
            with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                count, mean, cov = int(file["count"]), file["mean"], file["cov"]
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path}: expected statistics with count, mean and cov ({error})") from None
        if mean.ndim != 1 or cov.shape != (len(mean), len(mean)) or count < 2:
            raise ValueError(
                f"{path}: expected mean (d,), cov (d, d), count >= 2; got {mean.shape}, {cov.shape}, {count}"
            )
        statistics = cls(len(mean))
        statistics.count, statistics.mean = count, mean.astype(np.float64)
        statistics._scatter = cov.astype(np.float64) * (count - 1)
        return statistics


def _rows(features: Any) -> Array:
    if hasattr(features, "detach"):
        features = features.detach().cpu().numpy()
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"features must be (n, d), got shape {rows.shape}")
    return rows
