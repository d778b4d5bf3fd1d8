"""The variance-preserving SDE with linear beta(t), in closed form (Song et al. 2021, arXiv:2011.13456, eq. 11 and 33).

    dx = -beta(t)/2 x dt + sqrt(beta(t)) dw,    q(x_t | x_0) = N(alpha_t x_0, sigma_t^2 I),    0 <= t <= 1

Every function takes a Python float, a numpy array or a torch tensor and answers in kind, element by element; floats
are computed in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

Time = Any  # float, numpy array or torch tensor; the answer is of the same kind


@dataclass(frozen=True, slots=True)
class VPSDE:
    """beta(t) = beta_min + t (beta_max - beta_min); the paper's continuous process has 0.1 and 20."""

    beta_min: float = 0.1
    beta_max: float = 20.0

    def __post_init__(self) -> None:
        if not (0 < self.beta_min <= self.beta_max < math.inf):
            raise ValueError(f"expected 0 < beta_min <= beta_max, got {self.beta_min} and {self.beta_max}")

    def beta(self, t: Time) -> Time:
        """beta(t), the squared diffusion coefficient."""
        return self.beta_min + t * (self.beta_max - self.beta_min)

    def drift(self, x: Time, t: Time) -> Time:
        """f(x, t) = -beta(t)/2 x; ``t`` must broadcast against ``x``."""
        return -0.5 * self.beta(t) * x

    def diffusion(self, t: Time) -> Time:
        """g(t) = sqrt(beta(t))."""
        return _numbers(t).sqrt(self.beta(t))

    def log_alpha(self, t: Time) -> Time:
        """log alpha_t = -1/2 times the integral of beta from 0 to t."""
        return -0.25 * (self.beta_max - self.beta_min) * t * t - 0.5 * self.beta_min * t

    def marginal(self, t: Time) -> tuple[Time, Time]:
        """(alpha_t, sigma_t) with alpha_t^2 + sigma_t^2 = 1; ``expm1`` keeps sigma exact near t = 0."""
        log_alpha, numbers = self.log_alpha(t), _numbers(t)
        return numbers.exp(log_alpha), numbers.sqrt(-numbers.expm1(2 * log_alpha))

    def log_snr_half(self, t: Time) -> Time:
        """lambda_t = log(alpha_t / sigma_t), strictly decreasing in t; infinite at t = 0."""
        log_alpha, numbers = self.log_alpha(t), _numbers(t)
        return log_alpha - 0.5 * numbers.log(-numbers.expm1(2 * log_alpha))

    def inverse_lambda(self, half_log_snr: Time) -> Time:
        """The t with ``log_snr_half(t) == half_log_snr`` (Lu et al. 2022, arXiv:2206.00927, appendix D.4).

        -2 log alpha = log(1 + exp(-2 lambda)) is a quadratic in t; the root is taken in the form without cancellation.
        """
        numbers = _numbers(half_log_snr)
        total = numbers.logaddexp(-2 * half_log_snr, 0 * half_log_snr)
        return (
            2 * total / (self.beta_min + numbers.sqrt(self.beta_min**2 + 2 * (self.beta_max - self.beta_min) * total))
        )

    def network_time(self, t: Time) -> Time:
        """The network's ``timesteps`` input, 999 t."""
        return 999 * t

    def ode_step(self, s: float, t: float) -> tuple[float, float]:
        """(a, b) such that x_t = a x_s - b eps solves the probability-flow ODE from s to t while eps stays constant.

        a = alpha_t / alpha_s and b = sigma_t (exp(h) - 1), h = lambda_t - lambda_s (Lu et al. 2022, eq. 3.7; the same
        map as DDIM's, Song et al. 2020, arXiv:2010.02502, eq. 13).
        """
        h = float(self.log_snr_half(t) - self.log_snr_half(s))
        return math.exp(float(self.log_alpha(t) - self.log_alpha(s))), float(self.marginal(t)[1]) * math.expm1(h)


def _numbers(value: Any) -> ModuleType:
    """numpy for floats and arrays, torch for tensors, without importing torch for the former."""
    if isinstance(value, (int, float, np.ndarray, np.generic)):
        return np
    import torch

    return torch
