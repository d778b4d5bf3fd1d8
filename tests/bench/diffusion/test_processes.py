"""Every registered process keeps what samplers rely on; the discrete schedule equals its published definition."""

import numpy as np
import pytest
import torch

from bench.diffusion import PROCESSES, RectifiedFlow, SDSchedule
from bench.diffusion.sd_schedule import N, log_alphas

TIMES = np.array([0.0005, 0.001, 0.0015, 0.25, 0.5004, 0.9984, 0.999])
VARIANCE_PRESERVING = ("vp", "sd")


@pytest.fixture(params=PROCESSES.names())
def process(request: pytest.FixtureRequest):
    return PROCESSES.get(request.param)


def test_lambda_is_the_log_of_alpha_over_sigma_and_falls(process):
    alpha, sigma = process.marginal(TIMES)
    assert (np.diff(process.log_snr_half(TIMES)) < 0).all()
    np.testing.assert_allclose(process.log_snr_half(TIMES), np.log(alpha / sigma), rtol=1e-9)
    np.testing.assert_allclose(process.log_alpha(TIMES), np.log(alpha), rtol=1e-9)


@pytest.mark.parametrize("name", VARIANCE_PRESERVING)
def test_variance_is_preserved(name):
    alpha, sigma = PROCESSES.get(name).marginal(np.append(TIMES, 1.0))
    np.testing.assert_allclose(alpha**2 + sigma**2, 1, rtol=1e-13)


def test_the_flow_is_a_straight_line_whose_velocity_is_its_slope():
    flow = RectifiedFlow()
    alpha, sigma = flow.marginal(TIMES)
    np.testing.assert_allclose(alpha + sigma, 1, rtol=1e-13)
    np.testing.assert_array_equal(sigma, TIMES)
    assert flow.velocity(alpha, sigma) == (-1, 1)
    assert flow.marginal(1.0) == (0, 1) and flow.t_start == 0.999


def test_velocities_have_determinant_one(process):
    alpha, sigma = process.marginal(TIMES)
    a, b = process.velocity(alpha, sigma)
    np.testing.assert_allclose(alpha * b - sigma * a, 1, rtol=1e-13)


def test_diffusion_is_that_of_the_marginals(process):
    """d sigma^2 / dt = -beta sigma^2 + g^2, by differences; the reverse SDE has some noise of its own."""
    inside, h = np.array([0.00125, 0.20025, 0.70075]), 1e-6
    growth = (process.marginal(inside + h)[1] ** 2 - process.marginal(inside - h)[1] ** 2) / (2 * h)
    expected = growth + process.beta(inside) * process.marginal(inside)[1] ** 2
    np.testing.assert_allclose(process.squared_diffusion(inside), expected, rtol=1e-5)
    assert (process.reverse_squared_diffusion(TIMES) > 0).all()


def test_inverse_lambda_inverts(process):
    np.testing.assert_allclose(process.inverse_lambda(process.log_snr_half(TIMES)), TIMES, rtol=1e-9)
    tensor = torch.from_numpy(TIMES)
    torch.testing.assert_close(process.inverse_lambda(process.log_snr_half(tensor)), tensor, rtol=1e-9, atol=1e-12)


def test_beta_is_the_slope_of_log_alpha(process):
    inside, h = np.array([0.00125, 0.20025, 0.70075]), 1e-5  # away from the steps, where the slope jumps
    slope = (process.log_alpha(inside + h) - process.log_alpha(inside - h)) / (2 * h)
    np.testing.assert_allclose(process.beta(inside), -2 * slope, rtol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_floats_arrays_and_tensors_agree(process, dtype):
    tensor = torch.tensor(TIMES, dtype=dtype)
    tolerance = {"rtol": 1e-4 if dtype == torch.float32 else 1e-13, "atol": 0}
    for name in ("log_alpha", "beta", "squared_diffusion", "network_time", "log_snr_half"):
        function = getattr(process, name)
        found = function(tensor)
        assert found.dtype == dtype
        if (
            name not in ("beta", "squared_diffusion") or dtype == torch.float64
        ):  # in float32 a time may fall on the other side of a step
            torch.testing.assert_close(found.double(), torch.from_numpy(function(TIMES)), **tolerance)
        assert isinstance(function(0.5), float)
        assert function(0.5) == pytest.approx(float(function(np.array([0.5]))[0]), rel=1e-14)


def test_training_times_are_times_of_the_process(process):
    u = torch.tensor([0.0, 0.1234, 0.5, 1 - 2**-24])
    t = process.training_times(u)
    assert t.dtype == torch.float32
    assert ((t >= 0) & (t <= 1)).all()
    assert (t.diff() > 0).all()


def test_processes_say_what_they_are(process):
    assert 0 < process.t_end < process.t_start <= 1
    assert process.about
    assert PROCESSES.get(process.name) is process


def test_an_unknown_process_names_the_known_ones():
    with pytest.raises(ValueError, match="vp"):
        PROCESSES.get("vpp")


# -- the discrete schedule --------------------------------------------------------------------------------------------


def test_the_discrete_schedule_is_stable_diffusions():
    """A product over steps, written out; and diffusers' own table, in float32 as it computes it."""
    diffusers = pytest.importorskip("diffusers")
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    np.testing.assert_allclose(np.exp(2 * log_alphas()), np.cumprod(1 - betas), rtol=1e-11)
    theirs = diffusers.DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    np.testing.assert_allclose(np.exp(2 * log_alphas()), theirs.alphas_cumprod.numpy(), rtol=1e-4)
    assert betas[0] == pytest.approx(0.00085)
    assert betas[-1] == pytest.approx(0.012)


def test_steps_are_hit_exactly_and_log_alpha_is_linear_between_them():
    sd, steps = SDSchedule(), np.arange(1, N + 1)
    np.testing.assert_allclose(sd.log_alpha(steps / N), log_alphas(), rtol=1e-10)
    middles = (steps[:-1] + 0.5) / N
    np.testing.assert_allclose(sd.log_alpha(middles), (log_alphas()[:-1] + log_alphas()[1:]) / 2, rtol=1e-10)
    slope = log_alphas()[1] - log_alphas()[0]
    assert sd.log_alpha(0.5 / N) == pytest.approx(log_alphas()[0] - slope / 2, rel=1e-12)


def test_training_draws_each_step_equally_often():
    u = (torch.arange(20_000, dtype=torch.float32) + 0.5) / 20_000
    steps = SDSchedule().network_time(SDSchedule().training_times(u)).round().long()
    assert torch.equal(steps.bincount()[1:], torch.full((N,), 20))
    assert int(SDSchedule().network_time(SDSchedule().training_times(torch.tensor(1 - 2**-24)))) == N
