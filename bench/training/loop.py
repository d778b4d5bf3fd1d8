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
Tell = Callable[..., None]  # (step, loss=…, grad_norm=…, imgs_per_s=…)


@dataclass(slots=True, kw_only=True)
class TrainingLog:
    """What a training has left so far: points of its losses, and its seconds without evaluations and checkpoints.

    A point has ``step`` and the means over the steps since the last one: ``loss``, and ``grad_norm``, the L2 norm of
    the gradient of the global batch before the optimiser's step, where that was a finite number.
    """

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

    Only at a point of ``log.losses`` does the host wait for the device. Raises NotFinite when a loss is not a finite
    number.
    """
    interval = max(1, state.config.steps // LOSS_POINTS)
    total, steps = torch.zeros((), device=state.runtime.device), 0
    norms = torch.zeros_like(total)
    started = last_point = time.monotonic()
    for batch in batches:
        total += state.train_step(batch.x0, batch.t, batch.noise, **batch.condition)
        norms += state.gradient_norm
        steps += 1
        if state.step % interval and state.step != stop:
            continue
        loss, norm = (value / steps for value in torch.stack([total, norms]).tolist())
        now = time.monotonic()
        if not math.isfinite(loss):
            raise NotFinite(f"the training loss was {loss} at step {state.step}")
        point = {"loss": loss} | ({"grad_norm": norm} if math.isfinite(norm) else {})
        log.losses.append({"step": state.step, **point})
        images_per_s = steps * state.config.batch_size / max(now - last_point, 1e-9)
        tell(state.step, **point, imgs_per_s=images_per_s)
        total, norms, steps, last_point = torch.zeros_like(total), torch.zeros_like(norms), 0, now
        if state.step < stop and checkpoint_is_due():
            log.train_s += now - started
            save_checkpoint()
            started = time.monotonic()
    log.train_s += time.monotonic() - started
