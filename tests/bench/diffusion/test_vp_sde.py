import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.diffusion import VPSDE

times = st.floats(1e-5, 1.0)


@given(times)
def test_marginal_is_the_integral_of_beta_and_preserves_variance(t):
    sde = VPSDE()
    alpha, sigma = sde.marginal(t)
    integral = 0.1 * t + 19.9 * t**2 / 2
    assert alpha == pytest.approx(math.exp(-integral / 2), rel=1e-13)
    assert alpha**2 + sigma**2 == pytest.approx(1, rel=1e-13)
    assert sde.log_snr_half(t) == pytest.approx(math.log(alpha / sigma), rel=1e-11, abs=1e-12)


@given(times)
def test_inverse_lambda_undoes_log_snr_half(t):
    assert VPSDE().inverse_lambda(VPSDE().log_snr_half(t)) == pytest.approx(t, rel=1e-9)


@given(times)
def test_drift_and_diffusion_are_those_of_the_marginal(t):
    """d log alpha / dt = f / x, and d sigma^2/dt = 2 (f / x) sigma^2 + g^2 (Song et al. 2021, appendix)."""
    sde, h = VPSDE(), 1e-6 * t
    d_log_alpha = (sde.log_alpha(t + h) - sde.log_alpha(t - h)) / (2 * h)
    d_variance = (sde.marginal(t + h)[1] ** 2 - sde.marginal(t - h)[1] ** 2) / (2 * h)
    assert sde.drift(1.0, t) == pytest.approx(d_log_alpha, rel=1e-5)
    assert d_variance == pytest.approx(
        2 * sde.drift(1.0, t) * sde.marginal(t)[1] ** 2 + sde.diffusion(t) ** 2, rel=1e-5
    )


def test_the_paper_s_end_points():
    sde = VPSDE()
    assert (sde.beta(0.0), sde.beta(1.0)) == (0.1, 20.0)
    assert sde.marginal(0.0) == (1.0, 0.0)
    assert sde.network_time(1.0) == 999


@pytest.mark.parametrize("method", ["beta", "log_alpha", "log_snr_half", "network_time", "diffusion"])
def test_floats_arrays_and_tensors_agree_and_keep_their_kind(method):
    t = np.linspace(0.01, 1, 7)
    function = getattr(VPSDE(), method)
    assert isinstance(function(t), np.ndarray)
    np.testing.assert_allclose(function(t), [function(float(one)) for one in t], rtol=1e-14)
    for dtype, rtol in ((torch.float64, 1e-13), (torch.float32, 2e-5)):
        tensor = function(torch.from_numpy(t).to(dtype))
        assert tensor.dtype == dtype
        np.testing.assert_allclose(tensor.numpy(), function(t), rtol=rtol)


def test_sigma_keeps_its_digits_near_zero_in_float32():
    """1 - exp(-1e-5) formed naively would be off by half a percent."""
    _, sigma = VPSDE().marginal(torch.tensor(1e-4))
    assert float(sigma) == pytest.approx(VPSDE().marginal(1e-4)[1], rel=1e-6)


@pytest.mark.parametrize("betas", [(0.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (0.1, math.inf)])
def test_impossible_betas_are_refused(betas):
    with pytest.raises(ValueError, match="beta_min <= beta_max"):
        VPSDE(*betas)
