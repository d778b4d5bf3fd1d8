"""The loop: which steps leave a point of the loss curve, what a point is, and when a checkpoint is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from bench.config import TrainingConfig
from bench.machine.runtime import Runtime
from bench.random import normal, stream
from bench.sampling import NotFinite
from bench.training.batches import Batch
from bench.training.loop import TrainingLog, train
from bench.training.network import prepare_network
from bench.training.step import TrainState
from variants import create_model


def _state(steps: int) -> TrainState:
    runtime = Runtime(threads=1)
    model = prepare_network(create_model("uvit-micro/4", image_size=8, channels=1), runtime)
    return TrainState(model, TrainingConfig(steps=steps, batch_size=2, lr=1e-3, warmup=2), runtime)


def _batches(steps: range, *, scale: float = 1.0) -> Iterator[Batch]:
    for step in steps:
        draws = stream(0, "data", step)
        x0, noise = (scale * normal(draws, (2, 1, 8, 8)) for _ in range(2))
        yield Batch(x0=x0, t=torch.full((2,), 0.5), noise=noise, condition={})


def _train(state: TrainState, log: TrainingLog, stop: int, *, due: bool = False, **more: Any) -> dict[str, list[int]]:
    """Train to ``stop``; the steps at which something was told, and those at which a checkpoint was saved."""
    told, saved = list[int](), list[int]()
    train(
        state,
        _batches(range(state.step, stop), **more),
        stop=stop,
        log=log,
        tell=lambda step, **point: told.append(step),
        checkpoint_is_due=lambda: due,
        save_checkpoint=lambda: saved.append(state.step),
    )
    return {"told": told, "saved": saved}


def test_a_point_is_the_mean_loss_and_gradient_norm_since_the_last_one() -> None:
    log, single = TrainingLog(), _state(600)
    losses, norms = list[float](), list[float]()
    for b in _batches(range(7)):
        losses.append(float(single.train_step(b.x0, b.t, b.noise)))
        norms.append(float(single.gradient_norm))
    happened = _train(_state(600), log, 7)
    assert happened["told"] == [point["step"] for point in log.losses] == [3, 6, 7], "every 200th part, and the stop"
    for name, values in (("loss", losses), ("grad_norm", norms)):
        means = [sum(part) / len(part) for part in (values[:3], values[3:6], values[6:])]
        assert [point[name] for point in log.losses] == pytest.approx(means, rel=1e-6)


def test_a_norm_that_is_no_number_leaves_the_point_without_it() -> None:
    log, state = TrainingLog(), _state(200)
    step = state.train_step

    def too_long(*data: torch.Tensor) -> torch.Tensor:
        loss = step(*data)
        state.gradient_norm = torch.tensor(torch.inf)
        return loss

    state.train_step = too_long  # type: ignore[method-assign, assignment]
    _train(state, log, 1)
    assert [sorted(point) for point in log.losses] == [["loss", "step"]]


def test_a_log_goes_on_where_it_stopped() -> None:
    log, state = TrainingLog(losses=[{"step": 0, "loss": 9.0}], train_s=100.0), _state(200)
    _train(state, log, 2)
    _train(state, log, 4)
    assert [point["step"] for point in log.losses] == [0, 1, 2, 3, 4]
    assert log.train_s > 100


def test_a_checkpoint_that_is_due_is_saved_at_points_before_the_stop() -> None:
    assert _train(_state(600), TrainingLog(), 7, due=True)["saved"] == [3, 6], "who called saves what follows the stop"
    assert _train(_state(600), TrainingLog(), 7)["saved"] == []


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    log = TrainingLog()
    with pytest.raises(NotFinite, match=r"the training loss was (nan|inf) at step 1"):
        _train(_state(200), log, 2, scale=float("inf"))
    assert log.losses == []
