"""The discrete schedule of Stable Diffusion (Rombach et al. 2022, arXiv:2112.10752), made continuous.

sqrt(beta_n) runs linearly from sqrt(0.00085) to sqrt(0.012) over n = 1 ... N = 1000, and alpha_n^2 is the product of
1 - beta_m up to n. Step n stands at t = n / N; between two steps log alpha is linear in t, and before the first and
after the last it goes on with the slope of the nearest pair: the continuous view that DPM-Solver takes of a discrete
schedule (Lu et al. 2022, arXiv:2206.00927, section 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from bench.diffusion.process import PROCESSES, Time, VariancePreserving, numbers_of

if TYPE_CHECKING:
    import torch

N = 1_000
BETA_FIRST, BETA_LAST = 0.00085, 0.012
Table = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SDSchedule(VariancePreserving):
    """1,000 steps, trained at the steps alone; the network sees the number of the step, 1 ... 1,000."""

    name: ClassVar[str] = "sd"
    about: ClassVar[str] = "discrete Stable Diffusion schedule, 1,000 steps, network time 1 to 1,000"
    t_end: ClassVar[float] = 1 / N

    def log_alpha(self, t: Time) -> Time:
        """log alpha_t, linear between the steps."""
        table, start, fraction = _place(t)
        return table[start] + fraction * (table[start + 1] - table[start])

    def beta(self, t: Time) -> Time:
        """-2 N times the change of log alpha over the interval that t lies in; a step belongs to the one after it."""
        table, start, _ = _place(t)
        return -2 * N * (table[start + 1] - table[start])

    def inverse_lambda(self, half_log_snr: Time) -> Time:
        """The t with ``log_snr_half(t) == half_log_snr``: log alpha first, then its place in the table."""
        numbers = numbers_of(half_log_snr)
        log_alpha = -0.5 * numbers.logaddexp(-2 * half_log_snr, 0 * half_log_snr)
        table = _table(log_alpha)
        if numbers is np:
            steps_before = np.searchsorted(-table, -log_alpha)
        else:
            steps_before = numbers.searchsorted(-table, -log_alpha.contiguous())
        start = (steps_before - 1).clip(0, N - 2)
        return (start + 1 + (log_alpha - table[start]) / (table[start + 1] - table[start])) / N

    def network_time(self, t: Time) -> Time:
        """The network's ``timesteps`` input, N t: 1 ... 1,000 at the steps."""
        return N * t

    def training_times(self, u: Time) -> Time:
        """n / N with n = 1 + floor(N u), uniform on 1 ... N."""
        return (numbers_of(u).floor(N * u) + 1) / N


def log_alphas() -> Table:
    """log alpha_n for n = 1 ... N, float64 (N,)."""
    return _log_alphas()


@lru_cache(maxsize=1)
def _log_alphas() -> Table:
    betas = np.linspace(BETA_FIRST**0.5, BETA_LAST**0.5, N) ** 2
    return 0.5 * np.log1p(-betas).cumsum()


def _place(t: Time) -> tuple[Time, Time, Time]:
    """The table, the index in it of the step at or before t, and how far t lies from there to the next, in steps."""
    numbers, position = numbers_of(t), N * t
    index = numbers.floor(position - 1).clip(0, N - 2)
    start = index.astype(np.int64) if numbers is np else index.long()
    return _table(t), start, position - 1 - index


def _table(like: Time) -> Time:
    if numbers_of(like) is np:
        return _log_alphas()
    return _on(like.device, like.dtype)


@lru_cache(maxsize=8)
def _on(device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Once a device: a training step copies nothing to it."""
    import torch

    return torch.from_numpy(_log_alphas()).to(device=device, dtype=dtype)


PROCESSES.register(SDSchedule.name, SDSchedule())
