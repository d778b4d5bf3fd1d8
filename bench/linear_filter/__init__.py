"""What linear algebra alone predicts of the noise: a reference for every eps-loss. Needs no torch."""

from bench.linear_filter.losses import linear_filter

__all__ = ["linear_filter"]
