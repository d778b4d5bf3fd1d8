"""DDIM without noise (Song et al. 2020, arXiv:2010.02502, eq. 12 with eta = 0), on any process."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bench.diffusion.process import Process
from bench.diffusion.samplers.registry import NoisePrediction, at_time, check_end, check_steps, sampler
from bench.diffusion.vp_sde import VPSDE

if TYPE_CHECKING:
    from torch import Tensor


@sampler(default_nfe=50, order=1, source="DDIM, eta = 0, Song et al. 2020 (arXiv:2010.02502)")
def ddim(
    noise_pred: NoisePrediction, x_T: Tensor, *, steps: int = 50, sde: Process | None = None, t_end: float | None = None
) -> Tensor:
    """Images at ``t_end`` from ``x_T`` at the process's ``t_start`` in exactly ``steps`` evaluations.

    ``steps + 1`` times, uniform from there to ``t_end`` as in the DDIM paper's linear schedule. Raises ValueError for
    ``steps`` < 1 or ``t_end`` (default: the process's) outside (0, 1).
    """
    import torch

    sde, x = sde or VPSDE(), x_T
    times = [float(t) for t in np.linspace(sde.t_start, check_end(t_end, sde), check_steps(steps) + 1)]
    with torch.no_grad():
        for s, t in pairwise(times):
            a, b = sde.ode_step(s, t)
            x = a * x - b * at_time(noise_pred, x, s)
    return x
