"""GELU in compiled bfloat16 code on a CPU is torch's within a fraction of rounding; elsewhere it is torch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from tests.variants.data import small
from variants.layers.gelu import Gelu, PolynomialGelu, cdf, slope

X = torch.linspace(-40.0, 40.0, 400_001)


def test_the_polynomials_are_the_distribution_function_and_the_slope() -> None:
    exact = X.double().requires_grad_()
    F.gelu(exact).sum().backward()
    assert (cdf(X) - torch.special.ndtr(X.double())).abs().max() < 1e-5
    assert (slope(X) - exact.grad).abs().max() < 2e-5


def test_value_and_gradient_are_torchs_rounded_to_bfloat16() -> None:
    x = X.bfloat16().unique().requires_grad_()
    activated = PolynomialGelu.apply(x)
    activated.backward(torch.full_like(x, 3.0))
    exact = x.detach().double().requires_grad_()
    F.gelu(exact).backward(torch.full_like(exact, 3.0))
    for value, wanted in ((activated, F.gelu(exact)), (x.grad, exact.grad)):
        assert value.dtype == torch.bfloat16
        spacing = torch.finfo(torch.bfloat16).eps * wanted.abs()
        assert ((value - wanted).abs() <= 0.51 * spacing + 5e-4).all()


def test_what_is_not_a_number_stays_so() -> None:
    x = torch.tensor([float("nan"), float("inf")]).bfloat16()
    assert PolynomialGelu.apply(x)[0].isnan()
    assert PolynomialGelu.apply(x)[1] == float("inf")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_only_compiled_bfloat16_takes_the_polynomials(dtype: torch.dtype, approximate: str) -> None:
    gelu, x = Gelu(approximate), X[::400].to(dtype)
    compiled = torch.compile(gelu, backend="eager")
    torchs = F.gelu(x, approximate=approximate)
    polynomial = dtype == torch.bfloat16 and approximate == "none"
    assert torch.equal(gelu(x), torchs)
    assert torch.equal(compiled(x), PolynomialGelu.apply(x) if polynomial else torchs)
    assert torch.equal(compiled(x), torchs) == (not polynomial)


def test_the_blocks_have_it() -> None:
    assert isinstance(small().in_blocks[0].mlp.act, Gelu)
