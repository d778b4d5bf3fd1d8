"""Exponential moving average of the weights, in float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def ema_decay_at(step: int, ema_decay: float) -> float:
    """Decay of step ``step`` (from 0): min(ema_decay, (1 + k) / (10 + k)), so short runs are not mostly their start."""
    return min(ema_decay, (1 + step) / (10 + step))


class Ema:
    """The averaged copy of a model's parameters, by name."""

    def __init__(self, model: nn.Module, *, ema_decay: float) -> None:
        self.ema_decay = ema_decay
        self.averages: dict[str, Tensor] = {name: p.detach().clone() for name, p in model.named_parameters()}
        self._live = [p for _, p in model.named_parameters()]

    def update(self, step: int) -> None:
        """averages <- decay * averages + (1 - decay) * parameters, one fused pass over all tensors."""
        from torch.optim.swa_utils import get_ema_multi_avg_fn

        averages, live = list(self.averages.values()), [p.detach() for p in self._live]
        get_ema_multi_avg_fn(ema_decay_at(step, self.ema_decay))(averages, live, None)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Within the block the model's parameters are the averages; afterwards themselves again, bit for bit."""
        held = [p.data for p in self._live]
        try:
            for parameter, average in zip(self._live, self.averages.values(), strict=True):
                parameter.data = average
            yield
        finally:
            for parameter, data in zip(self._live, held, strict=True):
                parameter.data = data
