"""A condition: what a network is told beside the noisy image and the time. B batch.

A condition turns images of a dataset into the network's keyword inputs: of a training batch, of held-out images, of
samples to draw. Every draw comes from a stream of its own (`bench.random`), so that conditioning moves no other draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from bench.data import Split

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
