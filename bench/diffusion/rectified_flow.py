"""The straight path from data to noise: flow matching with a linear schedule (Lipman et al. 2022, arXiv:2210.02747;
Liu et al. 2022, arXiv:2209.03003).

    x_t = (1 - t) x_0 + t eps,    v = dx/dt = eps - x_0,    0 <= t <= 1
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.diffusion.process import PROCESSES, Process, Time, numbers_of


@dataclass(frozen=True, slots=True)
class RectifiedFlow(Process):
    """alpha = 1 - t, sigma = t. No image is left at t = 1, where the noise says nothing of x_0; sampling starts before.

    The reverse SDE has w = t: finite at every time, unlike that of the forward SDE (SiT, Ma et al. 2024,
    arXiv:2401.08740: w = sigma).
    """

    name: ClassVar[str] = "flow"
    about: ClassVar[str] = "rectified flow, alpha = 1 - t, sigma = t, sampled from t = 0.999, network time 999 t"
    t_start: ClassVar[float] = 0.999
    t_end: ClassVar[float] = 1e-3

    def marginal(self, t: Time) -> tuple[Time, Time]:
        """(1 - t, t)."""
        return 1 - t, t

    def log_alpha(self, t: Time) -> Time:
        """log(1 - t)."""
        return numbers_of(t).log1p(-t)

    def log_snr_half(self, t: Time) -> Time:
        """lambda_t = log((1 - t) / t)."""
        numbers = numbers_of(t)
        return numbers.log1p(-t) - numbers.log(t)

    def inverse_lambda(self, half_log_snr: Time) -> Time:
        """t = 1 / (1 + exp(lambda))."""
        return 1 / (1 + numbers_of(half_log_snr).exp(half_log_snr))

    def beta(self, t: Time) -> Time:
        """2 / (1 - t)."""
        return 2 / (1 - t)

    def squared_diffusion(self, t: Time) -> Time:
        """g^2 = 2 t + 2 t^2 / (1 - t) = 2 t / (1 - t)."""
        return 2 * t / (1 - t)

    def reverse_squared_diffusion(self, t: Time) -> Time:
        """w = sigma = t."""
        return t

    def velocity(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
        """(-1, 1): v = eps - x0."""
        return -1.0, 1.0

    def network_time(self, t: Time) -> Time:
        """The network's ``timesteps`` input, 999 t."""
        return 999 * t

    def training_times(self, u: Time) -> Time:
        """t = u: uniform on [0, 1)."""
        return u


PROCESSES.register(RectifiedFlow.name, RectifiedFlow())
