"""A training step's forward and backward as one CUDA graph: one launch from the host instead of about a thousand.

Small networks on a fast GPU wait for the host otherwise. The kernels, and so the numbers, are those of the eager step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bench.training.gradient_norm import gradient_norm

if TYPE_CHECKING:
    from torch import nn

WARM_UP = 3  # passes before the capture, in which kernels choose and libraries allocate
LARGE = 0.25  # share of the card's memory from which a graph is let go before images are drawn


def warm_up(call: Callable[[], object]) -> None:
    """Run ``call`` a few times on a stream of its own, as a capture wants it."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            call()
    torch.cuda.current_stream().wait_stream(stream)


class GradientGraph:
    """``loss(*batch, **condition)`` and its backward, captured for tensors shaped like those given.

    Raises RuntimeError where the network cannot be captured (it waits for the device, say), torch.OutOfMemoryError
    where it does not fit. Python in the network runs at the capture alone.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[..., Tensor],
        batch: tuple[Tensor, ...],
        condition: Mapping[str, Tensor],
    ) -> None:
        self._parameters = list(model.parameters())
        self._batch = tuple(tensor.clone() for tensor in batch)
        self._condition = {name: rows.clone() for name, rows in condition.items()}
        reserved = torch.cuda.memory_reserved()
        warm_up(lambda: self._backward(loss))
        self._forget_gradients()  # those that the capture makes are written anew by each replay
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss_and_norm = self._backward(loss)
        self._gradients = [parameter.grad for parameter in self._parameters]
        self.bytes = max(0, torch.cuda.memory_reserved() - reserved)

    def takes(self, batch: tuple[Tensor, ...], condition: Mapping[str, Tensor]) -> bool:
        """Whether these tensors are shaped like the captured ones."""
        shapes = [tensor.shape for tensor in (*batch, *condition.values())]
        return condition.keys() == self._condition.keys() and shapes == [
            tensor.shape for tensor in (*self._batch, *self._condition.values())
        ]

    def replay(self, batch: tuple[Tensor, ...], condition: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The mean loss of ``batch``, detached, and the norm of its gradient, which the parameters then have."""
        for held, tensor in zip(self._batch, batch, strict=True):
            held.copy_(tensor)
        for name, rows in condition.items():
            self._condition[name].copy_(rows)
        self._graph.replay()
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            parameter.grad = gradient
        loss, norm = self._loss_and_norm.clone().unbind()
        return loss, norm

    def is_large(self) -> bool:
        """Whether it holds so much of the card that what is not training may lack memory."""
        return self.bytes > LARGE * torch.cuda.mem_get_info()[1]

    def _backward(self, loss: Callable[..., Tensor]) -> Tensor:
        self._forget_gradients()
        value = loss(*self._batch, **self._condition)
        value.backward()
        return torch.stack([value.detach(), gradient_norm(self._parameters)])

    def _forget_gradients(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None
