"""DPM-Solver++ as the paper's H and MS-COCO results were drawn: singlestep, data prediction (Lu et al. 2022b).

The official code calls it with its defaults: order 3 with the "fast" order of steps (as in DPM-Solver-fast), without
thresholding, on times that are uniform in t. All ``steps + 1`` times of that grid are asked in turn: a step of order k
takes k intervals of it, so r1 and r2 follow from the grid instead of being 1/3 and 2/3.

A step runs from time s to time t, h = lambda_t - lambda_s; s1, s2 lie at lambda_s + r1 h and lambda_s + r2 h; x0 is the
data prediction (x - sigma eps) / alpha.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bench.diffusion.process import Process
from bench.diffusion.samplers.dpm_solver_fast import orders
from bench.diffusion.samplers.registry import NoisePrediction, at_time, check_end, check_steps, sampler
from bench.diffusion.vp_sde import VPSDE

if TYPE_CHECKING:
    from torch import Tensor


@sampler(default_nfe=50, order=3, source="DPM-Solver++(3S), Lu et al. 2022 (arXiv:2211.01095)")
def dpm_solver_pp(
    noise_pred: NoisePrediction, x_T: Tensor, *, steps: int = 50, sde: Process | None = None, t_end: float | None = None
) -> Tensor:
    """Images at ``t_end`` from ``x_T`` at the process's ``t_start``, in ``steps`` evaluations at as many uniform times.

    Raises ValueError for ``steps`` < 1 or ``t_end`` (default: the process's) outside (0, 1).
    """
    import torch

    sde, x, first = sde or VPSDE(), x_T, 0
    times = uniform_times(check_steps(steps), sde.t_start, check_end(t_end, sde))
    with torch.no_grad():
        for order in orders(steps):
            x = _STEP[order](noise_pred, x, sde, times[first : first + order + 1])
            first += order
    return x


def uniform_times(steps: int, t_start: float, t_end: float) -> list[float]:
    """``steps + 1`` times from ``t_start`` to ``t_end``; both ends are exact."""
    return [float(t) for t in np.linspace(t_start, t_end, steps + 1)]


def data_prediction(noise_pred: NoisePrediction, x: Tensor, sde: Process, t: float) -> Tensor:
    """x0 = (x - sigma_t eps) / alpha_t."""
    alpha, sigma = (float(value) for value in sde.marginal(t))
    return (x - sigma * at_time(noise_pred, x, t)) / alpha


def data_step(sde: Process, s: float, t: float) -> tuple[float, float, float]:
    """(a, b, c): x_t = a x_s + b x0 is exact for constant x0, and c is the weight of a slope of x0 in lambda times h.

    a = sigma_t / sigma_s, b = alpha_t (1 - exp(-h)), c = alpha_t ((exp(-h) - 1) / h + 1) (Lu et al. 2022, eq. 9).
    """
    h = float(sde.log_snr_half(t) - sde.log_snr_half(s))
    (_, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    return float(sigma_t / sigma_s), -float(alpha_t) * math.expm1(-h), float(alpha_t) * (math.expm1(-h) / h + 1)


def _first(noise_pred: NoisePrediction, x: Tensor, sde: Process, times: list[float]) -> Tensor:
    s, t = times
    a, b, _ = data_step(sde, s, t)
    return a * x + b * data_prediction(noise_pred, x, sde, s)


def _second(noise_pred: NoisePrediction, x: Tensor, sde: Process, times: list[float]) -> Tensor:
    """Algorithm 1 of the paper: the slope enters with half the weight of x0 itself, b / (2 r1)."""
    s, s1, t = times
    (a1, b1, _), (a, b, _) = data_step(sde, s, s1), data_step(sde, s, t)
    x0 = data_prediction(noise_pred, x, sde, s)
    x0_1 = data_prediction(noise_pred, a1 * x + b1 * x0, sde, s1)
    return a * x + b * x0 + b / (2 * _share(sde, s, s1, t)) * (x0_1 - x0)


def _third(noise_pred: NoisePrediction, x: Tensor, sde: Process, times: list[float]) -> Tensor:
    """DPM-Solver's algorithm 2, for data prediction."""
    s, s1, s2, t = times
    (a1, b1, _), (a2, b2, c2), (a, b, c) = (data_step(sde, s, end) for end in (s1, s2, t))
    r1, r2 = _share(sde, s, s1, t), _share(sde, s, s2, t)
    x0 = data_prediction(noise_pred, x, sde, s)
    x0_1 = data_prediction(noise_pred, a1 * x + b1 * x0, sde, s1)
    x0_2 = data_prediction(noise_pred, a2 * x + b2 * x0 + c2 * r2 / r1 * (x0_1 - x0), sde, s2)
    return a * x + b * x0 + c / r2 * (x0_2 - x0)


_STEP = {1: _first, 2: _second, 3: _third}


def _share(sde: Process, s: float, between: float, t: float) -> float:
    """r = (lambda_between - lambda_s) / (lambda_t - lambda_s)."""
    lambda_s = sde.log_snr_half(s)
    return float((sde.log_snr_half(between) - lambda_s) / (sde.log_snr_half(t) - lambda_s))
