"""``--compile``: the same numbers to rounding, one compilation a shape, and a clear word where it cannot be."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench.config import TrainingConfig
from bench.machine.compilation import check_compiler
from bench.machine.runtime import Runtime
from bench.random import normal, stream
from bench.training.network import prepare_network
from bench.training.step import TrainState
from variants import create_model

EAGER = Runtime(precision="bfloat16", attention="plain")


def _state(runtime: Runtime, seed: int = 0) -> TrainState:
    model = create_model("uvit-micro/4+depth=3", image_size=16, channels=3, seed=seed)
    return TrainState(prepare_network(model, runtime), TrainingConfig(batch_size=8, lr=1e-3, warmup=0), runtime)


def _data() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draws = stream(0, "test")
    x0, noise = normal(draws, (8, 3, 16, 16)).clamp(-1, 1), normal(draws, (8, 3, 16, 16))
    return x0, torch.from_numpy(draws.random(8, dtype="float32")), noise


@pytest.mark.timeout(280)
def test_a_compiled_step_is_the_eager_step_and_is_compiled_once() -> None:
    runtime = dataclasses.replace(EAGER, compile=True)
    runtime.apply()
    eager, compiled, data = _state(EAGER), _state(runtime), _data()
    before = [p.detach().clone() for p in compiled.model.parameters()]
    compiled.warm_up(data[0])
    assert all(torch.equal(a, b) for a, b in zip(before, compiled.model.parameters(), strict=True))
    assert all(p.grad is None for p in compiled.model.parameters())
    for _ in range(5):
        losses = float(eager.train_step(*data)), float(compiled.train_step(*data))
        assert losses[1] == pytest.approx(losses[0], rel=2e-3)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert graphs >= 1
    other = _state(runtime, seed=1)
    other.train_step(*data)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == graphs, "a cell of the same shape compiles nothing"
    state_keys = dict(compiled.model.named_parameters()).keys()
    assert state_keys == dict(eager.model.named_parameters()).keys()


def test_what_cannot_be_compiled_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    check_compiler("cuda:0")
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ValueError, match=r"needs a C\+\+ compiler, and 'no-such-compiler' is not here"):
        check_compiler("cpu")
    with pytest.raises(ValueError, match="works on cpu and cuda, not on mps"):
        check_compiler("mps")


def test_compiled_code_is_kept_under_the_cache(tmp_path: Path) -> None:
    code = (
        "import os; from bench.machine.runtime import Runtime; Runtime().apply(); "
        "print(os.environ['TORCHINDUCTOR_CACHE_DIR'])"
    )
    plain = {k: v for k, v in os.environ.items() if k != "TORCHINDUCTOR_CACHE_DIR"} | {"UVIT_CACHE": str(tmp_path)}
    for environment, expected in (
        (plain, tmp_path / "inductor"),
        (plain | {"TORCHINDUCTOR_CACHE_DIR": "/mine"}, Path("/mine")),
    ):
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert Path(done.stdout.strip()) == expected
