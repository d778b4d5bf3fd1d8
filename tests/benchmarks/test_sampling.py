"""Sampling against the official network in float32 eager under the same solver: 500 images, 50 evaluations.

Each side with its own settings of the allocator; ours gives back what it kept.
"""

from __future__ import annotations

from functools import partial

import pytest
import torch

from bench.diffusion.samplers import dpm_solver
from bench.machine.attention_kernel import with_measured_attention
from bench.machine.runtime import resolve_runtime
from bench.random import block_noise
from bench.sampling import sample_images
from bench.training.network import prepare_network
from tests.benchmarks.conftest import Note
from tests.benchmarks.interleaved import interleave
from tests.benchmarks.official import Official, with_default_memory, with_kept_memory
from variants import build, resolve

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1_200)]

COUNT, SHAPE = 500, (3, 32, 32)


@pytest.mark.parametrize("preset", ["uvit-nano/4", "uvit-micro/4"])
def test_sampling(preset: str, note: Note) -> None:
    config = resolve(preset, image_size=32, channels=3)
    network, runtime = Official(config).eval(), resolve_runtime(device="cpu", threads=2)
    runtime.apply()
    runtime = with_measured_attention(runtime, [config])
    model = prepare_network(build(config), runtime).eval()

    @torch.inference_mode()
    def official() -> None:
        x = block_noise(0, "sample", start=0, count=COUNT, shape=SHAPE)
        dpm_solver(lambda x, t: network(x, 999 * t), x, steps=50)

    sides = {
        "official": with_default_memory(official, config, COUNT),
        **{
            str(batch): with_kept_memory(
                partial(
                    sample_images,
                    model,
                    count=COUNT,
                    shape=SHAPE,
                    seed=0,
                    sampler="dpm_solver",
                    nfe=50,
                    runtime=runtime,
                    batch_size=batch,
                )
            )
            for batch in (128, 512)
        },
    }
    rounds = interleave(sides, rounds=2, warm_up=0)
    for batch in ("128", "512"):
        detail = f"{rounds.median('official'):.1f} / {rounds.median(batch):.1f} s"
        target = 2.2 if batch == "512" else None
        note(f"sampling {preset}, batch {batch}", rounds.ratio("official", batch), target=target, detail=detail)
