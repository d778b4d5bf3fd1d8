"""The transformer block of U-ViT, assembled from the slots of its config. B batch, L tokens, D width."""

from __future__ import annotations

from torch import Tensor, nn

from variants.axis import builder
from variants.config import ModelConfig
from variants.layers.attention import Attention
from variants.layers.gelu import Gelu
from variants.layers.time import TimeConditioning


class Mlp(nn.Module):
    """Linear, GELU, Linear; (B, L, D) → (B, L, D)."""

    def __init__(self, dim: int, hidden: int, *, approximate: str = "none") -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.act = Gelu(approximate)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, h: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(h)))


class Block(nn.Module):
    """h ← h + attention(norm(h)); h ← h + mlp(norm(h)), after fusing a long skip into h where there is one."""

    def __init__(self, config: ModelConfig, time: TimeConditioning, *, skip: nn.Module | None = None) -> None:
        super().__init__()
        self.skip_linear = skip
        self.norm1 = make_norm(config, affine=time.affine)
        self.time1 = time.modulation()
        self.attn = _attention(config)
        self.norm2 = make_norm(config, affine=time.affine)
        self.time2 = time.modulation()
        self.mlp = _mlp(config)

    def forward(self, h: Tensor, time: Tensor, h_s: Tensor | None = None) -> Tensor:
        if self.skip_linear is not None:
            h = self.skip_linear(h, h_s)
        h = h + self.attn(self.time1(self.norm1(h), time))
        return h + self.mlp(self.time2(self.norm2(h), time))


def make_norm(config: ModelConfig, *, affine: bool) -> nn.Module:
    """The norm of the slot ``norm``: (B, L, D) → (B, L, D), with learned scale and shift where ``affine``."""
    build = builder(config, "norm")
    return build(config, affine) if build else nn.LayerNorm(config.embed_dim, elementwise_affine=affine)


def _attention(config: ModelConfig) -> nn.Module:
    build = builder(config, "attention")
    return build(config) if build else Attention(config.embed_dim, config.num_heads)


def _mlp(config: ModelConfig) -> nn.Module:
    build = builder(config, "mlp")
    return build(config) if build else Mlp(config.embed_dim, config.mlp_hidden)
