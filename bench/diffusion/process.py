"""What samplers and training ask of a forward process, and the processes by name. No torch at import.

    q(x_t | x_0) = N(alpha_t x_0, sigma_t^2 I),    0 < t <= t_start

Every function of time takes a Python float, a numpy array or a torch tensor and answers in kind, element by element;
floats are computed in float64. A process is one file that registers itself here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from variants.registry import Registry

Time = Any  # float, numpy array or torch tensor; the answer is of the same kind


class Process(ABC):
    """A forward process; what samplers need beyond it follows from alpha and sigma."""

    __slots__ = ()
    name: ClassVar[str]
    about: ClassVar[str]
    t_start: ClassVar[float]  # where samplers start, from standard normal noise
    t_end: ClassVar[float]  # where deterministic samplers end unless told

    @abstractmethod
    def marginal(self, t: Time) -> tuple[Time, Time]:
        """(alpha_t, sigma_t)."""

    @abstractmethod
    def log_alpha(self, t: Time) -> Time:
        """log alpha_t, decreasing in t."""

    @abstractmethod
    def log_snr_half(self, t: Time) -> Time:
        """lambda_t = log(alpha_t / sigma_t), strictly decreasing in t; infinite where alpha or sigma is 0."""

    @abstractmethod
    def inverse_lambda(self, half_log_snr: Time) -> Time:
        """The t with ``log_snr_half(t) == half_log_snr``."""

    @abstractmethod
    def beta(self, t: Time) -> Time:
        """beta(t) = -2 d log alpha / dt: the drift of the SDE with these marginals is -beta/2 x."""

    @abstractmethod
    def squared_diffusion(self, t: Time) -> Time:
        """g^2(t) = d sigma^2 / dt + beta(t) sigma_t^2 of the SDE with these marginals."""

    @abstractmethod
    def reverse_squared_diffusion(self, t: Time) -> Time:
        """w(t) >= 0 of the SDE that is run backwards: any has the same marginals (Song et al. 2021, appendix D.1)."""

    @abstractmethod
    def velocity(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
        """(a, b) of the velocity v = a x0 + b eps at (alpha_t, sigma_t), with alpha b - sigma a = 1."""

    @abstractmethod
    def network_time(self, t: Time) -> Time:
        """The network's ``timesteps`` input."""

    @abstractmethod
    def training_times(self, u: Time) -> Time:
        """The times of training for ``u`` drawn uniformly from [0, 1)."""

    def ode_step(self, s: float, t: float) -> tuple[float, float]:
        """(a, b) such that x_t = a x_s - b eps solves the probability-flow ODE from s to t while eps stays constant.

        a = alpha_t / alpha_s and b = sigma_t (exp(h) - 1), h = lambda_t - lambda_s (Lu et al. 2022, eq. 3.7; the same
        map as DDIM's, Song et al. 2020, arXiv:2010.02502, eq. 13).
        """
        h = float(self.log_snr_half(t) - self.log_snr_half(s))
        return math.exp(float(self.log_alpha(t) - self.log_alpha(s))), float(self.marginal(t)[1]) * math.expm1(h)


class VariancePreserving(Process):
    """alpha_t^2 + sigma_t^2 = 1; a subclass gives log alpha and its inverse, the rest follows."""

    __slots__ = ()
    t_start: ClassVar[float] = 1.0

    def marginal(self, t: Time) -> tuple[Time, Time]:
        """(alpha_t, sigma_t) with alpha_t^2 + sigma_t^2 = 1; ``expm1`` keeps sigma exact near t = 0."""
        log_alpha, numbers = self.log_alpha(t), numbers_of(t)
        return numbers.exp(log_alpha), numbers.sqrt(-numbers.expm1(2 * log_alpha))

    def log_snr_half(self, t: Time) -> Time:
        """lambda_t = log(alpha_t / sigma_t), strictly decreasing in t; infinite where alpha_t is 1."""
        log_alpha, numbers = self.log_alpha(t), numbers_of(t)
        return log_alpha - 0.5 * numbers.log(-numbers.expm1(2 * log_alpha))

    def squared_diffusion(self, t: Time) -> Time:
        """g^2 = beta, since d sigma^2 / dt = beta alpha^2."""
        return self.beta(t)

    def reverse_squared_diffusion(self, t: Time) -> Time:
        """That of the forward SDE, beta."""
        return self.beta(t)

    def velocity(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
        """(-sigma, alpha): v = alpha eps - sigma x0 (Salimans and Ho 2022, arXiv:2202.00512, appendix D)."""
        return -sigma, alpha


PROCESSES: Registry[Process] = Registry("process")


def numbers_of(value: Any) -> ModuleType:
    """numpy for floats and arrays, torch for tensors, without importing torch for the former."""
    if isinstance(value, (int, float, np.ndarray, np.generic)):
        return np
    import torch

    return torch
