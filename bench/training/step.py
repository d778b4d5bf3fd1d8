"""One training step: gradients of the loss (as CUDA graph, in halves or in micro-batches), AdamW, EMA."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bench.machine.compilation import compiled
from bench.machine.runtime import Runtime
from bench.training.cuda_graph import GradientGraph
from bench.training.ema import Ema
from bench.training.gradient_norm import gradient_norm
from bench.training.halves import SMALLEST, Halves, may_run_side_by_side, share_of_loss
from bench.training.objective import Objective, learning_rate

if TYPE_CHECKING:
    from bench.config import TrainingConfig

log = logging.getLogger("uvit")
LossAndNorm = tuple[Tensor, Tensor]  # of a global batch: its mean loss, and the L2 norm of its gradient


class TrainState:
    """A model, its optimiser and its EMA after ``step`` steps.

    ``network`` is what a step calls: the model, or the same weights compiled. ``runtime`` is how its steps really run.
    ``gradient_norm`` is the L2 norm of the last step's whole gradient, a scalar on the device.
    """

    def __init__(self, model: nn.Module, config: TrainingConfig, runtime: Runtime) -> None:
        halves = _can_halve(runtime, config.batch_size) and may_run_side_by_side(model)
        runtime = dataclasses.replace(runtime, cuda_graphs=_can_capture(runtime), halves=halves)
        self.model, self.config, self.runtime, self.step = model, config, runtime, 0
        self.network = compiled(model) if runtime.compile else model
        self.objective = Objective.of(config)
        self.ema = Ema(model, ema_decay=config.ema_decay)
        self.micro_batch = config.batch_size
        self.gradient_norm = torch.zeros((), device=runtime.device)
        self._parameters = list(model.parameters())
        self._graph: GradientGraph | None = None
        self._halves = Halves(model, self.loss, threads=runtime.threads) if halves else None
        fused = torch.device(runtime.device).type in ("cpu", "cuda")
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=config.lr, betas=config.betas, weight_decay=config.weight_decay, fused=fused
        )

    def loss(self, x0: Tensor, t: Tensor, noise: Tensor, **condition: Tensor) -> Tensor:
        """`Objective.loss` of the network as a step calls it; ``t`` uniform in [0, 1)."""
        return self.objective.loss(self.network, self.runtime, x0, t, noise, **condition)

    def train_step(self, x0: Tensor, t: Tensor, noise: Tensor, **condition: Tensor) -> Tensor:
        """One step on a global batch; returns its mean loss, detached, on the device.

        Out of memory halves the micro-batch and repeats the step: gradients accumulate to the same global batch, so the
        experiment does not change. Raises torch.OutOfMemoryError when a single image does not fit.
        """
        config = self.config
        rate = learning_rate(
            self.step, lr=config.lr, warmup=config.warmup, cooldown=config.cooldown, steps=config.steps
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss, self.gradient_norm = self._gradients(x0, t, noise, condition)
        self.optimizer.step()
        self.ema.update(self.step)
        self.step += 1
        return loss

    def warm_up(self, x0: Tensor, **condition: Tensor) -> None:
        """Forward and backward on images like ``x0``, and nothing learned: what compiles, compiles here."""
        t = torch.full((len(x0),), 0.5, device=x0.device)
        self._gradients(x0, t, torch.zeros_like(x0), condition)
        self.optimizer.zero_grad(set_to_none=True)

    def _gradients(self, x0: Tensor, t: Tensor, noise: Tensor, condition: Mapping[str, Tensor]) -> LossAndNorm:
        while True:
            try:
                if self.runtime.cuda_graphs and self.micro_batch >= len(x0):
                    return self._replay((x0, t, noise), condition)
                if self._halves is not None:
                    loss = self._halves.gradients((x0, t, noise), condition)
                    return loss, gradient_norm(self._parameters)
                return self._accumulate(x0, t, noise, condition)
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or self.micro_batch == 1:
                    raise
            self.micro_batch = (self.micro_batch + 1) // 2
            self._graph = self._halves = None
            self.runtime = dataclasses.replace(self.runtime, halves=False)
            if torch.device(self.runtime.device).type == "cuda":
                torch.cuda.empty_cache()

    def _replay(self, batch: tuple[Tensor, Tensor, Tensor], condition: Mapping[str, Tensor]) -> LossAndNorm:
        """The same as `_accumulate` of a whole batch, captured at the first; eager from then on where it cannot be."""
        if self._graph is None or not self._graph.takes(batch, condition):
            self._graph = None  # its memory first
            try:
                self._graph = GradientGraph(self.model, self.loss, batch, condition)
            except RuntimeError as error:
                if is_out_of_memory(error):
                    raise
                reason = " ".join(str(error).split())[:200]
                log.warning("the training step cannot be a CUDA graph and runs without: %s", reason)
                self.runtime = dataclasses.replace(self.runtime, cuda_graphs=False)
                return self._accumulate(*batch, condition=condition)
        return self._graph.replay(batch, condition)

    def make_room(self) -> None:
        """Let go of a large graph's memory, for what comes between steps; the next step captures it again."""
        if self._graph is not None and self._graph.is_large():
            self._graph = None
            self.optimizer.zero_grad(set_to_none=True)
            torch.cuda.empty_cache()

    def _accumulate(self, x0: Tensor, t: Tensor, noise: Tensor, condition: Mapping[str, Tensor]) -> LossAndNorm:
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=x0.device)
        for first in range(0, len(x0), self.micro_batch):
            part = slice(first, min(first + self.micro_batch, len(x0)))
            loss = share_of_loss(self.loss, (x0, t, noise), condition, part)
            loss.backward()
            total += loss.detach()
        return total, gradient_norm(self._parameters)


def _can_capture(runtime: Runtime) -> bool:
    """Checkpointing asks for the state of random numbers in its passes, which a capture forbids."""
    on_cuda = torch.device(runtime.device).type == "cuda"
    return runtime.cuda_graphs and on_cuda and not runtime.gradient_checkpointing


def _can_halve(runtime: Runtime, batch_size: int) -> bool:
    """Compiled code has its number of threads in it; checkpointing is asked for where memory is short."""
    shared = runtime.device.startswith("cpu") and runtime.threads >= 2 and runtime.threads % 2 == 0
    one_pass = runtime.compile or runtime.gradient_checkpointing
    return runtime.halves and shared and batch_size >= SMALLEST and not one_pass


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` is out of memory: torch's own, the CPU allocator's, or what CUDA, cuBLAS and MPS say of it."""
    told = ("DefaultCPUAllocator", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in told)
    )
