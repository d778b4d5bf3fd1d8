"""What a network is told besides the noisy image: nothing, or the image's label. B batch.

A condition turns images of a dataset into the network's keyword inputs: of a training batch, of held-out images, of
samples to draw. Every draw comes from a stream of its own (`bench.random`), so that conditioning moves no other draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.random import BLOCK, stream

if TYPE_CHECKING:
    from torch import Tensor

    from bench.config import EvaluationConfig, TrainingConfig
    from bench.data import Dataset, Split

Inputs = dict[str, "Tensor"]  # keyword inputs of the network, one row an image, on the CPU


class Condition:
    """No condition: the network sees the noisy image and the time. Others say more."""

    __slots__ = ()

    @property
    def network(self) -> dict[str, Any]:
        """What `variants.resolve` is told, beside the images' shape."""
        return {}

    @property
    def has_null(self) -> bool:
        """Whether the network learns without its condition as well, as guidance needs."""
        return False

    @property
    def card(self) -> dict[str, Any]:
        """What a score says of how its samples were conditioned, JSON-able."""
        return {}

    def training(self, split: Split, indices: np.ndarray, *, seed: int, step: int) -> Inputs:
        """Of the images ``indices`` (B,) of a training batch, some of them dropped."""
        return {}

    def held_out(self, split: Split, indices: np.ndarray) -> Inputs:
        """Of held-out images, none dropped."""
        return {}

    def sampling(self, *, seed: int, start: int, count: int) -> Inputs:
        """Of samples ``start … start+count-1``: row i depends on ``seed`` and i alone."""
        return {}

    def null(self, count: int) -> Inputs:
        """Of ``count`` samples, with everything dropped; only where `has_null`."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels(Condition):
    """Class labels as ``y`` (B,) int64; ``null_label`` is one row more, which a share ``p_uncond`` of training takes.

    Samples take ``wanted`` in turn where it is given, else labels drawn uniformly over the classes, as the official
    evaluation does.
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


def condition_of(training: TrainingConfig, dataset: Dataset) -> Condition:
    """The condition that ``training`` asks for on ``dataset``; ValueError where the dataset cannot give it."""
    if training.condition == "none":
        return Condition()
    if training.condition == "text":
        from bench.text_condition import text_condition

        return text_condition(training, dataset)
    if dataset.train.labels is None or not dataset.num_classes:
        raise ValueError(
            f"training.condition=label: dataset {dataset.name} has no labels; take one with classes (cifar10, a folder "
            "with a subfolder for each class), or leave the condition out"
        )
    return Labels(num_classes=dataset.num_classes, null_label=training.p_uncond > 0, p_uncond=training.p_uncond)


def check_settings(training: TrainingConfig, evaluation: EvaluationConfig) -> None:
    """Raise ValueError where conditions are dropped that are not there, or guidance has nothing to push away from."""
    if training.p_uncond and training.condition == "none":
        raise ValueError(
            f"training.p_uncond={training.p_uncond}: an unconditional training has nothing to drop; set "
            "training.condition=label as well"
        )
    if evaluation.guidance and training.condition == "none":
        raise ValueError(
            f"evaluation.guidance={evaluation.guidance}: an unconditional network cannot be guided; set "
            "training.condition=label and training.p_uncond=0.1 as well"
        )
    if evaluation.guidance and not training.p_uncond:
        raise ValueError(
            f"evaluation.guidance={evaluation.guidance}: guidance needs a network that also learns without its "
            "condition; set training.p_uncond=0.1 as well"
        )


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
