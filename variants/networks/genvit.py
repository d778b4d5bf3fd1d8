"""GenViT (Yang et al. 2022, section 3.2). B batch, L tokens (class token and patches), D width.

Time follows its code: the scale and shift are one number each a token, not a channel as the paper's formula can be
read, and act on the residual stream itself, ahead of each block.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from variants.config import ModelConfig
from variants.inputs import check_inputs
from variants.layers.patch import LinearPatches
from variants.layers.position import LearnedPositions
from variants.layers.time import SinusoidalEmbedding
from variants.networks.blocks import attention, mlp, outputs, run


class GenViT(nn.Module):
    """The network of ``config``; a label is added to the class token (the original diffuses without labels)."""

    initial_weights = "xavier"

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, tokens = config.embed_dim, config.num_patches + 1
        self.config = config
        self.gradient_checkpointing = False
        self.patch_embed = LinearPatches(config.channels, dim, config.patch)
        self.class_token = LearnedPositions(1, dim)
        self.label_emb = nn.Embedding(config.label_rows, dim) if config.num_classes else None
        self.pos_embed = LearnedPositions(tokens, dim)
        self.time_sinusoid = SinusoidalEmbedding(dim, inclusive=True)
        self.time_embed = nn.Sequential(nn.Linear(dim, 4 * tokens), nn.GELU(), nn.Linear(4 * tokens, 4 * tokens))
        self.blocks = nn.ModuleList(TimedBlock(config, tokens) for _ in range(config.depth))
        self.decoder_pred = nn.Linear(dim, config.patch**2 * config.channels)

    def forward(self, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None) -> Tensor:
        """The predicted noise (B, C, H, W); arguments and errors as `variants.backbone.UViT`, without context."""
        check_inputs(self.config, x, timesteps, y, context)
        patches = self.patch_embed(x)
        label = torch.zeros_like(patches[:, :1]) if self.label_emb is None else self.label_emb(y)[:, None]
        h = self.pos_embed(torch.cat([self.class_token(label), patches], dim=1))
        time = self.time_embed(self.time_sinusoid(timesteps, self.decoder_pred.weight.dtype))
        for block in self.blocks:
            h = run(block, h, time, checkpointing=self.gradient_checkpointing)
        pixels, patch = self.decoder_pred(h[:, 1:]), self.config.patch
        return rearrange(
            pixels, "b (h w) (p q c) -> b c (h p) (w q)", h=self.config.grid, p=patch, q=patch
        ).contiguous()

    def hidden_states(
        self, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None
    ) -> list[Tensor]:
        """The tokens after each block in order, (B, L, D) each, the class token first."""
        return outputs(self.blocks, lambda: self(x, timesteps, y, context))


class TimedBlock(nn.Module):
    """h ← h·(μ + 1) + σ, one μ and σ a token; then h ← h + attention(norm(h)) and h ← h + mlp(norm(h))."""

    def __init__(self, config: ModelConfig, tokens: int) -> None:
        super().__init__()
        self.time1 = nn.Sequential(nn.SiLU(), nn.Linear(4 * tokens, 2 * tokens))
        self.norm1 = nn.LayerNorm(config.embed_dim)
        self.attn = attention(config)
        self.norm2 = nn.LayerNorm(config.embed_dim)
        self.mlp = mlp(config)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.time1(time)[..., None].chunk(2, dim=1)
        h = h * (scale + 1) + shift
        h = h + self.attn(self.norm1(h))
        return h + self.mlp(self.norm2(h))
