"""``val_loss``: the denoising loss on fixed held-out images, times and noise, whole and in five noise-level bins.

It costs seconds and resolves differences that a small-sample Fréchet distance cannot. The same images for every cell,
the same times and noise for every arm of a seed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.data import batch, latents, to_unit
from bench.diffusion.noise_levels import BINS, T_MAX, T_MIN
from bench.random import block_noise, stream

if TYPE_CHECKING:
    from torch import nn

    from bench.conditions.base import Condition
    from bench.data import Split
    from bench.diffusion import Process
    from bench.diffusion.prediction import Prediction
    from bench.machine.runtime import Runtime


def validation_times(seed: int, count: int) -> np.ndarray:
    """Times (BINS, count) in float32, uniform within five equal bins of [0.001, 0.999]."""
    width = (T_MAX - T_MIN) / BINS
    u = stream(seed, "val_time").random((BINS, count))
    return (T_MIN + width * (np.arange(BINS)[:, None] + u)).astype(np.float32)


@torch.inference_mode()
def validation_loss(
    model: nn.Module,
    held_out: Split,
    *,
    seed: int,
    images: int,
    runtime: Runtime,
    process: Process | None = None,
    prediction: Prediction | None = None,
    condition: Condition | None = None,
    batch_size: int = 256,
) -> dict[str, float]:
    """``val_loss`` and ``val_loss_bin1 … val_loss_bin5`` (5 = noisiest), each a mean over images and pixels.

    The error is that of the noise, whatever the network predicts (``prediction``: the noise itself, unless given).

    ``images`` held-out images a bin, each used once a bin before any is used twice, under its own condition.
    """
    from bench.conditions.base import Condition
    from bench.diffusion import VPSDE
    from bench.diffusion.prediction import EPS, level_at, predicted_noise

    condition = condition or Condition()
    process, prediction, device = process or VPSDE(), prediction or EPS, runtime.device
    order = np.resize(stream(0, "val_images").permutation(len(held_out.images)), images)
    times = validation_times(seed, images)
    sums = torch.zeros(BINS, dtype=torch.float64)
    for level in range(BINS):
        for first in range(0, images, batch_size):
            rows = slice(first, min(first + batch_size, images))
            x0 = to_unit(held_out_images(held_out, order[rows], first).to(device))
            start = level * images + first
            noise = block_noise(seed, "val_noise", start=start, count=len(x0), shape=tuple(x0.shape[1:])).to(device)
            t = process.training_times(torch.from_numpy(times[level, rows])).to(device)
            given = {name: value.to(device) for name, value in condition.held_out(held_out, order[rows]).items()}
            at = level_at(process, t, x0)
            x_t = at.alpha * x0 + at.sigma * noise
            with runtime.autocast():
                predicted = predicted_noise(partial(model, **given), process, prediction, x_t, t)
            errors = (predicted - noise).square().mean(dim=(1, 2, 3))
            sums[level] += errors.cpu().double().sum()  # on the CPU: not every accelerator has float64
    means = sums / images
    return {"val_loss": float(means.mean()), **{f"val_loss_bin{i + 1}": float(means[i]) for i in range(BINS)}}


def held_out_images(split: Split, indices: np.ndarray, first: int) -> torch.Tensor:
    """Images ``indices`` (B,); of latents the same draw for every cell, seed and level of noise."""
    if split.moments is None:
        return batch(split, indices, None)
    return latents(
        split, indices, None, block_noise(0, "val_latent", start=first, count=len(indices), shape=split.shape)
    )
