"""The training step against the official one on a CUDA GPU; figures of docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from bench.training import make_step
from tests.benchmarks.conftest import Note
from tests.benchmarks.interleaved import Work, interleave
from tests.benchmarks.official import official_step
from variants import resolve

pytestmark = [pytest.mark.cuda, pytest.mark.bench, pytest.mark.timeout(600)]

SIDES = {
    "float32": {"precision": "float32", "cuda_graphs": False},
    "float32, graph": {"precision": "float32"},
    "bfloat16": {"cuda_graphs": False},
    "bfloat16, graph": {},
    "bfloat16, compiled": {"compile": True, "cuda_graphs": False},
    "bfloat16, compiled, graph": {"compile": True},
}


STEPS = {"uvit-micro-deep/4": 10, "uvit-nano/4": 10, "uvit-s/2": 1}  # a round


def _finished(step: Callable[[], object], *, steps: int, exact: bool) -> Work:
    """``steps`` steps to their end, with TF32 only where the suite has it."""

    def work() -> None:
        torch.set_float32_matmul_precision("highest" if exact else "high")
        for _ in range(steps):
            step()
        torch.cuda.synchronize()

    return work


@pytest.mark.parametrize(("preset", "batch_size"), [("uvit-micro-deep/4", 32), ("uvit-nano/4", 128), ("uvit-s/2", 128)])
def test_step(preset: str, batch_size: int, note: Note) -> None:
    config, steps = resolve(preset, image_size=32, channels=3), STEPS[preset]
    sides = {"official": _finished(official_step(config, batch_size, "cuda"), steps=steps, exact=True)}
    for name, options in SIDES.items():
        step = make_step(preset, image_size=32, channels=3, batch_size=batch_size, device="cuda", **options)  # type: ignore[arg-type]
        sides[name] = _finished(step, steps=steps, exact="float32" in name)
    rounds = interleave(sides, rounds=10, warm_up=3)
    for name in SIDES:
        slow, fast = (1e3 * rounds.median(side) / steps for side in ("official", name))
        detail = f"{slow:.2f} / {fast:.2f} ms a step"
        note(f"step {preset}@{batch_size}, {name}", rounds.ratio("official", name), detail=detail)
