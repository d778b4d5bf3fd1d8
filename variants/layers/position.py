"""Position embeddings: (B, L, D) → (B, L, D), the extra tokens (label, time, context) ahead of the patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LearnedPositions(nn.Module):
    """One learned row for every token."""

    def __init__(self, tokens: int, dim: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(1, tokens, dim))

    def forward(self, h: Tensor) -> Tensor:
        return h + self.table


class SinCosPositions(nn.Module):
    """Fixed sinusoids of row and column for the patches, learned rows for the extra tokens."""

    patches: Tensor

    def __init__(self, extras: int, grid: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("patches", sincos_2d(grid, dim)[None], persistent=False)
        self.table = nn.Parameter(torch.zeros(1, extras, dim)) if extras else None

    def forward(self, h: Tensor) -> Tensor:
        if self.table is None:
            return h + self.patches
        return h + torch.cat([self.table, self.patches], dim=1)


def sincos_2d(grid: int, dim: int) -> Tensor:
    """[sin(i·f); cos(i·f); sin(j·f); cos(j·f)] for row i and column j, f from 1 down towards 1/10000; (grid², D)."""
    quarter = dim // 4
    frequencies = 10_000.0 ** -(torch.arange(quarter, dtype=torch.float64) / quarter)
    angles = torch.arange(grid, dtype=torch.float64)[:, None] * frequencies
    line = torch.cat([angles.sin(), angles.cos()], dim=-1)
    rows, columns = line[:, None].expand(-1, grid, -1), line[None].expand(grid, -1, -1)
    return torch.cat([rows, columns], dim=-1).flatten(0, 1).to(torch.get_default_dtype())
