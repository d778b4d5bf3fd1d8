"""Batch norm folded into the convolution before it: the same numbers to rounding, a pass over memory less."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def fold_batch_norm(parent: nn.Module, conv: str, norm: str) -> None:
    """Replace ``parent.conv`` by the convolution followed by ``parent.norm``, and the norm by nothing.

    The product is formed in float64 and rounded once. Both must be in evaluation mode.
    """
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    dtype = getattr(parent, conv).weight.dtype
    fused = fuse_conv_bn_eval(getattr(parent, conv).double(), getattr(parent, norm).double())
    setattr(parent, conv, fused.to(dtype).requires_grad_(False))
    setattr(parent, norm, nn.Identity())
