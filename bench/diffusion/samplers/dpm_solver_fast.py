"""DPM-Solver-fast: a high-order solver of the probability-flow ODE (Lu et al. 2022, arXiv:2206.00927).

Singlestep, noise prediction: algorithms 1 and 2 of the paper, and the order of steps of its "fast" version. A step runs
from time s to time t, h = lambda_t - lambda_s, and s1, s2 lie at lambda_s + r1 h and lambda_s + r2 h.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bench.diffusion.process import Process
from bench.diffusion.samplers.registry import NoisePrediction, at_time, check_end, check_steps, sampler
from bench.diffusion.vp_sde import VPSDE

if TYPE_CHECKING:
    from torch import Tensor


@sampler(default_nfe=50, order=3, source="DPM-Solver-fast, Lu et al. 2022 (arXiv:2206.00927)")
def dpm_solver(
    noise_pred: NoisePrediction, x_T: Tensor, *, steps: int = 50, sde: Process | None = None, t_end: float | None = None
) -> Tensor:
    """Images at ``t_end`` from ``x_T`` at the process's ``t_start`` in exactly ``steps`` evaluations.

    ``steps // 3 + 1`` solver steps, uniform in half log-SNR, of third order but for the last one or two, which use up
    the remaining evaluations (`orders`). Raises ValueError for ``steps`` < 1 or ``t_end`` (default: the process's)
    outside (0, 1).
    """
    import torch

    sde, x = sde or VPSDE(), x_T
    plan = orders(check_steps(steps))
    times = uniform_lambda(sde, check_end(t_end, sde), len(plan))
    with torch.no_grad():
        for order, s, t in zip(plan, times[:-1], times[1:], strict=True):
            x = _STEP[order](noise_pred, x, sde, s, t)
    return x


def orders(steps: int) -> list[int]:
    """The order of each solver step; an order is also the evaluations that it takes, so they add up to ``steps``."""
    third, rest = divmod(steps, 3)
    return [3] * (third - 1) + [2, 1] if rest == 0 else [3] * third + [rest]


def uniform_lambda(sde: Process, t_end: float, count: int) -> list[float]:
    """Times of ``count`` steps from ``t_start`` to ``t_end``, uniform in lambda; both ends are exact."""
    lambdas = np.linspace(sde.log_snr_half(sde.t_start), sde.log_snr_half(t_end), count + 1)
    return [sde.t_start, *(float(t) for t in sde.inverse_lambda(lambdas[1:-1])), t_end]


def _first(noise_pred: NoisePrediction, x: Tensor, sde: Process, s: float, t: float) -> Tensor:
    a, b = sde.ode_step(s, t)
    return a * x - b * at_time(noise_pred, x, s)


def _second(noise_pred: NoisePrediction, x: Tensor, sde: Process, s: float, t: float) -> Tensor:
    """Algorithm 1 with r1 = 1/2, the midpoint in lambda; there the weight of the noise's change, b / (2 r1), is b."""
    s1 = _between(sde, s, t, 1 / 2)
    (a1, b1), (a, b) = sde.ode_step(s, s1), sde.ode_step(s, t)
    eps = at_time(noise_pred, x, s)
    eps1 = at_time(noise_pred, a1 * x - b1 * eps, s1)
    return a * x - b * eps1


def _third(noise_pred: NoisePrediction, x: Tensor, sde: Process, s: float, t: float) -> Tensor:
    """Algorithm 2 with r1 = 1/3 and r2 = 2/3."""
    r1, r2 = 1 / 3, 2 / 3
    s1, s2 = _between(sde, s, t, r1), _between(sde, s, t, r2)
    (a1, b1), (a2, b2), (a, b) = sde.ode_step(s, s1), sde.ode_step(s, s2), sde.ode_step(s, t)
    c2 = (r2 / r1) * _slope(sde, s, s2)
    c = (1 / r2) * _slope(sde, s, t)
    eps = at_time(noise_pred, x, s)
    eps1 = at_time(noise_pred, a1 * x - b1 * eps, s1)
    eps2 = at_time(noise_pred, a2 * x - (b2 - c2) * eps - c2 * eps1, s2)
    return a * x - (b - c) * eps - c * eps2


_STEP = {1: _first, 2: _second, 3: _third}


def _between(sde: Process, s: float, t: float, r: float) -> float:
    """The time at lambda_s + r (lambda_t - lambda_s)."""
    lambda_s = sde.log_snr_half(s)
    return float(sde.inverse_lambda(lambda_s + r * (sde.log_snr_half(t) - lambda_s)))


def _slope(sde: Process, s: float, t: float) -> float:
    """sigma_t ((exp(h) - 1) / h - 1): the weight of a noise that grows linearly in lambda."""
    h = float(sde.log_snr_half(t) - sde.log_snr_half(s))
    return float(sde.marginal(t)[1]) * (math.expm1(h) / h - 1)
