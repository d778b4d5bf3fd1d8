"""Fusions of the main branch h_m and the long skip h_s, both (B, L, D), to (B, L, D)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConcatSkip(nn.Module):
    """Linear([h_m; h_s]), 2D → D."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * dim, dim)

    def forward(self, h_m: Tensor, h_s: Tensor) -> Tensor:
        return self.linear(torch.cat([h_m, h_s], dim=-1))


class LinearSumSkip(nn.Module):
    """Linear(h_m + h_s), D → D."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim)

    def forward(self, h_m: Tensor, h_s: Tensor) -> Tensor:
        return self.linear(h_m + h_s)


class LinearSkip(nn.Module):
    """h_m + Linear(h_s), D → D."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim)

    def forward(self, h_m: Tensor, h_s: Tensor) -> Tensor:
        return h_m + self.linear(h_s)


class AddSkip(nn.Module):
    """h_m + h_s."""

    def forward(self, h_m: Tensor, h_s: Tensor) -> Tensor:
        return h_m + h_s


class NoSkip(nn.Module):
    """h_m: the long skip is dropped."""

    def forward(self, h_m: Tensor, h_s: Tensor) -> Tensor:
        return h_m
