"""``val_loss``: the denoising loss on fixed held-out images, times and noise, whole and by noise level.

It costs seconds and resolves differences that a small-sample Fréchet distance cannot. The same images for every cell,
the same times and noise for every arm of a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.data import batch, latents, to_unit
from bench.diffusion.noise_levels import BINS, LEVELS, T_MAX, T_MIN, level_times
from bench.random import block_noise, stream

if TYPE_CHECKING:
    from torch import nn

    from bench.conditions.base import Condition
    from bench.data import Split
    from bench.diffusion import Process
    from bench.diffusion.prediction import Prediction
    from bench.machine.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationLoss:
    """The eps-loss at each noise level, the last the noisiest: a mean over images and pixels."""

    levels: list[float]

    def scores(self) -> dict[str, float]:
        """``val_loss`` and ``val_loss_bin1 … val_loss_bin5`` (5 = noisiest), the means of all levels and of a bin's."""
        losses = torch.tensor(self.levels, dtype=torch.float64)
        bins = losses.reshape(BINS, -1).mean(dim=1)
        return {"val_loss": float(losses.mean()), **{f"val_loss_bin{i + 1}": float(bins[i]) for i in range(BINS)}}


def validation_times(seed: int, count: int, levels: int = BINS) -> np.ndarray:
    """Times (levels, count) in float32 within equal parts of [0.001, 0.999].

    Of five levels they are uniform draws. Of twenty they are the midpoint nodes of each level, so that the draw moves
    nothing; the seed decides which image has which.
    """
    if levels == LEVELS:
        nodes = level_times(count)
        rows = [row[stream(seed, "val_level", level).permutation(count)] for level, row in enumerate(nodes)]
        return np.stack(rows).astype(np.float32)
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
    levels: int = BINS,
    process: Process | None = None,
    prediction: Prediction | None = None,
    condition: Condition | None = None,
    batch_size: int = 256,
) -> ValidationLoss:
    """The error of the noise at five or twenty noise levels, whatever the network predicts (``prediction``).

    ``images`` held-out images a level, under their own conditions. Five levels see the same ones; twenty go on where
    the level before stopped, so that as many images as there are have a say. None is used twice before each is once.
    """
    from bench.conditions.base import Condition
    from bench.diffusion import VPSDE
    from bench.diffusion.prediction import EPS, level_at, predicted_noise

    assert levels in (BINS, LEVELS)
    condition = condition or Condition()
    process, prediction, device = process or VPSDE(), prediction or EPS, runtime.device
    order = stream(0, "val_images").permutation(len(held_out.images))
    times = validation_times(seed, images, levels)
    sums = torch.zeros(levels, dtype=torch.float64)
    for level in range(levels):
        offset = level * images if levels == LEVELS else 0
        for first in range(0, images, batch_size):
            count = min(batch_size, images - first)
            chosen = order[np.arange(offset + first, offset + first + count) % len(order)]
            x0 = to_unit(held_out_images(held_out, chosen, offset + first).to(device))
            start = level * images + first
            noise = block_noise(seed, "val_noise", start=start, count=count, shape=tuple(x0.shape[1:])).to(device)
            t = process.training_times(torch.from_numpy(times[level, first : first + count])).to(device)
            given = {name: value.to(device) for name, value in condition.held_out(held_out, chosen).items()}
            at = level_at(process, t, x0)
            x_t = at.alpha * x0 + at.sigma * noise
            with runtime.autocast():
                predicted = predicted_noise(partial(model, **given), process, prediction, x_t, t)
            errors = (predicted - noise).square().mean(dim=(1, 2, 3))
            sums[level] += errors.cpu().double().sum()  # on the CPU: not every accelerator has float64
    return ValidationLoss(levels=(sums / images).tolist())


def held_out_images(split: Split, indices: np.ndarray, first: int) -> torch.Tensor:
    """Images ``indices`` (B,); of latents the same draw for every cell, seed and level of noise."""
    if split.moments is None:
        return batch(split, indices, None)
    return latents(
        split, indices, None, block_noise(0, "val_latent", start=first, count=len(indices), shape=split.shape)
    )
