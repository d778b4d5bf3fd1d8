import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from bench.diffusion import PROCESSES, VPSDE
from bench.diffusion.samplers import SAMPLERS, ddim, dpm_solver, dpm_solver_pp, dpm_solver_pp_2m
from bench.diffusion.samplers.dpm_solver_fast import orders
from tests.bench.diffusion.gaussian import exact, noise_pred, noise_under, x_T

COUNTS = (1, 2, 3, 4, 5, 6, 7, 10, 20, 50)


def rates(sampler, counts, process="vp", t_end=None):
    """Observed orders of convergence between successive counts, in float64."""
    sde = PROCESSES.get(process)
    t_end = t_end or sde.t_end
    end, eps = exact(x_T(), t_end, sde), noise_under(sde)
    errors = [float((sampler(eps, x_T(), steps=n, sde=sde, t_end=t_end) - end).abs().max()) for n in counts]
    pairs = zip(counts[:-1], counts[1:], errors[:-1], errors[1:], strict=True)
    return [math.log(e1 / e2) / math.log(n2 / n1) for n1, n2, e1, e2 in pairs]


# -- every registered sampler -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLERS.names())
@pytest.mark.parametrize("steps", COUNTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_network_is_asked_exactly_steps_times_with_times_in_its_dtype(name, steps, dtype):
    asked = []

    def counted(x, t):
        assert x.shape == (6, 2, 3, 3) and x.dtype == dtype
        assert t.shape == (6,) and t.dtype == dtype and t.unique().numel() == 1
        asked.append(float(t[0]))
        return noise_pred(x, t)

    x = SAMPLERS.get(name)(counted, x_T(dtype), steps=steps)
    assert x.shape == (6, 2, 3, 3) and x.dtype == dtype and torch.isfinite(x).all()
    assert len(asked) == steps
    assert all(0 < t <= 1 for t in asked) and asked == sorted(asked, reverse=True)


@pytest.mark.parametrize("name", SAMPLERS.names())
@pytest.mark.parametrize("steps", [0, -3, 2.5, None])
def test_fewer_than_one_evaluation_is_refused(name, steps):
    with pytest.raises(ValueError, match="steps must be"):
        SAMPLERS.get(name)(noise_pred, x_T(), steps=steps)


@pytest.mark.parametrize("sampler", [dpm_solver, dpm_solver_pp, dpm_solver_pp_2m, ddim])
@pytest.mark.parametrize("t_end", [0.0, 1.0, -1.0, float("nan")])
def test_an_end_outside_the_process_is_refused(sampler, t_end):
    with pytest.raises(ValueError, match="t_end"):
        sampler(noise_pred, x_T(), steps=3, t_end=t_end)


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_images_of_a_batch_do_not_meet_and_no_graph_is_kept(name):
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    options = {"noise": lambda i: torch.ones_like(x_T())[:1]} if SAMPLERS.get(name).stochastic else {}
    whole = SAMPLERS.get(name)(lambda x, t: weight * noise_pred(x, t), x_T(), steps=5, **options)
    alone = SAMPLERS.get(name)(noise_pred, x_T()[2:3], steps=5, **options)
    assert not whole.requires_grad
    torch.testing.assert_close(whole[2:3], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_the_input_is_left_as_it_was(name):
    start = x_T()
    SAMPLERS.get(name)(noise_pred, start, steps=4)
    assert torch.equal(start, x_T())


@pytest.mark.parametrize("process", PROCESSES.names())
@pytest.mark.parametrize("name", SAMPLERS.names())
def test_float32_stays_close_to_float64(name, process):
    sde = PROCESSES.get(process)
    options = {"noise": lambda i: x_T().roll(i)} if SAMPLERS.get(name).stochastic else {}
    single = SAMPLERS.get(name)(noise_under(sde), x_T(torch.float32), steps=50, sde=sde, **options)
    double = SAMPLERS.get(name)(noise_under(sde), x_T(), steps=50, sde=sde, **options)
    tolerance = 1e-5 if process == "vp" else 1e-4
    torch.testing.assert_close(single.double(), double, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_cards_say_what_a_sampler_is(name):
    entry = SAMPLERS.get(name)
    assert entry.card["sampler"] == entry.name == name
    assert "arXiv" in entry.card["source"] and entry.card["stochastic"] is entry.stochastic
    asked = []
    entry(lambda x, t: asked.append(t) or torch.zeros_like(x), x_T())
    assert len(asked) == entry.default_nfe


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_another_process_is_used(name):
    method = SAMPLERS.get(name)
    options = {"noise": lambda i: x_T().roll(i)} if method.stochastic else {}
    usual = method(noise_pred, x_T(), steps=4, **options)
    for sde in (VPSDE(0.1, 10.0), PROCESSES.get("sd")):
        assert not torch.equal(method(noise_pred, x_T(), steps=4, sde=sde, **options), usual)


@pytest.mark.parametrize("name", [name for name in SAMPLERS.names() if not SAMPLERS.get(name).stochastic])
def test_samplers_end_where_the_process_does(name):
    """With noise that is always zero, x_t / alpha_t never changes: alpha at the end shows where that was."""
    for sde in map(PROCESSES.get, PROCESSES.names()):
        x = SAMPLERS.get(name)(lambda x, t: torch.zeros_like(x), x_T(), steps=7, sde=sde)
        expected = x_T() * sde.marginal(sde.t_end)[0] / sde.marginal(sde.t_start)[0]
        torch.testing.assert_close(x, expected, rtol=1e-9, atol=0)


def test_an_unknown_sampler_names_the_nearest():
    with pytest.raises(ValueError, match="dpm_solver"):
        SAMPLERS.get("dpm_slover")


def test_listing_samplers_imports_no_torch():
    code = (
        "import sys; from bench.diffusion.samplers import SAMPLERS; SAMPLERS.names(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- DPM-Solver-fast --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (1, [1]),
        (2, [2]),
        (3, [2, 1]),
        (4, [3, 1]),
        (5, [3, 2]),
        (6, [3, 2, 1]),
        (10, [3, 3, 3, 1]),
        (50, [3] * 16 + [2]),
    ],
)
def test_orders_use_up_the_evaluations(steps, expected):
    assert orders(steps) == expected
    assert sum(expected) == steps and len(expected) == steps // 3 + 1


@pytest.mark.parametrize("counts", [(32, 62, 122, 242), (31, 61, 121, 241), (33, 63, 123, 243)])
def test_dpm_solver_converges_with_third_order(counts):
    """Whichever lower-order steps use up the evaluations: they come last, where little noise is left to be wrong."""
    assert min(rates(dpm_solver, counts)) > 2.9


def test_dpm_solver_converges_with_third_order_on_the_discrete_schedule_too():
    """It ends at 1/N, with more noise left: where the last step is of first order, its one error is of second."""
    assert min(rates(dpm_solver, (32, 62, 122, 242), "sd")) > 2.9
    assert min(rates(dpm_solver, (31, 61, 121, 241), "sd")) > 1.95


def test_dpm_solver_is_exact_for_constant_noise_in_any_number_of_steps():
    """x_t = alpha_t (x_1 - sigma_1 eps) / alpha_1 + sigma_t eps: an exponential integrator has no error there."""
    (alpha_1, sigma_1), (alpha, sigma) = VPSDE().marginal(1.0), VPSDE().marginal(1e-4)
    eps = x_T().flip(0)
    expected = alpha * (x_T() - sigma_1 * eps) / alpha_1 + sigma * eps
    for sampler in (dpm_solver, ddim):
        for steps in COUNTS:
            found = sampler(lambda x, t: eps, x_T(), steps=steps)
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_one_evaluation_is_one_ddim_step():
    torch.testing.assert_close(dpm_solver(noise_pred, x_T(), steps=1), ddim(noise_pred, x_T(), steps=1))


def published_dpm_solver(x, steps):
    """Algorithms 1 and 2 of Lu et al. (2022), written out from the paper, independently of our coefficients."""
    b0, b1 = 0.1, 20.0

    def log_alpha(t):
        return -(t**2) * (b1 - b0) / 4 - t * b0 / 2

    def sigma(t):
        return np.sqrt(1 - np.exp(2 * log_alpha(t)))

    def lam(t):
        return log_alpha(t) - np.log(sigma(t))

    def time(value):
        top = 2 * (b1 - b0) * np.logaddexp(-2 * value, 0.0)
        return top / (np.sqrt(b0**2 + top) + b0) / (b1 - b0)

    def eps(x, t):
        return noise_pred(x, torch.full((len(x),), float(t), dtype=torch.float64))

    whole, rest = steps // 3 + 1, steps % 3
    plan = {0: [3] * (whole - 2) + [2, 1], 1: [3] * (whole - 1) + [1], 2: [3] * (whole - 1) + [2]}[rest]
    grid = time(np.linspace(lam(1.0), lam(1e-4), whole + 1))
    for k, s, t in zip(plan, grid[:-1], grid[1:], strict=True):
        h = lam(t) - lam(s)
        ratio = np.exp(log_alpha(t) - log_alpha(s))
        e = eps(x, s)
        if k == 1:
            x = ratio * x - sigma(t) * np.expm1(h) * e
            continue
        r1, r2 = (1 / 2, None) if k == 2 else (1 / 3, 2 / 3)
        s1 = time(lam(s) + r1 * h)
        u1 = np.exp(log_alpha(s1) - log_alpha(s)) * x - sigma(s1) * np.expm1(r1 * h) * e
        d1 = eps(u1, s1) - e
        if k == 2:
            x = ratio * x - sigma(t) * np.expm1(h) * e - sigma(t) / (2 * r1) * np.expm1(h) * d1
            continue
        s2 = time(lam(s) + r2 * h)
        u2 = np.exp(log_alpha(s2) - log_alpha(s)) * x - sigma(s2) * np.expm1(r2 * h) * e
        u2 = u2 - sigma(s2) * r2 / r1 * (np.expm1(r2 * h) / (r2 * h) - 1) * d1
        d2 = eps(u2, s2) - e
        x = ratio * x - sigma(t) * np.expm1(h) * e - sigma(t) / r2 * (np.expm1(h) / h - 1) * d2
    return x


@pytest.mark.parametrize("steps", COUNTS)
def test_dpm_solver_equals_the_published_algorithm(steps):
    torch.testing.assert_close(
        dpm_solver(noise_pred, x_T(), steps=steps), published_dpm_solver(x_T(), steps), rtol=1e-10, atol=1e-10
    )


# -- DDIM -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", PROCESSES.names())
def test_ddim_converges_to_the_exact_flow_with_first_order(process):
    assert rates(ddim, (100, 200, 400, 800), process) == pytest.approx([1, 1, 1], abs=0.05)


def test_ddim_asks_at_uniform_times():
    asked = []
    ddim(lambda x, t: asked.append(float(t[0])) or torch.zeros_like(x), x_T(), steps=5)
    np.testing.assert_allclose(asked, np.linspace(1, 1e-4, 6)[:-1])
