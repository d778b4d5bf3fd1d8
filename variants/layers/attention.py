"""Multi-head self-attention with two kernels of equal result. B batch, L tokens, D width, H heads, K head width."""

from __future__ import annotations

from collections.abc import Callable

from einops import rearrange
from torch import Tensor, nn

Kernel = Callable[[Tensor, Tensor, Tensor], Tensor]


def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q·kᵀ/√K)·v in torch's fused kernel; all (B, H, L, K)."""
    return nn.functional.scaled_dot_product_attention(q, k, v)


def plain(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same as two matrix products and a softmax, which every counter and device understands."""
    weights = (q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5
    return weights.softmax(dim=-1) @ v


KERNELS: dict[str, Kernel] = {"fused": fused, "plain": plain}


class Attention(nn.Module):
    """Attention (Vaswani et al. 2017, eq. 1) with one projection for q, k and v, without bias."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.kernel: Kernel = fused
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)

    def forward(self, h: Tensor) -> Tensor:
        q, k, v = rearrange(self.qkv(h), "b l (three h k) -> three b h l k", three=3, h=self.num_heads)
        return self.proj(rearrange(self.kernel(q, k, v), "b h l k -> b l (h k)"))


def set_attention_kernel(model: nn.Module, name: str) -> None:
    """Make every attention of ``model`` compute with ``"fused"`` or ``"plain"``; raises ValueError for another name."""
    if name not in KERNELS:
        raise ValueError(f"unknown attention kernel '{name}'; known: {', '.join(KERNELS)}")
    for module in model.modules():
        if isinstance(module, Attention):
            module.kernel = KERNELS[name]
