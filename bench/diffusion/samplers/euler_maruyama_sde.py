"""Euler-Maruyama on the reverse-time SDE (Song et al. 2021, arXiv:2011.13456, eq. 6 and appendix D)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bench.diffusion.process import Process
from bench.diffusion.samplers.registry import NoisePrediction, at_time, check_steps, sampler
from bench.diffusion.vp_sde import VPSDE

if TYPE_CHECKING:
    import torch
    from torch import Tensor

T_FIRST = 1e-3  # the smallest time at which the network is asked


@sampler(default_nfe=1_000, order=1, stochastic=True, source="Euler-Maruyama, Song et al. 2021 (arXiv:2011.13456)")
def euler_maruyama(
    noise_pred: NoisePrediction,
    x_T: Tensor,
    *,
    steps: int = 1_000,
    sde: Process | None = None,
    noise: Callable[[int], Tensor] | None = None,
    generator: torch.Generator | None = None,
    seed: int | None = None,
) -> Tensor:
    """Images at t = 0 from ``x_T`` at the process's ``t_start`` in exactly ``steps`` evaluations.

    The times are 0 and ``numpy.linspace(1e-3, t_start, steps)``, gone through downwards; the last jump, to 0, adds no
    noise (with a single step the only time is 1e-3, as numpy has it). The standard normal noise that is added after
    evaluation i = 0 ... steps - 2 is new at every call, from torch's own generator. It is the same again from equal
    ``generator``s, in ``noise(i)`` (shaped like ``x_T``), and for an equal ``seed``: the noise table that the suite's
    cells of that seed take, row by row the same in every batch. Raises ValueError for more than one of the three.
    """
    import torch

    if sum(given is not None for given in (noise, generator, seed)) > 1:
        raise ValueError("expected at most one of noise, generator and seed: each of them says which noise is added")
    sde, x = sde or VPSDE(), x_T
    times = [0.0, *(float(t) for t in np.linspace(T_FIRST, sde.t_start, check_steps(steps)))]
    draw = noise or _noise_of(x_T, generator, seed)
    with torch.no_grad():
        for i, (t, s) in enumerate(zip(times[:0:-1], times[-2::-1], strict=True)):
            keep, remove, scale = _coefficients(sde, t, s)
            x = keep * x - remove * at_time(noise_pred, x, t)
            if s > 0:
                x = x + scale * draw(i).to(x)
    return x


def _coefficients(sde: Process, t: float, s: float) -> tuple[float, float, float]:
    """x_s = keep x_t - remove eps + scale z for the reverse drift f - (g^2 + w)/2 score, with score = -eps / sigma_t.

    Where w = g^2, as in every variance-preserving process here, that is the time reversal of the forward SDE.
    """
    dt, w = t - s, sde.reverse_squared_diffusion(t)
    both = (sde.squared_diffusion(t) + w) / 2
    return 1 + sde.beta(t) * dt / 2, both * dt / float(sde.marginal(t)[1]), math.sqrt(w * dt)


def _noise_of(x_T: Tensor, generator: torch.Generator | None, seed: int | None) -> Callable[[int], Tensor]:
    """Draws from ``generator``, on its device (None: torch's own, on that of ``x_T``), or rows of a seed's tables."""
    import torch

    from bench.random import block_noise

    count, *shape = x_T.shape
    if seed is not None:
        return lambda i: block_noise(seed, "sample_step", start=0, count=count, shape=tuple(shape), step=i)
    device = x_T.device if generator is None else generator.device
    return lambda i: torch.randn(x_T.shape, generator=generator, device=device, dtype=x_T.dtype)
