"""Captions as a condition: the network is given the context tokens of one caption of its image.

The context of no text stands for a dropped caption, as the official code has it, so that dropping needs no weights of
its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.conditions.base import Condition, Inputs
from bench.random import BLOCK, stream

if TYPE_CHECKING:
    from bench.config import TrainingConfig
    from bench.data import Dataset, Split
    from bench.data.contexts import Contexts

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Text(Condition):
    """Captions as ``context`` (B, T, E) float32, a share ``p_uncond`` of them dropped in training.

    Training takes one of an image's captions at random, validation the first. Samples take ``prompts`` (P, T, E) in
    turn where they are given, else captions of ``told``'s images, each image once before any is taken twice.
    """

    empty: Array = field(repr=False)
    p_uncond: float = 0.0
    prompts: Array | None = field(default=None, repr=False)
    told: Contexts | None = field(default=None, repr=False)
    told_name: str = ""

    @property
    def network(self) -> dict[str, Any]:
        return {"context_tokens": self.empty.shape[0], "context_dim": self.empty.shape[1]}

    @property
    def has_null(self) -> bool:
        return self.p_uncond > 0

    @property
    def card(self) -> dict[str, Any]:
        return {"captions": f"of {self.told_name}"}

    def training(self, split: Split, indices: np.ndarray, *, seed: int, step: int) -> Inputs:
        contexts = _contexts(split).take(indices, stream(seed, "caption", step).random(len(indices)))
        if self.p_uncond:
            contexts[stream(seed, "drop_condition", step).random(len(indices)) < self.p_uncond] = self.empty
        return _rows(contexts)

    def held_out(self, split: Split, indices: np.ndarray) -> Inputs:
        return _rows(_contexts(split).take(indices, np.zeros(len(indices))))

    def sampling(self, *, seed: int, start: int, count: int) -> Inputs:
        rows = np.arange(start, start + count)
        if self.prompts is not None:
            return _rows(self.prompts[rows % len(self.prompts)])
        assert self.told is not None, "text_condition gives captions to draw from"
        images = stream(seed, "sample_image").permutation(len(self.told))[rows % len(self.told)]
        blocks = range(start // BLOCK, (start + count - 1) // BLOCK + 1)
        u = np.concatenate([stream(seed, "sample_caption", block).random(BLOCK) for block in blocks])
        return _rows(self.told.take(images, u[rows - blocks[0] * BLOCK]))

    def null(self, count: int) -> Inputs:
        return _rows(np.repeat(self.empty[None], count, axis=0))


def text_condition(training: TrainingConfig, dataset: Dataset) -> Text:
    """The captions of ``dataset`` as a condition; samples are drawn from those of held-out images.

    Raises ValueError where the dataset has no encoded captions.
    """
    told = dataset.held_out or dataset.train
    if dataset.train.contexts is None or told.contexts is None:
        raise ValueError(
            f"training.condition=text: dataset {dataset.name} has no encoded captions; make latents of one that has "
            "captions (uvit encode coco --autoencoder PATH --text-encoder PATH --out FOLDER) and take latents:FOLDER"
        )
    return Text(
        empty=np.array(told.contexts.empty), p_uncond=training.p_uncond, told=told.contexts, told_name=told.name
    )


def _contexts(split: Split) -> Contexts:
    assert split.contexts is not None, "text_condition has checked that there are captions"
    return split.contexts


def _rows(contexts: Array) -> Inputs:
    import torch

    return {"context": torch.from_numpy(np.ascontiguousarray(contexts, np.float32))}
