"""Patch embeddings: (B, C, H, W) → (B, L, D), L in row-major order of the patches."""

from __future__ import annotations

from einops import rearrange
from torch import Tensor, nn

_GROUP = 16  # channels per group of a GroupNorm; fewer would come close to erasing each channel's mean


class LinearPatches(nn.Module):
    """One linear map per patch, written as a convolution whose stride is its size."""

    def __init__(self, channels: int, dim: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, kernel_size=patch, stride=patch)

    def forward(self, x: Tensor) -> Tensor:
        return rearrange(self.proj(x), "b d h w -> b (h w) d")


class ConvStackPatches(nn.Module):
    """log2(patch) stages of stride 2 (one of stride 1 at patch 1), doubling their width up to D, then 1×1.

    After "Early Convolutions Help Transformers See Better" (Xiao et al. 2021), with GroupNorm and SiLU.
    """

    def __init__(self, channels: int, dim: int, patch: int) -> None:
        super().__init__()
        stages = max(1, patch.bit_length() - 1)
        widths = [max(1, dim >> (stages - 1 - stage)) for stage in range(stages)]
        inputs = [channels, *widths[:-1]]
        stride = min(patch, 2)
        self.stages = nn.Sequential(*(_stage(a, b, stride) for a, b in zip(inputs, widths, strict=True)))
        self.proj = nn.Conv2d(widths[-1], dim, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return rearrange(self.proj(self.stages(x)), "b d h w -> b (h w) d")


def _stage(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    groups = outputs // _GROUP if outputs % _GROUP == 0 else 1
    conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(groups, outputs), nn.SiLU())
