"""The output convolution, before the tokens' linear or after un-patchify. B batch, L tokens, D width."""

from __future__ import annotations

from dataclasses import dataclass

from einops import rearrange
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvHead:
    """``before`` acts on the patch tokens (B, L, D) ahead of the linear, ``after`` on the image (B, C, H, W)."""

    before: nn.Module
    after: nn.Module


class TokenConv(nn.Module):
    """A 3×3 convolution over the grid of patch tokens, D → D; (B, L, D) → (B, L, D)."""

    def __init__(self, dim: int, grid: int) -> None:
        super().__init__()
        self.grid = grid
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, tokens: Tensor) -> Tensor:
        image = rearrange(tokens, "b (h w) d -> b d h w", h=self.grid)
        return rearrange(self.conv(image), "b d h w -> b (h w) d")


def conv_after(channels: int) -> ConvHead:
    """One bare 3×3 convolution on the image, C → C."""
    return ConvHead(before=nn.Identity(), after=nn.Conv2d(channels, channels, 3, padding=1))


def conv_before(dim: int, grid: int) -> ConvHead:
    """One bare 3×3 convolution on the map of features, D → D."""
    return ConvHead(before=TokenConv(dim, grid), after=nn.Identity())


def no_conv() -> ConvHead:
    """No convolution."""
    return ConvHead(before=nn.Identity(), after=nn.Identity())
