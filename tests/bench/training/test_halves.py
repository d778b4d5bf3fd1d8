"""A batch in two halves side by side: the gradients of the whole, each half in a thread with half of the cores."""

import dataclasses
import threading
import time
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from bench.config import TrainingConfig
from bench.machine.runtime import Runtime, resolve_runtime
from bench.random import normal, stream
from bench.training.halves import Halves, may_run_side_by_side
from bench.training.step import TrainState, _can_halve
from tests.variants.data import SMALL, options
from variants import create_model

RIVALS = ("genvit/4", "unet-cifar10", "dit-s/4")
HALVES = Runtime(threads=2, halves=True)


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def _state(runtime: Runtime, batch_size: int = 65) -> TrainState:
    model = create_model("uvit-micro/4+depth=3", image_size=8, channels=3, num_classes=10)
    return TrainState(model, TrainingConfig(batch_size=batch_size, lr=1e-3, warmup=0), runtime)


def _data(size: int = 65) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    draws = stream(0, "test")
    x0, noise = normal(draws, (size, 3, 8, 8)).clamp(-1, 1), normal(draws, (size, 3, 8, 8))
    return x0, torch.from_numpy(draws.random(size, dtype="float32")), noise, torch.arange(size) % 10


def test_a_step_in_halves_is_the_step_of_the_whole() -> None:
    whole, halves = _state(Runtime(threads=2)), _state(HALVES)
    x0, t, noise, y = _data()
    sizes: list[int] = []
    halves.model.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    for _ in range(3):
        losses = whole.train_step(x0, t, noise, y=y), halves.train_step(x0, t, noise, y=y)
        assert float(losses[1]) == pytest.approx(float(losses[0]), rel=1e-5)
        assert not losses[1].requires_grad
        assert float(halves.gradient_norm) == pytest.approx(float(whole.gradient_norm), rel=1e-4)
    assert sorted(sizes) == [32, 32, 32, 33, 33, 33]
    for a, b in zip(whole.model.parameters(), halves.model.parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert b.grad.stride() == b.stride()
        assert torch.allclose(a.grad, b.grad, rtol=1e-4, atol=1e-6)
        assert torch.allclose(a, b, atol=2e-5)


def test_each_half_has_a_thread_and_half_of_the_cores() -> None:
    state, seen = _state(dataclasses.replace(HALVES, threads=4)), list[tuple[int, int]]()
    both = threading.Barrier(2, timeout=60)  # passes only if the halves run at once

    def note(*of_the_call: object) -> None:
        both.wait()
        seen.append((threading.get_ident(), torch.get_num_threads()))

    state.model.register_forward_pre_hook(note)
    torch.set_num_threads(4)
    x0, t, noise, y = _data()
    state.train_step(x0, t, noise, y=y)
    assert len({thread for thread, _ in seen} | {threading.get_ident()}) == 3
    assert [threads for _, threads in seen] == [2, 2]
    assert torch.get_num_threads() == 4


@pytest.mark.parametrize(
    ("change", "batch_size", "halved"),
    [
        ({}, 64, True),
        ({"threads": 6}, 64, True),
        ({"precision": "bfloat16"}, 64, True),
        ({}, 63, False),
        ({"threads": 1}, 64, False),
        ({"threads": 3}, 64, False),
        ({"halves": False}, 64, False),
        ({"device": "cuda"}, 64, False),
        ({"compile": True}, 64, False),
        ({"gradient_checkpointing": True}, 64, False),
    ],
)
def test_where_a_batch_is_halved(change: dict[str, object], batch_size: int, halved: bool) -> None:
    runtime = dataclasses.replace(HALVES, **change)  # type: ignore[arg-type]
    assert _can_halve(runtime, batch_size) == halved


def test_what_ran_is_told() -> None:
    assert resolve_runtime(device="cpu", threads=2).halves
    assert _state(HALVES).runtime.halves
    assert not _state(HALVES, batch_size=8).runtime.halves
    assert not Runtime.from_mapping({"threads": 2}).halves, "a grid begun before there were halves goes on without"


def test_halves_are_the_same_bits_again() -> None:
    one, other = _state(HALVES), _state(HALVES)
    x0, t, noise, y = _data()
    for state in (one, other, one, other, one, other):
        state.train_step(x0, t, noise, y=y)
    for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_plugins_network_runs_alone() -> None:
    model = create_model("uvit-micro/4+depth=3", image_size=8, channels=3)
    assert TrainState(model, TrainingConfig(batch_size=64), HALVES).runtime.halves
    model.in_blocks[0].mlp.act = _Odd()
    assert not TrainState(model, TrainingConfig(batch_size=64), HALVES).runtime.halves


@pytest.mark.parametrize("spec", [*(f"{SMALL}+{axis}={option}" for axis, option in options()), *RIVALS])
def test_a_pass_keeps_nothing_in_the_modules(spec: str) -> None:
    model = create_model(spec, image_size=16, channels=3)
    assert may_run_side_by_side(model)

    def held() -> list[object]:
        attributes = [{key: id(value) for key, value in vars(module).items()} for module in model.modules()]
        return [*attributes, *((name, id(buffer), buffer._version) for name, buffer in model.named_buffers())]

    before = held()
    model(torch.zeros(2, 3, 16, 16), torch.ones(2))
    assert held() == before


def test_out_of_memory_in_one_half_ends_both_and_goes_on_in_parts() -> None:
    state, calm = _state(HALVES), _state(Runtime(threads=2))
    forward, running, at_the_retry = state.model.forward, [0], []

    def limited(x: Tensor, *rest: Tensor, **more: Tensor) -> Tensor:
        if threading.current_thread() is threading.main_thread():
            at_the_retry.append(running[0])
        if len(x) == 32:
            raise torch.OutOfMemoryError("no room")
        running[0] += 1
        time.sleep(0.2)
        predicted = forward(x, *rest, **more)
        running[0] -= 1
        return predicted

    state.model.forward = limited  # type: ignore[method-assign]
    x0, t, noise, y = _data()
    loss, expected = state.train_step(x0, t, noise, y=y), calm.train_step(x0, t, noise, y=y)
    assert at_the_retry[0] == 0, "the other half had ended"
    assert state.micro_batch == 17
    assert not state.runtime.halves
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


class _Odd(nn.Module):
    """A frozen weight, one that is not used, one for large times only, and two that get one and the same gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)
        self.unused, self.late, self.a, self.b = (nn.Parameter(torch.ones(3)) for _ in range(4))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h = x + self.frozen + (self.a + self.b)
        return h + self.late if t[0] > 0.5 else h


def test_weights_without_a_gradient_and_with_a_shared_one() -> None:
    model, x, t = _Odd(), torch.ones(4, 3), torch.tensor([0.0, 0.0, 1.0, 1.0])
    halves = Halves(model, lambda x, t: model(x, t).mean(dim=0).sum(), threads=2)
    for _ in range(2):  # a second call replaces
        assert float(halves.gradients((x, t), {})) == pytest.approx(3 * (4 + 5) / 2)
        assert model.frozen.grad is None
        assert model.unused.grad is None
        assert torch.equal(model.late.grad, torch.full((3,), 0.5))
        assert torch.equal(model.a.grad, torch.ones(3))
        assert torch.equal(model.b.grad, torch.ones(3))
        assert model.a.grad.data_ptr() != model.b.grad.data_ptr()
