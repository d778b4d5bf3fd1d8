"""Layers whose type says how they start (`variants.init` reads it); in all else they are torch's own."""

from __future__ import annotations

from torch import nn


class ZeroLinear(nn.Linear):
    """Starts at zero, so that the branch it ends is at first absent."""


class ZeroConv2d(nn.Conv2d):
    """Starts at zero, so that the branch it ends is at first absent."""


class SmallLinear(nn.Linear):
    """Starts at N(0, 0.02²)."""
