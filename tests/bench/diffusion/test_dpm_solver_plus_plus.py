"""DPM-Solver++: order on a known Gaussian, the published algorithms written out, and diffusers' scheduler."""

import numpy as np
import pytest
import torch

from bench.diffusion import PROCESSES
from bench.diffusion.samplers import ddim, dpm_solver_pp, dpm_solver_pp_2m
from bench.diffusion.samplers.dpm_solver_fast import orders
from tests.bench.diffusion.gaussian import exact, noise_under, x_T
from tests.bench.diffusion.test_samplers import rates

BOTH = [dpm_solver_pp, dpm_solver_pp_2m]
EARLY_END = (
    0.3  # times uniform in t make steps in lambda that are far from small towards t = 0: order shows before that
)
VARIANCE_PRESERVING = ("vp", "sd")  # under flow orders show on other data: test_convergence.py has it


@pytest.mark.parametrize("process", VARIANCE_PRESERVING)
def test_singlestep_converges_with_third_order(process):
    assert min(rates(dpm_solver_pp, (32, 62, 122, 242), process, EARLY_END)) > 2.8


@pytest.mark.parametrize("process", VARIANCE_PRESERVING)
@pytest.mark.parametrize("counts", [(31, 61, 121, 241), (33, 63, 123, 243)])
def test_a_last_step_of_first_order_leaves_second(counts, process):
    assert rates(dpm_solver_pp, counts, process, EARLY_END) == pytest.approx([2, 2, 2], abs=0.05)


@pytest.mark.parametrize("process", VARIANCE_PRESERVING)
@pytest.mark.parametrize("counts", [(32, 62, 122, 242), (31, 61, 121, 241)])
def test_multistep_converges_with_second_order(counts, process):
    assert rates(dpm_solver_pp_2m, counts, process, EARLY_END) == pytest.approx([2, 2, 2], abs=0.05)


@pytest.mark.parametrize("process", PROCESSES.names())
@pytest.mark.parametrize("sampler", BOTH)
def test_constant_data_is_met_in_any_number_of_steps(sampler, process):
    """x_t = alpha_t x0 + sigma_t (x_1 - alpha_1 x0) / sigma_1: an exponential integrator has no error there."""
    sde, x0 = PROCESSES.get(process), x_T().flip(0)
    (alpha_1, sigma_1), (alpha, sigma) = sde.marginal(sde.t_start), sde.marginal(sde.t_end)

    def constant(x, t):
        alpha_t, sigma_t = (value.view(-1, 1, 1, 1) for value in sde.marginal(t))
        return (x - alpha_t * x0) / sigma_t

    for steps in (1, 2, 3, 4, 7, 20):
        found = sampler(constant, x_T(), steps=steps, sde=sde)
        torch.testing.assert_close(found, alpha * x0 + sigma * (x_T() - alpha_1 * x0) / sigma_1, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("process", PROCESSES.names())
@pytest.mark.parametrize("sampler", BOTH)
def test_one_evaluation_is_one_ddim_step(sampler, process):
    sde = PROCESSES.get(process)
    eps = noise_under(sde)
    torch.testing.assert_close(sampler(eps, x_T(), steps=1, sde=sde), ddim(eps, x_T(), steps=1, sde=sde))


@pytest.mark.parametrize("sampler", BOTH)
def test_they_ask_at_uniform_times(sampler):
    asked = []
    sampler(lambda x, t: asked.append(float(t[0])) or torch.zeros_like(x), x_T(), steps=8, sde=PROCESSES.get("sd"))
    np.testing.assert_allclose(asked, np.linspace(1, 1e-3, 9)[:-1], rtol=1e-12)


def published_singlestep(x, steps, sde, eps):
    """DPM-Solver's algorithms 1 and 2 with data prediction (Lu et al. 2022b), r1 and r2 of a grid uniform in t."""

    def values(t):
        if sde.name == "flow":
            return 1 - t, t, np.log((1 - t) / t)
        log_alpha = float(sde.log_alpha(t))
        sigma = np.sqrt(1 - np.exp(2 * log_alpha))
        return np.exp(log_alpha), sigma, log_alpha - np.log(sigma)

    def data(x, t):
        alpha, sigma, _ = values(t)
        return (x - sigma * eps(x, torch.full((len(x),), float(t), dtype=torch.float64))) / alpha

    grid, first = np.linspace(0.999 if sde.name == "flow" else 1.0, sde.t_end, steps + 1), 0
    for k in orders(steps):
        s, t = grid[first], grid[first + k]
        (_, sigma_s, lambda_s), (alpha_t, sigma_t, lambda_t) = values(s), values(t)
        h, m = lambda_t - lambda_s, data(x, s)
        base = sigma_t / sigma_s * x - alpha_t * np.expm1(-h) * m
        if k > 1:
            alpha_1, sigma_1, lambda_1 = values(grid[first + 1])
            r1 = (lambda_1 - lambda_s) / h
            m1 = data(sigma_1 / sigma_s * x - alpha_1 * np.expm1(-r1 * h) * m, grid[first + 1])
        if k == 2:
            base = base - alpha_t * np.expm1(-h) * (m1 - m) / (2 * r1)
        if k == 3:
            alpha_2, sigma_2, lambda_2 = values(grid[first + 2])
            r2 = (lambda_2 - lambda_s) / h
            u = sigma_2 / sigma_s * x - alpha_2 * np.expm1(-r2 * h) * m
            u = u + r2 / r1 * alpha_2 * (np.expm1(-r2 * h) / (r2 * h) + 1) * (m1 - m)
            base = base + alpha_t / r2 * (np.expm1(-h) / h + 1) * (data(u, grid[first + 2]) - m)
        x, first = base, first + k
    return x


@pytest.mark.parametrize("process", PROCESSES.names())
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6, 20, 50])
def test_singlestep_equals_the_published_algorithm(steps, process):
    sde = PROCESSES.get(process)
    eps = noise_under(sde)
    expected = published_singlestep(x_T(), steps, sde, eps)
    torch.testing.assert_close(dpm_solver_pp(eps, x_T(), steps=steps, sde=sde), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers under numpy 2
@pytest.mark.parametrize("steps", [9, 27])  # 999 divides by them, so that both schedules meet at whole steps
def test_multistep_equals_diffusers(steps):
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.DPMSolverMultistepScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", final_sigmas_type="sigma_min"
    )
    scheduler.set_timesteps(timesteps=[999 - i * (999 // steps) for i in range(steps)])
    sde, x = PROCESSES.get("sd"), x_T(torch.float32)
    eps, theirs = noise_under(sde), x
    for n in scheduler.timesteps:
        t = torch.full((len(x),), (float(n) + 1) / 1000)
        theirs = scheduler.step(eps(theirs, t), n, theirs).prev_sample
    ours = dpm_solver_pp_2m(eps, x, steps=steps, sde=sde)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_more_steps_come_closer_than_ddim():
    """At the paper's setting, 50 evaluations of the discrete schedule."""
    sde = PROCESSES.get("sd")
    eps, end = noise_under(sde), exact(x_T(), sde.t_end, sde)
    errors = [float((f(eps, x_T(), steps=50, sde=sde) - end).abs().max()) for f in (dpm_solver_pp, ddim)]
    assert errors[0] < errors[1] / 3
