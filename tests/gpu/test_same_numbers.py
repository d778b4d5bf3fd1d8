"""A CUDA GPU computes what the CPU does: networks, training steps, samplers, features and distances."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.config import TrainingConfig
from bench.diffusion.samplers import SAMPLERS
from bench.fid import load_extractor
from bench.fid.kernel import kernel_distance
from bench.machine.runtime import Runtime, resolve_runtime
from bench.random import normal, stream
from bench.sampling import sample_images
from bench.training.network import prepare_network
from bench.training.step import TrainState
from tests.bench.fid.conftest import inception_state
from tests.variants.data import CLASSES, TEXT, UNCONDITIONAL, inputs, options, small
from tests.variants.test_rivals import RIVALS, rival

pytestmark = pytest.mark.cuda

GPU, CPU = Runtime(device="cuda"), Runtime()
VARIANTS = ["uvit-micro/2", *(f"uvit-micro/2+{axis}={value}" for axis, value in options())]


def off(ours: Tensor, expected: Tensor) -> float:
    """Relative error in the Euclidean norm."""
    return float((ours.detach().cpu().double() - expected.detach().double()).norm() / expected.detach().double().norm())


def _passes(model: nn.Module, given: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The output, and all gradients of its squared distance to the input."""
    out = model(**given)
    (out - given["x"]).square().mean().backward()
    return out, torch.cat([p.grad.flatten().cpu() for p in model.parameters() if p.grad is not None])


def _same(on_cpu: nn.Module, on_gpu: nn.Module, data: dict[str, Any]) -> None:
    expected, ours = _passes(on_cpu, inputs(data)), _passes(prepare_network(on_gpu, GPU), inputs(data, device="cuda"))
    assert off(ours[0], expected[0]) < 1e-5
    assert off(ours[1], expected[1]) < 1e-4


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant(variant: str) -> None:
    _same(small(variant), small(variant), UNCONDITIONAL)


@pytest.mark.parametrize("data", [CLASSES, TEXT])
def test_conditions(data: dict[str, Any]) -> None:
    _same(small(data=data), small(data=data), data)


@pytest.mark.parametrize("family", RIVALS)
def test_every_rival(family: str) -> None:
    _same(rival(family), rival(family), UNCONDITIONAL)


def _state(runtime: Runtime, *, batch_size: int = 8, **training: Any) -> TrainState:
    runtime.apply()
    model = prepare_network(small(), runtime)
    return TrainState(model, TrainingConfig(batch_size=batch_size, lr=1e-3, warmup=2, **training), runtime)


def _batch(step: int, device: str, batch_size: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    draws = stream(step, "test")
    x0, noise = (normal(draws, (batch_size, 3, 16, 16)) for _ in range(2))
    t = torch.from_numpy(draws.random(batch_size, dtype="float32"))
    return x0.clamp(-1, 1).to(device), t.to(device), noise.to(device)


def _trained(runtime: Runtime, steps: int = 20, **training: Any) -> tuple[list[float], TrainState]:
    state = _state(runtime, **training)
    losses = [float(state.train_step(*_batch(step, runtime.device))) for step in range(steps)]
    return losses, state


def _weights(state: TrainState) -> Tensor:
    return torch.cat([p.detach().flatten().cpu() for p in state.model.parameters()])


@pytest.mark.parametrize("process", ["vp", "sd"])
@pytest.mark.parametrize("graphs", [False, True])
def test_twenty_steps_train_the_same(process: str, graphs: bool) -> None:
    expected, on_cpu = _trained(CPU, process=process)
    losses, on_gpu = _trained(dataclasses.replace(GPU, cuda_graphs=graphs), process=process)
    assert on_gpu.runtime.cuda_graphs is graphs
    assert float(on_gpu.gradient_norm) == pytest.approx(float(on_cpu.gradient_norm), rel=1e-3)
    assert losses == pytest.approx(expected, rel=1e-4)
    assert off(_weights(on_gpu), _weights(on_cpu)) < 1e-3
    averages = [torch.cat([a.flatten().cpu() for a in state.ema.averages.values()]) for state in (on_gpu, on_cpu)]
    assert off(*averages) < 1e-3


@pytest.mark.parametrize(
    "change", [{"precision": "bfloat16"}, {"attention": "plain"}, {"gradient_checkpointing": True}]
)
def test_other_paths_train_close(change: dict[str, Any]) -> None:
    expected, _ = _trained(CPU)
    losses, _ = _trained(dataclasses.replace(GPU, **change))
    assert losses == pytest.approx(expected, rel=2e-2 if "precision" in change else 1e-4)


def test_what_auto_chooses() -> None:
    runtime = resolve_runtime(device="auto")
    assert (runtime.device, runtime.attention, runtime.cuda_graphs) == ("cuda", "fused", True)
    assert runtime.precision == ("bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32")


@pytest.mark.filterwarnings("ignore:TensorFloat32 tensor cores")
def test_a_compiled_step_is_the_eager_step() -> None:
    eager, _ = _trained(GPU, steps=5)
    for graphs in (False, True):
        losses, state = _trained(dataclasses.replace(GPU, compile=True, cuda_graphs=graphs), steps=5)
        assert state.runtime.cuda_graphs is graphs
        assert losses == pytest.approx(eager, rel=1e-4)


@pytest.mark.parametrize("graphs", [False, True])
def test_a_training_step_never_waits_for_the_gpu(graphs: bool) -> None:
    state = _state(dataclasses.replace(GPU, precision="bfloat16", cuda_graphs=graphs))
    data = _batch(0, "cuda")
    for _ in range(2):
        state.train_step(*data)
    _without_waiting(lambda: [state.train_step(*data) for _ in range(3)])


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_a_sampler_never_waits_for_the_gpu(sampler: str) -> None:
    model, x = small().to("cuda").eval(), normal(stream(0, "x"), (4, 3, 16, 16)).to("cuda")
    method = SAMPLERS.get(sampler)
    noise = {"noise": lambda i: torch.ones_like(x)} if method.stochastic else {}
    with torch.no_grad():
        method(lambda x, t: model(x, 999 * t), x, steps=6, **noise)
        _without_waiting(lambda: method(lambda x, t: model(x, 999 * t), x, steps=6, **noise))


def _without_waiting(work: Any) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that torch's debug mode is a prototype
            torch.cuda.set_sync_debug_mode("error")
        work()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_network_that_cannot_be_captured_trains_without(caplog: pytest.LogCaptureFixture) -> None:
    expected, _ = _trained(GPU, steps=3)
    state = _state(dataclasses.replace(GPU, cuda_graphs=True))
    forward = state.model.forward

    def waits(x: Tensor, timesteps: Tensor) -> Tensor:
        assert float(timesteps.sum()) >= 0
        return forward(x, timesteps)

    state.model.forward = waits  # type: ignore[method-assign]
    losses = [float(state.train_step(*_batch(step, "cuda"))) for step in range(3)]
    assert losses == pytest.approx(expected, rel=1e-4)
    assert state.runtime.cuda_graphs is False
    assert "cannot be a CUDA graph" in caplog.text


def test_room_is_made_and_the_graph_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = _trained(GPU, steps=4)
    state = _state(dataclasses.replace(GPU, cuda_graphs=True))
    losses = [float(state.train_step(*_batch(step, "cuda"))) for step in range(2)]
    held = state._graph
    state.make_room()
    assert state._graph is held, "a small one stays"
    monkeypatch.setattr("bench.training.cuda_graph.LARGE", 0.0)
    state.make_room()
    assert state._graph is None
    losses += [float(state.train_step(*_batch(step, "cuda"))) for step in range(2, 4)]
    assert state._graph is not None
    assert losses == pytest.approx(expected, rel=1e-4)


def test_real_lack_of_memory_halves_the_micro_batch() -> None:
    total = torch.cuda.mem_get_info()[1]
    runtime, size = dataclasses.replace(GPU, cuda_graphs=True), 4_096
    expected = float(_state(GPU, batch_size=size).train_step(*_batch(0, "cuda", size)))
    torch.cuda.empty_cache()
    held = torch.cuda.memory_reserved()
    torch.cuda.set_per_process_memory_fraction((held + 0.9e9) / total)
    try:
        state = _state(runtime, batch_size=size)
        loss = float(state.train_step(*_batch(0, "cuda", size)))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert 1 <= state.micro_batch < size
    assert loss == pytest.approx(expected, rel=1e-5)


def test_out_of_memory_is_told_as_such() -> None:
    from bench.training.step import is_out_of_memory

    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**46, device="cuda")
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_every_sampler_draws_the_same_images(sampler: str) -> None:
    settings = {"count": 6, "shape": (3, 16, 16), "seed": 0, "sampler": sampler, "nfe": 8, "batch_size": 4}
    drawn = [
        sample_images(small().to(runtime.device).eval(), runtime=runtime, **settings).int()  # type: ignore[arg-type]
        for runtime in (CPU, GPU)
    ]
    assert drawn[0].shape == drawn[1].shape
    assert int((drawn[0] - drawn[1]).abs().max()) <= 1


def test_features_are_the_same(tmp_path: Path) -> None:
    torch.save(inception_state(), tmp_path / "inception.pth")
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (8, 3, 32, 32), dtype=np.uint8))
    for name, weights in (("effnet-lite0", None), ("inception", tmp_path / "inception.pth")):
        extracted = [load_extractor(name, device=device, weights=weights)(images) for device in ("cpu", "cuda")]
        assert off(extracted[1], extracted[0].cpu()) < 1e-3


def test_kernel_distance_is_the_same() -> None:
    draws = np.random.default_rng(0)
    x, y = (draws.standard_normal((300, 64)).astype(np.float32) for _ in range(2))
    assert kernel_distance(x, y, device="cuda") == pytest.approx(kernel_distance(x, y), rel=1e-9)
