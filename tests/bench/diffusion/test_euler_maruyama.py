"""Euler-Maruyama: the published algorithm with given noise, and the exact law of what it draws on a Gaussian."""

import math

import numpy as np
import pytest
import torch

from bench.diffusion import PROCESSES
from bench.diffusion.convergence.gaussian import Gaussian
from bench.diffusion.convergence.study import drawn_law
from bench.diffusion.samplers import SAMPLERS, euler_maruyama
from bench.random import block_noise
from tests.bench.diffusion.gaussian import MEAN, STD, noise_pred, noise_under, x_T


def published_vp(t):
    """beta(t) and the integral of beta from 0 to t: linear from 0.1 to 20 (Song et al. 2021, eq. 33)."""
    return 0.1 + t * 19.9, 0.1 * t + 19.9 * t * t / 2


def published_sd(t):
    """The same of Stable Diffusion's 1,000 steps: -log(1 - beta_n) spread evenly over the n-th thousandth of time."""
    each = -np.log1p(-(np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2))
    n = min(max(math.floor(1000 * t), 1), 999)  # whole steps before t; the first interval also serves before step 1
    return 1000 * each[n], each[:n].sum() + (1000 * t - n) * each[n]


PUBLISHED = {"vp": published_vp, "sd": published_sd}
OFF_STEPS = [
    1,
    2,
    11,
    100,
    500,
]  # counts at whose times, but for the first and last, beta of the discrete one is smooth


def published_euler_maruyama(x, steps, noises, process):
    """The discretised reverse SDE with dt < 0, written out from Song et al. (2021), eq. 6."""
    times, eps = np.append(0.0, np.linspace(1e-3, 1, steps)), noise_under(PROCESSES.get(process))
    for i in range(steps):
        t, s = times[steps - i], times[steps - i - 1]
        beta, integral = PUBLISHED[process](t)
        sigma = math.sqrt(1 - math.exp(-integral))
        score = -eps(x, torch.full((len(x),), float(t), dtype=torch.float64)) / sigma
        dt = s - t
        x = x + (-0.5 * beta * x - beta * score) * dt
        if s != 0:
            x = x + math.sqrt(beta * -dt) * noises[i]
    return x


@pytest.mark.parametrize(
    ("process", "steps"), [*(("vp", n) for n in (1, 2, 10, 100, 1000)), *(("sd", n) for n in OFF_STEPS)]
)
def test_it_follows_the_published_path(process, steps):
    noises = torch.randn((steps, *x_T().shape), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    sde = PROCESSES.get(process)
    found = euler_maruyama(noise_under(sde), x_T(), steps=steps, sde=sde, noise=lambda i: noises[i])
    torch.testing.assert_close(found, published_euler_maruyama(x_T(), steps, noises, process), rtol=1e-9, atol=1e-10)
    single = euler_maruyama(noise_under(sde), x_T(torch.float32), steps=steps, sde=sde, noise=lambda i: noises[i])
    torch.testing.assert_close(single.double(), found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("steps", [1, 2, 11, 200])
def test_under_flow_it_follows_sit_s_path(steps):
    """dx = (v - w/2 s) dt + sqrt(w) dW backwards with w = t (Ma et al. 2024); v and s from E[x0 | x_t]."""
    noises = torch.randn((steps, *x_T().shape), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x, times = x_T(), np.append(0.0, np.linspace(1e-3, 0.999, steps))
    for i in range(steps):
        t, s = times[steps - i], times[steps - i - 1]
        x0 = MEAN + (1 - t) * STD**2 / ((1 - t) ** 2 * STD**2 + t**2) * (x - (1 - t) * MEAN)
        v, score = (x - x0) / t, -(x - (1 - t) * x0) / t**2
        x = x - (v - t / 2 * score) * (t - s)
        if s != 0:
            x = x + math.sqrt(t * (t - s)) * noises[i]
    sde = PROCESSES.get("flow")
    found = euler_maruyama(noise_under(sde), x_T(), steps=steps, sde=sde, noise=lambda i: noises[i])
    torch.testing.assert_close(found, x, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("process", ["vp", "sd"])
@pytest.mark.parametrize("steps", [1, 40, 500])
def test_it_follows_the_exact_recursion_of_mean_and_variance(process, steps):
    """On the Gaussian each step is affine in x: gain, shift and noise written out, from any start."""
    sde = PROCESSES.get(process)
    times = [0.0, *np.linspace(1e-3, 1, steps)]
    mean, variance = 0.1, 2.0
    for t, s in zip(times[:0:-1], times[-2::-1], strict=True):
        beta, integral = PUBLISHED[process](t)
        spread, dt = math.exp(-integral) * STD**2 + 1 - math.exp(-integral), t - s
        gain = 1 + beta * dt / 2 - beta * dt / spread
        mean = gain * mean + beta * dt / spread * math.exp(-integral / 2) * MEAN
        variance = gain**2 * variance + (beta * dt if s > 0 else 0.0)
    gaussian = Gaussian(process=sde, mean=MEAN, std=STD)
    found = drawn_law(SAMPLERS.get("euler_maruyama"), gaussian, steps, (0.1, math.sqrt(2.0)))
    assert found == pytest.approx((mean, math.sqrt(variance)), rel=1e-9)


def test_the_law_is_that_of_many_draws():
    """Impulses against 40,000 samples with the sampler's own noise."""
    start = 0.1 + math.sqrt(2.0) * torch.randn((40_000, 1), generator=torch.Generator().manual_seed(0)).double()
    drawn = euler_maruyama(noise_pred, start, steps=20, generator=torch.Generator().manual_seed(1))
    law = drawn_law(SAMPLERS.get("euler_maruyama"), Gaussian(process=PROCESSES.get("vp")), 20, (0.1, math.sqrt(2.0)))
    assert (float(drawn.mean()), float(drawn.std())) == pytest.approx(law, abs=0.01)


@pytest.mark.parametrize("process", ["vp", "sd"])
def test_mean_and_spread_converge_with_first_order(process):
    """To what the exact reverse SDE gives at 1e-3, taken through the same last jump: which a single step is."""
    entry, gaussian, counts = (
        SAMPLERS.get("euler_maruyama"),
        Gaussian(process=PROCESSES.get(process)),
        (61, 121, 241, 481),
    )
    limit = drawn_law(entry, gaussian, 1, gaussian.law(1e-3))
    assert limit == pytest.approx((MEAN, STD), abs=1e-3)
    errors = np.array([np.subtract(drawn_law(entry, gaussian, n, gaussian.law(1.0)), limit) for n in counts])
    orders = -np.diff(np.log(np.abs(errors)), axis=0) / np.diff(np.log(counts))[:, None]
    np.testing.assert_allclose(orders, 1, atol=0.12)


def test_the_last_jump_adds_no_noise():
    drawn = []
    euler_maruyama(noise_pred, x_T(), steps=7, noise=lambda i: drawn.append(i) or torch.zeros_like(x_T()))
    assert drawn == list(range(6))


def residuals(**options):
    """4,096 draws from one start, standardised: what differs between them is their noise alone."""
    drawn = euler_maruyama(noise_pred, torch.zeros(4096, 1, dtype=torch.float64), steps=20, **options).flatten()
    return (drawn - drawn.mean()) / drawn.std(correction=0)


def test_two_calls_draw_noise_of_their_own():
    torch.manual_seed(0)
    first, second = residuals(), residuals()
    assert abs(float((first * second).mean())) < 0.08  # five standard errors of a correlation of 0


def test_noise_repeats_with_equal_generators_and_goes_on_with_one():
    one, other = (torch.Generator().manual_seed(5) for _ in range(2))
    state = torch.get_rng_state()
    first = residuals(generator=one)
    assert torch.equal(first, residuals(generator=other))
    assert abs(float((first * residuals(generator=one)).mean())) < 0.08
    assert torch.equal(state, torch.get_rng_state())


def test_given_noise_and_a_seed_s_table_are_what_cells_draw():
    first = euler_maruyama(noise_pred, x_T(), steps=5, seed=3)
    assert torch.equal(first, euler_maruyama(noise_pred, x_T(), steps=5, seed=3))
    assert not torch.equal(first, euler_maruyama(noise_pred, x_T(), steps=5, seed=4))
    table = [block_noise(3, "sample_step", start=0, count=6, shape=(2, 3, 3), step=i) for i in range(4)]
    assert torch.equal(first, euler_maruyama(noise_pred, x_T(), steps=5, noise=table.__getitem__))
    # the batch size changes nothing
    torch.testing.assert_close(euler_maruyama(noise_pred, x_T()[:2], steps=5, seed=3), first[:2])


@pytest.mark.parametrize(
    "two",
    [{"noise": torch.ones, "seed": 0}, {"generator": torch.Generator(), "seed": 0}],
    ids=lambda two: "-".join(two),
)
def test_noise_is_named_once(two):
    with pytest.raises(ValueError, match="at most one of noise, generator and seed"):
        euler_maruyama(noise_pred, x_T(), steps=2, **two)
