"""The other side of the speed ratios: the official network's structure and training step, written from descriptions.

As docs/paper.md has it: float32 eager, q, k, v cast to float32 for torch's fused attention, long skips by
concatenation, convolutions over contiguous images, AdamW as torch makes it by default, EMA in a Python loop.
B images, L tokens, D width.
"""

from __future__ import annotations

import copy
import ctypes
import math
import platform
from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from bench.machine.allocator import keep_freed_memory
from variants.config import ModelConfig


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = rearrange(self.qkv(x), "b l (n h k) -> n b h l k", n=3, h=self.heads).float()
        return self.proj(rearrange(F.scaled_dot_product_attention(q, k, v), "b h l k -> b l (h k)"))


class Block(nn.Module):
    def __init__(self, dim: int, heads: int, *, skip: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.skip_linear = nn.Linear(2 * dim, dim) if skip else None

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        if self.skip_linear is not None and skip is not None:
            x = self.skip_linear(torch.cat([x, skip], dim=-1))
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Official(nn.Module):
    """The unconditional network of ``config``'s sizes, all choices at their default."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config, dim, half = config, config.embed_dim, config.depth // 2
        self.patch_embed = nn.Conv2d(config.channels, dim, config.patch, stride=config.patch)
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + config.num_patches, dim) * 0.02)
        self.in_blocks = nn.ModuleList(Block(dim, config.num_heads, skip=False) for _ in range(half))
        self.mid_block = Block(dim, config.num_heads, skip=False)
        self.out_blocks = nn.ModuleList(Block(dim, config.num_heads, skip=True) for _ in range(half))
        self.norm = nn.LayerNorm(dim)
        self.decoder_pred = nn.Linear(dim, config.patch**2 * config.channels)
        self.final_layer = nn.Conv2d(config.channels, config.channels, 3, padding=1)

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        tokens = rearrange(self.patch_embed(x), "b d h w -> b (h w) d")
        x = torch.cat([_embedding(timesteps, self.config.embed_dim)[:, None], tokens], dim=1) + self.pos_embed
        skips: list[Tensor] = []
        for block in self.in_blocks:
            x = block(x)
            skips.append(x)
        x = self.mid_block(x)
        for block in self.out_blocks:
            x = block(x, skips.pop())
        x = self.decoder_pred(self.norm(x))[:, 1:]
        p = self.config.patch
        return self.final_layer(
            rearrange(x, "b (h w) (p q c) -> b c (h p) (w q)", h=self.config.grid, p=p, q=p, c=self.config.channels)
        )


def _embedding(timesteps: Tensor, dim: int) -> Tensor:
    half = torch.arange(dim // 2, dtype=torch.float32)
    frequencies = torch.exp(-math.log(10_000) * half / (dim // 2)).to(timesteps.device)
    angles = timesteps[:, None].float() * frequencies[None]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def with_default_memory(work: Callable[[], object], config: ModelConfig, batch_size: int) -> Callable[[], object]:
    """``work`` under what glibc's own rule comes to in a process that does nothing else (mallopt(3), M_MMAP_THRESHOLD).

    The threshold grows to the largest freed block, at most 32 MiB, and the heap keeps twice as much at its end.
    """
    if platform.libc_ver()[0] != "glibc":
        return work
    blocks = [4 * batch_size * (config.num_patches + 1) * width * config.embed_dim for width in (1, 2, 3, 4)]
    largest = max((size for size in blocks if size <= 32 << 20), default=32 << 20)
    mallopt = ctypes.CDLL(None).mallopt

    def under_defaults() -> object:
        mallopt(-3, largest)
        mallopt(-1, 2 * largest)
        return work()

    return under_defaults


def with_kept_memory(work: Callable[[], object]) -> Callable[[], object]:
    """``work`` under the suite's own settings, which another side of a comparison may have changed."""

    def under_ours() -> object:
        keep_freed_memory.cache_clear()
        keep_freed_memory()
        return work()

    return under_ours


def official_step(config: ModelConfig, batch_size: int, device: str = "cpu") -> Callable[[], Tensor]:
    """One full step (forward, backward, AdamW, EMA) on fixed random images, as `bench.training.make_step`'s."""
    network = Official(config).to(device).train()
    average = copy.deepcopy(network).requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-4, weight_decay=0.03, betas=(0.99, 0.999))
    shape = (batch_size, config.channels, config.image_size, config.image_size)
    x0, noise, t = (v.to(device) for v in (torch.randn(shape).clamp(-1, 1), torch.randn(shape), torch.rand(batch_size)))

    def step() -> Tensor:
        log_alpha = (-0.25 * 19.9 * t**2 - 0.05 * t)[:, None, None, None]
        x_t = log_alpha.exp() * x0 + (1 - (2 * log_alpha).exp()).sqrt() * noise
        optimizer.zero_grad()
        loss = (noise - network(x_t, 999 * t)).pow(2).flatten(1).mean(dim=-1).mean()
        loss.backward()
        optimizer.step()
        source = dict(network.named_parameters())
        for name, parameter in average.named_parameters():
            parameter.data.mul_(0.9999).add_((1 - 0.9999) * source[name].data)
        return loss.detach()

    return step
