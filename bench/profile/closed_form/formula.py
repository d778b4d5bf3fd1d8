"""What a closed form says of a network: multiply-accumulates by part, and what a training step makes of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """MACs of one image by part, and the two corrections that turn three forward passes into a training step."""

    by_part: dict[str, int]
    no_input_grad: int  # of layers that only see data, whose backward is one product instead of two
    recomputed: int  # what gradient checkpointing computes a second time

    @property
    def macs(self) -> int:
        return sum(self.by_part.values())

    def train_macs(self, *, gradient_checkpointing: bool = False) -> int:
        """Forward and backward of one image; each product of the forward has two in the backward."""
        return 3 * self.macs - self.no_input_grad + (self.recomputed if gradient_checkpointing else 0)
