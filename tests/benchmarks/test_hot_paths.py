"""Where the time goes: run with ``--benchmark-json`` to save, compare with ``python -m bench.profile.regression``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from bench.diffusion.samplers import dpm_solver
from bench.fid import frechet_distance, load_extractor
from bench.training import make_step
from variants import build, create_model, resolve

pytestmark = pytest.mark.bench

VARIANT, IMAGES = "uvit-nano/4", {"image_size": 32, "channels": 3}


def timed(benchmark: BenchmarkFixture, call: Callable[..., Any], *arguments: Any) -> Any:
    """Enough rounds to tell noise by, and the first, slow ones outside."""
    return benchmark.pedantic(call, arguments, rounds=20, warmup_rounds=3)


def test_block_forward(benchmark: BenchmarkFixture) -> None:
    model = build(resolve(VARIANT, **IMAGES)).eval()
    h, time = torch.randn(16, 65, 128), torch.randn(16, 128)
    with torch.inference_mode():
        out = timed(benchmark, model.get_submodule("mid_block"), h, time)
    assert out.shape == h.shape


def test_training_step(benchmark: BenchmarkFixture) -> None:
    step = make_step(VARIANT, **IMAGES, batch_size=16, device="cpu")
    assert timed(benchmark, step).isfinite()


def test_sampler_step(benchmark: BenchmarkFixture) -> None:
    model = create_model(VARIANT, **IMAGES).eval()
    x = torch.randn(16, 3, 32, 32)
    out = timed(benchmark, lambda: dpm_solver(lambda x, t: model(x, 999 * t), x, steps=1))
    assert out.shape == x.shape


def test_frechet_distance(benchmark: BenchmarkFixture) -> None:
    draws = np.random.default_rng(0)
    a, b = (draws.standard_normal((512, 256)) for _ in range(2))
    moments = [moment for x in (a, b) for moment in (x.mean(0), np.cov(x, rowvar=False))]
    assert timed(benchmark, frechet_distance, *moments) > 0


def test_feature_extraction(benchmark: BenchmarkFixture) -> None:
    extractor = load_extractor("effnet-lite0")
    images = torch.randint(0, 256, (16, 3, 32, 32), dtype=torch.uint8)
    assert len(timed(benchmark, extractor, images)) == 16
