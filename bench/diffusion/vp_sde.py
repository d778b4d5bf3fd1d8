"""The variance-preserving SDE with linear beta(t), in closed form (Song et al. 2021, arXiv:2011.13456, eq. 11 and 33).

dx = -beta(t)/2 x dt + sqrt(beta(t)) dw,    q(x_t | x_0) = N(alpha_t x_0, sigma_t^2 I),    0 <= t <= 1
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from bench.diffusion.process import PROCESSES, Time, VariancePreserving, numbers_of


@dataclass(frozen=True, slots=True)
class VPSDE(VariancePreserving):
    """beta(t) = beta_min + t (beta_max - beta_min); the paper's continuous process has 0.1 and 20."""

    name: ClassVar[str] = "vp"
    about: ClassVar[str] = "continuous variance-preserving SDE, beta 0.1 to 20, network time 999 t"
    t_end: ClassVar[float] = 1e-4

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
        return numbers_of(t).sqrt(self.beta(t))

    def log_alpha(self, t: Time) -> Time:
        """log alpha_t = -1/2 times the integral of beta from 0 to t."""
        return -0.25 * (self.beta_max - self.beta_min) * t * t - 0.5 * self.beta_min * t

    def inverse_lambda(self, half_log_snr: Time) -> Time:
        """The t with ``log_snr_half(t) == half_log_snr`` (Lu et al. 2022, arXiv:2206.00927, appendix D.4).

        -2 log alpha = log(1 + exp(-2 lambda)) is a quadratic in t; the root is taken in the form without cancellation.
        """
        numbers = numbers_of(half_log_snr)
        total = numbers.logaddexp(-2 * half_log_snr, 0 * half_log_snr)
        return (
            2 * total / (self.beta_min + numbers.sqrt(self.beta_min**2 + 2 * (self.beta_max - self.beta_min) * total))
        )

    def network_time(self, t: Time) -> Time:
        """The network's ``timesteps`` input, 999 t."""
        return 999 * t

    def training_times(self, u: Time) -> Time:
        """t = u: uniform on [0, 1)."""
        return u


PROCESSES.register(VPSDE.name, VPSDE())
