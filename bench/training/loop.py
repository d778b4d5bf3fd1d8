"""The training loop: steps on batches, points of the loss curve, a checkpoint when one is due."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from bench.sampling import NotFinite

if TYPE_CHECKING:
    from bench.training.batches import Batch
    from bench.training.step import TrainState

LOSS_POINTS = 200
Tell = Callable[..., None]  # (step, loss=…, imgs_per_s=…)


@dataclass(slots=True, kw_only=True)
class TrainingLog:
    """What a training has left so far: its mean losses by step, and its seconds without evaluations and checkpoints."""

    losses: list[dict[str, float]] = field(default_factory=list)
    train_s: float = 0.0


def train(
    state: TrainState,
    batches: Iterable[Batch],
    *,
    stop: int,
    log: TrainingLog,
    tell: Tell,
    checkpoint_is_due: Callable[[], bool],
    save_checkpoint: Callable[[], None],
) -> None:
    """Train ``state`` on ``batches``, which end with step ``stop``.

    Each point of ``log.losses`` is the mean of the losses since the last one. Only there does the host wait for the
    device. Raises NotFinite when a loss is not a finite number.
    """
    interval = max(1, state.config.steps // LOSS_POINTS)
    total, steps = torch.zeros((), device=state.runtime.device), 0
    started = last_point = time.monotonic()
    for batch in batches:
        total += state.train_step(batch.x0, batch.t, batch.noise, **batch.condition)
        steps += 1
        if state.step % interval and state.step != stop:
            continue
        loss, now = float(total) / steps, time.monotonic()
        if not math.isfinite(loss):
            raise NotFinite(f"the training loss was {loss} at step {state.step}")
        log.losses.append({"step": state.step, "loss": loss})
        images_per_s = steps * state.config.batch_size / max(now - last_point, 1e-9)
        tell(state.step, loss=loss, imgs_per_s=images_per_s)
        total, steps, last_point = torch.zeros_like(total), 0, now
        if state.step < stop and checkpoint_is_due():
            log.train_s += now - started
            save_checkpoint()
            started = time.monotonic()
    log.train_s += time.monotonic() - started
