"""DPM-Solver++(2M): multistep, data prediction, second order (Lu et al. 2022, arXiv:2211.01095, algorithm 2).

One evaluation a step, at times uniform in t; the slope of x0 comes from the step before. The first step is of first
order, and so is the last where there are fewer than 15: what is usual for few steps.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from bench.diffusion.process import Process
from bench.diffusion.samplers.dpm_solver_plus_plus import data_prediction, data_step, uniform_times
from bench.diffusion.samplers.registry import NoisePrediction, check_end, check_steps, sampler
from bench.diffusion.vp_sde import VPSDE

if TYPE_CHECKING:
    from torch import Tensor

FEW = 15  # under as many steps the last one is of first order


@sampler(default_nfe=20, order=2, source="DPM-Solver++(2M), Lu et al. 2022 (arXiv:2211.01095)")
def dpm_solver_pp_2m(
    noise_pred: NoisePrediction, x_T: Tensor, *, steps: int = 20, sde: Process | None = None, t_end: float | None = None
) -> Tensor:
    """Images at ``t_end`` from ``x_T`` at the process's ``t_start``, in ``steps`` evaluations at as many uniform times.

    Raises ValueError for ``steps`` < 1 or ``t_end`` (default: the process's) outside (0, 1).
    """
    import torch

    sde, x = sde or VPSDE(), x_T
    times = uniform_times(check_steps(steps), sde.t_start, check_end(t_end, sde))
    before: tuple[Tensor, float] | None = None  # x0 and lambda one step back
    with torch.no_grad():
        for index, (s, t) in enumerate(pairwise(times)):
            x0, lambda_s = data_prediction(noise_pred, x, sde, s), float(sde.log_snr_half(s))
            a, b, _ = data_step(sde, s, t)
            data = x0
            if before is not None and not (steps < FEW and index == steps - 1):
                r = (lambda_s - before[1]) / (float(sde.log_snr_half(t)) - lambda_s)
                data = x0 + (x0 - before[0]) / (2 * r)
            x = a * x + b * data
            before = x0, lambda_s
    return x
