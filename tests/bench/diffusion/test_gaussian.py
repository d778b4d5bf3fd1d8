"""The closed forms that all samplers are measured against, found again from their definitions."""

import numpy as np
import pytest
import torch

from bench.diffusion import PROCESSES
from bench.diffusion.convergence.gaussian import Gaussian
from tests.bench.diffusion.gaussian import x_T


@pytest.fixture(params=PROCESSES.names())
def gaussian(request):
    return Gaussian(process=PROCESSES.get(request.param))


@pytest.mark.parametrize("t", [0.0012, 0.3, 0.9])
def test_noise_is_minus_sigma_times_the_gradient_of_the_log_density(gaussian, t):
    """The density of x_t is the data's, scaled, with the noise's added: written out by torch, derived by autograd."""
    alpha, sigma = (float(value) for value in gaussian.process.marginal(t))
    x = x_T().requires_grad_()
    mean, std = torch.tensor([alpha * 0.3, (alpha**2 * 0.5**2 + sigma**2) ** 0.5], dtype=torch.float64)
    law = torch.distributions.Normal(mean, std)
    (score,) = torch.autograd.grad(law.log_prob(x).sum(), x)
    found = gaussian.noise(x.detach(), torch.full((6,), t, dtype=torch.float64))
    torch.testing.assert_close(found, -sigma * score, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "t", [0.0012, 0.3004, 0.9004]
)  # within the steps of the discrete schedule, where beta is smooth
def test_flow_solves_the_probability_flow_equation(gaussian, t):
    """dx/dt = f - g^2/2 score = -beta/2 x + g^2/2 eps / sigma, Song et al. (2021), eq. 13."""
    h, beta, g2 = 1e-6, gaussian.process.beta(t), gaussian.process.squared_diffusion(t)
    slope = (gaussian.flow(x_T(), t + h) - gaussian.flow(x_T(), t - h)) / (2 * h)
    x, sigma = gaussian.flow(x_T(), t), float(gaussian.process.marginal(t)[1])
    eps = gaussian.noise(x, torch.full((6,), t, dtype=torch.float64))
    torch.testing.assert_close(slope, -beta / 2 * x + g2 / 2 * eps / sigma, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gaussian.flow(x_T(), gaussian.process.t_start), x_T(), rtol=1e-12, atol=1e-12)


def test_law_is_that_of_many_draws(gaussian):
    rng = np.random.default_rng(0)
    for t in (0.01, 0.5, gaussian.process.t_start):
        alpha, sigma = gaussian.process.marginal(t)
        drawn = alpha * rng.normal(0.3, 0.5, 200_000) + sigma * rng.normal(size=200_000)
        assert gaussian.law(t) == pytest.approx((drawn.mean(), drawn.std()), abs=0.01)
    assert gaussian.law(0) == (0.3, 0.5)
