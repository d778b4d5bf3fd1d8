"""The step from arrays to tensors; the only part of `bench.data` that needs torch, and imports it late.

What a network sees is uint8 pixels scaled to [-1, 1], or latents drawn from their moments, which are floats already.

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

    assert split.moments is None, "latents are drawn, by `latents`"
    images = split.images[np.asarray(indices, np.int64)]
    if flips is not None:
        mirrored = np.asarray(flips, bool)
        images[mirrored] = images[mirrored, :, :, ::-1]
    return torch.from_numpy(images)


def latents(split: Split, indices: npt.ArrayLike, flips: npt.ArrayLike | None, noise: torch.Tensor) -> torch.Tensor:
    """Scaled latents ``scale (mean + std · noise)`` of images ``indices``, float32 ``(B, C, H, W)`` on the CPU.

    ``noise`` ``(B, C, H, W)`` is standard normal; the moments are those of the mirror image where ``flips``.
    """
    import torch

    assert split.moments is not None, "a split of latents"
    rows = np.asarray(indices, np.int64)
    moments = split.images[rows]
    if flips is not None:
        assert split.moments.mirrored is not None, "a dataset that flips has stored its mirror images"
        mirrored = np.asarray(flips, bool)
        moments[mirrored] = split.moments.mirrored[rows[mirrored]]
    mean, log_variance = torch.from_numpy(moments).chunk(2, dim=1)
    return split.moments.scale * (mean + (0.5 * log_variance).exp() * noise)


def to_unit(images: torch.Tensor) -> torch.Tensor:
    """uint8 0…255 to float32 in [−1, 1]: ``x / 127.5 − 1``; any shape, on its device. Latents stay what they are."""
    if images.is_floating_point():
        return images
    return images.float() / 127.5 - 1


def to_uint8(x: torch.Tensor) -> torch.Tensor:
    """Pixels in [−1, 1] to uint8, rounded and clamped to 0…255, as `to_unit` undone; the caller has excluded NaN."""
    import torch

    return ((x.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
