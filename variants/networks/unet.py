"""The U-Net of DDPM (Ho et al. 2020, appendix B, and its published code). B batch, C channels, H height, W width.

Left out: dropout (0.1 on CIFAR10), because a training here must depend on its seed and step alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from einops import rearrange
from torch import Tensor, nn

from variants.config import ModelConfig
from variants.inputs import check_inputs
from variants.layers.attention import Attention
from variants.layers.starts import ZeroConv2d, ZeroLinear
from variants.layers.time import SinusoidalEmbedding
from variants.networks.blocks import outputs, run

EPS = 1e-6
_FEWEST = 4  # channels in a group of a GroupNorm, as 128 in 32


class UNet(nn.Module):
    """The network of ``config``: ``levels`` of ``depth`` units down, a middle, and one unit more a level up.

    Each unit on the way down leaves its output to one on the way up, which concatenates it. Labels join the time.
    """

    initial_weights = "xavier"

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, hidden = config.embed_dim, 4 * config.embed_dim
        self.config = config
        self.gradient_checkpointing = False
        self.time_sinusoid = SinusoidalEmbedding(dim, inclusive=True)
        self.time_embed = nn.Sequential(nn.Linear(dim, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.label_emb = nn.Embedding(config.label_rows, hidden) if config.num_classes else None
        self.patch_embed = nn.Conv2d(config.channels, dim, 3, padding=1)
        self.down, kept = _down(config)
        width, deepest = config.levels[-1], len(config.levels) - 1
        self.middle = nn.ModuleList([Unit(config, width, width, attend=True), Unit(config, width, width, attend=False)])
        self.up = nn.ModuleList(_up(config, kept, width, deepest))
        first = config.levels[0]
        self.final_norm = _norm(first)
        self.final_layer = ZeroConv2d(first, config.channels, 3, padding=1)

    def forward(self, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None) -> Tensor:
        """The predicted noise (B, C, H, W); arguments and errors as `variants.backbone.UViT`, without context."""
        check_inputs(self.config, x, timesteps, y, context)
        time = self.time_embed(self.time_sinusoid(timesteps, self.final_layer.weight.dtype))
        if self.label_emb is not None:
            time = time + self.label_emb(y)
        h = self.patch_embed(x)
        kept = [h]
        for unit in self.down:
            h = self._run(unit, h, time)
            kept.append(h)
        for unit in self.middle:
            h = self._run(unit, h, time)
        for unit in self.up:
            h = self._run(unit, h if isinstance(unit, Upsample) else torch.cat([h, kept.pop()], dim=1), time)
        return self.final_layer(nn.functional.silu(self.final_norm(h)))

    def hidden_states(
        self, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None
    ) -> list[Tensor]:
        """The map after each unit of residual block and attention in order, as tokens (B, H·W, C), C by level."""
        units = [unit for unit in self._units() if isinstance(unit, Unit)]
        maps = outputs(units, lambda: self(x, timesteps, y, context))
        return [rearrange(h, "b c h w -> b (h w) c") for h in maps]

    def _units(self) -> Iterator[nn.Module]:
        for part in (self.down, self.middle, self.up):
            yield from part

    def _run(self, unit: nn.Module, h: Tensor, time: Tensor) -> Tensor:
        return run(unit, h, time, checkpointing=self.gradient_checkpointing)


def _down(config: ModelConfig) -> tuple[nn.ModuleList, list[int]]:
    """The units on the way down, and the channels that each leaves to the way up, the first convolution's ahead."""
    units, kept, width = nn.ModuleList(), [config.embed_dim], config.embed_dim
    for level, channels in enumerate(config.levels):
        for _ in range(config.depth):
            units.append(Unit(config, width, channels, attend=2**level in config.attention_at))
            width = channels
            kept.append(width)
        if level < len(config.levels) - 1:
            units.append(Downsample(width))
            kept.append(width)
    return units, kept


def _up(config: ModelConfig, kept: list[int], width: int, deepest: int) -> Iterator[nn.Module]:
    for level in range(deepest, -1, -1):
        channels = config.levels[level]
        for _ in range(config.depth + 1):
            yield Unit(config, width + kept.pop(), channels, attend=2**level in config.attention_at)
            width = channels
        if level:
            yield Upsample(width)


class Unit(nn.Module):
    """A residual block and, where it attends, attention; (B, C, H, W) and time (B, 4·D) → (B, C', H, W)."""

    def __init__(self, config: ModelConfig, inputs: int, channels: int, *, attend: bool) -> None:
        super().__init__()
        self.norm1 = _norm(inputs)
        self.conv1 = nn.Conv2d(inputs, channels, 3, padding=1)
        self.time1 = nn.Linear(4 * config.embed_dim, channels)
        self.norm2 = _norm(channels)
        self.conv2 = ZeroConv2d(channels, channels, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, channels, 1) if inputs != channels else nn.Identity()
        self.attention = MapAttention(channels) if attend else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        through = self.shortcut(x)  # ahead of the rest: checkpointing then need not repeat the second convolution
        h = self.conv1(nn.functional.silu(self.norm1(x)))
        h = h + self.time1(nn.functional.silu(time))[:, :, None, None]
        h = self.conv2(nn.functional.silu(self.norm2(h)))
        return self.attention(through + h)


class MapAttention(nn.Module):
    """h + attention(norm(h)) over all places of a map, with one head; (B, C, H, W) → same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.attn = Attention(channels, 1, qkv_bias=True)
        self.attn.proj = ZeroLinear(channels, channels)
        vars(self.attn.qkv)["fan_out"] = channels  # three maps of the original in one weight

    def forward(self, h: Tensor) -> Tensor:
        tokens = rearrange(self.norm(h), "b c h w -> b (h w) c")
        return h + rearrange(self.attn(tokens), "b (h w) c -> b c h w", h=h.shape[2])


class Downsample(nn.Module):
    """A 3×3 convolution of stride 2, padded below and on the right only, as TensorFlow does."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        return self.conv(nn.functional.pad(h, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Each place four times, then a 3×3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        return self.conv(nn.functional.interpolate(h, scale_factor=2.0, mode="nearest"))


def _norm(channels: int) -> nn.GroupNorm:
    """GroupNorm of 32 groups; of fewer where a group would have under four channels or an unequal number."""
    groups = 32
    while groups > 1 and (channels % groups or channels // groups < _FEWEST):
        groups //= 2
    return nn.GroupNorm(groups, channels, eps=EPS)
