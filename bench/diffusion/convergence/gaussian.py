"""Data of which everything is known: every value drawn from N(mean, std^2). Samplers are measured on it.

    q(x_t) = N(alpha_t mean, v_t),    v_t = alpha_t^2 std^2 + sigma_t^2

The score is -(x - alpha_t mean) / v_t, so the best noise prediction is sigma_t (x - alpha_t mean) / v_t (noise is
-sigma_t times the score; Song et al. 2021, arXiv:2011.13456, section 3), and the probability flow is affine: it keeps
(x_t - alpha_t mean) / sqrt(v_t).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.diffusion.process import Process

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaussian:
    """The data under a process; tensors are ``(B, ...)`` of any shape, times ``(B,)``."""

    process: Process
    mean: float = 0.3
    std: float = 0.5

    def noise(self, x: Tensor, t: Tensor) -> Tensor:
        """E[eps | x_t = x], what a perfect network predicts."""
        alpha, sigma = (value.view(-1, *[1] * (x.ndim - 1)) for value in self.process.marginal(t))
        return sigma * (x - alpha * self.mean) / (alpha**2 * self.std**2 + sigma**2)

    def law(self, t: float) -> tuple[float, float]:
        """Mean and standard deviation of x_t; at t = 0 those of the data."""
        if t == 0:
            return self.mean, self.std
        alpha, sigma = (float(value) for value in self.process.marginal(t))
        return alpha * self.mean, math.hypot(alpha * self.std, sigma)

    def flow(self, x_T: Tensor, t: float) -> Tensor:
        """Where the probability-flow ODE takes ``x_T`` from the process's ``t_start`` to ``t``."""
        (mean_T, std_T), (mean, std) = self.law(self.process.t_start), self.law(t)
        return mean + std / std_T * (x_T - mean_T)
