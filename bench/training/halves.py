"""A batch's gradient in two halves side by side on a CPU, each in a thread with half of the cores.

Threads that share a pass wait for each other after every operator, and for whichever the machine held up; two passes
meet once a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch import nn

SMALLEST = 64  # images of a batch from which halves pay; smaller ones wait for Python, which runs one thread at a time


def may_run_side_by_side(model: nn.Module) -> bool:
    """Whether every module is torch's or of `variants`, whose passes keep nothing in the module; a plugin's might."""
    return all(type(module).__module__.partition(".")[0] in ("torch", "variants") for module in model.modules())


def share_of_loss(
    loss: Callable[..., Tensor], batch: tuple[Tensor, ...], condition: Mapping[str, Tensor], part: slice
) -> Tensor:
    """What the rows ``part`` add to ``loss(*batch, **condition)``, a mean over images; the parts' sum is the whole."""
    rows = {name: value[part] for name, value in condition.items()}
    return loss(*(tensor[part] for tensor in batch), **rows) * ((part.stop - part.start) / len(batch[0]))


class Halves:
    """``loss(x0, t, noise, **condition)``, a mean over images, and the gradients of ``model`` for it."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor], *, threads: int) -> None:
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._loss = loss
        self._pool = ThreadPoolExecutor(2, "halves", initializer=torch.set_num_threads, initargs=(threads // 2,))

    def gradients(self, batch: tuple[Tensor, ...], condition: Mapping[str, Tensor]) -> Tensor:
        """The mean loss of ``batch``, detached; the parameters' gradients are its. Raises what a half raised."""
        middle, size = len(batch[0]) // 2, len(batch[0])
        parts = (slice(0, middle), slice(middle, size))
        running = [self._pool.submit(self._part, batch, condition, part) for part in parts]
        wait(running)
        (loss, gradients), (other_loss, others) = (one.result() for one in running)
        for parameter, *of_both in zip(self._parameters, gradients, others, strict=True):
            parameter.grad = None
            for gradient in of_both:
                _accumulate(parameter, gradient)
        return loss + other_loss

    def _part(
        self, batch: tuple[Tensor, ...], condition: Mapping[str, Tensor], part: slice
    ) -> tuple[Tensor, tuple[Tensor | None, ...]]:
        loss = share_of_loss(self._loss, batch, condition, part)
        return loss.detach(), torch.autograd.grad(loss, self._parameters, allow_unused=True)


def _accumulate(parameter: Tensor, gradient: Tensor | None) -> None:
    """Add to ``parameter.grad``, which has its own memory, laid out like the parameter, as the optimiser needs it."""
    if gradient is None:
        return
    if parameter.grad is None:
        parameter.grad = torch.empty_like(parameter).copy_(gradient)
    else:
        parameter.grad += gradient
