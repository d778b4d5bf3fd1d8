"""Class labels as a condition. B batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.conditions.base import Condition, Inputs
from bench.random import BLOCK, stream

if TYPE_CHECKING:
    from bench.data import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels(Condition):
    """Class labels as ``y`` (B,) int64; ``null_label`` is one row more, which a share ``p_uncond`` of training takes.

    Samples take ``wanted`` in turn where it is given, else labels drawn uniformly over the classes. The official
    evaluation of CIFAR10 and ImageNet 64 draws them by the training set's counts of each class instead, which is the
    same only where the counts are equal (CIFAR10's are).
    """

    num_classes: int
    null_label: bool = False
    p_uncond: float = 0.0
    wanted: tuple[int, ...] = ()

    @property
    def network(self) -> dict[str, Any]:
        return {"num_classes": self.num_classes, "null_label": self.null_label}

    @property
    def has_null(self) -> bool:
        return self.null_label

    @property
    def card(self) -> dict[str, Any]:
        return {"labels": f"uniform over {self.num_classes}"}

    def training(self, split: Split, indices: np.ndarray, *, seed: int, step: int) -> Inputs:
        labels = _labels(split, indices)
        if self.p_uncond:
            dropped = stream(seed, "drop_condition", step).random(len(labels)) < self.p_uncond
            labels = np.where(dropped, self.num_classes, labels)
        return _rows(labels)

    def held_out(self, split: Split, indices: np.ndarray) -> Inputs:
        return _rows(_labels(split, indices))

    def sampling(self, *, seed: int, start: int, count: int) -> Inputs:
        rows = np.arange(start, start + count)
        if self.wanted:
            return _rows(np.asarray(self.wanted)[rows % len(self.wanted)])
        blocks = range(start // BLOCK, (start + count - 1) // BLOCK + 1)
        drawn = [stream(seed, "sample_label", block).integers(self.num_classes, size=BLOCK) for block in blocks]
        return _rows(np.concatenate(drawn)[rows - blocks[0] * BLOCK])

    def null(self, count: int) -> Inputs:
        return _rows(np.full(count, self.num_classes))


def as_labels(labels: Sequence[int], num_classes: int, *, where: str) -> tuple[int, ...]:
    """``labels`` as wanted labels; ValueError naming ``where`` when one is not a class."""
    for label in labels:
        if not 0 <= label < num_classes:
            raise ValueError(f"{where}: expected labels from 0 to {num_classes - 1}, got {label}")
    return tuple(labels)


def _labels(split: Split, indices: np.ndarray) -> np.ndarray:
    assert split.labels is not None, "condition_of has checked that there are labels"
    return np.asarray(split.labels[indices])


def _rows(labels: np.ndarray) -> Inputs:
    import torch

    return {"y": torch.from_numpy(np.ascontiguousarray(labels, np.int64))}
