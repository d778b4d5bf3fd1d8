"""The training step: loss, schedule, EMA, accumulation."""

import dataclasses
import math
from typing import Any

import pytest
import torch

from bench.config import TrainingConfig
from bench.diffusion import VPSDE, SDSchedule
from bench.machine.runtime import Runtime, resolve_runtime
from bench.random import normal, stream
from bench.training import make_step
from bench.training.ema import Ema, ema_decay_at
from bench.training.network import prepare_network
from bench.training.objective import learning_rate
from bench.training.step import TrainState, is_out_of_memory
from variants import create_model

VARIANT = "uvit-micro/4"


def _state(*, batch_size: int = 8, precision: str = "float32", **training: Any) -> TrainState:
    model = create_model(VARIANT, image_size=16, channels=3)
    return TrainState(model, TrainingConfig(batch_size=batch_size, **training), Runtime(precision=precision))


def _data(batch_size: int = 8) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draws = stream(0, "test")
    x0, noise = normal(draws, (batch_size, 3, 16, 16)).clamp(-1, 1), normal(draws, (batch_size, 3, 16, 16))
    return x0, torch.from_numpy(draws.random(batch_size, dtype="float32")), noise


def test_the_loss_is_the_noise_prediction_error() -> None:
    state, (x0, t, noise) = _state(), _data()
    alpha, sigma = VPSDE().marginal(t)
    x_t = alpha.view(-1, 1, 1, 1) * x0 + sigma.view(-1, 1, 1, 1) * noise
    expected = (state.model(x_t, 999 * t) - noise).square().mean()
    assert torch.allclose(state.loss(x0, t, noise), expected, atol=1e-6)


def test_the_discrete_process_trains_at_its_steps() -> None:
    model = create_model(VARIANT, image_size=16, channels=3)
    state = TrainState(model, TrainingConfig(batch_size=8, process="sd"), Runtime())
    asked: list[torch.Tensor] = []
    model.register_forward_pre_hook(lambda module, inputs: asked.append(inputs[1]))
    x0, t, noise = _data()
    loss = state.loss(x0, t, noise)
    assert torch.allclose(asked[0], torch.floor(1000 * t) + 1, atol=1e-3)
    alpha, sigma = SDSchedule().marginal((torch.floor(1000 * t) + 1) / 1000)
    x_t = alpha.view(-1, 1, 1, 1) * x0 + sigma.view(-1, 1, 1, 1) * noise
    assert torch.allclose(loss, (model(x_t, torch.floor(1000 * t) + 1) - noise).square().mean(), atol=1e-5)


def test_warm_up_is_linear_and_then_constant() -> None:
    rates = [learning_rate(step, lr=1.0, warmup=4) for step in range(6)]
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert learning_rate(0, lr=1.0, warmup=0) == 1.0


def test_the_rate_cools_down_linearly_over_the_last_share_of_the_steps() -> None:
    rates = [learning_rate(step, lr=2.0, warmup=2, cooldown=0.4, steps=10) for step in range(10)]
    assert rates == pytest.approx([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.5, 1.0, 0.5])
    assert learning_rate(10, lr=2.0, warmup=2, cooldown=0.4, steps=10) == 0
    whole = [learning_rate(step, lr=1.0, warmup=0, cooldown=1.0, steps=4) for step in range(4)]
    assert whole == [1.0, 0.75, 0.5, 0.25]
    constant = [learning_rate(step, lr=0.3, warmup=2, cooldown=0.0, steps=10) for step in range(10)]
    assert constant == [learning_rate(step, lr=0.3, warmup=2) for step in range(10)]


def test_a_training_takes_the_cooled_rate() -> None:
    state, data = _state(lr=1e-3, warmup=0, steps=4, cooldown=0.5), _data()
    rates = []
    for _ in range(4):
        state.train_step(*data)
        rates.append(state.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 5e-4])


def test_the_norm_is_of_the_whole_gradient_before_the_optimiser_s_step() -> None:
    state, (x0, t, noise) = _state(lr=1e-3, warmup=0), _data()
    for _ in range(2):
        expected = torch.autograd.grad(state.loss(x0, t, noise), list(state.model.parameters()))
        state.train_step(x0, t, noise)
        assert state.gradient_norm.shape == () and not state.gradient_norm.requires_grad
        assert float(state.gradient_norm) == pytest.approx(
            sum(float(each.double().square().sum()) for each in expected) ** 0.5, rel=1e-5
        )


def test_micro_batches_have_the_norm_of_the_global_batch() -> None:
    whole, parts = _state(), _state()
    parts.micro_batch = 3
    for state in (whole, parts):
        state.train_step(*_data())
    assert float(parts.gradient_norm) == pytest.approx(float(whole.gradient_norm), rel=1e-5)


def test_steps_lower_the_loss() -> None:
    state, data = _state(lr=2e-3, warmup=0), _data()
    losses = [float(state.train_step(*data)) for _ in range(12)]
    assert state.step == 12
    assert losses[-1] < losses[0]


def test_ema_follows_its_formula_and_swaps_in_and_out() -> None:
    assert [ema_decay_at(k, 0.999) for k in (0, 1, 90)] == [0.1, 2 / 11, 0.91]
    assert ema_decay_at(10**6, 0.999) == 0.999
    model = torch.nn.Linear(2, 2)
    ema, start = Ema(model, ema_decay=0.999), model.weight.detach().clone()
    with torch.no_grad():
        model.weight += 1
    ema.update(0)
    expected = 0.1 * start + 0.9 * (start + 1)
    assert torch.allclose(ema.averages["weight"], expected)
    with ema.swapped_in():
        assert torch.equal(model.weight, ema.averages["weight"])
    assert torch.equal(model.weight, start + 1)


def test_a_smaller_micro_batch_gives_the_same_step() -> None:
    whole, parts, data = _state(lr=1e-3), _state(lr=1e-3), _data()
    parts.micro_batch = 3
    for _ in range(3):
        losses = whole.train_step(*data), parts.train_step(*data)
        assert math.isclose(float(losses[0]), float(losses[1]), rel_tol=1e-5)
    for a, b in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-5)


def test_out_of_memory_halves_the_micro_batch_and_repeats_the_step() -> None:
    state, calm, data = _state(lr=1e-3), _state(lr=1e-3), _data()
    forward, seen = state.model.forward, []

    def limited(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        seen.append(len(x))
        if len(x) > 2:
            raise torch.OutOfMemoryError("no room")
        return forward(x, *rest)

    state.model.forward = limited  # type: ignore[method-assign]
    loss, expected = state.train_step(*data), calm.train_step(*data)
    assert seen == [8, 4, 2, 2, 2, 2]
    assert state.micro_batch == 2
    assert math.isclose(float(loss), float(expected), rel_tol=1e-5)


def test_out_of_memory_with_one_image_is_raised() -> None:
    state = _state(batch_size=2)

    def never(*inputs: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room")

    state.model.forward = never  # type: ignore[method-assign]
    with pytest.raises(torch.OutOfMemoryError):
        state.train_step(*_data(2))


def test_what_counts_as_out_of_memory() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA"))
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"))
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(ValueError("a caption said: out of memory"))


def test_bfloat16_keeps_float32_weights_and_a_close_loss() -> None:
    exact, fast, data = _state(lr=1e-3), _state(lr=1e-3, precision="bfloat16"), _data()
    for _ in range(5):
        losses = float(exact.train_step(*data)), float(fast.train_step(*data))
    assert all(p.dtype == torch.float32 for p in fast.model.parameters())
    assert all(a.dtype == torch.float32 for a in fast.ema.averages.values())
    assert abs(losses[0] - losses[1]) < 0.01 * losses[0]


def test_make_step_trains() -> None:
    step = make_step(VARIANT, image_size=16, channels=3, batch_size=4, device="cpu")
    losses = [float(step()) for _ in range(4)]
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[0] != losses[-1]


def test_make_step_refuses_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="device 'tpu' is not on this machine"):
        make_step(VARIANT, image_size=16, channels=3, batch_size=4, device="tpu")
    with pytest.raises(ValueError, match="uvit-mikro"):
        make_step("uvit-mikro/4", image_size=16, channels=3, batch_size=4)


def test_gradient_checkpointing_changes_no_number() -> None:
    plain = _state(lr=1e-3)
    saving = TrainState(
        prepare_network(create_model(VARIANT, image_size=16, channels=3), Runtime(gradient_checkpointing=True)),
        TrainingConfig(batch_size=8, lr=1e-3),
        Runtime(gradient_checkpointing=True),
    )
    runs: list[torch.nn.Module] = []
    saving.model.mid_block.register_forward_pre_hook(lambda module, inputs: runs.append(module))
    data = _data()
    for _ in range(2):
        assert float(plain.train_step(*data)) == float(saving.train_step(*data))
    assert len(runs) == 4, "once forward and once more in the backward pass"
    for a, b in zip(plain.model.parameters(), saving.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_gradient_checkpointing_of_a_network_without_it_is_refused() -> None:
    with pytest.raises(ValueError, match="Linear has no gradient checkpointing; leave --gradient-checkpointing out"):
        prepare_network(torch.nn.Linear(1, 1), Runtime(gradient_checkpointing=True))


def test_make_step_takes_classes_and_checkpointing() -> None:
    options = {"image_size": 16, "channels": 3, "batch_size": 4, "precision": "float32"}
    plain = make_step(VARIANT, **options)  # type: ignore[arg-type]
    labelled = make_step(VARIANT, num_classes=3, gradient_checkpointing=True, **options)  # type: ignore[arg-type]
    assert math.isfinite(float(labelled()))
    assert float(plain()) != float(labelled())


def test_a_graph_that_was_asked_for_elsewhere_is_none_here() -> None:
    runtime = Runtime(cuda_graphs=True)  # as a checkpoint from a GPU has it
    state = TrainState(create_model(VARIANT, image_size=16, channels=3), TrainingConfig(batch_size=8), runtime)
    assert state.runtime == Runtime()
    assert math.isfinite(float(state.train_step(*_data())))
    with pytest.raises(ValueError, match="--cuda-graphs needs a CUDA GPU, and the device is cpu; leave it out"):
        resolve_runtime(device="cpu", cuda_graphs=True)
    assert not resolve_runtime(device="cpu").cuda_graphs


class Uncapturable:
    """In the place of a CUDA graph where there is no GPU; tests/gpu has the real one."""

    def __init__(self, *inputs: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")


class TooLarge:
    def __init__(self, *inputs: object) -> None:
        raise torch.OutOfMemoryError("no room")


def _graphed_state() -> TrainState:
    state = _state(lr=1e-3)
    state.runtime = dataclasses.replace(state.runtime, cuda_graphs=True)
    return state


def test_a_step_that_cannot_be_captured_runs_eagerly_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bench.training.step.GradientGraph", Uncapturable)
    state, plain, data = _graphed_state(), _state(lr=1e-3), _data()
    for _ in range(2):
        assert float(state.train_step(*data)) == float(plain.train_step(*data))
    assert not state.runtime.cuda_graphs
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "runs without: operation not permitted" in caplog.text


def test_a_graph_that_does_not_fit_gives_way_to_smaller_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.training.step.GradientGraph", TooLarge)
    state, plain, data = _graphed_state(), _state(lr=1e-3), _data()
    losses = [float(one.train_step(*data)) for one in (state, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert state.micro_batch == 4
