"""What the rest of the suite sees of a dataset: decoded uint8 arrays, a fingerprint of their content and a card.

Latents of images (docs/latents.md) are a dataset too; then the arrays are an autoencoder's moments.
Shapes: ``N`` images, ``C`` channels, ``H = W`` pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.data.captions import Captions

if TYPE_CHECKING:
    from bench.data.contexts import Contexts
    from bench.data.latent_folder import Encoding

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """What makes a split one of latents z = ``scale`` (mean + std eps), C channels: its ``images`` hold moments.

    ``mirrored`` are those of the images' mirror images, or None where training mirrors nothing.
    """

    scale: float
    mirrored: npt.NDArray[np.float32] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """One part of a dataset.

    ``images`` is uint8 ``(N, C, H, W)``, C-contiguous, usually memory-mapped and then read-only; ``labels`` is int64
    ``(N,)`` or None; ``captions``, if there are any, gives a tuple of texts for each image. ``name`` (``photos:train``)
    and ``fingerprint`` (SHA-256 hex of the content, never of a path) name these very images, so statistics may be
    cached under them. Where ``moments`` is given, ``images`` is float32 ``(N, 2C, H, W)``: the mean and then the log
    variance of latents; ``contexts`` are captions as a text encoder gives them.
    """

    name: str
    fingerprint: str
    images: Pixels = field(repr=False)
    labels: Labels | None = field(default=None, repr=False)
    captions: Captions | None = field(default=None, repr=False)
    moments: Moments | None = None
    contexts: Contexts | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return int(self.images.shape[0])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image as a network sees it."""
        channels, height, width = (int(n) for n in self.images.shape[1:])
        return channels // 2 if self.moments else channels, height, width


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """A decoded dataset at one image size.

    ``num_classes`` is 0 when there are no labels; ``flip`` says whether training mirrors images at random;
    ``fingerprint`` is SHA-256 hex over the source's content, the builder's version and the image size; ``card`` is
    JSON-able and goes into every record. ``encoding`` is given where the images are latents, and says of what.
    """

    name: str
    train: Split
    held_out: Split | None
    num_classes: int
    channels: int
    image_size: int
    flip: bool
    fingerprint: str
    card: dict[str, Any] = field(repr=False)
    encoding: Encoding | None = None
