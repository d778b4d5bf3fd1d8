"""The step from arrays to tensors; the only part of `bench.data` that needs torch, and imports it late.

Shapes: ``B`` batch, ``C`` channels, ``H = W`` pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

    from bench.data.dataset import Split


def batch(split: Split, indices: npt.ArrayLike, flips: npt.ArrayLike | None = None) -> torch.Tensor:
    """Images ``indices`` of ``split`` as uint8 ``(B, C, H, W)`` on the CPU, mirrored left-right where ``flips``."""
    import torch

    images = split.images[np.asarray(indices, np.int64)]
    if flips is not None:
        mirrored = np.asarray(flips, bool)
        images[mirrored] = images[mirrored, :, :, ::-1]
    return torch.from_numpy(images)


def to_unit(images: torch.Tensor) -> torch.Tensor:
    """uint8 0…255 to float32 in [−1, 1]: ``x / 127.5 − 1``; any shape, on the tensor's device."""
    return images.float() / 127.5 - 1


def to_uint8(x: torch.Tensor) -> torch.Tensor:
    """The inverse of `to_unit`, rounded and clamped to 0…255; the caller has excluded NaN."""
    import torch

    return ((x.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
