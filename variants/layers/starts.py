"""Layers whose type says how they start (`variants.init` reads it); in all else they are torch's own."""

from __future__ import annotations

from torch import nn

from variants.layers.position import LearnedPositions


class ZeroLinear(nn.Linear):
    """Starts at zero, so that the branch it ends is at first absent."""


class ZeroConv2d(nn.Conv2d):
    """Starts at zero, so that the branch it ends is at first absent."""


class DiracConv2d(nn.Conv2d):
    """Starts as the identity: a Dirac kernel, zero bias (as many channels out as in)."""


class SinCosStart(LearnedPositions):
    """Learned positions whose rows for the patches, the last ones, start as sinusoids of row and column."""

    def __init__(self, tokens: int, dim: int, *, grid: int) -> None:
        super().__init__(tokens, dim)
        self.grid = grid


class SmallLinear(nn.Linear):
    """Starts at N(0, 0.02²)."""


def start_as_dirac(model: nn.Module, name: str) -> None:
    """Replace the convolution ``name`` of ``model`` by one that starts as the identity."""
    conv = model.get_submodule(name)
    assert isinstance(conv, nn.Conv2d) and conv.in_channels == conv.out_channels
    model.set_submodule(name, _like(conv, DiracConv2d))


def start_at_zero(model: nn.Module, name: str) -> None:
    """Replace the linear layer or convolution ``name`` of ``model`` by one that starts at zero."""
    layer = model.get_submodule(name)
    if isinstance(layer, nn.Conv2d):
        model.set_submodule(name, _like(layer, ZeroConv2d))
    else:
        assert isinstance(layer, nn.Linear)
        model.set_submodule(name, ZeroLinear(layer.in_features, layer.out_features))


def start_as_sincos(model: nn.Module, name: str, *, grid: int) -> None:
    """Replace the learned positions ``name`` of ``model`` by ones that start as sinusoids over ``grid``² patches."""
    positions = model.get_submodule(name)
    assert isinstance(positions, LearnedPositions)
    _, tokens, dim = positions.table.shape
    model.set_submodule(name, SinCosStart(tokens, dim, grid=grid))


def _like(conv: nn.Conv2d, kind: type[nn.Conv2d]) -> nn.Conv2d:
    """A convolution of ``kind`` with the shape of ``conv``: square, padded, of stride 1."""
    size, padding = conv.kernel_size[0], conv.padding
    assert isinstance(padding, tuple)
    return kind(conv.in_channels, conv.out_channels, size, padding=padding[0])
