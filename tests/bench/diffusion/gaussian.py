"""The Gaussian as the tests of samplers use it: N(MEAN, STD^2) per value, under VP unless told."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.diffusion import VPSDE, Process
from bench.diffusion.convergence.gaussian import Gaussian
from bench.diffusion.samplers import NoisePrediction

MEAN, STD = 0.3, 0.5


def noise_under(process: Process) -> NoisePrediction:
    return Gaussian(process=process, mean=MEAN, std=STD).noise


noise_pred = noise_under(VPSDE())


def exact(x_T: Tensor, t_end: float, process: Process | None = None) -> Tensor:
    return Gaussian(process=process or VPSDE(), mean=MEAN, std=STD).flow(x_T, t_end)


def x_T(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn((6, 2, 3, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
