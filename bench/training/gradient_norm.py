"""The length of a step's gradient: what the optimiser is about to be given."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def gradient_norm(parameters: Iterable[Tensor]) -> Tensor:
    """The L2 norm of all gradients together, a scalar on their device; the host does not wait for it.

    As `torch.nn.utils.get_total_norm` for gradients on one device; a parameter without a gradient counts for nothing.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
