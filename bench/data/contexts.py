"""Captions as a text encoder turned them into context tokens, beside the latents that they describe.

N images, M captions in all, T tokens a caption, E features a token. No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contexts:
    """The contexts of a split: ``rows`` (M, T, E) of all captions, image by image; ``ends`` (N,), where each image's
    captions end in them.

    ``empty`` (T, E) is the context of no text, which stands for a caption that was dropped.
    """

    rows: Array = field(repr=False)
    ends: npt.NDArray[np.int64] = field(repr=False)
    empty: Array = field(repr=False)

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, images: npt.NDArray[np.int64], u: npt.NDArray[np.float64]) -> Array:
        """One context (B, T, E) for each of ``images`` (B,): the caption that ``u`` (B,) in [0, 1) points at."""
        ends = self.ends[images]
        counts = ends - np.where(images > 0, self.ends[images - 1], 0)
        return np.asarray(self.rows[ends - counts + np.floor(u * counts).astype(np.int64)])
