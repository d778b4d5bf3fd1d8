"""DiT with AdaLN-Zero (Peebles and Xie 2023, section 3.2 and Fig. 3). B batch, L tokens, D width.

It predicts the noise alone: the original also learns the variance, in as many output channels again.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from variants.config import ModelConfig
from variants.inputs import check_inputs
from variants.layers.patch import LinearPatches
from variants.layers.position import sincos_2d
from variants.layers.starts import SmallLinear, ZeroLinear
from variants.layers.time import SinusoidalEmbedding
from variants.networks.blocks import attention, mlp, outputs, run

FREQUENCIES = 256  # numbers of the time's sinusoids, whatever the width


class DiT(nn.Module):
    """The network of ``config``; label and time are one vector (B, D) that modulates every block."""

    initial_weights = "xavier"

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.embed_dim
        self.config = config
        self.gradient_checkpointing = False
        self.patch_embed = LinearPatches(config.channels, dim, config.patch)
        self.positions = FixedPositions(config.grid, dim)
        self.time_sinusoid = SinusoidalEmbedding(FREQUENCIES)
        self.time_embed = nn.Sequential(SmallLinear(FREQUENCIES, dim), nn.SiLU(), SmallLinear(dim, dim))
        self.label_emb = nn.Embedding(config.label_rows, dim) if config.num_classes else None
        self.blocks = nn.ModuleList(ModulatedBlock(config) for _ in range(config.depth))
        self.final_layer = FinalLayer(config)

    def forward(self, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None) -> Tensor:
        """The predicted noise (B, C, H, W); arguments and errors as `variants.backbone.UViT`, without context."""
        check_inputs(self.config, x, timesteps, y, context)
        h = self.positions(self.patch_embed(x))
        condition = self.time_embed(self.time_sinusoid(timesteps, self.final_layer.linear.weight.dtype))
        if self.label_emb is not None:
            condition = condition + self.label_emb(y)
        for block in self.blocks:
            h = run(block, h, condition, checkpointing=self.gradient_checkpointing)
        pixels, patch = self.final_layer(h, condition), self.config.patch
        return rearrange(
            pixels, "b (h w) (p q c) -> b c (h p) (w q)", h=self.config.grid, p=patch, q=patch
        ).contiguous()

    def hidden_states(
        self, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None
    ) -> list[Tensor]:
        """The patch tokens after each block in order, (B, L, D) each."""
        return outputs(self.blocks, lambda: self(x, timesteps, y, context))


class FixedPositions(nn.Module):
    """Adds sinusoids of column and row; (B, L, D) → (B, L, D)."""

    table: Tensor

    def __init__(self, grid: int, dim: int) -> None:
        super().__init__()
        columns_first = torch.roll(sincos_2d(grid, dim), dim // 2, dims=-1)
        self.register_buffer("table", columns_first[None], persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.table


class ModulatedBlock(nn.Module):
    """h ← h + a₁·attention(γ₁(norm(h))); h ← h + a₂·mlp(γ₂(norm(h))), with a and γ from the condition (B, D)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.embed_dim
        self.norm1 = _norm(dim)
        self.attn = attention(config, qkv_bias=True)
        self.norm2 = _norm(dim)
        self.mlp = mlp(config, approximate="tanh")
        self.modulation = nn.Sequential(nn.SiLU(), ZeroLinear(dim, 6 * dim))

    def forward(self, h: Tensor, condition: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(condition)[:, None].chunk(6, dim=-1)
        h = h + gate1 * self.attn(_modulate(self.norm1(h), shift1, scale1))
        return h + gate2 * self.mlp(_modulate(self.norm2(h), shift2, scale2))


class FinalLayer(nn.Module):
    """A modulated norm and one linear map per patch; (B, L, D) and (B, D) → (B, L, pixels of a patch)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.embed_dim
        self.norm = _norm(dim)
        self.modulation = nn.Sequential(nn.SiLU(), ZeroLinear(dim, 2 * dim))
        self.linear = ZeroLinear(dim, config.patch**2 * config.channels)

    def forward(self, h: Tensor, condition: Tensor) -> Tensor:
        shift, scale = self.modulation(condition)[:, None].chunk(2, dim=-1)
        return self.linear(_modulate(self.norm(h), shift, scale))


def _norm(dim: int) -> nn.LayerNorm:
    return nn.LayerNorm(dim, eps=1e-6, elementwise_affine=False)


def _modulate(h: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return h * (1 + scale) + shift
