"""Multi-head self-attention with two kernels of equal result. B batch, L tokens, D width, H heads, K head width."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Kernel = Callable[[Tensor, int], Tensor]  # q, k, v of every token (B, L, 3D) and H to (B, L, D)


def fused(qkv: Tensor, heads: int) -> Tensor:
    """softmax(q·kᵀ/√K)·v in torch's fused kernel."""
    q, k, v = rearrange(qkv, "b l (three h k) -> three b h l k", three=3, h=heads)
    return rearrange(nn.functional.scaled_dot_product_attention(q, k, v), "b h l k -> b l (h k)")


def plain(qkv: Tensor, heads: int) -> Tensor:
    """The same as two matrix products and a softmax, which every counter and device understands."""
    if qkv.requires_grad and torch.is_grad_enabled():
        attended: Tensor = _PlainWithGradient.apply(qkv, heads)
        return attended
    return _attend(qkv, heads)[0]


def _attend(qkv: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The output (B, L, D), and what its gradient needs: q/√K, k, v (B·H, L, K) and the weights (B·H, L, L)."""
    q, k, v = rearrange(qkv, "b l (three h k) -> three (b h) l k", three=3, h=heads)
    q = q * q.shape[-1] ** -0.5
    weights = torch.bmm(q, k.mT).softmax(dim=-1)
    attended = rearrange(torch.bmm(weights, v), "(b h) l k -> b l (h k)", h=heads)
    return attended, q, k, v, weights


class _PlainWithGradient(torch.autograd.Function):
    """`plain` with its gradient written out: fewer nodes and copies, and no pass over the scores to scale them."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, heads: int) -> Tensor:
        attended, *saved = _attend(qkv, heads)
        ctx.save_for_backward(*saved)
        ctx.heads = heads
        return attended

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        q, k, v, weights = ctx.saved_tensors
        d_attended = rearrange(grad, "b l (h k) -> (b h) l k", h=ctx.heads)
        d_weights = torch.bmm(d_attended, v.mT)
        d_scores = torch.ops.aten._softmax_backward_data(d_weights, weights, -1, weights.dtype)
        d_qkv = q.new_empty((3, *q.shape))
        torch.bmm(d_scores, k, out=d_qkv[0]).mul_(k.shape[-1] ** -0.5)
        torch.bmm(d_scores.mT, q, out=d_qkv[1])
        torch.bmm(weights.mT, d_attended, out=d_qkv[2])
        return rearrange(d_qkv, "three (b h) l k -> b l (three h k)", h=ctx.heads), None


KERNELS: dict[str, Kernel] = {"fused": fused, "plain": plain}


class Attention(nn.Module):
    """Attention (Vaswani et al. 2017, eq. 1) with one projection for q, k and v, without bias unless asked for."""

    def __init__(self, dim: int, num_heads: int, *, qkv_bias: bool = False) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.kernel: Kernel = fused
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, h: Tensor) -> Tensor:
        return self.proj(self.kernel(self.qkv(h), self.num_heads))


def set_attention_kernel(model: nn.Module, name: str) -> None:
    """Make every attention of ``model`` compute with ``"fused"`` or ``"plain"``; raises ValueError for another name."""
    if name not in KERNELS:
        raise ValueError(f"unknown attention kernel '{name}'; known: {', '.join(KERNELS)}")
    for module in model.modules():
        if isinstance(module, Attention):
            module.kernel = KERNELS[name]
