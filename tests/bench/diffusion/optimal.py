"""The best predictions on Gaussian data, written out from each paper's own formulas, not from ours."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bench.diffusion import Process
from tests.bench.diffusion.gaussian import MEAN, STD, noise_under

EDM_SIGMA_DATA = 0.5


def image(process: Process, x: Tensor, t: Tensor) -> Tensor:
    """E[x₀ | x_t]: the posterior mean of a Gaussian under a Gaussian likelihood."""
    alpha, sigma = levels(process, x, t)
    gain = alpha * STD**2 / (alpha**2 * STD**2 + sigma**2)
    return MEAN + gain * (x - alpha * MEAN)


def levels(process: Process, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    alpha, sigma = (value.to(x.dtype).view(-1, *[1] * (x.ndim - 1)) for value in process.marginal(t))
    return alpha, sigma


def velocity(process: Process, x: Tensor, t: Tensor) -> Tensor:
    alpha, sigma = levels(process, x, t)
    eps, x0 = noise_under(process)(x, t), image(process, x, t)
    return eps - x0 if process.name == "flow" else alpha * eps - sigma * x0


def edm(process: Process, x: Tensor, t: Tensor) -> Tensor:
    """Karras et al. (2022), eq. 7 solved for F, at x̂ = x_t / α with noise of σ / α (their table 1, last column)."""
    alpha, sigma = levels(process, x, t)
    noisy, s = x / alpha, sigma / alpha
    c_skip = EDM_SIGMA_DATA**2 / (s**2 + EDM_SIGMA_DATA**2)
    c_out = s * EDM_SIGMA_DATA / (s**2 + EDM_SIGMA_DATA**2).sqrt()
    return (image(process, x, t) - c_skip * noisy) / c_out


def edm_input(process: Process, x: Tensor, t: Tensor) -> Tensor:
    alpha, sigma = levels(process, x, t)
    return x / alpha / ((sigma / alpha) ** 2 + EDM_SIGMA_DATA**2).sqrt()


OUTPUTS: dict[str, Callable[[Process, Tensor, Tensor], Tensor]] = {
    "eps": lambda process, x, t: noise_under(process)(x, t),
    "x0": image,
    "v": velocity,
    "edm": edm,
}


class Optimal(torch.nn.Module):
    """A network that predicts ``prediction`` as well as can be; it is asked as any network is."""

    def __init__(self, process: Process, prediction: str) -> None:
        super().__init__()
        self.process, self.prediction = process, prediction

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        t = timesteps / self.process.network_time(1.0)
        if self.prediction == "edm":  # it sees x̂ c_in
            alpha, sigma = levels(self.process, x, t)
            x = x * alpha * ((sigma / alpha) ** 2 + EDM_SIGMA_DATA**2).sqrt()
        return OUTPUTS[self.prediction](self.process, x, t)
