"""How alike the blocks of a trained network are (the paper's Figure 7): CKA between hidden states, as a record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bench.cell.identity import digest
from bench.data import to_unit
from bench.diffusion.prediction import level_at
from bench.random import block_noise, stream
from bench.trained.cka_estimator import LEAST, Matrix, MinibatchCKA
from bench.training.validation import held_out_images
from results.cka import DIGITS, CkaRecord
from results.provenance import provenance

if TYPE_CHECKING:
    from torch import Tensor

    from bench.conditions.base import Inputs
    from bench.data import Dataset, Split
    from bench.trained.trained_cell import TrainedCell


@dataclass(frozen=True, slots=True, kw_only=True)
class CkaProtocol:
    """On what CKA is measured: at each of ``times`` on the same ``images``, ``batch_size`` at once.

    The images are those of a fixed permutation and the noise is keyed by ``seed`` and the image's place, so that all
    cells see the same. Raises ValueError for numbers that make no measurement.
    """

    times: tuple[float, ...]
    images: int
    batch_size: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < LEAST:
            raise ValueError(f"--batch: expected at least {LEAST} (the unbiased estimator's), got {self.batch_size}")
        if self.images < self.batch_size:
            raise ValueError(f"--images: expected at least one minibatch of {self.batch_size}, got {self.images}")
        if not self.times or not all(0 < t < 1 for t in self.times):
            raise ValueError(f"--t: expected times between 0 and 1, such as 0.1,0.5; got {self.times}")


def block_similarity(
    cell: TrainedCell,
    dataset: Dataset,
    protocol: CkaProtocol,
    *,
    progress: Callable[[int], None] = lambda done: None,
) -> CkaRecord:
    """CKA between the hidden states after every block of ``cell``, on held-out images noised by its own process.

    Without held-out images it takes training images. Only whole minibatches count: where there are fewer images than
    asked for, the record says how many were used. Raises ValueError for fewer than one minibatch, for a network
    without ``hidden_states`` and for states that are constant or not finite.
    """
    split = dataset.held_out or dataset.train
    count = min(protocol.images, len(split)) // protocol.batch_size * protocol.batch_size
    if not count:
        raise ValueError(
            f"{split.name} has {len(split)} images, fewer than a minibatch of {protocol.batch_size}; lower --batch"
        )
    if not hasattr(cell.model, "hidden_states"):
        raise ValueError(f"{cell.variant} has no hidden_states(), so there are no blocks to compare")
    started, measured = time.monotonic(), list[MinibatchCKA]()
    for t in protocol.times:
        estimate = MinibatchCKA()
        for x, times, given in _minibatches(cell, split, protocol, count, t):
            estimate.add(_states(cell, x, times, given))
            progress(len(measured) * count + len(estimate.batches) * protocol.batch_size)
        measured.append(estimate)
    return _record(cell, dataset, split, protocol, count, measured, time.monotonic() - started)


def _minibatches(
    cell: TrainedCell, split: Split, protocol: CkaProtocol, count: int, t: float
) -> Iterator[tuple[Tensor, Tensor, Inputs]]:
    """Noisy images (B, C, H, W) as the network sees them, their times (B,) and their own conditions, on the CPU."""
    order = stream(protocol.seed, "cka_images").permutation(len(split))[:count]
    for first in range(0, count, protocol.batch_size):
        rows = order[first : first + protocol.batch_size]
        x0 = to_unit(held_out_images(split, rows, first))
        noise = block_noise(protocol.seed, "cka_noise", start=first, count=len(x0), shape=tuple(x0.shape[1:]))
        times = cell.process.training_times(torch.full((len(x0),), t))
        level = level_at(cell.process, times, x0)
        seen = cell.prediction.network_input(level, level.alpha * x0 + level.sigma * noise)
        yield seen, times, cell.condition.held_out(split, rows)


@torch.inference_mode()
def _states(cell: TrainedCell, x: Tensor, times: Tensor, given: Inputs) -> Sequence[Tensor]:
    device, hidden_states = cell.runtime.device, cell.model.hidden_states
    inputs = {name: rows.to(device) for name, rows in given.items()}
    with cell.runtime.autocast():
        states: list[Tensor] = hidden_states(  # type: ignore[operator]
            x.to(device), cell.process.network_time(times.to(device)), **inputs
        )
    return states


def _record(
    cell: TrainedCell,
    dataset: Dataset,
    split: Split,
    protocol: CkaProtocol,
    count: int,
    measured: Sequence[MinibatchCKA],
    wall_s: float,
) -> CkaRecord:
    what: dict[str, Any] = {
        "images": count,
        "batch_size": protocol.batch_size,
        "noise_seed": protocol.seed,
        "process": cell.process.name,
        "times": list(protocol.times),
    }
    named = {key: cell.identity[key] for key in ("train_id", "step", "weights")}
    return CkaRecord(
        cka_id=digest({**named, **what, "split": split.fingerprint}),
        **cell.identity,
        dataset=dataset.card,
        split=split.name,
        **what,
        maps=[_map(estimate.cka(), cell) for estimate in measured],
        errors=[_largest(estimate.standard_error()) for estimate in measured],
        provenance={**provenance(), "runtime": cell.runtime.asdict(), "wall_s": round(wall_s, 3)},
    )


def _map(cka: Matrix, cell: TrainedCell) -> list[list[float]]:
    if not np.isfinite(cka).all():
        block = int(np.argmin(np.isfinite(np.diag(cka)))) + 1
        raise ValueError(
            f"{cell.variant}: what block {block} holds is not finite, or the same for every image; its weights at "
            f"step {cell.header.step} are broken"
        )
    rows: list[Any] = cka.round(DIGITS).tolist()
    return rows


def _largest(errors: Matrix | None) -> float | None:
    return None if errors is None else round(float(errors.max()), DIGITS)
