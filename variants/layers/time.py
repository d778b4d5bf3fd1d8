"""The time embedding, and the two ways in which it reaches the blocks.

B batch, L tokens, D width.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class SinusoidalEmbedding(nn.Module):
    """[cos(t·f); sin(t·f)] with frequencies f from 1 down towards 1/10000; (B,) → (B, D).

    "Attention Is All You Need", section 3.5, in the order cos, sin. The frequencies are held apart from parameters and
    buffers: they must stay float32 when the network is cast, and equal on every device. With ``inclusive`` the last
    frequency is 1/10000 itself, as in DDPM's code.
    """

    def __init__(self, dim: int, max_period: float = 10_000.0, *, inclusive: bool = False) -> None:
        super().__init__()
        self.dim = dim
        half = dim // 2
        steps = torch.arange(half, dtype=torch.float32, device="cpu")
        self._frequencies = torch.exp(-math.log(max_period) * steps / max(1, half - int(inclusive)))
        self._moved: dict[torch.device, Tensor] = {}

    def forward(self, timesteps: Tensor, dtype: torch.dtype) -> Tensor:
        exact = torch.float64 if dtype == torch.float64 else torch.float32
        angles = timesteps.to(exact)[:, None] * self._on(timesteps.device).to(exact)
        embedding = torch.cat([angles.cos(), angles.sin()], dim=-1)
        return nn.functional.pad(embedding, (0, self.dim % 2)).to(dtype)

    def move(self, device: torch.device) -> None:
        """Have the frequencies on ``device`` before the first pass: filled within a compiled one, it compiles twice."""
        self._on(device)

    def _on(self, device: torch.device) -> Tensor:
        if device.type == "cpu":
            return self._frequencies
        if device not in self._moved:
            self._moved[device] = self._frequencies.to(device)
        return self._moved[device]


class Unmodulated(nn.Module):
    """The norm's output as it is: time is a token."""

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        return h


class ScaleShift(nn.Module):
    """y_s·h + y_b with (y_s, y_b) = Linear(time); h (B, L, D), time (B, D)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.linear = nn.Linear(dim, 2 * dim)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.linear(time)[:, None].chunk(2, dim=-1)
        return scale * h + shift


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeConditioning:
    """``tokens`` time tokens (0 or 1) in the sequence; what follows each block norm; whether that norm is affine."""

    tokens: int
    affine: bool
    modulation: Callable[[], nn.Module]


def time_token() -> TimeConditioning:
    """Time as one token among the others."""
    return TimeConditioning(tokens=1, affine=True, modulation=Unmodulated)


def adaptive_norm(dim: int) -> TimeConditioning:
    """AdaLN(h, y) = y_s·LayerNorm(h) + y_b, each norm with its own Linear."""
    return TimeConditioning(tokens=0, affine=False, modulation=lambda: ScaleShift(dim))
