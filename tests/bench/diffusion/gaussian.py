"""Data whose noise prediction and probability-flow solution are known in closed form: N(MEAN, STD^2) per pixel."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.diffusion import VPSDE, Process
from bench.diffusion.samplers import NoisePrediction

MEAN, STD = 0.3, 0.5


def noise_under(process: Process) -> NoisePrediction:
    """E[eps | x_t] = sigma (x - alpha m) / v, with v = alpha^2 c^2 + sigma^2."""

    def noise_pred(x: Tensor, t: Tensor) -> Tensor:
        alpha, sigma = (value.view(-1, *[1] * (x.ndim - 1)) for value in process.marginal(t))
        return sigma * (x - alpha * MEAN) / (alpha**2 * STD**2 + sigma**2)

    return noise_pred


noise_pred = noise_under(VPSDE())


def exact(x_T: Tensor, t_end: float, process: Process | None = None) -> Tensor:
    """The flow is affine: standardised values never change."""
    process = process or VPSDE()
    (alpha_1, sigma_1), (alpha, sigma) = process.marginal(1.0), process.marginal(t_end)
    spread, spread_1 = ((a**2 * STD**2 + s**2) ** 0.5 for a, s in ((alpha, sigma), (alpha_1, sigma_1)))
    return alpha * MEAN + spread / spread_1 * (x_T - alpha_1 * MEAN)


def x_T(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn((6, 2, 3, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
