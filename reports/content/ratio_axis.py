"""Logarithmic axes of ratios: which numbers stand at their ticks, the same in figures and on the page."""

from __future__ import annotations

import math

_NUMBERS = (1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0)
_APART = 0.15  # least distance of two ticks as a share of the axis


def ratio_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """(logarithm, text) of the ticks of an axis from ``low`` to ``high``, both logarithms: 1 and numbers on both sides.

    A number stands with its inverse where the axis reaches that far. From the ends inwards, each as far from the next
    as its text needs. Raises ValueError for an axis that does not rise.
    """
    if not low < high:
        raise ValueError(f"axis: expected logarithms that rise, got {low:g} to {high:g}")
    apart = _APART * (high - low)
    kept: list[float] = []
    for log in map(math.log, reversed(_NUMBERS)):
        if log <= max(high, -low) and log >= apart and all(other - log >= apart for other in kept):
            kept.append(log)
    found = [-log for log in kept] + [0.0] + kept[::-1]
    return [(log, ratio_text(log)) for log in found if low <= log <= high]


def ratio_text(log: float) -> str:
    """``1.2``, and of its inverse ``0.83``."""
    return f"{math.exp(log):.{3 if log >= 0 else 2}g}"
